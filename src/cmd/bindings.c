/* ringfort bindings: who is registered, and where. */
#include "cmd/cmd.h"
#include "cmd/roles.h"
#include "cmd/table.h"

#include <jansson.h>

#define ASK_MS 5000

static int bindings(struct rf_cmd_ctx *c)
{
	static const struct rf_cmd_column columns[] = {
		{ "aor", "ADDRESS OF RECORD", 44 }, { "phone", "PHONE", 24 }, { "transport", "OVER", 6 },
		{ "address", "FROM", 48 }, { "expires_s", "EXPIRES", 8 }, { "state", "STATE", 12 },
	};
	struct rf_diag diag = { 0 };
	json_t *answer = NULL;
	json_t *question = json_pack("{s:s,s:s}", "do", "bindings", "aor", c->args ? c->arg[0] : "");

	if (rf_cmd_ask(c, question, ASK_MS, &answer, &diag))
		return rf_cmd_not_asked(c, &diag);
	json_t *rows = json_object_get(answer, "bindings");
	int result = c->args && json_array_size(rows) == 0 ? RF_EXIT_NO : RF_EXIT_YES;
	if (c->json)
		return rf_cmd_json(c, answer, result);
	if (json_array_size(rows) == 0)
		fprintf(c->out, c->args ? "%s is not registered\n" : "no registrations\n", c->args ? c->arg[0] : "");
	else
		rf_cmd_table(c->out, rows, columns, sizeof columns / sizeof columns[0]);
	if (json_is_true(json_object_get(answer, "truncated")))
		fprintf(c->err, "ringfort: there are more registrations than fit in one answer\n");
	json_decref(answer);
	return result;
}

static const struct rf_cmd_opt role_opts[] = { RF_CMD_ROLE_OPT, { 0 } };

const struct rf_cmd rf_cmd_bindings[] = {
	{
		.name = "bindings",
		.args = "[AOR]",
		.max_args = 1,
		.summary = "registered phones and where they are",
		.help = "With a number or an address of record: only that one; exit status 1 when it is not "
			"registered. A border\n"
			"has the phones outside, with the addresses that they come from.",
		.example = "ringfort -C /etc/ringfort bindings 1001",
		.opts = role_opts,
		.run = bindings,
	},
	{ 0 }
};
