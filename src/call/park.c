#include "call/park.h"

#include "call/guest.h"
#include "call/inside.h"
#include "call/join.h"
#include "call/join_sdp.h"
#include "call/lamps.h"
#include "call/move.h"

#include <stdio.h>
#include <stdlib.h>

enum { HOLD_TRIES = 40, HOLD_AGAIN_MS = 100 };

struct rf_parked {
	struct rf_call *call;      /* of who is parked */
	struct rf_party *by;       /* a reference */
	struct rf_call *made;      /* ours to who parked: they come back; NULL */
	struct rf_join *join;
	struct rf_cli *hold;       /* our re-INVITE that lets nothing flow, NULL */
	struct rf_timer timer, hold_timer;
	unsigned slot;
	uint8_t hold_tries;
	uint8_t returns;
	uint8_t number_n;
	uint8_t number[16];
};

static struct rf_view number_of(const struct rf_parked *p)
{
	return rf_view_of(p->number, p->number_n);
}

static struct rf_leg *place_of(const struct rf_call *call)
{
	return call->up->a->dlg ? call->up->b : call->up->a;
}

static struct rf_leg *who_of(const struct rf_call *call)
{
	return rf_leg_other(place_of(call));
}

/* --- the lamp and the record */

static void lamp(const struct rf_parked *p, uint8_t state)
{
	struct rf_call_core *core = p->call->core;
	struct rf_board_dialog d = { .id = p->call->id, .state = state };

	if (!rf_board_watched(core->board, number_of(p)))
		return;
	if (state != RF_LINE_TERMINATED) {
		d.call_id = d.local_tag = d.remote_tag = rf_id_view(&p->call->id);
		d.remote_number = who_of(p->call)->party->number;
		d.remote_display = who_of(p->call)->party->display;
	}
	rf_lamps_tell(core, number_of(p), rf_board_dialog(core->board, number_of(p), &d));
}

void rf_park_show(const struct rf_call *call)
{
	if (call->parked && call->up)
		lamp(call->parked, RF_LINE_CONFIRMED);
}

static void record(const struct rf_parked *p, enum rf_event_kind kind, const char *rule)
{
	struct rf_call_core *core = p->call->core;
	struct rf_event e;

	rf_event_init(&e, kind, rf_core_wall(core));
	rf_event_str(&e, "session", rf_id_view(&p->call->id));
	rf_event_str(&e, "by", p->by->number);
	rf_event_str(&e, "phone", p->by->phone);
	rf_event_str(&e, "user", p->by->user);
	rf_event_str(&e, "who", who_of(p->call)->party->number);
	rf_event_str(&e, "slot", number_of(p));
	rf_event_cstr(&e, "rule", rule);
	rf_record_post(core, &e);
}

void rf_park_over(struct rf_call *call)
{
	struct rf_parked *p = call->parked;
	struct rf_call *made;

	if (!p)
		return;
	call->parked = NULL;
	rf_timer_stop(rf_loop_wheel(call->core->loop), &p->timer);
	rf_timer_stop(rf_loop_wheel(call->core->loop), &p->hold_timer);
	lamp(p, RF_LINE_TERMINATED);
	rf_slots_give(rf_call_shared_slots(call->core->shared), p->slot);
	rf_cli_drop(p->hold);
	rf_join_drop(p->join);
	made = p->made;
	if (made) {
		made->origin_arg = NULL;
		rf_setup_abandon(made, "retrieved", 487, RF_V("SIP;cause=200;text=\"Call completed elsewhere\""));
		rf_call_settle(made);
	}
	call->core->census.parked--;
	rf_party_put(p->by);
	free(p);
}

/* --- they hear nothing */

