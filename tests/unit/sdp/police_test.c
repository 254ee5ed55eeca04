#include "sdp/police.h"

#include "fail_alloc.h"
#include "guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#define HEAD "v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
#define K30 "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNk"
#define K44 "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWI="
#define C80 "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" K30 "\r\n"
#define C32 "a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:" K30 "\r\n"
#define CGCM "a=crypto:3 AEAD_AES_256_GCM inline:" K44 "\r\n"
#define CPLAIN "a=crypto:4 AES_CM_128_HMAC_SHA1_80 inline:" K30 " UNENCRYPTED_SRTP\r\n"
#define AA8 "AA:AA:AA:AA:AA:AA:AA:AA"
#define FP "a=fingerprint:sha-256 " AA8 ":" AA8 ":" AA8 ":" AA8 "\r\n"
#define BUNDLE "a=group:BUNDLE 0 1\r\n"
#define VDTLS(port) "m=video " port " UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n"
#define FPOLD "a=fingerprint:sha-1 " AA8 ":" AA8 ":AA:AA:AA:AA\r\n"
#define AVP "m=audio 4000 RTP/AVP 0\r\n"
#define SAVP "m=audio 4000 RTP/SAVP 0\r\n"
#define VSAVP "m=video 4002 RTP/SAVP 96\r\n"
#define VAVP "m=video 4002 RTP/AVP 96\r\n"
#define DTLS "m=audio 4000 UDP/TLS/RTP/SAVPF 0\r\n"

struct pass {
	struct rf_arena arena;
	struct rf_sdp_result result;
	char out[4096];
};

static enum rf_sdp_rule pass(struct pass *p, const char *text, struct rf_sdp_job job)
{
	struct rf_view v = guard_copy(rf_view_str(text));
	struct rf_writer w;

	rf_arena_init(&p->arena, 128 * 1024);
	rf_writer_init(&w, p->out, sizeof p->out - 1);
	enum rf_sdp_rule rule = rf_sdp_pass(&p->arena, v, &job, &w, &p->result, NULL);
	p->out[w.n] = '\0';
	assert_int_equal(rule, p->result.rule);
	rf_arena_fini(&p->arena);
	guard_free(v);
	return rule;
}

static struct rf_sdp_job tls_job(const struct rf_sdp_policy *policy)
{
	return (struct rf_sdp_job){ .policy = policy, .from_secure = true, .to_secure = true };
}

static bool only_known(const struct rf_sdp_attr *a)
{
	return rf_view_eq(a->name, RF_V("known")) && !rf_view_eq(a->value, RF_V("bad"));
}

