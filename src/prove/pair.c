/* Two zones, one direction: along the routers between them, in both senses of the proof. */
#include "prove/prove_int.h"

#include <netinet/in.h>

/* The routers on the way, nearest to `from` first; those of one step share gateways, and each must hold. */
struct road {
	const struct rf_site_zone *from, *to;
	struct rf_station *v[64];
	unsigned step[64];
	size_t n;
};

static unsigned distance(const struct rf_prover *p, const struct rf_site_zone *from, const struct rf_station *st)
{
	size_t node = p->site->zone_count + (size_t)(st->router - p->site->routers);

	return p->paths.steps[(size_t)(from - p->site->zones) * p->paths.nodes + node];
}

static void find_road(struct rf_prover *p, const struct rf_site_zone *from, const struct rf_site_zone *to,
		      struct road *r)
{
	*r = (struct road){ .from = from, .to = to };
	for (size_t i = 0; i < p->station_count && r->n < 64; i++) {
		struct rf_station *st = &p->stations[i];
		unsigned d;
		size_t at;

		if (!st->router || !rf_path_passes(&p->paths, from, to, st->router))
			continue;
		d = distance(p, from, st);
		for (at = r->n++; at > 0 && r->step[at - 1] > d; at--) {
			r->v[at] = r->v[at - 1];
			r->step[at] = r->step[at - 1];
		}
		r->v[at] = st;
		r->step[at] = d;
	}
}

static bool among(const struct rf_hops *h, const struct rf_foot *f)
{
	for (size_t i = 0; i < h->n; i++)
		if (h->v[i].zone == f->hop.zone && h->v[i].tunnel == f->hop.tunnel)
			return true;
	return false;
}

/* --- one router, by each of its ways */

struct visit {
	struct rf_prover *p;
	const struct road *road;
	enum rf_mode mode;
	enum rf_breach_kind kind;    /* what a stopped packet is */
	int states;
	int start;                   /* what set out */
	int passed, untracked;       /* by all ways of this step */
};

static struct rf_way way_of(const struct visit *v, const struct rf_station *st, const struct rf_foot *in,
			    const struct rf_foot *out)
{
	struct rf_way w = { .kind = RF_WAY_FORWARD, .in = in->name, .out = out->name, .own = &st->own, .back = &in->back,
			    .mode = v->mode };
	const struct rf_site *site = v->p->site;

	rf_hull_region(&w.dst, &v->p->zones[v->road->to - site->zones]);
	if (v->mode == RF_MAY)
		rf_hull_whole(&w.src);
	else
		rf_hull_region(&w.src, &v->p->zones[v->road->from - site->zones]);
	return w;
}

static int plain(struct rf_sets *s, int x)
{
	static const uint8_t fields[] = { RF_RS_STATE, RF_RS_DIRECTION, RF_RS_MARK };

	for (size_t i = 0; i < sizeof fields; i++)
		x = rf_space_forget(s, x, fields[i]);
	return x;
}

static void one_way(struct visit *v, struct rf_station *st, const struct rf_way *w, int x)
{
	struct rf_sets *s = v->p->s;
	size_t mark = rf_sets_mark(s);
	int dropped = rf_sets_none();

	if (v->mode == RF_MAY && x != v->start) /* rules of a router further on are there for what the
						 * first might let pass */
		rf_device_pass(st->device, w, v->start, v->states, NULL);
	int y = rf_device_pass(st->device, w, x, v->states, v->mode == RF_REST ? &dropped : NULL);
	int untracked = rf_sets_and(s, y, rf_space_num(s, RF_RS_STATE, RF_RS_UNTRACKED, RF_RS_UNTRACKED));

	if (v->mode == RF_MAY)
		y = rf_sets_and(s, y, rf_states_new(s)); /* answers are only kept where an opening packet passed */
	v->passed = rf_sets_or(s, v->passed, plain(s, y));
	if (st->rules->tracks) /* one that never tracks says nothing of what the others on the way know */
		v->untracked = rf_sets_or(s, v->untracked, plain(s, untracked));
	dropped = rf_space_forget(s, plain(s, dropped), RF_RS_DSCP);
	if (dropped)
		rf_breaches(v->p, &(struct rf_breach_at){ v->kind, v->road->from, v->road->to, st, w },
			    rf_sets_and(s, dropped, v->states));
	rf_sets_release_but(s, mark, (int[]){ v->passed, v->untracked }, 2);
}

