#include "prove/trace.h"

/* Chance is a list of answers. A run takes those that are given, says yes to each further question, and notes them;
 * the next run says no to the last yes. So all ways are tried, as long as they are few. */
enum { QUESTIONS_MAX = 64, RUNS_MAX = 4096 };

enum verdict { ON, ACCEPTED, DROPPED };

struct run {
	const struct rf_way *way;
	struct rf_packet p;
	uint8_t told_state;           /* what connection tracking will say */
	bool answers[QUESTIONS_MAX];
	unsigned asked, given;
	bool too_many;
	const struct rf_rs_rule *rule; /* that decided last; NULL: a policy did */
};

static bool ask(struct run *r)
{
	if (r->asked == QUESTIONS_MAX) {
		r->too_many = true;
		return true;
	}
	if (r->asked == r->given)
		r->answers[r->given++] = true;
	return r->answers[r->asked++];
}

static bool row_fits(const struct run *r, const struct rf_rs_match *m, const struct rf_rs_cell *row)
{
	for (unsigned i = 0; i < m->field_count; i++) {
		uint8_t field = m->fields[i];
		const char *name = field == RF_RS_IN ? r->way->in : field == RF_RS_OUT ? r->way->out : NULL;

		if (field == RF_RS_IN || field == RF_RS_OUT ? !rf_way_named(name, &row[i])
							    : !rf_packet_in_cell(&r->p, field, &row[i]))
			return false;
	}
	return true;
}

/* Can the fields be looked at: is there such an interface on the way, a transport header in this piece? */
static bool has_fields(const struct run *r, const struct rf_rs_match *m)
{
	for (unsigned i = 0; i < m->field_count; i++)
		switch (m->fields[i]) {
		case RF_RS_IN:
			if (!r->way->in)
				return false;
			break;
		case RF_RS_OUT:
			if (!r->way->out)
				return false;
			break;
		case RF_RS_SPORT: case RF_RS_DPORT: case RF_RS_ICMP_TYPE: case RF_RS_ICMP_CODE: case RF_RS_TCP_FLAGS:
			if (r->p.fragment)
				return false;
			break;
		}
	return true;
}

static bool in_set(const struct run *r, const struct rf_rs_match *m)
{
	for (size_t i = 0; i < m->set->n; i++)
		if (row_fits(r, m, &m->set->cells[i * m->field_count]))
			return true;
	return false;
}

enum fit { NO, YES, MAYBE };

static enum fit by_chance(const struct run *r, uint8_t rest)
{
	if (r->way->mode == RF_MAY || rest == RF_RS_REST_EITHER)
		return MAYBE;
	return rest == RF_RS_REST_YES ? YES : NO;
}

static enum fit fits(const struct run *r, const struct rf_rs_match *m)
{
	switch (m->kind) {
	case RF_RS_SOMETIMES:
		return by_chance(r, m->rest);
	case RF_RS_LOCAL:
		return !(rf_way_destination(r->way, r->p.family, r->p.dst) & (m->types ? m->types : RF_RS_TO_SELF)) ==
		       m->negate;
	case RF_RS_RPF:
		return !r->way->back ? MAYBE : rf_region_has(r->way->back, r->p.family, r->p.src) != m->negate;
	default:
		break;
	}
	if (rf_match_hole(m))
		return has_fields(r, m) && !rf_packet_num(&r->p, rf_match_hole(m)) == m->negate;
	if (m->set->changes && r->way->mode == RF_MAY)
		return MAYBE;
	return has_fields(r, m) && in_set(r, m) != m->negate;
}

/* Chance is asked last, and once a rule: two rates in one rule are as good as one. */
static bool rule_fits(struct run *r, const struct rf_rs_rule *rule)
{
	bool maybe = false;

	if (rule->family && rule->family != r->p.family)
		return false;
	for (const struct rf_rs_match *m = rule->matches; m; m = m->next) {
		enum fit f = fits(r, m);

		if (f == NO)
			return false;
		maybe |= f == MAYBE;
	}
	return !maybe || ask(r);
}

static void effects(struct run *r, const struct rf_rs_rule *rule)
{
	for (const struct rf_rs_effect *e = rule->effects; e; e = e->next)
		switch (e->kind) {
		case RF_RS_SET_MARK: r->p.mark = e->value; break;
		case RF_RS_SET_DSCP: r->p.dscp = (uint8_t)e->value; break;
		case RF_RS_NOTRACK: r->p.state = RF_RS_UNTRACKED; break;
		case RF_RS_ANY_MARK: case RF_RS_ANY_DSCP: break; /* what the packet has is one of the values */
		}
}

