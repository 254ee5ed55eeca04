/* Inside ua/, for its own files and tests. Who calls whom:
 *
 *	conn.c   connections: life, framing, pings (wsconn.c: the same of WebSockets)
 *	   |                                                 port.c   listeners, UDP sockets, names of ours
 *	   |  on_data                                           |  on_datagram
 *	   +------------------> recv.c <------------------------+        mail.c: to and from the other workers
 *	                       /      \
 *	                   srv.c      cli*.c, fork.c            tx.c: what both have in common
 *	                       \      /
 *	                        send.c: a flow -> socket, stream, mail, or the test's wire
 */
#ifndef RF_UA_UA_INT_H
#define RF_UA_UA_INT_H

#include "base/spare.h"
#include "base/table.h"
#include "loop/loop.h"
#include "loop/mail.h"
#include "net/net.h"
#include "net/udp.h"
#include "pki/id.h"
#include "sip/build.h"
#include "sip/frame.h"
#include "sip/msg.h"
#include "sip/oc.h"
#include "sip/trans.h"
#include "ua/resolve.h"
#include "ua/ua.h"

#include <sys/queue.h>

enum {
	RF_UA_OUT_BYTES = 65536 + 4096,  /* where messages are built */
	RF_UA_UDP_MAX = 65507,           /* IPv4's 65,535 less the IP and UDP headers */
	RF_UA_UDP_LARGE = 1300,          /* RFC 3261 18.1.1 */
	RF_UA_QUIET_MS = 4000,           /* T2: who has not repeated for that long has had his answer */
	RF_UA_PONG_MS = 10000,           /* RFC 5626 4.4.1 */
	RF_UA_AGE_AGAIN_MS = 1000,       /* until it is asked again whether an old connection may end */
	RF_UA_WS_HANDSHAKE_MS = 5000,
	RF_UA_WAITERS_MAX = 256,         /* requests of other workers that wait on one connection */
	RF_UA_ACKS_MAX = 4096,           /* ACKs that wait for a resolver */
};

/* ---- a transaction of either side ---- */

struct rf_tx {
	struct rf_ua *ua;
	struct rf_node node;             /* in ua->srv or ua->cli */
	struct rf_trans trans;
	struct rf_timer timer;
	TAILQ_ENTRY(rf_tx) idle;         /* in ua->idle, oldest first: ended but for repetitions */
	struct rf_mono idle_since;
	STAILQ_ENTRY(rf_tx) pending;     /* in ua->pending: something to tell or to free at the end of the turn */
	bool is_cli, is_idle, is_pending, in_table, ended;
};

TAILQ_HEAD(rf_tx_idle, rf_tx);
STAILQ_HEAD(rf_tx_pending, rf_tx);

void rf_tx_init(struct rf_tx *tx, struct rf_ua *ua, bool is_cli);
/* The timer at the earlier of the machine's next deadline and extra. */
void rf_tx_arm(struct rf_tx *tx, struct rf_mono extra);
/* Look at tx at the end of this turn. */
void rf_tx_defer(struct rf_tx *tx);
/* Out of the table, no timer; its last event and its end follow at the end of the turn. Idempotent. */
void rf_tx_end(struct rf_tx *tx);
/* The first half of that: what follows is the caller's. */
void rf_tx_leave(struct rf_tx *tx);
/* It only waits for repetitions now (or showed a sign of life again): to the back of the queue of those. */
void rf_tx_quiet(struct rf_tx *tx);
/* A bound, and with what is kept on top of it for what is urgent. */
size_t rf_tx_most(size_t bound, bool urgent);
/* Make room among the server or client transactions when they are at their bound. False: there is nothing that could
 * leave. */
bool rf_tx_room(struct rf_ua *ua, bool is_cli, bool urgent);
/* The end of the turn. */
void rf_tx_run_pending(struct rf_ua *ua);

/* ---- server transactions ---- */

/* Who finds a request that came by two ways (RFC 3261 8.2.2.2): in ua->merged. */
struct rf_merged {
	struct rf_node node;
	struct rf_view key;              /* empty: not in the table */
};

