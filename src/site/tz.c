#include "site/tz.h"

#include "base/err.h"
#include "base/reader.h"
#include "site/chars.h"

enum { DAY_S = 86400, HEADER = 44 };

/* When summer time begins or ends, as POSIX writes it. */
struct change {
	enum { MONTH_WEEK_DAY, JULIAN, ZERO_BASED } kind;
	int16_t month, week, day;
	int32_t at_s;        /* after that midnight, may be negative */
};

struct rule {
	int32_t standard_s, summer_s;
	bool has_summer;
	struct change begin, end;
};

struct rf_tz {
	const int64_t *at;   /* transitions, ascending */
	const int32_t *offset; /* from at[i] on */
	size_t n;
	int32_t first;       /* before the first transition */
	bool has_rule;
	struct rule rule;    /* after the last */
};

bool rf_tz_name_ok(struct rf_view text)
{
	if (!text.n || text.n > 63 || (!rf_is_letter(text.p[0]) && text.p[0] != '<'))
		return false;
	for (size_t i = 0; i < text.n; i++)
		if (!rf_is_word(text.p[i]) && !memchr("/_-+,.:<>", text.p[i], 9))
			return false;
	for (size_t i = 1; i < text.n; i++)
		if (text.p[i] == '.' && text.p[i - 1] == '.')
			return false;
	return true;
}

/* --- the rule of POSIX (RFC 9636 3.3 widens its hours) */

static bool take_number(struct rf_view *v, int max, int *ret)
{
	int x = 0;
	size_t i = 0;

	for (; i < v->n && i < 4 && rf_is_digit(v->p[i]); i++)
		x = x * 10 + (v->p[i] - '0');
	if (!i || x > max)
		return false;
	*v = rf_view_from(*v, i);
	*ret = x;
	return true;
}

static bool take(struct rf_view *v, uint8_t c)
{
	if (!v->n || v->p[0] != c)
		return false;
	*v = rf_view_from(*v, 1);
	return true;
}

static bool take_name(struct rf_view *v)
{
	size_t n = 0;

	if (take(v, '<')) {
		n = rf_view_find(*v, '>');
		*v = rf_view_from(*v, n);
		return n >= 1 && take(v, '>');
	}
	while (n < v->n && rf_is_letter(v->p[n]))
		n++;
	*v = rf_view_from(*v, n);
	return n >= 3;
}

static bool take_time(struct rf_view *v, int hours, int32_t *ret_s)
{
	int sign = take(v, '-') ? -1 : 1, h, m = 0, s = 0;

	if (sign > 0)
		take(v, '+');
	if (!take_number(v, hours, &h) || (take(v, ':') && (!take_number(v, 59, &m) ||
							    (take(v, ':') && !take_number(v, 59, &s)))))
		return false;
	*ret_s = sign * (h * 3600 + m * 60 + s);
	return true;
}

static bool take_change(struct rf_view *v, struct change *ret)
{
	struct change c = { .at_s = 2 * 3600 };
	int month, week, day;

	if (!take(v, ','))
		return false;
	if (take(v, 'M')) {
		if (!take_number(v, 12, &month) || !month || !take(v, '.') || !take_number(v, 5, &week) || !week ||
		    !take(v, '.') || !take_number(v, 6, &day))
			return false;
		c.kind = MONTH_WEEK_DAY;
		c.month = (int16_t)month;
		c.week = (int16_t)week;
	} else {
		c.kind = take(v, 'J') ? JULIAN : ZERO_BASED;
		if (!take_number(v, 365, &day) || (c.kind == JULIAN && !day))
			return false;
	}
	c.day = (int16_t)day;
	if (take(v, '/') && !take_time(v, 167, &c.at_s))
		return false;
	*ret = c;
	return true;
}

