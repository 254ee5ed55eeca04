/* From the caller's INVITE to its final answer: one INVITE to each binding, the first 2xx wins, the others are
 * cancelled, the best refusal is told when nobody takes the call (RFC 3261 16.7). Races end in one place: a 2xx that
 * comes when the call has gone another way is acknowledged and ended. */
#include "call/call_int.h"
#include "call/route.h"

#include <stdlib.h>

/* --- the caller's transaction */

static bool caller_waits(const struct rf_call *call)
{
	return call->srv && !rf_srv_answered(call->srv);
}

static void invite_srv_event(void *arg, struct rf_srv *srv, enum rf_srv_event event)
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

/* --- ends of forks */

static void cancel_pair(struct rf_pair *pair, struct rf_view reason)
{
	struct rf_writer w;
	uint8_t buf[256];

	if (pair->state == RF_PAIR_OVER)
		return;
	if (pair->state >= RF_PAIR_HELD) {
		pair->state = RF_PAIR_OVER;
		rf_leg_bye(pair->b, reason);
		return;
	}
	if (pair->cancelled || !pair->invite)
		return;
	pair->cancelled = true;
	rf_writer_init(&w, buf, sizeof buf);
	if (reason.n)
		rf_sip_put_hdr(&w, RF_SIP_H_REASON, reason);
	rf_cli_cancel(pair->invite, w.err ? RF_V("") : rf_view_of(buf, w.n));
}

static void cancel_others(struct rf_call *call, struct rf_pair *but, struct rf_view reason)
{
	struct rf_pair *pair;

	TAILQ_FOREACH(pair, &call->pairs, list)
		if (pair != but)
			cancel_pair(pair, reason);
}

static struct rf_view tag_for_refusal(const struct rf_call *call)
{
	const struct rf_pair *pair = TAILQ_FIRST(&call->pairs);

	return pair && pair->a->dlg ? rf_dialog_local_tag(pair->a->dlg) : RF_V("");
}

/* The caller gets a final refusal. */
static void refuse_caller(struct rf_call *call, unsigned code, struct rf_view headers)
{
	struct rf_pair *pair;

	call->code = (uint16_t)code;
	if (caller_waits(call)) {
		if (code == 488 && call->media_rule)
			rf_answer_media(call->core, call->srv, call->media_rule, tag_for_refusal(call));
		else
			rf_answer(call->core, call->srv, code, RF_V(""), tag_for_refusal(call), headers, RF_V(""));
	}
	TAILQ_FOREACH(pair, &call->pairs, list)
		if (pair->a->dlg)
			rf_dialog_answered(pair->a->dlg, code);
	call->state = RF_CALL_ENDING;
	call->end_until = rf_mono_add_ms(rf_core_now(call->core), RF_END_WAIT_MS);
	if (!call->why)
		call->why = rf_code_outcome(code);
	call->core->counters.calls_refused++;
	rf_record_call(call, RF_EVENT_CALL_END);
}

/* Is anybody left who may still answer? If not, the caller is told the best of what was said. */
static void decide(struct rf_call *call)
{
	struct rf_pair *pair;

	if (call->starting || call->up || call->state >= RF_CALL_ENDING)
		return;
	TAILQ_FOREACH(pair, &call->pairs, list)
		if (pair->state != RF_PAIR_OVER)
			return;
	if (!call->ended_by)
		call->ended_by = call->best_code == 480 ? RF_ENDED_SYSTEM : RF_ENDED_CALLEE;
	refuse_caller(call, call->best_code ? call->best_code : 480, RF_V(""));
}

void rf_setup_pair_failed(struct rf_pair *pair, unsigned code)
{
	struct rf_call *call = pair->call;
	struct rf_code tell = rf_code_of_phone(code);

	pair->b->code = (uint16_t)code;
	pair->state = RF_PAIR_OVER;
	pair->b->end = rf_call_wall(call);
	if (pair->b->dlg && rf_dialog_state(pair->b->dlg) != RF_DIALOG_CONFIRMED)
		rf_dialog_end(pair->b->dlg);
	if (!pair->cancelled && (tell.rank > call->best_rank || !call->best_code)) {
		call->best_rank = (uint8_t)tell.rank;
		call->best_code = (uint16_t)tell.code;
	}
	if (tell.rank == RF_CODE_STOPS && call->state < RF_CALL_ANSWERED)
		cancel_others(call, pair, RF_V(""));
	decide(call);
}

