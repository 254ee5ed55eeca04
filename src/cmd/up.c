/* ringfort up: this host's roles in the background. Returns when they are ready, or says why they are not. */
#include "cmd/cmd.h"
#include "cmd/roles.h"
#include "cmd/table.h"
#include "role/controller.h"
#include "role/host.h"

#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define READY_MS 30000
#define LOG_MAX (16 * 1024 * 1024) /* a log that is larger when a role starts is put aside */

/* In the grandchild: no terminal, nothing of ours open, the log as stderr. Only exec and _exit from here on. */
static void exec_role(const struct rf_cmd_ctx *c, const char *what, const char *which, int log_fd, int ready_fd)
{
	char name[] = "ringfort", dash_c[] = "-C", run[] = "run";
	char ready[] = "--ready-fd", three[] = "3", host_opt[] = "--host";
	char *dir = strdup(c->dir), *role = strdup(what), *host = which ? strdup(which) : NULL;
	char *argv[] = { name, dash_c, dir, run, role, ready, three, host ? host_opt : NULL, host, NULL };
	int null = open("/dev/null", O_RDWR);

	if (!dir || !role || null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(log_fd, 2) < 0)
		_exit(127);
	int high = fcntl(ready_fd, F_DUPFD, 10);
	if (dup2(high, 3) < 0)
		_exit(127);
	close_range(4, ~0u, 0);
	execv("/proc/self/exe", argv);
	_exit(127);
}

static int open_log(const struct rf_cmd_ctx *c, const char *role)
{
	char name[64], old_name[64];
	struct stat st;

	snprintf(name, sizeof name, "state/%s.log", role);
	snprintf(old_name, sizeof old_name, "state/%s.log.old", role);
	char *path = rf_cmd_path(c, name), *old = rf_cmd_path(c, old_name);

	if (stat(path, &st) == 0 && st.st_size > LOG_MAX)
		rename(path, old);
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	free(path);
	free(old);
	return fd;
}

/* Start the role, twice forked so that it is nobody's child; *ret_fd is where it will say that it is ready. */
static int start_role(struct rf_cmd_ctx *c, const struct rf_cmd_role *role, const char *host, int *ret_fd)
{
	int fds[2], log_fd = open_log(c, role->name);

	if (log_fd < 0)
		return rf_cmd_error(c, RF_EXIT_FAILED, "%s/state/%s.log: %s", c->dir, role->name, strerror(errno));
	if (pipe2(fds, O_CLOEXEC) < 0)
		return rf_cmd_error(c, RF_EXIT_FAILED, "a pipe: %s", strerror(errno));
	pid_t pid = fork();
	if (pid == 0) {
		setsid();
		if (fork() == 0)
			exec_role(c, role->name, host, log_fd, fds[1]);
		_exit(0);
	}
	close(log_fd);
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		return rf_cmd_error(c, RF_EXIT_FAILED, "starting the %s: %s", role->name, strerror(errno));
	}
	waitpid(pid, NULL, 0);
	*ret_fd = fds[0];
	return RF_EXIT_YES;
}

