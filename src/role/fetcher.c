/* The controller's side: start the process, have a channel for each worker. */
#include "role/fetcher.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FIRST_FD = 3, FIXED_ARGS = 6, READY_MS = 10000 };

struct rf_fetcher {
	pid_t pid;
	unsigned n;
	int fd[RF_FETCHER_CHANNELS_MAX];
};

/* In the child: nothing but async-signal-safe calls until the program is executed anew. */
static void exec_fetcher(const char *exe, unsigned n, const int *fds, char *const argv[])
{
	static char lang[] = "LANG=C", resolver[] = "RES_OPTIONS=timeout:1 attempts:2";
	char *const env[] = { lang, resolver, NULL };
	int high[RF_FETCHER_CHANNELS_MAX];
	sigset_t none;

	for (unsigned i = 0; i < n; i++)
		high[i] = fcntl(fds[i], F_DUPFD, FIRST_FD + (int)n);
	for (unsigned i = 0; i < n; i++)
		if (high[i] < 0 || dup2(high[i], FIRST_FD + (int)i) < 0)
			_exit(127);
	close_range(FIRST_FD + n, ~0u, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(exe, argv, env);
	_exit(127);
}

static int start_process(const struct rf_fetcher_options *opt, const int *fds, pid_t *ret_pid, struct rf_diag *diag)
{
	static char name[] = "ringfort", role[] = RF_FETCHER_ROLE;
	char uid[16] = "-", gid[16] = "-", channels[16];
	char **argv = calloc(FIXED_ARGS + opt->host_count + 1, sizeof *argv);
	char *ca = strdup(opt->ca_file ? opt->ca_file : RF_FETCHER_CA);
	int rc = argv && ca ? 0 : -ENOMEM;

	if (opt->user) {
		snprintf(uid, sizeof uid, "%u", (unsigned)opt->user->uid);
		snprintf(gid, sizeof gid, "%u", (unsigned)opt->user->gid);
	}
	snprintf(channels, sizeof channels, "%u", opt->channels);
	for (size_t i = 0; !rc && i < opt->host_count; i++)
		if (!(argv[FIXED_ARGS + i] = strndup((const char *)opt->hosts[i].p, opt->hosts[i].n)))
			rc = -ENOMEM;
	if (!rc) {
		memcpy(argv, ((char *[]){ name, role, uid, gid, channels, ca }), FIXED_ARGS * sizeof *argv);
		*ret_pid = fork();
		if (*ret_pid == 0)
			exec_fetcher(opt->exe, opt->channels, fds, argv);
		rc = *ret_pid < 0 ? -errno : 0;
	}
	for (size_t i = 0; argv && i < opt->host_count; i++)
		free(argv[FIXED_ARGS + i]);
	free(argv);
	free(ca);
	return rc ? rf_diag_set(diag, rc, "starting the fetcher: %s", rf_err_text(rc)) : 0;
}

/* Its first word on the first channel: empty, or why it cannot. */
static int wait_ready(const struct rf_fetcher *f, struct rf_diag *diag)
{
	struct pollfd p = { .fd = f->fd[0], .events = POLLIN };
	char why[256] = "";
	int rc;

	do
		rc = poll(&p, 1, READY_MS);
	while (rc < 0 && errno == EINTR);
	ssize_t n = rc == 1 ? recv(p.fd, why, sizeof why - 1, 0) : -1;

	if (n < 1)
		return rf_diag_set(diag, RF_E_CLOSED, "the fetcher %s", rc == 0 ? "is not ready after ten seconds" :
				   "ended before it was ready");
	return why[0] ? rf_diag_set(diag, RF_E_INVALID, "the fetcher: %s", why) : 0;
}

int rf_fetcher_new(const struct rf_fetcher_options *opt, struct rf_fetcher **ret_fetcher, struct rf_diag *diag)
{
	struct rf_fetcher *f = calloc(1, sizeof *f);
	int theirs[RF_FETCHER_CHANNELS_MAX], rc = f ? 0 : -ENOMEM;

	if (opt->channels < 1 || opt->channels > RF_FETCHER_CHANNELS_MAX || opt->host_count < 1 ||
	    opt->host_count > RF_FETCHER_HOSTS_MAX)
		rc = RF_E_LIMIT;
	while (!rc && f->n < opt->channels) {
		int pair[2];

		rc = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0 ? -errno : 0;
		if (!rc) {
			f->fd[f->n] = pair[0];
			theirs[f->n++] = pair[1];
		}
	}
	if (rc)
		rf_diag_set(diag, rc, "the fetcher: %s", rf_err_text(rc));
	else
		rc = start_process(opt, theirs, &f->pid, diag);
	for (unsigned i = 0; f && i < f->n; i++)
		close(theirs[i]);
	if (!rc)
		rc = wait_ready(f, diag);
	if (rc) {
		rf_fetcher_free(f);
		return rc;
	}
	*ret_fetcher = f;
	return 0;
}

void rf_fetcher_free(struct rf_fetcher *f)
{
	if (!f)
		return;
	for (unsigned i = 0; i < f->n; i++)
		close(f->fd[i]);
	if (f->pid > 0)
		while (waitpid(f->pid, NULL, 0) < 0 && errno == EINTR)
			;
	free(f);
}

int rf_fetcher_fd(const struct rf_fetcher *f, unsigned channel)
{
	return f->fd[channel];
}
