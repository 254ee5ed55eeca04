/* ringfort metrics: what the roles of this host count, for Prometheus. */
#include "cmd/cmd.h"
#include "cmd/metrics_page.h"
#include "role/admin.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ASK_MS = 5000 };

/* Every role that runs here, one without a site among them. */
static json_t *ask_all(struct rf_cmd_ctx *c, int *ret_status)
{
	static int (*const ask[])(const char *, json_t *, unsigned, json_t **, struct rf_diag *) = {
		rf_admin_ask, rf_admin_ask_relay, rf_admin_ask_border, rf_admin_ask_wall,
	};
	json_t *all = json_array();

	for (size_t i = 0; i < sizeof ask / sizeof *ask; i++) {
		struct rf_diag diag = { 0 };
		json_t *answer = NULL;
		int rc = ask[i](c->dir, json_pack("{s:s}", "do", "status"), ASK_MS, &answer, &diag);

		if (rc == RF_E_NOT_FOUND)
			continue;
		if (rc) {
			json_decref(all);
			*ret_status = rf_cmd_error(c, RF_EXIT_FAILED, "%s", diag.text);
			return NULL;
		}
		json_array_append_new(all, answer);
	}
	if (json_array_size(all))
		return all;
	json_decref(all);
	*ret_status = rf_cmd_error(c, RF_EXIT_NO, "nothing runs for %s: `ringfort -C %s up` starts it", c->dir, c->dir);
	return NULL;
}

/* Beside the file and then in its place: who reads it meanwhile has all of the old page or all of the new. */
static int write_file(struct rf_cmd_ctx *c, const char *path, const json_t *answers)
{
	char temp[4096];
	int n = snprintf(temp, sizeof temp, "%s.new", path);
	FILE *f = n > 0 && (size_t)n < sizeof temp ? fopen(temp, "we") : NULL;

	if (!f)
		return rf_cmd_error(c, RF_EXIT_FAILED, "%s: %s", path, strerror(errno));
	rf_cmd_metrics_page(f, answers);
	bool bad = ferror(f);

	if (fclose(f) || bad || rename(temp, path)) {
		int status = rf_cmd_error(c, RF_EXIT_FAILED, "%s: %s", path, strerror(errno));

		unlink(temp);
		return status;
	}
	return RF_EXIT_YES;
}

static int metrics(struct rf_cmd_ctx *c)
{
	const char *path = rf_cmd_opt(c, "output");
	int status = RF_EXIT_YES;
	json_t *answers = ask_all(c, &status);

	if (!answers)
		return status;
	if (path)
		status = write_file(c, path, answers);
	else if (c->json)
		status = rf_cmd_json(c, rf_cmd_metrics_json(answers), RF_EXIT_YES);
	else
		rf_cmd_metrics_page(c->out, answers);
	json_decref(answers);
	return status;
}

static const struct rf_cmd_opt opts[] = {
	{ "output", "FILE", "write it there, at once as a whole: for node_exporter's textfile collector", 'o', false },
	{ 0 },
};

const struct rf_cmd rf_cmd_metrics[] = {
	{
		.name = "metrics",
		.summary = "what the roles of this host count, for Prometheus",
		.help = "Prometheus' text format: calls, registrations, trunks, refusals by "
			"rule, media and its quality.",
		.example = "ringfort -C site metrics -o /var/lib/prometheus/node-exporter/ringfort.prom",
		.opts = opts,
		.run = metrics,
	},
	{ 0 },
};
