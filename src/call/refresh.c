/* A leg's session timer (RFC 4028): our refreshes, and the end when nobody refreshes. A refresh changes nothing, so it
 * stays on its leg: UPDATE without a description where the phone takes UPDATE, else a re-INVITE with the description
 * that the phone had last. */
#include "call/call_int.h"

static void take_2xx(struct rf_leg *leg, struct rf_cli *cli, const struct rf_sip_msg *msg, bool invite)
{
	enum rf_offer_role role = RF_OFFER_NO_SDP;
	struct rf_view sdp;
	unsigned code;

	if (rf_sdp_of(msg, &sdp))
		sdp = RF_V("");
	rf_dialog_response(leg->dlg, msg);
	rf_offer_got(&leg->offer, invite ? RF_OFFER_INVITE_2XX : RF_OFFER_UPDATE_2XX, sdp.n > 0, &role, &code);
	rf_leg_learn(leg, msg);
	rf_leg_timer_2xx(leg, msg);
	if (!invite)
		return;
	rf_leg_ack(leg, cli, RF_V(""));
	/* a media relay keeps what the legs agreed on: nothing is new in that */
	code = sdp.n && role == RF_OFFER_ANSWER && !leg->pair->call->anchor ? rf_news_refreshed(leg, sdp) : 0;
	if (code)
		rf_end_media(leg->pair->call, code);
}

static void take_refusal(struct rf_leg *leg, unsigned status, const struct rf_sip_msg *msg, bool invite)
{
	struct rf_call *call = leg->pair->call;
	struct rf_call_core *core = call->core;
	struct rf_stimer_policy policy = rf_leg_timer_policy(leg);
	enum rf_offer_role role;
	uint32_t min_s;
	unsigned code;

	rf_offer_got(&leg->offer, invite ? RF_OFFER_INVITE_FAIL : RF_OFFER_UPDATE_FAIL, false, &role, &code);
	/* a trunk that cannot be reached by its name is gone as one that does not answer */
	if (status == 481 || status == 408 || (status == 503 && !msg && rf_party_is_far(leg->party))) {
		leg->bye = RF_BYE_DONE;
		rf_dialog_end(leg->dlg);
		core->counters.peers_dead++;
		rf_end(call, leg, RF_ENDED_SYSTEM, status, "phone vanished",
		       RF_V("SIP;cause=408;text=\"Phone vanished\""));
		return;
	}
	if (status == 422 && msg && rf_sip_msg_min_se(msg, &min_s) == 0)
		rf_stimer_asked_422(&leg->stimer, &policy, min_s);
	rf_stimer_asked_failed(&leg->stimer, rf_core_now(core));
	if (msg && rf_leg_login_asked(leg, msg))
		leg->again_at = rf_core_now(core);
	if (status == 491 || status == 422)
		leg->again_at = rf_mono_add_ms(rf_core_now(core),
					       rf_offer_glare_ms(rf_dialog_is_caller(leg->dlg), core->random));
}

static void refresh_event(struct rf_leg *leg, struct rf_cli *cli, const struct rf_cli_event *e, bool invite)
{
	struct rf_call *call = leg->pair->call;

	if (e->kind == RF_CLI_RESPONSE && e->msg->status < 200)
		return;
	if (e->kind == RF_CLI_RESPONSE)
		rf_leg_heard(leg, e->from);
	if (e->kind == RF_CLI_RESPONSE && e->msg->status < 300)
		take_2xx(leg, cli, e->msg, invite);
	else if (e->kind == RF_CLI_RESPONSE)
		take_refusal(leg, e->msg->status, e->msg, invite);
	else if (e->kind == RF_CLI_TIMEOUT)
		take_refusal(leg, 408, NULL, invite);
	else if (e->kind == RF_CLI_FAILED)
		take_refusal(leg, 503, NULL, invite);
	if (leg->own == cli) {
		if (e->kind != RF_CLI_GONE)
			rf_cli_drop(cli);
		leg->own = NULL;
	}
	rf_call_settle(call);
}

static void invite_event(void *arg, struct rf_cli *cli, const struct rf_cli_event *e)
{
	refresh_event(arg, cli, e, true);
}

static void update_event(void *arg, struct rf_cli *cli, const struct rf_cli_event *e)
{
	refresh_event(arg, cli, e, false);
}

void rf_refresh_send(struct rf_leg *leg)
{
	struct rf_call_core *core = rf_leg_core(leg);
	bool invite = !leg->allows_update;
	enum rf_sip_method method = invite ? RF_SIP_INVITE : RF_SIP_UPDATE;
	enum rf_offer_msg kind = invite ? RF_OFFER_INVITE : RF_OFFER_UPDATE;
	struct rf_view sdp = invite ? rf_view_of(leg->sdp, leg->sdp_n) : RF_V("");
	enum rf_offer_role role;
	struct rf_writer w;

	leg->again_at = (struct rf_mono){ 0 };
	if ((invite && !leg->sdp) || leg->own || leg->ack_due || leg->ack_owed ||
	    rf_offer_can_send(&leg->offer, kind, &role) ||
	    (leg->gone_at.us && !rf_leg_find_again(leg))) {
		leg->again_at = rf_mono_add_ms(rf_core_now(core), 2000);
		return;
	}
	int rc = rf_leg_begin(leg, method, &w);

	if (!rc) {
		rf_leg_put_timer(leg, &w);
		rc = rf_offer_sent(&leg->offer, kind, sdp.n > 0);
	}
	if (!rc) {
		rc = rf_leg_send(leg, &w, sdp.n ? RF_V("application/sdp") : RF_V(""), sdp,
				 invite ? invite_event : update_event, leg, &leg->own);
		if (rc)
			rf_leg_unsent(leg, method);
	}
	if (rc)
		rf_stimer_asked_failed(&leg->stimer, rf_core_now(core));
}

void rf_refresh_step(struct rf_leg *leg, struct rf_mono now)
{
	struct rf_call *call = leg->pair->call;

	if (call->state != RF_CALL_ANSWERED || !leg->dlg || leg->bye)
		return;
	if (leg->again_at.us && rf_mono_due(leg->again_at, now)) {
		rf_refresh_send(leg);
		return;
	}
	switch (rf_stimer_step(&leg->stimer, now)) {
	case RF_STIMER_REFRESH:
		rf_refresh_send(leg);
		break;
	case RF_STIMER_EXPIRED:
		call->core->counters.peers_dead++;
		rf_end(call, NULL, RF_ENDED_SYSTEM, 408, "session timer expired",
		       RF_V("SIP;cause=408;text=\"Session timer expired\""));
		break;
	case RF_STIMER_WAIT:
		break;
	}
}

struct rf_mono rf_refresh_next(const struct rf_leg *leg)
{
	struct rf_mono at = rf_stimer_next(&leg->stimer);

	return leg->again_at.us ? rf_mono_first(at, leg->again_at) : at;
}
