/* ringfort trunk: the ways to the outside, and how they are. */
#include "cmd/cmd.h"
#include "cmd/roles.h"
#include "cmd/table.h"

#include <jansson.h>
#include <string.h>

#define ASK_MS 5000

static int ask(struct rf_cmd_ctx *c, json_t **ret_answer)
{
	struct rf_diag diag = { 0 };

	if (rf_cmd_ask(c, json_pack("{s:s}", "do", "trunks"), ASK_MS, ret_answer, &diag))
		return rf_cmd_not_asked(c, &diag);
	return 0;
}

static int list(struct rf_cmd_ctx *c)
{
	static const struct rf_cmd_column columns[] = {
		{ "name", "TRUNK", 30 }, { "peer", "PEER", 50 }, { "transport", "OVER", 5 }, { "state", "STATE", 10 },
		{ "channels", "IN USE", 8 }, { "channels_most", "OF", 8 }, { "dropped", "DROPPED", 10 },
		{ "since", "SINCE", 30 },
	};
	json_t *answer = NULL;
	int status = ask(c, &answer);

	if (status)
		return status;
	if (c->json)
		return rf_cmd_json(c, answer, RF_EXIT_YES);
	json_t *trunks = json_object_get(answer, "trunks");
	if (json_array_size(trunks) == 0)
		fprintf(c->out, "no trunks: `trunks` in site.yaml names them\n");
	else
		rf_cmd_table(c->out, trunks, columns, sizeof columns / sizeof columns[0]);
	json_decref(answer);
	return RF_EXIT_YES;
}

static const char *text(const json_t *j, const char *key, char *dst, size_t cap)
{
	rf_cmd_cell(json_object_get(j, key), dst, cap);
	return dst;
}

static void print(FILE *out, const json_t *j)
{
	const char *rule;
	char t[4][256];
	json_t *n;

	fprintf(out, "trunk      %s to %s over %s, media %s\n", text(j, "name", t[0], sizeof t[0]),
		text(j, "peer", t[1], sizeof t[1]), text(j, "transport", t[2], sizeof t[2]),
		text(j, "media", t[3], sizeof t[3]));
	fprintf(out, "state      %s", text(j, "state", t[0], sizeof t[0]));
	if (*text(j, "since", t[1], sizeof t[1]))
		fprintf(out, " since %s: %s", t[1], text(j, "why", t[2], sizeof t[2]));
	if (json_object_get(j, "registered_until"))
		fprintf(out, "\nregistered %s%s", *text(j, "registered_until", t[0], sizeof t[0]) ? "until " : "no",
			t[0]);
	fprintf(out, "\nchannels   %s in use", text(j, "channels", t[0], sizeof t[0]));
	if (json_integer_value(json_object_get(j, "channels_most")))
		fprintf(out, " of %s", text(j, "channels_most", t[1], sizeof t[1]));
	fprintf(out, ", %s calls refused for want of one\n", text(j, "over_channels", t[2], sizeof t[2]));
	fprintf(out, "calls      %s in, %s out, %s of these failed\n", text(j, "calls_in", t[0], sizeof t[0]),
		text(j, "calls_out", t[1], sizeof t[1]), text(j, "failed", t[2], sizeof t[2]));
	json_object_foreach(json_object_get(j, "dropped_by"), rule, n)
		fprintf(out, "dropped    %" JSON_INTEGER_FORMAT " parts of its messages by rule %s\n",
			json_integer_value(n), rule);
	fprintf(out, "over rate  %s in, %s out; %s spared the peer, as it asked\n",
		text(j, "over_rate_in", t[0], sizeof t[0]), text(j, "over_rate_out", t[1], sizeof t[1]),
		text(j, "spared", t[2], sizeof t[2]));
}

static int show(struct rf_cmd_ctx *c)
{
	json_t *answer = NULL, *j;
	size_t i;
	int status = ask(c, &answer);

	if (status)
		return status;
	json_array_foreach(json_object_get(answer, "trunks"), i, j) {
		const char *name = json_string_value(json_object_get(j, "name"));

		if (!name || strcmp(name, c->arg[0]) != 0)
			continue;
		if (c->json) {
			json_incref(j);
			json_decref(answer);
			return rf_cmd_json(c, j, RF_EXIT_YES);
		}
		print(c->out, j);
		json_decref(answer);
		return RF_EXIT_YES;
	}
	json_decref(answer);
	return rf_cmd_error(c, RF_EXIT_NO, "there is no trunk %s: `ringfort trunk list` shows them", c->arg[0]);
}

static const struct rf_cmd_opt role_opts[] = { RF_CMD_ROLE_OPT, { 0 } };

const struct rf_cmd rf_cmd_trunk[] = {
	{
		.name = "trunk",
		.sub = "list",
		.summary = "the ways to the outside, their state and channels",
		.help = "A trunk that does not answer OPTIONS is down: calls pass it by until it answers again.",
		.example = "ringfort -C /etc/ringfort trunk list",
		.opts = role_opts,
		.run = list,
	},
	{
		.name = "trunk",
		.sub = "show",
		.args = "NAME",
		.min_args = 1,
		.max_args = 1,
		.summary = "one trunk, and what it has refused",
		.example = "ringfort -C /etc/ringfort trunk show carrier",
		.opts = role_opts,
		.run = show,
	},
	{ 0 }
};
