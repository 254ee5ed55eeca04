#include "site/site_int.h"

#include "base/random.h"
#include "site/schema.h"
#include "site/tz.h"

#include <openssl/evp.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ARENA_MAX = 256 * 1024 * 1024 };

static const struct rf_site_listen listen_by_default[] = { { .transport = RF_TRANSPORT_TLS, .port = 5061 } };

static const struct rf_site_sip sip_by_default = {
	.listen = listen_by_default, .listens = 1, .register_min_s = 60, .register_default_s = 3600,
	.register_max_s = 7200, .bindings_per_number = 8, .session_expires_s = 1800, .session_min_s = 90,
	.session_timer = true, .ring_timeout_s = 120, .keepalive_s = 120, .dscp = 40, .reauthenticate_s = 3600,
};

static const struct rf_site_dscp dscp_by_default = { .level = { 46, 44, 44, 44, 44, 44 }, .emergency = 44 };

static const struct rf_site_limits limits_by_default = {
	.calls = 10000, .calls_per_number = 8, .connections = 50000, .connections_per_source = 200,
	.handshakes_per_second = 50, .messages_per_second = 200, .requests_per_second = 50, .transactions = 200000,
	.registrations = 200000, .emergency_calls = 10, .subscriptions = 200000, .messages = 10000,
	.overload_cpu_percent = 85, .overload_queue = 10000,
};

static const struct rf_site_network network_by_default = {
	.dhcp_lease_s = 86400, .media_first = 16384, .media_last = 32767, .external_kbit_per_call = 100,
	.storm_percent = 1,
	.confirm_s = 60,
};

static const char *const codes_by_default[RF_FEATURES] = {
	[RF_FEATURE_FORWARD_ALWAYS] = "*72", [RF_FEATURE_FORWARD_ALWAYS_OFF] = "*73",
	[RF_FEATURE_FORWARD_BUSY] = "*90", [RF_FEATURE_FORWARD_BUSY_OFF] = "*91",
	[RF_FEATURE_FORWARD_NO_ANSWER] = "*92", [RF_FEATURE_FORWARD_NO_ANSWER_OFF] = "*93",
	[RF_FEATURE_FORWARD_UNREACHABLE] = "*94", [RF_FEATURE_FORWARD_UNREACHABLE_OFF] = "*95",
	[RF_FEATURE_DND] = "*78", [RF_FEATURE_DND_OFF] = "*79",
	[RF_FEATURE_PICKUP] = "**", [RF_FEATURE_PICKUP_GROUP] = "*8",
	[RF_FEATURE_PARK] = "*68", [RF_FEATURE_RETRIEVE] = "*88",
	[RF_FEATURE_HIDE_NUMBER] = "*67", [RF_FEATURE_SHOW_NUMBER] = "*82",
	[RF_FEATURE_CALL_WAITING] = "*70", [RF_FEATURE_CALL_WAITING_OFF] = "*71",
	[RF_FEATURE_VOICEMAIL] = "*97",
};

static void site_free(struct rf_site_all *all)
{
	rf_index_fini(&all->phones);
	rf_index_fini(&all->numbers);
	rf_index_fini(&all->locations);
	rf_index_fini(&all->zones);
	rf_index_fini(&all->hosts);
	rf_index_fini(&all->trunks);
	rf_index_fini(&all->plans);
	rf_index_fini(&all->classes);
	rf_index_fini(&all->links);
	rf_index_fini(&all->groups);
	rf_index_fini(&all->numberings);
	rf_index_fini(&all->speeds);
	rf_index_fini(&all->offices);
	rf_index_fini(&all->routers);
	rf_index_fini(&all->switches);
	rf_index_fini(&all->ports);
	rf_arena_fini(&all->arena);
	free(all);
}

struct rf_site *rf_site_get(struct rf_site *site)
{
	struct rf_site_all *all = rf_container(site, struct rf_site_all, pub);

	atomic_fetch_add_explicit(&all->refs, 1, memory_order_relaxed);
	return site;
}

