/* ringfort check: is the site sound, and what deviates from its level. */
#include "cmd/check_int.h"
#include "cmd/cmd.h"
#include "pki/ca.h"
#include "policy/flow.h"
#include "site/check.h"
#include "store/directory.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { SOON_DAYS = 30, DAY_S = 24 * 3600, NAMED_MAX = 10 };

struct check {
	const struct rf_cmd_ctx *c;
	struct rf_findings f;
	struct rf_site *site;
	int64_t now_s;
};

#define FILE_FINDING(k, severity, path, mend, ...) \
	rf_finding_add(&(k)->f, severity, (struct rf_place){ path, 0, 0 }, NULL, mend, __VA_ARGS__)

/* --- files of the pki */

static void look_key(struct check *k, const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && (st.st_mode & 077))
		FILE_FINDING(k, RF_SEV_ERROR, path, "chmod 600",
			     "others than its owner may read this private key (mode %03o)", st.st_mode & 0777);
}

static void look_dates(struct check *k, const char *path, const struct rf_pki_id *id, const char *mend)
{
	if (id->not_after_s < k->now_s)
		FILE_FINDING(k, RF_SEV_ERROR, path, mend, "the certificate has expired");
	else if (id->not_before_s > k->now_s)
		FILE_FINDING(k, RF_SEV_ERROR, path, "set this host's clock", "the certificate is not valid yet");
	else if (id->not_after_s - k->now_s < (int64_t)SOON_DAYS * DAY_S)
		FILE_FINDING(k, RF_SEV_WARNING, path, mend, "the certificate expires within %d days", SOON_DAYS);
}

static bool read_cert(struct check *k, const char *path, const char *mend, struct rf_pki_id *ret_id)
{
	struct rf_diag diag = { 0 };

	if (rf_pki_read_id(path, ret_id, &diag) == 0)
		return true;
	FILE_FINDING(k, RF_SEV_ERROR, path, mend, "%s", diag.text);
	return false;
}

static void look_ca(struct check *k)
{
	char *cert = rf_cmd_path(k->c, RF_PKI_CA_CERT), *key = rf_cmd_path(k->c, RF_PKI_CA_KEY);
	struct rf_pki_id id;

	if (read_cert(k, cert, "`ringfort init` makes the site's CA; else restore it from a backup", &id))
		look_dates(k, cert, &id, "make a new CA and issue all certificates anew");
	look_key(k, key);
	free(cert);
	free(key);
}

static void look_host(struct check *k, const struct rf_site_host *h)
{
	char rel[200], mend[200];
	struct rf_diag diag = { 0 };
	struct rf_pki_id id;

	snprintf(mend, sizeof mend, "ringfort host issue %s", rf_site_cstr(h->name));
	snprintf(rel, sizeof rel, RF_PKI_HOSTS "/%s/cert.pem", rf_site_cstr(h->name));
	char *cert = rf_cmd_path(k->c, rel), *ca = rf_cmd_path(k->c, RF_PKI_CA_CERT);
	snprintf(rel, sizeof rel, RF_PKI_HOSTS "/%s/key.pem", rf_site_cstr(h->name));
	char *key = rf_cmd_path(k->c, rel);
	if (read_cert(k, cert, mend, &id)) {
		look_dates(k, cert, &id, mend);
		/* A check may be made by someone who may not read keys. */
		int rc = rf_pki_check_pair(ca, cert, key, &diag);
		if (rc && rc != -EACCES)
			FILE_FINDING(k, RF_SEV_ERROR, diag.file, mend, "%s", diag.text);
	}
	look_key(k, key);
	free(cert);
	free(ca);
	free(key);
}

/* --- files that the site file names */

enum file_kind { DATA, SECRET, PROGRAM };

static void look_file(struct check *k, struct rf_site_pos pos, const char *key, struct rf_view name,
		      enum file_kind kind)
{
	char *path = name.n ? rf_cmd_path(k->c, rf_site_cstr(name)) : NULL;
	struct rf_place place = { rf_site_cstr(k->site->file), pos.line, pos.column };
	struct stat st;

