/* Building and checking a ruleset. */
#include "prove/ruleset.h"

#include <stdarg.h>
#include <stdio.h>

void rf_ruleset_init(struct rf_ruleset *rs, const char *file, const char *language)
{
	*rs = (struct rf_ruleset){ .language = language };
	rf_arena_init(&rs->arena, RF_RS_ARENA_MAX);
	rs->chains_end = &rs->chains;
	rs->hooks_end = &rs->hooks;
	rs->sets_end = &rs->sets;
	rs->file = rf_arena_cstr(&rs->arena, rf_view_str(file));
	if (!rs->file) {
		rs->file = "";
		rf_rs_fail(rs, -ENOMEM, 0, "no memory");
	}
}

void rf_ruleset_fini(struct rf_ruleset *rs)
{
	rf_arena_fini(&rs->arena);
	*rs = (struct rf_ruleset){ 0 };
}

int rf_rs_fail(struct rf_ruleset *rs, int code, uint32_t line, const char *fmt, ...)
{
	char text[sizeof rs->diag.text];
	va_list ap;

	if (rs->err)
		return rs->err;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	rs->err = code;
	return rf_diag_at(&rs->diag, code, rs->file, line, 0, "%s", text);
}

static void *take(struct rf_ruleset *rs, size_t n)
{
	void *p = rs->err ? NULL : rf_arena_zalloc(&rs->arena, n);

	if (!p)
		rf_rs_fail(rs, -ENOMEM, 0, "the rules take more memory than there is (at most %d MiB)",
			   RF_RS_ARENA_MAX / 1024 / 1024);
	return p;
}

/* A copy that may be printed; NULL without memory. */
static const char *text_of(struct rf_ruleset *rs, struct rf_view v, size_t most)
{
	size_t n = v.n < most ? v.n : most;
	char *s = take(rs, n + 1);

	for (size_t i = 0; s && i < n; i++)
		s[i] = v.p[i] < 0x20 || v.p[i] == 0x7f ? ' ' : (char)v.p[i];
	return s;
}

static bool same(const char *s, struct rf_view v)
{
	return rf_view_eq(rf_view_str(s), v);
}

/* Chains are few beside rules; but a file may define thousands, so the last one made is looked at first. */
struct rf_rs_chain *rf_rs_chain(struct rf_ruleset *rs, struct rf_view name)
{
	struct rf_rs_chain *c;

	if (rs->err)
		return NULL;
	for (c = rs->chains; c; c = c->next)
		if (same(c->name, name))
			return c;
	if (rs->chain_count == RF_RS_CHAINS_MAX) {
		rf_rs_fail(rs, RF_E_LIMIT, 0, "more than %d chains", RF_RS_CHAINS_MAX);
		return NULL;
	}
	c = take(rs, sizeof *c);
	if (!c || !(c->name = text_of(rs, name, RF_RS_TEXT_MAX)))
		return NULL;
	c->rules_end = &c->rules;
	*rs->chains_end = c;
	rs->chains_end = &c->next;
	rs->chain_count++;
	return c;
}

struct rf_rs_hook *rf_rs_hook(struct rf_ruleset *rs, enum rf_rs_hook_kind kind, struct rf_rs_chain *chain,
			      int32_t priority, enum rf_rs_verdict policy)
{
	if (!rs->err && rs->hook_count == RF_RS_HOOKS_MAX)
		rf_rs_fail(rs, RF_E_LIMIT, 0, "more than %d hooks", RF_RS_HOOKS_MAX);
	struct rf_rs_hook *h = take(rs, sizeof *h);

	if (!h)
		return NULL;
	*h = (struct rf_rs_hook){ .kind = (uint8_t)kind, .policy = (uint8_t)policy, .own = true, .priority = priority,
				  .chain = chain, .text = policy == RF_RS_DROP ? "policy drop" : "policy accept" };
	*rs->hooks_end = h;
	rs->hooks_end = &h->next;
	rs->hook_count++;
	return h;
}

struct rf_rs_rule *rf_rs_rule(struct rf_ruleset *rs, struct rf_rs_chain *chain, uint32_t line, struct rf_view text)
{
	if (!rs->err && rs->rule_count == RF_RS_RULES_MAX)
		rf_rs_fail(rs, RF_E_LIMIT, line, "more than %d rules", RF_RS_RULES_MAX);
	struct rf_rs_rule *r = take(rs, sizeof *r);

	if (!r || !(r->text = text_of(rs, rf_view_trim(text), RF_RS_TEXT_MAX)))
		return NULL;
	r->comment = "";
	r->line = line;
	r->chain = chain;
	r->matches_end = &r->matches;
	r->effects_end = &r->effects;
	r->id = (uint32_t)rs->rule_count++;
	*chain->rules_end = r;
	chain->rules_end = &r->next;
	chain->rule_count++;
	return r;
}

