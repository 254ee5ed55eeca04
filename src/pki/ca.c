#include "pki/ca_int.h"
#include "pki/pem_file.h"

#include <openssl/pem.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { DAY_S = 24 * 3600, BACKDATE_S = 300 }; /* a phone's clock may be a little behind ours */

static int path_of(char **ret_path, const char *dir, const char *rel, struct rf_diag *diag)
{
	return asprintf(ret_path, "%s/%s", dir, rel) < 0 ? rf_diag_set(diag, -ENOMEM, "out of memory") : 0;
}

static bool add_ext(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	X509V3_set_ctx_nodb(&ctx);
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	bool ok = ext && X509_add_ext(cert, ext, -1);
	X509_EXTENSION_free(ext);
	return ok;
}

static bool set_serial(X509 *cert)
{
	uint8_t b[16];

	if (RAND_bytes(b, sizeof b) != 1)
		return false;
	b[0] = (uint8_t)((b[0] & 0x7f) | 0x40); /* positive (RFC 5280 4.1.2.2), and always of one length */
	BIGNUM *n = BN_bin2bn(b, sizeof b, NULL);
	bool ok = n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert));
	BN_free(n);
	return ok;
}

static bool set_name(X509 *cert, const char *cn)
{
	X509_NAME *name = X509_get_subject_name(cert);

	/* RFC 5280 bounds a common name at 64 characters. */
	return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)cn,
					  (int)strnlen(cn, 64), -1, 0);
}

static bool set_times(X509 *cert, int64_t from_s, int64_t until_s)
{
	return ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)from_s) &&
	       ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)until_s);
}

static bool add_ca_exts(X509 *cert)
{
	return add_ext(cert, cert, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
	       add_ext(cert, cert, NID_key_usage, "critical,keyCertSign,cRLSign") &&
	       add_ext(cert, cert, NID_subject_key_identifier, "hash");
}

static int make_ca(const char *site_name, struct rf_wall now, X509 **ret_cert, EVP_PKEY **ret_key, struct rf_diag *diag)
{
	EVP_PKEY *key = EVP_EC_gen("P-384");
	X509 *cert = X509_new();
	int64_t now_s = now.us / 1000000;
	char cn[96];

	snprintf(cn, sizeof cn, "%.40s telephony CA", site_name);
	if (key && cert && X509_set_version(cert, X509_VERSION_3) && set_serial(cert) && set_name(cert, cn) &&
	    X509_set_issuer_name(cert, X509_get_subject_name(cert)) && X509_set_pubkey(cert, key) &&
	    set_times(cert, now_s - BACKDATE_S, now_s + (int64_t)RF_PKI_CA_DAYS * DAY_S) && add_ca_exts(cert) &&
	    X509_sign(cert, key, EVP_sha384())) {
		*ret_cert = cert;
		*ret_key = key;
		return 0;
	}
	X509_free(cert);
	EVP_PKEY_free(key);
	return rf_pki_crypto(diag, "make the CA");
}

static int write_ca(const char *dir, X509 *cert, EVP_PKEY *key, struct rf_diag *diag)
{
	char *key_path = NULL, *cert_path = NULL;
	int rc = path_of(&key_path, dir, RF_PKI_CA_KEY, diag);

	if (rc == 0)
		rc = path_of(&cert_path, dir, RF_PKI_CA_CERT, diag);
	if (rc == 0)
		rc = rf_pki_write_key(key_path, key, RF_PKI_NOW, diag);
	if (rc == 0)
		rc = rf_pki_write_cert(cert_path, cert, RF_PKI_NOW, diag);
	free(key_path);
	free(cert_path);
	return rc;
}

static int make_folders(const char *dir, struct rf_diag *diag)
{
	static const char *const folders[] = { "pki", RF_PKI_HOSTS, RF_PKI_PHONES };

	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		char *path;
		int rc = path_of(&path, dir, folders[i], diag);

		if (rc)
			return rc;
		rc = rf_pki_mkdir(path, 0755, diag);
		free(path);
		if (rc)
			return rc;
	}
	return 0;
}

