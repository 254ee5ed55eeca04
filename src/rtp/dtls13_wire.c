#include "rtp/dtls13_int.h"

#include "base/secret.h"

#include <openssl/evp.h>

enum {
	TAG = 16, IV = 12, SAMPLE = 16,
	HEAD = 5,                       /* ours: 16 bits of the number, a length */
	/* The first byte: 001, connection id, long number, length, two bits of the epoch (RFC 9147 4). */
	FIXED = 0xe0, SEALED = 0x20, CID = 0x10, LONG = 0x08, LENGTH = 0x04, EPOCH = 0x03,
	NUMBER_BYTES = 16,              /* in an acknowledgement: epoch and number, 8 each */
};
static const uint64_t numbers_max = 1 << 24; /* AES-GCM wears out behind it (RFC 8446 5.5); a handshake needs tens */

void rf_dtls13_put_be(struct rf_writer *w, uint64_t x, unsigned bytes)
{
	while (bytes--)
		rf_put_byte(w, (uint8_t)(x >> bytes * 8));
}

/* --- what comes */

bool rf_dtls13_sealed_next(struct rf_view *datagram, struct rf_dtls13_sealed *ret_sealed)
{
	struct rf_reader r = rf_reader_of(*datagram);
	uint8_t first = rf_take_u8(&r);

	/* A connection id was not agreed on: what has one is not for us. */
	if (r.err || (first & FIXED) != SEALED || first & CID)
		return false;
	rf_take(&r, first & LONG ? 2 : 1);
	size_t n = first & LENGTH ? rf_take_be16(&r) : rf_left(&r), head_n = datagram->n - rf_left(&r);
	struct rf_view body = rf_take(&r, n);

	if (r.err || body.n < SAMPLE + 1)
		return false;
	*ret_sealed = (struct rf_dtls13_sealed){ rf_view_sub(*datagram, 0, head_n), body, first & EPOCH };
	*datagram = rf_view_from(*datagram, head_n + n);
	return true;
}

/* RFC 9147 4.2.3: AES over the first bytes of what is sealed. */
static bool mask_of(const struct rf_dtls13_seal *s, const uint8_t *sample, uint8_t mask[static SAMPLE])
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n = 0;
	bool ok = ctx &&
		  EVP_EncryptInit_ex2(ctx, s->key_n == 16 ? EVP_aes_128_ecb() : EVP_aes_256_ecb(), s->number, NULL,
				      NULL) == 1 &&
		  EVP_EncryptUpdate(ctx, mask, &n, sample, SAMPLE) == 1 && n == SAMPLE;

	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

/* The number whose low bits are these and which is nearest to the one that is expected (RFC 9147 4.2.2). */
static uint64_t whole_number(uint64_t expected, uint64_t low, unsigned bits)
{
	uint64_t size = (uint64_t)1 << bits, number = (expected & ~(size - 1)) | low;

	if (number + size / 2 < expected)
		return number + size;
	return number > expected + size / 2 && number >= size ? number - size : number;
}

static void nonce_of(const struct rf_dtls13_seal *s, uint64_t number, uint8_t nonce[static IV])
{
	memcpy(nonce, s->iv, IV);
	for (unsigned i = 0; i < 8; i++)
		nonce[IV - 1 - i] ^= (uint8_t)(number >> 8 * i);
}

static bool open_gcm(const struct rf_dtls13_seal *s, const uint8_t *nonce, struct rf_view head, struct rf_view body,
		     uint8_t *plain)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t tag[TAG], rest[TAG];
	int n, text_n = (int)(body.n - TAG);
	bool ok;

	memcpy(tag, body.p + text_n, TAG);
	ok = ctx &&
	     EVP_DecryptInit_ex2(ctx, s->key_n == 16 ? EVP_aes_128_gcm() : EVP_aes_256_gcm(), s->key, nonce, NULL) ==
		     1 &&
	     EVP_DecryptUpdate(ctx, NULL, &n, head.p, (int)head.n) == 1 &&
	     EVP_DecryptUpdate(ctx, plain, &n, body.p, text_n) == 1 &&
	     EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG, tag) == 1 && EVP_DecryptFinal_ex(ctx, rest, &n) == 1;
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

int rf_dtls13_open(struct rf_dtls13_seal *s, const struct rf_dtls13_sealed *r, uint8_t *plain,
		   struct rf_dtls13_opened *ret_opened)
{
	uint8_t head[HEAD], mask[SAMPLE], nonce[IV];
	size_t number_n = r->head.p[0] & LONG ? 2 : 1, n = r->body.n - TAG;
	uint64_t low = 0;

	if (!s->key_n || !mask_of(s, r->body.p, mask))
		return RF_E_AUTH;
	memcpy(head, r->head.p, r->head.n);
	for (size_t i = 0; i < number_n; i++) {
		head[1 + i] ^= mask[i];
		low = low << 8 | head[1 + i];
	}
	uint64_t number = whole_number(s->next, low, (unsigned)number_n * 8);

