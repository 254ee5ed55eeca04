/* Sessions over paths that are none: what comes of each request, and nothing is left at the end. */
#include "fail_alloc.h"
#include "session_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define HEAD(ip) "v=0\r\no=alice 1 1 IN IP4 " ip "\r\ns=secret.example\r\nc=IN IP4 " ip "\r\nt=0 0\r\n"
#define AUDIO(port, proto) "m=audio " port " " proto " 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
#define A_PLAIN HEAD("192.0.2.9") AUDIO("2000", "RTP/AVP")
#define B_PLAIN HEAD("203.0.113.7") AUDIO("3000", "RTP/AVP")
#define CALL "'call-id':'c1','from-tag':'A'"
#define REPLY CALL ",'to-tag':'B'"

static int setup(void **state)
{
	struct kit *k = malloc(sizeof *k);

	kit_setup(k);
	*state = k;
	return 0;
}

static int down(void **state)
{
	kit_down(*state);
	free(*state);
	return 0;
}

static void expect_census(const struct kit *k, size_t sessions, size_t parties, size_t media)
{
	struct rf_relay_census c = rf_relay_census(k->relay);

	assert_int_equal(c.sessions, sessions);
	assert_int_equal(c.parties, parties);
	assert_int_equal(c.media, media);
	assert_int_equal(k->worker.n_used, media);
}

static void ok(struct kit *k, const char *command, const char *members, const char *sdp)
{
	if (kit_ask(k, command, members, sdp) != RF_NG_OK)
		fail_msg("%s: %.*s", command, RF_VFMT(k->reply.reason));
}

static void refused(struct kit *k, const char *command, const char *members, const char *sdp, const char *why)
{
	assert_int_equal(kit_ask(k, command, members, sdp), RF_NG_ERROR);
	if (!memmem(k->reply.reason.p, k->reply.reason.n, why, strlen(why)))
		fail_msg("\"%.*s\" does not say \"%s\"", RF_VFMT(k->reply.reason), why);
}

static void test_plain(void **state)
{
	struct kit *k = *state;
	struct rf_path *p;

	ok(k, "offer", CALL ",'direction':['in','out'],'replace':['origin']", A_PLAIN);
	expect_census(k, 1, 2, 1);
	assert_true(kit_has(k, "c=IN IP4 198.51.100.1"));
	assert_true(kit_has(k, "m=audio 20002 RTP/AVP 8 0 101"));
	assert_true(kit_has(k, "a=rtcp:20003"));
	assert_true(kit_has(k, "a=sendrecv"));
	assert_true(kit_has(k, "s=-"));
	assert_null(strstr(k->sdp, "192.0.2"));
	assert_null(strstr(k->sdp, "alice"));
	assert_null(strstr(k->sdp, "secret"));
	p = kit_path(k, 0);
	assert_false(p->open);
	assert_int_equal(p->conf[1].n_types, 3);
	ok(k, "answer", REPLY, B_PLAIN);
	expect_census(k, 1, 2, 1);
	assert_true(kit_has(k, "m=audio 20000 RTP/AVP 8 0 101"));
	assert_true(kit_has(k, "c=IN IP4 10.0.0.1"));
	assert_true(p->open);
	assert_int_equal(p->conf[0].remote.port, 2000);
	assert_int_equal(p->conf[1].remote.port, 3000);
	assert_int_equal(p->conf[1].remote_rtcp.port, 3001);
	assert_int_equal(p->conf[0].source, RF_SOURCE_SIGNALED);
	assert_int_equal(p->conf[0].types[2].flags, RF_TYPE_DTMF);
	assert_int_equal(p->silence_ms, 60000);
	assert_int_equal(k->tuples, 2);
	ok(k, "query", "'call-id':'c1'", NULL);
	ok(k, "delete", REPLY, NULL);
	expect_census(k, 0, 0, 0);
	assert_int_equal(k->tuples, 0);
}

