#include "rtp/dtls_int.h"

#include "base/reader.h"
#include "base/secret.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

enum { RECORD_HEAD = 13, EXPLICIT = 8, TAG = 16, ALERT = 2 };

bool rf_dtls_record_next(struct rf_view *datagram, struct rf_dtls_record *ret_record)
{
	struct rf_reader r = rf_reader_of(*datagram);
	uint8_t type = rf_take_u8(&r), major = rf_take_u8(&r), minor = rf_take_u8(&r);
	uint16_t epoch = rf_take_be16(&r);

	rf_take(&r, 6);
	struct rf_view body = rf_take(&r, rf_take_be16(&r));

	/* 254.255 is 1.0: a ClientHello may still be in such a record. */
	if (r.err || body.n == 0 || type < RF_DTLS_CHANGE || type > 63)
		return false;
	if (major != 254 || (minor != 255 && minor != 253))
		return false;
	*ret_record = (struct rf_dtls_record){ { datagram->p, RECORD_HEAD + body.n }, body, type, epoch };
	*datagram = rf_view_from(*datagram, RECORD_HEAD + body.n);
	return true;
}

/* key_block = PRF(master_secret, "key expansion", server_random + client_random) */
static int expand(SSL *ssl, const char *digest, uint8_t *block, size_t n)
{
	uint8_t master[SSL_MAX_MASTER_KEY_LENGTH], client[32], server[32];
	size_t master_n = SSL_SESSION_get_master_key(SSL_get_session(ssl), master, sizeof master);
	char label[] = "key expansion", name[16];
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, name, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, master, master_n),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, label, sizeof label - 1),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, server, sizeof server),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, client, sizeof client),
		OSSL_PARAM_construct_end(),
	};
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS1-PRF", NULL);
	EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	bool ok = rf_view_cstr(rf_view_str(digest), name, sizeof name) &&
		  SSL_get_client_random(ssl, client, sizeof client) == sizeof client &&
		  SSL_get_server_random(ssl, server, sizeof server) == sizeof server &&
		  ctx && EVP_KDF_derive(ctx, block, n, params) == 1;

	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	rf_secret_wipe(master, sizeof master);
	return ok ? 0 : RF_E_CRYPTO;
}

int rf_dtls_opener_make(SSL *ssl, bool server, struct rf_dtls_opener *ret_opener)
{
	const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);
	const EVP_MD *md = cipher ? SSL_CIPHER_get_handshake_digest(cipher) : NULL;
	size_t n = cipher ? (size_t)SSL_CIPHER_get_bits(cipher, NULL) / 8 : 0;
	uint8_t block[2 * 32 + 2 * 4];
	struct rf_dtls_opener o = { .key_n = n };

	if (!md || (n != 16 && n != 32))
		return RF_E_CRYPTO;
	int rc = expand(ssl, EVP_MD_get0_name(md), block, 2 * n + 2 * sizeof o.salt);

	/* The client's key, the server's, the client's salt, the server's: what the peer writes with. */
	memcpy(o.key, block + (server ? 0 : n), n);
	memcpy(o.salt, block + 2 * n + (server ? 0 : sizeof o.salt), sizeof o.salt);
	if (!rc)
		*ret_opener = o;
	rf_secret_wipe(block, sizeof block);
	rf_secret_wipe(&o, sizeof o);
	return rc;
}

/* RFC 5288 3, RFC 6347 4.1.2.1: the number of the record, and the head as it would be without sealing. */
static bool open_gcm(EVP_CIPHER_CTX *ctx, const struct rf_dtls_opener *o, const struct rf_dtls_record *r,
		     uint8_t plain[static ALERT])
{
	const EVP_CIPHER *cipher = o->key_n == 16 ? EVP_aes_128_gcm() : EVP_aes_256_gcm();
	const uint8_t *head = r->bytes.p, *text = r->body.p + EXPLICIT;
	uint8_t nonce[12], bound[13], tag[TAG], rest[TAG];
	int n;

	memcpy(nonce, o->salt, sizeof o->salt);
	memcpy(nonce + sizeof o->salt, r->body.p, EXPLICIT);
	memcpy(bound, head + 3, 8);
	memcpy(bound + 8, head, 3);
	bound[11] = 0;
	bound[12] = ALERT;
	memcpy(tag, text + ALERT, TAG);
	return EVP_DecryptInit_ex2(ctx, cipher, o->key, nonce, NULL) == 1 &&
	       EVP_DecryptUpdate(ctx, NULL, &n, bound, sizeof bound) == 1 &&
	       EVP_DecryptUpdate(ctx, plain, &n, text, ALERT) == 1 &&
	       EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG, tag) == 1 &&
	       EVP_DecryptFinal_ex(ctx, rest, &n) == 1;
}

int rf_dtls_open_alert(const struct rf_dtls_opener *o, const struct rf_dtls_record *r)
{
	uint8_t plain[ALERT];
	EVP_CIPHER_CTX *ctx;
	int alert = -1;

	if (!o->key_n || r->type != RF_DTLS_ALERT_RECORD || r->epoch != 1 || r->body.n != EXPLICIT + ALERT + TAG)
		return -1;
	ctx = EVP_CIPHER_CTX_new();
	if (ctx && open_gcm(ctx, o, r, plain))
		alert = plain[0] << 8 | plain[1];
	EVP_CIPHER_CTX_free(ctx);
	return alert;
}
