/* What both encodings of the NG protocol (bencode and JSON) say: strings, integers, lists, dictionaries. Read into a
 * tree by bencode.h and ng_json.h; strings are views into the message, or into the arena where JSON had escapes.
 * Lives as long as both. Threads: any, one at a time. */
#ifndef RF_MEDIA_NG_VALUE_H
#define RF_MEDIA_NG_VALUE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/view.h"

enum rf_ng_encoding { RF_NG_BENCODE, RF_NG_JSON };

enum rf_ng_type { RF_NG_STRING, RF_NG_INT, RF_NG_LIST, RF_NG_DICT };

struct rf_ng_value {
	struct rf_ng_value *next;        /* in its list or dictionary, in the order of the message */
	struct rf_ng_value *first;       /* of a LIST or DICT */
	struct rf_view key;              /* in a dictionary */
	union {
		struct rf_view str;
		int64_t num;
		size_t count;            /* of a LIST or DICT */
	};
	enum rf_ng_type type;
};

/* Exactly one value, nothing behind it. What begins with '{' is JSON, everything else bencode.
 * RF_E_MALFORMED, RF_E_UNSUPPORTED (a JSON real, boolean or null: bencode has none), RF_E_LIMIT, -ENOMEM (which is also
 * the arena's cap); d (may be NULL) says what and where. */
int rf_ng_value_parse(struct rf_view bytes, struct rf_arena *arena, struct rf_ng_value **ret_value,
		      enum rf_ng_encoding *ret_encoding, struct rf_diag *d);

/* One message, request or reply: cookie (1 to RF_NG_COOKIE_MAX visible characters), a blank, a value. *ret_cookie is
 * set as soon as there is one, *ret_encoding with it: then a refusal can be answered. Errors as above. */
int rf_ng_message_parse(struct rf_view message, struct rf_arena *arena, struct rf_view *ret_cookie,
			enum rf_ng_encoding *ret_encoding, struct rf_ng_value **ret_top, struct rf_diag *d);

/* The value of exactly this key; NULL: none, or dict is NULL or no dictionary. */
const struct rf_ng_value *rf_ng_get(const struct rf_ng_value *dict, const char *key);
/* The same, of one type only: the empty view, 0, NULL for others. */
struct rf_view rf_ng_get_str(const struct rf_ng_value *dict, const char *key);
int64_t rf_ng_get_int(const struct rf_ng_value *dict, const char *key);
const struct rf_ng_value *rf_ng_get_list(const struct rf_ng_value *dict, const char *key);
const struct rf_ng_value *rf_ng_get_dict(const struct rf_ng_value *dict, const char *key);

#endif
