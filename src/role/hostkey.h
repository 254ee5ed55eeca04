/* The key behind a host's certificate, as TLS contexts take it, and whether a new certificate may take the place of the
 * old one. Used at the start and whenever a role reads its certificate again; the keeper alone reads the key's file. */
#ifndef RF_ROLE_HOSTKEY_H
#define RF_ROLE_HOSTKEY_H

#include "base/err.h"
#include "pki/id.h"

struct evp_pkey_st;
struct rf_keeper;

/* The keeper reads its key file again; what is there must belong to cert_file (PEM, the host's own first), which is
 * shown by a signature. *ret_key: free it with rf_keyhandle_free(); contexts that have it keep the keeper's key alive,
 * and when the last is gone the keeper wipes it. *ret_id: who the certificate says. keeper outlives all of that.
 * RF_E_INVALID: they do not fit; errors of either file. */
int rf_hostkey_open(struct rf_keeper *keeper, const char *cert_file, struct evp_pkey_st **ret_key,
		    struct rf_pki_id *ret_id, struct rf_diag *diag);

/* A certificate that is to take over: in its dates at now_s, signed by an authority of ca_file (PEM; NULL: not asked),
 * and with each of names (addresses as text or domains, up to the first NULL) in it. RF_E_INVALID with the file, the
 * rule and the mend. */
int rf_hostkey_check(const char *cert_file, const struct rf_pki_id *id, const char *ca_file, const char *const *names,
		     int64_t now_s, struct rf_diag *diag);

#endif
