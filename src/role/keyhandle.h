/* A private key that is elsewhere: an EVP_PKEY with the public half of a certificate and a sign operation that asks
 * someone (the keeper). TLS contexts take it like any other key.
 *
 * It is an EC_KEY with a method of its own: the small way, and in OpenSSL 3 still a supported one. A provider would be
 * the way to do it should a later OpenSSL take the method away; only keyhandle.c would change. */
#ifndef RF_ROLE_KEYHANDLE_H
#define RF_ROLE_KEYHANDLE_H

#include "base/err.h"
#include "base/view.h"

#define RF_KEYHANDLE_SIG_MAX 144

struct evp_pkey_st;

/* Sign a digest with ECDSA, the DER signature to sig. Called on the thread that does the TLS handshake. */
typedef int rf_keyhandle_sign(void *arg, struct rf_view digest, uint8_t sig[static RF_KEYHANDLE_SIG_MAX],
			      size_t *ret_n);

/* public_key: EC (borrowed, copied). gone(arg) comes when the last reference to the key has been given back, on
 * whatever thread did: contexts and their connections have some. RF_E_UNSUPPORTED when the key is not EC; on an error
 * gone does not come. */
int rf_keyhandle_new(struct evp_pkey_st *public_key, rf_keyhandle_sign *sign, void (*gone)(void *arg), void *arg,
		     struct evp_pkey_st **ret_key, struct rf_diag *diag);

/* The public key of a PEM certificate file. -errno, RF_E_CRYPTO. */
int rf_keyhandle_public(const char *cert_file, struct evp_pkey_st **ret_key, struct rf_diag *diag);
void rf_keyhandle_free(struct evp_pkey_st *key); /* a reference to either; NULL is fine */

#endif
