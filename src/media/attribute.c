#include "media/attribute.h"
#include "sdp/crypto.h"

static bool digit(uint8_t c)
{
	return (uint8_t)(c - '0') < 10;
}

static bool alnum(uint8_t c)
{
	return digit(c) || (uint8_t)(rf_lower(c) - 'a') < 26;
}

static bool one_of(uint8_t c, const char *set)
{
	return c && strchr(set, c);
}

static bool all(struct rf_view v, size_t most, const char *also)
{
	for (size_t i = 0; i < v.n; i++)
		if (!alnum(v.p[i]) && !one_of(v.p[i], also))
			return false;
	return v.n > 0 && v.n <= most;
}

bool rf_attr_word(struct rf_view v)
{
	return all(v, 64, "-_");
}

bool rf_attr_plain(struct rf_view v)
{
	return all(v, 1024, " -_+=;,/*{}~!");
}

static bool nothing(struct rf_view v)
{
	return v.n == 0;
}

static bool nothing_or_plain(struct rf_view v)
{
	return nothing(v) || rf_attr_plain(v);
}

static bool number(struct rf_view v)
{
	uint64_t x;

	return v.n <= 10 && rf_view_u64(v, UINT32_MAX, &x);
}

/* 20, 29.97 */
static bool decimal(struct rf_view v)
{
	size_t dot = rf_view_find(v, '.');

	return number(rf_view_sub(v, 0, dot)) && (dot == v.n || number(rf_view_from(v, dot + 1)));
}

/* What may not be told from an address: four numbers with dots between. */
static bool dotted(struct rf_view v)
{
	unsigned dots = 0;

	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] == '.' && i && digit(v.p[i - 1]) && i + 1 < v.n && digit(v.p[i + 1]))
			dots++;
		else if (!digit(v.p[i]))
			dots = 0;
		if (dots == 3)
			return true;
	}
	return false;
}

static struct rf_view next_word(struct rf_view *v)
{
	size_t n = rf_view_find(*v, ' ');
	struct rf_view word = rf_view_sub(*v, 0, n);

	*v = rf_view_from(*v, n + 1);
	return word;
}

/* RFC 8285 8: "3", "3/sendonly", a URI that is among those in use, and its own attributes. */
static bool extmap(struct rf_view v)
{
	static const struct rf_view uris[] = {
		{ (const uint8_t *)"urn:ietf:params:rtp-hdrext:", 27 },
		{ (const uint8_t *)"urn:3gpp:video-orientation", 26 },
		{ (const uint8_t *)"http://www.webrtc.org/experiments/rtp-hdrext/", 45 },
		{ (const uint8_t *)"http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01", 73 },
		{ (const uint8_t *)"https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension", 87 },
	};
	struct rf_view id = next_word(&v), uri = next_word(&v);

	if (!all(id, 24, "/") || (v.n && !rf_attr_plain(v)))
		return false;
	for (size_t i = 0; i < sizeof uris / sizeof uris[0]; i++) {
		struct rf_view rest = rf_view_from(uri, uris[i].n);

		/* "urn:...:sdes:mid" has one colon more; no address has letters only. */
		if (!rf_view_starts(uri, uris[i]))
			continue;
		if (rf_view_starts(rest, RF_V("sdes:")))
			rest = rf_view_from(rest, 5);
		return rest.n == 0 || rf_attr_word(rest);
	}
	return false;
}

/* RFC 5576 4.1: "1234 cname:text". A CNAME that is made of a host's name or address (as RFC 3550 6.5.1
 * proposes) stays here. */
static bool ssrc(struct rf_view v)
{
	struct rf_view id = next_word(&v);
	size_t colon = rf_view_find(v, ':');
	struct rf_view name = rf_view_sub(v, 0, colon), value = rf_view_from(v, colon + 1);

	if (!number(id) || (colon < v.n && !rf_attr_plain(value)))
		return false;
	return rf_view_eq(name, RF_V("cname")) || rf_view_eq(name, RF_V("msid")) || rf_view_eq(name, RF_V("mslabel")) ||
	       rf_view_eq(name, RF_V("label"));
}

