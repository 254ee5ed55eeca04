/* ringfort explain: would this call go through, by which route, which rule decides. Nothing is placed: the question is
 * asked of the site file and the directory, as the controller asks it. */
#include "call/dial.h"
#include "cmd/cmd.h"
#include "role/admin.h"
#include "site/tz.h"
#include "store/store.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ASK_MS 2000

struct explain {
	const struct rf_cmd_ctx *c;
	struct rf_site *site;
	struct rf_directory *directory;
	struct rf_dial_who who;
	struct rf_wall at;
	struct rf_dial d;
	uint8_t text[RF_DIAL_TEXT_MAX];
	char reach[64];            /* "registered", "not registered"; "": nobody to ask, or not a number of ours */
};

static int load(struct explain *x)
{
	struct rf_diag diag = { 0 };
	int status = 0;

	x->site = rf_cmd_site(x->c, &status);
	struct rf_store *store = x->site ? rf_cmd_store(x->c, &status) : NULL;

	if (!store)
		return status;
	if (rf_directory_new(x->site, store, &x->directory, &diag))
		status = rf_cmd_diag(x->c, &diag);
	rf_store_close(store);
	return status;
}

/* A user, a phone, a trunk (a call from outside) or a number. */
static int find_from(struct explain *x, const char *from)
{
	struct rf_view name = rf_view_str(from);
	const struct rf_dir_user *u = rf_directory_user(x->directory, name);
	const struct rf_dir_phone *p = rf_directory_phone(x->directory, name);
	const struct rf_dir_phone *const *phones;
	const struct rf_site_trunk *t = rf_site_trunk(x->site, name);

	if (u) {
		x->who = (struct rf_dial_who){ .number = u->number, .user = u->name };
		if (rf_directory_phones_of(x->directory, u->number, &phones) == 1)
			x->who.phone = phones[0]->name;
	} else if (p) {
		x->who = (struct rf_dial_who){ .number = p->number, .phone = p->name };
	} else if (t) {
		x->who = (struct rf_dial_who){ .trunk = t };
	} else if (rf_directory_number(x->directory, name)) {
		x->who = (struct rf_dial_who){ .number = name };
	} else {
		return rf_cmd_error(x->c, RF_EXIT_USAGE,
				    "there is no user, phone, number or trunk \"%s\"; `ringfort phone list` "
				    "and `ringfort user list` show them",
				    from);
	}
	return 0;
}

/* "2026-11-23 10:00" in the site's zone, "2026-11-23T10:00Z" in UTC. */
static int find_time(struct explain *x, const char *at)
{
	struct tm tm = { 0 };
	const char *end;

	x->at = x->c->clock.wall(x->c->clock.ctx);
	if (!at)
		return 0;
	end = strptime(at, "%Y-%m-%d", &tm);
	if (end && (*end == ' ' || *end == 'T'))
		end = strptime(end + 1, "%H:%M", &tm);
	if (!end || (*end && strcmp(end, "Z")))
		return rf_cmd_error(x->c, RF_EXIT_USAGE,
				    "--at takes a time of the site like \"2026-11-23 10:00\", or one in UTC "
				    "like 2026-11-23T10:00Z");
	int64_t s = (int64_t)timegm(&tm);

	x->at.us = (*end ? s : rf_tz_utc(x->site->tel.tz, s)) * 1000000;
	return 0;
}

/* As a phone would send it, or as a person would type it. */
static int find_text(struct explain *x, const char *to, struct rf_view *ret_text)
{
	struct rf_view v = rf_view_str(to);
	struct rf_sip_uri uri;

	*ret_text = v;
	if (!rf_view_starts_nocase(v, RF_V("sip:")) && !rf_view_starts_nocase(v, RF_V("sips:")) &&
	    !rf_view_starts_nocase(v, RF_V("tel:")))
		return 0;
	if (rf_sip_uri_parse(v, &uri) || rf_dial_text(&uri, x->text, sizeof x->text, ret_text))
		return rf_cmd_error(x->c, RF_EXIT_USAGE, "\"%s\" is not a SIP or tel URI", to);
	if (uri.scheme != RF_SIP_SCHEME_TEL && !rf_view_eq_nocase(uri.host, x->site->domain))
		return rf_cmd_error(x->c, RF_EXIT_NO, "%s is not at %s: the controller answers 403 to it", to,
				    rf_site_cstr(x->site->domain));
	return 0;
}

/* Where a controller runs it knows whether the phone is there. */
static void ask_reach(struct explain *x)
{
	struct rf_diag diag = { 0 };
	json_t *answer = NULL, *question;

	if (x->d.kind != RF_DIAL_NUMBER)
		return;
	question = json_pack("{s:s,s:o}", "do", "bindings", "aor", rf_cmd_json_view(x->d.number));
	if (!question || rf_admin_ask(x->c->dir, question, ASK_MS, &answer, &diag))
		return;
	snprintf(x->reach, sizeof x->reach, "%s", json_array_size(json_object_get(answer, "bindings")) ?
		 "registered now" : "not registered now");
	json_decref(answer);
}

static const char *file_of(const struct explain *x)
{
	return rf_site_cstr(x->d.pos.file ? x->site->phones_file : x->site->file);
}

static json_t *trunks_json(const struct rf_dial *d)
{
	json_t *a = json_array();

	for (size_t i = 0; i < d->trunks; i++)
		json_array_append_new(a, rf_cmd_json_view(d->trunk[i]->name));
	return a;
}

