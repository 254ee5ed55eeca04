/* What a rule's matches fit, as sets. */
#include "policy/flow.h"
#include "prove/device_int.h"

#include <stdlib.h>

/* --- addresses */

bool rf_region_has(const struct rf_region *r, uint8_t family, const uint8_t *address)
{
	struct rf_packet p = { .family = family };
	bool in = false;

	memcpy(p.src, address, family == 4 ? 4 : 16);
	for (size_t i = 0; i < r->n && !in; i++)
		in = rf_packet_in_cell(&p, RF_RS_SRC, &r->v[i]);
	return in != r->outside;
}

int rf_region_set(struct rf_sets *s, enum rf_rs_field field, const struct rf_region *r)
{
	size_t mark = rf_sets_mark(s);
	int x = rf_sets_none();

	for (size_t i = 0; i < r->n; i++)
		x = rf_sets_or(s, x, rf_space_cell(s, field, &r->v[i]));
	return rf_sets_release(s, mark, r->outside ? rf_sets_not(s, x) : x);
}

void rf_hull_whole(struct rf_hull *h)
{
	*h = (struct rf_hull){ .any4 = true, .any6 = true };
	memset(h->hi4, 0xff, sizeof h->hi4);
	memset(h->hi6, 0xff, sizeof h->hi6);
}

static void widen(bool *any, uint8_t *lo, uint8_t *hi, const struct rf_rs_cell *c, size_t n)
{
	if (!*any || memcmp(c->ip.lo, lo, n) < 0)
		memcpy(lo, c->ip.lo, n);
	if (!*any || memcmp(c->ip.hi, hi, n) > 0)
		memcpy(hi, c->ip.hi, n);
	*any = true;
}

static void hull_cells(struct rf_hull *h, const struct rf_rs_cell *v, size_t n)
{
	*h = (struct rf_hull){ 0 };
	for (size_t i = 0; i < n; i++) {
		if (v[i].kind != RF_RS_RANGE) {
			rf_hull_whole(h);
			return;
		}
		if (v[i].family == 4)
			widen(&h->any4, h->lo4, h->hi4, &v[i], 4);
		else
			widen(&h->any6, h->lo6, h->hi6, &v[i], 16);
	}
}

void rf_hull_region(struct rf_hull *h, const struct rf_region *r)
{
	if (r->outside)
		rf_hull_whole(h);
	else
		hull_cells(h, r->v, r->n);
}

bool rf_hull_meet(const struct rf_hull *a, const struct rf_hull *b)
{
	return (a->any4 && b->any4 && memcmp(a->lo4, b->hi4, 4) <= 0 && memcmp(b->lo4, a->hi4, 4) <= 0)
	       || (a->any6 && b->any6 && memcmp(a->lo6, b->hi6, 16) <= 0 && memcmp(b->lo6, a->hi6, 16) <= 0);
}

/* --- kinds of destinations */

static const struct rf_rs_cell many[] = {
	{ .kind = RF_RS_RANGE, .family = 4, .ip = { { 224 }, { 239, 255, 255, 255 } } },
	{ .kind = RF_RS_RANGE, .family = 6, .ip = { { 0xff }, { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
							       0xff, 0xff, 0xff, 0xff, 0xff, 0xff } } },
};
static const struct rf_rs_cell all_hosts[] = {
	{ .kind = RF_RS_RANGE, .family = 4, .ip = { { 255, 255, 255, 255 }, { 255, 255, 255, 255 } } },
};
static const struct rf_region multicast = { many, 2, false }, broadcast = { all_hosts, 1, false };

unsigned rf_way_destination(const struct rf_way *way, uint8_t family, const uint8_t *address)
{
	if (rf_region_has(&multicast, family, address))
		return RF_RS_TO_MULTICAST;
	if (rf_region_has(&broadcast, family, address))
		return RF_RS_TO_BROADCAST;
	if (way->own ? rf_region_has(way->own, family, address) : way->kind == RF_WAY_INPUT)
		return RF_RS_TO_SELF;
	/* What comes in and is for none of these is for the broadcast address of a subnet. */
	return way->kind == RF_WAY_INPUT ? RF_RS_TO_BROADCAST : RF_RS_TO_OTHERS;
}

