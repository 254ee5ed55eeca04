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

static struct rf_target by_flow(struct rf_flow flow)
{
	return (struct rf_target){ .flow = flow };
}

static struct rf_target udp_target(void)
{
	return by_flow(stand_udp("192.0.2.9:5060"));
}

/* The peer answers the back-th newest thing that we sent, by the flow on which it got it. */
static void answer(size_t back, unsigned code, const char *to_tag)
{
	struct sent request = *stand_last(&s, back);

	stand_receive(&s, &request.flow, stand_response(buf, sizeof buf, &request, code, to_tag));
}

static bool last_is(size_t back, const char *method)
{
	return strncmp(stand_last(&s, back)->text, method, strlen(method)) == 0;
}

static void test_options(void **state)
{
	struct rf_target t = udp_target();

	(void)state;
	assert_int_equal(stand_call(&s, "OPTIONS", &t, 0), 0);
	stand_expect_sent(&s, 1);
	assert_memory_equal(stand_last(&s, 0)->text, "OPTIONS sip:1002@192.0.2.9 SIP/2.0\r\nVia: SIP/2.0/UDP ", 53);
	assert_non_null(strstr(stand_hdr(stand_last(&s, 0), "Via", hdr), "branch=z9hG4bKrf00"));
	stand_pass(&s, 3600); /* E: 0.5 1.5 3.5 */
	stand_expect_sent(&s, 4);
	assert_string_equal(stand_last(&s, 0)->text, stand_last(&s, 3)->text);
	answer(0, 200, "x");
	assert_int_equal(s.responses, 1);
	answer(0, 200, "x"); /* repeated: absorbed */
	assert_int_equal(s.responses, 1);
	stand_pass(&s, 5100); /* K */
	assert_int_equal(s.cli_gone, 1);
	answer(0, 200, "x");
	assert_int_equal(stand_count(&s, RF_UA_STRAY_RESPONSE), 1);
	assert_int_equal(s.responses, 1);
	assert_int_equal(s.ua->stats.cli_now, 0);
}

static void test_timeout(void **state)
{
	struct rf_target t = udp_target();

	(void)state;
	assert_int_equal(stand_call(&s, "OPTIONS", &t, 0), 0);
	stand_pass(&s, 31900);
	stand_expect_sent(&s, 11);
	assert_int_equal(s.timeouts, 0);
	stand_pass(&s, 200);
	assert_int_equal(s.timeouts, 1);
	assert_int_equal(s.cli_gone, 1);
	assert_int_equal(stand_call(&s, "INVITE", &t, 2000), 0);
	stand_pass(&s, 2100);
	assert_int_equal(s.timeouts, 2);
	assert_int_equal(s.cli_gone, 2);
}

static void test_refused_arguments(void **state)
{
	struct rf_target t = udp_target(), none = { .kind = RF_FLOW_NONE };
	struct rf_cli_new bad = { .target = t, .request = RF_V("hello\r\n") };
	struct rf_cli *cli;

	(void)state;
	assert_int_equal(stand_call(&s, "ACK", &t, 0), RF_E_MALFORMED);
	assert_int_equal(stand_call(&s, "CANCEL", &t, 0), RF_E_MALFORMED);
	assert_int_equal(rf_cli_new(s.ua, &bad, &cli), RF_E_MALFORMED);
	assert_int_equal(stand_call(&s, "OPTIONS", &none, 0), RF_E_INVALID);
	t.secure = true;
	assert_int_equal(stand_call(&s, "OPTIONS", &t, 0), RF_E_INVALID);
	stand_turn(&s);
	assert_int_equal(s.ua->stats.cli_now, 0);
	stand_expect_sent(&s, 0);
}

