/* The relay's side on real sockets: who is heard, what is answered, repeated, bounded; answers from other threads; ends
 * at every moment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../net/kit.h"
#include "fail_alloc.h"
#include "media/ng_reply.h"
#include "media/ng_server.h"
#include "pki/id.h"

struct world {
	struct rf_mono now;
	struct rf_loop *loop;
	struct rf_net *net;
	struct rf_guard *guard;
	struct rf_ng_server *server;
	uint16_t udp, tcp;
	unsigned requests, refused;
	uint64_t stream;             /* of the last request */
	char why[96];
	bool hold;                   /* keep asks instead of answering */
	struct rf_ng_ask *held[64];
	size_t n_held;
};

static void answer(struct rf_ng_ask *ask, size_t pad)
{
	static char big[RF_NG_BYTES_MAX];
	static uint8_t buf[sizeof big + 256];
	struct rf_writer w;

	memset(big, 'x', sizeof big);
	rf_writer_init(&w, buf, sizeof buf);
	rf_ng_reply_answer(&w, rf_ng_ask_request(ask), &(struct rf_ng_answer){ .sdp = rf_view_of(big, pad) });
	rf_ng_ask_answer(ask, rf_view_of(buf, w.n));
}

static void on_request(void *arg, struct rf_ng_ask *ask)
{
	struct world *w = arg;

	w->requests++;
	w->stream = rf_ng_ask_request(ask)->stream;
	if (w->hold)
		w->held[w->n_held++] = ask;
	else
		answer(ask, rf_view_eq(rf_ng_ask_request(ask)->call_id, RF_V("big")) ? RF_NG_BYTES_MAX : 0);
}

static void on_refused(void *arg, const struct rf_addr *from, const char *why)
{
	struct world *w = arg;

	(void)from;
	w->refused++;
	snprintf(w->why, sizeof w->why, "%s", why);
}

static const struct rf_ng_server_ops ops = { .on_request = on_request, .on_refused = on_refused };

static struct rf_mono now(void *ctx)
{
	return ((struct world *)ctx)->now;
}

static void begin(struct world *w, struct rf_ng_server_conf conf, uint32_t rate)
{
	struct rf_net_conf net = { .streams = 64 };
	struct rf_guard_conf guard = { .source[RF_GUARD_MESSAGE] = { rate, rate } };
	struct rf_addr local;

	*w = (struct world){ .now = { 1000000 } };
	assert_int_equal(
		rf_loop_new(
			&(struct rf_loop_conf){ .clock = { .mono = now, .wall = rf_clock_system().wall, .ctx = w } },
			&w->loop),
		0);
	assert_int_equal(rf_net_new(w->loop, &net, &w->net), 0);
	if (rate)
		assert_int_equal(rf_guard_new(&guard, &w->guard), 0);
	conf.net = w->net;
	conf.guard = w->guard;
	conf.ops = &ops;
	conf.arg = w;
	assert_int_equal(rf_ng_server_new(&conf, &w->server), 0);
	assert_int_equal(rf_addr_parse(RF_V("127.0.0.1"), 0, &local), 0);
	assert_int_equal(rf_ng_server_udp(w->server, &local, &w->udp), 0);
	assert_int_equal(rf_ng_server_tcp(w->server, &local, NULL, &w->tcp), 0);
}

static void turn(struct world *w)
{
	for (int i = 0; i < 4; i++)
		rf_loop_turn(w->loop, 1);
}

static void end(struct world *w)
{
	rf_ng_server_free(w->server);
	while (w->n_held)
		rf_ng_ask_drop(w->held[--w->n_held]);
	turn(w);
	rf_net_free(w->net);
	rf_guard_free(w->guard);
	rf_loop_free(w->loop);
}

static int client(struct world *w, int type)
{
	struct rf_addr to;
	struct sockaddr_storage sa;
	int fd = socket(AF_INET, type, 0);

	assert_int_equal(rf_addr_parse(RF_V("127.0.0.1"), type == SOCK_DGRAM ? w->udp : w->tcp, &to), 0);
	socklen_t n = (socklen_t)rf_addr_to_sockaddr(&to, &sa);
	assert_int_equal(connect(fd, (const struct sockaddr *)&sa, n), 0);
	struct timeval brief = { .tv_usec = 2000 };
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &brief, sizeof brief);
	return fd;
}

