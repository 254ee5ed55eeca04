/* ringfort phone: the phones of the site, their certificates and their configuration. Which phones exist stands in the
 * site file and its phones file; what was certified, revoked and locked stands in the directory. */
#include "cmd/cmd.h"
#include "cmd/issue.h"
#include "cmd/phone_file.h"
#include "cmd/phone_int.h"
#include "cmd/phone_many.h"
#include "cmd/record.h"

#include <jansson.h>
#include <stdlib.h>

int rf_phone_end(struct rf_phone_cmd *p, int status)
{
	rf_ca_close(p->ca);
	rf_store_close(p->store);
	rf_site_put(p->site);
	return status;
}

int rf_phone_begin(const struct rf_cmd_ctx *c, bool with_ca, struct rf_phone_cmd *p)
{
	struct rf_diag diag = { 0 };
	int status = 0;

	*p = (struct rf_phone_cmd){ .c = c, .name = rf_view_str(c->args ? c->arg[0] : "") };
	if (c->args && !rf_site_name_ok(p->name))
		return rf_cmd_error(c, RF_EXIT_USAGE,
				    "\"%s\" cannot be a phone's name; use letters, digits, '-', '_' and '.'",
				    c->arg[0]);
	p->site = rf_cmd_site(c, &status);
	if (p->site)
		p->store = rf_cmd_store(c, &status);
	if (p->store && with_ca && rf_ca_open(c->dir, &p->ca, &diag))
		status = rf_cmd_diag(c, &diag);
	if (status)
		return rf_phone_end(p, status);
	p->phone = rf_site_phone(p->site, p->name);
	return 0;
}

int rf_phone_missing(const struct rf_phone_cmd *p)
{
	return rf_cmd_error(p->c, RF_EXIT_USAGE, "there is no phone \"%.*s\"; `ringfort phone list` shows them",
			    RF_VFMT(p->name));
}

/* --- add */

static int tell_issued(const struct rf_phone_cmd *p, struct rf_view number, const struct rf_pki_id *id)
{
	const struct rf_cmd_ctx *c = p->c;
	struct rf_wall until = { id->not_after_s * 1000000 };
	char text[RF_WALL_TEXT];

	rf_wall_text(until, text);
	if (c->json)
		return rf_cmd_json(c,
				   json_pack("{s:o, s:o, s:s, s:s, s:s}", "phone", rf_cmd_json_view(p->name), "number",
					     rf_cmd_json_view(number), "uri", id->uri, "urn", id->urn, "not_after",
					     text),
				   RF_EXIT_YES);
	fprintf(c->out, "phone %.*s: %s, certificate until %.10s in " RF_PKI_PHONES "/%.*s\n", RF_VFMT(p->name),
		id->uri, text, RF_VFMT(p->name));
	return RF_EXIT_YES;
}

/* The file is checked first and changed last: a certificate without a line proves nobody. */
static int add_line(struct rf_phone_cmd *p, const struct rf_phone_cell *cells, size_t n, unsigned days)
{
	struct rf_view number = cells[1].text;
	struct rf_phone_draft draft = { 0 };
	struct rf_phone_file file;
	struct rf_pki_id id;
	int status = rf_phone_file_open(p->c, p->site, &file);

	if (status)
		return status;
	status = rf_phone_draft_begin(&file, cells, n, &draft);
	if (!status) {
		rf_phone_draft_row(&draft, cells, n);
		status = rf_phone_draft_end(&draft);
	}
	if (!status)
		status = rf_phone_file_check(&file, draft.bytes, draft.n);
	if (!status)
		status = rf_issue_phone(p->c, p->ca, p->store, p->site, p->name, number, days, &id);
	if (!status)
		status = rf_issue_crl(p->c, p->ca, p->store);
	if (!status)
		status = rf_phone_file_write(&file, draft.bytes, draft.n);
	free(draft.bytes);
	rf_phone_file_close(&file);
	if (status)
		return status;
	rf_cmd_record(p->c, &(struct rf_cmd_record){ RF_EVENT_PHONE_ADDED, .phone = p->name, .number = number,
						     .certificate = &id });
	return tell_issued(p, number, &id);
}

