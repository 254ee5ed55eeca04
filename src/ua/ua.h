/* The SIP endpoint of one worker: it owns the sockets and connections, the tables of transactions and their timers,
 * and hands whole requests and responses to its user (call/).
 *
 *	datagram or stream bytes -> guard -> frame -> parse -> [refuse] -> [mail to the owning worker]
 *	   request  -> its server transaction, or a new one   -> user.request     (ua/srv.h)
 *	   ACK      -> its INVITE transaction, or the 2xx     -> user.ack
 *	   CANCEL   -> answered here; its INVITE's event RF_SRV_CANCELLED
 *	   response -> its client transaction                 -> rf_cli_fn        (ua/cli.h)
 *
 * What ua answers by itself: what the parser refused and can be answered (400, 414, 416, 483, 505, 513), Max-Forwards 0
 * (483; not for REGISTER, OPTIONS and requests in a dialog, which end here), a merged request (482), sips over anything
 * but TLS (403), an extension in Require or Proxy-Require that is not in `supported` (420), CANCEL (200 or 481), no
 * room (503 with Retry-After). The user answers everything else, 405, 481 and OPTIONS too.
 *
 * Bounds on transactions: at the bound the oldest finished transaction that has been silent for 4 seconds leaves early
 * (it only waited for repetitions); when there is none a new request is answered with 503, a new client transaction
 * refused.
 *
 * Several workers: a response whose branch, or a request whose To tag, carries another worker's number goes there as
 * mail, with who sent it; the answer goes back by mail when the connection is the first worker's. Requests of
 * ours over another worker's connection go by mail too. All of that is inside: a user sees one endpoint.
 *
 * Large requests: over UDP only up to 1300 bytes when the target may also be reached by TCP (RFC 3261 18.1.1); over a
 * UDP flow, or when a URI asks for UDP, up to 65,507 bytes, in IP fragments.
 *
 * RFC 3261 (8.1, 8.2, 9, 17, 18), 3263, 3581, 4320, 5393 (by Max-Forwards), 5626 (keep-alive, flows), 5922, 5923, 6026,
 * 7118 (the server's side: WebSockets are accepted, never made).
 * Threads: the worker's own, but for rf_ua_stats(). */
#ifndef RF_UA_UA_H
#define RF_UA_UA_H

#include "base/clock.h"
#include "base/err.h"
#include "base/random.h"
#include "base/writer.h"
#include "net/guard.h"
#include "net/penalty.h"
#include "net/stream.h"
#include "net/udp.h"
#include "net/ws.h"
#include "sip/limits.h"
#include "sip/rule.h"
#include "sip/timers.h"
#include "ua/cli.h"
#include "ua/flow.h"
#include "ua/ids.h"
#include "ua/srv.h"
#include "ua/stats.h"

struct rf_dns;
struct rf_loop;
struct rf_sip_msg;
struct rf_tls;
struct rf_ua;

enum { RF_UA_WORKERS_MAX = 256, RF_UA_LISTENERS_MAX = 16 };

struct rf_ua_listener {
	uint8_t kind;              /* enum rf_flow_kind */
	struct rf_addr local;      /* port 0: the kernel chooses (tests) */
	int fd;                    /* a bound socket (TCP, TLS: listening) to adopt; -1: open one.
				    * Adopted on success only */
	struct rf_tls *tls;        /* RF_FLOW_TLS, RF_FLOW_WSS: a reference is taken */
	struct rf_view host;       /* what Via and Contact say instead of the address; empty: the address. Copied */
	uint16_t port;             /* the same; 0: the port */
	bool v6_also_v4;
	bool outside;              /* strangers come here: penalties hold */
	uint32_t idle_ms;          /* a connection without a byte from the peer is closed; 0: never */
	struct rf_ws_site ws;      /* RF_FLOW_WS, RF_FLOW_WSS: path and origins. Copied */
	uint32_t ws_handshake_ms;  /* the same: from the connection (and TLS) to the answer; 0: 5000 */
	uint32_t ws_ping_ms;       /* the same: as rf_ua_flow_keep() with this, from the start; 0: never */
};

/* Bounds; 0 means the value beside it. */
struct rf_ua_bounds {
	uint32_t server_transactions;  /* 200,000; about a KB each */
	size_t server_bytes;           /* 256 MiB: what they keep of requests and answers, whoever sends long ones */
	uint32_t client_transactions;  /* 200,000 */
	/* On top of each of these three, a sixteenth is kept for what is urgent (rf_ua_user.urgent,
	 * rf_cli_new.urgent). */
	uint32_t forks;                /* 2xx with different To tags of one INVITE: 16 */
	uint32_t mail_bytes;           /* waiting for one other worker: 8 MiB */
	uint32_t retry_after_s;        /* in our 503: 5 */
	uint32_t events_per_s;         /* calls of user.refused: 20 */
};

