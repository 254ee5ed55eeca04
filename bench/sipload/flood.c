/* Strangers: INVITEs at a rate from many addresses of 127.0.0.0/8, of whom the server knows nobody. A third each is well
 * formed and from nowhere, well formed and in the name of a phone that is not theirs, and broken. Over TCP and TLS (without
 * a certificate) each address keeps trying: it connects, says what it can, and comes again when it is thrown out. What
 * comes back is counted and thrown away. */
#include "load.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BURST_MAX = 4000, SAY_TCP = 4, SAY_TLS = 100 };

enum phase { AWAY, COMING, SHAKING, IN };

struct stranger {
	int fd;
	SSL *ssl;
	enum phase phase;
	unsigned said;
};

struct flood {
	struct load *load;
	struct stranger *strangers;
	unsigned n, next, invites;
	uint64_t sent, came, connected, thrown_out, full;
};

static size_t write_invite(struct flood *f, unsigned who, char *dst, size_t cap)
{
	struct load *l = f->load;
	static const char *const via[] = { [RF_SIP_UDP] = "UDP", [RF_SIP_TCP] = "TCP", [RF_SIP_TLS] = "TLS" };
	unsigned i = ++f->invites, kind = i % 3, number = l->opt.first + i % l->opt.phones;
	char from[300];

	if (kind == 0)
		snprintf(from, sizeof from, "sip:stranger%u@nowhere.example", i);
	else
		snprintf(from, sizeof from, "sip:%u@%s", number, l->opt.domain);
	int n = snprintf(dst, cap,
			 "INVITE sip:%u@%s SIP/2.0\r\nVia: SIP/2.0/%s 127.0.0.1:5999;rport;branch=z9hG4bKf%u-%u\r\n"
			 "Max-Forwards: 70\r\nFrom: <%s>;tag=f%u\r\nTo: <sip:%u@%s>\r\nCall-ID: flood-%u-%u\r\n"
			 "CSeq: 1 INVITE\r\nContact: <sip:x@127.0.0.1:5999>\r\nContent-Type: application/sdp\r\n"
			 "Content-Length: 129\r\n\r\nv=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
			 "m=audio 40000 RTP/AVP 0 8\r\na=rtpmap:0 PCMU/8000\r\na=sendrecv\r\n",
			 l->opt.first + (i + 1) % l->opt.phones, l->opt.domain, via[l->opt.via], who, i, from, i,
			 l->opt.first + (i + 1) % l->opt.phones, l->opt.domain, who, i);
	size_t len = n > 0 && (size_t)n < cap ? (size_t)n : 0;

	/* A few bytes of it are not what they were. That ends a connection, so over TLS, where those are dear, it is
	 * rare. */
	if (kind == 2 && (l->opt.via != RF_SIP_TLS || i % 120 == 2))
		for (unsigned k = 0; k < 8 && len; k++)
			dst[rf_random_u64(&l->random) % len] = (char)rf_random_u64(&l->random);
	return len;
}

static int open_from(struct flood *f, unsigned who, int kind)
{
	struct sockaddr_in me = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f010001u + who) };
	int fd = socket(AF_INET, kind | SOCK_NONBLOCK, 0), on = 1;

	if (fd < 0)
		return -errno;
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&me, sizeof me) ||
	    (connect(fd, (struct sockaddr *)&f->load->opt.server, sizeof f->load->opt.server) && errno != EINPROGRESS)) {
		int rc = -errno;

		close(fd);
		return rc;
	}
	return fd;
}

static void watch(struct flood *f, struct stranger *s, uint32_t events, int op)
{
	struct epoll_event e = { .events = events, .data.ptr = s };

	epoll_ctl(f->load->epoll, op, s->fd, &e);
}

static void leave(struct stranger *s)
{
	SSL_free(s->ssl);
	s->ssl = NULL;
	if (s->fd > 0)
		close(s->fd);
	s->fd = 0;
	s->phase = AWAY;
	s->said = 0;
}

static void come(struct flood *f, struct stranger *s)
{
	bool udp = f->load->opt.via == RF_SIP_UDP;
	int fd = open_from(f, (unsigned)(s - f->strangers), udp ? SOCK_DGRAM : SOCK_STREAM);

	if (fd < 0)
		return;
	s->fd = fd;
	s->phase = udp ? IN : COMING;
	watch(f, s, udp ? EPOLLIN : EPOLLOUT, EPOLL_CTL_ADD);
}

