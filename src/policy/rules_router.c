#include "policy/rules_int.h"

#include "base/err.h"

#include <netinet/in.h>

static const struct rf_site_ip nobody4 = { .family = 4, .prefix = 32 };
static const struct rf_site_ip everybody4 = { .family = 4, .prefix = 32, .b = { 255, 255, 255, 255 } };
static const struct rf_site_ip link_local6 = { .family = 6, .prefix = 10, .b = { 0xfe, 0x80 } };
/* Sources that no packet from outside may have: "this network", loopback, multicast and above; and the same of IPv6. */
static const struct rf_site_ip martians[] = {
	{ .family = 4, .prefix = 8 },
	{ .family = 4, .prefix = 8, .b = { 127 } },
	{ .family = 4, .prefix = 3, .b = { 224 } },
	{ .family = 6, .prefix = 8 },
	{ .family = 6, .prefix = 8, .b = { 0xff } },
};

enum { MARTIANS = sizeof martians / sizeof *martians };

/* --- its own addresses */

static void own_ips(struct rf_draft *d, const struct rf_site_router *r, struct rf_ips *ret_ips)
{
	*ret_ips = rf_draft_ips(d, r->interface_count * 4 + d->site->office_count);
	if (!ret_ips->v)
		return;
	for (size_t i = 0; i < r->interface_count; i++) {
		const struct rf_site_interface *foot = &r->interfaces[i];
		const struct rf_site_ip *all[] = { &foot->address, &foot->address6, &foot->zone->gateway,
						   &foot->zone->gateway6 };

		for (size_t k = 0; k < 4; k++)
			if (all[k]->family)
				ret_ips->v[ret_ips->n++] = *all[k];
	}
	for (size_t i = 0; i < d->site->office_count; i++) {
		const struct rf_site_office *o = &d->site->offices[i];

		if (rf_router_like(r, o->router) && o->peer.family)
			ret_ips->v[ret_ips->n++] = o->peer;
		else if (rf_router_like(r, o->hub) && o->local.family)
			ret_ips->v[ret_ips->n++] = o->local;
	}
}

static bool among(const struct rf_ips *ips, const struct rf_site_ip *ip)
{
	for (size_t i = 0; i < ips->n; i++)
		if (memcmp(&ips->v[i], ip, sizeof *ip) == 0)
			return true;
	return false;
}

static bool is_multicast(const struct rf_site_ip *ip)
{
	return ip->family == 4 ? ip->b[0] >> 4 == 14 : ip->b[0] == 0xff;
}

/* Those of an end's addresses that are the router's (mine), or are not. */
static struct rf_ips part_of(struct rf_draft *d, const struct rf_end *end, const struct rf_ips *own, bool mine)
{
	struct rf_ips ips = rf_draft_ips(d, end->n);

	for (size_t i = 0; ips.v && i < end->n; i++)
		if (among(own, &end->v[i]) == mine)
			ips.v[ips.n++] = end->v[i];
	return ips;
}

/* --- sources: no packet comes from a zone with an address that is not of what lies behind that foot or tunnel */

/* What lies behind the router's hops: for each hop (zone, and its tunnel) every zone whose packets to any
 * other may come in by it. */
struct behind {
	bool *zones; /* [hops][zones] */
	size_t n;    /* of zones; hops: twice as many */
};

static bool *row_of(const struct rf_draft *d, const struct behind *b, struct rf_hop hop)
{
	return b->zones + ((size_t)(hop.zone - d->site->zones) * 2 + hop.tunnel) * b->n;
}