void rf_site_put(struct rf_site *site)
{
	if (!site)
		return;
	struct rf_site_all *all = rf_container(site, struct rf_site_all, pub);
	if (atomic_fetch_sub_explicit(&all->refs, 1, memory_order_acq_rel) == 1)
		site_free(all);
}

static int keep_text(struct rf_site_all *all, const char *s, struct rf_view *ret_v)
{
	char *copy = rf_arena_cstr(&all->arena, rf_view_str(s));

	if (!copy)
		return -ENOMEM;
	*ret_v = rf_view_str(copy);
	return 0;
}

static struct rf_site_all *site_new(const char *dir, const char *file)
{
	struct rf_site_all *all = calloc(1, sizeof *all);
	struct rf_random random;

	if (!all)
		return NULL;
	rf_arena_init(&all->arena, ARENA_MAX);
	atomic_init(&all->refs, 1);
	rf_random_system(&random);
	rf_random_fill(&random, &all->hash_key, sizeof all->hash_key);
	all->pub.sip = sip_by_default;
	all->pub.tel.dscp = dscp_by_default;
	all->pub.media.announce_port = 5004;
	all->pub.relay.ng_port = 2223;
	all->pub.relay.silence_s = 60;
	all->pub.relay.transcodings = 100;
	all->pub.roaming.nat = true;
	all->pub.media.relay_port = 2223;
	all->pub.limits = limits_by_default;
	all->pub.network = network_by_default;
	all->pub.emergency.callback_s = 1800;
	all->pub.tel.parking.return_s = 120;
	for (int i = 0; i < RF_FEATURES; i++)
		all->pub.tel.codes[i] = rf_view_str(codes_by_default[i]);
	if (keep_text(all, dir, &all->pub.dir) || keep_text(all, file, &all->pub.file) ||
	    keep_text(all, "ringfort", &all->pub.run_as)) {
		site_free(all);
		return NULL;
	}
	return all;
}

static uint32_t usual_port(unsigned transport)
{
	return transport == RF_TRANSPORT_TLS ? 5061 : transport == RF_TRANSPORT_WSS ? 443 :
	       transport == RF_TRANSPORT_WS ? 80 : 5060;
}

static int own_origin(struct rf_site_all *all, struct rf_site_list *ret_list)
{
	static const char scheme[] = "https://";
	struct rf_view domain = all->pub.domain, *one = rf_arena_array(&all->arena, 1, sizeof *one);
	uint8_t *text = rf_arena_alloc(&all->arena, sizeof scheme + domain.n);

	if (!one || !text)
		return -ENOMEM;
	memcpy(text, scheme, sizeof scheme - 1);
	if (domain.n)
		memcpy(text + sizeof scheme - 1, domain.p, domain.n);
	text[sizeof scheme - 1 + domain.n] = '\0';
	*one = rf_view_of(text, sizeof scheme - 1 + domain.n);
	*ret_list = (struct rf_site_list){ one, 1 };
	return 0;
}

/* Ports that the file leaves out; the table of keys cannot know them, they follow from the transport. */
static int fill_listen(struct rf_site_all *all)
{
	struct rf_site_sip *sip = &all->pub.sip;

	if (sip->listen == listen_by_default)
		return 0;
	if (sip->listens == 0) {
		sip->listen = listen_by_default;
		sip->listens = 1;
		return 0;
	}
	struct rf_site_listen *v = rf_arena_array(&all->arena, sip->listens, sizeof *v);
	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < sip->listens; i++) {
		v[i] = sip->listen[i];
		if (!v[i].port)
			v[i].port = usual_port(v[i].transport);
		if (!v[i].path.n)
			v[i].path = RF_V("/");
		if (!v[i].origins.n && own_origin(all, &v[i].origins))
			return -ENOMEM;
	}
	sip->listen = v;
	return 0;
}

