#include "store/store.h"

#include "base/secret.h"
#include "store/sql.h"

#include <stdlib.h>

static const char *const steps[] = {
	"CREATE TABLE users ("
	"  name TEXT NOT NULL PRIMARY KEY, number TEXT NOT NULL, locked INTEGER NOT NULL DEFAULT 0,"
	"  sha256 BLOB, sha512_256 BLOB, md5 BLOB,"
	"  created INTEGER NOT NULL, changed INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE certificates ("
	"  serial BLOB NOT NULL PRIMARY KEY, phone TEXT NOT NULL, subject TEXT NOT NULL, sha256 BLOB NOT NULL,"
	"  host INTEGER NOT NULL, not_before INTEGER NOT NULL, not_after INTEGER NOT NULL,"
	"  revoked_at INTEGER) WITHOUT ROWID;"
	"CREATE INDEX certificates_by_phone ON certificates (phone);"
	"CREATE TABLE phone_locks (phone TEXT NOT NULL PRIMARY KEY) WITHOUT ROWID;",
	"ALTER TABLE users ADD COLUMN class TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE users ADD COLUMN class_until INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE users ADD COLUMN precedence TEXT NOT NULL DEFAULT '';",
};

static const struct rf_sql_schema schema = {
	steps, sizeof steps / sizeof *steps, 0x52464431 /* "RFD1" */, "directory",
};

struct rf_store {
	sqlite3 *db;
	int data_version;
};

static int read_version(struct rf_store *s, int *ret_version)
{
	sqlite3_stmt *q;
	int rc = rf_sql_prepare(s->db, "PRAGMA data_version", &q, NULL);

	if (rc)
		return rc;
	int step = sqlite3_step(q);
	if (step == SQLITE_ROW)
		*ret_version = sqlite3_column_int(q, 0);
	else
		rc = rf_sql_code(s->db, step);
	sqlite3_finalize(q);
	return rc;
}

int rf_store_open(const char *path, bool create, struct rf_store **ret_store, struct rf_diag *diag)
{
	struct rf_store *s = calloc(1, sizeof *s);

	if (!s)
		return rf_diag_set(diag, -ENOMEM, "out of memory");
	int rc = rf_sql_open(path, create, &schema, &s->db, diag);
	if (rc == 0)
		rc = read_version(s, &s->data_version);
	if (rc) {
		rf_store_close(s);
		return rc;
	}
	*ret_store = s;
	return 0;
}

void rf_store_close(struct rf_store *s)
{
	if (!s)
		return;
	sqlite3_close(s->db);
	free(s);
}

int rf_store_changed(struct rf_store *s, bool *ret_changed)
{
	int version = 0, rc = read_version(s, &version);

	if (rc)
		return rc;
	*ret_changed = version != s->data_version;
	s->data_version = version;
	return 0;
}

int rf_store_begin(struct rf_store *s, struct rf_diag *diag)
{
	return rf_sql_run(s->db, "BEGIN IMMEDIATE", diag);
}

int rf_store_commit(struct rf_store *s, struct rf_diag *diag)
{
	int rc = rf_sql_run(s->db, "COMMIT", diag);

	if (rc)
		rf_store_rollback(s);
	return rc;
}

void rf_store_rollback(struct rf_store *s)
{
	rf_sql_run(s->db, "ROLLBACK", NULL);
}

/* Step a statement that changes, release it; none changed: RF_E_NOT_FOUND with `missing`. */
static int change(struct rf_store *s, sqlite3_stmt *q, const char *missing, struct rf_diag *diag)
{
	int step = sqlite3_step(q), rc = 0;

	if (step != SQLITE_DONE)
		rc = rf_sql_error(s->db, step, diag);
	else if (missing && sqlite3_changes(s->db) == 0)
		rc = rf_diag_set(diag, RF_E_NOT_FOUND, "%s", missing);
	sqlite3_finalize(q);
	return rc;
}

static void bind_ha1(sqlite3_stmt *q, int first, const struct rf_store_user *u)
{
	for (int i = 0; i < RF_DIGEST_ALGS; i++) {
		if (u->algs & RF_DIGEST_BIT(i))
			rf_sql_blob(q, first + i, rf_view_of(u->ha1[i].b, rf_digest_alg_bytes((enum rf_digest_alg)i)));
		else
			sqlite3_bind_null(q, first + i);
	}
}

int rf_store_user_add(struct rf_store *s, const struct rf_store_user *u, struct rf_diag *diag)
{
	sqlite3_stmt *q;
	int rc = rf_sql_prepare(s->db, "INSERT INTO users (name, number, locked, sha256, sha512_256, md5, created, "
				       "changed) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)", &q, diag);

	if (rc)
		return rc;
	rf_sql_text(q, 1, u->name);
	rf_sql_text(q, 2, u->number);
	sqlite3_bind_int(q, 3, u->locked);
	bind_ha1(q, 4, u);
	sqlite3_bind_int64(q, 7, u->created.us);
	sqlite3_bind_int64(q, 8, u->changed.us);
	rc = change(s, q, NULL, diag);
	if (rc == RF_E_EXISTS)
		rf_diag_set(diag, rc, "there is a user \"%.*s\" already; `ringfort user passwd` changes the password",
			    RF_VFMT(u->name));
	return rc;
}

