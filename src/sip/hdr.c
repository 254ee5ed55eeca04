#include "sip/hdr.h"

#include "sip/chars.h"

#define ROW(lit, compact, once) { { (const uint8_t *)(lit), sizeof(lit) - 1 }, compact, once }

static const struct rf_sip_hdr_info headers[RF_SIP_H_COUNT] = {
	[RF_SIP_H_OTHER] = ROW("", 0, false),
	[RF_SIP_H_ACCEPT] = ROW("Accept", 0, false),
	[RF_SIP_H_ACCEPT_CONTACT] = ROW("Accept-Contact", 'a', false),
	[RF_SIP_H_ACCEPT_ENCODING] = ROW("Accept-Encoding", 0, false),
	[RF_SIP_H_ACCEPT_LANGUAGE] = ROW("Accept-Language", 0, false),
	[RF_SIP_H_ALERT_INFO] = ROW("Alert-Info", 0, false),
	[RF_SIP_H_ALLOW] = ROW("Allow", 0, false),
	[RF_SIP_H_ALLOW_EVENTS] = ROW("Allow-Events", 'u', false),
	[RF_SIP_H_AUTHENTICATION_INFO] = ROW("Authentication-Info", 0, false),
	[RF_SIP_H_AUTHORIZATION] = ROW("Authorization", 0, false),
	[RF_SIP_H_CALL_ID] = ROW("Call-ID", 'i', true),
	[RF_SIP_H_CALL_INFO] = ROW("Call-Info", 0, false),
	[RF_SIP_H_CONTACT] = ROW("Contact", 'm', false),
	[RF_SIP_H_CONTENT_DISPOSITION] = ROW("Content-Disposition", 0, true),
	[RF_SIP_H_CONTENT_ENCODING] = ROW("Content-Encoding", 'e', false),
	[RF_SIP_H_CONTENT_LANGUAGE] = ROW("Content-Language", 0, false),
	[RF_SIP_H_CONTENT_LENGTH] = ROW("Content-Length", 'l', true),
	[RF_SIP_H_CONTENT_TYPE] = ROW("Content-Type", 'c', true),
	[RF_SIP_H_CSEQ] = ROW("CSeq", 0, true),
	[RF_SIP_H_DATE] = ROW("Date", 0, true),
	[RF_SIP_H_DIVERSION] = ROW("Diversion", 0, false),
	[RF_SIP_H_ERROR_INFO] = ROW("Error-Info", 0, false),
	[RF_SIP_H_EVENT] = ROW("Event", 'o', true),
	[RF_SIP_H_EXPIRES] = ROW("Expires", 0, true),
	[RF_SIP_H_FLOW_TIMER] = ROW("Flow-Timer", 0, true),
	[RF_SIP_H_FROM] = ROW("From", 'f', true),
	[RF_SIP_H_GEOLOCATION] = ROW("Geolocation", 0, false),
	[RF_SIP_H_HISTORY_INFO] = ROW("History-Info", 0, false),
	[RF_SIP_H_IDENTITY] = ROW("Identity", 'y', false),
	[RF_SIP_H_IN_REPLY_TO] = ROW("In-Reply-To", 0, false),
	[RF_SIP_H_JOIN] = ROW("Join", 0, true),
	[RF_SIP_H_MAX_BREADTH] = ROW("Max-Breadth", 0, true),
	[RF_SIP_H_MAX_FORWARDS] = ROW("Max-Forwards", 0, true),
	[RF_SIP_H_MIME_VERSION] = ROW("MIME-Version", 0, true),
	[RF_SIP_H_MIN_EXPIRES] = ROW("Min-Expires", 0, true),
	[RF_SIP_H_MIN_SE] = ROW("Min-SE", 0, true),
	[RF_SIP_H_ORGANIZATION] = ROW("Organization", 0, true),
	[RF_SIP_H_P_ASSERTED_IDENTITY] = ROW("P-Asserted-Identity", 0, false),
	[RF_SIP_H_P_PREFERRED_IDENTITY] = ROW("P-Preferred-Identity", 0, false),
	[RF_SIP_H_PATH] = ROW("Path", 0, false),
	[RF_SIP_H_PRIORITY] = ROW("Priority", 0, true),
	[RF_SIP_H_PRIVACY] = ROW("Privacy", 0, false),
	[RF_SIP_H_PROXY_AUTHENTICATE] = ROW("Proxy-Authenticate", 0, false),
	[RF_SIP_H_PROXY_AUTHORIZATION] = ROW("Proxy-Authorization", 0, false),
	[RF_SIP_H_PROXY_REQUIRE] = ROW("Proxy-Require", 0, false),
	[RF_SIP_H_RACK] = ROW("RAck", 0, true),
	[RF_SIP_H_REASON] = ROW("Reason", 0, false),
	[RF_SIP_H_RECORD_ROUTE] = ROW("Record-Route", 0, false),
	[RF_SIP_H_REFER_TO] = ROW("Refer-To", 'r', true),
	[RF_SIP_H_REFERRED_BY] = ROW("Referred-By", 'b', true),
	[RF_SIP_H_REPLACES] = ROW("Replaces", 0, true),
	[RF_SIP_H_REPLY_TO] = ROW("Reply-To", 0, true),
	[RF_SIP_H_REQUEST_DISPOSITION] = ROW("Request-Disposition", 'd', false),
	[RF_SIP_H_REQUIRE] = ROW("Require", 0, false),
	[RF_SIP_H_RESOURCE_PRIORITY] = ROW("Resource-Priority", 0, false),
	[RF_SIP_H_RETRY_AFTER] = ROW("Retry-After", 0, true),
	[RF_SIP_H_ROUTE] = ROW("Route", 0, false),
	[RF_SIP_H_RSEQ] = ROW("RSeq", 0, true),
	[RF_SIP_H_SERVER] = ROW("Server", 0, true),
	[RF_SIP_H_SERVICE_ROUTE] = ROW("Service-Route", 0, false),
	[RF_SIP_H_SESSION_EXPIRES] = ROW("Session-Expires", 'x', true),
	[RF_SIP_H_SIP_ETAG] = ROW("SIP-ETag", 0, true),
	[RF_SIP_H_SIP_IF_MATCH] = ROW("SIP-If-Match", 0, true),
	[RF_SIP_H_SUBJECT] = ROW("Subject", 's', true),
	[RF_SIP_H_SUBSCRIPTION_STATE] = ROW("Subscription-State", 0, true),
	[RF_SIP_H_SUPPORTED] = ROW("Supported", 'k', false),
	[RF_SIP_H_TIMESTAMP] = ROW("Timestamp", 0, true),
	[RF_SIP_H_TO] = ROW("To", 't', true),
	[RF_SIP_H_UNSUPPORTED] = ROW("Unsupported", 0, false),
	[RF_SIP_H_USER_AGENT] = ROW("User-Agent", 0, true),
	[RF_SIP_H_VIA] = ROW("Via", 'v', false),
	[RF_SIP_H_WARNING] = ROW("Warning", 0, false),
	[RF_SIP_H_WWW_AUTHENTICATE] = ROW("WWW-Authenticate", 0, false),
};

