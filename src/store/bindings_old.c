/* Bindings as they were kept before the log: a table of SQLite, read once. */
#include "store/bindings_int.h"
#include "store/sql.h"

#include <stdio.h>
#include <unistd.h>

static const char *const steps[] = {
	"CREATE TABLE bindings (aor TEXT NOT NULL, key BLOB NOT NULL, expires INTEGER NOT NULL, record BLOB NOT NULL,"
	"  PRIMARY KEY (aor, key)) WITHOUT ROWID;",
};

static const struct rf_sql_schema schema = {
	steps, sizeof steps / sizeof *steps, 0x52464231 /* "RFB1" */, "store of bindings",
};

int rf_bindings_old_load(const char *path,
			 int (*visit)(void *ctx, struct rf_view aor, const struct rf_stored_binding *s), void *ctx,
			 struct rf_diag *diag)
{
	sqlite3_stmt *q = NULL;
	int step = SQLITE_DONE, rc;
	sqlite3 *db = NULL;

	if (access(path, F_OK))
		return errno == ENOENT ? 0 : rf_diag_set(diag, -errno, "%s: %s", path, rf_err_text(-errno));
	rc = rf_sql_open(path, false, &schema, &db, diag);
	if (rc == 0)
		rc = rf_sql_prepare(db, "SELECT aor, key, expires, record FROM bindings", &q, diag);
	while (rc == 0 && (step = sqlite3_step(q)) == SQLITE_ROW) {
		struct rf_stored_binding s = { .key = rf_sql_view(q, 1), .expires = { sqlite3_column_int64(q, 2) } };

		rc = rf_record_get(rf_sql_view(q, 3), &s);
		rc = rc ? rf_diag_set(diag, rc, "%s: a binding in it cannot be read", path) :
			  visit(ctx, rf_sql_view(q, 0), &s);
	}
	if (rc == 0 && step != SQLITE_DONE)
		rc = rf_sql_error(db, step, diag);
	sqlite3_finalize(q);
	sqlite3_close(db);
	return rc;
}

void rf_bindings_old_remove(const char *path)
{
	static const char *const tails[] = { "-wal", "-shm", "" };
	char name[160];

	for (size_t i = 0; i < sizeof tails / sizeof *tails; i++)
		if ((size_t)snprintf(name, sizeof name, "%s%s", path, tails[i]) < sizeof name)
			unlink(name);
}
