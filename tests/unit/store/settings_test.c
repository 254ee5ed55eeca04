/* Settings of numbers on disk, and as people write them. */
#include "store/settings.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

struct place {
	char dir[64], path[96];
};

static int setup(void **state)
{
	struct place *p = calloc(1, sizeof *p);

	snprintf(p->dir, sizeof p->dir, "/tmp/rf-settings-XXXXXX");
	if (!mkdtemp(p->dir))
		return -1;
	snprintf(p->path, sizeof p->path, "%s/settings.db", p->dir);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;
	char cmd[96];

	snprintf(cmd, sizeof cmd, "rm -r %s", p->dir);
	int rc = system(cmd);
	free(p);
	return rc;
}

static struct rf_settings_db *open_db(struct place *p)
{
	struct rf_settings_db *db;
	struct rf_diag d = { 0 };

	assert_int_equal(rf_settings_db_open(p->path, true, &db, &d), 0);
	return db;
}

static void change(struct rf_settings *s, const char *name, const char *value, int want)
{
	struct rf_settings_change c = { 0 };
	struct rf_diag d = { 0 };

	assert_int_equal(rf_settings_change_text(&c, rf_view_str(name), rf_view_str(value), &d), want);
	if (!want)
		rf_settings_apply(s, &c);
	else
		assert_true(d.text[0]);
}

static int seen(void *ctx, struct rf_view number, const struct rf_settings *s)
{
	char *line = ctx;

	sprintf(line + strlen(line), "%.*s:%s ", RF_VFMT(number), s->forward[RF_FORWARD_BUSY]);
	return 0;
}

static void kept(void **state)
{
	struct place *p = *state;
	struct rf_settings_db *db = open_db(p);
	struct rf_settings s = { 0 }, t;
	char line[200] = "";

	change(&s, "forward_busy", "+4930123", 0);
	change(&s, "no_answer_seconds", "12", 0);
	change(&s, "do_not_disturb", "on", 0);
	change(&s, "call_waiting", "off", 0);
	change(&s, "hide_number", "on", 0);
	change(&s, "refuse_anonymous", "on", 0);
	assert_int_equal(rf_settings_db_put(db, RF_V("1002"), &s, NULL), 0);
	assert_int_equal(rf_settings_db_put(db, RF_V("1001"), &s, NULL), 0);
	rf_settings_db_close(db);
	db = open_db(p);
	assert_int_equal(rf_settings_db_get(db, RF_V("1002"), &t, NULL), 0);
	assert_memory_equal(&s, &t, sizeof s);
	assert_int_equal(rf_settings_db_walk(db, seen, line, NULL), 0);
	assert_string_equal(line, "1001:+4930123 1002:+4930123 ");
	assert_int_equal(rf_settings_db_put(db, RF_V("1002"), &(struct rf_settings){ 0 }, NULL), 0);
	line[0] = 0;
	assert_int_equal(rf_settings_db_walk(db, seen, line, NULL), 0);
	assert_string_equal(line, "1001:+4930123 ");
	assert_int_equal(rf_settings_db_get(db, RF_V("1002"), &t, NULL), 0);
	assert_true(rf_settings_empty(&t));
	rf_settings_db_close(db);
}

static void words(void **state)
{
	static const struct {
		const char *name, *value;
		int rc;
	} rows[] = {
		{ "forward_always", "1001", 0 },	{ "forward_always", "off", 0 },
		{ "forward_always", "", 0 },		{ "forward_always", "*98", 0 },
		{ "forward_always", "a", RF_E_INVALID }, { "forward_always", "+", RF_E_INVALID },
		{ "forward_always", "1+1", RF_E_INVALID }, { "forward_always", "10 01", RF_E_INVALID },
		{ "forward_always", "1234567890123456789012345678901234567890", 0 },
		{ "forward_always", "12345678901234567890123456789012345678901", RF_E_INVALID },
		{ "no_answer_seconds", "5", 0 },	{ "no_answer_seconds", "120", 0 },
		{ "no_answer_seconds", "4", RF_E_INVALID }, { "no_answer_seconds", "121", RF_E_INVALID },
		{ "do_not_disturb", "yes", RF_E_INVALID }, { "sing", "on", RF_E_NOT_FOUND },
	};
	struct rf_settings s = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		change(&s, rows[i].name, rows[i].value, rows[i].rc);
}

static void lines(void **state)
{
	struct rf_settings_change c = { 0 };
	char line[RF_SETTINGS_LINE_MAX];
	struct rf_settings s = { 0 };

	(void)state;
	rf_settings_change_text(&c, RF_V("forward_busy"), RF_V("1001"), NULL);
	rf_settings_change_text(&c, RF_V("call_waiting"), RF_V("off"), NULL);
	rf_settings_apply(&s, &c);
	assert_string_equal(rf_settings_change_line(&c, &s, line), "forward_busy=1001 call_waiting=off");
	assert_string_equal(rf_settings_change_line(&(struct rf_settings_change){ .fields = RF_SET_ALL },
						    &(struct rf_settings){ 0 }, line), "nothing");
}

/* What another hand wrote is not believed where no command would write it. */
static void strange_rows(void **state)
{
	struct place *p = *state;
	struct rf_settings_db *db = open_db(p);
	struct rf_settings s;
	sqlite3 *raw;

	rf_settings_db_close(db);
	assert_int_equal(sqlite3_open(p->path, &raw), SQLITE_OK);
	assert_int_equal(sqlite3_exec(raw, "INSERT INTO settings VALUES ('1', 'sip:x@y', '1002', "
					   "'123456789012345678901234567890123456789012345', '', 99999, 1, 0, 0, 0)",
				      NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(raw);
	db = open_db(p);
	assert_int_equal(rf_settings_db_get(db, RF_V("1"), &s, NULL), 0);
	assert_string_equal(s.forward[RF_FORWARD_ALWAYS], "");
	assert_string_equal(s.forward[RF_FORWARD_BUSY], "1002");
	assert_string_equal(s.forward[RF_FORWARD_NO_ANSWER], "");
	assert_true(s.no_answer_s == 0 && s.dnd);
	rf_settings_db_close(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(kept, setup, teardown),
		cmocka_unit_test(words),
		cmocka_unit_test(lines),
		cmocka_unit_test_setup_teardown(strange_rows, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
