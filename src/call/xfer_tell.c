/* What who transfers is told of it, and what is on record: refusals, NOTIFYs (RFC 3515 2.4), the end. */
#include "call/xfer_int.h"

#include "call/join.h"
#include "call/move.h"

#include <stdlib.h>

/* --- the record */

static void record(struct rf_leg *by, enum rf_event_kind kind, struct rf_view target, unsigned code, const char *rule,
		   const struct rf_call *to)
{
	struct rf_call *call = by->pair->call;
	struct rf_call_core *core = call->core;
	struct rf_event e;

	if (kind == RF_EVENT_CALL_TRANSFERRED)
		rf_event_init(&e, kind, rf_core_wall(core));
	else if (!rf_record_begin(core, kind, &e))
		return;
	rf_event_str(&e, "session", rf_id_view(&call->id));
	rf_event_str(&e, "by", by->party->number);
	rf_event_str(&e, "phone", by->party->phone);
	rf_event_str(&e, "user", by->party->user);
	rf_event_str(&e, "who", rf_leg_other(by)->party->number);
	rf_event_str(&e, "to", target);
	if (to)
		rf_event_str(&e, "to_session", rf_id_view(&to->id));
	rf_event_cstr(&e, "rule", rule);
	if (code)
		rf_event_u64(&e, "code", code);
	rf_record_post(core, &e);
}

void rf_xfer_refuse(struct rf_leg *leg, struct rf_in *in, unsigned code, struct rf_view target, const char *rule)
{
	struct rf_call_core *core = rf_leg_core(leg);

	core->counters.transfers_refused++;
	record(leg, RF_EVENT_CALL_TRANSFER_REFUSED, target, code, rule, NULL);
	rf_core_reply_headers(core, in->srv, code, RF_V(""), code == 491 ? RF_V("Retry-After: 1\r\n") : RF_V(""));
}

/* --- NOTIFY */

void rf_xfer_forget(struct rf_xfer *x)
{
	rf_cli_drop(x->notify);
	rf_join_drop(x->join);
	x->call->xfer = NULL;
	x->call->core->census.transfers--;
	free(x);
}

static void notify_event(void *arg, struct rf_cli *cli, const struct rf_cli_event *e)
{
	struct rf_xfer *x = arg;
	struct rf_call *call = x->call;
	struct rf_leg *by = x->by;
	struct rf_view reason = x->reason;

	if (e->kind == RF_CLI_RESPONSE && e->msg->status < 200)
		return;
	if (e->kind == RF_CLI_RESPONSE && e->msg->status == 481)
		x->quiet = true; /* it does not want to know (RFC 6665 4.2.2) */
	if (e->kind != RF_CLI_GONE)
		rf_cli_drop(cli);
	x->notify = NULL;
	rf_xfer_notify(x);
	if (by->bye == RF_BYE_WANTED)
		rf_leg_bye(by, reason);
	rf_call_settle(call);
}

static int send_notify(struct rf_xfer *x)
{
	struct rf_leg *leg = x->by;
	uint8_t frag[RF_REFER_FRAG_MAX];
	struct rf_writer w, body;
	int rc = rf_leg_begin(leg, RF_SIP_NOTIFY, &w);

	if (rc)
		return rc;
	rf_writer_init(&body, frag, sizeof frag);
	rf_refer_put_frag(&body, x->code);
	rf_core_put_contact(rf_leg_core(leg), &leg->flow, &w);
	rf_put_lit(&w, "Event: refer;id=");
	rf_put_u64(&w, x->event_id);
	if (rf_xfer_final(x))
		rf_put_lit(&w, "\r\nSubscription-State: terminated;reason=noresource\r\n");
	else
		rf_put_lit(&w, "\r\nSubscription-State: active;expires=600\r\n");
	return rf_leg_send(leg, &w, RF_V("message/sipfrag;version=2.0"), rf_view_of(frag, body.n), notify_event, x,
			   &x->notify);
}

void rf_xfer_notify(struct rf_xfer *x)
{
	if (x->notify)
		return;
	if (!x->quiet && x->told != x->code) {
		x->told = x->code;
		if (send_notify(x) == 0)
			return;
		x->quiet = true;
	}
	if (rf_xfer_final(x))
		rf_xfer_forget(x);
}

/* --- the outcome */

void rf_xfer_report(struct rf_xfer *x, unsigned code)
{
	if (rf_xfer_final(x))
		return;
	x->code = (uint16_t)code;
	rf_xfer_notify(x);
}

void rf_xfer_failed(struct rf_xfer *x, unsigned code)
{
	struct rf_call *call = x->call;
	bool alone = x->by->bye != RF_BYE_NONE;

	record(x->by, RF_EVENT_CALL_TRANSFER_REFUSED, rf_view_of(x->target, x->target_n), code, "target", NULL);
	call->core->counters.transfers_refused++;
	rf_xfer_report(x, code);
	if (alone) /* who transferred has hung up, and nobody else is there */
		rf_end(call, NULL, RF_ENDED_SYSTEM, code, "transfer failed",
		       RF_V("SIP;cause=480;text=\"Transfer failed\""));
	rf_call_settle(call);
}

void rf_xfer_succeed(struct rf_xfer *x, struct rf_leg *who, struct rf_leg *place)
{
	struct rf_call *call = x->call, *to = place->pair->call;
	struct rf_leg *by = x->by;
	enum rf_ended_by ended = rf_leg_is_a(by) ? RF_ENDED_CALLER : RF_ENDED_CALLEE;
	struct rf_view reason = RF_V("SIP;cause=200;text=\"Call transferred\"");

	record(by, RF_EVENT_CALL_TRANSFERRED, rf_view_of(x->target, x->target_n), 0, x->consult ||
	       x->elsewhere ? "attended" : "blind", to);
	call->core->counters.transfers++;
	rf_move(who, place, "transferred");
	by->left = "transferred";
	by->related = to->id;
	by->has_related = true;
	x->reason = reason;
	rf_xfer_report(x, 200); /* before the BYE */
	rf_end(call, NULL, ended, 200, "transferred", reason);
	rf_call_settle(to);
	rf_call_settle(call);
}

