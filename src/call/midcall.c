/* Requests that cross an open pair: re-INVITE, UPDATE, INFO. Each is a relay: taken from one leg, made anew on the
 * other, answered when the other has answered. Whose turn it is says sip/offer.h of each leg, so two that meet in the
 * middle end as 491 for one of them (RFC 3261 14, RFC 3311 5.2). What the phones agreed on before stands until both
 * have agreed on something else. */
#include "call/anchor.h"
#include "call/border.h"
#include "call/call_int.h"
#include "call/join.h"

#include <stdlib.h>

static enum rf_offer_msg kind_of(unsigned method, bool ok)
{
	if (method == RF_SIP_INVITE)
		return ok ? RF_OFFER_INVITE_2XX : RF_OFFER_INVITE_FAIL;
	if (method == RF_SIP_PRACK)
		return ok ? RF_OFFER_PRACK_2XX : RF_OFFER_PRACK_FAIL;
	return ok ? RF_OFFER_UPDATE_2XX : RF_OFFER_UPDATE_FAIL;
}

static bool has_offers(unsigned method)
{
	return method == RF_SIP_INVITE || method == RF_SIP_UPDATE || method == RF_SIP_PRACK;
}

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

static void refuse(struct rf_relay *relay, unsigned code)
{
	struct rf_call_core *core = rf_leg_core(relay->from);
	struct rf_view headers = { NULL, 0 };
	struct rf_writer w;

	if (has_offers(relay->method)) {
		rf_offer_sent(&relay->from->offer, kind_of(relay->method, false), false);
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

/* --- the other leg answers */

static void ended_there(struct rf_relay *relay, unsigned code)
{
	struct rf_call *call = relay->pair->call;
	struct rf_leg *dead = relay->to;

	refuse(relay, 481);
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

static void note_hold(struct rf_pair *pair)
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
	if (has_offers(relay->method)) {
		rf_leg_put_self(from, &w);
		rf_put_timer_answer(&w, &relay->timer);
	}
	if (rf_writer_done(&w, &headers)) {
		refuse(relay, 500);
		return;
	}
	if (has_offers(relay->method)) {
		refresh_target(relay);
		rf_offer_sent(&from->offer, kind_of(relay->method, true), sdp.n > 0);
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

	bool bad = rf_sdp_of(msg, &sdp) || rf_offer_got(&to->offer, kind_of(relay->sent, true), sdp.n > 0, &role, &code);

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
		note_hold(relay->pair);
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
	if (!has_offers(relay->method)) {
		answer_ok(relay, RF_V(""));
		return;
	}
	unsigned code = take_ok(relay, msg);

	if (code) {
		refuse(relay, code == 500 ? 500 : 488);
		give_up(relay->pair, code);
	}
}

static void news_refused(struct rf_relay *relay, unsigned status)
{
	rf_media_failed(&relay->pair->media);
	if (!rf_news_refused(relay->from, status))
		rf_end_media(relay->pair->call, 488);
}

/* A refused offer changes nothing (RFC 3261 14.1): the next refresh offers what stood before. */
static void put_back(struct rf_relay *relay)
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

	if (has_offers(relay->sent)) {
		rf_offer_got(&relay->to->offer, kind_of(relay->sent, false), false, &role, &code);
		put_back(relay);
	}
	if ((status == 481 || status == 408) && relay->pair->call->up == relay->pair)
		ended_there(relay, status);
	else if (relay->ours)
		news_refused(relay, status);
	else
		refuse(relay, code_across(status));
}

/* A relay is over when nobody waits for anything of it. */
static void relay_check(struct rf_relay *relay)
{
	if (!relay->srv && !relay->cli && !relay->wait_ack && !relay->held)
		rf_mid_relay_free(relay);
}

static void relay_event(void *arg, struct rf_cli *cli, const struct rf_cli_event *e)
{
	struct rf_relay *relay = arg;
	struct rf_call *call = relay->pair->call;

	switch (e->kind) {
	case RF_CLI_RESPONSE:
		if (e->msg->status < 200 || relay->answered)
			return;
		relay->held = true; /* first: from in there it may come again at once, and the relay be gone */
		if (rf_anchor_holds_response(relay->to, relay->has_sdp, relay_event, relay, cli, e))
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

		relay_check(relay);
		if (call->state < RF_CALL_ANSWERED)
			rf_early_go_on(pair);
	}
	rf_call_settle(call);
}

static void relay_srv_event(void *arg, struct rf_srv *srv, enum rf_srv_event event)
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
		relay_check(relay);
		break;
	default:
		break;
	}
	rf_call_settle(call);
}

