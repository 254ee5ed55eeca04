/* Requests from the endpoint, sorted. In order: is it a method of ours; is it inside a dialog, then it must be the
 * party of that leg; else who sent it, and are they who they say; then the registrar or a new call. */
#include "call/call_int.h"
#include "call/feature.h"
#include "call/outside.h"
#include "call/board.h"
#include "call/emergency.h"
#include "call/guest.h"
#include "call/inside.h"
#include "call/pickup.h"
#include "call/lamps.h"
#include "call/message.h"
#include "call/registration.h"
#include "call/stir_int.h"
#include "call/sub.h"
#include "call/xfer.h"
#include "call/trunk.h"

#include <stdlib.h>

static const struct rf_call_limits defaults = {
	.calls = 0, .forks_per_call = 8, .registrations = 4096, .suspects = 4096, .flow_grace_ms = 5000,
	.publications = 50000,
};

enum { NUMBERS_CAP = 200000 }; /* that have a mailbox */
enum { RATES_CAP = 16384 }; /* numbers; one that is quiet needs no place */
enum { NONCE_LIFE_MS = 300000, NONCE_CAP = 65536, LEGS_PER_CALL = 2 * 8 };

static void set_limits(struct rf_call_core *core, const struct rf_call_limits *l)
{
	core->limits = (struct rf_call_limits){
		.calls = l->calls ? l->calls : rf_core_site(core)->limits.calls,
		.emergency_calls = l->emergency_calls ? l->emergency_calls : rf_core_site(core)->limits.emergency_calls,
		.forks_per_call = l->forks_per_call ? l->forks_per_call : defaults.forks_per_call,
		.registrations = l->registrations ? l->registrations : defaults.registrations,
		.suspects = l->suspects ? l->suspects : defaults.suspects,
		.subscriptions = l->subscriptions ? l->subscriptions : rf_core_site(core)->limits.subscriptions,
		.publications = l->publications ? l->publications : defaults.publications,
		.messages = l->messages ? l->messages : rf_core_site(core)->limits.messages,
		.flow_grace_ms = l->flow_grace_ms ? l->flow_grace_ms : defaults.flow_grace_ms,
	};
}

_Static_assert(RF_SITE_DIGEST_SHA256 == RF_DIGEST_BIT(RF_DIGEST_SHA256) &&
	       RF_SITE_DIGEST_SHA512_256 == RF_DIGEST_BIT(RF_DIGEST_SHA512_256) &&
	       RF_SITE_DIGEST_MD5 == RF_DIGEST_BIT(RF_DIGEST_MD5), "the site's set of algorithms is sip's");

static void take_site(struct rf_call_core *core)
{
	const struct rf_site *site = rf_core_site(core);

	rf_media_policy(&site->policy, &core->media_policy);
	rf_digest_policy_init(&core->digest_policy, site->domain, site->policy.digests);
}

static int open_board(struct rf_call_core *core)
{
	struct rf_hash_key key = { rf_random_u64(core->random), rf_random_u64(core->random) };
	struct rf_board_limits limits = {
		.lines = core->limits.subscriptions + core->limits.publications + NUMBERS_CAP,
		.subscriptions = core->limits.subscriptions,
		.publications = core->limits.publications,
	};
	int rc = rf_board_new(&limits, &key, &core->board);

	if (!rc)
		rc = rf_subs_new(core, &core->subs);
	if (!rc)
		rc = rf_messages_new(core, &core->messages);
	return rc;
}

static int open_tools(struct rf_call_core *core, const struct rf_call_config *config)
{
	struct rf_nonce_config nonce = {
		.worker = (uint8_t)config->worker, .lifetime_ms = NONCE_LIFE_MS, .cap = NONCE_CAP,
	};
	int rc = rf_digest_ctx_new(&core->digest);

	memcpy(nonce.key, config->nonce_key, sizeof nonce.key);
	if (!rc)
		rc = rf_nonce_new(&nonce, &core->nonce);
	if (!rc)
		rc = rf_suspects_new(core->limits.suspects, &core->hash_key, &core->suspects);
	if (!rc)
		rc = rf_rates_new(RATES_CAP, &core->hash_key, &core->rates);
	if (!rc)
		rc = open_board(core);
	core->shared = rf_call_shared_new(core->random, &core->hash_key);
	if (!rc && (!core->shared || !core->trunks))
		rc = -ENOMEM;
	if (!rc)
		rc = rf_stir_open(core);
	core->again = rc ? NULL : malloc(sizeof *core->again);
	return rc ? rc : core->again ? 0 : -ENOMEM;
}

