/* Streams: TCP and TLS connections, accepted and made by us, and the listeners that accept them.
 *
 * Life of a stream: made (accepted, or rf_stream_connect()) -> on_open -> any number of on_data -> on_closed. on_closed
 * comes exactly once for every stream that the owner was told of, whether it opened or not, and never from inside
 * rf_stream_send(), rf_stream_close() or rf_stream_connect(): it comes at the end of that turn at the latest. After
 * on_closed the stream is gone. Every function here may be called from every callback.
 *
 * Bounds: unsent output (rf_net_conf.output_bytes) and unconsumed input (carry_bytes) per stream, time to connect, time
 * for the handshake, idle time, streams per source and per loop. Whoever passes one is closed with a reason. */
#ifndef RF_NET_STREAM_H
#define RF_NET_STREAM_H

#include "net/addr.h"
#include "net/net.h"
#include "net/tls.h"

struct rf_stream;
struct rf_listener;
struct rf_pki_id;

enum rf_stream_why {
	RF_WHY_LOCAL,            /* rf_stream_close() */
	RF_WHY_PEER,             /* the peer closed in order */
	RF_WHY_RESET,            /* the peer or the network broke it: err says how */
	RF_WHY_CONNECT,          /* could not connect: err says why */
	RF_WHY_CONNECT_TIME,
	RF_WHY_HANDSHAKE,        /* fail says why */
	RF_WHY_HANDSHAKE_TIME,
	RF_WHY_IDLE,
	RF_WHY_OUTPUT_FULL,      /* the peer does not read */
	RF_WHY_INPUT_FULL,       /* a message that does not end within the bound */
	RF_WHY_TLS,              /* TLS broke after the handshake, e.g. bytes were changed on the way */
	RF_WHY_MEMORY,
	RF_WHY_COUNT
};

/* A stable word: "peer", "idle", ... */
const char *rf_stream_why_name(enum rf_stream_why why);

struct rf_stream_end {
	enum rf_stream_why why;
	int err;                 /* -errno, or 0 */
	enum rf_tls_fail fail;   /* for HANDSHAKE */
	const char *text;        /* a sentence for the record; static or good for the call */
};

struct rf_stream_ops {
	/* A connection was accepted, before any TLS. The owner may set its arg (rf_stream_set_arg()). May be NULL. */
	void (*on_accept)(struct rf_stream *s, void *listener_arg);
	/* Usable now: TCP is connected, TLS's handshake is done and the peer verified. peer is who its certificate says
	 * it is; NULL when it showed none. peer is good for this call only: copy what you keep. */
	void (*on_open)(struct rf_stream *s, const struct rf_pki_id *peer);
	/* Bytes, those left over from last time in front. Returns how many were consumed, at most bytes.n; the rest
	 * comes again, with more behind it. */
	size_t (*on_data)(struct rf_stream *s, struct rf_view bytes);
	void (*on_closed)(struct rf_stream *s, const struct rf_stream_end *end);
};

/* ---- made by us */

struct rf_stream_conf {
	struct rf_addr remote;
	struct rf_addr local;          /* family 0: the kernel's choice; port 0 as well */
	struct rf_tls *tls;            /* NULL: plain TCP. A reference is taken */
	struct rf_view name;           /* TLS: who the server must be (domain, or IP address), also sent as SNI; several
				        * with a blank between: one of them, and the first is sent */
	bool name_unchecked;           /* TLS: do not compare the name, only verify the chain */
	uint32_t connect_ms;           /* TCP and handshake each; 0: 5000 */
	uint32_t idle_ms;              /* 0: none */
	const struct rf_stream_ops *ops; /* must outlive the stream */
	void *arg;
};

/* On 0 exactly one on_closed follows, some day. RF_E_LIMIT (streams of this loop), RF_E_INVALID (TLS without a name,
 * no address), -errno. Bytes may be queued at once: they leave when it opens. */
int rf_stream_connect(struct rf_net *net, const struct rf_stream_conf *conf, struct rf_stream **ret_stream);

/* ---- accepted */

struct rf_listener_conf {
	struct rf_addr local;          /* port 0: the kernel chooses */
	bool reuse_port;               /* several workers on one address: the kernel spreads connections */
	bool v6_also_v4;
	int backlog;                   /* 0: 1024 */
	struct rf_tls *tls;            /* NULL: plain TCP. A reference is taken */
	uint32_t handshake_ms;         /* 0: 5000 */
	uint32_t idle_ms;              /* without a byte from the peer; 0: none */
	uint32_t accept_per_turn;      /* 0: 64 */
	const struct rf_stream_ops *ops;
	void *arg;                     /* given to on_accept; the streams' arg until they set their own */
};

int rf_listener_new(struct rf_net *net, const struct rf_listener_conf *conf, struct rf_listener **ret_listener);
/* Adopt a bound, listening socket that the caller opened; conf->local is then ignored. On success it is owned. A Unix
 * stream socket will do as well: both addresses of its streams then have family 0. */
int rf_listener_new_fd(struct rf_net *net, const struct rf_listener_conf *conf, int fd,
		       struct rf_listener **ret_listener);
/* Open, bind and listen only: for rf_listener_new_fd() on another thread. */
int rf_listener_open(const struct rf_listener_conf *conf, int *ret_fd);
/* Streams accepted before live on. NULL is fine. */
void rf_listener_free(struct rf_listener *l);
/* New connections take tls from now on (a reload). */
void rf_listener_set_tls(struct rf_listener *l, struct rf_tls *tls);
const struct rf_addr *rf_listener_local(const struct rf_listener *l);

/* ---- any stream */

/* Copy bytes into the output, which leaves at the end of the turn, one write (TLS: one record) for all. RF_E_LIMIT:
 * over the bound, the stream will be closed as OUTPUT_FULL; RF_E_CLOSED: it is closing. -ENOMEM closes it too. */
int rf_stream_send(struct rf_stream *s, struct rf_view bytes);
/* No on_data after this; what is queued is still sent if the peer takes it within two seconds. Idempotent. */
void rf_stream_close(struct rf_stream *s);
/* The same without waiting: queued bytes are dropped. */
void rf_stream_abort(struct rf_stream *s);

void rf_stream_set_arg(struct rf_stream *s, void *arg);
void *rf_stream_arg(const struct rf_stream *s);
/* Other callbacks from now on. */
void rf_stream_set_ops(struct rf_stream *s, const struct rf_stream_ops *ops);
/* 0: none. Counted from the last byte of the peer. */
void rf_stream_set_idle(struct rf_stream *s, uint32_t idle_ms);
/* A number that no other stream of this rf_net has or had. */
uint64_t rf_stream_id(const struct rf_stream *s);
bool rf_stream_is_open(const struct rf_stream *s); /* between on_open and closing */
bool rf_stream_accepted(const struct rf_stream *s); /* by a listener, not made by us */
size_t rf_stream_unsent(const struct rf_stream *s);
const struct rf_addr *rf_stream_remote(const struct rf_stream *s);
const struct rf_addr *rf_stream_local(const struct rf_stream *s);
/* For the call record: "TLSv1.3", "TLS_AES_256_GCM_SHA384"; NULL without TLS or before it is open. Static storage. */
const char *rf_stream_tls_version(const struct rf_stream *s);
const char *rf_stream_tls_cipher(const struct rf_stream *s);
bool rf_stream_tls_resumed(const struct rf_stream *s);

#endif
