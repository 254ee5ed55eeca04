/* Writing, and echoing a request into its response. */
#include "sip/build.h"
#include "sip/reason.h"

#include "guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static struct rf_sip_msg m, back;
static uint8_t out[4096], lines[4096];

static const struct rf_view none = { NULL, 0 };

static void expect(struct rf_view got, const char *want)
{
	if (!rf_view_eq(got, rf_view_str(want)))
		print_error("got \"%.*s\", want \"%s\"\n", (int)got.n, got.p ? (const char *)got.p : "",
			    want ? want : "");
	assert_true(rf_view_eq(got, rf_view_str(want)));
}

static void test_request(void **state)
{
	const struct rf_sip_new_via via = { .transport = RF_SIP_TLS, .host = RF_V("2001:db8::1"), .port = 5061,
					    .branch = RF_V("z9hG4bKx"), .rport = true, .alias = true, .keep = true };
	struct rf_writer w;
	struct rf_view v;

	(void)state;
	rf_writer_init(&w, out, sizeof out);
	rf_sip_put_request(&w, RF_V("INVITE"), RF_V("sip:b@h"));
	rf_sip_put_via(&w, &via);
	rf_sip_put_hdr_name(&w, RF_SIP_H_FROM);
	rf_sip_put_name_addr(&w, RF_V("J \"Q\" \\ P"), RF_V("sip:a@h"));
	rf_sip_put_param(&w, RF_V("tag"), RF_V("t1"));
	rf_sip_put_param(&w, RF_V("x"), none);
	rf_sip_put_param_u64(&w, RF_V("n"), 7);
	rf_sip_put_crlf(&w);
	rf_sip_put_hdr(&w, RF_SIP_H_TO, RF_V("<sip:b@h>"));
	rf_sip_put_hdr(&w, RF_SIP_H_CALL_ID, RF_V("c@1"));
	rf_sip_put_cseq(&w, 9, RF_V("INVITE"));
	rf_sip_put_hdr_u64(&w, RF_SIP_H_MAX_FORWARDS, 70);
	rf_sip_put_hdr_named(&w, RF_V("X-Own"), RF_V("a\r\n b"));
	rf_sip_put_body(&w, RF_V("text/plain"), RF_V("hi"));
	assert_int_equal(rf_writer_done(&w, &v), 0);
	expect(v, "INVITE sip:b@h SIP/2.0\r\n"
		  "Via: SIP/2.0/TLS [2001:db8::1]:5061;branch=z9hG4bKx;rport;alias;keep\r\n"
		  "From: \"J \\\"Q\\\" \\\\ P\" <sip:a@h>;tag=t1;x;n=7\r\n"
		  "To: <sip:b@h>\r\nCall-ID: c@1\r\nCSeq: 9 INVITE\r\nMax-Forwards: 70\r\nX-Own: a   b\r\n"
		  "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi");
	assert_int_equal(rf_sip_msg_parse(&m, v, RF_SIP_STREAM, NULL), 0);
	assert_true(m.via.has_rport && m.via.has_alias);
	rf_sip_addr_display(&m.from, lines, sizeof lines, &v);
	expect(v, "J \"Q\" \\ P");
}

/* Each would begin a header or end the head; none is written. */
static void test_injection(void **state)
{
	static const char *const evil[] = { "a\r\nX: y", "a\nX: y", "a\rX: y", "a\r\n\r\n", "\r\n", "a\x01", "a\x7f",
		"a\r\n",
					    "\"a\\\r\n\r\nX\"", "a\r" };

	(void)state;
	for (size_t i = 0; i < sizeof evil / sizeof *evil; i++) {
		for (int how = 0; how < 12; how++) {
			struct rf_view v = rf_view_str(evil[i]), done;
			struct rf_writer w;

			rf_writer_init(&w, out, sizeof out);
			switch (how) {
			case 0: rf_sip_put_request(&w, v, RF_V("sip:a")); break;
			case 1: rf_sip_put_request(&w, RF_V("INVITE"), v); break;
			case 2: rf_sip_put_status(&w, 200, v); break;
			case 3: rf_sip_put_hdr(&w, RF_SIP_H_SUBJECT, v); break;
			case 4: rf_sip_put_hdr_named(&w, v, RF_V("x")); break;
			case 5: rf_sip_put_quoted(&w, v); break;
			case 6: rf_sip_put_name_addr(&w, none, v); break;
			case 7: rf_sip_put_param(&w, RF_V("p"), v); break;
			case 8: rf_sip_put_param(&w, v, none); break;
			case 9: rf_sip_put_cseq(&w, 1, v); break;
			case 10: rf_sip_put_body(&w, v, none); break;
			case 11: rf_sip_put_hostport(&w, v, 0); break;
			}
			rf_put_lit(&w, "more");
			if (rf_writer_done(&w, &done) != RF_E_MALFORMED)
				print_error("case %d let %zu through\n", how, i);
			assert_int_equal(rf_writer_done(&w, &done), RF_E_MALFORMED);
		}
	}
	struct rf_writer w;
	struct rf_view v;
	rf_writer_init(&w, out, sizeof out);
	rf_sip_put_hdr(&w, RF_SIP_H_SUBJECT, rf_view_of("a\0b", 3));
	assert_int_equal(rf_writer_done(&w, &v), RF_E_MALFORMED);
	rf_writer_init(&w, out, sizeof out);
	rf_sip_put_hdr(&w, RF_SIP_H_OTHER, RF_V("x"));
	assert_int_equal(rf_writer_done(&w, &v), RF_E_MALFORMED);
	rf_writer_init(&w, out, sizeof out);
	rf_sip_put_status(&w, 99, none);
	assert_int_equal(rf_writer_done(&w, &v), RF_E_MALFORMED);
	rf_writer_init(&w, out, 10);
	rf_sip_put_status(&w, 200, none);
	assert_int_equal(rf_writer_done(&w, &v), RF_E_SPACE);
}

