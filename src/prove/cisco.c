/* Lines and sections of IOS and EOS. */
#include "prove/cisco_int.h"

#include <stdio.h>

int rf_cisco_fail(struct rf_cisco *c, int code, const char *why)
{
	char shown[RF_WORDS_SHOWN + 4];

	return rf_rs_fail(c->rs, code, c->line, "%s: \"%s\"", why, rf_words_shown(c->text, shown));
}

void *rf_cisco_take(struct rf_cisco *c, size_t n)
{
	void *p = c->rs->err ? NULL : rf_arena_zalloc(&c->rs->arena, n);

	if (!p)
		rf_rs_fail(c->rs, -ENOMEM, c->line, "the rules take more memory than there is");
	return p;
}

/* --- tables */

/* The longest that the line begins with from word `at` on. */
static const struct rf_cisco_word *find(const struct rf_cisco *c, bool interface, unsigned at, unsigned *ret_n)
{
	const struct rf_cisco_word *best = NULL;

	for (const struct rf_cisco_word *t = interface ? c->dialect->interface : c->dialect->top; t->words; t++) {
		unsigned n = rf_words_begin(&c->w, at, t->words);

		if (n > *ret_n) {
			*ret_n = n;
			best = t;
		}
	}
	return best;
}

static void refuse(struct rf_cisco *c, const struct rf_cisco_word *k)
{
	char why[200];

	if (k && k->why)
		snprintf(why, sizeof why, "%s could change what passes, and is not modelled", k->why);
	else
		snprintf(why, sizeof why, "not understood, and it could change what passes");
	rf_cisco_fail(c, RF_E_UNSUPPORTED, why);
}

static bool skipped(uint8_t what)
{
	return what == RF_CISCO_SKIP || what == RF_CISCO_SKIP_BLOCK || what == RF_CISCO_BANNER;
}

/* Before a list is written: whatever the device had by that name goes. */
static bool begins_anew(const struct rf_cisco *c, const struct rf_cisco_word *k)
{
	struct rf_view name = c->w.v[c->w.n - 1];
	uint8_t family = rf_word_is(c->w.v[1], "ipv6") ? 6 : 4;

	if (!k || k->what != RF_CISCO_LIST || !rf_word_is(c->w.v[0], "no") || c->w.n < 4 || c->w.n > 5)
		return false;
	for (const struct rf_cisco_list *l = c->lists; l; l = l->next)
		if (l->family == family && rf_view_eq(l->name, name))
			return false;
	return true;
}

/* "no ..." takes away what could matter only where the rest of the line is not skipped. */
static bool negated(struct rf_cisco *c, bool interface)
{
	const struct rf_cisco_word *k;
	unsigned n = 0;

	if (!rf_word_is(c->w.v[0], "no") && !rf_word_is(c->w.v[0], "default"))
		return false;
	k = find(c, interface, 1, &n);
	if (!begins_anew(c, k) && (!k || !skipped(k->what)))
		rf_cisco_fail(c, RF_E_UNSUPPORTED,
			      "what a line takes away is only understood where it could not matter");
	return true;
}

/* --- interfaces */

static void interface_head(struct rf_cisco *c)
{
	struct rf_view first = rf_words_peek(&c->w), whole = first;
	char name[128];

	if (!first.n) {
		refuse(c, NULL);
		return;
	}
	const struct rf_view *last = &c->w.v[c->w.n - 1];
	whole.n = (size_t)(last->p + last->n - first.p); /* "GigabitEthernet 1/0/1" */
	if (whole.n > 100 || rf_word_is(first, "range") || rf_view_find(whole, ',') < whole.n || c->w.n - c->w.at > 2) {
		rf_cisco_fail(c, RF_E_UNSUPPORTED, "one interface by its name is expected here");
		return;
	}
	if (rf_view_starts_nocase(first, RF_V("tunnel")) || rf_view_starts_nocase(first, RF_V("virtual-template"))) {
		rf_cisco_fail(c, RF_E_UNSUPPORTED,
			      "tunnels are ways past the lists of other interfaces, and not modelled");
		return;
	}
	rf_cisco_interface(whole, name, sizeof name);
	c->interface = rf_arena_cstr(&c->rs->arena, rf_view_str(name));
	if (!c->interface)
		rf_rs_fail(c->rs, RF_E_MALFORMED, c->line, "the name of this interface cannot be kept");
}

