#include "call/xfer.h"

#include "call/inside.h"
#include "call/join.h"
#include "call/join_sdp.h"
#include "call/move.h"
#include "call/origin.h"
#include "call/park.h"
#include "call/plan.h"
#include "call/route.h"
#include "sip/refer.h"

#include <stdlib.h>

struct rf_xfer {
	struct rf_call *call;     /* the one to transfer */
	struct rf_leg *by;        /* who transfers */
	struct rf_call *made;     /* blind: our call to the target; NULL: none (any more) */
	struct rf_leg *consult;   /* attended: theirs in the other call */
	struct rf_join *join;
	struct rf_cli *notify;    /* on its way, NULL */
	uint32_t event_id;        /* CSeq of the REFER (RFC 3515 2.4.6) */
	uint16_t code, told;      /* what there is to tell; what was told last */
	bool elsewhere;           /* attended: the other call is another worker's */
	bool quiet;               /* no subscription, or none any more */
	uint8_t target[64];       /* number, for the record */
	uint8_t target_n;
};

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

static void refuse(struct rf_leg *leg, struct rf_in *in, unsigned code, struct rf_view target, const char *rule)
{
	struct rf_call_core *core = rf_leg_core(leg);

	core->counters.transfers_refused++;
	record(leg, RF_EVENT_CALL_TRANSFER_REFUSED, target, code, rule, NULL);
	rf_core_reply_headers(core, in->srv, code, RF_V(""), code == 491 ? RF_V("Retry-After: 1\r\n") : RF_V(""));
}

/* --- NOTIFY */

static bool final(const struct rf_xfer *x)
{
	return x->code >= 200;
}

static void forget(struct rf_xfer *x)
{
	rf_cli_drop(x->notify);
	rf_join_drop(x->join);
	x->call->xfer = NULL;
	x->call->core->census.transfers--;
	free(x);
}

static void notify(struct rf_xfer *x);

static void notify_event(void *arg, struct rf_cli *cli, const struct rf_cli_event *e)
{
	struct rf_xfer *x = arg;
	struct rf_call *call = x->call;

	if (e->kind == RF_CLI_RESPONSE && e->msg->status < 200)
		return;
	if (e->kind == RF_CLI_RESPONSE && e->msg->status == 481)
		x->quiet = true; /* it does not want to know (RFC 6665 4.2.2) */
	if (e->kind != RF_CLI_GONE)
		rf_cli_drop(cli);
	x->notify = NULL;
	notify(x);
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
	if (final(x))
		rf_put_lit(&w, "\r\nSubscription-State: terminated;reason=noresource\r\n");
	else
		rf_put_lit(&w, "\r\nSubscription-State: active;expires=600\r\n");
	return rf_leg_send(leg, &w, RF_V("message/sipfrag;version=2.0"), rf_view_of(frag, body.n), notify_event, x,
			   &x->notify);
}

/* Tell what there is to tell, one at a time; at the end, when all is told, there is nothing left. */
static void notify(struct rf_xfer *x)
{
	if (x->notify)
		return;
	if (!x->quiet && x->told != x->code) {
		x->told = x->code;
		if (send_notify(x) == 0)
			return;
		x->quiet = true;
	}
	if (final(x))
		forget(x);
}

/* --- the outcome */

static void report(struct rf_xfer *x, unsigned code)
{
	if (final(x))
		return;
	x->code = (uint16_t)code;
	notify(x);
}

static void failed(struct rf_xfer *x, unsigned code)
{
	struct rf_call *call = x->call;
	bool alone = x->by->bye != RF_BYE_NONE;

	record(x->by, RF_EVENT_CALL_TRANSFER_REFUSED, rf_view_of(x->target, x->target_n), code, "target", NULL);
	call->core->counters.transfers_refused++;
	report(x, code);
	if (alone) /* who transferred has hung up, and nobody else is there */
		rf_end(call, NULL, RF_ENDED_SYSTEM, code, "transfer failed", RF_V("SIP;cause=480;text=\"Transfer failed\""));
	rf_call_settle(call);
}

/* `who` goes to the place of `place`, whose call goes on; the two legs that are left together end. */
static void succeed(struct rf_xfer *x, struct rf_leg *who, struct rf_leg *place)
{
	struct rf_call *call = x->call, *to = place->pair->call;
	struct rf_leg *by = x->by;
	enum rf_ended_by ended = rf_leg_is_a(by) ? RF_ENDED_CALLER : RF_ENDED_CALLEE;

	record(by, RF_EVENT_CALL_TRANSFERRED, rf_view_of(x->target, x->target_n), 0, x->consult ||
	       x->elsewhere ? "attended" : "blind", to);
	call->core->counters.transfers++;
	rf_move(who, place, "transferred");
	by->left = "transferred";
	by->related = to->id;
	by->has_related = true;
	report(x, 200); /* before the BYE */
	rf_end(call, NULL, ended, 200, "transferred", RF_V("SIP;cause=200;text=\"Call transferred\""));
	rf_call_settle(to);
	rf_call_settle(call);
}

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
		report(x, code);
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
	succeed(x, who, pair->a);
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
	failed(x, code);
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

