/* The loop of one thread, on libuv. A turn:
 *
 *	wait for descriptors, mail or the next timer
 *	-> ready descriptors' callbacks -> mail -> due timers
 *	-> deferred callbacks (ends of lifetimes) -> hooks (flush what was queued in this turn)
 *
 * Everything here is called on the loop's own thread; other threads reach it only by mail (mail.h) and rf_loop_stop().
 * Nothing that is called from the loop may block. A callback that takes longer than slow_ms is logged and counted. */
#ifndef RF_LOOP_LOOP_H
#define RF_LOOP_LOOP_H

#include "base/clock.h"
#include "base/log.h"
#include "loop/timer.h"

struct rf_loop;

struct rf_loop_conf {
	struct rf_clock clock;     /* mono NULL: the system's */
	const struct rf_log *log;  /* may be NULL; must outlive the loop */
	const char *name;          /* for the log, e.g. "worker 2"; copied, may be NULL */
	uint32_t mail_cap;         /* waiting mails, beyond which rf_mail_post() refuses; 0: 65536 */
	uint32_t slow_ms;          /* 0: 50 */
};

struct rf_loop_stats {
	uint64_t turns, timers, mails;
	uint64_t slow;             /* callbacks over slow_ms */
	uint64_t mail_refused;     /* posts refused at the cap */
};

/* conf NULL: all defaults. -ENOMEM or another -errno. */
int rf_loop_new(const struct rf_loop_conf *conf, struct rf_loop **ret_loop);
/* The loop does not run any more, no other thread posts any more, and every watch, hook and timer owner is gone.
 * Deferred callbacks still run; waiting mails are delivered with RF_E_CLOSED. NULL is fine. */
void rf_loop_free(struct rf_loop *loop);

/* Turn until rf_loop_stop(). -errno when the kernel's polling fails. */
int rf_loop_run(struct rf_loop *loop);
/* One turn that waits at most timeout_ms for something to happen (tests; embedding). Under a clock that is not the
 * system's a turn waits on descriptors alone: the test advances the clock. */
int rf_loop_turn(struct rf_loop *loop, uint32_t timeout_ms);
/* rf_loop_run() returns after its current turn. The only function here that any thread may call, and a signal handler
 * may not. */
void rf_loop_stop(struct rf_loop *loop);

/* The time, read once at the start of each turn's work. */
struct rf_mono rf_loop_now(const struct rf_loop *loop);
struct rf_wall rf_loop_wall(struct rf_loop *loop);
/* The loop's wheel: rf_timer_start(rf_loop_wheel(loop), &x->timer, 500). */
struct rf_wheel *rf_loop_wheel(struct rf_loop *loop);
const struct rf_log *rf_loop_log(const struct rf_loop *loop);
void rf_loop_stats(const struct rf_loop *loop, struct rf_loop_stats *ret_stats);

/* ---- descriptors */

enum { RF_WATCH_READ = 1, RF_WATCH_WRITE = 2 };

struct rf_watch;

/* Watch fd (borrowed, made non-blocking). Nothing is watched until rf_watch_set(). ready gets what of READ and WRITE
 * is possible; an error or hang-up on fd counts as all that was asked for. Level-triggered: what is left over is
 * reported again. */
int rf_watch_new(struct rf_loop *loop, int fd, void (*ready)(void *arg, unsigned events), void *arg,
		 struct rf_watch **ret_watch);
/* events: READ | WRITE, 0 pauses. Costs nothing when unchanged. */
int rf_watch_set(struct rf_watch *w, unsigned events);
/* At once: no callback after this, also from its own callback; the owner may close fd on the next line. */
void rf_watch_free(struct rf_watch *w);

/* ---- the end of the turn */

/* Runs once, at the end of this turn. For ends of lifetimes: what was closed inside callbacks is freed here. Embedded
 * in its owner, which it may free. */
struct rf_defer {
	struct rf_defer *next;
	void (*run)(struct rf_defer *d);
	bool queued;
};

void rf_defer_init(struct rf_defer *d, void (*run)(struct rf_defer *d));
/* Nothing when it is queued already. */
void rf_loop_defer(struct rf_loop *loop, struct rf_defer *d);

/* Runs at the end of every turn, after the deferred callbacks (which run again if a hook queues some). */
struct rf_hook {
	struct rf_hook *next, **link;
	void (*run)(struct rf_hook *h);
};

void rf_loop_hook_add(struct rf_loop *loop, struct rf_hook *h, void (*run)(struct rf_hook *h));
/* Idempotent; not from inside a hook, except for itself. */
void rf_loop_hook_del(struct rf_hook *h);

#endif
