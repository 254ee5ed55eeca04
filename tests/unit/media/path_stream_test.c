/* What is passed on as it is: datagrams from the signaled source, and connections. */
#include "path_kit.h"

#include "base/err.h"
#include "fail_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- datagrams */

static void datagrams(void **state)
{
	static const char *const texts[] = { "\x80\0\0\1", "", "\0\1\0\0", "\x16\xfe\xfd", "anything", "\xff" };
	struct kit k;
	struct party a, b, c;
	uint8_t got[4096];

	(void)state;
	kit_begin(&k);
	party_open(&a, "127.0.0.1");
	party_open(&b, "::1");
	party_open(&c, "127.0.0.1");
	struct rf_path *p = kit_path(&k, RF_PATH_DATAGRAM, KIT_V4, KIT_V6);
	assert_int_equal(rf_media_census(k.w).sockets, 2); /* no RTCP */
	struct rf_path_end_conf ca = kit_conf(&a), cb = kit_conf(&b);
	ca.packets_s = 50;
	assert_int_equal(rf_path_set(p, 0, &ca), 0);
	assert_int_equal(rf_path_set(p, 1, &cb), 0);
	struct rf_addr to[2] = { kit_local(p, 0, 0), kit_local(p, 1, 0) };
	party_send(&k, &a, 0, &to[0], "early", 5);
	assert_int_equal(kit_drops(p, 0, RF_DROP_UNANSWERED), 1);
	rf_path_open(p);
	for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++) {
		size_t n = i < 4 ? i == 1 ? 0 : 3 : strlen(texts[i]);

		party_send(&k, &c, 0, &to[0], texts[i], n);
		party_send(&k, &a, 0, &to[0], texts[i], n);
		assert_int_equal(party_recv(&b, 0, got, sizeof got, NULL), n);
		assert_memory_equal(got, texts[i], n);
		assert_int_equal(party_recv(&b, 0, got, sizeof got, NULL), -1);
		party_send(&k, &b, 0, &to[1], texts[i], n);
		assert_int_equal(party_recv(&a, 0, got, sizeof got, NULL), n);
	}
	assert_int_equal(kit_drops(p, 0, RF_DROP_SOURCE), 6);
	static uint8_t big[2049];
	party_send(&k, &b, 0, &to[1], big, 2048);
	assert_int_equal(party_recv(&a, 0, got, sizeof got, NULL), 2048);
	party_send(&k, &b, 0, &to[1], big, 2049);
	assert_int_equal(party_recv(&a, 0, got, sizeof got, NULL), -1);
	unsigned passed = 0;
	for (unsigned i = 0; i < 100; i++) {
		party_send(&k, &a, 0, &to[0], "x", 1);
		passed += party_recv(&b, 0, got, sizeof got, NULL) > 0;
	}
	assert_in_range(passed, 43, 46);
	rf_path_hold(p, 1, RF_HOLD_MEDIA);
	party_send(&k, &b, 0, &to[1], "x", 1);
	assert_int_equal(kit_drops(p, 1, RF_DROP_HELD), 1);
	rf_path_free(p);
	party_close(&a);
	party_close(&b);
	party_close(&c);
	kit_end(&k);
}

/* ---- connections */

struct scene {
	struct kit k;
	struct rf_path *p;
	struct rf_path_end_conf conf[2];
	int listener[2];             /* of parties that are connected to */
	int fd[2];                   /* -1: none */
};

static int tcp(const char *ip, struct rf_addr *ret)
{
	struct rf_peer at = { .n = 0 };
	struct rf_addr a;

	assert_int_equal(rf_addr_parse(rf_view_str(ip), 0, &a), 0);
	rf_peer_of(&a, &at);
	int fd = socket(at.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, &at.sa, at.n), 0);
	assert_int_equal(getsockname(fd, &at.sa, &at.n), 0);
	*ret = rf_peer_addr(&at);
	return fd;
}

static int dial(const char *ip, const struct rf_addr *to)
{
	struct rf_addr from;
	struct rf_peer at;
	int fd = tcp(ip, &from);

	rf_peer_of(to, &at);
	if (connect(fd, &at.sa, at.n) != 0 && errno != EINPROGRESS) {
		close(fd);
		return -1;
	}
	return fd;
}

static void turns(struct scene *s)
{
	for (unsigned i = 0; i < 8; i++)
		kit_turn(&s->k);
}