/* We refuse what this phone wants: a session description against the policy, an answer that is missing. */
void rf_setup_kill_pair(struct rf_pair *pair, unsigned code, enum rf_sdp_rule rule)
{
	if (rule != RF_SDP_RULE_OK) {
		pair->call->media_rule = (uint8_t)rule;
		rf_record_media(pair->call, rule, pair->b);
	}
	if (rf_leg_confirmed(pair->b)) {
		rf_leg_bye(pair->b, RF_V("SIP;cause=488;text=\"Media policy\""));
		rf_setup_pair_failed(pair, code);
		return;
	}
	cancel_pair(pair, rule == RF_SDP_RULE_OK ? RF_V("") : RF_V("SIP;cause=488;text=\"Media policy\""));
	pair->b->code = (uint16_t)code;
	if (rf_code_of_phone(code).rank > pair->call->best_rank) {
		pair->call->best_rank = (uint8_t)rf_code_of_phone(code).rank;
		pair->call->best_code = (uint16_t)code;
	}
}

/* --- the answer */

static void put_asserted(struct rf_call *call, const struct rf_party *p, struct rf_writer *w)
{
	uint8_t buf[512];
	struct rf_writer uri;

	rf_writer_init(&uri, buf, sizeof buf);
	rf_sip_uri_put_new(&uri, false, p->number, rf_core_site(call->core)->domain, 0);
	if (uri.err)
		return;
	rf_sip_put_hdr_name(w, RF_SIP_H_P_ASSERTED_IDENTITY);
	rf_sip_put_name_addr(w, p->display, rf_view_of(buf, uri.n));
	rf_sip_put_crlf(w);
}

void rf_setup_put_callee(struct rf_pair *pair, struct rf_writer *w)
{
	put_asserted(pair->call, pair->b->party, w);
}

void rf_setup_answer(struct rf_pair *pair)
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
	call->up = pair;
	pair->state = RF_PAIR_UP;
	cancel_others(call, pair, RF_V("SIP;cause=200;text=\"Call completed elsewhere\""));
	rf_rel_uas_final(&pair->rel_a);
	rf_answer(core, call->srv, 200, RF_V(""), rf_dialog_local_tag(pair->a->dlg), headers, sdp);
	rf_offer_sent(&pair->a->offer, RF_OFFER_INVITE_2XX, sdp.n > 0);
	rf_dialog_answered(pair->a->dlg, 200);
	rf_stimer_answered(&pair->a->stimer, &call->timer_answer, rf_core_now(core));
	pair->a->ack_due = true;
	call->code = 200;
	call->state = RF_CALL_ANSWERED;
	call->answered_at = rf_core_now(core);
	pair->a->answer = pair->b->answer = rf_call_wall(call);
	core->counters.calls_answered++;
	if (!pair->offer_in_2xx)
		rf_media_settled(&pair->media);
	rf_record_call(call, RF_EVENT_CALL_ANSWER);
}

/* A 2xx of a dialog that nobody wants: ACK and BYE (RFC 3261 13.2.2.4). */
static void end_late(struct rf_pair *pair)
{
	rf_leg_ack(pair->b, pair->invite, RF_V(""));
	rf_leg_bye(pair->b, RF_V("SIP;cause=200;text=\"Call completed elsewhere\""));
	pair->state = RF_PAIR_OVER;
}

/* One phone behind a proxy answered after another had: its dialog lives only for this. */
static void end_stray(struct rf_pair *pair, const struct rf_sip_msg *msg)
{
	struct rf_dialog *mine = pair->b->dlg, *stray;
	uint8_t bye = pair->b->bye;

	if (rf_dialog_fork(mine, msg, &stray))
		return;
	pair->b->dlg = stray;
	pair->b->bye = RF_BYE_NONE;
	rf_leg_ack(pair->b, pair->invite, RF_V(""));
	struct rf_writer w;
	struct rf_cli *cli;

	if (rf_leg_begin(pair->b, RF_SIP_BYE, &w) == 0)
		rf_leg_send(pair->b, &w, RF_V(""), RF_V(""), NULL, NULL, &cli);
	pair->b->dlg = mine;
	pair->b->bye = bye;
	rf_dialog_free(stray);
}

/* The tag of the answer: the dialog that we know, or another phone behind the same proxy, whose dialog takes its
 * place (our tag stays, so the tables do not change). */
