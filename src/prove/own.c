/* What devices take for themselves, and hosts whose rules are given. */
#include "prove/prove_int.h"

#include <netinet/in.h>

/* Packets for the device: its addresses, groups, everybody on the link. */
static int for_device(struct rf_prover *p, const struct rf_station *st)
{
	struct rf_sets *s = p->s;
	static const char *const all[] = { "224.0.0.0/4", "255.255.255.255", "ff00::/8" };
	int x = rf_region_set(s, RF_RS_DST, &st->own);

	for (size_t i = 0; i < 3; i++) {
		struct rf_rs_cell c;

		if (rf_rs_address(rf_view_str(all[i]), &c))
			x = rf_sets_or(s, x, rf_space_cell(s, RF_RS_DST, &c));
	}
	return x;
}

static int from_zones(struct rf_prover *p, const bool *zones, bool answers)
{
	struct rf_sets *s = p->s;
	size_t mark = rf_sets_mark(s);
	int x = rf_sets_none();

	for (size_t i = 0; i < p->ask->flows->n; i++) {
		const struct rf_flow *f = &p->ask->flows->v[i];

		if (!zones || zones[f->from.zone - p->site->zones])
			x = rf_sets_release(s, mark, rf_sets_or(s, x, rf_flow_set(p, f, (struct rf_flow_part){ 0 })));
		if (answers && (!zones || zones[f->to.zone - p->site->zones]))
			x = rf_sets_release(s, mark,
					    rf_sets_or(s, x,
						       rf_flow_set(p, f, (struct rf_flow_part){ .turned = true })));
	}
	return x;
}

static struct rf_way input_way(const struct rf_station *st, const char *in, const struct rf_region *back,
			       enum rf_mode mode)
{
	struct rf_way w = { .kind = RF_WAY_INPUT, .in = in, .own = &st->own, .back = back, .mode = mode };

	rf_hull_whole(&w.src);
	rf_hull_whole(&w.dst);
	return w;
}

/* Whatever may be taken on this way must be a flow's or a duty. */
static void takes(struct rf_prover *p, struct rf_station *st, const struct rf_way *w, const struct rf_site_zone *from,
		  int x, int permitted)
{
	struct rf_sets *s = p->s;
	size_t mark = rf_sets_mark(s);

	x = rf_device_pass(st->device, w, x, rf_states_all(s), NULL);
	x = rf_sets_and(s, x, rf_states_new(s));
	x = rf_sets_minus(s, rf_space_forget(s, x, RF_RS_MARK), rf_sets_or(s, permitted, rf_duties(p)));
	if (x)
		rf_breaches(p, &(struct rf_breach_at){ RF_BREACH_TAKEN, from, NULL, st, w }, x);
	rf_sets_release(s, mark, rf_sets_none());
}

/* Not judged: what it sends the next router decides, what goes out where it came in has not changed zones. Only to see
 * which rules are met. */
static void meets(struct rf_prover *p, struct rf_station *st, const char *foot, const char *through)
{
	struct rf_sets *s = p->s;
	size_t mark = rf_sets_mark(s);
	struct rf_way w = input_way(st, foot, NULL, RF_MAY);

	rf_device_pass(st->device, &w, for_device(p, st), rf_states_all(s), NULL);
	w.kind = RF_WAY_OUTPUT;
	w.in = NULL;
	w.out = foot;
	rf_device_pass(st->device, &w, rf_sets_all(), rf_states_all(s), NULL);
	if (through) {
		w.kind = RF_WAY_FORWARD;
		w.in = through;
		rf_device_pass(st->device, &w, rf_sets_all(), rf_states_all(s), NULL);
	}
	rf_sets_release(s, mark, rf_sets_none());
}

/* --- flows that end here */

static bool judged_elsewhere(const struct rf_prover *p)
{
	for (size_t i = 0; i < p->station_count; i++)
		if (p->stations[i].router && p->stations[i].device)
			return true;
	return false;
}

