#include "call/guest.h"

#include "call/inside.h"
#include "call/join.h"
#include "call/join_sdp.h"
#include "call/move.h"
#include "call/park.h"
#include "call/pickup.h"

#include <stdlib.h>

struct guest {
	struct rf_call *call;       /* its own, for the time being */
	struct rf_leg *leg;
	struct rf_leg *place;       /* that it takes; NULL: it picks up */
	struct rf_call *ringing;    /* that it picks up */
	struct rf_join *join;
	const char *how;
	enum rf_event_kind kind;
};

void rf_guest_refuse(struct rf_call_core *core, struct rf_in *in, unsigned code, const char *why)
{
	core->counters.calls_refused++;
	rf_record_call_refused(core, in, code, why, NULL);
	rf_core_reply_headers(core, in->srv, code, RF_V(""), code == 503 ? RF_V("Retry-After: 5\r\n") : RF_V(""));
}

/* --- its call */

static bool waits(const struct rf_call *call)
{
	(void)call;
	return false;
}

static void answered(struct rf_pair *pair)
{
	(void)pair;
}

static void refused(struct rf_call *call, unsigned code, struct rf_view headers)
{
	struct guest *g = call->origin_arg;
	struct rf_srv *srv = g->leg->srv;

	if (srv && !rf_srv_answered(srv))
		rf_answer(call->core, srv, code, RF_V(""), rf_dialog_local_tag(g->leg->dlg), headers, RF_V(""));
}

static void gone(struct rf_call *call)
{
	struct guest *g = call->origin_arg;

	call->origin_arg = NULL;
	rf_join_drop(g->join);
	free(g);
}

static const struct rf_origin guest_origin = {
	.waits = waits, .answered = answered, .refused = refused, .gone = gone,
};

/* The leg, wherever it is by now. */
static void srv_event(void *arg, struct rf_srv *srv, enum rf_srv_event event)
{
	struct rf_leg *leg = arg;
	struct rf_call *call = leg->pair->call;

	(void)srv;
	switch (event) {
	case RF_SRV_CANCELLED:
		rf_setup_abandon(call, "cancelled", 487, RF_V(""));
		break;
	case RF_SRV_NO_ACK:
		call->core->counters.acks_missing++;
		leg->ack_due = false;
		rf_end(call, NULL, RF_ENDED_SYSTEM, 408, "no ACK", RF_V("SIP;cause=408;text=\"ACK timeout\""));
		break;
	case RF_SRV_GONE:
		leg->srv = NULL;
		break;
	default:
		break;
	}
	rf_call_settle(call);
}

static int fill(struct guest *g, struct rf_in *in, struct rf_party *party, bool has_sdp)
{
	struct rf_call *call = g->call;

	call->caller = rf_party_get(party);
	call->caller_flow = in->from->flow;
	rf_link_init(&call->caller_link, in->from);
	struct rf_pair *pair = rf_pair_new(call, party);

	if (!pair)
		return -ENOMEM;
	pair->state = RF_PAIR_UP; /* there is nobody to be called */
	pair->a->recorded = pair->b->recorded = true;
	g->leg = pair->a;
	int rc = rf_invite_open_a(pair, in->msg, has_sdp);

	if (rc)
		return rc;
	g->leg->srv = in->srv;
	rf_srv_watch(in->srv, srv_event, g->leg);
	return 0;
}

/* NULL: refused. */
static struct guest *guest_new(struct rf_call_core *core, struct rf_in *in, bool has_sdp)
{
	struct rf_stimer_answer timer;
	struct rf_party *party;
	struct guest *g;

	if (rf_setup_timer_refused(core, in, &timer))
		return NULL;
	g = calloc(1, sizeof *g);
	if (g && in->as)
		party = rf_party_get(in->as);
	else
		party = g ? rf_party_of(core, &in->proof) : NULL;
	int rc = party ? rf_call_new(core, false, &g->call) : -ENOMEM;

	if (rc) {
		rf_party_put(party);
		free(g);
		rf_guest_refuse(core, in, 503, rc == RF_E_LIMIT ? "too many calls" : "memory");
		return NULL;
	}
	g->call->timer_answer = timer;
	g->call->recorded = true; /* what becomes of it is in the record of the call that it comes to */
	g->call->origin = &guest_origin;
	g->call->origin_arg = g;
	rc = fill(g, in, party, has_sdp);
	rf_party_put(party);
	if (rc == 0)
		return g;
	rf_guest_refuse(core, in, 500, "memory");
	rf_call_finish(g->call);
	return NULL;
}

