/* The TLS contexts of a call server, made at the start and whenever its certificate, key or authorities are written
 * anew. All of them are one set that is replaced as a whole; workers have a reference on theirs, connections on the
 * context that they began with. */
#include "role/controller_int.h"

#include "pki/ca.h"
#include "role/keyhandle.h"

#include <stdlib.h>

static bool has_tls_trunk(const struct rf_controller *k)
{
	const struct rf_site *site = k->site;

	if (!rf_controller_has_trunks(k, site))
		return false;
	for (size_t i = 0; i < site->trunk_count; i++)
		if (site->trunks[i].transport == RF_TRANSPORT_TLS)
			return true;
	return false;
}

static bool listens_on(const struct rf_site *site, unsigned transport)
{
	for (size_t i = 0; i < site->sip.listens; i++)
		if (site->sip.listen[i].transport == transport)
			return true;
	return false;
}

bool rf_controller_wants_tls(const struct rf_controller *k)
{
	const struct rf_site *site = k->site;

	return rf_site_has_role(site, RF_ROLE_BORDER) || listens_on(site, RF_TRANSPORT_TLS) ||
	       listens_on(site, RF_TRANSPORT_WSS) || site->sip.listens == 0 || has_tls_trunk(k);
}

/* ---- the set */

static struct rf_controller_tls *tls_get(struct rf_controller_tls *t)
{
	atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
	return t;
}

void rf_controller_tls_put(struct rf_controller_tls *t)
{
	if (!t || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1)
		return;
	rf_tls_put(t->server);
	rf_tls_put(t->browser);
	rf_tls_put(t->client);
	rf_tls_put(t->outer);
	rf_tls_put(t->trunk);
	for (size_t i = 0; i < t->ca_n; i++)
		rf_tls_put(t->ca[i].client);
	free(t);
}

/* The authorities that the site file names for trunks: roots now, contexts later. They are there without TLS, too. */
static int read_authorities(const struct rf_controller *k, struct rf_controller_tls *t, struct rf_diag *diag)
{
	int rc = 0;

	for (; t->ca_n < k->trunk_file_n && !rc; t->ca_n++) {
		struct rf_trunk_ca *ca = &t->ca[t->ca_n];

		ca->file = k->trunk_files[t->ca_n];
		rc = rf_tls_roots(ca->file, ca->root, RF_TRUNK_ROOTS_MAX, &ca->root_n, diag);
	}
	return rc;
}

/* A client context for each of those authorities, otherwise as ours. */
static int trunk_contexts(struct rf_controller_tls *t, const struct rf_tls_conf *ours, struct rf_diag *diag)
{
	int rc = 0;

	for (size_t i = 0; i < t->ca_n && !rc; i++) {
		struct rf_tls_conf conf = *ours;

		conf.ca_file = NULL;
		conf.peer_ca_files = &t->ca[i].file;
		conf.peer_ca_count = 1;
		rc = rf_tls_new(&conf, &t->ca[i].client, diag);
	}
	return rc;
}

/* ---- a controller's */

/* A browser that is asked for a certificate and has none breaks a WebSocket off, where it would open a page without one
 * (Chromium: ERR_SSL_CLIENT_AUTH_CERT_NEEDED). So it is asked only where it needs one. */
static int browser_context(struct rf_controller_tls *t, const struct rf_tls_conf *conf, struct rf_diag *diag)
{
	struct rf_tls_conf web = *conf;

	if (conf->client == RF_TLS_CLIENT_OPTIONAL)
		web.client = RF_TLS_CLIENT_NONE;
	return rf_tls_new(&web, &t->browser, diag);
}

static int controller_contexts(const struct rf_controller *k, struct rf_controller_tls *t, struct rf_tls_conf *conf,
			       struct rf_diag *diag)
{
	int rc = rf_tls_new(conf, &t->client, diag);

	if (!rc)
		rc = trunk_contexts(t, conf, diag);
	if (!rc && listens_on(k->site, RF_TRANSPORT_WSS))
		rc = browser_context(t, conf, diag);
	/* Whoever connects may be a phone or a trunk. */
	conf->peer_ca_count = k->trunk_file_n;
	conf->peer_ca_files = k->trunk_files;
	if (conf->client == RF_TLS_CLIENT_NONE && has_tls_trunk(k))
		conf->client = RF_TLS_CLIENT_OPTIONAL;
	return rc ? rc : rf_tls_new(conf, &t->server, diag);
}

/* ---- a border's: two sides, each with a certificate of its own */

/* A trunk without an authority of its own has its certificate from the site's. */
static bool site_certifies(const struct rf_site *site)
{
	for (size_t i = 0; i < site->trunk_count; i++)
		if (site->trunks[i].transport == RF_TRANSPORT_TLS && !site->trunks[i].ca.n)
			return true;
	return false;
}

static int listen_context(const struct rf_controller *k, struct rf_controller_tls *t, struct rf_tls_conf conf,
			  struct rf_diag *diag)
{
	conf.client = RF_TLS_CLIENT_REQUIRED;
	conf.peer_ca_count = k->trunk_file_n;
	conf.peer_ca_files = k->trunk_files;
	if (rf_controller_two_sides(k) && !site_certifies(k->site) && conf.peer_ca_count && !k->site->roaming.phones.n)
		conf.ca_file = NULL;
	return rf_tls_new(&conf, &t->outer, diag);
}

