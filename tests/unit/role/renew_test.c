/* Files that are written anew: noticed once they stand still, whatever way they were written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "role/renew.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void put_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void by_rename(const char *path, const char *text)
{
	char temp[128];

	snprintf(temp, sizeof temp, "%s.new", path);
	put_file(temp, text);
	assert_int_equal(rename(temp, path), 0);
}

static void notices(void **state)
{
	char dir[] = "/tmp/rf-renew-XXXXXX", a[64], b[64];
	struct rf_renew r = { 0 };

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(a, sizeof a, "%s/a", dir);
	snprintf(b, sizeof b, "%s/b", dir);
	put_file(a, "one");
	rf_renew_add(&r, a);
	rf_renew_add(&r, b); /* not there yet */
	rf_renew_add(&r, a);
	assert_int_equal(r.n, 2);
	assert_false(rf_renew_look(&r));
	by_rename(a, "two"); /* of the same size */
	assert_false(rf_renew_look(&r)); /* perhaps more comes */
	assert_true(rf_renew_look(&r));
	assert_false(rf_renew_look(&r));
	/* as long as something moves nothing is read */
	by_rename(a, "three");
	assert_false(rf_renew_look(&r));
	put_file(b, "x");
	assert_false(rf_renew_look(&r));
	put_file(b, "xy");
	assert_false(rf_renew_look(&r));
	assert_true(rf_renew_look(&r));
	/* taken for another reason: nothing is due */
	by_rename(a, "four");
	assert_true(rf_renew_take(&r));
	assert_false(rf_renew_take(&r));
	assert_false(rf_renew_look(&r));
	assert_false(rf_renew_look(&r));
	/* gone counts, too */
	unlink(b);
	assert_false(rf_renew_look(&r));
	assert_true(rf_renew_look(&r));
	unlink(a);
	rmdir(dir);
}

static void bounds(void **state)
{
	struct rf_renew r = { 0 };
	char path[2 * RF_RENEW_PATH];

	(void)state;
	memset(path, 'x', sizeof path);
	path[sizeof path - 1] = 0;
	rf_renew_add(&r, path);
	assert_int_equal(r.n, 0);
	for (unsigned i = 0; i < 2 * RF_RENEW_FILES; i++) {
		snprintf(path, sizeof path, "/nonexistent/%u", i);
		rf_renew_add(&r, path);
	}
	assert_int_equal(r.n, RF_RENEW_FILES);
	assert_false(rf_renew_look(&r));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(notices), cmocka_unit_test(bounds) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
