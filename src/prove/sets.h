/* Sets, as binary decision diagrams. BuDDy sits behind this file alone.
 *
 * BuDDy has one state for the whole process, ends the process on an error, and forgets what nobody holds at any of its
 * operations. Here instead: one owner at a time (RF_E_BUSY for a second one), a sticky error after which every result
 * is the empty set and means nothing, a bound on nodes past which that error is RF_E_LIMIT, and results that are held
 * until the caller lets go of all since a mark:
 *
 *	size_t mark = rf_sets_mark(s);
 *	int x = ..., y = rf_sets_and(s, x, ...);
 *	y = rf_sets_release(s, mark, y);      // x may go, y is held by the caller's own mark
 *
 * Not for threads. */
#ifndef RF_PROVE_SETS_H
#define RF_PROVE_SETS_H

#include "base/err.h"

#include <stdbool.h>

struct rf_sets;

enum { RF_SETS_NODES_MAX = 32 * 1024 * 1024 }; /* of 20 bytes and some for caches */

/* Variables 0.. in this order. nodes_max: at most RF_SETS_NODES_MAX. */
int rf_sets_open(unsigned variables, unsigned nodes_max, struct rf_sets **ret_s);
void rf_sets_close(struct rf_sets *s);
int rf_sets_err(const struct rf_sets *s);
/* Nodes that are there now, for reports. */
unsigned rf_sets_nodes(const struct rf_sets *s);

static inline int rf_sets_none(void)
{
	return 0;
}

static inline int rf_sets_all(void)
{
	return 1;
}

size_t rf_sets_mark(const struct rf_sets *s);
/* Lets go of all results since the mark but `keep`, which is given back. */
int rf_sets_release(struct rf_sets *s, size_t mark, int keep);
/* The same for several. */
void rf_sets_release_but(struct rf_sets *s, size_t mark, const int *keep, size_t n);
/* Hold a result for good, over all marks. Gives it back. */
int rf_sets_hold(struct rf_sets *s, int x);

int rf_sets_var(struct rf_sets *s, unsigned variable, bool value);
int rf_sets_and(struct rf_sets *s, int x, int y);
int rf_sets_or(struct rf_sets *s, int x, int y);
int rf_sets_minus(struct rf_sets *s, int x, int y);
int rf_sets_not(struct rf_sets *s, int x);
/* Without the variables first..first+n-1: what x becomes when they may be anything. */
int rf_sets_forget(struct rf_sets *s, int x, unsigned first, unsigned n);
/* Variables a..a+n-1 and b..b+n-1 change places, for each of the pairs. */
struct rf_sets_swap {
	unsigned a, b, n;
};
int rf_sets_exchange(struct rf_sets *s, int x, const struct rf_sets_swap *swaps, unsigned count);
/* Values of the n variables from first on, most significant first, as a number of n bits in big-endian bytes, the
 * lowest bit in the last byte's lowest. lo <= hi. */
int rf_sets_between(struct rf_sets *s, unsigned first, unsigned n, const uint8_t *lo, const uint8_t *hi);
/* Where the mask has a bit, the variable has the value's. */
int rf_sets_masked(struct rf_sets *s, unsigned first, unsigned n, const uint8_t *value, const uint8_t *mask);

/* One member: bits[variable] is 0 or 1; those that do not matter are 0. false: the set is empty, or an error. */
bool rf_sets_member(struct rf_sets *s, int x, uint8_t *ret_bits);

#endif
