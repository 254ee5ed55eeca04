/* What the site's media policy makes of the session descriptions of one pair of legs: every offer and answer that
 * crosses goes through here, is judged by sdp/police.h, and comes out rebuilt. Kept is a summary without keys, against
 * which the answer and the next offer are judged, and which names the SRTP suite for the record. */
#ifndef RF_CALL_MEDIA_H
#define RF_CALL_MEDIA_H

#include "base/arena.h"
#include "base/writer.h"
#include "sdp/police.h"

struct rf_call_core;
struct rf_policy;

enum { RF_MEDIA_MAX = 32768 }; /* bytes of a description that we pass on */

struct rf_media {
	struct rf_sdp_summary *offer; /* open, or answered only by a preview; NULL */
	struct rf_sdp_summary *last;  /* what holds: the last answer, NULL at first */
	bool anchored;                /* a media relay made what crosses, and its legs were judged
				       * one by one (anchor.h) */
	bool encrypted;               /* one of the two is a trunk whose media is encrypted, whatever the
				       * site lets its phones do */
	bool emergency;               /* whatever the phones agree on is better than no call; keys stay inside TLS */
};

/* The policy that a level with its deviations stands for. */
void rf_media_policy(const struct rf_policy *site, struct rf_sdp_policy *ret_policy);

void rf_media_fini(struct rf_media *m);
/* An offer crosses from one leg to the other. On RF_SDP_RULE_OK *ret_out is what goes out, in memory of the core that
 * the next call of these functions overwrites. */
enum rf_sdp_rule rf_media_offer(struct rf_call_core *core, struct rf_media *m, bool from_secure, bool to_secure,
				struct rf_view in, struct rf_view *ret_out);
/* The answer to the open offer, or what announces it. It stays open until rf_media_settled(). */
enum rf_sdp_rule rf_media_answer(struct rf_call_core *core, struct rf_media *m, bool from_secure, bool to_secure,
				 struct rf_view in, struct rf_view *ret_out);
void rf_media_settled(struct rf_media *m);
/* The offer was refused: what held before goes on. */
void rf_media_failed(struct rf_media *m);
/* What to tell the caller when the other side answered its offer with 488: which of the rules RF_SDP_RULE_PHONE. */
enum rf_sdp_rule rf_media_refused(const struct rf_media *m);
/* "AEAD_AES_256_GCM", "none", "" ... of audio, else of video. Static. */
const char *rf_media_suite(const struct rf_media *m);

#endif
