/* The kernel's way, by the kernel itself: its program is run on packets of ours (BPF_PROG_TEST_RUN), in a network
 * namespace of the test. Skipped with a reason where that is not permitted. */
#include "media/fast_int.h"

#include "guard.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

enum { UP = -1, DROPPED = 2, SENT = 7, RTP_AT = 42, STREAMS = 4 };

struct frame {
	uint8_t b[1600];
	size_t n;
};

static const char *const lo[] = { "lo" };
static struct rf_fast *fast;
static char why_not[600];

static struct rf_addr addr(const char *text)
{
	struct rf_addr a;

	assert_int_equal(rf_addr_parse(rf_view_of(text, strlen(text)), 0, &a), 0);
	return a;
}

/* What is admitted: from 127.0.0.5:4000 to us at 127.0.0.1:20000, on from :20002 to 127.0.0.9:5000. */
static struct rf_fast_stream stream_v4(void)
{
	return (struct rf_fast_stream){
		.in_from = addr("127.0.0.5:4000"), .in_to = addr("127.0.0.1:20000"),
		.out_from = addr("127.0.0.1:20002"), .out_to = addr("127.0.0.9:5000"), .ssrc = 0x01020304,
		.types = { 1 << 8, UINT64_C(1) << (101 - 64) }, .packets_s = 1000, .bytes_s = 1000000, .dscp = 46,
		.seq = 99, .seen = 1,
	};
}

static struct rf_fast_stream stream_v6(void)
{
	struct rf_fast_stream s = stream_v4();

	s.in_from = addr("[2001:db8::5]:4000");
	s.in_to = addr("[::1]:20000");
	s.out_from = addr("[::1]:20002");
	s.out_to = addr("[::1]:5000");
	return s;
}

/* ---- frames */

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint32_t sum(const uint8_t *p, size_t n, uint32_t so_far)
{
	for (; n > 1; n -= 2, p += 2)
		so_far += (uint32_t)p[0] << 8 | p[1];
	return n ? so_far + ((uint32_t)p[0] << 8) : so_far;
}

static unsigned folded(uint32_t s)
{
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return ~s & 0xffff;
}

static size_t udp_at(const struct frame *f)
{
	return f->b[12] == 0x86 ? 54 : 34;
}

/* Lengths and checksums as the frame's size says. */
static void seal(struct frame *f)
{
	size_t at = udp_at(f), n = f->n - at;
	uint8_t *ip = f->b + 14;

	put16(f->b + at + 4, (unsigned)n);
	put16(f->b + at + 6, 0);
	if (at == 34) {
		put16(ip + 2, (unsigned)n + 20);
		put16(ip + 10, 0);
		put16(ip + 10, folded(sum(ip, 20, 0)));
	} else {
		put16(ip + 4, (unsigned)n);
	}
	unsigned s = folded(sum(f->b + at, n, sum(ip + (at == 34 ? 12 : 8), at == 34 ? 8 : 32, 17 + (uint32_t)n)));

	put16(f->b + at + 6, s ? s : 0xffff);
}

static void make(struct frame *f, const struct rf_addr *from, const struct rf_addr *to, unsigned seq, size_t payload)
{
	bool v6 = from->family == 6;
	uint8_t *ip = f->b + 14, *udp = ip + (v6 ? 40 : 20), *rtp = udp + 8;

	memset(f, 0, sizeof *f);
	put16(f->b + 12, v6 ? ETH_P_IPV6 : ETH_P_IP);
	if (v6) {
		ip[0] = 0x6b;
		ip[1] = 0x8a;
		ip[3] = 7;
		ip[6] = 17;
		ip[7] = 33;
		memcpy(ip + 8, from->ip, 16);
		memcpy(ip + 24, to->ip, 16);
	} else {
		ip[0] = 0x45;
		ip[1] = 0x03;
		put16(ip + 4, 0x7777);
		ip[8] = 33;
		ip[9] = 17;
		memcpy(ip + 12, from->ip, 4);
		memcpy(ip + 16, to->ip, 4);
	}
	put16(udp, from->port);
	put16(udp + 2, to->port);
	rtp[0] = 0x80;
	rtp[1] = 8;
	put16(rtp + 2, seq);
	memcpy(rtp + 8, (uint8_t[]){ 1, 2, 3, 4 }, 4);
	for (size_t i = 0; i < payload; i++)
		rtp[12 + i] = (uint8_t)(i * 3 + seq);
	f->n = (size_t)(rtp + 12 + payload - f->b);
	seal(f);
}

