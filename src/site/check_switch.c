/* Switches: where they are managed, what their ports carry, and whether a way leads from each to a router. */
#include "site/check_int.h"

#include <stdlib.h>

static void look_port(struct rf_check *c, const struct rf_site_switch *sw, const struct rf_site_port *p)
{
	const struct rf_site_zone *z = p->zone;

	if (!z)
		return;
	if (z->office != sw->office && rf_check_inside(z))
		rf_check_breach(c, p->zone_pos, "wan-vpn-separation", "name a zone of the same office",
				"switch \"%.*s\": port %.*s is in zone \"%.*s\", which is in another office",
				RF_VFMT(sw->name), RF_VFMT(p->name), RF_VFMT(z->name));
	if (!rf_check_inside(z))
		rf_check_breach(c, p->zone_pos, "net-class-vlans", "name a zone of the house",
				"switch \"%.*s\": port %.*s is in zone \"%.*s\", which is outside", RF_VFMT(sw->name),
				RF_VFMT(p->name), RF_VFMT(z->name));
	if (z->kind == RF_ZONE_PHONE && p->macs > 1 && rf_check_asked(c, "ph-eth-pcport-off"))
		rf_check_breach(c, p->macs_pos, "ph-eth-pcport-off",
				"remove macs, and switch off the phones' ports for computers",
				"switch \"%.*s\": port %.*s takes %u stations, and behind a phone nothing may be",
				RF_VFMT(sw->name), RF_VFMT(p->name), p->macs);
}

/* A range is one line of the file, and has one fault. */
static bool said_already(const struct rf_site_switch *sw, size_t i)
{
	return i && sw->ports[i].ranged && sw->ports[i - 1].pos.line == sw->ports[i].pos.line &&
	       sw->ports[i - 1].pos.column == sw->ports[i].pos.column;
}

static void look_management(struct rf_check *c, const struct rf_site_switch *sw)
{
	const char *mitigation =
		rf_check_asked(c, "mgmt-admin-network") ? "mgmt-admin-network" : "arch-zone-admin-only";

	if (sw->zone->kind != RF_ZONE_ADMIN && c->s->level != RF_LEVEL_MINIMUM)
		rf_check_breach(c, sw->zone_pos, mitigation, "manage it in a zone of kind admin",
				"switch \"%.*s\" is managed in zone \"%.*s\"", RF_VFMT(sw->name),
				RF_VFMT(sw->zone->name));
	if (sw->zone->office != sw->office)
		rf_check_breach(c, sw->zone_pos, "wan-vpn-separation", "manage it in a zone of its office",
				"switch \"%.*s\" is managed in zone \"%.*s\", which is in another office",
				RF_VFMT(sw->name), RF_VFMT(sw->zone->name));
}

static bool leads_to(const struct rf_site_switch *sw, const struct rf_site_switch *to)
{
	for (size_t i = 0; i < sw->port_count; i++)
		if (sw->ports[i].to_switch == to)
			return true;
	return false;
}

static void look_uplinks(struct rf_check *c, const struct rf_site_switch *sw)
{
	for (size_t i = 0; i < sw->port_count; i++) {
		const struct rf_site_port *p = &sw->ports[i];

		if (p->to_switch && !leads_to(p->to_switch, sw))
			rf_check_say(c, RF_SEV_WARNING, p->to_pos, "net-port-security",
				     "add an uplink to that switch as well",
				     "switch \"%.*s\": uplink %.*s leads to \"%.*s\", which has no uplink back",
				     RF_VFMT(sw->name), RF_VFMT(p->name), RF_VFMT(p->to_switch->name));
		if (p->to_router && p->to_router->office != sw->office)
			rf_check_breach(c, p->to_pos, "wan-vpn-separation", "lead it to a router of its office",
					"switch \"%.*s\": uplink %.*s leads to router \"%.*s\", "
					"which is in another office",
					RF_VFMT(sw->name), RF_VFMT(p->name), RF_VFMT(p->to_router->name));
		if (p->to_switch && p->to_switch->office != sw->office)
			rf_check_breach(c, p->to_pos, "wan-vpn-separation", "lead it to a switch of its office",
					"switch \"%.*s\": uplink %.*s leads to switch \"%.*s\", "
					"which is in another office",
					RF_VFMT(sw->name), RF_VFMT(p->name), RF_VFMT(p->to_switch->name));
	}
}

static size_t root(size_t *up, size_t i)
{
	while (up[i] != i)
		i = up[i] = up[up[i]];
	return i;
}

/* Sets of switches that links join; all routers are one more member. A link counts from whichever end it is said. */
static int look_paths(struct rf_check *c)
{
	const struct rf_site *s = c->s;
	size_t n = s->switch_count, *up = calloc(n + 1, sizeof *up);

	if (!up)
		return -ENOMEM;
	for (size_t i = 0; i <= n; i++)
		up[i] = i;
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < s->switches[i].port_count; j++) {
			const struct rf_site_port *p = &s->switches[i].ports[j];

			if (p->to_router || p->to_switch)
				up[root(up, i)] = root(up, p->to_router ? n : (size_t)(p->to_switch - s->switches));
		}
	for (size_t i = 0; i < n; i++)
		if (root(up, i) != root(up, n))
			rf_check_breach(c, s->switches[i].pos, "net-inter-vlan-filter",
				      "add a port with  to:  a router or a switch",
					"no way leads from switch \"%.*s\" to a router", RF_VFMT(s->switches[i].name));
	free(up);
	return 0;
}

int rf_check_switches(struct rf_check *c)
{
	const struct rf_site *s = c->s;

	for (size_t i = 0; i < s->switch_count; i++) {
		const struct rf_site_switch *sw = &s->switches[i];

		look_management(c, sw);
		for (size_t j = 0; j < sw->port_count; j++)
			if (!said_already(sw, j))
				look_port(c, sw, &sw->ports[j]);
		look_uplinks(c, sw);
	}
	return s->router_count ? look_paths(c) : 0;
}
