#include "net/stream_int.h"

#include "base/err.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECT_MS = 5000 };

static int copy_name(struct rf_stream *s, struct rf_view name)
{
	uint8_t *p = name.n ? malloc(name.n) : NULL;

	if (!name.n)
		return 0;
	if (!p)
		return -ENOMEM;
	memcpy(p, name.p, name.n);
	s->name = (struct rf_view){ p, name.n };
	return 0;
}

static int open_socket(const struct rf_stream_conf *conf, int *ret_fd)
{
	if (conf->local.family)
		return rf_socket_bound(&conf->local, SOCK_STREAM, false, true, ret_fd);
	int fd = socket(conf->remote.family == 4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	*ret_fd = fd;
	return fd < 0 ? -errno : 0;
}

static int begin(struct rf_stream *s, const struct rf_stream_conf *conf)
{
	struct sockaddr_storage sa;
	size_t len = rf_addr_to_sockaddr(&conf->remote, &sa);

	/* The name is sent even when it is not compared: a server with several certificates needs it. */
	int rc = conf->tls ? copy_name(s, conf->name) : 0;
	if (rc)
		return rc;
	rf_socket_tcp_options(s->fd);
	rf_socket_dscp(s->fd, conf->remote.family, s->net->conf.dscp);
	if (connect(s->fd, (const struct sockaddr *)&sa, (socklen_t)len) != 0 && errno != EINPROGRESS)
		return -errno;
	rc = rf_watch_set(s->watch, RF_WATCH_WRITE);
	if (!rc)
		rf_timer_start(rf_loop_wheel(s->net->loop), &s->timer, s->handshake_ms);
	return rc;
}

int rf_stream_connect(struct rf_net *net, const struct rf_stream_conf *conf, struct rf_stream **ret_stream)
{
	struct rf_stream *s;
	int fd, rc;

	if (!conf->remote.family || !conf->remote.port || (conf->tls && !conf->name.n && !conf->name_unchecked))
		return RF_E_INVALID;
	if (net->closing)
		return RF_E_CLOSED;
	if (net->stats.streams >= net->conf.streams) {
		net->stats.refused_streams++;
		return RF_E_LIMIT;
	}
	rc = open_socket(conf, &fd);
	if (!rc)
		rc = rf_stream_new(net, fd, &s);
	if (rc)
		return rc;
	s->ops = conf->ops;
	s->arg = conf->arg;
	s->remote = conf->remote;
	s->local = conf->local; /* the port is known once it is connected */
	s->idle_ms = conf->idle_ms;
	s->handshake_ms = conf->connect_ms ? conf->connect_ms : CONNECT_MS;
	s->tls = conf->tls ? rf_tls_get(conf->tls) : NULL;
	s->name_unchecked = conf->name_unchecked;
	s->state = RF_STREAM_CONNECTING;
	rc = begin(s, conf);
	if (rc) {
		rf_stream_drop(s);
		return rc;
	}
	*ret_stream = s;
	return 0;
}
