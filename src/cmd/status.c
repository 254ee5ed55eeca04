/* ringfort status: is it running, is it well. Exit status 0 only when both. */
#include "cmd/cmd.h"
#include "cmd/roles.h"
#include "cmd/table.h"
#include "role/admin.h"
#include "role/controller.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define ASK_MS 5000

static const char *text(const json_t *o, const char *key, char *dst, size_t cap)
{
	rf_cmd_cell(json_object_get(o, key), dst, cap);
	return dst;
}

static void duration(json_int_t s, char *dst, size_t cap)
{
	if (s >= 86400)
		snprintf(dst, cap, "%lld d %lld h", (long long)s / 86400, (long long)s / 3600 % 24);
	else if (s >= 3600)
		snprintf(dst, cap, "%lld h %lld min", (long long)s / 3600, (long long)s / 60 % 60);
	else if (s >= 60)
		snprintf(dst, cap, "%lld min %lld s", (long long)s / 60, (long long)s % 60);
	else
		snprintf(dst, cap, "%lld s", (long long)s);
}

static void print_problems(FILE *out, const json_t *problems)
{
	const json_t *p;
	char t[512];
	size_t i;

	json_array_foreach(problems, i, p) {
		rf_cmd_cell(p, t, sizeof t);
		fprintf(out, "problem    %s\n", t);
	}
}

static void print_status(FILE *out, const json_t *a)
{
	char t[6][256];
	const json_t *confined = json_object_get(a, "confined"), *counts = json_object_get(a, "counts"), *where;
	const json_t *reload = json_object_get(a, "reload");
	size_t i;

	duration(json_integer_value(json_object_get(a, "uptime_s")), t[5], sizeof t[5]);
	fprintf(out, "%-10s %s, pid %s, up %s, version %s\n", text(a, "role", t[2], sizeof t[2]),
		json_is_true(json_object_get(a, "healthy")) ? "runs" : "runs, but not well",
		text(a, "pid", t[0], sizeof t[0]), t[5], text(a, "version", t[1], sizeof t[1]));
	print_problems(out, json_object_get(a, "problems"));
	fprintf(out, "site       %s, domain %s, level %s, %s phones, %s users\n", text(a, "site", t[0], sizeof t[0]),
		text(a, "domain", t[1], sizeof t[1]), text(a, "level", t[2], sizeof t[2]),
		text(counts, "phones", t[3], sizeof t[3]), text(counts, "users", t[4], sizeof t[4]));
	json_array_foreach(json_object_get(a, "listen"), i, where)
		fprintf(out, "listening  %-4s %s\n", text(where, "transport", t[0], sizeof t[0]),
			text(where, "address", t[1], sizeof t[1]));
	fprintf(out, "now        %s registrations, %s calls, %s connections\n",
		text(counts, "bindings", t[0], sizeof t[0]), text(counts, "calls", t[1], sizeof t[1]),
		text(counts, "connections", t[2], sizeof t[2]));
	json_array_foreach(json_object_get(a, "trunks"), i, where)
		fprintf(out, "trunk      %s is %s, %s channels in use\n", text(where, "name", t[0], sizeof t[0]),
			text(where, "state", t[1], sizeof t[1]), text(where, "channels", t[2], sizeof t[2]));
	fprintf(out, "confined   user %s, %s, %s; key %s\n", text(confined, "user", t[0], sizeof t[0]),
		text(confined, "landlock", t[1], sizeof t[1]), text(confined, "syscalls", t[2], sizeof t[2]),
		text(confined, "keeper", t[3], sizeof t[3]));
	if (json_object_get(reload, "at"))
		fprintf(out, "reloaded   %s: %s\n", text(reload, "at", t[0], sizeof t[0]),
			text(reload, "result", t[1], sizeof t[1]));
}

/* Of each trunk's messages; of all, also of trunks that are no more. */
static void print_dropped(FILE *out, json_t *answer)
{
	json_t *n, *trunk;
	const char *rule;
	char name[64];
	size_t i;

	json_object_foreach(json_object_get(answer, "dropped"), rule, n)
		fprintf(out, "dropped    %" JSON_INTEGER_FORMAT " by rule %s\n", json_integer_value(n), rule);
	json_array_foreach(json_object_get(answer, "trunks"), i, trunk)
		json_object_foreach(json_object_get(trunk, "dropped_by"), rule, n)
			fprintf(out, "dropped    %" JSON_INTEGER_FORMAT " of trunk %s by rule %s\n",
				json_integer_value(n), text(trunk, "name", name, sizeof name), rule);
}