	nonce_of(s, number, nonce);
	if (!open_gcm(s, nonce, rf_view_of(head, r->head.n), r->body, plain))
		return RF_E_AUTH;
	if (number >= s->next)
		s->next = number + 1;
	while (n && plain[n - 1] == 0) /* padding */
		n--;
	if (!n)
		return RF_E_MALFORMED;
	*ret_opened = (struct rf_dtls13_opened){ plain[n - 1], number, { plain, n - 1 } };
	return 0;
}

/* --- what goes */

int rf_dtls13_seal_make(const EVP_MD *md, size_t key_n, const uint8_t *secret, struct rf_dtls13_seal *ret_seal)
{
	struct rf_view none = { NULL, 0 };
	struct rf_dtls13_seal s = { .key_n = key_n };
	int rc = rf_dtls13_expand(md, secret, "key", none, s.key, key_n);

	rc = rc ? rc : rf_dtls13_expand(md, secret, "iv", none, s.iv, sizeof s.iv);
	rc = rc ? rc : rf_dtls13_expand(md, secret, "sn", none, s.number, key_n);
	if (!rc)
		*ret_seal = s;
	rf_secret_wipe(&s, sizeof s);
	return rc;
}

static bool seal_gcm(const struct rf_dtls13_seal *s, const uint8_t *nonce, const uint8_t *head, struct rf_view content,
		     uint8_t type, uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n, text_n = 0;
	bool ok = ctx &&
		  EVP_EncryptInit_ex2(ctx, s->key_n == 16 ? EVP_aes_128_gcm() : EVP_aes_256_gcm(), s->key, nonce,
				      NULL) == 1 &&
		  EVP_EncryptUpdate(ctx, NULL, &n, head, HEAD) == 1 &&
		  EVP_EncryptUpdate(ctx, out, &text_n, content.p, (int)content.n) == 1 &&
		  EVP_EncryptUpdate(ctx, out + text_n, &n, &type, 1) == 1 &&
		  EVP_EncryptFinal_ex(ctx, out + text_n + n, &n) == 1 &&
		  EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG, out + content.n + 1) == 1;

	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

int rf_dtls13_seal_put(struct rf_dtls13_seal *s, unsigned epoch, uint8_t type, struct rf_view content,
		       struct rf_writer *w)
{
	size_t body_n = content.n + 1 + TAG;
	uint8_t *p, mask[SAMPLE], nonce[IV];

	if (s->next >= numbers_max)
		return RF_E_LIMIT;
	if (body_n > RF_DTLS_MTU || !(p = rf_put_space(w, HEAD + body_n)))
		return RF_E_SPACE;
	p[0] = (uint8_t)(SEALED | LONG | LENGTH | (epoch & EPOCH));
	p[1] = (uint8_t)(s->next >> 8);
	p[2] = (uint8_t)s->next;
	p[3] = (uint8_t)(body_n >> 8);
	p[4] = (uint8_t)body_n;
	nonce_of(s, s->next, nonce);
	if (!seal_gcm(s, nonce, p, content, type, p + HEAD) || !mask_of(s, p + HEAD, mask))
		return RF_E_CRYPTO;
	p[1] ^= mask[0];
	p[2] ^= mask[1];
	s->next++;
	return 0;
}

void rf_dtls13_plain_put(uint64_t number, uint8_t type, struct rf_view content, struct rf_writer *w)
{
	rf_put_byte(w, type);
	rf_dtls13_put_be(w, RF_DTLS13_LEGACY, 2);
	rf_dtls13_put_be(w, 0, 2);
	rf_dtls13_put_be(w, number, 6);
	rf_dtls13_put_be(w, content.n, 2);
	rf_put(w, content);
}

/* --- acknowledgements (RFC 9147 7) */

void rf_dtls13_ack_put(unsigned epoch, const uint64_t *numbers, size_t count, struct rf_writer *w)
{
	rf_dtls13_put_be(w, count * NUMBER_BYTES, 2);
	for (size_t i = 0; i < count; i++) {
		rf_dtls13_put_be(w, epoch, 8);
		rf_dtls13_put_be(w, numbers[i], 8);
	}
}

static uint64_t take_be64(struct rf_reader *r)
{
	uint64_t high = rf_take_be32(r);

	return high << 32 | rf_take_be32(r);
}

int rf_dtls13_ack_names(struct rf_view body, unsigned epoch, uint64_t end, bool *ret_named)
{
	struct rf_reader r = rf_reader_of(body);
	size_t n = rf_take_be16(&r);

	*ret_named = false;
	if (r.err || n != rf_left(&r) || n % NUMBER_BYTES)
		return RF_E_MALFORMED;
	while (rf_left(&r)) {
		uint64_t of = take_be64(&r), number = take_be64(&r);

		*ret_named |= of == epoch && number < end;
	}
	return r.err;
}
