/* Whether the network holds together: routers and pairs of them, offices, and a way from each switch to a router. */
#include "site/check_int.h"

#include <stdlib.h>

/* --- routers */

static bool pair(const struct rf_site_router *a, const struct rf_site_router *b)
{
	return a->main == b || b->main == a;
}

/* One family of one foot: does it have an address of its own where it needs one? */
static void look_own_address(struct rf_check *c, const struct rf_site_router *r, const struct rf_site_interface *f,
			     bool six)
{
	const struct rf_site_ip *own = six ? &f->address6 : &f->address;
	const struct rf_site_ip *net = six ? &f->zone->subnet6 : &f->zone->subnet;
	const char *key = six ? "address6" : "address";

	const struct rf_site_ip *shared = six ? &f->zone->gateway6 : &f->zone->gateway;

	if (own->family && net->family && (r->main || r->standby) && rf_site_ip_in(own, shared))
		rf_check_breach(c, six ? f->address6_pos : f->address_pos, "arch-avail-failover",
				"give it an address of its own; the gateway's is shared",
				"router \"%.*s\" is one of a pair and has the gateway address of zone \"%.*s\"",
				RF_VFMT(r->name), RF_VFMT(f->zone->name));
	if (own->family || !net->family)
		return;
	if (r->main || r->standby)
		rf_check_breach(c, f->pos, "arch-avail-failover", "add an address of its own; the gateway's is shared",
				"router \"%.*s\" is one of a pair and has no %s of its own in zone \"%.*s\"",
				RF_VFMT(r->name), key, RF_VFMT(f->zone->name));
}

static bool same_host(const struct rf_site_ip *a, const struct rf_site_ip *b)
{
	return a->family && b->family && rf_site_ip_in(a, b);
}

static void look_foot(struct rf_check *c, const struct rf_site_router *r, const struct rf_site_interface *f)
{
	const struct rf_site_zone *z = f->zone;

	if (rf_check_inside(z) && z->office != r->office)
		rf_check_breach(c, f->zone_pos, "wan-vpn-separation",
				"join it with a router of the same office, or correct the zone's",
				"router \"%.*s\" has an interface in zone \"%.*s\", which is in another office",
				RF_VFMT(r->name), RF_VFMT(z->name));
	if (z->kind == RF_ZONE_PSTN)
		rf_check_breach(c, f->zone_pos, "pstn-terminate-signaling", "remove the interface",
				"router \"%.*s\" has an interface in zone \"%.*s\", which is no IP network",
				RF_VFMT(r->name), RF_VFMT(z->name));
	else if (!rf_check_inside(z) && !f->address.family && !f->address6.family)
		rf_check_say(c, RF_SEV_WARNING, f->pos, "arch-zone-addressing",
			     "add  address:  as the provider gave it",
			     "router \"%.*s\" has no address of its own in zone \"%.*s\"", RF_VFMT(r->name),
			     RF_VFMT(z->name));
	if (!rf_check_inside(z) && (same_host(&f->address, &z->gateway) || same_host(&f->address6, &z->gateway6)))
		rf_check_breach(c, f->pos, "arch-zone-addressing",
				"write the provider's router as the zone's  gateway:",
				"router \"%.*s\" has the gateway address of zone \"%.*s\", which is outside",
				RF_VFMT(r->name), RF_VFMT(z->name));
	if (!rf_check_inside(z))
		return;
	look_own_address(c, r, f, false);
	look_own_address(c, r, f, true);
}

static bool same(const struct rf_site_ip *a, const struct rf_site_ip *b)
{
	return a->family == b->family && memcmp(a->b, b->b, sizeof a->b) == 0;
}

static size_t shared_zones(const struct rf_site_router *a, const struct rf_site_router *b)
{
	size_t n = 0;

	for (size_t i = 0; i < a->interface_count; i++)
		for (size_t j = 0; j < b->interface_count; j++)
			n += a->interfaces[i].zone == b->interfaces[j].zone && rf_check_inside(a->interfaces[i].zone);
	return n;
}

