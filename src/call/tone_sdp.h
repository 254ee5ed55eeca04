/* The description by which a phone that is in a call is offered a tone of ours in place of who it talked to, and what
 * its answer says. One audio line, PCMU or PCMA, sent by us and not heard; the session's other lines are off. It is
 * keyed as the call was: SDES under the same suite with a new key, or plain where the call was plain; the site's media
 * policy judges both descriptions besides (media.h). Threads: the worker's own. */
#ifndef RF_CALL_TONE_SDP_H
#define RF_CALL_TONE_SDP_H

#include "call/media.h"
#include "net/addr.h"
#include "rtp/announce.h"

struct rf_leg;

/* What we offered. */
struct rf_tone_line {
	unsigned index;               /* of the audio line */
	enum rf_srtp_suite suite;     /* RF_SRTP_NONE: plain */
	uint8_t key[RF_SRTP_KEY_MAX]; /* new */
};

/* Into *ret_sdp, in memory of the core that the next description overwrites. NULL, or why there is none (static). */
const char *rf_tone_offer(struct rf_leg *leg, uint16_t port, struct rf_tone_line *ret_line, struct rf_view *ret_sdp);
/* The answer, which has passed the policy: where to send, and which of the two codes. NULL, or why nothing can be sent
 * there (static): among others it may name no address but the one that the phone's signalling
 * comes from, or one in a zone of phones. */
const char *rf_tone_answer(struct rf_leg *leg, const struct rf_tone_line *line, struct rf_view sdp,
			   struct rf_addr *ret_to, enum rf_tone_code *ret_code);

#endif
