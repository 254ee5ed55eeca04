/* What the program in the kernel (xsk.bpf.c) and userspace (xsk.c) share. Addresses and ports are in network order, as
 * they are on the wire; nothing has padding. Both include their integer types first. */
#ifndef RF_MEDIA_XSK_SHAPE_H
#define RF_MEDIA_XSK_SHAPE_H

enum {
	XSK_CPUS = 256,              /* rows of verdicts; CPUs above share */
	XSK_DATAGRAM_MAX = 1500,     /* an IP datagram, headers included */
	XSK_PORTS = 32768,           /* flows of one of our addresses: one for each even port */
	XSK_VERDICT_ROOM = 8,        /* of a row: a line of cache */
};

struct xsk_at {                      /* an address of ours, on the interface that it is on */
	uint32_t ip[4];              /* IPv4 in the first */
	uint32_t device;             /* its index */
	uint32_t family;             /* 4, 6 */
};

struct xsk_home {
	uint32_t first;              /* of its flows, in the array of all */
	uint16_t queues;             /* that have sockets */
	uint16_t mac[3];             /* the interface's own, as it is on the wire: frames to others are not ours */
};

/* Who may send to a port. Written by userspace while the program reads: live last when it begins, first when it ends.
 * What the program makes of one that is half written, userspace looks at like at everything. */
struct xsk_flow {
	uint32_t src[4];
	uint16_t sport, live;
	uint32_t sock;               /* of queue 0, in the map of sockets; that of queue n is n
				      * times the stride further */
	uint64_t room;               /* half a line of cache each */
};

enum xsk_verdict {
	XSK_TAKEN,
	XSK_NO_FLOW, XSK_NO_QUEUE, XSK_CHECKSUM,
	XSK_VERDICTS,
};

struct xsk_row {
	uint64_t n[XSK_VERDICT_ROOM];
};

#endif
