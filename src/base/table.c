#include "base/table.h"

#include "base/err.h"

#include <stdlib.h>

enum { FIRST_SLOTS = 64 };

void rf_table_init(struct rf_table *t, size_t cap)
{
	*t = (struct rf_table){ .cap = cap };
}

void rf_table_fini(struct rf_table *t)
{
	free(t->slots);
	*t = (struct rf_table){ .cap = t->cap };
}

static int grow(struct rf_table *t)
{
	size_t old = t->slots ? t->mask + 1 : 0;
	size_t want = old ? old * 2 : FIRST_SLOTS;
	struct rf_node **slots = calloc(want, sizeof *slots);

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < old; i++) {
		struct rf_node *n = t->slots[i];

		while (n) {
			struct rf_node *next = n->next, **slot = &slots[n->hash & (want - 1)];

			n->next = *slot;
			*slot = n;
			n = next;
		}
	}
	free(t->slots);
	t->slots = slots;
	t->mask = want - 1;
	return 0;
}

int rf_table_add(struct rf_table *t, struct rf_node *n, uint64_t hash)
{
	if (t->count >= t->cap) {
		t->refused++;
		return RF_E_LIMIT;
	}
	if (!t->slots || t->count > t->mask / 2) { /* half full: most searches for what is not there touch no node */
		int rc = grow(t);

		if (rc && !t->slots)
			return rc; /* without memory for more slots a full table still works, with longer chains */
	}
	struct rf_node **slot = &t->slots[hash & t->mask];
	n->hash = hash;
	n->next = *slot;
	*slot = n;
	t->count++;
	return 0;
}

void rf_table_del(struct rf_table *t, struct rf_node *n)
{
	struct rf_node **link = &t->slots[n->hash & t->mask];

	while (*link != n)
		link = &(*link)->next;
	*link = n->next;
	n->next = NULL;
	t->count--;
}

static struct rf_node *same(struct rf_node *n, uint64_t hash)
{
	while (n && n->hash != hash)
		n = n->next;
	return n;
}

struct rf_node *rf_table_first(const struct rf_table *t, uint64_t hash)
{
	return t->slots ? same(t->slots[hash & t->mask], hash) : NULL;
}

struct rf_node *rf_table_next(const struct rf_node *n)
{
	return same(n->next, n->hash);
}

void rf_table_each(struct rf_table *t, void (*visit)(struct rf_node *n, void *arg), void *arg)
{
	for (size_t i = 0; t->slots && i <= t->mask; i++)
		for (struct rf_node *n = t->slots[i], *next; n; n = next) {
			next = n->next;
			visit(n, arg);
		}
}
