/* A path: one m-line of a session. It has two ends, each with a port (or two: RTP, RTCP) of ours towards one party, and
 * what comes in at one end leaves at the other. The way of a datagram through an end:
 *
 *	socket -> what is it (RFC 7983) -> STUN: ice | DTLS: dtls | RTP, RTCP:
 *	  is the session answered, does it come from where this end may send from        (source)
 *	  -> unprotect: authentic, not replayed                                          (keys of this end)
 *	  -> only now: the source is fixed, the SSRC is known
 *	  -> sequence, SSRC, payload type, rate: what was negotiated?
 *	  -> count -> blocked, held? -> filter -> protect with the keys of the other end -> out of the other end's socket
 *
 * What is not authentic or not expected is counted by rule and goes nowhere; nothing is ever learned from it. There is
 * no switch against that. On a plain leg, where nothing proves a packet, the source is what signaling said, or, where
 * NAT is declared, the first packet's within a window; it is never learned again in mid-stream.
 *
 * This header is the border between sessions (session.h: the meaning of signaling) and packets (everything behind here).
 * A path lives on one worker (worker.h) and everything here is called on its thread. Keys are copied and wiped. */
#ifndef RF_MEDIA_PATH_H
#define RF_MEDIA_PATH_H

#include "base/err.h"
#include "net/addr.h"
#include "rtp/rtcp.h"
#include "rtp/srtp.h"
#include "sdp/sdp.h"

struct rf_media_worker;
struct rf_path;

/* Bounds, also in docs/security.md. */
enum {
	RF_PATH_ENDS = 2,
	RF_PATH_TYPES_MAX = 32,      /* payload types that an end may send */
	RF_PATH_KEYS_MAX = 4,        /* SDES keys of an offer that an answerer may pick from */
	RF_PATH_MKI_MAX = 8,         /* bytes of an MKI; a longer one is not understood */
	RF_PATH_SSRCS_MAX = 8,       /* of one end at a time */
	RF_PATH_UFRAG_MAX = 32, RF_PATH_PWD_MAX = 64,
	RF_PATH_PRINTS_MAX = 4,      /* fingerprints of a peer */
	RF_PATH_CANDIDATES_MAX = 8,  /* of a peer, of both components, that walls are asked to let through */
	RF_PATH_MID_MAX = 16,        /* RFC 9143 15.2 wants them short; a longer one is not looked for in packets */
};

enum rf_path_kind {
	RF_PATH_RTP,                 /* RTP and RTCP */
	RF_PATH_DATAGRAM,            /* UDPTL, BFCP over UDP, whatever travels in DTLS end to end: passed as it is, from
				      * the signaled source only */
	RF_PATH_STREAM,              /* MSRP, BFCP over TCP: bytes both ways once both sides are connected */
};

/* How an end knows where its packets may come from. */
enum rf_path_source {
	RF_SOURCE_SIGNALED,          /* exactly conf.remote (and remote_rtcp) */
	RF_SOURCE_FIRST,             /* NAT is declared: the first authentic packet within conf.window_ms fixes
				      * it. An end without keys takes it only from conf.remote's IP address,
				      * unless that is none */
	RF_SOURCE_ICE,               /* what an authenticated check nominated */
};

enum rf_path_keying {
	RF_KEYING_PLAIN,
	RF_KEYING_SDES,
	RF_KEYING_DTLS,
	RF_KEYING_PASSED,            /* both ends share the keys: packets are passed unopened. With keys_in known (SDES)
				      * they are authenticated all the same; the other end is PASSED, too. Nothing of
				      * ours can be sent to it, filters see nothing, silence is made by dropping */
};

struct rf_path_key {
	enum rf_srtp_suite suite;
	uint8_t key[RF_SRTP_KEY_MAX]; /* master key and salt */
	uint8_t mki_n;
	uint8_t mki[RF_PATH_MKI_MAX];
};

struct rf_path_print {               /* a fingerprint (RFC 8122): sha-256, sha-384, sha-512 */
	uint8_t bytes[64];
	uint8_t n;                   /* 32, 48, 64 */
};

struct rf_path_candidate {           /* where a party may check from (RFC 8839 5.1) */
	struct rf_addr at;
	uint8_t rtcp;                /* 1: for the odd port */
};