static void packet_of(const struct rf_fast_stream *s, unsigned seq, size_t payload, struct frame *f)
{
	make(f, &s->in_from, &s->in_to, seq, payload);
}

/* What must leave. */
static void expected_of(const struct rf_fast_stream *s, unsigned seq, size_t payload, struct frame *f)
{
	uint8_t *ip = f->b + 14;

	make(f, &s->out_from, &s->out_to, seq, payload);
	if (s->in_from.family == 4) {
		ip[1] = (uint8_t)(s->dscp << 2);
		put16(ip + 4, 0);
		ip[6] = 0x40;
		ip[8] = 64;
	} else {
		ip[0] = (uint8_t)(0x60 | s->dscp >> 2);
		ip[1] = (uint8_t)(s->dscp << 6);
		ip[3] = 0;
		ip[7] = 64;
	}
	seal(f);
}

/* The program's verdict; out is the frame afterwards. */
static int run(const struct frame *in, struct frame *out)
{
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = in->b, .data_size_in = (uint32_t)in->n, .data_out = out->b,
		    .data_size_out = sizeof out->b, .repeat = 1);

	assert_int_equal(bpf_prog_test_run_opts(rf_fast_program(fast), &o), 0);
	out->n = o.data_size_out;
	return (int)o.retval;
}

static void assert_up(const char *what, const struct frame *f)
{
	static struct frame out;
	int rc = run(f, &out);

	if (rc != UP || out.n != f->n || memcmp(out.b, f->b, f->n))
		fail_msg("%s: %d", what, rc);
}

static void assert_sent(const char *what, const struct frame *in, const struct frame *want)
{
	static struct frame out;
	int rc = run(in, &out);

	if (rc != SENT)
		fail_msg("%s: %d", what, rc);
	for (size_t i = 0; i < want->n; i++)
		if (out.b[i] != want->b[i])
			fail_msg("%s: byte %zu is %02x, not %02x", what, i, out.b[i], want->b[i]);
	assert_int_equal(out.n, want->n);
}

static uint32_t add(const struct rf_fast_stream *s)
{
	uint32_t id;

	assert_int_equal(rf_fast_add(fast, s, &id), 0);
	return id;
}

/* ---- tests */

static void test_sent(void **state)
{
	static const size_t sizes[] = { 0, 1, 3, 20, 160, 161, 1000, 1280 - 40 };
	struct rf_fast_stream both[] = { stream_v4(), stream_v6() };
	static struct frame in, want;

	(void)state;
	for (unsigned v = 0; v < 2; v++) {
		uint32_t id = add(&both[v]);
		uint64_t bytes = 0;
		unsigned n = 0;

		for (; n < sizeof sizes / sizeof *sizes; n++) {
			size_t size = v ? sizes[n] < 1220 ? sizes[n] : 1220 : sizes[n];

			packet_of(&both[v], 100 + n, size, &in);
			expected_of(&both[v], 100 + n, size, &want);
			assert_sent("sent", &in, &want);
			bytes += 12 + size;
		}
		struct rf_fast_counts c = rf_fast_remove(fast, id);

		assert_true(c.packets == n && c.bytes == bytes && c.last_us && c.seq == 99 + n && !c.repeated &&
			    !c.over_rate);
		assert_int_equal(c.seen & 0x1ff, 0x1ff);
		packet_of(&both[v], 120, 10, &in);
		assert_up("after the end", &in);
	}
}

static void test_longest(void **state)
{
	struct rf_fast_stream s = stream_v4();
	static struct frame in;

	(void)state;
	uint32_t id = add(&s);

	packet_of(&s, 100, 1280 - 40 + 1, &in);
	assert_up("1281 bytes", &in);
	rf_fast_remove(fast, id);
}

