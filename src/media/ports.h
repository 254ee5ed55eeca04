/* The ports of an interface, in pairs of an even one (RTP) and the odd one above it (RTCP). Which pair comes next is drawn
 * at random, so that nobody can guess where a call's media will be. A pair that was given back rests, so that late
 * packets of its old call do not reach a new one; only when nothing else is free the one that rested longest is taken.
 * Knows numbers only: no socket. One thread. */
#ifndef RF_MEDIA_PORTS_H
#define RF_MEDIA_PORTS_H

#include "base/clock.h"
#include "base/random.h"

enum { RF_PORTS_REST_MS = 10000 };

struct rf_ports;

/* first is even; the last pair is within last. RF_E_INVALID: not even one pair; -ENOMEM. */
int rf_ports_new(uint16_t first, uint16_t last, struct rf_random *random, struct rf_ports **ret_ports);
void rf_ports_free(struct rf_ports *p); /* NULL is fine */

/* RF_E_LIMIT: all are taken. */
int rf_ports_take(struct rf_ports *p, struct rf_mono now, uint16_t *ret_even);
/* even: one that was taken. */
void rf_ports_give(struct rf_ports *p, struct rf_mono now, uint16_t even);
/* Pairs that nobody has, those that rest included. */
size_t rf_ports_left(const struct rf_ports *p);

#endif