enum { RF_TYPE_DTMF = 1, RF_TYPE_COMFORT = 2, RF_TYPE_VIDEO = 4 };
struct rf_path_type {
	uint8_t type;                /* payload type, 0..127 */
	uint8_t flags;               /* RF_TYPE_x */
	uint32_t clock;              /* Hz */
	uint8_t codec;               /* enum rf_pcm_codec (pcm.h): what silence is made of; NONE: as the
				      * static types have it */
};

/* What one party said of itself, and what is said to it. Both sides' SDP turned into what packets need. */
struct rf_path_end_conf {
	struct rf_addr remote, remote_rtcp; /* as signaled; family 0: not known. remote_rtcp family
					     * 0: remote's port + 1 */
	bool rtcp_mux;                      /* RTCP on the RTP port, both ways (RFC 5761) */
	enum rf_path_source source;
	bool nat;                           /* NAT is declared for it; FIRST has that in it */
	bool nat_waits;                     /* FIRST: no media goes there before its first packet */
	uint32_t window_ms;                 /* FIRST: counted from rf_path_open(); 0: 10000 */
	enum rf_sdp_dir dir;                /* what this party does: SENDONLY: it sends and takes nothing */
	enum rf_path_keying keying;
	uint8_t n_keys_in;                  /* what it sends with: several until it answered which */
	struct rf_path_key keys_in[RF_PATH_KEYS_MAX], key_out;
	bool dtls_active;                   /* we begin: the handshake; on RF_PATH_STREAM: we connect to
					     * remote, else we listen and take one connection from remote's IP
					     * address, whatever its port */
	unsigned dtls_suites;               /* that we offer or take, bits 1u << enum rf_srtp_suite;
					     * 0: all that DTLS has */
	uint8_t n_prints;
	struct rf_path_print prints[RF_PATH_PRINTS_MAX];
	/* Ours, as rf_ice_cred_make() makes them (8 and 24 characters, others are RF_E_INVALID); "": no ICE here. */
	char ufrag[RF_PATH_UFRAG_MAX + 1], pwd[RF_PATH_PWD_MAX + 1];
	char ufrag_peer[RF_PATH_UFRAG_MAX + 1], pwd_peer[RF_PATH_PWD_MAX + 1]; /* "": not known yet */
	/* For pinholes alone, until one is nominated: nothing is sent there, and nothing is believed
	 * for coming from there. */
	uint8_t n_candidates;
	struct rf_path_candidate candidates[RF_PATH_CANDIDATES_MAX];
	uint8_t n_types;                    /* RTP: what it may send; none: nothing but what the other end
					     * takes is known: any */
	struct rf_path_type types[RF_PATH_TYPES_MAX];
	uint32_t packets_s, bytes_s;        /* at most, of RTP; 0: 500 and 2,500,000, or 150 and
					     * 40,000 (audio types only) */
	uint8_t dscp;                       /* of what is sent to it, 0..63 */
	uint8_t mid_ext;                    /* RFC 8285's identifier of the extension that says the MID; 0: none */
	uint8_t mid_n;
	char mid[RF_PATH_MID_MAX];
	uint64_t sync;                      /* paths of one party with the same one have one CNAME (lip
					     * sync); 0: each its own */
};

/* What goes on, to the session above. All on the worker's thread; none may free a path, this one or
 * another. Each may be NULL. */
struct rf_path_ops {
	/* The 5-tuples of the path have changed (rf_path_flows()): pinholes follow. Also from within rf_path_set() and
	 * rf_path_open(). */
	void (*flows)(void *arg, struct rf_path *p);
	/* DTLS: 0 ready, else why not (static text). */
	void (*dtls)(void *arg, struct rf_path *p, unsigned end, const char *why);
	/* No authentic packet from either end for so long (rf_path_set_silence()). Again after as long once more. */
	void (*silent)(void *arg, struct rf_path *p);
	/* An event of DTMF by telephone-event from this end: code 0..15, its duration in ms. */
	void (*dtmf)(void *arg, struct rf_path *p, unsigned end, unsigned code, unsigned ms);
	/* Whoever gets what leaves here asks for a whole picture (PLI, FIR; authentic); of a path
	 * with one end alone. */
	void (*picture)(void *arg, struct rf_path *p);
};

