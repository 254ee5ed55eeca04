/* The notifier's own side: one thread, a few children. */
#include "role/notifier.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TICK_MS = 500 };

struct text {
	struct text *next;
	uint32_t id;
	size_t n;
	uint8_t bytes[];
};

struct child {
	pid_t pid;               /* 0: free */
	uint32_t id;
	struct rf_mono until;
};

struct notifier {
	char *program;
	int fd, signals;
	struct rf_clock clock;
	struct text *first, **last;
	unsigned waiting;
	struct child child[RF_NOTIFIER_AT_ONCE];
};

static struct rf_mono now(const struct notifier *n)
{
	return n->clock.mono(n->clock.ctx);
}

static void tell_end(const struct notifier *n, uint32_t id, int status)
{
	struct rf_notifier_end end = { .id = id, .status = status };

	/* A controller that does not read loses the news, not the notification. */
	(void)send(n->fd, &end, sizeof end, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* The text as a file that no one else sees, from its beginning. -1: it could not be made. */
static int as_input(const struct text *t)
{
	int fd = memfd_create("notification", MFD_CLOEXEC);

	if (fd < 0)
		return -1;
	if (write(fd, t->bytes, t->n) != (ssize_t)t->n || lseek(fd, 0, SEEK_SET) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void run_program(const struct notifier *n, int input)
{
	char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", lang[] = "LANG=C.UTF-8";
	char *const argv[] = { n->program, NULL }, *const env[] = { path, lang, NULL };
	sigset_t none;

	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(input, STDIN_FILENO) < 0)
		_exit(126);
	close_range(STDERR_FILENO + 1, ~0u, 0);
	execve(n->program, argv, env);
	_exit(127);
}

static void start(struct notifier *n, struct child *c, const struct text *t)
{
	int input = as_input(t);
	pid_t pid = input < 0 ? -1 : fork();

	if (pid == 0)
		run_program(n, input);
	if (input >= 0)
		close(input);
	if (pid < 0) {
		tell_end(n, t->id, -2);
		return;
	}
	setpgid(pid, pid);
	*c = (struct child){ .pid = pid, .id = t->id, .until = rf_mono_add_ms(now(n), RF_NOTIFIER_SECONDS * 1000) };
}

static void start_waiting(struct notifier *n)
{
	for (unsigned i = 0; i < RF_NOTIFIER_AT_ONCE && n->first; i++) {
		struct text *t = n->first;

		if (n->child[i].pid)
			continue;
		n->first = t->next;
		if (!n->first)
			n->last = &n->first;
		n->waiting--;
		start(n, &n->child[i], t);
		free(t);
	}
}

/* False: the controller has closed its end. */
static bool take_text(struct notifier *n)
{
	static const size_t head = sizeof(uint32_t);
	uint8_t buf[sizeof(uint32_t) + RF_NOTIFIER_TEXT_MAX];
	ssize_t got = recv(n->fd, buf, sizeof buf, 0);
	uint32_t id;

	if (got < 0 && errno == EINTR)
		return true;
	if (got < (ssize_t)head)
		return false;
	memcpy(&id, buf, head);
	struct text *t = n->waiting < RF_NOTIFIER_WAITING ? malloc(sizeof *t + (size_t)got - head) : NULL;

	if (!t) {
		tell_end(n, id, -2);
		return true;
	}
	*t = (struct text){ .id = id, .n = (size_t)got - head };
	memcpy(t->bytes, buf + head, t->n);
	*n->last = t;
	n->last = &t->next;
	n->waiting++;
	return true;
}

static void reap(struct notifier *n)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (unsigned i = 0; i < RF_NOTIFIER_AT_ONCE; i++)
			if (n->child[i].pid == pid) {
				bool ran = WIFEXITED(status) && WEXITSTATUS(status) != 127;

				tell_end(n, n->child[i].id, ran ? WEXITSTATUS(status) : WIFEXITED(status) ? -2 : -1);
				n->child[i].pid = 0;
			}
}

static void end_late(struct notifier *n)
{
	for (unsigned i = 0; i < RF_NOTIFIER_AT_ONCE; i++)
		if (n->child[i].pid && now(n).us >= n->child[i].until.us)
			kill(-n->child[i].pid, SIGKILL);
}

static bool busy(const struct notifier *n)
{
	for (unsigned i = 0; i < RF_NOTIFIER_AT_ONCE; i++)
		if (n->child[i].pid)
			return true;
	return n->first != NULL;
}

/* Nobody is there to be told any more, but people still are. */
static void linger(struct notifier *n)
{
	struct rf_mono until = rf_mono_add_ms(now(n), RF_NOTIFIER_LINGER_S * 1000);

	while (busy(n) && now(n).us < until.us) {
		struct pollfd p = { .fd = n->signals, .events = POLLIN };
		struct signalfd_siginfo s;

		start_waiting(n);
		if (poll(&p, 1, TICK_MS) == 1 && read(n->signals, &s, sizeof s) < 0)
			return;
		reap(n);
	}
}

static void end_all(struct notifier *n)
{
	linger(n);
	for (unsigned i = 0; i < RF_NOTIFIER_AT_ONCE; i++)
		if (n->child[i].pid)
			kill(-n->child[i].pid, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
}

static void serve(struct notifier *n)
{
	for (;;) {
		struct pollfd p[2] = { { .fd = n->fd, .events = POLLIN }, { .fd = n->signals, .events = POLLIN } };
		struct signalfd_siginfo s;

		if (poll(p, 2, TICK_MS) < 0 && errno != EINTR)
			return;
		if (p[1].revents & POLLIN && read(n->signals, &s, sizeof s) < 0)
			return;
		reap(n);
		if (p[0].revents && !take_text(n))
			return;
		end_late(n);
		start_waiting(n);
	}
}

static int set_up(struct notifier *n, char **argv, struct rf_diag *diag)
{
	struct rf_sandbox_user user = { 0 };
	sigset_t child;

	prctl(PR_SET_NAME, "ringfort-notify", 0, 0, 0);
	n->fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	if (n->fd < 0)
		return rf_diag_set(diag, -errno, "the socket: %s", strerror(errno));
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	n->signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	if (n->signals < 0)
		return rf_diag_set(diag, -errno, "signals: %s", strerror(errno));
	if (argv[3][0] != '-')
		user = (struct rf_sandbox_user){ (uid_t)strtoul(argv[3], NULL, 10), (gid_t)strtoul(argv[4], NULL, 10) };
	int rc = rf_sandbox_drop_user(argv[3][0] != '-' ? &user : NULL, diag);

	return rc ? rc : rf_sandbox_no_new_privileges(diag);
}

int rf_notifier_main(int argc, char **argv)
{
	struct notifier n = { .clock = rf_clock_system() };
	struct rf_diag diag = { 0 };

	n.last = &n.first;
	if (argc != 5 || !strchr(argv[2], '/')) {
		fprintf(stderr, "ringfort notifier: this is started by the controller, not by hand\n");
		return 2;
	}
	n.program = argv[2];
	if (set_up(&n, argv, &diag)) {
		fprintf(stderr, "ringfort notifier: %s\n", diag.text);
		return 3;
	}
	serve(&n);
	end_all(&n);
	return 0;
}
