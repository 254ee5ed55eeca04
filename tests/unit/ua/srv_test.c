#include "stand.h"

#include "fail_alloc.h"

#include <stdio.h>

static struct stand s;
static char buf[4096], hdr[512];

static int setup(void **state)
{
	(void)state;
	stand_init(&s, NULL, 0, 1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	stand_fini(&s);
	return 0;
}

static void get(const struct rf_flow *flow, const char *method, const char *branch, unsigned cseq, const char *to_tag)
{
	stand_receive(&s, flow, stand_request(buf, sizeof buf, method, branch, cseq, to_tag));
}

static void test_options(void **state)
{
	struct rf_flow udp = stand_udp("192.0.2.7:5060");

	(void)state;
	s.answer = 200;
	get(&udp, "OPTIONS", "z9hG4bKa", 1, NULL);
	assert_int_equal(s.requests, 1);
	stand_expect_sent(&s, 1);
	assert_int_equal(stand_status(stand_last(&s, 0)), 200);
	assert_non_null(strstr(stand_last(&s, 0)->text, ";received=192.0.2.7;rport=5060"));
	assert_string_equal(stand_hdr(stand_last(&s, 0), "Server", hdr), "stand");
	assert_non_null(strstr(stand_hdr(stand_last(&s, 0), "To", hdr), ";tag=rf00"));
	/* repeated: the same bytes again, the user is not asked */
	char first[4096];
	memcpy(first, stand_last(&s, 0)->text, sizeof first);
	get(&udp, "OPTIONS", "z9hG4bKa", 1, NULL);
	stand_expect_sent(&s, 2);
	assert_string_equal(stand_last(&s, 0)->text, first);
	assert_int_equal(s.requests, 1);
	assert_int_equal(stand_count(&s, RF_UA_REPEATED_IN), 1);
	stand_pass(&s, 33000); /* timer J */
	assert_int_equal(s.gone, 1);
	assert_int_equal(s.ua->stats.srv_now, 0);
	get(&udp, "OPTIONS", "z9hG4bKa", 1, NULL);
	assert_int_equal(s.requests, 2);
}

static void test_stream_ends_at_once(void **state)
{
	struct rf_flow tls = stand_stream("192.0.2.7:40000", RF_FLOW_TLS, 5);

	(void)state;
	s.answer = 200;
	get(&tls, "OPTIONS", "z9hG4bKa", 1, NULL);
	stand_expect_sent(&s, 1);
	assert_true(rf_flow_eq(&stand_last(&s, 0)->flow, &tls));
	stand_turn(&s);
	assert_int_equal(s.gone, 1);
	assert_int_equal(s.ua->srv.count, 0);
}

static void test_late(void **state)
{
	struct rf_flow udp = stand_udp("192.0.2.7:5060");

	(void)state;
	get(&udp, "OPTIONS", "z9hG4bKa", 1, NULL);
	assert_int_equal(rf_srv_reply_code(s.srv, 180), RF_E_STATE);
	assert_int_equal(rf_srv_reply_code(s.srv, 99), RF_E_MALFORMED);
	assert_int_equal(rf_srv_reply_code(s.srv, 700), RF_E_MALFORMED);
	stand_expect_sent(&s, 0);
	stand_pass(&s, 31900);
	assert_int_equal(s.late, 0);
	stand_pass(&s, 200);
	assert_int_equal(s.late, 1);
	assert_int_equal(s.gone, 1);
	assert_int_equal(stand_status(stand_last(&s, 0)), 100); /* RFC 4320 4.1 */
}

static void test_invite_100_180_200_ack(void **state)
{
	struct rf_flow udp = stand_udp("192.0.2.7:5060");
	char tag[64];

	(void)state;
	get(&udp, "INVITE", "z9hG4bKi", 1, NULL);
	stand_pass(&s, 150);
	stand_expect_sent(&s, 0);
	stand_pass(&s, 100);
	stand_expect_sent(&s, 1);
	assert_int_equal(stand_status(stand_last(&s, 0)), 100);
	assert_null(strstr(stand_hdr(stand_last(&s, 0), "To", hdr), "tag="));
	get(&udp, "INVITE", "z9hG4bKi", 1, NULL);
	assert_int_equal(stand_status(stand_last(&s, 0)), 100);
	assert_int_equal(rf_srv_reply_code(s.srv, 180), 0);
	stand_expect_sent(&s, 3);
	snprintf(tag, sizeof tag, "%.*s", RF_VFMT(rf_srv_to_tag(s.srv)));
	assert_non_null(strstr(stand_hdr(stand_last(&s, 0), "To", hdr), tag));
	stand_pass(&s, 5000);
	stand_expect_sent(&s, 3);

	struct rf_srv_reply ok = { .code = 200, .headers = RF_V("Contact: <sip:us@192.0.2.1>\r\n"),
				   .content_type = RF_V("application/sdp"), .body = RF_V("v=0\r\n") };
	assert_int_equal(rf_srv_reply(s.srv, &ok), 0);
	stand_expect_sent(&s, 4);
	assert_non_null(strstr(stand_last(&s, 0)->text, "\r\nContact: <sip:us@192.0.2.1>\r\n"));
	assert_non_null(strstr(stand_last(&s, 0)->text, "\r\nContent-Length: 5\r\n\r\nv=0\r\n"));
	assert_non_null(strstr(stand_hdr(stand_last(&s, 0), "To", hdr), tag));
	assert_int_equal(rf_srv_reply(s.srv, &ok), RF_E_STATE);
	stand_pass(&s, 1600); /* repeated after 500 and 1000 ms */
	stand_expect_sent(&s, 6);
	get(&udp, "INVITE", "z9hG4bKi", 1, NULL); /* Accepted absorbs it */
	stand_expect_sent(&s, 6);
	assert_int_equal(s.ua->stats.acks_now, 1);

	get(&udp, "ACK", "z9hG4bKother", 2, tag); /* another CSeq: not this one's */
	assert_int_equal(s.acks, 1);
	assert_int_equal(s.acked_2xx, 0);
	assert_int_equal(stand_count(&s, RF_UA_STRAY_ACK), 1);
	s.ack_is_strange = true; /* an ACK that the user does not take ends nothing */
	get(&udp, "ACK", "z9hG4bKstrange", 1, tag);
	stand_pass(&s, 2100);
	stand_expect_sent(&s, 7);
	s.ack_is_strange = false;
	s.acked_2xx = 0;
	get(&udp, "ACK", "z9hG4bKack", 1, tag);
	assert_int_equal(s.acked_2xx, 1);
	stand_pass(&s, 20000);
	stand_expect_sent(&s, 7);
	stand_pass(&s, 13000);
	assert_int_equal(s.gone, 1);
	assert_int_equal(s.no_ack, 0);
	assert_int_equal(s.ua->stats.acks_now, 0);
	assert_int_equal(s.ua->acks.count, 0);
}

static void test_no_ack(void **state)
{
	struct rf_flow tls = stand_stream("192.0.2.7:40000", RF_FLOW_TLS, 5);

	(void)state;
	get(&tls, "INVITE", "z9hG4bKi", 1, NULL);
	assert_int_equal(rf_srv_reply_code(s.srv, 200), 0);
	stand_pass(&s, 31900); /* 13.3.1.4: over streams too: 0.5 1.5 3.5 7.5 11.5 ... 31.5 */
	stand_expect_sent(&s, 11);
	assert_int_equal(s.no_ack, 0);
	stand_pass(&s, 200);
	assert_int_equal(s.no_ack, 1);
	assert_int_equal(s.gone, 1);
}

static void test_refused_invite(void **state)
{
	struct rf_flow udp = stand_udp("192.0.2.7:5060");

	(void)state;
	get(&udp, "INVITE", "z9hG4bKi", 1, NULL);
	assert_int_equal(rf_srv_reply_with(s.srv, 486, RF_V("Retry-After: 3\r\n")), 0);
	stand_pass(&s, 1600);
	stand_expect_sent(&s, 3);
	get(&udp, "ACK", "z9hG4bKi", 1, "whatever");
	assert_int_equal(s.acks, 0);
	stand_pass(&s, 4000);
	stand_expect_sent(&s, 3);
	get(&udp, "INVITE", "z9hG4bKi", 1, NULL);
	stand_expect_sent(&s, 3);
	stand_pass(&s, 1100); /* timer I */
	assert_int_equal(s.gone, 1);
	/* and without ACK: timer H */
	get(&udp, "INVITE", "z9hG4bKj", 2, NULL);
	assert_int_equal(rf_srv_reply_code(s.srv, 603), 0);
	stand_pass(&s, 32100);
	assert_int_equal(s.no_ack, 1);
	assert_int_equal(s.gone, 2);
}

static void test_reliable_provisional(void **state)
{
	struct rf_flow tls = stand_stream("192.0.2.7:40000", RF_FLOW_TLS, 5);
	struct rf_srv_reply ringing = { .code = 183,
					.headers = RF_V("Require: 100rel\r\nRSeq: 1\r\n"),
					.reliable = true };

	(void)state;
	get(&tls, "INVITE", "z9hG4bKi", 1, NULL);
	assert_int_equal(rf_srv_reply(s.srv, &ringing), 0);
	assert_int_equal(rf_srv_reply_code(s.srv, 180), 0); /* one that is not reliable does not take its place */
	stand_pass(&s, 1600);
	stand_expect_sent(&s, 4);
	assert_int_equal(stand_status(stand_last(&s, 0)), 183);
	rf_srv_pracked(s.srv, rf_srv_to_tag(s.srv));
	stand_pass(&s, 10000);
	stand_expect_sent(&s, 4);
	ringing.headers = RF_V("Require: 100rel\r\nRSeq: 2\r\n");
	assert_int_equal(rf_srv_reply(s.srv, &ringing), 0);
	stand_pass(&s, 32100);
	assert_int_equal(s.no_prack, 1);
	assert_int_equal(rf_srv_reply_code(s.srv, 504), 0);
}

/* Each early dialog has its own: they are repeated, acknowledged and given up apart from each other (RFC 3262 3). */
static void test_reliable_forks(void **state)
{
	struct rf_flow tls = stand_stream("192.0.2.7:40000", RF_FLOW_TLS, 5);
	struct rf_srv_reply ringing = { .code = 183,
					.headers = RF_V("Require: 100rel\r\nRSeq: 1\r\n"),
					.reliable = true };
	char tag[8];

	(void)state;
	get(&tls, "INVITE", "z9hG4bKi", 1, NULL);
	ringing.to_tag = RF_V("one");
	assert_int_equal(rf_srv_reply(s.srv, &ringing), 0);
	ringing.to_tag = RF_V("two");
	assert_int_equal(rf_srv_reply(s.srv, &ringing), 0);
	stand_expect_sent(&s, 2);
	stand_pass(&s, 600);
	stand_expect_sent(&s, 4);
	assert_non_null(strstr(stand_last(&s, 0)->text, ";tag=one"));
	assert_non_null(strstr(stand_last(&s, 1)->text, ";tag=two"));
	rf_srv_pracked(s.srv, RF_V("two"));
	rf_srv_pracked(s.srv, RF_V("two"));
	rf_srv_pracked(s.srv, RF_V("three"));
	stand_pass(&s, 1000);
	stand_expect_sent(&s, 5);
	assert_non_null(strstr(stand_last(&s, 0)->text, ";tag=one"));
	for (unsigned i = 1; i < RF_SRV_RELIABLE_MAX; i++) {
		snprintf(tag, sizeof tag, "t%u", i);
		ringing.to_tag = rf_view_str(tag);
		assert_int_equal(rf_srv_reply(s.srv, &ringing), 0);
	}
	ringing.to_tag = RF_V("over");
	assert_int_equal(rf_srv_reply(s.srv, &ringing), RF_E_LIMIT);
	stand_pass(&s, 31000);
	assert_int_equal(s.no_prack, 1);
	assert_int_equal(rf_srv_reply_code(s.srv, 504), 0);
	stand_pass(&s, 10000);
	assert_int_equal(s.no_prack, 1);
}

static void test_cancel(void **state)
{
	struct rf_flow tls = stand_stream("192.0.2.7:40000", RF_FLOW_TLS, 5);
	struct rf_flow other = stand_stream("192.0.2.8:40000", RF_FLOW_TLS, 6);

	(void)state;
	get(&tls, "INVITE", "z9hG4bKi", 1, NULL);
	assert_int_equal(rf_srv_reply_code(s.srv, 180), 0);
	get(&other, "CANCEL", "z9hG4bKi", 1, NULL); /* another's connection */
	assert_int_equal(stand_status(stand_last(&s, 0)), 481);
	assert_true(rf_flow_eq(&stand_last(&s, 0)->flow, &other));
	assert_int_equal(s.cancelled, 0);
	get(&tls, "CANCEL", "z9hG4bKno", 1, NULL);
	assert_int_equal(stand_status(stand_last(&s, 0)), 481);
	get(&tls, "CANCEL", "z9hG4bKi", 1, NULL);
	assert_int_equal(stand_status(stand_last(&s, 0)), 200);
	assert_int_equal(s.cancelled, 1);
	get(&tls, "CANCEL", "z9hG4bKi", 1, NULL); /* once more: answered, told only once */
	assert_int_equal(stand_status(stand_last(&s, 0)), 200);
	assert_int_equal(s.cancelled, 1);
	assert_int_equal(rf_srv_reply_code(s.srv, 487), 0);
	get(&tls, "ACK", "z9hG4bKi", 1, "x");
	stand_turn(&s);
	assert_int_equal(s.gone, 1);
	/* the 200 was quicker */
	get(&tls, "INVITE", "z9hG4bKj", 2, NULL);
	assert_int_equal(rf_srv_reply_code(s.srv, 200), 0);
	get(&tls, "CANCEL", "z9hG4bKj", 2, NULL);
	assert_int_equal(stand_status(stand_last(&s, 0)), 200);
	assert_int_equal(s.cancelled, 1);
	assert_int_equal(stand_count(&s, RF_UA_REFUSED_CANCEL), 2);
}

static void test_merged(void **state)
{
	struct rf_flow udp = stand_udp("192.0.2.7:5060");

	(void)state;
	get(&udp, "INVITE", "z9hG4bKi", 1, NULL);
	get(&udp, "INVITE", "z9hG4bKj", 1, NULL);
	assert_int_equal(stand_status(stand_last(&s, 0)), 482);
	assert_int_equal(s.requests, 1);
	assert_string_equal(s.refusal.what, "refused-merged");
	char *tag = strstr(stand_hdr(stand_last(&s, 0), "To", hdr), "tag=") + 4;
	get(&udp, "ACK", "z9hG4bKj", 1, tag); /* its ACK is nobody's business */
	assert_int_equal(s.acks, 0);
	get(&udp, "INVITE", "z9hG4bKk", 2, NULL); /* the next one, with credentials perhaps */
	assert_int_equal(s.requests, 2);
	get(&udp, "INVITE", "z9hG4bKl", 2, "inside"); /* in a dialog there is nothing to merge */
	assert_int_equal(s.requests, 3);
}

static void test_turned_away(void **state)
{
	static const struct {
		const char *name, *first, *extra;
		unsigned code;
	} cases[] = {
		{ "hops used up", "INVITE sip:1002@example.org SIP/2.0", "Max-Forwards: 0\r\n", 483 },
		{ "sips without TLS", "OPTIONS sips:1002@example.org SIP/2.0", "", 403 },
		{ "unknown extension", "OPTIONS sip:1002@example.org SIP/2.0", "Require: 100rel, foo\r\n", 420 },
		{ "proxy extension", "OPTIONS sip:1002@example.org SIP/2.0", "Proxy-Require: bar\r\n", 420 },
		{ "known extension", "OPTIONS sip:1002@example.org SIP/2.0", "Require: timer\r\n", 200 },
		{ "OPTIONS without hops ends here", "OPTIONS sip:1002@example.org SIP/2.0", "Max-Forwards: 0\r\n", 200 },
	};
	struct rf_flow udp = stand_udp("192.0.2.7:5060");

	(void)state;
	s.answer = 200;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t method = strcspn(cases[i].first, " ");

		snprintf(buf, sizeof buf,
			 "%s\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKt%zu\r\nFrom: <sip:a@b>;tag=f%zu\r\nTo: <sip:c@d>\r\n"
			 "Call-ID: t%zu\r\nCSeq: 1 %.*s\r\n%s\r\n",
			 cases[i].first, i, i, i, (int)method, cases[i].first, cases[i].extra);
		stand_receive(&s, &udp, buf);
		assert_true(s.sent_n > i);
		if (stand_status(stand_last(&s, 0)) != cases[i].code)
			fail_msg("%s: %s", cases[i].name, stand_last(&s, 0)->text);
	}
	assert_non_null(strstr(s.sent[2].text, "\r\nUnsupported: foo\r\n"));
}