int rf_call_core_new(const struct rf_call_config *config, struct rf_call_core **ret_core)
{
	struct rf_call_core *core = calloc(1, sizeof *core);

	if (!core)
		return -ENOMEM;
	core->worker = config->worker;
	core->loop = config->loop;
	core->ua = config->ua;
	core->directory = rf_directory_get(config->directory);
	core->ledger = config->ledger;
	core->location = config->location;
	core->bindings = config->bindings;
	core->settings = config->settings;
	core->random = config->random;
	core->log = config->log;
	core->trunk_cas = config->trunk_cas;
	core->trunk_ca_n = config->trunk_ca_n;
	core->trunks = config->trunks ? rf_trunks_get(config->trunks) : rf_trunks_new();
	core->hook = config->hook;
	core->hook_ctx = config->hook_ctx;
	core->hash_key = (struct rf_hash_key){ rf_random_u64(core->random), rf_random_u64(core->random) };
	set_limits(core, &config->limits);
	rf_overload_init(&core->overload, &(struct rf_overload_conf){ 0 });
	size_t calls = core->limits.calls + core->limits.emergency_calls;

	rf_table_init(&core->legs, calls * LEGS_PER_CALL);
	rf_table_init(&core->flows, calls * LEGS_PER_CALL);
	rf_table_init(&core->by_id, calls);
	rf_table_init(&core->by_number, calls);
	TAILQ_INIT(&core->calls);
	rf_outside_init(core);
	TAILQ_INIT(&core->ended);
	TAILQ_INIT(&core->registrations);
	TAILQ_INIT(&core->features);
	TAILQ_INIT(&core->spare);
	rf_defer_init(&core->sweep, rf_call_sweep);
	rf_timer_init(&core->survey, rf_lamps_survey_fire);
	rf_arena_init(&core->scratch, RF_CORE_SCRATCH);
	take_site(core);
	int rc = open_tools(core, config);

	if (rc) {
		rf_call_core_free(core);
		return rc;
	}
	*ret_core = core;
	return 0;
}

void rf_call_core_attach(struct rf_call_core *core, struct rf_ua *ua)
{
	core->ua = ua;
}

int rf_call_core_join(struct rf_call_core *const *cores, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		cores[i]->peers = calloc(n, sizeof *cores);
		if (!cores[i]->peers)
			return -ENOMEM;
		memcpy(cores[i]->peers, cores, n * sizeof *cores);
		cores[i]->peer_count = n;
		if (i > 0) {
			rf_call_shared_put(cores[i]->shared);
			cores[i]->shared = rf_call_shared_get(cores[0]->shared);
			rf_board_put(cores[i]->board);
			cores[i]->board = rf_board_get(cores[0]->board);
			rf_trunks_put(cores[i]->trunks);
			cores[i]->trunks = rf_trunks_get(cores[0]->trunks);
		}
	}
	return 0;
}

static void free_now(struct rf_defer *defer)
{
	free(rf_container(defer, struct rf_call_core, sweep));
}

void rf_call_core_free(struct rf_call_core *core)
{
	if (!core)
		return;
	core->drained = NULL;
	while (!TAILQ_EMPTY(&core->calls))
		rf_call_finish(TAILQ_FIRST(&core->calls));
	rf_call_sweep(&core->sweep);
	rf_timer_stop(rf_loop_wheel(core->loop), &core->outside_timer);
	rf_registrar_drop(core);
	rf_feature_drop(core);
	rf_timer_stop(rf_loop_wheel(core->loop), &core->survey);
	rf_messages_free(core->messages);
	rf_subs_free(core->subs);
	rf_board_put(core->board);
	rf_trunk_watch_stop(core);
	rf_table_fini(&core->legs);
	rf_table_fini(&core->flows);
	rf_table_fini(&core->by_id);
	rf_table_fini(&core->by_number);
	rf_suspects_free(core->suspects);
	rf_rates_free(core->rates);
	rf_trunk_stir_stop(core);
	rf_stir_close(core);
	rf_call_shared_put(core->shared);
	rf_trunks_put(core->trunks);
	rf_nonce_free(core->nonce);
	rf_digest_ctx_free(core->digest);
	rf_arena_fini(&core->scratch);
	rf_directory_put(core->directory);
	free(core->again);
	free(core->peers);
	if (core->sweep.queued) /* the loop still holds it: it goes with the loop's last callbacks */
		core->sweep.run = free_now;
	else
		free(core);
}

