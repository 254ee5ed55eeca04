/* From the beginning of a call to its answer or refusal: the steps of its plan one after the other (plan.h), each a set
 * of INVITEs (invite.c); the first 2xx wins, the others are cancelled, the best refusal is told when nobody takes the
 * call (RFC 3261 16.7). Who waits for the outcome is the origin (origin.h). */
#include "call/emergency.h"
#include "call/anchor.h"
#include "call/call_int.h"
#include "call/feature.h"
#include "call/join.h"
#include "call/origin.h"
#include "call/plan.h"
#include "call/route.h"
#include "call/trunk.h"

#include <stdlib.h>

/* A full link says more than a phone that is not there, and less than a person who is busy. */
enum { NO_ROOM_RANK = 40 };

/* --- ends */

static void cancel_others(struct rf_call *call, struct rf_pair *but, struct rf_view reason)
{
	struct rf_pair *pair;

	TAILQ_FOREACH(pair, &call->pairs, list)
		if (pair != but)
			rf_invite_cancel(pair, reason);
}

/* The setup is over: there will be no further step. */
static void plan_over(struct rf_call *call)
{
	rf_plan_free(call->plan);
	call->plan = NULL;
	rf_sdp_drop(&call->kept, &call->kept_n);
}

static void refuse(struct rf_call *call, unsigned code, struct rf_view headers)
{
	struct rf_pair *pair;

	if (code == 503 && headers.n == 0)
		headers = RF_V("Retry-After: 5\r\n");
	call->code = (uint16_t)code;
	call->origin->refused(call, code, headers);
	TAILQ_FOREACH(pair, &call->pairs, list)
		if (pair->a->dlg)
			rf_dialog_answered(pair->a->dlg, code);
	call->state = RF_CALL_ENDING;
	call->end_until = rf_mono_add_ms(rf_core_now(call->core), RF_END_WAIT_MS);
	if (!call->why)
		call->why = rf_code_outcome(code);
	call->core->counters.calls_refused++;
	plan_over(call);
	rf_record_call(call, RF_EVENT_CALL_END);
	rf_join_lost(call);
}

/* The best of what phones answered and of what the plan's sources say. */
static void refuse_with_best(struct rf_call *call)
{
	const struct rf_plan *plan = call->plan;

	if (plan && plan->code && (plan->rank > call->best_rank || !call->best_code)) {
		call->best_code = plan->code;
		call->why = plan->why;
		call->ended_by = RF_ENDED_SYSTEM;
	}
	if (!call->ended_by)
		call->ended_by = call->best_code == 480 ? RF_ENDED_SYSTEM : RF_ENDED_CALLEE;
	refuse(call, call->best_code ? call->best_code : 480, RF_V(""));
}

/* --- steps */

/* The caller hears that it is another number now, in the dialog of the first phone that was called there (RFC 3261
 * 21.1.3), and so does the record. */
static void tell_forward(struct rf_call *call)
{
	struct rf_pair *pair;

	if (call->plan->forwards == call->plan->forwards_told)
		return;
	call->plan->forwards_told = call->plan->forwards;
	rf_record_forwarded(call);
	TAILQ_FOREACH(pair, &call->pairs, list)
		if (pair->step == call->step && pair->state == RF_PAIR_TRYING) {
			if (call->origin->ringing)
				call->origin->ringing(pair, 181, RF_V(""));
			return;
		}
}

static void begin_step(struct rf_call *call, const struct rf_step *step, const struct rf_sip_msg *msg,
		       struct rf_view sdp)
{
	uint64_t ring_ms = step->ring_ms ? step->ring_ms :
					   (uint64_t)rf_core_site(call->core)->sip.ring_timeout_s * 1000;

	call->step++;
	call->hops = (uint8_t)(call->hops_first - (call->plan->hop_n ? call->plan->hop_n - 1 : 0));
	call->got = (struct rf_step_result){ 0 };
	call->ring_until = rf_mono_first(rf_mono_add_ms(rf_core_now(call->core), ring_ms), call->setup_until);
	call->starting = true;
	for (size_t i = 0; i < step->n; i++)
		rf_invite_aim(call, &step->aim[i], msg, sdp);
	call->starting = false;
	rf_plan_step_done(call->plan);
	tell_forward(call);
}

