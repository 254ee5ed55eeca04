/* RF_PATH_STREAM: TCP on both sides, bytes from one to the other. An end listens from the answer on and takes one
 * connection at a time, from the signaled host; or it connects, from its port to the signaled address. What waits to go
 * to a party is bounded: while something does, the other one is not read, and its own window stops it. */
#include "media/path_int.h"

#include "base/err.h"

#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	READS_PER_TURN = 16,
	/* Fits a packet of 1,280 bytes with either family's headers: every way of IPv6 takes that. Media is not tracked
	 * where a wall stands, and so no error would come through to say how much a narrower way takes. */
	SEGMENT_MAX = 1220,
};

static struct rf_end *end_of(const struct rf_sock *s)
{
	return &s->path->end[s->end];
}

int rf_tcp_new(struct rf_end *e)
{
	e->tcp = calloc(1, sizeof *e->tcp);
	return e->tcp ? 0 : -ENOMEM;
}

/* ---- what the kernel is to tell us: nothing, and the socket is out of the set, for errors are told unasked */

static void want(struct rf_sock *s, uint32_t *was, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.fd = s->fd };

	if (s->fd < 0 || events == *was)
		return;
	epoll_ctl(s->path->w->epoll, !*was ? EPOLL_CTL_ADD : events ? EPOLL_CTL_MOD : EPOLL_CTL_DEL, s->fd, &event);
	*was = events;
}

static void update_one(struct rf_path *p, struct rf_end *e)
{
	struct rf_tcp *t = e->tcp, *other = rf_end_other(p, e)->tcp;
	uint32_t events = 0;

	if (t->connecting || t->n)
		events |= EPOLLOUT;
	if (t->connected && !t->eof && !other->n && !(e->holds & RF_HOLD_MEDIA))
		events |= EPOLLIN;
	want(&e->sock[1], &t->events, events);
}

static void update(struct rf_path *p)
{
	update_one(p, &p->end[0]);
	update_one(p, &p->end[1]);
}

/* ---- ends of a connection */

static void disconnect(struct rf_path *p, struct rf_end *e)
{
	rf_sock_close(p->w, &e->sock[1]);
	*e->tcp = (struct rf_tcp){ .listens = e->tcp->listens };
	e->source[0].n = 0;
}

/* Of one side and so of both. Another one may come. */
static void end_both(struct rf_path *p)
{
	disconnect(p, &p->end[0]);
	disconnect(p, &p->end[1]);
	if (p->ops->flows)
		p->ops->flows(p->arg, p);
}

/* Its sender has ended, and all of it has left: the other hears of the end, and may go on itself. */
static void pass_end(struct rf_path *p)
{
	for (unsigned i = 0; i < RF_PATH_ENDS; i++) {
		struct rf_tcp *from = p->end[i].tcp, *to = p->end[!i].tcp;

		if (from->eof && to->connected && !to->n && !to->shut) {
			shutdown(p->end[!i].sock[1].fd, SHUT_WR);
			to->shut = true;
		}
	}
	if (p->end[0].tcp->shut && p->end[1].tcp->shut)
		end_both(p);
}

/* ---- bytes */