/* Two routers may meet in one zone, each with an address of its own. Where they meet in two, packets take either way,
 * and each sees half of a connection; unless they are a pair. */
static void look_rival(struct rf_check *c, const struct rf_site_router *r, const struct rf_site_interface *f)
{
	const struct rf_check_zone *z = rf_check_zone(c, f->zone);

	if (!rf_check_inside(f->zone) || z->router == r || pair(z->router, r))
		return;
	if (!f->address.family && !z->foot->address.family && f->zone->subnet.family)
		rf_check_breach(c, f->pos, "arch-zone-addressing", "give one of them an address of its own",
				"routers \"%.*s\" and \"%.*s\" both have the gateway address of zone \"%.*s\"",
				RF_VFMT(z->router->name), RF_VFMT(r->name), RF_VFMT(f->zone->name));
	else if (shared_zones(z->router, r) > 1)
		rf_check_breach(c, f->pos, "net-inter-vlan-filter",
				"add  standby_for: , or remove one of the interfaces",
				"routers \"%.*s\" and \"%.*s\" are both in zone \"%.*s\" and are no pair",
				RF_VFMT(z->router->name), RF_VFMT(r->name), RF_VFMT(f->zone->name));
}

/* The gateway of a zone is the address of a router in it, or that which a pair shares. */
static void look_gateways(struct rf_check *c)
{
	for (size_t i = 0; i < c->s->zone_count; i++) {
		const struct rf_site_zone *zone = &c->s->zones[i];
		const struct rf_check_zone *z = &c->zones[i];

		if (z->routers && rf_check_inside(zone) &&
		    ((zone->gateway.family && !z->held) || (zone->gateway6.family && !z->held6)))
			rf_check_breach(c, z->foot->pos, "arch-zone-addressing",
					"remove the address, or make it the gateway of the zone",
					"no router has the gateway address of zone \"%.*s\"", RF_VFMT(zone->name));
	}
}

static void look_wall(struct rf_check *c, const struct rf_site_router *r)
{
	const struct rf_site_host *h = r->host;
	bool foot = false;

	if (!h)
		return;
	for (size_t i = 0; i < r->interface_count; i++)
		foot |= r->interfaces[i].zone == h->zone;
	if (!foot)
		rf_check_breach(c, h->pos, "net-class-vlans", "put it into a zone that the router has an interface in",
				"router \"%.*s\" has no interface in zone \"%.*s\", where its wall is",
				RF_VFMT(r->name), RF_VFMT(h->zone->name));
}

void rf_check_routers(struct rf_check *c)
{
	const struct rf_site *s = c->s;

	for (size_t i = 0; i < s->router_count; i++) {
		const struct rf_site_router *r = &s->routers[i];

		for (size_t j = 0; j < r->interface_count; j++) {
			look_foot(c, r, &r->interfaces[j]);
			look_rival(c, r, &r->interfaces[j]);
		}
		look_wall(c, r);
	}
	look_gateways(c);
	for (size_t i = 0; c->network && i < s->host_count; i++)
		if (s->hosts[i].roles & RF_ROLE_WALL && !rf_site_router(s, s->hosts[i].name))
			rf_check_breach(c, s->hosts[i].pos, "net-inter-vlan-filter",
					"give it the name of one of `routers`",
					"wall \"%.*s\" is no router of this site", RF_VFMT(s->hosts[i].name));
}

/* --- offices */

/* The outer address is one that strangers can send to: in no zone of ours. */
static const struct rf_site_zone *inner_zone(const struct rf_site *s, const struct rf_site_ip *ip)
{
	for (size_t i = 0; i < s->zone_count; i++)
		if (rf_check_inside(&s->zones[i]) &&
		    (rf_site_ip_in(ip, &s->zones[i].subnet) || rf_site_ip_in(ip, &s->zones[i].subnet6)))
			return &s->zones[i];
	return NULL;
}

/* Can the router have this address on an outside foot? Where it has none, or takes what it is given, nobody knows.
 * Pairs share: one of the two will do. */
