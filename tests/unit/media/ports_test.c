#include "media/ports.h"

#include "base/err.h"
#include "fail_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void all_of_a_range_once(void **state)
{
	struct rf_random random;
	struct rf_ports *p;
	uint8_t seen[1024] = { 0 };
	uint16_t even, in_order = 0, last = 0;
	struct rf_port_kept kept;

	(void)state;
	rf_random_system(&random);
	assert_int_equal(rf_ports_new(20000, 22047, &random, &p), 0);
	assert_int_equal(rf_ports_left(p), 1024);
	for (unsigned i = 0; i < 1024; i++) {
		assert_int_equal(rf_ports_take(p, (struct rf_mono){ 0 }, &even, &kept), 0);
		assert_true(even >= 20000 && even <= 22046 && even % 2 == 0);
		assert_int_equal(seen[(even - 20000) / 2]++, 0);
		assert_true(kept.fd[0] == -1 && kept.fd[1] == -1);
		in_order += even == last + 2;
		last = even;
	}
	assert_true(in_order < 20); /* nobody guesses the next one: 1 is to be expected */
	assert_int_equal(rf_ports_take(p, (struct rf_mono){ 0 }, &even, &kept), RF_E_LIMIT);
	assert_int_equal(rf_ports_left(p), 0);
	rf_ports_free(p);
}

static void they_rest(void **state)
{
	struct rf_random random;
	struct rf_ports *p;
	uint16_t a, b, c, again;
	struct rf_port_kept kept;
	uint64_t t = 5000000;

	(void)state;
	rf_random_system(&random);
	assert_int_equal(rf_ports_new(30000, 30005, &random, &p), 0);
	assert_int_equal(rf_ports_take(p, (struct rf_mono){ t }, &a, &kept), 0);
	rf_ports_give(p, (struct rf_mono){ t }, a, NULL);
	assert_int_equal(rf_ports_left(p), 3);
	/* Two others are free: they come first. */
	assert_int_equal(rf_ports_take(p, (struct rf_mono){ t + 1 }, &b, &kept), 0);
	assert_int_equal(rf_ports_take(p, (struct rf_mono){ t + 1 }, &c, &kept), 0);
	assert_true(b != a && c != a && b != c);
	/* Nothing else is: the one that rested longest. */
	rf_ports_give(p, (struct rf_mono){ t + 2 }, b, NULL);
	assert_int_equal(rf_ports_take(p, (struct rf_mono){ t + 3 }, &again, &kept), 0);
	assert_int_equal(again, a);
	assert_int_equal(rf_ports_take(p, (struct rf_mono){ t + 3 }, &again, &kept), 0);
	assert_int_equal(again, b);
	assert_int_equal(rf_ports_take(p, (struct rf_mono){ t + 3 }, &again, &kept), RF_E_LIMIT);
	rf_ports_give(p, (struct rf_mono){ t }, a, NULL);
	rf_ports_give(p, (struct rf_mono){ t }, b, NULL);
	/* Rested: any of them again. */
	t += RF_PORTS_REST_MS * 1000u;
	unsigned as = 0;
	for (unsigned i = 0; i < 64; i++) {
		assert_int_equal(rf_ports_take(p, (struct rf_mono){ t }, &again, &kept), 0);
		as += again == a;
		rf_ports_give(p, (struct rf_mono){ t }, again, NULL);
		t += RF_PORTS_REST_MS * 1000u;
	}
	assert_in_range(as, 5, 59);
	rf_ports_free(p);
}

static void let_go(void *arg, const struct rf_port_kept *kept)
{
	unsigned *sum = arg;

	assert_true(kept->fd[0] >= 0 || kept->fd[1] >= 0);
	*sum += (unsigned)(kept->fd[0] + kept->fd[1]);
}

static void what_stays_with_a_pair(void **state)
{
	static const struct rf_port_kept some = { { 7, 8 }, { 0, 46 } }, one = { { -1, 9 }, { 0, 0 } };
	struct rf_random random;
	struct rf_ports *p;
	struct rf_port_kept kept;
	uint16_t a, b, c;
	uint64_t t = 5000000;

	(void)state;
	rf_random_system(&random);
	assert_int_equal(rf_ports_new(30000, 30199, &random, &p), 0);
	assert_int_equal(rf_ports_take(p, (struct rf_mono){ t }, &a, &kept), 0);
	assert_int_equal(rf_ports_take(p, (struct rf_mono){ t }, &b, &kept), 0);
	rf_ports_give(p, (struct rf_mono){ t }, a, &some);
	rf_ports_give(p, (struct rf_mono){ t }, b, &one);
	assert_int_equal(rf_ports_kept(p), 2);
	assert_int_equal(rf_ports_left(p), 100);
	/* It rests with them. */
	t += RF_PORTS_REST_MS * 1000u - 1;
	assert_int_equal(rf_ports_take(p, (struct rf_mono){ t }, &c, &kept), 0);
	assert_true(c != a && c != b && kept.fd[0] == -1 && kept.fd[1] == -1);
	/* Then it comes before 97 others. */
	t++;
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(rf_ports_take(p, (struct rf_mono){ t }, &c, &kept), 0);
		assert_true(c == a || c == b);
		assert_memory_equal(&kept, c == a ? &some : &one, sizeof kept);
	}
	assert_int_equal(rf_ports_kept(p), 0);
	assert_int_equal(rf_ports_left(p), 97);
	rf_ports_free(p);
}