enum { RF_PATH_CARRIED = UINT32_MAX - 1, RF_PATH_NOBODY = UINT32_MAX };
/* interface: which of the worker's (worker.h) each end is on; RF_PATH_NOBODY for the second: there is no second end,
 * what the party sends goes nowhere and what it gets is ours alone. RF_PATH_CARRIED: the end has no port of its own
 * (rf_path_ride()). Takes ports at once; the one for RTCP is opened when rf_path_set() says that there is no
 * rtcp-mux. RF_E_LIMIT: paths, ports or descriptors are exhausted (*ret_what: which, static); RF_E_INVALID: no such
 * interface; -ENOMEM. */
int rf_path_new(struct rf_media_worker *w, enum rf_path_kind kind, const unsigned interface[RF_PATH_ENDS],
		const struct rf_path_ops *ops, void *arg, struct rf_path **ret_path, const char **ret_what);
/* Ports back, keys wiped, kernel path gone, at once. NULL is fine. */
void rf_path_free(struct rf_path *p);

/* Our address at this end, as it is said to the party (the interface's advertised address); *ret_rtcp the same as
 * *ret_rtp with mux. */
void rf_path_local(const struct rf_path *p, unsigned end, struct rf_addr *ret_rtp, struct rf_addr *ret_rtcp);
/* BUNDLE (RFC 9143): p's end, made as RF_PATH_CARRIED, has the port, keys, ICE and source of the only end of `on`
 * (RF_PATH_NOBODY), among others that ride there; what arrives is told apart by conf.mid, SSRC and payload type. NULL:
 * it rides nowhere. Of such an end's conf only types, dir, rates, sync and mid count; its transport is said to `on`.
 * When `on` ends it rides nowhere. RF_E_INVALID: these two do not fit. */
int rf_path_ride(struct rf_path *p, unsigned end, struct rf_path *on);
/* Move an end to another interface before the path is open. Errors as rf_path_new(), RF_E_STATE: it is open. */
int rf_path_move(struct rf_path *p, unsigned end, unsigned interface, const char **ret_what);
/* As from now. What has not changed goes on without a gap: same keys keep their rollover counter and replay window, the
 * same DTLS association and ICE credentials keep their state; another remote address, fingerprint or credential begins
 * anew. After rf_path_open() a changed remote moves the source as signaled. RF_E_INVALID (remote of another family than
 * the interface among it), RF_E_LIMIT (no descriptor for RTCP), RF_E_CRYPTO, RF_E_UNSUPPORTED (DTLS, where the worker
 * has none), -ENOMEM: the old one stays. */
int rf_path_set(struct rf_path *p, unsigned end, const struct rf_path_end_conf *conf);
/* The session is answered (early media counts): packets may flow. Before it, STUN and DTLS alone are answered. */
void rf_path_open(struct rf_path *p);
/* 0: never. */
void rf_path_set_silence(struct rf_path *p, uint32_t ms);

enum { RF_HOLD_MEDIA = 1 /* drop */, RF_HOLD_SILENCE = 2 /* audio becomes silence */, RF_HOLD_DTMF = 4 };
/* What of this party's media does not go on. */
void rf_path_hold(struct rf_path *p, unsigned end, unsigned holds);

/* ---- media of our own, and copies: what dsp.h builds on */

/* Between unprotect and protect, in plain text, for what this party sends. Returns 0: send buf[0..*n] on; 1:
 * held; 2: it went on in another shape, or will; cap: room in buf. A path with a filter never takes the kernel's
 * way. NULL takes it out. */
enum { RF_FILTER_ON, RF_FILTER_HELD, RF_FILTER_TAKEN };
struct rf_path_filter {
	int (*take)(struct rf_path_filter *f, uint8_t *packet, size_t *n, size_t cap);
	/* The clock of what goes on, for RTCP; false: that of what came. NULL: always so. */
	bool (*clock)(const struct rf_path_filter *f, struct rf_rtcp_clock *ret_clock);
	void (*gone)(struct rf_path_filter *f); /* the path ends, and it with it. NULL: it stays its maker's */
};
void rf_path_set_filter(struct rf_path *p, unsigned end, struct rf_path_filter *f);
struct rf_path_filter *rf_path_filter_at(const struct rf_path *p, unsigned end); /* NULL: none */
/* A plain RTP packet of ours to this party; counts as ours. buf is overwritten. RF_E_STATE: not open, no address. */
int rf_path_send(struct rf_path *p, unsigned end, uint8_t *packet, size_t n, size_t cap);
/* The same for a plain compound of RTCP. */
int rf_path_send_rtcp(struct rf_path *p, unsigned end, uint8_t *compound, size_t n, size_t cap);
/* Copies of what this party sends and what goes on, plain: recording. What is blocked, silenced or not wanted by the
 * other party is not copied, or as silence. Before any filter: keys and sounds that the relay puts in are not the
 * party's; but while its keys (DTMF) are blocked, behind it, so that the copy has none either. RTCP is as the other
 * party gets it. Any number at an end; packets are no longer than a datagram (2048). */
