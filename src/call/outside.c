#include "call/outside.h"

#include "call/call_int.h"
#include "site/tz.h"

#include <stdlib.h>

enum { AGAIN_MS = 60000, SECOND_US = 1000000 };

static bool costs_minutes(const struct rf_outside *o)
{
	return o->call_class == RF_CLASS_INTERNATIONAL || o->call_class == RF_CLASS_PREMIUM;
}

static int64_t today(struct rf_call_core *core)
{
	return rf_tz_local(rf_core_site(core)->tel.tz, rf_core_wall(core).us / SECOND_US).day;
}

/* What was talked since the last look goes to the account of the day on which it is looked at. */
static void account(struct rf_outside *o)
{
	struct rf_mono now = rf_core_now(o->core);
	uint64_t seconds = (now.us - o->counted_at.us) / SECOND_US;

	if (!o->answered || !costs_minutes(o) || !seconds)
		return;
	o->counted_at.us += seconds * SECOND_US;
	rf_usage_abroad_add(rf_call_shared_usage(o->core->shared), &o->key, (uint32_t)seconds, today(o->core), now);
}

static enum rf_usage_bound abroad(struct rf_outside *o, const struct rf_site_cos *cos)
{
	if (!costs_minutes(o) || !cos)
		return RF_USAGE_OK;
	return rf_usage_abroad(rf_call_shared_usage(o->core->shared), &o->key, cos, today(o->core));
}

static bool same_key(const struct rf_usage_key *a, const struct rf_usage_key *b)
{
	return a->n == b->n && memcmp(a->text, b->text, a->n) == 0;
}

/* Who has others make a call, by a forward, makes it too: it is one of theirs. */
static enum rf_usage_bound count(struct rf_outside *o, const struct rf_site_cos *cos)
{
	const struct rf_call *call = o->leg ? o->leg->pair->call : NULL;

	if (!call || !cos || (call->used && same_key(&call->use_key, &o->key)))
		return RF_USAGE_OK;
	return rf_usage_begin(rf_call_shared_usage(o->core->shared), &o->key, cos, rf_core_now(o->core), &o->used);
}

static void uncount(struct rf_outside *o)
{
	if (o->used)
		rf_usage_end(rf_call_shared_usage(o->core->shared), &o->key, rf_core_now(o->core));
	o->used = false;
}

static int keep(struct rf_outside *o, const struct rf_dial_who *who, struct rf_view dialled)
{
	const struct rf_view from[] = { who->number, who->phone, who->user, dialled };
	struct rf_view *const to[] = { &o->number, &o->phone, &o->user, &o->dialled };
	size_t n = 1;

	for (size_t i = 0; i < 4; i++)
		n += from[i].n;
	uint8_t *p = o->memory = malloc(n);

	if (!p)
		return -ENOMEM;
	for (size_t i = 0; i < 4; i++) {
		if (from[i].n)
			memcpy(p, from[i].p, from[i].n);
		*to[i] = rf_view_of(p, from[i].n);
		p += from[i].n;
	}
	return 0;
}

static void on_timer(struct rf_timer *t)
{
	rf_dial_again(rf_container(t, struct rf_call_core, outside_timer));
}

static void arm(struct rf_call_core *core)
{
	struct rf_wheel *wheel = rf_loop_wheel(core->loop);

	if (TAILQ_EMPTY(&core->outsides))
		rf_timer_stop(wheel, &core->outside_timer);
	else
		rf_timer_start_at(wheel, &core->outside_timer, rf_mono_add_ms(rf_core_now(core), AGAIN_MS));
}

void rf_outside_init(struct rf_call_core *core)
{
	TAILQ_INIT(&core->outsides);
	TAILQ_INIT(&core->outsides_todo);
	rf_timer_init(&core->outside_timer, on_timer);
}

int rf_outside_begin(struct rf_outside *o, struct rf_leg *leg, struct rf_call_core *core, const struct rf_dial_who *who,
		     struct rf_view dialled, const struct rf_dial *d)
{
	bool first = TAILQ_EMPTY(&core->outsides);

	*o = (struct rf_outside){
		.core = core, .leg = leg, .roams = who->roams, .key = rf_usage_key(who->user, who->number),
		.call_class = d->call_class,
	};
	if (abroad(o, d->cos) != RF_USAGE_OK)
		return RF_E_DENIED;
	if (count(o, d->cos) != RF_USAGE_OK)
		return RF_E_LIMIT;
	int rc = keep(o, who, dialled);

