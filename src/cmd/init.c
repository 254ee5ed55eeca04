/* ringfort init: a site directory that works as it is, for a first site on this host. Where DIR holds a site.yaml
 * already (from version control, from an example), everything else is made around it. */
#include "cmd/cmd.h"
#include "cmd/issue.h"
#include "cmd/record.h"

#include <jansson.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static const char site_text[] =
	"# The intent of this site: what there is and how secure it is to be. Keep it in version control;\n"
	"# pki/, state/ and ledger/ beside it are made by ringfort. After a change: ringfort check\n"
	"\n"
	"site: %s\n"
	"domain: %s               # behind the @ of every SIP address; also the realm of passwords\n"
	"\n"
	"# minimum: passwords are enough. medium: every phone proves itself by its certificate, media is encrypted.\n"
	"# highest: certificate and password, and only CNSA cryptography. A level decides every default below.\n"
	"level: %s\n"
	"\n"
	"# Zones: groups of like devices, each with its own VLAN and addresses. Kinds: server, phone, softphone, gateway,\n"
	"# border, admin, converged, data, and outside wan, internet, pstn.\n"
	"zones:\n"
	"  server: { subnet: %s }\n"
	"  # phone: { vlan: 30, subnet: 10.30.0.0/20 }\n"
	"\n"
	"hosts:\n"
	"  - { name: %s, zone: server, address: %s, roles: [controller] }\n"
	"\n"
	"# Where phones stand; emergency calls carry it.\n"
	"locations:\n"
	"  # lobby: { building: Main, floor: 1, room: Lobby, address: \"1 Example Road\" }\n"
	"\n"
	"# Phones may be listed here under `phones:` or, better for many, in a CSV file; `ringfort phone add` writes there.\n"
	"phones_file: phones.csv\n"
	"\n"
	"sip:\n"
	"  listen:\n"
	"    - { transport: tls, port: %u }\n"
	"  # register: { min: 60, default: 3600, max: 7200, bindings: 8 }\n"
	"  # ring_timeout: 120          # seconds\n"
	"  # require_user: true         # a password in addition to the certificate\n"
	"\n"
	"# media: { encryption: required, suites: [AEAD_AES_256_GCM, AEAD_AES_128_GCM, AES_CM_128_HMAC_SHA1_80] }\n"
	"# limits: { calls: 1000, calls_per_number: 4 }\n"
	"# emergency: { numbers: [911, 112] }\n"
	"\n"
	"# What the site cannot meet: each with a reason, who approved it, and an end.\n"
	"# deviations:\n"
	"#   - { mitigation: net-class-vlans, reason: \"...\", approved_by: \"...\", until: 2027-06-30 }\n";

static const char phones_text[] =
	"# The phones of this site, one a line. The columns may be in any order; name and number are needed.\n"
	"name,number,location,mac,switch,port,label\n";

struct choice {
	const char *dir, *domain, *level, *address;
	char name[RF_SITE_NAME_MAX + 1], host[RF_SITE_NAME_MAX + 1], domain_text[80];
	char address_text[INET6_ADDRSTRLEN], subnet[INET6_ADDRSTRLEN + 4];
	uint64_t port;
	bool has_site;   /* a site.yaml is there already */
};

/* The address that this host would send from to a far one; nothing is sent. */
static void own_address(char *dst, size_t cap)
{
	struct sockaddr_in far = { .sin_family = AF_INET, .sin_port = htons(9), .sin_addr = { htonl(0xc0000201) } },
			   near;
	socklen_t n = sizeof near;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool ok = fd >= 0 && connect(fd, (struct sockaddr *)&far, sizeof far) == 0 &&
		  getsockname(fd, (struct sockaddr *)&near, &n) == 0 &&
		  inet_ntop(AF_INET, &near.sin_addr, dst, (socklen_t)cap);

	if (fd >= 0)
		close(fd);
	if (!ok)
		snprintf(dst, cap, "127.0.0.1");
}

/* The /24 or /64 around an address: a first guess at the server zone. */
static void subnet_of(const struct rf_site_ip *ip, char *dst, size_t cap)
{
	uint8_t net[16] = { 0 };
	char text[INET6_ADDRSTRLEN];
	unsigned bytes = ip->family == 4 ? 3 : 8;

	memcpy(net, ip->b, bytes);
	inet_ntop(ip->family == 4 ? AF_INET : AF_INET6, net, text, sizeof text);
	snprintf(dst, cap, "%s/%u", text, bytes * 8);
}

