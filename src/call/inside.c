#include "call/inside.h"

#include "call/guest.h"
#include "call/park.h"
#include "call/pickup.h"
#include "call/route.h"

#include <stdlib.h>

static const struct rf_view what_names[] = {
	[RF_INSIDE_REPLACE] = { (const uint8_t *)"replace", 7 },
	[RF_INSIDE_PICKUP] = { (const uint8_t *)"pickup", 6 },
	[RF_INSIDE_RETRIEVE] = { (const uint8_t *)"retrieve", 8 },
};

#define DO RF_V("Ringfort-Do")
#define NUMBER RF_V("Ringfort-Number")
#define PHONE RF_V("Ringfort-Phone")
#define USER RF_V("Ringfort-User")
#define AS RF_V("Ringfort-As")
#define AS_PHONE RF_V("Ringfort-As-Phone")
#define AS_USER RF_V("Ringfort-As-User")

int rf_inside_owner(const struct rf_call_core *core, struct rf_view tag)
{
	int worker = rf_id_worker(tag);

	return worker >= 0 && (unsigned)worker != core->worker && (size_t)worker < core->peer_count ? worker : -1;
}

unsigned rf_inside_others(const struct rf_call_core *core)
{
	return core->peer_count > 1 ? (unsigned)core->peer_count - 1 : 0;
}

/* --- the source of a plan */

struct inside {
	struct rf_source source;
	unsigned at, end;           /* workers that are still to be asked */
	struct rf_view number, lines;
	uint8_t text[];
};

static void put_headers(struct rf_leg *leg, struct rf_writer *w)
{
	const struct inside *self = leg->aim_arg;

	rf_put(w, self->lines);
}

/* What the other worker answers is ours: it stands as it is. */
static struct rf_code code(const struct rf_leg *leg, unsigned code)
{
	struct rf_code c = rf_code_of_phone(code);

	(void)leg;
	c.code = code;
	return c;
}

static const struct rf_aim_ops inside_ops = { .put_headers = put_headers, .code = code };

static enum rf_source_does next(struct rf_plan *plan, struct rf_source *s, const struct rf_step_result *last,
				struct rf_step *ret_step)
{
	struct inside *self = rf_container(s, struct inside, source);
	struct rf_call_core *core = plan->core;
	struct rf_view none = { NULL, 0 };

	(void)last;
	if (self->at == core->worker)
		self->at++;
	if (self->at >= self->end)
		return RF_SOURCE_DONE;
	struct rf_aim *aim = rf_arena_array(&plan->arena, 1, sizeof *aim);
	struct rf_party *there =
		aim ? rf_plan_party(plan, rf_party_new(core->directory, self->number, none, none)) : NULL;

	if (!there) {
		rf_plan_refuse(plan, 503, "memory", NULL);
		return RF_SOURCE_DONE;
	}
	*aim = (struct rf_aim){
		.party = there, .target = RF_V("sip:inside.invalid"), .flow = rf_ua_inside(core->ua, self->at++),
		.ops = &inside_ops, .arg = self,
	};
	*ret_step = (struct rf_step){ .aim = aim, .n = 1 };
	return RF_SOURCE_STEP;
}

static void source_free(struct rf_source *s)
{
	free(rf_container(s, struct inside, source));
}

static const struct rf_source_ops source_ops = { next, source_free };

static void put_name(struct rf_writer *w, struct rf_view header, struct rf_view value)
{
	if (value.n)
		rf_sip_put_hdr_named(w, header, value);
}

static void put_lines(const struct rf_inside_order *order, struct rf_writer *w)
{
	rf_sip_put_hdr_named(w, DO, what_names[order->what]);
	put_name(w, NUMBER, order->number);
	put_name(w, PHONE, order->by->phone);
	put_name(w, USER, order->by->user);
	if (order->as) {
		put_name(w, AS, order->as->number);
		put_name(w, AS_PHONE, order->as->phone);
		put_name(w, AS_USER, order->as->user);
	}
	if (order->replaces) {
		rf_sip_put_hdr_name(w, RF_SIP_H_REPLACES);
		if (rf_replaces_put(w, order->replaces) && !w->err)
			w->err = RF_E_MALFORMED;
		rf_sip_put_crlf(w);
	}
}

