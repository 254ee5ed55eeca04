/* A term: what a packet must be (`from`), and what becomes of it (`then`). */
#include "prove/junos_int.h"

/* --- numbers */

struct numbers {
	const char *word;            /* with "-except": none of them */
	enum rf_junos_numbers what;
	uint32_t max;
	const struct rf_word_number *names, *names6;
};

static const struct numbers numbers[] = {
	{ "protocol", RF_J_PROTO, 255, rf_junos_protocols, NULL },
	{ "next-header", RF_J_PROTO, 255, NULL, rf_junos_protocols },
	{ "payload-protocol", RF_J_PROTO, 255, NULL, rf_junos_protocols },
	{ "source-port", RF_J_SPORT, 65535, rf_junos_ports, rf_junos_ports },
	{ "destination-port", RF_J_DPORT, 65535, rf_junos_ports, rf_junos_ports },
	{ "port", RF_J_PORT, 65535, rf_junos_ports, rf_junos_ports },
	{ "icmp-type", RF_J_TYPE, 255, rf_junos_icmp, rf_junos_icmp6 },
	{ "icmp-code", RF_J_CODE, 255, rf_junos_ports, rf_junos_ports },
	{ "dscp", RF_J_DSCP, 63, rf_words_dscp, NULL },
	{ "traffic-class", RF_J_DSCP, 63, NULL, rf_words_dscp },
};

/* "80", "http", "1024-65535". */
static bool range(const struct rf_word_number *names, struct rf_view v, uint32_t max, struct rf_rs_cell *ret)
{
	size_t dash = rf_view_find(v, '-');
	uint32_t lo, hi;

	if (rf_word_number(names, v, max, &lo, NULL)) {
		*ret = rf_rs_num(lo, lo);
		return true;
	}
	if (dash == v.n || !rf_word_number(names, rf_view_sub(v, 0, dash), max, &lo, NULL)
	    || !rf_word_number(names, rf_view_from(v, dash + 1), max, &hi, NULL) || hi < lo)
		return false;
	*ret = rf_rs_num(lo, hi);
	return true;
}

static void add_number(struct rf_junos *j, struct rf_junos_term *t, const struct numbers *n, bool except)
{
	const struct rf_word_number *names = j->filter->family == 6 ? n->names6 : n->names;
	struct rf_rs_set **set = except ? &t->no[n->what] : &t->yes[n->what];
	struct rf_rs_cell c, row[2] = { { .kind = RF_RS_ANY }, { .kind = RF_RS_ANY } };

	if (n->what == RF_J_CODE)
		names = NULL; /* their names mean one number or another by the type */
	if (!range(names, rf_words_take(&j->w), n->max, &c)) {
		rf_junos_fail(j, RF_E_UNSUPPORTED, "its value is not understood");
		return;
	}
	if (!*set)
		*set = rf_rs_set(j->rs, (struct rf_view){ 0 }, n->what == RF_J_PORT ? 2 : 1);
	if (!*set)
		return;
	row[0] = c;
	rf_rs_row(j->rs, *set, row);
	if (n->what == RF_J_PORT) { /* one of the two */
		row[1] = c;
		row[0] = (struct rf_rs_cell){ .kind = RF_RS_ANY };
		rf_rs_row(j->rs, *set, row);
	}
}

static bool number(struct rf_junos *j, struct rf_junos_term *t, struct rf_view word)
{
	bool except = rf_view_ends(word, RF_V("-except"));
	struct rf_view bare = rf_view_sub(word, 0, word.n - (except ? 7 : 0));

	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		if (rf_word_is(bare, numbers[i].word) && (numbers[i].names || j->filter->family == 6)
		    && (numbers[i].names6 || j->filter->family == 4)) {
			add_number(j, t, &numbers[i], except);
			return true;
		}
	return false;
}

/* --- addresses */

struct rf_junos_prefix *rf_junos_prefix(struct rf_junos *j, uint8_t family)
{
	struct rf_view word = rf_words_take(&j->w);
	struct rf_junos_prefix *p = rf_junos_take(j, sizeof *p);

	if (!p)
		return NULL;
	if (rf_view_find(word, '-') < word.n || !rf_rs_address(word, &p->cell) ||
	    (family && p->cell.family != family)) {
		rf_junos_fail(j, RF_E_MALFORMED, "an address of this family is expected here");
		return NULL;
	}
	p->line = j->line;
	p->except = rf_words_skip(&j->w, "except");
	return p;
}

