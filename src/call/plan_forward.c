/* Where a forward leads. Whoever forwards a call makes it: what they may not dial they may not forward to, whoever the
 * caller is, and this is decided when the call comes, not when the forward is set. */
#include "call/call_int.h"
#include "call/plan_dial.h"

bool rf_plan_forwards_to(enum rf_dial_kind kind)
{
	return kind == RF_DIAL_NUMBER || kind == RF_DIAL_GROUP || kind == RF_DIAL_OUTSIDE || kind == RF_DIAL_VOICEMAIL;
}

/* Emergency calls are made by people, codes by phones: neither by a forward, which anybody may set off. */
static bool is_no_place(struct rf_plan *plan, const struct rf_dial_who *who, struct rf_view to)
{
	struct rf_dial *d = &plan->core->dial;
	const struct rf_dial_ask ask = {
		.directory = plan->core->directory, .who = *who, .dialled = to, .now = rf_core_wall(plan->core),
	};

	rf_dial(&ask, d);
	return d->kind != RF_DIAL_REFUSED && !rf_plan_forwards_to(d->kind);
}

/* Where people prove who they are, what they forward counts as theirs, with what they call themselves. */
static struct rf_view user_of(const struct rf_call_core *core, struct rf_view number)
{
	const struct rf_dir_user *const *users;
	const struct rf_dir_phone *const *phones;
	bool proven =
		rf_core_site(core)->policy.require_user || !rf_directory_phones_of(core->directory, number, &phones);

	return proven && rf_directory_users_of(core->directory, number, &users) == 1 ? users[0]->name : RF_V("");
}

int rf_plan_forward(struct rf_plan *plan, struct rf_view by, struct rf_view to, unsigned cause)
{
	const struct rf_dial_who who = { .number = by, .user = user_of(plan->core, by) };

	if (rf_view_eq(to, plan->caller->number)) {
		rf_plan_refuse(plan, 486, "forwarded to the caller", "forward-caller");
		return RF_E_DENIED;
	}
	if (is_no_place(plan, &who, to)) {
		rf_plan_refuse(plan, 403, "forward to a number that may not be called", "forward-emergency-or-code");
		return RF_E_DENIED;
	}
	int rc = rf_plan_dial(plan, &who, to, cause);

	if (rc == RF_E_DENIED) {
		rf_record_dial_refused(plan->core, &who, to);
		rf_plan_refuse(plan, 403, "forward to a number that may not be called", "forward-denied");
	}
	return rc;
}
