/* Datagrams of a path that come and go past the sockets (xsk.h). An end's flow is admitted once its source is fixed and
 * some packets of it went the whole way through here; it is dismissed when the source changes. What comes then takes
 * the way of every datagram. What leaves while such datagrams are under way leaves by frames, if the kernel knows the
 * way just now, else by the socket, as everything else does. */
#include "media/path_int.h"

#include "base/err.h"

#include <stdlib.h>

enum {
	AFTER_PACKETS = 16,          /* so that short streams cost no system call */
	AGAIN_US = 500000,           /* the way is looked for again */
	REFUSED_US = 10000000,       /* and a flow asked for again */
	BATCHES_PER_TURN = 16,       /* then timers and commands have their turn */
	HOT_BYTES = 384,
};

/* Of an end, once it has anything to do with it. */
struct rf_end_xsk {
	struct rf_addr from;         /* who is admitted; family 0: nobody */
	uint64_t refused_us;         /* not tried again before */
	struct rf_xsk_way way;       /* to its party; as of to, dscp, and the kernel's knowledge */
	struct rf_peer to;
	uint8_t dscp;
	bool known;
	uint64_t until_us;
};

static struct rf_addr local_of(const struct rf_path *p, const struct rf_end *e)
{
	struct rf_addr a = p->w->place[e->interface].conf.local;

	a.port = e->port;
	return a;
}

static struct rf_sock **slot_of(const struct rf_media_place *place, uint16_t port)
{
	unsigned at = (unsigned)(port - place->conf.port_first) / 2;

	return port >= place->conf.port_first && port <= place->conf.port_last && !(port & 1) ?
	       &place->xsk_socks[at] : NULL;
}

/* ---- flows */

static bool any_fast(const struct rf_end *e)
{
	for (const struct rf_path_ssrc *s = e->ssrcs; s; s = s->next)
		if (s->fast)
			return true;
	return false;
}

static bool get_state(struct rf_end *e)
{
	if (!e->xsk)
		e->xsk = calloc(1, sizeof *e->xsk);
	return e->xsk;
}

bool rf_path_xsk_at(const struct rf_end *e)
{
	return e->xsk && e->xsk->from.family;
}

/* Of lines that share a port the flow is that port's: it comes for all of them. */
void rf_path_xsk_passed(struct rf_end *of)
{
	struct rf_end *e = rf_end_base(of);
	struct rf_path *p = e->sock[0].path;

	if (of->packets < AFTER_PACKETS || rf_path_xsk_at(e) || !e->source[0].n || any_fast(e) || !get_state(e))
		return;
	struct rf_addr from = rf_peer_addr(&e->source[0]), to = local_of(p, e);
	struct rf_sock **slot = slot_of(&p->w->place[e->interface], e->port);
	uint64_t now_us = rf_loop_now(p->w->loop).us;

	if (!slot || now_us < e->xsk->refused_us)
		return;
	if (rf_xsk_admit(p->w->conf.xsk, &from, &to) != 0) {
		e->xsk->refused_us = now_us + REFUSED_US;
		return;
	}
	*slot = &e->sock[0];
	e->xsk->from = from;
	p->w->n_xsk++;
}

/* The slot stays: what has come already finds its socket. */
void rf_path_xsk_leave(struct rf_path *p, struct rf_end *e)
{
	if (!rf_path_xsk_at(e))
		return;
	struct rf_addr to = local_of(p, e);

	rf_xsk_dismiss(p->w->conf.xsk, &e->xsk->from, &to);
	e->xsk->from.family = 0;
	p->w->n_xsk--;
}

void rf_path_xsk_end(struct rf_path *p, struct rf_end *e)
{
	if (!e->xsk)
		return;
	struct rf_sock **slot = slot_of(&p->w->place[e->interface], e->port);

	rf_path_xsk_leave(p, e);
	if (slot)
		*slot = NULL;
	free(e->xsk);
	e->xsk = NULL;
}

/* ---- what comes */

static bool is_at(const struct rf_media_place *place, const struct rf_link_datagram *d)
{
	return place->conf.local.family == d->family &&
	       memcmp(place->conf.local.ip, d->to, d->family == 4 ? 4 : 16) == 0;
}

/* Whose it is; a frame for nobody came when its flow was just dismissed. */
static struct rf_sock **find(const struct rf_media_worker *w, const struct rf_link_datagram *d)
{
	for (unsigned i = 0; i < w->n_places; i++)
		if (is_at(&w->place[i], d))
			return slot_of(&w->place[i], ntohs(d->to_port));
	return NULL;
}

static void peer_of(const struct rf_link_datagram *d, struct rf_peer *ret)
{
	if (d->family == 4) {
		ret->n = sizeof ret->in;
		ret->in = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = d->from_port };
		memcpy(&ret->in.sin_addr, d->from, sizeof ret->in.sin_addr);
	} else {
		ret->n = sizeof ret->in6;
		ret->in6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = d->from_port };
		memcpy(&ret->in6.sin6_addr, d->from, sizeof ret->in6.sin6_addr);
	}
}

