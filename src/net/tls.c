#include "net/tls_int.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <stdlib.h>

enum {
	TICKET_S = 4 * 3600,
	CHAIN_MAX_BYTES = 16384, /* a peer's certificates; OpenSSL's default is 100 KB before anything is proven */
	CHAIN_DEPTH = 4,
};

const struct rf_tls_profile rf_tls_modern = {
	.name = "modern",
	.tls12 = "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL",
	.tls13 = "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256",
	.groups = "X25519:P-256:P-384",
	.sigalgs = "ECDSA+SHA384:ECDSA+SHA256:ECDSA+SHA512:ed25519:RSA-PSS+SHA256:RSA-PSS+SHA384:RSA-PSS+SHA512:"
		   "RSA+SHA256:RSA+SHA384:RSA+SHA512",
};

const struct rf_tls_profile rf_tls_cnsa = {
	.name = "cnsa",
	.tls12 = "ECDHE-ECDSA-AES256-GCM-SHA384",
	.tls13 = "TLS_AES_256_GCM_SHA384",
	.groups = "P-384",
	.sigalgs = "ECDSA+SHA384",
};

/* The words for people: what was asked for, which file, and OpenSSL's own reason. */
static int refuse(struct rf_diag *d, const char *what, const char *file, const char *mend)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());
	int rc = rf_diag_set(d, RF_E_INVALID, "%s%s%s: %s; %s", what, file ? " " : "", file ? file : "",
			     reason ? reason : "not usable", mend);

	ERR_clear_error();
	return rc;
}

static int use_certificate(SSL_CTX *ctx, const struct rf_tls_conf *conf, struct rf_diag *d)
{
	if (conf->chain_file) {
		if (SSL_CTX_use_certificate_chain_file(ctx, conf->chain_file) != 1)
			return refuse(d, "certificate file", conf->chain_file, "it must hold PEM, ours first");
	} else if (conf->cert) {
		if (SSL_CTX_use_certificate(ctx, conf->cert) != 1 ||
		    (conf->chain && SSL_CTX_set1_chain(ctx, conf->chain) != 1))
			return refuse(d, "our certificate", NULL, "issue it anew");
	} else {
		return 0;
	}
	if (!conf->key || SSL_CTX_use_PrivateKey(ctx, conf->key) != 1 || SSL_CTX_check_private_key(ctx) != 1)
		return refuse(d, "the private key for", conf->chain_file ? conf->chain_file : "our certificate",
			      "it must be the key that the certificate was issued for");
	if (X509_cmp_current_time(X509_get0_notAfter(SSL_CTX_get0_certificate(ctx))) < 0)
		return rf_diag_set(d, RF_E_INVALID, "the certificate %s has expired; issue a new one",
				   conf->chain_file ? conf->chain_file : "of this server");
	return 0;
}

static int add_ca_pem(X509_STORE *store, struct rf_view pem)
{
	BIO *bio = pem.n <= INT32_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
	int added = 0;
	X509 *ca;

	while (bio && (ca = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		added += X509_STORE_add_cert(store, ca);
		X509_free(ca);
	}
	BIO_free(bio);
	ERR_clear_error(); /* the reading ends with "no start line" */
	return added;
}

static int add_crls(X509_STORE *store, const char *file)
{
	BIO *bio = BIO_new_file(file, "r");
	int added = 0;
	X509_CRL *crl;

	while (bio && (crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL))) {
		added += X509_STORE_add_crl(store, crl);
		X509_CRL_free(crl);
	}
	BIO_free(bio);
	return added;
}

static int use_authorities(SSL_CTX *ctx, const struct rf_tls_conf *conf, struct rf_diag *d)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);

	if (conf->store) {
		SSL_CTX_set1_cert_store(ctx, conf->store);
		store = conf->store;
	}
	if (conf->ca_file && X509_STORE_load_file(store, conf->ca_file) != 1)
		return refuse(d, "CA file", conf->ca_file, "it must hold PEM certificates");
	for (size_t i = 0; i < conf->peer_ca_count; i++)
		if (X509_STORE_load_file(store, conf->peer_ca_files[i]) != 1)
			return refuse(d, "CA file", conf->peer_ca_files[i], "it must hold PEM certificates");
	if (conf->ca_pem.n && !add_ca_pem(store, conf->ca_pem))
		return rf_diag_set(d, RF_E_INVALID, "the CA bytes hold no PEM certificate");
	if (conf->crl_file) {
		if (!add_crls(store, conf->crl_file))
			return refuse(d, "revocation list", conf->crl_file, "it must hold PEM CRLs");
		ERR_clear_error();
		X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
	}
	if (conf->client != RF_TLS_CLIENT_NONE && !conf->store && !conf->ca_file && !conf->ca_pem.n &&
	    !conf->peer_ca_count)
		return rf_diag_set(d, RF_E_INVALID, "client certificates are wanted but no CA is named to check them");
	return 0;
}

