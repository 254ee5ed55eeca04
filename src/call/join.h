/* Two phones that are to talk to each other from now on: the exchange of descriptions that brings them together, in the
 * manner of RFC 3725. One side gives an offer, the other is sent it in a re-INVITE, and its answer goes back:
 *
 *	ask      a leg in an answered call: asked by a re-INVITE without an offer
 *	held     a phone that we called without an offer: it stands in its 2xx, whose ACK is owed
 *	invite   a phone that calls with an offer: its INVITE is answered 200
 *	given    an offer in hand, of a caller who still waits; who ordered the join takes the answer
 *
 * and who is offered it is a leg in an answered call, or (from ask) a phone that called without an offer: it gets the
 * offer in its 200 and answers in the ACK.
 *
 * Nothing is moved before both have agreed: who is put where is up to who ordered the join, in done(). Until then the
 * legs stand in the calls that they were in, and a refusal leaves these as they were where SIP lets us: when the one
 * who is asked refuses, or who is offered it refuses what was held, invited or given. An offer that came in answer to
 * our question and is refused by the other cannot be taken back: the call of who made it ends.
 *
 * Before it begins, what is under way on both legs ends by itself (RF_JOIN_QUIET_MS); meanwhile and until it is over
 * re-INVITE and UPDATE of both are answered 491. A 491 of theirs is met by waiting (RFC 3261 14.1). */
#ifndef RF_CALL_JOIN_H
#define RF_CALL_JOIN_H

#include "call/call_int.h"

enum rf_join_from { RF_JOIN_ASK, RF_JOIN_HELD, RF_JOIN_INVITE, RF_JOIN_GIVEN };

enum {
	RF_JOIN_QUIET_MS = 8000,  /* the most that we wait for exchanges under way */
	RF_JOIN_STEP_MS = 100,
	RF_JOIN_TRIES = 4,        /* at 491 */
	RF_JOIN_CALLS = 2,
};

struct rf_join;

/* code 0: they have agreed; the join's media is what they agreed on, to be taken by rf_join_media(). Else the code that
 * says why not, and nothing has been moved. The join is freed after this. Comes once, never within rf_join_start(). */
typedef void rf_join_fn(void *arg, struct rf_join *join, unsigned code);

struct rf_join_order {
	enum rf_join_from from;
	struct rf_leg *src, *dst;    /* src of given: the leg in whose name the offer is */
	bool dst_calls;              /* dst is a phone that called without an offer (from ask) */
	struct rf_view offer;        /* invite, given: as its phone wrote it; copied */
	rf_join_fn *done;
	void *arg;
};

/* 0: done() follows. -ENOMEM; RF_E_BUSY: one of the two calls is being joined already. A code above 0: that is why they
 * cannot agree; nothing has been sent that is not answered. */
int rf_join_start(const struct rf_join_order *order, struct rf_join **ret_join);
/* No more of it, done() does not come. NULL is fine. */
void rf_join_drop(struct rf_join *join);
/* Put what they agreed on in place of what m holds. */
void rf_join_media(struct rf_join *join, struct rf_media *m);
struct rf_leg *rf_join_src(const struct rf_join *join);
/* given: the answer, as it goes to who gave the offer. Good within done(). */
struct rf_view rf_join_answer(const struct rf_join *join);

/* Answer the INVITE of a leg that takes over a place (leg->srv) with 200 and this description. False: it cannot be. */
bool rf_join_answer_invite(struct rf_leg *leg, struct rf_view sdp);

/* --- for the other machines */

/* A call that is concerned ends. */
void rf_join_lost(struct rf_call *call);
/* An ACK of this leg came: the answer of dst, who called without an offer, or what a join waited for. */
void rf_join_ack(struct rf_leg *leg, struct rf_view sdp);

#endif
