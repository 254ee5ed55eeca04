/* The other leg answers what crossed: who asked gets what that means to it. What the phones agreed on before stands
 * until both have agreed on something else. */
#include "call/anchor.h"
#include "call/border.h"
#include "call/midcall_int.h"

static void answer(struct rf_relay *relay, unsigned code, struct rf_view headers, struct rf_view sdp)
{
	struct rf_srv *srv = relay->srv;

	if (!srv)
		return;
	if (!(relay->method == RF_SIP_INVITE && code < 300)) {
		rf_srv_watch(srv, NULL, NULL);
		relay->srv = NULL;
	}
	rf_answer(rf_leg_core(relay->from), srv, code, RF_V(""), RF_V(""), headers, sdp);
}

void rf_mid_refuse(struct rf_relay *relay, unsigned code)
{
	struct rf_call_core *core = rf_leg_core(relay->from);
	struct rf_view headers = { NULL, 0 };
	struct rf_writer w;

	if (rf_mid_has_offers(relay->method)) {
		rf_offer_sent(&relay->from->offer, rf_mid_kind_of(relay->method, false), false);
		rf_media_failed(&relay->pair->media);
	}
	rf_writer_init(&w, core->head, sizeof core->head);
	if (code == 491 || code == 500)
		rf_core_put_retry_after(&w, rf_offer_retry_after_s(core->random));
	rf_writer_done(&w, &headers);
	if (code == 491)
		core->counters.glare++;
	answer(relay, code, headers, RF_V(""));
}

/* What the other phone's refusal means to the one who asked: the session goes on as it was. */
static unsigned code_across(unsigned code)
{
	static const uint16_t as_is[] = { 415, 486, 488, 491, 603, 469 };

	for (size_t i = 0; i < sizeof as_is / sizeof *as_is; i++)
		if (code == as_is[i])
			return code;
	if (code == 606)
		return 488;
	return code < 500 ? 488 : 500;
}

static void ended_there(struct rf_relay *relay, unsigned code)
{
	struct rf_call *call = relay->pair->call;
	struct rf_leg *dead = relay->to;

	rf_mid_refuse(relay, 481);
	rf_dialog_end(dead->dlg);
	dead->bye = RF_BYE_DONE;
	call->core->counters.peers_dead++;
	rf_end(call, dead, RF_ENDED_SYSTEM, code, "phone lost the call", RF_V("SIP;cause=481"));
}

static void refresh_target(struct rf_relay *relay)
{
	struct rf_call_core *core = rf_leg_core(relay->from);

	if (relay->message && rf_sip_msg_parse(core->again, rf_view_of(relay->message, relay->message_n),
					       RF_SIP_DATAGRAM, NULL) == 0)
		rf_dialog_refresh(relay->from->dlg, core->again);
}

void rf_mid_note_hold(struct rf_pair *pair)
{
	bool held = pair->media.offer && rf_sdp_summary_held(pair->media.offer);

	if (held != pair->held)
		rf_record_call(pair->call, held ? RF_EVENT_CALL_HOLD : RF_EVENT_CALL_RESUME);
	pair->held = held;
}

static void answer_ok(struct rf_relay *relay, struct rf_view sdp)
{
	struct rf_leg *from = relay->from;
	struct rf_call_core *core = rf_leg_core(from);
	struct rf_view headers;
	struct rf_writer w;

	rf_writer_init(&w, core->head, sizeof core->head);
	if (rf_mid_has_offers(relay->method)) {
		rf_leg_put_self(from, &w);
		rf_put_timer_answer(&w, &relay->timer);
	}
	if (rf_writer_done(&w, &headers)) {
		rf_mid_refuse(relay, 500);
		return;
	}
	if (rf_mid_has_offers(relay->method)) {
		refresh_target(relay);
		rf_offer_sent(&from->offer, rf_mid_kind_of(relay->method, true), sdp.n > 0);
		if (relay->method != RF_SIP_PRACK)
			rf_stimer_answered(&from->stimer, &relay->timer, rf_core_now(core));
		rf_leg_keep_sdp(from, sdp);
	}
	if (relay->method == RF_SIP_INVITE)
		from->ack_due = true;
	answer(relay, 200, headers, sdp);
}

/* A 2xx of the other leg to INVITE or UPDATE. Not 0: the call cannot go on, and why. */
static unsigned take_ok(struct rf_relay *relay, const struct rf_sip_msg *msg)
{
	struct rf_leg *from = relay->from, *to = relay->to;
	struct rf_media *media = &relay->pair->media;
	struct rf_call_core *core = rf_leg_core(from);
	enum rf_sdp_rule rule = RF_SDP_RULE_OK;
	struct rf_view sdp, out = { NULL, 0 };
	enum rf_offer_role role = RF_OFFER_NO_SDP;
	unsigned code;

	bool bad = rf_sdp_of(msg, &sdp) ||
		   rf_offer_got(&to->offer, rf_mid_kind_of(relay->sent, true), sdp.n > 0, &role, &code);

	rf_leg_learn(to, msg);
	rf_leg_timer_2xx(to, msg);
	if (!bad && role == RF_OFFER_OFFER)
		rule = rf_media_offer(core, media, rf_leg_secure(to), rf_leg_secure(from), sdp, &out);
	else if (!bad && role == RF_OFFER_ANSWER)
		rule = rf_media_answer(core, media, rf_leg_secure(to), rf_leg_secure(from), sdp, &out);
	relay->wait_ack = !bad && role == RF_OFFER_OFFER && rule == RF_SDP_RULE_OK;
	to->ack_owed = relay->sent == RF_SIP_INVITE;
	if (to->ack_owed && !relay->wait_ack) {
		/* the description is in core->sdp_out, which an ACK does not touch */
		rf_leg_ack(to, relay->cli, RF_V(""));
	}
	if (bad || rule != RF_SDP_RULE_OK) {
		if (rule != RF_SDP_RULE_OK)
			rf_record_media(relay->pair->call, rule, to);
		return bad ? 488 : rf_sdp_rule_status(rule);
	}
	if (role == RF_OFFER_ANSWER) {
		rf_mid_note_hold(relay->pair);
		rf_media_settled(media);
	}
	if (relay->ours)
		rf_news_answered(relay->from, sdp, out);
	else
		answer_ok(relay, out);
	return 0;
}

