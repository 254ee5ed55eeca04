#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static int watch(struct wire *w, uint32_t events, int op)
{
	struct epoll_event e = { .events = events, .data.ptr = w };

	return epoll_ctl(w->load->epoll, op, w->fd, &e);
}

struct sockaddr_in wire_address(const struct load *l, unsigned i)
{
	uint32_t ip = l->opt.own_address ? 0x7f100001 + i / 254 * 256 + i % 254 : INADDR_LOOPBACK;

	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(ip) };
}

const char *wire_ip(const struct wire *w, char buf[static INET_ADDRSTRLEN])
{
	struct in_addr in = { htonl(w->ip) };

	return inet_ntop(AF_INET, &in, buf, INET_ADDRSTRLEN);
}

static int open_udp(struct wire *w)
{
	struct sockaddr_in me = wire_address(w->load, (unsigned)(w - w->load->wires));
	socklen_t n = sizeof me;
	int big = 8 << 20;

	w->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	if (w->fd < 0 || bind(w->fd, (struct sockaddr *)&me, sizeof me) ||
	    connect(w->fd, (struct sockaddr *)&w->load->opt.server, sizeof w->load->opt.server) ||
	    getsockname(w->fd, (struct sockaddr *)&me, &n))
		return -errno;
	setsockopt(w->fd, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof big);
	setsockopt(w->fd, SOL_SOCKET, SO_RCVBUF, &big, sizeof big);
	w->port = ntohs(me.sin_port);
	w->ip = ntohl(me.sin_addr.s_addr);
	return 0;
}

static int start_tls(struct wire *w, unsigned number)
{
	struct load *l = w->load;
	char crt[512], key[512];

	snprintf(crt, sizeof crt, "%s/%u.crt", l->opt.pki, number);
	snprintf(key, sizeof key, "%s/%u.key", l->opt.pki, number);
	w->ssl = SSL_new(l->tls);
	if (!w->ssl || SSL_use_certificate_file(w->ssl, crt, SSL_FILETYPE_PEM) != 1 ||
	    SSL_use_PrivateKey_file(w->ssl, key, SSL_FILETYPE_PEM) != 1) {
		fail(l, "cannot use %s and its key", crt);
		return RF_E_CRYPTO;
	}
	SSL_set_fd(w->ssl, w->fd);
	if (SSL_connect(w->ssl) != 1) {
		fail(l, "TLS handshake of phone %u failed", number);
		return RF_E_CRYPTO;
	}
	return 0;
}

static int open_stream(struct wire *w, unsigned number)
{
	struct sockaddr_in me = wire_address(w->load, (unsigned)(w - w->load->wires));
	socklen_t n = sizeof me;
	int on = 1;

	w->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (w->fd < 0 || bind(w->fd, (struct sockaddr *)&me, sizeof me) ||
	    connect(w->fd, (struct sockaddr *)&w->load->opt.server, sizeof w->load->opt.server) ||
	    getsockname(w->fd, (struct sockaddr *)&me, &n)) {
		fail(w->load, "connection of phone %u: %s", number, strerrordesc_np(errno));
		return RF_E_CLOSED;
	}
	setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	w->port = ntohs(me.sin_port);
	w->ip = ntohl(me.sin_addr.s_addr);
	int rc = w->load->opt.via == RF_SIP_TLS ? start_tls(w, number) : 0;
	fcntl(w->fd, F_SETFL, O_NONBLOCK);
	return rc;
}

int wires_open(struct load *l)
{
	bool udp = l->opt.via == RF_SIP_UDP;

	l->wire_count = udp ? l->opt.sockets : l->opt.phones;
	l->wires = calloc(l->wire_count, sizeof *l->wires);
	l->epoll = epoll_create1(0);
	if (!l->wires || l->epoll < 0)
		return -ENOMEM;
	for (unsigned i = 0; i < l->wire_count; i++) {
		struct wire *w = &l->wires[i];

		w->load = l;
		if (strcmp(l->opt.mode, "avalanche") == 0) {
			w->coming = WIRE_AWAY;
			continue;
		}
		int rc = udp ? open_udp(w) : open_stream(w, l->opt.first + i);
		if (!rc && watch(w, EPOLLIN, EPOLL_CTL_ADD))
			rc = -errno;
		if (rc) {
			fail(l, "socket %u: %s", i, rf_err_text(rc));
			return rc;
		}
	}
	return 0;
}

void wires_close(struct load *l)
{
	for (unsigned i = 0; i < l->wire_count; i++) {
		struct wire *w = &l->wires[i];

		SSL_free(w->ssl);
		SSL_SESSION_free(w->session);
		if (w->fd > 0)
			close(w->fd);
		free(w->in);
		free(w->out);
	}
	free(l->wires);
	close(l->epoll);
}

static bool grow(uint8_t **buf, size_t *cap, size_t need)
{
	if (need <= *cap)
		return true;
	size_t want = need * 2;
	uint8_t *p = realloc(*buf, want);
	if (!p)
		return false;
	*buf = p;
	*cap = want;
	return true;
}

static void lost(struct wire *w, const char *why)
{
	if (w->load->wave_us && !w->broken) { /* it comes again when it is looked at */
		w->broken = true;
		w->next_us = 0;
		epoll_ctl(w->load->epoll, EPOLL_CTL_DEL, w->fd, NULL);
		return;
	}
	if (!w->broken)
		fail(w->load, "connection of port %u %s", w->port, why);
	w->broken = true;
	epoll_ctl(w->load->epoll, EPOLL_CTL_DEL, w->fd, NULL);
}

