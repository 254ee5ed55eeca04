/* What flows say, as sets of packets. */
#include "prove/prove_int.h"

#include <netinet/in.h>

/* --- states */

int rf_states_of(struct rf_sets *s, enum rf_rs_state state, bool reply)
{
	return rf_sets_and(s, rf_space_num(s, RF_RS_STATE, state, state),
			   rf_space_num(s, RF_RS_DIRECTION, reply, reply));
}

int rf_states_new(struct rf_sets *s)
{
	return rf_sets_or(s, rf_space_num(s, RF_RS_STATE, RF_RS_NEW, RF_RS_NEW),
			  rf_space_num(s, RF_RS_STATE, RF_RS_INVALID, RF_RS_UNTRACKED));
}

int rf_states_all(struct rf_sets *s)
{
	return rf_space_num(s, RF_RS_STATE, RF_RS_NEW, RF_RS_INVALID);
}

/* --- addresses that do not travel */

static const char *const martians[] = {
	"0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3",
	"::/127", "fe80::/10", "ff00::/8",
};
/* Special-purpose addresses (RFC 6890): what filters towards the outside often drop, and nobody outside needs. */
static const char *const special[] = {
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
	"192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
	"224.0.0.0/3", "::/3", "2001::/23", "2001:db8::/32", "2002::/16", "3ffe::/16", "3fff::/20", "4000::/2",
	"8000::/1",
};

static int named(struct rf_sets *s, enum rf_rs_field field, const char *text)
{
	struct rf_rs_cell c;

	return rf_rs_address(rf_view_str(text), &c) ? rf_space_cell(s, field, &c) : rf_sets_none();
}

int rf_martians(struct rf_sets *s, enum rf_rs_field field)
{
	int x = rf_sets_none();

	for (size_t i = 0; i < sizeof martians / sizeof *martians; i++)
		x = rf_sets_or(s, x, named(s, field, martians[i]));
	return x;
}

int rf_everybody(struct rf_sets *s, enum rf_rs_field field)
{
	int x = rf_sets_none();

	for (size_t i = 0; i < sizeof special / sizeof *special; i++)
		x = rf_sets_or(s, x, named(s, field, special[i]));
	return rf_sets_not(s, x);
}

/* --- a flow */

/* Where a zone's own subnet stands for its hosts, its first and last address are nobody's. */
static int without_edges(struct rf_prover *p, enum rf_rs_field field, const struct rf_site_ip *subnet, int x)
{
	struct rf_rs_cell c = rf_rs_prefix(subnet->family, subnet->b, subnet->prefix);

	if (subnet->family != 4 || subnet->prefix > 30)
		return x;
	struct rf_rs_cell first = rf_rs_span(4, c.ip.lo, c.ip.lo), last = rf_rs_span(4, c.ip.hi, c.ip.hi);
	x = rf_sets_minus(p->s, x, rf_space_cell(p->s, field, &first));
	return rf_sets_minus(p->s, x, rf_space_cell(p->s, field, &last));
}

static int end_set(struct rf_prover *p, const struct rf_end *e, enum rf_rs_field field, bool needed)
{
	struct rf_sets *s = p->s;
	size_t mark = rf_sets_mark(s);
	int x = rf_sets_none();

	for (size_t i = 0; i < e->n; i++) {
		struct rf_rs_cell c = rf_rs_prefix(e->v[i].family, e->v[i].b, e->v[i].prefix);

		x = rf_sets_or(s, x, rf_space_cell(s, field, &c));
	}
	if (!e->n) {
		x = rf_region_set(s, field, &p->zones[e->zone - p->site->zones]);
		if (needed && rf_zone_outside(e->zone))
			x = rf_sets_and(s, x, field == RF_RS_SRC ? p->public_source : p->public_target);
		else if (needed)
			x = without_edges(p, field, &e->zone->subnet, x);
	}
	return rf_sets_release(s, mark, x);
}

static int ports(struct rf_sets *s, enum rf_rs_field field, struct rf_site_ports r)
{
	return r.first == 0 && r.last == 65535 ? rf_sets_all() : rf_space_num(s, field, r.first, r.last);
}

static int icmp(struct rf_sets *s, const struct rf_flow *f, struct rf_flow_part part, uint8_t family)
{
	uint8_t type = family == 4 ? (part.turned ? 0 : 8) : (part.turned ? 129 : 128);
	int x = f->icmp == RF_ICMP_ECHO || part.needed ? rf_space_num(s, RF_RS_ICMP_TYPE, type, type) : rf_sets_all();

	return part.needed ? rf_sets_and(s, x, rf_space_num(s, RF_RS_ICMP_CODE, 0, 0)) : x;
}

