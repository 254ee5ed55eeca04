/* Values that only calls need: patterns, codes, hours, ranges. */
#include "site/chars.h"
#include "site/pattern.h"
#include "site/precedence.h"
#include "site/schema.h"
#include "site/tz.h"

static void put_text(const struct rf_value *v, bool ok, const char *mend)
{
	if (ok)
		*(struct rf_view *)(void *)(v->dst + v->key->at) = v->text;
	else
		rf_value_bad(v, mend);
}

static bool is_digits(struct rf_view v, const char *more)
{
	for (size_t i = 0; i < v.n; i++)
		if (!rf_is_digit(v.p[i]) && !strchr(more, v.p[i]))
			return false;
	return v.n > 0 && v.n <= RF_SITE_NUMBER_MAX;
}

static void put_or_none(const struct rf_value *v, bool ok, const char *mend)
{
	struct rf_value none = *v;

	if (!rf_view_eq(v->text, RF_V("none"))) {
		put_text(v, ok, mend);
		return;
	}
	none.text = RF_V("");
	put_text(&none, true, mend);
}

static bool is_template(struct rf_view v)
{
	for (size_t i = 0; i < v.n; i++)
		if (!rf_is_digit(v.p[i]) && rf_lower(v.p[i]) != 'x' && !(i == 0 && v.p[i] == '+') &&
		    !(i + 1 == v.n && v.p[i] == '*'))
			return false;
	return v.n > 0 && v.n <= RF_SITE_PATTERN_MAX;
}

/* --- hours: "mon-fri 08:00-18:00", "sat,sun 10:00-12:00", "holiday 00:00-24:00", "08:00-18:00", "mon-fri" */

static bool read_clock(struct rf_view v, uint16_t *ret_min)
{
	uint64_t hour, min;

	if (v.n != 5 || v.p[2] != ':' || !rf_view_u64(rf_view_sub(v, 0, 2), 24, &hour) ||
	    !rf_view_u64(rf_view_sub(v, 3, 2), 59, &min) || (hour == 24 && min))
		return false;
	*ret_min = (uint16_t)(hour * 60 + min);
	return true;
}

static bool read_span(struct rf_view v, struct rf_site_time *t)
{
	return v.n == 11 && v.p[5] == '-' && read_clock(rf_view_sub(v, 0, 5), &t->from_min) &&
	       read_clock(rf_view_from(v, 6), &t->to_min) && t->from_min != t->to_min && t->from_min < 24 * 60;
}

static int day_of(struct rf_view v)
{
	static const char *const days[] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat", "holiday" };

	for (int i = 0; i < 8; i++)
		if (rf_view_eq_nocase(v, rf_view_str(days[i])))
			return i;
	return -1;
}

static bool read_days(struct rf_view v, uint8_t *ret_days)
{
	*ret_days = 0;
	while (v.n) {
		size_t n = rf_view_find(v, ',');
		struct rf_view part = rf_view_sub(v, 0, n);
		size_t dash = rf_view_find(part, '-');
		int from = day_of(rf_view_sub(part, 0, dash));
		int to = dash < part.n ? day_of(rf_view_from(part, dash + 1)) : from;

		if (from < 0 || to < 0 || (from != to && (from == 7 || to == 7)))
			return false;
		for (int d = from;; d = (d + 1) % 7) {
			*ret_days |= (uint8_t)(1u << d);
			if (d == to)
				break;
		}
		v = rf_view_from(v, n + 1);
	}
	return *ret_days != 0;
}

static void put_time(const struct rf_value *v)
{
	struct rf_site_time t = { .days = RF_DAYS_ALL, .to_min = 24 * 60 };
	size_t n = rf_view_find(v->text, ' ');
	struct rf_view first = rf_view_sub(v->text, 0, n), second = rf_view_trim(rf_view_from(v->text, n));
	bool ok = second.n ? read_days(first, &t.days) && read_span(second, &t) :
			     read_span(first, &t) || read_days(first, &t.days);

	if (ok)
		*(struct rf_site_time *)(void *)(v->dst + v->key->at) = t;
	else
		rf_value_bad(v,
			     "write  mon-fri 08:00-18:00 , days mon tue wed thu fri sat sun holiday, hours to 24:00");
}

static void put_day(const struct rf_value *v)
{
	if (!rf_site_day(v->text, (int64_t *)(void *)(v->dst + v->key->at)))
		rf_value_bad(v, "write a day like 2026-12-25");
}

static void put_net(const struct rf_value *v)
{
	struct rf_site_ip *ip = (struct rf_site_ip *)(void *)(v->dst + v->key->at);

	if (!rf_site_ip_parse(v->text, false, ip) && !rf_site_ip_parse(v->text, true, ip))
		rf_value_bad(v,
			     "write an address like 192.0.2.7 or a network like 192.0.2.0/28, the bits behind it zero");
}

