/* TLS of a wall: its certificate, and whom it believes. */
#include "role/wall_int.h"

#include "pki/ca.h"
#include "role/keyhandle.h"

int rf_wall_start_keeper(struct rf_front *w, struct rf_diag *diag)
{
	char key_file[RF_RENEW_PATH];

	rf_papers_file(w->host, "key.pem", key_file);
	struct rf_keeper_options opt = {
		.exe = "/proc/self/exe", .key_file = key_file, .user = w->become ? &w->user : NULL, .channels = 1,
	};
	int rc = rf_keeper_new(&opt, &w->keeper, diag);

	if (rc)
		return rc;
	rf_papers_init(&w->papers, w->keeper, w->site, w->host);
	rf_renew_add(&w->papers.renew, RF_PKI_CRL);
	return 0;
}

static int64_t now_s(const struct rf_front *w)
{
	return w->clock.wall(w->clock.ctx).us / 1000000;
}

static int make_context(struct rf_front *w, struct rf_tls **ret_tls, struct rf_diag *diag)
{
	struct evp_pkey_st *key = NULL;
	int rc = rf_papers_open(&w->papers, now_s(w), &key, diag);

	if (rc)
		return rc;
	struct rf_tls_conf conf = {
		.chain_file = w->papers.cert_file,
		.key = key,
		.ca_file = RF_PKI_CA_CERT,
		.profile = w->site->policy.profile == RF_CRYPTO_CNSA ? &rf_tls_cnsa : &rf_tls_modern,
		.client = RF_TLS_CLIENT_REQUIRED,
	};
	rc = rf_tls_new(&conf, ret_tls, diag);
	rf_keyhandle_free(key);
	return rc;
}

/* Connections that stand keep the context before until they end. */
int rf_wall_take_papers(struct rf_front *w, struct rf_diag *diag)
{
	struct rf_revoked *revoked = NULL;
	struct rf_tls *tls = NULL;
	char why[RF_PAPERS_WHY];
	int rc = rf_revoked_load(RF_PKI_CRL, RF_PKI_CA_CERT, &revoked, diag);

	if (!rc)
		rc = make_context(w, &tls, diag);
	if (rc) {
		rf_papers_refused(&w->papers, rf_wall_why(diag, why, sizeof why));
		rf_revoked_free(revoked);
		return rc;
	}
	rf_papers_taken(&w->papers);
	rf_revoked_free(w->revoked);
	rf_tls_put(w->tls);
	w->revoked = revoked;
	w->tls = tls;
	for (unsigned i = 0; i < w->listens; i++)
		if (w->listener[i])
			rf_listener_set_tls(w->listener[i], tls);
	return 0;
}

/* Somebody wrote one of the files anew: that holds at once. */
static void renew(struct rf_front *w)
{
	struct rf_diag diag = { 0 };
	struct rf_event e;
	char why[700];
	int rc = rf_wall_take_papers(w, &diag);

	rf_wall_event(w, &e, rc ? RF_EVENT_CONFIG_REFUSED : RF_EVENT_CONFIG_LOADED);
	rf_event_cstr(&e, "by", "a change of its files");
	rf_event_cstr(&e, "text",
		      rc ? rf_wall_why(&diag, why, sizeof why) :
			   "the wall took up its certificate and the list of revoked ones");
	rf_ledger_post(w->ledger, &e);
	if (rc)
		rf_log(w->log, RF_LOG_ERROR, "certificates are not taken up: %s", why);
	else
		rf_wall_review(w);
}

static void tell_old_list(struct rf_front *w)
{
	int64_t now_s = w->clock.wall(w->clock.ctx).us / 1000000, until_s = rf_revoked_until_s(w->revoked);
	char why[RF_REVOKED_TEXT];
	struct rf_event e;

	if (!rf_papers_tell_old(&w->papers, until_s, now_s))
		return;
	rf_log(w->log, RF_LOG_WARN, "%s", rf_revoked_old(until_s, now_s, why));
	rf_wall_event(w, &e, RF_EVENT_FAULT);
	rf_event_cstr(&e, "what", "list of revoked certificates");
	rf_event_cstr(&e, "why", why);
	rf_ledger_post(w->ledger, &e);
}

void rf_wall_look_fire(struct rf_timer *t)
{
	struct rf_front *w = rf_container(t, struct rf_front, look);

	rf_timer_start(rf_loop_wheel(w->loop), t, RF_WALL_LOOK_MS);
	rf_keeper_tidy(w->keeper);
	if (rf_renew_look(&w->papers.renew))
		renew(w);
	tell_old_list(w);
	if (++w->looks % RF_WALL_REVIEW == 0)
		rf_wall_review(w);
}