static void one_router(struct visit *v, struct rf_station *st, int x)
{
	struct rf_hops in, out;

	/* What is for the router itself is not forwarded (own.c); nor does it forward what it sends. */
	x = rf_sets_minus(v->p->s, x, rf_region_set(v->p->s, RF_RS_DST, &st->own));
	if (v->mode == RF_REST)
		x = rf_sets_minus(v->p->s, x, rf_region_set(v->p->s, RF_RS_SRC, &st->own));
	rf_path_hops(&v->p->paths, v->road->from, v->road->to, st->router, &in);
	rf_path_hops(&v->p->paths, v->road->to, v->road->from, st->router, &out);
	for (size_t i = 0; x && i < st->foot_count; i++)
		for (size_t k = 0; k < st->foot_count; k++)
			if (among(&in, &st->feet[i]) && among(&out, &st->feet[k])) {
				struct rf_way w = way_of(v, st, &st->feet[i], &st->feet[k]);

				one_way(v, st, &w, x);
			}
}

/* The routers of road->v[a..b-1], which stand in for each other. Whose rules are not known is left out, and the proof
 * says so; where none of them is known, everything passes. */
static void visit(struct visit *v, size_t a, size_t b, int x)
{
	size_t known = 0;

	for (size_t i = a; i < b; i++) {
		known += v->road->v[i]->device != NULL;
		if (v->road->v[i]->device)
			one_router(v, v->road->v[i], x);
		else
			v->road->v[i]->doubted = true;
	}
	if (!known)
		v->passed = x;
}

/* x along the whole road. *ret_untracked: what of it some router did not track. */
static int travel(struct visit *v, int x, int *ret_untracked)
{
	struct rf_sets *s = v->p->s;

	*ret_untracked = rf_sets_none();
	v->start = x;
	for (size_t i = 0, end; i < v->road->n && x; i = end) {
		for (end = i; end < v->road->n && v->road->step[end] == v->road->step[i]; end++)
			;
		v->passed = v->untracked = rf_sets_none();
		visit(v, i, end, x);
		*ret_untracked = rf_sets_or(s, *ret_untracked, v->untracked);
		x = v->passed;
	}
	return x;
}

/* --- what the flows say of these zones */

static int flows(struct rf_prover *p, const struct rf_site_zone *from, const struct rf_site_zone *to,
		 bool (*wanted)(const struct rf_flow *f), struct rf_flow_part part)
{
	struct rf_sets *s = p->s;
	size_t mark = rf_sets_mark(s);
	int x = rf_sets_none();

	for (size_t i = 0; i < p->ask->flows->n; i++) {
		const struct rf_flow *f = &p->ask->flows->v[i];

		if (f->from.zone == from && f->to.zone == to && wanted(f))
			x = rf_sets_release(s, mark, rf_sets_or(s, x, rf_flow_set(p, f, part)));
	}
	return x;
}

static bool is_pinhole(const struct rf_flow *f)
{
	return f->how == RF_FLOW_PINHOLE;
}

/* Those that openings may be for: ours is the end where it goes, or where it comes from. */
static bool opens_at_end(const struct rf_flow *f)
{
	return rf_flow_opens_at(f, &f->to);
}

static bool opens_at_start(const struct rf_flow *f)
{
	return rf_flow_opens_at(f, &f->from);
}

static bool is_open(const struct rf_flow *f)
{
	return f->how != RF_FLOW_PINHOLE && f->how != RF_FLOW_LOCAL;
}

static bool is_stateless(const struct rf_flow *f)
{
	return f->how == RF_FLOW_STATELESS;
}

static bool keeps_state(const struct rf_flow *f)
{
	return f->how == RF_FLOW_STATEFUL;
}

static int flags(struct rf_sets *s, uint32_t value, uint32_t mask)
{
	struct rf_rs_cell c = { .kind = RF_RS_MASK, .num = { value, mask } };

	return rf_space_cell(s, RF_RS_TCP_FLAGS, &c);
}

