#include "call/join.h"

#include "call/join_sdp.h"
#include "call/trunk.h"

#include <stdlib.h>

enum state { WAIT, ASKED, OFFERED, ACK_DUE };

struct rf_join {
	struct rf_call_core *core;
	struct rf_call *call[RF_JOIN_CALLS]; /* [1] NULL: both legs are in [0] */
	struct rf_leg *src, *dst;
	struct rf_media media;
	struct rf_cli *ask, *offer;     /* ours to src and to dst, NULL */
	uint8_t *sdp;                   /* the offer as it came */
	uint32_t sdp_n;
	uint8_t *sent;                  /* as it went to dst: what that one has been told when it takes it */
	uint32_t sent_n;
	struct rf_view answer;
	struct rf_timer timer;
	struct rf_mono until;           /* that long both legs may take to be quiet */
	uint8_t from, state, tries;
	bool dst_calls, starting;
	uint16_t failed;                /* while starting: with this */
	rf_join_fn *done;
	void *arg;
};

/* --- the end */

static void let_go(struct rf_join *j)
{
	for (size_t i = 0; i < RF_JOIN_CALLS; i++)
		if (j->call[i])
			j->call[i]->join = NULL;
	j->call[0] = j->call[1] = NULL;
	rf_timer_stop(rf_loop_wheel(j->core->loop), &j->timer);
	rf_cli_drop(j->ask);
	rf_cli_drop(j->offer);
	j->ask = j->offer = NULL;
}

static void discard(struct rf_join *j)
{
	let_go(j);
	rf_sdp_drop(&j->sdp, &j->sdp_n);
	rf_sdp_drop(&j->sent, &j->sent_n);
	rf_media_fini(&j->media);
	j->core->census.joins--;
	free(j);
}

void rf_join_drop(struct rf_join *join)
{
	if (join)
		discard(join);
}

/* Both calls are looked after once more, but the one that is ending just now: what done() did to them may have ended
 * them. */
static void finish(struct rf_join *j, unsigned code, const struct rf_call *ending)
{
	struct rf_call *call[RF_JOIN_CALLS] = { j->call[0], j->call[1] };
	struct rf_leg *src = j->src;

	if (j->starting) {
		j->failed = (uint16_t)code;
		return;
	}
	bool owed = code && j->from == RF_JOIN_ASK && src->ack_owed; /* it waits for an answer that will not come */

	let_go(j);
	j->done(j->arg, j, code);
	discard(j);
	if (owed)
		rf_end(src->pair->call, NULL, RF_ENDED_SYSTEM, code, "media-refused",
		       RF_V("SIP;cause=488;text=\"No common media\""));
	for (size_t i = 0; i < RF_JOIN_CALLS; i++)
		if (call[i] && call[i] != ending)
			rf_call_settle(call[i]);
}

static void fail(struct rf_join *j, unsigned code)
{
	finish(j, code, NULL);
}

/* The phone of this leg does not know the call any more. */
static void vanished(struct rf_join *j, struct rf_leg *leg, unsigned code)
{
	struct rf_call *call = leg->pair->call;

	rf_dialog_end(leg->dlg);
	leg->bye = RF_BYE_DONE;
	leg->ack_owed = false;
	j->core->counters.peers_dead++;
	fail(j, code);
	rf_end(call, leg, RF_ENDED_SYSTEM, code, "phone vanished", RF_V("SIP;cause=408;text=\"Phone vanished\""));
	rf_call_settle(call);
}

void rf_join_lost(struct rf_call *call)
{
	if (call->join)
		finish(call->join, 487, call);
}

void rf_join_media(struct rf_join *join, struct rf_media *m)
{
	rf_media_fini(m);
	*m = join->media;
	join->media = (struct rf_media){ NULL, NULL };
}

struct rf_leg *rf_join_src(const struct rf_join *join)
{
	return join->src;
}

struct rf_view rf_join_answer(const struct rf_join *join)
{
	return join->answer;
}