void rf_call_core_reload(struct rf_call_core *core, struct rf_directory *directory)
{
	struct rf_directory *old = core->directory;

	core->directory = rf_directory_get(directory);
	take_site(core);
	rf_end_fallen(core);
	rf_dial_again(core);
	rf_subs_fallen(core);
	rf_directory_put(old);
}

void rf_call_core_drain(struct rf_call_core *core, void (*done)(void *ctx), void *ctx)
{
	struct rf_call *call, *next;

	core->draining = true;
	core->drained = done;
	core->drained_ctx = ctx;
	rf_subs_drain(core);
	for (call = TAILQ_FIRST(&core->calls); call; call = next) {
		next = TAILQ_NEXT(call, list);
		rf_setup_abandon(call, "shutting down", 503, RF_V(""));
		rf_end(call, NULL, RF_ENDED_SYSTEM, 0, "shutting down", RF_V("SIP;cause=503;text=\"Shutting down\""));
		rf_call_settle(call);
	}
	if (core->census.calls == 0) {
		core->drained = NULL;
		done(ctx);
	}
}

const struct rf_call_counters *rf_call_core_counters(const struct rf_call_core *core)
{
	return &core->counters;
}

struct rf_call_census rf_call_core_census(const struct rf_call_core *core)
{
	struct rf_call_census c = core->census;
	struct rf_board_counts board;

	rf_board_counts(core->board, &board);
	c.subscriptions = rf_subs_count(core->subs);
	c.messages = rf_messages_count(core->messages);
	c.publications = board.publications;
	return c;
}

/* --- answers without a call */

void rf_core_reply_headers(struct rf_call_core *core, struct rf_srv *srv, unsigned code, struct rf_view reason,
			   struct rf_view headers)
{
	struct rf_srv_reply reply = { .code = code, .reason = reason, .headers = headers };

	(void)core;
	rf_srv_reply(srv, &reply);
}

void rf_core_reply(struct rf_call_core *core, struct rf_srv *srv, unsigned code, struct rf_view reason)
{
	rf_core_reply_headers(core, srv, code, reason, RF_V(""));
}

void rf_core_put_retry_after(struct rf_writer *w, uint32_t seconds)
{
	rf_sip_put_hdr_u64(w, RF_SIP_H_RETRY_AFTER, seconds);
}

#define ALLOW \
	"Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, PRACK, UPDATE, INFO, REFER, MESSAGE, SUBSCRIBE, PUBLISH\r\n"

void rf_core_put_abilities(struct rf_writer *w)
{
	rf_put_lit(w, ALLOW "Supported: timer, replaces, norefersub\r\n");
}

void rf_core_put_contact(struct rf_call_core *core, const struct rf_flow *flow, struct rf_writer *w)
{
	rf_put_lit(w, "Contact: <");
	rf_ua_put_contact(core->ua, flow, RF_V(""), w);
	rf_put_lit(w, ">\r\n");
}

void rf_core_refuse(struct rf_call_core *core, struct rf_in *in, const struct rf_verdict *v)
{
	struct rf_view headers = { NULL, 0 };
	struct rf_writer w;

	rf_writer_init(&w, core->head, sizeof core->head);
	if (v->code == 401 || v->code == 407)
		rf_identity_put_challenge(core, &w, in->from, v->code, v->stale);
	if (v->retry_after_s)
		rf_core_put_retry_after(&w, v->retry_after_s);
	if (rf_writer_done(&w, &headers))
		headers = RF_V("");
	rf_identity_report(core, in->msg, in->from, &in->proof, v);
	struct rf_srv_reply reply = { .code = v->code, .reason = rf_identity_rule_text(v->rule), .headers = headers };

	/* A challenge may be given again and again; a wrong password must count once however often it is repeated. */
	if (v->rule == RF_ID_CHALLENGE)
		rf_srv_reply_stateless(in->srv, &reply);
	else
		rf_srv_reply(in->srv, &reply);
}

