/* The file that bindings are kept in: what a crash may leave of it, what a full disk may, how it is written anew, and
 * how the bindings of before came into it. */
#include "store/bindings_int.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct place {
	char dir[64], log[96], old[96];
};

static int setup(void **state)
{
	struct place *p = calloc(1, sizeof *p);

	snprintf(p->dir, sizeof p->dir, "/tmp/rf-log-XXXXXX");
	if (!mkdtemp(p->dir))
		return -1;
	snprintf(p->log, sizeof p->log, "%s/bindings.log", p->dir);
	snprintf(p->old, sizeof p->old, "%s/bindings.db", p->dir);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;
	char cmd[96];

	snprintf(cmd, sizeof cmd, "rm -rf %s", p->dir);
	int rc = system(cmd);
	free(p);
	return rc;
}

static struct rf_bindings_log open_log(const struct place *p, size_t growth)
{
	const struct rf_bindings_options opt = { .path = p->log, .old_path = p->old, .growth = growth };
	struct rf_bindings_log log;
	struct rf_diag diag = { 0 };

	if (rf_bindings_log_open(&opt, &log, &diag))
		fail_msg("%s", diag.text);
	return log;
}

static struct rf_stored_binding binding(const char *key, uint32_t cseq, int64_t expires)
{
	return (struct rf_stored_binding){
		.key = rf_view_str(key), .contact = RF_V("sip:1@192.0.2.1"), .call_id = RF_V("c"), .flow = RF_V("f"),
		.since = { 1 }, .refreshed = { 2 }, .expires = { expires }, .cseq = cseq, .q_milli = 1000,
	};
}

static struct rf_change *change(const char *aor, const struct rf_bindings_op *ops, size_t n)
{
	size_t bytes;

	assert_int_equal(rf_change_measure(rf_view_str(aor), ops, n, &bytes), 0);
	struct rf_change *c = calloc(1, sizeof *c + bytes);
	c->n = (uint32_t)bytes;
	rf_change_put(c->body, rf_view_str(aor), ops, n);
	return c;
}

static int write_one(struct rf_bindings_log *log, struct rf_change *c)
{
	int rc = rf_bindings_log_write(log, c);

	assert_int_equal(c->rc, rc);
	free(c);
	return rc;
}

static int put(struct rf_bindings_log *log, const char *aor, const char *key, uint32_t cseq)
{
	const struct rf_stored_binding s = binding(key, cseq, INT64_MAX);

	return write_one(log, change(aor, &(struct rf_bindings_op){ RF_BINDINGS_PUT, &s }, 1));
}

struct seen {
	unsigned n;
	uint32_t cseq; /* of all, summed */
};

static int see(void *ctx, struct rf_view aor, const struct rf_stored_binding *s)
{
	struct seen *x = ctx;

	(void)aor;
	x->n++;
	x->cseq += s->cseq;
	return 0;
}

static struct seen load(struct rf_bindings_log *log)
{
	struct seen x = { 0 };
	struct rf_diag diag = { 0 };

	if (rf_bindings_log_load(log, (struct rf_wall){ 0 }, see, &x, &diag))
		fail_msg("%s", diag.text);
	return x;
}

static size_t size_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return (size_t)st.st_size;
}