static void test_offers(void **state)
{
	const struct rf_sdp_policy plain = { .dtls = true, .video = true, .n_suites = 1,
		.suites = { RF_SDP_AES_CM_128_HMAC_SHA1_80 } };
	const struct rf_sdp_policy no_dtls = { .encrypted_required = true, .video = true, .n_suites = 1,
		.suites = { RF_SDP_AES_CM_128_HMAC_SHA1_80 } };
	const struct rf_sdp_policy no_video = { .encrypted_required = true, .n_suites = 1,
		.suites = { RF_SDP_AES_CM_128_HMAC_SHA1_80 } };
	const struct rf_sdp_policy addresses = { .addresses = true, .video = true };
	const struct rf_sdp_policy listed = { .crosses = only_known, .video = true };
	const struct rf_sdp_policy *medium = &rf_sdp_policy_medium, *highest = &rf_sdp_policy_highest;
	const struct {
		const char *what, *text;
		const struct rf_sdp_policy *policy;
		enum rf_sdp_rule rule;
		const char *has, *lacks;
	} rows[] = {
		{ "attributes on a list",
		  HEAD "a=known\r\na=tool:x\r\n" AVP "a=known:1\r\na=known:bad\r\n"
		       "a=x-nat:192.0.2.9\r\na=rtpmap:0 PCMU/8000\r\n"
		       "a=sendonly\r\na=mid:1\r\n",
		  &listed, RF_SDP_RULE_OK,
		  "a=known\r\n" AVP "a=known:1\r\na=rtpmap:0 PCMU/8000\r\na=sendonly\r\na=mid:1\r\n", "tool" },
		{ "and who made it",
		  "v=0\r\no=alice 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n" AVP, &listed,
		  RF_SDP_RULE_OK, "o=- 1 2 IN", "alice" },
		{ "without a list it is told",
		  "v=0\r\no=alice 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n" AVP "a=x:1\r\n",
		  &plain, RF_SDP_RULE_OK, "a=x:1", "o=-" },
		{ "plain audio", HEAD AVP, medium, RF_SDP_RULE_PLAIN_MEDIA, NULL, NULL },
		{ "plain audio where allowed", HEAD AVP, &plain, RF_SDP_RULE_OK, "RTP/AVP 0", NULL },
		{ "best effort is plain", HEAD AVP C80, medium, RF_SDP_RULE_PLAIN_MEDIA, NULL, NULL },
		{ "SRTP", HEAD SAVP C80, medium, RF_SDP_RULE_OK, C80, NULL },
		{ "SRTP at highest", HEAD SAVP C80, highest, RF_SDP_RULE_NO_SUITE, NULL, NULL },
		{ "GCM at highest", HEAD SAVP C80 CGCM, highest, RF_SDP_RULE_OK, CGCM, "SHA1" },
		{ "weaker removed", HEAD SAVP C32 C80, medium, RF_SDP_RULE_OK, C80, "SHA1_32" },
		{ "stronger first", HEAD SAVP C80 CGCM, medium, RF_SDP_RULE_OK, CGCM C80, NULL },
		{ "only weak", HEAD SAVP C32, medium, RF_SDP_RULE_NO_SUITE, NULL, NULL },
		{ "unencrypted parameter", HEAD SAVP CPLAIN, medium, RF_SDP_RULE_NO_SUITE, NULL, NULL },
		{ "unencrypted beside good", HEAD SAVP CPLAIN C80, medium, RF_SDP_RULE_OK, C80, "UNENCRYPTED" },
		{ "hidden in capitals", HEAD SAVP "a=CRYPTO:9 NULL_AUTH inline:" K30 "\r\n" C80,
			medium, RF_SDP_RULE_OK, C80, "NULL" },
		{ "one tag twice", HEAD SAVP C80 "a=crypto:1 AEAD_AES_256_GCM inline:" K44 "\r\n",
			medium, RF_SDP_RULE_OK, C80, "GCM" },
		{ "no crypto", HEAD SAVP, medium, RF_SDP_RULE_NO_SUITE, NULL, NULL },
		{ "session-level crypto", HEAD C80 SAVP, medium, RF_SDP_RULE_NO_SUITE, NULL, NULL },
		{ "k= removed", HEAD SAVP "k=clear:secret\r\n" C80, medium, RF_SDP_RULE_OK, C80, "secret" },
		{ "key-mgmt removed", HEAD SAVP "a=key-mgmt:mikey AAAA\r\n" C80, medium, RF_SDP_RULE_OK, C80, "mikey" },
		{ "capabilities removed", HEAD SAVP "a=tcap:1 RTP/AVP\r\na=pcfg:1 t=1\r\n" C80,
			medium, RF_SDP_RULE_OK, C80, "cap" },
		{ "plain video beside SRTP", HEAD SAVP C80 VAVP, medium, RF_SDP_RULE_OK, "m=video 0 RTP/AVP", NULL },
		{ "both plain", HEAD AVP VAVP, medium, RF_SDP_RULE_PLAIN_MEDIA, NULL, NULL },
		{ "video refused", HEAD SAVP C80 VSAVP C80, &no_video, RF_SDP_RULE_OK, "m=video 0 RTP/SAVP", NULL },
		{ "only video, refused", HEAD VSAVP C80, &no_video, RF_SDP_RULE_VIDEO, NULL, NULL },
		{ "DTLS", HEAD DTLS FP "a=setup:actpass\r\n", medium, RF_SDP_RULE_OK, FP, NULL },
		{ "DTLS by the session", HEAD FP DTLS, medium, RF_SDP_RULE_OK, FP, NULL },
		{ "DTLS with crypto too", HEAD DTLS FP C80, medium, RF_SDP_RULE_OK, FP, "crypto" },
		{ "DTLS with SHA-1", HEAD DTLS FPOLD, medium, RF_SDP_RULE_NO_FINGERPRINT, NULL, NULL },
		{ "DTLS with both", HEAD DTLS FPOLD FP, medium, RF_SDP_RULE_OK, FP, "sha-1 " },
		{ "own weak one over the session's", HEAD FP DTLS FPOLD,
			medium, RF_SDP_RULE_NO_FINGERPRINT, NULL, NULL },
		{ "DTLS without", HEAD DTLS, medium, RF_SDP_RULE_NO_FINGERPRINT, NULL, NULL },
		{ "DTLS not accepted", HEAD DTLS FP, &no_dtls, RF_SDP_RULE_DTLS, NULL, NULL },
		{ "DTLS under SAVP", HEAD SAVP FP, medium, RF_SDP_RULE_OK, FP, NULL },
		{ "both under SAVP", HEAD SAVP FP C80, medium, RF_SDP_RULE_OK, C80, NULL },
		{ "bundle-only plain video", HEAD SAVP C80 "m=video 0 RTP/AVP 96\r\na=bundle-only\r\na=fmtp:96 x\r\n",
		  medium, RF_SDP_RULE_OK, "m=video 0 RTP/AVP 96\r\n", "bundle-only" },
		{ "on another's transport", HEAD BUNDLE DTLS "a=mid:0\r\n" FP VDTLS("4000"), medium, RF_SDP_RULE_OK,
		  "m=video 4000 ", NULL },
		{ "whose own comes after it",
		  HEAD BUNDLE "m=video 4000 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\n" FP DTLS "a=mid:1\r\n", medium,
		  RF_SDP_RULE_OK, "m=audio 4000 ", NULL },
		{ "bundle-only, too", HEAD BUNDLE DTLS "a=mid:0\r\n" FP VDTLS("0") "a=bundle-only\r\n", medium,
		  RF_SDP_RULE_OK, "a=bundle-only", NULL },
		{ "but not with a port of its own", HEAD BUNDLE DTLS "a=mid:0\r\n" FP VDTLS("4002"), medium,
		  RF_SDP_RULE_OK, "m=video 0 ", "BUNDLE 0 1" },
		{ "nor outside the group", HEAD "a=group:BUNDLE 0\r\n" DTLS "a=mid:0\r\n" FP VDTLS("4000"), medium,
		  RF_SDP_RULE_OK, "m=video 0 ", NULL },
		{ "nor with a weak fingerprint of its own", HEAD BUNDLE DTLS "a=mid:0\r\n" FP VDTLS("4000") FPOLD,
		  medium, RF_SDP_RULE_OK, "m=video 0 ", "BUNDLE 0 1" },
		{ "nor on one that is refused", HEAD BUNDLE DTLS "a=mid:0\r\n" FPOLD VDTLS("4000"), medium,
		  RF_SDP_RULE_NO_FINGERPRINT, NULL, NULL },
		{ "nor on itself", HEAD "a=group:BUNDLE 1 0\r\n" DTLS "a=mid:0\r\n" FP VDTLS("4000"), medium,
		  RF_SDP_RULE_OK, "m=video 0 ", NULL },
		{ "plain video does not ride",
		  HEAD BUNDLE DTLS "a=mid:0\r\n" FP "m=video 4000 RTP/AVP 96\r\na=mid:1\r\n", medium, RF_SDP_RULE_OK,
		  "m=video 0 ", NULL },
		{ "with keys", HEAD BUNDLE SAVP "a=mid:0\r\n" C80 "m=video 4000 RTP/SAVP 96\r\na=mid:1\r\n", medium,
		  RF_SDP_RULE_OK, "m=video 4000 ", NULL },
		{ "DTLS does not ride on keys", HEAD BUNDLE SAVP "a=mid:0\r\n" C80 VDTLS("4000"), medium,
		  RF_SDP_RULE_OK, "m=video 0 ", NULL },
		{ "all off", HEAD "m=audio 0 RTP/AVP 0\r\n", medium, RF_SDP_RULE_OK, "m=audio 0", NULL },
		{ "off with keys", HEAD "m=audio 0 RTP/SAVP 0\r\n" C80, medium, RF_SDP_RULE_OK, "m=audio 0", "crypto" },
		{ "no media", HEAD, medium, RF_SDP_RULE_NO_MEDIA, NULL, NULL },
		{ "T.38", HEAD "m=image 4000 udptl t38\r\n", medium, RF_SDP_RULE_OTHER_PLAIN, NULL, NULL },
		{ "T.38 where allowed", HEAD "m=image 4000 udptl t38\r\n", &plain, RF_SDP_RULE_OK, "udptl", NULL },
		{ "T.38 over DTLS", HEAD "m=image 4000 UDP/TLS/UDPTL t38\r\n" FP,
			medium, RF_SDP_RULE_OK, "UDPTL", NULL },
		{ "MSRP", HEAD "m=message 4000 TCP/MSRP *\r\n", medium, RF_SDP_RULE_OTHER_PLAIN, NULL, NULL },
		{ "MSRP over TLS", HEAD "m=message 4000 TCP/TLS/MSRP *\r\n" FP, medium, RF_SDP_RULE_OK, "MSRP", NULL },
		{ "BFCP", HEAD "m=application 4000 UDP/BFCP *\r\n", medium, RF_SDP_RULE_OTHER_PLAIN, NULL, NULL },
		{ "unknown protocol", HEAD "m=audio 4000 FOO/BAR 1\r\n", medium, RF_SDP_RULE_OTHER_PLAIN, NULL, NULL },
		{ "malformed", "v=0\r\n", medium, RF_SDP_RULE_MALFORMED, NULL, NULL },
		{ "multicast", "v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\nc=IN IP4 224.0.0.1/1\r\n", medium,
		  RF_SDP_RULE_MULTICAST, NULL, NULL },
		{ "a name where names may be", HEAD AVP "c=IN IP4 a.example\r\n", &plain, RF_SDP_RULE_OK, "a.example",
		  NULL },
		{ "a name where none may be", HEAD AVP "c=IN IP4 a.example\r\n", &addresses, RF_SDP_RULE_ADDRESS, NULL,
		  NULL },
		{ "one of IPv6", HEAD AVP "c=IN IP6 a.example\r\n", &addresses, RF_SDP_RULE_ADDRESS, NULL, NULL },
		{ "a name of a line that is off", HEAD AVP "m=audio 0 RTP/AVP 0\r\nc=IN IP4 a.example\r\n", &addresses,
		  RF_SDP_RULE_OK, "m=audio 4000 RTP/AVP 0", NULL },
		{ "one of two", HEAD AVP "m=video 4002 RTP/AVP 34\r\nc=IN IP4 a.example\r\n", &addresses,
		  RF_SDP_RULE_OK, "m=video 0", NULL },
		{ "held in the old way", HEAD AVP "c=IN IP4 0.0.0.0\r\n", &addresses, RF_SDP_RULE_OK, "0.0.0.0", NULL },
		{ "addresses", HEAD AVP "c=IN IP6 2001:db8::1\r\n", &addresses, RF_SDP_RULE_OK, "2001:db8::1", NULL },
		{ "unknown attributes pass", HEAD SAVP C80 "a=x-new:1 2 3\r\n", medium, RF_SDP_RULE_OK,
		  "a=x-new:1 2 3\r\n", NULL },
	};
	struct pass p;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		enum rf_sdp_rule rule = pass(&p, rows[i].text, tls_job(rows[i].policy));

		if (rule != rows[i].rule)
			fail_msg("%s: %s, wanted %s", rows[i].what, rf_sdp_rule_name(rule),
				 rf_sdp_rule_name(rows[i].rule));
		if ((rows[i].has && !strstr(p.out, rows[i].has)) || (rows[i].lacks && strstr(p.out, rows[i].lacks)))
			fail_msg("%s: built\n%s", rows[i].what, p.out);
	}
}

