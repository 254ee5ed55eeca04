/* The suites, and the session keys from a master key. The short tags of 32 bits are those of SRTP alone: SRTCP has 80
 * (RFC 3711 5.2, RFC 4568 6.2.2). */
#include "rtp/srtp_int.h"

#include "base/secret.h"

#include <openssl/evp.h>

static const struct rf_srtp_params params[RF_SRTP_SUITES] = {
	[RF_SRTP_AEAD_AES_256_GCM] = { "AEAD_AES_256_GCM", "AES-256-GCM", "AES-256-CTR", 32, 12, { 16, 16 }, true },
	[RF_SRTP_AEAD_AES_128_GCM] = { "AEAD_AES_128_GCM", "AES-128-GCM", "AES-128-CTR", 16, 12, { 16, 16 }, true },
	[RF_SRTP_AES_256_CM_HMAC_SHA1_80] = { "AES_256_CM_HMAC_SHA1_80", "AES-256-CTR", "AES-256-CTR", 32, 14, { 10, 10 }, false },
	[RF_SRTP_AES_192_CM_HMAC_SHA1_80] = { "AES_192_CM_HMAC_SHA1_80", "AES-192-CTR", "AES-192-CTR", 24, 14, { 10, 10 }, false },
	[RF_SRTP_AES_CM_128_HMAC_SHA1_80] = { "AES_CM_128_HMAC_SHA1_80", "AES-128-CTR", "AES-128-CTR", 16, 14, { 10, 10 }, false },
	[RF_SRTP_AES_256_CM_HMAC_SHA1_32] = { "AES_256_CM_HMAC_SHA1_32", "AES-256-CTR", "AES-256-CTR", 32, 14, { 4, 10 }, false },
	[RF_SRTP_AES_192_CM_HMAC_SHA1_32] = { "AES_192_CM_HMAC_SHA1_32", "AES-192-CTR", "AES-192-CTR", 24, 14, { 4, 10 }, false },
	[RF_SRTP_AES_CM_128_HMAC_SHA1_32] = { "AES_CM_128_HMAC_SHA1_32", "AES-128-CTR", "AES-128-CTR", 16, 14, { 4, 10 }, false },
};

const struct rf_srtp_params *rf_srtp_params(enum rf_srtp_suite suite)
{
	return (unsigned)suite < RF_SRTP_SUITES && params[suite].name ? &params[suite] : NULL;
}

enum rf_srtp_suite rf_srtp_suite_of(struct rf_view name)
{
	for (unsigned i = RF_SRTP_NONE + 1; i < RF_SRTP_SUITES; i++)
		if (rf_view_eq_nocase(name, rf_view_str(params[i].name)))
			return (enum rf_srtp_suite)i;
	return RF_SRTP_NONE;
}

size_t rf_srtp_key_bytes(enum rf_srtp_suite suite)
{
	const struct rf_srtp_params *p = rf_srtp_params(suite);

	return p ? (size_t)p->key_n + p->salt_n : 0;
}

/* RFC 3711 4.3.3: the key stream of AES-CM from the salt with the label in its eighth byte. Shorter salts stand at the
 * front (RFC 7714 11). */
static bool stream(EVP_CIPHER_CTX *ctx, const uint8_t *salt, size_t salt_n, uint8_t label, uint8_t *dst, int n)
{
	static const uint8_t zero[RF_SRTP_CIPHER_KEY_MAX] = { 0 };
	uint8_t iv[16] = { 0 };
	int out;

	memcpy(iv, salt, salt_n);
	iv[7] ^= label;
	return EVP_EncryptInit_ex2(ctx, NULL, NULL, iv, NULL) == 1 && EVP_EncryptUpdate(ctx, dst, &out, zero, n) == 1;
}

int rf_srtp_derive(const struct rf_srtp_params *p, const uint8_t *master, struct rf_srtp_session ret_session[static 2])
{
	enum { CIPHER, AUTH, SALT, LABELS }; /* RFC 3711 4.3.2; those of RTCP follow */
	const uint8_t *salt = master + p->key_n;
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, p->derivation, NULL);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	bool ok = cipher && ctx && EVP_EncryptInit_ex2(ctx, cipher, master, NULL, NULL) == 1;

	for (uint8_t kind = RF_SRTP_RTP; kind <= RF_SRTP_RTCP; kind++) {
		struct rf_srtp_session *s = &ret_session[kind];
		uint8_t base = (uint8_t)(kind * LABELS);

		*s = (struct rf_srtp_session){ .cipher = { 0 } };
		ok = ok && stream(ctx, salt, p->salt_n, base + CIPHER, s->cipher, p->key_n) &&
		     (p->aead || stream(ctx, salt, p->salt_n, base + AUTH, s->auth, RF_SRTP_AUTH_KEY_BYTES)) &&
		     stream(ctx, salt, p->salt_n, base + SALT, s->salt, p->salt_n);
	}
	EVP_CIPHER_CTX_free(ctx);
	EVP_CIPHER_free(cipher);
	if (!ok)
		rf_secret_wipe(ret_session, 2 * sizeof *ret_session);
	return ok ? 0 : RF_E_CRYPTO;
}
