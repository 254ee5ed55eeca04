#include "loop/timer.h"

#include "base/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { TIMERS = 512, ROUNDS = 60000 };

struct probe {
	struct rf_timer timer;
	struct world *world;
	bool runs;
	uint64_t due_ms; /* what the naive model expects */
};

struct world {
	struct rf_wheel wheel;
	struct rf_mono now;
	struct probe probe[TIMERS];
	uint64_t last_due, fired;
	unsigned seed;
};

static unsigned dice(struct world *w)
{
	w->seed = w->seed * 1664525u + 1013904223u;
	return w->seed >> 8;
}

static uint64_t any_delay(struct world *w)
{
	static const uint64_t range[] = { 1, 4, 300, 20000, 1100000, 70000000, 400000000, 10000000000 };
	uint64_t r = range[dice(w) % 8];

	return ((uint64_t)dice(w) << 12 | dice(w)) % r;
}

static void start(struct probe *p, uint64_t delay)
{
	struct world *w = p->world;
	uint64_t due = (w->wheel.now.us + delay * 1000 + 999) / 1000;

	rf_timer_start(&w->wheel, &p->timer, delay);
	p->runs = true;
	p->due_ms = due > w->wheel.tick ? due : w->wheel.tick + 1;
}

static void model_fired(struct rf_timer *t)
{
	struct probe *p = rf_container(t, struct probe, timer);
	struct world *w = p->world;

	assert_true(p->runs);
	assert_false(rf_timer_active(t));
	assert_true(p->due_ms <= w->now.us / 1000);
	assert_true(p->due_ms >= w->last_due);
	w->last_due = p->due_ms;
	p->runs = false;
	w->fired++;
	if (dice(w) % 4 == 0)
		start(p, any_delay(w));
	struct probe *other = &w->probe[dice(w) % TIMERS];
	if (dice(w) % 4 == 0 && other->runs) {
		rf_timer_stop(&w->wheel, &other->timer);
		other->runs = false;
	}
}

/* What the model says of the next deadline, and that nothing is overdue. */
static void check_against_model(struct world *w)
{
	uint64_t first = UINT64_MAX;
	size_t count = 0;
	struct rf_mono at;

	for (size_t i = 0; i < TIMERS; i++) {
		struct probe *p = &w->probe[i];

		assert_int_equal(p->runs, rf_timer_active(&p->timer));
		if (!p->runs)
			continue;
		assert_true(p->due_ms > w->now.us / 1000);
		count++;
		first = p->due_ms < first ? p->due_ms : first;
	}
	assert_int_equal(w->wheel.count, count);
	assert_int_equal(rf_wheel_next(&w->wheel, &at), count != 0);
	if (!count)
		return;
	assert_true(at.us / 1000 <= first);
	assert_true(at.us > w->now.us);
	if (first >> 8 == w->now.us / 1000 >> 8)
		assert_int_equal(at.us / 1000, first);
}

static void model(void **state)
{
	struct world *w = calloc(1, sizeof *w);

	(void)state;
	w->seed = 7;
	w->now.us = 987654321098;
	rf_wheel_init(&w->wheel, w->now);
	for (size_t i = 0; i < TIMERS; i++) {
		w->probe[i].world = w;
		rf_timer_init(&w->probe[i].timer, model_fired);
	}
	for (int i = 0; i < ROUNDS; i++) {
		struct probe *p = &w->probe[dice(w) % TIMERS];

		if (dice(w) % 3) {
			start(p, any_delay(w));
		} else {
			rf_timer_stop(&w->wheel, &p->timer);
			p->runs = false;
		}
		if (dice(w) % 3 == 0) {
			w->now.us += any_delay(w) * 1000 / (dice(w) % 50 + 1) + dice(w) % 1500;
			w->last_due = 0;
			rf_wheel_advance(&w->wheel, w->now, 0);
		}
		if (i % 16 == 0)
			check_against_model(w);
	}
	assert_true(w->fired > 1000);
	free(w);
}

struct one {
	struct rf_timer timer;
	struct rf_wheel *wheel;
	int fired;
	uint64_t again_ms;
	bool rearm;
};

static void one_fired(struct rf_timer *t)
{
	struct one *o = rf_container(t, struct one, timer);

	o->fired++;
	if (o->rearm)
		rf_timer_start(o->wheel, t, o->again_ms);
}

static void never_early(void **state)
{
	struct rf_wheel w;
	struct one o = { .wheel = &w };

	(void)state;
	rf_wheel_init(&w, (struct rf_mono){ 1500 }); /* in the middle of a tick */
	rf_timer_init(&o.timer, one_fired);
	rf_timer_start(&w, &o.timer, 1);
	rf_wheel_advance(&w, (struct rf_mono){ 2499 }, 0);
	assert_int_equal(o.fired, 0);
	rf_wheel_advance(&w, (struct rf_mono){ 3000 }, 0);
	assert_int_equal(o.fired, 1);
}

