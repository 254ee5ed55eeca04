/* The wall: what a Linux zone router runs beside its kernel. It loads compiled bundles, opens pinholes for media while
 * calls last, and says what was dropped.
 *
 *	keeper     the private key of this host (keeper.h)
 *	front      this: TLS, the control socket, the ledger; no right to change a rule
 *	hand       changes rules, and believes nothing of the front (hand.h); above it its guard
 *
 * Requests for pinholes come over TLS (RF_PORT_WALL, mutual) from hosts of the site that are border or relay:
 * wall_line.h has the protocol. A 5-tuple is opened only when a flow of the site with pinholes permits it, in its
 * direction or as its answers, and a relay only for addresses of its own: who takes a border or relay over can open a
 * door for media, and no other. */
#ifndef RF_ROLE_WALL_H
#define RF_ROLE_WALL_H

#include "base/err.h"
#include "base/log.h"

/* Bounds, also in docs/security.md. */
enum {
	RF_WALL_TUPLES = 60000,      /* open at once; the kernel's set has room for 65,536 */
	RF_WALL_TUPLES_OF_HOST = 30000,
	RF_WALL_OPENINGS = 8192,     /* among those: any port of an address; the kernel's set has room for 16,384 */
	RF_WALL_OPENINGS_OF_HOST = 4096,
	RF_WALL_BLOCKS = 8192,       /* addresses; the kernel's set has room for 16,384 */
	RF_WALL_HOSTS = 64,          /* that have pinholes or a connection */
	RF_WALL_STREAMS_OF_HOST = 8,
	RF_WALL_STREAMS = 256,
	RF_WALL_WAITING = 64,        /* requests of one connection that are not answered yet; past it: busy */
	RF_WALL_GRACE_MS = 10000,    /* a host whose last connection went: its pinholes close after this */
	RF_WALL_IDLE_MS = 120000,    /* a connection without a line */
	RF_WALL_DROPS_S = 60,        /* how often drops go on record */
};

struct rf_wall_options {
	const char *dir;             /* the site directory */
	const char *host;            /* which of the site's hosts this is; NULL: found by name, then by address */
	const struct rf_log *log;
	int ready_fd;                /* gets one JSON line when it is ready, or why it is not; -1:
				      * nobody asks. Closed */
	unsigned drops_s;            /* 0: RF_WALL_DROPS_S */
};

/* Run until SIGTERM or SIGINT. The process must have one thread, and is not what it was afterwards. 0 after an orderly
 * end; else why it could not start, or RF_E_CLOSED: its hand has died, with diag. */
int rf_wall_run(const struct rf_wall_options *opt, struct rf_diag *diag);

#endif
