/* The site's own certificate authority: made by `ringfort init`, used by the administrator's commands, never by a
 * process that listens on the network.
 *
 * One P-384 root, valid ten years, signs with ECDSA and SHA-384. It certifies hosts (server and client use; DNS names,
 * addresses, and "sip:DOMAIN", RFC 5922 7) and phones (client and server use, so that a phone may also be called over
 * TLS; "sip:NUMBER@DOMAIN" and the device URN). Serials are 127 random bits. Files below DIR/pki; keys have mode 0600
 * and are made in place of an older one by rename. */
#ifndef RF_PKI_CA_H
#define RF_PKI_CA_H

#include "base/clock.h"
#include "pki/id.h"

#define RF_PKI_CA_CERT "pki/ca.pem"
#define RF_PKI_CA_KEY "pki/ca.key"
#define RF_PKI_CRL "pki/crl.pem"
#define RF_PKI_HOSTS "pki/hosts"   /* pki/hosts/NAME/cert.pem, key.pem */
#define RF_PKI_PHONES "pki/phones" /* pki/phones/NAME/cert.pem, key.pem */

enum {
	RF_PKI_CA_DAYS = 3652,
	RF_PKI_CERT_DAYS = 731,
	RF_PKI_CRL_DAYS = 30,
	RF_PKI_NAMES_MAX = 16, /* DNS names, and addresses, in one certificate */
};

struct rf_ca;

/* Make a CA in DIR/pki: ca.pem, ca.key and an empty crl.pem. RF_E_EXISTS when there is one. -errno, RF_E_CRYPTO. */
int rf_ca_create(const char *dir, const char *site_name, struct rf_wall now, struct rf_diag *diag);
/* Open it for signing. -ENOENT, -EACCES, RF_E_CORRUPT (no certificate or key in it, or they do not belong together). */
int rf_ca_open(const char *dir, struct rf_ca **ret_ca, struct rf_diag *diag);
void rf_ca_close(struct rf_ca *ca);

/* What to certify. Texts are NUL-terminated and ours (checked by the caller as names, numbers, addresses). */
struct rf_ca_request {
	bool host;                     /* a host, else a phone */
	bool p384;                     /* key on P-384, else P-256 */
	const char *name;              /* the folder's name below pki/hosts or pki/phones; also the common name */
	const char *uri;               /* "sip:1001@example.org", or for a host "sip:example.org" */
	const char *urn;               /* a phone's device URN, else NULL */
	const char *dns[RF_PKI_NAMES_MAX]; /* up to the first NULL */
	const char *ip[RF_PKI_NAMES_MAX];  /* textual addresses, up to the first NULL */
	unsigned days;                 /* 0: RF_PKI_CERT_DAYS; cut at the CA's own end */
	bool sync_later;               /* one of many: rf_ca_sync() forces all to the disk */
};

/* Make a key and a certificate, write cert.pem and key.pem, and say what was made. Never leaves a certificate without
 * its key. Errors: -errno, RF_E_CRYPTO, RF_E_STALE (the CA has expired). Threads: any, also at once
 * for different names. */
int rf_ca_issue(struct rf_ca *ca, const struct rf_ca_request *req, struct rf_wall now, struct rf_pki_id *ret_id,
		struct rf_diag *diag);
/* A second certificate of a host, outside.pem, for the key that it has: what it shows to strangers need not name the
 * addresses by which its own site knows it. Errors as above; -ENOENT: it has no key yet. */
int rf_ca_issue_outside(struct rf_ca *ca, const struct rf_ca_request *req, struct rf_wall now, struct rf_pki_id *ret_id,
			struct rf_diag *diag);
/* What was issued with sync_later is on the disk after this. */
int rf_ca_sync(struct rf_ca *ca, struct rf_diag *diag);

struct rf_ca_revoked {
	struct rf_view serial;
	struct rf_wall when;
};

/* Write pki/crl.pem anew (next update in RF_PKI_CRL_DAYS; its number is the time). */
int rf_ca_write_crl(struct rf_ca *ca, const struct rf_ca_revoked *v, size_t n, struct rf_wall now,
		    struct rf_diag *diag);

/* Look at a PEM certificate file. -errno, RF_E_CORRUPT. */
int rf_pki_read_id(const char *path, struct rf_pki_id *ret_id, struct rf_diag *diag);
/* Do a certificate file and a key file belong together, and did the CA sign the certificate? RF_E_INVALID if not. */
int rf_pki_check_pair(const char *ca_path, const char *cert_path, const char *key_path, struct rf_diag *diag);

#endif
