/* Dialogs from both ends: made, forked, refreshed, ended; the head of each request, byte for byte. */
#include "sip/dialog.h"

#include "fail_alloc.h"
#include "sip/msg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

/* Parsed messages and their bytes live until the test program ends. */
struct kept {
	struct kept *next;
	struct rf_sip_msg m;
	char text[];
};

static struct kept *all_kept;

static const struct rf_sip_msg *parse(const char *text)
{
	size_t n = strlen(text);
	struct kept *k = calloc(1, sizeof *k + n);

	k->next = all_kept;
	all_kept = k;
	memcpy(k->text, text, n);
	if (rf_sip_msg_parse(&k->m, rf_view_of(k->text, n), RF_SIP_DATAGRAM, NULL))
		fail_msg("does not parse: %s", text);
	return &k->m;
}

static int forget_messages(void **state)
{
	(void)state;
	while (all_kept) {
		struct kept *k = all_kept;

		all_kept = k->next;
		free(k);
	}
	return 0;
}

static const struct rf_sip_msg *response(unsigned code, const char *to_tag, const char *cseq, const char *more)
{
	char text[2048];

	snprintf(text, sizeof text,
		 "SIP/2.0 %u x\r\nVia: SIP/2.0/TLS us;branch=z9hG4bK1\r\nFrom: \"Us\" <sip:us@a.example>;tag=ours\r\n"
		 "To: <sip:them@b.example>%s%s\r\nCall-ID: call-1\r\nCSeq: %s\r\n%s\r\n",
		 code, to_tag[0] ? ";tag=" : "", to_tag, cseq, more);
	return parse(text);
}

static const struct rf_sip_msg *request(const char *method, const char *uri, const char *from_tag, const char *to_tag,
					unsigned cseq, const char *more)
{
	char text[2048];

	snprintf(text, sizeof text,
		 "%s %s SIP/2.0\r\nVia: SIP/2.0/TLS them;branch=z9hG4bK2\r\nFrom: sip:them@b.example;foo=bar%s%s\r\n"
		 "To: \"Us\" <sip:us@a.example>%s%s\r\nCall-ID: call-1\r\nCSeq: %u %s\r\n%s\r\n",
		 method, uri, from_tag[0] ? ";tag=" : "", from_tag, to_tag[0] ? ";tag=" : "", to_tag, cseq, method,
		 more);
	return parse(text);
}

static struct rf_dialog_setup setup(void)
{
	return (struct rf_dialog_setup){
		.call_id = RF_V("call-1"),
		.local = RF_V("\"Us\" <sip:us@a.example>"),
		.local_tag = RF_V("ours"),
		.remote = RF_V("<sip:them@b.example>"),
		.target = RF_V("sip:them@b.example"),
		.cseq = 10,
	};
}

static struct rf_dialog *caller(void)
{
	struct rf_dialog_setup s = setup();
	struct rf_dialog *d = NULL;

	assert_int_equal(rf_dialog_new_uac(&s, &d), 0);
	return d;
}

static void expect_head(struct rf_dialog *d, const char *method, const char *want)
{
	char text[2048];
	struct rf_writer w;

	rf_writer_init(&w, text, sizeof text);
	assert_int_equal(rf_dialog_put_request(d, rf_view_str(method), 70, &w, NULL), 0);
	if (!rf_view_eq(rf_view_of(text, w.n), rf_view_str(want)))
		fail_msg("wrote:\n%.*swanted:\n%s", (int)w.n, text, want);
}

#define NAMES "From: \"Us\" <sip:us@a.example>;tag=ours\r\nTo: <sip:them@b.example>"
#define TAIL "\r\nCall-ID: call-1\r\n"

