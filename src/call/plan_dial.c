#include "call/plan_dial.h"

#include "call/trunk.h"
#include "call/emergency.h"

static int number(struct rf_plan *plan, const struct rf_dialled *to)
{
	return rf_plan_number(plan, to->d->number, to->cause);
}

static int group(struct rf_plan *plan, const struct rf_dialled *to)
{
	return rf_plan_group(plan, to->d->group, to->cause);
}

static rf_plan_push_fn *const push[] = {
	[RF_DIAL_NUMBER] = number,
	[RF_DIAL_GROUP] = group,
	[RF_DIAL_OUTSIDE] = rf_trunk_dialled,
	[RF_DIAL_EMERGENCY] = rf_plan_emergency,
	[RF_DIAL_EMERGENCY_TEST] = rf_plan_emergency_test,
};

static bool decide(struct rf_plan *plan, const struct rf_dial_who *who, struct rf_view text, bool trail)
{
	struct rf_call_core *core = plan->core;
	const struct rf_dial_ask ask = {
		.directory = core->directory, .who = *who, .dialled = text, .now = rf_core_wall(core), .trail = trail,
	};

	rf_dial(&ask, &core->dial);
	return core->dial.kind != RF_DIAL_REFUSED;
}

int rf_plan_dial(struct rf_plan *plan, const struct rf_dial_who *who, struct rf_view text, unsigned cause)
{
	const struct rf_dial *d = &plan->core->dial;
	const struct rf_dialled to = { .who = who, .text = text, .d = d, .cause = cause };

	if (!decide(plan, who, text, false)) {
		decide(plan, who, text, true); /* once more, with its reasons: a refusal is rarer than a call */
		return RF_E_DENIED;
	}
	rf_plan_push_fn *fn = (size_t)d->kind < sizeof push / sizeof *push ? push[d->kind] : NULL;

	if (fn)
		return fn(plan, &to);
	rf_plan_refuse(plan, 503, "this version does not place such calls", rf_dial_kind_name(d->kind));
	return RF_E_UNSUPPORTED;
}
