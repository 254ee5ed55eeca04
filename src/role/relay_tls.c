/* TLS of a relay: with borders on other hosts, and towards walls. Who is let in, and for how long. */
#include "role/relay_int.h"

#include "pki/ca.h"
#include "pki/id.h"
#include "role/keyhandle.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

int anchor_start_keeper(struct anchor *a, struct rf_diag *diag)
{
	char key_file[RF_RENEW_PATH];

	if (!a->site)
		return 0;
	rf_papers_file(a->host, "key.pem", key_file);
	struct rf_keeper_options opt = {
		.exe = "/proc/self/exe", .key_file = key_file, .user = a->become ? &a->user : NULL, .channels = 1,
	};
	int rc = rf_keeper_new(&opt, &a->keeper, diag);

	if (rc)
		return rc;
	rf_papers_init(&a->papers, a->keeper, a->site, a->host);
	rf_renew_add(&a->papers.renew, RF_PKI_CRL);
	return 0;
}

static bool names_ip(const struct rf_pki_id *id, const struct rf_site_ip *ip)
{
	char text[INET6_ADDRSTRLEN];

	return ip->family && inet_ntop(ip->family == 4 ? AF_INET : AF_INET6, ip->b, text, sizeof text) &&
	       rf_pki_id_names(id, rf_view_str(text));
}

/* Only hosts of the site with the role border, by a certificate that is neither over nor revoked. What tells
 * hosts apart in certificates is their address: a phone's has none, and the authority of a trunk is not
 * ours. "": one of them. */
static const char *why_no_border(const struct anchor *a, const struct rf_pki_id *id)
{
	const char *why = rf_revoked_why_not(a->revoked, id, a->clock.wall(a->clock.ctx).us / 1000000);

	if (*why || id->urn[0])
		return *why ? why : "no border of this site";
	for (size_t i = 0; i < a->site->host_count; i++) {
		const struct rf_site_host *h = &a->site->hosts[i];

		if (h->roles & RF_ROLE_BORDER && (names_ip(id, &h->address) || names_ip(id, &h->address6)))
			return "";
	}
	return "no border of this site";
}

/* Whose certificate it was, by what cannot be spelled in another way. */
static void record_refused(struct anchor *a, const struct rf_pki_id *id, const struct rf_addr *from, const char *why)
{
	char serial[2 * RF_PKI_SERIAL_MAX], text[RF_ADDR_TEXT];
	struct rf_writer w;
	struct rf_event e;

	rf_writer_init(&w, serial, sizeof serial);
	rf_put_hex(&w, id->serial, id->serial_len);
	anchor_event(a, &e, RF_EVENT_RELAY_REFUSED);
	if (from)
		rf_event_cstr(&e, "peer", rf_addr_text(from, text));
	rf_event_str(&e, "certificate", rf_view_of(serial, w.n));
	rf_event_cstr(&e, "why", why);
	anchor_post(a, &e);
}

/* rf_tls_conf.check. On main's thread, as is every change of a->site and a->revoked. The rate of
 * handshakes bounds the record. */
static int is_border(void *arg, const struct rf_pki_id *id)
{
	struct anchor *a = arg;
	const char *why = why_no_border(a, id);

	if (!*why)
		return 0;
	record_refused(a, id, NULL, why);
	return RF_E_DENIED;
}

/* A wall answers us under a certificate of the site, too. */
static int is_believed(void *arg, const struct rf_pki_id *id)
{
	const struct anchor *a = arg;

	return *rf_revoked_why_not(a->revoked, id, a->clock.wall(a->clock.ctx).us / 1000000) ? RF_E_DENIED : 0;
}

static enum rf_ng_keep look_again(void *arg, const struct rf_pki_id *id, const struct rf_addr *from, uint64_t age_us)
{
	struct anchor *a = arg;
	uint64_t age_max_us = a->site->sip.reauthenticate_s * 1000000ull;
	const char *why = why_no_border(a, id);

	if (*why) {
		record_refused(a, id, from, why);
		return RF_NG_CUT;
	}
	return age_us < age_max_us ? RF_NG_KEEP : age_us < age_max_us + ANCHOR_LEAVE_US ? RF_NG_LEAVE : RF_NG_CUT;
}

/* ---- sessions of borders that were revoked: they end everywhere */

struct parting {
	struct anchor_visit visit;
	size_t n, ended;
	uint64_t by[];
};

static void part_at(struct anchor_visit *v, struct anchor_worker *w)
{
	struct parting *x = rf_container(v, struct parting, visit);

	x->ended += rf_relay_end_by(w->relay, x->by, x->n, "the certificate of its border is revoked");
}

static void part_done(struct anchor_visit *v, int err)
{
	struct parting *x = rf_container(v, struct parting, visit);

	if (err)
		v->anchor->part_due = true;
	if (x->ended)
		rf_log(v->anchor->log, RF_LOG_WARN, "%zu sessions were ended: their border's certificate is revoked",
		       x->ended);
	free(x);
}