static void look_behind(struct rf_draft *d, const struct rf_site_router *r, struct behind *ret_behind)
{
	const struct rf_site *s = d->site;
	struct behind b = { .zones = rf_arena_array(d->arena, s->zone_count * 2 + 1, s->zone_count + 1),
			    .n = s->zone_count };

	*ret_behind = b;
	if (!b.zones) {
		d->rc = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < s->zone_count; i++) {
		*(row_of(d, &b, (struct rf_hop){ &s->zones[i], false }) + i) = rf_router_stands_in(r, &s->zones[i]);
		for (size_t k = 0; k < s->zone_count; k++) {
			struct rf_hops in;

			if (i == k || !rf_path_passes(&d->paths, &s->zones[i], &s->zones[k], r))
				continue;
			rf_path_hops(&d->paths, &s->zones[i], &s->zones[k], r, &in);
			for (size_t h = 0; h < in.n; h++)
				row_of(d, &b, in.v[h])[i] = true;
		}
	}
}

static void add_subnets(struct rf_ips *ips, const struct rf_site_zone *z)
{
	if (z->subnet.family)
		ips->v[ips->n++] = z->subnet;
	if (z->subnet6.family)
		ips->v[ips->n++] = z->subnet6;
}

/* Where the outside comes in, no source of ours does that is not behind it; elsewhere only what is behind it does. */
static void guard_sources(struct rf_draft *d, const bool *behind, struct rf_hop hop, enum rf_chain chain)
{
	const struct rf_site *s = d->site;
	struct rf_ips ips = rf_draft_ips(d, s->zone_count * 2 + MARTIANS);
	bool outside = false;

	if (!ips.v)
		return;
	for (size_t i = 0; i < s->zone_count; i++)
		outside |= behind[i] && s->zones[i].kind == RF_ZONE_INTERNET;
	for (size_t i = 0; i < s->zone_count; i++)
		if (behind[i] != outside)
			add_subnets(&ips, &s->zones[i]);
	for (size_t i = 0; outside && i < MARTIANS; i++)
		ips.v[ips.n++] = martians[i];
	rf_draft_add(d, &(struct rf_rule){ .id = rf_draft_text(d, "source-in-zone-%s%s", rf_site_cstr(hop.zone->name),
							       hop.tunnel ? "-tunnel" : ""),
					   .mitigation = "arch-zone-addressing",
					   .chain = chain,
					   .action = RF_ACTION_DROP,
					   .in = hop.zone,
					   .in_tunnel = hop.tunnel,
					   .src = ips.v,
					   .src_n = ips.n,
					   .src_not = !outside,
					   .log = true });
}

static bool has_tunnel(const struct rf_site_router *r, const struct rf_site_zone *z)
{
	return z->office && (rf_router_like(r, z->office->router) || rf_router_like(r, z->office->hub));
}

static void sources(struct rf_draft *d, const struct rf_site_router *r, const struct behind *b, enum rf_chain chain)
{
	const struct rf_site *s = d->site;

	for (size_t i = 0; b->zones && i < s->zone_count; i++)
		for (int tunnel = 0; tunnel < 2; tunnel++) {
			const struct rf_hop hop = { &s->zones[i], tunnel };

			if (tunnel ? has_tunnel(r, hop.zone) : rf_router_stands_in(r, hop.zone))
				guard_sources(d, row_of(d, b, hop), hop, chain);
		}
}

/* --- what it forwards */

/* An end's addresses without the router's own: those it does not forward. */
static void others(struct rf_draft *d, const struct rf_end *end, const struct rf_ips *own,
		   const struct rf_site_ip **ret_v, size_t *ret_n)
{
	rf_draft_end(d, end, ret_v, ret_n);
	if (!end->n)
		return;
	struct rf_ips ips = part_of(d, end, own, false);
	*ret_v = ips.v;
	*ret_n = ips.n;
}

