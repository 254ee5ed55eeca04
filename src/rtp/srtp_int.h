/* Shared by the files of SRTP, and by its tests, whose vectors begin at session keys. */
#ifndef RF_RTP_SRTP_INT_H
#define RF_RTP_SRTP_INT_H

#include "rtp/srtp.h"

enum {
	RF_SRTP_CIPHER_KEY_MAX = 32,
	RF_SRTP_SALT_BYTES = 14, /* of AES-CM; GCM uses the first twelve */
	RF_SRTP_AUTH_KEY_BYTES = 20,
};

struct rf_srtp_params {
	const char *name;
	const char *cipher;     /* as OpenSSL calls it */
	const char *derivation; /* the block cipher of the key derivation, in counter mode */
	uint8_t key_n, salt_n, tag_n;
	bool aead;
};
/* NULL for RF_SRTP_NONE and what is no suite. */
const struct rf_srtp_params *rf_srtp_params(enum rf_srtp_suite suite);

struct rf_srtp_keys {
	uint8_t cipher[RF_SRTP_CIPHER_KEY_MAX];
	uint8_t salt[RF_SRTP_SALT_BYTES];
	uint8_t auth[RF_SRTP_AUTH_KEY_BYTES];
};
/* RFC 3711 4.3.1; RF_E_CRYPTO. master: p->key_n and p->salt_n bytes. */
int rf_srtp_derive(const struct rf_srtp_params *p, const uint8_t *master, struct rf_srtp_keys *ret_keys);

/* A stream from session keys. */
int rf_srtp_new_session(const struct rf_srtp_params *p, const struct rf_srtp_keys *keys, struct rf_srtp **ret_srtp);

#endif
