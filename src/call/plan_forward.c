/* Where a forward leads. Whoever forwards a call makes it: what they may not dial they may not forward to, whoever the
 * caller is, and this is decided when the call comes, not when the forward is set. */
#include "call/call_int.h"

int rf_plan_forward(struct rf_plan *plan, struct rf_view by, struct rf_view to, unsigned cause)
{
	const struct rf_site_group *group = rf_site_group(rf_core_site(plan->core), to);

	if (rf_view_eq(to, plan->caller->number)) {
		rf_plan_refuse(plan, 486, "forwarded to the caller", "forward-caller");
		return RF_E_DENIED;
	}
	if (group)
		return rf_plan_group(plan, group, cause);
	if (rf_directory_number(plan->core->directory, to))
		return rf_plan_number(plan, to, cause);
	(void)by;
	rf_plan_refuse(plan, 403, "forward to a number that may not be called", "forward-outside");
	return RF_E_DENIED;
}
