/* A session description (RFC 8866, before it RFC 4566) as values. Flow: bytes -> rf_sdp_parse() -> struct rf_sdp ->
 * rf_sdp_police() (sdp/police.h) takes out what may not pass -> rf_sdp_build() writes fresh bytes. Nothing is ever
 * patched in the received text.
 *
 * Tolerated on input: LF for CRLF (RFC 8866 9), a last line without its end, blank lines at the very end, a missing
 * s= or t=, the optional lines of a section in any order. Refused: a bare CR, NUL and other control characters, a type
 * letter that RFC 8866 does not have, a line twice that may stand once, multicast addresses, contradicting directions.
 * Dropped (never built): u=, e=, p=, r=, z=, k= and every t= after the first: nothing in a call uses them, and k= is
 * a key in the clear (RFC 8866 5.12).
 *
 * No socket, clock, log or malloc here: memory comes from the caller's arena. Threads: any, on objects of their own. */
#ifndef RF_SDP_SDP_H
#define RF_SDP_SDP_H

#include "base/arena.h"
#include "base/err.h"
#include "base/view.h"
#include "base/writer.h"
#include "sdp/limits.h"

/* Directions as a pair of bits: what the side that speaks will do. */
enum rf_sdp_dir {
	RF_SDP_INACTIVE = 0,
	RF_SDP_SENDONLY = 1,
	RF_SDP_RECVONLY = 2,
	RF_SDP_SENDRECV = 3,
};

enum rf_sdp_kind {
	RF_SDP_OTHER, RF_SDP_AUDIO, RF_SDP_VIDEO, RF_SDP_TEXT, RF_SDP_IMAGE, RF_SDP_MESSAGE, RF_SDP_APPLICATION,
};

enum rf_sdp_proto {
	RF_SDP_PROTO_OTHER, /* anything not named below: seen as unprotected */
	RF_SDP_RTP_AVP, RF_SDP_RTP_AVPF,
	RF_SDP_RTP_SAVP, RF_SDP_RTP_SAVPF,
	RF_SDP_UDP_TLS_RTP_SAVP, RF_SDP_UDP_TLS_RTP_SAVPF, /* RFC 5764; TCP/DTLS/RTP/SAVP(F) of RFC 7850 too */
	RF_SDP_UDPTL,           /* T.38 */
	RF_SDP_UDPTL_DTLS,      /* RFC 7345 */
	RF_SDP_MSRP, RF_SDP_MSRP_TLS, /* RFC 4975 */
	RF_SDP_BFCP,            /* TCP/BFCP, UDP/BFCP */
	RF_SDP_BFCP_TLS,        /* TCP/TLS/BFCP, UDP/TLS/BFCP */
	RF_SDP_SCTP_DTLS,       /* DTLS/SCTP, UDP/DTLS/SCTP, TCP/DTLS/SCTP */
};

/* The attributes that this room reads; every other one is RF_SDP_A_OTHER and passes as it came. Names are compared
 * without regard to case, so that no peer can hide a key from us in a spelling that its partner accepts. */
enum rf_sdp_aid {
	RF_SDP_A_OTHER,
	RF_SDP_A_SENDRECV, RF_SDP_A_SENDONLY, RF_SDP_A_RECVONLY, RF_SDP_A_INACTIVE,
	RF_SDP_A_CRYPTO, RF_SDP_A_FINGERPRINT, RF_SDP_A_SETUP, RF_SDP_A_TLS_ID,
	RF_SDP_A_MID, RF_SDP_A_GROUP, RF_SDP_A_BUNDLE_ONLY, RF_SDP_A_RTPMAP,
	RF_SDP_A_KEY_MGMT,      /* RFC 4567 */
	RF_SDP_A_CAPABILITY,    /* acap tcap pcfg acfg csup creq rmcap omcap mcap mfcap mscap lcfg
				 * sescap (RFC 5939, 6871) */
};

struct rf_sdp_attr {
	struct rf_view name;
	struct rf_view value; /* p is NULL for an attribute without ":" */
	enum rf_sdp_aid id;
	bool drop;            /* set by police or the caller: not built */
};

struct rf_sdp_conn {
	bool present;
	bool ip6;             /* addrtype IP6, otherwise IP4 */
	bool zero;            /* 0.0.0.0 or ::, the old way to hold (RFC 3264 8.4) */
	bool name;            /* a host name stands where an address does */
	struct rf_view addr;  /* a unicast address or a host name */
};

