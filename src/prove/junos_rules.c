/* Filters to chains: each term a rule, one more where a policer may drop, one more for later fragments. */
#include "prove/junos_int.h"

#include <stdio.h>
#include <stdlib.h>

/* --- addresses: of all prefixes that hold an address the longest decides whether it is meant */

struct span {
	uint8_t lo[16], hi[16];
	bool except;
};

static int by_lo(const void *a, const void *b)
{
	const struct span *x = a, *y = b;
	int c = memcmp(x->lo, y->lo, 16);

	return c ? c : -memcmp(x->hi, y->hi, 16); /* wider first */
}

/* The next or the one before; false past the last, the first. */
static bool move(uint8_t *b, size_t n, int by)
{
	for (size_t i = n; i-- > 0; ) {
		b[i] = (uint8_t)(b[i] + by);
		if (b[i] != (by > 0 ? 0 : 0xff))
			return true;
	}
	return false;
}

struct sweep {
	struct rf_junos *j;
	struct rf_rs_set *set;
	bool either;                 /* two columns: one of them */
	uint8_t family;
	uint8_t at[16];              /* the first address that is not decided */
	bool past;                   /* there is none */
};

static void put_span(struct sweep *s, const uint8_t *hi, bool except)
{
	size_t n = s->family == 4 ? 4 : 16;

	if (s->past || memcmp(s->at, hi, n) > 0)
		return;
	if (!except) {
		struct rf_rs_cell any = { .kind = RF_RS_ANY }, c = rf_rs_span(s->family, s->at, hi),
				  row[2] = { c, any };

		rf_rs_row(s->j->rs, s->set, row);
		if (s->either) {
			row[0] = any;
			row[1] = c;
			rf_rs_row(s->j->rs, s->set, row);
		}
	}
	memcpy(s->at, hi, n);
	s->past = !move(s->at, n, 1);
}

/* v holds each prefix once; prefixes lie within each other or apart. */
static void sweep(struct sweep *s, const struct span *v, size_t count)
{
	const struct span *stack[130];
	size_t n = s->family == 4 ? 4 : 16, depth = 0;

	for (size_t i = 0; i <= count; i++) {
		uint8_t before[16];

		while (depth && (i == count || memcmp(stack[depth - 1]->hi, v[i].lo, n) < 0)) {
			depth--;
			put_span(s, stack[depth]->hi, stack[depth]->except);
		}
		if (i == count)
			return;
		memcpy(before, v[i].lo, 16);
		if (depth && move(before, n, -1))
			put_span(s, before, stack[depth - 1]->except);
		memcpy(s->at, v[i].lo, n);
		if (depth < 130)
			stack[depth++] = &v[i];
	}
}

static const struct rf_junos_list *list_named(const struct rf_junos *j, struct rf_view name)
{
	const struct rf_junos_list *l = j->lists;

	while (l && !rf_view_eq(l->name, name))
		l = l->next;
	return l;
}

static size_t count_spans(struct rf_junos *j, const struct rf_junos_prefix *p)
{
	size_t n = 0;

	for (; p; p = p->next) {
		const struct rf_junos_list *l = p->list.n ? list_named(j, p->list) : NULL;
		char shown[RF_WORDS_SHOWN + 4];

		if (p->list.n && !l)
			rf_rs_fail(j->rs, RF_E_MALFORMED, p->line, "prefix list \"%s\" is not there",
				   rf_words_shown(p->list, shown));
		n += !p->list.n;
		for (const struct rf_junos_prefix *k = l ? l->prefixes : NULL; k; k = k->next)
			n++;
	}
	if (n > RF_RS_CELLS_MAX)
		rf_rs_fail(j->rs, RF_E_LIMIT, 0, "more than %d prefixes in one term", RF_RS_CELLS_MAX);
	return n;
}

static void fill(struct rf_junos *j, const struct rf_junos_prefix *p, uint8_t family, struct span *v, size_t *n)
{
	for (; p; p = p->next) {
		const struct rf_junos_list *l = p->list.n ? list_named(j, p->list) : NULL;

		for (const struct rf_junos_prefix *k = l ? l->prefixes : p; k; k = l ? k->next : NULL)
			if (k->cell.family == family) { /* of a list of both families those of the
							 * other fit nothing here */
				memcpy(v[*n].lo, k->cell.ip.lo, 16);
				memcpy(v[*n].hi, k->cell.ip.hi, 16);
				v[(*n)++].except = p->except;
			}
	}
}

/* Rows of one column, of EITHER two. NULL: an error. */
static struct rf_rs_set *addresses(struct rf_junos *j, const struct rf_junos_prefix *p, uint8_t family, bool either)
{
	struct sweep s = { .j = j, .family = family, .either = either };
	size_t most = count_spans(j, p), n = 0, kept = 0;
	struct span *v = j->rs->err ? NULL : rf_arena_array(&j->rs->arena, most + 1, sizeof *v);
	bool some = false;

