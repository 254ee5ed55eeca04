/* Every bound of the message half of sip/, in one place (docs/security.md shows them to people). What can be chosen
 * is in struct rf_sip_limits; what sizes an array or an inner loop is a constant. A test stands at each bound and
 * one past it. */
#ifndef RF_SIP_LIMITS_H
#define RF_SIP_LIMITS_H

#include <stdint.h>

struct rf_sip_limits {
	uint32_t message_bytes; /* start line, headers and body; past it 513 (RFC 3261 21.5.14) */
	uint32_t head_bytes;    /* start line and headers with the empty line; past it 513 */
	uint32_t start_bytes;   /* start line; past it 414 (RFC 3261 21.4.12) */
	uint32_t line_bytes;    /* one header field with its folded lines; past it 513 */
	uint16_t headers;       /* header fields, at most RF_SIP_HEADERS_MAX; past it 513 */
	uint16_t vias;          /* Via values, counted over commas; past it 483: nothing honest has passed 70 hops */
};

extern const struct rf_sip_limits rf_sip_limits_default;

enum {
	RF_SIP_HEADERS_MAX = 256,   /* header array inside struct rf_sip_msg */
	RF_SIP_PARAMS_MAX = 64,     /* parameters of one value, of one URI; headers of one URI */
	RF_SIP_CALL_ID_MAX = 512,   /* bytes: it is kept for the life of a dialog */
	RF_SIP_TAG_MAX = 256,       /* bytes, as Call-ID */
	RF_SIP_BRANCH_MAX = 512,    /* bytes: kept for the life of a transaction */
	RF_SIP_HOST_MAX = 255,      /* bytes, RFC 1035 2.3.4 */
	RF_SIP_PARTS_MAX = 16,      /* parts of one multipart body */
};

#endif
