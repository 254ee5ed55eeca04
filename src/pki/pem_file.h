/* Files of the pki folder, written whole or not at all (private to this room). */
#ifndef RF_PKI_PEM_FILE_H
#define RF_PKI_PEM_FILE_H

#include "base/err.h"
#include "base/view.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <sys/types.h>

/* Write to a temporary file beside path, fsync, rename. Later: whole or not at all, but not forced to the disk; that is
 * one rf_pki_sync() for many. -errno. */
enum rf_pki_when { RF_PKI_NOW, RF_PKI_LATER };
int rf_pki_write(const char *path, struct rf_view bytes, mode_t mode, enum rf_pki_when when, struct rf_diag *diag);
/* All that was written to the file system of this folder. */
int rf_pki_sync(const char *folder, struct rf_diag *diag);
/* mkdir that is content when it is there. */
int rf_pki_mkdir(const char *path, mode_t mode, struct rf_diag *diag);

int rf_pki_write_key(const char *path, EVP_PKEY *key, enum rf_pki_when when, struct rf_diag *diag);
int rf_pki_write_cert(const char *path, X509 *cert, enum rf_pki_when when, struct rf_diag *diag);
int rf_pki_write_crl(const char *path, X509_CRL *crl, struct rf_diag *diag);

/* RF_E_CORRUPT when the file holds none. */
int rf_pki_read_key(const char *path, EVP_PKEY **ret_key, struct rf_diag *diag);
int rf_pki_read_cert(const char *path, X509 **ret_cert, struct rf_diag *diag);

/* Empties OpenSSL's error queue into a diag; returns RF_E_CRYPTO. */
int rf_pki_crypto(struct rf_diag *diag, const char *what);

#endif
