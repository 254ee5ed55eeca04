/* Inside of a path, for the files of the engine and their tests:
 *
 *	worker.c       sockets that are ready, one datagram after the other
 *	path_sock.c    a port of ours: open, close, send
 *	path_keep.c    its socket between two calls
 *	path.c         a path's life, and what it tells
 *	path_conf.c    what signaling says becomes what packets need
 *	path_in.c      the way of a datagram
 *	path_rtp.c     the way of an RTP packet
 *	path_bundle.c  ends that are carried by another's
 *	path_rtcp.c    RTCP: what it tells of the streams, and said anew
 *	path_crypt.c   keys of an end
 *	path_ice.c     checks that are answered
 *	path_dtls.c    handshakes
 *	path_stream.c  TCP
 *	path_source.c  may it come from there
 *	path_flows.c   the pinholes that it needs
 *	path_near.c    what comes round
 *	path_check.c   sequence, SSRC, payload type, rate
 *	path_fast.c    what may pass through the kernel (fast.h), and what it did
 *	path_poll.c    what comes is fetched, under load
 *	path_xsk.c     what comes and goes past the sockets (xsk.h) */
#ifndef RF_MEDIA_PATH_INT_H
#define RF_MEDIA_PATH_INT_H

#include "media/fast.h"
#include "media/path.h"
#include "media/ports.h"
#include "media/worker.h"
#include "media/xsk.h"
#include "rtp/dtls.h"
#include "rtp/dtmf.h"
#include "rtp/ice.h"
#include "rtp/quality.h"
#include "rtp/rtp.h"

#include <netinet/in.h>
#include <sys/epoll.h>

enum {
	RF_PATH_BATCH = 256,         /* sockets that are ready, of one look */
	RF_PATH_DATAGRAM_MAX = 2048, /* longer ones are malformed */
	RF_PATH_ROOM = RF_PATH_DATAGRAM_MAX + RF_SRTP_GROW_RTCP,
	RF_PATH_DROPOUT = 3000,      /* RFC 3550 A.1: a sequence number further ahead is no loss */
	RF_PATH_MISORDER = 100,      /* further behind: no late packet */
	RF_PATH_SSRC_IDLE_MS = 10000, /* an SSRC that was silent for so long makes room for another */
};

/* A peer's address as the kernel has it: compared with every packet, handed back with every send. */
struct rf_peer {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	};
	socklen_t n;                 /* 0: none */
};

static inline bool rf_peer_same_ip(const struct rf_peer *a, const struct rf_peer *b)
{
	if (a->sa.sa_family != b->sa.sa_family)
		return false;
	if (a->sa.sa_family == AF_INET)
		return a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
	return memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, sizeof a->in6.sin6_addr) == 0 &&
	       a->in6.sin6_scope_id == b->in6.sin6_scope_id;
}

/* Port and family stand in the same place of both. */
static inline bool rf_peer_eq(const struct rf_peer *a, const struct rf_peer *b)
{
	return a->n && b->n && a->in.sin_port == b->in.sin_port && rf_peer_same_ip(a, b);
}

void rf_peer_of(const struct rf_addr *a, struct rf_peer *ret);
struct rf_addr rf_peer_addr(const struct rf_peer *p); /* family 0: none */

/* A port of ours. It stands in its path; the worker finds it by its descriptor. */
struct rf_sock {
	struct rf_path *path;
	int fd;                      /* -1: closed */
	uint8_t end;
	uint8_t rtcp;                /* 1: the odd port */
	uint8_t dscp;                /* as the socket has it */
};

/* One SSRC that a party sends with. */
struct rf_path_ssrc {
	struct rf_path_ssrc *next;
	uint32_t ssrc;
	uint16_t seq;                /* the highest one */
	uint8_t type;
	bool jumped;                 /* a jump is under way: the next of it would be `after` */
	uint16_t after;
	uint64_t seen[2];            /* which of the 128 up to seq have come: bit 0 of seen[0] is seq */
	uint64_t packets, bytes, last_us;
	struct rf_quality quality;
	struct rf_dtmf_in *dtmf;     /* NULL: no event was heard */
	bool fast;                   /* it passes through the kernel, as fast_id; what it did up to
				      * fast_was is counted */
	uint32_t fast_id;
	struct rf_fast_counts fast_was;
	uint64_t fast_us;            /* not tried again before */
};

