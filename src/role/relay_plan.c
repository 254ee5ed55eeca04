#include "role/relay.h"

#include "policy/flow.h"
#include "site/site.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

bool rf_anchor_ports(uint16_t first, uint16_t last, unsigned index, unsigned n, uint16_t *ret_first, uint16_t *ret_last)
{
	/* In pairs: RTP on an even port, RTCP behind it. */
	unsigned even = (first + 1u) & ~1u, pairs = last > even ? (last - even + 1u) / 2 : 0, each = pairs / n,
		 rest = pairs % n;

	if (!each)
		return false;
	unsigned before = index * each + (index < rest ? index : rest), mine = each + (index < rest);
	*ret_first = (uint16_t)(even + 2 * before);
	*ret_last = (uint16_t)(even + 2 * (before + mine) - 1);
	return true;
}

static struct rf_addr addr_of(const struct rf_site_ip *ip, uint16_t port)
{
	struct rf_addr a = { .family = ip->family, .port = ip->family ? port : 0 };

	memcpy(a.ip, ip->b, ip->family == 4 ? 4 : ip->family == 6 ? 16 : 0);
	return a;
}

static void interface(struct rf_anchor_plan *p, const struct rf_site *site, bool outer, const struct rf_site_ip *ip,
		      const struct rf_site_ip *advertised)
{
	struct rf_media_interface *i = &p->interfaces[p->n_interfaces];

	if (!ip->family)
		return;
	*i = (struct rf_media_interface){
		.local = addr_of(ip, 0),
		.port_first = (uint16_t)site->network.media_first,
		.port_last = (uint16_t)site->network.media_last,
		.outer = outer,
	};
	if (advertised && advertised->family == ip->family)
		i->advertised = addr_of(advertised, 0);
	snprintf(i->name, sizeof i->name, "%s", outer ? "outside" : "inside");
	p->n_interfaces++;
}

/* A gateway's media is where media from outside may go. */
static bool is_of_inside(const struct rf_site_zone *z)
{
	return z->kind != RF_ZONE_INTERNET && z->kind != RF_ZONE_WAN && z->kind != RF_ZONE_PSTN &&
	       z->kind != RF_ZONE_BORDER && z->kind != RF_ZONE_GATEWAY;
}

static bool in_zone(const struct rf_site_zone *z, const struct rf_site_ip *ip)
{
	const struct rf_site_ip *net = ip->family == 4 ? &z->subnet : &z->subnet6;

	return net->family == ip->family && rf_site_ip_in(ip, net);
}

/* Somebody whom the site file calls a trunk, wherever it is. */
static bool is_trunk(const struct rf_site_trunk *t, const struct rf_site_ip *ip)
{
	struct rf_site_ip peer;

	for (size_t i = 0; i < t->addresses.n; i++)
		if (t->addresses.v[i].family == ip->family && rf_site_ip_in(ip, &t->addresses.v[i]))
			return true;
	return rf_site_ip_parse(t->peer, false, &peer) && peer.family == ip->family && rf_site_ip_in(ip, &peer);
}

static bool is_inside(const struct rf_site *site, const struct rf_site_ip *ip)
{
	bool inside = false;

	for (size_t i = 0; i < site->zone_count && !inside; i++)
		inside = is_of_inside(&site->zones[i]) && in_zone(&site->zones[i], ip);
	for (size_t i = 0; i < site->trunk_count && inside; i++)
		inside = !is_trunk(&site->trunks[i], ip);
	return inside;
}

bool rf_anchor_inside(const struct rf_site *site, const struct rf_addr *a)
{
	struct rf_site_ip ip = { .family = a->family, .prefix = a->family == 4 ? 32 : 128 };

	memcpy(ip.b, a->ip, sizeof ip.b);
	return a->family && is_inside(site, &ip);
}

static bool same_net(const struct rf_site_ip *a, const struct rf_site_ip *b)
{
	return a->family == b->family && a->prefix == b->prefix && memcmp(a->b, b->b, sizeof a->b) == 0;
}

static bool same_trunks(const struct rf_site *of, const struct rf_site *a, const struct rf_site *b)
{
	struct rf_site_ip peer;

	for (size_t i = 0; i < of->trunk_count; i++) {
		const struct rf_site_trunk *t = &of->trunks[i];

		for (size_t k = 0; k < t->addresses.n; k++)
			if (is_inside(a, &t->addresses.v[k]) != is_inside(b, &t->addresses.v[k]))
				return false;
		if (rf_site_ip_parse(t->peer, false, &peer) && is_inside(a, &peer) != is_inside(b, &peer))
			return false;
	}
	return true;
}