static int border_contexts(const struct rf_controller *k, struct rf_controller_tls *t, struct rf_tls_conf *inner,
			   struct rf_diag *diag)
{
	struct rf_tls_conf outer = *inner;
	char chain[RF_RENEW_PATH];
	int rc = rf_controller_outer_chain(k, chain, diag);

	inner->client = RF_TLS_CLIENT_REQUIRED;
	outer.chain_file = chain;
	if (!rc)
		rc = rf_tls_new(inner, &t->server, diag);
	if (!rc)
		rc = rf_tls_new(inner, &t->client, diag);
	if (!rc)
		rc = rf_tls_new(&outer, &t->trunk, diag);
	if (!rc)
		rc = trunk_contexts(t, &outer, diag);
	return rc ? rc : listen_context(k, t, outer, diag);
}

/* ---- at the start and again */

static int contexts(struct rf_controller *k, struct rf_controller_tls *t, struct rf_diag *diag)
{
	const struct rf_policy *p = &k->site->policy;
	struct evp_pkey_st *key = NULL;
	int rc = rf_papers_open(&k->papers, k->clock.wall(k->clock.ctx).us / 1000000, &key, diag);

	if (rc)
		return rc;
	struct rf_tls_conf conf = {
		.chain_file = k->papers.cert_file,
		.key = key,
		.ca_file = RF_PKI_CA_CERT,
		.profile = p->profile == RF_CRYPTO_CNSA ? &rf_tls_cnsa : &rf_tls_modern,
		.client = p->require_certificate ? RF_TLS_CLIENT_REQUIRED :
			  p->ask_certificate ? RF_TLS_CLIENT_OPTIONAL : RF_TLS_CLIENT_NONE,
	};
	rc = rf_controller_is_border(k) ? border_contexts(k, t, &conf, diag) : controller_contexts(k, t, &conf, diag);
	rf_keyhandle_free(key);
	return rc;
}

int rf_controller_take_papers(struct rf_controller *k, struct rf_diag *diag)
{
	struct rf_controller_tls *t = calloc(1, sizeof *t);
	bool tls = k->keeper && rf_controller_wants_tls(k);
	char why[RF_PAPERS_WHY];

	if (!t)
		return rf_diag_set(diag, -ENOMEM, "out of memory");
	atomic_init(&t->refs, 1);
	int rc = read_authorities(k, t, diag);
	if (!rc && tls)
		rc = contexts(k, t, diag);
	if (rc) {
		rf_papers_refused(&k->papers, rf_controller_why(diag, why, sizeof why));
		rf_controller_tls_put(t);
		return rc;
	}
	if (tls)
		rf_papers_taken(&k->papers);
	rf_controller_tls_put(k->tls);
	k->tls = t;
	return 0;
}

void rf_controller_watch_papers(struct rf_controller *k)
{
	char outside[RF_RENEW_PATH];

	for (size_t i = 0; i < k->trunk_file_n; i++)
		rf_renew_add(&k->papers.renew, k->trunk_files[i]);
	if (!rf_controller_is_border(k))
		return;
	rf_papers_file(k->host, "outside.pem", outside);
	rf_renew_add(&k->papers.renew, outside);
}

/* ---- to the workers */

struct tls_news {
	struct rf_mail mail;
	struct rf_worker *worker;
	struct rf_controller_tls *tls;
};

struct rf_tls *rf_controller_listen_tls(const struct rf_controller_tls *t, const struct rf_listen *l)
{
	switch (l->asked->transport) {
	case RF_TRANSPORT_WSS:
		return l->outer ? t->outer : t->browser;
	case RF_TRANSPORT_TLS:
		return l->outer ? t->outer : t->server;
	default:
		return NULL;
	}
}

static void take_news(struct rf_mail *mail, int status)
{
	struct tls_news *news = rf_container(mail, struct tls_news, mail);
	struct rf_worker *w = news->worker;
	const struct rf_controller *k = w->controller;

	if (status == 0) {
		for (size_t i = 0; i < k->listens; i++) {
			struct rf_tls *tls = rf_controller_listen_tls(news->tls, &k->listen[i]);

			if (tls)
				rf_ua_set_tls(w->ua, i, tls);
		}
		rf_ua_set_tls_client(w->ua, news->tls->client);
		rf_controller_give_tls(w, news->tls);
	}
	rf_controller_tls_put(news->tls);
	free(news);
}

void rf_controller_give_tls(struct rf_worker *w, struct rf_controller_tls *tls)
{
	struct rf_controller_tls *old = w->tls;

	w->tls = tls_get(tls);
	rf_call_core_set_trunk_tls(w->core, tls->trunk, tls->ca, tls->ca_n);
	rf_call_core_set_relay_tls(w->core, tls->client);
	rf_controller_tls_put(old);
}

int rf_controller_publish_tls(struct rf_controller *k)
{
	int rc = 0;

	rf_controller_wall_tls(k);
	for (unsigned i = 0; i < k->workers; i++) {
		struct tls_news *news = calloc(1, sizeof *news);

		if (!news) {
			rc = -ENOMEM;
			continue;
		}
		*news = (struct tls_news){ .mail.deliver = take_news, .worker = &k->worker[i], .tls = tls_get(k->tls) };
		int posted = rf_mail_post(k->worker[i].loop, &news->mail);
		if (posted) {
			take_news(&news->mail, RF_E_CLOSED);
			rc = posted;
		}
	}
	return rc;
}
