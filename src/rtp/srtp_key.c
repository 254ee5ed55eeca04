/* A key in force, and what it does to one packet.
 *
 * What a packet needs is made with the first one: the session keys, and the cipher's context when something is to be
 * encrypted or opened. Many keys that are agreed on never see a packet (calls that nobody answers, streams that only go
 * one way), and a stream of AES-CM that is passed with its keys needs no cipher at all. A context is half a KiB to one.
 *
 * The cipher's context holds the session key of RTP; for an RTCP packet, one in some hundreds, it is given the other
 * key, and the first one back with the next RTP packet. That costs such a packet 0.3 microseconds twice and saves a
 * second context, half a KiB for each direction of a stream. */
#include "rtp/srtp_int.h"

#include "base/hash.h"
#include "base/secret.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stddef.h>
#include <stdlib.h>

/* What OpenSSL 3.0 has of a cipher: its context and, mostly right behind it, for both are made at once,
 * the algorithm's own. */
enum { COUNTER_BYTES = 192 + 448, AEAD_BYTES = 192 + 960 };

/* RFC 3711 9.2 */
static const uint64_t most[2] = { [RF_SRTP_RTP] = UINT64_C(1) << 48, [RF_SRTP_RTCP] = UINT64_C(1) << 31 };

/* --- contexts */

static bool load(struct rf_srtp_key *k, enum rf_srtp_kind kind)
{
	const struct rf_srtp_session *s = &k->session[kind];

	k->loaded = kind;
	return EVP_CipherInit_ex2(k->cipher, NULL, s->cipher, NULL, -1, NULL) == 1;
}

static bool make_cipher(struct rf_srtp_key *k)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, k->p->cipher, NULL);
	bool ok;

	k->cipher = EVP_CIPHER_CTX_new();
	ok = cipher && k->cipher &&
	     EVP_CipherInit_ex2(k->cipher, cipher, k->session[RF_SRTP_RTP].cipher, NULL, k->sealing, NULL) == 1;
	EVP_CIPHER_free(cipher);
	k->loaded = RF_SRTP_RTP;
	if (!ok) {
		EVP_CIPHER_CTX_free(k->cipher);
		k->cipher = NULL;
	}
	return ok;
}

int rf_srtp_key_begin(struct rf_srtp_key *k, const struct rf_srtp_session session[static 2])
{
	for (unsigned i = 0; !k->p->aead && i < 2; i++)
		if (!rf_srtp_mac_init(&k->mac[i], session[i].auth))
			return RF_E_CRYPTO;
	memcpy(k->session, session, sizeof k->session);
	k->ready = true;
	return 0;
}

static int make_ready(struct rf_srtp_key *k)
{
	struct rf_srtp_session session[2];
	int rc = rf_srtp_derive(k->p, k->master, session);

	if (!rc)
		rc = rf_srtp_key_begin(k, session);
	rf_secret_wipe(session, sizeof session);
	return rc;
}

int rf_srtp_key_new(const struct rf_srtp_master *m, bool sealing, struct rf_srtp_key **ret_key)
{
	const struct rf_srtp_params *p = rf_srtp_params(m->suite);

	if (!p || m->key.n != rf_srtp_key_bytes(m->suite) || m->mki.n > RF_SRTP_MKI_MAX)
		return RF_E_INVALID;
	struct rf_srtp_key *k = calloc(1, sizeof *k + m->mki.n);

	if (!k)
		return -ENOMEM;
	k->p = p;
	k->suite = m->suite;
	k->sealing = sealing;
	for (size_t i = 0; i < 2; i++)
		k->left[i] = m->lifetime && m->lifetime < most[i] ? m->lifetime : most[i];
	memcpy(k->master, m->key.p, m->key.n);
	k->mki_n = (uint8_t)m->mki.n;
	if (m->mki.n)
		memcpy(k->mki, m->mki.p, m->mki.n);
	*ret_key = k;
	return 0;
}

struct rf_srtp_master rf_srtp_key_master(const struct rf_srtp_key *k)
{
	return (struct rf_srtp_master){ .suite = k->suite, .key = rf_view_of(k->master, rf_srtp_key_bytes(k->suite)),
					.mki = rf_view_of(k->mki, k->mki_n) };
}

