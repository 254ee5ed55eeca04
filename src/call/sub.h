/* The notifier of RFC 6665: subscriptions of proven phones and users to what numbers of the site do.
 *
 *	sub_request.c   SUBSCRIBE: who may watch whom, what is answered
 *	sub.c           the life of a subscription: tables, bounds, timer, ends
 *	sub_notify.c    NOTIFY: when (throttled, one at a time), what, and what its answer means
 *	sub_dialog.c    package dialog (RFC 4235)
 *	sub_mwi.c       package message-summary (RFC 3842)
 *	sub_presence.c  package presence (RFC 3856, PIDF RFC 3863, RPID RFC 4480)
 *	publish.c       PUBLISH of presence (RFC 3903), with pidf.c
 *
 * A subscription belongs to the worker where its SUBSCRIBE came in: our tag carries its number. What it shows comes
 * from the board (board.h). Threads: the worker's own. */
#ifndef RF_CALL_SUB_H
#define RF_CALL_SUB_H

#include "call/core_int.h"

struct rf_sub;
struct rf_subs;

enum {
	RF_SUB_MIN_S = 60,           /* shorter: 423 (RFC 6665 4.2.1.1) */
	RF_SUB_DEFAULT_S = 3600,
	RF_SUB_MAX_S = 7200,         /* longer is shortened */
	RF_SUBS_PER_NUMBER = 256,    /* that phones of one number hold, per worker: a console with three key panels */
	RF_SUB_LOOK_MS = 60000,      /* at the latest then it looks at the board, told or not */
};

/* The subscriptions of one worker. -ENOMEM. */
int rf_subs_new(struct rf_call_core *core, struct rf_subs **ret_subs);
/* Ends them without a word. NULL is fine. */
void rf_subs_free(struct rf_subs *subs);
size_t rf_subs_count(const struct rf_subs *subs);

/* SUBSCRIBE outside a dialog, from a proven sender. */
void rf_sub_request(struct rf_call_core *core, struct rf_in *in);
/* A request in the dialog of a subscription; false: it is in none. */
bool rf_sub_in_dialog(struct rf_call_core *core, struct rf_in *in);

/* The board has news of this number. */
void rf_subs_changed(struct rf_call_core *core, struct rf_view number);
/* A connection closed: its phones have limits.flow_grace_ms to register anew. */
void rf_subs_flow_lost(struct rf_call_core *core, const struct rf_flow *flow);
/* The directory or the site is new: who may not watch any more, or what is gone, ends. */
void rf_subs_fallen(struct rf_call_core *core);
/* All end, and are told to come again in a while. */
void rf_subs_drain(struct rf_call_core *core);

/* PUBLISH from a proven sender. */
void rf_publish_request(struct rf_call_core *core, struct rf_in *in);

/* "Allow-Events: ...\r\n" */
extern const struct rf_view rf_sub_allow_events;

#endif
