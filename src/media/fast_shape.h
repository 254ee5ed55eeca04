/* What the program in the kernel (fast.bpf.c) and userspace (fast.c) share. Addresses and ports are in network order,
 * as they are on the wire; nothing has padding. Both include their integer types first. */
#ifndef RF_MEDIA_FAST_SHAPE_H
#define RF_MEDIA_FAST_SHAPE_H

enum {
	FAST_CPUS = 256,             /* rows of verdicts; CPUs above share */
	FAST_VERDICT_ROOM = 16,      /* of a row: two lines of cache */
	FAST_WINDOW = 48,
	FAST_AHEAD = 100,
	FAST_BYTES_MAX = 1280,
	FAST_LOOK = 4096,            /* a power of two */
};

struct fast_key {
	uint32_t src[4], dst[4];     /* IPv4 in the first */
	uint16_t sport, dport;
	uint32_t ssrc;
	uint32_t device;             /* index of the interface that it comes in by */
	uint32_t family;             /* 4, 6 */
};

struct fast_way {
	uint64_t types[2];
	uint64_t packet_ns;          /* what a packet is worth of a second */
	uint64_t byte_ps;            /* and a byte of it, in picoseconds */
	uint32_t slot;               /* of the stream's state */
	uint32_t device;             /* out by this one */
	uint32_t src[4], dst[4];
	uint16_t sport, dport;
	uint32_t traffic_class;      /* DSCP and no ECN */
};

/* What changes with each packet, mapped into userspace. window: the highest sequence number in the upper 16 bits, and
 * which of it and the 47 before it came in the lower 48. until: the tokens as time; a mark that is over a
 * second ahead is too much. */
struct fast_state {
	uint64_t window;
	uint64_t packets_until_ns, bytes_until_ns;
	uint64_t packets, bytes, last_ns;
	uint64_t repeated, over_rate;
};

enum fast_verdict {
	FAST_SENT,
	FAST_REPEATED, FAST_RATE, FAST_FAILED,
	FAST_NO_STREAM, FAST_NO_RTP, FAST_TYPE, FAST_SEQUENCE,
	FAST_LOOKED,
	FAST_VERDICTS,
};

struct fast_row {
	uint64_t n[FAST_VERDICT_ROOM];
};

#endif
