/* The signature of a bundle of configurations: over its MANIFEST (emit/manifest.h), which names every file's hash. Made
 * on the administrator's host, verified by the `wall` role before it loads a rule.
 *
 * It is a detached CMS signature in PEM (RFC 5652), so that others can verify it, too:
 *
 *	openssl cms -verify -binary -inform PEM -in MANIFEST.sig -content MANIFEST -CAfile ca.pem -purpose any
 *
 * The signer's certificate is in it: issued by the site's CA for code signing (RFC 5280 4.2.1.12) and nothing else, for
 * a key that was made for this one signature and is wiped after it. A phone's or a host's certificate, which the same
 * CA issued, is therefore no signer. Its dates are not asked for: a router that starts in three years loads what was
 * signed today; who must not go back to an older bundle compares the time of signing. */
#ifndef RF_PKI_BUNDLE_H
#define RF_PKI_BUNDLE_H

#include "pki/ca.h"

enum { RF_PKI_SIG_MAX = 65536 };

/* *ret_sig: PEM text, to be released with free(). RF_E_CRYPTO, RF_E_STALE (the CA has expired), -ENOMEM. */
int rf_pki_bundle_sign(struct rf_ca *ca, struct rf_view manifest, struct rf_wall now, char **ret_sig,
		       struct rf_diag *diag);
/* 0 and when it was signed, as the signer says; RF_E_AUTH: by somebody else, for another purpose, or over other bytes;
 * RF_E_LIMIT, RF_E_MALFORMED: no signature; or what reading the CA's certificate gave. */
int rf_pki_bundle_verify(const char *ca_path, struct rf_view manifest, struct rf_view sig, struct rf_wall *ret_when,
			 struct rf_diag *diag);

#endif
