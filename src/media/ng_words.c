#include "media/ng_words.h"

#define AT(field) offsetof(struct rf_ng_request, field)
#define CODECS(list) offsetof(struct rf_ng_request, codecs[list])
#define CHOICE(n, v, ...) { .name = n, .value = v, __VA_ARGS__ }
#define FATE(f, why) .fate = RF_NG_##f, .reason = why

static const struct rf_ng_choice ice[] = {
	CHOICE("remove", RF_NG_ICE_REMOVE), CHOICE("force", RF_NG_ICE_FORCE), CHOICE("default", RF_NG_ICE_DEFAULT),
	CHOICE("optional", RF_NG_ICE_OPTIONAL,
	       FATE(IGNORED, "the relay is the only candidate, as with force: others would show addresses")),
	CHOICE("force-relay", 0, FATE(REFUSED, "media would be offered a way past the relay")), { NULL },
};
static const struct rf_ng_choice ice_lite[] = {
	CHOICE("forward", RF_NG_LITE_FORWARD, FATE(ACCEPTED, "the relay is always ICE-lite")),
	CHOICE("backward", RF_NG_LITE_BACKWARD, FATE(ACCEPTED, "the relay is always ICE-lite")),
	CHOICE("both", RF_NG_LITE_BOTH, FATE(ACCEPTED, "the relay is always ICE-lite")),
	CHOICE("off", RF_NG_LITE_OFF, FATE(IGNORED, "the relay is always ICE-lite: it never sends a check")), { NULL },
};
static const struct rf_ng_choice dtls[] = {
	CHOICE("off|no|disable", RF_NG_DTLS_OFF), CHOICE("passive", RF_NG_DTLS_PASSIVE),
	CHOICE("active", RF_NG_DTLS_ACTIVE), { NULL },
};
static const struct rf_ng_choice dtls_reverse[] = {
	CHOICE("passive", RF_NG_DTLS_PASSIVE), CHOICE("active", RF_NG_DTLS_ACTIVE), { NULL },
};
static const struct rf_ng_choice digest[] = {
	CHOICE("SHA-256", RF_NG_SHA256, FATE(ACCEPTED, "always so")),
	CHOICE("SHA-384", RF_NG_SHA384, FATE(IGNORED, "the fingerprint of our certificate is of SHA-256")),
	CHOICE("SHA-512", RF_NG_SHA512, FATE(IGNORED, "the fingerprint of our certificate is of SHA-256")),
	CHOICE("SHA-1", 0, FATE(REFUSED, "SHA-1 proves nothing any more (RFC 8122 5)")),
	CHOICE("SHA-224", 0, FATE(REFUSED, "no longer among the functions to use")), { NULL },
};
static const struct rf_ng_choice protocol[] = {
	CHOICE("RTP/AVP", RF_NG_RTP_AVP), CHOICE("RTP/AVPF", RF_NG_RTP_AVPF), CHOICE("RTP/SAVP", RF_NG_RTP_SAVP),
	CHOICE("RTP/SAVPF", RF_NG_RTP_SAVPF), CHOICE("UDP/TLS/RTP/SAVP", RF_NG_DTLS_SAVP),
	CHOICE("UDP/TLS/RTP/SAVPF", RF_NG_DTLS_SAVPF), CHOICE("accept", RF_NG_PROTOCOL_ACCEPT), { NULL },
};
static const struct rf_ng_choice family[] = { CHOICE("IP4", RF_NG_IP4), CHOICE("IP6", RF_NG_IP6), { NULL } };
static const struct rf_ng_choice learning[] = {
	CHOICE("off", RF_NG_LEARN_OFF), CHOICE("immediate", RF_NG_LEARN_FIRST, .reason = "declares NAT"),
	CHOICE("delayed|heuristic", RF_NG_LEARN_FIRST,
	       FATE(IGNORED, "the first authentic packet decides: a source that may change can be stolen")), { NULL },
};
static const struct rf_ng_choice dropping[] = {
	CHOICE("start", RF_NG_DROP_START), CHOICE("stop", RF_NG_DROP_STOP), { NULL },
};
static const struct rf_ng_choice echo[] = {
	CHOICE("blackhole|sinkhole", RF_NG_DROP_START),
	CHOICE("forward|backwards|both", 0, FATE(REFUSED, "the relay sends nobody's media back to them")), { NULL },
};
static const struct rf_ng_choice dtmf[] = {
	CHOICE("drop", RF_NG_DTMF_DROP), CHOICE("off", RF_NG_DTMF_OFF),
	CHOICE("silence|tone|random|zero|DTMF", 0,
	       FATE(REFUSED, "events are dropped or passed on, never changed into others")),
	{ NULL },
};
static const struct rf_ng_choice mux[] = {
	CHOICE("offer", RF_NG_MUX_OFFER), CHOICE("require", RF_NG_MUX_REQUIRE), CHOICE("demux", RF_NG_MUX_DEMUX),
	CHOICE("accept", RF_NG_MUX_ACCEPT), CHOICE("reject", RF_NG_MUX_REJECT), { NULL },
};
#define WRITTEN FATE(ACCEPTED, "a description is written anew, with the relay's own origin and addresses")
static const struct rf_ng_choice replace[] = {
	CHOICE("origin", RF_NG_REPLACE_ORIGIN, WRITTEN),
	CHOICE("session connection", RF_NG_REPLACE_CONNECTION, WRITTEN),
	CHOICE("SDP version", RF_NG_REPLACE_VERSION, WRITTEN), CHOICE("username", RF_NG_REPLACE_USERNAME, WRITTEN),
	CHOICE("session name", RF_NG_REPLACE_NAME, WRITTEN), CHOICE("zero address", RF_NG_REPLACE_ZERO, WRITTEN),
	{ NULL },
};
#define NULL_CIPHER FATE(REFUSED, "media that is called encrypted is encrypted and authenticated, always")
#define NOT_NULL FATE(ACCEPTED, "always so")
static const struct rf_ng_choice sdes[] = {
	CHOICE("off|no|disable", RF_NG_SDES_OFF),
	CHOICE("pad", RF_NG_SDES_PAD, FATE(ACCEPTED, "keys are always padded (RFC 4568 9.1)")),
	CHOICE("lifetime", RF_NG_SDES_LIFETIME), CHOICE("static", 0, FATE(IGNORED, "each answer is read anew")),
	CHOICE("no-", 0, .list = AT(sdes_no)), CHOICE("only-", 0, .list = AT(sdes_only)),
	CHOICE("unencrypted_srtp", 0, NULL_CIPHER), CHOICE("unencrypted_srtcp", 0, NULL_CIPHER),
	CHOICE("unauthenticated_srtp", 0, NULL_CIPHER), CHOICE("encrypted_srtp", 0, NOT_NULL),
	CHOICE("encrypted_srtcp", 0, NOT_NULL), CHOICE("authenticated_srtp", 0, NOT_NULL), { NULL },
};
static const struct rf_ng_choice osrtp[] = {
	CHOICE("offer|accept", 0, FATE(IGNORED, "a leg is encrypted or it is not: name its transport protocol")),
	{ NULL },
};
static const struct rf_ng_choice supports[] = { CHOICE("load limit", RF_NG_SUPPORTS_LOAD_LIMIT), { NULL } };
#define FAX FATE(IGNORED, "fax passes as it is (UDPTL or audio)")
static const struct rf_ng_choice t38[] = {
	CHOICE("decode|force", 0, FATE(REFUSED, "fax passes as it is: the relay has no T.38 gateway")),
	CHOICE("stop", 0, FATE(ACCEPTED, "there is never one to stop")),
	CHOICE("no-ECM|no-V.17|no-V.27ter|no-V.29|no-V.34|no-IAF|FEC", 0, FAX), { NULL },
};

