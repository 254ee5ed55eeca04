/* Recorders over paths that are none: what is offered to them, what is copied, who may not, and
 * that nothing is left. */
#include "fail_alloc.h"
#include "session_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define HEAD(ip) "v=0\r\no=alice 1 1 IN IP4 " ip "\r\ns=secret.example\r\nc=IN IP4 " ip "\r\nt=0 0\r\n"
#define AUDIO(port, proto) "m=audio " port " " proto " 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"
#define VIDEO(port, proto) "m=video " port " " proto " 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\n"
#define A_PLAIN HEAD("192.0.2.9") AUDIO("2000", "RTP/AVP")
#define B_PLAIN HEAD("203.0.113.7") AUDIO("3000", "RTP/AVP")
#define CALL "'call-id':'c1','from-tag':'A'"
#define REPLY CALL ",'to-tag':'B'"
#define REC "'call-id':'c1','to-tag':'R'"
#define R_HEAD HEAD("10.0.0.77")
#define R_AUDIO(port) AUDIO(port, "RTP/AVP") "a=recvonly\r\n"
#define KEY1 "1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
#define SDES "a=crypto:" KEY1 "\r\n"

static void call(struct kit *k)
{
	ok(k, "offer", CALL ",'direction':['in','out']", A_PLAIN);
	ok(k, "answer", REPLY, B_PLAIN);
}

static void told(struct kit *k, const char *want)
{
	assert_string_equal(k->recordings, want);
	k->recordings[0] = 0;
}

static unsigned taps(const struct rf_path *p, unsigned end)
{
	unsigned n = 0;

	for (const struct rf_path_tap *t = p->taps[end]; t; t = t->next)
		n++;
	return n;
}

/* The party at this end says a packet of this type; the copies that leave at the n-th path. */
static unsigned says(struct kit *k, unsigned end, uint8_t type, size_t n)
{
	const uint8_t packet[16] = { 0x80, type };
	struct rf_path *from = kit_path(k, 0), *to = kit_path(k, n);
	unsigned before = to->sent[0];

	for (struct rf_path_tap *t = from->taps[end]; t; t = t->next)
		t->heard(t, false, packet, sizeof packet);
	return to->sent[0] - before;
}

/* The party says n packets of 20 ms of this type, numbered on; how many copies leave at the path. */
static unsigned speaks(struct kit *k, uint8_t type, unsigned n, size_t bytes, uint32_t ticks, size_t at)
{
	struct rf_path *from = kit_path(k, 0), *to = kit_path(k, at);
	unsigned before = to->sent[0];

	for (unsigned i = 0; i < n; i++) {
		uint8_t packet[12 + 320] = { 0x80, type, 0, (uint8_t)(1 + i), [11] = 7 };
		uint32_t at_ticks = i * ticks;

		for (unsigned b = 0; b < 4; b++)
			packet[4 + b] = (uint8_t)(at_ticks >> 8 * (3 - b));
		memset(packet + 12, 0xd5, bytes);
		for (struct rf_path_tap *t = from->taps[0]; t; t = t->next)
			t->heard(t, false, packet, 12 + bytes);
	}
	return to->sent[0] - before;
}