/* A zero checksum stays zero with IPv4 and is none with IPv6. Short frames were filled up: that does not go on. */
static void test_checksums_and_tails(void **state)
{
	struct rf_fast_stream s = stream_v4(), s6 = stream_v6();
	static struct frame in, want;
	uint32_t id = add(&s), id6 = add(&s6);

	(void)state;
	packet_of(&s, 100, 20, &in);
	expected_of(&s, 100, 20, &want);
	put16(in.b + 40, 0);
	put16(want.b + 40, 0);
	assert_sent("no checksum", &in, &want);
	packet_of(&s6, 100, 20, &in);
	put16(in.b + 60, 0);
	assert_up("no checksum, IPv6", &in);
	packet_of(&s, 101, 1, &in);
	expected_of(&s, 101, 1, &want);
	memset(in.b + in.n, 0xee, 5);
	in.n = 60;
	assert_sent("filled up", &in, &want);
	/* A wrong checksum stays wrong: the party refuses it as it would have. */
	packet_of(&s, 102, 20, &in);
	expected_of(&s, 102, 20, &want);
	in.b[60] ^= 0x10;
	want.b[60] ^= 0x10;
	assert_sent("wrong checksum", &in, &want);
	rf_fast_remove(fast, id);
	rf_fast_remove(fast, id6);
}

/* One byte is another: so it is nobody's, or not what may pass. */
struct change {
	const char *name;
	size_t at;
	uint8_t byte;
	bool sealed;                 /* and lengths and checksums fit it */
};

static void refuse(const struct rf_fast_stream *s, const struct change *rows, size_t n)
{
	static struct frame f;

	for (size_t i = 0; i < n; i++) {
		packet_of(s, 100, 40, &f);
		f.b[rows[i].at] = rows[i].byte;
		if (rows[i].sealed)
			seal(&f);
		assert_up(rows[i].name, &f);
	}
}

static void test_refused_v4(void **state)
{
	static const struct change rows[] = {
		{ "for another card", 0, 2, false }, { "multicast", 0, 1, false }, { "ARP", 13, 6, false },
		{ "VLAN tag", 12, 0x81, false }, { "IP version", 14, 0x55, true }, { "IP options", 14, 0x46, true },
		{ "header too short", 14, 0x44, true }, { "length one less", 17, 79, false },
		{ "length one more", 17, 81, false }, { "more fragments", 20, 0x20, true },
		{ "a later fragment", 21, 1, true }, { "reserved bit", 20, 0x80, true },
		{ "at its last hop", 22, 1, true }, { "TCP", 23, 6, true }, { "UDP-Lite", 23, 136, true },
		{ "header checksum", 24, 0x5a, false }, { "another source", 29, 6, true },
		{ "another destination", 33, 2, true }, { "source port", 35, 1, true },
		{ "destination port", 37, 1, true }, { "UDP length one less", 39, 59, false },
		{ "UDP length one more", 39, 61, false }, { "version 0", RTP_AT, 0x00, true },
		{ "version 1", RTP_AT, 0x40, true }, { "version 3", RTP_AT, 0xc0, true },
		{ "STUN", RTP_AT, 0x01, true }, { "DTLS", RTP_AT, 22, true },
		{ "sender report", RTP_AT + 1, 200, true }, { "first of RTCP", RTP_AT + 1, 192, true },
		{ "last of RTCP", RTP_AT + 1, 223, true }, { "payload type", RTP_AT + 1, 9, true },
		{ "payload type 72", RTP_AT + 1, 72, true }, { "payload type 127", RTP_AT + 1, 127, true },
		{ "payload type with its marker", RTP_AT + 1, 0x89, true }, { "SSRC", RTP_AT + 11, 5, true },
		{ "SSRC", RTP_AT + 8, 0, true }, { "15 contributing sources", RTP_AT, 0x8f, true },
	};
	struct rf_fast_stream s = stream_v4();
	uint32_t id = add(&s);

	(void)state;
	refuse(&s, rows, sizeof rows / sizeof *rows);
	assert_int_equal(rf_fast_remove(fast, id).packets, 0);
}