static void test_caller(void **state)
{
	struct rf_dialog *d = caller();

	(void)state;
	assert_int_equal(rf_dialog_state(d), RF_DIALOG_TRYING);
	expect_head(d, "INVITE",
		    "INVITE sip:them@b.example SIP/2.0\r\n" NAMES TAIL "CSeq: 10 INVITE\r\nMax-Forwards: 70\r\n");
	assert_int_equal(rf_dialog_response(d, response(100, "", "10 INVITE", "")), 0);
	assert_int_equal(rf_dialog_state(d), RF_DIALOG_TRYING);
	assert_int_equal(
		rf_dialog_response(d,
				   response(180, "t1", "10 INVITE",
					    "Contact: <sip:them@10.0.0.1>\r\n"
					    "Record-Route: <sip:p3;lr>, <sip:p2;lr>\r\nRecord-Route: <sip:p1;lr>\r\n")),
		0);
	assert_int_equal(rf_dialog_state(d), RF_DIALOG_EARLY);
	assert_true(rf_view_eq(rf_dialog_next_hop(d), RF_V("sip:p1;lr")));
	expect_head(d, "PRACK",
		    "PRACK sip:them@10.0.0.1 SIP/2.0\r\nRoute: <sip:p1;lr>, <sip:p2;lr>, <sip:p3;lr>\r\n" NAMES
		    ";tag=t1" TAIL "CSeq: 11 PRACK\r\nMax-Forwards: 70\r\n");
	/* 13.2.2.4: the routes of the 2xx hold, whatever the 180 said */
	assert_int_equal(
		rf_dialog_response(
			d, response(200, "t1", "10 INVITE",
				    "Contact: \"Them\" <sip:them@10.0.0.2:5061;transport=tls;method=X?h=y>;q=1\r\n"
				    "Record-Route: <sip:p9;lr>\r\n")),
		0);
	assert_int_equal(rf_dialog_state(d), RF_DIALOG_CONFIRMED);
	expect_head(d, "BYE",
		    "BYE sip:them@10.0.0.2:5061;transport=tls SIP/2.0\r\nRoute: <sip:p9;lr>\r\n" NAMES ";tag=t1" TAIL
		    "CSeq: 12 BYE\r\nMax-Forwards: 70\r\n");
	char text[512];
	struct rf_writer w;
	rf_writer_init(&w, text, sizeof text);
	assert_int_equal(rf_dialog_put_ack(d, 10, 69, &w), 0);
	assert_true(
		rf_view_starts(rf_view_of(text, w.n), RF_V("ACK sip:them@10.0.0.2:5061;transport=tls SIP/2.0\r\n")));
	assert_true(rf_view_ends(rf_view_of(text, w.n), RF_V("CSeq: 10 ACK\r\nMax-Forwards: 69\r\n")));
	assert_int_equal(rf_dialog_local_cseq(d), 12);
	assert_true(rf_dialog_bytes(d) < 1024);
	/* the 2xx again, a late provisional, a 481 */
	assert_int_equal(rf_dialog_response(d, response(200, "t1", "10 INVITE", "Contact: <sip:elsewhere>\r\n")), 0);
	assert_true(rf_view_eq(rf_dialog_target(d), RF_V("sip:them@10.0.0.2:5061;transport=tls")));
	assert_int_equal(rf_dialog_response(d, response(481, "t1", "12 BYE", "")), 0);
	assert_int_equal(rf_dialog_state(d), RF_DIALOG_ENDED);
	rf_dialog_free(d);
}

static void test_strict_router(void **state)
{
	struct rf_dialog *d = caller();

	(void)state;
	expect_head(d, "INVITE",
		    "INVITE sip:them@b.example SIP/2.0\r\n" NAMES TAIL "CSeq: 10 INVITE\r\nMax-Forwards: 70\r\n");
	assert_int_equal(
		rf_dialog_response(
			d, response(200, "t", "10 INVITE",
				    "Contact: <sip:them@10.0.0.1;x=y>\r\n"
				    "Record-Route: <sip:p2;lr>, <sip:p1:5070;a=b;method=INVITE?Subject=z>\r\n")),
		0);
	expect_head(d, "BYE",
		    "BYE sip:p1:5070;a=b SIP/2.0\r\nRoute: <sip:p2;lr>, <sip:them@10.0.0.1;x=y>\r\n" NAMES ";tag=t" TAIL
		    "CSeq: 11 BYE\r\nMax-Forwards: 70\r\n");
	rf_dialog_free(d);
	d = caller();
	expect_head(d, "INVITE",
		    "INVITE sip:them@b.example SIP/2.0\r\n" NAMES TAIL "CSeq: 10 INVITE\r\nMax-Forwards: 70\r\n");
	assert_int_equal(rf_dialog_response(d, response(200, "t", "10 INVITE",
							"Contact: <sip:them@10.0.0.1>\r\nRecord-Route: <sip:p1>\r\n")),
			 0);
	assert_true(rf_view_eq(rf_dialog_next_hop(d), RF_V("sip:p1")));
	expect_head(d, "BYE",
		    "BYE sip:p1 SIP/2.0\r\nRoute: <sip:them@10.0.0.1>\r\n" NAMES ";tag=t" TAIL
		    "CSeq: 11 BYE\r\nMax-Forwards: 70\r\n");
	rf_dialog_free(d);
}