/* Call the target. Not 0: the code why not. */
static unsigned call_target(struct rf_xfer *x, struct rf_plan *plan)
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

static struct rf_xfer *accept(struct rf_leg *leg, struct rf_in *in, const struct rf_refer *refer, struct rf_view target,
			      unsigned outcome)
{
	struct rf_call *call = leg->pair->call;
	struct rf_call_core *core = call->core;
	struct rf_view headers = { NULL, 0 };
	struct rf_xfer *x = calloc(1, sizeof *x);
	struct rf_writer w;

	if (!x) {
		refuse(leg, in, 500, target, "memory");
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
	notify(x);
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
		refuse(leg, in, to.code, number, to.rule && *to.rule ? to.rule : to.why);
		if (to.rule && core->dial.kind == RF_DIAL_REFUSED)
			rf_record_dial_refused(core, &(struct rf_dial_who){ leg->party->number, leg->party->phone,
									     leg->party->user, NULL }, number);
		rf_plan_free(to.plan);
		return;
	}
	if (core->dial.kind == RF_DIAL_EMERGENCY) {
		refuse(leg, in, 403, number, "emergency call");
		rf_plan_free(to.plan);
		return;
	}
	if (rf_view_eq(number, rf_leg_other(leg)->party->number)) {
		refuse(leg, in, 403, number, "transfer to itself");
		rf_plan_free(to.plan);
		return;
	}
	struct rf_xfer *x = accept(leg, in, refer, number, 100);
	unsigned code = x ? call_target(x, to.plan) : 0;

	if (!x)
		rf_plan_free(to.plan);
	if (code)
		failed(x, code);
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
		refuse(leg, in, code, wanted, why);
		return;
	}
	struct rf_call *exit = leg->pair->call; /* that of who parked, now */

	accept(leg, in, refer, slot, 200);
	rf_end(exit, NULL, RF_ENDED_SYSTEM, 200, "parked", RF_V("SIP;cause=200;text=\"Call parked\""));
	rf_call_settle(exit);
}

/* --- attended */

static void both_agreed(void *arg, struct rf_join *join, unsigned code)
{
	struct rf_xfer *x = arg;
	struct rf_leg *mine = x->consult, *other, *who = rf_leg_other(x->by);

	x->join = NULL;
	if (code) {
		failed(x, code);
		return;
	}
	other = rf_leg_other(mine);
	rf_join_media(join, &other->pair->media);
	succeed(x, who, mine);
}

/* What of the two is asked for its offer: who has more media, so that the other's session does not shrink (RFC 3264 8).
 * */
static int begin_join(struct rf_xfer *x)
{
	struct rf_leg *who = rf_leg_other(x->by), *other = rf_leg_other(x->consult);
	bool more = rf_join_sdp_lines(rf_view_of(who->sdp, who->sdp_n)) >
		    rf_join_sdp_lines(rf_view_of(other->sdp, other->sdp_n));
	struct rf_join_order order = {
		.from = RF_JOIN_ASK, .src = more ? who : other, .dst = more ? other : who, .done = both_agreed, .arg = x,
	};

	return rf_join_start(&order, &x->join);
}

/* The call that Replaces names rings: it is called anew for who is transferred, and who transfers is out of it. */
static void attended_early(struct rf_leg *leg, struct rf_in *in, const struct rf_refer *refer, struct rf_leg *mine)
{
	struct rf_call *ringing_call = mine->pair->call;
	struct rf_call_core *core = ringing_call->core;
	struct rf_view number = rf_view_of(ringing_call->dialled, ringing_call->dialled_n);
	struct rf_routed to;

	rf_route_number(core, leg->party, number, &to);
	if (to.code) {
		refuse(leg, in, to.code, number, to.rule && *to.rule ? to.rule : to.why);
		rf_plan_free(to.plan);
		return;
	}
	struct rf_xfer *x = accept(leg, in, refer, number, 100);

	if (!x) {
		rf_plan_free(to.plan);
		return;
	}
	rf_setup_abandon(ringing_call, "transferred", 487, RF_V("SIP;cause=487;text=\"Call transferred\""));
	rf_call_settle(ringing_call);
	unsigned code = call_target(x, to.plan);

	if (code)
		failed(x, code);
}

