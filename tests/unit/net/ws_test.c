/* Messages in frames: whole, in fragments, cut at each byte, with control frames between; what RFC 6455 forbids; the
 * bounds; memory that runs out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fail_alloc.h"
#include "guard.h"
#include "net/ws.h"

#include <stdlib.h>

enum { CONT = 0, TEXT = 1, BIN = 2, CLOSE = 8, PING = 9, PONG = 10, FIN = 0x80, MASK = 0x80, BOUND = 70000 };

struct seen {
	struct rf_ws ws;
	unsigned messages, pongs;
	uint8_t *last;      /* malloc'd */
	size_t last_n;
	uint8_t out[1 << 18];
	size_t out_n;
	int send_rc;
	bool close_in_message, echo;
};

static struct seen seen;

static int on_send(void *arg, struct rf_view bytes)
{
	struct seen *s = arg;

	if (s->send_rc)
		return s->send_rc;
	assert_true(bytes.n <= sizeof s->out - s->out_n);
	if (bytes.n)
		memcpy(s->out + s->out_n, bytes.p, bytes.n);
	s->out_n += bytes.n;
	return 0;
}

static void on_message(void *arg, struct rf_view m)
{
	struct seen *s = arg;

	s->messages++;
	free(s->last);
	s->last_n = m.n;
	s->last = malloc(m.n + 1);
	if (s->last && m.n)
		memcpy(s->last, m.p, m.n);
	if (s->echo)
		assert_int_equal(rf_ws_send(&s->ws, m), 0);
	if (s->close_in_message)
		rf_ws_close(&s->ws, RF_WS_GOING_AWAY);
}

static void on_pong(void *arg)
{
	((struct seen *)arg)->pongs++;
}

static const struct rf_ws_ops ops = { .send = on_send, .on_message = on_message, .on_pong = on_pong };

static void begin(void)
{
	rf_ws_fini(&seen.ws);
	free(seen.last);
	memset(&seen, 0, sizeof seen);
	seen.ws = (struct rf_ws){ .ops = &ops, .arg = &seen, .message_bytes = BOUND };
}

static int end(void **state)
{
	(void)state;
	begin();
	return 0;
}

/* A frame as a client writes it. */
static size_t put_frame(uint8_t *to, unsigned first, struct rf_view payload, bool masked)
{
	static const uint8_t mask[4] = { 0x37, 0xfa, 0x21, 0x3d };
	size_t n = 0;

	to[n++] = (uint8_t)first;
	if (payload.n < 126) {
		to[n++] = (uint8_t)(payload.n | (masked ? MASK : 0));
	} else if (payload.n < 65536) {
		to[n++] = (uint8_t)(126 | (masked ? MASK : 0));
		to[n++] = (uint8_t)(payload.n >> 8);
		to[n++] = (uint8_t)payload.n;
	} else {
		to[n++] = (uint8_t)(127 | (masked ? MASK : 0));
		for (int i = 7; i >= 0; i--)
			to[n++] = (uint8_t)((uint64_t)payload.n >> 8 * i);
	}
	for (int i = 0; masked && i < 4; i++)
		to[n++] = mask[i];
	for (size_t i = 0; i < payload.n; i++)
		to[n++] = payload.p[i] ^ (masked ? mask[i % 4] : 0);
	return n;
}

static uint8_t wire[1 << 18];
static size_t wire_n;

static void frame(unsigned first, struct rf_view payload)
{
	assert_true(payload.n + 16 <= sizeof wire - wire_n);
	wire_n += put_frame(wire + wire_n, first, payload, true);
}

/* Give what is on the wire, flush against an unmapped page. */
static int give(void)
{
	struct rf_view copy = guard_copy(rf_view_of(wire, wire_n));
	int rc = rf_ws_input(&seen.ws, copy);

	guard_free(copy);
	wire_n = 0;
	return rc;
}

static void assert_last(struct rf_view v)
{
	assert_int_equal(seen.last_n, v.n);
	if (v.n)
		assert_memory_equal(seen.last, v.p, v.n);
}

/* What we sent is one Close frame with this code and nothing behind it. */
static void assert_closed(size_t at, unsigned code)
{
	assert_true(seen.ws.closed && !seen.ws.part);
	assert_int_equal(seen.ws.code, code);
	assert_int_equal(seen.out_n - at, 4);
	assert_int_equal(seen.out[at], FIN | CLOSE);
	assert_int_equal(seen.out[at + 1], 2);
	assert_int_equal(seen.out[at + 2] << 8 | seen.out[at + 3], code);
}

