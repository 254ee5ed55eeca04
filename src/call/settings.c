#include "call/settings.h"

#include "base/table.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <urcu/urcu-memb.h>
#include <urcu/rculfhash.h>

struct entry {
	struct cds_lfht_node node;
	struct rcu_head rcu;
	struct rf_settings s;
	uint8_t number_n;
	uint8_t number[RF_SETTINGS_NUMBER_MAX];
};

struct queued {
	STAILQ_ENTRY(queued) list;
	struct rf_settings_change change;
	rf_settings_done_fn *done;
	void *ctx;
	uint8_t number_n;
	uint8_t number[RF_SETTINGS_NUMBER_MAX];
};

struct rf_settings_table {
	struct cds_lfht *ht;
	struct rf_hash_key key;
	struct rf_settings_db *db;      /* the thread's */
	pthread_t thread;
	pthread_mutex_t lock;           /* of queue, waiting, stopping */
	pthread_cond_t wake;
	STAILQ_HEAD(, queued) queue;
	size_t waiting;
	bool stopping;
	uint64_t numbers, changed, failed, refused; /* atomic */
};

static void count(uint64_t *c, int64_t d)
{
	__atomic_add_fetch(c, (uint64_t)d, __ATOMIC_RELAXED);
}

static int match(struct cds_lfht_node *node, const void *key)
{
	const struct entry *e = rf_container(node, struct entry, node);

	return rf_view_eq(rf_view_of(e->number, e->number_n), *(const struct rf_view *)key);
}

static void free_entry(struct rcu_head *head)
{
	free(rf_container(head, struct entry, rcu));
}

/* --- readers */

void rf_settings_get(struct rf_settings_table *t, struct rf_view number, struct rf_settings *ret_s)
{
	struct cds_lfht_iter it;

	*ret_s = (struct rf_settings){ 0 };
	if (!t || __atomic_load_n(&t->numbers, __ATOMIC_RELAXED) == 0)
		return;
	urcu_memb_read_lock();
	cds_lfht_lookup(t->ht, rf_hash(&t->key, number), match, &number, &it);
	struct cds_lfht_node *node = cds_lfht_iter_get_node(&it);

	if (node)
		*ret_s = rf_container(node, struct entry, node)->s;
	urcu_memb_read_unlock();
}

void rf_settings_walk(struct rf_settings_table *t,
		      void (*visit)(void *ctx, struct rf_view number, const struct rf_settings *s), void *ctx)
{
	struct cds_lfht_iter it;
	struct cds_lfht_node *node;

	urcu_memb_read_lock();
	cds_lfht_for_each(t->ht, &it, node) {
		const struct entry *e = rf_container(node, struct entry, node);

		visit(ctx, rf_view_of(e->number, e->number_n), &e->s);
	}
	urcu_memb_read_unlock();
}

/* --- the one writer: the loader, then the thread */

static int take_out(struct rf_settings_table *t, struct rf_view number)
{
	struct cds_lfht_iter it;

	urcu_memb_read_lock();
	cds_lfht_lookup(t->ht, rf_hash(&t->key, number), match, &number, &it);
	struct cds_lfht_node *node = cds_lfht_iter_get_node(&it);

	if (node && cds_lfht_del(t->ht, node) == 0) {
		count(&t->numbers, -1);
		urcu_memb_call_rcu(&rf_container(node, struct entry, node)->rcu, free_entry);
	}
	urcu_memb_read_unlock();
	return 0;
}

static struct entry *new_entry(struct rf_view number, const struct rf_settings *s)
{
	struct entry *e = malloc(sizeof *e);

	if (!e)
		return NULL;
	cds_lfht_node_init(&e->node);
	e->s = *s;
	e->number_n = (uint8_t)number.n;
	memcpy(e->number, number.p, number.n);
	return e;
}

static void put_in(struct rf_settings_table *t, struct entry *e)
{
	struct rf_view number = rf_view_of(e->number, e->number_n);

	urcu_memb_read_lock();
	struct cds_lfht_node *old = cds_lfht_add_replace(t->ht, rf_hash(&t->key, number), match, &number, &e->node);

	if (old)
		urcu_memb_call_rcu(&rf_container(old, struct entry, node)->rcu, free_entry);
	else
		count(&t->numbers, 1);
	urcu_memb_read_unlock();
}

static int load(void *ctx, struct rf_view number, const struct rf_settings *s)
{
	struct rf_settings_table *t = ctx;

	if (number.n == 0 || number.n > RF_SETTINGS_NUMBER_MAX || t->numbers >= RF_SETTINGS_NUMBERS)
		return 0;
	struct entry *e = new_entry(number, s);

	if (!e)
		return -ENOMEM;
	put_in(t, e);
	return 0;
}

/* Memory first, then the disk, then the table: whatever fails, the two say the same. */
static int commit(struct rf_settings_table *t, const struct queued *q, struct rf_settings *ret_now)
{
	struct rf_view number = rf_view_of(q->number, q->number_n);
	struct entry *e = NULL;

	rf_settings_get(t, number, ret_now);
	bool had = !rf_settings_empty(ret_now);

	rf_settings_apply(ret_now, &q->change);
	bool has = !rf_settings_empty(ret_now);

	if (has && !had && __atomic_load_n(&t->numbers, __ATOMIC_RELAXED) >= RF_SETTINGS_NUMBERS)
		return RF_E_LIMIT;
	if (has) {
		e = new_entry(number, ret_now);
		if (!e)
			return -ENOMEM;
	}
	int rc = rf_settings_db_put(t->db, number, ret_now, NULL);

	if (rc) {
		free(e);
		return rc;
	}
	if (e)
		put_in(t, e);
	else
		take_out(t, number);
	return 0;
}

