/* Which rule refused a message: one name each for counters and the ledger, one response code, one sentence for the
 * Reason phrase or the operator. A row of the table in rule.c per rule. */
#ifndef RF_SIP_RULE_H
#define RF_SIP_RULE_H

#include <stdint.h>

enum rf_sip_rule {
	RF_SIP_RULE_NONE,         /* understood */
	RF_SIP_RULE_EMPTY,        /* no byte of a message: a keep-alive or nothing */
	RF_SIP_RULE_START_LINE,   /* neither a request line nor a status line */
	RF_SIP_RULE_START_LONG,
	RF_SIP_RULE_VERSION,      /* SIP/x.y, but not 2.0 */
	RF_SIP_RULE_STATUS,       /* status code outside 100..699 */
	RF_SIP_RULE_URI,          /* Request-URI breaks the grammar */
	RF_SIP_RULE_URI_HEADERS,  /* Request-URI carries headers (RFC 3261 19.1.1 forbids them there) */
	RF_SIP_RULE_SCHEME,       /* a URI scheme that is not sip, sips or tel */
	RF_SIP_RULE_LINE_END,     /* CR without LF, LF without CR */
	RF_SIP_RULE_CONTROL,      /* NUL or another control character outside a quoted pair */
	RF_SIP_RULE_HEADER,       /* a header line that is not "name: value" */
	RF_SIP_RULE_LINE_LONG,
	RF_SIP_RULE_HEADERS,      /* too many header fields */
	RF_SIP_RULE_HEAD_LONG,    /* the header section is over its bound */
	RF_SIP_RULE_MESSAGE_LONG,
	RF_SIP_RULE_NO_END,       /* the empty line after the headers is missing */
	RF_SIP_RULE_DUPLICATE,    /* a header field that may stand once stands twice */
	RF_SIP_RULE_MISSING,      /* Via, From, To, Call-ID or CSeq is missing */
	RF_SIP_RULE_VIA,
	RF_SIP_RULE_VIA_COUNT,    /* too many Via values */
	RF_SIP_RULE_BRANCH,       /* the magic cookie with nothing behind it */
	RF_SIP_RULE_FROM,
	RF_SIP_RULE_TO,
	RF_SIP_RULE_CALL_ID,
	RF_SIP_RULE_CSEQ,
	RF_SIP_RULE_CSEQ_METHOD,  /* CSeq names another method than the request line */
	RF_SIP_RULE_MAX_FORWARDS,
	RF_SIP_RULE_LENGTH,       /* Content-Length is not a number within bounds */
	RF_SIP_RULE_LENGTH_NONE,  /* Content-Length is missing on a stream */
	RF_SIP_RULE_LENGTH_SHORT, /* fewer bytes than Content-Length says, in a datagram */
	RF_SIP_RULE_LENGTH_LONG,  /* more bytes than Content-Length says, in what a stream framed */
	RF_SIP_RULE_CONTENT_TYPE,
	RF_SIP_RULES
};

struct rf_sip_rule_info {
	const char *name;   /* "via-count": for counters and ledger events */
	uint16_t code;      /* the response to a request that breaks it */
	const char *text;   /* one sentence without the final stop */
};

/* Never NULL. */
const struct rf_sip_rule_info *rf_sip_rule_info(enum rf_sip_rule rule);

#endif
