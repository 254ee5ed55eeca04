/* Who hears of an emergency call, and what: the record, the desks, the site's program, and who tests it. */
#include "call/emergency.h"

#include "call/call_int.h"
#include "call/callbacks.h"
#include "call/message.h"
#include "call/origin.h"
#include "call/pidf_lo.h"

#include <stdlib.h>

struct facts {
	const struct rf_site_phone *phone;       /* NULL: a user without one */
	const struct rf_site_location *location; /* NULL: not known */
	bool confirmed;
	struct rf_view elin;
};

static struct facts facts_of(const struct rf_call_core *core, const struct rf_party *p)
{
	const struct rf_site_phone *phone = p->phone.n ? rf_site_phone(rf_core_site(core), p->phone) : NULL;
	const struct rf_site_location *l = phone && !rf_party_roams(p) ? phone->location : NULL;

	return (struct facts){ phone, l, l && rf_emergency_confirmed(phone), l ? l->elin : RF_V("") };
}

/* "1001 (lobby), Main, floor 1, Lobby" and whether that is sure. */
static void put_where(struct rf_writer *w, const struct rf_party *p, const struct facts *f)
{
	rf_put(w, p->number);
	if (f->phone && f->phone->label.n) {
		rf_put_lit(w, " ");
		rf_put(w, f->phone->label);
	}
	if (p->phone.n) {
		rf_put_lit(w, " (");
		rf_put(w, p->phone);
		rf_put_lit(w, ")");
	}
	rf_put_lit(w, ", ");
	if (f->location)
		rf_location_put_text(w, f->location);
	else
		rf_put_lit(w, "LOCATION UNKNOWN");
	if (f->location && !f->confirmed)
		rf_put_lit(w, " (LOCATION NOT CONFIRMED)");
}

static void record(struct rf_call_core *core, enum rf_event_kind kind, const struct rf_party *p, struct rf_view dialled,
		   struct rf_view session, const struct facts *f)
{
	uint8_t where[RF_EMERGENCY_TEXT_MAX];
	struct rf_writer w;
	struct rf_event e;

	rf_writer_init(&w, where, sizeof where);
	if (f->location)
		rf_location_put_text(&w, f->location);
	rf_event_init(&e, kind, rf_core_wall(core));
	if (session.n)
		rf_event_str(&e, "session", session);
	rf_event_str(&e, "from", p->number);
	rf_event_str(&e, "to", dialled);
	rf_event_str(&e, "phone", p->phone);
	rf_event_str(&e, "user", p->user);
	rf_event_str(&e, "location", p->location);
	rf_event_str(&e, "where", w.err ? RF_V("") : rf_view_of(where, w.n));
	rf_event_bool(&e, "confirmed", f->confirmed);
	rf_event_str(&e, "elin", f->elin);
	rf_record_post(core, &e);
}

/* --- the desks */

static bool desk_waits(const struct rf_call *call)
{
	return call->state < RF_CALL_ANSWERED;
}

/* Somebody has taken it and read who calls for help: that was all. */
static void desk_answered(struct rf_pair *pair)
{
	if (pair->b->ack_owed)
		rf_leg_ack(pair->b, pair->invite, RF_V(""));
	pair->b->ack_owed = false;
	rf_setup_abandon(pair->call, "notified", 480, RF_V("SIP;cause=200;text=\"Notified\""));
}

static void desk_refused(struct rf_call *call, unsigned code, struct rf_view headers)
{
	(void)call;
	(void)code;
	(void)headers;
}

static const struct rf_origin desk_origin = {
	.waits = desk_waits, .answered = desk_answered, .refused = desk_refused,
};

static void ring_desk(struct rf_call *call, struct rf_view desk, const struct facts *f)
{
	struct rf_call_core *core = call->core;
	uint8_t name[128];
	struct rf_plan *plan;
	struct rf_call *made;
	struct rf_writer w;
	unsigned code;

	rf_writer_init(&w, name, sizeof name);
	rf_put_lit(&w, "EMERGENCY ");
	rf_put(&w, call->caller->number);
	rf_put_lit(&w, " ");
	if (f->location)
		rf_put(&w, f->location->room.n ? f->location->room : f->location->name);
	struct rf_party *shown =
		rf_party_new_named(call->caller->number, w.err ? RF_V("EMERGENCY") : rf_view_of(name, w.n));

	if (shown && rf_plan_new(core, call->caller, &plan) == 0) {
		plan->urgent = true;
		if (rf_plan_number(plan, desk, 0)) {
			rf_plan_free(plan);
		} else {
			const struct rf_setup_order order = {
				.caller = call->caller, .shown = shown, .plan = plan, .origin = &desk_origin,
				.dialled = desk,
			};

			(void)rf_setup_make(core, &order, &made, &code);
		}
	}
	rf_party_put(shown);
}

