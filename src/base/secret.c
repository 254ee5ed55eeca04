#include "base/secret.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

bool rf_secret_eq(struct rf_view a, struct rf_view b)
{
	return a.n == b.n && (a.n == 0 || CRYPTO_memcmp(a.p, b.p, a.n) == 0);
}

void rf_secret_wipe(void *p, size_t n)
{
	if (n)
		explicit_bzero(p, n); /* as fast as memset(); OPENSSL_cleanse() goes by eight bytes */
}

void rf_secret_free(void *p, size_t n)
{
	if (p)
		rf_secret_wipe(p, n);
	free(p);
}
