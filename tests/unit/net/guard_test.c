#include "net/guard.h"

#include "base/err.h"
#include "fail_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static struct rf_addr v4(uint32_t n)
{
	return (struct rf_addr){ .family = 4, .port = 5060,
				 .ip = { 10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n } };
}

static struct rf_mono at_ms(uint64_t ms)
{
	return (struct rf_mono){ 1000000000 + ms * 1000 };
}

static struct rf_guard *new_guard(struct rf_guard_conf conf)
{
	struct rf_guard *g;

	assert_int_equal(rf_guard_new(&conf, &g), 0);
	return g;
}

static void by_source(void **state)
{
	struct rf_guard *g = new_guard((struct rf_guard_conf){ .source[RF_GUARD_MESSAGE] = { 10, 5 } });
	struct rf_addr a = v4(1), b = v4(2);

	(void)state;
	for (int i = 0; i < 5; i++)
		assert_int_equal(rf_guard_take(g, RF_GUARD_MESSAGE, &a, at_ms(0)), 0);
	assert_int_equal(rf_guard_take(g, RF_GUARD_MESSAGE, &a, at_ms(0)), RF_E_LIMIT);
	a.port = 9; /* another port is the same source */
	assert_int_equal(rf_guard_take(g, RF_GUARD_MESSAGE, &a, at_ms(99)), RF_E_LIMIT);
	assert_int_equal(rf_guard_take(g, RF_GUARD_MESSAGE, &b, at_ms(99)), 0);
	assert_int_equal(rf_guard_take(g, RF_GUARD_CONNECT, &a, at_ms(99)), 0); /* no bound on these */
	assert_int_equal(rf_guard_take(g, RF_GUARD_MESSAGE, &a, at_ms(100)), 0);
	assert_int_equal(rf_guard_take(g, RF_GUARD_MESSAGE, &a, at_ms(100)), RF_E_LIMIT);
	for (int i = 0; i < 5; i++) /* full again, not more than full */
		assert_int_equal(rf_guard_take(g, RF_GUARD_MESSAGE, &a, at_ms(1000000)), 0);
	assert_int_equal(rf_guard_take(g, RF_GUARD_MESSAGE, &a, at_ms(1000000)), RF_E_LIMIT);
	assert_int_equal(rf_guard_take(g, RF_GUARD_MESSAGE, &a, at_ms(0)), RF_E_LIMIT); /* a clock that went back */
	rf_guard_free(g);
	assert_int_equal(rf_guard_take(NULL, RF_GUARD_MESSAGE, &a, at_ms(0)), 0);
}

/* 1000 takes a millisecond apart at 100 a second: rounding neither gives nor takes. */
static void rate_is_exact(void **state)
{
	struct rf_guard *g = new_guard((struct rf_guard_conf){ .source[RF_GUARD_MESSAGE] = { 100, 1 } });
	struct rf_addr a = v4(1);
	int passed = 0;

	(void)state;
	for (uint64_t ms = 0; ms < 10000; ms++)
		passed += rf_guard_take(g, RF_GUARD_MESSAGE, &a, at_ms(ms)) == 0;
	assert_int_equal(passed, 1000);
	rf_guard_free(g);
}

static void v6_by_64(void **state)
{
	struct rf_guard *g = new_guard((struct rf_guard_conf){ .source[RF_GUARD_MESSAGE] = { 1, 1 } });
	struct rf_addr a = { .family = 6, .ip = { 0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 1 } }, b = a;

	(void)state;
	b.ip[15] = 99;
	assert_int_equal(rf_guard_take(g, RF_GUARD_MESSAGE, &a, at_ms(0)), 0);
	assert_int_equal(rf_guard_take(g, RF_GUARD_MESSAGE, &b, at_ms(0)), RF_E_LIMIT);
	b.ip[7] = 2;
	assert_int_equal(rf_guard_take(g, RF_GUARD_MESSAGE, &b, at_ms(0)), 0);
	rf_guard_free(g);
}

static void total(void **state)
{
	struct rf_guard *g = new_guard((struct rf_guard_conf){ .source[RF_GUARD_HANDSHAKE] = { 2, 2 },
							       .total[RF_GUARD_HANDSHAKE] = { 5, 5 } });
	struct rf_guard_stats stats;
	int passed = 0, busy = 0;

	(void)state;
	for (uint32_t i = 0; i < 30; i++) {
		struct rf_addr a = v4(i / 3);
		int rc = rf_guard_take(g, RF_GUARD_HANDSHAKE, &a, at_ms(0));

		passed += rc == 0;
		busy += rc == RF_E_BUSY;
	}
	rf_guard_stats(g, &stats);
	assert_int_equal(passed, 5);
	assert_int_equal(stats.passed[RF_GUARD_HANDSHAKE], 5);
	assert_int_equal(stats.refused_total[RF_GUARD_HANDSHAKE], busy);
	assert_int_equal(stats.refused_source[RF_GUARD_HANDSHAKE], 25 - busy);
	assert_int_equal(stats.sources, 10);
	rf_guard_free(g);
}

