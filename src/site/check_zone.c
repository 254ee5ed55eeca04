/* Zones and who may be in them: like devices only, each zone with addresses of its own and room for all of them. */
#include "site/check_int.h"

#include <stdio.h>

#define K(kind) (1u << RF_ZONE_##kind)
#define HOUSE (K(SERVER) | K(GATEWAY) | K(BORDER) | K(ADMIN) | K(CONVERGED) | K(DATA))

/* Where each role and service may be: the members of the zones in data/zone-matrix.yaml. In zones of phones nothing but
 * phones. */
struct home {
	unsigned bit;
	const char *name;
	unsigned kinds;    /* of zones, bits 1u << enum rf_zone_kind */
	unsigned minimum;  /* others too at level minimum */
	const char *mitigation, *mend;
};

static const struct home roles[] = {
	{ RF_ROLE_CONTROLLER, "controller", K(SERVER), 0, "net-class-vlans", "put it into a zone of kind server" },
	{ RF_ROLE_PROVISION, "provision", K(SERVER), 0, "net-class-vlans", "put it into a zone of kind server" },
	{ RF_ROLE_BORDER, "border", K(BORDER), 0, "pub-sbc", "put it into a zone of kind border" },
	{ RF_ROLE_RELAY, "relay", K(BORDER) | K(SERVER), 0, "pub-sbc", "put it into a zone of kind border" },
	{ RF_ROLE_GATEWAY, "gateway", K(GATEWAY), K(SERVER), "net-server-gateway-vlans",
	  "put it into a zone of kind gateway" },
	{ RF_ROLE_CONSOLE, "console", K(ADMIN) | K(SERVER), 0, "web-admin-network",
	  "put it into a zone of kind admin" },
	{ RF_ROLE_VOICEMAIL, "voicemail", K(CONVERGED) | K(SERVER), 0, "ph-conv-dmz",
	  "put it into a zone of kind converged" },
	{ RF_ROLE_WALL, "wall", K(ADMIN), HOUSE, "mgmt-admin-network", "put it into a zone of kind admin" },
};

static const struct home services[] = {
	{ RF_SERVICE_DHCP, "dhcp", HOUSE & ~K(GATEWAY), K(GATEWAY), "net-class-vlans",
	  "put it into a zone of kind server" },
	{ RF_SERVICE_DNS, "dns", HOUSE & ~K(GATEWAY), K(GATEWAY), "net-class-vlans",
	  "put it into a zone of kind server" },
	{ RF_SERVICE_NTP, "ntp", HOUSE & ~K(GATEWAY), K(GATEWAY), "net-class-vlans",
	  "put it into a zone of kind server or admin" },
	{ RF_SERVICE_LOG, "log", K(ADMIN) | K(SERVER) | K(DATA), 0, "log-central-server",
	  "put it into a zone of kind admin" },
	{ RF_SERVICE_RADIUS, "radius", K(ADMIN) | K(SERVER) | K(DATA), 0, "net-class-vlans",
	  "put it into a zone of kind admin" },
	{ RF_SERVICE_DIRECTORY, "directory", K(ADMIN) | K(SERVER) | K(DATA) | K(CONVERGED), 0, "net-class-vlans",
	  "put it into a zone of kind admin" },
	{ RF_SERVICE_DATABASE, "database", K(SERVER) | K(CONVERGED) | K(DATA), 0, "db-dedicated-channel",
	  "put it into a zone of kind server that holds databases alone" },
	{ RF_SERVICE_CACHE, "cache", K(SERVER) | K(CONVERGED) | K(DATA), 0, "db-dedicated-channel",
	  "put it into a zone of kind server that holds databases alone" },
	{ RF_SERVICE_PROXY, "proxy", K(BORDER) | K(CONVERGED) | K(DATA), 0, "net-class-vlans",
	  "put it into a zone of kind border" },
	{ RF_SERVICE_MIRROR, "mirror", HOUSE & ~K(GATEWAY), 0, "net-class-vlans", "put it into a zone of kind admin" },
	{ RF_SERVICE_MAIL, "mail", K(CONVERGED) | K(DATA) | K(BORDER), 0, "mal-no-general-internet",
	  "put it into a zone of kind data or converged" },
	{ RF_SERVICE_WEB, "web", K(CONVERGED) | K(DATA) | K(BORDER), 0, "mal-no-general-internet",
	  "put it into a zone of kind data or converged" },
	{ RF_SERVICE_STUN, "stun", K(BORDER) | K(SERVER), 0, "net-class-vlans", "put it into a zone of kind border" },
	{ RF_SERVICE_IDS, "ids", HOUSE & ~K(GATEWAY), K(GATEWAY), "net-class-vlans",
	  "put it into a zone of kind admin" },
	{ RF_SERVICE_WORKSTATION, "workstation", K(ADMIN), K(DATA), "mgmt-admin-network",
	  "put it into a zone of kind admin" },
	{ RF_SERVICE_BACKUP, "backup", HOUSE & ~K(GATEWAY), 0, "net-class-vlans", "put it into a zone of kind admin" },
};

