#include "sip/uri.h"

#include "guard.h"

#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static int parse(const char *text, struct rf_sip_uri *u)
{
	return rf_sip_uri_parse(rf_view_str(text), u);
}

static void expect(struct rf_view got, const char *want, const char *of)
{
	if (!rf_view_eq(got, rf_view_str(want)))
		print_error("%s: got \"%.*s\", want \"%s\"\n", of, (int)got.n, got.p ? (const char *)got.p : "",
			    want ? want : "");
	assert_true(rf_view_eq(got, rf_view_str(want)));
}

static void test_parts(void **state)
{
	static const struct {
		const char *text;
		enum rf_sip_scheme scheme;
		const char *user, *password, *host;
		unsigned port;
		const char *params, *headers;
	} rows[] = {
		{ "sip:alice@atlanta.com", RF_SIP_SCHEME_SIP, "alice", "", "atlanta.com", 0, "", "" },
		{ "sip:alice:secretword@atlanta.com;transport=tcp", RF_SIP_SCHEME_SIP, "alice", "secretword",
		  "atlanta.com", 0, "transport=tcp", "" },
		{ "sips:alice@atlanta.com?subject=project%20x&priority=urgent", RF_SIP_SCHEME_SIPS, "alice", "",
		  "atlanta.com", 0, "", "subject=project%20x&priority=urgent" },
		{ "sip:+1-212-555-1212:1234@gateway.com;user=phone", RF_SIP_SCHEME_SIP, "+1-212-555-1212", "1234",
		  "gateway.com", 0, "user=phone", "" },
		{ "sips:1212@gateway.com", RF_SIP_SCHEME_SIPS, "1212", "", "gateway.com", 0, "", "" },
		{ "sip:alice@192.0.2.4", RF_SIP_SCHEME_SIP, "alice", "", "192.0.2.4", 0, "", "" },
		{ "sip:atlanta.com;method=REGISTER?to=alice%40atlanta.com", RF_SIP_SCHEME_SIP, "", "", "atlanta.com",
		  0, "method=REGISTER", "to=alice%40atlanta.com" },
		{ "sip:alice;day=tuesday@atlanta.com", RF_SIP_SCHEME_SIP, "alice;day=tuesday", "", "atlanta.com", 0, "",
		  "" },
		{ "SIP:a@h:5060", RF_SIP_SCHEME_SIP, "a", "", "h", 5060, "", "" },
		{ "sip:a@h:65535;lr", RF_SIP_SCHEME_SIP, "a", "", "h", 65535, "lr", "" },
		{ "sip:[2001:db8::1]:5061;transport=tls", RF_SIP_SCHEME_SIP, "", "", "2001:db8::1", 5061,
		  "transport=tls",
		  "" },
		{ "sip:[::]", RF_SIP_SCHEME_SIP, "", "", "::", 0, "", "" },
		{ "sip:u@[1:2:3:4:5:6:7:8]", RF_SIP_SCHEME_SIP, "u", "", "1:2:3:4:5:6:7:8", 0, "", "" },
		{ "sip:u@example.com.;p=[::1]", RF_SIP_SCHEME_SIP, "u", "", "example.com.", 0, "p=[::1]", "" },
		{ "sip:u@3com.net", RF_SIP_SCHEME_SIP, "u", "", "3com.net", 0, "", "" },
		{ "sip:u@3f2a9b10", RF_SIP_SCHEME_SIP, "u", "", "3f2a9b10", 0, "", "" },
		{ "sip:u@1.2.3.4.in-addr.arpa", RF_SIP_SCHEME_SIP, "u", "", "1.2.3.4.in-addr.arpa", 0, "", "" },
		{ "sip:a:@h", RF_SIP_SCHEME_SIP, "a", "", "h", 0, "", "" },
		{ "tel:+1-201-555-0123", RF_SIP_SCHEME_TEL, "+1-201-555-0123", "", "", 0, "", "" },
		{ "tel:7042;phone-context=example.com", RF_SIP_SCHEME_TEL, "7042", "", "", 0,
		  "phone-context=example.com",
		  "" },
		{ "tel:*#06#", RF_SIP_SCHEME_TEL, "*#06#", "", "", 0, "", "" },
		{ "http://www.example.com/?x=[1]", RF_SIP_SCHEME_OTHER, "", "", "", 0, "", "" },
	};
	struct rf_sip_uri u;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rf_view v = guard_copy(rf_view_str(rows[i].text));

		if (rf_sip_uri_parse(v, &u))
			print_error("%s: refused\n", rows[i].text);
		assert_int_equal(rf_sip_uri_parse(v, &u), 0);
		assert_int_equal(u.scheme, rows[i].scheme);
		expect(u.user, rows[i].user, rows[i].text);
		expect(u.password, rows[i].password, rows[i].text);
		expect(u.host, rows[i].host, rows[i].text);
		expect(u.params, rows[i].params, rows[i].text);
		expect(u.headers, rows[i].headers, rows[i].text);
		assert_int_equal(u.port, rows[i].port);
		guard_free(v);
	}
}

