/* The site's seed: 32 random bytes from which the secrets follow that two devices share (emit.h, rf_emit_secret()), so
 * that compiling twice gives the same. DIR/pki/seed, mode 0600, beside the CA's key and as precious. */
#ifndef RF_PKI_SEED_H
#define RF_PKI_SEED_H

#include "base/err.h"

#include <stdbool.h>

#define RF_PKI_SEED "pki/seed"

enum { RF_PKI_SEED_BYTES = 32 };

/* Read it; make: when there is none, make one first. -ENOENT (none, or no pki folder), -EACCES and other -errno,
 * RF_E_CORRUPT (another length), RF_E_CRYPTO. The caller wipes what it gets. */
int rf_pki_seed(const char *dir, bool make, uint8_t ret_seed[static RF_PKI_SEED_BYTES], struct rf_diag *diag);

#endif
