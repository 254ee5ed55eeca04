#include "role/wall_int.h"

#include "role/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int load_site(struct rf_front *w, struct rf_site **ret_site, struct rf_flows *ret_flows, struct rf_diag *diag)
{
	struct rf_findings findings;
	struct rf_site *site = NULL;

	rf_findings_init(&findings);
	int rc = rf_site_load(".", w->clock.wall(w->clock.ctx), &findings, &site);
	if (!rc)
		rc = rf_flows_make(site, w->clock.wall(w->clock.ctx), &findings, ret_flows);
	if (rc && !rf_findings_diag(&findings, diag))
		rf_diag_set(diag, rc, "site.yaml: %s", rf_err_text(rc));
	rf_findings_fini(&findings);
	if (rc)
		rf_site_put(site);
	else
		*ret_site = site;
	return rc;
}

static const struct rf_site_router *router_of(const struct rf_site *site, const struct rf_site_host *host)
{
	for (size_t i = 0; host && i < site->router_count; i++)
		if (site->routers[i].host == host)
			return &site->routers[i];
	return NULL;
}

int rf_wall_load(struct rf_front *w, struct rf_diag *diag)
{
	struct stat st;

	rf_random_system(&w->random);
	rf_random_fill(&w->random, &w->hash_key, sizeof w->hash_key);
	/* From here on every path is relative: after root is gone the way from / to here may be closed. */
	if (chdir(w->opt->dir) < 0 || stat(".", &st) < 0)
		return rf_diag_set(diag, -errno, "%s: %s", w->opt->dir, rf_err_text(-errno));
	w->owner = st.st_uid;
	int rc = load_site(w, &w->site, &w->flows, diag);
	if (rc)
		return rc;
	w->first_site = rf_site_get(w->site);
	rc = rf_role_host(w->site, w->opt->host, RF_ROLE_WALL, &w->host, diag);
	if (rc)
		return rc;
	w->router = router_of(w->site, w->host);
	if (!w->router || w->router->kind != RF_DEVICE_LINUX)
		return rf_diag_set(diag, RF_E_INVALID,
				   "no Linux router of the site has the name of host %s: a wall runs on a router "
				   "(`routers` in site.yaml)",
				   w->host ? rf_site_cstr(w->host->name) : "?");
	if (mkdir("state", 0750) < 0 && errno != EEXIST)
		return rf_diag_set(diag, -errno, "state/: %s", rf_err_text(-errno));
	return rf_startup_user(rf_site_cstr(w->site->run_as), w->log, &w->user, &w->become, w->user_name, diag);
}

int rf_wall_reload(struct rf_front *w, const char *by, struct rf_diag *diag)
{
	struct rf_flows flows;
	struct rf_site *site;
	struct rf_event e;
	char why[700];
	bool due = rf_papers_due(&w->papers);
	int rc = load_site(w, &site, &flows, diag);

	if (!rc && due && (rc = rf_wall_take_papers(w, diag))) {
		rf_flows_fini(&flows);
		rf_site_put(site);
	}
	rf_wall_event(w, &e, rc ? RF_EVENT_CONFIG_REFUSED : RF_EVENT_CONFIG_LOADED);
	rf_event_cstr(&e, "by", by);
	rf_event_cstr(&e, "text", rc ? rf_wall_why(diag, why, sizeof why) : "the wall read the site again");
	rf_ledger_post(w->ledger, &e);
	if (rc)
		return rc;
	rf_flows_fini(&w->flows);
	rf_site_put(w->site);
	w->site = site;
	w->flows = flows;
	rf_wall_review(w);
	return 0;
}

int rf_wall_open_ledger(struct rf_front *w, struct rf_diag *diag)
{
	struct rf_ledger_options opt = { .clock = w->clock, .log = w->log };

	return rf_ledger_open("ledger", &opt, &w->ledger, diag);
}

/* --- sockets */

static int bind_one(struct rf_front *w, const struct rf_site_ip *own, const struct rf_site_ip *gateway,
		    struct rf_diag *diag)
{
	const struct rf_site_ip *ip = own->family ? own : gateway;
	struct rf_listener_conf conf = { .local = { .family = ip->family, .port = RF_PORT_WALL } };
	char text[RF_ADDR_TEXT];

	if (!ip->family)
		return 0;
	if (w->listens == RF_WALL_LISTENS)
		return rf_diag_set(diag, RF_E_LIMIT, "the router has more than %d addresses in border zones",
				   RF_WALL_LISTENS);
	memcpy(conf.local.ip, ip->b, ip->family == 4 ? 4 : 16);
	int rc = rf_listener_open(&conf, &w->listen_fd[w->listens]);
	if (rc)
		return rf_diag_set(diag, rc, "listening on %s: %s%s", rf_addr_text(&conf.local, text), rf_err_text(rc),
				   rc == -EADDRNOTAVAIL ? ": this router does not have that address" : "");
	w->listens++;
	return 0;
}

/* Where the flows lead that borders and relays have to the wall: its own feet in zones of kind border. */
int rf_wall_bind(struct rf_front *w, struct rf_diag *diag)
{
	int rc = 0;

	for (size_t i = 0; i < w->router->interface_count && !rc; i++) {
		const struct rf_site_interface *foot = &w->router->interfaces[i];

		if (foot->zone->kind != RF_ZONE_BORDER)
			continue;
		rc = bind_one(w, &foot->address, &foot->zone->gateway, diag);
		if (!rc)
			rc = bind_one(w, &foot->address6, &foot->zone->gateway6, diag);
	}
	return rc;
}

int rf_wall_hand_over(struct rf_front *w, struct rf_diag *diag)
{
	if (!w->become)
		return 0;
	int rc = rf_startup_own("state", &w->user, diag);
	if (!rc)
		rc = rf_startup_own("ledger", &w->user, diag);
	rf_startup_share(w->log, &w->user, ".");
	rf_startup_share(w->log, &w->user, "site.yaml");
	if (!rf_view_empty(w->site->phones_file))
		rf_startup_share(w->log, &w->user, rf_site_cstr(w->site->phones_file));
	return rc;
}
