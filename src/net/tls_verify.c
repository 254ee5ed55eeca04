#include "net/tls_int.h"
#include "net/addr.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

static const struct {
	const char *name, *text;
} fails[RF_TLS_FAIL_COUNT] = {
	[RF_TLS_OK] = { "ok", "no failure" },
	[RF_TLS_FAIL_NONE_SENT] = { "no-certificate", "the peer sent no certificate and one is required" },
	[RF_TLS_FAIL_EXPIRED] = { "expired", "the peer's certificate has expired" },
	[RF_TLS_FAIL_NOT_YET] = { "not-yet-valid", "the peer's certificate is not valid yet" },
	[RF_TLS_FAIL_UNKNOWN_CA] = { "unknown-ca", "the peer's certificate is not from an authority of this site" },
	[RF_TLS_FAIL_REVOKED] = { "revoked", "the peer's certificate is revoked" },
	[RF_TLS_FAIL_PURPOSE] = { "wrong-purpose", "the peer's certificate is not meant for this use" },
	[RF_TLS_FAIL_NAME] = { "wrong-name", "the server's certificate does not name the domain asked for" },
	[RF_TLS_FAIL_CERT] = { "bad-certificate", "the peer's certificate could not be accepted" },
	[RF_TLS_FAIL_REFUSED] = { "refused", "the site refuses this certificate" },
	[RF_TLS_FAIL_VERSION] = { "version", "the peer speaks no TLS version that is allowed here" },
	[RF_TLS_FAIL_CIPHER] = { "cipher", "the peer offers no cipher, group or signature that is allowed here" },
	[RF_TLS_FAIL_ALERT] = { "alert", "the peer ended the handshake" },
	[RF_TLS_FAIL_BYTES] = { "not-tls", "the peer sent bytes that are not TLS" },
	[RF_TLS_FAIL_KEY] = { "own-key", "our own key did not sign" },
};

const char *rf_tls_fail_name(enum rf_tls_fail fail)
{
	return (unsigned)fail < RF_TLS_FAIL_COUNT ? fails[fail].name : "unknown";
}

const char *rf_tls_fail_text(enum rf_tls_fail fail)
{
	return (unsigned)fail < RF_TLS_FAIL_COUNT ? fails[fail].text : "unknown";
}

static enum rf_tls_fail of_verify(long result)
{
	switch (result) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return RF_TLS_FAIL_EXPIRED;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return RF_TLS_FAIL_NOT_YET;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_CERT_UNTRUSTED:
	/* Names match an authority of ours but the signature does not: an authority that only calls itself so. */
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
		return RF_TLS_FAIL_UNKNOWN_CA;
	case X509_V_ERR_CERT_REVOKED:
		return RF_TLS_FAIL_REVOKED;
	case X509_V_ERR_INVALID_PURPOSE:
		return RF_TLS_FAIL_PURPOSE;
	case X509_V_ERR_HOSTNAME_MISMATCH:
		return RF_TLS_FAIL_NAME;
	default:
		return RF_TLS_FAIL_CERT;
	}
}

static enum rf_tls_fail of_reason(int reason)
{
	switch (reason) {
	case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
		return RF_TLS_FAIL_NONE_SENT;
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_VERSION_TOO_LOW:
	case SSL_R_NO_PROTOCOLS_AVAILABLE:
	case SSL_R_WRONG_SSL_VERSION:
	case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
		return RF_TLS_FAIL_VERSION;
	case SSL_R_NO_SHARED_CIPHER:
	case SSL_R_NO_SUITABLE_KEY_SHARE:
	case SSL_R_NO_SUITABLE_GROUPS:
	case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
	case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
	case SSL_R_WRONG_CURVE:
	case SSL_R_WRONG_SIGNATURE_TYPE:
	case SSL_R_WRONG_CIPHER_RETURNED:
		return RF_TLS_FAIL_CIPHER;
	case SSL_R_CERTIFICATE_VERIFY_FAILED:
	case SSL_R_EE_KEY_TOO_SMALL:
	case SSL_R_CA_KEY_TOO_SMALL:
	case SSL_R_CA_MD_TOO_WEAK:
	case SSL_R_BAD_SIGNATURE:
		return RF_TLS_FAIL_CERT;
	default:
		return reason >= SSL_AD_REASON_OFFSET ? RF_TLS_FAIL_ALERT : RF_TLS_FAIL_BYTES;
	}
}

enum rf_tls_fail rf_tls_why(SSL *ssl, const char **ret_text)
{
	unsigned long e = ERR_peek_error();
	long verify = SSL_get_verify_result(ssl);
	const char *text = e ? ERR_reason_error_string(e) : NULL;
	enum rf_tls_fail fail = RF_TLS_FAIL_BYTES;