/* What comes back within so many turns; "" nothing. */
static const char *within(struct world *w, int fd, const char *text, int turns)
{
	static char back[70000];
	ssize_t n = -1;

	if (text)
		assert_int_equal(send(fd, text, strlen(text), 0), (ssize_t)strlen(text));
	for (int i = 0; n < 0 && i < turns; i++) {
		rf_loop_turn(w->loop, 1);
		n = recv(fd, back, sizeof back - 1, MSG_DONTWAIT);
	}
	back[n < 0 ? 0 : n] = 0;
	return back;
}

static const char *ask(struct world *w, int fd, const char *text)
{
	return within(w, fd, text, 2000);
}

static void no_answer(struct world *w, int fd, const char *text)
{
	assert_string_equal(within(w, fd, text, 8), "");
}

static const char ping[] = "5_1 d7:command4:pinge", pong[] = "5_1 d6:result4:ponge";

static void datagrams(void **state)
{
	struct rf_ng_server_stats stats;
	struct world w;

	(void)state;
	begin(&w, (struct rf_ng_server_conf){ .asks_max = 2 }, 0);
	int fd = client(&w, SOCK_DGRAM), other = client(&w, SOCK_DGRAM);
	assert_string_equal(ask(&w, fd, ping), pong);
	assert_string_equal(ask(&w, fd, ping), pong); /* from memory */
	assert_int_equal(w.requests, 1);
	assert_string_equal(ask(&w, other, ping), pong); /* another client's cookie is its own */
	assert_int_equal(w.requests, 2);
	assert_string_equal(ask(&w, fd, "5_1 d7:command10:statisticse"),
			    "5_1 d12:error-reason33:this cookie was another request's6:result5:errore");
	assert_string_equal(ask(&w, fd, "6 garbage"),
			    "6 d12:error-reason28:bencode: malformed at byte 06:result5:errore");
	assert_string_equal(ask(&w, fd, "7 {\"command\":\"offer\"}"),
			    "7 {\"error-reason\":\"\\\"offer\\\" needs \\\"call-id\\\"\",\"result\":\"error\"}");
	no_answer(&w, fd, "nocookie");
	no_answer(&w, fd, "");
	assert_int_equal(w.requests, 2);
	/* While it is being dealt with a repetition is absorbed; two may be. */
	w.hold = true;
	no_answer(&w, fd, "8 d7:command4:pinge");
	no_answer(&w, fd, "8 d7:command4:pinge");
	no_answer(&w, fd, "9 d7:command4:pinge");
	assert_int_equal(w.n_held, 2);
	assert_non_null(strstr(ask(&w, fd, "10 d7:command4:pinge"), "too many requests"));
	w.hold = false;
	answer(w.held[0], 0);
	assert_string_equal(ask(&w, fd, NULL), "8 d6:result4:ponge");
	assert_string_equal(ask(&w, fd, "8 d7:command4:pinge"), "8 d6:result4:ponge");
	rf_ng_ask_drop(w.held[1]);
	w.n_held = 0;
	assert_string_equal(ask(&w, fd, "9 d7:command4:pinge"), "9 d6:result4:ponge"); /* done anew */
	assert_string_equal(ask(&w, fd, "10 d7:command4:pinge"), "10 d6:result4:ponge");
	/* A reply that is too long becomes an error. */
	assert_non_null(strstr(ask(&w, fd, "11 d7:call-id3:big7:command5:querye"), "longer than a message"));
	rf_ng_server_stats(w.server, &stats);
	assert_true(stats.asks == 0 && stats.repeated == 3 && stats.full == 1 && stats.malformed == 4 &&
		    stats.refused == 1);
	assert_int_equal(stats.kept, 6);
	close(fd);
	close(other);
	end(&w);
}