static bool address(struct rf_junos *j, struct rf_junos_term *t, struct rf_view word)
{
	static const struct { const char *one, *list; } words[RF_J_ENDS] = {
		[RF_J_SRC] = { "source-address", "source-prefix-list" },
		[RF_J_DST] = { "destination-address", "destination-prefix-list" },
		[RF_J_EITHER] = { "address", "prefix-list" },
	};

	for (unsigned i = 0; i < RF_J_ENDS; i++) {
		struct rf_junos_prefix *p = NULL;

		if (rf_word_is(word, words[i].one)) {
			p = rf_junos_prefix(j, j->filter->family);
		} else if (rf_word_is(word, words[i].list)) {
			p = rf_junos_take(j, sizeof *p);
			if (p) {
				p->list = rf_words_take(&j->w);
				p->line = j->line;
				p->except = rf_words_skip(&j->w, "except");
			}
		} else {
			continue;
		}
		if (p) {
			p->next = t->ends[i];
			t->ends[i] = p;
		}
		return true;
	}
	return false;
}

/* --- from */

static void flags(struct rf_junos *j, struct rf_junos_term *t, struct rf_view word)
{
	struct rf_view text = rf_word_is(word, "tcp-established") ? RF_V("(ack | rst)")
			    : rf_word_is(word, "tcp-initial") ? RF_V("(!ack & syn)") : rf_words_take(&j->w);

	if (t->flagged || rf_flags_parse(text, &t->flags))
		rf_junos_fail(j, RF_E_UNSUPPORTED, "flags of TCP are given once, as an expression");
	t->flagged = true;
}

void rf_junos_from(struct rf_junos *j, struct rf_junos_term *t)
{
	struct rf_view word = rf_words_take(&j->w);

	if (!word.n)
		return;
	if (rf_word_is(word, "tcp-established") || rf_word_is(word, "tcp-initial") || rf_word_is(word, "tcp-flags"))
		flags(j, t, word);
	else if (rf_word_is(word, "is-fragment"))
		t->fragment = true;
	else if (rf_word_is(word, "first-fragment"))
		t->first_fragment = true;
	else if (!number(j, t, word) && !address(j, t, word))
		rf_junos_fail(j, RF_E_UNSUPPORTED, "this condition is not understood");
	if (j->w.at < j->w.n)
		rf_junos_fail(j, RF_E_UNSUPPORTED, "what follows this condition is not understood");
}

/* --- then */

static void verdict(struct rf_junos *j, struct rf_junos_term *t, int then)
{
	if (t->then != RF_J_NOTHING && (int)t->then != then)
		rf_junos_fail(j, RF_E_MALFORMED, "a term has one of accept, discard, reject and next term");
	t->then = then;
}

static void policer(struct rf_junos *j, struct rf_junos_term *t)
{
	struct rf_junos_policer *p = rf_junos_take(j, sizeof *p);

	if (!p)
		return;
	p->name = rf_words_take(&j->w);
	p->next = t->policers;
	t->policers = p;
}

void rf_junos_then(struct rf_junos *j, struct rf_junos_term *t)
{
	static const char *const harmless[] = { "count", "forwarding-class", "loss-priority" };
	struct rf_view word = rf_words_take(&j->w);

	if (rf_word_is(word, "accept"))
		verdict(j, t, RF_J_ACCEPT);
	else if (rf_word_is(word, "discard"))
		verdict(j, t, RF_J_DROP);
	else if (rf_word_is(word, "reject")) {
		verdict(j, t, RF_J_DROP);
		rf_words_take(&j->w); /* how the sender is told */
	} else if (rf_word_is(word, "next") && rf_words_skip(&j->w, "term"))
		verdict(j, t, RF_J_NEXT);
	else if (rf_word_is(word, "policer"))
		policer(j, t);
	else if ((rf_word_is(word, "dscp") || rf_word_is(word, "traffic-class"))
		 && rf_word_number(rf_words_dscp, rf_words_take(&j->w), 63, &t->dscp, NULL))
		t->dscp_set = true;
	else if (!rf_word_is(word, "log") && !rf_word_is(word, "syslog") && !rf_word_is(word, "sample") && word.n) {
		bool known = false;

		for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
			known |= rf_word_is(word, harmless[i]) && rf_words_take(&j->w).n;
		if (!known)
			rf_junos_fail(j, RF_E_UNSUPPORTED, "this action is not understood");
	}
	if (j->w.at < j->w.n)
		rf_junos_fail(j, RF_E_UNSUPPORTED, "what follows this action is not understood");
}
