#include "role/relay_int.h"

#include "net/stream.h"
#include "role/host.h"

#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* --- site */

static int load_site(struct anchor *a, struct rf_site **ret_site, struct rf_diag *diag)
{
	struct rf_findings findings;

	rf_findings_init(&findings);
	int rc = rf_site_load(".", a->clock.wall(a->clock.ctx), &findings, ret_site);
	if (rc && !rf_findings_diag(&findings, diag))
		rf_diag_set(diag, rc, "site.yaml: %s", rf_err_text(rc));
	rf_findings_fini(&findings);
	return rc;
}

static int load_with_site(struct anchor *a, struct rf_diag *diag)
{
	int rc = load_site(a, &a->site, diag);

	if (rc)
		return rc;
	a->first_site = rf_site_get(a->site);
	rc = rf_role_host(a->site, a->opt->host, RF_ROLE_RELAY, &a->host, diag);
	if (!rc)
		rc = rf_anchor_plan_site(a->site, a->host, &a->plan, diag);
	return rc;
}

static unsigned processors(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : (unsigned)n;
}

int anchor_load(struct anchor *a, struct rf_diag *diag)
{
	struct stat st;
	int rc = 0;

	rf_random_system(&a->random);
	rf_random_fill(&a->random, &a->hash_key, sizeof a->hash_key);
	/* From here on every path is relative: after root is gone the way from / to here may be closed. */
	if (a->opt->dir && (chdir(a->opt->dir) < 0 || stat(".", &st) < 0))
		return rf_diag_set(diag, -errno, "%s: %s", a->opt->dir, rf_err_text(-errno));
	a->owner = a->opt->dir ? st.st_uid : geteuid();
	if (a->opt->plan)
		a->plan = *a->opt->plan;
	else
		rc = load_with_site(a, diag);
	if (rc)
		return rc;
	if (a->opt->dir && mkdir("state", 0750) < 0 && errno != EEXIST)
		return rf_diag_set(diag, -errno, "state/: %s", rf_err_text(-errno));
	a->workers = a->plan.workers ? a->plan.workers : processors();
	if (a->workers > RF_ANCHOR_WORKERS_MAX)
		a->workers = RF_ANCHOR_WORKERS_MAX;
	if (!*a->plan.user) {
		snprintf(a->user_name, sizeof a->user_name, "uid %u", (unsigned)geteuid());
		return 0;
	}
	return rf_startup_user(a->plan.user, a->log, &a->user, &a->become, a->user_name, diag);
}

/* What of the next site this process cannot take up while it runs. */
static const char *needs_restart(const struct anchor *a, const struct rf_site *next)
{
	struct rf_pinholes_wall walls[RF_PIN_WALLS_MAX];
	const struct rf_site_host *host = rf_site_host(next, a->host->name);
	struct rf_anchor_plan plan;
	struct rf_diag diag;

	if (!host || !(host->roles & RF_ROLE_RELAY) || rf_anchor_plan_site(next, host, &plan, &diag))
		return "this host is no relay any more";
	if (plan.n_interfaces != a->plan.n_interfaces ||
	    memcmp(plan.interfaces, a->plan.interfaces, plan.n_interfaces * sizeof plan.interfaces[0]) != 0)
		return "addresses or ports of media";
	if (plan.n_udp != a->plan.n_udp || memcmp(plan.udp, a->plan.udp, plan.n_udp * sizeof plan.udp[0]) != 0 ||
	    plan.n_peers != a->plan.n_peers ||
	    memcmp(plan.peers, a->plan.peers, plan.n_peers * sizeof plan.peers[0]) != 0 ||
	    plan.n_tls != a->plan.n_tls || plan.n_stun != a->plan.n_stun)
		return "who may ask this relay, and where";
	if (plan.workers != a->plan.workers || strcmp(plan.fast, rf_site_cstr(a->first_site->relay.fast)) != 0)
		return "workers or the kernel's path";
	if (strcmp(plan.xdp, rf_site_cstr(a->first_site->relay.xdp)) != 0)
		return "interfaces on which media goes past the sockets";
	if (strcmp(plan.sounds, rf_site_cstr(a->first_site->relay.sounds)) != 0)
		return "the folder of sounds";
	if (plan.policy.plain_allowed != a->plan.policy.plain_allowed || plan.policy.suites != a->plan.policy.suites ||
	    plan.policy.dtls != a->plan.policy.dtls || plan.policy.silence_ms != a->plan.policy.silence_ms ||
	    plan.policy.coded_max != a->plan.policy.coded_max)
		return "the rules of media";
	if (!rf_anchor_same_inside(next, a->first_site))
		return "the networks of the inside";
	if (rf_pinholes_walls_of(next, host, walls) != (a->pinholes ? (int)rf_pinholes_walls(a->pinholes) : 0))
		return "the walls around it";
	return "";
}

