/* Trunk groups in SIP URIs (RFC 4904): which of the trunks a call is to take, or came by, stands in the user part:
 * "sip:+4930123;tgrp=carrier;trunk-context=example.org@host;user=phone". Views and writers; threads: any. */
#ifndef RF_SIP_TGRP_H
#define RF_SIP_TGRP_H

#include "base/writer.h"
#include "sip/uri.h"

struct rf_tgrp {
	struct rf_view user;     /* before the first ";", with its escapes */
	struct rf_view name;     /* of the group, as written */
	struct rf_view context;
	struct rf_view verstat;  /* TN-Validation-..., as written; empty: none (3GPP TS 24.229 7.2A.20) */
};

/* Split the user part of a sip URI, or the number and parameters of a tel URI. name and context come together or not at
 * all (RFC 4904 5): without them they are empty. RF_E_MALFORMED: one without the other, or one of them twice;
 * RF_E_UNSUPPORTED: a URI of another scheme. */
int rf_tgrp_parse(const struct rf_sip_uri *uri, struct rf_tgrp *ret_tgrp);

/* "sip:USER;tgrp=NAME;trunk-context=DOMAIN@host:port;transport=tls". user is escaped. */
void rf_tgrp_put_uri(struct rf_writer *w, struct rf_view user, struct rf_view name, struct rf_view context,
		     struct rf_view host, uint16_t port);

#endif
