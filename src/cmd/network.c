#include "cmd/network.h"

#include "base/secret.h"
#include "pki/seed.h"

/* What was found, and the status it means. With --json an error is one object, as every command has it. */
static int tell(const struct rf_cmd_ctx *c, struct rf_findings *f, int rc)
{
	struct rf_diag diag = { 0 };
	int status = 0;

	rf_findings_sort(f);
	if (rc && (c->json || !f->count[RF_SEV_ERROR])) {
		if (rc != RF_E_INVALID || !rf_findings_diag(f, &diag))
			rf_diag_set(&diag, rc, "cannot make the network's rules: %s", rf_err_text(rc));
		status = rf_cmd_diag(c, &diag);
	} else if (rc) {
		status = RF_EXIT_USAGE;
	}
	if (!c->json)
		rf_findings_print(f, c->err);
	rf_findings_fini(f);
	return status;
}

int rf_cmd_network(const struct rf_cmd_ctx *c, struct rf_cmd_network *ret_net)
{
	struct rf_cmd_network net = { 0 };
	struct rf_findings f;
	int status = 0;

	net.site = rf_cmd_site(c, &status);
	if (!net.site)
		return status;
	rf_findings_init(&f);
	int rc = rf_flows_make(net.site, c->clock.wall(c->clock.ctx), &f, &net.flows);
	status = tell(c, &f, rc);
	if (!rc && (rc = rf_rules_make(&net.flows, &net.book)) != 0) {
		status = rf_cmd_error(c, RF_EXIT_FAILED, "cannot make the network's rules: %s", rf_err_text(rc));
		rf_flows_fini(&net.flows);
	}
	if (rc)
		rf_site_put(net.site);
	else
		*ret_net = net;
	return status;
}

void rf_cmd_network_end(struct rf_cmd_network *net)
{
	rf_rules_fini(&net->book);
	rf_flows_fini(&net->flows);
	rf_site_put(net->site);
}

int rf_cmd_bundle(const struct rf_cmd_ctx *c, const struct rf_cmd_network *net, const char *only, bool make_seed,
		  struct rf_bundle *ret_bundle)
{
	uint8_t bytes[RF_PKI_SEED_BYTES];
	struct rf_view seed = { 0 };
	struct rf_diag diag = { 0 };
	struct rf_findings f;

	int rc = rf_pki_seed(c->dir, make_seed, bytes, &diag);
	if (rc && rc != -ENOENT)
		return rf_cmd_diag(c, &diag);
	if (!rc)
		seed = rf_view_of(bytes, sizeof bytes);
	rf_findings_init(&f);
	rc = rf_bundle_make(net->site, &net->flows, &net->book, seed, only, &f, ret_bundle);
	rf_secret_wipe(bytes, sizeof bytes);
	return tell(c, &f, rc);
}
