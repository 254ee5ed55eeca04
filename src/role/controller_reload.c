#include "role/controller_int.h"

#include <stdio.h>
#include <string.h>

void rf_controller_remember_site_file(struct rf_controller *k)
{
	if (stat("site.yaml", &k->site_stat) < 0)
		memset(&k->site_stat, 0, sizeof k->site_stat);
}

static bool site_file_edited(const struct rf_controller *k)
{
	struct stat st;

	return stat("site.yaml", &st) < 0 || st.st_ino != k->site_stat.st_ino || st.st_size != k->site_stat.st_size ||
	       st.st_mtim.tv_sec != k->site_stat.st_mtim.tv_sec || st.st_mtim.tv_nsec != k->site_stat.st_mtim.tv_nsec;
}

static bool same_listeners(const struct rf_site_sip *a, const struct rf_site_sip *b)
{
	if (a->listens != b->listens)
		return false;
	for (size_t i = 0; i < a->listens; i++)
		if (a->listen[i].transport != b->listen[i].transport || a->listen[i].port != b->listen[i].port ||
		    memcmp(&a->listen[i].address, &b->listen[i].address, sizeof a->listen[i].address) != 0)
			return false;
	return true;
}

/* The fetcher knows the hosts that it was started with; fewer are no matter. */
static bool new_host(const struct rf_site_list *now, const struct rf_site_list *next)
{
	for (size_t i = 0; i < next->n; i++) {
		size_t k = 0;

		while (k < now->n && !rf_view_eq(now->v[k], next->v[i]))
			k++;
		if (k == now->n)
			return true;
	}
	return false;
}

static bool same_relays(const struct rf_controller *k, const struct rf_site *a, const struct rf_site *b)
{
	struct rf_relay_at x[RF_NG_RELAYS_MAX], y[RF_NG_RELAYS_MAX];
	size_t n = rf_controller_relays(k, a, x);
	bool same = n == rf_controller_relays(k, b, y);

	for (size_t i = 0; same && i < n; i++)
		same = rf_addr_eq(&x[i].addr, &y[i].addr) && !x[i].tls == !y[i].tls;
	return same;
}

static unsigned trunk_transports(const struct rf_site *site)
{
	unsigned seen = 0;

	for (size_t i = 0; i < site->trunk_count; i++)
		seen |= site->trunks[i].transport;
	return seen;
}

static bool outside_differs(const struct rf_site_host *a, const struct rf_site_host *b)
{
	const struct rf_site_outside *x = &a->outside, *y = &b->outside;

	return memcmp(&x->address, &y->address, sizeof x->address) != 0 ||
	       memcmp(&x->address6, &y->address6, sizeof x->address6) != 0 ||
	       memcmp(&x->advertised, &y->advertised, sizeof x->advertised) != 0;
}