static int destinations(struct rf_sets *s, const struct rf_way *way, unsigned types)
{
	size_t mark = rf_sets_mark(s);
	int to_many = rf_region_set(s, RF_RS_DST, &multicast), to_all = rf_region_set(s, RF_RS_DST, &broadcast);
	int one = rf_sets_not(s, rf_sets_or(s, to_many, to_all));
	int self = way->own ? rf_sets_and(s, one, rf_region_set(s, RF_RS_DST, way->own))
			    : way->kind == RF_WAY_INPUT ? one : rf_sets_none();
	int others = rf_sets_minus(s, one, self), x = rf_sets_none();

	if (types & RF_RS_TO_MULTICAST)
		x = rf_sets_or(s, x, to_many);
	if (types & RF_RS_TO_BROADCAST)
		x = rf_sets_or(s, x, way->kind == RF_WAY_INPUT ? rf_sets_or(s, to_all, others) : to_all);
	if (types & RF_RS_TO_SELF)
		x = rf_sets_or(s, x, self);
	if (types & RF_RS_TO_OTHERS && way->kind != RF_WAY_INPUT)
		x = rf_sets_or(s, x, others);
	return rf_sets_release(s, mark, x);
}

/* --- interfaces */

bool rf_way_named(const char *interface, const struct rf_rs_cell *cell)
{
	if (cell->kind == RF_RS_ANY)
		return true;
	if (!*interface)
		return strcmp(cell->name, "lo") != 0;
	return cell->kind == RF_RS_NAME ? strcmp(interface, cell->name) == 0
					: strncmp(interface, cell->name, strlen(cell->name)) == 0;
}

static bool is_interface(uint8_t field)
{
	return field == RF_RS_IN || field == RF_RS_OUT;
}

bool rf_match_names(const struct rf_rs_match *m)
{
	for (unsigned i = 0; m->kind == RF_RS_IN_SET && i < m->field_count; i++)
		if (is_interface(m->fields[i]))
			return true;
	return false;
}

unsigned rf_match_hole(const struct rf_rs_match *m)
{
	static const struct { const char *set4, *set6; unsigned n; uint8_t fields[5]; unsigned bit; } holes[] = {
		{ RF_PINHOLE_SET4, RF_PINHOLE_SET6, 5, { RF_RS_PROTO, RF_RS_SRC, RF_RS_SPORT, RF_RS_DST, RF_RS_DPORT }, RF_SPACE_PINHOLE },
		{ RF_PINHOLE_SET4, RF_PINHOLE_SET6, 5, { RF_RS_PROTO, RF_RS_DST, RF_RS_DPORT, RF_RS_SRC, RF_RS_SPORT }, RF_SPACE_PINHOLE },
		{ RF_OPENING_SET4, RF_OPENING_SET6, 4, { RF_RS_PROTO, RF_RS_SRC, RF_RS_DST, RF_RS_DPORT }, RF_SPACE_FROM_ANY },
		{ RF_OPENING_SET4, RF_OPENING_SET6, 4, { RF_RS_PROTO, RF_RS_DST, RF_RS_SRC, RF_RS_SPORT }, RF_SPACE_TO_ANY },
	};
	const char *name = m->kind == RF_RS_IN_SET && m->set->changes ? m->set->name : NULL;
	const char *last = name ? strrchr(name, ' ') : NULL;

	last = last ? last + 1 : name;
	for (size_t i = 0; last && i < sizeof holes / sizeof *holes; i++)
		if ((strcmp(last, holes[i].set4) == 0 || strcmp(last, holes[i].set6) == 0) &&
		    m->field_count == holes[i].n && memcmp(m->fields, holes[i].fields, holes[i].n) == 0)
			return holes[i].bit;
	return 0;
}

/* --- sets of values */

/* Does the row name the way's interfaces? Where there is none on the way, no row does. */
static bool row_on_way(const struct rf_way *way, const struct rf_rs_match *m, const struct rf_rs_cell *row)
{
	for (unsigned i = 0; i < m->field_count; i++) {
		const char *name = m->fields[i] == RF_RS_IN ? way->in : way->out;

		if (is_interface(m->fields[i]) && (!name || !rf_way_named(name, &row[i])))
			return false;
	}
	return true;
}

