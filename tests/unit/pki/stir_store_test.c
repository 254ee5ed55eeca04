#include "pki/stir_store.h"

#include "pki/stir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

struct seen {
	unsigned n;
	char last[64];
	int answer;
};

static int visit(void *arg, struct rf_view url, struct rf_view pem)
{
	struct seen *s = arg;

	assert_true(rf_view_starts(pem, RF_V("pem of ")));
	assert_true(rf_view_eq(rf_view_from(pem, 7), url));
	assert_true(rf_view_cstr(url, s->last, sizeof s->last));
	s->n++;
	return s->answer;
}

static void kept_and_found(void **state)
{
	char dir[] = "/tmp/rf-store-XXXXXX", path[128], command[160];
	static uint8_t big[RF_STIR_CERT_BYTES + 1];
	struct rf_diag diag = { 0 };
	struct seen s = { 0 };

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(rf_stir_store_each(dir, visit, &s, &diag), 0); /* no folder, nothing in it */
	assert_int_not_equal(rf_stir_store_put(dir, RF_V("u1"), RF_V("pem of u1"), &diag), 0); /* no state/ */
	snprintf(path, sizeof path, "%s/state", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(rf_stir_store_put(dir, RF_V("u1"), RF_V("pem of old"), &diag), 0);
	assert_int_equal(rf_stir_store_put(dir, RF_V("u1"), RF_V("pem of u1"), &diag), 0);
	assert_int_equal(rf_stir_store_put(dir, RF_V("u2"), RF_V("pem of u2"), &diag), 0);
	assert_int_equal(rf_stir_store_put(dir, RF_V("u3"), rf_view_of(big, sizeof big), &diag), RF_E_LIMIT);
	assert_int_equal(rf_stir_store_put(dir, RF_V(""), RF_V("x"), &diag), RF_E_LIMIT);
	snprintf(path, sizeof path, "%s/state/stir/other.pem", dir); /* not one of ours: no URL */
	FILE *f = fopen(path, "w");
	fputs("-", f);
	fclose(f);
	assert_int_equal(rf_stir_store_each(dir, visit, &s, &diag), 0);
	assert_int_equal(s.n, 2);
	s = (struct seen){ .answer = 7 };
	assert_int_equal(rf_stir_store_each(dir, visit, &s, &diag), 7);
	assert_int_equal(s.n, 1);
	assert_int_equal(rf_stir_store_remove(dir, RF_V("u1"), &diag), 0);
	assert_int_equal(rf_stir_store_remove(dir, RF_V("u1"), &diag), RF_E_NOT_FOUND);
	s = (struct seen){ 0 };
	assert_int_equal(rf_stir_store_each(dir, visit, &s, &diag), 0);
	assert_string_equal(s.last, "u2");
	snprintf(command, sizeof command, "rm -r %s", dir);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(kept_and_found) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