static void test_refused_v6(void **state)
{
	static const struct change rows[] = {
		{ "IP version", 14, 0x40, true }, { "hop-by-hop options", 20, 0, false },
		{ "a fragment", 20, 44, false }, { "routing header", 20, 43, false },
		{ "destination options", 20, 60, false }, { "AH", 20, 51, false }, { "at its last hop", 21, 1, true },
		{ "length one less", 19, 59, false }, { "length one more", 19, 61, false },
		{ "another source", 37, 6, true }, { "another destination", 53, 2, true }, { "SSRC", 62 + 11, 5, true },
		{ "version", 62, 0x40, true },
	};
	struct rf_fast_stream s = stream_v6();
	uint32_t id = add(&s);

	(void)state;
	refuse(&s, rows, sizeof rows / sizeof *rows);
	assert_int_equal(rf_fast_remove(fast, id).packets, 0);
}

/* Every prefix: as it stands, and with lengths that fit it. */
static void test_truncated(void **state)
{
	struct rf_fast_stream both[] = { stream_v4(), stream_v6() };
	static struct frame f;

	(void)state;
	for (unsigned v = 0; v < 2; v++) {
		uint32_t id = add(&both[v]);
		size_t rtp = v ? 62 : 42;

		packet_of(&both[v], 100, 40, &f);
		for (size_t n = rtp - 8; n < rtp + 52; n++) { /* on less than an IP header the kernel runs nothing */
			struct frame cut = f;

			cut.n = n;
			memset(cut.b + n, 0, sizeof cut.b - n);
			assert_up("cut off", &cut);
			if (n < rtp + 12 && n >= rtp) {
				seal(&cut);
				assert_up("too short", &cut);
			}
		}
		rf_fast_remove(fast, id);
	}
}

static void test_header(void **state)
{
	struct rf_fast_stream s = stream_v4();
	static struct frame in, want, out;
	uint32_t id = add(&s);

	(void)state;
	/* Marker, padding, two sources, an extension of two words, the other payload type. */
	packet_of(&s, 100, 40, &in);
	expected_of(&s, 100, 40, &want);
	for (struct frame *f = &in; f; f = f == &in ? &want : NULL) {
		f->b[RTP_AT] = 0xb2;
		f->b[RTP_AT + 1] = 0x80 | 101;
		memcpy(f->b + RTP_AT + 20, (uint8_t[]){ 0xbe, 0xde, 0, 2 }, 4);
		seal(f);
	}
	assert_sent("a whole header", &in, &want);
	/* The extension ends with the packet, and one word behind it. */
	packet_of(&s, 101, 12, &in);
	in.b[RTP_AT] = 0x90;
	memcpy(in.b + RTP_AT + 12, (uint8_t[]){ 0xbe, 0xde, 0, 2 }, 4);
	seal(&in);
	assert_int_equal(run(&in, &out), SENT);
	in.b[RTP_AT + 3]++;
	in.b[RTP_AT + 15] = 3;
	seal(&in);
	assert_up("an extension beyond its end", &in);
	memcpy(in.b + RTP_AT + 14, (uint8_t[]){ 0xff, 0xff }, 2);
	seal(&in);
	assert_up("an extension of 65535 words", &in);
	packet_of(&s, 103, 3, &in);
	in.b[RTP_AT] = 0x90;
	seal(&in);
	assert_up("half an extension's head", &in);
	assert_int_equal(rf_fast_remove(fast, id).packets, 2);
}

