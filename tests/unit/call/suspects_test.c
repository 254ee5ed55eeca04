#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "call/suspects.h"

#include <cmocka.h>
#include <string.h>

static const struct rf_hash_key key = { 1, 2 };

static struct rf_mono at(uint64_t ms)
{
	return (struct rf_mono){ 1000000 + ms * 1000 };
}

static void waits_grow_and_end(void **state)
{
	struct rf_view user = RF_V("ann"), source = RF_V("\x0a\x00\x00\x01"), other = RF_V("\x0a\x00\x00\x02");
	struct rf_suspects *s;
	uint32_t wait = 0, last = 0;

	(void)state;
	assert_int_equal(rf_suspects_new(100, &key, &s), 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(rf_suspects_failed(s, user, source, at(0)), 0);
	for (int i = 0; i < 20; i++) {
		wait = rf_suspects_failed(s, user, source, at(0));
		assert_true(wait >= last);
		last = wait;
	}
	assert_int_equal(wait, rf_suspect_rules[RF_SUSPECT_PAIR].longest_ms);
	assert_int_equal(rf_suspects_wait_ms(s, user, source, at(0)), wait);
	assert_int_equal(rf_suspects_wait_ms(s, user, source, at(wait)), 0);
	/* from elsewhere the user waits little at most */
	assert_true(rf_suspects_wait_ms(s, user, other, at(0)) <= rf_suspect_rules[RF_SUSPECT_USER].longest_ms);
	rf_suspects_succeeded(s, user, source);
	assert_int_equal(rf_suspects_wait_ms(s, user, other, at(0)), 0);
	rf_suspects_free(s);
}

static void quiet_is_forgotten(void **state)
{
	struct rf_view user = RF_V("ann"), source = RF_V("\x0a\x00\x00\x01");
	struct rf_suspects *s;

	(void)state;
	assert_int_equal(rf_suspects_new(100, &key, &s), 0);
	for (int i = 0; i < 6; i++)
		rf_suspects_failed(s, user, source, at(0));
	assert_int_equal(rf_suspects_failed(s, user, source, at(rf_suspect_rules[RF_SUSPECT_PAIR].forget_ms + 1)), 0);
	rf_suspects_free(s);
}

static void memory_is_bounded(void **state)
{
	struct rf_suspects *s;

	(void)state;
	assert_int_equal(rf_suspects_new(30, &key, &s), 0);
	for (uint32_t i = 0; i < 1000; i++)
		rf_suspects_failed(s, rf_view_of(&i, sizeof i), rf_view_of(&i, sizeof i), at(i));
	assert_int_equal(rf_suspects_count(s), 30);
	rf_suspects_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_grow_and_end),
		cmocka_unit_test(quiet_is_forgotten),
		cmocka_unit_test(memory_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