int rf_setup_offer(struct rf_call *call, const struct rf_sip_msg **ret_msg, struct rf_view *ret_sdp)
{
	struct rf_sip_msg *msg = call->core->again;
	struct rf_view kept = rf_view_of(call->kept, call->kept_n);

	*ret_msg = NULL;
	*ret_sdp = kept;
	if (call->origin != &rf_caller_origin)
		return 0;
	if (!kept.n || rf_sip_msg_parse(msg, kept, RF_SIP_DATAGRAM, NULL) || rf_sdp_of(msg, ret_sdp))
		return RF_E_STATE;
	*ret_msg = msg;
	return 0;
}

/* Each forward takes a hop, as it would over a proxy (RFC 3261 16.3): what goes in circles through others ends, too. */
static bool hops_left(struct rf_plan *plan, unsigned hops)
{
	if (plan->hop_n < 2 || hops >= plan->hop_n)
		return true;
	rf_plan_refuse(plan, 483, "too many hops", "max-forwards");
	return false;
}

static bool next_step(struct rf_call *call)
{
	const struct rf_sip_msg *msg;
	struct rf_view sdp;
	struct rf_step step;

	if (!call->plan || !call->origin->waits(call) ||
	    rf_mono_due(call->setup_until, rf_core_now(call->core)) ||
	    !rf_plan_next(call->plan, &call->got, &step))
		return false;
	if (!hops_left(call->plan, call->hops_first) || rf_setup_offer(call, &msg, &sdp))
		return false;
	begin_step(call, &step, msg, sdp);
	return true;
}

/* May anybody of the step in hand still answer? */
static bool step_waits(const struct rf_call *call)
{
	const struct rf_pair *pair;

	TAILQ_FOREACH(pair, &call->pairs, list)
		if (pair->step == call->step && pair->state != RF_PAIR_OVER)
			return true;
	return false;
}

/* When nobody is left who may still answer, the next step; when there is none the caller is told the best of what was
 * said. */
static void go_on(struct rf_call *call)
{
	if (call->starting || call->up || call->state >= RF_CALL_ENDING)
		return;
	while (!step_waits(call))
		if (!next_step(call)) {
			refuse_with_best(call);
			return;
		}
}

void rf_setup_timeout(struct rf_call *call)
{
	static const struct rf_view reason = { (const uint8_t *)"SIP;cause=480;text=\"No answer\"", 29 };

	call->got.timeout = true;
	call->starting = true;
	cancel_others(call, NULL, reason);
	call->starting = false;
	if (next_step(call))
		go_on(call);
	else
		rf_setup_abandon(call, "no-answer", 480, reason);
}

/* --- what becomes of a pair */

static struct rf_code code_of(const struct rf_pair *pair, unsigned code)
{
	if (pair->b->full) /* nobody refused but us: there is no room now (RFC 4412 4.5.2) */
		return (struct rf_code){ 503, NO_ROOM_RANK };
	if (pair->b->aim && pair->b->aim->code)
		return pair->b->aim->code(pair->b, code);
	return rf_code_of_phone(code);
}

/* The better reason is kept, of the step for the plan and of the call for the caller. */
static void note_refusal(struct rf_pair *pair, unsigned code, struct rf_code tell)
{
	struct rf_call *call = pair->call;
	struct rf_step_result *got = &call->got;

	if (tell.rank > call->best_rank || !call->best_code) {
		call->best_rank = (uint8_t)tell.rank;
		call->best_code = (uint16_t)tell.code;
	}
	if (pair->step != call->step)
		return;
	if (pair->b->ring.us)
		got->rang = true;
	if (tell.rank == RF_CODE_STOPS)
		got->stops = true;
	if (tell.rank > got->rank || !got->code) {
		got->rank = (uint8_t)tell.rank;
		got->code = (uint16_t)tell.code;
		got->raw = (uint16_t)code;
	}
}