/* The site's bound on what one number may ask for, told apart from the bound of a source in ua: phones of a number may
 * share an address with others or have several. False: refused here. */
bool rf_core_within_rate(struct rf_call_core *core, struct rf_in *in, struct rf_view number)
{
	uint32_t per_s = rf_core_site(core)->limits.requests_per_second;

	if (rf_rates_take(core->rates, number, per_s, rf_core_now(core)) == 0)
		return true;
	core->counters.requests_over_rate++;
	rf_record_limit(core, "requests_per_second", in);
	rf_core_reply_headers(core, in->srv, 503, RF_V(""), RF_V("Retry-After: 1\r\n"));
	return false;
}

/* --- requests inside a dialog */

struct rf_verdict rf_core_prove_party(struct rf_call_core *core, const struct rf_party *party,
				      const struct rf_flow *flow, struct rf_in *in)
{
	bool same_flow = rf_flow_eq(flow, &in->from->flow);

	if (rf_flow_is_inside(&in->from->flow))
		return (struct rf_verdict){ .rule = same_flow ? RF_ID_OK : RF_ID_DIALOG_OTHER, .code = same_flow ? 0 : 403 };
	struct rf_verdict v = rf_identity_prove_phone(core, in->from, &in->proof);

	if (v.code)
		return v;
	if (party->trunk.n || in->proof.trunk)
		return rf_party_is(party, &in->proof) ?
			       v : (struct rf_verdict){ .rule = RF_ID_DIALOG_OTHER, .code = 403 };
	if (party->phone.n || in->proof.phone) {
		struct rf_view phone = in->proof.phone ? in->proof.phone->name : RF_V("");

		if (!rf_view_eq(party->phone, phone))
			return (struct rf_verdict){ .rule = RF_ID_DIALOG_OTHER, .code = 403 };
		if (same_flow || party->user.n == 0)
			return v;
	}
	if (same_flow)
		return v;
	v = rf_identity_prove(core, in->msg, in->from, &in->proof);
	if (!v.code && !rf_party_is(party, &in->proof))
		return (struct rf_verdict){ .rule = RF_ID_DIALOG_OTHER, .code = 403 };
	return v;
}

static void in_dialog_options(struct rf_leg *leg, struct rf_in *in)
{
	struct rf_call_core *core = rf_leg_core(leg);
	struct rf_view headers = { NULL, 0 };
	struct rf_writer w;

	rf_writer_init(&w, core->head, sizeof core->head);
	rf_core_put_abilities(&w);
	rf_put_lit(&w, "Accept: application/sdp\r\n");
	rf_writer_done(&w, &headers);
	rf_core_reply_headers(core, in->srv, 200, RF_V(""), headers);
}

void rf_core_refuse_method(struct rf_call_core *core, struct rf_in *in)
{
	rf_core_reply_headers(core, in->srv, 405, RF_V(""), RF_V(ALLOW));
}