/* False: the connection is gone. */
static bool write_some(struct rf_path *p, struct rf_end *e)
{
	struct rf_tcp *t = e->tcp;

	while (t->connected && t->n) {
		ssize_t n = send(e->sock[1].fd, t->buf + t->at, t->n, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		t->at += (size_t)n;
		t->n -= (size_t)n;
		e->sent++;
		e->sent_bytes += (uint64_t)n;
		p->w->totals.sent++;
	}
	return true;
}

/* Nothing waits for the other side. False: a connection is gone. */
static bool read_some(struct rf_path *p, struct rf_end *e)
{
	struct rf_end *other = rf_end_other(p, e);
	struct rf_tcp *to = other->tcp;

	for (unsigned i = 0; i < READS_PER_TURN && !to->n && !e->tcp->eof; i++) {
		ssize_t n = recv(e->sock[1].fd, to->buf, sizeof to->buf, MSG_DONTWAIT);

		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		e->tcp->eof = n == 0;
		to->at = 0;
		to->n = (size_t)n;
		e->packets += n > 0;
		e->bytes += (uint64_t)n;
		e->last_us = rf_loop_now(p->w->loop).us;
		p->w->totals.packets += n > 0;
		p->w->totals.bytes += (uint64_t)n;
		if (!write_some(p, other))
			return false;
	}
	return true;
}

static void connected(struct rf_path *p, struct rf_end *e, const struct rf_peer *peer)
{
	e->tcp->connecting = false;
	e->tcp->connected = true;
	rf_source_fix(p, e, 0, peer);
}

static void take_bytes(struct rf_path *p, struct rf_end *e, uint32_t events)
{
	struct rf_tcp *t = e->tcp;
	bool there = true;

	if (t->connecting) {
		int error = 0;
		socklen_t n = sizeof error;

		if (getsockopt(e->sock[1].fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0 || error) {
			rf_end_drop(p, e, RF_DROP_SEND);
			disconnect(p, e); /* the other side is told by silence, or a new description */
			update(p);
			return;
		}
		connected(p, e, &e->signaled[0]);
	}
	if (events & (EPOLLOUT | EPOLLERR))
		there = write_some(p, e);
	if (there && events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		there = read_some(p, e);
	if (there)
		pass_end(p);
	else
		end_both(p);
	update(p);
}

/* ---- beginnings */

static void accept_one(struct rf_path *p, struct rf_end *e)
{
	struct rf_peer from = { .n = sizeof from.in6 };
	int fd = accept4(e->sock[0].fd, &from.sa, &from.n, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	if (!rf_peer_same_ip(&e->signaled[0], &from) || e->sock[1].fd >= 0) {
		rf_end_drop(p, e, RF_DROP_SOURCE);
		close(fd);
		return;
	}
	if (rf_sock_adopt(p->w, &e->sock[1], fd) != 0) {
		rf_end_drop(p, e, RF_DROP_SEND);
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	connected(p, e, &from);
	rf_end_set_dscp(e);
	update(p);
}

static void keep_small(const struct rf_sock *s)
{
	setsockopt(s->fd, IPPROTO_TCP, TCP_MAXSEG, &(int){ SEGMENT_MAX }, sizeof(int));
}

static void begin_connecting(struct rf_path *p, struct rf_end *e)
{
	if (e->sock[1].fd >= 0 || !rf_source_to(e, 0))
		return;
	int rc = rf_sock_open(p->w, &e->sock[1], SOCK_STREAM, &p->w->place[e->interface].conf.local, e->port, false);
	if (rc == 0)
		keep_small(&e->sock[1]);
	if (rc != 0 || (connect(e->sock[1].fd, &e->signaled[0].sa, e->signaled[0].n) != 0 && errno != EINPROGRESS)) {
		rf_end_drop(p, e, RF_DROP_SEND);
		rf_sock_close(p->w, &e->sock[1]);
		return;
	}
	setsockopt(e->sock[1].fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	e->tcp->connecting = true;
	rf_end_set_dscp(e);
}

void rf_tcp_begin(struct rf_path *p, struct rf_end *e)
{
	if (!p->open || !e->set)
		return;
	if (e->dtls_active) {
		if (e->tcp->listens) /* the port stays ours */
			shutdown(e->sock[0].fd, SHUT_RDWR);
		want(&e->sock[0], &e->tcp->listens, 0);
		begin_connecting(p, e);
	} else if (!e->tcp->listens) {
		keep_small(&e->sock[0]); /* whoever is accepted inherits it */
		if (listen(e->sock[0].fd, 1) == 0)
			want(&e->sock[0], &e->tcp->listens, EPOLLIN);
	}
	update(p);
}

void rf_tcp_reset(struct rf_path *p, struct rf_end *e)
{
	(void)e;
	if (p->end[0].tcp->connected || p->end[1].tcp->connected || p->end[0].tcp->connecting ||
	    p->end[1].tcp->connecting)
		end_both(p);
}

void rf_tcp_ready(struct rf_sock *s, uint32_t events)
{
	if (s->rtcp)
		take_bytes(s->path, end_of(s), events);
	else
		accept_one(s->path, end_of(s));
}

void rf_tcp_update(struct rf_path *p)
{
	update(p);
}

void rf_tcp_free(struct rf_end *e)
{
	free(e->tcp);
	e->tcp = NULL;
}
