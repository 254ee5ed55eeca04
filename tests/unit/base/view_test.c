#include "base/view.h"

#include "guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void test_numbers(void **state)
{
	static const struct {
		const char *text;
		uint64_t max;
		bool ok;
		uint64_t want;
	} rows[] = {
		{ "0", 9, true, 0 },
		{ "9", 9, true, 9 },
		{ "10", 9, false, 0 },
		{ "", 9, false, 0 },
		{ "-1", 9, false, 0 },
		{ "+1", 9, false, 0 },
		{ " 1", 9, false, 0 },
		{ "1a", UINT64_MAX, false, 0 },
		{ "007", 9, true, 7 },
		{ "18446744073709551615", UINT64_MAX, true, UINT64_MAX },
		{ "18446744073709551616", UINT64_MAX, false, 0 },
		{ "99999999999999999999999", UINT64_MAX, false, 0 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rf_view v = guard_copy(rf_view_str(rows[i].text));
		uint64_t x = 42;

		assert_int_equal(rf_view_u64(v, rows[i].max, &x), rows[i].ok);
		assert_true(x == (rows[i].ok ? rows[i].want : 42));
		guard_free(v);
	}
	uint32_t y = 1;
	assert_true(rf_view_u32(RF_V("4294967295"), &y) && y == UINT32_MAX);
	assert_false(rf_view_u32(RF_V("4294967296"), &y));
}

static void test_compare(void **state)
{
	(void)state;
	assert_true(rf_view_eq_nocase(RF_V("CaLL-id"), RF_V("Call-ID")));
	assert_false(rf_view_eq_nocase(RF_V("@"), RF_V("`"))); /* differ by 0x20, are no letters */
	assert_false(rf_view_eq_nocase(RF_V("a"), RF_V("ab")));
	assert_true(rf_view_eq((struct rf_view){ NULL, 0 }, RF_V("")));
	assert_true(rf_view_starts(RF_V("SIP/2.0"), RF_V("SIP/")));
	assert_false(rf_view_starts(RF_V("SI"), RF_V("SIP/")));
	assert_true(rf_view_starts_nocase(RF_V("sip:"), RF_V("SIP")));
	assert_true(rf_view_ends(RF_V("a\r\n"), RF_V("\r\n")));
	assert_false(rf_view_ends(RF_V("\n"), RF_V("\r\n")));
	assert_true(rf_view_cmp(RF_V("a"), RF_V("b")) < 0);
	assert_true(rf_view_cmp(RF_V("ab"), RF_V("a")) > 0);
	assert_int_equal(rf_view_cmp(RF_V("a"), RF_V("a")), 0);
}

static void test_parts(void **state)
{
	struct rf_view v = guard_copy(RF_V(" \t x y\r\n"));
	char s[4];

	(void)state;
	assert_true(rf_view_eq(rf_view_trim(v), RF_V("x y")));
	assert_int_equal(rf_view_trim(RF_V(" \t ")).n, 0);
	assert_int_equal(rf_view_find(v, 'y'), 5);
	assert_int_equal(rf_view_find(v, 'z'), v.n);
	assert_int_equal(rf_view_sub(v, 3, 100).n, v.n - 3);
	assert_int_equal(rf_view_sub(v, 100, 1).n, 0);
	assert_true(rf_view_cstr(RF_V("abc"), s, sizeof s) && strcmp(s, "abc") == 0);
	assert_false(rf_view_cstr(RF_V("abcd"), s, sizeof s));
	assert_false(rf_view_cstr(RF_V("a\0b"), s, sizeof s));
	guard_free(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_parts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