	if (!v) {
		rf_rs_fail(j->rs, -ENOMEM, 0, "the rules take more memory than there is");
		return NULL;
	}
	fill(j, p, family, v, &n);
	qsort(v, n, sizeof *v, by_lo);
	for (size_t i = 0; i < n; i++) {
		some |= !v[i].except;
		if (kept && by_lo(&v[kept - 1], &v[i]) == 0) {
			if (v[kept - 1].except != v[i].except)
				rf_rs_fail(j->rs, RF_E_MALFORMED, p->line,
					   "one prefix is meant and excepted in one term");
			continue;
		}
		v[kept++] = v[i];
	}
	if (!some)
		rf_rs_fail(j->rs, RF_E_MALFORMED, p->line,
			   "a condition with no prefix of this family, or exceptions only, fits nothing");
	s.set = rf_rs_set(j->rs, (struct rf_view){ 0 }, either ? 2 : 1);
	if (!s.set)
		return NULL;
	sweep(&s, v, kept);
	return j->rs->err ? NULL : s.set;
}

/* --- rules of a term */

static const struct { uint8_t fields[2], n; bool header; } columns[RF_J_NUMBERS] = {
	[RF_J_PROTO] = { { RF_RS_PROTO }, 1, false }, [RF_J_SPORT] = { { RF_RS_SPORT }, 1, true },
	[RF_J_DPORT] = { { RF_RS_DPORT }, 1, true }, [RF_J_PORT] = { { RF_RS_SPORT, RF_RS_DPORT }, 2, true },
	[RF_J_TYPE] = { { RF_RS_ICMP_TYPE }, 1, true }, [RF_J_CODE] = { { RF_RS_ICMP_CODE }, 1, true },
	[RF_J_DSCP] = { { RF_RS_DSCP }, 1, false },
};

struct ready {
	const struct rf_junos_filter *filter;
	const struct rf_junos_term *term;
	const struct rf_rs_set *ends[RF_J_ENDS];
	bool header;
};

static struct rf_rs_rule *rule(struct rf_junos *j, const struct ready *y, bool later)
{
	static const uint8_t ends[RF_J_ENDS][2] = { { RF_RS_SRC }, { RF_RS_DST }, { RF_RS_SRC, RF_RS_DST } };
	const struct rf_junos_term *t = y->term;
	char text[RF_RS_TEXT_MAX];

	snprintf(text, sizeof text, "filter %.*s term %.*s", RF_VFMT(y->filter->name), RF_VFMT(t->name));
	struct rf_rs_rule *r = rf_rs_rule(j->rs, y->filter->chain, t->line, rf_view_str(text));
	if (!r)
		return NULL;
	r->family = y->filter->family;
	for (unsigned i = 0; i < RF_J_ENDS; i++)
		if (y->ends[i])
			rf_rs_match_set(j->rs, r, y->ends[i], ends[i], i == RF_J_EITHER ? 2 : 1, false);
	for (unsigned i = 0; i < RF_J_NUMBERS; i++) {
		if (columns[i].header && later)
			continue;
		if (t->yes[i])
			rf_rs_match_set(j->rs, r, t->yes[i], columns[i].fields, columns[i].n, false);
		if (t->no[i])
			rf_rs_match_set(j->rs, r, t->no[i], columns[i].fields, columns[i].n, true);
	}
	if (t->flagged && !later)
		rf_flags_match(j->rs, r, &t->flags);
	if (t->fragment || later)
		rf_rs_match_num(j->rs, r, RF_RS_FRAGMENT, 1, 1, false);
	if (t->first_fragment) {
		rf_rs_match_num(j->rs, r, RF_RS_FRAGMENT, 0, 0, false);
		rf_rs_match_sometimes(j->rs, r, RF_RS_REST_EITHER, "first-fragment");
	}
	if (later) /* what stands where ports would be is taken for them by some routers */
		rf_rs_match_sometimes(j->rs, r, RF_RS_REST_EITHER, "later fragments of a term with ports, by platform");
	return r;
}

static void act(struct rf_junos *j, const struct ready *y, bool later)
{
	const struct rf_junos_term *t = y->term;
	struct rf_rs_rule *r;

	for (const struct rf_junos_policer *p = t->then == RF_J_DROP ? NULL : t->policers; p; p = p->next) {
		char what[RF_RS_TEXT_MAX];

		snprintf(what, sizeof what, "policer %.*s", RF_VFMT(p->name));
		r = rule(j, y, later);
		if (!r)
			return;
		rf_rs_match_sometimes(j->rs, r, RF_RS_REST_NO, what);
		r->verdict = RF_RS_DROP;
	}
	r = rule(j, y, later);
	if (!r)
		return;
	/* A term that only counts accepts. */
	r->verdict = t->then == RF_J_DROP ? RF_RS_DROP : t->then == RF_J_NEXT ? RF_RS_NEXT : RF_RS_ACCEPT;
	if (t->dscp_set)
		rf_rs_effect(j->rs, r, RF_RS_SET_DSCP, t->dscp);
}

