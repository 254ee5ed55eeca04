#include "cmd/cmd.h"

#include "cmd/roles.h"
#include "site/near.h"
#include "store/store.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>

/* All commands, in the order of the help. */
static const struct rf_cmd *const groups[] = {
	rf_cmd_init, rf_cmd_check, rf_cmd_flows, rf_cmd_compile, rf_cmd_prove, rf_cmd_apply, rf_cmd_confirm,
	rf_cmd_wall, rf_cmd_relay, rf_cmd_phone, rf_cmd_user, rf_cmd_numbers, rf_cmd_trunk, rf_cmd_blocked, rf_cmd_host,
	rf_cmd_stir, rf_cmd_up, rf_cmd_down, rf_cmd_status, rf_cmd_metrics, rf_cmd_reload, rf_cmd_runs, rf_cmd_calls,
	rf_cmd_bindings, rf_cmd_explain, rf_cmd_capacity, rf_cmd_mwi, rf_cmd_cdr, rf_cmd_ledger,
};

enum { GROUPS = sizeof groups / sizeof *groups };

/* --- messages */

static int say_json(const struct rf_cmd_ctx *c, int status, const char *code, const char *text, const char *file,
		    uint32_t line, uint32_t column)
{
	json_t *j = json_pack("{s:s, s:s, s:i}", "error", text, "code", code, "status", status);

	if (j && file[0])
		json_object_set_new(j, "file", json_string(file));
	if (j && line) {
		json_object_set_new(j, "line", json_integer(line));
		json_object_set_new(j, "column", json_integer(column));
	}
	if (!j || json_dumpf(j, c->err, JSON_COMPACT))
		fputs("{\"error\":\"out of memory\"}", c->err);
	fputc('\n', c->err);
	json_decref(j);
	return status;
}

int rf_cmd_error(const struct rf_cmd_ctx *c, int status, const char *fmt, ...)
{
	static const char *const codes[] = { "yes", "no", "usage", "failed" };
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (c->json)
		return say_json(c, status, codes[status & 3], text, "", 0, 0);
	fprintf(c->err, "ringfort: %s\n", text);
	return status;
}

int rf_cmd_diag(const struct rf_cmd_ctx *c, const struct rf_diag *diag)
{
	int code = diag->code, status = RF_EXIT_FAILED;

	if (code == RF_E_INVALID || code == RF_E_MALFORMED || code == RF_E_NOT_FOUND || code == RF_E_EXISTS ||
	    code == RF_E_LIMIT)
		status = RF_EXIT_USAGE;
	else if (code == RF_E_DENIED)
		status = RF_EXIT_NO;
	if (c->json)
		return say_json(c, status, rf_err_text(code), diag->text, diag->file, diag->line, diag->column);
	fputs("ringfort: ", c->err);
	if (diag->file[0] && diag->line)
		fprintf(c->err, "%s:%u:%u: ", diag->file, diag->line, diag->column);
	else if (diag->file[0])
		fprintf(c->err, "%s: ", diag->file);
	fprintf(c->err, "%s\n", diag->text[0] ? diag->text : rf_err_text(code));
	return status;
}

int rf_cmd_json(const struct rf_cmd_ctx *c, struct json_t *j, int status)
{
	bool ok = j && json_dumpf(j, c->out, JSON_INDENT(2)) == 0 && fputc('\n', c->out) != EOF && fflush(c->out) == 0;

	json_decref(j);
	return ok ? status : RF_EXIT_FAILED;
}

struct json_t *rf_cmd_json_view(struct rf_view v)
{
	json_t *j = json_stringn((const char *)(v.n ? v.p : (const uint8_t *)""), v.n);

	if (j)
		return j;
	/* Not UTF-8: show what is ASCII. */
	char *s = malloc(v.n + 1);
	for (size_t i = 0; s && i < v.n; i++)
		s[i] = v.p[i] >= ' ' && v.p[i] < 0x7f ? (char)v.p[i] : '?';
	j = s ? json_stringn(s, v.n) : NULL;
	free(s);
	return j;
}

