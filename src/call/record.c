/* What happened, told to the ledger. Views and texts only: nothing here decides. */
#include "call/call_int.h"
#include "call/registration.h"
#include "ledger/cdr.h"

void rf_record_post(struct rf_call_core *core, const struct rf_event *e)
{
	if (rf_ledger_post(core->ledger, e))
		core->counters.ledger_refused++;
}

/* A bucket of 100, filled by 50 a second, kept as the time when it will be full again. */
enum { EVENT_US = 20000, BUCKET_US = 100 * EVENT_US };

bool rf_record_begin(struct rf_call_core *core, enum rf_event_kind kind, struct rf_event *e)
{
	struct rf_event_bucket *b = &core->events;
	struct rf_mono now = rf_core_now(core);

	if (b->full_at.us < now.us)
		b->full_at = now;
	if (b->full_at.us + EVENT_US > now.us + BUCKET_US) {
		b->more[kind]++;
		core->counters.events_bounded++;
		return false;
	}
	b->full_at.us += EVENT_US;
	rf_event_init(e, kind, rf_core_wall(core));
	if (b->more[kind])
		rf_event_u64(e, "more", b->more[kind]);
	b->more[kind] = 0;
	return true;
}

static void put_flow(struct rf_event *e, const struct rf_flow *flow)
{
	char text[RF_ADDR_TEXT];

	rf_event_cstr(e, "transport", rf_flow_kind_name(flow->kind));
	rf_event_cstr(e, "address", rf_addr_text(&flow->remote, text));
}

static void put_proof(struct rf_event *e, const struct rf_proof *proof)
{
	if (proof->phone)
		rf_event_str(e, "phone", proof->phone->name);
	if (proof->user)
		rf_event_str(e, "user", proof->user->name);
	if (proof->trunk)
		rf_event_str(e, "trunk", proof->trunk->name);
	if (proof->host)
		rf_event_str(e, "host", proof->host->name);
}

static void put_peer(struct rf_event *e, const struct rf_peer *from)
{
	char serial[2 * RF_PKI_SERIAL_MAX];
	struct rf_writer w;

	put_flow(e, &from->flow);
	if (!from->id || !from->id->present)
		return;
	rf_writer_init(&w, serial, sizeof serial);
	rf_put_hex(&w, from->id->serial, from->id->serial_len);
	rf_event_str(e, "certificate", rf_view_of(serial, w.n));
	rf_event_cstr(e, "certificate_uri", from->id->uri);
}

void rf_record_identity(struct rf_call_core *core, const struct rf_sip_msg *req, const struct rf_peer *from,
			const struct rf_proof *proof, const struct rf_verdict *v)
{
	bool password = v->rule == RF_ID_PASSWORD || v->rule == RF_ID_WAIT;
	struct rf_event e;

	if (!rf_record_begin(core, password ? RF_EVENT_AUTH_FAILED : RF_EVENT_IDENTITY_REFUSED, &e))
		return;
	rf_event_cstr(&e, "rule", rf_identity_rule_name(v->rule));
	rf_event_u64(&e, "code", v->code);
	rf_event_str(&e, "method", req->method_name);
	rf_event_str(&e, "from", req->from.uri.text);
	rf_event_str(&e, "to", req->to.uri.text);
	rf_event_str(&e, "call_id", req->call_id);
	put_proof(&e, proof);
	put_peer(&e, from);
	rf_record_post(core, &e);
}

void rf_record_registration(struct rf_call_core *core, enum rf_event_kind kind, struct rf_view aor,
			    const struct rf_binding *b, const char *why)
{
	struct rf_event e;

	rf_event_init(&e, kind, rf_core_wall(core));
	rf_event_str(&e, "aor", aor);
	rf_event_str(&e, "contact", b->contact);
	rf_event_str(&e, "phone", b->phone);
	rf_event_str(&e, "user", b->user);
	rf_event_str(&e, "agent", b->agent);
	rf_event_cstr(&e, "why", why);
	put_flow(&e, &b->flow);
	rf_record_post(core, &e);
}

void rf_record_registration_refused(struct rf_call_core *core, const struct rf_in *in, struct rf_view aor,
				    unsigned code)
{
	struct rf_event e;

	if (!rf_record_begin(core, RF_EVENT_REGISTRATION_REFUSED, &e))
		return;
	rf_event_str(&e, "aor", aor);
	rf_event_u64(&e, "code", code);
	put_proof(&e, &in->proof);
	put_peer(&e, in->from);
	rf_record_post(core, &e);
}

void rf_record_watch(struct rf_call_core *core, enum rf_event_kind kind, const struct rf_party *watcher,
		     struct rf_view package, struct rf_view number, const char *why)
{
	struct rf_event e;