/* The other call is another worker's: a call of ours leads there, and takes the place of theirs. */
static void attended_elsewhere(struct rf_leg *leg, struct rf_in *in, const struct rf_refer *refer, int worker)
{
	struct rf_inside_order order = {
		.what = RF_INSIDE_REPLACE, .by = leg->party, .as = rf_leg_other(leg)->party, .number = refer->to.user,
		.replaces = &refer->replaces, .worker = worker,
	};
	struct rf_plan *plan;

	if (rf_inside_plan(rf_leg_core(leg), &order, &plan)) {
		refuse(leg, in, 500, refer->to.user, "memory");
		return;
	}
	struct rf_xfer *x = accept(leg, in, refer, refer->to.user, 100);

	if (!x) {
		rf_plan_free(plan);
		return;
	}
	x->elsewhere = true;
	unsigned code = call_target(x, plan);

	if (code)
		failed(x, code);
}

/* Why the call that Replaces names cannot be given; NULL: it can. */
static const char *not_theirs(struct rf_leg *leg, struct rf_leg *mine)
{
	if (!rf_view_eq(mine->party->number, leg->party->number))
		return "not their call";
	if (mine->pair == leg->pair)
		return "transfer to itself";
	if (mine->pair->call->emergency)
		return "emergency call";
	if (mine->pair->call->moves >= RF_XFER_CHAIN)
		return "too many transfers";
	return NULL;
}

static void attended(struct rf_leg *leg, struct rf_in *in, const struct rf_refer *refer)
{
	struct rf_leg *mine = rf_leg_replaced(rf_leg_core(leg), &refer->replaces);
	int worker = mine ? -1 : rf_inside_owner(rf_leg_core(leg), refer->replaces.to_tag);
	const char *why = mine ? not_theirs(leg, mine) : NULL;
	struct rf_leg *other = mine ? rf_move_partner(mine) : NULL;
	struct rf_xfer *x;

	if (why) {
		rf_leg_core(leg)->counters.hijacks_refused += mine->pair != leg->pair;
		refuse(leg, in, 403, refer->to.user, why);
		return;
	}
	if (worker >= 0) {
		attended_elsewhere(leg, in, refer, worker);
		return;
	}
	if (mine && mine->pair->call->state < RF_CALL_ANSWERED && rf_leg_is_a(mine)) {
		attended_early(leg, in, refer, mine);
		return;
	}
	if (mine && (mine->pair->call->join || mine->pair->call->xfer)) {
		refuse(leg, in, 491, refer->to.user, "another transfer runs");
		return;
	}
	x = accept(leg, in, refer, other ? other->party->number : refer->to.user, 100);
	if (!x)
		return;
	if (!other || !other->dlg || refer->replaces.early_only) {
		failed(x, other && refer->replaces.early_only ? 486 : 481);
		return;
	}
	x->consult = mine;
	int rc = begin_join(x);

	if (rc)
		failed(x, rc > 0 ? (unsigned)rc : 500);
}

/* --- for the other machines */

static const char *may_not(struct rf_leg *leg)
{
	struct rf_call_core *core = rf_leg_core(leg);

	if (leg->pair->call->moves >= RF_XFER_CHAIN)
		return "too many transfers";
	if (leg->pair->call->emergency) /* nobody takes a call for help away from who answered it */
		return "emergency call";
	if ((rf_party_is_far(leg->party) && !rf_party_roams(leg->party)) || rf_flow_is_inside(&leg->flow) || !rf_directory_number(core->directory, leg->party->number))
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
		refuse(leg, in, code, RF_V(""), "malformed");
	else if (why)
		refuse(leg, in, 403, refer.to.user, why);
	else if (!other || call->xfer || call->join)
		refuse(leg, in, 491, refer.to.user, other ? "another transfer runs" : "not answered");
	else if (!other->dlg)
		refuse(leg, in, 403, refer.to.user, "nobody to transfer");
	else if (refer.has_replaces)
		attended(leg, in, &refer);
	else if (parks(leg, &refer, &slot))
		park(leg, in, &refer, slot);
	else
		blind(leg, in, &refer);
}

bool rf_xfer_holds(struct rf_call *call, struct rf_leg *gone)
{
	struct rf_xfer *x = call->xfer;

	if (!x || x->by != gone || final(x))
		return false;
	gone->gone_at = (struct rf_mono){ 0 };
	return true;
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
	report(x, 487);
}

void rf_xfer_free(struct rf_call *call)
{
	struct rf_xfer *x = call->xfer;

	if (!x)
		return;
	give_up(x);
	forget(x);
}
