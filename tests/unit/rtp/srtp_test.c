#include "rtp/srtp_int.h"

#include "fail_alloc.h"
#include "rtp/rtp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static size_t unhex(const char *text, uint8_t *dst)
{
	size_t n = strlen(text) / 2;

	for (size_t i = 0; i < n; i++) {
		char byte[3] = { text[2 * i], text[2 * i + 1], 0 };

		dst[i] = (uint8_t)strtoul(byte, NULL, 16);
	}
	return n;
}

/* RFC 3711 B.3, RFC 6188 7.3 and 7.4 (session keys of 192 and 256 bits). */
static void test_derivation(void **state)
{
	static const struct {
		enum rf_srtp_suite suite;
		const char *master, *cipher, *salt, *auth;
	} rows[] = {
		{ RF_SRTP_AES_CM_128_HMAC_SHA1_80, "e1f97a0d3e018be0d64fa32c06de4139" "0ec675ad498afeebb6960b3aabe6",
		  "c61e7a93744f39ee10734afe3ff7a087", "30cbbc08863d8c85d49db34a9ae1", "cebe321f6ff7716b6fd4ab49af256a156d38baa4" },
		{ RF_SRTP_AES_192_CM_HMAC_SHA1_80, "73edc66c4fa15776fb57f9505c17136550ffda71f3e8e5f1" "c8522f3acd4ce86d5add78edbb11",
		  "31874736a8f1143870c26e4857d8a5b2c4a354407faadabb", "2372b82d639b6d8503a47adc0a6c",
		  "355b10973cd95b9eacf4061c7e1a7151e7cfbfcb" },
		{ RF_SRTP_AES_256_CM_HMAC_SHA1_80,
		  "f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6" "3b04803de51ee7c96423ab5b78d2",
		  "5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4", "fa31791685ca444a9e07c6c64e93",
		  "fd9c32d39ed5fbb5a9dc96b30818454d1313dc05" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct rf_srtp_params *p = rf_srtp_params(rows[i].suite);
		uint8_t master[RF_SRTP_KEY_MAX], want[32];
		struct rf_srtp_keys keys;

		assert_int_equal(unhex(rows[i].master, master), rf_srtp_key_bytes(rows[i].suite));
		assert_int_equal(rf_srtp_derive(p, master, &keys), 0);
		assert_memory_equal(keys.cipher, want, unhex(rows[i].cipher, want));
		assert_memory_equal(keys.salt, want, unhex(rows[i].salt, want));
		assert_memory_equal(keys.auth, want, unhex(rows[i].auth, want));
	}
}

/* RFC 7714 16.1.1 and 16.2.1: the roll-over counter is 0. */
static void test_gcm(void **state)
{
	static const struct {
		enum rf_srtp_suite suite;
		const char *tagged;
	} rows[] = {
		{ RF_SRTP_AEAD_AES_128_GCM, "f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833"
					    "899d7f27beb16a9152cf765ee4390cce" },
		{ RF_SRTP_AEAD_AES_256_GCM, "32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b"
					    "7aa3db36dfffd6b0f9bb7878d7a76c13" },
	};
	const char *packet = "8040f17b8041f8d35501a0b2"
			     "47616c6c696120657374206f6d6e69732064697669736120696e207061727465732074726573";

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct rf_srtp_keys keys = { .cipher = { 0 } };
		struct rf_srtp *s;
		uint8_t buf[128], want[128];
		size_t n = unhex(packet, buf), want_n = unhex(rows[i].tagged, want);

		for (uint8_t k = 0; k < 32; k++)
			keys.cipher[k] = k;
		unhex("517569642070726f2071756f", keys.salt);
		assert_int_equal(rf_srtp_new_session(rf_srtp_params(rows[i].suite), &keys, &s), 0);
		assert_int_equal(rf_srtp_protect(s, buf, n, sizeof buf, &n), 0);
		assert_int_equal(n, 12 + want_n);
		assert_memory_equal(buf + 12, want, want_n);
		rf_srtp_free(s);
	}
}