static bool take_dialog(struct rf_pair *pair, const struct rf_sip_msg *msg)
{
	struct rf_dialog *fork;
	int rc = rf_dialog_response(pair->b->dlg, msg);

	if (rc != RF_E_NOT_FOUND)
		return rc == 0 || rc == RF_E_MALFORMED;
	if (rf_dialog_fork(pair->b->dlg, msg, &fork))
		return false;
	rf_dialog_free(pair->b->dlg);
	pair->b->dlg = fork;
	return true;
}

/* What the 2xx says about media goes into a.sdp. */
static enum rf_sdp_rule take_description(struct rf_pair *pair, const struct rf_sip_msg *msg, bool *ret_missing)
{
	struct rf_leg *a = pair->a, *b = pair->b;
	enum rf_sdp_rule rule = RF_SDP_RULE_OK;
	enum rf_offer_role role;
	struct rf_view sdp, out = { NULL, 0 };
	unsigned code;

	*ret_missing = rf_sdp_of(msg, &sdp) != 0 ||
		       rf_offer_got(&b->offer, RF_OFFER_INVITE_2XX, sdp.n > 0, &role, &code) != 0;
	if (*ret_missing)
		return RF_SDP_RULE_OK;
	if (role == RF_OFFER_ANSWER)
		rule = rf_media_answer(pair->call->core, &pair->media, rf_leg_secure(b), rf_leg_secure(a), sdp, &out);
	if (role == RF_OFFER_OFFER) {
		pair->offer_in_2xx = true;
		rule = rf_media_offer(pair->call->core, &pair->media, rf_leg_secure(b), rf_leg_secure(a), sdp, &out);
	}
	if (rule == RF_SDP_RULE_OK && rf_leg_keep_sdp(a, out))
		rule = RF_SDP_RULE_MEMORY;
	return rule;
}

static void on_2xx(struct rf_pair *pair, const struct rf_sip_msg *msg)
{
	struct rf_call *call = pair->call;
	struct rf_view sdp;
	bool missing;

	if (pair->state >= RF_PAIR_HELD) {
		end_stray(pair, msg);
		return;
	}
	struct rf_dialog *rang = pair->b->dlg;
	bool usable = take_dialog(pair, msg);
	bool other = pair->b->dlg != rang;

	rf_leg_learn(pair->b, msg);
	pair->b->code = msg->status;
	if (!usable || call->up || call->state >= RF_CALL_ANSWERED || pair->cancelled || !caller_waits(call)) {
		end_late(pair);
		return;
	}
	rf_leg_timer_2xx(pair->b, msg);
	enum rf_sdp_rule rule = take_description(pair, msg, &missing);

	if (missing || rule != RF_SDP_RULE_OK) {
		rf_leg_ack(pair->b, pair->invite, RF_V(""));
		rf_setup_kill_pair(pair, 488, missing ? RF_SDP_RULE_NO_MEDIA : rule);
		return;
	}
	if (other && pair->rel_b.rseq && rf_sdp_of(msg, &sdp) == 0)
		rf_news_keep(pair->b, sdp); /* the caller has the answer of the phone that rang first */
	pair->b->ack_owed = true;
	if (!pair->offer_in_2xx)
		rf_leg_ack(pair->b, pair->invite, RF_V(""));
	pair->state = RF_PAIR_HELD;
	if (rf_rel_uas_may_accept(&pair->rel_a) && !rf_mid_open(pair))
		rf_setup_answer(pair);
}

/* --- our INVITE */

static int send_invite(struct rf_pair *pair);

static void on_refusal(struct rf_pair *pair, const struct rf_sip_msg *msg)
{
	struct rf_stimer_policy policy = rf_leg_timer_policy(pair->b);
	uint32_t min_s;
	unsigned code;
	enum rf_offer_role role;

	rf_offer_got(&pair->b->offer, RF_OFFER_INVITE_FAIL, false, &role, &code);
	if (msg->status == 422 && !pair->retried && !pair->cancelled &&
	    rf_sip_msg_min_se(msg, &min_s) == 0 &&
	    rf_stimer_asked_422(&pair->b->stimer, &policy, min_s) == 0) {
		pair->retried = true;
		rf_cli_drop(pair->invite);
		pair->invite = NULL;
		if (send_invite(pair) == 0)
			return;
	}
	rf_dialog_response(pair->b->dlg, msg);
	rf_setup_pair_failed(pair, msg->status);
}

