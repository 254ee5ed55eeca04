/* Posting and the thread behind it. Workers push onto an atomic list; the thread takes the whole list at once, turns it
 * into lines in one buffer, and appends that in one write. A batch that fails stays in `pending` as events, not as
 * lines, because by the time the disk is back another process may have moved the chain on. */
#include "base/spare.h"
#include "ledger/ledger_int.h"

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { RETRY_MS = 250, IDLE_MS = 1000, BUSY_MS = 5000, BUSY_TRIES = 25, BATCHES_A_TURN = 16, APPENDED_A_TURN = 256,
       SPARE_BYTES = 512, SPARE_EVENTS = 2048 /* most events, of a moment when many come: 1 MiB */ };

struct posted {
	struct posted *next;
	struct rf_wall time;
	uint16_t n;
	uint8_t kind;
	uint8_t bytes[];
};

struct rf_ledger {
	/* any thread */
	struct posted *_Atomic posts; /* the newest first */
	struct rf_spare spare;     /* the thread is done with what others took */
	_Atomic uint64_t queued, queued_bytes, lost;
	_Atomic uint32_t asleep;   /* 1 while the thread waits for a post; a futex */
	_Atomic bool stopping, failing;
	_Atomic int error;
	_Atomic uint64_t written, seq;
	/* fixed at open */
	struct rf_ledger_options opt;
	/* the thread, or the opener before start and after stop */
	pthread_t thread;
	bool running;
	struct rf_journal journal;
	struct posted *pending, **pending_end;
	uint8_t *buf;
	uint64_t lost_told;        /* of lost, how many a gap event has named */
	struct rf_wall failed_since;
	int failed_error;
	bool tell_gap;
	struct rf_mono sync_due, attach_due;
	struct rf_mono busy_until; /* somebody else has the lock: a fault from then on; 0: nobody */
};

int rf_ledger_open_io(const char *dir, const struct rf_ledger_options *options, const struct rf_ledger_io *io,
	struct rf_ledger **ret_ledger, struct rf_diag *diag)
{
	struct rf_ledger *l = calloc(1, sizeof *l);
	struct rf_ledger_options opt = options ? *options : (struct rf_ledger_options){ .clock = rf_clock_system() };
	int rc;

	if (!l)
		return rf_diag_set(diag, -ENOMEM, "no memory for the ledger");
	opt.batch_ms = opt.batch_ms ? opt.batch_ms : 20;
	opt.sync_ms = opt.sync_ms ? opt.sync_ms : 1000;
	opt.queue = opt.queue ? opt.queue : RF_LEDGER_QUEUE;
	opt.queue_bytes = opt.queue_bytes ? opt.queue_bytes : RF_LEDGER_QUEUE_BYTES;
	l->opt = opt;
	l->pending_end = &l->pending;
	rf_spare_init(&l->spare, SPARE_BYTES, SPARE_EVENTS);
	l->buf = malloc(RF_LEDGER_BATCH);
	rc = rf_journal_init(&l->journal, dir, opt.segment_bytes ? opt.segment_bytes : RF_LEDGER_SEGMENT, opt.clock);
	if (rc || !l->buf) {
		if (rc == 0)
			rf_journal_fini(&l->journal);
		free(l->buf);
		free(l);
		return rf_diag_set(diag, -ENOMEM, "no memory for the ledger");
	}
	l->journal.io = *io;
	rc = rf_journal_attach(&l->journal, diag);
	if (rc) {
		rf_ledger_free(l);
		return rc;
	}
	atomic_store(&l->seq, l->journal.chain.seq);
	*ret_ledger = l;
	return 0;
}

int rf_ledger_open(const char *dir, const struct rf_ledger_options *options, struct rf_ledger **ret_ledger,
	struct rf_diag *diag)
{
	return rf_ledger_open_io(dir, options, &rf_ledger_io_system, ret_ledger, diag);
}

