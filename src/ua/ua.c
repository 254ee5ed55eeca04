#include "ua/ua_int.h"

#include <stdlib.h>

/* ---- making ---- */

int rf_ua_dup_view(struct rf_view v, struct rf_view *ret_v)
{
	uint8_t *p = malloc(v.n ? v.n : 1);

	if (!p)
		return -ENOMEM;
	if (v.n)
		memcpy(p, v.p, v.n);
	*ret_v = rf_view_of(p, v.n);
	return 0;
}

static void free_view(struct rf_view v)
{
	free((void *)(uintptr_t)v.p);
}

static int copy_texts(struct rf_ua *ua, const struct rf_ua_config *config)
{
	int rc = rf_ua_dup_view(config->product, &ua->product);

	if (rc || !config->supported_count)
		return rc;
	ua->supported = calloc(config->supported_count, sizeof *ua->supported);
	if (!ua->supported)
		return -ENOMEM;
	while (ua->supported_count < config->supported_count) {
		rc = rf_ua_dup_view(config->supported[ua->supported_count], &ua->supported[ua->supported_count]);
		if (rc)
			return rc;
		ua->supported_count++;
	}
	return 0;
}

static uint32_t or_default(uint32_t x, uint32_t otherwise)
{
	return x ? x : otherwise;
}

static void set_bounds(struct rf_ua *ua, const struct rf_ua_bounds *b)
{
	ua->bounds = (struct rf_ua_bounds){
		.server_transactions = or_default(b->server_transactions, 200000),
		.server_bytes = b->server_bytes ? b->server_bytes : (size_t)256 << 20,
		.client_transactions = or_default(b->client_transactions, 200000),
		.forks = or_default(b->forks, 16),
		.mail_bytes = or_default(b->mail_bytes, 8 << 20),
		.retry_after_s = or_default(b->retry_after_s, 5),
		.events_per_s = or_default(b->events_per_s, 20),
	};
	size_t most = rf_tx_most(ua->bounds.server_transactions, true);

	rf_table_init(&ua->srv, most);
	rf_table_init(&ua->merged, most);
	rf_dones_init(ua);
	rf_table_init(&ua->acks, most);
	rf_table_init(&ua->cli, rf_tx_most(ua->bounds.client_transactions, true));
	rf_table_init(&ua->conn_ids, SIZE_MAX); /* rf_net bounds the connections */
	rf_table_init(&ua->conn_addrs, SIZE_MAX);
	ua->event_tokens = ua->bounds.events_per_s;
	ua->event_at = rf_loop_now(ua->loop);
}

static void free_now(struct rf_defer *d)
{
	free(rf_container(d, struct rf_ua, defer));
}

static void end_of_turn(struct rf_defer *d)
{
	rf_tx_run_pending(rf_container(d, struct rf_ua, defer));
}

static int open_net(struct rf_ua *ua, const struct rf_ua_config *config)
{
	struct rf_net_conf net = {
		.streams = config->streams,
		.streams_per_source = config->streams_per_source,
		.handshakes = config->handshakes,
		.output_bytes = config->output_bytes,
		.carry_bytes = ua->limits->message_bytes + 8192,
		.hash_key = config->hash_key,
		.dscp = config->dscp,
	};
	int rc = config->guard ? rf_guard_new(config->guard, &ua->guard) : 0;

	net.guard = ua->guard;
	return rc ? rc : rf_net_new(ua->loop, &net, &ua->net);
}

static int open_ports(struct rf_ua *ua, const struct rf_ua_config *config, struct rf_diag *d)
{
	char text[RF_ADDR_TEXT];

	for (size_t i = 0; i < config->listener_count; i++) {
		const struct rf_ua_listener *l = &config->listeners[i];

		ua->port_count = i + 1;
		int rc = rf_port_open(ua, (uint8_t)i, l);
		if (rc)
			return rf_diag_set(d, rc, "cannot listen on %s %s: %s; is another process using it?",
					   rf_flow_kind_name(l->kind), rf_addr_text(&l->local, text), rf_err_text(rc));
	}
	return 0;
}

