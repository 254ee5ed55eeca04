/* The roles that run in the background of a host: which there are, and how they are asked. */
#ifndef RF_CMD_ROLES_H
#define RF_CMD_ROLES_H

#include "cmd/cmd.h"

struct json_t;

struct rf_cmd_role {
	const char *name;      /* as in `ringfort run`; its lock, log and control socket are named after it */
	unsigned bit;          /* RF_ROLE_* */
	const char *ledger;    /* its record, in the site's folder */
	int (*ask)(const char *dir, struct json_t *question, unsigned wait_ms, struct json_t **ret_answer,
		   struct rf_diag *diag);
};

/* In the order in which they are started; ended by a row without a name. */
extern const struct rf_cmd_role rf_cmd_roles[];
/* Is it one to ask: does it run, or is it the first of them while none does (and says so)? */
bool rf_cmd_role_runs(const struct rf_cmd_ctx *c, const struct rf_cmd_role *role);

/* relay.c: a relay's answer to status, for people. */
void rf_cmd_print_relay(FILE *out, const struct json_t *status);

/* An option for commands that ask a role: "--role NAME"; without it the controller is asked, or the border
 * where only that runs. */
#define RF_CMD_ROLE_OPT { .name = "role", .arg = "NAME", .summary = "ask this role: controller or border" }
/* As rf_admin_ask(), by the option. RF_E_UNSUPPORTED: there is no such role. */
int rf_cmd_ask(const struct rf_cmd_ctx *c, struct json_t *question, unsigned wait_ms, struct json_t **ret_answer,
	       struct rf_diag *diag);
/* What is said when that failed, and the exit status: nothing runs, wrong usage, or it could not be done. */
int rf_cmd_not_asked(struct rf_cmd_ctx *c, const struct rf_diag *diag);
/* The folder of the record of --role, the controller's without it; the caller frees it. NULL: no such role, said. */
char *rf_cmd_record_dir(struct rf_cmd_ctx *c);

#endif