/* --- a leg asks */

/* The offer becomes what `to` has been sent; what stood before is kept until it is taken. */
static int set_aside(struct rf_relay *relay, struct rf_view sdp)
{
	struct rf_leg *to = relay->to;

	if (sdp.n == 0 || sdp.p == to->sdp)
		return 0;
	relay->before = to->sdp;
	relay->before_n = to->sdp_n;
	to->sdp = NULL;
	to->sdp_n = 0;
	return rf_leg_keep_sdp(to, sdp);
}

static int send_across(struct rf_relay *relay, const struct rf_sip_msg *msg, struct rf_view sdp)
{
	struct rf_leg *to = relay->to;
	struct rf_view type = sdp.n ? RF_V("application/sdp") : RF_V(""), body = sdp;
	struct rf_writer w;
	int rc = rf_leg_begin(to, relay->sent, &w);

	if (rc)
		return rc;
	if (has_offers(relay->sent)) {
		rf_leg_put_timer(to, &w);
		rc = rf_offer_sent(&to->offer, relay->sent == RF_SIP_INVITE ? RF_OFFER_INVITE : RF_OFFER_UPDATE, sdp.n > 0);
	} else {
		const struct rf_sip_hdr *package = rf_sip_msg_named(msg, RF_V("Info-Package"), NULL);

		if (package)
			rf_sip_put_hdr_named(&w, RF_V("Info-Package"), package->value);
		type = msg->content_type;
		body = msg->body;
	}
	if (rc)
		return rc;
	rc = set_aside(relay, sdp);
	if (!rc)
		rc = rf_leg_send(to, &w, type, body, relay_event, relay, &relay->cli);
	if (rc && has_offers(relay->sent)) {
		rf_leg_unsent(to, relay->sent);
		put_back(relay);
	}
	return rc;
}

/* INFO bodies that phones send each other: digits and requests for a video key frame. */
static bool info_passes(const struct rf_sip_msg *msg)
{
	static const struct rf_view types[] = {
		{ (const uint8_t *)"application/dtmf-relay", 22 }, { (const uint8_t *)"application/dtmf", 16 },
		{ (const uint8_t *)"audio/telephone-event", 21 }, { (const uint8_t *)"application/media_control+xml", 29 },
	};

	if (msg->body.n > 4096)
		return false;
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (rf_sip_msg_is_type(msg, types[i]))
			return true;
	return msg->body.n == 0 && msg->content_type.n == 0;
}

static void keep_message(struct rf_relay *relay, const struct rf_sip_msg *msg)
{
	struct rf_sip_addr contact;

	if (rf_sip_msg_addr(msg, RF_SIP_H_CONTACT, &contact) ||
	    rf_view_eq(contact.uri.text, rf_dialog_target(relay->from->dlg)))
		return;
	relay->message = malloc(msg->bytes.n);
	if (!relay->message)
		return;
	memcpy(relay->message, msg->bytes.p, msg->bytes.n);
	relay->message_n = (uint32_t)msg->bytes.n;
}