static void test_both_parties(void **state)
{
	struct kit *k = *state;
	char sdp[2048];

	call(k);
	ok(k, "subscribe request",
	   "'call-id':'c1','flags':['all'],'to-tag':'R','interface':'in','set-label':'recorder'", NULL);
	assert_true(rf_view_eq(k->reply.to_tag, RF_V("R")));
	assert_true(kit_has(k, "c=IN IP4 10.0.0.1"));
	assert_true(kit_has(k, "m=audio 20004 RTP/AVP 8 0 101"));
	assert_true(kit_has(k, "m=audio 20008 RTP/AVP 8 0 101"));
	assert_true(kit_has(k, "a=rtpmap:8 PCMA/8000"));
	assert_true(kit_has(k, "a=fmtp:101 0-15"));
	assert_true(kit_has(k, "a=label:11"));
	assert_true(kit_has(k, "a=label:12"));
	assert_non_null(strstr((char *)k->out,
			       "\"media-labels\":{\"11\":{\"index\":1,\"mode\":\"sendrecv\",\"tag\":\"A\","
			       "\"type\":\"audio\"},\"12\":"));
	assert_non_null(strstr((char *)k->out,
			       "\"tag-medias\":[{\"medias\":[{\"index\":1,\"label\":\"11\",\"mode\":\"sendrecv\","
			       "\"type\":\"audio\"}],\"tag\":\"A\"},{"));
	assert_non_null(strstr((char *)k->out, "\"from-tags\":[\"A\",\"B\"]"));
	assert_true(kit_has(k, "a=sendonly"));
	assert_null(strstr(k->sdp, "sendrecv"));
	assert_null(strstr(k->sdp, "192.0.2"));
	told(k, "asked R A B\n");
	assert_int_equal(k->worker.n_used, 3);
	assert_int_equal(rf_relay_census(k->relay).media, 3);
	assert_int_equal(taps(kit_path(k, 0), 0), 0);
	assert_false(kit_path(k, 1)->open);

	snprintf(sdp, sizeof sdp, "%s%s%s", R_HEAD, R_AUDIO("7000"), R_AUDIO("7002"));
	ok(k, "subscribe answer", REC, sdp);
	told(k, "begun R A B\n");
	assert_true(kit_path(k, 1)->open);
	assert_int_equal(kit_path(k, 1)->conf[0].remote.port, 7000);
	assert_int_equal(kit_path(k, 1)->conf[0].dir, RF_SDP_RECVONLY);
	assert_int_equal(k->tuples, 4);
	assert_int_equal(says(k, 0, 8, 1), 1);
	assert_int_equal(says(k, 0, 101, 1), 1);
	assert_int_equal(says(k, 0, 8, 2), 0); /* another's */
	assert_int_equal(says(k, 1, 8, 2), 1);
	assert_int_equal(says(k, 0, 9, 1), 0); /* not among what was agreed */
	ok(k, "query", "'call-id':'c1'", NULL);

	ok(k, "unsubscribe", REC, NULL);
	told(k, "ended R A B: unsubscribed\n");
	assert_int_equal(k->worker.n_used, 1);
	assert_int_equal(k->tuples, 2);
	assert_int_equal(taps(kit_path(k, 0), 0), 0);
	assert_int_equal(taps(kit_path(k, 0), 1), 0);
	refused(k, "unsubscribe", REC, NULL, "no recorder with to-tag");
}

static void test_who_is_meant(void **state)
{
	static const struct {
		const char *members, *told;
	} rows[] = {
		{ CALL, "asked R A\n" },
		{ "'call-id':'c1','from-tag':'B'", "asked R B\n" },
		{ "'call-id':'c1','from-tags':['B']", "asked R B\n" },
		{ "'call-id':'c1','from-tags':['B','A']", "asked R B A\n" },
		{ "'call-id':'c1','from-tags':['B','A','B']", "asked R B A\n" },
		{ "'call-id':'c1','from-tags':['B'],'flags':['all']", "asked R B A\n" },
		{ "'call-id':'c1','label':'desk'", "asked R A\n" },
		{ "'call-id':'c1','address':'203.0.113.7'", "asked R B\n" },
	};
	struct kit *k = *state;
	char members[256];

	ok(k, "offer", CALL ",'label':'desk'", A_PLAIN);
	ok(k, "answer", REPLY, B_PLAIN);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		snprintf(members, sizeof members, "%s,'to-tag':'R'", rows[i].members);
		ok(k, "subscribe request", members, NULL);
		told(k, rows[i].told);
		ok(k, "unsubscribe", REC, NULL);
		k->recordings[0] = 0;
	}
	ok(k, "subscribe request", CALL, NULL); /* a tag is made */
	assert_int_equal(k->reply.to_tag.n, 16);
	k->recordings[0] = 0;
}

