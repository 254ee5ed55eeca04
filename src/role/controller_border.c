/* What is otherwise when the call server runs as a border: two sides, each with addresses and TLS of its own, and
 * nothing of the site's people but its file. The inner side takes certificates of the site's authority alone, the outer
 * side those of the trunks' authorities, and where phones roam the site's own; whoever has none is refused by TLS, and
 * whoever is neither a controller, a trunk nor a phone that roams ends before a byte of SIP is read (call/border.h). */
#include "role/controller_int.h"

#include "call/border.h"
#include "call/relays.h"
#include "media/ng_client.h"
#include "pki/ca.h"
#include "pki/revoked.h"
#include "role/relay.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

bool rf_controller_has_trunks(const struct rf_controller *k, const struct rf_site *site)
{
	return k->opt->border || !rf_site_has_role(site, RF_ROLE_BORDER);
}

/* ---- TLS */

static bool has_trunk(const struct rf_site *site, unsigned transport)
{
	for (size_t i = 0; i < site->trunk_count; i++)
		if (site->trunks[i].transport == transport)
			return true;
	return false;
}

bool rf_controller_two_sides(const struct rf_controller *k)
{
	return k->host->outside.pos.line != 0;
}

/* The certificate that strangers see names the site's domain and nothing of its inside. */
int rf_controller_outer_chain(const struct rf_controller *k, char dst[static RF_RENEW_PATH], struct rf_diag *diag)
{
	rf_papers_file(k->host, rf_controller_two_sides(k) ? "outside.pem" : "cert.pem", dst);
	if (access(dst, R_OK) == 0)
		return 0;
	return rf_diag_set(diag, -errno, "%s: %s: `ringfort host issue %s` makes it", dst, strerror(errno),
			   rf_site_cstr(k->host->name));
}

/* ---- listeners */

static const struct rf_site_listen tls_listen = { .transport = RF_TRANSPORT_TLS, .port = RF_BORDER_PORT };
static const struct rf_site_listen tcp_listen = { .transport = RF_TRANSPORT_TCP, .port = 5060 };
static const struct rf_site_listen udp_listen = { .transport = RF_TRANSPORT_UDP, .port = 5060 };

static int listen_inside(struct rf_controller *k, const struct rf_site_ip *ip, struct rf_diag *diag)
{
	struct rf_listen *l;
	int rc = ip->family ? rf_controller_listen(k, &tls_listen, ip, rf_border_port(k->host), &l, diag) : 0;

	if (!rc && ip->family && !rf_controller_two_sides(k))
		l->outer = true; /* one listener for both sides */
	return rc;
}

static int listen_outside(struct rf_controller *k, const struct rf_site_ip *ip, struct rf_diag *diag)
{
	static const struct rf_site_listen *const all[] = { &tls_listen, &tcp_listen, &udp_listen };
	const struct rf_site_ip *advertised = &k->host->outside.advertised;
	int rc = 0;

	for (size_t i = 0; i < sizeof all / sizeof *all && ip->family && !rc; i++) {
		struct rf_listen *l;

		bool roamed = all[i] == &tls_listen && k->site->roaming.phones.n;

		if ((!has_trunk(k->site, all[i]->transport) && !roamed) ||
		    (all[i] == &tls_listen && !rf_controller_two_sides(k)))
			continue;
		rc = rf_controller_listen(k, all[i], ip, (uint16_t)all[i]->port, &l, diag);
		if (rc)
			break;
		l->outer = true;
		l->advertised = ip->family == advertised->family ? advertised : NULL;
	}
	return rc;
}

/* Phones outside that are browsers: as inside, with a certificate. */
static int listen_browsers(struct rf_controller *k, const struct rf_site_ip *ip, struct rf_diag *diag)
{
	const struct rf_site_listen *asked = rf_site_roaming_browsers(k->site);
	struct rf_listen *l;
	int rc = asked && ip->family ? rf_controller_listen(k, asked, ip, (uint16_t)asked->port, &l, diag) : 0;

	if (asked && ip->family && !rc)
		l->outer = true;
	return rc;
}