/* Bytes written, 0 when it would block, negative when the connection is gone. */
static ssize_t put_bytes(struct wire *w, const uint8_t *p, size_t n)
{
	if (!w->ssl) {
		ssize_t k = send(w->fd, p, n, MSG_NOSIGNAL);

		return k >= 0 ? k : errno == EAGAIN ? 0 : -1;
	}
	int k = SSL_write(w->ssl, p, n > INT32_MAX ? INT32_MAX : (int)n);
	if (k > 0)
		return k;
	int e = SSL_get_error(w->ssl, k);
	return e == SSL_ERROR_WANT_WRITE || e == SSL_ERROR_WANT_READ ? 0 : -1;
}

/* What is sent is taken off the front only when it is half of all: much may wait when the server is slow. */
static void flush(struct wire *w)
{
	while (w->out_at < w->out_n) {
		ssize_t k = put_bytes(w, w->out + w->out_at, w->out_n - w->out_at);

		if (k < 0) {
			lost(w, "broke while writing");
			return;
		}
		if (k == 0)
			break;
		w->out_at += (size_t)k;
	}
	if (w->out_at * 2 >= w->out_n) {
		memmove(w->out, w->out + w->out_at, w->out_n - w->out_at);
		w->out_n -= w->out_at;
		w->out_at = 0;
	}
	bool want = w->out_n > 0;
	if (want != w->writing) {
		w->writing = want;
		watch(w, EPOLLIN | (want ? EPOLLOUT : 0u), EPOLL_CTL_MOD);
	}
}

void wire_send(struct wire *w, struct rf_view bytes)
{
	if (w->broken)
		return;
	if (w->load->opt.via == RF_SIP_UDP) {
		if (send(w->fd, bytes.p, bytes.n, 0) < 0)
			w->load->repeats++; /* full: the repetition timers bring it again */
		return;
	}
	if (!grow(&w->out, &w->out_cap, w->out_n + bytes.n)) {
		lost(w, "has no memory to write");
		return;
	}
	memcpy(w->out + w->out_n, bytes.p, bytes.n);
	w->out_n += bytes.n;
	if (!w->writing)
		flush(w);
}

static void read_udp(struct wire *w)
{
	uint8_t buf[SCRATCH];

	for (unsigned i = 0; i < 64; i++) {
		ssize_t n = recv(w->fd, buf, sizeof buf, 0);

		if (n <= 0)
			return;
		phone_receive(w, rf_view_of(buf, (size_t)n), RF_SIP_DATAGRAM);
	}
}

static ssize_t get_bytes(struct wire *w, uint8_t *p, size_t n)
{
	if (!w->ssl) {
		ssize_t k = recv(w->fd, p, n, 0);

		return k > 0 ? k : k < 0 && errno == EAGAIN ? 0 : -1;
	}
	int k = SSL_read(w->ssl, p, (int)n);
	if (k > 0)
		return k;
	int e = SSL_get_error(w->ssl, k);
	return e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

/* Hand out the messages that are whole. */
static void cut(struct wire *w)
{
	size_t at = 0;

	for (;;) {
		struct rf_view rest = rf_view_of(w->in + at, w->in_n - at);
		size_t n = 0;
		enum rf_sip_frame_result r = rf_sip_frame_next(&w->frame, rest, &rf_sip_limits_default, &n);

		if (r == RF_SIP_FRAME_MORE)
			break;
		if (r == RF_SIP_FRAME_ERROR) {
			lost(w, "carries what is no SIP message");
			return;
		}
		if (r == RF_SIP_FRAME_PING)
			wire_send(w, RF_V("\r\n"));
		if (r == RF_SIP_FRAME_MESSAGE)
			phone_receive(w, rf_view_sub(rest, 0, n), RF_SIP_STREAM);
		at += n;
	}
	memmove(w->in, w->in + at, w->in_n - at);
	w->in_n -= at;
}

static void read_stream(struct wire *w)
{
	for (;;) {
		if (!grow(&w->in, &w->in_cap, w->in_n + 8192)) {
			lost(w, "has no memory to read");
			return;
		}
		ssize_t n = get_bytes(w, w->in + w->in_n, w->in_cap - w->in_n);
		if (n < 0) {
			lost(w, "was closed by the server");
			return;
		}
		if (n == 0)
			break;
		w->in_n += (size_t)n;
		cut(w);
	}
	if (w->in_n == 0 && w->in_cap > 0) { /* idle connections of the load cost little here too */
		free(w->in);
		w->in = NULL;
		w->in_cap = 0;
	}
}

void wires_poll(struct load *l, int ms)
{
	struct epoll_event ev[256];
	int n = epoll_wait(l->epoll, ev, 256, ms);

	l->now_us = now_us();
	for (int i = 0; i < n; i++) {
		struct wire *w = (struct wire *)ev[i].data.ptr;

		if (w->broken)
			continue;
		if (w->coming != WIRE_IN) {
			avalanche_event(w);
			continue;
		}
		if (ev[i].events & EPOLLOUT)
			flush(w);
		if (l->opt.via == RF_SIP_UDP)
			read_udp(w);
		else if (!w->broken)
			read_stream(w);
	}
}