static bool keep(uint8_t **slot, uint32_t *n, struct rf_view sdp)
{
	rf_sdp_drop(slot, n);
	*slot = malloc(sdp.n ? sdp.n : 1);
	if (!*slot)
		return false;
	memcpy(*slot, sdp.p, sdp.n);
	*n = (uint32_t)sdp.n;
	return true;
}

/* --- the answer goes back */

static struct rf_view old_of(const struct rf_leg *leg)
{
	return rf_view_of(leg->sdp, leg->sdp_n);
}

/* 200 to the INVITE of a leg; a description of ours is in sdp. */
bool rf_join_answer_invite(struct rf_leg *leg, struct rf_view sdp)
{
	struct rf_call *call = leg->pair->call;
	struct rf_call_core *core = call->core;
	struct rf_view headers;
	struct rf_writer w;

	rf_writer_init(&w, core->head, sizeof core->head);
	rf_leg_put_self(leg, &w);
	rf_put_timer_answer(&w, &call->timer_answer);
	if (rf_writer_done(&w, &headers) || !leg->srv || rf_srv_answered(leg->srv) || rf_leg_keep_sdp(leg, sdp))
		return false;
	rf_answer(core, leg->srv, 200, RF_V(""), rf_dialog_local_tag(leg->dlg), headers, sdp);
	rf_offer_sent(&leg->offer, RF_OFFER_INVITE_2XX, sdp.n > 0);
	rf_dialog_answered(leg->dlg, 200);
	rf_stimer_answered(&leg->stimer, &call->timer_answer, rf_core_now(core));
	leg->ack_due = true;
	return true;
}

/* The answer of dst, for src. */
static void answer_back(struct rf_join *j, struct rf_view sdp)
{
	struct rf_view out;
	enum rf_sdp_rule rule;

	rule = sdp.n ? rf_media_answer(j->core, &j->media, rf_leg_secure(j->dst), rf_leg_secure(j->src),
				       rf_join_sdp_trim(sdp, rf_join_sdp_lines(rf_view_of(j->sdp, j->sdp_n))), &out) :
		       RF_SDP_RULE_NO_MEDIA;
	if (rule != RF_SDP_RULE_OK) {
		struct rf_leg *dst = j->dst;

		rf_record_media(dst->pair->call, rule, dst);
		fail(j, 488);
		rf_end_media(dst->pair->call, 488); /* it has agreed to what the other will not send */
		rf_call_settle(dst->pair->call);
		return;
	}
	rf_media_settled(&j->media);
	if (j->from != RF_JOIN_GIVEN)
		out = rf_join_sdp_go_on(j->core, out, old_of(j->src), false);
	j->answer = out;
	if (j->from == RF_JOIN_ASK)
		rf_leg_ack(j->src, j->ask, out);
	else if (j->from == RF_JOIN_HELD)
		rf_leg_ack(j->src, j->src->pair->invite, out);
	else if (j->from == RF_JOIN_INVITE && !rf_join_answer_invite(j->src, out)) {
		fail(j, 500);
		return;
	}
	finish(j, 0, NULL);
}

static void later(struct rf_join *j, uint64_t ms)
{
	rf_timer_start(rf_loop_wheel(j->core->loop), &j->timer, ms);
}

void rf_join_ack(struct rf_leg *leg, struct rf_view sdp)
{
	struct rf_join *j = leg->pair->call->join;

	if (j && j->state == ACK_DUE && j->dst == leg)
		answer_back(j, sdp);
	else if (j && j->state == WAIT)
		later(j, 0);
}

/* --- the offer to dst */

static void again(struct rf_join *j, struct rf_leg *leg, unsigned code)
{
	if (++j->tries >= RF_JOIN_TRIES)
		fail(j, code);
	else
		later(j, rf_offer_glare_ms(rf_dialog_is_caller(leg->dlg), j->core->random));
}

static void refused(struct rf_join *j, struct rf_leg *leg, unsigned status)
{
	enum rf_offer_role role;
	unsigned code;

	rf_offer_got(&leg->offer, RF_OFFER_INVITE_FAIL, false, &role, &code);
	if (status == 481 || status == 408)
		vanished(j, leg, status);
	else if (status == 491)
		again(j, leg, status);
	else
		fail(j, status < 500 ? 488 : 500);
}

