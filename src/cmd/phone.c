/* ringfort phone: the phones of the site, their certificates and their configuration. Which phones exist stands in the
 * site file and its phones file; what was certified, revoked and locked stands in the directory. */
#include "base/secret.h"
#include "cmd/cmd.h"
#include "cmd/issue.h"
#include "cmd/phone_config.h"
#include "cmd/phone_file.h"
#include "cmd/phone_many.h"
#include "cmd/record.h"

#include <jansson.h>
#include <stdlib.h>

struct phone_cmd {
	const struct rf_cmd_ctx *c;
	struct rf_site *site;
	struct rf_store *store;
	struct rf_ca *ca;           /* when asked for */
	struct rf_view name;
	const struct rf_site_phone *phone; /* NULL: the site has none of that name */
};

static int end(struct phone_cmd *p, int status)
{
	rf_ca_close(p->ca);
	rf_store_close(p->store);
	rf_site_put(p->site);
	return status;
}

static int begin(const struct rf_cmd_ctx *c, bool with_ca, struct phone_cmd *p)
{
	struct rf_diag diag = { 0 };
	int status = 0;

	*p = (struct phone_cmd){ .c = c, .name = rf_view_str(c->args ? c->arg[0] : "") };
	if (c->args && !rf_site_name_ok(p->name))
		return rf_cmd_error(c, RF_EXIT_USAGE, "\"%s\" cannot be a phone's name; use letters, digits, '-', '_' and '.'",
				    c->arg[0]);
	p->site = rf_cmd_site(c, &status);
	if (p->site)
		p->store = rf_cmd_store(c, &status);
	if (p->store && with_ca && rf_ca_open(c->dir, &p->ca, &diag))
		status = rf_cmd_diag(c, &diag);
	if (status)
		return end(p, status);
	p->phone = rf_site_phone(p->site, p->name);
	return 0;
}

static int no_such_phone(const struct phone_cmd *p)
{
	return rf_cmd_error(p->c, RF_EXIT_USAGE, "there is no phone \"%.*s\"; `ringfort phone list` shows them",
			    RF_VFMT(p->name));
}

/* --- add */

static int tell_issued(const struct phone_cmd *p, struct rf_view number, const struct rf_pki_id *id)
{
	const struct rf_cmd_ctx *c = p->c;
	struct rf_wall until = { id->not_after_s * 1000000 };
	char text[RF_WALL_TEXT];

	rf_wall_text(until, text);
	if (c->json)
		return rf_cmd_json(c, json_pack("{s:o, s:o, s:s, s:s, s:s}", "phone", rf_cmd_json_view(p->name), "number",
						rf_cmd_json_view(number), "uri", id->uri, "urn", id->urn, "not_after", text),
				   RF_EXIT_YES);
	fprintf(c->out, "phone %.*s: %s, certificate until %.10s in " RF_PKI_PHONES "/%.*s\n", RF_VFMT(p->name), id->uri,
		text, RF_VFMT(p->name));
	return RF_EXIT_YES;
}

/* The file is checked first and changed last: a certificate without a line proves nobody. */
static int add_line(struct phone_cmd *p, const struct rf_phone_cell *cells, size_t n, unsigned days)
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
	struct phone_cmd p;
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
		return rf_cmd_error(c, RF_EXIT_USAGE, "--number takes digits, at most %d, not \"%.*s\"", RF_SITE_NUMBER_MAX,
				    RF_VFMT(cells[1].text));
	int status = begin(c, true, &p);
	if (status)
		return status;
	if (p.phone)
		status = rf_cmd_error(c, RF_EXIT_USAGE, "there is a phone \"%s\" already (%s:%u); `ringfort phone issue` gives "
							"it a new certificate", c->arg[0],
				      rf_site_cstr(p.phone->pos.file ? p.site->phones_file : p.site->file),
				      p.phone->pos.line);
	else if (rf_site_is_emergency(p.site, cells[1].text))
		status = rf_cmd_error(c, RF_EXIT_USAGE, "%.*s is an emergency number; choose another",
				      RF_VFMT(cells[1].text));
	else
		status = add_line(&p, cells, N, (unsigned)days);
	return end(&p, status);
}

