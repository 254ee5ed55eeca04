#define OPENSSL_SUPPRESS_DEPRECATED /* EC_KEY_METHOD: see keyhandle.h */

#include "role/keyhandle.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>

struct rf_keyhandle {
	rf_keyhandle_sign *sign;
	void *arg;
	EC_KEY_METHOD *method;
	EVP_PKEY *pkey;
};

/* Index 0 of a key's extra data is for the application (OpenSSL reserves it: "app data"); OpenSSL hands this
 * callback nothing but the key. */
static int sign_elsewhere(int type, const unsigned char *digest, int n, unsigned char *sig, unsigned int *sig_n,
			  const BIGNUM *kinv, const BIGNUM *r, EC_KEY *key)
{
	struct rf_keyhandle *h = EC_KEY_get_ex_data(key, 0);
	uint8_t out[RF_KEYHANDLE_SIG_MAX];
	size_t out_n;

	(void)type;
	if (!h || kinv || r || n < 0 || h->sign(h->arg, rf_view_of(digest, (size_t)n), out, &out_n))
		return 0;
	if (out_n > (size_t)ECDSA_size(key))
		return 0;
	memcpy(sig, out, out_n);
	*sig_n = (unsigned)out_n;
	return 1;
}

static EC_KEY *public_half(struct evp_pkey_st *public_key)
{
	char group[64];
	unsigned char point[256], *at = point;
	size_t n = 0;

	if (!EVP_PKEY_is_a(public_key, "EC") ||
	    EVP_PKEY_get_group_name(public_key, group, sizeof group, NULL) != 1 ||
	    EVP_PKEY_get_octet_string_param(public_key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, point, sizeof point,
					    &n) != 1)
		return NULL;
	EC_KEY *key = EC_KEY_new_by_curve_name(OBJ_txt2nid(group));
	if (key && EC_KEY_oct2key(key, at, n, NULL) != 1) {
		EC_KEY_free(key);
		key = NULL;
	}
	return key;
}

int rf_keyhandle_new(struct evp_pkey_st *public_key, rf_keyhandle_sign *sign, void *arg,
		     struct rf_keyhandle **ret_handle, struct rf_diag *diag)
{
	struct rf_keyhandle *h = calloc(1, sizeof *h);
	EC_KEY *key = public_half(public_key);

	if (!key) {
		free(h);
		return rf_diag_set(diag, RF_E_UNSUPPORTED, "the controller's certificate has no EC key");
	}
	if (h) {
		h->sign = sign;
		h->arg = arg;
		h->method = EC_KEY_METHOD_new(EC_KEY_OpenSSL());
		h->pkey = EVP_PKEY_new();
	}
	if (!h || !h->method || !h->pkey || EC_KEY_set_ex_data(key, 0, h) != 1)
		goto fail;
	EC_KEY_METHOD_set_sign(h->method, sign_elsewhere, NULL, NULL);
	if (EC_KEY_set_method(key, h->method) != 1 || EVP_PKEY_assign_EC_KEY(h->pkey, key) != 1)
		goto fail;
	*ret_handle = h;
	return 0;
fail:
	EC_KEY_free(key);
	rf_keyhandle_free(h);
	return rf_diag_set(diag, -ENOMEM, "the key handle: out of memory");
}

void rf_keyhandle_free(struct rf_keyhandle *h)
{
	if (!h)
		return;
	EVP_PKEY_free(h->pkey);
	if (h->method)
		EC_KEY_METHOD_free(h->method);
	free(h);
}

struct evp_pkey_st *rf_keyhandle_pkey(struct rf_keyhandle *h)
{
	return h->pkey;
}

int rf_keyhandle_public(const char *cert_file, struct evp_pkey_st **ret_key, struct rf_diag *diag)
{
	FILE *f = fopen(cert_file, "re");

	if (!f)
		return rf_diag_set(diag, -errno, "%s: %s", cert_file, strerror(errno));
	X509 *cert = PEM_read_X509(f, NULL, NULL, NULL);
	fclose(f);
	EVP_PKEY *key = cert ? X509_get_pubkey(cert) : NULL;
	X509_free(cert);
	if (!key)
		return rf_diag_set(diag, RF_E_CRYPTO, "%s holds no certificate in PEM", cert_file);
	*ret_key = key;
	return 0;
}

void rf_keyhandle_public_free(struct evp_pkey_st *key)
{
	EVP_PKEY_free(key);
}