static void test_refusals(void **state)
{
	static const struct {
		const char *command, *members, *sdp, *why;
	} rows[] = {
		{ "subscribe request", "'call-id':'c9','flags':['all']", NULL, "Unknown call-ID" },
		{ "subscribe request", "'call-id':'c1'", NULL, "no party is named" },
		{ "subscribe request", "'call-id':'c1','from-tag':'X'", NULL, "no party of this session" },
		{ "subscribe request", "'call-id':'c1','from-tags':['A','X']", NULL, "has the tag \"X\"" },
		{ "subscribe request", REPLY, NULL, "that of a party" },
		{ "subscribe request", CALL ",'interface':'nowhere'", NULL, "no interface \"nowhere\"" },
		{ "subscribe request", CALL ",'transport protocol':'RTP/SAVP','SDES':['only-F8_128_HMAC_SHA1_80']",
		  NULL, "no suite" },
		{ "subscribe request", CALL ",'transport protocol':'UDP/TLS/RTP/SAVP','DTLS':'off'", NULL,
		  "switched off" },
		{ "subscribe answer", REC, R_HEAD R_AUDIO("7000"), "no recorder with to-tag" },
		{ "subscribe answer", "'call-id':'c9','to-tag':'R'", R_HEAD R_AUDIO("7000"), "Unknown call-ID" },
		{ "unsubscribe", "'call-id':'c9','to-tag':'R'", NULL, "Unknown call-ID" },
	};
	struct kit *k = *state;

	ok(k, "offer", CALL ",'direction':['in','out']", A_PLAIN);
	refused(k, "subscribe request", CALL, NULL, "that has been answered");
	ok(k, "answer", REPLY, B_PLAIN);
	k->recordings[0] = 0;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		refused(k, rows[i].command, rows[i].members, rows[i].sdp, rows[i].why);
		assert_int_equal(k->worker.n_used, 1);
	}
	assert_non_null(strstr(k->recordings, "refused B: to-tag is that of a party"));
	k->conf.policy.plain_allowed = false;
}

static void test_answers(void **state)
{
	static const struct {
		const char *members, *sdp, *why;
	} rows[] = {
		{ REC, "v=0\r\n", "line" },
		{ REC, R_HEAD R_AUDIO("7000") R_AUDIO("7002"), "has 2 m-lines" },
		{ REC, R_HEAD R_AUDIO("0"), "takes none" },
		{ REC, R_HEAD "m=video 7000 RTP/AVP 31\r\n", "another kind" },
		{ REC, R_HEAD "m=audio 7000 RTP/AVP 8\r\n", "leaves out PCMU" },
		{ REC ",'flags':['allow transcoding']", R_HEAD "m=audio 7000 RTP/AVP 9\r\n",
		  "no codec that was offered" },
		{ REC ",'flags':['allow transcoding']", R_HEAD "m=audio 7000 RTP/AVP 8\r\na=rtpmap:8 opus/48000/2\r\n",
		  "no codec" },
		{ REC, HEAD("recorder.example.org") R_AUDIO("7000"), "a name stands" },
		{ REC, HEAD("10.0.0.1") R_AUDIO("20004"), "this relay's own port" },
		{ REC, "v=0\r\no=- 1 1 IN IP6 2001:db8::5\r\ns=-\r\nc=IN IP6 2001:db8::5\r\nt=0 0\r\n" R_AUDIO("7000"),
		  "IPv6 address" },
	};
	struct kit *k = *state;

	call(k);
	ok(k, "subscribe request", CALL ",'to-tag':'R'", NULL);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		refused(k, "subscribe answer", rows[i].members, rows[i].sdp, rows[i].why);
		assert_int_equal(taps(kit_path(k, 0), 0), 0);
		assert_false(kit_path(k, 1)->open);
	}
	k->recordings[0] = 0;
	assert_int_equal(rf_relay_census(k->relay).coded, 0);
	ok(k, "subscribe answer", REC ",'flags':['allow transcoding']", R_HEAD "m=audio 7000 RTP/AVP 8\r\n");
	told(k, "begun R A\n");
	assert_int_equal(rf_relay_census(k->relay).coded, 1);
	assert_int_equal(says(k, 0, 8, 1), 1);
	assert_int_equal(speaks(k, 0, 2, 160, 160, 1), 2);
	assert_int_equal(kit_path(k, 1)->last[0][1], 8); /* said in what it takes */
	assert_int_equal(says(k, 0, 101, 1), 0);         /* it takes no keys */
	/* again, elsewhere; then it wants nothing for a while */
	ok(k, "subscribe answer", REC, R_HEAD R_AUDIO("7010"));
	told(k, "");
	assert_int_equal(kit_path(k, 1)->conf[0].remote.port, 7010);
	assert_int_equal(speaks(k, 0, 1, 160, 160, 1), 1);
	ok(k, "subscribe answer", REC, R_HEAD AUDIO("7010", "RTP/AVP") "a=inactive\r\n");
	assert_int_equal(taps(kit_path(k, 0), 0), 0);
}