/* Tokens as time: each packet moves the mark on by what it is worth; a mark that is over a second ahead is too much. */
struct rf_path_rate {
	uint32_t packets_s, bytes_s;
	uint64_t packets_us, bytes_us;
};

/* Keys both ways. Those of SDES stay as long as the path, also while it is plain: should they come back, no index is
 * used a second time. */
struct rf_crypt {
	struct rf_srtp_in *in;       /* NULL: not known */
	struct rf_srtp_out *out;
	uint64_t old_until_us;       /* keys that were replaced are good until then; 0: there are none */
	bool changed;
};

/* A handshake on one port. */
struct rf_shake {
	struct rf_dtls *dtls;
	struct rf_sock *sock;
	struct rf_peer to;           /* where its datagrams go, and where they come from; n 0: nobody has
				      * shown that it is there */
	struct rf_mono since;        /* it is with `to` since then */
	struct rf_timer timer;
	bool told;                   /* how it ended */
	uint8_t renewed;             /* times that a stranger had spoiled it */
};

/* An end of a stream: what waits to go to its party. */
struct rf_tcp {
	uint32_t listens, events;    /* what the kernel tells us of its two sockets */
	bool connecting, connected;
	bool eof, shut;              /* the party will say no more; we will say no more to it */
	size_t at, n;
	uint8_t buf[RF_PATH_DATAGRAM_MAX];
};

/* One datagram on its way. */
struct rf_arrival {
	struct rf_path *p;
	struct rf_end *e;
	const struct rf_peer *from;
	uint8_t rtcp;                /* 1: it came to the odd port */
	bool new;                    /* its source is to be fixed, if it is authentic */
	bool proven;                 /* by keys */
	uint8_t *buf;                /* as it came, or its text; RF_PATH_ROOM */
	size_t n;
	uint8_t *text;               /* in the clear, where we can have that and somebody asks for it; else NULL */
	size_t text_n;
};

/* First what each packet touches, then what descriptions and statistics do. */
struct rf_end {
	struct rf_sock sock[2];      /* RTP (and all there is), RTCP */
	uint8_t interface;
	bool nobody;                 /* there is no such end */
	bool carried;                /* it has no port of its own */
	uint8_t mid_ext, mid_n;
	char mid[RF_PATH_MID_MAX];
	struct rf_end *bearer;       /* whose port, keys and source are this one's, too; NULL: its own */
	struct rf_end *riders, *next_rider;
	struct rf_rider_names *names; /* of one that carries others: what RTCP said whose an SSRC is; NULL: nothing */
	bool set;                    /* rf_path_set() was here */
	bool mux;
	bool any_ip;                 /* FIRST, without a signaled address */
	bool nat, nat_waits;         /* declared; and nothing is sent before its first packet */
	uint8_t holds, n_types, n_ssrcs;
	bool keys_in, keys_out;      /* of SDES: conf had some */
	enum rf_path_source how;
	enum rf_path_keying keying;
	enum rf_sdp_dir dir;
	struct rf_peer source[2];    /* fixed: where packets come from and go to; n 0: not yet. RTP, RTCP */
	uint64_t types_ok[2], types_dtmf[2]; /* bits: may be sent; are events */
	struct rf_path_rate rate;
	struct rf_path_ssrc *ssrcs;  /* that last heard first */
	struct rf_path_filter *filter;
	struct rf_path_tap *taps;
	struct rf_end_xsk *xsk;      /* NULL: nothing of it was ever past the sockets */
	struct rf_crypt *sdes, *agreed[2]; /* agreed: by a handshake, for RTP (and RTCP with mux), for RTCP */
	uint64_t packets, bytes, sent, sent_bytes, last_us;
	struct rf_peer signaled[2];  /* RTP, RTCP */
	uint64_t rtcp_packets, rtcp_bytes, rtcp_sent, rtcp_sent_bytes;
	struct rf_path_rate rtcp_rate;
	struct rf_path_rate stun_rate[2]; /* of checks that are looked at: from anywhere, from where the
					   * party was nominated */
	uint64_t window_us;          /* FIRST: until then; 0: it has not begun */
	uint32_t window_ms;
	uint16_t port;               /* the even one of our pair */
	uint8_t odd_dscp;
	int odd;                     /* the socket of the odd one while it is not in use (path_keep.c); -1: none */
	uint8_t dscp, n_prints;
	bool dtls_active;
	unsigned dtls_suites;
	struct rf_shake *shake[2];
	struct rf_ice *ice[2];       /* of each port */
	struct rf_path_candidate *candidates; /* RF_PATH_CANDIDATES_MAX, or NULL */
	uint8_t n_candidates;
	struct rf_near *near;        /* its party is a port of ours; NULL: it is not */
	struct rf_tcp *tcp;          /* of a stream: sock[0] listens, sock[1] is the connection */
	uint64_t sync;
	struct rf_addr remote[2];    /* as signaled, for comparison */
	uint64_t drops[RF_DROPS];
	struct rf_path_type types[RF_PATH_TYPES_MAX];
	struct rf_path_print prints[RF_PATH_PRINTS_MAX];
};

