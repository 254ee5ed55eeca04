/* A disk that fails: full, broken, gone. */
#include "scratch.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

struct disk {
	int64_t room;   /* bytes until it is full */
	int error;      /* 0: works */
	bool sync_fails;
};

static ssize_t disk_write(void *ctx, int fd, const void *p, size_t n)
{
	struct disk *d = (struct disk *)ctx;

	if (d->error && d->room <= 0) {
		errno = d->error;
		return -1;
	}
	if (d->error && (int64_t)n > d->room)
		n = (size_t)d->room;
	d->room -= (int64_t)n;
	return write(fd, p, n);
}

static int disk_sync(void *ctx, int fd)
{
	struct disk *d = (struct disk *)ctx;

	(void)fd;
	errno = EIO;
	return d->sync_fails ? -1 : 0;
}

static void post(struct rf_ledger *l, struct scratch *s, unsigned n)
{
	struct rf_event e;

	rf_event_init(&e, RF_EVENT_LIMIT, s->wall);
	rf_event_u64(&e, "n", n);
	rf_ledger_post(l, &e);
}

/* Full after every possible number of bytes of a batch; then room again. Nothing is lost, no half line is left. */
static void test_full(void **state)
{
	(void)state;
	for (int64_t room = 0; room < 600; room += 23) {
		struct disk d = { .room = 1 << 30 };
		struct rf_ledger_io io = { disk_write, disk_sync, &d };
		struct rf_ledger_report report;
		struct rf_ledger_state now;
		struct rf_ledger *l;
		struct scratch s;
		char last[1024];

		scratch_init(&s);
		struct rf_ledger_options opt = scratch_options(&s);
		assert_int_equal(rf_ledger_open_io(s.ledger, &opt, &io, &l, NULL), 0);
		post(l, &s, 1);
		assert_int_equal(rf_ledger_turn(l, true), 0);
		d.error = ENOSPC;
		d.room = room;
		post(l, &s, 2);
		post(l, &s, 3);
		post(l, &s, 4);
		assert_int_equal(rf_ledger_turn(l, false), -ENOSPC);
		assert_int_equal(rf_ledger_turn(l, false), -ENOSPC);
		rf_ledger_state(l, &now);
		assert_true(now.failing && now.error == -ENOSPC && now.queued == 3);
		assert_int_equal(rf_ledger_verify(s.ledger, &report, NULL), 0);
		assert_int_equal(report.lines, 1);
		assert_int_equal(report.tail_bytes, 0);
		d.error = 0;
		s.wall.us += 5000000;
		s.mono.us += 5000000;
		assert_int_equal(rf_ledger_turn(l, false), 0);
		rf_ledger_state(l, &now);
		assert_true(!now.failing && now.queued == 0 && now.lost == 0);
		rf_ledger_free(l);
		assert_int_equal(scratch_count(&s, "ledger.gap", last, sizeof last), 1);
		assert_non_null(strstr(last, "\"lost\":0"));
		assert_non_null(strstr(last, "No space left"));
		assert_int_equal(scratch_count(&s, "limit", NULL, 0), 4);
		assert_int_equal(rf_ledger_verify(s.ledger, &report, NULL), 0);
		scratch_fini(&s);
	}
}

static void test_full_long(void **state)
{
	struct disk d = { .room = 1 << 30 };
	struct rf_ledger_io io = { disk_write, disk_sync, &d };
	struct rf_ledger_report report;
	struct rf_ledger_state now;
	struct rf_ledger *l;
	struct scratch s;
	char last[1024];

	(void)state;
	scratch_init(&s);
	struct rf_ledger_options opt = scratch_options(&s);
	opt.queue = 10;
	assert_int_equal(rf_ledger_open_io(s.ledger, &opt, &io, &l, NULL), 0);
	d.error = EIO;
	d.room = 0;
	for (unsigned i = 0; i < 25; i++) {
		post(l, &s, i);
		assert_int_not_equal(rf_ledger_turn(l, false), 0);
	}
	rf_ledger_state(l, &now);
	assert_true(now.queued == 10 && now.lost == 15);
	assert_int_equal(rf_ledger_stop(l), 25); /* told at the end: ten waiting, fifteen lost */
	d.error = 0;
	assert_int_equal(rf_ledger_turn(l, true), 0);
	rf_ledger_free(l);
	assert_int_equal(scratch_count(&s, "ledger.gap", last, sizeof last), 1);
	assert_non_null(strstr(last, "\"lost\":15"));
	assert_int_equal(rf_ledger_verify(s.ledger, &report, NULL), 0);
	assert_int_equal(report.lines, 11);
	scratch_fini(&s);
}

