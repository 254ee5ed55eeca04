/* Who a certificate says its holder is: what ringfort reads out of a peer's certificate after the TLS library has
 * verified the chain. A small value (kept per connection), so that nobody above needs OpenSSL's types.
 *
 * A phone's certificate, as pki/issue.h makes it, carries in subjectAltName two URIs: "sip:NUMBER@DOMAIN" (RFC 5922)
 * and the device's "urn:uuid:..." (RFC 5626, RFC 9562). Reading it proves nothing by itself: whether the serial is one
 * that the site issued and has not revoked is asked of the directory (store/directory.h). */
#ifndef RF_PKI_ID_H
#define RF_PKI_ID_H

#include "base/err.h"
#include "base/view.h"

struct x509_st; /* OpenSSL's X509 */

enum {
	RF_PKI_SERIAL_MAX = 20, /* octets, RFC 5280 4.1.2.2 */
	RF_PKI_URI_MAX = 255,
	RF_PKI_URN_LEN = 45,    /* "urn:uuid:" and 36 characters */
};

struct rf_pki_id {
	bool present;                        /* the peer showed a certificate and it was verified */
	uint8_t serial_len;
	uint8_t serial[RF_PKI_SERIAL_MAX];   /* big-endian, no leading zero octets */
	uint8_t sha256[32];                  /* fingerprint of the DER certificate */
	int64_t not_before_s, not_after_s;   /* seconds since 1970 UTC */
	char urn[RF_PKI_URN_LEN + 1];        /* lower case, "" when there is none */
	char uri[RF_PKI_URI_MAX + 1];        /* the sip: or sips: URI as written, "" when there is none */
};

/* Read cert. 0; RF_E_MALFORMED: a serial that is negative, zero or too long, a URI with a NUL or other byte that is not
 * printable ASCII, an unreadable date; RF_E_LIMIT: a sip URI over RF_PKI_URI_MAX; RF_E_INVALID: two sip URIs or two
 * URNs that differ, since then nobody could say which one holds; RF_E_CRYPTO. Other kinds of names (DNS, IP) are left
 * to the TLS library's own check. Threads: any. */
int rf_pki_id_from_x509(const struct x509_st *cert, struct rf_pki_id *ret_id);

static inline struct rf_view rf_pki_id_serial(const struct rf_pki_id *id)
{
	return rf_view_of(id->serial, id->serial_len);
}

#endif
