/* Packets past the sockets, by the kernel itself: its program is run on frames of ours (BPF_PROG_TEST_RUN), frames come
 * and go over an interface. Skipped with a reason where that is not permitted. */
#include "media/xsk_int.h"

#include "fail_alloc.h"
#include "frame_kit.h"
#include "veth_kit.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

enum { PASS = 2, TAKEN = 4, WAIT_MS = 5000 };

static const char *const both[] = { "inside", "outside" };
static struct veth_kit net;
static struct rf_xsk *xsk;

static struct rf_addr addr(const char *text)
{
	struct rf_addr a;

	assert_int_equal(rf_addr_parse(rf_view_of(text, strlen(text)), 0, &a), 0);
	return a;
}

static int run_at(const struct frame *f, const char *device, unsigned queue)
{
	static uint8_t out[2048];
	struct xdp_md ctx = { .data_end = (uint32_t)f->n,
			      .ingress_ifindex = if_nametoindex(device),
			      .rx_queue_index = queue };
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = f->b, .data_size_in = (uint32_t)f->n, .data_out = out,
		    .data_size_out = sizeof out, .ctx_in = &ctx, .ctx_size_in = sizeof ctx, .repeat = 1);
	int rc = bpf_prog_test_run_opts(rf_xsk_program(xsk), &o);

	assert_int_equal(rc, 0);
	assert_int_equal(o.data_size_out, f->n);
	assert_memory_equal(out, f->b, f->n);
	return (int)o.retval;
}

static int run(const struct frame *f)
{
	return run_at(f, "inside", 0);
}

struct flow { struct rf_addr from, to; };

static struct flow flow_of(unsigned family)
{
	return family == 4 ? (struct flow){ addr("10.1.0.2:4000"), addr("10.1.0.1:20000") } :
	       (struct flow){ addr("[2001:db8:1::2]:4000"), addr("[2001:db8:1::1]:20000") };
}

static void frame_of(const struct flow *fl, struct frame *f, size_t n)
{
	uint8_t mac[6];

	veth_mac("inside", mac);
	frame_make(f, mac, &fl->from, &fl->to, 3, n);
}

/* ---- what the program takes */

static void test_takes(void **state)
{
	static struct frame f;

	(void)state;
	for (unsigned family = 4; family <= 6; family += 2) {
		struct flow fl = flow_of(family);
		size_t most = RF_LINK_DATAGRAM_MAX - (family == 4 ? 28 : 48);

		frame_of(&fl, &f, 172);
		assert_int_equal(run(&f), PASS);
		assert_int_equal(rf_xsk_admit(rf_xsk_part(xsk, 1), &fl.from, &fl.to), 0);
		assert_int_equal(rf_xsk_admit(rf_xsk_part(xsk, 1), &fl.from, &fl.to), 0);
		assert_int_equal(rf_xsk_totals(xsk).flows, 1);
		for (size_t n = 0; n <= most; n += n < 300 ? 1 : 97) {
			frame_of(&fl, &f, n);
			if (f.n < 60)
				f.n = 60; /* filled up */
			if (run(&f) != TAKEN)
				fail_msg("family %u, %zu bytes", family, n);
		}
		frame_of(&fl, &f, most);
		assert_int_equal(run(&f), TAKEN);
		frame_of(&fl, &f, most + 1);
		assert_int_equal(run(&f), PASS);
		rf_xsk_dismiss(rf_xsk_part(xsk, 1), &fl.from, &fl.to);
		rf_xsk_dismiss(rf_xsk_part(xsk, 1), &fl.from, &fl.to);
		assert_int_equal(rf_xsk_totals(xsk).flows, 0);
		frame_of(&fl, &f, 172);
		assert_int_equal(run(&f), PASS);
	}
}

/* One thing wrong with a frame of an admitted flow: the stack gets it as it is. sealed: with the right
 * checksums for that. */