static void test_preloaded_route(void **state)
{
	struct rf_dialog_setup s = setup();
	struct rf_dialog *d;

	(void)state;
	s.route = RF_V("<sip:edge;lr>, <sip:core;lr>");
	assert_int_equal(rf_dialog_new_uac(&s, &d), 0);
	assert_true(rf_view_eq(rf_dialog_next_hop(d), RF_V("sip:edge;lr")));
	expect_head(d, "INVITE",
		    "INVITE sip:them@b.example SIP/2.0\r\nRoute: <sip:edge;lr>, <sip:core;lr>\r\n" NAMES TAIL
		    "CSeq: 10 INVITE\r\nMax-Forwards: 70\r\n");
	rf_dialog_free(d);
}

/* 401: the same dialog tries again with the next CSeq; what an early answer taught is forgotten. */
static void test_try_again(void **state)
{
	struct rf_dialog *d = caller();

	(void)state;
	expect_head(d, "INVITE",
		    "INVITE sip:them@b.example SIP/2.0\r\n" NAMES TAIL "CSeq: 10 INVITE\r\nMax-Forwards: 70\r\n");
	assert_int_equal(rf_dialog_response(
				 d, response(183, "t0", "10 INVITE", "Contact: <sip:x>\r\nRecord-Route: <sip:p>\r\n")),
			 0);
	assert_int_equal(rf_dialog_response(d, response(401, "proxy", "10 INVITE", "")), 0);
	assert_int_equal(rf_dialog_state(d), RF_DIALOG_TRYING);
	expect_head(d, "INVITE",
		    "INVITE sip:them@b.example SIP/2.0\r\n" NAMES TAIL "CSeq: 11 INVITE\r\nMax-Forwards: 70\r\n");
	assert_int_equal(rf_dialog_response(d, response(180, "late", "10 INVITE", "")), RF_E_NOT_FOUND);
	assert_int_equal(rf_dialog_response(d, response(200, "t1", "11 INVITE", "Contact: <sip:y>\r\n")), 0);
	assert_int_equal(rf_dialog_state(d), RF_DIALOG_CONFIRMED);
	rf_dialog_free(d);
}

static void test_forks(void **state)
{
	struct rf_dialog *d = caller(), *second = NULL, *third = NULL;

	(void)state;
	expect_head(d, "INVITE",
		    "INVITE sip:them@b.example SIP/2.0\r\n" NAMES TAIL "CSeq: 10 INVITE\r\nMax-Forwards: 70\r\n");
	assert_int_equal(rf_dialog_response(d, response(180, "t1", "10 INVITE", "Contact: <sip:one>\r\n")), 0);
	const struct rf_sip_msg *r2 = response(183, "t2", "10 INVITE", "Contact: <sip:two>\r\n");
	assert_int_equal(rf_dialog_response(d, r2), RF_E_NOT_FOUND);
	assert_int_equal(rf_dialog_fork(d, r2, &second), 0);
	assert_int_equal(rf_dialog_state(second), RF_DIALOG_EARLY);
	assert_true(rf_view_eq(rf_dialog_target(second), RF_V("sip:two")));
	assert_true(rf_view_eq(rf_dialog_target(d), RF_V("sip:one")));
	/* a 2xx of a branch that never rang, and one of a branch that did */
	assert_int_equal(rf_dialog_fork(second, response(200, "t3", "10 INVITE", "Contact: <sip:three>\r\n"), &third),
			 0);
	assert_int_equal(rf_dialog_state(third), RF_DIALOG_CONFIRMED);
	const struct rf_sip_msg *ok = response(200, "t2", "10 INVITE", "Contact: <sip:two>\r\n");
	assert_int_equal(rf_dialog_response(d, ok), RF_E_NOT_FOUND);
	assert_int_equal(rf_dialog_response(second, ok), 0);
	assert_int_equal(rf_dialog_state(second), RF_DIALOG_CONFIRMED);
	assert_true(rf_dialog_matches(second, ok) && !rf_dialog_matches(d, ok));
	/* each has its own numbers from here */
	expect_head(second, "BYE",
		    "BYE sip:two SIP/2.0\r\n" NAMES ";tag=t2" TAIL "CSeq: 11 BYE\r\nMax-Forwards: 70\r\n");
	expect_head(third, "BYE",
		    "BYE sip:three SIP/2.0\r\n" NAMES ";tag=t3" TAIL "CSeq: 11 BYE\r\nMax-Forwards: 70\r\n");
	assert_int_equal(rf_dialog_fork(d, response(486, "t4", "10 INVITE", ""), &third), RF_E_STATE);
	assert_int_equal(rf_dialog_fork(d, response(180, "", "10 INVITE", ""), &third), RF_E_STATE);
	assert_int_equal(rf_dialog_fork(d, response(200, "t4", "11 BYE", ""), &third), RF_E_NOT_FOUND);
	rf_dialog_free(d);
	rf_dialog_free(second);
	rf_dialog_free(third);
}

