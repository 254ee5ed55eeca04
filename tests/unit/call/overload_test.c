/* Load: measured, and whose work is put off for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "call/overload.h"

#include <cmocka.h>

static void rest(struct rf_overload *o, struct rf_load_sample s, unsigned samples)
{
	s.passed_us = s.passed_us ? s.passed_us : RF_OVERLOAD_SAMPLE_MS * 1000;
	while (samples--)
		rf_overload_sample(o, &s);
}

static const struct {
	struct rf_load_sample s;
	unsigned loss[RF_LOAD_CLASSES]; /* emergency, precedence, internal, register, external, other */
} steady[] = {
	{ { 0 }, { 0, 0, 0, 0, 0, 0 } },
	{ { .cpu_us = 80000 }, { 0, 0, 0, 0, 0, 0 } },
	{ { .cpu_us = 85000 }, { 0, 0, 0, 0, 0, 28 } },
	{ { .cpu_us = 90000 }, { 0, 0, 0, 0, 32, 66 } },
	/* a flood that only costs time keeps nobody inside from calling */
	{ { .cpu_us = 100000 }, { 0, 0, 0, 0, 100, 100 } },
	{ { .late_us = 100000 }, { 0, 0, 0, 0, 0, 0 } },
	{ { .late_us = 600000 }, { 0, 0, 19, 24, 100, 100 } },
	{ { .late_us = 1000000 }, { 0, 49, 99, 100, 100, 100 } },
	{ { .late_us = 60000000 }, { 0, 100, 100, 100, 100, 100 } },
	{ { .queue_bytes = 3 << 20 }, { 0, 0, 0, 0, 0, 0 } },
	{ { .queue_bytes = 6 << 20 }, { 0, 0, 49, 62, 100, 100 } },
	{ { .memory_bytes = 800 }, { 0, 0, 0, 0, 0, 0 } },
	{ { .memory_bytes = 950 }, { 0, 0, 50, 62, 100, 100 } },
	{ { .memory_bytes = 1000 }, { 0, 50, 100, 100, 100, 100 } },
	{ { .memory_bytes = UINT64_MAX / 2000 }, { 0, 100, 100, 100, 100, 100 } },
};

static void what_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof steady / sizeof steady[0]; i++) {
		struct rf_overload o;

		rf_overload_init(&o, &(struct rf_overload_conf){ .memory_bytes = 1000 });
		rest(&o, steady[i].s, 30);
		for (enum rf_load_class c = 0; c < RF_LOAD_CLASSES; c++)
			if (rf_overload_loss(&o, c, false) != steady[i].loss[c])
				fail_msg("sample %zu, %s: %u", i, rf_load_class_name(c),
					 rf_overload_loss(&o, c, false));
	}
}

static void no_bound_on_memory(void **state)
{
	struct rf_overload o;

	(void)state;
	rf_overload_init(&o, &(struct rf_overload_conf){ 0 });
	rest(&o, (struct rf_load_sample){ .memory_bytes = UINT64_MAX }, 10);
	assert_int_equal(rf_overload_loss(&o, RF_LOAD_OTHER, true), 0);
}

/* One late turn, as a busy machine has them, refuses nobody inside; and what was is soon forgotten. */
static void one_sample_is_no_overload(void **state)
{
	struct rf_overload o;

	(void)state;
	rf_overload_init(&o, &(struct rf_overload_conf){ 0 });
	rest(&o, (struct rf_load_sample){ .late_us = 900000 }, 1);
	assert_int_equal(rf_overload_loss(&o, RF_LOAD_INTERNAL, false), 0);
	rest(&o, (struct rf_load_sample){ .late_us = 2000000 }, 30);
	assert_int_equal(rf_overload_loss(&o, RF_LOAD_INTERNAL, false), 100);
	rest(&o, (struct rf_load_sample){ 0 }, 3);
	assert_int_equal(rf_overload_loss(&o, RF_LOAD_INTERNAL, false), 0);
}

static uint32_t step(uint32_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 17;
	*x ^= *x << 5;
	return *x;
}

/* Calls that want three processors where there is one, a refusal costing a tenth of a call: what is done stays near
 * what one processor can, and emergency calls get through whatever else there is. */
static void three_times_too_much(void **state)
{
	const double call_us = 100, refusal_us = 10, offered_per_us = 3 / call_us;
	double took_us = 100000, all_us = 0, done = 0;
	uint32_t x = 1;
	struct rf_overload o;

	(void)state;
	rf_overload_init(&o, &(struct rf_overload_conf){ 0 });
	for (unsigned i = 0; i < 600; i++) {
		unsigned came = (unsigned)(offered_per_us * took_us);
		double work_us = 0;

		while (came--) {
			bool go = rf_overload_admit(&o, RF_LOAD_EXTERNAL, false, step(&x));

			work_us += go ? call_us : refusal_us;
			done += go && i >= 100;
		}
		assert_true(rf_overload_admit(&o, RF_LOAD_EMERGENCY, true, step(&x)));
		took_us = work_us > 100000 ? work_us : 100000;
		all_us += i >= 100 ? took_us : 0;
		rf_overload_sample(&o, &(struct rf_load_sample){ .cpu_us = (uint64_t)work_us,
								 .passed_us = (uint64_t)took_us,
								 .late_us = (uint64_t)(took_us - 100000) });
	}
	assert_true(o.refused[RF_LOAD_EXTERNAL] > 0);
	assert_int_equal(o.refused[RF_LOAD_EMERGENCY], 0);
	/* of the 1000 calls that fit into 100 ms, less what the refusals cost */
	double per_sample = done * 100000 / all_us;

	if (per_sample < 650 || per_sample > 1000)
		fail_msg("%.0f calls in 100 ms", per_sample);
}

