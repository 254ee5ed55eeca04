/* Who is in a call: counts, idle times, and many threads that enter the same numbers. */
#include "call/lines.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const struct rf_hash_key key = { 1, 2 };

static void counts(void **state)
{
	struct rf_lines *l = rf_lines_new(&key);
	struct rf_line *one, *two;

	(void)state;
	assert_int_equal(rf_lines_busy(l, RF_V("1001")), 0);
	assert_int_equal(rf_lines_idle_since(l, RF_V("1001")).us, 0);
	one = rf_lines_take(l, RF_V("1001"));
	two = rf_lines_take(l, RF_V("1001"));
	assert_int_equal(rf_lines_busy(l, RF_V("1001")), 2);
	assert_int_equal(rf_lines_busy(l, RF_V("100")), 0);
	rf_line_give(one, (struct rf_mono){ 5 });
	rf_line_give(two, (struct rf_mono){ 9 });
	rf_line_give(NULL, (struct rf_mono){ 9 });
	assert_int_equal(rf_lines_busy(l, RF_V("1001")), 0);
	assert_int_equal(rf_lines_idle_since(l, RF_V("1001")).us, 9);
	rf_lines_free(l);
	rf_lines_free(NULL);
}

static void *take_many(void *arg)
{
	struct rf_lines *l = arg;
	char number[16];

	for (int i = 0; i < 20000; i++) {
		int n = snprintf(number, sizeof number, "%d", i);

		if (!rf_lines_take(l, rf_view_of(number, (size_t)n)))
			return arg;
	}
	return NULL;
}

static void threads(void **state)
{
	struct rf_lines *l = rf_lines_new(&key);
	pthread_t t[3];
	void *failed;

	(void)state;
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&t[i], NULL, take_many, l), 0);
	for (size_t i = 0; i < 3; i++) {
		pthread_join(t[i], &failed);
		assert_null(failed);
	}
	assert_int_equal(rf_lines_busy(l, RF_V("0")), 3);
	assert_int_equal(rf_lines_busy(l, RF_V("19999")), 3);
	rf_lines_free(l);
}

static void bound(void **state)
{
	struct rf_lines *l = rf_lines_new(&key);
	char number[16];

	(void)state;
	for (int i = 0; i < RF_LINES_MAX; i++)
		assert_non_null(rf_lines_take(l, rf_view_of(number, (size_t)snprintf(number, sizeof number, "%d", i))));
	assert_null(rf_lines_take(l, RF_V("one more")));
	assert_int_equal(rf_lines_refused(l), 1);
	assert_non_null(rf_lines_take(l, RF_V("7")));
	rf_lines_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(counts), cmocka_unit_test(threads),
					    cmocka_unit_test(bound) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
