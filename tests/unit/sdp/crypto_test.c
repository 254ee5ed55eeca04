#include "sdp/crypto.h"

#include "guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define K30 "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNk" /* 30 bytes */
#define K28 "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYg=="
#define K44 "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWI="
#define K46 "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWJjZA=="
#define K38 "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYwMTIzNDU="
#define S80 "1 AES_CM_128_HMAC_SHA1_80 inline:"

static void test_lines(void **state)
{
	static const struct {
		const char *text;
		int rc;
		enum rf_sdp_suite suite;
	} rows[] = {
		{ S80 K30, 0, RF_SDP_AES_CM_128_HMAC_SHA1_80 },
		{ "1 AES_CM_128_HMAC_SHA1_32 inline:" K30, 0, RF_SDP_AES_CM_128_HMAC_SHA1_32 },
		{ "1 aes_cm_128_hmac_sha1_80 inline:" K30, 0, RF_SDP_AES_CM_128_HMAC_SHA1_80 },
		{ "999999999 AEAD_AES_128_GCM inline:" K28, 0, RF_SDP_AEAD_AES_128_GCM },
		{ "2 AEAD_AES_256_GCM inline:" K44, 0, RF_SDP_AEAD_AES_256_GCM },
		{ "3 AES_256_CM_HMAC_SHA1_80 inline:" K46, 0, RF_SDP_AES_256_CM_HMAC_SHA1_80 },
		{ "3 AES_CM_256_HMAC_SHA1_80 inline:" K46, 0, RF_SDP_AES_256_CM_HMAC_SHA1_80 },
		{ "3 AES_192_CM_HMAC_SHA1_80 inline:" K38, 0, RF_SDP_AES_192_CM_HMAC_SHA1_80 },
		{ S80 K30 "|2^31|1:4", 0, RF_SDP_AES_CM_128_HMAC_SHA1_80 },
		{ S80 K30 "|2^48", 0, RF_SDP_AES_CM_128_HMAC_SHA1_80 },
		{ S80 K30 "|1048576", 0, RF_SDP_AES_CM_128_HMAC_SHA1_80 },
		{ S80 K30 "|1:1", 0, RF_SDP_AES_CM_128_HMAC_SHA1_80 },
		{ S80 K30 "|2^31|1:4;inline:" K30 "|2^31|2:4", 0, RF_SDP_AES_CM_128_HMAC_SHA1_80 },
		{ S80 K30 " KDR=0 WSH=64 FEC_ORDER=FEC_SRTP", 0, RF_SDP_AES_CM_128_HMAC_SHA1_80 },
		{ S80 K30 "|2^49", RF_E_MALFORMED, 0 },
		{ S80 K30 "|0", RF_E_MALFORMED, 0 },
		{ S80 K30 "|", RF_E_MALFORMED, 0 },
		{ S80 K30 "||1:4", RF_E_MALFORMED, 0 },
		{ S80 K30 "|1:4|2^31", RF_E_MALFORMED, 0 },
		{ S80 K30 "|256:1", RF_E_MALFORMED, 0 },
		{ S80 K30 "|1:0", RF_E_MALFORMED, 0 },
		{ S80 K30 "|1:129", RF_E_MALFORMED, 0 },
		{ S80 K30 ";inline:" K30, RF_E_MALFORMED, 0 },
		{ S80 K30 "|1:4;inline:" K30 "|2:2", RF_E_MALFORMED, 0 },
		{ S80 K30 "|1:1;inline:" K30 "|2:1;inline:" K30 "|3:1;inline:" K30 "|4:1;inline:" K30 "|5:1",
		  RF_E_MALFORMED, 0 },
		{ S80 K30 "|1:4;", RF_E_MALFORMED, 0 },
		{ S80 K28, RF_E_MALFORMED, 0 },
		{ S80 K44, RF_E_MALFORMED, 0 },
		{ S80 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", RF_E_MALFORMED, 0 },
		{ S80 "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYm*k", RF_E_MALFORMED, 0 },
		{ S80, RF_E_MALFORMED, 0 },
		{ "1 AES_CM_128_HMAC_SHA1_80 uri:" K30, RF_E_MALFORMED, 0 },
		{ "1 AES_CM_128_HMAC_SHA1_80", RF_E_MALFORMED, 0 },
		{ "1  inline:" K30, RF_E_MALFORMED, 0 },
		{ "x AES_CM_128_HMAC_SHA1_80 inline:" K30, RF_E_MALFORMED, 0 },
		{ "1234567890 AES_CM_128_HMAC_SHA1_80 inline:" K30, RF_E_MALFORMED, 0 },
		{ "", RF_E_MALFORMED, 0 },
		{ "1 F8_128_HMAC_SHA1_80 inline:" K30, RF_E_UNSUPPORTED, 0 },
		{ "1 NULL_HMAC_SHA1_80 inline:" K30, RF_E_UNSUPPORTED, 0 },
		{ S80 K30 " UNENCRYPTED_SRTP", RF_E_UNSUPPORTED, 0 },
		{ S80 K30 " unencrypted_srtcp", RF_E_UNSUPPORTED, 0 },
		{ S80 K30 " KDR=0 UNAUTHENTICATED_SRTP", RF_E_UNSUPPORTED, 0 },
		{ S80 K30 " FEC_KEY=inline:" K30, RF_E_UNSUPPORTED, 0 },
		{ S80 K30 " -NEW=1", RF_E_UNSUPPORTED, 0 },
		{ S80 K30 " KDR=25", RF_E_UNSUPPORTED, 0 },
		{ S80 K30 " WSH=63", RF_E_UNSUPPORTED, 0 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct rf_view v = guard_copy(rf_view_str(rows[i].text));
		struct rf_sdp_crypto c = { 0 };
		int rc = rf_sdp_crypto_parse(v, &c);

		if (rc != rows[i].rc || (rc == 0 && c.suite != rows[i].suite))
			fail_msg("%s: %d, wanted %d", rows[i].text, rc, rows[i].rc);
		if (rc == 0) {
			uint8_t buf[512];
			struct rf_writer w;

			rf_writer_init(&w, buf, sizeof buf);
			rf_sdp_crypto_build(&w, &c);
			assert_int_equal(w.n, v.n);
			assert_memory_equal(buf, v.p, v.n);
		}
		for (size_t n = 0; n < v.n; n++) {
			struct rf_view part = guard_copy(rf_view_sub(v, 0, n));

			rf_sdp_crypto_parse(part, &c);
			guard_free(part);
		}
		guard_free(v);
	}
}

static void test_suites(void **state)
{
	(void)state;
	for (int s = RF_SDP_SUITE_NONE + 1; s < RF_SDP_SUITE_COUNT; s++) {
		assert_int_equal(rf_sdp_suite_of(rf_view_str(rf_sdp_suite_text((enum rf_sdp_suite)s))), s);
		assert_true(rf_sdp_suite_key_bytes((enum rf_sdp_suite)s) >= 28);
	}
	assert_int_equal(rf_sdp_suite_of(RF_V("none")), RF_SDP_SUITE_NONE);
	assert_string_equal(rf_sdp_suite_text(RF_SDP_SUITE_NONE), "none");
}

#define AA8 "AA:AA:AA:AA:AA:AA:AA:AA"
#define AA32 AA8 ":" AA8 ":" AA8 ":" AA8

static void test_fingerprints(void **state)
{
	static const struct {
		const char *text;
		bool strong;
	} rows[] = {
		{ "sha-256 " AA32, true }, { "SHA-256 " AA32, true }, { "sha-384 " AA32 ":" AA8 ":" AA8, true },
		{ "sha-512 " AA32 ":" AA32, true }, { "sha-1 " AA8 ":" AA8 ":AA:AA:AA:AA", false },
		{ "md5 " AA8 ":" AA8, false }, { "sha-256 " AA8, false }, { "sha-256 " AA32 ":AA", false },
		{ "sha-256 " AA8 ":" AA8 ":" AA8 ":AA-AA:AA:AA:AA:AA:AA:AA", false }, { "sha-256", false },
		{ "sha-256  " AA32, false }, { "", false },
		{ "sha-256 " AA8 ":" AA8 ":" AA8 ":AG:AA:AA:AA:AA:AA:AA:AA", false },
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct rf_view v = guard_copy(rf_view_str(rows[i].text));

		if (rf_sdp_fingerprint_strong(v) != rows[i].strong)
			fail_msg("%s", rows[i].text);
		guard_free(v);
	}
	assert_int_equal(rf_sdp_setup_of(RF_V("actpass")), RF_SDP_SETUP_ACTPASS);
	assert_int_equal(rf_sdp_setup_of(RF_V("Active")), RF_SDP_SETUP_ACTIVE);
	assert_int_equal(rf_sdp_setup_of(RF_V("passive")), RF_SDP_SETUP_PASSIVE);
	assert_int_equal(rf_sdp_setup_of(RF_V("holdconn")), RF_SDP_SETUP_HOLDCONN);
	assert_int_equal(rf_sdp_setup_of(RF_V("act")), RF_SDP_SETUP_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines), cmocka_unit_test(test_suites), cmocka_unit_test(test_fingerprints),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
