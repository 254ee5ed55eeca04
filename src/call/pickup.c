#include "call/pickup.h"

#include "call/guest.h"

static struct rf_view group_of(struct rf_call_core *core, struct rf_view phone)
{
	const struct rf_dir_phone *p = phone.n ? rf_directory_phone(core->directory, phone) : NULL;

	return p && p->site ? p->site->pickup_group : RF_V("");
}

bool rf_pickup_may(struct rf_call_core *core, const struct rf_in *in, const struct rf_leg *leg)
{
	struct rf_view own = in->proof.phone ? group_of(core, in->proof.phone->name) : RF_V("");

	if (rf_view_eq(rf_proof_number(&in->proof), leg->party->number))
		return true;
	return own.n > 0 && rf_view_eq(own, group_of(core, leg->party->phone));
}

static bool rings(const struct rf_pair *pair)
{
	return pair->state <= RF_PAIR_EARLY && pair->invite && !pair->cancelled;
}

/* The leg that rings for them in this call; NULL. *ret_denied: one rings at the number, but they may not. */
static struct rf_leg *rings_for(struct rf_call *call, const struct rf_in *in, struct rf_view number, bool *ret_denied)
{
	struct rf_pair *pair;

	TAILQ_FOREACH(pair, &call->pairs, list) {
		if (!rings(pair) || (number.n && !rf_view_eq(pair->b->party->number, number)))
			continue;
		if (rf_pickup_may(call->core, in, pair->b))
			return pair->b;
		*ret_denied = number.n > 0;
	}
	return NULL;
}

void rf_pickup_invite(struct rf_call_core *core, struct rf_in *in, struct rf_view number)
{
	struct rf_call *call;
	bool denied = false;

	TAILQ_FOREACH(call, &core->calls, list)
		if (call->state < RF_CALL_ANSWERED && rings_for(call, in, number, &denied)) {
			rf_guest_pickup(core, in, call);
			return;
		}
	if (denied)
		rf_guest_refuse(core, in, 403, "pickup denied");
	else
		rf_guest_refuse(core, in, 404, "nothing rings");
}