/* --- options */

const char *rf_cmd_opt(const struct rf_cmd_ctx *c, const char *name)
{
	for (size_t i = 0; c->cmd->opts && c->cmd->opts[i].name && i < RF_CMD_OPTS_MAX; i++)
		if (strcmp(c->cmd->opts[i].name, name) == 0)
			return c->values[i];
	return NULL;
}

const char *rf_cmd_opt_next(const struct rf_cmd_ctx *c, const char *name, size_t n)
{
	if (!n)
		return rf_cmd_opt(c, name);
	for (size_t i = 0; i < c->n_again; i++)
		if (strcmp(c->cmd->opts[c->again[i].opt].name, name) == 0 && --n == 0)
			return c->again[i].value;
	return NULL;
}

bool rf_cmd_number(const struct rf_cmd_ctx *c, const char *name, uint64_t min, uint64_t max, uint64_t *ret)
{
	const char *text = rf_cmd_opt(c, name);
	uint64_t x;

	if (!text)
		return true;
	if (rf_view_u64(rf_view_str(text), max, &x) && x >= min) {
		*ret = x;
		return true;
	}
	rf_cmd_error(c, RF_EXIT_USAGE, "--%s takes a whole number from %llu to %llu, not \"%s\"", name,
		     (unsigned long long)min, (unsigned long long)max, text);
	return false;
}

/* The words of a command line while they are taken apart. */
struct words {
	int argc;
	char **argv;
	int at;
	bool literal;       /* after "--" */
	bool help, version;
	char **kept;        /* what is no option */
	unsigned count;
};

/* The value of the option in the word at `at`, whose name ends at `end`: behind '=' or the next word. NULL: missing. */
static const char *take_value(struct words *w, const char *end)
{
	if (*end == '=')
		return end + 1;
	return w->at + 1 < w->argc ? w->argv[++w->at] : NULL;
}

/* Options of every command. True when word was one. */
static bool common_option(struct rf_cmd_ctx *c, struct words *w, const char *word, int *ret_status)
{
	if (strcmp(word, "--json") == 0) {
		c->json = true;
	} else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
		w->help = true;
	} else if (strcmp(word, "--version") == 0 && !c->cmd) {
		w->version = true;
	} else if (strncmp(word, "-C", 2) == 0) {
		const char *dir = word[2] ? word + 2 : w->at + 1 < w->argc ? w->argv[++w->at] : NULL;

		if (!dir || !*dir)
			*ret_status = rf_cmd_error(c, RF_EXIT_USAGE, "-C takes the site's folder");
		c->dir = dir;
	} else {
		return false;
	}
	return true;
}

static int unknown_option(const struct rf_cmd_ctx *c, const char *word, size_t n)
{
	const char *near = NULL;
	unsigned best = RF_NEAR_MAX;

	for (const struct rf_cmd_opt *o = c->cmd->opts; o && o->name; o++) {
		unsigned d = rf_near_distance(rf_view_of(word, n), rf_view_str(o->name));

		if (d < best) {
			best = d;
			near = o->name;
		}
	}
	if (near && rf_near_enough(best, n))
		return rf_cmd_error(c, RF_EXIT_USAGE, "unknown option \"%s\"; did you mean --%s?", word - 2, near);
	return rf_cmd_error(c, RF_EXIT_USAGE, "unknown option \"%s\"; see `ringfort %s%s%s --help`", word - 2,
			    c->cmd->name, c->cmd->sub ? " " : "", c->cmd->sub ? c->cmd->sub : "");
}

