/* The directory on disk and in memory, and the bindings' store; the bindings' file has bindings_log_test.c. */
#include "store/bindings.h"
#include "store/bindings_int.h"
#include "store/directory.h"

#include <semaphore.h>
#include <sqlite3.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static const struct rf_wall now = { 1795305600000000 };

struct place {
	char dir[64], directory[96], bindings[96];
};

static int setup(void **state)
{
	struct place *p = calloc(1, sizeof *p);

	snprintf(p->dir, sizeof p->dir, "/tmp/rf-store-XXXXXX");
	if (!mkdtemp(p->dir))
		return -1;
	snprintf(p->directory, sizeof p->directory, "%s/directory.db", p->dir);
	snprintf(p->bindings, sizeof p->bindings, "%s/bindings.log", p->dir);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = { "directory.db", "bindings.log" };
	static const char *const tails[] = { "", "-wal", "-shm" };
	struct place *p = *state;
	char path[128];

	for (size_t i = 0; i < 6; i++) {
		snprintf(path, sizeof path, "%s/%s%s", p->dir, names[i / 3], tails[i % 3]);
		unlink(path);
	}
	rmdir(p->dir);
	free(p);
	return 0;
}

static struct rf_store *open_store(const struct place *p)
{
	struct rf_diag diag = { 0 };
	struct rf_store *s = NULL;

	if (rf_store_open(p->directory, true, &s, &diag))
		fail_msg("%s: %s", diag.file, diag.text);
	return s;
}

static int count_users(void *ctx, const struct rf_store_user *u)
{
	assert_true(u->algs == RF_DIGEST_SHA_ONLY);
	assert_int_equal(u->ha1[RF_DIGEST_SHA256].b[0], 7);
	++*(int *)ctx;
	return 0;
}

static void users(void **state)
{
	struct rf_store *s = open_store(*state), *other = open_store(*state);
	struct rf_store_user u = { .name = RF_V("alice"), .number = RF_V("1001"), .algs = RF_DIGEST_SHA_ONLY,
				   .created = now, .changed = now };
	struct rf_diag diag = { 0 };
	bool changed = true;
	int n = 0;

	u.ha1[RF_DIGEST_SHA256].b[0] = 7;
	assert_int_equal(rf_store_changed(other, &changed), 0);
	assert_false(changed);
	assert_int_equal(rf_store_user_add(s, &u, &diag), 0);
	assert_int_equal(rf_store_changed(other, &changed), 0);
	assert_true(changed);
	assert_int_equal(rf_store_changed(other, &changed), 0);
	assert_false(changed);
	assert_int_equal(rf_store_user_add(s, &u, &diag), RF_E_EXISTS);
	assert_non_null(strstr(diag.text, "passwd"));
	assert_int_equal(rf_store_users(s, count_users, &n, &diag), 0);
	assert_int_equal(n, 1);
	assert_int_equal(rf_store_user_lock(s, RF_V("bob"), true, &diag), RF_E_NOT_FOUND);
	assert_int_equal(rf_store_user_lock(s, RF_V("alice"), true, &diag), 0);
	/* What a name holds is data, never SQL. */
	assert_int_equal(rf_store_user_remove(s, RF_V("alice' OR '1'='1"), &diag), RF_E_NOT_FOUND);
	assert_int_equal(rf_store_user_remove(s, RF_V("alice"), &diag), 0);
	rf_store_close(s);
	rf_store_close(other);
}