/* The final status of a re-INVITE of ours; 0: none yet, or it is about something else. */
static unsigned final_of(struct rf_leg *leg, struct rf_cli **slot, struct rf_cli *cli, const struct rf_cli_event *e)
{
	if (*slot != cli)
		return 0;
	if (e->kind == RF_CLI_GONE)
		*slot = NULL;
	if (e->kind != RF_CLI_RESPONSE)
		return e->kind == RF_CLI_FAILED ? 503 : 408;
	if (e->msg->status >= 200)
		rf_leg_heard(leg, e->from);
	return e->msg->status < 200 ? 0 : e->msg->status;
}

static void clear(struct rf_cli **slot)
{
	rf_cli_drop(*slot);
	*slot = NULL;
}

/* A 2xx to a re-INVITE. False: its description is not what was due; then ret_sdp is empty. */
static bool take_2xx(struct rf_leg *leg, const struct rf_sip_msg *msg, enum rf_offer_role want, struct rf_view *ret_sdp)
{
	enum rf_offer_role role = RF_OFFER_NO_SDP;
	unsigned code;

	if (rf_sdp_of(msg, ret_sdp))
		*ret_sdp = RF_V("");
	rf_dialog_response(leg->dlg, msg);
	int rc = rf_offer_got(&leg->offer, RF_OFFER_INVITE_2XX, ret_sdp->n > 0, &role, &code);

	rf_leg_learn(leg, msg);
	rf_leg_timer_2xx(leg, msg);
	leg->ack_owed = true;
	return rc == 0 && role == want && ret_sdp->n > 0;
}

static void offer_event(void *arg, struct rf_cli *cli, const struct rf_cli_event *e)
{
	struct rf_join *j = arg;
	struct rf_leg *dst = j->dst;
	unsigned status = final_of(dst, &j->offer, cli, e);
	struct rf_view sdp;

	if (j->state != OFFERED || !status)
		return;
	if (status >= 300) {
		clear(&j->offer);
		refused(j, dst, status);
		return;
	}
	bool ok = take_2xx(dst, e->msg, RF_OFFER_ANSWER, &sdp);

	rf_leg_keep_sdp(dst, rf_view_of(j->sent, j->sent_n));
	rf_leg_ack(dst, j->offer, RF_V(""));
	answer_back(j, ok ? sdp : RF_V(""));
}

static int reinvite(struct rf_join *j, struct rf_leg *leg, struct rf_view sdp, rf_cli_fn *fn, struct rf_cli **slot)
{
	struct rf_writer w;
	int rc = rf_leg_begin(leg, RF_SIP_INVITE, &w);

	if (rc)
		return rc;
	rf_leg_put_timer(leg, &w);
	rc = rf_offer_sent(&leg->offer, RF_OFFER_INVITE, sdp.n > 0);
	if (rc)
		return rc;
	rc = rf_leg_send(leg, &w, sdp.n ? RF_V("application/sdp") : RF_V(""), sdp, fn, j, slot);
	if (rc)
		rf_leg_unsent(leg, RF_SIP_INVITE);
	return rc;
}

static void offer_to_dst(struct rf_join *j)
{
	struct rf_leg *dst = j->dst;
	struct rf_view out;
	enum rf_sdp_rule rule;

	rf_media_fini(&j->media);
	j->media.encrypted = rf_trunk_encrypts(j->src) || rf_trunk_encrypts(dst);
	rule = rf_media_offer(j->core, &j->media, rf_leg_secure(j->src), rf_leg_secure(dst),
			      rf_view_of(j->sdp, j->sdp_n), &out);
	if (rule != RF_SDP_RULE_OK) {
		rf_record_media(dst->pair->call, rule, j->src);
		fail(j, rf_sdp_rule_status(rule));
		return;
	}
	if (j->dst_calls) {
		j->state = ACK_DUE;
		if (!rf_join_answer_invite(dst, out))
			fail(j, 500);
		return;
	}
	out = rf_join_sdp_go_on(j->core, out, old_of(dst), true);
	j->state = OFFERED;
	if (!keep(&j->sent, &j->sent_n, out) || reinvite(j, dst, out, offer_event, &j->offer))
		fail(j, 500);
}