/* way & 1: we connect to a; way & 2: to b. */
static void begin(struct scene *s, unsigned way)
{
	*s = (struct scene){ .fd = { -1, -1 } };
	kit_begin(&s->k);
	s->p = kit_path(&s->k, RF_PATH_STREAM, KIT_V4, KIT_V4_OTHER);
	for (unsigned i = 0; i < 2; i++) {
		struct rf_path_end_conf *c = &s->conf[i];

		*c = (struct rf_path_end_conf){ .dir = RF_SDP_SENDRECV, .rtcp_mux = true, .dtls_active = way >> i & 1 };
		s->listener[i] = tcp("127.0.0.1", &c->remote);
		assert_int_equal(listen(s->listener[i], 1), 0);
		if (!c->dtls_active)
			c->remote.port = 9; /* it says that it will connect */
		assert_int_equal(rf_path_set(s->p, i, c), 0);
	}
	turns(s);
}

static void connect_both(struct scene *s)
{
	for (unsigned i = 0; i < 2; i++) {
		struct rf_addr to = kit_local(s->p, i, 0);

		turns(s);
		s->fd[i] = s->conf[i].dtls_active ? accept4(s->listener[i], NULL, NULL, SOCK_NONBLOCK) :
						    dial("127.0.0.1", &to);
		assert_true(s->fd[i] >= 0);
		turns(s);
	}
}

static void end(struct scene *s)
{
	rf_path_free(s->p);
	for (unsigned i = 0; i < 2; i++) {
		close(s->listener[i]);
		if (s->fd[i] >= 0)
			close(s->fd[i]);
	}
	kit_end(&s->k);
}

static void connections(void **state)
{
	char got[64];

	(void)state;
	for (unsigned way = 0; way < 4; way++) {
		struct scene s;

		begin(&s, way);
		for (unsigned i = 0; i < 2; i++) { /* nothing before the answer */
			struct rf_addr to = kit_local(s.p, i, 0);
			int early = dial("127.0.0.1", &to);

			assert_true(early >= 0 && recv(early, got, sizeof got, 0) < 0 && errno == ECONNREFUSED);
			close(early);
			assert_int_equal(accept(s.listener[i], NULL, NULL), -1);
		}
		rf_path_open(s.p);
		connect_both(&s);
		for (unsigned i = 0; i < 2; i++) {
			assert_int_equal(send(s.fd[i], "hello", 5, 0), 5);
			turns(&s);
			assert_int_equal(recv(s.fd[!i], got, sizeof got, 0), 5);
		}
		struct rf_path_end_stats stats;
		rf_path_stats(s.p, 0, &stats);
		assert_int_equal(stats.bytes, 5);
		assert_int_equal(stats.sent_bytes, 5);
		assert_int_equal(stats.remote.family, 4);
		/* One says no more, and hears on. */
		shutdown(s.fd[0], SHUT_WR);
		turns(&s);
		assert_int_equal(recv(s.fd[1], got, sizeof got, 0), 0);
		assert_int_equal(send(s.fd[1], "still", 5, 0), 5);
		turns(&s);
		assert_int_equal(recv(s.fd[0], got, sizeof got, 0), 5);
		assert_int_equal(rf_media_census(s.k.w).sockets, 4);
		shutdown(s.fd[1], SHUT_WR);
		turns(&s);
		assert_int_equal(recv(s.fd[0], got, sizeof got, 0), 0);
		assert_int_equal(rf_media_census(s.k.w).sockets, 2);
		end(&s);
	}
}

