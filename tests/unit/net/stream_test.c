#include "kit.h"

#include "base/err.h"
#include "fail_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

struct seen {
	int accepted, opened, closed, calls;
	struct rf_stream_end end;
	struct rf_stream *stream;
	uint8_t in[200000];
	size_t in_n, biggest;
	enum { TAKE_ALL, TAKE_LINES, TAKE_NONE, CLOSE_IT, ABORT_IT, SEND_AND_CLOSE } what;
	bool close_on_accept, close_on_open, send_on_closed;
};

struct world {
	struct rf_loop *loop;
	struct rf_net *net;
	struct rf_listener *listener;
	struct seen seen;
};

static void on_accept(struct rf_stream *s, void *listener_arg)
{
	struct seen *seen = listener_arg;

	seen->accepted++;
	if (seen->close_on_accept)
		rf_stream_close(s);
}

static void on_open(struct rf_stream *s, const struct rf_pki_id *peer)
{
	struct seen *seen = rf_stream_arg(s);

	assert_null(peer);
	seen->opened++;
	seen->stream = s;
	if (seen->close_on_open)
		rf_stream_close(s);
}

static size_t on_data(struct rf_stream *s, struct rf_view bytes)
{
	struct seen *seen = rf_stream_arg(s);
	size_t take = bytes.n;

	seen->calls++;
	if (bytes.n > seen->biggest)
		seen->biggest = bytes.n;
	switch (seen->what) {
	case TAKE_ALL:
		break;
	case TAKE_LINES:
		while (take && bytes.p[take - 1] != '\n')
			take--;
		break;
	case TAKE_NONE:
		return 0;
	case CLOSE_IT:
		rf_stream_close(s);
		rf_stream_close(s);
		break;
	case ABORT_IT:
		rf_stream_abort(s);
		break;
	case SEND_AND_CLOSE:
		assert_int_equal(rf_stream_send(s, RF_V("bye\n")), 0);
		rf_stream_close(s);
		assert_int_equal(rf_stream_send(s, RF_V("too late")), RF_E_CLOSED);
		break;
	}
	if (take > sizeof seen->in - seen->in_n)
		take = sizeof seen->in - seen->in_n;
	memcpy(seen->in + seen->in_n, bytes.p, take);
	seen->in_n += take;
	return take;
}

static void on_closed(struct rf_stream *s, const struct rf_stream_end *end)
{
	struct seen *seen = rf_stream_arg(s);

	seen->closed++;
	seen->end = *end;
	assert_non_null(end->text);
	if (seen->send_on_closed)
		assert_int_equal(rf_stream_send(s, RF_V("x")), RF_E_CLOSED);
	rf_stream_close(s);
	if (seen->stream == s)
		seen->stream = NULL;
}

static const struct rf_stream_ops ops = { on_accept, on_open, on_data, on_closed };

static bool is_closed(void *arg)
{
	return ((struct seen *)arg)->closed > 0;
}

static bool is_open(void *arg)
{
	return ((struct seen *)arg)->opened > 0;
}

static bool has_input(void *arg)
{
	return ((struct seen *)arg)->in_n > 0;
}

static bool nothing_left(void *arg)
{
	return rf_net_stats(arg)->streams == 0;
}

static void start(struct world *w, struct rf_net_conf conf, struct rf_listener_conf l)
{
	assert_int_equal(rf_loop_new(NULL, &w->loop), 0);
	assert_int_equal(rf_net_new(w->loop, &conf, &w->net), 0);
	l.ops = &ops;
	l.arg = &w->seen;
	if (!l.local.family)
		assert_int_equal(rf_addr_parse(RF_V("127.0.0.1"), 0, &l.local), 0);
	assert_int_equal(rf_listener_new(w->net, &l, &w->listener), 0);
}

static void stop(struct world *w)
{
	rf_listener_free(w->listener);
	rf_net_free(w->net);
	rf_loop_free(w->loop);
}

static struct world *new_world(void)
{
	struct world *w = calloc(1, sizeof *w);

	assert_non_null(w);
	return w;
}

static int setup(void **state)
{
	struct world *w = new_world();

	start(w, (struct rf_net_conf){ .output_bytes = 100000, .carry_bytes = 5000, .streams_per_source = 3 },
	      (struct rf_listener_conf){ 0 });
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	stop(*state);
	free(*state);
	return 0;
}