static void in_dialog(struct rf_call_core *core, struct rf_in *in)
{
	struct rf_leg *leg = rf_leg_find(core, in->msg);
	unsigned code = 0;

	if (!leg) {
		if (!rf_sub_in_dialog(core, in))
			rf_core_reply(core, in->srv, 481, RF_V(""));
		return;
	}
	struct rf_verdict v = rf_core_prove_party(core, leg->party, &leg->flow, in);

	/* a phone that was locked while it calls for help goes on with that call (rf_end_fallen()) */
	if (v.rule == RF_ID_PHONE_LOCKED && leg->pair->call->emergency && rf_flow_eq(&leg->flow, &in->from->flow))
		v.code = 0;
	if (v.code) {
		rf_core_refuse(core, in, &v);
		return;
	}
	/* a BYE is never turned away: the other phone would hear nothing more and stay in the call */
	if (in->msg->method != RF_SIP_BYE && !leg->party->trunk.n && !rf_flow_is_inside(&in->from->flow) &&
	    !rf_core_within_rate(core, in, leg->party->number))
		return;
	rf_leg_seen(leg, in->from);
	if (rf_dialog_request(leg->dlg, in->msg, &code)) {
		rf_core_reply(core, in->srv, code, RF_V(""));
		return;
	}
	struct rf_call *call = leg->pair->call;

	switch (in->msg->method) {
	case RF_SIP_BYE:
		rf_end_bye(leg, in);
		return;
	case RF_SIP_PRACK:
		rf_early_prack(leg, in);
		break;
	case RF_SIP_INVITE:
	case RF_SIP_UPDATE:
	case RF_SIP_INFO:
		if (call->state >= RF_CALL_ENDING)
			rf_core_reply(core, in->srv, 481, RF_V(""));
		else
			rf_mid_request(leg, in);
		break;
	case RF_SIP_REFER:
		rf_xfer_refer(leg, in);
		break;
	case RF_SIP_OPTIONS:
		in_dialog_options(leg, in);
		break;
	case RF_SIP_MESSAGE:
		rf_message_in_dialog(leg, in);
		break;
	default:
		rf_core_refuse_method(core, in);
		break;
	}
	rf_call_settle(call);
}

/* --- requests outside */

static void options(struct rf_call_core *core, struct rf_in *in)
{
	struct rf_view headers = { NULL, 0 };
	struct rf_writer w;

	rf_writer_init(&w, core->head, sizeof core->head);
	rf_put(&w, rf_sub_allow_events);
	rf_put_lit(&w, ALLOW "Supported: timer, 100rel, path, outbound, resource-priority, replaces, norefersub\r\n"
			     "Accept: application/sdp\r\nAccept-Encoding: identity\r\nAccept-Language: en\r\n");
	rf_precedence_put_accept(&w);
	rf_writer_done(&w, &headers);
	rf_core_reply_headers(core, in->srv, 200, RF_V(""), headers);
}

void rf_core_invite(struct rf_call_core *core, struct rf_in *in)
{
	if (!rf_guest_replaces(core, in) && !rf_pickup_dialled(core, in))
		rf_setup_invite(core, in);
}

static void served(struct rf_call_core *core, struct rf_in *in)
{
	switch (in->msg->method) {
	case RF_SIP_INVITE:
		if (!rf_trunk_proves(core, in))
			rf_core_invite(core, in);
		break;
	case RF_SIP_SUBSCRIBE:
		rf_sub_request(core, in);
		break;
	case RF_SIP_PUBLISH:
		rf_publish_request(core, in);
		break;
	case RF_SIP_MESSAGE:
		rf_message_request(core, in);
		break;
	default:
		options(core, in);
		break;
	}
}

static void outside(struct rf_call_core *core, struct rf_in *in)
{
	bool registers = in->msg->method == RF_SIP_REGISTER;
	struct rf_verdict v = rf_identity_prove(core, in->msg, in->from, &in->proof);

	if (!v.code && !in->proof.trunk)
		v = registers ? rf_identity_may_register(core, &in->proof, in->msg) :
				rf_identity_may_send(core, &in->proof, in->msg);
	/* A phone that calls for help is not asked who stands at it, nor does it matter what it calls itself. */
	bool named = v.rule == RF_ID_FROM_OTHER;
	bool emergency = (!v.code || named || in->proof.phone) && rf_emergency_is(core, in);

	if (emergency && v.code) {
		if (!named)
			in->proof.user = NULL;
		v = (struct rf_verdict){ .rule = RF_ID_OK };
	}
	if (v.code) {
		if (registers && v.code == 403)
			core->counters.registrations_refused++;
		rf_core_refuse(core, in, &v);
		return;
	}
	if (in->proof.trunk ? !rf_trunk_admits(core, in) :
			      !emergency && !rf_core_within_rate(core, in, rf_proof_number(&in->proof)))
		return;
	if (!emergency && !rf_load_admits(core, in))
		return;
	if (registers && core->draining)
		rf_core_reply_headers(core, in->srv, 503, RF_V(""), RF_V("Retry-After: 5\r\n"));
	else if (registers)
		rf_registrar_request(core, in);
	else
		served(core, in);
}

