#include "role/controller_int.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#define EXPIRE_MS 1000
#define MESSAGE_BYTES 1024 /* about what a message takes that waits in a mailbox */

/* ---- making */

static void guard_conf(const struct rf_controller *k, const struct rf_site *site, struct rf_guard_conf *ret)
{
	const struct rf_site_limits *l = &site->limits;

	*ret = (struct rf_guard_conf){ .hash_key = k->hash_key };
	ret->source[RF_GUARD_MESSAGE] = (struct rf_guard_rate){ l->messages_per_second, 2 * l->messages_per_second };
	ret->source[RF_GUARD_CONNECT] =
		(struct rf_guard_rate){ l->handshakes_per_second, 2 * l->handshakes_per_second };
	ret->source[RF_GUARD_HANDSHAKE] =
		(struct rf_guard_rate){ l->handshakes_per_second, 2 * l->handshakes_per_second };
	/* Sources beyond the table's entries, together: as many as four known ones. */
	for (int i = 0; i < RF_GUARD_KINDS; i++)
		ret->crowd[i] = (struct rf_guard_rate){ 4 * ret->source[i].per_s, 4 * ret->source[i].burst };
}

static uint8_t flow_kind(unsigned transport)
{
	switch (transport) {
	case RF_TRANSPORT_UDP:
		return RF_FLOW_UDP;
	case RF_TRANSPORT_TCP:
		return RF_FLOW_TCP;
	case RF_TRANSPORT_WS:
		return RF_FLOW_WS;
	case RF_TRANSPORT_WSS:
		return RF_FLOW_WSS;
	default:
		return RF_FLOW_TLS;
	}
}

/* The address that peers are told in place of ours. */
static struct rf_view advertised_of(const struct rf_listen *l, char buf[static RF_ADDR_TEXT])
{
	struct rf_addr a = { 0 };
	struct rf_writer w;

	if (!l->advertised)
		return RF_V("");
	a.family = l->advertised->family;
	memcpy(a.ip, l->advertised->b, a.family == 4 ? 4 : 16);
	rf_writer_init(&w, buf, RF_ADDR_TEXT);
	rf_addr_put_host(&w, &a, false);
	return rf_view_of(buf, w.n);
}

static int make_ua(struct rf_worker *w, struct rf_diag *diag)
{
	struct rf_controller *k = w->controller;
	struct rf_ua_listener listeners[RF_UA_LISTENERS_MAX] = { 0 };
	struct rf_guard_conf guard;
	size_t supported_n;
	const struct rf_view *supported = rf_call_core_supported(k->opt->border, &supported_n);
	char advertised[RF_UA_LISTENERS_MAX][RF_ADDR_TEXT];

	guard_conf(k, k->site, &guard);
	for (size_t i = 0; i < k->listens; i++)
		listeners[i] = (struct rf_ua_listener){
			.kind = flow_kind(k->listen[i].asked->transport),
			.local = k->listen[i].local,
			.fd = k->listen[i].fd[w->index],
			.tls = rf_controller_listen_tls(k->tls, &k->listen[i]),
			.host = advertised_of(&k->listen[i], advertised[i]),
			.v6_also_v4 = true,
			.outside = k->listen[i].outer,
			/* A phone must speak at least when its registration is due again. */
			.idle_ms = (k->site->sip.register_max_s + 60) * 1000,
			.ws = { .path = k->listen[i].asked->path, .origins = k->listen[i].asked->origins.v,
				.origin_count = k->listen[i].asked->origins.n },
			/* A script in a browser cannot ping, and never learns that its network is gone. */
			.ws_ping_ms = k->site->sip.keepalive_s * 1000,
		};
	struct rf_ua_config conf = {
		.worker = (uint8_t)w->index,
		.workers = k->workers,
		.loop = w->loop,
		.random = &w->random,
		.hash_key = k->hash_key,
		.listeners = listeners,
		.listener_count = k->listens,
		.tls_client = k->tls->client,
		.dns = w->dns,
		.guard = &guard,
		.penalties = k->penalties,
		.bounds = { .server_transactions = k->site->limits.transactions,
			    .client_transactions = k->site->limits.transactions },
		.streams = k->site->limits.connections,
		.dscp = (uint8_t)k->site->sip.dscp,
		.streams_per_source = k->site->limits.connections_per_source,
		.product = k->opt->border ? RF_V("") : RF_V("ringfort"), /* a border does not say what it is */
		.stream_age_ms = k->opt->border ? k->site->sip.reauthenticate_s * 1000 : 0,
		.supported = supported,
		.supported_count = supported_n,
		.user = rf_call_core_user(),
		.ctx = w->core,
	};
	int rc = rf_ua_new(&conf, &w->ua, diag);
	for (size_t i = 0; i < k->listens && !rc; i++)
		k->listen[i].fd[w->index] = -1; /* the ua's now */
	return rc;
}

