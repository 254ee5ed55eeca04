/* A number of ours as a source: the phones that are registered for it. */
#include "call/call_int.h"

#include <stdlib.h>

struct number {
	struct rf_source source;
	struct rf_view number;     /* behind the struct */
	bool rung;
};

static bool reachable(struct rf_call_core *core, struct rf_view aor, const struct rf_binding *b)
{
	if (b->waiting)
		return false;
	if (!b->by_flow || rf_ua_flow_alive(core->ua, &b->flow))
		return true;
	rf_location_flow_lost(core->location, aor, &b->flow);
	return false;
}

int rf_plan_phones(struct rf_plan *plan, struct rf_view number, struct rf_aim *aim, size_t max, size_t *n,
		   size_t *ret_known)
{
	struct rf_call_core *core = plan->core;
	struct rf_binding *b;
	uint8_t buf[320];
	struct rf_writer w;
	struct rf_view aor;

	rf_writer_init(&w, buf, sizeof buf);
	rf_put(&w, number);
	rf_put_byte(&w, '@');
	rf_put(&w, rf_core_site(core)->domain);
	if (rf_writer_done(&w, &aor) ||
	    rf_location_get(core->location, aor, rf_core_now(core), &plan->arena, &b, ret_known))
		return -ENOMEM;
	for (size_t i = 0; i < *ret_known && *n < max; i++) {
		if (!rf_identity_stands(core, b[i].phone, b[i].user, number) || !reachable(core, aor, &b[i]))
			continue;
		struct rf_party *p = rf_plan_party(plan, rf_party_new(core->directory, number, b[i].phone, b[i].user));

		if (!p)
			return -ENOMEM;
		aim[(*n)++] = (struct rf_aim){
			.party = p, .target = b[i].contact, .route = b[i].path, .flow = b[i].flow,
		};
	}
	return 0;
}

static enum rf_source_does next(struct rf_plan *plan, struct rf_source *s, const struct rf_step_result *last,
				struct rf_step *ret_step)
{
	struct number *self = rf_container(s, struct number, source);
	size_t max = plan->core->limits.forks_per_call, n = 0, known = 0;

	(void)last;
	if (self->rung)
		return RF_SOURCE_DONE;
	self->rung = true;
	if (max > RF_PLAN_AIMS)
		max = RF_PLAN_AIMS;
	struct rf_aim *aim = rf_arena_array(&plan->arena, max, sizeof *aim);

	if (!aim || rf_plan_phones(plan, self->number, aim, max, &n, &known)) {
		rf_plan_refuse(plan, 503, "memory", NULL);
		return RF_SOURCE_DONE;
	}
	if (n == 0) {
		rf_plan_refuse(plan, 480, known ? "waiting for the phone to reconnect" : "not registered", NULL);
		return RF_SOURCE_DONE;
	}
	ret_step->aim = aim;
	ret_step->n = n;
	return RF_SOURCE_STEP;
}

static void number_free(struct rf_source *s)
{
	free(rf_container(s, struct number, source));
}

static const struct rf_source_ops ops = { next, number_free };

int rf_plan_number(struct rf_plan *plan, struct rf_view number, unsigned cause)
{
	if (rf_plan_hop(plan, number, cause, false))
		return RF_E_LIMIT;
	struct number *self = malloc(sizeof *self + number.n);

	if (!self) {
		rf_plan_refuse(plan, 503, "memory", NULL);
		return -ENOMEM;
	}
	*self = (struct number){ .source = { .ops = &ops }, .number = rf_view_of(self + 1, number.n) };
	memcpy(self + 1, number.p, number.n);
	return rf_plan_push(plan, &self->source);
}
