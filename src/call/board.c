#include "call/board.h"

#include "base/err.h"
#include "base/table.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/queue.h>

enum {
	SHARDS = 64,
	MARKS = 4096,      /* counters of watched numbers by hash: what rf_board_watched() looks at */
	ENDED_KEPT = 4,    /* dialogs of a line that are over, so that a watcher hears it by name */
	NUMBER_MAX = 64,
};

struct dialog {
	TAILQ_ENTRY(dialog) list; /* oldest first */
	struct rf_board_dialog d;
	uint8_t text[];
};
TAILQ_HEAD(dialog_list, dialog);

struct publication {
	TAILQ_ENTRY(publication) list; /* newest first */
	struct rf_id etag;
	struct rf_mono expires;
	struct rf_presence p;
};
TAILQ_HEAD(publication_list, publication);

struct line {
	struct rf_node node;
	TAILQ_ENTRY(line) published;   /* in the shard's list while publications_n */
	rf_workers watching, told;     /* told: those who have not read it since */
	uint32_t version, gone;
	uint8_t dialogs_n, publications_n, number_n;
	struct dialog_list dialogs;
	struct publication_list publications;
	struct rf_board_mwi mwi;
	uint8_t number[NUMBER_MAX];
};
TAILQ_HEAD(line_list, line);

struct shard {
	pthread_mutex_t lock;          /* of all below, and of the lines in it */
	struct rf_table lines;
	struct line_list published;
};

struct rf_board {
	_Atomic size_t users, watched; /* watched: lines that somebody watches */
	_Atomic uint32_t marks[MARKS];
	_Atomic size_t lines, subscriptions, publications;
	_Atomic uint64_t subscriptions_refused, publications_refused, dialogs_refused;
	struct rf_board_limits limits;
	struct rf_hash_key key;
	struct shard shard[SHARDS];
};

