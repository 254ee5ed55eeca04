/* Each confinement is applied in a child, which then tries what must fail and what must work. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "role/sandbox.h"
#include "role/syscalls.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* Run in a child; its exit status says what failed: the line number of the first check that did not hold. */
static int in_child(int (*what)(void *), void *arg)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		int line = what(arg);

		if (line)
			fprintf(stderr, "check in line %d did not hold (errno: %s)\n", line, strerror(errno));
		_exit(line != 0);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

#define HOLDS(x) do { if (!(x)) return __LINE__; } while (0)

static void *nothing(void *arg)
{
	return arg;
}

static int filtered(void *arg)
{
	bool on;
	pthread_t t;

	(void)arg;
	HOLDS(rf_sandbox_no_new_privileges(NULL) == 0);
	HOLDS(rf_sandbox_syscalls(RF_SANDBOX_CONTROLLER, &on, NULL) == 0 && on);
	HOLDS(socket(AF_PACKET, SOCK_RAW, 0) < 0 && errno == EPERM);
	HOLDS(socket(AF_NETLINK, SOCK_RAW, 0) < 0 && errno == EPERM);
	HOLDS(socket(AF_INET, SOCK_DGRAM, 0) >= 0);
	HOLDS(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
	HOLDS(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
	HOLDS(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0);
	HOLDS(prctl(PR_SET_NAME, "x", 0, 0, 0) == 0);
	HOLDS(pthread_create(&t, NULL, nothing, NULL) == 0 && pthread_join(t, NULL) == 0);
	return 0;
}

static int executes(void *arg)
{
	bool on;
	char name[] = "/bin/true", *const argv[] = { name, NULL };

	(void)arg;
	HOLDS(rf_sandbox_syscalls(RF_SANDBOX_CONTROLLER, &on, NULL) == 0);
	execv(name, argv);
	return __LINE__;
}

static void system_calls(void **state)
{
	(void)state;
	if (SANITIZED)
		skip();
	assert_int_equal(in_child(filtered, NULL), 0);
	int status = in_child(executes, NULL);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

static int locked(void *arg)
{
	char *dir = arg, path[128];
	struct rf_sandbox_landlock ll;
	char in[128], ro[128];

	snprintf(in, sizeof in, "%s/rw", dir);
	snprintf(ro, sizeof ro, "%s/ro", dir);
	const struct rf_sandbox_path paths[] = {
		{ in, RF_SANDBOX_WRITE, true }, { ro, RF_SANDBOX_READ, true },
		{ "/does/not/exist", RF_SANDBOX_READ, false }, { "/etc/hostname", RF_SANDBOX_READ, false },
	};
	HOLDS(rf_sandbox_landlock_open(paths, 4, &ll, NULL) == 0);
	HOLDS(rf_sandbox_no_new_privileges(NULL) == 0);
	HOLDS(rf_sandbox_landlock_apply(&ll, NULL) == 0);
	snprintf(path, sizeof path, "%s/rw/new", dir);
	HOLDS(open(path, O_CREAT | O_RDWR, 0600) >= 0);
	HOLDS(unlink(path) == 0);
	snprintf(path, sizeof path, "%s/ro/new", dir);
	HOLDS(open(path, O_CREAT | O_RDWR, 0600) < 0);
	snprintf(path, sizeof path, "%s/ro", dir);
	HOLDS(open(path, O_RDONLY | O_DIRECTORY) >= 0);
	HOLDS(open("/etc/passwd", O_RDONLY) < 0 && errno == EACCES);
	int s = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				 .sin_port = htons(39871) };
	if (ll.abi >= 4)
		HOLDS(bind(s, (struct sockaddr *)&a, sizeof a) < 0 && errno == EACCES);
	a.sin_port = 0;
	HOLDS(bind(s, (struct sockaddr *)&a, sizeof a) == 0);
	if (ll.abi >= 6)
		HOLDS(kill(getppid(), 0) < 0 && errno == EPERM);
	return 0;
}

static void file_system(void **state)
{
	char dir[] = "/tmp/rf-sandbox-XXXXXX", sub[64];
	struct rf_sandbox_landlock ll;

	(void)state;
	if (rf_sandbox_landlock_open(NULL, 0, &ll, NULL) == RF_E_UNSUPPORTED)
		skip();
	close(ll.fd);
	assert_non_null(mkdtemp(dir));
	for (int i = 0; i < 2; i++) {
		snprintf(sub, sizeof sub, "%s/%s", dir, i ? "rw" : "ro");
		assert_int_equal(mkdir(sub, 0700), 0);
	}
	assert_int_equal(in_child(locked, dir), 0);
	for (int i = 0; i < 2; i++) {
		snprintf(sub, sizeof sub, "%s/%s", dir, i ? "rw" : "ro");
		rmdir(sub);
	}
	rmdir(dir);
	const struct rf_sandbox_path missing = { "/does/not/exist", RF_SANDBOX_READ, true };
	struct rf_diag diag;
	assert_int_equal(rf_sandbox_landlock_open(&missing, 1, &ll, &diag), -ENOENT);
}

static int nobody(void *arg)
{
	struct rf_sandbox_user *user = arg;

	HOLDS(rf_sandbox_drop_user(user, NULL) == 0);
	HOLDS(getuid() == user->uid && geteuid() == user->uid && getgid() == user->gid);
	HOLDS(setuid(0) < 0);
	HOLDS(open("/etc/shadow", O_RDONLY) < 0);
	HOLDS(prctl(PR_CAPBSET_READ, 0, 0, 0, 0) == 0);
	return 0;
}

static void user(void **state)
{
	struct rf_sandbox_user user;
	struct rf_diag diag;

	(void)state;
	assert_int_equal(rf_sandbox_user_find("nobody", &user, &diag), 0);
	assert_int_equal(rf_sandbox_user_find("rf-no-such-user", &user, &diag), RF_E_NOT_FOUND);
	assert_non_null(strstr(diag.text, "useradd"));
	assert_int_equal(rf_sandbox_user_find("root", &user, &diag), RF_E_INVALID);
	assert_int_equal(rf_sandbox_user_find("nobody", &user, &diag), 0);
	assert_true(rf_sandbox_one_thread());
	if (!rf_sandbox_can_become(&user))
		skip();
	assert_int_equal(in_child(nobody, &user), 0);
}

static size_t calls_of(enum rf_sandbox_role role, const struct rf_syscall *ret[static 256])
{
	size_t n = 0;

	for (const struct rf_syscall_set *const *set = rf_syscalls[role]; *set; set++)
		for (size_t i = 0; i < (*set)->n; i++) {
			assert_in_range(n, 0, 255);
			ret[n++] = &(*set)->calls[i];
		}
	return n;
}

static void every_call_has_a_reason(void **state)
{
	const struct rf_syscall *call[256];

	(void)state;
	for (int role = 0; role < RF_SANDBOX_ROLES; role++) {
		size_t n = calls_of((enum rf_sandbox_role)role, call);

		assert_in_range(n, 10, 255);
		for (size_t i = 0; i < n; i++) {
			assert_true(strlen(call[i]->why) > 0);
			for (size_t j = 0; j < rf_syscalls_fatal_n; j++)
				if (role != RF_SANDBOX_RELAY_FAST || strcmp(call[i]->name, "bpf"))
					assert_string_not_equal(call[i]->name, rf_syscalls_fatal[j]);
			for (size_t j = 0; j < i; j++)
				assert_string_not_equal(call[i]->name, call[j]->name);
		}
	}
	assert_int_equal(calls_of(RF_SANDBOX_KEEPER, call), 14);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(system_calls),
		cmocka_unit_test(file_system),
		cmocka_unit_test(user),
		cmocka_unit_test(every_call_has_a_reason),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
