/* BUNDLE (RFC 9143) in descriptions: who shares a port with whom, over paths that are none. */
#include "fail_alloc.h"
#include "session_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define HEAD(ip, group) "v=0\r\no=- 1 1 IN IP4 " ip "\r\ns=-\r\nc=IN IP4 " ip "\r\nt=0 0\r\n" group
#define GROUP "a=group:BUNDLE a v\r\n"
#define PRINT(b) "a=fingerprint:sha-256 " b ":22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00\r\n"
#define ICE(x) "a=ice-ufrag:frg" x "\r\na=ice-pwd:0123456789012345678" x "01\r\n"
#define KEYS(x, setup) ICE(x) PRINT("1" x) "a=setup:" setup "\r\na=rtcp-mux\r\n"
#define MID "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
#define AUDIO(port, keys) "m=audio " port " UDP/TLS/RTP/SAVPF 0 8\r\na=mid:a\r\n" MID keys
#define VIDEO(port, keys) "m=video " port " UDP/TLS/RTP/SAVPF 96\r\na=mid:v\r\na=rtpmap:96 VP8/90000\r\n" MID keys
#define A_BOTH HEAD("192.0.2.9", GROUP) AUDIO("2000", KEYS("A", "actpass")) VIDEO("2002", KEYS("B", "actpass"))
#define A_ONLY HEAD("192.0.2.9", GROUP) AUDIO("2000", KEYS("A", "actpass")) VIDEO("0", "a=bundle-only\r\n")
#define B_BOTH HEAD("203.0.113.7", GROUP) AUDIO("3000", KEYS("C", "active")) VIDEO("3000", "a=rtcp-mux\r\n")
#define B_APART HEAD("203.0.113.7", "") AUDIO("3000", KEYS("C", "active")) VIDEO("3002", KEYS("D", "active"))
#define B_PLAIN HEAD("203.0.113.7", "") "m=audio 3000 RTP/AVP 0\r\nm=video 3002 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n"
#define CALL "'call-id':'c1','from-tag':'A'"
#define REPLY CALL ",'to-tag':'B'"
#define BACK "'call-id':'c1','from-tag':'B','to-tag':'A'"
#define PLAIN ",'transport protocol':'RTP/AVP','ICE':'remove'"

/* The ports of the m-lines that were said last. */
static void ports(const struct kit *k, int ret[2])
{
	const char *audio = strstr(k->sdp, "m=audio "), *video = strstr(k->sdp, "m=video ");

	ret[0] = audio ? atoi(audio + 8) : -1;
	ret[1] = video ? atoi(video + 8) : -1;
}

static void shared(const struct kit *k, bool yes)
{
	int p[2];

	ports(k, p);
	assert_true(p[0] > 0 && p[1] > 0);
	assert_int_equal(p[0] == p[1], yes);
}

static unsigned times(const struct kit *k, const char *word)
{
	unsigned n = 0;

	for (const char *at = k->sdp; (at = strstr(at, word)); at++)
		n++;
	return n;
}

static void paths(const struct kit *k, size_t n)
{
	assert_int_equal(k->worker.n_used, n);
	assert_int_equal(rf_relay_census(k->relay).media, n);
}

static void test_both_sides(void **state)
{
	struct kit *k = *state;
	const struct rf_path_end_conf *c;

	ok(k, "offer", CALL, A_BOTH);
	assert_true(kit_has(k, "a=group:BUNDLE a v"));
	shared(k, false);
	assert_int_equal(times(k, "a=ice-ufrag"), 2);
	paths(k, 5); /* two lines, one port for A, two towards B */
	ok(k, "answer", REPLY, B_BOTH);
	assert_true(kit_has(k, "a=group:BUNDLE a v"));
	shared(k, true);
	assert_int_equal(times(k, "a=ice-ufrag"), 1);
	assert_int_equal(times(k, "a=fingerprint"), 1);
	assert_int_equal(times(k, "a=rtcp-mux"), 2);
	paths(k, 4);
	/* A's is keyed as its audio line said, and open */
	for (size_t i = 0; i < 4; i++) {
		const struct rf_path *p = kit_path(k, i);

		assert_true(p->open);
		if (p->interface[1] != RF_PATH_NOBODY)
			continue;
		c = &p->conf[0];
		assert_int_equal(c->keying, RF_KEYING_DTLS);
		assert_int_equal(p->riders, 2);
		assert_true(c->rtcp_mux && (strcmp(c->ufrag_peer, "frgA") == 0 || strcmp(c->ufrag_peer, "frgC") == 0));
	}
	c = &kit_path(k, 1)->conf[0];
	assert_true(c->mid_n == 1 && c->mid[0] && c->mid_ext == 4);
	/* said again, from both sides: nothing moves */
	ok(k, "offer", REPLY, A_BOTH);
	shared(k, true);
	assert_int_equal(times(k, "a=ice-ufrag"), 1);
	ok(k, "answer", REPLY, B_BOTH);
	shared(k, true);
	ok(k, "offer", BACK, B_BOTH);
	shared(k, true);
	ok(k, "answer", BACK, A_BOTH);
	shared(k, true);
	paths(k, 4);
}