/* "96 opus/48000/2" */
static bool rtpmap(struct rf_view v)
{
	struct rf_view type = next_word(&v);

	return number(type) && all(v, 64, "-_+/");
}

/* MIME types and '*' (RFC 4975 8.6). */
static bool types(struct rf_view v)
{
	return all(v, 512, " -_+/*.") && !dotted(v);
}

static bool setup(struct rf_view v)
{
	return rf_view_eq(v, RF_V("active")) || rf_view_eq(v, RF_V("passive")) || rf_view_eq(v, RF_V("actpass")) ||
	       rf_view_eq(v, RF_V("holdconn"));
}

static bool connection(struct rf_view v)
{
	return rf_view_eq(v, RF_V("new")) || rf_view_eq(v, RF_V("existing"));
}

/* "5 mstrm:10" (RFC 8856 5.5), "m-stream" before it. */
static bool floorid(struct rf_view v)
{
	struct rf_view id = next_word(&v);

	if (v.n == 0)
		return number(id);
	if (rf_view_starts(v, RF_V("mstrm:")))
		v = rf_view_from(v, 6);
	else if (rf_view_starts(v, RF_V("m-stream:")))
		v = rf_view_from(v, 9);
	return number(id) && all(v, 64, " -_");
}

#define RULE(lit, s, k, n) { { (const uint8_t *)lit, sizeof(lit) - 1 }, s, k, n }
static const struct rf_attr_rule rules[] = {
	RULE("rtpmap", rtpmap, RF_ATTR_RTP, RF_ATTR_FORMAT),
	RULE("fmtp", rf_attr_plain, RF_ATTR_RTP, RF_ATTR_FORMAT),
	RULE("rtcp-fb", rf_attr_plain, RF_ATTR_RTP, RF_ATTR_FORMAT | RF_ATTR_FEEDBACK),
	RULE("ptime", number, RF_ATTR_RTP, RF_ATTR_PTIME),
	RULE("maxptime", number, RF_ATTR_RTP, 0),
	RULE("framerate", decimal, RF_ATTR_RTP, 0),
	RULE("framesize", rf_attr_plain, RF_ATTR_RTP, RF_ATTR_FORMAT),
	RULE("quality", number, RF_ATTR_RTP, 0),
	RULE("rtcp-rsize", nothing, RF_ATTR_RTP, RF_ATTR_FEEDBACK),
	RULE("rtcp-xr", rf_attr_plain, RF_ATTR_RTP, 0),
	RULE("extmap", extmap, RF_ATTR_RTP, RF_ATTR_EXTENSION),
	RULE("extmap-allow-mixed", nothing, RF_ATTR_RTP, RF_ATTR_EXTENSION),
	RULE("ssrc", ssrc, RF_ATTR_RTP, 0),
	RULE("ssrc-group", rf_attr_plain, RF_ATTR_RTP, 0),
	RULE("msid", rf_attr_plain, RF_ATTR_RTP, 0),
	RULE("rid", rf_attr_plain, RF_ATTR_RTP, 0),
	RULE("simulcast", rf_attr_plain, RF_ATTR_RTP, 0),
	RULE("silenceSupp", rf_attr_plain, RF_ATTR_RTP, 0),
	RULE("content", rf_attr_plain, RF_ATTR_RTP, 0),
	RULE("label", rf_attr_word, RF_ATTR_RTP | RF_ATTR_BFCP, 0),
	RULE("lang", rf_attr_word, RF_ATTR_RTP | RF_ATTR_MSRP, 0),
	RULE("hlang-send", rf_attr_plain, RF_ATTR_RTP | RF_ATTR_MSRP, 0),
	RULE("hlang-recv", rf_attr_plain, RF_ATTR_RTP | RF_ATTR_MSRP, 0),
	/* T.38 (annex D of the recommendation) */
	RULE("T38FaxVersion", number, RF_ATTR_FAX, 0),
	RULE("T38MaxBitRate", number, RF_ATTR_FAX, 0),
	RULE("T38FaxFillBitRemoval", nothing_or_plain, RF_ATTR_FAX, 0),
	RULE("T38FaxTranscodingMMR", nothing_or_plain, RF_ATTR_FAX, 0),
	RULE("T38FaxTranscodingJBIG", nothing_or_plain, RF_ATTR_FAX, 0),
	RULE("T38FaxRateManagement", rf_attr_word, RF_ATTR_FAX, 0),
	RULE("T38FaxMaxBuffer", number, RF_ATTR_FAX, 0),
	RULE("T38FaxMaxDatagram", number, RF_ATTR_FAX, 0),
	RULE("T38FaxMaxIFP", number, RF_ATTR_FAX, 0),
	RULE("T38FaxUdpEC", rf_attr_word, RF_ATTR_FAX, 0),
	RULE("T38FaxUdpECDepth", rf_attr_plain, RF_ATTR_FAX, 0),
	RULE("T38FaxUdpFECMaxSpan", number, RF_ATTR_FAX, 0),
	RULE("T38ModemType", rf_attr_word, RF_ATTR_FAX, 0),
	RULE("T38VendorInfo", rf_attr_plain, RF_ATTR_FAX, 0),
	/* BFCP (RFC 8856), MSRP (RFC 4975); both over connections (RFC 4145) */
	RULE("floorctrl", rf_attr_plain, RF_ATTR_BFCP, 0),
	RULE("confid", number, RF_ATTR_BFCP, 0),
	RULE("userid", number, RF_ATTR_BFCP, 0),
	RULE("floorid", floorid, RF_ATTR_BFCP, 0),
	RULE("bfcpver", rf_attr_plain, RF_ATTR_BFCP, 0),
	RULE("setup", setup, RF_ATTR_FAX | RF_ATTR_BFCP | RF_ATTR_MSRP, 0),
	RULE("connection", connection, RF_ATTR_BFCP | RF_ATTR_MSRP, 0),
	RULE("accept-types", types, RF_ATTR_MSRP, 0),
	RULE("accept-wrapped-types", types, RF_ATTR_MSRP, 0),
	RULE("max-size", number, RF_ATTR_MSRP, 0),
	RULE("msrp-cema", nothing, RF_ATTR_MSRP, 0),
	/* where the two parties' own DTLS goes through: whose certificate it is must reach the other side */
	RULE("fingerprint", NULL, RF_ATTR_FAX | RF_ATTR_BFCP | RF_ATTR_MSRP, 0),
	RULE("tls-id", rf_attr_word, RF_ATTR_FAX | RF_ATTR_BFCP | RF_ATTR_MSRP, 0),
};

const struct rf_attr_rule *rf_attr_rule(const struct rf_sdp_attr *a, unsigned kind)
{
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
		const struct rf_attr_rule *r = &rules[i];

		if (r->name.n != a->name.n || !rf_view_eq_nocase(r->name, a->name))
			continue;
		if (!(r->kinds & kind))
			return NULL;
		return (r->shape ? r->shape(a->value) : rf_sdp_fingerprint_strong(a->value)) ? r : NULL;
	}
	return NULL;
}

int rf_attr_format(struct rf_view value)
{
	uint64_t pt;

	return rf_view_u64(rf_view_sub(value, 0, rf_view_find(value, ' ')), 127, &pt) ? (int)pt : -1;
}

void rf_attr_put(struct rf_writer *w, const struct rf_attr_rule *rule, struct rf_view value)
{
	rf_put_lit(w, "a=");
	rf_put(w, rule->name);
	if (value.p) {
		rf_put_byte(w, ':');
		rf_put(w, value);
	}
	rf_put_lit(w, "\r\n");
}
