/* Replies that are remembered, so that a request that comes again by UDP is answered and not done again: by who asked
 * (address and port) and the cookie. A request begins as one that is being dealt with, and is finished with its reply;
 * finished ones leave after a time, or earlier, the oldest first, to keep within the bounds. One thread. */
#ifndef RF_MEDIA_NG_CACHE_H
#define RF_MEDIA_NG_CACHE_H

#include <sys/queue.h>

#include "base/clock.h"
#include "base/table.h"
#include "media/limits.h"
#include "net/addr.h"

struct rf_ng_kept {
	struct rf_node node;
	TAILQ_ENTRY(rf_ng_kept) link;  /* of the finished, by age */
	struct rf_addr from;
	uint64_t body;                 /* hash of the request: the same cookie for another one is a mistake */
	struct rf_mono until;
	struct rf_view reply;          /* malloc'd, with its cookie; empty: being dealt with */
	uint8_t cookie_n;
	uint8_t cookie[];
};

struct rf_ng_cache {
	struct rf_table table;
	struct rf_hash_key key;
	TAILQ_HEAD(rf_ng_kept_list, rf_ng_kept) finished;
	size_t finished_n, finished_max;
	size_t bytes, bytes_max;
	uint32_t keep_ms;
};

/* pending: how many may be dealt with at a time. */
void rf_ng_cache_init(struct rf_ng_cache *c, const struct rf_hash_key *key, size_t pending, size_t finished,
		      size_t bytes, uint32_t keep_ms);
void rf_ng_cache_fini(struct rf_ng_cache *c);

/* Of whom a request is and its cookie: for the two below. */
uint64_t rf_ng_cache_hash(const struct rf_ng_cache *c, const struct rf_addr *from, struct rf_view cookie);
/* NULL: not known. */
struct rf_ng_kept *rf_ng_cache_find(struct rf_ng_cache *c, uint64_t hash, const struct rf_addr *from,
				    struct rf_view cookie);
/* NULL: no memory, or a bound; the request is then dealt with all the same. */
struct rf_ng_kept *rf_ng_cache_begin(struct rf_ng_cache *c, uint64_t hash, const struct rf_addr *from,
				     struct rf_view cookie, uint64_t body);
/* Copies reply; without room for it, or when it is empty, k is forgotten. k may leave at any call after this. */
void rf_ng_cache_finish(struct rf_ng_cache *c, struct rf_ng_kept *k, struct rf_view reply, struct rf_mono now);
/* What is too old leaves. */
void rf_ng_cache_expire(struct rf_ng_cache *c, struct rf_mono now);

#endif