static int read_yaml(struct rf_site_all *all, struct rf_view yaml, const char *name, struct rf_findings *findings)
{
	struct rf_load load = { .arena = &all->arena, .findings = findings, .files = { name, "" } };
	struct rf_tree *root = NULL;
	int rc = rf_tree_parse(yaml, name, &all->arena, findings, &root);

	if (rc)
		return rc;
	if (!root || root->kind != RF_TREE_MAP) {
		rf_load_error(&load, root ? root->line : 1, root ? root->column : 1,
			      "begin with  site: NAME; `ringfort init` writes a first one", "this is not a site file");
		return RF_E_INVALID;
	}
	rf_load_map(&load, &rf_site_keys, root, all);
	return load.rc ? load.rc : fill_listen(all);
}

/* Phones of the CSV behind those of site.yaml, in one array. */
static int read_csv(struct rf_site_all *all, struct rf_view csv, struct rf_findings *findings)
{
	struct rf_load load = {
		.arena = &all->arena, .findings = findings, .file = 1,
		.files = { rf_site_cstr(all->pub.file), rf_site_cstr(all->pub.phones_file) },
	};
	struct rf_site_phone *more = NULL;
	size_t n = 0;
	int rc = rf_tree_check_bytes(csv, load.files[1], false, findings);

	if (rc)
		return rc;
	rf_phones_csv(&load, csv, &more, &n);
	struct rf_site_phone *v = rf_arena_array(&all->arena, all->pub.phone_count + n, sizeof *v);
	if (v && all->pub.phone_count)
		memcpy(v, all->pub.phones, all->pub.phone_count * sizeof *v);
	if (v && n)
		memcpy(v + all->pub.phone_count, more, n * sizeof *v);
	free(more);
	if (!v)
		return -ENOMEM;
	all->pub.phones = v;
	all->pub.phone_count += n;
	return load.rc;
}

static int read_attestations(struct rf_site_all *all, struct rf_view yaml, struct rf_findings *findings)
{
	const char *name = rf_site_cstr(all->pub.attestations_file);
	struct rf_load load = {
		.arena = &all->arena, .findings = findings, .file = 2,
		.files = { rf_site_cstr(all->pub.file), rf_site_cstr(all->pub.phones_file), name },
	};
	struct rf_tree *root = NULL;
	int rc = rf_tree_parse(yaml, name, &all->arena, findings, &root);

	if (rc || !root)
		return rc;
	rf_load_items(&load, &rf_attestations_key, root, all);
	return load.rc;
}

static int name_content(struct rf_site_all *all, struct rf_view yaml, struct rf_view csv)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint64_t n = yaml.n; /* so that no byte can move from one file to the other unnoticed */
	bool ok = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) && EVP_DigestUpdate(ctx, &n, sizeof n) &&
		  EVP_DigestUpdate(ctx, yaml.p, yaml.n) && EVP_DigestUpdate(ctx, csv.p, csv.n) &&
		  EVP_DigestFinal_ex(ctx, all->pub.digest, NULL);

	EVP_MD_CTX_free(ctx);
	return ok ? 0 : RF_E_CRYPTO;
}

/* Reads the phones file of all->pub; NULL read: the bytes are given. */
struct source {
	struct rf_view yaml, csv, attestations;
	const char *dir; /* NULL: do not open files */
};

static int cannot_read(struct rf_findings *findings, const char *path, int rc, size_t max)
{
	const struct rf_place at = { path, 0, 0 };

	if (rc == RF_E_LIMIT)
		rf_finding_add(findings, RF_SEV_ERROR, at, NULL, "keep phones in a CSV file (phones_file)",
			       "larger than %zu MiB", max >> 20);
	else
		rf_finding_add(findings, RF_SEV_ERROR, at, NULL,
			       rc == -ENOENT ? "make a site with `ringfort init DIR`, or name its folder with -C DIR"
					     : "give the account that runs ringfort access to it",
			       "cannot read this file: %s", rf_err_text(rc));
	return rc;
}

