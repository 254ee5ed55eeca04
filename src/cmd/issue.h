/* Certificates and the directory together: what is issued is written down, what is replaced is revoked. */
#ifndef RF_CMD_ISSUE_H
#define RF_CMD_ISSUE_H

#include "cmd/cmd.h"
#include "pki/ca.h"
#include "store/store.h"

/* A request for a phone's certificate, with the texts that it points to. */
struct rf_issue_request {
	struct rf_ca_request ca;
	char name[RF_SITE_NAME_MAX + 1], uri[RF_PKI_URI_MAX + 1], urn[RF_SITE_URN];
};
/* False: the URI is too long for a certificate. */
bool rf_issue_request(const struct rf_site *site, struct rf_view name, struct rf_view number, unsigned days,
		      struct rf_issue_request *ret_req);

/* Issue for a phone and revoke what it had before. The revocation list is written by rf_issue_crl(). 0 or an exit
 * status after telling the user. */
int rf_issue_phone(const struct rf_cmd_ctx *c, struct rf_ca *ca, struct rf_store *store, const struct rf_site *site,
		   struct rf_view name, struct rf_view number, unsigned days, struct rf_pki_id *ret_id);
/* One of many, and what was made for it. */
struct rf_issue_row {
	struct rf_view name, number;
	struct rf_issued {
		uint8_t serial[RF_PKI_SERIAL_MAX], serial_len, sha256[32];
		int64_t not_before_s, not_after_s;
	} made;
};

/* Issue for n phones at once: keys and certificates by as many threads as there are processors, with progress where
 * c->err is a terminal, then all of them in one transaction with the revocation of what the phones had. On an error
 * the directory is as it was; `fresh` says that the phones are new, so that no files of theirs are
 * left behind either. */
int rf_issue_phones(const struct rf_cmd_ctx *c, struct rf_ca *ca, struct rf_store *store, const struct rf_site *site,
		    struct rf_issue_row *rows, size_t n, unsigned days, bool fresh);
/* Remove a phone's key and certificate, as far as they are there. */
void rf_issue_remove_files(const struct rf_cmd_ctx *c, struct rf_view name);
/* A host keeps what it had before until somebody revokes it: it may still be at work with it. */
int rf_issue_host(const struct rf_cmd_ctx *c, struct rf_ca *ca, struct rf_store *store, const struct rf_site *site,
		  const struct rf_site_host *host, unsigned days, struct rf_pki_id *ret_id);
/* *ret_n: how many certificates of that host were not revoked before. */
int rf_issue_revoke_host(const struct rf_cmd_ctx *c, struct rf_store *store, struct rf_view name, size_t *ret_n);
/* The list anew, also when nothing of it has changed: its time begins again. */
int rf_issue_crl(const struct rf_cmd_ctx *c, struct rf_ca *ca, struct rf_store *store);

#endif