static uint8_t *filled(size_t n)
{
	uint8_t *p = malloc(n);

	assert_non_null(p);
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)('a' + i % 26);
	return p;
}

static void test_sizes(void **state)
{
	static const size_t sizes[] = { 0, 1, 125, 126, 1500, 4084, 4096, 4097, 8000, 65535, 65536, BOUND };

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		uint8_t *p = filled(sizes[i] + 1);
		struct rf_view v = { p, sizes[i] };

		begin();
		for (unsigned k = 0; k < 3; k++)
			frame(FIN | (k == 1 ? BIN : TEXT), v);
		assert_int_equal(give(), 0);
		assert_int_equal(seen.messages, 3);
		assert_last(v);
		assert_null(seen.ws.part); /* idle: no memory */
		assert_int_equal(rf_ws_send(&seen.ws, v), 0);
		uint8_t *want = malloc(v.n + RF_WS_FRAME_HEAD);
		assert_non_null(want);
		size_t n = put_frame(want, FIN | TEXT, v, false);
		assert_true(n <= v.n + RF_WS_FRAME_HEAD);
		assert_int_equal(seen.out_n, n);
		assert_memory_equal(seen.out, want, n);
		assert_null(seen.ws.part);
		free(want);
		free(p);
	}
}

static void script(void)
{
	uint8_t *p = filled(300);

	frame(FIN | TEXT, RF_V("one"));
	frame(TEXT, RF_V("t"));
	frame(FIN | PING, RF_V("between"));
	frame(CONT, RF_V(""));
	frame(CONT, RF_V("w"));
	frame(FIN | PONG, RF_V(""));
	frame(FIN | CONT, RF_V("o"));
	frame(FIN | BIN, rf_view_of(p, 300));
	frame(BIN, RF_V(""));
	frame(FIN | CONT, RF_V("three"));
	free(p);
}

static void test_split_at_each_byte(void **state)
{
	(void)state;
	script();
	size_t all = wire_n;
	for (size_t at = 0; at <= all; at++) {
		begin();
		wire_n = 0;
		script();
		struct rf_view a = guard_copy(rf_view_of(wire, at)), b = guard_copy(rf_view_of(wire + at, all - at));

		assert_int_equal(rf_ws_input(&seen.ws, a), 0);
		assert_int_equal(rf_ws_input(&seen.ws, b), 0);
		assert_int_equal(seen.messages, 4);
		assert_int_equal(seen.pongs, 1);
		assert_last(RF_V("three"));
		assert_int_equal(seen.out_n, 9);
		assert_memory_equal(seen.out, "\x8a\x07" "between", 9);
		assert_null(seen.ws.part);
		guard_free(a);
		guard_free(b);
	}
	begin();
	for (size_t i = 0; i < all; i++)
		assert_int_equal(rf_ws_input(&seen.ws, rf_view_of(wire + i, 1)), 0);
	assert_int_equal(seen.messages, 4);
	wire_n = 0;
}

