/* ringfort down: end this host's roles in order. */
#include "cmd/cmd.h"
#include "role/admin.h"
#include "role/controller.h"

#include <jansson.h>
#include <time.h>

#define ASK_MS 5000
#define WAIT_MS 20000
#define STEP_MS 50

static int down(struct rf_cmd_ctx *c)
{
	struct rf_diag diag = { 0 };
	json_t *answer = NULL;
	int pid = 0, probe = rf_controller_probe(c->dir, &pid);

	if (probe == RF_E_NOT_FOUND)
		return rf_cmd_error(c, RF_EXIT_USAGE, "%s: no site here (-C names another directory)", c->dir);
	if (probe == RF_OK) {
		if (c->json)
			return rf_cmd_json(c, json_pack("{s:b}", "stopped", 0), RF_EXIT_YES);
		fprintf(c->out, "no controller runs for %s\n", c->dir);
		return RF_EXIT_YES;
	}
	if (rf_admin_ask(c->dir, json_pack("{s:s}", "do", "stop"), ASK_MS, &answer, &diag))
		return rf_cmd_error(c, RF_EXIT_FAILED, "%s; the process is %d: `kill %d` stops it as well", diag.text, pid, pid);
	json_decref(answer);
	for (unsigned ms = 0; rf_controller_probe(c->dir, &pid) == RF_E_BUSY; ms += STEP_MS) {
		if (ms >= WAIT_MS)
			return rf_cmd_error(c, RF_EXIT_FAILED, "the controller (pid %d) has not ended after %d seconds", pid,
					    WAIT_MS / 1000);
		nanosleep(&(struct timespec){ .tv_nsec = STEP_MS * 1000000L }, NULL);
	}
	if (c->json)
		return rf_cmd_json(c, json_pack("{s:b,s:i}", "stopped", 1, "pid", pid), RF_EXIT_YES);
	fprintf(c->out, "controller has stopped\n");
	return RF_EXIT_YES;
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