static void test_keys(void **state)
{
	struct kit *k = *state;
	const struct rf_path_end_conf *c;

	call(k);
	ok(k, "subscribe request", CALL ",'to-tag':'R','transport protocol':'RTP/SAVP'", NULL);
	assert_true(kit_has(k, "m=audio 20004 RTP/SAVP 8 0 101"));
	assert_non_null(strstr(k->sdp, "a=crypto:1 AEAD_AES_256_GCM inline:"));
	refused(k, "subscribe answer", REC, R_HEAD R_AUDIO("7000"), "none of the a=crypto lines");
	refused(k, "subscribe answer", REC, R_HEAD AUDIO("7000", "RTP/SAVP"), "none of the a=crypto lines");
	ok(k, "subscribe answer", REC, R_HEAD AUDIO("7000", "RTP/SAVP") "a=crypto:4 AES_CM_128_HMAC_SHA1_80 "
	   "inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\na=recvonly\r\n");
	c = &kit_path(k, 1)->conf[0];
	assert_int_equal(c->keying, RF_KEYING_SDES);
	assert_int_equal(c->key_out.suite, RF_SRTP_AES_CM_128_HMAC_SHA1_80);
	assert_int_equal(c->n_keys_in, 1);
	ok(k, "unsubscribe", REC, NULL);
	ok(k, "subscribe request",
	   CALL ",'to-tag':'R','transport protocol':'UDP/TLS/RTP/SAVP','ICE':'force','rtcp-mux':['offer']", NULL);
	assert_true(kit_has(k, "a=setup:actpass"));
	assert_true(kit_has(k, "a=ice-lite"));
	assert_true(kit_has(k, "a=rtcp-mux"));
	assert_null(strstr(k->sdp, "crypto"));
	refused(k, "subscribe answer", REC, R_HEAD AUDIO("7000", "UDP/TLS/RTP/SAVP"), "without a fingerprint");
	ok(k, "subscribe answer", REC, R_HEAD AUDIO("7000", "UDP/TLS/RTP/SAVP") "a=setup:passive\r\na=rtcp-mux\r\n"
	   "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=fingerprint:sha-256 "
	   "11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00\r\n");
	c = &kit_path(k, 1)->conf[0];
	assert_int_equal(c->keying, RF_KEYING_DTLS);
	assert_true(c->dtls_active && c->rtcp_mux && c->n_prints == 1);
	assert_int_equal(c->source, RF_SOURCE_ICE);
	k->recordings[0] = 0;
}

/* In the clear only where the policy lets a leg be. */
static void test_policy(void **state)
{
	struct kit *k = *state;

	k->conf.policy.plain_allowed = false;
	kit_again(k);
	ok(k, "offer", CALL ",'flags':['SIPREC']", HEAD("192.0.2.9") AUDIO("2000", "RTP/SAVP") SDES);
	ok(k, "answer", REPLY, HEAD("203.0.113.7") AUDIO("3000", "RTP/SAVP") "a=crypto:4 AES_CM_128_HMAC_SHA1_80 "
	   "inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n");
	refused(k, "subscribe request", CALL ",'transport protocol':'RTP/AVP'", NULL, "policy forbids");
	ok(k, "subscribe request", CALL ",'to-tag':'R'", NULL); /* as the party's own leg */
	assert_non_null(strstr(k->sdp, "RTP/SAVP"));
	k->recordings[0] = 0;
}

/* Parties that share their keys are not recorded, and do not come to share them while they are. */
static void test_shared_keys(void **state)
{
	struct kit *k = *state;
	static const char a[] = HEAD("192.0.2.9") AUDIO("2000", "RTP/SAVP") SDES;
	static const char b[] = HEAD("203.0.113.7") AUDIO("3000", "RTP/SAVP") SDES;
	static const char own[] = HEAD("203.0.113.7") AUDIO("3000", "RTP/SAVP") "a=crypto:4 AES_CM_128_HMAC_SHA1_80 "
		"inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n";

	ok(k, "offer", CALL, a);
	ok(k, "answer", REPLY, b);
	assert_int_equal(kit_path(k, 0)->conf[0].keying, RF_KEYING_PASSED);
	refused(k, "subscribe request", CALL, NULL, "share their keys");
	told(k, "refused : the parties share their keys, and this relay opens nothing that it was to pass on unopened: "
	     "offer the call with the flag SIPREC, then it can be recorded\n");
	ok(k, "offer", REPLY ",'flags':['SIPREC']", a);
	ok(k, "answer", REPLY, own);
	assert_int_equal(kit_path(k, 0)->conf[0].keying, RF_KEYING_SDES);
	/* an offer whose answer may take the other's keys is out; then somebody records */
	ok(k, "offer", REPLY, a);
	ok(k, "subscribe request", CALL ",'to-tag':'R','transport protocol':'RTP/AVP'", NULL);
	ok(k, "subscribe answer", REC, R_HEAD R_AUDIO("7000"));
	k->recordings[0] = 0;
	ok(k, "answer", REPLY, b);
	assert_int_equal(kit_path(k, 0)->conf[0].keying, RF_KEYING_PASSED);
	told(k, "ended R A: the parties share their keys now\n");
	assert_int_equal(k->worker.n_used, 1);
	/* one that comes meanwhile has no such line */
	ok(k, "offer", REPLY ",'flags':['SIPREC']", a);
	ok(k, "answer", REPLY, own);
	ok(k, "subscribe request", CALL ",'to-tag':'R','transport protocol':'RTP/AVP'", NULL);
	ok(k, "offer", REPLY, a);
	assert_null(strstr(k->sdp, "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"));
	k->recordings[0] = 0;
}

