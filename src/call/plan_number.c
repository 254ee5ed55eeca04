/* A number of ours as a source: what its owner has set comes first (do not disturb, forward always), then its phones
 * ring, together or one after the other, then what is set for busy, no answer and unreachable. A phone's own 3xx is a
 * forward, too. */
#include "call/call_int.h"
#include "call/roam.h"

#include <stdlib.h>

enum stage { BEGIN, RINGING, MOVING, FORWARDED };

struct number {
	struct rf_source source;
	struct rf_view number;          /* behind the struct */
	struct rf_settings set;
	enum stage stage;
	bool in_order;
	uint32_t ring_ms;               /* of a step, 0: the site's */
	bool busy, rang, silent;        /* what its phones said so far: silent: one did not answer in its time */
	uint8_t tried_n;                /* in order: phones that rang, by a hash of their contacts */
	uint64_t tried[RF_PLAN_AIMS];
	uint8_t moved_n, moved_at;      /* numbers of a 3xx */
	uint16_t moved_cause;
	struct rf_plan_moved moved[RF_PLAN_MOVED];
};

/* --- its phones */

static bool reachable(struct rf_call_core *core, struct rf_view aor, const struct rf_binding *b)
{
	if (b->waiting)
		return false;
	if (!b->by_flow || rf_ua_flow_alive(core->ua, &b->flow))
		return true;
	rf_location_flow_lost(core->location, aor, &b->flow);
	return false;
}

/* May this one be called: does who registered it still stand for the number, and is its way there? */
static bool can_ring(struct rf_call_core *core, struct rf_view number, struct rf_view aor, const struct rf_binding *b)
{
	return rf_identity_stands(core, b->phone, b->user, number) && reachable(core, aor, b);
}

/* A phone with several flows (one +sip.instance, several reg-id) is called by one of them, not by all at once (RFC 5626
 * 7): by the one that was heard last. */
static bool has_fresher_flow(struct rf_call_core *core, struct rf_view number, struct rf_view aor,
			     const struct rf_binding *b, size_t n, size_t i)
{
	for (size_t k = 0; b[i].instance.n && b[i].reg_id && k < n; k++)
		if (k != i && b[k].reg_id && rf_view_eq(b[k].instance, b[i].instance) &&
		    (b[k].refreshed.us > b[i].refreshed.us || (b[k].refreshed.us == b[i].refreshed.us && k < i)) &&
		    can_ring(core, number, aor, &b[k]))
			return true;
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
		if (!can_ring(core, number, aor, &b[i]) || has_fresher_flow(core, number, aor, b, *ret_known, i))
			continue;
		const struct rf_site_host *border = rf_roam_border(core, &b[i]);
		const struct rf_dir_phone *phone = border ? rf_directory_phone(core->directory, b[i].phone) : NULL;
		struct rf_party *p =
			rf_plan_party(plan, phone ? rf_party_new_roaming(phone, border->name) :
			rf_party_new(core->directory, number, b[i].phone, b[i].user));

		if (!p)
			return -ENOMEM;
		aim[*n] = (struct rf_aim){ .party = p, .target = b[i].contact, .route = b[i].path, .flow = b[i].flow };
		if (phone) {
			aim[*n].flow = (struct rf_flow){ .kind = RF_FLOW_NONE };
			aim[*n].secure = true;
		}
		++*n;
	}
	return 0;
}

/* In order: the best that has not rung yet. */
static size_t next_untried(struct rf_plan *plan, struct number *self, struct rf_aim *aim, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t hash = rf_hash(&plan->core->hash_key, aim[i].target);
		bool tried = self->tried_n == RF_PLAN_AIMS;

		for (size_t k = 0; k < self->tried_n; k++)
			tried |= self->tried[k] == hash;
		if (tried)
			continue;
		self->tried[self->tried_n++] = hash;
		aim[0] = aim[i];
		return 1;
	}
	return 0;
}

static enum rf_source_does ring(struct rf_plan *plan, struct number *self, struct rf_step *ret_step)
{
	size_t max = plan->core->limits.forks_per_call, n = 0, known = 0;

	if (max > RF_PLAN_AIMS)
		max = RF_PLAN_AIMS;
	struct rf_aim *aim = rf_arena_array(&plan->arena, max, sizeof *aim);

	if (!aim || rf_plan_phones(plan, self->number, aim, max, &n, &known)) {
		rf_plan_refuse(plan, 503, "memory", NULL);
		return RF_SOURCE_DONE;
	}
	if (n == 0 && !self->tried_n)
		rf_plan_refuse(plan, 480, known ? "waiting for the phone to reconnect" : "not registered", NULL);
	if (n && self->in_order)
		n = next_untried(plan, self, aim, n);
	*ret_step = (struct rf_step){ .aim = aim, .n = n, .ring_ms = self->ring_ms };
	return n ? RF_SOURCE_STEP : RF_SOURCE_DONE;
}

/* --- what is set */

static enum rf_source_does forward_to(struct rf_plan *plan, struct number *self, struct rf_view to, unsigned cause)
{
	self->stage = FORWARDED;
	return rf_plan_forward(plan, self->number, to, cause) ? RF_SOURCE_DONE : RF_SOURCE_PUSHED;
}

static enum rf_source_does forward(struct rf_plan *plan, struct number *self, enum rf_forward kind, unsigned cause)
{
	struct rf_view to = rf_view_str(self->set.forward[kind]);

