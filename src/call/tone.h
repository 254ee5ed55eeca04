/* A phone whose call was taken away by one of higher precedence is told why: before its BYE it hears the preemption
 * tone. The call itself is over by then, its record written, what it held given back; a leg that hears a tone is all
 * that is left of it.
 *
 *	WAIT    until nothing else is under way on the leg, RF_LEG_TONE_QUIET_MS at most
 *	ASKED   a re-INVITE with the announcer's description; RF_LEG_TONE_ASK_MS for the answer
 *	PLAYING RF_LEG_TONE_MS; the phone's BYE or the end of its connection ends it sooner
 *	        then BYE with the reason
 *
 * Whatever goes wrong leads to that BYE at once. Not for trunks, whose channel is wanted by the other call, and not for
 * phones that key their media by DTLS, which need more than a description of ours. Threads: the worker's own. */
#ifndef RF_CALL_TONE_H
#define RF_CALL_TONE_H

#include "base/view.h"

struct rf_leg;

enum {
	RF_LEG_TONE_QUIET_MS = 1000,
	RF_LEG_TONE_ASK_MS = 2000,
	RF_LEG_TONE_MS = 3000,
	RF_LEG_TONE_GRACE_MS = 500, /* for the announcer's report, beyond that */
	RF_LEG_TONE_STEP_MS = 50,
};

/* Begin; reason: a Reason value for the BYE behind it, static. False: it cannot hear one, say BYE now. */
bool rf_leg_tone(struct rf_leg *leg, struct rf_view reason);
/* Enough: BYE. Nothing when it hears none. */
void rf_leg_tone_end(struct rf_leg *leg);
/* The leg is gone, or has said BYE itself: silence. Likewise. */
void rf_leg_tone_drop(struct rf_leg *leg);

#endif
