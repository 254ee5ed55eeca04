/* Flags of TCP: sets of their values, and the expressions that Junos writes them in. */
#include "prove/words.h"

void rf_flags_with(struct rf_flag_set *f, uint8_t value, uint8_t mask)
{
	for (unsigned i = 0; i < 256; i++)
		if ((i & mask) == value)
			f->bits[i / 8] |= (uint8_t)(1 << i % 8);
}

static bool has(const struct rf_flag_set *f, unsigned i)
{
	return f->bits[i / 8] >> i % 8 & 1;
}

bool rf_flag_named(struct rf_view word, uint8_t *ret_bit)
{
	static const struct rf_word_number names[] = {
		{ "fin", 1, 0 }, { "syn", 2, 0 }, { "rst", 4, 0 }, { "psh", 8, 0 }, { "push", 8, 0 }, { "ack", 16, 0 },
		{ "urg", 32, 0 }, { "urgent", 32, 0 }, { NULL, 0, 0 },
	};
	uint32_t n;

	for (size_t i = 0; i < word.n; i++)
		if (rf_lower(word.p[i]) < 'a' || rf_lower(word.p[i]) > 'z')
			return false;
	if (!rf_word_number(names, word, 0, &n, NULL))
		return false;
	*ret_bit = (uint8_t)n;
	return true;
}

/* expression := term { "|" term };  term := factor { "&" factor };  factor := [ "!" ] ( "(" expression ")" | name | 0x.. ) */
struct flag_reader {
	struct rf_view rest;
	unsigned depth;
	bool bad;
};

static void expression(struct flag_reader *f, struct rf_flag_set *ret);

static uint8_t next(struct flag_reader *f)
{
	f->rest = rf_view_trim(f->rest);
	return f->rest.n ? f->rest.p[0] : 0;
}

static bool letter(uint8_t c)
{
	uint8_t l = rf_lower(c);

	return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9');
}

static bool hexadecimal(struct rf_view v, uint8_t *ret)
{
	unsigned n = 0;

	if (v.n < 3 || v.n > 4 || !rf_view_starts_nocase(v, RF_V("0x")))
		return false;
	for (size_t i = 2; i < v.n; i++) {
		uint8_t c = rf_lower(v.p[i]);

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
			return false;
		n = n * 16 + (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	*ret = (uint8_t)n;
	return true;
}

static void named(struct flag_reader *f, struct rf_flag_set *ret)
{
	size_t n = 0;
	uint8_t bit = 0;

	while (n < f->rest.n && letter(f->rest.p[n]))
		n++;
	struct rf_view word = rf_view_sub(f->rest, 0, n);
	f->rest = rf_view_from(f->rest, n);
	if (!n || (!rf_flag_named(word, &bit) && !hexadecimal(word, &bit)) || !bit)
		f->bad = true;
	else
		rf_flags_with(ret, bit, bit);
}

static void factor(struct flag_reader *f, struct rf_flag_set *ret)
{
	bool negate = false;

	*ret = (struct rf_flag_set){ { 0 } };
	for (; next(f) == '!'; f->rest = rf_view_from(f->rest, 1))
		negate = !negate;
	if (next(f) == '(' && ++f->depth < RF_WORDS_NEST_MAX) {
		f->rest = rf_view_from(f->rest, 1);
		expression(f, ret);
		f->bad |= next(f) != ')';
		f->rest = rf_view_from(f->rest, 1);
		f->depth--;
	} else {
		named(f, ret);
	}
	for (unsigned i = 0; negate && i < sizeof ret->bits; i++)
		ret->bits[i] = (uint8_t)~ret->bits[i];
}

static void term(struct flag_reader *f, struct rf_flag_set *ret)
{
	struct rf_flag_set more;

	factor(f, ret);
	while (!f->bad && next(f) == '&') {
		f->rest = rf_view_from(f->rest, 1);
		factor(f, &more);
		for (unsigned i = 0; i < sizeof ret->bits; i++)
			ret->bits[i] &= more.bits[i];
	}
}

static void expression(struct flag_reader *f, struct rf_flag_set *ret)
{
	struct rf_flag_set more;

	term(f, ret);
	while (!f->bad && next(f) == '|') {
		f->rest = rf_view_from(f->rest, 1);
		term(f, &more);
		for (unsigned i = 0; i < sizeof ret->bits; i++)
			ret->bits[i] |= more.bits[i];
	}
}

int rf_flags_parse(struct rf_view text, struct rf_flag_set *ret_f)
{
	struct flag_reader f = { .rest = text };
	struct rf_flag_set set;

	expression(&f, &set);
	if (f.bad || next(&f))
		return RF_E_MALFORMED;
	*ret_f = set;
	return 0;
}

void rf_flags_match(struct rf_ruleset *rs, struct rf_rs_rule *r, const struct rf_flag_set *f)
{
	struct rf_rs_set *set = rf_rs_set(rs, (struct rf_view){ 0 }, 1);
	uint8_t field = RF_RS_TCP_FLAGS;

	for (unsigned lo = 0, hi; set && lo < 256; lo = hi + 1) {
		for (hi = lo; hi < 255 && has(f, hi + 1) == has(f, lo); hi++)
			;
		struct rf_rs_cell c = rf_rs_num(lo, hi);
		if (has(f, lo))
			rf_rs_row(rs, set, &c);
	}
	if (set && r)
		rf_rs_match_set(rs, r, set, &field, 1, false);
}
