/* Many handshakes at once: who is in is served, who comes waits in order, and all get in. */
#include "kit.h"

#include "base/err.h"

#include <openssl/err.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <cmocka.h>
#include <unistd.h>

enum { CROWD = 24, AT_ONCE = 4 };

struct world {
	struct rf_loop *loop;
	struct rf_net *net;
	struct rf_listener *listener;
	struct rf_tls *tls;
	struct kit_cert ca, server, phone;
	SSL_CTX *ctx;
	int opened, closed;
	size_t in;
	SSL *ssl[CROWD];
	int fd[CROWD];
	bool done[CROWD];
};

static void on_accept(struct rf_stream *s, void *arg)
{
	rf_stream_set_arg(s, arg);
}

static void on_open(struct rf_stream *s, const struct rf_pki_id *peer)
{
	struct world *w = rf_stream_arg(s);

	assert_non_null(peer);
	w->opened++;
}

static size_t on_data(struct rf_stream *s, struct rf_view bytes)
{
	struct world *w = rf_stream_arg(s);

	w->in += bytes.n;
	return bytes.n;
}

static void on_closed(struct rf_stream *s, const struct rf_stream_end *end)
{
	struct world *w = rf_stream_arg(s);

	(void)end;
	w->closed++;
}

static const struct rf_stream_ops ops = { on_accept, on_open, on_data, on_closed };

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	struct rf_listener_conf l = { .ops = &ops, .arg = w, .handshake_ms = 300 };

	assert_int_equal(rf_loop_new(NULL, &w->loop), 0);
	assert_int_equal(rf_net_new(w->loop, &(struct rf_net_conf){ .handshakes = AT_ONCE, .arrivals = AT_ONCE }, &w->net), 0);
	w->ca = kit_make((struct kit_want){ .cn = "site CA" });
	w->server = kit_make((struct kit_want){ .issuer = &w->ca, .cn = "ctl", .eku = "serverAuth" });
	w->phone = kit_make((struct kit_want){ .issuer = &w->ca, .cn = "1001", .eku = "clientAuth",
		.san = "URI:sip:1001@example.org,URI:urn:uuid:0f5a3d1e-8a52-4cbe-9a3d-0123456789ab" });
	w->tls = l.tls = kit_tls(&w->server, &w->ca, (struct rf_tls_conf){ .client = RF_TLS_CLIENT_REQUIRED });
	assert_int_equal(rf_addr_parse(RF_V("127.0.0.1"), 0, &l.local), 0);
	assert_int_equal(rf_listener_new(w->net, &l, &w->listener), 0);
	w->ctx = kit_client_ctx(&w->phone);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < CROWD; i++)
		if (w->ssl[i]) {
			SSL_free(w->ssl[i]);
			close(w->fd[i]);
		}
	rf_listener_free(w->listener);
	rf_net_free(w->net);
	rf_loop_free(w->loop);
	rf_tls_put(w->tls);
	SSL_CTX_free(w->ctx);
	kit_free(&w->ca);
	kit_free(&w->server);
	kit_free(&w->phone);
	ERR_clear_error();
	free(w);
	return 0;
}

static void come(struct world *w, int i)
{
	w->fd[i] = kit_connect(rf_listener_local(w->listener));
	w->ssl[i] = SSL_new(w->ctx);
	SSL_set_fd(w->ssl[i], w->fd[i]);
	SSL_set_connect_state(w->ssl[i]);
}

/* A step of phone i, if the server said something. */
static bool go_on(struct world *w, int i)
{
	struct pollfd p = { .fd = w->fd[i], .events = POLLIN };

	if (w->done[i] || (SSL_get_state(w->ssl[i]) != TLS_ST_BEFORE && poll(&p, 1, 0) != 1))
		return false;
	w->done[i] = SSL_do_handshake(w->ssl[i]) == 1;
	ERR_clear_error();
	return true;
}

static void all_get_in(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < CROWD; i++)
		come(w, i);
	for (int turn = 0; turn < 2000 && w->opened < CROWD; turn++) {
		for (int i = 0; i < CROWD; i++)
			go_on(w, i);
		rf_loop_turn(w->loop, 2);
		assert_true(rf_net_stats(w->net)->handshaking <= AT_ONCE);
	}
	assert_int_equal(w->opened, CROWD);
	assert_int_equal(w->closed, 0);
	assert_true(rf_net_stats(w->net)->paused > 0);
	assert_int_equal(rf_net_stats(w->net)->handshaking, 0);
}

/* Four that say nothing hold the door until their time is up, not longer. */
static void silent_ones(void **state)
{
	struct world *w = *state;
	int fd[AT_ONCE];

	for (int i = 0; i < AT_ONCE; i++)
		fd[i] = kit_connect(rf_listener_local(w->listener));
	while (rf_net_stats(w->net)->handshaking < AT_ONCE)
		rf_loop_turn(w->loop, 2);
	come(w, 0);
	for (int turn = 0; turn < 2000 && !w->opened; turn++) {
		go_on(w, 0);
		rf_loop_turn(w->loop, 2);
	}
	assert_int_equal(w->opened, 1);
	assert_int_equal(w->closed, AT_ONCE);
	for (int i = 0; i < AT_ONCE; i++)
		close(fd[i]);
}