static void remembered_within_bounds(void **state)
{
	struct rf_ng_server_stats stats;
	struct world w;

	(void)state;
	begin(&w, (struct rf_ng_server_conf){ .keep_max = 4, .keep_ms = 100 }, 0);
	int fd = client(&w, SOCK_DGRAM);
	for (int i = 0; i < 8; i++) {
		char text[64];

		snprintf(text, sizeof text, "%d d7:command4:pinge", i);
		assert_non_null(strstr(ask(&w, fd, text), "pong"));
	}
	rf_ng_server_stats(w.server, &stats);
	assert_true(stats.kept == 4 && stats.kept_bytes == 4 * strlen("7 d6:result4:ponge"));
	w.now = rf_mono_add_ms(w.now, 1100); /* they leave with the next tick */
	turn(&w);
	rf_ng_server_stats(w.server, &stats);
	assert_true(stats.kept == 0 && stats.kept_bytes == 0);
	close(fd);
	end(&w);
}

static void strangers(void **state)
{
	struct rf_addr peer;
	struct world w;

	(void)state;
	assert_int_equal(rf_addr_parse(RF_V("192.0.2.1"), 0, &peer), 0);
	begin(&w, (struct rf_ng_server_conf){ .peers = &peer, .n_peers = 1 }, 0);
	int fd = client(&w, SOCK_DGRAM), tcp = client(&w, SOCK_STREAM);
	no_answer(&w, fd, ping);
	assert_int_equal(w.refused, 2); /* the connection, too */
	assert_string_equal(w.why, "not among those who may speak");
	w.now = rf_mono_add_ms(w.now, 1000);
	w.refused = 0;
	char c;
	turn(&w);
	errno = 0;
	assert_true(recv(tcp, &c, 1, 0) <= 0 && errno != EAGAIN);
	for (int i = 0; i < 30; i++)
		send(fd, ping, sizeof ping - 1, 0);
	turn(&w);
	assert_int_equal(w.refused, 10); /* told at most ten times a second */
	assert_int_equal(w.requests, 0);
	close(fd);
	close(tcp);
	end(&w);
}

static void rates(void **state)
{
	struct rf_ng_server_stats stats;
	struct world w;

	(void)state;
	begin(&w, (struct rf_ng_server_conf){ .keep_max = 0 }, 5);
	int fd = client(&w, SOCK_DGRAM);
	for (int i = 0; i < 20; i++)
		send(fd, ping, sizeof ping - 1, 0);
	turn(&w);
	rf_ng_server_stats(w.server, &stats);
	assert_true(stats.rate == 15 && stats.replies == 5);
	close(fd);
	end(&w);
}

static void streams(void **state)
{
	struct rf_ng_server_stats stats;
	struct world w;

	(void)state;
	begin(&w, (struct rf_ng_server_conf){ .asks_max = 0 }, 0);
	int fd = client(&w, SOCK_STREAM);
	assert_string_equal(ask(&w, fd, ping), pong);
	assert_string_equal(ask(&w, fd, ping), pong); /* nothing is lost here, so nothing is remembered */
	assert_int_equal(w.requests, 2);
	no_answer(&w, fd, "\r\n1 d7:comm");
	assert_string_equal(ask(&w, fd, "and4:pinge2 {\"command\":\"ping\"}3 d"),
			    "1 d6:result4:ponge2 {\"result\":\"pong\"}");
	assert_string_equal(ask(&w, fd, "7:command4:pinge\n"), "3 d6:result4:ponge");
	/* Closed with an answer under way. */
	w.hold = true;
	no_answer(&w, fd, "4 d7:command4:pinge");
	close(fd);
	turn(&w);
	answer(w.held[0], 0);
	w.n_held = 0;
	w.hold = false;
	fd = client(&w, SOCK_STREAM);
	no_answer(&w, fd, "GET / HTTP/1.1\r\n\r\n");
	char c;
	turn(&w);
	assert_int_equal(recv(fd, &c, 1, 0), 0);
	rf_ng_server_stats(w.server, &stats);
	assert_true(stats.streams == 0 && stats.malformed == 1 && stats.asks == 0);
	close(fd);
	end(&w);
}

