#include "media/ng_server_int.h"

#include "pki/id.h"

#include <stdlib.h>

enum { ASKS = 4096, KEEP_MS = 30000, KEEP = 8192, KEEP_BYTES = 16 << 20, TICK_MS = 1000 };

void rf_ng_server_refused(struct rf_ng_server *s, const struct rf_addr *from, const char *why, uint64_t *count)
{
	uint64_t second = rf_loop_now(s->loop).us / 1000000;

	(*count)++;
	if (second != s->refused_second) {
		s->refused_second = second;
		s->refused_n = 0;
	}
	if (s->conf.ops->on_refused && s->refused_n++ < RF_NG_REFUSALS_S)
		s->conf.ops->on_refused(s->conf.arg, from, why);
}

/* ---- who may speak */

static bool may_speak(const struct rf_ng_server *s, const struct rf_addr *from)
{
	for (size_t i = 0; i < s->conf.n_peers; i++)
		if (rf_addr_same_ip(&s->peers[i], from))
			return true;
	return s->conf.n_peers == 0 && rf_addr_is_loopback(from);
}

static bool within_rate(struct rf_ng_server *s, const struct rf_addr *from)
{
	if (!from->family || rf_guard_take(s->conf.guard, RF_GUARD_MESSAGE, from, rf_loop_now(s->loop)) == 0)
		return true;
	rf_ng_server_refused(s, from, "more requests than its rate allows", &s->stats.rate);
	return false;
}

static void on_datagram(void *arg, struct rf_udp *udp, struct rf_view bytes, const struct rf_addr *from,
			const struct rf_addr *to)
{
	struct rf_ng_gate *g = arg;

	if (!may_speak(g->server, from))
		rf_ng_server_refused(g->server, from, "not among those who may speak", &g->server->stats.strangers);
	else if (within_rate(g->server, from))
		rf_ng_server_receive(g->server, &(struct rf_ng_way){ .udp = udp, .from = *from, .to = *to }, bytes);
}

/* ---- streams */

static void on_accept(struct rf_stream *stream, void *arg)
{
	struct rf_ng_gate *g = arg;
	struct rf_ng_server *s = g->server;
	const struct rf_addr *from = rf_stream_remote(stream);
	struct rf_ng_conn *c = NULL;

	if (!g->open_to_all && !may_speak(s, from))
		rf_ng_server_refused(s, from, "not among those who may speak", &s->stats.strangers);
	else
		c = calloc(1, sizeof(*c));
	rf_stream_set_arg(stream, c);
	if (!c) {
		rf_stream_abort(stream);
		return;
	}
	c->server = s;
	c->stream = stream;
	c->number = s->conf.streams_from + ++s->last_stream;
	LIST_INIT(&c->asks);
	LIST_INSERT_HEAD(&s->conns, c, link);
	s->stats.streams++;
}

uint64_t rf_ng_by(const struct rf_hash_key *key, struct rf_view serial)
{
	uint64_t by = rf_hash(key, serial);

	return by ? by : 1;
}

/* rf_tls_conf.check has let it in; rf_ng_server_review() asks again. */
static void on_open(struct rf_stream *stream, const struct rf_pki_id *peer)
{
	struct rf_ng_conn *c = rf_stream_arg(stream);

	if (!c || !c->server || !peer)
		return;
	c->open_us = rf_loop_now(c->server->loop).us;
	c->peer = malloc(sizeof *c->peer);
	c->by = rf_ng_by(&c->server->conf.hash_key, rf_view_of(peer->serial, peer->serial_len));
	if (c->peer)
		*c->peer = *peer;
	else
		rf_stream_abort(stream);
}

static size_t on_data(struct rf_stream *stream, struct rf_view bytes)
{
	struct rf_ng_conn *c = rf_stream_arg(stream);
	struct rf_ng_way way = { .conn = c, .from = *rf_stream_remote(stream) };
	size_t done = 0, n;

	while (c && c->server) {
		int err = rf_ng_frame_next(&c->frame, rf_view_from(bytes, done), &n);

		if (err == RF_E_MORE)
			return done;
		if (err < 0) {
			rf_ng_server_refused(c->server, &way.from, "bytes that are no message",
					     &c->server->stats.malformed);
			rf_stream_close(stream);
			break;
		}
		if (within_rate(c->server, &way.from))
			rf_ng_server_receive(c->server, &way, rf_ng_frame_trim(rf_view_sub(bytes, done, n)));
		done += n;
	}
	return bytes.n;
}