/* Compact forms (RFC 3261 7.3.3 and the registry), from 'a'. */
static const uint8_t compacts['z' - 'a' + 1] = {
	['a' - 'a'] = RF_SIP_H_ACCEPT_CONTACT,
	['b' - 'a'] = RF_SIP_H_REFERRED_BY,
	['c' - 'a'] = RF_SIP_H_CONTENT_TYPE,
	['d' - 'a'] = RF_SIP_H_REQUEST_DISPOSITION,
	['e' - 'a'] = RF_SIP_H_CONTENT_ENCODING,
	['f' - 'a'] = RF_SIP_H_FROM,
	['i' - 'a'] = RF_SIP_H_CALL_ID,
	['k' - 'a'] = RF_SIP_H_SUPPORTED,
	['l' - 'a'] = RF_SIP_H_CONTENT_LENGTH,
	['m' - 'a'] = RF_SIP_H_CONTACT,
	['o' - 'a'] = RF_SIP_H_EVENT,
	['r' - 'a'] = RF_SIP_H_REFER_TO,
	['s' - 'a'] = RF_SIP_H_SUBJECT,
	['t' - 'a'] = RF_SIP_H_TO,
	['u' - 'a'] = RF_SIP_H_ALLOW_EVENTS,
	['v' - 'a'] = RF_SIP_H_VIA,
	['x' - 'a'] = RF_SIP_H_SESSION_EXPIRES,
	['y' - 'a'] = RF_SIP_H_IDENTITY,
};

/* Where a name of the table would stand. The factors were searched for so that no two names share a slot; a name
 * that is new to the table may need new ones (the unit test says so). */
static unsigned slot(const uint8_t *p, size_t n)
{
	return (unsigned)(n * 7 + (p[0] | 0x20) * 4u + (p[n - 1] | 0x20) * 31u + (p[n / 2] | 0x20)) & 255;
}

