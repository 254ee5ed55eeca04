/* What an administrator asks of the running calls, and orders. An answer is one JSON text.
 *
 * rf_control_ask() sends the question to each worker as mail and comes back with the answers joined, on the loop that
 * asked. rf_control_run() is the part of one worker, for those that are already on its thread.
 *
 *	bindings         {"bindings":[{"aor":..,"contact":..,"phone":..,"transport":..,"address":..,"expires_s":..,
 *	                  "state":"reachable"|"waiting",...}]}       (shared table: the first worker answers for all)
 *	calls            {"calls":[{"id":..,"state":..,"from":..,"to":..,"since":..,"duration_s":..}]}
 *	call show ID     {"call":{...,"legs":[...]}} or {"call":null}
 *	call hangup ID   {"hangup":true|false}
 *	mailbox "N F O"  {"mailbox":{"number":..,"new":..,"old":..}}: so many messages wait for number N; {"mailbox":null}:
 *	                  there is no such number                         (shared board: the first worker does it)
 *	counters         {"workers":[{"worker":0,"calls":..,...}]}
 *
 * RF_CONTROL_MAX bounds an answer; beyond it the list ends early and "truncated" is true. */
#ifndef RF_CALL_CONTROL_H
#define RF_CALL_CONTROL_H

#include "base/view.h"

struct rf_call_core;
struct rf_loop;

enum { RF_CONTROL_MAX = 4 * 1024 * 1024, RF_CONTROL_ID = 64 };

enum rf_control_verb {
	RF_CONTROL_BINDINGS,
	RF_CONTROL_CALLS,
	RF_CONTROL_CALL_SHOW,
	RF_CONTROL_CALL_HANGUP,
	RF_CONTROL_MAILBOX,
	RF_CONTROL_COUNTERS,
};

struct rf_control_query {
	enum rf_control_verb verb;
	/* call: the id that "calls" shows; bindings: an AOR or number, "" for all; mailbox: "NUMBER NEW OLD" */
	char id[RF_CONTROL_ID];
	char by[RF_CONTROL_ID]; /* who orders it, for the record */
};

/* json is borrowed for the call; empty when err is not 0 (-ENOMEM, RF_E_TIMEOUT never: every worker answers). */
typedef void rf_control_done_fn(void *ctx, int err, struct rf_view json);

/* From the thread of `asker`; done comes on that thread, later. -ENOMEM: done does not come. The cores live until
 * done has come; the array is copied. */
int rf_control_ask(struct rf_loop *asker, struct rf_call_core *const *cores, size_t n,
		   const struct rf_control_query *query, rf_control_done_fn *done, void *ctx);

/* One worker's part, as comma-joined list items or a single object without the frame above; malloc'd, free(3) it.
 * -ENOMEM; RF_E_NOT_FOUND: call show or hangup of an id that is not here. */
int rf_control_run(struct rf_call_core *core, const struct rf_control_query *query, char **ret_json,
		   size_t *ret_bytes);

#endif
