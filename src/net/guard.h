/* Rates by source: token buckets for a source (an IPv4 address, an IPv6 /64) and for everybody together, in a table of
 * bounded size. Time is passed in. Threads: one owner (one per worker).
 *
 * Full table: a source that was quiet for long leaves, but only if all its buckets have filled up again, so that
 * its entry says no more than no entry at all. If they have not, the newcomer gets no entry, and shares one bucket, the
 * crowd's, with all others that have none. So nobody can shed a penalty by pushing sources (true or forged) through the
 * table, and a flood of forged sources takes nothing from those who were there before. */
#ifndef RF_NET_GUARD_H
#define RF_NET_GUARD_H

#include "net/addr.h"
#include "base/clock.h"

enum rf_guard_kind {
	RF_GUARD_MESSAGE,   /* a datagram or a stream message */
	RF_GUARD_CONNECT,   /* an accepted connection */
	RF_GUARD_HANDSHAKE, /* a TLS handshake begun by a peer */
	RF_GUARD_KINDS
};

struct rf_guard_rate {
	uint32_t per_s;  /* 0: no bound */
	uint32_t burst;  /* tokens of a full bucket; 0: per_s */
};

struct rf_guard_conf {
	struct rf_guard_rate source[RF_GUARD_KINDS];
	struct rf_guard_rate total[RF_GUARD_KINDS];
	struct rf_guard_rate crowd[RF_GUARD_KINDS]; /* all sources without an entry together */
	uint32_t sources;                           /* entries, 0: 16384 */
	struct rf_hash_key hash_key;                /* random */
};

struct rf_guard_stats {
	uint64_t passed[RF_GUARD_KINDS];
	uint64_t refused_source[RF_GUARD_KINDS], refused_total[RF_GUARD_KINDS], refused_crowd[RF_GUARD_KINDS];
	uint64_t evicted, crowded; /* entries given to another source; takes that went to the crowd's bucket */
	uint32_t sources;          /* entries in use */
};

struct rf_guard;

int rf_guard_new(const struct rf_guard_conf *conf, struct rf_guard **ret_guard);
void rf_guard_free(struct rf_guard *g);

/* May source do one more of kind now? 0; RF_E_LIMIT: its own (or the crowd's) rate is used up; RF_E_BUSY: the total. A
 * refusal by the source's bucket takes nothing from the total. g NULL: 0. */
int rf_guard_take(struct rf_guard *g, enum rf_guard_kind kind, const struct rf_addr *source, struct rf_mono now);
/* The rates of conf from now on (a reload); buckets and entries stay. sources and hash_key are not changed. */
void rf_guard_set_rates(struct rf_guard *g, const struct rf_guard_conf *conf);
void rf_guard_stats(const struct rf_guard *g, struct rf_guard_stats *ret_stats);

#endif