void rf_setup_pair_failed(struct rf_pair *pair, unsigned code)
{
	struct rf_call *call = pair->call;
	struct rf_code tell = code_of(pair, code);

	if (tell.code == 488 && !call->media_rule)
		call->media_rule = (uint8_t)rf_media_refused(&pair->media);
	pair->b->code = (uint16_t)code;
	pair->state = RF_PAIR_OVER;
	pair->b->end = rf_call_wall(call);
	if (pair->b->dlg && rf_dialog_state(pair->b->dlg) != RF_DIALOG_CONFIRMED)
		rf_dialog_end(pair->b->dlg);
	if (call->srv && pair->a->dlg) /* nobody is there to miss its PRACK */
		rf_srv_pracked(call->srv, rf_dialog_local_tag(pair->a->dlg));
	rf_invite_final(pair->b, code);
	rf_leg_idle(pair->b);
	if (!pair->cancelled)
		note_refusal(pair, code, tell);
	if (tell.rank == RF_CODE_STOPS && call->state < RF_CALL_ANSWERED)
		cancel_others(call, pair, RF_V(""));
	go_on(call);
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
	rf_invite_cancel(pair, rule == RF_SDP_RULE_OK ? RF_V("") : RF_V("SIP;cause=488;text=\"Media policy\""));
	pair->b->code = (uint16_t)code;
	note_refusal(pair, code, rf_code_of_phone(code));
}

/* The owner of the number sends the call away, not of one phone: the others need not ring any more. */
void rf_setup_moved(struct rf_pair *pair, const struct rf_sip_msg *msg)
{
	struct rf_call *call = pair->call;

	if (!call->plan || pair->step != call->step || pair->cancelled || pair->b->aim ||
	    call->state >= RF_CALL_ANSWERED || !rf_plan_take_moved(call->plan, msg))
		return;
	call->got.moved = true;
	cancel_others(call, pair, RF_V(""));
}

void rf_setup_answer(struct rf_pair *pair)
{
	pair->call->origin->answered(pair);
}

void rf_setup_taken(struct rf_pair *pair)
{
	struct rf_call *call = pair->call;

	call->up = pair;
	pair->state = RF_PAIR_UP;
	cancel_others(call, pair, RF_V("SIP;cause=200;text=\"Call completed elsewhere\""));
	call->code = 200;
	call->state = RF_CALL_ANSWERED;
	call->answered_at = rf_core_now(call->core);
	pair->a->answer = pair->b->answer = rf_call_wall(call);
	call->core->counters.calls_answered++;
	if (!pair->offer_in_2xx)
		rf_media_settled(&pair->media);
	plan_over(call);
	rf_record_call(call, RF_EVENT_CALL_ANSWER);
	rf_join_lost(call);
}

/* --- a call from an INVITE */

static void refuse_by(struct rf_call_core *core, struct rf_in *in, unsigned code, const char *why, const char *rule)
{
	struct rf_view headers = { NULL, 0 };
	struct rf_writer w;

	rf_writer_init(&w, core->head, sizeof core->head);
	if (code == 503)
		rf_core_put_retry_after(&w, 5);
	if (code == 415)
		rf_put_lit(&w, RF_CALL_ACCEPT);
	if (code == 417)
		rf_precedence_put_accept(&w);
	rf_writer_done(&w, &headers);
	core->counters.calls_refused++;
	rf_record_call_refused(core, in, code, why, rule);
	rf_core_reply_headers(core, in->srv, code, RF_V(""), headers);
}

static void refuse_new(struct rf_call_core *core, struct rf_in *in, unsigned code, const char *why)
{
	refuse_by(core, in, code, why, NULL);
}

bool rf_setup_timer_refused(struct rf_call_core *core, struct rf_in *in, struct rf_stimer_answer *ret_answer)
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

static uint8_t hops_of(const struct rf_sip_msg *msg)
{
	return (uint8_t)(msg->max_forwards > 0 ? msg->max_forwards - 1 : RF_MAX_FORWARDS - 1);
}

static int enter(struct rf_call *call, struct rf_plan *plan)
{
	struct rf_call_core *core = call->core;

	call->plan = plan;
	call->emergency = plan->emergency;
	if (call->emergency)
		call->precedence.rank = RF_RANK_EMERGENCY;
	plan->call = call;
	call->caller = rf_party_get(plan->caller);
	call->setup_until = rf_mono_add_ms(call->since, RF_PLAN_SETUP_MS);
	int rc = rf_table_add(&core->by_number, &call->by_number, rf_hash(&core->hash_key, call->caller->number));

	call->number_entered = rc == 0;
	return rc ? rc : rf_call_use(call);
}

