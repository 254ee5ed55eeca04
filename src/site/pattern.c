#include "site/pattern.h"

#include "base/err.h"
#include "base/writer.h"
#include "site/chars.h"

/* One element of a pattern. */
struct element {
	enum { END, ITSELF, ONE_OF, REST, BAD } kind;
	uint8_t c;
	uint16_t set; /* bits: the digits of ONE_OF */
};

static struct element read_set(struct rf_view p, size_t *at)
{
	struct element e = { .kind = ONE_OF };
	size_t i = *at + 1;

	for (; i < p.n && p.p[i] != ']'; i++) {
		uint8_t from = p.p[i], to = from;

		if (i + 2 < p.n && p.p[i + 1] == '-') {
			to = p.p[i + 2];
			i += 2;
		}
		if (!rf_is_digit(from) || !rf_is_digit(to) || from > to)
			return (struct element){ .kind = BAD };
		for (uint8_t d = from; d <= to; d++)
			e.set |= (uint16_t)(1u << (d - '0'));
	}
	if (i >= p.n || !e.set)
		return (struct element){ .kind = BAD };
	*at = i + 1;
	return e;
}

static struct element next(struct rf_view p, size_t *at)
{
	size_t i = *at;

	if (i >= p.n)
		return (struct element){ .kind = END };
	uint8_t c = p.p[i];

	if (c == '[')
		return read_set(p, at);
	*at = i + 1;
	if (c == 'x' || c == 'X')
		return (struct element){ .kind = ONE_OF, .set = 0x3ff };
	if (c == '*' && i > 0 && i + 1 == p.n)
		return (struct element){ .kind = REST };
	if (rf_is_digit(c) || c == '#' || (i == 0 && (c == '+' || (c == '*' && p.n > 1))))
		return (struct element){ .kind = ITSELF, .c = c };
	return (struct element){ .kind = BAD };
}

bool rf_pattern_ok(struct rf_view pattern)
{
	struct element e;
	size_t at = 0;

	do
		e = next(pattern, &at);
	while (e.kind != END && e.kind != BAD);
	return e.kind == END && pattern.n && pattern.n <= 64;
}

static bool is_digits(struct rf_view v)
{
	for (size_t i = 0; i < v.n; i++)
		if (!rf_is_digit(v.p[i]))
			return false;
	return true;
}

bool rf_pattern_match(struct rf_view pattern, struct rf_view number)
{
	size_t at = 0, i = 0;

	for (;; i++) {
		struct element e = next(pattern, &at);

		if (e.kind == END)
			return i == number.n && number.n > 0;
		if (e.kind == REST)
			return is_digits(rf_view_from(number, i));
		if (e.kind == BAD || i >= number.n)
			return false;
		uint8_t c = number.p[i];
		if (e.kind == ITSELF ? c != e.c : !rf_is_digit(c) || !(e.set & 1u << (c - '0')))
			return false;
	}
}

/* The x of a template, and whether it ends with *. */
static bool count_to(struct rf_view to, size_t *ret_x, bool *ret_rest)
{
	*ret_x = 0;
	*ret_rest = false;
	for (size_t i = 0; i < to.n; i++) {
		uint8_t c = to.p[i];

		if (c == 'x' || c == 'X')
			++*ret_x;
		else if (c == '*' && i + 1 == to.n)
			*ret_rest = true;
		else if (!rf_is_digit(c) && !(c == '+' && i == 0))
			return false;
	}
	return to.n > 0 && !(to.n == 1 && to.p[0] == '+');
}

bool rf_pattern_to_ok(struct rf_view pattern, struct rf_view to)
{
	size_t sets = 0, wanted, at = 0;
	bool rest = false, wants_rest;
	struct element e;

	while ((e = next(pattern, &at)).kind != END && e.kind != BAD) {
		sets += e.kind == ONE_OF;
		rest |= e.kind == REST;
	}
	return e.kind == END && count_to(to, &wanted, &wants_rest) && wanted <= sets && (rest || !wants_rest);
}

int rf_pattern_apply(struct rf_view pattern, struct rf_view to, struct rf_view number, uint8_t *buf, size_t cap,
		     struct rf_view *ret_number)
{
	uint8_t digit[64];
	size_t digits = 0, at = 0, i = 0, wanted;
	bool wants_rest;
	struct element e;
	struct rf_writer w;

	if (!rf_pattern_match(pattern, number) || !count_to(to, &wanted, &wants_rest))
		return RF_E_NOT_FOUND;
	for (; (e = next(pattern, &at)).kind == ITSELF || e.kind == ONE_OF; i++)
		if (e.kind == ONE_OF && digits < sizeof digit)
			digit[digits++] = number.p[i];
	if (wanted > digits)
		return RF_E_NOT_FOUND;
	size_t next_digit = digits - wanted;

	rf_writer_init(&w, buf, cap);
	for (size_t j = 0; j < to.n; j++) {
		if (to.p[j] == 'x' || to.p[j] == 'X')
			rf_put_byte(&w, digit[next_digit++]);
		else if (to.p[j] == '*')
			rf_put(&w, rf_view_from(number, i));
		else
			rf_put_byte(&w, to.p[j]);
	}
	return rf_writer_done(&w, ret_number) ? RF_E_LIMIT : 0;
}
