#include "role/child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READY_MS = 10000 };

extern char **environ;

/* In the child: nothing but async-signal-safe calls until the program is executed anew. */
static void execute(const struct rf_child *c)
{
	/* Out of the way first: a target number may be another descriptor's present one. */
	const int beyond = c->first + (int)c->n, rest = beyond > RF_CHILD_FIRST_FD ? beyond : RF_CHILD_FIRST_FD;
	int high[RF_CHILD_FDS_MAX];
	sigset_t none;

	for (unsigned i = 0; i < c->n; i++)
		high[i] = fcntl(c->fds[i], F_DUPFD, rest);
	for (unsigned i = 0; i < c->n; i++)
		if (high[i] < 0 || dup2(high[i], c->first + (int)i) < 0)
			_exit(127);
	close_range((unsigned)rest, ~0u, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(c->exe, c->argv, c->env ? c->env : environ);
	_exit(127);
}

int rf_child_start(const struct rf_child *c, pid_t *ret_pid, struct rf_diag *diag)
{
	if (c->n > RF_CHILD_FDS_MAX)
		return rf_diag_set(diag, RF_E_LIMIT, "starting %s: %u descriptors", c->what, c->n);
	pid_t pid = fork();

	if (pid == 0)
		execute(c);
	if (pid < 0)
		return rf_diag_set(diag, -errno, "starting %s: %s", c->what, strerror(errno));
	*ret_pid = pid;
	return 0;
}

int rf_child_ready(const char *what, int fd, struct rf_diag *diag)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char why[256] = "";
	int rc;

	do
		rc = poll(&p, 1, READY_MS);
	while (rc < 0 && errno == EINTR);
	ssize_t n = rc == 1 ? recv(fd, why, sizeof why - 1, 0) : -1;

	if (n < 1)
		return rf_diag_set(diag, RF_E_CLOSED, "%s %s", what, rc == 0 ? "is not ready after ten seconds" :
				   "ended before it was ready");
	return why[0] ? rf_diag_set(diag, RF_E_INVALID, "%s: %s", what, why) : 0;
}

void rf_child_wait(pid_t pid)
{
	if (pid > 0)
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
}

void rf_child_user(const struct rf_sandbox_user *user, char uid[static RF_CHILD_ID], char gid[static RF_CHILD_ID])
{
	if (user) {
		snprintf(uid, RF_CHILD_ID, "%u", (unsigned)user->uid);
		snprintf(gid, RF_CHILD_ID, "%u", (unsigned)user->gid);
	} else {
		strcpy(uid, "-");
		strcpy(gid, "-");
	}
}