int anchor_reload(struct anchor *a, const char *by, const char **ret_restart, struct rf_diag *diag)
{
	struct rf_site *site = NULL;
	struct rf_event e;
	char why[700];

	*ret_restart = "";
	if (!a->site)
		return rf_diag_set(diag, RF_E_STATE, "a relay without a site has nothing to read again");
	bool due = rf_papers_due(&a->papers);
	int rc = load_site(a, &site, diag);
	if (!rc && due)
		rc = anchor_take_papers(a, diag);
	if (!rc)
		*ret_restart = needs_restart(a, site);
	anchor_event(a, &e, rc ? RF_EVENT_CONFIG_REFUSED : RF_EVENT_CONFIG_LOADED);
	rf_event_cstr(&e, "by", by);
	rf_event_cstr(&e, "text", rc ? anchor_why(diag, why, sizeof why) : **ret_restart ?
		      "the relay read the site again; something of it takes a restart" : "the relay read the site again");
	rf_event_cstr(&e, "restart", *ret_restart);
	anchor_post(a, &e);
	if (rc) {
		rf_site_put(site);
		return rc;
	}
	rf_site_put(a->site);
	a->site = site;
	anchor_review(a);
	return 0;
}

int anchor_open_ledger(struct anchor *a, struct rf_diag *diag)
{
	struct rf_ledger_options opt = { .clock = a->clock, .log = a->log };

	if (!a->site)
		return 0;
	/* Of its own: the record of another role of this host has another writer. */
	if ((mkdir("ledger", 0750) < 0 && errno != EEXIST) || (mkdir("ledger/relay", 0750) < 0 && errno != EEXIST))
		return rf_diag_set(diag, -errno, "ledger/relay: %s", rf_err_text(-errno));
	return rf_ledger_open("ledger/relay", &opt, &a->ledger, diag);
}

/* --- sockets */

static int bind_udp(const struct rf_addr *at, int *ret_fd)
{
	struct sockaddr_storage sa;
	socklen_t n = (socklen_t)rf_addr_to_sockaddr(at, &sa);
	int one = 1, size = 4 << 20, fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (at->family == 6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size); /* a burst of calls; less is no fault */
	if (bind(fd, (struct sockaddr *)&sa, n) < 0) {
		int err = -errno;

		close(fd);
		return err;
	}
	*ret_fd = fd;
	return 0;
}

static int listen_at(struct anchor *a, const struct rf_addr *at, int kind, struct rf_diag *diag)
{
	struct rf_listener_conf conf = { .local = *at };
	struct anchor_listen *l = &a->listen[a->listens];
	char text[RF_ADDR_TEXT];
	int rc = kind == ANCHOR_UDP || kind == ANCHOR_STUN ? bind_udp(at, &l->fd) : rf_listener_open(&conf, &l->fd);

	if (rc)
		return rf_diag_set(diag, rc, "listening on %s: %s%s", rf_addr_text(at, text), rf_err_text(rc),
				   rc == -EADDRNOTAVAIL ? ": this host does not have that address" : "");
	l->at = *at;
	l->kind = kind;
	a->listens++;
	return 0;
}

/* The border on this host: whoever the mode lets connect may speak. */
static int listen_unix(struct anchor *a, struct rf_diag *diag)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX, .sun_path = "state/" RF_ANCHOR_NG_SOCKET };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	unlink(sa.sun_path); /* we hold the lock: nobody else listens there */
	mode_t before = umask(0177);
	int rc = fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof sa) < 0 || listen(fd, 64) < 0 ? -errno : 0;
	umask(before);
	if (!rc && a->become && lchown(sa.sun_path, a->user.uid, a->user.gid) < 0)
		rc = -errno;
	if (rc) {
		if (fd >= 0)
			close(fd);
		return rf_diag_set(diag, rc, "%s: %s", sa.sun_path, rf_err_text(rc));
	}
	a->unix_fd = fd;
	return 0;
}

/* Can media be bound where the plan says? Better said now than with the first call. */
static int try_interfaces(const struct anchor *a, struct rf_diag *diag)
{
	for (unsigned i = 0; i < a->plan.n_interfaces; i++) {
		struct rf_addr at = a->plan.interfaces[i].local;
		char text[RF_ADDR_TEXT];
		int fd = -1, rc;

		at.port = 0;
		rc = bind_udp(&at, &fd);
		if (rc)
			return rf_diag_set(diag, rc, "media on %s (%s): %s%s", rf_addr_text(&at, text),
					   a->plan.interfaces[i].name, rf_err_text(rc),
					   rc == -EADDRNOTAVAIL ? ": this host does not have that address" : "");
		close(fd);
	}
	return 0;
}

