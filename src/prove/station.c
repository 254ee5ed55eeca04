/* The site's routers and hosts: their feet, what lies behind them, their addresses. */
#include "prove/prove_int.h"

#include <stdlib.h>

static struct rf_rs_cell cell_of(const struct rf_site_ip *ip)
{
	return rf_rs_prefix(ip->family, ip->b, ip->prefix);
}

static struct rf_rs_cell address_of(const struct rf_site_ip *ip)
{
	return rf_rs_span(ip->family, ip->b, ip->b);
}

static void *take(struct rf_prover *p, size_t n, size_t size)
{
	void *v = rf_arena_array(p->arena, n + 1, size);

	if (!v)
		p->err = -ENOMEM;
	return v;
}

bool rf_zone_outside(const struct rf_site_zone *z)
{
	return !z->subnet.family && !z->subnet6.family;
}

static void add_zone(struct rf_rs_cell *cells, size_t *n, const struct rf_site_zone *z)
{
	if (z->subnet.family)
		cells[(*n)++] = cell_of(&z->subnet);
	if (z->subnet6.family)
		cells[(*n)++] = cell_of(&z->subnet6);
}

/* The zones that are marked; with `outside` also all addresses of no zone. */
static struct rf_region region_of(struct rf_prover *p, const bool *marked, bool outside)
{
	struct rf_region r = { .outside = outside };
	struct rf_rs_cell *cells = take(p, p->site->zone_count * 2, sizeof *cells);

	for (size_t i = 0; cells && i < p->site->zone_count; i++)
		if (marked[i] != outside)
			add_zone(cells, &r.n, &p->site->zones[i]);
	r.v = cells;
	return r;
}

static int make_zones(struct rf_prover *p)
{
	size_t n = p->site->zone_count;
	bool *marked = take(p, n, sizeof *marked);

	p->zones = take(p, n, sizeof *p->zones);
	for (size_t i = 0; p->err == 0 && i < n; i++) {
		memset(marked, 0, n * sizeof *marked);
		marked[i] = true;
		p->zones[i] = region_of(p, marked, rf_zone_outside(&p->site->zones[i]));
	}
	return p->err;
}

/* --- feet */

static void add_foot(struct rf_prover *p, struct rf_station *st, struct rf_hop hop, const char *name)
{
	st->feet[st->foot_count++] = (struct rf_foot){
		.hop = hop, .name = name, .zones = take(p, p->site->zone_count, sizeof(bool)) };
}

static void add_tunnels(struct rf_prover *p, struct rf_station *st)
{
	for (size_t i = 0; p->ask->tunnel && i < p->site->zone_count; i++) {
		const struct rf_site_zone *z = &p->site->zones[i];
		char name[64];

		if (!z->office ||
		    (!rf_router_like(st->router, z->office->router) && !rf_router_like(st->router, z->office->hub)))
			continue;
		p->ask->tunnel(z, name, sizeof name);
		const char *kept = rf_prover_text(p, "%s", name);
		if (kept)
			add_foot(p, st, (struct rf_hop){ z, true }, kept);
	}
}

/* Which zones' packets come in by which foot, on whatever way. */
static void look_behind(struct rf_prover *p, struct rf_station *st)
{
	const struct rf_site *s = p->site;
	bool *outside = take(p, st->foot_count, sizeof *outside);

	for (size_t i = 0; p->err == 0 && i < s->zone_count; i++)
		for (size_t k = 0; k < s->zone_count; k++) {
			struct rf_hops in = { 0 };

			if (i == k || !rf_path_passes(&p->paths, &s->zones[i], &s->zones[k], st->router))
				continue;
			rf_path_hops(&p->paths, &s->zones[i], &s->zones[k], st->router, &in);
			for (size_t h = 0; h < in.n; h++)
				for (size_t f = 0; f < st->foot_count; f++)
					if (st->feet[f].hop.zone == in.v[h].zone &&
					    st->feet[f].hop.tunnel == in.v[h].tunnel)
						st->feet[f].zones[i] = true;
		}
	for (size_t f = 0; p->err == 0 && f < st->foot_count; f++) {
		struct rf_foot *foot = &st->feet[f];

		if (!foot->hop.tunnel)
			foot->zones[foot->hop.zone - s->zones] = true;
		for (size_t i = 0; i < s->zone_count; i++)
			outside[f] |= foot->zones[i] && rf_zone_outside(&s->zones[i]);
		foot->back = region_of(p, foot->zones, outside[f]);
	}
}