struct rf_path {
	struct rf_media_worker *w;
	const struct rf_path_ops *ops;
	void *arg;
	struct rf_path *next, **link; /* of the worker's */
	enum rf_path_kind kind;
	bool open;
	uint32_t silence_ms;
	uint64_t quiet_us;           /* since then: opened, or told */
	struct rf_timer silence;
	struct rf_timer openings;    /* runs while a window is open in which a NAT's port may show itself */
	struct rf_end end[RF_PATH_ENDS];
};

struct rf_media_place {              /* an interface */
	struct rf_media_interface conf;
	struct rf_ports *ports;
	struct rf_sock **xsk_socks;  /* whose flow is admitted, by even port from port_first;
				      * NULL: there is no AF_XDP */
};

/* Of a worker that fetches datagrams. */
struct rf_worker_poll {
	struct rf_defer again;
	struct rf_media_worker *w;   /* NULL: it is gone */
	uint64_t since_us;           /* of this window */
	unsigned n;                  /* in it */
	bool busy;                   /* the last one was */
};

struct rf_media_worker {
	struct rf_media_conf conf;
	struct rf_loop *loop;
	struct rf_watch *watch;
	int epoll;
	unsigned n_places;
	struct rf_media_place place[RF_MEDIA_INTERFACES_MAX];
	struct rf_sock **sock_of;    /* by descriptor: whose it is; NULL: nobody's, it waits for
				      * another call (path_keep.c) */
	size_t sock_cap;
	struct rf_path *paths;
	size_t n_paths, n_socks, n_fast, n_kept, n_xsk;
	struct rf_timer keep;        /* n_kept: sockets that wait for another call; this ends them */
	uint64_t taken_us;           /* when a port was last asked for */
	struct rf_watch *xsk_watch[RF_XSK_QUEUES_MAX];
	struct rf_worker_poll *poll; /* NULL: it waits to be told */
	bool xsk_turn;               /* datagrams are under way that came as frames: what they cause leaves so, too */
	/* Of the batch that is under way, [ready_at, n_ready) are to come. The kernel tells descriptors; data.ptr is
	 * the socket by then, NULL where there is nothing (any more). */
	struct epoll_event ready[RF_PATH_BATCH];
	int ready_at, n_ready;
	struct rf_media_totals totals;
	struct rf_hash_key secret;   /* CNAMEs are hashed with it */
	uint8_t buf[RF_PATH_ROOM], scratch[RF_PATH_ROOM];
};

/* The end whose port and keys count for this one. */
static inline struct rf_end *rf_end_base(struct rf_end *e)
{
	return e->bearer ? e->bearer : e;
}

static inline struct rf_end *rf_end_other(struct rf_path *p, const struct rf_end *e)
{
	return &p->end[e == p->end];
}

/* ---- path_sock.c */

/* Open ports for this end on its interface. RF_E_LIMIT, *ret_what. */
int rf_end_take_ports(struct rf_path *p, unsigned end, const char **ret_what);
void rf_end_give_ports(struct rf_path *p, unsigned end);
/* To ports of another interface; on an error, as rf_end_take_ports(), the old ones stay. */
int rf_end_move(struct rf_path *p, unsigned end, unsigned interface, const char **ret_what);
/* Only one of the two is wanted, or both again. */
int rf_end_want_rtcp(struct rf_path *p, unsigned end, bool wanted);
void rf_end_set_dscp(struct rf_end *e);
/* Bind; watch: and be told what comes. -errno. */
int rf_sock_open(struct rf_media_worker *w, struct rf_sock *s, int type, const struct rf_addr *ip, uint16_t port,
		 bool watch);
