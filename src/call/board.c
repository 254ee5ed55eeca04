#include "call/board_int.h"

#include <stdlib.h>

int rf_board_new(const struct rf_board_limits *limits, const struct rf_hash_key *key, struct rf_board **ret_b)
{
	struct rf_board *b = calloc(1, sizeof *b);

	if (!b)
		return -ENOMEM;
	atomic_init(&b->users, 1);
	b->limits = *limits;
	b->key = *key;
	for (size_t i = 0; i < RF_BOARD_SHARDS; i++) {
		pthread_mutex_init(&b->shard[i].lock, NULL);
		rf_table_init(&b->shard[i].lines, limits->lines);
		TAILQ_INIT(&b->shard[i].published);
	}
	*ret_b = b;
	return 0;
}

struct rf_board *rf_board_get(struct rf_board *b)
{
	atomic_fetch_add_explicit(&b->users, 1, memory_order_relaxed);
	return b;
}

/* ---- lines, under their shard's lock */

bool rf_board_take(_Atomic size_t *n, size_t most)
{
	if (atomic_fetch_add_explicit(n, 1, memory_order_relaxed) < most)
		return true;
	atomic_fetch_sub_explicit(n, 1, memory_order_relaxed);
	return false;
}

void rf_board_give(_Atomic size_t *n)
{
	atomic_fetch_sub_explicit(n, 1, memory_order_relaxed);
}

void rf_board_refused(_Atomic uint64_t *n)
{
	atomic_fetch_add_explicit(n, 1, memory_order_relaxed);
}

static struct rf_board_shard *shard_of(struct rf_board *b, uint64_t hash)
{
	return &b->shard[hash >> 58];
}

struct rf_board_shard *rf_board_lock(struct rf_board *b, struct rf_view number, uint64_t *ret_hash)
{
	*ret_hash = rf_hash(&b->key, number);
	struct rf_board_shard *s = shard_of(b, *ret_hash);

	pthread_mutex_lock(&s->lock);
	return s;
}

struct rf_board_entry *rf_board_find(struct rf_board_shard *s, struct rf_view number, uint64_t hash)
{
	for (struct rf_node *n = rf_table_first(&s->lines, hash); n; n = rf_table_next(n)) {
		struct rf_board_entry *line = rf_container(n, struct rf_board_entry, node);

		if (rf_view_eq(rf_view_of(line->number, line->number_n), number))
			return line;
	}
	return NULL;
}

int rf_board_add(struct rf_board *b, struct rf_board_shard *s, struct rf_view number, uint64_t hash,
		 struct rf_board_entry **ret_line)
{
	if (number.n == 0 || number.n > RF_BOARD_NUMBER_MAX || !rf_board_take(&b->lines, b->limits.lines))
		return RF_E_LIMIT;
	struct rf_board_entry *line = calloc(1, sizeof *line);
	int rc = line ? rf_table_add(&s->lines, &line->node, hash) : -ENOMEM;

	if (rc) {
		free(line);
		rf_board_give(&b->lines);
		return rc;
	}
	memcpy(line->number, number.p, number.n);
	line->number_n = (uint8_t)number.n;
	TAILQ_INIT(&line->dialogs);
	TAILQ_INIT(&line->publications);
	*ret_line = line;
	return 0;
}

void rf_board_settle(struct rf_board *b, struct rf_board_shard *s, struct rf_board_entry *line)
{
	if (line->watching || line->publications_n || line->mwi.known)
		return;
	rf_board_drop_dialogs(line);
	rf_table_del(&s->lines, &line->node);
	rf_board_give(&b->lines);
	free(line);
}

rf_workers rf_board_changed(struct rf_board_entry *line)
{
	rf_workers tell = line->watching & ~line->told;

	line->version++;
	line->told |= tell;
	return tell;
}

static void free_line(struct rf_node *node, void *arg)
{
	struct rf_board_shard *s = arg;
	struct rf_board_entry *line = rf_container(node, struct rf_board_entry, node);

	rf_board_drop_dialogs(line);
	rf_board_free_publications(line);
	rf_table_del(&s->lines, node);
	free(line);
}

