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

static void expect_census(const struct kit *k, size_t sessions, size_t parties, size_t media)
{
	struct rf_relay_census c = rf_relay_census(k->relay);

	assert_int_equal(c.sessions, sessions);
	assert_int_equal(c.parties, parties);
	assert_int_equal(c.media, media);
	assert_int_equal(k->worker.n_used, media);
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

/* Who is not believed any more has no session: not what it made, and not what it changed. */
static void test_parted(void **state)
{
	static const uint64_t gone[] = { 7, 9 }, other[] = { 1, 8, 100 };
	static const struct {
		uint64_t offers, changes;
		const char *command;
		bool ends, fails;
	} rows[] = {
		{ 7, 7, "query", true, false }, { 8, 8, "query", false, false }, { 0, 0, "query", false, false },
		{ 8, 9, "query", false, false }, { 8, 9, "block media", true, false },
		{ 0, 9, "block media", true, false }, { 9, 8, "block media", true, false },
		{ 8, 7, "unsubscribe", false, true },
	};
	struct kit *k = *state;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		k->by = rows[i].offers;
		ok(k, "offer", CALL, A_PLAIN);
		ok(k, "answer", REPLY, B_PLAIN);
		k->by = rows[i].changes;
		assert_int_equal(kit_ask(k, rows[i].command, REPLY, NULL), rows[i].fails ? RF_NG_ERROR : RF_NG_OK);
		k->by = 0;
		assert_int_equal(rf_relay_end_by(k->relay, NULL, 0, "x"), 0);
		unsigned told = k->n_ended;
		if (rf_relay_end_by(k->relay, gone, 2, "its border is gone") != rows[i].ends)
			fail_msg("row %zu", i);
		assert_int_equal(k->n_ended, told + rows[i].ends);
		if (rows[i].ends) {
			assert_string_equal(k->ended, "c1 its border is gone");
			assert_int_equal(k->tuples, 0);
			expect_census(k, 0, 0, 0);
		} else {
			ok(k, "delete", REPLY, NULL);
		}
	}
	/* several, of which some end */
	for (unsigned i = 0; i < 4; i++) {
		char members[64];

		snprintf(members, sizeof members, "'call-id':'d%u','from-tag':'A'", i);
		k->by = i % 2 ? 7 : 8;
		ok(k, "offer", members, A_PLAIN);
	}
	assert_int_equal(rf_relay_end_by(k->relay, gone, 2, "x"), 2);
	assert_int_equal(rf_relay_end_by(k->relay, gone, 2, "x"), 0);
	expect_census(k, 2, 4, 2);
	assert_int_equal(rf_relay_end_by(k->relay, other, 3, "x"), 2);
	expect_census(k, 0, 0, 0);
}