/* Nothing is offered: the session of this leg lives on, the other one has a timer of its own. */
static void answer_refresh(struct rf_leg *leg, struct rf_in *in, const struct rf_stimer_answer *timer)
{
	struct rf_call_core *core = rf_leg_core(leg);
	struct rf_view headers;
	struct rf_writer w;

	rf_writer_init(&w, core->head, sizeof core->head);
	rf_leg_put_self(leg, &w);
	rf_put_timer_answer(&w, timer);
	if (rf_writer_done(&w, &headers))
		return;
	rf_dialog_refresh(leg->dlg, in->msg);
	rf_offer_sent(&leg->offer, RF_OFFER_UPDATE_2XX, false);
	rf_stimer_answered(&leg->stimer, timer, rf_core_now(core));
	rf_core_reply_headers(core, in->srv, 200, RF_V(""), headers);
}

static bool timer_refused(struct rf_leg *leg, struct rf_in *in, struct rf_stimer_answer *ret_timer)
{
	struct rf_stimer_policy policy = rf_leg_timer_policy(leg);
	struct rf_stimer_request req = rf_timer_request(in->msg);
	struct rf_call_core *core = rf_leg_core(leg);
	struct rf_view headers = { NULL, 0 };
	struct rf_writer w;

	*ret_timer = rf_stimer_answer(&leg->stimer, &policy, &req);
	if (ret_timer->code == 0)
		return false;
	rf_writer_init(&w, core->head, sizeof core->head);
	rf_sip_put_hdr_u64(&w, RF_SIP_H_MIN_SE, ret_timer->min_s);
	rf_writer_done(&w, &headers);
	rf_core_reply_headers(core, in->srv, ret_timer->code, RF_V(""), headers);
	return true;
}

/* Which method the other phone understands; 0: none. A PRACK is of one leg only, an offer in it goes on as UPDATE. Only
 * once the phone has answered may UPDATE become INVITE. */
static unsigned method_there(const struct rf_relay *relay)
{
	if (relay->method == RF_SIP_PRACK)
		return relay->to->allows_update ? RF_SIP_UPDATE : 0;
	if (relay->method != RF_SIP_UPDATE || relay->to->allows_update)
		return relay->method;
	return relay->pair->state == RF_PAIR_UP ? RF_SIP_INVITE : 0;
}

static void cross(struct rf_relay *relay, struct rf_in *in, struct rf_view sdp)
{
	struct rf_leg *from = relay->from, *to = relay->to;
	struct rf_call_core *core = rf_leg_core(from);
	enum rf_offer_role role;
	struct rf_view out = { NULL, 0 };
	unsigned sent = method_there(relay);

	if (!sent || !to->dlg || to->bye || to->gone_at.us) {
		refuse(relay, sent ? 480 : 488);
		return;
	}
	relay->sent = (uint8_t)sent;
	if (has_offers(sent)) {
		enum rf_offer_msg kind = sent == RF_SIP_INVITE ? RF_OFFER_INVITE : RF_OFFER_UPDATE;

		if (to->ack_due || to->own || rf_offer_can_send(&to->offer, kind, &role)) {
			refuse(relay, 491);
			return;
		}
		enum rf_sdp_rule rule = sdp.n ? rf_media_offer(core, &relay->pair->media, rf_leg_secure(from),
							       rf_leg_secure(to), sdp, &out) :
						RF_SDP_RULE_OK;

		if (rule != RF_SDP_RULE_OK) {
			rf_record_media(relay->pair->call, rule, from);
			rf_offer_sent(&from->offer, kind_of(relay->method, false), false);
			rf_srv_watch(relay->srv, NULL, NULL);
			rf_answer_media(core, relay->srv, rule, RF_V(""));
			relay->srv = NULL;
			return;
		}
	}
	if (send_across(relay, in->msg, out))
		refuse(relay, 500);
}

