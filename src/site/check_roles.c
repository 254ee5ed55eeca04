/* What the level asks for and somebody must be: standbys, services of telephony's own, logs, the border, 802.1X. */
#include "site/check_int.h"

#define K(kind) (1u << RF_ZONE_##kind)

static bool has_kind(const struct rf_site *s, enum rf_zone_kind kind)
{
	for (size_t i = 0; i < s->zone_count; i++)
		if (s->zones[i].kind == kind)
			return true;
	return false;
}

/* The first host with one of these roles and services in zones of these kinds. */
static const struct rf_site_host *who(const struct rf_site *s, unsigned roles, unsigned services, unsigned kinds)
{
	for (size_t i = 0; i < s->host_count; i++)
		if ((s->hosts[i].roles & roles || s->hosts[i].services & services) &&
		    kinds & 1u << s->hosts[i].zone->kind)
			return &s->hosts[i];
	return NULL;
}

/* --- standbys */

static bool has_standby(const struct rf_site *s, const struct rf_site_host *h)
{
	for (size_t i = 0; i < s->host_count; i++)
		if (rf_view_eq(s->hosts[i].standby_for, h->name))
			return true;
	return h->standby_for.n > 0;
}

static void look_standbys(struct rf_check *c)
{
	const struct rf_site *s = c->s;

	if (!rf_check_asked(c, "hw-hot-standby"))
		return;
	for (size_t i = 0; i < s->host_count; i++) {
		const struct rf_site_host *h = &s->hosts[i];

		if (!(h->roles & (RF_ROLE_CONTROLLER | RF_ROLE_BORDER | RF_ROLE_GATEWAY)) || has_standby(s, h))
			continue;
		if (h->roles & RF_ROLE_CONTROLLER)
			rf_check_missing(c, h->pos, "hw-hot-standby",
					 "add a host with the same roles and  standby_for:",
					 "controller \"%.*s\" has no hot standby", RF_VFMT(h->name));
		else if (c->network)
			rf_check_say(c, RF_SEV_WARNING, h->pos, "hw-hot-standby",
				      "add a host with the same roles and  standby_for:",
				     "%s \"%.*s\" has no hot standby", h->roles & RF_ROLE_BORDER ? "border" : "gateway",
				     RF_VFMT(h->name));
	}
}

/* --- services of telephony's own */

static const struct rf_site_zone *needs_dhcp(const struct rf_site *s)
{
	for (size_t i = 0; i < s->zone_count; i++) {
		const struct rf_site_zone *z = &s->zones[i];
		bool by_level = z->dhcp == 0 && s->level != RF_LEVEL_HIGHEST;

		if (z->kind == RF_ZONE_PHONE && (z->dhcp == 1 || by_level))
			return z;
	}
	return NULL;
}

static const struct rf_site_zone *first_phone_zone(const struct rf_site *s)
{
	for (size_t i = 0; i < s->zone_count; i++)
		if (s->zones[i].kind == RF_ZONE_PHONE)
			return &s->zones[i];
	return NULL;
}

/* Phones and gateways may ask the zone of the servers only: network-services in data/zone-matrix.yaml. */
static void look_own_service(struct rf_check *c, unsigned service, const char *name, const struct rf_site_zone *client)
{
	const struct rf_site *s = c->s;
	const struct rf_site_host *other = who(s, 0, service, ~K(SERVER));

	if (!client || who(s, 0, service, K(SERVER)))
		return;
	if (other)
		rf_check_missing(c, other->pos, "net-own-services", "give a host in a zone of kind server the service",
				 "%s for zone \"%.*s\" is only on \"%.*s\", in zone \"%.*s\", "
				 "where phones do not reach it", name,
				 RF_VFMT(client->name), RF_VFMT(other->name), RF_VFMT(other->zone->name));
	else
		rf_check_missing(c, client->pos, "net-own-services", "give a host in a zone of kind server the service",
				 "no host gives zone \"%.*s\" %s", RF_VFMT(client->name), name);
}

