/* Calls back after an emergency call. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "call/callbacks.h"

#include <stdio.h>

#include <cmocka.h>

static struct rf_mono at_s(uint64_t s)
{
	return (struct rf_mono){ (1000 + s) * 1000000 };
}

static const char *find(struct rf_callbacks *c, const char *elin, uint64_t s)
{
	static char text[RF_CALLBACK_NUMBER_MAX + 1];
	uint8_t buf[RF_CALLBACK_NUMBER_MAX];
	struct rf_view number;

	if (!rf_callbacks_find(c, rf_view_str(elin), at_s(s), buf, &number))
		return "none";
	snprintf(text, sizeof text, "%.*s", (int)number.n, (const char *)number.p);
	return text;
}

static void for_a_time(void **state)
{
	struct rf_callbacks *c = rf_callbacks_new();

	(void)state;
	assert_string_equal(find(c, "+4930110", 0), "none");
	rf_callbacks_keep(c, RF_V("+4930110"), RF_V("1001"), at_s(0), at_s(10));
	rf_callbacks_keep(c, RF_V("+4930111"), RF_V("1002"), at_s(0), at_s(20));
	assert_string_equal(find(c, "+4930110", 9), "1001");
	assert_string_equal(find(c, "+4930111", 9), "1002");
	assert_string_equal(find(c, "+4930110", 10), "none");
	assert_int_equal(rf_callbacks_count(c, at_s(9)), 2);
	assert_int_equal(rf_callbacks_count(c, at_s(10)), 1);
	/* the newest counts */
	rf_callbacks_keep(c, RF_V("+4930111"), RF_V("1003"), at_s(10), at_s(30));
	assert_string_equal(find(c, "+4930111", 25), "1003");
	/* without a number, too long, over before it began: nothing */
	rf_callbacks_keep(c, RF_V(""), RF_V("1001"), at_s(0), at_s(10));
	rf_callbacks_keep(c, RF_V("12345678901234567890123456789012345678901"), RF_V("1"), at_s(0), at_s(10));
	rf_callbacks_keep(c, RF_V("1"), RF_V("1001"), at_s(10), at_s(10));
	assert_int_equal(rf_callbacks_count(c, at_s(0)), 2);
	rf_callbacks_free(c);
	rf_callbacks_free(NULL);
}

static void when_full(void **state)
{
	struct rf_callbacks *c = rf_callbacks_new();
	char elin[16];

	(void)state;
	for (unsigned i = 0; i < RF_CALLBACKS_MAX + 5; i++) {
		snprintf(elin, sizeof elin, "%u", i);
		rf_callbacks_keep(c, rf_view_str(elin), RF_V("1001"), at_s(0), at_s(100 + i));
	}
	assert_int_equal(rf_callbacks_count(c, at_s(1)), RF_CALLBACKS_MAX);
	assert_string_equal(find(c, "4", 1), "none");
	assert_string_equal(find(c, "5", 1), "1001");
	snprintf(elin, sizeof elin, "%u", RF_CALLBACKS_MAX + 4);
	assert_string_equal(find(c, elin, 1), "1001");
	rf_callbacks_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(for_a_time), cmocka_unit_test(when_full) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
