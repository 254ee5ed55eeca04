#include "call/admission.h"

#include "call/call_int.h"
#include "loop/mail.h"

#include <stdlib.h>

/* Calls and bandwidth of at most two links. */
enum { HOLDS_MAX = 4 };

struct rf_admission {
	struct rf_hold *hold[HOLDS_MAX];
	unsigned n;
};

/* --- who has to go */

static void end_call(struct rf_call_core *core, struct rf_id id, struct rf_view by, struct rf_view resource)
{
	const struct rf_view reason = RF_V("preemption;cause=5;text=\"Network Preemption\"");
	struct rf_call *call = rf_call_by_id(core, rf_id_view(&id));
	struct rf_event e;

	if (!call || call->state >= RF_CALL_ENDING)
		return;
	core->counters.calls_preempted++;
	rf_event_init(&e, RF_EVENT_CALL_PREEMPTED, rf_core_wall(core));
	rf_event_str(&e, "session", rf_id_view(&call->id));
	rf_event_str(&e, "by", by);
	rf_event_str(&e, "resource", resource);
	rf_record_post(core, &e);
	if (call->state < RF_CALL_ANSWERED)
		rf_setup_abandon(call, "preempted", 503, reason);
	else
		rf_end_preempted(call, reason);
	rf_call_settle(call);
}

struct order {
	struct rf_mail mail;
	struct rf_call_core *core;
	struct rf_id call, by;
	size_t resource_n;
	uint8_t resource[];
};

static void carry_out(struct rf_mail *mail, int status)
{
	struct order *o = rf_container(mail, struct order, mail);

	if (status == 0)
		end_call(o->core, o->call, rf_id_view(&o->by), rf_view_of(o->resource, o->resource_n));
	free(o);
}

/* An order that cannot be posted is a call over the bound that goes on: counted, and no other harm. */
static void order_end(struct rf_call_core *core, const struct rf_victim *v, const struct rf_call *by,
		      struct rf_view resource)
{
	struct rf_call_core *peer = v->worker < core->peer_count ? core->peers[v->worker] : NULL;
	struct order *o = peer ? malloc(sizeof *o + resource.n) : NULL;

	if (!o) {
		core->counters.preemptions_failed++;
		return;
	}
	*o = (struct order){ .mail.deliver = carry_out, .core = peer, .call = v->call, .by = by->id,
			     .resource_n = resource.n };
	memcpy(o->resource, resource.p, resource.n);
	if (rf_mail_post(peer->loop, &o->mail)) {
		core->counters.preemptions_failed++;
		free(o);
	}
}

void rf_admission_end(struct rf_call_core *core, const struct rf_victim *victims, size_t n, const struct rf_call *by,
		      struct rf_view resource)
{
	for (size_t i = 0; i < n; i++) {
		if (victims[i].worker == core->worker)
			end_call(core, victims[i].call, rf_id_view(&by->id), resource);
		else
			order_end(core, &victims[i], by, resource);
	}
}

struct rf_claim rf_admission_claim(const struct rf_call *call)
{
	return (struct rf_claim){
		.call = call->id, .worker = (uint8_t)call->core->worker, .rank = call->precedence.rank,
		.preempts = call->precedence.preempts,
	};
}

/* --- links */

static const struct rf_site_link *link_of(const struct rf_call_core *core, const struct rf_party *p)
{
	const struct rf_site_location *l = p->location.n ? rf_site_location(rf_core_site(core), p->location) : NULL;

	return l ? l->link : NULL;
}

/* Room for one more hold. */
static bool has_room(struct rf_leg *leg)
{
	if (!leg->admission)
		leg->admission = calloc(1, sizeof *leg->admission);
	return leg->admission && leg->admission->n < HOLDS_MAX;
}

static int take_one(struct rf_leg *leg, const struct rf_site_link *link, const char *what, uint64_t most,
		    uint64_t units)
{
	struct rf_call *call = leg->pair->call;
	struct rf_claim claim = rf_admission_claim(call);
	struct rf_victim victims[RF_VICTIMS_MAX];
	uint8_t name[RF_RESOURCE_NAME_MAX];
	struct rf_writer w;
	size_t n;

	if (most == 0)
		return 0;
	rf_writer_init(&w, name, sizeof name);
	rf_put_lit(&w, "link ");
	rf_put(&w, link->name);
	rf_put_byte(&w, ' ');
	rf_put(&w, rf_view_str(what));
	if (w.err)
		return RF_E_LIMIT;
	int rc = rf_resource_take(rf_call_shared_resources(call->core->shared), rf_view_of(name, w.n), most, 0, units,
				  &claim, &leg->admission->hold[leg->admission->n], victims, &n);

	if (rc)
		return rc;
	leg->admission->n++;
	rf_admission_end(call->core, victims, n, call, rf_view_of(name, w.n));
	return 0;
}

static int take_link(struct rf_leg *leg, const struct rf_site_link *link)
{
	if (!link)
		return 0;
	if (!has_room(leg))
		return -ENOMEM;
	int rc = take_one(leg, link, "calls", link->calls, 1);

	return rc ? rc : take_one(leg, link, "kbit", link->kbit_per_second, link->kbit_per_call);
}

unsigned rf_admission_take(struct rf_leg *leg, const struct rf_site_link *far, const char **ret_bound)
{
	const struct rf_site_link *near = link_of(leg->pair->call->core, leg->pair->a->party);

	*ret_bound = "link";
	if (!far)
		far = link_of(leg->pair->call->core, leg->party);
	if (near == far) /* both behind the same one, or neither behind any: nothing is crossed */
		return 0;
	if (take_link(leg, near) == 0 && take_link(leg, far) == 0)
		return 0;
	rf_admission_give(leg);
	return 503;
}

void rf_admission_give(struct rf_leg *leg)
{
	if (!leg->admission)
		return;
	for (unsigned i = 0; i < leg->admission->n; i++)
		rf_resource_give(rf_call_shared_resources(rf_leg_core(leg)->shared), leg->admission->hold[i]);
	free(leg->admission);
	leg->admission = NULL;
}