struct rf_srv {
	struct rf_tx tx;
	struct rf_merged merged;
	struct rf_node ack_node;         /* in ua->acks, when ack_tag.n */
	struct rf_flow flow;
	struct rf_sip_echo echo;
	struct rf_resend resend;         /* a 2xx without ACK */
	struct rf_srv_rel *rels;         /* reliable provisionals without PRACK (srvrel.c) */
	rf_srv_event_fn *fn;
	void *arg;
	struct rf_view key, request_tag, timestamp; /* in data, as merged.key is */
	struct rf_view ack_tag;          /* of the 2xx; malloc'd */
	uint8_t *last;                   /* the last response; malloc'd */
	size_t last_n;
	size_t size;                     /* of this struct with data */
	uint32_t cseq;
	uint8_t method;
	bool tag_made, cancelled, final, failed, acked, kept; /* kept: in a place for what is urgent */
	struct rf_id tag;
	uint8_t data[];
};

/* For recv.c: msg is ua's. A new transaction, or NULL: no memory or at the bound. */
struct rf_srv *rf_srv_make(struct rf_ua *ua, const struct rf_sip_msg *msg, const struct rf_peer *from,
			   struct rf_view key, uint64_t hash, struct rf_view merged, uint64_t merged_hash);
struct rf_srv *rf_srv_find(struct rf_ua *ua, struct rf_view key, uint64_t hash);
bool rf_srv_find_merged(struct rf_ua *ua, struct rf_view merged, uint64_t hash);
struct rf_srv *rf_srv_find_2xx(struct rf_ua *ua, struct rf_view to_tag, uint32_t cseq);
void rf_srv_repeated(struct rf_srv *srv);
/* True when it is an ACK to a 2xx. */
bool rf_srv_ack(struct rf_srv *srv);
/* CANCEL for srv came and was answered. */
void rf_srv_cancel(struct rf_srv *srv);
enum { RF_SRV_TAG = 16 };
/* The To tag of an answer without state to the request with this transaction key; the ACK to it has the same key. */
struct rf_view rf_srv_stateless_tag(const struct rf_ua *ua, struct rf_view key, uint8_t buf[static RF_SRV_TAG]);
void rf_srv_tick(struct rf_srv *srv);
void rf_srv_uncount(struct rf_srv *srv); /* it ends: its bytes leave ua->srv_bytes, before its memory does */
void rf_srv_finish(struct rf_srv *srv); /* pending: events, then the end */

/* srvrel.c: reliable provisionals under way, one a To tag. */
struct rf_srv_rel {
	struct rf_srv_rel *next;
	struct rf_resend resend;         /* stopped until it was sent */
	size_t tag_n, n;
	uint8_t data[];                  /* the tag, then the response */
};
/* Keep this response, in the place of the one of the same tag. RF_E_LIMIT, -ENOMEM. */
int rf_srv_rel_keep(struct rf_srv *srv, struct rf_view tag, struct rf_view bytes);
/* It was sent: repeat it from now on. */
void rf_srv_rel_start(struct rf_srv *srv, struct rf_view tag);
void rf_srv_rel_drop(struct rf_srv *srv, struct rf_view tag);
void rf_srv_rel_drop_all(struct rf_srv *srv);
/* When the next one is due. */
struct rf_mono rf_srv_rel_next(const struct rf_srv *srv);
/* Send what is due. True: one was given up. */
bool rf_srv_rel_step(struct rf_srv *srv, struct rf_mono now);
size_t rf_srv_rel_bytes(const struct rf_srv *srv);
/* srv.c, for it */
void rf_srv_send(struct rf_srv *srv, struct rf_view bytes, bool again);

/* done.c: what is left of a transaction that only repeats its answer. All is copied. end_at is timer J. RF_E_LIMIT,
 * -ENOMEM. */
struct rf_done_conf {
	struct rf_view key, merged, answer;
	uint64_t hash, merged_hash;
	struct rf_flow flow;
	struct rf_mono end_at;
};
void rf_dones_init(struct rf_ua *ua);
void rf_dones_fini(struct rf_ua *ua);
int rf_done_keep(struct rf_ua *ua, const struct rf_done_conf *conf);
/* Is this request one of them? Then it had its answer again. */
bool rf_done_repeated(struct rf_ua *ua, struct rf_view key, uint64_t hash);
/* The oldest leaves, when it was quiet for long enough. */
bool rf_done_evict(struct rf_ua *ua);

/* ---- client transactions ---- */

/* A request or ACK that has its target but perhaps not its next hop yet. */
struct rf_route {
	struct rf_hops hops;
	struct rf_tls *tls;              /* of the target */
	const struct rf_addr *from;      /* likewise */
	char name[256];                  /* behind hops.tls_name */
	size_t next;
};

struct rf_ack;

struct rf_fork {
	struct rf_fork *next;
	struct rf_ack *ack;
	size_t tag_n;
	uint8_t tag[];
};

