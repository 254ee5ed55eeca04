/* ringfort phone list, phone show. */
#include "cmd/cmd.h"
#include "cmd/phone_int.h"
#include "store/store.h"

#include <jansson.h>
#include <stdlib.h>

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

static json_t *phone_json(const struct rf_phone_cmd *p, const struct rf_site_phone *x, const struct status_of *s)
{
	size_t i = (size_t)(x - p->site->phones);
	char urn[RF_SITE_URN], until[RF_WALL_TEXT];
	struct rf_wall t = { s->until_s[i] * 1000000 };

	rf_site_urn(p->site, x->name, urn);
	rf_wall_text(t, until);
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:b, s:o}", "name", rf_cmd_json_view(x->name),
			 "number", rf_cmd_json_view(x->number), "location", rf_cmd_json_view(x->location_name), "mac",
			 rf_cmd_json_view(x->mac_text), "switch", rf_cmd_json_view(x->switch_name), "port",
			 rf_cmd_json_view(x->port), "label", rf_cmd_json_view(x->label), "urn", urn, "locked",
			 s->locked[i], "certificate_until", s->until_s[i] ? json_string(until) : json_null());
}

static void phone_line(const struct rf_phone_cmd *p, const struct rf_site_phone *x, const struct status_of *s)
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

static void phone_page(const struct rf_phone_cmd *p, const struct rf_site_phone *x)
{
	const struct rf_site_location *l = x->location;
	char urn[RF_SITE_URN];

	rf_site_urn(p->site, x->name, urn);
	fprintf(p->c->out, "  uri       sip:%s@%s\n  device    %s\n", rf_site_cstr(x->number),
		rf_site_cstr(p->site->domain), urn);
	if (l)
		fprintf(p->c->out, "  location  %s, floor %s, room %s, %s\n", rf_site_cstr(l->building),
			rf_site_cstr(l->floor), rf_site_cstr(l->room), rf_site_cstr(l->address));
	if (x->mac_text.n || x->switch_name.n)
		fprintf(p->c->out, "  network   mac %s, switch %s port %s\n", rf_site_cstr(x->mac_text),
			rf_site_cstr(x->switch_name), rf_site_cstr(x->port));
	fprintf(p->c->out, "  stands in %s:%u\n", rf_site_cstr(x->pos.file ? p->site->phones_file : p->site->file),
		x->pos.line);
}

static int print_phones(const struct rf_phone_cmd *p, const struct status_of *s, const char *number)
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
	struct rf_phone_cmd p;
	int status = rf_phone_begin(c, false, &p);

	if (status)
		return status;
	if (one && !p.phone)
		return rf_phone_end(&p, rf_cmd_error(c, RF_EXIT_NO,
						     "there is no phone \"%s\"; `ringfort phone list` shows them",
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
	return rf_phone_end(&p, status);
}

int rf_phone_list(struct rf_cmd_ctx *c)
{
	return show(c, false);
}

int rf_phone_show(struct rf_cmd_ctx *c)
{
	return show(c, true);
}