	rf_event_init(&e, kind, rf_core_wall(core));
	rf_event_str(&e, "from", watcher->number);
	rf_event_str(&e, "phone", watcher->phone);
	rf_event_str(&e, "user", watcher->user);
	rf_event_str(&e, "number", number);
	rf_event_str(&e, "package", package);
	rf_event_cstr(&e, "why", why);
	rf_record_post(core, &e);
}

void rf_record_watch_refused(struct rf_call_core *core, const struct rf_in *in, unsigned code, const char *rule,
			     struct rf_view number)
{
	struct rf_event e;

	if (!rf_record_begin(core, RF_EVENT_WATCH_REFUSED, &e))
		return;
	rf_event_cstr(&e, "rule", rule);
	rf_event_u64(&e, "code", code);
	rf_event_str(&e, "method", in->msg->method_name);
	rf_event_str(&e, "from", rf_proof_number(&in->proof));
	rf_event_str(&e, "number", number);
	rf_event_str(&e, "package", rf_sip_msg_value(in->msg, RF_SIP_H_EVENT));
	put_proof(&e, &in->proof);
	put_peer(&e, in->from);
	rf_record_post(core, &e);
}

void rf_record_text(struct rf_call_core *core, enum rf_event_kind kind, const struct rf_text *t)
{
	struct rf_event e;

	if (kind == RF_EVENT_TEXT_DELIVERED)
		rf_event_init(&e, kind, rf_core_wall(core));
	else if (!rf_record_begin(core, kind, &e))
		return;
	rf_event_str(&e, "from", t->from);
	rf_event_str(&e, "to", t->to);
	rf_event_str(&e, "phone", t->phone);
	rf_event_str(&e, "user", t->user);
	rf_event_str(&e, "type", t->type);
	rf_event_u64(&e, "bytes", t->bytes);
	rf_event_u64(&e, "code", t->code);
	rf_event_cstr(&e, "why", t->why);
	rf_record_post(core, &e);
}

void rf_record_limit(struct rf_call_core *core, const char *bound, const struct rf_in *in)
{
	struct rf_event e;

	if (!rf_record_begin(core, RF_EVENT_LIMIT, &e))
		return;
	rf_event_cstr(&e, "bound", bound);
	rf_event_str(&e, "number", rf_proof_number(&in->proof));
	rf_event_str(&e, "method", in->msg->method_name);
	put_proof(&e, &in->proof);
	put_peer(&e, in->from);
	rf_record_post(core, &e);
}

void rf_record_bound(struct rf_call *call, const char *bound)
{
	struct rf_event e;

	if (!rf_record_begin(call->core, RF_EVENT_LIMIT, &e))
		return;
	rf_event_cstr(&e, "bound", bound);
	rf_event_str(&e, "session", rf_id_view(&call->id));
	rf_event_str(&e, "number", call->caller->number);
	rf_event_cstr(&e, "method", "INVITE");
	rf_event_str(&e, "phone", call->caller->phone);
	rf_event_str(&e, "user", call->caller->user);
	rf_record_post(call->core, &e);
}

/* Without an answer the caller is told 480, the record why. */
static const char *outcome(const struct rf_call *call)
{
	return call->why && strcmp(call->why, "no-answer") == 0 ? "no-answer" : rf_code_outcome(call->code);
}

static const char *by_name(const struct rf_call *call)
{
	static const char *const names[] = { "", "caller", "callee", "operator", "system" };

	return names[call->ended_by];
}

void rf_record_call(struct rf_call *call, enum rf_event_kind kind)
{
	struct rf_call_core *core = call->core;
	struct rf_event e;

	if (call->recorded)
		return; /* it was never a call of its own */
	rf_event_init(&e, kind, rf_core_wall(core));
	rf_event_str(&e, "session", rf_id_view(&call->id));
	rf_event_str(&e, "from", call->caller->number);
	rf_event_str(&e, "to", rf_view_of(call->dialled, call->dialled_n));
	if (kind == RF_EVENT_CALL_START) {
		rf_event_str(&e, "phone", call->caller->phone);
		rf_event_str(&e, "user", call->caller->user);
		put_flow(&e, &call->caller_flow);
	}
	if (kind == RF_EVENT_CALL_ANSWER && call->up)
		rf_event_str(&e, "answered_by", call->up->b->party->phone);
	if (kind == RF_EVENT_CALL_END) {
		rf_event_u64(&e, "code", call->code);
		rf_event_cstr(&e, "outcome", outcome(call));
		rf_event_cstr(&e, "why", call->why);
		rf_event_cstr(&e, "ended_by", by_name(call));
	}
	rf_record_post(core, &e);
}

