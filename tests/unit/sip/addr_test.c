/* addr.h, via.h and params.h: values of headers. */
#include "sip/addr.h"
#include "sip/via.h"

#include "guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static void expect(struct rf_view got, const char *want)
{
	if (!rf_view_eq(got, rf_view_str(want)))
		print_error("got \"%.*s\", want \"%s\"\n", (int)got.n, got.p ? (const char *)got.p : "",
			    want ? want : "");
	assert_true(rf_view_eq(got, rf_view_str(want)));
}

static void test_addr(void **state)
{
	static const struct {
		const char *text, *display, *uri, *tag, *params;
	} rows[] = {
		{ "sip:a@h", "", "sip:a@h", "", "" },
		{ "sip:a@h;tag=1", "", "sip:a@h", "1", ";tag=1" },
		{ "sip:a@h ; tag = 1 ;x", "", "sip:a@h", "1", "; tag = 1 ;x" },
		{ "<sip:a@h;lr>;tag=1", "", "sip:a@h;lr", "1", ";tag=1" },
		{ "Bob <sip:a@h>", "Bob", "sip:a@h", "", "" },
		{ "A. G. Bell <sip:a@h>", "A. G. Bell", "sip:a@h", "", "" },
		{ "Bob<sip:a@h>", "Bob", "sip:a@h", "", "" },
		{ "\"a \\\"b\\\" c\" <sip:a@h>;x=\"<;,>\";tag=z", "a \"b\" c", "sip:a@h", "z", ";x=\"<;,>\";tag=z" },
		{ "\"\" <sip:a@h>", "", "sip:a@h", "", "" },
		{ "\"a\r\n b\"\r\n <sip:a@h>\r\n ;\r\n tag=1", "a b", "sip:a@h", "1", ";\r\n tag=1" },
		{ "<isbn:1>;tag=1", "", "isbn:1", "1", ";tag=1" },
		{ "  <sip:a@h>  ", "", "sip:a@h", "", "" },
	};
	struct rf_sip_addr a;
	uint8_t buf[64];
	struct rf_view v;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rf_view text = guard_copy(rf_view_str(rows[i].text));

		assert_int_equal(rf_sip_addr_parse(text, &a), 0);
		assert_int_equal(rf_sip_addr_display(&a, buf, sizeof buf, &v), 0);
		expect(v, rows[i].display);
		expect(a.uri.text, rows[i].uri);
		expect(a.tag, rows[i].tag);
		expect(a.params, rows[i].params);
		guard_free(text);
	}
}

static void test_addr_refused(void **state)
{
	static const char *const rows[] = {
		"", " ", "*", "<>", "<sip:a@h", "sip:a@h>", "\"a <sip:a@h>", "\"a\" sip:a@h", "\"a\"", "Bob",
		"Bob sip:a@h",
		"a, b <sip:a@h>", "< sip:a@h>", "<sip:a@h >", "<sip:a@h>x", "<sip:a@h>;", "<sip:a@h>;;x",
		"<sip:a@h>;tag",
		"<sip:a@h>;tag=", "<sip:a@h>;tag=\"x\"", "<sip:a@h>;tag=1;tag=2", "<sip:a@h>;tag=a@b", "<sip:a@h>;x=\"",
		"<sip:a@h>;x=\"\\", "sip:a@h?x=y", "sip:a@h,sip:b@h", "<sip:a@h>,<sip:b@h>", "\"a\\",
		"\xc3\xa9 <sip:a@h>",
		"<sip:a@h><sip:b@h>", "sip:u;x=y@h",
	};
	struct rf_sip_addr a;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rf_view text = guard_copy(rf_view_str(rows[i]));

		if (rf_sip_addr_parse(text, &a) == 0)
			print_error("\"%s\" was understood\n", rows[i]);
		assert_true(rf_sip_addr_parse(text, &a) < 0);
		guard_free(text);
	}
	assert_int_equal(rf_sip_contact_parse(RF_V(" * "), &a), 0);
	assert_true(a.star);
}

static void test_contact(void **state)
{
	static const struct {
		const char *q;
		unsigned want;
	} qs[] = { { "", 1000 }, { ";q=1", 1000 }, { ";q=0", 0 }, { ";q=0.", 0 }, { ";q=0.5", 500 }, { ";q=0.123",
		123 },
		   { ";q=1.000", 1000 }, { ";q=1.001", 1000 }, { ";q=0.1234", 1000 }, { ";q=2", 1000 }, { ";q=-1",
		     1000 },
		   { ";q=.5", 1000 }, { ";Q=0.3", 300 } };
	static const struct {
		const char *expires;
		bool has;
		uint32_t want;
	} es[] = { { "", false, 0 }, { ";expires=60", true, 60 }, { ";expires=0", true, 0 },
		   { ";expires=4294967295", true, UINT32_MAX }, { ";expires=4294967296", true, UINT32_MAX },
		   { ";expires=99999999999999999999999", true, UINT32_MAX }, { ";expires=abc", true, 3600 },
		   { ";expires", true, 3600 }, { ";expires=-1", true, 3600 } };
	struct rf_sip_addr a;
	char text[128];
	uint32_t s;

	(void)state;
	for (size_t i = 0; i < sizeof qs / sizeof *qs; i++) {
		snprintf(text, sizeof text, "<sip:a@h>%s", qs[i].q);
		assert_int_equal(rf_sip_contact_parse(rf_view_str(text), &a), 0);
		assert_int_equal(rf_sip_addr_q(&a), qs[i].want);
	}
	for (size_t i = 0; i < sizeof es / sizeof *es; i++) {
		snprintf(text, sizeof text, "<sip:a@h>%s", es[i].expires);
		assert_int_equal(rf_sip_contact_parse(rf_view_str(text), &a), 0);
		assert_int_equal(rf_sip_addr_expires(&a, &s), es[i].has);
		if (es[i].has)
			assert_int_equal(s, es[i].want);
	}
}