	if (e && ERR_GET_LIB(e) == ERR_LIB_SSL)
		fail = of_reason(ERR_GET_REASON(e));
	else if (e && (ERR_GET_LIB(e) == ERR_LIB_EC || ERR_GET_LIB(e) == ERR_LIB_RSA || ERR_GET_LIB(e) == ERR_LIB_USER))
		fail = RF_TLS_FAIL_KEY;
	/* A signature that does not fit leaves errors of other libraries in front of the handshake's own. */
	if (verify != X509_V_OK) {
		fail = of_verify(verify);
		text = X509_verify_cert_error_string(verify);
	}
	ERR_clear_error();
	*ret_text = text ? text : rf_tls_fail_text(fail);
	return fail;
}

/* ---- names (RFC 5922 7.1, 7.2) */

static struct rf_view string_of(const ASN1_STRING *s)
{
	return rf_view_of(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
}

/* The host of a sip URI that has no user part; empty when it is none. */
static struct rf_view sip_host(struct rf_view uri)
{
	struct rf_view none = { NULL, 0 };

	if (!rf_view_starts_nocase(uri, RF_V("sip:")))
		return none;
	uri = rf_view_from(uri, 4);
	if (rf_view_find(uri, '@') < uri.n)
		return none;
	uri = rf_view_sub(uri, 0, rf_view_find(uri, ';'));
	uri = rf_view_sub(uri, 0, rf_view_find(uri, '?'));
	return uri.n && uri.p[0] == '[' ? uri : rf_view_sub(uri, 0, rf_view_find(uri, ':'));
}

static bool ip_matches(const GENERAL_NAMES *names, const struct rf_addr *ip)
{
	struct rf_view want = rf_view_of(ip->ip, ip->family == 4 ? 4 : 16);

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *n = sk_GENERAL_NAME_value(names, i);

		if (n->type == GEN_IPADD && rf_view_eq(string_of(n->d.iPAddress), want))
			return true;
	}
	return false;
}

static bool domain_matches(const GENERAL_NAMES *names, struct rf_view domain)
{
	bool any_sip = false, dns = false;

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *n = sk_GENERAL_NAME_value(names, i);

		if (n->type == GEN_URI) {
			struct rf_view host = sip_host(string_of(n->d.uniformResourceIdentifier));

			any_sip = any_sip || host.n;
			if (host.n && rf_view_eq_nocase(host, domain))
				return true;
		} else if (n->type == GEN_DNS) {
			dns = dns || rf_view_eq_nocase(string_of(n->d.dNSName), domain);
		}
	}
	return dns && !any_sip;
}

bool rf_tls_cert_names(const X509 *cert, struct rf_view domain)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	struct rf_addr ip;

	if (domain.n && domain.p[domain.n - 1] == '.')
		domain.n--;
	if (!names || !domain.n) {
		GENERAL_NAMES_free(names);
		return false;
	}
	bool is_ip = rf_addr_parse(domain, 0, &ip) == 0;
	bool match = (is_ip && ip_matches(names, &ip)) || domain_matches(names, domain);

	GENERAL_NAMES_free(names);
	return match;
}

/* ---- a connection */

/* Called for each certificate of a server's chain; at the end of a good chain the name decides. */
static int verify_server(int ok, X509_STORE_CTX *store_ctx)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store_ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
	const struct rf_view *name = SSL_get_app_data(ssl);

	if (!ok || X509_STORE_CTX_get_error_depth(store_ctx) != 0 || !name || !name->n)
		return ok;
	for (struct rf_view left = *name, one; left.n; left = rf_view_from(left, one.n + 1)) {
		one = rf_view_sub(left, 0, rf_view_find(left, ' '));
		if (rf_tls_cert_names(X509_STORE_CTX_get_current_cert(store_ctx), one))
			return 1;
	}
	X509_STORE_CTX_set_error(store_ctx, X509_V_ERR_HOSTNAME_MISMATCH);
	return 0;
}

SSL *rf_tls_ssl_new(struct rf_tls *tls, bool server, const struct rf_view *verify_name)
{
	SSL *ssl = SSL_new(tls->ctx);

	if (!ssl)
		return NULL;
	if (server) {
		SSL_set_accept_state(ssl);
		return ssl;
	}
	SSL_set_connect_state(ssl);
	SSL_set_verify(ssl, SSL_VERIFY_PEER, verify_server);
	SSL_set_app_data(ssl, (void *)(uintptr_t)verify_name);
	return ssl;
}