#define FLAG(n, bit, ...) { .name = n, .form = RF_NG_FORM_FLAG, .x = bit, __VA_ARGS__ }
#define TEXT(n, field, most, ...) { .name = n, .form = RF_NG_FORM_TEXT, .at = AT(field), .y = most, __VA_ARGS__ }
#define INT(n, field, least, most, ...) \
	{ .name = n, .form = RF_NG_FORM_INT, .in_flags = true, .at = AT(field), .x = least, .y = most, __VA_ARGS__ }
#define ENUM(n, field, list, ...) \
	{ .name = n, .form = RF_NG_FORM_ENUM, .in_flags = true, .at = AT(field), .choices = list, __VA_ARGS__ }
#define BITS(n, field, list, strict, ...) \
	{ .name = n, .form = RF_NG_FORM_BITS, .in_flags = true, .at = AT(field), .choices = list, .x = strict, \
	  __VA_ARGS__ }
#define LIST(n, where, ...) \
	{ .name = n, .form = RF_NG_FORM_LIST, .in_flags = true, .at = where, .y = RF_NG_WORD_MAX, __VA_ARGS__ }
#define ADDRESS(n, field) { .name = n, .form = RF_NG_FORM_ADDRESS, .at = AT(field) }
#define SAME(n, as, why) { .name = n, .form = RF_NG_FORM_SAME, .alias = as, .reason = why }
#define NONE(n, f, why) { .name = n, .form = RF_NG_FORM_NONE, .in_flags = true, .fate = RF_NG_##f, .reason = why }

