/* Every message of RFC 4475 and RFC 5118, as one datagram and cut from a stream that delivers it byte by byte: what
 * is understood, what is refused, by which rule and with which answer. One row per message. */
#include "guard.h"
#include "sip/build.h"
#include "sip/frame.h"
#include "sip/mpart.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static const char *folder;
static struct rf_sip_msg msg;

static void expect_view(struct rf_view got, struct rf_view want, int line)
{
	if (rf_view_eq(got, want))
		return;
	print_error("line %d: got \"%.*s\"\n", line, (int)got.n, got.p ? (const char *)got.p : "");
	fail();
}

#define assert_view(v, lit) expect_view(v, RF_V(lit), __LINE__)

/* ---- What is looked at in the messages that are understood ---- */

static void wsinv(const struct rf_sip_msg *m)
{
	struct rf_sip_via via;
	struct rf_sip_addr a;
	struct rf_sip_param p;
	uint8_t buf[64];
	struct rf_view v;

	assert_int_equal(m->method, RF_SIP_INVITE);
	assert_view(m->uri.params, "unknownparam");
	assert_view(m->to.tag, "1918181833n");
	assert_view(m->from.tag, "98asjd8");
	assert_int_equal(rf_sip_addr_display(&m->from, buf, sizeof buf, &v), 0);
	assert_view(v, "J Rosenberg \\\"");
	assert_int_equal(m->max_forwards, 68);
	assert_int_equal(m->cseq, 9);
	assert_int_equal(m->body.n, 150);
	assert_int_equal(m->via_count, 3);
	assert_view(m->via.host, "192.0.2.2");
	assert_view(m->via.branch, "390skdjuw");
	assert_false(m->via.rfc3261);
	assert_int_equal(rf_sip_msg_via(m, 1, &via), 0);
	assert_int_equal(via.transport, RF_SIP_TCP);
	assert_view(via.host, "spindle.example.com");
	assert_view(via.branch, "z9hG4bK9ikj8");
	assert_int_equal(rf_sip_msg_via(m, 2, &via), 0);
	assert_int_equal(via.transport, RF_SIP_UDP);
	assert_view(via.branch, "z9hG4bK30239");
	assert_int_equal(rf_sip_msg_via(m, 3, &via), RF_E_NOT_FOUND);
	assert_non_null(rf_sip_msg_hdr(m, RF_SIP_H_SUBJECT));
	assert_view(rf_sip_msg_value(m, RF_SIP_H_SUBJECT), "");
	assert_non_null(rf_sip_msg_named(m, RF_V("newfangledheader"), NULL));
	assert_int_equal(rf_sip_msg_addr(m, RF_SIP_H_CONTACT, &a), 0);
	assert_int_equal(rf_sip_addr_q(&a), 330);
	assert_true(rf_sip_addr_param(&a, RF_V("newparam"), &p));
	assert_view(p.value, "newvalue");
	assert_int_equal(rf_sip_msg_addr(m, RF_SIP_H_ROUTE, &a), 0);
	assert_true(rf_sip_uri_lr(&a.uri));
}

static void intmeth(const struct rf_sip_msg *m)
{
	uint8_t buf[64];
	struct rf_view v;

	assert_int_equal(m->method, RF_SIP_UNKNOWN);
	assert_view(m->method_name, "!interesting-Method0123456789_*+`.%indeed'~");
	assert_view(m->uri.user, "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*");
	assert_view(m->uri.password, "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)");
	assert_view(m->uri.host, "example.com");
	assert_int_equal(rf_sip_addr_display(&m->to, buf, sizeof buf, &v), 0);
	assert_true(rf_view_eq(v, RF_V("BEL:\x07 NUL:\x00 DEL:\x7f")));
	assert_view(m->from.display, "token1~` token2'+_ token3*%!.-");
	assert_view(m->from.tag, "_token~1'+`*%!-.");
	assert_view(m->call_id, "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{");
	assert_int_equal(m->max_forwards, 255);
}