/* For the steps that may follow. A call that finds no memory for that has none. */
static void keep(struct rf_call *call, struct rf_view bytes)
{
	call->kept = bytes.n ? malloc(bytes.n) : NULL;
	if (!call->kept)
		return;
	memcpy(call->kept, bytes.p, bytes.n);
	call->kept_n = (uint32_t)bytes.n;
}

static void dialled(struct rf_call *call, struct rf_view number)
{
	call->dialled_n = (uint8_t)(number.n < sizeof call->dialled ? number.n : sizeof call->dialled);
	memcpy(call->dialled, number.p, call->dialled_n);
}

/* Takes the plan. */
static int fill_call(struct rf_call *call, const struct rf_in *in, struct rf_routed *to, bool has_sdp)
{
	struct rf_plan *plan = to->plan;

	to->plan = NULL;
	call->origin = &rf_caller_origin;
	dialled(call, rf_view_of(to->dialled, to->dialled_n));
	call->anonymous = plan->anonymous;
	call->identity = in->identity;
	if (in->anchor)
		rf_anchor_adopt(call, in->anchor);
	call->had_offer = has_sdp;
	call->requires_rel = rf_sip_msg_has_token(in->msg, RF_SIP_H_REQUIRE, RF_V("100rel"));
	call->hops_first = hops_of(in->msg);
	call->caller_flow = in->from->flow;
	rf_link_init(&call->caller_link, in->from);
	keep(call, in->msg->bytes);
	return enter(call, plan);
}

static void begin(struct rf_call_core *core, struct rf_in *in, struct rf_routed *to, const struct rf_step *first,
		  const struct rf_precedence *precedence, struct rf_view sdp)
{
	struct rf_stimer_answer timer;
	struct rf_call *call;

	if (rf_setup_timer_refused(core, in, &timer))
		return;
	int rc = rf_call_new(core, to->plan->emergency, &call);

	if (rc) {
		core->counters.calls_over_cap += rc == RF_E_LIMIT;
		if (rc == RF_E_LIMIT)
			rf_record_limit(core, "calls", in);
		refuse_new(core, in, 503, rc == RF_E_LIMIT ? "too many calls" : "memory");
		return;
	}
	call->timer_answer = timer;
	call->precedence = *precedence;
	call->srv = in->srv;
	if (fill_call(call, in, to, sdp.n > 0)) {
		enum rf_usage_bound bound = (enum rf_usage_bound)call->use_bound;

		call->recorded = true;
		if (bound)
			refuse_by(core, in, 503, rf_usage_why(bound), rf_usage_rule(bound));
		else
			refuse_new(core, in, 500, "memory");
		rf_call_finish(call);
		return;
	}
	if (call->caller->trunk.n && rf_trunk_take_in(call)) {
		call->recorded = true;
		refuse_by(core, in, 503, "no channel is free", "channels");
		rf_call_finish(call);
		return;
	}
	rf_srv_watch(in->srv, rf_caller_event, call);
	rf_record_call(call, RF_EVENT_CALL_START);
	begin_step(call, first, in->msg, sdp);
	if (call->emergency)
		rf_emergency_begun(call);
	go_on(call);
	rf_call_settle(call);
}

unsigned rf_setup_precedence(const struct rf_in *in, struct rf_precedence *ret_p, const char **ret_rule)
{
	const struct rf_site_trunk *t = in->proof.trunk;
	struct rf_grants grants = { .believed = t ? t->trust_precedence : in->proof.host && !in->proof.phone };

	/* What another network calls urgent is not refused for it, and counts only where the site says so. */
	if (t && !t->trust_precedence) {
		*ret_p = (struct rf_precedence){ .rank = RF_RANK_ROUTINE };
		*ret_rule = NULL;
		return 0;
	}
	if (in->proof.phone && in->proof.phone->site)
		grants.phone = in->proof.phone->site->precedence;
	if (in->proof.user)
		grants.user = in->proof.user->precedence;
	return rf_precedence_of(in->msg, &grants, ret_p, ret_rule);
}