static void second_fire(struct rf_timer *t)
{
	struct rf_worker *w = rf_container(t, struct rf_worker, second);

	rf_timer_start(rf_loop_wheel(w->loop), t, EXPIRE_MS);
	rf_call_core_expire(w->core);
}

static void overload_conf(const struct rf_controller *k, const struct rf_site *site, struct rf_overload_conf *ret)
{
	const struct rf_site_limits *l = &site->limits;

	*ret = (struct rf_overload_conf){
		.cpu_percent = l->overload_cpu_percent,
		.memory_bytes =
			l->overload_memory_mb ? (uint64_t)l->overload_memory_mb << 20 : k->memory_bytes / 10 * 8,
		.queue_bytes = (uint64_t)l->overload_queue * MESSAGE_BYTES,
	};
}

static void sample_fire(struct rf_timer *t)
{
	struct rf_worker *w = rf_container(t, struct rf_worker, sample);
	struct rf_load_sample s;

	rf_timer_start(rf_loop_wheel(w->loop), t, RF_OVERLOAD_SAMPLE_MS);
	if (!rf_load_measure(&w->meter, rf_loop_now(w->loop), RF_OVERLOAD_SAMPLE_MS, &s))
		return;
	struct rf_udp_backlog udp;

	rf_ua_backlog(w->ua, &udp);
	s.queue_bytes = rf_ua_waiting(w->ua);
	s.udp_bytes = udp.bytes;
	s.udp_room = udp.room;
	s.udp_dropped = udp.dropped != w->udp_dropped;
	w->udp_dropped = udp.dropped;
	rf_call_core_load(w->core, &s);
}

static int make_worker(struct rf_controller *k, unsigned index, struct rf_diag *diag)
{
	struct rf_worker *w = &k->worker[index];
	char name[32];

	snprintf(name, sizeof name, "worker %u", index);
	w->controller = k;
	w->index = index;
	rf_random_system(&w->random);
	struct rf_loop_conf loop = { .log = k->log, .name = name };
	struct rf_dns_conf dns = { .hash_key = k->hash_key };
	int rc = rf_loop_new(&loop, &w->loop);
	if (!rc)
		rc = rf_dns_new(w->loop, &dns, &w->dns);
	if (rc)
		return rf_diag_set(diag, rc, "%s: %s", name, rf_err_text(rc));
	struct rf_call_config core = {
		.worker = index,
		.loop = w->loop,
		.trunks = k->trunks,
		.directory = k->directory,
		.ledger = k->ledger,
		.location = k->location,
		.bindings = k->bindings,
		.settings = k->settings,
		.random = &w->random,
		.log = k->log,
		.password = k->login_n ? rf_controller_password : NULL,
		.password_ctx = k,
		.hook = k->notifier ? rf_controller_tell_hook : NULL,
		.hook_ctx = k,
	};
	rf_controller_sides(k, &core);
	memcpy(core.nonce_key, k->nonce_key, sizeof core.nonce_key);
	rc = rf_call_core_new(&core, &w->core);
	if (rc)
		return rf_diag_set(diag, rc, "%s: %s", name, rf_err_text(rc));
	rf_call_core_set_stir(w->core, k->stir);
	rf_controller_give_tls(w, k->tls);
	if (k->fetcher && (rc = rf_call_core_set_fetcher(w->core, rf_fetcher_fd(k->fetcher, index))))
		return rf_diag_set(diag, rc, "%s: %s", name, rf_err_text(rc));
	if ((rc = rf_controller_give_relays(k, w)))
		return rf_diag_set(diag, rc, "%s: media.relays: %s", name, rf_err_text(rc));
	if ((rc = rf_controller_give_announcer(k, w)))
		return rf_diag_set(diag, rc, "%s: the announcer: %s", name, rf_err_text(rc));
	rc = make_ua(w, diag);
	if (rc)
		return rc;
	rf_call_core_attach(w->core, w->ua);
	rf_timer_init(&w->second, second_fire);
	if (index == 0)
		rf_timer_start(rf_loop_wheel(w->loop), &w->second, EXPIRE_MS);
	struct rf_overload_conf overload;

	overload_conf(k, k->site, &overload);
	rf_call_core_set_overload(w->core, &overload);
	w->meter.statm = k->statm_fd;
	rf_timer_init(&w->sample, sample_fire);
	rf_timer_start(rf_loop_wheel(w->loop), &w->sample, RF_OVERLOAD_SAMPLE_MS);
	return 0;
}