static void esc01(const struct rf_sip_msg *m)
{
	struct rf_sip_addr a;
	uint8_t buf[128];
	struct rf_view v;

	assert_int_equal(m->uri.scheme, RF_SIP_SCHEME_SIP);
	assert_view(m->uri.user, "sips%3Auser%40example.com");
	assert_view(m->uri.host, "example.net");
	assert_int_equal(rf_sip_uri_aor(&m->uri, buf, sizeof buf, &v), 0);
	assert_view(v, "sips:user@example.com@example.net");
	assert_int_equal(rf_sip_uri_aor(&m->to.uri, buf, sizeof buf, &v), 0);
	assert_view(v, "user@example.com");
	assert_int_equal(rf_sip_msg_addr(m, RF_SIP_H_CONTACT, &a), 0);
	assert_view(a.uri.user, "cal%6Cer");
	assert_true(rf_sip_uri_param(&a.uri, RF_V("n%61me"), &v));
	assert_view(v, "v%61lue%25%34%31");
	assert_int_equal(rf_sip_uri_unescape(v, buf, sizeof buf, &v), 0);
	assert_view(v, "value%41");
}

static void escnull(const struct rf_sip_msg *m)
{
	struct rf_sip_values it = rf_sip_values_of(m, RF_SIP_H_CONTACT);
	struct rf_sip_addr a, b;
	uint8_t buf[64];
	struct rf_view v;

	assert_int_equal(rf_sip_uri_aor(&m->to.uri, buf, sizeof buf, &v), 0);
	assert_true(rf_view_eq(v, RF_V("null-\0-null@example.com")));
	assert_int_equal(rf_sip_values_next(&it, &v), 1);
	assert_int_equal(rf_sip_contact_parse(v, &a), 0);
	assert_int_equal(rf_sip_values_next(&it, &v), 1);
	assert_int_equal(rf_sip_contact_parse(v, &b), 0);
	assert_int_equal(rf_sip_values_next(&it, &v), 0);
	assert_false(rf_sip_uri_eq(&a.uri, &b.uri));
	assert_true(m->has_length);
}

static void esc02(const struct rf_sip_msg *m)
{
	struct rf_sip_values it = rf_sip_values_of(m, RF_SIP_H_CONTACT);
	struct rf_view v;

	assert_int_equal(m->method, RF_SIP_UNKNOWN);
	assert_view(m->method_name, "RE%47IST%45R");
	assert_view(m->to.display, "%Z%45");
	assert_int_equal(rf_sip_values_next(&it, &v), 1);
	assert_int_equal(rf_sip_values_next(&it, &v), 1);
	assert_view(v, "<sip:alias3@host3.example.com>");
	assert_int_equal(rf_sip_values_next(&it, &v), 0);
	assert_non_null(rf_sip_msg_named(m, RF_V("C%6Fntact"), NULL));
}

static void lwsdisp(const struct rf_sip_msg *m)
{
	assert_view(m->from.display, "caller");
	assert_view(m->from.uri.user, "caller");
}

static void longreq(const struct rf_sip_msg *m)
{
	struct rf_sip_via via;

	assert_int_equal(m->via_count, 34);
	assert_int_equal(rf_sip_msg_via(m, 33, &via), 0);
	assert_view(via.received, "192.0.2.5");
	assert_int_equal(m->to.uri.port, 6000);
	assert_int_equal(m->body.n, 150);
}

static void dblreq(const struct rf_sip_msg *m)
{
	assert_int_equal(m->method, RF_SIP_REGISTER);
	assert_int_equal(m->body.n, 0);
}

static void semiuri(const struct rf_sip_msg *m)
{
	assert_view(m->uri.user, "user;par=u%40example.net");
	assert_view(m->uri.host, "example.com");
	assert_int_equal(m->uri.params.n, 0);
	assert_true(rf_sip_msg_accepts(m, RF_V("message/sipfrag")));
	assert_false(rf_sip_msg_accepts(m, RF_V("message/none")));
}

static void transports(const struct rf_sip_msg *m)
{
	static const enum rf_sip_transport want[] = { RF_SIP_UDP, RF_SIP_SCTP, RF_SIP_TLS, RF_SIP_TRANSPORT_OTHER,
						      RF_SIP_TCP };
	struct rf_sip_via via;

	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(rf_sip_msg_via(m, i, &via), 0);
		assert_int_equal(via.transport, want[i]);
	}
	assert_view(m->via.host, "t1.example.com");
}

