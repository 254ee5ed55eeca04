#include "net/stream_int.h"

#include "base/err.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	BACKLOG = 4096, /* what the kernel allows by default: an avalanche of phones waits there */
	HANDSHAKE_MS = 5000,
	ACCEPT_PER_TURN = 64,
	PAUSE_MS = 100, /* out of descriptors: the queue stays in the kernel for a while */
};

struct rf_listener {
	struct rf_net *net;
	struct rf_watch *watch;
	struct rf_timer pause;
	struct rf_defer defer;
	struct rf_listener_conf conf;
	struct rf_addr local;
	struct rf_tls *tls;
	int fd;
	struct rf_listener *next_paused; /* net->paused, while waiting */
	bool any, waiting, freed;
};

/* May this connection come in? What it is counted in is in s. */
static bool admit(struct rf_listener *l, const struct rf_addr *remote, struct rf_net_source **ret_source)
{
	struct rf_net *net = l->net;
	struct rf_mono now = rf_loop_now(net->loop);

	if (rf_guard_take(net->conf.guard, RF_GUARD_CONNECT, remote, now) != 0) {
		net->stats.refused_guard++;
		return false;
	}
	if (net->stats.streams >= net->conf.streams) {
		net->stats.refused_streams++;
		return false;
	}
	if (l->tls && rf_guard_take(net->conf.guard, RF_GUARD_HANDSHAKE, remote, now) != 0) {
		net->stats.refused_guard++;
		return false;
	}
	if (rf_net_source_get(net, remote, ret_source) != 0) {
		net->stats.refused_source++;
		return false;
	}
	return true;
}

static void take_in(struct rf_listener *l, int fd, const struct rf_addr *remote)
{
	struct rf_net_source *source = NULL;
	struct rf_stream *s;

	if (!admit(l, remote, &source)) {
		close(fd);
		return;
	}
	if (rf_stream_new(l->net, fd, &s) != 0) {
		rf_net_source_put(l->net, source);
		return;
	}
	s->accepted = true;
	s->source = source;
	s->remote = *remote;
	s->local = l->local;
	if (l->any)
		rf_socket_local(fd, &s->local);
	s->ops = l->conf.ops;
	s->arg = l->conf.arg;
	s->idle_ms = l->conf.idle_ms;
	s->handshake_ms = l->conf.handshake_ms ? l->conf.handshake_ms : HANDSHAKE_MS;
	s->tls = l->tls ? rf_tls_get(l->tls) : NULL;
	s->state = RF_STREAM_HANDSHAKE; /* until it is decided below, so that on_accept may send and close */
	l->net->stats.accepted++;
	if (s->ops->on_accept)
		s->ops->on_accept(s, l->conf.arg);
	if (s->state == RF_STREAM_HANDSHAKE)
		rf_stream_tcp_up(s);
}

static void resume(struct rf_timer *t)
{
	struct rf_listener *l = rf_container(t, struct rf_listener, pause);

	if (!l->waiting)
		rf_watch_set(l->watch, RF_WATCH_READ);
}

/* Do enough wait for their handshakes? Then whoever comes waits in the kernel, in order, instead of being sent away. */
static bool enough(struct rf_listener *l)
{
	struct rf_net *net = l->net;

	if (!l->tls || net->stats.handshaking < net->conf.arrivals)
		return false;
	rf_watch_set(l->watch, 0);
	l->waiting = true;
	l->next_paused = net->paused;
	net->paused = l;
	net->stats.paused++;
	return true;
}

void rf_listener_resume(struct rf_net *net)
{
	struct rf_listener *l;

	if (net->stats.handshaking > net->conf.arrivals - net->conf.arrivals / 4 && net->stats.handshaking)
		return;
	while ((l = net->paused)) {
		net->paused = l->next_paused;
		l->waiting = false;
		if (!rf_timer_active(&l->pause))
			rf_watch_set(l->watch, RF_WATCH_READ);
	}
}

static void stop_waiting(struct rf_listener *l)
{
	struct rf_listener **link = &l->net->paused;

	while (l->waiting && *link != l)
		link = &(*link)->next_paused;
	if (l->waiting)
		*link = l->next_paused;
	l->waiting = false;
}

