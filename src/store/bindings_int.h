/* Inside the bindings' store (private to this room): a change on its way from a worker to the disk. */
#ifndef RF_STORE_BINDINGS_INT_H
#define RF_STORE_BINDINGS_INT_H

#include "store/bindings.h"
#include "store/sql.h"

#include <urcu/wfcqueue.h>

enum rf_change_what { RF_CHANGE_PUT, RF_CHANGE_REMOVE, RF_CHANGE_CLEAR, RF_CHANGE_EXPIRE };

struct rf_change_op {
	enum rf_change_what what;
	struct rf_view key;
	int64_t expires_us;
	struct rf_view record;    /* the rest of the binding, packed */
};

struct rf_change {
	struct cds_wfcq_node node;
	struct rf_change *next;   /* in the group being written */
	rf_bindings_done_fn *done;
	void *ctx;
	int rc;
	struct rf_view aor;
	size_t n;
	struct rf_change_op ops[]; /* n, then the bytes of all views */
};

/* The packed record. Its size is bounded by RF_BINDINGS_BYTES_MAX. */
size_t rf_record_bytes(const struct rf_stored_binding *s);
void rf_record_put(uint8_t *dst, const struct rf_stored_binding *s);
/* Views into record. RF_E_CORRUPT. key and expires are columns of their own and not touched. */
int rf_record_get(struct rf_view record, struct rf_stored_binding *ret_s);

/* The database, used by one thread at a time. */
struct rf_bindings_db {
	sqlite3 *db;
	sqlite3_stmt *begin, *commit, *rollback, *savepoint, *release, *back, *put, *remove, *clear, *expire;
};

int rf_bindings_db_open(const char *path, bool power_safe, struct rf_bindings_db *ret_db, struct rf_diag *diag);
void rf_bindings_db_close(struct rf_bindings_db *db);
/* Write a group in one transaction; sets each change's rc. Returns the commit's own code. */
int rf_bindings_db_write(struct rf_bindings_db *db, struct rf_change *group);
int rf_bindings_db_load(struct rf_bindings_db *db, struct rf_wall now,
			int (*visit)(void *ctx, struct rf_view aor, const struct rf_stored_binding *s), void *ctx,
			struct rf_diag *diag);

#endif
