/* Header field names. A name is known by the whole of it, without case, or by its compact form; nothing is decided
 * on a hash. What is not in this table is kept in the message by its name, with id RF_SIP_H_OTHER. */
#ifndef RF_SIP_HDR_H
#define RF_SIP_HDR_H

#include "base/view.h"

/* In the order of the table in hdr.c. */
enum rf_sip_hid {
	RF_SIP_H_OTHER,
	RF_SIP_H_ACCEPT,
	RF_SIP_H_ACCEPT_CONTACT,
	RF_SIP_H_ACCEPT_ENCODING,
	RF_SIP_H_ACCEPT_LANGUAGE,
	RF_SIP_H_ALERT_INFO,
	RF_SIP_H_ALLOW,
	RF_SIP_H_ALLOW_EVENTS,
	RF_SIP_H_AUTHENTICATION_INFO,
	RF_SIP_H_AUTHORIZATION,
	RF_SIP_H_CALL_ID,
	RF_SIP_H_CALL_INFO,
	RF_SIP_H_CONTACT,
	RF_SIP_H_CONTENT_DISPOSITION,
	RF_SIP_H_CONTENT_ENCODING,
	RF_SIP_H_CONTENT_LANGUAGE,
	RF_SIP_H_CONTENT_LENGTH,
	RF_SIP_H_CONTENT_TYPE,
	RF_SIP_H_CSEQ,
	RF_SIP_H_DATE,
	RF_SIP_H_DIVERSION,
	RF_SIP_H_ERROR_INFO,
	RF_SIP_H_EVENT,
	RF_SIP_H_EXPIRES,
	RF_SIP_H_FLOW_TIMER,
	RF_SIP_H_FROM,
	RF_SIP_H_GEOLOCATION,
	RF_SIP_H_HISTORY_INFO,
	RF_SIP_H_IDENTITY,
	RF_SIP_H_IN_REPLY_TO,
	RF_SIP_H_JOIN,
	RF_SIP_H_MAX_BREADTH,
	RF_SIP_H_MAX_FORWARDS,
	RF_SIP_H_MIME_VERSION,
	RF_SIP_H_MIN_EXPIRES,
	RF_SIP_H_MIN_SE,
	RF_SIP_H_ORGANIZATION,
	RF_SIP_H_P_ASSERTED_IDENTITY,
	RF_SIP_H_P_PREFERRED_IDENTITY,
	RF_SIP_H_PATH,
	RF_SIP_H_PRIORITY,
	RF_SIP_H_PRIVACY,
	RF_SIP_H_PROXY_AUTHENTICATE,
	RF_SIP_H_PROXY_AUTHORIZATION,
	RF_SIP_H_PROXY_REQUIRE,
	RF_SIP_H_RACK,
	RF_SIP_H_REASON,
	RF_SIP_H_RECORD_ROUTE,
	RF_SIP_H_REFER_TO,
	RF_SIP_H_REFERRED_BY,
	RF_SIP_H_REPLACES,
	RF_SIP_H_REPLY_TO,
	RF_SIP_H_REQUEST_DISPOSITION,
	RF_SIP_H_REQUIRE,
	RF_SIP_H_RESOURCE_PRIORITY,
	RF_SIP_H_RETRY_AFTER,
	RF_SIP_H_ROUTE,
	RF_SIP_H_RSEQ,
	RF_SIP_H_SERVER,
	RF_SIP_H_SERVICE_ROUTE,
	RF_SIP_H_SESSION_EXPIRES,
	RF_SIP_H_SIP_ETAG,
	RF_SIP_H_SIP_IF_MATCH,
	RF_SIP_H_SUBJECT,
	RF_SIP_H_SUBSCRIPTION_STATE,
	RF_SIP_H_SUPPORTED,
	RF_SIP_H_TIMESTAMP,
	RF_SIP_H_TO,
	RF_SIP_H_UNSUPPORTED,
	RF_SIP_H_USER_AGENT,
	RF_SIP_H_VIA,
	RF_SIP_H_WARNING,
	RF_SIP_H_WWW_AUTHENTICATE,
	RF_SIP_H_COUNT
};

struct rf_sip_hdr_info {
	struct rf_view name;  /* as we write it */
	uint8_t compact;      /* its one letter form in lower case, 0 when there is none */
	bool once;            /* a message that carries it twice is refused (RFC 3261 7.3.1) */
};

/* name must be a token (it is, in a parsed message): the comparison folds case by a trick that needs it. */
enum rf_sip_hid rf_sip_hid_of(struct rf_view name);
/* id below RF_SIP_H_COUNT; RF_SIP_H_OTHER has an empty name. */
const struct rf_sip_hdr_info *rf_sip_hdr_info(enum rf_sip_hid id);

#endif