#define NO_SUCH_USER "there is no such user; `ringfort user list` shows them"

int rf_store_user_passwd(struct rf_store *s, const struct rf_store_user *u, struct rf_diag *diag)
{
	sqlite3_stmt *q;
	int rc = rf_sql_prepare(s->db, "UPDATE users SET sha256 = ?2, sha512_256 = ?3, md5 = ?4, changed = ?5 "
				       "WHERE name = ?1", &q, diag);

	if (rc)
		return rc;
	rf_sql_text(q, 1, u->name);
	bind_ha1(q, 2, u);
	sqlite3_bind_int64(q, 5, u->changed.us);
	return change(s, q, NO_SUCH_USER, diag);
}

int rf_store_user_lock(struct rf_store *s, struct rf_view name, bool locked, struct rf_diag *diag)
{
	sqlite3_stmt *q;
	int rc = rf_sql_prepare(s->db, "UPDATE users SET locked = ?2 WHERE name = ?1", &q, diag);

	if (rc)
		return rc;
	rf_sql_text(q, 1, name);
	sqlite3_bind_int(q, 2, locked);
	return change(s, q, NO_SUCH_USER, diag);
}

int rf_store_user_class(struct rf_store *s, const struct rf_store_user *u, struct rf_diag *diag)
{
	sqlite3_stmt *q;
	int rc = rf_sql_prepare(s->db, "UPDATE users SET class = ?2, class_until = ?3 WHERE name = ?1", &q, diag);

	if (rc)
		return rc;
	rf_sql_text(q, 1, u->name);
	rf_sql_text(q, 2, u->class_name);
	sqlite3_bind_int64(q, 3, u->class_until_s);
	return change(s, q, NO_SUCH_USER, diag);
}

int rf_store_user_precedence(struct rf_store *s, const struct rf_store_user *u, struct rf_diag *diag)
{
	sqlite3_stmt *q;
	int rc = rf_sql_prepare(s->db, "UPDATE users SET precedence = ?2 WHERE name = ?1", &q, diag);

	if (rc)
		return rc;
	rf_sql_text(q, 1, u->name);
	rf_sql_text(q, 2, u->precedence);
	return change(s, q, NO_SUCH_USER, diag);
}

int rf_store_user_remove(struct rf_store *s, struct rf_view name, struct rf_diag *diag)
{
	sqlite3_stmt *q;
	int rc = rf_sql_prepare(s->db, "DELETE FROM users WHERE name = ?1", &q, diag);

	if (rc)
		return rc;
	rf_sql_text(q, 1, name);
	return change(s, q, NO_SUCH_USER, diag);
}

/* Call back for each row; release the statement. */
static int walk(struct rf_store *s, sqlite3_stmt *q, int (*row)(sqlite3_stmt *q, void *arg), void *arg,
		struct rf_diag *diag)
{
	int step, rc = 0;

	while (rc == 0 && (step = sqlite3_step(q)) != SQLITE_DONE)
		rc = step == SQLITE_ROW ? row(q, arg) : rf_sql_error(s->db, step, diag);
	sqlite3_finalize(q);
	return rc;
}

struct visit_user {
	int (*visit)(void *ctx, const struct rf_store_user *u);
	void *ctx;
};

static int user_row(sqlite3_stmt *q, void *arg)
{
	const struct visit_user *v = arg;
	struct rf_store_user u = {
		.name = rf_sql_view(q, 0), .number = rf_sql_view(q, 1), .locked = sqlite3_column_int(q, 2) != 0,
		.created = { sqlite3_column_int64(q, 6) }, .changed = { sqlite3_column_int64(q, 7) },
		.class_name = rf_sql_view(q, 8), .class_until_s = sqlite3_column_int64(q, 9),
		.precedence = rf_sql_view(q, 10),
	};

	for (int i = 0; i < RF_DIGEST_ALGS; i++) {
		struct rf_view ha1 = rf_sql_view(q, 3 + i);

		if (ha1.n && ha1.n == rf_digest_alg_bytes((enum rf_digest_alg)i)) {
			memcpy(u.ha1[i].b, ha1.p, ha1.n);
			u.algs |= RF_DIGEST_BIT(i);
		}
	}
	int rc = v->visit(v->ctx, &u);
	rf_secret_wipe(u.ha1, sizeof u.ha1);
	return rc;
}