static void test_invite_answered(void **state)
{
	struct rf_target t = udp_target();
	static const char ack[] = "ACK sip:1002@192.0.2.9 SIP/2.0\r\nTo: <sip:x@y>;tag=b\r\n\r\n";

	(void)state;
	assert_int_equal(stand_call(&s, "INVITE", &t, 0), 0);
	stand_pass(&s, 600); /* A */
	stand_expect_sent(&s, 2);
	answer(0, 100, NULL);
	answer(0, 180, "b");
	assert_int_equal(s.responses, 2);
	stand_pass(&s, 60000); /* no timer runs in Proceeding: the user watches the ringing */
	stand_expect_sent(&s, 2);
	answer(0, 200, "b");
	assert_int_equal(s.responses, 3);
	struct sent invite = *stand_last(&s, 0);
	answer(0, 200, "b"); /* repeated before the ACK: the user has it already */
	assert_int_equal(s.responses, 3);
	assert_int_equal(rf_cli_ack(s.cli, RF_V("other"), &t, rf_view_str(ack)), RF_E_STATE);
	assert_int_equal(rf_cli_ack(s.cli, RF_V("b"), &t, RF_V("BYE x\r\n")), RF_E_MALFORMED);
	assert_int_equal(rf_cli_ack(s.cli, RF_V("b"), &t, rf_view_str(ack)), 0);
	stand_expect_sent(&s, 3);
	assert_true(last_is(0, "ACK sip:1002@192.0.2.9 SIP/2.0\r\nVia: SIP/2.0/UDP "));
	stand_receive(&s, &invite.flow, stand_response(buf, sizeof buf, &invite, 200, "b"));
	stand_expect_sent(&s, 4);
	assert_string_equal(stand_last(&s, 0)->text, stand_last(&s, 1)->text);
	assert_int_equal(s.responses, 3);
	stand_receive(&s, &invite.flow, stand_response(buf, sizeof buf, &invite, 200, "fork")); /* another phone */
	assert_int_equal(s.responses, 4);
	assert_string_equal(s.to_tag[3], "fork");
	stand_pass(&s, 32100); /* M */
	assert_int_equal(s.cli_gone, 1);
	assert_int_equal(s.timeouts, 0);
	assert_int_equal(s.ua->ack_jobs, 0);
}

static void test_forks_bound(void **state)
{
	struct rf_target t = udp_target();
	char tag[16];

	(void)state;
	assert_int_equal(stand_call(&s, "INVITE", &t, 0), 0);
	for (unsigned i = 0; i < 40; i++) {
		snprintf(tag, sizeof tag, "t%u", i);
		answer(0, 200, tag);
	}
	assert_int_equal(s.responses, 16);
	assert_int_equal(stand_count(&s, RF_UA_FORKS_CUT), 24);
}

static void test_invite_refused(void **state)
{
	struct rf_target t = udp_target();

	(void)state;
	assert_int_equal(stand_call(&s, "INVITE", &t, 0), 0);
	struct sent invite = *stand_last(&s, 0);
	char via[512], via2[512];
	answer(0, 486, "busy");
	assert_int_equal(s.responses, 1);
	stand_expect_sent(&s, 2);
	assert_true(last_is(0, "ACK sip:1002@192.0.2.9 SIP/2.0\r\n"));
	assert_string_equal(stand_hdr(stand_last(&s, 0), "Via", via), stand_hdr(&invite, "Via", via2));
	assert_string_equal(stand_hdr(stand_last(&s, 0), "CSeq", hdr), "7 ACK");
	assert_string_equal(stand_hdr(stand_last(&s, 0), "Route", hdr), "<sip:192.0.2.9;lr>");
	assert_non_null(strstr(stand_hdr(stand_last(&s, 0), "To", hdr), ";tag=busy"));
	stand_receive(&s, &invite.flow, stand_response(buf, sizeof buf, &invite, 486, "busy"));
	stand_expect_sent(&s, 3);
	assert_string_equal(stand_last(&s, 0)->text, stand_last(&s, 1)->text);
	assert_int_equal(s.responses, 1);
	stand_pass(&s, 32100); /* D */
	assert_int_equal(s.cli_gone, 1);
}

