/* ringfort mwi: how many messages wait in a mailbox. What a host of mailboxes calls when that changes. */
#include "cmd/cmd.h"
#include "role/admin.h"

#include <jansson.h>

#define ASK_MS 5000

static int mwi(struct rf_cmd_ctx *c)
{
	const char *old = c->args > 2 ? c->arg[2] : "0";
	struct rf_diag diag = { 0 };
	json_t *answer = NULL;
	uint32_t n;

	if (!rf_view_u32(rf_view_str(c->arg[1]), &n) || !rf_view_u32(rf_view_str(old), &n))
		return rf_cmd_error(c, RF_EXIT_USAGE, "NEW and OLD are numbers of messages: `ringfort mwi 1001 2 8`");
	json_t *question =
		json_pack("{s:s,s:s,s:s,s:s}", "do", "mailbox", "number", c->arg[0], "new", c->arg[1], "old", old);

	if (rf_admin_ask(c->dir, question, ASK_MS, &answer, &diag))
		return rf_cmd_error(c, diag.code == RF_E_NOT_FOUND ? RF_EXIT_NO : RF_EXIT_FAILED, "%s", diag.text);
	bool done = json_is_object(json_object_get(answer, "mailbox"));
	if (c->json)
		return rf_cmd_json(c, answer, done ? RF_EXIT_YES : RF_EXIT_NO);
	json_decref(answer);
	if (!done)
		return rf_cmd_error(c, RF_EXIT_NO, "%s is no number of this site: `ringfort phone list` shows them",
				    c->arg[0]);
	fprintf(c->out, "%s: %s new, %s old\n", c->arg[0], c->arg[1], old);
	return RF_EXIT_YES;
}

const struct rf_cmd rf_cmd_mwi[] = {
	{
		.name = "mwi",
		.args = "NUMBER NEW [OLD]",
		.min_args = 2,
		.max_args = 3,
		.summary = "say how many messages wait in a mailbox",
		.help = "Phones of the number that subscribe to message-summary show it with their lamp. The "
			"controller keeps it\n"
			"until it stops: the host of the mailboxes says it anew after a restart.",
		.example = "ringfort -C /etc/ringfort mwi 1001 2 8",
		.run = mwi,
	},
	{ 0 }
};
