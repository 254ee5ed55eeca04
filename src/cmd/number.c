/* ringfort number: what people set for their own numbers, by an administrator's hand. A running controller makes the
 * change, since its workers must see it; without one it is made in the file that the next controller reads. */
#include "call/settings.h"
#include "cmd/cmd.h"
#include "cmd/record.h"
#include "role/admin.h"
#include "store/directory.h"
#include "store/store.h"

#include <jansson.h>
#include <stdlib.h>

#define ASK_MS 10000

static const struct rf_cmd_opt set_opts[] = {
	{ "forward-always", "N", "all calls go to N; off: not" },
	{ "forward-busy", "N", "calls that find it busy go to N; off: not" },
	{ "forward-no-answer", "N", "calls that nobody takes go to N; off: not" },
	{ "forward-unreachable", "N", "calls while no phone is registered go to N; off: not" },
	{ "no-answer-seconds", "S", "how long it rings before a call goes on (5 to 120, default 20)" },
	{ "do-not-disturb", "on|off", "no call rings" },
	{ "call-waiting", "on|off", "a second call rings (default on)" },
	{ "hide-number", "on|off", "its calls are anonymous" },
	{ "refuse-anonymous", "on|off", "anonymous calls are refused" },
	{ 0 },
};
enum { OPTS = RF_SETTINGS_TEXTS };

/* The setting's name of an option: with underscores. */
static void name_of(const struct rf_cmd_opt *opt, char name[static 32])
{
	size_t n = 0;

	for (; opt->name[n] && n < 31; n++)
		name[n] = opt->name[n] == '-' ? '_' : opt->name[n];
	name[n] = 0;
}

static void print_settings(FILE *out, json_t *s)
{
	const char *key;
	json_t *v;

	json_object_foreach(s, key, v)
		fprintf(out, "%-20s %s\n", key,
			json_string_value(v) && json_string_value(v)[0] ? json_string_value(v) : "off");
}

static int show_answer(struct rf_cmd_ctx *c, json_t *answer)
{
	if (c->json)
		return rf_cmd_json(c, answer, RF_EXIT_YES);
	print_settings(c->out, json_object_get(answer, "settings"));
	json_decref(answer);
	return RF_EXIT_YES;
}

/* --- without a controller */

struct off_line {
	struct rf_site *site;
	struct rf_store *store;
	struct rf_directory *directory;
	struct rf_settings_db *db;
};

static void close_off_line(struct off_line *o)
{
	rf_settings_db_close(o->db);
	rf_directory_put(o->directory);
	rf_store_close(o->store);
	rf_site_put(o->site);
}

static int open_off_line(const struct rf_cmd_ctx *c, struct off_line *o)
{
	struct rf_diag diag = { 0 };
	int status = 0;

	*o = (struct off_line){ .site = rf_cmd_site(c, &status) };
	o->store = o->site ? rf_cmd_store(c, &status) : NULL;
	if (!o->store) {
		rf_site_put(o->site);
		return status;
	}
	char *path = rf_cmd_path(c, "state/settings.db");
	int rc = rf_directory_new(o->site, o->store, &o->directory, &diag);

	if (!rc)
		rc = rf_settings_db_open(path, true, &o->db, &diag);
	free(path);
	if (!rc)
		return 0;
	close_off_line(o);
	return rf_cmd_diag(c, &diag);
}

static json_t *settings_json(struct rf_view number, const struct rf_settings *s)
{
	char value[RF_SETTINGS_TEXT_MAX];
	json_t *j = json_object();

	json_object_set_new(j, "number", rf_cmd_json_view(number));
	for (unsigned i = 0; i < RF_SETTINGS_TEXTS; i++) {
		const char *name = rf_settings_text(s, i, value);

		json_object_set_new(j, name, json_string(value));
	}
	return j;
}

