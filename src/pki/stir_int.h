/* Private to pki/stir*.c. */
#ifndef RF_PKI_STIR_INT_H
#define RF_PKI_STIR_INT_H

#include "pki/stir.h"

#include <openssl/x509.h>

struct rf_stir_entry {
	enum { RF_STIR_SPC, RF_STIR_ONE, RF_STIR_RANGE } kind;
	char text[20];         /* the code, the number, or the first of a range */
	uint64_t count;        /* of a range */
};

struct rf_stir_auth {
	unsigned n;
	struct rf_stir_entry entry[RF_STIR_ENTRIES_MAX];
};

/* The TNAuthList of a certificate. RF_E_UNSUPPORTED: none, or constraints beside it; RF_E_MALFORMED; RF_E_LIMIT. */
int rf_stir_auth_read(X509 *cert, struct rf_stir_auth *ret_auth);

#endif
