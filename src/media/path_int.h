/* Inside of a path, for the files of the engine and their tests:
 *
 *	worker.c       sockets that are ready, one datagram after the other
 *	path_sock.c    a port of ours: open, close, send
 *	path.c         a path's life, and what it tells
 *	path_conf.c    what signaling says becomes what packets need
 *	path_in.c      the way of a datagram
 *	path_source.c  may it come from there
 *	path_check.c   sequence, SSRC, payload type, rate */
#ifndef RF_MEDIA_PATH_INT_H
#define RF_MEDIA_PATH_INT_H

#include "media/path.h"
#include "media/ports.h"
#include "media/worker.h"
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

/* A port of ours. It stands in its path, and the kernel's event points at it. */
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
};

/* Tokens as time: each packet moves the mark on by what it is worth; a mark that is over a second ahead is too much. */
struct rf_path_rate {
	uint32_t packets_s, bytes_s;
	uint64_t packets_us, bytes_us;
};

struct rf_end {
	struct rf_sock sock[2];      /* RTP (and all there is), RTCP */
	uint8_t interface;
	bool set;                    /* rf_path_set() was here */
	bool mux;
	uint8_t holds;
	uint16_t port;               /* the even one of our pair */
	enum rf_path_source how;
	enum rf_path_keying keying;
	enum rf_sdp_dir dir;
	uint8_t dscp, n_types;
	struct rf_peer signaled[2];  /* RTP, RTCP */
	struct rf_peer source[2];    /* fixed: where packets come from and go to; n 0: not yet */
	bool any_ip;                 /* FIRST, without a signaled address */
	uint32_t window_ms;
	uint64_t window_us;          /* FIRST: until then; 0: it has not begun */
	uint64_t types_ok[2];        /* bits */
	struct rf_path_type types[RF_PATH_TYPES_MAX];
	struct rf_path_rate rate;
	struct rf_path_ssrc *ssrcs;  /* that last heard first */
	uint8_t n_ssrcs;
	struct rf_path_filter *filter;
	struct rf_path_tap *tap;
	struct rf_addr remote, remote_rtcp; /* as signaled, for comparison */
	uint64_t packets, bytes, rtcp_packets, rtcp_bytes, sent, sent_bytes, rtcp_sent, rtcp_sent_bytes, last_us;
	uint64_t drops[RF_DROPS];
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
	struct rf_end end[RF_PATH_ENDS];
};

struct rf_media_place {              /* an interface */
	struct rf_media_interface conf;
	struct rf_ports *ports;
};

struct rf_media_worker {
	struct rf_media_conf conf;
	struct rf_loop *loop;
	struct rf_watch *watch;
	int epoll;
	unsigned n_places;
	struct rf_media_place place[RF_MEDIA_INTERFACES_MAX];
	struct rf_path *paths;
	size_t n_paths, n_socks;
	struct epoll_event ready[RF_PATH_BATCH]; /* of the batch that is under way: [ready_at, n_ready) are to come */
	int ready_at, n_ready;
	struct rf_media_totals totals;
	uint8_t buf[RF_PATH_ROOM];
};

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
/* What is ready at a socket: one datagram. */
void rf_sock_ready(struct rf_sock *s);
/* False: counted as RF_DROP_SEND of e. */
bool rf_sock_send(struct rf_sock *s, const uint8_t *buf, size_t n, const struct rf_peer *to);

/* ---- path_in.c */

/* A datagram of n bytes has come to s; buf has RF_PATH_ROOM bytes. */
void rf_path_take(struct rf_sock *s, uint8_t *buf, size_t n, const struct rf_peer *from);
void rf_end_drop(struct rf_path *p, struct rf_end *e, enum rf_path_drop why);
/* Plain RTP to this party; it has an address. 0, or what the suite says; RF_E_STATE: the kernel does not take it. */
int rf_end_send_rtp(struct rf_path *p, struct rf_end *to, uint8_t *buf, size_t n, size_t cap);

/* ---- path_source.c */

enum rf_source_verdict { RF_SOURCE_KNOWN, RF_SOURCE_NEW /* may be fixed, when authentic */, RF_SOURCE_NO, RF_SOURCE_LATE };
/* rtcp: on the odd port. */
enum rf_source_verdict rf_source_judge(const struct rf_path *p, struct rf_end *e, unsigned rtcp, const struct rf_peer *from);
void rf_source_fix(struct rf_path *p, struct rf_end *e, unsigned rtcp, const struct rf_peer *from);
/* Where what is sent to this party goes, NULL: not known. */
const struct rf_peer *rf_source_to(const struct rf_end *e, unsigned rtcp);
/* From now on as signaled. */
void rf_source_reset(struct rf_path *p, struct rf_end *e);
void rf_source_begin_window(struct rf_path *p, struct rf_end *e);

/* ---- path_check.c: 0 or the rule that is broken, as RF_DROP_x + 1 */

bool rf_check_type(const struct rf_end *e, uint8_t type);
/* The stream of this SSRC; NULL: one too many. */
struct rf_path_ssrc *rf_check_ssrc(struct rf_end *e, const struct rf_rtp_head *head, uint64_t now_us);
/* RF_DROPS: it is fine. */
enum rf_path_drop rf_check_sequence(struct rf_path_ssrc *s, uint16_t seq);
bool rf_check_rate(struct rf_path_rate *r, size_t n, uint64_t now_us);
void rf_check_forget(struct rf_end *e);
const struct rf_path_type *rf_check_type_of(const struct rf_end *e, uint8_t type); /* NULL: not known */

#endif