static void lost_binding(struct rf_pair *pair)
{
	struct rf_call *call = pair->call;
	uint8_t buf[320];
	struct rf_writer w;

	rf_writer_init(&w, buf, sizeof buf);
	rf_put(&w, pair->b->party->number);
	rf_put_byte(&w, '@');
	rf_put(&w, rf_core_site(call->core)->domain);
	if (!w.err)
		rf_location_flow_lost(call->core->location, rf_view_of(buf, w.n), &pair->b->flow);
}

static void invite_event(void *arg, struct rf_cli *cli, const struct rf_cli_event *e)
{
	struct rf_pair *pair = arg;
	struct rf_call *call = pair->call;

	(void)cli;
	switch (e->kind) {
	case RF_CLI_RESPONSE:
		rf_leg_heard(pair->b, e->from);
		if (e->msg->status < 200)
			rf_early_response(pair, e->msg);
		else if (e->msg->status < 300)
			on_2xx(pair, e->msg);
		else if (pair->state < RF_PAIR_HELD)
			on_refusal(pair, e->msg);
		break;
	case RF_CLI_TIMEOUT:
	case RF_CLI_FAILED:
		if (e->err == RF_E_CLOSED)
			lost_binding(pair);
		if (pair->state < RF_PAIR_HELD)
			rf_setup_pair_failed(pair, e->kind == RF_CLI_TIMEOUT ? 408 : 503);
		break;
	case RF_CLI_GONE:
		pair->invite = NULL;
		if (pair->state < RF_PAIR_HELD)
			rf_setup_pair_failed(pair, 408);
		break;
	}
	rf_call_settle(call);
}

static int send_invite(struct rf_pair *pair)
{
	struct rf_call *call = pair->call;
	struct rf_leg *b = pair->b;
	struct rf_view sdp = rf_view_of(b->sdp, b->sdp_n);
	struct rf_writer w;
	int rc = rf_leg_begin(b, RF_SIP_INVITE, &w);

	if (rc)
		return rc;
	/* A phone is nobody's trusted element: who asked for privacy is not named to it (RFC 3325 7). The record is. */
	if (call->anonymous)
		rf_put_lit(&w, "Privacy: id\r\n");
	else
		put_asserted(call, call->caller, &w);
	if (call->had_offer || pair->a->wants_rel)
		rf_put_lit(&w, "Supported: 100rel\r\n");
	rf_leg_put_timer(b, &w);
	rc = rf_offer_sent(&b->offer, RF_OFFER_INVITE, sdp.n > 0);
	if (rc)
		return rc;
	return rf_leg_send(b, &w, sdp.n ? RF_V("application/sdp") : RF_V(""), sdp, invite_event, pair,
			   &pair->invite);
}

/* From as the called phone sees it: the proven number with the directory's name, or anonymous. */
static int put_from(struct rf_call *call, struct rf_writer *w)
{
	uint8_t buf[512];
	struct rf_writer uri;

	if (call->anonymous) {
		rf_put_lit(w, "\"Anonymous\" <sip:anonymous@anonymous.invalid>");
		return w->err;
	}
	rf_writer_init(&uri, buf, sizeof buf);
	rf_sip_uri_put_new(&uri, false, call->caller->number, rf_core_site(call->core)->domain, 0);
	if (uri.err)
		return uri.err;
	rf_sip_put_name_addr(w, call->caller->display, rf_view_of(buf, uri.n));
	return w->err;
}

static int open_b(struct rf_pair *pair, const struct rf_binding *to)
{
	struct rf_call *call = pair->call;
	struct rf_call_core *core = call->core;
	uint8_t from[512], callee[512];
	struct rf_writer wf, wt;
	struct rf_dialog *dlg;
	struct rf_id tag, call_id;

	rf_writer_init(&wf, from, sizeof from);
	rf_writer_init(&wt, callee, sizeof callee);
	rf_put_byte(&wt, '<');
	rf_sip_uri_put_new(&wt, false, pair->b->party->number, rf_core_site(core)->domain, 0);
	rf_put_byte(&wt, '>');
	if (put_from(call, &wf) || wt.err)
		return RF_E_SPACE;
	rf_ua_make_id(core->ua, &tag);
	rf_ua_make_id(core->ua, &call_id);
	struct rf_dialog_setup setup = {
		.call_id = rf_id_view(&call_id), .local = rf_view_of(from, wf.n), .local_tag = rf_id_view(&tag),
		.remote = rf_view_of(callee, wt.n), .target = to->contact, .route = to->path, .cseq = 1,
	};
	int rc = rf_dialog_new_uac(&setup, &dlg);

	if (rc)
		return rc;
	pair->b->flow = to->flow;
	rc = rf_leg_open(pair->b, dlg);
	if (rc)
		rf_dialog_free(dlg);
	return rc;
}

