/* ringfort stir: certificates of other organisations, kept by the URL that their signed calls name. */
#include "cmd/record.h"

#include "pki/stir.h"
#include "pki/stir_store.h"
#include "sip/identity_hdr.h"

#include <jansson.h>
#include <stdlib.h>

/* The trust file of the site; NULL after telling the user. */
static struct rf_stir_trust *trust_of(const struct rf_cmd_ctx *c, int *ret_status)
{
	struct rf_site *site = rf_cmd_site(c, ret_status);
	struct rf_stir_trust *trust = NULL;
	struct rf_diag diag = { 0 };

	if (!site)
		return NULL;
	if (!site->tel.stir.trust.n) {
		*ret_status = rf_cmd_error(c, RF_EXIT_USAGE,
					   "nobody is trusted yet: add  stir: { trust: FILE }  to site.yaml, "
					   "a PEM file of the authorities that are believed");
	} else {
		char *path = rf_cmd_path(c, rf_site_cstr(site->tel.stir.trust));

		if (rf_stir_trust_load(path, &trust, &diag))
			*ret_status = rf_cmd_diag(c, &diag);
		free(path);
	}
	rf_site_put(site);
	return trust;
}

static struct rf_view read_pem(const char *path, char *buf, size_t cap)
{
	FILE *f = fopen(path, "re");
	size_t n = f ? fread(buf, 1, cap, f) : 0;

	if (f)
		fclose(f);
	return rf_view_of(buf, n);
}

static int add(struct rf_cmd_ctx *c)
{
	struct rf_view url = rf_view_str(c->arg[0]), host;
	static char buf[RF_STIR_CERT_BYTES + 1];
	struct rf_view pem = read_pem(c->arg[1], buf, sizeof buf);
	struct rf_stir_cert *cert = NULL;
	struct rf_diag diag = { 0 };
	int status = RF_EXIT_YES;

	if (rf_identity_info_host(url, &host))
		return rf_cmd_error(c, RF_EXIT_USAGE,
				    "%s is no URL that a certificate is named by: https://host/path, port 443 or 8443",
				    c->arg[0]);
	if (pem.n == 0)
		return rf_cmd_error(c, RF_EXIT_USAGE, "%s cannot be read, or is empty", c->arg[1]);
	struct rf_stir_trust *trust = trust_of(c, &status);

	if (!trust)
		return status;
	if (rf_stir_cert_new(pem, trust, c->clock.wall(c->clock.ctx), &cert, &diag))
		status = rf_cmd_error(c, RF_EXIT_NO, "%s is not believed: %s", c->arg[1], diag.text);
	else if (rf_stir_store_put(c->dir, url, pem, &diag))
		status = rf_cmd_diag(c, &diag);
	else
		rf_cmd_record(c, &(struct rf_cmd_record){ .kind = RF_EVENT_STIR_ADDED, .url = url });
	if (!status && !c->json)
		fprintf(c->out, "kept: calls signed under %s are judged by %s\n", c->arg[0], c->arg[1]);
	else if (!status)
		status = rf_cmd_json(c, json_pack("{s:b,s:s}", "kept", 1, "url", c->arg[0]), status);
	rf_stir_cert_free(cert);
	rf_stir_trust_put(trust);
	return status;
}

static int drop(struct rf_cmd_ctx *c)
{
	struct rf_diag diag = { 0 };

	if (rf_stir_store_remove(c->dir, rf_view_str(c->arg[0]), &diag))
		return rf_cmd_diag(c, &diag);
	rf_cmd_record(c, &(struct rf_cmd_record){ .kind = RF_EVENT_STIR_REMOVED, .url = rf_view_str(c->arg[0]) });
	if (c->json)
		return rf_cmd_json(c, json_pack("{s:b,s:s}", "removed", 1, "url", c->arg[0]), RF_EXIT_YES);
	fprintf(c->out, "removed: %s\n", c->arg[0]);
	return RF_EXIT_YES;
}

struct listing {
	const struct rf_cmd_ctx *c;
	struct rf_stir_trust *trust;
	json_t *rows;
};

static int show(void *arg, struct rf_view url, struct rf_view pem)
{
	struct listing *l = arg;
	struct rf_stir_cert *cert = NULL;
	struct rf_diag diag = { 0 };
	bool good = rf_stir_cert_new(pem, l->trust, l->c->clock.wall(l->c->clock.ctx), &cert, &diag) == 0;

	rf_stir_cert_free(cert);
	if (l->rows)
		return json_array_append_new(l->rows, json_pack("{s:o,s:b,s:s}", "url", rf_cmd_json_view(url), "believed", good,
								"why", diag.text)) ? -ENOMEM : 0;
	fprintf(l->c->out, "%.*s  %s\n", RF_VFMT(url), good ? "believed" : diag.text);
	return 0;
}

static int list(struct rf_cmd_ctx *c)
{
	struct rf_diag diag = { 0 };
	int status = RF_EXIT_YES;
	struct listing l = { .c = c, .trust = trust_of(c, &status), .rows = c->json ? json_array() : NULL };

	if (l.trust && rf_stir_store_each(c->dir, show, &l, &diag))
		status = rf_cmd_diag(c, &diag);
	else if (l.trust && c->json)
		status = rf_cmd_json(c, json_pack("{s:O}", "certificates", l.rows), status);
	json_decref(l.rows);
	rf_stir_trust_put(l.trust);
	return status;
}

const struct rf_cmd rf_cmd_stir[] = {
	{ .name = "stir", .sub = "add", .args = "URL FILE", .min_args = 2, .max_args = 2, .changes = true,
	  .summary = "keep another organisation's certificate for signed calls",
	  .help = "URL is what its signed calls name (info and x5u), FILE the chain in PEM, its "
		  "signer's certificate first.\n"
		  "It must lead to an authority in the site's stir.trust file. Replaces what was kept for URL.",
	  .example = "ringfort -C site stir add https://cert.carrier.example/2027.pem carrier.pem", .run = add },
	{ .name = "stir", .sub = "remove", .args = "URL", .min_args = 1, .max_args = 1, .changes = true,
	  .summary = "forget a certificate for signed calls",
	  .example = "ringfort -C site stir remove https://cert.carrier.example/2027.pem", .run = drop },
	{ .name = "stir", .sub = "list", .summary = "the certificates kept for signed calls, and "
						    "whether they are believed",
	  .example = "ringfort -C site stir list", .run = list },
	{ 0 }
};