static void test_2xx_without_contact(void **state)
{
	static const char *const bad[] = { "", "Contact: <sip:a>, <sip:b>\r\n", "Contact: *\r\n",
					   "Contact: <tel:+1>\r\n" };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct rf_dialog *d = caller();

		expect_head(d, "INVITE",
			    "INVITE sip:them@b.example SIP/2.0\r\n" NAMES TAIL
			    "CSeq: 10 INVITE\r\nMax-Forwards: 70\r\n");
		assert_int_equal(rf_dialog_response(d, response(200, "t", "10 INVITE", bad[i])), RF_E_MALFORMED);
		assert_int_equal(rf_dialog_state(d), RF_DIALOG_CONFIRMED);
		expect_head(d, "BYE",
			    "BYE sip:them@b.example SIP/2.0\r\n" NAMES ";tag=t" TAIL
			    "CSeq: 11 BYE\r\nMax-Forwards: 70\r\n");
		rf_dialog_free(d);
	}
}

static void test_called(void **state)
{
	struct rf_dialog *d;
	unsigned code = 0;

	(void)state;
	assert_int_equal(rf_dialog_new_uas(request("INVITE", "sip:us@a.example", "theirs", "", 5,
						   "Contact: <sip:them@10.0.0.9>\r\n"
						   "Record-Route: <sip:p1;lr>, <sip:p2;lr>\r\n"),
					   RF_V("ours"), false, &d),
			 0);
	assert_int_equal(rf_dialog_state(d), RF_DIALOG_TRYING);
	assert_false(rf_dialog_is_caller(d));
	rf_dialog_answered(d, 100);
	assert_int_equal(rf_dialog_state(d), RF_DIALOG_TRYING);
	rf_dialog_answered(d, 180);
	assert_int_equal(rf_dialog_state(d), RF_DIALOG_EARLY);
	rf_dialog_answered(d, 200);
	assert_int_equal(rf_dialog_state(d), RF_DIALOG_CONFIRMED);
	/* parameters of an addr-spec From are header parameters: only the URI is kept */
	expect_head(d, "INFO",
		    "INFO sip:them@10.0.0.9 SIP/2.0\r\nRoute: <sip:p1;lr>, <sip:p2;lr>\r\n"
		    "From: \"Us\" <sip:us@a.example>;tag=ours\r\nTo: <sip:them@b.example>;tag=theirs" TAIL
		    "CSeq: 1 INFO\r\nMax-Forwards: 70\r\n");

	assert_int_equal(rf_dialog_request(d, request("INFO", "sip:us", "theirs", "ours", 6, ""), &code), 0);
	assert_int_equal(rf_dialog_remote_cseq(d), 6);
	assert_int_equal(rf_dialog_request(d, request("INFO", "sip:us", "theirs", "ours", 6, ""), &code), RF_E_STATE);
	assert_int_equal(code, 500);
	assert_int_equal(rf_dialog_request(d, request("INFO", "sip:us", "theirs", "ours", 3, ""), &code), RF_E_STATE);
	assert_int_equal(rf_dialog_request(d, request("INFO", "sip:us", "theirs", "ours", 100, ""), &code), 0);
	assert_int_equal(rf_dialog_request(d, request("BYE", "sip:us", "other", "ours", 101, ""), &code),
			 RF_E_NOT_FOUND);
	assert_int_equal(code, 481);
	assert_int_equal(rf_dialog_request(d, request("BYE", "sip:us", "theirs", "other", 101, ""), &code),
			 RF_E_NOT_FOUND);
	rf_dialog_end(d);
	assert_int_equal(rf_dialog_request(d, request("BYE", "sip:us", "theirs", "ours", 101, ""), &code),
			 RF_E_NOT_FOUND);
	assert_int_equal(code, 481);
	rf_dialog_free(d);
}