static void hold_event(void *arg, struct rf_cli *cli, const struct rf_cli_event *e)
{
	struct rf_parked *p = arg;
	struct rf_leg *who = who_of(p->call);
	enum rf_offer_role role;
	struct rf_view sdp;
	unsigned code;

	if (p->hold != cli || (e->kind == RF_CLI_RESPONSE && e->msg->status < 200))
		return;
	if (e->kind == RF_CLI_RESPONSE && e->msg->status < 300) {
		if (rf_sdp_of(e->msg, &sdp))
			sdp = RF_V("");
		rf_dialog_response(who->dlg, e->msg);
		rf_offer_got(&who->offer, RF_OFFER_INVITE_2XX, sdp.n > 0, &role, &code);
		rf_leg_timer_2xx(who, e->msg);
		rf_leg_ack(who, cli, RF_V(""));
	} else {
		rf_leg_unsent(who, RF_SIP_INVITE); /* it goes on as it was */
	}
	bool vanished = e->kind == RF_CLI_TIMEOUT || (e->kind == RF_CLI_RESPONSE && e->msg->status == 481);
	struct rf_call *call = p->call;

	if (e->kind != RF_CLI_GONE)
		rf_cli_drop(cli);
	p->hold = NULL;
	if (vanished) {
		rf_dialog_end(who->dlg);
		who->bye = RF_BYE_DONE;
		call->core->counters.peers_dead++;
		rf_end(call, who, RF_ENDED_SYSTEM, 408, "phone vanished", RF_V(""));
	}
	rf_call_settle(call);
}

/* Something of its own is under way; it is tried again. */
static bool busy(const struct rf_leg *who)
{
	enum rf_offer_role role;

	return who->own || who->ack_due || rf_offer_can_send(&who->offer, RF_OFFER_INVITE, &role);
}

static void hold(struct rf_parked *p)
{
	struct rf_leg *who = who_of(p->call);
	struct rf_view sdp = rf_join_sdp_hold(p->call->core, rf_view_of(who->sdp, who->sdp_n));
	struct rf_writer w;

	if (busy(who) && ++p->hold_tries < HOLD_TRIES) {
		rf_timer_start(rf_loop_wheel(p->call->core->loop), &p->hold_timer, HOLD_AGAIN_MS);
		return;
	}
	if (!sdp.n || p->call->join || busy(who) || rf_leg_begin(who, RF_SIP_INVITE, &w))
		return;
	rf_leg_put_timer(who, &w);
	if (rf_offer_sent(&who->offer, RF_OFFER_INVITE, true))
		return;
	if (rf_leg_send(who, &w, RF_V("application/sdp"), sdp, hold_event, p, &p->hold))
		rf_leg_unsent(who, RF_SIP_INVITE);
	else
		rf_leg_keep_sdp(who, sdp);
}

static void on_hold_timer(struct rf_timer *t)
{
	hold(rf_container(t, struct rf_parked, hold_timer));
}

/* --- they come back */

static void wait_s(struct rf_parked *p, uint32_t s)
{
	rf_timer_start(rf_loop_wheel(p->call->core->loop), &p->timer, (uint64_t)s * 1000);
}

static void nobody_home(struct rf_parked *p)
{
	struct rf_call *call = p->call;

	p->made = NULL;
	if (++p->returns < RF_PARK_RETURNS) {
		wait_s(p, RF_PARK_AGAIN_S);
		return;
	}
	rf_end(call, NULL, RF_ENDED_SYSTEM, 480, "parked too long", RF_V("SIP;cause=480;text=\"Parked too long\""));
	rf_call_settle(call);
}

static bool waits(const struct rf_call *made)
{
	return made->origin_arg != NULL;
}

static void refused(struct rf_call *made, unsigned code, struct rf_view headers)
{
	struct rf_parked *p = made->origin_arg;

	(void)code;
	(void)headers;
	made->origin_arg = NULL;
	if (p)
		nobody_home(p);
}

