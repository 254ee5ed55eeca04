/* The positive list of a border, as data. What leaves a border is written anew from parsed values
 * whatever this list says:
 * a header that is not read cannot cross. The list says what of a trunk's message is read at all, and names what is
 * dropped, so that it is seen. */
#include "call/border.h"

#include "call/call_int.h"

static const char *const names[RF_LIST_RULES] = {
	[RF_LIST_PASS] = "pass",
	[RF_LIST_METHOD] = "method",
	[RF_LIST_SIZE] = "size",
	[RF_LIST_BODY] = "body",
	[RF_LIST_REMOTE_CONTROL] = "remote-control",
	[RF_LIST_DIALOG] = "other-dialog",
	[RF_LIST_ROUTE] = "route",
	[RF_LIST_NAME] = "name",
	[RF_LIST_IDENTITY] = "identity",
	[RF_LIST_CREDENTIALS] = "credentials",
	[RF_LIST_HEADER] = "header",
	[RF_LIST_PARAMETER] = "parameter",
};

const char *rf_list_rule_name(enum rf_list_rule rule)
{
	return rule < RF_LIST_RULES ? names[rule] : "unknown";
}

/* Headers that mean something here: they make the message, end at us, or their value is read and
 * said anew. 1: passes. */
static const uint8_t known[RF_SIP_H_COUNT] = {
	[RF_SIP_H_ACCEPT] = 1, [RF_SIP_H_ACCEPT_ENCODING] = 1, [RF_SIP_H_ACCEPT_LANGUAGE] = 1, [RF_SIP_H_ALLOW] = 1,
	[RF_SIP_H_CALL_ID] = 1, [RF_SIP_H_CONTACT] = 1, [RF_SIP_H_CONTENT_DISPOSITION] = 1,
	[RF_SIP_H_CONTENT_ENCODING] = 1, [RF_SIP_H_CONTENT_LENGTH] = 1, [RF_SIP_H_CONTENT_TYPE] = 1,
	[RF_SIP_H_CSEQ] = 1, [RF_SIP_H_DATE] = 1, [RF_SIP_H_DIVERSION] = 1, [RF_SIP_H_FROM] = 1,
	[RF_SIP_H_HISTORY_INFO] = 1, [RF_SIP_H_IDENTITY] = 1, [RF_SIP_H_MAX_FORWARDS] = 1, [RF_SIP_H_MIME_VERSION] = 1,
	[RF_SIP_H_MIN_SE] = 1, [RF_SIP_H_PRIVACY] = 1, [RF_SIP_H_RACK] = 1, [RF_SIP_H_REASON] = 1,
	[RF_SIP_H_REQUIRE] = 1, [RF_SIP_H_RETRY_AFTER] = 1, [RF_SIP_H_RSEQ] = 1, [RF_SIP_H_SESSION_EXPIRES] = 1,
	[RF_SIP_H_SUPPORTED] = 1, [RF_SIP_H_TIMESTAMP] = 1, [RF_SIP_H_TO] = 1, [RF_SIP_H_UNSUPPORTED] = 1,
	[RF_SIP_H_VIA] = 1, [RF_SIP_H_EXPIRES] = 1, [RF_SIP_H_RESOURCE_PRIORITY] = 1,
	[RF_SIP_H_P_ASSERTED_IDENTITY] = 1, [RF_SIP_H_ALLOW_EVENTS] = 1,
	[RF_SIP_H_RECORD_ROUTE] = 1,
};