static int phone_add(struct rf_cmd_ctx *c)
{
	static const char *const columns[] = { "name", "number", "location", "mac", "switch", "port", "label" };
	enum { N = sizeof columns / sizeof *columns };
	struct rf_phone_cell cells[N];
	struct rf_phone_cmd p;
	uint64_t days = 0;

	if (!rf_cmd_number(c, "days", 1, RF_PKI_CA_DAYS, &days))
		return RF_EXIT_USAGE;
	if (rf_cmd_flag(c, "file"))
		return rf_phone_add_file(c, (unsigned)days);
	if (!c->args)
		return rf_cmd_error(c, RF_EXIT_USAGE, "name the phone, or give --file with many");
	for (size_t i = 0; i < N; i++) {
		cells[i] = (struct rf_phone_cell){ columns[i], rf_view_str(i ? rf_cmd_opt(c, columns[i]) : c->arg[0]) };
		for (size_t k = 0; k < cells[i].text.n; k++)
			if (cells[i].text.p[k] < ' ' || cells[i].text.p[k] == 0x7f)
				return rf_cmd_error(c, RF_EXIT_USAGE, "a control character in the %s", columns[i]);
	}
	if (!cells[1].text.n)
		return rf_cmd_error(c, RF_EXIT_USAGE, "--number gives the phone its number");
	if (!rf_site_number_ok(cells[1].text))
		return rf_cmd_error(c, RF_EXIT_USAGE, "--number takes digits, at most %d, not \"%.*s\"",
				    RF_SITE_NUMBER_MAX, RF_VFMT(cells[1].text));
	int status = rf_phone_begin(c, true, &p);
	if (status)
		return status;
	if (p.phone)
		status = rf_cmd_error(c, RF_EXIT_USAGE,
				      "there is a phone \"%s\" already (%s:%u); `ringfort phone issue` gives "
				      "it a new certificate",
				      c->arg[0], rf_site_cstr(p.phone->pos.file ? p.site->phones_file : p.site->file),
				      p.phone->pos.line);
	else if (rf_site_is_emergency(p.site, cells[1].text))
		status = rf_cmd_error(c, RF_EXIT_USAGE, "%.*s is an emergency number; choose another",
				      RF_VFMT(cells[1].text));
	else
		status = add_line(&p, cells, N, (unsigned)days);
	return rf_phone_end(&p, status);
}

/* --- issue */

static int issue_all(struct rf_phone_cmd *p, unsigned days)
{
	size_t n = p->site->phone_count;
	struct rf_issue_row *rows = calloc(n + 1, sizeof *rows);

	if (!rows)
		return rf_cmd_error(p->c, RF_EXIT_FAILED, "out of memory");
	for (size_t i = 0; i < n; i++)
		rows[i] = (struct rf_issue_row){ p->site->phones[i].name, p->site->phones[i].number, { { 0 } } };
	int status = rf_issue_phones(p->c, p->ca, p->store, p->site, rows, n, days, false);

	free(rows);
	if (!status)
		status = rf_issue_crl(p->c, p->ca, p->store);
	if (status)
		return status;
	rf_cmd_record(p->c, &(struct rf_cmd_record){ RF_EVENT_CERTIFICATE_ISSUED, .count = n });
	if (p->c->json)
		return rf_cmd_json(p->c, json_pack("{s:I}", "issued", (json_int_t)n), RF_EXIT_YES);
	fprintf(p->c->out, "issued %zu certificates\n", n);
	return RF_EXIT_YES;
}

static int issue_one(struct rf_phone_cmd *p, unsigned days)
{
	struct rf_pki_id id;

	if (!p->phone)
		return rf_phone_missing(p);
	int status = rf_issue_phone(p->c, p->ca, p->store, p->site, p->name, p->phone->number, days, &id);
	if (!status)
		status = rf_issue_crl(p->c, p->ca, p->store);
	if (status)
		return status;
	rf_cmd_record(p->c,
		      &(struct rf_cmd_record){ RF_EVENT_CERTIFICATE_ISSUED, .phone = p->name, .certificate = &id });
	return tell_issued(p, p->phone->number, &id);
}

