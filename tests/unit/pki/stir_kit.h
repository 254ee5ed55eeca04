/* Authorities and certificates for telephone numbers, made on the spot. */
#ifndef RF_TEST_STIR_KIT_H
#define RF_TEST_STIR_KIT_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stddef.h>
#include <stdint.h>

struct stir_ca {
	EVP_PKEY *key;
	X509 *cert;
};

struct stir_leaf {
	const char *tn;          /* value for ASN1: "SEQUENCE:list", the list's section below; NULL: no TNAuthList */
	const char *sections;    /* of an OpenSSL configuration: "[list]\n0=EXP:2,IA5:12155551212\n" */
	const char *curve;       /* "P-256" when NULL */
	const char *usage;       /* "digitalSignature" when NULL, "" none */
	const char *more;        /* "OID=value\n" of one more extension, NULL none */
	long from_s, until_s;    /* beside now; 0, 0: -60, 3600 */
	int is_ca;
};

struct stir_ca stir_ca_new(const char *name);
/* Another authority, under this one. */
struct stir_ca stir_ca_under(const struct stir_ca *above, const char *name);
void stir_ca_free(struct stir_ca *ca);
/* The leaf's PEM in dst, its key in *ret_key. */
size_t stir_leaf_new(const struct stir_ca *ca, const struct stir_leaf *leaf, char *dst, size_t cap, EVP_PKEY **ret_key);
size_t stir_pem(X509 *cert, char *dst, size_t cap);
/* ES256 over input, in DER. */
size_t stir_sign_der(EVP_PKEY *key, const void *input, size_t n, uint8_t *der, size_t cap);

#endif
