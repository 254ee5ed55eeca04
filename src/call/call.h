/* A call: the caller's INVITE, the pairs of legs made for it, and what a record will say. Made by setup, ended by
 * teardown; seen from outside only through control.h. docs/decisions/0010-calls.md draws it. */
#ifndef RF_CALL_CALL_H
#define RF_CALL_CALL_H

struct rf_call;

enum rf_call_state {
	RF_CALL_TRYING,   /* INVITEs are out */
	RF_CALL_RINGING,  /* a phone rings */
	RF_CALL_ANSWERED,
	RF_CALL_ENDING,   /* the outcome is known; BYE, CANCEL or an ACK is still on its way */
	RF_CALL_ENDED,    /* recorded; freed at the end of the turn */
};

/* "trying", "ringing", ... */
const char *rf_call_state_name(enum rf_call_state state);

#endif
