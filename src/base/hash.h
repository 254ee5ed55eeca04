/* Keyed hashing for tables whose keys strangers choose: SipHash-1-3 (Aumasson, Bernstein 2012) under a random key
 * per process, so that nobody can aim at one slot. A hash only narrows; equality is decided on the name itself. */
#ifndef RF_BASE_HASH_H
#define RF_BASE_HASH_H

#include "base/view.h"

struct rf_hash_key {
	uint64_t k0, k1;
};

uint64_t rf_hash(const struct rf_hash_key *key, struct rf_view v);
/* As if all ASCII letters were small: for host names and the like. */
uint64_t rf_hash_nocase(const struct rf_hash_key *key, struct rf_view v);

#endif