static bool read_rule(struct rf_view v, struct rule *ret)
{
	struct rule r = { 0 };

	if (!take_name(&v) || !take_time(&v, 24, &r.standard_s))
		return false;
	r.standard_s = -r.standard_s; /* POSIX counts west of Greenwich */
	if (v.n) {
		r.has_summer = true;
		r.summer_s = r.standard_s + 3600;
		if (!take_name(&v))
			return false;
		if (v.n && v.p[0] != ',') {
			if (!take_time(&v, 24, &r.summer_s))
				return false;
			r.summer_s = -r.summer_s;
		}
		if (!take_change(&v, &r.begin) || !take_change(&v, &r.end))
			return false;
	}
	*ret = r;
	return v.n == 0;
}

static bool leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days from 1970-01-01 to the first of January. */
static int64_t year_day(int64_t year)
{
	int64_t y = year - 1;

	return 365 * (year - 1970) + (y / 4 - y / 100 + y / 400) - 477;
}

static int64_t year_of(int64_t day)
{
	int64_t year = 1970 + day / 366;

	while (year_day(year + 1) <= day)
		year++;
	while (year_day(year) > day)
		year--;
	return year;
}

static int weekday_of(int64_t day)
{
	return (int)(((day + 4) % 7 + 7) % 7);
}

static int64_t change_day(const struct change *c, int64_t year)
{
	static const uint16_t first_of[13] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365 };
	int64_t start = year_day(year);

	if (c->kind == ZERO_BASED)
		return start + c->day;
	if (c->kind == JULIAN) /* counts no 29th of February */
		return start + c->day - 1 + (leap(year) && c->day >= 60);
	int64_t first = start + first_of[c->month - 1] + (leap(year) && c->month > 2);
	int64_t next = start + first_of[c->month] + (leap(year) && c->month >= 2);
	int64_t day = first + (c->day - weekday_of(first) + 7) % 7 + 7 * (c->week - 1);

	while (day >= next)
		day -= 7;
	return day;
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static int32_t rule_offset(const struct rule *r, int64_t s)
{
	if (!r->has_summer)
		return r->standard_s;
	int64_t year = year_of(floor_div(s + r->standard_s, DAY_S));
	int64_t begin = change_day(&r->begin, year) * DAY_S + r->begin.at_s - r->standard_s;
	int64_t end = change_day(&r->end, year) * DAY_S + r->end.at_s - r->summer_s;
	bool summer = begin < end ? s >= begin && s < end : s >= begin || s < end;

	return summer ? r->summer_s : r->standard_s;
}

int rf_tz_of_rule(struct rf_arena *arena, struct rf_view rule, const struct rf_tz **ret_tz)
{
	struct rule r;
	struct rf_tz *tz;

	if (!read_rule(rule, &r))
		return RF_E_MALFORMED;
	tz = rf_arena_zalloc(arena, sizeof *tz);
	if (!tz)
		return -ENOMEM;
	tz->rule = r;
	tz->has_rule = true;
	*ret_tz = tz;
	return 0;
}

/* --- files */

struct counts {
	uint32_t isut, isstd, leap, time, type, chars;
};

static uint64_t be(struct rf_reader *r, unsigned n)
{
	uint64_t x = 0;

	while (n--)
		x = x << 8 | rf_take_u8(r);
	return x;
}

static bool read_header(struct rf_reader *r, struct counts *c)
{
	struct rf_view magic = rf_take(r, 4);

	if (!rf_view_eq(magic, RF_V("TZif")) || rf_take_u8(r) < '2')
		return false;
	rf_take(r, 15);
	c->isut = (uint32_t)be(r, 4);
	c->isstd = (uint32_t)be(r, 4);
	c->leap = (uint32_t)be(r, 4);
	c->time = (uint32_t)be(r, 4);
	c->type = (uint32_t)be(r, 4);
	c->chars = (uint32_t)be(r, 4);
	return !r->err && c->isut <= 256 && c->isstd <= 256 && c->leap <= 4096 && c->time <= RF_TZ_TRANSITIONS_MAX &&
	       c->type >= 1 && c->type <= 256 && c->chars <= 4096;
}

static size_t block_size(const struct counts *c, size_t time_size)
{
	return c->time * (time_size + 1) + c->type * 6 + c->chars + c->leap * (time_size + 4) + c->isstd + c->isut;
}

