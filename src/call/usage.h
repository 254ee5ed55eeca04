/* What callers use up: calls at once, calls in an hour, minutes abroad in a day. One bounded table for the process,
 * shared by its workers (a lock; each operation is short). Who is counted: a user where one is proven, else a number.
 * An entry that counts nothing any more gives way; a table full of busy entries refuses newcomers and counts them.
 * The counts begin anew with the process. */
#ifndef RF_CALL_USAGE_H
#define RF_CALL_USAGE_H

#include "base/clock.h"
#include "base/hash.h"
#include "base/view.h"
#include "site/site.h"

struct rf_usage;

enum rf_usage_bound { RF_USAGE_OK, RF_USAGE_CALLS, RF_USAGE_HOUR, RF_USAGE_ABROAD, RF_USAGE_FULL };
/* "calls", "calls-per-hour", "abroad-minutes", "usage-table": the rule of a refusal. */
const char *rf_usage_rule(enum rf_usage_bound bound);
const char *rf_usage_why(enum rf_usage_bound bound); /* a sentence */

/* Who is counted: "u:NAME" or "n:NUMBER". */
struct rf_usage_key {
	uint8_t text[72];
	uint8_t n;
};
struct rf_usage_key rf_usage_key(struct rf_view user, struct rf_view number);

int rf_usage_new(size_t cap, const struct rf_hash_key *key, struct rf_usage **ret_u);
void rf_usage_free(struct rf_usage *u); /* NULL is fine */

/* One more call made, by the bounds of a class. RF_USAGE_OK: rf_usage_end() follows once when *ret_held. Not held: the
 * table is full, and the class has no bounds. */
enum rf_usage_bound rf_usage_begin(struct rf_usage *u, const struct rf_usage_key *who, const struct rf_site_cos *cos,
				   struct rf_mono now, bool *ret_held);
void rf_usage_end(struct rf_usage *u, const struct rf_usage_key *who, struct rf_mono now);

/* Seconds abroad on a day (days since 1970 in the site's zone). */
enum rf_usage_bound rf_usage_abroad(struct rf_usage *u, const struct rf_usage_key *who, const struct rf_site_cos *cos,
				    int64_t day);
void rf_usage_abroad_add(struct rf_usage *u, const struct rf_usage_key *who, uint32_t seconds, int64_t day,
			 struct rf_mono now);

struct rf_usage_counts { size_t entries, calls; uint64_t refused; };
void rf_usage_counts(struct rf_usage *u, struct rf_usage_counts *ret);

#endif
