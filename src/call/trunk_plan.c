/* Calls to the outside: the trunks of a route one after the other. A trunk that is full, down or not there gives way to
 * the next; an answer that is the callee's or the number's does not. */
#include "call/trunk.h"

#include "call/border.h"
#include "call/call_int.h"
#include "call/outside.h"
#include "call/plan_dial.h"
#include "call/trunk_number.h"
#include "sip/tgrp.h"

#include <stdlib.h>

struct trunks {
	struct rf_source source;
	struct rf_view number, caller; /* behind the struct */
	const struct rf_view *names;   /* likewise: the site may change while it rings */
	size_t n, at, way;             /* way: of the trunk in hand */
	bool emergency, last_round, tried;
	bool by_right;                 /* of who dialled this text; the views likewise */
	struct rf_dial_who who;
	struct rf_view text;
};

/* --- what is different about a leg to a trunk */

/* What its leg holds. */
struct trunk_leg {
	struct rf_trunk_peer *peer;
	struct rf_trunk_peer *via;     /* by way of a border; the trunk's own entry where there is none */
	bool by_right;
	struct rf_outside right;
};

static const struct rf_site_trunk *trunk_of(const struct rf_leg *leg)
{
	return rf_site_trunk(rf_core_site(rf_leg_core(leg)), leg->party->trunk);
}

/* The right to this call, as it is now: it may have fallen while other trunks were tried. */
static unsigned take_right(struct rf_leg *leg, const struct trunks *by, struct trunk_leg *own)
{
	struct rf_call_core *core = rf_leg_core(leg);

	rf_dial(&(struct rf_dial_ask){ core->directory, by->who, by->text, rf_core_wall(core), false }, &core->dial);
	if (core->dial.kind != RF_DIAL_OUTSIDE)
		return 403;
	int rc = rf_outside_begin(&own->right, leg, core, &by->who, by->text, &core->dial);

	own->by_right = rc == 0;
	if (rc == RF_E_DENIED || rc == RF_E_LIMIT) {
		core->counters.calls_over_use++;
		rf_record_bound(leg->pair->call, rc == RF_E_DENIED ? "abroad_minutes_per_day" : "calls");
	}
	leg->full = rc == RF_E_LIMIT;
	return rc == 0 ? 0 : rc == RF_E_DENIED ? 403 : 500;
}

static void release(struct trunk_leg *own)
{
	if (own->by_right)
		rf_outside_end(&own->right);
	free(own);
}

/* Which bound keeps this call from the trunk, NULL: none. What goes before others is not spared a peer that has too
 * much to do (RFC 7339 5.10.1), and a call for help is held by no rate. */
static const char *held_back(struct rf_leg *leg, const struct rf_site_trunk *t, const struct trunk_leg *own)
{
	struct rf_call_core *core = rf_leg_core(leg);
	struct rf_mono now = rf_core_now(core);

	if (leg->pair->call->emergency)
		return NULL;
	if (leg->pair->call->precedence.rank == RF_RANK_ROUTINE &&
	    !rf_trunk_oc_may_call(own->via, now, (uint32_t)rf_random_u64(core->random)))
		return "peer_load";
	return rf_trunk_rate_take(own->peer, RF_TRUNK_OUT, t->calls_per_second_out, now) ?
	       "calls_per_second_out" : NULL;
}

/* A peer that understands overload control says in every answer how it is. */
static void heard(struct rf_leg *leg, const struct rf_sip_msg *msg)
{
	struct trunk_leg *own = leg->aim_arg;
	struct rf_sip_oc oc;

	if (msg->status > 100 && msg->status < 300)
		rf_leg_login_asked(leg, msg);
	if (own && msg->via.has_oc && rf_sip_oc_parse(&msg->via, &oc) == 0)
		rf_trunk_oc_heard(own->via, &oc, rf_core_now(rf_leg_core(leg)));
}

static unsigned take_place(struct rf_leg *leg, const struct rf_site_trunk *t, const struct trunk_leg *own)
{
	const char *bound = held_back(leg, t, own);

	if (bound || !rf_trunk_take_channel(leg->pair->call, leg->party, t, RF_TRUNK_OUT, &bound)) {
		rf_trunk_record_bound(leg->pair->call, leg->party, bound);
		leg->full = true;
		return 503;
	}
	return 0;
}

static unsigned take(struct rf_leg *leg)
{
	const struct trunks *by = leg->aim_arg;
	const struct rf_site_trunk *t = trunk_of(leg);
	struct rf_trunk_peer *p = t ? rf_trunk_peer(rf_leg_core(leg), t) : NULL;
	struct trunk_leg *own = p ? calloc(1, sizeof *own) : NULL;

	if (!own)
		return 503;
	own->peer = p;
	own->via = rf_trunks_find_by(p->table, t->name, leg->party->host);
	if (!own->via) {
		free(own);
		return 503;
	}
	unsigned code = by->by_right ? take_right(leg, by, own) : 0;

	if (!code)
		code = take_place(leg, t, own);
	if (code)
		release(own);
	else
		leg->aim_arg = own;
	return code;
}

