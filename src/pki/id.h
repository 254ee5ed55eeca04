/* Who a certificate says its holder is: what ringfort reads out of a peer's certificate after the TLS library has
 * verified the chain. A small value (kept per connection), so that nobody above needs OpenSSL's types.
 *
 * A phone's certificate, as pki/issue.h makes it, carries in subjectAltName two URIs: "sip:NUMBER@DOMAIN" (RFC 5922)
 * and the device's "urn:uuid:..." (RFC 5626, RFC 9562). Reading it proves nothing by itself: whether the serial is one
 * that the site issued and has not revoked is asked of the directory (store/directory.h).
 *
 * A host or a peer of another organisation says which domains it may speak for (RFC 5922 7.1): those are `domains`.
 * What such a name is worth depends on who certified it, so `authority` says which root the chain ended in, when it was
 * not the site's own. */
#ifndef RF_PKI_ID_H
#define RF_PKI_ID_H

#include "base/err.h"
#include "base/view.h"

struct x509_st; /* OpenSSL's X509 */

enum {
	RF_PKI_SERIAL_MAX = 20, /* octets, RFC 5280 4.1.2.2 */
	RF_PKI_URI_MAX = 255,
	RF_PKI_URN_LEN = 45,    /* "urn:uuid:" and 36 characters */
	RF_PKI_DOMAINS_MAX = 512, /* characters of all domains of a certificate; those behind are
				   * as if it had them not */
};

struct rf_pki_id {
	bool present;                        /* the peer showed a certificate and it was verified */
	uint8_t serial_len;
	uint8_t serial[RF_PKI_SERIAL_MAX];   /* big-endian, no leading zero octets */
	uint8_t sha256[32];                  /* fingerprint of the DER certificate */
	int64_t not_before_s, not_after_s;   /* seconds since 1970 UTC */
	char urn[RF_PKI_URN_LEN + 1];        /* lower case, "" when there is none */
	uint8_t authority[32];               /* SHA-256 of the chain's root; zeros: the site's own CA. By net/tls.h */
	char uri[RF_PKI_URI_MAX + 1];        /* the sip: or sips: URI as written, the first of those without a user
					      * part; "" when there is none */
	char domains[RF_PKI_DOMAINS_MAX + 1]; /* with a blank behind each, lower case: the hosts of sip URIs
					       * without user part, else the DNS names; then IP addresses. ""
					       * when there are none */
};

/* Read cert. 0; RF_E_MALFORMED: a serial that is negative, zero or too long, a URI with a NUL or other byte that is not
 * printable ASCII, an unreadable date; RF_E_LIMIT: a sip URI over RF_PKI_URI_MAX; RF_E_INVALID: two sip URIs that
 * differ and are not both domains, or two URNs that differ, since then nobody could say which one holds; RF_E_CRYPTO.
 * Threads: any. */
int rf_pki_id_from_x509(const struct x509_st *cert, struct rf_pki_id *ret_id);

/* Is this domain, or IP address as text, one of the certificate's? Case is ignored. */
bool rf_pki_id_names(const struct rf_pki_id *id, struct rf_view domain);
/* How many bytes of the struct hold anything: what follows is a text that is empty. */
size_t rf_pki_id_used(const struct rf_pki_id *id);

static inline struct rf_view rf_pki_id_serial(const struct rf_pki_id *id)
{
	return rf_view_of(id->serial, id->serial_len);
}

#endif
