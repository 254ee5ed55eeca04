/* The Identity header field (RFC 8224 4): TOKEN;info=<https://...>;alg=ES256;ppt=shaken */
#ifndef RF_SIP_IDENTITY_HDR_H
#define RF_SIP_IDENTITY_HDR_H

#include "base/writer.h"

struct rf_identity_hdr {
	struct rf_view token;    /* full or compact; a part of the value */
	struct rf_view info;     /* the URI, without <> */
	struct rf_view alg, ppt; /* "" when not given; without quotes */
};

/* One field's value. Only characters of tokens and parameters are let through; each parameter may stand once; info
 * must be there. RF_E_MALFORMED, RF_E_LIMIT (the token over RF_PASSPORT_MAX, info over RF_PASSPORT_X5U_MAX). */
int rf_identity_hdr_parse(struct rf_view value, struct rf_identity_hdr *ret_h);

/* ";info=<x5u>;alg=ES256;ppt=shaken" behind a token. x5u must be free of <>, white space and control characters, or the
 * writer's error is set to RF_E_MALFORMED. ppt may be empty. */
void rf_identity_hdr_put_params(struct rf_writer *w, struct rf_view x5u, struct rf_view ppt);

/* An https URI as x5u may be: "https://host[:port]/path". *ret_host is the host in its case. RF_E_INVALID: another
 * scheme, a user, a port other than 443 and 8443 (as SHAKEN has it), no path, a fragment, or bytes that no URI has. */
int rf_identity_info_host(struct rf_view uri, struct rf_view *ret_host);

#endif