static void begin(struct rf_leg *leg, struct rf_in *in, struct rf_view sdp, const struct rf_stimer_answer *timer)
{
	struct rf_relay *relay = rf_mid_relay_new(leg, in->srv, in->msg->method);

	if (!relay) {
		rf_core_reply(rf_leg_core(leg), in->srv, 500, RF_V(""));
		return;
	}
	relay->has_sdp = sdp.n > 0;
	if (timer)
		relay->timer = *timer;
	rf_srv_watch(in->srv, relay_srv_event, relay);
	if (relay->method != RF_SIP_PRACK)
		keep_message(relay, in->msg);
	cross(relay, in, sdp);
	relay_check(relay);
}

bool rf_mid_prack(struct rf_leg *leg, struct rf_in *in, struct rf_view sdp)
{
	struct rf_leg *to = rf_leg_other(leg);
	enum rf_offer_role role;

	if (leg->pair->state != RF_PAIR_EARLY || !to->allows_update || to->own || to->bye || to->gone_at.us ||
	    rf_offer_can_send(&to->offer, RF_OFFER_UPDATE, &role) || role != RF_OFFER_OFFER)
		return false;
	begin(leg, in, sdp, NULL);
	return true;
}

int rf_mid_tell(struct rf_leg *from, struct rf_view sdp)
{
	struct rf_leg *to = rf_leg_other(from);
	struct rf_media *media = &from->pair->media;
	bool update = to->allows_update;
	enum rf_offer_role role;
	struct rf_view out;

	if (to->bye || to->gone_at.us || to->own || to->ack_due || to->ack_owed || media->offer ||
	    rf_offer_can_send(&to->offer, update ? RF_OFFER_UPDATE : RF_OFFER_INVITE, &role) || role != RF_OFFER_OFFER)
		return RF_E_BUSY;
	struct rf_relay *relay = rf_mid_relay_new(from, NULL, update ? RF_SIP_UPDATE : RF_SIP_INVITE);

	if (!relay)
		return -ENOMEM;
	relay->ours = relay->has_sdp = true;
	enum rf_sdp_rule rule = rf_media_offer(rf_leg_core(from), media, rf_leg_secure(from), rf_leg_secure(to), sdp, &out);
	int rc = rule != RF_SDP_RULE_OK ? RF_E_INVALID : send_across(relay, NULL, out);

	if (rc) {
		rf_media_failed(media);
		rf_mid_relay_free(relay);
	}
	return rc;
}

bool rf_mid_open(const struct rf_pair *pair)
{
	const struct rf_relay *relay;

	TAILQ_FOREACH(relay, &pair->relays, list)
		if (has_offers(relay->method) && !relay->answered)
			return true;
	return false;
}

static void take_offer(struct rf_leg *leg, struct rf_in *in)
{
	struct rf_call_core *core = rf_leg_core(leg);
	bool update = in->msg->method == RF_SIP_UPDATE;
	struct rf_stimer_answer timer;
	enum rf_offer_role role;
	struct rf_view sdp;
	unsigned code = rf_sdp_of(in->msg, &sdp);

	if (code) {
		rf_core_reply_headers(core, in->srv, code, RF_V(""), code == 415 ? RF_V(RF_CALL_ACCEPT) : RF_V(""));
		return;
	}
	if (timer_refused(leg, in, &timer))
		return;
	if (rf_offer_got(&leg->offer, update ? RF_OFFER_UPDATE : RF_OFFER_INVITE, sdp.n > 0, &role, &code)) {
		struct rf_writer w;
		struct rf_view headers = { NULL, 0 };

		core->counters.glare += code == 491;
		rf_writer_init(&w, core->head, sizeof core->head);
		rf_core_put_retry_after(&w, rf_offer_retry_after_s(core->random));
		rf_writer_done(&w, &headers);
		rf_core_reply_headers(core, in->srv, code ? code : 500, RF_V(""), headers);
		return;
	}
	if (update && sdp.n == 0)
		answer_refresh(leg, in, &timer);
	else
		begin(leg, in, sdp, &timer);
}