static void test_forbidden(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		unsigned code;
	} rows[] = {
#define ROW(s, c) { s, sizeof s - 1, c }
		ROW("\x81\x03" "one", RF_WS_PROTOCOL),               /* not masked */
		ROW("\xc1\x80\0\0\0\0", RF_WS_PROTOCOL),             /* reserved bits: no extension was agreed on */
		ROW("\xa1\x80\0\0\0\0", RF_WS_PROTOCOL),
		ROW("\x91\x80\0\0\0\0", RF_WS_PROTOCOL),
		ROW("\x83\x80\0\0\0\0", RF_WS_PROTOCOL),             /* opcodes that mean nothing */
		ROW("\x87\x80\0\0\0\0", RF_WS_PROTOCOL),
		ROW("\x8b\x80\0\0\0\0", RF_WS_PROTOCOL),
		ROW("\x8f\x80\0\0\0\0", RF_WS_PROTOCOL),
		ROW("\x80\x80\0\0\0\0", RF_WS_PROTOCOL),             /* continuation of nothing */
		ROW("\x01\x80\0\0\0\0\x81\x80\0\0\0\0", RF_WS_PROTOCOL), /* a second message inside one */
		ROW("\x09\x80\0\0\0\0", RF_WS_PROTOCOL),             /* a control frame in fragments */
		ROW("\x89\xfe\0\x7e\0\0\0\0", RF_WS_PROTOCOL),       /* and one of 126 bytes */
		ROW("\x82\xfe\0\x7d\0\0\0\0", RF_WS_PROTOCOL),       /* a length that is not in its shortest form */
		ROW("\x82\xff\0\0\0\0\0\0\xff\xff\0\0\0\0", RF_WS_PROTOCOL),
		ROW("\x82\xff\x80\0\0\0\0\0\0\0\0\0\0\0", RF_WS_PROTOCOL),
		ROW("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0x", RF_WS_TOO_BIG),
		ROW("\x88\x81\0\0\0\0\x03", RF_WS_PROTOCOL),         /* half a code */
		ROW("\x88\x82\0\0\0\0\x03\xed", RF_WS_PROTOCOL),     /* 1005 is never sent */
		ROW("\x88\x82\0\0\0\0\x03\xf7", RF_WS_PROTOCOL),     /* 1015 */
		ROW("\x88\x82\0\0\0\0\x07\xd0", RF_WS_PROTOCOL),     /* 2000 */
		ROW("\x88\x83\0\0\0\0\x03\xe8\xff", RF_WS_NOT_TEXT),
		ROW("\x81\x82\0\0\0\0\xc3(", RF_WS_NOT_TEXT),
		ROW("\x81\x81\0\0\0\0\xc3", RF_WS_NOT_TEXT),
		ROW("\x81\x83\0\0\0\0\xed\xa0\x80", RF_WS_NOT_TEXT), /* a surrogate */
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		begin();
		memcpy(wire, rows[i].bytes, rows[i].n);
		wire_n = rows[i].n;
		int rc = give();
		if (rc != (rows[i].code == RF_WS_TOO_BIG ? RF_E_LIMIT : RF_E_MALFORMED) || seen.messages)
			fail_msg("row %zu: %d, %u", i, rc, seen.messages);
		assert_closed(0, rows[i].code);
		assert_int_equal(rf_ws_input(&seen.ws, RF_V("\x81\x80\0\0\0\0")), RF_E_CLOSED);
		assert_int_equal(rf_ws_send(&seen.ws, RF_V("x")), RF_E_CLOSED);
		assert_int_equal(rf_ws_ping(&seen.ws), RF_E_CLOSED);
		assert_int_equal(seen.out_n, 4);
	}
	/* The same bytes are no text, but fine in a binary message; text may break between frames. */
	begin();
	frame(FIN | BIN, RF_V("\xc3("));
	frame(TEXT, RF_V("\xc3"));
	frame(FIN | CONT, RF_V("\xa9"));
	assert_int_equal(give(), 0);
	assert_int_equal(seen.messages, 2);
	assert_last(RF_V("\xc3\xa9"));
	assert_int_equal(rf_ws_send(&seen.ws, RF_V("\xc3(")), 0);
	assert_int_equal(seen.out[0], FIN | BIN);
}

static void test_bounds(void **state)
{
	uint8_t *p = filled(BOUND + 1);

	(void)state;
	begin();
	frame(FIN | BIN, rf_view_of(p, BOUND + 1));
	wire_n = 15; /* the head and a byte are enough to know */
	assert_int_equal(give(), RF_E_LIMIT);
	assert_closed(0, RF_WS_TOO_BIG);

	begin(); /* in fragments: at the bound, and one past it */
	frame(BIN, rf_view_of(p, BOUND - 1));
	frame(FIN | CONT, rf_view_of(p, 1));
	frame(BIN, rf_view_of(p, BOUND - 1));
	frame(CONT, rf_view_of(p, 2));
	assert_int_equal(give(), RF_E_LIMIT);
	assert_int_equal(seen.messages, 1);
	assert_closed(0, RF_WS_TOO_BIG);
	free(p);

	for (unsigned more = 0; more < 2; more++) {
		begin();
		frame(BIN, RF_V(""));
		for (unsigned i = 0; i < RF_WS_FRAGMENTS_MAX - 2 + more; i++)
			frame(CONT, RF_V(""));
		frame(FIN | CONT, RF_V("x"));
		assert_int_equal(give(), more ? RF_E_LIMIT : 0);
		assert_int_equal(seen.messages, !more);
	}
	assert_closed(0, RF_WS_POLICY);
}

