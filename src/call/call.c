/* The life of a call and its parts: made, timed, freed. What happens in between is the machines'. */
#include "base/secret.h"
#include "call/anchor.h"
#include "call/border.h"
#include "call/call_int.h"
#include "call/roam.h"
#include "call/join.h"
#include "call/park.h"
#include "call/xfer.h"

#include "call/lamps.h"

#include <stdlib.h>

static const char *const state_names[] = {
	[RF_CALL_TRYING] = "trying", [RF_CALL_RINGING] = "ringing", [RF_CALL_ANSWERED] = "answered",
	[RF_CALL_ENDING] = "ending", [RF_CALL_ENDED] = "ended",
};

const char *rf_call_state_name(enum rf_call_state state)
{
	return state_names[state];
}

/* --- pairs and relays */

struct rf_pair *rf_pair_new(struct rf_call *call, struct rf_party *callee)
{
	struct rf_pair *pair = calloc(1, sizeof *pair);

	if (!pair)
		return NULL;
	pair->call = call;
	pair->a = rf_leg_new(pair, call->caller);
	pair->b = rf_leg_new(pair, callee);
	if (!pair->a || !pair->b) {
		rf_leg_free(pair->a);
		rf_leg_free(pair->b);
		free(pair);
		return NULL;
	}
	pair->step = call->step;
	pair->a->unnamed = call->anonymous;
	pair->b->index = ++call->next_index;
	TAILQ_INIT(&pair->relays);
	TAILQ_INSERT_TAIL(&call->pairs, pair, list);
	call->pair_n++;
	call->core->census.pairs++;
	return pair;
}

void rf_pair_free(struct rf_pair *pair)
{
	struct rf_call *call = pair->call;

	while (!TAILQ_EMPTY(&pair->relays))
		rf_mid_relay_free(TAILQ_FIRST(&pair->relays));
	rf_cli_drop(pair->invite);
	rf_behind_free(pair);
	rf_leg_free(pair->a);
	rf_leg_free(pair->b);
	rf_media_fini(&pair->media);
	TAILQ_REMOVE(&call->pairs, pair, list);
	call->pair_n--;
	call->core->census.pairs--;
	if (call->up == pair)
		call->up = NULL;
	free(pair);
}

struct rf_relay *rf_mid_relay_new(struct rf_leg *from, struct rf_srv *srv, enum rf_sip_method method)
{
	struct rf_call *call = from->pair->call;
	struct rf_relay *relay = call->relays < RF_RELAYS_PER_CALL ? calloc(1, sizeof *relay) : NULL;

	if (!relay)
		return NULL;
	relay->pair = from->pair;
	relay->from = from;
	relay->to = rf_leg_other(from);
	relay->srv = srv;
	relay->method = relay->sent = (uint8_t)method;
	TAILQ_INSERT_TAIL(&from->pair->relays, relay, list);
	call->relays++;
	call->core->census.relays++;
	return relay;
}

void rf_mid_relay_free(struct rf_relay *relay)
{
	struct rf_call *call = relay->pair->call;

	rf_anchor_forget(call, relay);
	if (relay->srv)
		rf_srv_watch(relay->srv, NULL, NULL);
	rf_cli_drop(relay->cli);
	rf_secret_free(relay->message, relay->message_n);
	rf_sdp_drop(&relay->before, &relay->before_n);
	TAILQ_REMOVE(&relay->pair->relays, relay, list);
	call->relays--;
	call->core->census.relays--;
	free(relay);
}

/* --- calls */

static void on_timer(struct rf_timer *t);

int rf_call_new(struct rf_call_core *core, bool emergency, struct rf_call **ret_call)
{
	size_t most = core->limits.calls + (emergency ? core->limits.emergency_calls : 0);
	int rc = rf_call_shared_take(core->shared, most);

	if (rc)
		return rc;
	struct rf_call *call = calloc(1, sizeof *call);

	if (!call) {
		rf_call_shared_give(core->shared);
		return -ENOMEM;
	}
	call->core = core;
	TAILQ_INIT(&call->pairs);
	rf_timer_init(&call->timer, on_timer);
	rf_ua_make_id(core->ua, &call->id);
	rc = rf_table_add(&core->by_id, &call->by_id, rf_hash(&core->hash_key, rf_id_view(&call->id)));

	if (rc) {
		rf_call_shared_give(core->shared);
		free(call);
		return rc;
	}
	call->since = rf_core_now(core);
	call->start = rf_core_wall(core);
	TAILQ_INSERT_TAIL(&core->calls, call, list);
	core->census.calls++;
	core->counters.calls++;
	*ret_call = call;
	return 0;
}

/* It counts no more among the calls that its caller is in. */
static void stop_counting(struct rf_call *call)
{
	rf_call_unuse(call);
	if (call->number_entered)
		rf_table_del(&call->core->by_number, &call->by_number);
	call->number_entered = false;
}

