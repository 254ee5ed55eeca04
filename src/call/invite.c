/* The called side: our INVITE to one aim and its answers, up to the 2xx that is held for the caller or the refusal.
 * Races end here: a 2xx that comes when the call has gone another way is acknowledged and ended. */
#include "call/anchor.h"
#include "call/border.h"
#include "call/call_int.h"
#include "call/roam.h"
#include "call/emergency.h"
#include "call/origin.h"
#include "call/trunk.h"

#include <stdlib.h>

void rf_invite_cancel(struct rf_pair *pair, struct rf_view reason)
{
	struct rf_writer w;
	uint8_t buf[256], text[RF_LEG_REASON];

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
	/* The phone may be one that says nothing any more, and that takes half a minute to be sure of: nobody is busy,
	 * and no link is full, for that long. */
	rf_leg_give_back(pair->a);
	rf_leg_give_back(pair->b);
	rf_writer_init(&w, buf, sizeof buf);
	reason = rf_leg_reason(pair->b, reason, text);
	if (reason.n)
		rf_sip_put_hdr(&w, RF_SIP_H_REASON, reason);
	rf_cli_cancel(pair->invite, w.err ? RF_V("") : rf_view_of(buf, w.n));
}

void rf_invite_final(struct rf_leg *leg, unsigned code)
{
	if (leg->aim && leg->aim->answered && !leg->aim_told)
		leg->aim->answered(leg, code);
	leg->aim_told = true;
}

/* --- the answer */

struct answer {
	bool other;                 /* of another phone than the one that the leg's dialog was made with */
	uint8_t *early;             /* what that one answered to our offer before, NULL */
	uint32_t early_n;
	struct rf_view sdp;
	bool unreadable;
};