/* change NULL: only show. */
static int off_line(struct rf_cmd_ctx *c, const struct rf_settings_change *change)
{
	struct rf_view number = rf_view_str(c->arg[0]);
	struct rf_diag diag = { 0 };
	struct rf_settings s;
	struct off_line o;
	int status = open_off_line(c, &o);

	if (status)
		return status;
	bool clears = change && change->fields == RF_SET_ALL;
	int rc = clears || rf_directory_number(o.directory, number) ? rf_settings_db_get(o.db, number, &s, &diag) :
		 rf_diag_set(&diag, RF_E_NOT_FOUND, "%s is not a number of this site: `ringfort phone list` and "
			     "`ringfort user list` show those that there are", c->arg[0]);
	if (!rc && change) {
		rf_settings_apply(&s, change);
		rc = rf_settings_db_put(o.db, number, &s, &diag);
	}
	close_off_line(&o);
	if (rc)
		return rf_cmd_diag(c, &diag);
	if (change) {
		char line[RF_SETTINGS_LINE_MAX];

		rf_cmd_record(c, &(struct rf_cmd_record){ RF_EVENT_NUMBER_CHANGED, .number = number,
							  .set = rf_settings_change_line(change, &s, line) });
	}
	return show_answer(c, json_pack("{s:o}", "settings", settings_json(number, &s)));
}

/* --- set, clear, show, list */

/* Ask the controller; when there is none, do it here. Takes question. */
static int ask(struct rf_cmd_ctx *c, json_t *question, const struct rf_settings_change *change)
{
	struct rf_diag diag = { 0 };
	json_t *answer = NULL;
	int rc = rf_admin_ask(c->dir, question, ASK_MS, &answer, &diag);

	if (rc == RF_E_NOT_FOUND)
		return off_line(c, change);
	if (rc)
		return rf_cmd_error(c, rc == RF_E_INVALID ? RF_EXIT_USAGE : RF_EXIT_FAILED, "%s", diag.text);
	return show_answer(c, answer);
}

static int set(struct rf_cmd_ctx *c)
{
	struct rf_settings_change change = { 0 };
	json_t *question = json_pack("{s:s,s:s}", "do", "number-set", "number", c->arg[0]);
	struct rf_diag diag = { 0 };

	for (const struct rf_cmd_opt *opt = set_opts; opt->name; opt++) {
		const char *value = rf_cmd_opt(c, opt->name);
		char name[32];

		if (!value)
			continue;
		name_of(opt, name);
		if (strncmp(opt->name, "forward-", 8) == 0 && strcmp(value, c->arg[0]) == 0) {
			json_decref(question);
			return rf_cmd_error(c, RF_EXIT_USAGE, "--%s: %s cannot be forwarded to itself", opt->name,
					    value);
		}
		if (rf_settings_change_text(&change, rf_view_str(name), rf_view_str(value[0] ? value : "off"), &diag)) {
			json_decref(question);
			return rf_cmd_error(c, RF_EXIT_USAGE, "--%s: %s", opt->name, diag.text);
		}
		json_object_set_new(question, name, json_string(value[0] ? value : "off"));
	}
	if (!change.fields) {
		json_decref(question);
		return rf_cmd_error(c, RF_EXIT_USAGE,
				    "say what to set, as in: ringfort number set %s --forward-busy 1002", c->arg[0]);
	}
	return ask(c, question, &change);
}

static int clear(struct rf_cmd_ctx *c)
{
	struct rf_settings_change change = { .fields = RF_SET_ALL };

	return ask(c, json_pack("{s:s,s:s,s:s}", "do", "number-set", "number", c->arg[0], "clear", "yes"), &change);
}

static int show(struct rf_cmd_ctx *c)
{
	return ask(c, json_pack("{s:s,s:s}", "do", "number", "number", c->arg[0]), NULL);
}

static int add_row(void *ctx, struct rf_view number, const struct rf_settings *s)
{
	return json_array_append_new(ctx, settings_json(number, s)) ? -ENOMEM : 0;
}

/* Take away what is set for a number that nobody has. */
static int forget(const struct rf_cmd_ctx *c, struct off_line *o, struct rf_view number, struct rf_diag *diag)
{
	json_t *answer = NULL, *question = json_pack("{s:s,s:s%,s:s}", "do", "number-set", "number",
						     (const char *)number.p, number.n, "clear", "yes");
	struct rf_settings s;
	int rc = rf_settings_db_get(o->db, number, &s, diag);

	if (rc || rf_settings_empty(&s)) {
		json_decref(question);
		return rc;
	}
	rc = rf_admin_ask(c->dir, question, ASK_MS, &answer, diag);
	json_decref(answer);
	if (rc != RF_E_NOT_FOUND)
		return rc;
	rc = rf_settings_db_put(o->db, number, &(struct rf_settings){ 0 }, diag);
	if (!rc)
		rf_cmd_record(c,
			      &(struct rf_cmd_record){ RF_EVENT_NUMBER_CHANGED, .number = number, .set = "nothing" });
	return rc;
}

