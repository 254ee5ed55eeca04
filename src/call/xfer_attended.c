/* Attended: the REFER names another call of theirs (RFC 3891), which is answered, rings, or is another worker's. */
#include "call/xfer_int.h"

#include "call/inside.h"
#include "call/join.h"
#include "call/join_sdp.h"
#include "call/move.h"
#include "call/origin.h"
#include "call/route.h"

static void both_agreed(void *arg, struct rf_join *join, unsigned code)
{
	struct rf_xfer *x = arg;
	struct rf_leg *mine = x->consult, *other, *who = rf_leg_other(x->by);

	x->join = NULL;
	if (code) {
		rf_xfer_failed(x, code);
		return;
	}
	other = rf_leg_other(mine);
	rf_join_media(join, &other->pair->media);
	rf_xfer_succeed(x, who, mine);
}

/* What of the two is asked for its offer: who has more media, so that the other's session does not shrink (RFC 3264 8).
 * */
static int begin_join(struct rf_xfer *x)
{
	struct rf_leg *who = rf_leg_other(x->by), *other = rf_leg_other(x->consult);
	bool more = rf_join_sdp_lines(rf_view_of(who->sdp, who->sdp_n)) >
		    rf_join_sdp_lines(rf_view_of(other->sdp, other->sdp_n));
	struct rf_join_order order = {
		.from = RF_JOIN_ASK, .src = more ? who : other, .dst = more ? other : who, .done = both_agreed,
		.arg = x,
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
		rf_xfer_refuse(leg, in, to.code, number, to.rule && *to.rule ? to.rule : to.why);
		rf_plan_free(to.plan);
		return;
	}
	struct rf_xfer *x = rf_xfer_accept(leg, in, refer, number, 100);

	if (!x) {
		rf_plan_free(to.plan);
		return;
	}
	rf_setup_abandon(ringing_call, "transferred", 487, RF_V("SIP;cause=487;text=\"Call transferred\""));
	rf_call_settle(ringing_call);
	unsigned code = rf_xfer_call(x, to.plan);

	if (code)
		rf_xfer_failed(x, code);
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
		rf_xfer_refuse(leg, in, 500, refer->to.user, "memory");
		return;
	}
	struct rf_xfer *x = rf_xfer_accept(leg, in, refer, refer->to.user, 100);

	if (!x) {
		rf_plan_free(plan);
		return;
	}
	x->elsewhere = true;
	unsigned code = rf_xfer_call(x, plan);

	if (code)
		rf_xfer_failed(x, code);
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

void rf_xfer_attended(struct rf_leg *leg, struct rf_in *in, const struct rf_refer *refer)
{
	struct rf_leg *mine = rf_leg_replaced(rf_leg_core(leg), &refer->replaces);
	int worker = mine ? -1 : rf_inside_owner(rf_leg_core(leg), refer->replaces.to_tag);
	const char *why = mine ? not_theirs(leg, mine) : NULL;
	struct rf_leg *other = mine ? rf_move_partner(mine) : NULL;
	struct rf_xfer *x;

	if (why) {
		rf_leg_core(leg)->counters.hijacks_refused += mine->pair != leg->pair;
		rf_xfer_refuse(leg, in, 403, refer->to.user, why);
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
		rf_xfer_refuse(leg, in, 491, refer->to.user, "another transfer runs");
		return;
	}
	x = rf_xfer_accept(leg, in, refer, other ? other->party->number : refer->to.user, 100);
	if (!x)
		return;
	if (!other || !other->dlg || refer->replaces.early_only) {
		rf_xfer_failed(x, other && refer->replaces.early_only ? 486 : 481);
		return;
	}
	x->consult = mine;
	int rc = begin_join(x);

	if (rc)
		rf_xfer_failed(x, rc > 0 ? (unsigned)rc : 500);
}