/* Every role that runs here, into *all. *ret_well: all are well. */
static int ask_all(struct rf_cmd_ctx *c, json_t *all, bool *ret_well, struct rf_diag *diag)
{
	*ret_well = true;
	for (const struct rf_cmd_role *r = rf_cmd_roles; r->name; r++) {
		json_t *answer = NULL;

		if (!rf_cmd_role_runs(c, r))
			continue;
		int rc = r->ask(c->dir, json_pack("{s:s}", "do", "status"), ASK_MS, &answer, diag);

		if (rc)
			return rc;
		*ret_well = *ret_well && json_is_true(json_object_get(answer, "healthy"));
		json_array_append_new(all, answer);
	}
	return 0;
}

static int status(struct rf_cmd_ctx *c)
{
	struct rf_diag diag = { 0 };
	json_t *all = json_array(), *answer;
	bool well;
	size_t i;
	int rc = ask_all(c, all, &well, &diag), result = well ? RF_EXIT_YES : RF_EXIT_NO;

	if (rc) {
		json_decref(all);
		if (!c->json)
			return rf_cmd_error(c, RF_EXIT_NO, "%s", diag.text);
		return rf_cmd_json(c, json_pack("{s:b,s:b,s:s}", "running", 0, "healthy", 0, "error", diag.text),
				   RF_EXIT_NO);
	}
	if (c->json) {
		json_t *first = json_incref(json_array_get(all, 0));

		json_array_remove(all, 0);
		if (json_array_size(all))
			json_object_set(first, "others", all);
		json_decref(all);
		return rf_cmd_json(c, first, result);
	}
	json_array_foreach(all, i, answer) {
		if (strcmp(json_string_value(json_object_get(answer, "role")), "relay") == 0) {
			rf_cmd_print_relay(c->out, answer);
			continue;
		}
		print_status(c->out, answer);
		print_dropped(c->out, answer);
	}
	json_decref(all);
	return result;
}

struct reloading {
	struct rf_cmd_ctx *c;
	json_t *first;
};

/* One role; an exit status after telling the user. */
static int reload_one(struct reloading *x, const struct rf_cmd_role *r)
{
	struct rf_diag diag = { 0 };
	json_t *answer = NULL;
	char t[512];

	if (r->ask(x->c->dir, json_pack("{s:s}", "do", "reload"), 30000, &answer, &diag))
		return rf_cmd_error(x->c, diag.code == RF_E_INVALID ? RF_EXIT_NO : RF_EXIT_FAILED, "%s", diag.text);
	rf_cmd_cell(json_object_get(answer, "result"), t, sizeof t);
	if (!x->c->json)
		fprintf(x->c->out, "%-10s %s\n", r->name, t[0] ? t : "read again");
	if (x->first)
		json_decref(answer);
	else
		x->first = answer;
	return 0;
}

/* All of them; the first that says no ends it. A wall is among them, where it runs. */
static int reload(struct rf_cmd_ctx *c)
{
	static const struct rf_cmd_role wall = { "wall", RF_ROLE_WALL, "ledger", rf_admin_ask_wall };
	struct reloading x = { .c = c };
	int status = 0, pid;
	bool walled = rf_controller_probe(c->dir, wall.name, &pid) == RF_E_BUSY;

	for (const struct rf_cmd_role *r = rf_cmd_roles; r->name && !status; r++)
		if (rf_cmd_role_runs(c, r) && (!walled || rf_controller_probe(c->dir, r->name, &pid) == RF_E_BUSY))
			status = reload_one(&x, r);
	if (!status && walled)
		status = reload_one(&x, &wall);
	if (!status && c->json)
		return rf_cmd_json(c, x.first, RF_EXIT_YES);
	json_decref(x.first);
	return status;
}

const struct rf_cmd rf_cmd_status[] = {
	{
		.name = "status",
		.summary = "are this host's roles running, and are they well",
		.help = "Exit status 0 when something runs and all that runs is well, 1 otherwise.",
		.example = "ringfort -C /etc/ringfort status --json",
		.run = status,
	},
	{ 0 }
};

const struct rf_cmd rf_cmd_reload[] = {
	{
		.name = "reload",
		.summary = "read the site, the directory and certificates again, whole or not at all",
		.help = "A site file with an error changes nothing, nor does a certificate that does not fit its key, "
			"has expired, does not\n"
			"name this host or was not signed by the site's authority: each role goes on with "
			"what it had and says why.",
		.example = "ringfort -C /etc/ringfort reload",
		.run = reload,
	},
	{ 0 }
};
