#include "role/relay_int.h"

enum { STREAMS = 256, STREAMS_PER_SOURCE = 32 };

static int open_gate(struct anchor_gate *g, struct rf_loop *loop)
{
	struct anchor *a = g->anchor;
	struct rf_guard_conf guard = { .hash_key = a->hash_key };
	struct rf_net_conf net = { .streams = STREAMS, .streams_per_source = STREAMS_PER_SOURCE, .handshakes = 16,
				   .hash_key = a->hash_key };
	struct rf_ng_server_conf conf = { .ops = &anchor_ng_ops,
					  .arg = g,
					  .peers = a->plan.peers,
					  .n_peers = a->plan.n_peers,
					  .hash_key = a->hash_key,
					  .streams_from = (uint64_t)(g - a->gate) << ANCHOR_GATE_SHIFT };

	guard.source[RF_GUARD_MESSAGE] = (struct rf_guard_rate){ .per_s = 20000, .burst = 40000 };
	guard.source[RF_GUARD_CONNECT] = (struct rf_guard_rate){ .per_s = 20, .burst = 40 };
	guard.source[RF_GUARD_HANDSHAKE] = guard.source[RF_GUARD_CONNECT];
	guard.crowd[RF_GUARD_MESSAGE] = (struct rf_guard_rate){ .per_s = 1000, .burst = 2000 };
	int rc = rf_guard_new(&guard, &g->guard);

	net.guard = conf.guard = g->guard;
	if (!rc)
		rc = rf_net_new(loop, &net, &g->net);
	conf.net = g->net;
	return rc ? rc : rf_ng_server_new(&conf, &g->server);
}

static int hear_at(struct anchor *a, struct anchor_listen *l)
{
	struct rf_ng_server *server = a->gate[l->kind == ANCHOR_TLS ? ANCHOR_GATE_MAIN : ANCHOR_GATE_WORKER].server;
	int rc = l->kind == ANCHOR_UDP ?
			 rf_ng_server_udp_fd(server, l->fd) :
			 rf_ng_server_tcp_fd(server, l->fd, l->kind == ANCHOR_TLS ? a->tls_server : NULL);

	if (!rc)
		l->fd = -1;
	return rc;
}

int anchor_open_gates(struct anchor *a)
{
	struct anchor_gate *main = &a->gate[ANCHOR_GATE_MAIN], *worker = &a->gate[ANCHOR_GATE_WORKER];

	main->anchor = worker->anchor = a;
	worker->worker = &a->worker[0];
	int rc = open_gate(main, a->loop);

	if (!rc)
		rc = open_gate(worker, worker->worker->loop);
	for (unsigned i = 0; i < a->listens && !rc; i++)
		if (a->listen[i].kind != ANCHOR_STUN)
			rc = hear_at(a, &a->listen[i]);
	if (!rc && a->unix_fd >= 0) {
		rc = rf_ng_server_unix_fd(worker->server, a->unix_fd);
		if (!rc)
			a->unix_fd = -1;
	}
	return rc;
}

void anchor_shut_gates(struct anchor *a)
{
	for (unsigned i = 0; i < ANCHOR_GATES; i++) {
		rf_ng_server_free(a->gate[i].server);
		a->gate[i].server = NULL;
	}
}

void anchor_free_gate(struct anchor_gate *g)
{
	rf_net_free(g->net);
	rf_guard_free(g->guard);
	g->net = NULL;
	g->guard = NULL;
}

void anchor_gate_count(const struct anchor_gate *g, struct rf_ng_server_stats *sum)
{
	struct rf_ng_server_stats s;

	if (!g->server)
		return;
	rf_ng_server_stats(g->server, &s);
	sum->requests += s.requests;
	sum->replies += s.replies;
	sum->repeated += s.repeated;
	sum->strangers += s.strangers;
	sum->rate += s.rate;
	sum->malformed += s.malformed;
	sum->refused += s.refused;
	sum->full += s.full;
	sum->untold += s.untold;
	sum->asks += s.asks;
	sum->kept += s.kept;
	sum->kept_bytes += s.kept_bytes;
	sum->streams += s.streams;
	for (unsigned i = 0; i < RF_NG_COMMANDS; i++)
		sum->commands[i] += s.commands[i];
}

struct rf_ng_server_stats anchor_gates_add(const struct anchor *a, const struct anchor_sums *sums)
{
	struct rf_ng_server_stats all = sums->server;

	anchor_gate_count(&a->gate[ANCHOR_GATE_MAIN], &all);
	return all;
}
