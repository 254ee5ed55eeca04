/* What the load's program in the kernel and the one outside share: packets made beforehand, and what became of them. */
#ifndef BENCH_MEDIA_SHAPE_H
#define BENCH_MEDIA_SHAPE_H

enum {
	FRAME_BYTES = 230,      /* Ethernet, IPv4, UDP, 172 bytes of RTP, the longest tag of SRTP */
	HEADS_BYTES = 42,       /* all before RTP */
	SSRC_BASE = 0x52000000, /* stream n has SSRC_BASE + n */
	FIRST_PORT = 10000,     /* below it: not media */
	SAMPLES = 4096,
};

struct packet {
	unsigned long long sent, got; /* CLOCK_MONOTONIC, ns; 0: never */
	unsigned short bytes_n, copies;
	unsigned char bytes[FRAME_BYTES + 6];
};

struct stream {
	unsigned saddr, daddr;        /* of what must come out, network order, as the ports */
	unsigned short sport, dport;
	unsigned short bytes_n;       /* of the whole frame that must come out */
	unsigned short base;          /* sequence number of its first packet in this run */
};

enum wrong { WRONG_NONE, WRONG_STRAY, WRONG_ADDRESS, WRONG_LENGTH, WRONG_HEAD, WRONGS };

#endif
