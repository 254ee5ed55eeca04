/* An arena: many small allocations that end together. Capped, so that what a stranger sends can never make it
 * grow past the bound its owner chose. Not for threads: one owner at a time. */
#ifndef RF_BASE_ARENA_H
#define RF_BASE_ARENA_H

#include "base/view.h"

struct rf_arena_block;

struct rf_arena {
	struct rf_arena_block *head; /* the newest block; older ones behind it */
	size_t used;                 /* bytes asked of malloc */
	size_t cap;                  /* bound on used */
	size_t step;                 /* size of the next block */
};

/* cap: the most bytes this arena may take from malloc. Allocates nothing yet. */
void rf_arena_init(struct rf_arena *a, size_t cap_bytes);
/* Release everything; the arena may be used again. */
void rf_arena_reset(struct rf_arena *a);
void rf_arena_fini(struct rf_arena *a);
/* As reset, and what was in it is overwritten first: it had secrets. */
void rf_arena_wipe(struct rf_arena *a);

/* n bytes aligned for any type, NULL at the cap or when malloc has none. alloc does not clear, zalloc does. */
void *rf_arena_alloc(struct rf_arena *a, size_t n) __attribute__((alloc_size(2), malloc));
void *rf_arena_zalloc(struct rf_arena *a, size_t n) __attribute__((alloc_size(2), malloc));
/* count objects of size bytes, overflow checked, cleared. */
void *rf_arena_array(struct rf_arena *a, size_t count, size_t size);

/* Copy v; *ret_v points into the arena. -ENOMEM when it cannot. */
int rf_view_dup(struct rf_arena *a, struct rf_view v, struct rf_view *ret_v);
/* Copy v with a NUL behind it; NULL when it cannot or v holds a NUL. */
char *rf_arena_cstr(struct rf_arena *a, struct rf_view v);

#endif