static int opened(struct world *w)
{
	int fd = kit_connect(rf_listener_local(w->listener));

	assert_true(kit_turn(w->loop, is_open, &w->seen, 1000));
	return fd;
}

static size_t receive(struct world *w, int fd, char *to, size_t cap)
{
	for (int i = 0; i < 500; i++) {
		ssize_t n = recv(fd, to, cap, 0);

		if (n > 0)
			return (size_t)n;
		rf_loop_turn(w->loop, 2);
	}
	return 0;
}

static void lines_and_carry(void **state)
{
	struct world *w = *state;
	int fd = opened(w);

	w->seen.what = TAKE_LINES;
	assert_int_equal(send(fd, "one\ntwo\nthr", 11, 0), 11);
	assert_true(kit_turn(w->loop, has_input, &w->seen, 1000));
	assert_int_equal(w->seen.in_n, 8);
	assert_int_equal(send(fd, "ee", 2, 0), 2);
	kit_turn(w->loop, NULL, NULL, 10);
	assert_int_equal(w->seen.in_n, 8);
	assert_int_equal(w->seen.biggest, 11);
	assert_int_equal(send(fd, "\n", 1, 0), 1);
	kit_turn(w->loop, NULL, NULL, 10);
	assert_int_equal(w->seen.in_n, 14);
	assert_memory_equal(w->seen.in, "one\ntwo\nthree\n", 14);
	close(fd);
	assert_true(kit_turn(w->loop, is_closed, &w->seen, 1000));
	assert_int_equal(w->seen.end.why, RF_WHY_PEER);
	assert_int_equal(w->seen.closed, 1);
}

static void message_without_end(void **state)
{
	struct world *w = *state;
	int fd = opened(w);
	char bytes[1000];

	w->seen.what = TAKE_NONE;
	memset(bytes, 'a', sizeof bytes);
	for (int i = 0; i < 6; i++) {
		send(fd, bytes, sizeof bytes, MSG_NOSIGNAL);
		kit_turn(w->loop, NULL, NULL, 4);
	}
	assert_true(kit_turn(w->loop, is_closed, &w->seen, 1000));
	assert_int_equal(w->seen.end.why, RF_WHY_INPUT_FULL);
	assert_true(w->seen.biggest <= 6000);
	close(fd);
}

static void peer_that_does_not_read(void **state)
{
	struct world *w = *state;
	int fd = opened(w), rc = 0;
	static char bytes[5000];

	for (int i = 0; i < 100000 && !rc; i++) {
		rc = rf_stream_send(w->seen.stream, rf_view_of(bytes, sizeof bytes));
		if (i % 4 == 0)
			rf_loop_turn(w->loop, 0);
	}
	assert_int_equal(rc, RF_E_LIMIT);
	assert_int_equal(w->seen.closed, 0); /* never from inside the send */
	rf_loop_turn(w->loop, 0);
	assert_int_equal(w->seen.closed, 1);
	assert_int_equal(w->seen.end.why, RF_WHY_OUTPUT_FULL);
	assert_int_equal(rf_net_stats(w->net)->closed_by[RF_WHY_OUTPUT_FULL], 1);
	assert_int_equal(rf_net_stats(w->net)->streams, 0);
	close(fd);
}

/* One that reads late gets everything, in order. */
static void slow_reader(void **state)
{
	struct world *w = *state;
	int fd = opened(w);
	uint8_t bytes[4096];
	size_t sent = 0, got = 0;
	char back[70000];

	while (got < 3000000) {
		if (w->seen.closed)
			fail_msg("closed: %s %d", rf_stream_why_name(w->seen.end.why), w->seen.end.err);
		while (sent < 3000000 && rf_stream_unsent(w->seen.stream) + sizeof bytes <= 100000) {
			for (size_t i = 0; i < sizeof bytes; i++)
				bytes[i] = (uint8_t)((sent + i) % 251);
			assert_int_equal(rf_stream_send(w->seen.stream, rf_view_of(bytes, sizeof bytes)), 0);
			sent += sizeof bytes;
		}
		rf_loop_turn(w->loop, 1);
		ssize_t n = recv(fd, back, sizeof back, 0);
		for (ssize_t i = 0; i < n; i++)
			assert_int_equal((uint8_t)back[i], (got + (size_t)i) % 251);
		got += n > 0 ? (size_t)n : 0;
	}
	close(fd);
}