/* Packets of TCP only with such flags. */
static int tcp_with(struct rf_sets *s, int x, int with)
{
	int tcp = rf_space_num(s, RF_RS_PROTO, IPPROTO_TCP, IPPROTO_TCP);
	int whole = rf_space_num(s, RF_RS_FRAGMENT, 0, 0);

	return rf_sets_minus(s, x, rf_sets_minus(s, rf_sets_and(s, tcp, whole), with));
}

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16, URG = 32, ECE = 64, CWR = 128 };

static int syn(struct rf_sets *s)
{
	return flags(s, SYN, 0xff);
}

/* ACK, with or without PSH and FIN. */
static int running(struct rf_sets *s)
{
	return flags(s, ACK, SYN | RST | ACK | URG | ECE | CWR);
}

/* --- nothing but the flows */

static bool all_stateless(const struct road *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->v[i]->rules && r->v[i]->rules->tracks)
			return false;
	return true;
}

static int permitted(struct rf_prover *p, const struct road *r)
{
	struct rf_sets *s = p->s;
	struct rf_flow_part plainly = { 0 }, turned = { .turned = true };
	int x = flows(p, r->from, r->to, is_open, plainly);

	x = rf_sets_or(s, x, flows(p, r->to, r->from, is_stateless, turned));
	if (all_stateless(r)) /* without state an answer is known by its ports, and of TCP by its flags */
		x = rf_sets_or(s, x, tcp_with(s, flows(p, r->to, r->from, keeps_state, turned),
					      rf_sets_or(s, flags(s, ACK, ACK), flags(s, RST, RST))));
	return x;
}

/* What a pinhole or opening may be for: packets of these flows, and answers of those. */
static const struct hole {
	bool (*ahead)(const struct rf_flow *f), (*back)(const struct rf_flow *f);
	unsigned bit;
	int any;                     /* the field that it does not name; -1: none */
} holes[] = {
	{ is_pinhole, is_pinhole, RF_SPACE_PINHOLE, -1 },
	{ opens_at_end, opens_at_start, RF_SPACE_FROM_ANY, RF_RS_SPORT },
	{ opens_at_start, opens_at_end, RF_SPACE_TO_ANY, RF_RS_DPORT },
};

static int holed(struct rf_prover *p, const struct road *r, const struct hole *h)
{
	return rf_sets_or(p->s, flows(p, r->from, r->to, h->ahead, (struct rf_flow_part){ 0 }),
			  flows(p, r->to, r->from, h->back, (struct rf_flow_part){ .turned = true }));
}

/* x without what the wall's sets never hold: a hole for which no flow has a reason. */
static int with_reason(struct rf_prover *p, const struct road *r, int x)
{
	struct rf_sets *s = p->s;

	for (size_t i = 0; i < sizeof holes / sizeof *holes; i++) {
		int y = holed(p, r, &holes[i]);

		if (holes[i].any >= 0)
			y = rf_space_forget(s, y, (unsigned)holes[i].any);
		x = rf_sets_minus(s, x, rf_sets_minus(s, rf_space_hole(s, holes[i].bit), y));
	}
	return x;
}

static void nothing_else(struct rf_prover *p, const struct road *r)
{
	struct rf_sets *s = p->s;
	struct visit v = { .p = p, .road = r, .mode = RF_MAY, .kind = RF_BREACH_LEAK, .states = rf_states_all(s) };
	int x = rf_region_set(s, RF_RS_DST, &p->zones[r->to - p->site->zones]), untracked;

	x = rf_sets_minus(s, rf_sets_minus(s, x, p->no_target), p->no_source);
	x = rf_sets_and(s, x, rf_space_num(s, RF_RS_PKTTYPE, 0, 0));
	x = travel(&v, with_reason(p, r, x), &untracked);
	x = rf_sets_minus(s, x, permitted(p, r));
	for (size_t i = 0; i < sizeof holes / sizeof *holes; i++)
		x = rf_sets_minus(s, x, rf_sets_and(s, rf_space_hole(s, holes[i].bit), holed(p, r, &holes[i])));
	if (x)
		rf_breaches(p, &(struct rf_breach_at){ RF_BREACH_LEAK, r->from, r->to, NULL, NULL }, x);
}