/* What the phones of this pair send each other is not known any more. A fork that lost, or still rings, goes alone. */
static void give_up(struct rf_pair *pair, unsigned code)
{
	if (pair->call->up == pair)
		rf_end_media(pair->call, code);
	else if (pair->state != RF_PAIR_OVER)
		rf_setup_kill_pair(pair, code == 500 ? 500 : 488, RF_SDP_RULE_OK);
}

static void relay_ok(struct rf_relay *relay, const struct rf_sip_msg *msg)
{
	rf_dialog_response(relay->to->dlg, msg);
	if (!rf_mid_has_offers(relay->method)) {
		answer_ok(relay, RF_V(""));
		return;
	}
	unsigned code = take_ok(relay, msg);

	if (code) {
		rf_mid_refuse(relay, code == 500 ? 500 : 488);
		give_up(relay->pair, code);
	}
}

static void news_refused(struct rf_relay *relay, unsigned status)
{
	rf_media_failed(&relay->pair->media);
	if (!rf_news_refused(relay->from, status))
		rf_end_media(relay->pair->call, 488);
}

void rf_mid_put_back(struct rf_relay *relay)
{
	struct rf_leg *to = relay->to;

	if (!relay->before)
		return;
	rf_sdp_drop(&to->sdp, &to->sdp_n);
	to->sdp = relay->before;
	to->sdp_n = relay->before_n;
	relay->before = NULL;
	relay->before_n = 0;
}

static void relay_refused(struct rf_relay *relay, unsigned status)
{
	enum rf_offer_role role;
	unsigned code;

	if (rf_mid_has_offers(relay->sent)) {
		rf_offer_got(&relay->to->offer, rf_mid_kind_of(relay->sent, false), false, &role, &code);
		rf_mid_put_back(relay);
	}
	if ((status == 481 || status == 408) && relay->pair->call->up == relay->pair)
		ended_there(relay, status);
	else if (relay->ours)
		news_refused(relay, status);
	else
		rf_mid_refuse(relay, code_across(status));
}

void rf_mid_relay_check(struct rf_relay *relay)
{
	if (!relay->srv && !relay->cli && !relay->wait_ack && !relay->held)
		rf_mid_relay_free(relay);
}

void rf_mid_relay_event(void *arg, struct rf_cli *cli, const struct rf_cli_event *e)
{
	struct rf_relay *relay = arg;
	struct rf_call *call = relay->pair->call;

	switch (e->kind) {
	case RF_CLI_RESPONSE:
		if (e->msg->status < 200 || relay->answered)
			return;
		relay->held = true; /* first: from in there it may come again at once, and the relay be gone */
		if (rf_anchor_holds_response(relay->to, relay->has_sdp, rf_mid_relay_event, relay, cli, e))
			return;
		relay->held = false;
		rf_leg_heard(relay->to, e->from);
		relay->answered = true;
		if (e->msg->status < 300)
			relay_ok(relay, rf_border_heard(relay->to, e->msg));
		else
			relay_refused(relay, rf_leg_login_asked(relay->to, e->msg) ? 491 : e->msg->status);
		break;
	case RF_CLI_TIMEOUT:
	case RF_CLI_FAILED:
		if (relay->answered)
			break;
		relay->answered = true; /* first: see below */
		relay_refused(relay, e->kind == RF_CLI_TIMEOUT ? 408 : 503);
		break;
	case RF_CLI_GONE:
		relay->cli = NULL;
		break;
	}
	/* rf_end() frees the relays of an ending call: relay may be gone here */
	if (call->state < RF_CALL_ENDING) {
		struct rf_pair *pair = relay->pair;

		rf_mid_relay_check(relay);
		if (call->state < RF_CALL_ANSWERED)
			rf_early_go_on(pair);
	}
	rf_call_settle(call);
}

void rf_mid_relay_srv_event(void *arg, struct rf_srv *srv, enum rf_srv_event event)
{
	struct rf_relay *relay = arg;
	struct rf_call *call = relay->pair->call;

	(void)srv;
	switch (event) {
	case RF_SRV_CANCELLED:
		/* The other phone decides: its 487, or a 2xx that was quicker, is what the canceller gets. */
		if (relay->cli)
			rf_cli_cancel(relay->cli, RF_V(""));
		break;
	case RF_SRV_NO_ACK:
		call->core->counters.acks_missing++;
		relay->from->ack_due = false;
		rf_end(call, NULL, RF_ENDED_SYSTEM, 408, "no ACK", RF_V("SIP;cause=408;text=\"ACK timeout\""));
		break;
	case RF_SRV_GONE:
		relay->srv = NULL;
		rf_mid_relay_check(relay);
		break;
	default:
		break;
	}
	rf_call_settle(call);
}

