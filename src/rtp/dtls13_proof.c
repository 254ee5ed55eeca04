#include "rtp/dtls13_int.h"

#include "base/secret.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

enum { ECDSA_P256_SHA256 = 0x0403, SIGNATURE_MAX = 128, CONTENT_MAX = 64 + 34 + RF_DTLS13_HASH_MAX };

/* What we verify (RFC 8446 4.2.3): each scheme names the kind of key, and with ECDSA the curve. */
static const struct {
	uint16_t id;
	const char *key, *curve, *digest;
	bool pss;
} schemes[] = {
	{ ECDSA_P256_SHA256, "EC", "prime256v1", "SHA256", false },
	{ 0x0503, "EC", "secp384r1", "SHA384", false },
	{ 0x0603, "EC", "secp521r1", "SHA512", false },
	{ 0x0807, "ED25519", NULL, NULL, false },
	{ 0x0804, "RSA", NULL, "SHA256", true },
	{ 0x0805, "RSA", NULL, "SHA384", true },
	{ 0x0806, "RSA", NULL, "SHA512", true },
};
enum { SCHEMES = sizeof schemes / sizeof *schemes };

/* --- CertificateRequest */

void rf_dtls13_signatures_put(struct rf_writer *w)
{
	rf_dtls13_put_be(w, RF_DTLS13_X_SIGNATURES, 2);
	rf_dtls13_put_be(w, 2 * SCHEMES + 2, 2);
	rf_dtls13_put_be(w, 2 * SCHEMES, 2);
	for (size_t i = 0; i < SCHEMES; i++)
		rf_dtls13_put_be(w, schemes[i].id, 2);
}

void rf_dtls13_request_put(struct rf_writer *w)
{
	rf_put_byte(w, 0); /* no context: it is for requests after the handshake */
	rf_dtls13_put_be(w, 2 * SCHEMES + 6, 2);
	rf_dtls13_signatures_put(w);
}

struct rf_dtls13_verdict rf_dtls13_request_read(struct rf_view body)
{
	struct rf_reader r = rf_reader_of(body);
	bool has_context = rf_take_u8(&r), seen = false, ours = false;
	struct rf_reader list = rf_reader_of(rf_take(&r, rf_take_be16(&r)));
	struct rf_view data;
	uint16_t type;

	while (rf_dtls13_extension_next(&list, &type, &data)) {
		struct rf_reader x = rf_reader_of(data);

		if (type != RF_DTLS13_X_SIGNATURES)
			continue;
		if (seen || rf_take_be16(&x) != rf_left(&x) || !rf_left(&x))
			return rf_dtls13_verdict(RF_DTLS_WHY_PROTOCOL, SSL_AD_DECODE_ERROR);
		seen = true;
		while (!x.err && rf_left(&x))
			ours |= rf_take_be16(&x) == ECDSA_P256_SHA256;
		if (x.err)
			return rf_dtls13_verdict(RF_DTLS_WHY_PROTOCOL, SSL_AD_DECODE_ERROR);
	}
	if (list.err || rf_reader_end(&r) || has_context)
		return rf_dtls13_verdict(RF_DTLS_WHY_PROTOCOL, SSL_AD_DECODE_ERROR);
	if (!seen)
		return rf_dtls13_verdict(RF_DTLS_WHY_PROTOCOL, SSL_AD_MISSING_EXTENSION);
	return ours ? RF_DTLS13_FINE : rf_dtls13_verdict(RF_DTLS_WHY_CIPHER, SSL_AD_HANDSHAKE_FAILURE);
}

/* --- Certificate */

int rf_dtls13_certificate_put(const struct rf_dtls *d, struct rf_writer *w)
{
	X509 *cert = SSL_CTX_get0_certificate(d->ssl_ctx);
	unsigned char *der = NULL;
	int n = cert ? i2d_X509(cert, &der) : -1;

	if (n <= 0)
		return RF_E_CRYPTO;
	rf_put_byte(w, 0);
	rf_dtls13_put_be(w, (uint64_t)n + 5, 3);
	rf_dtls13_put_be(w, (uint64_t)n, 3);
	rf_put(w, rf_view_of(der, (size_t)n));
	rf_dtls13_put_be(w, 0, 2); /* no extensions to it */
	OPENSSL_free(der);
	return w->err;
}

static struct rf_view take_24(struct rf_reader *r)
{
	size_t high = rf_take_u8(r);

	return rf_take(r, high << 16 | rf_take_be16(r));
}

static struct rf_dtls13_verdict judge(struct rf_dtls *d, struct rf_view der, EVP_PKEY **ret_key)
{
	const unsigned char *p = der.p;
	X509 *cert = d2i_X509(NULL, &p, (long)der.n);
	struct rf_dtls13_verdict v = RF_DTLS13_FINE;

	if (!cert || p != der.p + der.n)
		v = rf_dtls13_verdict(RF_DTLS_WHY_PROTOCOL, SSL_AD_BAD_CERTIFICATE);
	else if (!rf_dtls_judge(d, cert))
		v = rf_dtls13_verdict(d->why ? d->why : RF_DTLS_WHY_PROTOCOL, SSL_AD_BAD_CERTIFICATE);
	else
		*ret_key = X509_get_pubkey(cert);
	X509_free(cert);
	ERR_clear_error();
	return v;
}

