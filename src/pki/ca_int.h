/* Private to this room: the CA's hands. */
#ifndef RF_PKI_CA_INT_H
#define RF_PKI_CA_INT_H

#include "pki/ca.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

struct rf_ca {
	char *dir;
	X509 *cert;
	EVP_PKEY *key;
};

/* A certificate of code signing for key, valid for a day from now. RF_E_CRYPTO, RF_E_STALE. */
int rf_ca_certify_signer(struct rf_ca *ca, EVP_PKEY *key, struct rf_wall now, X509 **ret_cert, struct rf_diag *diag);

#endif