static int row_set(struct rf_sets *s, const struct rf_rs_match *m, const struct rf_rs_cell *row)
{
	size_t mark = rf_sets_mark(s);
	int x = rf_sets_all();

	for (unsigned i = 0; i < m->field_count; i++)
		if (!is_interface(m->fields[i]))
			x = rf_sets_and(s, x, rf_space_cell(s, m->fields[i], &row[i]));
	return rf_sets_release(s, mark, x);
}

/* Rows a..b-1, halved again and again: uniting small with small is much cheaper than small with large. */
static int rows_set(struct rf_sets *s, const struct rf_way *way, const struct rf_rs_match *m, size_t a, size_t b)
{
	size_t mark = rf_sets_mark(s);

	if (b - a == 0)
		return rf_sets_none();
	if (b - a == 1) {
		const struct rf_rs_cell *row = &m->set->cells[a * m->field_count];

		return way && !row_on_way(way, m, row) ? rf_sets_none() : row_set(s, m, row);
	}
	int x = rows_set(s, way, m, a, a + (b - a) / 2);
	int y = rows_set(s, way, m, a + (b - a) / 2, b);
	return rf_sets_release(s, mark, rf_sets_or(s, x, y));
}

/* Ports, ICMP and flags are not there in later fragments, so nothing is true of them, not even its contrary. */
static int with_header(struct rf_sets *s, const struct rf_rs_match *m, int x)
{
	for (unsigned i = 0; i < m->field_count; i++)
		if (m->fields[i] == RF_RS_SPORT || m->fields[i] == RF_RS_DPORT || m->fields[i] == RF_RS_ICMP_TYPE
		    || m->fields[i] == RF_RS_ICMP_CODE || m->fields[i] == RF_RS_TCP_FLAGS)
			return rf_sets_and(s, x, rf_space_num(s, RF_RS_FRAGMENT, 0, 0));
	return x;
}

static bool names_on_way(const struct rf_way *way, const struct rf_rs_match *m)
{
	for (unsigned i = 0; i < m->field_count; i++)
		if (is_interface(m->fields[i]) && !(m->fields[i] == RF_RS_IN ? way->in : way->out))
			return false;
	return true;
}

static int lookup(struct rf_sets *s, const struct rf_way *way, const struct rf_rs_match *m)
{
	size_t mark = rf_sets_mark(s);

	if (way && !names_on_way(way, m))
		return rf_sets_none();
	int x = rows_set(s, way, m, 0, m->set->n);
	return rf_sets_release(s, mark, with_header(s, m, m->negate ? rf_sets_not(s, x) : x));
}

/* The same set is looked up by many rules. */
static int fixed_lookup(struct rf_device *d, const struct rf_rs_match *m)
{
	for (struct rf_known *k = m->set->name ? d->known : NULL; k; k = k->next)
		if (k->set == m->set && k->negate == m->negate && memcmp(k->fields, m->fields, m->field_count) == 0)
			return k->x;
	int x = lookup(d->s, NULL, m);
	struct rf_known *k = m->set->name ? calloc(1, sizeof *k) : NULL;
	if (k) { /* without memory for the note it is made again */
		*k = (struct rf_known){
			.next = d->known, .set = m->set, .negate = m->negate, .x = rf_sets_hold(d->s, x)
		};
		memcpy(k->fields, m->fields, m->field_count);
		d->known = k;
	}
	return x;
}

bool rf_match_is_fixed(const struct rf_rs_match *m)
{
	return m->kind == RF_RS_IN_SET && !m->set->changes && !rf_match_names(m);
}

/* What fits as far as the packet alone says. Made once. */
static int fixed(struct rf_device *d, struct rf_device_rule *r)
{
	size_t mark = rf_sets_mark(d->s);
	int x = r->rule->family ? rf_space_family(d->s, r->rule->family) : rf_sets_all();

	for (const struct rf_rs_match *m = r->rule->matches; m && r->fixed < 0; m = m->next)
		if (rf_match_is_fixed(m))
			x = rf_sets_and(d->s, x, fixed_lookup(d, m));
	if (r->fixed < 0 && !rf_sets_err(d->s))
		r->fixed = rf_sets_hold(d->s, x);
	rf_sets_release(d->s, mark, rf_sets_none());
	return rf_sets_err(d->s) ? rf_sets_none() : r->fixed;
}

