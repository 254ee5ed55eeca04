/* The state of a peer under a clock of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "call/health.h"
#include "sip/timers.h"

#include <cmocka.h>

enum { INTERVAL = 30000 };

static struct rf_mono at(uint64_t ms)
{
	return (struct rf_mono){ 5000000 + ms * 1000 };
}

static uint64_t wait_of(const struct rf_health *h, uint64_t now_ms)
{
	return (h->next.us - at(now_ms).us) / 1000;
}

static void asked_at_once_then_every_interval(void **state)
{
	struct rf_health h;
	(void)state;

	rf_health_init(&h, at(0));
	assert_int_equal(h.state, RF_HEALTH_UNKNOWN);
	assert_true(rf_health_due(&h, INTERVAL, at(0)));
	assert_false(rf_health_due(&h, INTERVAL, at(0))); /* one at a time */
	assert_true(rf_health_answered(&h, INTERVAL, at(40)));
	assert_int_equal(h.state, RF_HEALTH_UP);
	assert_false(rf_health_due(&h, INTERVAL, at(30039)));
	assert_true(rf_health_due(&h, INTERVAL, at(30040)));
	assert_false(rf_health_answered(&h, INTERVAL, at(30050))); /* as before */
}

static void down_after_two_then_asked_more_rarely(void **state)
{
	static const uint64_t waits[] = { 2000, 4000, 8000, 16000, 32000, 60000, 60000 };
	struct rf_health h;
	uint64_t now = 0;
	(void)state;

	rf_health_init(&h, at(0));
	rf_health_due(&h, INTERVAL, at(0));
	rf_health_answered(&h, INTERVAL, at(0));
	now = 30000;
	assert_true(rf_health_due(&h, INTERVAL, at(now)));
	assert_false(rf_health_failed(&h, INTERVAL, at(now)));
	assert_int_equal(h.state, RF_HEALTH_UP);
	assert_int_equal(wait_of(&h, now), RF_HEALTH_RETRY_MS);
	for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
		now = (h.next.us - at(0).us) / 1000;
		assert_true(rf_health_due(&h, INTERVAL, at(now)));
		assert_int_equal(rf_health_failed(&h, INTERVAL, at(now)), i == 0);
		assert_int_equal(h.state, RF_HEALTH_DOWN);
		assert_int_equal(wait_of(&h, now), waits[i]);
	}
	now += 60000;
	assert_true(rf_health_due(&h, INTERVAL, at(now)));
	assert_true(rf_health_answered(&h, INTERVAL, at(now)));
	assert_int_equal(h.state, RF_HEALTH_UP);
	assert_int_equal(wait_of(&h, now), INTERVAL);
	/* the count of failures began anew */
	assert_true(rf_health_due(&h, INTERVAL, at(now + INTERVAL)));
	assert_false(rf_health_failed(&h, INTERVAL, at(now + INTERVAL)));
}

static void a_call_that_finds_nobody_puts_it_down(void **state)
{
	struct rf_health h;
	(void)state;

	rf_health_init(&h, at(0));
	rf_health_due(&h, INTERVAL, at(0));
	rf_health_answered(&h, INTERVAL, at(0));
	assert_true(rf_health_hurt(&h, INTERVAL, at(100)));
	assert_int_equal(h.state, RF_HEALTH_DOWN);
	assert_int_equal(wait_of(&h, 100), RF_HEALTH_RETRY_MS);
	assert_false(rf_health_hurt(&h, INTERVAL, at(500))); /* does not put off the asking */
	assert_int_equal(wait_of(&h, 100), RF_HEALTH_RETRY_MS);
	assert_true(rf_health_due(&h, INTERVAL, at(2100)));
	assert_true(rf_health_answered(&h, INTERVAL, at(2110)));
}

static void hurt_while_it_is_asked(void **state)
{
	struct rf_health h;
	(void)state;

	rf_health_init(&h, at(0));
	assert_true(rf_health_due(&h, INTERVAL, at(0)));
	assert_true(rf_health_hurt(&h, INTERVAL, at(10)));
	assert_false(rf_health_due(&h, INTERVAL, at(5000)));
	assert_true(rf_health_answered(&h, INTERVAL, at(5000)));
}

static void without_asking_down_for_a_while(void **state)
{
	struct rf_health h;
	(void)state;

	rf_health_init(&h, at(0));
	assert_false(rf_health_due(&h, 0, at(0)));
	assert_false(rf_health_due(&h, 0, at(1000000)));
	assert_true(rf_health_hurt(&h, 0, at(2000)));
	assert_false(rf_health_due(&h, 0, at(2000 + RF_HEALTH_HOLD_MS - 1)));
	assert_int_equal(h.state, RF_HEALTH_DOWN);
	assert_false(rf_health_due(&h, 0, at(2000 + RF_HEALTH_HOLD_MS)));
	assert_int_equal(h.state, RF_HEALTH_UNKNOWN);
	assert_true(rf_health_hurt(&h, 0, at(90000)));
	assert_true(rf_health_answered(&h, 0, at(90001)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asked_at_once_then_every_interval),
		cmocka_unit_test(down_after_two_then_asked_more_rarely),
		cmocka_unit_test(a_call_that_finds_nobody_puts_it_down),
		cmocka_unit_test(hurt_while_it_is_asked),
		cmocka_unit_test(without_asking_down_for_a_while),
	};

	return cmocka_run_group_tests_name("health", tests, NULL, NULL);
}
