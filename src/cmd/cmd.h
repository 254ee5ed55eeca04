/* How a command is written.
 *
 * A file in this folder holds the commands of one subject and exports one array, ended by a row without a name:
 *
 *	static const struct rf_cmd_opt list_opts[] = { { "number", "N", "only this number" }, { 0 } };
 *	static int list(struct rf_cmd_ctx *c) { ... rf_cmd_opt(c, "number") ... return RF_EXIT_YES; }
 *	const struct rf_cmd rf_cmd_phone[] = {
 *		{ .name = "phone", .sub = "list", .summary = "the phones of the site", .opts = list_opts,
 *		  .example = "ringfort -C site phone list --number 1001", .run = list },
 *		{ 0 }
 *	};
 *
 * and is listed in cmd.c. A command without sub-commands leaves .sub out; where both exist ("calls", "calls show") the
 * row without .sub runs when the next word is no sub-command. -C DIR, --json and --help are understood for every
 * command, before or after its name, and are not listed in opts; "--" ends the options. */
#ifndef RF_CMD_CMD_H
#define RF_CMD_CMD_H

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "site/site.h"

#include <stdio.h>

struct json_t; /* jansson's */
struct rf_store;

/* What a command returns: the exit status of the program. */
enum {
	RF_EXIT_YES = 0,    /* done; the answer is yes */
	RF_EXIT_NO = 1,     /* a finding, a failed check, the answer is no */
	RF_EXIT_USAGE = 2,  /* wrong usage or input */
	RF_EXIT_FAILED = 3, /* could not do it */
};

enum { RF_CMD_OPTS_MAX = 24, RF_CMD_AGAIN_MAX = 32 };

struct rf_cmd_opt {
	const char *name;    /* without the dashes: "number"; NULL ends the table */
	const char *arg;     /* what it takes, for help: "N"; NULL: takes nothing */
	const char *summary;
	char letter;         /* short form, 0: none */
	bool many;           /* may be given again: rf_cmd_opt_next() */
};

struct rf_cmd_ctx;

struct rf_cmd {
	const char *name, *sub;
	const char *args;      /* what follows the options, for help: "NAME"; NULL: nothing may */
	unsigned min_args, max_args;
	const char *summary;   /* one line, no full stop */
	const char *help;      /* further text for --help, may be NULL */
	const char *example;   /* one command line, shown by --help */
	const struct rf_cmd_opt *opts; /* may be NULL */
	int (*run)(struct rf_cmd_ctx *c);
	bool hidden;           /* not in the list of commands */
	bool changes;          /* what a running controller must know at once: it is told when the command has worked */
};

struct rf_cmd_ctx {
	const char *dir;       /* -C DIR, else "." */
	bool json;
	const struct rf_cmd *cmd;
	const char *values[RF_CMD_OPTS_MAX]; /* by row of cmd->opts; NULL: not given; "" for one without argument */
	struct { size_t opt; const char *value; } again[RF_CMD_AGAIN_MAX]; /* options that were given again, in order */
	size_t n_again;
	unsigned args;
	char *const *arg;      /* [args] what followed the options */
	FILE *out, *err;
	struct rf_clock clock;
	struct rf_log log;
	const char *program;   /* argv[0] */
};

/* Run what argv asks for; the exit status. argv[0] is the program's name. */
int rf_cmd_main(int argc, char **argv);
/* The same with the streams given (for tests). */
int rf_cmd_run(int argc, char **argv, FILE *out, FILE *err);

/* The value of an option: NULL when not given, "" when given and it takes none. */
const char *rf_cmd_opt(const struct rf_cmd_ctx *c, const char *name);
static inline bool rf_cmd_flag(const struct rf_cmd_ctx *c, const char *name)
{
	return rf_cmd_opt(c, name) != NULL;
}
/* The n-th value (from 0) of an option that may be given again; NULL behind the last. */
const char *rf_cmd_opt_next(const struct rf_cmd_ctx *c, const char *name, size_t n);
/* As a number from min to max; false after telling the user (then return RF_EXIT_USAGE). Not given: *ret stays. */
bool rf_cmd_number(const struct rf_cmd_ctx *c, const char *name, uint64_t min, uint64_t max, uint64_t *ret);

/* Tell the user what went wrong: "ringfort: text", or with --json {"error": ..., "code": ...} on stderr. Returns status
 * for `return rf_cmd_error(c, RF_EXIT_NO, "...")`. The text says what to do next. */
int rf_cmd_error(const struct rf_cmd_ctx *c, int status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The same from a diag, with its place; status from its code: RF_E_INVALID, MALFORMED, NOT_FOUND, EXISTS, LIMIT: 2;
 * DENIED: 1; all others: 3. */
int rf_cmd_diag(const struct rf_cmd_ctx *c, const struct rf_diag *diag);

/* DIR/rel as a malloc'd path; ends the program with a message when there is no memory (commands are short-lived). */
char *rf_cmd_path(const struct rf_cmd_ctx *c, const char *rel);
/* Load DIR/site.yaml. On failure tells the user and gives NULL: return *ret_status. Warnings are not shown. */
struct rf_site *rf_cmd_site(const struct rf_cmd_ctx *c, int *ret_status);
/* Open DIR/state/directory.db; likewise. */
struct rf_store *rf_cmd_store(const struct rf_cmd_ctx *c, int *ret_status);

/* Print j (two-space indent, keys in insertion order, newline) to c->out and release it. j NULL: out of memory. Returns
 * status, or RF_EXIT_FAILED when it could not be written. */
int rf_cmd_json(const struct rf_cmd_ctx *c, struct json_t *j, int status);
/* A view as a JSON string, bytes that are not UTF-8 replaced; NULL without memory. */
struct json_t *rf_cmd_json_view(struct rf_view v);

/* A phone or user of this number was removed: when nobody has it any more, what was set for it (forwards and the like)
 * goes, so that its next owner begins with nothing. Tells the user when that fails. */
void rf_cmd_number_left(const struct rf_cmd_ctx *c, struct rf_view number);

/* The tables of commands, by file. */
extern const struct rf_cmd rf_cmd_init[], rf_cmd_check[], rf_cmd_phone[], rf_cmd_user[], rf_cmd_numbers[],
	rf_cmd_host[];
extern const struct rf_cmd rf_cmd_ledger[], rf_cmd_cdr[], rf_cmd_explain[], rf_cmd_capacity[], rf_cmd_blocked[],
	rf_cmd_metrics[];
extern const struct rf_cmd rf_cmd_runs[];     /* run.c: run ROLE */
extern const struct rf_cmd rf_cmd_up[], rf_cmd_down[], rf_cmd_status[], rf_cmd_reload[], rf_cmd_calls[],
	rf_cmd_bindings[], rf_cmd_mwi[];
extern const struct rf_cmd rf_cmd_prove[];
extern const struct rf_cmd rf_cmd_stir[], rf_cmd_trunk[];
extern const struct rf_cmd rf_cmd_compile[], rf_cmd_flows[], rf_cmd_apply[], rf_cmd_confirm[], rf_cmd_wall[];
extern const struct rf_cmd rf_cmd_relay[];

#endif