static void mpart01(const struct rf_sip_msg *m)
{
	struct rf_sip_mpart it;
	struct rf_sip_part part;

	assert_int_equal(m->body.n, 553);
	assert_int_equal(rf_sip_mpart_init(&it, m->content_type, m->body), 0);
	assert_int_equal(rf_sip_mpart_next(&it, &part), 1);
	assert_view(part.type, "text/plain");
	assert_view(part.body, "Hello");
	assert_int_equal(rf_sip_mpart_next(&it, &part), 1);
	assert_view(part.type, "application/octet-stream");
	assert_true(part.body.n > 300 && part.body.p[0] == 0x30);
	assert_int_equal(rf_sip_mpart_next(&it, &part), 0);
}

static void unreason(const struct rf_sip_msg *m)
{
	assert_false(m->is_request);
	assert_int_equal(m->status, 200);
	assert_true(rf_view_starts(m->reason, RF_V("= 2**3 * 5**2 ")));
}

static void noreason(const struct rf_sip_msg *m)
{
	assert_int_equal(m->status, 100);
	assert_int_equal(m->reason.n, 0);
}

static void baddate(const struct rf_sip_msg *m)
{
	assert_view(rf_sip_msg_value(m, RF_SIP_H_DATE), "Fri, 01 Jan 2010 16:00:00 EST");
}

/* The message is whole; the registrar meets the broken Contact and answers 400. */
static void regbadct(const struct rf_sip_msg *m)
{
	struct rf_sip_addr a;

	assert_int_equal(rf_sip_msg_addr(m, RF_SIP_H_CONTACT, &a), RF_E_MALFORMED);
}

static void unksm2(const struct rf_sip_msg *m)
{
	assert_int_equal(m->to.uri.scheme, RF_SIP_SCHEME_OTHER);
	assert_view(m->to.uri.scheme_name, "isbn");
	assert_view(m->from.uri.text, "http://www.example.com");
}

static void bext01(const struct rf_sip_msg *m)
{
	static const struct rf_view known[] = { { (const uint8_t *)"timer", 5 } };
	uint8_t buf[128];
	struct rf_writer w;
	struct rf_view v;

	rf_writer_init(&w, buf, sizeof buf);
	assert_int_equal(rf_sip_msg_unsupported(m, RF_SIP_H_REQUIRE, known, 1, &w), 2);
	assert_int_equal(rf_writer_done(&w, &v), 0);
	assert_view(v, "nothingSupportsThis, nothingSupportsThisEither");
}

static void invut(const struct rf_sip_msg *m)
{
	assert_false(rf_sip_msg_is_type(m, RF_V("application/sdp")));
	assert_true(rf_sip_msg_is_type(m, RF_V("application/unknownformat")));
}

static void regaut01(const struct rf_sip_msg *m)
{
	assert_view(rf_sip_msg_value(m, RF_SIP_H_AUTHORIZATION), "NoOneKnowsThisScheme opaque-data=here");
}

static void bcast(const struct rf_sip_msg *m)
{
	struct rf_sip_via via;

	assert_int_equal(rf_sip_msg_via(m, 1, &via), 0);
	assert_view(via.host, "255.255.255.255");
}

static void zeromf(const struct rf_sip_msg *m)
{
	assert_int_equal(m->max_forwards, 0);
}

static void cparam01(const struct rf_sip_msg *m)
{
	struct rf_sip_addr a;
	struct rf_sip_param p;

	assert_int_equal(rf_sip_msg_addr(m, RF_SIP_H_CONTACT, &a), 0);
	assert_true(rf_sip_addr_param(&a, RF_V("unknownparam"), &p));
	assert_int_equal(a.uri.params.n, 0);
}

static void cparam02(const struct rf_sip_msg *m)
{
	struct rf_sip_addr a;

	assert_int_equal(rf_sip_msg_addr(m, RF_SIP_H_CONTACT, &a), 0);
	assert_view(a.uri.params, "unknownparam");
	assert_int_equal(a.params.n, 0);
}

