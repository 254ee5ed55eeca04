/* For ng_server.c (sockets, who may speak) and ng_ask.c (requests and their answers). */
#ifndef RF_MEDIA_NG_SERVER_INT_H
#define RF_MEDIA_NG_SERVER_INT_H

#include <pthread.h>
#include <stdatomic.h>

#include "loop/mail.h"
#include "media/ng_cache.h"
#include "media/ng_frame.h"
#include "media/ng_server.h"
#include "net/stream.h"
#include "net/udp.h"

enum { RF_NG_REFUSALS_S = 10 };

/* A socket that was asked for. */
struct rf_ng_gate {
	struct rf_ng_server *server;
	struct rf_udp *udp;            /* one of the two */
	struct rf_listener *listener;
	bool open_to_all;              /* the certificate or the socket's mode has decided */
	bool tls;
};

/* An accepted connection. */
struct rf_ng_conn {
	LIST_ENTRY(rf_ng_conn) link;
	struct rf_ng_server *server;   /* NULL: it ended before us */
	struct rf_stream *stream;
	struct rf_pki_id *peer;        /* NULL: no TLS */
	uint64_t open_us;
	uint64_t by;                   /* 0: no TLS */
	uint64_t number;
	struct rf_ng_frame frame;
	LIST_HEAD(rf_ng_asks, rf_ng_ask) asks;
};

struct rf_ng_server {
	struct rf_ng_server_conf conf;
	struct rf_addr *peers;
	struct rf_loop *loop;
	struct rf_ng_gate gates[RF_NG_GATES_MAX];
	size_t n_gates;
	LIST_HEAD(, rf_ng_conn) conns;
	struct rf_ng_cache cache;
	struct rf_timer tick;          /* old replies leave, lost answers are found */
	struct rf_ng_server_stats stats;
	_Atomic(struct rf_ng_ask *) lost; /* answered on other threads when the mailbox was full */
	struct rf_ng_ask *spare;       /* of requests that are over: wiped, for the next ones */
	unsigned n_spare;
	uint64_t last_stream;
	uint64_t refused_second;
	unsigned refused_n;
	bool closed;                   /* lives on for the asks that are still out */
	uint8_t out[RF_NG_BYTES_MAX];
};

/* Where a message came from and its answer goes to. */
struct rf_ng_way {
	struct rf_udp *udp;
	struct rf_addr from, to;       /* to: ours */
	struct rf_ng_conn *conn;       /* udp NULL */
};

struct rf_ng_ask {
	struct rf_mail mail;
	LIST_ENTRY(rf_ng_ask) link;    /* of its connection */
	struct rf_ng_server *server;
	pthread_t home;
	struct rf_ng_way way;
	struct rf_ng_kept *kept;       /* NULL: not remembered */
	struct rf_ng_request req;
	struct rf_arena arena;
	struct rf_ng_ask *next;        /* of the lost, or of the spare ones */
	uint8_t *reply;                /* on its way home from another thread; malloc'd */
	size_t reply_n;
	size_t n;
	uint8_t bytes[];               /* the message */
};

/* One message from somebody who may speak. */
void rf_ng_server_receive(struct rf_ng_server *s, const struct rf_ng_way *way, struct rf_view message);
void rf_ng_server_refused(struct rf_ng_server *s, const struct rf_addr *from, const char *why, uint64_t *count);
void rf_ng_server_find_lost(struct rf_ng_server *s);
void rf_ng_server_free_spares(struct rf_ng_server *s);
/* Frees s when it is closed and nothing is out any more. */
void rf_ng_server_settle(struct rf_ng_server *s);

#endif
