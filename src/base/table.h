/* A hash table of nodes embedded in their owners, for one thread, with a cap: at the cap rf_table_add() refuses and
 * counts, and what is in the table is not touched. The caller computes the hash (base/hash.h) and compares keys:
 *
 *	for (struct rf_node *n = rf_table_first(t, h); n; n = rf_table_next(n))
 *		if (rf_view_eq(rf_container(n, struct thing, node)->key, key))
 *			...
 */
#ifndef RF_BASE_TABLE_H
#define RF_BASE_TABLE_H

#include <stddef.h>
#include <stdint.h>

#define rf_container(ptr, type, member) ((type *)(void *)((char *)(ptr) - offsetof(type, member)))

struct rf_node {
	struct rf_node *next;
	uint64_t hash;
};

struct rf_table {
	struct rf_node **slots;
	size_t mask;      /* slots - 1; slots is a power of two, or 0 before the first add */
	size_t count, cap;
	uint64_t refused; /* adds refused at the cap */
};

void rf_table_init(struct rf_table *t, size_t cap);
/* Frees the slots, not the owners; the table must be empty or its owners freed by other means. */
void rf_table_fini(struct rf_table *t);

/* RF_E_LIMIT at the cap, -ENOMEM. The node must stay where it is until rf_table_del(). */
int rf_table_add(struct rf_table *t, struct rf_node *n, uint64_t hash);
/* The node must be in the table. */
void rf_table_del(struct rf_table *t, struct rf_node *n);

/* Nodes with exactly this hash. */
struct rf_node *rf_table_first(const struct rf_table *t, uint64_t hash);
struct rf_node *rf_table_next(const struct rf_node *n);

/* Visit every node; visit may delete the node that it is given, nothing else. */
void rf_table_each(struct rf_table *t, void (*visit)(struct rf_node *n, void *arg), void *arg);

#endif
