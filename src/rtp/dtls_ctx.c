#include "rtp/dtls_int.h"

#include "base/secret.h"

#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/x509.h>
#include <stdlib.h>

enum { DAY_S = 86400, COOKIE_MORE_MAX = 64, KEY_BITS_LEAST = 112 };

/* --- fingerprints */

static const struct {
	struct rf_view name;
	uint8_t n;
} hashes[] = { { RF_V("sha-256"), 32 }, { RF_V("sha-384"), 48 }, { RF_V("sha-512"), 64 } };

static int nibble(uint8_t c)
{
	return (unsigned)c - '0' < 10u ? c - '0' : (unsigned)rf_lower(c) - 'a' < 6u ? rf_lower(c) - 'a' + 10 : -1;
}

int rf_dtls_print_parse(struct rf_view text, struct rf_dtls_print *ret_print)
{
	size_t space = rf_view_find(text, ' ');
	struct rf_view name = rf_view_sub(text, 0, space), hex = rf_view_from(text, space + 1);
	struct rf_dtls_print print = { .n = 0 };

	for (size_t i = 0; i < 3; i++)
		if (rf_view_eq_nocase(name, hashes[i].name))
			print.n = hashes[i].n;
	if (!print.n)
		return name.n && hex.n ? RF_E_UNSUPPORTED : RF_E_MALFORMED;
	if (hex.n != (size_t)print.n * 3 - 1)
		return RF_E_MALFORMED;
	for (size_t i = 0; i < print.n; i++) {
		int high = nibble(hex.p[3 * i]), low = nibble(hex.p[3 * i + 1]);

		if (high < 0 || low < 0 || (3 * i + 2 < hex.n && hex.p[3 * i + 2] != ':'))
			return RF_E_MALFORMED;
		print.bytes[i] = (uint8_t)(high << 4 | low);
	}
	*ret_print = print;
	return 0;
}

static bool digest_cert(const X509 *cert, struct rf_dtls_print ret[static 3])
{
	const EVP_MD *mds[3] = { EVP_sha256(), EVP_sha384(), EVP_sha512() };
	bool ok = true;

	for (size_t i = 0; i < 3; i++) {
		unsigned n = 0;

		ok &= X509_digest(cert, mds[i], ret[i].bytes, &n) == 1;
		ret[i].n = (uint8_t)n;
	}
	return ok;
}

bool rf_dtls_print_fits(const struct rf_dtls_print *prints, size_t count, const struct rf_dtls_print digests[static 3])
{
	uint8_t strongest = 0;
	bool fits = false;

	for (size_t i = 0; i < count; i++)
		strongest = prints[i].n > strongest ? prints[i].n : strongest;
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < 3; k++)
			if (prints[i].n == strongest && digests[k].n == strongest)
				fits |= rf_secret_eq(rf_view_of(prints[i].bytes, strongest),
						     rf_view_of(digests[k].bytes, strongest));
	return fits;
}

/* In place of a chain: the certificate is the peer's if its description said so (RFC 8122 5). When there is no
 * description yet the digests wait for it. */
bool rf_dtls_judge(struct rf_dtls *d, const X509 *cert)
{
	EVP_PKEY *key = cert ? X509_get0_pubkey(cert) : NULL;

	if (!key || !digest_cert(cert, d->digests))
		return false;
	d->shown = true;
	if (EVP_PKEY_get_security_bits(key) < KEY_BITS_LEAST)
		d->why = RF_DTLS_WHY_CIPHER;
	else if (d->print_count && !rf_dtls_print_fits(d->prints, d->print_count, d->digests))
		d->why = RF_DTLS_WHY_FINGERPRINT;
	return d->why == RF_DTLS_WHY_NONE;
}

static int verify(X509_STORE_CTX *store, void *arg)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	bool good = rf_dtls_judge(SSL_get_app_data(ssl), X509_STORE_CTX_get0_cert(store));

	(void)arg;
	X509_STORE_CTX_set_error(store, good ? X509_V_OK : X509_V_ERR_CERT_REJECTED);
	return good;
}

/* --- cookies: this association's, for one source */

bool rf_dtls_cookie_make(const struct rf_dtls *d, struct rf_view more, uint8_t cookie[static RF_DTLS_COOKIE_BYTES])
{
	uint8_t over[19 + COOKIE_MORE_MAX], mac[32];
	unsigned n;

	if (more.n > COOKIE_MORE_MAX)
		return false;
	memcpy(over, d->from.ip, 16);
	over[16] = (uint8_t)(d->from.port >> 8);
	over[17] = (uint8_t)d->from.port;
	over[18] = d->from.family;
	if (more.n)
		memcpy(over + 19, more.p, more.n);
	if (!HMAC(EVP_sha256(), d->cookie_key, sizeof d->cookie_key, over, 19 + more.n, mac, &n))
		return false;
	memcpy(cookie, mac, RF_DTLS_COOKIE_BYTES);
	return true;
}

static int give_cookie(SSL *ssl, unsigned char *cookie, unsigned *ret_n)
{
	*ret_n = RF_DTLS_COOKIE_BYTES;
	return rf_dtls_cookie_make(SSL_get_app_data(ssl), (struct rf_view){ NULL, 0 }, cookie);
}