/* A process that ends at any byte of a write: the changes before it are all there, and what is written next counts. */
static void torn_anywhere(void **state)
{
	const struct place *p = *state;
	struct rf_bindings_log log = open_log(p, 0);
	const size_t none = log.size;

	put(&log, "sip:1@a", "k", 1);
	const size_t one = log.size;
	put(&log, "sip:2@a", "k", 10);
	const size_t two = log.size;
	const struct rf_stored_binding s = binding("k2", 100, INT64_MAX), t = binding("k3", 1000, INT64_MAX);
	const struct rf_bindings_op both[] = { { RF_BINDINGS_PUT, &s }, { RF_BINDINGS_PUT, &t }, };
	write_one(&log, change("sip:1@a", both, 2));
	const size_t three = log.size;
	rf_bindings_log_close(&log);

	uint8_t *all = malloc(three);
	int fd = open(p->log, O_RDONLY);
	assert_int_equal(read(fd, all, three), three);
	close(fd);
	for (size_t cut = none; cut <= three; cut++) {
		fd = open(p->log, O_WRONLY | O_TRUNC);
		assert_int_equal(write(fd, all, cut), cut);
		close(fd);
		log = open_log(p, 0);
		const size_t good = cut == three ? three : cut >= two ? two : cut >= one ? one : none;
		assert_int_equal(log.size, good);
		assert_int_equal(log.cut_bytes, cut - good);
		assert_int_equal(size_of(p->log), good);
		uint32_t want = good == three ? 1111 : good == two ? 11 : good == one ? 1 : 0;
		assert_int_equal(load(&log).cseq, want);
		assert_int_equal(put(&log, "sip:9@a", "k", 5), 0);
		rf_bindings_log_close(&log);
		log = open_log(p, 0);
		assert_int_equal(load(&log).cseq, want + 5);
		rf_bindings_log_close(&log);
	}
	free(all);
}

/* One byte that is not what was written: nothing is taken from there on, and nothing of it is invented. */
static void damaged_anywhere(void **state)
{
	const struct place *p = *state;
	struct rf_bindings_log log = open_log(p, 0);

	for (uint32_t i = 0; i < 3; i++)
		put(&log, "sip:1@a", (char[]){ (char)('a' + (int)i), 0 }, 1);
	const size_t n = log.size;
	rf_bindings_log_close(&log);
	uint8_t *all = malloc(n);
	int fd = open(p->log, O_RDONLY);
	assert_int_equal(read(fd, all, n), n);
	close(fd);
	for (size_t i = 0; i < n; i++) {
		struct rf_replay r = { 0 };

		all[i] ^= 0x20;
		int rc = rf_replay(rf_view_of(all, n), &r);
		assert_true(rc == RF_E_CORRUPT ? i < 8 : rc == 0);
		assert_true(i < 8 || (r.live < 3 && r.good <= (i < 16 ? 16 : i)));
		rf_replay_free(&r);
		all[i] ^= 0x20;
	}
	free(all);
}

/* What was written before a write failed half-way is not there after a restart, though it may be on the disk whole:
 * everybody was told that it failed. */
static void full_disk(void **state)
{
	const struct place *p = *state;
	struct rf_bindings_log log = open_log(p, 0);
	struct sigaction quiet = { .sa_handler = SIG_IGN }, old;
	struct rlimit before, small;

	assert_int_equal(put(&log, "sip:1@a", "k", 1), 0);
	const size_t one = log.size;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = log.size + 400;
	sigaction(SIGXFSZ, &quiet, &old);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	struct rf_change *group = NULL;
	for (int i = 0; i < 5; i++) {
		const struct rf_stored_binding s = binding((char[]){ (char)('a' + i), 0 }, 100, INT64_MAX);
		struct rf_change *c = change("sip:2@a", &(struct rf_bindings_op){ RF_BINDINGS_PUT, &s }, 1);

		c->next = group;
		group = c;
	}
	assert_true(rf_bindings_log_write(&log, group) < 0);
	for (struct rf_change *next; group; group = next) {
		assert_true(group->rc < 0);
		next = group->next;
		free(group);
	}
	assert_int_equal(size_of(p->log), one);
	setrlimit(RLIMIT_FSIZE, &before);
	sigaction(SIGXFSZ, &old, NULL);
	assert_int_equal(put(&log, "sip:3@a", "k", 10), 0);
	rf_bindings_log_close(&log);
	log = open_log(p, 0);
	assert_int_equal(log.cut_bytes, 0);
	assert_int_equal(load(&log).cseq, 11);
	rf_bindings_log_close(&log);
}

