/* Which attributes of a session description may cross the relay, and with which values. A positive list: a name that is
 * not in the table, or a value that does not have its row's shape, is left out and counted. No shape has room for an
 * address: dots, colons and at signs stand only where a number or one of a few fixed texts does. What speaks of
 * addresses, keys and identities (candidate, rtcp, crypto, fingerprint, setup, mid, ...) never crosses: the relay
 * writes its own. */
#ifndef RF_MEDIA_ATTRIBUTE_H
#define RF_MEDIA_ATTRIBUTE_H

#include "base/writer.h"
#include "sdp/sdp.h"

/* What kinds of m-lines an attribute belongs to, as bits. */
enum { RF_ATTR_RTP = 1, RF_ATTR_FAX = 2, RF_ATTR_BFCP = 4, RF_ATTR_MSRP = 8 };
/* More about it. */
enum {
	RF_ATTR_FORMAT = 1,    /* begins with a payload type or '*' (which format: rf_attr_format()) */
	RF_ATTR_FEEDBACK = 2,  /* does not go from a profile with feedback (AVPF, SAVPF) to one without */
	RF_ATTR_EXTENSION = 4, /* RTP header extension: `strip extmap` */
	RF_ATTR_PTIME = 8,
};

struct rf_attr_rule {
	struct rf_view name;   /* as it is written out */
	bool (*shape)(struct rf_view value);
	uint8_t kinds, notes;
};

/* The rule of an attribute that may cross in an m-line of this kind, NULL: it may not. */
const struct rf_attr_rule *rf_attr_rule(const struct rf_sdp_attr *a, unsigned kind);
/* The payload type that a FORMAT attribute is about; -1: all of them. */
int rf_attr_format(struct rf_view value);
/* "a=name:value" and its end. */
void rf_attr_put(struct rf_writer *w, const struct rf_attr_rule *rule, struct rf_view value);

/* Shapes that others use, too. 1 to 64 of letters, digits, '-' and '_': mid, label. */
bool rf_attr_word(struct rf_view v);
/* Printable text without anything that an address needs. */
bool rf_attr_plain(struct rf_view v);

#endif
