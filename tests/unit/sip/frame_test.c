#include "sip/frame.h"
#include "sip/msg.h"

#include "guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define HEAD "OPTIONS sip:b@h SIP/2.0\r\nVia: SIP/2.0/TCP h\r\n"

/* Everything that a stream of bytes gives, as letters: M<n> message, p ping, o pong, E<rule> error, . more. */
static void run(const char *bytes, size_t n, size_t step, unsigned pings, const struct rf_sip_limits *lim, char *out,
		size_t cap)
{
	struct rf_view all = guard_copy(rf_view_of(bytes, n)), rest = all;
	struct rf_sip_frame f;
	size_t have = 0, used, o = 0;

	rf_sip_frame_init(&f);
	while (pings--)
		rf_sip_frame_pinged(&f);
	out[0] = '\0';
	for (;;) {
		switch (rf_sip_frame_next(&f, rf_view_sub(rest, 0, have), lim, &used)) {
		case RF_SIP_FRAME_MORE:
			if (have == rest.n) {
				if (have)
					snprintf(out + o, cap - o, ".");
				guard_free(all);
				return;
			}
			have = rest.n - have > step ? have + step : rest.n;
			continue;
		case RF_SIP_FRAME_PING:
			o += (size_t)snprintf(out + o, cap - o, "p");
			break;
		case RF_SIP_FRAME_PONG:
			o += (size_t)snprintf(out + o, cap - o, "o");
			break;
		case RF_SIP_FRAME_MESSAGE:
			o += (size_t)snprintf(out + o, cap - o, "M%zu", used);
			break;
		case RF_SIP_FRAME_ERROR:
			snprintf(out + o, cap - o, "E:%s", rf_sip_rule_info((enum rf_sip_rule)f.rule)->name);
			guard_free(all);
			return;
		}
		rest = rf_view_from(rest, used);
		have -= used;
	}
}

static void test_streams(void **state)
{
	static const struct {
		const char *bytes;
		unsigned pings;
		const char *want;
	} rows[] = {
		{ "", 0, "" },
		{ HEAD "Content-Length: 0\r\n\r\n", 0, "M66" },
		{ HEAD "l:2\r\n\r\nab" HEAD "Content-Length : 1\r\n\r\n\n", 0, "M54M68" },
		{ HEAD "Content-Length:\r\n 3\r\n\r\nabc", 0, "M71" },
		{ HEAD "Content-Length: 3\r\n\r\nab", 0, "." },
		{ HEAD "X: y\r\n Content-Length: 9\r\nl: 0\r\n\r\n", 0, "M79" },
		{ HEAD "X: \"\\\x01\"\r\nl: 0\r\n\r\n", 0, "M62" },
		{ "\r\n\r\n", 0, "p" },
		{ "\r\n\r\n\r\n\r\n", 0, "pp" },
		{ "\r\n", 1, "o" },
		{ "\r\n", 0, "." },
		{ "\r\n\r\n\r\n", 1, "op" },
		{ "\r\n" HEAD "l: 0\r\n\r\n", 0, "oM53" },
		{ "\r\n\r\n" HEAD "l: 0\r\n\r\n\r\n\r\n", 0, "pM53p" },
		{ "\r", 0, "." },
		{ "\rx", 0, "E:line-end" },
		{ "\r\n\rx", 0, "oE:line-end" },
		{ "\n", 0, "E:start-line" },
		{ " x", 0, "E:start-line" },
		{ "\x16\x03\x01", 0, "E:start-line" },
		{ HEAD "\r\n", 0, "E:length-none" },
		{ HEAD "l: 0\r\nContent-Length: 0\r\n\r\n", 0, "E:duplicate" },
		{ HEAD "l: -1\r\n\r\n", 0, "E:length" },
		{ HEAD "l: 1 1\r\n\r\n", 0, "E:length" },
		{ HEAD "l: 99999999999999999999\r\n\r\n", 0, "E:length" },
		{ HEAD "l: 65537\r\n\r\n", 0, "E:message-long" },
		{ HEAD "l: 65536\r\n\r\n", 0, "E:message-long" },
		{ HEAD "X: a\nl: 0\r\n\r\n", 0, "E:line-end" },
		{ HEAD "X: a\rl: 0\r\n\r\n", 0, "E:line-end" },
		{ HEAD "Content-Length 0\r\n\r\n", 0, "E:header" },
		{ "SIP/2.0 200 OK\r\nl: 0\r\n\r\n", 0, "M24" },
	};
	static const size_t steps[] = { 1, 2, 3, 7, 4096 };
	char got[64];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (size_t k = 0; k < sizeof steps / sizeof *steps; k++) {
			run(rows[i].bytes, strlen(rows[i].bytes), steps[k], rows[i].pings, NULL, got, sizeof got);
			assert_string_equal(got, rows[i].want);
		}
}

