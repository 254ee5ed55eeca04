#include "ledger/reader.h"

#include <time.h>

static bool age(struct rf_view v, struct rf_wall now, struct rf_wall *ret)
{
	static const struct { uint8_t unit; int64_t seconds; } units[] = {
		{ 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 7 * 86400 },
	};
	uint64_t x;

	if (v.n < 2 || !rf_view_u64(rf_view_sub(v, 0, v.n - 1), 1000000, &x))
		return false;
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (units[i].unit == v.p[v.n - 1]) {
			ret->us = now.us - (int64_t)x * units[i].seconds * 1000000;
			return true;
		}
	return false;
}

/* Is text of the form: 0 stands for a digit. */
static bool of_form(struct rf_view v, struct rf_view form)
{
	if (v.n != form.n)
		return false;
	for (size_t i = 0; i < v.n; i++)
		if (form.p[i] == '0' ? (uint8_t)(v.p[i] - '0') >= 10 : v.p[i] != form.p[i])
			return false;
	return true;
}

int rf_ledger_when(struct rf_view text, struct rf_wall now, char dst[static RF_WALL_TEXT])
{
	static const char least[] = "0000-00-00T00:00:00.000Z";
	static const struct { struct rf_view form; size_t keep; } forms[] = {
		{ { (const uint8_t *)"0000-00-00", 10 }, 10 },
		{ { (const uint8_t *)"0000-00-00T00:00", 16 }, 16 },
		{ { (const uint8_t *)"0000-00-00T00:00Z", 17 }, 16 },
		{ { (const uint8_t *)"0000-00-00T00:00:00", 19 }, 19 },
		{ { (const uint8_t *)"0000-00-00T00:00:00Z", 20 }, 19 },
		{ { (const uint8_t *)"0000-00-00T00:00:00.000Z", 24 }, 24 },
	};
	struct rf_wall t;

	if (age(text, now, &t)) {
		rf_wall_text(t, dst);
		return 0;
	}
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
		if (of_form(text, forms[i].form)) {
			memcpy(dst, least, RF_WALL_TEXT);
			memcpy(dst, text.p, forms[i].keep);
			return 0;
		}
	return RF_E_INVALID;
}
