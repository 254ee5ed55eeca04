#include "policy/path.h"

#include "base/err.h"

enum { FAR = UINT16_MAX };

bool rf_router_stands_in(const struct rf_site_router *router, const struct rf_site_zone *zone)
{
	for (size_t i = 0; i < router->interface_count; i++)
		if (router->interfaces[i].zone == zone)
			return true;
	return false;
}

bool rf_router_like(const struct rf_site_router *router, const struct rf_site_router *other)
{
	return other && (router == other || (router->standby_for.n && rf_view_eq(router->standby_for, other->name)));
}

/* The office whose tunnels run between two routers; NULL: none. */
static const struct rf_site_office *link_between(const struct rf_site *s, const struct rf_site_router *a,
						 const struct rf_site_router *b)
{
	for (size_t i = 0; i < s->office_count; i++) {
		const struct rf_site_office *o = &s->offices[i];

		if ((rf_router_like(a, o->router) && rf_router_like(b, o->hub)) ||
		    (rf_router_like(b, o->router) && rf_router_like(a, o->hub)))
			return o;
	}
	return NULL;
}

static bool leads_on(const struct rf_site_zone *z)
{
	return z->kind != RF_ZONE_INTERNET && z->kind != RF_ZONE_PSTN;
}

static bool joined(const struct rf_site *s, size_t a, size_t b)
{
	size_t zones = s->zone_count;

	if (a < zones && b < zones)
		return false;
	if (a < zones)
		return rf_router_stands_in(&s->routers[b - zones], &s->zones[a]);
	if (b < zones)
		return rf_router_stands_in(&s->routers[a - zones], &s->zones[b]);
	return link_between(s, &s->routers[a - zones], &s->routers[b - zones]) != NULL;
}

/* Breadth first from one zone; queue has room for every node. */
static void spread(const struct rf_paths *p, size_t from, const uint8_t *edges, size_t *queue)
{
	uint16_t *steps = p->steps + from * p->nodes;
	size_t head = 0, tail = 0;

	for (size_t i = 0; i < p->nodes; i++)
		steps[i] = FAR;
	steps[from] = 0;
	queue[tail++] = from;
	while (head < tail) {
		size_t at = queue[head++];

		if (at != from && at < p->site->zone_count && !leads_on(&p->site->zones[at]))
			continue;
		for (size_t k = 0; k < p->nodes; k++)
			if (edges[at * p->nodes + k] && steps[k] == FAR) {
				steps[k] = (uint16_t)(steps[at] + 1);
				queue[tail++] = k;
			}
	}
}

int rf_paths_make(const struct rf_site *site, struct rf_arena *arena, struct rf_paths *ret_paths)
{
	size_t nodes = site->zone_count + site->router_count;
	struct rf_paths p = { .site = site, .nodes = nodes };
	uint8_t *edges = rf_arena_array(arena, nodes * nodes + 1, 1);
	size_t *queue = rf_arena_array(arena, nodes + 1, sizeof *queue);

	p.steps = rf_arena_array(arena, site->zone_count * nodes + 1, sizeof *p.steps);
	if (!p.steps || !edges || !queue)
		return -ENOMEM;
	for (size_t a = 0; a < nodes; a++)
		for (size_t b = 0; b < nodes; b++)
			edges[a * nodes + b] = a != b && joined(site, a, b);
	for (size_t i = 0; i < site->zone_count; i++)
		spread(&p, i, edges, queue);
	*ret_paths = p;
	return 0;
}

static unsigned steps(const struct rf_paths *p, const struct rf_site_zone *from, size_t node)
{
	return p->steps[(size_t)(from - p->site->zones) * p->nodes + node];
}

static size_t node_of(const struct rf_paths *p, const struct rf_site_router *r)
{
	return p->site->zone_count + (size_t)(r - p->site->routers);
}

bool rf_path_passes(const struct rf_paths *p, const struct rf_site_zone *from, const struct rf_site_zone *to,
		    const struct rf_site_router *router)
{
	unsigned whole = steps(p, from, (size_t)(to - p->site->zones)), a = steps(p, from, node_of(p, router)),
		 b = steps(p, to, node_of(p, router));

	return from != to && whole != FAR && a != FAR && b != FAR && a + b == whole;
}

static void add_hop(struct rf_hops *h, struct rf_hop hop)
{
	for (size_t i = 0; i < h->n; i++)
		if (h->v[i].zone == hop.zone && h->v[i].tunnel == hop.tunnel)
			return;
	if (h->n < RF_HOPS_MAX)
		h->v[h->n++] = hop;
}

void rf_path_hops(const struct rf_paths *p, const struct rf_site_zone *from, const struct rf_site_zone *to,
		  const struct rf_site_router *router, struct rf_hops *ret_hops)
{
	const struct rf_site *s = p->site;
	unsigned here = steps(p, from, node_of(p, router));

	*ret_hops = (struct rf_hops){ 0 };
	if (here == FAR || here == 0)
		return;
	for (size_t i = 0; i < router->interface_count; i++) {
		const struct rf_site_zone *z = router->interfaces[i].zone;

		if (steps(p, from, (size_t)(z - s->zones)) + 1 == here && (z == from || leads_on(z)))
			add_hop(ret_hops, (struct rf_hop){ z, false });
	}
	for (size_t i = 0; i < s->router_count; i++) {
		const struct rf_site_office *o = link_between(s, router, &s->routers[i]);

		if (!o || steps(p, from, node_of(p, &s->routers[i])) + 1 != here)
			continue;
		const struct rf_site_zone *carried = from->office == o ? from : to->office == o ? to : NULL;
		if (carried)
			add_hop(ret_hops, (struct rf_hop){ carried, true });
	}
}
