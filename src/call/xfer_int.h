/* A transfer under way, for xfer*.c. */
#ifndef RF_CALL_XFER_INT_H
#define RF_CALL_XFER_INT_H

#include "call/xfer.h"
#include "sip/refer.h"

struct rf_xfer {
	struct rf_call *call;     /* the one to transfer */
	struct rf_leg *by;        /* who transfers */
	struct rf_call *made;     /* blind: our call to the target; NULL: none (any more) */
	struct rf_leg *consult;   /* attended: theirs in the other call */
	struct rf_join *join;
	struct rf_cli *notify;    /* on its way, NULL */
	uint32_t event_id;        /* CSeq of the REFER (RFC 3515 2.4.6) */
	uint16_t code, told;      /* what there is to tell; what was told last */
	bool elsewhere;           /* attended: the other call is another worker's */
	bool quiet;               /* no subscription, or none any more */
	struct rf_view reason;    /* constant: of the BYE that waits until all is told */
	uint8_t target[64];       /* number, for the record */
	uint8_t target_n;
};

static inline bool rf_xfer_final(const struct rf_xfer *x)
{
	return x->code >= 200;
}

/* --- xfer.c */

/* 202, and from now on the outcome is told by NOTIFY; outcome: what there is to tell at once. NULL: refused. */
struct rf_xfer *rf_xfer_accept(struct rf_leg *leg, struct rf_in *in, const struct rf_refer *refer,
			       struct rf_view target, unsigned outcome);
/* Call the target, along this plan, which is taken. Not 0: the code why not. */
unsigned rf_xfer_call(struct rf_xfer *x, struct rf_plan *plan);

/* --- xfer_tell.c */

/* Not accepted: recorded, answered. */
void rf_xfer_refuse(struct rf_leg *leg, struct rf_in *in, unsigned code, struct rf_view target, const char *rule);
/* It is over, without another word. */
void rf_xfer_forget(struct rf_xfer *x);
/* Tell what there is to tell, one at a time; at the end, when all is told, there is nothing left. */
void rf_xfer_notify(struct rf_xfer *x);
/* How far it is; from 200 on that is the end, and x may be gone behind it. */
void rf_xfer_report(struct rf_xfer *x, unsigned code);
void rf_xfer_failed(struct rf_xfer *x, unsigned code);
/* `who` goes to the place of `place`, whose call goes on; the two legs that are left together end. */
void rf_xfer_succeed(struct rf_xfer *x, struct rf_leg *who, struct rf_leg *place);

/* --- xfer_attended.c */

void rf_xfer_attended(struct rf_leg *leg, struct rf_in *in, const struct rf_refer *refer);

#endif