/* Many refreshes of few bindings: the file stays small, and says the same before and after. */
static void written_anew(void **state)
{
	const struct place *p = *state;
	struct rf_bindings_log log = open_log(p, 4096);
	unsigned rewritten = 0;

	for (uint32_t i = 0; i < 2000; i++) {
		char aor[32];
		const size_t before = log.size;

		snprintf(aor, sizeof aor, "sip:%u@a", i % 7);
		assert_int_equal(put(&log, aor, i % 3 ? "a" : "b", i), 0);
		assert_int_equal(rf_bindings_log_compact(&log), 0);
		rewritten += log.size < before;
	}
	assert_true(rewritten > 10);
	assert_true(log.size < 2 * 4096 + 8192);
	struct seen had = load(&log);
	assert_int_equal(had.n, 14);
	rf_bindings_log_close(&log);
	log = open_log(p, 4096);
	struct seen has = load(&log);
	assert_int_equal(has.n, had.n);
	assert_int_equal(has.cseq, had.cseq);
	rf_bindings_log_close(&log);
}

/* A disk without room for the new file: the old one stays, and is added to. */
static void no_room_to_write_anew(void **state)
{
	const struct place *p = *state;
	struct rf_bindings_log log = open_log(p, 256);
	char name[128];

	snprintf(name, sizeof name, "%s.new", p->log);
	assert_int_equal(mkdir(name, 0700), 0);
	for (uint32_t i = 0; i < 20; i++) {
		assert_int_equal(put(&log, "sip:1@a", "k", i), 0);
		assert_true(rf_bindings_log_compact(&log) <= 0);
	}
	assert_int_equal(load(&log).cseq, 19);
	assert_true(log.size > 1500);
	rmdir(name);
	log.compact_at = 0;
	assert_int_equal(rf_bindings_log_compact(&log), 0);
	assert_true(log.size < 300);
	assert_int_equal(load(&log).cseq, 19);
	rf_bindings_log_close(&log);
}

static void clear_and_expire(void **state)
{
	const struct place *p = *state;
	struct rf_bindings_log log = open_log(p, 0);
	const struct rf_stored_binding brief = binding("brief", 1000, 50);
	const struct rf_bindings_op clear = { RF_BINDINGS_CLEAR, NULL }, again = { RF_BINDINGS_PUT, &brief };

	put(&log, "sip:1@a", "x", 1);
	put(&log, "sip:1@a", "y", 1);
	put(&log, "sip:2@a", "x", 10);
	write_one(&log, change("sip:1@a", &clear, 1));
	assert_int_equal(load(&log).cseq, 10);
	write_one(&log, change("sip:1@a", &again, 1));
	assert_int_equal(load(&log).cseq, 1010);
	struct rf_change *c = calloc(1, sizeof *c + RF_CHANGE_EXPIRE_BYTES);
	c->n = RF_CHANGE_EXPIRE_BYTES;
	rf_change_put_expire(c->body, (struct rf_wall){ 51 });
	write_one(&log, c);
	assert_int_equal(load(&log).cseq, 10);
	write_one(&log, change("sip:1@a", &again, 1)); /* the clock went back: it is not touched by
						        * the expiry before it */
	assert_int_equal(load(&log).cseq, 1010);
	rf_bindings_log_close(&log);
}

