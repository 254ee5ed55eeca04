/* Access lists: heads, entries in their order, where they are bound. */
#include "prove/cisco_int.h"

#include <stdio.h>

struct rf_cisco_list *rf_cisco_list(struct rf_cisco *c, struct rf_view name, uint8_t family)
{
	char text[RF_RS_TEXT_MAX];
	struct rf_cisco_list *l;

	if (!name.n || name.n > RF_RS_TEXT_MAX - 32) {
		rf_cisco_fail(c, RF_E_MALFORMED, "the name of an access list is expected here");
		return NULL;
	}
	for (l = c->lists; l; l = l->next)
		if (l->family == family && rf_view_eq(l->name, name))
			return l;
	l = rf_cisco_take(c, sizeof *l);
	snprintf(text, sizeof text, "%saccess-list %.*s", family == 6 ? "ipv6 " : "", RF_VFMT(name));
	if (!l || !(l->chain = rf_rs_chain(c->rs, rf_view_str(text))))
		return NULL;
	l->name = name;
	l->family = family;
	l->line = l->chain->line = c->line;
	l->next = c->lists;
	c->lists = l;
	return l;
}

/* Behind "ip access-list" or "ipv6 access-list". */
void rf_cisco_list_head(struct rf_cisco *c, uint8_t family)
{
	bool standard = rf_words_skip(&c->w, "standard");
	struct rf_view name;

	if (!standard && family == 4)
		rf_words_skip(&c->w, "extended");
	name = rf_words_take(&c->w);
	if (c->w.at < c->w.n) {
		rf_cisco_fail(c, RF_E_UNSUPPORTED, "what follows the name of this access list is not understood");
		return;
	}
	c->list = rf_cisco_list(c, name, family);
	if (!c->list)
		return;
	if (c->list->defined && c->list->standard != standard)
		rf_cisco_fail(c, RF_E_MALFORMED, "a list of that name is of another kind");
	c->list->standard = standard;
	c->list->defined = c->list->chain->defined = true;
}

/* Behind "access-list": the number says what it is. */
void rf_cisco_list_numbered(struct rf_cisco *c)
{
	struct rf_view name = rf_words_take(&c->w);
	uint32_t n;

	if (!rf_view_u32(name, &n) || !((n >= 1 && n <= 199) || (n >= 1300 && n <= 2699))) {
		rf_cisco_fail(c, RF_E_UNSUPPORTED,
			      "lists 1 to 199 and 1300 to 2699 are of IPv4; others are not understood");
		return;
	}
	if (!c->list || c->list->family != 4 || !rf_view_eq(c->list->name, name))
		c->list = rf_cisco_list(c, name, 4);
	if (!c->list)
		return;
	c->list->standard = n <= 99 || (n >= 1300 && n <= 1999);
	c->list->defined = c->list->chain->defined = true;
	rf_cisco_entry(c);
}

void rf_cisco_entry(struct rf_cisco *c)
{
	uint64_t sequence = c->list->last + 10;
	bool numbered;

	rf_words_skip(&c->w, "sequence");
	numbered = rf_view_u64(rf_words_peek(&c->w), UINT32_MAX, &sequence);
	if (numbered)
		c->w.at++;
	if (rf_word_is(rf_words_peek(&c->w), "remark"))
		return;
	if (!numbered && (rf_words_begin(&c->w, c->w.at, "counters per-entry") ||
			  rf_words_begin(&c->w, c->w.at, "statistics per-entry")))
		return;
	if (sequence <= c->list->last)
		c->list->unsorted = true;
	else
		c->list->last = sequence;
	rf_cisco_ace(c, sequence);
}

/* --- the order of sequence numbers, by merging */

static struct rf_rs_rule *merge(struct rf_rs_rule *a, struct rf_rs_rule *b)
{
	struct rf_rs_rule *first = NULL, **end = &first;

	while (a && b) {
		struct rf_rs_rule **from = b->handle < a->handle ? &b : &a;

		*end = *from;
		*from = (*from)->next;
		end = &(*end)->next;
	}
	*end = a ? a : b;
	return first;
}

static struct rf_rs_rule *sorted(struct rf_rs_rule *r, size_t n)
{
	struct rf_rs_rule *half = r;