static void forward(struct rf_draft *d, const struct rf_site_router *r, const struct rf_flow *f,
		    const struct rf_ips *own, bool backwards)
{
	const struct rf_end *from = backwards ? &f->to : &f->from, *to = backwards ? &f->from : &f->to;
	struct rf_rule rule = { .chain = RF_CHAIN_FORWARD };
	struct rf_hops in, out;

	rf_path_hops(&d->paths, from->zone, to->zone, r, &in);
	rf_path_hops(&d->paths, to->zone, from->zone, r, &out);
	others(d, from, own, &rule.src, &rule.src_n);
	others(d, to, own, &rule.dst, &rule.dst_n);
	for (size_t i = 0; i < in.n; i++)
		for (size_t k = 0; k < out.n; k++) {
			rule.in = in.v[i].zone;
			rule.in_tunnel = in.v[i].tunnel;
			rule.out = out.v[k].zone;
			rule.out_tunnel = out.v[k].tunnel;
			rf_draft_flow(d, f, &rule, backwards, true);
		}
}

static bool all_own(const struct rf_end *end, const struct rf_ips *own)
{
	for (size_t i = 0; i < end->n; i++)
		if (!among(own, &end->v[i]))
			return false;
	return end->n > 0;
}

static void forwards(struct rf_draft *d, const struct rf_site_router *r, const struct rf_ips *own)
{
	for (size_t i = 0; i < d->flows->n; i++) {
		const struct rf_flow *f = &d->flows->v[i];

		if (f->how == RF_FLOW_LOCAL || !rf_path_passes(&d->paths, f->from.zone, f->to.zone, r) ||
		    all_own(&f->from, own) || all_own(&f->to, own))
			continue;
		forward(d, r, f, own, false);
		if (rf_flow_untracked(f) && !rf_flow_mirrored(d->flows, f))
			forward(d, r, f, own, true);
	}
}

/* --- what it takes and sends itself */

static void take_in(struct rf_draft *d, const struct rf_site_router *r, const struct rf_flow *f,
		    const struct rf_ips *own)
{
	struct rf_rule rule = { .chain = RF_CHAIN_INPUT };
	struct rf_hops in;
	struct rf_ips dst = part_of(d, &f->to, own, true);

	if (f->to.n && is_multicast(&f->to.v[0]) && rf_router_stands_in(r, f->to.zone))
		dst = part_of(d, &f->to, own, false);
	if (!dst.n)
		return;
	rf_draft_end(d, &f->from, &rule.src, &rule.src_n);
	if (f->from.n) {
		struct rf_ips peers = part_of(d, &f->from, own, false);

		if (!peers.n)
			return;
		rule.src = peers.v;
		rule.src_n = peers.n;
	}
	rule.dst = dst.v;
	rule.dst_n = dst.n;
	rf_path_hops(&d->paths, f->from.zone, f->to.zone, r, &in);
	for (size_t i = 0; i < in.n; i++) {
		rule.in = in.v[i].zone;
		rule.in_tunnel = in.v[i].tunnel;
		rf_draft_flow(d, f, &rule, false, false);
	}
}

static void send_out(struct rf_draft *d, const struct rf_site_router *r, const struct rf_flow *f,
		     const struct rf_ips *own)
{
	struct rf_rule rule = { .chain = RF_CHAIN_OUTPUT };
	struct rf_hops out;
	struct rf_ips src = part_of(d, &f->from, own, true);

	if (!src.n)
		return;
	rule.src = src.v;
	rule.src_n = src.n;
	rf_draft_end(d, &f->to, &rule.dst, &rule.dst_n);
	rf_path_hops(&d->paths, f->to.zone, f->from.zone, r, &out);
	for (size_t i = 0; i < out.n; i++) {
		rule.out = out.v[i].zone;
		rule.out_tunnel = out.v[i].tunnel;
		rf_draft_flow(d, f, &rule, false, false);
	}
}

