/* Emergency calls: 911, 112, 000 and the site's own numbers.
 *
 * dial.h says that a number is one; from there on nothing stands in the way of the call: no class, no bound on calls or
 * requests, no load, no setting of anybody. It claims channels, links and the reserve of calls at the rank that pushes
 * out all others and gives way to none (resource.h). Its plan: the trunks of the section `emergency`, in order, then
 * all others; all of them once more without the location in the body, should that be what they choke on; then the desks
 * of the site, so that somebody answers.
 *
 * To a trunk it goes with the emergency number of the phone's location (ELIN) as caller and with the location itself
 * (PIDF-LO by value, RFC 6442). A call to that number reaches the same phone for a time (callbacks.h). The desks of the
 * section are told at once, by MESSAGE, by a call, and by the site's program.
 *
 * Threads: the worker's own. */
#ifndef RF_CALL_EMERGENCY_H
#define RF_CALL_EMERGENCY_H

#include "call/core_int.h"
#include "call/plan_dial.h"

struct rf_call;
struct rf_leg;
struct rf_site_location;
struct rf_site_phone;

enum {
	RF_EMERGENCY_TEXT_MAX = 600,    /* of what the desks are told */
	RF_EMERGENCY_PER_PHONE = 4,     /* calls at once of one phone, on one worker */
};

/* Is this an INVITE for an emergency number, from somebody of ours? Looked at before rights, rates and load. */
bool rf_emergency_is(const struct rf_call_core *core, const struct rf_in *in);

/* Might this be one, whoever sent it? For what comes before it is proven who did. */
bool rf_emergency_may_be(const struct rf_call_core *core, const struct rf_sip_msg *msg);

/* For plan_dial.c. */
rf_plan_push_fn rf_plan_emergency, rf_plan_emergency_test;

/* Somebody has looked that the phone stands where the site file says, and the address is one that help finds. */
bool rf_emergency_confirmed(const struct rf_site_phone *phone);

/* The call has begun: on record, desks told, the way back kept. */
void rf_emergency_begun(struct rf_call *call);
/* More header lines of its INVITE to a trunk, and the body with the location around sdp: in the core's scratch arena,
 * which the caller resets when it has sent. False: it goes without; headers were not written. */
bool rf_emergency_put(struct rf_leg *leg, struct rf_writer *w, struct rf_view sdp, struct rf_view *ret_type,
		      struct rf_view *ret_body);
/* A call from a trunk to this number of its network, with an empty plan: the way to the phone that called for help with
 * it a moment ago, whatever is set for that. False: there was none, and the plan is as it was. */
bool rf_emergency_callback(struct rf_plan *plan, const struct rf_site_trunk *trunk, struct rf_view elin);
/* Would there be one? */
bool rf_emergency_called_for(struct rf_call_core *core, struct rf_view elin);

#endif
