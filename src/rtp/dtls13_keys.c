#include "rtp/dtls13_int.h"

#include "base/secret.h"

#include <openssl/core_names.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

enum { LABEL_MAX = 64 };

/* HKDF's halves (RFC 5869), as OpenSSL does them. */
static int hkdf(int mode, const EVP_MD *md, struct rf_view key, struct rf_view more, uint8_t *out, size_t n)
{
	bool extract = mode == EVP_KDF_HKDF_MODE_EXTRACT_ONLY;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (void *)(uintptr_t)EVP_MD_get0_name(md), 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)key.p, key.n),
		OSSL_PARAM_construct_octet_string(extract ? OSSL_KDF_PARAM_SALT : OSSL_KDF_PARAM_INFO,
						  (void *)(uintptr_t)more.p, more.n),
		OSSL_PARAM_construct_end(),
	};
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	bool ok = ctx && EVP_KDF_derive(ctx, out, n, params) == 1;

	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return ok ? 0 : RF_E_CRYPTO;
}

/* RFC 8446 7.1 with the prefix of RFC 9147 5.9, which has no space at its end. */
int rf_dtls13_expand(const EVP_MD *md, const uint8_t *secret, const char *label, struct rf_view context, uint8_t *out,
		     size_t n)
{
	struct rf_view name = rf_view_str(label), info;
	uint8_t buf[2 + 1 + LABEL_MAX + 1 + RF_DTLS13_HASH_MAX];
	struct rf_writer w;

	rf_writer_init(&w, buf, sizeof buf);
	rf_dtls13_put_be(&w, n, 2);
	rf_put_byte(&w, (uint8_t)(6 + name.n));
	rf_put(&w, RF_V("dtls13"));
	rf_put(&w, name);
	rf_put_byte(&w, (uint8_t)context.n);
	rf_put(&w, context);
	if (rf_writer_done(&w, &info))
		return RF_E_CRYPTO;
	return hkdf(EVP_KDF_HKDF_MODE_EXPAND_ONLY, md, rf_view_of(secret, (size_t)EVP_MD_get_size(md)), info, out, n);
}

static int hash_of_nothing(const struct rf_dtls13_keys *k, uint8_t *hash)
{
	return EVP_Digest("", 0, hash, NULL, k->md, NULL) == 1 ? 0 : RF_E_CRYPTO;
}

/* The stage that follows: its secret from the one before and what is new. */
static int next_stage(struct rf_dtls13_keys *k, struct rf_view fresh)
{
	uint8_t nothing[RF_DTLS13_HASH_MAX], salt[RF_DTLS13_HASH_MAX];
	int rc = hash_of_nothing(k, nothing);

	rc = rc ? rc : rf_dtls13_expand(k->md, k->secret, "derived", rf_view_of(nothing, k->n), salt, k->n);
	rc = rc ? rc : hkdf(EVP_KDF_HKDF_MODE_EXTRACT_ONLY, k->md, fresh, rf_view_of(salt, k->n), k->secret, k->n);
	rf_secret_wipe(salt, sizeof salt);
	return rc;
}

int rf_dtls13_keys_begin(struct rf_dtls13_keys *k, uint16_t suite)
{
	static const uint8_t zero[RF_DTLS13_HASH_MAX];
	bool big = suite == 0x1302;

	*k = (struct rf_dtls13_keys){ .md = big ? EVP_sha384() : EVP_sha256(),
				      .n = big ? 48 : 32,
				      .key_n = big ? 32 : 16 };
	k->transcript = EVP_MD_CTX_new();
	if (!k->transcript || EVP_DigestInit_ex(k->transcript, k->md, NULL) != 1)
		return RF_E_CRYPTO;
	return hkdf(EVP_KDF_HKDF_MODE_EXTRACT_ONLY, k->md, rf_view_of(zero, k->n), rf_view_of(zero, k->n), k->secret,
		    k->n);
}

