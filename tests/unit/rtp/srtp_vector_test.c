/* What the RFCs give as examples, sealed to the last bit and opened again. They begin at session keys. */
#include "rtp/srtp_int.h"

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
		{ RF_SRTP_AES_CM_128_HMAC_SHA1_80,
		  "e1f97a0d3e018be0d64fa32c06de41390ec675ad498afeebb6960b3aabe6",
		  "c61e7a93744f39ee10734afe3ff7a087", "30cbbc08863d8c85d49db34a9ae1",
		  "cebe321f6ff7716b6fd4ab49af256a156d38baa4" },
		{ RF_SRTP_AES_192_CM_HMAC_SHA1_80,
		  "73edc66c4fa15776fb57f9505c17136550ffda71f3e8e5f1c8522f3acd4ce86d5add78edbb11",
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
		struct rf_srtp_session keys[2];

		assert_int_equal(unhex(rows[i].master, master), rf_srtp_key_bytes(rows[i].suite));
		assert_int_equal(rf_srtp_derive(p, master, keys), 0);
		assert_memory_equal(keys[RF_SRTP_RTP].cipher, want, unhex(rows[i].cipher, want));
		assert_memory_equal(keys[RF_SRTP_RTP].salt, want, unhex(rows[i].salt, want));
		assert_memory_equal(keys[RF_SRTP_RTP].auth, want, unhex(rows[i].auth, want));
	}
}

/* One of each with these session keys, for RTP and RTCP alike. */
static void make(enum rf_srtp_suite suite, const char *cipher, const char *salt, struct rf_srtp_out **ret_out,
		 struct rf_srtp_in **ret_in)
{
	static const uint8_t zero[RF_SRTP_KEY_MAX];
	struct rf_srtp_master master = { .suite = suite, .key = rf_view_of(zero, rf_srtp_key_bytes(suite)) };
	struct rf_srtp_session keys[2] = { { .auth = { 0 } } };

	unhex(cipher, keys[0].cipher);
	unhex(salt, keys[0].salt);
	keys[1] = keys[0];
	assert_int_equal(rf_srtp_out_new(&master, ret_out), 0);
	assert_int_equal(rf_srtp_key_begin((*ret_out)->key, keys), 0);
	assert_int_equal(rf_srtp_in_new(&master, 1, ret_in), 0);
	assert_int_equal(rf_srtp_key_begin((*ret_in)->key[0], keys), 0);
}