void rf_record_forwarded(struct rf_call *call)
{
	struct rf_call_core *core = call->core;
	uint8_t chain[RF_PLAN_HOPS * 72];
	struct rf_writer w;
	struct rf_event e;

	if (!rf_record_begin(core, RF_EVENT_CALL_FORWARDED, &e))
		return;
	rf_writer_init(&w, chain, sizeof chain);
	rf_plan_put_chain(call->plan, &w);
	rf_event_str(&e, "session", rf_id_view(&call->id));
	rf_event_str(&e, "from", call->caller->number);
	rf_event_str(&e, "to", rf_view_of(call->dialled, call->dialled_n));
	rf_event_str(&e, "now", rf_plan_at(call->plan));
	rf_event_str(&e, "chain", rf_view_of(chain, w.n));
	rf_record_post(core, &e);
}

/* The lines of a trail: how it came to this, and the last one, what it came to. What is over twelve is left out. */
static void put_steps(struct rf_event *e, struct rf_view trail)
{
	static const char *const names[] = {
		",\"step1\":", ",\"step2\":", ",\"step3\":", ",\"step4\":", ",\"step5\":", ",\"step6\":", ",\"step7\":",
		",\"step8\":", ",\"step9\":", ",\"step10\":", ",\"step11\":", ",\"step12\":",
	};
	struct rf_view line = { NULL, 0 };

	for (size_t i = 0; trail.n; i++) {
		size_t n = rf_view_find(trail, '\n');

		line = rf_view_sub(trail, 0, n);
		trail = rf_view_from(trail, n + 1);
		if (trail.n && i < sizeof names / sizeof *names)
			rf_event_put_str(e, rf_view_str(names[i]), line);
	}
	rf_event_str(e, "explanation", line);
}

/* The same words as `ringfort explain` has. */
static void put_decision(struct rf_event *e, const struct rf_call_core *core)
{
	const struct rf_dial *d = &core->dial;

	rf_event_cstr(e, "rule", d->rule);
	if (d->call_class != RF_CLASSES)
		rf_event_cstr(e, "class", rf_class_name(d->call_class));
	if (d->pos.line) {
		rf_event_cstr(e, "file", d->pos.file ? rf_site_cstr(rf_core_site(core)->phones_file) : "site.yaml");
		rf_event_u64(e, "line", d->pos.line);
	}
	put_steps(e, d->trail);
}

void rf_record_call_refused(struct rf_call_core *core, const struct rf_in *in, unsigned code, const char *why,
			    const char *rule)
{
	struct rf_event e;

	if (!rf_record_begin(core, RF_EVENT_CALL_REFUSED, &e))
		return;
	rf_event_u64(&e, "code", code);
	rf_event_cstr(&e, "why", why);
	rf_event_str(&e, "from", rf_proof_number(&in->proof));
	rf_event_str(&e, "to", in->msg->uri.user);
	put_proof(&e, &in->proof);
	put_peer(&e, in->from);
	if (rule && rule == core->dial.rule && core->dial.kind == RF_DIAL_REFUSED)
		put_decision(&e, core);
	else if (rule)
		rf_event_cstr(&e, "rule", rule);
	rf_record_post(core, &e);
}

void rf_record_dial_refused(struct rf_call_core *core, const struct rf_dial_who *who, struct rf_view text)
{
	struct rf_event e;

	if (!rf_record_begin(core, RF_EVENT_CALL_REFUSED, &e))
		return;
	rf_event_u64(&e, "code", core->dial.code);
	rf_event_cstr(&e, "why", core->dial.why);
	rf_event_str(&e, "from", who->number);
	rf_event_str(&e, "to", text);
	rf_event_str(&e, "phone", who->phone);
	rf_event_str(&e, "user", who->user);
	put_decision(&e, core);
	rf_record_post(core, &e);
}

void rf_record_media(struct rf_call *call, enum rf_sdp_rule rule, const struct rf_leg *from)
{
	struct rf_event e;

	if (!rf_record_begin(call->core, RF_EVENT_MEDIA_REFUSED, &e))
		return;
	rf_event_str(&e, "session", rf_id_view(&call->id));
	rf_event_cstr(&e, "rule", rf_sdp_rule_name(rule));
	rf_event_str(&e, "phone", from->party->phone);
	rf_event_str(&e, "number", from->party->number);
	rf_record_post(call->core, &e);
}

/* --- call detail records */

static struct rf_view word(const char *s)
{
	return rf_view_str(s);
}

/* Texts that a record borrows. */
struct texts {
	char address[RF_ADDR_TEXT], serial[2 * RF_PKI_SERIAL_MAX];
};

