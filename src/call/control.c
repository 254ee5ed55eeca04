#include "call/control.h"

#include "call/board.h"
#include "call/call_int.h"
#include "call/stir_int.h"
#include "call/lamps.h"
#include "call/relays.h"
#include "loop/mail.h"

#include <stdlib.h>

/* --- JSON into memory that grows, to a bound */

struct text {
	char *p;
	size_t n, room;
	int err;       /* -ENOMEM */
	bool full;     /* RF_CONTROL_MAX: nothing more is written */
};

static void put(struct text *t, struct rf_view v)
{
	if (t->err || t->full)
		return;
	if (v.n > t->room - t->n) {
		size_t room = t->room ? t->room : 4096;

		while (room - t->n < v.n)
			room *= 2;
		char *p = realloc(t->p, room);

		if (!p) {
			t->err = -ENOMEM;
			return;
		}
		t->p = p;
		t->room = room;
	}
	if (v.n)
		memcpy(t->p + t->n, v.p, v.n);
	t->n += v.n;
}

/* One object is made on the stack and goes in whole or not at all, so that a cut list is still JSON. */
struct object {
	struct rf_writer w;
	uint8_t buf[16384]; /* a call that rings at 8 phones, each with a long Contact */
};

static void begin(struct object *o)
{
	rf_writer_init(&o->w, o->buf, sizeof o->buf);
	rf_put_byte(&o->w, '{');
}

static void key(struct object *o, const char *name)
{
	if (o->w.n && o->buf[o->w.n - 1] != '{')
		rf_put_byte(&o->w, ',');
	rf_put_byte(&o->w, '"');
	rf_put(&o->w, rf_view_str(name));
	rf_put_lit(&o->w, "\":");
}

static void str(struct object *o, const char *name, struct rf_view v)
{
	key(o, name);
	rf_put_byte(&o->w, '"');
	rf_put_json(&o->w, v);
	rf_put_byte(&o->w, '"');
}

static void num(struct object *o, const char *name, uint64_t x)
{
	key(o, name);
	rf_put_u64(&o->w, x);
}

static void when(struct object *o, const char *name, struct rf_wall t)
{
	char text[RF_WALL_TEXT];

	if (t.us == 0)
		return;
	rf_wall_text(t, text);
	str(o, name, rf_view_str(text));
}

static void flow(struct object *o, const struct rf_flow *f)
{
	char text[RF_ADDR_TEXT];

	str(o, "transport", rf_view_str(rf_flow_kind_name(f->kind)));
	str(o, "address", rf_view_str(rf_addr_text(&f->remote, text)));
}

static void finish(struct object *o, struct text *t)
{
	rf_put_byte(&o->w, '}');
	if (o->w.err)
		return;
	if (t->n + o->w.n + 1 > RF_CONTROL_MAX) {
		t->full = true;
		return;
	}
	if (t->n)
		put(t, RF_V(","));
	put(t, rf_view_of(o->buf, o->w.n));
}

/* --- bindings */

struct binding_walk {
	struct rf_call_core *core;
	struct text *text;
	struct rf_view only;
};

static void show_binding(void *ctx, struct rf_view aor, const struct rf_binding *b)
{
	struct binding_walk *walk = ctx;
	struct rf_mono now = rf_core_now(walk->core);
	struct rf_view number = rf_view_sub(aor, 0, rf_view_find(aor, '@'));
	struct object o;

	if (b->expires.us <= now.us ||
	    (walk->only.n && !rf_view_eq(walk->only, aor) && !rf_view_eq(walk->only, number)))
		return;
	begin(&o);
	str(&o, "aor", aor);
	str(&o, "contact", b->contact);
	str(&o, "phone", b->phone);
	str(&o, "user", b->user);
	flow(&o, &b->flow);
	num(&o, "expires_s", (b->expires.us - now.us) / 1000000);
	num(&o, "registered_s", (now.us - b->since.us) / 1000000);
	if (b->q_milli < 1000) {
		key(&o, "q");
		rf_put_fmt(&o.w, "0.%03u", b->q_milli);
	}
	if (b->instance.n)
		str(&o, "instance", b->instance);
	if (b->reg_id)
		num(&o, "reg_id", b->reg_id);
	if (b->path.n)
		str(&o, "path", b->path);
	str(&o, "agent", b->agent);
	str(&o, "state", b->waiting ? RF_V("waiting") : RF_V("reachable"));
	finish(&o, walk->text);
}

static int bindings(struct rf_call_core *core, const struct rf_control_query *q, struct text *t)
{
	struct binding_walk walk = { core, t, rf_view_str(q->id) };

	rf_location_walk(core->location, show_binding, &walk);
	return 0;
}

/* --- calls */