static void put_range(const struct rf_value *v)
{
	size_t dash = rf_view_find(v->text, '-');
	struct rf_view a = rf_view_sub(v->text, 0, dash), b = rf_view_from(v->text, dash + 1);
	uint32_t *to = (uint32_t *)(void *)(v->dst + v->key->at2);
	uint64_t first, last;
	bool ok = dash < v->text.n && a.n == b.n && a.n <= 9 && rf_view_u64(a, 999999999, &first) &&
		  rf_view_u64(b, 999999999, &last) && first <= last && a.p[0] != '0' && last - first < RF_SITE_PARK_MAX;

	put_text(v, ok, "write two numbers of as many digits, like 701-720, at most 1000 apart");
	if (!ok)
		return;
	to[0] = (uint32_t)first;
	to[1] = (uint32_t)last;
	to[2] = (uint32_t)a.n;
}

static bool is_country(struct rf_view v)
{
	return v.n == 2 && v.p[0] >= 'A' && v.p[0] <= 'Z' && v.p[1] >= 'A' && v.p[1] <= 'Z';
}

static bool is_uri_text(struct rf_view v)
{
	for (size_t i = 0; i < v.n; i++)
		if (!rf_is_word(v.p[i]) && !strchr("-._~!$&'()*+,;=:@/?%[]", v.p[i]))
			return false;
	return v.n > 0;
}

static bool is_url(struct rf_view v)
{
	return rf_view_starts_nocase(v, RF_V("https://")) && v.n > 8 && is_uri_text(v);
}

/* What a browser writes into Origin. Pages that came without TLS may have been changed on their way, so http:// is for
 * a page of the machine that the browser runs on. */
static bool is_origin(struct rf_view v)
{
	static const struct rf_view local[] = {
		{ (const uint8_t *)"http://127.0.0.1", 16 }, { (const uint8_t *)"http://localhost", 16 },
		{ (const uint8_t *)"http://[::1]", 12 },
	};
	bool http = false;
	size_t host = 8;

	for (size_t i = 0; i < sizeof local / sizeof local[0]; i++)
		http |= rf_view_starts_nocase(v, local[i]) && (v.n == local[i].n || v.p[local[i].n] == ':');
	if (http)
		host = 7;
	else if (!rf_view_starts_nocase(v, RF_V("https://")))
		return false;
	for (size_t i = host; i < v.n; i++)
		if (!rf_is_word(v.p[i]) && !strchr("-.:[]", v.p[i]))
			return false;
	return v.n > host && v.n <= 300;
}

bool rf_value_tel(const struct rf_value *v)
{
	switch (v->key->type) {
	case RF_KEY_DIGITS:
		put_text(v, is_digits(v->text, ""), "use digits, at most 32");
		return true;
	case RF_KEY_PREFIX:
		put_or_none(v, is_digits(v->text, ""), "use digits, or none");
		return true;
	case RF_KEY_CODE:
		put_or_none(v, is_digits(v->text, "*#"), "use digits, * and #, in quotes; or none");
		return true;
	case RF_KEY_PATTERN:
	case RF_KEY_PATTERNS:
		put_text(v, rf_pattern_ok(v->text),
			 "write digits, x for any digit, [2-9] for some, + in front, * at the end for any that follow");
		return true;
	case RF_KEY_TEMPLATE:
		put_text(v, is_template(v->text), "write digits, x for a digit of the match, + in front, * at the end");
		return true;
	case RF_KEY_TIMES:
		put_time(v);
		return true;
	case RF_KEY_DATES:
		put_day(v);
		return true;
	case RF_KEY_SUBNETS:
		put_net(v);
		return true;
	case RF_KEY_RANGE:
		put_range(v);
		return true;
	case RF_KEY_URL:
		put_text(v, is_url(v->text), "write an address that begins with https://");
		return true;
	case RF_KEY_COUNTRY:
		put_text(v, is_country(v->text), "write the two capital letters of ISO 3166-1, like US");
		return true;
	case RF_KEY_GRANT:
		put_text(v, rf_precedence_ok(v->text),
			 "write namespace.priority of RFC 4412, like dsn.flash; one for each namespace, spaces between");
		return true;
	case RF_KEY_TIMEZONE:
		put_text(v, rf_tz_name_ok(v->text),
			 "write a name like Europe/Berlin, or a rule like CET-1CEST,M3.5.0,M10.5.0/3");
		return true;
	case RF_KEY_PATH:
		put_text(v, v->text.n && v->text.p[0] == '/' && is_uri_text(v->text), "write a path like /sip");
		return true;
	case RF_KEY_ORIGINS:
		put_text(v, is_origin(v->text),
			 "write what browsers call the page's origin, like https://phone.example.org");
		return true;
	default:
		return false;
	}
}
