#include "call/plan.h"

#include "call/call_int.h"

#include <stdlib.h>

/* Ranks of what sources refuse with, beside those of phones (codes.c). A person who does not want this call outweighs
 * all; a bound or a rule says more than that a number cannot be reached. */
static unsigned rank_of(unsigned code)
{
	switch (code) {
	case 433:
		return 90;
	case 403:
		return 65;
	case 482:
		return 62;
	case 404:
		return 55;
	default:
		return rf_code_of_phone(code).rank;
	}
}

enum { STEP_BYTES = 128 * 1024 };

int rf_plan_new(struct rf_call_core *core, struct rf_party *caller, struct rf_plan **ret_plan)
{
	struct rf_plan *plan = calloc(1, sizeof *plan);

	if (!plan)
		return -ENOMEM;
	plan->core = core;
	plan->caller = rf_party_get(caller);
	rf_arena_init(&plan->arena, STEP_BYTES);
	*ret_plan = plan;
	return 0;
}

static void pop(struct rf_plan *plan)
{
	struct rf_source *s = plan->top;

	plan->top = s->below;
	plan->hop_n = s->hops;
	plan->depth--;
	s->ops->free(s);
}

void rf_plan_step_done(struct rf_plan *plan)
{
	while (plan->parties)
		rf_party_put(plan->party[--plan->parties]);
	rf_arena_reset(&plan->arena);
}

void rf_plan_free(struct rf_plan *plan)
{
	if (!plan)
		return;
	while (plan->top)
		pop(plan);
	rf_plan_step_done(plan);
	rf_arena_fini(&plan->arena);
	rf_party_put(plan->caller);
	free(plan->carried);
	free(plan);
}

int rf_plan_push(struct rf_plan *plan, struct rf_source *s, bool with_hop)
{
	s->hops = (uint8_t)(plan->hop_n - with_hop);
	if (plan->depth >= RF_PLAN_DEPTH) {
		plan->hop_n = s->hops;
		s->ops->free(s);
		rf_plan_refuse(plan, 482, "forwarded too often", "depth");
		return RF_E_LIMIT;
	}
	s->below = plan->top;
	s->asked = false;
	plan->top = s;
	plan->depth++;
	return 0;
}

bool rf_plan_next(struct rf_plan *plan, const struct rf_step_result *last, struct rf_step *ret_step)
{
	rf_plan_step_done(plan);
	plan->last = last ? *last : (struct rf_step_result){ 0 };
	while (plan->top && plan->steps < RF_PLAN_STEPS && plan->turns++ < RF_PLAN_TURNS) {
		struct rf_source *s = plan->top;
		bool first = !s->asked;

		s->asked = true;
		*ret_step = (struct rf_step){ 0 };
		switch (s->ops->next(plan, s, first ? NULL : &plan->last, ret_step)) {
		case RF_SOURCE_STEP:
			plan->steps++;
			return true;
		case RF_SOURCE_PUSHED:
			break;
		case RF_SOURCE_DONE:
			pop(plan);
			break;
		}
		rf_plan_step_done(plan);
	}
	return false;
}

void rf_plan_refuse(struct rf_plan *plan, unsigned code, const char *why, const char *rule)
{
	unsigned rank = rank_of(code);

	plan->last = (struct rf_step_result){ .code = (uint16_t)code, .raw = (uint16_t)code, .rank = (uint8_t)rank };
	if (plan->code && rank <= plan->rank)
		return;
	plan->code = (uint16_t)code;
	plan->rank = (uint8_t)rank;
	plan->why = why;
	plan->rule = rule ? rule : "";
}

static struct rf_view hop_number(const struct rf_plan_hop *hop)
{
	return rf_view_of(hop->number, hop->number_n);
}

bool rf_plan_was_at(const struct rf_plan *plan, struct rf_view number)
{
	for (unsigned i = 0; i < plan->hop_n; i++)
		if (rf_view_eq(hop_number(&plan->hop[i]), number))
			return true;
	return false;
}

struct rf_view rf_plan_at(const struct rf_plan *plan)
{
	return plan->hop_n ? hop_number(&plan->hop[plan->hop_n - 1]) : (struct rf_view){ NULL, 0 };
}

int rf_plan_hop(struct rf_plan *plan, struct rf_view number, unsigned cause, bool hidden)
{
	if (plan->hop_n + plan->hops_before >= RF_PLAN_HOPS || number.n > sizeof plan->hop->number) {
		rf_plan_refuse(plan, 482, "forwarded too often", "hops");
		return RF_E_LIMIT;
	}
	if (rf_plan_was_at(plan, number)) {
		rf_plan_refuse(plan, 482, "forwarded in a circle", "loop");
		return RF_E_LIMIT;
	}
	struct rf_plan_hop *hop = &plan->hop[plan->hop_n++];

	plan->forwards += cause != 0;
	*hop = (struct rf_plan_hop){ .cause = (uint16_t)cause, .hidden = hidden, .number_n = (uint8_t)number.n };
	memcpy(hop->number, number.p, number.n);
	return 0;
}

struct rf_view rf_plan_keep(struct rf_plan *plan, const struct rf_writer *w)
{
	uint8_t *p = w->err ? NULL : rf_arena_alloc(&plan->arena, w->n);

	if (p)
		memcpy(p, w->buf, w->n);
	return rf_view_of(p, p ? w->n : 0);
}

struct rf_party *rf_plan_party(struct rf_plan *plan, struct rf_party *p)
{
	if (!p)
		return NULL;
	if (plan->parties == RF_PLAN_AIMS) {
		rf_party_put(p);
		return NULL;
	}
	plan->party[plan->parties++] = p;
	return p;
}
