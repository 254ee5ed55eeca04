#include "ledger/ledger_int.h"

static bool take_lit(struct rf_view *v, struct rf_view lit)
{
	if (!rf_view_starts(*v, lit))
		return false;
	*v = rf_view_from(*v, lit.n);
	return true;
}

static bool is_hex(struct rf_view v)
{
	for (size_t i = 0; i < v.n; i++)
		if (!((uint8_t)(v.p[i] - '0') < 10 || (uint8_t)(v.p[i] - 'a') < 6))
			return false;
	return true;
}

static bool is_time(struct rf_view v)
{
	static const char form[] = "0000-00-00T00:00:00.000Z";

	if (v.n != sizeof form - 1)
		return false;
	for (size_t i = 0; i < v.n; i++)
		if (form[i] == '0' ? (uint8_t)(v.p[i] - '0') >= 10 : v.p[i] != (uint8_t)form[i])
			return false;
	return true;
}

/* Both ends of the line are of fixed form; what lies between them is for a JSON parser. */
int rf_ledger_line_parse(struct rf_view text, struct rf_ledger_line *ret_line)
{
	const size_t hash_n = RF_HASH_TEXT - 1;
	const size_t prev_end = 9 + hash_n + 1, tail = 9 + hash_n + 2; /* ,"prev":"..." and ,"hash":"..."} */
	struct rf_ledger_line l = { .text = text };
	struct rf_view v = text, end;
	size_t n;

	if (text.n < prev_end + tail || !take_lit(&v, RF_V("{\"seq\":")))
		return RF_E_CORRUPT;
	n = rf_view_find(v, ',');
	if (!rf_view_u64(rf_view_sub(v, 0, n), INT64_MAX, &l.seq) || l.seq == 0 || v.p[0] == '0')
		return RF_E_CORRUPT;
	v = rf_view_from(v, n);
	if (!take_lit(&v, RF_V(",\"time\":\"")))
		return RF_E_CORRUPT;
	l.time = rf_view_sub(v, 0, RF_WALL_TEXT - 1);
	v = rf_view_from(v, RF_WALL_TEXT - 1);
	if (!is_time(l.time) || !take_lit(&v, RF_V("\",\"kind\":\"")))
		return RF_E_CORRUPT;
	l.kind = rf_view_sub(v, 0, rf_view_find(v, '"'));
	v = rf_view_from(v, l.kind.n + 1);
	if (l.kind.n == 0 || v.n < prev_end + tail)
		return RF_E_CORRUPT;
	l.body = rf_view_sub(v, 0, v.n - prev_end - tail);
	l.hashed = rf_view_sub(text, 0, text.n - tail);
	end = rf_view_from(v, l.body.n);
	if (!take_lit(&end, RF_V(",\"prev\":\"")))
		return RF_E_CORRUPT;
	l.prev = rf_view_sub(end, 0, hash_n);
	end = rf_view_from(end, hash_n);
	if (!take_lit(&end, RF_V("\",\"hash\":\"")))
		return RF_E_CORRUPT;
	l.hash = rf_view_sub(end, 0, hash_n);
	if (!rf_view_eq(rf_view_from(end, hash_n), RF_V("\"}")) || !is_hex(l.prev) || !is_hex(l.hash))
		return RF_E_CORRUPT;
	*ret_line = l;
	return 0;
}