struct rf_sdp_bw {
	struct rf_view type;  /* "AS", "TIAS", ... */
	uint64_t value;
};

struct rf_sdp_origin {
	struct rf_view user;
	uint64_t id, version; /* RFC 3264 5: fit a signed 64-bit number */
	bool ip6;
	struct rf_view addr;
};

struct rf_sdp_media {
	enum rf_sdp_kind kind;
	enum rf_sdp_proto proto;
	struct rf_view media;      /* "audio" */
	struct rf_view proto_text; /* "RTP/SAVP" */
	uint16_t port;             /* 0: refused or switched off, unless bundle_only */
	uint16_t port_count;       /* 1, or the n of port/n */
	bool bundle_only;          /* port 0 but alive (RFC 9143 6) */
	struct rf_view *formats;
	uint16_t n_formats;
	struct rf_view info;       /* i=, p NULL when there is none */
	struct rf_sdp_conn conn;   /* of this section only */
	struct rf_sdp_bw *bws;
	uint16_t n_bws, n_attrs;
	struct rf_sdp_attr *attrs;
	bool has_dir;
	enum rf_sdp_dir dir;       /* in force: its own, else the session's, else sendrecv */
};

struct rf_sdp {
	struct rf_sdp_origin origin;
	struct rf_view name;       /* s= */
	struct rf_view info;       /* i=, p NULL when there is none */
	struct rf_sdp_conn conn;
	uint64_t t_start, t_stop;
	struct rf_sdp_bw *bws;
	struct rf_sdp_attr *attrs;
	struct rf_sdp_media *media;
	uint16_t n_bws, n_attrs, n_media;
	bool has_key;              /* a k= line was there, at either level */
	bool has_dir;
	enum rf_sdp_dir dir;       /* session level */
};

/* Parse text. *ret_sdp and all it points to live in arena a and view text: both must outlive it.
 * limits may be NULL for the default ones. diag (may be NULL) gets the line number and the reason.
 * Errors: RF_E_MALFORMED, RF_E_LIMIT, RF_E_UNSUPPORTED (multicast), -ENOMEM (arena full). */
int rf_sdp_parse(struct rf_arena *a, struct rf_view text, const struct rf_sdp_limits *limits, struct rf_sdp **ret_sdp,
	struct rf_diag *diag);

/* Write sdp in the order and form of RFC 8866, lines ended by CRLF, dropped attributes left out. origin replaces o=
 * when not NULL (a B2BUA that speaks for itself keeps id and counts version, RFC 3264 8). An error sticks in w. */
void rf_sdp_build(struct rf_writer *w, const struct rf_sdp *sdp, const struct rf_sdp_origin *origin);

/* Does this m-line carry (or offer to carry) media: port set, or bundle-only. */
static inline bool rf_sdp_media_live(const struct rf_sdp_media *m)
{
	return m->port != 0 || m->bundle_only;
}

/* The first attribute with this id that is not dropped, NULL when there is none. */
const struct rf_sdp_attr *rf_sdp_attr_find(const struct rf_sdp_attr *attrs, size_t n, enum rf_sdp_aid id);
/* The connection in force for an m-line; present is false when the description names none. */
const struct rf_sdp_conn *rf_sdp_media_conn(const struct rf_sdp *sdp, const struct rf_sdp_media *m);
/* Switch an m-line off as RFC 3264 8.2 says: port 0, its attributes dropped but for mid. rf_sdp_build() leaves it out
 * of every a=group. */
void rf_sdp_media_off(struct rf_sdp_media *m);
/* The m-line on whose transport m is, when a=group:BUNDLE puts it there and it could be nowhere else: it has that one's
 * address, or is bundle-only. Keys, fingerprint and setup are then said there alone (RFC 9143 7.1.3, 7.3.3). NULL: m
 * has a transport of its own. */
const struct rf_sdp_media *rf_sdp_carrier(const struct rf_sdp *sdp, const struct rf_sdp_media *m);

/* Names for people and records: "audio", "RTP/SAVP", "sendrecv". Static; OTHER gives "other". */
const char *rf_sdp_kind_text(enum rf_sdp_kind kind);
const char *rf_sdp_proto_text(enum rf_sdp_proto proto);
const char *rf_sdp_dir_text(enum rf_sdp_dir dir);
/* Is it one of the RTP profiles. */
bool rf_sdp_proto_is_rtp(enum rf_sdp_proto proto);

#endif