static const char *const kind_names[RF_ZONE_KINDS] = {
	"server", "phone", "softphone", "gateway", "border", "admin", "converged", "data", "wan", "internet", "pstn",
};

static void look_homes(struct rf_check *c, const struct rf_site_host *h, const char *what, unsigned has,
		       const struct home *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned kinds = v[i].kinds | (c->s->level == RF_LEVEL_MINIMUM ? v[i].minimum : 0u);

		if (has & v[i].bit && !(kinds & 1u << h->zone->kind))
			rf_check_breach(c, h->pos, v[i].mitigation, v[i].mend,
					"host \"%.*s\" with %s %s is in zone \"%.*s\", of kind %s", RF_VFMT(h->name),
					what, v[i].name, RF_VFMT(h->zone->name), kind_names[h->zone->kind]);
	}
}

/* An address of a family that the zone does not have lies outside every rule. */
static void look_families(struct rf_check *c, struct rf_site_pos pos, const char *what, struct rf_view who,
			  const struct rf_site_zone *z, const struct rf_site_ip *a, const struct rf_site_ip *b)
{
	const struct rf_site_ip *const v[] = { a, b };

	for (size_t i = 0; c->network && rf_check_inside(z) && i < 2; i++) {
		const struct rf_site_ip *net = v[i]->family == 6 ? &z->subnet6 : &z->subnet;

		if (v[i]->family && !net->family)
			rf_check_breach(c, pos, "arch-zone-addressing",
					"give the zone such a subnet, or remove the address",
					"%s \"%.*s\" has an IPv%u address, and zone \"%.*s\" no subnet of IPv%u", what,
					RF_VFMT(who), v[i]->family, RF_VFMT(z->name), v[i]->family);
	}
}

void rf_check_hosts(struct rf_check *c)
{
	const struct rf_site *s = c->s;

	for (size_t i = 0; i < s->host_count; i++) {
		const struct rf_site_host *h = &s->hosts[i];

		look_homes(c, h, "role", h->roles, roles, sizeof roles / sizeof *roles);
		look_homes(c, h, "service", h->services, services, sizeof services / sizeof *services);
		look_families(c, h->pos, "host", h->name, h->zone, &h->address, &h->address6);
		if (h->roles & RF_ROLE_CONSOLE && !(h->roles & RF_ROLE_CONTROLLER) &&
		    rf_check_asked(c, "web-local-only"))
			rf_check_breach(c, h->pos, "web-local-only", "give the controller the role, and this host none",
					"level %s has the console on the server itself, and \"%.*s\" is another host",
					rf_level_name(s->level), RF_VFMT(h->name));
		if (h->has_mac && h->mac[0] & 1)
			rf_check_breach(c, h->mac_pos, "net-port-security", "write the device's own MAC address",
					"host \"%.*s\": %.*s is the address of a group", RF_VFMT(h->name),
					RF_VFMT(h->mac_text));
	}
}