static void test_limits(void **state)
{
	static const struct rf_sip_limits lim = { .message_bytes = 600, .head_bytes = 400, .start_bytes = 60,
						  .line_bytes = 100, .headers = 20, .vias = 3 };
	char text[1024], got[64];
	int n;

	(void)state;
	for (int over = 0; over <= 1; over++) {
		n = snprintf(text, sizeof text, "OPTIONS sip:%0*d SIP/2.0\r\nl: 0\r\n\r\n", 60 - 20 + over, 1);
		run(text, (size_t)n, 5, 0, &lim, got, sizeof got);
		assert_string_equal(got, over ? "E:start-long" : "M70");
		n = snprintf(text, sizeof text, HEAD "X: %0*d\r\nl: 0\r\n\r\n", 97 + over, 1);
		run(text, (size_t)n, 5, 0, &lim, got, sizeof got);
		assert_string_equal(got, over ? "E:line-long" : "M155");
		n = snprintf(text, sizeof text, HEAD "X: %0*d\r\n %0*d\r\nl: 0\r\n\r\n", 50, 1, 44 + over, 1);
		run(text, (size_t)n, 5, 0, &lim, got, sizeof got);
		assert_string_equal(got, over ? "E:line-long" : "M155");
		n = snprintf(text, sizeof text, HEAD "l: %d\r\n\r\n", 600 - 55 + over);
		memset(text + n, 'x', 600);
		run(text, 600, 5, 0, &lim, got, sizeof got);
		assert_string_equal(got, over ? "E:message-long" : "M600");
	}
	/* A line without an end and a head without an end are given up, however slowly they come. */
	memset(text, 'x', sizeof text);
	run(text, sizeof text, 1, 0, &lim, got, sizeof got);
	assert_string_equal(got, "E:start-long");
	n = snprintf(text, sizeof text, HEAD);
	for (; n < 900; n += 6)
		memcpy(text + n, "X: y\r\n", 6);
	run(text, 900, 1, 0, &lim, got, sizeof got);
	assert_string_equal(got, "E:head-long");
}

/* A slow peer: every byte is looked at a bounded number of times. A megabyte of a body a byte at a time would take
 * minutes if each call began anew. */
static void test_linear(void **state)
{
	static const struct rf_sip_limits lim = { .message_bytes = 1 << 20, .head_bytes = 1 << 20, .start_bytes = 100,
						  .line_bytes = 1 << 20, .headers = 20, .vias = 3 };
	size_t size = 1 << 20, used, at = 0;
	char *text = malloc(size);
	struct rf_sip_frame f;

	(void)state;
	assert_non_null(text);
	memset(text, 'y', size);
	memcpy(text, HEAD "l: 0\r\nX: ", sizeof HEAD "l: 0\r\nX: " - 1);
	memcpy(text + size - 4, "\r\n\r\n", 4);
	rf_sip_frame_init(&f);
	for (at = 1; at < size; at++)
		if (rf_sip_frame_next(&f, rf_view_of(text, at), &lim, &used) != RF_SIP_FRAME_MORE)
			fail();
	assert_int_equal(rf_sip_frame_next(&f, rf_view_of(text, at), &lim, &used), RF_SIP_FRAME_MESSAGE);
	assert_int_equal(used, size);
	free(text);
}

static void test_need(void **state)
{
	struct rf_sip_frame f;
	size_t used;
	struct rf_view v = RF_V(HEAD "l: 1000\r\n\r\nx");

	(void)state;
	rf_sip_frame_init(&f);
	assert_int_equal(rf_sip_frame_next(&f, v, NULL, &used), RF_SIP_FRAME_MORE);
	assert_int_equal(f.need, v.n - 1 + 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_streams),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_linear),
		cmocka_unit_test(test_need),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
