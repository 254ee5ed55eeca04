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

	(void)state;
	rf_random_system(&random);
	assert_int_equal(rf_ports_new(20000, 22047, &random, &p), 0);
	assert_int_equal(rf_ports_left(p), 1024);
	for (unsigned i = 0; i < 1024; i++) {
		assert_int_equal(rf_ports_take(p, (struct rf_mono){ 0 }, &even), 0);
		assert_true(even >= 20000 && even <= 22046 && even % 2 == 0);
		assert_int_equal(seen[(even - 20000) / 2]++, 0);
		in_order += even == last + 2;
		last = even;
	}
	assert_true(in_order < 20); /* nobody guesses the next one: 1 is to be expected */
	assert_int_equal(rf_ports_take(p, (struct rf_mono){ 0 }, &even), RF_E_LIMIT);
	assert_int_equal(rf_ports_left(p), 0);
	rf_ports_free(p);
}

static void they_rest(void **state)
{
	struct rf_random random;
	struct rf_ports *p;
	uint16_t a, b, c, again;
	uint64_t t = 5000000;

	(void)state;
	rf_random_system(&random);
	assert_int_equal(rf_ports_new(30000, 30005, &random, &p), 0);
	assert_int_equal(rf_ports_take(p, (struct rf_mono){ t }, &a), 0);
	rf_ports_give(p, (struct rf_mono){ t }, a);
	assert_int_equal(rf_ports_left(p), 3);
	/* Two others are free: they come first. */
	assert_int_equal(rf_ports_take(p, (struct rf_mono){ t + 1 }, &b), 0);
	assert_int_equal(rf_ports_take(p, (struct rf_mono){ t + 1 }, &c), 0);
	assert_true(b != a && c != a && b != c);
	/* Nothing else is: the one that rested longest. */
	rf_ports_give(p, (struct rf_mono){ t + 2 }, b);
	assert_int_equal(rf_ports_take(p, (struct rf_mono){ t + 3 }, &again), 0);
	assert_int_equal(again, a);
	assert_int_equal(rf_ports_take(p, (struct rf_mono){ t + 3 }, &again), 0);
	assert_int_equal(again, b);
	assert_int_equal(rf_ports_take(p, (struct rf_mono){ t + 3 }, &again), RF_E_LIMIT);
	rf_ports_give(p, (struct rf_mono){ t }, a);
	rf_ports_give(p, (struct rf_mono){ t }, b);
	/* Rested: any of them again. */
	t += RF_PORTS_REST_MS * 1000u;
	unsigned as = 0;
	for (unsigned i = 0; i < 64; i++) {
		assert_int_equal(rf_ports_take(p, (struct rf_mono){ t }, &again), 0);
		as += again == a;
		rf_ports_give(p, (struct rf_mono){ t }, again);
		t += RF_PORTS_REST_MS * 1000u;
	}
	assert_in_range(as, 5, 59);
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

		assert_int_equal(rf_ports_new(cases[i].first, cases[i].last, &random, &p), cases[i].pairs ? 0 : RF_E_INVALID);
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
		cmocka_unit_test(ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
