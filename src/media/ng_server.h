/* The relay's side of the NG protocol on the wire: UDP, TCP, TLS and Unix sockets on one loop. Reads requests, knows
 * repetitions, keeps strangers out, and hands each request to its owner, who answers when it can.
 *
 *	bytes -> from whom? (list of peers | mode of the socket | certificate) -> the guard's rate
 *	-> UDP: seen before? answered again from memory, or it is being dealt with: nothing
 *	-> rf_ng_request_parse(): refused ones are answered here -> on_request -> rf_ng_ask_answer()
 *
 * An ask owns everything its request points to, so it may be carried to another thread (a worker's), and answered from
 * there: rf_ng_ask_answer() and rf_ng_ask_drop() may be called on any thread, one of them, once for each ask; on
 * another thread than the server's the reply travels home by mail. Everything else here is called on the server's
 * thread. End: rf_ng_server_free(), then all asks that are still out are answered or dropped (nothing is sent), then
 * the loop ends. */
#ifndef RF_MEDIA_NG_SERVER_H
#define RF_MEDIA_NG_SERVER_H

#include "media/ng.h"
#include "net/net.h"
#include "net/tls.h"

struct rf_ng_server;
struct rf_ng_ask;
struct rf_pki_id;

enum { RF_NG_GATES_MAX = 16 };

struct rf_ng_server_ops {
	/* A request that is in order. ask is now the owner's. */
	void (*on_request)(void *arg, struct rf_ng_ask *ask);
	/* For the record, at most 10 a second: who was turned away and why (static text). May be NULL. */
	void (*on_refused)(void *arg, const struct rf_addr *from, const char *why);
};

struct rf_ng_server_conf {
	struct rf_net *net;              /* its loop and bounds */
	struct rf_guard *guard; /* asked (RF_GUARD_MESSAGE) for each message that comes by IP; may be NULL; borrowed */
	const struct rf_ng_server_ops *ops;
	void *arg;
	const struct rf_addr *peers; /* who may speak over UDP and TCP (the port does not count); none: this host alone
				      * (127.0.0.0/8, ::1). Copied */
	size_t n_peers;
	struct rf_hash_key hash_key;     /* random */
	uint64_t streams_from;           /* its streams have numbers from here on, behind 0 */
	uint32_t asks_max;               /* not answered yet; 0: 4096. At the bound: an error reply that says so */
	uint32_t keep_ms;                /* how long a reply is remembered for repetitions; 0: 30000 */
	uint32_t keep_max;               /* replies remembered; 0: 8192; the oldest leave first */
	uint32_t keep_bytes;             /* of those; 0: 16 MiB */
};

int rf_ng_server_new(const struct rf_ng_server_conf *conf, struct rf_ng_server **ret_server);
/* NULL is fine. */
void rf_ng_server_free(struct rf_ng_server *s);

/* Any number up to RF_NG_GATES_MAX in all; each ends with the server. *ret_port (may be NULL): what the kernel chose
 * for port 0. -errno. */
int rf_ng_server_udp(struct rf_ng_server *s, const struct rf_addr *local, uint16_t *ret_port);
/* tls NULL: plain TCP, for listed peers. With tls the certificate decides (rf_tls_conf.client REQUIRED and .check), the
 * list of peers does not. */
int rf_ng_server_tcp(struct rf_ng_server *s, const struct rf_addr *local, struct rf_tls *tls, uint16_t *ret_port);
/* Connections over TLS take that one from now on; those that stand keep theirs. */
void rf_ng_server_set_tls(struct rf_ng_server *s, struct rf_tls *tls);
/* Adopt sockets that were bound (and listen) before privileges went. On success they are the server's. */
int rf_ng_server_udp_fd(struct rf_ng_server *s, int fd);
int rf_ng_server_tcp_fd(struct rf_ng_server *s, int fd, struct rf_tls *tls);
/* A Unix socket that listens (SOCK_STREAM; Kamailio's "unix:" is that): whoever its mode lets connect may speak. */
int rf_ng_server_unix_fd(struct rf_ng_server *s, int fd);

/* Bytes that nobody asked for with a request of its own (ng_event.h), on this stream
 * (rf_ng_request.stream). False: it is gone. */
bool rf_ng_server_tell(struct rf_ng_server *s, uint64_t stream, struct rf_view message);

/* A certificate as requests that came under it name it (rf_ng_request.by): a number made of its serial number, never 0.
 * key: that of the server's conf. */
uint64_t rf_ng_by(const struct rf_hash_key *key, struct rf_view serial);

/* Whoever is connected by TLS is looked at again, with what its certificate said at the handshake and
 * how long ago that was. */
enum rf_ng_keep {
	RF_NG_KEEP,
	RF_NG_LEAVE,                     /* it ends as soon as nothing that it asked is open: whoever
					  * it is may come again */
	RF_NG_CUT,                       /* it ends now; what it asked is answered to nobody */
};
/* How many were cut. */
size_t rf_ng_server_review(struct rf_ng_server *s, enum rf_ng_keep (*look)(void *arg, const struct rf_pki_id *peer,
			   const struct rf_addr *from, uint64_t age_us), void *arg);

struct rf_ng_server_stats {
	uint64_t requests, replies;      /* in order; sent, repetitions too */
	uint64_t repeated;               /* answered from memory, or absorbed */
	uint64_t strangers, rate, malformed, refused, full; /* turned away: peers, guard, bytes, words, asks_max */
	uint64_t commands[RF_NG_COMMANDS];
	uint64_t untold;                 /* rf_ng_server_tell() on a stream that had gone */
	uint64_t asks, kept, kept_bytes, streams; /* now */
};
void rf_ng_server_stats(const struct rf_ng_server *s, struct rf_ng_server_stats *ret_stats);

/* ---- an ask */

struct rf_ng_request *rf_ng_ask_request(struct rf_ng_ask *ask);
/* reply: the dictionary (ng_reply.h), without the cookie. The ask is gone. */
void rf_ng_ask_answer(struct rf_ng_ask *ask, struct rf_view reply);
/* No answer. The ask is gone. */
void rf_ng_ask_drop(struct rf_ng_ask *ask);

#endif