static const char blocking[] = "digits that open or close a block are not listened for: block DTMF from signaling";

const struct rf_ng_word rf_ng_words[] = {
	ENUM("DTLS", dtls, dtls),
	ENUM("DTLS-fingerprint", dtls_fingerprint, digest),
	ENUM("DTLS-reverse", dtls_reverse, dtls_reverse),
	NONE("DTMF-delay", REFUSED, "events are dropped or passed on at once"),
	ENUM("DTMF-security", dtmf, dtmf),
	NONE("DTMF-security-trigger", REFUSED, blocking),
	NONE("DTMF-security-trigger-end", REFUSED, blocking),
	ENUM("ICE", ice, ice),
	ENUM("ICE-lite", ice_lite, ice_lite),
	FLAG("NAT-wait", RF_NG_NAT_WAIT,
	     .reason = "declares NAT: nothing is sent to that party before its first packet"),
	BITS("OSRTP", supports, osrtp, true),
	FLAG("RTCP mirror", -1, FATE(IGNORED, "what a recorder's RTCP says reaches the relay alone")),
	BITS("SDES", sdes, sdes, true),
	FLAG("SIP source address", RF_NG_SIP_SOURCE_ADDRESS, .reason = "declares NAT, too"),
	FLAG("SIPREC", RF_NG_SIPREC,
	     .reason = "of an offer: the parties do not share keys, so that what they say can be recorded"),
	BITS("T.38", supports, t38, true, .also = "T38"),
	INT("TOS", tos, -1, 65535, .reason = "-1 and what is past 255: the relay's own marking stays"),
	ADDRESS("address", address),
	ENUM("address family", family, family),
	FLAG("all", RF_NG_ALL),
	FLAG("allow transcoding", RF_NG_ALLOW_TRANSCODING,
	     .reason = "a recorder may leave out codecs; what is said in one of those is said in one "
		       "that it takes, or not copied"),
	SAME("always transcode", "codec-accept=all", "as codec-accept=all"),
	FLAG("asymmetric", RF_NG_ASYMMETRIC,
	     .reason = "media comes from where the description says, and from nowhere else"),
	FLAG("asymmetric codecs", -1, FATE(IGNORED, "each direction has what was negotiated for it")),
	{ .name = "blob", .form = RF_NG_FORM_BYTES, .at = AT(blob), .y = RF_NG_BYTES_MAX },
	TEXT("call-id", call_id, RF_NG_CALL_ID_MAX),
	{ .name = "code", .also = "digit", .form = RF_NG_FORM_CODE, .at = AT(code) },
	{ .name = "codec", .form = RF_NG_FORM_CODECS },
	LIST("codec-accept", CODECS(RF_NG_ACCEPT)),
	LIST("codec-consume", CODECS(RF_NG_CONSUME)),
	LIST("codec-except", CODECS(RF_NG_EXCEPT)),
	LIST("codec-mask", CODECS(RF_NG_MASK)),
	LIST("codec-offer", CODECS(RF_NG_CODEC_OFFER)),
	LIST("codec-set", CODECS(RF_NG_SET)),
	LIST("codec-strip", CODECS(RF_NG_STRIP)),
	LIST("codec-transcode", CODECS(RF_NG_TRANSCODE),
	     .reason = "PCMU, PCMA, G722, opus, telephone-event; another is left out with a warning"),
	{ .name = "command", .form = RF_NG_FORM_COMMAND },
	NONE("db-id", REFUSED, "the relay has no database: name a file, or send a blob"),
	FLAG("debug", -1, .also = "debugging", FATE(IGNORED, "what is logged is the relay's configuration alone")),
	NONE("delay-buffer", IGNORED, "media is passed on at once"),
	INT("delete delay", delete_delay, 0, 86400),
	FLAG("detect DTMF", RF_NG_DETECT_DTMF,
	     .reason = "keys in the sound of who sends this become events for a party that takes those; "
		       "parties do not share keys"),
	{ .name = "direction", .form = RF_NG_FORM_PAIR, .at = AT(direction), .y = RF_NG_WORD_MAX },
	ENUM("drop-traffic", drop, dropping),
	INT("duration", duration, 100, 5000),
	FLAG("egress", -1, FATE(REFUSED, "what a party sends can be blocked, not what it gets: block the other party")),
	ENUM("endpoint-learning", learn, learning),
	FLAG("fatal", RF_NG_FATAL),
	{ .name = "file", .form = RF_NG_FORM_TEXT, .in_flags = true, .at = AT(file), .y = RF_NG_WORD_MAX,
	  .reason = "a name in the relay's own folder of sounds, never a path" },
	{ .name = "flags", .form = RF_NG_FORM_FLAGS },
	FLAG("force", -1, FATE(ACCEPTED, "media always runs through the relay")),
	FLAG("fragment", -1, FATE(REFUSED, "pieces of descriptions (trickle ICE) are not read")),
	NONE("frequency", IGNORED, "there is no tone to choose"),
	TEXT("from-tag", from_tag, RF_NG_TAG_MAX),
	{ .name = "from-tags", .form = RF_NG_FORM_LIST, .in_flags = true, .at = AT(from_tags), .y = RF_NG_TAG_MAX },
	FLAG("full rtcp attribute", RF_NG_FULL_RTCP_ATTRIBUTE),
	FLAG("generate RTCP", -1, FATE(IGNORED, "reports are read and written anew, but none is made up")),
	FLAG("generate mid", RF_NG_GENERATE_MID),
	FLAG("inject DTMF", RF_NG_INJECT_DTMF, .reason = "the parties do not share keys, so that "
							 "the relay can speak to them"),
	{ .name = "interface", .form = RF_NG_FORM_TEXT, .in_flags = true, .at = AT(interface), .y = RF_NG_WORD_MAX,
	  .reason = "of subscribe request; an offer names both sides by direction" },
	{ .name = "label", .also = "from-label", .form = RF_NG_FORM_TEXT, .in_flags = true, .at = AT(label),
	  .y = RF_NG_TAG_MAX },
	INT("limit", limit, 1, 1000000),
	FLAG("loop protect", -1, FATE(IGNORED, "no description passes untouched, whatever mark it has")),
	ADDRESS("media address", media_address),
	ENUM("media echo", drop, echo, .x = 1),
	FLAG("media handover", -1, FATE(REFUSED, "a source that may change in mid-stream is one that can be stolen")),
	NONE("metadata", IGNORED, "there are no recordings that it could be written to"),
	FLAG("no jitter buffer", -1, FATE(ACCEPTED, "there is none")),
	FLAG("no port latching", RF_NG_NO_PORT_LATCHING, FATE(IGNORED, "a session keeps its ports")),
	FLAG("no rtcp attribute", RF_NG_NO_RTCP_ATTRIBUTE),
	FLAG("original sendrecv", -1, FATE(ACCEPTED, "directions are the parties' own")),
	NONE("output-destination", REFUSED, "the relay writes no recordings"),
	SAME("pad crypto", "SDES=pad", "as SDES=pad"),
	INT("pause", pause, 100, 5000),
	FLAG("pierce NAT", RF_NG_PIERCE_NAT,
	     FATE(IGNORED, "declares NAT, but nothing is sent before media is: that opens the way")),
	FLAG("port latching", RF_NG_PORT_LATCHING, FATE(ACCEPTED, "a session keeps its ports")),
	INT("ptime", ptime, 1, 1000, .reason = "10, 20, 30, 40, 60: packets of PCMU, PCMA, G722, G729, GSM and of what "
					       "is transcoded have this size; others a warning"),
	INT("ptime-reverse", ptime_reverse, 1, 1000, .reason = "as ptime, towards who offers"),
	{ .name = "received from", .form = RF_NG_FORM_SOURCE, .at = AT(received_from) },
	FLAG("record call", -1, FATE(REFUSED, "the relay writes no recordings")),
	FLAG("reject ICE", RF_NG_REJECT_ICE),
	INT("repeat-duration", repeat_duration, 1, 86400000),
	INT("repeat-times", repeat_times, 1, 1000000),
	BITS("replace", replace, replace, false),
	FLAG("reset", RF_NG_RESET),
	FLAG("reuse codecs", -1, .also = "no codec renegotiation",
	     FATE(IGNORED, "the order of codecs is the parties' own")),
	BITS("rtcp-mux", mux, mux, false),
	NONE("rtpp-flags", REFUSED, "flags that nobody has taken apart: send them as a list"),
	{ .name = "sdp", .form = RF_NG_FORM_BYTES, .at = AT(sdp), .y = RF_NG_BYTES_MAX },
	{ .name = "set-label", .also = "to-label", .form = RF_NG_FORM_TEXT, .in_flags = true,
	  .at = AT(set_label), .y = RF_NG_TAG_MAX },
	FLAG("single codec", RF_NG_SINGLE_CODEC),
	FLAG("strict source", RF_NG_STRICT_SOURCE, FATE(ACCEPTED, "always so, there is no other way")),
	FLAG("strip extmap", RF_NG_STRIP_EXTMAP),
	BITS("supports", supports, supports, false),
	FLAG("symmetric", RF_NG_SYMMETRIC,
	     .reason = "declares NAT: the first authentic packet within a window says where from"),
	FLAG("symmetric codecs", -1, FATE(IGNORED, "each direction has what was negotiated for it")),
	TEXT("to-tag", to_tag, RF_NG_TAG_MAX),
	ENUM("transport protocol", protocol, protocol),
	FLAG("trickle ICE", -1, FATE(IGNORED, "the relay's candidates all stand in its description")),
	NONE("trigger", REFUSED, blocking),
	{ .name = "trigger-end", .also = "end trigger", .form = RF_NG_FORM_NONE, .in_flags = true,
	  FATE(REFUSED, blocking) },
	NONE("trigger-end-digits", REFUSED, blocking),
	NONE("trigger-end-time", REFUSED, blocking),
	FLAG("trust address", RF_NG_TRUST_ADDRESS),
	FLAG("unidirectional", -1,
	     FATE(ACCEPTED, "a stream takes the kernel's way on its own, whatever the other one does")),
	TEXT("via-branch", via_branch, RF_NG_BRANCH_MAX),
	INT("volume", volume, -63, 63),
	NONE("xmlrpc-callback", IGNORED, "nobody is called back: the end of a session stands in the record"),
};
const size_t rf_ng_words_n = sizeof rf_ng_words / sizeof *rf_ng_words;