static json_t *trail_json(struct rf_view trail)
{
	json_t *a = json_array();

	while (trail.n) {
		size_t n = rf_view_find(trail, '\n');

		json_array_append_new(a, rf_cmd_json_view(rf_view_sub(trail, 0, n)));
		trail = rf_view_from(trail, n + 1);
	}
	return a;
}

static int show_json(const struct explain *x, bool goes)
{
	const struct rf_dial *d = &x->d;
	char at[RF_WALL_TEXT];

	rf_wall_text(x->at, at);
	json_t *j =
		json_pack("{s:b,s:s,s:s,s:s,s:s,s:o,s:o}", "goes", goes, "at", at, "kind", rf_dial_kind_name(d->kind),
			  "rule", d->rule, "why", d->why, "trunks", trunks_json(d), "trail", trail_json(d->trail));

	if (!j)
		return rf_cmd_json(x->c, NULL, RF_EXIT_FAILED);
	if (d->call_class != RF_CLASSES)
		json_object_set_new(j, "class", json_string(rf_class_name(d->call_class)));
	if (goes)
		json_object_set_new(j, "number", rf_cmd_json_view(d->number));
	else
		json_object_set_new(j, "code", json_integer(d->code));
	if (d->kind == RF_DIAL_FEATURE)
		json_object_set_new(j, "feature", json_string(rf_feature_name(d->feature)));
	if (d->route)
		json_object_set_new(j, "route", rf_cmd_json_view(d->route->name));
	if (d->pos.line) {
		json_object_set_new(j, "file", json_string(file_of(x)));
		json_object_set_new(j, "line", json_integer(d->pos.line));
	}
	if (x->reach[0])
		json_object_set_new(j, "reach", json_string(x->reach));
	return rf_cmd_json(x->c, j, goes ? RF_EXIT_YES : RF_EXIT_NO);
}

static void show_route(const struct explain *x)
{
	const struct rf_dial *d = &x->d;
	FILE *out = x->c->out;

	if (d->kind == RF_DIAL_FEATURE)
		fprintf(out, ": %s", rf_feature_name(d->feature));
	if (d->number.n)
		fprintf(out, "%s %.*s", d->kind == RF_DIAL_FEATURE ? "" : ":", RF_VFMT(d->number));
	if (d->route)
		fprintf(out, ", by route %s", rf_site_cstr(d->route->name));
	for (size_t i = 0; i < d->trunks; i++)
		fprintf(out, "%s %s", i ? ", then" : ", by trunk", rf_site_cstr(d->trunk[i]->name));
	if (x->reach[0])
		fprintf(out, ", %s", x->reach);
}

static int show(const struct explain *x, bool goes)
{
	const struct rf_dial *d = &x->d;
	FILE *out = x->c->out;

	fprintf(out, "%s: %s", goes ? "yes" : "no", rf_dial_kind_name(d->kind));
	if (d->call_class != RF_CLASSES)
		fprintf(out, " (%s)", rf_class_name(d->call_class));
	if (goes)
		show_route(x);
	else
		fprintf(out, ", answered %u", d->code);
	fprintf(out, "\nrule %s: %s", d->rule, d->why);
	if (d->pos.line)
		fprintf(out, " (%s:%u)", file_of(x), d->pos.line);
	fputc('\n', out);
	for (struct rf_view rest = d->trail; rest.n;) {
		size_t n = rf_view_find(rest, '\n');

		fprintf(out, "  %.*s\n", RF_VFMT(rf_view_sub(rest, 0, n)));
		rest = rf_view_from(rest, n + 1);
	}
	return goes ? RF_EXIT_YES : RF_EXIT_NO;
}

static int decide(struct explain *x)
{
	struct rf_view text;
	int status = load(x);

	if (!status)
		status = find_from(x, x->c->arg[0]);
	if (!status)
		status = find_time(x, rf_cmd_opt(x->c, "at"));
	if (!status)
		status = find_text(x, x->c->arg[1], &text);
	if (status)
		return status;
	rf_dial(&(struct rf_dial_ask){ x->directory, x->who, text, x->at, true }, &x->d);
	if (!rf_cmd_opt(x->c, "at"))
		ask_reach(x);
	bool goes = x->d.kind != RF_DIAL_REFUSED;

	return x->c->json ? show_json(x, goes) : show(x, goes);
}

static int explain(struct rf_cmd_ctx *c)
{
	struct explain *x = calloc(1, sizeof *x);

	if (!x)
		return rf_cmd_error(c, RF_EXIT_FAILED, "out of memory");
	x->c = c;
	int status = decide(x);

	rf_directory_put(x->directory);
	rf_site_put(x->site);
	free(x);
	return status;
}

static const struct rf_cmd_opt opts[] = {
	{ "at", "TIME", "at another time than now: \"2026-11-23 10:00\" of the site, or 2026-11-23T10:00Z" },
	{ 0 },
};

const struct rf_cmd rf_cmd_explain[] = {
	{ .name = "explain", .args = "FROM TO", .min_args = 2, .max_args = 2,
	  .summary = "would this call go through, by which route, which rule decides",
	  .help = "FROM is a user, a phone, a number, or a trunk for a call from outside; TO what is dialled: digits, codes,\n"
		  "a SIP or tel URI. No call is placed. What callers have used up today (calls at once, calls in the hour,\n"
		  "minutes abroad) is not looked at. Exit status 0: it would go through, 1: it would not.",
	  .opts = opts,
	  .example = "ringfort explain lobby-1 \"00 900 123456\" --at \"2026-12-24 19:00\"",
	  .run = explain },
	{ 0 },
};