struct rf_cli {
	struct rf_tx tx;
	rf_cli_fn *fn;
	void *arg;
	struct rf_flow flow;
	LIST_ENTRY(rf_cli) on_conn;      /* in its connection's list, when linked */
	struct rf_resolve *resolve;
	struct rf_route *route;          /* NULL: one flow and no other */
	struct rf_fork *forks;
	uint8_t *wire, *ack, *cancel_headers; /* malloc'd */
	size_t wire_n, ack_n, cancel_n;
	size_t line_n, via_n, method_n;  /* lengths in wire */
	struct rf_mono first_at;         /* no response of this target by then: the next one */
	uint32_t timeout_ms;
	int broken;                      /* pending: it could not be sent, and why */
	uint16_t fork_n;
	uint8_t method;
	bool linked, keep_503, urgent, answered, ringing, final, cancel, cancel_sent;
	struct rf_branch branch;
	char method_text[33];
};

void rf_cli_response(struct rf_ua *ua, const struct rf_sip_msg *msg, const struct rf_peer *from);
void rf_cli_tick(struct rf_cli *cli);
void rf_cli_finish(struct rf_cli *cli);
/* Its flow broke: the next target, or RF_CLI_FAILED. */
void rf_cli_broken(struct rf_cli *cli, int err);
/* The same for all with this branch; mail from the owner of the connection. */
void rf_cli_bounced(struct rf_ua *ua, struct rf_view branch, int err);
/* Bytes for what goes along with an INVITE (clibuild.c): its CANCEL, and the ACK to a 300-699. On 0 malloc'd. */
int rf_cli_build_cancel(struct rf_cli *cli, struct rf_view headers, uint8_t **ret_p, size_t *ret_n);
int rf_cli_build_ack(struct rf_cli *cli, const struct rf_sip_msg *resp, uint8_t **ret_p, size_t *ret_n);

/* fork.c: ACKs to 2xx. */
struct rf_ack {
	LIST_ENTRY(rf_ack) all;          /* in ua->ack_list */
	struct rf_ua *ua;
	struct rf_resolve *resolve;
	struct rf_flow flow;
	struct rf_tls *tls;              /* of the target */
	const struct rf_addr *from;      /* likewise */
	uint8_t *wire;                   /* with Via once flow is known */
	size_t wire_n, line_n;
	bool once, ready;                /* once: free it when sent */
};

/* secure, size: of the request. Fills what the resolver needs. */
struct rf_resolve_conf rf_ua_resolve_conf(struct rf_ua *ua, bool secure, size_t size);
void rf_ack_free(struct rf_ack *ack);
/* 1: this To tag was seen (its ACK was repeated, if there is one); 0: it is new and noted; RF_E_LIMIT, -ENOMEM. */
int rf_fork_note(struct rf_cli *cli, struct rf_view tag);
void rf_forks_free(struct rf_cli *cli);

/* ---- connections and sockets ---- */

LIST_HEAD(rf_cli_list, rf_cli);

struct rf_waiter {
	struct rf_waiter *next;
	uint8_t worker;
	struct rf_branch branch;
};

struct rf_keep {
	struct rf_timer timer;
	struct rf_conn *conn;
	uint32_t interval_ms;
	bool waiting;                    /* pinged, no pong yet */
};

/* How a peer is dialled: over TLS, who it must prove to be, and to whom (tls NULL: the ua's own client context); and
 * from where (rf_target.from). */
struct rf_tls_who {
	struct rf_view name;
	struct rf_tls *tls;
	const struct rf_addr *from;
};

/* A connection that is to prove itself anew. */
struct rf_age {
	struct rf_timer timer;
	struct rf_conn *conn;
};

struct rf_conn {
	struct rf_node by_id, by_addr;
	struct rf_ua *ua;
	struct rf_stream *stream;
	struct rf_sip_frame frame;
	struct rf_cli_list clis;
	struct rf_waiter *waiters;
	struct rf_keep *keep;
	struct rf_pki_id *id;            /* only its first id_n bytes: for rf_conn_peer() */
	char *tls_name;                  /* made by us: who it had to be */
	const struct rf_tls *tls;        /* made by us with other authorities than the ua's own; only to compare */
	const struct rf_addr *from;      /* made by us from there; only to compare */
	struct rf_age *age;              /* NULL: it may stay */
	/* alias_port: RFC 5923, 0 when by_addr is not used for an accepted one */
	uint16_t id_n, label_n, waiter_n, alias_port;
	uint8_t listener, kind;
	bool opened, in_addr, doomed;
	bool aged;                       /* for no new request any more */
	uint8_t *label;                  /* malloc'd */
	struct rf_wsconn *ws;            /* a WebSocket: what lies between its frames and the stream */
};

