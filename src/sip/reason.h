/* Default reason phrases (RFC 3261 21 and the IANA registry). */
#ifndef RF_SIP_REASON_H
#define RF_SIP_REASON_H

#include "base/view.h"

/* The registered phrase; for an unregistered code that of its class ("Request Failure"). Never empty. */
struct rf_view rf_sip_reason(unsigned code);

#endif