static void test_sync_fails(void **state)
{
	struct disk d = { .sync_fails = true, .room = 1 << 30 };
	struct rf_ledger_io io = { disk_write, disk_sync, &d };
	struct rf_ledger_report report;
	struct rf_ledger_state now;
	struct rf_ledger *l;
	struct scratch s;

	(void)state;
	scratch_init(&s);
	struct rf_ledger_options opt = scratch_options(&s);
	assert_int_equal(rf_ledger_open_io(s.ledger, &opt, &io, &l, NULL), 0);
	post(l, &s, 1);
	assert_int_equal(rf_ledger_turn(l, true), -EIO);
	rf_ledger_state(l, &now);
	assert_true(now.failing && now.queued == 0); /* written, but not known to be on the disk */
	d.sync_fails = false;
	assert_int_equal(rf_ledger_turn(l, true), 0);
	rf_ledger_free(l);
	assert_int_equal(rf_ledger_verify(s.ledger, &report, NULL), 0);
	scratch_fini(&s);
}

/* A real limit of the kernel's: files may not grow past 2000 bytes. */
static void test_file_size_limit(void **state)
{
	struct rf_ledger_report report;
	struct scratch s;
	int status;

	(void)state;
	scratch_init(&s);
	pid_t pid = fork();
	if (pid == 0) {
		struct rlimit lim = { 2000, RLIM_INFINITY };
		struct rf_ledger_options opt = scratch_options(&s);
		struct rf_ledger *l;

		signal(SIGXFSZ, SIG_IGN);
		if (rf_ledger_open(s.ledger, &opt, &l, NULL) || setrlimit(RLIMIT_FSIZE, &lim))
			_exit(1);
		for (unsigned i = 0; i < 20; i++) {
			post(l, &s, i);
			rf_ledger_turn(l, false);
		}
		struct rf_ledger_state now;
		rf_ledger_state(l, &now);
		if (!now.failing || now.error != -EFBIG)
			_exit(2);
		lim.rlim_cur = RLIM_INFINITY;
		setrlimit(RLIMIT_FSIZE, &lim);
		_exit(rf_ledger_turn(l, true) ? 3 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(scratch_count(&s, "limit", NULL, 0), 20);
	assert_int_equal(rf_ledger_verify(s.ledger, &report, NULL), 0);
	assert_int_equal(report.gaps, 1);
	scratch_fini(&s);
}

static void next_second(struct scratch *s)
{
	s->mono.us += 2000000;
	s->wall.us += 2000000;
}

static void test_directory_moved(void **state)
{
	struct rf_ledger_options opt;
	struct rf_ledger_report report;
	struct rf_diag diag = { 0 };
	struct rf_ledger *l;
	struct scratch s;
	char moved[256], last[1024];

	(void)state;
	scratch_init(&s);
	opt = scratch_options(&s);
	assert_int_equal(rf_ledger_open(s.ledger, &opt, &l, NULL), 0);
	post(l, &s, 1);
	assert_int_equal(rf_ledger_turn(l, true), 0);
	snprintf(moved, sizeof moved, "%s.moved", s.ledger);
	assert_int_equal(rename(s.ledger, moved), 0);
	next_second(&s);
	post(l, &s, 2);
	assert_int_equal(rf_ledger_turn(l, true), 0);
	rf_ledger_free(l);
	/* A new directory that goes on where the old one was left, and says so; verify does not call it whole. */
	assert_int_equal(scratch_count(&s, "limit", NULL, 0), 1);
	assert_int_equal(scratch_count(&s, "ledger.gap", last, sizeof last), 1);
	assert_int_equal(scratch_count(&s, "ledger.truncated", last, sizeof last), 1);
	assert_int_equal(rf_ledger_verify(s.ledger, &report, &diag), RF_E_CORRUPT);
	assert_int_equal(report.first_seq, 2);
	assert_int_equal(rf_ledger_verify(moved, &report, NULL), 0);
	scratch_fini(&s);
}

static void test_segment_deleted(void **state)
{
	struct rf_ledger_options opt;
	struct rf_ledger_report report;
	struct rf_ledger *l;
	struct scratch s;

	(void)state;
	scratch_init(&s);
	opt = scratch_options(&s);
	assert_int_equal(rf_ledger_open(s.ledger, &opt, &l, NULL), 0);
	post(l, &s, 1);
	assert_int_equal(rf_ledger_turn(l, true), 0);
	unlink(scratch_file(&s, "000000000001.jsonl"));
	assert_int_equal(rf_ledger_verify(s.ledger, &report, NULL), RF_E_CORRUPT);
	next_second(&s);
	post(l, &s, 2);
	assert_int_equal(rf_ledger_turn(l, true), 0);
	rf_ledger_free(l);
	assert_int_equal(scratch_count(&s, "ledger.gap", NULL, 0), 1);
	assert_int_equal(scratch_count(&s, "limit", NULL, 0), 1);
	assert_int_equal(rf_ledger_verify(s.ledger, &report, NULL), RF_E_CORRUPT);
	scratch_fini(&s);
}

static void test_parent_gone(void **state)
{
	struct rf_ledger_options opt;
	struct rf_ledger_state now;
	struct rf_ledger *l;
	struct scratch s;
	char path[256], away[256];

	(void)state;
	scratch_init(&s);
	opt = scratch_options(&s);
	assert_int_equal(rf_ledger_open(s.ledger, &opt, &l, NULL), 0);
	snprintf(path, sizeof path, "%s", s.dir);
	snprintf(away, sizeof away, "%s.away", s.dir);
	assert_int_equal(rename(path, away), 0);
	next_second(&s);
	post(l, &s, 1);
	assert_int_equal(rf_ledger_turn(l, true), -ENOENT);
	assert_int_equal(rf_ledger_turn(l, true), -ENOENT);
	rf_ledger_state(l, &now);
	assert_true(now.failing && now.queued == 1);
	assert_int_equal(rename(away, path), 0);
	assert_int_equal(rf_ledger_turn(l, true), 0);
	rf_ledger_free(l);
	assert_int_equal(scratch_count(&s, "limit", NULL, 0), 1);
	scratch_fini(&s);
}

static void test_cannot_open(void **state)
{
	struct rf_diag diag = { 0 };
	struct rf_ledger *l;
	struct scratch s;

	(void)state;
	scratch_init(&s);
	assert_int_equal(rf_ledger_open("/proc/nothing/here", NULL, &l, &diag), -ENOENT);
	assert_non_null(strstr(diag.text, "/proc/nothing/here"));
	scratch_fill(&s, NULL, 1, 1);
	/* Another process that keeps the lock. */
	int fd = open(scratch_file(&s, "lock"), O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(rf_ledger_open(s.ledger, NULL, &l, &diag), RF_E_BUSY);
	assert_non_null(strstr(diag.text, "another process"));
	close(fd);
	scratch_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full), cmocka_unit_test(test_full_long), cmocka_unit_test(test_sync_fails),
		cmocka_unit_test(test_file_size_limit), cmocka_unit_test(test_directory_moved),
		cmocka_unit_test(test_segment_deleted), cmocka_unit_test(test_parent_gone),
		cmocka_unit_test(test_cannot_open),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
