/* The controller's side: start the process, hand texts over, hear how it went. */
#include "role/notifier.h"

#include "role/child.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

struct rf_notifier {
	pid_t pid;
	int fd;
	atomic_uint next;
};

static int start_process(const struct rf_notifier_options *opt, int fd, pid_t *ret_pid, struct rf_diag *diag)
{
	char uid[RF_CHILD_ID], gid[RF_CHILD_ID], role[] = RF_NOTIFIER_ROLE, name[] = "ringfort";
	char *program = strdup(opt->program);

	if (!program)
		return rf_diag_set(diag, -ENOMEM, "starting the notifier: out of memory");
	rf_child_user(opt->user, uid, gid);
	char *const argv[] = { name, role, program, uid, gid, NULL };

	int rc = rf_child_start(&(struct rf_child){ .what = "the notifier", .exe = opt->exe, .argv = argv, .fds = &fd, .n = 1,
						    .first = 0 }, ret_pid, diag);

	free(program);
	return rc;
}

int rf_notifier_new(const struct rf_notifier_options *opt, struct rf_notifier **ret_n, struct rf_diag *diag)
{
	struct rf_notifier *n = calloc(1, sizeof *n);
	int pair[2];

	if (!n)
		return rf_diag_set(diag, -ENOMEM, "starting the notifier: out of memory");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		free(n);
		return rf_diag_set(diag, -errno, "the notifier's socket: %s", strerror(errno));
	}
	n->fd = pair[0];
	fcntl(n->fd, F_SETFL, O_NONBLOCK);
	int rc = start_process(opt, pair[1], &n->pid, diag);

	close(pair[1]);
	if (rc) {
		close(n->fd);
		free(n);
		return rc;
	}
	*ret_n = n;
	return 0;
}

void rf_notifier_free(struct rf_notifier *n)
{
	if (!n)
		return;
	close(n->fd);
	rf_child_wait(n->pid);
	free(n);
}

int rf_notifier_tell(struct rf_notifier *n, struct rf_view text, uint32_t *ret_id)
{
	uint32_t id = atomic_fetch_add_explicit(&n->next, 1, memory_order_relaxed);
	union {
		const uint8_t *in;
		void *out;
	} bytes = { .in = text.p };
	struct iovec part[2] = { { &id, sizeof id }, { bytes.out, text.n } };
	struct msghdr m = { .msg_iov = part, .msg_iovlen = 2 };

	if (text.n > RF_NOTIFIER_TEXT_MAX)
		return RF_E_LIMIT;
	if (sendmsg(n->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return errno == EAGAIN || errno == ENOBUFS ? RF_E_BUSY : RF_E_CLOSED;
	*ret_id = id;
	return 0;
}

int rf_notifier_fd(const struct rf_notifier *n)
{
	return n->fd;
}

int rf_notifier_ended(struct rf_notifier *n, struct rf_notifier_end *ret_end)
{
	ssize_t got = recv(n->fd, ret_end, sizeof *ret_end, MSG_DONTWAIT);

	if (got == (ssize_t)sizeof *ret_end)
		return 0;
	return got < 0 && (errno == EAGAIN || errno == EINTR) ? RF_E_BUSY : RF_E_CLOSED;
}
