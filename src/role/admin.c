#include "role/admin.h"

#include "base/table.h"
#include "base/writer.h"
#include "loop/loop.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define UIDS_MAX 4

struct client {
	struct rf_admin *admin;
	int fd; /* -1: the slot is free */
	uid_t uid;
	struct rf_watch *watch;
	struct rf_timer idle;
	struct rf_admin_request *request; /* asked and not answered yet */
	char *out;                        /* the answer, malloc'd */
	size_t out_n, sent;
	size_t in_n;
	char in[RF_ADMIN_LINE_MAX];
};

struct rf_admin_request {
	struct client *client; /* NULL once it has gone away */
	json_t *question;
	uid_t uid;
};

struct rf_admin {
	struct rf_admin_options opt;
	uid_t uids[UIDS_MAX];
	struct rf_watch *watch;
	uint64_t requests, refused;
	struct client clients[RF_ADMIN_CLIENTS];
};

int rf_admin_listen(const char *state, const char *name, uid_t owner, int *ret_fd, struct rf_diag *diag)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int dir = open(state, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return rf_diag_set(diag, -errno, "%s: %s", state, rf_err_text(-errno));
	snprintf(a.sun_path, sizeof a.sun_path, "/proc/self/fd/%d/%.40s", dir, name);
	unlinkat(dir, name, 0);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t old = umask(0177);
	int rc = fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) < 0 || listen(fd, RF_ADMIN_CLIENTS) < 0 ?
		 -errno : 0;
	umask(old);
	if (!rc && owner != (uid_t)-1 && fchownat(dir, name, owner, (gid_t)-1, AT_SYMLINK_NOFOLLOW) < 0)
		rc = -errno;
	close(dir);
	if (rc) {
		if (fd >= 0)
			close(fd);
		return rf_diag_set(diag, rc, "%s/%s: %s", state, name, rf_err_text(rc));
	}
	*ret_fd = fd;
	return 0;
}

static void client_close(struct client *c)
{
	if (c->fd < 0)
		return;
	rf_timer_stop(rf_loop_wheel(c->admin->opt.loop), &c->idle);
	rf_watch_free(c->watch);
	close(c->fd);
	if (c->request)
		c->request->client = NULL;
	free(c->out);
	c->fd = -1;
	c->watch = NULL;
	c->request = NULL;
	c->out = NULL;
	c->in_n = c->out_n = c->sent = 0;
}

static void idle_fire(struct rf_timer *t)
{
	client_close(rf_container(t, struct client, idle));
}

static void client_write(struct client *c)
{
	while (c->sent < c->out_n) {
		ssize_t n = send(c->fd, c->out + c->sent, c->out_n - c->sent, MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN) {
			rf_watch_set(c->watch, RF_WATCH_WRITE);
			return;
		}
		if (n <= 0) {
			client_close(c);
			return;
		}
		c->sent += (size_t)n;
	}
	free(c->out);
	c->out = NULL;
	c->out_n = c->sent = 0;
	rf_timer_start(rf_loop_wheel(c->admin->opt.loop), &c->idle, RF_ADMIN_IDLE_MS);
	rf_watch_set(c->watch, RF_WATCH_READ);
}

/* Send text (malloc'd, taken over) to whoever asked, and end the request. */
static void finish(struct rf_admin_request *r, char *text, size_t n)
{
	struct client *c = r->client;

	json_decref(r->question);
	free(r);
	if (!c) {
		free(text);
		return;
	}
	c->request = NULL;
	if (!text) {
		client_close(c);
		return;
	}
	c->out = text;
	c->out_n = n;
	c->sent = 0;
	client_write(c);
}

void rf_admin_answer(struct rf_admin_request *r, struct rf_view members)
{
	size_t cap = members.n + 32;
	char *text = members.n <= RF_ADMIN_ANSWER_MAX - 32 ? malloc(cap) : NULL;
	struct rf_writer w;

	rf_writer_init(&w, text, text ? cap : 0);
	rf_put_lit(&w, "{\"ok\":true");
	if (members.n)
		rf_put_lit(&w, ",");
	rf_put(&w, members);
	rf_put_lit(&w, "}\n");
	finish(r, text, w.n);
}

void rf_admin_refuse(struct rf_admin_request *r, const char *fmt, ...)
{
	char why[700];
	va_list ap;
	struct rf_writer w;
	char *text = malloc(8192);

	va_start(ap, fmt);
	vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	if (r->client)
		r->client->admin->refused++;
	rf_writer_init(&w, text, text ? 8192 : 0);
	rf_put_lit(&w, "{\"ok\":false,\"error\":\"");
	rf_put_json(&w, rf_view_str(why));
	rf_put_lit(&w, "\"}\n");
	finish(r, text, w.n);
}

const char *rf_admin_text(const struct rf_admin_request *r, const char *name)
{
	const char *s = json_string_value(json_object_get(r->question, name));

	return s ? s : "";
}

uid_t rf_admin_uid(const struct rf_admin_request *r)
{
	return r->uid;
}