#define CALL RF_NG_NEEDS_CALL
#define PARTY (RF_NG_NEEDS_CALL | RF_NG_NEEDS_FROM)
#define COMMAND(c, n, ...) [RF_NG_##c] = { .name = n, __VA_ARGS__ }
const struct rf_ng_command_row rf_ng_commands[RF_NG_COMMANDS] = {
	COMMAND(PING, "ping"),
	COMMAND(OFFER, "offer", .needs = PARTY | RF_NG_NEEDS_SDP),
	COMMAND(ANSWER, "answer", .needs = PARTY | RF_NG_NEEDS_TO | RF_NG_NEEDS_SDP),
	COMMAND(DELETE, "delete", .needs = CALL),
	COMMAND(QUERY, "query", .needs = CALL),
	COMMAND(LISTING, "list"),
	COMMAND(STATISTICS, "statistics"),
	COMMAND(BLOCK_DTMF, "block DTMF", .needs = CALL,
		.reason = "events, and tones in the sound as soon as they are heard; not where the "
			  "parties share their keys"),
	COMMAND(UNBLOCK_DTMF, "unblock DTMF", .needs = CALL),
	COMMAND(BLOCK_MEDIA, "block media", .needs = CALL),
	COMMAND(UNBLOCK_MEDIA, "unblock media", .needs = CALL),
	COMMAND(SILENCE_MEDIA, "silence media", .needs = CALL,
		.reason = "PCMU, PCMA, G.722, Opus; other sound is dropped"),
	COMMAND(UNSILENCE_MEDIA, "unsilence media", .needs = CALL),
	COMMAND(PLAY_MEDIA, "play media", .needs = CALL,
		.reason = "WAV, one channel of 16 bits at 8000 or 16000 Hz; meanwhile the party hears nobody else"),
	COMMAND(STOP_MEDIA, "stop media", .needs = CALL),
	COMMAND(PLAY_DTMF, "play DTMF", .needs = CALL | RF_NG_NEEDS_CODE,
		.reason = "as an event where the other party takes those, else in the sound"),
	COMMAND(START_FORWARDING, "start forwarding",
		FATE(REFUSED, "the relay hands no sound to another program")),
	COMMAND(STOP_FORWARDING, "stop forwarding", FATE(REFUSED, "there is none to stop")),
	COMMAND(START_RECORDING, "start recording",
		FATE(REFUSED, "the relay writes no recordings")),
	COMMAND(STOP_RECORDING, "stop recording", FATE(REFUSED, "there is none to stop")),
	COMMAND(PAUSE_RECORDING, "pause recording", FATE(REFUSED, "there is none to stop")),
	COMMAND(SUBSCRIBE_REQUEST, "subscribe request", .needs = CALL,
		.reason = "of sound and video in RTP that was answered; not where the parties share their keys"),
	COMMAND(SUBSCRIBE_ANSWER, "subscribe answer", .needs = CALL | RF_NG_NEEDS_TO | RF_NG_NEEDS_SDP),
	COMMAND(UNSUBSCRIBE, "unsubscribe", .needs = CALL | RF_NG_NEEDS_TO),
	COMMAND(PUBLISH, "publish", .needs = PARTY | RF_NG_NEEDS_SDP,
		FATE(REFUSED,
		     "what is copied is what parties of a call say: offer and answer, then subscribe request")),
};