static void give_up(struct guest *g, unsigned code)
{
	struct rf_call *call = g->call;

	rf_setup_abandon(call, "not joined", code, RF_V(""));
	rf_end(call, NULL, RF_ENDED_SYSTEM, code, "not joined", RF_V("SIP;cause=488;text=\"Not joined\""));
	rf_call_settle(call);
}

/* Its leg has gone to another call: what came in its place ends. */
static void leave(struct guest *g)
{
	struct rf_call *call = g->call;

	call->state = RF_CALL_ANSWERED;
	call->up = TAILQ_FIRST(&call->pairs);
	rf_end(call, NULL, RF_ENDED_SYSTEM, 200, g->how, RF_V("SIP;cause=200;text=\"Call completed elsewhere\""));
	rf_call_settle(call);
}

static void record(const struct guest *g, struct rf_call *to, const struct rf_leg *who)
{
	struct rf_call_core *core = to->core;
	struct rf_event e;

	rf_event_init(&e, g->kind, rf_core_wall(core));
	rf_event_str(&e, "session", rf_id_view(&to->id));
	rf_event_str(&e, "by", g->leg->party->number);
	rf_event_str(&e, "phone", g->leg->party->phone);
	rf_event_str(&e, "user", g->leg->party->user);
	rf_event_str(&e, "who", who->party->number);
	rf_event_cstr(&e, "rule", g->how);
	rf_record_post(core, &e);
}

/* --- taking a place */

static void taken(void *arg, struct rf_join *join, unsigned code)
{
	struct guest *g = arg;
	struct rf_leg *place = g->place;
	struct rf_call *to = place->pair->call;

	g->join = NULL;
	if (code) {
		give_up(g, code == 487 ? 481 : code);
		return;
	}
	rf_join_media(join, &place->pair->media);
	record(g, to, rf_leg_other(place));
	rf_park_over(to);
	rf_move(g->leg, place, g->how);
	leave(g);
	rf_call_settle(to);
}

void rf_guest_take(struct rf_call_core *core, struct rf_in *in, struct rf_leg *place, const char *how,
		   enum rf_event_kind kind)
{
	struct rf_leg *other = rf_leg_other(place);
	struct rf_view sdp;
	unsigned code = rf_sdp_of(in->msg, &sdp);

	if (code || place->pair->call->join || place->pair->call->xfer) {
		rf_guest_refuse(core, in, code ? code : 491, code ? "body" : "another transfer runs");
		return;
	}
	struct guest *g = guest_new(core, in, sdp.n > 0);

	if (!g)
		return;
	g->place = place;
	g->how = how;
	g->kind = kind;
	struct rf_join_order order = {
		.from = sdp.n ? RF_JOIN_INVITE : RF_JOIN_ASK, .src = sdp.n ? g->leg : other,
		.dst = sdp.n ? other : g->leg, .dst_calls = sdp.n == 0, .offer = sdp, .done = taken, .arg = g,
	};
	int rc = rf_join_start(&order, &g->join);

	if (rc)
		give_up(g, rc > 0 ? (unsigned)rc : 500);
}

/* --- picking up */

static void picked_up(void *arg, struct rf_join *join, unsigned code)
{
	struct guest *g = arg;
	struct rf_call *ringing = g->ringing;
	const struct rf_sip_msg *msg;
	struct rf_view sdp;

	g->join = NULL;
	struct rf_pair *pair = code ? NULL : rf_pair_new(ringing, g->leg->party);

	if (!pair) {
		give_up(g, code ? code : 500);
		return;
	}
	pair->b->recorded = true;
	pair->step = ringing->step;
	if (rf_setup_offer(ringing, &msg, &sdp) || rf_invite_open_a(pair, msg, sdp.n > 0) ||
	    rf_leg_keep_sdp(pair->a, rf_join_answer(join))) {
		rf_setup_pair_failed(pair, 500);
		give_up(g, 500);
		return;
	}
	rf_join_media(join, &pair->media);
	record(g, ringing, pair->a);
	rf_move(g->leg, pair->b, g->how);
	pair->state = RF_PAIR_HELD;
	leave(g);
	rf_setup_answer(pair);
	rf_call_settle(ringing);
}