static const uint8_t slots[256] = {
	[8] = RF_SIP_H_REQUEST_DISPOSITION,
	[11] = RF_SIP_H_MAX_BREADTH,
	[14] = RF_SIP_H_PRIVACY,
	[16] = RF_SIP_H_RETRY_AFTER,
	[17] = RF_SIP_H_PRIORITY,
	[18] = RF_SIP_H_TIMESTAMP,
	[19] = RF_SIP_H_RESOURCE_PRIORITY,
	[21] = RF_SIP_H_VIA,
	[27] = RF_SIP_H_EXPIRES,
	[31] = RF_SIP_H_ACCEPT,
	[32] = RF_SIP_H_FLOW_TIMER,
	[40] = RF_SIP_H_EVENT,
	[42] = RF_SIP_H_ALLOW_EVENTS,
	[46] = RF_SIP_H_REFERRED_BY,
	[58] = RF_SIP_H_SERVER,
	[60] = RF_SIP_H_RACK,
	[61] = RF_SIP_H_CONTACT,
	[69] = RF_SIP_H_CALL_ID,
	[70] = RF_SIP_H_MIN_SE,
	[78] = RF_SIP_H_REPLACES,
	[79] = RF_SIP_H_SESSION_EXPIRES,
	[80] = RF_SIP_H_P_ASSERTED_IDENTITY,
	[85] = RF_SIP_H_ACCEPT_CONTACT,
	[86] = RF_SIP_H_FROM,
	[87] = RF_SIP_H_P_PREFERRED_IDENTITY,
	[91] = RF_SIP_H_DATE,
	[102] = RF_SIP_H_MIN_EXPIRES,
	[103] = RF_SIP_H_MAX_FORWARDS,
	[104] = RF_SIP_H_ALERT_INFO,
	[105] = RF_SIP_H_CALL_INFO,
	[115] = RF_SIP_H_SUBJECT,
	[120] = RF_SIP_H_ERROR_INFO,
	[124] = RF_SIP_H_ALLOW,
	[127] = RF_SIP_H_JOIN,
	[132] = RF_SIP_H_RECORD_ROUTE,
	[135] = RF_SIP_H_USER_AGENT,
	[143] = RF_SIP_H_CONTENT_TYPE,
	[147] = RF_SIP_H_DIVERSION,
	[148] = RF_SIP_H_ACCEPT_LANGUAGE,
	[150] = RF_SIP_H_SUPPORTED,
	[154] = RF_SIP_H_AUTHORIZATION,
	[155] = RF_SIP_H_ROUTE,
	[158] = RF_SIP_H_GEOLOCATION,
	[163] = RF_SIP_H_CONTENT_LANGUAGE,
	[169] = RF_SIP_H_REQUIRE,
	[173] = RF_SIP_H_UNSUPPORTED,
	[179] = RF_SIP_H_CONTENT_LENGTH,
	[183] = RF_SIP_H_REASON,
	[188] = RF_SIP_H_CSEQ,
	[190] = RF_SIP_H_TO,
	[191] = RF_SIP_H_MIME_VERSION,
	[199] = RF_SIP_H_SERVICE_ROUTE,
	[200] = RF_SIP_H_PROXY_REQUIRE,
	[203] = RF_SIP_H_ACCEPT_ENCODING,
	[204] = RF_SIP_H_CONTENT_DISPOSITION,
	[210] = RF_SIP_H_IN_REPLY_TO,
	[218] = RF_SIP_H_CONTENT_ENCODING,
	[219] = RF_SIP_H_AUTHENTICATION_INFO,
	[220] = RF_SIP_H_ORGANIZATION,
	[222] = RF_SIP_H_HISTORY_INFO,
	[225] = RF_SIP_H_PROXY_AUTHENTICATE,
	[226] = RF_SIP_H_SIP_ETAG,
	[227] = RF_SIP_H_REFER_TO,
	[229] = RF_SIP_H_SIP_IF_MATCH,
	[232] = RF_SIP_H_PATH,
	[234] = RF_SIP_H_REPLY_TO,
	[236] = RF_SIP_H_WWW_AUTHENTICATE,
	[238] = RF_SIP_H_SUBSCRIPTION_STATE,
	[244] = RF_SIP_H_WARNING,
	[247] = RF_SIP_H_IDENTITY,
	[248] = RF_SIP_H_RSEQ,
	[255] = RF_SIP_H_PROXY_AUTHORIZATION,
};

enum rf_sip_hid rf_sip_hid_of(struct rf_view name)
{
	if (name.n == 1) {
		unsigned letter = (name.p[0] | 0x20u) - 'a';

		return rf_sip_is(name.p[0], RF_SIP_C_TOKEN) && letter < sizeof compacts ? compacts[letter]
											: RF_SIP_H_OTHER;
	}
	if (name.n == 0)
		return RF_SIP_H_OTHER;
	unsigned id = slots[slot(name.p, name.n)];
	struct rf_view known = headers[id].name;

	return known.n == name.n && rf_sip_token_eq(known.p, name.p, name.n) ? id : RF_SIP_H_OTHER;
}

const struct rf_sip_hdr_info *rf_sip_hdr_info(enum rf_sip_hid id)
{
	return &headers[(unsigned)id < RF_SIP_H_COUNT ? id : RF_SIP_H_OTHER];
}
