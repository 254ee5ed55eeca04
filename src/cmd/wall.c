/* ringfort apply, confirm, wall: the rules of this router, and what it does with pinholes. */
#include "cmd/network.h"
#include "cmd/nft_list.h"
#include "cmd/table.h"
#include "emit/folder.h"
#include "pki/bundle.h"
#include "prove/prove.h"
#include "role/admin.h"
#include "role/hand.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ASK_MS = 10000, APPLY_MS = (RF_HAND_NFT_SECONDS + 10) * 1000 };

/* --- what the wall says */

static const char *text(const json_t *o, const char *key, char *dst, size_t cap)
{
	rf_cmd_cell(json_object_get(o, key), dst, cap);
	return dst;
}

static void print_rules(FILE *out, const json_t *rules)
{
	char t[4][128];

	if (!json_is_object(rules))
		return;
	fprintf(out, "bundle     %.16s, signed %s, loaded %s, %s%s\n", text(rules, "bundle", t[0], sizeof t[0]),
		text(rules, "signed", t[1], sizeof t[1]), text(rules, "loaded", t[2], sizeof t[2]),
		json_is_true(json_object_get(rules, "confirmed")) ? "confirmed" : "not confirmed: taken back at ",
		json_is_true(json_object_get(rules, "confirmed")) ? "" : text(rules, "until", t[3], sizeof t[3]));
}

enum { BLOCKED_SHOWN = 20 };

static void print_blocked(FILE *out, const json_t *list)
{
	char t[3][128];
	const json_t *x;
	size_t i;

	json_array_foreach(list, i, x) {
		if (i == BLOCKED_SHOWN)
			break;
		fprintf(out, "blocked    %s until %s, asked by %s\n", text(x, "address", t[0], sizeof t[0]),
			text(x, "until", t[1], sizeof t[1]), text(x, "host", t[2], sizeof t[2]));
	}
	if (json_array_size(list) > BLOCKED_SHOWN)
		fprintf(out, "blocked    and %zu more: --json has them all\n", json_array_size(list) - BLOCKED_SHOWN);
}

static void print_wall(FILE *out, const json_t *a)
{
	const json_t *pins = json_object_get(a, "pinholes"), *x;
	char t[5][128];
	size_t i;

	fprintf(out, "wall %s, router %s of site %s, pid %s, version %s\n",
		json_is_true(json_object_get(a, "healthy")) ? "runs" : "runs, but not well",
		text(a, "router", t[0], sizeof t[0]), text(a, "site", t[1], sizeof t[1]),
		text(a, "pid", t[2], sizeof t[2]), text(a, "version", t[3], sizeof t[3]));
	json_array_foreach(json_object_get(a, "problems"), i, x)
		fprintf(out, "problem    %s\n", json_string_value(x));
	print_rules(out, json_object_get(a, "rules"));
	fprintf(out,
		"pinholes   %s open (%s of them for any port), %s opened, %s refused, %s not taken by the kernel\n",
		text(pins, "now", t[0], sizeof t[0]), text(pins, "openings", t[4], sizeof t[4]),
		text(pins, "opened", t[1], sizeof t[1]), text(pins, "refused", t[2], sizeof t[2]),
		text(pins, "failed", t[3], sizeof t[3]));
	json_array_foreach(json_object_get(a, "hosts"), i, x)
		fprintf(out, "host       %s: %s connections, %s pinholes\n", text(x, "host", t[0], sizeof t[0]),
			text(x, "connections", t[1], sizeof t[1]), text(x, "pinholes", t[2], sizeof t[2]));
	print_blocked(out, json_object_get(a, "blocked"));
	json_array_foreach(json_object_get(a, "drops"), i, x)
		fprintf(out, "dropped    %s: %s packets, %s bytes\n", text(x, "rule", t[0], sizeof t[0]),
			text(x, "packets", t[1], sizeof t[1]), text(x, "bytes", t[2], sizeof t[2]));
}

/* Ask; the answer is printed, or what went wrong: no wall 3, it refused 1. */
static int ask(struct rf_cmd_ctx *c, json_t *question, unsigned wait_ms, json_t **ret_answer)
{
	struct rf_diag diag = { 0 };

	if (rf_admin_ask_wall(c->dir, question, wait_ms, ret_answer, &diag) == 0)
		return RF_EXIT_YES;
	return rf_cmd_error(c, diag.code == RF_E_INVALID ? RF_EXIT_NO : RF_EXIT_FAILED, "%s", diag.text);
}

