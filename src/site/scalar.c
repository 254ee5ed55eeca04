/* One value of a site file into one member, by its row. */
#include "site/chars.h"
#include "site/near.h"
#include "site/schema.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

void rf_load_error(struct rf_load *l, uint32_t line, uint32_t column, const char *mend, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	rf_finding_add(l->findings, RF_SEV_ERROR, (struct rf_place){ l->files[l->file], line, column }, NULL, mend,
		       "%s", text);
	if (l->rc == 0)
		l->rc = RF_E_INVALID;
}

void rf_value_bad(const struct rf_value *v, const char *mend)
{
	rf_load_error(v->l, v->line, v->column, mend, "%s cannot be \"%.*s\"", v->key->name,
		      (int)(v->text.n > 80 ? 80 : v->text.n), (const char *)v->text.p);
}

static void *member(const struct rf_value *v, size_t at)
{
	return v->dst + at;
}

static void put_text(const struct rf_value *v)
{
	*(struct rf_view *)member(v, v->key->at) = v->text;
}

static bool is_host_name(struct rf_view v)
{
	for (size_t i = 0; i < v.n; i++) {
		uint8_t c = v.p[i], before = i ? v.p[i - 1] : '.';

		if (!rf_is_word(c) && c != '-' && c != '.')
			return false;
		if ((c == '.' || c == '-') && before == '.')
			return false;
		if (c == '.' && before == '-')
			return false;
	}
	return v.n && v.n <= 253 && v.p[v.n - 1] != '.' && v.p[v.n - 1] != '-';
}

static void put_domain(const struct rf_value *v)
{
	struct rf_site_ip ip;

	if (!is_host_name(v->text) && !rf_site_ip_parse(v->text, false, &ip)) {
		rf_value_bad(v, "write a host name like voice.example.org");
		return;
	}
	uint8_t *low = rf_arena_zalloc(v->l->arena, v->text.n + 1);
	if (!low) {
		v->l->rc = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < v->text.n; i++)
		low[i] = rf_lower(v->text.p[i]);
	*(struct rf_view *)member(v, v->key->at) = rf_view_of(low, v->text.n);
}

/* A path that cannot leave the site's folder. */
static void put_file(const struct rf_value *v)
{
	struct rf_view rest = v->text;
	bool ok = rest.n && rest.n < 200 && rest.p[0] != '/';

	while (ok && rest.n) {
		size_t n = rf_view_find(rest, '/');

		ok = !rf_view_eq(rf_view_sub(rest, 0, n), RF_V(".."));
		rest = rf_view_from(rest, n + 1);
	}
	if (ok)
		put_text(v);
	else
		rf_value_bad(v, "name a file inside the site's folder, like phones.csv");
}

static void put_count(const struct rf_value *v)
{
	char mend[64];
	uint64_t x;

	if (rf_view_u64(v->text, v->key->max, &x) && x >= v->key->min) {
		*(uint32_t *)member(v, v->key->at) = (uint32_t)x;
		return;
	}
	snprintf(mend, sizeof mend, "write a whole number from %u to %u", v->key->min, v->key->max);
	rf_value_bad(v, mend);
}

static void put_bool(const struct rf_value *v)
{
	bool yes = rf_view_eq(v->text, RF_V("true"));

	if (yes || rf_view_eq(v->text, RF_V("false")))
		*(bool *)member(v, v->key->at) = yes;
	else
		rf_value_bad(v, "write true or false");
}

static const struct rf_choice *find_choice(const struct rf_value *v)
{
	const struct rf_choice *near = NULL;
	unsigned best = RF_NEAR_MAX;
	char mend[300] = "";
	size_t n = 0;

	for (const struct rf_choice *c = v->key->choices; c->name; c++) {
		unsigned d = rf_near_distance(v->text, rf_view_str(c->name));

		if (rf_view_eq(v->text, rf_view_str(c->name)))
			return c;
		if (d < best) {
			best = d;
			near = c;
		}
		int more = snprintf(mend + n, sizeof mend - n, "%s%s", n ? ", " : "one of: ", c->name);
		if (more > 0 && n + (size_t)more < sizeof mend)
			n += (size_t)more;
	}
	if (near && rf_near_enough(best, v->text.n))
		snprintf(mend, sizeof mend, "did you mean \"%s\"?", near->name);
	rf_value_bad(v, mend);
	return NULL;
}

