/* Transcoding by request, over paths that are none: what is said to whom, what becomes of packets, what is refused. */
#include "ear.h"
#include "media/dsp.h"
#include "media/pcm.h"
#include "rtp/rtp.h"
#include "session_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define HEAD(ip) "v=0\r\no=- 1 1 IN IP4 " ip "\r\ns=-\r\nc=IN IP4 " ip "\r\nt=0 0\r\n"
#define ALAW HEAD("192.0.2.9") "m=audio 2000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n"
#define BARE HEAD("192.0.2.9") "m=audio 2000 RTP/AVP 8\r\n"
#define SECRET HEAD("192.0.2.9") "m=audio 2000 RTP/SAVP 8\r\n" \
	"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:abcdefghijklmnopqrstuvwxyz0123456789+/AB\r\n"
#define WIDE HEAD("203.0.113.7") "m=audio 3000 RTP/AVP 9 101\r\na=rtpmap:101 telephone-event/8000\r\n"
#define OPUS HEAD("203.0.113.7") "m=audio 3000 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\n" \
	"a=fmtp:96 maxaveragebitrate=16000\r\na=ptime:40\r\n"
#define A "'call-id':'c1','from-tag':'A'"
#define B A ",'to-tag':'B'"

static void line(struct kit *k, const char *begin, const char *expect)
{
	const char *got = kit_line(k, begin);
	/* the port is a random one */
	const char *tail = strstr(got, "RTP/");

	assert_string_equal(tail ? tail : got, expect);
}

/* One packet of this side's, as the other side would get it: its payload type, or -1. */
static int passes(struct kit *k, unsigned end, uint8_t type, uint8_t codec, uint16_t seq, size_t *ret_n)
{
	struct rf_path *p = kit_path(k, 0);
	struct rf_rtp_head head = { .ssrc = 9, .seq = seq, .timestamp = seq * 160u, .type = type };
	int16_t samples[160];
	uint8_t packet[2048];
	struct rf_pcm_out *out;
	size_t n;

	assert_int_equal(rf_pcm_out_new((enum rf_pcm_codec)codec, 8000, &out), 0);
	ear_sine(samples, 160, 8000, 1000, 8000, 0);
	rf_rtp_head_put(&head, packet);
	assert_int_equal(rf_pcm_out_put(out, samples, 160, packet + 12, 1500, &n), 0);
	rf_pcm_out_free(out);
	n += 12;
	assert_non_null(p->filter[end]);
	if (p->filter[end]->take(p->filter[end], packet, &n, sizeof packet) != RF_FILTER_ON)
		return -1;
	*ret_n = n - 12;
	return packet[1] & 0x7f;
}

static void test_nothing_in_common(void **state)
{
	struct kit *k = *state;
	size_t n;

	ok(k, "offer", A ",'codec':{'transcode':['G722'],'mask':['PCMA']},'ptime':20", ALAW);
	line(k, "m=audio", "RTP/AVP 101 9");
	line(k, "a=rtpmap:9", " G722/8000");
	line(k, "a=ptime", ":20");
	assert_int_equal(rf_relay_census(k->relay).coded, 1);
	ok(k, "answer", B, WIDE);
	line(k, "m=audio", "RTP/AVP 101 8");
	line(k, "a=rtpmap:8", " PCMA/8000");
	line(k, "a=rtpmap:9", "");
	assert_int_equal(passes(k, 0, 8, RF_PCM_PCMA, 1, &n), 9);
	assert_int_equal(n, 160);
	assert_int_equal(passes(k, 1, 9, RF_PCM_G722, 1, &n), 8);
	assert_int_equal(kit_path(k, 0)->conf[0].n_types, 2);
	ok(k, "query", "'call-id':'c1'", NULL);
	assert_non_null(memmem(k->out, sizeof k->out, "\"codec\":\"PCMA/8000\"", 19));
	assert_non_null(memmem(k->out, sizeof k->out, "\"transcoded to\":\"G722/8000\"", 27));
	/* The same again, from the other side, and without. */
	ok(k, "offer", "'call-id':'c1','from-tag':'B','to-tag':'A','codec':{'transcode':['PCMA']}", WIDE);
	line(k, "m=audio", "RTP/AVP 9 101 8");
	ok(k, "answer", "'call-id':'c1','from-tag':'B','to-tag':'A'", ALAW);
	line(k, "m=audio", "RTP/AVP 101 9");
	assert_int_equal(passes(k, 0, 8, RF_PCM_PCMA, 2, &n), 9);
	assert_int_equal(passes(k, 1, 9, RF_PCM_G722, 2, &n), 8);
	assert_int_equal(rf_relay_census(k->relay).coded, 1);
	ok(k, "offer", B, BARE);
	ok(k, "answer", B, BARE);
	assert_int_equal(rf_relay_census(k->relay).coded, 0);
	assert_int_equal(passes(k, 0, 8, RF_PCM_PCMA, 3, &n), 8);
	ok(k, "delete", B, NULL);
}