static void on_closed(struct rf_stream *stream, const struct rf_stream_end *end)
{
	struct rf_ng_conn *c = rf_stream_arg(stream);
	struct rf_ng_ask *ask;

	(void)end;
	if (!c)
		return;
	while ((ask = LIST_FIRST(&c->asks))) {
		LIST_REMOVE(ask, link);
		ask->way.conn = NULL;
	}
	if (c->server) {
		LIST_REMOVE(c, link);
		c->server->stats.streams--;
	}
	free(c->peer);
	free(c);
}

bool rf_ng_server_tell(struct rf_ng_server *s, uint64_t stream, struct rf_view message)
{
	struct rf_ng_conn *c;

	LIST_FOREACH(c, &s->conns, link)
		if (c->number == stream) {
			rf_stream_send(c->stream, message);
			return true;
		}
	s->stats.untold++;
	return false;
}

size_t rf_ng_server_review(struct rf_ng_server *s, enum rf_ng_keep (*look)(void *arg, const struct rf_pki_id *peer,
			   const struct rf_addr *from, uint64_t age_us), void *arg)
{
	uint64_t now = rf_loop_now(s->loop).us;
	struct rf_ng_conn *c;
	size_t cut = 0;

	LIST_FOREACH(c, &s->conns, link) {
		enum rf_ng_keep keep =
			c->peer ? look(arg, c->peer, rf_stream_remote(c->stream), now - c->open_us) : RF_NG_KEEP;

		if (keep == RF_NG_CUT)
			rf_stream_abort(c->stream);
		else if (keep == RF_NG_LEAVE && LIST_EMPTY(&c->asks))
			rf_stream_close(c->stream);
		cut += keep == RF_NG_CUT;
	}
	return cut;
}

static const struct rf_udp_ops udp_ops = { .on_datagram = on_datagram };
static const struct rf_stream_ops stream_ops = {
	.on_accept = on_accept, .on_open = on_open, .on_data = on_data, .on_closed = on_closed,
};

/* ---- sockets */

static struct rf_ng_gate *new_gate(struct rf_ng_server *s)
{
	if (s->n_gates == RF_NG_GATES_MAX)
		return NULL;
	struct rf_ng_gate *g = &s->gates[s->n_gates];
	*g = (struct rf_ng_gate){ .server = s };
	return g;
}

static int add_udp(struct rf_ng_server *s, const struct rf_addr *local, int fd, uint16_t *ret_port)
{
	struct rf_ng_gate *g = new_gate(s);
	struct rf_udp_conf conf = { .ops = &udp_ops, .arg = g };

	if (!g)
		return RF_E_LIMIT;
	if (local)
		conf.local = *local;
	int err = local ? rf_udp_new(s->conf.net, &conf, &g->udp) : rf_udp_new_fd(s->conf.net, &conf, fd, &g->udp);
	if (err < 0)
		return err;
	s->n_gates++;
	if (ret_port)
		*ret_port = rf_udp_local(g->udp)->port;
	return 0;
}

static int add_listener(struct rf_ng_server *s, const struct rf_addr *local, int fd, struct rf_tls *tls,
			bool open_to_all, uint16_t *ret_port)
{
	struct rf_ng_gate *g = new_gate(s);
	struct rf_listener_conf conf = { .tls = tls, .ops = &stream_ops, .arg = g };

	if (!g)
		return RF_E_LIMIT;
	g->open_to_all = open_to_all;
	g->tls = tls != NULL;
	if (local)
		conf.local = *local;
	int err = local ? rf_listener_new(s->conf.net, &conf, &g->listener) :
			  rf_listener_new_fd(s->conf.net, &conf, fd, &g->listener);
	if (err < 0)
		return err;
	s->n_gates++;
	if (ret_port)
		*ret_port = rf_listener_local(g->listener)->port;
	return 0;
}

