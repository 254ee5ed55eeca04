#include "media/path_int.h"

#include "base/err.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	PAIRS_TRIED = 64, /* others on this host may use ports of our range */
};

void rf_peer_of(const struct rf_addr *a, struct rf_peer *ret)
{
	struct sockaddr_storage sa;
	size_t n = rf_addr_to_sockaddr(a, &sa);

	*ret = (struct rf_peer){ .n = (socklen_t)n };
	if (n)
		memcpy(&ret->sa, &sa, n);
}

struct rf_addr rf_peer_addr(const struct rf_peer *p)
{
	struct rf_addr a = { 0 };

	if (p->n)
		rf_addr_from_sockaddr(&p->sa, p->n, &a);
	return a;
}

void rf_sock_close(struct rf_media_worker *w, struct rf_sock *s)
{
	if (s->fd < 0)
		return;
	close(s->fd); /* leaves the epoll set with it */
	rf_sock_forget(w, s);
}

void rf_sock_forget(struct rf_media_worker *w, struct rf_sock *s)
{
	w->sock_of[s->fd] = NULL;
	s->fd = -1;
	s->dscp = 0;
	w->n_socks--;
	for (int i = w->ready_at; i < w->n_ready; i++)
		if (w->ready[i].data.ptr == s)
			w->ready[i].data.ptr = NULL;
}

static int make_room(struct rf_media_worker *w, size_t fd)
{
	size_t cap = w->sock_cap ? w->sock_cap : 64;

	/* The last ones are for who asks how the relay is, and for who ends calls. */
	if (w->conf.files && fd >= w->conf.files)
		return -EMFILE;
	if (fd < w->sock_cap)
		return 0;
	while (cap <= fd)
		cap *= 2;
	struct rf_sock **more = realloc(w->sock_of, cap * sizeof *more);

	if (!more)
		return -ENOMEM;
	memset(more + w->sock_cap, 0, (cap - w->sock_cap) * sizeof *more);
	w->sock_of = more;
	w->sock_cap = cap;
	return 0;
}

int rf_sock_adopt(struct rf_media_worker *w, struct rf_sock *s, int fd)
{
	int rc = make_room(w, (size_t)fd);

	if (rc)
		return rc;
	w->sock_of[fd] = s;
	s->fd = fd;
	w->n_socks++;
	return 0;
}

