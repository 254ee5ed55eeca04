/* All phones connect and register at once, as after a power cut; then their connections break and all come again, with
 * the TLS sessions that they were given, and at last once more when the server was ended and started anew. Who is sent away or hears nothing for half a minute comes again after a second
 * or so. Times are from the beginning of the wave. */
#include "load.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { GIVE_UP_US = 30000000, AGAIN_US = 1000000, AT_A_TIME = 8 };

static void watch(struct wire *w, uint32_t events, int op)
{
	struct epoll_event e = { .events = events, .data.ptr = w };

	epoll_ctl(w->load->epoll, op, w->fd, &e);
}

static void hang_up(struct wire *w)
{
	if (w->ssl)
		SSL_set_shutdown(w->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN); /* else its session is spoiled */
	SSL_free(w->ssl);
	w->ssl = NULL;
	if (w->fd > 0)
		close(w->fd);
	w->fd = 0;
	w->in_n = w->out_n = w->out_at = 0;
	w->frame = (struct rf_sip_frame){ 0 };
	w->writing = w->broken = false;
	w->coming = WIRE_AWAY;
}

static void avalanche_again(struct wire *w)
{
	struct load *l = w->load;
	struct phone *p = &l->phones[w - l->wires];

	hang_up(w);
	p->reg_sent_us = 0;
	p->reg_tries = 0;
	l->again++;
	w->next_us = l->now_us + AGAIN_US / 2 + rf_random_u64(&l->random) % AGAIN_US;
}

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
	struct wire *w = SSL_get_app_data(ssl);

	SSL_SESSION_free(w->session);
	w->session = session;
	return 1;
}

void avalanche_prepare(struct load *l)
{
	/* The server is measured: that it is the right one is checked by the other modes. */
	SSL_CTX_set_verify(l->tls, SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_session_cache_mode(l->tls, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(l->tls, keep_session);
}

static void begin_tls(struct wire *w)
{
	struct load *l = w->load;
	unsigned number = l->opt.first + (unsigned)(w - l->wires);
	char crt[512], key[512];

	snprintf(crt, sizeof crt, "%s/%u.crt", l->opt.pki, number);
	snprintf(key, sizeof key, "%s/%u.key", l->opt.pki, number);
	w->ssl = SSL_new(l->tls);
	if (!w->ssl || SSL_use_certificate_file(w->ssl, crt, SSL_FILETYPE_PEM) != 1 ||
	    SSL_use_PrivateKey_file(w->ssl, key, SSL_FILETYPE_PEM) != 1) {
		fail(l, "cannot use %s and its key", crt);
		return;
	}
	SSL_set_app_data(w->ssl, w);
	SSL_set_mode(w->ssl, SSL_MODE_NO_AUTO_CHAIN);
	SSL_set_fd(w->ssl, w->fd);
	SSL_set_connect_state(w->ssl);
	if (w->session)
		SSL_set_session(w->ssl, w->session);
	w->coming = WIRE_SHAKING;
}

static void shake(struct wire *w)
{
	struct load *l = w->load;
	int rc = SSL_do_handshake(w->ssl), e = SSL_get_error(w->ssl, rc);

	if (rc == 1) {
		l->shaken++;
		l->resumed += SSL_session_reused(w->ssl) != 0;
		w->coming = WIRE_IN;
		watch(w, EPOLLIN, EPOLL_CTL_MOD);
		phone_register(&l->phones[w - l->wires]);
	} else if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE) {
		watch(w, e == SSL_ERROR_WANT_WRITE ? EPOLLOUT : EPOLLIN, EPOLL_CTL_MOD);
	} else {
		avalanche_again(w);
	}
}

void avalanche_event(struct wire *w)
{
	int err = 0;
	socklen_t n = sizeof err;

	if (w->coming == WIRE_CONNECTING) {
		getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &err, &n);
		if (err) {
			avalanche_again(w);
			return;
		}
		begin_tls(w);
	}
	if (w->coming == WIRE_SHAKING)
		shake(w);
}

static void come(struct wire *w)
{
	struct load *l = w->load;
	struct sockaddr_in me = wire_address(l, (unsigned)(w - l->wires));
	socklen_t n = sizeof me;
	int on = 1;

	w->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	w->next_us = l->now_us + GIVE_UP_US;
	if (w->fd < 0 || bind(w->fd, (struct sockaddr *)&me, sizeof me) || (connect(w->fd, (struct sockaddr *)&l->opt.server, sizeof l->opt.server) && errno != EINPROGRESS) ||
	    getsockname(w->fd, (struct sockaddr *)&me, &n)) {
		avalanche_again(w);
		return;
	}
	setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	w->port = ntohs(me.sin_port);
	w->ip = ntohl(me.sin_addr.s_addr);
	w->coming = WIRE_CONNECTING;
	watch(w, EPOLLOUT, EPOLL_CTL_ADD);
}

/* Who is away and whose time has come, comes; who waits for too long, comes again. Phones have a processor each and this
 * is one for all: a few begin at a time, so that those who have begun can answer. True when more want to. */
static bool look_around(struct load *l)
{
	unsigned came = 0;

	for (unsigned i = 0; i < l->wire_count; i++) {
		struct wire *w = &l->wires[i];

		if (w->next_us > l->now_us || (w->coming == WIRE_IN && !l->phones[i].reg_sent_us))
			continue;
		if (w->coming != WIRE_AWAY) {
			avalanche_again(w);
		} else {
			come(w);
			if (++came == AT_A_TIME)
				return true;
		}
	}
	return false;
}

double avalanche(struct load *l)
{
	uint64_t tick = 0, end;
	bool more = true;

	for (unsigned i = 0; i < l->wire_count; i++) {
		hang_up(&l->wires[i]);
		l->wires[i].next_us = 0;
		l->phones[i].login = (struct rf_digest_login){ 0 };
	}
	l->wave_us = l->now_us = now_us();
	end = l->wave_us + (uint64_t)l->opt.seconds * 1000000;
	l->done = l->again = l->shaken = l->resumed = 0;
	while (l->done < l->opt.phones && l->now_us < end && !l->failed) {
		if (more || l->now_us - tick > 50000) {
			tick = l->now_us;
			more = look_around(l);
		}
		wires_poll(l, more ? 0 : 20);
	}
	if (l->done < l->opt.phones)
		fail(l, "only %u of %u phones were in after %u s", l->done, l->opt.phones, l->opt.seconds);
	return (double)(l->now_us - l->wave_us) / 1e6;
}