/* --- issue */

static int issue_all(struct phone_cmd *p, unsigned days)
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

static int issue_one(struct phone_cmd *p, unsigned days)
{
	struct rf_pki_id id;

	if (!p->phone)
		return no_such_phone(p);
	int status = rf_issue_phone(p->c, p->ca, p->store, p->site, p->name, p->phone->number, days, &id);
	if (!status)
		status = rf_issue_crl(p->c, p->ca, p->store);
	if (status)
		return status;
	rf_cmd_record(p->c, &(struct rf_cmd_record){ RF_EVENT_CERTIFICATE_ISSUED, .phone = p->name, .certificate = &id });
	return tell_issued(p, p->phone->number, &id);
}

static int phone_issue(struct rf_cmd_ctx *c)
{
	bool all = rf_cmd_flag(c, "all");
	struct phone_cmd p;
	uint64_t days = 0;

	if (all == (c->args == 1))
		return rf_cmd_error(c, RF_EXIT_USAGE, "name one phone, or --all");
	if (!rf_cmd_number(c, "days", 1, RF_PKI_CA_DAYS, &days))
		return RF_EXIT_USAGE;
	int status = begin(c, true, &p);
	if (status)
		return status;
	return end(&p, all ? issue_all(&p, (unsigned)days) : issue_one(&p, (unsigned)days));
}

/* --- remove */

static int remove_line(struct phone_cmd *p)
{
	struct rf_phone_file file;
	char *bytes = NULL;
	size_t n = 0;

	if (!p->phone)
		return 0;
	if (!p->phone->pos.file)
		return rf_cmd_error(p->c, RF_EXIT_USAGE, "phone \"%.*s\" stands in %s:%u; remove it there, then repeat this "
							 "command to revoke its certificate", RF_VFMT(p->name),
				    rf_site_cstr(p->site->file), p->phone->pos.line);
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
	struct phone_cmd p;
	size_t n = 0;
	int status = begin(c, true, &p);

	if (status)
		return status;
	/* Revoke first: should the rest fail, the phone is locked out rather than forgotten. */
	if (!p.phone || p.phone->pos.file) {
		if (rf_store_cert_revoke(p.store, false, p.name, c->clock.wall(c->clock.ctx), &n, &diag))
			status = rf_cmd_diag(c, &diag);
		else if (!p.phone && !n)
			status = no_such_phone(&p);
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
			fprintf(c->out, "phone %s removed, %zu certificate%s revoked\n", c->arg[0], n, n == 1 ? "" : "s");
	}
	return end(&p, status);
}

/* --- lock, unlock */

static int set_lock(struct rf_cmd_ctx *c, bool locked)
{
	struct rf_diag diag = { 0 };
	struct phone_cmd p;
	int status = begin(c, false, &p);

	if (status)
		return status;
	if (!p.phone)
		status = no_such_phone(&p);
	else if (rf_store_phone_lock(p.store, p.name, locked, &diag))
		status = rf_cmd_diag(c, &diag);
	else
		rf_cmd_record(c, &(struct rf_cmd_record){ locked ? RF_EVENT_PHONE_LOCKED : RF_EVENT_PHONE_UNLOCKED,
							  .phone = p.name });
	if (status)
		return end(&p, status);
	if (c->json)
		status = rf_cmd_json(c, json_pack("{s:s, s:b}", "phone", c->arg[0], "locked", locked), RF_EXIT_YES);
	else
		fprintf(c->out, "phone %s %s\n", c->arg[0], locked ? "locked" : "unlocked");
	return end(&p, status);
}

static int phone_lock(struct rf_cmd_ctx *c)
{
	return set_lock(c, true);
}

static int phone_unlock(struct rf_cmd_ctx *c)
{
	return set_lock(c, false);
}

/* --- list, show */

struct status_of {
	const struct rf_site *site;
	int64_t *until_s;  /* by index in site->phones: end of the valid certificate, 0: none */
	bool *locked;
};

static int see_cert(void *ctx, const struct rf_store_cert *cert)
{
	struct status_of *s = ctx;
	const struct rf_site_phone *p = cert->host || cert->revoked ? NULL : rf_site_phone(s->site, cert->phone);

	if (p)
		s->until_s[p - s->site->phones] = cert->not_after.us / 1000000;
	return 0;
}