static void test_refused(void **state)
{
	static const char *const rows[] = {
		"", "sip", "sip:", ":a@b", "1sip:a@b", "sip:@h", "sip:a@", "sip:a@h:", "sip:a@h:0", "sip:a@h:65536",
		"sip:a@h:50x", "sip:a@h:-1", "sip:a@h;", "sip:a@h;;lr", "sip:a@h;=x", "sip:a@h;x=", "sip:a@h;lr;LR",
		"sip:a@h;lr;l%72", "sip:a@h?", "sip:a@h?x", "sip:a@h?=y", "sip:a@h?x=y&", "sip:a b@h", "sip:a@h ",
		" sip:a@h", "sip:a@b@c", "sip:a%4@h", "sip:a%zz@h", "sip:a%@h", "sip:a@h%41", "sip:a@.h",
		"sip:a@h..x", "sip:a@.", "sip:a@256.1.1.1", "sip:a@1.2.3", "sip:a@1.2.3.4.", "sip:a@1234",
		"sip:2001:db8::10",
		"sip:a@[::1", "sip:a@[]", "sip:a@[1::2::3]", "sip:a@[1:2:3:4:5:6:7]", "sip:a@[1:2:3:4:5:6:7:8:9]",
		"sip:a@[12345::]", "sip:a@[g::]", "sip:a@[:1:2:3:4:5:6:7]", "sip:a@[1:2:3:4:5:6:7:]", "sip:a@[::1]x",
		"sip:a@[::1.2.3]", "sip:a\xc3\xa9@h", "<sip:a@h>", "tel:", "tel:+", "tel:+12x", "tel:---", "tel:+1;",
		"x:", "x:a b", "x:a\"b", "x:<a>",
	};
	struct rf_sip_uri u;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rf_view v = guard_copy(rf_view_str(rows[i]));

		if (rf_sip_uri_parse(v, &u) == 0)
			print_error("\"%s\" was understood\n", rows[i]);
		assert_true(rf_sip_uri_parse(v, &u) < 0);
		guard_free(v);
	}
	assert_int_equal(rf_sip_uri_parse(RF_V("sip:a\0b@h"), &u), RF_E_MALFORMED);
}

/* RFC 3261 19.1.4, its examples first. */
static void test_equality(void **state)
{
	static const struct {
		bool eq;
		const char *a, *b;
	} rows[] = {
		{ true, "sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtlanTa.CoM;Transport=tcp" },
		{ true, "sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5" },
		{ true, "sip:carol@chicago.com", "sip:carol@chicago.com;security=on" },
		{ true, "sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on" },
		{ true, "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
		  "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com" },
		{ true, "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
		  "sip:alice@atlanta.com?priority=urgent&subject=project%20x" },
		{ false, "SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP" },
		{ false, "sip:bob@biloxi.com", "sip:bob@biloxi.com:5060" },
		{ false, "sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp" },
		{ false, "sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp" },
		{ false, "sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting" },
		{ false, "sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4" },
		/* and then ours */
		{ false, "sip:a@h", "sips:a@h" },
		{ false, "sip:a%3Bb@h", "sip:a;b@h" },
		{ true, "sip:a%3bb@h", "sip:a%3Bb@h" },
		{ false, "sip:a@h", "sip:a:@h" },
		{ false, "sip:a:x@h", "sip:a:X@h" },
		{ false, "sip:a@h;x=1", "sip:a@h;x=2" },
		{ true, "sip:a@h;x=a", "sip:a@h;x=A" },
		{ false, "sip:a@h;maddr=1.2.3.4", "sip:a@h" },
		{ false, "sip:a@h;ttl=1", "sip:a@h" },
		{ false, "sip:a@h;user=phone", "sip:a@h" },
		{ false, "sip:a@h;method=INVITE", "sip:a@h" },
		{ true, "sip:a@h;lr", "sip:a@h" },
		{ false, "sip:a@h?x=1&x=1&y=2", "sip:a@h?x=1&y=2&y=2" },
		{ true, "sip:a@[2001:db8::1]", "sip:a@[2001:DB8:0:0::1]" },
		{ false, "sip:a@[2001:db8::1]", "sip:a@[2001:db8::2]" },
		{ false, "sip:%00@h", "sip:%00%00@h" },
		{ true, "tel:+1-201-555-0123", "tel:+1(201)5550123" },
		{ false, "tel:+12015550123", "tel:12015550123" },
		{ false, "tel:7042;phone-context=a.example", "tel:7042" },
		{ true, "isbn:1", "isbn:1" },
		{ false, "isbn:1", "ISBN:1" },
	};
	struct rf_sip_uri a, b;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_equal(parse(rows[i].a, &a), 0);
		assert_int_equal(parse(rows[i].b, &b), 0);
		if (rf_sip_uri_eq(&a, &b) != rows[i].eq)
			print_error("%s %s\n", rows[i].a, rows[i].b);
		assert_int_equal(rf_sip_uri_eq(&a, &b), rows[i].eq);
		assert_int_equal(rf_sip_uri_eq(&b, &a), rows[i].eq);
		assert_true(rf_sip_uri_eq(&a, &a));
	}
}