static int with_flags(struct rf_sets *s, int x, uint32_t value, uint32_t mask)
{
	struct rf_rs_cell c = { .kind = RF_RS_MASK, .num = { value, mask } };
	int tcp = rf_space_num(s, RF_RS_PROTO, IPPROTO_TCP, IPPROTO_TCP);

	return rf_sets_minus(s, x, rf_sets_minus(s, tcp, rf_space_cell(s, RF_RS_TCP_FLAGS, &c)));
}

static void must_pass(struct rf_prover *p, struct rf_station *st, const struct rf_flow *f, const struct rf_way *w,
		      int x, int states, enum rf_breach_kind kind)
{
	struct rf_sets *s = p->s;
	int dropped = rf_sets_none();

	rf_device_pass(st->device, w, x, states, &dropped);
	dropped = rf_space_forget(s, rf_space_forget(s, dropped, RF_RS_STATE), RF_RS_DIRECTION);
	dropped = rf_space_forget(s, rf_space_forget(s, dropped, RF_RS_MARK), RF_RS_DSCP);
	if (dropped)
		rf_breaches(p, &(struct rf_breach_at){ kind, f->from.zone, f->to.zone, st, w },
			    rf_sets_and(s, dropped, states));
}

/* Where a flow begins or ends at the device: which of its packets these are. */
struct end {
	struct rf_way in, out;
	bool receives;
	int own_src, own_dst;        /* its addresses */
};

static struct end end_of(struct rf_prover *p, const struct rf_station *st, const char *foot,
			 const struct rf_region *back, bool receives)
{
	struct end e = { .in = input_way(st, foot, back, RF_REST),
			 .receives = receives,
			 .own_src = rf_region_set(p->s, RF_RS_SRC, &st->own),
			 .own_dst = rf_region_set(p->s, RF_RS_DST, &st->own) };

	e.out = e.in;
	e.out.kind = RF_WAY_OUTPUT;
	e.out.in = NULL;
	e.out.out = foot;
	e.out.back = NULL;
	return e;
}

/* One flow at its end: opening packets in (or out), answers out (or in). */
static void at_end(struct rf_prover *p, struct rf_station *st, const struct rf_flow *f, const struct end *e)
{
	struct rf_sets *s = p->s;
	size_t mark = rf_sets_mark(s);
	int x = rf_flow_set(p, f, (struct rf_flow_part){ .needed = true });
	int y = rf_flow_set(p, f, (struct rf_flow_part){ .needed = true, .turned = true });
	int pin = rf_space_hole_only(s, f->how == RF_FLOW_PINHOLE ? RF_SPACE_PINHOLE : RF_SPACE_NO_HOLE);
	int still =
		rf_sets_and(s, pin,
			    rf_sets_and(s, rf_space_num(s, RF_RS_DSCP, 0, 0), rf_space_num(s, RF_RS_PKTTYPE, 0, 0)));

	x = rf_sets_and(s, rf_sets_and(s, x, still), e->receives ? e->own_dst : e->own_src);
	y = rf_sets_and(s, rf_sets_and(s, y, still), e->receives ? e->own_src : e->own_dst);
	x = rf_sets_minus(s, x, e->receives ? e->own_src : e->own_dst);
	y = rf_sets_minus(s, y, e->receives ? e->own_dst : e->own_src);
	if (x) {
		must_pass(p, st, f, e->receives ? &e->in : &e->out, with_flags(s, x, 2, 0xff),
			  rf_states_of(s, RF_RS_NEW, false), RF_BREACH_STOPPED);
		if (f->how == RF_FLOW_STATEFUL || f->how == RF_FLOW_LOCAL)
			must_pass(p, st, f, e->receives ? &e->out : &e->in, with_flags(s, y, 16, 0xf6),
				  rf_states_of(s, RF_RS_ESTABLISHED, true), RF_BREACH_ANSWER);
	}
	rf_sets_release(s, mark, rf_sets_none());
}