static void test_malformed(void **state)
{
	struct rf_flow udp = stand_udp("192.0.2.7:5060");

	(void)state;
	stand_receive(&s, &udp, "\r\n\r\n");
	stand_receive_bytes(&s, &udp, rf_view_of("\0\0\0\0", 4));
	stand_receive(&s, &udp, "hello");
	stand_expect_sent(&s, 0);
	stand_request(buf, sizeof buf, "OPTIONS", "z9hG4bKa", 1, NULL);
	char *cseq = strstr(buf, "CSeq: 1");
	memcpy(cseq, "CSeq: x", 7);
	stand_receive(&s, &udp, buf);
	stand_expect_sent(&s, 1);
	assert_int_equal(stand_status(stand_last(&s, 0)), 400);
	assert_int_equal(s.ua->stats.by_rule[RF_SIP_RULE_CSEQ], 1);
	assert_string_equal(s.refusal.what, "cseq");
	assert_int_equal(s.requests, 0);
	/* every prefix */
	s.answer = 200;
	size_t n = strlen(stand_request(buf, sizeof buf, "MESSAGE", "z9hG4bKa", 1, NULL));
	for (size_t i = 0; i < n; i++)
		stand_receive_bytes(&s, &udp, rf_view_of(buf, i));
	assert_int_equal(s.requests, 0);
	stand_receive_bytes(&s, &udp, rf_view_of(buf, n));
	assert_int_equal(s.requests, 1);
	assert_true(s.refusals < 60); /* 20 a second, not one for each */
	assert_true(stand_count(&s, RF_UA_EVENTS_CUT) > 0);
}

