/* Who gave wrong passwords lately: a bounded memory of names and sources, and how long each must wait.
 *
 * A failure is counted under three keys: the user from that source, the source, and the user wherever it comes from.
 * Each has a number of tries that cost nothing; beyond it every failure doubles the wait up to that key's bound. The
 * bound for a user alone is small, so that a stranger cannot shut a user out; the pair's is the long one. A success
 * clears the pair and the user, not the source. Memory of a key fades when it has been quiet for the forget time.
 * At the cap the key that was quiet longest is forgotten. One thread. */
#ifndef RF_CALL_SUSPECTS_H
#define RF_CALL_SUSPECTS_H

#include "base/clock.h"
#include "base/hash.h"
#include "base/view.h"

struct rf_suspects;

enum rf_suspect_kind {
	RF_SUSPECT_PAIR,
	RF_SUSPECT_SOURCE,
	RF_SUSPECT_USER,
	RF_SUSPECT_KINDS,
};

/* Tries without wait, first wait, longest wait, quiet time after which a key is forgotten. */
struct rf_suspect_rule {
	uint32_t free_tries, first_ms, longest_ms, forget_ms;
};
extern const struct rf_suspect_rule rf_suspect_rules[RF_SUSPECT_KINDS];

/* cap: keys remembered. -ENOMEM. */
int rf_suspects_new(size_t cap, const struct rf_hash_key *key, struct rf_suspects **ret_s);
void rf_suspects_free(struct rf_suspects *s);

/* How long this user from this source must wait before another password is looked at: 0 for most. source: the bytes
 * of the address (for IPv6 of the /64). */
uint32_t rf_suspects_wait_ms(struct rf_suspects *s, struct rf_view user, struct rf_view source, struct rf_mono now);
/* A wrong password. Returns the wait from now on. */
uint32_t rf_suspects_failed(struct rf_suspects *s, struct rf_view user, struct rf_view source, struct rf_mono now);
void rf_suspects_succeeded(struct rf_suspects *s, struct rf_view user, struct rf_view source);
size_t rf_suspects_count(const struct rf_suspects *s);

#endif