static void test_sequence(void **state)
{
	static const struct { unsigned seq; int rc; } rows[] = {
		{ 65530, SENT }, { 65530, DROPPED }, { 65529, SENT }, { 65528, DROPPED } /* seen in userspace */,
		{ 65535, SENT }, { 0, UP } /* to be looked at */, { 1, SENT }, { 65534, SENT }, { 65534, DROPPED }, { 3, SENT }, { 2, SENT }, { 2, DROPPED },
		{ 103, SENT } /* 100 ahead */, { 204, UP }, { 3203, UP }, { 32870, UP }, { 203, SENT },
		{ 203 - 47, SENT }, { 203 - 48, UP }, { 203 - 47, DROPPED }, { 103, UP }, { 204, SENT },
		{ 203 - 47, UP }, { 252, SENT } /* 48 ahead: nothing is left of the window */, { 251, SENT }, { 252, DROPPED },
	};
	struct rf_fast_stream s = stream_v4();
	static struct frame in, out;

	(void)state;
	s.seq = 65528;
	s.seen = 0x5;
	uint32_t id = add(&s);

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		packet_of(&s, rows[i].seq & 0xffff, 20, &in);
		int rc = run(&in, &out);

		if (rc != rows[i].rc)
			fail_msg("row %zu, %u: %d", i, rows[i].seq, rc);
	}
	/* Userspace let a jump through: from there on. */
	rf_fast_saw(fast, id, 5000);
	rf_fast_saw(fast, id, 4998);
	rf_fast_saw(fast, id, 5003);
	static const struct { unsigned seq; int rc; } after[] = {
		{ 5000, DROPPED }, { 4999, SENT }, { 4998, DROPPED }, { 5003, DROPPED }, { 5001, SENT }, { 5004, SENT },
		{ 252, UP },
	};
	for (size_t i = 0; i < sizeof after / sizeof *after; i++) {
		packet_of(&s, after[i].seq, 20, &in);
		assert_int_equal(run(&in, &out), after[i].rc);
	}
	assert_int_equal(rf_fast_read(fast, id).seq, 5004);
	assert_int_equal(rf_fast_remove(fast, id).repeated, 9);
}

static void test_rate(void **state)
{
	static const struct {
		unsigned packets_s, bytes_s, sent;
	} rows[] = { { 3, 1000000, 3 }, { 100, 64, 2 }, { 5, 160, 5 } };
	static struct frame in, out;

	(void)state;
	for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
		struct rf_fast_stream s = stream_v4();

		s.packets_s = rows[r].packets_s;
		s.bytes_s = rows[r].bytes_s;
		uint32_t id = add(&s);

		for (unsigned i = 0; i < 10; i++) {
			packet_of(&s, 100 + i, 20, &in);
			assert_int_equal(run(&in, &out), i < rows[r].sent ? SENT : DROPPED);
		}
		struct rf_fast_counts c = rf_fast_remove(fast, id);

		assert_true(c.packets == rows[r].sent && c.over_rate == 10 - rows[r].sent);
	}
}

static void test_bounds(void **state)
{
	struct rf_fast_stream s = stream_v4();
	uint32_t id, ids[STREAMS];

	(void)state;
	ids[0] = add(&s);
	assert_int_equal(rf_fast_add(fast, &s, &id), RF_E_EXISTS);
	for (unsigned i = 1; i < STREAMS; i++) {
		s.ssrc++;
		ids[i] = add(&s);
	}
	s.ssrc++;
	assert_int_equal(rf_fast_add(fast, &s, &id), RF_E_LIMIT);
	assert_int_equal(rf_fast_totals(fast).streams, STREAMS);
	rf_fast_remove(fast, ids[1]);
	ids[1] = add(&s);
	for (unsigned i = 0; i < STREAMS; i++)
		rf_fast_remove(fast, ids[i]);
	assert_int_equal(rf_fast_totals(fast).streams, 0);

	s = stream_v4();
	s.out_from = addr("[::1]:20002");
	s.out_to = addr("[::1]:5000");
	assert_int_equal(rf_fast_add(fast, &s, &id), RF_E_UNSUPPORTED);
	s = stream_v4();
	s.in_to = addr("192.0.2.1:20000");
	assert_int_equal(rf_fast_add(fast, &s, &id), RF_E_UNSUPPORTED);
	s = stream_v4();
	s.out_to = addr("192.0.2.1:5000"); /* no way to it */
	assert_int_equal(rf_fast_add(fast, &s, &id), RF_E_UNSUPPORTED);
	s = stream_v4();
	s.out_to.family = 0;
	assert_int_equal(rf_fast_add(fast, &s, &id), RF_E_UNSUPPORTED);
	s = stream_v4();
	s.bytes_s = 0;
	assert_int_equal(rf_fast_add(fast, &s, &id), RF_E_INVALID);
	assert_int_equal(rf_fast_totals(fast).streams, 0);
}

