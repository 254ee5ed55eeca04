/* A process that may work in a directory but not walk to it, as a controller that has left root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "role/relative_vfs.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int use_database(void)
{
	sqlite3 *db = NULL;
	int rc = sqlite3_open_v2("state/x.db", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);

	if (!rc)
		rc = sqlite3_exec(db,
				  "PRAGMA journal_mode=WAL; CREATE TABLE IF NOT EXISTS t(x); INSERT INTO t VALUES(1);"
				  "PRAGMA wal_checkpoint(TRUNCATE);",
				  NULL, NULL, NULL);
	sqlite3_close(db);
	return rc;
}

/* 0: the database works; 1: it does not; 2: could not try. */
static int in_child(const char *dir, int relative)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		if (chdir(dir) < 0 || (geteuid() == 0 && setresuid(65534, 65534, 65534) < 0))
			_exit(2);
		struct rf_relative_vfs *v = relative ? rf_relative_vfs_new() : NULL;
		int rc = use_database();
		rf_relative_vfs_free(v);
		_exit(rc != SQLITE_OK);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void works_below_a_closed_directory(void **state)
{
	char dir[] = "/tmp/rf-vfs-XXXXXX", site[64], path[96];

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_non_null(mkdtemp(dir)); /* 0700: nobody else walks through */
	snprintf(site, sizeof site, "%s/site", dir);
	snprintf(path, sizeof path, "%s/site/state", dir);
	assert_int_equal(mkdir(site, 0755), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(chown(path, 65534, 65534), 0);
	assert_int_equal(in_child(site, 0), 1); /* the control: as SQLite does it by itself */
	assert_int_equal(in_child(site, 1), 0);
	assert_int_equal(in_child(site, 1), 0);
	static const char *const files[] = { "x.db", "x.db-wal", "x.db-shm" };
	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof path, "%s/site/state/%s", dir, files[i]);
		unlink(path);
	}
	snprintf(path, sizeof path, "%s/site/state", dir);
	assert_int_equal(rmdir(path), 0);
	rmdir(site);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(works_below_a_closed_directory) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