static int show(struct rf_cmd_ctx *c)
{
	json_t *answer = NULL;
	int status = ask(c, json_pack("{s:s}", "do", "status"), ASK_MS, &answer);

	if (status)
		return status;
	status = json_is_true(json_object_get(answer, "healthy")) ? RF_EXIT_YES : RF_EXIT_NO;
	if (c->json)
		return rf_cmd_json(c, answer, status);
	print_wall(c->out, answer);
	json_decref(answer);
	return status;
}

static int confirm(struct rf_cmd_ctx *c)
{
	json_t *answer = NULL;
	int status = ask(c, json_pack("{s:s}", "do", "confirm"), ASK_MS, &answer);

	if (status)
		return status;
	if (c->json)
		return rf_cmd_json(c, answer, RF_EXIT_YES);
	fprintf(c->out, "confirmed: these rules stay, and are loaded again when the wall starts\n");
	json_decref(answer);
	return RF_EXIT_YES;
}

/* --- apply */

/* Beside the wall's folder nothing is believed twice: the wall's hand verifies all of this again. Here it is refused
 * early, with words. */
static int check_bundle(struct rf_cmd_ctx *c, const char *dir, const struct rf_site *site, const struct rf_folder *f)
{
	struct rf_diag diag = { 0 };
	char *ca = rf_cmd_path(c, RF_PKI_CA_CERT), digest[65];
	struct rf_wall when;
	struct rf_writer w;

	if (!f->signature.n)
		rf_diag_set(&diag, RF_E_AUTH, "%s is not signed: `ringfort compile` signs it where the CA's key is",
			    dir);
	else
		rf_pki_bundle_verify(ca, f->manifest_text, f->signature, &when, &diag);
	free(ca);
	if (diag.code)
		return rf_cmd_error(c, RF_EXIT_NO, "%s", diag.text);
	rf_writer_init(&w, digest, sizeof digest);
	rf_put_hex(&w, site->digest, sizeof site->digest);
	if (!rf_view_eq(f->manifest.site, site->name))
		return rf_cmd_error(c, RF_EXIT_NO, "%s is a bundle of site %.*s, not of %.*s", dir,
				    RF_VFMT(f->manifest.site), RF_VFMT(site->name));
	if (!rf_view_eq(f->manifest.digest, rf_view_of(digest, w.n)))
		return rf_cmd_error(c, RF_EXIT_NO,
				    "%s was compiled from another site.yaml than the one here: copy the site file "
				    "that it belongs to, or compile anew",
				    dir);
	return 0;
}

static const struct rf_emit_file *rules_of(const struct rf_folder *f, const char *router)
{
	char path[RF_EMIT_PATH_MAX + 1];

	snprintf(path, sizeof path, "routers/%.200s/ringfort.nft", router);
	for (size_t i = 0; i < f->manifest.n; i++)
		if (strcmp(f->files[i].path, path) == 0)
			return &f->files[i];
	return NULL;
}

static int write_one(int dir, const char *name, struct rf_view bytes)
{
	size_t done = 0;

	unlinkat(dir, name, 0);
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int rc = fd < 0 ? -errno : 0;

	while (!rc && done < bytes.n) {
		ssize_t k = write(fd, bytes.p + done, bytes.n - done);

		if (k < 0)
			rc = -errno;
		else
			done += (size_t)k;
	}
	if (fd >= 0)
		close(fd);
	return rc;
}

/* --- the proof */

static void tunnel_name(const struct rf_site_zone *zone, char *ret_name, size_t cap)
{
	char name[RF_EMIT_IFNAME];
	uint32_t if_id;

	snprintf(ret_name, cap, "%s", rf_emit_tunnel(zone, name, &if_id));
}

/* The router that a file of rules is for, NULL for other files. */
static const struct rf_site_router *router_of(const struct rf_site *site, const char *path)
{
	struct rf_view v = rf_view_str(path), begin = RF_V("routers/"), end = RF_V("/ringfort.nft");

	if (!rf_view_starts(v, begin) || !rf_view_ends(v, end) || v.n < begin.n + end.n)
		return NULL;
	return rf_site_router(site, rf_view_sub(v, begin.n, v.n - begin.n - end.n));
}