static void dispatch(struct client *c, const char *line, size_t n)
{
	struct rf_admin *a = c->admin;
	struct rf_admin_request *r = calloc(1, sizeof *r);

	if (!r) {
		client_close(c);
		return;
	}
	a->requests++;
	*r = (struct rf_admin_request){ .client = c, .uid = c->uid, .question = json_loadb(line, n, 0, NULL) };
	c->request = r;
	rf_timer_stop(rf_loop_wheel(a->opt.loop), &c->idle);
	rf_watch_set(c->watch, 0); /* the next question waits in the kernel for this one's answer */
	if (!json_is_object(r->question)) {
		rf_admin_refuse(r, "a question is one line with a JSON object");
		return;
	}
	const char *verb = rf_admin_text(r, "do");
	for (const struct rf_admin_verb *v = a->opt.verbs; v->name; v++)
		if (strcmp(v->name, verb) == 0) {
			v->handle(a->opt.ctx, r);
			return;
		}
	rf_admin_refuse(r, "this version does not know \"%.32s\"", verb);
}

static void client_read(struct client *c)
{
	ssize_t n = recv(c->fd, c->in + c->in_n, sizeof c->in - c->in_n, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client_close(c);
		return;
	}
	c->in_n += (size_t)n;
	size_t line = rf_view_find(rf_view_of(c->in, c->in_n), '\n');
	if (line == c->in_n) {
		if (c->in_n == sizeof c->in) {
			c->admin->refused++;
			client_close(c); /* longer than any question */
		}
		return;
	}
	char question[RF_ADMIN_LINE_MAX];
	memcpy(question, c->in, line);
	c->in_n -= line + 1;
	memmove(c->in, c->in + line + 1, c->in_n);
	if (c->in_n) { /* one question at a time: what came with it is no conversation that we know */
		c->admin->refused++;
		client_close(c);
		return;
	}
	dispatch(c, question, line);
}

static void client_ready(void *arg, unsigned events)
{
	struct client *c = arg;

	if (events & RF_WATCH_WRITE)
		client_write(c);
	else if (events & RF_WATCH_READ)
		client_read(c);
}

static bool may_ask(const struct rf_admin *a, uid_t uid)
{
	bool ok = uid == 0;

	for (size_t i = 0; i < a->opt.uid_count; i++)
		ok |= a->uids[i] == uid;
	return ok;
}

static void admit(struct rf_admin *a, int fd)
{
	struct ucred peer;
	socklen_t len = sizeof peer;
	struct client *c = NULL;

	for (size_t i = 0; i < RF_ADMIN_CLIENTS && !c; i++)
		if (a->clients[i].fd < 0)
			c = &a->clients[i];
	if (!c || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 || !may_ask(a, peer.uid)) {
		a->refused++;
		if (c)
			rf_log(a->opt.log, RF_LOG_WARN, "control socket: user %u may not ask", (unsigned)peer.uid);
		close(fd);
		return;
	}
	if (rf_watch_new(a->opt.loop, fd, client_ready, c, &c->watch)) {
		close(fd);
		return;
	}
	c->fd = fd;
	c->uid = peer.uid;
	rf_timer_start(rf_loop_wheel(a->opt.loop), &c->idle, RF_ADMIN_IDLE_MS);
	rf_watch_set(c->watch, RF_WATCH_READ);
}

static void listener_ready(void *arg, unsigned events)
{
	struct rf_admin *a = arg;
	int fd = accept4(a->opt.listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd >= 0)
		admit(a, fd);
}

int rf_admin_new(const struct rf_admin_options *opt, struct rf_admin **ret_admin)
{
	struct rf_admin *a = calloc(1, sizeof *a);

	if (!a)
		return -ENOMEM;
	a->opt = *opt;
	if (a->opt.uid_count > UIDS_MAX)
		a->opt.uid_count = UIDS_MAX;
	for (size_t i = 0; i < a->opt.uid_count; i++)
		a->uids[i] = opt->uids[i];
	for (size_t i = 0; i < RF_ADMIN_CLIENTS; i++) {
		a->clients[i].admin = a;
		a->clients[i].fd = -1;
		rf_timer_init(&a->clients[i].idle, idle_fire);
	}
	int rc = rf_watch_new(opt->loop, opt->listen_fd, listener_ready, a, &a->watch);
	if (!rc)
		rc = rf_watch_set(a->watch, RF_WATCH_READ);
	if (rc) {
		rf_watch_free(a->watch);
		free(a);
		return rc;
	}
	*ret_admin = a;
	return 0;
}

void rf_admin_free(struct rf_admin *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < RF_ADMIN_CLIENTS; i++)
		client_close(&a->clients[i]);
	rf_watch_free(a->watch);
	free(a);
}

void rf_admin_stats(const struct rf_admin *a, uint64_t *ret_requests, uint64_t *ret_refused)
{
	*ret_requests = a->requests;
	*ret_refused = a->refused;
}
