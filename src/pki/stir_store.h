/* Certificates of others kept in the site's folder, each under the URL that tokens name it by: for peers whose
 * certificates are brought by hand, and for a site that fetches nothing. One file each in RF_STIR_STORE, named by a
 * hash of the URL, whose first line is the URL and whose rest is the chain in PEM. */
#ifndef RF_PKI_STIR_STORE_H
#define RF_PKI_STIR_STORE_H

#include "base/err.h"
#include "base/view.h"

#define RF_STIR_STORE "state/stir"

enum { RF_STIR_STORE_MAX = 1024 /* files that are read */ };

/* Write or replace. dir: the site's folder. -errno. */
int rf_stir_store_put(const char *dir, struct rf_view url, struct rf_view pem, struct rf_diag *diag);
/* RF_E_NOT_FOUND. */
int rf_stir_store_remove(const char *dir, struct rf_view url, struct rf_diag *diag);
/* Every one, in the order of their names; what is no such file is passed over. visit returning other than 0 stops, and
 * is returned. A folder that is not there is an empty one. */
int rf_stir_store_each(const char *dir, int (*visit)(void *arg, struct rf_view url, struct rf_view pem), void *arg,
		       struct rf_diag *diag);

#endif