static const uint8_t dropped[RF_SIP_H_COUNT] = {
	[RF_SIP_H_ALERT_INFO] = RF_LIST_REMOTE_CONTROL, [RF_SIP_H_CALL_INFO] = RF_LIST_REMOTE_CONTROL,
	[RF_SIP_H_ERROR_INFO] = RF_LIST_REMOTE_CONTROL, [RF_SIP_H_PRIORITY] = RF_LIST_REMOTE_CONTROL,
	[RF_SIP_H_REQUEST_DISPOSITION] = RF_LIST_REMOTE_CONTROL, [RF_SIP_H_ACCEPT_CONTACT] = RF_LIST_REMOTE_CONTROL,
	[RF_SIP_H_REPLACES] = RF_LIST_DIALOG, [RF_SIP_H_JOIN] = RF_LIST_DIALOG, [RF_SIP_H_REFERRED_BY] = RF_LIST_DIALOG,
	[RF_SIP_H_REFER_TO] = RF_LIST_DIALOG, [RF_SIP_H_IN_REPLY_TO] = RF_LIST_DIALOG,
	[RF_SIP_H_EVENT] = RF_LIST_DIALOG, [RF_SIP_H_SUBSCRIPTION_STATE] = RF_LIST_DIALOG,
	[RF_SIP_H_ROUTE] = RF_LIST_ROUTE, [RF_SIP_H_PATH] = RF_LIST_ROUTE,
	[RF_SIP_H_SERVICE_ROUTE] = RF_LIST_ROUTE, [RF_SIP_H_PROXY_REQUIRE] = RF_LIST_ROUTE,
	[RF_SIP_H_SERVER] = RF_LIST_NAME, [RF_SIP_H_USER_AGENT] = RF_LIST_NAME, [RF_SIP_H_ORGANIZATION] = RF_LIST_NAME,
	[RF_SIP_H_WARNING] = RF_LIST_NAME, [RF_SIP_H_SUBJECT] = RF_LIST_NAME, [RF_SIP_H_REPLY_TO] = RF_LIST_NAME,
	[RF_SIP_H_CONTENT_LANGUAGE] = RF_LIST_NAME,
	[RF_SIP_H_P_PREFERRED_IDENTITY] = RF_LIST_IDENTITY,
	[RF_SIP_H_AUTHORIZATION] = RF_LIST_CREDENTIALS, [RF_SIP_H_PROXY_AUTHORIZATION] = RF_LIST_CREDENTIALS,
	[RF_SIP_H_WWW_AUTHENTICATE] = RF_LIST_CREDENTIALS, [RF_SIP_H_PROXY_AUTHENTICATE] = RF_LIST_CREDENTIALS,
	[RF_SIP_H_AUTHENTICATION_INFO] = RF_LIST_CREDENTIALS,
};

/* The same of headers that the parser has no number for. */
static const struct {
	struct rf_view name;
	enum rf_list_rule rule;
} by_name[] = {
	{ { (const uint8_t *)"Info-Package", 12 }, RF_LIST_PASS },
	{ { (const uint8_t *)"Recv-Info", 9 }, RF_LIST_PASS },
	{ { (const uint8_t *)"Answer-Mode", 11 }, RF_LIST_REMOTE_CONTROL },
	{ { (const uint8_t *)"Priv-Answer-Mode", 16 }, RF_LIST_REMOTE_CONTROL },
	{ { (const uint8_t *)"Target-Dialog", 13 }, RF_LIST_DIALOG },
	{ { (const uint8_t *)"Refer-Sub", 9 }, RF_LIST_DIALOG },
	{ { (const uint8_t *)"Session-ID", 10 }, RF_LIST_DIALOG },
	{ { (const uint8_t *)"Remote-Party-ID", 15 }, RF_LIST_IDENTITY },
	{ { (const uint8_t *)"P-Called-Party-ID", 17 }, RF_LIST_IDENTITY },
	{ { (const uint8_t *)"Attestation-Info", 16 }, RF_LIST_IDENTITY },
	{ { (const uint8_t *)"Origination-Id", 14 }, RF_LIST_IDENTITY },
};

enum rf_list_rule rf_list_header(unsigned id, struct rf_view name)
{
	if (id != RF_SIP_H_OTHER && id < RF_SIP_H_COUNT)
		return known[id] ? RF_LIST_PASS : dropped[id] ? (enum rf_list_rule)dropped[id] : RF_LIST_HEADER;
	for (size_t i = 0; i < sizeof by_name / sizeof *by_name; i++)
		if (rf_view_eq_nocase(name, by_name[i].name))
			return by_name[i].rule;
	return RF_LIST_HEADER;
}

bool rf_list_method(unsigned method)
{
	switch (method) {
	case RF_SIP_INVITE:
	case RF_SIP_ACK:
	case RF_SIP_CANCEL:
	case RF_SIP_BYE:
	case RF_SIP_OPTIONS:
	case RF_SIP_PRACK:
	case RF_SIP_UPDATE:
	case RF_SIP_INFO:
		return true;
	default:
		return false;
	}
}
