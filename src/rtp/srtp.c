#include "rtp/srtp_int.h"

#include "base/secret.h"
#include "rtp/rtp.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>

struct rf_srtp {
	const struct rf_srtp_params *p;
	EVP_CIPHER_CTX *cipher; /* with the session key in it */
	EVP_MAC_CTX *mac;       /* likewise; NULL: an AEAD needs none */
	uint8_t salt[RF_SRTP_SALT_BYTES];
	bool begun;
	uint64_t last;          /* packet index: roll-over counter and sequence number */
};

static bool make_cipher(struct rf_srtp *s, const uint8_t *key)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, s->p->cipher, NULL);
	bool ok;

	s->cipher = EVP_CIPHER_CTX_new();
	ok = cipher && s->cipher && EVP_EncryptInit_ex2(s->cipher, cipher, key, NULL, NULL) == 1;
	EVP_CIPHER_free(cipher);
	return ok;
}

static bool make_mac(struct rf_srtp *s, const uint8_t *key)
{
	char digest[] = "SHA1";
	OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end() };
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	bool ok;

	s->mac = mac ? EVP_MAC_CTX_new(mac) : NULL;
	ok = s->mac && EVP_MAC_init(s->mac, key, RF_SRTP_AUTH_KEY_BYTES, params) == 1;
	EVP_MAC_free(mac);
	return ok;
}

int rf_srtp_new_session(const struct rf_srtp_params *p, const struct rf_srtp_keys *keys, struct rf_srtp **ret_srtp)
{
	struct rf_srtp *s = calloc(1, sizeof *s);

	if (!s)
		return -ENOMEM;
	s->p = p;
	memcpy(s->salt, keys->salt, p->salt_n);
	if (!make_cipher(s, keys->cipher) || (!p->aead && !make_mac(s, keys->auth))) {
		rf_srtp_free(s);
		return RF_E_CRYPTO;
	}
	*ret_srtp = s;
	return 0;
}

int rf_srtp_new(enum rf_srtp_suite suite, struct rf_view key, struct rf_srtp **ret_srtp)
{
	const struct rf_srtp_params *p = rf_srtp_params(suite);
	struct rf_srtp_keys keys;

	if (!p || key.n != rf_srtp_key_bytes(suite))
		return RF_E_INVALID;
	int rc = rf_srtp_derive(p, key.p, &keys);

	if (!rc)
		rc = rf_srtp_new_session(p, &keys, ret_srtp);
	rf_secret_wipe(&keys, sizeof keys);
	return rc;
}

void rf_srtp_free(struct rf_srtp *s)
{
	if (!s)
		return;
	EVP_CIPHER_CTX_free(s->cipher);
	EVP_MAC_CTX_free(s->mac);
	rf_secret_wipe(s, sizeof *s);
	free(s);
}

/* --- a packet */

/* A sender knows its roll-over counter: the sequence number went round when it is lower than the last. */
static int next_index(const struct rf_srtp *s, uint16_t seq, uint64_t *ret_index)
{
	uint64_t roc = s->last >> 16;
	uint16_t step = (uint16_t)(seq - (uint16_t)s->last);

	if (s->begun && (step == 0 || step >= 0x8000))
		return RF_E_STATE;
	if (s->begun && seq < (uint16_t)s->last)
		roc++;
	if (roc > UINT32_MAX)
		return RF_E_LIMIT;
	*ret_index = roc << 16 | seq;
	return 0;
}

/* Both begin with SSRC and index laid over the salt: from its fifth byte in AES-CM (RFC 3711 4.1.1), from its third in
 * GCM (RFC 7714 8.1). */
static void make_iv(const struct rf_srtp *s, uint32_t ssrc, uint64_t index, uint8_t iv[static 16])
{
	size_t at = s->p->aead ? 2 : 4;

	memset(iv, 0, 16);
	memcpy(iv, s->salt, s->p->salt_n);
	for (size_t i = 0; i < 4; i++)
		iv[at + i] ^= (uint8_t)(ssrc >> (24 - 8 * i));
	for (size_t i = 0; i < 6; i++)
		iv[at + 4 + i] ^= (uint8_t)(index >> (40 - 8 * i));
}

static bool seal(struct rf_srtp *s, const uint8_t *iv, uint8_t *buf, size_t head, size_t n)
{
	int out, text = (int)(n - head);

	return EVP_EncryptInit_ex2(s->cipher, NULL, NULL, iv, NULL) == 1 &&
	       EVP_EncryptUpdate(s->cipher, NULL, &out, buf, (int)head) == 1 &&
	       (text == 0 || EVP_EncryptUpdate(s->cipher, buf + head, &out, buf + head, text) == 1) &&
	       EVP_EncryptFinal_ex(s->cipher, buf + n, &out) == 1 &&
	       EVP_CIPHER_CTX_ctrl(s->cipher, EVP_CTRL_AEAD_GET_TAG, s->p->tag_n, buf + n) == 1;
}

/* RFC 3711 4.2: over the packet and the roll-over counter, cut to the tag's length. */
static bool encrypt_and_sign(struct rf_srtp *s, const uint8_t *iv, uint64_t index, uint8_t *buf, size_t head, size_t n)
{
	uint32_t roc = (uint32_t)(index >> 16);
	uint8_t behind[4] = { (uint8_t)(roc >> 24), (uint8_t)(roc >> 16), (uint8_t)(roc >> 8), (uint8_t)roc }, tag[20];
	int out, text = (int)(n - head);
	size_t tag_n;
	bool ok = EVP_EncryptInit_ex2(s->cipher, NULL, NULL, iv, NULL) == 1 &&
		  (text == 0 || EVP_EncryptUpdate(s->cipher, buf + head, &out, buf + head, text) == 1) &&
		  EVP_MAC_init(s->mac, NULL, 0, NULL) == 1 && EVP_MAC_update(s->mac, buf, n) == 1 &&
		  EVP_MAC_update(s->mac, behind, sizeof behind) == 1 && EVP_MAC_final(s->mac, tag, &tag_n, sizeof tag) == 1;

	if (ok)
		memcpy(buf + n, tag, s->p->tag_n);
	return ok;
}

int rf_srtp_protect(struct rf_srtp *s, uint8_t *buf, size_t n, size_t cap, size_t *ret_n)
{
	struct rf_rtp_head head;
	uint8_t iv[16];
	uint64_t index;
	int rc = rf_rtp_head_parse(rf_view_of(buf, n), &head);

	if (!rc && cap - n < s->p->tag_n)
		rc = RF_E_SPACE;
	if (!rc)
		rc = next_index(s, head.seq, &index);
	if (rc)
		return rc;
	s->last = index; /* even when it fails: the index is used up */
	s->begun = true;
	make_iv(s, head.ssrc, index, iv);
	if (!(s->p->aead ? seal(s, iv, buf, head.size, n) : encrypt_and_sign(s, iv, index, buf, head.size, n)))
		return RF_E_CRYPTO;
	*ret_n = n + s->p->tag_n;
	return 0;
}