bool rf_srtp_key_is(const struct rf_srtp_key *k, const struct rf_srtp_master *m)
{
	return k->suite == m->suite && rf_view_eq(rf_view_of(k->mki, k->mki_n), m->mki) &&
	       rf_secret_eq(rf_view_of(k->master, rf_srtp_key_bytes(k->suite)), m->key);
}

void rf_srtp_key_free(struct rf_srtp_key *k)
{
	if (!k)
		return;
	EVP_CIPHER_CTX_free(k->cipher);
	rf_secret_wipe(k, sizeof *k);
	free(k);
}

static void fetch(const void *p, size_t n)
{
	for (size_t at = 0; p && at < n; at += 64)
		__builtin_prefetch((const char *)p + at);
}

void rf_srtp_key_fetch(const struct rf_srtp_key *k, unsigned step)
{
	if (step == 0) {
		fetch(k, offsetof(struct rf_srtp_key, master));
		return;
	}
	fetch(k->cipher, k->p->aead ? AEAD_BYTES : COUNTER_BYTES);
}

/* --- which were there */

void rf_srtp_known_init(struct rf_srtp_known *known)
{
	*known = (struct rf_srtp_known){ .id = known->few, .cap = RF_SRTP_KNOWN_FEW };
}

void rf_srtp_known_fini(struct rf_srtp_known *known)
{
	if (known->id != known->few)
		free(known->id);
	rf_srtp_known_init(known);
}

int rf_srtp_known_reserve(struct rf_srtp_known *known, size_t more)
{
	size_t cap = known->cap;

	while (cap < known->n + more && cap < RF_SRTP_KNOWN_MAX)
		cap *= 2;
	if (cap == known->cap)
		return 0;
	uint32_t *id = malloc(cap * sizeof *id);

	if (!id)
		return -ENOMEM;
	memcpy(id, known->id, known->n * sizeof *id);
	if (known->id != known->few)
		free(known->id);
	known->id = id;
	known->cap = (uint16_t)cap;
	return 0;
}

/* Nobody but who gives the keys could aim at one that is there, and is refused its own. */
void rf_srtp_known_add(struct rf_srtp_known *known, struct rf_srtp_key *k)
{
	static const struct rf_hash_key any = { 0 };
	uint32_t id = (uint32_t)rf_hash(&any, rf_view_of(k->master, sizeof k->master));

	k->again = known->n == known->cap;
	for (uint16_t i = 0; i < known->n && !k->again; i++)
		k->again = known->id[i] == id;
	if (!k->again)
		known->id[known->n++] = id;
}

/* --- a packet */

/* Both begin with SSRC and index laid over the salt: from its fifth byte in AES-CM (RFC 3711 4.1.1), from its third in
 * GCM (RFC 7714 8.1, 9.1). */
static bool begin(struct rf_srtp_key *k, const struct rf_srtp_text *t)
{
	size_t at = k->p->aead ? 2 : 4;
	uint8_t iv[16] = { 0 };

	if (!k->cipher && !make_cipher(k))
		return false;
	if (k->loaded != t->kind && !load(k, t->kind))
		return false;
	memcpy(iv, k->session[t->kind].salt, RF_SRTP_SALT_BYTES);
	for (size_t i = 0; i < 4; i++)
		iv[at + i] ^= (uint8_t)(t->ssrc >> (24 - 8 * i));
	for (size_t i = 0; i < 6; i++)
		iv[at + 4 + i] ^= (uint8_t)(t->index >> (40 - 8 * i));
	return EVP_CipherInit_ex2(k->cipher, NULL, NULL, iv, -1, NULL) == 1;
}

/* The text in its place; forwards and back are the same in counter mode, which GCM is, too. */
static bool crypt(struct rf_srtp_key *k, const struct rf_srtp_text *t)
{
	int out, n = (int)(t->n - t->head);

	return n == 0 || EVP_CipherUpdate(k->cipher, t->buf + t->head, &out, t->buf + t->head, n) == 1;
}

