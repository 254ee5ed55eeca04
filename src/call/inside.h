/* Calls between the workers of one process. A dialog, a call that rings, a parked one belong to the worker that they
 * began on; who wants to have to do with one of another worker's is led there by a call of its own, over a flow that
 * exists only inside (ua/flow.h): an INVITE that says in header lines of ours what is wanted and by whose right. Such
 * lines mean nothing in a message that came by any other flow, and nothing from outside can come by that one.
 *
 *	here    phone ==== leg over the inside flow
 *	there              leg over the inside flow ==== who rings, is parked, or is at the other end of the dialog
 *
 * docs/decisions/0033-transfer.md says why legs are not carried over instead. */
#ifndef RF_CALL_INSIDE_H
#define RF_CALL_INSIDE_H

#include "call/call_int.h"
#include "sip/replaces.h"

enum rf_inside_what { RF_INSIDE_REPLACE, RF_INSIDE_PICKUP, RF_INSIDE_RETRIEVE };

struct rf_inside_order {
	enum rf_inside_what what;
	struct rf_party *by;          /* by whose right */
	struct rf_party *as;          /* who will be there; NULL: who asks */
	struct rf_view number;        /* pickup (empty: of the own group), retrieve: the slot;
				       * replace: for the record */
	const struct rf_replaces *replaces;
	int worker;                   /* -1: all others, one after the other */
};

/* The worker that a tag of ours belongs to, when that is another one; else -1. */
int rf_inside_owner(const struct rf_call_core *core, struct rf_view tag);
/* How many other workers there are. */
unsigned rf_inside_others(const struct rf_call_core *core);
/* A plan that leads there. -ENOMEM. */
int rf_inside_plan(struct rf_call_core *core, const struct rf_inside_order *order, struct rf_plan **ret_plan);
/* The INVITE of a phone, proven, led there; by of the order is not looked at. */
void rf_inside_invite(struct rf_call_core *core, struct rf_in *in, const struct rf_inside_order *order);
/* A request outside a dialog that came by the inside flow. */
void rf_inside_request(struct rf_call_core *core, struct rf_in *in);

#endif
