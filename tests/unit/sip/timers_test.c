/* Resend schedules. */
#include "sip/timers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static const struct rf_mono t0 = { 9000000 };

/* Every millisecond of 40 s: when does it say "now", and when does it give up? */
static void follow(struct rf_resend *r, const unsigned *at_ms, size_t count)
{
	size_t i = 0;

	for (unsigned ms = 1; ms <= 40000; ms++) {
		enum rf_resend_verdict v = rf_resend_step(r, rf_mono_add_ms(t0, ms));

		if (v == RF_RESEND_NOW) {
			assert_true(i < count);
			assert_int_equal(ms, at_ms[i++]);
		}
		if (v == RF_RESEND_GIVE_UP)
			assert_int_equal(ms, 32000);
		if (ms >= 32000)
			assert_true(rf_resend_next(r).us == rf_mono_never().us);
	}
	assert_int_equal(i, count);
}

static void test_2xx(void **state)
{
	static const unsigned at[] = { 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500 };
	struct rf_resend r;

	(void)state;
	rf_resend_start_2xx(&r, &rf_sip_timers_default, t0);
	follow(&r, at, sizeof at / sizeof at[0]);
}

static void test_reliable_provisional(void **state)
{
	static const unsigned at[] = { 500, 1500, 3500, 7500, 15500, 31500 };
	struct rf_resend r;

	(void)state;
	rf_resend_start_rel(&r, &rf_sip_timers_default, t0);
	follow(&r, at, sizeof at / sizeof at[0]);
}

static void test_stop(void **state)
{
	struct rf_resend r;

	(void)state;
	rf_resend_start_2xx(&r, &rf_sip_timers_default, t0);
	rf_resend_stop(&r);
	rf_resend_stop(&r);
	assert_int_equal(rf_resend_step(&r, rf_mono_add_ms(t0, 100000)), RF_RESEND_WAIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_2xx),
		cmocka_unit_test(test_reliable_provisional),
		cmocka_unit_test(test_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
