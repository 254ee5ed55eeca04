/* The control socket, both sides: the controller's on a loop in this thread, commands in another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "loop/loop.h"
#include "role/admin.h"
#include "role/lock.h"

#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

struct fixture {
	char dir[64], state[80];
	struct rf_loop *loop;
	struct rf_admin *admin;
	struct rf_admin_request *kept;
	int listen_fd;
};

static void do_echo(void *ctx, struct rf_admin_request *r)
{
	char text[300];

	(void)ctx;
	snprintf(text, sizeof text, "\"text\":\"%s\"", rf_admin_text(r, "text"));
	rf_admin_answer(r, rf_view_str(text));
}

static void do_no(void *ctx, struct rf_admin_request *r)
{
	(void)ctx;
	rf_admin_refuse(r, "not \"today\"");
}

static void do_keep(void *ctx, struct rf_admin_request *r)
{
	((struct fixture *)ctx)->kept = r;
}

static void do_large(void *ctx, struct rf_admin_request *r)
{
	size_t n = 3 * 1024 * 1024;
	char *text = malloc(n);

	(void)ctx;
	memset(text, 'x', n);
	memcpy(text, "\"text\":\"", 8);
	text[n - 1] = '"';
	rf_admin_answer(r, rf_view_of(text, n));
	free(text);
}

static const struct rf_admin_verb verbs[] = {
	{ "echo", do_echo }, { "no", do_no }, { "keep", do_keep }, { "large", do_large }, { NULL, NULL },
};

static void set_up(struct fixture *f)
{
	struct rf_diag diag = { 0 };

	memset(f, 0, sizeof *f);
	snprintf(f->dir, sizeof f->dir, "/tmp/rf-admin-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->state, sizeof f->state, "%s/state", f->dir);
	assert_int_equal(mkdir(f->state, 0700), 0);
	assert_int_equal(rf_admin_listen(f->state, RF_ADMIN_SOCKET, (uid_t)-1, &f->listen_fd, &diag), 0);
	assert_int_equal(rf_loop_new(NULL, &f->loop), 0);
	uid_t me = geteuid();
	struct rf_admin_options opt = { .loop = f->loop, .listen_fd = f->listen_fd, .uids = &me, .uid_count = 1,
					.verbs = verbs, .ctx = f };
	assert_int_equal(rf_admin_new(&opt, &f->admin), 0);
}

static void tear_down(struct fixture *f)
{
	char path[128];

	rf_admin_free(f->admin);
	rf_loop_free(f->loop);
	close(f->listen_fd);
	snprintf(path, sizeof path, "%s/" RF_ADMIN_SOCKET, f->state);
	unlink(path);
	rmdir(f->state);
	rmdir(f->dir);
}

struct question {
	const char *dir, *verb, *text;
	unsigned wait_ms;
	int rc;
	json_t *answer;
	struct rf_diag diag;
	volatile bool done;
};

static void *ask(void *arg)
{
	struct question *q = arg;

	q->rc = rf_admin_ask(q->dir, json_pack("{s:s,s:s}", "do", q->verb, "text", q->text), q->wait_ms, &q->answer,
			     &q->diag);
	__atomic_store_n(&q->done, true, __ATOMIC_RELEASE);
	return NULL;
}

static void converse(struct fixture *f, struct question *q)
{
	pthread_t t;

	q->dir = f->dir;
	q->wait_ms = q->wait_ms ? q->wait_ms : 5000;
	assert_int_equal(pthread_create(&t, NULL, ask, q), 0);
	while (!__atomic_load_n(&q->done, __ATOMIC_ACQUIRE))
		rf_loop_turn(f->loop, 10);
	pthread_join(t, NULL);
}

static void questions_and_answers(void **state)
{
	struct fixture f;
	struct question echo = { .verb = "echo", .text = "hello" }, no = { .verb = "no", .text = "" };
	struct question other = { .verb = "other", .text = "" }, large = { .verb = "large", .text = "" };

	(void)state;
	set_up(&f);
	converse(&f, &echo);
	assert_int_equal(echo.rc, 0);
	assert_string_equal(json_string_value(json_object_get(echo.answer, "text")), "hello");
	json_decref(echo.answer);
	converse(&f, &no);
	assert_int_equal(no.rc, RF_E_INVALID);
	assert_string_equal(no.diag.text, "not \"today\"");
	converse(&f, &other);
	assert_int_equal(other.rc, RF_E_INVALID);
	assert_non_null(strstr(other.diag.text, "does not know \"other\""));
	converse(&f, &large);
	assert_int_equal(large.rc, 0);
	assert_true(json_string_length(json_object_get(large.answer, "text")) > 3000000);
	json_decref(large.answer);
	tear_down(&f);
}

static void nobody_waits_for_the_answer(void **state)
{
	struct fixture f;
	struct question keep = { .verb = "keep", .text = "", .wait_ms = 50 };

	(void)state;
	set_up(&f);
	converse(&f, &keep);
	assert_int_equal(keep.rc, RF_E_TIMEOUT);
	assert_non_null(f.kept);
	rf_loop_turn(f.loop, 10);
	rf_admin_answer(f.kept, RF_V("\"late\":true"));
	rf_loop_turn(f.loop, 10);
	/* And one that is answered when the socket is gone. */
	struct question again = { .verb = "keep", .text = "", .wait_ms = 50 };
	converse(&f, &again);
	struct rf_admin_request *kept = f.kept;
	rf_admin_free(f.admin);
	f.admin = NULL;
	rf_admin_refuse(kept, "too late");
	tear_down(&f);
}

