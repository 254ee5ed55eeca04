/* ringfort run ROLE: one role in the foreground, as systemd and `ringfort up` start it. */
#include "cmd/cmd.h"
#include "role/controller.h"

#include <string.h>

static int run_role(struct rf_cmd_ctx *c)
{
	struct rf_diag diag = { 0 };
	uint64_t ready_fd = UINT64_MAX;

	if (strcmp(c->arg[0], "controller") != 0)
		return rf_cmd_error(c, RF_EXIT_USAGE, "this version runs the role controller only, not %s", c->arg[0]);
	if (!rf_cmd_number(c, "ready-fd", 0, 1023, &ready_fd))
		return RF_EXIT_USAGE;
	struct rf_controller_options opt = {
		.dir = c->dir,
		.host = rf_cmd_opt(c, "host"),
		.log = &c->log,
		.ready_fd = ready_fd == UINT64_MAX ? -1 : (int)ready_fd,
	};
	return rf_controller_run(&opt, &diag) ? rf_cmd_diag(c, &diag) : RF_EXIT_YES;
}

static const struct rf_cmd_opt run_opts[] = {
	{ .name = "host", .arg = "NAME", .summary = "which of the site's hosts this machine is" },
	{ .name = "ready-fd", .arg = "N", .summary = "descriptor that gets one JSON line when the role is ready" },
	{ 0 }
};

const struct rf_cmd rf_cmd_runs[] = {
	{
		.name = "run",
		.args = "ROLE",
		.min_args = 1,
		.max_args = 1,
		.summary = "keep one role of this host in the foreground",
		.help = "Logs to stderr, as JSON lines unless that is a terminal. SIGTERM and SIGINT stop it in order; "
			"SIGHUP reads the site again, whole or not at all.",
		.example = "ringfort -C /etc/ringfort run controller",
		.opts = run_opts,
		.run = run_role,
	},
	{ 0 }
};
