#include "policy/flow_int.h"

bool rf_host_is_gateway(const struct rf_site_host *host)
{
	return (host->roles & RF_ROLE_GATEWAY) && !(host->roles & (RF_ROLE_CONTROLLER | RF_ROLE_PROVISION));
}

struct rf_site_ip rf_foot_ip(const struct rf_site_interface *foot, int family)
{
	const struct rf_site_ip *own = family == 4 ? &foot->address : &foot->address6;

	return own->family ? *own : family == 4 ? foot->zone->gateway : foot->zone->gateway6;
}

static int home_rank(const struct rf_site_interface *foot)
{
	static const int rank[RF_ZONE_KINDS] = {
		[RF_ZONE_ADMIN] = 4,  [RF_ZONE_SERVER] = 3,    [RF_ZONE_INTERNET] = 0,	[RF_ZONE_PSTN] = 0,
		[RF_ZONE_WAN] = 1,    [RF_ZONE_PHONE] = 2,     [RF_ZONE_SOFTPHONE] = 2, [RF_ZONE_GATEWAY] = 2,
		[RF_ZONE_BORDER] = 2, [RF_ZONE_CONVERGED] = 2, [RF_ZONE_DATA] = 2,
	};

	return rf_foot_ip(foot, 4).family || rf_foot_ip(foot, 6).family ? rank[foot->zone->kind] : 0;
}

const struct rf_site_interface *rf_router_home(const struct rf_site_router *router)
{
	const struct rf_site_interface *best = NULL;
	int best_rank = 0;

	for (size_t i = 0; i < router->interface_count; i++)
		if (home_rank(&router->interfaces[i]) > best_rank) {
			best = &router->interfaces[i];
			best_rank = home_rank(best);
		}
	return best;
}

const struct rf_site_zone *rf_zone_of(const struct rf_site *site, const struct rf_site_ip *ip)
{
	const struct rf_site_zone *outside = NULL;

	for (size_t i = 0; ip->family && i < site->zone_count; i++) {
		const struct rf_site_zone *z = &site->zones[i];
		const struct rf_site_ip *subnet = ip->family == 4 ? &z->subnet : &z->subnet6;

		if (subnet->family && rf_site_ip_in(ip, subnet))
			return z;
		if (z->kind == RF_ZONE_INTERNET && !outside)
			outside = z;
	}
	return outside;
}

/* An end while it is put together: counted first, then filled. */
struct gather {
	struct rf_site_ip *v;
	const struct rf_site_host **hosts;
	size_t n, host_count;
};

static void put_ip(struct gather *g, const struct rf_site_ip *ip)
{
	if (!ip->family)
		return;
	/* A wall is a host and a router: one address. Counting takes both. */
	for (size_t i = 0; g->v && i < g->n; i++)
		if (memcmp(&g->v[i], ip, sizeof *ip) == 0)
			return;
	if (g->v)
		g->v[g->n] = *ip;
	g->n++;
}

static void put_host(struct gather *g, const struct rf_site_host *h)
{
	if (!h->address.family && !h->address6.family)
		return;
	if (g->hosts)
		g->hosts[g->host_count] = h;
	g->host_count++;
	put_ip(g, &h->address);
	put_ip(g, &h->address6);
}

static bool host_fits(const struct rf_party *p, const struct rf_site_host *h, const struct rf_who *who)
{
	if (h->zone != p->zone)
		return false;
	/* Gateways on the server VLAN are a party of their own; what else stands there is not one of them. */
	if (p->zone->kind == RF_ZONE_SERVER && p->part != rf_host_is_gateway(h))
		return false;
	return (who->all && p->part) || (h->roles & who->roles) || (h->services & who->services) ||
	       (who->hosts && (h->roles || h->services));
}

static void walk(const struct rf_site *s, const struct rf_party *p, const struct rf_who *who, struct gather *g)
{
	for (size_t i = 0; i < s->host_count; i++)
		if (host_fits(p, &s->hosts[i], who))
			put_host(g, &s->hosts[i]);
	for (size_t i = 0; who->devices && !p->part && i < s->switch_count; i++)
		if (s->switches[i].zone == p->zone)
			put_ip(g, &s->switches[i].address);
	for (size_t i = 0; who->devices && !p->part && i < s->router_count; i++) {
		const struct rf_site_interface *home = rf_router_home(&s->routers[i]);

		if (home && home->zone == p->zone) {
			struct rf_site_ip v4 = rf_foot_ip(home, 4), v6 = rf_foot_ip(home, 6);

			put_ip(g, &v4);
			put_ip(g, &v6);
		}
	}
}

bool rf_party_select(struct rf_make *m, struct rf_party party, struct rf_who who, struct rf_end *ret_end)
{
	struct gather g = { 0 };

	*ret_end = (struct rf_end){ .zone = party.zone };
	if (who.all && !party.part)
		return true;
	walk(m->site, &party, &who, &g);
	if (!g.n)
		return false;
	struct gather full = { .v = rf_arena_array(m->arena, g.n, sizeof *full.v),
			       .hosts = rf_arena_array(m->arena, g.host_count + 1, sizeof *full.hosts) };
	if (!full.v || !full.hosts) {
		m->rc = -ENOMEM;
		return false;
	}
	walk(m->site, &party, &who, &full);
	ret_end->v = full.v;
	ret_end->n = full.n;
	ret_end->hosts = full.hosts;
	ret_end->host_count = full.host_count;
	return true;
}

bool rf_end_of(struct rf_make *m, const struct rf_site_zone *zone, const struct rf_site_ip *v, size_t n,
	       struct rf_end *ret_end)
{
	struct rf_site_ip *copy = n ? rf_arena_array(m->arena, n, sizeof *copy) : NULL;

	*ret_end = (struct rf_end){ .zone = zone, .v = copy, .n = n };
	if (n && !copy) {
		m->rc = -ENOMEM;
		return false;
	}
	if (n)
		memcpy(copy, v, n * sizeof *copy);
	return true;
}

static bool has_ip(const struct rf_end *e, const struct rf_site_ip *ip)
{
	for (size_t i = 0; i < e->n; i++)
		if (memcmp(&e->v[i], ip, sizeof *ip) == 0)
			return true;
	return false;
}

bool rf_end_holds(const struct rf_end *big, const struct rf_end *small)
{
	for (size_t i = 0; i < small->n; i++)
		if (!has_ip(big, &small->v[i]))
			return false;
	return small->n > 0;
}
