/* The front's side of the hand: start it, give it orders, hear from it. */
#include "role/hand.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READY_MS = (RF_HAND_NFT_SECONDS + 10) * 1000, BUFFER_BYTES = 4 * 1024 * 1024 };

struct rf_hand {
	pid_t pid;
	int fd;
};

extern char **environ;

/* In the child: nothing but async-signal-safe calls until the program is executed anew. */
static void exec_hand(const char *exe, int fd, char *const argv[])
{
	sigset_t none;

	if (dup2(fd, STDIN_FILENO) < 0)
		_exit(127);
	close_range(STDERR_FILENO + 1, ~0u, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(exe, argv, environ);
	_exit(127);
}

static int start_process(const struct rf_hand_options *opt, int fd, pid_t *ret_pid, struct rf_diag *diag)
{
	char name[] = "ringfort", role[] = RF_HAND_ROLE;
	char *site = strdup(opt->site), *router = strdup(opt->router);
	char *const argv[] = { name, role, site, router, NULL };

	*ret_pid = site && router ? fork() : -1;
	if (*ret_pid == 0)
		exec_hand(opt->exe, fd, argv);
	int rc = *ret_pid < 0 ? rf_diag_set(diag, -errno, "starting the wall's hand: %s", rf_err_text(-errno)) : 0;
	free(site);
	free(router);
	return rc;
}

static int wait_ready(struct rf_hand *h, struct rf_hand_state *ret_state, struct rf_diag *diag)
{
	struct rf_hand_message *m = malloc(sizeof *m);
	struct pollfd p = { .fd = h->fd, .events = POLLIN };
	int rc;

	if (!m)
		return rf_diag_set(diag, -ENOMEM, "out of memory");
	do
		rc = poll(&p, 1, READY_MS);
	while (rc < 0 && errno == EINTR);
	rc = rc == 1 ? rf_hand_receive(h, m) : RF_E_TIMEOUT;
	if (rc || m->head.what != RF_HAND_STATE)
		rc = rf_diag_set(diag, rc ? rc : RF_E_CLOSED, "the wall's hand %s", rc == RF_E_TIMEOUT ?
				 "is not ready in time" : "ended before it was ready; its reason stands in the log");
	else if (m->head.err)
		rc = rf_diag_set(diag, m->head.err, "%.390s", m->u.state.why);
	else
		*ret_state = m->u.state;
	free(m);
	return rc;
}

int rf_hand_new(const struct rf_hand_options *opt, struct rf_hand **ret_hand, struct rf_hand_state *ret_state,
		struct rf_diag *diag)
{
	struct rf_hand *h = calloc(1, sizeof *h);
	int pair[2], bytes = BUFFER_BYTES;

	if (!h)
		return rf_diag_set(diag, -ENOMEM, "starting the wall's hand: out of memory");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		free(h);
		return rf_diag_set(diag, -errno, "the socket of the wall's hand: %s", rf_err_text(-errno));
	}
	h->fd = pair[0];
	fcntl(h->fd, F_SETFL, O_NONBLOCK);
	setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
	setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
	int rc = start_process(opt, pair[1], &h->pid, diag);
	close(pair[1]);
	if (!rc)
		rc = wait_ready(h, ret_state, diag);
	if (rc) {
		rf_hand_free(h);
		return rc;
	}
	*ret_hand = h;
	return 0;
}

void rf_hand_free(struct rf_hand *h)
{
	if (!h)
		return;
	close(h->fd);
	if (h->pid > 0)
		while (waitpid(h->pid, NULL, 0) < 0 && errno == EINTR)
			;
	free(h);
}

int rf_hand_fd(const struct rf_hand *h)
{
	return h->fd;
}

static int send_parts(struct rf_hand *h, struct rf_hand_head *head, const void *body, size_t n)
{
	union {
		const void *in;
		void *out;
	} bytes = { .in = body };
	struct iovec part[2] = { { head, sizeof *head }, { bytes.out, n } };
	struct msghdr m = { .msg_iov = part, .msg_iovlen = n ? 2 : 1 };

	if (sendmsg(h->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
		return 0;
	return errno == EAGAIN || errno == ENOBUFS || errno == EINTR ? RF_E_BUSY : RF_E_CLOSED;
}

int rf_hand_elements(struct rf_hand *h, uint32_t id, const struct rf_hand_element *v, size_t n)
{
	struct rf_hand_head head = { .what = RF_HAND_ELEMENTS, .id = id, .n = (uint32_t)n };

	return n > RF_HAND_ELEMENTS_MAX ? RF_E_LIMIT : send_parts(h, &head, v, n * sizeof *v);
}

int rf_hand_apply(struct rf_hand *h, uint32_t id, const struct rf_hand_order *order)
{
	struct rf_hand_head head = { .what = RF_HAND_APPLY, .id = id, .n = 1 };

	return send_parts(h, &head, order, sizeof *order);
}

int rf_hand_ask(struct rf_hand *h, uint32_t id, enum rf_hand_what what)
{
	struct rf_hand_head head = { .what = what, .id = id };

	return send_parts(h, &head, NULL, 0);
}

/* How long a message of its kind is; 0: there is no such kind. */
static size_t size_of(const struct rf_hand_head *h)
{
	switch (h->what) {
	case RF_HAND_ELEMENTS:
		return sizeof(((struct rf_hand_message *)0)->u.failed);
	case RF_HAND_APPLY:
	case RF_HAND_CONFIRM:
	case RF_HAND_STATE:
		return sizeof(struct rf_hand_state);
	case RF_HAND_COUNTERS:
		return h->n <= RF_HAND_COUNTERS_MAX ? h->n * sizeof(struct rf_hand_counter) : SIZE_MAX / 2;
	case RF_HAND_DROP:
		return sizeof(struct rf_hand_drop);
	default:
		return SIZE_MAX / 2;
	}
}

int rf_hand_receive(struct rf_hand *h, struct rf_hand_message *m)
{
	ssize_t got = recv(h->fd, m, sizeof *m, MSG_DONTWAIT);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return RF_E_BUSY;
	if (got < (ssize_t)sizeof m->head || (size_t)got != sizeof m->head + size_of(&m->head))
		return RF_E_CLOSED;
	return 0;
}
