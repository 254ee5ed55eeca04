#include "prove/sets.h"

#include <bdd.h>
#include <stdlib.h>
#include <string.h>

/* The only writable variable of file scope in this room: BuDDy tells of errors by a function without an argument, and
 * has one state for the process anyway. NULL: nobody owns it. */
static struct rf_sets *owner;

enum { FIRST_NODES = 1 << 19, CACHE_RATIO = 4, MOST_INCREASE = 1 << 21 };

struct rf_sets {
	unsigned variables;
	int err;
	int *held;        /* results since the beginning */
	size_t n, room;
};

static void on_error(int code)
{
	if (owner && !owner->err)
		owner->err = code == BDD_NODENUM ? RF_E_LIMIT : code == BDD_MEMORY ? -ENOMEM : RF_E_CORRUPT;
}

int rf_sets_open(unsigned variables, unsigned nodes_max, struct rf_sets **ret_s)
{
	struct rf_sets *s;

	if (owner)
		return RF_E_BUSY;
	s = calloc(1, sizeof *s);
	if (!s)
		return -ENOMEM;
	if (nodes_max > RF_SETS_NODES_MAX)
		nodes_max = RF_SETS_NODES_MAX;
	s->variables = variables;
	/* BuDDy rounds up to a prime, and refuses a bound below what it has. */
	unsigned first = nodes_max / 2 < FIRST_NODES ? nodes_max / 2 : FIRST_NODES;
	if (bdd_init((int)first, (int)(first / CACHE_RATIO)) < 0) {
		free(s);
		return -ENOMEM;
	}
	owner = s;
	bdd_error_hook(on_error); /* bdd_init() has put its own there, which ends the process */
	bdd_gbc_hook(NULL);
	bdd_resize_hook(NULL);
	bdd_setmaxnodenum((int)nodes_max);
	bdd_setmaxincrease(MOST_INCREASE);
	bdd_setcacheratio(CACHE_RATIO);
	bdd_setvarnum((int)variables);
	int rc = s->err;
	if (rc) {
		rf_sets_close(s);
		return rc;
	}
	*ret_s = s;
	return 0;
}

void rf_sets_close(struct rf_sets *s)
{
	if (!s)
		return;
	bdd_done();
	owner = NULL;
	free(s->held);
	free(s);
}

int rf_sets_err(const struct rf_sets *s)
{
	return s->err;
}

unsigned rf_sets_nodes(const struct rf_sets *s)
{
	return s->err ? 0 : (unsigned)bdd_getnodenum();
}

size_t rf_sets_mark(const struct rf_sets *s)
{
	return s->n;
}

/* Constants and variables are never forgotten, so they need no holding; but it does no harm. */
static int keep(struct rf_sets *s, int x)
{
	if (s->err || x < 0)
		return 0;
	if (s->n == s->room) {
		size_t room = s->room ? s->room * 2 : 1024;
		int *more = realloc(s->held, room * sizeof *more);

		if (!more) {
			s->err = -ENOMEM;
			return 0;
		}
		s->held = more;
		s->room = room;
	}
	s->held[s->n++] = x;
	return bdd_addref(x);
}

int rf_sets_release(struct rf_sets *s, size_t mark, int x)
{
	rf_sets_release_but(s, mark, &x, 1);
	return s->err ? 0 : x;
}

void rf_sets_release_but(struct rf_sets *s, size_t mark, const int *but, size_t n)
{
	if (s->err)
		return;
	for (size_t i = 0; i < n; i++)
		bdd_addref(but[i]);
	while (s->n > mark)
		bdd_delref(s->held[--s->n]);
	for (size_t i = 0; i < n; i++) {
		keep(s, but[i]);
		bdd_delref(but[i]);
	}
}

int rf_sets_hold(struct rf_sets *s, int x)
{
	return s->err ? 0 : bdd_addref(x);
}

int rf_sets_var(struct rf_sets *s, unsigned variable, bool value)
{
	return s->err ? 0 : value ? bdd_ithvar((int)variable) : bdd_nithvar((int)variable);
}