static int set_option(struct rf_cmd_ctx *c, struct words *w, size_t i, const char *end)
{
	const struct rf_cmd_opt *o = &c->cmd->opts[i];

	if (c->values[i] && !o->many)
		return rf_cmd_error(c, RF_EXIT_USAGE, "--%s is given twice", o->name);
	if (!o->arg && *end == '=')
		return rf_cmd_error(c, RF_EXIT_USAGE, "--%s takes no value", o->name);
	if (c->values[i] && c->n_again == RF_CMD_AGAIN_MAX)
		return rf_cmd_error(c, RF_EXIT_USAGE, "--%s is given too often", o->name);
	const char *value = o->arg ? take_value(w, end) : "";
	if (!value)
		return rf_cmd_error(c, RF_EXIT_USAGE, "--%s takes %s", o->name, o->arg);
	if (c->values[i]) {
		c->again[c->n_again].opt = i;
		c->again[c->n_again++].value = value;
	} else {
		c->values[i] = value;
	}
	return 0;
}

static int own_option(struct rf_cmd_ctx *c, struct words *w, const char *word)
{
	const struct rf_cmd_opt *opts = c->cmd->opts;
	size_t n;

	if (word[1] != '-') {
		for (size_t i = 0; opts && opts[i].name; i++)
			if (opts[i].letter == word[1] && (!word[2] || opts[i].arg)) {
				if (word[2]) {
					c->values[i] = word + 2;
					return 0;
				}
				return set_option(c, w, i, word + 2);
			}
		return rf_cmd_error(c, RF_EXIT_USAGE, "unknown option \"%s\"; see --help", word);
	}
	n = strcspn(word + 2, "=");
	for (size_t i = 0; opts && opts[i].name; i++)
		if (strlen(opts[i].name) == n && strncmp(opts[i].name, word + 2, n) == 0)
			return set_option(c, w, i, word + 2 + n);
	return unknown_option(c, word + 2, n);
}

static bool is_option(const struct words *w, const char *word)
{
	return !w->literal && word[0] == '-' && word[1];
}

/* Before the command's name: only what every command understands. */
static int read_front(struct rf_cmd_ctx *c, struct words *w)
{
	int status = 0;

	for (; w->at < w->argc && is_option(w, w->argv[w->at]) && !status; w->at++)
		if (!common_option(c, w, w->argv[w->at], &status))
			return rf_cmd_error(c, RF_EXIT_USAGE, "unknown option \"%s\"; see `ringfort --help`",
					    w->argv[w->at]);
	return status;
}

static int read_rest(struct rf_cmd_ctx *c, struct words *w)
{
	int status = 0;

	for (; w->at < w->argc && !status; w->at++) {
		char *word = w->argv[w->at];

		if (!is_option(w, word))
			w->kept[w->count++] = word;
		else if (strcmp(word, "--") == 0)
			w->literal = true;
		else if (!common_option(c, w, word, &status))
			status = own_option(c, w, word);
	}
	return status;
}

/* --- help */

static void print_commands(FILE *out)
{
	fputs("ringfort: IP telephony that is secure by construction\n\n"
	      "usage: ringfort [-C DIR] COMMAND [OPTION...] [ARGUMENT...]\n\n", out);
	for (size_t g = 0; g < GROUPS; g++)
		for (const struct rf_cmd *cmd = groups[g]; cmd->name; cmd++) {
			char name[64];

			if (cmd->hidden)
				continue;
			snprintf(name, sizeof name, "%s%s%s%s%s", cmd->name, cmd->sub ? " " : "",
				 cmd->sub ? cmd->sub : "", cmd->args ? " " : "", cmd->args ? cmd->args : "");
			fprintf(out, "  %-29s %s\n", name, cmd->summary);
		}
	fputs("\n-C DIR names the site's folder (default: this one); --json answers in JSON;\n"
	      "--help behind a command tells its options. Exit status: 0 yes, 1 no, 2 wrong usage or input, 3 failed.\n",
	      out);
}