static void on_request(void *ctx, struct rf_srv *srv, const struct rf_sip_msg *msg, const struct rf_peer *from)
{
	struct rf_call_core *core = ctx;
	struct rf_in in = { .msg = msg, .srv = srv, .from = from };

	core->counters.requests++;
	if (msg->to.tag.n) {
		in_dialog(core, &in);
		return;
	}
	if (rf_flow_is_inside(&from->flow)) {
		rf_inside_request(core, &in);
		return;
	}
	switch (msg->method) {
	case RF_SIP_REGISTER:
	case RF_SIP_INVITE:
	case RF_SIP_OPTIONS:
	case RF_SIP_SUBSCRIBE:
	case RF_SIP_PUBLISH:
	case RF_SIP_MESSAGE:
		outside(core, &in);
		break;
	case RF_SIP_NOTIFY:
	case RF_SIP_BYE:
	case RF_SIP_PRACK:
	case RF_SIP_UPDATE:
	case RF_SIP_INFO:
		rf_core_reply(core, srv, 481, RF_V("")); /* these have no life outside a dialog */
		break;
	default:
		rf_core_refuse_method(core, &in);
		break;
	}
}

/* Never challenged: it must come from the leg's phone, or by the leg's own way; others are as if lost. One for a call
 * that is over ends the repetition of its 2xx, by the way of the INVITE. */
static bool on_ack(void *ctx, struct rf_srv *srv, const struct rf_sip_msg *msg, const struct rf_peer *from)
{
	struct rf_call_core *core = ctx;
	struct rf_leg *leg = rf_leg_find(core, msg);
	struct rf_proof proof;

	if (!leg)
		return srv && rf_flow_eq(rf_srv_flow(srv), &from->flow);
	if (!rf_flow_eq(&leg->flow, &from->flow)) {
		if (rf_identity_prove_phone(core, from, &proof).code || !rf_party_is(leg->party, &proof)) {
			core->counters.hijacks_refused++;
			return false;
		}
	}
	struct rf_call *call = leg->pair->call;

	rf_mid_ack(leg, msg);
	rf_call_settle(call);
	return true;
}

/* --- connections that end */

static void mark_leg(struct rf_leg *leg)
{
	struct rf_call *call = leg->pair->call;

	if (!leg->gone_at.us)
		leg->gone_at = rf_core_now(call->core);
	if (call->state < RF_CALL_ANSWERED && rf_leg_is_a(leg)) {
		call->ended_by = RF_ENDED_CALLER;
		rf_setup_abandon(call, "connection lost", 487, RF_V("SIP;cause=487;text=\"Caller vanished\""));
	} else if (call->state < RF_CALL_ANSWERED && leg->pair->state < RF_PAIR_HELD && leg->pair->invite) {
		rf_cli_drop(leg->pair->invite);
		leg->pair->invite = NULL;
		rf_setup_pair_failed(leg->pair, 408);
	} else if (call->state == RF_CALL_ENDING && (leg->bye == RF_BYE_WANTED || leg->bye == RF_BYE_SENT)) {
		rf_cli_drop(leg->own);
		leg->own = NULL;
		leg->bye = RF_BYE_DONE;
	}
}

/* One leg at a time: what happens to a call may free others of its legs. A leg that is marked leaves the table. */
static void lose_flow(struct rf_call_core *core, const struct rf_flow *flow)
{
	uint64_t hash = rf_flow_hash(&core->hash_key, flow);
	struct rf_node *n = rf_table_first(&core->flows, hash);

	while (n) {
		struct rf_leg *leg = rf_container(n, struct rf_leg, by_flow);
		struct rf_call *call = leg->pair->call;

		if (!rf_flow_eq(&leg->flow, flow)) {
			n = rf_table_next(n);
			continue;
		}
		rf_table_del(&core->flows, &leg->by_flow);
		leg->flow_entered = false;
		mark_leg(leg);
		rf_call_settle(call);
		n = rf_table_first(&core->flows, hash);
	}
	rf_subs_flow_lost(core, flow);
}

struct lost_mail {
	struct rf_mail mail;
	struct rf_call_core *core;
	struct rf_flow flow;
};

