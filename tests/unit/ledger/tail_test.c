/* What a crash or a hand leaves at the end, and how opening deals with it. */
#include "scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static const char seg[] = "000000000001.jsonl";

/* Cut at every byte of the last line: each time it is recovered, told, and the chain is whole again. */
static void test_every_cut(void **state)
{
	struct rf_ledger_report report;
	struct scratch s;
	char last[4096];
	size_t n, start;

	(void)state;
	scratch_init(&s);
	scratch_fill(&s, NULL, 1, 3);
	char *text = scratch_read(scratch_file(&s, seg), &n);
	for (start = n - 1; text[start - 1] != '\n'; start--)
		;
	for (size_t cut = start + 1; cut < n; cut += 7) {
		unlink(scratch_file(&s, "head")); /* else the head rightly says that a line is missing */
		unlink(scratch_file(&s, "lock"));
		scratch_write(scratch_file(&s, seg), text, cut);
		struct rf_ledger_report before;
		assert_int_equal(rf_ledger_verify(s.ledger, &before, NULL), 0);
		assert_int_equal(before.tail_bytes, cut - start);
		scratch_fill(&s, NULL, 9, 9);
		assert_int_equal(scratch_count(&s, "ledger.recovered", last, sizeof last), 1);
		char want[64];
		snprintf(want, sizeof want, "\"bytes\":%zu,", cut - start);
		assert_non_null(strstr(last, want));
		assert_int_equal(rf_ledger_verify(s.ledger, &report, NULL), 0);
		assert_int_equal(report.lines, 4); /* 1, 2, recovered, 9 */
		assert_int_equal(report.tail_bytes, 0);
		/* The bytes are kept. */
		char name[64];
		size_t kept;
		snprintf(name, sizeof name, "recovered-000000000001-%zu.bin", start);
		char *saved = scratch_read(scratch_file(&s, name), &kept);
		assert_int_equal(kept, cut - start);
		assert_memory_equal(saved, text + start, kept);
		free(saved);
	}
	free(text);
	scratch_fini(&s);
}

static void test_only_half_a_line(void **state)
{
	struct rf_ledger_report report;
	struct scratch s;

	(void)state;
	scratch_init(&s);
	scratch_fill(&s, NULL, 1, 1);
	unlink(scratch_file(&s, "head"));
	unlink(scratch_file(&s, "lock"));
	scratch_write(scratch_file(&s, seg), "{\"seq\":1,\"ti", 12);
	scratch_fill(&s, NULL, 1, 1);
	assert_int_equal(rf_ledger_verify(s.ledger, &report, NULL), 0);
	assert_int_equal(report.lines, 2);
	scratch_fini(&s);
}

static void test_zeros(void **state)
{
	struct rf_ledger_report report;
	struct scratch s;
	char last[4096];
	size_t n;

	(void)state;
	scratch_init(&s);
	scratch_fill(&s, NULL, 1, 3);
	char *text = scratch_read(scratch_file(&s, seg), &n);
	text = realloc(text, n + 200000);
	memset(text + n, 0, 200000);
	scratch_write(scratch_file(&s, seg), text, n + 200000);
	free(text);
	scratch_fill(&s, NULL, 4, 4);
	assert_int_equal(scratch_count(&s, "ledger.recovered", last, sizeof last), 1);
	assert_non_null(strstr(last, "\"bytes\":200000,"));
	assert_int_equal(rf_ledger_verify(s.ledger, &report, NULL), 0);
	assert_int_equal(report.lines, 5);
	scratch_fini(&s);
}

static void test_empty_segment(void **state)
{
	struct rf_ledger_report report;
	struct scratch s;

	(void)state;
	scratch_init(&s);
	scratch_fill(&s, NULL, 1, 3);
	scratch_write(scratch_file(&s, "000000000004.jsonl"), "", 0);
	scratch_fill(&s, NULL, 4, 5);
	assert_int_equal(rf_ledger_verify(s.ledger, &report, NULL), 0);
	assert_int_equal(report.lines, 5);
	scratch_fini(&s);
}

static void test_changed_last_line(void **state)
{
	struct rf_ledger_report report;
	struct rf_diag diag = { 0 };
	struct scratch s;
	char last[4096];
	size_t n;

	(void)state;
	scratch_init(&s);
	scratch_fill(&s, NULL, 1, 3);
	char *text = scratch_read(scratch_file(&s, seg), &n);
	*(strstr(text, "\"n\":3") + 4) = '4';
	scratch_write(scratch_file(&s, seg), text, n);
	scratch_fill(&s, NULL, 4, 4);
	assert_int_equal(scratch_count(&s, "ledger.damaged", last, sizeof last), 1);
	size_t after;
	char *kept = scratch_read(scratch_file(&s, seg), &after);
	assert_int_equal(after, n); /* evidence stays as it was */
	assert_memory_equal(kept, text, n);
	free(kept);
	free(text);
	assert_int_equal(rf_ledger_verify(s.ledger, &report, &diag), RF_E_CORRUPT);
	assert_int_equal(report.seen_seq, 3);
	assert_int_equal(report.seen_line, 3);
	assert_string_equal(report.seen_file, seg);
	assert_int_equal(report.lines, 5);
	scratch_fini(&s);
}

static void test_truncated(void **state)
{
	struct rf_ledger_report report;
	struct rf_diag diag = { 0 };
	struct scratch s;
	char last[4096];
	size_t n;

	(void)state;
	scratch_init(&s);
	scratch_fill(&s, NULL, 1, 3);
	char *text = scratch_read(scratch_file(&s, seg), &n);
	*(strchr(strchr(text, '\n') + 1, '\n') + 1) = '\0';
	scratch_write(scratch_file(&s, seg), text, strlen(text));
	free(text);
	assert_int_equal(rf_ledger_verify(s.ledger, &report, &diag), RF_E_CORRUPT);
	assert_non_null(strstr(diag.text, "cut off"));
	scratch_fill(&s, NULL, 4, 4);
	assert_int_equal(scratch_count(&s, "ledger.truncated", last, sizeof last), 1);
	assert_int_equal(rf_ledger_verify(s.ledger, &report, &diag), RF_E_CORRUPT);
	assert_int_equal(report.seen_seq, 4);
	assert_non_null(strstr(diag.text, "missing"));
	scratch_fini(&s);
}

static void test_garbage(void **state)
{
	struct rf_ledger_report report;
	struct scratch s;

	(void)state;
	scratch_init(&s);
	scratch_fill(&s, NULL, 1, 1);
	scratch_write(scratch_file(&s, seg), "hello\nworld\n", 12);
	scratch_write(scratch_file(&s, "head"), "nonsense", 8);
	unlink(scratch_file(&s, "lock"));
	assert_int_equal(rf_ledger_verify(s.ledger, &report, NULL), RF_E_CORRUPT);
	scratch_fill(&s, NULL, 2, 2);
	assert_int_equal(scratch_count(&s, "ledger.damaged", NULL, 0), 1);
	assert_int_equal(scratch_count(&s, "limit", NULL, 0), 1);
	scratch_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_cut), cmocka_unit_test(test_only_half_a_line), cmocka_unit_test(test_zeros),
		cmocka_unit_test(test_empty_segment), cmocka_unit_test(test_changed_last_line),
		cmocka_unit_test(test_truncated), cmocka_unit_test(test_garbage),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
