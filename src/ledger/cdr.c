#include "ledger/cdr.h"

#include <jansson.h>
#include <time.h>

/* One table for writing, reading and the fields' names. */
#define CDR_STRINGS(X) X(session) X(leg) X(direction) X(call_id) X(from) X(to) X(number) X(device) X(user) X(location) \
	X(address) X(transport) X(tls) X(cipher) X(certificate) X(audio) X(video) X(outcome) X(related) \
	X(reason) X(identity) X(forwarded_by) X(ended_by)
#define CDR_TIMES(X) X(start) X(ring) X(answer) X(end)

int rf_cdr_post(struct rf_ledger *l, struct rf_wall now, const struct rf_cdr *c)
{
	struct rf_event e;

	rf_event_init(&e, RF_EVENT_CDR, now);
#define PUT_TIME(f) rf_event_time(&e, #f, c->f);
	CDR_TIMES(PUT_TIME)
#define PUT_STRING(f) rf_event_str(&e, #f, c->f);
	CDR_STRINGS(PUT_STRING)
	if (c->code)
		rf_event_u64(&e, "code", c->code);
	return rf_ledger_post(l, &e);
}

static bool number_at(struct rf_view v, size_t at, size_t n, int *ret)
{
	uint64_t x;

	if (!rf_view_u64(rf_view_sub(v, at, n), 9999, &x))
		return false;
	*ret = (int)x;
	return true;
}

/* The form that rf_wall_text() writes. */
static bool parse_time(const char *text, struct rf_wall *ret)
{
	struct rf_view v = rf_view_str(text);
	struct tm tm = { 0 };
	int ms, year, month;

	if (v.n != RF_WALL_TEXT - 1 || !number_at(v, 0, 4, &year) || !number_at(v, 5, 2, &month) ||
	    !number_at(v, 8, 2, &tm.tm_mday) || !number_at(v, 11, 2, &tm.tm_hour) ||
	    !number_at(v, 14, 2, &tm.tm_min) || !number_at(v, 17, 2, &tm.tm_sec) || !number_at(v, 20, 3, &ms))
		return false;
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	ret->us = (int64_t)timegm(&tm) * 1000000 + ms * 1000;
	return true;
}

static int get_string(struct rf_arena *a, const json_t *o, const char *name, struct rf_view *ret)
{
	const json_t *x = json_object_get(o, name);

	*ret = (struct rf_view){ 0 };
	if (!x)
		return 0;
	if (!json_is_string(x))
		return RF_E_CORRUPT;
	return rf_view_dup(a, rf_view_of(json_string_value(x), json_string_length(x)), ret);
}

static int get_time(const json_t *o, const char *name, struct rf_wall *ret)
{
	const json_t *x = json_object_get(o, name);

	*ret = (struct rf_wall){ 0 };
	return !x || (json_is_string(x) && parse_time(json_string_value(x), ret)) ? 0 : RF_E_CORRUPT;
}

int rf_cdr_parse(struct rf_arena *a, const struct rf_ledger_line *line, struct rf_cdr *ret_cdr)
{
	struct rf_cdr c = { 0 };
	json_t *o, *code;
	int rc = 0;

	if (!rf_view_eq(line->kind, rf_view_str(rf_event_kind_name(RF_EVENT_CDR))))
		return RF_E_CORRUPT;
	o = json_loadb((const char *)line->text.p, line->text.n, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(o))
		rc = RF_E_CORRUPT;
#define GET_TIME(f) if (rc == 0) rc = get_time(o, #f, &c.f);
	CDR_TIMES(GET_TIME)
#define GET_STRING(f) if (rc == 0) rc = get_string(a, o, #f, &c.f);
	CDR_STRINGS(GET_STRING)
	code = json_object_get(o, "code");
	if (rc == 0 && code &&
	    (!json_is_integer(code) || json_integer_value(code) < 0 || json_integer_value(code) > 999))
		rc = RF_E_CORRUPT;
	if (rc == 0 && code)
		c.code = (uint32_t)json_integer_value(code);
	json_decref(o);
	if (rc == 0)
		*ret_cdr = c;
	return rc;
}