	if (n < 2)
		return r;
	for (size_t i = 1; i < n / 2; i++)
		half = half->next;
	struct rf_rs_rule *rest = half->next;
	half->next = NULL;
	return merge(sorted(r, n / 2), sorted(rest, n - n / 2));
}

static void sort(struct rf_cisco *c, struct rf_cisco_list *l)
{
	struct rf_rs_rule *r, *before = NULL;

	l->chain->rules = sorted(l->chain->rules, l->chain->rule_count);
	for (r = l->chain->rules; r; before = r, r = r->next)
		if (before && before->handle == r->handle && before->line != r->line)
			rf_rs_fail(c->rs, RF_E_MALFORMED, r->line, "sequence number %llu of %s is also that of line %u",
				   (unsigned long long)r->handle, l->chain->name, before->line);
	l->chain->rules_end = before ? &before->next : &l->chain->rules;
}

/* --- ends */

/* Only of neighbours on the link: what a router forwards has lost hop limit 255 and is refused (RFC 4861, 7.1). */
static void neighbours(struct rf_cisco *c, struct rf_cisco_list *l)
{
	static const struct { uint8_t type; const char *text; } implied[] = {
		{ 136, "permit icmp any any nd-na (at the end of every list)" },
		{ 135, "permit icmp any any nd-ns (at the end of every list)" },
	};

	for (size_t i = 0; i < 2; i++) {
		struct rf_rs_rule *r = rf_rs_rule(c->rs, l->chain, l->line, rf_view_str(implied[i].text));
		struct rf_rs_match *m;

		if (!r)
			return;
		r->family = 6;
		r->verdict = RF_RS_ACCEPT;
		rf_rs_match_num(c->rs, r, RF_RS_PROTO, 58, 58, false);
		rf_rs_match_num(c->rs, r, RF_RS_ICMP_TYPE, implied[i].type, implied[i].type, false);
		m = rf_rs_match_kind(c->rs, r, RF_RS_LOCAL, false);
		if (m)
			m->types = RF_RS_TO_SELF | RF_RS_TO_MULTICAST;
		if (c->dialect->neighbours_maybe)
			rf_rs_match_sometimes(c->rs, r, RF_RS_REST_EITHER, "neighbour discovery at the end of a list");
	}
}

static void bind(struct rf_cisco *c, const struct rf_cisco_binding *b)
{
	struct rf_cisco_list *l = b->list;
	bool open = !l->chain->rule_count && c->dialect->empty_permits;
	struct rf_rs_hook *h;
	char text[RF_RS_TEXT_MAX];

	if (!l->defined && !c->dialect->empty_permits) {
		rf_rs_fail(c->rs, RF_E_MALFORMED, b->line, "%s is bound to interface %s, but not there", l->chain->name,
			   b->interface);
		return;
	}
	l->chain->defined = true;
	l->chain->elsewhere = false;
	h = rf_rs_hook(c->rs, b->out ? RF_RS_HOOK_POSTROUTING : RF_RS_HOOK_PREROUTING, l->chain, 0,
		       open ? RF_RS_ACCEPT : RF_RS_DROP);
	if (!h)
		return;
	snprintf(text, sizeof text, "%s", !open ? "the end" : l->defined ? "no entries: everything passes. The end"
									 : "not there: everything passes. The end");
	h->family = b->family;
	h->own = false; /* lists bound out are not asked about what the device itself sends */
	h->interface = b->interface;
	h->line = open ? b->line : l->line;
	h->text = rf_arena_cstr(&c->rs->arena, rf_view_str(text));
	if (!h->text)
		rf_rs_fail(c->rs, -ENOMEM, 0, "no memory");
}

void rf_cisco_lists_end(struct rf_cisco *c)
{
	for (struct rf_cisco_list *l = c->lists; l && !c->rs->err; l = l->next) {
		if (l->unsorted)
			sort(c, l);
		l->unsorted = false;
		l->chain->elsewhere = true;
	}
	for (struct rf_cisco_binding *b = c->bindings; b && !c->rs->err; b = b->next) {
		struct rf_cisco_list *l = b->list;

		if (l->family == 6 && l->chain->rule_count && !l->whole &&
		    (c->dialect->neighbours || c->dialect->neighbours_maybe))
			neighbours(c, l);
		l->whole = true; /* once a list */
		bind(c, b);
	}
}
