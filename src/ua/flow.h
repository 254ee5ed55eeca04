/* A flow: the way to one peer, as a value (RFC 5626 3.3). For TCP and TLS, and for WebSockets over them (RFC 7118), it
 * names one connection of one worker, and a connection that comes later from the same peer is another flow. For UDP it
 * names the peer's address and the socket of ours that it talks to; every worker has a socket on that address, so any
 * of them may send on the flow.
 *
 * A flow can be kept, copied and compared freely, on any thread; it holds nothing open. Sending on one whose
 * connection has ended fails with RF_E_CLOSED, it never reaches another peer. Flows mean nothing after a restart. */
#ifndef RF_UA_FLOW_H
#define RF_UA_FLOW_H

#include "net/addr.h"

struct rf_pki_id;

/* The numbers are in the stored bindings: new ones go behind. */
enum rf_flow_kind { RF_FLOW_NONE, RF_FLOW_UDP, RF_FLOW_TCP, RF_FLOW_TLS, RF_FLOW_WS, RF_FLOW_WSS, RF_FLOW_KINDS };

struct rf_flow {
	struct rf_addr remote;
	struct rf_addr local;  /* ours, as the peer sees it (without NAT) */
	uint64_t stream;       /* number of the connection in its worker; UDP: 0 */
	uint8_t kind;          /* enum rf_flow_kind; RF_FLOW_NONE in an all-zero flow */
	uint8_t worker;        /* the owner of the connection; UDP: who received on it */
	uint8_t listener;      /* index in rf_ua_config.listeners; RF_FLOW_OUTBOUND: a connection that we made,
	                        * RF_FLOW_INSIDE: another worker */
	uint8_t zero[5];
};

enum { RF_FLOW_INSIDE = 254, RF_FLOW_OUTBOUND = 255 };

/* The way to another worker of this process (rf_ua_inside()), or from it. It counts as TLS: what goes over it stays in
 * our memory. No socket, address or message from outside leads to it. */
static inline bool rf_flow_is_inside(const struct rf_flow *f)
{
	return f->listener == RF_FLOW_INSIDE && f->kind != RF_FLOW_NONE;
}

/* The same way to the same peer: the same connection, or for UDP the same remote address and socket. */
bool rf_flow_eq(const struct rf_flow *a, const struct rf_flow *b);
uint64_t rf_flow_hash(const struct rf_hash_key *key, const struct rf_flow *f);

static inline bool rf_flow_is_stream(const struct rf_flow *f)
{
	return f->kind >= RF_FLOW_TCP && f->kind < RF_FLOW_KINDS;
}

/* A WebSocket: only the peer can make such a connection, so nothing can be sent to it but on the one that is there. */
static inline bool rf_flow_is_ws(unsigned kind)
{
	return kind == RF_FLOW_WS || kind == RF_FLOW_WSS;
}

/* TLS below: strangers on the way read nothing and change nothing. */
static inline bool rf_flow_is_secure(unsigned kind)
{
	return kind == RF_FLOW_TLS || kind == RF_FLOW_WSS;
}

/* "udp", "tcp", "tls", "ws", "wss", "none". */
const char *rf_flow_kind_name(unsigned kind);
/* For people and records, "tls 192.0.2.7:40312". Returns dst. */
#define RF_FLOW_TEXT 80
const char *rf_flow_text(const struct rf_flow *f, char dst[static RF_FLOW_TEXT]);

/* Who is at the other end, as far as the transport proved it. Passed along with every message; id and everything it
 * points to are good for that call only, the texts are static. */
struct rf_peer {
	struct rf_flow flow;
	const struct rf_pki_id *id; /* what its certificate says; NULL: it showed none (always so for UDP and TCP) */
	const char *tls_version;    /* "TLSv1.3"; NULL without TLS */
	const char *tls_cipher;     /* "TLS_AES_256_GCM_SHA384"; NULL without TLS */
	struct rf_view label;       /* what rf_ua_flow_label() left; empty for UDP and for messages by mail */
};

#endif