static void tell_desks(struct rf_call *call, struct rf_view text, const struct facts *f)
{
	const struct rf_site_list *desks = &rf_core_site(call->core)->emergency.notify;

	for (size_t i = 0; i < desks->n; i++) {
		if (rf_view_eq(desks->v[i], call->caller->number))
			continue; /* who calls for help need not be told */
		(void)rf_message_tell(call->core, desks->v[i], text, NULL, NULL);
		ring_desk(call, desks->v[i], f);
	}
}

/* --- the site's program */

static void put_field(struct rf_writer *w, const char *name, struct rf_view text)
{
	rf_put_lit(w, ",\"");
	rf_put(w, rf_view_str(name));
	rf_put_lit(w, "\":\"");
	rf_put_json(w, text);
	rf_put_lit(w, "\"");
}

static void run_program(struct rf_call *call, struct rf_view text, const struct facts *f)
{
	struct rf_call_core *core = call->core;
	uint8_t json[4096];
	struct rf_writer w;
	struct rf_view line;

	if (!core->hook)
		return;
	rf_writer_init(&w, json, sizeof json);
	rf_put_lit(&w, "{\"kind\":\"emergency.call\"");
	put_field(&w, "session", rf_id_view(&call->id));
	put_field(&w, "dialled", rf_view_of(call->dialled, call->dialled_n));
	put_field(&w, "number", call->caller->number);
	put_field(&w, "name", f->phone ? f->phone->label : RF_V(""));
	put_field(&w, "phone", call->caller->phone);
	put_field(&w, "user", call->caller->user);
	put_field(&w, "elin", f->elin);
	if (f->location) {
		put_field(&w, "location", f->location->name);
		put_field(&w, "building", f->location->building);
		put_field(&w, "floor", f->location->floor);
		put_field(&w, "room", f->location->room);
	}
	rf_put_lit(&w, ",\"confirmed\":");
	rf_put(&w, rf_view_str(f->confirmed ? "true" : "false"));
	put_field(&w, "text", text);
	rf_put_lit(&w, "}\n");
	if (rf_writer_done(&w, &line) || core->hook(core->hook_ctx, line))
		core->counters.hooks_failed++;
}

void rf_emergency_begun(struct rf_call *call)
{
	struct rf_call_core *core = call->core;
	struct facts f = facts_of(core, call->caller);
	struct rf_view dialled = rf_view_of(call->dialled, call->dialled_n), text;
	struct rf_mono now = rf_core_now(core);
	uint8_t buf[RF_EMERGENCY_TEXT_MAX];
	struct rf_writer w;

	core->counters.emergency_calls++;
	if (core->border) /* the controller knows who calls from where, and has told */
		return;
	record(core, RF_EVENT_EMERGENCY_CALL, call->caller, dialled, rf_id_view(&call->id), &f);
	rf_callbacks_keep(rf_call_shared_callbacks(core->shared), f.elin, call->caller->number, now,
			  rf_mono_add_ms(now, (uint64_t)rf_core_site(core)->emergency.callback_s * 1000));
	rf_writer_init(&w, buf, sizeof buf);
	rf_put_lit(&w, "EMERGENCY CALL to ");
	rf_put(&w, dialled);
	rf_put_lit(&w, " from ");
	put_where(&w, call->caller, &f);
	if (rf_writer_done(&w, &text))
		text = RF_V("EMERGENCY CALL: see the ledger for who it is");
	tell_desks(call, text, &f);
	run_program(call, text, &f);
}

/* --- the test number */

static void put_test(struct rf_writer *w, const struct rf_party *p, const struct facts *f, const struct rf_dial *d)
{
	rf_put_lit(w, "TEST, no help is on its way. An emergency call from here would say: ");
	put_where(w, p, f);
	rf_put_lit(w, "; caller ");
	rf_put(w, f->elin.n ? f->elin : RF_V("the trunk's own number"));
	rf_put_lit(w, "; by ");
	for (size_t i = 0; i < d->trunks; i++) {
		rf_put(w, rf_view_str(i ? ", " : ""));
		rf_put(w, d->trunk[i]->name);
	}
	if (!d->trunks)
		rf_put_lit(w, "no trunk: only the desks of the site would ring");
}

int rf_plan_emergency_test(struct rf_plan *plan, const struct rf_dialled *to)
{
	struct rf_call_core *core = plan->core;
	struct facts f = facts_of(core, plan->caller);
	uint8_t buf[RF_EMERGENCY_TEXT_MAX];
	struct rf_view text;
	struct rf_writer w;

	record(core, RF_EVENT_EMERGENCY_TEST, plan->caller, to->d->number, RF_V(""), &f);
	rf_writer_init(&w, buf, sizeof buf);
	put_test(&w, plan->caller, &f, to->d);
	if (!rf_writer_done(&w, &text))
		(void)rf_message_tell(core, plan->caller->number, text, NULL, NULL);
	rf_plan_refuse(plan, 480, "emergency test done: see the message on this phone", "emergency-test");
	return RF_E_DENIED;
}