void rf_cmd_number_left(const struct rf_cmd_ctx *c, struct rf_view number)
{
	struct rf_diag diag = { 0 };
	struct off_line o;

	if (!number.n || open_off_line(c, &o))
		return;
	if (!rf_directory_number(o.directory, number) && forget(c, &o, number, &diag))
		fprintf(c->err, "ringfort: what was set for %.*s is still there (%s): `ringfort number clear %.*s`\n",
			RF_VFMT(number), diag.text, RF_VFMT(number));
	close_off_line(&o);
}

static int list_off_line(struct rf_cmd_ctx *c, json_t **ret_answer)
{
	json_t *rows = json_array();
	struct rf_diag diag = { 0 };
	struct off_line o;
	int status = open_off_line(c, &o);

	if (!status) {
		if (rf_settings_db_walk(o.db, add_row, rows, &diag))
			status = rf_cmd_diag(c, &diag);
		close_off_line(&o);
	}
	if (status)
		json_decref(rows);
	else
		*ret_answer = json_pack("{s:o}", "numbers", rows);
	return status;
}

/* One line a number: only what is not as it comes. */
static void print_row(FILE *out, json_t *row)
{
	static const struct rf_settings nothing;
	char usual[RF_SETTINGS_TEXT_MAX];

	fprintf(out, "%-12s", json_string_value(json_object_get(row, "number")));
	for (unsigned i = 0; i < RF_SETTINGS_TEXTS; i++) {
		const char *name = rf_settings_text(&nothing, i, usual);
		const char *value = json_string_value(json_object_get(row, name));

		if (value && strcmp(value, usual) != 0)
			fprintf(out, " %s=%s", name, value);
	}
	fputc('\n', out);
}

static int list(struct rf_cmd_ctx *c)
{
	struct rf_diag diag = { 0 };
	json_t *answer = NULL, *row;
	size_t i;
	int rc = rf_admin_ask(c->dir, json_pack("{s:s}", "do", "numbers"), ASK_MS, &answer, &diag);
	int status = rc == RF_E_NOT_FOUND ? list_off_line(c, &answer) :
		     rc ? rf_cmd_error(c, RF_EXIT_FAILED, "%s", diag.text) : 0;

	if (status)
		return status;
	if (c->json)
		return rf_cmd_json(c, answer, RF_EXIT_YES);
	if (json_array_size(json_object_get(answer, "numbers")) == 0)
		fputs("no number has anything set; `ringfort number set` does it\n", c->out);
	json_array_foreach(json_object_get(answer, "numbers"), i, row)
		print_row(c->out, row);
	json_decref(answer);
	return RF_EXIT_YES;
}

const struct rf_cmd rf_cmd_numbers[] = {
	{ .name = "number", .sub = "set", .args = "NUMBER", .min_args = 1, .max_args = 1,
	  .summary = "forwards, do not disturb and the like of a number",
	  .help = "What is not named stays as it is. A forward is judged when a call comes, as a call of the number "
		  "that forwards: to where it may not call, no call goes.",
	  .opts = set_opts, .example = "ringfort number set 1001 --forward-no-answer 1002 --no-answer-seconds 15",
	  .run = set },
	{ .name = "number", .sub = "clear", .args = "NUMBER", .min_args = 1, .max_args = 1,
	  .summary = "nothing is set for the number any more", .example = "ringfort number clear 1001", .run = clear },
	{ .name = "number", .sub = "show", .args = "NUMBER", .min_args = 1, .max_args = 1,
	  .summary = "what is set for a number", .example = "ringfort number show 1001", .run = show },
	{ .name = "number", .sub = "list", .summary = "the numbers that have anything set",
	  .example = "ringfort number list --json", .run = list },
	{ 0 },
};
_Static_assert(sizeof set_opts / sizeof *set_opts == OPTS + 1, "an option for each setting");