static void sends_of_a_turn_are_one(void **state)
{
	struct world *w = *state;
	int fd = opened(w);
	char back[64];

	for (int i = 0; i < 3; i++)
		assert_int_equal(rf_stream_send(w->seen.stream, RF_V("abc")), 0);
	assert_int_equal(rf_stream_unsent(w->seen.stream), 9);
	assert_int_equal(receive(w, fd, back, sizeof back), 9);
	assert_int_equal(rf_stream_unsent(w->seen.stream), 0);
	close(fd);
}

/* The peer closes its side right behind a request: the answer of that turn still reaches it. */
static void half_close(void **state)
{
	struct world *w = *state;
	int fd = opened(w);
	char back[64];

	w->seen.what = SEND_AND_CLOSE;
	assert_int_equal(send(fd, "hello\n", 6, 0), 6);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	assert_int_equal(receive(w, fd, back, sizeof back), 4);
	assert_memory_equal(back, "bye\n", 4);
	assert_int_equal(recv(fd, back, sizeof back, 0), 0);
	assert_int_equal(w->seen.closed, 1);
	close(fd);
}

/* Closing over bytes that were not read must not turn into a reset that destroys the last answer. */
static void last_answer_arrives(void **state)
{
	struct world *w = *state;
	int fd = opened(w);
	char back[64];
	static char more[300000];

	w->seen.what = SEND_AND_CLOSE;
	assert_true(send(fd, more, sizeof more, 0) > 70000);
	assert_true(kit_turn(w->loop, is_closed, &w->seen, 1000));
	send(fd, more, 1000, MSG_NOSIGNAL);
	assert_int_equal(receive(w, fd, back, sizeof back), 4);
	assert_int_equal(w->seen.calls, 1);
	close(fd);
	assert_true(kit_turn(w->loop, nothing_left, w->net, 1000));
}

static void reset_by_peer(void **state)
{
	struct world *w = *state;
	int fd = opened(w);
	struct linger hard = { .l_onoff = 1 };

	w->seen.send_on_closed = true;
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard), 0);
	close(fd);
	assert_true(kit_turn(w->loop, is_closed, &w->seen, 1000));
	assert_int_equal(w->seen.end.why, RF_WHY_RESET);
	assert_int_equal(w->seen.end.err, -ECONNRESET);
	assert_int_equal(rf_net_stats(w->net)->streams, 0);
}

static void closing_from_callbacks(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < 4; i++) {
		memset(&w->seen, 0, sizeof w->seen);
		w->seen.close_on_accept = i == 0;
		w->seen.close_on_open = i == 1;
		w->seen.what = i == 2 ? CLOSE_IT : ABORT_IT;
		int fd = kit_connect(rf_listener_local(w->listener));
		assert_int_equal(send(fd, "x", 1, MSG_NOSIGNAL), 1);
		assert_true(kit_turn(w->loop, is_closed, &w->seen, 1000));
		assert_int_equal(w->seen.closed, 1);
		assert_int_equal(w->seen.accepted, 1);
		assert_int_equal(w->seen.opened, i > 0);
		assert_int_equal(w->seen.calls, i > 1);
		assert_int_equal(w->seen.end.why, RF_WHY_LOCAL);
		close(fd);
		assert_true(kit_turn(w->loop, nothing_left, w->net, 1000));
	}
}

static void idle(void **state)
{
	struct world *w = *state;
	int fd = opened(w);

	rf_stream_set_idle(w->seen.stream, 60);
	for (int i = 0; i < 6; i++) {
		kit_turn(w->loop, NULL, NULL, 20);
		assert_int_equal(send(fd, "x", 1, 0), 1); /* alive */
	}
	assert_int_equal(w->seen.closed, 0);
	assert_true(kit_turn(w->loop, is_closed, &w->seen, 1000));
	assert_int_equal(w->seen.end.why, RF_WHY_IDLE);
	close(fd);
}

static void caps(void **state)
{
	struct world *w = *state;
	int fd[4];
	char c;

	for (int i = 0; i < 4; i++)
		fd[i] = kit_connect(rf_listener_local(w->listener));
	kit_turn(w->loop, NULL, NULL, 20);
	assert_int_equal(w->seen.opened, 3);
	assert_int_equal(rf_net_stats(w->net)->refused_source, 1);
	assert_int_equal(recv(fd[3], &c, 1, 0), 0);
	close(fd[0]);
	assert_true(kit_turn(w->loop, is_closed, &w->seen, 1000));
	kit_turn(w->loop, NULL, NULL, 5);
	int again = kit_connect(rf_listener_local(w->listener));
	kit_turn(w->loop, NULL, NULL, 20);
	assert_int_equal(w->seen.opened, 4);
	close(again);
	for (int i = 1; i < 4; i++)
		close(fd[i]);
}

