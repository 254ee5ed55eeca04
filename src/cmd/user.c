/* ringfort user: people and their passwords. Only hashes that are good for this site's realm are kept. */
#include "base/secret.h"
#include "cmd/cmd.h"
#include "cmd/password.h"
#include "cmd/record.h"
#include "cmd/user_many.h"
#include "site/precedence.h"
#include "store/store.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct user_cmd {
	const struct rf_cmd_ctx *c;
	struct rf_site *site;
	struct rf_store *store;
	struct rf_view name;
};

static int begin(const struct rf_cmd_ctx *c, struct user_cmd *u)
{
	int status = 0;

	*u = (struct user_cmd){ .c = c, .name = rf_view_str(c->args ? c->arg[0] : "") };
	if (c->args && !rf_site_name_ok(u->name))
		return rf_cmd_error(c, RF_EXIT_USAGE,
				    "\"%s\" cannot be a user's name; use letters, digits, '-', '_' and '.'", c->arg[0]);
	u->site = rf_cmd_site(c, &status);
	u->store = u->site ? rf_cmd_store(c, &status) : NULL;
	if (!u->store)
		rf_site_put(u->site);
	return status;
}

static int end(struct user_cmd *u, int status)
{
	rf_store_close(u->store);
	rf_site_put(u->site);
	return status;
}

int rf_user_hash(struct rf_digest_ctx *digest, const struct rf_site *site, struct rf_view password,
		 struct rf_store_user *user)
{
	unsigned algs = RF_DIGEST_SHA_ONLY;
	int rc = 0;

	if (site->policy.digests & RF_SITE_DIGEST_MD5)
		algs |= RF_DIGEST_BIT(RF_DIGEST_MD5);
	for (int i = 0; rc == 0 && i < RF_DIGEST_ALGS; i++)
		if (algs & RF_DIGEST_BIT(i))
			rc = rf_digest_ha1(digest, (enum rf_digest_alg)i, user->name, site->domain, password,
					   &user->ha1[i]);
	user->algs = algs;
	return rc;
}

static int hash(const struct user_cmd *u, const struct rf_password *password, struct rf_store_user *ret_user)
{
	struct rf_digest_ctx *digest;
	int rc = rf_digest_ctx_new(&digest);

	if (rc)
		return rc;
	rc = rf_user_hash(digest, u->site, rf_view_of(password->text, password->n), ret_user);
	rf_digest_ctx_free(digest);
	return rc;
}

static int read_hashes(const struct user_cmd *u, struct rf_store_user *ret_user)
{
	struct rf_password password;
	int status = rf_cmd_password(u->c, rf_cmd_flag(u->c, "password-stdin"), true, u->site->policy.password_min,
				     &password);

	if (status)
		return status;
	int rc = hash(u, &password, ret_user);
	rf_secret_wipe(&password, sizeof password);
	return rc ? rf_cmd_error(u->c, RF_EXIT_FAILED, "cannot hash the password: %s", rf_err_text(rc)) : 0;
}

static int done(const struct user_cmd *u, int rc, const struct rf_diag *diag, enum rf_event_kind kind, const char *what)
{
	const struct rf_cmd_ctx *c = u->c;

	if (rc)
		return rf_cmd_diag(c, diag);
	rf_cmd_record(c, &(struct rf_cmd_record){ kind, .user = u->name });
	if (c->json)
		return rf_cmd_json(c, json_pack("{s:s%, s:s}", "user", (const char *)u->name.p, u->name.n, "did", what),
				   RF_EXIT_YES);
	fprintf(c->out, "user %.*s %s\n", RF_VFMT(u->name), what);
	return RF_EXIT_YES;
}

static int check_number(const struct user_cmd *u, struct rf_view number)
{
	if (!rf_site_number_ok(number))
		return rf_cmd_error(u->c, RF_EXIT_USAGE, "--number takes digits, at most %d", RF_SITE_NUMBER_MAX);
	if (rf_site_is_emergency(u->site, number))
		return rf_cmd_error(u->c, RF_EXIT_USAGE, "%.*s is an emergency number; choose another",
				    RF_VFMT(number));
	return 0;
}

