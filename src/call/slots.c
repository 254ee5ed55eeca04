/* Which parking slots are taken, and on which worker: one word each, for the process. */
#include "call/park.h"

#include "site/site.h"

#include <stdatomic.h>
#include <stdlib.h>

struct rf_slots {
	_Atomic uint16_t worker[RF_SITE_PARK_MAX]; /* and one; 0: free */
};

struct rf_slots *rf_slots_new(void)
{
	return calloc(1, sizeof(struct rf_slots));
}

void rf_slots_free(struct rf_slots *s)
{
	free(s);
}

static bool take(struct rf_slots *s, unsigned slot, unsigned worker)
{
	uint16_t nobody = 0;

	return atomic_compare_exchange_strong(&s->worker[slot], &nobody, (uint16_t)(worker + 1));
}

int rf_slots_take(struct rf_slots *s, unsigned slot, unsigned n, unsigned worker, unsigned *ret_slot)
{
	if (slot < RF_SITE_PARK_MAX) {
		*ret_slot = slot;
		return take(s, slot, worker) ? 0 : RF_E_BUSY;
	}
	for (unsigned i = 0; i < n && i < RF_SITE_PARK_MAX; i++)
		if (take(s, i, worker)) {
			*ret_slot = i;
			return 0;
		}
	return RF_E_LIMIT;
}

void rf_slots_give(struct rf_slots *s, unsigned slot)
{
	atomic_store(&s->worker[slot], 0);
}

int rf_slots_worker(struct rf_slots *s, unsigned slot)
{
	return slot < RF_SITE_PARK_MAX ? (int)atomic_load(&s->worker[slot]) - 1 : -1;
}