int rf_sets_and(struct rf_sets *s, int x, int y)
{
	return s->err ? 0 : keep(s, bdd_apply(x, y, bddop_and));
}

int rf_sets_or(struct rf_sets *s, int x, int y)
{
	return s->err ? 0 : keep(s, bdd_apply(x, y, bddop_or));
}

int rf_sets_minus(struct rf_sets *s, int x, int y)
{
	return s->err ? 0 : keep(s, bdd_apply(x, y, bddop_diff));
}

int rf_sets_not(struct rf_sets *s, int x)
{
	return s->err ? 0 : keep(s, bdd_not(x));
}

int rf_sets_forget(struct rf_sets *s, int x, unsigned first, unsigned n)
{
	size_t mark = rf_sets_mark(s);
	int cube = 1;

	if (x < 2 || s->err)
		return x;
	for (unsigned i = first + n; i-- > first; )
		cube = rf_sets_and(s, rf_sets_var(s, i, true), cube);
	return rf_sets_release(s, mark, s->err ? 0 : keep(s, bdd_exist(x, cube)));
}

int rf_sets_exchange(struct rf_sets *s, int x, const struct rf_sets_swap *swaps, unsigned count)
{
	bddPair *pair = s->err || x < 2 ? NULL : bdd_newpair();

	if (!pair)
		return x;
	for (unsigned k = 0; k < count; k++)
		for (unsigned i = 0; i < swaps[k].n; i++) {
			bdd_setpair(pair, (int)(swaps[k].a + i), (int)(swaps[k].b + i));
			bdd_setpair(pair, (int)(swaps[k].b + i), (int)(swaps[k].a + i));
		}
	x = keep(s, bdd_replace(x, pair));
	bdd_freepair(pair);
	return x;
}

static bool bit(const uint8_t *p, unsigned n, unsigned i)
{
	unsigned at = (n + 7) / 8 * 8 - n + i;

	return p[at / 8] >> (7 - at % 8) & 1;
}

int rf_sets_between(struct rf_sets *s, unsigned first, unsigned n, const uint8_t *lo, const uint8_t *hi)
{
	size_t mark = rf_sets_mark(s);
	unsigned same = 0;
	int above = 1, below = 1;

	/* From the last bit up: what is at least lo, and at most hi, as far as the bits below go. */
	while (same < n && bit(lo, n, same) == bit(hi, n, same))
		same++;
	for (unsigned i = n; i-- > same + 1; ) {
		int one = rf_sets_var(s, first + i, true), zero = rf_sets_var(s, first + i, false);

		above = bit(lo, n, i) ? rf_sets_and(s, one, above) : above == 1 ? 1 : rf_sets_or(s, one, above);
		below = bit(hi, n, i) ? below == 1 ? 1 : rf_sets_or(s, zero, below) : rf_sets_and(s, zero, below);
	}
	int x = 1;
	if (same < n) /* here lo has 0 and hi 1 */
		x = above == 1 && below == 1 ? 1
		  : rf_sets_or(s, rf_sets_and(s, rf_sets_var(s, first + same, false), above),
			       rf_sets_and(s, rf_sets_var(s, first + same, true), below));
	for (unsigned i = same; i-- > 0; )
		x = rf_sets_and(s, rf_sets_var(s, first + i, bit(lo, n, i)), x);
	return rf_sets_release(s, mark, x);
}

int rf_sets_masked(struct rf_sets *s, unsigned first, unsigned n, const uint8_t *value, const uint8_t *mask)
{
	size_t mark = rf_sets_mark(s);
	int x = 1;

	for (unsigned i = n; i-- > 0; )
		if (bit(mask, n, i))
			x = rf_sets_and(s, rf_sets_var(s, first + i, bit(value, n, i)), x);
	return rf_sets_release(s, mark, x);
}

bool rf_sets_member(struct rf_sets *s, int x, uint8_t *ret_bits)
{
	if (s->err || x == 0)
		return false;
	memset(ret_bits, 0, s->variables);
	while (x > 1) {
		bool high = bdd_low(x) == 0;

		ret_bits[bdd_var(x)] = high;
		x = high ? bdd_high(x) : bdd_low(x);
	}
	return true;
}