void rf_setup_invite_to(struct rf_call_core *core, struct rf_in *in, struct rf_routed *to)
{
	struct rf_precedence precedence;
	const char *rule;
	struct rf_step first;
	struct rf_view sdp;

	if (core->draining) {
		refuse_new(core, in, 503, "shutting down");
		rf_plan_free(to->plan);
		return;
	}
	if (!rf_dialog_has_contact(in->msg, rf_flow_is_secure(in->from->flow.kind))) {
		refuse_new(core, in, 400, "no usable Contact");
		rf_plan_free(to->plan);
		return;
	}
	unsigned code = rf_sdp_of(in->msg, &sdp);

	if (code) {
		refuse_new(core, in, code, "body");
		rf_plan_free(to->plan);
		return;
	}
	code = rf_setup_precedence(in, &precedence, &rule);
	if (code && rf_emergency_is(core, in)) { /* nothing is above it: what it asks for makes no difference */
		precedence = (struct rf_precedence){ .rank = RF_RANK_ROUTINE };
		code = 0;
	}
	if (code) {
		refuse_new(core, in, code, rule);
		rf_plan_free(to->plan);
		return;
	}
	if (!to->plan)
		rf_route_find(core, in, to);
	if (to->code && to->feature != RF_FEATURES && rf_feature_run(core, in, to->feature, to->arg))
		return;
	if (to->code)
		refuse_by(core, in, to->code, to->why, to->rule);
	else if (!rf_plan_next(to->plan, NULL, &first) || !hops_left(to->plan, hops_of(in->msg)))
		refuse_by(core, in, to->plan->code ? to->plan->code : 480, to->plan->why, to->plan->rule);
	else
		begin(core, in, to, &first, &precedence, sdp);
	rf_plan_free(to->plan);
}

void rf_setup_invite(struct rf_call_core *core, struct rf_in *in)
{
	struct rf_routed to = { .plan = NULL };

	rf_setup_invite_to(core, in, &to);
}

/* --- a call that we make */

static int fill_made(struct rf_call *call, const struct rf_setup_order *order)
{
	call->origin = order->origin;
	call->origin_arg = order->arg;
	call->shown = order->shown ? rf_party_get(order->shown) : NULL;
	call->moves = order->moves;
	dialled(call, order->dialled);
	call->anonymous = order->anonymous;
	call->had_offer = order->offer.n > 0;
	call->hops_first = order->hops ? order->hops : RF_MAX_FORWARDS;
	call->caller_flow = order->flow;
	keep(call, order->offer);
	if (order->headers.n) {
		call->extra = malloc(order->headers.n);
		if (!call->extra)
			return -ENOMEM;
		memcpy(call->extra, order->headers.p, order->headers.n);
		call->extra_n = (uint32_t)order->headers.n;
	}
	return call->had_offer && !call->kept ? -ENOMEM : 0;
}

int rf_setup_make(struct rf_call_core *core, const struct rf_setup_order *order, struct rf_call **ret_call,
		  unsigned *ret_code)
{
	struct rf_plan *plan = order->plan;
	struct rf_call *call;
	struct rf_step first;
	int rc = 0;

	*ret_code = 503;
	plan->anonymous = order->anonymous;
	if (core->draining)
		rc = RF_E_LIMIT;
	else if (!rf_plan_next(plan, NULL, &first) || !hops_left(plan, order->hops ? order->hops : RF_MAX_FORWARDS)) {
		*ret_code = plan->code ? plan->code : 480;
		rc = RF_E_NOT_FOUND;
	} else {
		rc = rf_call_new(core, order->plan->emergency, &call);
	}
	if (rc) {
		rf_plan_free(plan);
		return rc;
	}
	rc = enter(call, plan);
	if (!rc)
		rc = fill_made(call, order);
	if (rc) {
		call->recorded = true;
		call->origin = NULL;
		rf_call_finish(call);
		return rc;
	}
	*ret_call = call;
	*ret_code = 0;
	rf_record_call(call, RF_EVENT_CALL_START);
	begin_step(call, &first, NULL, order->offer);
	go_on(call);
	rf_call_settle(call);
	return 0;
}

/* --- ends before the answer */

void rf_setup_abandon(struct rf_call *call, const char *why, unsigned code, struct rf_view reason)
{
	if (call->state >= RF_CALL_ANSWERED)
		return;
	call->why = why;
	if (!call->ended_by)
		call->ended_by = RF_ENDED_SYSTEM;
	refuse(call, code, RF_V(""));
	cancel_others(call, NULL, reason);
}