int rf_sock_open_fd(struct rf_media_worker *w, int type, const struct rf_addr *ip, uint16_t port, bool watch,
		    int *ret_fd)
{
	struct rf_addr local = *ip;
	struct rf_peer at;
	struct epoll_event event = { .events = EPOLLIN };

	local.port = port;
	rf_peer_of(&local, &at);
	int fd = socket(at.sa.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* A connection from a port that listened, or whose last one is not yet forgotten. */
	if (type == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	event.data.fd = fd;
	int rc = bind(fd, &at.sa, at.n) != 0 || (watch && epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &event) != 0) ?
		 -errno : 0;

	if (!rc)
		rc = make_room(w, (size_t)fd);
	if (rc)
		close(fd);
	else
		*ret_fd = fd;
	return rc;
}

/* Where descriptors are short, those that wait for another call make room for this one. */
int rf_sock_open(struct rf_media_worker *w, struct rf_sock *s, int type, const struct rf_addr *ip, uint16_t port,
		 bool watch)
{
	int fd, rc = rf_sock_open_fd(w, type, ip, port, watch, &fd);

	if ((rc == -EMFILE || rc == -ENFILE) && w->n_kept) {
		rf_kept_make_room(w);
		rc = rf_sock_open_fd(w, type, ip, port, watch, &fd);
	}
	return rc ? rc : rf_sock_adopt(w, s, fd);
}

/* What of a pair is kept and not in use goes back with it. */
static void give_pair(struct rf_path *p, struct rf_end *e)
{
	struct rf_port_kept kept = { { -1, e->odd }, { e->sock[0].dscp, e->odd_dscp } };

	if (e->sock[1].fd >= 0)
		kept.dscp[1] = e->sock[1].dscp;
	if (p->kind == RF_PATH_STREAM) {
		rf_sock_close(p->w, &e->sock[0]);
		rf_sock_close(p->w, &e->sock[1]);
	} else {
		kept.fd[0] = rf_sock_keep(p->w, &e->sock[0]);
		if (e->odd < 0)
			kept.fd[1] = rf_sock_keep(p->w, &e->sock[1]);
	}
	e->odd = -1;
	rf_ports_give(p->w->place[e->interface].ports, rf_loop_now(p->w->loop), e->port, &kept);
}

static int open_rtcp(struct rf_path *p, struct rf_end *e)
{
	int odd = e->odd;

	e->odd = -1;
	if (rf_sock_wake(p->w, &e->sock[1], odd, e->odd_dscp))
		return 0;
	return rf_sock_open(p->w, &e->sock[1], SOCK_DGRAM, &p->w->place[e->interface].conf.local, e->port + 1, true);
}

/* The odd port is opened once it is known to be wanted (rf_end_want_rtcp()): with rtcp-mux it never is. */
static int open_ports(struct rf_path *p, struct rf_end *e, bool rtcp, const struct rf_port_kept *kept)
{
	const struct rf_addr *ip = &p->w->place[e->interface].conf.local;
	bool stream = p->kind == RF_PATH_STREAM;
	int rc = 0;

	e->odd = kept->fd[1];
	e->odd_dscp = kept->dscp[1];
	if (stream)
		rf_kept_drop(p->w, kept);
	if (stream || !rf_sock_wake(p->w, &e->sock[0], kept->fd[0], kept->dscp[0]))
		rc = rf_sock_open(p->w, &e->sock[0], stream ? SOCK_STREAM : SOCK_DGRAM, ip, e->port, !stream);
	if (stream)
		e->odd = -1;
	if (rc || !rtcp)
		return rc;
	rc = open_rtcp(p, e);
	if (rc)
		rf_sock_close(p->w, &e->sock[0]);
	return rc;
}

/* Onto e->interface. */
static int take_ports(struct rf_path *p, struct rf_end *e, bool rtcp, const char **ret_what)
{
	struct rf_media_place *place = &p->w->place[e->interface];
	struct rf_mono now = rf_loop_now(p->w->loop);

	p->w->taken_us = now.us;
	for (int i = 0; i < PAIRS_TRIED; i++) {
		struct rf_port_kept kept;

		if (rf_ports_take(place->ports, now, &e->port, &kept) != 0)
			break;
		int rc = open_ports(p, e, rtcp, &kept);
		if (!rc)
			return 0;
		give_pair(p, e);
		e->port = 0;
		if (rc == -ENOMEM)
			return rc;
		if (rc != -EADDRINUSE) {
			*ret_what = rc == -EMFILE || rc == -ENFILE || rc == -ENOBUFS || rc == -ENOSPC ?
				"descriptors are exhausted" : "the interface's address cannot be used";
			return RF_E_LIMIT;
		}
	}
	*ret_what = "ports are exhausted";
	return RF_E_LIMIT;
}

int rf_end_take_ports(struct rf_path *p, unsigned end, const char **ret_what)
{
	return take_ports(p, &p->end[end], false, ret_what);
}

void rf_end_give_ports(struct rf_path *p, unsigned end)
{
	struct rf_end *e = &p->end[end];

	if (!e->port)
		return;
	give_pair(p, e);
	e->port = 0;
}

int rf_end_move(struct rf_path *p, unsigned end, unsigned interface, const char **ret_what)
{
	struct rf_end *e = &p->end[end];
	struct rf_end old = { .interface = e->interface, .port = e->port, .odd = e->odd, .odd_dscp = e->odd_dscp,
			      .sock = { e->sock[0], e->sock[1] } };

	e->interface = (uint8_t)interface;
	for (unsigned i = 0; i < 2; i++)
		e->sock[i] = (struct rf_sock){ .path = p, .fd = -1, .end = (uint8_t)end, .rtcp = (uint8_t)i };
	e->odd = -1;
	int rc = take_ports(p, e, old.sock[1].fd >= 0, ret_what);

	if (rc) {
		e->interface = old.interface;
		e->port = old.port;
		e->odd = old.odd;
		e->odd_dscp = old.odd_dscp;
		e->sock[0] = old.sock[0];
		e->sock[1] = old.sock[1];
		return rc;
	}
	for (unsigned i = 0; i < 2; i++)
		rf_sock_close(p->w, &old.sock[i]);
	rf_kept_drop(p->w, &(struct rf_port_kept){ { -1, old.odd }, { 0, 0 } });
	rf_ports_give(p->w->place[old.interface].ports, rf_loop_now(p->w->loop), old.port, NULL);
	return 0;
}

int rf_end_want_rtcp(struct rf_path *p, unsigned end, bool wanted)
{
	struct rf_end *e = &p->end[end];

	if (!wanted && e->sock[1].fd >= 0) {
		e->odd_dscp = e->sock[1].dscp;
		e->odd = rf_sock_keep(p->w, &e->sock[1]);
	}
	if (!wanted || e->sock[1].fd >= 0)
		return 0;
	int rc = open_rtcp(p, e);

	return !rc || rc == -ENOMEM ? rc : RF_E_LIMIT;
}

void rf_end_set_dscp(struct rf_end *e)
{
	for (unsigned i = 0; i < 2; i++) {
		struct rf_sock *s = &e->sock[i];
		int value = e->dscp << 2;
		bool v6 = s->path->w->place[e->interface].conf.local.family == 6;

		if (s->fd < 0 || s->dscp == e->dscp)
			continue;
		/* Refused: packets arrive all the same. */
		setsockopt(s->fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_TCLASS : IP_TOS, &value, sizeof value);
		s->dscp = e->dscp;
	}
}

void rf_sock_ready(struct rf_sock *s)
{
	struct rf_media_worker *w = s->path->w;
	struct rf_peer from;

	from.n = sizeof from.in6;
	ssize_t n = recvfrom(s->fd, w->buf, RF_PATH_DATAGRAM_MAX, MSG_DONTWAIT | MSG_TRUNC, &from.sa, &from.n);
	if (n < 0)
		return; /* gone already, or an error that the kernel kept: it is taken with this */
	if (n > RF_PATH_DATAGRAM_MAX) {
		rf_end_drop(s->path, &s->path->end[s->end], RF_DROP_MALFORMED);
		return;
	}
	rf_path_take(s, w->buf, (size_t)n, &from);
}

bool rf_sock_send(struct rf_sock *s, const uint8_t *buf, size_t n, const struct rf_peer *to)
{
	if (s->path->w->xsk_turn && rf_path_xsk_send(s, buf, n, to))
		return true;
	ssize_t sent = sendto(s->fd, buf, n, MSG_DONTWAIT | MSG_NOSIGNAL, &to->sa, to->n);

	if (sent >= 0)
		return true;
	rf_end_drop(s->path, &s->path->end[s->end], RF_DROP_SEND);
	return false;
}