/* --- all of the flows */

/* Flows, and by what their packets and their answers are let through. */
struct class {
	bool (*wanted)(const struct rf_flow *f);
	unsigned ahead, back;        /* RF_SPACE_PINHOLE, FROM_ANY, TO_ANY, NO_HOLE */
};

static int needed(struct rf_prover *p, const struct road *r, const struct class *c, bool turned)
{
	struct rf_sets *s = p->s;
	size_t mark = rf_sets_mark(s);
	const struct rf_site_zone *from = turned ? r->to : r->from, *to = turned ? r->from : r->to;
	int x = flows(p, from, to, c->wanted, (struct rf_flow_part){ .turned = turned, .needed = true });

	if (!x)
		return x;
	x = rf_sets_minus(s, rf_sets_minus(s, x, p->no_target), p->no_source);
	x = rf_sets_and(s, x, rf_space_num(s, RF_RS_PKTTYPE, 0, 0));
	x = rf_sets_and(s, x, rf_space_num(s, RF_RS_DSCP, 0, 0));
	return rf_sets_release(s, mark, rf_sets_and(s, x, rf_space_hole_only(s, turned ? c->back : c->ahead)));
}

/* The flows of `ahead` one way and back. */
static void all_of(struct rf_prover *p, const struct road *ahead, const struct road *back, const struct class *c)
{
	struct rf_sets *s = p->s;
	struct visit v = { .p = p, .road = ahead, .mode = RF_REST, .kind = RF_BREACH_STOPPED,
			   .states = rf_states_of(s, RF_RS_NEW, false) };
	int f = needed(p, ahead, c, false), untracked, later;

	if (!f)
		return;
	travel(&v, tcp_with(s, f, syn(s)), &untracked);
	int open = rf_space_forget(s, rf_sets_and(s, f, untracked), RF_RS_TCP_FLAGS);
	v.states = rf_states_of(s, RF_RS_ESTABLISHED, false);
	travel(&v, tcp_with(s, f, running(s)), &later);

	struct visit w = { .p = p, .road = back, .mode = RF_REST, .kind = RF_BREACH_ANSWER };
	int t = needed(p, back, c, true), no_state = rf_sets_and(s, t, rf_space_turn(s, open));
	int answer = rf_sets_or(s, running(s), flags(s, SYN | ACK, 0xff));
	w.states = rf_states_of(s, RF_RS_ESTABLISHED, true);
	travel(&w, tcp_with(s, rf_sets_minus(s, t, no_state), answer), &later);
	if (no_state) { /* what was not tracked on its way has no state when it comes back */
		w.states = rf_states_of(s, RF_RS_NEW, false);
		travel(&w, tcp_with(s, no_state, answer), &later);
	}
}

void rf_prove_pair(struct rf_prover *p, const struct rf_site_zone *from, const struct rf_site_zone *to)
{
	static const struct class classes[] = {
		{ is_open, RF_SPACE_NO_HOLE, RF_SPACE_NO_HOLE },
		{ is_pinhole, RF_SPACE_PINHOLE, RF_SPACE_PINHOLE },
		{ opens_at_end, RF_SPACE_FROM_ANY, RF_SPACE_TO_ANY },
		{ opens_at_start, RF_SPACE_TO_ANY, RF_SPACE_FROM_ANY },
	};
	struct rf_sets *s = p->s;
	size_t mark = rf_sets_mark(s), known = 0;
	struct road ahead, back;

	find_road(p, from, to, &ahead);
	find_road(p, to, from, &back);
	for (size_t i = 0; i < ahead.n; i++)
		known += ahead.v[i]->device != NULL;
	if (!ahead.n)
		return;
	p->proof->pairs++;
	if (!known) {
		p->proof->unjudged++;
		return;
	}
	nothing_else(p, &ahead);
	rf_sets_release(s, mark, rf_sets_none());
	for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
		all_of(p, &ahead, &back, &classes[i]);
		rf_sets_release(s, mark, rf_sets_none());
	}
}
