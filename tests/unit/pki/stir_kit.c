#include "stir_kit.h"

#include <openssl/bio.h>
#include <openssl/conf.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(int holds, const char *what)
{
	if (!holds) {
		fprintf(stderr, "stir_kit: %s\n", what);
		abort();
	}
}

static void extend(X509 *cert, X509 *issuer, const char *sections, const char *name, const char *value)
{
	X509V3_CTX ctx;
	CONF *conf = NCONF_new(NULL);
	BIO *bio = BIO_new_mem_buf(sections ? sections : "", -1);
	long line;

	must(NCONF_load_bio(conf, bio, &line) == 1 || !sections || !*sections, "sections");
	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	X509V3_set_nconf(&ctx, conf);
	X509_EXTENSION *e = X509V3_EXT_nconf(conf, &ctx, name, value);
	must(e && X509_add_ext(cert, e, -1) == 1, name);
	X509_EXTENSION_free(e);
	BIO_free(bio);
	NCONF_free(conf);
}

static X509 *begin(EVP_PKEY *key, const char *name, const struct stir_ca *ca, long from_s, long until_s)
{
	static long serial = 1000;
	X509 *x = X509_new();
	X509_NAME *n = X509_get_subject_name(x);

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(x), from_s);
	X509_gmtime_adj(X509_getm_notAfter(x), until_s);
	X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(x, ca ? X509_get_subject_name(ca->cert) : n);
	X509_set_pubkey(x, key);
	return x;
}

static struct stir_ca make_ca(const struct stir_ca *above, const char *name)
{
	struct stir_ca ca = { .key = EVP_EC_gen("P-256") };

	ca.cert = begin(ca.key, name, above, -3600, 86400);
	extend(ca.cert, above ? above->cert : ca.cert, NULL, "basicConstraints", "critical,CA:TRUE");
	extend(ca.cert, above ? above->cert : ca.cert, NULL, "keyUsage", "critical,keyCertSign,cRLSign");
	must(X509_sign(ca.cert, above ? above->key : ca.key, EVP_sha256()) > 0, "signing");
	return ca;
}

struct stir_ca stir_ca_new(const char *name)
{
	return make_ca(NULL, name);
}

struct stir_ca stir_ca_under(const struct stir_ca *above, const char *name)
{
	return make_ca(above, name);
}

void stir_ca_free(struct stir_ca *ca)
{
	EVP_PKEY_free(ca->key);
	X509_free(ca->cert);
}

size_t stir_pem(X509 *cert, char *dst, size_t cap)
{
	BIO *bio = BIO_new(BIO_s_mem());

	must(PEM_write_bio_X509(bio, cert) == 1, "pem");
	int n = BIO_read(bio, dst, (int)cap);
	BIO_free(bio);
	return n > 0 ? (size_t)n : 0;
}

size_t stir_leaf_new(const struct stir_ca *ca, const struct stir_leaf *leaf, char *dst, size_t cap, EVP_PKEY **ret_key)
{
	EVP_PKEY *key = EVP_EC_gen(leaf->curve ? leaf->curve : "P-256");
	X509 *x = begin(key, "signer", ca, leaf->from_s || leaf->until_s ? leaf->from_s : -60,
			leaf->from_s || leaf->until_s ? leaf->until_s : 3600);
	const char *usage = leaf->usage ? leaf->usage : "digitalSignature";

	extend(x, ca->cert, NULL, "basicConstraints", leaf->is_ca ? "CA:TRUE" : "CA:FALSE");
	if (*usage)
		extend(x, ca->cert, NULL, "keyUsage", usage);
	if (leaf->tn) {
		char value[256];

		snprintf(value, sizeof value, "ASN1:%s", leaf->tn);
		extend(x, ca->cert, leaf->sections, "1.3.6.1.5.5.7.1.26", value);
	}
	if (leaf->more) {
		char name[64], value[128];

		must(sscanf(leaf->more, "%63[^=]=%127[^\n]", name, value) == 2, "more");
		extend(x, ca->cert, leaf->sections, name, value);
	}
	must(X509_sign(x, ca->key, EVP_sha256()) > 0, "signing");
	size_t n = stir_pem(x, dst, cap);
	X509_free(x);
	*ret_key = key;
	return n;
}

size_t stir_sign_der(EVP_PKEY *key, const void *input, size_t n, uint8_t *der, size_t cap)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	must(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
	     EVP_DigestSign(ctx, der, &cap, input, n) == 1, "signature");
	EVP_MD_CTX_free(ctx);
	return cap;
}