/* Out of every table at once; the memory goes at the end of the turn, since a machine may be on the stack. */
void rf_call_finish(struct rf_call *call)
{
	struct rf_call_core *core = call->core;

	if (call->state == RF_CALL_ENDED)
		return;
	call->state = RF_CALL_ENDED;
	rf_anchor_end(call);
	rf_xfer_free(call);
	rf_roam_refer_free(call);
	rf_park_over(call);
	rf_join_lost(call);
	if (!call->recorded)
		rf_record_cdrs(call);
	rf_timer_stop(rf_loop_wheel(core->loop), &call->timer);
	if (call->srv)
		rf_srv_watch(call->srv, NULL, NULL);
	call->srv = NULL;
	if (call->origin && call->origin->gone)
		call->origin->gone(call);
	stop_counting(call);
	rf_table_del(&core->by_id, &call->by_id);
	TAILQ_REMOVE(&core->calls, call, list);
	TAILQ_INSERT_TAIL(&core->ended, call, list);
	rf_loop_defer(core->loop, &core->sweep);
}

/* Buffers of all calls: nobody reads in them at the end of a turn. */
static void wipe_descriptions(struct rf_call_core *core)
{
	rf_secret_wipe(core->sdp_out, core->sdp_out_n);
	rf_secret_wipe(core->sdp_join, core->sdp_join_n);
	core->sdp_out_n = core->sdp_join_n = 0;
	if (core->looked)
		rf_looked_wipe(core->looked);
}

void rf_call_sweep(struct rf_defer *defer)
{
	struct rf_call_core *core = rf_container(defer, struct rf_call_core, sweep);
	struct rf_call *call;

	wipe_descriptions(core);
	while ((call = TAILQ_FIRST(&core->ended))) {
		TAILQ_REMOVE(&core->ended, call, list);
		while (!TAILQ_EMPTY(&call->pairs))
			rf_pair_free(TAILQ_FIRST(&call->pairs));
		rf_plan_free(call->plan);
		rf_sdp_drop(&call->kept, &call->kept_n);
		free(call->extra);
		rf_secret_free(call->challenge, call->challenge_n);
		rf_party_put(call->caller);
		rf_party_put(call->shown);
		core->census.calls--;
		rf_call_shared_give(core->shared);
		free(call);
	}
	if (core->drained && core->census.calls == 0) {
		void (*drained)(void *ctx) = core->drained;

		core->drained = NULL;
		drained(core->drained_ctx);
	}
}

struct rf_wall rf_call_wall(const struct rf_call *call)
{
	return (struct rf_wall){ call->start.us + (int64_t)(rf_core_now(call->core).us - call->since.us) };
}

struct rf_call *rf_call_by_id(struct rf_call_core *core, struct rf_view id)
{
	struct rf_node *n = rf_table_first(&core->by_id, rf_hash(&core->hash_key, id));

	for (; n; n = rf_table_next(n)) {
		struct rf_call *call = rf_container(n, struct rf_call, by_id);

		if (rf_view_eq(rf_id_view(&call->id), id))
			return call;
	}
	return NULL;
}

/* --- what a call waits for */

static bool leg_busy(const struct rf_leg *leg)
{
	return leg->tone || leg->bye == RF_BYE_WANTED || leg->bye == RF_BYE_SENT;
}

static bool pair_busy(const struct rf_pair *pair)
{
	return pair->state < RF_PAIR_UP || leg_busy(pair->a) || leg_busy(pair->b);
}

static bool call_busy(const struct rf_call *call)
{
	const struct rf_pair *pair;

	if (call->state < RF_CALL_ENDING)
		return true;
	TAILQ_FOREACH(pair, &call->pairs, list)
		if (pair_busy(pair))
			return true;
	return false;
}

/* It was answered and everybody has hung up. What it may still wait for is a fork that lost without ever saying a word,
 * the contact of a phone that has gone away: until its INVITE times out, for a 2xx of its own
 * would need ACK and BYE. */
static bool talked_out(const struct rf_call *call)
{
	return call->state == RF_CALL_ENDING && call->up && !pair_busy(call->up);
}

/* Before the answer the pairs of steps that are over stay, since the caller may still acknowledge what came from them;
 * but not many. */
static bool of_old_step(const struct rf_call *call, const struct rf_pair *pair)
{
	return pair->step < call->step && !pair->rel_a.waiting && call->pair_n > RF_PAIRS_KEPT;
}

/* Forks that lost are not kept for the hours that a call may last; their transactions run on by themselves. So
 * whoever calls rf_call_settle() does it last and touches no pair afterwards. */
static void prune(struct rf_call *call)
{
	for (struct rf_pair *pair = TAILQ_FIRST(&call->pairs), *next; pair; pair = next) {
		next = TAILQ_NEXT(pair, list);
		if (pair != call->up && (call->up || of_old_step(call, pair)) && pair->state == RF_PAIR_OVER &&
		    !pair_busy(pair)) {
			rf_record_leg(pair->b);
			rf_pair_free(pair);
		}
	}
}

