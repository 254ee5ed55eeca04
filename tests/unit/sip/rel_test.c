/* Reliable provisionals: numbers, PRACK, repetition. */
#include "sip/rel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static struct rf_random rnd;
static const struct rf_mono t0 = { 1000000 };
static const struct rf_sip_timers *const times = &rf_sip_timers_default;

static void test_called(void **state)
{
	struct rf_rel_uas r;
	uint32_t one, two;

	(void)state;
	rf_rel_uas_init(&r, 314);
	assert_true(rf_rel_uas_may_accept(&r));
	assert_int_equal(rf_rel_uas_send(&r, true, times, &rnd, t0, &one), 0);
	assert_true(one >= 1 && one <= 0x7fffffff);
	assert_int_equal(rf_rel_uas_send(&r, false, times, &rnd, t0, &two), RF_E_BUSY);
	assert_false(rf_rel_uas_may_accept(&r)); /* its description waits for the PRACK */
	assert_int_equal(rf_rel_uas_step(&r, rf_mono_add_ms(t0, 499)), RF_RESEND_WAIT);
	assert_int_equal(rf_rel_uas_step(&r, rf_mono_add_ms(t0, 500)), RF_RESEND_NOW);

	static const struct {
		int32_t rseq, cseq;
		const char *method;
	} wrong[] = {
		{ 1, 0, "INVITE" }, { -1, 0, "INVITE" }, { 0, 1, "INVITE" }, { 0, 0, "invite" }, { 0, 0, "UPDATE" }
	};
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		struct rf_rack rack = { one + (uint32_t)wrong[i].rseq, 314 + (uint32_t)wrong[i].cseq,
					rf_view_str(wrong[i].method) };

		assert_int_equal(rf_rel_uas_prack(&r, &rack), RF_E_NOT_FOUND);
	}
	struct rf_rack right = { one, 314, RF_V("INVITE") };
	assert_int_equal(rf_rel_uas_prack(&r, &right), 0);
	assert_int_equal(rf_rel_uas_prack(&r, &right), RF_E_NOT_FOUND);
	assert_true(rf_rel_uas_may_accept(&r));
	assert_true(rf_rel_uas_next(&r).us == rf_mono_never().us);

	assert_int_equal(rf_rel_uas_send(&r, false, times, &rnd, t0, &two), 0);
	rf_rel_uas_unsent(&r);
	assert_true(rf_rel_uas_next(&r).us == rf_mono_never().us);
	assert_int_equal(rf_rel_uas_send(&r, false, times, &rnd, t0, &two), 0);
	assert_int_equal(two, one + 1);
	assert_true(rf_rel_uas_may_accept(&r)); /* without a description a 2xx may overtake it */
	rf_rel_uas_final(&r);
	assert_int_equal(rf_rel_uas_step(&r, rf_mono_add_ms(t0, 60000)), RF_RESEND_WAIT);
	right.rseq = two;
	assert_int_equal(rf_rel_uas_prack(&r, &right), 0); /* it may still come */
	assert_int_equal(rf_rel_uas_send(&r, false, times, &rnd, t0, &two), RF_E_STATE);
}

static void test_no_prack(void **state)
{
	struct rf_rel_uas r;
	uint32_t rseq;

	(void)state;
	rf_rel_uas_init(&r, 1);
	assert_int_equal(rf_rel_uas_send(&r, false, times, &rnd, t0, &rseq), 0);
	assert_int_equal(rf_rel_uas_step(&r, rf_mono_add_ms(t0, 32000)), RF_RESEND_GIVE_UP);
	assert_int_equal(rf_rel_uas_step(&r, rf_mono_add_ms(t0, 32000)), RF_RESEND_WAIT);
}

static void test_caller(void **state)
{
	static const struct {
		uint32_t rseq;
		enum rf_rel_verdict verdict;
	} steps[] = {
		{ 988789, RF_REL_NEW },       { 988789, RF_REL_REPEATED }, { 988791, RF_REL_TOO_EARLY },
		{ 988790, RF_REL_NEW },       { 988791, RF_REL_NEW },      { 988790, RF_REL_REPEATED },
		{ 1, RF_REL_REPEATED },       { 4000000000, RF_REL_TOO_EARLY },
	};
	struct rf_rel_uac r = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
		assert_int_equal(rf_rel_uac_receive(&r, steps[i].rseq), steps[i].verdict);
}

static void test_rack(void **state)
{
	struct rf_rack rack = { 776656, 1, RF_V("INVITE") };
	struct rf_writer w;
	struct rf_view v;
	char text[32];

	(void)state;
	rf_writer_init(&w, text, sizeof text);
	rf_rack_put(&w, &rack);
	assert_int_equal(rf_writer_done(&w, &v), 0);
	assert_true(rf_view_eq(v, RF_V("776656 1 INVITE")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_called),
		cmocka_unit_test(test_no_prack),
		cmocka_unit_test(test_caller),
		cmocka_unit_test(test_rack),
	};

	rf_random_system(&rnd);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
