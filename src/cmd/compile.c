/* ringfort compile: every device's configuration, from the site file alone. */
#include "cmd/compile_diff.h"
#include "cmd/network.h"
#include "pki/bundle.h"

#include <jansson.h>
#include <stdlib.h>

/* --only, as the first part of paths. */
static int only_of(const struct rf_cmd_ctx *c, const char **ret)
{
	static const char *const parts[][2] = {
		{ "routers", "routers/" }, { "hosts", "hosts/" }, { "switches", "switches/" },
		{ "services", "services/" },
	};
	const char *only = rf_cmd_opt(c, "only");

	*ret = NULL;
	if (!only)
		return 0;
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		if (strcmp(only, parts[i][0]) == 0) {
			*ret = parts[i][1];
			return 0;
		}
	return rf_cmd_error(c, RF_EXIT_USAGE, "--only takes routers, hosts, switches or services, not \"%s\"", only);
}

/* Without the CA's key this is not the administrator's host: who wants the files all the same says so. */
static int sign(const struct rf_cmd_ctx *c, const struct rf_bundle *bundle, char **ret_sig)
{
	struct rf_diag diag = { 0 };
	struct rf_ca *ca;

	*ret_sig = NULL;
	if (rf_cmd_flag(c, "unsigned"))
		return 0;
	int rc = rf_ca_open(c->dir, &ca, &diag);
	if (rc == -ENOENT || rc == -EACCES)
		return rf_cmd_error(c, RF_EXIT_FAILED,
				    "no key to sign the bundle with (%s: %s); `ringfort init` makes the CA, or "
				    "--unsigned leaves the signature out",
				    diag.file, diag.text);
	if (!rc) {
		rc = rf_pki_bundle_sign(ca, bundle->manifest, c->clock.wall(c->clock.ctx), ret_sig, &diag);
		rf_ca_close(ca);
	}
	return rc ? rf_cmd_diag(c, &diag) : 0;
}

/* The signature that is there, when it holds for this MANIFEST: signing anew would change a file for nothing. */
static char *kept_signature(const struct rf_cmd_ctx *c, const char *out, const struct rf_bundle *bundle)
{
	char *ca = rf_cmd_path(c, RF_PKI_CA_CERT), *sig = NULL;
	struct rf_folder old;
	struct rf_wall when;

	if (!rf_cmd_flag(c, "unsigned") && rf_folder_read(out, false, &old, NULL) == 0) {
		if (rf_view_eq(old.manifest_text, bundle->manifest) && old.signature.n &&
		    rf_pki_bundle_verify(ca, bundle->manifest, old.signature, &when, NULL) == 0)
			sig = strndup((const char *)old.signature.p, old.signature.n);
		rf_folder_fini(&old);
	}
	free(ca);
	return sig;
}

static int tell(const struct rf_cmd_ctx *c, const char *out, const struct rf_folder_written *w, bool is_signed)
{
	if (c->json)
		return rf_cmd_json(c,
				   json_pack("{s:s, s:I, s:I, s:I, s:b}", "out", out, "files", (json_int_t)w->files,
					     "changed", (json_int_t)w->changed, "removed", (json_int_t)w->removed,
					     "signed", is_signed),
				   RF_EXIT_YES);
	fprintf(c->out, "%s: %zu files, %zu changed, %zu removed, %s\n", out, w->files, w->changed, w->removed,
		is_signed ? "signed" : "not signed");
	return RF_EXIT_YES;
}

static int write_bundle(const struct rf_cmd_ctx *c, const char *out, const struct rf_bundle *bundle)
{
	struct rf_folder_written w = { 0 };
	struct rf_diag diag = { 0 };
	char *sig = kept_signature(c, out, bundle);
	int status = sig ? 0 : sign(c, bundle, &sig);

	if (!status && rf_folder_write(out, bundle, rf_view_str(sig), &w, &diag))
		status = rf_cmd_diag(c, &diag);
	if (!status)
		status = tell(c, out, &w, sig != NULL);
	free(sig);
	return status;
}

static int show_diff(const struct rf_cmd_ctx *c, const char *dir, const struct rf_bundle *bundle)
{
	struct rf_diag diag = { 0 };
	struct rf_folder old;

	if (rf_folder_read(dir, false, &old, &diag))
		return rf_cmd_diag(c, &diag);
	int status = rf_cmd_compile_diff(c, dir, &old, bundle);
	rf_folder_fini(&old);
	return status;
}

static int compile(struct rf_cmd_ctx *c)
{
	const char *out = rf_cmd_opt(c, "out"), *diff = rf_cmd_opt(c, "diff"), *only;
	struct rf_cmd_network net;
	struct rf_bundle bundle;
	int status = only_of(c, &only);

	if (!status && !out == !diff)
		status = rf_cmd_error(c, RF_EXIT_USAGE,
				      "compile needs -o OUT to write, or --diff OUT to compare; see --help");
	if (!status)
		status = rf_cmd_network(c, &net);
	if (status)
		return status;
	status = rf_cmd_bundle(c, &net, only, out != NULL, &bundle);
	if (!status) {
		status = out ? write_bundle(c, out, &bundle) : show_diff(c, diff, &bundle);
		rf_bundle_fini(&bundle);
	}
	rf_cmd_network_end(&net);
	return status;
}

static const struct rf_cmd_opt opts[] = {
	{ "out", "OUT", "write into this folder: a new or empty one, or one that compile wrote", 'o' },
	{ "diff", "OUT", "write nothing; show what would change there, and which flows appear or vanish" },
	{ "only", "PART", "routers, hosts, switches or services; OUT then holds that part alone" },
	{ "unsigned", NULL, "leave the signature out" },
	{ 0 },
};

const struct rf_cmd rf_cmd_compile[] = {
	{ .name = "compile", .summary = "the configuration of every router, host, switch and service", .opts = opts,
	  .help = "Writes routers/, hosts/, switches/, services/, flows.json and MANIFEST, signed with the site's CA. The same\n"
		  "site gives the same bytes. Files that do not change are not touched; files that an earlier run wrote and\n"
		  "that no longer belong go; other files in OUT stay. With --diff: exit status 0 nothing would change, 1\n"
		  "something would.",
	  .example = "ringfort -C site compile -o rules", .run = compile },
	{ 0 },
};