/* What a confined process cannot do any more: such a change is refused as a whole, never taken by half. */
static int needs_restart(const struct rf_controller *k, const struct rf_site *next, struct rf_diag *diag)
{
	const struct rf_site *now = k->first_site;
	const char *what = NULL;

	if (!rf_view_eq(now->domain, next->domain))
		what = "domain";
	else if (rf_site_has_role(now, RF_ROLE_BORDER) != rf_site_has_role(next, RF_ROLE_BORDER))
		what = "whether there is a host with the role border";
	else if (k->opt->border && now->sip.reauthenticate_s != next->sip.reauthenticate_s)
		what = "sip.reauthenticate";
	else if (k->opt->border && !same_relays(k, now, next))
		what = "which media relays there are";
	else if (k->opt->border && trunk_transports(now) != trunk_transports(next))
		what = "over what trunks are spoken with";
	else if (!same_listeners(&now->sip, &next->sip))
		what = "sip.listen";
	else if (now->sip.workers != next->sip.workers)
		what = "sip.workers";
	else if (now->media.announce_port != next->media.announce_port)
		what = "media.announce_port";
	else if (now->sip.dscp != next->sip.dscp)
		what = "sip.dscp";
	else if (!rf_view_eq(now->run_as, next->run_as))
		what = "run_as";
	else if (now->policy.profile != next->policy.profile ||
		 now->policy.ask_certificate != next->policy.ask_certificate ||
		 now->policy.require_certificate != next->policy.require_certificate)
		what = "what the level asks of TLS";
	else if (!rf_view_eq(now->tel.stir.key, next->tel.stir.key))
		what = "stir.key";
	else if (!rf_controller_logins_fit(k, next))
		what = "the login or password_file of a trunk";
	else if (!rf_controller_trunks_fit(k, next))
		what = "the `ca` of a trunk";
	else if (new_host(&now->tel.stir.hosts, &next->tel.stir.hosts) ||
		 !rf_view_eq(now->tel.stir.fetch_ca, next->tel.stir.fetch_ca))
		what = "stir.hosts or stir.fetch_ca";
	else if (!rf_view_eq(now->emergency.hook, next->emergency.hook))
		what = "emergency.hook";
	else if (k->host) {
		const struct rf_site_host *h = rf_site_host(next, k->host->name);

		if (!h || outside_differs(h, k->host) ||
		    memcmp(&h->address, &k->host->address, sizeof h->address) != 0 ||
		    memcmp(&h->address6, &k->host->address6, sizeof h->address6) != 0)
			what = "this host's addresses";
	}
	return what ? rf_diag_set(diag, RF_E_INVALID, "site.yaml changes %s, which only `ringfort down` and `ringfort "
				  "up` can take up; the running site stays as it is", what) : 0;
}

static int load_next(struct rf_controller *k, struct rf_site **ret_site, struct rf_diag *diag)
{
	struct rf_findings findings;

	rf_findings_init(&findings);
	int rc = rf_site_load(".", k->clock.wall(k->clock.ctx), &findings, ret_site);
	if (rc && !rf_findings_diag(&findings, diag))
		rf_diag_set(diag, rc, "site.yaml: %s", rf_err_text(rc));
	rf_findings_fini(&findings);
	return rc;
}

static void put_in_place(struct rf_controller *k, struct rf_site *site, struct rf_directory *directory,
			 struct rf_stir_setup *stir)
{
	struct rf_stir_setup *old_stir = k->stir;
	struct rf_site *old_site = k->site;
	struct rf_directory *old = k->directory;

	k->site = site;
	if (k->penalties)
		rf_controller_penalty_site(k, site);
	k->directory = directory;
	k->stir = stir;
	if (rf_controller_publish(k))
		rf_log(k->log, RF_LOG_ERROR, "not every worker could be told of the new configuration: reload again");
	rf_site_put(old_site);
	rf_directory_put(old);
	rf_stir_setup_put(old_stir);
}

static void record(struct rf_controller *k, int rc, const char *by, const char *text)
{
	struct rf_event e;

	k->reload_at = k->clock.wall(k->clock.ctx);
	snprintf(k->reload_result, sizeof k->reload_result, "%s", text);
	rf_log(k->log, rc ? RF_LOG_ERROR : RF_LOG_INFO, "%s", text);
	rf_event_init(&e, rc ? RF_EVENT_CONFIG_REFUSED : RF_EVENT_CONFIG_LOADED, k->reload_at);
	rf_event_cstr(&e, "by", by);
	rf_controller_event_id(k, &e);
	rf_event_cstr(&e, "text", text);
	rf_ledger_post(k->ledger, &e);
}

static void tell_papers(struct rf_controller *k)
{
	if (rf_controller_publish_tls(k))
		rf_log(k->log, RF_LOG_ERROR, "not every worker could be told of the new certificates: reload again");
}

void rf_controller_poll_papers(struct rf_controller *k)
{
	struct rf_diag diag = { 0 };
	char why[700], text[800];

	if (!rf_renew_look(&k->papers.renew))
		return;
	int rc = rf_controller_take_papers(k, &diag);

	if (rc) {
		snprintf(text, sizeof text, "certificates are not taken up: %s",
			 rf_controller_why(&diag, why, sizeof why));
	} else {
		tell_papers(k);
		snprintf(text, sizeof text, "certificates were taken up: connections that begin now have them");
	}
	record(k, rc, "a change of its files", text);
}

