/* Counters that all workers share. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "call/trunk_table.h"

#include <stdio.h>

#include <cmocka.h>

static void entries_stay(void **state)
{
	struct rf_trunks *t = rf_trunks_new();
	struct rf_trunk_peer *a = rf_trunks_find(t, RF_V("carrier")), *b = rf_trunks_find(t, RF_V("other"));
	char name[128];
	(void)state;

	assert_non_null(a);
	assert_ptr_not_equal(a, b);
	assert_ptr_equal(rf_trunks_find(t, RF_V("carrier")), a);
	assert_null(rf_trunks_find(t, RF_V("")));
	snprintf(name, sizeof name, "%0127d", 1);
	assert_non_null(rf_trunks_find(t, rf_view_str(name)));
	assert_null(rf_trunks_find_by(t, rf_view_str(name), RF_V("x")));
	struct rf_trunk_peer *by = rf_trunks_find_by(t, RF_V("carrier"), RF_V("edge"));
	assert_true(by && by != a);
	assert_int_equal(by->trunk_n, 7);
	assert_ptr_equal(rf_trunks_find_by(t, RF_V("carrier"), RF_V("edge")), by);
	assert_ptr_equal(rf_trunks_find_by(t, RF_V("carrier"), RF_V("")), a);
	assert_int_equal(rf_trunks_find_by(t, RF_V(""), RF_V("edge"))->trunk_n, 0);
	rf_trunks_put(rf_trunks_get(t));
	for (int i = 5; i < 9 * 4096; i++) {
		snprintf(name, sizeof name, "t%d", i);
		assert_non_null(rf_trunks_find(t, rf_view_str(name)));
	}
	assert_null(rf_trunks_find(t, RF_V("one-more")));
	assert_ptr_equal(rf_trunks_find(t, RF_V("t4095")), rf_trunks_find(t, RF_V("t4095")));
	rf_trunks_put(t);
}

static void rates(void **state)
{
	static const uint32_t per_s[] = { 1, 3, 20, 1000 };
	struct rf_trunks *t = rf_trunks_new();
	(void)state;

	for (size_t i = 0; i < sizeof per_s / sizeof *per_s; i++) {
		char name[8] = { (char)('a' + i) };
		struct rf_trunk_peer *p = rf_trunks_find(t, rf_view_str(name));
		uint64_t start = 7000000000;

		for (int second = 0; second < 3; second++) {
			uint32_t took = 0;

			for (uint32_t n = 0; n < 2 * per_s[i]; n++)
				took += rf_trunk_rate_take(p, RF_TRUNK_OUT, per_s[i],
							   (struct rf_mono){ start + 1000000u * (uint64_t)second }) == 0;
			assert_int_equal(took, per_s[i]);
		}
		assert_int_equal(p->over_rate[RF_TRUNK_OUT], 3 * per_s[i]);
		assert_int_equal(rf_trunk_rate_take(p, RF_TRUNK_IN, per_s[i], (struct rf_mono){ start }), 0);
	}
	rf_trunks_put(t);
}

static void one_change_is_told_once(void **state)
{
	struct rf_trunks *t = rf_trunks_new();
	struct rf_trunk_peer *p = rf_trunks_find(t, RF_V("a"));
	(void)state;

	assert_true(rf_trunk_become(p, RF_HEALTH_DOWN, (struct rf_wall){ 5 }, "no answer"));
	assert_false(rf_trunk_become(p, RF_HEALTH_DOWN, (struct rf_wall){ 6 }, "again"));
	assert_true(rf_trunk_is_down(p));
	assert_int_equal(p->since_us, 5);
	assert_string_equal(p->why, "no answer");
	assert_true(rf_trunk_become(p, RF_HEALTH_UP, (struct rf_wall){ 7 }, ""));
	assert_false(rf_trunk_is_down(p));
	rf_trunks_put(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_stay),
		cmocka_unit_test(rates),
		cmocka_unit_test(one_change_is_told_once),
	};

	return cmocka_run_group_tests_name("trunk_table", tests, NULL, NULL);
}