struct rf_rs_set *rf_rs_set(struct rf_ruleset *rs, struct rf_view name, unsigned field_count)
{
	if (!rs->err && (rs->set_count == RF_RS_SETS_MAX || !field_count || field_count > RF_RS_FIELDS_MAX))
		rf_rs_fail(rs, RF_E_LIMIT, 0, "more than %d sets, or a set of more than %d fields", RF_RS_SETS_MAX,
			   RF_RS_FIELDS_MAX);
	struct rf_rs_set *s = take(rs, sizeof *s);

	if (!s || (name.n && !(s->name = text_of(rs, name, RF_RS_TEXT_MAX))))
		return NULL;
	s->field_count = field_count;
	*rs->sets_end = s;
	rs->sets_end = &s->next;
	rs->set_count++;
	return s;
}

int rf_rs_row(struct rf_ruleset *rs, struct rf_rs_set *set, const struct rf_rs_cell *cells)
{
	if (rs->err)
		return rs->err;
	if (rs->cell_count > RF_RS_CELLS_MAX - set->field_count)
		return rf_rs_fail(rs, RF_E_LIMIT, set->line, "more than %d values in sets", RF_RS_CELLS_MAX);
	if (set->n == set->room) {
		size_t room = set->room ? set->room * 2 : 1;
		struct rf_rs_cell *more = take(rs, room * set->field_count * sizeof *more);

		if (!more)
			return rs->err;
		if (set->n)
			memcpy(more, set->cells, set->n * set->field_count * sizeof *more);
		set->cells = more;
		set->room = room;
	}
	memcpy(set->cells + set->n * set->field_count, cells, set->field_count * sizeof *cells);
	set->n++;
	rs->cell_count += set->field_count;
	return 0;
}

struct rf_rs_set *rf_rs_set_named(const struct rf_ruleset *rs, struct rf_view name)
{
	for (struct rf_rs_set *s = rs->sets; s; s = s->next)
		if (s->name && same(s->name, name))
			return s;
	return NULL;
}

struct rf_rs_match *rf_rs_match_kind(struct rf_ruleset *rs, struct rf_rs_rule *rule, enum rf_rs_match_kind kind,
				     bool negate)
{
	if (!rs->err && rule->match_count == RF_RS_MATCHES_MAX)
		rf_rs_fail(rs, RF_E_LIMIT, rule->line, "more than %d matches in one rule", RF_RS_MATCHES_MAX);
	struct rf_rs_match *m = take(rs, sizeof *m);

	if (!m)
		return NULL;
	m->kind = (uint8_t)kind;
	m->negate = negate;
	*rule->matches_end = m;
	rule->matches_end = &m->next;
	rule->match_count++;
	return m;
}

struct rf_rs_match *rf_rs_match_set(struct rf_ruleset *rs, struct rf_rs_rule *rule, const struct rf_rs_set *set,
				    const uint8_t *fields, unsigned field_count, bool negate)
{
	if (!rs->err && set->field_count != field_count)
		rf_rs_fail(rs, RF_E_MALFORMED, rule->line, "%u fields are looked up in a set of %u", field_count,
			   set->field_count);
	struct rf_rs_match *m = rs->err ? NULL : rf_rs_match_kind(rs, rule, RF_RS_IN_SET, negate);

	if (!m)
		return NULL;
	m->set = set;
	m->field_count = (uint8_t)field_count;
	memcpy(m->fields, fields, field_count);
	return m;
}

struct rf_rs_match *rf_rs_match_cell(struct rf_ruleset *rs, struct rf_rs_rule *rule, enum rf_rs_field field,
				     struct rf_rs_cell cell, bool negate)
{
	struct rf_rs_set *set = rf_rs_set(rs, (struct rf_view){ 0 }, 1);
	uint8_t fields[1] = { (uint8_t)field };

	if (!set || rf_rs_row(rs, set, &cell))
		return NULL;
	return rf_rs_match_set(rs, rule, set, fields, 1, negate);
}

struct rf_rs_match *rf_rs_match_num(struct rf_ruleset *rs, struct rf_rs_rule *rule, enum rf_rs_field field, uint32_t lo,
				    uint32_t hi, bool negate)
{
	return rf_rs_match_cell(rs, rule, field, rf_rs_num(lo, hi), negate);
}

struct rf_rs_match *rf_rs_match_sometimes(struct rf_ruleset *rs, struct rf_rs_rule *rule, enum rf_rs_rest rest,
					  const char *what)
{
	struct rf_rs_match *m = rf_rs_match_kind(rs, rule, RF_RS_SOMETIMES, false);

	if (!m || !(m->what = text_of(rs, rf_view_str(what), RF_RS_TEXT_MAX)))
		return NULL;
	m->rest = (uint8_t)rest;
	return m;
}