static enum verdict run_chain(struct run *r, const struct rf_rs_chain *c)
{
	for (const struct rf_rs_rule *rule = c->rules; rule; rule = rule->next) {
		enum verdict v;

		if (!rule_fits(r, rule))
			continue;
		effects(r, rule);
		switch (rule->verdict) {
		case RF_RS_ACCEPT: case RF_RS_DROP:
			r->rule = rule;
			return rule->verdict == RF_RS_ACCEPT ? ACCEPTED : DROPPED;
		case RF_RS_RETURN:
			return ON;
		case RF_RS_GOTO:
			return run_chain(r, rule->target);
		case RF_RS_JUMP:
			v = run_chain(r, rule->target);
			if (v != ON)
				return v;
			break;
		}
	}
	return ON;
}

/* The hooks of one kind, above and up to those priorities. The last that has decided is in *at. */
static enum verdict run_hooks(struct run *r, const struct rf_device *d, enum rf_rs_hook_kind kind, int64_t above,
			      int64_t upto, struct rf_decision *at)
{
	for (const struct rf_rs_hook *const *h = rf_device_hooks(d, kind); *h; h++) {
		if ((*h)->priority <= above || (*h)->priority > upto || !rf_way_meets(r->way, *h)
		    || ((*h)->family && (*h)->family != r->p.family))
			continue;
		r->rule = NULL;
		enum verdict v = run_chain(r, (*h)->chain);
		if (v == ON)
			v = (*h)->policy == RF_RS_ACCEPT ? ACCEPTED : DROPPED;
		/* A rule that accepts says more than a policy that lets pass. */
		if (v == DROPPED || r->rule || !at->rule)
			*at = (struct rf_decision){ .hook = *h, .rule = r->rule };
		if (v == DROPPED)
			return DROPPED;
	}
	return ACCEPTED;
}

static enum verdict run_tracked(struct run *r, const struct rf_device *d, enum rf_rs_hook_kind kind,
				struct rf_decision *at)
{
	if (run_hooks(r, d, kind, INT64_MIN, RF_PRIORITY_CONNTRACK, at) == DROPPED)
		return DROPPED;
	if (r->p.state != RF_RS_UNTRACKED)
		r->p.state = r->told_state;
	return run_hooks(r, d, kind, RF_PRIORITY_CONNTRACK, INT64_MAX, at);
}

static bool strict_drops(const struct rf_device *d, const struct run *r)
{
	const struct rf_region *back = r->way->back;

	for (const struct rf_rs_name *n = back ? rf_device_rules(d)->strict : NULL; n; n = n->next)
		if (r->way->in && (strcmp(n->name, "*") == 0 || strcmp(n->name, r->way->in) == 0))
			return !rf_region_has(back, r->p.family, r->p.src);
	return false;
}

static enum verdict once(struct run *r, const struct rf_device *d, struct rf_decision *at)
{
	static const struct { enum rf_rs_hook_kind v[3]; unsigned n; } after[] = {
		[RF_WAY_FORWARD] = { { RF_RS_HOOK_FORWARD, RF_RS_HOOK_POSTROUTING }, 2 },
		[RF_WAY_INPUT] = { { RF_RS_HOOK_INPUT }, 1 },
		[RF_WAY_OUTPUT] = { { RF_RS_HOOK_POSTROUTING }, 1 },
	};
	bool out = r->way->kind == RF_WAY_OUTPUT;

	r->p.state = rf_device_rules(d)->tracks ? RF_RS_INVALID : RF_RS_UNTRACKED;
	if (!out && strict_drops(d, r)) {
		at->strict = true;
		return DROPPED;
	}
	if (!out && run_hooks(r, d, RF_RS_HOOK_INGRESS, INT64_MIN, INT64_MAX, at) == DROPPED)
		return DROPPED;
	if (run_tracked(r, d, out ? RF_RS_HOOK_OUTPUT : RF_RS_HOOK_PREROUTING, at) == DROPPED)
		return DROPPED;
	for (unsigned i = 0; i < after[r->way->kind].n; i++)
		if (run_hooks(r, d, after[r->way->kind].v[i], INT64_MIN, INT64_MAX, at) == DROPPED)
			return DROPPED;
	return ACCEPTED;
}

int rf_trace(const struct rf_device *d, const struct rf_way *way, const struct rf_packet *p, struct rf_trace *ret_trace)
{
	struct run r = { .way = way, .told_state = p->state };

	*ret_trace = (struct rf_trace){ 0 };
	for (unsigned n = 0; n < RUNS_MAX; n++) {
		struct rf_decision at = { 0 };

		r.p = *p;
		r.p.mark = 0;
		r.asked = 0;
		enum verdict v = once(&r, d, &at);
		struct rf_decision *mine = v == ACCEPTED ? &ret_trace->accept : &ret_trace->drop;
		at.possible = true;
		if (!mine->possible)
			*mine = at;
		if (r.too_many)
			return RF_E_LIMIT;
		while (r.given && !r.answers[r.given - 1])
			r.given--;
		if (!r.given)
			return 0;
		r.answers[r.given - 1] = false;
	}
	return RF_E_LIMIT;
}