static void own_of_router(struct rf_prover *p, struct rf_station *st)
{
	const struct rf_site_router *r = st->router;
	struct rf_rs_cell *cells = take(p, r->interface_count * 4, sizeof *cells);

	for (size_t i = 0; cells && i < r->interface_count; i++) {
		const struct rf_site_interface *f = &r->interfaces[i];
		const struct rf_site_ip *ips[] = { &f->address, &f->address6, &f->zone->gateway, &f->zone->gateway6 };

		for (size_t k = 0; k < 4; k++) /* the gateway of the outside is somebody else's */
			if (ips[k]->family && (k < 2 || !rf_zone_outside(f->zone)))
				cells[st->own.n++] = address_of(ips[k]);
	}
	st->own.v = cells;
}

static void make_router(struct rf_prover *p, struct rf_station *st, const struct rf_site_router *r)
{
	*st = (struct rf_station){ .name = rf_site_cstr(r->name), .router = r };
	st->feet = take(p, r->interface_count + p->site->zone_count, sizeof *st->feet);
	for (size_t i = 0; p->err == 0 && i < r->interface_count; i++)
		add_foot(p, st, (struct rf_hop){ r->interfaces[i].zone, false }, rf_site_cstr(r->interfaces[i].name));
	if (p->err == 0)
		add_tunnels(p, st);
	look_behind(p, st);
	own_of_router(p, st);
}

static void make_host(struct rf_prover *p, struct rf_station *st, const struct rf_site_host *h)
{
	struct rf_rs_cell *cells = take(p, 2, sizeof *cells);

	*st = (struct rf_station){ .name = rf_site_cstr(h->name), .host = h };
	if (cells && h->address.family)
		cells[st->own.n++] = address_of(&h->address);
	if (cells && h->address6.family)
		cells[st->own.n++] = address_of(&h->address6);
	st->own.v = cells;
}

/* --- rules */

static struct rf_station *find(struct rf_prover *p, const char *name)
{
	for (size_t i = 0; i < p->station_count; i++)
		if (strcmp(p->stations[i].name, name) == 0)
			return &p->stations[i];
	return NULL;
}

/* As the rules spell interfaces. */
static void spell_feet(struct rf_prover *p, struct rf_station *st)
{
	for (size_t i = 0; st->rules->spell && i < st->foot_count; i++) {
		char name[128];

		st->rules->spell(rf_view_str(st->feet[i].name), name, sizeof name);
		const char *kept = rf_prover_text(p, "%s", name);
		if (kept)
			st->feet[i].name = kept;
	}
}

static int give_rules(struct rf_prover *p, const struct rf_prove_rules *r, struct rf_diag *diag)
{
	struct rf_station *st = find(p, r->name);
	const struct rf_site_host *h = st ? NULL : rf_site_host(p->site, rf_view_str(r->name));

	if (!st && h) {
		st = &p->stations[p->station_count++];
		make_host(p, st, h);
	}
	if (!st)
		return rf_diag_set(diag, RF_E_NOT_FOUND, "the site has no router or host \"%s\"", r->name);
	if (st->device)
		return rf_diag_set(diag, RF_E_EXISTS, "rules of \"%s\" are given twice", r->name);
	st->rules = r->rules;
	spell_feet(p, st);
	p->proof->rules += r->rules->rule_count;
	int rc = rf_device_new(p->s, r->rules, &st->device);
	return rc ? rf_diag_set(diag, rc, "no memory for the rules of \"%s\"", r->name) : 0;
}

int rf_stations_make(struct rf_prover *p, struct rf_diag *diag)
{
	int rc = rf_paths_make(p->site, p->arena, &p->paths);

	if (rc == 0)
		rc = make_zones(p);
	p->stations = take(p, p->site->router_count + p->ask->n, sizeof *p->stations);
	for (size_t i = 0; rc == 0 && p->err == 0 && i < p->site->router_count; i++)
		make_router(p, &p->stations[p->station_count++], &p->site->routers[i]);
	if (rc || p->err)
		return rf_diag_set(diag, -ENOMEM, "no memory for a proof of this site");
	for (size_t i = 0; rc == 0 && i < p->ask->n; i++)
		rc = give_rules(p, &p->ask->rules[i], diag);
	return rc;
}

void rf_stations_fini(struct rf_prover *p)
{
	for (size_t i = 0; i < p->station_count; i++)
		rf_device_free(p->stations[i].device);
}