static void test_refusals(void **state)
{
	static const struct {
		const char *command, *members, *sdp, *why;
		enum rf_ng_fault fault;
	} rows[] = {
		{ "answer", REPLY, B_PLAIN, "Unknown call-id", RF_NG_FAULT_CALL },
		{ "query", "'call-id':'c1'", NULL, "Unknown call-id", RF_NG_FAULT_CALL },
		{ "block media", "'call-id':'c1'", NULL, "Unknown call-ID", RF_NG_FAULT_CALL },
		{ "delete", REPLY ",'flags':['fatal']", NULL, "not found", RF_NG_FAULT_CALL },
		{ "offer", CALL, "v=0\r\n", "line", RF_NG_FAULT_DESCRIPTION },
		{ "offer", CALL ",'direction':['in','nowhere']", A_PLAIN, "no interface \"nowhere\"",
		  RF_NG_FAULT_CALL },
		{ "offer", CALL, HEAD("phone.example.org") AUDIO("2000", "RTP/AVP"), "a name stands where",
		  RF_NG_FAULT_DESCRIPTION },
		{ "offer", CALL, HEAD("192.0.2.9") "m=audio 2000 RTP/SAVP 8\r\n", "without a usable a=crypto",
		  RF_NG_FAULT_DESCRIPTION },
		{ "offer", CALL, HEAD("192.0.2.9") "m=audio 2000 UDP/TLS/RTP/SAVP 8\r\n", "without a=fingerprint",
		  RF_NG_FAULT_DESCRIPTION },
		{ "offer", CALL, HEAD("192.0.2.9") "m=audio 2000 RTP/AVP 96\r\n", "no format",
		  RF_NG_FAULT_DESCRIPTION },
		{ "offer", CALL, HEAD("192.0.2.9") "m=application 2000 UDP/DTLS/SCTP webrtc-datachannel\r\n",
		  "no m-line is of a kind", RF_NG_FAULT_DESCRIPTION },
		{ "offer", CALL, HEAD("192.0.2.9") AUDIO("2000", "RTP/AVP") "a=ice-ufrag:abcd\r\na=ice-pwd:short\r\n",
		  "ICE wants", RF_NG_FAULT_DESCRIPTION },
		{ "play DTMF", "'call-id':'c1','from-tag':'A','code':1", NULL, "Unknown call-ID", RF_NG_FAULT_CALL },
	};
	struct kit *k = *state;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		refused(k, rows[i].command, rows[i].members, rows[i].sdp, rows[i].why);
		assert_int_equal(k->reply.fault, rows[i].fault);
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
	ok(k, "offer", CALL ",'ICE':'force','transport protocol':'RTP/SAVP'",
	   HEAD("192.0.2.9") AUDIO("2000", "RTP/AVP") "a=ptime:20\r\n");
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
	ok(k, "offer", "'call-id':'c1','from-tag':'B','to-tag':'A'",
	   HEAD("203.0.113.7") AUDIO("3000", "RTP/AVP") "a=sendonly\r\n");
	assert_true(kit_has(k, "a=sendonly"));
	assert_true(kit_has(k, "m=audio 20000 RTP/AVP 8 0 101"));
	assert_int_equal(p->conf[1].dir, RF_SDP_SENDRECV); /* not before the answer */
	ok(k, "answer", "'call-id':'c1','from-tag':'B','to-tag':'A'",
	   HEAD("192.0.2.9") AUDIO("2000", "RTP/AVP") "a=recvonly\r\n");
	assert_int_equal(p->conf[1].dir, RF_SDP_SENDONLY);
	assert_int_equal(p->conf[0].dir, RF_SDP_RECVONLY);
	expect_census(k, 1, 2, 1);
	/* video is added, the address changes; without to-tag it is the same dialog */
	ok(k, "offer", CALL,
	   HEAD("192.0.2.10") AUDIO("2000", "RTP/AVP") "m=video 2002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n");
	expect_census(k, 1, 2, 2);
	assert_int_equal(p->conf[0].remote.ip[3], 9);
	ok(k, "answer", REPLY,
	   HEAD("203.0.113.7") AUDIO("3000", "RTP/AVP") "m=video 3002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n");
	assert_int_equal(p->conf[0].remote.ip[3], 10);
	assert_int_equal(kit_path(k, 1)->conf[0].types[0].flags, RF_TYPE_VIDEO);
	/* and switched off */
	ok(k, "offer", REPLY, HEAD("192.0.2.10") AUDIO("2000", "RTP/AVP") "m=video 0 RTP/AVP 96\r\n");
	assert_true(kit_has(k, "m=video 0 RTP/AVP 96"));
	expect_census(k, 1, 2, 2);
	ok(k, "answer", REPLY, HEAD("203.0.113.7") AUDIO("3000", "RTP/AVP") "m=video 0 RTP/AVP 96\r\n");
	expect_census(k, 1, 2, 1);
	/* audio becomes fax, is refused, then not */
	ok(k, "offer", REPLY,
	   HEAD("192.0.2.10") "m=image 2004 udptl t38\r\na=T38FaxVersion:0\r\na=T38FaxUdpEC:t38UDPRedundancy\r\n"
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

#define KEY_A "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
#define KEY_B "PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR"
#define SAVP(ip, port, key) HEAD(ip) AUDIO(port, "RTP/SAVP") "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" key "\r\n"
#define PRINT "a=fingerprint:sha-256 01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F:20\r\n"

static void test_policy(void **state)
{
	struct kit *k = *state;

	k->conf.policy.plain_allowed = false;
	kit_again(k);
	refused(k, "offer", CALL, A_PLAIN, "without encryption (RTP/AVP), which the site's policy forbids");
	refused(k, "offer", CALL ",'transport protocol':'RTP/SAVP'", A_PLAIN, "without encryption");
	refused(k, "offer", CALL ",'transport protocol':'RTP/AVP'", SAVP("192.0.2.9", "2000", KEY_A),
		"would send media without encryption");
	refused(k, "offer", CALL, HEAD("192.0.2.9") "m=image 2000 udptl t38\r\n", "udptl without encryption");
	expect_census(k, 0, 0, 0);
	/* one of two lines */
	ok(k, "offer", CALL, SAVP("192.0.2.9", "2000", KEY_A) "m=video 2002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n");
	assert_true(kit_has(k, "m=video 0 RTP/AVP 96"));
	assert_non_null(memmem(k->reply.warning.p, k->reply.warning.n, "m-line 2 is switched off", 24));
	/* the answer takes the protection away */
	refused(k, "answer", REPLY, B_PLAIN "m=video 0 RTP/AVP 96\r\n", "takes none of the a=crypto lines");
	refused(k, "answer", REPLY, HEAD("203.0.113.7") AUDIO("3000", "RTP/SAVP") "a=crypto:1 AEAD_AES_256_GCM inline:"
		"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wREU\r\nm=video 0 RTP/AVP 96\r\n", "takes none");
	assert_false(kit_path(k, 0)->open);
	ok(k, "answer", REPLY, SAVP("203.0.113.7", "3000", KEY_B) "m=video 0 RTP/AVP 96\r\n");
	assert_int_equal(kit_path(k, 0)->conf[0].keying, RF_KEYING_PASSED);
	k->conf.policy.dtls = false;
	kit_again(k);
	refused(k, "offer", CALL, HEAD("192.0.2.9") AUDIO("2000", "UDP/TLS/RTP/SAVP") PRINT,
		"DTLS-SRTP is offered and is switched off");
	refused(k, "offer", CALL ",'transport protocol':'UDP/TLS/RTP/SAVPF'", SAVP("192.0.2.9", "2000", KEY_A),
		"DTLS-SRTP is asked for");
	k->conf.policy.suites = 1u << RF_SRTP_AEAD_AES_256_GCM;
	kit_again(k);
	refused(k, "offer", CALL, SAVP("192.0.2.9", "2000", KEY_A),
		"no a=crypto with a suite that policy and request allow");
}

static void test_rekey(void **state)
{
	struct kit *k = *state;
	struct rf_path_key before;

	ok(k, "offer", CALL ",'transport protocol':'RTP/AVP'", SAVP("192.0.2.9", "2000", KEY_A));
	ok(k, "answer", REPLY, B_PLAIN);
	before = kit_path(k, 0)->conf[0].key_out;
	assert_memory_equal(kit_path(k, 0)->conf[0].keys_in[0].key, "YS___semctl", 11);
	/* the same again: nothing changes; the answerer's profile is remembered */
	ok(k, "offer", REPLY, SAVP("192.0.2.9", "2000", KEY_A));
	assert_true(kit_has(k, "m=audio 20002 RTP/AVP 8 0 101"));
	ok(k, "answer", REPLY, B_PLAIN);
	assert_memory_equal(&kit_path(k, 0)->conf[0].key_out, &before, sizeof before);
	/* its new key, and ours stays until the answer */
	ok(k, "offer", REPLY, SAVP("192.0.2.9", "2000", KEY_B));
	assert_memory_equal(kit_path(k, 0)->conf[0].keys_in[0].key, "YS___semctl", 11);
	ok(k, "answer", REPLY, B_PLAIN);
	assert_memory_equal(kit_path(k, 0)->conf[0].keys_in[0].key, "=-n@%^x!B", 9);
	/* a line that was off has other keys than before */
	ok(k, "offer", REPLY, HEAD("192.0.2.9") "m=audio 0 RTP/SAVP 8\r\n");
	ok(k, "answer", REPLY, HEAD("203.0.113.7") "m=audio 0 RTP/AVP 8\r\n");
	expect_census(k, 1, 2, 0);
	ok(k, "offer", REPLY ",'transport protocol':'RTP/AVP'", SAVP("192.0.2.9", "2000", KEY_A));
	ok(k, "answer", REPLY, B_PLAIN);
	assert_memory_not_equal(&kit_path(k, 0)->conf[0].key_out, &before, sizeof before);
}

static void test_glare(void **state)
{
	struct kit *k = *state;

	ok(k, "offer", CALL, A_PLAIN);
	ok(k, "answer", REPLY, B_PLAIN);
	ok(k, "answer", REPLY, B_PLAIN); /* 183, then 200 */
	assert_int_equal(strncmp(kit_line(k, "o=- ") + strcspn(kit_line(k, "o=- "), " "), " 1 IN", 5), 0);
	/* both offer, both refuse, one offers again */
	ok(k, "offer", REPLY, HEAD("192.0.2.10") AUDIO("2000", "RTP/AVP"));
	ok(k, "offer", "'call-id':'c1','from-tag':'B','to-tag':'A'", HEAD("203.0.113.8") AUDIO("3000", "RTP/AVP"));
	ok(k, "answer", REPLY, B_PLAIN);
	assert_int_equal(kit_path(k, 0)->conf[0].remote.ip[3], 9);
	assert_int_equal(kit_path(k, 0)->conf[1].remote.ip[3], 7);
	ok(k, "answer", "'call-id':'c1','from-tag':'B','to-tag':'A'", HEAD("192.0.2.11") AUDIO("2000", "RTP/AVP"));
	assert_int_equal(kit_path(k, 0)->conf[0].remote.ip[3], 11);
	assert_int_equal(kit_path(k, 0)->conf[1].remote.ip[3], 8);
	refused(k, "answer", REPLY, HEAD("10.0.0.1") AUDIO("20000", "RTP/AVP"), "this relay's own port");
	/* nor to other programs of its host */
	refused(k, "answer", REPLY, HEAD("127.0.0.1") AUDIO("2223", "RTP/AVP"), "one that each host has for itself");
	refused(k, "answer", REPLY, HEAD("203.0.113.7") AUDIO("3000", "RTP/AVP") "a=rtcp:2223 IN IP4 127.0.0.9\r\n",
		"one that each host has for itself");
	ok(k, "offer", REPLY ",'flags':['loop protect'],'OSRTP':['offer']", A_PLAIN);
	assert_non_null(memmem(k->reply.warning.p, k->reply.warning.n, "loop protect", 12));
	assert_non_null(memmem(k->reply.warning.p, k->reply.warning.n, "OSRTP", 5));
}

static bool is_ten(void *ctx, const struct rf_addr *at)
{
	(void)ctx;
	return at->family == 4 && at->ip[0] == 10;
}

/* Whoever is outside cannot have media sent to a host of the inside by saying that it is there. */
static void test_astray(void **state)
{
	static const char outwards[] = CALL ",'direction':['in','out']", inwards[] = CALL ",'direction':['out','in']";
	static const char ours[] = HEAD("10.20.0.5") AUDIO("2000", "RTP/AVP"), why[] = "network of the inside";
	struct kit *k = *state;

	k->ops.inside = is_ten;
	ok(k, "offer", outwards, ours); /* a phone of the site is there */
	refused(k, "answer", REPLY, HEAD("10.20.0.6") AUDIO("3000", "RTP/AVP"), why);
	refused(k, "answer", REPLY, HEAD("203.0.113.7") AUDIO("3000", "RTP/AVP") "a=rtcp:161 IN IP4 10.20.0.6\r\n",
		why);
	ok(k, "answer", REPLY, B_PLAIN);
	ok(k, "delete", REPLY, NULL);
	refused(k, "offer", inwards, ours, why);
	ok(k, "offer", inwards, A_PLAIN);
	ok(k, "answer", REPLY, ours);
}

/* A controller that sends replies as offers, too: from who answers, to who offered. */
static void test_answers_that_are_offers(void **state)
{
	static const char back[] = "'call-id':'c1','from-tag':'B','to-tag':'A'",
			  other[] = "'call-id':'c1','from-tag':'C','to-tag':'A'";
	struct kit *k = *state;
	struct rf_path *p;

	ok(k, "offer", CALL ",'direction':['in','out']", A_PLAIN);
	ok(k, "offer", back, B_PLAIN); /* 183 */
	assert_non_null(memmem(k->reply.warning.p, k->reply.warning.n, "taken as the answer", 19));
	expect_census(k, 1, 2, 1);
	p = kit_path(k, 0);
	assert_true(p->open);
	assert_true(kit_has(k, "c=IN IP4 10.0.0.1"));
	assert_int_equal(p->conf[1].remote.port, 3000);
	ok(k, "offer", back, B_PLAIN); /* 200 */
	ok(k, "offer", REPLY, HEAD("192.0.2.10") AUDIO("2000", "RTP/AVP"));
	assert_int_equal(p->conf[0].remote.ip[3], 9);
	ok(k, "offer", back, HEAD("203.0.113.8") AUDIO("3000", "RTP/AVP"));
	assert_int_equal(p->conf[0].remote.ip[3], 10);
	assert_int_equal(p->conf[1].remote.ip[3], 8);
	/* now the other one offers */
	ok(k, "offer", back, HEAD("203.0.113.9") AUDIO("3000", "RTP/AVP"));
	assert_int_equal(p->conf[1].remote.ip[3], 8);
	ok(k, "offer", REPLY, HEAD("192.0.2.11") AUDIO("2000", "RTP/AVP"));
	assert_int_equal(p->conf[0].remote.ip[3], 11);
	assert_int_equal(p->conf[1].remote.ip[3], 9);
	ok(k, "delete", CALL, NULL);
	expect_census(k, 0, 0, 0);
	/* two who answer one offer */
	ok(k, "offer", CALL, A_PLAIN);
	ok(k, "offer", back, B_PLAIN);
	ok(k, "offer", other, HEAD("203.0.113.8") AUDIO("4000", "RTP/AVP"));
	expect_census(k, 1, 3, 1);
	assert_int_equal(kit_path(k, 0)->conf[1].remote.port, 4000);
	ok(k, "delete", CALL, NULL);
	/* who knows answers has them waited for */
	ok(k, "offer", CALL, A_PLAIN);
	ok(k, "answer", REPLY, B_PLAIN);
	ok(k, "offer", REPLY, HEAD("192.0.2.10") AUDIO("2000", "RTP/AVP"));
	ok(k, "offer", back, HEAD("203.0.113.8") AUDIO("3000", "RTP/AVP"));
	assert_int_equal(kit_path(k, 0)->conf[1].remote.ip[3], 7);
	/* and in front of it nobody: an offer to a stranger is one */
	ok(k, "delete", CALL, NULL);
	ok(k, "offer", back, B_PLAIN);
	assert_false(kit_path(k, 0)->open);
	ok(k, "delete", back, NULL);
	expect_census(k, 0, 0, 0);
}

static void test_ice_restart(void **state)
{
#define ICED(x) HEAD("192.0.2.9") AUDIO("2000", "RTP/AVP") "a=ice-ufrag:frg" x "\r\na=ice-pwd:0123456789012345678901\r\n"
	struct kit *k = *state;
	char first[64], ufrag_b[64];

	ok(k, "offer", CALL, ICED("A"));
	snprintf(ufrag_b, sizeof ufrag_b, "%.60s", kit_line(k, "a=ice-ufrag:"));
	ok(k, "answer", REPLY, ICED("B"));
	snprintf(first, sizeof first, "%.60s", kit_line(k, "a=ice-ufrag:"));
	assert_int_equal(strlen(first), 8);
	ok(k, "offer", REPLY, ICED("A"));
	assert_string_equal(kit_line(k, "a=ice-ufrag:"), ufrag_b);
	ok(k, "answer", REPLY, ICED("B"));
	assert_string_equal(kit_line(k, "a=ice-ufrag:"), first);
	ok(k, "offer", REPLY, ICED("C"));
	ok(k, "answer", REPLY, ICED("B"));
	assert_string_not_equal(kit_line(k, "a=ice-ufrag:"), first);
	assert_string_equal(kit_path(k, 0)->conf[0].ufrag, kit_line(k, "a=ice-ufrag:"));
	assert_string_equal(kit_path(k, 0)->conf[0].ufrag_peer, "frgC");
	/* no ICE in an answer: none is offered any more, unless reset */
	ok(k, "offer", REPLY, ICED("C"));
	ok(k, "answer", REPLY, B_PLAIN);
	ok(k, "offer", REPLY ",'ICE':'force'", ICED("C"));
	assert_string_equal(kit_line(k, "a=ice-ufrag:"), "");
	ok(k, "offer", REPLY ",'ICE':'force','flags':['reset']", ICED("C"));
	assert_string_equal(kit_line(k, "a=ice-ufrag:"), ufrag_b);
}

static void test_times(void **state)
{
	struct kit *k = *state;

	ok(k, "offer", CALL, A_PLAIN);
	kit_wait(k, 179000);
	expect_census(k, 1, 2, 1);
	kit_wait(k, 2000);
	expect_census(k, 0, 0, 0);
	assert_string_equal(k->ended, "c1 unanswered");
	/* answered in one branch: the others leave alone, each in its time */
	ok(k, "offer", CALL ",'via-branch':'x'", A_PLAIN);
	ok(k, "offer", CALL ",'via-branch':'y'", A_PLAIN);
	ok(k, "answer", REPLY ",'via-branch':'x'", B_PLAIN);
	kit_wait(k, 60000);
	ok(k, "offer", CALL ",'via-branch':'z'", A_PLAIN);
	expect_census(k, 1, 4, 3);
	kit_wait(k, 121000);
	expect_census(k, 1, 3, 2);
	kit_wait(k, 60000);
	expect_census(k, 1, 2, 1);
	assert_int_equal(k->n_ended, 1);
	/* silence: of one of two lines it ends nothing */
	ok(k, "offer", REPLY, A_PLAIN "m=audio 2002 RTP/AVP 0\r\n");
	ok(k, "answer", REPLY, B_PLAIN "m=audio 3002 RTP/AVP 0\r\n");
	expect_census(k, 1, 2, 2);
	struct rf_path *p = kit_path(k, 0);

	kit_wait(k, 61000);
	kit_path(k, 1)->stats[1].last_us = k->now_us;
	p->ops->silent(p->arg, p);
	kit_wait(k, 50000);
	expect_census(k, 1, 2, 2);
	kit_wait(k, 20000);
	expect_census(k, 0, 0, 0);
	assert_string_equal(k->ended, "c1 silence");
	/* delete later, thought better of, and deleted later */
	ok(k, "offer", CALL, A_PLAIN);
	ok(k, "delete", CALL ",'delete delay':5", NULL);
	ok(k, "answer", REPLY, B_PLAIN);
	kit_wait(k, 10000);
	expect_census(k, 1, 2, 1);
	ok(k, "delete", REPLY ",'delete delay':5", NULL);
	kit_wait(k, 4000);
	expect_census(k, 1, 2, 1);
	kit_wait(k, 2000);
	expect_census(k, 0, 0, 0);
	assert_int_equal(k->n_ended, 2);
}

/* A call without any line has nothing that could fall silent, and ends all the same when nobody
 * speaks of it any more. */
static void test_no_line_is_on(void **state)
{
	struct kit *k = *state;

	ok(k, "offer", CALL, A_PLAIN);
	ok(k, "answer", REPLY, HEAD("203.0.113.7") AUDIO("0", "RTP/AVP"));
	expect_census(k, 1, 2, 0);
	kit_wait(k, 3000000);
	ok(k, "offer", REPLY, HEAD("192.0.2.9") AUDIO("0", "RTP/AVP"));
	kit_wait(k, 3590000);
	expect_census(k, 1, 2, 0);
	kit_wait(k, 20000);
	expect_census(k, 0, 0, 0);
	assert_string_equal(k->ended, "c1 silence");
	/* the same where a line is offered again that nobody answers */
	ok(k, "offer", CALL, A_PLAIN);
	ok(k, "answer", REPLY, HEAD("203.0.113.7") AUDIO("0", "RTP/AVP"));
	ok(k, "offer", REPLY, A_PLAIN);
	expect_census(k, 1, 2, 1);
	kit_wait(k, 3610000);
	expect_census(k, 0, 0, 0);
}

/* Of a session that is to be deleted later one branch goes now: the others keep their time. */
static void test_delete_later_and_a_branch_now(void **state)
{
	struct kit *k = *state;

	ok(k, "offer", CALL ",'via-branch':'x'", A_PLAIN);
	ok(k, "offer", CALL ",'via-branch':'y'", A_PLAIN);
	ok(k, "answer", REPLY ",'via-branch':'x'", B_PLAIN);
	ok(k, "delete", CALL ",'delete delay':5", NULL);
	ok(k, "delete", CALL ",'via-branch':'y'", NULL);
	expect_census(k, 1, 2, 1);
	kit_wait(k, 6000);
	expect_census(k, 0, 0, 0);
	/* an offer that is refused puts nothing off */
	ok(k, "offer", CALL, A_PLAIN);
	ok(k, "answer", REPLY, B_PLAIN);
	ok(k, "delete", CALL ",'delete delay':5", NULL);
	refused(k, "offer", CALL, HEAD("a.example.com") AUDIO("9", "RTP/AVP"),
		"a name stands where the description must have an address");
	expect_census(k, 1, 2, 1);
	kit_wait(k, 6000);
	expect_census(k, 0, 0, 0);
}

static void test_bounds(void **state)
{
	struct kit *k = *state;
	char text[128];

	k->worker.most = 1;
	ok(k, "offer", CALL, A_PLAIN);
	ok(k, "answer", REPLY, B_PLAIN);
	refused(k, "offer", REPLY, A_PLAIN "m=audio 2002 RTP/AVP 0\r\n", "ports are exhausted");
	expect_census(k, 1, 2, 1);
	assert_true(kit_path(k, 0)->open);
	refused(k, "offer", "'call-id':'c2','from-tag':'A'", A_PLAIN, "ports are exhausted");
	assert_int_equal(kit_ask(k, "offer", "'call-id':'c2','from-tag':'A','supports':['load limit']", A_PLAIN),
			 RF_NG_LOAD_LIMIT);
	expect_census(k, 1, 2, 1);
	k->worker.most = 0;
	for (unsigned i = 1; i < 8; i++) {
		snprintf(text, sizeof text, CALL ",'via-branch':'b%u'", i);
		ok(k, "offer", text, A_PLAIN);
	}
	refused(k, "offer", CALL ",'via-branch':'z'", A_PLAIN, "at most 8 branches");
	ok(k, "delete", "'call-id':'c1'", NULL);
	k->conf.policy.sessions_max = 2;
	kit_again(k);
	ok(k, "offer", "'call-id':'c1','from-tag':'A'", A_PLAIN);
	ok(k, "offer", "'call-id':'c2','from-tag':'A'", A_PLAIN);
	refused(k, "offer", "'call-id':'c3','from-tag':'A'", A_PLAIN, "as many sessions");
	refused(k, "offer", "'call-id':'c2','from-tag':'A','to-tag':'A'", A_PLAIN, "are the same");
	expect_census(k, 2, 4, 2);
	/* a port that cannot be set up */
	k->worker.set_error = RF_E_CRYPTO;
	refused(k, "answer", "'call-id':'c2','from-tag':'A','to-tag':'B'", B_PLAIN, "cannot be set up");
	refused(k, "offer", "'call-id':'c1','from-tag':'A','via-branch':'q'", A_PLAIN, "cannot be set up");
	expect_census(k, 2, 4, 2);
	k->worker.set_error = 0;
	ok(k, "answer", "'call-id':'c2','from-tag':'A','to-tag':'B'", B_PLAIN);
	/* the wrong family */
	refused(k, "answer", "'call-id':'c1','from-tag':'A','to-tag':'B'",
		"v=0\r\no=- 1 1 IN IP6 2001:db8::7\r\ns=-\r\nc=IN IP6 2001:db8::7\r\nt=0 0\r\nm=audio 3000 RTP/AVP 8\r\n", "IPv6 address");
}

static void test_holds(void **state)
{
	struct kit *k = *state;
	struct rf_path *p;

	ok(k, "offer", CALL ",'label':'caller'", A_PLAIN);
	ok(k, "answer", REPLY, B_PLAIN);
	p = kit_path(k, 0);
	ok(k, "block media", "'call-id':'c1'", NULL);
	assert_int_equal(p->holds[0], RF_HOLD_MEDIA);
	assert_int_equal(p->holds[1], RF_HOLD_MEDIA);
	ok(k, "silence media", "'call-id':'c1','label':'caller'", NULL);
	ok(k, "block DTMF", "'call-id':'c1','address':'203.0.113.7'", NULL);
	ok(k, "unblock media", "'call-id':'c1'", NULL);
	assert_int_equal(p->holds[0], RF_HOLD_SILENCE);
	assert_int_equal(p->holds[1], RF_HOLD_DTMF);
	ok(k, "unsilence media", "'call-id':'c1'", NULL);
	assert_int_equal(p->holds[0], RF_HOLD_SILENCE);
	ok(k, "unsilence media", "'call-id':'c1','flags':['all']", NULL);
	ok(k, "unblock DTMF", "'call-id':'c1','from-tag':'B'", NULL);
	assert_int_equal(p->holds[0] | p->holds[1], 0);
	refused(k, "block media", "'call-id':'c1','from-tag':'X'", NULL, "no party");
	ok(k, "offer", REPLY ",'drop-traffic':'start'", A_PLAIN "m=audio 2002 RTP/AVP 0\r\n");
	assert_int_equal(kit_path(k, 1)->holds[1], RF_HOLD_MEDIA);
	ok(k, "offer", REPLY ",'drop-traffic':'stop'", A_PLAIN "m=audio 2002 RTP/AVP 0\r\n");
	assert_int_equal(kit_path(k, 1)->holds[1], 0);
}

static void test_report(void **state)
{
	struct kit *k = *state;
	struct rf_ng_stats_call call;
	struct rf_path *p;

	ok(k, "offer", CALL ",'label':'caller','via-branch':'br'", SAVP("192.0.2.9", "2000", KEY_A));
	ok(k, "answer", REPLY, SAVP("203.0.113.7", "3000", KEY_B));
	p = kit_path(k, 0);
	p->stats[0] = (struct rf_path_end_stats){ .packets = 100, .bytes = 17200, .rtcp_packets = 2, .rtcp_bytes = 120,
		.drops = { [RF_DROP_AUTH] = 3, [RF_DROP_SOURCE] = 4 }, .last_us = k->now_us, .n_streams = 1,
		.streams = { { .ssrc = 77, .packets = 100, .bytes = 17200, .lost = 25, .jitter_us = 4000, .mos_100 = 431 } } };
	ok(k, "query", "'call-id':'c1'", NULL);
	assert_int_equal(rf_ng_stats_parse(k->reply.top, &k->arena, &call), 0);
	assert_int_equal(call.created, 1795354380);
	assert_int_equal(call.n_tags, 2);
	assert_true(rf_view_eq(call.tags[0].in_dialogue_with, RF_V("B")));
	assert_true(rf_view_eq(call.tags[0].label, RF_V("caller")));
	assert_int_equal(call.tags[0].n_medias, 1);
	const struct rf_ng_stats_media *m = &call.tags[0].medias[0];

	assert_true(rf_view_eq(m->type, RF_V("audio")));
	assert_true(rf_view_eq(m->protocol, RF_V("RTP/SAVP")));
	assert_int_equal(m->n_streams, 2);
	assert_int_equal(m->flags & (RF_NG_MEDIA_SDES | RF_NG_MEDIA_PASSTHROUGH | RF_NG_MEDIA_SEND),
			 RF_NG_MEDIA_SDES | RF_NG_MEDIA_PASSTHROUGH | RF_NG_MEDIA_SEND);
	assert_int_equal(m->streams[0].local.port, 20000);
	assert_int_equal(m->streams[0].advertised.port, 2000);
	assert_int_equal(m->streams[0].count.packets, 100);
	assert_int_equal(m->streams[0].count.errors, 7);
	assert_int_equal(m->streams[0].last_packet, 1795354380);
	assert_int_equal(call.rtp.packets, 100);
	assert_int_equal(call.rtcp.packets, 2);
	assert_int_equal(call.n_ssrcs, 1);
	assert_int_equal(call.ssrcs[0].average.mos, 43);
	assert_int_equal(call.ssrcs[0].average.loss, 20);
	ok(k, "delete", REPLY, NULL);
	assert_int_equal(rf_ng_stats_parse(k->reply.top, &k->arena, &call), 0);
	assert_int_equal(call.rtp.packets, 100);
}

static bool count_one(void *arg, const struct rf_relay_view *v)
{
	unsigned *n = arg;

	assert_true(v->call_id.n == 2 && v->parties == 2 && v->media == 1);
	assert_int_equal(v->answered, *n == 0);
	return ++*n < 2;
}

static void show_one(void *arg, unsigned index, const struct rf_view tag[RF_PATH_ENDS], bool recorder,
		     const struct rf_path *p)
{
	assert_int_equal(index, 1);
	assert_false(recorder);
	assert_true(rf_view_eq(tag[0], RF_V("A")) && rf_view_eq(tag[1], RF_V("B")));
	assert_non_null(p);
	++*(unsigned *)arg;
}

static void test_for_people(void **state)
{
	struct kit *k = *state;
	struct rf_ng_stats_relay st = { 0 };
	unsigned n = 0, shown = 0;

	ok(k, "offer", CALL, A_PLAIN);
	ok(k, "answer", REPLY, B_PLAIN);
	ok(k, "offer", "'call-id':'c2','from-tag':'A'", A_PLAIN);
	ok(k, "offer", "'call-id':'c3','from-tag':'A'", A_PLAIN);
	rf_relay_each(k->relay, count_one, &n);
	assert_int_equal(n, 2);
	assert_int_equal(rf_relay_show(k->relay, RF_V("c1"), show_one, &shown), 0);
	assert_int_equal(shown, 1);
	assert_int_equal(rf_relay_show(k->relay, RF_V("c9"), show_one, &shown), RF_E_NOT_FOUND);
	k->worker.paths[0].stats[0].packets = 1;
	ok(k, "delete", REPLY, NULL);
	rf_relay_count(k->relay, &st);
	assert_int_equal(st.sessions, 2);
	assert_int_equal(st.managed, 3);
	assert_int_equal(st.regular, 1);
	assert_int_equal(st.one_way, 1);
	assert_int_equal(st.zero_way, 0);
	assert_int_equal(st.media_user, 2);
	assert_int_equal(st.packets_user, 5);
	assert_int_equal(st.errors_user, 3);
}

static void test_paths_tell(void **state)
{
	struct kit *k = *state;
	struct rf_path *p;
	unsigned calls;

	ok(k, "offer", CALL, HEAD("192.0.2.9") AUDIO("2000", "UDP/TLS/RTP/SAVP") PRINT);
	p = kit_path(k, 0);
	ok(k, "answer", REPLY, HEAD("192.0.2.9") AUDIO("2000", "UDP/TLS/RTP/SAVP") PRINT);
	calls = k->pinhole_calls;
	p->ops->flows(p->arg, p);
	assert_int_equal(k->pinhole_calls, calls + 1);
	p->ops->dtls(p->arg, p, 0, NULL);
	assert_int_equal(k->n_ended, 0);
	p->ops->dtls(p->arg, p, 0, "fingerprint");
	assert_string_equal(k->ended, "c1 fingerprint");
	p->ops->dtmf(p->arg, p, 0, 1, 100);
	expect_census(k, 1, 2, 1);
}

/* Whatever is not there: an error, nothing lost, and the next time it works. */
static void test_no_memory(void **state)
{
	static const struct { const char *command, *members, *sdp; } steps[] = {
		{ "offer", CALL ",'label':'x','via-branch':'y'", SAVP("192.0.2.9", "2000", KEY_A) },
		{ "offer", CALL ",'via-branch':'z','transport protocol':'RTP/AVP'", SAVP("192.0.2.9", "2000", KEY_A) },
		{ "answer", REPLY ",'via-branch':'z'", B_PLAIN },
		{ "offer", REPLY,
		  SAVP("192.0.2.9", "2000", KEY_A) "m=video 2002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n" },
		{ "answer", REPLY, B_PLAIN "m=video 3002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n" },
		{ "query", CALL, NULL },
		{ "delete", CALL, NULL },
	};
	struct kit *k = *state;

	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
		for (k->fail_at = 1;; k->fail_at++) {
			struct rf_relay_census before = rf_relay_census(k->relay), after;
			enum rf_ng_result result = kit_ask(k, steps[i].command, steps[i].members, steps[i].sdp);

			if (!k->failed) {
				assert_int_equal(result, RF_NG_OK);
				break;
			}
			after = rf_relay_census(k->relay);
			if (result == RF_NG_OK)
				break; /* a label, or such */
			assert_int_equal(after.sessions, before.sessions);
			assert_int_equal(after.media, before.media);
		}
	k->fail_at = 0;
	expect_census(k, 0, 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_plain, kit_begin, kit_end),
		cmocka_unit_test_setup_teardown(test_parted, kit_begin, kit_end),
		cmocka_unit_test_setup_teardown(test_refusals, kit_begin, kit_end),
		cmocka_unit_test_setup_teardown(test_again_is_the_same, kit_begin, kit_end),
		cmocka_unit_test_setup_teardown(test_forks, kit_begin, kit_end),
		cmocka_unit_test_setup_teardown(test_reoffers, kit_begin, kit_end),
		cmocka_unit_test_setup_teardown(test_policy, kit_begin, kit_end),
		cmocka_unit_test_setup_teardown(test_rekey, kit_begin, kit_end),
		cmocka_unit_test_setup_teardown(test_glare, kit_begin, kit_end),
		cmocka_unit_test_setup_teardown(test_astray, kit_begin, kit_end),
		cmocka_unit_test_setup_teardown(test_answers_that_are_offers, kit_begin, kit_end),
		cmocka_unit_test_setup_teardown(test_ice_restart, kit_begin, kit_end),
		cmocka_unit_test_setup_teardown(test_times, kit_begin, kit_end),
		cmocka_unit_test_setup_teardown(test_no_line_is_on, kit_begin, kit_end),
		cmocka_unit_test_setup_teardown(test_delete_later_and_a_branch_now, kit_begin, kit_end),
		cmocka_unit_test_setup_teardown(test_bounds, kit_begin, kit_end),
		cmocka_unit_test_setup_teardown(test_holds, kit_begin, kit_end),
		cmocka_unit_test_setup_teardown(test_report, kit_begin, kit_end),
		cmocka_unit_test_setup_teardown(test_for_people, kit_begin, kit_end),
		cmocka_unit_test_setup_teardown(test_paths_tell, kit_begin, kit_end),
		cmocka_unit_test_setup_teardown(test_no_memory, kit_begin, kit_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
