#include "store/sql.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BUSY_MS = 5000 };

int rf_sql_code(sqlite3 *db, int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return RF_E_BUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return RF_E_CORRUPT;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return -EACCES;
	case SQLITE_CONSTRAINT:
		return RF_E_EXISTS;
	case SQLITE_TOOBIG:
		return RF_E_LIMIT;
	case SQLITE_CANTOPEN:
	case SQLITE_IOERR: {
		int e = db ? sqlite3_system_errno(db) : 0;

		return e > 0 ? -e : -EIO;
	}
	default:
		return RF_E_STATE;
	}
}

static const char *mend(int code)
{
	switch (code) {
	case -ENOSPC:
		return "; free space on its disk";
	case RF_E_BUSY:
		return "; another command holds it, try again";
	case RF_E_CORRUPT:
		return "; restore it from a backup";
	case -EACCES:
		return "; run as the account that owns it";
	default:
		return "";
	}
}

int rf_sql_error(sqlite3 *db, int rc, struct rf_diag *diag)
{
	int code = rf_sql_code(db, rc);
	const char *path = db ? sqlite3_db_filename(db, "main") : NULL;

	return rf_diag_at(diag, code, path ? path : "", 0, 0, "%s (%s)%s", rf_err_text(code),
			  db ? sqlite3_errmsg(db) : sqlite3_errstr(rc), mend(code));
}

int rf_sql_run(sqlite3 *db, const char *sql, struct rf_diag *diag)
{
	int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);

	return rc ? rf_sql_error(db, rc, diag) : 0;
}

int rf_sql_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret_stmt, struct rf_diag *diag)
{
	int rc = sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret_stmt, NULL);

	return rc ? rf_sql_error(db, rc, diag) : 0;
}

static int read_int(sqlite3 *db, const char *sql, int *ret, struct rf_diag *diag)
{
	sqlite3_stmt *s;
	int rc = rf_sql_prepare(db, sql, &s, diag);

	if (rc)
		return rc;
	int step = sqlite3_step(s);
	if (step == SQLITE_ROW)
		*ret = sqlite3_column_int(s, 0);
	else
		rc = rf_sql_error(db, step == SQLITE_DONE ? SQLITE_CORRUPT : step, diag);
	sqlite3_finalize(s);
	return rc;
}

static int check_integrity(sqlite3 *db, const char *path, struct rf_diag *diag)
{
	sqlite3_stmt *s;
	int rc = rf_sql_prepare(db, "PRAGMA quick_check(1)", &s, diag);

	if (rc)
		return rc;
	int step = sqlite3_step(s);
	if (step != SQLITE_ROW)
		rc = rf_sql_error(db, step == SQLITE_DONE ? SQLITE_CORRUPT : step, diag);
	else if (!rf_view_eq(rf_sql_view(s, 0), RF_V("ok")))
		rc = rf_diag_at(diag, RF_E_CORRUPT, path, 0, 0, "the database is damaged; restore it from a backup");
	sqlite3_finalize(s);
	return rc;
}

static int step_up(sqlite3 *db, const struct rf_sql_schema *schema, int version, struct rf_diag *diag)
{
	char sql[64];
	int rc = rf_sql_run(db, schema->steps[version], diag);

	if (rc)
		return rc;
	snprintf(sql, sizeof sql, "PRAGMA user_version = %d", version + 1); /* a pragma takes no parameters */
	return rf_sql_run(db, sql, diag);
}

/* All steps in one transaction, under the write lock from the start, so that two that open at once do not both. */
static int migrate(sqlite3 *db, const struct rf_sql_schema *schema, const char *path, struct rf_diag *diag)
{
	int version = 0, rc = rf_sql_run(db, "BEGIN IMMEDIATE", diag);

	if (rc)
		return rc;
	rc = read_int(db, "PRAGMA user_version", &version, diag);
	if (rc == 0 && (version < 0 || version > schema->count))
		rc = rf_diag_at(diag, RF_E_UNSUPPORTED, path, 0, 0,
				"the %s is of version %d, this ringfort knows up to %d; install the newer ringfort",
				schema->what, version, schema->count);
	if (rc == 0 && version == 0) {
		char sql[64];

		snprintf(sql, sizeof sql, "PRAGMA application_id = %d", schema->application_id);
		rc = rf_sql_run(db, sql, diag);
	}
	for (; rc == 0 && version < schema->count; version++)
		rc = step_up(db, schema, version, diag);
	if (rc == 0)
		rc = rf_sql_run(db, "COMMIT", diag);
	if (rc)
		rf_sql_run(db, "ROLLBACK", NULL);
	return rc;
}

static int prepare_file(sqlite3 *db, const struct rf_sql_schema *schema, const char *path, struct rf_diag *diag)
{
	int version = 0, application = 0;

	sqlite3_extended_result_codes(db, 1);
	sqlite3_busy_timeout(db, BUSY_MS);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	int rc = read_int(db, "PRAGMA user_version", &version, diag);
	if (rc == 0)
		rc = read_int(db, "PRAGMA application_id", &application, diag);
	if (rc == 0 && version && application != schema->application_id)
		rc = rf_diag_at(diag, RF_E_CORRUPT, path, 0, 0, "this database is not a %s of ringfort", schema->what);
	if (rc == 0)
		rc = check_integrity(db, path, diag);
	if (rc == 0)
		rc = rf_sql_run(db, "PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL;"
				    "PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY", diag);
	if (rc == 0 && version != schema->count)
		rc = migrate(db, schema, path, diag);
	return rc;
}

/* SQLite would make the file with the umask's mode. */
static int make_file(const char *path, struct rf_diag *diag)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0) {
		int rc = -errno;

		return rf_diag_at(diag, rc, path, 0, 0, "cannot make this file: %s", rf_err_text(rc));
	}
	close(fd);
	return 0;
}

int rf_sql_open(const char *path, bool create, const struct rf_sql_schema *schema, sqlite3 **ret_db,
		struct rf_diag *diag)
{
	sqlite3 *db = NULL;
	int rc = create ? make_file(path, diag) : 0;

	if (rc)
		return rc;
	if (!create && access(path, F_OK)) {
		rc = -errno;
		return rf_diag_at(diag, rc, path, 0, 0, "cannot open the %s: %s; `ringfort init` makes it",
				  schema->what, rf_err_text(rc));
	}
	int sql = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	rc = sql ? rf_sql_error(db, sql, diag) : prepare_file(db, schema, path, diag);
	if (rc) {
		if (diag && !diag->file[0])
			snprintf(diag->file, sizeof diag->file, "%s", path);
		sqlite3_close(db);
		return rc;
	}
	*ret_db = db;
	return 0;
}