static bool in_data(const struct rf_site *s, const struct rf_site_ip *ip)
{
	for (size_t i = 0; i < s->zone_count; i++)
		if (s->zones[i].kind == RF_ZONE_DATA &&
		    (rf_site_ip_in(ip, &s->zones[i].subnet) || rf_site_ip_in(ip, &s->zones[i].subnet6)))
			return true;
	return false;
}

static void look_sources(struct rf_check *c)
{
	const struct rf_site_network *n = &c->s->network;
	struct rf_site_ip ip;

	for (size_t i = 0; i < n->dns_forward.n; i++)
		if (in_data(c->s, &n->dns_forward.v[i]))
			rf_check_breach(c, n->pos, "net-own-services",
					"name resolvers outside, or in a zone of kind border",
					"network.dns_forward: telephony would ask the DNS of the data network");
	for (size_t i = 0; i < n->ntp_servers.n; i++)
		if (rf_site_ip_parse(n->ntp_servers.v[i], false, &ip) && in_data(c->s, &ip))
			rf_check_breach(c, n->pos, "net-own-services",
					"name time servers outside, or in a zone of kind border",
					"network.ntp_servers: telephony would take the time of the data network");
}

static void look_services(struct rf_check *c)
{
	const struct rf_site *s = c->s;

	if (rf_check_asked(c, "net-own-services")) {
		look_own_service(c, RF_SERVICE_DHCP, "DHCP", needs_dhcp(s));
		look_own_service(c, RF_SERVICE_DNS, "DNS", first_phone_zone(s));
		look_own_service(c, RF_SERVICE_NTP, "NTP", first_phone_zone(s));
		look_sources(c);
	}
	const struct rf_site_host *log = who(s, 0, RF_SERVICE_LOG, K(ADMIN) | K(SERVER)),
				  *other = who(s, 0, RF_SERVICE_LOG, ~0u);
	if (!log && rf_check_asked(c, "log-central-server"))
		rf_check_missing(c, other ? other->pos : s->level_pos, "log-central-server",
				 "give a host in a zone of kind admin the service log",
				 "level %s asks for a log host of telephony, and there is none",
				 rf_level_name(s->level));
}

/* --- administration */

static void look_admin(struct rf_check *c)
{
	const struct rf_site *s = c->s;

	if (!has_kind(s, RF_ZONE_ADMIN) && rf_check_asked(c, "mgmt-admin-network"))
		rf_check_missing(c, s->level_pos, "mgmt-admin-network",
				 "add a zone of kind admin and put workstations into it",
				 "level %s asks for an administrative network, and there is no zone of kind admin",
				 rf_level_name(s->level));
	else if (c->network && rf_check_asked(c, "mgmt-admin-ip-limit") && !who(s, 0, RF_SERVICE_WORKSTATION, ~0u))
		rf_check_say(c, RF_SEV_WARNING, s->level_pos, "mgmt-admin-ip-limit",
			     "give a host in a zone of kind admin the service workstation",
			     "no host is an administrator's workstation, so nobody could administer the others");
}

/* --- the outside */

/* Outside calls, by a number for all of them or one for each trunk. */
static bool bounded(const struct rf_site *s)
{
	size_t i = 0;

	while (i < s->trunk_count && s->trunks[i].channels)
		i++;
	return s->limits.external_calls || i == s->trunk_count;
}

static void look_border(struct rf_check *c)
{
	const struct rf_site *s = c->s;
	struct rf_site_pos pos = { 0 };

	for (size_t i = 0; i < s->zone_count && !pos.line; i++)
		if (s->zones[i].kind == RF_ZONE_INTERNET && c->network)
			pos = s->zones[i].pos;
	if (s->trunk_count)
		pos = s->trunks[0].pos;
	if (!pos.line || !rf_check_asked(c, "pub-sbc"))
		return;
	if (!who(s, RF_ROLE_BORDER, 0, K(BORDER)))
		rf_check_missing(c, pos, "pub-sbc", "add a host with  roles: [border, relay]  in a zone of kind border",
				 "there is an outside, and no session border controller in front of it");
	else if (!who(s, RF_ROLE_RELAY, 0, K(BORDER)) && !s->media.relays.n)
		rf_check_missing(c, pos, "pub-sbc",
				 "give a host in a zone of kind border the role relay, or name others in media.relays",
				 "there is an outside, and no relay in a zone of kind border for its media");
	if (!bounded(s) && rf_check_asked(c, "dos-external-call-cap"))
		rf_check_missing(c, pos, "dos-external-call-cap", "add  limits: { external_calls: 30 }",
				 "level %s asks for a bound on outside calls", rf_level_name(s->level));
}

