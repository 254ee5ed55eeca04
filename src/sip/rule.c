#include "sip/rule.h"

#include <stddef.h>

static const struct rf_sip_rule_info rules[RF_SIP_RULES] = {
	[RF_SIP_RULE_NONE] = { "none", 200, "The message was understood" },
	[RF_SIP_RULE_EMPTY] = { "empty", 400, "There is no message" },
	[RF_SIP_RULE_START_LINE] = { "start-line", 400, "The first line is neither a request line nor a status line" },
	[RF_SIP_RULE_START_LONG] = { "start-long", 414, "The request line is too long" },
	[RF_SIP_RULE_VERSION] = { "version", 505, "The version is not SIP/2.0" },
	[RF_SIP_RULE_STATUS] = { "status", 400, "The status code is outside 100 to 699" },
	[RF_SIP_RULE_URI] = { "uri", 400, "The Request-URI is malformed" },
	[RF_SIP_RULE_URI_HEADERS] = { "uri-headers", 400, "The Request-URI carries headers" },
	[RF_SIP_RULE_SCHEME] = { "scheme", 416, "The scheme of the Request-URI is not sip, sips or tel" },
	[RF_SIP_RULE_LINE_END] = { "line-end", 400, "A CR or LF stands alone" },
	[RF_SIP_RULE_CONTROL] = { "control", 400, "A control character stands outside a quoted pair" },
	[RF_SIP_RULE_HEADER] = { "header", 400, "A header line has no name or no colon" },
	[RF_SIP_RULE_LINE_LONG] = { "line-long", 513, "A header field is too long" },
	[RF_SIP_RULE_HEADERS] = { "headers", 513, "There are too many header fields" },
	[RF_SIP_RULE_HEAD_LONG] = { "head-long", 513, "The header section is too long" },
	[RF_SIP_RULE_MESSAGE_LONG] = { "message-long", 513, "The message is too long" },
	[RF_SIP_RULE_NO_END] = { "no-end", 400, "The empty line behind the header fields is missing" },
	[RF_SIP_RULE_DUPLICATE] = { "duplicate", 400, "A header field that may stand once stands twice" },
	[RF_SIP_RULE_MISSING] = { "missing", 400, "Via, From, To, Call-ID or CSeq is missing" },
	[RF_SIP_RULE_VIA] = { "via", 400, "Via is malformed" },
	[RF_SIP_RULE_VIA_COUNT] = { "via-count", 483, "There are too many Via values" },
	[RF_SIP_RULE_BRANCH] = { "branch", 400, "The branch has nothing behind its magic cookie" },
	[RF_SIP_RULE_FROM] = { "from", 400, "From is malformed" },
	[RF_SIP_RULE_TO] = { "to", 400, "To is malformed" },
	[RF_SIP_RULE_CALL_ID] = { "call-id", 400, "Call-ID is malformed or too long" },
	[RF_SIP_RULE_CSEQ] = { "cseq", 400, "CSeq is malformed or not below 2^31" },
	[RF_SIP_RULE_CSEQ_METHOD] = { "cseq-method", 400, "CSeq names another method than the request line" },
	[RF_SIP_RULE_MAX_FORWARDS] = { "max-forwards", 400, "Max-Forwards is not a number from 0 to 255" },
	[RF_SIP_RULE_LENGTH] = { "length", 400, "Content-Length is not a number" },
	[RF_SIP_RULE_LENGTH_NONE] = { "length-none", 400, "Content-Length is missing on a stream" },
	[RF_SIP_RULE_LENGTH_SHORT] = { "length-short", 400, "The body is shorter than Content-Length" },
	[RF_SIP_RULE_LENGTH_LONG] = { "length-long", 400, "The body is longer than Content-Length" },
	[RF_SIP_RULE_CONTENT_TYPE] = { "content-type", 400, "Content-Type is malformed" },
};

const struct rf_sip_rule_info *rf_sip_rule_info(enum rf_sip_rule rule)
{
	return &rules[(unsigned)rule < RF_SIP_RULES ? rule : RF_SIP_RULE_NONE];
}
