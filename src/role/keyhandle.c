#define OPENSSL_SUPPRESS_DEPRECATED /* EC_KEY_METHOD: see keyhandle.h */

#include "role/keyhandle.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

struct handle {
	atomic_uint refs; /* EC_KEYs that have it: OpenSSL may copy one */
	rf_keyhandle_sign *sign;
	void (*gone)(void *arg);
	void *arg;
	EC_KEY_METHOD *method;
};

/* Index 0 of a key's extra data is for the application (OpenSSL reserves it: "app data"); OpenSSL hands this
 * callback nothing but the key. */
static int sign_elsewhere(int type, const unsigned char *digest, int n, unsigned char *sig, unsigned int *sig_n,
			  const BIGNUM *kinv, const BIGNUM *r, EC_KEY *key)
{
	struct handle *h = EC_KEY_get_ex_data(key, 0);
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

static int copied(EC_KEY *to, const EC_KEY *from)
{
	struct handle *h = EC_KEY_get_ex_data(from, 0);

	(void)to;
	atomic_fetch_add(&h->refs, 1);
	return 1;
}

static void drop(struct handle *h)
{
	if (atomic_fetch_sub(&h->refs, 1) != 1)
		return;
	if (h->gone)
		h->gone(h->arg);
	EC_KEY_METHOD_free(h->method);
	free(h);
}

/* A key's end; OpenSSL asks nothing more of its method after this. */
static void finished(EC_KEY *key)
{
	struct handle *h = EC_KEY_get_ex_data(key, 0);

	if (h)
		drop(h);
}

static struct handle *new_handle(rf_keyhandle_sign *sign, void *arg)
{
	struct handle *h = calloc(1, sizeof *h);

	if (!h)
		return NULL;
	h->method = EC_KEY_METHOD_new(EC_KEY_OpenSSL());
	if (!h->method) {
		free(h);
		return NULL;
	}
	atomic_init(&h->refs, 1);
	h->sign = sign;
	h->arg = arg;
	EC_KEY_METHOD_set_sign(h->method, sign_elsewhere, NULL, NULL);
	EC_KEY_METHOD_set_init(h->method, NULL, finished, copied, NULL, NULL, NULL);
	return h;
}

int rf_keyhandle_new(struct evp_pkey_st *public_key, rf_keyhandle_sign *sign, void (*gone)(void *arg), void *arg,
		     struct evp_pkey_st **ret_key, struct rf_diag *diag)
{
	EC_KEY *key = public_half(public_key);

	if (!key)
		return rf_diag_set(diag, RF_E_UNSUPPORTED,
				   "the certificate has no EC key; `ringfort host issue` makes one that has");
	EVP_PKEY *pkey = EVP_PKEY_new();
	struct handle *h = pkey ? new_handle(sign, arg) : NULL;

	if (h && EC_KEY_set_ex_data(key, 0, h) != 1) {
		drop(h);
		h = NULL;
	}
	/* With its method the key frees the handle. */
	if (!h || EC_KEY_set_method(key, h->method) != 1 || EVP_PKEY_assign_EC_KEY(pkey, key) != 1) {
		EC_KEY_free(key);
		EVP_PKEY_free(pkey);
		return rf_diag_set(diag, -ENOMEM, "the key handle: out of memory");
	}
	h->gone = gone;
	*ret_key = pkey;
	return 0;
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
		return rf_diag_set(diag, RF_E_CRYPTO, "%s holds no certificate in PEM; `ringfort host issue` makes one",
				   cert_file);
	*ret_key = key;
	return 0;
}

void rf_keyhandle_free(struct evp_pkey_st *key)
{
	EVP_PKEY_free(key);
}