void rf_dtls13_keys_end(struct rf_dtls13_keys *k)
{
	EVP_MD_CTX_free(k->transcript);
	rf_secret_wipe(k, sizeof *k);
}

int rf_dtls13_keys_add(struct rf_dtls13_keys *k, uint8_t type, struct rf_view body)
{
	uint8_t head[4] = { type, (uint8_t)(body.n >> 16), (uint8_t)(body.n >> 8), (uint8_t)body.n };

	return EVP_DigestUpdate(k->transcript, head, sizeof head) == 1 && EVP_DigestUpdate(k->transcript, body.p, body.n) == 1 ?
	       0 : RF_E_CRYPTO;
}

int rf_dtls13_keys_hash(const struct rf_dtls13_keys *k, uint8_t *hash)
{
	EVP_MD_CTX *copy = EVP_MD_CTX_new();
	bool ok = copy && EVP_MD_CTX_copy_ex(copy, k->transcript) == 1 && EVP_DigestFinal_ex(copy, hash, NULL) == 1;

	EVP_MD_CTX_free(copy);
	return ok ? 0 : RF_E_CRYPTO;
}


int rf_dtls13_keys_handshake(struct rf_dtls13_keys *k, struct rf_view shared)
{
	uint8_t hash[RF_DTLS13_HASH_MAX];
	struct rf_view context = rf_view_of(hash, k->n);
	int rc = next_stage(k, shared);

	rc = rc ? rc : rf_dtls13_keys_hash(k, hash);
	rc = rc ? rc : rf_dtls13_expand(k->md, k->secret, "c hs traffic", context, k->client, k->n);
	return rc ? rc : rf_dtls13_expand(k->md, k->secret, "s hs traffic", context, k->server, k->n);
}

int rf_dtls13_keys_traffic(struct rf_dtls13_keys *k)
{
	static const uint8_t zero[RF_DTLS13_HASH_MAX];
	uint8_t hash[RF_DTLS13_HASH_MAX];
	struct rf_view context = rf_view_of(hash, k->n);
	int rc = next_stage(k, rf_view_of(zero, k->n));

	rc = rc ? rc : rf_dtls13_keys_hash(k, hash);
	rc = rc ? rc : rf_dtls13_expand(k->md, k->secret, "c ap traffic", context, k->client_3, k->n);
	rc = rc ? rc : rf_dtls13_expand(k->md, k->secret, "s ap traffic", context, k->server_3, k->n);
	return rc ? rc : rf_dtls13_expand(k->md, k->secret, "exp master", context, k->exporter, k->n);
}

int rf_dtls13_keys_finished(const struct rf_dtls13_keys *k, const uint8_t *secret, uint8_t *mac)
{
	uint8_t key[RF_DTLS13_HASH_MAX], hash[RF_DTLS13_HASH_MAX];
	int rc = rf_dtls13_expand(k->md, secret, "finished", (struct rf_view){ NULL, 0 }, key, k->n);
	unsigned n;

	rc = rc ? rc : rf_dtls13_keys_hash(k, hash);
	if (!rc && !HMAC(k->md, key, (int)k->n, hash, k->n, mac, &n))
		rc = RF_E_CRYPTO;
	rf_secret_wipe(key, sizeof key);
	return rc;
}

/* RFC 8446 7.5, without a context. */
int rf_dtls13_keys_export(const struct rf_dtls13_keys *k, const char *label, uint8_t *out, size_t n)
{
	uint8_t nothing[RF_DTLS13_HASH_MAX], secret[RF_DTLS13_HASH_MAX];
	struct rf_view context = rf_view_of(nothing, k->n);
	int rc = hash_of_nothing(k, nothing);

	rc = rc ? rc : rf_dtls13_expand(k->md, k->exporter, label, context, secret, k->n);
	rc = rc ? rc : rf_dtls13_expand(k->md, secret, "exporter", context, out, n);
	rf_secret_wipe(secret, sizeof secret);
	return rc;
}