int anchor_bind(struct anchor *a, struct rf_diag *diag)
{
	int rc = try_interfaces(a, diag);

	for (unsigned i = 0; i < a->plan.n_udp && !rc; i++)
		rc = listen_at(a, &a->plan.udp[i], ANCHOR_UDP, diag);
	for (unsigned i = 0; i < a->plan.n_tcp && !rc; i++)
		rc = listen_at(a, &a->plan.tcp[i], ANCHOR_TCP, diag);
	for (unsigned i = 0; i < a->plan.n_tls && !rc; i++)
		rc = listen_at(a, &a->plan.tls[i], ANCHOR_TLS, diag);
	for (unsigned i = 0; i < a->plan.n_stun && !rc; i++)
		rc = listen_at(a, &a->plan.stun[i], ANCHOR_STUN, diag);
	if (!rc && a->site)
		rc = listen_unix(a, diag);
	return rc;
}

int anchor_hand_over(struct anchor *a, struct rf_diag *diag)
{
	if (!a->become || !a->opt->dir)
		return 0;
	int rc = rf_startup_own("state", &a->user, diag);
	if (!a->site || rc)
		return rc;
	rc = rf_startup_own("ledger", &a->user, diag);
	rf_startup_share(a->log, &a->user, ".");
	rf_startup_share(a->log, &a->user, "site.yaml");
	if (!rf_view_empty(a->site->phones_file))
		rf_startup_share(a->log, &a->user, rf_site_cstr(a->site->phones_file));
	return rc;
}

/* --- sounds */

int anchor_read_sounds(struct anchor *a, struct rf_diag *diag)
{
	int rc = a->plan.sounds[0] ? rf_clips_read(a->plan.sounds, &a->clips, diag) : 0;

	if (rc == 0 && a->clips)
		rf_log(a->log, RF_LOG_INFO, "%zu sounds may be played", rf_clips_count(a->clips));
	return rc;
}

/* --- the kernel's way, and the way past the sockets */

struct names {
	char text[RF_FAST_DEVICES_MAX][16];
	const char *v[RF_FAST_DEVICES_MAX];
	unsigned n;
};

_Static_assert((int)RF_FAST_DEVICES_MAX == (int)RF_XSK_DEVICES_MAX, "one bound");

/* "eth0, eth1" */
static int read_names(const char *list, struct names *ret, struct rf_diag *diag)
{
	struct rf_view rest = rf_view_str(list);

	for (ret->n = 0; rest.n; ret->n++) {
		size_t comma = rf_view_find(rest, ',');

		if (ret->n == RF_FAST_DEVICES_MAX || !rf_view_cstr(rf_view_trim(rf_view_sub(rest, 0, comma)),
								   ret->text[ret->n], sizeof ret->text[ret->n]))
			return rf_diag_set(diag, RF_E_INVALID, "at most %d interfaces with names of up to 15 letters",
					   RF_FAST_DEVICES_MAX);
		ret->v[ret->n] = ret->text[ret->n];
		rest = rf_view_from(rest, comma < rest.n ? comma + 1 : comma);
	}
	return 0;
}

void anchor_open_fast(struct anchor *a)
{
	struct rf_diag diag = { 0 };
	struct names names;
	int rc = read_names(a->plan.fast, &names, &diag);

	if (!rc && names.n)
		rc = rf_fast_open(names.v, names.n, 0, &a->fast, &diag);
	if (!rc)
		return;
	snprintf(a->fast_why, sizeof a->fast_why, "%s", diag.text[0] ? diag.text : rf_err_text(rc));
	rf_log(a->log, RF_LOG_WARN, "the kernel does not pass media on (%s): all of it goes through the process",
	       a->fast_why);
}

void anchor_open_xsk(struct anchor *a)
{
	struct rf_diag diag = { 0 };
	struct names names;
	int rc = read_names(a->plan.xdp, &names, &diag);

	if (!rc && names.n)
		rc = rf_xsk_open(names.v, names.n, a->workers, &a->xsk, &diag);
	if (!rc)
		return;
	snprintf(a->xsk_why, sizeof a->xsk_why, "%s", diag.text[0] ? diag.text : rf_err_text(rc));
	rf_log(a->log, RF_LOG_WARN,
	       "media does not go past the sockets (AF_XDP: %s): all that the process passes on goes through them",
	       a->xsk_why);
}
