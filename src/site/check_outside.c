/* What comes from outside: names and time by a way that is open, trunks from where nothing of ours is. */
#include "site/check_int.h"

#include <netinet/in.h>

static const struct rf_site_zone *zone_of(const struct rf_site *s, const struct rf_site_ip *ip)
{
	for (size_t i = 0; i < s->zone_count; i++)
		if (rf_site_ip_in(ip, &s->zones[i].subnet) || rf_site_ip_in(ip, &s->zones[i].subnet6))
			return &s->zones[i];
	return NULL;
}

/* --- names and time */

static bool covers(const struct rf_site_ip *v, size_t n, const struct rf_site_ip *ip)
{
	for (size_t i = 0; i < n; i++)
		if (rf_site_ip_in(ip, &v[i]))
			return true;
	return n == 0; /* the whole zone */
}

static bool has_port(const struct rf_site_allow *a, uint16_t port)
{
	for (size_t i = 0; i < a->port_count; i++)
		if (a->ports[i].first <= port && port <= a->ports[i].last)
			return true;
	return false;
}

/* May this host send there? to: NULL where a name says it, which is somewhere outside. */
static bool opens(const struct rf_check *c, const struct rf_site_host *h, const struct rf_site_ip *to, uint16_t port)
{
	const struct rf_site_zone *zone = to ? zone_of(c->s, to) : NULL;

	if (zone == h->zone)
		return true;
	for (size_t i = 0; i < c->s->allow_count; i++) {
		const struct rf_site_allow *a = &c->s->allows[i];
		bool there = zone ? a->to == zone : a->to->kind == RF_ZONE_INTERNET || a->to->kind == RF_ZONE_WAN;

		if (a->from == h->zone && there && a->protocol == IPPROTO_UDP && has_port(a, port) &&
		    (covers(a->from_ips, a->from_ip_count, &h->address) ||
		     (h->address6.family && covers(a->from_ips, a->from_ip_count, &h->address6))) &&
		    (!to || covers(a->to_ips, a->to_ip_count, to)))
			return true;
	}
	return false;
}

static bool is_own(const struct rf_site_host *h, const struct rf_site_ip *ip)
{
	return rf_site_ip_in(ip, &h->address) || rf_site_ip_in(ip, &h->address6);
}

/* Does somebody with this service reach it? kind: of zones whose hosts ask. */
static bool asked(const struct rf_check *c, unsigned service, enum rf_zone_kind kind, const struct rf_site_ip *to,
		  uint16_t port)
{
	bool any = false;

	for (size_t i = 0; i < c->s->host_count; i++) {
		const struct rf_site_host *h = &c->s->hosts[i];

		if (!(h->services & service) || h->zone->kind != kind)
			continue;
		if ((to && is_own(h, to)) || opens(c, h, to, port))
			return true;
		any = true;
	}
	return !any && kind == RF_ZONE_SERVER; /* that there is none is said elsewhere */
}

static void look_sources(struct rf_check *c)
{
	const struct rf_site_network *n = &c->s->network;

	for (size_t i = 0; i < n->dns_forward.n; i++) {
		const struct rf_site_zone *z = zone_of(c->s, &n->dns_forward.v[i]);

		if (!(z && z->kind == RF_ZONE_DATA) &&
		    !asked(c, RF_SERVICE_DNS, RF_ZONE_SERVER, &n->dns_forward.v[i], 53))
			rf_check_breach(c, n->pos, "net-own-services",
					"add to allow: { from: server, to: border, category: services, "
					"protocol: udp, ports: 53 }",
					"network.dns_forward: no DNS of telephony may ask resolver %zu", i + 1);
	}
	if (n->ntp_servers.n && !asked(c, RF_SERVICE_NTP, RF_ZONE_BORDER, NULL, 123))
		rf_check_breach(c, n->pos, "net-own-services",
				"allow udp 123 from a host with service ntp in a zone of kind border to the internet, "
				"or remove the key",
				"network.ntp_servers: no time server of the perimeter may ask \"%.*s\"",
				RF_VFMT(n->ntp_servers.v[0]));
}

/* --- trunks */

/* A provider is outside, a gateway of ours in its zone; neither is among phones, administrators or data. */
static bool misplaced(const struct rf_site_zone *z)
{
	return z && rf_check_inside(z) && z->kind != RF_ZONE_GATEWAY && z->kind != RF_ZONE_BORDER &&
	       z->kind != RF_ZONE_SERVER;
}

static void look_trunk(struct rf_check *c, const struct rf_site_trunk *t)
{
	const struct rf_site_zone *z;
	struct rf_site_ip ip;

	if (rf_site_ip_parse(t->peer, false, &ip) && misplaced(z = zone_of(c->s, &ip)))
		rf_check_breach(c, t->pos, "net-class-vlans", "write the provider's address",
				"the peer of trunk \"%.*s\" is in zone \"%.*s\"", RF_VFMT(t->name), RF_VFMT(z->name));
	for (size_t i = 0; i < t->addresses.n; i++)
		for (size_t j = 0; j < c->s->zone_count; j++) {
			const struct rf_site_ip *a = &t->addresses.v[i];

			z = &c->s->zones[j];
			if (!rf_check_inside(z) || z->kind == RF_ZONE_GATEWAY || z->kind == RF_ZONE_BORDER ||
			    !(rf_site_ip_in(&z->subnet, a) || rf_site_ip_in(&z->subnet6, a) ||
			      (misplaced(z) && (rf_site_ip_in(a, &z->subnet) || rf_site_ip_in(a, &z->subnet6)))))
				continue;
			rf_check_breach(c, t->pos, "pub-sbc", "name the provider's addresses alone",
					"the addresses of trunk \"%.*s\" hold some of zone \"%.*s\"", RF_VFMT(t->name),
					RF_VFMT(z->name));
			return;
		}
}

void rf_check_outside(struct rf_check *c)
{
	if (c->network)
		look_sources(c);
	for (size_t i = 0; i < c->s->trunk_count; i++)
		look_trunk(c, &c->s->trunks[i]);
	if (c->s->network.media_first <= 5061 && c->s->network.media_last >= 5060)
		rf_check_breach(c, c->s->network.pos, "net-inter-vlan-filter", "choose ports like 16384-32767",
				"network.media_ports has 5060 and 5061, which are of signaling");
}