	if (!path)
		return;
	if (stat(path, &st))
		rf_finding_add(&k->f, RF_SEV_ERROR, place, NULL, "put the file there, or name another", "%s: %s: %s",
			       key, path, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		rf_finding_add(&k->f, RF_SEV_ERROR, place, NULL, "name a file", "%s: %s is no file", key, path);
	else if (kind == PROGRAM && !(st.st_mode & 0111))
		rf_finding_add(&k->f, RF_SEV_ERROR, place, NULL, "chmod 755", "%s: %s is no program", key, path);
	if (kind == SECRET)
		look_key(k, path);
	free(path);
}

static void look_files(struct check *k)
{
	const struct rf_site *s = k->site;
	const struct rf_site_stir *stir = &s->tel.stir;

	for (size_t i = 0; i < s->trunk_count; i++)
		look_file(k, s->trunks[i].pos, "ca", s->trunks[i].ca, DATA);
	look_file(k, stir->pos, "stir.certificate", stir->certificate, DATA);
	look_file(k, stir->pos, "stir.key", stir->key, SECRET);
	look_file(k, stir->pos, "stir.trust", stir->trust, DATA);
	look_file(k, stir->pos, "stir.fetch_ca", stir->fetch_ca, DATA);
	look_file(k, s->emergency.pos, "emergency.hook", s->emergency.hook, PROGRAM);
}

/* --- phones and users in the directory */

struct certs {
	const struct rf_site *site;
	bool *has, *soon;           /* by index in site->phones */
	int64_t now_s;
};

static int see_cert(void *ctx, const struct rf_store_cert *cert)
{
	struct certs *s = ctx;
	const struct rf_site_phone *p = cert->host || cert->revoked ? NULL : rf_site_phone(s->site, cert->phone);
	int64_t left_s = cert->not_after.us / 1000000 - s->now_s;

	if (p && left_s > 0) {
		s->has[p - s->site->phones] = true;
		s->soon[p - s->site->phones] = left_s < (int64_t)SOON_DAYS * DAY_S;
	}
	return 0;
}

static void phone_findings(struct check *k, const bool *which, enum rf_severity severity, const char *text)
{
	size_t n = 0;

	for (size_t i = 0; i < k->site->phone_count; i++) {
		const struct rf_site_phone *p = &k->site->phones[i];
		char mend[160];

		if (!which[i] || n++ >= NAMED_MAX)
			continue;
		snprintf(mend, sizeof mend, "ringfort phone issue %s", rf_site_cstr(p->name));
		rf_finding_add(&k->f, severity,
			       (struct rf_place){ rf_site_cstr(p->pos.file ? k->site->phones_file : k->site->file),
						  p->pos.line, p->pos.column },
			       RF_MIT_MUTUAL, mend, "phone \"%.*s\" %s", RF_VFMT(p->name), text);
	}
	if (n > NAMED_MAX)
		FILE_FINDING(k, severity, rf_site_cstr(k->site->file), "ringfort phone issue --all",
			     "%zu more phones like that", n - NAMED_MAX);
}

static void look_phone_certs(struct check *k, struct rf_store *store)
{
	size_t n = k->site->phone_count;
	struct certs s = { k->site, calloc(n + 1, sizeof(bool)), calloc(n + 1, sizeof(bool)), k->now_s };
	struct rf_diag diag = { 0 };

	if (!s.has || !s.soon) {
		k->f.err = -ENOMEM;
	} else if (rf_store_certs(store, see_cert, &s, &diag)) {
		FILE_FINDING(k, RF_SEV_ERROR, diag.file, NULL, "%s", diag.text);
	} else {
		for (size_t i = 0; i < n; i++)
			s.has[i] = !s.has[i];
		phone_findings(k, s.has, k->site->policy.require_certificate ? RF_SEV_ERROR : RF_SEV_NOTE,
			       "has no valid certificate and cannot register with one");
		phone_findings(k, s.soon, RF_SEV_WARNING, "has a certificate that expires within 30 days");
	}
	free(s.has);
	free(s.soon);
}

static void look_phone_keys(struct check *k)
{
	for (size_t i = 0; i < k->site->phone_count; i++) {
		char rel[200];

		snprintf(rel, sizeof rel, RF_PKI_PHONES "/%s/key.pem", rf_site_cstr(k->site->phones[i].name));
		char *path = rf_cmd_path(k->c, rel);
		look_key(k, path);
		free(path);
	}
}

/* Where a password is demanded, a number without a user is one that nobody can use. */
static void look_users(struct check *k, const struct rf_directory *d)
{
	size_t missing = 0;

	for (size_t i = 0; k->site->policy.require_user && i < k->site->phone_count; i++) {
		const struct rf_site_phone *p = &k->site->phones[i];
		const struct rf_dir_user *const *users;

		if (rf_directory_users_of(d, p->number, &users) || missing++ >= NAMED_MAX)
			continue;
		rf_finding_add(&k->f, RF_SEV_WARNING,
			       (struct rf_place){ rf_site_cstr(p->pos.file ? k->site->phones_file : k->site->file),
						  p->pos.line, p->pos.column },
			       NULL, "ringfort user add NAME --number N",
			       "number %.*s has no user, and this site requires one", RF_VFMT(p->number));
	}
	if (missing > NAMED_MAX)
		FILE_FINDING(k, RF_SEV_WARNING, rf_site_cstr(k->site->file), NULL, "%zu more numbers without a user",
			     missing - NAMED_MAX);
}

static void look_directory(struct check *k, struct rf_store *store)
{
	struct rf_directory *d;
	struct rf_diag diag = { 0 };

	if (rf_directory_new(k->site, store, &d, &diag)) {
		FILE_FINDING(k, RF_SEV_ERROR, "state/directory.db", NULL, "%s", diag.text);
		return;
	}
	look_users(k, d);
	rf_check_calls(&(struct rf_check_calls){
		.site = k->site, .store = store, .directory = d, .now = { k->now_s * 1000000 }, .findings = &k->f,
	});
	rf_directory_put(d);
}

static void look_store(struct check *k)
{
	char *path = rf_cmd_path(k->c, "state/directory.db");
	struct rf_diag diag = { 0 };
	struct rf_store *store;

	if (rf_store_open(path, false, &store, &diag)) {
		FILE_FINDING(k, RF_SEV_ERROR, path, NULL, "%s", diag.text);
	} else {
		look_phone_certs(k, store);
		look_directory(k, store);
		rf_store_close(store);
	}
	free(path);
}

/* --- the verdict */

static json_t *finding_json(const struct rf_finding *x)
{
	return json_pack("{s:s, s:s, s:i, s:i, s:s, s:s, s:s}", "severity", rf_severity_name(x->severity), "file",
			 x->file, "line", (int)x->line, "column", (int)x->column, "text", x->text, "mitigation",
			 x->mitigation, "mend", x->mend);
}

static json_t *deviations_json(const struct rf_site *site)
{
	json_t *a = json_array();

	for (size_t i = 0; site && i < site->deviation_count; i++) {
		const struct rf_site_deviation *d = &site->deviations[i];

		json_array_append_new(a,
				      json_pack("{s:o, s:o, s:o, s:o}", "mitigation", rf_cmd_json_view(d->mitigation),
						"reason", rf_cmd_json_view(d->reason), "approved_by",
						rf_cmd_json_view(d->approved_by), "until",
						rf_cmd_json_view(d->until_text)));
	}
	return a;
}

static int answer_json(struct check *k, int status)
{
	json_t *findings = json_array();

	for (size_t i = 0; i < k->f.n; i++)
		json_array_append_new(findings, finding_json(&k->f.v[i]));
	json_t *j = json_pack("{s:b, s:I, s:I, s:o, s:o}", "sound", status == RF_EXIT_YES, "errors",
			      (json_int_t)k->f.count[RF_SEV_ERROR], "warnings", (json_int_t)k->f.count[RF_SEV_WARNING],
			      "findings", findings, "deviations", deviations_json(k->site));
	if (j && k->site) {
		json_object_set_new(j, "site", rf_cmd_json_view(k->site->name));
		json_object_set_new(j, "level", json_string(rf_level_name(k->site->level)));
		json_object_set_new(j, "network", json_boolean(rf_site_has_network(k->site)));
		json_object_set_new(j, "phones", json_integer((json_int_t)k->site->phone_count));
	}
	return rf_cmd_json(k->c, j, status);
}

static int answer_text(struct check *k, int status)
{
	FILE *out = k->c->out;

	rf_findings_print(&k->f, out);
	for (size_t i = 0; k->site && i < k->site->deviation_count; i++) {
		const struct rf_site_deviation *d = &k->site->deviations[i];

		fprintf(out, "deviates from %s until %s: %s (approved by %s)\n", rf_site_cstr(d->mitigation),
			rf_site_cstr(d->until_text), rf_site_cstr(d->reason), rf_site_cstr(d->approved_by));
	}
	if (status == RF_EXIT_YES)
		fprintf(out, "%s: site \"%s\", level %s, %zu phones, %zu deviations, %zu warnings\n",
			rf_site_has_network(k->site) ? "sound" : "sound, as far as it goes without a network",
			rf_site_cstr(k->site->name), rf_level_name(k->site->level), k->site->phone_count,
			k->site->deviation_count, k->f.count[RF_SEV_WARNING]);
	else
		fprintf(out, "not sound: %zu errors, %zu warnings\n", k->f.count[RF_SEV_ERROR],
			k->f.count[RF_SEV_WARNING]);
	return status;
}

/* What the site opens beyond the matrix, and the matrix forbids. */
static int look_flows(struct check *k, struct rf_wall now)
{
	struct rf_flows flows;
	int rc = rf_flows_make(k->site, now, &k->f, &flows);

	if (rc == 0)
		rf_flows_fini(&flows);
	return rc == RF_E_INVALID ? 0 : rc;
}

static int check(struct rf_cmd_ctx *c)
{
	struct rf_wall now = c->clock.wall(c->clock.ctx);
	struct check k = { .c = c, .now_s = now.us / 1000000 };

	rf_findings_init(&k.f);
	int rc = rf_site_load(c->dir, now, &k.f, &k.site);
	if (rc == 0)
		rc = rf_site_check(k.site, now, &k.f);
	if (rc == 0)
		rc = look_flows(&k, now);
	if (rc == 0 && !rf_cmd_flag(c, "site-only")) {
		look_files(&k);
		look_ca(&k);
		for (size_t i = 0; i < k.site->host_count; i++)
			look_host(&k, &k.site->hosts[i]);
		look_phone_keys(&k);
		look_store(&k);
	}
	rf_findings_sort(&k.f);
	int status = k.f.err || (rc && rc != RF_E_INVALID) ? RF_EXIT_FAILED
		   : k.f.count[RF_SEV_ERROR] ? RF_EXIT_NO : RF_EXIT_YES;
	status = c->json ? answer_json(&k, status) : answer_text(&k, status);
	rf_findings_fini(&k.f);
	rf_site_put(k.site);
	return status;
}

static const struct rf_cmd_opt opts[] = {
	{ "site-only", NULL, "look at the site file only, not at certificates and users" },
	{ 0 },
};

const struct rf_cmd rf_cmd_check[] = {
	{ .name = "check", .summary = "is the site sound, and what deviates from its level", .opts = opts,
	  .help = "Prints each finding as file:line:column: severity: text (mitigation; what to do) and a verdict.\n"
		  "Exit status 0 when there is no error, 1 when there is one.",
	  .example = "ringfort -C site check", .run = check },
	{ 0 },
};