static void test_via(void **state)
{
	static const struct {
		const char *text;
		enum rf_sip_transport transport;
		const char *host;
		unsigned port;
		const char *branch, *received;
		int rport; /* -1: none */
		bool cookie;
	} rows[] = {
		{ "SIP/2.0/UDP h", RF_SIP_UDP, "h", 0, "", "", -1, false },
		{ "SIP/2.0/TLS h:5061;branch=z9hG4bKx;rport;alias", RF_SIP_TLS, "h", 5061, "z9hG4bKx", "", 0, true },
		{ "sip/2.0/tcp 192.0.2.1;rport=4;received=10.0.0.1", RF_SIP_TCP, "192.0.2.1", 0, "", "10.0.0.1", 4,
		  false },
		{ "SIP / 2.0 /\r\n WSS h : 443 ; branch = z9hG4bK1", RF_SIP_WSS, "h", 443, "z9hG4bK1", "", -1, true },
		{ "SIP/2.0/X [::1]:1;received=[::2]", RF_SIP_TRANSPORT_OTHER, "::1", 1, "", "::2", -1, false },
		{ "SIP/2.0/UDP h;branch=z9hG4bK", RF_SIP_UDP, "h", 0, "z9hG4bK", "", -1, false },
		{ "SIP/2.0/UDP h;x=\"a;b,c\";branch=y", RF_SIP_UDP, "h", 0, "y", "", -1, false },
	};
	static const char *const bad[] = {
		"", "SIP/2.0/UDP", "SIP/2.0/UDP ", "SIP/2.0 UDP h", "HTTP/2.0/UDP h", "SIP/2.0/UDPh", "SIP/2.0/UDP h:0",
		"SIP/2.0/UDP h:99999", "SIP/2.0/UDP h:", "SIP/2.0/UDP h x", "SIP/2.0/UDP h;", "SIP/2.0/UDP h;;x",
		"SIP/2.0/UDP h;branch", "SIP/2.0/UDP h;branch=\"x\"", "SIP/2.0/UDP h;branch=a;branch=b",
		"SIP/2.0/UDP h;rport;rport", "SIP/2.0/UDP h;rport=x", "SIP/2.0/UDP h;rport=70000", "SIP/2.0/UDP h,x",
		"SIP/2.0/UDP [::1", "SIP/2.0/UDP h;received=", "SIP/2.0/UDP h;received=1.2.3.4;received=1.2.3.5",
		"SIP/2.0/UDP 1.2.3.4.5", "SIP//UDP h", "/2.0/UDP h",
	};
	struct rf_sip_via via;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rf_view text = guard_copy(rf_view_str(rows[i].text));

		assert_int_equal(rf_sip_via_parse(text, &via), 0);
		assert_int_equal(via.transport, rows[i].transport);
		expect(via.host, rows[i].host);
		assert_int_equal(via.port, rows[i].port);
		expect(via.branch, rows[i].branch);
		expect(via.received, rows[i].received);
		assert_int_equal(via.has_rport, rows[i].rport >= 0);
		assert_int_equal(via.rport, rows[i].rport > 0 ? rows[i].rport : 0);
		assert_int_equal(via.rfc3261, rows[i].cookie);
		guard_free(text);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct rf_view text = guard_copy(rf_view_str(bad[i]));

		if (rf_sip_via_parse(text, &via) == 0)
			print_error("\"%s\" was understood\n", bad[i]);
		assert_true(rf_sip_via_parse(text, &via) < 0);
		guard_free(text);
	}
}

static void test_params(void **state)
{
	char text[1024];
	size_t n = 0;
	struct rf_sip_params it = rf_sip_params_of(RF_V(";a=1;B;c=\"x\\\"y;z\" ; d = [::1]"));
	struct rf_sip_param p;
	uint8_t buf[16];
	struct rf_view v;

	(void)state;
	assert_int_equal(rf_sip_params_next(&it, &p), 1);
	assert_true(p.has_value && p.token && !p.quoted);
	expect(p.value, "1");
	assert_int_equal(rf_sip_params_next(&it, &p), 1);
	assert_true(!p.has_value && !p.token);
	expect(p.name, "B");
	assert_int_equal(rf_sip_params_next(&it, &p), 1);
	assert_true(p.quoted);
	assert_int_equal(rf_sip_unquote(p.value, buf, sizeof buf, &v), 0);
	expect(v, "x\"y;z");
	assert_int_equal(rf_sip_unquote(p.value, buf, 4, &v), RF_E_SPACE);
	assert_int_equal(rf_sip_params_next(&it, &p), 1);
	assert_false(p.token);
	expect(p.value, "[::1]");
	assert_int_equal(rf_sip_params_next(&it, &p), 0);
	assert_true(rf_sip_params_find(RF_V(";a;B=2"), RF_V("b"), &p));
	assert_false(rf_sip_params_find(RF_V(";a;;b"), RF_V("b"), &p));
	for (unsigned i = 0; i < 65; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, ";p%u", i);
	assert_int_equal(rf_sip_params_check(rf_view_of(text, n)), RF_E_LIMIT);
	assert_int_equal(rf_sip_params_check(rf_view_of(text, n - 4)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addr),
		cmocka_unit_test(test_addr_refused),
		cmocka_unit_test(test_contact),
		cmocka_unit_test(test_via),
		cmocka_unit_test(test_params),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