static void one_process(void **state)
{
	const struct place *p = *state;
	struct rf_bindings_log log = open_log(p, 0), second;
	const struct rf_bindings_options opt = { .path = p->log };
	struct rf_diag diag = { 0 };

	assert_int_equal(rf_bindings_log_open(&opt, &second, &diag), RF_E_BUSY);
	assert_int_equal(size_of(p->log), RF_LOG_HEAD);
	struct stat st;
	assert_int_equal(stat(p->log, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	rf_bindings_log_close(&log);
	int fd = open(p->log, O_WRONLY | O_TRUNC);
	assert_int_equal(write(fd, "something else", 14), 14);
	close(fd);
	assert_int_equal(rf_bindings_log_open(&opt, &log, &diag), RF_E_CORRUPT);
	assert_int_equal(size_of(p->log), 14); /* not ours: not touched */
}

/* kill -9 while it writes and compacts: every change that was reported as done is there. */
static void killed(void **state)
{
	const struct place *p = *state;

	for (int round = 0; round < 12; round++) {
		int to[2];

		assert_int_equal(pipe(to), 0);
		pid_t child = fork();
		if (child == 0) {
			struct rf_bindings_log log = open_log(p, 2048);

			for (uint32_t i = 1;; i++)
				if (put(&log, "sip:1@a", "k", i) || rf_bindings_log_compact(&log) ||
				    write(to[1], &i, sizeof i) != sizeof i)
					_exit(1);
		}
		close(to[1]);
		uint32_t done = 0, i;
		for (int k = 0; k < 40 * (round + 1) && read(to[0], &i, sizeof i) == sizeof i; k++)
			done = i;
		kill(child, SIGKILL);
		while (read(to[0], &i, sizeof i) == sizeof i)
			done = i;
		close(to[0]);
		waitpid(child, NULL, 0);
		struct rf_bindings_log log = open_log(p, 2048);
		assert_true(load(&log).cseq >= done && done > 0);
		rf_bindings_log_close(&log);
	}
}

/* What an earlier ringfort kept in SQLite is there, once. */
static void taken_over(void **state)
{
	const struct place *p = *state;
	struct rf_stored_binding s = binding("k", 7, INT64_MAX);
	uint8_t record[256];
	sqlite3_stmt *q;
	sqlite3 *db;

	rf_record_put(record, &s);
	assert_int_equal(sqlite3_open(p->old, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "CREATE TABLE bindings (aor TEXT NOT NULL, key BLOB NOT NULL, "
					  "expires INTEGER NOT NULL, record BLOB NOT NULL, PRIMARY KEY (aor, key)) "
					  "WITHOUT ROWID; PRAGMA application_id = 1380336177; PRAGMA user_version = 1",
				      NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "INSERT INTO bindings VALUES (?1, 'k', 9223372036854775807, ?2)", -1,
					    &q, NULL),
			 SQLITE_OK);
	for (int i = 0; i < 300; i++) {
		char aor[32];

		snprintf(aor, sizeof aor, "sip:%d@a", i);
		sqlite3_bind_text(q, 1, aor, -1, SQLITE_TRANSIENT);
		sqlite3_bind_blob(q, 2, record, (int)rf_record_bytes(&s), SQLITE_STATIC);
		assert_int_equal(sqlite3_step(q), SQLITE_DONE);
		sqlite3_reset(q);
	}
	sqlite3_finalize(q);
	sqlite3_close(db);
	chmod(p->old, 0600);

	struct rf_bindings_log log = open_log(p, 0);
	struct seen x = load(&log);
	assert_int_equal(x.n, 300);
	assert_int_equal(x.cseq, 2100);
	assert_int_not_equal(access(p->old, F_OK), 0);
	rf_bindings_log_close(&log);
	log = open_log(p, 0);
	assert_int_equal(load(&log).n, 300);
	rf_bindings_log_close(&log);
}

/* One that cannot be read is not thrown away, and no log takes its place. */
static void not_taken_over(void **state)
{
	const struct place *p = *state;
	const struct rf_bindings_options opt = { .path = p->log, .old_path = p->old };
	struct rf_bindings_log log;
	struct rf_diag diag = { 0 };
	int fd = open(p->old, O_WRONLY | O_CREAT, 0600);

	assert_int_equal(write(fd, "no database at all, not by far", 30), 30);
	close(fd);
	for (int i = 0; i < 2; i++)
		assert_true(rf_bindings_log_open(&opt, &log, &diag) < 0);
	assert_int_equal(size_of(p->old), 30);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(torn_anywhere), TEST(damaged_anywhere), TEST(full_disk), TEST(written_anew),
		TEST(no_room_to_write_anew), TEST(clear_and_expire), TEST(one_process), TEST(killed), TEST(taken_over),
		TEST(not_taken_over),
	};

	return cmocka_run_group_tests_name("bindings_log", tests, NULL, NULL);
}