static void take_first(struct rf_mono *at, struct rf_mono other)
{
	if (other.us && other.us < at->us)
		*at = other;
}

static struct rf_mono leg_next(const struct rf_leg *leg)
{
	struct rf_mono at = rf_refresh_next(leg);

	take_first(&at, leg->news_at);
	if (leg->gone_at.us)
		take_first(&at, rf_mono_add_ms(leg->gone_at, rf_leg_core(leg)->limits.flow_grace_ms));
	return at;
}

static struct rf_mono call_next(const struct rf_call *call)
{
	struct rf_mono at = rf_mono_never();

	if (call->state < RF_CALL_ANSWERED)
		take_first(&at, call->ring_until);
	if (call->state == RF_CALL_ENDING)
		take_first(&at, call->end_until);
	if (call->state == RF_CALL_ANSWERED && call->up) {
		take_first(&at, leg_next(call->up->a));
		take_first(&at, leg_next(call->up->b));
	}
	return at;
}

void rf_call_settle(struct rf_call *call)
{
	struct rf_wheel *wheel = rf_loop_wheel(call->core->loop);

	if (call->state == RF_CALL_ENDED)
		return;
	rf_lamps_step(call);
	if (!call_busy(call)) {
		rf_call_finish(call);
		return;
	}
	if (talked_out(call)) {
		stop_counting(call);
		rf_leg_give_back(call->up->a);
		rf_leg_give_back(call->up->b);
	}
	prune(call);
	struct rf_mono at = call_next(call);

	if (at.us == rf_mono_never().us)
		rf_timer_stop(wheel, &call->timer);
	else
		rf_timer_start_at(wheel, &call->timer, at);
}

static void on_timer(struct rf_timer *t)
{
	struct rf_call *call = rf_container(t, struct rf_call, timer);
	struct rf_mono now = rf_core_now(call->core);
	struct rf_pair *up = call->up;

	if (call->state == RF_CALL_ENDING && rf_mono_due(call->end_until, now)) {
		rf_call_finish(call);
		return;
	}
	if (call->state < RF_CALL_ANSWERED && rf_mono_due(call->ring_until, now))
		rf_setup_timeout(call);
	if (call->state == RF_CALL_ANSWERED && up) {
		rf_refresh_step(up->a, now);
		rf_refresh_step(up->b, now);
		rf_news_step(up->a, now);
		rf_news_step(up->b, now);
		rf_end_flow_step(up->a, now);
		rf_end_flow_step(up->b, now);
	}
	rf_call_settle(call);
}

/* --- answers */

void rf_put_asserted(const struct rf_call *call, const struct rf_party *p, struct rf_writer *w)
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

void rf_answer(struct rf_call_core *core, struct rf_srv *srv, unsigned code, struct rf_view reason, struct rf_view tag,
	       struct rf_view headers, struct rf_view sdp)
{
	struct rf_srv_reply reply = {
		.code = code, .reason = reason, .to_tag = tag, .headers = headers, .body = sdp,
	};

	if (sdp.n)
		reply.content_type = RF_V("application/sdp");
	int rc = rf_srv_reply(srv, &reply);

	if (rc && rc != RF_E_STATE && code < 300)
		rf_srv_reply_code(srv, 500);
	(void)core;
}

void rf_answer_media(struct rf_call_core *core, struct rf_srv *srv, enum rf_sdp_rule rule, struct rf_view tag)
{
	uint8_t buf[512];
	struct rf_view headers = { NULL, 0 };
	struct rf_writer w;

	rf_writer_init(&w, buf, sizeof buf);
	rf_sip_put_hdr_name(&w, RF_SIP_H_WARNING);
	rf_sdp_warning_build(&w, rule, rf_core_site(core)->domain);
	rf_sip_put_crlf(&w);
	if (core->border || rf_writer_done(&w, &headers)) /* words about a policy are for our own */
		headers = RF_V("");
	rf_answer(core, srv, rf_sdp_rule_status(rule), RF_V(""), tag, headers, RF_V(""));
}

unsigned rf_sdp_of(const struct rf_sip_msg *msg, struct rf_view *ret_sdp)
{
	struct rf_view encoding = rf_sip_msg_value(msg, RF_SIP_H_CONTENT_ENCODING);

	*ret_sdp = (struct rf_view){ NULL, 0 };
	if (msg->body.n == 0)
		return 0;
	if (encoding.n && !rf_view_eq_nocase(encoding, RF_V("identity")))
		return 415;
	switch (rf_sip_msg_find_body(msg, RF_V("application/sdp"), ret_sdp)) {
	case 0:
		return 0;
	case RF_E_NOT_FOUND:
		return 415;
	default:
		return 400;
	}
}