/* One line of JSON, or NULL when the role ended or took too long. */
static json_t *wait_ready(int fd, bool *ret_late)
{
	char text[8192];
	size_t n = 0;
	struct pollfd p = { .fd = fd, .events = POLLIN };

	*ret_late = false;
	while (n < sizeof text) {
		int rc = poll(&p, 1, READY_MS);

		if (rc < 0 && errno == EINTR)
			continue;
		*ret_late = rc == 0;
		ssize_t got = rc > 0 ? read(fd, text + n, sizeof text - n) : 0;
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	return n ? json_loadb(text, n, 0, NULL) : NULL;
}

static void print_ready(struct rf_cmd_ctx *c, const struct rf_cmd_role *role, const json_t *ready)
{
	const json_t *listen = json_object_get(ready, "listen"), *where;
	char pid[32];
	size_t i;

	rf_cmd_cell(json_object_get(ready, "pid"), pid, sizeof pid);
	fprintf(c->out, "%s is ready (pid %s)%s\n", role->name, pid, json_array_size(listen) ? ", listening on" : "");
	json_array_foreach(listen, i, where) {
		char transport[16], address[128];

		rf_cmd_cell(json_object_get(where, "transport"), transport, sizeof transport);
		rf_cmd_cell(json_object_get(where, "address"), address, sizeof address);
		fprintf(c->out, "    %-4s %s\n", transport, address);
	}
	fprintf(c->out, "log: %s/state/%s.log\n", c->dir, role->name);
}

/* Roles that the site gives this host and that no version of ringfort so far runs: said, never passed over. */
static void print_others(struct rf_cmd_ctx *c, const struct rf_site_host *host, unsigned run)
{
	for (unsigned bit = 1; host && rf_role_name(bit); bit <<= 1)
		if (host->roles & ~run & bit && bit == RF_ROLE_WALL)
			fprintf(c->err, "ringfort: host %s also has the role wall: `ringfort run wall` "
					"keeps it (its unit does)\n",
				rf_site_cstr(host->name));
		else if (host->roles & ~run & bit)
			fprintf(c->err, "ringfort: host %s also has the role %s, which this version does not run\n",
				rf_site_cstr(host->name), rf_role_name(bit));
}

/* *ret_ready (NULL unless 0 is returned): what the role says, or that it runs already. */
static int up_one(struct rf_cmd_ctx *c, const struct rf_cmd_role *role, const char *host, json_t **ret_ready)
{
	bool late;
	int pid = 0, fd = -1, status;

	if (rf_controller_probe(c->dir, role->name, &pid) == RF_E_BUSY) {
		*ret_ready = json_pack("{s:b,s:b,s:s,s:i}", "running", 1, "started", 0, "role", role->name, "pid", pid);
		if (!c->json)
			fprintf(c->out, "%s runs already (pid %d): `ringfort -C %s status` shows it\n", role->name, pid,
				c->dir);
		return RF_EXIT_YES;
	}
	status = start_role(c, role, host, &fd);
	if (status)
		return status;
	json_t *ready = wait_ready(fd, &late);
	close(fd);
	if (!json_is_true(json_object_get(ready, "ok"))) {
		const char *why = json_string_value(json_object_get(ready, "error"));

		rf_cmd_error(c, RF_EXIT_FAILED, "the %s did not start: %s (its log is %s/state/%s.log)", role->name,
			     why ? why :
			     late ? "it was not ready after thirty seconds" :
				    "it ended without a word",
			     c->dir, role->name);
		json_decref(ready);
		return RF_EXIT_FAILED;
	}
	if (!c->json)
		print_ready(c, role, ready);
	*ret_ready = ready;
	return RF_EXIT_YES;
}

/* The roles of this host that run in the background, one after the other; with --json what each says,
 * one alone as it is. */
static int up_all(struct rf_cmd_ctx *c, unsigned bits, const char *host)
{
	json_t *all = json_array();
	int status = RF_EXIT_YES;

	for (const struct rf_cmd_role *r = rf_cmd_roles; r->name && !status; r++) {
		json_t *ready = NULL;

		if (bits & r->bit)
			status = up_one(c, r, host, &ready);
		if (ready)
			json_array_append_new(all, ready);
	}
	if (!status && c->json) {
		json_t *only = json_array_size(all) == 1 ? json_incref(json_array_get(all, 0)) :
							   json_pack("{s:b,s:O}", "ok", 1, "roles", all);

		status = rf_cmd_json(c, only, RF_EXIT_YES);
	}
	json_decref(all);
	return status;
}

static int up(struct rf_cmd_ctx *c)
{
	int status = RF_EXIT_YES;
	struct rf_diag diag = { 0 };
	const struct rf_site_host *host = NULL;
	struct rf_site *site = rf_cmd_site(c, &status);
	unsigned bits = 0;

	if (!site)
		return status;
	for (const struct rf_cmd_role *r = rf_cmd_roles; r->name; r++)
		bits |= r->bit;
	if (rf_role_host(site, rf_cmd_opt(c, "host"), bits, &host, &diag)) {
		rf_site_put(site);
		return rf_cmd_diag(c, &diag);
	}
	if (!c->json)
		print_others(c, host, bits);
	status = up_all(c, host ? host->roles : RF_ROLE_CONTROLLER, host ? rf_site_cstr(host->name) : NULL);
	rf_site_put(site);
	return status;
}

static const struct rf_cmd_opt up_opts[] = {
	{ .name = "host", .arg = "NAME", .summary = "which of the site's hosts this machine is" },
	{ 0 }
};

const struct rf_cmd rf_cmd_up[] = {
	{
		.name = "up",
		.summary = "start this host's roles and wait until they are ready",
		.example = "ringfort -C /etc/ringfort up",
		.opts = up_opts,
		.run = up,
	},
	{ 0 }
};