static void guarded(void **state)
{
	struct world *w = new_world();
	struct rf_guard_conf rates = { .source[RF_GUARD_CONNECT] = { 1, 2 } };
	struct rf_guard *guard;

	(void)state;
	assert_int_equal(rf_guard_new(&rates, &guard), 0);
	start(w, (struct rf_net_conf){ .guard = guard, .streams = 100 }, (struct rf_listener_conf){ 0 });
	int fd[3];
	for (int i = 0; i < 3; i++)
		fd[i] = kit_connect(rf_listener_local(w->listener));
	kit_turn(w->loop, NULL, NULL, 20);
	assert_int_equal(w->seen.opened, 2);
	assert_int_equal(rf_net_stats(w->net)->refused_guard, 1);
	for (int i = 0; i < 3; i++)
		close(fd[i]);
	stop(w);
	rf_guard_free(guard);
	free(w);
}

static void as_client(void **state)
{
	struct world *w = *state;
	struct seen *mine = calloc(1, sizeof *mine);
	struct rf_stream_conf conf = { .remote = *rf_listener_local(w->listener), .ops = &ops, .arg = mine };
	struct rf_stream *s;

	assert_int_equal(rf_addr_parse(RF_V("127.0.0.9"), 0, &conf.local), 0);
	assert_int_equal(rf_stream_connect(w->net, &conf, &s), 0);
	assert_int_equal(rf_stream_send(s, RF_V("early")), 0);
	assert_true(kit_turn(w->loop, has_input, &w->seen, 1000));
	assert_int_equal(mine->opened, 1);
	assert_true(rf_addr_same_ip(rf_stream_remote(w->seen.stream), &conf.local));
	assert_true(rf_addr_eq(rf_stream_remote(w->seen.stream), rf_stream_local(s)));
	assert_false(rf_stream_accepted(s));
	assert_int_not_equal(rf_stream_id(s), rf_stream_id(w->seen.stream));
	rf_stream_close(w->seen.stream);
	assert_true(kit_turn(w->loop, is_closed, mine, 1000));
	assert_int_equal(mine->end.why, RF_WHY_PEER);
	free(mine);
}

static void nobody_there(void **state)
{
	struct world *w = *state;
	struct rf_addr gone = *rf_listener_local(w->listener);
	struct rf_stream_conf conf = { .remote = gone, .ops = &ops, .arg = &w->seen, .connect_ms = 50 };
	struct rf_stream *s;

	rf_listener_free(w->listener);
	w->listener = NULL;
	assert_int_equal(rf_stream_connect(w->net, &conf, &s), 0);
	assert_true(kit_turn(w->loop, is_closed, &w->seen, 1000));
	assert_int_equal(w->seen.end.why, RF_WHY_CONNECT);
	assert_int_equal(w->seen.end.err, -ECONNREFUSED);
	assert_int_equal(w->seen.opened, 0);
	conf.remote.port = 0;
	assert_int_equal(rf_stream_connect(w->net, &conf, &s), RF_E_INVALID);
}

/* A listener whose queue is full answers nothing: the connect runs into its time. */
static void connect_timeout(void **state)
{
	struct world *w = *state;
	struct rf_addr local;
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof in;
	int fd = socket(AF_INET, SOCK_STREAM, 0), fill[4];

	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof in), 0);
	assert_int_equal(listen(fd, 0), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	assert_int_equal(rf_addr_from_sockaddr((struct sockaddr *)&in, len, &local), 0);
	for (int i = 0; i < 4; i++) {
		fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(fill[i], (struct sockaddr *)&in, sizeof in);
	}
	struct rf_stream_conf conf = { .remote = local, .ops = &ops, .arg = &w->seen, .connect_ms = 50 };
	struct rf_stream *s;
	assert_int_equal(rf_stream_connect(w->net, &conf, &s), 0);
	assert_true(kit_turn(w->loop, is_closed, &w->seen, 2000));
	assert_int_equal(w->seen.end.why, RF_WHY_CONNECT_TIME);
	for (int i = 0; i < 4; i++)
		close(fill[i]);
	close(fd);
}