static void test_cancel_waits_for_a_provisional(void **state)
{
	struct rf_target t = udp_target();

	(void)state;
	assert_int_equal(stand_call(&s, "INVITE", &t, 0), 0);
	struct sent invite = *stand_last(&s, 0);
	assert_int_equal(rf_cli_cancel(s.cli, RF_V("Reason: SIP;cause=200\r\n")), 0);
	assert_int_equal(rf_cli_cancel(s.cli, RF_V("")), 0);
	stand_expect_sent(&s, 1);
	answer(0, 180, "b");
	stand_expect_sent(&s, 2);
	assert_true(last_is(0, "CANCEL sip:1002@192.0.2.9 SIP/2.0\r\n"));
	char via[512], via2[512];
	assert_string_equal(stand_hdr(stand_last(&s, 0), "Via", via), stand_hdr(&invite, "Via", via2));
	assert_string_equal(stand_hdr(stand_last(&s, 0), "CSeq", hdr), "7 CANCEL");
	assert_string_equal(stand_hdr(stand_last(&s, 0), "Reason", hdr), "SIP;cause=200");
	assert_null(strstr(stand_hdr(stand_last(&s, 0), "To", hdr), "tag="));
	stand_pass(&s, 600); /* CANCEL is repeated by its own transaction */
	stand_expect_sent(&s, 3);
	answer(0, 200, "b");
	stand_pass(&s, 3000);
	stand_expect_sent(&s, 3);
	assert_int_equal(s.responses, 1);
	stand_receive(&s, &invite.flow, stand_response(buf, sizeof buf, &invite, 487, "b"));
	assert_int_equal(s.responses, 2);
	assert_int_equal(s.status[1], 487);
	assert_true(last_is(0, "ACK "));
	stand_pass(&s, 33000);
	assert_int_equal(s.cli_gone, 1);
	assert_int_equal(s.ua->stats.cli_now, 0);
}

static void test_cancel_races_200(void **state)
{
	struct rf_target t = udp_target();

	(void)state;
	assert_int_equal(stand_call(&s, "INVITE", &t, 0), 0);
	answer(0, 180, "b");
	struct sent invite = *stand_last(&s, 0);
	assert_int_equal(rf_cli_cancel(s.cli, RF_V("")), 0);
	stand_expect_sent(&s, 2);
	stand_receive(&s, &invite.flow, stand_response(buf, sizeof buf, &invite, 200, "b"));
	assert_int_equal(s.status[1], 200);
	assert_int_equal(rf_cli_cancel(s.cli, RF_V("")), 0); /* too late: nothing */
	stand_expect_sent(&s, 2);
	stand_pass(&s, 33000);
	assert_int_equal(s.cli_gone, 1);
}

static void test_cancel_without_effect(void **state)
{
	struct rf_target t = udp_target();

	(void)state;
	assert_int_equal(stand_call(&s, "INVITE", &t, 0), 0);
	answer(0, 180, "b");
	assert_int_equal(rf_cli_cancel(s.cli, RF_V("")), 0);
	stand_pass(&s, 32100);
	assert_int_equal(s.timeouts, 1);
	assert_int_equal(s.cli_gone, 1);
	/* and before any answer */
	assert_int_equal(stand_call(&s, "INVITE", &t, 0), 0);
	assert_int_equal(rf_cli_cancel(s.cli, RF_V("")), 0);
	stand_pass(&s, 32100);
	assert_int_equal(s.timeouts, 2);
	assert_int_equal(s.cli_gone, 2);
}

static void test_drop(void **state)
{
	struct rf_target t = udp_target();

	(void)state;
	assert_int_equal(stand_call(&s, "INVITE", &t, 0), 0);
	answer(0, 180, "b");
	rf_cli_drop(s.cli);
	rf_cli_drop(NULL);
	assert_true(last_is(0, "CANCEL "));
	stand_pass(&s, 33000);
	assert_int_equal(s.cli_gone, 0);
	assert_int_equal(s.ua->stats.cli_now, 0);
}

static void test_foreign(void **state)
{
	struct rf_flow tls = stand_stream("192.0.2.9:40000", RF_FLOW_TLS, 5);
	struct rf_flow other = stand_stream("192.0.2.8:40000", RF_FLOW_TLS, 6), udp = stand_udp("192.0.2.9:5060");
	struct rf_target t = by_flow(tls);

	(void)state;
	assert_int_equal(stand_call(&s, "OPTIONS", &t, 0), 0);
	stand_response(buf, sizeof buf, stand_last(&s, 0), 200, "b");
	stand_receive(&s, &other, buf);
	stand_receive(&s, &udp, buf);
	assert_int_equal(s.responses, 0);
	assert_int_equal(stand_count(&s, RF_UA_FOREIGN_RESPONSE), 2);
	stand_receive(&s, &tls, buf);
	assert_int_equal(s.responses, 1);
	/* two Vias: not for us */
	assert_int_equal(stand_call(&s, "OPTIONS", &t, 0), 0);
	stand_response(buf, sizeof buf, stand_last(&s, 0), 200, "b");
	char *end = strstr(buf, "\r\nFrom");
	char twice[4096];
	snprintf(twice, sizeof twice, "%.*s\r\nVia: SIP/2.0/UDP other;branch=z9hG4bKz%s", (int)(end - buf), buf, end);
	stand_receive(&s, &tls, twice);
	assert_int_equal(s.responses, 1);
	assert_int_equal(stand_count(&s, RF_UA_STRAY_RESPONSE), 1);
}