static int see_lock(void *ctx, struct rf_view name)
{
	struct status_of *s = ctx;
	const struct rf_site_phone *p = rf_site_phone(s->site, name);

	if (p)
		s->locked[p - s->site->phones] = true;
	return 0;
}

static json_t *phone_json(const struct phone_cmd *p, const struct rf_site_phone *x, const struct status_of *s)
{
	size_t i = (size_t)(x - p->site->phones);
	char urn[RF_SITE_URN], until[RF_WALL_TEXT];
	struct rf_wall t = { s->until_s[i] * 1000000 };

	rf_site_urn(p->site, x->name, urn);
	rf_wall_text(t, until);
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:b, s:o}", "name", rf_cmd_json_view(x->name), "number",
			 rf_cmd_json_view(x->number), "location", rf_cmd_json_view(x->location_name), "mac",
			 rf_cmd_json_view(x->mac_text), "switch", rf_cmd_json_view(x->switch_name), "port",
			 rf_cmd_json_view(x->port), "label", rf_cmd_json_view(x->label), "urn", urn, "locked", s->locked[i],
			 "certificate_until", s->until_s[i] ? json_string(until) : json_null());
}

static void phone_line(const struct phone_cmd *p, const struct rf_site_phone *x, const struct status_of *s)
{
	size_t i = (size_t)(x - p->site->phones);
	char until[RF_WALL_TEXT];
	struct rf_wall t = { s->until_s[i] * 1000000 };

	rf_wall_text(t, until);
	fprintf(p->c->out, "%-20s %-12s %-16s %-7s ", rf_site_cstr(x->name), rf_site_cstr(x->number),
		x->location_name.n ? rf_site_cstr(x->location_name) : "-", s->locked[i] ? "locked" : "active");
	if (s->until_s[i])
		fprintf(p->c->out, "certificate until %.10s\n", until);
	else
		fputs("no certificate\n", p->c->out);
}

static void phone_page(const struct phone_cmd *p, const struct rf_site_phone *x)
{
	const struct rf_site_location *l = x->location;
	char urn[RF_SITE_URN];

	rf_site_urn(p->site, x->name, urn);
	fprintf(p->c->out, "  uri       sip:%s@%s\n  device    %s\n", rf_site_cstr(x->number),
		rf_site_cstr(p->site->domain), urn);
	if (l)
		fprintf(p->c->out, "  location  %s, floor %s, room %s, %s\n", rf_site_cstr(l->building), rf_site_cstr(l->floor),
			rf_site_cstr(l->room), rf_site_cstr(l->address));
	if (x->mac_text.n || x->switch_name.n)
		fprintf(p->c->out, "  network   mac %s, switch %s port %s\n", rf_site_cstr(x->mac_text),
			rf_site_cstr(x->switch_name), rf_site_cstr(x->port));
	fprintf(p->c->out, "  stands in %s:%u\n", rf_site_cstr(x->pos.file ? p->site->phones_file : p->site->file),
		x->pos.line);
}

static int print_phones(const struct phone_cmd *p, const struct status_of *s, const char *number)
{
	json_t *rows = p->c->json ? json_array() : NULL;
	size_t shown = 0;

	for (size_t i = 0; i < p->site->phone_count; i++) {
		const struct rf_site_phone *x = &p->site->phones[i];

		if ((p->phone && x != p->phone) || (number && !rf_view_eq(rf_view_str(number), x->number)))
			continue;
		shown++;
		if (rows)
			json_array_append_new(rows, phone_json(p, x, s));
		else
			phone_line(p, x, s);
		if (!rows && p->phone)
			phone_page(p, x);
	}
	if (rows)
		return rf_cmd_json(p->c, json_pack("{s:o}", "phones", rows), RF_EXIT_YES);
	if (!shown)
		fputs("no phones; `ringfort phone add NAME --number N` adds one\n", p->c->out);
	return RF_EXIT_YES;
}