static void show_call(struct object *o, struct rf_call *call)
{
	struct rf_mono now = rf_core_now(call->core);

	str(o, "id", rf_id_view(&call->id));
	num(o, "worker", call->core->worker);
	str(o, "state", rf_view_str(rf_call_state_name(call->state)));
	str(o, "from", call->caller->number);
	str(o, "from_phone", call->caller->phone);
	str(o, "to", rf_view_of(call->dialled, call->dialled_n));
	if (call->up)
		str(o, "to_phone", call->up->b->party->phone);
	when(o, "since", call->start);
	num(o, "duration_s", call->answered_at.us ? (now.us - call->answered_at.us) / 1000000 : 0);
	if (call->up && call->up->media.last)
		str(o, "srtp", rf_view_str(rf_media_suite(&call->up->media)));
}

static int calls(struct rf_call_core *core, const struct rf_control_query *q, struct text *t)
{
	struct rf_call *call;
	struct object o;

	(void)q;
	TAILQ_FOREACH(call, &core->calls, list) {
		begin(&o);
		show_call(&o, call);
		finish(&o, t);
	}
	return 0;
}

static void show_leg(struct object *o, const struct rf_leg *leg, const char *name)
{
	const struct rf_pair *pair = leg->pair;
	char serial[2 * RF_PKI_SERIAL_MAX];

	rf_put_byte(&o->w, '{');
	str(o, "leg", rf_view_str(name));
	num(o, "pair", pair->b->index);
	str(o, "number", leg->party->number);
	str(o, "phone", leg->party->phone);
	str(o, "user", leg->party->user);
	str(o, "location", leg->party->location);
	flow(o, &leg->flow);
	str(o, "tls", rf_view_str(leg->link.tls));
	str(o, "cipher", rf_view_str(leg->link.cipher));
	str(o, "certificate", rf_link_serial(&leg->link, serial));
	if (leg->dlg) {
		str(o, "call_id", rf_dialog_call_id(leg->dlg));
		str(o, "dialog", rf_view_str(rf_dialog_state_name(rf_dialog_state(leg->dlg))));
	}
	if (leg->contact)
		str(o, "contact", rf_view_of(leg->contact, leg->contact_n));
	if (pair->media.last) {
		key(o, "media");
		rf_put_byte(&o->w, '"');
		rf_sdp_summary_text(&o->w, pair->media.last);
		rf_put_byte(&o->w, '"');
	}
	if (leg->stimer.active)
		num(o, "session_expires_s", leg->stimer.interval_s);
	rf_put_byte(&o->w, '}');
}

static int call_show(struct rf_call_core *core, const struct rf_control_query *q, struct text *t)
{
	struct rf_call *call = rf_call_by_id(core, rf_view_str(q->id));
	const struct rf_pair *pair;
	struct object o;
	bool more = false;

	if (!call)
		return RF_E_NOT_FOUND;
	begin(&o);
	show_call(&o, call);
	key(&o, "legs");
	rf_put_byte(&o.w, '[');
	TAILQ_FOREACH(pair, &call->pairs, list) {
		if (call->up && pair != call->up)
			continue;
		if (!more) {
			show_leg(&o, pair->a, "a");
			more = true;
		}
		rf_put_byte(&o.w, ',');
		show_leg(&o, pair->b, "b");
	}
	rf_put_byte(&o.w, ']');
	finish(&o, t);
	return 0;
}

static int call_hangup(struct rf_call_core *core, const struct rf_control_query *q, struct text *t)
{
	struct rf_call *call = rf_call_by_id(core, rf_view_str(q->id));
	struct rf_event e;

	if (!call)
		return RF_E_NOT_FOUND;
	rf_event_init(&e, RF_EVENT_OPERATOR, rf_core_wall(core));
	rf_event_cstr(&e, "order", "hangup");
	rf_event_cstr(&e, "by", q->by);
	rf_event_str(&e, "session", rf_id_view(&call->id));
	rf_record_post(core, &e);
	if (call->state < RF_CALL_ANSWERED) {
		call->ended_by = RF_ENDED_OPERATOR;
		rf_setup_abandon(call, "operator", 487, RF_V("SIP;cause=487;text=\"Ended by operator\""));
	} else {
		rf_end(call, NULL, RF_ENDED_OPERATOR, 0, "operator", RF_V("SIP;cause=200;text=\"Ended by operator\""));
	}
	rf_call_settle(call);
	put(t, RF_V("true"));
	return 0;
}

/* --- mailboxes */

/* The next word of *rest, up to a space. */
static struct rf_view word(struct rf_view *rest)
{
	size_t n = rf_view_find(*rest, ' ');
	struct rf_view v = rf_view_sub(*rest, 0, n);

	*rest = rf_view_from(*rest, n + 1);
	return v;
}