static void test_broken_transport(void **state)
{
	struct rf_flow tls = stand_stream("192.0.2.7:40000", RF_FLOW_TLS, 5);

	(void)state;
	get(&tls, "INVITE", "z9hG4bKi", 1, NULL);
	s.send_fails = RF_E_CLOSED;
	assert_int_equal(rf_srv_reply_code(s.srv, 180), 0);
	assert_int_equal(s.failed, 0); /* not from inside the call */
	stand_turn(&s);
	assert_int_equal(s.failed, 1);
	assert_int_equal(rf_srv_reply_code(s.srv, 500), 0);
	stand_pass(&s, 33000);
	assert_int_equal(s.gone, 1);
}

static void test_drain(void **state)
{
	struct rf_flow udp = stand_udp("192.0.2.7:5060");

	(void)state;
	s.answer = 200;
	rf_ua_drain(s.ua);
	get(&udp, "REGISTER", "z9hG4bKr", 1, NULL);
	assert_int_equal(stand_status(stand_last(&s, 0)), 503);
	assert_string_equal(stand_hdr(stand_last(&s, 0), "Retry-After", hdr), "5");
	get(&udp, "BYE", "z9hG4bKb", 1, "inside");
	assert_int_equal(stand_status(stand_last(&s, 0)), 200);
}

