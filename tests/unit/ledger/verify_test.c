/* Every way to tamper with a finished record is found, and named by file, line and seq. */
#include "scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

enum { LINES = 12 };

struct record {
	struct scratch s;
	char *text;       /* the one segment */
	size_t n;
	char *line[LINES + 1]; /* where each begins, and the end */
};

static const char seg[] = "000000000001.jsonl";

static void record_init(struct record *r)
{
	scratch_init(&r->s);
	scratch_fill(&r->s, NULL, 1, LINES);
	r->text = scratch_read(scratch_file(&r->s, seg), &r->n);
	r->line[0] = r->text;
	for (int i = 0; i < LINES; i++)
		r->line[i + 1] = strchr(r->line[i], '\n') + 1;
}

static void record_fini(struct record *r)
{
	free(r->text);
	scratch_fini(&r->s);
}

static void expect(struct record *r, uint64_t line, uint64_t seq, const char *words)
{
	struct rf_ledger_report report;
	struct rf_diag diag = { 0 };

	assert_int_equal(rf_ledger_verify(r->s.ledger, &report, &diag), RF_E_CORRUPT);
	if (report.seen_line != line || report.seen_seq != seq || !strstr(diag.text, words))
		fail_msg("%s:%llu seq %llu: %s; wanted line %llu seq %llu: %s", report.seen_file,
			 (unsigned long long)report.seen_line, (unsigned long long)report.seen_seq, diag.text,
			 (unsigned long long)line, (unsigned long long)seq, words);
}

/* Write the lines given by their numbers, ended by 0. */
static void arrange(struct record *r, const unsigned *order)
{
	FILE *f = fopen(scratch_file(&r->s, seg), "wb");

	assert_non_null(f);
	for (; *order; order++)
		fwrite(r->line[*order - 1], 1, (size_t)(r->line[*order] - r->line[*order - 1]), f);
	fclose(f);
}

static void test_whole(void **state)
{
	struct rf_ledger_report report;
	struct record r;

	(void)state;
	record_init(&r);
	assert_int_equal(rf_ledger_verify(r.s.ledger, &report, NULL), 0);
	assert_true(report.lines == LINES && report.first_seq == 1 && report.last_seq == LINES && report.problems == 0);
	assert_memory_equal(report.last_hash, r.text + r.n - 67, 64);
	record_fini(&r);
}

static void test_arrangements(void **state)
{
	static const struct {
		unsigned order[LINES + 3];
		unsigned line, seq;
		const char *words;
	} rows[] = {
		{ { 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12 }, 4, 5, "missing" },
		{ { 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 }, 1, 2, "the record begins here" },
		{ { 1, 2, 4, 3, 5, 6, 7, 8, 9, 10, 11, 12 }, 3, 4, "missing" },
		{ { 1, 2, 3, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 }, 4, 3, "out of order or repeated" },
		{ { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 }, 0, 11, "the end was cut off" },
		{ { 1 }, 0, 1, "the end was cut off" },
	};
	struct record r;

	(void)state;
	record_init(&r);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		arrange(&r, rows[i].order);
		expect(&r, rows[i].line, rows[i].seq, rows[i].words);
	}
	record_fini(&r);
}

/* Any one byte changed anywhere is found, and on the line where it is (a lost LF: on that line or the next). */
static void test_every_byte(void **state)
{
	struct record r;

	(void)state;
	record_init(&r);
	for (size_t i = 0; i < r.n; i += 3) {
		struct rf_ledger_report report;
		char was = r.text[i];
		uint64_t line = 1;

		for (size_t k = 0; k < i; k++)
			line += r.text[k] == '\n';
		r.text[i] = (char)(was ^ 1);
		scratch_write(scratch_file(&r.s, seg), r.text, r.n);
		r.text[i] = was;
		assert_int_equal(rf_ledger_verify(r.s.ledger, &report, NULL), RF_E_CORRUPT);
		if (i < r.n - 1 && (report.seen_line < line || report.seen_line > line + 1))
			fail_msg("byte %zu on line %llu was found on %llu", i, (unsigned long long)line,
				 (unsigned long long)report.seen_line);
	}
	record_fini(&r);
}

/* Replaced with its hash made right: the next line does not continue it. */
static void test_forged_line(void **state)
{
	char hash[RF_HASH_TEXT];
	struct rf_sha sha;
	struct record r;

	(void)state;
	record_init(&r);
	assert_int_equal(rf_sha_init(&sha), 0);
	for (unsigned i = 3; i <= LINES; i += LINES - 3) {
		char *line = r.line[i - 1], *n = strstr(line, "\"n\":") + 4, was = *n;
		size_t hashed = (size_t)(r.line[i] - line) - 1 - 75;
		char old[64];

		*n = '9';
		memcpy(old, line + hashed + 9, 64);
		assert_int_equal(rf_sha_text(&sha, rf_view_of(line, hashed), hash), 0);
		memcpy(line + hashed + 9, hash, 64);
		scratch_write(scratch_file(&r.s, seg), r.text, r.n);
		if (i < LINES)
			expect(&r, i + 1, i + 1, "does not continue");
		else
			expect(&r, i, i, "the head remembers another line");
		*n = was;
		memcpy(line + hashed + 9, old, 64);
	}
	rf_sha_fini(&sha);
	record_fini(&r);
}