static int user_add(struct rf_cmd_ctx *c)
{
	struct rf_wall now = c->clock.wall(c->clock.ctx);
	struct rf_diag diag = { 0 };
	struct user_cmd u;

	if (rf_cmd_flag(c, "file") || rf_cmd_flag(c, "passwords"))
		return rf_user_add_file(c);
	if (!c->args)
		return rf_cmd_error(c, RF_EXIT_USAGE, "name the user, or give --file with many");
	if (!rf_cmd_opt(c, "number"))
		return rf_cmd_error(c, RF_EXIT_USAGE, "--number says which number the user may use");
	int status = begin(c, &u);
	if (status)
		return status;
	struct rf_store_user row = {
		.name = u.name, .number = rf_view_str(rf_cmd_opt(c, "number")), .created = now, .changed = now,
	};
	status = check_number(&u, row.number);
	if (!status)
		status = read_hashes(&u, &row);
	if (!status)
		status = done(&u, rf_store_user_add(u.store, &row, &diag), &diag, RF_EVENT_USER_ADDED, "added");
	rf_secret_wipe(row.ha1, sizeof row.ha1);
	return end(&u, status);
}

static int user_passwd(struct rf_cmd_ctx *c)
{
	struct rf_diag diag = { 0 };
	struct user_cmd u;
	int status = begin(c, &u);

	if (status)
		return status;
	struct rf_store_user row = { .name = u.name, .changed = c->clock.wall(c->clock.ctx) };
	status = read_hashes(&u, &row);
	if (!status)
		status = done(&u, rf_store_user_passwd(u.store, &row, &diag), &diag, RF_EVENT_USER_CHANGED,
			      "has a new password");
	rf_secret_wipe(row.ha1, sizeof row.ha1);
	return end(&u, status);
}

static int set_lock(struct rf_cmd_ctx *c, bool locked)
{
	struct rf_diag diag = { 0 };
	struct user_cmd u;
	int status = begin(c, &u);

	if (status)
		return status;
	return end(&u, done(&u, rf_store_user_lock(u.store, u.name, locked, &diag), &diag,
			    locked ? RF_EVENT_USER_LOCKED : RF_EVENT_USER_UNLOCKED, locked ? "locked" : "unlocked"));
}

static int user_lock(struct rf_cmd_ctx *c)
{
	return set_lock(c, true);
}

static int user_unlock(struct rf_cmd_ctx *c)
{
	return set_lock(c, false);
}

struct number_of {
	struct rf_view name;
	char *number;
};

static int take_number(void *ctx, const struct rf_store_user *row)
{
	const struct number_of *find = ctx;

	if (rf_view_eq(find->name, row->name))
		rf_view_cstr(row->number, find->number, RF_SITE_NUMBER_MAX + 1);
	return 0;
}

static int user_remove(struct rf_cmd_ctx *c)
{
	struct rf_diag diag = { 0 };
	struct user_cmd u;
	char number[RF_SITE_NUMBER_MAX + 1] = "";
	int status = begin(c, &u);

	if (status)
		return status;
	struct number_of find = { u.name, number };

	rf_store_users(u.store, take_number, &find, NULL);
	status = done(&u, rf_store_user_remove(u.store, u.name, &diag), &diag, RF_EVENT_USER_REMOVED, "removed");
	if (!status)
		rf_cmd_number_left(c, rf_view_str(number));
	return end(&u, status);
}

/* --class and --until. */
static int set_class(const struct user_cmd *u, const char *name, const char *until, struct rf_store_user *row)
{
	int64_t day;

	row->class_name = rf_view_str(strcmp(name, "none") ? name : "");
	if (row->class_name.n && !rf_site_cos(u->site, row->class_name))
		return rf_cmd_error(u->c, RF_EXIT_USAGE, "there is no class \"%s\"; name one of `classes` in %s", name,
				    rf_site_cstr(u->site->file));
	if (!until)
		return 0;
	if (!row->class_name.n || !rf_site_day(rf_view_str(until), &day))
		return rf_cmd_error(u->c, RF_EXIT_USAGE, "--until takes a day like 2027-06-30, with a --class");
	row->class_until_s = (day + 1) * 86400 - 1;
	return 0;
}

struct grants {
	struct rf_view name;
	char text[RF_PRECEDENCE_TEXT_MAX + 1];
	bool found;
};

static int copy_grants(void *ctx, const struct rf_store_user *row)
{
	struct grants *g = ctx;

	if (rf_view_eq(row->name, g->name))
		g->found = rf_view_cstr(row->precedence, g->text, sizeof g->text);
	return 0;
}