static void test_flow_gone(void **state)
{
	struct rf_target t = by_flow(stand_stream("192.0.2.9:40000", RF_FLOW_TLS, 5));

	(void)state;
	s.send_fails = RF_E_CLOSED;
	assert_int_equal(stand_call(&s, "INVITE", &t, 0), 0);
	assert_int_equal(s.cli_failed, 0);
	stand_turn(&s);
	assert_int_equal(s.cli_failed, 1);
	assert_int_equal(s.err, RF_E_CLOSED);
	stand_turn(&s);
	assert_int_equal(s.cli_gone, 1);
	assert_int_equal(s.ua->stats.cli_now, 0);
}

static void test_resolved(void **state)
{
	struct rf_sip_uri uri;
	struct rf_target t = { .uri = &uri };

	(void)state;
	assert_int_equal(rf_sip_uri_parse(RF_V("sip:192.0.2.33:5099;transport=tcp"), &uri), 0);
	assert_int_equal(stand_call(&s, "OPTIONS", &t, 0), 0);
	stand_expect_sent(&s, 0); /* not from inside */
	stand_turn(&s);
	stand_expect_sent(&s, 1);
	assert_int_equal(stand_last(&s, 0)->flow.kind, RF_FLOW_TCP);
	assert_int_equal(stand_last(&s, 0)->flow.remote.port, 5099);
	answer(0, 200, "x");
	stand_turn(&s);
	assert_int_equal(s.cli_gone, 1);
	/* cancelled before that */
	assert_int_equal(stand_call(&s, "INVITE", &t, 0), 0);
	assert_int_equal(rf_cli_cancel(s.cli, RF_V("")), 0);
	stand_turn(&s);
	assert_int_equal(s.cli_failed, 1);
	assert_int_equal(s.err, -ECANCELED);
	stand_turn(&s);
	assert_int_equal(s.cli_gone, 2);
	/* no resolver for names here */
	assert_int_equal(rf_sip_uri_parse(RF_V("sip:nowhere.example"), &uri), 0);
	assert_int_equal(stand_call(&s, "INVITE", &t, 0), 0);
	stand_turn(&s);
	assert_int_equal(s.err, RF_E_NOT_FOUND);
	/* an ACK of no transaction */
	assert_int_equal(rf_sip_uri_parse(RF_V("sip:192.0.2.33"), &uri), 0);
	assert_int_equal(rf_ua_send_ack(s.ua, &t, RF_V("ACK sip:b@c SIP/2.0\r\nX: y\r\n\r\n")), 0);
	stand_turn(&s);
	assert_true(last_is(0, "ACK sip:b@c SIP/2.0\r\nVia: "));
	assert_int_equal(s.ua->ack_jobs, 0);
}

/* RFC 3263 4.3: a 503, silence and a broken connection each lead to the next hop. A size over 1300 bytes makes two hops
 * of one address: TCP, then UDP. */
static struct rf_cli_new large_request(struct rf_sip_uri *uri, char *text, size_t cap, rf_cli_fn *fn, void *arg)
{
	snprintf(text, cap,
		 "INVITE sip:b@192.0.2.9 SIP/2.0\r\nMax-Forwards: 70\r\nFrom: <sip:a@b>;tag=o\r\nTo: <sip:c@d>\r\n"
		 "Call-ID: large\r\nCSeq: 1 INVITE\r\nSubject: %01400d\r\nContent-Length: 0\r\n\r\n", 1);
	assert_int_equal(rf_sip_uri_parse(RF_V("sip:192.0.2.33"), uri), 0);
	return (struct rf_cli_new){ .target = { .uri = uri }, .request = rf_view_str(text), .fn = fn, .arg = arg };
}

