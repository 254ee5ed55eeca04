#include "sip/date.h"

#include "base/reader.h"

static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

/* Days from 1970-01-01 to a date of the Gregorian calendar, years counted from March so that a leap day comes last. */
static int64_t days_to(int64_t year, int64_t month, int64_t day)
{
	year -= month <= 2;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return year * 365 + year / 4 - year / 100 + year / 400 + of_year - 719468;
}

static int name_in(const char *names, size_t n, struct rf_view v)
{
	for (size_t i = 0; i < n; i++)
		if (v.n == 3 && memcmp(v.p, names + 3 * i, 3) == 0)
			return (int)i;
	return -1;
}

static int number(struct rf_reader *r, size_t digits, uint64_t low, uint64_t high)
{
	uint64_t x = 0;

	if (!rf_view_u64(rf_take(r, digits), high, &x) || x < low)
		r->err = RF_E_MALFORMED;
	return (int)x;
}

static void expect(struct rf_reader *r, struct rf_view lit)
{
	if (!rf_view_eq(rf_take(r, lit.n), lit))
		r->err = RF_E_MALFORMED;
}

int rf_sip_date_parse(struct rf_view v, int64_t *ret_s)
{
	struct rf_reader r = rf_reader_of(v);

	if (name_in(days, 7, rf_take(&r, 3)) < 0)
		return RF_E_MALFORMED;
	expect(&r, RF_V(", "));
	int day = number(&r, 2, 1, 31);
	expect(&r, RF_V(" "));
	int month = name_in(months, 12, rf_take(&r, 3)) + 1;
	expect(&r, RF_V(" "));
	int year = number(&r, 4, 1970, 9999);
	expect(&r, RF_V(" "));
	int hour = number(&r, 2, 0, 23);
	expect(&r, RF_V(":"));
	int minute = number(&r, 2, 0, 59);
	expect(&r, RF_V(":"));
	int second = number(&r, 2, 0, 60);
	expect(&r, RF_V(" GMT"));
	if (rf_reader_end(&r) || month < 1)
		return RF_E_MALFORMED;
	*ret_s = days_to(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
	return 0;
}

static void two(struct rf_writer *w, int x)
{
	rf_put_byte(w, (uint8_t)('0' + x / 10));
	rf_put_byte(w, (uint8_t)('0' + x % 10));
}

void rf_sip_put_date(struct rf_writer *w, int64_t s)
{
	if (s < 0 || s > 253402300799) {
		w->err = w->err ? w->err : RF_E_INVALID;
		return;
	}
	int64_t day = s / 86400, year = day / 366 + 1970;
	int month = 12, of_day = (int)(s % 86400);

	while (days_to(year + 1, 1, 1) <= day)
		year++;
	while (days_to(year, month, 1) > day)
		month--;
	rf_put(w, rf_view_of(days + 3 * ((day + 4) % 7), 3)); /* 1970 began on a Thursday */
	rf_put_lit(w, ", ");
	two(w, (int)(day - days_to(year, month, 1)) + 1);
	rf_put_byte(w, ' ');
	rf_put(w, rf_view_of(months + 3 * (month - 1), 3));
	rf_put_byte(w, ' ');
	two(w, (int)(year / 100));
	two(w, (int)(year % 100));
	rf_put_byte(w, ' ');
	two(w, of_day / 3600);
	rf_put_byte(w, ':');
	two(w, of_day / 60 % 60);
	rf_put_byte(w, ':');
	two(w, of_day % 60);
	rf_put_lit(w, " GMT");
}