static void regescrt(const struct rf_sip_msg *m)
{
	struct rf_sip_addr a;

	assert_int_equal(rf_sip_msg_addr(m, RF_SIP_H_CONTACT, &a), 0);
	assert_view(a.uri.headers, "Route=%3Csip:sip.example.com%3E");
}

static void sdp01(const struct rf_sip_msg *m)
{
	assert_false(rf_sip_msg_accepts(m, RF_V("application/sdp")));
	assert_true(rf_sip_msg_accepts(m, RF_V("text/nobodyknowsthis")));
}

static void inv2543(const struct rf_sip_msg *m)
{
	struct rf_sip_param p;

	assert_int_equal(m->max_forwards, -1);
	assert_int_equal(m->from.tag.n, 0);
	assert_int_equal(m->via.branch.n, 0);
	assert_true(rf_view_starts(m->body, RF_V("v=0")));
	/* no brackets: ;user=phone is a header parameter */
	assert_true(rf_sip_addr_param(&m->to, RF_V("user"), &p));
}

static void ip6_plain(const struct rf_sip_msg *m)
{
	assert_int_equal(m->uri.host_kind, RF_SIP_HOST_IP6);
	assert_view(m->uri.host, "2001:db8::10");
	assert_int_equal(m->uri.port, 0);
	assert_view(m->via.host, "2001:db8::9:1");
}

static void ip6_ambiguous(const struct rf_sip_msg *m)
{
	assert_view(m->uri.host, "2001:db8::10:5070");
	assert_int_equal(m->uri.port, 0);
}

static void ip6_port(const struct rf_sip_msg *m)
{
	assert_view(m->uri.host, "2001:db8::10");
	assert_int_equal(m->uri.port, 5070);
}

static void ip6_received(const struct rf_sip_msg *m)
{
	assert_view(m->via.received, "2001:db8::9:255");
}

static void ip6_mixed(const struct rf_sip_msg *m)
{
	struct rf_sip_via via;

	assert_int_equal(m->via.port, 6050);
	assert_int_equal(rf_sip_msg_via(m, 2, &via), 0);
	assert_view(via.host, "2001:db8::9:255");
	assert_view(via.received, "192.0.2.200");
}

static void ip6_mapped(const struct rf_sip_msg *m)
{
	struct rf_sip_addr a;

	assert_view(m->via.host, "::ffff:192.0.2.10");
	assert_int_equal(m->via.port, 19823);
	assert_int_equal(rf_sip_msg_addr(m, RF_SIP_H_CONTACT, &a), 0);
	assert_view(a.uri.host, "::ffff:192.0.2.2");
	assert_int_equal(m->body.n, 245);
}

static void ip6_embedded(const struct rf_sip_msg *m)
{
	struct rf_sip_uri two;

	assert_int_equal(rf_sip_uri_parse(RF_V("sip:user@[2001:db8::192.0.2.1]"), &two), 0);
	assert_true(rf_sip_uri_eq(&m->uri, &two));
}

/* ---- The table ---- */

struct row {
	const char *file;
	enum rf_sip_rule rule;          /* in a datagram */
	uint16_t answer;
	enum rf_sip_rule stream_rule;   /* when it differs on a stream: where framing fails or succeeds otherwise */
	bool stream_waits;              /* a stream waits for bytes that never come */
	void (*look)(const struct rf_sip_msg *m);
};

#define OK RF_SIP_RULE_NONE
#define R(name) RF_SIP_RULE_##name