const char *rf_ng_command_name(enum rf_ng_command c)
{
	return rf_ng_commands[c].name;
}

const struct rf_ng_quarrel rf_ng_quarrels[] = {
	{ RF_NG_SIP_SOURCE_ADDRESS, RF_NG_TRUST_ADDRESS },
	{ RF_NG_SYMMETRIC, RF_NG_ASYMMETRIC },
	{ RF_NG_PORT_LATCHING, RF_NG_NO_PORT_LATCHING },
	{ RF_NG_NO_RTCP_ATTRIBUTE, RF_NG_FULL_RTCP_ATTRIBUTE },
};
const size_t rf_ng_quarrels_n = sizeof rf_ng_quarrels / sizeof *rf_ng_quarrels;

const char *rf_ng_flag_name(enum rf_ng_flag f)
{
	for (size_t i = 0; i < rf_ng_words_n; i++)
		if (rf_ng_words[i].form == RF_NG_FORM_FLAG && rf_ng_words[i].x == (int)f)
			return rf_ng_words[i].name;
	return "";
}

/* ---- names */

static uint8_t plain(uint8_t c)
{
	return c == ' ' || c == '_' ? '-' : rf_lower(c);
}

/* How much of names' next spelling v begins with: all of it, or 0; *ret_next: the spelling after it, or NULL. */
static size_t begins_with_next(struct rf_view v, const char *names, const char **ret_next)
{
	size_t n = strcspn(names, "|"), i = 0;

	*ret_next = names[n] ? names + n + 1 : NULL;
	while (i < n && i < v.n && plain(v.p[i]) == plain((uint8_t)names[i]))
		i++;
	return i == n ? n : 0;
}

