#include "kit.h"

#include "base/err.h"
#include "fail_alloc.h"
#include "net/udp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

struct end {
	struct rf_udp *udp;
	int got, errors, err, free_after, echo;
	size_t last_n;
	uint8_t last[65536];
	struct rf_addr from, to;
	uint32_t next;
	bool in_order;
};

static void on_datagram(void *arg, struct rf_udp *udp, struct rf_view bytes, const struct rf_addr *from,
			const struct rf_addr *to)
{
	struct end *e = arg;

	assert_ptr_equal(udp, e->udp);
	e->got++;
	e->from = *from;
	e->to = *to;
	e->last_n = bytes.n;
	memcpy(e->last, bytes.p, bytes.n);
	if (e->in_order && bytes.n >= 4) {
		uint32_t n;

		memcpy(&n, bytes.p, 4);
		assert_int_equal(n, e->next);
		e->next++;
	}
	if (e->echo)
		assert_int_equal(rf_udp_send(udp, bytes, from, to), 0);
	if (e->free_after && e->got == e->free_after)
		rf_udp_free(udp);
}

static void on_error(void *arg, struct rf_udp *udp, const struct rf_addr *to, int err)
{
	struct end *e = arg;

	e->errors++;
	e->err = err;
	e->to = *to;
	rf_udp_send(udp, RF_V("again"), to, NULL); /* two who fail each other must come to an end */
}

static const struct rf_udp_ops ops = { on_datagram, on_error };

struct world {
	struct rf_loop *loop;
	struct rf_net *net;
	struct end a, b;
};

static void open_end(struct world *w, struct end *e, const char *local, struct rf_udp_conf conf)
{
	conf.ops = &ops;
	conf.arg = e;
	assert_int_equal(rf_addr_parse(rf_view_str(local), 0, &conf.local), 0);
	assert_int_equal(rf_udp_new(w->net, &conf, &e->udp), 0);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);

	assert_int_equal(rf_loop_new(NULL, &w->loop), 0);
	assert_int_equal(rf_net_new(w->loop, &(struct rf_net_conf){ .dscp = 40 }, &w->net), 0);
	open_end(w, &w->a, "127.0.0.1", (struct rf_udp_conf){ 0 });
	open_end(w, &w->b, "127.0.0.1", (struct rf_udp_conf){ 0 });
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	rf_udp_free(w->a.udp);
	rf_udp_free(w->b.udp);
	rf_net_free(w->net);
	rf_loop_free(w->loop);
	free(w);
	return 0;
}

static void sizes(void **state)
{
	static const size_t n[] = { 0, 1, 1400, 40000, 65507 };
	struct world *w = *state;
	uint8_t *bytes = malloc(65508);

	memset(bytes, 7, 65508);
	for (size_t i = 0; i < sizeof n / sizeof *n; i++) {
		w->b.got = 0;
		assert_int_equal(rf_udp_send(w->a.udp, rf_view_of(bytes, n[i]), rf_udp_local(w->b.udp), NULL), 0);
		for (int j = 0; j < 50 && !w->b.got; j++)
			rf_loop_turn(w->loop, 10);
		assert_int_equal(w->b.got, 1);
		assert_int_equal(w->b.last_n, n[i]);
		assert_memory_equal(w->b.last, bytes, n[i]);
		assert_true(rf_addr_eq(&w->b.from, rf_udp_local(w->a.udp)));
		assert_true(rf_addr_eq(&w->b.to, rf_udp_local(w->b.udp)));
	}
	assert_int_equal(rf_udp_send(w->a.udp, rf_view_of(bytes, 65508), rf_udp_local(w->b.udp), NULL), RF_E_INVALID);
	struct rf_addr to = *rf_udp_local(w->b.udp);
	to.port = 0;
	assert_int_equal(rf_udp_send(w->a.udp, RF_V("x"), &to, NULL), RF_E_INVALID);
	to = (struct rf_addr){ .family = 6, .port = 5060 };
	assert_int_equal(rf_udp_send(w->a.udp, RF_V("x"), &to, NULL), RF_E_INVALID);
	free(bytes);
}

