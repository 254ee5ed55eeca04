/* The controller's side: start the process, have a channel for each worker. */
#include "role/fetcher.h"

#include "role/child.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FIXED_ARGS = 6 };

struct rf_fetcher {
	pid_t pid;
	unsigned n;
	int fd[RF_FETCHER_CHANNELS_MAX];
};

static int start_process(const struct rf_fetcher_options *opt, const int *fds, pid_t *ret_pid, struct rf_diag *diag)
{
	static char name[] = "ringfort", role[] = RF_FETCHER_ROLE, lang[] = "LANG=C",
		    resolver[] = "RES_OPTIONS=timeout:1 attempts:2";
	char *const env[] = { lang, resolver, NULL };
	char uid[RF_CHILD_ID], gid[RF_CHILD_ID], channels[16];
	char **argv = calloc(FIXED_ARGS + opt->host_count + 1, sizeof *argv);
	char *ca = strdup(opt->ca_file ? opt->ca_file : RF_FETCHER_CA);
	int rc = argv && ca ? 0 : -ENOMEM;

	rf_child_user(opt->user, uid, gid);
	snprintf(channels, sizeof channels, "%u", opt->channels);
	for (size_t i = 0; !rc && i < opt->host_count; i++)
		if (!(argv[FIXED_ARGS + i] = strndup((const char *)opt->hosts[i].p, opt->hosts[i].n)))
			rc = -ENOMEM;
	if (!rc) {
		memcpy(argv, ((char *[]){ name, role, uid, gid, channels, ca }), FIXED_ARGS * sizeof *argv);
		rc = rf_child_start(&(struct rf_child){ .what = "the fetcher", .exe = opt->exe, .argv = argv, .env = env, .fds = fds,
							.n = opt->channels,
							.first = RF_CHILD_FIRST_FD }, ret_pid, diag);
	} else {
		rf_diag_set(diag, rc, "starting the fetcher: out of memory");
	}
	for (size_t i = 0; argv && i < opt->host_count; i++)
		free(argv[FIXED_ARGS + i]);
	free(argv);
	free(ca);
	return rc;
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
		rc = rf_child_ready("the fetcher", f->fd[0], diag);
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
	rf_child_wait(f->pid);
	free(f);
}

int rf_fetcher_fd(const struct rf_fetcher *f, unsigned channel)
{
	return f->fd[channel];
}