static void test_bound(void **state)
{
	struct rf_flow udp = stand_udp("192.0.2.7:5060");
	char branch[32];

	(void)state;
	stand_fini(&s);
	stand_init(&s, &(struct rf_ua_bounds){ .server_transactions = 8 }, 0, 1);
	s.answer = 200;
	for (unsigned i = 0; i < 100; i++) {
		snprintf(branch, sizeof branch, "z9hG4bK%u", i);
		get(&udp, "OPTIONS", branch, i, NULL);
		assert_int_equal(stand_status(stand_last(&s, 0)), i < 8 ? 200 : 503);
	}
	assert_int_equal(s.ua->srv.count, 8);
	assert_int_equal(stand_count(&s, RF_UA_REFUSED_TRANSACTIONS), 92);
	stand_pass(&s, 4100); /* these have had their answers and were silent since */
	for (unsigned i = 100; i < 110; i++) {
		snprintf(branch, sizeof branch, "z9hG4bK%u", i);
		get(&udp, "OPTIONS", branch, i, NULL);
		assert_int_equal(stand_status(stand_last(&s, 0)), i < 108 ? 200 : 503);
	}
	assert_int_equal(stand_count(&s, RF_UA_EVICTED), 8);
	assert_int_equal(s.ua->srv.count, 8);
	stand_pass(&s, 33000);
	assert_int_equal(s.gone, 16);
	assert_int_equal(s.ua->stats.srv_now, 0);
	assert_int_equal(s.ua->merged.count, 0);
}