static void test_refresh(void **state)
{
	struct rf_dialog *d;

	(void)state;
	assert_int_equal(rf_dialog_new_uas(request("INVITE", "sip:us", "theirs", "", 5,
						   "Contact: <sip:a>\r\nRecord-Route: <sip:p;lr>\r\n"),
					   RF_V("ours"), false, &d),
			 0);
	rf_dialog_answered(d, 200);
	assert_int_equal(rf_dialog_refresh(d, request("INFO", "sip:us", "theirs", "ours", 6, "Contact: <sip:b>\r\n")),
			 0);
	assert_true(rf_view_eq(rf_dialog_target(d), RF_V("sip:a")));
	assert_int_equal(
		rf_dialog_refresh(d, request("UPDATE", "sip:us", "theirs", "ours", 7, "Contact: <sip:b;x=1>\r\n")), 0);
	assert_true(rf_view_eq(rf_dialog_target(d), RF_V("sip:b;x=1")));
	assert_true(rf_view_eq(rf_dialog_routes(d), RF_V("<sip:p;lr>"))); /* routes never change */
	assert_int_equal(rf_dialog_refresh(d, request("INVITE", "sip:us", "theirs", "ours", 8, "")), 0);
	assert_true(rf_view_eq(rf_dialog_target(d), RF_V("sip:b;x=1")));
	assert_int_equal(
		rf_dialog_refresh(d, request("INVITE", "sip:us", "theirs", "ours", 9, "Contact: <sip:c>, <sip:d>\r\n")),
		RF_E_MALFORMED);
	assert_true(rf_view_eq(rf_dialog_target(d), RF_V("sip:b;x=1")));

	/* our re-INVITE: a failure, an unreliable and a reliable provisional, a 2xx */
	char head[512];
	struct rf_writer w;
	uint32_t cseq;
	rf_writer_init(&w, head, sizeof head);
	assert_int_equal(rf_dialog_put_request(d, RF_V("INVITE"), 70, &w, &cseq), 0);
	assert_int_equal(cseq, 1);
	assert_int_equal(rf_dialog_response(d, response(488, "theirs", "1 INVITE", "Contact: <sip:e>\r\n")), 0);
	assert_int_equal(rf_dialog_response(d, response(180, "theirs", "1 INVITE", "Contact: <sip:e>\r\n")), 0);
	assert_true(rf_view_eq(rf_dialog_target(d), RF_V("sip:b;x=1")));
	assert_int_equal(rf_dialog_response(d, response(183, "theirs", "1 INVITE",
							"Require: 100rel\r\nRSeq: 1\r\nContact: <sip:f>\r\n")),
			 0);
	assert_true(rf_view_eq(rf_dialog_target(d), RF_V("sip:f")));
	assert_int_equal(rf_dialog_response(d, response(200, "theirs", "1 INVITE", "Contact: <sip:g>\r\n")), 0);
	assert_true(rf_view_eq(rf_dialog_target(d), RF_V("sip:g")));
	assert_int_equal(rf_dialog_response(d, response(200, "theirs", "2 INFO", "Contact: <sip:h>\r\n")), 0);
	assert_true(rf_view_eq(rf_dialog_target(d), RF_V("sip:g")));
	assert_int_equal(rf_dialog_response(d, response(200, "fork", "1 INVITE", "")), RF_E_NOT_FOUND);
	rf_dialog_free(d);
}

