/* Feature codes that change what is set for a number: what a phone dials for its own number and nobody else's.
 *
 * There is no media here that could say "done", so the answer is a refusal of the call whose reason phrase says it: 480
 * when it is done, which phones show and do not dial again, 403, 484 or 500 when it is not. It comes when the change is
 * on disk. */
#ifndef RF_CALL_FEATURE_H
#define RF_CALL_FEATURE_H

#include "call/core_int.h"
#include "site/telephony.h"

/* Carry it out for the sender of this INVITE, who is proven; arg: what was dialled behind the code. False: it is not
 * one of these features, nothing was done. True: in->srv is answered, now or later. */
bool rf_feature_run(struct rf_call_core *core, struct rf_in *in, enum rf_feature feature, struct rf_view arg);
/* Those that wait for the disk: at the end of the core. */
void rf_feature_drop(struct rf_call_core *core);

#endif