/* What the transport header says, for one family. */
static int transport(struct rf_prover *p, const struct rf_flow *f, struct rf_flow_part part, uint8_t family)
{
	struct rf_sets *s = p->s;
	uint32_t proto = (uint32_t)f->protocol;
	int x = rf_sets_all();

	if (f->protocol == IPPROTO_ICMP || f->protocol == IPPROTO_ICMPV6) {
		proto = family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
		x = icmp(s, f, part, family);
	} else if (f->protocol == IPPROTO_TCP || f->protocol == IPPROTO_UDP || f->protocol == IPPROTO_SCTP) {
		x = rf_sets_and(s, ports(s, part.turned ? RF_RS_DPORT : RF_RS_SPORT, f->sport),
				ports(s, part.turned ? RF_RS_SPORT : RF_RS_DPORT, f->dport));
	}
	/* A later piece says nothing of ports; without its first one it is worth nothing. */
	int whole = rf_space_num(s, RF_RS_FRAGMENT, 0, 0);
	x = part.needed ? rf_sets_and(s, x, whole) : rf_sets_or(s, x, rf_sets_not(s, whole));
	return rf_sets_and(s, x,
			   rf_sets_and(s, rf_space_family(s, family), rf_space_num(s, RF_RS_PROTO, proto, proto)));
}

int rf_flow_set(struct rf_prover *p, const struct rf_flow *f, struct rf_flow_part part)
{
	struct rf_sets *s = p->s;
	size_t mark = rf_sets_mark(s);
	const struct rf_end *from = part.turned ? &f->to : &f->from, *to = part.turned ? &f->from : &f->to;
	int x = rf_sets_and(s, end_set(p, from, RF_RS_SRC, part.needed), end_set(p, to, RF_RS_DST, part.needed));

	return rf_sets_release(s, mark,
			       rf_sets_and(s, x, rf_sets_or(s, transport(p, f, part, 4), transport(p, f, part, 6))));
}

const struct rf_flow *rf_flow_of(struct rf_prover *p, const struct rf_site_zone *from, const struct rf_site_zone *to,
				 const struct rf_packet *packet, bool answer)
{
	struct rf_sets *s = p->s;
	size_t mark = rf_sets_mark(s);
	const struct rf_flow *found = NULL;
	int one = rf_space_packet(s, packet);

	for (int a = answer; a >= 0 && !found; a--) /* an answer may also be what a flow in its own direction needs */
		for (size_t i = 0; i < p->ask->flows->n && !found; i++) {
			const struct rf_flow *f = &p->ask->flows->v[i];
			const struct rf_site_zone *x = a ? f->to.zone : f->from.zone,
						  *y = a ? f->from.zone : f->to.zone;

			if ((!from || x == from) && (!to || y == to)
			    && rf_sets_and(s, one, rf_flow_set(p, f, (struct rf_flow_part){ .turned = a })))
				found = f;
		}
	rf_sets_release(s, mark, rf_sets_none());
	return found;
}

/* --- duties */

/* ICMP that reports or asks who is there; neighbour and listener discovery; VRRP among routers; DHCP on its way. */
static const struct { uint8_t family, proto, first, last; } duties[] = {
	{ 4, IPPROTO_ICMP, 0, 0 }, { 4, IPPROTO_ICMP, 3, 3 }, { 4, IPPROTO_ICMP, 8, 8 }, { 4, IPPROTO_ICMP, 11, 12 },
	{ 6, IPPROTO_ICMPV6, 1, 4 }, { 6, IPPROTO_ICMPV6, 128, 136 }, { 6, IPPROTO_ICMPV6, 143, 143 },
};

int rf_duties(struct rf_prover *p)
{
	struct rf_sets *s = p->s;
	size_t mark = rf_sets_mark(s);
	int x = rf_sets_none();

	for (size_t i = 0; i < sizeof duties / sizeof *duties; i++) {
		int y = rf_sets_and(s, rf_space_family(s, duties[i].family),
				    rf_space_num(s, RF_RS_PROTO, duties[i].proto, duties[i].proto));

		x = rf_sets_or(s, x,
			       rf_sets_and(s, y, rf_space_num(s, RF_RS_ICMP_TYPE, duties[i].first, duties[i].last)));
	}
	x = rf_sets_or(s, x, rf_space_num(s, RF_RS_PROTO, IPPROTO_IGMP, IPPROTO_IGMP));
	x = rf_sets_or(s, x, rf_space_num(s, RF_RS_PROTO, RF_VRRP, RF_VRRP));
	int dhcp = rf_sets_or(s, rf_space_num(s, RF_RS_DPORT, 67, 68), rf_space_num(s, RF_RS_DPORT, 546, 547));
	/* A later piece says nothing of types and ports; without its first one it is worth nothing. */
	dhcp = rf_sets_or(s, dhcp, rf_space_num(s, RF_RS_FRAGMENT, 1, 1));
	x = rf_sets_or(s, x, rf_sets_and(s, dhcp, rf_space_num(s, RF_RS_PROTO, IPPROTO_UDP, IPPROTO_UDP)));
	int icmp = rf_sets_or(s, rf_space_num(s, RF_RS_PROTO, IPPROTO_ICMP, IPPROTO_ICMP),
			      rf_space_num(s, RF_RS_PROTO, IPPROTO_ICMPV6, IPPROTO_ICMPV6));
	x = rf_sets_or(s, x, rf_sets_and(s, icmp, rf_space_num(s, RF_RS_FRAGMENT, 1, 1)));
	return rf_sets_release(s, mark, x);
}
