/* Request methods. Names are compared whole and in their case (RFC 3261 7.1). */
#ifndef RF_SIP_METHOD_H
#define RF_SIP_METHOD_H

#include "base/view.h"

enum rf_sip_method {
	RF_SIP_UNKNOWN, /* a method that we have no name for; its text is in the message */
	RF_SIP_INVITE,
	RF_SIP_ACK,
	RF_SIP_BYE,
	RF_SIP_CANCEL,
	RF_SIP_OPTIONS,
	RF_SIP_REGISTER,
	RF_SIP_PRACK,     /* RFC 3262 */
	RF_SIP_UPDATE,    /* RFC 3311 */
	RF_SIP_INFO,      /* RFC 6086 */
	RF_SIP_SUBSCRIBE, /* RFC 6665 */
	RF_SIP_NOTIFY,
	RF_SIP_REFER,     /* RFC 3515 */
	RF_SIP_MESSAGE,   /* RFC 3428 */
	RF_SIP_PUBLISH,   /* RFC 3903 */
	RF_SIP_METHODS
};

/* RF_SIP_UNKNOWN when it is none of ours. */
enum rf_sip_method rf_sip_method_of(struct rf_view name);
/* The empty view for RF_SIP_UNKNOWN. */
struct rf_view rf_sip_method_name(enum rf_sip_method method);

#endif