static void test_open(void **state)
{
	static const char *const none[] = { "lo", "nonesuch" };
	struct rf_fast *f;
	struct rf_diag d;

	(void)state;
	assert_int_equal(rf_fast_open(none, 2, 4, &f, &d), RF_E_NOT_FOUND);
	assert_non_null(strstr(d.text, "nonesuch"));
	assert_int_equal(rf_fast_open(none, 0, 4, &f, NULL), RF_E_INVALID);
	assert_int_equal(rf_fast_open(none, 1, RF_FAST_STREAMS_MAX + 1, &f, NULL), RF_E_INVALID);
	rf_fast_close(NULL);
	for (unsigned v = 0; v < RF_FAST_VERDICTS; v++)
		assert_true(strlen(rf_fast_verdict_name(v)) > 0);
}

static void test_verdicts(void **state)
{
	struct rf_fast_totals before = rf_fast_totals(fast), after;
	struct rf_fast_stream s = stream_v4();
	static struct frame in, out;

	(void)state;
	s.packets_s = 1;
	uint32_t id = add(&s);
	static const struct { unsigned seq; size_t at; uint8_t byte; } rows[] = {
		{ 100, 0, 0 }, { 100, 0, 0 }, { 101, 0, 0 }, { 102, RTP_AT + 11, 9 }, { 102, RTP_AT, 0 },
		{ 102, RTP_AT + 1, 9 }, { 900, 0, 0 },
		{ 4096, 0, 0 },
	};
	static const enum rf_fast_verdict want[] = {
		RF_FAST_SENT, RF_FAST_REPEATED, RF_FAST_RATE, RF_FAST_NO_STREAM, RF_FAST_NO_RTP, RF_FAST_TYPE,
		RF_FAST_SEQUENCE,
		RF_FAST_LOOKED,
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		packet_of(&s, rows[i].seq, 20, &in);
		in.b[rows[i].at] = rows[i].byte;
		seal(&in);
		run(&in, &out);
		after = rf_fast_totals(fast);
		for (unsigned v = 0; v < RF_FAST_VERDICTS; v++)
			assert_int_equal(after.verdicts[v] - before.verdicts[v], v == want[i]);
		before = after;
	}
	rf_fast_remove(fast, id);
}

/* After privileges are gone streams still come and go. */
static void test_without_rights(void **state)
{
	pid_t child = fork();
	int status;

	(void)state;
	if (!child) {
		struct rf_fast_stream s = stream_v4();
		struct rf_fast *f;
		uint32_t id;

		if (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
			_exit(9);
		if (rf_fast_open(lo, 1, 4, &f, NULL) != -EPERM)
			_exit(8);
		if (rf_fast_add(fast, &s, &id))
			_exit(7);
		if (rf_fast_remove(fast, id).packets)
			_exit(6);
		_exit(rf_fast_add(fast, &s, &id) || rf_fast_remove(fast, id).packets ? 5 : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static int begin(void **state)
{
	struct ifreq r = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	struct rf_diag d = { .text = "" };

	(void)state;
	if (unshare(CLONE_NEWNET)) {
		snprintf(why_not, sizeof why_not, "no network namespace: %s", strerror(errno));
		return 0;
	}
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (ioctl(s, SIOCSIFFLAGS, &r))
		snprintf(why_not, sizeof why_not, "lo: %s", strerror(errno));
	close(s);
	if (!why_not[0] && rf_fast_open(lo, 1, STREAMS, &fast, &d))
		snprintf(why_not, sizeof why_not, "%s", d.text);
	return 0;
}

static int end(void **state)
{
	(void)state;
	rf_fast_close(fast);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sent), cmocka_unit_test(test_longest), cmocka_unit_test(test_checksums_and_tails),
		cmocka_unit_test(test_refused_v4), cmocka_unit_test(test_refused_v6), cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_header), cmocka_unit_test(test_sequence), cmocka_unit_test(test_rate),
		cmocka_unit_test(test_bounds), cmocka_unit_test(test_open), cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_without_rights),
	};

	begin(NULL);
	if (!fast) {
		printf("SKIP: %s\n", why_not);
		return 77; /* Meson's word for it */
	}
	int rc = cmocka_run_group_tests(tests, NULL, end);

	return rc;
}