static void many(const struct rf_flow *flow, const char *method, unsigned first, unsigned n, unsigned want)
{
	char branch[32];

	for (unsigned i = first; i < first + n; i++) {
		snprintf(branch, sizeof branch, "z9hG4bK%u", i);
		get(flow, method, branch, i, NULL);
		if (want)
			assert_int_equal(stand_status(stand_last(&s, 0)), want);
	}
}

/* A full table has places for what is urgent, and a refusal is not worth one. */
static void test_kept_places(void **state)
{
	struct rf_flow udp = stand_udp("192.0.2.7:5060");

	(void)state;
	stand_fini(&s);
	stand_init(&s, &(struct rf_ua_bounds){ .server_transactions = 32 }, 0, 1);
	s.answer = 200;
	many(&udp, "OPTIONS", 0, 32, 200);
	many(&udp, "OPTIONS", 32, 5, 503);
	s.urgent = true;
	s.answer = 486;
	many(&udp, "INVITE", 100, 20, 486);
	stand_turn(&s);
	assert_int_equal(s.ua->srv.count, 32);
	s.answer = 200;
	many(&udp, "INVITE", 200, 2, 200);
	many(&udp, "INVITE", 202, 3, 503);
	assert_int_equal(s.ua->srv.count, 34);
	assert_int_equal(s.ua->acks.count, 2);
	s.urgent = false;
	many(&udp, "OPTIONS", 300, 2, 503);
	s.urgent = true;
	stand_pass(&s, 4100); /* the oldest that were silent leave, and the bound is as it was */
	many(&udp, "OPTIONS", 400, 3, 200);
	s.urgent = false;
	assert_true(stand_count(&s, RF_UA_EVICTED) >= 3);
	stand_pass(&s, 70000);
	assert_int_equal(s.ua->stats.srv_now, 0);
	assert_int_equal(s.ua->merged.count, 0);
}