static void test_one_side(void **state)
{
	struct kit *k = *state;

	ok(k, "offer", CALL PLAIN, A_BOTH);
	assert_null(strstr(k->sdp, "BUNDLE"));
	shared(k, false);
	ok(k, "answer", REPLY, B_PLAIN);
	assert_true(kit_has(k, "a=group:BUNDLE a v"));
	shared(k, true);
	paths(k, 3);
	/* the plain side asks: the other one keeps what it has */
	ok(k, "offer", BACK ",'transport protocol':'UDP/TLS/RTP/SAVPF'", B_PLAIN);
	assert_true(kit_has(k, "a=group:BUNDLE a v"));
	assert_true(kit_has(k, "a=mid:v"));
	assert_int_equal(times(k, "a=rtcp-mux"), 2);
	shared(k, true);
	ok(k, "answer", BACK, A_BOTH);
	paths(k, 3);
}

static void test_answer_without_group(void **state)
{
	struct kit *k = *state;

	ok(k, "offer", CALL, A_BOTH);
	ok(k, "answer", REPLY, B_APART);
	shared(k, true);
	paths(k, 5); /* towards B each stays on its own */
	/* the group is gone in the next offer: ports of their own again, when it is answered */
	ok(k, "offer", REPLY,
	   HEAD("192.0.2.9", "") AUDIO("2000", KEYS("A", "actpass")) VIDEO("2002", KEYS("B", "actpass")));
	ok(k, "answer", REPLY, B_APART);
	assert_null(strstr(k->sdp, "BUNDLE"));
	shared(k, false);
	/* and there again */
	ok(k, "offer", REPLY, A_BOTH);
	ok(k, "answer", REPLY, B_BOTH);
	shared(k, true);
	paths(k, 4);
	refused(k, "answer", REPLY, B_APART, "takes it out of the BUNDLE group");
}

static void test_bundle_only(void **state)
{
	struct kit *k = *state;

	ok(k, "offer", CALL, A_ONLY);
	assert_null(strstr(k->sdp, "bundle-only"));
	shared(k, false);
	ok(k, "answer", REPLY, B_BOTH);
	shared(k, true);
	/* the line that has the port is refused: the other has none */
	ok(k, "answer", REPLY,
	   HEAD("203.0.113.7", "a=group:BUNDLE v\r\n") AUDIO("0", "") VIDEO("3002", KEYS("D", "active")));
	assert_true(strstr(k->sdp, "m=audio 0 ") && strstr(k->sdp, "m=video 0 "));
	assert_null(strstr(k->sdp, "BUNDLE"));
	paths(k, 0);
}

static void test_bundle_only_alone(void **state)
{
	struct kit *k = *state;

	/* without a group, or without a line that has a port, it is off */
	ok(k, "offer", CALL, HEAD("192.0.2.9", "") AUDIO("2000", KEYS("A", "actpass")) VIDEO("0", "a=bundle-only\r\n"));
	assert_non_null(strstr(k->sdp, "m=video 0 "));
	ok(k, "offer", "'call-id':'c1','from-tag':'Z'",
	   HEAD("192.0.2.9", GROUP) "m=audio 2000 RTP/AVP 0\r\na=mid:a\r\n" VIDEO("0", "a=bundle-only\r\n"));
	assert_non_null(strstr(k->sdp, "m=video 0 "));
	assert_null(strstr(k->sdp, "BUNDLE"));
}

