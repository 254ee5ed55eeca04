/* For the room's own files: what one loop's sockets share. */
#ifndef RF_NET_NET_INT_H
#define RF_NET_NET_INT_H

#include "base/table.h"
#include "net/net.h"
#include "net/stream.h"
#include "net/udp.h"

#include <openssl/bio.h>
#include <sys/queue.h>

enum {
	RF_NET_WIRE_BYTES = 65536,   /* one read from a stream's socket */
	RF_NET_RECORD_BYTES = 32768, /* more than a TLS record that came in parts before */
	RF_NET_CHUNK_BYTES = 4096,   /* a stream's output or carry while it has any: most messages fit */
	RF_NET_CHUNKS_KEPT = 64,
};

/* Streams accepted from one address (IPv4) or /64 (IPv6). */
struct rf_net_source {
	struct rf_node node;
	uint32_t streams;
	uint8_t key[9];
};

struct rf_udp_rx;

struct rf_net {
	struct rf_loop *loop;
	struct rf_net_conf conf;
	struct rf_net_stats stats;
	struct rf_hook hook;            /* flush at the end of the turn */
	struct rf_udp_rx *rx;           /* made with the first UDP socket */
	struct rf_udp *udps;
	struct rf_stream *streams;      /* all, those that linger included */
	struct rf_stream *dirty, **dirty_end; /* streams with output to flush in this turn */
	TAILQ_HEAD(rf_steps, rf_stream) steps[2]; /* handshakes that have bytes: to go on with, to begin with */
	struct rf_listener *paused;     /* those that accept nothing because enough handshakes are under way */
	struct rf_table sources;
	uint64_t next_id;
	/* Bytes as they came from a socket, for the stream that is being read, and what a callback sees: its carry,
	 * then the new bytes. */
	uint8_t *wire, *plain;
	const struct rf_stream *wire_owner;
	size_t wire_at, wire_n, plain_cap;
	bool closing;                   /* rf_net_free() is at work: no new streams */
	BIO_METHOD *bio_method;
	void *chunks[RF_NET_CHUNKS_KEPT];
	size_t chunks_kept;
};

/* A buffer of RF_NET_CHUNK_BYTES, from those kept or malloc; NULL when there is none. */
void *rf_net_chunk_get(struct rf_net *net);
void rf_net_chunk_put(struct rf_net *net, void *chunk);

/* Count an accepted stream of addr: RF_E_LIMIT, -ENOMEM. */
int rf_net_source_get(struct rf_net *net, const struct rf_addr *addr, struct rf_net_source **ret_source);
void rf_net_source_put(struct rf_net *net, struct rf_net_source *source);

void rf_udp_rx_free(struct rf_udp_rx *rx);
void rf_udp_flush_all(struct rf_net *net);
void rf_stream_flush_dirty(struct rf_net *net);
/* Go on with a few handshakes. */
void rf_stream_steps(struct rf_net *net);
/* Enough handshakes have ended: those that paused accept again. */
void rf_listener_resume(struct rf_net *net);
void rf_stream_end_all(struct rf_net *net);

/* ---- socket.c: options in one place; each returns 0 or -errno */

/* A socket bound to local. type: SOCK_DGRAM or SOCK_STREAM. */
int rf_socket_bound(const struct rf_addr *local, int type, bool reuse_port, bool v6_also_v4, int *ret_fd);
int rf_socket_local(int fd, struct rf_addr *ret_addr);
/* Mark what it sends: as IPv4 and, when family is 6, as IPv6. 0: nothing is done. Accepted sockets inherit it. */
void rf_socket_dscp(int fd, unsigned family, uint8_t dscp);
/* No delay, keep-alive, an end to unacknowledged data. Accepted sockets inherit them from the listening one. */
void rf_socket_tcp_options(int fd);

#endif