static struct rf_cli_event last_event;
static size_t events;

static void on_event(void *arg, struct rf_cli *cli, const struct rf_cli_event *event)
{
	(void)arg;
	(void)cli;
	last_event = *event;
	events++;
}

static void test_next_hop(void **state)
{
	struct rf_sip_uri uri;
	char text[2048], first_via[512];
	struct rf_cli_new conf = large_request(&uri, text, sizeof text, on_event, NULL);
	struct rf_cli *cli;

	(void)state;
	events = 0;
	assert_int_equal(rf_cli_new(s.ua, &conf, &cli), 0);
	stand_turn(&s);
	assert_int_equal(stand_last(&s, 0)->flow.kind, RF_FLOW_TCP);
	stand_hdr(stand_last(&s, 0), "Via", first_via);
	answer(0, 503, "down");
	assert_int_equal(events, 0);
	assert_true(last_is(1, "ACK "));
	assert_true(last_is(0, "INVITE "));
	assert_int_equal(stand_last(&s, 0)->flow.kind, RF_FLOW_UDP);
	assert_string_not_equal(stand_hdr(stand_last(&s, 0), "Via", hdr), first_via);
	struct sent second = *stand_last(&s, 0);
	answer(0, 503, "down"); /* and no third */
	assert_int_equal(events, 1);
	assert_int_equal(last_event.kind, RF_CLI_RESPONSE);
	(void)second;
	/* connecting fails at once: the next */
	events = 0;
	assert_int_equal(rf_cli_new(s.ua, &conf, &cli), 0);
	s.dial_fails = -ECONNREFUSED;
	stand_turn(&s);
	stand_turn(&s);
	assert_int_equal(events, 2);
	assert_int_equal(last_event.kind, RF_CLI_GONE);
	s.dial_fails = 0;
	/* silence */
	events = 0;
	conf.timeout_ms = 1000;
	assert_int_equal(rf_cli_new(s.ua, &conf, &cli), 0);
	stand_turn(&s);
	size_t had = s.sent_n;
	stand_pass(&s, 1100);
	assert_int_equal(s.sent_n, had + 1);
	assert_int_equal(stand_last(&s, 0)->flow.kind, RF_FLOW_UDP);
	stand_pass(&s, 1100);
	assert_int_equal(events, 2); /* TIMEOUT and GONE */
	/* who rings is not left for another */
	events = 0;
	conf.timeout_ms = 0;
	assert_int_equal(rf_cli_new(s.ua, &conf, &cli), 0);
	stand_turn(&s);
	answer(0, 180, "b");
	had = s.sent_n;
	rf_cli_broken(cli, RF_E_CLOSED);
	assert_int_equal(s.sent_n, had);
	assert_int_equal(events, 2);
	assert_int_equal(last_event.kind, RF_CLI_FAILED);
}

static void test_503_over_udp_is_still_acked(void **state)
{
	struct rf_sip_uri uri;
	char text[2048];
	struct rf_cli_new conf = large_request(&uri, text, sizeof text, on_event, NULL);
	struct rf_cli *cli;

	(void)state;
	events = 0;
	assert_int_equal(rf_cli_new(s.ua, &conf, &cli), 0);
	s.dial_fails = 0;
	stand_turn(&s);
	/* turn the order: pretend that the first hop was UDP */
	cli->route->hops.n = 3;
	cli->route->hops.hop[2] = cli->route->hops.hop[0];
	answer(0, 503, "down");
	struct sent udp = *stand_last(&s, 0);
	assert_int_equal(udp.flow.kind, RF_FLOW_UDP);
	answer(0, 503, "down");
	size_t had = s.sent_n;
	stand_receive(&s, &udp.flow, stand_response(buf, sizeof buf, &udp, 503, "down"));
	assert_int_equal(s.sent_n, had + 1);
	assert_true(last_is(0, "ACK "));
	answer(1, 486, "b"); /* the third hop */
	assert_int_equal(last_event.kind, RF_CLI_RESPONSE);
	stand_pass(&s, 33000);
	assert_int_equal(s.ua->stats.cli_now, 0);
}