/* What is refused, of the two that are no error of a reload. */
static const char *refused_secrets(const struct rf_controller *k)
{
	return k->stir_refused[0] ? k->stir_refused : k->logins_refused;
}

/* A key or a password that was taken away serves no more, also when all else of a reload is refused. */
static void take_secrets(struct rf_controller *k, struct rf_diag *diag)
{
	int rc = rf_controller_take_stir(k, diag);

	rf_controller_take_logins(k);
	if (rc && !k->stir_refused[0])
		snprintf(k->stir_refused, sizeof k->stir_refused, "caller identity stays as it was: %s", diag->text);
	if (rf_controller_publish(k))
		rf_log(k->log, RF_LOG_ERROR, "not every worker could be told of new keys and passwords: reload again");
}

void rf_controller_poll_secrets(struct rf_controller *k)
{
	struct rf_diag diag = { 0 };

	if (!rf_renew_look(&k->secrets))
		return;
	take_secrets(k, &diag);
	const char *wrong = refused_secrets(k);

	record(k, *wrong ? RF_E_INVALID : 0, "a change of its files", *wrong ? wrong :
	       "keys of caller identity and passwords of trunks were taken up");
}

int rf_controller_reload(struct rf_controller *k, const char *by, struct rf_diag *diag)
{
	struct rf_site *site = NULL;
	struct rf_directory *directory = NULL;
	struct rf_stir_setup *stir = NULL;
	char why[700], text[800];
	bool papers = rf_papers_due(&k->papers);

	rf_renew_take(&k->secrets);
	rf_controller_remember_site_file(k);
	int rc = load_next(k, &site, diag);
	if (!rc)
		rc = needs_restart(k, site, diag);
	if (!rc)
		rc = rf_controller_load_stir(k, site, &stir, diag);
	if (!rc)
		rc = rf_controller_directory(k, site, &directory, diag);
	if (!rc && papers)
		rc = rf_controller_take_papers(k, diag);
	if (rc) {
		rf_stir_setup_put(stir);
		rf_directory_put(directory);
		rf_site_put(site);
		snprintf(text, sizeof text, "not reloaded: %s", rf_controller_why(diag, why, sizeof why));
		record(k, rc, by, text);
		struct rf_diag other = { 0 };
		take_secrets(k, &other);
		return rc;
	}
	rf_controller_take_logins(k);
	put_in_place(k, site, directory, stir);
	if (papers)
		tell_papers(k);
	struct rf_directory_counts counts;
	rf_directory_counts(directory, &counts);
	const char *wrong = refused_secrets(k);

	snprintf(text, sizeof text, "reloaded: %zu phones, %zu users, level %s%s%s", counts.phones, counts.users,
		 rf_level_name(site->level), *wrong ? "; but " : "", wrong);
	record(k, 0, by, text);
	return 0;
}

/* Commands have written users, phones or certificates: they hold at once. An edited site.yaml does not: it waits until
 * somebody says `ringfort reload`. */
void rf_controller_poll_store(struct rf_controller *k)
{
	struct rf_diag diag = { 0 };
	struct rf_directory *directory = NULL;
	bool changed = false;
	char why[700];

	rf_controller_poll_stir(k);
	int rc = rf_controller_is_border(k) ? 0 : rf_store_changed(k->store, &changed);

	if (rf_controller_is_border(k))
		changed = rf_controller_crl_changed(k);
	if (rc || !changed)
		return;
	if (!site_file_edited(k)) {
		rf_controller_reload(k, "a change of the directory", &diag);
		return;
	}
	rc = rf_controller_directory(k, k->site, &directory, &diag);
	if (rc) {
		rf_log(k->log, RF_LOG_ERROR, "the directory has changed and could not be read: %s",
		       rf_controller_why(&diag, why, sizeof why));
		return;
	}
	put_in_place(k, rf_site_get(k->site), directory, rf_stir_setup_get(k->stir));
	record(k, 0, "a change of the directory",
	       "the directory was read again; site.yaml has been edited and waits for `ringfort reload`");
}