static int use_profile(SSL_CTX *ctx, const struct rf_tls_profile *p, struct rf_diag *d)
{
	/* OpenSSL's macros take these as char * and only read them. */
	void *groups = (void *)(uintptr_t)p->groups, *sigalgs = (void *)(uintptr_t)p->sigalgs;

	if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_cipher_list(ctx, p->tls12) != 1 || SSL_CTX_set_ciphersuites(ctx, p->tls13) != 1 ||
	    SSL_CTX_set1_groups_list(ctx, groups) != 1 || SSL_CTX_set1_sigalgs_list(ctx, sigalgs) != 1 ||
	    SSL_CTX_set1_client_sigalgs_list(ctx, sigalgs) != 1)
		return refuse(d, "cipher profile", p->name, "this OpenSSL lacks an algorithm of it");
	return 0;
}

static int use_bounds(SSL_CTX *ctx, const struct rf_tls_conf *conf, struct rf_diag *d)
{
	uint8_t context[SSL_MAX_SID_CTX_LENGTH];

	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
			    SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION | SSL_OP_CLEANSE_PLAINTEXT);
	/* Buffers are given back while a connection is idle; output may move between tries, as it is queued behind. */
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
			 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_timeout(ctx, conf->ticket_s ? conf->ticket_s : TICKET_S);
	SSL_CTX_set_num_tickets(ctx, 1);
	SSL_CTX_set_max_cert_list(ctx, CHAIN_MAX_BYTES);
	SSL_CTX_set_verify_depth(ctx, CHAIN_DEPTH);
	/* A session belongs to one context: one of its own kind with other authorities must not take it. */
	if (RAND_bytes(context, sizeof context) != 1 ||
	    SSL_CTX_set_session_id_context(ctx, context, sizeof context) != 1)
		return refuse(d, "TLS context", NULL, "OpenSSL has no randomness");
	int verify = conf->client == RF_TLS_CLIENT_REQUIRED ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT :
		     conf->client == RF_TLS_CLIENT_OPTIONAL ? SSL_VERIFY_PEER : SSL_VERIFY_NONE;
	SSL_CTX_set_verify(ctx, verify, NULL);
	return 0;
}

/* Names nobody, and nobody signed it but itself. */
static int make_blank(struct rf_tls *tls)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	X509 *x = X509_new();

	if (x && key && X509_gmtime_adj(X509_getm_notBefore(x), 0) && X509_gmtime_adj(X509_getm_notAfter(x), 0) &&
	    X509_set_pubkey(x, key) == 1 && X509_sign(x, key, NULL) > 0)
		tls->blank_n = i2d_X509(x, &tls->blank);
	X509_free(x);
	EVP_PKEY_free(key);
	return tls->blank_n > 0;
}

int rf_tls_new(const struct rf_tls_conf *conf, struct rf_tls **ret_tls, struct rf_diag *d)
{
	struct rf_tls *tls = calloc(1, sizeof *tls);

	if (!tls)
		return rf_diag_set(d, -ENOMEM, "no memory for a TLS context");
	ERR_clear_error();
	atomic_init(&tls->refs, 1);
	tls->check = conf->check;
	tls->check_arg = conf->check_arg;
	tls->ctx = SSL_CTX_new(TLS_method());
	int rc = tls->ctx && make_blank(tls) ? 0 : refuse(d, "TLS context", NULL, "OpenSSL could not make one");
	if (!rc)
		rc = use_profile(tls->ctx, conf->profile ? conf->profile : &rf_tls_modern, d);
	if (!rc)
		rc = use_certificate(tls->ctx, conf, d);
	if (!rc)
		rc = use_authorities(tls->ctx, conf, d);
	if (!rc && conf->peer_ca_count)
		rc = rf_tls_authorities(tls, conf, d);
	if (!rc)
		rc = use_bounds(tls->ctx, conf, d);
	if (rc) {
		rf_tls_put(tls);
		return rc;
	}
	*ret_tls = tls;
	return 0;
}

struct rf_tls *rf_tls_get(struct rf_tls *tls)
{
	atomic_fetch_add_explicit(&tls->refs, 1, memory_order_relaxed);
	return tls;
}

void rf_tls_put(struct rf_tls *tls)
{
	if (!tls || atomic_fetch_sub_explicit(&tls->refs, 1, memory_order_acq_rel) != 1)
		return;
	SSL_CTX_free(tls->ctx);
	OPENSSL_free(tls->blank);
	free(tls);
}
