/* Provisional answers across a pair (RFC 3261 13.2.2.1, 3262, 3960). Reliability is hop by hop: we acknowledge the
 * called phone's at once and make our own toward the caller. The exception is an offer in a reliable provisional: its
 * PRACK must carry the answer, so it waits for the caller's. */
#include "call/call_int.h"
#include "call/roam.h"

static unsigned code_to_tell(unsigned code, bool has_sdp)
{
	if (code >= 180 && code <= 183)
		return code;
	return has_sdp ? 183 : 0;
}

static void put_reliable(struct rf_pair *pair, uint32_t rseq, struct rf_writer *w)
{
	(void)pair;
	rf_put_lit(w, "Require: 100rel\r\n");
	rf_sip_put_hdr_u64(w, RF_SIP_H_RSEQ, rseq);
}

/* May this go out reliably now, and under which number? False: hold it until the PRACK of the one before. */
static bool number(struct rf_pair *pair, bool with_sdp, uint32_t *ret_rseq)
{
	return rf_rel_uas_send(&pair->rel_a, with_sdp, &rf_sip_timers_default, pair->call->core->random,
			       rf_core_now(pair->call->core), ret_rseq) == 0;
}

void rf_early_tell(struct rf_pair *pair, unsigned code, struct rf_view sdp)
{
	struct rf_call *call = pair->call;
	struct rf_call_core *core = call->core;
	struct rf_leg *a = pair->a;
	bool reliable = a->wants_rel && (sdp.n || call->requires_rel);
	enum rf_offer_msg kind = reliable ? RF_OFFER_1XX_REL : RF_OFFER_1XX;
	enum rf_offer_role role;
	struct rf_writer w;
	uint32_t rseq;

	if (sdp.n && (rf_offer_can_send(&a->offer, kind, &role) || role == RF_OFFER_NO_SDP || role == RF_OFFER_EXTRA))
		sdp = RF_V("");
	if (reliable && !number(pair, sdp.n > 0, &rseq)) {
		pair->held_code = (uint16_t)code;
		return;
	}
	struct rf_srv_reply reply = {
		.code = code, .to_tag = rf_dialog_local_tag(a->dlg), .body = sdp, .reliable = reliable,
	};

	if (sdp.n)
		reply.content_type = RF_V("application/sdp");
	rf_writer_init(&w, core->head, sizeof core->head);
	rf_leg_put_self(a, &w);
	rf_setup_put_callee(pair, &w);
	if (reliable)
		put_reliable(pair, rseq, &w);
	if (rf_writer_done(&w, &reply.headers) || rf_srv_reply(call->srv, &reply)) {
		if (reliable)
			rf_rel_uas_unsent(&pair->rel_a);
		return;
	}
	rf_dialog_answered(a->dlg, code);
	rf_offer_sent(&a->offer, kind, sdp.n > 0);
}

static void tell(struct rf_pair *pair, unsigned code, struct rf_view sdp)
{
	const struct rf_origin *origin = pair->call->origin;

	if (origin->ringing)
		origin->ringing(pair, code, sdp);
}

static void note_ringing(struct rf_pair *pair)
{
	struct rf_call *call = pair->call;

	if (pair->b->ring.us == 0)
		pair->a->ring = pair->b->ring = rf_call_wall(call);
	if (call->state == RF_CALL_TRYING) {
		call->state = RF_CALL_RINGING;
		rf_record_call(call, RF_EVENT_CALL_RING);
	}
}

static void prack_event(void *arg, struct rf_cli *cli, const struct rf_cli_event *e)
{
	struct rf_leg *b = arg;
	enum rf_offer_role role;
	unsigned code;

	if (e->kind == RF_CLI_RESPONSE && e->msg->status >= 200) {
		rf_dialog_response(b->dlg, e->msg);
		rf_offer_got(&b->offer, e->msg->status < 300 ? RF_OFFER_PRACK_2XX : RF_OFFER_PRACK_FAIL, false, &role,
			     &code);
	}
	if (e->kind == RF_CLI_RESPONSE && e->msg->status < 200)
		return;
	if (e->kind != RF_CLI_GONE)
		rf_cli_drop(cli);
	b->prack = NULL;
}