void rf_mid_request(struct rf_leg *leg, struct rf_in *in)
{
	struct rf_call_core *core = rf_leg_core(leg);
	bool up = leg->pair->state == RF_PAIR_UP;

	rf_leg_learn(leg, in->msg);
	if (in->msg->method == RF_SIP_INFO) {
		if (!up)
			rf_core_reply(core, in->srv, 481, RF_V(""));
		else if (!info_passes(in->msg))
			rf_core_reply_headers(core, in->srv, 415, RF_V(""),
					      RF_V("Accept: application/dtmf-relay, application/dtmf, "
						   "application/media_control+xml\r\n"));
		else if (!rf_anchor_presses(leg, in))
			begin(leg, in, RF_V(""), NULL);
		return;
	}
	if (leg->pair->call->join ||
	    (!up && (in->msg->method == RF_SIP_INVITE || leg->pair->state == RF_PAIR_HELD))) {
		rf_core_reply_headers(core, in->srv, 491, RF_V(""), RF_V("Retry-After: 1\r\n"));
		return;
	}
	take_offer(leg, in);
}

/* --- the answer to an offer in a 2xx comes with the ACK */

static struct rf_relay *waiting_for_ack(struct rf_leg *leg)
{
	struct rf_relay *relay;

	TAILQ_FOREACH(relay, &leg->pair->relays, list)
		if (relay->wait_ack && relay->from == leg)
			return relay;
	return NULL;
}

static unsigned pass_answer(struct rf_leg *leg, struct rf_cli *cli, struct rf_view sdp)
{
	struct rf_leg *other = rf_leg_other(leg);
	struct rf_view out;
	enum rf_sdp_rule rule = sdp.n ? rf_media_answer(rf_leg_core(leg), &leg->pair->media, rf_leg_secure(leg),
							rf_leg_secure(other), sdp, &out) :
					RF_SDP_RULE_NO_MEDIA;

	if (rule != RF_SDP_RULE_OK) {
		rf_record_media(leg->pair->call, rule, leg);
		return rf_sdp_rule_status(rule);
	}
	note_hold(leg->pair);
	rf_media_settled(&leg->pair->media);
	rf_leg_ack(other, cli, out);
	return 0;
}

/* The ACK is in: nothing more can come of the re-INVITEs of this leg that were answered. */
static void release_acked(struct rf_leg *leg)
{
	for (struct rf_relay *relay = TAILQ_FIRST(&leg->pair->relays), *next; relay; relay = next) {
		next = TAILQ_NEXT(relay, list);
		if (relay->from != leg || relay->method != RF_SIP_INVITE || !relay->answered || relay->wait_ack)
			continue;
		if (relay->srv)
			rf_srv_watch(relay->srv, NULL, NULL);
		relay->srv = NULL;
		relay_check(relay);
	}
}

void rf_mid_ack(struct rf_leg *leg, const struct rf_sip_msg *msg)
{
	struct rf_pair *pair = leg->pair;
	struct rf_relay *relay = waiting_for_ack(leg);
	bool first = pair->offer_in_2xx && rf_leg_is_a(leg) && pair->b->ack_owed && !relay;
	enum rf_offer_role role;
	struct rf_view sdp;
	unsigned code;

	if (!leg->ack_due)
		return;
	leg->ack_due = false;
	release_acked(leg);
	if (rf_sdp_of(msg, &sdp))
		sdp = RF_V("");
	int rc = rf_offer_got(&leg->offer, RF_OFFER_ACK, sdp.n > 0, &role, &code);

	if (leg->bye == RF_BYE_WANTED) {
		rf_leg_bye(leg, RF_V(""));
		return;
	}
	if (!relay && !first) {
		rf_join_ack(leg, sdp);
		return;
	}
	unsigned bad = rc ? 488 : pass_answer(leg, relay ? relay->cli : pair->invite, sdp);

	if (relay) {
		relay->wait_ack = false;
		relay_check(relay);
	}
	if (bad)
		rf_end_media(pair->call, bad);
}
