/* A SIP message as views into the caller's bytes (RFC 3261 7).
 *
 * rf_sip_msg_parse() goes over the bytes once: start line, every header field named and delimited, the fields that
 * every element needs parsed into values. It allocates nothing, copies nothing and changes nothing. Everything else
 * (Contact, Route, ...) is parsed on demand by the functions below, each of which can say RF_E_MALFORMED: a caller
 * that needs such a header answers 400.
 *
 * One reading only. A line ends with CR LF; a CR or LF alone refuses the message, so does NUL or another control
 * character outside a quoted pair. A folded line is part of the value: the value's view contains the fold, typed
 * access treats it as white space, rf_sip_put_value() writes it as spaces. A header field that may stand once and
 * stands twice refuses the message, even when both say the same (RFC 3261 7.3.1 allows repetition only where a
 * comma-separated list is allowed, and two Content-Length fields are how two elements come to frame a message
 * differently). Bytes behind the body in a datagram are ignored (RFC 3261 18.3) and counted in extra.
 *
 * The struct is about 12 KiB: keep one per loop. Local variables of this type are cleared by the compiler's hardening
 * flags on each call, which costs more than the parse. */
#ifndef RF_SIP_MSG_H
#define RF_SIP_MSG_H

#include "sip/addr.h"
#include "sip/hdr.h"
#include "sip/limits.h"
#include "sip/method.h"
#include "sip/rule.h"
#include "sip/via.h"

struct rf_sip_hdr {
	struct rf_view name;   /* as written */
	struct rf_view value;  /* without white space at its ends; contains folds when folded */
	uint8_t id;            /* enum rf_sip_hid */
	bool folded;
	uint16_t next;         /* index of the next field with this id (not for OTHER), RF_SIP_NO_HDR at the end */
};

#define RF_SIP_NO_HDR UINT16_MAX

enum rf_sip_carrier {
	RF_SIP_DATAGRAM, /* the bytes are one datagram: Content-Length may be missing, more bytes may follow */
	RF_SIP_STREAM,   /* the bytes are one message as rf_sip_frame_next() cut it: Content-Length fits exactly */
	RF_SIP_WHOLE,    /* the bytes are one WebSocket message: Content-Length may be missing, or fits
			  * exactly (RFC 7118 5) */
};

struct rf_sip_msg {
	/* Always valid after a parse, refused or not. */
	enum rf_sip_rule rule;        /* what refused it, RF_SIP_RULE_NONE when understood */
	uint16_t answer;              /* refused: the response code to send; 0: say nothing */
	uint16_t hdr_count;
	bool is_request;
	bool has_from, has_to, has_call_id, has_cseq; /* the field is there and understood */
	bool has_via;                 /* the top Via is there and understood as far as sent-by */
	enum rf_sip_method method;    /* of the request line */
	struct rf_view bytes;         /* what was given */
	struct rf_view offender;      /* refused: the value or line at fault, for the log (may be empty) */
	uint16_t first[RF_SIP_H_COUNT];            /* index of the first field of each id, or RF_SIP_NO_HDR */
	uint16_t last[RF_SIP_H_COUNT];             /* of the last; valid where first is */
	struct rf_sip_hdr hdr[RF_SIP_HEADERS_MAX]; /* hdr_count of them are written */

	/* Valid when understood; in a refused message only what the has_ flags vouch for. */
	struct rf_view method_name;   /* request */
	struct rf_sip_uri uri;        /* request */
	uint16_t status;              /* response: 100..699 */
	struct rf_view reason;        /* response */
	struct rf_sip_via via;        /* the topmost */
	struct rf_sip_addr from, to;
	struct rf_view call_id;
	uint32_t cseq;
	enum rf_sip_method cseq_method;
	struct rf_view cseq_method_name;
	int16_t max_forwards;         /* -1 when absent */
	bool has_expires;
	bool has_length;              /* Content-Length is there */
	uint32_t expires_s;           /* clamped to 2^32-1; 3600 when malformed (RFC 3261 10.2.1.1) */
	struct rf_view content_type;  /* media type and parameters; empty when absent */
	struct rf_view body;
	size_t extra;                 /* bytes behind the body of a datagram */
	uint16_t via_count;           /* Via values */
};

/* Parse. bytes is borrowed as long as *ret_m is used. lim NULL: the defaults.
 * 0: understood. Otherwise refused with ret_m->rule and ret_m->answer set, and the result
 * RF_E_MALFORMED, RF_E_LIMIT or RF_E_UNSUPPORTED (version, URI scheme).
 * Responses and ACK are never answered; a request is answered when its top Via says where to. */
int rf_sip_msg_parse(struct rf_sip_msg *ret_m, struct rf_view bytes, enum rf_sip_carrier carrier,
		     const struct rf_sip_limits *lim);
/* Parse what a stream held when its framing failed by rule (sip/frame.h), to learn whether and what to answer.
 * Always refused, by that rule. */
int rf_sip_msg_parse_refused(struct rf_sip_msg *ret_m, struct rf_view bytes, enum rf_sip_rule rule,
			     const struct rf_sip_limits *lim);

/* Header fields by id: the first, then the next with the same id; NULL at the end. */
static inline const struct rf_sip_hdr *rf_sip_msg_hdr(const struct rf_sip_msg *m, enum rf_sip_hid id)
{
	return m->first[id] == RF_SIP_NO_HDR ? NULL : &m->hdr[m->first[id]];
}