/* What is repeated in a kept place is repeated: a BYE that is answered keeps its answer. */
static void test_kept_dialog(void **state)
{
	struct rf_flow udp = stand_udp("192.0.2.7:5060");

	(void)state;
	stand_fini(&s);
	stand_init(&s, &(struct rf_ua_bounds){ .server_transactions = 32 }, 0, 1);
	s.answer = 200;
	many(&udp, "OPTIONS", 0, 32, 200);
	s.urgent = true;
	s.answer = 481;
	get(&udp, "BYE", "z9hG4bKb", 1, "inside");
	assert_int_equal(stand_status(stand_last(&s, 0)), 481);
	assert_int_equal(s.ua->srv.count, 33);
	get(&udp, "BYE", "z9hG4bKb", 1, "inside");
	assert_int_equal(stand_count(&s, RF_UA_REPEATED_OUT), 1);
}

/* Without a watcher a request that was answered is only its keys and its answer. */
static void test_done(void **state)
{
	struct rf_flow udp = stand_udp("192.0.2.7:5060"), other = stand_udp("192.0.2.9:5060");
	char first[4096];

	(void)state;
	get(&udp, "OPTIONS", "z9hG4bKa", 1, NULL);
	assert_int_equal(rf_srv_reply_code(s.srv, 200), 0);
	rf_srv_watch(s.srv, NULL, NULL);
	memcpy(first, stand_last(&s, 0)->text, sizeof first);
	assert_int_equal(s.ua->srv.count, 1);
	stand_turn(&s);
	assert_int_equal(s.ua->srv.count, 0);
	assert_int_equal(s.ua->done.count, 1);
	assert_int_equal(s.ua->stats.srv_now, 1);
	get(&other, "OPTIONS", "z9hG4bKa", 1, NULL); /* repeated, perhaps by a spoofer: the answer goes to the asker */
	stand_expect_sent(&s, 2);
	assert_string_equal(stand_last(&s, 0)->text, first);
	assert_true(rf_flow_eq(&stand_last(&s, 0)->flow, &udp));
	assert_int_equal(s.requests, 1);
	assert_int_equal(stand_count(&s, RF_UA_REPEATED_IN), 1);
	assert_int_equal(stand_count(&s, RF_UA_REPEATED_OUT), 1);
	get(&udp, "OPTIONS", "z9hG4bKb", 1, NULL); /* by another way */
	assert_int_equal(stand_status(stand_last(&s, 0)), 482);
	stand_pass(&s, 31900);
	get(&udp, "OPTIONS", "z9hG4bKa", 1, NULL);
	assert_int_equal(s.requests, 1);
	stand_pass(&s, 200); /* timer J */
	assert_int_equal(s.ua->done.count, 0);
	assert_int_equal(s.ua->merged.count, 0);
	assert_int_equal(s.ua->stats.srv_now, 0);
	get(&udp, "OPTIONS", "z9hG4bKa", 1, NULL);
	assert_int_equal(s.requests, 2);
}

static void done_one(const struct rf_flow *flow, unsigned i)
{
	size_t had = s.requests;
	char branch[32];

	snprintf(branch, sizeof branch, "z9hG4bK%u", i);
	get(flow, "OPTIONS", branch, i, NULL);
	if (s.requests == had)
		return;
	rf_srv_reply_code(s.srv, 200);
	rf_srv_watch(s.srv, NULL, NULL);
	stand_turn(&s);
}

/* The bound is one for both forms. */
static void test_done_bound(void **state)
{
	struct rf_flow udp = stand_udp("192.0.2.7:5060");

	(void)state;
	stand_fini(&s);
	stand_init(&s, &(struct rf_ua_bounds){ .server_transactions = 8 }, 0, 1);
	get(&udp, "INVITE", "z9hG4bKi", 1000, NULL);
	for (unsigned i = 0; i < 20; i++)
		done_one(&udp, i);
	assert_int_equal(s.ua->done.count, 7);
	assert_int_equal(stand_count(&s, RF_UA_REFUSED_TRANSACTIONS), 13);
	stand_pass(&s, 4100);
	get(&udp, "OPTIONS", "z9hG4bK0", 0, NULL); /* still repeats: the younger ones leave before it */
	for (unsigned i = 20; i < 40; i++)
		done_one(&udp, i);
	assert_int_equal(s.ua->done.count, 7);
	rf_ua_free(s.ua); /* with all of them left */
	rf_loop_free(s.loop);
	stand_init(&s, NULL, 0, 1);
}

static void answer_when_failed(void *arg, struct rf_srv *srv, enum rf_srv_event event)
{
	unsigned *gone = arg;

	if (event == RF_SRV_FAILED)
		rf_srv_reply_code(srv, 500);
	*gone += event == RF_SRV_GONE;
}