static int mailbox(struct rf_call_core *core, const struct rf_control_query *q, struct text *t)
{
	struct rf_view rest = rf_view_str(q->id), number = word(&rest);
	uint32_t fresh, old;
	rf_workers tell;
	struct rf_event e;
	struct object o;

	if (!rf_view_u32(word(&rest), &fresh) || !rf_view_u32(rest, &old) ||
	    !rf_directory_number(core->directory, number))
		return RF_E_NOT_FOUND;
	int rc = rf_board_mwi(core->board, number, fresh, old, &tell);

	if (rc)
		return rc;
	rf_lamps_tell(core, number, tell);
	rf_event_init(&e, RF_EVENT_MAILBOX, rf_core_wall(core));
	rf_event_str(&e, "number", number);
	rf_event_u64(&e, "new", fresh);
	rf_event_u64(&e, "old", old);
	rf_event_cstr(&e, "by", q->by);
	rf_record_post(core, &e);
	begin(&o);
	str(&o, "number", number);
	num(&o, "new", fresh);
	num(&o, "old", old);
	finish(&o, t);
	return 0;
}

/* --- counters */

static int counters(struct rf_call_core *core, const struct rf_control_query *q, struct text *t)
{
	const struct rf_call_counters *c = &core->counters;
	struct rf_call_census now = rf_call_core_census(core);
	const struct {
		const char *name;
		uint64_t x;
	} rows[] = {
		{ "worker", core->worker },
		{ "requests", c->requests },
		{ "registrations", c->registrations },
		{ "registrations_refused", c->registrations_refused },
		{ "unregistrations", c->unregistrations },
		{ "challenges", c->challenges },
		{ "passwords_wrong", c->passwords_wrong },
		{ "passwords_delayed", c->passwords_delayed },
		{ "identity_refused", c->identity_refused },
		{ "hijacks_refused", c->hijacks_refused },
		{ "calls", c->calls },
		{ "calls_answered", c->calls_answered },
		{ "calls_refused", c->calls_refused },
		{ "calls_over_cap", c->calls_over_cap },
		{ "calls_over_use", c->calls_over_use },
		{ "calls_over_grant", c->calls_over_grant },
		{ "media_refused", c->media_refused },
		{ "glare", c->glare },
		{ "flows_lost", c->flows_lost },
		{ "peers_dead", c->peers_dead },
		{ "transfers", c->transfers },
		{ "transfers_refused", c->transfers_refused },
		{ "acks_missing", c->acks_missing },
		{ "emergency_calls", c->emergency_calls },
		{ "hooks_failed", c->hooks_failed },
		{ "calls_preempted", c->calls_preempted },
		{ "preemptions_failed", c->preemptions_failed },
		{ "requests_over_rate", c->requests_over_rate },
		{ "events_bounded", c->events_bounded },
		{ "clock_jumps", c->clock_jumps },
		{ "identities_signed", c->identities_signed },
		{ "identities_verified", c->identities_verified },
		{ "identities_invalid", c->identities_invalid },
		{ "watches", c->watches },
		{ "watches_refused", c->watches_refused },
		{ "publications", c->publications },
		{ "publications_refused", c->publications_refused },
		{ "messages", c->messages },
		{ "messages_refused", c->messages_refused },
		{ "ledger_refused", c->ledger_refused },
		{ "load_pressure", rf_overload_pressure(&core->overload, true) },
		{ "load_strain", rf_overload_strain(&core->overload, true) },
		{ "load_refused_internal", core->overload.refused[RF_LOAD_INTERNAL] },
		{ "load_refused_external", core->overload.refused[RF_LOAD_EXTERNAL] },
		{ "load_refused_register", core->overload.refused[RF_LOAD_REGISTER] },
		{ "load_refused_other", core->overload.refused[RF_LOAD_OTHER] },
		{ "resources_now", rf_resource_count(rf_call_shared_resources(core->shared)) },
		{ "calls_now", core->census.calls },
		{ "pairs_now", core->census.pairs },
		{ "relays_now", core->census.relays },
		{ "registrations_now", core->census.registrations },
		{ "features_now", core->census.features },
		{ "identity_checks_now", rf_stir_waiting(core) },
		{ "outside_now", core->census.outside },
		{ "tones_now", core->census.tones },
		{ "parked_now", core->census.parked },
		{ "joins_now", core->census.joins },
		{ "transfers_now", core->census.transfers },
		{ "subscriptions_now", now.subscriptions },
		{ "publications_now", now.publications }, /* of the process */
		{ "messages_now", now.messages },
		{ "without_relay", core->relays && !rf_relays_well(core->relays) }, /* 1: none of a border's relays
										     * answers */
	};
	struct object o;

	(void)q;
	begin(&o);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		num(&o, rows[i].name, rows[i].x);
	finish(&o, t);
	return 0;
}

