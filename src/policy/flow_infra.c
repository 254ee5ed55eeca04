/* What passes beside the matrix, and still is a flow, because nothing passes that is none: routers among themselves,
 * the outer packets of tunnels, relays of DHCP, the database of the servers on its own channel. */
#include "policy/flow_int.h"

#include <netinet/in.h>

static const uint8_t vrrp4[4] = { 224, 0, 0, 18 };
static const uint8_t vrrp6[16] = { 0xff, 2, [15] = 0x12 };

struct cause {
	const char *service;
	struct rf_view whose; /* a router or office that tells this flow from another of the kind; "": none */
	const char *why;
	struct rf_site_pos pos;
};

static void beside(struct rf_make *m, const struct rf_end *from, const struct rf_end *to, const struct cause *cause)
{
	const struct rf_pair pair = { .inspection = RF_INSPECT_INTRA_ZONE };
	struct rf_service s = *rf_service(cause->service);

	if (cause->whose.n)
		s.name = rf_make_text(m, "%s-%s", s.name, rf_site_cstr(cause->whose));
	struct rf_flow *f = rf_flow_add(m, &pair, &s, from, to, cause->why);
	if (!f)
		return;
	f->beside_matrix = true;
	f->pos = cause->pos;
	if (f->category == RF_CAT_SERVICES)
		f->dscp = 48; /* CS6, network control */
}

static size_t foot_ips(const struct rf_site_interface *foot, struct rf_site_ip ret_ips[static 2])
{
	size_t n = 0;

	for (int family = 4; family <= 6; family += 2) {
		struct rf_site_ip ip = rf_foot_ip(foot, family);

		if (ip.family)
			ret_ips[n++] = ip;
	}
	return n;
}

/* --- VRRP: routers that share gateways */

static const struct rf_site_router *router_named(const struct rf_site *s, struct rf_view name)
{
	for (size_t i = 0; name.n && i < s->router_count; i++)
		if (rf_view_eq(s->routers[i].name, name))
			return &s->routers[i];
	return NULL;
}

static const struct rf_site_interface *foot_in(const struct rf_site_router *r, const struct rf_site_zone *zone)
{
	for (size_t i = 0; i < r->interface_count; i++)
		if (r->interfaces[i].zone == zone)
			return &r->interfaces[i];
	return NULL;
}

static void vrrp_in(struct rf_make *m, const struct rf_site_router *r, const struct rf_site_interface *a,
		    const struct rf_site_interface *b)
{
	struct rf_site_ip ips[4], groups[2];
	struct rf_end from, to;
	size_t n = foot_ips(a, ips), n_groups = 0;

	n += foot_ips(b, ips + n);
	if (a->zone->subnet.family) {
		groups[n_groups] = (struct rf_site_ip){ .family = 4, .prefix = 32 };
		memcpy(groups[n_groups++].b, vrrp4, sizeof vrrp4);
	}
	if (a->zone->subnet6.family) {
		groups[n_groups] = (struct rf_site_ip){ .family = 6, .prefix = 128 };
		memcpy(groups[n_groups++].b, vrrp6, sizeof vrrp6);
	}
	if (n && n_groups && rf_end_of(m, a->zone, ips, n, &from) && rf_end_of(m, a->zone, groups, n_groups, &to))
		beside(m, &from, &to,
		       &(struct cause){ "vrrp", r->name, "Two routers agree on who is the gateway.", r->pos });
}

static void vrrp(struct rf_make *m, const struct rf_site_router *r)
{
	const struct rf_site_router *first = router_named(m->site, r->standby_for);

	for (size_t i = 0; first && i < r->interface_count; i++) {
		const struct rf_site_interface *other = foot_in(first, r->interfaces[i].zone);

		if (other && other->zone->kind != RF_ZONE_INTERNET)
			vrrp_in(m, r, other, &r->interfaces[i]);
	}
}

/* --- tunnels: only the two end points, only IKE and ESP */

static void tunnel(struct rf_make *m, const struct rf_site_office *o, const struct rf_site_ip *from_ip,
		   const struct rf_site_ip *to_ip)
{
	static const char *const names[] = { "ike", "ike-nat", "esp" };
	const struct rf_site_zone *from_zone = rf_zone_of(m->site, from_ip), *to_zone = rf_zone_of(m->site, to_ip);
	struct rf_end from, to;

	if (!from_zone || !to_zone || !rf_end_of(m, from_zone, from_ip, 1, &from) ||
	    !rf_end_of(m, to_zone, to_ip, 1, &to))
		return;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		beside(m, &from, &to,
		       &(struct cause){ names[i], o->name, "The tunnels of an office, between their two end points.",
					o->pos });
}

/* --- DHCP past routers: their feet among the clients ask the servers, and are answered there (RFC 2131, 4.3) */

static const struct rf_flow *flow_named(const struct rf_make *m, size_t n, const struct rf_site_zone *from,
					const struct rf_site_zone *to, const char *service)
{
	const struct rf_service *s = rf_service(service);

	/* The first n were added pair by pair. */
	for (size_t i = rf_flows_from_to(m->v, n, from, to);
	     i < n && m->v[i].from.zone == from && m->v[i].to.zone == to; i++) {
		const struct rf_flow *f = &m->v[i];

		if (f->protocol == s->protocol && f->sport.first == s->sport.first && f->dport.first == s->dport.first)
			return f;
	}
	return NULL;
}

