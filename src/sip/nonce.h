/* Digest nonces without server state, and the check that a nonce count is used once.
 *
 * A nonce is 33 bytes as 44 characters of base64url: worker number (1), time of issue in milliseconds (6), random
 * bytes (10), and 16 bytes of HMAC-SHA-256 over those, the realm and the bytes it was bound to. HMAC over SipHash: a
 * nonce guards every account for its whole life and costs well under a microsecond either way (the key schedule is
 * kept), so the conservative MAC is the one to have.
 *
 * It does not depend on the algorithm: several challenges of one response carry the same nonce.
 *
 * Replays. A nonce is used again with growing nc; which counts were seen stands in a bounded table, one entry a nonce,
 * made only after a correct response, so that only owners of passwords fill it. When the table is full the oldest
 * entry is dropped, and with it every nonce issued no later than that one turns stale unless it still has an entry:
 * what was forgotten is never accepted twice.
 *
 * Workers. All workers share the key (so each can tell a forgery from a nonce of ours), each owns its object and its
 * table. A nonce is good only at the worker that issued it; elsewhere it is RF_E_STALE, and the client repeats its
 * request with a fresh nonce, without asking its user. So no nonce count can be spent at two workers.
 *
 * Time is the monotonic clock: a nonce does not outlive the process, since the key does not either. */
#ifndef RF_SIP_NONCE_H
#define RF_SIP_NONCE_H

#include "base/clock.h"
#include "base/random.h"
#include "base/view.h"

enum { RF_NONCE_TEXT = 44, RF_NONCE_KEY = 32 };

struct rf_nonce; /* one per worker thread */

struct rf_nonce_config {
	uint8_t key[RF_NONCE_KEY]; /* random, made once per process, the same for all workers */
	uint8_t worker;
	uint32_t lifetime_ms;      /* how long a nonce is accepted after issue */
	uint32_t cap;              /* entries in the replay table, 64 bytes each; at least 1 */
};

struct rf_nonce_stats {
	uint64_t issued, forged, expired, elsewhere, replayed;
	uint64_t forgotten; /* entries dropped while still alive, because the table was full */
	uint32_t entries;
};

/* The object takes all its memory here. -ENOMEM, RF_E_CRYPTO, RF_E_INVALID (cap 0). The caller wipes its config. */
int rf_nonce_new(const struct rf_nonce_config *config, struct rf_nonce **ret_n);
void rf_nonce_free(struct rf_nonce *n);

/* Make a nonce. bound_to may be empty, or bytes that the request which uses it must present again (the identity on
 * the connection). The text needs no quoting. RF_E_CRYPTO. */
int rf_nonce_issue(struct rf_nonce *n, struct rf_view realm, struct rf_view bound_to, struct rf_random *random,
		   struct rf_mono now, char ret_text[static RF_NONCE_TEXT]);

/* Is this a live nonce of this worker? Changes nothing: ask before the response is computed.
 * RF_E_AUTH: not ours or altered or bound to something else. RF_E_STALE: expired, another worker's, or forgotten:
 * challenge again with stale=true. RF_E_CRYPTO. */
int rf_nonce_check(struct rf_nonce *n, struct rf_view text, struct rf_view realm, struct rf_view bound_to,
		   struct rf_mono now);

/* The response was right: spend count nc (from 1) of a nonce that rf_nonce_check() accepted at this same time. Counts
 * may come out of order within 64 of the highest. RF_E_STALE: this count was spent, or is too far back. */
int rf_nonce_spend(struct rf_nonce *n, struct rf_view text, uint32_t nc, struct rf_mono now);

struct rf_nonce_stats rf_nonce_stats(const struct rf_nonce *n);

#endif
