/* The positive list of a border, as data. What leaves a border is written anew from parsed values whatever this list says:
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
};

const char *rf_list_rule_name(enum rf_list_rule rule)
{
	return rule < RF_LIST_RULES ? names[rule] : "unknown";
}

/* Headers that mean something here: they make the message, end at us, or their value is read and said anew. 1: passes. */
static const uint8_t known[RF_SIP_H_COUNT] = {
	[RF_SIP_H_ACCEPT] = 1, [RF_SIP_H_ACCEPT_ENCODING] = 1, [RF_SIP_H_ACCEPT_LANGUAGE] = 1, [RF_SIP_H_ALLOW] = 1,
	[RF_SIP_H_CALL_ID] = 1, [RF_SIP_H_CONTACT] = 1, [RF_SIP_H_CONTENT_DISPOSITION] = 1, [RF_SIP_H_CONTENT_ENCODING] = 1,
	[RF_SIP_H_CONTENT_LENGTH] = 1, [RF_SIP_H_CONTENT_TYPE] = 1, [RF_SIP_H_CSEQ] = 1, [RF_SIP_H_DATE] = 1,
	[RF_SIP_H_DIVERSION] = 1, [RF_SIP_H_FROM] = 1, [RF_SIP_H_HISTORY_INFO] = 1, [RF_SIP_H_IDENTITY] = 1,
	[RF_SIP_H_MAX_FORWARDS] = 1, [RF_SIP_H_MIME_VERSION] = 1, [RF_SIP_H_MIN_SE] = 1, [RF_SIP_H_PRIVACY] = 1,
	[RF_SIP_H_RACK] = 1, [RF_SIP_H_REASON] = 1, [RF_SIP_H_REQUIRE] = 1, [RF_SIP_H_RETRY_AFTER] = 1, [RF_SIP_H_RSEQ] = 1,
	[RF_SIP_H_SESSION_EXPIRES] = 1, [RF_SIP_H_SUPPORTED] = 1, [RF_SIP_H_TIMESTAMP] = 1, [RF_SIP_H_TO] = 1,
	[RF_SIP_H_UNSUPPORTED] = 1, [RF_SIP_H_VIA] = 1, [RF_SIP_H_EXPIRES] = 1, [RF_SIP_H_RESOURCE_PRIORITY] = 1,
	[RF_SIP_H_P_ASSERTED_IDENTITY] = 1, [RF_SIP_H_ALLOW_EVENTS] = 1, [RF_SIP_H_RECORD_ROUTE] = 1,
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

/* Types that are looked into; what else there is in a message is not read. */
static bool is_known_body(const struct rf_sip_msg *msg)
{
	static const struct rf_view types[] = {
		{ (const uint8_t *)"application/sdp", 15 }, { (const uint8_t *)"multipart/mixed", 15 },
		{ (const uint8_t *)"application/dtmf-relay", 22 }, { (const uint8_t *)"application/dtmf", 16 },
		{ (const uint8_t *)"audio/telephone-event", 21 }, { (const uint8_t *)"application/media_control+xml", 29 },
	};

	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (rf_sip_msg_is_type(msg, types[i]))
			return true;
	return msg->body.n == 0;
}

_Static_assert((int)RF_LIST_RULES <= (int)RF_LISTED_MAX, "a counter for each rule");

static void count(struct rf_call_core *core, enum rf_list_rule rule)
{
	__atomic_store_n(&core->listed[rule], core->listed[rule] + 1, __ATOMIC_RELAXED); /* others read it */
}

uint64_t rf_border_listed(const struct rf_call_core *core, enum rf_list_rule rule)
{
	return __atomic_load_n(&core->listed[rule], __ATOMIC_RELAXED);
}

/* Who is asserted to call is believed of a trunk that the site trusts in it, and what is urgent of one that it trusts in
 * that. */
static enum rf_list_rule of_trunk(const struct rf_site_trunk *t, unsigned id, enum rf_list_rule rule)
{
	if (id == RF_SIP_H_P_ASSERTED_IDENTITY && !t->trusted)
		return RF_LIST_IDENTITY;
	if (id == RF_SIP_H_RESOURCE_PRIORITY && !t->trust_precedence)
		return RF_LIST_REMOTE_CONTROL;
	return rule;
}

unsigned rf_border_look(struct rf_call_core *core, const struct rf_sip_msg *msg, const struct rf_site_trunk *trunk)
{
	if (msg->is_request && !rf_list_method(msg->method)) {
		count(core, RF_LIST_METHOD);
		return 405;
	}
	if (msg->bytes.n > RF_BORDER_MESSAGE_MAX) {
		count(core, RF_LIST_SIZE);
		return 513;
	}
	for (size_t i = 0; i < msg->hdr_count; i++) {
		const struct rf_sip_hdr *h = &msg->hdr[i];
		enum rf_list_rule rule = of_trunk(trunk, h->id, rf_list_header(h->id, h->name));

		if (rule != RF_LIST_PASS)
			count(core, rule);
	}
	if (!is_known_body(msg))
		count(core, RF_LIST_BODY);
	return 0;
}