int rf_controller_border_bind(struct rf_controller *k, struct rf_diag *diag)
{
	if (k->host->roles & RF_ROLE_CONTROLLER && !rf_controller_two_sides(k))
		return rf_diag_set(diag, RF_E_INVALID,
				   "host %s is controller and border: give it  outside: { address: ADDRESS }  with an "
				   "address of its own for trunks",
				   rf_site_cstr(k->host->name));
	int rc = listen_inside(k, &k->host->address, diag);

	if (!rc)
		rc = listen_inside(k, &k->host->address6, diag);
	if (!rc)
		rc = listen_outside(k, rf_site_outside_ip(k->host, 4), diag);
	if (!rc)
		rc = listen_outside(k, rf_site_outside_ip(k->host, 6), diag);
	if (!rc)
		rc = listen_browsers(k, rf_site_outside_ip(k->host, 4), diag);
	return rc ? rc : listen_browsers(k, rf_site_outside_ip(k->host, 6), diag);
}

static void put_address(const struct rf_site_ip *ip, struct rf_addr own[2])
{
	struct rf_addr *a = &own[ip->family == 6];

	if (!ip->family)
		return;
	*a = (struct rf_addr){ .family = ip->family };
	memcpy(a->ip, ip->b, ip->family == 4 ? 4 : 16);
}

void rf_controller_sides(const struct rf_controller *k, struct rf_call_config *conf)
{
	conf->border = k->opt->border;
	if (!k->host || !rf_site_has_role(k->first_site, RF_ROLE_BORDER))
		return;
	put_address(&k->host->address, conf->from[RF_TOWARDS_SITE]);
	put_address(&k->host->address6, conf->from[RF_TOWARDS_SITE]);
	if (!k->opt->border)
		return;
	put_address(rf_site_outside_ip(k->host, 4), conf->from[RF_TOWARDS_TRUNKS]);
	put_address(rf_site_outside_ip(k->host, 6), conf->from[RF_TOWARDS_TRUNKS]);
}

json_t *rf_controller_dropped_json(const struct rf_controller *k)
{
	json_t *o = json_object();

	for (unsigned rule = 0; rule < RF_LIST_RULES; rule++) {
		uint64_t sum = 0;

		for (unsigned i = 0; i < k->workers; i++)
			sum += rf_border_listed(k->worker[i].core, (enum rf_list_rule)rule);
		if (sum)
			json_object_set_new(o, rf_list_rule_name((enum rf_list_rule)rule),
					    json_integer((json_int_t)sum));
	}
	return o;
}

static struct rf_addr address_of(const struct rf_site_ip *ip, uint32_t port)
{
	struct rf_addr a = { .family = ip->family, .port = (uint16_t)port };

	memcpy(a.ip, ip->b, ip->family == 4 ? 4 : ip->family == 6 ? 16 : 0);
	return a;
}

/* By TLS, from our own address of the same family. */
static struct rf_relay_at elsewhere(const struct rf_controller *k, const struct rf_site_host *h)
{
	const struct rf_site_ip *at = h->address.family && k->host->address.family ? &h->address : &h->address6;
	const struct rf_site_ip *own = at == &h->address ? &k->host->address : &k->host->address6;

	return (struct rf_relay_at){ .addr = address_of(at, RF_ANCHOR_TLS_PORT),
				     .local = address_of(own, 0),
				     .tls = k->tls->client };
}

size_t rf_controller_relays(const struct rf_controller *k, const struct rf_site *site,
			    struct rf_relay_at at[static RF_NG_RELAYS_MAX])
{
	const struct rf_site_host *hosts[RF_NG_RELAYS_MAX];
	size_t n = 0, n_hosts = rf_site_hosts_of(site, RF_ROLE_RELAY, hosts, RF_NG_RELAYS_MAX);

