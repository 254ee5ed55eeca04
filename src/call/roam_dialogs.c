/* Dialogs of phones outside, by our tag: what the controller calls the same call. */
#include "call/roam_dialogs.h"

#include "base/err.h"
#include "base/table.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { PIECES = 7 };

struct entry {
	struct rf_node node;
	struct rf_view piece[PIECES]; /* behind it: tag; phone, call_id, their_tag; the other side's three */
};

struct rf_roam_dialogs {
	pthread_mutex_t lock;
	struct rf_hash_key key;
	struct rf_table table;
};

struct rf_roam_dialogs *rf_roam_dialogs_new(const struct rf_hash_key *key)
{
	struct rf_roam_dialogs *d = calloc(1, sizeof *d);

	if (!d)
		return NULL;
	pthread_mutex_init(&d->lock, NULL);
	d->key = *key;
	rf_table_init(&d->table, RF_ROAM_DIALOGS_MAX);
	return d;
}

static void free_entry(struct rf_node *n, void *arg)
{
	struct rf_roam_dialogs *d = arg;

	rf_table_del(&d->table, n);
	free(rf_container(n, struct entry, node));
}

void rf_roam_dialogs_free(struct rf_roam_dialogs *d)
{
	if (!d)
		return;
	rf_table_each(&d->table, free_entry, d);
	rf_table_fini(&d->table);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

static struct entry *make(const struct rf_roam_dialog *x)
{
	const struct rf_view from[PIECES] = {
		x->tag, x->phone, x->call_id, x->their_tag, x->there.call_id, x->there.to_tag, x->there.from_tag,
	};
	size_t n = 0;

	for (size_t i = 0; i < PIECES; i++)
		n += from[i].n;
	struct entry *e = malloc(sizeof *e + n);

	if (!e)
		return NULL;
	uint8_t *at = (uint8_t *)(e + 1);

	for (size_t i = 0; i < PIECES; i++) {
		if (from[i].n)
			memcpy(at, from[i].p, from[i].n);
		e->piece[i] = rf_view_of(at, from[i].n);
		at += from[i].n;
	}
	return e;
}

static struct entry *find(struct rf_roam_dialogs *d, struct rf_view tag)
{
	for (struct rf_node *n = rf_table_first(&d->table, rf_hash(&d->key, tag)); n; n = rf_table_next(n))
		if (rf_view_eq(rf_container(n, struct entry, node)->piece[0], tag))
			return rf_container(n, struct entry, node);
	return NULL;
}

static void forget(struct rf_roam_dialogs *d, struct rf_view tag)
{
	struct entry *old = find(d, tag);

	if (old)
		free_entry(&old->node, d);
}

int rf_roam_dialogs_put(struct rf_roam_dialogs *d, const struct rf_roam_dialog *x)
{
	struct entry *e = make(x);

	if (!e)
		return -ENOMEM;
	pthread_mutex_lock(&d->lock);
	forget(d, x->tag);
	int rc = rf_table_add(&d->table, &e->node, rf_hash(&d->key, x->tag));

	pthread_mutex_unlock(&d->lock);
	if (rc)
		free(e);
	return rc;
}

void rf_roam_dialogs_forget(struct rf_roam_dialogs *d, struct rf_view tag)
{
	pthread_mutex_lock(&d->lock);
	forget(d, tag);
	pthread_mutex_unlock(&d->lock);
}

static bool copy(struct rf_view from, uint8_t **at, size_t *room, struct rf_view *ret)
{
	if (from.n > *room)
		return false;
	if (from.n)
		memcpy(*at, from.p, from.n);
	*ret = rf_view_of(*at, from.n);
	*at += from.n;
	*room -= from.n;
	return true;
}

bool rf_roam_dialogs_find(struct rf_roam_dialogs *d, struct rf_view phone, const struct rf_replaces *named,
			  uint8_t *buf, size_t cap, struct rf_replaces *ret_there)
{
	struct rf_replaces there = { .early_only = named->early_only };

	pthread_mutex_lock(&d->lock);
	const struct entry *e = find(d, named->to_tag);
	bool found = e && rf_view_eq(e->piece[1], phone) && rf_view_eq(e->piece[2], named->call_id) &&
		     rf_view_eq(e->piece[3], named->from_tag) && copy(e->piece[4], &buf, &cap, &there.call_id) &&
		     copy(e->piece[5], &buf, &cap, &there.to_tag) && copy(e->piece[6], &buf, &cap, &there.from_tag);

	pthread_mutex_unlock(&d->lock);
	if (found)
		*ret_there = there;
	return found;
}

size_t rf_roam_dialogs_count(struct rf_roam_dialogs *d)
{
	pthread_mutex_lock(&d->lock);
	size_t n = d->table.count;

	pthread_mutex_unlock(&d->lock);
	return n;
}