/* A flow names a router where it names its address; a whole zone means those who live there. */
static bool names(const struct rf_end *end, const struct rf_region *own)
{
	for (size_t i = 0; i < end->n; i++)
		if (end->v[i].prefix == (end->v[i].family == 4 ? 32 : 128) &&
		    rf_region_has(own, end->v[i].family, end->v[i].b))
			return true;
	return false;
}

static void router_flow(struct rf_prover *p, struct rf_station *st, const struct rf_flow *f, bool receives)
{
	const struct rf_end *mine = receives ? &f->to : &f->from, *other = receives ? &f->from : &f->to;
	struct rf_hops in;

	if (!names(mine, &st->own) || f->protocol == RF_VRRP)
		return;
	rf_path_hops(&p->paths, other->zone, mine->zone, st->router, &in);
	for (size_t i = 0; i < st->foot_count; i++)
		for (size_t h = 0; h < in.n; h++) {
			const struct rf_foot *foot = &st->feet[i];
			size_t mark = rf_sets_mark(p->s);

			if (in.v[h].zone != foot->hop.zone || in.v[h].tunnel != foot->hop.tunnel)
				continue;
			struct end e = end_of(p, st, foot->name, &foot->back, receives);
			at_end(p, st, f, &e);
			rf_sets_release(p->s, mark, rf_sets_none());
		}
}

void rf_prove_own(struct rf_prover *p, struct rf_station *st)
{
	struct rf_sets *s = p->s;
	size_t mark = rf_sets_mark(s);
	int x = rf_sets_and(s, rf_space_hole_only(s, RF_SPACE_NO_HOLE), for_device(p, st));

	for (size_t i = 0; i < st->foot_count && !p->err; i++) {
		const struct rf_foot *f = &st->feet[i];
		struct rf_way w = input_way(st, f->name, &f->back, RF_MAY);
		size_t inner = rf_sets_mark(s);

		takes(p, st, &w, f->hop.zone, x, from_zones(p, f->zones, !st->rules->tracks));
		meets(p, st, f->name, f->name);
		rf_sets_release(s, inner, rf_sets_none());
	}
	meets(p, st, "lo", NULL);
	for (size_t i = 0; i < p->ask->flows->n && !p->err && !rf_sets_err(s); i++) {
		router_flow(p, st, &p->ask->flows->v[i], true);
		router_flow(p, st, &p->ask->flows->v[i], false);
	}
	rf_sets_release(s, mark, rf_sets_none());
}

void rf_prove_host(struct rf_prover *p, struct rf_station *st)
{
	struct rf_sets *s = p->s;
	const struct rf_site_zone *z = st->host->zone;
	size_t mark = rf_sets_mark(s);
	struct rf_way w = input_way(st, "", NULL, RF_MAY);

	if (!z)
		return;
	/* What comes from other zones has passed routers, and was proven there. */
	int near = rf_region_set(s, RF_RS_SRC, &p->zones[z - p->site->zones]);
	int x = rf_sets_and(s, rf_space_hole_only(s, RF_SPACE_NO_HOLE),
			    rf_sets_minus(s, for_device(p, st), rf_region_set(s, RF_RS_SRC, &st->own)));
	if (judged_elsewhere(p))
		x = rf_sets_and(s, x, near);
	takes(p, st, &w, z, x, from_zones(p, NULL, true));
	struct end to = end_of(p, st, "", NULL, true), from = end_of(p, st, "", NULL, false);
	for (size_t i = 0; i < p->ask->flows->n && !p->err && !rf_sets_err(s); i++) {
		at_end(p, st, &p->ask->flows->v[i], &to);
		at_end(p, st, &p->ask->flows->v[i], &from);
	}
	meets(p, st, "", "");
	meets(p, st, "lo", NULL);
	rf_sets_release(s, mark, rf_sets_none());
}
