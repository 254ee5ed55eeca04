/* SQLite, wrapped for this room (private): opening with all precautions, codes, statements. */
#ifndef RF_STORE_SQL_H
#define RF_STORE_SQL_H

#include "base/err.h"
#include "base/view.h"

#include <sqlite3.h>

/* One step of a schema: statements that bring version i to i + 1, without the version itself. */
struct rf_sql_schema {
	const char *const *steps;
	int count;
	int application_id;  /* tells our files from other databases */
	const char *what;    /* "directory": for errors */
};

/* Open path, mode 0600 when it is made. Integrity check, WAL, foreign keys, busy timeout, migrations. */
int rf_sql_open(const char *path, bool create, const struct rf_sql_schema *schema, sqlite3 **ret_db,
		struct rf_diag *diag);
/* Our code for what db said last. */
int rf_sql_code(sqlite3 *db, int rc);
/* The same, with words. */
int rf_sql_error(sqlite3 *db, int rc, struct rf_diag *diag);
/* A statement of constant text without parameters or rows. */
int rf_sql_run(sqlite3 *db, const char *sql, struct rf_diag *diag);
int rf_sql_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret_stmt, struct rf_diag *diag);

/* Bind; the bytes must live until the statement is reset. */
static inline void rf_sql_text(sqlite3_stmt *s, int i, struct rf_view v)
{
	sqlite3_bind_text(s, i, v.n ? (const char *)v.p : "", (int)v.n, SQLITE_STATIC);
}

static inline void rf_sql_blob(sqlite3_stmt *s, int i, struct rf_view v)
{
	sqlite3_bind_blob(s, i, v.n ? (const void *)v.p : "", (int)v.n, SQLITE_STATIC);
}

/* A column of text or bytes: borrowed until the next step. */
static inline struct rf_view rf_sql_view(sqlite3_stmt *s, int i)
{
	const void *p = sqlite3_column_blob(s, i);
	int n = sqlite3_column_bytes(s, i);

	return rf_view_of(p, p && n > 0 ? (size_t)n : 0);
}

#endif