static void test_passes(void **state)
{
	static const struct { const char *what; unsigned family; size_t at; uint8_t byte; bool sealed; } rows[] = {
		{ "to somebody else's link address", 4, 5, 0xfe, false },
		{ "to everybody", 4, 0, 0xff, false },
		{ "a tag of a VLAN", 4, 12, 0x81, false },
		{ "not IP", 4, 13, 0x06, false },
		{ "version 5", 4, 14, 0x55, true },
		{ "options", 4, 14, 0x46, true },
		{ "IPv4 shorter than UDP says", 4, 17, 199, true },
		{ "IPv4 longer than UDP says", 4, 17, 201, true },
		{ "IPv4 shorter than its header", 4, 17, 19, true },
		{ "IPv4 longer than the frame", 4, 16, 1, true },
		{ "more fragments", 4, 20, 0x20, true },
		{ "a later fragment", 4, 21, 2, true },
		{ "the reserved bit", 4, 20, 0x80, true },
		{ "TCP", 4, 23, 6, true },
		{ "a wrong checksum of IPv4", 4, 24, 0x55, false },
		{ "a forged source", 4, 29, 3, true },
		{ "another of our addresses", 4, 33, 9, true },
		{ "a forged source port", 4, 35, 1, true },
		{ "another port of ours", 4, 37, 1, true },
		{ "UDP longer than IP says", 4, 39, 181, false },
		{ "UDP shorter than IP says", 4, 39, 179, false },
		{ "UDP without room for its header", 4, 39, 3, false },
		{ "a wrong checksum of UDP", 4, 41, 0x55, false },
		{ "a byte that was changed on the way", 4, 100, 0x55, false },
		{ "the last byte changed", 4, 42 + 171, 0x55, false },
		{ "version 4", 6, 14, 0x45, true },
		{ "IPv6 shorter than UDP says", 6, 19, 179, false },
		{ "IPv6 longer than UDP says", 6, 19, 181, false },
		{ "IPv6 longer than the frame", 6, 18, 1, false },
		{ "an extension header", 6, 20, 0, false },
		{ "a fragment header", 6, 20, 44, false },
		{ "a forged source", 6, 37, 3, true },
		{ "a forged source port", 6, 55, 1, true },
		{ "a byte that was changed on the way", 6, 100, 0x55, false },
	};
	static struct frame f;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct flow fl = flow_of(rows[i].family);

		assert_int_equal(rf_xsk_admit(rf_xsk_part(xsk, 0), &fl.from, &fl.to), 0);
		frame_of(&fl, &f, 172);
		assert_int_equal(run(&f), TAKEN);
		f.b[rows[i].at] = rows[i].byte ^ (f.b[rows[i].at] == rows[i].byte ? 0x40 : 0); /* never as it was */
		if (rows[i].sealed)
			frame_seal(&f);
		if (run(&f) != PASS)
			fail_msg("%s: is taken", rows[i].what);
		rf_xsk_dismiss(rf_xsk_part(xsk, 0), &fl.from, &fl.to);
	}
}

/* Whoever it is from: sums of addresses carry, or do not. */
static void test_from_anywhere(void **state)
{
	static const char *const from[] = { "192.0.2.255:65535", "255.255.255.254:1", "1.2.3.4:5",
					    "[ffff:ffff:ffff::ffff]:65535", "[2001:db8::1]:1" };
	static struct frame f;

	(void)state;
	for (size_t i = 0; i < sizeof from / sizeof *from; i++)
		for (unsigned n = 0; n < 70; n++) {
			struct flow fl = flow_of(*from[i] == '[' ? 6 : 4);

			fl.from = addr(from[i]);
			assert_int_equal(rf_xsk_admit(rf_xsk_part(xsk, 0), &fl.from, &fl.to), 0);
			frame_of(&fl, &f, n);
			memset(f.b + frame_udp_at(&f) + 8, 0xff - (int)n % 3, n);
			frame_seal(&f);
			if (run(&f) != TAKEN)
				fail_msg("%s, %u bytes", from[i], n);
			rf_xsk_dismiss(rf_xsk_part(xsk, 0), &fl.from, &fl.to);
		}
}