/* As a kernel understands the text: loaded into a namespace that is gone afterwards, listed, and read. */
static int read_rules(const struct rf_emit_file *file, struct rf_ruleset *ret_rs, struct rf_diag *diag)
{
	struct rf_view json;
	int rc = rf_nft_list_text(file->bytes, file->path, &json, diag);

	if (rc)
		return rc;
	rc = rf_read_nft_json(json, file->path, ret_rs, diag);
	rf_nft_list_free(json);
	return rc;
}

static int judge(struct rf_cmd_ctx *c, const struct rf_flows *flows, const struct rf_prove_rules *rules, size_t n)
{
	struct rf_prove_ask ask = { .flows = flows, .rules = rules, .n = n, .tunnel = tunnel_name };
	struct rf_diag diag = { 0 };
	struct rf_proof proof;
	char packet[300];

	if (rf_prove(&ask, &proof, &diag))
		return rf_cmd_diag(c, &diag);
	int status = 0;
	if (!proof.proven)
		status = rf_cmd_error(c, RF_EXIT_NO, "%s does not prove: %s, %s (`ringfort prove "
						     "--bundle %s` shows all of it)", c->arg[0],
				      proof.breach_count ? rf_breach_name(proof.breaches[0].kind) : "no counterexample",
				      proof.breach_count ? rf_packet_text(&proof.breaches[0].packet, packet, sizeof packet) : "", c->arg[0]);
	rf_proof_fini(&proof);
	return status;
}

/* The rules of the bundle's Linux routers against the flows of the site that is here: what does not
 * prove is not loaded. */
static int prove_bundle(struct rf_cmd_ctx *c, const struct rf_cmd_network *net, const struct rf_folder *f)
{
	struct rf_prove_rules *rules = calloc(f->manifest.n + 1, sizeof *rules);
	struct rf_ruleset *sets = calloc(f->manifest.n + 1, sizeof *sets);
	struct rf_diag diag = { 0 };
	size_t n = 0;
	int status = rules && sets ? 0 : rf_cmd_error(c, RF_EXIT_FAILED, "no memory");

	for (size_t i = 0; i < f->manifest.n && !status; i++) {
		const struct rf_site_router *router = router_of(net->site, f->files[i].path);

		if (!router)
			continue;
		if (read_rules(&f->files[i], &sets[n], &diag))
			status = rf_cmd_diag(c, &diag);
		else
			rules[n] = (struct rf_prove_rules){ rf_site_cstr(router->name), &sets[n] };
		n += !status;
	}
	if (!status)
		status = judge(c, &net->flows, rules, n);
	for (size_t i = 0; i < n; i++)
		rf_ruleset_fini(&sets[i]);
	free(sets);
	free(rules);
	return status;
}

/* Where the wall's hand looks, and where nobody but who started it may write. */
static int put_incoming(struct rf_cmd_ctx *c, const struct rf_folder *f, const struct rf_emit_file *rules)
{
	char *path = rf_cmd_path(c, RF_HAND_DIR);
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int rc = dir < 0 ? -errno : write_one(dir, "incoming.manifest", f->manifest_text);

	if (!rc)
		rc = write_one(dir, "incoming.sig", f->signature);
	if (!rc)
		rc = write_one(dir, "incoming.nft", rules->bytes);
	if (dir >= 0)
		close(dir);
	if (rc)
		rf_cmd_error(c, RF_EXIT_FAILED, "%s: %s%s", path, rf_err_text(rc),
			     rc == -EACCES ? ": apply as who started the wall" :
			     rc == -ENOENT ? ": no wall has run here; `ringfort run wall` starts it" :
					     "");
	free(path);
	return rc ? RF_EXIT_FAILED : 0;
}

/* Which router the wall here is for. */
static int find_router(struct rf_cmd_ctx *c, char *ret_name, size_t cap)
{
	const char *asked = rf_cmd_opt(c, "router");
	json_t *answer = NULL;
	int status = ask(c, json_pack("{s:s}", "do", "status"), ASK_MS, &answer);

	if (status)
		return status;
	text(answer, "router", ret_name, cap);
	json_decref(answer);
	if (asked && strcmp(asked, ret_name) != 0)
		return rf_cmd_error(c, RF_EXIT_NO, "the wall here is for router %s, not for %s", ret_name, asked);
	return 0;
}