static int show(struct rf_cmd_ctx *c, bool one)
{
	struct rf_diag diag = { 0 };
	struct phone_cmd p;
	int status = begin(c, false, &p);

	if (status)
		return status;
	if (one && !p.phone)
		return end(&p, rf_cmd_error(c, RF_EXIT_NO, "there is no phone \"%s\"; `ringfort phone list` shows them",
					    c->arg[0]));
	size_t n = p.site->phone_count + 1;
	struct status_of s = { p.site, calloc(n, sizeof *s.until_s), calloc(n, sizeof *s.locked) };
	if (!s.until_s || !s.locked)
		status = rf_cmd_error(c, RF_EXIT_FAILED, "out of memory");
	else if (rf_store_certs(p.store, see_cert, &s, &diag) || rf_store_phone_locks(p.store, see_lock, &s, &diag))
		status = rf_cmd_diag(c, &diag);
	else
		status = print_phones(&p, &s, one ? NULL : rf_cmd_opt(c, "number"));
	free(s.until_s);
	free(s.locked);
	return end(&p, status);
}

static int phone_list(struct rf_cmd_ctx *c)
{
	return show(c, false);
}

static int phone_show(struct rf_cmd_ctx *c)
{
	return show(c, true);
}

/* --- config */

/* Where the controller listens, unless the command says. TLS before the others, those for browsers last. */
static int find_controller(const struct phone_cmd *p, struct rf_phone_config *config)
{
	const struct rf_site *s = p->site;
	const struct rf_site_listen *best = &s->sip.listen[0]; /* a site has at least one */
	uint64_t port = 0;

	for (size_t i = 1; i < s->sip.listens; i++)
		if (s->sip.listen[i].transport < best->transport)
			best = &s->sip.listen[i];
	if (best->transport > RF_TRANSPORT_UDP)
		return rf_cmd_error(p->c, RF_EXIT_NO, "this site listens for phones in browsers only: add an entry with "
						      "transport: tls to sip.listen");
	config->transport = best->transport;
	config->port = best->port;
	config->address = best->address_text.n ? rf_site_cstr(best->address_text) : NULL;
	for (size_t i = 0; !config->address && i < s->host_count; i++)
		if (s->hosts[i].roles & RF_ROLE_CONTROLLER && !s->hosts[i].standby_for.n)
			config->address = rf_site_cstr(s->hosts[i].address_text);
	if (rf_cmd_opt(p->c, "address"))
		config->address = rf_cmd_opt(p->c, "address");
	if (!rf_cmd_number(p->c, "port", 1, 65535, &port))
		return RF_EXIT_USAGE;
	if (port)
		config->port = (unsigned)port;
	if (config->address && !config->address[strspn(config->address, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
									"0123456789.:-")] && config->address[0])
		return 0;
	return rf_cmd_error(p->c, RF_EXIT_USAGE, "--address says where the controller is: a host name or an address");
}

/* Where a border listens for phones outside. */
static int find_border(const struct phone_cmd *p, struct rf_phone_config *config)
{
	const struct rf_site_host *border = NULL;

	if (!p->phone->roams)
		return rf_cmd_error(p->c, RF_EXIT_NO, "phone \"%s\" may not come from outside: name it in  roaming: { phones: [...] }",
				    rf_site_cstr(p->phone->name));
	for (size_t i = 0; i < p->site->host_count; i++) {
		const struct rf_site_host *h = &p->site->hosts[i];

		if (h->roles & RF_ROLE_BORDER && (!border || border->standby_for.n))
			border = h;
	}
	const struct rf_site_outside *o = border ? &border->outside : NULL;

	config->transport = RF_TRANSPORT_TLS;
	config->port = 5061;
	config->address = !o ? NULL : rf_site_cstr(o->advertised_text.n ? o->advertised_text : o->address_text.n ? o->address_text :
						   o->address6_text.n ? o->address6_text : border->address_text);
	return config->address ? 0 : rf_cmd_error(p->c, RF_EXIT_NO, "this site has no border");
}