/* --- 802.1X */

static void look_dot1x(struct rf_check *c)
{
	const struct rf_site *s = c->s;
	bool asked = rf_check_asked(c, "net-8021x"), on = s->network.dot1x == 1 || (asked && s->network.dot1x == 0);

	if (asked && s->network.dot1x == 2)
		rf_check_breach(c, s->network.dot1x_pos, "net-8021x",
			      "remove  dot1x: false , or write a deviation from net-8021x",
				"level %s asks for 802.1X on the ports of telephony", rf_level_name(s->level));
	if (on && !who(s, 0, RF_SERVICE_RADIUS, K(ADMIN) | K(SERVER)))
		rf_check_missing(c, s->network.dot1x ? s->network.dot1x_pos : s->level_pos, "net-8021x",
				 "give a host in a zone of kind admin the service radius",
				 "802.1X is on, and no host of telephony has the service radius");
}

/* At level medium a phone may take its address from DHCP once the switch knows who it is. */
static void look_dhcp(struct rf_check *c)
{
	const struct rf_site_zone *z = needs_dhcp(c->s);

	if (c->network && z && c->s->network.dot1x != 1 && rf_check_asked(c, "ph-dhcp-link-auth"))
		rf_check_say(c, RF_SEV_WARNING, z->pos, "ph-dhcp-link-auth",
			     "add  network: { dot1x: true } , or  dhcp: false  here",
			     "phones of zone \"%.*s\" get addresses by DHCP before 802.1X knows them",
			     RF_VFMT(z->name));
}

/* --- databases and provisioning */

static bool only_databases(const struct rf_site *s, const struct rf_site_zone *zone)
{
	for (size_t i = 0; i < s->host_count; i++)
		if (s->hosts[i].zone == zone && !(s->hosts[i].services & (RF_SERVICE_DATABASE | RF_SERVICE_CACHE)))
			return false;
	return true;
}

static void look_databases(struct rf_check *c)
{
	const struct rf_site *s = c->s;

	for (size_t i = 0; rf_check_asked(c, "db-dedicated-channel") && i < s->host_count; i++) {
		const struct rf_site_host *h = &s->hosts[i];

		/* One on the controller itself has no channel. */
		if (h->services & RF_SERVICE_DATABASE && h->zone->kind == RF_ZONE_SERVER && !h->roles &&
		    !only_databases(s, h->zone))
			rf_check_breach(c, h->pos, "db-dedicated-channel",
					"give the databases a zone of kind server of their own",
					"database \"%.*s\" shares zone \"%.*s\" with other servers", RF_VFMT(h->name),
					RF_VFMT(h->zone->name));
	}
}

static void look_provision(struct rf_check *c)
{
	const struct rf_site *s = c->s;
	const struct rf_site_host *first = NULL;
	size_t n = 0;

	for (size_t i = 0; i < s->host_count; i++)
		if (s->hosts[i].roles & RF_ROLE_PROVISION && n++ == 0)
			first = &s->hosts[i];
	if (n == 1 && c->network && rf_check_asked(c, "ph-fw-redundant-servers"))
		rf_check_say(c, RF_SEV_WARNING, first->pos, "ph-fw-redundant-servers",
			     "give another host the role provision", "only \"%.*s\" hands out the files of phones",
			     RF_VFMT(first->name));
}

void rf_check_roles(struct rf_check *c)
{
	look_standbys(c);
	look_services(c);
	look_admin(c);
	look_border(c);
	look_dot1x(c);
	look_dhcp(c);
	look_databases(c);
	look_provision(c);
	if (c->network && c->s->phone_count && !has_kind(c->s, RF_ZONE_PHONE))
		rf_check_missing(c, c->s->phones[0].pos, "net-class-vlans", "add a zone of kind phone",
				 "there are phones, and no zone of kind phone");
}
