/* The ports of an interface, in pairs of an even one (RTP) and the odd one above it (RTCP). Which pair comes
 * next is drawn at random, so that nobody can guess where a call's media will be. A pair that was given back
 * rests, so that late packets of its old call do not reach a new one; only when nothing else is free the one
 * that rested longest is taken.
 *
 * A pair may be given back with its sockets open (path_keep.c). Once it has rested it comes before those that
 * have none, drawn at random among its like. What the sockets are is nothing to this: it keeps descriptors as
 * numbers. One thread. */
#ifndef RF_MEDIA_PORTS_H
#define RF_MEDIA_PORTS_H

#include "base/clock.h"
#include "base/random.h"

#include <stdbool.h>
#include <stddef.h>

enum {
	RF_PORTS_REST_MS = 10000,
	RF_PORTS_KEEP_MS = 30000,    /* so long after it was given back nobody needs what is kept with a pair */
};

struct rf_ports;

/* Descriptors that stay with a pair, for its even and its odd port; -1: none. And what each has as its DSCP. */
struct rf_port_kept { int fd[2]; uint8_t dscp[2]; };

/* first is even; the last pair is within last. RF_E_INVALID: not even one pair; -ENOMEM. */
int rf_ports_new(uint16_t first, uint16_t last, struct rf_random *random, struct rf_ports **ret_ports);
/* What is kept is let go before (rf_ports_let_go()). NULL is fine. */
void rf_ports_free(struct rf_ports *p);

/* RF_E_LIMIT: all are taken. *ret_kept is the caller's then. */
int rf_ports_take(struct rf_ports *p, struct rf_mono now, uint16_t *ret_even, struct rf_port_kept *ret_kept);
/* even: one that was taken. kept: what stays with it, NULL: nothing. */
void rf_ports_give(struct rf_ports *p, struct rf_mono now, uint16_t even, const struct rf_port_kept *kept);
/* Pairs that nobody has, those that rest included. */
size_t rf_ports_left(const struct rf_ports *p);
/* Pairs with something kept. */
size_t rf_ports_kept(const struct rf_ports *p);
/* All of them. */
size_t rf_ports_count(const struct rf_ports *p);
/* A pair that has rested and keeps nothing, drawn as the others are. RF_E_LIMIT: there is none. */
int rf_ports_take_bare(struct rf_ports *p, struct rf_mono now, uint16_t *ret_even);
/* One that was taken so and served nobody: it needs no rest. */
void rf_ports_stock(struct rf_ports *p, struct rf_mono now, uint16_t even, const struct rf_port_kept *kept);
/* What was kept for RF_PORTS_KEEP_MS without being needed, or all, but for least pairs: to close(), for most at once at
 * most. False: there may be more. */
bool rf_ports_let_go(struct rf_ports *p, struct rf_mono now, bool all, size_t least, size_t most,
		     void (*close)(void *arg, const struct rf_port_kept *kept), void *arg);

#endif
