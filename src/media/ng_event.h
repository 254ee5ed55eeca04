/* What a relay says unasked, on the stream by which somebody asked for it (`detect DTMF`): a key that a party pressed.
 *
 *	event_1 d7:call-id2:c14:codei5e8:durationi160e5:event4:DTMF3:tag5:alicee
 *
 * Who asked on a stream that is gone asks again on another one (`block DTMF` or `unblock DTMF` of a party, with
 * `detect DTMF`). The cookie begins with "event_", which no cookie of a request of ours does. It is told once; nobody
 * answers. Threads: any. */
#ifndef RF_MEDIA_NG_EVENT_H
#define RF_MEDIA_NG_EVENT_H

#include "base/writer.h"
#include "media/ng_value.h"

struct rf_ng_event {
	struct rf_view call_id, tag; /* whose key it was */
	uint8_t code;                /* 0..15 */
	uint16_t ms;
};

/* In bencode; number: of its cookie. */
void rf_ng_event_put(struct rf_writer *w, uint64_t number, const struct rf_ng_event *e);
/* RF_E_NOT_FOUND: no event, by its cookie; else as rf_ng_message_parse(); RF_E_MALFORMED: a key is missing
 * or out of its bounds. */
int rf_ng_event_parse(struct rf_view message, struct rf_arena *arena, struct rf_ng_event *ret_event);

#endif
