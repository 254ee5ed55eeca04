#include "cmd/roles.h"

#include "role/admin.h"
#include "role/controller.h"

#include <jansson.h>
#include <string.h>

const struct rf_cmd_role rf_cmd_roles[] = {
	{ "controller", RF_ROLE_CONTROLLER, "ledger", rf_admin_ask },
	{ "relay", RF_ROLE_RELAY, "ledger/relay", rf_admin_ask_relay }, /* before the border, which asks it */
	{ "border", RF_ROLE_BORDER, "ledger/border", rf_admin_ask_border },
	{ NULL, 0, NULL, NULL },
};

static const struct rf_cmd_role *named(const char *name)
{
	for (const struct rf_cmd_role *r = rf_cmd_roles; r->name; r++)
		if (strcmp(r->name, name) == 0)
			return r;
	return NULL;
}

static bool runs(const struct rf_cmd_ctx *c, const struct rf_cmd_role *r)
{
	int pid;

	return rf_controller_probe(c->dir, r->name, &pid) == RF_E_BUSY;
}

bool rf_cmd_role_runs(const struct rf_cmd_ctx *c, const struct rf_cmd_role *role)
{
	bool any = false;

	for (const struct rf_cmd_role *r = rf_cmd_roles; r->name; r++)
		any = any || runs(c, r);
	return runs(c, role) || (!any && role == rf_cmd_roles);
}

/* Those that have calls and trunks; a relay has commands of its own. */
static bool is_call_server(const struct rf_cmd_role *r)
{
	return r->bit & (RF_ROLE_CONTROLLER | RF_ROLE_BORDER);
}

/* The one that was named, else the first that runs, else the first. */
static const struct rf_cmd_role *asked(const struct rf_cmd_ctx *c)
{
	const char *name = rf_cmd_opt(c, "role");
	const struct rf_cmd_role *one = name ? named(name) : NULL;

	if (name)
		return one && is_call_server(one) ? one : NULL;
	for (const struct rf_cmd_role *r = rf_cmd_roles; r->name; r++)
		if (is_call_server(r) && runs(c, r))
			return r;
	return rf_cmd_roles;
}

int rf_cmd_ask(const struct rf_cmd_ctx *c, struct json_t *question, unsigned wait_ms, struct json_t **ret_answer,
	       struct rf_diag *diag)
{
	const struct rf_cmd_role *r = asked(c);

	if (r)
		return r->ask(c->dir, question, wait_ms, ret_answer, diag);
	json_decref(question);
	return rf_diag_set(diag, RF_E_UNSUPPORTED, "--role takes controller or border, not \"%s\"",
			   rf_cmd_opt(c, "role"));
}

int rf_cmd_not_asked(struct rf_cmd_ctx *c, const struct rf_diag *diag)
{
	int status = diag->code == RF_E_NOT_FOUND ? RF_EXIT_NO :
		     diag->code == RF_E_UNSUPPORTED ? RF_EXIT_USAGE :
		     RF_EXIT_FAILED;

	return rf_cmd_error(c, status, "%s", diag->text);
}

char *rf_cmd_record_dir(struct rf_cmd_ctx *c)
{
	const char *name = rf_cmd_opt(c, "role");
	const struct rf_cmd_role *r = named(name ? name : "controller");

	if (r)
		return rf_cmd_path(c, r->ledger);
	rf_cmd_error(c, RF_EXIT_USAGE, "--role %s: there is no such role; controller, border and relay are some", name);
	return NULL;
}
