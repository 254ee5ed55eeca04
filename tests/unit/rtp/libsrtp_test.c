/* Ours and libsrtp, side by side: what one seals the other opens, and what both seal is the same to the last bit.
 * Payloads, sizes, order and SSRCs at random (a fixed seed), round the corner of the sequence numbers several
 * times. Not with 192 bits, where libsrtp 2.5 makes its session keys by another function than RFC 6188 3.2 has it;
 * nor SRTCP with MKI where its tag is longer than that of SRTP, which libsrtp looks for at the wrong place. */
#include "rtp/rtp.h"
#include "rtp/srtp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <srtp2/srtp.h>

enum { CAP = RF_RTP_BYTES_MAX + RF_SRTP_GROW_RTCP, PACKETS = 1500, SSRCS = 3, MKI = 4, RTCP_EVERY = 7 };

typedef void set_fn(srtp_crypto_policy_t *p);

static const struct suite {
	enum rf_srtp_suite ours;
	set_fn *rtp, *rtcp;
} suites[] = {
	{ RF_SRTP_AEAD_AES_256_GCM, srtp_crypto_policy_set_aes_gcm_256_16_auth,
	  srtp_crypto_policy_set_aes_gcm_256_16_auth },
	{ RF_SRTP_AEAD_AES_128_GCM, srtp_crypto_policy_set_aes_gcm_128_16_auth,
	  srtp_crypto_policy_set_aes_gcm_128_16_auth },
	{ RF_SRTP_AES_256_CM_HMAC_SHA1_80, srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80,
	  srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80 },
	{ RF_SRTP_AES_CM_128_HMAC_SHA1_80, srtp_crypto_policy_set_rtp_default, srtp_crypto_policy_set_rtp_default },
	{ RF_SRTP_AES_256_CM_HMAC_SHA1_32, srtp_crypto_policy_set_aes_cm_256_hmac_sha1_32,
	  srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80 },
	{ RF_SRTP_AES_CM_128_HMAC_SHA1_32, srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32,
	  srtp_crypto_policy_set_rtp_default },
};

struct pair {
	bool mki;
	struct rf_srtp_in *in;
	struct rf_srtp_out *out;
	srtp_t their_in, their_out;
	uint32_t random;
};

static uint32_t draw(struct pair *p, uint32_t below)
{
	p->random = p->random * 1664525 + 1013904223;
	return (p->random >> 8) % below;
}

static void make_theirs(const struct suite *s, srtp_ssrc_type_t type, uint8_t *key, uint8_t *mki, bool with_mki,
			srtp_t *ret)
{
	srtp_master_key_t one = { .key = key, .mki_id = mki, .mki_size = with_mki ? MKI : 0 }, *keys[] = { &one };
	srtp_policy_t policy;

	memset(&policy, 0, sizeof policy);
	s->rtp(&policy.rtp);
	s->rtcp(&policy.rtcp);
	policy.ssrc.type = type;
	policy.key = with_mki ? NULL : key;
	policy.keys = with_mki ? keys : NULL;
	policy.num_master_keys = with_mki;
	policy.window_size = RF_SRTP_WINDOW;
	assert_int_equal(srtp_create(ret, &policy), srtp_err_status_ok);
}

static void make(const struct suite *s, bool mki, struct pair *p)
{
	uint8_t key[RF_SRTP_KEY_MAX], name[MKI] = { 1, 2, 3, 4 };

	for (size_t i = 0; i < sizeof key; i++)
		key[i] = (uint8_t)(17 * i + s->ours);
	struct rf_srtp_master master = {
		.suite = s->ours,
		.key = rf_view_of(key, rf_srtp_key_bytes(s->ours)),
		.mki = rf_view_of(name, mki ? MKI : 0),
	};

	*p = (struct pair){ .mki = mki, .random = 1 };
	make_theirs(s, ssrc_any_inbound, key, name, mki, &p->their_in);
	make_theirs(s, ssrc_any_outbound, key, name, mki, &p->their_out);
	assert_int_equal(rf_srtp_in_new(&master, 1, &p->in), 0);
	assert_int_equal(rf_srtp_out_new(&master, &p->out), 0);
}

static void end(struct pair *p)
{
	rf_srtp_in_free(p->in);
	rf_srtp_out_free(p->out);
	srtp_dealloc(p->their_in);
	srtp_dealloc(p->their_out);
}

static void one_rtp(struct pair *p, uint32_t ssrc, uint16_t seq)
{
	uint8_t clear[CAP] __attribute__((aligned(4))), ours[CAP] __attribute__((aligned(4))),
		theirs[CAP] __attribute__((aligned(4)));
	struct rf_rtp_head head = { .seq = seq, .ssrc = ssrc, .type = 96, .marker = seq & 1 };
	size_t n = RF_RTP_HEAD_BYTES + draw(p, 1200), ours_n, got;
	int theirs_n = (int)n;

	rf_rtp_head_put(&head, clear);
	for (size_t i = RF_RTP_HEAD_BYTES; i < n; i++)
		clear[i] = (uint8_t)draw(p, 256);
	memcpy(ours, clear, n);
	memcpy(theirs, clear, n);
	assert_int_equal(rf_srtp_out_rtp(p->out, ours, n, CAP, &ours_n), 0);
	assert_int_equal(srtp_protect_mki(p->their_out, theirs, &theirs_n, p->mki, 0), srtp_err_status_ok);
	assert_int_equal(ours_n, theirs_n);
	assert_memory_equal(ours, theirs, ours_n);
	assert_int_equal(rf_srtp_in_rtp(p->in, theirs, ours_n, &got), 0);
	assert_int_equal(got, n);
	assert_memory_equal(theirs, clear, n);
	assert_int_equal(srtp_unprotect_mki(p->their_in, ours, &theirs_n, p->mki), srtp_err_status_ok);
	assert_int_equal(theirs_n, n);
	assert_memory_equal(ours, clear, n);
}