/* Behind "ip access-group". */
static void binding(struct rf_cisco *c, uint8_t family)
{
	struct rf_view name = rf_words_take(&c->w);
	bool out = rf_words_skip(&c->w, "out"), in = !out && rf_words_skip(&c->w, "in");

	if (!name.n || (!in && !out) || c->w.at < c->w.n) {
		rf_cisco_fail(c, RF_E_UNSUPPORTED, "a list is bound by its name, \"in\" or \"out\"");
		return;
	}
	if (c->binding_count++ == RF_RS_HOOKS_MAX) {
		rf_cisco_fail(c, RF_E_LIMIT, "more lists are bound than may be");
		return;
	}
	for (const struct rf_cisco_binding *b = c->bindings; b; b = b->next)
		if (b->interface == c->interface || strcmp(b->interface, c->interface) == 0)
			if (b->family == family && b->out == out) {
				rf_cisco_fail(c, RF_E_MALFORMED, "the interface has a list in this direction already");
				return;
			}
	struct rf_cisco_list *l = rf_cisco_list(c, name, family);
	struct rf_cisco_binding *b = rf_cisco_take(c, sizeof *b);
	if (!l || !b)
		return;
	*b = (struct rf_cisco_binding){
		.list = l, .interface = c->interface, .family = family, .out = out, .line = c->line
	};
	*c->bindings_end = b;
	c->bindings_end = &b->next;
}

/* "verify unicast source": a rule of its own before the list, and of its own family. */
static void strict(struct rf_cisco *c, uint8_t family)
{
	char name[200];
	struct rf_rs_chain *chain;
	struct rf_rs_hook *h;
	struct rf_rs_rule *r;

	if (c->w.at < c->w.n) {
		rf_cisco_fail(c, RF_E_UNSUPPORTED, "an exception from checking sources is not understood");
		return;
	}
	snprintf(name, sizeof name, "sources of IPv%u on %s", family, c->interface);
	chain = rf_rs_chain(c->rs, rf_view_str(name));
	h = chain ? rf_rs_hook(c->rs, RF_RS_HOOK_PREROUTING, chain, -1, RF_RS_ACCEPT) : NULL;
	r = h ? rf_rs_rule(c->rs, chain, c->line, c->text) : NULL;
	if (!r)
		return;
	chain->defined = true;
	chain->line = h->line = c->line;
	h->family = r->family = family;
	h->interface = c->interface;
	r->verdict = RF_RS_DROP;
	rf_rs_match_kind(c->rs, r, RF_RS_RPF, true);
}

static void interface_line(struct rf_cisco *c)
{
	unsigned n = 0;
	const struct rf_cisco_word *k;

	if (negated(c, true))
		return;
	k = find(c, true, 0, &n);
	c->w.at = n;
	switch (k ? k->what : RF_CISCO_NOT) {
	case RF_CISCO_SKIP: case RF_CISCO_SKIP_BLOCK:
		return;
	case RF_CISCO_BIND4: case RF_CISCO_BIND6:
		binding(c, k->what == RF_CISCO_BIND4 ? 4 : 6);
		return;
	case RF_CISCO_STRICT4: case RF_CISCO_STRICT6:
		strict(c, k->what == RF_CISCO_STRICT4 ? 4 : 6);
		return;
	default:
		refuse(c, k);
	}
}

/* --- lines */

/* Text up to where its delimiter comes again; EOS: up to the line EOF. */
static void banner(struct rf_cisco *c)
{
	bool eos = c->dialect->lengths;
	struct rf_view line, mark = rf_words_peek(&c->w);
	size_t head = mark.n ? (size_t)(mark.p - c->text.p) : c->text.n;

	c->w.at = c->w.n;
	mark = rf_view_sub(mark, 0, rf_view_starts(mark, RF_V("^")) && mark.n > 1 ? 2 : 1);
	if (!eos && !mark.n) {
		refuse(c, NULL);
		return;
	}
	line = rf_view_from(c->text, head + mark.n);
	do {
		bool ends = eos && rf_word_is(rf_view_trim(line), "EOF");

		for (size_t i = 0; !eos && !ends && i + mark.n <= line.n; i++)
			ends = memcmp(line.p + i, mark.p, mark.n) == 0;
		if (ends)
			return;
		c->line++;
	} while (rf_words_line(&c->rest, &line));
	rf_rs_fail(c->rs, RF_E_MALFORMED, c->line, "a banner does not end");
}

