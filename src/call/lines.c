#include "call/lines.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { SLOTS = 16384 };

struct rf_line {
	struct rf_line *next;     /* never changes */
	_Atomic uint64_t idle_us;
	_Atomic unsigned legs;
	uint32_t n;
	uint8_t number[];
};

struct rf_lines {
	struct rf_hash_key key;
	_Atomic size_t count;
	_Atomic uint64_t refused;
	struct rf_line *_Atomic slot[SLOTS];
};

struct rf_lines *rf_lines_new(const struct rf_hash_key *key)
{
	struct rf_lines *l = calloc(1, sizeof *l);

	if (l)
		l->key = *key;
	return l;
}

void rf_lines_free(struct rf_lines *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < SLOTS; i++)
		for (struct rf_line *line = l->slot[i], *next; line; line = next) {
			next = line->next;
			free(line);
		}
	free(l);
}

static size_t slot_of(const struct rf_lines *l, struct rf_view number)
{
	return rf_hash(&l->key, number) % SLOTS;
}

static struct rf_line *in_chain(struct rf_line *line, struct rf_view number)
{
	while (line && !rf_view_eq(rf_view_of(line->number, line->n), number))
		line = line->next;
	return line;
}

static struct rf_line *find(const struct rf_lines *l, struct rf_view number)
{
	return in_chain(atomic_load_explicit(&l->slot[slot_of(l, number)], memory_order_acquire), number);
}

/* Two threads may enter a number at once: who comes second finds it and throws its own away. */
static struct rf_line *enter(struct rf_lines *l, struct rf_view number)
{
	struct rf_line *_Atomic *slot = &l->slot[slot_of(l, number)];
	struct rf_line *line, *first = atomic_load_explicit(slot, memory_order_acquire), *there;

	if (atomic_load_explicit(&l->count, memory_order_relaxed) >= RF_LINES_MAX ||
	    !(line = malloc(sizeof *line + number.n))) {
		atomic_fetch_add_explicit(&l->refused, 1, memory_order_relaxed);
		return NULL;
	}
	atomic_init(&line->idle_us, 0);
	atomic_init(&line->legs, 0);
	line->n = (uint32_t)number.n;
	memcpy(line->number, number.p, number.n);
	do {
		there = in_chain(first, number);
		if (there) {
			free(line);
			return there;
		}
		line->next = first;
	} while (!atomic_compare_exchange_weak_explicit(slot, &first, line, memory_order_release, memory_order_acquire));
	atomic_fetch_add_explicit(&l->count, 1, memory_order_relaxed);
	return line;
}

struct rf_line *rf_lines_take(struct rf_lines *l, struct rf_view number)
{
	struct rf_line *line = find(l, number);

	if (!line)
		line = enter(l, number);
	if (line)
		atomic_fetch_add_explicit(&line->legs, 1, memory_order_relaxed);
	return line;
}

void rf_line_give(struct rf_line *line, struct rf_mono now)
{
	if (!line)
		return;
	atomic_store_explicit(&line->idle_us, now.us, memory_order_relaxed);
	atomic_fetch_sub_explicit(&line->legs, 1, memory_order_relaxed);
}

unsigned rf_lines_busy(const struct rf_lines *l, struct rf_view number)
{
	const struct rf_line *line = find(l, number);

	return line ? atomic_load_explicit(&line->legs, memory_order_relaxed) : 0;
}

struct rf_mono rf_lines_idle_since(const struct rf_lines *l, struct rf_view number)
{
	const struct rf_line *line = find(l, number);

	return (struct rf_mono){ line ? atomic_load_explicit(&line->idle_us, memory_order_relaxed) : 0 };
}

uint64_t rf_lines_refused(const struct rf_lines *l)
{
	return atomic_load_explicit(&l->refused, memory_order_relaxed);
}