static struct queued *next(struct rf_settings_table *t)
{
	pthread_mutex_lock(&t->lock);
	while (STAILQ_EMPTY(&t->queue) && !t->stopping)
		pthread_cond_wait(&t->wake, &t->lock);
	struct queued *q = STAILQ_FIRST(&t->queue);

	if (q) {
		STAILQ_REMOVE_HEAD(&t->queue, list);
		t->waiting--;
	}
	pthread_mutex_unlock(&t->lock);
	return q;
}

static void *settings_thread(void *arg)
{
	struct rf_settings_table *t = arg;
	struct queued *q;

	pthread_setname_np(pthread_self(), "settings");
	urcu_memb_register_thread();
	while ((q = next(t))) {
		struct rf_settings now;
		int rc = commit(t, q, &now);

		count(rc ? &t->failed : &t->changed, 1);
		if (q->done)
			q->done(q->ctx, rc, &now);
		free(q);
	}
	urcu_memb_unregister_thread();
	return NULL;
}

/* --- life */

static void drop_all(struct rf_settings_table *t)
{
	struct cds_lfht_iter it;
	struct cds_lfht_node *node;

	urcu_memb_read_lock();
	cds_lfht_for_each(t->ht, &it, node)
		if (cds_lfht_del(t->ht, node) == 0)
			urcu_memb_call_rcu(&rf_container(node, struct entry, node)->rcu, free_entry);
	urcu_memb_read_unlock();
}

static void release(struct rf_settings_table *t)
{
	if (t->ht) {
		drop_all(t);
		urcu_memb_barrier();
		cds_lfht_destroy(t->ht, NULL);
	}
	rf_settings_db_close(t->db);
	pthread_mutex_destroy(&t->lock);
	pthread_cond_destroy(&t->wake);
	free(t);
}

int rf_settings_start(const char *path, const struct rf_hash_key *key, struct rf_settings_table **ret_t,
		      struct rf_diag *diag)
{
	struct rf_settings_table *t = calloc(1, sizeof *t);
	int rc;

	if (!t)
		return rf_diag_set(diag, -ENOMEM, "out of memory");
	t->key = *key;
	STAILQ_INIT(&t->queue);
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->wake, NULL);
	t->ht = cds_lfht_new_flavor(64, 64, 0, CDS_LFHT_AUTO_RESIZE, &urcu_memb_flavor, NULL);
	rc = t->ht ? rf_settings_db_open(path, true, &t->db, diag) : rf_diag_set(diag, -ENOMEM, "out of memory");
	if (!rc)
		rc = rf_settings_db_walk(t->db, load, t, diag);
	if (!rc && (rc = -pthread_create(&t->thread, NULL, settings_thread, t)))
		rf_diag_set(diag, rc, "cannot start the settings' thread: %s", rf_err_text(rc));
	if (rc) {
		release(t);
		return rc;
	}
	*ret_t = t;
	return 0;
}

void rf_settings_stop(struct rf_settings_table *t)
{
	if (!t)
		return;
	pthread_mutex_lock(&t->lock);
	t->stopping = true;
	pthread_cond_signal(&t->wake);
	pthread_mutex_unlock(&t->lock);
	pthread_join(t->thread, NULL);
	release(t);
}

/* --- changes */

static bool sound(struct rf_view number, const struct rf_settings_change *c)
{
	if (number.n == 0 || number.n > RF_SETTINGS_NUMBER_MAX || !c->fields || (c->fields & ~(unsigned)RF_SET_ALL))
		return false;
	for (int i = 0; i < RF_FORWARDS; i++)
		if (c->to.forward[i][0] && !rf_settings_target_ok(rf_view_str(c->to.forward[i])))
			return false;
	return c->to.no_answer_s == 0 ||
	       (c->to.no_answer_s >= RF_SETTINGS_WAIT_MIN_S && c->to.no_answer_s <= RF_SETTINGS_WAIT_MAX_S);
}

int rf_settings_change(struct rf_settings_table *t, struct rf_view number, const struct rf_settings_change *change,
		       rf_settings_done_fn *done, void *ctx)
{
	if (!sound(number, change))
		return RF_E_INVALID;
	struct queued *q = malloc(sizeof *q);

	if (!q)
		return -ENOMEM;
	*q = (struct queued){ .change = *change, .done = done, .ctx = ctx, .number_n = (uint8_t)number.n };
	memcpy(q->number, number.p, number.n);
	pthread_mutex_lock(&t->lock);
	bool room = t->waiting < RF_SETTINGS_QUEUE && !t->stopping;

	if (room) {
		STAILQ_INSERT_TAIL(&t->queue, q, list);
		t->waiting++;
		pthread_cond_signal(&t->wake);
	}
	pthread_mutex_unlock(&t->lock);
	if (room)
		return 0;
	count(&t->refused, 1);
	free(q);
	return RF_E_BUSY;
}

void rf_settings_counts(struct rf_settings_table *t, struct rf_settings_counts *ret_counts)
{
	*ret_counts = (struct rf_settings_counts){
		.numbers = __atomic_load_n(&t->numbers, __ATOMIC_RELAXED),
		.changed = __atomic_load_n(&t->changed, __ATOMIC_RELAXED),
		.failed = __atomic_load_n(&t->failed, __ATOMIC_RELAXED),
		.refused = __atomic_load_n(&t->refused, __ATOMIC_RELAXED),
	};
}