/* The user's answer to a failure may be what ends the transaction. */
static void test_ended_by_its_failure(void **state)
{
	struct rf_flow tls = stand_stream("192.0.2.7:5061", RF_FLOW_TLS, 7);
	unsigned gone = 0;

	(void)state;
	get(&tls, "OPTIONS", "z9hG4bK1", 1, NULL);
	rf_srv_watch(s.srv, answer_when_failed, &gone);
	s.send_fails = RF_E_CLOSED;
	assert_int_equal(rf_srv_reply_code(s.srv, 100), 0);
	stand_turn(&s);
	stand_turn(&s);
	assert_int_equal(gone, 1);
	assert_int_equal(s.ua->stats.srv_now, 0);
}

/* Few transactions, but of requests as long as they may be. */
static void test_bound_of_bytes(void **state)
{
	enum { VIAS = 6, VIA = 7000 };
	struct rf_flow udp = stand_udp("192.0.2.7:5060");
	static char text[VIAS * (VIA + 16) + 1024], pad[VIA];
	unsigned refused = 0;

	(void)state;
	stand_fini(&s);
	stand_init(&s, &(struct rf_ua_bounds){ .server_bytes = 1 << 20 }, 0, 1);
	memset(pad, 'x', sizeof pad - 1);
	for (unsigned i = 0; i < 200; i++) {
		char small[2048], branch[32];

		snprintf(branch, sizeof branch, "z9hG4bK%u", i);
		stand_request(small, sizeof small, "OPTIONS", branch, i, NULL);
		char *line = strstr(small, "From:");
		size_t n = (size_t)snprintf(text, sizeof text, "%.*s", (int)(line - small), small);
		for (int v = 0; v < VIAS; v++)
			n += (size_t)snprintf(text + n, sizeof text - n, "Via: SIP/2.0/UDP h;branch=z9hG4bK;p=%s\r\n",
					      pad);
		snprintf(text + n, sizeof text - n, "%s", line);
		s.answer = 200;
		stand_receive(&s, &udp, text);
		assert_true(s.ua->srv_bytes < (1 << 20) + 2 * sizeof text);
		stand_turn(&s);
		refused += stand_status(stand_last(&s, 0)) == 503;
	}
	assert_true(refused > 150 && refused < 200);
	stand_pass(&s, 4100);
	get(&udp, "OPTIONS", "z9hG4bKlast", 1000, NULL); /* who has had his answer leaves */
	assert_int_equal(stand_status(stand_last(&s, 0)), 200);
	stand_pass(&s, 33000);
	assert_int_equal(s.ua->srv_bytes, 0);
}

static void test_done_without_memory(void **state)
{
	struct rf_flow udp = stand_udp("192.0.2.7:5060");
	unsigned n = 1;

	(void)state;
	do {
		char branch[32];

		snprintf(branch, sizeof branch, "z9hG4bK%u", n);
		get(&udp, "OPTIONS", branch, n, NULL);
		assert_int_equal(rf_srv_reply_code(s.srv, 200), 0);
		rf_srv_watch(s.srv, NULL, NULL);
		fail_alloc_at(n);
		stand_turn(&s);
		assert_true(n < 10);
		get(&udp, "OPTIONS", branch, n++, NULL); /* repeats from one place or the other */
		assert_int_equal(stand_status(stand_last(&s, 0)), 200);
	} while (fail_alloc_off());
	assert_int_equal(s.requests, n - 1);
	stand_pass(&s, 33000);
	assert_int_equal(s.ua->stats.srv_now, 0);
	assert_int_equal(s.ua->merged.count, 0);
}

/* A challenge leaves nothing behind, and is the same each time. */
static void test_stateless(void **state)
{
	static const char *const methods[] = { "REGISTER", "INVITE" };
	struct rf_flow flows[] = { stand_udp("192.0.2.7:5060"), stand_stream("192.0.2.7:40000", RF_FLOW_TLS, 5) };
	const struct rf_srv_reply challenge = { .code = 401, .headers = RF_V("WWW-Authenticate: x\r\n") };
	char tag[64];
	size_t requests = 0;

	(void)state;
	for (size_t f = 0; f < 2; f++)
		for (size_t i = 0; i < 2; i++) {
			get(&flows[f], methods[i], "z9hG4bKr", 1, NULL);
			assert_int_equal(rf_srv_reply_stateless(s.srv, &challenge), 0);
			assert_int_equal(s.ua->srv.count, 0);
			assert_int_equal(rf_srv_reply_code(s.srv, 200), RF_E_STATE);
			assert_true(rf_srv_answered(s.srv));
			stand_turn(&s);
			assert_int_equal(s.ua->stats.srv_now, 0);
			assert_int_equal(s.ua->merged.count, 0);
			assert_int_equal(stand_status(stand_last(&s, 0)), 401);
			assert_non_null(strstr(stand_last(&s, 0)->text, "WWW-Authenticate: x"));
			snprintf(tag, sizeof tag, "%s", strstr(stand_hdr(stand_last(&s, 0), "To", hdr), "tag=") + 4);
			get(&flows[f], methods[i], "z9hG4bKr", 1, NULL);
			assert_int_equal(s.requests, requests += 2);
			assert_int_equal(rf_srv_reply_stateless(s.srv, &challenge), 0);
			assert_string_equal(strstr(stand_hdr(stand_last(&s, 0), "To", hdr), "tag=") + 4, tag);
			stand_turn(&s);
		}
	get(&flows[1], "ACK", "z9hG4bKr", 1, tag);
	assert_int_equal(s.acks, 0);
	assert_int_equal(stand_count(&s, RF_UA_STRAY_ACK), 0);
	get(&flows[1], "ACK", "z9hG4bKother", 1, tag); /* not ours: of another transaction */
	assert_int_equal(stand_count(&s, RF_UA_STRAY_ACK), 1);
}

