/* Where a forward leads. Whoever forwards a call makes it: what they may not dial they may not forward to, whoever the
 * caller is, and this is decided when the call comes, not when the forward is set. */
#include "call/call_int.h"
#include "call/plan_dial.h"

int rf_plan_forward(struct rf_plan *plan, struct rf_view by, struct rf_view to, unsigned cause)
{
	const struct rf_dial_who who = { .number = by };

	if (rf_view_eq(to, plan->caller->number)) {
		rf_plan_refuse(plan, 486, "forwarded to the caller", "forward-caller");
		return RF_E_DENIED;
	}
	int rc = rf_plan_dial(plan, &who, to, cause);

	if (rc == RF_E_DENIED) {
		rf_record_dial_refused(plan->core, &who, to);
		rf_plan_refuse(plan, 403, "forward to a number that may not be called", "forward-denied");
	}
	return rc;
}