static int send_prack(struct rf_pair *pair, uint32_t rseq, struct rf_view sdp)
{
	struct rf_leg *b = pair->b;
	struct rf_rack rack = { rseq, b->invite_cseq, RF_V("INVITE") };
	struct rf_writer w;

	rf_cli_drop(b->prack);
	b->prack = NULL;
	int rc = rf_leg_begin(b, RF_SIP_PRACK, &w);

	if (rc)
		return rc;
	rf_sip_put_hdr_name(&w, RF_SIP_H_RACK);
	rf_rack_put(&w, &rack);
	rf_sip_put_crlf(&w);
	rc = rf_leg_send(b, &w, sdp.n ? RF_V("application/sdp") : RF_V(""), sdp, prack_event, b, &b->prack);
	if (rc == 0)
		rf_offer_sent(&b->offer, RF_OFFER_PRACK, sdp.n > 0);
	return rc;
}

/* What the description of a provisional is, policed for the caller into *ret_out. */
static enum rf_sdp_rule take_description(struct rf_pair *pair, bool rel, struct rf_view sdp,
					 enum rf_offer_role *ret_role, struct rf_view *ret_out)
{
	struct rf_leg *a = pair->a, *b = pair->b;
	struct rf_call_core *core = pair->call->core;
	unsigned code;

	*ret_role = RF_OFFER_NO_SDP;
	if (rf_offer_got(&b->offer, rel ? RF_OFFER_1XX_REL : RF_OFFER_1XX, sdp.n > 0, ret_role, &code))
		*ret_role = RF_OFFER_NO_SDP;
	if (*ret_role == RF_OFFER_OFFER)
		return rf_media_offer(core, &pair->media, rf_leg_secure(b), rf_leg_secure(a), sdp, ret_out);
	if (*ret_role == RF_OFFER_ANSWER || *ret_role == RF_OFFER_PREVIEW)
		return rf_media_answer(core, &pair->media, rf_leg_secure(b), rf_leg_secure(a), sdp, ret_out);
	return RF_SDP_RULE_OK;
}

/* A dialog of another phone behind the same proxy: that it rings is all the caller hears before it answers. */
static void other_fork(struct rf_pair *pair, const struct rf_sip_msg *msg, uint32_t rseq)
{
	if (!rf_behind_heard(pair, msg, rseq))
		return;
	note_ringing(pair);
	if (msg->status == 180 && pair->state == RF_PAIR_TRYING) {
		pair->state = RF_PAIR_EARLY;
		tell(pair, 180, RF_V(""));
	}
}

void rf_early_response(struct rf_pair *pair, const struct rf_sip_msg *msg)
{
	struct rf_call *call = pair->call;
	struct rf_view sdp, out = { NULL, 0 };
	enum rf_offer_role role;
	uint32_t rseq = 0;

	if (msg->status == 100 || call->state >= RF_CALL_ANSWERED || pair->state >= RF_PAIR_HELD || pair->cancelled)
		return;
	bool rel = rf_sip_msg_has_token(msg, RF_SIP_H_REQUIRE, RF_V("100rel")) &&
		   rf_sip_msg_number(msg, RF_SIP_H_RSEQ, &rseq) == 0 && rseq > 0;

	if (rf_dialog_response(pair->b->dlg, msg) == RF_E_NOT_FOUND) {
		other_fork(pair, msg, rel ? rseq : 0);
		return;
	}
	if (rel && rf_rel_uac_receive(&pair->rel_b, rseq) != RF_REL_NEW)
		return;
	rf_leg_learn(pair->b, msg);
	rf_roam_note(pair);
	if (rf_sdp_of(msg, &sdp))
		sdp = RF_V("");
	enum rf_sdp_rule rule = take_description(pair, rel, sdp, &role, &out);

	if (rule == RF_SDP_RULE_OK && rf_leg_keep_sdp(pair->a, out))
		rule = RF_SDP_RULE_MEMORY;
	if (rule != RF_SDP_RULE_OK || (role == RF_OFFER_OFFER && !pair->a->wants_rel)) {
		rf_setup_kill_pair(pair, 488, rule);
		return;
	}
	out = out.n ? rf_view_of(pair->a->sdp, pair->a->sdp_n) : out;
	if (rel && role == RF_OFFER_OFFER) {
		pair->prack_owed = true;
		pair->prack_rseq = rseq;
	} else if (rel && send_prack(pair, rseq, RF_V(""))) {
		rf_setup_kill_pair(pair, 500, RF_SDP_RULE_OK); /* it would repeat that answer until it gives up */
		return;
	}
	unsigned code = code_to_tell(msg->status, out.n > 0);

	pair->state = RF_PAIR_EARLY;
	if (msg->status == 180 || msg->status == 183)
		note_ringing(pair);
	if (code)
		tell(pair, code, out);
}

