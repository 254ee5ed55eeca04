#include "call/pickup.h"

#include "call/dial.h"
#include "call/guest.h"
#include "call/inside.h"
#include "call/park.h"
#include "call/sub_int.h"

bool rf_pickup_may(struct rf_call_core *core, const struct rf_in *in, const struct rf_leg *leg)
{
	struct rf_view own = rf_proof_number(&in->proof);

	return own.n > 0 && !leg->party->trunk.n && rf_sub_may_pick_up(core, own, leg->party->number);
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
	if (!denied && rf_inside_others(core) && !rf_flow_is_inside(&in->from->flow)) {
		struct rf_inside_order elsewhere = { .what = RF_INSIDE_PICKUP, .number = number, .worker = -1 };

		rf_inside_invite(core, in, &elsewhere);
		return;
	}
	if (denied)
		rf_guest_refuse(core, in, 403, "pickup denied");
	else
		rf_guest_refuse(core, in, 404, "nothing rings");
}

/* --- dialled */

/* A look that costs nothing, before the dial plan is asked: most calls are to numbers. */
static bool may_be_ours(const struct rf_site_telephony *tel, struct rf_view text)
{
	static const uint8_t codes[] = { RF_FEATURE_PICKUP, RF_FEATURE_PICKUP_GROUP, RF_FEATURE_PARK,
					 RF_FEATURE_RETRIEVE };

	for (size_t i = 0; i < sizeof codes; i++)
		if (tel->codes[codes[i]].n && rf_view_starts(text, tel->codes[codes[i]]))
			return true;
	return tel->parking.last && text.n == tel->parking.digits;
}

static bool carry_out(struct rf_call_core *core, struct rf_in *in, const struct rf_dial *d)
{
	if (d->kind == RF_DIAL_PARKED) {
		rf_park_retrieve(core, in, d->number);
		return true;
	}
	if (d->kind != RF_DIAL_FEATURE)
		return false;
	switch (d->feature) {
	case RF_FEATURE_PICKUP:
	case RF_FEATURE_PICKUP_GROUP:
		rf_pickup_invite(core, in, d->number);
		return true;
	case RF_FEATURE_RETRIEVE:
		rf_park_retrieve(core, in, d->number);
		return true;
	case RF_FEATURE_PARK:
		rf_guest_refuse(core, in, 403, "one parks by a transfer");
		return true;
	default:
		return false;
	}
}

bool rf_pickup_dialled(struct rf_call_core *core, struct rf_in *in)
{
	uint8_t buf[RF_DIAL_TEXT_MAX];
	struct rf_dial_ask ask = {
		.directory = core->directory, .now = rf_core_wall(core),
		.who = { .number = rf_proof_number(&in->proof) },
	};
	struct rf_sip_addr contact;

	if (in->proof.phone)
		ask.who.phone = in->proof.phone->name;
	ask.who.roams = in->proof.phone && in->proof.host;
	if (in->proof.user)
		ask.who.user = in->proof.user->name;
	if (core->draining || in->proof.trunk || !ask.who.number.n || !rf_identity_our_host(core, &in->msg->uri) ||
	    rf_dial_text(&in->msg->uri, buf, sizeof buf, &ask.dialled) ||
	    !may_be_ours(&rf_core_site(core)->tel, ask.dialled) ||
	    rf_sip_msg_addr(in->msg, RF_SIP_H_CONTACT, &contact) || contact.star)
		return false;
	rf_dial(&ask, &core->dial);
	return carry_out(core, in, &core->dial);
}
