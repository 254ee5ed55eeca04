/* Inside the bindings' store (private to this room): a change on its way from a worker to the disk, and the file that
 * it goes into.
 *
 * The file, state/bindings.log, is a list of changes in the order in which they were made. Reading them from the first
 * to the last gives the bindings. When it has grown to a multiple of what it says, a new one with only that takes its
 * place (bindings_log.c).
 *
 *	file    = "RFBINDL1" salt:8 record*
 *	record  = sum:8 length:4 body            all numbers big-endian
 *	body    = length:2 AOR, then one or more of
 *	          0 length:2 key expires:8 length:2 binding    put
 *	          1 length:2 key                               remove
 *	          2                                            clear: all of the AOR
 *	          3 expires:8                                  all of any AOR that expire before (AOR empty)
 *
 * A record is a change, whole or not there at all. Its sum is SipHash of length and body under the salt and the sum
 * before it: so a record counts only behind those that it was written behind, in the file that it was written to, and
 * what an unfinished write or an earlier life of the disk's blocks left behind the last one is not taken for one. It
 * finds accidents; whoever may write to the file can make records. */
#ifndef RF_STORE_BINDINGS_INT_H
#define RF_STORE_BINDINGS_INT_H

#include "base/hash.h"
#include "store/bindings.h"

#include <urcu/wfcqueue.h>

enum {
	RF_LOG_HEAD = 16,
	RF_LOG_RECORD_HEAD = 12,
	RF_LOG_BODY_MAX = RF_BINDINGS_BYTES_MAX + 2 + RF_BINDINGS_OPS_MAX * 16, /* all texts and what stands between */
};

enum rf_change_what { RF_CHANGE_PUT, RF_CHANGE_REMOVE, RF_CHANGE_CLEAR, RF_CHANGE_EXPIRE };

struct rf_change {
	struct cds_wfcq_node node;
	struct rf_change *next;   /* in the group being written */
	rf_bindings_done_fn *done;
	void *ctx;
	int rc;
	uint32_t n;
	uint8_t body[];           /* n bytes, as in the file */
};

/* ---- bindings_record.c: bytes */

/* The packed binding. Its size is bounded by RF_BINDINGS_BYTES_MAX. */
size_t rf_record_bytes(const struct rf_stored_binding *s);
void rf_record_put(uint8_t *dst, const struct rf_stored_binding *s);
/* Views into record. RF_E_CORRUPT. key and expires stand beside it and are not touched. */
int rf_record_get(struct rf_view record, struct rf_stored_binding *ret_s);
void rf_record_be(uint8_t *dst, uint64_t x, size_t bytes);

/* The body of a change of n ops: how long it is, or RF_E_LIMIT; and written to dst, which has that many bytes. */
int rf_change_measure(struct rf_view aor, const struct rf_bindings_op *ops, size_t n, size_t *ret_bytes);
void rf_change_put(uint8_t *dst, struct rf_view aor, const struct rf_bindings_op *ops, size_t n);
/* That of an expiry. */
enum { RF_CHANGE_EXPIRE_BYTES = 2 + 1 + 8 };
void rf_change_put_expire(uint8_t *dst, struct rf_wall when);

/* ---- bindings_replay.c: what the bytes of a file say */

/* The sum of a record: `after` is the one before it, 0 for the first. */
uint64_t rf_log_sum(uint64_t salt, uint64_t after, struct rf_view length_and_body);

struct rf_replay_entry {
	struct rf_view aor, key, record; /* in the file's bytes */
	int64_t expires_us;
	uint32_t next;                   /* in its slot or in the list of free ones: index + 1, 0 at the end */
};

/* Views into the bytes, which the caller keeps until rf_replay_free(). */
struct rf_replay {
	size_t good;                     /* bytes up to the end of the last whole record */
	uint64_t salt, sum;              /* sum of that record */
	size_t records;
	struct rf_replay_entry *entries; /* mapped, not of the heap: gone when freed */
	uint32_t *slots;
	size_t capacity, used, live, mask;
	uint32_t free;
	void *map;
	size_t map_bytes;
};

/* RF_E_CORRUPT: not a file of ours, or a record that is whole and yet cannot be read; -ENOMEM. What stands behind the
 * last whole record is no error: ret_r->good says where it begins. */
int rf_replay(struct rf_view file, struct rf_replay *ret_r);
/* Every binding; a non-zero return of visit ends the walk and is returned. */
int rf_replay_each(const struct rf_replay *r, int (*visit)(void *ctx, const struct rf_replay_entry *e), void *ctx);
void rf_replay_free(struct rf_replay *r);

/* ---- bindings_log.c: the file, used by one thread at a time */

struct rf_bindings_log {
	char path[128];
	int fd;                 /* locked: one process has the file */
	bool power_safe, torn;  /* torn: bytes of a failed write are still behind the end */
	uint64_t salt, sum;
	uint64_t size;          /* the end of the last record */
	uint64_t growth, compact_at; /* bytes beyond twice what it says; the size from which it is written anew */
	uint64_t cut_bytes;     /* found behind the last whole record when it was opened, and cut off */
	uint8_t *buf;
	size_t n;               /* bytes in buf */
};

int rf_bindings_log_open(const struct rf_bindings_options *opt, struct rf_bindings_log *ret_log, struct rf_diag *diag);
void rf_bindings_log_close(struct rf_bindings_log *log);
/* Write a group; sets each change's rc and returns it: all or none. */
int rf_bindings_log_write(struct rf_bindings_log *log, struct rf_change *group);
/* When it has grown enough: write what holds to a new file, which takes its place. A failure leaves the old one as it
 * is, to be tried again later. */
int rf_bindings_log_compact(struct rf_bindings_log *log);
int rf_bindings_log_load(struct rf_bindings_log *log, struct rf_wall now,
			 int (*visit)(void *ctx, struct rf_view aor, const struct rf_stored_binding *s), void *ctx,
			 struct rf_diag *diag);

/* ---- bindings_old.c: the SQLite database that held the bindings before there was a log */

/* Every binding in it; 0 with none when there is no such file. */
int rf_bindings_old_load(const char *path,
			 int (*visit)(void *ctx, struct rf_view aor, const struct rf_stored_binding *s), void *ctx,
			 struct rf_diag *diag);
void rf_bindings_old_remove(const char *path);

#endif
