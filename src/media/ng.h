/* Requests of the NG protocol, the control protocol of rtpengine, as plain values: for the relay, which gets them, and
 * for the border, which sends them. Both ways go by the table of words in ng_words.h: what a request may say, where it
 * goes in struct rf_ng_request, what ringfort does with it and what it answers where it does not (docs/relay.md shows
 * that to people).
 *
 *	datagram -> cookie, dictionary (ng_value.h) -> rf_ng_request_parse() -> struct rf_ng_request
 *	struct rf_ng_request -> rf_ng_request_put() -> cookie, dictionary
 *
 * What a word may be spelled like: blanks, hyphens and underscores are the same, and so are small and capital letters.
 * A word that is known and not done is refused with an error where leaving it out would change security or meaning, and
 * else named in the reply's warning, as is every word that is not known. Nothing is passed over in silence.
 *
 * Views point into the datagram and the arena and end with them. Threads: any, one at a time. */
#ifndef RF_MEDIA_NG_H
#define RF_MEDIA_NG_H

#include "base/writer.h"
#include "media/limits.h"
#include "media/ng_value.h"
#include "net/addr.h"

enum rf_ng_command {
	RF_NG_PING, RF_NG_OFFER, RF_NG_ANSWER, RF_NG_DELETE, RF_NG_QUERY, RF_NG_LISTING, RF_NG_STATISTICS,
	RF_NG_BLOCK_DTMF, RF_NG_UNBLOCK_DTMF, RF_NG_BLOCK_MEDIA, RF_NG_UNBLOCK_MEDIA, RF_NG_SILENCE_MEDIA,
	RF_NG_UNSILENCE_MEDIA, RF_NG_PLAY_MEDIA, RF_NG_STOP_MEDIA, RF_NG_PLAY_DTMF, RF_NG_START_FORWARDING,
	RF_NG_STOP_FORWARDING, RF_NG_START_RECORDING, RF_NG_STOP_RECORDING, RF_NG_PAUSE_RECORDING,
	RF_NG_SUBSCRIBE_REQUEST, RF_NG_SUBSCRIBE_ANSWER, RF_NG_UNSUBSCRIBE, RF_NG_PUBLISH,
	RF_NG_COMMANDS
};
/* "block DTMF". Static storage. */
const char *rf_ng_command_name(enum rf_ng_command c);

/* Words without a value: bits of rf_ng_request.flags. */
enum rf_ng_flag {
	RF_NG_SIP_SOURCE_ADDRESS, RF_NG_TRUST_ADDRESS, RF_NG_SYMMETRIC, RF_NG_ASYMMETRIC, RF_NG_RESET,
	RF_NG_PORT_LATCHING, RF_NG_NO_PORT_LATCHING, RF_NG_NO_RTCP_ATTRIBUTE, RF_NG_FULL_RTCP_ATTRIBUTE,
	RF_NG_SINGLE_CODEC, RF_NG_ALL, RF_NG_GENERATE_MID, RF_NG_STRIP_EXTMAP, RF_NG_INJECT_DTMF, RF_NG_DETECT_DTMF,
	RF_NG_NAT_WAIT, RF_NG_PIERCE_NAT, RF_NG_REJECT_ICE, RF_NG_FATAL, RF_NG_STRICT_SOURCE,
	RF_NG_ALLOW_TRANSCODING, RF_NG_SIPREC,
	RF_NG_FLAGS
};

enum rf_ng_ice { RF_NG_ICE_UNSET, RF_NG_ICE_REMOVE, RF_NG_ICE_FORCE, RF_NG_ICE_DEFAULT, RF_NG_ICE_OPTIONAL };
enum rf_ng_ice_lite { RF_NG_LITE_UNSET, RF_NG_LITE_FORWARD, RF_NG_LITE_BACKWARD, RF_NG_LITE_BOTH, RF_NG_LITE_OFF };
enum rf_ng_dtls { RF_NG_DTLS_UNSET, RF_NG_DTLS_OFF, RF_NG_DTLS_PASSIVE, RF_NG_DTLS_ACTIVE };
enum rf_ng_protocol {
	RF_NG_PROTOCOL_UNSET, RF_NG_RTP_AVP, RF_NG_RTP_AVPF, RF_NG_RTP_SAVP, RF_NG_RTP_SAVPF, RF_NG_DTLS_SAVP,
	RF_NG_DTLS_SAVPF, RF_NG_PROTOCOL_ACCEPT
};
enum rf_ng_family { RF_NG_FAMILY_UNSET, RF_NG_IP4, RF_NG_IP6 };
enum rf_ng_digest { RF_NG_DIGEST_UNSET, RF_NG_SHA256, RF_NG_SHA384, RF_NG_SHA512 };
enum rf_ng_learn { RF_NG_LEARN_UNSET, RF_NG_LEARN_OFF, RF_NG_LEARN_FIRST };
enum rf_ng_drop { RF_NG_DROP_UNSET, RF_NG_DROP_START, RF_NG_DROP_STOP };
enum rf_ng_dtmf { RF_NG_DTMF_UNSET, RF_NG_DTMF_DROP, RF_NG_DTMF_OFF };