/* Lines that are off and on again, and change their kind, are followed. */
static void test_lines_that_change(void **state)
{
	struct kit *k = *state;
	static const char a[] = HEAD("192.0.2.9") AUDIO("2000", "RTP/AVP") VIDEO("2002", "RTP/AVP");
	static const char b[] = HEAD("203.0.113.7") AUDIO("3000", "RTP/AVP") VIDEO("3002", "RTP/AVP");

	ok(k, "offer", CALL, a);
	ok(k, "answer", REPLY, b);
	ok(k, "subscribe request", CALL ",'to-tag':'R'", NULL);
	assert_true(kit_has(k, "a=rtpmap:96 H264/90000"));
	assert_true(kit_has(k, "a=fmtp:96 packetization-mode=1"));
	ok(k, "subscribe answer", REC, R_HEAD R_AUDIO("7000") VIDEO("7002", "RTP/AVP"));
	assert_int_equal(taps(kit_path(k, 1), 0), 1);
	ok(k, "offer", REPLY, HEAD("192.0.2.9") AUDIO("2000", "RTP/AVP") VIDEO("0", "RTP/AVP"));
	ok(k, "answer", REPLY, HEAD("203.0.113.7") AUDIO("3000", "RTP/AVP") VIDEO("0", "RTP/AVP"));
	assert_int_equal(k->worker.n_used, 3); /* a path less */
	ok(k, "offer", REPLY, a);
	ok(k, "answer", REPLY, b);
	assert_int_equal(taps(kit_path(k, 1), 0), 1);
	/* the recorder leaves video out */
	ok(k, "subscribe answer", REC, R_HEAD R_AUDIO("7000") VIDEO("0", "RTP/AVP"));
	assert_int_equal(taps(kit_path(k, 1), 0), 0);
	assert_int_equal(k->worker.n_used, 3);
	/* audio becomes fax */
	ok(k, "offer", REPLY, HEAD("192.0.2.9") "m=image 2000 udptl t38\r\n");
	ok(k, "answer", REPLY, HEAD("203.0.113.7") "m=image 3000 udptl t38\r\n");
	assert_int_equal(k->worker.n_used, 2);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(taps(kit_path(k, i), 0), 0);
	k->recordings[0] = 0;
}

