#include "base/random.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static void from_kernel(void *p, size_t n)
{
	uint8_t *b = (uint8_t *)p;

	while (n) {
		ssize_t got = getrandom(b, n > 256 ? 256 : n, 0);

		if (got <= 0)
			abort(); /* no randomness, no secrets: nothing that follows could be trusted */
		b += got;
		n -= (size_t)got;
	}
}

static void system_fill(struct rf_random *r, void *p, size_t n)
{
	if (n > sizeof r->pool / 2) {
		from_kernel(p, n);
		return;
	}
	if (n > r->left) {
		from_kernel(r->pool, sizeof r->pool);
		r->left = sizeof r->pool;
	}
	uint8_t *from = r->pool + (sizeof r->pool - r->left);
	memcpy(p, from, n);
	explicit_bzero(from, n);
	r->left -= n;
}

void rf_random_system(struct rf_random *r)
{
	*r = (struct rf_random){ .fill = system_fill };
}