/* A message, connection or handshake that ua refused; for the record. */
struct rf_ua_refusal {
	const char *what;          /* a stable word: the name of the rule (sip/rule.h) or of the counter (ua/stats.h) */
	const char *text;          /* a sentence; static or good for the call */
	unsigned code;             /* the response that was sent; 0: none */
	struct rf_flow flow;       /* from where */
	const struct rf_pki_id *id;
	uint64_t more;             /* refusals that were only counted since the last call of this (events_per_s) */
};

/* What the user of a ua gives it. Every function may call everything in ua/, and may be NULL except request. Views and
 * messages are good for the call. */
struct rf_ua_user {
	/* A new request, neither ACK nor CANCEL. The user answers srv now or later. */
	void (*request)(void *ctx, struct rf_srv *srv, const struct rf_sip_msg *msg, const struct rf_peer *from);
	/* Asked when server transactions are at their bound: is this new request worth one of the places that
	 * are kept? Who sent it is not proven, so what it says must lead to something (a dialog that exists, a
	 * number for help). A refusal that is given at once leaves nothing in such a place, as
	 * rf_srv_reply_stateless(). NULL: none is. */
	bool (*urgent)(void *ctx, const struct rf_sip_msg *msg, const struct rf_peer *from);
	/* The ACK to a 2xx. srv: the INVITE that it acknowledges; it is still there for this call at least. NULL: none
	 * is known any more (or the ACK is a stray). Comes once per 2xx in general, repetitions included it may come
	 * again. True: from whom it should be: the 2xx is not repeated any more. False: somebody else's, as if lost. */
	bool (*ack)(void *ctx, struct rf_srv *srv, const struct rf_sip_msg *msg, const struct rf_peer *from);
	/* May this peer speak at all? Asked of a connection that was accepted, when it is usable and before anything of
	 * it is read, and of each datagram: false closes it, drops it. NULL: everybody may. */
	bool (*admit)(void *ctx, const struct rf_peer *peer);
	/* A connection is older than stream_age_ms, and no request of ours waits on it: may it end now? Asked again and
	 * again until it may. NULL: yes. */
	bool (*may_end)(void *ctx, const struct rf_peer *peer);
	/* A connection is usable (a WebSocket: its handshake is done) / has ended, accepted or made by us. */
	void (*flow_open)(void *ctx, const struct rf_peer *peer);
	void (*flow_closed)(void *ctx, const struct rf_peer *peer, const struct rf_stream_end *end);
	void (*refused)(void *ctx, const struct rf_ua_refusal *refusal);
	/* A TLS handshake on an accepted connection failed. Comes under the rate bound of refused. */
	void (*tls_refused)(void *ctx, const struct rf_flow *flow, const struct rf_stream_end *end);
};

struct rf_ua_config {
	uint8_t worker;            /* this one's number */
	unsigned workers;          /* how many: 1..256 */
	struct rf_loop *loop;
	struct rf_random *random;  /* of this thread */
	struct rf_hash_key hash_key;
	const struct rf_ua_listener *listeners; /* the same list, in the same order, for every worker */
	size_t listener_count;     /* at most RF_UA_LISTENERS_MAX */
	struct rf_tls *tls_client; /* for connections that we make; NULL: none over TLS. A reference is taken */
	struct rf_dns *dns;        /* NULL: names are not resolved. Borrowed */
	const struct rf_sip_limits *limits;  /* NULL: the defaults */
	const struct rf_sip_timers *timers;  /* NULL: the defaults */
	const struct rf_guard_conf *guard;   /* NULL: no bounds on rates */
	struct rf_penalties *penalties;      /* for listeners outside; NULL: none. Borrowed */
	struct rf_ua_bounds bounds;
	uint32_t streams, streams_per_source, handshakes, output_bytes; /* as in net/net.h */
	uint32_t stream_age_ms;    /* a connection that is older is for no new request, and ends
				    * when it may; 0: never */
	uint8_t dscp;              /* likewise */
	struct rf_view product;    /* Server in our responses; empty: none. Copied */
	const struct rf_view *supported;     /* option tags taken in Require. Copied */
	size_t supported_count;
	const struct rf_ua_user *user;
	void *ctx;
};

/* Open the sockets and be ready; nothing is received before the loop turns. The config is copied where it says so;
 * loop, random, dns, limits, timers and user must outlive the ua.
 * RF_E_INVALID, -errno of a bind (d names the address), -ENOMEM. */
