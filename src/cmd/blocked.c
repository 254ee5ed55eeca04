/* ringfort blocked: addresses outside that the border passes over, and forgiving them. */
#include "cmd/cmd.h"
#include "cmd/table.h"
#include "net/addr.h"
#include "role/admin.h"

#include <jansson.h>

#define ASK_MS 5000

static int ask(struct rf_cmd_ctx *c, json_t *question, json_t **ret_answer)
{
	struct rf_diag diag = { 0 };

	if (rf_admin_ask_border(c->dir, question, ASK_MS, ret_answer, &diag) == 0)
		return RF_EXIT_YES;
	return rf_cmd_error(c, diag.code == RF_E_INVALID || diag.code == RF_E_NOT_FOUND ? RF_EXIT_NO : RF_EXIT_FAILED,
			    "%s", diag.text);
}

static int list(struct rf_cmd_ctx *c)
{
	static const struct rf_cmd_column columns[] = {
		{ "address", "ADDRESS", 40 }, { "why", "WHY", 12 }, { "seconds", "SECONDS LEFT", 12 },
		{ "count", "PENALTIES", 9 },
	};
	json_t *answer = NULL;
	int status = ask(c, json_pack("{s:s}", "do", "blocked"), &answer);

	if (status)
		return status;
	if (c->json)
		return rf_cmd_json(c, answer, RF_EXIT_YES);
	json_t *rows = json_object_get(answer, "blocked");

	if (json_array_size(rows) == 0)
		fprintf(c->out, "no address is blocked\n");
	else
		rf_cmd_table(c->out, rows, columns, sizeof columns / sizeof columns[0]);
	if (json_is_true(json_object_get(answer, "truncated")))
		fprintf(c->err, "ringfort: there are more: %lld in all\n",
			(long long)json_integer_value(json_object_get(answer, "blocked_now")));
	json_decref(answer);
	return RF_EXIT_YES;
}

static int forgive(struct rf_cmd_ctx *c)
{
	json_t *answer = NULL;
	struct rf_addr addr;
	int status;

	if (rf_addr_parse(rf_view_str(c->arg[0]), 0, &addr))
		return rf_cmd_error(c, RF_EXIT_USAGE, "\"%s\" is no IP address", c->arg[0]);
	status = ask(c, json_pack("{s:s,s:s}", "do", "forgive", "address", c->arg[0]), &answer);
	if (status)
		return status;
	if (c->json)
		return rf_cmd_json(c, answer, RF_EXIT_YES);
	fprintf(c->out, "%s is heard again\n", c->arg[0]);
	json_decref(answer);
	return RF_EXIT_YES;
}

const struct rf_cmd rf_cmd_blocked[] = {
	{
		.name = "blocked",
		.sub = "list",
		.summary = "addresses outside that the border passes over",
		.help = "An address that sends what no peer sends gets a penalty, longer each time: "
			"nothing of it is looked at.",
		.example = "ringfort -C /etc/ringfort blocked list",
		.run = list,
	},
	{
		.name = "blocked",
		.sub = "forgive",
		.args = "ADDRESS",
		.min_args = 1,
		.max_args = 1,
		.summary = "take a penalty back",
		.example = "ringfort -C /etc/ringfort blocked forgive 203.0.113.9",
		.run = forgive,
	},
	{ 0 },
};
