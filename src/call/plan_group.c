/* A hunt group as a source. Members that are not there, do not want to be disturbed or are in a call are passed over;
 * so are those that forward all calls: a group's call that left it by a member's forward would be nobody's.
 * All: one step. Else a step for each member; when nobody took it, the number in on_no_answer, as a call of the group's
 * number: the site's class says how far that goes. */
#include "call/call_int.h"

#include <stdlib.h>

struct group {
	struct rf_source source;
	struct rf_directory *directory;  /* a reference: keeps `it` alive through a reload */
	const struct rf_site_group *it;
	size_t at;                       /* of order, next to ring */
	bool any, onward;
	uint16_t n;
	uint16_t order[RF_SITE_LIST_MAX];
};

static struct rf_view member(const struct group *self, size_t i)
{
	return self->it->members.v[self->order[i]];
}

static bool wants_calls(struct rf_plan *plan, struct rf_view number)
{
	struct rf_settings set;

	if (rf_view_eq(number, plan->caller->number))
		return false;
	rf_settings_get(plan->core->settings, number, &set);
	return !set.dnd && !set.forward[RF_FORWARD_ALWAYS][0] && !(set.refuse_anonymous && plan->anonymous) &&
	       rf_lines_busy(rf_call_shared_lines(plan->core->shared), number) == 0;
}

/* Who has been idle longest first; who never had a call before all. Stable, so the order of the file decides ties. */
static void sort_by_idle(struct rf_plan *plan, struct group *self)
{
	const struct rf_lines *lines = rf_call_shared_lines(plan->core->shared);

	for (size_t i = 1; i < self->n; i++)
		for (size_t k = i; k > 0; k--) {
			uint16_t one = self->order[k - 1], two = self->order[k];

			if (rf_lines_idle_since(lines, self->it->members.v[one]).us <=
			    rf_lines_idle_since(lines, self->it->members.v[two]).us)
				break;
			self->order[k - 1] = two;
			self->order[k] = one;
		}
}

static void put_in_order(struct rf_plan *plan, struct group *self)
{
	size_t n = self->it->members.n < RF_SITE_LIST_MAX ? self->it->members.n : RF_SITE_LIST_MAX;
	size_t first =
		self->it->strategy == RF_GROUP_ROUND_ROBIN && n ? rf_call_shared_turn(plan->core->shared) % n : 0;

	self->n = (uint16_t)n;
	for (size_t i = 0; i < n; i++)
		self->order[i] = (uint16_t)((first + i) % n);
	if (self->it->strategy == RF_GROUP_LONGEST_IDLE)
		sort_by_idle(plan, self);
}

/* Members of the next step, as many as may ring at once. */
static size_t gather(struct rf_plan *plan, struct group *self, struct rf_aim *aim, size_t max)
{
	bool all = self->it->strategy == RF_GROUP_ALL;
	size_t n = 0, known;

	while (self->at < self->n && n < max && (all || n == 0)) {
		struct rf_view number = member(self, self->at++);

		if (wants_calls(plan, number) && rf_plan_phones(plan, number, aim, max, &n, &known))
			break; /* memory: with those that there are */
	}
	return n;
}

static enum rf_source_does onward(struct rf_plan *plan, struct group *self)
{
	struct rf_view to = self->it->on_no_answer;

	if (!self->any)
		rf_plan_refuse(plan, 480, "nobody of the group can be called", NULL);
	if (self->onward || !to.n)
		return RF_SOURCE_DONE;
	self->onward = true;
	return rf_plan_forward(plan, self->it->number, to, 408) ? RF_SOURCE_DONE : RF_SOURCE_PUSHED;
}

static enum rf_source_does next(struct rf_plan *plan, struct rf_source *s, const struct rf_step_result *last,
				struct rf_step *ret_step)
{
	struct group *self = rf_container(s, struct group, source);
	struct rf_aim *aim = rf_arena_array(&plan->arena, RF_PLAN_AIMS, sizeof *aim);

	(void)last;
	if (!aim) {
		rf_plan_refuse(plan, 503, "memory", NULL);
		return RF_SOURCE_DONE;
	}
	size_t n = self->onward ? 0 : gather(plan, self, aim, RF_PLAN_AIMS);

	if (!n)
		return onward(plan, self);
	self->any = true;
	*ret_step = (struct rf_step){ .aim = aim, .n = n, .ring_ms = self->it->ring_s * 1000 };
	return RF_SOURCE_STEP;
}

static void group_free(struct rf_source *s)
{
	struct group *self = rf_container(s, struct group, source);

	rf_directory_put(self->directory);
	free(self);
}

static const struct rf_source_ops ops = { next, group_free };

int rf_plan_group(struct rf_plan *plan, const struct rf_site_group *group, unsigned cause)
{
	struct group *self = calloc(1, sizeof *self);

	if (!self) {
		rf_plan_refuse(plan, 503, "memory", NULL);
		return -ENOMEM;
	}
	if (rf_plan_hop(plan, group->number, cause, false)) {
		free(self);
		return RF_E_LIMIT;
	}
	self->source.ops = &ops;
	self->directory = rf_directory_get(plan->core->directory);
	self->it = group;
	put_in_order(plan, self);
	return rf_plan_push(plan, &self->source, true);
}