static void test_bound(void **state)
{
	struct rf_target t = udp_target();

	(void)state;
	stand_fini(&s);
	stand_init(&s, &(struct rf_ua_bounds){ .client_transactions = 4 }, 0, 1);
	for (int i = 0; i < 4; i++)
		assert_int_equal(stand_call(&s, "OPTIONS", &t, 0), 0);
	assert_int_equal(stand_call(&s, "OPTIONS", &t, 0), RF_E_LIMIT);
	/* one place is kept for what is urgent */
	struct rf_cli_new help = { .target = t, .request = RF_V(
		"BYE sip:1002@192.0.2.9 SIP/2.0\r\nFrom: <sip:us@example.org>;tag=1\r\n"
		"To: <sip:x@example.org>;tag=2\r\n"
		"Call-ID: urgent\r\nCSeq: 1 BYE\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"), .urgent = true };
	struct rf_cli *cli;

	assert_int_equal(rf_cli_new(s.ua, &help, &cli), 0);
	assert_int_equal(rf_cli_new(s.ua, &help, &cli), RF_E_LIMIT);
	assert_int_equal(stand_count(&s, RF_UA_REFUSED_CLIENTS), 2);
	answer(0, 200, NULL); /* in its dialog */
	answer(1, 200, "x");
	stand_pass(&s, 4100);
	assert_int_equal(stand_call(&s, "OPTIONS", &t, 0), 0);
	assert_int_equal(stand_count(&s, RF_UA_EVICTED), 2);
}

static void test_no_memory(void **state)
{
	struct rf_sip_uri uri;
	struct rf_target t = udp_target(), named = { .uri = &uri };

	(void)state;
	assert_int_equal(rf_sip_uri_parse(RF_V("sip:192.0.2.33"), &uri), 0);
	for (int round = 0; round < 2; round++)
		for (unsigned n = 1; n < 50; n++) {
			fail_alloc_at(n);
			int rc = stand_call(&s, "INVITE", round ? &named : &t, 0);
			if (!rc) {
				stand_turn(&s);
				if (s.cli)
					rf_cli_cancel(s.cli, RF_V("X: y\r\n"));
			}
			if (!fail_alloc_off())
				break;
			if (rc)
				assert_int_equal(rc, -ENOMEM);
			stand_turn(&s);
		}
	stand_pass(&s, 40000);
	assert_int_equal(s.ua->stats.cli_now, 0);
}

static void test_free_with_work_left(void **state)
{
	struct rf_sip_uri uri;
	struct rf_target t = udp_target(), named = { .uri = &uri };

	(void)state;
	assert_int_equal(rf_sip_uri_parse(RF_V("sip:192.0.2.33"), &uri), 0);
	assert_int_equal(stand_call(&s, "INVITE", &t, 0), 0);
	answer(0, 200, "b");
	assert_int_equal(rf_cli_ack(s.cli, RF_V("b"), &named, RF_V("ACK sip:b@c SIP/2.0\r\n\r\n")), 0);
	assert_int_equal(stand_call(&s, "INVITE", &named, 0), 0);
	assert_int_equal(stand_call(&s, "OPTIONS", &t, 0), 0);
	assert_int_equal(rf_ua_send_ack(s.ua, &named, RF_V("ACK sip:b@c SIP/2.0\r\n\r\n")), 0);
	rf_ua_free(s.ua);
	assert_int_equal(s.cli_gone, 3);
	rf_loop_free(s.loop);
	stand_init(&s, NULL, 0, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_options, setup, teardown),
		cmocka_unit_test_setup_teardown(test_timeout, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused_arguments, setup, teardown),
		cmocka_unit_test_setup_teardown(test_invite_answered, setup, teardown),
		cmocka_unit_test_setup_teardown(test_forks_bound, setup, teardown),
		cmocka_unit_test_setup_teardown(test_invite_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cancel_waits_for_a_provisional, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cancel_races_200, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cancel_without_effect, setup, teardown),
		cmocka_unit_test_setup_teardown(test_drop, setup, teardown),
		cmocka_unit_test_setup_teardown(test_foreign, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flow_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_resolved, setup, teardown),
		cmocka_unit_test_setup_teardown(test_next_hop, setup, teardown),
		cmocka_unit_test_setup_teardown(test_503_over_udp_is_still_acked, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bound, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_free_with_work_left, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
