/* The small files of base together: errors, clock, randomness, secrets. */
#include "base/clock.h"
#include "base/err.h"
#include "base/random.h"
#include "base/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <time.h>
#include <cmocka.h>

static void test_texts(void **state)
{
	(void)state;
	assert_string_equal(rf_err_text(0), "success");
	assert_string_equal(rf_err_text(-ENOENT), "No such file or directory");
	assert_string_equal(rf_err_text(RF_E_MORE), "more input needed");
	assert_string_equal(rf_err_text(RF_E_INVALID), "invalid");
	assert_string_equal(rf_err_text(-5000), "unknown error");
	assert_string_equal(rf_err_text(-2147483647 - 1), "unknown error");
}

static void test_diag(void **state)
{
	struct rf_diag d;

	(void)state;
	assert_int_equal(rf_diag_at(&d, RF_E_INVALID, "site.yaml", 3, 7, "no zone \"%s\"", "x"), RF_E_INVALID);
	rf_diag_while(&d, "while reading phones");
	assert_string_equal(d.text, "while reading phones: no zone \"x\"");
	assert_int_equal(d.line, 3);
	for (int i = 0; i < 100; i++)
		rf_diag_while(&d, "again and again");
	assert_true(strlen(d.text) < sizeof d.text);
	assert_int_equal(rf_diag_set(NULL, RF_E_LIMIT, "nobody listens"), RF_E_LIMIT);
}

static void test_wall_text(void **state)
{
	char s[RF_WALL_TEXT];

	(void)state;
	rf_wall_text((struct rf_wall){ 0 }, s);
	assert_string_equal(s, "1970-01-01T00:00:00.000Z");
	rf_wall_text((struct rf_wall){ -1000 }, s);
	assert_string_equal(s, "1969-12-31T23:59:59.999Z");
	rf_wall_text((struct rf_wall){ 1795320660123456 }, s);
	assert_string_equal(s, "2026-11-22T04:11:00.123Z");
	rf_wall_text((struct rf_wall){ INT64_MAX }, s);
	assert_int_equal(strlen(s), RF_WALL_TEXT - 1);
}

/* Every day of eight centuries and the edges of the years, beside the C library's. */
static void test_wall_text_like_gmtime(void **state)
{
	(void)state;
	char want[64], s[RF_WALL_TEXT];

	for (int64_t day = -146097; day < 2 * 146097; day++) {
		int64_t at = day * 86400 + (day * 7919 % 86400 + 86400) % 86400;
		time_t t = (time_t)at;
		struct tm tm;

		assert_non_null(gmtime_r(&t, &tm));
		strftime(want, sizeof want, "%Y-%m-%dT%H:%M:%S.042Z", &tm);
		rf_wall_text((struct rf_wall){ at * 1000000 + 42000 }, s);
		assert_string_equal(s, want);
	}
	rf_wall_text((struct rf_wall){ INT64_C(253402300799999999) }, s);
	assert_string_equal(s, "9999-12-31T23:59:59.999Z");
	rf_wall_text((struct rf_wall){ INT64_C(253402300800000000) }, s);
	assert_string_equal(s, "0000-00-00T00:00:00.000Z");
	rf_wall_text((struct rf_wall){ INT64_C(-62167219200000000) }, s);
	assert_string_equal(s, "0000-01-01T00:00:00.000Z");
	rf_wall_text((struct rf_wall){ INT64_C(-62167219200001000) }, s);
	assert_string_equal(s, "0000-00-00T00:00:00.000Z");
	rf_wall_text((struct rf_wall){ INT64_MIN }, s);
	assert_string_equal(s, "0000-00-00T00:00:00.000Z");
}

static void test_random(void **state)
{
	struct rf_random r;
	uint8_t big[2000] = { 0 };
	unsigned zero = 0;

	(void)state;
	rf_random_system(&r);
	uint64_t a = rf_random_u64(&r), b = rf_random_u64(&r);
	assert_true(a != b);
	rf_random_fill(&r, big, sizeof big);
	for (size_t i = 0; i < sizeof big; i++)
		zero += big[i] == 0;
	assert_true(zero < 100);
	for (size_t i = 0; i < sizeof r.pool - r.left; i++)
		assert_int_equal(r.pool[i], 0); /* used bytes are wiped */
}

static void test_secret(void **state)
{
	uint8_t key[4] = { 1, 2, 3, 4 };

	(void)state;
	assert_true(rf_secret_eq(RF_V("abc"), RF_V("abc")));
	assert_false(rf_secret_eq(RF_V("abc"), RF_V("abd")));
	assert_false(rf_secret_eq(RF_V("abc"), RF_V("abcd")));
	assert_true(rf_secret_eq(RF_V(""), RF_V("")));
	rf_secret_wipe(key, sizeof key);
	assert_int_equal(key[0] | key[1] | key[2] | key[3], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_diag),
		cmocka_unit_test(test_wall_text),
		cmocka_unit_test(test_wall_text_like_gmtime),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_secret),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
