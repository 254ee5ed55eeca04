/* Bounded resources: who gets in, who gives way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "call/resource.h"

#include <stdlib.h>

#include <cmocka.h>

enum { E = RF_RANK_EMERGENCY };

/* One resource of 4 units, 1 of them reserved; a script of claims, each with the rank it comes with. Calls have the
 * numbers of their lines. */
struct line {
	char what;              /* 'p': may push out, 'c': may not, '-': call `units` ends */
	unsigned rank, units;
	int rc;
	const char *victims;    /* their numbers, in order */
};

struct table {
	struct line line[12];
} tables[] = {
	/* an ordinary full resource */
	{ { { 'c', 0, 1, 0, "" }, { 'c', 0, 1, 0, "" }, { 'c', 0, 1, 0, "" }, { 'c', 0, 1, RF_E_LIMIT, "" },
	    { '-', 0, 1, 0, "" }, { 'c', 0, 1, 0, "" } } },
	/* the reserve is for emergency calls, which then push out anybody, and nobody them */
	{ { { 'c', 0, 1, 0, "" }, { 'p', 4, 1, 0, "" }, { 'c', 0, 1, 0, "" }, { 'c', E, 1, 0, "" },
	    { 'c', E, 1, 0, "2" }, { 'c', E, 1, 0, "0" }, { 'c', E, 1, 0, "1" }, { 'c', E, 1, RF_E_LIMIT, "" },
	    { 'p', 15, 1, RF_E_LIMIT, "" } } },
	/* the lowest gives way, of equals the newest; an equal does not */
	{ { { 'p', 1, 1, 0, "" }, { 'p', 0, 1, 0, "" }, { 'p', 0, 1, 0, "" }, { 'p', 3, 1, 0, "2" },
	    { 'p', 3, 1, 0, "1" }, { 'p', 3, 1, 0, "0" }, { 'p', 3, 1, RF_E_LIMIT, "" }, { 'p', 4, 1, 0, "5" } } },
	/* who queues pushes nobody out (ets, wps) */
	{ { { 'c', 0, 3, 0, "" }, { 'c', 4, 1, RF_E_LIMIT, "" } } },
	/* several give way to one that is larger, or none at all */
	{ { { 'c', 0, 1, 0, "" }, { 'c', 1, 1, 0, "" }, { 'c', 2, 1, 0, "" }, { 'p', 2, 3, RF_E_LIMIT, "" },
	    { 'p', 3, 3, 0, "012" }, { 'p', 4, 4, RF_E_LIMIT, "" } } },
};

static void scripts(void **state)
{
	(void)state;
	for (size_t t = 0; t < sizeof tables / sizeof *tables; t++) {
		struct rf_resources *r = rf_resources_new();
		struct rf_hold *hold[12] = { NULL };

		for (size_t i = 0; i < 12 && tables[t].line[i].what; i++) {
			const struct line *l = &tables[t].line[i];
			struct rf_claim claim = { .worker = (uint8_t)i,
						  .rank = (uint8_t)l->rank,
						  .preempts = l->what == 'p' };
			struct rf_victim victims[RF_VICTIMS_MAX];
			char gave[RF_VICTIMS_MAX + 1] = "";
			size_t n = 0;

			if (l->what == '-') {
				rf_resource_give(r, hold[l->units]);
				hold[l->units] = NULL;
				continue;
			}
			int rc = rf_resource_take(r, RF_V("trunk carrier"), 4, 1, l->units, &claim, &hold[i], victims,
						  &n);

			for (size_t v = 0; v < n; v++)
				gave[v] = (char)('0' + victims[v].worker);
			if (rc != l->rc || strcmp(gave, l->victims) != 0)
				fail_msg("table %zu, line %zu: %d, \"%s\"", t, i, rc, gave);
		}
		assert_true(rf_resource_used(r, RF_V("trunk carrier")) <= 4);
		for (size_t i = 0; i < 12; i++)
			rf_resource_give(r, hold[i]);
		assert_int_equal(rf_resource_count(r), 0);
		assert_int_equal(rf_resource_used(r, RF_V("trunk carrier")), 0);
		rf_resources_put(r);
	}
}

static void without_a_bound(void **state)
{
	struct rf_resources *r = rf_resources_new();
	struct rf_victim victims[RF_VICTIMS_MAX];
	struct rf_hold *hold[100];
	struct rf_claim claim = { .rank = 0 };
	size_t n;

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_int_equal(rf_resource_take(r, RF_V("link"), 0, 10, 1000, &claim, &hold[i], victims, &n), 0);
	assert_int_equal(rf_resource_used(r, RF_V("link")), 100000);
	for (int i = 0; i < 100; i++)
		rf_resource_give(r, hold[i]);
	assert_int_equal(rf_resource_count(r), 0);
	rf_resources_put(r);
}

/* One claim never ends more calls than fit its list. */
static void too_many_victims(void **state)
{
	struct rf_resources *r = rf_resources_new();
	struct rf_victim victims[RF_VICTIMS_MAX];
	struct rf_hold *hold[RF_VICTIMS_MAX + 1], *large;
	struct rf_claim low = { .rank = 0 }, high = { .rank = 4, .preempts = true };
	uint8_t name[RF_RESOURCE_NAME_MAX + 1] = { 0 };
	size_t n, most = RF_VICTIMS_MAX + 1;

	(void)state;
	for (size_t i = 0; i < most; i++)
		assert_int_equal(rf_resource_take(r, RF_V("x"), most, 0, 1, &low, &hold[i], victims, &n), 0);
	assert_int_equal(rf_resource_take(r, RF_V("x"), most, 0, most, &high, &large, victims, &n), RF_E_LIMIT);
	assert_int_equal(rf_resource_used(r, RF_V("x")), most);
	assert_int_equal(rf_resource_take(r, RF_V("x"), most, 0, most - 1, &high, &large, victims, &n), 0);
	assert_int_equal(n, RF_VICTIMS_MAX);
	assert_int_equal(rf_resource_take(r, rf_view_of(name, sizeof name), 1, 0, 1, &high, &large, victims, &n),
			 RF_E_INVALID);
	rf_resource_give(r, large);
	for (size_t i = 0; i < most; i++)
		rf_resource_give(r, hold[i]);
	assert_int_equal(rf_resource_count(r), 0);
	rf_resources_put(rf_resources_get(r));
	rf_resources_put(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scripts), cmocka_unit_test(without_a_bound), cmocka_unit_test(too_many_victims),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