/* Many in few system calls, all of them and in order. */
static void batches(void **state)
{
	struct world *w = *state;
	const struct rf_net_stats *stats = rf_net_stats(w->net);
	uint8_t bytes[500] = { 0 };

	const struct rf_addr *to = rf_udp_local(w->b.udp);

	w->b.in_order = true;
	for (uint32_t i = 0; i < 1000; i++) {
		memcpy(bytes, &i, sizeof i);
		assert_int_equal(rf_udp_send(w->a.udp, rf_view_of(bytes, sizeof bytes), to, NULL), 0);
		if (i % 128 == 127)
			rf_loop_turn(w->loop, 0);
	}
	for (int j = 0; j < 100 && w->b.got < 1000; j++)
		rf_loop_turn(w->loop, 10);
	assert_int_equal(w->b.got, 1000);
	assert_int_equal(stats->udp_in, 1000);
	assert_int_equal(stats->udp_out_bytes, 500000);
	assert_true(stats->udp_send_calls <= 20);
	assert_true(stats->udp_recv_calls <= 60);
}

/* A flood leaves a turn after some batches, and the rest is not lost. */
static void fair(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < 900; i++) {
		assert_int_equal(rf_udp_send(w->a.udp, RF_V("flood"), rf_udp_local(w->b.udp), NULL), 0);
		if (i % 64 == 63)
			rf_udp_flush(w->a.udp);
	}
	rf_udp_flush(w->a.udp);
	rf_loop_turn(w->loop, 10);
	assert_in_range(w->b.got, 64, 256);
	for (int j = 0; j < 100 && w->b.got < 900; j++)
		rf_loop_turn(w->loop, 10);
	assert_int_equal(w->b.got, 900);
}

static void full_queue(void **state)
{
	struct world *w = *state;
	struct end small = { 0 };
	int refused = 0;

	open_end(w, &small, "127.0.0.1", (struct rf_udp_conf){ .queue_bytes = 1000 });
	for (int i = 0; i < 30; i++) {
		int rc = rf_udp_send(small.udp, rf_view_of("0123456789012345678901234567890123456789", 40),
				     rf_udp_local(w->b.udp), NULL);
		refused += rc == RF_E_LIMIT;
	}
	assert_int_equal(refused, 5);
	assert_int_equal(rf_net_stats(w->net)->udp_dropped, 5);
	for (int j = 0; j < 50 && w->b.got < 25; j++)
		rf_loop_turn(w->loop, 10);
	assert_int_equal(w->b.got, 25);
	rf_udp_free(small.udp);
}

/* What nobody reads waits, then is dropped: both can be seen. */
static void backlog(void **state)
{
	struct world *w = *state;
	struct rf_udp_conf conf = { .receive_bytes = 4096 };
	struct rf_udp_backlog b;
	struct end slow = { 0 };
	uint8_t bytes[1000] = { 0 };

	open_end(w, &slow, "127.0.0.1", conf);
	rf_udp_backlog(w->net, &b);
	assert_true(b.room > 0);
	assert_int_equal(b.bytes, 0);
	assert_int_equal(b.dropped, 0);
	for (int i = 0; i < 40; i++)
		assert_int_equal(rf_udp_send(w->a.udp, rf_view_of(bytes, sizeof bytes), rf_udp_local(slow.udp), NULL), 0);
	rf_udp_flush(w->a.udp);
	rf_udp_backlog(w->net, &b);
	assert_true(b.bytes > b.room / 2);
	assert_true(b.dropped > 20);
	for (int j = 0; j < 50 && slow.got == 0; j++)
		rf_loop_turn(w->loop, 10);
	rf_udp_backlog(w->net, &b);
	assert_int_equal(b.bytes, 0);
	rf_udp_free(slow.udp);
}

/* One bad address among good ones; its error is told once and stops nobody. */
static void refused_by_the_kernel(void **state)
{
	struct world *w = *state;
	struct rf_addr bad;

	assert_int_equal(rf_addr_parse(RF_V("255.255.255.255:9"), 0, &bad), 0); /* broadcast needs leave */
	for (int i = 0; i < 3; i++) {
		assert_int_equal(rf_udp_send(w->a.udp, RF_V("good"), rf_udp_local(w->b.udp), NULL), 0);
		if (i == 1)
			assert_int_equal(rf_udp_send(w->a.udp, RF_V("bad"), &bad, NULL), 0);
	}
	rf_udp_flush(w->a.udp);
	assert_int_equal(w->a.errors, 1);
	assert_int_equal(w->a.err, -EACCES);
	for (int j = 0; j < 50 && w->b.got < 3; j++)
		rf_loop_turn(w->loop, 10);
	assert_int_equal(w->b.got, 3);
}

