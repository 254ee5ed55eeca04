/* The ledger: a tamper-evident record, one JSON object a line, in DIR (mode 0700, made if it is not there).
 *
 * A line, exactly these bytes in this order, without spaces between them:
 *	{"seq":N,"time":"2026-11-22T04:11:00.123Z","kind":"call.start",FIELDS,"prev":"64 hex","hash":"64 hex"}LF
 * hash is the SHA-256, in lower case hex, of the bytes of the line from its first "{" up to and including the quote
 * that closes prev, that is, without ,"hash":"..."}LF. prev is the hash of the line before, 64 zeros in the first.
 * seq counts from 1 without a hole and is the order; time is what the clock said and may run backwards.
 * By hand: sed -n 5p FILE | sed 's/,"hash":"[0-9a-f]*"}$//' | tr -d '\n' | sha256sum
 *
 * Files: NNNNNNNNNNNN.jsonl, named by the seq of its first line, a new one past RF_LEDGER_SEGMENT bytes; `head`, the
 * last seq and hash that are known to be on the disk, replaced by rename; `lock`.
 *
 * Durability: a line is handed to the kernel within batch_ms of its post (a kill -9 loses at most that much, and the
 * next open says when it finds half a line); fdatasync and the new head follow within sync_ms, before a segment is
 * left, and at stop (a power failure loses at most that much).
 *
 * Detected without anything outside the directory: any changed, missing, inserted, repeated or reordered line; a
 * missing segment, the first one too; lines cut from the end, as far as the head had seen them (at most the last
 * sync_ms were not, nothing after a clean stop). Not detected: someone who may write the directory and replaces
 * everything from some line to the end and the head too with a newly computed chain, or deletes the whole directory.
 * Only a copy of a seq and hash kept elsewhere shows that; `head` is made to be copied.
 *
 * Several processes may write one ledger (the controller, and commands that record what an administrator did): the
 * lock is held for one batch at a time, and a writer that finds that another wrote since reads the tail again.
 *
 * System calls of the writing thread, for a sandbox: openat fstat newfstatat pread64 pwrite64 write ftruncate fdatasync
 * fsync renameat(2) mkdir mkdirat unlinkat flock getdents64 fchown fchmod lseek close futex clock_gettime
 * clock_nanosleep; Landlock: read, write, truncate, make and remove files in DIR. */
#ifndef RF_LEDGER_LEDGER_H
#define RF_LEDGER_LEDGER_H

#include "base/err.h"
#include "base/log.h"
#include "ledger/event.h"

struct rf_ledger;

struct rf_ledger_options {
	struct rf_clock clock;
	const struct rf_log *log;    /* NULL: silent. Said once when the disk fails and once when it is back */
	uint32_t batch_ms, sync_ms;  /* 0: 20 and 1000 */
	uint32_t queue;              /* events; 0: RF_LEDGER_QUEUE */
	size_t queue_bytes;          /* 0: RF_LEDGER_QUEUE_BYTES */
	size_t segment_bytes;        /* 0: RF_LEDGER_SEGMENT */
};

/* Open DIR for writing, repair what a crash left behind: half a line at the end is taken off, kept whole in a file
 * recovered-*.bin, and told in a ledger.recovered event. A last line that fails its hash, or a head that has seen more
 * than there is, is left as it stands for `verify` to find; a new segment begins with a ledger.damaged or
 * ledger.truncated event. Starts no thread: events posted before rf_ledger_start() wait in memory.
 * Errors: -errno with diag naming the file, RF_E_BUSY (another process keeps the lock), -ENOMEM. */
int rf_ledger_open(const char *dir, const struct rf_ledger_options *options, struct rf_ledger **ret_ledger,
	struct rf_diag *diag);
/* Start the writing thread. It inherits the sandbox of the thread that calls. */
int rf_ledger_start(struct rf_ledger *l);
/* Write what is queued, sync, end the thread. With a failing disk it gives up after one try and says so: the number of
 * events that were not written, 0 when all were. */
uint64_t rf_ledger_stop(struct rf_ledger *l);
/* Stops first if needed. NULL is accepted. */
void rf_ledger_free(struct rf_ledger *l);

/* Hand an event over. Never blocks and never waits for the disk; e may be reused at once. Threads: any.
 * l may be NULL (nothing is recorded, 0): for tests. RF_E_LIMIT when the queue is full, -ENOMEM: in both cases the
 * event is counted as lost and a ledger.gap event says so when the disk is back. */
int rf_ledger_post(struct rf_ledger *l, const struct rf_event *e);

struct rf_ledger_state {
	bool failing;            /* the disk refuses; the queue holds what comes */
	int error;               /* why, when failing */
	uint64_t queued, lost;   /* events waiting now; lost since open */
	uint64_t written;        /* lines written since open */
	uint64_t seq;            /* of the last line written */
};
/* Threads: any. */
void rf_ledger_state(const struct rf_ledger *l, struct rf_ledger_state *ret_state);

/* Open, write one event, sync, close: for commands that do one thing. */
int rf_ledger_append(const char *dir, const struct rf_event *e, struct rf_diag *diag);
/* The same for n events: make fills the i-th. On an error those before it may be on record. */
int rf_ledger_append_all(const char *dir, size_t n, void (*make)(void *ctx, size_t i, struct rf_event *e), void *ctx,
			 struct rf_diag *diag);

#endif
