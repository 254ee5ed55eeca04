#include "loop/loop_int.h"

#include "base/err.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
	MAIL_CAP = 65536,
	SLOW_MS = 50,
	TIMERS_PER_TURN = 4096, /* a herd of timers due at once does not keep the sockets waiting */
	END_ROUNDS = 4,         /* deferred callbacks and hooks that feed each other go on in the next turn */
	LOG_GAP_US = 1000000,   /* one line about slow callbacks a second */
};

static struct rf_mono read_clock(const struct rf_loop *loop)
{
	return loop->clock.mono(loop->clock.ctx);
}

/* The first callback after a wait reads the clock for the whole turn. */
void rf_loop_wake(struct rf_loop *loop)
{
	if (!loop->asleep)
		return;
	loop->asleep = false;
	loop->mark = read_clock(loop);
	rf_wheel_touch(&loop->wheel, loop->mark);
	loop->stats.turns++;
}

void rf_loop_took(struct rf_loop *loop, const char *what, int fd)
{
	struct rf_mono end = read_clock(loop);
	uint64_t us = end.us - loop->mark.us;

	loop->mark = end;
	if (us <= (uint64_t)loop->slow_ms * 1000)
		return;
	loop->stats.slow++;
	if (loop->slow_logged.us && end.us - loop->slow_logged.us < LOG_GAP_US)
		return;
	loop->slow_logged = end;
	rf_log(loop->log, RF_LOG_WARN, "%s: %s %d took %u ms; everything else on this thread waited (%llu such so far)",
	       loop->name, what, fd, (unsigned)(us / 1000), (unsigned long long)loop->stats.slow);
}

static bool run_deferred(struct rf_loop *loop)
{
	struct rf_defer *d = loop->deferred;

	if (!d)
		return false;
	loop->deferred = NULL;
	loop->deferred_end = &loop->deferred;
	while (d) {
		struct rf_defer *next = d->next;

		d->queued = false;
		d->run(d);
		d = next;
	}
	return true;
}

static void run_hooks(struct rf_loop *loop)
{
	for (struct rf_hook *h = loop->hooks, *next; h; h = next) {
		next = h->next;
		h->run(h);
	}
}

static void idle_nothing(uv_idle_t *idle)
{
	(void)idle;
}

/* While something is left to do now, the wait must not block. */
static void keep_awake(struct rf_loop *loop, bool awake)
{
	if (awake)
		uv_idle_start(&loop->idle, idle_nothing);
	else
		uv_idle_stop(&loop->idle);
}

static void end_turn(struct rf_loop *loop)
{
	int round = 0;

	do {
		run_deferred(loop);
		run_hooks(loop);
	} while (loop->deferred && ++round < END_ROUNDS);
	rf_loop_took(loop, "the end of the turn", round);
}

static void timer_woke(uv_timer_t *timer);

/* The wait ends when the next timer is due. An alarm that is too early stays: one needless wake-up costs less than
 * setting it anew with every message. */
static void arm(struct rf_loop *loop, uint64_t least_ms)
{
	struct rf_mono at;

	if (!loop->real_clock || !rf_wheel_next(&loop->wheel, &at))
		return;
	if (loop->armed && loop->armed_at.us <= at.us)
		return;
	uint64_t now = loop->wheel.now.us;
	uint64_t wait_ms = at.us > now ? (at.us - now + 999) / 1000 : 0;

	loop->armed = true;
	loop->armed_at = at;
	uv_timer_start(&loop->timer, timer_woke, wait_ms > least_ms ? wait_ms : least_ms, 0);
}

/* libuv runs its timers before the wait, so the turn that this alarm ended has been already, and saw the alarm as
 * still set. The next one is set here; not for at once, which libuv would run again in the same round. */
static void timer_woke(uv_timer_t *timer)
{
	struct rf_loop *loop = timer->data;

	loop->armed = false;
	arm(loop, 1);
}