int rf_sock_adopt(struct rf_media_worker *w, struct rf_sock *s, int fd); /* -ENOMEM */
int rf_sock_open_fd(struct rf_media_worker *w, int type, const struct rf_addr *ip, uint16_t port, bool watch,
		    int *ret_fd);
void rf_sock_close(struct rf_media_worker *w, struct rf_sock *s);
/* Its descriptor is not its any more. */
void rf_sock_forget(struct rf_media_worker *w, struct rf_sock *s);
/* What is ready at a socket: one datagram. */
void rf_sock_ready(struct rf_sock *s);
/* False: counted as RF_DROP_SEND of e. */
bool rf_sock_send(struct rf_sock *s, const uint8_t *buf, size_t n, const struct rf_peer *to);

/* ---- path_keep.c */

/* A socket that is not needed now: its descriptor, which stays open; -1: it is closed, as there are enough. */
int rf_sock_keep(struct rf_media_worker *w, struct rf_sock *s);
/* A kept descriptor (-1: none) becomes the one of s, empty. False: it is closed, and another one is to be opened. */
bool rf_sock_wake(struct rf_media_worker *w, struct rf_sock *s, int fd, uint8_t dscp);
/* Something has come to one, which is nobody's. */
void rf_kept_ready(struct rf_media_worker *w, int fd);
void rf_kept_drop(struct rf_media_worker *w, const struct rf_port_kept *kept);
void rf_kept_make_room(struct rf_media_worker *w);
/* Those of the stock are opened, as far as they can be. */
void rf_kept_fill(struct rf_media_worker *w);
void rf_kept_drop_all(struct rf_media_worker *w);
void rf_kept_tick(struct rf_timer *t);

/* ---- path_fast.c */

/* A packet of this SSRC has come up although the kernel has its stream: what the kernel did is counted first. */
void rf_path_fast_heard(struct rf_path *p, struct rf_end *e, uint32_t ssrc);
/* A packet of s was let through: its stream goes into the kernel, if it may; or goes on there from this packet. */
void rf_path_fast_passed(struct rf_arrival *a, struct rf_path_ssrc *s, uint16_t seq);
/* What the kernel did so far is counted. */
void rf_path_fast_count(struct rf_path *p);
/* All of the path's packets come up again, from now on. */
void rf_path_fast_leave(struct rf_path *p);
/* A packet was not authentic: if it is of a stream of this end, somebody forges what the kernel would pass. */
void rf_path_fast_doubt(struct rf_arrival *a);
/* Those of an end that the kernel has, but did not hear for so long that another SSRC may have their place. */
void rf_path_fast_leave_idle(struct rf_path *p, struct rf_end *e, uint64_t now_us);

/* ---- worker.c, path_poll.c */

/* What is ready, one datagram of each; how many sockets. ask: wait for a moment and ask the driver. */
unsigned rf_worker_batch(struct rf_media_worker *w, bool ask);
int rf_worker_start_poll(struct rf_media_worker *w); /* -ENOMEM; where the kernel cannot, it does not */
void rf_worker_stop_poll(struct rf_media_worker *w);
/* So many came just now: when that is worth it, it asks at the end of the turn, before it sleeps. */
void rf_worker_poll_on(struct rf_media_worker *w, unsigned n);

/* ---- path_xsk.c */

/* A packet of e was let through, and not by the kernel: its flow comes past the sockets, if it may. */
void rf_path_xsk_passed(struct rf_end *e);
/* Its datagrams come by the socket again. */
void rf_path_xsk_leave(struct rf_path *p, struct rf_end *e);
void rf_path_xsk_end(struct rf_path *p, struct rf_end *e); /* the same, and its memory */
bool rf_path_xsk_at(const struct rf_end *e); /* of an end that is carried: ask for its base */
/* In a turn of frames. False: to be sent by the socket. */
bool rf_path_xsk_send(struct rf_sock *s, const uint8_t *buf, size_t n, const struct rf_peer *to);
int rf_worker_start_xsk(struct rf_media_worker *w);
void rf_worker_stop_xsk(struct rf_media_worker *w);

/* ---- path_in.c */