/* What the user has in other namespaces stays. */
static int set_precedence(const struct user_cmd *u, const char *level, const char *namespace, struct rf_store_user *row,
			  char *text, size_t cap)
{
	struct grants g = { .name = u->name };
	struct rf_diag diag = { 0 };
	char value[64];
	unsigned of, rank;
	size_t n = 0;
	int len = snprintf(value, sizeof value, "%s.%s", namespace, level);
	bool none = strcmp(level, "none") == 0;

	if (!none && (len >= (int)sizeof value || !rf_precedence_find(rf_view_str(value), &of, &rank)))
		return rf_cmd_error(u->c, RF_EXIT_USAGE,
				    "%s has no priority \"%s\" (RFC 4412): dsn and drsn have routine, "
				    "priority, immediate, flash, flash-override; q735, ets and wps 4 to 0",
				    namespace, level);
	if (rf_store_users(u->store, copy_grants, &g, &diag))
		return rf_cmd_diag(u->c, &diag);
	for (char *rest = g.text, *one; (one = strtok_r(rest, " ", &rest));)
		if (strncasecmp(one, namespace, strlen(namespace)) || one[strlen(namespace)] != '.')
			n += (size_t)snprintf(text + n, cap - n, "%s%s", n ? " " : "", one);
	if (!none)
		n += (size_t)snprintf(text + n, cap - n, "%s%s", n ? " " : "", value);
	text[n < cap ? n : cap - 1] = '\0';
	row->precedence = rf_view_str(text);
	return 0;
}

static int user_set(struct rf_cmd_ctx *c)
{
	const char *class = rf_cmd_opt(c, "class"), *level = rf_cmd_opt(c, "precedence"),
		   *namespace = rf_cmd_opt(c, "namespace");
	char text[RF_PRECEDENCE_TEXT_MAX + 64] = "";
	struct rf_diag diag = { 0 };
	struct user_cmd u;

	if ((!class && !level) || (!class && rf_cmd_opt(c, "until")) || !level != !namespace)
		return rf_cmd_error(c, RF_EXIT_USAGE,
				    "say what to set: --class C [--until DAY], or --precedence P --namespace NS");
	int status = begin(c, &u), rc = 0;

	if (status)
		return status;
	struct rf_store_user row = { .name = u.name };
	if (class)
		status = set_class(&u, class, rf_cmd_opt(c, "until"), &row);
	if (level && !status)
		status = set_precedence(&u, level, namespace, &row, text, sizeof text);
	if (class && !status)
		rc = rf_store_user_class(u.store, &row, &diag);
	if (level && !status && !rc)
		rc = rf_store_user_precedence(u.store, &row, &diag);
	if (!status)
		status = done(&u, rc, &diag, RF_EVENT_USER_CHANGED, "has new rights");
	return end(&u, status);
}

struct show {
	const struct user_cmd *u;
	struct rf_view only;
	struct rf_view number;
	json_t *rows;
	size_t n;
};

static json_t *algs_json(unsigned algs)
{
	json_t *a = json_array();

	for (int i = 0; i < RF_DIGEST_ALGS; i++)
		if (algs & RF_DIGEST_BIT(i))
			json_array_append_new(a, rf_cmd_json_view(rf_digest_alg_name((enum rf_digest_alg)i)));
	return a;
}

static int show_row(void *ctx, const struct rf_store_user *row)
{
	struct show *s = ctx;
	char created[RF_WALL_TEXT], changed[RF_WALL_TEXT], until[RF_WALL_TEXT] = "";

	if ((s->only.n && !rf_view_eq(s->only, row->name)) || (s->number.n && !rf_view_eq(s->number, row->number)))
		return 0;
	s->n++;
	rf_wall_text(row->created, created);
	rf_wall_text(row->changed, changed);
	if (row->class_until_s)
		rf_wall_text((struct rf_wall){ row->class_until_s * 1000000 }, until);
	if (s->rows)
		return json_array_append_new(s->rows,
					     json_pack("{s:o, s:o, s:b, s:o, s:s, s:s, s:o, s:s, s:o}", "name",
						       rf_cmd_json_view(row->name), "number",
						       rf_cmd_json_view(row->number), "locked", row->locked, "digests",
						       algs_json(row->algs), "created", created, "password_changed",
						       changed, "class", rf_cmd_json_view(row->class_name),
						       "class_until", until,
						       "precedence",
						       rf_cmd_json_view(row->precedence))) ? -ENOMEM : 0;
	fprintf(s->u->c->out, "%-20.*s %-12.*s %-8s password of %.10s", RF_VFMT(row->name), RF_VFMT(row->number),
		row->locked ? "locked" : "active", changed);
	if (row->class_name.n)
		fprintf(s->u->c->out, ", class %.*s%s%.10s", RF_VFMT(row->class_name), until[0] ? " until " : "",
			until);
	if (row->precedence.n)
		fprintf(s->u->c->out, ", precedence %.*s", RF_VFMT(row->precedence));
	fputc('\n', s->u->c->out);
	return 0;
}