int rf_ca_create(const char *dir, const char *site_name, struct rf_wall now, struct rf_diag *diag)
{
	char *path;
	int rc = make_folders(dir, diag);

	if (rc == 0)
		rc = path_of(&path, dir, RF_PKI_CA_KEY, diag);
	if (rc)
		return rc;
	if (access(path, F_OK) == 0)
		rc = rf_diag_at(diag, RF_E_EXISTS, path, 0, 0,
				"this site has a CA already; its phones would not trust another one");
	free(path);
	if (rc)
		return rc;
	struct rf_ca ca = { .dir = strdup(dir) };
	if (!ca.dir)
		return rf_diag_set(diag, -ENOMEM, "out of memory");
	rc = make_ca(site_name, now, &ca.cert, &ca.key, diag);
	if (rc == 0)
		rc = write_ca(dir, ca.cert, ca.key, diag);
	if (rc == 0)
		rc = rf_ca_write_crl(&ca, NULL, 0, now, diag);
	X509_free(ca.cert);
	EVP_PKEY_free(ca.key);
	free(ca.dir);
	return rc;
}

int rf_ca_open(const char *dir, struct rf_ca **ret_ca, struct rf_diag *diag)
{
	struct rf_ca *ca = calloc(1, sizeof *ca);
	char *path = NULL;

	if (!ca || !(ca->dir = strdup(dir))) {
		rf_ca_close(ca);
		return rf_diag_set(diag, -ENOMEM, "out of memory");
	}
	int rc = path_of(&path, dir, RF_PKI_CA_CERT, diag);
	if (rc == 0)
		rc = rf_pki_read_cert(path, &ca->cert, diag);
	free(path);
	path = NULL;
	if (rc == 0)
		rc = path_of(&path, dir, RF_PKI_CA_KEY, diag);
	if (rc == 0)
		rc = rf_pki_read_key(path, &ca->key, diag);
	if (rc == 0 && X509_check_private_key(ca->cert, ca->key) != 1) {
		ERR_clear_error();
		rc = rf_diag_at(diag, RF_E_CORRUPT, path, 0, 0,
				"does not belong to " RF_PKI_CA_CERT "; restore both from a backup");
	}
	free(path);
	if (rc) {
		rf_ca_close(ca);
		return rc;
	}
	*ret_ca = ca;
	return 0;
}

void rf_ca_close(struct rf_ca *ca)
{
	if (!ca)
		return;
	X509_free(ca->cert);
	EVP_PKEY_free(ca->key);
	free(ca->dir);
	free(ca);
}

static int push_name(GENERAL_NAMES *names, int type, const char *text)
{
	GENERAL_NAME *name = a2i_GENERAL_NAME(NULL, NULL, NULL, type, text, 0);

	if (!name || !sk_GENERAL_NAME_push(names, name)) {
		GENERAL_NAME_free(name);
		return -1;
	}
	return 0;
}

static bool add_alt_names(X509 *cert, const struct rf_ca_request *req)
{
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	int rc = names ? 0 : -1;

	if (req->uri)
		rc |= rc ? 0 : push_name(names, GEN_URI, req->uri);
	if (req->urn)
		rc |= rc ? 0 : push_name(names, GEN_URI, req->urn);
	for (size_t i = 0; i < RF_PKI_NAMES_MAX && req->dns[i] && !rc; i++)
		rc = push_name(names, GEN_DNS, req->dns[i]);
	for (size_t i = 0; i < RF_PKI_NAMES_MAX && req->ip[i] && !rc; i++)
		rc = push_name(names, GEN_IPADD, req->ip[i]);
	/* The same as text: phones on mbed TLS (linphone 5) know no iPAddress and compare the address they dialled with
	 * the dNSNames. An address is never a valid DNS name, so this lets nobody else in. */
	for (size_t i = 0; i < RF_PKI_NAMES_MAX && req->ip[i] && !rc; i++)
		rc = push_name(names, GEN_DNS, req->ip[i]);
	if (rc == 0 && !X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT))
		rc = -1;
	GENERAL_NAMES_free(names);
	return rc == 0;
}

