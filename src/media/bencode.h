/* Bencode, the encoding of the NG protocol that everybody speaks: "d7:command4:pinge". Strings of bytes with their
 * length in front, integers, lists, dictionaries. Strict where two readings are possible: no leading zeros, no "-0", no
 * key twice, nothing behind the end; keys may come in any order, because rtpengine does not sort them. Threads: any. */
#ifndef RF_MEDIA_BENCODE_H
#define RF_MEDIA_BENCODE_H

#include "media/ng_value.h"

/* Exactly one value; its strings are views into bytes. Errors as rf_ng_value_parse(), *ret_at: the offset of what is
 * wrong. */
int rf_bencode_parse(struct rf_view bytes, struct rf_arena *arena, struct rf_ng_value **ret_value, size_t *ret_at);

#endif