static void zero_does_not_spin(void **state)
{
	struct rf_wheel w;
	struct one o = { .wheel = &w, .rearm = true };

	(void)state;
	rf_wheel_init(&w, (struct rf_mono){ 0 });
	rf_timer_init(&o.timer, one_fired);
	rf_timer_start(&w, &o.timer, 0);
	for (uint64_t ms = 1; ms <= 10; ms++)
		assert_int_equal(rf_wheel_advance(&w, (struct rf_mono){ ms * 1000 }, 0), 1);
	assert_int_equal(o.fired, 10);
	rf_timer_stop(&w, &o.timer);
	rf_timer_stop(&w, &o.timer);
	assert_int_equal(w.count, 0);
}

static void most_leaves_the_rest_due(void **state)
{
	struct rf_wheel w;
	struct one o[10];
	struct rf_mono at;

	(void)state;
	rf_wheel_init(&w, (struct rf_mono){ 0 });
	for (size_t i = 0; i < 10; i++) {
		o[i] = (struct one){ .wheel = &w };
		rf_timer_init(&o[i].timer, one_fired);
		rf_timer_start(&w, &o[i].timer, i + 1);
	}
	assert_int_equal(rf_wheel_advance(&w, (struct rf_mono){ 20000 }, 4), 4);
	assert_true(o[3].fired && !o[4].fired);
	assert_true(rf_wheel_next(&w, &at));
	assert_int_equal(at.us, 20000);
	rf_timer_stop(&w, &o[9].timer); /* the last of the ready ones */
	rf_timer_stop(&w, &o[4].timer); /* the first */
	assert_int_equal(rf_wheel_advance(&w, (struct rf_mono){ 20000 }, 0), 4);
	assert_int_equal(o[9].fired + o[4].fired, 0);
	assert_false(rf_wheel_next(&w, &at));
}

static void time_does_not_go_back(void **state)
{
	struct rf_wheel w;
	struct one o = { .wheel = &w };

	(void)state;
	rf_wheel_init(&w, (struct rf_mono){ 5000000 });
	rf_timer_init(&o.timer, one_fired);
	rf_wheel_advance(&w, (struct rf_mono){ 1000 }, 0);
	rf_timer_start(&w, &o.timer, 10);
	rf_wheel_advance(&w, (struct rf_mono){ 5009000 }, 0);
	assert_int_equal(o.fired, 0);
	rf_wheel_advance(&w, (struct rf_mono){ 5010000 }, 0);
	assert_int_equal(o.fired, 1);
}

/* After an idle time the loop touches the wheel first: a start counts from now, not from the last advance. */
static void touch(void **state)
{
	struct rf_wheel w;
	struct one o = { .wheel = &w };

	(void)state;
	rf_wheel_init(&w, (struct rf_mono){ 0 });
	rf_timer_init(&o.timer, one_fired);
	rf_wheel_touch(&w, (struct rf_mono){ 10000000 });
	rf_timer_start(&w, &o.timer, 500);
	rf_wheel_advance(&w, (struct rf_mono){ 10499999 }, 0);
	assert_int_equal(o.fired, 0);
	rf_wheel_advance(&w, (struct rf_mono){ 10500000 }, 0);
	assert_int_equal(o.fired, 1);
}

static void far_away(void **state)
{
	static const uint64_t delays[] = { 255, 256, 257, 16383, 16384, 1048575, 1048576, 67108863, 67108864, 67108865,
					   200000000, 31536000000 };
	(void)state;
	for (size_t i = 0; i < sizeof delays / sizeof *delays; i++) {
		struct rf_wheel w;
		struct one o = { .wheel = &w };

		rf_wheel_init(&w, (struct rf_mono){ 77777000 });
		rf_timer_init(&o.timer, one_fired);
		rf_timer_start(&w, &o.timer, delays[i]);
		rf_wheel_advance(&w, (struct rf_mono){ 77777000 + delays[i] * 1000 - 1 }, 0);
		assert_int_equal(o.fired, 0);
		rf_wheel_advance(&w, (struct rf_mono){ 77777000 + delays[i] * 1000 }, 0);
		assert_int_equal(o.fired, 1);
	}
}

static void forever_is_bounded(void **state)
{
	struct rf_wheel w;
	struct one o = { .wheel = &w };

	(void)state;
	rf_wheel_init(&w, (struct rf_mono){ 0 });
	rf_timer_init(&o.timer, one_fired);
	rf_timer_start(&w, &o.timer, UINT64_MAX);
	rf_wheel_advance(&w, (struct rf_mono){ UINT64_C(3600000000) * 24 }, 0);
	assert_true(rf_timer_active(&o.timer));
	rf_timer_stop(&w, &o.timer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(model),
		cmocka_unit_test(never_early),
		cmocka_unit_test(zero_does_not_spin),
		cmocka_unit_test(most_leaves_the_rest_due),
		cmocka_unit_test(time_does_not_go_back),
		cmocka_unit_test(touch),
		cmocka_unit_test(far_away),
		cmocka_unit_test(forever_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