void rf_board_put(struct rf_board *b)
{
	if (!b || atomic_fetch_sub_explicit(&b->users, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < RF_BOARD_SHARDS; i++) {
		rf_table_each(&b->shard[i].lines, free_line, &b->shard[i]);
		rf_table_fini(&b->shard[i].lines);
		pthread_mutex_destroy(&b->shard[i].lock);
	}
	free(b);
}

/* ---- who watches */

int rf_board_subscribe(struct rf_board *b)
{
	if (rf_board_take(&b->subscriptions, b->limits.subscriptions))
		return 0;
	rf_board_refused(&b->subscriptions_refused);
	return RF_E_LIMIT;
}

void rf_board_unsubscribe(struct rf_board *b)
{
	rf_board_give(&b->subscriptions);
}

static _Atomic uint32_t *mark_of(struct rf_board *b, uint64_t hash)
{
	return &b->marks[hash % RF_BOARD_MARKS];
}

int rf_board_watch(struct rf_board *b, struct rf_view number, unsigned worker, bool *ret_new)
{
	uint64_t hash;
	struct rf_board_shard *s = rf_board_lock(b, number, &hash);
	struct rf_board_entry *line = rf_board_find(s, number, hash);
	int rc = line ? 0 : rf_board_add(b, s, number, hash, &line);

	if (!rc) {
		*ret_new = line->watching == 0;
		line->watching |= (rf_workers)1 << worker;
		if (*ret_new) {
			atomic_fetch_add(mark_of(b, hash), 1);
			atomic_fetch_add(&b->watched, 1);
		}
	}
	pthread_mutex_unlock(&s->lock);
	return rc;
}

void rf_board_unwatch(struct rf_board *b, struct rf_view number, unsigned worker)
{
	rf_workers bit = (rf_workers)1 << worker;
	uint64_t hash;
	struct rf_board_shard *s = rf_board_lock(b, number, &hash);
	struct rf_board_entry *line = rf_board_find(s, number, hash);

	if (line && line->watching & bit) {
		line->watching &= ~bit;
		line->told &= ~bit;
		if (!line->watching) {
			atomic_fetch_sub(mark_of(b, hash), 1);
			atomic_fetch_sub(&b->watched, 1);
			rf_board_drop_dialogs(line); /* calls do not keep them true any more */
		}
		rf_board_settle(b, s, line);
	}
	pthread_mutex_unlock(&s->lock);
}

bool rf_board_any(const struct rf_board *b)
{
	return atomic_load_explicit(&b->watched, memory_order_relaxed) != 0;
}

bool rf_board_watched(const struct rf_board *b, struct rf_view number)
{
	return rf_board_any(b) &&
	       atomic_load_explicit(&b->marks[rf_hash(&b->key, number) % RF_BOARD_MARKS], memory_order_relaxed) != 0;
}

void rf_board_heard(struct rf_board *b, struct rf_view number, unsigned worker)
{
	uint64_t hash;
	struct rf_board_shard *s = rf_board_lock(b, number, &hash);
	struct rf_board_entry *line = rf_board_find(s, number, hash);

	if (line)
		line->told &= ~((rf_workers)1 << worker);
	pthread_mutex_unlock(&s->lock);
}

rf_workers rf_board_touch(struct rf_board *b, struct rf_view number)
{
	uint64_t hash;
	struct rf_board_shard *s = rf_board_lock(b, number, &hash);
	struct rf_board_entry *line = rf_board_find(s, number, hash);
	rf_workers tell = line ? rf_board_changed(line) : 0;

	pthread_mutex_unlock(&s->lock);
	return tell;
}

int rf_board_mwi(struct rf_board *b, struct rf_view number, uint32_t fresh, uint32_t old, rf_workers *ret_tell)
{
	uint64_t hash;
	struct rf_board_shard *s = rf_board_lock(b, number, &hash);
	struct rf_board_entry *line = rf_board_find(s, number, hash);
	int rc = line ? 0 : rf_board_add(b, s, number, hash, &line);

	if (!rc) {
		line->mwi = (struct rf_board_mwi){ true, fresh, old };
		*ret_tell = rf_board_changed(line);
	}
	pthread_mutex_unlock(&s->lock);
	return rc;
}

/* ---- reading */

static int read_line(struct rf_board_entry *line, struct rf_arena *arena, struct rf_board_line *ret)
{
	ret->version = line->version;
	ret->gone = line->gone;
	ret->mwi = line->mwi;
	int rc = rf_board_read_dialogs(line, arena, ret);

	return rc ? rc : rf_board_read_publications(line, arena, ret);
}

int rf_board_read(struct rf_board *b, struct rf_view number, struct rf_arena *arena, struct rf_board_line *ret_line)
{
	uint64_t hash;
	struct rf_board_shard *s = rf_board_lock(b, number, &hash);
	struct rf_board_entry *line = rf_board_find(s, number, hash);
	int rc;

	*ret_line = (struct rf_board_line){ .version = 0 };
	rc = line ? read_line(line, arena, ret_line) : 0;
	pthread_mutex_unlock(&s->lock);
	return rc;
}

void rf_board_counts(const struct rf_board *b, struct rf_board_counts *ret_counts)
{
	*ret_counts = (struct rf_board_counts){
		.lines = atomic_load(&b->lines),
		.subscriptions = atomic_load(&b->subscriptions),
		.publications = atomic_load(&b->publications),
		.subscriptions_refused = atomic_load(&b->subscriptions_refused),
		.publications_refused = atomic_load(&b->publications_refused),
		.dialogs_refused = atomic_load(&b->dialogs_refused),
	};
}
