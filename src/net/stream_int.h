/* For the room's own files: a stream's inside. stream.c has its life, stream_io.c moves its bytes, stream_tls.c is
 * between the two when there is TLS, listener.c and connect.c make streams. */
#ifndef RF_NET_STREAM_INT_H
#define RF_NET_STREAM_INT_H

#include "net/net_int.h"
#include "net/tls_int.h"

enum rf_stream_state {
	RF_STREAM_CONNECTING,
	RF_STREAM_HANDSHAKE,
	RF_STREAM_OPEN,
	RF_STREAM_ENDING,  /* on_closed comes at the end of the turn */
	RF_STREAM_LINGER,  /* the owner is through with it: the last bytes leave, the peer's are thrown away */
	RF_STREAM_DEAD,    /* freed at the end of the turn */
};

struct rf_stream {
	struct rf_net *net;
	struct rf_watch *watch;
	const struct rf_stream_ops *ops;
	void *arg;
	SSL *ssl;
	struct rf_tls *tls;
	const char *version, *cipher;     /* OpenSSL's own strings */
	struct rf_view name;              /* client: the server's name, malloc'd */
	uint8_t *out, *carry;             /* a chunk of the net or malloc'd, NULL while empty */
	uint32_t out_at, out_n, out_cap;  /* unsent: out[out_at..out_n) */
	uint32_t carry_n, carry_cap;
	uint32_t idle_ms, handshake_ms, lingered;
	int fd;
	struct rf_addr remote, local;
	uint64_t id, last_in_us;
	struct rf_timer timer;            /* connect, handshake, idle, linger: one at a time */
	struct rf_defer defer;
	struct rf_stream *next, **link;   /* net->streams */
	struct rf_stream *next_dirty;
	TAILQ_ENTRY(rf_stream) step;      /* one of net->steps, while queued */
	struct rf_net_source *source;     /* accepted ones */
	const char *end_text;
	int end_err;
	uint8_t state, why, fail;
	bool accepted, handshaking, begun, queued, dirty, hurry, peer_done, resumed, tls_dead, name_unchecked;
};

/* hurry: no lingering. fd is owned from now on, also on failure. */
int rf_stream_new(struct rf_net *net, int fd, struct rf_stream **ret_stream);
/* Give back what rf_stream_new() made, for a stream that nobody was told of. */
void rf_stream_drop(struct rf_stream *s);
/* TCP is there: TLS's handshake begins, or the stream is open. */
void rf_stream_tcp_up(struct rf_stream *s);
/* TLS is there or not needed. peer may be NULL. */
void rf_stream_opened(struct rf_stream *s, const struct rf_pki_id *peer);
/* The end begins; the first reason stays. text static. */
void rf_stream_end(struct rf_stream *s, enum rf_stream_why why, int err, const char *text);

/* ---- stream_io.c */
void rf_stream_readable(struct rf_stream *s);
/* Hand n bytes, which lie in net->plain behind the carry, to the owner. */
void rf_stream_give(struct rf_stream *s, size_t n);
/* Write what is queued, as far as it goes; watches for writability when it does not go on. */
void rf_stream_flush(struct rf_stream *s);
void rf_stream_mark_dirty(struct rf_stream *s);
void rf_stream_unmark_dirty(struct rf_stream *s);
void rf_stream_out_free(struct rf_stream *s);
void rf_stream_carry_free(struct rf_stream *s);
void rf_stream_want_write(struct rf_stream *s, bool want);

/* ---- stream_pace.c */
/* An accepted stream has bytes for its handshake: it is read when its turn comes. Nothing when it waits already. */
void rf_stream_queue_step(struct rf_stream *s);
void rf_stream_unqueue_step(struct rf_stream *s);

/* ---- stream_tls.c */
int rf_stream_tls_start(struct rf_stream *s);
/* net->wire holds bytes of s: handshake, decrypt, deliver. */
void rf_stream_tls_input(struct rf_stream *s);
/* Go on with a handshake that waited for the socket; then with what OpenSSL has read beyond it. */
void rf_stream_tls_go_on(struct rf_stream *s);
void rf_stream_tls_handshake(struct rf_stream *s);
/* Encrypt and send up to n bytes: how many were taken, -EAGAIN, another negative code (the stream is broken). */
ssize_t rf_stream_tls_write(struct rf_stream *s, const void *p, size_t n);
/* Say goodbye in TLS, once. */
void rf_stream_tls_bye(struct rf_stream *s);
void rf_stream_tls_free(struct rf_stream *s);

#endif