static void test_head(void **state)
{
	struct rf_ledger_report report;
	struct record r;

	(void)state;
	record_init(&r);
	scratch_write(scratch_file(&r.s, "head"), "{\"seq\":x", 8);
	expect(&r, 0, LINES, "not readable");
	unlink(scratch_file(&r.s, "head"));
	assert_int_equal(rf_ledger_verify(r.s.ledger, &report, NULL), 0);
	record_fini(&r);
}

static void test_segments(void **state)
{
	struct rf_ledger_report report;
	struct rf_diag diag = { 0 };
	struct scratch s;
	uint64_t *list;
	char name[RF_SEGMENT_NAME];
	size_t n;

	(void)state;
	scratch_init(&s);
	struct rf_ledger_options opt = scratch_options(&s);
	opt.segment_bytes = 600;
	scratch_fill(&s, &opt, 1, 12);
	struct rf_journal j = { 0 };
	assert_int_equal(rf_journal_init(&j, s.ledger, 600, opt.clock), 0);
	assert_int_equal(rf_journal_attach(&j, NULL), 0);
	assert_int_equal(rf_segments_list(j.dir_fd, &list, &n), 0);
	rf_journal_fini(&j);
	assert_true(n >= 4);
	/* One in the middle, then the first, then all. */
	rf_segment_name(name, list[2]);
	unlink(scratch_file(&s, name));
	assert_int_equal(rf_ledger_verify(s.ledger, &report, &diag), RF_E_CORRUPT);
	assert_int_equal(report.seen_seq, list[3]);
	rf_segment_name(name, list[0]);
	unlink(scratch_file(&s, name));
	assert_int_equal(rf_ledger_verify(s.ledger, &report, &diag), RF_E_CORRUPT);
	assert_int_equal(report.seen_seq, list[1]);
	assert_non_null(strstr(diag.text, "the record begins here"));
	for (size_t i = 0; i < n; i++) {
		rf_segment_name(name, list[i]);
		unlink(scratch_file(&s, name));
	}
	assert_int_equal(rf_ledger_verify(s.ledger, &report, &diag), RF_E_CORRUPT);
	assert_non_null(strstr(diag.text, "the whole record is missing"));
	free(list);
	scratch_fini(&s);
	assert_int_equal(rf_ledger_verify(s.ledger, &report, &diag), RF_E_NOT_FOUND);
}

static void test_long_line(void **state)
{
	struct rf_ledger_report report;
	struct record r;

	(void)state;
	record_init(&r);
	FILE *f = fopen(scratch_file(&r.s, seg), "wb");
	fwrite(r.text, 1, (size_t)(r.line[3] - r.text), f);
	for (int i = 0; i < 600000; i++)
		fputc('x', f);
	fputc('\n', f);
	fwrite(r.line[3], 1, r.n - (size_t)(r.line[3] - r.text), f);
	fclose(f);
	assert_int_equal(rf_ledger_verify(r.s.ledger, &report, NULL), RF_E_CORRUPT);
	assert_true(report.seen_line == 4 && report.problems == 1 && report.lines == LINES + 1);
	record_fini(&r);
}

static void test_when(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "2026-11-22", "2026-11-22T00:00:00.000Z" }, { "2026-11-22T04:11", "2026-11-22T04:11:00.000Z" },
		{ "2026-11-22T04:11Z", "2026-11-22T04:11:00.000Z" },
		{ "2026-11-22T04:11:05", "2026-11-22T04:11:05.000Z" },
		{ "2026-11-22T04:11:05Z", "2026-11-22T04:11:05.000Z" },
		{ "2026-11-22T04:11:05.678Z", "2026-11-22T04:11:05.678Z" }, { "90s", "2026-09-21T14:11:50.000Z" },
		{ "15m", "2026-09-21T13:58:20.000Z" }, { "2h", "2026-09-21T12:13:20.000Z" },
		{ "3d", "2026-09-18T14:13:20.000Z" }, { "1w", "2026-09-14T14:13:20.000Z" }, { "yesterday", NULL },
		{ "2026-1-1", NULL }, { "2026-11-22 04:11", NULL }, { "5", NULL }, { "", NULL }, { "-5m", NULL },
		{ "9999999d", NULL }, { "m", NULL },
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char got[RF_WALL_TEXT];
		int rc = rf_ledger_when(rf_view_str(rows[i].text), (struct rf_wall){ 1790000000000000 }, got);

		assert_int_equal(rc, rows[i].want ? 0 : RF_E_INVALID);
		if (rows[i].want)
			assert_string_equal(got, rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole), cmocka_unit_test(test_arrangements), cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_forged_line), cmocka_unit_test(test_head), cmocka_unit_test(test_segments),
		cmocka_unit_test(test_long_line), cmocka_unit_test(test_when),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
