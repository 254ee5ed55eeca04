#include "pki/bundle.h"

#include "pki/ca_int.h"
#include "pki/pem_file.h"

#include <openssl/pem.h> /* before cms.h, which declares its PEM functions only then */
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <stdlib.h>
#include <time.h>

enum { FLAGS = CMS_DETACHED | CMS_BINARY };

/* --- sign */

static char *pem_of(CMS_ContentInfo *cms)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *p = NULL, *text = NULL;
	long n = bio && PEM_write_bio_CMS(bio, cms) ? BIO_get_mem_data(bio, &p) : 0;

	if (n > 0)
		text = strndup(p, (size_t)n);
	BIO_free(bio);
	return text;
}

static CMS_ContentInfo *sign_with(X509 *cert, EVP_PKEY *key, struct rf_view manifest, struct rf_wall now)
{
	BIO *in = BIO_new_mem_buf(manifest.p, (int)manifest.n);
	CMS_ContentInfo *cms = in ? CMS_sign(NULL, NULL, NULL, in, FLAGS | CMS_PARTIAL) : NULL;
	CMS_SignerInfo *si =
		cms ? CMS_add1_signer(cms, cert, key, EVP_sha256(), FLAGS | CMS_PARTIAL | CMS_NOSMIMECAP) : NULL;
	ASN1_TIME *when = X509_time_adj(NULL, 0, &(time_t){ (time_t)(now.us / 1000000) });
	bool ok = si && when && CMS_signed_add1_attr_by_NID(si, NID_pkcs9_signingTime, when->type, when, -1) == 1 &&
		  CMS_final(cms, in, NULL, FLAGS) == 1;

	ASN1_TIME_free(when);
	BIO_free(in);
	if (ok)
		return cms;
	CMS_ContentInfo_free(cms);
	return NULL;
}

int rf_pki_bundle_sign(struct rf_ca *ca, struct rf_view manifest, struct rf_wall now, char **ret_sig,
		       struct rf_diag *diag)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	CMS_ContentInfo *cms = NULL;
	X509 *cert = NULL;
	char *text = NULL;
	int rc = key ? rf_ca_certify_signer(ca, key, now, &cert, diag) : rf_pki_crypto(diag, "make a key");

	if (!rc) {
		cms = sign_with(cert, key, manifest, now);
		text = cms ? pem_of(cms) : NULL;
		if (!text)
			rc = rf_pki_crypto(diag, "sign the bundle");
	}
	CMS_ContentInfo_free(cms);
	X509_free(cert);
	EVP_PKEY_free(key); /* OpenSSL wipes it */
	if (!rc)
		*ret_sig = text;
	return rc;
}

/* --- verify */

static int refuse(struct rf_diag *diag, const char *why)
{
	ERR_clear_error();
	return rf_diag_set(diag, RF_E_AUTH, "MANIFEST.sig: %s; compile and sign the bundle on the administrator's host",
			   why);
}

static int parse_sig(struct rf_view sig, CMS_ContentInfo **ret, struct rf_diag *diag)
{
	BIO *bio = sig.n <= RF_PKI_SIG_MAX ? BIO_new_mem_buf(sig.p, (int)sig.n) : NULL;

	if (!bio)
		return rf_diag_set(diag, sig.n > RF_PKI_SIG_MAX ? RF_E_LIMIT : -ENOMEM,
				   "MANIFEST.sig is longer than a signature");
	*ret = PEM_read_bio_CMS(bio, NULL, NULL, NULL);
	BIO_free(bio);
	ERR_clear_error();
	return *ret ? 0 : rf_diag_set(diag, RF_E_MALFORMED, "MANIFEST.sig holds no signature in PEM");
}