static void fetch(const void *sock)
{
	const char *end = sock;

	for (unsigned at = 0; end && at < HOT_BYTES; at += 64)
		__builtin_prefetch(end + at);
}

static void take(struct rf_media_worker *w, struct rf_sock *s, const struct rf_link_datagram *d)
{
	struct rf_peer from;

	if (!s || d->payload.n > RF_PATH_DATAGRAM_MAX)
		return;
	peer_of(d, &from);
	memcpy(w->buf, d->payload.p, d->payload.n);
	w->totals.xsk_packets++;
	w->totals.xsk_bytes += d->payload.n;
	rf_path_take(s, w->buf, d->payload.n, &from);
}

/* First whose they all are, so that what is known of them comes into the cache meanwhile; a path that is gone when it
 * is its datagram's turn has left its slot. */
static bool batch(struct rf_media_worker *w)
{
	struct rf_view frames[RF_XSK_BATCH];
	struct rf_link_datagram d[RF_XSK_BATCH];
	struct rf_sock **slot[RF_XSK_BATCH];
	unsigned n = rf_xsk_take(w->conf.xsk, frames);

	for (unsigned i = 0; i < n; i++) {
		slot[i] = rf_link_read(frames[i], &d[i]) == 0 ? find(w, &d[i]) : NULL;
		if (slot[i])
			fetch(*slot[i]);
	}
	for (unsigned i = 0; i < n; i++)
		if (slot[i])
			take(w, *slot[i], &d[i]);
	if (n)
		rf_xsk_give_back(w->conf.xsk);
	return n;
}

static void on_ready(void *arg, unsigned events)
{
	struct rf_media_worker *w = arg;

	(void)events;
	w->xsk_turn = true;
	for (int i = 0; i < BATCHES_PER_TURN && batch(w); i++)
		rf_xsk_flush(w->conf.xsk);
	w->xsk_turn = false;
}

/* ---- what leaves */

/* True: by a frame. */
static bool know_way(struct rf_path *p, struct rf_end *e, const struct rf_peer *to)
{
	uint64_t now_us = rf_loop_now(p->w->loop).us;
	bool touch = false;

	if (e->xsk && now_us < e->xsk->until_us && e->xsk->dscp == e->dscp && rf_peer_eq(&e->xsk->to, to))
		return e->xsk->known;
	if (!get_state(e))
		return false;
	struct rf_addr from = local_of(p, e), at = rf_peer_addr(to);

	e->xsk->to = *to;
	e->xsk->dscp = e->dscp;
	e->xsk->until_us = now_us + AGAIN_US;
	e->xsk->known = rf_xsk_find_way(p->w->conf.xsk, &from, &at, e->dscp, now_us, &e->xsk->way, &touch) == 0;
	return e->xsk->known && !touch;
}

bool rf_path_xsk_send(struct rf_sock *s, const uint8_t *buf, size_t n, const struct rf_peer *to)
{
	struct rf_path *p = s->path;
	struct rf_end *e = &p->end[s->end];

	if (!s->rtcp && know_way(p, e, to) && rf_xsk_send(p->w->conf.xsk, &e->xsk->way, rf_view_of(buf, n)))
		return true;
	if (e->xsk && e->xsk->known)
		rf_xsk_flush(p->w->conf.xsk); /* in order: what was written before goes first */
	return false;
}

/* ---- a worker's */

static int make_slots(struct rf_media_worker *w)
{
	for (unsigned i = 0; i < w->n_places; i++) {
		struct rf_media_place *place = &w->place[i];

		size_t ports = (size_t)(place->conf.port_last - place->conf.port_first) / 2 + 1;

		place->xsk_socks = calloc(ports, sizeof *place->xsk_socks);
		if (!place->xsk_socks)
			return -ENOMEM;
	}
	return 0;
}

int rf_worker_start_xsk(struct rf_media_worker *w)
{
	int fds[RF_XSK_QUEUES_MAX], rc = w->conf.xsk ? make_slots(w) : 0;
	unsigned n = w->conf.xsk ? rf_xsk_fds(w->conf.xsk, fds) : 0;

	for (unsigned i = 0; i < n && !rc; i++) {
		rc = rf_watch_new(w->loop, fds[i], on_ready, w, &w->xsk_watch[i]);
		if (!rc)
			rc = rf_watch_set(w->xsk_watch[i], RF_WATCH_READ);
	}
	return rc;
}

void rf_worker_stop_xsk(struct rf_media_worker *w)
{
	for (unsigned i = 0; i < RF_XSK_QUEUES_MAX; i++)
		rf_watch_free(w->xsk_watch[i]);
	for (unsigned i = 0; i < w->n_places; i++)
		free(w->place[i].xsk_socks);
}