bool rf_ng_is(struct rf_view v, const char *names)
{
	while (v.n && names)
		if (begins_with_next(v, names, &names) == v.n)
			return true;
	return false;
}

size_t rf_ng_begins(struct rf_view v, const char *names)
{
	while (names) {
		size_t n = begins_with_next(v, names, &names);

		if (n && v.n > n + 1 && plain(v.p[n]) == '-')
			return n;
	}
	return 0;
}

struct rf_view rf_ng_first_name(const char *names)
{
	return rf_view_of(names, strcspn(names, "|"));
}

/* Exactly as in the table: most are. */
static const struct rf_ng_word *find_exact(struct rf_view name)
{
	size_t from = 0, to = rf_ng_words_n;

	while (from < to) {
		const struct rf_ng_word *w = &rf_ng_words[(from + to) / 2];
		int cmp = name.n ? name.p[0] - (uint8_t)w->name[0] : -1;

		if (cmp == 0)
			cmp = rf_view_cmp(name, rf_view_str(w->name));

		if (cmp == 0)
			return w;
		if (cmp < 0)
			to = (from + to) / 2;
		else
			from = (from + to) / 2 + 1;
	}
	return NULL;
}

const struct rf_ng_word *rf_ng_word_find(struct rf_view name)
{
	const struct rf_ng_word *exact = find_exact(name);

	for (size_t i = 0; !exact && name.n && i < rf_ng_words_n; i++) {
		const struct rf_ng_word *w = &rf_ng_words[i];

		if ((plain(name.p[0]) == plain((uint8_t)w->name[0]) && rf_ng_is(name, w->name)) ||
		    (w->also && rf_ng_is(name, w->also)))
			return w;
	}
	return exact;
}
