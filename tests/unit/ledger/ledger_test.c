/* Writing and reading back: one writer, many threads, several processes' worth of writers, rotation, follow. */
#include "scratch.h"

#include "fail_alloc.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static void test_lines(void **state)
{
	struct rf_ledger_report report;
	struct scratch s;
	struct stat st;
	size_t n;

	(void)state;
	scratch_init(&s);
	scratch_fill(&s, NULL, 1, 3);
	char *text = scratch_read(scratch_file(&s, "000000000001.jsonl"), &n);
	static const char first[] =
		"{\"seq\":1,\"time\":\"2026-09-21T14:13:20.000Z\",\"kind\":\"limit\",\"n\":1,\"prev\":\"" RF_HASH_ZERO
		"\",\"hash\":\"";
	assert_memory_equal(text, first, sizeof first - 1);
	free(text);
	assert_int_equal(stat(s.ledger, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(stat(scratch_file(&s, "000000000001.jsonl"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(rf_ledger_verify(s.ledger, &report, NULL), 0);
	assert_int_equal(report.lines, 3);
	scratch_fill(&s, NULL, 4, 5);
	assert_int_equal(rf_ledger_verify(s.ledger, &report, NULL), 0);
	assert_int_equal(report.lines, 5);
	assert_int_equal(report.segments, 1);
	scratch_fini(&s);
}

/* What the header says about checking a line by hand. */
static void test_by_hand(void **state)
{
	struct scratch s;
	char command[1024], got[80] = "";
	size_t n;

	(void)state;
	if (access("/usr/bin/sha256sum", X_OK))
		skip();
	scratch_init(&s);
	scratch_fill(&s, NULL, 1, 3);
	snprintf(command, sizeof command,
		 "sed -n 2p '%s' | sed 's/,\"hash\":\"[0-9a-f]*\"}$//' | tr -d '\\n' | sha256sum",
		 scratch_file(&s, "000000000001.jsonl"));
	FILE *p = popen(command, "r");
	assert_non_null(p);
	assert_non_null(fgets(got, sizeof got, p));
	pclose(p);
	got[64] = '\0';
	char *text = scratch_read(scratch_file(&s, "000000000001.jsonl"), &n);
	char *second = strchr(text, '\n') + 1;
	*strchr(second, '\n') = '\0';
	assert_non_null(strstr(second, got));
	free(text);
	scratch_fini(&s);
}

static void test_rotation(void **state)
{
	struct rf_ledger_report report;
	struct scratch s;

	(void)state;
	scratch_init(&s);
	struct rf_ledger_options opt = scratch_options(&s);
	opt.segment_bytes = 1000;
	scratch_fill(&s, &opt, 1, 40);
	scratch_fill(&s, &opt, 41, 80);
	assert_int_equal(rf_ledger_verify(s.ledger, &report, NULL), 0);
	assert_int_equal(report.lines, 80);
	assert_true(report.segments >= 15);
	scratch_fini(&s);
}

/* Whole at any moment, as after a kill -9: leaving a segment brings the head along. */
static void test_rotation_killed(void **state)
{
	struct rf_ledger_report report;
	struct rf_ledger *l;
	struct rf_event e;
	struct scratch s;

	(void)state;
	scratch_init(&s);
	struct rf_ledger_options opt = scratch_options(&s);
	opt.segment_bytes = 600;
	assert_int_equal(rf_ledger_open(s.ledger, &opt, &l, NULL), 0);
	for (unsigned i = 1; i < 20; i++) {
		rf_event_init(&e, RF_EVENT_LIMIT, s.wall);
		assert_int_equal(rf_ledger_post(l, &e), 0);
		assert_int_equal(rf_ledger_turn(l, false), 0);
		assert_int_equal(rf_ledger_verify(s.ledger, &report, NULL), 0);
		assert_int_equal(report.lines, i);
	}
	rf_ledger_free(l);
	scratch_fini(&s);
}

static void test_clock_backwards(void **state)
{
	struct rf_ledger_report report;
	struct scratch s;

	(void)state;
	scratch_init(&s);
	scratch_fill(&s, NULL, 1, 2);
	s.wall.us -= 3600ll * 1000000;
	scratch_fill(&s, NULL, 3, 4);
	s.wall.us = -5;
	scratch_fill(&s, NULL, 5, 6);
	assert_int_equal(rf_ledger_verify(s.ledger, &report, NULL), 0);
	assert_int_equal(report.last_seq, 6);
	scratch_fini(&s);
}

struct poster {
	struct rf_ledger *l;
	unsigned n;
};

static void *post_many(void *arg)
{
	struct poster *p = (struct poster *)arg;
	struct rf_event e;

	for (unsigned i = 0; i < p->n; i++) {
		rf_event_init(&e, RF_EVENT_CALL_START, (struct rf_wall){ 1790000000000000 });
		rf_event_str(&e, "from", RF_V("sip:1001@example.org"));
		rf_event_u64(&e, "n", i);
		while (rf_ledger_post(p->l, &e))
			usleep(100);
	}
	return NULL;
}

static void test_threads(void **state)
{
	struct rf_ledger_report report;
	struct rf_ledger_state now;
	/* Room for all, so that a slow disk beside a quick processor loses none. */
	struct rf_ledger_options opt = {
		.clock = rf_clock_system(), .batch_ms = 1, .queue = 20001, .queue_bytes = 64 << 20,
	};
	struct scratch s;
	struct poster p = { .n = 5000 };
	pthread_t t[4];

	(void)state;
	scratch_init(&s);
	assert_int_equal(rf_ledger_open(s.ledger, &opt, &p.l, NULL), 0);
	assert_int_equal(rf_ledger_start(p.l), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, post_many, &p), 0);
	/* Commands that record something meanwhile. */
	for (int i = 0; i < 20; i++) {
		struct rf_event e;

		rf_event_init(&e, RF_EVENT_USER_LOCKED, (struct rf_wall){ 1790000000000000 });
		assert_int_equal(rf_ledger_append(s.ledger, &e, NULL), 0);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(rf_ledger_stop(p.l), 0);
	rf_ledger_state(p.l, &now);
	if (now.failing || now.queued || now.lost || now.written != 20000)
		fail_msg("failing %d (%d), queued %llu, lost %llu, written %llu", now.failing, now.error,
			 (unsigned long long)now.queued, (unsigned long long)now.lost, (unsigned long long)now.written);
	rf_ledger_free(p.l);
	assert_int_equal(rf_ledger_verify(s.ledger, &report, NULL), 0);
	assert_int_equal(report.lines, 20020);
	assert_int_equal(report.gaps, 0);
	scratch_fini(&s);
}

static void test_stop_start(void **state)
{
	struct rf_ledger_options opt = { .clock = rf_clock_system() };
	struct rf_ledger *l;
	struct rf_event e;
	struct scratch s;

	(void)state;
	scratch_init(&s);
	assert_int_equal(rf_ledger_open(s.ledger, &opt, &l, NULL), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(rf_ledger_start(l), 0);
		assert_int_equal(rf_ledger_start(l), RF_E_STATE);
		rf_event_init(&e, RF_EVENT_START, (struct rf_wall){ 1 });
		assert_int_equal(rf_ledger_post(l, &e), 0);
		assert_int_equal(rf_ledger_stop(l), 0);
		assert_int_equal(scratch_count(&s, "start", NULL, 0), i + 1);
	}
	rf_ledger_free(l);
	rf_ledger_free(NULL);
	assert_int_equal(rf_ledger_post(NULL, &e), 0);
	scratch_fini(&s);
}

static void test_follow(void **state)
{
	struct rf_ledger_reader *r;
	struct rf_ledger_line line;
	struct scratch s;

	(void)state;
	scratch_init(&s);
	assert_int_equal(rf_ledger_reader_new(s.ledger, &r, NULL), RF_E_NOT_FOUND);
	struct rf_ledger_options opt = scratch_options(&s);
	opt.segment_bytes = 500;
	scratch_fill(&s, &opt, 1, 1);
	assert_int_equal(rf_ledger_reader_new(s.ledger, &r, NULL), 0);
	assert_int_equal(rf_ledger_reader_next(r, &line), 0);
	for (unsigned i = 2; i < 30; i++) {
		assert_int_equal(rf_ledger_reader_next(r, &line), RF_E_MORE);
		assert_int_equal(rf_ledger_reader_next(r, &line), RF_E_MORE);
		scratch_fill(&s, &opt, i, i);
		assert_int_equal(rf_ledger_reader_next(r, &line), 0);
		assert_int_equal(line.seq, i);
	}
	rf_ledger_reader_free(r);
	scratch_fini(&s);
}

static void test_queue_full(void **state)
{
	struct rf_ledger_state now;
	struct rf_ledger_report report;
	struct rf_ledger *l;
	struct rf_event e;
	struct scratch s;
	char last[1024];

	(void)state;
	scratch_init(&s);
	struct rf_ledger_options opt = scratch_options(&s);
	opt.queue = 3;
	assert_int_equal(rf_ledger_open(s.ledger, &opt, &l, NULL), 0);
	rf_event_init(&e, RF_EVENT_LIMIT, s.wall);
	for (int i = 0; i < 3; i++)
		assert_int_equal(rf_ledger_post(l, &e), 0);
	assert_int_equal(rf_ledger_post(l, &e), RF_E_LIMIT);
	assert_int_equal(rf_ledger_post(l, &e), RF_E_LIMIT);
	rf_ledger_state(l, &now);
	assert_true(now.queued == 3 && now.lost == 2);
	assert_int_equal(rf_ledger_turn(l, false), 0);
	assert_int_equal(rf_ledger_post(l, &e), 0);
	rf_ledger_free(l);
	assert_int_equal(scratch_count(&s, "ledger.gap", last, sizeof last), 1);
	assert_non_null(strstr(last, "\"lost\":2"));
	assert_int_equal(rf_ledger_verify(s.ledger, &report, NULL), 0);
	assert_int_equal(report.gaps, 1);
	scratch_fini(&s);
}

/* More than one turn writes: stop goes on until nothing waits. */
static void test_stop_drains(void **state)
{
	struct rf_ledger_report report;
	struct rf_ledger *l;
	struct rf_event e;
	struct scratch s;

	(void)state;
	scratch_init(&s);
	struct rf_ledger_options opt = scratch_options(&s);
	assert_int_equal(rf_ledger_open(s.ledger, &opt, &l, NULL), 0);
	rf_event_init(&e, RF_EVENT_LIMIT, s.wall);
	for (int i = 0; i < 10; i++)
		rf_event_str(&e, "x", RF_V("0123456789012345678901234567890123456789012345678901234567890123456789"));
	for (int i = 0; i < 15000; i++)
		assert_int_equal(rf_ledger_post(l, &e), 0);
	assert_int_equal(rf_ledger_stop(l), 0);
	rf_ledger_free(l);
	assert_int_equal(rf_ledger_verify(s.ledger, &report, NULL), 0);
	assert_int_equal(report.lines, 15000);
	scratch_fini(&s);
}

static void test_no_memory(void **state)
{
	struct scratch s;

	(void)state;
	scratch_init(&s);
	for (unsigned n = 1;; n++) {
		struct rf_ledger *l = NULL;
		struct rf_ledger_options opt = scratch_options(&s);
		struct rf_event e;

		rf_event_init(&e, RF_EVENT_LIMIT, s.wall);
		fail_alloc_at(n);
		int rc = rf_ledger_open(s.ledger, &opt, &l, NULL);
		if (rc == 0)
			rc = rf_ledger_post(l, &e);
		bool failed = fail_alloc_off();
		rf_ledger_free(l);
		if (!failed)
			break;
		assert_int_equal(rc, -ENOMEM);
	}
	for (unsigned n = 1;; n++) {
		struct rf_ledger_report report;

		fail_alloc_at(n);
		int rc = rf_ledger_verify(s.ledger, &report, NULL);
		if (!fail_alloc_off())
			break;
		assert_int_equal(rc, -ENOMEM);
	}
	scratch_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines), cmocka_unit_test(test_by_hand), cmocka_unit_test(test_rotation),
		cmocka_unit_test(test_rotation_killed), cmocka_unit_test(test_clock_backwards),
		cmocka_unit_test(test_threads), cmocka_unit_test(test_stop_start), cmocka_unit_test(test_follow),
		cmocka_unit_test(test_queue_full),
		cmocka_unit_test(test_stop_drains),
		cmocka_unit_test(test_no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
