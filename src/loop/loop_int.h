/* For the room's own files: the loop's inside. */
#ifndef RF_LOOP_LOOP_INT_H
#define RF_LOOP_LOOP_INT_H

#include "loop/loop.h"

#include <stdatomic.h>
#include <urcu/wfcqueue.h>
#include <uv.h>

struct rf_loop {
	uv_loop_t uv;
	uv_poll_t wake;            /* wake_fd: mail, stop */
	int wake_fd;               /* an eventfd */
	uv_check_t check;          /* the work of a turn, after the descriptors */
	uv_timer_t timer, limit;   /* ends the wait: the next timer, rf_loop_turn()'s bound */
	uv_idle_t idle;            /* runs while the next wait must not block */
	struct rf_clock clock;
	struct rf_wheel wheel;
	const struct rf_log *log;
	struct rf_mono mark;       /* when the last callback ended */
	struct rf_mono armed_at, slow_logged;
	uint32_t slow_ms;
	bool real_clock, armed, asleep, stopped;
	struct rf_defer *deferred, **deferred_end;
	struct rf_hook *hooks;
	struct rf_loop_stats stats;
	char name[32];

	/* Written by other threads as well. */
	_Alignas(64) struct cds_wfcq_tail mail_tail;
	atomic_uint mail_count;
	atomic_bool stop;
	atomic_bool woken;         /* wake_fd was written to and not yet read */
	_Atomic uint64_t mail_refused;
	uint32_t mail_cap;
	struct __cds_wfcq_head mail_head; /* this thread only */
};

/* From any thread: the loop's wait ends. What was done before this is seen by the turn that follows. */
void rf_loop_rouse(struct rf_loop *loop);
/* Before any callback: read the clock if this is the turn's first. */
void rf_loop_wake(struct rf_loop *loop);
/* After a callback: was it slow. n goes to the log behind what. */
void rf_loop_took(struct rf_loop *loop, const char *what, int n);

void rf_mailbox_init(struct rf_loop *loop, uint32_t cap);
/* Deliver a batch; true when more is waiting. */
bool rf_mailbox_read(struct rf_loop *loop);
void rf_mailbox_close(struct rf_loop *loop);

#endif
