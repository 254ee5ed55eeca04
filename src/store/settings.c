#include "store/settings.h"

#include "store/sql.h"

#include <stdlib.h>

static const char *const steps[] = {
	"CREATE TABLE settings ("
	"  number TEXT NOT NULL PRIMARY KEY,"
	"  forward_always TEXT NOT NULL, forward_busy TEXT NOT NULL, forward_no_answer TEXT NOT NULL,"
	"  forward_unreachable TEXT NOT NULL, no_answer_s INTEGER NOT NULL,"
	"  dnd INTEGER NOT NULL, no_call_waiting INTEGER NOT NULL, hide_number INTEGER NOT NULL,"
	"  refuse_anonymous INTEGER NOT NULL) WITHOUT ROWID;",
};

static const struct rf_sql_schema schema = {
	steps, sizeof steps / sizeof *steps, 0x52465331 /* "RFS1" */, "settings of numbers",
};

struct rf_settings_db {
	sqlite3 *db;
	sqlite3_stmt *put, *remove, *get;
};

bool rf_settings_target_ok(struct rf_view target)
{
	size_t digits = 0;

	if (target.n == 0 || target.n > RF_SETTINGS_TARGET_MAX)
		return false;
	for (size_t i = 0; i < target.n; i++) {
		uint8_t c = target.p[i];

		if (c >= '0' && c <= '9')
			digits++;
		else if (c != '*' && c != '#' && !(c == '+' && i == 0))
			return false;
	}
	return digits > 0;
}

bool rf_settings_empty(const struct rf_settings *s)
{
	for (int i = 0; i < RF_FORWARDS; i++)
		if (s->forward[i][0])
			return false;
	return !s->no_answer_s && !s->dnd && !s->no_call_waiting && !s->hide_number && !s->refuse_anonymous;
}

void rf_settings_apply(struct rf_settings *s, const struct rf_settings_change *change)
{
	const struct rf_settings *to = &change->to;
	unsigned f = change->fields;

	for (unsigned i = 0; i < RF_FORWARDS; i++)
		if (f & (unsigned)RF_SET_FORWARD << i)
			memcpy(s->forward[i], to->forward[i], sizeof s->forward[i]);
	if (f & RF_SET_NO_ANSWER_S)
		s->no_answer_s = to->no_answer_s;
	if (f & RF_SET_DND)
		s->dnd = to->dnd;
	if (f & RF_SET_CALL_WAITING)
		s->no_call_waiting = to->no_call_waiting;
	if (f & RF_SET_HIDE_NUMBER)
		s->hide_number = to->hide_number;
	if (f & RF_SET_REFUSE_ANONYMOUS)
		s->refuse_anonymous = to->refuse_anonymous;
}

#define COLUMNS "number, forward_always, forward_busy, forward_no_answer, forward_unreachable, no_answer_s, dnd, " \
		"no_call_waiting, hide_number, refuse_anonymous"

static int prepare(struct rf_settings_db *db, struct rf_diag *diag)
{
	int rc = rf_sql_prepare(db->db, "INSERT OR REPLACE INTO settings (" COLUMNS ") "
					"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)", &db->put, diag);

	if (!rc)
		rc = rf_sql_prepare(db->db, "DELETE FROM settings WHERE number = ?1", &db->remove, diag);
	if (!rc)
		rc = rf_sql_prepare(db->db, "SELECT " COLUMNS " FROM settings WHERE number = ?1", &db->get, diag);
	return rc;
}

int rf_settings_db_open(const char *path, bool create, struct rf_settings_db **ret_db, struct rf_diag *diag)
{
	struct rf_settings_db *db = calloc(1, sizeof *db);

	if (!db)
		return rf_diag_set(diag, -ENOMEM, "out of memory");
	int rc = rf_sql_open(path, create, &schema, &db->db, diag);

	if (!rc)
		rc = prepare(db, diag);
	if (rc) {
		rf_settings_db_close(db);
		return rc;
	}
	*ret_db = db;
	return 0;
}

void rf_settings_db_close(struct rf_settings_db *db)
{
	if (!db)
		return;
	sqlite3_finalize(db->put);
	sqlite3_finalize(db->remove);
	sqlite3_finalize(db->get);
	sqlite3_close(db->db);
	free(db);
}

/* A row into *ret_s. What an other hand put in, and no command would have, is as if it was not set. */
static void read_row(sqlite3_stmt *q, struct rf_settings *ret_s)
{
	*ret_s = (struct rf_settings){ 0 };
	for (int i = 0; i < RF_FORWARDS; i++) {
		struct rf_view target = rf_sql_view(q, 1 + i);

		if (rf_settings_target_ok(target))
			memcpy(ret_s->forward[i], target.p, target.n);
	}
	int wait = sqlite3_column_int(q, 5);

	if (wait >= RF_SETTINGS_WAIT_MIN_S && wait <= RF_SETTINGS_WAIT_MAX_S)
		ret_s->no_answer_s = (uint16_t)wait;
	ret_s->dnd = sqlite3_column_int(q, 6) != 0;
	ret_s->no_call_waiting = sqlite3_column_int(q, 7) != 0;
	ret_s->hide_number = sqlite3_column_int(q, 8) != 0;
	ret_s->refuse_anonymous = sqlite3_column_int(q, 9) != 0;
}

int rf_settings_db_get(struct rf_settings_db *db, struct rf_view number, struct rf_settings *ret_s,
		       struct rf_diag *diag)
{
	int rc = 0;

	*ret_s = (struct rf_settings){ 0 };
	rf_sql_text(db->get, 1, number);
	int step = sqlite3_step(db->get);

	if (step == SQLITE_ROW)
		read_row(db->get, ret_s);
	else if (step != SQLITE_DONE)
		rc = rf_sql_error(db->db, step, diag);
	sqlite3_reset(db->get);
	return rc;
}

int rf_settings_db_put(struct rf_settings_db *db, struct rf_view number, const struct rf_settings *s,
		       struct rf_diag *diag)
{
	sqlite3_stmt *q = rf_settings_empty(s) ? db->remove : db->put;

	rf_sql_text(q, 1, number);
	if (q == db->put) {
		for (int i = 0; i < RF_FORWARDS; i++)
			rf_sql_text(q, 2 + i, rf_view_str(s->forward[i]));
		sqlite3_bind_int(q, 6, s->no_answer_s);
		sqlite3_bind_int(q, 7, s->dnd);
		sqlite3_bind_int(q, 8, s->no_call_waiting);
		sqlite3_bind_int(q, 9, s->hide_number);
		sqlite3_bind_int(q, 10, s->refuse_anonymous);
	}
	int step = sqlite3_step(q), rc = step == SQLITE_DONE ? 0 : rf_sql_error(db->db, step, diag);

	sqlite3_reset(q);
	return rc;
}

int rf_settings_db_walk(struct rf_settings_db *db,
			int (*visit)(void *ctx, struct rf_view number, const struct rf_settings *s), void *ctx,
			struct rf_diag *diag)
{
	sqlite3_stmt *q;
	int step, rc = rf_sql_prepare(db->db, "SELECT " COLUMNS " FROM settings ORDER BY number", &q, diag);

	if (rc)
		return rc;
	while (rc == 0 && (step = sqlite3_step(q)) != SQLITE_DONE) {
		struct rf_settings s;

		if (step != SQLITE_ROW) {
			rc = rf_sql_error(db->db, step, diag);
			break;
		}
		read_row(q, &s);
		rc = visit(ctx, rf_sql_view(q, 0), &s);
	}
	sqlite3_finalize(q);
	return rc;
}