static int phone_issue(struct rf_cmd_ctx *c)
{
	bool all = rf_cmd_flag(c, "all");
	struct rf_phone_cmd p;
	uint64_t days = 0;

	if (all == (c->args == 1))
		return rf_cmd_error(c, RF_EXIT_USAGE, "name one phone, or --all");
	if (!rf_cmd_number(c, "days", 1, RF_PKI_CA_DAYS, &days))
		return RF_EXIT_USAGE;
	int status = rf_phone_begin(c, true, &p);
	if (status)
		return status;
	return rf_phone_end(&p, all ? issue_all(&p, (unsigned)days) : issue_one(&p, (unsigned)days));
}

/* --- remove */

static int remove_line(struct rf_phone_cmd *p)
{
	struct rf_phone_file file;
	char *bytes = NULL;
	size_t n = 0;

	if (!p->phone)
		return 0;
	if (!p->phone->pos.file)
		return rf_cmd_error(p->c, RF_EXIT_USAGE,
				    "phone \"%.*s\" stands in %s:%u; remove it there, then repeat this "
				    "command to revoke its certificate",
				    RF_VFMT(p->name), rf_site_cstr(p->site->file), p->phone->pos.line);
	int status = rf_phone_file_open(p->c, p->site, &file);
	if (status)
		return status;
	status = rf_phone_file_without(&file, p->phone->pos.line, &bytes, &n);
	if (!status) {
		status = rf_phone_file_check(&file, bytes, n);
		if (!status)
			status = rf_phone_file_write(&file, bytes, n);
		free(bytes);
	}
	rf_phone_file_close(&file);
	return status;
}

static int phone_remove(struct rf_cmd_ctx *c)
{
	struct rf_diag diag = { 0 };
	struct rf_phone_cmd p;
	size_t n = 0;
	int status = rf_phone_begin(c, true, &p);

	if (status)
		return status;
	/* Revoke first: should the rest fail, the phone is locked out rather than forgotten. */
	if (!p.phone || p.phone->pos.file) {
		if (rf_store_cert_revoke(p.store, false, p.name, c->clock.wall(c->clock.ctx), &n, &diag))
			status = rf_cmd_diag(c, &diag);
		else if (!p.phone && !n)
			status = rf_phone_missing(&p);
	}
	if (!status)
		status = remove_line(&p);
	if (!status)
		status = rf_issue_crl(c, p.ca, p.store);
	if (!status) {
		rf_issue_remove_files(c, p.name);
		if (p.phone)
			rf_cmd_number_left(c, p.phone->number);
		rf_cmd_record(c, &(struct rf_cmd_record){ RF_EVENT_PHONE_REMOVED, .phone = p.name, .count = n });
		if (c->json)
			status = rf_cmd_json(c, json_pack("{s:s, s:I}", "removed", c->arg[0], "revoked", (json_int_t)n),
					     RF_EXIT_YES);
		else
			fprintf(c->out, "phone %s removed, %zu certificate%s revoked\n", c->arg[0], n,
				n == 1 ? "" : "s");
	}
	return rf_phone_end(&p, status);
}

/* --- lock, unlock */

static int set_lock(struct rf_cmd_ctx *c, bool locked)
{
	struct rf_diag diag = { 0 };
	struct rf_phone_cmd p;
	int status = rf_phone_begin(c, false, &p);

	if (status)
		return status;
	if (!p.phone)
		status = rf_phone_missing(&p);
	else if (rf_store_phone_lock(p.store, p.name, locked, &diag))
		status = rf_cmd_diag(c, &diag);
	else
		rf_cmd_record(c, &(struct rf_cmd_record){ locked ? RF_EVENT_PHONE_LOCKED : RF_EVENT_PHONE_UNLOCKED,
							  .phone = p.name });
	if (status)
		return rf_phone_end(&p, status);
	if (c->json)
		status = rf_cmd_json(c, json_pack("{s:s, s:b}", "phone", c->arg[0], "locked", locked), RF_EXIT_YES);
	else
		fprintf(c->out, "phone %s %s\n", c->arg[0], locked ? "locked" : "unlocked");
	return rf_phone_end(&p, status);
}