static size_t put_packet(uint8_t *buf, uint16_t seq, uint32_t ssrc, size_t payload)
{
	struct rf_rtp_head head = { .seq = seq, .ssrc = ssrc, .type = 0 };

	rf_rtp_head_put(&head, buf);
	memset(buf + RF_RTP_HEAD_BYTES, 0, payload);
	return RF_RTP_HEAD_BYTES + payload;
}

/* RFC 3711 B.2 and RFC 6188 7.1 and 7.2: SSRC and index 0, so a payload of zeros becomes the key stream itself. */
static void test_counter_mode(void **state)
{
	static const struct {
		enum rf_srtp_suite suite;
		const char *key, *stream;
	} rows[] = {
		{ RF_SRTP_AES_CM_128_HMAC_SHA1_80, "2b7e151628aed2a6abf7158809cf4f3c",
		  "e03ead0935c95e80e166b16dd92b4eb4" "d23513162b02d0f72a43a2fe4a5f97ab" "41e95b3bb0a2e8dd477901e4fca894c0" },
		{ RF_SRTP_AES_192_CM_HMAC_SHA1_32, "eab234764e517b2d3d160d587d8c86219740f65f99b6bcf7",
		  "35096cba4610028dc1b57503804ce37c" "5de986291dcce161d5165ec4568f5c9a" "474a40c77894bc17180202272a4c264d" },
		{ RF_SRTP_AES_256_CM_HMAC_SHA1_80, "57f82fe3613fd170a85ec93c40b1f0922ec4cb0dc025b58272147cc438944a98",
		  "92bdd28a93c3f52511c677d08b5515a4" "9da71b2378a854f67050756ded165bac" "63c4868b7096d88421b563b8c94c9a31" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rf_srtp_keys keys = { .cipher = { 0 } };
		struct rf_srtp *s;
		uint8_t buf[128], want[48];
		size_t n = put_packet(buf, 0, 0, 48);

		unhex(rows[i].key, keys.cipher);
		unhex("f0f1f2f3f4f5f6f7f8f9fafbfcfd", keys.salt);
		assert_int_equal(unhex(rows[i].stream, want), 48);
		assert_int_equal(rf_srtp_new_session(rf_srtp_params(rows[i].suite), &keys, &s), 0);
		assert_int_equal(rf_srtp_protect(s, buf, n, sizeof buf, &n), 0);
		assert_memory_equal(buf + 12, want, sizeof want);
		rf_srtp_free(s);
	}
}

/* A packet of the test program of libsrtp (test/srtp_driver.c, srtp_validate): master key and tag together. */
static void test_whole(void **state)
{
	struct rf_srtp *s;
	uint8_t key[RF_SRTP_KEY_MAX], buf[64], want[64];
	size_t key_n = unhex("e1f97a0d3e018be0d64fa32c06de4139" "0ec675ad498afeebb6960b3aabe6", key);
	size_t n = unhex("800f1234decafbadcafebabeabababababababababababababababab", buf);
	size_t want_n = unhex("800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb", want);

	(void)state;
	assert_int_equal(rf_srtp_new(RF_SRTP_AES_CM_128_HMAC_SHA1_80, rf_view_of(key, key_n), &s), 0);
	assert_int_equal(rf_srtp_protect(s, buf, n, sizeof buf, &n), 0);
	assert_int_equal(n, want_n);
	assert_memory_equal(buf, want, want_n);
	rf_srtp_free(s);
}

static struct rf_srtp *make(enum rf_srtp_suite suite)
{
	static const uint8_t key[RF_SRTP_KEY_MAX] = { 1, 2, 3, 4 };
	struct rf_srtp *s;

	assert_int_equal(rf_srtp_new(suite, rf_view_of(key, rf_srtp_key_bytes(suite)), &s), 0);
	return s;
}

/* No index twice, whatever the sequence numbers do; round the corner another key stream. */
static void test_index(void **state)
{
	static const struct {
		uint16_t seq;
		int rc;
	} rows[] = {
		{ 65534, 0 }, { 65534, RF_E_STATE }, { 65535, 0 }, { 65533, RF_E_STATE }, { 0, 0 }, { 65535, RF_E_STATE },
		{ 5, 0 }, { 4, RF_E_STATE }, { 32772, 0 }, { 5, RF_E_STATE }, { 65534, 0 }, { 65534, RF_E_STATE },
	};

	(void)state;
	for (unsigned suite = RF_SRTP_NONE + 1; suite < RF_SRTP_SUITES; suite++) {
		struct rf_srtp *s = make((enum rf_srtp_suite)suite);
		uint8_t first[64] = { 0 }, buf[64];

		for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
			size_t n = put_packet(buf, rows[i].seq, 7, 20);

			assert_int_equal(rf_srtp_protect(s, buf, n, sizeof buf, &n), rows[i].rc);
			if (i == 0)
				memcpy(first, buf, n);
		}
		assert_memory_not_equal(first + 12, buf + 12, 20); /* the same sequence number, another roll-over counter */
		rf_srtp_free(s);
	}
}