static void arrived(struct flood *f, struct stranger *s)
{
	int err = 0, on = 1;
	socklen_t n = sizeof err;

	getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &err, &n);
	if (err) {
		f->thrown_out++;
		leave(s);
		return;
	}
	f->connected++;
	setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	watch(f, s, EPOLLIN, EPOLL_CTL_MOD);
	s->phase = IN;
	if (f->load->opt.via != RF_SIP_TLS)
		return;
	s->ssl = SSL_new(f->load->tls);
	s->phase = SHAKING;
	SSL_set_fd(s->ssl, s->fd);
	SSL_set_connect_state(s->ssl);
}

static void shake(struct flood *f, struct stranger *s)
{
	int rc = SSL_do_handshake(s->ssl), e = SSL_get_error(s->ssl, rc);

	if (rc == 1) {
		s->phase = IN;
	} else if (e != SSL_ERROR_WANT_READ && e != SSL_ERROR_WANT_WRITE) {
		f->thrown_out++;
		leave(s);
	}
}

/* Read and forget. */
static void hear(struct flood *f, struct stranger *s)
{
	for (int i = 0; i < 64; i++) {
		ssize_t n = s->ssl ? SSL_read(s->ssl, f->load->scratch, SCRATCH) : recv(s->fd, f->load->scratch, SCRATCH, 0);

		if (n > 0) {
			f->came++;
			continue;
		}
		int e = s->ssl ? SSL_get_error(s->ssl, (int)n) : 0;
		bool later = s->ssl ? e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE :
				      n < 0 && (errno == EAGAIN || f->load->opt.via == RF_SIP_UDP);

		if (!later) {
			f->thrown_out++;
			leave(s);
		}
		return;
	}
}

static void say(struct flood *f, struct stranger *s)
{
	char text[2048];
	size_t n = write_invite(f, (unsigned)(s - f->strangers), text, sizeof text);
	bool went = s->ssl ? SSL_write(s->ssl, text, (int)n) > 0 : send(s->fd, text, n, MSG_NOSIGNAL) >= 0;

	if (went)
		f->sent++;
	else
		f->full++;
	if (f->load->opt.via != RF_SIP_UDP && ++s->said >= (f->load->opt.via == RF_SIP_TLS ? SAY_TLS : SAY_TCP))
		leave(s); /* and comes again */
}

static void turn(struct flood *f, uint64_t due)
{
	for (unsigned k = 0; k < BURST_MAX && f->sent + f->full < due; k++) {
		struct stranger *s = &f->strangers[f->next++ % f->n];

		if (s->phase == AWAY)
			come(f, s);
		if (s->phase == IN)
			say(f, s);
		else if (k >= f->n)
			return; /* everybody is on the way */
	}
}

static void look(struct flood *f)
{
	struct epoll_event ev[256];
	int n = epoll_wait(f->load->epoll, ev, 256, 1);

	for (int i = 0; i < n; i++) {
		struct stranger *s = ev[i].data.ptr;

		if (s->phase == COMING)
			arrived(f, s);
		if (s->phase == SHAKING)
			shake(f, s);
		else if (s->phase == IN)
			hear(f, s);
	}
}

/* Tell the measurer what went out so far. */
static void report(const struct flood *f, double s)
{
	printf("{\"at\":\"flood\",\"seconds\":%.3f,\"sent\":%llu,\"not_taken\":%llu,\"answers\":%llu,\"connected\":%llu,"
	       "\"thrown_out\":%llu}\n", s, (unsigned long long)f->sent, (unsigned long long)f->full,
	       (unsigned long long)f->came, (unsigned long long)f->connected, (unsigned long long)f->thrown_out);
	fflush(stdout);
}

int flood(struct load *l)
{
	struct flood f = { .load = l, .n = l->opt.sources };
	uint64_t began = now_us(), end = began + (uint64_t)l->opt.seconds * 1000000, now;

	l->epoll = epoll_create1(0);
	f.strangers = calloc(f.n, sizeof *f.strangers);
	if (!f.strangers || l->epoll < 0) {
		free(f.strangers);
		return -ENOMEM;
	}
	report(&f, 0);
	for (now = began; now < end; now = now_us()) {
		turn(&f, (now - began) * l->opt.rate / 1000000);
		look(&f);
	}
	report(&f, (double)(now - began) / 1e6);
	for (unsigned i = 0; i < f.n; i++)
		leave(&f.strangers[i]);
	free(f.strangers);
	return 0;
}
