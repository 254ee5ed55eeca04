/* Line differences: short, right, and the same as the two texts say. */
#include "emit/diff.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fail_alloc.h"

static const struct {
	const char *name, *old, *new, *shown;
	size_t removed, added;
} cases[] = {
	{ "alike", "a\nb\n", "a\nb\n", "", 0, 0 },
	{ "both empty", "", "", "", 0, 0 },
	{ "all new", "", "a\n", "@@ -0,0 +1,1 @@\n+a\n", 0, 1 },
	{ "all gone", "a\nb\n", "", "@@ -1,2 +0,0 @@\n-a\n-b\n", 2, 0 },
	{ "one in the middle", "1\n2\n3\n4\n5\n6\n7\n", "1\n2\n3\nX\n5\n6\n7\n",
	  "@@ -2,5 +2,5 @@\n 2\n 3\n-4\n+X\n 5\n 6\n", 1, 1 },
	{ "one more", "1\n2\n3\n4\n", "1\n2\n2b\n3\n4\n", "@@ -1,4 +1,5 @@\n 1\n 2\n+2b\n 3\n 4\n", 0, 1 },
	{ "near ones are one hunk", "a\n1\n2\n3\n4\nb\n", "A\n1\n2\n3\n4\nB\n",
	  "@@ -1,6 +1,6 @@\n-a\n+A\n 1\n 2\n 3\n 4\n-b\n+B\n", 2, 2 },
	{ "far ones are two", "a\n1\n2\n3\n4\n5\nb\n", "A\n1\n2\n3\n4\n5\nB\n",
	  "@@ -1,3 +1,3 @@\n-a\n+A\n 1\n 2\n@@ -5,3 +5,3 @@\n 4\n 5\n-b\n+B\n", 2, 2 },
	{ "no line end", "a\nb", "a\nb\n", "@@ -1,2 +1,2 @@\n a\n-b\n\\ no line end at the end of the file\n+b\n", 1, 1 },
	{ "moved", "a\nb\nc\n", "b\nc\na\n", "@@ -1,3 +1,3 @@\n-a\n b\n c\n+a\n", 1, 1 },
	{ "what steers a terminal", "a\033[2J\n", "a\tb\n", "@@ -1,1 +1,1 @@\n-a?[2J\n+a\tb\n", 1, 1 },
};

static void table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *text = NULL;
		size_t size = 0;
		FILE *f = open_memstream(&text, &size);
		struct rf_diff_count n = { 9, 9 };

		assert_int_equal(rf_diff(rf_view_str(cases[i].old), rf_view_str(cases[i].new), f, &n), 0);
		fclose(f);
		if (strcmp(text, cases[i].shown) != 0)
			fail_msg("%s:\n%s", cases[i].name, text);
		assert_int_equal(n.removed, cases[i].removed);
		assert_int_equal(n.added, cases[i].added);
		free(text);
	}
}

/* Take the changes out of both texts: what is left must be the same, and as long as the longest common part. */
static size_t longest_common(const char *a, const char *b, size_t n, size_t m)
{
	size_t best[20][20] = { 0 };

	for (size_t i = 1; i <= n; i++)
		for (size_t k = 1; k <= m; k++)
			best[i][k] = a[i - 1] == b[k - 1] ? best[i - 1][k - 1] + 1
				   : best[i - 1][k] > best[i][k - 1] ? best[i - 1][k] : best[i][k - 1];
	return best[n][m];
}

static void shortest(void **state)
{
	unsigned seed = 4711;

	(void)state;
	for (unsigned round = 0; round < 3000; round++) {
		char a[16], b[16], old[40] = "", new[40] = "";
		size_t n = (unsigned)rand_r(&seed) % 16, m = (unsigned)rand_r(&seed) % 16;
		struct rf_diff_count count;

		for (size_t i = 0; i < n; i++)
			snprintf(old + 2 * i, 3, "%c\n", a[i] = (char)('a' + rand_r(&seed) % 4));
		for (size_t i = 0; i < m; i++)
			snprintf(new + 2 * i, 3, "%c\n", b[i] = (char)('a' + rand_r(&seed) % 4));
		assert_int_equal(rf_diff(rf_view_str(old), rf_view_str(new), NULL, &count), 0);
		size_t same = longest_common(a, b, n, m);
		assert_int_equal(count.removed, n - same);
		assert_int_equal(count.added, m - same);
	}
}

static void many(void **state)
{
	size_t n = RF_DIFF_EDITS_MAX + 100;
	char *old = calloc(n, 8), *new = calloc(n, 8);
	struct rf_diff_count count;

	(void)state;
	for (size_t i = 0, a = 0, b = 0; i < n; i++) {
		a += (size_t)snprintf(old + a, 8, "%zu\n", i);
		b += (size_t)snprintf(new + b, 8, "x%zu\n", i);
	}
	assert_int_equal(rf_diff(rf_view_str(old), rf_view_str(new), NULL, &count), 0);
	assert_int_equal(count.removed, n);
	assert_int_equal(count.added, n);
	free(old);
	free(new);
}

static void no_memory(void **state)
{
	struct rf_diff_count count;

	(void)state;
	for (unsigned n = 1;; n++) {
		fail_alloc_at(n);
		int rc = rf_diff(RF_V("a\nb\nc\n"), RF_V("x\nb\ny\n"), NULL, &count);
		if (!fail_alloc_off())
			break;
		assert_int_equal(rc, -ENOMEM);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table), cmocka_unit_test(shortest), cmocka_unit_test(many),
		cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