/* Told unasked, on the stream that is named, while it is there. */
static void told(void **state)
{
	struct world w;

	(void)state;
	begin(&w, (struct rf_ng_server_conf){ .streams_from = UINT64_C(1) << 56 }, 0);
	int one = client(&w, SOCK_STREAM), udp = client(&w, SOCK_DGRAM);
	assert_string_equal(ask(&w, one, ping), pong);
	assert_int_equal(w.stream, (UINT64_C(1) << 56) + 1);
	int two = client(&w, SOCK_STREAM);
	assert_string_equal(ask(&w, two, ping), pong);
	assert_int_equal(w.stream, (UINT64_C(1) << 56) + 2);
	assert_string_equal(ask(&w, udp, ping), pong);
	assert_int_equal(w.stream, 0);
	assert_true(rf_ng_server_tell(w.server, (UINT64_C(1) << 56) + 1, RF_V("event_1 de")));
	assert_string_equal(within(&w, one, NULL, 2000), "event_1 de");
	no_answer(&w, two, NULL);
	assert_false(rf_ng_server_tell(w.server, 1, RF_V("event_1 de")));
	assert_false(rf_ng_server_tell(w.server, 0, RF_V("event_1 de")));
	close(one);
	for (int i = 0; i < 2000 && rf_ng_server_tell(w.server, (UINT64_C(1) << 56) + 1, RF_V("x")); i++)
		rf_loop_turn(w.loop, 1);
	assert_false(rf_ng_server_tell(w.server, (UINT64_C(1) << 56) + 1, RF_V("event_1 de")));
	struct rf_ng_server_stats stats;
	rf_ng_server_stats(w.server, &stats);
	assert_int_equal(stats.untold, 4); /* each of them */
	close(two);
	close(udp);
	end(&w);
}

static void unix_socket(void **state)
{
	char path[] = "/tmp/rf-ng-test-XXXXXX", name[64];
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct world w;

	(void)state;
	begin(&w, (struct rf_ng_server_conf){ .asks_max = 0 }, 3);
	assert_non_null(mkdtemp(path));
	snprintf(name, sizeof name, "%s/ng", path);
	memcpy(sa.sun_path, name, strlen(name) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&sa, sizeof sa), 0);
	assert_int_equal(listen(fd, 4), 0);
	assert_int_equal(rf_ng_server_unix_fd(w.server, fd), 0);
	int c = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(connect(c, (const struct sockaddr *)&sa, sizeof sa), 0);
	for (int i = 0; i < 10; i++) /* rates are for addresses */
		assert_string_equal(ask(&w, c, ping), pong);
	close(c);
	end(&w);
	unlink(name);
	rmdir(path);
}

static struct { int calls, verdict; char cn[64]; } check;

static int on_check(void *arg, const struct rf_pki_id *peer)
{
	(void)arg;
	(void)peer;
	check.calls++;
	return check.verdict;
}

static const char *by_tls(struct world *w, uint16_t port, const struct kit_cert *cert)
{
	static char back[256];
	SSL_CTX *ctx = kit_client_ctx(cert);
	SSL *ssl = SSL_new(ctx);
	struct rf_addr to;
	int n = -1;

	assert_int_equal(rf_addr_parse(RF_V("127.0.0.1"), port, &to), 0);
	int fd = kit_connect(&to);
	SSL_set_fd(ssl, fd);
	SSL_set_connect_state(ssl);
	back[0] = 0;
	if (kit_handshake(w->loop, ssl) == SSL_ERROR_NONE && SSL_write(ssl, ping, sizeof ping - 1) > 0)
		for (int i = 0; n <= 0 && i < 20; i++) {
			rf_loop_turn(w->loop, 5);
			n = SSL_read(ssl, back, sizeof back - 1);
		}
	back[n > 0 ? n : 0] = 0;
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	close(fd);
	turn(w);
	return back;
}