/* What all legs, and a caller without any, have in common. */
static void fill(struct rf_cdr *cdr, struct rf_call *call, const struct rf_party *p, const struct rf_flow *flow,
		 const struct rf_link *link, struct texts *t)
{
	*cdr = (struct rf_cdr){
		.session = rf_id_view(&call->id), .from = call->caller->number,
		.to = rf_view_of(call->dialled, call->dialled_n), .number = p->number, .device = p->phone,
		.user = p->user, .location = p->location, .tls = word(link->tls), .cipher = word(link->cipher),
		.certificate = rf_link_serial(link, t->serial),
		.address = word(rf_addr_text(&flow->remote, t->address)),
		.transport = word(rf_flow_kind_name(flow->kind)),
		.start = call->start, .ended_by = word(by_name(call)), .reason = word(call->why),
	};
}

static void put_media(struct rf_cdr *cdr, const struct rf_pair *pair)
{
	const struct rf_sdp_summary *s = pair->media.last;

	if (!s)
		return;
	cdr->audio = word(rf_sdp_summary_suite(s, RF_SDP_AUDIO));
	cdr->video = word(rf_sdp_summary_suite(s, RF_SDP_VIDEO));
}

static void post(struct rf_call *call, const struct rf_cdr *cdr)
{
	if (rf_cdr_post(call->core->ledger, rf_core_wall(call->core), cdr))
		call->core->counters.ledger_refused++;
}

/* A caller whom nobody was called for. */
static void record_caller(struct rf_call *call)
{
	struct texts texts;
	struct rf_cdr cdr;

	fill(&cdr, call, call->caller, &call->caller_flow, &call->caller_link, &texts);
	cdr.leg = RF_V("a");
	cdr.direction = RF_V("in");
	cdr.code = call->code;
	cdr.identity = word(call->identity);
	cdr.outcome = word(outcome(call));
	cdr.end = rf_call_wall(call);
	post(call, &cdr);
}

/* "a" for the leg of the caller, "b", "b2", ... for those that were called, in that order. */
static struct rf_view leg_name(const struct rf_leg *leg, char buf[static 8])
{
	struct rf_writer w;

	if (leg->index == 0)
		return RF_V("a");
	rf_writer_init(&w, buf, 8);
	rf_put_byte(&w, 'b');
	if (leg->index > 1)
		rf_put_u64(&w, leg->index);
	return rf_view_of(buf, w.n);
}

/* How it came out for this leg: what the caller was told, what the called phone said. */
static void put_outcome(struct rf_cdr *cdr, const struct rf_call *call, const struct rf_leg *leg)
{
	if (leg->left) {
		cdr->code = 200;
		cdr->outcome = word(leg->left);
	} else if (leg->index == 0) {
		cdr->code = call->code;
		cdr->outcome = word(leg->answer.us ? "answered" : outcome(call));
	} else if (leg->answer.us) {
		cdr->code = 200;
		cdr->outcome = RF_V("answered");
	} else {
		cdr->code = leg->code;
		cdr->outcome = word(leg->pair->cancelled ? "cancelled" : rf_code_outcome(leg->code));
	}
}

void rf_record_leg(struct rf_leg *leg)
{
	struct rf_call *call = leg->pair->call;
	struct texts texts;
	char name[8];
	struct rf_cdr cdr;

	if (leg->recorded)
		return;
	leg->recorded = true;
	fill(&cdr, call, leg->party, &leg->flow, &leg->link, &texts);
	cdr.leg = leg_name(leg, name);
	cdr.direction = (leg->dlg ? rf_dialog_is_caller(leg->dlg) : leg->index > 0) ? RF_V("out") : RF_V("in");
	if (leg->joined.us)
		cdr.start = leg->joined;
	if (leg->has_related)
		cdr.related = rf_id_view(&leg->related);
	if (leg->by)
		cdr.forwarded_by = leg->by->number;
	cdr.call_id = leg->dlg ? rf_dialog_call_id(leg->dlg) : RF_V("");
	put_outcome(&cdr, call, leg);
	if (leg->index == 0)
		cdr.identity = word(call->identity);
	cdr.ring = leg->ring;
	cdr.answer = leg->answer;
	cdr.end = leg->end.us ? leg->end : rf_call_wall(call);
	if (leg->answer.us)
		put_media(&cdr, leg->pair);
	post(call, &cdr);
}

void rf_record_cdrs(struct rf_call *call)
{
	struct rf_pair *caller = call->up ? call->up : TAILQ_FIRST(&call->pairs), *pair;

	call->recorded = true;
	if (caller)
		rf_record_leg(caller->a);
	else
		record_caller(call);
	TAILQ_FOREACH(pair, &call->pairs, list)
		rf_record_leg(pair->b);
}