static int check_cookie(SSL *ssl, const unsigned char *cookie, unsigned n)
{
	uint8_t ours[RF_DTLS_COOKIE_BYTES];

	return rf_dtls_cookie_make(SSL_get_app_data(ssl), (struct rf_view){ NULL, 0 }, ours) &&
	       rf_secret_eq(rf_view_of(cookie, n), rf_view_of(ours, sizeof ours));
}

/* --- the context */

static bool set_times(X509 *cert, struct rf_wall now, unsigned days)
{
	time_t s = (time_t)(now.us / 1000000);

	return ASN1_TIME_set(X509_getm_notBefore(cert), s - DAY_S) &&
	       ASN1_TIME_set(X509_getm_notAfter(cert), s + (time_t)days * DAY_S);
}

/* It names nobody: what it says is seen by whoever listens. */
static X509 *make_cert(EVP_PKEY *key, struct rf_wall now, unsigned days)
{
	static const uint8_t name[] = "media";
	X509 *cert = X509_new();
	X509_NAME *subject = cert ? X509_get_subject_name(cert) : NULL;
	BIGNUM *serial = BN_new();
	bool ok = cert && serial && BN_rand(serial, 63, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
		  BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(cert)) &&
		  X509_set_version(cert, X509_VERSION_3) == 1 &&
		  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, name, -1, -1, 0) == 1 &&
		  X509_set_issuer_name(cert, subject) == 1 && set_times(cert, now, days) &&
		  X509_set_pubkey(cert, key) == 1 && X509_sign(cert, key, EVP_sha256()) > 0;

	BN_free(serial);
	if (ok)
		return cert;
	X509_free(cert);
	return NULL;
}

static bool use_policy(SSL_CTX *ctx)
{
	/* GCM only: the one sealing that is opened without OpenSSL's object, too (dtls_record.c). */
	static const char ciphers[] = "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256:"
				      "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256";
	static char groups[] = "X25519:P-256:P-384"; /* OpenSSL's macros take char * and only read it */
	static char sigalgs[] = "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519:RSA-PSS+SHA256:RSA-PSS+SHA384:"
				"RSA-PSS+SHA512:RSA+SHA256:RSA+SHA384:RSA+SHA512";

	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET |
			    SSL_OP_NO_QUERY_MTU | SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_max_cert_list(ctx, RF_DTLS_CERT_MAX);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, verify, NULL);
	SSL_CTX_set_cookie_generate_cb(ctx, give_cookie);
	SSL_CTX_set_cookie_verify_cb(ctx, check_cookie);
	SSL_CTX_set_security_level(ctx, 2);
	return SSL_CTX_set_min_proto_version(ctx, DTLS1_2_VERSION) == 1 &&
	       SSL_CTX_set_max_proto_version(ctx, DTLS1_2_VERSION) == 1 && SSL_CTX_set_cipher_list(ctx, ciphers) == 1 &&
	       SSL_CTX_set1_groups_list(ctx, groups) == 1 && SSL_CTX_set1_sigalgs_list(ctx, sigalgs) == 1 &&
	       SSL_CTX_set1_client_sigalgs_list(ctx, sigalgs) == 1;
}

static void put_print(char dst[static RF_DTLS_PRINT_TEXT], const struct rf_dtls_print *print)
{
	static const char digits[] = "0123456789ABCDEF";
	char *p = dst;

	memcpy(p, "sha-256", 7);
	p += 7;
	for (size_t i = 0; i < print->n; i++) {
		*p++ = i ? ':' : ' ';
		*p++ = digits[print->bytes[i] >> 4];
		*p++ = digits[print->bytes[i] & 15];
	}
	*p = 0;
}

static int fill_ctx(struct rf_dtls_ctx *ctx, struct rf_wall now, unsigned days)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = key ? make_cert(key, now, days) : NULL;
	struct rf_dtls_print digests[3];
	bool ok;

	ctx->ssl_ctx = SSL_CTX_new(DTLS_method());
	ok = cert && ctx->ssl_ctx && use_policy(ctx->ssl_ctx) && digest_cert(cert, digests) &&
	     SSL_CTX_use_certificate(ctx->ssl_ctx, cert) == 1 && SSL_CTX_use_PrivateKey(ctx->ssl_ctx, key) == 1;
	if (ok)
		put_print(ctx->print, &digests[0]);
	X509_free(cert);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return ok ? 0 : RF_E_CRYPTO;
}

int rf_dtls_ctx_new(struct rf_wall now, unsigned days, struct rf_dtls_ctx **ret_ctx)
{
	struct rf_dtls_ctx *ctx = calloc(1, sizeof *ctx);

	if (!ctx)
		return -ENOMEM;
	int rc = fill_ctx(ctx, now, days);

	if (rc)
		rf_dtls_ctx_free(ctx);
	else
		*ret_ctx = ctx;
	return rc;
}

void rf_dtls_ctx_free(struct rf_dtls_ctx *ctx)
{
	if (!ctx)
		return;
	SSL_CTX_free(ctx->ssl_ctx);
	free(ctx);
}

const char *rf_dtls_ctx_print(const struct rf_dtls_ctx *ctx)
{
	return ctx->print;
}
