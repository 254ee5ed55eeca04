/* The stack of a plan by itself, with sources of a few lines: order of questions, bounds, what belongs to whom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "kit.h"

#include <stdlib.h>

#include <cmocka.h>

struct script {
	struct rf_source source;
	const char *acts;       /* one a question: s a step, p pushes the next, d done, r refuses and is done */
	struct script *next;    /* pushed by p; NULL: another like this */
	struct rf_step_result last;
	bool first_without_last;
	unsigned asked;
};

static unsigned alive;

static struct script *make(const char *acts, struct script *next)
{
	extern const struct rf_source_ops script_ops;
	struct script *s = calloc(1, sizeof *s);

	s->source.ops = &script_ops;
	s->acts = acts;
	s->next = next;
	alive++;
	return s;
}

static enum rf_source_does next(struct rf_plan *plan, struct rf_source *source, const struct rf_step_result *last,
				struct rf_step *ret_step)
{
	static const struct rf_aim aim[1];
	struct script *s = rf_container(source, struct script, source);
	char act = s->acts[s->asked];

	if (s->asked++ == 0)
		s->first_without_last = !last;
	if (last)
		s->last = *last;
	switch (act) {
	case 's':
		*ret_step = (struct rf_step){ .aim = aim, .n = 1 };
		return RF_SOURCE_STEP;
	case 'p':
		rf_plan_push(plan, s->next ? &s->next->source : &make(s->acts, NULL)->source, false);
		return RF_SOURCE_PUSHED;
	case 'r':
		rf_plan_refuse(plan, 403, "no", "rule");
		return RF_SOURCE_DONE;
	default:
		return RF_SOURCE_DONE;
	}
}

static void script_free(struct rf_source *source)
{
	free(rf_container(source, struct script, source));
	alive--;
}

extern const struct rf_source_ops script_ops;
const struct rf_source_ops script_ops = { next, script_free };

struct world {
	struct kit *k;
	struct rf_plan *plan;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);

	w->k = kit_new("minimum");
	struct rf_party *p = rf_party_new(w->k->directory, RF_V("1001"), RF_V("ann"), RF_V(""));

	if (rf_plan_new(w->k->core, p, &w->plan))
		return -1;
	rf_party_put(p);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	rf_plan_free(w->plan);
	kit_free(w->k);
	free(w);
	return alive != 0;
}

static const struct rf_step_result busy = { .code = 486, .raw = 486, .rank = 70 };

static void steps_and_pushes(void **state)
{
	struct rf_plan *plan = ((struct world *)*state)->plan;
	struct script *above = make("sd", NULL), *below = make("pssd", above);
	struct rf_step step;

	rf_plan_push(plan, &below->source, false);
	assert_true(rf_plan_next(plan, NULL, &step));
	assert_true(below->first_without_last && above->first_without_last);
	assert_true(rf_plan_next(plan, &busy, &step)); /* above is done: below hears what came last */
	assert_int_equal(below->last.code, 486);
	assert_true(rf_plan_next(plan, &busy, &step));
	assert_false(rf_plan_next(plan, &busy, &step));
	assert_int_equal(plan->code, 0);
	assert_int_equal(alive, 0);
}

static void best_refusal(void **state)
{
	struct rf_plan *plan = ((struct world *)*state)->plan;
	struct script *above = make("r", NULL), *below = make("pd", above);
	struct rf_step step;

	rf_plan_push(plan, &below->source, false);
	assert_false(rf_plan_next(plan, NULL, &step));
	assert_int_equal(plan->code, 403);
	assert_string_equal(plan->rule, "rule");
	rf_plan_refuse(plan, 480, "worse", NULL);
	assert_int_equal(plan->code, 403);
	rf_plan_refuse(plan, 486, "better", NULL);
	assert_int_equal(plan->code, 486);
}

static void never_ending(void **state)
{
	struct rf_plan *plan = ((struct world *)*state)->plan;
	struct rf_step step;
	unsigned n = 0;
	char acts[100];

	memset(acts, 's', sizeof acts);
	rf_plan_push(plan, &make(acts, NULL)->source, false);
	while (rf_plan_next(plan, &busy, &step))
		n++;
	assert_int_equal(n, RF_PLAN_STEPS);
}

static void too_deep(void **state)
{
	struct rf_plan *plan = ((struct world *)*state)->plan;
	struct rf_step step;

	rf_plan_push(plan, &make("pppd", NULL)->source, false);
	assert_false(rf_plan_next(plan, NULL, &step));
	assert_int_equal(plan->code, 482);
	assert_true(plan->turns <= RF_PLAN_TURNS + 1);
}

static void hops(void **state)
{
	struct rf_plan *plan = ((struct world *)*state)->plan;
	char number[8];

	for (int i = 0; i < RF_PLAN_HOPS; i++) {
		snprintf(number, sizeof number, "%d", 2000 + i);
		assert_int_equal(rf_plan_hop(plan, rf_view_str(number), i ? 486 : 0, false), 0);
	}
	assert_int_equal(rf_plan_hop(plan, RF_V("3000"), 486, false), RF_E_LIMIT);
	assert_true(rf_plan_was_at(plan, RF_V("2003")) && !rf_plan_was_at(plan, RF_V("200")));
	plan->hop_n = 5;
	assert_int_equal(rf_plan_hop(plan, RF_V("2003"), 486, false), RF_E_LIMIT);
	assert_string_equal(plan->rule, "hops"); /* the first of equal rank stays */
	plan->hop_n = 1;
	plan->hops_before = 9;
	assert_int_equal(rf_plan_hop(plan, RF_V("3000"), 486, false), RF_E_LIMIT);
}

/* A hop leaves with the source that it was made for. */
static void hops_leave(void **state)
{
	struct rf_plan *plan = ((struct world *)*state)->plan;
	struct rf_step step;

	rf_plan_hop(plan, RF_V("2000"), 0, false);
	rf_plan_push(plan, &make("ssd", NULL)->source, true);
	rf_plan_hop(plan, RF_V("2001"), 486, false);
	rf_plan_push(plan, &make("sd", NULL)->source, true);
	assert_true(rf_plan_next(plan, NULL, &step));
	assert_true(rf_view_eq(rf_plan_at(plan), RF_V("2001")));
	assert_true(rf_plan_next(plan, &busy, &step));
	assert_true(rf_view_eq(rf_plan_at(plan), RF_V("2000")));
	assert_true(rf_plan_next(plan, &busy, &step));
	assert_false(rf_plan_next(plan, &busy, &step));
	assert_int_equal(plan->hop_n, 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(steps_and_pushes), T(best_refusal), T(never_ending), T(too_deep), T(hops), T(hops_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