	if (!to.n || plan->urgent)
		return RF_SOURCE_DONE;
	return forward_to(plan, self, to, cause);
}

static enum rf_source_does forward_busy(struct rf_plan *plan, struct number *self, unsigned code, const char *why)
{
	rf_plan_refuse(plan, code, why, NULL);
	return forward(plan, self, RF_FORWARD_BUSY, 486);
}

static unsigned dnd_code(const struct rf_plan *plan)
{
	return rf_core_site(plan->core)->tel.dnd_says == RF_DND_BUSY ? 486 : 480;
}

static enum rf_source_does begin(struct rf_plan *plan, struct number *self, struct rf_step *ret_step)
{
	const struct rf_settings *set = &self->set;

	self->stage = RINGING;
	if (!plan->urgent) {
		if (set->refuse_anonymous && plan->anonymous) {
			rf_plan_refuse(plan, 433, "anonymous calls are not taken", "anonymous");
			return RF_SOURCE_DONE;
		}
		if (set->forward[RF_FORWARD_ALWAYS][0])
			return forward(plan, self, RF_FORWARD_ALWAYS, 302);
		if (set->dnd)
			return forward_busy(plan, self, dnd_code(plan), "do not disturb");
		if (set->no_call_waiting &&
		    rf_lines_busy(rf_call_shared_lines(plan->core->shared), self->number))
			return forward_busy(plan, self, 486, "in a call");
	}
	if (ring(plan, self, ret_step) == RF_SOURCE_STEP)
		return RF_SOURCE_STEP;
	return forward(plan, self, RF_FORWARD_UNREACHABLE, 503);
}

/* --- what came of a step */

static void take_moved(struct rf_plan *plan, struct number *self, const struct rf_step_result *last)
{
	memcpy(self->moved, plan->moved, sizeof self->moved);
	self->moved_n = plan->moved_n;
	self->moved_at = 0;
	self->moved_cause = last->rang ? 487 : 480;
	self->stage = MOVING;
}

/* Its contacts one after the other. */
static enum rf_source_does next_moved(struct rf_plan *plan, struct number *self)
{
	while (self->moved_at < self->moved_n) {
		const struct rf_plan_moved *moved = &self->moved[self->moved_at++];
		struct rf_view to = rf_view_of(moved->number, moved->n);

		if (!rf_view_eq(to, self->number) && rf_plan_forward(plan, self->number, to, self->moved_cause) == 0)
			return RF_SOURCE_PUSHED;
	}
	return RF_SOURCE_DONE;
}

static void note(struct number *self, const struct rf_step_result *last)
{
	self->busy |= last->code == 486 || last->code == 600;
	self->rang |= last->rang;
	self->silent |= last->timeout;
}

static enum rf_source_does after_ringing(struct rf_plan *plan, struct number *self, const struct rf_step_result *last,
					 struct rf_step *ret_step)
{
	if (last->moved && !plan->urgent) {
		take_moved(plan, self, last);
		return next_moved(plan, self);
	}
	note(self, last);
	if (last->stops && last->code != 600)
		return RF_SOURCE_DONE;
	if (self->in_order && !last->stops && ring(plan, self, ret_step) == RF_SOURCE_STEP)
		return RF_SOURCE_STEP;
	if (self->busy)
		return forward(plan, self, RF_FORWARD_BUSY, 486);
	if (self->silent || self->rang)
		return forward(plan, self, RF_FORWARD_NO_ANSWER, 408);
	return forward(plan, self, RF_FORWARD_UNREACHABLE, 503);
}

static enum rf_source_does next(struct rf_plan *plan, struct rf_source *s, const struct rf_step_result *last,
				struct rf_step *ret_step)
{
	struct number *self = rf_container(s, struct number, source);

	switch (self->stage) {
	case BEGIN:
		return begin(plan, self, ret_step);
	case RINGING:
		return last ? after_ringing(plan, self, last, ret_step) : RF_SOURCE_DONE;
	case MOVING:
		return next_moved(plan, self);
	default:
		return RF_SOURCE_DONE;
	}
}

static void number_free(struct rf_source *s)
{
	free(rf_container(s, struct number, source));
}

static const struct rf_source_ops ops = { next, number_free };

static void take_ways(struct rf_plan *plan, struct number *self)
{
	const struct rf_site_numbering *how = rf_site_numbering(rf_core_site(plan->core), self->number);

	rf_settings_get(plan->core->settings, self->number, &self->set);
	self->in_order = how && how->ring == RF_RING_IN_ORDER;
	if (self->in_order)
		self->ring_ms = how->ring_s * 1000;
	else if (self->set.forward[RF_FORWARD_NO_ANSWER][0] && !plan->urgent)
		self->ring_ms = 1000u * (self->set.no_answer_s ? self->set.no_answer_s : RF_SETTINGS_WAIT_S);
}

int rf_plan_number(struct rf_plan *plan, struct rf_view number, unsigned cause)
{
	struct number *self = calloc(1, sizeof *self + number.n);

	if (!self) {
		rf_plan_refuse(plan, 503, "memory", NULL);
		return -ENOMEM;
	}
	self->source.ops = &ops;
	self->number = rf_view_of(self + 1, number.n);
	memcpy(self + 1, number.p, number.n);
	take_ways(plan, self);
	if (rf_plan_hop(plan, number, cause, self->set.hide_number)) {
		free(self);
		return RF_E_LIMIT;
	}
	return rf_plan_push(plan, &self->source, true);
}