static void put_term(struct rf_junos *j, const struct rf_junos_filter *f, const struct rf_junos_term *t)
{
	struct ready y = { .filter = f, .term = t, .header = t->flagged };

	for (unsigned i = 0; i < RF_J_ENDS && !j->rs->err; i++)
		if (t->ends[i])
			y.ends[i] = addresses(j, t->ends[i], f->family, i == RF_J_EITHER);
	for (unsigned i = 0; i < RF_J_NUMBERS; i++)
		y.header |= columns[i].header && (t->yes[i] || t->no[i]);
	if (j->rs->err)
		return;
	act(j, &y, false);
	if (y.header && !t->first_fragment)
		act(j, &y, true);
}

static void put_filter(struct rf_junos *j, struct rf_junos_filter *f)
{
	char name[RF_RS_TEXT_MAX];

	snprintf(name, sizeof name, "family inet%s filter %.*s", f->family == 6 ? "6" : "", RF_VFMT(f->name));
	f->chain = rf_rs_chain(j->rs, rf_view_str(name));
	if (!f->chain)
		return;
	f->chain->defined = f->chain->elsewhere = true; /* until it is bound */
	f->chain->line = f->line;
	if (!f->terms)
		rf_rs_fail(j->rs, RF_E_MALFORMED, f->line, "a filter without terms");
	for (const struct rf_junos_term *t = f->terms; t && !j->rs->err; t = t->next)
		put_term(j, f, t);
}

/* --- bindings */

static struct rf_junos_filter *filter_of(const struct rf_junos *j, const struct rf_junos_binding *b)
{
	struct rf_junos_filter *f = j->filters;

	while (f && !(f->family == b->family && rf_view_eq(f->name, b->filter)))
		f = f->next;
	return f;
}

/* Of a list: a chain that asks one filter after another; what none decides is discarded. */
static struct rf_rs_chain *list_chain(struct rf_junos *j, const struct rf_junos_binding *b, struct rf_rs_chain *filter,
				      bool *ret_new)
{
	char name[RF_RS_TEXT_MAX];
	struct rf_rs_chain *c;
	struct rf_rs_rule *r;

	snprintf(name, sizeof name, "%s-list of %s family inet%s", b->out ? "output" : "input", b->interface,
		 b->family == 6 ? "6" : "");
	c = rf_rs_chain(j->rs, rf_view_str(name));
	if (!c)
		return NULL;
	*ret_new = !c->defined;
	c->defined = true;
	r = rf_rs_rule(j->rs, c, b->line, rf_view_str(filter->name));
	if (!r)
		return NULL;
	r->verdict = RF_RS_JUMP;
	r->target = filter;
	return c;
}

static void bind(struct rf_junos *j, const struct rf_junos_binding *b)
{
	bool engine = rf_view_starts(rf_view_str(b->interface), RF_V("lo0.")), hooked = true;
	struct rf_junos_filter *f = filter_of(j, b);
	char shown[RF_WORDS_SHOWN + 4];
	struct rf_rs_chain *chain;
	struct rf_rs_hook *h;

	if (!f) {
		rf_rs_fail(j->rs, RF_E_MALFORMED, b->line, "filter \"%s\" is bound to %s, but not there",
			   rf_words_shown(b->filter, shown), b->interface);
		return;
	}
	f->chain->elsewhere = false;
	chain = b->list ? list_chain(j, b, f->chain, &hooked) : f->chain;
	if (!chain || !hooked)
		return;
	h = rf_rs_hook(j->rs, engine ? (b->out ? RF_RS_HOOK_OUTPUT : RF_RS_HOOK_INPUT)
				     : b->out ? RF_RS_HOOK_POSTROUTING : RF_RS_HOOK_PREROUTING, chain, 0, RF_RS_DROP);
	if (!h)
		return;
	h->family = b->family;
	h->interface = engine ? NULL : b->interface;
	h->line = f->line;
	h->text = "the end";
}

void rf_junos_end(struct rf_junos *j)
{
	for (struct rf_junos_filter *f = j->filters; f && !j->rs->err; f = f->next)
		put_filter(j, f);
	for (const struct rf_junos_binding *b = j->bindings; b && !j->rs->err; b = b->next)
		bind(j, b);
}
