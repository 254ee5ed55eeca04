#include "media/bencode.h"

#include "base/reader.h"
#include "media/limits.h"

struct parse {
	struct rf_reader r;
	struct rf_arena *arena;
	size_t values;
};

/* Digits up to end, as 0 or without a leading zero; the end is taken too. Not past max. */
static bool take_number(struct parse *p, uint8_t end, uint64_t max, uint64_t *ret)
{
	uint64_t x = 0;
	size_t digits = 0;

	for (int c; (c = rf_peek(&p->r)) >= '0' && c <= '9'; p->r.p++, digits++) {
		if ((digits && x == 0) || x > (max - (uint64_t)(c - '0')) / 10)
			return false;
		x = x * 10 + (uint64_t)(c - '0');
	}
	*ret = x;
	return digits && rf_take_if(&p->r, end);
}

static int take_string(struct parse *p, struct rf_view *ret)
{
	uint64_t n;

	if (!take_number(p, ':', RF_NG_BYTES_MAX, &n) || n > rf_left(&p->r))
		return RF_E_MALFORMED;
	*ret = rf_take(&p->r, n);
	return 0;
}

static int take_int(struct parse *p, int64_t *ret)
{
	bool minus = rf_take_if(&p->r, '-');
	uint64_t x;

	if (!take_number(p, 'e', (uint64_t)INT64_MAX + minus, &x) || (minus && x == 0))
		return RF_E_MALFORMED;
	*ret = minus ? (int64_t)(0 - x) : (int64_t)x;
	return 0;
}

static int take_value(struct parse *p, unsigned depth, struct rf_ng_value **ret);

/* Is v's key none of those before it? last: in order so far, so that the last one is the greatest. */
static bool key_is_new(const struct rf_ng_value *dict, const struct rf_ng_value *last, struct rf_view key,
		       bool *ordered)
{
	if (!last || (*ordered && rf_view_cmp(last->key, key) < 0))
		return true;
	*ordered = false;
	for (const struct rf_ng_value *x = dict->first; x; x = x->next)
		if (rf_view_eq(x->key, key))
			return false;
	return true;
}

static int take_members(struct parse *p, unsigned depth, struct rf_ng_value *v)
{
	struct rf_ng_value **link = &v->first, *last = NULL;
	bool ordered = true;

	v->count = 0;
	while (!rf_take_if(&p->r, 'e')) {
		struct rf_view key = { NULL, 0 };
		int err;

		if (v->type == RF_NG_DICT) {
			if ((err = take_string(p, &key)) < 0)
				return err;
			if (key.n > RF_NG_KEY_MAX || v->count >= RF_NG_KEYS_MAX)
				return RF_E_LIMIT;
			if (!key_is_new(v, last, key, &ordered))
				return RF_E_MALFORMED;
		}
		if ((err = take_value(p, depth + 1, link)) < 0)
			return err;
		last = *link;
		last->key = key;
		link = &last->next;
		v->count++;
	}
	return 0;
}

static int take_value(struct parse *p, unsigned depth, struct rf_ng_value **ret)
{
	int c = rf_peek(&p->r);

	if (depth > RF_NG_DEPTH_MAX || p->values++ >= RF_NG_VALUES_MAX)
		return RF_E_LIMIT;
	struct rf_ng_value *v = rf_arena_zalloc(p->arena, sizeof(*v));
	if (!v)
		return -ENOMEM;
	*ret = v;
	if (c >= '0' && c <= '9') {
		v->type = RF_NG_STRING;
		return take_string(p, &v->str);
	}
	if (c != 'i' && c != 'l' && c != 'd')
		return RF_E_MALFORMED;
	rf_take_u8(&p->r);
	v->type = c == 'i' ? RF_NG_INT : c == 'l' ? RF_NG_LIST : RF_NG_DICT;
	return c == 'i' ? take_int(p, &v->num) : take_members(p, depth, v);
}

int rf_bencode_parse(struct rf_view bytes, struct rf_arena *arena, struct rf_ng_value **ret_value, size_t *ret_at)
{
	struct parse p = { .r = rf_reader_of(bytes), .arena = arena };
	struct rf_ng_value *v = NULL;
	int err = take_value(&p, 1, &v);

	if (err == 0)
		err = rf_reader_end(&p.r);
	*ret_at = (size_t)(p.r.p - bytes.p);
	if (err == 0)
		*ret_value = v;
	return err;
}
