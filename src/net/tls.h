/* TLS contexts: keys, certificates, what is accepted. Built once, shared by all workers and streams, replaced as a
 * whole on a reload (new connections take the new one, running ones keep theirs).
 *
 * TLS 1.2 (ECDHE with AEAD only) and 1.3; no compression, no renegotiation, no early data; resumption by tickets only.
 * A resumed connection has the identity of the certificate shown at first, whose dates are checked again; tickets end
 * with the context, so a reload with a new CA or revocation list cannot be passed by with an old ticket. */
#ifndef RF_NET_TLS_H
#define RF_NET_TLS_H

#include "base/err.h"
#include "base/view.h"

#include <openssl/types.h>

struct rf_tls;
struct rf_pki_id;

/* What is offered and taken. Lists in OpenSSL's notation. */
struct rf_tls_profile {
	const char *name;
	const char *tls12;   /* cipher list */
	const char *tls13;   /* cipher suites */
	const char *groups;
	const char *sigalgs;
};

extern const struct rf_tls_profile rf_tls_modern; /* AEAD, ECDHE */
extern const struct rf_tls_profile rf_tls_cnsa;   /* P-384, AES-256-GCM, SHA-384 only */

enum rf_tls_client { RF_TLS_CLIENT_NONE, RF_TLS_CLIENT_OPTIONAL, RF_TLS_CLIENT_REQUIRED };

/* Why a handshake failed, for the record. rf_tls_fail_text() has a sentence, rf_tls_fail_name() a stable word. */
enum rf_tls_fail {
	RF_TLS_OK,
	RF_TLS_FAIL_NONE_SENT,   /* a certificate is required and the peer sent none */
	RF_TLS_FAIL_EXPIRED,
	RF_TLS_FAIL_NOT_YET,     /* not valid yet: is a clock wrong? */
	RF_TLS_FAIL_UNKNOWN_CA,
	RF_TLS_FAIL_REVOKED,
	RF_TLS_FAIL_PURPOSE,     /* not a certificate for this use (client, server) */
	RF_TLS_FAIL_NAME,        /* the server's certificate is for another name (RFC 5922) */
	RF_TLS_FAIL_CERT,        /* bad in another way: signature, encoding, unreadable identity, weak key */
	RF_TLS_FAIL_REFUSED,     /* the site's check refused the identity */
	RF_TLS_FAIL_VERSION,     /* no common TLS version */
	RF_TLS_FAIL_CIPHER,      /* no common cipher, group or signature algorithm */
	RF_TLS_FAIL_ALERT,       /* the peer ended it: it refused our certificate, or wants what we do not offer */
	RF_TLS_FAIL_BYTES,       /* not TLS, or broken */
	RF_TLS_FAIL_KEY,         /* our own key did not sign */
	RF_TLS_FAIL_COUNT
};

const char *rf_tls_fail_name(enum rf_tls_fail fail);
const char *rf_tls_fail_text(enum rf_tls_fail fail);

struct rf_tls_conf {
	/* Our certificate, as one of: a PEM file with the chain, leaf first; or an object (borrowed) and optional
	 * chain. A client context may have none. */
	const char *chain_file;
	X509 *cert;
	STACK_OF(X509) *chain;
	EVP_PKEY *key;               /* a reference is taken; its operations may live in another process */
	/* Who is believed: a PEM file, PEM bytes or a store (one reference is taken; what the other two name is added
	 * to it); at least one when peers are verified. */
	const char *ca_file;
	struct rf_view ca_pem;
	X509_STORE *store;
	/* Others who are believed, as PEM files: authorities of peers outside this site. Whoever comes with a chain
	 * that ends in one of them has that root's SHA-256 in rf_pki_id.authority, resumed connections too. */
	const char *const *peer_ca_files;
	size_t peer_ca_count;
	const char *crl_file;        /* PEM revocation lists, may be NULL; then every issuer of a peer needs one */
	const struct rf_tls_profile *profile; /* NULL: rf_tls_modern */
	enum rf_tls_client client;   /* as a server */
	uint32_t ticket_s;           /* lifetime of tickets, 0: 4 hours */
	/* Asked on any thread at the end of a handshake in which the peer showed a certificate, resumed ones included:
	 * 0, or a negative code to refuse (RF_TLS_FAIL_REFUSED; the connection is closed). Must not block; may be
	 * NULL. */
	int (*check)(void *arg, const struct rf_pki_id *peer);
	void *check_arg;
};

/* Both for servers and clients. RF_E_INVALID (with d saying which file and why: unreadable, key does not match,
 * expired, no certificate), RF_E_CRYPTO, -ENOMEM. */
int rf_tls_new(const struct rf_tls_conf *conf, struct rf_tls **ret_tls, struct rf_diag *d);
struct rf_tls *rf_tls_get(struct rf_tls *tls); /* any thread */
void rf_tls_put(struct rf_tls *tls);           /* any thread; NULL is fine */

/* The SHA-256 of each certificate in a PEM file, as rf_pki_id.authority has it. RF_E_INVALID: none, unreadable, or more
 * than cap. */
int rf_tls_roots(const char *file, uint8_t (*roots)[32], size_t cap, size_t *ret_n, struct rf_diag *d);

/* Does cert name domain as RFC 5922 7.2 has it: a sip URI without user part for that host in subjectAltName; DNS names
 * there only count when there is no such URI; no wildcards, no common name. domain may be an IP address, compared with
 * iPAddress entries. Case is ignored. */
bool rf_tls_cert_names(const X509 *cert, struct rf_view domain);

#endif