static int load(struct rf_cmd_ctx *c, const char *router)
{
	json_t *answer = NULL;
	const char *confirm_s = rf_cmd_opt(c, "confirm");
	char until[64];
	int status = ask(c,
			 json_pack("{s:s,s:s,s:s,s:s}", "do", "apply", "router", router, "confirm",
				   confirm_s ? confirm_s : "", "older", rf_cmd_flag(c, "older") ? "yes" : "no"),
			 APPLY_MS, &answer);

	if (status)
		return status;
	if (c->json)
		return rf_cmd_json(c, answer, RF_EXIT_YES);
	text(json_object_get(answer, "rules"), "until", until, sizeof until);
	fprintf(c->out, "loaded. Log in once more, so that you know that you still can, and say `ringfort confirm`;\n"
		"without it the rules before come back at %s\n", until);
	json_decref(answer);
	return RF_EXIT_YES;
}

static int apply_bundle(struct rf_cmd_ctx *c, const struct rf_cmd_network *net, const struct rf_folder *f,
			const char *router)
{
	int status = check_bundle(c, c->arg[0], net->site, f);
	const struct rf_emit_file *rules = rules_of(f, router);

	if (!status && !rules)
		status = rf_cmd_error(c, RF_EXIT_NO, "%s has no rules for router %s", c->arg[0], router);
	if (!status)
		status = prove_bundle(c, net, f);
	if (!status)
		status = put_incoming(c, f, rules);
	return status ? status : load(c, router);
}

static int apply(struct rf_cmd_ctx *c)
{
	struct rf_cmd_network net;
	struct rf_diag diag = { 0 };
	struct rf_folder folder;
	uint64_t seconds = 0;
	char router[128];

	if (!rf_cmd_number(c, "confirm", 1, RF_HAND_CONFIRM_MAX_S, &seconds))
		return RF_EXIT_USAGE;
	int status = find_router(c, router, sizeof router);
	if (!status)
		status = rf_cmd_network(c, &net);
	if (status)
		return status;
	if (rf_folder_read(c->arg[0], true, &folder, &diag))
		status = diag.code == RF_E_CORRUPT ? rf_cmd_error(c, RF_EXIT_NO, "%s: %s", diag.file, diag.text) :
			 rf_cmd_diag(c, &diag);
	else {
		status = apply_bundle(c, &net, &folder, router);
		rf_folder_fini(&folder);
	}
	rf_cmd_network_end(&net);
	return status;
}

static const struct rf_cmd_opt apply_opts[] = {
	{ .name = "confirm",
	  .arg = "SECONDS",
	  .summary = "take it back unless it is confirmed within so many (network.confirm_s)" },
	{ .name = "router", .arg = "NAME", .summary = "refuse unless this machine is the wall of that router" },
	{ .name = "older", .summary = "take a bundle that was signed before the one that is loaded" },
	{ 0 }
};

const struct rf_cmd rf_cmd_apply[] = {
	{
		.name = "apply",
		.args = "BUNDLE",
		.min_args = 1,
		.max_args = 1,
		.summary = "load this router's rules out of a bundle, to be confirmed",
		.help = "On the router, where `ringfort run wall` runs. BUNDLE is a folder of `ringfort compile`, signed, and made from\n"
			"the site file that is here; the rules of its routers are proven against that site's flows once more, as\n"
			"`ringfort prove` does. The rules are loaded in one transaction; open pinholes stay. Unless\n"
			"`ringfort confirm` follows in time, the rules before come back by themselves.\n"
			"Exit status 1: refused (not signed, changed, another site's or router's, not proven, older), "
			"3: no wall runs.",
		.example = "ringfort -C /etc/ringfort apply /root/bundle --confirm 60",
		.opts = apply_opts,
		.run = apply,
	},
	{ 0 }
};

const struct rf_cmd rf_cmd_confirm[] = {
	{
		.name = "confirm",
		.summary = "keep the rules that `apply` has loaded",
		.help = "Exit status 1: nothing waits to be confirmed.",
		.example = "ringfort -C /etc/ringfort confirm",
		.run = confirm,
	},
	{ 0 }
};

const struct rf_cmd rf_cmd_wall[] = {
	{
		.name = "wall",
		.summary = "this router's rules, pinholes, and what was dropped by which rule",
		.help = "Exit status 0 when the wall is well, 1 when it is not, 3 when none runs.",
		.example = "ringfort -C /etc/ringfort wall",
		.run = show,
	},
	{ 0 }
};