static void accept_failed(struct rf_listener *l, int err)
{
	char text[RF_ADDR_TEXT];

	if (err != EMFILE && err != ENFILE && err != ENOBUFS && err != ENOMEM)
		return; /* that one connection is gone again */
	rf_watch_set(l->watch, 0);
	rf_timer_start(rf_loop_wheel(l->net->loop), &l->pause, PAUSE_MS);
	rf_log(rf_loop_log(l->net->loop), RF_LOG_WARN, "%s: cannot accept connections: %s; raise the limit of open "
	       "files", rf_addr_text(&l->local, text), rf_err_text(-err));
}

static void ready(void *arg, unsigned events)
{
	struct rf_listener *l = arg;
	uint32_t most = l->conf.accept_per_turn ? l->conf.accept_per_turn : ACCEPT_PER_TURN;

	(void)events;
	for (uint32_t i = 0; i < most && !l->freed && !enough(l); i++) {
		struct sockaddr_storage sa;
		socklen_t len = sizeof sa;
		struct rf_addr remote = { .family = 0 };
		int fd = accept4(l->fd, (struct sockaddr *)&sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0) {
			if (errno == EAGAIN)
				return;
			accept_failed(l, errno);
			if (rf_timer_active(&l->pause))
				return;
			continue;
		}
		if (sa.ss_family != AF_UNIX && rf_addr_from_sockaddr((const struct sockaddr *)&sa, len, &remote) != 0)
			close(fd);
		else
			take_in(l, fd, &remote);
	}
}

int rf_listener_open(const struct rf_listener_conf *conf, int *ret_fd)
{
	int fd, rc = rf_socket_bound(&conf->local, SOCK_STREAM, conf->reuse_port, conf->v6_also_v4, &fd);

	if (rc)
		return rc;
	if (listen(fd, conf->backlog ? conf->backlog : BACKLOG) != 0) {
		rc = -errno;
		close(fd);
		return rc;
	}
	*ret_fd = fd;
	return 0;
}

static void release(struct rf_defer *defer)
{
	free(rf_container(defer, struct rf_listener, defer));
}

int rf_listener_new_fd(struct rf_net *net, const struct rf_listener_conf *conf, int fd,
		       struct rf_listener **ret_listener)
{
	struct rf_listener *l = calloc(1, sizeof *l);

	if (!l)
		return -ENOMEM;
	*l = (struct rf_listener){ .net = net, .conf = *conf, .fd = fd };
	rf_timer_init(&l->pause, resume);
	rf_defer_init(&l->defer, release);
	int rc = rf_socket_local(fd, &l->local);
	if (!rc)
		rc = rf_watch_new(net->loop, fd, ready, l, &l->watch);
	if (!rc)
		rc = rf_watch_set(l->watch, RF_WATCH_READ);
	if (rc) {
		rf_watch_free(l->watch);
		free(l);
		return rc;
	}
	l->any = rf_addr_is_any(&l->local);
	l->tls = conf->tls ? rf_tls_get(conf->tls) : NULL;
	rf_socket_tcp_options(fd);
	rf_socket_dscp(fd, l->local.family, net->conf.dscp);
	*ret_listener = l;
	return 0;
}

int rf_listener_new(struct rf_net *net, const struct rf_listener_conf *conf, struct rf_listener **ret_listener)
{
	int fd, rc = rf_listener_open(conf, &fd);

	if (rc)
		return rc;
	rc = rf_listener_new_fd(net, conf, fd, ret_listener);
	if (rc)
		close(fd);
	return rc;
}

void rf_listener_free(struct rf_listener *l)
{
	if (!l || l->freed)
		return;
	l->freed = true;
	stop_waiting(l);
	rf_timer_stop(rf_loop_wheel(l->net->loop), &l->pause);
	rf_watch_free(l->watch);
	close(l->fd);
	rf_tls_put(l->tls);
	rf_loop_defer(l->net->loop, &l->defer);
}

void rf_listener_set_tls(struct rf_listener *l, struct rf_tls *tls)
{
	struct rf_tls *old = l->tls;

	l->tls = tls ? rf_tls_get(tls) : NULL;
	rf_tls_put(old);
}

const struct rf_addr *rf_listener_local(const struct rf_listener *l)
{
	return &l->local;
}
