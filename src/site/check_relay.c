/* Hosts with the role relay: ports for the calls that the site has, addresses where they are to be heard, walls around
 * them; and borders, which need one. */
#include "site/check_int.h"

#include <string.h>

/* Two for each side of a call, RTP and RTCP; both sides out of one range when they are one address. */
static uint32_t ports_of_call(const struct rf_site_host *h)
{
	const struct rf_site_ip *outside = rf_site_outside_ip(h, 4);

	return outside->family && memcmp(outside->b, h->address.b, 4) != 0 ? 2 : 4;
}

static uint32_t outside_calls(const struct rf_site *s)
{
	uint32_t n = 0;

	for (size_t i = 0; i < s->trunk_count; i++)
		n += s->trunks[i].channels;
	return s->limits.external_calls ? s->limits.external_calls : n;
}

static void look_ports(struct rf_check *c, const struct rf_site_host *h, size_t relays)
{
	uint32_t ports = c->s->network.media_last - c->s->network.media_first + 1, calls = outside_calls(c->s);
	uint32_t carries = ports / ports_of_call(h) * (uint32_t)relays;

	if (calls > carries)
		rf_check_say(c, RF_SEV_WARNING, h->pos, "dos-external-call-cap",
			     "give  network: { media_ports: }  a wider range, or another host the role relay",
			     "relay \"%.*s\" has ports for %u calls, the site for %u", RF_VFMT(h->name), carries,
			     calls);
}

static bool has_foot(const struct rf_site_router *r, const struct rf_site_zone *zone)
{
	for (size_t i = 0; i < r->interface_count; i++)
		if (r->interfaces[i].zone == zone)
			return true;
	return false;
}

/* What opens its pinholes: a wall on a Linux router of its zone. */
static void look_walls(struct rf_check *c, const struct rf_site_host *h)
{
	const struct rf_site_router *linux_one = NULL;

	for (size_t i = 0; i < c->s->router_count; i++) {
		const struct rf_site_router *r = &c->s->routers[i];

		if (r->kind != RF_DEVICE_LINUX || !has_foot(r, h->zone))
			continue;
		if (r->host)
			return;
		linux_one = linux_one ? linux_one : r;
	}
	if (linux_one && h->zone->kind == RF_ZONE_BORDER)
		rf_check_say(c, RF_SEV_WARNING, h->pos, "arch-per-sbc-pinholes",
			     "add a host of the router's name with the role wall",
			     "no wall runs on router \"%.*s\" or another of zone \"%.*s\", so nobody opens pinholes "
			     "for relay \"%.*s\"",
			     RF_VFMT(linux_one->name), RF_VFMT(h->zone->name), RF_VFMT(h->name));
}

static bool is_of_relay(const struct rf_site *s, const struct rf_site_ip *ip)
{
	static const struct rf_site_ip loopback = { .family = 4, .prefix = 8, .b = { 127 } };

	if (rf_site_ip_in(ip, &loopback) ||
	    (ip->family == 6 && memcmp(ip->b, (const uint8_t[16]){ [15] = 1 }, 16) == 0))
		return true;
	for (size_t i = 0; i < s->host_count; i++) {
		const struct rf_site_host *h = &s->hosts[i];

		if (h->roles & RF_ROLE_RELAY && (rf_site_ip_in(ip, &h->address) || rf_site_ip_in(ip, &h->address6)))
			return true;
	}
	return false;
}

/* The NG protocol over UDP proves nobody. */
static void look_ng(struct rf_check *c)
{
	const struct rf_site_relay *r = &c->s->relay;

	for (size_t i = 0; i < r->ng.n; i++)
		if (!is_of_relay(c->s, &r->ng.v[i]))
			rf_check_say(c, RF_SEV_WARNING, r->ng_pos, "pub-sbc",
				     "name addresses of hosts with the role relay, or 127.0.0.1",
				     "relay.ng: one of its addresses is no relay's, which will not start");
	if (!r->ng.n && r->peers.n)
		rf_check_say(c, RF_SEV_WARNING, r->peers_pos, "pub-sbc", "add  relay: { ng: [ADDRESS] }",
			     "relay.peers names who may ask, and relay.ng not where");
}

/* A border lets no description cross that a relay has not made. */
static void look_border(struct rf_check *c, const struct rf_site_host *h)
{
	if (!rf_site_has_role(c->s, RF_ROLE_RELAY) && !c->s->media.relays.n)
		rf_check_say(c, RF_SEV_WARNING, h->pos, "pub-sbc", "give it or another host the role relay",
			     "border \"%.*s\" has no media relay, and takes no calls", RF_VFMT(h->name));
}

void rf_check_relays(struct rf_check *c)
{
	size_t relays = 0;

	for (size_t i = 0; i < c->s->host_count; i++)
		relays += (c->s->hosts[i].roles & RF_ROLE_RELAY) != 0;
	for (size_t i = 0; i < c->s->host_count; i++) {
		const struct rf_site_host *h = &c->s->hosts[i];

		if (h->roles & RF_ROLE_BORDER)
			look_border(c, h);
		if (!(h->roles & RF_ROLE_RELAY))
			continue;
		look_ports(c, h, relays);
		look_walls(c, h);
	}
	look_ng(c);
}