static void v6(void **state)
{
	struct world *w = new_world();
	struct rf_listener_conf l = { .v6_also_v4 = true };

	(void)state;
	assert_int_equal(rf_addr_parse(RF_V("[::]"), 0, &l.local), 0);
	start(w, (struct rf_net_conf){ 0 }, l);
	static const char *const hosts[] = { "::1", "127.0.0.1" };
	for (int i = 0; i < 2; i++) {
		struct rf_addr to;

		memset(&w->seen, 0, sizeof w->seen);
		assert_int_equal(rf_addr_parse(rf_view_str(hosts[i]), rf_listener_local(w->listener)->port, &to), 0);
		int fd = kit_connect(&to);
		assert_true(kit_turn(w->loop, is_open, &w->seen, 1000));
		assert_int_equal(rf_stream_remote(w->seen.stream)->family, i ? 4 : 6);
		assert_true(rf_addr_eq(rf_stream_local(w->seen.stream), &to));
		close(fd);
	}
	stop(w);
	free(w);
}

/* The net ends with streams open and a stream that lingers. */
static void ends_with_streams(void **state)
{
	struct world *w = new_world();

	(void)state;
	start(w, (struct rf_net_conf){ 0 }, (struct rf_listener_conf){ 0 });
	int a = opened(w);
	rf_stream_close(w->seen.stream);
	rf_loop_turn(w->loop, 0);
	memset(&w->seen, 0, sizeof w->seen);
	int b = opened(w);
	stop(w);
	assert_int_equal(w->seen.closed, 1);
	close(a);
	close(b);
	free(w);
}

static void no_memory(void **state)
{
	struct rf_net *net;
	struct rf_loop *loop;

	(void)state;
	assert_int_equal(rf_loop_new(NULL, &loop), 0);
	for (unsigned n = 1;; n++) {
		fail_alloc_at(n);
		int rc = rf_net_new(loop, NULL, &net);
		if (!fail_alloc_off()) {
			assert_int_equal(rc, 0);
			break;
		}
		assert_int_equal(rc, -ENOMEM);
	}
	rf_net_free(net);
	rf_loop_free(loop);

	for (unsigned n = 1; n < 12; n++) { /* a connection with an answer, each allocation of it failing in turn */
		struct world *w = new_world();

		start(w, (struct rf_net_conf){ 0 }, (struct rf_listener_conf){ 0 });
		w->seen.what = TAKE_LINES;
		fail_alloc_at(n);
		int fd = kit_connect(rf_listener_local(w->listener));
		send(fd, "x", 1, MSG_NOSIGNAL);
		kit_turn(w->loop, NULL, NULL, 6);
		if (w->seen.stream)
			rf_stream_send(w->seen.stream, RF_V("answer"));
		kit_turn(w->loop, NULL, NULL, 3);
		fail_alloc_off();
		close(fd);
		stop(w);
		assert_int_equal(w->seen.closed, w->seen.accepted);
		free(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lines_and_carry, setup, teardown),
		cmocka_unit_test_setup_teardown(message_without_end, setup, teardown),
		cmocka_unit_test_setup_teardown(peer_that_does_not_read, setup, teardown),
		cmocka_unit_test_setup_teardown(slow_reader, setup, teardown),
		cmocka_unit_test_setup_teardown(sends_of_a_turn_are_one, setup, teardown),
		cmocka_unit_test_setup_teardown(half_close, setup, teardown),
		cmocka_unit_test_setup_teardown(last_answer_arrives, setup, teardown),
		cmocka_unit_test_setup_teardown(reset_by_peer, setup, teardown),
		cmocka_unit_test_setup_teardown(closing_from_callbacks, setup, teardown),
		cmocka_unit_test_setup_teardown(idle, setup, teardown),
		cmocka_unit_test_setup_teardown(caps, setup, teardown),
		cmocka_unit_test(guarded),
		cmocka_unit_test_setup_teardown(as_client, setup, teardown),
		cmocka_unit_test_setup_teardown(nobody_there, setup, teardown),
		cmocka_unit_test_setup_teardown(connect_timeout, setup, teardown),
		cmocka_unit_test(v6),
		cmocka_unit_test(ends_with_streams),
		cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