static void test_secure(void **state)
{
	struct rf_dialog *d;
	struct rf_dialog_setup s = setup();

	(void)state;
	assert_int_equal(rf_dialog_new_uas(request("INVITE", "sips:us", "theirs", "", 5, "Contact: <sip:a>\r\n"),
					   RF_V("ours"), true, &d),
			 RF_E_MALFORMED);
	assert_int_equal(rf_dialog_new_uas(request("INVITE", "sips:us", "theirs", "", 5, "Contact: <sips:a>\r\n"),
					   RF_V("ours"), true, &d),
			 0);
	assert_true(rf_dialog_is_secure(d));
	rf_dialog_answered(d, 200);
	assert_int_equal(
		rf_dialog_refresh(d, request("UPDATE", "sips:us", "theirs", "ours", 7, "Contact: <sip:b>\r\n")),
		RF_E_MALFORMED);
	assert_int_equal(
		rf_dialog_refresh(d, request("UPDATE", "sips:us", "theirs", "ours", 7, "Contact: <sips:b>\r\n")), 0);
	rf_dialog_free(d);
	assert_int_equal(rf_dialog_new_uas(request("INVITE", "sips:us", "theirs", "", 5, "Contact: <sip:a>\r\n"),
					   RF_V("ours"), false, &d),
			 0);
	assert_false(rf_dialog_is_secure(d));
	rf_dialog_free(d);
	s.secure = true;
	assert_int_equal(rf_dialog_new_uac(&s, &d), RF_E_MALFORMED);
	s.target = RF_V("sips:them@b.example");
	assert_int_equal(rf_dialog_new_uac(&s, &d), 0);
	rf_dialog_free(d);
}

static void test_bad_setups(void **state)
{
	static const char too_long[RF_DIALOG_MAX_BYTES + 1];
	struct rf_dialog *d;
	struct rf_dialog_setup s;

	(void)state;
#define BAD(field, value, rc)                                                                                          \
	s = setup();                                                                                                   \
	s.field = value;                                                                                               \
	assert_int_equal(rf_dialog_new_uac(&s, &d), rc)
	BAD(cseq, 0, RF_E_MALFORMED);
	BAD(cseq, 0x80000000, RF_E_MALFORMED);
	BAD(call_id, RF_V(""), RF_E_MALFORMED);
	BAD(call_id, RF_V("a\r\nX: y"), RF_E_MALFORMED);
	BAD(local_tag, RF_V(""), RF_E_MALFORMED);
	BAD(local_tag, RF_V("a;b"), RF_E_MALFORMED);
	BAD(local, RF_V("nonsense"), RF_E_MALFORMED);
	BAD(remote, RF_V("<sip:a"), RF_E_MALFORMED);
	BAD(target, RF_V("tel:+1"), RF_E_MALFORMED);
	BAD(target, RF_V("sip:"), RF_E_MALFORMED);
	BAD(route, RF_V("<sip:a>,"), RF_E_MALFORMED);
	BAD(route, RF_V("sip:a"), RF_E_MALFORMED);
	BAD(call_id, rf_view_of(too_long, sizeof too_long), RF_E_LIMIT);
	s = setup();
	s.cseq = 0x7fffffff;
	assert_int_equal(rf_dialog_new_uac(&s, &d), 0);
	char text[512];
	struct rf_writer w;
	rf_writer_init(&w, text, 20);
	assert_int_equal(rf_dialog_put_request(d, RF_V("INVITE"), 70, &w, NULL), RF_E_SPACE);
	rf_writer_init(&w, text, sizeof text);
	assert_int_equal(rf_dialog_put_request(d, RF_V("IN VITE"), 70, &w, NULL), RF_E_MALFORMED);
	assert_int_equal(rf_dialog_put_request(d, RF_V("INVITE"), 70, &w, NULL), 0);
	assert_int_equal(rf_dialog_put_request(d, RF_V("BYE"), 70, &w, NULL), RF_E_LIMIT);
	rf_dialog_free(d);
}

