#include "call/xfer_int.h"

#include "call/join.h"
#include "call/move.h"
#include "call/origin.h"
#include "call/park.h"
#include "call/plan.h"
#include "call/route.h"

#include <stdlib.h>

/* --- blind */

static bool waits(const struct rf_call *made)
{
	return made->origin_arg != NULL;
}

static void ringing(struct rf_pair *pair, unsigned code, struct rf_view sdp)
{
	struct rf_xfer *x = pair->call->origin_arg;

	(void)sdp;
	if (x && !x->join)
		rf_xfer_report(x, code);
}

static void joined(void *arg, struct rf_join *join, unsigned code)
{
	struct rf_xfer *x = arg;
	struct rf_call *made = x->made;
	struct rf_pair *pair = rf_join_src(join)->pair;
	struct rf_leg *who = rf_leg_other(x->by);

	x->join = NULL;
	if (!made)
		return; /* given up */
	if (code) {
		rf_setup_kill_pair(pair, code, RF_SDP_RULE_OK); /* refused() follows when there is nobody else */
		rf_call_settle(made);
		return;
	}
	made->origin_arg = NULL;
	x->made = NULL;
	rf_join_media(join, &pair->media);
	pair->offer_in_2xx = false;
	rf_setup_taken(pair);
	rf_xfer_succeed(x, who, pair->a);
}

static void answered(struct rf_pair *pair)
{
	struct rf_xfer *x = pair->call->origin_arg;
	struct rf_join_order order = { .from = RF_JOIN_HELD, .src = pair->b, .done = joined, .arg = x };

	if (!x || x->join) {
		rf_setup_kill_pair(pair, 487, RF_SDP_RULE_OK);
		return;
	}
	order.dst = rf_leg_other(x->by);
	int rc = rf_join_start(&order, &x->join);

	if (rc)
		rf_setup_kill_pair(pair, rc > 0 ? (unsigned)rc : 500, RF_SDP_RULE_OK);
}

static void refused(struct rf_call *made, unsigned code, struct rf_view headers)
{
	struct rf_xfer *x = made->origin_arg;

	(void)headers;
	made->origin_arg = NULL;
	if (!x)
		return;
	x->made = NULL;
	rf_xfer_failed(x, code);
}

static const struct rf_origin blind_origin = {
	.waits = waits, .ringing = ringing, .answered = answered, .refused = refused,
};

static void put_referred_by(struct rf_call_core *core, const struct rf_party *by, struct rf_writer *w)
{
	rf_sip_put_hdr_name(w, RF_SIP_H_REFERRED_BY);
	rf_put_byte(w, '<');
	rf_sip_uri_put_new(w, false, by->number, rf_core_site(core)->domain, 0);
	rf_put_lit(w, ">\r\n");
}

unsigned rf_xfer_call(struct rf_xfer *x, struct rf_plan *plan)
{
	struct rf_call *call = x->call;
	struct rf_leg *who = rf_leg_other(x->by);
	uint8_t headers[512];
	struct rf_writer w;
	unsigned code;

	rf_writer_init(&w, headers, sizeof headers);
	put_referred_by(call->core, x->by->party, &w);
	struct rf_setup_order order = {
		.caller = x->by->party, .shown = who->party, .plan = plan, .origin = &blind_origin, .arg = x,
		.dialled = rf_view_of(x->target, x->target_n), .flow = who->flow,
		.headers = w.err ? RF_V("") : rf_view_of(headers, w.n),
		.anonymous = call->anonymous && rf_leg_is_a(who), .moves = call->moves,
	};
	int rc = rf_setup_make(call->core, &order, &x->made, &code);

	return rc == 0 ? 0 : code ? code : 500;
}

/* --- accepting */

struct rf_xfer *rf_xfer_accept(struct rf_leg *leg, struct rf_in *in, const struct rf_refer *refer,
			       struct rf_view target, unsigned outcome)
{
	struct rf_call *call = leg->pair->call;
	struct rf_call_core *core = call->core;
	struct rf_view headers = { NULL, 0 };
	struct rf_xfer *x = calloc(1, sizeof *x);
	struct rf_writer w;

	if (!x) {
		rf_xfer_refuse(leg, in, 500, target, "memory");
		return NULL;
	}
	*x = (struct rf_xfer){ .call = call, .by = leg, .event_id = in->msg->cseq, .quiet = refer->quiet,
			       .code = (uint16_t)outcome };
	x->target_n = (uint8_t)(target.n < sizeof x->target ? target.n : sizeof x->target);
	memcpy(x->target, target.p, x->target_n);
	call->xfer = x;
	core->census.transfers++;
	rf_writer_init(&w, core->head, sizeof core->head);
	rf_leg_put_self(leg, &w);
	if (refer->quiet)
		rf_put_lit(&w, "Refer-Sub: false\r\n");
	rf_writer_done(&w, &headers);
	rf_dialog_refresh(leg->dlg, in->msg);
	rf_core_reply_headers(core, in->srv, 202, RF_V(""), headers);
	rf_xfer_notify(x);
	return x;
}

