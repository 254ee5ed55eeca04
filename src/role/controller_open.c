#include "role/controller_int.h"

#include "role/startup.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static unsigned count_workers(const struct rf_site *site)
{
	long n = site->sip.workers ? (long)site->sip.workers : sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n > RF_CONTROLLER_WORKERS_MAX ? RF_CONTROLLER_WORKERS_MAX : (unsigned)n;
}

int rf_controller_load(struct rf_controller *k, struct rf_diag *diag)
{
	struct rf_findings findings;
	struct stat st;

	rf_random_system(&k->worker[0].random);
	rf_random_fill(&k->worker[0].random, &k->hash_key, sizeof k->hash_key);
	rf_random_fill(&k->worker[0].random, k->nonce_key, sizeof k->nonce_key);
	/* From here on every path is relative: after root is gone the way from / to here may be closed. */
	if (chdir(k->opt->dir) < 0 || stat(".", &st) < 0)
		return rf_diag_set(diag, -errno, "%s: %s", k->opt->dir, strerror(errno));
	k->owner = st.st_uid;
	rf_findings_init(&findings);
	rf_controller_remember_site_file(k);
	int rc = rf_site_load(".", k->clock.wall(k->clock.ctx), &findings, &k->site);
	if (rc && !rf_findings_diag(&findings, diag))
		rf_diag_set(diag, rc, "site.yaml: %s", rf_err_text(rc));
	rf_findings_fini(&findings);
	if (rc)
		return rc;
	k->first_site = rf_site_get(k->site);
	k->workers = count_workers(k->site);
	rc = rf_role_host(k->site, k->opt->host, k->opt->border ? RF_ROLE_BORDER : RF_ROLE_CONTROLLER, &k->host, diag);
	if (!rc && k->opt->border && !k->host)
		rc = rf_diag_set(diag, RF_E_INVALID, "the site file names no host with the role border");
	return rc ? rc :
		    rf_startup_user(rf_site_cstr(k->site->run_as), k->log, &k->user, &k->become, k->user_name, diag);
}

int rf_controller_open_ledger(struct rf_controller *k, struct rf_diag *diag)
{
	struct rf_ledger_options opt = { .clock = k->clock, .log = k->log };

	if (!rf_controller_is_border(k))
		return rf_ledger_open("ledger", &opt, &k->ledger, diag);
	if (mkdir("ledger/border", 0750) < 0 && errno != EEXIST)
		return rf_diag_set(diag, -errno, "ledger/border: %s", strerror(errno));
	return rf_ledger_open("ledger/border", &opt, &k->ledger, diag);
}

int rf_controller_start_keeper(struct rf_controller *k, struct rf_diag *diag)
{
	const struct rf_view stir_key = rf_controller_has_trunks(k, k->site) ? k->site->tel.stir.key : RF_V("");
	struct rf_keeper_login logins[RF_KEEPER_LOGINS_MAX];
	char key_file[RF_RENEW_PATH];
	unsigned n;
	int rc = rf_controller_trunk_logins(k, logins, &n, diag);

	if (rc || (!rf_controller_wants_tls(k) && !stir_key.n && !n))
		return rc;
	rf_papers_file(k->host, "key.pem", key_file);
	struct rf_keeper_options opt = {
		.exe = "/proc/self/exe", .key_file = rf_controller_wants_tls(k) ? key_file : NULL,
		.stir_key_file = stir_key.n ? rf_site_cstr(stir_key) : NULL, .user = k->become ? &k->user : NULL,
		.channels = k->workers, .logins = logins, .n_logins = n,
	};
	rc = rf_keeper_new(&opt, &k->keeper, diag);
	struct rf_keeper_state st;
	if (rc)
		return rc;
	rf_papers_init(&k->papers, k->keeper, k->site, k->host);
	rf_keeper_state(k->keeper, &st);
	if (!st.locked)
		rf_log(k->log, RF_LOG_INFO, "the keeper locks only the key itself in memory (RLIMIT_MEMLOCK is low)");
	return 0;
}

/* ---- listeners */

static int site_ip(const struct rf_site_ip *ip, uint32_t port, struct rf_addr *ret)
{
	*ret = (struct rf_addr){ .family = ip->family, .port = (uint16_t)port };
	memcpy(ret->ip, ip->b, ip->family == 4 ? 4 : 16);
	return ip->family;
}

