/* A description of one phone in a session that another one was in before: what RFC 3264 8 wants to stay as it was. All
 * functions take descriptions that media.c wrote, and give ones of the same form: lines end with CR LF, m-lines are
 * whole. Results lie in core->sdp_join (rf_join_sdp_trim: in its argument), which the next call overwrites. */
#ifndef RF_CALL_JOIN_SDP_H
#define RF_CALL_JOIN_SDP_H

#include "base/view.h"

struct rf_call_core;

/* How many m-lines. */
unsigned rf_join_sdp_lines(struct rf_view sdp);
/* The first n m-lines. */
struct rf_view rf_join_sdp_trim(struct rf_view sdp, unsigned n);
/* The session before goes on: its o= with the version counted up by one, and in an offer at least as many m-lines as it
 * had, those that are missing switched off. As it is when there was none before. Empty: it does not fit. */
struct rf_view rf_join_sdp_go_on(struct rf_call_core *core, struct rf_view sdp, struct rf_view before, bool offer);
/* What was said before, as a new offer with nothing to be sent or received. */
struct rf_view rf_join_sdp_hold(struct rf_call_core *core, struct rf_view before);
/* An answer to this offer that takes all of it and lets nothing flow: for a phone that is to be offered something else
 * at once. Keys in it are random. Empty: it does not fit. */
struct rf_view rf_join_sdp_inactive(struct rf_call_core *core, struct rf_view offer);

#endif
