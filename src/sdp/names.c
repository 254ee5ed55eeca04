#include "sdp/sdp_int.h"

struct name {
	struct rf_view text;
	int value;
};
#define NAME(lit, v) { { (const uint8_t *)lit, sizeof(lit) - 1 }, v }

static const struct name attrs[] = {
	NAME("sendrecv", RF_SDP_A_SENDRECV), NAME("sendonly", RF_SDP_A_SENDONLY), NAME("recvonly", RF_SDP_A_RECVONLY),
	NAME("inactive", RF_SDP_A_INACTIVE), NAME("crypto", RF_SDP_A_CRYPTO), NAME("fingerprint", RF_SDP_A_FINGERPRINT),
	NAME("setup", RF_SDP_A_SETUP), NAME("tls-id", RF_SDP_A_TLS_ID), NAME("mid", RF_SDP_A_MID),
	NAME("group", RF_SDP_A_GROUP), NAME("bundle-only", RF_SDP_A_BUNDLE_ONLY), NAME("rtpmap", RF_SDP_A_RTPMAP),
	NAME("key-mgmt", RF_SDP_A_KEY_MGMT), NAME("acap", RF_SDP_A_CAPABILITY), NAME("tcap", RF_SDP_A_CAPABILITY),
	NAME("pcfg", RF_SDP_A_CAPABILITY), NAME("acfg", RF_SDP_A_CAPABILITY), NAME("csup", RF_SDP_A_CAPABILITY),
	NAME("creq", RF_SDP_A_CAPABILITY), NAME("rmcap", RF_SDP_A_CAPABILITY), NAME("omcap", RF_SDP_A_CAPABILITY),
	NAME("mcap", RF_SDP_A_CAPABILITY), NAME("mfcap", RF_SDP_A_CAPABILITY), NAME("mscap", RF_SDP_A_CAPABILITY),
	NAME("lcfg", RF_SDP_A_CAPABILITY), NAME("sescap", RF_SDP_A_CAPABILITY),
};

static const struct name kinds[] = {
	NAME("audio", RF_SDP_AUDIO), NAME("video", RF_SDP_VIDEO), NAME("text", RF_SDP_TEXT),
	NAME("image", RF_SDP_IMAGE), NAME("message", RF_SDP_MESSAGE), NAME("application", RF_SDP_APPLICATION),
};

/* Where several spellings mean one thing, the usual one comes first: it is the one shown. */
static const struct name protos[] = {
	NAME("RTP/AVP", RF_SDP_RTP_AVP), NAME("RTP/AVPF", RF_SDP_RTP_AVPF), NAME("RTP/SAVP", RF_SDP_RTP_SAVP),
	NAME("RTP/SAVPF", RF_SDP_RTP_SAVPF), NAME("UDP/TLS/RTP/SAVP", RF_SDP_UDP_TLS_RTP_SAVP),
	NAME("UDP/TLS/RTP/SAVPF", RF_SDP_UDP_TLS_RTP_SAVPF), NAME("TCP/DTLS/RTP/SAVP", RF_SDP_UDP_TLS_RTP_SAVP),
	NAME("TCP/DTLS/RTP/SAVPF", RF_SDP_UDP_TLS_RTP_SAVPF), NAME("udptl", RF_SDP_UDPTL),
	NAME("UDP/TLS/UDPTL", RF_SDP_UDPTL_DTLS), NAME("TCP/MSRP", RF_SDP_MSRP), NAME("TCP/TLS/MSRP", RF_SDP_MSRP_TLS),
	NAME("TCP/BFCP", RF_SDP_BFCP), NAME("UDP/BFCP", RF_SDP_BFCP), NAME("TCP/TLS/BFCP", RF_SDP_BFCP_TLS),
	NAME("UDP/TLS/BFCP", RF_SDP_BFCP_TLS), NAME("TCP/DTLS/BFCP", RF_SDP_BFCP_TLS),
	NAME("UDP/DTLS/SCTP", RF_SDP_SCTP_DTLS), NAME("TCP/DTLS/SCTP", RF_SDP_SCTP_DTLS),
	NAME("DTLS/SCTP", RF_SDP_SCTP_DTLS),
};
#define COUNT(t) (sizeof(t) / sizeof((t)[0]))

static int find(const struct name *t, size_t n, struct rf_view v)
{
	for (size_t i = 0; i < n; i++)
		if (t[i].text.n == v.n && rf_view_eq_nocase(t[i].text, v))
			return t[i].value;
	return 0;
}

static const char *text_of(const struct name *t, size_t n, int value)
{
	for (size_t i = 0; i < n; i++)
		if (t[i].value == value)
			return (const char *)t[i].text.p;
	return "other";
}

enum rf_sdp_aid rf_sdp_attr_id(struct rf_view name)
{
	return (enum rf_sdp_aid)find(attrs, COUNT(attrs), name);
}

enum rf_sdp_kind rf_sdp_kind_of(struct rf_view media)
{
	return (enum rf_sdp_kind)find(kinds, COUNT(kinds), media);
}

enum rf_sdp_proto rf_sdp_proto_of(struct rf_view proto)
{
	return (enum rf_sdp_proto)find(protos, COUNT(protos), proto);
}

const char *rf_sdp_kind_text(enum rf_sdp_kind kind)
{
	return text_of(kinds, COUNT(kinds), kind);
}

const char *rf_sdp_proto_text(enum rf_sdp_proto proto)
{
	return text_of(protos, COUNT(protos), proto);
}

const char *rf_sdp_dir_text(enum rf_sdp_dir dir)
{
	static const char *const text[] = { "inactive", "sendonly", "recvonly", "sendrecv" };

	return text[dir & 3];
}

bool rf_sdp_proto_is_rtp(enum rf_sdp_proto proto)
{
	return proto >= RF_SDP_RTP_AVP && proto <= RF_SDP_UDP_TLS_RTP_SAVPF;
}
