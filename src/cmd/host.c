/* ringfort host: certificates of the site's own servers. */
#include "cmd/cmd.h"
#include "cmd/issue.h"
#include "cmd/record.h"

#include <jansson.h>

static int host_issue(struct rf_cmd_ctx *c)
{
	uint64_t days = 0;
	struct rf_diag diag = { 0 };
	struct rf_store *store = NULL;
	struct rf_ca *ca = NULL;
	struct rf_pki_id id;
	int status = 0;

	if (!rf_cmd_number(c, "days", 1, RF_PKI_CA_DAYS, &days))
		return RF_EXIT_USAGE;
	struct rf_site *site = rf_cmd_site(c, &status);
	if (!site)
		return status;
	const struct rf_site_host *host = rf_site_host(site, rf_view_str(c->arg[0]));
	if (!host)
		status = rf_cmd_error(c, RF_EXIT_USAGE, "%s names no host \"%s\"", rf_site_cstr(site->file), c->arg[0]);
	else if (rf_ca_open(c->dir, &ca, &diag))
		status = rf_cmd_diag(c, &diag);
	else
		store = rf_cmd_store(c, &status);
	if (!status)
		status = rf_issue_host(c, ca, store, site, host, (unsigned)days, &id);
	if (!status)
		rf_cmd_record(c, &(struct rf_cmd_record){ RF_EVENT_CERTIFICATE_ISSUED, .host = host->name,
							  .certificate = &id });
	if (!status && c->json)
		status = rf_cmd_json(c, json_pack("{s:s, s:I}", "host", c->arg[0], "not_after", (json_int_t)id.not_after_s),
				     RF_EXIT_YES);
	else if (!status)
		fprintf(c->out, "issued " RF_PKI_HOSTS "/%s; restart what runs there to use it\n", c->arg[0]);
	rf_store_close(store);
	rf_ca_close(ca);
	rf_site_put(site);
	return status;
}

static const struct rf_cmd_opt opts[] = { { "days", "N", "how long it is valid (default: two years)" }, { 0 } };

const struct rf_cmd rf_cmd_host[] = {
	{ .name = "host", .sub = "issue", .args = "NAME", .min_args = 1, .max_args = 1, .opts = opts,
	  .summary = "issue a server's certificate anew", .example = "ringfort -C site host issue ctl-a",
	  .run = host_issue },
	{ 0 },
};