int rf_controller_make_workers(struct rf_controller *k, struct rf_diag *diag)
{
	struct rf_ua *all[RF_CONTROLLER_WORKERS_MAX];
	struct rf_call_core *cores[RF_CONTROLLER_WORKERS_MAX];

	for (unsigned i = 0; i < k->workers; i++) {
		int rc = make_worker(k, i, diag);

		if (rc)
			return rc;
		all[i] = k->worker[i].ua;
		cores[i] = k->worker[i].core;
	}
	if (k->workers == 1)
		return 0;
	rf_ua_join(all, k->workers);
	int rc = rf_call_core_join(cores, k->workers);

	return rc ? rf_diag_set(diag, rc, "workers: %s", rf_err_text(rc)) : 0;
}

/* ---- running */

/* glibc lets the heap of a thread grow by a page at a time, each with a system call, and gives it back as eagerly.
 * Asking once for a large block, and giving back only much, costs address space and no memory. */
static void widen_heap(void)
{
	enum { RESERVE = 32 << 20, KEEP = 64 << 20, ORDINARY = 128 << 10 };

	mallopt(M_TRIM_THRESHOLD, KEEP);
	mallopt(M_MMAP_THRESHOLD, RESERVE); /* the most that is allowed */
	void *volatile p = malloc(RESERVE - (1 << 16));
	free(p);
	mallopt(M_MMAP_THRESHOLD, ORDINARY);
}

static void *worker_main(void *arg)
{
	struct rf_worker *w = arg;
	char name[16];

	snprintf(name, sizeof name, "rf-worker-%u", w->index);
	pthread_setname_np(pthread_self(), name);
	widen_heap();
	rf_location_enter(w->controller->location);
	int rc = rf_loop_run(w->loop);
	if (rc)
		rf_log(w->controller->log, RF_LOG_ERROR, "worker %u: %s", w->index, rf_err_text(rc));
	rf_location_leave(w->controller->location);
	return NULL;
}

int rf_controller_start_workers(struct rf_controller *k, struct rf_diag *diag)
{
	for (unsigned i = 0; i < k->workers; i++) {
		int rc = pthread_create(&k->worker[i].thread, NULL, worker_main, &k->worker[i]);

		if (rc)
			return rf_diag_set(diag, -rc, "worker %u: %s", i, rf_err_text(-rc));
		k->worker[i].started = true;
	}
	return 0;
}

void rf_controller_join_workers(struct rf_controller *k)
{
	for (unsigned i = 0; i < k->workers; i++)
		if (k->worker[i].started)
			rf_loop_stop(k->worker[i].loop);
	for (unsigned i = 0; i < k->workers; i++)
		if (k->worker[i].started)
			pthread_join(k->worker[i].thread, NULL);
}

/* An administrator's question may still be on its way through the workers: it comes home before what it asks about is
 * freed. A question visits one worker after the other, so as many rounds as there are workers are enough. */