/* --- zones */

/* The matrix has no cell for them, so nothing could be opened to them or from them. */
static void look_kind(struct rf_check *c, const struct rf_site_zone *z)
{
	const char *mitigation = z->kind == RF_ZONE_SOFTPHONE ? "ph-soft-none" :
				 z->kind == RF_ZONE_CONVERGED ? "ph-conv-none" : NULL;

	if (mitigation && rf_check_asked(c, mitigation))
		rf_check_say(c, RF_SEV_ERROR, rf_site_pos_or(z->kind_pos, z->pos), mitigation,
			     "remove the zone, or choose a lower level", "level %s has no zone of kind %s: \"%.*s\"",
			     rf_level_name(c->s->level), kind_names[z->kind], RF_VFMT(z->name));
}

static uint64_t room(const struct rf_site_ip *net)
{
	unsigned bits = (net->family == 6 ? 128u : 32u) - net->prefix;

	return bits >= 32 ? UINT32_MAX : bits < 2 ? 0 : (1ull << bits) - (net->family == 6 ? 1 : 2);
}

static void look_room(struct rf_check *c, const struct rf_site_zone *z, const struct rf_site_ip *net,
		      struct rf_view text)
{
	const struct rf_check_zone *known = rf_check_zone(c, z);
	struct rf_site_pos pos = net->family == 6 ? z->subnet6_pos : z->subnet_pos;
	uint64_t need = known->hosts + known->phones + known->devices;

	if (!net->family)
		return;
	if (room(net) < 2)
		rf_check_breach(c, pos, "arch-zone-addressing", "give it a larger subnet",
				"the subnet of zone \"%.*s\", %.*s, has no room for a gateway and a host",
				RF_VFMT(z->name), RF_VFMT(text));
	else if (net->family == 4 && room(net) < need)
		rf_check_breach(c, pos, "arch-zone-addressing", "give it a larger subnet, or make two zones of it",
				"the subnet of zone \"%.*s\", %.*s, has %u addresses, and its devices need %u",
				RF_VFMT(z->name), RF_VFMT(text), (unsigned)room(net), (unsigned)need);
}

/* Networks that hosts cannot have addresses of: everybody's, a machine's own, a wire's, groups. */
static bool reserved(const struct rf_site_ip *net, bool network)
{
	const uint8_t *b = net->b;

	if (net->family == 4)
		return b[0] == 0 || (b[0] == 127 && network) || (b[0] == 169 && b[1] == 254) || b[0] >= 224;
	return net->family == 6 && (b[0] == 0xff || (b[0] == 0xfe && (b[1] & 0xc0) == 0x80) || (b[0] == 0 && network));
}

static void look_reserved(struct rf_check *c, const struct rf_site_zone *z, const struct rf_site_ip *net,
			  struct rf_view text, struct rf_site_pos pos)
{
	if (reserved(net, c->network))
		rf_check_breach(c, pos, "arch-zone-addressing", "choose a network for hosts, like 10.20.0.0/24",
				"the subnet of zone \"%.*s\", %.*s, is not one for hosts", RF_VFMT(z->name),
				RF_VFMT(text));
}

static void look_protocol(struct rf_check *c, const struct rf_site_zone *z)
{
	static const char *const known[] = { "sip", "h323", "mgcp", "megaco", "sccp", "iax2", "unistim", "xmpp", "skinny" };

	if (!z->protocol.n)
		return;
	if (z->kind != RF_ZONE_SERVER)
		rf_check_breach(c, z->pos, "net-protocol-vlans",
				"remove  protocol:", "zone \"%.*s\" is of kind %s, and a call protocol is of servers",
				RF_VFMT(z->name), kind_names[z->kind]);
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (rf_view_eq(z->protocol, rf_view_str(known[i])))
			return;
	rf_check_say(c, RF_SEV_WARNING, z->pos, "net-protocol-vlans",
		     "write sip, h323, mgcp, megaco, sccp, iax2, unistim or xmpp",
		     "zone \"%.*s\": \"%.*s\" is no call protocol that is known", RF_VFMT(z->name),
		     RF_VFMT(z->protocol));
}

