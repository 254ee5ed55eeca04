/* Sets: what they hold, and that running out is an error and not the end of the process. */
#include "prove/sets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void bits_of(uint32_t x, unsigned n, uint8_t *ret)
{
	for (unsigned i = 0; i < n; i++)
		ret[i] = x >> (n - 1 - i) & 1;
}

static bool holds(struct rf_sets *s, int x, uint32_t value, unsigned n)
{
	uint8_t bits[16];
	int one = rf_sets_all();

	bits_of(value, n, bits);
	for (unsigned i = 0; i < n; i++)
		one = rf_sets_and(s, one, rf_sets_var(s, i, bits[i]));
	return rf_sets_and(s, one, x) != rf_sets_none();
}

static void ranges(void **state)
{
	enum { N = 6 };
	struct rf_sets *s;

	(void)state;
	assert_int_equal(rf_sets_open(N, 10000, &s), 0);
	for (uint8_t lo = 0; lo < 64; lo += 3)
		for (uint8_t hi = lo; hi < 64; hi++) {
			size_t mark = rf_sets_mark(s);
			int x = rf_sets_between(s, 0, N, &lo, &hi), y = rf_sets_masked(s, 0, N, &lo, &hi);

			for (uint8_t v = 0; v < 64; v++) {
				if (holds(s, x, v, N) != (v >= lo && v <= hi))
					fail_msg("%u in %u..%u", v, lo, hi);
				if (holds(s, y, v, N) != ((v & hi) == (lo & hi)))
					fail_msg("%u & %u == %u", v, hi, lo);
			}
			rf_sets_release(s, mark, rf_sets_none());
		}
	assert_int_equal(rf_sets_err(s), 0);
	rf_sets_close(s);
}

static void forget_and_exchange(void **state)
{
	struct rf_sets *s;
	struct rf_sets_swap swap = { 0, 4, 4 };
	uint8_t lo = 3, hi = 9, bits[8];

	(void)state;
	assert_int_equal(rf_sets_open(8, 10000, &s), 0);
	int low = rf_sets_between(s, 0, 4, &lo, &lo), high = rf_sets_between(s, 4, 4, &hi, &hi);
	int both = rf_sets_and(s, low, high);
	assert_int_equal(rf_sets_forget(s, both, 4, 4), low);
	int turned = rf_sets_exchange(s, both, &swap, 1);
	assert_true(holds(s, turned, 9u << 4 | 3, 8));
	assert_false(holds(s, turned, 3u << 4 | 9, 8));
	assert_int_equal(rf_sets_exchange(s, turned, &swap, 1), both);
	assert_true(rf_sets_member(s, both, bits));
	assert_int_equal(bits[3] + 2 * bits[2] + 4 * bits[1] + 8 * bits[0], 3);
	assert_false(rf_sets_member(s, rf_sets_none(), bits));
	assert_int_equal(rf_sets_minus(s, both, low), rf_sets_none());
	assert_int_equal(rf_sets_or(s, low, rf_sets_not(s, low)), rf_sets_all());
	rf_sets_close(s);
}

/* x1 = y1, x2 = y2, ... with all x before all y: as many nodes as there are values. */
static void running_out(void **state)
{
	enum { N = 20 };
	struct rf_sets *s, *second;
	uint8_t bits[2 * N];

	(void)state;
	assert_int_equal(rf_sets_open(2 * N, 20000, &s), 0);
	assert_int_equal(rf_sets_open(4, 1000, &second), RF_E_BUSY);
	int x = rf_sets_all();
	for (unsigned i = 0; i < N; i++) {
		int same = rf_sets_or(s, rf_sets_and(s, rf_sets_var(s, i, true), rf_sets_var(s, N + i, true)),
				      rf_sets_and(s, rf_sets_var(s, i, false), rf_sets_var(s, N + i, false)));

		x = rf_sets_and(s, x, same);
	}
	assert_int_equal(rf_sets_err(s), RF_E_LIMIT);
	assert_int_equal(x, rf_sets_none());
	assert_false(rf_sets_member(s, rf_sets_all(), bits));
	assert_int_equal(rf_sets_and(s, rf_sets_all(), rf_sets_all()), rf_sets_none());
	rf_sets_close(s);
	/* And again from the beginning. */
	assert_int_equal(rf_sets_open(4, 1000, &s), 0);
	assert_int_equal(rf_sets_err(s), 0);
	assert_int_not_equal(rf_sets_var(s, 0, true), rf_sets_none());
	rf_sets_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges), cmocka_unit_test(forget_and_exchange), cmocka_unit_test(running_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