static void wake(struct rf_ledger *l)
{
	if (atomic_exchange(&l->asleep, 0))
		syscall(SYS_futex, &l->asleep, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static int lose(struct rf_ledger *l, size_t n, int code)
{
	atomic_fetch_sub(&l->queued, 1);
	atomic_fetch_sub(&l->queued_bytes, n);
	atomic_fetch_add(&l->lost, 1);
	return code;
}

int rf_ledger_post(struct rf_ledger *l, const struct rf_event *e)
{
	struct posted *p;

	if (!l)
		return 0;
	size_t n = sizeof *p + e->w.n;
	bool full = atomic_fetch_add(&l->queued, 1) >= l->opt.queue;
	full |= atomic_fetch_add(&l->queued_bytes, n) + n > l->opt.queue_bytes;
	if (full)
		return lose(l, n, RF_E_LIMIT);
	p = rf_spare_take(&l->spare, n);
	if (!p)
		return lose(l, n, -ENOMEM);
	p->time = e->time;
	p->kind = e->kind;
	p->n = (uint16_t)e->w.n;
	memcpy(p->bytes, e->bytes, e->w.n);
	/* Only whole lists are ever taken, so a head that looks the same is the same. */
	p->next = atomic_load(&l->posts);
	while (!atomic_compare_exchange_weak(&l->posts, &p->next, p))
		;
	if (atomic_load(&l->asleep))
		wake(l);
	return 0;
}

static void take(struct rf_ledger *l)
{
	struct posted *p = atomic_exchange(&l->posts, NULL), *oldest = NULL, **end = p ? &p->next : NULL;

	while (p) {
		struct posted *older = p->next;

		p->next = oldest;
		oldest = p;
		p = older;
	}
	if (oldest) {
		*l->pending_end = oldest;
		l->pending_end = end;
	}
}

/* Forget the first events of pending, up to `end`. */
static void release(struct rf_ledger *l, const struct posted *end)
{
	while (l->pending != end) {
		struct posted *p = l->pending;

		l->pending = p->next;
		atomic_fetch_sub(&l->queued, 1);
		atomic_fetch_sub(&l->queued_bytes, sizeof *p + p->n);
		rf_spare_give(&l->spare, p, sizeof *p + p->n);
	}
	if (!l->pending)
		l->pending_end = &l->pending;
}

static int put_event(struct rf_journal *j, struct rf_writer *w, const struct rf_event *e)
{
	return rf_chain_put(&j->chain, &j->sha, w, e->time,
			    rf_view_str(rf_event_kind_name((enum rf_event_kind)e->kind)), rf_view_of(e->bytes, e->w.n));
}

/* What must be said before the pending events: what the scan found; and after a failure, how long and how many lost. */
static int put_notes(struct rf_ledger *l, struct rf_writer *w, uint64_t lost)
{
	struct rf_journal *j = &l->journal;
	struct rf_event e;
	int rc = 0;

	for (unsigned i = 0; i < j->n_notes && rc == 0; i++)
		rc = put_event(j, w, &j->notes[i]);
	if (rc || !(l->tell_gap || lost != l->lost_told))
		return rc;
	rf_event_init(&e, RF_EVENT_LEDGER_GAP, l->opt.clock.wall(l->opt.clock.ctx));
	rf_event_u64(&e, "lost", lost - l->lost_told);
	rf_event_time(&e, "since", l->failed_since);
	rf_event_cstr(&e, "error", l->failed_error ? rf_err_text(l->failed_error) : "the queue was full");
	return put_event(j, w, &e);
}

/* A command that writes beside us holds the lock for a moment: that is no fault of the disk, unless it lasts. */
static bool only_busy(struct rf_ledger *l, int rc)
{
	struct rf_mono now = l->opt.clock.mono(l->opt.clock.ctx);

	if (rc != RF_E_BUSY) {
		l->busy_until.us = 0;
		return false;
	}
	if (!l->busy_until.us)
		l->busy_until = rf_mono_add_ms(now, BUSY_MS);
	return now.us < l->busy_until.us;
}

static void note_result(struct rf_ledger *l, int rc)
{
	if (only_busy(l, rc))
		return;
	if (rc && !atomic_load(&l->failing)) {
		l->failed_since = l->opt.clock.wall(l->opt.clock.ctx);
		l->failed_error = rc;
		l->tell_gap = true;
		rf_log(l->opt.log, RF_LOG_ERROR, "the ledger cannot be written: %s: %s; events wait in memory",
		       l->journal.path, rf_err_text(rc));
	} else if (rc == 0 && atomic_load(&l->failing)) {
		rf_log(l->opt.log, RF_LOG_WARN, "the ledger is written again: %s; %llu events were lost in all",
		       l->journal.path, (unsigned long long)atomic_load(&l->lost));
	}
	atomic_store(&l->error, rc);
	atomic_store(&l->failing, rc != 0);
}

/* One batch under the lock. */
static int write_batch(struct rf_ledger *l)
{
	struct rf_journal *j = &l->journal;
	struct rf_chain before = j->chain;
	uint64_t lost = atomic_load(&l->lost), lines;
	struct posted *p = l->pending;
	struct rf_writer w;
	int rc;

	rf_writer_init(&w, l->buf, RF_LEDGER_BATCH);
	rc = put_notes(l, &w, lost);
	for (; rc == 0 && p; p = p->next) {
		rc = rf_chain_put(&j->chain, &j->sha, &w, p->time,
				  rf_view_str(rf_event_kind_name((enum rf_event_kind)p->kind)),
				  rf_view_of(p->bytes, p->n));
		if (rc == RF_E_SPACE) {
			rc = 0;
			break; /* the buffer is full: the rest in the next batch */
		}
	}
	lines = j->chain.seq - before.seq;
	if (rc == 0 && w.n)
		rc = rf_journal_append(j, rf_view_of(w.buf, w.n), &before);
	if (rc) {
		j->chain = before;
		return rc;
	}
	j->n_notes = 0;
	l->tell_gap = false;
	l->failed_since.us = 0;
	l->failed_error = 0;
	l->lost_told = lost;
	release(l, p);
	atomic_fetch_add(&l->written, lines);
	atomic_store(&l->seq, j->chain.seq);
	return 0;
}

static bool has_work(const struct rf_ledger *l)
{
	return l->pending || l->journal.n_notes || l->tell_gap || atomic_load(&l->lost) != l->lost_told;
}

static bool due(struct rf_mono now, struct rf_mono when)
{
	return now.us >= when.us;
}

int rf_ledger_turn(struct rf_ledger *l, bool sync)
{
	struct rf_mono now = l->opt.clock.mono(l->opt.clock.ctx);
	struct rf_journal *j = &l->journal;
	int rc = 0;

	if (sync || due(now, l->attach_due) || atomic_load(&l->failing)) {
		l->attach_due = rf_mono_add_ms(now, IDLE_MS);
		if (!rf_journal_attached(j)) {
			int was = j->seg_fd >= 0 || j->dir_fd >= 0 ? -ENOENT : atomic_load(&l->error);

			/* Deleted or moved away under us: say so, then go on where the path leads now. */
			note_result(l, was ? was : -ENOENT);
			rc = rf_journal_attach(j, NULL);
		}
	}
	take(l);
	for (int i = 0; i < BATCHES_A_TURN && rc == 0 && has_work(l); i++) {
		rc = rf_journal_lock(j);
		if (rc)
			break;
		bool first = !j->dirty;
		rc = write_batch(l);
		if (rc == 0 && first)
			l->sync_due = rf_mono_add_ms(now, l->opt.sync_ms);
		rf_journal_unlock(j);
		take(l);
	}
	if (rc == 0 && j->dirty && (sync || due(now, l->sync_due))) {
		rc = rf_journal_lock(j);
		if (rc == 0) {
			rc = rf_journal_sync(j);
			rf_journal_unlock(j);
		}
	}
	note_result(l, rc);
	return rc;
}

static void sleep_ms(uint32_t ms)
{
	struct timespec ts = { ms / 1000, (long)(ms % 1000) * 1000000 };

	clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL);
}

/* Wait for a post, at most ms. */
static void doze(struct rf_ledger *l, uint32_t ms)
{
	struct timespec ts = { ms / 1000, (long)(ms % 1000) * 1000000 };

	atomic_store(&l->asleep, 1);
	if (!atomic_load(&l->posts) && !atomic_load(&l->stopping))
		syscall(SYS_futex, &l->asleep, FUTEX_WAIT_PRIVATE, 1, &ts, NULL, 0);
	atomic_store(&l->asleep, 0);
}

static void *thread_main(void *arg)
{
	struct rf_ledger *l = (struct rf_ledger *)arg;

	pthread_setname_np(pthread_self(), "ledger");
	while (!atomic_load(&l->stopping)) {
		uint64_t before = atomic_load(&l->written);

		if (rf_ledger_turn(l, false))
			sleep_ms(RETRY_MS);
		else if (atomic_load(&l->written) != before)
			sleep_ms(l->opt.batch_ms); /* let more come, so that posts rarely need to wake anybody */
		else
			doze(l, l->journal.dirty ? l->opt.sync_ms / 4 + 1 : IDLE_MS);
	}
	return NULL;
}

int rf_ledger_start(struct rf_ledger *l)
{
	int rc;

	if (l->running)
		return RF_E_STATE;
	atomic_store(&l->stopping, false);
	rc = pthread_create(&l->thread, NULL, thread_main, l);
	l->running = rc == 0;
	return -rc;
}

uint64_t rf_ledger_stop(struct rf_ledger *l)
{
	if (l->running) {
		atomic_store(&l->stopping, true);
		wake(l);
		pthread_join(l->thread, NULL);
		l->running = false;
	}
	for (int busy = 0, rc = 0; rc == 0 && busy < BUSY_TRIES;) {
		rc = rf_ledger_turn(l, true);
		if (rc == 0 && atomic_load(&l->queued) == 0)
			break;
		if (rc == RF_E_BUSY) { /* who has the lock is not waited for by anybody else any more: once more */
			busy++;
			rc = 0;
		}
	}
	return atomic_load(&l->queued) + atomic_load(&l->lost) - l->lost_told;
}

void rf_ledger_free(struct rf_ledger *l)
{
	if (!l)
		return;
	if (l->running)
		rf_ledger_stop(l);
	take(l);
	release(l, NULL);
	rf_spare_fini(&l->spare);
	rf_journal_fini(&l->journal);
	free(l->buf);
	free(l);
}

void rf_ledger_state(const struct rf_ledger *l, struct rf_ledger_state *ret_state)
{
	*ret_state = (struct rf_ledger_state){
		.failing = atomic_load(&l->failing), .error = atomic_load(&l->error),
		.queued = atomic_load(&l->queued), .lost = atomic_load(&l->lost),
		.written = atomic_load(&l->written), .seq = atomic_load(&l->seq),
	};
}

static void copy_event(void *ctx, size_t i, struct rf_event *e)
{
	(void)i;
	*e = *(const struct rf_event *)ctx;
}

int rf_ledger_append(const char *dir, const struct rf_event *e, struct rf_diag *diag)
{
	return rf_ledger_append_all(dir, 1, copy_event, (void *)(uintptr_t)e, diag);
}

int rf_ledger_append_all(const char *dir, size_t n, void (*make)(void *ctx, size_t i, struct rf_event *e), void *ctx,
			 struct rf_diag *diag)
{
	struct rf_ledger *l;
	struct rf_event e;
	int rc = rf_ledger_open(dir, NULL, &l, diag);

	if (rc)
		return rc;
	for (size_t i = 0; i < n && rc == 0; i++) {
		make(ctx, i, &e);
		rc = rf_ledger_post(l, &e);
		if (rc == 0 && (i + 1) % APPENDED_A_TURN == 0)
			rc = rf_ledger_turn(l, false);
	}
	if (rc == 0)
		rc = rf_ledger_turn(l, true);
	if (rc)
		rf_diag_set(diag, rc, "%s: cannot write the ledger: %s", dir, rf_err_text(rc));
	rf_ledger_free(l);
	return rc;
}
