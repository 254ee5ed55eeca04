/* What the hand keeps on disk and reads out of rules. That bundles are verified is shown by
 * tests/system/test_wall.py. */
#include "role/hand_int.h"
#include "role/hand_store.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct folder {
	char path[64];
	int dir;
};

static int make_folder(void **state)
{
	struct folder *f = calloc(1, sizeof *f);

	snprintf(f->path, sizeof f->path, "/tmp/rf_hand_XXXXXX");
	assert_non_null(mkdtemp(f->path));
	f->dir = open(f->path, O_RDONLY | O_DIRECTORY);
	*state = f;
	return 0;
}

static int remove_folder(void **state)
{
	struct folder *f = *state;
	char command[128];

	close(f->dir);
	snprintf(command, sizeof command, "rm -r %s", f->path);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

static void put(const struct folder *f, const char *name, const char *text)
{
	int fd = openat(f->dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static bool is_there(const struct folder *f, const char *name)
{
	return faccessat(f->dir, name, F_OK, 0) == 0;
}

static void state_is_kept(void **state)
{
	struct folder *f = *state;
	struct rf_diag diag = { 0 };
	struct rf_hand_store s, back;

	assert_int_equal(rf_hand_store_open(f->dir, &s, &diag), 0);
	assert_int_equal(s.confirmed, 0);
	assert_int_equal(s.candidate, 0);
	s.confirmed = 3;
	s.candidate = 4;
	s.deadline_us = 1700000000000000;
	s.reverted = 2;
	s.reverted_us = 1600000000000000;
	snprintf(s.reverted_why, sizeof s.reverted_why, "nobody confirmed it in time");
	put(f, "2.nft", "old");
	put(f, "3.nft", "kept");
	put(f, "4.manifest", "kept");
	put(f, "incoming.nft", "another's");
	assert_int_equal(rf_hand_store_write(&s, &diag), 0);
	assert_int_equal(rf_hand_store_open(f->dir, &back, &diag), 0);
	assert_int_equal(back.confirmed, 3);
	assert_int_equal(back.candidate, 4);
	assert_int_equal(back.deadline_us, s.deadline_us);
	assert_int_equal(back.reverted, 2);
	assert_string_equal(back.reverted_why, s.reverted_why);
	assert_false(is_there(f, "2.nft"));
	assert_true(is_there(f, "3.nft") && is_there(f, "4.manifest") && is_there(f, "incoming.nft"));
}

static void other_texts_are_refused(void **state)
{
	static const char *const texts[] = {
		"", "x", "ringfort-wall 2\nconfirmed 1\ncandidate 0 0\nreverted 0 0 \n", "ringfort-wall 1\n",
		"ringfort-wall 1\nconfirmed -1\ncandidate 0 0\nreverted 0 0 \n",
		"ringfort-wall 1\nconfirmed 1\ncandidate 0\n",
		"ringfort-wall 1\nconfirmed 1\ncandidate 0 0\nreverted 0 0 ",
	};
	struct folder *f = *state;
	struct rf_hand_store s;

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct rf_diag diag = { 0 };

		put(f, "state", texts[i]);
		assert_int_equal(rf_hand_store_open(f->dir, &s, &diag), RF_E_CORRUPT);
		assert_non_null(strstr(diag.text, "wall/state"));
	}
}

static void every_prefix_of_the_state(void **state)
{
	static const char text[] = "ringfort-wall 1\nconfirmed 3\ncandidate 4 17\nreverted 2 16 why it was\n";
	struct folder *f = *state;
	struct rf_hand_store s;
	char part[sizeof text];

	for (size_t n = 0; n < sizeof text - 1; n++) {
		struct rf_diag diag = { 0 };

		memcpy(part, text, n);
		part[n] = '\0';
		put(f, "state", part);
		assert_int_equal(rf_hand_store_open(f->dir, &s, &diag), RF_E_CORRUPT);
	}
}

static void a_bundle_that_is_not_there(void **state)
{
	const struct rf_hand_want want = { "/does/not/exist", "house", "rt" };
	struct folder *f = *state;
	struct rf_hand_bundle b;
	struct rf_arena arena;
	struct rf_diag diag = { 0 };

	rf_arena_init(&arena, 1 << 20);
	assert_int_equal(rf_hand_bundle_read(f->dir, "incoming", &want, &arena, &b, &diag), RF_E_NOT_FOUND);
	put(f, "incoming.manifest", "x");
	put(f, "incoming.sig", "x");
	assert_int_equal(symlinkat("/etc/passwd", f->dir, "incoming.nft"), 0);
	/* a link is not followed */
	assert_int_not_equal(rf_hand_bundle_read(f->dir, "incoming", &want, &arena, &b, &diag), 0);
	rf_arena_fini(&arena);
}

static void counters_before_drops(void **state)
{
	static const char rules[] =
		"\tcounter a { }\n"
		"\t\tct state invalid counter name invalid drop comment \"invalid\"\n"
		"\t\tip saddr 10.0.0.1 counter name accepted accept\n"
		"\t\tcounter name no-rule-forward drop\n"
		"\t\tcounter name invalid drop\n"
		"\t\tcounter name half";
	struct rf_hand_drops d;

	(void)state;
	rf_hand_drops_of(rf_view_str(rules), &d);
	assert_int_equal(d.n, 2);
	assert_string_equal(d.id[0], "invalid");
	assert_string_equal(d.id[1], "no-rule-forward");
	for (size_t n = 0; n < sizeof rules; n++)
		rf_hand_drops_of(rf_view_of(rules, n), &d);
	rf_hand_drops_of(RF_V(""), &d);
	assert_int_equal(d.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(state_is_kept, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(other_texts_are_refused, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(every_prefix_of_the_state, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(a_bundle_that_is_not_there, make_folder, remove_folder),
		cmocka_unit_test(counters_before_drops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
