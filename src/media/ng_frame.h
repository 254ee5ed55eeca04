/* Where a message of the NG protocol ends in a stream: nothing stands between two but line ends and blanks, so the end
 * is where the dictionary's is. What is between is not understood here (ng_value.h does that). Threads: any, one at a
 * time. */
#ifndef RF_MEDIA_NG_FRAME_H
#define RF_MEDIA_NG_FRAME_H

#include "base/view.h"

/* How far a message was looked at; zeroed at its beginning. */
struct rf_ng_frame {
	size_t at;        /* bytes looked at, or where the string that is being passed over ends */
	size_t number;    /* bencode: digits of a length so far */
	unsigned depth;
	uint8_t state;
	bool json, quoted, escaped;
};

/* bytes: from the message's beginning on, those of the last call in front. 0: *ret_n bytes are one message, and f is
 * zeroed for the next; RF_E_MORE; RF_E_MALFORMED, RF_E_LIMIT: the stream cannot be read on. Line ends and blanks in
 * front are part of it: rf_ng_frame_trim() takes them off. */
int rf_ng_frame_next(struct rf_ng_frame *f, struct rf_view bytes, size_t *ret_n);
struct rf_view rf_ng_frame_trim(struct rf_view message);

#endif
