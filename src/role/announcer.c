/* The controller's side: open the sockets, start the process, have a channel for each worker. */
#include "role/announcer.h"

#include "role/child.h"

#include "net/udp.h"

#include <linux/filter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FDS_MAX = RF_ANNOUNCER_CHANNELS_MAX + RF_ANNOUNCE_SOCKETS };

struct rf_announcer {
	pid_t pid;
	unsigned channels;
	size_t locals;
	int fd[RF_ANNOUNCER_CHANNELS_MAX];
	struct rf_addr local[RF_ANNOUNCE_SOCKETS];
};

/* --- sockets */

/* Nobody reads what comes here: the kernel drops it, and no one can take the filter off. */
static int drop_all(int fd)
{
	struct sock_filter drop[] = { BPF_STMT(BPF_RET | BPF_K, 0) };
	struct sock_fprog program = { .len = 1, .filter = drop };
	int on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof on) < 0)
		return -errno;
	return 0;
}

static int open_socket(struct rf_addr *local, int *ret_fd, struct rf_diag *diag)
{
	struct rf_udp_conf conf = { .local = *local, .v6_also_v4 = true };
	char text[RF_ADDR_TEXT];
	struct sockaddr_storage sa;
	socklen_t len = sizeof sa;
	int fd, rc = rf_udp_open(&conf, &fd);

	if (!rc && (rc = drop_all(fd)) == 0)
		rc = getsockname(fd, (struct sockaddr *)&sa, &len) < 0 ?
			     -errno :
			     rf_addr_from_sockaddr((struct sockaddr *)&sa, len, local);
	if (rc)
		return rf_diag_set(diag, rc, "udp %s: %s", rf_addr_text(local, text), rf_err_text(rc));
	*ret_fd = fd;
	return 0;
}

/* --- the process */

static int start_process(struct rf_announcer *a, const struct rf_announcer_options *opt, const int *fds,
			 struct rf_diag *diag)
{
	char name[] = "ringfort", role[] = RF_ANNOUNCER_ROLE, uid[RF_CHILD_ID], gid[RF_CHILD_ID], channels[16],
	     sockets[16];
	char lang[] = "LANG=C", *const argv[] = { name, role, uid, gid, channels, sockets, NULL },
	     *const env[] = { lang, NULL };

	rf_child_user(opt->user, uid, gid);
	snprintf(channels, sizeof channels, "%u", a->channels);
	snprintf(sockets, sizeof sockets, "%zu", a->locals);
	return rf_child_start(&(struct rf_child){ .what = "the announcer", .exe = opt->exe, .argv = argv, .env = env, .fds = fds,
						  .n = a->channels + (unsigned)a->locals, .first = RF_CHILD_FIRST_FD },
			      &a->pid, diag);
}

static int open_all(struct rf_announcer *a, const struct rf_announcer_options *opt, int *theirs, unsigned *ret_n,
		    struct rf_diag *diag)
{
	int rc = 0;

	while (!rc && a->channels < opt->channels) {
		int pair[2];

		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
			return rf_diag_set(diag, -errno, "the announcer's channels: %s", strerror(errno));
		a->fd[a->channels++] = pair[0];
		theirs[(*ret_n)++] = pair[1];
	}
	while (!rc && a->locals < opt->locals) {
		a->local[a->locals] = opt->local[a->locals];
		rc = open_socket(&a->local[a->locals], &theirs[*ret_n], diag);
		if (!rc) {
			a->locals++;
			(*ret_n)++;
		}
	}
	return rc;
}

int rf_announcer_new(const struct rf_announcer_options *opt, struct rf_announcer **ret_announcer, struct rf_diag *diag)
{
	struct rf_announcer *a;
	int theirs[FDS_MAX];
	unsigned n = 0;

	if (opt->channels < 1 || opt->channels > RF_ANNOUNCER_CHANNELS_MAX || opt->locals < 1 ||
	    opt->locals > RF_ANNOUNCE_SOCKETS)
		return rf_diag_set(diag, RF_E_LIMIT, "the announcer: %zu addresses, %u channels", opt->locals,
				   opt->channels);
	a = calloc(1, sizeof *a);
	if (!a)
		return rf_diag_set(diag, -ENOMEM, "the announcer: out of memory");
	int rc = open_all(a, opt, theirs, &n, diag);

	if (!rc)
		rc = start_process(a, opt, theirs, diag);
	for (unsigned i = 0; i < n; i++)
		close(theirs[i]);
	if (!rc)
		rc = rf_child_ready("the announcer", a->fd[0], diag);
	if (rc) {
		rf_announcer_free(a);
		return rc;
	}
	*ret_announcer = a;
	return 0;
}

void rf_announcer_free(struct rf_announcer *a)
{
	if (!a)
		return;
	for (unsigned i = 0; i < a->channels; i++)
		close(a->fd[i]);
	rf_child_wait(a->pid);
	free(a);
}

int rf_announcer_fd(const struct rf_announcer *a, unsigned channel)
{
	return a->fd[channel];
}

const struct rf_addr *rf_announcer_locals(const struct rf_announcer *a, size_t *ret_n)
{
	*ret_n = a->locals;
	return a->local;
}