struct rf_path_tap {
	void (*heard)(struct rf_path_tap *t, bool rtcp, const uint8_t *packet, size_t n);
	void (*gone)(struct rf_path_tap *t); /* the path ends: it is out already. NULL: nobody cares */
	struct rf_path_tap *next;            /* the path's */
};
void rf_path_add_tap(struct rf_path *p, unsigned end, struct rf_path_tap *t);
void rf_path_drop_tap(struct rf_path *p, unsigned end, struct rf_path_tap *t); /* one that is not there is fine */

/* ---- what is known */

struct rf_path_tuple {
	struct rf_addr from, to;
	uint8_t protocol;            /* IPPROTO_UDP, IPPROTO_TCP */
	bool any_port;               /* an opening: from any port of `from`, whose port does not
				      * count, and back to it */
};
/* Both ways, of each end: two ports with where packets come from, and after a restart of ICE all
 * candidates beside that. One way:
 * an opening of each port. */
enum { RF_PATH_TUPLES_MAX = 2 * RF_PATH_ENDS * (2 + RF_PATH_CANDIDATES_MAX) + 2 * RF_PATH_ENDS };
/* Each direction that packets take now or may begin to (an end whose party is not known yet has none). With ICE
 * those of the candidates until one is nominated, and again from a restart until the next nomination. All are
 * exact but those of a party that connects to us, until it has, and of one behind a declared NAT, from
 * rf_path_open() on until its first packet that was let in, or a nomination, but no longer than conf.window_ms:
 * openings from its signaled address. */
size_t rf_path_flows(const struct rf_path *p, struct rf_path_tuple ret[static RF_PATH_TUPLES_MAX]);

/* Why a datagram went nowhere. Names in path.c; status, metrics and ledger show them. */
enum rf_path_drop {
	RF_DROP_UNANSWERED, RF_DROP_SOURCE, RF_DROP_WINDOW, RF_DROP_AUTH, RF_DROP_REPLAY, RF_DROP_MALFORMED,
	RF_DROP_SSRC, RF_DROP_TYPE, RF_DROP_RATE, RF_DROP_SEQUENCE, RF_DROP_DIRECTION, RF_DROP_NO_KEYS,
	RF_DROP_NO_REMOTE, RF_DROP_HELD, RF_DROP_STUN, RF_DROP_DTLS, RF_DROP_SEND, RF_DROPS,
};
const char *rf_path_drop_name(enum rf_path_drop d);

struct rf_path_stream {              /* one SSRC of an end */
	uint32_t ssrc;
	uint8_t type;                /* payload type last seen */
	uint64_t packets, bytes;
	uint32_t lost, jitter_us, rtt_us;
	uint16_t mos_100;            /* 438: 4.38; 0: not known */
};

struct rf_path_end_stats {
	struct rf_addr remote;       /* where it sends from, family 0: not known yet */
	uint64_t packets, bytes;     /* authentic RTP from it */
	uint64_t rtcp_packets, rtcp_bytes;
	uint64_t sent, sent_bytes, rtcp_sent, rtcp_sent_bytes; /* to it */
	uint64_t drops[RF_DROPS];
	enum rf_srtp_suite suite;    /* in force from it; NONE: plain, or passed */
	enum rf_path_keying keying;
	unsigned dtls;               /* keyed by DTLS: 12 or 13, its version; 0: not yet, or otherwise */
	bool in_kernel;
	bool in_xdp;                 /* what it sends comes past the sockets (xsk.h), to its own port or
				      * the one that it shares */
	uint64_t last_us;            /* monotonic; 0: nothing yet */
	uint8_t n_streams;
	struct rf_path_stream streams[RF_PATH_SSRCS_MAX];
};
void rf_path_stats(const struct rf_path *p, unsigned end, struct rf_path_end_stats *ret_stats);

#endif