/* A 2xx need not say again what a reliable provisional has said. */
static void find_sdp(struct answer *a, const struct rf_sip_msg *msg)
{
	a->unreadable = rf_sdp_of(msg, &a->sdp) != 0;
	if (!a->unreadable && !a->sdp.n && a->early)
		a->sdp = rf_view_of(a->early, a->early_n);
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
static bool take_dialog(struct rf_pair *pair, const struct rf_sip_msg *msg, struct answer *ret)
{
	int rc = rf_dialog_response(pair->b->dlg, msg);

	ret->other = rc == RF_E_NOT_FOUND;
	if (ret->other)
		return rf_behind_take(pair, msg, &ret->early, &ret->early_n);
	return rc == 0 || rc == RF_E_MALFORMED;
}

/* What the 2xx says about media goes into a.sdp. */
static enum rf_sdp_rule take_description(struct rf_pair *pair, const struct answer *answer, bool *ret_missing)
{
	struct rf_leg *a = pair->a, *b = pair->b;
	enum rf_sdp_rule rule = RF_SDP_RULE_OK;
	enum rf_offer_role role;
	struct rf_view sdp = answer->sdp, out = { NULL, 0 };
	unsigned code;

	*ret_missing = answer->unreadable ||
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

static void answered(struct rf_pair *pair, const struct rf_sip_msg *msg, struct answer *answer)
{
	bool missing;

	rf_leg_timer_2xx(pair->b, msg);
	find_sdp(answer, msg);
	enum rf_sdp_rule rule = take_description(pair, answer, &missing);

	if (missing || rule != RF_SDP_RULE_OK) {
		rf_leg_ack(pair->b, pair->invite, RF_V(""));
		rf_setup_kill_pair(pair, 488, missing ? RF_SDP_RULE_NO_MEDIA : rule);
		return;
	}
	if (answer->other && pair->rel_b.rseq)
		rf_news_keep(pair->b, answer->sdp); /* the caller has the answer of the phone that rang first */
	pair->b->ack_owed = true;
	if (!pair->offer_in_2xx)
		rf_leg_ack(pair->b, pair->invite, RF_V(""));
	pair->state = RF_PAIR_HELD;
	if (rf_rel_uas_may_accept(&pair->rel_a) && !rf_mid_open(pair))
		rf_setup_answer(pair);
}

static void on_2xx(struct rf_pair *pair, const struct rf_sip_msg *msg)
{
	struct rf_call *call = pair->call;
	struct answer answer = { 0 };

	if (pair->state >= RF_PAIR_HELD) {
		end_stray(pair, msg);
		return;
	}
	bool usable = take_dialog(pair, msg, &answer);

	rf_leg_learn(pair->b, msg);
	rf_roam_note(pair);
	pair->b->code = msg->status;
	rf_invite_final(pair->b, msg->status);
	if (!usable || call->up || call->state >= RF_CALL_ANSWERED || pair->cancelled || !call->origin->waits(call))
		end_late(pair);
	else
		answered(pair, msg, &answer);
	rf_sdp_drop(&answer.early, &answer.early_n);
	rf_behind_free(pair);
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
	if (rf_leg_login_asked(pair->b, msg) && !pair->asked && !pair->cancelled) {
		pair->asked = true;
		rf_cli_drop(pair->invite);
		pair->invite = NULL;
		if (send_invite(pair) == 0)
			return;
	}
	rf_dialog_response(pair->b->dlg, msg);
	if (msg->status < 400 && !rf_party_is_far(pair->b->party)) /* nobody outside sends our calls elsewhere */
		rf_setup_moved(pair, msg);
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

static void on_answer(struct rf_pair *pair, const struct rf_sip_msg *msg)
{
	if (msg->status < 200)
		rf_early_response(pair, msg);
	else if (msg->status < 300)
		on_2xx(pair, msg);
	else if (pair->state < RF_PAIR_HELD)
		on_refusal(pair, msg);
}

static void invite_event(void *arg, struct rf_cli *cli, const struct rf_cli_event *e)
{
	struct rf_pair *pair = arg;
	struct rf_call *call = pair->call;

	if (e->kind == RF_CLI_RESPONSE &&
	    rf_anchor_holds_response(pair->b, call->had_offer, invite_event, pair, cli, e))
		return;
	switch (e->kind) {
	case RF_CLI_RESPONSE:
		rf_leg_heard(pair->b, e->from);
		if (pair->b->aim && pair->b->aim->heard)
			pair->b->aim->heard(pair->b, e->msg);
		on_answer(pair, rf_border_heard(pair->b, e->msg));
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

/* A phone is nobody's trusted element: who asked for privacy is not named to it (RFC 3325 7). The record is. */
static void put_caller(struct rf_pair *pair, struct rf_writer *w)
{
	struct rf_call *call = pair->call;

	if (pair->b->aim && pair->b->aim->put_headers)
		pair->b->aim->put_headers(pair->b, w);
	else if (call->anonymous)
		rf_put_lit(w, "Privacy: id\r\n");
	else if (call->caller->trunk.n)
		rf_trunk_put_asserted(call, w);
	else
		rf_put_asserted(call, call->shown ? call->shown : call->caller, w);
	if (!pair->b->aim && call->plan)
		rf_plan_put_history(call->plan, pair->b->party->number, w);
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
	put_caller(pair, &w);
	if (call->had_offer || pair->a->wants_rel)
		rf_put_lit(&w, "Supported: 100rel\r\n");
	rf_precedence_put(&w, &call->precedence);
	rf_leg_put_timer(b, &w);
	rf_put(&w, rf_view_of(call->extra, call->extra_n));
	rf_border_put_further(pair, &w);
	if (!sdp.n)
		rf_border_put_plain(pair, &w);
	rc = rf_offer_sent(&b->offer, RF_OFFER_INVITE, sdp.n > 0);
	if (rc)
		return rc;
	struct rf_view type = sdp.n ? RF_V("application/sdp") : RF_V(""), body = sdp;

	if (call->emergency && b->aim)
		rf_emergency_put(b, &w, sdp, &type, &body);
	else
		rf_anchor_put_choice(b, &w, sdp, &type, &body);
	rc = rf_leg_send(b, &w, type, body, invite_event, pair, &pair->invite);
	rf_arena_wipe(&call->core->scratch);
	return rc;
}

/* From as the called phone sees it: the proven number with the directory's name, or anonymous. */
static int put_from(struct rf_pair *pair, struct rf_writer *w)
{
	struct rf_call *call = pair->call;
	const struct rf_party *shown = call->shown ? call->shown : call->caller;
	uint8_t buf[512];
	struct rf_writer uri;

	if (pair->b->aim && pair->b->aim->put_from)
		return pair->b->aim->put_from(pair->b, w);
	if (call->caller->trunk.n)
		return rf_trunk_put_from(call, w);
	if (call->anonymous) {
		rf_put_lit(w, "\"Anonymous\" <sip:anonymous@anonymous.invalid>");
		return w->err;
	}
	rf_writer_init(&uri, buf, sizeof buf);
	rf_sip_uri_put_new(&uri, false, shown->number, rf_core_site(call->core)->domain, 0);
	if (uri.err)
		return uri.err;
	rf_sip_put_name_addr(w, shown->display, rf_view_of(buf, uri.n));
	return w->err;
}

static void put_to(struct rf_pair *pair, const struct rf_aim *aim, struct rf_writer *w)
{
	if (aim->to.n) {
		rf_put(w, aim->to);
		return;
	}
	rf_put_byte(w, '<');
	rf_sip_uri_put_new(w, false, aim->party->number, rf_core_site(pair->call->core)->domain, 0);
	rf_put_byte(w, '>');
}

static int open_b(struct rf_pair *pair, const struct rf_aim *aim)
{
	struct rf_call_core *core = pair->call->core;
	uint8_t from[512], to[512];
	struct rf_writer wf, wt;
	struct rf_dialog *dlg;
	struct rf_id tag, call_id;

	rf_writer_init(&wf, from, sizeof from);
	rf_writer_init(&wt, to, sizeof to);
	put_to(pair, aim, &wt);
	if (put_from(pair, &wf) || wt.err)
		return RF_E_SPACE;
	rf_ua_make_id(core->ua, &tag);
	rf_ua_make_id(core->ua, &call_id);
	struct rf_dialog_setup setup = {
		.call_id = rf_id_view(&call_id), .local = rf_view_of(from, wf.n), .local_tag = rf_id_view(&tag),
		.remote = rf_view_of(to, wt.n), .target = aim->target, .route = aim->route, .cseq = 1,
	};
	int rc = rf_dialog_new_uac(&setup, &dlg);

	if (rc)
		return rc;
	pair->b->flow = aim->flow;
	pair->b->secure = aim->secure;
	rc = rf_leg_open(pair->b, dlg);
	if (rc)
		rf_dialog_free(dlg);
	return rc;
}

/* The caller gets a dialog with a tag of its own for each pair. */
int rf_invite_open_a(struct rf_pair *pair, const struct rf_sip_msg *msg, bool has_sdp)
{
	struct rf_call *call = pair->call;
	enum rf_offer_role role;
	struct rf_dialog *dlg;
	struct rf_id tag;
	unsigned code;

	pair->a->flow = call->caller_flow;
	pair->a->link = call->caller_link;
	if (!msg)
		return 0;
	rf_ua_make_id(call->core->ua, &tag);
	int rc = rf_dialog_new_uas(msg, rf_id_view(&tag), rf_flow_is_secure(call->caller_flow.kind), &dlg);

	if (rc)
		return rc;
	rc = rf_leg_open(pair->a, dlg);
	if (rc) {
		rf_dialog_free(dlg);
		return rc;
	}
	rf_leg_learn(pair->a, msg);
	rf_rel_uas_init(&pair->rel_a, msg->cseq);
	return rf_offer_got(&pair->a->offer, RF_OFFER_INVITE, has_sdp, &role, &code);
}

/* For the record: whose forward, or which group, brought the call here. */
static void note_forward(struct rf_pair *pair)
{
	const struct rf_plan *plan = pair->call->plan;
	bool member = plan->hop_n && !pair->b->aim && !rf_view_eq(rf_plan_at(plan), pair->b->party->number);

	if (plan->hop_n + member < 2)
		return;
	const struct rf_plan_hop *by = &plan->hop[plan->hop_n - (member ? 1 : 2)];

	pair->b->by = rf_party_new(plan->core->directory, rf_view_of(by->number, by->number_n), RF_V(""), RF_V(""));
}

static int fill_pair(struct rf_pair *pair, const struct rf_aim *aim, const struct rf_sip_msg *msg, bool has_sdp)
{
	int rc = rf_invite_open_a(pair, msg, has_sdp);

	if (rc == 0)
		rc = open_b(pair, aim);
	pair->b->contact = rc ? NULL : malloc(aim->target.n);
	if (pair->b->contact) {
		memcpy(pair->b->contact, aim->target.p, aim->target.n);
		pair->b->contact_n = (uint32_t)aim->target.n;
	}
	return rc;
}

/* What the aim needs for its leg. Not 0: the code of its failure. */
static unsigned take_aim(struct rf_leg *leg, const struct rf_aim *aim)
{
	leg->aim = aim->ops;
	leg->aim_arg = aim->arg;
	unsigned code = leg->aim && leg->aim->take ? leg->aim->take(leg) : 0;
	const char *bound;

	if (code) {
		leg->aim = NULL;
		return code;
	}
	code = rf_admission_take(leg, aim->link, &bound);
	if (code) {
		leg->full = true;
		rf_record_bound(leg->pair->call, bound);
	}
	return code;
}

void rf_invite_aim(struct rf_call *call, const struct rf_aim *aim, const struct rf_sip_msg *msg, struct rf_view sdp)
{
	struct rf_pair *pair = rf_pair_new(call, aim->party);
	struct rf_view out = { NULL, 0 };
	enum rf_sdp_rule rule = RF_SDP_RULE_OK;

	if (!pair)
		return;
	note_forward(pair);
	sdp = rf_border_choose(call, aim, msg, sdp);
	pair->media.emergency = call->emergency;
	pair->media.anchored = call->anchor != NULL;
	pair->media.encrypted = !call->anchor && (rf_trunk_encrypts(pair->a) || rf_trunk_encrypts(pair->b));
	unsigned code = take_aim(pair->b, aim);

	if (code || fill_pair(pair, aim, msg, sdp.n > 0)) {
		rf_setup_pair_failed(pair, code ? code : 500);
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
