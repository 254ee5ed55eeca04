/* The end of an answered call: a BYE to each leg that still lives, then the records. */
#include "call/call_int.h"
#include "call/roam.h"
#include "call/join.h"
#include "call/park.h"
#include "call/tone.h"
#include "call/trunk.h"
#include "call/xfer.h"

void rf_end_relays(struct rf_pair *pair)
{
	struct rf_relay *relay;

	while ((relay = TAILQ_FIRST(&pair->relays))) {
		struct rf_srv *srv = relay->srv;

		if (srv) {
			rf_srv_watch(srv, NULL, NULL);
			if (!rf_srv_answered(srv))
				rf_srv_reply_code(srv, 487);
			relay->srv = NULL;
		}
		rf_mid_relay_free(relay);
	}
}

static void begin_end(struct rf_call *call, enum rf_ended_by by, unsigned code, const char *why)
{
	struct rf_pair *up = call->up;

	call->state = RF_CALL_ENDING;
	call->ended_by = (uint8_t)by;
	call->why = why;
	if (code)
		up->b->code = (uint16_t)code;
	up->a->end = up->b->end = rf_call_wall(call);
	call->end_until = rf_mono_add_ms(rf_core_now(call->core), RF_END_WAIT_MS);
	rf_end_relays(up);
}

static void finish_end(struct rf_call *call)
{
	rf_record_call(call, RF_EVENT_CALL_END);
	rf_xfer_lost(call);
	rf_roam_refer_free(call);
	rf_park_over(call);
	rf_join_lost(call);
}

void rf_end(struct rf_call *call, struct rf_leg *but, enum rf_ended_by by, unsigned code, const char *why,
	    struct rf_view reason)
{
	struct rf_pair *up = call->up;

	if (call->state != RF_CALL_ANSWERED || !up || (but && rf_xfer_holds(call, but)))
		return;
	begin_end(call, by, code, why);
	if (but != up->a)
		rf_leg_bye(up->a, reason);
	if (but != up->b)
		rf_leg_bye(up->b, reason);
	finish_end(call);
}

void rf_end_preempted(struct rf_call *call, struct rf_view reason)
{
	struct rf_pair *up = call->up;

	if (call->state != RF_CALL_ANSWERED || !up)
		return;
	struct rf_leg *leg[] = { up->a, up->b };

	begin_end(call, RF_ENDED_SYSTEM, 0, "preempted");
	finish_end(call);
	for (size_t i = 0; i < 2; i++) {
		rf_admission_give(leg[i]);
		rf_trunk_give_channel(leg[i]->party);
		if (!rf_leg_tone(leg[i], reason))
			rf_leg_bye(leg[i], reason);
	}
}

/* No call is better than one that one of the phones cannot hear. */
void rf_end_media(struct rf_call *call, unsigned code)
{
	bool memory = code == 500;

	rf_end(call, NULL, RF_ENDED_SYSTEM, memory ? 500 : 488, memory ? "memory" : "media-refused",
	       memory ? RF_V("SIP;cause=500") : RF_V("SIP;cause=488"));
}

static struct rf_view reason_of(const struct rf_sip_msg *msg)
{
	struct rf_view reason = rf_sip_msg_value(msg, RF_SIP_H_REASON);

	return reason.n && rf_reason_passes(reason) ? reason : RF_V("");
}

void rf_end_bye(struct rf_leg *leg, struct rf_in *in)
{
	struct rf_call *call = leg->pair->call;
	enum rf_ended_by by = rf_leg_is_a(leg) ? RF_ENDED_CALLER : RF_ENDED_CALLEE;

	if (call->state < RF_CALL_ANSWERED && !rf_leg_is_a(leg)) {
		/* the called side refuses an INVITE with a final answer, it cannot hang up (RFC 3261 15) */
		rf_core_reply(call->core, in->srv, 481, RF_V(""));
		return;
	}
	rf_core_reply(call->core, in->srv, 200, RF_V(""));
	if (call->up && call->up != leg->pair) { /* a fork that lost: its dialog ends, not the call */
		rf_dialog_end(leg->dlg);
		rf_cli_drop(leg->own);
		leg->own = NULL;
		leg->bye = RF_BYE_DONE;
	} else if (call->state < RF_CALL_ANSWERED) {
		call->ended_by = RF_ENDED_CALLER;
		rf_setup_abandon(call, "cancelled", 487, reason_of(in->msg));
	} else {
		rf_leg_tone_drop(leg);
		rf_dialog_end(leg->dlg);
		rf_cli_drop(leg->own);
		leg->own = NULL;
		leg->bye = RF_BYE_DONE;
		rf_end(call, leg, by, 200, "answered", reason_of(in->msg));
	}
	rf_call_settle(call);
}

void rf_end_flow_step(struct rf_leg *leg, struct rf_mono now)
{
	struct rf_call *call = leg->pair->call;

	if (call->state != RF_CALL_ANSWERED || !leg->gone_at.us ||
	    !rf_mono_due(rf_mono_add_ms(leg->gone_at, call->core->limits.flow_grace_ms), now))
		return;
	if (rf_leg_find_again(leg))
		return;
	rf_dialog_end(leg->dlg);
	rf_cli_drop(leg->own);
	leg->own = NULL;
	leg->bye = RF_BYE_DONE;
	call->core->counters.peers_dead++;
	rf_end(call, leg, RF_ENDED_SYSTEM, 408, "connection lost", RF_V("SIP;cause=408;text=\"Connection lost\""));
}

/* --- who may no longer be in a call */

static bool leg_stands(struct rf_call_core *core, const struct rf_leg *leg)
{
	const struct rf_party *p = leg->party;

	return rf_identity_stands(core, p->phone, p->user, p->number) &&
	       !(leg->link.serial_n &&
		 rf_directory_revoked(core->directory, rf_view_of(leg->link.serial, leg->link.serial_n)));
}

static void end_fallen_ringing(struct rf_call *call)
{
	struct rf_pair *pair, *next;

	TAILQ_FOREACH(pair, &call->pairs, list)
		if (!leg_stands(call->core, pair->a)) {
			rf_setup_abandon(call, "phone locked", 403, RF_V("SIP;cause=403;text=\"Phone locked\""));
			return;
		}
	for (pair = TAILQ_FIRST(&call->pairs); pair; pair = next) {
		next = TAILQ_NEXT(pair, list);
		if (pair->state < RF_PAIR_UP && !leg_stands(call->core, pair->b))
			rf_setup_kill_pair(pair, 480, RF_SDP_RULE_OK);
	}
}

void rf_end_fallen(struct rf_call_core *core)
{
	struct rf_call *call, *next;

	for (call = TAILQ_FIRST(&core->calls); call; call = next) {
		next = TAILQ_NEXT(call, list);
		if (call->emergency) /* ends when help has come */
			continue;
		if (call->state < RF_CALL_ANSWERED)
			end_fallen_ringing(call);
		else if (call->up && !(leg_stands(core, call->up->a) && leg_stands(core, call->up->b)))
			rf_end(call, NULL, RF_ENDED_SYSTEM, 0, "phone locked",
			       RF_V("SIP;cause=403;text=\"Phone locked\""));
		rf_call_settle(call);
	}
}