/* VRRP of IPv6 comes from addresses of the link, which are of no zone. */
static void link_vrrp(struct rf_draft *d, const struct rf_site_router *r, const struct rf_flow *f, enum rf_chain chain)
{
	struct rf_rule rule = { .id = f->id,
				.flow = f,
				.mitigation = f->mitigation,
				.chain = chain,
				.action = RF_ACTION_ACCEPT,
				.family = 6,
				.protocol = RF_VRRP,
				.sport = f->sport,
				.dport = f->dport,
				.dscp = f->dscp,
				.src = &link_local6,
				.src_n = 1 };
	struct rf_ips groups = rf_draft_ips(d, f->to.n);

	for (size_t i = 0; groups.v && i < f->to.n; i++)
		if (f->to.v[i].family == 6)
			groups.v[groups.n++] = f->to.v[i];
	if (!groups.n || !rf_router_stands_in(r, f->to.zone))
		return;
	rule.dst = groups.v;
	rule.dst_n = groups.n;
	if (chain == RF_CHAIN_INPUT)
		rule.in = f->to.zone;
	else
		rule.out = f->to.zone;
	rf_draft_add(d, &rule);
}

/* A phone without an address asks everybody on its link; the router answers in the same way. */
static void dhcp_on_link(struct rf_draft *d, const struct rf_site_router *r, const struct rf_flow *f,
			 enum rf_chain chain)
{
	bool in = chain == RF_CHAIN_INPUT;
	struct rf_rule rule = { .id = f->id,
				.flow = f,
				.mitigation = f->mitigation,
				.chain = chain,
				.action = RF_ACTION_ACCEPT,
				.family = 4,
				.protocol = IPPROTO_UDP,
				.sport = in ? f->sport : f->dport,
				.dport = in ? f->dport : f->sport };

	if (!rf_router_stands_in(r, f->from.zone))
		return;
	if (in) {
		rule.in = f->from.zone;
		rule.src = &nobody4;
		rule.src_n = 1;
		rule.dst = &everybody4;
		rule.dst_n = 1;
	} else {
		struct rf_ips clients = rf_draft_ips(d, 2);

		if (!clients.v)
			return;
		clients.v[clients.n++] = everybody4;
		if (f->from.zone->subnet.family)
			clients.v[clients.n++] = f->from.zone->subnet;
		rule.out = f->from.zone;
		rule.dst = clients.v;
		rule.dst_n = clients.n;
	}
	rf_draft_add(d, &rule);
}

static bool is_dhcp(const struct rf_flow *f)
{
	return f->protocol == IPPROTO_UDP && f->sport.first == 68 && f->dport.first == 67 && f->how != RF_FLOW_LOCAL;
}

static void of_the_link(struct rf_draft *d, const struct rf_site_router *r, enum rf_chain chain)
{
	for (size_t i = 0; i < d->flows->n; i++) {
		const struct rf_flow *f = &d->flows->v[i];

		if (f->protocol == RF_VRRP)
			link_vrrp(d, r, f, chain);
		else if (is_dhcp(f))
			dhcp_on_link(d, r, f, chain);
	}
}

void rf_rules_router(struct rf_draft *d, const struct rf_site_router *r)
{
	struct rf_ips own;
	struct behind behind;

	own_ips(d, r, &own);
	look_behind(d, r, &behind);
	sources(d, r, &behind, RF_CHAIN_FORWARD);
	rf_duty_states(d, RF_CHAIN_FORWARD);
	forwards(d, r, &own);

	rf_duty_loopback(d, RF_CHAIN_INPUT);
	rf_duty_neighbours(d, RF_CHAIN_INPUT, true);
	of_the_link(d, r, RF_CHAIN_INPUT);
	sources(d, r, &behind, RF_CHAIN_INPUT);
	rf_duty_states(d, RF_CHAIN_INPUT);
	for (size_t i = 0; i < d->flows->n; i++)
		take_in(d, r, &d->flows->v[i], &own);

	rf_duty_loopback(d, RF_CHAIN_OUTPUT);
	rf_duty_neighbours(d, RF_CHAIN_OUTPUT, true);
	rf_duty_errors_out(d);
	of_the_link(d, r, RF_CHAIN_OUTPUT);
	rf_duty_states(d, RF_CHAIN_OUTPUT);
	for (size_t i = 0; i < d->flows->n; i++)
		send_out(d, r, &d->flows->v[i], &own);
}