static int phone_lock(struct rf_cmd_ctx *c)
{
	return set_lock(c, true);
}

static int phone_unlock(struct rf_cmd_ctx *c)
{
	return set_lock(c, false);
}

/* --- the table */

static const struct rf_cmd_opt add_opts[] = {
	{ "number", "N", "its number" },
	{ "location", "NAME", "where it stands: one of the site's locations" },
	{ "mac", "MAC", "its hardware address" },
	{ "switch", "NAME", "the switch that it is connected to" },
	{ "port", "PORT", "and the port there" },
	{ "label", "TEXT", "what its display says" },
	{ "days", "N", "how long its certificate is valid (default: two years)" },
	{ "file", "FILE",
	  "add all phones of this file instead (CSV, columns as in the phones file; -: standard input)" },
	{ 0 },
};
static const struct rf_cmd_opt issue_opts[] = {
	{ "all", NULL, "for every phone of the site" },
	{ "days", "N", "how long it is valid (default: two years)" },
	{ 0 },
};
static const struct rf_cmd_opt list_opts[] = { { "number", "N", "only phones with this number" }, { 0 } };
static const struct rf_cmd_opt config_opts[] = {
	{ "for", "KIND", "baresip or linphone" },
	{ "out", "DIR", "the folder to write", 'o' },
	{ "address", "ADDRESS", "where the phone reaches the controller (default: as in site.yaml)" },
	{ "port", "PORT", "and on which port" },
	{ "outside", NULL, "for use outside: it registers at the border" },
	{ "user", "NAME", "who uses it, when the site wants a password" },
	{ "password-stdin", NULL, "read that password from standard input instead of the terminal" },
	{ 0 },
};

#define ONE .args = "NAME", .min_args = 1, .max_args = 1

const struct rf_cmd rf_cmd_phone[] = {
	{ .name = "phone", .sub = "add", .args = "NAME", .max_args = 1, .summary = "add a phone and issue its certificate",
	  .opts = add_opts,
	  .help = "Adds a line to the phones file and writes pki/phones/NAME/cert.pem and key.pem. "
		  "With --file it does so for\n"
		  "every row of a file, for all or for none: ringfort phone add --file new-phones.csv",
	  .example = "ringfort phone add lobby-1 --number 1001 --location lobby", .run = phone_add, .changes = true },
	{ .name = "phone", .sub = "config", ONE, .summary = "write a configuration that the phone runs with",
	  .opts = config_opts,
	  .example = "ringfort phone config lobby-1 --for baresip -o lobby-1.baresip", .run = rf_phone_config_run },
	{ .name = "phone", .sub = "issue", .args = "NAME", .max_args = 1, .opts = issue_opts,
	  .summary = "issue a certificate anew and revoke the old one",
	  .example = "ringfort phone issue lobby-1", .run = phone_issue, .changes = true },
	{ .name = "phone", .sub = "list", .summary = "the phones of the site", .opts = list_opts,
	  .example = "ringfort phone list --json", .run = rf_phone_list },
	{ .name = "phone", .sub = "show", ONE, .summary = "one of them", .example = "ringfort phone show lobby-1",
	  .run = rf_phone_show },
	{ .name = "phone", .sub = "lock", ONE, .summary = "refuse a phone from now on",
	  .example = "ringfort phone lock lobby-1", .run = phone_lock, .changes = true },
	{ .name = "phone", .sub = "unlock", ONE, .summary = "accept it again",
	  .example = "ringfort phone unlock lobby-1", .run = phone_unlock, .changes = true },
	{ .name = "phone", .sub = "remove", ONE, .summary = "remove a phone and revoke its certificates",
	  .example = "ringfort phone remove lobby-1", .run = phone_remove, .changes = true },
	{ 0 },
};
