#include "call/lamps.h"

#include "call/call_int.h"
#include "call/sub.h"
#include "call/park.h"
#include "loop/mail.h"

#include <stdlib.h>

/* --- from legs to the board */

static uint8_t state_of(const struct rf_leg *leg)
{
	if (!leg->dlg || rf_flow_is_inside(&leg->flow)) /* who is behind that has a lamp on the worker that it is on */
		return RF_LINE_NONE;
	switch (rf_dialog_state(leg->dlg)) {
	case RF_DIALOG_TRYING:
		return RF_LINE_TRYING;
	case RF_DIALOG_EARLY:
		return RF_LINE_EARLY;
	case RF_DIALOG_CONFIRMED:
		return RF_LINE_CONFIRMED;
	default:
		return RF_LINE_TERMINATED;
	}
}

static void put_id(struct rf_board_dialog *d, const struct rf_leg *leg)
{
	struct rf_view tag = rf_dialog_local_tag(leg->dlg);

	memcpy(d->id.text, tag.p, tag.n < sizeof d->id.text ? tag.n : sizeof d->id.text);
}

/* Who asked not to be named is not named to watchers either. */
static void put_remote(struct rf_board_dialog *d, struct rf_leg *leg)
{
	const struct rf_leg *other = rf_leg_other(leg);

	if (other->unnamed)
		return;
	d->remote_number = other->party->number;
	d->remote_display = other->party->display;
}

static void show(struct rf_leg *leg, uint8_t state)
{
	struct rf_call_core *core = rf_leg_core(leg);
	struct rf_board_dialog d = { .state = state, .initiator = !rf_dialog_is_caller(leg->dlg) };

	leg->shown = state;
	if (!rf_board_watched(core->board, leg->party->number))
		return;
	put_id(&d, leg);
	if (state != RF_LINE_TERMINATED) {
		d.call_id = rf_dialog_call_id(leg->dlg);
		d.local_tag = rf_dialog_remote_tag(leg->dlg);
		d.remote_tag = rf_dialog_local_tag(leg->dlg);
		put_remote(&d, leg);
	}
	rf_lamps_tell(core, leg->party->number, rf_board_dialog(core->board, leg->party->number, &d));
}

static void step(struct rf_leg *leg)
{
	uint8_t state = state_of(leg);

	if (state != leg->shown && !(state == RF_LINE_TERMINATED && leg->shown == RF_LINE_NONE))
		show(leg, state);
}

void rf_lamps_step(struct rf_call *call)
{
	struct rf_pair *pair;

	if (!rf_board_any(call->core->board))
		return;
	TAILQ_FOREACH(pair, &call->pairs, list) {
		step(pair->a);
		step(pair->b);
	}
}

void rf_lamps_end(struct rf_leg *leg)
{
	if (leg->shown != RF_LINE_NONE && leg->shown != RF_LINE_TERMINATED)
		show(leg, RF_LINE_TERMINATED);
}

void rf_lamps_bound(struct rf_call_core *core, struct rf_view aor)
{
	struct rf_view number = rf_view_sub(aor, 0, rf_view_find(aor, '@'));

	if (rf_board_watched(core->board, number))
		rf_lamps_tell(core, number, rf_board_touch(core->board, number));
}

/* --- mail */

struct letter {
	struct rf_mail mail;
	struct rf_call_core *core;
	uint8_t number_n;
	uint8_t number[64];
};

static void news(struct rf_mail *mail, int status)
{
	struct letter *l = rf_container(mail, struct letter, mail);

	if (status == 0)
		rf_subs_changed(l->core, rf_view_of(l->number, l->number_n));
	free(l);
}

static struct rf_call_core *core_of(struct rf_call_core *core, unsigned worker)
{
	if (worker == core->worker)
		return core;
	for (size_t i = 0; i < core->peer_count; i++)
		if (core->peers[i]->worker == worker)
			return core->peers[i];
	return NULL;
}

/* A worker that cannot be told now looks by itself some day (RF_SUB_LOOK_MS); the next change is told again. */
static void tell(struct rf_call_core *core, struct rf_view number, unsigned worker)
{
	struct rf_call_core *to = core_of(core, worker);
	struct letter *l = to && number.n <= sizeof l->number ? malloc(sizeof *l) : NULL;

	if (l) {
		*l = (struct letter){ .mail = { .deliver = news }, .core = to, .number_n = (uint8_t)number.n };
		memcpy(l->number, number.p, number.n);
		if (rf_mail_post(to->loop, &l->mail) == 0)
			return;
		free(l);
	}
	rf_board_heard(core->board, number, worker);
}

void rf_lamps_tell(struct rf_call_core *core, struct rf_view number, rf_workers workers)
{
	for (; workers; workers &= workers - 1)
		tell(core, number, (unsigned)__builtin_ctzll(workers));
}

/* --- a survey: however many numbers it is for, each worker goes over its calls once in a while */

enum { SURVEY_MS = 50 };

struct order {
	struct rf_mail mail;
	struct rf_call_core *core;
};

static void survey(struct rf_call_core *core)
{
	struct rf_wheel *wheel = rf_loop_wheel(core->loop);
	struct rf_mono now = rf_core_now(core);

	if (rf_timer_active(&core->survey))
		return;
	rf_timer_start_at(wheel, &core->survey, core->survey_at.us > now.us ? core->survey_at : now);
}

void rf_lamps_survey_fire(struct rf_timer *t)
{
	struct rf_call_core *core = rf_container(t, struct rf_call_core, survey);
	struct rf_call *call;
	struct rf_pair *pair;

	core->survey_at = rf_mono_add_ms(rf_core_now(core), SURVEY_MS);
	TAILQ_FOREACH(call, &core->calls, list) {
		TAILQ_FOREACH(pair, &call->pairs, list)
			pair->a->shown = pair->b->shown = RF_LINE_NONE;
		rf_lamps_step(call);
		rf_park_show(call);
	}
}

static void survey_here(struct rf_mail *mail, int status)
{
	struct order *o = rf_container(mail, struct order, mail);

	if (status == 0)
		survey(o->core);
	free(o);
}

void rf_lamps_survey(struct rf_call_core *core)
{
	survey(core);
	for (size_t i = 0; i < core->peer_count; i++) {
		struct rf_call_core *peer = core->peers[i];
		struct order *o = peer == core ? NULL : malloc(sizeof *o);

		if (!o)
			continue;
		*o = (struct order){ .mail = { .deliver = survey_here }, .core = peer };
		if (rf_mail_post(peer->loop, &o->mail))
			free(o);
	}
}

/* --- publications */

static void gone(void *ctx, struct rf_view number, rf_workers workers)
{
	rf_lamps_tell(ctx, number, workers);
}

void rf_lamps_expire(struct rf_call_core *core)
{
	rf_board_expire(core->board, rf_core_now(core), gone, core);
}
