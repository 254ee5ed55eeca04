/* What a site has for caller identity, as one immutable snapshot: whom it believes, the certificates that it has in its
 * folder, and how it signs. Made by the role at the start and at every reload; shared by all cores, by references. */
#ifndef RF_CALL_STIR_SETUP_H
#define RF_CALL_STIR_SETUP_H

#include "base/clock.h"
#include "base/log.h"
#include "pki/stir.h"

/* Sign a digest of 32 bytes: ECDSA in DER, at most 144 bytes. */
typedef int rf_stir_sign_fn(void *arg, struct rf_view digest, uint8_t sig[static 144], size_t *ret_n);

struct rf_stir_setup_conf {
	const char *dir;                 /* the site's folder, for its store of certificates (pki/stir_store.h) */
	const char *trust_file;          /* NULL: this site verifies nothing */
	const struct rf_view *hosts;     /* where certificates may be fetched from; none: only those in the store */
	size_t host_count;
	const struct rf_view *providers; /* codes that are believed for every number, "any" among them for all */
	size_t provider_count;
	struct rf_view x5u;              /* where ours is fetched; "" : this site signs nothing */
	rf_stir_sign_fn *sign;           /* NULL: this site signs nothing now */
	void *sign_arg;
	void (*sign_gone)(void *arg);    /* nobody signs with it any more, on whatever thread; NULL: nobody asks. Comes
					  * also when the snapshot could not be made. */
};

struct rf_stir_setup;

/* Reads the trust file and the store; a certificate in the store that is not believed is logged and left out.
 * -errno, RF_E_CORRUPT, -ENOMEM. */
int rf_stir_setup_new(const struct rf_stir_setup_conf *conf, struct rf_wall now, const struct rf_log *log,
		      struct rf_stir_setup **ret_setup, struct rf_diag *diag);
struct rf_stir_setup *rf_stir_setup_get(struct rf_stir_setup *setup); /* NULL is fine in both */
void rf_stir_setup_put(struct rf_stir_setup *setup);

#endif