/* --- the table of verbs */

static const struct {
	int (*run)(struct rf_call_core *core, const struct rf_control_query *q, struct text *t);
	const char *open, *close, *none; /* the frame, and what stands in it when no worker had anything */
	bool shared;                     /* one worker answers for all */
	bool list;                       /* may be cut */
} verbs[] = {
	[RF_CONTROL_BINDINGS] = { bindings, "{\"bindings\":[", "]", "", true, true },
	[RF_CONTROL_CALLS] = { calls, "{\"calls\":[", "]", "", false, true },
	[RF_CONTROL_CALL_SHOW] = { call_show, "{\"call\":", "", "null", false, false },
	[RF_CONTROL_CALL_HANGUP] = { call_hangup, "{\"hangup\":", "", "false", false, false },
	[RF_CONTROL_MAILBOX] = { mailbox, "{\"mailbox\":", "", "null", true, false },
	[RF_CONTROL_COUNTERS] = { counters, "{\"workers\":[", "]", "", false, true },
};

static int run(struct rf_call_core *core, const struct rf_control_query *query, struct text *t)
{
	int rc = verbs[query->verb].run(core, query, t);

	return rc ? rc : t->err;
}

int rf_control_run(struct rf_call_core *core, const struct rf_control_query *query, char **ret_json,
		   size_t *ret_bytes)
{
	struct text t = { .p = NULL };
	int rc = run(core, query, &t);

	if (rc) {
		free(t.p);
		return rc;
	}
	*ret_json = t.p;
	*ret_bytes = t.n;
	return 0;
}

/* --- across workers: the question goes around as one letter */

struct ask {
	struct rf_mail mail;
	struct rf_loop *asker, *here; /* here: whose thread it is on */
	struct rf_timer retry;
	size_t n, at;
	struct rf_control_query query;
	rf_control_done_fn *done;
	void *ctx;
	struct text text;
	int err;
	struct rf_call_core *cores[];
};

static void answer(struct rf_mail *mail, int status)
{
	struct ask *a = rf_container(mail, struct ask, mail);
	struct text out = { .p = NULL };
	int err = status ? status : a->err ? a->err : a->text.err;

	if (!err) {
		put(&out, rf_view_str(verbs[a->query.verb].open));
		put(&out, a->text.n ? rf_view_of(a->text.p, a->text.n) : rf_view_str(verbs[a->query.verb].none));
		put(&out, rf_view_str(verbs[a->query.verb].close));
		if (verbs[a->query.verb].list)
			put(&out, a->text.full ? RF_V(",\"truncated\":true") : RF_V(",\"truncated\":false"));
		put(&out, RF_V("}"));
		err = out.err;
	}
	a->done(a->ctx, err, err ? RF_V("") : rf_view_of(out.p, out.n));
	free(out.p);
	free(a->text.p);
	free(a);
}

static void visit(struct rf_mail *mail, int status);

/* Home, from the worker that was last; when the asker's mailbox is full, again a little later. */
static void go_home(struct ask *a)
{
	a->mail.deliver = answer;
	if (rf_mail_post(a->asker, &a->mail))
		rf_timer_start(rf_loop_wheel(a->here), &a->retry, 10);
}

static void retry(struct rf_timer *t)
{
	go_home(rf_container(t, struct ask, retry));
}

/* To the next worker, or home. A worker whose mailbox is full ends the round: the asker hears RF_E_BUSY. */
static void send_on(struct ask *a)
{
	bool over = a->at == a->n || (a->at && verbs[a->query.verb].shared) || a->err;

	if (!over) {
		a->mail.deliver = visit;
		if (rf_mail_post(a->cores[a->at]->loop, &a->mail) == 0)
			return;
		a->err = RF_E_BUSY;
	}
	go_home(a);
}

static void visit(struct rf_mail *mail, int status)
{
	struct ask *a = rf_container(mail, struct ask, mail);
	int rc = status ? status : run(a->cores[a->at], &a->query, &a->text);

	a->err = rc == RF_E_NOT_FOUND ? 0 : rc;
	a->here = status ? a->asker : a->cores[a->at]->loop; /* a loop that ends may have lost its core */
	a->at++;
	send_on(a);
}

int rf_control_ask(struct rf_loop *asker, struct rf_call_core *const *cores, size_t n,
		   const struct rf_control_query *query, rf_control_done_fn *done, void *ctx)
{
	struct ask *a = calloc(1, sizeof *a + n * sizeof *cores);

	if (!a)
		return -ENOMEM;
	memcpy(a->cores, cores, n * sizeof *cores);
	a->asker = a->here = asker;
	rf_timer_init(&a->retry, retry);
	a->n = n;
	a->query = *query;
	a->done = done;
	a->ctx = ctx;
	send_on(a);
	return 0;
}