/* What of a word may stand in a name of ours. */
static void as_name(const char *from, const char *otherwise, char *dst, size_t cap)
{
	size_t n = 0;

	for (; *from && n + 1 < cap; from++) {
		char c = (char)rf_lower((uint8_t)*from);

		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (n && c == '-'))
			dst[n++] = c;
		else if (c == '.' && n)
			break;
	}
	dst[n] = '\0';
	if (!n)
		snprintf(dst, cap, "%s", otherwise);
}

static void name_site(struct choice *w)
{
	char *real = realpath(w->dir, NULL);
	const char *slash = strrchr(real ? real : w->dir, '/');

	as_name(slash ? slash + 1 : w->dir, "site", w->name, sizeof w->name);
	free(real);
}

static int choose(const struct rf_cmd_ctx *c, struct choice *w)
{
	const char *name = rf_cmd_opt(c, "name"), *host = rf_cmd_opt(c, "host");
	char own[256] = "";
	struct rf_site_ip ip;

	*w = (struct choice){ .dir = c->arg[0], .port = 5061 };
	w->level = rf_cmd_opt(c, "level") ? rf_cmd_opt(c, "level") : "medium";
	if (strcmp(w->level, "minimum") != 0 && strcmp(w->level, "medium") != 0 && strcmp(w->level, "highest") != 0)
		return rf_cmd_error(c, RF_EXIT_USAGE, "--level takes minimum, medium or highest, not \"%s\"", w->level);
	if (!rf_cmd_number(c, "port", 1, 65535, &w->port))
		return RF_EXIT_USAGE;
	if (name && !rf_site_name_ok(rf_view_str(name)))
		return rf_cmd_error(c, RF_EXIT_USAGE, "--name takes letters, digits, '-', '_' and '.', not \"%s\"",
				    name);
	if (host && !rf_site_name_ok(rf_view_str(host)))
		return rf_cmd_error(c, RF_EXIT_USAGE, "--host takes letters, digits, '-', '_' and '.', not \"%s\"",
				    host);
	if (name)
		snprintf(w->name, sizeof w->name, "%s", name);
	else
		name_site(w);
	(void)gethostname(own, sizeof own - 1);
	if (host)
		snprintf(w->host, sizeof w->host, "%s", host);
	else
		as_name(own, "controller", w->host, sizeof w->host);
	snprintf(w->domain_text, sizeof w->domain_text, "%s.internal", w->name);
	w->domain = rf_cmd_opt(c, "domain") ? rf_cmd_opt(c, "domain") : w->domain_text;
	if (!*w->domain ||
	    w->domain[strspn(w->domain, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-")])
		return rf_cmd_error(c, RF_EXIT_USAGE, "--domain takes a name like voice.example.org, not \"%s\"",
				    w->domain);
	own_address(w->address_text, sizeof w->address_text);
	w->address = rf_cmd_opt(c, "address") ? rf_cmd_opt(c, "address") : w->address_text;
	if (!rf_site_ip_parse(rf_view_str(w->address), false, &ip))
		return rf_cmd_error(c, RF_EXIT_USAGE,
				    "--address takes an address of this host like 10.20.0.11, not \"%s\"", w->address);
	subnet_of(&ip, w->subnet, sizeof w->subnet);
	return 0;
}

/* DIR must be new, empty, or hold a site.yaml and nothing that ringfort made. */
static int look_at_dir(const struct rf_cmd_ctx *c, struct choice *w)
{
	static const char *const made[] = { "pki", "state", "ledger" };
	bool empty = true;
	struct dirent *e;

	if (mkdir(w->dir, 0755) == 0)
		return 0;
	if (errno != EEXIST)
		return rf_cmd_error(c, RF_EXIT_FAILED, "cannot make %s: %s", w->dir, rf_err_text(-errno));
	DIR *d = opendir(w->dir);
	if (!d)
		return rf_cmd_error(c, RF_EXIT_FAILED, "cannot read %s: %s", w->dir, rf_err_text(-errno));
	int status = 0;
	while (!status && (e = readdir(d))) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		empty = false;
		w->has_site |= strcmp(e->d_name, "site.yaml") == 0;
		for (size_t i = 0; i < sizeof made / sizeof *made; i++)
			if (strcmp(e->d_name, made[i]) == 0)
				status = rf_cmd_error(c, RF_EXIT_USAGE,
						      "%s is a site already (it has %s/); choose another folder",
						      w->dir, made[i]);
	}
	closedir(d);
	if (!status && !empty && !w->has_site)
		status = rf_cmd_error(c, RF_EXIT_USAGE, "%s is not empty; choose another folder", w->dir);
	return status;
}

static int write_new(const struct rf_cmd_ctx *c, const char *rel, const char *text, size_t n)
{
	char *path = rf_cmd_path(c, rel);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644), status = 0;

	if (fd < 0 && errno != EEXIST)
		status = rf_cmd_error(c, RF_EXIT_FAILED, "cannot write %s: %s", path, rf_err_text(-errno));
	if (fd >= 0 && (write(fd, text, n) != (ssize_t)n || fsync(fd)))
		status = rf_cmd_error(c, RF_EXIT_FAILED, "cannot write %s: %s", path,
				      rf_err_text(errno ? -errno : -EIO));
	if (fd >= 0)
		close(fd);
	free(path);
	return status;
}

/* Nothing is written that would not load. */
static int try_site(const struct rf_cmd_ctx *c, const char *text)
{
	struct rf_wall now = c->clock.wall(c->clock.ctx);
	struct rf_findings findings;
	struct rf_site *site = NULL;
	struct rf_diag diag = { 0 };
	int status = 0;

	rf_findings_init(&findings);
	if (rf_site_parse(rf_view_str(text), (struct rf_view){ 0 }, "site.yaml", now, &findings, &site)) {
		rf_findings_diag(&findings, &diag);
		status = rf_cmd_diag(c, &diag);
	}
	rf_findings_fini(&findings);
	rf_site_put(site);
	return status;
}

static int write_site(const struct rf_cmd_ctx *c, const struct choice *w)
{
	char *text;
	int n = asprintf(&text, site_text, w->name, w->domain, w->level, w->subnet, w->host, w->address,
			 (unsigned)w->port);

	if (n < 0)
		return rf_cmd_error(c, RF_EXIT_FAILED, "out of memory");
	/* An IPv6 subnet has its own key. */
	char *subnet = strchr(w->address, ':') ? strstr(text, "{ subnet: ") : NULL;
	int status = 0;
	if (subnet) {
		char *six;

		if (asprintf(&six, "%.*ssubnet6: %s", (int)(subnet + 2 - text), text, subnet + strlen("{ subnet: ")) < 0)
			six = NULL;
		free(text);
		text = six;
	}
	status = text ? try_site(c, text) : rf_cmd_error(c, RF_EXIT_FAILED, "out of memory");
	if (!status)
		status = write_new(c, "site.yaml", text, strlen(text));
	free(text);
	return status;
}

static int make_folder(const struct rf_cmd_ctx *c, const char *rel)
{
	char *path = rf_cmd_path(c, rel);
	int status = mkdir(path, 0700) && errno != EEXIST
		   ? rf_cmd_error(c, RF_EXIT_FAILED, "cannot make %s: %s", path, rf_err_text(-errno)) : 0;

	free(path);
	return status;
}

static int make_store(const struct rf_cmd_ctx *c, struct rf_store **ret_store)
{
	char *path = rf_cmd_path(c, "state/directory.db");
	struct rf_diag diag = { 0 };
	int status = rf_store_open(path, true, ret_store, &diag) ? rf_cmd_diag(c, &diag) : 0;

	free(path);
	return status;
}

/* The CA, and a certificate for every host that speaks SIP and every phone that the site file lists already. */
static int make_pki(const struct rf_cmd_ctx *c, const struct rf_site *site, struct rf_store *store)
{
	struct rf_diag diag = { 0 };
	struct rf_pki_id id;
	struct rf_ca *ca;
	int status = 0;

	if (rf_ca_create(c->dir, rf_site_cstr(site->name), c->clock.wall(c->clock.ctx), &diag) ||
	    rf_ca_open(c->dir, &ca, &diag))
		return rf_cmd_diag(c, &diag);
	for (size_t i = 0; !status && i < site->host_count; i++)
		status = rf_issue_host(c, ca, store, site, &site->hosts[i], 0, &id);
	for (size_t i = 0; !status && i < site->phone_count; i++)
		status = rf_issue_phone(c, ca, store, site, site->phones[i].name, site->phones[i].number, 0, &id);
	rf_ca_close(ca);
	return status;
}

static int tell(const struct rf_cmd_ctx *c, const struct rf_site *site, const struct choice *w)
{
	const char *address = site->host_count ? rf_site_cstr(site->hosts[0].address_text) : "";

	if (c->json)
		return rf_cmd_json(c,
				   json_pack("{s:s, s:s, s:s, s:s, s:s}", "dir", w->dir, "site",
					     rf_site_cstr(site->name), "domain", rf_site_cstr(site->domain), "level",
					     rf_level_name(site->level), "address", address),
				   RF_EXIT_YES);
	fprintf(c->out,
		"%s: site \"%s\", domain %s, level %s\n"
		"  site.yaml    what the site is: read it, change it\n"
		"  pki/         its certificate authority, and the certificates of %zu host%s and %zu phone%s\n"
		"  state/       users and registrations\n"
		"  ledger/      what happened\n\n"
		"next:\n"
		"  ringfort -C %s phone add NAME --number 1001\n"
		"  ringfort -C %s phone config NAME --for linphone -o FOLDER\n"
		"  ringfort -C %s check\n"
		"  ringfort -C %s up\n",
		w->dir, rf_site_cstr(site->name), rf_site_cstr(site->domain), rf_level_name(site->level),
		site->host_count, site->host_count == 1 ? "" : "s", site->phone_count,
		site->phone_count == 1 ? "" : "s", w->dir, w->dir, w->dir, w->dir);
	return RF_EXIT_YES;
}

static int fill(struct rf_cmd_ctx *c, const struct choice *w)
{
	struct rf_store *store = NULL;
	int status = w->has_site ? 0 : write_site(c, w);

	if (!status)
		status = write_new(c, "phones.csv", phones_text, sizeof phones_text - 1);
	/* Read back what is there: from here on the site file speaks, not the options. */
	struct rf_site *site = status ? NULL : rf_cmd_site(c, &status);
	if (!status)
		status = make_folder(c, "state");
	if (!status)
		status = make_folder(c, "ledger");
	if (!status)
		status = make_store(c, &store);
	if (!status)
		status = make_pki(c, site, store);
	if (!status) {
		rf_cmd_record(c, &(struct rf_cmd_record){ RF_EVENT_INIT });
		status = tell(c, site, w);
	}
	rf_store_close(store);
	rf_site_put(site);
	return status;
}

static int init(struct rf_cmd_ctx *c)
{
	struct choice w;
	int status = choose(c, &w);

	if (!status)
		status = look_at_dir(c, &w);
	c->dir = w.dir;
	return status ? status : fill(c, &w);
}

static const struct rf_cmd_opt opts[] = {
	{ "name", "NAME", "the site's name (default: the folder's)" },
	{ "domain", "DOMAIN", "its SIP domain (default: NAME.internal)" },
	{ "level", "LEVEL", "minimum, medium or highest (default: medium)" },
	{ "address", "ADDRESS", "where the controller listens (default: this host's address)" },
	{ "port", "PORT", "and on which port (default: 5061)" },
	{ "host", "NAME", "the controller's name (default: this host's)" },
	{ 0 },
};

const struct rf_cmd rf_cmd_init[] = {
	{ .name = "init", .args = "DIR", .min_args = 1, .max_args = 1, .summary = "make a site directory", .opts = opts,
	  .help = "Makes DIR with a commented site.yaml, a certificate authority, the controller's certificate, the\n"
		  "directory of users and an empty ledger. Where DIR has a site.yaml already, makes the rest around it.\n\n"
		  "Keys of site.yaml: site, domain, level, run_as, zones, hosts, locations, phones, phones_file, trunks,\n"
		  "routes, timezone, holidays, dial_plan, dial_plans, class, classes, speed_dials, feature_codes, groups,\n"
		  "numbers, parking, voicemail, links, stir,\n"
		  "sip (listen, workers, client_certificate, require_user, digest, register, session_timer, ring_timeout,\n"
		  "keepalive), media (encryption, suites, dtls_srtp), crypto (profile), limits, emergency, deviations.",
	  .example = "ringfort init site --domain voice.example.org", .run = init },
	{ 0 },
};
