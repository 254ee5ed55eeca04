#include "store/bindings_int.h"

#include <assert.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

enum { GROUP_MAX = 1024, QUEUE_DEFAULT = 65536 };

struct rf_bindings {
	struct rf_bindings_log log; /* the store's thread; before the first change also the loader */
	struct cds_wfcq_head head;  /* the store's thread takes */
	struct cds_wfcq_tail tail;  /* any thread adds */
	sem_t wake;                 /* posted when the queue was empty, and to stop */
	size_t cap;
	unsigned gather_us;
	pthread_t thread;
	atomic_bool stopping;
	_Atomic uint64_t queued, done, failed, refused, commits, bytes, rewritten;
	atomic_int last_error;
};

/* --- the store's thread */

static struct rf_change *take_group(struct rf_bindings *b, size_t *ret_n)
{
	struct rf_change *first = NULL, **link = &first;
	struct cds_wfcq_node *n;
	size_t i;

	for (i = 0; i < GROUP_MAX && (n = __cds_wfcq_dequeue_blocking(&b->head, &b->tail)); i++) {
		static_assert(offsetof(struct rf_change, node) == 0, "a node is its change");
		struct rf_change *c = (struct rf_change *)(void *)n;

		*link = c;
		link = &c->next;
		c->next = NULL;
	}
	*ret_n = i;
	return first;
}

static void finish_group(struct rf_bindings *b, struct rf_change *group)
{
	for (struct rf_change *c = group, *next; c; c = next) {
		next = c->next;
		atomic_fetch_add_explicit(c->rc ? &b->failed : &b->done, 1, memory_order_relaxed);
		atomic_fetch_sub_explicit(&b->queued, 1, memory_order_relaxed);
		if (c->done)
			c->done(c->ctx, c->rc);
		free(c);
	}
}

/* After the group's callbacks: nobody waits for it who was not there yet. */
static void compact(struct rf_bindings *b)
{
	const uint64_t before = b->log.size;

	if (rf_bindings_log_compact(&b->log) == 0 && b->log.size < before)
		atomic_fetch_add_explicit(&b->rewritten, 1, memory_order_relaxed);
	atomic_store_explicit(&b->bytes, b->log.size, memory_order_relaxed);
}

/* Returns how many changes there were. */
static size_t write_queued(struct rf_bindings *b)
{
	struct rf_change *group;
	size_t n, all = 0;

	do {
		group = take_group(b, &n);
		if (!group)
			break;
		int rc = rf_bindings_log_write(&b->log, group);

		atomic_store_explicit(&b->last_error, rc, memory_order_relaxed);
		atomic_fetch_add_explicit(&b->commits, 1, memory_order_relaxed);
		finish_group(b, group);
		compact(b);
		all += n;
	} while (n == GROUP_MAX);
	return all;
}

static void gather(const struct rf_bindings *b)
{
	const struct timespec t = { 0, (long)b->gather_us * 1000 };

	if (b->gather_us && !atomic_load_explicit(&b->stopping, memory_order_relaxed))
		nanosleep(&t, NULL);
}

static void *store_thread(void *arg)
{
	struct rf_bindings *b = arg;

	pthread_setname_np(pthread_self(), "bindings");
	do {
		while (sem_wait(&b->wake))
			; /* interrupted */
		/* While there is work it looks for itself each time, so that nobody has to wake it. Posts are taken
		 * back before it looks: one that comes later is still there when it waits. */
		do {
			gather(b);
			while (sem_trywait(&b->wake) == 0)
				;
		} while (write_queued(b));
	} while (!atomic_load_explicit(&b->stopping, memory_order_acquire));
	while (write_queued(b))
		;
	return NULL;
}

/* --- any thread */

int rf_bindings_start(const struct rf_bindings_options *opt, struct rf_bindings **ret_b, struct rf_diag *diag)
{
	struct rf_bindings *b = calloc(1, sizeof *b);

	if (!b)
		return rf_diag_set(diag, -ENOMEM, "out of memory");
	int rc = rf_bindings_log_open(opt, &b->log, diag);
	if (rc) {
		free(b);
		return rc;
	}
	atomic_init(&b->bytes, b->log.size);
	cds_wfcq_init(&b->head, &b->tail);
	sem_init(&b->wake, 0, 0);
	b->cap = opt->queue ? opt->queue : QUEUE_DEFAULT;
	b->gather_us = opt->gather_us < 100000 ? opt->gather_us : 100000;
	rc = -pthread_create(&b->thread, NULL, store_thread, b);
	if (rc) {
		rf_bindings_log_close(&b->log);
		sem_destroy(&b->wake);
		free(b);
		return rf_diag_set(diag, rc, "cannot start the store's thread: %s", rf_err_text(rc));
	}
	*ret_b = b;
	return 0;
}