int rf_ua_new(const struct rf_ua_config *config, struct rf_ua **ret_ua, struct rf_diag *d);
/* Before the loops run: tell every worker's ua of all of them, ua[i] being worker i. Not needed with one worker. */
void rf_ua_join(struct rf_ua *const *ua, unsigned workers);
/* No new connection and no new request (503) from now on; what runs goes on. */
void rf_ua_drain(struct rf_ua *ua);
/* The loop turns no more, and the other workers' neither. Transactions end with their last event (GONE); connections
 * close. NULL is fine. */
void rf_ua_free(struct rf_ua *ua);

/* What a peer that understands overload control (RFC 7339) is asked for in every answer from now on: to spare us this
 * share of its new requests, 0..100 percent. */
void rf_ua_set_load(struct rf_ua *ua, unsigned loss_percent);
/* Bytes that wait for this worker in its mail from others. Any thread. */
size_t rf_ua_waiting(const struct rf_ua *ua);
/* What waits in the kernel for its UDP sockets. Its own thread. */
void rf_ua_backlog(const struct rf_ua *ua, struct rf_udp_backlog *ret_b);
/* New connections use these from now on (a reload). listener: index; tls_client as in the config. */
void rf_ua_set_tls(struct rf_ua *ua, size_t listener, struct rf_tls *tls);
void rf_ua_set_tls_client(struct rf_ua *ua, struct rf_tls *tls);
/* Would an offence of who sent this be counted: by a listener outside, without a certificate, where
 * there are penalties? */
bool rf_ua_may_punish(const struct rf_ua *ua, const struct rf_peer *from);
/* Whoever sent this, by a listener outside and without a certificate, has done that. */
void rf_ua_offend(struct rf_ua *ua, const struct rf_peer *from, enum rf_offence offence);
/* Nothing when the ua was made without one. */
void rf_ua_set_guard(struct rf_ua *ua, const struct rf_guard_conf *guard);

/* The address that a listener is bound to, with its port. */
const struct rf_addr *rf_ua_local(const struct rf_ua *ua, size_t listener);
uint8_t rf_ua_worker(const struct rf_ua *ua);

/* Our URI as a peer on this flow reaches us, "sip:user@192.0.2.1:5061;transport=tls": for Contact. user may be empty;
 * it is escaped. flow of kind NONE: by the first listener. */
void rf_ua_put_contact(const struct rf_ua *ua, const struct rf_flow *flow, struct rf_view user, struct rf_writer *w);
/* The host of that URI, as a view into buf (256 bytes) or static, and its port. */
struct rf_view rf_ua_sent_by(const struct rf_ua *ua, const struct rf_flow *flow, char *buf, uint16_t *ret_port);
/* Is this host and port one of ours, as put_contact writes it or as an address we listen on? (A Route that names us;
 * a Request-URI for us.) port 0: the default. */
bool rf_ua_is_us(const struct rf_ua *ua, const struct rf_sip_uri *uri);

/* Make identifiers that come back to this worker. */
void rf_ua_make_id(struct rf_ua *ua, struct rf_id *ret_id);

/* Send an ACK for a 2xx, without any transaction: ack is the whole request without Via. 0: sent or on its way;
 * RF_E_CLOSED: the flow is gone; RF_E_INVALID, RF_E_MALFORMED, RF_E_LIMIT, -ENOMEM. A target that must be resolved is
 * sent to its first next hop. Prefer rf_cli_ack(), which also repeats. */
int rf_ua_send_ack(struct rf_ua *ua, const struct rf_target *target, struct rf_view ack);

/* The way to another worker of this process: what is sent over it is received there as from a peer with such a flow. */
struct rf_flow rf_ua_inside(const struct rf_ua *ua, unsigned worker);
/* Is the connection of this flow open? True for UDP. A flow of another worker's connection: true, that worker knows. */
bool rf_ua_flow_alive(const struct rf_ua *ua, const struct rf_flow *flow);
/* Close the connection of a flow, on whichever worker it is; flow_closed follows there. UDP: nothing. */
void rf_ua_flow_close(struct rf_ua *ua, const struct rf_flow *flow);
/* Remember some bytes with a connection of this worker, instead of those before: rf_peer.label gives them back, in
 * flow_closed above all. RF_E_CLOSED, RF_E_INVALID (UDP, or another worker's), -ENOMEM. */
int rf_ua_flow_label(struct rf_ua *ua, const struct rf_flow *flow, struct rf_view label);
/* Send a ping (CR LF CR LF, RFC 5626 4.4.1; a WebSocket's own ping, RFC 7118 6) every interval_ms (0: stop) on a
 * connection of this worker, and close it when no pong comes within 10 seconds. RF_E_CLOSED, RF_E_INVALID (UDP, or
 * another worker's). */
int rf_ua_flow_keep(struct rf_ua *ua, const struct rf_flow *flow, uint32_t interval_ms);

#endif