static void test_transport(void **state)
{
	struct rf_sdp_policy open = rf_sdp_policy_minimum;
	struct rf_sdp_job job = tls_job(&open);
	struct pass p;

	(void)state;
	job.from_secure = false;
	assert_int_equal(pass(&p, HEAD SAVP C80, job), RF_SDP_RULE_KEYS_IN_CLEAR);
	assert_int_equal(pass(&p, HEAD DTLS FP, job), RF_SDP_RULE_KEYS_IN_CLEAR);
	open.encrypted_required = false;
	assert_int_equal(pass(&p, HEAD SAVP C80, job), RF_SDP_RULE_KEYS_IN_CLEAR);
	assert_int_equal(pass(&p, HEAD AVP C80, job), RF_SDP_RULE_KEYS_IN_CLEAR);
	assert_int_equal(pass(&p, HEAD AVP, job), RF_SDP_RULE_OK);
	job.from_secure = true;
	job.to_secure = false;
	assert_int_equal(pass(&p, HEAD SAVP C80, job), RF_SDP_RULE_KEYS_IN_CLEAR);
	assert_int_equal(pass(&p, HEAD AVP C80, job), RF_SDP_RULE_OK);
	assert_null(strstr(p.out, "crypto"));
}

static void test_answers(void **state)
{
	static const struct {
		const char *offer, *answer;
		enum rf_sdp_rule rule;
	} rows[] = {
		{ HEAD SAVP C80 CGCM, HEAD SAVP C80, RF_SDP_RULE_OK },
		{ HEAD SAVP C80 CGCM, HEAD SAVP CGCM, RF_SDP_RULE_OK },
		{ HEAD SAVP C80 CGCM, HEAD SAVP C80 CGCM, RF_SDP_RULE_ANSWER_CRYPTO },
		{ HEAD SAVP C80, HEAD SAVP CGCM, RF_SDP_RULE_ANSWER_CRYPTO },
		{ HEAD SAVP C80, HEAD SAVP "a=crypto:7 AES_CM_128_HMAC_SHA1_80 inline:" K30 "\r\n",
		  RF_SDP_RULE_ANSWER_CRYPTO },
		{ HEAD SAVP C80 C32, HEAD SAVP C32, RF_SDP_RULE_NO_SUITE },
		{ HEAD SAVP C80, HEAD SAVP, RF_SDP_RULE_NO_SUITE },
		{ HEAD SAVP C80, HEAD AVP, RF_SDP_RULE_ANSWER_LINES },
		{ HEAD SAVP C80, HEAD SAVP C80 VSAVP C80, RF_SDP_RULE_ANSWER_LINES },
		{ HEAD SAVP C80 VSAVP C80, HEAD SAVP C80, RF_SDP_RULE_ANSWER_LINES },
		{ HEAD SAVP C80, HEAD VSAVP C80, RF_SDP_RULE_ANSWER_LINES },
		{ HEAD SAVP C80, HEAD "m=audio 0 RTP/SAVP 0\r\n", RF_SDP_RULE_OK },
		{ HEAD SAVP C80, HEAD "m=audio 4000 RTP/SAVPF 0\r\n" C80, RF_SDP_RULE_OK },
		{ HEAD SAVP C80, HEAD SAVP FP, RF_SDP_RULE_ANSWER_LINES },
		{ HEAD SAVP C80 FP, HEAD SAVP FP, RF_SDP_RULE_OK },
		{ HEAD DTLS FP, HEAD DTLS FP "a=setup:active\r\n", RF_SDP_RULE_OK },
		{ HEAD DTLS FP, HEAD DTLS FPOLD, RF_SDP_RULE_NO_FINGERPRINT },
		{ HEAD DTLS FP, HEAD SAVP C80, RF_SDP_RULE_ANSWER_LINES },
		{ HEAD SAVP C80 VAVP, HEAD SAVP C80 "m=video 0 RTP/AVP 96\r\n", RF_SDP_RULE_OK },
	};
	struct pass offer, answer;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct rf_sdp_job job = tls_job(&rf_sdp_policy_medium);

		assert_int_equal(pass(&offer, rows[i].offer, job), RF_SDP_RULE_OK);
		job.offer = &offer.result.summary;
		enum rf_sdp_rule rule = pass(&answer, rows[i].answer, job);
		if (rule != rows[i].rule)
			fail_msg("row %zu: %s, wanted %s", i, rf_sdp_rule_name(rule), rf_sdp_rule_name(rows[i].rule));
	}
	/* An answer that switches on what the policy switched off in the offer loses that line, not the call. */
	struct rf_sdp_job job = tls_job(&rf_sdp_policy_medium);
	assert_int_equal(pass(&offer, HEAD SAVP C80 VAVP, job), RF_SDP_RULE_OK);
	assert_int_equal(offer.result.summary.lines[1].flags, RF_SDP_LINE_REFUSED);
	job.offer = &offer.result.summary;
	assert_int_equal(pass(&answer, HEAD SAVP C80 VAVP, job), RF_SDP_RULE_OK);
	assert_int_equal(answer.result.summary.lines[1].flags, RF_SDP_LINE_REFUSED);
	assert_int_equal(answer.result.line, 1);
	assert_non_null(strstr(answer.out, "m=video 0 "));
}

