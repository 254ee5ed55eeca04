/* Whose certificate a peer came with, when more authorities are believed than the site's own. A name is worth what the
 * authority behind it is allowed to say, so the root of the verified chain goes with the identity. A resumed session
 * has no chain any more: its ticket carries the root, under our ticket key. */
#include "net/tls_int.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <string.h>

static bool fingerprint(const X509 *cert, uint8_t ret_sha256[static 32])
{
	unsigned n = 32;

	return X509_digest(cert, EVP_sha256(), ret_sha256, &n) == 1;
}

/* A root that is not known is nobody's: not the site's either. */
static void nobody(uint8_t ret_sha256[static 32])
{
	memset(ret_sha256, 0xff, 32);
}

static void of_chain(const struct rf_tls *tls, SSL *ssl, uint8_t ret_sha256[static 32])
{
	STACK_OF(X509) *chain = SSL_get0_verified_chain(ssl);
	int n = chain ? sk_X509_num(chain) : 0;

	if (n == 0 || !fingerprint(sk_X509_value(chain, n - 1), ret_sha256)) {
		nobody(ret_sha256);
		return;
	}
	for (size_t i = 0; i < tls->site_root_n; i++)
		if (memcmp(tls->site_roots[i], ret_sha256, 32) == 0)
			memset(ret_sha256, 0, 32);
}

void rf_tls_authority(const struct rf_tls *tls, SSL *ssl, uint8_t ret_sha256[static 32])
{
	void *data = NULL;
	size_t n = 0;

	memset(ret_sha256, 0, 32);
	if (!tls->peers)
		return;
	if (!SSL_session_reused(ssl)) {
		of_chain(tls, ssl, ret_sha256);
		return;
	}
	if (SSL_SESSION_get0_ticket_appdata(SSL_get0_session(ssl), &data, &n) == 1 && n == 32)
		memcpy(ret_sha256, data, 32);
	else
		nobody(ret_sha256);
}

/* A ticket is being made: of a resumed session it has what the first one had. */
static int remember(SSL *ssl, void *arg)
{
	uint8_t root[32];

	if (SSL_session_reused(ssl))
		return 1;
	of_chain(arg, ssl, root);
	return SSL_SESSION_set1_ticket_appdata(SSL_get0_session(ssl), root, sizeof root);
}

static SSL_TICKET_RETURN take_up(SSL *ssl, SSL_SESSION *session, const unsigned char *name, size_t name_n,
				 SSL_TICKET_STATUS status, void *arg)
{
	(void)ssl, (void)session, (void)name, (void)name_n, (void)arg;
	switch (status) {
	case SSL_TICKET_SUCCESS:
		return SSL_TICKET_RETURN_USE;
	case SSL_TICKET_SUCCESS_RENEW:
		return SSL_TICKET_RETURN_USE_RENEW;
	case SSL_TICKET_EMPTY:
	case SSL_TICKET_NO_DECRYPT:
		return SSL_TICKET_RETURN_IGNORE_RENEW;
	default:
		return SSL_TICKET_RETURN_IGNORE;
	}
}

/* Takes bio, which may be NULL. */
static int read_roots(BIO *bio, uint8_t (*roots)[32], size_t cap, size_t *n, struct rf_diag *d)
{
	int rc = 0;
	X509 *ca;

	while (!rc && bio && (ca = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		if (*n == cap)
			rc = rf_diag_set(d, RF_E_INVALID, "a CA file with more than %zu certificates", cap);
		else if (!fingerprint(ca, roots[(*n)++]))
			rc = rf_diag_set(d, RF_E_INVALID, "a CA certificate could not be hashed");
		X509_free(ca);
	}
	BIO_free(bio);
	ERR_clear_error(); /* the reading ends with "no start line" */
	return rc;
}

int rf_tls_roots(const char *file, uint8_t (*roots)[32], size_t cap, size_t *ret_n, struct rf_diag *d)
{
	*ret_n = 0;
	int rc = read_roots(BIO_new_file(file, "r"), roots, cap, ret_n, d);

	return rc || *ret_n ? rc : rf_diag_set(d, RF_E_INVALID, "CA file %s: it must hold PEM certificates", file);
}

int rf_tls_authorities(struct rf_tls *tls, const struct rf_tls_conf *conf, struct rf_diag *d)
{
	tls->peers = true;
	if (SSL_CTX_set_session_ticket_cb(tls->ctx, remember, take_up, tls) != 1)
		return rf_diag_set(d, RF_E_INVALID, "OpenSSL takes no ticket callbacks");
	uint8_t (*roots)[32] = tls->site_roots;
	size_t *n = &tls->site_root_n;
	int rc = conf->ca_file ? read_roots(BIO_new_file(conf->ca_file, "r"), roots, RF_TLS_SITE_ROOTS_MAX, n, d) : 0;

	if (!rc && conf->ca_pem.n)
		rc = read_roots(BIO_new_mem_buf(conf->ca_pem.p, (int)conf->ca_pem.n), roots, RF_TLS_SITE_ROOTS_MAX, n, d);
	return rc;
}