static void test_refusals(void **state)
{
	static const struct {
		const char *command, *members, *sdp, *why;
	} rows[] = {
		{ "answer", REPLY, B_PLAIN, "Unknown call-id" },
		{ "query", "'call-id':'c1'", NULL, "Unknown call-id" },
		{ "block media", "'call-id':'c1'", NULL, "Unknown call-ID" },
		{ "delete", REPLY ",'flags':['fatal']", NULL, "not found" },
		{ "offer", CALL, "v=0\r\n", "line" },
		{ "offer", CALL ",'direction':['in','nowhere']", A_PLAIN, "no interface \"nowhere\"" },
		{ "offer", CALL, HEAD("phone.example.org") AUDIO("2000", "RTP/AVP"), "a name stands where" },
		{ "offer", CALL, HEAD("192.0.2.9") "m=audio 2000 RTP/SAVP 8\r\n", "without a usable a=crypto" },
		{ "offer", CALL, HEAD("192.0.2.9") "m=audio 2000 UDP/TLS/RTP/SAVP 8\r\n", "without a=fingerprint" },
		{ "offer", CALL, HEAD("192.0.2.9") "m=audio 2000 RTP/AVP 96\r\n", "no format" },
		{ "offer", CALL, HEAD("192.0.2.9") "m=application 2000 UDP/DTLS/SCTP webrtc-datachannel\r\n", "no m-line is of a kind" },
		{ "offer", CALL, HEAD("192.0.2.9") AUDIO("2000", "RTP/AVP") "a=ice-ufrag:abcd\r\na=ice-pwd:short\r\n", "ICE wants" },
		{ "play DTMF", "'call-id':'c1','from-tag':'A','code':1", NULL, "not done" },
	};
	struct kit *k = *state;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		refused(k, rows[i].command, rows[i].members, rows[i].sdp, rows[i].why);
		expect_census(k, 0, 0, 0);
	}
	assert_int_equal(kit_ask(k, "ping", "", NULL), RF_NG_PONG);
	ok(k, "delete", REPLY, NULL); /* nothing is there: a warning */
	assert_true(k->reply.warning.n > 0);
}

static void test_again_is_the_same(void **state)
{
	struct kit *k = *state;
	static char first[sizeof k->sdp];

	ok(k, "offer", CALL ",'ICE':'force','transport protocol':'RTP/SAVP'", A_PLAIN);
	memcpy(first, k->sdp, sizeof first);
	ok(k, "offer", CALL ",'ICE':'force','transport protocol':'RTP/SAVP'", A_PLAIN);
	assert_string_equal(k->sdp, first);
	expect_census(k, 1, 2, 1);
	/* another port: another version of the same */
	ok(k, "offer", CALL ",'ICE':'force','transport protocol':'RTP/SAVP'", HEAD("192.0.2.9") AUDIO("2000", "RTP/AVP") "a=ptime:20\r\n");
	assert_string_not_equal(k->sdp, first);
	assert_non_null(strstr(k->sdp, " 2 IN IP4"));
	expect_census(k, 1, 2, 1);
}

static void test_forks(void **state)
{
	struct kit *k = *state;

	/* one offer, two answers: the later one is heard */
	ok(k, "offer", CALL, A_PLAIN);
	ok(k, "answer", CALL ",'to-tag':'B1'", B_PLAIN);
	ok(k, "answer", CALL ",'to-tag':'B2'", HEAD("203.0.113.8") AUDIO("4000", "RTP/AVP"));
	expect_census(k, 1, 3, 1);
	assert_int_equal(kit_path(k, 0)->conf[1].remote.port, 4000);
	ok(k, "answer", CALL ",'to-tag':'B1'", B_PLAIN);
	assert_int_equal(kit_path(k, 0)->conf[1].remote.port, 3000);
	expect_census(k, 1, 3, 1);
	ok(k, "delete", CALL ",'to-tag':'B2'", NULL);
	expect_census(k, 1, 2, 1);
	ok(k, "delete", CALL, NULL);
	expect_census(k, 0, 0, 0);
	/* two branches: ports of their own */
	ok(k, "offer", CALL ",'via-branch':'x'", A_PLAIN);
	ok(k, "offer", CALL ",'via-branch':'y'", A_PLAIN);
	ok(k, "offer", CALL ",'via-branch':'y'", A_PLAIN);
	expect_census(k, 1, 3, 2);
	ok(k, "answer", CALL ",'via-branch':'y','to-tag':'B2'", B_PLAIN);
	assert_true(kit_path(k, 1)->open);
	assert_false(kit_path(k, 0)->open);
	ok(k, "answer", CALL ",'via-branch':'x','to-tag':'B1'", B_PLAIN);
	expect_census(k, 1, 3, 2);
	ok(k, "delete", CALL ",'via-branch':'x'", NULL);
	expect_census(k, 1, 2, 1);
	ok(k, "delete", "'call-id':'c1'", NULL);
	expect_census(k, 0, 0, 0);
}