static void look_described(struct rf_check *c, const struct rf_site_zone *z)
{
	const struct rf_check_zone *known = rf_check_zone(c, z);

	if (!z->subnet.family && !z->subnet6.family)
		rf_check_breach(c, z->pos, "arch-zone-addressing", "add  subnet: 10.20.0.0/24",
				"zone \"%.*s\" has no subnet, so no rule can name it", RF_VFMT(z->name));
	if ((z->gateway_said && !z->subnet.family) || (z->gateway6_said && !z->subnet6.family))
		rf_check_breach(c, z->pos, "arch-zone-addressing", "add the subnet, or remove the gateway",
				"zone \"%.*s\" has a gateway and no subnet of its family", RF_VFMT(z->name));
	if (!z->vlan && known->carrier)
		rf_check_breach(c, z->pos, "net-class-vlans", "add  vlan: 20",
				"zone \"%.*s\" has no VLAN, and ports of switch \"%.*s\" are in it", RF_VFMT(z->name),
				RF_VFMT(known->carrier->name));
	/* A data network of its own, joined nowhere, is more than anybody asks for. */
	if (c->s->router_count && !known->routers && z->kind != RF_ZONE_DATA)
		rf_check_breach(c, z->pos, "net-inter-vlan-filter", "give a router an interface in it: { zone: NAME }",
				"no router joins zone \"%.*s\" with the others", RF_VFMT(z->name));
}

static bool takes_dhcp(const struct rf_site_zone *z)
{
	return z->dhcp == 1 && (z->kind == RF_ZONE_PHONE || z->kind == RF_ZONE_SERVER || z->kind == RF_ZONE_GATEWAY);
}

void rf_check_zones(struct rf_check *c)
{
	const struct rf_site *s = c->s;

	for (size_t i = 0; i < s->zone_count; i++) {
		const struct rf_site_zone *z = &s->zones[i];

		look_kind(c, z);
		if (takes_dhcp(z) && rf_check_asked(c, "reg-dhcp-off"))
			rf_check_breach(c, z->dhcp_pos, "reg-dhcp-off",
					"remove  dhcp: true  when the phones are deployed",
					"level %s has no DHCP in telephony, and zone \"%.*s\" has it",
					rf_level_name(s->level), RF_VFMT(z->name));
		look_protocol(c, z);
		if (!rf_check_inside(z))
			continue;
		look_reserved(c, z, &z->subnet, z->subnet_text, z->subnet_pos);
		look_reserved(c, z, &z->subnet6, z->subnet6_text, z->subnet6_pos);
		look_room(c, z, &z->subnet, z->subnet_text);
		look_room(c, z, &z->subnet6, z->subnet6_text);
		if (c->network)
			look_described(c, z);
	}
	for (size_t i = 0; i < s->router_count; i++)
		for (size_t j = 0; j < s->routers[i].interface_count; j++) {
			const struct rf_site_interface *f = &s->routers[i].interfaces[j];

			look_families(c, f->pos, "router", s->routers[i].name, f->zone, &f->address, &f->address6);
		}
	for (size_t i = 0; i < s->switch_count; i++)
		look_families(c, s->switches[i].pos, "switch", s->switches[i].name, s->switches[i].zone,
			      &s->switches[i].address,
			      &(struct rf_site_ip){ 0 });
	if (s->switch_count && !s->router_count)
		rf_check_breach(c, s->switches[0].pos, "net-inter-vlan-filter",
				"add  routers: [{ name: rt-a, interfaces: [{ zone: phone }, { zone: server }] }]",
				"no router joins the zones of this site");
}