static void test_where_it_comes_in(void **state)
{
	struct flow fl = flow_of(4);
	static struct frame f;
	struct rf_xsk_totals before, after;

	(void)state;
	assert_int_equal(rf_xsk_admit(rf_xsk_part(xsk, 0), &fl.from, &fl.to), 0);
	frame_of(&fl, &f, 20);
	before = rf_xsk_totals(xsk);
	assert_int_equal(run(&f), TAKEN);
	assert_int_equal(run_at(&f, "outside", 0), PASS); /* by the other interface */
	frame_put16(f.b + 34, 4001);                        /* from another port */
	assert_int_equal(run(&f), PASS);
	frame_put16(f.b + 34, 4000);
	frame_put16(f.b + 40, 0);                           /* IPv4 may do without a checksum */
	assert_int_equal(run(&f), TAKEN);
	frame_put16(f.b + 40, 1);
	assert_int_equal(run(&f), PASS);
	for (size_t n = 14; n < f.n; n++) {                 /* cut short */
		struct frame cut = f;

		cut.n = n;
		assert_int_equal(run(&cut), PASS);
	}
	after = rf_xsk_totals(xsk);
	assert_int_equal(after.verdicts[RF_XSK_TAKEN] - before.verdicts[RF_XSK_TAKEN], 2);
	assert_int_equal(after.verdicts[RF_XSK_NO_FLOW] - before.verdicts[RF_XSK_NO_FLOW], 1);
	assert_int_equal(after.verdicts[RF_XSK_CHECKSUM] - before.verdicts[RF_XSK_CHECKSUM], 1);
	rf_xsk_dismiss(rf_xsk_part(xsk, 0), &fl.from, &fl.to);
	for (unsigned v = 0; v < RF_XSK_VERDICTS; v++)
		assert_true(strlen(rf_xsk_verdict_name(v)) > 0);
}

static void test_no_flow(void **state)
{
	static const struct { const char *from, *to; } rows[] = {
		{ "10.1.0.2:4000", "192.0.2.1:20000" }, { "10.1.0.2:4000", "127.0.0.1:20000" },
		{ "[2001:db8:1::2]:4000", "10.1.0.1:20000" }, { "[fe80::2%1]:4000", "[2001:db8:1::1]:20000" },
		{ "10.1.0.2:4000", "10.1.0.1:20001" }, /* of RTCP */
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rf_addr from = addr(rows[i].from), to = addr(rows[i].to);

		assert_int_equal(rf_xsk_admit(rf_xsk_part(xsk, 0), &from, &to), RF_E_UNSUPPORTED);
		rf_xsk_dismiss(rf_xsk_part(xsk, 0), &from, &to);
	}
	assert_int_equal(rf_xsk_totals(xsk).flows, 0);
}

/* A port has one flow: another takes its place, and what is dismissed is only what is admitted. */
static void test_one_flow_of_a_port(void **state)
{
	struct flow fl = flow_of(4);
	struct rf_addr other = addr("10.1.0.3:4000"), second = addr("10.1.0.2:4002");
	struct rf_xsk_part *part = rf_xsk_part(xsk, 0);
	static struct frame f, g;

	(void)state;
	frame_of(&fl, &f, 20);
	assert_int_equal(rf_xsk_admit(part, &fl.from, &fl.to), 0);
	rf_xsk_dismiss(part, &other, &fl.to);
	rf_xsk_dismiss(part, &second, &fl.to);
	assert_int_equal(run(&f), TAKEN);
	assert_int_equal(rf_xsk_admit(part, &other, &fl.to), 0);
	assert_int_equal(rf_xsk_totals(xsk).flows, 1);
	assert_int_equal(run(&f), PASS);
	fl.from = other;
	frame_of(&fl, &g, 20);
	assert_int_equal(run(&g), TAKEN);
	rf_xsk_dismiss(part, &other, &fl.to);
	assert_int_equal(run(&g), PASS);
	assert_int_equal(rf_xsk_totals(xsk).flows, 0);
}

/* ---- frames that come and go */

static int socket_away(const char *at)
{
	struct rf_addr a = addr(at);
	struct sockaddr_storage sa;
	socklen_t n = (socklen_t)rf_addr_to_sockaddr(&a, &sa);

	veth_go_away(&net);
	int fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	veth_go_home(&net);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, n), 0);
	return fd;
}

static void send_to(int fd, const struct rf_addr *to, const void *bytes, size_t n)
{
	struct sockaddr_storage sa;
	socklen_t sa_n = (socklen_t)rf_addr_to_sockaddr(to, &sa);

	assert_int_equal(sendto(fd, bytes, n, 0, (struct sockaddr *)&sa, sa_n), n);
}

static void wait_for(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (poll(&p, 1, WAIT_MS) != 1)
		fail_msg("nothing came");
}