static int open_a(struct rf_pair *pair, const struct rf_in *in, bool has_sdp)
{
	struct rf_call *call = pair->call;
	enum rf_offer_role role;
	struct rf_dialog *dlg;
	struct rf_id tag;
	unsigned code;

	rf_ua_make_id(call->core->ua, &tag);
	pair->a->flow = in->from->flow;
	pair->a->link = pair->call->caller_link;
	int rc = rf_dialog_new_uas(in->msg, rf_id_view(&tag), in->from->flow.kind == RF_FLOW_TLS, &dlg);

	if (rc)
		return rc;
	rc = rf_leg_open(pair->a, dlg);
	if (rc) {
		rf_dialog_free(dlg);
		return rc;
	}
	rf_leg_learn(pair->a, in->msg);
	rf_rel_uas_init(&pair->rel_a, in->msg->cseq);
	return rf_offer_got(&pair->a->offer, RF_OFFER_INVITE, has_sdp, &role, &code);
}

static int fill_pair(struct rf_pair *pair, const struct rf_in *in, const struct rf_binding *to, bool has_sdp)
{
	int rc = open_a(pair, in, has_sdp);

	if (rc == 0)
		rc = open_b(pair, to);
	pair->b->contact = rc ? NULL : malloc(to->contact.n);
	if (pair->b->contact) {
		memcpy(pair->b->contact, to->contact.p, to->contact.n);
		pair->b->contact_n = (uint32_t)to->contact.n;
	}
	return rc;
}

static void call_binding(struct rf_call *call, const struct rf_in *in, const struct rf_binding *to, struct rf_view sdp)
{
	struct rf_party *callee = rf_party_new(call->core->directory, rf_view_of(call->dialled, call->dialled_n),
					       to->phone, to->user);
	struct rf_pair *pair = callee ? rf_pair_new(call, callee) : NULL;
	struct rf_view out = { NULL, 0 };
	enum rf_sdp_rule rule = RF_SDP_RULE_OK;

	rf_party_put(callee);
	if (!pair)
		return;
	if (fill_pair(pair, in, to, sdp.n > 0)) {
		rf_setup_pair_failed(pair, 500);
		return;
	}
	if (sdp.n)
		rule = rf_media_offer(call->core, &pair->media, rf_leg_secure(pair->a), rf_leg_secure(pair->b), sdp,
				      &out);
	if (rule != RF_SDP_RULE_OK) {
		call->media_rule = (uint8_t)rule;
		rf_record_media(call, rule, pair->a);
		rf_setup_pair_failed(pair, 488);
		return;
	}
	if (rf_leg_keep_sdp(pair->b, out)) {
		rf_setup_pair_failed(pair, 500);
		return;
	}
	if (send_invite(pair))
		rf_setup_pair_failed(pair, 503);
}

/* --- beginning */

static void refuse_new(struct rf_call_core *core, struct rf_in *in, unsigned code, const char *why)
{
	struct rf_view headers = { NULL, 0 };
	struct rf_writer w;

	rf_writer_init(&w, core->head, sizeof core->head);
	if (code == 503)
		rf_core_put_retry_after(&w, 5);
	if (code == 415)
		rf_put_lit(&w, RF_CALL_ACCEPT);
	rf_writer_done(&w, &headers);
	core->counters.calls_refused++;
	rf_record_call_refused(core, in, code, why);
	rf_core_reply_headers(core, in->srv, code, RF_V(""), headers);
}

static bool timer_refused(struct rf_call_core *core, struct rf_in *in, struct rf_stimer_answer *ret_answer)
{
	const struct rf_site_sip *sip = &rf_core_site(core)->sip;
	struct rf_stimer none;
	struct rf_stimer_policy policy = {
		.want_s = sip->session_timer ? sip->session_expires_s : 0, .min_s = sip->session_min_s,
		.we_refresh = true, .alone = true,
	};
	struct rf_stimer_request req = rf_timer_request(in->msg);
	struct rf_view headers = { NULL, 0 };
	struct rf_writer w;

	rf_stimer_init(&none);
	*ret_answer = rf_stimer_answer(&none, &policy, &req);
	if (ret_answer->code == 0)
		return false;
	rf_writer_init(&w, core->head, sizeof core->head);
	rf_sip_put_hdr_u64(&w, RF_SIP_H_MIN_SE, ret_answer->min_s);
	rf_writer_done(&w, &headers);
	rf_core_reply_headers(core, in->srv, ret_answer->code, RF_V(""), headers);
	return true;
}

