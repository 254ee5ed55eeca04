/* The media load: calls set up at a relay by the NG protocol, packets through them, what became of the packets. */
#ifndef BENCH_MEDIA_LOAD_H
#define BENCH_MEDIA_LOAD_H

#include "rtp/srtp.h"
#include "shape.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

enum { RTP_BYTES = 172, SDP_MAX = 2048, KEY_TEXT_MAX = 80, AT_ONCE_MAX = 64 };

/* What both parties of a call speak. */
struct mode {
	const char *name;
	enum rf_srtp_suite suite[2]; /* of party A and B */
	const char *to_b, *to_a;     /* transport-protocol asked of the relay */
	bool passed;                 /* the relay is to pass packets unopened: B's suite is A's */
};

/* One direction of a call. */
struct way {
	struct in_addr relay_in, relay_out;   /* where it is sent to, where it comes from at the other end; network order */
	uint16_t port_in, port_out;           /* the relay's, host order */
	uint16_t from, to;                    /* ours */
	enum rf_srtp_suite suite_in, suite_out;
	uint8_t key_in[RF_SRTP_KEY_MAX], key_out[RF_SRTP_KEY_MAX];
	struct rf_srtp_out *srtp;
	uint16_t seq;                         /* of its next packet */
};

struct load {
	const struct mode *mode;
	struct sockaddr_in ng, own;
	uint8_t mac[2][6];                    /* own, the relay's */
	int sock;
	bool mux;                             /* RTCP on the port of RTP: half as many sockets at the relay */
	unsigned cookie, calls, calls_max;
	struct way *ways;                     /* two a call: 2n from A to B, 2n + 1 back */
	char run[16];                         /* in every Call-ID */
	char why[256];                        /* the first failure */
	unsigned failed;
};

uint64_t now_ns(void);
void fail(struct load *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ng.c: offer, answer and delete of call n. False: failed, with why. */
bool ng_open(struct load *l);
bool ng_up(struct load *l, unsigned n);
bool ng_down(struct load *l, unsigned n);
/* So many calls from offer to delete, so many of them under way at once (AT_ONCE_MAX), as numbers from first on. Returns how
 * many were whole. */
unsigned ng_cycle(struct load *l, unsigned first, unsigned count, unsigned at_once);

/* packet.c */
bool packet_keys(struct way *w);               /* contexts of a direction whose keys are known */
/* The RTP packet that party sends as number seq of stream n, before encryption. */
void packet_plain(unsigned n, uint16_t seq, uint8_t rtp[static RTP_BYTES]);
/* The whole frame that goes to the relay; the next of its stream. */
bool packet_make(struct load *l, unsigned n, struct packet *p);
/* Bytes of the whole frame that comes out. */
size_t packet_out_bytes(const struct way *w);
/* Is that what must come out as packet seq of stream n? */
bool packet_right(const struct load *l, unsigned n, uint16_t seq, const uint8_t *frame, size_t size);

/* fly.c: the two ends in the kernel. */
struct fly;
/* senders: 1, on this process's core; 2, on cores 0 and 1. priority: real-time (SCHED_FIFO) of them, 0: none. */
struct fly *fly_open(const char *dev, unsigned packets_max, unsigned streams_max, unsigned senders, int priority);
bool fly_echo(const char *dev);                /* stays until stdin ends */
/* streams: how many of the calls' directions send; prints what became of it. gather_us: see load.bpf.c. */
bool fly_run(struct fly *f, struct load *l, unsigned streams, double seconds, unsigned gather_us);
void fly_close(struct fly *f);

#endif