/* A codec for the recorder that the party does not speak. */
static void test_another_codec(void **state)
{
	struct kit *k = *state;
	uint8_t sr[28] = { 0x80, 200, 0, 6, 0, 0, 0, 7, [18] = 0x03, [19] = 0x20 }; /* of SSRC 7, its clock at 800 */

	call(k);
	/* added; taken as it is: nothing is made */
	ok(k, "subscribe request", CALL ",'to-tag':'R','codec':{'transcode':['opus','telephone-event']}", NULL);
	assert_true(kit_has(k, "m=audio 20004 RTP/AVP 101 8 0 96 97"));
	assert_true(kit_has(k, "a=rtpmap:96 opus/48000/2"));
	assert_true(kit_has(k, "a=rtpmap:97 telephone-event/48000"));
	assert_int_equal(rf_relay_census(k->relay).coded, 1); /* it may come to that */
	ok(k, "subscribe answer", REC, R_HEAD R_AUDIO("7000"));
	assert_int_equal(rf_relay_census(k->relay).coded, 0);
	assert_null(kit_path(k, 1)->filter[1]);
	assert_int_equal(speaks(k, 8, 3, 160, 160, 1), 3);
	assert_int_equal(kit_path(k, 1)->last[0][1], 8);
	/* the other one alone */
	ok(k, "subscribe answer", REC, R_HEAD "m=audio 7000 RTP/AVP 96 97\r\na=rtpmap:96 opus/48000/2\r\n"
	   "a=rtpmap:97 telephone-event/48000\r\na=recvonly\r\n");
	assert_int_equal(rf_relay_census(k->relay).coded, 1);
	assert_int_equal(speaks(k, 8, 5, 160, 160, 1), 5);
	assert_int_equal(kit_path(k, 1)->last[0][1], 96);
	assert_int_equal(kit_path(k, 1)->last[0][3], 5);
	assert_int_equal(kit_path(k, 1)->last[0][6] << 8 | kit_path(k, 1)->last[0][7], 4 * 960);
	assert_int_equal(says(k, 0, 18, 1), 0);
	/* reports in the clock of what it gets */
	for (struct rf_path_tap *t = kit_path(k, 0)->taps[0]; t; t = t->next)
		t->heard(t, true, sr, sizeof sr);
	assert_int_equal(kit_path(k, 1)->last[0][18] << 8 | kit_path(k, 1)->last[0][19], 4800);
	assert_int_equal(sr[19], 0x20);
	/* the party's own is not offered at all */
	ok(k, "subscribe request", CALL ",'to-tag':'R','codec':{'mask':['all'],'transcode':['G722']}", NULL);
	assert_true(kit_has(k, "m=audio 20008 RTP/AVP 9"));
	ok(k, "subscribe answer", REC, R_HEAD "m=audio 7000 RTP/AVP 9\r\n");
	assert_int_equal(speaks(k, 0, 4, 160, 160, 1), 4);
	assert_int_equal(kit_path(k, 1)->last[0][1], 9);
	/* no more than there may be */
	k->conf.policy.coded_max = 1;
	kit_again(k);
	call(k);
	ok(k, "subscribe request", CALL ",'to-tag':'R','codec':{'transcode':['opus']}", NULL);
	refused(k, "subscribe request", CALL ",'to-tag':'S','codec':{'transcode':['opus']}", NULL,
		"transcoded already");
	ok(k, "subscribe request", CALL ",'to-tag':'S'", NULL);
	refused(k, "subscribe answer", "'call-id':'c1','to-tag':'S','flags':['allow transcoding']",
		R_HEAD "m=audio 7000 RTP/AVP 8\r\n", "transcoded already");
	ok(k, "unsubscribe", REC, NULL);
	assert_int_equal(rf_relay_census(k->relay).coded, 0);
	k->conf.policy.coded_max = 0;
	k->recordings[0] = 0;
}