static void relay(struct rf_make *m, size_t n, const struct rf_site_router *r, const struct rf_site_interface *foot,
		  const struct rf_site_zone *servers)
{
	const struct rf_flow *asked = flow_named(m, n, foot->zone, servers, "dhcp");
	struct rf_site_ip ips[2];
	struct rf_end at;

	if (!asked || foot->zone == servers)
		return;
	const struct rf_end to = asked->to;
	struct rf_site_ip v4 = rf_foot_ip(foot, 4);
	if (!v4.family)
		return;
	ips[0] = v4;
	if (!rf_end_of(m, foot->zone, ips, 1, &at))
		return;
	beside(m, &at, &to,
	       &(struct cause){ "dhcp-relay", r->name, "The router hands on requests for addresses.", r->pos });
	beside(m, &to, &at, &(struct cause){ "dhcp-relay", r->name, "The answers come back to the router.", r->pos });
}

static void relays(struct rf_make *m, size_t n)
{
	for (size_t i = 0; i < m->site->router_count; i++)
		for (size_t k = 0; k < m->site->routers[i].interface_count; k++)
			for (size_t z = 0; z < m->site->zone_count; z++)
				relay(m, n, &m->site->routers[i], &m->site->routers[i].interfaces[k],
				      &m->site->zones[z]);
}

/* --- databases and caches of servers: on a channel of their own (db-dedicated-channel), which is the zone that they
 * share with the servers, or a zone of kind server in which they stand alone */

static bool stands_alone(const struct rf_site *s, const struct rf_site_zone *zone)
{
	for (size_t i = 0; i < s->host_count; i++)
		if (s->hosts[i].zone == zone &&
		    (s->hosts[i].roles || !(s->hosts[i].services & (RF_SERVICE_DATABASE | RF_SERVICE_CACHE))))
			return false;
	return true;
}

static void channel(struct rf_make *m, const struct rf_site_zone *from_zone, const struct rf_site_zone *to_zone,
		    unsigned service, const char *name, const char *why)
{
	const struct rf_party a = { from_zone, from_zone->kind, false }, b = { to_zone, to_zone->kind, false };
	struct rf_end from, to;

	if (!rf_party_select(m, b, (struct rf_who){ .services = service }, &to) ||
	    !rf_party_select(m, a,
			     (struct rf_who){ .services = service,
					      .roles = RF_ROLE_CONTROLLER | RF_ROLE_PROVISION | RF_ROLE_VOICEMAIL },
			     &from))
		return;
	if (from_zone != to_zone || from.host_count > 1)
		beside(m, &from, &to,
		       &(struct cause){ name, { 0 }, why, to.host_count ? to.hosts[0]->pos : to_zone->pos });
}

static void channels(struct rf_make *m, const struct rf_site_zone *from, const struct rf_site_zone *to)
{
	if (from->kind != RF_ZONE_SERVER || to->kind != RF_ZONE_SERVER || from->office != to->office ||
	    (from != to && !stands_alone(m->site, to)))
		return;
	channel(m, from, to, RF_SERVICE_DATABASE, "database",
		"The servers' database, and its copies, on a channel of their own.");
	channel(m, from, to, RF_SERVICE_CACHE, "cache",
		"What servers share of registrations and calls, on a channel of its own.");
	channel(m, from, to, RF_SERVICE_CACHE, "cache-watch", "Watchers of the cache choose the one that leads.");
}

/* --- border hosts ask the walls for pinholes */

static void walls(struct rf_make *m, const struct rf_site_router *r)
{
	for (size_t i = 0; i < r->interface_count; i++) {
		const struct rf_site_interface *foot = &r->interfaces[i];
		const struct rf_party party = { foot->zone, foot->zone->kind, false };
		struct rf_site_ip ips[2];
		struct rf_end from, to;

		if (foot->zone->kind != RF_ZONE_BORDER || !r->host ||
		    !rf_party_select(m, party, (struct rf_who){ .roles = RF_ROLE_BORDER | RF_ROLE_RELAY }, &from) ||
		    !rf_end_of(m, foot->zone, ips, foot_ips(foot, ips), &to))
			continue;
		beside(m, &from, &to,
		       &(struct cause){ "pinholes", r->name,
					"Border and relay hosts open and close pinholes over mutual TLS.", r->pos });
	}
}

void rf_infra_flows(struct rf_make *m)
{
	size_t n = m->n; /* those of the matrix; what is added here is not asked about */

	for (size_t i = 0; i < m->site->router_count; i++) {
		vrrp(m, &m->site->routers[i]);
		walls(m, &m->site->routers[i]);
	}
	for (size_t i = 0; i < m->site->office_count; i++) {
		const struct rf_site_office *o = &m->site->offices[i];

		if (!o->peer.family || !o->local.family)
			continue;
		tunnel(m, o, &o->peer, &o->local);
		tunnel(m, o, &o->local, &o->peer);
	}
	for (size_t i = 0; i < m->site->zone_count; i++)
		for (size_t k = 0; k < m->site->zone_count; k++)
			channels(m, &m->site->zones[i], &m->site->zones[k]);
	relays(m, n);
}
