/* ringfort calls: what is being said right now, and how to end it. */
#include "cmd/cmd.h"
#include "cmd/roles.h"
#include "cmd/table.h"

#include <jansson.h>
#include <string.h>

#define ASK_MS 5000

static int list(struct rf_cmd_ctx *c)
{
	static const struct rf_cmd_column columns[] = {
		{ "id", "CALL", 40 }, { "state", "STATE", 16 }, { "from", "FROM", 40 }, { "to", "TO", 40 },
		{ "duration_s", "SECONDS", 10 },
	};
	struct rf_diag diag = { 0 };
	json_t *answer = NULL;

	if (rf_cmd_ask(c, json_pack("{s:s}", "do", "calls"), ASK_MS, &answer, &diag))
		return rf_cmd_not_asked(c, &diag);
	if (c->json)
		return rf_cmd_json(c, answer, RF_EXIT_YES);
	json_t *calls = json_object_get(answer, "calls");
	if (json_array_size(calls) == 0)
		fprintf(c->out, "no calls\n");
	else
		rf_cmd_table(c->out, calls, columns, sizeof columns / sizeof columns[0]);
	if (json_is_true(json_object_get(answer, "truncated")))
		fprintf(c->err, "ringfort: there are more calls than fit in one answer\n");
	json_decref(answer);
	return RF_EXIT_YES;
}

/* Nested values, one a line, indented: whatever call control tells about a call is shown. */
static void print_value(FILE *out, const char *key, const json_t *value, unsigned indent)
{
	char t[256];
	const char *k;
	json_t *v;
	size_t i;

	if (json_is_object(value)) {
		fprintf(out, "%*s%s\n", (int)indent, "", key);
		json_object_foreach((json_t *)(uintptr_t)value, k, v)
			print_value(out, k, v, indent + 4);
	} else if (json_is_array(value)) {
		char name[64];

		json_array_foreach(value, i, v) {
			snprintf(name, sizeof name, "%.40s %zu", key, i + 1);
			print_value(out, name, v, indent);
		}
	} else {
		rf_cmd_cell(value, t, sizeof t);
		if (t[0])
			fprintf(out, "%*s%-*s %s\n", (int)indent, "", (int)(indent < 20 ? 20 - indent : 0), key, t);
	}
}

static int show(struct rf_cmd_ctx *c)
{
	struct rf_diag diag = { 0 };
	json_t *answer = NULL, *call, *v;
	const char *k;

	if (rf_cmd_ask(c, json_pack("{s:s,s:s}", "do", "call", "id", c->arg[0]), ASK_MS, &answer, &diag))
		return rf_cmd_not_asked(c, &diag);
	call = json_object_get(answer, "call");
	if (!json_is_object(call)) {
		json_decref(answer);
		return rf_cmd_error(c, RF_EXIT_NO,
				    "there is no call %s now: `ringfort calls` lists them, `ringfort cdr` those "
				    "that have ended",
				    c->arg[0]);
	}
	if (c->json)
		return rf_cmd_json(c, answer, RF_EXIT_YES);
	json_object_foreach(call, k, v)
		print_value(c->out, k, v, 0);
	json_decref(answer);
	return RF_EXIT_YES;
}

static int hangup(struct rf_cmd_ctx *c)
{
	struct rf_diag diag = { 0 };
	json_t *answer = NULL;

	if (rf_cmd_ask(c, json_pack("{s:s,s:s}", "do", "hangup", "id", c->arg[0]), ASK_MS, &answer, &diag))
		return rf_cmd_not_asked(c, &diag);
	bool done = json_is_true(json_object_get(answer, "hangup"));
	if (c->json)
		return rf_cmd_json(c, answer, done ? RF_EXIT_YES : RF_EXIT_NO);
	json_decref(answer);
	if (!done)
		return rf_cmd_error(c, RF_EXIT_NO, "there is no call %s now", c->arg[0]);
	fprintf(c->out, "call %s is ended\n", c->arg[0]);
	return RF_EXIT_YES;
}

static const struct rf_cmd_opt role_opts[] = { RF_CMD_ROLE_OPT, { 0 } };

const struct rf_cmd rf_cmd_calls[] = {
	{ .name = "calls", .summary = "live calls", .example = "ringfort -C /etc/ringfort calls", .opts = role_opts,
	  .run = list },
	{
		.name = "calls",
		.sub = "show",
		.args = "ID",
		.min_args = 1,
		.max_args = 1,
		.summary = "one live call with its legs",
		.example = "ringfort -C /etc/ringfort calls show rf00aa6b9ef837902b49501a",
		.opts = role_opts,
		.run = show,
	},
	{
		.name = "calls",
		.sub = "hangup",
		.args = "ID",
		.min_args = 1,
		.max_args = 1,
		.summary = "end a live call",
		.help = "Both phones get a BYE, and the record says that an administrator ended the call.",
		.example = "ringfort -C /etc/ringfort calls hangup rf00aa6b9ef837902b49501a",
		.opts = role_opts,
		.run = hangup,
	},
	{ 0 }
};
