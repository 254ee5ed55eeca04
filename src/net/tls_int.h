/* For the room's own files: the inside of a TLS context, and why handshakes fail. */
#ifndef RF_NET_TLS_INT_H
#define RF_NET_TLS_INT_H

#include "net/tls.h"

#include <openssl/ssl.h>
#include <stdatomic.h>

struct rf_tls {
	atomic_uint refs;
	SSL_CTX *ctx;
	EVP_PKEY *blank;  /* stands in for peers' public keys that are not needed any more */
	int (*check)(void *arg, const struct rf_pki_id *peer);
	void *check_arg;
};

/* A connection's SSL in its role. As a client, verify_name (may be empty: only the chain) is compared with the server's
 * certificate; it must outlive the SSL. NULL when there is no memory. */
SSL *rf_tls_ssl_new(struct rf_tls *tls, bool server, const struct rf_view *verify_name);

/* Why SSL_do_handshake() or SSL_read() failed; reads and clears this thread's error queue. *ret_text has the detail,
 * static storage. */
enum rf_tls_fail rf_tls_why(SSL *ssl, const char **ret_text);

#endif