static bool take_head(struct rf_srtp_key *k, const struct rf_srtp_text *t)
{
	int out;

	return EVP_CipherUpdate(k->cipher, NULL, &out, t->buf, (int)t->head) == 1 &&
	       (t->kind == RF_SRTP_RTP || EVP_CipherUpdate(k->cipher, NULL, &out, t->word, sizeof t->word) == 1);
}

/* RFC 3711 4.2: over the packet and, behind it, the roll-over counter of SRTP, the word of SRTCP. */
static bool sign(const struct rf_srtp_key *k, const struct rf_srtp_text *t, uint8_t ret_mac[static RF_SRTP_MAC_BYTES])
{
	uint32_t roc = (uint32_t)(t->index >> 16);
	uint8_t behind[4] = { (uint8_t)(roc >> 24), (uint8_t)(roc >> 16), (uint8_t)(roc >> 8), (uint8_t)roc };

	return rf_srtp_mac_of(&k->mac[t->kind], rf_view_of(t->buf, t->n),
			      rf_view_of(t->kind == RF_SRTP_RTP ? behind : t->word, sizeof behind), ret_mac);
}

static OSSL_PARAM tag_param(uint8_t *tag, size_t n)
{
	return OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, n);
}

int rf_srtp_seal(struct rf_srtp_key *k, const struct rf_srtp_text *t, uint8_t *ret_tag)
{
	uint8_t mac[RF_SRTP_MAC_BYTES];
	size_t tag_n = k->p->tag_n[t->kind];
	int out;

	if ((!k->ready && make_ready(k) != 0) || !begin(k, t))
		return RF_E_CRYPTO;
	if (k->p->aead) {
		OSSL_PARAM params[2] = { tag_param(ret_tag, tag_n), OSSL_PARAM_construct_end() };

		return take_head(k, t) && crypt(k, t) && EVP_CipherFinal_ex(k->cipher, mac, &out) == 1 &&
		       EVP_CIPHER_CTX_get_params(k->cipher, params) == 1 ? 0 : RF_E_CRYPTO;
	}
	if (!crypt(k, t) || !sign(k, t, mac))
		return RF_E_CRYPTO;
	memcpy(ret_tag, mac, tag_n);
	return 0;
}

/* What a false packet was turned into is turned back: another key may fit it. */
static int open_aead(struct rf_srtp_key *k, const struct rf_srtp_text *t, const uint8_t *tag)
{
	uint8_t none[16], copy[RF_SRTP_TAG_MAX];
	OSSL_PARAM params[2] = { tag_param(copy, sizeof copy), OSSL_PARAM_construct_end() };
	int out;

	memcpy(copy, tag, sizeof copy);
	if (!begin(k, t) || EVP_CIPHER_CTX_set_params(k->cipher, params) != 1 || !take_head(k, t) || !crypt(k, t))
		return RF_E_CRYPTO;
	if (EVP_CipherFinal_ex(k->cipher, none, &out) == 1)
		return 0;
	return begin(k, t) && crypt(k, t) ? RF_E_AUTH : RF_E_CRYPTO;
}

int rf_srtp_check(struct rf_srtp_key *k, const struct rf_srtp_text *t, const uint8_t *tag)
{
	uint8_t mac[RF_SRTP_MAC_BYTES];
	size_t tag_n = k->p->tag_n[t->kind];

	if ((!k->ready && make_ready(k) != 0) || !sign(k, t, mac))
		return RF_E_CRYPTO;
	return rf_secret_eq(rf_view_of(mac, tag_n), rf_view_of(tag, tag_n)) ? 0 : RF_E_AUTH;
}

int rf_srtp_open(struct rf_srtp_key *k, const struct rf_srtp_text *t, const uint8_t *tag)
{
	if (k->p->aead)
		return !k->ready && make_ready(k) != 0 ? RF_E_CRYPTO : open_aead(k, t, tag);
	int rc = rf_srtp_check(k, t, tag);

	return rc ? rc : begin(k, t) && crypt(k, t) ? 0 : RF_E_CRYPTO;
}