/* --- the offer of src */

static void step(struct rf_join *j);

static void ask_event(void *arg, struct rf_cli *cli, const struct rf_cli_event *e)
{
	struct rf_join *j = arg;
	struct rf_leg *src = j->src;
	unsigned status = final_of(src, &j->ask, cli, e);
	struct rf_view sdp;

	if (j->state != ASKED || !status)
		return;
	if (status >= 300) {
		clear(&j->ask);
		refused(j, src, status);
		return;
	}
	bool ok = take_2xx(src, e->msg, RF_OFFER_OFFER, &sdp);

	if (!ok || !keep(&j->sdp, &j->sdp_n, sdp)) {
		fail(j, ok ? 500 : 488);
		return;
	}
	j->state = WAIT; /* for dst, which may have begun something meanwhile */
	j->tries = 0;
	j->until = rf_mono_add_ms(rf_core_now(j->core), RF_JOIN_QUIET_MS);
	step(j);
}

/* --- before it begins */

/* One that is answered stays for a while, for what may be repeated. */
static bool relays_gone(const struct rf_pair *pair)
{
	const struct rf_relay *relay;

	TAILQ_FOREACH(relay, &pair->relays, list)
		if (!relay->answered || relay->wait_ack)
			return false;
	return true;
}

/* May we send a re-INVITE with an offer, or that asks for one? */
static bool quiet(struct rf_leg *leg)
{
	enum rf_offer_role role;

	return relays_gone(leg->pair) && !leg->own && !leg->ack_due && !leg->ack_owed && !leg->news_at.us &&
	       (!leg->gone_at.us || rf_leg_find_again(leg)) && rf_leg_confirmed(leg) && !leg->bye &&
	       rf_offer_can_send(&leg->offer, RF_OFFER_INVITE, &role) == 0 && role == RF_OFFER_OFFER;
}

static bool ready(struct rf_join *j)
{
	bool asks = j->from == RF_JOIN_ASK && !j->sdp;

	if (asks && !quiet(j->src))
		return false;
	return j->dst_calls || quiet(j->dst);
}

static void step(struct rf_join *j)
{
	if (!ready(j)) {
		if (rf_mono_due(j->until, rf_core_now(j->core)))
			fail(j, 491);
		else
			later(j, RF_JOIN_STEP_MS);
		return;
	}
	if (j->sdp) {
		offer_to_dst(j);
		return;
	}
	j->state = ASKED;
	if (reinvite(j, j->src, RF_V(""), ask_event, &j->ask))
		fail(j, 500);
}

static void on_timer(struct rf_timer *t)
{
	struct rf_join *j = rf_container(t, struct rf_join, timer);

	if (j->state == ASKED || j->state == OFFERED)
		j->state = WAIT;
	step(j);
}

int rf_join_start(const struct rf_join_order *order, struct rf_join **ret_join)
{
	struct rf_call *a = order->src->pair->call, *b = order->dst->pair->call;
	struct rf_join *j;

	if (a->join || b->join)
		return RF_E_BUSY;
	j = calloc(1, sizeof *j);
	if (!j)
		return -ENOMEM;
	*j = (struct rf_join){
		.core = a->core, .call = { a, a == b ? NULL : b }, .src = order->src, .dst = order->dst,
		.from = (uint8_t)order->from, .state = WAIT, .dst_calls = order->dst_calls, .done = order->done,
		.arg = order->arg, .until = rf_mono_add_ms(rf_core_now(a->core), RF_JOIN_QUIET_MS),
	};
	struct rf_view offer = order->from == RF_JOIN_HELD ? old_of(order->src->pair->a) : order->offer;

	if (offer.n && !keep(&j->sdp, &j->sdp_n, offer)) {
		free(j);
		return -ENOMEM;
	}
	j->core->census.joins++;
	a->join = b->join = j;
	rf_timer_init(&j->timer, on_timer);
	j->starting = true;
	step(j);
	j->starting = false;
	if (j->failed) {
		int code = j->failed;

		discard(j);
		return code;
	}
	*ret_join = j;
	return 0;
}