	if (rc) {
		uncount(o);
		return rc;
	}
	TAILQ_INSERT_TAIL(&core->outsides, o, list);
	core->census.outside++;
	if (first)
		arm(core);
	return 0;
}

void rf_outside_answered(struct rf_outside *o)
{
	o->answered = true;
	o->counted_at = rf_core_now(o->core);
}

void rf_outside_moved(struct rf_outside *o)
{
	static const struct rf_site_cos no_bounds;

	if (!o->used)
		(void)count(o, &no_bounds);
}

void rf_outside_end(struct rf_outside *o)
{
	account(o);
	uncount(o);
	if (o->todo)
		TAILQ_REMOVE(&o->core->outsides_todo, o, list);
	else
		TAILQ_REMOVE(&o->core->outsides, o, list);
	o->core->census.outside--;
	free(o->memory);
	o->memory = NULL;
}

/* --- again */

static void end_call(struct rf_outside *o, const char *why)
{
	struct rf_call *call = o->leg->pair->call;
	struct rf_view reason = RF_V("SIP;cause=403;text=\"No longer allowed\"");

	o->core->counters.calls_over_grant++;
	if (call->state < RF_CALL_ANSWERED)
		rf_setup_abandon(call, why, 403, reason);
	else if (call->up == o->leg->pair)
		rf_end(call, NULL, RF_ENDED_SYSTEM, 403, why, reason);
	rf_call_settle(call); /* o may be gone */
}

/* A trunk that is outside its hours by now ends no call: only a right that fell does. */
static void look(struct rf_outside *o)
{
	struct rf_call_core *core = o->core;
	struct rf_dial *d = &core->dial;
	const struct rf_dial_ask ask = {
		.directory = core->directory,
		.who = { .number = o->number, .phone = o->phone, .user = o->user, .roams = o->roams },
		.dialled = o->dialled,
		.now = rf_core_wall(core),
	};

	account(o);
	rf_dial(&ask, d);
	enum rf_usage_bound bound = abroad(o, d->cos);

	if (d->kind == RF_DIAL_REFUSED && d->code == 403)
		end_call(o, d->why);
	else if (bound != RF_USAGE_OK)
		end_call(o, rf_usage_why(bound));
}

/* Ending one call may free others of the list: each is taken off before it is looked at. */
void rf_dial_again(struct rf_call_core *core)
{
	struct rf_outside *o;

	TAILQ_CONCAT(&core->outsides_todo, &core->outsides, list);
	TAILQ_FOREACH(o, &core->outsides_todo, list)
		o->todo = true;
	while ((o = TAILQ_FIRST(&core->outsides_todo))) {
		TAILQ_REMOVE(&core->outsides_todo, o, list);
		TAILQ_INSERT_TAIL(&core->outsides, o, list);
		o->todo = false;
		look(o);
	}
	arm(core);
}

/* --- what every call counts for */

/* A call is made in somebody's name: one more of theirs. */
int rf_call_use(struct rf_call *call)
{
	struct rf_call_core *core = call->core;
	const struct rf_party *p = call->caller;
	const struct rf_dial_who who = { .number = p->number, .phone = p->phone, .user = p->user,
					 .roams = rf_party_roams(p) };

	/* who is outside has no class: channels and rates bound them */
	if ((rf_party_is_far(p) && !who.roams) || (call->plan && call->plan->urgent))
		return 0;
	call->use_key = rf_usage_key(p->user, p->number);
	enum rf_usage_bound b =
		rf_usage_begin(rf_call_shared_usage(core->shared), &call->use_key,
			       rf_dial_cos(core->directory, &who, rf_core_wall(core)), rf_core_now(core), &call->used);

	if (b == RF_USAGE_OK)
		return 0;
	call->use_bound = (uint8_t)b;
	core->counters.calls_over_use++;
	return RF_E_LIMIT;
}

void rf_call_unuse(struct rf_call *call)
{
	if (call->used)
		rf_usage_end(rf_call_shared_usage(call->core->shared), &call->use_key, rf_core_now(call->core));
	call->used = false;
}
