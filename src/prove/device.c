/* The way of a set through hooks, chains and rules. */
#include "prove/device_int.h"

#include <stdlib.h>

/* --- making one */

static int sort_hooks(struct rf_device *d, enum rf_rs_hook_kind kind)
{
	const struct rf_rs_hook **v = calloc(d->rs->hook_count + 1, sizeof *v);
	size_t n = 0;

	d->hooks[kind] = v;
	if (!v)
		return -ENOMEM;
	for (const struct rf_rs_hook *h = d->rs->hooks; h; h = h->next) {
		size_t at = n;

		if (h->kind != kind)
			continue;
		/* Those of one priority stay in the order of reading. */
		for (n++; at > 0 && v[at - 1]->priority > h->priority; at--)
			v[at] = v[at - 1];
		v[at] = h;
	}
	return 0;
}

int rf_device_new(struct rf_sets *s, const struct rf_ruleset *rs, struct rf_device **ret_d)
{
	struct rf_device *d = calloc(1, sizeof *d);
	int rc = d ? 0 : -ENOMEM;

	if (rc)
		return rc;
	d->s = s;
	d->rs = rs;
	d->rules = calloc(rs->rule_count + 1, sizeof *d->rules);
	if (!d->rules)
		rc = -ENOMEM;
	for (int k = 0; k < RF_RS_HOOK_KINDS && rc == 0; k++)
		rc = sort_hooks(d, k);
	if (rc) {
		rf_device_free(d);
		return rc;
	}
	for (const struct rf_rs_chain *c = rs->chains; c; c = c->next)
		for (const struct rf_rs_rule *r = c->rules; r; r = r->next)
			rf_device_rule_look(&d->rules[r->id], r);
	*ret_d = d;
	return 0;
}

void rf_device_free(struct rf_device *d)
{
	if (!d)
		return;
	while (d->known) {
		struct rf_known *k = d->known;

		d->known = k->next;
		free(k);
	}
	for (int k = 0; k < RF_RS_HOOK_KINDS; k++)
		free(d->hooks[k]);
	free(d->rules);
	free(d);
}

const struct rf_ruleset *rf_device_rules(const struct rf_device *d)
{
	return d->rs;
}

const struct rf_device_rule *rf_device_rule(const struct rf_device *d, uint32_t id)
{
	return &d->rules[id];
}

const struct rf_rs_hook *const *rf_device_hooks(const struct rf_device *d, enum rf_rs_hook_kind kind)
{
	return d->hooks[kind];
}

/* --- passing */

enum { LET_GO = 16 }; /* rules, after which what they left behind may be forgotten */

struct pass {
	struct rf_device *d;
	const struct rf_way *way;
	int entry;              /* what came to this hook */
	int accepted, dropped;  /* by this hook, so far */
	bool want_dropped;
};

static int effect(struct rf_sets *s, int x, const struct rf_rs_effect *e)
{
	static const uint8_t fields[] = {
		[RF_RS_SET_MARK] = RF_RS_MARK, [RF_RS_ANY_MARK] = RF_RS_MARK, [RF_RS_SET_DSCP] = RF_RS_DSCP,
		[RF_RS_ANY_DSCP] = RF_RS_DSCP, [RF_RS_NOTRACK] = RF_RS_STATE,
	};
	uint8_t field = fields[e->kind];
	uint32_t value = e->kind == RF_RS_NOTRACK ? RF_RS_UNTRACKED : e->value;

	x = rf_space_forget(s, x, field);
	if (e->kind == RF_RS_ANY_MARK || e->kind == RF_RS_ANY_DSCP)
		return x;
	return rf_sets_and(s, x, rf_space_num(s, field, value, value));
}

static void take(struct pass *p, int *into, int x)
{
	*into = rf_sets_or(p->d->s, *into, x);
}