static X509 *make_cert(struct rf_ca *ca, const struct rf_ca_request *req, EVP_PKEY *key, int64_t from_s,
		       int64_t until_s)
{
	/* Both ends of a SIP connection may open it, so both kinds of certificate serve both uses. */
	X509 *cert = X509_new();

	if (cert && X509_set_version(cert, X509_VERSION_3) && set_serial(cert) && set_name(cert, req->name) &&
	    X509_set_issuer_name(cert, X509_get_subject_name(ca->cert)) && X509_set_pubkey(cert, key) &&
	    set_times(cert, from_s, until_s) && add_ext(cert, ca->cert, NID_basic_constraints, "critical,CA:FALSE") &&
	    add_ext(cert, ca->cert, NID_key_usage, "critical,digitalSignature") &&
	    add_ext(cert, ca->cert, NID_ext_key_usage, req->host ? "serverAuth,clientAuth" : "clientAuth,serverAuth") &&
	    add_ext(cert, ca->cert, NID_subject_key_identifier, "hash") &&
	    add_ext(cert, ca->cert, NID_authority_key_identifier, "keyid:always") && add_alt_names(cert, req) &&
	    X509_sign(cert, ca->key, EVP_sha384()))
		return cert;
	X509_free(cert);
	return NULL;
}

/* The key first: a certificate without its key is of no use, a key without a certificate does no harm. */
static int write_pair(struct rf_ca *ca, const struct rf_ca_request *req, X509 *cert, EVP_PKEY *key,
		      struct rf_diag *diag)
{
	char *folder = NULL, *key_path = NULL, *cert_path = NULL;
	enum rf_pki_when when = req->sync_later ? RF_PKI_LATER : RF_PKI_NOW;
	int rc = rf_diag_set(diag, -ENOMEM, "out of memory");

	if (asprintf(&folder, "%s/%s/%s", ca->dir, req->host ? RF_PKI_HOSTS : RF_PKI_PHONES, req->name) < 0)
		folder = NULL;
	if (folder && path_of(&key_path, folder, "key.pem", diag) == 0 &&
	    path_of(&cert_path, folder, "cert.pem", diag) == 0)
		rc = rf_pki_mkdir(folder, 0755, diag);
	if (rc == 0)
		rc = rf_pki_write_key(key_path, key, when, diag);
	if (rc == 0)
		rc = rf_pki_write_cert(cert_path, cert, when, diag);
	free(folder);
	free(key_path);
	free(cert_path);
	return rc;
}

/* From now for so many days, cut at the CA's own dates. */
static int dates_within(const struct rf_ca *ca, struct rf_wall now, unsigned days, int64_t *ret_from_s,
			int64_t *ret_until_s, struct rf_diag *diag)
{
	struct rf_pki_id ca_id;

	if (rf_pki_id_from_x509(ca->cert, &ca_id))
		return rf_diag_set(diag, RF_E_CORRUPT, "the CA's certificate cannot be read");
	int64_t from_s = now.us / 1000000 - BACKDATE_S;
	int64_t until_s = now.us / 1000000 + (int64_t)days * DAY_S;
	if (from_s < ca_id.not_before_s)
		from_s = ca_id.not_before_s;
	if (until_s > ca_id.not_after_s)
		until_s = ca_id.not_after_s;
	if (until_s <= from_s)
		return rf_diag_set(diag, RF_E_STALE, "the site's CA has expired, or the clock of this host is wrong");
	*ret_from_s = from_s;
	*ret_until_s = until_s;
	return 0;
}

int rf_ca_certify_signer(struct rf_ca *ca, EVP_PKEY *key, struct rf_wall now, X509 **ret_cert, struct rf_diag *diag)
{
	int64_t from_s, until_s;
	int rc = dates_within(ca, now, 1, &from_s, &until_s, diag);
	X509 *cert = rc ? NULL : X509_new();

	if (rc)
		return rc;
	if (cert && X509_set_version(cert, X509_VERSION_3) && set_serial(cert) &&
	    set_name(cert, "signer of the site's configurations") &&
	    X509_set_issuer_name(cert, X509_get_subject_name(ca->cert)) && X509_set_pubkey(cert, key) &&
	    set_times(cert, from_s, until_s) && add_ext(cert, ca->cert, NID_basic_constraints, "critical,CA:FALSE") &&
	    add_ext(cert, ca->cert, NID_key_usage, "critical,digitalSignature") &&
	    add_ext(cert, ca->cert, NID_ext_key_usage, "critical,codeSigning") &&
	    add_ext(cert, ca->cert, NID_subject_key_identifier, "hash") &&
	    add_ext(cert, ca->cert, NID_authority_key_identifier, "keyid:always") &&
	    X509_sign(cert, ca->key, EVP_sha384())) {
		*ret_cert = cert;
		return 0;
	}
	X509_free(cert);
	return rf_pki_crypto(diag, "certify the signer of a bundle");
}

