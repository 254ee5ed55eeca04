#include "role/admin.h"

#include "base/clock.h"

#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Whom a command asks. */
struct asked {
	const char *socket, *who, *start;
	const char *alone; /* how it starts in a folder without a site; NULL: not at all */
};

static const struct asked controller = { RF_ADMIN_SOCKET, "controller", "up", NULL };
static const struct asked border = { RF_ADMIN_BORDER_SOCKET, "border", "up", NULL };
static const struct asked wall = { RF_ADMIN_WALL_SOCKET, "wall", "run wall", NULL };
static const struct asked relay = { RF_ADMIN_RELAY_SOCKET, "relay", "run relay", "relay --listen-ng ADDRESS:PORT ..." };

/* A Unix socket's path has 107 bytes at most, a site directory may be deeper: go through an open directory. */
static int connect_in(const struct asked *whom, const char *dir, int *ret_fd, struct rf_diag *diag)
{
	char path[4096];
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	if ((size_t)snprintf(path, sizeof path, "%s/state", dir) >= sizeof path)
		return rf_diag_set(diag, RF_E_INVALID, "%s: the path is too long", dir);
	int state = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (state < 0)
		return rf_diag_set(diag, errno == EACCES ? RF_E_DENIED : RF_E_NOT_FOUND, errno == EACCES ?
				   "%s: only root and the site's owner may look there" :
				   "%s: no site here (`ringfort init` makes one; -C names another directory)", dir);
	snprintf(a.sun_path, sizeof a.sun_path, "/proc/self/fd/%d/%s", state, whom->socket);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int rc = fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) < 0 ? -errno : 0;
	bool alone = whom->alone && faccessat(state, "../site.yaml", F_OK, 0) < 0;
	close(state);
	if (rc == 0) {
		*ret_fd = fd;
		return 0;
	}
	if (fd >= 0)
		close(fd);
	if (rc == -ENOENT || rc == -ECONNREFUSED)
		return rf_diag_set(diag, RF_E_NOT_FOUND, "no %s runs for %s: `ringfort -C %s %s` starts it",
				   whom->who, dir, dir, alone ? whom->alone : whom->start);
	if (rc == -EACCES)
		return rf_diag_set(diag, RF_E_DENIED, "the %s of %s is not yours: ask as root or as the site's "
				   "owner", whom->who, dir);
	return rf_diag_set(diag, rc, "asking the %s of %s: %s", whom->who, dir, rf_err_text(rc));
}

static int send_line(int fd, json_t *question)
{
	char *text = json_dumps(question, JSON_COMPACT);
	size_t n = text ? strlen(text) : 0;

	if (!text)
		return -ENOMEM;
	text[n] = '\n'; /* in place of the NUL */
	ssize_t sent = send(fd, text, n + 1, MSG_NOSIGNAL);
	int rc = sent == (ssize_t)(n + 1) ? 0 : sent < 0 ? -errno : RF_E_CLOSED;
	free(text);
	return rc;
}

/* Read up to a newline; *ret_text is malloc'd. */
static int receive_line(int fd, unsigned wait_ms, char **ret_text, size_t *ret_n)
{
	struct rf_clock clock = rf_clock_system();
	uint64_t end_us = clock.mono(clock.ctx).us + (uint64_t)wait_ms * 1000;
	size_t cap = 65536, n = 0;
	char *text = malloc(cap);
	int rc = text ? 0 : -ENOMEM;

	while (!rc) {
		uint64_t now_us = clock.mono(clock.ctx).us;
		struct pollfd p = { .fd = fd, .events = POLLIN };

		if (now_us >= end_us || poll(&p, 1, (int)((end_us - now_us) / 1000) + 1) == 0) {
			rc = RF_E_TIMEOUT;
			break;
		}
		ssize_t got = recv(fd, text + n, cap - n, 0);
		if (got <= 0) {
			rc = got < 0 && errno == EINTR ? 0 : RF_E_CLOSED;
			continue;
		}
		n += (size_t)got;
		if (text[n - 1] == '\n')
			break;
		if (n == cap) {
			char *more = cap < RF_ADMIN_ANSWER_MAX ? realloc(text, cap * 2) : NULL;

			rc = more ? 0 : cap < RF_ADMIN_ANSWER_MAX ? -ENOMEM : RF_E_LIMIT;
			text = more ? more : text;
			cap *= 2;
		}
	}
	if (rc) {
		free(text);
		return rc;
	}
	*ret_text = text;
	*ret_n = n;
	return 0;
}

static int understand(const char *text, size_t n, json_t **ret_answer, struct rf_diag *diag)
{
	json_t *answer = json_loadb(text, n, 0, NULL);

	if (!json_is_object(answer)) {
		json_decref(answer);
		return rf_diag_set(diag, RF_E_MALFORMED, "the answer is not understood: is it of another version?");
	}
	if (!json_is_true(json_object_get(answer, "ok"))) {
		const char *why = json_string_value(json_object_get(answer, "error"));

		rf_diag_set(diag, RF_E_INVALID, "%s", why ? why : "it refused, without a reason");
		json_decref(answer);
		return RF_E_INVALID;
	}
	*ret_answer = answer;
	return 0;
}

static int ask(const struct asked *whom, const char *dir, struct json_t *question, unsigned wait_ms,
	       struct json_t **ret_answer, struct rf_diag *diag)
{
	char *text = NULL;
	size_t n = 0;
	int fd = -1, rc = question ? connect_in(whom, dir, &fd, diag) : rf_diag_set(diag, -ENOMEM, "out of memory");

	if (!rc) {
		rc = send_line(fd, question);
		if (!rc)
			rc = receive_line(fd, wait_ms, &text, &n);
		if (rc)
			rf_diag_set(diag, rc, rc == RF_E_TIMEOUT ? "the %s of %s does not answer (%s)" :
				    "the %s of %s hung up (%s)", whom->who, dir, rf_err_text(rc));
		close(fd);
	}
	json_decref(question);
	if (!rc)
		rc = understand(text, n, ret_answer, diag);
	free(text);
	return rc;
}

int rf_admin_ask(const char *dir, struct json_t *question, unsigned wait_ms, struct json_t **ret_answer,
		 struct rf_diag *diag)
{
	return ask(&controller, dir, question, wait_ms, ret_answer, diag);
}

int rf_admin_ask_border(const char *dir, struct json_t *question, unsigned wait_ms, struct json_t **ret_answer,
			struct rf_diag *diag)
{
	return ask(&border, dir, question, wait_ms, ret_answer, diag);
}

int rf_admin_ask_wall(const char *dir, struct json_t *question, unsigned wait_ms, struct json_t **ret_answer,
		      struct rf_diag *diag)
{
	return ask(&wall, dir, question, wait_ms, ret_answer, diag);
}

int rf_admin_ask_relay(const char *dir, struct json_t *question, unsigned wait_ms, struct json_t **ret_answer,
		       struct rf_diag *diag)
{
	return ask(&relay, dir, question, wait_ms, ret_answer, diag);
}
