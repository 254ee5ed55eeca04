/* Requests that cross an open pair: re-INVITE, UPDATE, INFO. Each is a relay: taken from one leg, made anew on the
 * other (here), answered when the other has answered (midcall_answer.c). Whose turn it is says sip/offer.h of each leg,
 * so two that meet in the middle end as 491 for one of them (RFC 3261 14, RFC 3311 5.2). What the phones agreed on
 * before stands until both have agreed on something else. */
#include "base/secret.h"
#include "call/anchor.h"
#include "call/border.h"
#include "call/join.h"
#include "call/midcall_int.h"

#include <stdlib.h>

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

/* What phones of a site tell each other passes as it is; through a border, as what it means. */
static int send_info(struct rf_relay *relay, const struct rf_sip_msg *msg, struct rf_writer *w)
{
	struct rf_call_core *core = rf_leg_core(relay->to);
	const struct rf_sip_hdr *package = rf_sip_msg_named(msg, RF_V("Info-Package"), NULL);
	struct rf_view type = msg->content_type, body = msg->body;
	uint8_t text[RF_BORDER_INFO_MAX];
	struct rf_writer said;

	rf_writer_init(&said, text, sizeof text);
	if (core->border) {
		rf_border_put_package(rf_core_site(core), msg, w);
		if (rf_border_info(msg, &type, &said) || said.err)
			return RF_E_INVALID;
		body = rf_view_of(text, said.n);
	} else if (package) {
		rf_sip_put_hdr_named(w, RF_V("Info-Package"), package->value);
	}
	int rc = rf_leg_send(relay->to, w, type, body, rf_mid_relay_event, relay, &relay->cli);

	rf_secret_wipe(text, said.n); /* keys that are pressed are secrets */
	return rc;
}

static int send_across(struct rf_relay *relay, const struct rf_sip_msg *msg, struct rf_view sdp)
{
	struct rf_leg *to = relay->to;
	struct rf_writer w;
	int rc = rf_leg_begin(to, relay->sent, &w);

	if (rc)
		return rc;
	if (!rf_mid_has_offers(relay->sent))
		return send_info(relay, msg, &w);
	rf_leg_put_timer(to, &w);
	rc = rf_offer_sent(&to->offer, relay->sent == RF_SIP_INVITE ? RF_OFFER_INVITE : RF_OFFER_UPDATE, sdp.n > 0);
	if (rc)
		return rc;
	rc = set_aside(relay, sdp);
	if (!rc)
		rc = rf_leg_send(to, &w, sdp.n ? RF_V("application/sdp") : sdp, sdp, rf_mid_relay_event, relay,
				 &relay->cli);
	if (rc) {
		rf_leg_unsent(to, relay->sent);
		rf_mid_put_back(relay);
	}
	return rc;
}

/* INFO bodies that phones send each other: digits and requests for a video key frame. */
static bool info_passes(const struct rf_sip_msg *msg)
{
	static const struct rf_view types[] = {
		{ (const uint8_t *)"application/dtmf-relay", 22 },
		{ (const uint8_t *)"application/dtmf", 16 },
		{ (const uint8_t *)"audio/telephone-event", 21 },
		{ (const uint8_t *)"application/media_control+xml", 29 },
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
		rf_mid_refuse(relay, sent ? 480 : 488);
		return;
	}
	relay->sent = (uint8_t)sent;
	if (rf_mid_has_offers(sent)) {
		enum rf_offer_msg kind = sent == RF_SIP_INVITE ? RF_OFFER_INVITE : RF_OFFER_UPDATE;

		if (to->ack_due || to->own || rf_offer_can_send(&to->offer, kind, &role)) {
			rf_mid_refuse(relay, 491);
			return;
		}
		enum rf_sdp_rule rule = sdp.n ? rf_media_offer(core, &relay->pair->media, rf_leg_secure(from),
							       rf_leg_secure(to), sdp, &out) :
						RF_SDP_RULE_OK;

		if (rule != RF_SDP_RULE_OK) {
			rf_record_media(relay->pair->call, rule, from);
			rf_offer_sent(&from->offer, rf_mid_kind_of(relay->method, false), false);
			rf_srv_watch(relay->srv, NULL, NULL);
			rf_answer_media(core, relay->srv, rule, RF_V(""));
			relay->srv = NULL;
			return;
		}
	}
	if (send_across(relay, in->msg, out))
		rf_mid_refuse(relay, 500);
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
	rf_srv_watch(in->srv, rf_mid_relay_srv_event, relay);
	if (relay->method != RF_SIP_PRACK)
		keep_message(relay, in->msg);
	cross(relay, in, sdp);
	rf_mid_relay_check(relay);
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
	enum rf_sdp_rule rule =
		rf_media_offer(rf_leg_core(from), media, rf_leg_secure(from), rf_leg_secure(to), sdp, &out);
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
		if (rf_mid_has_offers(relay->method) && !relay->answered)
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

/* Is this INFO one that a border can say anew? What is none that it knows is counted. */
static unsigned info_crosses(struct rf_call_core *core, const struct rf_sip_msg *msg)
{
	uint8_t text[RF_BORDER_INFO_MAX];
	struct rf_view type;
	struct rf_writer w;

	rf_writer_init(&w, text, sizeof text);
	unsigned code = core->border ? rf_border_info(msg, &type, &w) : 0;

	rf_secret_wipe(text, w.n);
	if (code)
		rf_border_count(core, RF_LIST_BODY);
	return code;
}

static void inform(struct rf_leg *leg, struct rf_in *in)
{
	struct rf_call_core *core = rf_leg_core(leg);
	bool known = info_passes(in->msg);

	if (known && rf_anchor_presses(leg, in))
		return;
	unsigned code = known ? info_crosses(core, in->msg) : 415;

	if (code)
		rf_core_reply_headers(core, in->srv, code, RF_V(""),
				      code == 415 ? RF_V("Accept: application/dtmf-relay, application/dtmf, "
							 "application/media_control+xml\r\n") :
						    RF_V(""));
	else
		begin(leg, in, RF_V(""), NULL);
}

void rf_mid_request(struct rf_leg *leg, struct rf_in *in)
{
	struct rf_call_core *core = rf_leg_core(leg);
	bool up = leg->pair->state == RF_PAIR_UP;

	rf_leg_learn(leg, in->msg);
	if (in->msg->method == RF_SIP_INFO) {
		if (!up)
			rf_core_reply(core, in->srv, 481, RF_V(""));
		else
			inform(leg, in);
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
	rf_mid_note_hold(leg->pair);
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
		rf_mid_relay_check(relay);
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
		rf_mid_relay_check(relay);
	}
	if (bad)
		rf_end_media(pair->call, bad);
}