struct rf_dtls13_verdict rf_dtls13_certificate_read(struct rf_dtls *d, struct rf_view body, EVP_PKEY **ret_key)
{
	struct rf_reader r = rf_reader_of(body);
	bool has_context = rf_take_u8(&r);
	struct rf_reader list = rf_reader_of(take_24(&r));
	struct rf_view first = { NULL, 0 };

	if (rf_reader_end(&r) || has_context)
		return rf_dtls13_verdict(RF_DTLS_WHY_PROTOCOL, SSL_AD_DECODE_ERROR);
	if (!rf_left(&list))
		return rf_dtls13_verdict(RF_DTLS_WHY_NO_CERTIFICATE, SSL_AD_CERTIFICATE_REQUIRED);
	/* The fingerprint is of the first; what else comes is read for its grammar only. */
	while (!list.err && rf_left(&list)) {
		struct rf_view der = take_24(&list);
		struct rf_reader x = rf_reader_of(rf_take(&list, rf_take_be16(&list)));
		struct rf_view data;
		uint16_t type;

		while (rf_dtls13_extension_next(&x, &type, &data))
			; /* we asked for none, and use none */
		list.err = list.err ? list.err : x.err;
		first = first.p ? first : der;
	}
	if (list.err || !first.n)
		return rf_dtls13_verdict(RF_DTLS_WHY_PROTOCOL, SSL_AD_DECODE_ERROR);
	return judge(d, first, ret_key);
}

/* --- CertificateVerify */

/* RFC 8446 4.4.3; DTLS has the same words. */
static int content_of(const struct rf_dtls13_keys *k, bool server, uint8_t content[static CONTENT_MAX], size_t *ret_n)
{
	struct rf_view words = server ? RF_V("TLS 1.3, server CertificateVerify\0") :
			       RF_V("TLS 1.3, client CertificateVerify\0");

	memset(content, ' ', 64);
	memcpy(content + 64, words.p, words.n);
	*ret_n = 64 + words.n + k->n;
	return rf_dtls13_keys_hash(k, content + 64 + words.n);
}

int rf_dtls13_verify_put(const struct rf_dtls *d, const struct rf_dtls13_keys *k, bool server, struct rf_writer *w)
{
	EVP_PKEY *key = SSL_CTX_get0_privatekey(d->ssl_ctx);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t content[CONTENT_MAX], signature[SIGNATURE_MAX];
	size_t n, signature_n = sizeof signature;
	bool ok = key && ctx && content_of(k, server, content, &n) == 0 &&
		  EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, key, NULL) == 1 &&
		  EVP_DigestSign(ctx, signature, &signature_n, content, n) == 1;

	EVP_MD_CTX_free(ctx);
	if (!ok)
		return RF_E_CRYPTO;
	rf_dtls13_put_be(w, ECDSA_P256_SHA256, 2);
	rf_dtls13_put_be(w, signature_n, 2);
	rf_put(w, rf_view_of(signature, signature_n));
	return w->err;
}

static int scheme_of(uint16_t id, EVP_PKEY *key)
{
	char curve[32] = "";

	for (int i = 0; i < SCHEMES; i++) {
		if (schemes[i].id != id || !EVP_PKEY_is_a(key, schemes[i].key))
			continue;
		if (!schemes[i].curve)
			return i;
		EVP_PKEY_get_group_name(key, curve, sizeof curve, NULL);
		return strcmp(curve, schemes[i].curve) == 0 ? i : -1;
	}
	return -1;
}

static bool is_signed(int scheme, EVP_PKEY *key, struct rf_view content, struct rf_view signature)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *how;
	bool ok = ctx && EVP_DigestVerifyInit_ex(ctx, &how, schemes[scheme].digest, NULL, NULL, key, NULL) == 1 &&
		  (!schemes[scheme].pss || (EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING) == 1 &&
					    EVP_PKEY_CTX_set_rsa_pss_saltlen(how, RSA_PSS_SALTLEN_DIGEST) == 1)) &&
		  EVP_DigestVerify(ctx, signature.p, signature.n, content.p, content.n) == 1;

	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return ok;
}

struct rf_dtls13_verdict rf_dtls13_verify_read(const struct rf_dtls13_keys *k, EVP_PKEY *key, bool server,
					       struct rf_view body)
{
	struct rf_reader r = rf_reader_of(body);
	uint16_t id = rf_take_be16(&r);
	struct rf_view signature = rf_take(&r, rf_take_be16(&r));
	uint8_t content[CONTENT_MAX];
	size_t n;

	if (rf_reader_end(&r))
		return rf_dtls13_verdict(RF_DTLS_WHY_PROTOCOL, SSL_AD_DECODE_ERROR);
	int scheme = scheme_of(id, key);

	if (scheme < 0)
		return rf_dtls13_verdict(RF_DTLS_WHY_CIPHER, SSL_AD_ILLEGAL_PARAMETER);
	if (content_of(k, server, content, &n))
		return rf_dtls13_verdict(RF_DTLS_WHY_LOCAL, SSL_AD_INTERNAL_ERROR);
	if (!is_signed(scheme, key, rf_view_of(content, n), signature))
		return rf_dtls13_verdict(RF_DTLS_WHY_PROTOCOL, SSL_AD_DECRYPT_ERROR);
	return RF_DTLS13_FINE;
}