static int open_one(const struct rf_listen *l, bool share, int *ret_fd)
{
	struct rf_listener_conf stream = { .local = l->local, .reuse_port = share, .v6_also_v4 = true };
	struct rf_udp_conf udp = { .local = l->local, .reuse_port = share, .v6_also_v4 = true };

	return l->asked->transport == RF_TRANSPORT_UDP ? rf_udp_open(&udp, ret_fd) : rf_listener_open(&stream, ret_fd);
}

/* Sockets for every worker on one address. First one that does not share: another process on this address, perhaps
 * another site's controller, would otherwise silently get half of the phones. */
static int open_listen(struct rf_controller *k, struct rf_listen *l, struct rf_diag *diag)
{
	char text[RF_ADDR_TEXT];
	int fd = -1, rc = open_one(l, false, &fd);

	if (!rc)
		close(fd);
	for (unsigned w = 0; w < k->workers && !rc; w++)
		rc = open_one(l, true, &l->fd[w]);
	if (!rc)
		return 0;
	const char *mend = rc == -EADDRINUSE ? ": another program listens there (`ss -lnp` shows it)" :
			   rc == -EADDRNOTAVAIL ? ": this machine does not have that address; give the host its own in "
						  "site.yaml" :
			   rc == -EACCES ? ": ports below 1024 need root" : "";
	return rf_diag_set(diag, rc, "listening on %s %s: %s%s", rf_transport_name(l->asked->transport),
			   rf_addr_text(&l->local, text), rf_err_text(rc), mend);
}

static int add_listen(struct rf_controller *k, const struct rf_site_listen *asked, struct rf_addr local,
		      struct rf_diag *diag)
{
	if (k->listens == RF_UA_LISTENERS_MAX)
		return rf_diag_set(diag, RF_E_LIMIT, "more than %d addresses to listen on", RF_UA_LISTENERS_MAX);
	struct rf_listen *l = &k->listen[k->listens++];
	*l = (struct rf_listen){ .asked = asked, .local = local };
	for (unsigned w = 0; w < RF_CONTROLLER_WORKERS_MAX; w++)
		l->fd[w] = -1;
	return open_listen(k, l, diag);
}

int rf_controller_listen(struct rf_controller *k, const struct rf_site_listen *asked, const struct rf_site_ip *ip,
			 uint16_t port, struct rf_listen **ret_listen, struct rf_diag *diag)
{
	struct rf_addr a;

	site_ip(ip, port, &a);
	int rc = add_listen(k, asked, a, diag);

	if (!rc)
		*ret_listen = &k->listen[k->listens - 1];
	return rc;
}

static int bind_entry(struct rf_controller *k, const struct rf_site_listen *s, struct rf_diag *diag)
{
	struct rf_addr a;
	int rc = 0;

	if (site_ip(&s->address, s->port, &a))
		return add_listen(k, s, a, diag);
	if (!k->host || (!k->host->address.family && !k->host->address6.family))
		return add_listen(k, s, (struct rf_addr){ .family = 4, .port = (uint16_t)s->port }, diag);
	if (site_ip(&k->host->address, s->port, &a))
		rc = add_listen(k, s, a, diag);
	if (!rc && site_ip(&k->host->address6, s->port, &a))
		rc = add_listen(k, s, a, diag);
	return rc;
}

int rf_controller_bind(struct rf_controller *k, struct rf_diag *diag)
{
	static const struct rf_site_listen usual = { .transport = RF_TRANSPORT_TLS, .port = 5061 };
	int rc = 0;

	if (rf_controller_is_border(k))
		return rf_controller_border_bind(k, diag);
	rc = k->site->sip.listens ? 0 : bind_entry(k, &usual, diag);
	for (size_t i = 0; i < k->site->sip.listens && !rc; i++)
		rc = bind_entry(k, &k->site->sip.listen[i], diag);
	return rc;
}

/* ---- files for the service user */

int rf_controller_hand_over(struct rf_controller *k, struct rf_diag *diag)
{
	if (!k->become)
		return 0;
	int rc = rf_startup_own("state", &k->user, diag);
	if (!rc)
		rc = rf_startup_own("ledger", &k->user, diag);
	rf_startup_share(k->log, &k->user, ".");
	rf_startup_share(k->log, &k->user, "site.yaml");
	if (!rf_view_empty(k->site->phones_file))
		rf_startup_share(k->log, &k->user, rf_site_cstr(k->site->phones_file));
	if (k->site->tel.stir.trust.n)
		rf_startup_share(k->log, &k->user, rf_site_cstr(k->site->tel.stir.trust));
	if (k->site->tel.stir.certificate.n)
		rf_startup_share(k->log, &k->user, rf_site_cstr(k->site->tel.stir.certificate));
	return rc;
}