/* RFC 7714 16.1, 16.2: the roll-over counter is 0. 17.1, 17.2: the index is 0x5d4. */
static void test_gcm(void **state)
{
	static const char rtp[] = "8040f17b8041f8d35501a0b2"
				  "47616c6c696120657374206f6d6e69732064697669736120696e207061727465732074726573";
	static const char rtcp[] = "81c8000d4d617273" "4e545031" "4e545032" "525450200000042a0000e9304c756e61"
				   "deadbeefdeadbeefdeadbeefdeadbeefdeadbeef";
	static const struct {
		enum rf_srtp_suite suite;
		enum rf_srtp_kind kind;
		const char *clear, *sealed;
	} rows[] = {
		{ RF_SRTP_AEAD_AES_128_GCM, RF_SRTP_RTP, rtp, "8040f17b8041f8d35501a0b2"
		  "f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833"
		  "899d7f27beb16a9152cf765ee4390cce" },
		{ RF_SRTP_AEAD_AES_256_GCM, RF_SRTP_RTP, rtp, "8040f17b8041f8d35501a0b2"
		  "32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b"
		  "7aa3db36dfffd6b0f9bb7878d7a76c13" },
		{ RF_SRTP_AEAD_AES_128_GCM, RF_SRTP_RTCP, rtcp, "81c8000d4d617273"
		  "63e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded0bb9275b"
		  "c84aa45896cf4d2fc5abf87245d9eade" "800005d4" },
		{ RF_SRTP_AEAD_AES_256_GCM, RF_SRTP_RTCP, rtcp, "81c8000d4d617273"
		  "d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1110555be8415f658c61de0476f1b6fad"
		  "1d1eb30c4446839f57ff6f6cb26ac3be" "800005d4" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		bool is_rtp = rows[i].kind == RF_SRTP_RTP;
		uint8_t clear[128], want[128], buf[128];
		size_t n = unhex(rows[i].clear, clear), want_n = unhex(rows[i].sealed, want), got;
		struct rf_srtp_stream *stream;
		struct rf_srtp_out *out;
		struct rf_srtp_in *in;

		make(rows[i].suite, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
		     "517569642070726f2071756f", &out, &in);
		assert_int_equal(rf_srtp_streams_add(&out->streams, 0x4d617273, 1, &stream), 0);
		stream->track[RF_SRTP_RTCP] = (struct rf_srtp_track){ .top = 0x5d3, .generation = 1 };
		memcpy(buf, clear, n);
		assert_int_equal((is_rtp ? rf_srtp_out_rtp : rf_srtp_out_rtcp)(out, buf, n, sizeof buf, &got), 0);
		assert_int_equal(got, want_n);
		assert_memory_equal(buf, want, want_n);
		assert_int_equal((is_rtp ? rf_srtp_in_rtp : rf_srtp_in_rtcp)(in, buf, want_n, &got), 0);
		assert_int_equal(got, n);
		assert_memory_equal(buf, clear, n);
		rf_srtp_out_free(out);
		rf_srtp_in_free(in);
	}
}

/* RFC 7714 17.3: tagged and not encrypted. Authentic, and not for us. */
static void test_unencrypted(void **state)
{
	uint8_t buf[128];
	size_t n = unhex("81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdeadbeef"
			 "841dd9683dd78ec92ae58790125f62b3000005d4", buf);
	struct rf_srtp_out *out;
	struct rf_srtp_in *in;

	(void)state;
	make(RF_SRTP_AEAD_AES_128_GCM, "000102030405060708090a0b0c0d0e0f", "517569642070726f2071756f", &out, &in);
	assert_int_equal(rf_srtp_in_rtcp(in, buf, n, &n), RF_E_DENIED);
	rf_srtp_out_free(out);
	rf_srtp_in_free(in);
}

/* RFC 3711 B.2 and RFC 6188 7.1 and 7.2: SSRC and index 0, so a payload of zeros becomes the key stream itself. */
static void test_counter_mode(void **state)
{
	static const struct {
		enum rf_srtp_suite suite;
		const char *key, *stream;
	} rows[] = {
		{ RF_SRTP_AES_CM_128_HMAC_SHA1_80, "2b7e151628aed2a6abf7158809cf4f3c",
		  "e03ead0935c95e80e166b16dd92b4eb4d23513162b02d0f72a43a2fe4a5f97ab41e95b3bb0a2e8dd477901e4fca894c0" },
		{ RF_SRTP_AES_192_CM_HMAC_SHA1_32, "eab234764e517b2d3d160d587d8c86219740f65f99b6bcf7",
		  "35096cba4610028dc1b57503804ce37c5de986291dcce161d5165ec4568f5c9a474a40c77894bc17180202272a4c264d" },
		{ RF_SRTP_AES_256_CM_HMAC_SHA1_80, "57f82fe3613fd170a85ec93c40b1f0922ec4cb0dc025b58272147cc438944a98",
		  "92bdd28a93c3f52511c677d08b5515a49da71b2378a854f67050756ded165bac63c4868b7096d88421b563b8c94c9a31" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint8_t buf[128] = { 0x80 }, want[48];
		struct rf_srtp_out *out;
		struct rf_srtp_in *in;
		size_t n;

		assert_int_equal(unhex(rows[i].stream, want), 48);
		make(rows[i].suite, rows[i].key, "f0f1f2f3f4f5f6f7f8f9fafbfcfd", &out, &in);
		assert_int_equal(rf_srtp_out_rtp(out, buf, 12 + 48, sizeof buf, &n), 0);
		assert_memory_equal(buf + 12, want, sizeof want);
		rf_srtp_out_free(out);
		rf_srtp_in_free(in);
	}
}

/* A packet of the test program of libsrtp (test/srtp_driver.c, srtp_validate), and its RTCP: master key and tag
 * together. */
static void test_whole(void **state)
{
	uint8_t key[RF_SRTP_KEY_MAX], buf[64], want[64], clear[64];
	struct rf_srtp_master master = {
		.suite = RF_SRTP_AES_CM_128_HMAC_SHA1_80,
		.key = rf_view_of(key, unhex("e1f97a0d3e018be0d64fa32c06de4139" "0ec675ad498afeebb6960b3aabe6", key)),
	};
	size_t n = unhex("800f1234decafbadcafebabeabababababababababababababababab", clear);
	size_t want_n = unhex("800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb", want),
	       got;
	struct rf_srtp_out *out;
	struct rf_srtp_in *in;

	(void)state;
	assert_int_equal(rf_srtp_out_new(&master, &out), 0);
	assert_int_equal(rf_srtp_in_new(&master, 1, &in), 0);
	memcpy(buf, clear, n);
	assert_int_equal(rf_srtp_out_rtp(out, buf, n, sizeof buf, &got), 0);
	assert_int_equal(got, want_n);
	assert_memory_equal(buf, want, want_n);
	assert_int_equal(rf_srtp_in_rtp(in, buf, got, &got), 0);
	assert_int_equal(got, n);
	assert_memory_equal(buf, clear, n);

	struct rf_srtp_stream *stream;

	n = unhex("81c8000bcafebabeabababababababababababababababab", clear);
	want_n = unhex("81c8000bcafebabe7128035be487b9bdbef89041f977a5a880000001993e08cd54d6c1230798", want);
	memcpy(buf, clear, n);
	stream = rf_srtp_streams_find(&out->streams, 0xcafebabe);
	stream->track[RF_SRTP_RTCP] = (struct rf_srtp_track){ .top = 0, .generation = 1 }; /* its first index is 1 */
	assert_int_equal(rf_srtp_out_rtcp(out, buf, n, sizeof buf, &got), 0);
	assert_int_equal(got, want_n);
	assert_memory_equal(buf, want, want_n);
	assert_int_equal(rf_srtp_in_rtcp(in, buf, got, &got), 0);
	assert_memory_equal(buf, clear, n);
	rf_srtp_out_free(out);
	rf_srtp_in_free(in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_derivation), cmocka_unit_test(test_gcm), cmocka_unit_test(test_unencrypted),
		cmocka_unit_test(test_counter_mode), cmocka_unit_test(test_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
