/* Lists, tokens, numbers and bodies on demand. */
#include "sip/build.h"
#include "sip/mpart.h"

#include "guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static struct rf_sip_msg m;

static void with(const char *headers)
{
	static char text[4096];

	snprintf(text, sizeof text,
		"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a>\r\nTo: <sip:b>\r\nCall-ID: x\r\n"
		 "CSeq: 1 INVITE\r\n%s\r\n", headers);
	if (rf_sip_msg_parse(&m, rf_view_str(text), RF_SIP_DATAGRAM, NULL))
		print_error("%s: %s\n", headers, rf_sip_rule_info(m.rule)->name);
	assert_int_equal(m.rule, RF_SIP_RULE_NONE);
}

/* The values joined by "|", then "!" when the list is broken. */
static void test_values(void **state)
{
	static const struct {
		const char *headers, *want;
	} rows[] = {
		{ "", "" },
		{ "Route:\r\n", "" },
		{ "Route: <a>\r\n", "<a>" },
		{ "Route: <a,b>,<c>\r\nRoute: \"x,\\\"y\" <d> , e\r\n", "<a,b>|<c>|\"x,\\\"y\" <d>|e" },
		{ "Route: <a>\r\nSubject: q\r\nRoute:\r\nRoute: <b>\r\n", "<a>|<b>" },
		{ "Route: <a>,\r\n <b>\r\n", "<a>|<b>" },
		{ "Route: <a>,\r\n", "<a>!" },
		{ "Route: <a>,\r\nRoute: <b>\r\n", "<a>!" },
		{ "Route: ,<a>\r\n", "!" },
		{ "Route: <a>,,<b>\r\n", "<a>!" },
		{ "Route: <a,\r\n", "!" },
		{ "Route: a, \"b\r\n", "a|\"b" },
		{ "Route: \"b, c\r\n", "!" },
		{ "Route: \"b\\\", c\r\n", "!" },
		{ "Route: \"b, c\\\r\n", "!" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char got[256] = "";
		size_t n = 0;
		struct rf_view v;
		int rc;

		with(rows[i].headers);
		struct rf_sip_values it = rf_sip_values_of(&m, RF_SIP_H_ROUTE);
		while ((rc = rf_sip_values_next(&it, &v)) > 0)
			n += (size_t)snprintf(got + n, sizeof got - n, "%s%.*s", n ? "|" : "", RF_VFMT(v));
		if (rc < 0)
			snprintf(got + n, sizeof got - n, "!");
		assert_string_equal(got, rows[i].want);
	}
}

static void test_tokens(void **state)
{
	(void)state;
	with("Supported: timer, ,100rel ,\r\nk: Path;x\r\nAllow: INVITE,ack, BYE\r\n");
	assert_true(rf_sip_msg_has_token(&m, RF_SIP_H_SUPPORTED, RF_V("TIMER")));
	assert_true(rf_sip_msg_has_token(&m, RF_SIP_H_SUPPORTED, RF_V("100rel")));
	assert_true(rf_sip_msg_has_token(&m, RF_SIP_H_SUPPORTED, RF_V("path")));
	assert_false(rf_sip_msg_has_token(&m, RF_SIP_H_SUPPORTED, RF_V("time")));
	assert_false(rf_sip_msg_has_token(&m, RF_SIP_H_REQUIRE, RF_V("timer")));
	assert_true(rf_sip_msg_allows(&m, RF_SIP_INVITE));
	assert_true(rf_sip_msg_allows(&m, RF_SIP_BYE));
	assert_false(rf_sip_msg_allows(&m, RF_SIP_ACK));
	with("");
	assert_false(rf_sip_msg_allows(&m, RF_SIP_INVITE));
}

static void test_accept(void **state)
{
	static const struct {
		const char *headers;
		bool sdp;
	} rows[] = {
		{ "", true }, { "Accept:\r\n", false }, { "Accept: application/sdp\r\n", true }, { "Accept: */*\r\n",
		  true },
		{ "Accept: application/*\r\n", true }, { "Accept: Application / SDP ;level=1\r\n", true },
		{ "Accept: text/plain, application/SDP\r\n", true }, { "Accept: text/*\r\n", false },
		{ "Accept: */sdp\r\n", false }, { "Accept: application\r\n", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		with(rows[i].headers);
		if (rf_sip_msg_accepts(&m, RF_V("application/sdp")) != rows[i].sdp)
			print_error("%s\n", rows[i].headers);
		assert_int_equal(rf_sip_msg_accepts(&m, RF_V("application/sdp")), rows[i].sdp);
	}
}

static void test_numbers(void **state)
{
	static const struct {
		const char *headers;
		int rc;
		uint32_t s, duration;
	} retry[] = {
		{ "", RF_E_NOT_FOUND, 0, 0 },
		{ "Retry-After: 120\r\n", 0, 120, 0 },
		{ "Retry-After: 18000;duration=3600\r\n", 0, 18000, 3600 },
		{ "Retry-After: 120 (I'm (in) a meeting) ;duration=1\r\n", 0, 120, 1 },
		{ "Retry-After: 120 (a \\) b)\r\n", 0, 120, 0 },
		{ "Retry-After: 120 (a\r\n", RF_E_MALFORMED, 0, 0 },
		{ "Retry-After: x\r\n", RF_E_MALFORMED, 0, 0 },
		{ "Retry-After: 120 x\r\n", RF_E_MALFORMED, 0, 0 },
		{ "Retry-After: 949302838503028349304023988\r\n", RF_E_MALFORMED, 0, 0 },
		{ "Retry-After: 1;duration=x\r\n", RF_E_MALFORMED, 0, 0 },
	};
	static const struct {
		const char *headers;
		int rc;
		uint32_t s;
		enum rf_sip_refresher who;
	} timer[] = {
		{ "", RF_E_NOT_FOUND, 0, RF_SIP_REFRESHER_NONE },
		{ "Session-Expires: 1800\r\n", 0, 1800, RF_SIP_REFRESHER_NONE },
		{ "x: 90 ;refresher = UAC\r\n", 0, 90, RF_SIP_REFRESHER_UAC },
		{ "Session-Expires: 90;refresher=uas;x=y\r\n", 0, 90, RF_SIP_REFRESHER_UAS },
		{ "Session-Expires: 90;refresher=me\r\n", RF_E_MALFORMED, 0, RF_SIP_REFRESHER_NONE },
		{ "Session-Expires: 90 90\r\n", RF_E_MALFORMED, 0, RF_SIP_REFRESHER_NONE },
		{ "Session-Expires:\r\n", RF_E_MALFORMED, 0, RF_SIP_REFRESHER_NONE },
	};
	static const struct {
		const char *headers;
		int rc;
	} rack[] = {
		{ "RAck: 776656 1 INVITE\r\n", 0 },     { "RAck: 1\r\n 2\r\n INVITE\r\n", 0 }, { "RAck: 1 INVITE\r\n",
		  RF_E_MALFORMED },
		{ "RAck: 1 2INVITE\r\n", RF_E_MALFORMED }, { "RAck: 1 2\r\n", RF_E_MALFORMED },
		{ "RAck: 1 2 A B\r\n", RF_E_MALFORMED },
		{ "", RF_E_NOT_FOUND },
	};
	uint32_t a, b;
	enum rf_sip_refresher who;
	struct rf_view v;

	(void)state;
	for (size_t i = 0; i < sizeof retry / sizeof *retry; i++) {
		a = b = 7;
		with(retry[i].headers);
		assert_int_equal(rf_sip_msg_retry_after(&m, &a, &b), retry[i].rc);
		assert_int_equal(a, retry[i].rc ? 7 : retry[i].s);
		assert_int_equal(b, retry[i].rc ? 7 : retry[i].duration);
	}
	for (size_t i = 0; i < sizeof timer / sizeof *timer; i++) {
		a = 7;
		who = RF_SIP_REFRESHER_NONE;
		with(timer[i].headers);
		assert_int_equal(rf_sip_msg_session_expires(&m, &a, &who), timer[i].rc);
		assert_int_equal(a, timer[i].rc ? 7 : timer[i].s);
		assert_int_equal(who, timer[i].who);
	}
	for (size_t i = 0; i < sizeof rack / sizeof *rack; i++) {
		with(rack[i].headers);
		assert_int_equal(rf_sip_msg_rack(&m, &a, &b, &v), rack[i].rc);
	}
	with("Min-SE: 90;x\r\nRSeq: 4294967295\r\n");
	assert_int_equal(rf_sip_msg_min_se(&m, &a), 0);
	assert_int_equal(a, 90);
	assert_int_equal(rf_sip_msg_number(&m, RF_SIP_H_RSEQ, &a), 0);
	assert_int_equal(a, UINT32_MAX);
}

static void test_named(void **state)
{
	const struct rf_sip_hdr *h;

	(void)state;
	with("X-A: 1\r\nx-a: 2\r\nX-B: 3\r\nSubject: s\r\n");
	h = rf_sip_msg_named(&m, RF_V("x-A"), NULL);
	assert_non_null(h);
	assert_true(rf_view_eq(h->value, RF_V("1")));
	h = rf_sip_msg_named(&m, RF_V("x-A"), h);
	assert_non_null(h);
	assert_true(rf_view_eq(h->value, RF_V("2")));
	assert_null(rf_sip_msg_named(&m, RF_V("x-A"), h));
	assert_non_null(rf_sip_msg_named(&m, RF_V("s"), NULL));
	assert_null(rf_sip_msg_named(&m, RF_V("X-C"), NULL));
	assert_null(rf_sip_msg_named(&m, RF_V("X A"), NULL));
}

static void test_bodies(void **state)
{
	struct rf_view v;

	(void)state;
	with("Content-Type: Application/SDP;x=y\r\n\r\nv=0");
	assert_int_equal(rf_sip_msg_find_body(&m, RF_V("application/sdp"), &v), 0);
	assert_true(rf_view_starts(v, RF_V("v=0")));
	assert_int_equal(rf_sip_msg_find_body(&m, RF_V("text/plain"), &v), RF_E_NOT_FOUND);
	with("Content-Type: multipart/mixed;boundary=\"b 1\"\r\n\r\npreamble\r\n--b 1\r\n\r\nplain\r\n--b 1 \r\n"
	     "content-type: application/sdp\r\nContent-Disposition: session\r\n\r\nv=0\r\n--b 11\r\n"
	     "\r\n--b 1--\r\nend");
	assert_int_equal(rf_sip_msg_find_body(&m, RF_V("text/plain"), &v), 0);
	assert_true(rf_view_eq(v, RF_V("plain")));
	assert_int_equal(rf_sip_msg_find_body(&m, RF_V("application/sdp"), &v), 0);
	assert_true(rf_view_eq(v, RF_V("v=0\r\n--b 11\r\n")));
	assert_int_equal(rf_sip_msg_find_body(&m, RF_V("image/png"), &v), RF_E_NOT_FOUND);
	with("Content-Type: multipart/mixed\r\n\r\nx");
	assert_int_equal(rf_sip_msg_find_body(&m, RF_V("text/plain"), &v), RF_E_MALFORMED);
	with("Content-Type: multipart/mixed;boundary=b\r\n\r\n--b\r\n\r\nx");
	assert_int_equal(rf_sip_msg_find_body(&m, RF_V("application/sdp"), &v), RF_E_MALFORMED);
	with("");
	assert_int_equal(rf_sip_msg_find_body(&m, RF_V("application/sdp"), &v), RF_E_NOT_FOUND);
}

static void test_unsupported(void **state)
{
	static const struct rf_view known[] = { { (const uint8_t *)"timer", 5 }, { (const uint8_t *)"100rel", 6 } };
	uint8_t buf[64];
	struct rf_writer w;

	(void)state;
	rf_writer_init(&w, buf, sizeof buf);
	with("Require: Timer, foo\r\nRequire: 100REL, bar\r\n");
	assert_int_equal(rf_sip_msg_unsupported(&m, RF_SIP_H_REQUIRE, known, 2, &w), 2);
	assert_true(rf_view_eq(rf_view_of(buf, w.n), RF_V("foo, bar")));
	with("Require: timer\r\n");
	assert_int_equal(rf_sip_msg_unsupported(&m, RF_SIP_H_REQUIRE, known, 2, &w), 0);
	with("Require: a b\r\n");
	assert_int_equal(rf_sip_msg_unsupported(&m, RF_SIP_H_REQUIRE, known, 2, &w), RF_E_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values), cmocka_unit_test(test_tokens), cmocka_unit_test(test_accept),
		cmocka_unit_test(test_numbers), cmocka_unit_test(test_named), cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_unsupported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