static void gone(struct rf_leg *leg)
{
	release(leg->aim_arg);
	leg->aim_arg = NULL;
}

static void moved(struct rf_leg *leg)
{
	struct trunk_leg *own = leg->aim_arg;

	if (own->by_right)
		rf_outside_moved(&own->right);
}

/* What a trunk answered, to the caller. Its trouble with us or with itself is ours. */
static struct rf_code code(const struct rf_leg *leg, unsigned status)
{
	(void)leg;
	if (status >= 500 && status < 600)
		return (struct rf_code){ 503, 15 };
	switch (status) {
	case 401:
	case 407:
	case 408:
		return (struct rf_code){ 503, 15 };
	case 403:
		return (struct rf_code){ 403, 40 };
	case 404:
	case 484:
		return (struct rf_code){ status, 40 };
	case 410:
	case 604:
		return (struct rf_code){ 404, 40 };
	default:
		return rf_code_of_phone(status);
	}
}

/* An INVITE that left and never was heard of: there was no connection, or no answer. */
static void answered(struct rf_leg *leg, unsigned status)
{
	struct trunk_leg *own = leg->aim_arg;
	struct rf_trunk_peer *p = own->peer;

	if (status < 300) {
		if (own->by_right)
			rf_outside_answered(&own->right);
		return;
	}
	atomic_fetch_add_explicit(&p->failed, 1, memory_order_relaxed);
	if (leg->flow.kind == RF_FLOW_NONE && leg->pair->invite && !leg->pair->cancelled)
		rf_trunk_hurt(rf_leg_core(leg), own->via,
			      status == 408 ? "a call got no answer" : "a call could not be sent");
	rf_trunk_give_channel(leg->party);
}

static const struct rf_aim_ops aim_ops = {
	.take = take,
	.put_from = rf_trunk_put_from_us,
	.put_headers = rf_trunk_put_headers,
	.code = code,
	.heard = heard,
	.answered = answered,
	.moved = moved,
	.gone = gone,
};

/* --- the source */

/* Has the trunk failed, and not the call? */
static bool fails_over(const struct rf_step_result *last)
{
	if (last->timeout || last->stops || last->rang)
		return false;
	return last->raw == 408 || last->raw == 401 || last->raw == 407 || (last->raw >= 500 && last->raw < 600);
}

static bool usable(struct rf_plan *plan, const struct trunks *self, const struct rf_site_trunk *t,
		   const struct rf_site_host *host)
{
	struct rf_trunk_peer *p = rf_trunks_find_by(plan->core->trunks, t->name, host ? host->name : RF_V(""));

	return p && rf_trunk_is_down(p) == self->last_round;
}

/* The next trunk that may be tried, by each of the borders; for an emergency those that are down, too, when
 * nothing else is left. */
static const struct rf_site_trunk *next_trunk(struct rf_plan *plan, struct trunks *self,
					      const struct rf_site_host **ret_host)
{
	const struct rf_site_host *ways[RF_TRUNK_WAYS_MAX];
	size_t n = rf_trunk_ways(plan->core, ways);

	for (;;) {
		for (; self->at < self->n; self->at++, self->way = 0) {
			const struct rf_site_trunk *t = rf_site_trunk(rf_core_site(plan->core), self->names[self->at]);

			while (t && self->way < n) {
				*ret_host = ways[self->way++];
				if (usable(plan, self, t, *ret_host))
					return t;
			}
		}
		if (!self->emergency || self->last_round)
			return NULL;
		self->last_round = true;
		self->at = self->way = 0;
	}
}

/* "sip:+49...;tgrp=NAME;trunk-context=DOMAIN@border": which trunk the border is to take (RFC 4904). */
static void put_by_border(const struct rf_plan *plan, const struct rf_site_trunk *t, const struct rf_site_host *host,
			  struct rf_view number, struct rf_writer *w)
{
	uint16_t port;
	struct rf_view address = rf_border_address(plan->core, host, &port);

	rf_tgrp_put_uri(w, number, t->name, rf_core_site(plan->core)->domain, address, port);
	if (number.n && number.p[0] == '+')
		rf_sip_put_param(w, RF_V("user"), RF_V("phone"));
}