static void test_reoffers(void **state)
{
	struct rf_sdp_job job = tls_job(&rf_sdp_policy_medium);
	struct pass first, next;

	(void)state;
	assert_int_equal(pass(&first, HEAD SAVP C80 VSAVP C80, job), RF_SDP_RULE_OK);
	job.last = &first.result.summary;
	assert_int_equal(pass(&next, HEAD SAVP C80, job), RF_SDP_RULE_REOFFER_LINES);
	assert_int_equal(pass(&next, HEAD VSAVP C80 SAVP C80, job), RF_SDP_RULE_REOFFER_LINES);
	assert_int_equal(pass(&next, HEAD SAVP C80 VSAVP C80 SAVP C80, job), RF_SDP_RULE_OK);
}

static void test_summary(void **state)
{
	struct rf_sdp_job job = tls_job(&rf_sdp_policy_medium);
	const struct rf_sdp_summary *s;
	struct rf_writer w;
	struct pass p;
	char text[256];

	(void)state;
	assert_int_equal(pass(&p, HEAD SAVP C80 CGCM C32 VAVP, job), RF_SDP_RULE_OK);
	s = &p.result.summary;
	assert_string_equal(rf_sdp_summary_suite(s, RF_SDP_AUDIO), "AEAD_AES_256_GCM");
	assert_string_equal(rf_sdp_summary_suite(s, RF_SDP_VIDEO), "");
	assert_true(rf_sdp_summary_secure(s) && !rf_sdp_summary_held(s));
	assert_int_equal(s->lines[0].n_crypto, 2);
	assert_int_equal(s->lines[0].tags[0], 3);
	assert_int_equal(s->removed, 1);
	rf_writer_init(&w, text, sizeof text);
	rf_sdp_summary_text(&w, s);
	assert_memory_equal(text, "audio RTP/SAVP AEAD_AES_256_GCM sendrecv, video refused", w.n);
	assert_int_equal(pass(&p, HEAD SAVP C80 "a=sendonly\r\n", job), RF_SDP_RULE_OK);
	assert_true(rf_sdp_summary_held(s));
	assert_int_equal(pass(&p, HEAD SAVP C80 "a=inactive\r\n", job), RF_SDP_RULE_OK);
	assert_true(rf_sdp_summary_held(s));
	assert_int_equal(pass(&p, HEAD SAVP "c=IN IP4 0.0.0.0\r\n" C80, job), RF_SDP_RULE_OK);
	assert_true(rf_sdp_summary_held(s));
	assert_int_equal(pass(&p, HEAD SAVP C80 "a=recvonly\r\n", job), RF_SDP_RULE_OK);
	assert_false(rf_sdp_summary_held(s));
	assert_int_equal(pass(&p, HEAD DTLS FP, job), RF_SDP_RULE_OK);
	assert_string_equal(rf_sdp_summary_suite(s, RF_SDP_AUDIO), "DTLS-SRTP");
	assert_int_equal(rf_sdp_dir_invert(RF_SDP_SENDONLY), RF_SDP_RECVONLY);
	assert_int_equal(rf_sdp_dir_invert(RF_SDP_SENDRECV), RF_SDP_SENDRECV);
	assert_int_equal(rf_sdp_dir_answer(RF_SDP_SENDONLY, RF_SDP_SENDRECV), RF_SDP_RECVONLY);
	assert_int_equal(rf_sdp_dir_answer(RF_SDP_INACTIVE, RF_SDP_SENDRECV), RF_SDP_INACTIVE);
	assert_int_equal(rf_sdp_dir_answer(RF_SDP_SENDRECV, RF_SDP_SENDONLY), RF_SDP_SENDONLY);
}