static int push(struct rf_plan *plan, const struct rf_inside_order *order)
{
	uint8_t buf[2048];
	struct rf_writer w;

	rf_writer_init(&w, buf, sizeof buf);
	put_lines(order, &w);
	if (w.err)
		return w.err;
	struct inside *self = malloc(sizeof *self + w.n + order->number.n);

	if (!self)
		return -ENOMEM;
	*self = (struct inside){
		.source = { .ops = &source_ops }, .at = order->worker < 0 ? 0 : (unsigned)order->worker,
		.end = order->worker < 0 ? (unsigned)plan->core->peer_count : (unsigned)order->worker + 1,
	};
	memcpy(self->text, buf, w.n);
	memcpy(self->text + w.n, order->number.p ? order->number.p : buf, order->number.n);
	self->lines = rf_view_of(self->text, w.n);
	self->number = rf_view_of(self->text + w.n, order->number.n);
	return rf_plan_push(plan, &self->source, false);
}

int rf_inside_plan(struct rf_call_core *core, const struct rf_inside_order *order, struct rf_plan **ret_plan)
{
	int rc = rf_plan_new(core, order->by, ret_plan);

	if (rc)
		return rc;
	rc = push(*ret_plan, order);
	if (rc)
		rf_plan_free(*ret_plan);
	return rc;
}

void rf_inside_invite(struct rf_call_core *core, struct rf_in *in, const struct rf_inside_order *order)
{
	struct rf_inside_order own = *order;
	struct rf_routed to = { .plan = NULL };

	own.by = rf_party_of(core, &in->proof);
	if (!own.by || rf_inside_plan(core, &own, &to.plan)) {
		rf_guest_refuse(core, in, 503, "memory");
	} else {
		to.dialled_n = own.number.n < sizeof to.dialled ? own.number.n : sizeof to.dialled;
		memcpy(to.dialled, own.number.p ? own.number.p : to.dialled, to.dialled_n);
		rf_setup_invite_to(core, in, &to);
	}
	rf_party_put(own.by);
}

/* --- there */

static struct rf_view line(const struct rf_sip_msg *msg, struct rf_view name)
{
	const struct rf_sip_hdr *h = rf_sip_msg_named(msg, name, NULL);

	return h ? h->value : (struct rf_view){ NULL, 0 };
}

/* Proven by the other worker. Is it still true? */
static bool prove(struct rf_call_core *core, struct rf_in *in)
{
	struct rf_view phone = line(in->msg, PHONE), user = line(in->msg, USER);

	in->proof = (struct rf_proof){ NULL, NULL };
	if (phone.n)
		in->proof.phone = rf_directory_phone(core->directory, phone);
	if (user.n)
		in->proof.user = rf_directory_user(core->directory, user);
	return (phone.n || user.n) && rf_identity_stands(core, phone, user, rf_proof_number(&in->proof));
}

static void carry_out(struct rf_call_core *core, struct rf_in *in)
{
	struct rf_view what = line(in->msg, DO), number = line(in->msg, NUMBER);

	if (rf_view_eq(what, what_names[RF_INSIDE_REPLACE]) && rf_guest_replaces(core, in))
		return;
	if (rf_view_eq(what, what_names[RF_INSIDE_PICKUP]))
		rf_pickup_invite(core, in, number);
	else if (rf_view_eq(what, what_names[RF_INSIDE_RETRIEVE]))
		rf_park_retrieve(core, in, number);
	else
		rf_guest_refuse(core, in, 403, "not for workers");
}

void rf_inside_request(struct rf_call_core *core, struct rf_in *in)
{
	struct rf_view as = line(in->msg, AS);
	struct rf_party *party = NULL;

	if (in->msg->method != RF_SIP_INVITE || core->draining || !prove(core, in)) {
		rf_core_reply(core, in->srv, core->draining ? 503 : 403, RF_V(""));
		return;
	}
	if (as.n) {
		party = rf_party_new(core->directory, as, line(in->msg, AS_PHONE), line(in->msg, AS_USER));
		if (!party) {
			rf_core_reply(core, in->srv, 503, RF_V(""));
			return;
		}
	}
	in->as = party;
	carry_out(core, in);
	rf_party_put(party);
}