static void lost_elsewhere(struct rf_mail *mail, int status)
{
	struct lost_mail *m = rf_container(mail, struct lost_mail, mail);

	if (status == 0)
		lose_flow(m->core, &m->flow);
	free(m);
}

/* The connection was this worker's; legs on it may be any worker's. One that is not told finds out when it sends. */
static void tell_peers(struct rf_call_core *core, const struct rf_flow *flow)
{
	for (size_t i = 0; i < core->peer_count; i++) {
		struct rf_call_core *peer = core->peers[i];
		struct lost_mail *m = peer == core ? NULL : malloc(sizeof *m);

		if (!m)
			continue;
		*m = (struct lost_mail){ .mail = { .deliver = lost_elsewhere }, .core = peer, .flow = *flow };
		if (rf_mail_post(peer->loop, &m->mail))
			free(m);
	}
}

static void bindings_wait(struct rf_call_core *core, const struct rf_peer *peer)
{
	const struct rf_dir_phone *phone;
	uint8_t aor[320];
	struct rf_writer w;

	if (peer->label.n)
		rf_location_flow_lost(core->location, peer->label, &peer->flow);
	if (!peer->id || !peer->id->present ||
	    rf_directory_prove(core->directory, peer->id, rf_core_wall(core), &phone, NULL))
		return;
	rf_writer_init(&w, aor, sizeof aor);
	rf_put(&w, phone->number);
	rf_put_byte(&w, '@');
	rf_put(&w, rf_core_site(core)->domain);
	if (w.err)
		return;
	rf_location_flow_lost(core->location, rf_view_of(aor, w.n), &peer->flow);
	rf_lamps_bound(core, rf_view_of(aor, w.n));
}

static void on_flow_closed(void *ctx, const struct rf_peer *peer, const struct rf_stream_end *end)
{
	struct rf_call_core *core = ctx;

	(void)end;
	core->counters.flows_lost++;
	bindings_wait(core, peer);
	lose_flow(core, &peer->flow);
	tell_peers(core, &peer->flow);
}

static void on_refused(void *ctx, const struct rf_ua_refusal *r)
{
	struct rf_call_core *core = ctx;
	char address[RF_ADDR_TEXT];
	struct rf_event e;

	rf_event_init(&e, RF_EVENT_MESSAGE_REFUSED, rf_core_wall(core));
	rf_event_cstr(&e, "rule", r->what);
	rf_event_cstr(&e, "text", r->text);
	rf_event_u64(&e, "code", r->code);
	rf_event_u64(&e, "more", r->more);
	rf_event_cstr(&e, "transport", rf_flow_kind_name(r->flow.kind));
	rf_event_cstr(&e, "address", rf_addr_text(&r->flow.remote, address));
	rf_record_post(core, &e);
}

static void on_tls_refused(void *ctx, const struct rf_flow *flow, const struct rf_stream_end *end)
{
	struct rf_call_core *core = ctx;
	char address[RF_ADDR_TEXT];
	struct rf_event e;

	if (!rf_record_begin(core, RF_EVENT_CONNECTION_REFUSED, &e))
		return;
	rf_event_cstr(&e, "rule", "tls");
	rf_event_cstr(&e, "text", end->text);
	rf_event_cstr(&e, "address", rf_addr_text(&flow->remote, address));
	rf_record_post(core, &e);
}

static const struct rf_ua_user user = {
	.request = on_request,
	.ack = on_ack,
	.flow_closed = on_flow_closed,
	.refused = on_refused,
	.tls_refused = on_tls_refused,
};

const struct rf_ua_user *rf_call_core_user(void)
{
	return &user;
}

const struct rf_view *rf_call_core_supported(size_t *ret_n)
{
	static const struct rf_view tags[] = {
		{ (const uint8_t *)"timer", 5 }, { (const uint8_t *)"100rel", 6 },
		{ (const uint8_t *)"path", 4 }, { (const uint8_t *)"outbound", 8 },
		{ (const uint8_t *)"resource-priority", 17 },
		{ (const uint8_t *)"replaces", 8 }, { (const uint8_t *)"norefersub", 10 },
	};

	*ret_n = sizeof tags / sizeof *tags;
	return tags;
}