static int fill_call(struct rf_call *call, const struct rf_in *in, const struct rf_route *route, bool has_sdp)
{
	struct rf_call_core *core = call->core;
	struct rf_view number = rf_proof_number(&in->proof), none = { NULL, 0 };
	struct rf_view phone = in->proof.phone ? in->proof.phone->name : none;
	struct rf_view user = in->proof.user ? in->proof.user->name : none;

	memcpy(call->dialled, route->dialled, route->dialled_n);
	call->dialled_n = (uint8_t)route->dialled_n;
	call->anonymous = rf_identity_is_anonymous(&in->msg->from.uri) ||
			  rf_sip_msg_has_token(in->msg, RF_SIP_H_PRIVACY, RF_V("id"));
	call->had_offer = has_sdp;
	call->requires_rel = rf_sip_msg_has_token(in->msg, RF_SIP_H_REQUIRE, RF_V("100rel"));
	call->hops = (uint8_t)(in->msg->max_forwards > 0 ? in->msg->max_forwards - 1 : 69);
	call->caller_flow = in->from->flow;
	rf_link_init(&call->caller_link, in->from);
	call->ring_until = rf_mono_add_ms(call->since, (uint64_t)rf_core_site(core)->sip.ring_timeout_s * 1000);
	call->caller = rf_party_new(core->directory, number, phone, user);
	if (!call->caller)
		return -ENOMEM;
	int rc = rf_table_add(&core->by_number, &call->by_number, rf_hash(&core->hash_key, number));
	call->number_entered = rc == 0;
	return rc;
}

static void begin(struct rf_call_core *core, struct rf_in *in, const struct rf_route *route, struct rf_view sdp)
{
	struct rf_stimer_answer timer;
	struct rf_call *call;

	if (timer_refused(core, in, &timer))
		return;
	int rc = rf_call_new(core, &call);

	if (rc) {
		core->counters.calls_over_cap += rc == RF_E_LIMIT;
		if (rc == RF_E_LIMIT)
			rf_record_limit(core, "calls", in);
		refuse_new(core, in, 503, rc == RF_E_LIMIT ? "too many calls" : "memory");
		return;
	}
	call->timer_answer = timer;
	call->srv = in->srv;
	if (fill_call(call, in, route, sdp.n > 0)) {
		call->recorded = true;
		refuse_new(core, in, 500, "memory");
		rf_call_finish(call);
		return;
	}
	rf_srv_watch(in->srv, invite_srv_event, call);
	rf_record_call(call, RF_EVENT_CALL_START);
	call->starting = true;
	for (size_t i = 0; i < route->n; i++)
		call_binding(call, in, &route->to[i], sdp);
	call->starting = false;
	decide(call);
	rf_call_settle(call);
}

void rf_setup_invite(struct rf_call_core *core, struct rf_in *in)
{
	struct rf_route route;
	struct rf_arena arena;
	struct rf_view sdp;
	struct rf_sip_addr contact;

	if (core->draining) {
		refuse_new(core, in, 503, "shutting down");
		return;
	}
	if (rf_sip_msg_addr(in->msg, RF_SIP_H_CONTACT, &contact) || contact.star) {
		refuse_new(core, in, 400, "no usable Contact");
		return;
	}
	unsigned code = rf_sdp_of(in->msg, &sdp);

	if (code) {
		refuse_new(core, in, code, "body");
		return;
	}
	rf_arena_init(&arena, 128 * 1024);
	rf_route_find(core, in, &arena, &route);
	if (route.code)
		refuse_new(core, in, route.code, route.why);
	else
		begin(core, in, &route, sdp);
	rf_arena_fini(&arena);
}

/* --- ends before the answer */

void rf_setup_abandon(struct rf_call *call, const char *why, unsigned code, struct rf_view reason)
{
	if (call->state >= RF_CALL_ANSWERED)
		return;
	call->why = why;
	if (!call->ended_by)
		call->ended_by = RF_ENDED_SYSTEM;
	refuse_caller(call, code, RF_V(""));
	cancel_others(call, NULL, reason);
}

void rf_setup_timeout(struct rf_call *call)
{
	rf_setup_abandon(call, "no-answer", 480, RF_V("SIP;cause=480;text=\"No answer\""));
}
