/* Inside of AF_XDP: xsk.c opens and admits, xsk_ring.c moves frames. */
#ifndef RF_MEDIA_XSK_INT_H
#define RF_MEDIA_XSK_INT_H

#include "media/hop.h"
#include "media/xsk.h"

#include <linux/if_xdp.h>
#include <pthread.h>

enum {
	XSK_RX_FRAMES = RF_XSK_FRAMES / 2,
	XSK_TX_FRAMES = RF_XSK_FRAMES - XSK_RX_FRAMES,
	XSK_HOPS = 1024,             /* next hops that are remembered: a destination has one place */
};

/* A ring that the kernel is the other side of. Ours is the producer's index, or the consumer's. */
struct xsk_ring {
	uint32_t *producer, *consumer, *flags;
	void *entries;
	uint32_t mask, ours;
	void *map;
	size_t map_n;
};

/* The frames of a queue of a device. */
struct xsk_pool {
	unsigned device, queue;      /* device: its place in rf_xsk.devices */
	bool copied;
	uint8_t *area;
	pthread_mutex_t lock;        /* for what follows */
	struct xsk_ring fill, done;
	uint32_t n_free;
	uint32_t free[XSK_TX_FRAMES]; /* frames to send with, by number */
};

/* A worker's socket at a queue. */
struct xsk_sock {
	struct xsk_pool *pool;
	int fd;
	struct xsk_ring rx, tx;
	bool pending;                /* frames that the kernel was not told of */
	uint32_t n_spare, spare[RF_XSK_BATCH];
};

struct xsk_device {
	unsigned index, queues, sending_queues, first_pool;
	uint8_t mac[6];
	int link;                    /* the program on it; it is gone with the last descriptor */
};

struct xsk_place {                   /* an address of ours */
	struct rf_addr addr;
	uint8_t device;
};

struct xsk_hop {
	struct rf_addr from, to;
	uint64_t asked_us;
	int rc;
	struct rf_hop hop;
};

struct rf_xsk_part {
	struct rf_xsk *x;
	unsigned index;
	struct xsk_sock socks[RF_XSK_QUEUES_MAX]; /* at each pool */
	int netlink;
	unsigned next;               /* queue that is looked at first */
	unsigned taken_of, taken;    /* frames that are the caller's: of which queue, and how many */
	struct xsk_hop *hops;
};

struct xsk_bpf;
struct xsk_flow;
struct xsk_row;

struct rf_xsk {
	struct xsk_bpf *bpf;
	const struct xsk_row *rows;
	struct xsk_flow *flows;      /* of each place XSK_PORTS */
	unsigned n_devices, n_places, n_pools, n_parts;
	struct xsk_device devices[RF_XSK_DEVICES_MAX];
	struct xsk_place places[RF_XSK_ADDRS_MAX];
	struct xsk_pool pools[RF_XSK_QUEUES_MAX];
	struct rf_xsk_part *parts;
	size_t n_flows;              /* atomic */
};

/* xsk_ring.c. The first socket of a pool makes its memory, those of other parts share it. -errno. */
int xsk_sock_open(struct xsk_sock *s, struct xsk_pool *pool, unsigned device_index, int shared_fd);
void xsk_sock_close(struct xsk_sock *s);
int xsk_pool_make(struct xsk_pool *pool);
void xsk_pool_end(struct xsk_pool *pool);
/* Frames to receive into are the kernel's. After the pool's first socket was opened. */
void xsk_pool_fill(struct xsk_pool *pool);

/* The program's descriptor, for a run on a frame of a test. */
int rf_xsk_program(const struct rf_xsk *x);

#endif