static const struct row rows[] = {
	{ "rfc4475/wsinv.dat", OK, 0, OK, false, wsinv },
	{ "rfc4475/intmeth.dat", OK, 0, OK, false, intmeth },
	{ "rfc4475/esc01.dat", OK, 0, OK, false, esc01 },
	{ "rfc4475/escnull.dat", OK, 0, OK, false, escnull },
	{ "rfc4475/esc02.dat", OK, 0, OK, false, esc02 },
	{ "rfc4475/lwsdisp.dat", OK, 0, OK, false, lwsdisp },
	{ "rfc4475/longreq.dat", OK, 0, OK, false, longreq },
	{ "rfc4475/dblreq.dat", OK, 0, OK, false, dblreq },
	{ "rfc4475/semiuri.dat", OK, 0, OK, false, semiuri },
	{ "rfc4475/transports.dat", OK, 0, OK, false, transports },
	{ "rfc4475/mpart01.dat", OK, 0, OK, false, mpart01 },
	{ "rfc4475/unreason.dat", OK, 0, OK, false, unreason },
	{ "rfc4475/noreason.dat", OK, 0, OK, false, noreason },
	{ "rfc4475/badinv01.dat", R(VIA), 400, R(VIA), false, NULL },
	{ "rfc4475/clerr.dat", R(LENGTH_SHORT), 400, OK, true, NULL },
	{ "rfc4475/ncl.dat", R(LENGTH), 400, R(LENGTH), false, NULL },
	{ "rfc4475/scalar02.dat", R(CSEQ), 400, R(CSEQ), false, NULL },
	{ "rfc4475/scalarlg.dat", R(CSEQ), 0, R(CSEQ), false, NULL },
	{ "rfc4475/quotbal.dat", R(TO), 400, R(TO), false, NULL },
	{ "rfc4475/ltgtruri.dat", R(URI), 400, R(URI), false, NULL },
	{ "rfc4475/lwsruri.dat", R(START_LINE), 400, R(START_LINE), false, NULL },
	{ "rfc4475/lwsstart.dat", R(START_LINE), 400, R(START_LINE), false, NULL },
	{ "rfc4475/trws.dat", R(START_LINE), 400, R(START_LINE), false, NULL },
	{ "rfc4475/escruri.dat", R(URI_HEADERS), 400, R(URI_HEADERS), false, NULL },
	{ "rfc4475/baddate.dat", OK, 0, OK, false, baddate },
	{ "rfc4475/regbadct.dat", OK, 0, OK, false, regbadct },
	{ "rfc4475/badaspec.dat", R(TO), 400, R(TO), false, NULL },
	{ "rfc4475/baddn.dat", R(FROM), 400, OK, true, NULL },
	{ "rfc4475/badvers.dat", R(VERSION), 505, R(VERSION), false, NULL },
	{ "rfc4475/mismatch01.dat", R(CSEQ_METHOD), 400, R(CSEQ_METHOD), false, NULL },
	{ "rfc4475/mismatch02.dat", R(CSEQ_METHOD), 400, R(CSEQ_METHOD), false, NULL },
	{ "rfc4475/bigcode.dat", R(STATUS), 0, R(STATUS), false, NULL },
	{ "rfc4475/badbranch.dat", R(BRANCH), 400, R(BRANCH), false, NULL },
	{ "rfc4475/insuf.dat", R(MISSING), 400, R(MISSING), false, NULL },
	{ "rfc4475/unkscm.dat", R(SCHEME), 416, R(SCHEME), false, NULL },
	{ "rfc4475/novelsc.dat", R(SCHEME), 416, R(SCHEME), false, NULL },
	{ "rfc4475/unksm2.dat", OK, 0, OK, false, unksm2 },
	{ "rfc4475/bext01.dat", OK, 0, OK, false, bext01 },
	{ "rfc4475/invut.dat", OK, 0, OK, false, invut },
	{ "rfc4475/regaut01.dat", OK, 0, OK, false, regaut01 },
	{ "rfc4475/multi01.dat", R(DUPLICATE), 400, R(DUPLICATE), false, NULL },
	{ "rfc4475/mcl01.dat", R(DUPLICATE), 400, R(DUPLICATE), false, NULL },
	{ "rfc4475/bcast.dat", OK, 0, OK, false, bcast },
	{ "rfc4475/zeromf.dat", OK, 0, OK, false, zeromf },
	{ "rfc4475/cparam01.dat", OK, 0, OK, false, cparam01 },
	{ "rfc4475/cparam02.dat", OK, 0, OK, false, cparam02 },
	{ "rfc4475/regescrt.dat", OK, 0, OK, false, regescrt },
	{ "rfc4475/sdp01.dat", OK, 0, OK, false, sdp01 },
	/* RFC 3261 18.3 wants Content-Length on a stream, and nobody sends this old message on one. */
	{ "rfc4475/inv2543.dat", OK, 0, R(LENGTH_NONE), false, inv2543 },
	{ "rfc5118/ipv6-good", OK, 0, OK, false, ip6_plain },
	{ "rfc5118/ipv6-bad", R(URI), 400, R(URI), false, NULL },
	{ "rfc5118/port-ambiguous", OK, 0, OK, false, ip6_ambiguous },
	{ "rfc5118/port-unambiguous", OK, 0, OK, false, ip6_port },
	{ "rfc5118/via-received-param-with-delim", OK, 0, OK, false, ip6_received },
	{ "rfc5118/via-received-param-no-delim", OK, 0, OK, false, ip6_received },
	{ "rfc5118/ipv6-in-sdp", OK, 0, OK, false, NULL },
	{ "rfc5118/mult-ip-in-header", OK, 0, OK, false, ip6_mixed },
	{ "rfc5118/mult-ip-in-sdp", OK, 0, OK, false, NULL },
	{ "rfc5118/ipv4-mapped-ipv6", OK, 0, OK, false, ip6_mapped },
	{ "rfc5118/ipv6-bug-abnf-3-colons", OK, 0, OK, false, ip6_embedded },
	{ "rfc5118/ipv6-correct-abnf-2-colons", OK, 0, OK, false, ip6_embedded },
};

