/* Somebody sets the date while phones are registered and talk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "kit.h"

#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define DAY_US ((int64_t)86400 * 1000000)

static int setup(void **state)
{
	struct kit *k = kit_new("minimum");

	for (int i = 0; i < 3; i++)
		phone_register(&k->phone[i]); /* for 600 s */
	*state = k;
	return 0;
}

static int teardown(void **state)
{
	kit_census(*state);
	kit_free(*state);
	return 0;
}

/* A second of the worker that keeps the table. */
static void second(struct kit *k)
{
	kit_wait(k, 1000);
	rf_call_core_expire(k->core);
}

static void seconds(struct kit *k, uint64_t s)
{
	k->now_us += s * 1000000;
	rf_loop_turn(k->loop, 0);
	rf_call_core_expire(k->core);
}

static uint64_t bindings(struct kit *k)
{
	struct rf_location_counts c;

	rf_location_counts(k->location, &c);
	return c.bindings;
}

static void a_day_either_way(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];

	for (int way = -1; way <= 1; way += 2) {
		second(k);
		k->date_moved_us += way * DAY_US;
		second(k);
		for (int i = 0; i < 700; i++) /* past the housekeeping on disk, but refreshed */
			if (i % 300 == 0) {
				for (int p = 0; p < 3; p++)
					phone_register(&k->phone[p]);
			} else {
				seconds(k, 1);
			}
		assert_int_equal(bindings(k), 3);
		assert_int_equal(rf_call_core_counters(k->core)->clock_jumps, way < 0 ? 1 : 2);
		call_up(a, b, SDP_PLAIN, SDP_PLAIN);
		call_down(a, b);
	}
	seconds(k, 601);
	assert_int_equal(bindings(k), 0);
}

/* The disk knows dates only: after the jump they are right again. */
static void restart_after_a_jump(void **state)
{
	struct kit *k = *state;

	for (int way = -1; way <= 1; way += 2) {
		second(k);
		k->date_moved_us += way * DAY_US;
		second(k);
		k->now_us += 100000000;
		kit_restart(k);
		assert_int_equal(bindings(k), 3);
	}
	seconds(k, 400);
	assert_int_equal(bindings(k), 0);
}

/* Set back while nothing ran: not a day longer. */
static void set_back_while_down(void **state)
{
	struct kit *k = *state;

	k->date_moved_us -= DAY_US;
	kit_restart(k);
	assert_int_equal(bindings(k), 3);
	seconds(k, 601);
	assert_int_equal(bindings(k), 0);
}

static void talking_for_ten_seconds(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];
	static const int64_t moves[] = { DAY_US, -DAY_US };

	for (size_t i = 0; i < 2; i++) {
		char want[2][64], text[RF_WALL_TEXT];
		struct rf_wall answered;

		if (!k->ledger)
			kit_ledger(k);
		call_up(a, b, SDP_PLAIN, SDP_PLAIN);
		answered = rf_loop_wall(k->loop);
		kit_wait(k, 4000);
		k->date_moved_us += moves[i];
		kit_wait(k, 6000);
		assert_int_equal(rf_call_core_census(k->core).calls, 1);
		call_down(a, b);
		rf_wall_text(answered, text);
		snprintf(want[0], sizeof want[0], "\"answer\":\"%s\"", text);
		rf_wall_text((struct rf_wall){ answered.us + 10000000 }, text);
		snprintf(want[1], sizeof want[1], "\"end\":\"%s\"", text);
		char *record = kit_record(k);

		assert_int_equal(count_of(record, want[0]), 2);
		assert_int_equal(count_of(record, want[1]), 2);
		free(record);
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_day_either_way), T(restart_after_a_jump), T(set_back_while_down), T(talking_for_ten_seconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