bool rf_anchor_same_inside(const struct rf_site *a, const struct rf_site *b)
{
	for (size_t i = 0; i < a->zone_count && a->zone_count == b->zone_count; i++)
		if (is_of_inside(&a->zones[i]) != is_of_inside(&b->zones[i]) ||
		    !same_net(&a->zones[i].subnet, &b->zones[i].subnet) ||
		    !same_net(&a->zones[i].subnet6, &b->zones[i].subnet6))
			return false;
	return a->zone_count == b->zone_count && same_trunks(a, a, b) && same_trunks(b, a, b);
}

/* Suites of the site in the numbers of rtp/: the names are the same. */
static unsigned suites_of(const struct rf_site *site)
{
	unsigned bits = 0;

	for (unsigned s = 0; s < RF_SITE_SUITES; s++)
		if (site->policy.suites & 1u << s)
			bits |= 1u << rf_srtp_suite_of(rf_view_str(rf_site_suite_name((enum rf_site_suite)s)));
	return bits & ~(1u << RF_SRTP_NONE);
}

static bool border_elsewhere(const struct rf_site *site, const struct rf_site_host *host)
{
	for (size_t i = 0; i < site->host_count; i++)
		if (site->hosts[i].roles & RF_ROLE_BORDER && &site->hosts[i] != host)
			return true;
	return false;
}

_Static_assert((int)RF_ANCHOR_TLS_PORT == (int)RF_PORT_RELAY, "what borders call is what the walls let through");

static void listen_tls(struct rf_anchor_plan *p, const struct rf_site_host *host)
{
	const struct rf_site_ip *ips[] = { &host->address, &host->address6 };

	for (unsigned i = 0; i < 2; i++)
		if (ips[i]->family)
			p->tls[p->n_tls++] = addr_of(ips[i], RF_PORT_RELAY);
}

/* On either side. */
static void serve_stun(struct rf_anchor_plan *p, const struct rf_site_host *host)
{
	const struct rf_site_ip *ips[] = { &host->address, &host->address6, rf_site_outside_ip(host, 4),
					   rf_site_outside_ip(host, 6) };

	for (unsigned i = 0; i < 4; i++)
		if (ips[i]->family && (i < 2 || ips[i] != ips[i - 2]))
			p->stun[p->n_stun++] = addr_of(ips[i], RF_ANCHOR_STUN_PORT);
}

/* A trunk whose media may be plain outside; a deviation stands for each. */
static bool plain_trunk(const struct rf_site *site)
{
	for (size_t i = 0; i < site->trunk_count; i++)
		if (site->trunks[i].encryption != RF_TRUNK_MEDIA_ENCRYPTED)
			return true;
	return false;
}

static int listen_plain(struct rf_anchor_plan *p, const struct rf_site *site, struct rf_diag *diag)
{
	const struct rf_site_relay *r = &site->relay;

	if (r->ng.n > RF_ANCHOR_NG_MAX || r->peers.n > RF_ANCHOR_PEERS_MAX)
		return rf_diag_set(diag, RF_E_LIMIT, "relay: at most %d addresses in `ng` and %d in `peers`",
				   RF_ANCHOR_NG_MAX, RF_ANCHOR_PEERS_MAX);
	for (size_t i = 0; i < r->ng.n; i++)
		p->udp[p->n_udp++] = addr_of(&r->ng.v[i], (uint16_t)r->ng_port);
	for (size_t i = 0; i < r->peers.n; i++)
		p->peers[p->n_peers++] = addr_of(&r->peers.v[i], 0);
	return 0;
}

int rf_anchor_plan_site(const struct rf_site *site, const struct rf_site_host *host, struct rf_anchor_plan *p,
			struct rf_diag *diag)
{
	*p = (struct rf_anchor_plan){
		.workers = site->relay.workers,
		.user = rf_site_cstr(site->run_as),
		.fast = rf_site_cstr(site->relay.fast),
		.xdp = rf_site_cstr(site->relay.xdp),
		.poll = site->relay.poll,
		.sounds = rf_site_cstr(site->relay.sounds),
		.policy = {
			.plain_allowed = !site->policy.media_encrypted || plain_trunk(site),
			.dtls = true,
			.suites = suites_of(site),
			.silence_ms = site->relay.silence_s * 1000,
			.coded_max = site->relay.transcodings,
		},
	};
	if (!host)
		return rf_diag_set(diag, RF_E_INVALID,
				   "site.yaml names no hosts: a relay needs one with the role relay and its address");
	interface(p, site, false, &host->address, NULL);
	interface(p, site, false, &host->address6, NULL);
	interface(p, site, true, rf_site_outside_ip(host, 4), &host->outside.advertised);
	interface(p, site, true, rf_site_outside_ip(host, 6), NULL);
	if (!p->n_interfaces)
		return rf_diag_set(diag, RF_E_INVALID, "host %s has no address: a relay needs one",
				   rf_site_cstr(host->name));
	if (host->services & RF_SERVICE_STUN)
		serve_stun(p, host);
	if (border_elsewhere(site, host))
		listen_tls(p, host);
	return listen_plain(p, site, diag);
}