static void print_help(const struct rf_cmd *cmd, FILE *out)
{
	fprintf(out, "ringfort %s%s%s: %s\n\nusage: ringfort [-C DIR] %s%s%s%s%s%s\n", cmd->name, cmd->sub ? " " : "",
		cmd->sub ? cmd->sub : "", cmd->summary, cmd->name, cmd->sub ? " " : "", cmd->sub ? cmd->sub : "",
		cmd->opts ? " [OPTION...]" : "", cmd->args ? " " : "", cmd->args ? cmd->args : "");
	if (cmd->help)
		fprintf(out, "\n%s\n", cmd->help);
	if (cmd->opts && cmd->opts->name)
		fputs("\noptions:\n", out);
	for (const struct rf_cmd_opt *o = cmd->opts; o && o->name; o++) {
		char name[64], letter[8] = "";

		if (o->letter)
			snprintf(letter, sizeof letter, "-%c, ", o->letter);
		snprintf(name, sizeof name, "%s--%s%s%s", letter, o->name, o->arg ? " " : "", o->arg ? o->arg : "");
		fprintf(out, "  %-28s %s\n", name, o->summary);
	}
	if (cmd->example)
		fprintf(out, "\nexample:\n  %s\n", cmd->example);
}

/* --- which command */

static const struct rf_cmd *find_group(const char *name)
{
	for (size_t g = 0; g < GROUPS; g++)
		if (groups[g]->name && strcmp(groups[g]->name, name) == 0)
			return groups[g];
	return NULL;
}

static int unknown_command(const struct rf_cmd_ctx *c, const char *name)
{
	const char *near = NULL;
	unsigned best = RF_NEAR_MAX;

	for (size_t g = 0; g < GROUPS; g++) {
		unsigned d = groups[g]->name ? rf_near_distance(rf_view_str(name), rf_view_str(groups[g]->name)) : best;

		if (d < best) {
			best = d;
			near = groups[g]->name;
		}
	}
	if (near && rf_near_enough(best, strlen(name)))
		return rf_cmd_error(c, RF_EXIT_USAGE, "unknown command \"%s\"; did you mean \"%s\"?", name, near);
	return rf_cmd_error(c, RF_EXIT_USAGE, "unknown command \"%s\"; `ringfort --help` lists them", name);
}

static void print_subs(const struct rf_cmd *group, FILE *out)
{
	for (; group->name; group++)
		if (!group->hidden)
			fprintf(out, "  ringfort %s%s%s%s%s  %s\n", group->name, group->sub ? " " : "",
				group->sub ? group->sub : "", group->args ? " " : "", group->args ? group->args : "",
				group->summary);
}

/* The row of group for the next word, which is taken when it is a sub-command. */
static int find_row(struct rf_cmd_ctx *c, struct words *w, const struct rf_cmd *group)
{
	const char *word = w->at < w->argc ? w->argv[w->at] : NULL;

	c->cmd = NULL;
	for (const struct rf_cmd *r = group; r->name; r++) {
		if (r->sub && word && strcmp(r->sub, word) == 0) {
			c->cmd = r;
			w->at++;
			return 0;
		}
		if (!r->sub && !c->cmd)
			c->cmd = r;
	}
	if (c->cmd)
		return 0;
	bool help = word && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0);
	if (!help)
		rf_cmd_error(c, RF_EXIT_USAGE, word ? "\"%s\" has no command \"%s\"" : "\"%s\" needs a further word",
			     group->name, word ? word : "");
	if (!c->json || help)
		print_subs(group, help ? c->out : c->err);
	return help ? -1 : RF_EXIT_USAGE;
}

static int check_count(const struct rf_cmd_ctx *c)
{
	if (c->args < c->cmd->min_args)
		return rf_cmd_error(c, RF_EXIT_USAGE, "%s%s%s needs %s; see --help", c->cmd->name,
				    c->cmd->sub ? " " : "", c->cmd->sub ? c->cmd->sub : "",
				    c->cmd->args ? c->cmd->args : "more");
	if (c->args > c->cmd->max_args)
		return rf_cmd_error(c, RF_EXIT_USAGE, "\"%s\" is one argument too many; see --help",
				    c->arg[c->cmd->max_args]);
	return 0;
}

