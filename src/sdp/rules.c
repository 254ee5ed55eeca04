#include "sdp/police.h"

struct rule {
	const char *name;
	uint16_t status;
	uint16_t warning; /* RFC 3261 20.43 */
	const char *text; /* without quotes and backslashes: it goes into a quoted string */
};

static const struct rule rules[RF_SDP_RULE_COUNT] = {
	[RF_SDP_RULE_OK] = { "ok", 200, 399, "accepted" },
	[RF_SDP_RULE_MALFORMED] = { "sdp-malformed", 400, 399, "the session description breaks RFC 8866" },
	[RF_SDP_RULE_LIMIT] = { "sdp-limit", 400, 399, "the session description is longer than this site accepts" },
	[RF_SDP_RULE_MULTICAST] = { "multicast", 488, 301, "media to a multicast or broadcast address is refused" },
	[RF_SDP_RULE_PLAIN_MEDIA] = { "plain-media", 488, 302,
		"unencrypted media is refused at this site: offer RTP/SAVP with a=crypto, or DTLS-SRTP" },
	[RF_SDP_RULE_NO_SUITE] = { "no-suite", 488, 302,
		"no acceptable a=crypto: offer AEAD_AES_256_GCM, AEAD_AES_128_GCM or AES_CM_128_HMAC_SHA1_80, all with "
		"encryption and authentication on" },
	[RF_SDP_RULE_KEYS_IN_CLEAR] = { "keys-in-clear", 488, 302,
		"media keys (a=crypto) came or would go outside TLS: use SIP over TLS on both sides" },
	[RF_SDP_RULE_NO_FINGERPRINT] = { "no-fingerprint", 488, 302,
		"no a=fingerprint made with SHA-256 or better for media over DTLS or TLS" },
	[RF_SDP_RULE_DTLS] = { "dtls-not-accepted", 488, 302, "DTLS-SRTP is not accepted at this site: offer a=crypto" },
	[RF_SDP_RULE_VIDEO] = { "video-not-accepted", 488, 304, "video is not accepted at this site" },
	[RF_SDP_RULE_OTHER_PLAIN] = { "plain-data", 488, 302,
		"fax, messages or data without TLS or DTLS are refused at this site" },
	[RF_SDP_RULE_ADDRESS] = { "media-address", 488, 300, "a host name stands in c= where an address is needed" },
	[RF_SDP_RULE_RELAY] = { "media-relay", 488, 399, "the media relay can make nothing of the session description" },
	[RF_SDP_RULE_NO_MEDIA] = { "no-media", 488, 304, "the session description has no media" },
	[RF_SDP_RULE_ANSWER_LINES] = { "answer-lines", 488, 399,
		"the media lines of the answer are not those of the offer (RFC 3264 6)" },
	[RF_SDP_RULE_ANSWER_CRYPTO] = { "answer-crypto", 488, 399,
		"the answer must take exactly one of the a=crypto lines offered (RFC 4568 5.1.2)" },
	[RF_SDP_RULE_REOFFER_LINES] = { "reoffer-lines", 488, 399,
		"a new offer must keep the media lines of the session in place (RFC 3264 8)" },
	[RF_SDP_RULE_PHONE] = { "phone-media", 488, 304, "the called phone refuses the media that was offered" },
	[RF_SDP_RULE_PHONE_DTLS] = { "phone-media", 488, 302,
		"the called phone refuses the media that was offered; it may know SDES, and the "
		"offer was DTLS-SRTP only" },
	[RF_SDP_RULE_PHONE_SDES] = { "phone-media", 488, 302,
		"the called phone refuses the media that was offered; it may know DTLS-SRTP, "
		"and the offer was SDES only" },
	[RF_SDP_RULE_CODEC] = { "no-codec", 488, 305, "none of the codecs that were offered may cross to the other side" },
	[RF_SDP_RULE_TOO_LONG] = { "sdp-too-long", 500, 399, "the session description does not fit when built again" },
	[RF_SDP_RULE_MEMORY] = { "sdp-memory", 500, 399, "no memory for the session description" },
};

static const struct rule *rule_of(enum rf_sdp_rule rule)
{
	return &rules[rule < RF_SDP_RULE_COUNT ? rule : RF_SDP_RULE_MEMORY];
}

const char *rf_sdp_rule_name(enum rf_sdp_rule rule)
{
	return rule_of(rule)->name;
}

unsigned rf_sdp_rule_status(enum rf_sdp_rule rule)
{
	return rule_of(rule)->status;
}

const char *rf_sdp_rule_text(enum rf_sdp_rule rule)
{
	return rule_of(rule)->text;
}

void rf_sdp_warning_build(struct rf_writer *w, enum rf_sdp_rule rule, struct rf_view host)
{
	rf_put_u64(w, rule_of(rule)->warning);
	rf_put_byte(w, ' ');
	rf_put(w, host);
	rf_put_lit(w, " \"");
	rf_put(w, rf_view_str(rule_of(rule)->text));
	rf_put_byte(w, '"');
}

#define GCM_AND_256 RF_SDP_AEAD_AES_256_GCM, RF_SDP_AEAD_AES_128_GCM, RF_SDP_AES_256_CM_HMAC_SHA1_80

const struct rf_sdp_policy rf_sdp_policy_minimum = {
	.encrypted_required = true, .dtls = true, .video = true,
	.n_suites = 4, .suites = { GCM_AND_256, RF_SDP_AES_CM_128_HMAC_SHA1_80 },
};
const struct rf_sdp_policy rf_sdp_policy_medium = {
	.encrypted_required = true, .dtls = true, .video = true,
	.n_suites = 4, .suites = { GCM_AND_256, RF_SDP_AES_CM_128_HMAC_SHA1_80 },
};
const struct rf_sdp_policy rf_sdp_policy_highest = {
	.encrypted_required = true, .dtls = true, .video = true,
	.n_suites = 3, .suites = { GCM_AND_256 },
};
