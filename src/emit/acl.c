#include "emit/acl.h"

#include <netinet/in.h>

/* --- one rule as lines: every source with every destination, every type of ICMP */

enum { OWN = 4 };

struct lines {
	rf_acl_put *put;
	void *ctx;
	uint8_t family;
	struct rf_site_ip own[OWN];  /* where the device itself is found on this foot's link: its
				      * addresses, and groups */
	size_t own_n;
};

static const struct rf_site_ip any_ip = { 0 };

static bool of_family(const struct rf_site_ip *v, size_t n, uint8_t family)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].family == family)
			return true;
	return n == 0;
}

static void put_types(const struct lines *l, struct rf_acl_line line)
{
	const struct rf_rule *r = line.rule;
	size_t n = r->icmp_n ? r->icmp_n : 1;

	for (size_t i = 0; i < n; i++) {
		line.icmp_type = r->icmp_n ? r->icmp_types[i] : -1;
		/* The answer to an echo request is an echo reply. */
		if (line.answer && line.icmp_type >= 0)
			line.icmp_type = line.family == 4 ? 0 : 129;
		l->put(l->ctx, &line);
	}
}

static void put_ends(const struct lines *l, struct rf_acl_line line)
{
	const struct rf_rule *r = line.rule;
	const struct rf_site_ip *src = line.answer ? r->dst : r->src, *dst = line.answer ? r->src : r->dst;
	size_t src_n = line.answer ? r->dst_n : r->src_n, dst_n = line.answer ? r->src_n : r->dst_n;

	/* One list is asked about what the device takes and what it forwards: to "any" would open the way to others. */
	if (r->chain == RF_CHAIN_INPUT && !line.answer && !dst_n) {
		dst = l->own;
		dst_n = l->own_n;
	}

	for (size_t i = 0; i < (src_n ? src_n : 1); i++) {
		line.src = src_n ? src[i] : any_ip;
		if (src_n && line.src.family != l->family)
			continue;
		for (size_t k = 0; k < (dst_n ? dst_n : 1); k++) {
			line.dst = dst_n ? dst[k] : any_ip;
			if (!dst_n || line.dst.family == l->family)
				put_types(l, line);
		}
	}
}

static void put_rule(const struct lines *l, const struct rf_rule *r, bool answer)
{
	struct rf_acl_line line = {
		.rule = r,
		.permit = r->action == RF_ACTION_ACCEPT,
		.answer = answer,
		.family = l->family,
		.protocol = r->protocol,
		.sport = answer ? r->dport : r->sport,
		.dport = answer ? r->sport : r->dport,
		.established = answer && r->protocol == IPPROTO_TCP,
	};

	if ((r->family && r->family != l->family) || !of_family(r->src, r->src_n, l->family) ||
	    !of_family(r->dst, r->dst_n, l->family))
		return;
	if (l->family == 6 && line.protocol == IPPROTO_ICMP)
		line.protocol = IPPROTO_ICMPV6;
	put_ends(l, line);
}

/* --- which rules a foot's list holds */

/* What only a table of connections can tell, and what the last line of a list does anyway. */
static bool wordless(const struct rf_rule *r)
{
	return r->loopback || r->src_not || r->dst_not ||
	       (r->states && !(r->states & (RF_STATE_NEW | RF_STATE_UNTRACKED)));
}

static bool comes_in(const struct rf_rule *r, const struct rf_site_zone *zone)
{
	return r->chain != RF_CHAIN_OUTPUT && (!r->in || r->in == zone) && !r->in_tunnel;
}

static bool is_answered_here(const struct rf_rule *r, const struct rf_site_zone *zone)
{
	return r->action == RF_ACTION_ACCEPT && (r->states & RF_STATE_NEW) && r->chain != RF_CHAIN_INPUT &&
	       r->out == zone && r->in != zone && !r->out_tunnel;
}

static void add_own(struct lines *l, const struct rf_site_ip *ip, unsigned prefix)
{
	struct rf_site_ip own = *ip;

	own.prefix = (uint8_t)prefix;
	for (size_t i = 0; i < l->own_n; i++)
		if (memcmp(l->own[i].b, own.b, sizeof own.b) == 0)
			return;
	if (ip->family == l->family)
		l->own[l->own_n++] = own;
}

/* Its addresses; on the link also groups, of IPv6 link-local addresses (RFC 4291 2.5.6, 2.7; RFC 5771 4). */
static void find_own(struct lines *l, const struct rf_site_interface *foot)
{
	static const struct rf_site_ip link[] = {
		{ .family = 4, .prefix = 24, .b = { 224 } }, { .family = 4, .prefix = 32, .b = { 255, 255, 255, 255 } },
		{ .family = 6, .prefix = 10, .b = { 0xfe, 0x80 } }, { .family = 6, .prefix = 16, .b = { 0xff, 0x02 } },
	};
	const struct rf_site_ip *ips[] = { &foot->address, &foot->zone->gateway, &foot->address6,
					   &foot->zone->gateway6 };

	for (size_t i = 0; i < 4; i++)
		add_own(l, ips[i], l->family == 4 ? 32 : 128);
	for (size_t i = 0; i < 4; i++)
		add_own(l, &link[i], link[i].prefix);
}

