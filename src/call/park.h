/* Parking: somebody in a call is left alone in a slot, until a phone fetches them or they come back to who parked them.
 *
 *	park      REFER to a slot, or to the code for parking (any slot, or the one behind it)
 *	parked    the slot's number shows it like a phone that is in a call; they hear nothing
 *	retrieve  the slot is dialled, or the code for retrieving with it
 *	return    after parking.return_seconds who parked is called; nobody answers: again, RF_PARK_RETURNS times
 *
 * Slots are the process's: who dials a slot finds it on whichever worker its call is. In the call a leg without a
 * dialog stands in the place of who parked; it is the place that whoever retrieves takes (guest.h). */
#ifndef RF_CALL_PARK_H
#define RF_CALL_PARK_H

#include "call/call_int.h"
#include "call/dial.h"

enum {
	RF_PARK_RETURNS = 3,
	RF_PARK_AGAIN_S = 30,      /* from a return that nobody took to the next */
	RF_PARK_HOURS = 4,         /* without returning: then they are released */
};

struct rf_parked;
struct rf_slots;

/* --- slots: any thread */

struct rf_slots *rf_slots_new(void); /* NULL: no memory */
void rf_slots_free(struct rf_slots *s);
/* slot: counted from the first of the site; RF_SITE_PARK_MAX: any of n. RF_E_BUSY: taken; RF_E_LIMIT: all are. */
int rf_slots_take(struct rf_slots *s, unsigned slot, unsigned n, unsigned worker, unsigned *ret_slot);
void rf_slots_give(struct rf_slots *s, unsigned slot);
/* The worker whose call is in it; -1: nobody's. */
int rf_slots_worker(struct rf_slots *s, unsigned slot);

/* --- calls */

bool rf_park_is_slot(const struct rf_call_core *core, struct rf_view number);

/* The one that leg talks to goes into this slot (a number; empty: any). 0, or the code and *ret_why. On 0 leg is in a
 * call of its own that is to be ended, the other one is parked, and *ret_slot (a number, as long as the call) says
 * where. */
unsigned rf_park(struct rf_leg *leg, struct rf_view slot, const char **ret_why, struct rf_view *ret_slot);
/* An INVITE for whoever is in this slot. */
void rf_park_retrieve(struct rf_call_core *core, struct rf_in *in, struct rf_view slot);
/* The lamp of its slot, for who watches it from now on. Nothing when nobody is parked in this call. */
void rf_park_show(const struct rf_call *call);
/* The call ends, or somebody talks to them again: the slot is free. */
void rf_park_over(struct rf_call *call);

#endif