/* A datagram of n bytes has come to s; buf has RF_PATH_ROOM bytes. */
void rf_path_take(struct rf_sock *s, uint8_t *buf, size_t n, const struct rf_peer *from);
void rf_end_drop(struct rf_path *p, struct rf_end *e, enum rf_path_drop why);
/* May it come from there, and is it authentic? False: counted. */
bool rf_arrival_from_party(struct rf_arrival *a);
bool rf_arrival_open(struct rf_arrival *a, bool rtcp);
void rf_arrival_fix(struct rf_arrival *a);
void rf_arrival_drop(struct rf_arrival *a, enum rf_path_drop why);
/* Passed as it is, to the other end's RTP or RTCP. */
bool rf_arrival_pass(struct rf_arrival *a, bool rtcp);
/* To the party at this end; RF_DROPS: it left. NO_REMOTE is not counted yet, SEND is. */
enum rf_path_drop rf_end_pass(struct rf_path *p, struct rf_end *to, bool rtcp, const uint8_t *buf, size_t n);
/* For whoever listens to this party. */
void rf_arrival_copy(struct rf_arrival *a, bool rtcp, const uint8_t *packet, size_t n);

/* ---- path_rtp.c */

void rf_path_take_rtp(struct rf_arrival *a);
/* Plain RTP to this party. 0, or what of it failed: RF_DROPS: nothing. */
enum rf_path_drop rf_end_send_rtp(struct rf_path *p, struct rf_end *to, uint8_t *buf, size_t n, size_t cap);

/* ---- path_bundle.c */

/* It rides nowhere any more. */
void rf_end_alight(struct rf_end *e);
/* An authentic packet at an end that carries others becomes that of one of them. False: of none; counted. */
bool rf_bundle_take(struct rf_arrival *a, const struct rf_rtp_head *head);
/* An authentic compound may say which line an SSRC is of (RFC 9143 15.1, 9.2), before or without any RTP that does. */
void rf_bundle_learn(struct rf_end *base, struct rf_view compound);
/* What of a compound is about the streams of e, into buf, which has room for all of it; its length. */
size_t rf_bundle_pick(struct rf_end *e, struct rf_view compound, uint8_t *buf);

/* ---- path_rtcp.c */

void rf_path_take_rtcp(struct rf_arrival *a);
/* A plain compound becomes what this party takes, in place; false: there are no keys. */
bool rf_end_seal_rtcp(struct rf_end *to, uint8_t *buf, size_t *n, size_t cap);

/* ---- path_crypt.c */

/* The keys of conf, where it has some. Errors leave the old ones in force. */
int rf_crypt_set(struct rf_crypt **crypt, const struct rf_path_end_conf *conf, uint64_t now_us);
/* Those of a handshake, in place of all that was. */
int rf_crypt_take(struct rf_crypt **crypt, const struct rf_dtls_keys *keys);
void rf_crypt_wipe(struct rf_crypt *c);
void rf_crypt_free(struct rf_crypt *c); /* NULL is fine */
int rf_crypt_open(struct rf_crypt *c, bool rtcp, uint8_t *buf, size_t *n, uint64_t now_us);
/* Only whether RTP is authentic (rf_srtp_in_check_rtp()). */
int rf_crypt_check(struct rf_crypt *c, uint8_t *buf, size_t n, uint8_t *room, size_t *ret_n, uint64_t now_us);
/* What an error of either is counted as. */
enum rf_path_drop rf_crypt_why(int rc);
/* The keys that are in force at this end for RTP or RTCP, as conf says; NULL: none. */
static inline struct rf_crypt *rf_end_crypt_in(const struct rf_end *e, bool rtcp)
{
	struct rf_crypt *c = e->keying == RF_KEYING_DTLS ? e->agreed[rtcp && !e->mux] : e->keys_in ? e->sdes : NULL;

	return c && c->in ? c : NULL;
}
static inline struct rf_srtp_out *rf_end_crypt_out(const struct rf_end *e, bool rtcp)
{
	struct rf_crypt *c = e->keying == RF_KEYING_DTLS ? e->agreed[rtcp && !e->mux] : e->keys_out ? e->sdes : NULL;

	return c ? c->out : NULL;
}

/* ---- path_ice.c, path_dtls.c */

void rf_end_take_stun(struct rf_path *p, struct rf_end *e, unsigned rtcp, uint8_t *buf, size_t n,
		      const struct rf_peer *from);