int rf_ca_issue(struct rf_ca *ca, const struct rf_ca_request *req, struct rf_wall now, struct rf_pki_id *ret_id,
		struct rf_diag *diag)
{
	struct rf_pki_id id;
	int64_t from_s, until_s;
	int rc = dates_within(ca, now, req->days ? req->days : RF_PKI_CERT_DAYS, &from_s, &until_s, diag);

	if (rc)
		return rc;
	EVP_PKEY *key = EVP_EC_gen(req->p384 ? "P-384" : "P-256");
	X509 *cert = key ? make_cert(ca, req, key, from_s, until_s) : NULL;
	if (!cert)
		rc = rf_pki_crypto(diag, "issue a certificate");
	else if ((rc = rf_pki_id_from_x509(cert, &id)) != 0)
		rf_diag_set(diag, rc, "the name \"%s\" does not fit into a certificate",
			    req->uri ? req->uri : req->name);
	else
		rc = write_pair(ca, req, cert, key, diag);
	X509_free(cert);
	EVP_PKEY_free(key);
	if (rc == 0)
		*ret_id = id;
	return rc;
}

static int read_host_key(const struct rf_ca *ca, const char *name, EVP_PKEY **ret_key, char **ret_cert_path,
			 struct rf_diag *diag)
{
	char *folder = NULL, *path = NULL;
	int rc = rf_diag_set(diag, -ENOMEM, "out of memory");

	if (asprintf(&folder, "%s/" RF_PKI_HOSTS "/%s", ca->dir, name) < 0)
		folder = NULL;
	if (folder && !(rc = path_of(&path, folder, "key.pem", diag)) &&
	    !(rc = path_of(ret_cert_path, folder, "outside.pem", diag)))
		rc = rf_pki_read_key(path, ret_key, diag);
	free(folder);
	free(path);
	return rc;
}

int rf_ca_issue_outside(struct rf_ca *ca, const struct rf_ca_request *req, struct rf_wall now, struct rf_pki_id *ret_id,
			struct rf_diag *diag)
{
	EVP_PKEY *key = NULL;
	X509 *cert = NULL;
	char *path = NULL;
	struct rf_pki_id id;
	int64_t from_s, until_s;
	int rc = dates_within(ca, now, req->days ? req->days : RF_PKI_CERT_DAYS, &from_s, &until_s, diag);

	if (!rc)
		rc = read_host_key(ca, req->name, &key, &path, diag);
	struct rf_ca_request shown = *req;

	shown.name = req->uri + sizeof "sip:" - 1; /* the common name: strangers need not know
						    * what the host is called */
	if (!rc && !(cert = make_cert(ca, &shown, key, from_s, until_s)))
		rc = rf_pki_crypto(diag, "issue a certificate");
	if (!rc && (rc = rf_pki_id_from_x509(cert, &id)))
		rf_diag_set(diag, rc, "the name \"%s\" does not fit into a certificate", req->uri);
	if (!rc)
		rc = rf_pki_write_cert(path, cert, RF_PKI_NOW, diag);
	X509_free(cert);
	EVP_PKEY_free(key);
	free(path);
	if (rc == 0)
		*ret_id = id;
	return rc;
}

int rf_ca_sync(struct rf_ca *ca, struct rf_diag *diag)
{
	char *path;
	int rc = path_of(&path, ca->dir, RF_PKI_PHONES, diag);

	if (rc)
		return rc;
	rc = rf_pki_sync(path, diag);
	free(path);
	return rc;
}

