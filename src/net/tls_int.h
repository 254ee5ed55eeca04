/* For the room's own files: the inside of a TLS context, and why handshakes fail. */
#ifndef RF_NET_TLS_INT_H
#define RF_NET_TLS_INT_H

#include "net/tls.h"

#include <openssl/ssl.h>
#include <stdatomic.h>

enum { RF_TLS_SITE_ROOTS_MAX = 8 };

struct rf_tls {
	atomic_uint refs;
	SSL_CTX *ctx;
	uint8_t *blank;   /* a certificate of nobody, DER: takes the place of peers' ones that are
			   * not needed any more */
	int blank_n;
	int (*check)(void *arg, const struct rf_pki_id *peer);
	void *check_arg;
	bool peers;       /* authorities beside the site's are believed */
	size_t site_root_n;
	uint8_t site_roots[RF_TLS_SITE_ROOTS_MAX][32]; /* of conf.ca_file, when there are others */
};

/* Which root the chain of the peer of a finished handshake ends in: zeros for the site's own. */
void rf_tls_authority(const struct rf_tls *tls, SSL *ssl, uint8_t ret_sha256[static 32]);
/* Read the site's own roots and keep what tickets must remember. RF_E_INVALID. */
int rf_tls_authorities(struct rf_tls *tls, const struct rf_tls_conf *conf, struct rf_diag *d);

/* A connection's SSL in its role. As a client, verify_name (may be empty: only the chain) is compared with the server's
 * certificate; it must outlive the SSL. NULL when there is no memory. */
SSL *rf_tls_ssl_new(struct rf_tls *tls, bool server, const struct rf_view *verify_name);

/* Why SSL_do_handshake() or SSL_read() failed; reads and clears this thread's error queue. *ret_text has the detail,
 * static storage. */
enum rf_tls_fail rf_tls_why(SSL *ssl, const char **ret_text);

#endif
