/* What the tests of net share: a certificate authority and certificates made on the spot, and a plain OpenSSL client
 * on a blocking socket, which a test turns together with the loop under test. */
#ifndef RF_TEST_NET_KIT_H
#define RF_TEST_NET_KIT_H

#include "net/stream.h"

#include <openssl/ssl.h>

struct kit_cert {
	X509 *cert;
	EVP_PKEY *key;
};

struct kit_want {
	const struct kit_cert *issuer; /* NULL: self-signed CA */
	const char *cn, *san;          /* e.g. "URI:sip:1001@example.org,URI:urn:uuid:...", may be NULL */
	const char *eku;               /* "clientAuth", NULL: none */
	long from_s, until_s;          /* from now; 0, 0: from an hour ago for a day */
	long serial;
};

struct kit_cert kit_make(struct kit_want want);
void kit_free(struct kit_cert *c);
/* PEM of the certificate, in a malloc'd view. */
struct rf_view kit_pem(const struct kit_cert *c);
/* A revocation list by ca with one serial in it, as a file at path. */
void kit_crl(const struct kit_cert *ca, long serial, const char *path);

/* A TLS context of ringfort's, trusting ca, with cert as its own (may be NULL). Ends the test when it fails. */
struct rf_tls *kit_tls(const struct kit_cert *cert, const struct kit_cert *ca, struct rf_tls_conf conf);

/* A client context; cert may be NULL. */
SSL_CTX *kit_client_ctx(const struct kit_cert *cert);
/* A non-blocking socket connected (or connecting) to addr. */
int kit_connect(const struct rf_addr *addr);
/* Turn loop until done(arg) or about ms have passed; true when done. */
bool kit_turn(struct rf_loop *loop, bool (*done)(void *arg), void *arg, int ms);
/* Drive ssl's handshake against the loop: SSL_get_error() of the last step, SSL_ERROR_NONE when it is done. */
int kit_handshake(struct rf_loop *loop, SSL *ssl);

#endif
