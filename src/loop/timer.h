/* Timers: a hierarchical wheel with a tick of one millisecond (256 slots of 1 ms, then 64 each of 256 ms, 16 s, 17 min;
 * what is further away than the coarsest level reaches is looked at again every 18.6 hours). Start, restart and stop
 * cost the same however many timers run, and allocate nothing: the timer is embedded in its owner. The wheel knows no
 * clock of its own, so that tests drive it with rf_wheel_advance(); a loop does that with its clock (rf_loop_wheel()).
 *
 * Guarantees: a timer never fires early; due timers leave the wheel before any callback runs and fire in the order of
 * their deadlines; a callback may start, restart or stop any timer, its own included, and free its own owner. A timer
 * started with a delay of 0 from a callback fires in a later rf_wheel_advance(), so that it cannot spin.
 * Threads: one owner. */
#ifndef RF_LOOP_TIMER_H
#define RF_LOOP_TIMER_H

#include "base/clock.h"

#include <stdbool.h>
#include <stddef.h>

struct rf_timer {
	struct rf_timer *next, **link; /* link is NULL while the timer does not run */
	uint64_t at_ms;                /* the tick at which it is due */
	void (*fire)(struct rf_timer *t);
};

enum {
	RF_WHEEL_NEAR = 256, /* slots of one tick */
	RF_WHEEL_FAR = 64,   /* slots of each coarser level */
	RF_WHEEL_LEVELS = 3, /* coarser levels */
};

struct rf_wheel {
	struct rf_mono now;  /* of the last rf_wheel_advance() or rf_wheel_touch() */
	uint64_t tick;       /* every tick up to and including this one is done */
	size_t count;        /* timers that run, those that are due but not yet fired included */
	uint64_t near_used[RF_WHEEL_NEAR / 64], far_used[RF_WHEEL_LEVELS]; /* bit set: the slot may hold timers */
	struct rf_timer *near[RF_WHEEL_NEAR], *far[RF_WHEEL_LEVELS][RF_WHEEL_FAR];
	struct rf_timer *ready, **ready_end; /* due, not yet fired */
};

/* The wheel must not be moved afterwards. Nothing to release: an owner stops its timers. */
void rf_wheel_init(struct rf_wheel *w, struct rf_mono now);

/* Before the first use of a timer. */
void rf_timer_init(struct rf_timer *t, void (*fire)(struct rf_timer *t));
/* Run (again) in delay_ms from w->now, or at that time; what lies in the past is due at the next advance. */
void rf_timer_start(struct rf_wheel *w, struct rf_timer *t, uint64_t delay_ms);
void rf_timer_start_at(struct rf_wheel *w, struct rf_timer *t, struct rf_mono at);
/* Idempotent; afterwards the callback does not come, even when the timer was already due. */
void rf_timer_stop(struct rf_wheel *w, struct rf_timer *t);

static inline bool rf_timer_active(const struct rf_timer *t)
{
	return t->link != NULL;
}

/* It is now: later starts count from here. Fires nothing. A time before w->now is ignored. */
void rf_wheel_touch(struct rf_wheel *w, struct rf_mono now);

/* Move to now and fire what is due, at most `most` timers (0: all that are due at the start). What is left over stays
 * due and fires first in the next call. Returns the number fired. A now before w->now counts as w->now. */
size_t rf_wheel_advance(struct rf_wheel *w, struct rf_mono now, size_t most);

/* False when no timer runs. Otherwise *ret_at is a time not after the next deadline, and after w->now unless timers
 * are due: advance then and ask again. Exact within the next 256 ms. */
bool rf_wheel_next(const struct rf_wheel *w, struct rf_mono *ret_at);

#endif