static void note(struct pass *p, const struct rf_rs_rule *r, int fits, int hit)
{
	struct rf_device_rule *k = &p->d->rules[r->id];

	if (p->way->mode != RF_MAY || k->hit)
		return;
	k->hit = hit != rf_sets_none();
	if (k->hit || k->sampled || !fits)
		return;
	k->sampled = rf_space_member(p->d->s, rf_sets_and(p->d->s, p->entry, fits), &k->sample);
	k->way = *p->way;
}

static int run_chain(struct pass *p, const struct rf_rs_chain *c, int x, unsigned depth);

/* x after the rule: what goes on to the next one. */
static int run_rule(struct pass *p, const struct rf_rs_rule *r, int x, unsigned depth, int *returned)
{
	struct rf_sets *s = p->d->s;
	bool maybe;
	int fits = rf_device_fits(p->d, p->way, r, &maybe);
	int hit = fits ? rf_sets_and(s, x, fits) : rf_sets_none();

	note(p, r, fits, hit);
	if (!hit)
		return x;
	int rest = maybe ? x : rf_sets_minus(s, x, fits);
	for (const struct rf_rs_effect *e = r->effects; e; e = e->next)
		hit = effect(s, hit, e);
	switch (r->verdict) {
	case RF_RS_ACCEPT:
		take(p, &p->accepted, hit);
		return rest;
	case RF_RS_DROP:
		if (p->want_dropped)
			take(p, &p->dropped, hit);
		return rest;
	case RF_RS_RETURN:
		take(p, returned, hit);
		return rest;
	case RF_RS_JUMP:
		return rf_sets_or(s, rest, run_chain(p, r->target, hit, depth + 1));
	case RF_RS_GOTO: /* where that one ends, this one has ended */
		take(p, returned, run_chain(p, r->target, hit, depth + 1));
		return rest;
	default:
		return r->effects ? rf_sets_or(s, rest, hit) : x;
	}
}

/* What is left at the end; what has returned is in it, too. */
static int run_chain(struct pass *p, const struct rf_rs_chain *c, int x, unsigned depth)
{
	struct rf_sets *s = p->d->s;
	size_t mark = rf_sets_mark(s), n = 0;
	int returned = rf_sets_none();

	for (const struct rf_rs_rule *r = c->rules; r && x && !rf_sets_err(s); r = r->next) {
		x = run_rule(p, r, x, depth, &returned);
		if (++n % LET_GO == 0)
			rf_sets_release_but(s, mark, (int[]){ x, returned, p->accepted, p->dropped }, 4);
	}
	x = rf_sets_or(s, x, returned);
	rf_sets_release_but(s, mark, (int[]){ x, p->accepted, p->dropped }, 3);
	return x;
}

bool rf_way_meets(const struct rf_way *way, const struct rf_rs_hook *h)
{
	const char *name = h->kind == RF_RS_HOOK_POSTROUTING || h->kind == RF_RS_HOOK_OUTPUT ? way->out : way->in;
	struct rf_rs_cell cell = { .kind = RF_RS_NAME, .name = h->interface };

	if (h->kind == RF_RS_HOOK_POSTROUTING && way->kind == RF_WAY_OUTPUT && !h->own)
		return false;
	return !h->interface || (name && rf_way_named(name, &cell));
}

static int run_hook(struct pass *p, const struct rf_rs_hook *h, int x)
{
	struct rf_sets *s = p->d->s;
	int others = rf_sets_none();

	if (!rf_way_meets(p->way, h) || !x)
		return x;
	if (h->family) {
		others = rf_sets_minus(s, x, rf_space_family(s, h->family));
		x = rf_sets_and(s, x, rf_space_family(s, h->family));
	}
	p->entry = x;
	p->accepted = rf_sets_none();
	int rest = run_chain(p, h->chain, x, 0);
	if (h->policy == RF_RS_ACCEPT)
		take(p, &p->accepted, rest);
	else if (p->want_dropped)
		take(p, &p->dropped, rest);
	return rf_sets_or(s, others, p->accepted);
}