static bool has_outside(const struct rf_site_router *r, const struct rf_site_ip *ip)
{
	bool outside = false;

	for (size_t i = 0; i < r->interface_count; i++) {
		const struct rf_site_interface *f = &r->interfaces[i];
		bool open = !f->address.family && !f->address6.family;

		if (rf_check_inside(f->zone))
			continue;
		if (open || same(&f->address, ip) || same(&f->address6, ip) || rf_site_ip_in(ip, &f->zone->subnet) ||
		    rf_site_ip_in(ip, &f->zone->subnet6))
			return true;
		outside = true;
	}
	return !outside;
}

static void look_outer(struct rf_check *c, const struct rf_site_office *o, const char *key,
		       const struct rf_site_router *r, const struct rf_site_ip *ip, struct rf_view text)
{
	const struct rf_site_zone *inner = ip->family ? inner_zone(c->s, ip) : NULL;
	struct rf_site_pos pos = ip == &o->peer ? o->peer_pos : o->local_pos;

	if (inner)
		rf_check_breach(c, pos, "wan-vpn-separation", "write the address that the other end sees",
				"office \"%.*s\": %s %.*s is in zone \"%.*s\"", RF_VFMT(o->name), key, RF_VFMT(text),
				RF_VFMT(inner->name));
	else if (ip->family && r && !has_outside(r, ip) && !(r->standby && has_outside(r->standby, ip)) &&
		 !(r->main && has_outside(r->main, ip)))
		rf_check_breach(c, pos, "wan-vpn-separation",
				"give it an interface with this address in a zone of kind internet or wan",
				"office \"%.*s\": %s %.*s is no address of router \"%.*s\"", RF_VFMT(o->name), key,
				RF_VFMT(text), RF_VFMT(r->name));
}

static void look_tunnel(struct rf_check *c, const struct rf_site_office *o)
{
	const struct {
		bool there;
		const char *key, *mend;
	} need[] = {
		{ o->router != NULL, "router", "add  router: , the router that stands there" },
		{ o->hub != NULL, "hub", "add  hub: , the router of the main site that ends the tunnels" },
		{ o->peer.family != 0, "peer", "add  peer: , the outer address of its router" },
		{ o->local.family != 0, "local", "add  local: , the outer address of the hub" },
	};

	for (size_t i = 0; i < sizeof need / sizeof *need; i++)
		if (!need[i].there)
			rf_check_breach(c, o->pos, "wan-vpn-separation", need[i].mend,
					"office \"%.*s\" has no %s, so no tunnel leads to it", RF_VFMT(o->name),
					need[i].key);
	look_outer(c, o, "peer", o->router, &o->peer, o->peer_text);
	look_outer(c, o, "local", o->hub, &o->local, o->local_text);
	if (!o->link)
		rf_check_say(c, RF_SEV_WARNING, o->pos, "dos-external-bandwidth", "add  link: , one of `links`",
			     "office \"%.*s\" has no link: any number of calls may go there", RF_VFMT(o->name));
}

void rf_check_offices(struct rf_check *c)
{
	const struct rf_site *s = c->s;

	for (size_t i = 0; i < s->office_count; i++) {
		const struct rf_site_office *o = &s->offices[i];
		bool used = false;

		look_tunnel(c, o);
		for (size_t j = 0; j < i; j++)
			if (o->peer.family && same(&o->peer, &s->offices[j].peer))
				rf_check_breach(c, o->peer_pos, "wan-vpn-separation", "give each its own",
						"offices \"%.*s\" and \"%.*s\" have one peer",
						RF_VFMT(s->offices[j].name), RF_VFMT(o->name));
		for (size_t j = 0; j < s->zone_count && !used; j++)
			used = s->zones[j].office == o;
		if (!used)
			rf_check_say(c, RF_SEV_WARNING, o->pos, "wan-vpn-separation",
				     "add  office:  to its zones, or remove it", "no zone is in office \"%.*s\"",
				     RF_VFMT(o->name));
	}
}
