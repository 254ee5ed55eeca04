#include "role/hostkey.h"

#include "role/keeper.h"
#include "role/keyhandle.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#define MEND "`ringfort host issue` makes certificate and key anew; the one before stays in use"

/* One of the keeper's keys, for as long as something may sign with it. */
struct place {
	struct rf_keeper *keeper;
	unsigned key;
};

static int ask(void *arg, struct rf_view digest, uint8_t sig[static RF_KEYHANDLE_SIG_MAX], size_t *ret_n)
{
	_Static_assert(RF_KEYHANDLE_SIG_MAX == RF_KEEPER_SIG_MAX, "one size of signature");
	struct place *p = arg;

	return rf_keeper_sign(p->keeper, p->key, digest, sig, ret_n);
}

static void gone(void *arg)
{
	struct place *p = arg;

	rf_keeper_forget(p->keeper, p->key);
	free(p);
}

static int read_first(const char *file, X509 **ret_cert, struct rf_diag *diag)
{
	BIO *bio = BIO_new_file(file, "r");

	*ret_cert = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	int rc = *ret_cert ? 0 : bio ? RF_E_INVALID : errno ? -errno : RF_E_INVALID;

	BIO_free(bio);
	ERR_clear_error();
	return rc ? rf_diag_at(diag, rc, file, 0, 0, "%s; " MEND, bio ? "holds no certificate in PEM" : rf_err_text(rc)) : 0;
}

/* What that key signs must verify with the certificate's. */
static int belongs(const struct place *p, EVP_PKEY *public_key, const char *cert_file, struct rf_diag *diag)
{
	uint8_t digest[32], sig[RF_KEEPER_SIG_MAX];
	size_t n;
	int rc = RAND_bytes(digest, sizeof digest) == 1 ? 0 : RF_E_CRYPTO;

	if (!rc)
		rc = rf_keeper_sign(p->keeper, p->key, rf_view_of(digest, sizeof digest), sig, &n);
	if (rc)
		return rf_diag_at(diag, rc, cert_file, 0, 0, "the key keeper does not sign (%s)", rf_err_text(rc));
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(public_key, NULL);
	bool good = ctx && EVP_PKEY_verify_init(ctx) == 1 && EVP_PKEY_verify(ctx, sig, n, digest, sizeof digest) == 1;

	EVP_PKEY_CTX_free(ctx);
	ERR_clear_error();
	return good ? 0 :
		      rf_diag_at(diag, RF_E_INVALID, cert_file, 0, 0,
				 "was not issued for the key in key.pem beside it; " MEND);
}

/* p becomes the key's. */
static int make(struct place *p, X509 *cert, const char *cert_file, struct evp_pkey_st **ret_key,
		struct rf_pki_id *ret_id, struct rf_diag *diag)
{
	EVP_PKEY *public_key = X509_get0_pubkey(cert);
	int rc = rf_pki_id_from_x509(cert, ret_id);

	if (rc || !public_key || !EVP_PKEY_is_a(public_key, "EC"))
		return rf_diag_at(diag, RF_E_INVALID, cert_file, 0, 0,
				  rc ? "has names or dates that cannot be read; " MEND : "has no EC key; " MEND);
	rc = belongs(p, public_key, cert_file, diag);
	return rc ? rc : rf_keyhandle_new(public_key, ask, gone, p, ret_key, diag);
}

int rf_hostkey_open(struct rf_keeper *keeper, const char *cert_file, struct evp_pkey_st **ret_key,
		    struct rf_pki_id *ret_id, struct rf_diag *diag)
{
	struct place *p = calloc(1, sizeof *p);
	X509 *cert = NULL;

	if (!p)
		return rf_diag_set(diag, -ENOMEM, "out of memory");
	p->keeper = keeper;
	int rc = read_first(cert_file, &cert, diag);
	if (!rc)
		rc = rf_keeper_again(keeper, RF_KEEPER_TLS, &p->key, diag);
	if (rc)
		free(p);
	else if ((rc = make(p, cert, cert_file, ret_key, ret_id, diag)))
		gone(p);
	X509_free(cert);
	return rc;
}

static bool is_signed(const char *cert_file, const char *ca_file)
{
	struct rf_diag diag;
	BIO *bio = BIO_new_file(ca_file, "r");
	bool good = false;
	X509 *cert = NULL, *ca;
	int rc = read_first(cert_file, &cert, &diag);

	while (!rc && !good && bio && (ca = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		good = X509_check_issued(ca, cert) == X509_V_OK && X509_verify(cert, X509_get0_pubkey(ca)) == 1;
		X509_free(ca);
	}
	X509_free(cert);
	BIO_free(bio);
	ERR_clear_error();
	return good;
}

int rf_hostkey_check(const char *cert_file, const struct rf_pki_id *id, const char *ca_file, const char *const *names,
		     int64_t now_s, struct rf_diag *diag)
{
	if (now_s > id->not_after_s || now_s < id->not_before_s)
		return rf_diag_at(diag, RF_E_INVALID, cert_file, 0, 0, now_s > id->not_after_s ? "has expired; " MEND :
				  "is not valid yet: is the clock of this host wrong? The one before stays in use");
	for (; *names; names++)
		if (!rf_pki_id_names(id, rf_view_str(*names)))
			return rf_diag_at(diag, RF_E_INVALID, cert_file, 0, 0,
					  "does not name %s, by which peers know this host; " MEND, *names);
	if (ca_file && !is_signed(cert_file, ca_file))
		return rf_diag_at(diag, RF_E_INVALID, cert_file, 0, 0, "was not signed by an authority in %s; " MEND,
				  ca_file);
	return 0;
}
