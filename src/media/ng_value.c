#include "media/ng_value.h"

#include "media/bencode.h"
#include "media/limits.h"
#include "media/ng_json.h"

int rf_ng_value_parse(struct rf_view bytes, struct rf_arena *arena, struct rf_ng_value **ret_value,
		      enum rf_ng_encoding *ret_encoding, struct rf_diag *d)
{
	bool json = bytes.n && bytes.p[0] == '{';
	const char *what = json ? "JSON" : "bencode";
	size_t at = 0;
	int err =
		json ? rf_ng_json_parse(bytes, arena, ret_value, &at) : rf_bencode_parse(bytes, arena, ret_value, &at);

	*ret_encoding = json ? RF_NG_JSON : RF_NG_BENCODE;
	switch (err) {
	case 0:
		return 0;
	case RF_E_LIMIT:
		return rf_diag_set(d, err, "%s: over a bound (nesting, values, keys or a key's length) at byte %zu",
				   what, at);
	case RF_E_UNSUPPORTED:
		return rf_diag_set(d, err, "%s: only strings, integers, lists and dictionaries have a meaning here",
				   what);
	case -ENOMEM:
		return rf_diag_set(d, err, "%s: out of memory", what);
	default:
		return rf_diag_set(d, err, "%s: malformed at byte %zu", what, at);
	}
}

const struct rf_ng_value *rf_ng_get(const struct rf_ng_value *dict, const char *key)
{
	struct rf_view want = rf_view_str(key);

	if (dict && dict->type == RF_NG_DICT)
		for (const struct rf_ng_value *v = dict->first; v; v = v->next)
			if (rf_view_eq(v->key, want))
				return v;
	return NULL;
}

static const struct rf_ng_value *typed(const struct rf_ng_value *dict, const char *key, enum rf_ng_type type)
{
	const struct rf_ng_value *v = rf_ng_get(dict, key);

	return v && v->type == type ? v : NULL;
}

struct rf_view rf_ng_get_str(const struct rf_ng_value *dict, const char *key)
{
	const struct rf_ng_value *v = typed(dict, key, RF_NG_STRING);

	return v ? v->str : (struct rf_view){ NULL, 0 };
}

int64_t rf_ng_get_int(const struct rf_ng_value *dict, const char *key)
{
	const struct rf_ng_value *v = typed(dict, key, RF_NG_INT);

	return v ? v->num : 0;
}

const struct rf_ng_value *rf_ng_get_list(const struct rf_ng_value *dict, const char *key)
{
	return typed(dict, key, RF_NG_LIST);
}

const struct rf_ng_value *rf_ng_get_dict(const struct rf_ng_value *dict, const char *key)
{
	return typed(dict, key, RF_NG_DICT);
}

/* The cookie in front: 1 to RF_NG_COOKIE_MAX visible characters and a blank. */
static int cut_cookie(struct rf_view message, struct rf_view *ret_cookie, struct rf_view *ret_rest)
{
	size_t n = rf_view_find(rf_view_sub(message, 0, RF_NG_COOKIE_MAX + 1), ' ');

	if (n == 0 || n >= message.n || n > RF_NG_COOKIE_MAX)
		return RF_E_MALFORMED;
	for (size_t i = 0; i < n; i++)
		if (message.p[i] <= 0x20 || message.p[i] >= 0x7f)
			return RF_E_MALFORMED;
	*ret_cookie = rf_view_sub(message, 0, n);
	*ret_rest = rf_view_from(message, n + 1);
	return 0;
}

int rf_ng_message_parse(struct rf_view message, struct rf_arena *arena, struct rf_view *ret_cookie,
			enum rf_ng_encoding *ret_encoding, struct rf_ng_value **ret_top, struct rf_diag *d)
{
	struct rf_view rest;

	if (message.n > RF_NG_BYTES_MAX)
		return rf_diag_set(d, RF_E_LIMIT, "longer than %d bytes", RF_NG_BYTES_MAX);
	if (cut_cookie(message, ret_cookie, &rest) < 0)
		return rf_diag_set(d, RF_E_MALFORMED, "no cookie of 1 to %d visible characters with a blank behind it",
				   RF_NG_COOKIE_MAX);
	return rf_ng_value_parse(rest, arena, ret_top, ret_encoding, d);
}
