/* How many requests each number makes: a token bucket per proven number, limits.requests_per_second tokens a second
 * and as many in a full one. A bounded memory: a number whose bucket is full again says nothing that no entry would not
 * say, so it gives way; at a cap full of numbers that are not, a newcomer is refused.
 * One thread: the bound is one of a worker. A phone's connection has one worker, so this is the phone's bound; a number
 * with phones on several workers has it on each. */
#ifndef RF_CALL_RATES_H
#define RF_CALL_RATES_H

#include "base/clock.h"
#include "base/hash.h"
#include "base/view.h"

struct rf_rates;

/* cap: numbers remembered. -ENOMEM. */
int rf_rates_new(size_t cap, const struct rf_hash_key *key, struct rf_rates **ret_r);
void rf_rates_free(struct rf_rates *r);

/* One more request of this number. 0; RF_E_LIMIT: over per_s (or no room for the number); -ENOMEM. */
int rf_rates_take(struct rf_rates *r, struct rf_view number, uint32_t per_s, struct rf_mono now);
size_t rf_rates_count(const struct rf_rates *r);

#endif