static void freed_in_its_callback(void **state)
{
	struct world *w = *state;

	w->b.free_after = 2;
	for (int i = 0; i < 5; i++)
		assert_int_equal(rf_udp_send(w->a.udp, RF_V("x"), rf_udp_local(w->b.udp), NULL), 0);
	for (int j = 0; j < 5; j++)
		rf_loop_turn(w->loop, 10);
	assert_int_equal(w->b.got, 2);
	w->b.udp = NULL;
}

/* Bound to any address: each datagram says where it came in, and the answer leaves from there. */
static void any_address(void **state)
{
	static const struct { const char *local, *target; bool both; } cases[] = {
		{ "0.0.0.0", "127.0.0.7", false },
		{ "::", "::1", false },
		{ "::", "127.0.0.7", true },
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct end any = { .echo = true }, peer = { 0 };
		struct rf_addr to;

		open_end(w, &any, cases[i].local, (struct rf_udp_conf){ .v6_also_v4 = cases[i].both });
		open_end(w, &peer, strchr(cases[i].target, ':') ? "::1" : "127.0.0.1", (struct rf_udp_conf){ 0 });
		assert_int_equal(rf_addr_parse(rf_view_str(cases[i].target), rf_udp_local(any.udp)->port, &to), 0);
		assert_int_equal(rf_udp_send(peer.udp, RF_V("ping"), &to, NULL), 0);
		for (int j = 0; j < 50 && !peer.got; j++)
			rf_loop_turn(w->loop, 10);
		assert_int_equal(any.got, 1);
		assert_true(rf_addr_eq(&any.to, &to));
		assert_true(rf_addr_eq(&any.from, rf_udp_local(peer.udp)));
		assert_int_equal(peer.got, 1);
		assert_true(rf_addr_eq(&peer.from, &to));
		rf_udp_free(any.udp);
		rf_udp_free(peer.udp);
		rf_loop_turn(w->loop, 0);
	}
}

static void one_port_for_two(void **state)
{
	struct world *w = *state;
	struct end c = { 0 };
	struct rf_udp_conf conf = { .reuse_port = true, .ops = &ops, .arg = &c };
	struct rf_udp *second;

	open_end(w, &c, "127.0.0.1", conf);
	conf.local = *rf_udp_local(c.udp);
	assert_int_equal(rf_udp_new(w->net, &conf, &second), 0);
	rf_udp_free(second);
	conf.reuse_port = false;
	assert_int_equal(rf_udp_new(w->net, &conf, &second), -EADDRINUSE);
	rf_udp_free(c.udp);
}

static int option(const struct rf_udp *udp, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof value;

	getsockopt(rf_udp_fd(udp), level, name, &value, &len);
	return value;
}

static void marks(void **state)
{
	struct world *w = *state;
	struct end six = { 0 };

	open_end(w, &six, "::1", (struct rf_udp_conf){ 0 });
	assert_int_equal(option(w->a.udp, IPPROTO_IP, IP_TOS), 40 << 2);
	assert_int_equal(option(six.udp, IPPROTO_IPV6, IPV6_TCLASS), 40 << 2);
	rf_udp_free(six.udp);
}

static void no_memory(void **state)
{
	struct world *w = *state;
	struct rf_udp_conf conf = { .ops = &ops, .arg = &w->a };
	struct rf_udp *udp;

	assert_int_equal(rf_addr_parse(RF_V("127.0.0.1"), 0, &conf.local), 0);
	for (unsigned n = 1;; n++) {
		fail_alloc_at(n);
		int rc = rf_udp_new(w->net, &conf, &udp);
		if (!fail_alloc_off()) {
			assert_int_equal(rc, 0);
			rf_udp_free(udp);
			break;
		}
		assert_int_equal(rc, -ENOMEM);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(sizes, setup, teardown),
		cmocka_unit_test_setup_teardown(batches, setup, teardown),
		cmocka_unit_test_setup_teardown(fair, setup, teardown),
		cmocka_unit_test_setup_teardown(full_queue, setup, teardown),
		cmocka_unit_test_setup_teardown(backlog, setup, teardown),
		cmocka_unit_test_setup_teardown(refused_by_the_kernel, setup, teardown),
		cmocka_unit_test_setup_teardown(freed_in_its_callback, setup, teardown),
		cmocka_unit_test_setup_teardown(any_address, setup, teardown),
		cmocka_unit_test_setup_teardown(one_port_for_two, setup, teardown),
		cmocka_unit_test_setup_teardown(marks, setup, teardown),
		cmocka_unit_test_setup_teardown(no_memory, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
