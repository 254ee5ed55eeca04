/* Certificates and the directory together: what is issued is written down, what is replaced is revoked. */
#ifndef RF_CMD_ISSUE_H
#define RF_CMD_ISSUE_H

#include "cmd/cmd.h"
#include "pki/ca.h"
#include "store/store.h"

/* Issue for a phone and revoke what it had before. The revocation list is written by rf_issue_crl(). 0 or an exit
 * status after telling the user. */
int rf_issue_phone(const struct rf_cmd_ctx *c, struct rf_ca *ca, struct rf_store *store, const struct rf_site *site,
		   struct rf_view name, struct rf_view number, unsigned days, struct rf_pki_id *ret_id);
int rf_issue_host(const struct rf_cmd_ctx *c, struct rf_ca *ca, struct rf_store *store, const struct rf_site *site,
		  const struct rf_site_host *host, unsigned days, struct rf_pki_id *ret_id);
int rf_issue_crl(const struct rf_cmd_ctx *c, struct rf_ca *ca, struct rf_store *store);

#endif