static void modes_and_damage(void **state)
{
	const struct place *p = *state;
	struct rf_diag diag = { 0 };
	struct rf_store *s = NULL;
	struct stat st;

	assert_int_equal(rf_store_open(p->directory, false, &s, &diag), -ENOENT);
	assert_non_null(strstr(diag.text, "ringfort init"));
	rf_store_close(open_store(p));
	assert_int_equal(stat(p->directory, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);

	/* Newer than we are. */
	sqlite3 *db;
	assert_int_equal(sqlite3_open(p->directory, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(rf_store_open(p->directory, false, &s, &diag), RF_E_UNSUPPORTED);
	assert_non_null(strstr(diag.text, "newer"));

	/* Something else altogether, and nothing but noise. */
	unlink(p->directory);
	assert_int_equal(sqlite3_open(p->directory, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "CREATE TABLE t (x); PRAGMA user_version = 1", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(rf_store_open(p->directory, false, &s, &diag), RF_E_CORRUPT);
	FILE *f = fopen(p->directory, "w");
	for (int i = 0; i < 8192; i++)
		fputc(i * 7, f);
	fclose(f);
	assert_int_equal(rf_store_open(p->directory, false, &s, &diag), RF_E_CORRUPT);
	assert_string_equal(diag.file, p->directory);
	assert_non_null(strstr(diag.text, "backup"));
}

/* --- directory */

static struct rf_site *site(void)
{
	static const char yaml[] = "site: a\ndomain: a.example\nlevel: medium\nphones:\n  - { name: p, number: 10 }\n"
				   "  - { name: q, number: 10 }\n  - { name: r, number: 11 }\n";
	struct rf_site *s = NULL;

	assert_int_equal(rf_site_parse(rf_view_str(yaml), (struct rf_view){ 0 }, "a", now, NULL, &s), 0);
	return s;
}

static void fill(struct rf_store *s, const struct rf_pki_id *id)
{
	struct rf_store_cert cert = { .serial = rf_pki_id_serial(id),
				      .phone = RF_V("p"),
				      .subject = RF_V("sip:10@a.example"),
				      .not_before = { 0 },
				      .not_after = { INT64_MAX } };
	struct rf_store_user u = { .name = RF_V("alice"), .number = RF_V("10"), .algs = RF_DIGEST_SHA_ONLY };
	struct rf_diag diag;

	memcpy(cert.sha256, id->sha256, 32);
	assert_int_equal(rf_store_cert_add(s, &cert, &diag), 0);
	u.ha1[RF_DIGEST_SHA512_256].b[31] = 9;
	assert_int_equal(rf_store_user_add(s, &u, &diag), 0);
}

static void expect_prove(struct rf_site *a, struct rf_store *s, const struct rf_pki_id *id, int rc)
{
	const struct rf_dir_phone *p = NULL;
	struct rf_directory *d = NULL;
	struct rf_diag diag = { 0 };
	const char *why = NULL;

	assert_int_equal(rf_directory_new(a, s, &d, &diag), 0);
	assert_int_equal(rf_directory_prove(d, id, now, &p, &why), rc);
	assert_true((rc == 0) == (p != NULL));
	assert_true((rc == 0) == (why == NULL));
	rf_directory_put(d);
}

static void directory(void **state)
{
	struct rf_store *s = open_store(*state);
	struct rf_site *a = site();
	struct rf_pki_id id = { .present = true, .serial_len = 3, .serial = "abc", .sha256 = "x", .not_after_s = INT64_MAX,
				.uri = "sip:10@A.example" }, bad;
	const struct rf_dir_phone *const *phones;
	const struct rf_dir_user *const *list;
	struct rf_directory *d = NULL;
	struct rf_diag diag = { 0 };
	char hex[2 * RF_DIGEST_HASH_MAX];
	struct rf_digest_ctx *digest;
	size_t n;

	rf_site_urn(a, RF_V("p"), id.urn);
	fill(s, &id);
	assert_int_equal(rf_directory_new(a, s, &d, &diag), 0);
	assert_int_equal(rf_directory_phones_of(d, RF_V("10"), &phones), 2);
	assert_true(rf_view_eq(phones[1]->name, RF_V("q")));
	assert_int_equal(rf_directory_phones_of(d, RF_V("12"), &phones), 0);
	assert_int_equal(rf_directory_users_of(d, RF_V("10"), &list), 1);
	assert_int_equal(list[0]->ha1[RF_DIGEST_SHA512_256].b[31], 9);
	assert_true(rf_directory_number(d, RF_V("11")));
	assert_false(rf_directory_number(d, RF_V("1")));
	assert_ptr_equal(rf_directory_user(d, RF_V("alice")), list[0]);
	assert_null(rf_directory_user(d, RF_V("Alice")));
	assert_int_equal(rf_digest_ctx_new(&digest), 0);
	assert_int_equal(rf_digest_userhash(digest, RF_DIGEST_SHA256, RF_V("alice"), RF_V("a.example"), hex), 0);
	rf_digest_ctx_free(digest);
	assert_ptr_equal(rf_directory_user_by_hash(d, RF_DIGEST_SHA256, rf_view_of(hex, 64)), list[0]);
	assert_null(rf_directory_user_by_hash(d, RF_DIGEST_SHA512_256, rf_view_of(hex, 64)));
	assert_non_null(rf_directory_phone_by_urn(d, rf_view_str(id.urn)));
	rf_directory_put(rf_directory_get(d));
	rf_directory_put(d);

	expect_prove(a, s, &id, 0);
	expect_prove(a, s, &(struct rf_pki_id){ 0 }, RF_E_AUTH);
	bad = id;
	bad.serial[0]++;
	expect_prove(a, s, &bad, RF_E_NOT_FOUND);  /* not issued here */
	bad = id;
	bad.sha256[31]++;
	expect_prove(a, s, &bad, RF_E_NOT_FOUND);  /* another certificate with that serial */
	bad = id;
	rf_site_urn(a, RF_V("q"), bad.urn);
	expect_prove(a, s, &bad, RF_E_NOT_FOUND);  /* another phone's */
	bad = id;
	memcpy(bad.uri, "sip:11@a.example", sizeof "sip:11@a.example");
	expect_prove(a, s, &bad, RF_E_DENIED);     /* the number has changed */
	bad = id;
	bad.not_after_s = 1;
	expect_prove(a, s, &bad, RF_E_STALE);
	assert_int_equal(rf_store_phone_lock(s, RF_V("p"), true, &diag), 0);
	expect_prove(a, s, &id, RF_E_DENIED);
	assert_int_equal(rf_store_phone_lock(s, RF_V("p"), false, &diag), 0);
	expect_prove(a, s, &id, 0);
	assert_int_equal(rf_store_cert_revoke(s, true, RF_V("p"), now, &n, &diag), 0);
	assert_int_equal(n, 0); /* a host of that name is another */
	assert_int_equal(rf_store_cert_revoke(s, false, RF_V("p"), now, &n, &diag), 0);
	assert_int_equal(n, 1);
	expect_prove(a, s, &id, RF_E_STALE);
	rf_site_put(a);
	rf_store_close(s);
}

/* --- bindings */

struct wait {
	sem_t sem;
	atomic_int calls, failures, last;
};

static void done(void *ctx, int rc)
{
	struct wait *w = ctx;

	w->calls++;
	w->failures += rc != 0;
	w->last = rc;
	sem_post(&w->sem);
}

static void wait_for(struct wait *w, int n)
{
	while (n--)
		while (sem_wait(&w->sem))
			;
}

static struct rf_bindings *start(const struct place *p, size_t queue, bool safe)
{
	const struct rf_bindings_options opt = {
		.path = p->bindings, .queue = queue, .gather_us = 500, .power_safe = safe
	};
	struct rf_bindings *b = NULL;
	struct rf_diag diag = { 0 };

	if (rf_bindings_start(&opt, &b, &diag))
		fail_msg("%s: %s", diag.file, diag.text);
	return b;
}

static const struct rf_stored_binding example = {
	.key = { (const uint8_t *)"urn:uuid:1;1", 12 },
	.contact = { (const uint8_t *)"sip:1@192.0.2.1:5061;transport=tls", 34 },
	.call_id = { (const uint8_t *)"abc@def", 7 }, .instance = { (const uint8_t *)"urn:uuid:1", 10 },
	.phone = { (const uint8_t *)"p", 1 }, .flow = { (const uint8_t *)"\0\1\2", 3 }, .since = { 5 },
	.refreshed = { 6 }, .expires = { INT64_MAX }, .cseq = 7, .reg_id = 1, .q_milli = 1000, .by_flow = true,
};

struct seen {
	int n;
	struct rf_stored_binding last; /* values only */
};

static int see(void *ctx, struct rf_view aor, const struct rf_stored_binding *s)
{
	struct seen *x = ctx;

	assert_true(rf_view_starts(aor, RF_V("sip:")));
	assert_true(rf_view_eq(s->contact, example.contact));
	assert_true(rf_view_eq(s->instance, example.instance));
	assert_true(rf_view_eq(s->flow, example.flow));
	assert_int_equal(s->path.n, 0);
	x->n++;
	x->last = *s;
	return 0;
}

static int loaded(struct rf_bindings *b, struct rf_wall when, struct seen *x)
{
	struct rf_diag diag = { 0 };

	*x = (struct seen){ 0 };
	assert_int_equal(rf_bindings_load(b, when, see, x, &diag), 0);
	return x->n;
}

static void bindings(void **state)
{
	struct rf_bindings *b = start(*state, 0, false);
	struct rf_stored_binding second = example;
	struct wait w = { 0 };
	struct seen x;

	sem_init(&w.sem, 0, 0);
	second.key = RF_V("other");
	second.expires.us = 1000;
	assert_int_equal(rf_bindings_put(b, RF_V("sip:1@a"), &example, done, &w), 0);
	assert_int_equal(rf_bindings_put(b, RF_V("sip:1@a"), &example, done, &w), 0); /* again: replaces */
	assert_int_equal(rf_bindings_put(b, RF_V("sip:1@a"), &second, done, &w), 0);
	assert_int_equal(rf_bindings_put(b, RF_V("sip:2@a"), &example, done, &w), 0);
	wait_for(&w, 4);
	assert_int_equal(w.failures, 0);
	rf_bindings_stop(b);

	b = start(*state, 0, true); /* a restart loses none */
	assert_int_equal(loaded(b, (struct rf_wall){ 0 }, &x), 3);
	assert_int_equal(loaded(b, now, &x), 2);
	assert_int_equal(x.last.cseq, 7);
	assert_int_equal(x.last.q_milli, 1000);
	assert_true(x.last.by_flow);
	assert_int_equal(x.last.refreshed.us, 6);
	assert_int_equal(rf_bindings_remove(b, RF_V("sip:1@a"), RF_V("other"), done, &w), 0);
	assert_int_equal(rf_bindings_remove(b, RF_V("sip:1@a"), RF_V("no such"), done, &w), 0);
	assert_int_equal(rf_bindings_clear(b, RF_V("sip:2@a"), done, &w), 0);
	wait_for(&w, 3);
	assert_int_equal(w.failures, 0);
	assert_int_equal(loaded(b, (struct rf_wall){ 0 }, &x), 1);
	const struct rf_bindings_op ops[] = { { RF_BINDINGS_CLEAR, NULL }, { RF_BINDINGS_PUT, &second } };
	assert_int_equal(rf_bindings_change(b, RF_V("sip:1@a"), ops, 2, done, &w), 0);
	assert_int_equal(rf_bindings_expire(b, now, done, &w), 0);
	wait_for(&w, 2);
	assert_int_equal(loaded(b, (struct rf_wall){ 0 }, &x), 0);
	rf_bindings_stop(b);
	sem_destroy(&w.sem);
}

static void bounds(void **state)
{
	struct rf_bindings *b = start(*state, 2, false);
	static uint8_t long_text[RF_BINDINGS_BYTES_MAX + 1];
	struct rf_stored_binding big = example;
	struct rf_bindings_counts counts;
	struct wait w = { 0 };
	int accepted = 0, busy = 0;

	sem_init(&w.sem, 0, 0);
	big.path = rf_view_of(long_text, sizeof long_text);
	assert_int_equal(rf_bindings_put(b, RF_V("sip:1@a"), &big, done, &w), RF_E_LIMIT);
	big = example;
	big.flow = rf_view_of(long_text, RF_BINDINGS_FLOW_MAX + 1);
	assert_int_equal(rf_bindings_put(b, RF_V("sip:1@a"), &big, done, &w), RF_E_LIMIT);
	assert_int_equal(rf_bindings_change(b, RF_V("sip:1@a"), NULL, 0, done, &w), RF_E_LIMIT);
	for (int i = 0; i < 100; i++) {
		int rc = rf_bindings_put(b, RF_V("sip:1@a"), &example, done, &w);

		assert_true(rc == 0 || rc == RF_E_BUSY);
		accepted += rc == 0;
		busy += rc == RF_E_BUSY;
	}
	assert_true(busy > 0);
	wait_for(&w, accepted);
	rf_bindings_counts(b, &counts);
	assert_int_equal(counts.done, accepted);
	assert_int_equal(counts.refused, busy);
	rf_bindings_stop(b);
	sem_destroy(&w.sem);
}

/* A disk that is full: RLIMIT_FSIZE makes write(2) fail as one does. The callback hears it, and after there is room
 * again the next change succeeds. */
static void full_disk(void **state)
{
	struct rf_bindings *b = start(*state, 0, false);
	struct rlimit before, small;
	struct wait w = { 0 };
	struct seen x;

	sem_init(&w.sem, 0, 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 100; /* the head, and half of a change */
	struct sigaction quiet = { .sa_handler = SIG_IGN }, old;
	sigaction(SIGXFSZ, &quiet, &old);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(rf_bindings_put(b, RF_V("sip:1@a"), &example, done, &w), 0);
	wait_for(&w, 1);
	setrlimit(RLIMIT_FSIZE, &before);
	assert_int_equal(w.failures, 1);
	assert_true(w.last < 0);
	assert_int_equal(rf_bindings_put(b, RF_V("sip:2@a"), &example, done, &w), 0);
	wait_for(&w, 1);
	assert_int_equal(w.failures, 1);
	assert_int_equal(loaded(b, now, &x), 1);
	rf_bindings_stop(b);
	sigaction(SIGXFSZ, &old, NULL);
	sem_destroy(&w.sem);
}

/* Records: every prefix and every one-byte change is read without a fault, prefixes never as good. */
static void records(void **state)
{
	size_t n = rf_record_bytes(&example);
	struct rf_stored_binding s = { 0 };
	uint8_t *p = malloc(n);

	(void)state;
	rf_record_put(p, &example);
	assert_int_equal(rf_record_get(rf_view_of(p, n), &s), 0);
	assert_true(rf_view_eq(s.call_id, example.call_id));
	for (size_t i = 0; i < n; i++) {
		uint8_t *cut = malloc(i ? i : 1);

		memcpy(cut, p, i);
		assert_int_equal(rf_record_get(rf_view_of(cut, i), &s), RF_E_CORRUPT);
		free(cut);
		p[i] ^= 0xff;
		rf_record_get(rf_view_of(p, n), &s);
		p[i] ^= 0xff;
	}
	free(p);
}

/* How much a put costs in batches: printed, not judged. */
static void speed(void **state)
{
	enum { N = 20000 };
	struct rf_bindings *b = start(*state, 0, false);
	struct rf_bindings_counts counts;
	struct timespec cpu[2], wall[2];
	struct wait w = { 0 };

	sem_init(&w.sem, 0, 0);
	for (int round = 0; round < 2; round++) {
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu[0]);
		clock_gettime(CLOCK_MONOTONIC, &wall[0]);
		for (int i = 0; i < N; i++) {
			char aor[64];
			int n = snprintf(aor, sizeof aor, "sip:%d@voice.example.org", (i * 7919) % N);

			while (rf_bindings_put(b, rf_view_of(aor, (size_t)n), &example, done, &w) == RF_E_BUSY)
				usleep(100);
		}
		wait_for(&w, N);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu[1]);
		clock_gettime(CLOCK_MONOTONIC, &wall[1]);
		rf_bindings_counts(b, &counts);
		printf("%s: %.1f us CPU, %.1f us of time per put, %llu commits\n", round ? "refreshed" : "new",
		       ((double)(cpu[1].tv_sec - cpu[0].tv_sec) * 1e9 + (double)(cpu[1].tv_nsec - cpu[0].tv_nsec)) /
			       1e3 / N,
		       ((double)(wall[1].tv_sec - wall[0].tv_sec) * 1e9 + (double)(wall[1].tv_nsec - wall[0].tv_nsec)) /
			       1e3 / N,
		       (unsigned long long)counts.commits);
	}
	assert_int_equal(w.failures, 0);
	rf_bindings_stop(b);
	sem_destroy(&w.sem);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(users), TEST(modes_and_damage), TEST(directory), TEST(bindings), TEST(bounds), TEST(full_disk),
		cmocka_unit_test(records), TEST(speed),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