static int by_chance(enum rf_rs_rest rest, enum rf_mode mode, bool *ret_maybe)
{
	if (mode == RF_MAY || rest == RF_RS_REST_EITHER) {
		*ret_maybe = true;
		return rf_sets_all();
	}
	return rest == RF_RS_REST_YES ? rf_sets_all() : rf_sets_none();
}

static int loose(struct rf_device *d, const struct rf_way *way, const struct rf_rs_match *m, bool *ret_maybe)
{
	int x;

	switch (m->kind) {
	case RF_RS_SOMETIMES:
		return by_chance(m->rest, way->mode, ret_maybe);
	case RF_RS_LOCAL:
		x = destinations(d->s, way, m->types ? m->types : RF_RS_TO_SELF);
		return m->negate ? rf_sets_not(d->s, x) : x;
	case RF_RS_RPF:
		if (!way->back)
			return by_chance(RF_RS_REST_EITHER, way->mode, ret_maybe);
		return m->negate ? rf_sets_not(d->s, rf_region_set(d->s, RF_RS_SRC, way->back))
				 : rf_region_set(d->s, RF_RS_SRC, way->back);
	default:
		break;
	}
	if (rf_match_hole(m)) /* where there are no ports nothing is true of them, not even its contrary */
		return with_header(d->s, m, rf_sets_var(d->s, rf_space_field(rf_match_hole(m))->first, !m->negate));
	if (m->set->changes && way->mode == RF_MAY) {
		*ret_maybe = true;
		return rf_sets_all();
	}
	return lookup(d->s, way, m);
}

/* Interfaces are the quickest way to see that a rule is for others. */
static bool other_interface(const struct rf_way *way, const struct rf_rs_rule *r)
{
	for (const struct rf_rs_match *m = r->matches; m; m = m->next) {
		bool in = false;

		if (m->field_count != 1 || !rf_match_names(m) || m->set->changes)
			continue;
		if (!names_on_way(way, m))
			return true;
		for (size_t i = 0; i < m->set->n && !in; i++)
			in = row_on_way(way, m, &m->set->cells[i]);
		if (in == m->negate)
			return true;
	}
	return false;
}

int rf_device_fits(struct rf_device *d, const struct rf_way *way, const struct rf_rs_rule *rule, bool *ret_maybe)
{
	struct rf_device_rule *r = &d->rules[rule->id];
	size_t mark = rf_sets_mark(d->s);

	*ret_maybe = false;
	if (!rf_hull_meet(&r->dst, &way->dst) || !rf_hull_meet(&r->src, &way->src)
	    || (r->loose && other_interface(way, rule)))
		return rf_sets_none();
	int x = fixed(d, r);
	for (const struct rf_rs_match *m = r->loose ? rule->matches : NULL; m && x; m = m->next)
		if (!rf_match_is_fixed(m) && (m->field_count != 1 || !rf_match_names(m) || m->set->changes))
			x = rf_sets_and(d->s, x, loose(d, way, m, ret_maybe));
	return rf_sets_release(d->s, mark, x);
}

/* --- at the beginning */

void rf_device_rule_look(struct rf_device_rule *r, const struct rf_rs_rule *rule)
{
	r->rule = rule;
	r->fixed = -1;
	rf_hull_whole(&r->dst);
	rf_hull_whole(&r->src);
	for (const struct rf_rs_match *m = rule->matches; m; m = m->next) {
		if (!rf_match_is_fixed(m))
			r->loose = true;
		else if (m->field_count == 1 && !m->negate && m->fields[0] == RF_RS_DST)
			hull_cells(&r->dst, m->set->cells, m->set->n);
		else if (m->field_count == 1 && !m->negate && m->fields[0] == RF_RS_SRC)
			hull_cells(&r->src, m->set->cells, m->set->n);
	}
}