int rf_board_new(const struct rf_board_limits *limits, const struct rf_hash_key *key, struct rf_board **ret_b)
{
	struct rf_board *b = calloc(1, sizeof *b);

	if (!b)
		return -ENOMEM;
	atomic_init(&b->users, 1);
	b->limits = *limits;
	b->key = *key;
	for (size_t i = 0; i < SHARDS; i++) {
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

static bool take(_Atomic size_t *n, size_t most)
{
	if (atomic_fetch_add_explicit(n, 1, memory_order_relaxed) < most)
		return true;
	atomic_fetch_sub_explicit(n, 1, memory_order_relaxed);
	return false;
}

static void give(_Atomic size_t *n)
{
	atomic_fetch_sub_explicit(n, 1, memory_order_relaxed);
}

static void refused(_Atomic uint64_t *n)
{
	atomic_fetch_add_explicit(n, 1, memory_order_relaxed);
}

static struct shard *shard_of(struct rf_board *b, uint64_t hash)
{
	return &b->shard[hash >> 58];
}

static struct shard *lock(struct rf_board *b, struct rf_view number, uint64_t *ret_hash)
{
	*ret_hash = rf_hash(&b->key, number);
	struct shard *s = shard_of(b, *ret_hash);

	pthread_mutex_lock(&s->lock);
	return s;
}

static struct line *find(struct shard *s, struct rf_view number, uint64_t hash)
{
	for (struct rf_node *n = rf_table_first(&s->lines, hash); n; n = rf_table_next(n)) {
		struct line *line = rf_container(n, struct line, node);

		if (rf_view_eq(rf_view_of(line->number, line->number_n), number))
			return line;
	}
	return NULL;
}

static int add(struct rf_board *b, struct shard *s, struct rf_view number, uint64_t hash, struct line **ret_line)
{
	if (number.n == 0 || number.n > NUMBER_MAX || !take(&b->lines, b->limits.lines))
		return RF_E_LIMIT;
	struct line *line = calloc(1, sizeof *line);
	int rc = line ? rf_table_add(&s->lines, &line->node, hash) : -ENOMEM;

	if (rc) {
		free(line);
		give(&b->lines);
		return rc;
	}
	memcpy(line->number, number.p, number.n);
	line->number_n = (uint8_t)number.n;
	TAILQ_INIT(&line->dialogs);
	TAILQ_INIT(&line->publications);
	*ret_line = line;
	return 0;
}

static void drop_dialog(struct line *line, struct dialog *d)
{
	TAILQ_REMOVE(&line->dialogs, d, list);
	line->dialogs_n--;
	free(d);
}

static void drop_publication(struct rf_board *b, struct shard *s, struct line *line, struct publication *p)
{
	TAILQ_REMOVE(&line->publications, p, list);
	if (--line->publications_n == 0)
		TAILQ_REMOVE(&s->published, line, published);
	give(&b->publications);
	free(p);
}

/* A line that says nothing to nobody leaves. */
static void settle(struct rf_board *b, struct shard *s, struct line *line)
{
	if (line->watching || line->publications_n || line->mwi.known)
		return;
	while (!TAILQ_EMPTY(&line->dialogs))
		drop_dialog(line, TAILQ_FIRST(&line->dialogs));
	rf_table_del(&s->lines, &line->node);
	give(&b->lines);
	free(line);
}

static rf_workers changed(struct line *line)
{
	rf_workers tell = line->watching & ~line->told;

	line->version++;
	line->told |= tell;
	return tell;
}

static void free_line(struct rf_node *node, void *arg)
{
	struct shard *s = arg;
	struct line *line = rf_container(node, struct line, node);
	struct publication *p;

	while (!TAILQ_EMPTY(&line->dialogs))
		drop_dialog(line, TAILQ_FIRST(&line->dialogs));
	while ((p = TAILQ_FIRST(&line->publications))) {
		TAILQ_REMOVE(&line->publications, p, list);
		free(p);
	}
	rf_table_del(&s->lines, node);
	free(line);
}

void rf_board_put(struct rf_board *b)
{
	if (!b || atomic_fetch_sub_explicit(&b->users, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < SHARDS; i++) {
		rf_table_each(&b->shard[i].lines, free_line, &b->shard[i]);
		rf_table_fini(&b->shard[i].lines);
		pthread_mutex_destroy(&b->shard[i].lock);
	}
	free(b);
}

/* ---- who watches */

int rf_board_subscribe(struct rf_board *b)
{
	if (take(&b->subscriptions, b->limits.subscriptions))
		return 0;
	refused(&b->subscriptions_refused);
	return RF_E_LIMIT;
}

void rf_board_unsubscribe(struct rf_board *b)
{
	give(&b->subscriptions);
}

static _Atomic uint32_t *mark_of(struct rf_board *b, uint64_t hash)
{
	return &b->marks[hash % MARKS];
}

int rf_board_watch(struct rf_board *b, struct rf_view number, unsigned worker, bool *ret_new)
{
	uint64_t hash;
	struct shard *s = lock(b, number, &hash);
	struct line *line = find(s, number, hash);
	int rc = line ? 0 : add(b, s, number, hash, &line);

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
	struct shard *s = lock(b, number, &hash);
	struct line *line = find(s, number, hash);

	if (line && line->watching & bit) {
		line->watching &= ~bit;
		line->told &= ~bit;
		if (!line->watching) {
			atomic_fetch_sub(mark_of(b, hash), 1);
			atomic_fetch_sub(&b->watched, 1);
			while (!TAILQ_EMPTY(&line->dialogs)) /* calls do not keep them true any more */
				drop_dialog(line, TAILQ_FIRST(&line->dialogs));
		}
		settle(b, s, line);
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
	       atomic_load_explicit(&b->marks[rf_hash(&b->key, number) % MARKS], memory_order_relaxed) != 0;
}

void rf_board_heard(struct rf_board *b, struct rf_view number, unsigned worker)
{
	uint64_t hash;
	struct shard *s = lock(b, number, &hash);
	struct line *line = find(s, number, hash);

	if (line)
		line->told &= ~((rf_workers)1 << worker);
	pthread_mutex_unlock(&s->lock);
}

/* ---- dialogs */

static struct rf_view keep(uint8_t **at, struct rf_view v)
{
	struct rf_view kept = rf_view_of(*at, v.n);

	if (v.n)
		memcpy(*at, v.p, v.n);
	*at += v.n;
	return kept;
}

static struct dialog *copy_dialog(const struct rf_board_dialog *d)
{
	struct dialog *x = malloc(sizeof *x + d->call_id.n + d->local_tag.n + d->remote_tag.n + d->remote_number.n +
				  d->remote_display.n);

	if (!x)
		return NULL;
	uint8_t *at = x->text;

	x->d = *d;
	x->d.call_id = keep(&at, d->call_id);
	x->d.local_tag = keep(&at, d->local_tag);
	x->d.remote_tag = keep(&at, d->remote_tag);
	x->d.remote_number = keep(&at, d->remote_number);
	x->d.remote_display = keep(&at, d->remote_display);
	return x;
}

static struct dialog *find_dialog(struct line *line, const struct rf_id *id)
{
	struct dialog *d;

	TAILQ_FOREACH(d, &line->dialogs, list)
		if (memcmp(&d->d.id, id, sizeof *id) == 0)
			return d;
	return NULL;
}

/* Room for one more: the oldest that is over leaves first. */
static void forget_ended(struct line *line, unsigned keep_n)
{
	struct dialog *d, *next;
	unsigned ended = 0;

	TAILQ_FOREACH(d, &line->dialogs, list)
		ended += d->d.state == RF_LINE_TERMINATED;
	for (d = TAILQ_FIRST(&line->dialogs); d && ended > keep_n; d = next) {
		next = TAILQ_NEXT(d, list);
		if (d->d.state != RF_LINE_TERMINATED)
			continue;
		if (d->d.changed > line->gone)
			line->gone = d->d.changed;
		drop_dialog(line, d);
		ended--;
	}
}

static bool same(const struct rf_board_dialog *a, const struct rf_board_dialog *b)
{
	return a->state == b->state && a->initiator == b->initiator && rf_view_eq(a->call_id, b->call_id) &&
	       rf_view_eq(a->local_tag, b->local_tag) && rf_view_eq(a->remote_tag, b->remote_tag) &&
	       rf_view_eq(a->remote_number, b->remote_number) && rf_view_eq(a->remote_display, b->remote_display);
}

/* A dialog that has ended keeps what was known of it. */
static rf_workers end_dialog(struct line *line, struct dialog *d)
{
	if (d->d.state == RF_LINE_TERMINATED)
		return 0;
	rf_workers tell = changed(line);

	d->d.state = RF_LINE_TERMINATED;
	d->d.changed = line->version;
	TAILQ_REMOVE(&line->dialogs, d, list);
	TAILQ_INSERT_TAIL(&line->dialogs, d, list);
	forget_ended(line, ENDED_KEPT);
	return tell;
}

static rf_workers put_dialog(struct rf_board *b, struct line *line, const struct rf_board_dialog *d)
{
	struct dialog *old = find_dialog(line, &d->id), *x;

	if (d->state == RF_LINE_TERMINATED)
		return old ? end_dialog(line, old) : 0;
	if (old && same(&old->d, d))
		return 0;
	if (!old && line->dialogs_n >= RF_BOARD_DIALOGS)
		forget_ended(line, 0);
	if (!old && line->dialogs_n >= RF_BOARD_DIALOGS) {
		refused(&b->dialogs_refused);
		return 0;
	}
	x = copy_dialog(d);
	if (old)
		drop_dialog(line, old);
	rf_workers tell = changed(line);

	if (!x) {
		line->gone = line->version;
		return tell;
	}
	x->d.changed = line->version;
	TAILQ_INSERT_TAIL(&line->dialogs, x, list);
	line->dialogs_n++;
	return tell;
}

rf_workers rf_board_dialog(struct rf_board *b, struct rf_view number, const struct rf_board_dialog *d)
{
	uint64_t hash;
	struct shard *s = lock(b, number, &hash);
	struct line *line = find(s, number, hash);
	rf_workers tell = line && line->watching ? put_dialog(b, line, d) : 0;

	pthread_mutex_unlock(&s->lock);
	return tell;
}

rf_workers rf_board_touch(struct rf_board *b, struct rf_view number)
{
	uint64_t hash;
	struct shard *s = lock(b, number, &hash);
	struct line *line = find(s, number, hash);
	rf_workers tell = line ? changed(line) : 0;

	pthread_mutex_unlock(&s->lock);
	return tell;
}

int rf_board_mwi(struct rf_board *b, struct rf_view number, uint32_t fresh, uint32_t old, rf_workers *ret_tell)
{
	uint64_t hash;
	struct shard *s = lock(b, number, &hash);
	struct line *line = find(s, number, hash);
	int rc = line ? 0 : add(b, s, number, hash, &line);

	if (!rc) {
		line->mwi = (struct rf_board_mwi){ true, fresh, old };
		*ret_tell = changed(line);
	}
	pthread_mutex_unlock(&s->lock);
	return rc;
}

/* ---- publications */

static struct publication *find_publication(struct line *line, struct rf_view etag)
{
	struct publication *p;

	TAILQ_FOREACH(p, &line->publications, list)
		if (rf_view_eq(rf_id_view(&p->etag), etag))
			return p;
	return NULL;
}

static int new_publication(struct rf_board *b, struct shard *s, struct line *line, struct publication **ret_p)
{
	if (line->publications_n >= RF_BOARD_PUBLICATIONS)
		drop_publication(b, s, line, TAILQ_LAST(&line->publications, publication_list));
	if (!take(&b->publications, b->limits.publications)) {
		refused(&b->publications_refused);
		return RF_E_LIMIT;
	}
	struct publication *p = calloc(1, sizeof *p);

	if (!p) {
		give(&b->publications);
		return -ENOMEM;
	}
	if (line->publications_n++ == 0)
		TAILQ_INSERT_TAIL(&s->published, line, published);
	TAILQ_INSERT_HEAD(&line->publications, p, list);
	*ret_p = p;
	return 0;
}

static int publish(struct rf_board *b, struct shard *s, struct line *line, struct rf_view etag,
		   const struct rf_id *next, const struct rf_presence *p, struct rf_mono expires, rf_workers *ret_tell)
{
	struct publication *x = etag.n ? find_publication(line, etag) : NULL;
	int rc = x ? 0 : etag.n ? RF_E_NOT_FOUND : new_publication(b, s, line, &x);

	if (rc)
		return rc;
	if (expires.us == 0) {
		drop_publication(b, s, line, x);
		*ret_tell = changed(line);
		return 0;
	}
	x->etag = *next;
	x->expires = expires;
	*ret_tell = 0;
	if (p) {
		x->p = *p;
		TAILQ_REMOVE(&line->publications, x, list);
		TAILQ_INSERT_HEAD(&line->publications, x, list);
		*ret_tell = changed(line);
	}
	return 0;
}

int rf_board_publish(struct rf_board *b, struct rf_view number, struct rf_view etag, const struct rf_id *next,
		     const struct rf_presence *p, struct rf_mono expires, rf_workers *ret_tell)
{
	uint64_t hash;
	struct shard *s = lock(b, number, &hash);
	struct line *line = find(s, number, hash);
	int rc = line ? 0 : etag.n ? RF_E_NOT_FOUND : add(b, s, number, hash, &line);

	if (line) {
		rc = publish(b, s, line, etag, next, p, expires, ret_tell);
		settle(b, s, line);
	}
	pthread_mutex_unlock(&s->lock);
	return rc;
}

/* One line of a shard whose publication is over; false when there is none. */
static bool expire_one(struct rf_board *b, struct shard *s, struct rf_mono now, uint8_t number[static NUMBER_MAX],
		       size_t *ret_n, rf_workers *ret_tell)
{
	struct publication *p, *next;
	struct line *line;

	TAILQ_FOREACH(line, &s->published, published) {
		bool any = false;

		for (p = TAILQ_FIRST(&line->publications); p; p = next) {
			next = TAILQ_NEXT(p, list);
			if (p->expires.us > now.us)
				continue;
			any = true;
			drop_publication(b, s, line, p);
		}
		if (!any)
			continue;
		/* it may have left the list that we walk: no further step from here */
		memcpy(number, line->number, line->number_n);
		*ret_n = line->number_n;
		*ret_tell = changed(line);
		settle(b, s, line);
		return true;
	}
	return false;
}

void rf_board_expire(struct rf_board *b, struct rf_mono now, rf_board_gone_fn *gone, void *ctx)
{
	uint8_t number[NUMBER_MAX];
	rf_workers tell;
	size_t n;

	if (atomic_load_explicit(&b->publications, memory_order_relaxed) == 0)
		return;
	for (size_t i = 0; i < SHARDS; i++)
		for (bool any = true; any;) {
			pthread_mutex_lock(&b->shard[i].lock);
			any = expire_one(b, &b->shard[i], now, number, &n, &tell);
			pthread_mutex_unlock(&b->shard[i].lock);
			if (any)
				gone(ctx, rf_view_of(number, n), tell);
		}
}

/* ---- reading */

static int copy_out(struct rf_arena *arena, const struct rf_board_dialog *from, struct rf_board_dialog *to)
{
	*to = *from;
	if (rf_view_dup(arena, from->call_id, &to->call_id) || rf_view_dup(arena, from->local_tag, &to->local_tag) ||
	    rf_view_dup(arena, from->remote_tag, &to->remote_tag) ||
	    rf_view_dup(arena, from->remote_number, &to->remote_number) ||
	    rf_view_dup(arena, from->remote_display, &to->remote_display))
		return -ENOMEM;
	return 0;
}

static int read_line(struct line *line, struct rf_arena *arena, struct rf_board_line *ret)
{
	const struct publication *p;
	const struct dialog *d;

	ret->version = line->version;
	ret->gone = line->gone;
	ret->mwi = line->mwi;
	ret->dialog = rf_arena_array(arena, line->dialogs_n + 1u, sizeof *ret->dialog);
	ret->presence = rf_arena_array(arena, line->publications_n + 1u, sizeof *ret->presence);
	if (!ret->dialog || !ret->presence)
		return -ENOMEM;
	TAILQ_FOREACH(d, &line->dialogs, list)
		if (copy_out(arena, &d->d, &ret->dialog[ret->dialogs++]))
			return -ENOMEM;
	TAILQ_FOREACH(p, &line->publications, list)
		ret->presence[ret->presences++] = p->p;
	return 0;
}

int rf_board_read(struct rf_board *b, struct rf_view number, struct rf_arena *arena, struct rf_board_line *ret_line)
{
	uint64_t hash;
	struct shard *s = lock(b, number, &hash);
	struct line *line = find(s, number, hash);
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