/* For this purpose, and for no other. */
static bool is_signer(X509 *cert)
{
	EXTENDED_KEY_USAGE *eku = X509_get_ext_d2i(cert, NID_ext_key_usage, NULL, NULL);
	bool ok = eku && sk_ASN1_OBJECT_num(eku) == 1 && OBJ_obj2nid(sk_ASN1_OBJECT_value(eku, 0)) == NID_code_sign &&
		  (X509_get_key_usage(cert) & KU_DIGITAL_SIGNATURE);

	EXTENDED_KEY_USAGE_free(eku);
	return ok;
}

/* The one certificate of the one signer, if it is the site's. Chains are of length one: a phone's
 * certificate is no CA. */
static X509 *signer_of(CMS_ContentInfo *cms, X509 *ca)
{
	STACK_OF(X509) *certs = CMS_get1_certs(cms);
	X509 *cert = certs && sk_X509_num(certs) == 1 ? sk_X509_value(certs, 0) : NULL;
	bool ok = cert && X509_verify(cert, X509_get0_pubkey(ca)) == 1 &&
		  X509_NAME_cmp(X509_get_issuer_name(cert), X509_get_subject_name(ca)) == 0 && is_signer(cert);

	if (ok)
		X509_up_ref(cert);
	sk_X509_pop_free(certs, X509_free);
	return ok ? cert : NULL;
}

static int signed_when(CMS_SignerInfo *si, struct rf_wall *ret)
{
	int at = CMS_signed_get_attr_by_NID(si, NID_pkcs9_signingTime, -1);
	X509_ATTRIBUTE *attr = at >= 0 ? CMS_signed_get_attr(si, at) : NULL;
	const ASN1_TYPE *value = attr && X509_ATTRIBUTE_count(attr) == 1 ? X509_ATTRIBUTE_get0_type(attr, 0) : NULL;
	struct tm tm;

	if (!value || (value->type != V_ASN1_UTCTIME && value->type != V_ASN1_GENERALIZEDTIME) ||
	    ASN1_TIME_to_tm(value->value.asn1_string, &tm) != 1)
		return RF_E_AUTH;
	*ret = (struct rf_wall){ (int64_t)timegm(&tm) * 1000000 };
	return 0;
}

static int verify_with(CMS_ContentInfo *cms, X509 *ca, struct rf_view manifest, struct rf_wall *ret_when,
		       struct rf_diag *diag)
{
	STACK_OF(CMS_SignerInfo) *infos = CMS_get0_SignerInfos(cms);
	CMS_SignerInfo *si = infos && sk_CMS_SignerInfo_num(infos) == 1 ? sk_CMS_SignerInfo_value(infos, 0) : NULL;
	X509 *cert = si ? signer_of(cms, ca) : NULL;
	struct rf_wall when;
	int rc = 0;

	if (!cert)
		return refuse(diag, "not signed by this site's CA for a bundle");
	BIO *in = BIO_new_mem_buf(manifest.p, (int)manifest.n);
	/* Who signed has been looked at above; here it is whether this key signed these bytes. */
	if (!in || CMS_verify(cms, NULL, NULL, in, NULL, FLAGS | CMS_NO_SIGNER_CERT_VERIFY) != 1)
		rc = refuse(diag, "MANIFEST is not the one that was signed");
	else if (signed_when(si, &when))
		rc = refuse(diag, "it does not say when it was signed");
	BIO_free(in);
	X509_free(cert);
	if (!rc)
		*ret_when = when;
	return rc;
}

int rf_pki_bundle_verify(const char *ca_path, struct rf_view manifest, struct rf_view sig, struct rf_wall *ret_when,
			 struct rf_diag *diag)
{
	CMS_ContentInfo *cms = NULL;
	X509 *ca = NULL;

	if (manifest.n > INT32_MAX)
		return rf_diag_set(diag, RF_E_LIMIT, "MANIFEST is longer than any bundle's");
	int rc = rf_pki_read_cert(ca_path, &ca, diag);
	if (!rc)
		rc = parse_sig(sig, &cms, diag);
	if (!rc)
		rc = verify_with(cms, ca, manifest, ret_when, diag);
	CMS_ContentInfo_free(cms);
	X509_free(ca);
	return rc;
}
