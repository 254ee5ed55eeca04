#include "base/spare.h"

#include "fail_alloc.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void what_is_given_is_taken_again(void **state)
{
	struct rf_spare s;

	(void)state;
	rf_spare_init(&s, 64, 2);
	void *a = rf_spare_take(&s, 64), *b = rf_spare_take(&s, 1), *c = rf_spare_take(&s, 10);

	memset(a, 1, 64);
	memset(b, 2, 64); /* every one of them is a whole block */
	memset(c, 3, 64);
	rf_spare_give(&s, a, 64);
	rf_spare_give(&s, b, 1);
	rf_spare_give(&s, c, 10); /* over the bound: to the heap */
	assert_int_equal(s.count, 2);
	assert_ptr_equal(rf_spare_take(&s, 64), b);
	assert_ptr_equal(rf_spare_take(&s, 2), a);
	assert_int_equal(s.count, 0);
	rf_spare_give(&s, a, 2);
	rf_spare_give(&s, b, 64);
	rf_spare_fini(&s);
	assert_int_equal(s.count, 0);
	rf_spare_fini(&s);
}

static void large_ones_come_from_the_heap(void **state)
{
	struct rf_spare s;

	(void)state;
	rf_spare_init(&s, 64, 2);
	uint8_t *p = rf_spare_take(&s, 65);

	memset(p, 1, 65);
	rf_spare_give(&s, p, 65);
	assert_int_equal(s.count, 0);
	rf_spare_give(&s, NULL, 1);
	assert_int_equal(s.count, 0);
	rf_spare_fini(&s);
	rf_spare_init(&s, 64, 0); /* no stock */
	rf_spare_give(&s, rf_spare_take(&s, 8), 8);
	assert_int_equal(s.count, 0);
}

static void without_memory(void **state)
{
	struct rf_spare s;

	(void)state;
	rf_spare_init(&s, 64, 2);
	void *a = rf_spare_take(&s, 64);

	rf_spare_give(&s, a, 64);
	fail_alloc_at(1);
	assert_ptr_equal(rf_spare_take(&s, 64), a); /* needs none */
	assert_null(rf_spare_take(&s, 64));
	assert_true(fail_alloc_off());
	rf_spare_give(&s, a, 64);
	rf_spare_fini(&s);
}

static void while_another_is_inside(void **state)
{
	struct rf_spare s;

	(void)state;
	rf_spare_init(&s, 64, 2);
	void *a = rf_spare_take(&s, 64);

	rf_spare_give(&s, a, 64);
	assert_false(atomic_flag_test_and_set(&s.inside)); /* it was interrupted there */
	void *b = rf_spare_take(&s, 64);

	assert_non_null(b);
	assert_ptr_not_equal(b, a);
	rf_spare_give(&s, b, 64);
	atomic_flag_clear(&s.inside);
	assert_int_equal(s.count, 1);
	rf_spare_fini(&s);
}

enum { ROUNDS = 20000 };

/* Each writes its own bytes onto what it has, and finds them again. */
static void *take_and_give(void *arg)
{
	static const uint8_t marks[2] = { 1, 2 };
	struct rf_spare *s = ((void **)arg)[0];
	uint8_t mark = marks[((void **)arg)[1] != NULL], want[48];

	memset(want, mark, sizeof want);
	for (int i = 0; i < ROUNDS; i++) {
		void *p = rf_spare_take(s, sizeof want);

		memset(p, mark, sizeof want);
		if (memcmp(p, want, sizeof want) != 0)
			return s;
		rf_spare_give(s, p, sizeof want);
	}
	return NULL;
}

static void two_threads(void **state)
{
	struct rf_spare s;
	pthread_t other;
	void *one[2] = { &s, NULL }, *two[2] = { &s, &s }, *wrong;

	(void)state;
	rf_spare_init(&s, 64, 2);
	assert_int_equal(pthread_create(&other, NULL, take_and_give, one), 0);
	assert_null(take_and_give(two));
	assert_int_equal(pthread_join(other, &wrong), 0);
	assert_null(wrong);
	assert_true(s.count <= 2);
	rf_spare_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_given_is_taken_again), cmocka_unit_test(large_ones_come_from_the_heap),
		cmocka_unit_test(without_memory), cmocka_unit_test(while_another_is_inside),
		cmocka_unit_test(two_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
