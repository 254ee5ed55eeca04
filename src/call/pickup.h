/* Who may take a call that rings elsewhere, and which one: directed (a number) and of the own group. A phone may pick
 * up what rings at its own number and at phones of its pickup group (site.yaml: phones[].pickup_group). */
#ifndef RF_CALL_PICKUP_H
#define RF_CALL_PICKUP_H

#include "call/call_int.h"

/* May who sent this take the call that rings at this leg? */
bool rf_pickup_may(struct rf_call_core *core, const struct rf_in *in, const struct rf_leg *leg);
/* An INVITE that picks up what rings at this number; empty: whatever rings in the own group, the oldest first. */
void rf_pickup_invite(struct rf_call_core *core, struct rf_in *in, struct rf_view number);

/* What was dialled is a code for pickup or retrieval, or a parking slot: dealt with. False: it is something else. */
bool rf_pickup_dialled(struct rf_call_core *core, struct rf_in *in);

#endif
