/* Randomness is passed in like the clock. rf_random_system() draws from the kernel through a buffer per thread-owned
 * object, so that a tag or a branch costs no system call. */
#ifndef RF_BASE_RANDOM_H
#define RF_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct rf_random {
	void (*fill)(struct rf_random *r, void *p, size_t n); /* cannot fail: ends the process if the kernel has none */
	uint8_t pool[512]; /* unused bytes lie at the end; used ones are wiped */
	size_t left;
};

/* One per thread: not shared. */
void rf_random_system(struct rf_random *r);

static inline void rf_random_fill(struct rf_random *r, void *p, size_t n)
{
	r->fill(r, p, n);
}

static inline uint64_t rf_random_u64(struct rf_random *r)
{
	uint64_t x;

	r->fill(r, &x, sizeof x);
	return x;
}

#endif