static void top_line(struct rf_cisco *c)
{
	unsigned n = 0;
	const struct rf_cisco_word *k;

	c->section = RF_CISCO_SKIP;
	if (negated(c, false))
		return;
	k = find(c, false, 0, &n);
	c->section = k ? k->what : RF_CISCO_NOT;
	c->w.at = n;
	switch (c->section) {
	case RF_CISCO_SKIP: case RF_CISCO_SKIP_BLOCK:
		return;
	case RF_CISCO_LIST:
		rf_cisco_list_head(c, rf_word_is(c->w.v[0], "ipv6") ? 6 : 4);
		return;
	case RF_CISCO_NUMBERED:
		rf_cisco_list_numbered(c);
		return;
	case RF_CISCO_GROUP:
		rf_cisco_group_head(c);
		return;
	case RF_CISCO_INTERFACE:
		interface_head(c);
		return;
	case RF_CISCO_BANNER:
		banner(c);
		return;
	default:
		refuse(c, k);
	}
}

/* A device reads a line that its section does not know as one of the whole configuration, indented or not. */
static void block_line(struct rf_cisco *c)
{
	unsigned n = 0;
	const struct rf_cisco_word *k = find(c, false, rf_word_is(c->w.v[0], "no") ? 1 : 0, &n);

	if (c->section != RF_CISCO_SKIP_BLOCK)
		rf_cisco_fail(c, RF_E_UNSUPPORTED, "indented under a line that has nothing under it");
	else if (k && !skipped(k->what) && (k->what != RF_CISCO_NOT || k->why))
		rf_cisco_fail(c, RF_E_UNSUPPORTED,
			      "indented under a section that is not read; a device may take it for itself");
}

static void indented_line(struct rf_cisco *c)
{
	switch (c->section) {
	case RF_CISCO_LIST:
		if (rf_word_is(c->w.v[0], "no") || rf_word_is(c->w.v[0], "default"))
			rf_cisco_fail(c, RF_E_UNSUPPORTED, "what a line takes away from a list is not understood");
		else
			rf_cisco_entry(c);
		return;
	case RF_CISCO_GROUP:
		rf_cisco_group_line(c);
		return;
	case RF_CISCO_INTERFACE:
		interface_line(c);
		return;
	default:
		block_line(c);
	}
}

static void one_line(struct rf_cisco *c, struct rf_view line)
{
	bool indented = line.n && (line.p[0] == ' ' || line.p[0] == '\t');

	c->text = rf_view_trim(line);
	if (!c->text.n || c->text.p[0] == '!')
		return;
	if (line.n > RF_WORDS_LINE_MAX) {
		rf_cisco_fail(c, RF_E_LIMIT, "a line is too long");
		return;
	}
	rf_words_split(c->text, &c->w);
	if (!c->w.n)
		return;
	if (c->w.n == 1 && (rf_word_is(c->w.v[0], "exit") || rf_word_is(c->w.v[0], "end"))) {
		if (!indented)
			c->section = RF_CISCO_SKIP;
		return;
	}
	if (indented)
		indented_line(c);
	else
		top_line(c);
}

int rf_cisco_read(struct rf_view bytes, const char *name, const struct rf_cisco_dialect *dialect,
		  struct rf_ruleset *ret_rs, struct rf_diag *diag)
{
	struct rf_cisco c = { .rs = ret_rs, .dialect = dialect, .rest = bytes, .section = RF_CISCO_SKIP };
	struct rf_view line;

	rf_ruleset_init(ret_rs, name, dialect->language);
	ret_rs->spell = rf_cisco_interface;
	c.bindings_end = &c.bindings;
	if (bytes.n > RF_RS_FILE_MAX)
		rf_rs_fail(ret_rs, RF_E_LIMIT, 0, "more than %d MiB", RF_RS_FILE_MAX / 1024 / 1024);
	while (!ret_rs->err && rf_words_line(&c.rest, &line)) {
		c.line++;
		one_line(&c, line);
	}
	if (!ret_rs->err)
		rf_cisco_groups_end(&c);
	if (!ret_rs->err)
		rf_cisco_lists_end(&c);
	int rc = rf_ruleset_check(ret_rs);
	if (rc) {
		if (diag)
			*diag = ret_rs->diag;
		rf_ruleset_fini(ret_rs);
	}
	return rc;
}