static void test_closing(void **state)
{
	(void)state;
	begin(); /* the peer, with a code and a reason */
	frame(FIN | CLOSE, RF_V("\x0f\xa0" "bye"));
	frame(FIN | TEXT, RF_V("late"));
	assert_int_equal(give(), RF_E_CLOSED);
	assert_int_equal(seen.messages, 0);
	assert_closed(0, 4000);

	begin(); /* and without */
	frame(FIN | CLOSE, RF_V(""));
	assert_int_equal(give(), RF_E_CLOSED);
	assert_int_equal(seen.out_n, 2);
	assert_int_equal(seen.ws.code, 0);

	begin(); /* us, in the middle of our own callback, with more behind */
	seen.close_in_message = true;
	frame(FIN | TEXT, RF_V("one"));
	frame(FIN | TEXT, RF_V("two"));
	assert_int_equal(give(), RF_E_CLOSED);
	assert_int_equal(seen.messages, 1);
	assert_closed(0, RF_WS_GOING_AWAY);
	rf_ws_close(&seen.ws, RF_WS_NORMAL);
	assert_int_equal(seen.out_n, 4);

	begin(); /* half a message is left */
	frame(TEXT, RF_V("half"));
	assert_int_equal(give(), 0);
	assert_non_null(seen.ws.part);
	rf_ws_close(&seen.ws, RF_WS_NORMAL);
	assert_closed(0, RF_WS_NORMAL);

	begin(); /* a peer that does not read any more */
	seen.send_rc = RF_E_LIMIT;
	assert_int_equal(rf_ws_send(&seen.ws, RF_V("x")), RF_E_LIMIT);
	assert_true(seen.ws.closed && !seen.ws.part);
	begin();
	seen.send_rc = RF_E_LIMIT;
	frame(FIN | PING, RF_V("x"));
	assert_int_equal(give(), RF_E_LIMIT);
	assert_null(seen.ws.part);
}

static void test_answer_inside(void **state)
{
	(void)state;
	begin();
	seen.echo = true;
	frame(TEXT, RF_V("on"));
	frame(FIN | CONT, RF_V("e"));
	frame(FIN | TEXT, RF_V("two"));
	wire_n -= 1; /* the last byte comes later */
	size_t n = wire_n;
	assert_int_equal(give(), 0);
	assert_int_equal(rf_ws_input(&seen.ws, rf_view_of(wire + n, 1)), 0);
	assert_int_equal(seen.out_n, 10);
	assert_memory_equal(seen.out, "\x81\x03" "one" "\x81\x03" "two", 10);
	assert_int_equal(rf_ws_ping(&seen.ws), 0);
	assert_memory_equal(seen.out + 10, "\x89\x00", 2);
}

static void test_failed_allocations(void **state)
{
	uint8_t *p = filled(20000);
	unsigned n;

	(void)state;
	for (n = 1;; n++) {
		begin();
		wire_n = 0;
		frame(BIN, rf_view_of(p, 9000));
		frame(FIN | CONT, rf_view_of(p, 9000));
		struct rf_view copy = guard_copy(rf_view_of(wire, wire_n));
		fail_alloc_at(n);
		int rc = rf_ws_input(&seen.ws, copy);
		bool failed = fail_alloc_off();
		guard_free(copy);
		if (!failed)
			break;
		if (rc == 0)
			continue; /* one of this test's own */
		assert_int_equal(rc, -ENOMEM);
		assert_true(seen.ws.closed && !seen.ws.part);
	}
	assert_true(n > 2);
	begin();
	fail_alloc_at(1);
	assert_int_equal(rf_ws_send(&seen.ws, RF_V("x")), -ENOMEM);
	fail_alloc_off();
	assert_int_equal(rf_ws_send(&seen.ws, RF_V("x")), 0);
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes), cmocka_unit_test(test_split_at_each_byte),
		cmocka_unit_test(test_forbidden), cmocka_unit_test(test_bounds), cmocka_unit_test(test_closing),
		cmocka_unit_test(test_answer_inside),
		cmocka_unit_test(test_failed_allocations),
	};

	return cmocka_run_group_tests(tests, NULL, end);
}
