/* The parser's bounds and the readings that must not differ. */
#include "sip/build.h"

#include "guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static struct rf_sip_msg m;

#define VIA "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa\r\n"
#define REST "From: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\nCall-ID: x@y\r\nCSeq: 1 OPTIONS\r\n"
#define START "OPTIONS sip:b@h SIP/2.0\r\n"
#define OK_HEAD START VIA REST

static void expect_rule(const char *what, enum rf_sip_rule want)
{
	if (m.rule != want)
		print_error("%s: %s, not %s\n", what, rf_sip_rule_info(m.rule)->name, rf_sip_rule_info(want)->name);
	assert_int_equal(m.rule, want);
}

/* One line each: what is sent, which rule refuses it, which answer. */
static void test_readings(void **state)
{
	static const struct {
		const char *name, *bytes;
		enum rf_sip_rule rule;
		uint16_t answer;
	} rows[] = {
		{ "plain", OK_HEAD "\r\n", RF_SIP_RULE_NONE, 0 },
		{ "empty lines before", "\r\n\r\n" OK_HEAD "\r\n", RF_SIP_RULE_NONE, 0 },
		{ "nothing", "", RF_SIP_RULE_EMPTY, 0 },
		{ "keep-alive", "\r\n\r\n", RF_SIP_RULE_EMPTY, 0 },
		{ "noise", "\x16\x03\x01\x02", RF_SIP_RULE_START_LINE, 0 },
		{ "http", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", RF_SIP_RULE_START_LINE, 0 },
		{ "lower-case version", "OPTIONS sip:b@h sip/2.0\r\n" VIA REST "\r\n", RF_SIP_RULE_NONE, 0 },
		{ "version 2.1", "OPTIONS sip:b@h SIP/2.1\r\n" VIA REST "\r\n", RF_SIP_RULE_VERSION, 505 },
		{ "version 02.0", "OPTIONS sip:b@h SIP/02.0\r\n" VIA REST "\r\n", RF_SIP_RULE_VERSION, 505 },
		{ "version words", "OPTIONS sip:b@h SIP/two\r\n" VIA REST "\r\n", RF_SIP_RULE_START_LINE, 400 },
		{ "no version", "OPTIONS sip:b@h\r\n" VIA REST "\r\n", RF_SIP_RULE_START_LINE, 400 },
		{ "tab in request line", "OPTIONS\tsip:b@h SIP/2.0\r\n" VIA REST "\r\n", RF_SIP_RULE_START_LINE, 0 },
		{ "folded request line", "OPTIONS sip:b@h SIP/2.0\r\n Q: y\r\n" VIA REST "\r\n", RF_SIP_RULE_HEADER,
		  400 },
		{ "lower-case method", "options sip:b@h SIP/2.0\r\n" VIA REST "\r\n", RF_SIP_RULE_CSEQ_METHOD, 400 },
		{ "tel", "OPTIONS tel:+1 SIP/2.0\r\n" VIA REST "\r\n", RF_SIP_RULE_NONE, 0 },
		{ "mailto", "OPTIONS mailto:a@b SIP/2.0\r\n" VIA REST "\r\n", RF_SIP_RULE_SCHEME, 416 },
		{ "two lengths, equal", OK_HEAD "Content-Length: 0\r\nContent-Length: 0\r\n\r\n", RF_SIP_RULE_DUPLICATE,
		  400 },
		{ "two lengths, compact", OK_HEAD "l: 0\r\nContent-Length: 0\r\n\r\n", RF_SIP_RULE_DUPLICATE, 400 },
		{ "length as list", OK_HEAD "Content-Length: 0, 0\r\n\r\n", RF_SIP_RULE_LENGTH, 400 },
		{ "length with sign", OK_HEAD "Content-Length: +0\r\n\r\n", RF_SIP_RULE_LENGTH, 400 },
		{ "length hex", OK_HEAD "Content-Length: 0x0\r\n\r\n", RF_SIP_RULE_LENGTH, 400 },
		{ "length 2^32", OK_HEAD "Content-Length: 4294967296\r\n\r\n", RF_SIP_RULE_LENGTH, 400 },
		{ "length 2^64", OK_HEAD "Content-Length: 18446744073709551616\r\n\r\n", RF_SIP_RULE_LENGTH, 400 },
		{ "length empty", OK_HEAD "Content-Length:\r\n\r\n", RF_SIP_RULE_LENGTH, 400 },
		{ "length folded", OK_HEAD "Content-Length:\r\n 2\r\n\r\nab", RF_SIP_RULE_NONE, 0 },
		{ "length short", OK_HEAD "Content-Length: 3\r\n\r\nab", RF_SIP_RULE_LENGTH_SHORT, 400 },
		{ "two From", OK_HEAD "From: <sip:a@h>;tag=1\r\n\r\n", RF_SIP_RULE_DUPLICATE, 400 },
		{ "two To, compact", OK_HEAD "t: <sip:b@h>\r\n\r\n", RF_SIP_RULE_DUPLICATE, 400 },
		{ "two Call-ID", OK_HEAD "i: x@y\r\n\r\n", RF_SIP_RULE_DUPLICATE, 400 },
		{ "two CSeq", OK_HEAD "CSeq: 1 OPTIONS\r\n\r\n", RF_SIP_RULE_DUPLICATE, 400 },
		{ "two Max-Forwards", OK_HEAD "Max-Forwards: 1\r\nMax-Forwards: 1\r\n\r\n", RF_SIP_RULE_DUPLICATE,
		  400 },
		{ "two Content-Type", OK_HEAD "c: a/b\r\nContent-Type: a/b\r\n\r\n", RF_SIP_RULE_DUPLICATE, 400 },
		{ "two Expires", OK_HEAD "Expires: 1\r\nExpires: 1\r\n\r\n", RF_SIP_RULE_DUPLICATE, 400 },
		{ "two unknown", OK_HEAD "Q: 1\r\nX: 1\r\n\r\n", RF_SIP_RULE_NONE, 0 },
		{ "CSeq other method",
		  START VIA "From: <sip:a@h>\r\nTo: <sip:b@h>\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n\r\n",
		  RF_SIP_RULE_CSEQ_METHOD, 400 },
		{ "bare LF", START VIA "Q: a\nVia: SIP/2.0/UDP evil\r\n" REST "\r\n", RF_SIP_RULE_LINE_END, 400 },
		{ "bare LF line ends", "OPTIONS sip:b@h SIP/2.0\n" VIA REST "\n", RF_SIP_RULE_LINE_END, 0 },
		{ "bare CR", START VIA "Q: a\rb\r\n" REST "\r\n", RF_SIP_RULE_LINE_END, 400 },
		{ "CR CR LF", START VIA "Q: a\r\r\n" REST "\r\n", RF_SIP_RULE_LINE_END, 400 },
		{ "bare LF in the top Via", START "Via: SIP/2.0/UDP a\n;b\r\nVia: SIP/2.0/UDP b\r\n" REST "\r\n",
		  RF_SIP_RULE_LINE_END, 0 },
		{ "control", START VIA "Q: a\x01\r\n" REST "\r\n", RF_SIP_RULE_CONTROL, 400 },
		{ "DEL", START VIA "Q: a\x7f\r\n" REST "\r\n", RF_SIP_RULE_CONTROL, 400 },
		{ "control in quotes", START VIA "Q: \"a\x01\"\r\n" REST "\r\n", RF_SIP_RULE_CONTROL, 400 },
		{ "control as quoted pair", START VIA "Q: \"a\\\x01\"\r\n" REST "\r\n", RF_SIP_RULE_NONE, 0 },
		{ "quoted pair outside quotes", START VIA "Q: a\\\x01\r\n" REST "\r\n", RF_SIP_RULE_CONTROL, 400 },
		{ "tab and UTF-8", START VIA "Q: \ta\t\xc3\xa9\r\n" REST "\r\n", RF_SIP_RULE_NONE, 0 },
		{ "no colon", START VIA "Q a\r\n" REST "\r\n", RF_SIP_RULE_HEADER, 400 },
		{ "no name", START VIA ": a\r\n" REST "\r\n", RF_SIP_RULE_HEADER, 400 },
		{ "space in name", START VIA "X Y: a\r\n" REST "\r\n", RF_SIP_RULE_HEADER, 400 },
		{ "CR for a dash", START VIA "Call\rID: evil\r\n" REST "\r\n", RF_SIP_RULE_LINE_END, 400 },
		{ "space before colon", START VIA REST "Content-Length \t: 0\r\n\r\n", RF_SIP_RULE_NONE, 0 },
		{ "only a fold", START VIA REST "Subject:\r\n \r\n\r\n", RF_SIP_RULE_NONE, 0 },
		{ "no end", OK_HEAD, RF_SIP_RULE_NO_END, 400 },
		{ "no end, CR", OK_HEAD "\r", RF_SIP_RULE_NO_END, 400 },
		{ "no Via", START REST "\r\n", RF_SIP_RULE_MISSING, 0 },
		{ "empty Via", START "Via:\r\n" REST "\r\n", RF_SIP_RULE_VIA, 0 },
		{ "Via list with a hole", START "Via: SIP/2.0/UDP a,,SIP/2.0/UDP b\r\n" REST "\r\n", RF_SIP_RULE_VIA,
		  400 },
		{ "Via list ends in comma", START "Via: SIP/2.0/UDP a,\r\n" REST "\r\n", RF_SIP_RULE_VIA, 400 },
		{ "bad first Via, good second", START "Via: SIP/2.0\r\nVia: SIP/2.0/UDP b\r\n" REST "\r\n",
		  RF_SIP_RULE_VIA, 0 },
		{ "cookie alone", START "Via: SIP/2.0/UDP a;branch=Z9HG4BK\r\n" REST "\r\n", RF_SIP_RULE_BRANCH, 400 },
		{ "Max-Forwards 255", OK_HEAD "Max-Forwards: 255\r\n\r\n", RF_SIP_RULE_NONE, 0 },
		{ "Max-Forwards 256", OK_HEAD "Max-Forwards: 256\r\n\r\n", RF_SIP_RULE_MAX_FORWARDS, 400 },
		{ "Content-Type without subtype", OK_HEAD "Content-Type: text\r\n\r\n", RF_SIP_RULE_CONTENT_TYPE, 400 },
		{ "ACK is never answered", "ACK sip:b@h SIP/2.0\r\n" VIA "Q: \x01\r\n\r\n", RF_SIP_RULE_CONTROL, 0 },
		{ "response", "SIP/2.0 200 OK\r\n" VIA REST "\r\n", RF_SIP_RULE_NONE, 0 },
		{ "response without space", "SIP/2.0 200\r\n" VIA REST "\r\n", RF_SIP_RULE_NONE, 0 },
		{ "status 99", "SIP/2.0 099 x\r\n" VIA REST "\r\n", RF_SIP_RULE_STATUS, 0 },
		{ "status 700", "SIP/2.0 700 x\r\n" VIA REST "\r\n", RF_SIP_RULE_STATUS, 0 },
		{ "status four digits", "SIP/2.0 2000 x\r\n" VIA REST "\r\n", RF_SIP_RULE_STATUS, 0 },
		{ "status of a later version", "SIP/3.0 200 x\r\n" VIA REST "\r\n", RF_SIP_RULE_VERSION, 0 },
		{ "broken response", "SIP/2.0 200 OK\r\n" VIA "Q: \x01\r\n" REST "\r\n", RF_SIP_RULE_CONTROL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rf_view v = guard_copy(rf_view_str(rows[i].bytes));

		rf_sip_msg_parse(&m, v, RF_SIP_DATAGRAM, NULL);
		expect_rule(rows[i].name, rows[i].rule);
		if (m.answer != rows[i].answer)
			print_error("%s: answer %u\n", rows[i].name, m.answer);
		assert_int_equal(m.answer, rows[i].answer);
		guard_free(v);
	}
	static const uint8_t nul[] = OK_HEAD "Q: a\0b\r\n\r\n";
	rf_sip_msg_parse(&m, rf_view_of(nul, sizeof nul - 1), RF_SIP_DATAGRAM, NULL);
	expect_rule("NUL", RF_SIP_RULE_CONTROL);
}

static void test_body(void **state)
{
	(void)state;
	assert_int_equal(rf_sip_msg_parse(&m, RF_V(OK_HEAD "Content-Length: 2\r\n\r\nabcd"), RF_SIP_DATAGRAM, NULL), 0);
	assert_true(rf_view_eq(m.body, RF_V("ab")));
	assert_int_equal(m.extra, 2);
	assert_int_equal(rf_sip_msg_parse(&m, RF_V(OK_HEAD "\r\nabcd"), RF_SIP_DATAGRAM, NULL), 0);
	assert_true(rf_view_eq(m.body, RF_V("abcd")));
	assert_int_equal(m.extra, 0);
	assert_true(rf_sip_msg_parse(&m, RF_V(OK_HEAD "\r\n"), RF_SIP_STREAM, NULL) < 0);
	expect_rule("stream without length", RF_SIP_RULE_LENGTH_NONE);
	assert_true(rf_sip_msg_parse(&m, RF_V(OK_HEAD "l: 1\r\n\r\nab"), RF_SIP_STREAM, NULL) < 0);
	expect_rule("stream too long", RF_SIP_RULE_LENGTH_LONG);
}

static void test_numbers(void **state)
{
	static const struct {
		const char *line;
		enum rf_sip_rule rule;
	} rows[] = {
		{ "CSeq: 2147483647 OPTIONS", RF_SIP_RULE_NONE }, { "CSeq: 2147483648 OPTIONS", RF_SIP_RULE_CSEQ },
		{ "CSeq: 0 OPTIONS", RF_SIP_RULE_NONE },          { "CSeq: 000000000000000000001 OPTIONS",
		  RF_SIP_RULE_NONE },
		{ "CSeq: 1", RF_SIP_RULE_CSEQ },                  { "CSeq: 1OPTIONS", RF_SIP_RULE_CSEQ },
		{ "CSeq: OPTIONS", RF_SIP_RULE_CSEQ },            { "CSeq: 1 OPTIONS x", RF_SIP_RULE_CSEQ },
		{ "CSeq: -1 OPTIONS", RF_SIP_RULE_CSEQ },         { "CSeq:\t1\tOPTIONS", RF_SIP_RULE_NONE },
	};
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		snprintf(text, sizeof text, START VIA "From: <sip:a@h>\r\nTo: <sip:b@h>\r\nCall-ID: x\r\n%s\r\n\r\n",
			 rows[i].line);
		rf_sip_msg_parse(&m, rf_view_str(text), RF_SIP_DATAGRAM, NULL);
		expect_rule(rows[i].line, rows[i].rule);
	}
	static const struct {
		const char *text;
		uint32_t s;
	} expires[] = { { "0", 0 }, { "60", 60 }, { "4294967296", UINT32_MAX }, { "x", 3600 }, { "", 3600 } };
	for (size_t i = 0; i < sizeof expires / sizeof *expires; i++) {
		snprintf(text, sizeof text, OK_HEAD "Expires: %s\r\n\r\n", expires[i].text);
		assert_int_equal(rf_sip_msg_parse(&m, rf_view_str(text), RF_SIP_DATAGRAM, NULL), 0);
		assert_true(m.has_expires);
		assert_int_equal(m.expires_s, expires[i].s);
	}
}

/* Each bound is met and passed by one. */
static void test_limits(void **state)
{
	static const struct rf_sip_limits lim = { .message_bytes = 2000, .head_bytes = 1800, .start_bytes = 100,
						  .line_bytes = 200, .headers = 20, .vias = 3 };
	static char text[4096];

	(void)state;
	for (int over = 0; over <= 1; over++) {
		/* "OPTIONS sip:" + user + "@h SIP/2.0" */
		int user = 100 - 12 - 10 + over;
		snprintf(text, sizeof text, "OPTIONS sip:%0*d@h SIP/2.0\r\n" VIA REST "\r\n", user, 1);
		rf_sip_msg_parse(&m, rf_view_str(text), RF_SIP_DATAGRAM, &lim);
		expect_rule("start", over ? RF_SIP_RULE_START_LONG : RF_SIP_RULE_NONE);
		assert_int_equal(m.answer, over ? 414 : 0);

		snprintf(text, sizeof text, OK_HEAD "Q: %0*d\r\n\r\n", 197 + over, 1);
		rf_sip_msg_parse(&m, rf_view_str(text), RF_SIP_DATAGRAM, &lim);
		expect_rule("line", over ? RF_SIP_RULE_LINE_LONG : RF_SIP_RULE_NONE);
		assert_int_equal(m.answer, over ? 513 : 0);

		size_t n = (size_t)snprintf(text, sizeof text, OK_HEAD);
		for (int i = 5; i < 20 + over; i++)
			n += (size_t)snprintf(text + n, sizeof text - n, "Q: y\r\n");
		snprintf(text + n, sizeof text - n, "\r\n");
		rf_sip_msg_parse(&m, rf_view_str(text), RF_SIP_DATAGRAM, &lim);
		expect_rule("headers", over ? RF_SIP_RULE_HEADERS : RF_SIP_RULE_NONE);
		assert_int_equal(m.answer, over ? 513 : 0);

		snprintf(text, sizeof text, OK_HEAD "Via: SIP/2.0/UDP a, SIP/2.0/UDP b%s\r\n\r\n",
			 over ? "\r\nv: SIP/2.0/UDP c" : "");
		rf_sip_msg_parse(&m, rf_view_str(text), RF_SIP_DATAGRAM, &lim);
		expect_rule("vias", over ? RF_SIP_RULE_VIA_COUNT : RF_SIP_RULE_NONE);
		assert_int_equal(m.answer, over ? 483 : 0);

		n = (size_t)snprintf(text, sizeof text, OK_HEAD);
		for (int i = 0; i < 8; i++)
			n += (size_t)snprintf(text + n, sizeof text - n, "Q: %0190d\r\n", 1);
		n += (size_t)snprintf(text + n, sizeof text - n, "Y: %0*d\r\n\r\n",
			(int)(1800 - n - 7 + (size_t)over), 1);
		assert_int_equal(n, 1800 + over);
		rf_sip_msg_parse(&m, rf_view_str(text), RF_SIP_DATAGRAM, &lim);
		expect_rule("head", over ? RF_SIP_RULE_HEAD_LONG : RF_SIP_RULE_NONE);

		n = (size_t)snprintf(text, sizeof text, OK_HEAD "\r\n");
		memset(text + n, 'x', sizeof text - n);
		rf_sip_msg_parse(&m, rf_view_of(text, 2000 + (size_t)over), RF_SIP_DATAGRAM, &lim);
		expect_rule("message", over ? RF_SIP_RULE_MESSAGE_LONG : RF_SIP_RULE_NONE);
		assert_int_equal(m.answer, over ? 513 : 0);

		snprintf(text, sizeof text,
			START VIA "From: <sip:a@h>\r\nTo: <sip:b@h>\r\nCSeq: 1 OPTIONS\r\nCall-ID: %0*d\r\n\r\n",
			 512 + over, 1);
		rf_sip_msg_parse(&m, rf_view_str(text), RF_SIP_DATAGRAM, NULL);
		expect_rule("call-id", over ? RF_SIP_RULE_CALL_ID : RF_SIP_RULE_NONE);

		snprintf(text, sizeof text, START VIA "From: <sip:a@h>;tag=%0*d\r\nTo: <sip:b@h>\r\nCSeq: 1 OPTIONS\r\n"
			 "Call-ID: 1\r\n\r\n", 256 + over, 1);
		rf_sip_msg_parse(&m, rf_view_str(text), RF_SIP_DATAGRAM, NULL);
		expect_rule("tag", over ? RF_SIP_RULE_FROM : RF_SIP_RULE_NONE);

		snprintf(text, sizeof text, START "Via: SIP/2.0/UDP h;branch=%0*d\r\n" REST "\r\n", 512 + over, 1);
		rf_sip_msg_parse(&m, rf_view_str(text), RF_SIP_DATAGRAM, NULL);
		expect_rule("branch", over ? RF_SIP_RULE_VIA : RF_SIP_RULE_NONE);
	}
}

/* The default bounds hold a message that fills them, and 70 Vias. */
static void test_defaults(void **state)
{
	size_t cap = 80000;
	char *text = malloc(cap);

	(void)state;
	assert_non_null(text);
	for (int vias = 70; vias <= 71; vias++) {
		size_t n = (size_t)snprintf(text, cap, START);

		for (int i = 0; i < vias; i++)
			n += (size_t)snprintf(text + n, cap - n, VIA);
		n += (size_t)snprintf(text + n, cap - n, REST "\r\n");
		rf_sip_msg_parse(&m, rf_view_of(text, n), RF_SIP_DATAGRAM, NULL);
		expect_rule("vias", vias == 70 ? RF_SIP_RULE_NONE : RF_SIP_RULE_VIA_COUNT);
	}
	for (int headers = 256; headers <= 257; headers++) {
		size_t n = (size_t)snprintf(text, cap, OK_HEAD);

		for (int i = 5; i < headers; i++)
			n += (size_t)snprintf(text + n, cap - n, "Route: <sip:h%d;lr>\r\n", i);
		n += (size_t)snprintf(text + n, cap - n, "\r\n");
		rf_sip_msg_parse(&m, rf_view_of(text, n), RF_SIP_DATAGRAM, NULL);
		expect_rule("headers", headers == 256 ? RF_SIP_RULE_NONE : RF_SIP_RULE_HEADERS);
	}
	struct rf_sip_values it = rf_sip_values_of(&m, RF_SIP_H_ROUTE);
	struct rf_view v;
	unsigned count = 0;
	while (rf_sip_values_next(&it, &v) > 0)
		count++;
	assert_int_equal(count, 251);
	free(text);
}

/* What the same struct held before does not show. */
static void test_reuse(void **state)
{
	(void)state;
	assert_int_equal(rf_sip_msg_parse(&m, RF_V(OK_HEAD "Expires: 5\r\nMax-Forwards: 3\r\nContent-Type: a/b\r\n"
							   "Content-Length: 1\r\n\r\nx"), RF_SIP_DATAGRAM, NULL), 0);
	assert_int_equal(m.max_forwards, 3);
	assert_int_equal(rf_sip_msg_parse(&m, RF_V("SIP/2.0 200 OK\r\n" VIA REST "\r\n"), RF_SIP_DATAGRAM, NULL), 0);
	assert_false(m.is_request || m.has_expires || m.has_length);
	assert_int_equal(m.max_forwards, -1);
	assert_int_equal(m.content_type.n + m.body.n + m.extra, 0);
	assert_null(rf_sip_msg_hdr(&m, RF_SIP_H_EXPIRES));
	rf_sip_msg_parse(&m, RF_V("x"), RF_SIP_DATAGRAM, NULL);
	assert_false(m.has_via || m.has_from || m.has_to || m.has_call_id || m.has_cseq);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_readings), cmocka_unit_test(test_body),     cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_limits),   cmocka_unit_test(test_defaults), cmocka_unit_test(test_reuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