static void settle(struct rf_controller *k)
{
	for (unsigned round = 0; round <= k->workers; round++) {
		for (unsigned i = 0; i < k->workers; i++)
			if (k->worker[i].started)
				rf_loop_turn(k->worker[i].loop, 0);
		if (k->loop)
			rf_loop_turn(k->loop, 0);
	}
}

/* No thread runs: every loop's things may be ended from here. Cores before loops, since the end of a call may write
 * mail to another worker's mailbox. */
void rf_controller_free_workers(struct rf_controller *k)
{
	settle(k);
	for (unsigned i = 0; i < k->workers; i++) {
		struct rf_worker *w = &k->worker[i];

		if (w->loop) {
			rf_timer_stop(rf_loop_wheel(w->loop), &w->second);
			rf_timer_stop(rf_loop_wheel(w->loop), &w->sample);
		}
		rf_ua_free(w->ua);
		if (w->core)
			rf_call_core_free(w->core);
		rf_dns_free(w->dns);
		rf_controller_tls_put(w->tls);
		w->tls = NULL;
		w->ua = NULL;
		w->core = NULL;
		w->dns = NULL;
	}
	for (unsigned i = 0; i < k->workers; i++) {
		rf_loop_free(k->worker[i].loop);
		k->worker[i].loop = NULL;
	}
}

/* ---- mail */

struct publication {
	struct rf_mail mail;
	struct rf_worker *worker;
	struct rf_directory *directory; /* a reference, as the next */
	struct rf_stir_setup *stir;
	bool logins;                    /* there are other passwords of trunks */
};

static void take_publication(struct rf_mail *mail, int status)
{
	struct publication *p = rf_container(mail, struct publication, mail);
	struct rf_guard_conf guard;
	struct rf_overload_conf overload;

	if (status == 0) {
		rf_call_core_reload(p->worker->core, p->directory);
		rf_call_core_set_stir(p->worker->core, p->stir);
		if (p->logins)
			rf_call_core_renew_logins(p->worker->core);
		guard_conf(p->worker->controller, rf_directory_site(p->directory), &guard);
		rf_ua_set_guard(p->worker->ua, &guard);
		overload_conf(p->worker->controller, rf_directory_site(p->directory), &overload);
		rf_call_core_set_overload(p->worker->core, &overload);
	}
	rf_directory_put(p->directory);
	rf_stir_setup_put(p->stir);
	free(p);
}

int rf_controller_publish(struct rf_controller *k)
{
	int rc = 0;

	for (unsigned i = 0; i < k->workers; i++) {
		struct publication *p = calloc(1, sizeof *p);

		if (!p) {
			rc = -ENOMEM;
			continue;
		}
		*p = (struct publication){
			.mail.deliver = take_publication,
			.worker = &k->worker[i],
			.directory = rf_directory_get(k->directory),
			.stir = rf_stir_setup_get(k->stir),
			.logins = k->logins_new,
		};
		int posted = rf_mail_post(k->worker[i].loop, &p->mail);
		if (posted) {
			take_publication(&p->mail, RF_E_CLOSED);
			rc = posted;
		}
	}
	k->logins_new &= rc != 0;
	return rc;
}

static void drained_here(struct rf_mail *mail, int status)
{
	struct rf_worker *w = rf_container(mail, struct rf_worker, drained);

	if (status == 0)
		rf_controller_drained(w->controller);
}

static void core_drained(void *ctx)
{
	struct rf_worker *w = ctx;

	w->drained.deliver = drained_here;
	rf_mail_post(w->controller->loop, &w->drained); /* refused: main gives up waiting after its time */
}

static void take_drain(struct rf_mail *mail, int status)
{
	struct rf_worker *w = rf_container(mail, struct rf_worker, drain);

	if (status == 0)
		rf_call_core_drain(w->core, core_drained, w);
}

void rf_controller_drain(struct rf_controller *k)
{
	k->draining = k->workers;
	for (unsigned i = 0; i < k->workers; i++) {
		k->worker[i].drain.deliver = take_drain;
		rf_mail_post(k->worker[i].loop, &k->worker[i].drain);
	}
}
