/* ringfort run ROLE: one role in the foreground, as systemd and `ringfort up` start it. */
#include "cmd/cmd.h"
#include "role/controller.h"
#include "role/relay.h"
#include "role/wall.h"

#include <string.h>

static int run_controller(struct rf_cmd_ctx *c, int ready_fd, unsigned drops_s, struct rf_diag *diag)
{
	struct rf_controller_options opt = {
		.dir = c->dir, .host = rf_cmd_opt(c, "host"), .log = &c->log, .ready_fd = ready_fd
	};

	(void)drops_s;
	return rf_controller_run(&opt, diag);
}

static int run_border(struct rf_cmd_ctx *c, int ready_fd, unsigned drops_s, struct rf_diag *diag)
{
	struct rf_controller_options opt = {
		.dir = c->dir, .host = rf_cmd_opt(c, "host"), .border = true, .log = &c->log, .ready_fd = ready_fd
	};

	(void)drops_s;
	return rf_controller_run(&opt, diag);
}

static int run_wall(struct rf_cmd_ctx *c, int ready_fd, unsigned drops_s, struct rf_diag *diag)
{
	struct rf_wall_options opt = {
		.dir = c->dir, .host = rf_cmd_opt(c, "host"), .log = &c->log, .ready_fd = ready_fd, .drops_s = drops_s,
	};

	return rf_wall_run(&opt, diag);
}

static int run_relay(struct rf_cmd_ctx *c, int ready_fd, unsigned drops_s, struct rf_diag *diag)
{
	struct rf_anchor_options opt = {
		.dir = c->dir, .host = rf_cmd_opt(c, "host"), .log = &c->log, .ready_fd = ready_fd, .record_s = drops_s,
	};

	return rf_anchor_run(&opt, diag);
}

static const struct {
	const char *name;
	int (*run)(struct rf_cmd_ctx *c, int ready_fd, unsigned drops_s, struct rf_diag *diag);
} roles[] = {
	{ "controller", run_controller }, { "border", run_border }, { "relay", run_relay }, { "wall", run_wall },
};

static int run_role(struct rf_cmd_ctx *c)
{
	struct rf_diag diag = { 0 };
	uint64_t ready_fd = UINT64_MAX, drops_s = 0;
	bool records = strcmp(c->arg[0], "wall") == 0 || strcmp(c->arg[0], "relay") == 0;
	size_t i = 0, n = sizeof roles / sizeof *roles;

	while (i < n && strcmp(roles[i].name, c->arg[0]) != 0)
		i++;
	if (i == n)
		return rf_cmd_error(c, RF_EXIT_USAGE,
				    "this version runs the roles controller, border, relay and wall, not %s",
				    c->arg[0]);
	if (!rf_cmd_number(c, "ready-fd", 0, 1023, &ready_fd) || !rf_cmd_number(c, "drops-every", 1, 86400, &drops_s))
		return RF_EXIT_USAGE;
	if (drops_s && !records)
		return rf_cmd_error(c, RF_EXIT_USAGE, "--drops-every is for the roles wall and relay");
	int fd = ready_fd == UINT64_MAX ? -1 : (int)ready_fd;
	int rc = roles[i].run(c, fd, (unsigned)drops_s, &diag);
	return rc ? rf_cmd_diag(c, &diag) : RF_EXIT_YES;
}

static const struct rf_cmd_opt run_opts[] = {
	{ .name = "host", .arg = "NAME", .summary = "which of the site's hosts this machine is" },
	{ .name = "ready-fd", .arg = "N", .summary = "descriptor that gets one JSON line when the role is ready" },
	{ .name = "drops-every",
	  .arg = "SECONDS",
	  .summary = "roles wall and relay: how often drops go on record (60)" },
	{ 0 }
};

const struct rf_cmd rf_cmd_runs[] = {
	{
		.name = "run",
		.args = "ROLE",
		.min_args = 1,
		.max_args = 1,
		.summary = "keep one role of this host in the foreground",
		.help = "ROLE is controller, border or relay, or wall on a router. Logs to stderr, as JSON lines "
			"unless that is a terminal. SIGTERM and SIGINT stop it in order; SIGHUP reads the site again, "
			"whole or not at all.",
		.example = "ringfort -C /etc/ringfort run controller",
		.opts = run_opts,
		.run = run_role,
	},
	{ 0 }
};
