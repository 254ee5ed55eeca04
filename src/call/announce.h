/* The announcer (role/announcer.h) as one worker sees it: it orders tones over its channel, and hears how each ended.
 * Best effort: without an announcer, or when it has died, nothing is played and calls go on.
 * Threads: the worker's own. */
#ifndef RF_CALL_ANNOUNCE_H
#define RF_CALL_ANNOUNCE_H

#include "net/addr.h"
#include "rtp/announce.h"

struct rf_announced;
struct rf_call_core;

/* It ended by itself; the order is gone when this is called. */
typedef void rf_announced_fn(void *arg, enum rf_announce_why why, unsigned packets);

/* The socket of the announcer's that sends from this address of ours: its number, and its port in *ret_port. -1: none,
 * or there is no announcer. */
int rf_announce_socket(const struct rf_call_core *core, const struct rf_addr *local, uint16_t *ret_port);
/* Play; o->id is set here. RF_E_BUSY, RF_E_CLOSED: it does not take orders now; -ENOMEM. */
int rf_announce_play(struct rf_call_core *core, struct rf_announce_order *o, rf_announced_fn *fn, void *arg,
		     struct rf_announced **ret_a);
/* Stop it, no more events. NULL is fine. */
void rf_announce_stop(struct rf_announced *a);
/* At the end of the core; what plays is forgotten. */
void rf_announce_close(struct rf_call_core *core);

#endif