static void test_reoffers(void **state)
{
	struct kit *k = *state;
	struct rf_path *p;

	ok(k, "offer", CALL, A_PLAIN);
	ok(k, "answer", REPLY, B_PLAIN);
	p = kit_path(k, 0);
	/* from the other side: hold */
	ok(k, "offer", "'call-id':'c1','from-tag':'B','to-tag':'A'", HEAD("203.0.113.7") AUDIO("3000", "RTP/AVP") "a=sendonly\r\n");
	assert_true(kit_has(k, "a=sendonly"));
	assert_true(kit_has(k, "m=audio 20000 RTP/AVP 8 0 101"));
	assert_int_equal(p->conf[1].dir, RF_SDP_SENDRECV); /* not before the answer */
	ok(k, "answer", "'call-id':'c1','from-tag':'B','to-tag':'A'", HEAD("192.0.2.9") AUDIO("2000", "RTP/AVP") "a=recvonly\r\n");
	assert_int_equal(p->conf[1].dir, RF_SDP_SENDONLY);
	assert_int_equal(p->conf[0].dir, RF_SDP_RECVONLY);
	expect_census(k, 1, 2, 1);
	/* video is added, the address changes; without to-tag it is the same dialog */
	ok(k, "offer", CALL, HEAD("192.0.2.10") AUDIO("2000", "RTP/AVP") "m=video 2002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n");
	expect_census(k, 1, 2, 2);
	assert_int_equal(p->conf[0].remote.ip[3], 9);
	ok(k, "answer", REPLY, HEAD("203.0.113.7") AUDIO("3000", "RTP/AVP") "m=video 3002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n");
	assert_int_equal(p->conf[0].remote.ip[3], 10);
	assert_int_equal(kit_path(k, 1)->conf[0].types[0].flags, RF_TYPE_VIDEO);
	/* and switched off */
	ok(k, "offer", REPLY, HEAD("192.0.2.10") AUDIO("2000", "RTP/AVP") "m=video 0 RTP/AVP 96\r\n");
	assert_true(kit_has(k, "m=video 0 RTP/AVP 96"));
	expect_census(k, 1, 2, 2);
	ok(k, "answer", REPLY, HEAD("203.0.113.7") AUDIO("3000", "RTP/AVP") "m=video 0 RTP/AVP 96\r\n");
	expect_census(k, 1, 2, 1);
	/* audio becomes fax, is refused, then not */
	ok(k, "offer", REPLY, HEAD("192.0.2.10") "m=image 2004 udptl t38\r\na=T38FaxVersion:0\r\na=T38FaxUdpEC:t38UDPRedundancy\r\n"
	   "m=video 0 RTP/AVP 96\r\n");
	assert_true(kit_has(k, "a=T38FaxUdpEC:t38UDPRedundancy"));
	expect_census(k, 1, 2, 2);
	ok(k, "offer", REPLY, HEAD("192.0.2.10") AUDIO("2000", "RTP/AVP") "m=video 0 RTP/AVP 96\r\n");
	expect_census(k, 1, 2, 1);
	ok(k, "offer", REPLY, HEAD("192.0.2.10") "m=image 2004 udptl t38\r\n");
	ok(k, "answer", REPLY, HEAD("203.0.113.7") "m=image 3004 udptl t38\r\n");
	expect_census(k, 1, 2, 1);
	assert_int_equal(kit_path(k, 0)->kind, RF_PATH_DATAGRAM);
	assert_true(kit_path(k, 0)->open);
	refused(k, "answer", REPLY, B_PLAIN "m=video 0 RTP/AVP 96\r\n", "the answer has 2 m-lines, the offer 1");
	refused(k, "answer", REPLY, B_PLAIN, "another kind of media");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_plain, setup, down),
		cmocka_unit_test_setup_teardown(test_refusals, setup, down),
		cmocka_unit_test_setup_teardown(test_again_is_the_same, setup, down),
		cmocka_unit_test_setup_teardown(test_forks, setup, down),
		cmocka_unit_test_setup_teardown(test_reoffers, setup, down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