/* Whole pictures are asked for: when copies begin, when the recorder asks, once a second. */
static void test_pictures(void **state)
{
	static const char a[] =
		HEAD("192.0.2.9") AUDIO("2000", "RTP/AVP") VIDEO("2002", "RTP/AVP") "a=rtcp-fb:96 nack pli\r\n";
	static const char b[] =
		HEAD("203.0.113.7") AUDIO("3000", "RTP/AVP") VIDEO("3002", "RTP/AVP") "a=rtcp-fb:* ccm fir\r\n";
	const uint8_t packet[16] = { 0x80, 96 };
	struct kit *k = *state;
	struct rf_path *video, *sink;

	ok(k, "offer", CALL, a);
	ok(k, "answer", REPLY, b);
	ok(k, "subscribe request", CALL ",'to-tag':'R'", NULL);
	assert_true(kit_has(k, "a=rtcp-fb:* nack pli"));
	ok(k, "subscribe answer", REC, R_HEAD R_AUDIO("7000") VIDEO("7002", "RTP/AVP"));
	assert_null(k->reply.warning.p);
	video = kit_path(k, 1);
	sink = kit_path(k, 3);
	video->stats[0].n_streams = 1;
	video->stats[0].streams[0] = (struct rf_path_stream){ .ssrc = 0x01020304, .type = 96 };
	assert_int_equal(video->sent_rtcp[0], 0);
	for (unsigned i = 0; i < 3; i++)
		video->taps[0]->heard(video->taps[0], false, packet, sizeof packet);
	kit_wait(k, 20);
	assert_int_equal(video->sent_rtcp[0], 1);
	assert_int_equal(video->last_n[0], 8 + 28 + 12);
	assert_memory_equal(video->last[0] + 36, "\x81\xce\0\2", 4);
	assert_memory_equal(video->last[0] + 44, "\1\2\3\4", 4);
	/* the recorder itself, as often as it likes */
	for (unsigned i = 0; i < 50; i++)
		sink->ops->picture(sink->arg, sink);
	kit_wait(k, 900);
	assert_int_equal(video->sent_rtcp[0], 1);
	kit_wait(k, 200);
	assert_int_equal(video->sent_rtcp[0], 2);
	kit_wait(k, 3000);
	assert_int_equal(video->sent_rtcp[0], 2);
	/* one that knows FIR alone; repairs have no pictures */
	ok(k, "subscribe request", "'call-id':'c1','from-tag':'B','to-tag':'R2'", NULL);
	ok(k, "subscribe answer", "'call-id':'c1','to-tag':'R2'", R_HEAD R_AUDIO("7010") VIDEO("7012", "RTP/AVP"));
	video->stats[1] = video->stats[0];
	video->taps[1]->heard(video->taps[1], false, packet, sizeof packet);
	kit_wait(k, 20);
	assert_int_equal(video->sent_rtcp[1], 1);
	assert_memory_equal(video->last[1] + 36, "\x84\xce\0\4", 4);
	assert_memory_equal(video->last[1] + 48, "\1\2\3\4\0\0\0\0", 8);
	/* asked while it is gone: nothing */
	sink->ops->picture(sink->arg, sink);
	ok(k, "unsubscribe", REC, NULL);
	kit_wait(k, 2000);
	assert_int_equal(video->sent_rtcp[0], 2);
	ok(k, "delete", "'call-id':'c1'", NULL);
	/* two who ask at once are two of the line's */
	ok(k, "offer", CALL, HEAD("192.0.2.9") VIDEO("2002", "RTP/AVP") "a=rtcp-fb:96 nack pli\r\n");
	ok(k, "answer", REPLY, HEAD("203.0.113.7") VIDEO("3002", "RTP/AVP"));
	for (unsigned i = 0; i < 2; i++) {
		ok(k, "subscribe request", i ? CALL ",'to-tag':'S'" : CALL ",'to-tag':'R'", NULL);
		ok(k, "subscribe answer", i ? "'call-id':'c1','to-tag':'S'" : REC, R_HEAD VIDEO("7002", "RTP/AVP"));
	}
	video = kit_path(k, 0);
	video->stats[0].n_streams = 1;
	video->stats[0].streams[0] = (struct rf_path_stream){ .ssrc = 1, .type = 96 };
	for (unsigned i = 1; i < 3; i++)
		kit_path(k, i)->ops->picture(kit_path(k, i)->arg, kit_path(k, i));
	kit_wait(k, 20);
	assert_int_equal(video->sent_rtcp[0], 1);
	kit_wait(k, 900);
	assert_int_equal(video->sent_rtcp[0], 1);
	kit_wait(k, 200);
	assert_int_equal(video->sent_rtcp[0], 2);
	kit_wait(k, 3000);
	assert_int_equal(video->sent_rtcp[0], 2);
	ok(k, "delete", "'call-id':'c1'", NULL);
	/* a party that takes no such questions */
	ok(k, "offer", "'call-id':'c1','from-tag':'A'", HEAD("192.0.2.9") VIDEO("2002", "RTP/AVP"));
	ok(k, "answer", REPLY, HEAD("203.0.113.7") VIDEO("3002", "RTP/AVP"));
	ok(k, "subscribe request", "'call-id':'c1','from-tag':'A','to-tag':'R'", NULL);
	ok(k, "subscribe answer", "'call-id':'c1','to-tag':'R'", R_HEAD VIDEO("7002", "RTP/AVP"));
	assert_true(memmem(k->reply.warning.p, k->reply.warning.n, "takes no requests for a picture", 31) != NULL);
	ok(k, "delete", "'call-id':'c1'", NULL);
	k->recordings[0] = 0;
}