/* Its INVITE is answered with its own offer switched to inactive. Not 0: why it cannot be. */
static unsigned answer_inactive(struct guest *g, struct rf_view sdp)
{
	struct rf_media none = { NULL, NULL };
	bool secure = rf_leg_secure(g->leg);
	struct rf_view out;
	enum rf_sdp_rule rule = rf_media_offer(g->call->core, &none, secure, secure, sdp, &out);

	rf_media_fini(&none);
	if (rule != RF_SDP_RULE_OK) {
		rf_record_media(g->call, rule, g->leg);
		return rf_sdp_rule_status(rule);
	}
	out = rf_join_sdp_inactive(g->call->core, out);
	if (!out.n || !rf_join_answer_invite(g->leg, out))
		return 500;
	g->call->state = RF_CALL_ANSWERED;
	g->call->up = TAILQ_FIRST(&g->call->pairs);
	return 0;
}

void rf_guest_pickup(struct rf_call_core *core, struct rf_in *in, struct rf_call *ringing)
{
	const struct rf_sip_msg *msg;
	struct rf_view sdp, offer;
	unsigned code = rf_sdp_of(in->msg, &sdp);

	/* who was called by a transfer, or without an offer, has nothing that could be offered yet */
	if (code || ringing->join || ringing->state >= RF_CALL_ANSWERED || rf_setup_offer(ringing, &msg, &offer) ||
	    !msg || !offer.n || TAILQ_EMPTY(&ringing->pairs)) {
		rf_guest_refuse(core, in, code ? code : 480, code ? "body" : "cannot be picked up");
		return;
	}
	struct guest *g = guest_new(core, in, sdp.n > 0);

	if (!g)
		return;
	g->ringing = ringing;
	g->how = "picked-up";
	g->kind = RF_EVENT_CALL_PICKED_UP;
	code = sdp.n ? answer_inactive(g, sdp) : 0;
	struct rf_join_order order = {
		.from = RF_JOIN_GIVEN, .src = TAILQ_FIRST(&ringing->pairs)->a, .dst = g->leg, .dst_calls = sdp.n == 0,
		.offer = offer, .done = picked_up, .arg = g,
	};
	int rc = code ? (int)code : rf_join_start(&order, &g->join);

	if (rc)
		give_up(g, rc > 0 ? (unsigned)rc : 500);
}

/* --- Replaces */

static bool may_take(const struct rf_in *in, const struct rf_leg *leg)
{
	return !in->proof.trunk && rf_proof_number(&in->proof).n > 0 &&
	       rf_view_eq(rf_proof_number(&in->proof), leg->party->number);
}

static void replace(struct rf_call_core *core, struct rf_in *in, const struct rf_replaces *r)
{
	struct rf_leg *leg = rf_leg_replaced(core, r);
	bool rings = leg && leg->pair->call->state < RF_CALL_ANSWERED;

	struct rf_inside_order elsewhere = {
		.what = RF_INSIDE_REPLACE, .replaces = r, .number = in->msg->uri.user,
		.worker = leg ? -1 : rf_inside_owner(core, r->to_tag),
	};

	if (elsewhere.worker >= 0 && !in->proof.trunk && !rf_flow_is_inside(&in->from->flow)) {
		rf_inside_invite(core, in, &elsewhere);
		return;
	}
	if (!leg) {
		rf_guest_refuse(core, in, 481, "replaced dialog unknown");
		return;
	}
	if (!may_take(in, leg) && !(rings && !in->proof.trunk && rf_pickup_may(core, in, leg))) {
		core->counters.hijacks_refused++;
		rf_guest_refuse(core, in, 403, "replaced dialog of somebody else");
		return;
	}
	unsigned code = leg->pair->call->emergency ? 403 : rf_replaces_verdict(r, leg->dlg);

	if (code == 0 && !rings && !rf_move_partner(leg))
		code = 603; /* its call ends */
	if (code == 0 && !rings && !rf_move_partner(leg)->dlg)
		code = 481;
	if (code)
		rf_guest_refuse(core, in, code, "replaced dialog");
	else if (rings)
		rf_guest_pickup(core, in, leg->pair->call);
	else
		rf_guest_take(core, in, leg, "replaced", RF_EVENT_CALL_TRANSFERRED);
}

bool rf_guest_replaces(struct rf_call_core *core, struct rf_in *in)
{
	const struct rf_sip_hdr *h = rf_sip_msg_hdr(in->msg, RF_SIP_H_REPLACES);
	struct rf_replaces r;

	if (!h)
		return false;
	if (core->draining)
		rf_guest_refuse(core, in, 503, "shutting down");
	else if (rf_replaces_parse(h->value, &r))
		rf_guest_refuse(core, in, 400, "Replaces malformed");
	else if (!rf_dialog_has_contact(in->msg, rf_flow_is_secure(in->from->flow.kind)))
		rf_guest_refuse(core, in, 400, "no usable Contact");
	else
		replace(core, in, &r);
	return true;
}