void rf_bindings_stop(struct rf_bindings *b)
{
	if (!b)
		return;
	atomic_store_explicit(&b->stopping, true, memory_order_release);
	sem_post(&b->wake);
	pthread_join(b->thread, NULL);
	rf_bindings_log_close(&b->log);
	sem_destroy(&b->wake);
	cds_wfcq_destroy(&b->head, &b->tail);
	free(b);
}

int rf_bindings_load(struct rf_bindings *b, struct rf_wall now,
		     int (*visit)(void *ctx, struct rf_view aor, const struct rf_stored_binding *s), void *ctx,
		     struct rf_diag *diag)
{
	return rf_bindings_log_load(&b->log, now, visit, ctx, diag);
}

/* A place in the queue, or RF_E_BUSY. */
static int reserve(struct rf_bindings *b)
{
	if (atomic_fetch_add_explicit(&b->queued, 1, memory_order_relaxed) < b->cap)
		return 0;
	atomic_fetch_sub_explicit(&b->queued, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&b->refused, 1, memory_order_relaxed);
	return RF_E_BUSY;
}

static void enqueue(struct rf_bindings *b, struct rf_change *c)
{
	cds_wfcq_node_init(&c->node);
	if (!cds_wfcq_enqueue(&b->head, &b->tail, &c->node))
		sem_post(&b->wake); /* it was empty, the thread may sleep */
}

/* A change whose body has n bytes; the caller fills it. Its place in the queue is reserved. */
static int new_change(struct rf_bindings *b, size_t n, rf_bindings_done_fn *done, void *ctx, struct rf_change **ret_c)
{
	int rc = reserve(b);

	if (rc)
		return rc;
	struct rf_change *c = malloc(sizeof *c + n);
	if (!c) {
		atomic_fetch_sub_explicit(&b->queued, 1, memory_order_relaxed);
		return -ENOMEM;
	}
	*c = (struct rf_change){ .done = done, .ctx = ctx, .n = (uint32_t)n };
	*ret_c = c;
	return 0;
}

int rf_bindings_change(struct rf_bindings *b, struct rf_view aor, const struct rf_bindings_op *ops, size_t n,
		       rf_bindings_done_fn *done, void *ctx)
{
	struct rf_change *c;
	size_t bytes;
	int rc = rf_change_measure(aor, ops, n, &bytes);

	if (rc == 0)
		rc = new_change(b, bytes, done, ctx, &c);
	if (rc)
		return rc;
	rf_change_put(c->body, aor, ops, n);
	enqueue(b, c);
	return 0;
}

int rf_bindings_put(struct rf_bindings *b, struct rf_view aor, const struct rf_stored_binding *s,
		    rf_bindings_done_fn *done, void *ctx)
{
	return rf_bindings_change(b, aor, &(struct rf_bindings_op){ RF_BINDINGS_PUT, s }, 1, done, ctx);
}

int rf_bindings_remove(struct rf_bindings *b, struct rf_view aor, struct rf_view key, rf_bindings_done_fn *done,
		       void *ctx)
{
	const struct rf_stored_binding s = { .key = key };

	return rf_bindings_change(b, aor, &(struct rf_bindings_op){ RF_BINDINGS_REMOVE, &s }, 1, done, ctx);
}

int rf_bindings_clear(struct rf_bindings *b, struct rf_view aor, rf_bindings_done_fn *done, void *ctx)
{
	return rf_bindings_change(b, aor, &(struct rf_bindings_op){ RF_BINDINGS_CLEAR, NULL }, 1, done, ctx);
}

int rf_bindings_expire(struct rf_bindings *b, struct rf_wall when, rf_bindings_done_fn *done, void *ctx)
{
	struct rf_change *c;
	int rc = new_change(b, RF_CHANGE_EXPIRE_BYTES, done, ctx, &c);

	if (rc)
		return rc;
	rf_change_put_expire(c->body, when);
	enqueue(b, c);
	return 0;
}

void rf_bindings_counts(const struct rf_bindings *b, struct rf_bindings_counts *ret_counts)
{
	*ret_counts = (struct rf_bindings_counts){
		.queued = atomic_load_explicit(&b->queued, memory_order_relaxed),
		.done = atomic_load_explicit(&b->done, memory_order_relaxed),
		.failed = atomic_load_explicit(&b->failed, memory_order_relaxed),
		.refused = atomic_load_explicit(&b->refused, memory_order_relaxed),
		.commits = atomic_load_explicit(&b->commits, memory_order_relaxed),
		.bytes = atomic_load_explicit(&b->bytes, memory_order_relaxed),
		.rewritten = atomic_load_explicit(&b->rewritten, memory_order_relaxed),
		.cut_bytes = b->log.cut_bytes,
		.last_error = atomic_load_explicit(&b->last_error, memory_order_relaxed),
	};
}
