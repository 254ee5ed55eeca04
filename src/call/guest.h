/* A phone that calls to take a place in a call that is there:
 *
 *	replaces   INVITE with Replaces (RFC 3891): it takes the place of a dialog of its own number; or of the phone that
 *	           rings, when it may pick that up
 *	pickup     it takes the call that rings elsewhere
 *	retrieve   it takes the one who is parked
 *
 * The phone gets a call of its own for as long as it takes to agree on media (join.h), then its leg goes to the place
 * meant (move.h), and what was there ends with that call.
 *
 * A call that rings has an offer of its caller, and so has the INVITE of who picks it up. That one is therefore
 * answered
 * 200 with nothing flowing, offered what the caller offers, and its answer is the caller's. Others who ring are
 * cancelled as always when somebody answers. */
#ifndef RF_CALL_GUEST_H
#define RF_CALL_GUEST_H

#include "call/call_int.h"

/* An INVITE of somebody proven. True: it had a Replaces and is dealt with. */
bool rf_guest_replaces(struct rf_call_core *core, struct rf_in *in);
/* Take the place of `place` in an answered call; its partner has a dialog. */
void rf_guest_take(struct rf_call_core *core, struct rf_in *in, struct rf_leg *place, const char *how,
		   enum rf_event_kind kind);
/* Answer the call that rings. Rights are the asker's business. */
void rf_guest_pickup(struct rf_call_core *core, struct rf_in *in, struct rf_call *ringing);
/* Refused: recorded as call.refused with this rule. */
void rf_guest_refuse(struct rf_call_core *core, struct rf_in *in, unsigned code, const char *why);

#endif
