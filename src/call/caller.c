/* The caller's side of a call that began with an INVITE: the origin (origin.h) that is a transaction of a phone which
 * waits. What it is told is answered here; what it does (CANCEL, no ACK, no PRACK) is told to the call. */
#include "call/call_int.h"
#include "call/trunk.h"

static bool caller_waits(const struct rf_call *call)
{
	return call->srv && !rf_srv_answered(call->srv);
}

void rf_caller_event(void *arg, struct rf_srv *srv, enum rf_srv_event event)
{
	struct rf_call *call = arg;

	(void)srv;
	switch (event) {
	case RF_SRV_CANCELLED:
		call->ended_by = RF_ENDED_CALLER;
		rf_setup_abandon(call, "cancelled", 487, RF_V(""));
		break;
	case RF_SRV_NO_ACK:
		if (call->up) {
			call->core->counters.acks_missing++;
			call->up->a->ack_due = false;
			rf_end(call, NULL, RF_ENDED_SYSTEM, 408, "no ACK", RF_V("SIP;cause=408;text=\"ACK timeout\""));
		}
		break;
	case RF_SRV_NO_PRACK:
		rf_setup_abandon(call, "no PRACK", 504, RF_V(""));
		break;
	case RF_SRV_GONE:
		call->srv = NULL;
		break;
	default:
		break;
	}
	rf_call_settle(call);
}

static struct rf_view tag_for_refusal(const struct rf_call *call)
{
	const struct rf_pair *pair = TAILQ_FIRST(&call->pairs);

	return pair && pair->a->dlg ? rf_dialog_local_tag(pair->a->dlg) : RF_V("");
}

static void refused(struct rf_call *call, unsigned code, struct rf_view headers)
{
	struct rf_view tag = tag_for_refusal(call);

	if (!caller_waits(call))
		return;
	if (code == 407)
		headers = rf_view_of(call->challenge, call->challenge_n);
	if (code == 488 && call->media_rule)
		rf_answer_media(call->core, call->srv, call->media_rule, tag);
	else
		rf_answer(call->core, call->srv, code, RF_V(""), tag, headers, RF_V(""));
}

/* Does who was reached want to stay unnamed: by what its phone says, else as its owner has set it. */
static bool hides(const struct rf_leg *b)
{
	struct rf_settings set;

	if (b->privacy)
		return b->privacy == RF_PRIVACY_HIDE;
	if (rf_party_is_far(b->party) && !rf_party_roams(b->party))
		return false;
	rf_settings_get(rf_leg_core(b)->settings, b->party->number, &set);
	return set.hide_number;
}

void rf_setup_put_callee(struct rf_pair *pair, struct rf_writer *w)
{
	if (pair->a->party->trunk.n)
		rf_trunk_put_callee(pair, w);
	else if (!hides(pair->b))
		rf_put_asserted(pair->call, pair->b->party, w);
}

static void answered(struct rf_pair *pair)
{
	struct rf_call *call = pair->call;
	struct rf_call_core *core = call->core;
	struct rf_view sdp = rf_view_of(pair->a->sdp, pair->a->sdp_n), headers;
	enum rf_offer_role role = RF_OFFER_NO_SDP;
	struct rf_writer w;

	if (rf_offer_can_send(&pair->a->offer, RF_OFFER_INVITE_2XX, &role) || role == RF_OFFER_NO_SDP ||
	    role == RF_OFFER_EXTRA || !pair->a->sdp)
		sdp = RF_V("");
	rf_writer_init(&w, core->head, sizeof core->head);
	rf_leg_put_self(pair->a, &w);
	rf_setup_put_callee(pair, &w);
	rf_put_timer_answer(&w, &call->timer_answer);
	if (rf_writer_done(&w, &headers) || !caller_waits(call)) {
		rf_setup_kill_pair(pair, 500, RF_SDP_RULE_OK);
		return;
	}
	rf_setup_taken(pair);
	rf_rel_uas_final(&pair->rel_a);
	rf_answer(core, call->srv, 200, RF_V(""), rf_dialog_local_tag(pair->a->dlg), headers, sdp);
	rf_offer_sent(&pair->a->offer, RF_OFFER_INVITE_2XX, sdp.n > 0);
	rf_dialog_answered(pair->a->dlg, 200);
	rf_stimer_answered(&pair->a->stimer, &call->timer_answer, rf_core_now(core));
	pair->a->ack_due = true;
}

const struct rf_origin rf_caller_origin = {
	.waits = caller_waits,
	.ringing = rf_early_tell,
	.answered = answered,
	.refused = refused,
};
