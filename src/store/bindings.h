/* Bindings on disk: state/bindings.log, so that a restart loses no registration. A thread of its own owns the file;
 * workers queue changes and never wait. The thread takes what is queued, adds it to the file with one write and then
 * calls back for each change with the result: 0 means that it is on disk. When the file has grown to a multiple of what
 * it says, the thread writes it anew.
 *
 * A change is applied whole or not at all (RFC 3261 10.3: all contacts of a REGISTER or none), in the order queued.
 *
 * Bounded: at most `queue` changes and RF_BINDINGS_BYTES_MAX a change; past them RF_E_BUSY and RF_E_LIMIT at once and
 * no callback. Full disk or a failing one: the callback gets the code (-ENOSPC, -EIO, ...), and the next change is
 * tried afresh. What a crash left unfinished at the end of the file was never reported as done, and is cut off. */
#ifndef RF_STORE_BINDINGS_H
#define RF_STORE_BINDINGS_H

#include "base/clock.h"
#include "base/err.h"
#include "base/view.h"

struct rf_bindings;

enum {
	RF_BINDINGS_BYTES_MAX = 32 * 1024, /* of all texts of one change */
	RF_BINDINGS_OPS_MAX = 64,          /* puts and removes in one change */
	RF_BINDINGS_FLOW_MAX = 64,
};

/* One binding as kept. As an argument the views are borrowed for the call. */
struct rf_stored_binding {
	struct rf_view key;       /* names the binding within its AOR; the caller decides (instance and
				   * reg-id, or contact) */
	struct rf_view contact, call_id, instance, path, phone, user, agent;
	struct rf_view flow;      /* opaque to the store, at most RF_BINDINGS_FLOW_MAX bytes */
	struct rf_wall since, refreshed, expires;
	uint32_t cseq, reg_id;
	uint16_t q_milli;
	bool by_flow;
};

enum rf_bindings_what {
	RF_BINDINGS_PUT,    /* add or replace aor's binding with b->key */
	RF_BINDINGS_REMOVE, /* the one with b->key; fine when it is not there */
	RF_BINDINGS_CLEAR,  /* all of aor; b unused */
};

struct rf_bindings_op {
	enum rf_bindings_what what;
	const struct rf_stored_binding *b;
};

/* Called on the store's thread, once for each change that was accepted, in order. It must be quick and must not block:
 * it posts mail to the worker whose change it was. */
typedef void rf_bindings_done_fn(void *ctx, int rc);

struct rf_bindings_options {
	const char *path;      /* DIR/state/bindings.log; made (mode 0600) when missing */
	const char *old_path;  /* DIR/state/bindings.db, may be NULL: what an earlier ringfort kept there is taken over
	                        * when path is made, and the file removed */
	size_t growth;         /* bytes that may be added before it is written anew; 0: 8 MiB */
	size_t queue;          /* changes waiting at most; 0: 65536 */
	unsigned gather_us;    /* after the first change wait this long for more to share its commit; 0: not at all */
	bool power_safe;       /* synced at each commit: also survives loss of power, not only of the process */
};

struct rf_bindings_counts {
	uint64_t queued;       /* now */
	uint64_t done, failed; /* changes */
	uint64_t refused;      /* at the bound of the queue */
	uint64_t commits;
	uint64_t bytes;        /* of the file */
	uint64_t rewritten;    /* how often it was written anew */
	uint64_t cut_bytes;    /* at the start: behind the last whole change, cut off */
	int last_error;        /* of the last commit: 0 when it succeeded */
};

/* Open the file, find its end, start the thread. Another process has it: RF_E_BUSY; not ours or unreadable:
 * RF_E_CORRUPT; -errno. */
int rf_bindings_start(const struct rf_bindings_options *opt, struct rf_bindings **ret_b, struct rf_diag *diag);
/* Write what is queued, end the thread, close. No other thread may use b any more. */
void rf_bindings_stop(struct rf_bindings *b);

/* Every binding that has not expired at now; once, before the first change, on the caller's thread. Views are borrowed
 * for the visit; a non-zero return ends the walk and is returned. */
int rf_bindings_load(struct rf_bindings *b, struct rf_wall now,
		     int (*visit)(void *ctx, struct rf_view aor, const struct rf_stored_binding *s), void *ctx,
		     struct rf_diag *diag);

/* Queue a change of aor: all ops or none. done may be NULL. Threads: any.
 * 0: done will be called; RF_E_BUSY, RF_E_LIMIT, -ENOMEM: it will not. */
int rf_bindings_change(struct rf_bindings *b, struct rf_view aor, const struct rf_bindings_op *ops, size_t n,
		       rf_bindings_done_fn *done, void *ctx);
/* A change with one op. */
int rf_bindings_put(struct rf_bindings *b, struct rf_view aor, const struct rf_stored_binding *s,
		    rf_bindings_done_fn *done, void *ctx);
int rf_bindings_remove(struct rf_bindings *b, struct rf_view aor, struct rf_view key, rf_bindings_done_fn *done,
		       void *ctx);
int rf_bindings_clear(struct rf_bindings *b, struct rf_view aor, rf_bindings_done_fn *done, void *ctx);
/* Delete what expired before `when` (housekeeping; such bindings are not loaded anyway). */
int rf_bindings_expire(struct rf_bindings *b, struct rf_wall when, rf_bindings_done_fn *done, void *ctx);

/* Threads: any. */
void rf_bindings_counts(const struct rf_bindings *b, struct rf_bindings_counts *ret_counts);

#endif
