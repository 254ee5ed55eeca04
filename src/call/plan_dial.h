/* From a decision (dial.h) to the source of a plan that carries it out. A kind of decision is a row of the table in
 * plan_dial.c and a function of the file whose business it is. */
#ifndef RF_CALL_PLAN_DIAL_H
#define RF_CALL_PLAN_DIAL_H

#include "call/dial.h"
#include "call/plan.h"

/* All of it is borrowed for the call of the function. */
struct rf_dialled {
	const struct rf_dial_who *who; /* by whose right: the caller, or who forwards or transfers */
	struct rf_view text;           /* what they dialled */
	const struct rf_dial *d;
	unsigned cause;                /* as for rf_plan_hop() */
};

/* Push the source. Not 0: it has refused by rf_plan_refuse(). */
typedef int rf_plan_push_fn(struct rf_plan *plan, const struct rf_dialled *to);

/* May a forward lead to that kind of number at all? (plan_forward.c) */
bool rf_plan_forwards_to(enum rf_dial_kind kind);

/* What `who` gets by dialling this now, onto the plan. RF_E_DENIED: the decision refuses, plan->core->dial says how,
 * with its trail; the plan is as it was. Other errors: the source has refused by rf_plan_refuse(). */
int rf_plan_dial(struct rf_plan *plan, const struct rf_dial_who *who, struct rf_view text, unsigned cause);

#endif
