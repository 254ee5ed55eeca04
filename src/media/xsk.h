/* Packets without sockets: AF_XDP. For streams that userspace must touch (other keys on either side, or a side in the
 * clear) the dearest part of a packet is the kernel's way to a socket and from one. A program at the receiving side of
 * the relay's interfaces (XDP, decisions/0059) hands datagrams of admitted flows, interface, addresses and ports all
 * together, to memory that a worker shares with the kernel; from there they take the very way that a datagram from a
 * socket takes (path_in.c). What leaves is written there as a whole frame.
 *
 * Redirected is only a whole IP datagram of at most 1,500 bytes to our own link address, without options, extension
 * headers, fragments, tag of a VLAN, with right checksums. All else goes up the stack to the sockets, which stay open:
 * nothing is lost when a flow is dismissed or the program ends. What the host's firewall says, and captures show, is
 * not asked of these packets.
 *
 * Opening needs CAP_BPF, CAP_NET_ADMIN, CAP_NET_RAW (and CAP_IPC_LOCK, or room in RLIMIT_MEMLOCK) and Linux 5.11;
 * after it none: flows are admitted in memory that the program reads, and all else is by descriptors, with the
 * system calls sendto and recvfrom alone. Program, maps and memory are held by nothing but this process, and gone
 * with it, however it ends.
 *
 * Memory: RF_XSK_FRAMES frames of RF_XSK_FRAME_BYTES for each queue of each interface, at once. In it is what is on the
 * wire, nothing else: packets are opened and sealed in the worker's own buffer. And 1 MiB of flows for each address.
 *
 * Threads: a part is a worker's and used on its thread alone. Parts of one process share the frames of a queue, under a
 * lock that each takes once for a batch. */
#ifndef RF_MEDIA_XSK_H
#define RF_MEDIA_XSK_H

#include "base/err.h"
#include "media/link.h"
#include "net/addr.h"

struct rf_xsk;
struct rf_xsk_part;

enum {
	RF_XSK_DEVICES_MAX = 16,
	RF_XSK_QUEUES_MAX = 16,      /* of all interfaces together */
	RF_XSK_SOCKS_MAX = 64,       /* queues times workers */
	RF_XSK_ADDRS_MAX = 16,       /* of ours on them: more are the sockets' */
	RF_XSK_FRAME_BYTES = 2048,
	RF_XSK_FRAMES = 4096,        /* half of them to receive */
	RF_XSK_BATCH = 32,
	RF_XSK_SENT_MAX = 1280,      /* of an IP datagram that is sent: every link carries so much (RFC 8200 5) */
};

/* devices: names of interfaces, those with the relay's addresses; parts: how many workers there are. Errors, with why
 * in d (may be NULL): RF_E_UNSUPPORTED (built without it, or kernel or interface cannot), -EPERM, RF_E_NOT_FOUND (no
 * such interface), RF_E_INVALID, RF_E_LIMIT, -errno. */
int rf_xsk_open(const char *const *devices, unsigned n_devices, unsigned parts, struct rf_xsk **ret_xsk,
		struct rf_diag *d);
/* Flows are the sockets' again. NULL is fine. No part is used after it. */
void rf_xsk_close(struct rf_xsk *x);
struct rf_xsk_part *rf_xsk_part(struct rf_xsk *x, unsigned index);

/* ---- flows: datagrams from this address to this one of ours */

/* A port of ours has one flow at most: another takes its place. to: an even port, from: no address that needs a scope,
 * else RF_E_UNSUPPORTED, as when it is not to an address on a device of ours. */
int rf_xsk_admit(struct rf_xsk_part *part, const struct rf_addr *from, const struct rf_addr *to);
/* That flow, if it is the one that is admitted there. */
void rf_xsk_dismiss(struct rf_xsk_part *part, const struct rf_addr *from, const struct rf_addr *to);

/* ---- receiving */

/* Readable when frames have come. */
unsigned rf_xsk_fds(const struct rf_xsk_part *part, int fds[static RF_XSK_QUEUES_MAX]);
/* Up to RF_XSK_BATCH frames of one queue; the next call begins at the next queue. They are ours until
 * rf_xsk_give_back(), which must follow. 0: nothing has come. */
unsigned rf_xsk_take(struct rf_xsk_part *part, struct rf_view frames[static RF_XSK_BATCH]);
void rf_xsk_give_back(struct rf_xsk_part *part);

/* ---- sending */

/* From an address of ours to a party. */
struct rf_xsk_way {
	struct rf_link_head head;
	uint8_t device;
};
/* The way as it is now. *ret_touch: one datagram should go by a socket, so that the kernel keeps the neighbour in mind.
 * RF_E_UNSUPPORTED: it does not lead out of the device that from is on; RF_E_NOT_FOUND: the neighbour is not known,
 * sockets make the kernel look for it; -errno. */
int rf_xsk_find_way(struct rf_xsk_part *part, const struct rf_addr *from, const struct rf_addr *to, uint8_t dscp,
		    uint64_t now_us, struct rf_xsk_way *ret_way, bool *ret_touch);
/* Into the ring; it leaves with rf_xsk_flush() at the latest. False: too long, or no room: send it by a socket. */
bool rf_xsk_send(struct rf_xsk_part *part, const struct rf_xsk_way *way, struct rf_view payload);
void rf_xsk_flush(struct rf_xsk_part *part);

/* ---- what is told */

enum rf_xsk_verdict { RF_XSK_TAKEN, RF_XSK_NO_FLOW, RF_XSK_NO_QUEUE, RF_XSK_CHECKSUM, RF_XSK_VERDICTS };
const char *rf_xsk_verdict_name(enum rf_xsk_verdict v);

struct rf_xsk_totals {
	size_t flows;
	unsigned queues, copied;     /* of the queues those whose driver does not share memory: the kernel copies */
	size_t bytes;                /* of shared memory */
	uint64_t verdicts[RF_XSK_VERDICTS]; /* of datagrams that came; all but the first went up */
};
struct rf_xsk_totals rf_xsk_totals(const struct rf_xsk *x);

#endif
