#include "store/bindings_int.h"

static const char *const steps[] = {
	"CREATE TABLE bindings (aor TEXT NOT NULL, key BLOB NOT NULL, expires INTEGER NOT NULL, record BLOB NOT NULL,"
	"  PRIMARY KEY (aor, key)) WITHOUT ROWID;",
};

static const struct rf_sql_schema schema = {
	steps, sizeof steps / sizeof *steps, 0x52464231 /* "RFB1" */, "store of bindings",
};

static int prepare_all(struct rf_bindings_db *b, struct rf_diag *diag)
{
	const struct { sqlite3_stmt **stmt; const char *sql; } all[] = {
		{ &b->begin, "BEGIN IMMEDIATE" },
		{ &b->commit, "COMMIT" },
		{ &b->rollback, "ROLLBACK" },
		{ &b->savepoint, "SAVEPOINT change" },
		{ &b->release, "RELEASE change" },
		{ &b->back, "ROLLBACK TO change" },
		{ &b->put, "INSERT INTO bindings (aor, key, expires, record) VALUES (?1, ?2, ?3, ?4) "
			   "ON CONFLICT (aor, key) DO UPDATE SET expires = excluded.expires, record = excluded.record" },
		{ &b->remove, "DELETE FROM bindings WHERE aor = ?1 AND key = ?2" },
		{ &b->clear, "DELETE FROM bindings WHERE aor = ?1" },
		{ &b->expire, "DELETE FROM bindings WHERE expires < ?1" },
	};
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < sizeof all / sizeof *all; i++)
		rc = rf_sql_prepare(b->db, all[i].sql, all[i].stmt, diag);
	return rc;
}

int rf_bindings_db_open(const char *path, bool power_safe, struct rf_bindings_db *ret_db, struct rf_diag *diag)
{
	struct rf_bindings_db b = { 0 };
	int rc = rf_sql_open(path, true, &schema, &b.db, diag);

	if (rc)
		return rc;
	/* In WAL mode NORMAL writes at each commit and syncs at checkpoints: what is committed outlives the process
	 * but not the power. Pages of 4 KiB: checkpoint every 16 MiB. Nobody else opens this file while we run, so its
	 * locks are taken once and not for every group. */
	rc = rf_sql_run(b.db, power_safe ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL", diag);
	if (rc == 0)
		rc = rf_sql_run(b.db, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA wal_autocheckpoint = 4096; "
				      "PRAGMA cache_size = -16384", diag);
	if (rc == 0)
		rc = prepare_all(&b, diag);
	if (rc) {
		rf_bindings_db_close(&b);
		return rc;
	}
	*ret_db = b;
	return 0;
}

void rf_bindings_db_close(struct rf_bindings_db *b)
{
	sqlite3_stmt *const all[] = {
		b->begin, b->commit, b->rollback, b->savepoint, b->release, b->back, b->put, b->remove, b->clear,
		b->expire,
	};

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		sqlite3_finalize(all[i]);
	sqlite3_close(b->db);
	*b = (struct rf_bindings_db){ 0 };
}

/* Step a statement that gives no rows, and make it ready again. */
static int run(struct rf_bindings_db *b, sqlite3_stmt *s)
{
	int step = sqlite3_step(s), rc = step == SQLITE_DONE ? 0 : rf_sql_code(b->db, step);

	sqlite3_reset(s);
	return rc;
}

static int write_op(struct rf_bindings_db *b, const struct rf_change *c, const struct rf_change_op *op)
{
	switch (op->what) {
	case RF_CHANGE_PUT:
		rf_sql_text(b->put, 1, c->aor);
		rf_sql_blob(b->put, 2, op->key);
		sqlite3_bind_int64(b->put, 3, op->expires_us);
		rf_sql_blob(b->put, 4, op->record);
		return run(b, b->put);
	case RF_CHANGE_REMOVE:
		rf_sql_text(b->remove, 1, c->aor);
		rf_sql_blob(b->remove, 2, op->key);
		return run(b, b->remove);
	case RF_CHANGE_CLEAR:
		rf_sql_text(b->clear, 1, c->aor);
		return run(b, b->clear);
	case RF_CHANGE_EXPIRE:
		sqlite3_bind_int64(b->expire, 1, op->expires_us);
		return run(b, b->expire);
	}
	return RF_E_STATE;
}

/* One statement is whole by itself; several get a savepoint. */
static int write_change(struct rf_bindings_db *b, const struct rf_change *c)
{
	int rc = c->n > 1 ? run(b, b->savepoint) : 0;

	if (rc)
		return rc;
	for (size_t i = 0; rc == 0 && i < c->n; i++)
		rc = write_op(b, c, &c->ops[i]);
	if (c->n > 1 && !sqlite3_get_autocommit(b->db)) {
		if (rc)
			run(b, b->back);
		run(b, b->release);
	}
	return rc;
}

static void fail_all(struct rf_change *group, const struct rf_change *end, int rc)
{
	for (struct rf_change *c = group; c != end; c = c->next)
		if (!c->rc)
			c->rc = rc;
}

int rf_bindings_db_write(struct rf_bindings_db *b, struct rf_change *group)
{
	int rc = run(b, b->begin);

	if (rc) {
		fail_all(group, NULL, rc);
		return rc;
	}
	for (struct rf_change *c = group; c; c = c->next) {
		c->rc = write_change(b, c);
		if (!sqlite3_get_autocommit(b->db))
			continue;
		/* A full or failing disk made SQLite roll back all that came before in this group. */
		rc = c->rc ? c->rc : -EIO;
		fail_all(group, c->next, rc);
		fail_all(c->next, NULL, rc);
		return rc;
	}
	rc = run(b, b->commit);
	if (rc) {
		if (!sqlite3_get_autocommit(b->db))
			run(b, b->rollback);
		fail_all(group, NULL, rc);
	}
	return rc;
}

int rf_bindings_db_load(struct rf_bindings_db *b, struct rf_wall now,
			int (*visit)(void *ctx, struct rf_view aor, const struct rf_stored_binding *s), void *ctx,
			struct rf_diag *diag)
{
	sqlite3_stmt *q;
	int step = SQLITE_DONE, rc = rf_sql_prepare(b->db, "SELECT aor, key, expires, record FROM bindings "
							   "WHERE expires > ?1", &q, diag);

	if (rc)
		return rc;
	sqlite3_bind_int64(q, 1, now.us);
	while (rc == 0 && (step = sqlite3_step(q)) == SQLITE_ROW) {
		struct rf_stored_binding s = { .key = rf_sql_view(q, 1), .expires = { sqlite3_column_int64(q, 2) } };

		rc = rf_record_get(rf_sql_view(q, 3), &s);
		if (rc)
			rf_diag_set(diag, rc, "a stored binding cannot be read");
		else
			rc = visit(ctx, rf_sql_view(q, 0), &s);
	}
	if (rc == 0 && step != SQLITE_DONE)
		rc = rf_sql_error(b->db, step, diag);
	sqlite3_finalize(q);
	return rc;
}