static void test_aor(void **state)
{
	static const struct {
		const char *uri, *aor;
	} rows[] = {
		{ "sip:alice@Atlanta.COM", "alice@atlanta.com" },
		{ "sips:%61lice:pw@atlanta.com:5061;lr?x=y", "alice@atlanta.com" },
		{ "sip:Alice@atlanta.com", "Alice@atlanta.com" },
		{ "sip:Atlanta.com", "atlanta.com" },
		{ "sip:1001@[2001:DB8::1]", "1001@2001:db8::1" },
		{ "sip:a%40b@h", "a@b@h" },
		{ "tel:+1-201-555-0123;x=y", "+12015550123" },
	};
	struct rf_sip_uri u;
	uint8_t buf[64];
	struct rf_view v;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_equal(parse(rows[i].uri, &u), 0);
		assert_int_equal(rf_sip_uri_aor(&u, buf, sizeof buf, &v), 0);
		expect(v, rows[i].aor, rows[i].uri);
		assert_int_equal(rf_sip_uri_aor(&u, buf, v.n - 1, &v), RF_E_SPACE);
	}
	assert_int_equal(parse("isbn:1", &u), 0);
	assert_int_equal(rf_sip_uri_aor(&u, buf, sizeof buf, &v), RF_E_UNSUPPORTED);
}

static void put_new(struct rf_writer *w, const char *user, const char *host, uint16_t port)
{
	w->n = 0;
	w->err = 0;
	rf_sip_uri_put_new(w, true, rf_view_str(user), rf_view_str(host), port);
}

static void test_put(void **state)
{
	uint8_t buf[128];
	struct rf_writer w;

	(void)state;
	rf_writer_init(&w, buf, sizeof buf);
	put_new(&w, "a b;c@d%\r\n", "h.example", 5061);
	expect(rf_view_of(buf, w.n), "sips:a%20b%3Bc%40d%25%0D%0A@h.example:5061", "put_new");
	put_new(&w, "", "2001:db8::1", 0);
	expect(rf_view_of(buf, w.n), "sips:[2001:db8::1]", "put_new");
	put_new(&w, "a", "h\r\nX: y", 0);
	assert_int_equal(w.err, RF_E_MALFORMED);
	put_new(&w, "a", "[::1]", 0);
	assert_int_equal(w.err, RF_E_MALFORMED);
	put_new(&w, "a", "", 0);
	assert_int_equal(w.err, RF_E_MALFORMED);
}

static void test_limits(void **state)
{
	char text[2048];
	size_t n;
	struct rf_sip_uri u;

	(void)state;
	for (unsigned count = 64; count <= 65; count++) {
		n = (size_t)snprintf(text, sizeof text, "sip:a@h");
		for (unsigned i = 0; i < count; i++)
			n += (size_t)snprintf(text + n, sizeof text - n, ";p%u", i);
		assert_int_equal(parse(text, &u), count == 64 ? 0 : RF_E_LIMIT);
		n = (size_t)snprintf(text, sizeof text, "sip:a@h");
		for (unsigned i = 0; i < count; i++)
			n += (size_t)snprintf(text + n, sizeof text - n, "%cp%u=", i ? '&' : '?', i);
		assert_int_equal(parse(text, &u), count == 64 ? 0 : RF_E_LIMIT);
	}
	for (size_t host = 255; host <= 256; host++) {
		memcpy(text, "sip:a@", 6);
		memset(text + 6, 'h', host);
		text[6 + host] = '\0';
		assert_int_equal(parse(text, &u) == 0, host == 255);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_equality),
		cmocka_unit_test(test_aor),
		cmocka_unit_test(test_put),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