#define REQUEST(via) \
	"INVITE sip:b@h SIP/2.0\r\n" via "Record-Route: <sip:p1;lr>,\r\n <sip:p2;lr>\r\nRecord-Route: <sip:p3;lr>\r\n" \
	"f: <sip:a@h>;tag=1\r\nt: \"B\" <sip:b@h>\r\ni: x\r\nCSeq: 1 INVITE\r\n\r\n"

static void test_echo(void **state)
{
	static const struct {
		const char *request, *via;
	} rows[] = {
		/* sent-by is the source, no rport: as it came */
		{ REQUEST("Via: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bKa\r\n"),
		  "Via: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bKa\r\n" },
		{ REQUEST("Via: SIP/2.0/UDP 10.0.0.9;rport;branch=z9hG4bKa\r\n"),
		  "Via: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKa;received=10.0.0.9;rport=4000\r\n" },
		{ REQUEST("Via: SIP/2.0/UDP host.example;branch=z9hG4bKa\r\n"),
		  "Via: SIP/2.0/UDP host.example;branch=z9hG4bKa;received=10.0.0.9\r\n" },
		/* what the sender claims about itself is dropped */
		{ REQUEST("Via: SIP/2.0/UDP h;received=1.2.3.4;x;rport=9\r\n"),
		  "Via: SIP/2.0/UDP h;x;received=10.0.0.9;rport=4000\r\n" },
		/* a list in one field, folds, a second field */
		{ REQUEST("v: SIP/2.0/UDP h;branch=a ,\r\n SIP/2.0/UDP i;received=5.6.7.8\r\nVia: SIP/2.0/TCP j\r\n"),
		  "Via: SIP/2.0/UDP h;branch=a;received=10.0.0.9 ,   SIP/2.0/UDP i;received=5.6.7.8\r\n"
		  "Via: SIP/2.0/TCP j\r\n" },
	};
	const struct rf_sip_source src = { RF_V("10.0.0.9"), 4000 };
	struct rf_sip_echo echo;
	struct rf_writer w;
	struct rf_view v;
	char want[1024];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rf_view text = guard_copy(rf_view_str(rows[i].request));

		assert_int_equal(rf_sip_msg_parse(&m, text, RF_SIP_DATAGRAM, NULL), 0);
		assert_int_equal(rf_sip_echo_make(&m, &src, lines, sizeof lines, &echo), 0);
		guard_free(text); /* the echo lives on */
		rf_writer_init(&w, out, sizeof out);
		rf_sip_put_response(&w, &echo, 180, none, RF_V("us"), true);
		rf_sip_put_end(&w);
		assert_int_equal(rf_writer_done(&w, &v), 0);
		snprintf(want, sizeof want,
			 "SIP/2.0 180 Ringing\r\n%sFrom: <sip:a@h>;tag=1\r\n"
			 "To: \"B\" <sip:b@h>;tag=us\r\nCall-ID: x\r\n"
			 "CSeq: 1 INVITE\r\nRecord-Route: <sip:p1;lr>,   <sip:p2;lr>\r\nRecord-Route: <sip:p3;lr>\r\n"
			 "Content-Length: 0\r\n\r\n", rows[i].via);
		expect(v, want);
		assert_int_equal(rf_sip_msg_parse(&back, v, RF_SIP_STREAM, NULL), 0);

		rf_writer_init(&w, out, sizeof out);
		rf_sip_put_response(&w, &echo, 100, none, none, false);
		rf_sip_put_end(&w);
		assert_int_equal(rf_writer_done(&w, &v), 0);
		assert_int_equal(rf_sip_msg_parse(&back, v, RF_SIP_STREAM, NULL), 0);
		assert_null(rf_sip_msg_hdr(&back, RF_SIP_H_RECORD_ROUTE));
		assert_int_equal(back.to.tag.n, 0);
	}
	/* No room at any size below what it takes. */
	assert_int_equal(rf_sip_msg_parse(&m, rf_view_str(rows[4].request), RF_SIP_DATAGRAM, NULL), 0);
	assert_int_equal(rf_sip_echo_make(&m, &src, lines, sizeof lines, &echo), 0);
	for (size_t cap = 0; cap < echo.lines.n; cap++) {
		struct rf_sip_echo small;

		assert_int_equal(rf_sip_echo_make(&m, &src, lines, cap, &small), RF_E_SPACE);
	}
}

