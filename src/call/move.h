/* Legs that change places: the end of every transfer, pickup, parking and retrieval. A leg goes from the pair that it
 * is in to the place of another one, which takes its place in turn, so that a pair has two legs at all times; what is
 * left together then ends as calls end. A place may be held by a leg without a dialog: nobody is there. */
#ifndef RF_CALL_MOVE_H
#define RF_CALL_MOVE_H

#include "call/call_int.h"
#include "sip/replaces.h"

/* leg takes the place of `place` in its call, and place the one of leg. Both leave the calls that they were in: the
 * record of each is written with this outcome (static) and the session that it goes on in. In the new place leg has a
 * record of its own later, place has none. Media of the pairs is the caller's to set. */
void rf_move(struct rf_leg *leg, struct rf_leg *place, const char *how);
/* Who is at the other end of this leg's answered call; NULL: it is in none. */
struct rf_leg *rf_move_partner(struct rf_leg *leg);
/* The leg of the dialog that is meant; NULL: none of this worker. */
struct rf_leg *rf_leg_replaced(struct rf_call_core *core, const struct rf_replaces *r);

#endif
