/* What calls tell the board (board.h), and how the board's news reach the workers that have subscriptions. */
#ifndef RF_CALL_LAMPS_H
#define RF_CALL_LAMPS_H

#include "call/board.h"

struct rf_call;
struct rf_call_core;
struct rf_leg;

/* Something about this call may be different: called after every event, costs a load where nobody watches anything. */
void rf_lamps_step(struct rf_call *call);
/* The leg ends, and its dialog with it. */
void rf_lamps_end(struct rf_leg *leg);
/* A number has lost or got a binding. aor: as in location.h. */
void rf_lamps_bound(struct rf_call_core *core, struct rf_view aor);

/* Somebody watches a number that nobody watched: every worker tells the board what its calls do, soon. */
void rf_lamps_survey(struct rf_call_core *core);
/* The line of this number changed: mail to these workers. */
void rf_lamps_tell(struct rf_call_core *core, struct rf_view number, rf_workers workers);
/* About once a second on one worker: publications that are over. */
void rf_lamps_expire(struct rf_call_core *core);

#endif
