/* Where a call comes from: whoever waits for the outcome of its setup.
 *
 * Most calls come from an INVITE: a transaction of a phone that waits, which caller.c answers. Others are made by us:
 * for a leg that is in a call already (a transfer, a parked call that comes back), or for nobody (a notification). For
 * all of them setup.c walks through the plan and tells the origin what happens:
 *
 *	ringing     as often as there is something new: 180, 181, 183, ...
 *	answered    once at most: somebody took the call
 *	refused     once at most, and instead of answered: nobody did, or the call was abandoned
 *	gone        always last, when the call is freed; whatever became of it
 *
 * After answered() or refused() of ours the call lives on by itself as every call does. An origin that loses interest
 * calls rf_setup_abandon(), which calls refused() before it returns.
 *
 * A call that we make, with rf_setup_make(), and leg a of its pairs: it has no dialog, only party and flow. It stands
 * for the leg that will be there, and a->sdp is what that leg is to be given: the answer to the offer that the order
 * brought, or (pair->offer_in_2xx) an offer of the called phone, whose ACK is still owed (b->ack_owed) and wants an
 * answer: rf_leg_ack(). In answered() the origin puts a leg with a dialog in its place, or leaves it so, and calls
 * rf_setup_taken(); or it calls rf_setup_kill_pair(), after which the plan goes on to the next step. It may do so
 * later, too: until then the pair stays RF_PAIR_HELD. */
#ifndef RF_CALL_ORIGIN_H
#define RF_CALL_ORIGIN_H

#include "base/view.h"
#include "ua/flow.h"

struct rf_call;
struct rf_call_core;
struct rf_pair;
struct rf_party;
struct rf_plan;

/* Static tables; the call has origin and origin_arg. Functions may be NULL but for waits, answered and refused. */
struct rf_origin {
	/* Does it still want an answer? */
	bool (*waits)(const struct rf_call *call);
	/* sdp: early media or empty; in core memory. */
	void (*ringing)(struct rf_pair *pair, unsigned code, struct rf_view sdp);
	/* The 2xx is in, acknowledged unless offer_in_2xx; media has passed the policy. */
	void (*answered)(struct rf_pair *pair);
	/* Nobody took it. headers: lines for a response, may be empty. */
	void (*refused)(struct rf_call *call, unsigned code, struct rf_view headers);
	/* The call is freed after this. */
	void (*gone)(struct rf_call *call);
};

/* The origin of an INVITE: answers call->srv. */
extern const struct rf_origin rf_caller_origin;

/* A call that we make. Views are copied. */
struct rf_setup_order {
	struct rf_party *caller;        /* in whose name: From, record, count of calls. A reference is taken */
	struct rf_party *shown;         /* who is said to call; NULL: the caller. A reference is taken */
	struct rf_plan *plan;           /* taken, also on failure */
	const struct rf_origin *origin;
	void *arg;
	struct rf_view dialled;         /* for the record */
	struct rf_view offer;           /* as its side gave it: it passes the media policy anew. Empty:
					 * the INVITE has none */
	struct rf_flow flow;            /* of who that is: keys pass from TLS to TLS. kind NONE: none, not secure */
	struct rf_view headers;         /* lines for each INVITE (Referred-By, Replaces, ...), may be empty */
	bool anonymous;
	uint8_t moves;                  /* transfers that led to it */
	uint8_t hops;                   /* Max-Forwards; 0: 70 */
};

/* Begin. 0: the call is on its way, and the origin hears of it, maybe already within this. RF_E_LIMIT (too many calls),
 * -ENOMEM, RF_E_NOT_FOUND: the plan had no step at all (*ret_code says why): no call, no word to the origin. */
int rf_setup_make(struct rf_call_core *core, const struct rf_setup_order *order, struct rf_call **ret_call,
		  unsigned *ret_code);
/* answered() has done its part: the call is up with this pair, its other forks are cancelled. */
void rf_setup_taken(struct rf_pair *pair);

#endif