static void joined(void *arg, struct rf_join *join, unsigned code)
{
	struct rf_parked *p = arg;
	struct rf_call *call = p->call, *made = p->made;
	struct rf_pair *pair = rf_join_src(join)->pair;

	p->join = NULL;
	if (!made)
		return;
	if (code) {
		rf_setup_kill_pair(pair, code, RF_SDP_RULE_OK);
		rf_call_settle(made);
		return;
	}
	struct rf_leg *who = who_of(call);

	made->origin_arg = NULL;
	p->made = NULL;
	record(p, RF_EVENT_CALL_RETRIEVED, "returned");
	rf_park_over(call);
	rf_join_media(join, &pair->media);
	pair->offer_in_2xx = false;
	rf_setup_taken(pair);
	rf_move(who, pair->a, "retrieved");
	rf_end(call, NULL, RF_ENDED_SYSTEM, 200, "retrieved", RF_V(""));
	rf_call_settle(made);
	rf_call_settle(call);
}

static void answered(struct rf_pair *pair)
{
	struct rf_parked *p = pair->call->origin_arg;
	struct rf_join_order order = { .from = RF_JOIN_HELD, .src = pair->b, .done = joined, .arg = p };
	int rc = RF_E_BUSY;

	if (p && !p->join) {
		order.dst = who_of(p->call);
		rc = rf_join_start(&order, &p->join);
	}
	if (rc)
		rf_setup_kill_pair(pair, 487, RF_SDP_RULE_OK);
}

static const struct rf_origin return_origin = { .waits = waits, .answered = answered, .refused = refused };

static void on_timer(struct rf_timer *t)
{
	struct rf_parked *p = rf_container(t, struct rf_parked, timer);
	struct rf_call *call = p->call;
	struct rf_call_core *core = call->core;
	struct rf_plan *plan = NULL;
	unsigned code;

	if (p->returns == UINT8_MAX) { /* nobody is called: their time is over */
		p->returns = RF_PARK_RETURNS;
		nobody_home(p);
		return;
	}
	struct rf_setup_order order = {
		.caller = p->by, .shown = who_of(call)->party, .origin = &return_origin, .arg = p,
		.dialled = p->by->number, .flow = who_of(call)->flow, .moves = call->moves,
	};
	int rc = rf_plan_new(core, p->by, &plan);

	if (!rc)
		rc = rf_plan_number(plan, p->by->number, 0);
	order.plan = plan;
	if (rc)
		rf_plan_free(plan);
	if (rc || rf_setup_make(core, &order, &p->made, &code))
		nobody_home(p);
}

/* --- parking */

/* Counted from the first slot; RF_SITE_PARK_MAX: it is none of ours. */
static unsigned index_of(const struct rf_site_parking *parking, struct rf_view slot)
{
	uint32_t n;

	if (!parking->last || slot.n != parking->digits || !rf_view_u32(slot, &n) || n < parking->first ||
	    n > parking->last)
		return RF_SITE_PARK_MAX;
	return n - parking->first;
}

bool rf_park_is_slot(const struct rf_call_core *core, struct rf_view number)
{
	return index_of(&rf_core_site(core)->tel.parking, number) < RF_SITE_PARK_MAX;
}

static int take_slot(struct rf_parked *p, const struct rf_site_parking *parking, struct rf_view slot)
{
	struct rf_call_core *core = p->call->core;
	unsigned wanted = slot.n ? index_of(parking, slot) : RF_SITE_PARK_MAX;

	if (!parking->last || (slot.n && wanted == RF_SITE_PARK_MAX))
		return RF_E_NOT_FOUND;
	int rc = rf_slots_take(rf_call_shared_slots(core->shared), wanted, parking->last - parking->first + 1,
			       core->worker, &p->slot);

	if (rc)
		return rc;
	int n = snprintf((char *)p->number, sizeof p->number, "%0*u", (int)parking->digits, parking->first + p->slot);

	p->number_n = (uint8_t)(n > 0 && (size_t)n < sizeof p->number ? n : 0);
	return 0;
}

