/* What callers use up: calls at once, in an hour, minutes abroad in a day; and what a full table does. */
#include "call/usage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct rf_hash_key key = { 1, 2 };

static struct rf_mono at(uint64_t s)
{
	return (struct rf_mono){ (s + 1000000) * 1000000 };
}

static struct rf_usage_key user(const char *name)
{
	return rf_usage_key(rf_view_str(name), RF_V("1001"));
}

static enum rf_usage_bound begin(struct rf_usage *u, const struct rf_usage_key *k, const struct rf_site_cos *cos,
				 uint64_t s)
{
	bool held;

	return rf_usage_begin(u, k, cos, at(s), &held);
}

static void at_once(void **state)
{
	const struct rf_site_cos two = { .calls = 2 };
	struct rf_usage_key ann = user("ann"), bob = user("bob");
	struct rf_usage_counts n;
	struct rf_usage *u;

	(void)state;
	assert_int_equal(rf_usage_new(10, &key, &u), 0);
	assert_int_equal(begin(u, &ann, &two, 0), RF_USAGE_OK);
	assert_int_equal(begin(u, &ann, &two, 0), RF_USAGE_OK);
	assert_int_equal(begin(u, &ann, &two, 0), RF_USAGE_CALLS);
	assert_int_equal(begin(u, &bob, &two, 0), RF_USAGE_OK);
	rf_usage_end(u, &ann, at(1));
	assert_int_equal(begin(u, &ann, &two, 1), RF_USAGE_OK);
	rf_usage_counts(u, &n);
	assert_int_equal(n.calls, 3);
	assert_int_equal(n.refused, 1);
	rf_usage_end(u, &ann, at(2));
	rf_usage_end(u, &ann, at(2));
	rf_usage_end(u, &ann, at(2)); /* one too many changes nothing */
	rf_usage_end(u, &bob, at(2));
	rf_usage_counts(u, &n);
	assert_int_equal(n.calls, 0);
	rf_usage_free(u);
}

static void in_an_hour(void **state)
{
	const struct rf_site_cos three = { .calls_per_hour = 3 };
	struct rf_usage_key ann = user("ann");
	struct rf_usage *u;

	(void)state;
	assert_int_equal(rf_usage_new(10, &key, &u), 0);
	for (uint64_t s = 0; s < 3; s++) {
		assert_int_equal(begin(u, &ann, &three, s * 600), RF_USAGE_OK);
		rf_usage_end(u, &ann, at(s * 600 + 1));
	}
	assert_int_equal(begin(u, &ann, &three, 1800), RF_USAGE_HOUR);
	assert_int_equal(begin(u, &ann, &three, 3300), RF_USAGE_HOUR);
	assert_int_equal(begin(u, &ann, &three, 3900), RF_USAGE_OK); /* the first is an hour ago */
	assert_int_equal(begin(u, &ann, &three, 3901), RF_USAGE_HOUR);
	assert_int_equal(begin(u, &ann, &three, 100000), RF_USAGE_OK);
	rf_usage_free(u);
}

static void abroad(void **state)
{
	const struct rf_site_cos ten = { .abroad_minutes_per_day = 10 }, free_of = { 0 };
	struct rf_usage_key ann = user("ann");
	struct rf_usage *u;

	(void)state;
	assert_int_equal(rf_usage_new(10, &key, &u), 0);
	assert_int_equal(rf_usage_abroad(u, &ann, &ten, 5), RF_USAGE_OK);
	rf_usage_abroad_add(u, &ann, 599, 5, at(0));
	assert_int_equal(rf_usage_abroad(u, &ann, &ten, 5), RF_USAGE_OK);
	rf_usage_abroad_add(u, &ann, 1, 5, at(0));
	assert_int_equal(rf_usage_abroad(u, &ann, &ten, 5), RF_USAGE_ABROAD);
	assert_int_equal(rf_usage_abroad(u, &ann, &free_of, 5), RF_USAGE_OK);
	assert_int_equal(rf_usage_abroad(u, &ann, &ten, 6), RF_USAGE_OK); /* tomorrow */
	rf_usage_abroad_add(u, &ann, UINT32_MAX, 6, at(0));
	rf_usage_abroad_add(u, &ann, UINT32_MAX, 6, at(0));
	assert_int_equal(rf_usage_abroad(u, &ann, &ten, 6), RF_USAGE_ABROAD);
	rf_usage_free(u);
}

static void full(void **state)
{
	const struct rf_site_cos one = { .calls = 1 }, none = { 0 };
	struct rf_usage_key a = user("a"), b = user("b"), c = user("c");
	struct rf_usage_counts n;
	struct rf_usage *u;
	bool held;

	(void)state;
	assert_int_equal(rf_usage_new(2, &key, &u), 0);
	assert_int_equal(begin(u, &a, &one, 0), RF_USAGE_OK);
	assert_int_equal(begin(u, &b, &one, 0), RF_USAGE_OK);
	assert_int_equal(begin(u, &c, &one, 0), RF_USAGE_FULL);
	assert_int_equal(rf_usage_begin(u, &c, &none, at(0), &held), RF_USAGE_OK); /* without bounds nothing is
										    * missed */
	assert_false(held);
	rf_usage_end(u, &a, at(1));
	assert_int_equal(begin(u, &c, &one, 2), RF_USAGE_FULL); /* a made a call in this hour */
	assert_int_equal(begin(u, &c, &one, 4000), RF_USAGE_OK);
	rf_usage_counts(u, &n);
	assert_int_equal(n.entries, 2);
	assert_int_equal(n.refused, 2);
	rf_usage_free(u);
}

static void names(void **state)
{
	struct rf_usage_key u = rf_usage_key(RF_V("1001"), RF_V("5")), n = rf_usage_key(RF_V(""), RF_V("1001"));

	(void)state;
	assert_true(rf_view_eq(rf_view_of(u.text, u.n), RF_V("u:1001")));
	assert_true(rf_view_eq(rf_view_of(n.text, n.n), RF_V("n:1001")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(at_once), cmocka_unit_test(in_an_hour), cmocka_unit_test(abroad),
		cmocka_unit_test(full),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
