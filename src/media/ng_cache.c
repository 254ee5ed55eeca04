#include "media/ng_cache.h"

#include <stdlib.h>

#include "base/secret.h"

void rf_ng_cache_init(struct rf_ng_cache *c, const struct rf_hash_key *key, size_t pending, size_t finished,
		      size_t bytes, uint32_t keep_ms)
{
	*c = (struct rf_ng_cache){ .key = *key, .finished_max = finished, .bytes_max = bytes, .keep_ms = keep_ms };
	rf_table_init(&c->table, pending + finished);
	TAILQ_INIT(&c->finished);
}

static void forget(struct rf_ng_cache *c, struct rf_ng_kept *k)
{
	if (k->reply.n) {
		TAILQ_REMOVE(&c->finished, k, link);
		c->finished_n--;
		c->bytes -= k->reply.n;
		rf_secret_wipe((void *)(uintptr_t)k->reply.p, k->reply.n); /* SDES: keys */
		free((void *)(uintptr_t)k->reply.p);
	}
	rf_table_del(&c->table, &k->node);
	free(k);
}

static void forget_node(struct rf_node *n, void *arg)
{
	forget(arg, rf_container(n, struct rf_ng_kept, node));
}

void rf_ng_cache_fini(struct rf_ng_cache *c)
{
	rf_table_each(&c->table, forget_node, c);
	rf_table_fini(&c->table);
}

uint64_t rf_ng_cache_hash(const struct rf_ng_cache *c, const struct rf_addr *from, struct rf_view cookie)
{
	/* Two keyed hashes: that they meet is a matter of chance, and then the names are compared. */
	return rf_addr_hash(&c->key, from) * UINT64_C(0x9e3779b97f4a7c15) ^ rf_hash(&c->key, cookie);
}

struct rf_ng_kept *rf_ng_cache_find(struct rf_ng_cache *c, uint64_t hash, const struct rf_addr *from,
				    struct rf_view cookie)
{
	for (struct rf_node *n = rf_table_first(&c->table, hash); n; n = rf_table_next(n)) {
		struct rf_ng_kept *k = rf_container(n, struct rf_ng_kept, node);

		if (rf_addr_eq(&k->from, from) && rf_view_eq(rf_view_of(k->cookie, k->cookie_n), cookie))
			return k;
	}
	return NULL;
}

struct rf_ng_kept *rf_ng_cache_begin(struct rf_ng_cache *c, uint64_t hash, const struct rf_addr *from,
				     struct rf_view cookie, uint64_t body)
{
	struct rf_ng_kept *k = malloc(sizeof(*k) + cookie.n);

	if (!k)
		return NULL;
	*k = (struct rf_ng_kept){ .from = *from, .body = body, .cookie_n = (uint8_t)cookie.n };
	memcpy(k->cookie, cookie.p, cookie.n);
	if (rf_table_add(&c->table, &k->node, hash) < 0) {
		free(k);
		return NULL;
	}
	return k;
}

void rf_ng_cache_finish(struct rf_ng_cache *c, struct rf_ng_kept *k, struct rf_view reply, struct rf_mono now)
{
	uint8_t *copy = reply.n && reply.n <= c->bytes_max ? malloc(reply.n) : NULL;

	if (!copy) {
		forget(c, k);
		return;
	}
	memcpy(copy, reply.p, reply.n);
	k->reply = rf_view_of(copy, reply.n);
	k->until = rf_mono_add_ms(now, c->keep_ms);
	TAILQ_INSERT_TAIL(&c->finished, k, link);
	c->finished_n++;
	c->bytes += reply.n;
	while (c->finished_n > c->finished_max || c->bytes > c->bytes_max)
		forget(c, TAILQ_FIRST(&c->finished));
}

void rf_ng_cache_expire(struct rf_ng_cache *c, struct rf_mono now)
{
	struct rf_ng_kept *k;

	while ((k = TAILQ_FIRST(&c->finished)) && k->until.us <= now.us)
		forget(c, k);
}