/* conn.c */
extern const struct rf_stream_ops rf_conn_ops;
struct rf_conn *rf_conn_find(struct rf_ua *ua, uint64_t stream);
/* In ua->peer: only where the loop calls us, never below a callback of the user's, who holds the one before. */
const struct rf_peer *rf_conn_peer(struct rf_conn *c);
/* A connection to this hop: one that is there, or a new one. */
int rf_conn_to(struct rf_ua *ua, const struct rf_hop *hop, const struct rf_tls_who *who, struct rf_flow *ret_flow);
/* The top Via of a request on c says alias (RFC 5923). */
void rf_conn_alias(struct rf_conn *c, const struct rf_sip_via *via);
/* branch has RF_BRANCH_LEN bytes. */
int rf_conn_wait(struct rf_conn *c, uint8_t worker, struct rf_view branch);
void rf_conn_unwait(struct rf_conn *c, struct rf_view branch);
void rf_conn_drop_all(struct rf_ua *ua);
/* Does the user want to hear this peer? Counted and told when not. */
bool rf_ua_admits(struct rf_ua *ua, const struct rf_peer *from);
/* The connection is usable. */
void rf_conn_opened(struct rf_conn *c);
int rf_conn_send(struct rf_conn *c, struct rf_view bytes);
/* In order: what is queued still goes. */
void rf_conn_close(struct rf_conn *c);
void rf_conn_abort(struct rf_conn *c);

/* wsconn.c: c is a WebSocket's. */
int rf_wsconn_make(struct rf_conn *c);
void rf_wsconn_free(struct rf_conn *c);
/* The stream below is open. */
void rf_wsconn_begin(struct rf_conn *c);
size_t rf_wsconn_data(struct rf_conn *c, struct rf_view bytes);
int rf_wsconn_send(struct rf_conn *c, struct rf_view bytes);
void rf_wsconn_close(struct rf_conn *c);
void rf_wsconn_keep(struct rf_conn *c, uint32_t interval_ms);

/* A listener or UDP socket. */
struct rf_port {
	struct rf_ua *ua;
	struct rf_addr local;
	struct rf_udp *udp;
	struct rf_listener *listener;
	uint32_t idle_ms;
	bool outside;
	uint16_t say_port;
	uint8_t index, kind;
	uint8_t host_n;                  /* 0: bound to any address and nothing else was said */
	char host[256];                  /* without brackets */
	struct rf_ws_site ws;            /* malloc'd, and each of its views */
	uint32_t ws_handshake_ms, ws_ping_ms;
};

/* ua.c: a copy of v by malloc(). -ENOMEM. */
int rf_ua_dup_view(struct rf_view v, struct rf_view *ret_v);

/* port.c */
int rf_port_open(struct rf_ua *ua, uint8_t index, const struct rf_ua_listener *conf);
void rf_port_close(struct rf_port *p);
void rf_ua_put_via(const struct rf_ua *ua, const struct rf_flow *flow, struct rf_view branch, struct rf_writer *w);
/* The UDP socket for this address: its index, -1 when there is none of that family. */
int rf_port_udp_for(const struct rf_ua *ua, const struct rf_addr *to, const struct rf_addr *from);

/* ---- sending ---- */

/* branch: of a request that wants to know when the flow closes; empty otherwise. RF_E_CLOSED, RF_E_LIMIT, ... */
int rf_ua_send(struct rf_ua *ua, const struct rf_flow *flow, struct rf_view bytes, struct rf_view branch);
/* A flow to this hop. Streams: connects. */
int rf_ua_hop_flow(struct rf_ua *ua, const struct rf_hop *hop, const struct rf_tls_who *who, struct rf_flow *ret_flow);

/* A test's transport instead of sockets. */
struct rf_ua_wire {
	int (*send)(void *ctx, const struct rf_flow *flow, struct rf_view bytes);
	int (*dial)(void *ctx, const struct rf_hop *hop, struct rf_flow *ret_flow);
	void *ctx;
};

/* ---- receiving ---- */

