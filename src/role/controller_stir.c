/* Caller identity of the site (RFC 8224): its files made into a snapshot for the cores, at the start and at every
 * reload, once the process is confined; so what can be loaded at the start can be loaded again. */
#include "role/controller_int.h"
#include "role/keyhandle.h"

#include "pki/stir_store.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

/* One of the keeper's keys, for as long as a snapshot signs with it. */
struct signer {
	struct rf_keeper *keeper;
	unsigned key;
};

static int ask_keeper(void *arg, struct rf_view digest, uint8_t sig[static 144], size_t *ret_n)
{
	_Static_assert(RF_KEEPER_SIG_MAX == 144, "one size of signature");
	const struct signer *s = arg;

	return rf_keeper_sign(s->keeper, s->key, digest, sig, ret_n);
}

static void signer_gone(void *arg)
{
	struct signer *s = arg;

	if (s)
		rf_keeper_forget(s->keeper, s->key);
	free(s);
}

static int signer_new(struct rf_controller *k, struct signer **ret_signer, struct rf_diag *diag)
{
	struct signer *s = calloc(1, sizeof *s);

	if (!s)
		return rf_diag_set(diag, -ENOMEM, "out of memory");
	s->keeper = k->keeper;
	int rc = rf_keeper_again(k->keeper, RF_KEEPER_STIR, &s->key, diag);

	if (rc)
		free(s);
	else
		*ret_signer = s;
	return rc;
}

/* Who fetches the certificate would find every call of ours forged if the key were another one's. */
static int look_at_pair(struct signer *signer, const char *cert_file, struct rf_diag *diag)
{
	static const uint8_t digest[32] = { 1 };
	struct evp_pkey_st *key = NULL;
	uint8_t sig[RF_KEEPER_SIG_MAX];
	size_t n;
	int rc = rf_keyhandle_public(cert_file, &key, diag);

	if (rc)
		return rc;
	rc = ask_keeper(signer, rf_view_of(digest, sizeof digest), sig, &n);
	EVP_PKEY_CTX *ctx = rc ? NULL : EVP_PKEY_CTX_new(key, NULL);
	bool good = ctx && EVP_PKEY_verify_init(ctx) == 1 && EVP_PKEY_verify(ctx, sig, n, digest, sizeof digest) == 1;

	EVP_PKEY_CTX_free(ctx);
	rf_keyhandle_free(key);
	if (rc)
		return rf_diag_set(diag, rc, "signing with stir.key: %s", rf_err_text(rc));
	return good ? 0 :
		      rf_diag_set(diag, RF_E_INVALID, "stir.certificate (%s) does not belong to stir.key", cert_file);
}

int rf_controller_start_fetcher(struct rf_controller *k, struct rf_diag *diag)
{
	const struct rf_site_stir *t = &k->site->tel.stir;
	struct rf_fetcher_options opt = {
		.exe = "/proc/self/exe", .user = k->become ? &k->user : NULL, .channels = k->workers,
		.hosts = t->hosts.v, .host_count = t->hosts.n,
		.ca_file = t->fetch_ca.n ? rf_site_cstr(t->fetch_ca) : NULL,
	};

	return t->hosts.n && t->trust.n && rf_controller_has_trunks(k, k->site) ?
	       rf_fetcher_new(&opt, &k->fetcher, diag) : 0;
}

/* A file put into the folder, replaced or taken out changes the folder. */
static struct timespec store_changed(void)
{
	struct stat st;

	return stat(RF_STIR_STORE, &st) == 0 ? st.st_mtim : (struct timespec){ 0 };
}

/* Without a key that can be read the site signs nothing any more, whatever was there before: a key is taken out of its
 * place because it is not to be used. With one that does not fit the certificate nothing is taken up: two files are not
 * written at once. */
static int take_key(struct rf_controller *k, const struct rf_site_stir *t, struct signer **ret_signer,
		    struct rf_diag *diag)
{
	struct rf_diag why = { 0 };

	if (signer_new(k, ret_signer, &why)) {
		snprintf(k->stir_refused, sizeof k->stir_refused, "calls are not signed (stir.key): %s", why.text);
		return 0;
	}
	int rc = look_at_pair(*ret_signer, rf_site_cstr(t->certificate), diag);

	if (!rc)
		return 0;
	signer_gone(*ret_signer);
	*ret_signer = NULL;
	snprintf(k->stir_refused, sizeof k->stir_refused, "calls are signed with the key before: %s", diag->text);
	return rc;
}

int rf_controller_load_stir(struct rf_controller *k, const struct rf_site *site, struct rf_stir_setup **ret_setup,
			    struct rf_diag *diag)
{
	const struct rf_site_stir *t = &site->tel.stir;
	bool signs = k->keeper && t->key.n && t->certificate.n && t->url.n;
	struct signer *signer = NULL;

	*ret_setup = NULL;
	k->stir_store_at = store_changed();
	k->stir_refused[0] = '\0';
	if ((!signs && !t->trust.n) || !rf_controller_has_trunks(k, site))
		return 0;
	int rc = signs ? take_key(k, t, &signer, diag) : 0;
	if (rc)
		return rc;
	struct rf_stir_setup_conf conf = {
		.dir = ".", .trust_file = t->trust.n ? rf_site_cstr(t->trust) : NULL,
		.hosts = t->hosts.v, .host_count = t->hosts.n, .providers = t->providers.v,
		.provider_count = t->providers.n, .x5u = signer ? t->url : RF_V(""), .sign = signer ? ask_keeper : NULL,
		.sign_arg = signer,
		.sign_gone = signer ? signer_gone : NULL,
	};

	rc = rf_stir_setup_new(&conf, k->clock.wall(k->clock.ctx), k->log, ret_setup, diag);
	if (rc && !signer)
		return rc;
	if (rc)
		snprintf(k->stir_refused, sizeof k->stir_refused, "calls are signed with the key before: %s",
			 diag->text);
	return rc;
}

int rf_controller_take_stir(struct rf_controller *k, struct rf_diag *diag)
{
	struct rf_stir_setup *next = NULL, *old = k->stir;
	int rc = rf_controller_load_stir(k, k->site, &next, diag);

	if (rc)
		return rc;
	k->stir = next;
	rf_stir_setup_put(old); /* workers have references until they are told */
	return 0;
}

void rf_controller_watch_stir(struct rf_controller *k)
{
	const struct rf_site_stir *t = &k->site->tel.stir;
	const struct rf_view files[] = { t->key, t->certificate, t->trust };

	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		if (files[i].n && rf_controller_has_trunks(k, k->site))
			rf_renew_add(&k->secrets, rf_site_cstr(files[i]));
	for (unsigned i = 0; i < k->login_n; i++)
		rf_renew_add(&k->secrets, rf_site_cstr(k->logins[i]->password_file));
}

void rf_controller_poll_stir(struct rf_controller *k)
{
	struct timespec at = store_changed();
	struct rf_diag diag = { 0 };

	if (at.tv_sec == k->stir_store_at.tv_sec && at.tv_nsec == k->stir_store_at.tv_nsec)
		return;
	if (rf_controller_take_stir(k, &diag)) {
		rf_log(k->log, RF_LOG_ERROR, "%s has changed and could not be read: %s", RF_STIR_STORE, diag.text);
		return;
	}
	if (rf_controller_publish(k))
		rf_log(k->log, RF_LOG_ERROR, "not every worker could be told of the new certificates: reload again");
}