static void tls(void **state)
{
	struct kit_cert ca = kit_make((struct kit_want){ .cn = "ca" });
	struct kit_cert other = kit_make((struct kit_want){ .cn = "other ca" });
	struct kit_cert ours =
		kit_make((struct kit_want){ .issuer = &ca, .cn = "relay", .san = "DNS:relay.example.org" });
	struct kit_cert good = kit_make((struct kit_want){ .issuer = &ca, .cn = "edge", .san = "DNS:edge.example.org",
							   .eku = "clientAuth" });
	struct kit_cert bad = kit_make((struct kit_want){ .issuer = &other, .cn = "edge", .san = "DNS:edge.example.org",
							  .eku = "clientAuth" });
	struct rf_addr local, peer;
	uint16_t port;
	struct world w;

	(void)state;
	/* The list of peers does not have this address: the certificate decides alone. */
	assert_int_equal(rf_addr_parse(RF_V("192.0.2.1"), 0, &peer), 0);
	begin(&w, (struct rf_ng_server_conf){ .peers = &peer, .n_peers = 1 }, 0);
	struct rf_tls *t =
		kit_tls(&ours, &ca, (struct rf_tls_conf){ .client = RF_TLS_CLIENT_REQUIRED, .check = on_check });
	assert_int_equal(rf_addr_parse(RF_V("127.0.0.1"), 0, &local), 0);
	assert_int_equal(rf_ng_server_tcp(w.server, &local, t, &port), 0);
	check.calls = check.verdict = 0;
	assert_string_equal(by_tls(&w, port, &good), pong);
	assert_int_equal(check.calls, 1);
	assert_string_equal(by_tls(&w, port, NULL), "");
	assert_string_equal(by_tls(&w, port, &bad), "");
	check.verdict = RF_E_DENIED;
	assert_string_equal(by_tls(&w, port, &good), "");
	assert_int_equal(w.requests, 1);
	rf_tls_put(t);
	end(&w);
	kit_free(&ca);
	kit_free(&other);
	kit_free(&ours);
	kit_free(&good);
	kit_free(&bad);
}

static struct {
	enum rf_ng_keep verdict;
	unsigned seen;
	uint64_t age_us;
} review;

static enum rf_ng_keep on_review(void *arg, const struct rf_pki_id *peer, const struct rf_addr *from, uint64_t age_us)
{
	(void)arg;
	assert_true(peer->present && from->family == 4);
	review.seen++;
	review.age_us = age_us;
	return review.verdict;
}

/* Whoever is connected is looked at again: stays, leaves when nothing of it is open, or is cut. */
static void looked_at_again(void **state)
{
	struct kit_cert ca = kit_make((struct kit_want){ .cn = "ca" });
	struct kit_cert ours =
		kit_make((struct kit_want){ .issuer = &ca, .cn = "relay", .san = "DNS:relay.example.org" });
	struct kit_cert good = kit_make((struct kit_want){ .issuer = &ca, .cn = "edge", .san = "DNS:edge.example.org",
							   .eku = "clientAuth" });
	struct rf_ng_server_stats stats;
	struct rf_addr local, to;
	struct world w;
	uint16_t port;

	(void)state;
	begin(&w, (struct rf_ng_server_conf){ 0 }, 0);
	struct rf_tls *t = kit_tls(&ours, &ca, (struct rf_tls_conf){ .client = RF_TLS_CLIENT_REQUIRED });
	assert_int_equal(rf_addr_parse(RF_V("127.0.0.1"), 0, &local), 0);
	assert_int_equal(rf_ng_server_tcp(w.server, &local, t, &port), 0);
	assert_int_equal(rf_addr_parse(RF_V("127.0.0.1"), port, &to), 0);
	int plain = client(&w, SOCK_STREAM); /* nobody with a certificate: not looked at */
	turn(&w);
	for (int round = 0; round < 3; round++) {
		SSL_CTX *ctx = kit_client_ctx(&good);
		SSL *ssl = SSL_new(ctx);
		int fd = kit_connect(&to);

		SSL_set_fd(ssl, fd);
		SSL_set_connect_state(ssl);
		assert_int_equal(kit_handshake(w.loop, ssl), SSL_ERROR_NONE);
		review.seen = 0;
		review.verdict = RF_NG_KEEP;
		w.hold = true;
		assert_true(SSL_write(ssl, ping, sizeof ping - 1) > 0);
		for (int i = 0; i < 100 && !w.n_held; i++)
			turn(&w);
		assert_int_equal(w.n_held, 1);
		assert_int_equal(rf_ng_server_review(w.server, on_review, NULL), 0);
		assert_int_equal(review.seen, 1);
		review.verdict = round == 1 ? RF_NG_CUT : RF_NG_LEAVE;
		assert_int_equal(rf_ng_server_review(w.server, on_review, NULL), round == 1);
		turn(&w);
		rf_ng_server_stats(w.server, &stats);
		assert_int_equal(stats.streams, round == 1 ? 1 : 2);
		answer(w.held[0], 0);
		w.n_held = 0;
		turn(&w);
		assert_int_equal(rf_ng_server_review(w.server, on_review, NULL), 0);
		char back[256];
		int n = -1;
		for (int i = 0; i < 200; i++) {
			rf_loop_turn(w.loop, 1);
			n = SSL_read(ssl, back, sizeof back);
			if (n == 0 || (n < 0 && SSL_get_error(ssl, n) != SSL_ERROR_WANT_READ))
				break;
		}
		SSL_free(ssl);
		close(fd);
		SSL_CTX_free(ctx);
		turn(&w);
		rf_ng_server_stats(w.server, &stats);
		assert_int_equal(stats.streams, 1); /* the plain one */
	}
	close(plain);
	rf_tls_put(t);
	end(&w);
	kit_free(&ca);
	kit_free(&ours);
	kit_free(&good);
}