static void what_nobody_needs_goes(void **state)
{
	struct rf_random random;
	struct rf_ports *p;
	struct rf_port_kept kept;
	uint16_t even[30];
	uint64_t t = 5000000;
	unsigned sum = 0;

	(void)state;
	rf_random_system(&random);
	assert_int_equal(rf_ports_new(30000, 30199, &random, &p), 0);
	for (unsigned i = 0; i < 30; i++)
		assert_int_equal(rf_ports_take(p, (struct rf_mono){ t }, &even[i], &kept), 0);
	for (unsigned i = 0; i < 30; i++) /* ten long ago, ten lately, ten now */
		rf_ports_give(p, (struct rf_mono){ t + i / 10 * 15000000 }, even[i],
			      &(struct rf_port_kept){ { i < 10 ? 1 : i < 20 ? 100 : 10000, 0 }, { 0, 0 } });
	t += RF_PORTS_KEEP_MS * 1000u;
	assert_true(rf_ports_let_go(p, (struct rf_mono){ t - 1 }, false, 0, 100, let_go, &sum));
	assert_int_equal(sum, 0);
	assert_false(rf_ports_let_go(p, (struct rf_mono){ t }, false, 0, 4, let_go, &sum));
	assert_int_equal(sum, 4);
	assert_true(rf_ports_let_go(p, (struct rf_mono){ t }, false, 0, 6, let_go, &sum));
	assert_int_equal(sum, 10);
	assert_int_equal(rf_ports_kept(p), 20);
	/* All: those that rest, too; they go on resting. */
	assert_false(rf_ports_let_go(p, (struct rf_mono){ t }, true, 0, 13, let_go, &sum));
	assert_int_equal(sum, 10 + 10 * 100 + 3 * 10000);
	assert_true(rf_ports_let_go(p, (struct rf_mono){ t }, true, 0, 100, let_go, &sum));
	assert_int_equal(sum, 10 + 10 * 100 + 10 * 10000);
	assert_int_equal(rf_ports_kept(p), 0);
	assert_int_equal(rf_ports_left(p), 100);
	for (unsigned i = 0; i < 90; i++) {
		assert_int_equal(rf_ports_take(p, (struct rf_mono){ t }, &even[0], &kept), 0);
		assert_true(kept.fd[0] == -1);
		for (unsigned k = 20; k < 30; k++)
			assert_int_not_equal(even[0], even[k]);
	}
	rf_ports_free(p);
}

/* Some are there before anybody asks, and are the last to go. */
static void a_stock(void **state)
{
	struct rf_random random;
	struct rf_ports *p;
	struct rf_port_kept kept = { { 1, 0 }, { 0, 0 } };
	struct rf_mono now = { 5000000 };
	uint16_t even, stocked[4];
	unsigned sum = 0;

	(void)state;
	rf_random_system(&random);
	assert_int_equal(rf_ports_new(30000, 30019, &random, &p), 0);
	assert_int_equal(rf_ports_count(p), 10);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(rf_ports_take_bare(p, now, &stocked[i]), 0);
		rf_ports_stock(p, now, stocked[i], &kept);
	}
	assert_int_equal(rf_ports_kept(p), 4);
	assert_int_equal(rf_ports_left(p), 10);
	assert_true(rf_ports_let_go(p, (struct rf_mono){ now.us + 100000000 }, true, 4, 100, let_go, &sum));
	assert_int_equal(sum, 0);
	/* They come first, without any rest. */
	assert_int_equal(rf_ports_take(p, now, &even, &kept), 0);
	assert_true(kept.fd[0] == 1 &&
		    (even == stocked[0] || even == stocked[1] || even == stocked[2] || even == stocked[3]));
	assert_true(rf_ports_let_go(p, now, true, 2, 100, let_go, &sum));
	assert_int_equal(sum, 1);
	/* Of those that keep nothing there are seven; one that rests is not among them. */
	rf_ports_give(p, now, even, NULL);
	for (unsigned i = 0; i < 7; i++)
		assert_int_equal(rf_ports_take_bare(p, now, &even), 0);
	assert_int_equal(rf_ports_take_bare(p, now, &even), RF_E_LIMIT);
	assert_true(rf_ports_let_go(p, now, true, 0, 100, let_go, &sum));
	assert_int_equal(sum, 3);
	rf_ports_free(p);
}

static void ranges(void **state)
{
	static const struct { uint16_t first, last; size_t pairs; } cases[] = {
		{ 2, 3, 1 }, { 2, 4, 1 }, { 2, 5, 2 }, { 2, 2, 0 }, { 3, 9, 0 }, { 0, 9, 0 }, { 20, 10, 0 },
		{ 65534, 65535, 1 }, { 2, 65535, 32767 },
	};
	struct rf_random random;

	(void)state;
	rf_random_system(&random);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct rf_ports *p = NULL;

		assert_int_equal(rf_ports_new(cases[i].first, cases[i].last, &random, &p),
				 cases[i].pairs ? 0 : RF_E_INVALID);
		if (p)
			assert_int_equal(rf_ports_left(p), cases[i].pairs);
		rf_ports_free(p);
	}
	for (unsigned n = 1;; n++) {
		struct rf_ports *p = NULL;

		fail_alloc_at(n);
		int rc = rf_ports_new(2, 9, &random, &p);
		bool failed = fail_alloc_off();
		rf_ports_free(p);
		if (!failed)
			break;
		assert_int_equal(rc, -ENOMEM);
		assert_null(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_a_range_once),
		cmocka_unit_test(they_rest),
		cmocka_unit_test(what_stays_with_a_pair),
		cmocka_unit_test(what_nobody_needs_goes),
		cmocka_unit_test(a_stock),
		cmocka_unit_test(ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