	for (size_t i = 0; i < n_hosts; i++)
		if (rf_view_eq(hosts[i]->name, k->host->name))
			at[n++] = (struct rf_relay_at){ .path = "state/" RF_ANCHOR_NG_SOCKET };
	for (size_t i = 0; i < n_hosts && n < RF_NG_RELAYS_MAX; i++) {
		at[n] = elsewhere(k, hosts[i]);
		n += !rf_view_eq(hosts[i]->name, k->host->name) && at[n].addr.family && at[n].local.family;
	}
	for (size_t i = 0; i < site->media.relays.n && n < RF_NG_RELAYS_MAX; i++)
		at[n++] = (struct rf_relay_at){ .addr = address_of(&site->media.relays.v[i], site->media.relay_port) };
	return n;
}

int rf_controller_give_relays(struct rf_controller *k, struct rf_worker *w)
{
	struct rf_relay_at at[RF_NG_RELAYS_MAX];
	size_t n = k->opt->border ? rf_controller_relays(k, k->first_site, at) : 0;

	if (n)
		return rf_call_core_set_relays(w->core, at, n);
	if (w->index == 0 && k->opt->border)
		rf_log(k->log, RF_LOG_WARN,
		       "no media relay: give this host or another the role relay, or name some in `media.relays`; "
		       "without one a border has no calls");
	return 0;
}

/* ---- who is known */

static struct timespec crl_changed(void)
{
	struct stat st;

	return stat(RF_PKI_CRL, &st) == 0 ? st.st_mtim : (struct timespec){ 0 };
}

bool rf_controller_crl_changed(struct rf_controller *k)
{
	struct timespec at = crl_changed();

	return at.tv_sec != k->crl_at.tv_sec || at.tv_nsec != k->crl_at.tv_nsec;
}

void rf_controller_tell_old_list(struct rf_controller *k)
{
	int64_t now_s = k->clock.wall(k->clock.ctx).us / 1000000;
	char why[RF_REVOKED_TEXT];
	struct rf_event e;

	if (!rf_papers_tell_old(&k->papers, k->crl_until_s, now_s))
		return;
	rf_log(k->log, RF_LOG_WARN, "%s", rf_revoked_old(k->crl_until_s, now_s, why));
	rf_event_init(&e, RF_EVENT_FAULT, k->clock.wall(k->clock.ctx));
	rf_event_cstr(&e, "what", "list of revoked certificates");
	rf_event_cstr(&e, "why", why);
	rf_ledger_post(k->ledger, &e);
}

/* What the list says, as the directory of who has no database. */
static int of_list(struct rf_site *site, const struct rf_revoked *r, struct rf_directory **ret_dir,
		   struct rf_diag *diag)
{
	size_t n = rf_revoked_count(r);
	struct rf_view *v = calloc(n + 1, sizeof *v);

	if (!v)
		return rf_diag_set(diag, -ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++)
		v[i] = rf_revoked_serial(r, i);
	int rc = rf_directory_new_bare(site, v, n, ret_dir, diag);

	free(v);
	return rc;
}

int rf_controller_directory(struct rf_controller *k, struct rf_site *site, struct rf_directory **ret_dir,
			    struct rf_diag *diag)
{
	struct rf_revoked *revoked = NULL;

	if (!k->opt->border)
		return rf_directory_new(site, k->store, ret_dir, diag);
	struct timespec at = crl_changed();
	int rc = rf_revoked_load(RF_PKI_CRL, RF_PKI_CA_CERT, &revoked, diag);

	if (!rc)
		rc = of_list(site, revoked, ret_dir, diag);
	if (!rc) {
		k->crl_at = at;
		k->crl_until_s = rf_revoked_until_s(revoked);
	}
	rf_revoked_free(revoked);
	return rc;
}