/* The second block of the file, of 64 bits. */
static int read_block(struct rf_arena *arena, struct rf_reader *r, const struct counts *c, struct rf_tz *tz)
{
	int64_t *at = rf_arena_array(arena, c->time, sizeof *at);
	int32_t *offset = rf_arena_array(arena, c->time, sizeof *offset), types[256];

	if (!at || !offset)
		return -ENOMEM;
	for (uint32_t i = 0; i < c->time; i++)
		at[i] = (int64_t)be(r, 8);
	struct rf_view index = rf_take(r, c->time);

	for (uint32_t i = 0; i < c->type; i++) {
		types[i] = (int32_t)(uint32_t)be(r, 4);
		be(r, 2);
	}
	rf_take(r, c->chars + c->leap * 12 + c->isstd + c->isut);
	if (r->err)
		return RF_E_MALFORMED;
	for (uint32_t i = 0; i < c->time; i++) {
		if (index.p[i] >= c->type || (i && at[i] <= at[i - 1]))
			return RF_E_MALFORMED;
		offset[i] = types[index.p[i]];
	}
	for (uint32_t i = 0; i < c->type; i++)
		if (types[i] > 26 * 3600 || types[i] < -26 * 3600)
			return RF_E_MALFORMED;
	tz->at = at;
	tz->offset = offset;
	tz->n = c->time;
	tz->first = types[0];
	return 0;
}

int rf_tz_of_file(struct rf_arena *arena, struct rf_view bytes, const struct rf_tz **ret_tz)
{
	struct rf_reader r = rf_reader_of(bytes);
	struct counts c;
	struct rf_tz *tz;

	if (bytes.n > RF_TZ_FILE_MAX)
		return RF_E_LIMIT;
	if (!read_header(&r, &c))
		return RF_E_MALFORMED;
	rf_take(&r, block_size(&c, 4));
	if (r.err || !read_header(&r, &c))
		return RF_E_MALFORMED;
	tz = rf_arena_zalloc(arena, sizeof *tz);
	if (!tz)
		return -ENOMEM;
	int rc = read_block(arena, &r, &c, tz);
	if (rc)
		return rc;
	if (rf_take_u8(&r) != '\n')
		return RF_E_MALFORMED;
	struct rf_view rule = rf_take(&r, rf_view_find(rf_view_of(r.p, rf_left(&r)), '\n'));

	if (rf_take_u8(&r) != '\n' || (rule.n && !read_rule(rule, &tz->rule)))
		return RF_E_MALFORMED;
	tz->has_rule = rule.n > 0;
	*ret_tz = tz;
	return 0;
}

/* --- the question */

static int32_t offset_at(const struct rf_tz *tz, int64_t s)
{
	size_t low = 0, high;

	if (!tz)
		return 0;
	if (tz->has_rule && (!tz->n || s >= tz->at[tz->n - 1]))
		return rule_offset(&tz->rule, s);
	for (high = tz->n; low < high;) {
		size_t mid = low + (high - low) / 2;

		if (tz->at[mid] <= s)
			low = mid + 1;
		else
			high = mid;
	}
	return low ? tz->offset[low - 1] : tz->first;
}

struct rf_local rf_tz_local(const struct rf_tz *tz, int64_t seconds)
{
	enum { FAR = 4000000 }; /* days: no date that a clock shows, and nothing overflows */
	int64_t s = seconds > (int64_t)FAR * DAY_S ? (int64_t)FAR * DAY_S : seconds < 0 ? 0 : seconds;
	int32_t offset = offset_at(tz, s);
	int64_t local = s + offset, day = floor_div(local, DAY_S);

	return (struct rf_local){ day, (uint16_t)((local - day * DAY_S) / 60), (uint8_t)weekday_of(day), offset };
}

int64_t rf_tz_utc(const struct rf_tz *tz, int64_t local_s)
{
	int64_t s = local_s - offset_at(tz, local_s);

	return local_s - offset_at(tz, s);
}