static bool add_revoked(X509_CRL *crl, const struct rf_ca_revoked *r)
{
	X509_REVOKED *entry = X509_REVOKED_new();
	BIGNUM *n = BN_bin2bn(r->serial.p, (int)r->serial.n, NULL);
	ASN1_INTEGER *serial = n ? BN_to_ASN1_INTEGER(n, NULL) : NULL;
	ASN1_TIME *when = ASN1_TIME_set(NULL, (time_t)(r->when.us / 1000000));
	bool ok = entry && serial && when && X509_REVOKED_set_serialNumber(entry, serial) &&
		  X509_REVOKED_set_revocationDate(entry, when) && X509_CRL_add0_revoked(crl, entry);

	if (!ok)
		X509_REVOKED_free(entry);
	BN_free(n);
	ASN1_INTEGER_free(serial);
	ASN1_TIME_free(when);
	return ok;
}

static bool finish_crl(struct rf_ca *ca, X509_CRL *crl, int64_t now_s)
{
	ASN1_TIME *last = ASN1_TIME_set(NULL, (time_t)now_s);
	ASN1_TIME *next = ASN1_TIME_set(NULL, (time_t)(now_s + (int64_t)RF_PKI_CRL_DAYS * DAY_S));
	ASN1_INTEGER *number = ASN1_INTEGER_new();
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, ca->cert, NULL, NULL, crl, 0);
	X509V3_set_ctx_nodb(&ctx);
	X509_EXTENSION *aki = X509V3_EXT_conf_nid(NULL, &ctx, NID_authority_key_identifier, "keyid:always");
	bool ok = last && next && number && aki && ASN1_INTEGER_set_int64(number, now_s) &&
		  X509_CRL_set_version(crl, X509_CRL_VERSION_2) &&
		  X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca->cert)) &&
		  X509_CRL_set1_lastUpdate(crl, last) && X509_CRL_set1_nextUpdate(crl, next) &&
		  X509_CRL_add_ext(crl, aki, -1) && X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, 0) == 1 &&
		  X509_CRL_sort(crl) && X509_CRL_sign(crl, ca->key, EVP_sha384());
	ASN1_TIME_free(last);
	ASN1_TIME_free(next);
	ASN1_INTEGER_free(number);
	X509_EXTENSION_free(aki);
	return ok;
}

int rf_ca_write_crl(struct rf_ca *ca, const struct rf_ca_revoked *v, size_t n, struct rf_wall now,
		    struct rf_diag *diag)
{
	X509_CRL *crl = X509_CRL_new();
	bool ok = crl != NULL;
	char *path = NULL;

	for (size_t i = 0; ok && i < n; i++)
		ok = add_revoked(crl, &v[i]);
	ok = ok && finish_crl(ca, crl, now.us / 1000000);
	int rc = ok ? path_of(&path, ca->dir, RF_PKI_CRL, diag) : rf_pki_crypto(diag, "make the revocation list");
	if (rc == 0)
		rc = rf_pki_write_crl(path, crl, diag);
	free(path);
	X509_CRL_free(crl);
	return rc;
}

int rf_pki_read_id(const char *path, struct rf_pki_id *ret_id, struct rf_diag *diag)
{
	X509 *cert;
	int rc = rf_pki_read_cert(path, &cert, diag);

	if (rc)
		return rc;
	rc = rf_pki_id_from_x509(cert, ret_id);
	X509_free(cert);
	return rc ?
	       rf_diag_at(diag, RF_E_CORRUPT, path, 0, 0, "this certificate names no one: %s", rf_err_text(rc)) : 0;
}

int rf_pki_check_pair(const char *ca_path, const char *cert_path, const char *key_path, struct rf_diag *diag)
{
	X509 *ca = NULL, *cert = NULL;
	EVP_PKEY *key = NULL;
	int rc = rf_pki_read_cert(ca_path, &ca, diag);

	if (rc == 0)
		rc = rf_pki_read_cert(cert_path, &cert, diag);
	if (rc == 0)
		rc = rf_pki_read_key(key_path, &key, diag);
	if (rc == 0 && X509_check_private_key(cert, key) != 1)
		rc = rf_diag_at(diag, RF_E_INVALID, key_path, 0, 0, "does not belong to %s", cert_path);
	if (rc == 0 && X509_verify(cert, X509_get0_pubkey(ca)) != 1)
		rc = rf_diag_at(diag, RF_E_INVALID, cert_path, 0, 0, "was not issued by %s", ca_path);
	ERR_clear_error();
	X509_free(ca);
	X509_free(cert);
	EVP_PKEY_free(key);
	return rc;
}