/* By the socket of that part, at the queue of "inside". */
static void test_receives(void **state)
{
	struct rf_view frames[RF_XSK_BATCH];
	int fds[RF_XSK_QUEUES_MAX];

	(void)state;
	for (unsigned index = 0; index < 2; index++)
		for (unsigned family = 4; family <= 6; family += 2) {
			struct flow fl = flow_of(family);
			struct rf_xsk_part *part = rf_xsk_part(xsk, index);
			int fd = socket_away(family == 4 ? "10.1.0.2:4000" : "[2001:db8:1::2]:4000");
			unsigned got = 0, sent = 0;

			assert_int_equal(rf_xsk_fds(part, fds), rf_xsk_totals(xsk).queues);
			assert_int_equal(rf_xsk_admit(part, &fl.from, &fl.to), 0);
			for (; sent < 3 * XSK_RX_FRAMES; sent += RF_XSK_BATCH) { /* all frames go round more than
										  * once */
				for (unsigned i = 0; i < RF_XSK_BATCH; i++)
					send_to(fd, &fl.to, &(uint32_t){ sent + i }, 4);
				while (got < sent + RF_XSK_BATCH) {
					unsigned n = rf_xsk_take(part, frames);

					if (!n)
						wait_for(fds[0]);
					for (unsigned i = 0; i < n; i++, got++) {
						struct rf_link_datagram d;

						assert_int_equal(rf_link_read(frames[i], &d), 0);
						assert_int_equal(d.payload.n, 4);
						assert_memory_equal(d.payload.p, &got, 4);
					}
					if (n)
						rf_xsk_give_back(part);
				}
			}
			assert_int_equal(rf_xsk_take(rf_xsk_part(xsk, !index), frames), 0);
			rf_xsk_dismiss(part, &fl.from, &fl.to);
			close(fd);
		}
}

/* A neighbour that is not known is not guessed at; a datagram by a socket makes it known. */
static void learn(const struct rf_addr *from, const struct rf_addr *to)
{
	struct sockaddr_storage sa;
	struct rf_addr own = *from;

	own.port = 0;
	socklen_t n = (socklen_t)rf_addr_to_sockaddr(&own, &sa);
	int fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&sa, n), 0);
	send_to(fd, to, "?", 1);
	close(fd);
}

static void find(struct rf_xsk_part *part, const struct rf_addr *from, const struct rf_addr *to, uint64_t *now_us,
		 struct rf_xsk_way *ret)
{
	bool touch;

	for (unsigned i = 0; i < WAIT_MS / 10; i++) {
		*now_us += 1000000;
		int rc = rf_xsk_find_way(part, from, to, 46, *now_us, ret, &touch);

		if (!rc)
			return;
		assert_int_equal(rc, RF_E_NOT_FOUND);
		poll(NULL, 0, 10);
	}
	fail_msg("the neighbour is not found");
}

static void test_sends(void **state)
{
	static const struct { const char *from, *to; } rows[] = {
		{ "10.2.0.1:20002", "10.2.0.2:5000" }, { "[2001:db8:2::1]:20002", "[2001:db8:2::2]:5000" },
		{ "10.2.0.1:20002", "10.3.0.2:5000" }, /* by a gateway */
	};
	uint64_t now_us = 1;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rf_xsk_part *part = rf_xsk_part(xsk, i & 1);
		struct rf_addr from = addr(rows[i].from), to = addr(rows[i].to), came;
		int fd = socket_away(rows[i].to);
		struct rf_xsk_way way;
		uint8_t payload[1300] = { 0 }, got[1600];
		bool touch;

		if (i != 2)
			assert_int_equal(rf_xsk_find_way(part, &from, &to, 46, now_us += 1000000, &way, &touch),
					 RF_E_NOT_FOUND);
		learn(&from, &to);
		wait_for(fd);
		assert_int_equal(recv(fd, got, sizeof got, 0), 1);
		find(part, &from, &to, &now_us, &way);
		for (uint32_t k = 0, back = 0; k < 3 * XSK_TX_FRAMES; k++) { /* all frames go round */
			size_t n = 4 + k % 1000;

			memcpy(payload, &k, 4);
			assert_true(rf_xsk_send(part, &way, rf_view_of(payload, n)));
			if (k % 20 != 19)
				continue;
			rf_xsk_flush(part);
			for (; back <= k; back++) {
				struct sockaddr_storage sa;
				socklen_t sa_n = sizeof sa;

				wait_for(fd);
				ssize_t m = recvfrom(fd, got, sizeof got, 0, (struct sockaddr *)&sa, &sa_n);

				assert_int_equal(m, 4 + back % 1000);
				assert_memory_equal(got, &back, 4);
				assert_int_equal(rf_addr_from_sockaddr((struct sockaddr *)&sa, sa_n, &came), 0);
				assert_true(rf_addr_eq(&came, &from));
			}
		}
		/* Longer than every link carries: by a socket. */
		assert_true(rf_xsk_send(part, &way, rf_view_of(payload, RF_XSK_SENT_MAX - (from.family == 4 ? 28 : 48))));
		assert_false(rf_xsk_send(part, &way, rf_view_of(payload, RF_XSK_SENT_MAX + 1 - (from.family == 4 ? 28 : 48))));
		rf_xsk_flush(part);
		close(fd);
	}
}

