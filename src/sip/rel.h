/* Reliable provisional responses (RFC 3262): numbers, acknowledgements, repetition. One struct rf_rel_uas per INVITE
 * that we answer, one struct rf_rel_uac per early dialog of an INVITE that we sent. Plain values, no memory of their
 * own. */
#ifndef RF_SIP_REL_H
#define RF_SIP_REL_H

#include "base/random.h"
#include "base/view.h"
#include "base/writer.h"
#include "sip/timers.h"

/* RAck: "776656 1 INVITE" */
struct rf_rack {
	uint32_t rseq, cseq;
	struct rf_view method;
};

/* Its value for a PRACK; reading one is rf_sip_msg_rack(), RSeq rf_sip_msg_number(). */
void rf_rack_put(struct rf_writer *w, const struct rf_rack *rack);

/* --- Called: we send them */

struct rf_rel_uas {
	uint32_t cseq;    /* of the INVITE */
	uint32_t rseq;    /* last one sent; 0 none yet */
	bool waiting;     /* for the PRACK of rseq */
	bool with_sdp;    /* the one that waits carries a description: no 2xx before its PRACK */
	bool finished;    /* a final answer was sent */
	struct rf_resend resend;
};

void rf_rel_uas_init(struct rf_rel_uas *r, uint32_t invite_cseq);
/* Take the number of the next reliable provisional: one at a time, the next waits for the PRACK of this (RF_E_BUSY:
 * keep it until then). RF_E_STATE after the final answer. The first number is random in 1..2^31-1. */
int rf_rel_uas_send(struct rf_rel_uas *r, bool with_sdp, const struct rf_sip_timers *t, struct rf_random *random,
		    struct rf_mono now, uint32_t *ret_rseq);
/* That one could not be sent: its number is free again. */
void rf_rel_uas_unsent(struct rf_rel_uas *r);
/* A PRACK came. 0: it is for the one that waits, answer 200. RF_E_NOT_FOUND: for none of ours, answer 481. */
int rf_rel_uas_prack(struct rf_rel_uas *r, const struct rf_rack *rack);
/* May a 2xx be sent now (RFC 3262 3)? Any other final answer always may. */
bool rf_rel_uas_may_accept(const struct rf_rel_uas *r);
/* A final answer was sent: repetition stops, the PRACK that may still come is taken. */
void rf_rel_uas_final(struct rf_rel_uas *r);
/* RF_RESEND_NOW: the same bytes again. RF_RESEND_GIVE_UP: refuse the INVITE with 504. */
enum rf_resend_verdict rf_rel_uas_step(struct rf_rel_uas *r, struct rf_mono now);
static inline struct rf_mono rf_rel_uas_next(const struct rf_rel_uas *r)
{
	return rf_resend_next(&r->resend);
}

/* --- Caller: we get them */

struct rf_rel_uac {
	uint32_t rseq; /* last one in order; 0 none yet */
};

enum rf_rel_verdict {
	RF_REL_NEW,       /* hand it on and send PRACK */
	RF_REL_REPEATED,  /* drop; its PRACK is being repeated by its own transaction */
	RF_REL_TOO_EARLY, /* a number is missing before it: drop, no PRACK; it will come again */
};

enum rf_rel_verdict rf_rel_uac_receive(struct rf_rel_uac *r, uint32_t rseq);

#endif