static struct rf_view load(const char *file)
{
	char path[1024];

	snprintf(path, sizeof path, "%s/%s", folder, file);
	struct rf_view raw = guard_file(path);
	assert_non_null(raw.p);
	struct rf_view v = guard_copy(raw);
	free((void *)(uintptr_t)raw.p);
	return v;
}

/* The refusal is a message that we would understand ourselves. */
static void check_answer(const struct rf_sip_msg *m)
{
	static struct rf_sip_msg back;
	static uint8_t out[65536], scratch[65536];
	const struct rf_sip_source src = { RF_V("198.51.100.7"), 40000 };
	struct rf_writer w;
	struct rf_view v;

	rf_writer_init(&w, out, sizeof out);
	assert_int_equal(rf_sip_put_refusal(&w, m, &src, RF_V("our-tag"), scratch, sizeof scratch), 0);
	assert_int_equal(rf_writer_done(&w, &v), 0);
	rf_sip_msg_parse(&back, v, RF_SIP_STREAM, NULL);
	assert_false(back.is_request);
	assert_int_equal(back.status, m->answer);
	assert_true(back.has_via);
	assert_true(rf_view_eq(back.via.host, m->via.host));
	assert_int_equal(back.answer, 0);
	if (m->has_call_id)
		assert_true(rf_view_eq(back.call_id, m->call_id));
	if (m->has_to && !m->to.tag.n && back.has_to)
		assert_true(rf_view_eq(back.to.tag, RF_V("our-tag")));
}

static void check_row(const struct row *row, const struct rf_sip_msg *m, enum rf_sip_rule rule)
{
	if (m->rule != rule)
		print_error("%s: rule %s\n", row->file, rf_sip_rule_info(m->rule)->name);
	assert_int_equal(m->rule, rule);
	if (rule == OK && row->look)
		row->look(m);
	if (rule == row->rule)
		assert_int_equal(m->answer, row->answer);
	if (m->answer)
		check_answer(m);
}

static void test_datagram(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rf_view v = load(rows[i].file);
		int rc = rf_sip_msg_parse(&msg, v, RF_SIP_DATAGRAM, NULL);

		assert_int_equal(rc == 0, rows[i].rule == OK);
		check_row(&rows[i], &msg, rows[i].rule);
		guard_free(v);
	}
}