/* A call in which nobody is, for the leg that leaves: it ends there. */
static int make_exit(struct rf_leg *leg, struct rf_pair **ret_pair)
{
	struct rf_call_core *core = rf_leg_core(leg);
	struct rf_call *exit;
	int rc = rf_call_new(core, false, &exit);

	if (rc)
		return rc;
	exit->recorded = true;
	exit->caller = rf_party_get(leg->party);
	exit->state = RF_CALL_ANSWERED;
	exit->up = rf_pair_new(exit, leg->party);
	if (!exit->up) {
		rf_call_finish(exit);
		return -ENOMEM;
	}
	exit->up->state = RF_PAIR_UP;
	exit->up->a->recorded = exit->up->b->recorded = true;
	*ret_pair = exit->up;
	return 0;
}

static unsigned code_of(int rc, const char **ret_why)
{
	*ret_why = rc == RF_E_NOT_FOUND ? "no such slot" : rc == RF_E_BUSY ? "slot is taken" :
		   rc == RF_E_LIMIT	? "no slot is free" : "memory";
	return rc == RF_E_NOT_FOUND ? 404 : rc == RF_E_BUSY ? 486 : rc == RF_E_LIMIT ? 480 : 500;
}

unsigned rf_park(struct rf_leg *leg, struct rf_view slot, const char **ret_why, struct rf_view *ret_slot)
{
	struct rf_call *call = leg->pair->call;
	struct rf_call_core *core = call->core;
	const struct rf_site_parking *parking = &rf_core_site(core)->tel.parking;
	struct rf_parked *p = calloc(1, sizeof *p);
	struct rf_pair *exit;
	int rc = -ENOMEM;

	if (rf_mid_open(leg->pair)) {
		free(p);
		*ret_why = "requests under way";
		return 491;
	}
	if (p) {
		p->call = call;
		rc = take_slot(p, parking, slot);
	}
	if (!rc && (rc = make_exit(leg, &exit)))
		rf_slots_give(rf_call_shared_slots(core->shared), p->slot);
	if (rc) {
		free(p);
		return code_of(rc, ret_why);
	}
	p->by = rf_party_get(leg->party);
	rf_timer_init(&p->timer, on_timer);
	rf_timer_init(&p->hold_timer, on_hold_timer);
	call->parked = p;
	core->census.parked++;
	rf_move(leg, exit->a, "parked");
	leg->recorded = true;
	record(p, RF_EVENT_CALL_PARKED, "refer");
	lamp(p, RF_LINE_CONFIRMED);
	hold(p);
	p->returns = parking->return_s ? 0 : UINT8_MAX;
	wait_s(p, parking->return_s ? parking->return_s : RF_PARK_HOURS * 3600);
	*ret_slot = number_of(p);
	return 0;
}

void rf_park_retrieve(struct rf_call_core *core, struct rf_in *in, struct rf_view slot)
{
	unsigned index = index_of(&rf_core_site(core)->tel.parking, slot);
	int worker = rf_slots_worker(rf_call_shared_slots(core->shared), index);
	struct rf_call *call;

	if (worker >= 0 && (unsigned)worker == core->worker)
		TAILQ_FOREACH(call, &core->calls, list)
			if (call->parked && call->parked->slot == index && call->state == RF_CALL_ANSWERED) {
				rf_guest_take(core, in, place_of(call), "retrieved", RF_EVENT_CALL_RETRIEVED);
				return;
			}
	if (worker >= 0 && (unsigned)worker != core->worker && (size_t)worker < core->peer_count &&
	    !rf_flow_is_inside(&in->from->flow)) {
		struct rf_inside_order elsewhere = { .what = RF_INSIDE_RETRIEVE, .number = slot, .worker = worker };

		rf_inside_invite(core, in, &elsewhere);
		return;
	}
	rf_guest_refuse(core, in, 404, "nobody is parked there");
}