static void test_first_line_refused(void **state)
{
	struct kit *k = *state;
	int p[2];

	ok(k, "offer", CALL, A_BOTH);
	ok(k, "answer", REPLY,
	   HEAD("203.0.113.7", "a=group:BUNDLE v\r\n") AUDIO("0", "") VIDEO("3002", KEYS("D", "active")));
	ports(k, p);
	assert_true(p[0] == 0 && p[1] > 0);
	assert_true(kit_has(k, "a=group:BUNDLE v"));
	assert_int_equal(times(k, "a=ice-ufrag"), 1); /* now this line has the transport */
	paths(k, 3);
	for (size_t i = 0; i < 3; i++)
		if (kit_path(k, i)->interface[1] == RF_PATH_NOBODY)
			assert_true(strcmp(kit_path(k, i)->conf[0].ufrag_peer, "frgB") == 0 ||
				    strcmp(kit_path(k, i)->conf[0].ufrag_peer, "frgD") == 0);
}

static void test_a_line_more(void **state)
{
	struct kit *k = *state;
	int p[2], first;

	ok(k, "offer", CALL, HEAD("192.0.2.9", "a=group:BUNDLE a\r\n") AUDIO("2000", KEYS("A", "actpass")));
	ok(k, "answer", REPLY, HEAD("203.0.113.7", "a=group:BUNDLE a\r\n") AUDIO("3000", KEYS("C", "active")));
	ports(k, p);
	first = p[0];
	paths(k, 3);
	ok(k, "offer", REPLY, HEAD("192.0.2.9", GROUP) AUDIO("2000", KEYS("A", "actpass")) VIDEO("2000", ""));
	shared(k, false); /* it has the transport of the other */
	ok(k, "offer", REPLY,
	   HEAD("192.0.2.9", GROUP) AUDIO("2000", KEYS("A", "actpass")) VIDEO("2000", KEYS("A", "actpass")));
	shared(k, false);
	ok(k, "answer", REPLY, B_BOTH);
	shared(k, true);
	ports(k, p);
	assert_int_equal(p[1], first);
	paths(k, 4);
	/* and less: the line that carried the name goes, the port stays */
	ok(k, "offer", REPLY,
	   HEAD("192.0.2.9", "a=group:BUNDLE v\r\n") AUDIO("0", "") VIDEO("2000", KEYS("A", "actpass")));
	ok(k, "answer", REPLY,
	   HEAD("203.0.113.7", "a=group:BUNDLE v\r\n") AUDIO("0", "") VIDEO("3000", KEYS("C", "active")));
	ports(k, p);
	assert_int_equal(p[1], first);
	paths(k, 3);
}

/* What cannot be bundled here is not: each line as ever. */
static void test_no_bundle(void **state)
{
	static const char *const offers[] = {
		HEAD("192.0.2.9", GROUP) "m=audio 2000 RTP/AVP 0\r\na=mid:a\r\na=rtcp-mux\r\n"
					 "m=video 2002 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n"
					 "a=mid:v\r\na=rtcp-mux\r\n",
		HEAD("192.0.2.9", "a=group:LS a v\r\n") AUDIO("2000", KEYS("A", "actpass"))
			VIDEO("2002", KEYS("B", "actpass")),
		HEAD("192.0.2.9", "a=group:BUNDLE x y\r\n") AUDIO("2000", KEYS("A", "actpass"))
			VIDEO("2002", KEYS("B", "actpass")),
		HEAD("192.0.2.9", "a=group:BUNDLE\r\n") AUDIO("2000", KEYS("A", "actpass"))
			VIDEO("2002", KEYS("B", "actpass")),
	};
	struct kit *k = *state;

	for (size_t i = 0; i < sizeof offers / sizeof offers[0]; i++) {
		ok(k, "offer", CALL, offers[i]);
		assert_null(strstr(k->sdp, "BUNDLE"));
		shared(k, false);
		paths(k, 2);
		ok(k, "delete", CALL, NULL);
	}
	k->conf.policy.dtls = false;
	kit_again(k);
	assert_int_equal(kit_ask(k, "offer", CALL, A_BOTH), RF_NG_ERROR);
	paths(k, 0);
}

