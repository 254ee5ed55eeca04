/* A media worker: one thread's share of the relay, with its paths, their sockets and ports. Nothing is shared between
 * workers: each has a part of every interface's port range. The sockets of its paths are in an epoll set of their own,
 * which the loop watches as one descriptor: a turn takes what is ready in batches. */
#ifndef RF_MEDIA_WORKER_H
#define RF_MEDIA_WORKER_H

#include "base/log.h"
#include "base/random.h"
#include "loop/loop.h"
#include "media/tally.h"
#include "net/addr.h"

struct rf_dtls_ctx;
struct rf_fast;
struct rf_xsk_part;
struct rf_media_worker;

enum { RF_MEDIA_INTERFACES_MAX = 16, RF_MEDIA_NAME_MAX = 32 };

/* Where ports are: "inside", "outside". An interface has an address of each family at most once; parties of the other
 * family are reached by another interface. */
struct rf_media_interface {
	char name[RF_MEDIA_NAME_MAX];
	struct rf_addr local;        /* to bind; port unused */
	struct rf_addr advertised;   /* family 0: local */
	uint16_t port_first, port_last; /* of this worker: even first; RTP on even ports */
	bool outer;                  /* it is on the outer side of its host: nobody of the inside
				      * is reached through it */
};

struct rf_media_conf {
	struct rf_loop *loop;
	const struct rf_log *log;
	struct rf_random *random;
	struct rf_dtls_ctx *dtls;    /* shared by all workers; NULL: DTLS is refused */
	struct rf_fast *fast;        /* the kernel's path, NULL: none. Shared */
	struct rf_xsk_part *xsk;     /* this worker's share of AF_XDP (xsk.h), NULL: none */
	const struct rf_media_interface *interfaces;
	unsigned n_interfaces;
	size_t paths_max;            /* 0: 20000 */
	bool poll;                   /* under load datagrams are fetched from the driver (path_poll.c),
				      * where the kernel lets us */
	size_t keep_max;             /* sockets that may stay open between two calls while calls come; 0: none */
	size_t files;                /* descriptors from this number on are no media's; 0: all may be */
	size_t stock;                /* of them: pairs that are open before calls come, of all
				      * interfaces together; 0: none */
};

int rf_media_worker_new(const struct rf_media_conf *conf, struct rf_media_worker **ret_worker);
/* Every path is freed. */
void rf_media_worker_free(struct rf_media_worker *w);

/* NULL: none */
const struct rf_media_interface *rf_media_interface_at(const struct rf_media_worker *w, unsigned index);
/* By name and family (0: any); -1: none. "" is the first. */
int rf_media_interface_find(const struct rf_media_worker *w, struct rf_view name, unsigned family);

/* kept: sockets of no call, which wait for the next ones. dry: a bit for each interface of which this
 * worker has no port left. */
struct rf_media_census { size_t paths, ports, sockets, kept, ports_free, in_kernel, in_xdp, dry; };
struct rf_media_census rf_media_census(const struct rf_media_worker *w);
bool rf_media_polls(const struct rf_media_worker *w); /* conf.poll, and the kernel can */

struct rf_media_totals {
	uint64_t packets, bytes, sent, dropped[32];  /* by enum rf_path_drop */
	uint64_t kernel_packets, kernel_bytes;
	uint64_t xsk_packets, xsk_bytes; /* that came past the sockets (xsk.h) */
	struct rf_media_tally ended;                 /* streams that are over */
};
void rf_media_totals(const struct rf_media_worker *w, struct rf_media_totals *ret);

#endif