static int by_order(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Behind rf_ng_server_review(): what a border that was cut has asked is with the workers already, and is
 * done before this comes. */
static void part(struct anchor *a)
{
	size_t n = rf_revoked_count(a->revoked);
	struct parting *x = n ? calloc(1, sizeof *x + n * sizeof x->by[0]) : NULL;

	a->part_due = n && !x; /* without memory: at the next review */
	if (!x)
		return;
	x->visit.at = part_at;
	x->visit.done = part_done;
	x->n = n;
	for (size_t i = 0; i < n; i++)
		x->by[i] = rf_ng_by(&a->hash_key, rf_revoked_serial(a->revoked, i));
	qsort(x->by, n, sizeof x->by[0], by_order);
	if (anchor_visit(a, &x->visit)) {
		a->part_due = true;
		free(x);
	}
}

void anchor_review(struct anchor *a)
{
	struct rf_ng_server *server = a->gate[ANCHOR_GATE_MAIN].server;
	size_t cut = a->site && server ? rf_ng_server_review(server, look_again, a) : 0;

	if (server && a->part_due)
		part(a);
	if (cut)
		rf_log(a->log, RF_LOG_WARN,
		       "%zu connections of borders were ended: they are no borders any more, revoked, or over", cut);
}

/* --- certificates, at the start and again */

static int make_contexts(struct anchor *a, struct rf_tls **ret_server, struct rf_tls **ret_client, struct rf_diag *diag)
{
	struct evp_pkey_st *key = NULL;
	int rc = rf_papers_open(&a->papers, a->clock.wall(a->clock.ctx).us / 1000000, &key, diag);

	if (rc)
		return rc;
	struct rf_tls_conf conf = {
		.chain_file = a->papers.cert_file,
		.key = key,
		.ca_file = RF_PKI_CA_CERT,
		.profile = a->site->policy.profile == RF_CRYPTO_CNSA ? &rf_tls_cnsa : &rf_tls_modern,
		.client = RF_TLS_CLIENT_REQUIRED,
		.check = is_believed,
		.check_arg = a,
	};
	rc = rf_tls_new(&conf, ret_client, diag);
	conf.check = is_border;
	if (!rc)
		rc = rf_tls_new(&conf, ret_server, diag);
	rf_keyhandle_free(key);
	return rc;
}

/* Connections that stand keep the contexts before until they end. */
int anchor_take_papers(struct anchor *a, struct rf_diag *diag)
{
	struct rf_tls *server = NULL, *client = NULL;
	struct rf_revoked *revoked = NULL;
	char why[RF_PAPERS_WHY];
	int rc = rf_revoked_load(RF_PKI_CRL, RF_PKI_CA_CERT, &revoked, diag);

	if (!rc)
		rc = make_contexts(a, &server, &client, diag);
	if (rc) {
		rf_papers_refused(&a->papers, anchor_why(diag, why, sizeof why));
		rf_revoked_free(revoked);
		rf_tls_put(client);
		return rc;
	}
	rf_papers_taken(&a->papers);
	rf_revoked_free(a->revoked);
	rf_tls_put(a->tls_server);
	rf_tls_put(a->tls_client);
	a->revoked = revoked;
	a->part_due = true;
	a->tls_server = server;
	a->tls_client = client;
	if (a->gate[ANCHOR_GATE_MAIN].server)
		rf_ng_server_set_tls(a->gate[ANCHOR_GATE_MAIN].server, server);
	if (a->pinholes)
		rf_pinholes_set_tls(a->pinholes, client);
	return 0;
}

int anchor_make_tls(struct anchor *a, struct rf_diag *diag)
{
	int rc = rf_dtls_ctx_new(a->clock.wall(a->clock.ctx), 3650, &a->dtls);

	if (rc)
		return rf_diag_set(diag, rc, "the certificate of DTLS: %s", rf_err_text(rc));
	return a->site ? anchor_take_papers(a, diag) : 0;
}

static void tell_old_list(struct anchor *a)
{
	int64_t now_s = a->clock.wall(a->clock.ctx).us / 1000000,
		until_s = a->revoked ? rf_revoked_until_s(a->revoked) : 0;
	char why[RF_REVOKED_TEXT];
	struct rf_event e;

	if (!rf_papers_tell_old(&a->papers, until_s, now_s))
		return;
	rf_log(a->log, RF_LOG_WARN, "%s", rf_revoked_old(until_s, now_s, why));
	anchor_event(a, &e, RF_EVENT_FAULT);
	rf_event_cstr(&e, "what", "list of revoked certificates");
	rf_event_cstr(&e, "why", why);
	anchor_post(a, &e);
}

void anchor_renew(struct anchor *a, bool now)
{
	struct rf_diag diag = { 0 };
	struct rf_event e;
	char why[700];

	rf_keeper_tidy(a->keeper);
	tell_old_list(a);
	if (!a->site || !(now ? rf_papers_due(&a->papers) : rf_renew_look(&a->papers.renew)))
		return;
	int rc = anchor_take_papers(a, &diag);

	anchor_event(a, &e, rc ? RF_EVENT_CONFIG_REFUSED : RF_EVENT_CONFIG_LOADED);
	rf_event_cstr(&e, "by", "a change of its files");
	rf_event_cstr(&e, "text",
		      rc ? anchor_why(&diag, why, sizeof why) :
			   "the relay took up its certificate and the list of revoked ones");
	anchor_post(a, &e);
	if (rc)
		rf_log(a->log, RF_LOG_ERROR, "certificates are not taken up: %s", why);
	else
		anchor_review(a);
}