/* Where there is something to keep, it is kept. */
static void test_not_stateless(void **state)
{
	struct rf_flow udp = stand_udp("192.0.2.7:5060");
	const struct rf_srv_reply challenge = { .code = 407 };

	(void)state;
	get(&udp, "INVITE", "z9hG4bKi", 1, NULL);
	assert_int_equal(rf_srv_reply_code(s.srv, 180), 0);
	assert_int_equal(rf_srv_reply_stateless(s.srv, &challenge), 0);
	assert_int_equal(s.ua->srv.count, 1);
	get(&udp, "INVITE", "z9hG4bKj", 2, "inside");
	assert_int_equal(rf_srv_reply_stateless(s.srv, &challenge), 0);
	assert_int_equal(s.ua->srv.count, 2);
	get(&udp, "OPTIONS", "z9hG4bKk", 3, NULL);
	assert_int_equal(rf_srv_reply_stateless(s.srv, &(struct rf_srv_reply){ .code = 700 }), RF_E_MALFORMED);
	assert_int_equal(rf_srv_reply_stateless(s.srv, &(struct rf_srv_reply){ .code = 200 }), 0);
	assert_int_equal(s.ua->srv.count, 3);
	assert_int_equal(rf_srv_reply_stateless(s.srv, &challenge), RF_E_STATE);
}

static void test_free_with_work_left(void **state)
{
	struct rf_flow udp = stand_udp("192.0.2.7:5060");

	(void)state;
	get(&udp, "INVITE", "z9hG4bKi", 1, NULL);
	assert_int_equal(rf_srv_reply_code(s.srv, 200), 0);
	get(&udp, "INVITE", "z9hG4bKj", 2, NULL);
	get(&udp, "OPTIONS", "z9hG4bKk", 3, NULL);
	rf_ua_free(s.ua);
	assert_int_equal(s.gone, 3);
	rf_loop_free(s.loop);
	stand_init(&s, NULL, 0, 1);
}

static void test_no_memory(void **state)
{
	struct rf_flow udp = stand_udp("192.0.2.7:5060");
	char branch[32];

	(void)state;
	for (unsigned n = 1;; n++) {
		snprintf(branch, sizeof branch, "z9hG4bK%u", n);
		size_t had = s.requests;
		fail_alloc_at(n);
		get(&udp, "INVITE", branch, n, NULL);
		int rc = s.requests > had ? rf_srv_reply_code(s.srv, 200) : 0;
		if (!fail_alloc_off())
			break;
		if (s.requests == had)
			assert_int_equal(stand_status(stand_last(&s, 0)), 503);
		else if (rc) {
			assert_int_equal(rc, -ENOMEM);
			assert_false(rf_srv_answered(s.srv));
			assert_int_equal(rf_srv_reply_code(s.srv, 200), 0);
		}
		assert_true(n < 50);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_options, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stream_ends_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_late, setup, teardown),
		cmocka_unit_test_setup_teardown(test_invite_100_180_200_ack, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_ack, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused_invite, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reliable_provisional, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reliable_forks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cancel, setup, teardown),
		cmocka_unit_test_setup_teardown(test_merged, setup, teardown),
		cmocka_unit_test_setup_teardown(test_turned_away, setup, teardown),
		cmocka_unit_test_setup_teardown(test_malformed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_broken_transport, setup, teardown),
		cmocka_unit_test_setup_teardown(test_drain, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bound, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kept_places, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kept_dialog, setup, teardown),
		cmocka_unit_test_setup_teardown(test_done, setup, teardown),
		cmocka_unit_test_setup_teardown(test_done_bound, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ended_by_its_failure, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bound_of_bytes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_done_without_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stateless, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_stateless, setup, teardown),
		cmocka_unit_test_setup_teardown(test_free_with_work_left, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_memory, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