/* A few steps a turn: what somebody who is in says is heard in the turn in which it comes. */
static void a_few_at_a_time(void **state)
{
	struct world *w = *state;
	struct rf_net *net;
	struct rf_listener *listener;
	struct rf_listener_conf l = { .ops = &ops, .arg = w, .tls = w->tls };
	int most = 0, total = 0;

	assert_int_equal(rf_net_new(w->loop, NULL, &net), 0);
	assert_int_equal(rf_addr_parse(RF_V("127.0.0.1"), 0, &l.local), 0);
	assert_int_equal(rf_listener_new(net, &l, &listener), 0);
	rf_listener_free(w->listener);
	w->listener = listener;
	come(w, 0);
	for (int turn = 0; turn < 500 && !w->opened; turn++) {
		go_on(w, 0);
		rf_loop_turn(w->loop, 2);
	}
	for (int i = 1; i < CROWD; i++) {
		come(w, i);
		go_on(w, i);
	}
	while (rf_net_stats(net)->handshaking < CROWD - 1)
		rf_loop_turn(w->loop, 2);
	assert_int_equal(SSL_write(w->ssl[0], "hello", 5), 5);
	for (int turn = 0; turn < 100 && total < CROWD - 1; turn++) {
		int answered = 0;

		rf_loop_turn(w->loop, 0);
		if (turn == 0)
			assert_int_equal(w->in, 5);
		for (int i = 1; i < CROWD; i++) {
			struct pollfd p = { .fd = w->fd[i], .events = POLLIN };

			answered += poll(&p, 1, 0) == 1;
		}
		most = answered - total > most ? answered - total : most;
		total = answered;
	}
	assert_int_equal(total, CROWD - 1);
	assert_true(most <= 8); /* four, and what the turns before this one had begun */
	for (int turn = 0; turn < 2000 && w->opened < CROWD; turn++) {
		for (int i = 1; i < CROWD; i++)
			go_on(w, i);
		rf_loop_turn(w->loop, 2);
	}
	assert_int_equal(w->opened, CROWD);
	rf_listener_free(w->listener);
	w->listener = NULL;
	rf_loop_turn(w->loop, 0);
	rf_net_free(net);
}

/* More are let in than are begun with: they wait unread, and who gave up meanwhile costs no handshake. */
static void many_wait(void **state)
{
	struct world *w = *state;
	struct rf_listener_conf l = { .ops = &ops, .arg = w, .tls = w->tls, .handshake_ms = 5000 };
	struct rf_listener *listener;
	struct rf_net *net;

	assert_int_equal(rf_net_new(w->loop, &(struct rf_net_conf){ .handshakes = AT_ONCE }, &net), 0);
	assert_int_equal(rf_addr_parse(RF_V("127.0.0.1"), 0, &l.local), 0);
	assert_int_equal(rf_listener_new(net, &l, &listener), 0);
	rf_listener_free(w->listener);
	w->listener = listener;
	for (int i = 0; i < CROWD; i++) {
		come(w, i);
		go_on(w, i); /* its first bytes, and then it is slow */
	}
	for (int turn = 0; turn < 500 && rf_net_stats(net)->begun < AT_ONCE; turn++)
		rf_loop_turn(w->loop, 2);
	for (int turn = 0; turn < 20; turn++)
		rf_loop_turn(w->loop, 1);
	assert_int_equal(rf_net_stats(net)->handshaking, CROWD);
	assert_int_equal(rf_net_stats(net)->begun, AT_ONCE);
	assert_int_equal(rf_net_stats(net)->paused, 0);
	for (int i = CROWD / 2; i < CROWD; i++)
		shutdown(w->fd[i], SHUT_RDWR);
	for (int turn = 0; turn < 2000 && w->opened + w->closed < CROWD; turn++) {
		for (int i = 0; i < CROWD / 2; i++)
			go_on(w, i);
		rf_loop_turn(w->loop, 2);
		assert_true(rf_net_stats(net)->begun <= AT_ONCE);
	}
	assert_int_equal(w->opened, CROWD / 2);
	assert_int_equal(w->closed, CROWD / 2);
	assert_int_equal(rf_net_stats(net)->tls_handshakes, CROWD / 2);
	assert_int_equal(rf_net_stats(net)->begun, 0);
	rf_listener_free(w->listener);
	w->listener = NULL;
	rf_loop_turn(w->loop, 0);
	rf_net_free(net);
}

/* The listener goes while it waits. */
static void closed_while_waiting(void **state)
{
	struct world *w = *state;
	int fd[AT_ONCE + 1];

	for (int i = 0; i <= AT_ONCE; i++)
		fd[i] = kit_connect(rf_listener_local(w->listener));
	while (!rf_net_stats(w->net)->paused)
		rf_loop_turn(w->loop, 2);
	rf_listener_free(w->listener);
	w->listener = NULL;
	for (int turn = 0; turn < 500 && w->closed < AT_ONCE; turn++)
		rf_loop_turn(w->loop, 5);
	assert_int_equal(w->closed, AT_ONCE);
	for (int i = 0; i <= AT_ONCE; i++)
		close(fd[i]);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(all_get_in), TEST(silent_ones), TEST(a_few_at_a_time), TEST(many_wait),
		TEST(closed_while_waiting),
	};

	return cmocka_run_group_tests_name("pace", tests, NULL, NULL);
}
