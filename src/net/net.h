/* What the sockets of one loop share: receive buffers, bounds, the guard, counters. Made once per worker; UDP sockets,
 * listeners and streams are made on it. Everything in net/ is called on the loop's thread.
 *
 * A view that a callback gets lies in a shared buffer and is good until the callback returns. */
#ifndef RF_NET_NET_H
#define RF_NET_NET_H

#include "loop/loop.h"
#include "net/guard.h"

struct rf_net;

struct rf_net_conf {
	struct rf_guard *guard;           /* connections and handshakes are asked of it; may be NULL; borrowed */
	uint32_t streams;                 /* connections of this loop, both directions; 0: 65536 */
	uint32_t streams_per_source;      /* accepted ones per source (IPv4 address, IPv6 /64); 0: 1024 */
	uint32_t handshakes;              /* of accepted connections that are under way; 0: 1024. Who comes then waits
	                                   * unread */
	uint32_t arrivals;                /* accepted TLS connections that are not open yet, those included; 0: 16 times
					   * as many. At the bound no more are accepted until a quarter of them is
					   * through: they wait in the kernel, which soon turns them away */
	uint32_t output_bytes;            /* bound on a stream's unsent bytes; 0: 262144 */
	uint32_t carry_bytes;             /* bound on a stream's unconsumed bytes; 0: 65536 + 8192 */
	struct rf_hash_key hash_key;      /* random; for the table of sources */
	uint8_t dscp;                     /* of everything that its sockets send (RFC 2474); 0: best effort */
};

struct rf_net_stats {
	uint64_t udp_in, udp_out, udp_in_bytes, udp_out_bytes;
	uint64_t udp_truncated;           /* datagrams over the size asked for: not delivered */
	uint64_t udp_dropped;             /* sends for which the socket's queue had no room */
	uint64_t udp_errors;              /* sends that the kernel refused */
	uint64_t udp_recv_calls, udp_send_calls;
	uint64_t streams, handshaking, begun; /* now: all; of those, not open yet; of those, no longer waiting */
	uint64_t accepted, connected, closed;
	uint64_t refused_streams, refused_source, refused_guard; /* accepted and closed at once */
	uint64_t paused;                  /* how often a listener waited for handshakes to end */
	uint64_t closed_by[16];           /* by enum rf_stream_why */
	uint64_t tls_handshakes, tls_resumed;
	uint64_t tls_failed[16];          /* by enum rf_tls_fail */
	uint64_t stream_in_bytes, stream_out_bytes;
};

int rf_net_new(struct rf_loop *loop, const struct rf_net_conf *conf, struct rf_net **ret_net);
/* Every socket, listener and stream is closed and a turn has passed since, or the loop will not turn again: then the
 * streams that still linger are closed here. NULL is fine. */
void rf_net_free(struct rf_net *net);

struct rf_loop *rf_net_loop(const struct rf_net *net);
const struct rf_net_stats *rf_net_stats(const struct rf_net *net);

#endif
