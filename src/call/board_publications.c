/* The presence that the phones of a line have published. */
#include "call/board_int.h"

#include <stdlib.h>

struct rf_board_publication {
	TAILQ_ENTRY(rf_board_publication) list; /* newest first */
	struct rf_id etag;
	struct rf_mono expires;
	struct rf_presence p;
};

static void drop_publication(struct rf_board *b, struct rf_board_shard *s, struct rf_board_entry *line,
			     struct rf_board_publication *p)
{
	TAILQ_REMOVE(&line->publications, p, list);
	if (--line->publications_n == 0)
		TAILQ_REMOVE(&s->published, line, published);
	rf_board_give(&b->publications);
	free(p);
}

void rf_board_free_publications(struct rf_board_entry *line)
{
	struct rf_board_publication *p;

	while ((p = TAILQ_FIRST(&line->publications))) {
		TAILQ_REMOVE(&line->publications, p, list);
		free(p);
	}
}

static struct rf_board_publication *find_publication(struct rf_board_entry *line, struct rf_view etag)
{
	struct rf_board_publication *p;

	TAILQ_FOREACH(p, &line->publications, list)
		if (rf_view_eq(rf_id_view(&p->etag), etag))
			return p;
	return NULL;
}

static int new_publication(struct rf_board *b, struct rf_board_shard *s, struct rf_board_entry *line,
			   struct rf_board_publication **ret_p)
{
	if (line->publications_n >= RF_BOARD_PUBLICATIONS)
		drop_publication(b, s, line, TAILQ_LAST(&line->publications, rf_board_publications));
	if (!rf_board_take(&b->publications, b->limits.publications)) {
		rf_board_refused(&b->publications_refused);
		return RF_E_LIMIT;
	}
	struct rf_board_publication *p = calloc(1, sizeof *p);

	if (!p) {
		rf_board_give(&b->publications);
		return -ENOMEM;
	}
	if (line->publications_n++ == 0)
		TAILQ_INSERT_TAIL(&s->published, line, published);
	TAILQ_INSERT_HEAD(&line->publications, p, list);
	*ret_p = p;
	return 0;
}

static int publish(struct rf_board *b, struct rf_board_shard *s, struct rf_board_entry *line, struct rf_view etag,
		   const struct rf_id *next, const struct rf_presence *p, struct rf_mono expires, rf_workers *ret_tell)
{
	struct rf_board_publication *x = etag.n ? find_publication(line, etag) : NULL;
	int rc = x ? 0 : etag.n ? RF_E_NOT_FOUND : new_publication(b, s, line, &x);

	if (rc)
		return rc;
	if (expires.us == 0) {
		drop_publication(b, s, line, x);
		*ret_tell = rf_board_changed(line);
		return 0;
	}
	x->etag = *next;
	x->expires = expires;
	*ret_tell = 0;
	if (p) {
		x->p = *p;
		TAILQ_REMOVE(&line->publications, x, list);
		TAILQ_INSERT_HEAD(&line->publications, x, list);
		*ret_tell = rf_board_changed(line);
	}
	return 0;
}

int rf_board_publish(struct rf_board *b, struct rf_view number, struct rf_view etag, const struct rf_id *next,
		     const struct rf_presence *p, struct rf_mono expires, rf_workers *ret_tell)
{
	uint64_t hash;
	struct rf_board_shard *s = rf_board_lock(b, number, &hash);
	struct rf_board_entry *line = rf_board_find(s, number, hash);
	int rc = line ? 0 : etag.n ? RF_E_NOT_FOUND : rf_board_add(b, s, number, hash, &line);

	if (line) {
		rc = publish(b, s, line, etag, next, p, expires, ret_tell);
		rf_board_settle(b, s, line);
	}
	pthread_mutex_unlock(&s->lock);
	return rc;
}

/* One line of a shard whose publication is over; false when there is none. */
static bool expire_one(struct rf_board *b, struct rf_board_shard *s, struct rf_mono now,
		       uint8_t number[static RF_BOARD_NUMBER_MAX], size_t *ret_n, rf_workers *ret_tell)
{
	struct rf_board_publication *p, *next;
	struct rf_board_entry *line;

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
		*ret_tell = rf_board_changed(line);
		rf_board_settle(b, s, line);
		return true;
	}
	return false;
}

void rf_board_expire(struct rf_board *b, struct rf_mono now, rf_board_gone_fn *gone, void *ctx)
{
	uint8_t number[RF_BOARD_NUMBER_MAX];
	rf_workers tell;
	size_t n;

	if (atomic_load_explicit(&b->publications, memory_order_relaxed) == 0)
		return;
	for (size_t i = 0; i < RF_BOARD_SHARDS; i++)
		for (bool any = true; any;) {
			pthread_mutex_lock(&b->shard[i].lock);
			any = expire_one(b, &b->shard[i], now, number, &n, &tell);
			pthread_mutex_unlock(&b->shard[i].lock);
			if (any)
				gone(ctx, rf_view_of(number, n), tell);
		}
}

int rf_board_read_publications(const struct rf_board_entry *line, struct rf_arena *arena, struct rf_board_line *ret)
{
	const struct rf_board_publication *p;

	ret->presence = rf_arena_array(arena, line->publications_n + 1u, sizeof *ret->presence);
	if (!ret->presence)
		return -ENOMEM;
	TAILQ_FOREACH(p, &line->publications, list)
		ret->presence[ret->presences++] = p->p;
	return 0;
}
