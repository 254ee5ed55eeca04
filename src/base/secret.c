#include "base/secret.h"

#include <openssl/crypto.h>

bool rf_secret_eq(struct rf_view a, struct rf_view b)
{
	return a.n == b.n && (a.n == 0 || CRYPTO_memcmp(a.p, b.p, a.n) == 0);
}

void rf_secret_wipe(void *p, size_t n)
{
	if (n)
		OPENSSL_cleanse(p, n);
}