/* Hooks of one kind between two priorities. */
static int run_hooks(struct pass *p, enum rf_rs_hook_kind kind, int64_t above, int64_t upto, int x)
{
	for (const struct rf_rs_hook **h = p->d->hooks[kind]; *h; h++)
		if ((*h)->priority > above && (*h)->priority <= upto)
			x = run_hook(p, *h, x);
	return x;
}

/* Before connection tracking nobody knows the state of a packet, unless a rule has it untracked; rules that ask get
 * "invalid". Behind it, it is what `states` says. */
static int track(struct rf_sets *s, int x, int states)
{
	int untracked = rf_space_num(s, RF_RS_STATE, RF_RS_UNTRACKED, RF_RS_UNTRACKED);
	int out = rf_sets_and(s, x, untracked);

	x = rf_space_forget(s, rf_sets_minus(s, x, untracked), RF_RS_STATE);
	return rf_sets_or(s, out, rf_sets_and(s, x, states));
}

static bool is_strict(const struct rf_ruleset *rs, const char *interface)
{
	for (const struct rf_rs_name *n = rs->strict; n && interface; n = n->next)
		if (strcmp(n->name, "*") == 0 || strcmp(n->name, interface) == 0)
			return true;
	return false;
}

static int tracked_hooks(struct pass *p, enum rf_rs_hook_kind kind, int x, int states)
{
	if (!p->d->rs->tracks)
		return run_hooks(p, kind, INT64_MIN, INT64_MAX, x);
	x = run_hooks(p, kind, INT64_MIN, RF_PRIORITY_CONNTRACK, x);
	return run_hooks(p, kind, RF_PRIORITY_CONNTRACK, INT64_MAX, track(p->d->s, x, states));
}

int rf_device_pass(struct rf_device *d, const struct rf_way *way, int x, int states, int *ret_dropped)
{
	struct rf_sets *s = d->s;
	struct pass p = { .d = d, .way = way, .want_dropped = ret_dropped != NULL };
	size_t mark = rf_sets_mark(s);

	uint32_t first = d->rs->tracks ? RF_RS_INVALID : RF_RS_UNTRACKED;

	x = rf_sets_and(s, x, rf_space_num(s, RF_RS_MARK, 0, 0));
	x = rf_sets_and(s, x, rf_space_num(s, RF_RS_STATE, first, first));
	if (d->rs->reassembles)
		x = rf_sets_and(s, x, rf_space_num(s, RF_RS_FRAGMENT, 0, 0));
	if (way->kind == RF_WAY_OUTPUT) {
		x = tracked_hooks(&p, RF_RS_HOOK_OUTPUT, x, states);
	} else {
		if (way->back && is_strict(d->rs, way->in)) {
			int back = rf_region_set(s, RF_RS_SRC, way->back);

			take(&p, &p.dropped, rf_sets_minus(s, x, back));
			x = rf_sets_and(s, x, back);
		}
		x = run_hooks(&p, RF_RS_HOOK_INGRESS, INT64_MIN, INT64_MAX, x);
		x = tracked_hooks(&p, RF_RS_HOOK_PREROUTING, x, states);
	}
	if (way->kind == RF_WAY_INPUT)
		x = run_hooks(&p, RF_RS_HOOK_INPUT, INT64_MIN, INT64_MAX, x);
	if (way->kind == RF_WAY_FORWARD)
		x = run_hooks(&p, RF_RS_HOOK_FORWARD, INT64_MIN, INT64_MAX, x);
	if (way->kind != RF_WAY_INPUT)
		x = run_hooks(&p, RF_RS_HOOK_POSTROUTING, INT64_MIN, INT64_MAX, x);
	rf_sets_release_but(s, mark, (int[]){ x, p.dropped }, 2);
	if (ret_dropped)
		*ret_dropped = p.dropped;
	return x;
}
