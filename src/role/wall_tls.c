/* TLS of a wall: its certificate, and whom it believes. */
#include "role/wall_int.h"

#include "pki/ca.h"

#include <stdio.h>

static void host_file(const struct rf_front *w, const char *file, char *dst, size_t cap)
{
	snprintf(dst, cap, RF_PKI_HOSTS "/%s/%s", rf_site_cstr(w->host->name), file);
}

int rf_wall_start_keeper(struct rf_front *w, struct rf_diag *diag)
{
	char key_file[512];

	host_file(w, "key.pem", key_file, sizeof key_file);
	struct rf_keeper_options opt = {
		.exe = "/proc/self/exe", .key_file = key_file, .user = w->become ? &w->user : NULL, .channels = 1,
	};
	return rf_keeper_new(&opt, &w->keeper, diag);
}

static int ask_keeper(void *arg, struct rf_view digest, uint8_t sig[static RF_KEYHANDLE_SIG_MAX], size_t *ret_n)
{
	return rf_keeper_sign(arg, digest, sig, ret_n);
}

int rf_wall_make_tls(struct rf_front *w, struct rf_diag *diag)
{
	struct evp_pkey_st *public_key = NULL;
	char cert_file[512];

	rf_renew_add(&w->renew, RF_PKI_CRL);
	rf_renew_add(&w->renew, RF_PKI_CA_CERT);
	host_file(w, "cert.pem", cert_file, sizeof cert_file);
	int rc = rf_wall_load_revoked(w, diag);
	if (!rc)
		rc = rf_keyhandle_public(cert_file, &public_key, diag);
	if (!rc)
		rc = rf_keyhandle_new(public_key, ask_keeper, w->keeper, &w->key, diag);
	rf_keyhandle_public_free(public_key);
	if (rc)
		return rc;
	struct rf_tls_conf conf = {
		.chain_file = cert_file,
		.key = rf_keyhandle_pkey(w->key),
		.ca_file = RF_PKI_CA_CERT,
		.profile = w->site->policy.profile == RF_CRYPTO_CNSA ? &rf_tls_cnsa : &rf_tls_modern,
		.client = RF_TLS_CLIENT_REQUIRED,
	};
	return rf_tls_new(&conf, &w->tls, diag);
}

/* --- the list of revoked certificates */

int rf_wall_load_revoked(struct rf_front *w, struct rf_diag *diag)
{
	struct rf_revoked *next;
	int rc = rf_revoked_load(RF_PKI_CRL, RF_PKI_CA_CERT, &next, diag);

	if (rc)
		return rc;
	rf_revoked_free(w->revoked);
	w->revoked = next;
	return 0;
}

static void renew(struct rf_front *w)
{
	struct rf_diag diag = { 0 };
	struct rf_event e;
	char why[700];
	int rc = rf_wall_load_revoked(w, &diag);

	rf_wall_event(w, &e, rc ? RF_EVENT_CONFIG_REFUSED : RF_EVENT_CONFIG_LOADED);
	rf_event_cstr(&e, "by", "a change of its files");
	rf_event_cstr(&e, "text", rc ? rf_wall_why(&diag, why, sizeof why) : "the wall read the list of revoked certificates again");
	rf_ledger_post(w->ledger, &e);
	if (rc)
		rf_log(w->log, RF_LOG_ERROR, "not read again: %s", why);
	else
		rf_wall_review(w);
}

void rf_wall_look_fire(struct rf_timer *t)
{
	struct rf_front *w = rf_container(t, struct rf_front, look);

	rf_timer_start(rf_loop_wheel(w->loop), t, RF_WALL_LOOK_MS);
	if (rf_renew_look(&w->renew))
		renew(w);
	if (++w->looks % RF_WALL_REVIEW == 0)
		rf_wall_review(w);
}
