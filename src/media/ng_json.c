#include "media/ng_json.h"

#include <jansson.h>

#include "media/limits.h"

/* How deep and how many, outside of strings. Wrong JSON may be miscounted: jansson refuses it afterwards. */
static int count(struct rf_view bytes, size_t *ret_at)
{
	size_t depth = 0, values = 1;
	bool quoted = false;

	for (size_t i = 0; i < bytes.n; i++) {
		uint8_t c = bytes.p[i];

		*ret_at = i;
		if (quoted && c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (quoted)
			continue;
		else if (c == '{' || c == '[') {
			values++;
			if (++depth > RF_NG_DEPTH_MAX)
				return RF_E_LIMIT;
		} else if ((c == '}' || c == ']') && depth)
			depth--;
		else if (c == ',')
			values++;
		if (values > RF_NG_VALUES_MAX)
			return RF_E_LIMIT;
	}
	return 0;
}

static int convert(json_t *from, struct rf_arena *arena, struct rf_ng_value **ret);

static int add(struct rf_ng_value *to, struct rf_ng_value ***link, json_t *from, struct rf_arena *arena)
{
	int err = convert(from, arena, *link);

	if (err == 0) {
		*link = &(**link)->next;
		to->count++;
	}
	return err;
}

static int convert_object(json_t *from, struct rf_arena *arena, struct rf_ng_value *to)
{
	struct rf_ng_value **link = &to->first;

	if (json_object_size(from) > RF_NG_KEYS_MAX)
		return RF_E_LIMIT;
	for (void *i = json_object_iter(from); i; i = json_object_iter_next(from, i)) {
		struct rf_view key = rf_view_str(json_object_iter_key(i));
		struct rf_ng_value **here = link;
		int err = key.n > RF_NG_KEY_MAX ? RF_E_LIMIT : add(to, &link, json_object_iter_value(i), arena);

		if (err == 0)
			err = rf_view_dup(arena, key, &(*here)->key);
		if (err < 0)
			return err;
	}
	return 0;
}

static int convert(json_t *from, struct rf_arena *arena, struct rf_ng_value **ret)
{
	struct rf_ng_value *v = rf_arena_zalloc(arena, sizeof(*v)), **link;

	if (!v)
		return -ENOMEM;
	*ret = v;
	switch (json_typeof(from)) {
	case JSON_STRING:
		v->type = RF_NG_STRING;
		return rf_view_dup(arena, rf_view_of(json_string_value(from), json_string_length(from)), &v->str);
	case JSON_INTEGER:
		v->type = RF_NG_INT;
		v->num = json_integer_value(from);
		return 0;
	case JSON_ARRAY:
		v->type = RF_NG_LIST;
		link = &v->first;
		for (size_t i = 0; i < json_array_size(from); i++) {
			int err = add(v, &link, json_array_get(from, i), arena);

			if (err < 0)
				return err;
		}
		return 0;
	case JSON_OBJECT:
		v->type = RF_NG_DICT;
		return convert_object(from, arena, v);
	default:
		return RF_E_UNSUPPORTED;
	}
}

int rf_ng_json_parse(struct rf_view bytes, struct rf_arena *arena, struct rf_ng_value **ret_value, size_t *ret_at)
{
	struct rf_ng_value *v = NULL;
	json_error_t e;
	int err = count(bytes, ret_at);

	if (err < 0)
		return err;
	json_t *tree = json_loadb((const char *)bytes.p, bytes.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e);
	if (!tree) {
		*ret_at = e.position > 0 ? (size_t)e.position : 0;
		return json_error_code(&e) == json_error_out_of_memory ? -ENOMEM : RF_E_MALFORMED;
	}
	err = convert(tree, arena, &v);
	json_decref(tree);
	*ret_at = 0;
	if (err == 0)
		*ret_value = v;
	return err;
}
