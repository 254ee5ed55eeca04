/* Who reaches whom by way of routers: zones that no path of routers joins to the servers cannot use them, however many
 * there are. Offices are joined through their tunnels. */
#include "site/check_int.h"

#include <stdlib.h>

/* Zones in one set are joined; up[i] leads to the set's first. */
static size_t root(size_t *up, size_t i)
{
	while (up[i] != i)
		i = up[i] = up[up[i]];
	return i;
}

static void join(size_t *up, size_t a, size_t b)
{
	up[root(up, a)] = root(up, b);
}

/* A foot that traffic between our own zones takes. */
static const struct rf_site_interface *first_foot(const struct rf_site_router *r)
{
	for (size_t i = 0; r && i < r->interface_count; i++)
		if (rf_check_inside(r->interfaces[i].zone))
			return &r->interfaces[i];
	return NULL;
}

static void join_all(struct rf_check *c, size_t *up)
{
	const struct rf_site *s = c->s;

	for (size_t i = 0; i < s->zone_count; i++)
		up[i] = i;
	for (size_t i = 0; i < s->router_count; i++) {
		const struct rf_site_router *r = &s->routers[i];
		const struct rf_site_interface *first = first_foot(r);

		for (size_t j = 0; first && j < r->interface_count; j++)
			if (rf_check_inside(r->interfaces[j].zone))
				join(up, (size_t)(first->zone - s->zones), (size_t)(r->interfaces[j].zone - s->zones));
	}
	for (size_t i = 0; i < s->office_count; i++) {
		const struct rf_site_interface *a = first_foot(s->offices[i].router),
					       *b = first_foot(s->offices[i].hub);

		if (a && b)
			join(up, (size_t)(a->zone - s->zones), (size_t)(b->zone - s->zones));
	}
}

static bool has_family(const struct rf_site_host *h, unsigned family)
{
	return h->address.family == family || h->address6.family == family;
}

/* Without a family in common no packet of one reaches the other. */
static bool share_family(const struct rf_site_zone *z, const struct rf_site_host *h)
{
	return (z->subnet.family && has_family(h, 4)) || (z->subnet6.family && has_family(h, 6)) ||
	       (!z->subnet.family && !z->subnet6.family);
}

struct need {
	unsigned role, service;
	const char *name;
	bool elsewhere; /* it may be in other zones of ours than those of servers */
};

enum reach { REACHED, NO_WAY, NO_FAMILY };

/* Is there one at all (else others say so), and one that this zone reaches? */
static enum reach reach(struct rf_check *c, size_t *up, size_t zone, const struct need *need)
{
	const struct rf_site *s = c->s;
	enum reach best = REACHED;

	for (size_t i = 0; i < s->host_count; i++) {
		const struct rf_site_host *h = &s->hosts[i];

		if (h->zone->kind == RF_ZONE_DATA || !(h->roles & need->role || h->services & need->service) ||
		    (h->zone->kind != RF_ZONE_SERVER && !need->elsewhere))
			continue;
		if (root(up, (size_t)(h->zone - s->zones)) != root(up, zone))
			best = best == REACHED ? NO_WAY : best;
		else if (share_family(&s->zones[zone], h))
			return REACHED;
		else
			best = NO_FAMILY;
	}
	return best;
}

static void look_zone(struct rf_check *c, size_t *up, size_t zone)
{
	static const struct need needs[] = {
		{ RF_ROLE_CONTROLLER, 0, "a controller" }, { 0, RF_SERVICE_DHCP, "DHCP" }, { 0, RF_SERVICE_DNS, "DNS" },
		{ 0, RF_SERVICE_NTP, "NTP" }, { 0, RF_SERVICE_LOG, "a log", true },
	};
	const struct rf_site_zone *z = &c->s->zones[zone];

	for (size_t i = 0; i < sizeof needs / sizeof *needs; i++) {
		enum reach how = reach(c, up, zone, &needs[i]);

		if (how == NO_FAMILY) {
			rf_check_breach(c, z->pos, "net-own-services",
					"give both a subnet of one family, and the hosts addresses in it",
					"zone \"%.*s\" shares neither IPv4 nor IPv6 with a host with %s",
					RF_VFMT(z->name), needs[i].name);
			return;
		}
		if (how == NO_WAY) {
			rf_check_breach(c, z->pos, "net-own-services", "join it to the zone of the servers by a router",
					"no way of routers leads from zone \"%.*s\" to a host with %s",
					RF_VFMT(z->name), needs[i].name);
			return; /* the way is the fault, and one word about it enough */
		}
	}
}

/* An outside that no router leads to is on paper only. */
static void look_outside(struct rf_check *c, const struct rf_site_zone *z)
{
	if (z->kind == RF_ZONE_INTERNET && !rf_check_zone(c, z)->routers)
		rf_check_say(c, RF_SEV_WARNING, z->pos, "net-inter-vlan-filter",
			     "give a router an interface in it, or remove the zone",
				"no router leads to zone \"%.*s\"", RF_VFMT(z->name));
}

int rf_check_reach(struct rf_check *c)
{
	const struct rf_site *s = c->s;
	size_t *up = calloc(s->zone_count + 1, sizeof *up);

	if (!up)
		return -ENOMEM;
	if (s->router_count)
		join_all(c, up);
	for (size_t i = 0; s->router_count && i < s->zone_count; i++) {
		const struct rf_site_zone *z = &s->zones[i];

		look_outside(c, z);
		/* Without any router in it there is a finding already. */
		if ((z->kind == RF_ZONE_PHONE || z->kind == RF_ZONE_SOFTPHONE || z->kind == RF_ZONE_GATEWAY ||
		     z->kind == RF_ZONE_BORDER) && c->zones[i].routers)
			look_zone(c, up, i);
	}
	free(up);
	return 0;
}