static void test_bounds_and_ends(void **state)
{
	struct kit *k = *state;

	call(k);
	for (unsigned i = 0; i < 4; i++) {
		char members[64];

		snprintf(members, sizeof members, CALL ",'to-tag':'R%u'", i);
		ok(k, "subscribe request", members, NULL);
	}
	refused(k, "subscribe request", CALL ",'to-tag':'R4'", NULL, "at most 4 recorders");
	assert_int_equal(k->worker.n_used, 5);
	k->recordings[0] = 0;
	ok(k, "subscribe request", CALL ",'to-tag':'R3'", NULL); /* in its own place */
	told(k, "ended R3 A: asked for anew\nasked R3 A\n");
	ok(k, "subscribe answer", "'call-id':'c1','to-tag':'R0'", R_HEAD R_AUDIO("7000"));
	k->recordings[0] = 0;
	kit_wait(k, 181000);
	told(k, "ended R1 A: unanswered\nended R2 A: unanswered\nended R3 A: unanswered\n");
	assert_int_equal(k->worker.n_used, 2);
	/* the party leaves its place to another answerer: nobody asked for that one */
	ok(k, "subscribe request", "'call-id':'c1','from-tag':'B','to-tag':'R5'", NULL);
	k->recordings[0] = 0;
	ok(k, "answer", CALL ",'to-tag':'B2'", B_PLAIN);
	told(k, "ended R5 B: the parties have left\n");
	ok(k, "delete", "'call-id':'c1'", NULL);
	told(k, "ended R0 A: the call has ended\n");
	assert_int_equal(k->worker.n_used, 0);
	assert_int_equal(k->tuples, 0);
}

/* A branch that ends takes its recorders with it. */
static void test_branches(void **state)
{
	struct kit *k = *state;

	ok(k, "offer", CALL ",'via-branch':'x'", A_PLAIN);
	ok(k, "offer", CALL ",'via-branch':'y'", A_PLAIN);
	ok(k, "answer", CALL ",'to-tag':'B','via-branch':'x'", B_PLAIN);
	ok(k, "answer", CALL ",'to-tag':'C','via-branch':'y'", B_PLAIN);
	ok(k, "subscribe request", "'call-id':'c1','from-tag':'C','to-tag':'R'", NULL);
	k->recordings[0] = 0;
	ok(k, "delete", CALL ",'to-tag':'C'", NULL);
	told(k, "ended R C: the parties have left\n");
	assert_int_equal(k->worker.n_used, 1);
}

static void test_allocations_that_fail(void **state)
{
	struct kit *k = *state;

	call(k);
	for (k->fail_at = 1;; k->fail_at++) {
		enum rf_ng_result r = kit_ask(k, "subscribe request",
					      "'call-id':'c1','flags':['all'],'to-tag':'R','set-label':'x','transport "
					      "protocol':'RTP/SAVP'", NULL);

		if (!k->failed && r == RF_NG_OK)
			break;
		if (r == RF_NG_ERROR)
			assert_int_equal(k->worker.n_used, 1);
		else
			ok(k, "unsubscribe", REC, NULL);
		assert_true(k->fail_at < 100);
		k->recordings[0] = 0;
	}
	k->fail_at = 0;
	ok(k, "unsubscribe", REC, NULL);
	k->recordings[0] = 0;
}

static void test_nothing_to_record(void **state)
{
	struct kit *k = *state;

	ok(k, "offer", CALL, HEAD("192.0.2.9") "m=image 2000 udptl t38\r\n");
	ok(k, "answer", REPLY, HEAD("203.0.113.7") "m=image 3000 udptl t38\r\n");
	refused(k, "subscribe request", CALL, NULL, "no sound and no video");
	k->worker.most = 2;
	ok(k, "offer", REPLY, A_PLAIN);
	ok(k, "answer", REPLY, B_PLAIN);
	refused(k, "subscribe request", CALL ",'flags':['all']", NULL, "ports are exhausted");
	assert_int_equal(k->worker.n_used, 1);
	k->worker.set_error = RF_E_LIMIT;
	refused(k, "subscribe request", CALL, NULL, "a port cannot be set up");
	assert_int_equal(k->worker.n_used, 1);
	k->worker.set_error = 0;
	k->recordings[0] = 0;
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, kit_begin, kit_end)
	const struct CMUnitTest tests[] = {
		TEST(test_both_parties), TEST(test_who_is_meant), TEST(test_refusals), TEST(test_answers),
		TEST(test_keys), TEST(test_policy), TEST(test_shared_keys), TEST(test_lines_that_change),
		TEST(test_another_codec), TEST(test_pictures), TEST(test_bounds_and_ends), TEST(test_branches),
		TEST(test_allocations_that_fail), TEST(test_nothing_to_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