/* A phone without any of it, towards a browser that takes no offer without a group. */
static void test_made_mids(void **state)
{
	struct kit *k = *state;

	ok(k, "offer",
	   CALL ",'transport protocol':'UDP/TLS/RTP/SAVPF','ICE':'force','rtcp-mux':['offer'],'flags':['generate mid']",
	   B_PLAIN);
	assert_true(kit_has(k, "a=group:BUNDLE 0 1"));
	shared(k, false);
	ok(k, "answer", REPLY, HEAD("192.0.2.9", "a=group:BUNDLE 0 1\r\n") "m=audio 2000 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n" KEYS("A", "active")
	   "m=video 2000 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 VP8/90000\r\na=mid:1\r\na=rtcp-mux\r\n");
	assert_null(strstr(k->sdp, "BUNDLE"));
	shared(k, false);
	paths(k, 3);
	/* one type in both lines: nothing would tell them apart */
	ok(k, "delete", CALL, NULL);
	ok(k, "offer",
	   CALL ",'transport protocol':'UDP/TLS/RTP/SAVPF','ICE':'force','rtcp-mux':['offer'],'flags':['generate mid']",
	   HEAD("203.0.113.7", "") "m=audio 3000 RTP/AVP 0\r\nm=audio 3002 RTP/AVP 0\r\n");
	assert_true(kit_has(k, "a=group:BUNDLE 0"));
}

/* A leg that goes over to other keys leaves the port that was made to be shared. */
static void test_other_keys(void **state)
{
	static const char sdes[] =
		HEAD("203.0.113.7", "") "m=audio 3000 RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 "
					"inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n";
	static const char dtls[] =
		HEAD("192.0.2.9",
		     "a=group:BUNDLE 0\r\n") "m=audio 2000 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n" KEYS("A", "active");
	struct kit *k = *state;

	ok(k, "offer",
	   CALL ",'transport protocol':'UDP/TLS/RTP/SAVPF','ICE':'force','rtcp-mux':['offer'],'flags':['generate mid']",
	   sdes);
	ok(k, "answer", REPLY, dtls);
	paths(k, 2);
	ok(k, "offer", REPLY ",'transport protocol':'RTP/SAVP','ICE':'remove'", sdes);
	ok(k, "answer", REPLY, sdes);
	paths(k, 1);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(kit_path(k, 0)->conf[i].keying, RF_KEYING_PASSED);
}

static void test_allocations_and_ports(void **state)
{
	struct kit *k = *state;

	for (k->fail_at = 1;; k->fail_at++) {
		bool done = kit_ask(k, "offer", CALL, A_BOTH) == RF_NG_OK && !k->failed;

		k->fail_at = done ? 0 : k->fail_at;
		if (done)
			break;
		if (k->worker.n_used) {
			unsigned at = k->fail_at;

			k->fail_at = 0;
			ok(k, "delete", CALL, NULL);
			k->fail_at = at;
		}
		paths(k, 0);
		assert_true(k->fail_at < 200);
	}
	for (k->fail_at = 1;; k->fail_at++) {
		bool done = kit_ask(k, "answer", REPLY, B_BOTH) == RF_NG_OK && !k->failed;

		if (done)
			break;
		assert_true(k->fail_at < 200);
	}
	k->fail_at = 0;
	paths(k, 4);
	ok(k, "delete", CALL, NULL);
	for (k->worker.most = 1; k->worker.most < 5; k->worker.most++) {
		refused(k, "offer", CALL, A_BOTH, "ports are exhausted");
		paths(k, 0);
	}
	ok(k, "offer", CALL, A_BOTH);
	k->worker.set_error = RF_E_LIMIT;
	assert_int_equal(kit_ask(k, "answer", REPLY, B_BOTH), RF_NG_ERROR);
	k->worker.set_error = 0;
	ok(k, "delete", CALL, NULL);
	paths(k, 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, kit_begin, kit_end)
	const struct CMUnitTest tests[] = {
		TEST(test_both_sides), TEST(test_one_side), TEST(test_answer_without_group), TEST(test_bundle_only),
		TEST(test_bundle_only_alone), TEST(test_first_line_refused), TEST(test_a_line_more),
		TEST(test_no_bundle), TEST(test_made_mids), TEST(test_other_keys), TEST(test_allocations_and_ports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