int rf_ua_new(const struct rf_ua_config *config, struct rf_ua **ret_ua, struct rf_diag *d)
{
	if (!config->user || !config->user->request || config->workers < 1 || config->workers > RF_UA_WORKERS_MAX ||
	    config->worker >= config->workers || config->listener_count > RF_UA_LISTENERS_MAX)
		return rf_diag_set(d, RF_E_INVALID, "a ua needs a user, 1 to %d workers and at most %d listeners",
				   RF_UA_WORKERS_MAX, RF_UA_LISTENERS_MAX);
	struct rf_ua *ua = calloc(1, sizeof *ua);
	if (!ua)
		return rf_diag_set(d, -ENOMEM, "no memory for a ua");
	ua->loop = config->loop;
	ua->wheel = rf_loop_wheel(config->loop);
	ua->random = config->random;
	ua->hash_key = config->hash_key;
	ua->tag_key = (struct rf_hash_key){ rf_random_u64(ua->random), rf_random_u64(ua->random) };
	ua->penalties = config->penalties;
	ua->limits = config->limits ? config->limits : &rf_sip_limits_default;
	ua->timers = config->timers ? config->timers : &rf_sip_timers_default;
	ua->user = config->user;
	ua->ctx = config->ctx;
	ua->dns = config->dns;
	ua->stream_age_ms = config->stream_age_ms;
	ua->worker = config->worker;
	ua->workers = config->workers;
	ua->peers[ua->worker] = ua;
	TAILQ_INIT(&ua->idle_srv);
	TAILQ_INIT(&ua->idle_cli);
	STAILQ_INIT(&ua->pending);
	LIST_INIT(&ua->ack_list);
	rf_mail_init(ua);
	rf_defer_init(&ua->defer, end_of_turn);
	set_bounds(ua, &config->bounds);
	if (config->tls_client)
		ua->tls_client = rf_tls_get(config->tls_client);

	int rc = copy_texts(ua, config);
	if (!rc)
		rc = open_net(ua, config);
	if (rc)
		rf_diag_set(d, rc, "cannot make a ua: %s", rf_err_text(rc));
	else
		rc = open_ports(ua, config, d);
	if (rc) {
		rf_ua_free(ua);
		return rc;
	}
	*ret_ua = ua;
	return 0;
}

void rf_ua_join(struct rf_ua *const *ua, unsigned workers)
{
	for (unsigned i = 0; i < workers; i++)
		for (unsigned k = 0; k < workers && k < RF_UA_WORKERS_MAX; k++)
			ua[i]->peers[k] = ua[k];
}

void rf_ua_drain(struct rf_ua *ua)
{
	ua->drain = true;
}

void rf_ua_set_load(struct rf_ua *ua, unsigned loss_percent)
{
	if (loss_percent == 0 && ua->oc.loss_percent == 0)
		return;
	/* Said anew each time: what holds for half a second ends by itself when we can say nothing any more. */
	ua->oc = (struct rf_sip_oc){
		.seq = (uint64_t)rf_loop_wall(ua->loop).us / 10,
		.validity_ms = loss_percent ? RF_OC_VALIDITY_MS : 0,
		.loss_percent = (uint8_t)(loss_percent < 100 ? loss_percent : 100),
	};
}

size_t rf_ua_waiting(const struct rf_ua *ua)
{
	return __atomic_load_n(&ua->mail_waiting, __ATOMIC_RELAXED);
}

void rf_ua_backlog(const struct rf_ua *ua, struct rf_udp_backlog *ret_b)
{
	rf_udp_backlog(ua->net, ret_b);
}

/* ---- ending ---- */

static void end_tx(struct rf_node *n, void *arg)
{
	(void)arg;
	rf_tx_end(rf_container(n, struct rf_tx, node));
}

void rf_ua_free(struct rf_ua *ua)
{
	if (!ua)
		return;
	ua->freed = true;
	rf_table_each(&ua->srv, end_tx, NULL);
	rf_table_each(&ua->cli, end_tx, NULL);
	while (!STAILQ_EMPTY(&ua->pending))
		rf_tx_run_pending(ua);
	for (struct rf_ack *ack; (ack = LIST_FIRST(&ua->ack_list));)
		rf_ack_free(ack);
	rf_conn_drop_all(ua);
	for (size_t i = 0; i < ua->port_count; i++)
		rf_port_close(&ua->ports[i]);
	rf_net_free(ua->net);
	rf_guard_free(ua->guard);
	rf_tls_put(ua->tls_client);
	rf_dones_fini(ua);
	rf_mail_fini(ua);
	rf_table_fini(&ua->srv);
	rf_table_fini(&ua->merged);
	rf_table_fini(&ua->acks);
	rf_table_fini(&ua->cli);
	rf_table_fini(&ua->conn_ids);
	rf_table_fini(&ua->conn_addrs);
	free_view(ua->product);
	for (size_t i = 0; i < ua->supported_count; i++)
		free_view(ua->supported[i]);
	free(ua->supported);
	if (ua->defer.queued) /* the loop still holds it: it goes with the loop's last callbacks */
		ua->defer.run = free_now;
	else
		free(ua);
}

/* ---- the user's ---- */

void rf_ua_set_tls(struct rf_ua *ua, size_t listener, struct rf_tls *tls)
{
	if (listener < ua->port_count && ua->ports[listener].listener)
		rf_listener_set_tls(ua->ports[listener].listener, tls);
}

void rf_ua_set_tls_client(struct rf_ua *ua, struct rf_tls *tls)
{
	struct rf_tls *old = ua->tls_client;

	ua->tls_client = tls ? rf_tls_get(tls) : NULL;
	rf_tls_put(old);
}

void rf_ua_set_guard(struct rf_ua *ua, const struct rf_guard_conf *guard)
{
	if (ua->guard)
		rf_guard_set_rates(ua->guard, guard);
}

const struct rf_addr *rf_ua_local(const struct rf_ua *ua, size_t listener)
{
	return listener < ua->port_count ? &ua->ports[listener].local : NULL;
}

uint8_t rf_ua_worker(const struct rf_ua *ua)
{
	return ua->worker;
}

void rf_ua_make_id(struct rf_ua *ua, struct rf_id *ret_id)
{
	rf_id_make(ua->random, ua->worker, ret_id);
}