/* Bytes come one at a time; what is not consumed is given again, flush against the unmapped page now and then. */
static void stream_row(const struct row *row)
{
	struct rf_view v = load(row->file);
	struct rf_sip_frame f;
	enum rf_sip_frame_result what = RF_SIP_FRAME_MORE;
	size_t n = 0;

	rf_sip_frame_init(&f);
	for (size_t have = 1; have <= v.n && what == RF_SIP_FRAME_MORE; have++) {
		if (have % 61 == 0) {
			struct rf_view part = guard_copy(rf_view_sub(v, 0, have));

			what = rf_sip_frame_next(&f, part, NULL, &n);
			guard_free(part);
		} else {
			what = rf_sip_frame_next(&f, rf_view_sub(v, 0, have), NULL, &n);
		}
	}
	if (what == RF_SIP_FRAME_MESSAGE)
		rf_sip_msg_parse(&msg, rf_view_sub(v, 0, n), RF_SIP_STREAM, NULL);
	else if (what == RF_SIP_FRAME_ERROR)
		rf_sip_msg_parse_refused(&msg, rf_view_sub(v, 0, n), (enum rf_sip_rule)f.rule, NULL);
	assert_int_equal(what == RF_SIP_FRAME_MORE, row->stream_waits);
	if (what != RF_SIP_FRAME_MORE)
		check_row(row, &msg, row->stream_rule);

	/* In one piece it is the same. */
	struct rf_sip_frame g;
	size_t m = 0;
	rf_sip_frame_init(&g);
	assert_int_equal(rf_sip_frame_next(&g, v, NULL, &m), what);
	if (what == RF_SIP_FRAME_MESSAGE)
		assert_int_equal(m, n);
	assert_int_equal(g.rule, f.rule);
	guard_free(v);
}

static void test_stream(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		stream_row(&rows[i]);
}

/* Behind the REGISTER of dblreq a stream holds a stray CR LF and a whole INVITE; a datagram ignores both. */
static void test_two_in_one(void **state)
{
	struct rf_view v = load("rfc4475/dblreq.dat"), rest = v;
	struct rf_sip_frame f;
	size_t n;

	(void)state;
	assert_int_equal(rf_sip_msg_parse(&msg, v, RF_SIP_DATAGRAM, NULL), 0);
	assert_true(msg.extra > 400);
	rf_sip_frame_init(&f);
	assert_int_equal(rf_sip_frame_next(&f, rest, NULL, &n), RF_SIP_FRAME_MESSAGE);
	rest = rf_view_from(rest, n);
	assert_int_equal(rf_sip_frame_next(&f, rest, NULL, &n), RF_SIP_FRAME_PONG);
	rest = rf_view_from(rest, n);
	assert_int_equal(rf_sip_frame_next(&f, rest, NULL, &n), RF_SIP_FRAME_MESSAGE);
	assert_int_equal(rf_sip_msg_parse(&msg, rf_view_sub(rest, 0, n), RF_SIP_STREAM, NULL), 0);
	assert_int_equal(msg.method, RF_SIP_INVITE);
	guard_free(v);
}

/* baddn as archived lacks the empty line; with it the display names alone refuse it. */
static void test_baddn_closed(void **state)
{
	struct rf_view v = load("rfc4475/baddn.dat");
	uint8_t buf[1024];

	(void)state;
	memcpy(buf, v.p, v.n);
	memcpy(buf + v.n, "\r\n", 2);
	assert_int_equal(rf_sip_msg_parse(&msg, rf_view_of(buf, v.n + 2), RF_SIP_DATAGRAM, NULL), RF_E_MALFORMED);
	assert_int_equal(msg.rule, RF_SIP_RULE_FROM);
	assert_int_equal(msg.answer, 400);
	guard_free(v);
}

/* No prefix of any message is read past its end, and every refusal can be written. */
static void test_prefixes(void **state)
{
	static uint8_t whole[8192];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rf_view v = load(rows[i].file);
		uint8_t *end = (uint8_t *)(uintptr_t)(v.p + v.n); /* of the readable page */

		assert_true(v.n <= sizeof whole);
		memcpy(whole, v.p, v.n);
		for (size_t n = 0; n < v.n; n++) {
			memcpy(end - n, whole, n);
			rf_sip_msg_parse(&msg, rf_view_of(end - n, n), n & 1 ? RF_SIP_STREAM : RF_SIP_DATAGRAM, NULL);
			if (msg.answer)
				check_answer(&msg);
		}
		guard_free(v);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_datagram),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_two_in_one),
		cmocka_unit_test(test_baddn_closed),
		cmocka_unit_test(test_prefixes),
	};

	if (argc < 2) {
		fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	folder = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