void rf_early_go_on(struct rf_pair *pair)
{
	unsigned held = pair->held_code;

	if (!rf_rel_uas_may_accept(&pair->rel_a) || rf_mid_open(pair))
		return;

	pair->held_code = 0;
	if (pair->state == RF_PAIR_HELD)
		rf_setup_answer(pair);
	else if (held && pair->state == RF_PAIR_EARLY)
		tell(pair, held, RF_V(""));
}

/* The answer to the called phone's reliable offer came with the caller's PRACK. */
static enum rf_sdp_rule pass_answer(struct rf_pair *pair, struct rf_view sdp)
{
	struct rf_view out;
	enum rf_sdp_rule rule = rf_media_answer(pair->call->core, &pair->media, rf_leg_secure(pair->a),
						rf_leg_secure(pair->b), sdp, &out);

	if (rule != RF_SDP_RULE_OK)
		return rule;
	if (rf_leg_keep_sdp(pair->b, out))
		return RF_SDP_RULE_MEMORY;
	rf_media_settled(&pair->media);
	pair->prack_owed = false;
	return send_prack(pair, pair->prack_rseq, rf_view_of(pair->b->sdp, pair->b->sdp_n)) ? RF_SDP_RULE_MEMORY : rule;
}

void rf_early_prack(struct rf_leg *leg, struct rf_in *in)
{
	struct rf_pair *pair = leg->pair;
	struct rf_call *call = pair->call;
	struct rf_call_core *core = call->core;
	enum rf_sdp_rule rule = RF_SDP_RULE_OK;
	enum rf_offer_role role;
	struct rf_rack rack;
	struct rf_view sdp;
	unsigned code;

	if (!rf_leg_is_a(leg) || rf_sip_msg_rack(in->msg, &rack.rseq, &rack.cseq, &rack.method) ||
	    rf_rel_uas_prack(&pair->rel_a, &rack)) {
		rf_core_reply(core, in->srv, 481, RF_V(""));
		return;
	}
	if (call->srv)
		rf_srv_pracked(call->srv, rf_dialog_local_tag(leg->dlg));
	code = rf_sdp_of(in->msg, &sdp);
	if (!code && rf_offer_got(&leg->offer, RF_OFFER_PRACK, sdp.n > 0, &role, &code) == 0)
		code = 0;
	if (code) {
		rf_core_reply_headers(core, in->srv, code, RF_V(""), code == 415 ? RF_V(RF_CALL_ACCEPT) : RF_V(""));
		return;
	}
	if (role == RF_OFFER_OFFER) {
		/* RFC 3262 5 lets the caller offer again here. The called phone's PRACK is done: it
		 * hears it as UPDATE. */
		if (rf_mid_prack(leg, in, sdp))
			return;
		rf_offer_sent(&leg->offer, RF_OFFER_PRACK_FAIL, false);
		rf_core_reply(core, in->srv, 488, RF_V(""));
		rf_early_go_on(pair);
		return;
	}
	if (role == RF_OFFER_ANSWER && pair->prack_owed)
		rule = pass_answer(pair, sdp);
	rf_offer_sent(&leg->offer, RF_OFFER_PRACK_2XX, false);
	rf_core_reply(core, in->srv, 200, RF_V(""));
	if (rule != RF_SDP_RULE_OK)
		rf_setup_kill_pair(pair, 488, rule);
	else
		rf_early_go_on(pair);
}
