/* The notifier as a real process (this program executes itself) that runs real programs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "role/notifier.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
	char dir[64], program[96], out[96];
	struct rf_notifier *n;
};

/* A shell script of these lines; OUT is a file in its folder. */
static void set_up(struct fixture *f, const char *lines)
{
	struct rf_diag diag = { 0 };

	snprintf(f->dir, sizeof f->dir, "/tmp/rf-notifier-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->program, sizeof f->program, "%s/hook", f->dir);
	snprintf(f->out, sizeof f->out, "%s/out", f->dir);
	FILE *s = fopen(f->program, "w");

	assert_non_null(s);
	fprintf(s, "#!/bin/sh\nOUT=%s\n%s\n", f->out, lines);
	fclose(s);
	chmod(f->program, 0700);
	struct rf_notifier_options opt = { .exe = "/proc/self/exe", .program = f->program };

	if (rf_notifier_new(&opt, &f->n, &diag))
		fail_msg("%s", diag.text);
}

static void tear_down(struct fixture *f)
{
	rf_notifier_free(f->n);
	unlink(f->program);
	unlink(f->out);
	rmdir(f->dir);
}

static struct rf_notifier_end wait_end(struct fixture *f)
{
	struct pollfd p = { .fd = rf_notifier_fd(f->n), .events = POLLIN };
	struct rf_notifier_end end;

	assert_int_equal(poll(&p, 1, 20000), 1);
	assert_int_equal(rf_notifier_ended(f->n, &end), 0);
	return end;
}

static size_t read_out(struct fixture *f, char *buf, size_t cap)
{
	FILE *s = fopen(f->out, "r");
	size_t n = s ? fread(buf, 1, cap - 1, s) : 0;

	if (s)
		fclose(s);
	buf[n] = 0;
	return n;
}

/* The text is the input and nothing else; the environment has nothing of the controller's. */
static void test_input(void **state)
{
	static const char text[] = "{\"a\":\"$(touch /tmp/x) `id` \\\"; rm -rf\"}\n";
	struct fixture f;
	char got[8192];
	uint32_t id;

	(void)state;
	setenv("RF_SECRET", "x", 1);
	set_up(&f, "{ cat; echo \"args $#\"; env | grep -c RF_SECRET; } > $OUT");
	assert_int_equal(rf_notifier_tell(f.n, rf_view_str(text), &id), 0);
	struct rf_notifier_end end = wait_end(&f);

	assert_int_equal(end.id, id);
	assert_int_equal(end.status, 1); /* grep found none */
	read_out(&f, got, sizeof got);
	assert_true(strncmp(got, text, strlen(text)) == 0);
	assert_non_null(strstr(got, "args 0\n0\n"));
	tear_down(&f);
}

static void test_ends(void **state)
{
	static const struct {
		const char *lines;
		int status;
	} cases[] = { { "exit 0", 0 }, { "exit 7", 7 }, { "kill -9 $$", -1 } };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct fixture f;
		uint32_t id;

		set_up(&f, cases[i].lines);
		assert_int_equal(rf_notifier_tell(f.n, RF_V("x"), &id), 0);
		assert_int_equal(wait_end(&f).status, cases[i].status);
		tear_down(&f);
	}
}

static void test_no_program(void **state)
{
	struct fixture f;
	uint32_t id;

	(void)state;
	set_up(&f, "exit 0");
	unlink(f.program);
	assert_int_equal(rf_notifier_tell(f.n, RF_V("x"), &id), 0);
	assert_int_equal(wait_end(&f).status, -2);
	tear_down(&f);
}

/* More than may run at once wait their turn, and none is lost. */
static void test_many(void **state)
{
	struct fixture f;
	char got[4096];
	uint32_t id;
	bool seen[20] = { false };

	(void)state;
	set_up(&f, "cat >> $OUT");
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(rf_notifier_tell(f.n, RF_V("x\n"), &id), 0);
	for (unsigned i = 0; i < 20; i++) {
		struct rf_notifier_end end = wait_end(&f);

		assert_int_equal(end.status, 0);
		assert_true(end.id < 20 && !seen[end.id]);
		seen[end.id] = true;
	}
	assert_int_equal(read_out(&f, got, sizeof got), 40);
	tear_down(&f);
}

/* What was handed over is done even when the controller ends right behind it. */
static void test_controller_ends(void **state)
{
	struct fixture f;
	char got[64];
	uint32_t id;

	(void)state;
	set_up(&f, "sleep 0.2; cat > $OUT");
	assert_int_equal(rf_notifier_tell(f.n, RF_V("fire"), &id), 0);
	rf_notifier_free(f.n);
	f.n = NULL;
	assert_int_equal(read_out(&f, got, sizeof got), 4);
	tear_down(&f);
}

static void test_bounds(void **state)
{
	static uint8_t text[RF_NOTIFIER_TEXT_MAX + 1];
	struct rf_notifier_end end;
	struct fixture f;
	uint32_t id;

	(void)state;
	set_up(&f, "cat > $OUT");
	assert_int_equal(rf_notifier_ended(f.n, &end), RF_E_BUSY);
	assert_int_equal(rf_notifier_tell(f.n, rf_view_of(text, sizeof text), &id), RF_E_LIMIT);
	memset(text, 'x', sizeof text);
	assert_int_equal(rf_notifier_tell(f.n, rf_view_of(text, RF_NOTIFIER_TEXT_MAX), &id), 0);
	assert_int_equal(wait_end(&f).status, 0);
	static char got[RF_NOTIFIER_TEXT_MAX + 16];

	assert_int_equal(read_out(&f, got, sizeof got), RF_NOTIFIER_TEXT_MAX);
	tear_down(&f);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], RF_NOTIFIER_ROLE) == 0)
		return rf_notifier_main(argc, argv);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_input), cmocka_unit_test(test_ends), cmocka_unit_test(test_no_program),
		cmocka_unit_test(test_many), cmocka_unit_test(test_controller_ends), cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
