/* ringfort host: certificates of the site's own servers. */
#include "cmd/cmd.h"
#include "cmd/issue.h"
#include "cmd/record.h"

#include <jansson.h>

/* What both commands work on. */
struct host_cmd {
	struct rf_site *site;
	struct rf_ca *ca;
	struct rf_store *store;
};

static int begin(struct rf_cmd_ctx *c, struct host_cmd *h)
{
	struct rf_diag diag = { 0 };
	int status = 0;

	*h = (struct host_cmd){ .site = rf_cmd_site(c, &status) };
	if (h->site && rf_ca_open(c->dir, &h->ca, &diag))
		status = rf_cmd_diag(c, &diag);
	else if (h->site)
		h->store = rf_cmd_store(c, &status);
	return status;
}

static void end(struct host_cmd *h)
{
	rf_store_close(h->store);
	rf_ca_close(h->ca);
	rf_site_put(h->site);
}

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

static int host_issue(struct rf_cmd_ctx *c)
{
	bool revoke = rf_cmd_opt(c, "revoke") != NULL;
	uint64_t days = 0;
	struct host_cmd h;
	struct rf_pki_id id;
	size_t n = 0;

	if (!rf_cmd_number(c, "days", 1, RF_PKI_CA_DAYS, &days))
		return RF_EXIT_USAGE;
	int status = begin(c, &h);
	const struct rf_site_host *host = status ? NULL : rf_site_host(h.site, rf_view_str(c->arg[0]));
	if (!host) {
		if (!status)
			status = rf_cmd_error(c, RF_EXIT_USAGE, "%s names no host \"%s\"", rf_site_cstr(h.site->file),
					      c->arg[0]);
		end(&h);
		return status;
	}
	/* The older ones first: should this end halfway, the host has none rather than a stolen one. */
	if (revoke)
		status = rf_issue_revoke_host(c, h.store, host->name, &n);
	if (!status)
		status = rf_issue_host(c, h.ca, h.store, h.site, host, (unsigned)days, &id);
	if (!status)
		status = rf_issue_crl(c, h.ca, h.store);
	if (!status && n)
		rf_cmd_record(c,
			      &(struct rf_cmd_record){ RF_EVENT_CERTIFICATE_REVOKED, .host = host->name, .count = n });
	if (!status)
		rf_cmd_record(c, &(struct rf_cmd_record){ RF_EVENT_CERTIFICATE_ISSUED, .host = host->name,
							  .certificate = &id });
	if (!status && c->json)
		status = rf_cmd_json(c,
				     json_pack("{s:s, s:I, s:I}", "host", c->arg[0], "not_after",
					       (json_int_t)id.not_after_s, "revoked", (json_int_t)n),
				     RF_EXIT_YES);
	else if (!status)
		fprintf(c->out,
			"issued " RF_PKI_HOSTS
			"/%s, %zu certificate%s revoked; what runs there takes it up by itself\n",
			c->arg[0], n, plural(n));
	end(&h);
	return status;
}

/* Also of a host that the site file names no more. */
static int host_revoke(struct rf_cmd_ctx *c)
{
	struct host_cmd h;
	size_t n = 0;
	int status = begin(c, &h);

	if (!status)
		status = rf_issue_revoke_host(c, h.store, rf_view_str(c->arg[0]), &n);
	if (!status && !n)
		status = rf_cmd_error(c, RF_EXIT_NO, "host %s has no certificate that is not revoked", c->arg[0]);
	if (!status)
		status = rf_issue_crl(c, h.ca, h.store);
	if (!status)
		rf_cmd_record(c, &(struct rf_cmd_record){ RF_EVENT_CERTIFICATE_REVOKED, .host = rf_view_str(c->arg[0]),
							  .count = n });
	if (!status && c->json)
		status = rf_cmd_json(c, json_pack("{s:s, s:I}", "host", c->arg[0], "revoked", (json_int_t)n),
				     RF_EXIT_YES);
	else if (!status)
		fprintf(c->out,
			"host %s: %zu certificate%s revoked; copy " RF_PKI_CRL " to the other hosts of the site\n",
			c->arg[0], n, plural(n));
	end(&h);
	return status;
}

static const struct rf_cmd_opt opts[] = {
	{ "days", "N", "how long it is valid (default: two years)" },
	{ "revoke", NULL, "revoke what the host had before: its key may be in other hands" },
	{ 0 }
};

const struct rf_cmd rf_cmd_host[] = {
	{ .name = "host", .sub = "issue", .args = "NAME", .min_args = 1, .max_args = 1, .opts = opts,
	  .summary = "issue a server's certificate anew", .example = "ringfort -C site host issue ctl-a",
	  .run = host_issue, .changes = true },
	{ .name = "host", .sub = "revoke", .args = "NAME", .min_args = 1, .max_args = 1,
	  .summary = "revoke a server's certificates", .example = "ringfort -C site host revoke edge",
	  .help = "For a host that was stolen or given away. Controllers, borders, relays and walls of the site end "
		  "its connections when\n"
		  "they have the new list, pki/crl.pem, and let it in no more; `host issue` gives it another.",
	  .run = host_revoke, .changes = true },
	{ 0 },
};