/* Bits of rf_ng_request.mux, .replace, .sdes, .supports. */
enum { RF_NG_MUX_OFFER = 1, RF_NG_MUX_REQUIRE = 2, RF_NG_MUX_DEMUX = 4, RF_NG_MUX_ACCEPT = 8, RF_NG_MUX_REJECT = 16 };
enum {
	RF_NG_REPLACE_ORIGIN = 1, RF_NG_REPLACE_CONNECTION = 2, RF_NG_REPLACE_VERSION = 4, RF_NG_REPLACE_USERNAME = 8,
	RF_NG_REPLACE_NAME = 16, RF_NG_REPLACE_ZERO = 32
};
enum { RF_NG_SDES_OFF = 1, RF_NG_SDES_LIFETIME = 2, RF_NG_SDES_PAD = 4 };
enum { RF_NG_SUPPORTS_LOAD_LIMIT = 1 };

/* Lists under "codec". */
enum rf_ng_codecs {
	RF_NG_STRIP, RF_NG_EXCEPT, RF_NG_CODEC_OFFER, RF_NG_TRANSCODE, RF_NG_MASK, RF_NG_CONSUME, RF_NG_ACCEPT,
	RF_NG_SET,
	RF_NG_CODEC_LISTS
};

struct rf_ng_list {
	const struct rf_view *v;
	size_t n;
};

struct rf_ng_int {
	int32_t v;
	bool set;
};

/* Zeroed: nothing said. Empty views, family 0 of addresses, UNSET: not given. Lengths and ranges hold (limits.h); text
 * has no NUL and no control characters, the description (sdp) and blob apart. */
struct rf_ng_request {
	struct rf_view cookie;
	enum rf_ng_encoding encoding;    /* the reply has the same */
	enum rf_ng_command command;

	struct rf_view call_id, from_tag, to_tag, via_branch;
	struct rf_view label, set_label; /* label: also "from-label"; set-label: also "to-label" */
	struct rf_ng_list from_tags;     /* subscribe request: several */
	struct rf_view sdp;
	struct rf_addr received_from;    /* where the SIP message came from; no port */
	struct rf_addr media_address;    /* instead of any address in the description; no port */
	struct rf_addr address;          /* selects a party by the address in its description; no port */
	struct rf_view direction[2];     /* interfaces: towards the sender of this message, towards its receiver */
	struct rf_view interface;        /* where there is one side only */

	uint64_t flags;                  /* 1 << enum rf_ng_flag; rf_ng_has() */
	enum rf_ng_ice ice;
	enum rf_ng_ice_lite ice_lite;
	enum rf_ng_dtls dtls, dtls_reverse;
	enum rf_ng_digest dtls_fingerprint;
	enum rf_ng_protocol protocol;
	enum rf_ng_family family;
	enum rf_ng_learn learn;
	enum rf_ng_drop drop;
	enum rf_ng_dtmf dtmf;            /* block DTMF: how */
	uint8_t mux, replace, sdes, supports; /* bits, see above */
	struct rf_ng_list sdes_no, sdes_only; /* names of suites: not these; these alone */
	struct rf_ng_list codecs[RF_NG_CODEC_LISTS]; /* "opus", "PCMU/8000", "telephone-event" */

	struct rf_ng_int tos;            /* 0..255 */
	struct rf_ng_int ptime, ptime_reverse; /* ms */
	struct rf_ng_int delete_delay;   /* seconds */
	struct rf_ng_int limit;          /* of list; more than 0 */
	struct rf_ng_int code;           /* of play DTMF, 0..15 */
	struct rf_ng_int duration, pause;/* ms, 100..5000 */
	struct rf_ng_int volume;         /* dB below full, 0..63 */
	struct rf_ng_int repeat_times, repeat_duration; /* play media; ms */
	struct rf_view file, blob;

	uint64_t stream;                 /* on which it came, as the server counts them; 0: by UDP. No
					  * word says it, either */
	uint64_t by;                     /* under whose certificate it came (rf_ng_by()); 0: under none. Likewise */
	struct rf_addr asker;            /* who sent it, as the server saw; family 0: a local socket. No word says it */
	struct rf_ng_notes *notes; /* for the reply's warning: rf_ng_warn() adds to them; NULL: nobody reads them */
};

struct rf_ng_notes {
	size_t n;
	bool cut;                        /* there was more */
	char text[RF_NG_WARNING_MAX];    /* sentences with "; " between, no NUL behind */
};

static inline bool rf_ng_has(const struct rf_ng_request *req, enum rf_ng_flag flag)
{
	return req->flags >> flag & 1;
}

/* One message: cookie, blank, dictionary. ret_req is always left in order: with a cookie a refusal can be answered
 * (ng_reply.h), without one nobody waits for an answer. d (may be NULL) has the sentence for "error-reason".
 * RF_E_MALFORMED; RF_E_LIMIT; RF_E_INVALID: a key is missing, has the wrong type, or two contradict each other;
 * RF_E_UNSUPPORTED: a command or word that is refused; -ENOMEM. */
int rf_ng_request_parse(struct rf_view message, struct rf_arena *arena, struct rf_ng_request *ret_req,
			struct rf_diag *d);

/* The message that says req (cookie, encoding and all, without the warning), keys in order. What ringfort refuses or
 * passes over cannot be said. Look at w->err. */
void rf_ng_request_put(struct rf_writer *w, const struct rf_ng_request *req);

/* Add a sentence to the warning of the reply: what was asked and is not done. Past the bound it is left out, and that
 * is said. */
void rf_ng_warn(const struct rf_ng_request *req, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