/* To an end without a subnet, the outside: "any" on paper, and so it stands behind a refusal of all that is inside. */
static bool goes_outside(const struct rf_rule *r, bool answer)
{
	return r->action == RF_ACTION_ACCEPT && r->chain == RF_CHAIN_FORWARD && (answer ? r->src_n : r->dst_n) == 0;
}

static void put_rules(const struct lines *l, const struct rf_point *point, const struct rf_site_zone *zone,
		      bool outside)
{
	for (size_t i = 0; i < point->rule_count; i++) {
		const struct rf_rule *r = &point->rules[i];

		if (wordless(r) || r->pinhole)
			continue;
		if (comes_in(r, zone) && goes_outside(r, false) == outside)
			put_rule(l, r, false);
		if (is_answered_here(r, zone) && goes_outside(r, true) == outside)
			put_rule(l, r, true);
	}
}

static void put_refusal(const struct lines *l, const struct rf_site_ip *ip)
{
	static const struct rf_rule inside = { .id = "outside-only", .mitigation = "net-inter-vlan-filter",
					       .action = RF_ACTION_DROP, .chain = RF_CHAIN_FORWARD };

	if (ip->family == l->family)
		l->put(l->ctx, &(struct rf_acl_line){ .rule = &inside, .family = l->family, .dst = *ip, .dport = { 0, 65535 },
						      .sport = { 0, 65535 }, .icmp_type = -1 });
}

/* Every zone, and where the device has an address that is in none. */
static void put_inside(const struct lines *l, const struct rf_site *site, const struct rf_point *point)
{
	for (size_t i = 0; i < site->zone_count; i++)
		put_refusal(l, l->family == 4 ? &site->zones[i].subnet : &site->zones[i].subnet6);
	for (size_t i = 0; i < point->router->interface_count; i++) {
		const struct rf_site_interface *foot = &point->router->interfaces[i];

		if (!(l->family == 4 ? foot->zone->subnet.family : foot->zone->subnet6.family))
			put_refusal(l, l->family == 4 ? &foot->address : &foot->address6);
	}
}

static bool any_outside(const struct rf_point *point, const struct rf_site_zone *zone)
{
	for (size_t i = 0; i < point->rule_count; i++) {
		const struct rf_rule *r = &point->rules[i];

		if (!wordless(r) && !r->pinhole && ((comes_in(r, zone) && goes_outside(r, false)) ||
						    (is_answered_here(r, zone) && goes_outside(r, true))))
			return true;
	}
	return false;
}

void rf_acl_lines(const struct rf_site *site, const struct rf_point *point, const struct rf_site_interface *foot,
		  uint8_t family, rf_acl_put *put, void *ctx)
{
	struct lines l = { .put = put, .ctx = ctx, .family = family };

	find_own(&l, foot);
	put_rules(&l, point, foot->zone, false);
	if (!any_outside(point, foot->zone))
		return;
	put_inside(&l, site, point);
	put_rules(&l, point, foot->zone, true);
}

/* --- what does not fit */

static const struct rf_rule *first_with(const struct rf_point *point, bool (*is)(const struct rf_rule *))
{
	for (size_t i = 0; i < point->rule_count; i++)
		if (is(&point->rules[i]))
			return &point->rules[i];
	return NULL;
}

static bool is_pinhole(const struct rf_rule *r)
{
	return r->pinhole;
}

static bool is_tunnel(const struct rf_rule *r)
{
	return r->in_tunnel || r->out_tunnel;
}

static bool is_watched(const struct rf_rule *r)
{
	return r->chain == RF_CHAIN_FORWARD && r->flow && (r->states & RF_STATE_NEW) &&
	       r->flow->inspection >= RF_INSPECT_STATEFUL;
}

bool rf_acl_fits(struct rf_emit *e, const struct rf_point *point)
{
	const struct rf_rule *hole = first_with(point, is_pinhole), *tunnel = first_with(point, is_tunnel);
	const struct rf_rule *watched = first_with(point, is_watched);
	const struct rf_site_pos pos = point->router->pos;

	if (hole)
		rf_emit_find(e, RF_SEV_ERROR, pos, hole->mitigation, "put a router of kind linux between these zones",
			     "router %s filters packet by packet and knows no pinholes, which %s needs", point->name,
			     hole->id);
	if (tunnel)
		rf_emit_find(e, RF_SEV_ERROR, pos, "wan-vpn-separation",
			     "end the office's tunnels on a router of kind linux",
			     "tunnels to a remote office end on %s, for which ringfort writes none", point->name);
	if (watched)
		rf_emit_find(e, RF_SEV_WARNING, pos, "arch-zone-stateful-core",
			     "put a router of kind linux there, or in its way",
			     "the matrix asks for connection tracking, for instance for %s; router %s holds it by "
			     "addresses, ports and TCP flags only", watched->id, point->name);
	return !hole && !tunnel;
}

const struct rf_site_host *rf_acl_dhcp(const struct rf_emit *e, const struct rf_site_zone *zone, size_t i)
{
	for (size_t f = 0; f < e->flows->n; f++) {
		const struct rf_flow *flow = &e->flows->v[f];

		if (flow->from.zone != zone || flow->protocol != IPPROTO_UDP || flow->dport.first != 67)
			continue;
		if (i < flow->to.host_count && flow->to.zone != zone)
			return flow->to.hosts[i];
		i -= flow->to.zone != zone ? flow->to.host_count : 0;
	}
	return NULL;
}
