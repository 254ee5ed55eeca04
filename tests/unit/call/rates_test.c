#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "call/rates.h"

#include <stdio.h>

#include <cmocka.h>

static const struct rf_hash_key key = { 1, 2 };

static struct rf_mono at_ms(uint64_t ms)
{
	return (struct rf_mono){ 1000000000 + ms * 1000 };
}

static void a_second_at_once_then_its_rate(void **state)
{
	static const uint32_t rates[] = { 1, 3, 50, 100000 };
	(void)state;

	for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
		struct rf_rates *r;
		uint32_t took = 0;

		assert_int_equal(rf_rates_new(10, &key, &r), 0);
		for (uint32_t n = 0; n < 2 * rates[i]; n++)
			took += rf_rates_take(r, RF_V("1001"), rates[i], at_ms(0)) == 0;
		assert_int_equal(took, rates[i]);
		assert_int_equal(rf_rates_take(r, RF_V("1002"), rates[i], at_ms(0)), 0); /* others are not touched */
		took = 0;
		for (uint32_t n = 0; n < 2 * rates[i]; n++)
			took += rf_rates_take(r, RF_V("1001"), rates[i], at_ms(1000)) == 0;
		assert_int_equal(took, rates[i]);
		rf_rates_free(r);
	}
}

static void full_of_busy_numbers(void **state)
{
	struct rf_rates *r;
	(void)state;

	assert_int_equal(rf_rates_new(2, &key, &r), 0);
	assert_int_equal(rf_rates_take(r, RF_V("1"), 10, at_ms(0)), 0);
	assert_int_equal(rf_rates_take(r, RF_V("2"), 10, at_ms(0)), 0);
	assert_int_equal(rf_rates_take(r, RF_V("3"), 10, at_ms(50)), RF_E_LIMIT);
	assert_int_equal(rf_rates_count(r), 2);
	assert_int_equal(rf_rates_take(r, RF_V("3"), 10, at_ms(100)), 0);
	assert_int_equal(rf_rates_count(r), 2);
	/* who made room starts anew, with no more than before */
	for (int i = 0; i < 9; i++)
		assert_int_equal(rf_rates_take(r, RF_V("3"), 10, at_ms(100)), 0);
	assert_int_equal(rf_rates_take(r, RF_V("3"), 10, at_ms(100)), RF_E_LIMIT);
	rf_rates_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_second_at_once_then_its_rate), cmocka_unit_test(full_of_busy_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
