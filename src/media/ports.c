#include "media/ports.h"

#include "base/err.h"

#include <stdlib.h>

struct resting {
	uint64_t until_us;
	uint16_t even;
};

struct rf_ports {
	struct rf_random *random;
	size_t count;              /* pairs in all */
	size_t n_free;
	uint16_t *free;            /* the first n_free, in no order */
	struct resting *rest;      /* a ring of count places: the oldest first */
	size_t rest_at, n_rest;
};

int rf_ports_new(uint16_t first, uint16_t last, struct rf_random *random, struct rf_ports **ret_ports)
{
	if (first % 2 || first == 0 || last <= first)
		return RF_E_INVALID;
	size_t count = ((size_t)last - first + 1) / 2;
	struct rf_ports *p = calloc(1, sizeof *p);

	if (!p)
		return -ENOMEM;
	*p = (struct rf_ports){ .random = random, .count = count, .n_free = count };
	p->free = malloc(count * sizeof *p->free);
	p->rest = malloc(count * sizeof *p->rest);
	if (!p->free || !p->rest) {
		rf_ports_free(p);
		return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++)
		p->free[i] = (uint16_t)(first + 2 * i);
	*ret_ports = p;
	return 0;
}

void rf_ports_free(struct rf_ports *p)
{
	if (!p)
		return;
	free(p->free);
	free(p->rest);
	free(p);
}

static uint16_t oldest(struct rf_ports *p)
{
	uint16_t even = p->rest[p->rest_at].even;

	p->rest_at = (p->rest_at + 1) % p->count;
	p->n_rest--;
	return even;
}

int rf_ports_take(struct rf_ports *p, struct rf_mono now, uint16_t *ret_even)
{
	while (p->n_rest && p->rest[p->rest_at].until_us <= now.us)
		p->free[p->n_free++] = oldest(p);
	if (!p->n_free) {
		if (!p->n_rest)
			return RF_E_LIMIT;
		*ret_even = oldest(p);
		return 0;
	}
	/* 64 bits over at most 32,768 pairs: what the remainder prefers is nothing. */
	size_t at = (size_t)(rf_random_u64(p->random) % p->n_free);

	*ret_even = p->free[at];
	p->free[at] = p->free[--p->n_free];
	return 0;
}

void rf_ports_give(struct rf_ports *p, struct rf_mono now, uint16_t even)
{
	p->rest[(p->rest_at + p->n_rest++) % p->count] =
		(struct resting){ rf_mono_add_ms(now, RF_PORTS_REST_MS).us, even };
}

size_t rf_ports_left(const struct rf_ports *p)
{
	return p->n_free + p->n_rest;
}
