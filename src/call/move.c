#include "call/move.h"

#include "call/board.h"

#include <stdlib.h>

static struct rf_leg **place_of(struct rf_leg *leg)
{
	return leg->pair->a == leg ? &leg->pair->a : &leg->pair->b;
}

static void swap(struct rf_leg *x, struct rf_leg *y)
{
	struct rf_leg **px = place_of(x), **py = place_of(y);
	struct rf_pair *pair = x->pair;

	*px = y;
	*py = x;
	x->pair = y->pair;
	y->pair = pair;
}

static void leave(struct rf_leg *leg, struct rf_call *to, const char *how)
{
	if (leg->dlg && !leg->recorded) {
		leg->left = how;
		leg->end = rf_call_wall(leg->pair->call);
		leg->related = to->id;
		leg->has_related = true;
		rf_record_leg(leg);
	}
	leg->recorded = true;
}

/* Its time in the call that it comes to. */
static void arrive(struct rf_leg *leg, struct rf_call *from)
{
	struct rf_call *call = leg->pair->call;

	leg->recorded = leg->dlg == NULL;
	leg->left = NULL;
	leg->ring = leg->end = (struct rf_wall){ 0 };
	leg->joined = leg->answer = rf_call_wall(call);
	leg->index = ++call->next_index;
	leg->related = from->id;
	leg->has_related = true;
	leg->news_rounds = 0;
	leg->shown = RF_LINE_NONE; /* the same dialog, with somebody else at the other side: watchers hear of it */
	rf_news_drop(leg);
}

void rf_move(struct rf_leg *leg, struct rf_leg *place, const char *how)
{
	struct rf_call *from = leg->pair->call, *to = place->pair->call;

	leave(leg, to, how);
	leave(place, from, how);
	rf_end_relays(leg->pair); /* they were of these two phones */
	rf_end_relays(place->pair);
	leg->pair->offer_in_2xx = place->pair->offer_in_2xx = false;
	swap(leg, place);
	if (leg->aim && leg->aim->moved)
		leg->aim->moved(leg);
	arrive(leg, from);
	to->moves = (uint8_t)((from->moves > to->moves ? from->moves : to->moves) + 1);
}

struct rf_leg *rf_move_partner(struct rf_leg *leg)
{
	struct rf_call *call = leg->pair->call;

	return call->state == RF_CALL_ANSWERED && call->up == leg->pair ? rf_leg_other(leg) : NULL;
}

struct rf_leg *rf_leg_replaced(struct rf_call_core *core, const struct rf_replaces *r)
{
	struct rf_node *n = rf_table_first(&core->legs, rf_hash(&core->hash_key, r->to_tag));

	for (; n; n = rf_table_next(n)) {
		struct rf_leg *leg = rf_container(n, struct rf_leg, by_tag);

		if (rf_replaces_matches(r, leg->dlg))
			return leg;
	}
	return NULL;
}