/* A datagram or one framed message; from->flow belongs to this worker. */
void rf_ua_receive(struct rf_ua *ua, const struct rf_peer *from, struct rf_view bytes, enum rf_sip_carrier carrier);
/* What a stream held when its framing failed. */
void rf_ua_receive_broken(struct rf_ua *ua, const struct rf_peer *from, struct rf_view bytes, enum rf_sip_rule rule);
/* By mail: parsed and let through by another worker. */
void rf_ua_receive_mail(struct rf_ua *ua, const struct rf_peer *from, struct rf_view bytes,
			enum rf_sip_carrier carrier);
/* Is it passed over, for what it did? id: NULL, nothing proven. Counted. */
bool rf_ua_shuts_out(struct rf_ua *ua, uint8_t listener, const struct rf_addr *source, const struct rf_pki_id *id);
void rf_ua_refused(struct rf_ua *ua, const char *what, const char *text, unsigned code, const struct rf_peer *from);
bool rf_ua_may_report(struct rf_ua *ua, uint64_t *ret_more);

/* ---- mail ---- */

void rf_mail_init(struct rf_ua *ua);
void rf_mail_fini(struct rf_ua *ua);
int rf_mail_message(struct rf_ua *ua, unsigned worker, const struct rf_peer *from, struct rf_view bytes,
		    enum rf_sip_carrier carrier);
/* A message of ours for another worker, received there from us. */
int rf_mail_inside(struct rf_ua *ua, unsigned worker, struct rf_view bytes);
int rf_mail_send(struct rf_ua *ua, const struct rf_flow *flow, struct rf_view bytes, struct rf_view branch);
void rf_mail_bounce(struct rf_ua *ua, unsigned worker, struct rf_view branch, int err);
void rf_mail_close(struct rf_ua *ua, const struct rf_flow *flow);

/* ---- the ua ---- */

struct rf_ua {
	struct rf_ua_stats stats;
	struct rf_loop *loop;
	struct rf_wheel *wheel;
	struct rf_random *random;
	struct rf_hash_key hash_key, tag_key;
	const struct rf_sip_limits *limits;
	const struct rf_sip_timers *timers;
	const struct rf_ua_user *user;
	void *ctx;
	struct rf_ua_bounds bounds;
	struct rf_table srv, merged, acks, cli; /* transactions; merged and acks hold struct rf_srv too */
	struct rf_table conn_ids, conn_addrs;
	struct rf_tx_idle idle_srv, idle_cli;
	struct rf_table done;
	TAILQ_HEAD(, rf_done) dones;     /* oldest first */
	struct rf_timer done_timer;
	struct rf_tx_pending pending;
	struct rf_defer defer;
	LIST_HEAD(, rf_ack) ack_list;
	size_t ack_jobs;
	struct rf_net *net;
	struct rf_guard *guard;
	struct rf_penalties *penalties;
	struct rf_dns *dns;
	struct rf_tls *tls_client;
	const struct rf_ua_wire *wire;
	struct rf_port ports[RF_UA_LISTENERS_MAX];
	size_t port_count;
	uint8_t worker;
	unsigned workers;
	bool drain, freed;
	uint32_t stream_age_ms;
	unsigned families;               /* bit 4 and bit 6: what the sockets can reach; 0: everything */
	struct rf_ua *peers[RF_UA_WORKERS_MAX];
	size_t mail_waiting;             /* atomic: bytes on the way to this worker; among what is read rarely */
	struct rf_view product;          /* malloc'd */
	struct rf_view *supported;       /* malloc'd, each of its views too */
	size_t supported_count;
	double event_tokens;
	struct rf_mono event_at;
	uint64_t events_more;
	struct rf_spare letters;         /* read here, written here next (mail.c) */
	size_t srv_bytes;                /* that server transactions and dones hold; bounds.server_bytes */
	struct rf_sip_oc oc;             /* what clients that understand overload control are told */
	struct rf_peer peer;             /* rf_conn_peer()'s */
	struct rf_pki_id peer_id;
	struct rf_sip_msg msg;           /* what was received */
	struct rf_sip_msg own;           /* a request of ours, read again for its ACK or CANCEL */
	uint8_t key[RF_TRANS_KEY_MAX], merged_key[RF_TRANS_KEY_MAX];
	uint8_t scratch[RF_UA_OUT_BYTES], out[RF_UA_OUT_BYTES];
};

static inline void rf_ua_bump(uint64_t *x, int64_t by)
{
	__atomic_store_n(x, *x + (uint64_t)by, __ATOMIC_RELAXED);
}

static inline void rf_ua_count(struct rf_ua *ua, enum rf_ua_count what)
{
	rf_ua_bump(&ua->stats.count[what], 1);
}

#endif
