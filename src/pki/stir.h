/* Certificates of telephone numbers (RFC 8226) and the signatures made with them (ES256, RFC 7518 3.4).
 *
 * A certificate of a stranger counts when its chain ends in an authority of the site's trust file, it may sign and is
 * no CA, its key is on P-256, it is in its dates, and its TNAuthList covers the number: by naming it, by a range of
 * numbers, or by the code of a service provider (SPC) that the site believes for any number.
 *
 * Lists of numbers that lie elsewhere (RFC 8226 10.2) are not fetched: such a certificate covers nothing. One with
 * constraints on claims (RFC 8226 8, RFC 9118) is refused, because they would have to be obeyed. Revocation: a CRL in
 * the trust file holds for what its issuer issued.
 *
 * All objects are immutable once made; several threads may read them. */
#ifndef RF_PKI_STIR_H
#define RF_PKI_STIR_H

#include "base/clock.h"
#include "base/err.h"
#include "base/view.h"

enum {
	RF_STIR_SIG = 64,              /* r and s of ES256 */
	RF_STIR_DIGEST = 32,
	RF_STIR_CERT_BYTES = 16384,    /* a chain as it is fetched */
	RF_STIR_CHAIN_MAX = 6,         /* certificates in it */
	RF_STIR_ENTRIES_MAX = 64,      /* in a TNAuthList */
	RF_STIR_TRUST_BYTES = 1 << 20, /* the trust file */
};

struct rf_stir_trust;
struct rf_stir_cert;

/* The authorities (and CRLs) of a PEM file. -errno, RF_E_CORRUPT: none in it. */
int rf_stir_trust_load(const char *path, struct rf_stir_trust **ret_trust, struct rf_diag *diag);
struct rf_stir_trust *rf_stir_trust_get(struct rf_stir_trust *trust);
void rf_stir_trust_put(struct rf_stir_trust *trust); /* NULL is fine */

/* A chain in PEM, the signer's certificate first, or one certificate in DER; verified against trust at `now`.
 * RF_E_MALFORMED, RF_E_LIMIT: the bytes; RF_E_UNSUPPORTED: key, use, constraints, no TNAuthList; RF_E_DENIED: no chain
 * to an authority, or revoked; RF_E_STALE: out of its dates. */
int rf_stir_cert_new(struct rf_view bytes, struct rf_stir_trust *trust, struct rf_wall now,
		     struct rf_stir_cert **ret_cert, struct rf_diag *diag);
void rf_stir_cert_free(struct rf_stir_cert *cert); /* NULL is fine */
/* In the dates of the whole chain? */
bool rf_stir_cert_current(const struct rf_stir_cert *cert, struct rf_wall now);
/* May it speak for this number (1 to 15 digits)? providers: codes that are believed, "any" among them for all. */
bool rf_stir_cert_covers(const struct rf_stir_cert *cert, struct rf_view tn, const struct rf_view *providers, size_t n);
/* Did its key sign input? 0, RF_E_AUTH. */
int rf_stir_cert_verify(const struct rf_stir_cert *cert, struct rf_view input, const uint8_t sig[static RF_STIR_SIG]);

/* The two ends of a signature that a key elsewhere makes: what it signs, and its answer (ECDSA in DER) as r and s. */
int rf_stir_digest(struct rf_view input, uint8_t ret_digest[static RF_STIR_DIGEST]);
int rf_stir_sig_from_der(struct rf_view der, uint8_t ret_sig[static RF_STIR_SIG]);

#endif