void rf_ng_server_set_tls(struct rf_ng_server *s, struct rf_tls *tls)
{
	for (size_t i = 0; i < s->n_gates; i++)
		if (s->gates[i].tls)
			rf_listener_set_tls(s->gates[i].listener, tls);
}

int rf_ng_server_udp(struct rf_ng_server *s, const struct rf_addr *local, uint16_t *ret_port)
{
	return add_udp(s, local, -1, ret_port);
}

int rf_ng_server_udp_fd(struct rf_ng_server *s, int fd)
{
	return add_udp(s, NULL, fd, NULL);
}

int rf_ng_server_tcp(struct rf_ng_server *s, const struct rf_addr *local, struct rf_tls *tls, uint16_t *ret_port)
{
	return add_listener(s, local, -1, tls, tls != NULL, ret_port);
}

int rf_ng_server_tcp_fd(struct rf_ng_server *s, int fd, struct rf_tls *tls)
{
	return add_listener(s, NULL, fd, tls, tls != NULL, NULL);
}

int rf_ng_server_unix_fd(struct rf_ng_server *s, int fd)
{
	return add_listener(s, NULL, fd, NULL, true, NULL);
}

/* ---- life */

static void tick(struct rf_timer *t)
{
	struct rf_ng_server *s = rf_container(t, struct rf_ng_server, tick);

	rf_ng_cache_expire(&s->cache, rf_loop_now(s->loop));
	rf_timer_start(rf_loop_wheel(s->loop), t, TICK_MS);
	rf_ng_server_find_lost(s);
}

static uint32_t or_else(uint32_t value, uint32_t otherwise)
{
	return value ? value : otherwise;
}

int rf_ng_server_new(const struct rf_ng_server_conf *conf, struct rf_ng_server **ret_server)
{
	struct rf_ng_server *s = calloc(1, sizeof(*s));
	struct rf_addr *peers = conf->n_peers ? calloc(conf->n_peers, sizeof(*peers)) : NULL;

	if (!s || (conf->n_peers && !peers)) {
		free(s);
		free(peers);
		return -ENOMEM;
	}
	s->conf = *conf;
	s->conf.asks_max = or_else(conf->asks_max, ASKS);
	s->loop = rf_net_loop(conf->net);
	for (size_t i = 0; i < conf->n_peers; i++)
		peers[i] = conf->peers[i];
	s->peers = peers;
	LIST_INIT(&s->conns);
	rf_ng_cache_init(&s->cache, &conf->hash_key, s->conf.asks_max, or_else(conf->keep_max, KEEP),
			 or_else(conf->keep_bytes, KEEP_BYTES), or_else(conf->keep_ms, KEEP_MS));
	rf_timer_init(&s->tick, tick);
	rf_timer_start(rf_loop_wheel(s->loop), &s->tick, TICK_MS);
	*ret_server = s;
	return 0;
}

void rf_ng_server_settle(struct rf_ng_server *s)
{
	if (!s->closed || s->stats.asks)
		return;
	rf_ng_cache_fini(&s->cache);
	rf_ng_server_free_spares(s);
	free(s->peers);
	free(s);
}

void rf_ng_server_free(struct rf_ng_server *s)
{
	struct rf_ng_conn *c;

	if (!s)
		return;
	rf_timer_stop(rf_loop_wheel(s->loop), &s->tick);
	for (size_t i = 0; i < s->n_gates; i++) {
		rf_udp_free(s->gates[i].udp);
		rf_listener_free(s->gates[i].listener);
	}
	while ((c = LIST_FIRST(&s->conns))) {
		LIST_REMOVE(c, link);
		c->server = NULL;
		rf_stream_abort(c->stream);
	}
	s->closed = true;
	rf_ng_server_find_lost(s);
}

void rf_ng_server_stats(const struct rf_ng_server *s, struct rf_ng_server_stats *ret_stats)
{
	*ret_stats = s->stats;
	ret_stats->kept = s->cache.finished_n;
	ret_stats->kept_bytes = s->cache.bytes;
}