/* A number of the site, dialled by who transfers: the rules that hold for their own calls hold for this one. */
static void blind(struct rf_leg *leg, struct rf_in *in, const struct rf_refer *refer)
{
	struct rf_call_core *core = rf_leg_core(leg);
	struct rf_routed to;

	rf_route_uri(core, leg->party, &refer->to, &to);
	struct rf_view number = rf_view_of(to.dialled, to.dialled_n);

	if (to.code) {
		rf_xfer_refuse(leg, in, to.code, number, to.rule && *to.rule ? to.rule : to.why);
		if (to.rule && core->dial.kind == RF_DIAL_REFUSED)
			rf_record_dial_refused(core, &(struct rf_dial_who){ leg->party->number, leg->party->phone,
									     leg->party->user, NULL }, number);
		rf_plan_free(to.plan);
		return;
	}
	if (core->dial.kind == RF_DIAL_EMERGENCY) {
		rf_xfer_refuse(leg, in, 403, number, "emergency call");
		rf_plan_free(to.plan);
		return;
	}
	if (rf_view_eq(number, rf_leg_other(leg)->party->number)) {
		rf_xfer_refuse(leg, in, 403, number, "transfer to itself");
		rf_plan_free(to.plan);
		return;
	}
	struct rf_xfer *x = rf_xfer_accept(leg, in, refer, number, 100);
	unsigned code = x ? rf_xfer_call(x, to.plan) : 0;

	if (!x)
		rf_plan_free(to.plan);
	if (code)
		rf_xfer_failed(x, code);
}

/* --- parking */

static bool parks(struct rf_leg *leg, const struct rf_refer *refer, struct rf_view *ret_slot)
{
	struct rf_call_core *core = rf_leg_core(leg);
	uint8_t buf[RF_DIAL_TEXT_MAX];
	struct rf_dial *d = &core->dial;
	struct rf_dial_ask ask = {
		.directory = core->directory, .now = rf_core_wall(core),
		.who = { .number = leg->party->number, .phone = leg->party->phone, .user = leg->party->user,
			 .roams = rf_party_roams(leg->party) },
	};

	if (!rf_core_site(core)->tel.parking.last || !rf_identity_our_host(core, &refer->to) ||
	    rf_dial_text(&refer->to, buf, sizeof buf, &ask.dialled))
		return false;
	rf_dial(&ask, d);
	*ret_slot = d->number;
	return d->kind == RF_DIAL_PARKED || (d->kind == RF_DIAL_FEATURE && d->feature == RF_FEATURE_PARK);
}

static void park(struct rf_leg *leg, struct rf_in *in, const struct rf_refer *refer, struct rf_view wanted)
{
	struct rf_view slot;
	const char *why;
	unsigned code = rf_park(leg, wanted, &why, &slot);

	if (code) {
		rf_xfer_refuse(leg, in, code, wanted, why);
		return;
	}
	struct rf_call *exit = leg->pair->call; /* that of who parked, now */

	struct rf_view reason = RF_V("SIP;cause=200;text=\"Call parked\"");

	rf_xfer_accept(leg, in, refer, slot, 200);
	if (exit->xfer)
		exit->xfer->reason = reason;
	rf_end(exit, NULL, RF_ENDED_SYSTEM, 200, "parked", reason);
	rf_call_settle(exit);
}

/* --- for the other machines */

static const char *may_not(struct rf_leg *leg)
{
	struct rf_call_core *core = rf_leg_core(leg);

	if (leg->pair->call->moves >= RF_XFER_CHAIN)
		return "too many transfers";
	if (leg->pair->call->emergency) /* nobody takes a call for help away from who answered it */
		return "emergency call";
	if ((rf_party_is_far(leg->party) && !rf_party_roams(leg->party)) || rf_flow_is_inside(&leg->flow) ||
	    !rf_directory_number(core->directory, leg->party->number))
		return "not a phone of this site";
	return NULL;
}

void rf_xfer_refer(struct rf_leg *leg, struct rf_in *in)
{
	struct rf_call *call = leg->pair->call;
	struct rf_leg *other = rf_move_partner(leg);
	struct rf_refer refer;
	struct rf_view slot;
	unsigned code = rf_refer_parse(in->msg, &refer);
	const char *why = code ? NULL : may_not(leg);

	if (code)
		rf_xfer_refuse(leg, in, code, RF_V(""), "malformed");
	else if (why)
		rf_xfer_refuse(leg, in, 403, refer.to.user, why);
	else if (!other || call->xfer || call->join)
		rf_xfer_refuse(leg, in, 491, refer.to.user, other ? "another transfer runs" : "not answered");
	else if (!other->dlg)
		rf_xfer_refuse(leg, in, 403, refer.to.user, "nobody to transfer");
	else if (refer.has_replaces)
		rf_xfer_attended(leg, in, &refer);
	else if (parks(leg, &refer, &slot))
		park(leg, in, &refer, slot);
	else
		blind(leg, in, &refer);
}

bool rf_xfer_holds(struct rf_call *call, struct rf_leg *gone)
{
	struct rf_xfer *x = call->xfer;

	if (!x || x->by != gone || rf_xfer_final(x))
		return false;
	gone->gone_at = (struct rf_mono){ 0 };
	return true;
}

bool rf_xfer_tells(const struct rf_leg *leg)
{
	const struct rf_xfer *x = leg->pair->call->xfer;

	return x && x->by == leg && x->notify;
}

static void give_up(struct rf_xfer *x)
{
	struct rf_call *made = x->made;

	x->made = NULL;
	if (!made)
		return;
	made->origin_arg = NULL;
	rf_setup_abandon(made, "transfer given up", 487, RF_V("SIP;cause=487;text=\"Transfer given up\""));
	rf_call_settle(made);
}

void rf_xfer_lost(struct rf_call *call)
{
	struct rf_xfer *x = call->xfer;

	if (!x)
		return;
	give_up(x);
	rf_xfer_report(x, 487);
}

void rf_xfer_free(struct rf_call *call)
{
	struct rf_xfer *x = call->xfer;

	if (!x)
		return;
	give_up(x);
	rf_xfer_forget(x);
}
