#include "base/arena.h"

#include "base/secret.h"

#include <errno.h>
#include <stdalign.h>
#include <stdlib.h>

/* With its head the first block is one that malloc hands out quickly. */
enum { FIRST_STEP = 992, LAST_STEP = 64 * 1024 };

struct rf_arena_block {
	struct rf_arena_block *older;
	size_t size, fill;
	alignas(max_align_t) uint8_t bytes[];
};

void rf_arena_init(struct rf_arena *a, size_t cap_bytes)
{
	*a = (struct rf_arena){ .cap = cap_bytes, .step = FIRST_STEP };
}

void rf_arena_fini(struct rf_arena *a)
{
	while (a->head) {
		struct rf_arena_block *b = a->head;

		a->head = b->older;
		free(b);
	}
	a->used = 0;
	a->step = FIRST_STEP;
}

static void free_blocks(struct rf_arena *a, struct rf_arena_block *b)
{
	while (b) {
		struct rf_arena_block *older = b->older;

		a->used -= sizeof *b + b->size;
		free(b);
		b = older;
	}
}

void rf_arena_reset(struct rf_arena *a)
{
	struct rf_arena_block *b = a->head;

	/* Keep the newest block, which is the largest as a rule, so that a loop of use and reset
	 * does not touch malloc. */
	if (!b || b->size > LAST_STEP) {
		rf_arena_fini(a);
		return;
	}
	free_blocks(a, b->older);
	b->older = NULL;
	b->fill = 0;
}

void rf_arena_wipe(struct rf_arena *a)
{
	for (struct rf_arena_block *b = a->head; b; b = b->older)
		rf_secret_wipe(b->bytes, b->fill);
	rf_arena_reset(a);
}

static struct rf_arena_block *add_block(struct rf_arena *a, size_t need)
{
	size_t size = a->step > need ? a->step : need, total;

	if (a->head && !a->head->older && !a->head->fill) { /* kept, and too small: it takes nothing from the cap */
		free_blocks(a, a->head);
		a->head = NULL;
	}
	if (__builtin_add_overflow(size, sizeof(struct rf_arena_block), &total))
		return NULL;
	if (total > a->cap - a->used) {
		size = need; /* near the cap take just what is needed */
		if (__builtin_add_overflow(size, sizeof(struct rf_arena_block), &total) || total > a->cap - a->used)
			return NULL;
	}
	struct rf_arena_block *b = malloc(total);
	if (!b)
		return NULL;
	b->older = a->head;
	b->size = size;
	b->fill = 0;
	a->head = b;
	a->used += total;
	if (a->step < LAST_STEP)
		a->step *= 2;
	return b;
}

void *rf_arena_alloc(struct rf_arena *a, size_t n)
{
	struct rf_arena_block *b = a->head;
	size_t need;

	if (__builtin_add_overflow(n, alignof(max_align_t) - 1, &need))
		return NULL;
	need &= ~(alignof(max_align_t) - 1);
	if (need == 0)
		need = alignof(max_align_t);
	if (!b || need > b->size - b->fill) {
		b = add_block(a, need);
		if (!b)
			return NULL;
	}
	void *p = b->bytes + b->fill;
	b->fill += need;
	return p;
}

void *rf_arena_zalloc(struct rf_arena *a, size_t n)
{
	void *p = rf_arena_alloc(a, n);

	if (p)
		memset(p, 0, n);
	return p;
}

void *rf_arena_array(struct rf_arena *a, size_t count, size_t size)
{
	size_t n;

	return __builtin_mul_overflow(count, size, &n) ? NULL : rf_arena_zalloc(a, n);
}

int rf_view_dup(struct rf_arena *a, struct rf_view v, struct rf_view *ret_v)
{
	uint8_t *p = rf_arena_alloc(a, v.n);

	if (!p)
		return -ENOMEM;
	if (v.n)
		memcpy(p, v.p, v.n);
	*ret_v = (struct rf_view){ p, v.n };
	return 0;
}

char *rf_arena_cstr(struct rf_arena *a, struct rf_view v)
{
	char *s = v.n == SIZE_MAX ? NULL : rf_arena_alloc(a, v.n + 1);

	return s && rf_view_cstr(v, s, v.n + 1) ? s : NULL;
}