/* Who answers the challenge, when one will come. */
static int find_user(const struct phone_cmd *p, struct rf_phone_config *config)
{
	const struct rf_policy *policy = &p->site->policy;

	config->user = rf_cmd_opt(p->c, "user");
	if (!config->user && policy->require_user)
		return rf_cmd_error(p->c, RF_EXIT_USAGE, "this site requires a user's password as well; add --user NAME");
	if (!config->user)
		return 0;
	if (!rf_site_name_ok(rf_view_str(config->user)))
		return rf_cmd_error(p->c, RF_EXIT_USAGE, "--user takes a user's name, not \"%s\"", config->user);
	return rf_cmd_password(p->c, rf_cmd_flag(p->c, "password-stdin"), false, 1, &config->password);
}

static int tell_config(const struct rf_phone_config *config, const char *kind)
{
	const struct rf_cmd_ctx *c = config->c;
	bool baresip = strcmp(kind, "baresip") == 0;

	if (c->json)
		return rf_cmd_json(c, json_pack("{s:s, s:s, s:s, s:i}", "for", kind, "dir", config->out, "address",
						config->address, "port", (int)config->port), RF_EXIT_YES);
	fprintf(c->out, "wrote %s; keep it private: it holds the phone's key\n", config->out);
	if (baresip)
		fprintf(c->out, "start: baresip -f %s\n", config->out);
	else
		fprintf(c->out, "start: HOME=%s linphonec -c %s/linphonerc\n", config->out, config->out);
	return RF_EXIT_YES;
}

static int phone_config(struct rf_cmd_ctx *c)
{
	const char *kind = rf_cmd_opt(c, "for"), *out = rf_cmd_opt(c, "out");
	struct phone_cmd p;

	if (!kind || !rf_phone_config_kind(kind))
		return rf_cmd_error(c, RF_EXIT_USAGE, "--for takes baresip or linphone");
	if (!out || !*out)
		return rf_cmd_error(c, RF_EXIT_USAGE, "-o says which folder to write");
	int status = begin(c, false, &p);
	if (status)
		return status;
	struct rf_phone_config config = { .c = c, .site = p.site, .phone = p.phone, .out = out };
	if (!p.phone)
		status = no_such_phone(&p);
	if (!status)
		status = rf_cmd_flag(c, "outside") ? find_border(&p, &config) : find_controller(&p, &config);
	if (!status)
		status = find_user(&p, &config);
	if (!status)
		status = rf_phone_config_write(&config, kind);
	if (!status)
		status = tell_config(&config, kind);
	rf_secret_wipe(&config.password, sizeof config.password);
	return end(&p, status);
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
	{ "file", "FILE", "add all phones of this file instead (CSV, columns as in the phones file; -: standard input)" },
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
	  .help = "Adds a line to the phones file and writes pki/phones/NAME/cert.pem and key.pem. With --file it does so for\n"
		  "every row of a file, for all or for none: ringfort phone add --file new-phones.csv",
	  .example = "ringfort phone add lobby-1 --number 1001 --location lobby", .run = phone_add, .changes = true },
	{ .name = "phone", .sub = "config", ONE, .summary = "write a configuration that the phone runs with",
	  .opts = config_opts,
	  .example = "ringfort phone config lobby-1 --for baresip -o lobby-1.baresip", .run = phone_config },
	{ .name = "phone", .sub = "issue", .args = "NAME", .max_args = 1, .opts = issue_opts,
	  .summary = "issue a certificate anew and revoke the old one",
	  .example = "ringfort phone issue lobby-1", .run = phone_issue, .changes = true },
	{ .name = "phone", .sub = "list", .summary = "the phones of the site", .opts = list_opts,
	  .example = "ringfort phone list --json", .run = phone_list },
	{ .name = "phone", .sub = "show", ONE, .summary = "one of them", .example = "ringfort phone show lobby-1",
	  .run = phone_show },
	{ .name = "phone", .sub = "lock", ONE, .summary = "refuse a phone from now on",
	  .example = "ringfort phone lock lobby-1", .run = phone_lock, .changes = true },
	{ .name = "phone", .sub = "unlock", ONE, .summary = "accept it again",
	  .example = "ringfort phone unlock lobby-1", .run = phone_unlock, .changes = true },
	{ .name = "phone", .sub = "remove", ONE, .summary = "remove a phone and revoke its certificates",
	  .example = "ringfort phone remove lobby-1", .run = phone_remove, .changes = true },
	{ 0 },
};