static void who_may_connect(void **state)
{
	struct scene s;
	char got[8];

	(void)state;
	begin(&s, 0);
	rf_path_open(s.p);
	struct rf_addr to = kit_local(s.p, 0, 0);
	int stranger = dial("127.0.0.2", &to);
	turns(&s);
	assert_true(stranger >= 0);
	assert_int_equal(recv(stranger, got, sizeof got, 0), 0);
	assert_int_equal(kit_drops(s.p, 0, RF_DROP_SOURCE), 1);
	connect_both(&s);
	int second = dial("127.0.0.1", &to); /* one at a time */
	turns(&s);
	assert_int_equal(recv(second, got, sizeof got, 0), 0);
	assert_int_equal(kit_drops(s.p, 0, RF_DROP_SOURCE), 2);
	close(second);
	close(stranger);
	/* One is torn down: so is the other; and another may come. */
	setsockopt(s.fd[0], SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 }, sizeof(struct linger));
	close(s.fd[0]);
	turns(&s);
	assert_int_equal(recv(s.fd[1], got, sizeof got, 0), 0);
	close(s.fd[1]);
	assert_int_equal(rf_media_census(s.k.w).sockets, 2);
	connect_both(&s);
	assert_int_equal(send(s.fd[0], "x", 1, 0), 1);
	turns(&s);
	assert_int_equal(recv(s.fd[1], got, sizeof got, 0), 1);
	/* It moves as signaled: the connection of the old one ends. */
	s.conf[0].remote.ip[3] = 2;
	assert_int_equal(rf_path_set(s.p, 0, &s.conf[0]), 0);
	turns(&s);
	assert_int_equal(recv(s.fd[0], got, sizeof got, 0), 0);
	end(&s);
}

static void who_does_not_read(void **state)
{
	enum { ALL = 8 << 20 };
	struct scene s;
	static uint8_t bytes[65536];
	size_t sent = 0, got = 0, stuck = 0;

	(void)state;
	begin(&s, 2);
	rf_path_open(s.p);
	connect_both(&s);
	for (unsigned i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 256);
	/* b does not read: a is stopped, and little waits here. */
	while (stuck < 20 && sent < ALL) {
		ssize_t n =
			send(s.fd[0], bytes + sent % sizeof bytes, sizeof bytes - sent % sizeof bytes, MSG_DONTWAIT);

		stuck = n > 0 ? 0 : stuck + 1;
		sent += n > 0 ? (size_t)n : 0;
		turns(&s);
	}
	if (sent < ALL)
		assert_true(s.p->end[1].tcp->n <= RF_PATH_DATAGRAM_MAX);
	shutdown(s.fd[0], SHUT_WR);
	turns(&s);
	assert_int_equal(poll(&(struct pollfd){ .fd = s.k.w->epoll, .events = POLLIN }, 1, 0), 0); /* nothing spins */
	for (unsigned i = 0; i < 100000; i++) {
		static uint8_t in[65536];
		ssize_t n = recv(s.fd[1], in, sizeof in - got % sizeof in, 0);

		if (n == 0)
			break;
		for (ssize_t j = 0; j < n; j++)
			assert_int_equal(in[j], bytes[(got + (size_t)j) % sizeof bytes]);
		got += n > 0 ? (size_t)n : 0;
		turns(&s);
	}
	assert_int_equal(got, sent);
	end(&s);
}

static void nobody_is_there(void **state)
{
	struct scene s;
	char got[8];

	(void)state;
	begin(&s, 1);
	close(s.listener[0]);
	rf_path_open(s.p);
	turns(&s);
	assert_int_equal(kit_drops(s.p, 0, RF_DROP_SEND), 1);
	assert_int_equal(rf_media_census(s.k.w).sockets, 2);
	/* A new description, and it is tried again. */
	s.listener[0] = tcp("127.0.0.1", &s.conf[0].remote);
	assert_int_equal(listen(s.listener[0], 1), 0);
	assert_int_equal(rf_path_set(s.p, 0, &s.conf[0]), 0);
	connect_both(&s);
	assert_int_equal(send(s.fd[1], "x", 1, 0), 1);
	turns(&s);
	assert_int_equal(recv(s.fd[0], got, sizeof got, 0), 1);
	end(&s);
}

static void memory_ends(void **state)
{
	struct kit k;

	(void)state;
	kit_begin(&k);
	for (unsigned n = 1;; n++) {
		struct rf_path *p = NULL;
		static const struct rf_path_ops none;
		const char *what;

		fail_alloc_at(n);
		int rc = rf_path_new(k.w, RF_PATH_STREAM, (unsigned[]){ KIT_V4, KIT_V4 }, &none, NULL, &p, &what);
		bool failed = fail_alloc_off();
		rf_path_free(p);
		if (!failed)
			break;
		assert_int_equal(rc, -ENOMEM);
	}
	kit_end(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(datagrams),
		cmocka_unit_test(connections),
		cmocka_unit_test(who_may_connect),
		cmocka_unit_test(who_does_not_read),
		cmocka_unit_test(nobody_is_there),
		cmocka_unit_test(memory_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
