/* ringfort down: end this host's roles in order. */
#include "cmd/cmd.h"
#include "cmd/roles.h"
#include "role/controller.h"

#include <jansson.h>
#include <time.h>

#define ASK_MS 5000
#define WAIT_MS 20000
#define STEP_MS 50

/* *ret_pid 0: it did not run. */
static int down_one(struct rf_cmd_ctx *c, const struct rf_cmd_role *role, int *ret_pid)
{
	struct rf_diag diag = { 0 };
	json_t *answer = NULL;
	int pid = 0;

	*ret_pid = 0;
	if (rf_controller_probe(c->dir, role->name, &pid) != RF_E_BUSY)
		return RF_EXIT_YES;
	*ret_pid = pid;
	if (role->ask(c->dir, json_pack("{s:s}", "do", "stop"), ASK_MS, &answer, &diag))
		return rf_cmd_error(c, RF_EXIT_FAILED, "%s; the process is %d: `kill %d` stops it as well", diag.text,
				    pid, pid);
	json_decref(answer);
	for (unsigned ms = 0; rf_controller_probe(c->dir, role->name, &pid) == RF_E_BUSY; ms += STEP_MS) {
		if (ms >= WAIT_MS)
			return rf_cmd_error(c, RF_EXIT_FAILED, "the %s (pid %d) has not ended after %d seconds",
					    role->name, pid, WAIT_MS / 1000);
		nanosleep(&(struct timespec){ .tv_nsec = STEP_MS * 1000000L }, NULL);
	}
	if (!c->json)
		fprintf(c->out, "%s has stopped\n", role->name);
	return RF_EXIT_YES;
}

/* The controller first: its calls to the outside end by way of the border. */
static int down(struct rf_cmd_ctx *c)
{
	json_t *stopped = json_array();
	int status = RF_EXIT_YES, first = 0, pid = 0;

	if (rf_controller_probe(c->dir, "controller", &pid) == RF_E_NOT_FOUND) {
		json_decref(stopped);
		return rf_cmd_error(c, RF_EXIT_USAGE, "%s: no site here (-C names another directory)", c->dir);
	}
	for (const struct rf_cmd_role *r = rf_cmd_roles; r->name && !status; r++) {
		status = down_one(c, r, &pid);
		first = first ? first : pid;
		if (pid && !status)
			json_array_append_new(stopped, json_pack("{s:s,s:i}", "role", r->name, "pid", pid));
	}
	if (!status && !first && !c->json)
		fprintf(c->out, "nothing runs for %s\n", c->dir);
	if (!status && c->json)
		status = rf_cmd_json(c,
				     first ? json_pack("{s:b,s:i,s:O}", "stopped", 1, "pid", first, "roles", stopped) :
					     json_pack("{s:b}", "stopped", 0),
				     RF_EXIT_YES);
	json_decref(stopped);
	return status;
}

const struct rf_cmd rf_cmd_down[] = {
	{
		.name = "down",
		.summary = "stop this host's roles",
		.help = "Calls end with a BYE to their phones; registrations stay on record for the next start.",
		.example = "ringfort -C /etc/ringfort down",
		.run = down,
	},
	{ 0 }
};