static void test_ways_that_are_none(void **state)
{
	static const struct { const char *from, *to; } rows[] = {
		{ "10.1.0.1:20000", "10.2.0.2:5000" },     /* leads out of the other interface */
		{ "192.0.2.1:20000", "10.2.0.2:5000" },    /* not ours */
		{ "10.1.0.1:20000", "10.1.0.1:5000" },     /* to ourselves */
		{ "10.1.0.1:20000", "10.1.0.255:5000" },   /* to everybody */
		{ "10.1.0.1:20000", "239.1.1.1:5000" },
		{ "10.1.0.1:20000", "[2001:db8:1::2]:5000" },
		{ "[2001:db8:1::1]:20000", "[2001:db8:2::2]:5000" },
	};
	struct rf_xsk_way way;
	bool touch;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rf_addr from = addr(rows[i].from), to = addr(rows[i].to);

		if (rf_xsk_find_way(rf_xsk_part(xsk, 0), &from, &to, 0, 1, &way, &touch) != RF_E_UNSUPPORTED)
			fail_msg("%s to %s", rows[i].from, rows[i].to);
	}
	struct rf_addr from = addr("10.1.0.1:20000"), to = addr("198.51.100.1:5000"); /* no route at all */
	assert_int_equal(rf_xsk_find_way(rf_xsk_part(xsk, 0), &from, &to, 0, 1, &way, &touch), -ENETUNREACH);
	/* Somebody who is not there: asked again and again, and never found. */
	to = addr("10.1.0.77:5000");
	learn(&from, &to);
	for (unsigned i = 1; i < 5; i++)
		assert_int_equal(rf_xsk_find_way(rf_xsk_part(xsk, 0), &from, &to, 0, i * 1000000, &way, &touch),
				 RF_E_NOT_FOUND);
}

/* A neighbour that moved is found elsewhere; one that is only remembered is to be touched, once for each question. */
static void test_neighbours(void **state)
{
	struct rf_addr from = addr("10.2.0.1:20002"), to = addr("10.2.0.9:5000");
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 9 }, moved[6] = { 2, 0, 0, 0, 0, 8 };
	struct rf_xsk_part *part = rf_xsk_part(xsk, 0);
	struct rf_xsk_way way;
	bool touch;

	(void)state;
	assert_true(veth_run(&net, false, "ip neigh replace 10.2.0.9 lladdr 02:00:00:00:00:09 nud permanent dev outside"));
	assert_int_equal(rf_xsk_find_way(part, &from, &to, 0, 1000000, &way, &touch), 0);
	assert_memory_equal(way.head.bytes, mac, 6);
	assert_false(touch);
	assert_true(veth_run(&net, false, "ip neigh replace 10.2.0.9 lladdr 02:00:00:00:00:08 nud stale dev outside"));
	assert_int_equal(rf_xsk_find_way(part, &from, &to, 0, 1400000, &way, &touch), 0); /* not asked yet */
	assert_memory_equal(way.head.bytes, mac, 6);
	assert_int_equal(rf_xsk_find_way(part, &from, &to, 0, 1500000, &way, &touch), 0);
	assert_memory_equal(way.head.bytes, moved, 6);
	assert_true(touch);
	assert_int_equal(rf_xsk_find_way(part, &from, &to, 0, 1500001, &way, &touch), 0);
	assert_false(touch);
	assert_true(veth_run(&net, false, "ip neigh del 10.2.0.9 dev outside"));
	assert_int_equal(rf_xsk_find_way(part, &from, &to, 0, 2500000, &way, &touch), RF_E_NOT_FOUND);
}