static void test_echo_tagged(void **state)
{
	struct rf_sip_echo echo;
	struct rf_writer w;
	struct rf_view v;

	(void)state;
	assert_int_equal(rf_sip_msg_parse(&m, RF_V("BYE sip:b SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a>\r\n"
						   "To: <sip:b>;tag=their\r\nCall-ID: x\r\nCSeq: 1 BYE\r\n\r\n"),
					  RF_SIP_DATAGRAM, NULL), 0);
	assert_int_equal(rf_sip_echo_make(&m, NULL, lines, sizeof lines, &echo), 0);
	rf_writer_init(&w, out, sizeof out);
	rf_sip_put_response(&w, &echo, 200, RF_V("Fine"), RF_V("us"), false);
	rf_sip_put_end(&w);
	assert_int_equal(rf_writer_done(&w, &v), 0);
	assert_int_equal(rf_sip_msg_parse(&back, v, RF_SIP_STREAM, NULL), 0);
	expect(back.to.tag, "their");
	expect(back.reason, "Fine");
	expect(back.via.text, "SIP/2.0/UDP h");
}

static void test_target(void **state)
{
	static const struct {
		const char *via, *host;
		unsigned port;
	} rows[] = {
		{ "SIP/2.0/UDP h", "h", 0 },
		{ "SIP/2.0/UDP h:5070", "h", 5070 },
		{ "SIP/2.0/UDP h:5070;received=1.2.3.4", "1.2.3.4", 5070 },
		{ "SIP/2.0/UDP h:5070;received=1.2.3.4;rport=9", "1.2.3.4", 9 },
		{ "SIP/2.0/UDP h:5070;maddr=224.0.0.1;received=1.2.3.4;rport=9", "224.0.0.1", 5070 },
	};
	struct rf_sip_via via;
	struct rf_view host;
	uint16_t port;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_equal(rf_sip_via_parse(rf_view_str(rows[i].via), &via), 0);
		rf_sip_via_target(&via, &host, &port);
		expect(host, rows[i].host);
		assert_int_equal(port, rows[i].port);
	}
}

static void test_tables(void **state)
{
	(void)state;
	expect(rf_sip_reason(486), "Busy Here");
	expect(rf_sip_reason(100), "Trying");
	expect(rf_sip_reason(608), "Rejected");
	expect(rf_sip_reason(499), "Request Failure");
	expect(rf_sip_reason(299), "Success");
	expect(rf_sip_reason(0), "Unknown");
	for (unsigned code = 100, last = 0; code < 700; code++) {
		assert_true(rf_sip_reason(code).n > 0);
		last += code;
		(void)last;
	}
	for (unsigned i = RF_SIP_UNKNOWN + 1; i < RF_SIP_METHODS; i++)
		assert_int_equal(rf_sip_method_of(rf_sip_method_name((enum rf_sip_method)i)), i);
	assert_int_equal(rf_sip_method_of(RF_V("invite")), RF_SIP_UNKNOWN);
	assert_int_equal(rf_sip_method_of(none), RF_SIP_UNKNOWN);
	for (unsigned i = 0; i < RF_SIP_RULES; i++) {
		const struct rf_sip_rule_info *info = rf_sip_rule_info((enum rf_sip_rule)i);

		assert_non_null(info->name);
		assert_non_null(info->text);
		assert_true(info->code >= 200 && info->code < 600);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request),     cmocka_unit_test(test_injection), cmocka_unit_test(test_echo),
		cmocka_unit_test(test_echo_tagged), cmocka_unit_test(test_target),    cmocka_unit_test(test_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