static const struct {
	uint64_t bytes, room;
	bool dropped;
	unsigned loss[RF_LOAD_CLASSES]; /* of what comes by UDP */
} waiting[] = {
	{ 0, 0, false, { 0, 0, 0, 0, 0, 0 } },
	{ 100, 1000, false, { 0, 0, 0, 0, 0, 0 } },
	{ 250, 1000, false, { 0, 0, 0, 0, 0, 0 } },
	{ 500, 1000, false, { 0, 0, 0, 0, 0, 0 } },
	{ 501, 1000, false, { 0, 50, 100, 100, 100, 100 } },
	{ 0, 1000, true, { 0, 50, 100, 100, 100, 100 } },
};

/* What the kernel keeps for us, or could not: seen by those who came that way, and by nobody else. */
static void datagrams_that_wait(void **state)
{
	struct rf_load_sample once = { .udp_bytes = 900, .udp_room = 1000 };
	struct rf_overload few;

	(void)state;
	rf_overload_init(&few, &(struct rf_overload_conf){ 0 });
	rest(&few, once, 1);
	assert_int_equal(rf_overload_loss(&few, RF_LOAD_INTERNAL, true), 0); /* one that stands out is no overload */
	rest(&few, once, 2);
	assert_int_equal(rf_overload_loss(&few, RF_LOAD_INTERNAL, true), 20);
	for (size_t i = 0; i < sizeof waiting / sizeof waiting[0]; i++) {
		struct rf_overload o;

		rf_overload_init(&o, &(struct rf_overload_conf){ 0 });
		rest(&o, (struct rf_load_sample){ .udp_bytes = waiting[i].bytes, .udp_room = waiting[i].room,
						  .udp_dropped = waiting[i].dropped }, 60);
		for (enum rf_load_class c = 0; c < RF_LOAD_CLASSES; c++) {
			if (rf_overload_loss(&o, c, true) != waiting[i].loss[c])
				fail_msg("%zu, %s: %u", i, rf_load_class_name(c), rf_overload_loss(&o, c, true));
			assert_int_equal(rf_overload_loss(&o, c, false), 0);
		}
		rest(&o, (struct rf_load_sample){ 0 }, 50); /* five seconds */
		assert_int_equal(rf_overload_loss(&o, RF_LOAD_INTERNAL, true), 0);
	}
}

/* The same three times too much, as datagrams: none of them makes a turn late, they wait in a buffer of the kernel that
 * has room for 60 ms of work. What is done stays near what can be done, and little is dropped. */
static void three_times_too_much_by_udp(void **state)
{
	const double call_us = 100, refusal_us = 10, room = 600;
	double waits = 0, done = 0, dropped = 0, came = 0;
	uint32_t x = 1;
	struct rf_overload o;
	bool lost = false;

	(void)state;
	rf_overload_init(&o, &(struct rf_overload_conf){ 0 });
	for (unsigned i = 0; i < 60000; i++) { /* milliseconds */
		double left_us = 1000;

		waits += 30;
		came += i >= 10000 ? 30 : 0;
		if (waits > room) {
			dropped += i >= 10000 ? waits - room : 0;
			lost = true;
			waits = room;
		}
		while (waits >= 1 && left_us > 0) {
			bool go = rf_overload_admit(&o, RF_LOAD_INTERNAL, true, step(&x));

			waits--;
			left_us -= go ? call_us : refusal_us;
			done += go && i >= 10000;
		}
		if (i % 100)
			continue;
		rf_overload_sample(&o, &(struct rf_load_sample){
			.cpu_us = 100000, .passed_us = 100000, .udp_bytes = (uint64_t)waits, .udp_room = (uint64_t)room,
			.udp_dropped = lost });
		lost = false;
	}
	/* Of 10 calls a millisecond that fit, less what the refusals cost. */
	double share = done / (50000 * 10);
	if (share < 0.65 || share > 1)
		fail_msg("%.2f of what is possible", share);
	if (dropped > came / 30)
		fail_msg("%.0f of %.0f dropped", dropped, came);
}

static void retry_is_spread(void **state)
{
	uint32_t x = 7, least = UINT32_MAX, most = 0;

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		uint32_t s = rf_overload_retry_s(RF_LOAD_REGISTER, step(&x));

		least = s < least ? s : least;
		most = s > most ? s : most;
	}
	assert_int_equal(least, 5);
	assert_int_equal(most, 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_refused), cmocka_unit_test(no_bound_on_memory),
		cmocka_unit_test(one_sample_is_no_overload), cmocka_unit_test(three_times_too_much),
		cmocka_unit_test(datagrams_that_wait), cmocka_unit_test(three_times_too_much_by_udp),
		cmocka_unit_test(retry_is_spread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
