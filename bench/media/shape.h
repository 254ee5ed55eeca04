/* What the load's program in the kernel and the one outside share: packets made beforehand, and what became of them. */
#ifndef BENCH_MEDIA_SHAPE_H
#define BENCH_MEDIA_SHAPE_H

enum {
	FRAME_BYTES = 230,      /* Ethernet, IPv4, UDP, 172 bytes of RTP, the longest tag of SRTP */
	HEADS_BYTES = 42,       /* all before RTP */
	SSRC_BASE = 0x52000000, /* stream n has SSRC_BASE + n */
	FIRST_PORT = 10000,     /* below it: not media */
	SAMPLES = 4096,
	SENDERS_MAX = 2,
	STILL_NS = 500000,      /* a sender that was not called for longer stood still: a batch of frames takes a tenth of it */
	BATCH = 16,             /* frames that are handed over together, when they are due */
	CARD_FRAMES = 1024,     /* what a network card keeps for its driver, of each queue */
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

/* A sender is on a core of its own; its packets are number q, q + senders, ... of the run. */
struct sender {
	unsigned long long next;      /* packet */
	unsigned long long last_ns;   /* called */
	unsigned long long busy_ns;   /* with packets, and with what was done to them in its turn */
	unsigned long long behind_ns; /* the latest */
	unsigned long long stills, still_ns, unsent; /* it stood still, and what was due meanwhile, which it leaves out */
	unsigned long long overrun;   /* left out because more than a card keeps was waiting: it was called, but what is behind
					 it takes too long */
	unsigned long long calls, waits, sent; /* waits: nothing was due; sent: in this batch */
	unsigned long long room[5];
};

enum wrong { LATE /* of an earlier run: it waited in the relay */, WRONG_STRAY, WRONG_ADDRESS, WRONG_LENGTH, WRONG_HEAD, WRONGS };

/* What came back, counted on each core. */
struct tally {
	unsigned long long came, again, wrong[WRONGS], room[9];
};

#endif