/* ---- opening */

static void test_open(void **state)
{
	static const char *const none[] = { "inside", "nonesuch" }, *const lo[] = { "lo" };
	struct rf_xsk *x;
	struct rf_diag d;

	(void)state;
	assert_int_equal(rf_xsk_open(none, 2, 1, &x, &d), RF_E_NOT_FOUND);
	assert_non_null(strstr(d.text, "nonesuch"));
	assert_int_equal(rf_xsk_open(lo, 1, 1, &x, &d), RF_E_UNSUPPORTED);
	assert_non_null(strstr(d.text, "lo"));
	assert_int_equal(rf_xsk_open(both, 0, 1, &x, NULL), RF_E_INVALID);
	assert_int_equal(rf_xsk_open(both, 1, 0, &x, NULL), RF_E_INVALID);
	assert_int_equal(rf_xsk_open(both, 1, RF_XSK_SOCKS_MAX + 1, &x, NULL), RF_E_INVALID);
	assert_int_equal(rf_xsk_open(both, 2, RF_XSK_SOCKS_MAX, &x, &d), RF_E_LIMIT);
	assert_non_null(strstr(d.text, "queues"));
	assert_int_equal(rf_xsk_open(both, 2, 1, &x, &d), -EBUSY); /* somebody has a program there: we */
	rf_xsk_close(NULL);
	assert_true(veth_strip_tags(&net, true));
	assert_int_equal(rf_xsk_open(both, 2, 1, &x, &d), RF_E_UNSUPPORTED);
	assert_non_null(strstr(d.text, "rxvlan off"));
	assert_true(veth_strip_tags(&net, false));
	assert_int_equal(rf_xsk_totals(xsk).queues, 2);
	assert_int_equal(rf_xsk_totals(xsk).copied, 2); /* this driver shares no memory */
	assert_int_equal(rf_xsk_totals(xsk).bytes, 2 * RF_XSK_FRAMES * RF_XSK_FRAME_BYTES);
}

static void test_nothing_is_left(void **state)
{
	struct rf_diag d;

	(void)state;
	rf_xsk_close(xsk);
	assert_true(veth_run(&net, false, "test -z \"$(ip -o link show inside | grep xdp)\""));
	for (unsigned k = 1; k < 8; k++) {                  /* memory ends */
		struct rf_xsk *x = NULL;

		fail_alloc_at(k);
		int rc = rf_xsk_open(both, 2, 2, &x, &d);

		assert_true(fail_alloc_off() && rc < 0 && !x);
	}
	assert_true(veth_run(&net, false, "test -z \"$(ip -o link show inside | grep xdp)\""));
	assert_int_equal(rf_xsk_open(both, 2, 2, &xsk, &d), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_takes), cmocka_unit_test(test_passes), cmocka_unit_test(test_from_anywhere),
		cmocka_unit_test(test_where_it_comes_in),
		cmocka_unit_test(test_no_flow), cmocka_unit_test(test_one_flow_of_a_port),
		cmocka_unit_test(test_receives), cmocka_unit_test(test_sends),
		cmocka_unit_test(test_ways_that_are_none), cmocka_unit_test(test_neighbours),
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_nothing_is_left),
	};
	char why_not[700] = "";
	struct rf_diag d;
	bool there = veth_begin(&net, why_not, sizeof why_not);

	if (there && (!veth_strip_tags(&net, false) || !veth_leave_checksums(&net, false)))
		snprintf(why_not, sizeof why_not, "the interfaces do not let their cards' help be turned off");
	else if (there && rf_xsk_open(both, 2, 2, &xsk, &d))
		snprintf(why_not, sizeof why_not, "%s", d.text);
	if (!xsk) {
		printf("SKIP: %s\n", why_not);
		veth_end(&net);
		return 77; /* Meson's word for it */
	}
	int rc = cmocka_run_group_tests(tests, NULL, NULL);

	rf_xsk_close(xsk);
	veth_end(&net);
	return rc;
}
