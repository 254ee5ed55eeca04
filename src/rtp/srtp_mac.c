/* HMAC-SHA1 (RFC 2104) of a packet under a session key, from what SHA-1 holds after the key's two pads.
 *
 * The one place that uses OpenSSL's SHA-1 by its own functions and not by EVP: of a key 40 bytes are kept, in the key
 * itself. By EVP it is two contexts of which each packet allocates a copy and frees it again; for 176 bytes that is 205
 * ns against 131 (by EVP_MAC 234), and with a thousand streams four more places that no cache holds
 * (decisions/0069). */
#define OPENSSL_API_COMPAT 0x10100000L /* SHA1_Update() and what goes with it are deprecated since 3.0, in favour of EVP */

#include "rtp/srtp_int.h"

#include "base/secret.h"

#include <openssl/sha.h>

_Static_assert((int)RF_SRTP_MAC_BYTES == SHA_DIGEST_LENGTH, "a digest of SHA-1");
_Static_assert(sizeof(SHA_LONG) == sizeof(uint32_t), "its words");

static bool take_pad(const uint8_t *key, uint8_t with, uint32_t ret[static RF_SRTP_MAC_WORDS])
{
	uint8_t pad[SHA_CBLOCK];
	SHA_CTX c;
	bool ok;

	memset(pad, with, sizeof pad);
	for (size_t i = 0; i < RF_SRTP_AUTH_KEY_BYTES; i++)
		pad[i] ^= key[i];
	ok = SHA1_Init(&c) == 1 && SHA1_Update(&c, pad, sizeof pad) == 1;
	memcpy(ret, (uint32_t[]){ c.h0, c.h1, c.h2, c.h3, c.h4 }, sizeof(uint32_t[RF_SRTP_MAC_WORDS]));
	rf_secret_wipe(pad, sizeof pad);
	rf_secret_wipe(&c, sizeof c);
	return ok;
}

/* As it was when one block had been taken in. */
static void resume(SHA_CTX *c, const uint32_t h[static RF_SRTP_MAC_WORDS])
{
	*c = (SHA_CTX){ .h0 = h[0], .h1 = h[1], .h2 = h[2], .h3 = h[3], .h4 = h[4], .Nl = 8 * SHA_CBLOCK };
}

bool rf_srtp_mac_init(struct rf_srtp_mac *m, const uint8_t key[static RF_SRTP_AUTH_KEY_BYTES])
{
	return take_pad(key, 0x36, m->inner) && take_pad(key, 0x5c, m->outer);
}

bool rf_srtp_mac_of(const struct rf_srtp_mac *m, struct rf_view text, struct rf_view behind,
		    uint8_t ret[static RF_SRTP_MAC_BYTES])
{
	SHA_CTX c;
	bool ok;

	resume(&c, m->inner);
	ok = SHA1_Update(&c, text.p, text.n) == 1 && SHA1_Update(&c, behind.p, behind.n) == 1 &&
	     SHA1_Final(ret, &c) == 1;
	resume(&c, m->outer);
	ok = ok && SHA1_Update(&c, ret, RF_SRTP_MAC_BYTES) == 1 && SHA1_Final(ret, &c) == 1;
	rf_secret_wipe(&c, sizeof c);
	return ok;
}