static void test_too_many_routes(void **state)
{
	char routes[1024];
	struct rf_dialog *d;
	size_t n = (size_t)snprintf(routes, sizeof routes, "Contact: <sip:a>\r\nRecord-Route: <sip:p;lr>");

	(void)state;
	for (int i = 1; i < RF_DIALOG_MAX_ROUTES; i++)
		n += (size_t)snprintf(routes + n, sizeof routes - n, ",<sip:p;lr>");
	snprintf(routes + n, sizeof routes - n, "\r\n");
	assert_int_equal(rf_dialog_new_uas(request("INVITE", "sip:us", "t", "", 1, routes), RF_V("ours"), false, &d),
			 0);
	rf_dialog_free(d);
	snprintf(routes + n, sizeof routes - n, ",<sip:p;lr>\r\n");
	assert_int_equal(rf_dialog_new_uas(request("INVITE", "sip:us", "t", "", 1, routes), RF_V("ours"), false, &d),
			 RF_E_LIMIT);
}

static void test_no_contact_no_dialog(void **state)
{
	struct rf_dialog *d;

	(void)state;
	assert_int_equal(rf_dialog_new_uas(request("INVITE", "sip:us", "t", "", 1, ""), RF_V("ours"), false, &d),
			 RF_E_MALFORMED);
	assert_int_equal(rf_dialog_new_uas(request("INVITE", "sip:us", "", "", 1, "Contact: <sip:a>\r\n"), RF_V("ours"),
					   false, &d),
			 0);
	assert_true(rf_view_empty(rf_dialog_remote_tag(d))); /* RFC 2543 peer */
	rf_dialog_free(d);
}

static int whole_life(const struct rf_sip_msg *ringing, const struct rf_sip_msg *forked, const struct rf_sip_msg *ok,
		      const struct rf_sip_msg *invite)
{
	struct rf_dialog_setup s = setup();
	struct rf_dialog *d = NULL, *f = NULL, *u = NULL;
	char text[512];
	struct rf_writer w;
	int rc = rf_dialog_new_uac(&s, &d);

	if (rc)
		return rc;
	rf_writer_init(&w, text, sizeof text);
	rc = rf_dialog_put_request(d, RF_V("INVITE"), 70, &w, NULL);
	if (rc == 0)
		rc = rf_dialog_response(d, ringing);
	if (rc == 0)
		rc = rf_dialog_fork(d, forked, &f);
	if (rc == 0)
		rc = rf_dialog_response(d, ok);
	if (rc == 0)
		rc = rf_dialog_new_uas(invite, RF_V("ours"), false, &u);
	rf_dialog_free(d);
	rf_dialog_free(f);
	rf_dialog_free(u);
	return rc;
}

static void test_allocations(void **state)
{
	const struct rf_sip_msg *ringing = response(180, "t1", "10 INVITE",
						    "Contact: <sip:one>\r\nRecord-Route: <sip:p>\r\n"),
				*forked = response(180, "t2", "10 INVITE", "Contact: <sip:two>\r\n"),
				*ok = response(200, "t1", "10 INVITE", "Contact: <sip:one>\r\n"),
				*invite = request("INVITE", "sip:us", "t", "", 1, "Contact: <sip:a>\r\n");

	(void)state;
	for (unsigned at = 1;; at++) {
		fail_alloc_at(at);
		int rc = whole_life(ringing, forked, ok, invite);
		if (!fail_alloc_off()) {
			assert_int_equal(rc, 0);
			assert_true(at > 6);
			return;
		}
		assert_int_equal(rc, -ENOMEM);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_caller),		cmocka_unit_test(test_strict_router),
		cmocka_unit_test(test_preloaded_route), cmocka_unit_test(test_try_again),
		cmocka_unit_test(test_forks),		cmocka_unit_test(test_2xx_without_contact),
		cmocka_unit_test(test_called),		cmocka_unit_test(test_refresh),
		cmocka_unit_test(test_secure),		cmocka_unit_test(test_bad_setups),
		cmocka_unit_test(test_too_many_routes), cmocka_unit_test(test_no_contact_no_dialog),
		cmocka_unit_test(test_allocations),
	};

	return cmocka_run_group_tests(tests, NULL, forget_messages);
}