/* What is agreed on without help goes the way that it would go without. */
static void test_not_needed(void **state)
{
	struct kit *k = *state;

	ok(k, "offer", A ",'flags':['codec-transcode-opus']", ALAW);
	line(k, "m=audio", "RTP/AVP 8 101 96 97");
	line(k, "a=rtpmap:96", " opus/48000/2");
	line(k, "a=rtpmap:97", " telephone-event/48000");
	assert_int_equal(rf_relay_census(k->relay).coded, 1);
	ok(k, "answer", B, BARE);
	line(k, "m=audio", "RTP/AVP 8");
	assert_null(kit_path(k, 0)->filter[0]);
	assert_int_equal(rf_relay_census(k->relay).coded, 0);
	assert_int_equal(kit_path(k, 0)->conf[1].n_types, 2); /* what was made and not taken may not be sent */
	ok(k, "delete", B, NULL);
}

/* The size of packets and the bits of a second are the taker's, where nobody says more. */
static void test_opus(void **state)
{
	struct kit *k = *state;
	size_t n;

	ok(k, "offer", A ",'codec':{'transcode':['opus/48000/2/24000']}", BARE);
	ok(k, "answer", B, OPUS);
	line(k, "m=audio", "RTP/AVP 8");
	line(k, "a=fmtp", "");
	assert_int_equal(passes(k, 0, 8, RF_PCM_PCMA, 1, &n), -1); /* 40 ms are wanted */
	assert_int_equal(passes(k, 0, 8, RF_PCM_PCMA, 2, &n), -1);
	struct rf_path *p = kit_path(k, 0);
	assert_int_equal(p->sent[1], 1);
	assert_int_equal(p->last[1][1] & 0x7f, 96);
	assert_in_range(p->last_n[1], 12 + 40, 12 + 110); /* 16,000 bits a second are 80 bytes */
	ok(k, "delete", B, NULL);
}

static void test_keys_are_not_shared(void **state)
{
	struct kit *k = *state;
	char text[512];

	ok(k, "offer", A ",'codec':{'transcode':['G722']}", SECRET);
	assert_null(strstr(k->sdp, "abcdefghijkl")); /* the offerer's own */
	const char *at = strstr(k->sdp, "AES_CM_128_HMAC_SHA1_80");
	while (at[-1] != ':')
		at--;
	snprintf(text, sizeof text,
		 HEAD("203.0.113.7") "m=audio 3000 RTP/SAVP 9\r\na=crypto:%d AES_CM_128_HMAC_SHA1_80 inline:"
				     "ABCDefghijklmnopqrstuvwxyz0123456789+/ab\r\n",
		 atoi(at));
	ok(k, "answer", B, text);
	assert_int_equal(kit_path(k, 0)->conf[0].keying, RF_KEYING_SDES);
	ok(k, "delete", B, NULL);
}

static void test_said(void **state)
{
	struct kit *k = *state;

	ok(k, "offer", A ",'codec':{'transcode':['G729']},'ptime':35", ALAW);
	assert_true(memmem(k->reply.warning.p, k->reply.warning.n, "codec-transcode-G729", 20) != NULL);
	line(k, "m=audio", "RTP/AVP 8 101");
	ok(k, "answer", B, BARE);
	ok(k, "offer", A ",'codec':{'transcode':['G722']},'ptime':35", ALAW);
	assert_true(memmem(k->reply.warning.p, k->reply.warning.n, "packets of 35 ms", 16) != NULL);
	ok(k, "answer", B, BARE);
	ok(k, "offer", A ",'codec':{'transcode':['G722']}", HEAD("192.0.2.9") "m=audio 2000 RTP/AVP 18\r\n");
	assert_true(memmem(k->reply.warning.p, k->reply.warning.n, "understands nothing", 19) != NULL);
	ok(k, "delete", B, NULL);
	/* nothing that the offerer could be told of */
	ok(k, "offer", A ",'codec':{'transcode':['telephone-event']}", BARE);
	refused(k, "answer", B, HEAD("203.0.113.7") "m=audio 3000 RTP/AVP 96\r\na=rtpmap:96 telephone-event/8000\r\n",
		"takes nothing");
	ok(k, "answer", B, BARE);
	ok(k, "delete", B, NULL);
}