static void one_rtcp(struct pair *p, uint32_t ssrc)
{
	uint8_t clear[CAP] __attribute__((aligned(4))), ours[CAP] __attribute__((aligned(4))),
		theirs[CAP] __attribute__((aligned(4)));
	size_t words = 2 + draw(p, 50), n = 4 * words, ours_n, got;
	int theirs_n = (int)n, ours_int;

	for (size_t i = 0; i < n; i++)
		clear[i] = (uint8_t)draw(p, 256);
	memcpy(clear, (uint8_t[]){ 0x80, 200, 0, (uint8_t)(words - 1), (uint8_t)(ssrc >> 24), (uint8_t)(ssrc >> 16),
				   (uint8_t)(ssrc >> 8), (uint8_t)ssrc }, 8);
	memcpy(ours, clear, n);
	memcpy(theirs, clear, n);
	assert_int_equal(rf_srtp_out_rtcp(p->out, ours, n, CAP, &ours_n), 0);
	assert_int_equal(srtp_protect_rtcp_mki(p->their_out, theirs, &theirs_n, p->mki, 0), srtp_err_status_ok);
	assert_int_equal(ours_n, theirs_n); /* their first index is 1 and ours 0 */
	assert_int_equal(rf_srtp_in_rtcp(p->in, theirs, ours_n, &got), 0);
	assert_int_equal(got, n);
	assert_memory_equal(theirs, clear, n);
	ours_int = (int)ours_n;
	assert_int_equal(srtp_unprotect_rtcp_mki(p->their_in, ours, &ours_int, p->mki), srtp_err_status_ok);
	assert_int_equal(ours_int, n);
	assert_memory_equal(ours, clear, n);
}

static void walk(struct pair *p, bool rtcp)
{
	uint16_t top[SSRCS] = { 65000, 0, 30000 };

	for (unsigned i = 0; i < PACKETS; i++) {
		unsigned who = draw(p, SSRCS);
		uint32_t ssrc = 0xabcdef00 + who;

		if (rtcp && i % RTCP_EVERY == 0)
			one_rtcp(p, ssrc);
		top[who] = (uint16_t)(top[who] + 3 + (who == 0 ? draw(p, 1000) : draw(p, 5)));
		one_rtp(p, ssrc, top[who]);
		if (i > SSRCS && draw(p, 3) == 0)
			one_rtp(p, ssrc, (uint16_t)(top[who] - 1 - draw(p, 2))); /* late */
	}
}

static void test_both(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof suites / sizeof *suites; i++)
		for (int mki = 0; mki <= 1; mki++) {
			struct pair p;

			make(&suites[i], mki, &p);
			walk(&p, !mki || suites[i].rtp == suites[i].rtcp);
			end(&p);
		}
}

/* New keys beside old state: their update keeps the roll-over counter, as ours does. */
static void test_rekey(void **state)
{
	uint8_t key[RF_SRTP_KEY_MAX] = { 9, 9 };
	struct rf_srtp_master master = { .suite = suites[1].ours,
					 .key = rf_view_of(key, rf_srtp_key_bytes(suites[1].ours)) };
	struct pair p;

	(void)state;
	make(&suites[1], false, &p);
	for (unsigned i = 0; i < 300; i++)
		one_rtp(&p, 7, (uint16_t)(65400 + i));
	one_rtcp(&p, 7);
	srtp_policy_t policy;

	memset(&policy, 0, sizeof policy);
	suites[1].rtp(&policy.rtp);
	suites[1].rtcp(&policy.rtcp);
	policy.key = key;
	policy.window_size = RF_SRTP_WINDOW;
	policy.ssrc.type = ssrc_any_inbound;
	assert_int_equal(srtp_update(p.their_in, &policy), srtp_err_status_ok);
	policy.ssrc.type = ssrc_any_outbound;
	assert_int_equal(srtp_update(p.their_out, &policy), srtp_err_status_ok);
	assert_int_equal(rf_srtp_in_rekey(p.in, &master, 1), 0);
	assert_int_equal(rf_srtp_out_rekey(p.out, &master), 0);
	for (unsigned i = 300; i < 600; i++)
		one_rtp(&p, 7, (uint16_t)(65400 + i));
	end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_both), cmocka_unit_test(test_rekey) };

	if (srtp_init() != srtp_err_status_ok)
		return 1;
	int rc = cmocka_run_group_tests(tests, NULL, NULL);

	srtp_shutdown();
	return rc;
}