static inline const struct rf_sip_hdr *rf_sip_msg_hdr_next(const struct rf_sip_msg *m, const struct rf_sip_hdr *h)
{
	return h->next == RF_SIP_NO_HDR ? NULL : &m->hdr[h->next];
}

/* The value of the first such field, the empty view when there is none. */
static inline struct rf_view rf_sip_msg_value(const struct rf_sip_msg *m, enum rf_sip_hid id)
{
	const struct rf_sip_hdr *h = rf_sip_msg_hdr(m, id);

	return h ? h->value : (struct rf_view){ NULL, 0 };
}

/* A field by its name, known or not: the first behind `after` (NULL: from the start), NULL when there is none. */
const struct rf_sip_hdr *rf_sip_msg_named(const struct rf_sip_msg *m, struct rf_view name,
					  const struct rf_sip_hdr *after);

/* Walk all values of one id over all its fields, split at commas that stand outside quotes and <>:
 *
 *	struct rf_sip_values it = rf_sip_values_of(m, RF_SIP_H_CONTACT);
 *	struct rf_view v;
 *	int rc;
 *	while ((rc = rf_sip_values_next(&it, &v)) > 0)
 *		...
 *	if (rc < 0)
 *		answer 400
 */
struct rf_sip_values {
	const struct rf_sip_msg *m;
	const struct rf_sip_hdr *hdr;
	struct rf_view rest;
	bool more;   /* a comma was passed: a value must follow */
};

struct rf_sip_values rf_sip_values_of(const struct rf_sip_msg *m, enum rf_sip_hid id);
/* The same over one value that is in hand. */
struct rf_sip_values rf_sip_values_in(struct rf_view list);
/* 1 and *ret_v (trimmed, never empty), 0 at the end, RF_E_MALFORMED for an empty element or for a comma behind a quote
 * or bracket that is never closed (without a comma that is left to who parses the value); a field with nothing in it
 * is an empty list. */
int rf_sip_values_next(struct rf_sip_values *it, struct rf_view *ret_v);

/* The n-th Via counted from the top (0). 0, RF_E_NOT_FOUND, RF_E_MALFORMED, RF_E_LIMIT. */
int rf_sip_msg_via(const struct rf_sip_msg *m, unsigned n, struct rf_sip_via *ret_via);
/* The first value of an address header (Contact, Route, Refer-To, ...). 0, RF_E_NOT_FOUND, RF_E_MALFORMED, RF_E_LIMIT.
 * "*" is taken for Contact only. */
int rf_sip_msg_addr(const struct rf_sip_msg *m, enum rf_sip_hid id, struct rf_sip_addr *ret_addr);

/* Is token among the values of a list header (Supported, Require, Allow, Accept-Encoding, ...), parameters left
 * out, without case. Empty elements are passed over; a list that cannot be split holds nothing. */
bool rf_sip_msg_has_token(const struct rf_sip_msg *m, enum rf_sip_hid id, struct rf_view token);
/* Methods are compared in their case. True when there is no Allow at all is NOT assumed. */
bool rf_sip_msg_allows(const struct rf_sip_msg *m, enum rf_sip_method method);
/* Does Accept admit this media type (type/subtype without case, wildcards honoured; q=0 is not honoured)? No Accept
 * admits application/sdp only (RFC 3261 20.1); an empty Accept nothing. */
bool rf_sip_msg_accepts(const struct rf_sip_msg *m, struct rf_view media_type);
/* Is the body of this media type ("application/sdp", without case, parameters ignored)? */
bool rf_sip_msg_is_type(const struct rf_sip_msg *m, struct rf_view media_type);

/* Option tags of Require (or Proxy-Require) that are not among known[n], onto w as a list for Unsupported (420).
 * Returns how many; RF_E_MALFORMED when the list cannot be split. */
int rf_sip_msg_unsupported(const struct rf_sip_msg *m, enum rf_sip_hid id, const struct rf_view *known, size_t n,
			   struct rf_writer *w);

/* Retry-After: seconds, duration 0 when absent. RF_E_NOT_FOUND, RF_E_MALFORMED (a value over 2^32-1 too). */
int rf_sip_msg_retry_after(const struct rf_sip_msg *m, uint32_t *ret_s, uint32_t *ret_duration_s);

/* Session-Expires and Min-SE (RFC 4028 4, 5). */
enum rf_sip_refresher { RF_SIP_REFRESHER_NONE, RF_SIP_REFRESHER_UAC, RF_SIP_REFRESHER_UAS };
int rf_sip_msg_session_expires(const struct rf_sip_msg *m, uint32_t *ret_s, enum rf_sip_refresher *ret_refresher);
int rf_sip_msg_min_se(const struct rf_sip_msg *m, uint32_t *ret_s);

/* A header whose value is one number with optional parameters (RSeq, Min-Expires, Expires, Flow-Timer, ...), up to
 * 2^32-1. 0, RF_E_NOT_FOUND, RF_E_MALFORMED. */
int rf_sip_msg_number(const struct rf_sip_msg *m, enum rf_sip_hid id, uint32_t *ret_x);
/* RAck: response-num, CSeq-num, method (RFC 3262 7.2). 0, RF_E_NOT_FOUND, RF_E_MALFORMED. */
int rf_sip_msg_rack(const struct rf_sip_msg *m, uint32_t *ret_rseq, uint32_t *ret_cseq, struct rf_view *ret_method);

#endif