int rf_store_users(struct rf_store *s, int (*visit)(void *ctx, const struct rf_store_user *u), void *ctx,
		   struct rf_diag *diag)
{
	struct visit_user v = { visit, ctx };
	sqlite3_stmt *q;
	int rc = rf_sql_prepare(s->db, "SELECT name, number, locked, sha256, sha512_256, md5, created, changed, "
				       "class, class_until, precedence FROM users ORDER BY name", &q, diag);

	return rc ? rc : walk(s, q, user_row, &v, diag);
}

int rf_store_cert_add(struct rf_store *s, const struct rf_store_cert *c, struct rf_diag *diag)
{
	sqlite3_stmt *q;
	int rc = rf_sql_prepare(s->db, "INSERT INTO certificates (serial, phone, subject, sha256, host, not_before, "
				       "not_after) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)", &q, diag);

	if (rc)
		return rc;
	rf_sql_blob(q, 1, c->serial);
	rf_sql_text(q, 2, c->phone);
	rf_sql_text(q, 3, c->subject);
	rf_sql_blob(q, 4, rf_view_of(c->sha256, sizeof c->sha256));
	sqlite3_bind_int(q, 5, c->host);
	sqlite3_bind_int64(q, 6, c->not_before.us);
	sqlite3_bind_int64(q, 7, c->not_after.us);
	return change(s, q, NULL, diag);
}

int rf_store_cert_revoke(struct rf_store *s, bool host, struct rf_view name, struct rf_wall when, size_t *ret_n,
			 struct rf_diag *diag)
{
	sqlite3_stmt *q;
	int rc = rf_sql_prepare(s->db, "UPDATE certificates SET revoked_at = ?2 "
				       "WHERE phone = ?1 AND host = ?3 AND revoked_at IS NULL", &q, diag);

	if (rc)
		return rc;
	rf_sql_text(q, 1, name);
	sqlite3_bind_int64(q, 2, when.us);
	sqlite3_bind_int(q, 3, host);
	rc = change(s, q, NULL, diag);
	if (rc == 0)
		*ret_n = (size_t)sqlite3_changes(s->db);
	return rc;
}

struct visit_cert {
	int (*visit)(void *ctx, const struct rf_store_cert *c);
	void *ctx;
};

static int cert_row(sqlite3_stmt *q, void *arg)
{
	const struct visit_cert *v = arg;
	struct rf_view sha256 = rf_sql_view(q, 3);
	struct rf_store_cert c = {
		.serial = rf_sql_view(q, 0), .phone = rf_sql_view(q, 1), .subject = rf_sql_view(q, 2),
		.host = sqlite3_column_int(q, 4) != 0, .not_before = { sqlite3_column_int64(q, 5) },
		.not_after = { sqlite3_column_int64(q, 6) }, .revoked = sqlite3_column_type(q, 7) != SQLITE_NULL,
		.revoked_at = { sqlite3_column_int64(q, 7) },
	};

	if (sha256.n != sizeof c.sha256)
		return RF_E_CORRUPT;
	memcpy(c.sha256, sha256.p, sizeof c.sha256);
	return v->visit(v->ctx, &c);
}

int rf_store_certs(struct rf_store *s, int (*visit)(void *ctx, const struct rf_store_cert *c), void *ctx,
		   struct rf_diag *diag)
{
	struct visit_cert v = { visit, ctx };
	sqlite3_stmt *q;
	int rc = rf_sql_prepare(s->db, "SELECT serial, phone, subject, sha256, host, not_before, not_after, revoked_at "
				       "FROM certificates ORDER BY phone, not_before", &q, diag);

	return rc ? rc : walk(s, q, cert_row, &v, diag);
}

int rf_store_phone_lock(struct rf_store *s, struct rf_view phone, bool locked, struct rf_diag *diag)
{
	sqlite3_stmt *q;
	int rc = rf_sql_prepare(s->db, locked ? "INSERT OR IGNORE INTO phone_locks (phone) VALUES (?1)"
					      : "DELETE FROM phone_locks WHERE phone = ?1", &q, diag);

	if (rc)
		return rc;
	rf_sql_text(q, 1, phone);
	return change(s, q, NULL, diag);
}

struct visit_lock {
	int (*visit)(void *ctx, struct rf_view phone);
	void *ctx;
};

static int lock_row(sqlite3_stmt *q, void *arg)
{
	const struct visit_lock *v = arg;

	return v->visit(v->ctx, rf_sql_view(q, 0));
}

int rf_store_phone_locks(struct rf_store *s, int (*visit)(void *ctx, struct rf_view phone), void *ctx,
			 struct rf_diag *diag)
{
	struct visit_lock v = { visit, ctx };
	sqlite3_stmt *q;
	int rc = rf_sql_prepare(s->db, "SELECT phone FROM phone_locks ORDER BY phone", &q, diag);

	return rc ? rc : walk(s, q, lock_row, &v, diag);
}