static int connect_raw(const struct fixture *f)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	snprintf(a.sun_path, sizeof a.sun_path, "%s/" RF_ADMIN_SOCKET, f->state);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
	return fd;
}

/* Send bytes, turn the loop, and say how the server took it: >0 bytes answered, 0 closed, -1 silent. */
static ssize_t send_raw(struct fixture *f, const void *bytes, size_t n, char *answer, size_t cap)
{
	int fd = connect_raw(f);

	rf_loop_turn(f->loop, 10);
	if (n)
		assert_int_equal(send(fd, bytes, n, MSG_NOSIGNAL), n);
	for (int i = 0; i < 5; i++)
		rf_loop_turn(f->loop, 5);
	ssize_t got = recv(fd, answer, cap, 0);
	close(fd);
	rf_loop_turn(f->loop, 5);
	return got;
}

static void bad_bytes(void **state)
{
	static const char *const refused[] = { "\n", "null\n", "[]\n", "{\"do\":1}\n", "{\"do\":\n", "\xff\xfe\n", "{}\n" };
	struct fixture f;
	char answer[9000], large[RF_ADMIN_LINE_MAX + 1];

	(void)state;
	set_up(&f);
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		ssize_t n = send_raw(&f, refused[i], strlen(refused[i]), answer, sizeof answer);

		assert_true(n > 0);
		assert_memory_equal(answer, "{\"ok\":false", 11);
	}
	memset(large, 'a', sizeof large);
	assert_true(send_raw(&f, large, sizeof large, answer, sizeof answer) <= 0);
	assert_true(send_raw(&f, "{\"do\":\"no\"}\n{\"do\":\"no\"}\n", 24, answer, sizeof answer) <= 0);
	assert_int_equal(send_raw(&f, "{\"do\":\"no\"}", 11, answer, sizeof answer), -1);
	tear_down(&f);
}

static void too_many_clients(void **state)
{
	struct fixture f;
	int fds[RF_ADMIN_CLIENTS + 1];
	char c;

	(void)state;
	set_up(&f);
	for (int i = 0; i <= RF_ADMIN_CLIENTS; i++) {
		fds[i] = connect_raw(&f);
		rf_loop_turn(f.loop, 10);
	}
	assert_int_equal(recv(fds[RF_ADMIN_CLIENTS], &c, 1, 0), 0);
	assert_int_equal(recv(fds[0], &c, 1, 0), -1);
	for (int i = 0; i <= RF_ADMIN_CLIENTS; i++)
		close(fds[i]);
	for (int i = 0; i < 5; i++)
		rf_loop_turn(f.loop, 5);
	struct question echo = { .verb = "echo", .text = "there is room again" };
	converse(&f, &echo);
	assert_int_equal(echo.rc, 0);
	json_decref(echo.answer);
	tear_down(&f);
}

static void another_user_may_not_ask(void **state)
{
	struct fixture f;
	uint64_t requests, refused;
	int status;

	(void)state;
	if (geteuid() != 0)
		skip();
	set_up(&f);
	chmod(f.dir, 0755);
	chmod(f.state, 0755);
	char path[128];
	snprintf(path, sizeof path, "%s/" RF_ADMIN_SOCKET, f.state);
	chmod(path, 0666); /* what the mode forbids SO_PEERCRED forbids again */
	pid_t pid = fork();
	if (pid == 0) {
		struct question q = { .dir = f.dir, .verb = "echo", .text = "x", .wait_ms = 2000 };

		if (setresuid(65534, 65534, 65534) < 0)
			_exit(1);
		prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); /* a change of user takes /proc/self away */
		ask(&q);
		_exit(q.rc == RF_E_CLOSED || q.rc == -EPIPE ? 0 : 1);
	}
	while (waitpid(pid, &status, WNOHANG) == 0)
		rf_loop_turn(f.loop, 10);
	assert_int_equal(status, 0);
	rf_admin_stats(f.admin, &requests, &refused);
	assert_int_equal(requests, 0);
	assert_int_equal(refused, 1);
	tear_down(&f);
}

static void nothing_runs(void **state)
{
	struct question q = { .dir = "/does/not/exist", .verb = "echo", .text = "", .wait_ms = 100 };

	(void)state;
	ask(&q);
	assert_int_equal(q.rc, RF_E_NOT_FOUND);
	assert_non_null(strstr(q.diag.text, "ringfort init"));
}

static void the_lock(void **state)
{
	struct fixture f;
	struct rf_diag diag = { 0 };
	int fd, second, pid;
	char path[128];

	(void)state;
	set_up(&f);
	assert_int_equal(rf_lock_probe(f.state, "controller", &pid), 0);
	assert_int_equal(rf_lock_take(f.state, "controller", &fd, &diag), 0);
	assert_int_equal(rf_lock_probe(f.state, "controller", &pid), RF_E_BUSY);
	assert_int_equal(pid, getpid());
	assert_int_equal(rf_lock_take(f.state, "controller", &second, &diag), RF_E_BUSY);
	close(fd);
	assert_int_equal(rf_lock_probe(f.state, "controller", &pid), 0);
	assert_int_equal(rf_lock_probe("/does/not/exist", "controller", &pid), RF_E_NOT_FOUND);
	snprintf(path, sizeof path, "%s/controller.pid", f.state);
	unlink(path);
	tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(questions_and_answers),
		cmocka_unit_test(nobody_waits_for_the_answer),
		cmocka_unit_test(bad_bytes),
		cmocka_unit_test(too_many_clients),
		cmocka_unit_test(another_user_may_not_ask),
		cmocka_unit_test(nothing_runs),
		cmocka_unit_test(the_lock),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
