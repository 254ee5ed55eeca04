/* MANIFEST: what is written is read back; everything else is refused. */
#include "emit/manifest.h"

#include "guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define SUM "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" /* of nothing */
#define HEAD "ringfort-bundle 1\nsite a\nlevel medium\ndigest " SUM "\n"

static struct rf_arena arena;

static int setup(void **state)
{
	(void)state;
	rf_arena_init(&arena, 1 << 20);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rf_arena_fini(&arena);
	return 0;
}

static const struct {
	const char *name, *text;
	int rc;
	size_t files;
} cases[] = {
	{ "no files", HEAD, 0, 0 },
	{ "two", HEAD "file " SUM " 0644 0 a/b.nft\nfile " SUM " 0600 12 a/c\n", 0, 2 },
	{ "empty", "", RF_E_MALFORMED, 0 },
	{ "another version", "ringfort-bundle 2\nsite a\nlevel medium\ndigest " SUM "\n", RF_E_MALFORMED, 0 },
	{ "no digest", "ringfort-bundle 1\nsite a\nlevel medium\ndigest \n", RF_E_MALFORMED, 0 },
	{ "capital digits", "ringfort-bundle 1\nsite a\nlevel medium\ndigest E3B0C44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n", RF_E_MALFORMED, 0 },
	{ "cut line", HEAD "file " SUM " 0644 0 a", RF_E_MALFORMED, 0 },
	{ "blank line", HEAD "\n", RF_E_MALFORMED, 0 },
	{ "wrong order", HEAD "file " SUM " 0644 0 b\nfile " SUM " 0644 0 a\n", RF_E_MALFORMED, 0 },
	{ "twice", HEAD "file " SUM " 0644 0 b\nfile " SUM " 0644 0 b\n", RF_E_MALFORMED, 0 },
	{ "a mode that nothing has", HEAD "file " SUM " 4755 0 b\n", RF_E_MALFORMED, 0 },
	{ "a number spelled twice", HEAD "file " SUM " 0644 00 b\n", RF_E_MALFORMED, 0 },
	{ "too large", HEAD "file " SUM " 0644 67108865 b\n", RF_E_MALFORMED, 0 },
	{ "a path up", HEAD "file " SUM " 0644 0 a/../../etc/shadow\n", RF_E_MALFORMED, 0 },
	{ "an absolute path", HEAD "file " SUM " 0644 0 /etc/shadow\n", RF_E_MALFORMED, 0 },
	{ "a hidden file", HEAD "file " SUM " 0644 0 a/.profile\n", RF_E_MALFORMED, 0 },
	{ "a folder", HEAD "file " SUM " 0644 0 a/\n", RF_E_MALFORMED, 0 },
	{ "a blank in a path", HEAD "file " SUM " 0644 0 a b\n", RF_E_MALFORMED, 0 },
};

static void table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct rf_manifest m;
		struct rf_diag diag = { 0 };
		struct rf_view v = guard_copy(rf_view_str(cases[i].text));
		int rc = rf_manifest_parse(v, &arena, &m, &diag);

		if (rc != cases[i].rc)
			fail_msg("%s: %d, %s", cases[i].name, rc, diag.text);
		if (!rc)
			assert_int_equal(m.n, cases[i].files);
		guard_free(v);
	}
}

static void round_trip(void **state)
{
	const struct rf_emit_file files[] = {
		{ "flows.json", RF_V("{}\n"), 0644 }, { "routers/a/queues.sh", RF_V("#!/bin/sh\n"), 0755 },
	};
	struct rf_site site = { .name = RF_V("office"), .level = RF_LEVEL_HIGHEST, .digest = { 1, 2, 3 } };
	struct rf_diag diag = { 0 };
	struct rf_manifest m;
	struct rf_view text;

	(void)state;
	assert_int_equal(rf_manifest_write(&arena, &site, files, 2, &text), 0);
	assert_int_equal(rf_manifest_parse(text, &arena, &m, &diag), 0);
	assert_true(rf_view_eq(m.site, RF_V("office")) && rf_view_eq(m.level, RF_V("highest")));
	assert_int_equal(m.n, 2);
	const struct rf_manifest_entry *x = rf_manifest_find(&m, RF_V("routers/a/queues.sh"));
	assert_non_null(x);
	assert_int_equal(x->mode, 0755);
	assert_int_equal(rf_manifest_check(x, RF_V("#!/bin/sh\n")), 0);
	assert_int_equal(rf_manifest_check(x, RF_V("#!/bin/bh\n")), RF_E_CORRUPT);
	assert_int_equal(rf_manifest_check(x, RF_V("#!/bin/sh")), RF_E_CORRUPT);
	assert_null(rf_manifest_find(&m, RF_V("routers/a")));
	/* Every prefix that is not whole lines behind the head is refused. */
	for (size_t n = 0; n < text.n; n++) {
		struct rf_view part = guard_copy(rf_view_sub(text, 0, n));
		int rc = rf_manifest_parse(part, &arena, &m, &diag);

		if (rc == 0 && text.p[n - 1] != '\n')
			fail_msg("a list of %zu bytes was taken", n);
		guard_free(part);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(table), cmocka_unit_test(round_trip) };

	return cmocka_run_group_tests(tests, setup, teardown);
}