static void *answers(void *arg)
{
	struct world *w = arg;

	for (size_t i = 0; i < w->n_held; i++)
		i % 4 == 3 ? rf_ng_ask_drop(w->held[i]) : answer(w->held[i], i);
	return NULL;
}

/* Answers travel home from another thread; also when the server ended meanwhile. */
static void threads(void **state)
{
	(void)state;
	for (int ended = 0; ended < 3; ended++) {
		struct rf_ng_server_stats stats;
		struct world w;
		pthread_t thread;

		begin(&w, (struct rf_ng_server_conf){ .asks_max = 0 }, 0);
		int fd = client(&w, SOCK_DGRAM), tcp = client(&w, SOCK_STREAM);
		w.hold = true;
		for (int i = 0; i < 32; i++) {
			char text[64];

			snprintf(text, sizeof text, "%d d7:command4:pinge", i);
			assert_true(send(i % 2 ? tcp : fd, text, strlen(text), 0) > 0);
		}
		for (int i = 0; i < 100 && w.n_held < 32; i++)
			turn(&w);
		assert_int_equal(w.n_held, 32);
		if (ended == 1)
			rf_ng_server_free(w.server);
		assert_int_equal(pthread_create(&thread, NULL, answers, &w), 0);
		pthread_join(thread, NULL);
		w.n_held = 0;
		if (ended == 0) {
			turn(&w);
			rf_ng_server_stats(w.server, &stats);
			assert_true(stats.asks == 0 && stats.replies == 24);
		}
		if (ended != 1)
			rf_ng_server_free(w.server);
		w.server = NULL;
		close(fd);
		close(tcp);
		if (ended != 2) /* then the loop ends with the mail in its box */
			turn(&w);
		rf_net_free(w.net);
		rf_loop_free(w.loop);
	}
}

static void memory_fails(void **state)
{
	static const char query[] = "9 {\"command\":\"query\",\"call-id\":\"x\",\"flags\":[\"all\"]}";

	(void)state;
	for (unsigned n = 1;; n++) {
		struct world w;

		begin(&w, (struct rf_ng_server_conf){ .asks_max = 0 }, 0);
		int fd = client(&w, SOCK_DGRAM);
		assert_string_equal(ask(&w, fd, ping), pong); /* what the loop and the socket allocate once */
		assert_true(send(fd, query, sizeof query - 1, 0) > 0);
		fail_alloc_at(n);
		rf_loop_turn(w.loop, 5);
		bool failed = fail_alloc_off();
		const char *back = within(&w, fd, NULL, 8);
		assert_true(!back[0] || strstr(back, "ok") || strstr(back, "memory"));
		close(fd);
		end(&w);
		if (!failed)
			break;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(datagrams),    cmocka_unit_test(remembered_within_bounds),
		cmocka_unit_test(strangers),    cmocka_unit_test(rates),
		cmocka_unit_test(told), cmocka_unit_test(streams),      cmocka_unit_test(unix_socket),
		cmocka_unit_test(tls),          cmocka_unit_test(looked_at_again), cmocka_unit_test(threads),
		cmocka_unit_test(memory_fails),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