/* First all that can fail, then what cannot. moved: the party is elsewhere. ret_fresh: associations to be set. */
int rf_end_ready_ice(struct rf_path *p, struct rf_end *e, const struct rf_path_end_conf *conf);
void rf_end_set_ice(struct rf_path *p, struct rf_end *e, const struct rf_path_end_conf *conf);
void rf_end_end_ice(struct rf_end *e);
void rf_end_take_dtls(struct rf_arrival *a);
int rf_end_ready_dtls(struct rf_path *p, struct rf_end *e, const struct rf_path_end_conf *conf, bool moved,
		      struct rf_shake *ret_fresh[static 2]);
void rf_end_drop_dtls(struct rf_shake *fresh[static 2]);
void rf_end_set_dtls(struct rf_end *e, const struct rf_path_end_conf *conf, struct rf_shake *fresh[static 2]);
/* Last: what waited for the fingerprints ends here, one way or the other. */
void rf_end_show_prints(struct rf_end *e, const struct rf_path_end_conf *conf);
void rf_end_end_dtls(struct rf_end *e);
/* Begin, where it is ours to and we know with whom. */
void rf_end_begin_dtls(struct rf_path *p, struct rf_end *e);

/* ---- path_stream.c */

int rf_tcp_new(struct rf_end *e); /* -ENOMEM */
void rf_tcp_free(struct rf_end *e);
/* Listen or connect, once the path is open and the end is set. */
void rf_tcp_begin(struct rf_path *p, struct rf_end *e);
/* Its party is signaled to be elsewhere: what is connected ends. */
void rf_tcp_reset(struct rf_path *p, struct rf_end *e);
void rf_tcp_ready(struct rf_sock *s, uint32_t events);
/* After a change of holds. */
void rf_tcp_update(struct rf_path *p);

/* ---- path_source.c */

enum rf_source_verdict { RF_SOURCE_KNOWN, RF_SOURCE_NEW /* may be fixed, when authentic */, RF_SOURCE_NO, RF_SOURCE_LATE };
/* rtcp: on the odd port. */
enum rf_source_verdict rf_source_judge(const struct rf_path *p, struct rf_end *e, unsigned rtcp,
				       const struct rf_peer *from);
void rf_source_fix(struct rf_path *p, struct rf_end *e, unsigned rtcp, const struct rf_peer *from);
/* Where what is sent to this party goes, NULL: not known. */
const struct rf_peer *rf_source_to(const struct rf_end *e, unsigned rtcp);
/* The same of media, which may have to wait for that party's first packet. */
const struct rf_peer *rf_source_for_media(const struct rf_end *e, unsigned rtcp);
/* From now on as signaled. */
void rf_source_reset(struct rf_path *p, struct rf_end *e);
void rf_source_begin_window(struct rf_path *p, struct rf_end *e);

/* ---- path_flows.c */

void rf_path_flows_init(struct rf_path *p);
/* A window has begun: pinholes that wait for what comes in it end with it. */
void rf_path_watch_window(struct rf_path *p);

/* ---- path_near.c */

bool rf_near_wanted(const struct rf_path *p, const struct rf_path_end_conf *conf);
int rf_near_new(struct rf_near **ret); /* -ENOMEM; free() */
/* The same was here within the last moment. */
bool rf_near_came_round(const struct rf_path *p, struct rf_near *n, bool rtcp, const uint8_t *bytes, size_t len);

/* ---- path_check.c: 0 or the rule that is broken, as RF_DROP_x + 1 */

bool rf_check_type(const struct rf_end *e, uint8_t type);
bool rf_check_event(const struct rf_end *e, uint8_t type);
/* The stream of this SSRC; NULL: one too many. */
struct rf_path_ssrc *rf_check_ssrc(struct rf_end *e, const struct rf_rtp_head *head, uint64_t now_us);
/* RF_DROPS: it is fine. */
enum rf_path_drop rf_check_sequence(struct rf_path_ssrc *s, uint16_t seq);
bool rf_check_rate(struct rf_path_rate *r, size_t n, uint64_t now_us);
void rf_check_forget(struct rf_end *e);
void rf_check_forget_one(struct rf_end *e, uint32_t ssrc);
const struct rf_path_type *rf_check_type_of(const struct rf_end *e, uint8_t type); /* NULL: not known */

#endif