/* Packets of another size, where both speak the same. */
static void test_sizes(void **state)
{
	struct kit *k = *state;
	char text[512];
	size_t n;

	ok(k, "offer", A ",'ptime':40,'ptime-reverse':10", ALAW);
	line(k, "a=ptime", ":40");
	assert_null(k->reply.warning.p);
	assert_int_equal(rf_relay_census(k->relay).coded, 0); /* nothing is decoded */
	ok(k, "answer", B, BARE);
	line(k, "a=ptime", ":10");
	assert_int_equal(passes(k, 0, 8, RF_PCM_PCMA, 1, &n), -1); /* it waits */
	assert_int_equal(kit_path(k, 0)->sent[1], 0);
	assert_int_equal(passes(k, 0, 8, RF_PCM_PCMA, 2, &n), -1);
	assert_int_equal(kit_path(k, 0)->sent[1], 1);
	assert_int_equal(kit_path(k, 0)->last_n[1], 12 + 320);
	assert_int_equal(passes(k, 1, 8, RF_PCM_PCMA, 1, &n), -1);
	assert_int_equal(kit_path(k, 0)->sent[0], 2);
	assert_int_equal(kit_path(k, 0)->last_n[0], 12 + 80);
	/* an offer that waits changes nothing yet; one without the words has them as they come again */
	ok(k, "offer", B, ALAW);
	assert_int_equal(passes(k, 1, 8, RF_PCM_PCMA, 2, &n), -1);
	ok(k, "answer", B, BARE);
	assert_int_equal(passes(k, 1, 8, RF_PCM_PCMA, 3, &n), 8);
	ok(k, "delete", B, NULL);
	/* what cannot be is said */
	ok(k, "offer", A ",'ptime':30",
	   HEAD("192.0.2.9") "m=audio 2000 RTP/AVP 96 3 8\r\na=rtpmap:96 opus/48000/2\r\n");
	assert_true(memmem(k->reply.warning.p, k->reply.warning.n, "packets of opus are not cut and joined to 30 ms",
			   47) != NULL);
	assert_true(memmem(k->reply.warning.p, k->reply.warning.n, "packets of GSM are not", 22) != NULL);
	assert_true(memmem(k->reply.warning.p, k->reply.warning.n, "PCMA", 4) == NULL);
	ok(k, "answer", B, BARE);
	assert_non_null(kit_path(k, 0)->filter[0]);
	assert_null(kit_path(k, 0)->filter[1]);
	ok(k, "delete", B, NULL);
	/* what is to be cut is opened here: keys are not shared */
	ok(k, "offer", A ",'ptime':40", SECRET);
	snprintf(text, sizeof text, HEAD("203.0.113.7") "m=audio 3000 RTP/SAVP 8\r\n%s\r\n",
		 kit_line(k, "a=crypto:1 "));
	assert_null(strstr(text, "abcdefghijklmnopqrstuvwxyz"));
	ok(k, "delete", "'call-id':'c1'", NULL);
}

static void test_limit(void **state)
{
	struct kit *k = *state;
	char members[128];

	k->conf.policy.coded_max = 3;
	kit_again(k);
	for (unsigned i = 0; i < 4; i++) {
		snprintf(members, sizeof members, "'call-id':'m%u','from-tag':'A','codec':{'transcode':['G722']}", i);
		if (i < 3)
			ok(k, "offer", members, BARE);
		else
			refused(k, "offer", members, BARE, "so much is transcoded already");
	}
	ok(k, "offer", "'call-id':'m4','from-tag':'A'", BARE); /* without goes on */
	ok(k, "answer", "'call-id':'m0','from-tag':'A','to-tag':'B'", BARE);
	ok(k, "offer", members, BARE);
	assert_int_equal(kit_ask(k, "offer", "'call-id':'m5','from-tag':'A','supports':['load limit'],'codec':{'transcode':['G722']}",
				 BARE), RF_NG_LOAD_LIMIT);
	for (unsigned i = 0; i < 5; i++) {
		snprintf(members, sizeof members, "'call-id':'m%u','from-tag':'A'", i);
		ok(k, "delete", members, NULL);
	}
	assert_int_equal(rf_relay_census(k->relay).coded, 0);
	assert_int_equal(rf_relay_census(k->relay).sessions, 0);
}

/* Without memory: an error, or nothing goes on; the next request is as if it had not been. */
static void test_memory(void **state)
{
	struct kit *k = *state;

	for (unsigned n = 1;; n++) {
		k->fail_at = n;
		bool done = kit_ask(k, "offer", A ",'codec':{'transcode':['G722']}", BARE) == RF_NG_OK;

		done = done && kit_ask(k, "answer", B, WIDE) == RF_NG_OK;
		k->fail_at = 0;
		bool failed = k->failed;

		if (done && kit_path(k, 0)->filter[0] == NULL)
			assert_int_equal(kit_path(k, 0)->holds[0], RF_HOLD_MEDIA);
		kit_ask(k, "delete", A, NULL);
		assert_int_equal(rf_relay_census(k->relay).coded, 0);
		if (!failed)
			break;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_nothing_in_common, kit_begin, kit_end),
		cmocka_unit_test_setup_teardown(test_not_needed, kit_begin, kit_end),
		cmocka_unit_test_setup_teardown(test_opus, kit_begin, kit_end),
		cmocka_unit_test_setup_teardown(test_keys_are_not_shared, kit_begin, kit_end),
		cmocka_unit_test_setup_teardown(test_said, kit_begin, kit_end),
		cmocka_unit_test_setup_teardown(test_sizes, kit_begin, kit_end),
		cmocka_unit_test_setup_teardown(test_limit, kit_begin, kit_end),
		cmocka_unit_test_setup_teardown(test_memory, kit_begin, kit_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
