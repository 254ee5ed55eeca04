/* A core from its making to its end: what it is made of, the cores of a process that know each other, a reload, and the
 * time in which its calls are ended. */
#include "call/roam.h"
#include "call/announce.h"
#include "call/border.h"
#include "call/call_int.h"
#include "call/feature.h"
#include "call/lamps.h"
#include "call/message.h"
#include "call/outside.h"
#include "call/relays.h"
#include "call/stir_int.h"
#include "call/sub.h"
#include "call/tone.h"
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
	if (!rc && core->border)
		rc = rf_roam_watches_new(core, &core->roam_watches);
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
	core->looked = rc || !config->border ? NULL : rf_looked_new();
	return rc ? rc : core->again && (core->looked || !config->border) ? 0 : -ENOMEM;
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
	core->border = config->border;
	memcpy(core->from, config->from, sizeof core->from);
	core->trunks = config->trunks ? rf_trunks_get(config->trunks) : rf_trunks_new();
	core->password = config->password;
	core->password_ctx = config->password_ctx;
	core->hook = config->hook;
	core->hook_ctx = config->hook_ctx;
	core->hash_key = (struct rf_hash_key){ rf_random_u64(core->random), rf_random_u64(core->random) };
	set_limits(core, &config->limits);
	rf_overload_init(&core->overload, &(struct rf_overload_conf){ 0 });
	size_t calls = core->limits.calls + core->limits.emergency_calls;

	rf_table_init(&core->legs, calls * LEGS_PER_CALL);
	rf_table_init(&core->flows, calls * LEGS_PER_CALL);
	rf_table_init(&core->anchors, calls);
	rf_table_init(&core->by_id, calls);
	rf_table_init(&core->by_number, calls);
	TAILQ_INIT(&core->calls);
	SLIST_INIT(&core->trunk_logins);
	rf_outside_init(core);
	TAILQ_INIT(&core->ended);
	TAILQ_INIT(&core->registrations);
	TAILQ_INIT(&core->roamings);
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

int rf_call_core_set_relays(struct rf_call_core *core, const struct rf_relay_at *at, size_t n)
{
	return rf_relays_new(core, at, n, &core->relays);
}

void rf_call_core_set_trunk_tls(struct rf_call_core *core, struct rf_tls *tls, const struct rf_trunk_ca *cas, size_t n)
{
	core->trunk_tls = tls;
	core->trunk_cas = cas;
	core->trunk_ca_n = n;
}

void rf_call_core_set_relay_tls(struct rf_call_core *core, struct rf_tls *tls)
{
	if (core->relays)
		rf_relays_set_tls(core->relays, tls);
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
	rf_roam_drop(core);
	rf_feature_drop(core);
	rf_timer_stop(rf_loop_wheel(core->loop), &core->survey);
	rf_messages_free(core->messages);
	rf_subs_free(core->subs);
	rf_roam_watches_free(core->roam_watches);
	rf_board_put(core->board);
	rf_trunk_watch_stop(core);
	rf_table_fini(&core->legs);
	rf_table_fini(&core->flows);
	rf_table_fini(&core->anchors);
	rf_table_fini(&core->by_id);
	rf_table_fini(&core->by_number);
	rf_suspects_free(core->suspects);
	rf_rates_free(core->rates);
	rf_trunk_stir_stop(core);
	rf_trunk_login_free(core);
	rf_stir_close(core);
	rf_announce_close(core);
	rf_relays_free(core->relays);
	rf_call_shared_put(core->shared);
	rf_trunks_put(core->trunks);
	rf_nonce_free(core->nonce);
	rf_digest_ctx_free(core->digest);
	rf_arena_fini(&core->scratch);
	rf_directory_put(core->directory);
	free(core->again);
	rf_looked_free(core->looked);
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
	rf_roam_watches_fallen(core);
	rf_directory_put(old);
}

void rf_call_core_drain(struct rf_call_core *core, void (*done)(void *ctx), void *ctx)
{
	struct rf_call *call, *next;

	core->draining = true;
	core->drained = done;
	core->drained_ctx = ctx;
	rf_subs_drain(core);
	rf_roam_watches_drain(core);
	for (call = TAILQ_FIRST(&core->calls); call; call = next) {
		next = TAILQ_NEXT(call, list);
		rf_setup_abandon(call, "shutting down", 503, RF_V(""));
		rf_end(call, NULL, RF_ENDED_SYSTEM, 0, "shutting down", RF_V("SIP;cause=503;text=\"Shutting down\""));
		if (call->up) {
			rf_leg_tone_end(call->up->a);
			rf_leg_tone_end(call->up->b);
		}
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
	c.subscriptions = rf_subs_count(core->subs) + rf_roam_watches_count(core->roam_watches);
	c.messages = rf_messages_count(core->messages);
	c.publications = board.publications;
	return c;
}