int rf_rs_effect(struct rf_ruleset *rs, struct rf_rs_rule *rule, enum rf_rs_effect_kind kind, uint32_t value)
{
	struct rf_rs_effect *e = take(rs, sizeof *e);

	if (!e)
		return rs->err;
	e->kind = (uint8_t)kind;
	e->value = value;
	*rule->effects_end = e;
	rule->effects_end = &e->next;
	return 0;
}

int rf_rs_strict(struct rf_ruleset *rs, struct rf_view name)
{
	struct rf_rs_name *n = take(rs, sizeof *n);

	if (!n || !(n->name = text_of(rs, name.n ? name : RF_V("*"), RF_RS_TEXT_MAX)))
		return rs->err;
	n->next = rs->strict;
	rs->strict = n;
	return 0;
}

/* --- what must hold of the whole */

static int check_range(struct rf_ruleset *rs, const struct rf_rs_rule *r, const struct rf_rs_match *m)
{
	static const uint32_t most[RF_RS_FIELDS] = {
		[RF_RS_FAMILY] = 6, [RF_RS_PROTO] = 255, [RF_RS_SPORT] = 65535, [RF_RS_DPORT] = 65535,
		[RF_RS_ICMP_TYPE] = 255, [RF_RS_ICMP_CODE] = 255, [RF_RS_TCP_FLAGS] = 255, [RF_RS_FRAGMENT] = 1,
		[RF_RS_STATE] = RF_RS_UNTRACKED, [RF_RS_DIRECTION] = 1, [RF_RS_MARK] = UINT32_MAX, [RF_RS_DSCP] = 63,
		[RF_RS_PKTTYPE] = 3,
	};

	for (size_t i = 0; i < m->set->n * m->field_count; i++) {
		const struct rf_rs_cell *c = &m->set->cells[i];
		uint8_t field = m->fields[i % m->field_count];
		bool named = field == RF_RS_IN || field == RF_RS_OUT, ip = field == RF_RS_SRC || field == RF_RS_DST;
		bool ok = c->kind == RF_RS_ANY || named == (c->kind == RF_RS_NAME || c->kind == RF_RS_NAME_STAR);

		if (ok && ip && c->kind != RF_RS_ANY)
			ok = (c->family == 4 || c->family == 6)
			     && (c->kind == RF_RS_MASK || memcmp(c->ip.lo, c->ip.hi, 16) <= 0);
		else if (ok && !named && c->kind != RF_RS_ANY)
			ok = c->num.lo <= most[field] && c->num.hi <= most[field]
			     && (c->kind == RF_RS_MASK || c->num.lo <= c->num.hi);
		if (!ok)
			return rf_rs_fail(rs, RF_E_MALFORMED, r->line, "a value that cannot be, in: %s", r->text);
	}
	return 0;
}

static int check_rule(struct rf_ruleset *rs, const struct rf_rs_rule *r)
{
	bool jumps = r->verdict == RF_RS_JUMP || r->verdict == RF_RS_GOTO;

	if (jumps && (!r->target || !r->target->defined))
		return rf_rs_fail(rs, RF_E_MALFORMED, r->line, "jumps to chain \"%s\", which is not there: %s",
				  r->target ? r->target->name : "", r->text);
	for (const struct rf_rs_match *m = r->matches; m && !rs->err; m = m->next)
		if (m->kind == RF_RS_IN_SET)
			check_range(rs, r, m);
	return rs->err;
}

/* How deep jumps go from here; by the rules' own lists, so a circle is found at the bound. */
static int check_depth(struct rf_ruleset *rs, const struct rf_rs_chain *c, unsigned depth, size_t *steps)
{
	if (depth > RF_RS_DEPTH_MAX)
		return rf_rs_fail(rs, RF_E_LIMIT, c->line, "chain \"%s\": jumps go in a circle, or deeper than %d",
				  c->name, RF_RS_DEPTH_MAX);
	for (const struct rf_rs_rule *r = c->rules; r && !rs->err; r = r->next) {
		if (r->verdict != RF_RS_JUMP && r->verdict != RF_RS_GOTO)
			continue;
		if (++*steps > 4u * RF_RS_RULES_MAX)
			return rf_rs_fail(rs, RF_E_LIMIT, c->line, "chain \"%s\": too many ways through jumps",
					  c->name);
		check_depth(rs, r->target, depth + 1, steps);
	}
	return rs->err;
}

int rf_ruleset_check(struct rf_ruleset *rs)
{
	size_t steps = 0;

	for (const struct rf_rs_chain *c = rs->chains; c && !rs->err; c = c->next)
		for (const struct rf_rs_rule *r = c->rules; r && !rs->err; r = r->next)
			check_rule(rs, r);
	for (const struct rf_rs_hook *h = rs->hooks; h && !rs->err; h = h->next) {
		if (!h->chain->defined)
			return rf_rs_fail(rs, RF_E_MALFORMED, h->line, "\"%s\" is bound, but not there",
					  h->chain->name);
		check_depth(rs, h->chain, 0, &steps);
	}
	return rs->err;
}