static int read_file(const char *path, size_t max, struct rf_view *ret_v)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	int rc = fstat(fd, &st) ? -errno : S_ISDIR(st.st_mode) ? -EISDIR : !S_ISREG(st.st_mode) ? -EINVAL : 0;
	if (rc == 0 && (uint64_t)st.st_size > max)
		rc = RF_E_LIMIT;
	/* One byte more than it has, so that a file that grows meanwhile is noticed. */
	size_t cap = rc ? 0 : (size_t)st.st_size + 1, n = 0;
	uint8_t *p = rc ? NULL : malloc(cap);
	if (rc == 0 && !p)
		rc = -ENOMEM;
	while (rc == 0 && n < cap) {
		ssize_t got = read(fd, p + n, cap - n);

		if (got < 0 && errno != EINTR)
			rc = -errno;
		else if (got == 0)
			break;
		else if (got > 0)
			n += (size_t)got;
	}
	close(fd);
	if (rc == 0 && n == cap)
		rc = RF_E_BUSY;
	if (rc) {
		free(p);
		return rc;
	}
	*ret_v = rf_view_of(p, n);
	return 0;
}

static void release(struct rf_view v)
{
	free((void *)(uintptr_t)v.p);
}

static int open_csv(struct rf_site_all *all, struct source *src, struct rf_findings *findings)
{
	char *path = NULL;

	if (!all->pub.phones_file.n || !src->dir)
		return 0;
	if (asprintf(&path, "%s/%s", src->dir, rf_site_cstr(all->pub.phones_file)) < 0)
		return -ENOMEM;
	int rc = keep_text(all, path, &all->pub.phones_file);
	if (rc == 0) {
		rc = read_file(path, RF_SITE_CSV_MAX, &src->csv);
		if (rc)
			cannot_read(findings, path, rc, RF_SITE_CSV_MAX);
	}
	free(path);
	return rc;
}

/* There need not be one. A role that may not read it goes on without: only `check` and `audit` ask for it. */
static int open_attestations(struct rf_site_all *all, struct source *src, struct rf_findings *findings)
{
	char *path = NULL;

	if (!src->dir)
		return keep_text(all, src->attestations.n ? "attestations.yaml" : "", &all->pub.attestations_file);
	if (asprintf(&path, "%s/attestations.yaml", src->dir) < 0)
		return -ENOMEM;
	int rc = read_file(path, RF_SITE_ATTEST_MAX, &src->attestations);
	if (rc == 0)
		rc = keep_text(all, path, &all->pub.attestations_file);
	else if (rc == -EACCES)
		rf_finding_add(findings, RF_SEV_WARNING, (struct rf_place){ path, 0, 0 }, NULL,
			       "give the account that runs ringfort access to it", "cannot read this file: %s",
			       rf_err_text(rc));
	else if (rc != -ENOENT)
		cannot_read(findings, path, rc, RF_SITE_ATTEST_MAX);
	free(path);
	return rc == -ENOENT || rc == -EACCES ? 0 : rc;
}

#define ZONEINFO "/usr/share/zoneinfo"

/* A rule stands for itself; a name for a file of the tz database, which is only opened where files are. */
static int load_timezone(struct rf_site_all *all, const struct source *src, struct rf_findings *findings)
{
	struct rf_site_telephony *tel = &all->pub.tel;
	struct rf_view bytes = { 0 };
	char *path;
	int rc = tel->timezone.n && !rf_view_eq(tel->timezone, RF_V("UTC")) ?
		 rf_tz_of_rule(&all->arena, tel->timezone, &tel->tz) : 0;

	if (rc != RF_E_MALFORMED || !src->dir)
		return rc == RF_E_MALFORMED ? 0 : rc;
	if (asprintf(&path, ZONEINFO "/%s", rf_site_cstr(tel->timezone)) < 0)
		return -ENOMEM;
	rc = read_file(path, RF_TZ_FILE_MAX, &bytes);
	if (rc == 0)
		rc = rf_tz_of_file(&all->arena, bytes, &tel->tz);
	free(path);
	release(bytes);
	if (rc == 0 || rc == -ENOMEM)
		return rc;
	rf_finding_add(findings, RF_SEV_ERROR, rf_site_place(all, all->asked.timezone_pos), NULL,
		       "name a file below " ZONEINFO " (package tzdata), like Europe/Berlin",
		       "there are no rules of the time zone \"%.*s\": %s", RF_VFMT(tel->timezone), rf_err_text(rc));
	return 0;
}