static void test_refusals(void **state)
{
	static const uint8_t key[RF_SRTP_KEY_MAX + 1];
	struct rf_srtp *s;
	uint8_t buf[40];
	size_t n;

	(void)state;
	assert_int_equal(rf_srtp_key_bytes(RF_SRTP_NONE), 0);
	assert_int_equal(rf_srtp_key_bytes(RF_SRTP_SUITES), 0);
	assert_int_equal(rf_srtp_new(RF_SRTP_NONE, rf_view_of(key, 0), &s), RF_E_INVALID);
	for (unsigned suite = RF_SRTP_NONE + 1; suite < RF_SRTP_SUITES; suite++)
		for (size_t k = 0; k <= sizeof key; k++)
			if (k != rf_srtp_key_bytes((enum rf_srtp_suite)suite))
				assert_int_equal(rf_srtp_new((enum rf_srtp_suite)suite, rf_view_of(key, k), &s), RF_E_INVALID);
	assert_int_equal(rf_srtp_suite_of(RF_V("AEAD_AES_256_GCM")), RF_SRTP_AEAD_AES_256_GCM);
	assert_int_equal(rf_srtp_suite_of(RF_V("aes_cm_128_hmac_sha1_32")), RF_SRTP_AES_CM_128_HMAC_SHA1_32);
	assert_int_equal(rf_srtp_suite_of(RF_V("F8_128_HMAC_SHA1_80")), RF_SRTP_NONE);
	assert_int_equal(rf_srtp_suite_of(RF_V("")), RF_SRTP_NONE);

	s = make(RF_SRTP_AEAD_AES_128_GCM);
	n = put_packet(buf, 1, 1, 20);
	assert_int_equal(rf_srtp_protect(s, buf, n, n + 15, &n), RF_E_SPACE);
	assert_int_equal(rf_srtp_protect(s, buf, 11, sizeof buf, &n), RF_E_MALFORMED);
	buf[0] = 0x40;
	assert_int_equal(rf_srtp_protect(s, buf, 12, sizeof buf, &n), RF_E_UNSUPPORTED);
	n = put_packet(buf, 1, 1, 0); /* a packet without payload is still signed */
	assert_int_equal(rf_srtp_protect(s, buf, n, sizeof buf, &n), 0);
	assert_int_equal(n, 28);
	rf_srtp_free(s);
	rf_srtp_free(NULL);
}

static void test_no_memory(void **state)
{
	static const uint8_t key[RF_SRTP_KEY_MAX] = { 1 };
	struct rf_srtp *s;

	(void)state;
	for (unsigned n = 1;; n++) {
		fail_alloc_at(n);
		int rc = rf_srtp_new(RF_SRTP_AEAD_AES_256_GCM, rf_view_of(key, 44), &s);

		if (!fail_alloc_off()) {
			assert_int_equal(rc, 0);
			rf_srtp_free(s);
			return;
		}
		assert_int_equal(rc, -ENOMEM);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_derivation), cmocka_unit_test(test_gcm), cmocka_unit_test(test_counter_mode),
		cmocka_unit_test(test_whole), cmocka_unit_test(test_index), cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
