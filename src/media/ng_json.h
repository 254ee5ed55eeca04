/* JSON as the other encoding of the NG protocol, read by jansson. The only file of the room that knows it. Threads:
 * any. */
#ifndef RF_MEDIA_NG_JSON_H
#define RF_MEDIA_NG_JSON_H

#include "media/ng_value.h"

/* Exactly one value; its strings are copied into the arena. Depth and number of values are counted before jansson takes
 * memory for them. Errors as rf_ng_value_parse(), *ret_at: an offset near what is wrong. */
int rf_ng_json_parse(struct rf_view bytes, struct rf_arena *arena, struct rf_ng_value **ret_value, size_t *ret_at);

#endif