/* Best effort: a role that does not hear this looks for itself every second. */
static void tell_controller(const struct rf_cmd_ctx *c)
{
	for (const struct rf_cmd_role *r = rf_cmd_roles; r->name; r++) {
		struct rf_diag diag = { 0 };
		json_t *answer = NULL;

		if (r->ask(c->dir, json_pack("{s:s}", "do", "refresh"), 5000, &answer, &diag) == 0)
			json_decref(answer);
	}
}

static int dispatch(struct rf_cmd_ctx *c, struct words *w)
{
	int status = read_front(c, w);

	if (status)
		return status;
	if (w->version) {
		fprintf(c->out, "ringfort %s\n", RF_VERSION);
		return RF_EXIT_YES;
	}
	if (w->help || w->at >= w->argc) {
		print_commands(w->help ? c->out : c->err);
		return w->help ? RF_EXIT_YES : RF_EXIT_USAGE;
	}
	const char *name = w->argv[w->at++];
	const struct rf_cmd *group = find_group(name);
	if (!group)
		return unknown_command(c, name);
	status = find_row(c, w, group);
	if (status)
		return status < 0 ? RF_EXIT_YES : status;
	status = read_rest(c, w);
	if (status)
		return status;
	if (w->help) {
		print_help(c->cmd, c->out);
		return RF_EXIT_YES;
	}
	c->arg = w->kept;
	c->args = w->count;
	status = check_count(c);
	if (!status)
		status = c->cmd->run(c);
	if (!status && c->cmd->changes)
		tell_controller(c);
	return status;
}

int rf_cmd_run(int argc, char **argv, FILE *out, FILE *err)
{
	struct rf_cmd_ctx c = {
		.dir = ".", .out = out, .err = err, .clock = rf_clock_system(), .log = rf_log_stderr(RF_LOG_INFO),
		.program = argc > 0 ? argv[0] : "ringfort",
	};
	struct words w = { .argc = argc, .argv = argv, .at = 1, .kept = calloc((size_t)argc + 1, sizeof *w.kept) };

	if (!w.kept)
		return RF_EXIT_FAILED;
	int status = dispatch(&c, &w);
	if (fflush(out) || ferror(out)) /* an answer that nobody got is no answer */
		status = RF_EXIT_FAILED;
	free(w.kept);
	return status;
}

int rf_cmd_main(int argc, char **argv)
{
	return rf_cmd_run(argc, argv, stdout, stderr);
}

/* --- the site's files */

char *rf_cmd_path(const struct rf_cmd_ctx *c, const char *rel)
{
	char *path;

	if (asprintf(&path, "%s/%s", c->dir, rel) < 0) {
		rf_cmd_error(c, RF_EXIT_FAILED, "out of memory");
		exit(RF_EXIT_FAILED);
	}
	return path;
}

struct rf_site *rf_cmd_site(const struct rf_cmd_ctx *c, int *ret_status)
{
	struct rf_findings findings;
	struct rf_site *site = NULL;
	struct rf_diag diag = { 0 };

	rf_findings_init(&findings);
	int rc = rf_site_load(c->dir, c->clock.wall(c->clock.ctx), &findings, &site);
	if (rc) {
		if (!rf_findings_diag(&findings, &diag))
			rf_diag_set(&diag, rc, "%s/site.yaml: %s", c->dir, rf_err_text(rc));
		if (rc != RF_E_INVALID)
			diag.code = rc;
		*ret_status = rf_cmd_diag(c, &diag);
		if (findings.count[RF_SEV_ERROR] > 1 && !c->json)
			fprintf(c->err, "and %zu more errors; `ringfort check` shows all\n",
				findings.count[RF_SEV_ERROR] - 1);
	}
	rf_findings_fini(&findings);
	return site;
}

struct rf_store *rf_cmd_store(const struct rf_cmd_ctx *c, int *ret_status)
{
	char *path = rf_cmd_path(c, "state/directory.db");
	struct rf_store *store = NULL;
	struct rf_diag diag = { 0 };

	if (rf_store_open(path, false, &store, &diag))
		*ret_status = rf_cmd_diag(c, &diag);
	free(path);
	return store;
}