static void turn(uv_check_t *check)
{
	struct rf_loop *loop = check->data;

	rf_loop_wake(loop);
	bool more = rf_mailbox_read(loop);
	size_t fired = rf_wheel_advance(&loop->wheel, loop->wheel.now, TIMERS_PER_TURN);

	if (fired) {
		loop->stats.timers += fired;
		rf_loop_took(loop, "timers", (int)fired);
	}
	end_turn(loop);
	keep_awake(loop, more || loop->deferred || loop->wheel.ready);
	arm(loop, 0);
	loop->asleep = true;
	if (atomic_exchange_explicit(&loop->stop, false, memory_order_acquire)) {
		loop->stopped = true;
		uv_stop(&loop->uv);
	}
}

/* The turn reads the mailbox, after this. */
static void woken(uv_poll_t *poll, int status, int events)
{
	struct rf_loop *loop = poll->data;
	uint64_t n;

	(void)status;
	(void)events;
	if (read(loop->wake_fd, &n, sizeof n) < 0)
		return; /* told for nothing */
	atomic_exchange_explicit(&loop->woken, false, memory_order_acq_rel);
}

/* libuv's uv_async_send() would do, but whoever it wakes spins until the sender is through, which on the sender's own
 * core it is not for as long as it is waited for: 40 microseconds a mail. */
void rf_loop_rouse(struct rf_loop *loop)
{
	static const uint64_t one = 1;

	if (!atomic_exchange_explicit(&loop->woken, true, memory_order_acq_rel) &&
	    write(loop->wake_fd, &one, sizeof one) < 0)
		assert(errno == EAGAIN); /* the counter is full: it is roused */
}

static void copy_name(struct rf_loop *loop, const char *name)
{
	size_t n = name ? strnlen(name, sizeof loop->name - 1) : 0;

	if (n)
		memcpy(loop->name, name, n);
	else
		memcpy(loop->name, "loop", sizeof "loop");
}

static int start_handles(struct rf_loop *loop)
{
	loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (loop->wake_fd < 0)
		return -errno;
	int rc = uv_poll_init(&loop->uv, &loop->wake, loop->wake_fd);

	if (!rc)
		rc = uv_poll_start(&loop->wake, UV_READABLE, woken);
	if (rc) {
		close(loop->wake_fd);
		return rc;
	}
	loop->wake.data = loop;
	uv_check_init(&loop->uv, &loop->check);
	uv_timer_init(&loop->uv, &loop->timer);
	uv_timer_init(&loop->uv, &loop->limit);
	uv_idle_init(&loop->uv, &loop->idle);
	loop->check.data = loop;
	loop->timer.data = loop;
	loop->limit.data = loop;
	uv_check_start(&loop->check, turn);
	return 0;
}

int rf_loop_new(const struct rf_loop_conf *conf, struct rf_loop **ret_loop)
{
	static const struct rf_loop_conf defaults;
	struct rf_loop *loop = calloc(1, sizeof *loop);

	if (!loop)
		return -ENOMEM;
	if (!conf)
		conf = &defaults;
	loop->real_clock = !conf->clock.mono;
	loop->clock = conf->clock.mono ? conf->clock : rf_clock_system();
	loop->log = conf->log;
	loop->slow_ms = conf->slow_ms ? conf->slow_ms : SLOW_MS;
	copy_name(loop, conf->name);
	rf_mailbox_init(loop, conf->mail_cap ? conf->mail_cap : MAIL_CAP);
	loop->deferred_end = &loop->deferred;
	loop->mark = read_clock(loop);
	loop->asleep = true;
	rf_wheel_init(&loop->wheel, loop->mark);

	int rc = uv_loop_init(&loop->uv);
	if (!rc) {
		rc = start_handles(loop);
		if (rc)
			uv_loop_close(&loop->uv);
	}
	if (rc) {
		free(loop);
		return rc; /* libuv's codes are -errno */
	}
	*ret_loop = loop;
	return 0;
}