static void put_choice(const struct rf_value *v)
{
	const struct rf_choice *c = find_choice(v);

	if (c && v->key->type == RF_KEY_RANKED)
		put_text(v);
	else if (c && v->key->type == RF_KEY_CHOICES)
		*(unsigned *)member(v, v->key->at) |= c->value;
	else if (c)
		*(int *)member(v, v->key->at) = (int)c->value;
}

static void put_ip(const struct rf_value *v)
{
	bool subnet = v->key->type == RF_KEY_SUBNET;

	if (rf_site_ip_parse(v->text, subnet, member(v, v->key->at2)))
		put_text(v);
	else
		rf_value_bad(v, subnet ? "write a network like 10.20.0.0/24, the bits behind the prefix zero"
			      : "write an address like 10.20.0.11 or fd00::11");
}

static void put_mac(const struct rf_value *v)
{
	if (!rf_site_mac_parse(v->text, member(v, v->key->at2))) {
		rf_value_bad(v, "write six bytes in hex like \"00:1b:54:00:00:01\"");
		return;
	}
	*(bool *)member(v, v->key->at3) = true;
	put_text(v);
}

bool rf_site_day(struct rf_view text, int64_t *ret_day)
{
	uint64_t year, month, day;
	bool ok = text.n == 10 && text.p[4] == '-' && text.p[7] == '-' &&
		  rf_view_u64(rf_view_sub(text, 0, 4), 9999, &year) && year >= 2000 &&
		  rf_view_u64(rf_view_sub(text, 5, 2), 12, &month) && month >= 1 &&
		  rf_view_u64(rf_view_sub(text, 8, 2), 31, &day) && day >= 1;

	if (!ok)
		return false;
	struct tm tm = { .tm_year = (int)year - 1900, .tm_mon = (int)month - 1, .tm_mday = (int)day };
	time_t t = timegm(&tm);

	*ret_day = (int64_t)t / (24 * 3600);
	return tm.tm_mday == (int)day; /* the 31st of a month that has 30 came out as another day */
}

static void put_date(const struct rf_value *v)
{
	int64_t day;

	if (!rf_site_day(v->text, &day)) {
		rf_value_bad(v, "write a day like 2027-06-30");
		return;
	}
	*(int64_t *)member(v, v->key->at2) = (day + 1) * 24 * 3600 - 1;
	put_text(v);
}

static void put_checked(const struct rf_value *v, bool ok, const char *mend)
{
	if (ok)
		put_text(v);
	else
		rf_value_bad(v, mend);
}

#define NAME_MEND "use letters, digits, '-', '_' and '.', at most 63, a letter or digit first"
#define NUMBER_MEND "use digits, at most 32, with or without a leading +"

void rf_load_scalar(struct rf_load *l, const struct rf_key *key, struct rf_view text, uint32_t line, uint32_t column,
		    void *dst)
{
	const struct rf_value v = { l, key, text, line, column, dst };

	if (rf_value_tel(&v) || rf_value_net(&v))
		return;
	switch (key->type) {
	case RF_KEY_TEXT:
		put_checked(&v, text.n > 0, "write a text, or leave the key out");
		break;
	case RF_KEY_NAME:
	case RF_KEY_NAMES:
		put_checked(&v, rf_site_name_ok(text), NAME_MEND);
		break;
	case RF_KEY_NUMBER:
	case RF_KEY_NUMBERS:
		put_checked(&v, rf_site_number_ok(text), NUMBER_MEND);
		break;
	case RF_KEY_DOMAIN:
	case RF_KEY_DOMAINS:
		put_domain(&v);
		break;
	case RF_KEY_FILE:
		put_file(&v);
		break;
	case RF_KEY_COUNT:
		put_count(&v);
		break;
	case RF_KEY_BOOL:
		put_bool(&v);
		break;
	case RF_KEY_CHOICE:
	case RF_KEY_CHOICES:
	case RF_KEY_RANKED:
		put_choice(&v);
		break;
	case RF_KEY_ADDRESS:
	case RF_KEY_SUBNET:
		put_ip(&v);
		break;
	case RF_KEY_MAC:
		put_mac(&v);
		break;
	case RF_KEY_DATE:
		put_date(&v);
		break;
	default:
		rf_value_bad(&v, "write a list or a mapping");
		break;
	}
}