static void test_rules(void **state)
{
	char text[512];
	struct rf_writer w;

	(void)state;
	for (int r = 0; r < RF_SDP_RULE_COUNT; r++) {
		assert_non_null(rf_sdp_rule_name((enum rf_sdp_rule)r));
		assert_true(rf_sdp_rule_status((enum rf_sdp_rule)r) >= 200);
		assert_null(strpbrk(rf_sdp_rule_text((enum rf_sdp_rule)r), "\"\\\r\n"));
	}
	rf_writer_init(&w, text, sizeof text);
	rf_sdp_warning_build(&w, RF_SDP_RULE_PLAIN_MEDIA, RF_V("ctl.example.org"));
	assert_memory_equal(text, "302 ctl.example.org \"unencrypted", 32);
	assert_int_equal(rf_sdp_rule_status(RF_SDP_RULE_PLAIN_MEDIA), 488);
}

static void test_no_memory(void **state)
{
	(void)state;
	for (unsigned n = 1;; n++) {
		struct pass p;
		struct rf_writer w;
		struct rf_sdp_job job = tls_job(&rf_sdp_policy_medium);

		rf_arena_init(&p.arena, 128 * 1024);
		rf_writer_init(&w, p.out, sizeof p.out);
		fail_alloc_at(n);
		enum rf_sdp_rule rule = rf_sdp_pass(&p.arena, RF_V(HEAD SAVP C80), &job, &w, &p.result, NULL);
		bool failed = fail_alloc_off();
		rf_arena_fini(&p.arena);
		if (!failed)
			break;
		assert_int_equal(rule, RF_SDP_RULE_MEMORY);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_offers), cmocka_unit_test(test_transport), cmocka_unit_test(test_answers),
		cmocka_unit_test(test_reoffers), cmocka_unit_test(test_summary), cmocka_unit_test(test_rules),
		cmocka_unit_test(test_no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