/* Somebody who has used up his rate pushes thousands of sources through a full table: his debt stays, those who were
 * there before are not touched, and all the newcomers together get the crowd's rate. */
static void flood_of_sources(void **state)
{
	struct rf_guard *g = new_guard((struct rf_guard_conf){ .source[RF_GUARD_MESSAGE] = { 1, 10 },
							       .crowd[RF_GUARD_MESSAGE] = { 20, 20 }, .sources = 100 });
	struct rf_addr bad = v4(1000000);
	struct rf_guard_stats stats;
	int crowd = 0;

	(void)state;
	for (uint32_t i = 0; i < 99; i++) {
		struct rf_addr a = v4(i);

		assert_int_equal(rf_guard_take(g, RF_GUARD_MESSAGE, &a, at_ms(0)), 0);
	}
	while (rf_guard_take(g, RF_GUARD_MESSAGE, &bad, at_ms(0)) == 0)
		;
	for (uint32_t i = 1000; i < 21000; i++) {
		struct rf_addr a = v4(i);

		crowd += rf_guard_take(g, RF_GUARD_MESSAGE, &a, at_ms(10)) == 0;
	}
	assert_int_equal(crowd, 20);
	assert_int_equal(rf_guard_take(g, RF_GUARD_MESSAGE, &bad, at_ms(10)), RF_E_LIMIT);
	rf_guard_stats(g, &stats);
	assert_int_equal(stats.evicted, 0);
	assert_int_equal(stats.crowded, 20000);
	assert_int_equal(stats.sources, 100);
	for (uint32_t i = 0; i < 99; i++) {
		struct rf_addr a = v4(i);

		assert_int_equal(rf_guard_take(g, RF_GUARD_MESSAGE, &a, at_ms(20)), 0);
	}
	/* Once the quiet ones owe nothing, they make place; the debtor is not among them. */
	for (uint32_t i = 0; i < 99; i++) {
		struct rf_addr a = v4(5000000 + i);

		assert_int_equal(rf_guard_take(g, RF_GUARD_MESSAGE, &a, at_ms(4000)), 0);
	}
	rf_guard_stats(g, &stats);
	assert_int_equal(stats.evicted, 99);
	int left = 0;
	while (rf_guard_take(g, RF_GUARD_MESSAGE, &bad, at_ms(4000)) == 0)
		left++;
	assert_int_equal(left, 4); /* what four seconds gave back */
	rf_guard_free(g);
}

static void new_rates(void **state)
{
	struct rf_guard_conf conf = { .source[RF_GUARD_MESSAGE] = { 1, 100 } };
	struct rf_guard *g = new_guard(conf);
	struct rf_addr a = v4(1);
	int passed = 0;

	(void)state;
	assert_int_equal(rf_guard_take(g, RF_GUARD_MESSAGE, &a, at_ms(0)), 0);
	conf.source[RF_GUARD_MESSAGE] = (struct rf_guard_rate){ 1, 3 };
	rf_guard_set_rates(g, &conf);
	while (rf_guard_take(g, RF_GUARD_MESSAGE, &a, at_ms(0)) == 0)
		passed++;
	assert_int_equal(passed, 3);
	rf_guard_free(g);
}

static void no_memory(void **state)
{
	struct rf_guard_conf conf = { .source[RF_GUARD_MESSAGE] = { 1, 1 }, .crowd[RF_GUARD_MESSAGE] = { 1, 1 } };
	struct rf_addr a = v4(1);
	struct rf_guard *g;

	(void)state;
	fail_alloc_at(1);
	assert_int_equal(rf_guard_new(&conf, &g), -ENOMEM);
	assert_true(fail_alloc_off());
	for (unsigned n = 1; n < 3; n++) { /* no entry: the crowd's bucket serves */
		g = new_guard(conf);
		fail_alloc_at(n);
		assert_int_equal(rf_guard_take(g, RF_GUARD_MESSAGE, &a, at_ms(0)), 0);
		assert_true(fail_alloc_off());
		rf_guard_free(g);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_source),
		cmocka_unit_test(rate_is_exact),
		cmocka_unit_test(v6_by_64),
		cmocka_unit_test(total),
		cmocka_unit_test(flood_of_sources),
		cmocka_unit_test(new_rates),
		cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