void rf_loop_free(struct rf_loop *loop)
{
	if (!loop)
		return;
	while (run_deferred(loop))
		;
	rf_mailbox_close(loop);
	uv_close((uv_handle_t *)&loop->wake, NULL);
	uv_close((uv_handle_t *)&loop->check, NULL);
	uv_close((uv_handle_t *)&loop->timer, NULL);
	uv_close((uv_handle_t *)&loop->limit, NULL);
	uv_close((uv_handle_t *)&loop->idle, NULL);
	for (int i = 0; i < 8 && uv_run(&loop->uv, UV_RUN_NOWAIT); i++)
		; /* close callbacks, those of watches included */
	uv_loop_close(&loop->uv);
	close(loop->wake_fd);
	free(loop);
}

/* What was queued before the loop waits for the first time. */
static void begin(struct rf_loop *loop)
{
	uv_update_time(&loop->uv);
	rf_loop_wake(loop);
	end_turn(loop);
	keep_awake(loop, loop->deferred != NULL || loop->wheel.ready);
	arm(loop, 0);
	loop->asleep = true;
}

int rf_loop_run(struct rf_loop *loop)
{
	begin(loop);
	loop->stopped = false;
	while (!loop->stopped)
		uv_run(&loop->uv, UV_RUN_DEFAULT);
	return 0;
}

/* It may pass before the wait begins, when the start of the turn took that long: then the wait must not block. */
static void limit_passed(uv_timer_t *timer)
{
	keep_awake(timer->data, true);
}

int rf_loop_turn(struct rf_loop *loop, uint32_t timeout_ms)
{
	begin(loop);
	if (!timeout_ms) {
		uv_run(&loop->uv, UV_RUN_NOWAIT);
		return 0;
	}
	uv_timer_start(&loop->limit, limit_passed, timeout_ms, 0);
	uv_run(&loop->uv, UV_RUN_ONCE);
	uv_timer_stop(&loop->limit);
	return 0;
}

void rf_loop_stop(struct rf_loop *loop)
{
	atomic_store_explicit(&loop->stop, true, memory_order_release);
	rf_loop_rouse(loop);
}

struct rf_mono rf_loop_now(const struct rf_loop *loop)
{
	return loop->wheel.now;
}

struct rf_wall rf_loop_wall(struct rf_loop *loop)
{
	return loop->clock.wall(loop->clock.ctx);
}

struct rf_wheel *rf_loop_wheel(struct rf_loop *loop)
{
	return &loop->wheel;
}

const struct rf_log *rf_loop_log(const struct rf_loop *loop)
{
	return loop->log;
}

void rf_loop_stats(const struct rf_loop *loop, struct rf_loop_stats *ret_stats)
{
	*ret_stats = loop->stats;
	ret_stats->mail_refused = atomic_load_explicit(&loop->mail_refused, memory_order_relaxed);
}

void rf_defer_init(struct rf_defer *d, void (*run)(struct rf_defer *d))
{
	*d = (struct rf_defer){ .run = run };
}

void rf_loop_defer(struct rf_loop *loop, struct rf_defer *d)
{
	if (d->queued)
		return;
	d->queued = true;
	d->next = NULL;
	*loop->deferred_end = d;
	loop->deferred_end = &d->next;
}

void rf_loop_hook_add(struct rf_loop *loop, struct rf_hook *h, void (*run)(struct rf_hook *h))
{
	*h = (struct rf_hook){ .next = loop->hooks, .link = &loop->hooks, .run = run };
	if (h->next)
		h->next->link = &h->next;
	loop->hooks = h;
}

void rf_loop_hook_del(struct rf_hook *h)
{
	if (!h->link)
		return;
	*h->link = h->next;
	if (h->next)
		h->next->link = h->link;
	h->link = NULL;
}