static int make_aim(struct rf_plan *plan, const struct trunks *self, const struct rf_site_trunk *t,
		    const struct rf_site_host *host, struct rf_aim *aim)
{
	struct rf_far far = { .trunk = t->name, .host = host ? host->name : RF_V(""), .number = self->number,
			      .shown = self->caller };
	uint8_t form[RF_TRUNK_NUMBER_MAX], buf[512];
	struct rf_writer f, w;

	rf_writer_init(&f, form, sizeof form);
	rf_trunk_number_put(&f, rf_core_site(plan->core)->tel.plan, host ? RF_FORMAT_E164 : t->format, self->number);
	rf_writer_init(&w, buf, sizeof buf);
	if (host)
		put_by_border(plan, t, host, rf_view_of(form, f.n), &w);
	else
		rf_trunk_put_uri(t, rf_view_of(form, f.n), &w);
	*aim = (struct rf_aim){ .ops = &aim_ops, .arg = (void *)(uintptr_t)self,
		.secure = host || t->transport == RF_TRANSPORT_TLS, .link = plan->core->border ? NULL : t->link };
	aim->target = rf_plan_keep(plan, &w);
	rf_writer_init(&w, buf, sizeof buf);
	rf_put_byte(&w, '<');
	rf_sip_uri_put_new(&w, false, rf_view_of(form, f.n), t->peer, 0);
	rf_put_byte(&w, '>');
	aim->to = rf_plan_keep(plan, &w);
	aim->party = rf_plan_party(plan, rf_party_new_far(&far));
	return f.err || !aim->target.n || !aim->to.n || !aim->party ? -ENOMEM : 0;
}

static enum rf_source_does next(struct rf_plan *plan, struct rf_source *s, const struct rf_step_result *last,
				struct rf_step *ret_step)
{
	struct trunks *self = rf_container(s, struct trunks, source);

	if (last && !self->emergency && !fails_over(last)) /* who calls for help takes no refusal */
		return RF_SOURCE_DONE;
	const struct rf_site_host *host = NULL;
	const struct rf_site_trunk *t = next_trunk(plan, self, &host);
	struct rf_aim *aim = t ? rf_arena_array(&plan->arena, 1, sizeof *aim) : NULL;

	if (!t && !self->tried)
		rf_plan_refuse(plan, 503, "no trunk is up", "trunks");
	if (t && (!aim || make_aim(plan, self, t, host, aim)))
		rf_plan_refuse(plan, 503, "memory", NULL);
	else if (t) {
		self->tried = true;
		*ret_step = (struct rf_step){ .aim = aim, .n = 1 };
		return RF_SOURCE_STEP;
	}
	return RF_SOURCE_DONE;
}

static void source_free(struct rf_source *s)
{
	free(rf_container(s, struct trunks, source));
}

static const struct rf_source_ops source_ops = { next, source_free };

static uint8_t *copy(uint8_t *to, struct rf_view v, struct rf_view *ret_v)
{
	if (v.n)
		memcpy(to, v.p, v.n);
	*ret_v = rf_view_of(to, v.n);
	return to + v.n;
}

int rf_plan_trunks(struct rf_plan *plan, const struct rf_trunk_order *order)
{
	const struct rf_dialled *by = order->by;
	size_t bytes = order->number.n + order->caller.n;

	for (size_t i = 0; i < order->n; i++)
		bytes += order->trunks[i]->name.n;
	if (by)
		bytes += by->who->number.n + by->who->phone.n + by->who->user.n + by->text.n;
	if (rf_plan_hop(plan, order->number, order->cause, false))
		return RF_E_LIMIT;
	struct trunks *self = malloc(sizeof *self + order->n * sizeof *self->names + bytes);

	if (!self) {
		rf_plan_refuse(plan, 503, "memory", NULL);
		return -ENOMEM;
	}
	struct rf_view *names = (struct rf_view *)(self + 1);
	uint8_t *p = (uint8_t *)(names + order->n);

	*self = (struct trunks){ .source = { .ops = &source_ops }, .names = names, .n = order->n,
				 .emergency = order->emergency };
	p = copy(p, order->number, &self->number);
	p = copy(p, order->caller, &self->caller);
	for (size_t i = 0; i < order->n; i++)
		p = copy(p, order->trunks[i]->name, &names[i]);
	if (by) {
		self->by_right = true;
		p = copy(p, by->who->number, &self->who.number);
		p = copy(p, by->who->phone, &self->who.phone);
		p = copy(p, by->who->user, &self->who.user);
		self->who.roams = by->who->roams;
		copy(p, by->text, &self->text);
	}
	return rf_plan_push(plan, &self->source, true);
}

int rf_trunk_dialled(struct rf_plan *plan, const struct rf_dialled *to)
{
	return rf_plan_trunks(plan, &(struct rf_trunk_order){
		.trunks = to->d->trunk, .n = to->d->trunks, .number = to->d->number, .cause = to->cause, .by = to,
	});
}
