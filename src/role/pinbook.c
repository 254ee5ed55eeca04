#include "role/pinbook_int.h"

#include <stdlib.h>
#include <string.h>

/* A session's set, as it was last given. */
struct session {
	struct rf_node node;
	uint64_t key;
	size_t n;
	struct pin *v[];
};

/* --- tuples */

static struct pin *find(const struct rf_pinbook *b, const struct rf_tuple *t, uint64_t hash)
{
	for (struct rf_node *n = rf_table_first(&b->pins, hash); n; n = rf_table_next(n)) {
		struct pin *p = rf_container(n, struct pin, node);

		if (memcmp(&p->tuple, t, sizeof *t) == 0)
			return p;
	}
	return NULL;
}

void pin_release(struct rf_pinbook *b, struct pin *p)
{
	if (p->wanted)
		return;
	for (unsigned i = 0; i < b->conf.walls; i++)
		if (p->at[i].flying || p->at[i].state != PIN_NONE)
			return;
	for (unsigned i = 0; i < b->conf.walls; i++)
		pin_unlist(b, &p->at[i]);
	rf_table_del(&b->pins, &p->node);
	free(p);
}

static int make(struct rf_pinbook *b, const struct rf_tuple *t, uint64_t hash, struct pin **ret)
{
	if (b->wanted >= b->conf.tuples_max)
		return RF_E_LIMIT;
	struct pin *p = calloc(1, sizeof *p + b->conf.walls * sizeof p->at[0]);
	int rc = p ? rf_table_add(&b->pins, &p->node, hash) : -ENOMEM;

	if (rc) {
		free(p);
		return rc;
	}
	p->tuple = *t;
	for (unsigned i = 0; i < b->conf.walls; i++) {
		p->at[i].wall = (uint8_t)i;
		p->at[i].list = LIST_NONE;
	}
	*ret = p;
	return 0;
}

/* It is wanted, or it is not any more: whatever it waited for, it waits no longer. */
static void turn(struct rf_pinbook *b, struct pin *p)
{
	for (unsigned i = 0; i < b->conf.walls; i++) {
		pin_unlist(b, &p->at[i]);
		pin_sort(b, &p->at[i]);
	}
}

static int take(struct rf_pinbook *b, const struct rf_tuple *t, struct pin **ret)
{
	uint64_t hash = rf_hash(&b->conf.hash_key, rf_view_of(t, sizeof *t));
	struct pin *p = find(b, t, hash);

	if (p && !p->wanted && b->wanted >= b->conf.tuples_max)
		return RF_E_LIMIT;
	int rc = p ? 0 : make(b, t, hash, &p);

	if (rc)
		return rc;
	if (p->wanted++ == 0) {
		p->wanted_us = b->now_us;
		b->wanted++;
		turn(b, p);
	}
	*ret = p;
	return 0;
}

static void let_go(struct rf_pinbook *b, struct pin *p)
{
	if (--p->wanted)
		return;
	b->wanted--;
	turn(b, p);
	pin_release(b, p);
}

/* --- sessions */

static uint64_t hash_of(const struct rf_pinbook *b, uint64_t key)
{
	return rf_hash(&b->conf.hash_key, rf_view_of(&key, sizeof key));
}

static struct session *session_of(const struct rf_pinbook *b, uint64_t key)
{
	for (struct rf_node *n = rf_table_first(&b->sessions, hash_of(b, key)); n; n = rf_table_next(n)) {
		struct session *s = rf_container(n, struct session, node);

		if (s->key == key)
			return s;
	}
	return NULL;
}

static void end_session(struct rf_pinbook *b, struct session *s)
{
	for (size_t i = 0; i < s->n; i++)
		let_go(b, s->v[i]);
	rf_table_del(&b->sessions, &s->node);
	free(s);
}

int rf_pinbook_want(struct rf_pinbook *b, uint64_t key, const struct rf_tuple *tuples, size_t n)
{
	struct session *before = session_of(b, key), *s = NULL;
	int rc = n > RF_PIN_OF_SESSION_MAX ? RF_E_LIMIT : 0;

	if (n > RF_PIN_OF_SESSION_MAX) {
		b->full += n - RF_PIN_OF_SESSION_MAX;
		n = RF_PIN_OF_SESSION_MAX;
	}
	if (n)
		s = calloc(1, sizeof *s + n * sizeof s->v[0]);
	for (size_t i = 0; s && i < n; i++) {
		int one = take(b, &tuples[i], &s->v[s->n]);

		s->n += one == 0;
		b->full += one != 0;
		rc = one ? one : rc;
	}
	if (n && !s)
		rc = -ENOMEM;
	/* The new ones were taken first: what is in both sets is never without an owner. */
	if (before)
		end_session(b, before);
	if (!s)
		return rc;
	s->key = key;
	int added = rf_table_add(&b->sessions, &s->node, hash_of(b, key));
	if (added) {
		for (size_t i = 0; i < s->n; i++)
			let_go(b, s->v[i]);
		free(s);
		return added;
	}
	return rc;
}

static void drop_session(struct rf_node *n, void *arg)
{
	end_session(arg, rf_container(n, struct session, node));
}

void rf_pinbook_drop_all(struct rf_pinbook *b)
{
	rf_table_each(&b->sessions, drop_session, b);
}

void rf_pinbook_now(struct rf_pinbook *b, struct rf_mono now)
{
	b->now_us = now.us;
}

/* --- life */

int rf_pinbook_new(const struct rf_pinbook_conf *conf, struct rf_pinbook **ret_book)
{
	struct rf_pinbook *b = calloc(1, sizeof *b);

	if (!b)
		return -ENOMEM;
	b->conf = *conf;
	if (!b->conf.lease_s)
		b->conf.lease_s = RF_PIN_LEASE_S;
	if (!b->conf.tuples_max)
		b->conf.tuples_max = RF_PIN_TUPLES_MAX;
	/* What is being closed still needs its place. */
	rf_table_init(&b->pins, 2 * b->conf.tuples_max);
	rf_table_init(&b->sessions, b->conf.tuples_max);
	for (unsigned i = 0; i < b->conf.walls; i++) {
		pin_lists_init(&b->wall[i]);
		b->wall[i].swept = true;
	}
	*ret_book = b;
	return 0;
}

static void free_pin(struct rf_node *n, void *arg)
{
	rf_table_del(arg, n);
	free(rf_container(n, struct pin, node));
}

static void free_session(struct rf_node *n, void *arg)
{
	rf_table_del(arg, n);
	free(rf_container(n, struct session, node));
}

void rf_pinbook_free(struct rf_pinbook *b)
{
	if (!b)
		return;
	rf_table_each(&b->sessions, free_session, &b->sessions);
	rf_table_each(&b->pins, free_pin, &b->pins);
	rf_table_fini(&b->sessions);
	rf_table_fini(&b->pins);
	free(b->blocks);
	free(b);
}

void rf_pinbook_stats(const struct rf_pinbook *b, struct rf_pinbook_stats *ret)
{
	*ret = (struct rf_pinbook_stats){ .tuples = b->wanted, .sessions = b->sessions.count, .held = b->pins.count,
					  .full = b->full };
}

void rf_pinbook_wall_stats(const struct rf_pinbook *b, unsigned wall, struct rf_pinbook_wall *ret)
{
	const struct pin_wall *w = &b->wall[wall];

	*ret = w->stats;
	ret->open = w->open;
	ret->waiting = w->away + w->lists[LIST_CLOSE].n + w->lists[LIST_OPEN].n + w->lists[LIST_SOON].n +
		       w->lists[LIST_LATER].n;
}