static int show(struct rf_cmd_ctx *c, bool one)
{
	struct rf_diag diag = { 0 };
	struct user_cmd u;
	int status = begin(c, &u);

	if (status)
		return status;
	struct show s = { .u = &u, .only = u.name, .rows = c->json ? json_array() : NULL };
	if (!one && rf_cmd_opt(c, "number"))
		s.number = rf_view_str(rf_cmd_opt(c, "number"));
	if (rf_store_users(u.store, show_row, &s, &diag))
		status = rf_cmd_diag(c, &diag);
	else if (one && !s.n)
		status = rf_cmd_error(c, RF_EXIT_NO, "there is no user \"%.*s\"; `ringfort user list` shows them",
				      RF_VFMT(u.name));
	if (!status && c->json)
		status = rf_cmd_json(c, json_pack("{s:O}", "users", s.rows), RF_EXIT_YES);
	else if (!status && !one && !s.n)
		fputs("no users; `ringfort user add NAME --number N` makes one\n", c->out);
	json_decref(s.rows);
	return end(&u, status);
}

static int user_list(struct rf_cmd_ctx *c)
{
	return show(c, false);
}

static int user_show(struct rf_cmd_ctx *c)
{
	return show(c, true);
}

static const struct rf_cmd_opt add_opts[] = {
	{ "number", "N", "the number that the user may use" },
	{ "password-stdin", NULL, "read the password from standard input instead of the terminal" },
	{ "file", "FILE", "add all of this file instead (CSV: name, number, password; -: standard input)" },
	{ "passwords", "FILE", "make passwords for those who have none there, and write them to this new file" },
	{ 0 },
};
static const struct rf_cmd_opt passwd_opts[] = {
	{ "password-stdin", NULL, "read the password from standard input instead of the terminal" },
	{ 0 },
};
static const struct rf_cmd_opt set_opts[] = {
	{ "class", "C", "the class of service that holds for the person; none: that of the phone" },
	{ "until", "DAY", "to the end of this day, as 2027-06-30" },
	{ "precedence", "P", "the precedence that the person may ask for: flash, 0, ...; none" },
	{ "namespace", "NS", "its namespace: dsn, drsn, q735, ets or wps; others stay as they are" },
	{ 0 },
};
static const struct rf_cmd_opt list_opts[] = { { "number", "N", "only users of this number" }, { 0 } };

const struct rf_cmd rf_cmd_user[] = {
	{ .name = "user", .sub = "add", .args = "NAME", .max_args = 1, .summary = "add a person",
	  .help = "Asks for the password twice. Only its digests for this site's domain are kept. With "
		  "--file it adds everybody\n"
		  "in a file, or nobody: ringfort user add --file staff.csv --passwords letters.csv", .opts = add_opts,
	  .example = "ringfort user add alice --number 1001", .run = user_add, .changes = true },
	{ .name = "user", .sub = "passwd", .args = "NAME", .min_args = 1, .max_args = 1,
	  .summary = "give a person a new password", .opts = passwd_opts, .example = "ringfort user passwd alice",
	  .run = user_passwd, .changes = true },
	{ .name = "user", .sub = "set", .args = "NAME", .min_args = 1, .max_args = 1,
	  .summary = "say what a person may", .opts = set_opts,
	  .example = "ringfort user set alice --class travel --until 2027-06-30", .run = user_set, .changes = true },
	{ .name = "user", .sub = "lock", .args = "NAME", .min_args = 1, .max_args = 1,
	  .summary = "refuse a person's password from now on", .example = "ringfort user lock alice", .run = user_lock,
	  .changes = true },
	{ .name = "user", .sub = "unlock", .args = "NAME", .min_args = 1, .max_args = 1,
	  .summary = "accept it again", .example = "ringfort user unlock alice", .run = user_unlock, .changes = true },
	{ .name = "user", .sub = "list", .summary = "the people of the site", .opts = list_opts,
	  .example = "ringfort user list --number 1001", .run = user_list },
	{ .name = "user", .sub = "show", .args = "NAME", .min_args = 1, .max_args = 1, .summary = "one of them",
	  .example = "ringfort user show alice --json", .run = user_show },
	{ .name = "user", .sub = "remove", .args = "NAME", .min_args = 1, .max_args = 1,
	  .summary = "remove a person", .example = "ringfort user remove alice", .run = user_remove, .changes = true },
	{ 0 },
};