static int build(struct rf_site_all *all, struct source *src, const char *name, struct rf_wall now,
		 struct rf_findings *findings)
{
	int yaml_rc = read_yaml(all, src->yaml, name, findings), attest_rc, rc;

	if (yaml_rc && yaml_rc != RF_E_INVALID)
		return yaml_rc;
	/* With errors in site.yaml the phones file is read all the same, so that one run names the errors of both. */
	rc = open_csv(all, src, findings);
	if (rc == 0 && all->pub.phones_file.n)
		rc = read_csv(all, src->csv, findings);
	attest_rc = open_attestations(all, src, findings);
	if (attest_rc == 0 && all->pub.attestations_file.n)
		attest_rc = read_attestations(all, src->attestations, findings);
	if (rc == 0)
		rc = yaml_rc ? yaml_rc : attest_rc;
	if (rc == 0)
		rc = load_timezone(all, src, findings);
	if (rc == 0)
		rc = rf_site_resolve(all, findings);
	if (rc)
		return rc;
	rf_site_rules(all, now, findings);
	rf_site_rules_trunks(all, now, findings);
	rf_site_rules_tel(all, now, findings);
	rf_site_rules_roam(all, findings);
	return name_content(all, src->yaml, src->csv);
}

static int make(struct source *src, const char *name, struct rf_wall now, struct rf_findings *findings,
		struct rf_site **ret_site)
{
	struct rf_site_all *all = site_new(src->dir ? src->dir : "", name);
	struct rf_findings own;

	if (!all)
		return -ENOMEM;
	rf_findings_init(&own);
	if (!findings)
		findings = &own;
	int rc = build(all, src, name, now, findings);
	if (rc == 0 && findings->count[RF_SEV_ERROR])
		rc = RF_E_INVALID;
	if (rc == 0 && findings->err)
		rc = findings->err;
	rf_findings_sort(findings);
	rf_findings_fini(&own);
	if (rc)
		site_free(all);
	else
		*ret_site = &all->pub;
	return rc;
}

int rf_site_load(const char *dir, struct rf_wall now, struct rf_findings *findings, struct rf_site **ret_site)
{
	struct source src = { .dir = dir };
	char *path = NULL;

	if (asprintf(&path, "%s/site.yaml", dir) < 0)
		return -ENOMEM;
	int rc = read_file(path, RF_SITE_FILE_MAX, &src.yaml);
	if (rc)
		cannot_read(findings, path, rc, RF_SITE_FILE_MAX);
	else
		rc = make(&src, path, now, findings, ret_site);
	release(src.yaml);
	release(src.csv);
	release(src.attestations);
	free(path);
	return rc;
}

int rf_site_parse(struct rf_view yaml, struct rf_view csv, const char *name, struct rf_wall now,
		  struct rf_findings *findings, struct rf_site **ret_site)
{
	return rf_site_parse_attested(yaml, csv, RF_V(""), name, now, findings, ret_site);
}

int rf_site_parse_attested(struct rf_view yaml, struct rf_view csv, struct rf_view attestations, const char *name,
			   struct rf_wall now, struct rf_findings *findings, struct rf_site **ret_site)
{
	struct source src = { .yaml = yaml, .csv = csv, .attestations = attestations };

	if (yaml.n > RF_SITE_FILE_MAX || csv.n > RF_SITE_CSV_MAX || attestations.n > RF_SITE_ATTEST_MAX)
		return cannot_read(findings, name, RF_E_LIMIT, RF_SITE_FILE_MAX);
	return make(&src, name, now, findings, ret_site);
}
