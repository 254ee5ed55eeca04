#include "call/rates.h"

#include "base/err.h"
#include "base/table.h"

#include <stdlib.h>
#include <sys/queue.h>

/* The bucket as one time: when it will be full again. A request moves it on by its share of a second, and may do so as
 * long as it lies less than a whole second ahead. */
struct rate {
	struct rf_node node;
	TAILQ_ENTRY(rate) quiet; /* longest quiet first */
	struct rf_mono full_at;
	size_t number_n;
	uint8_t number[];
};

TAILQ_HEAD(rate_list, rate);

struct rf_rates {
	struct rf_table table;
	struct rate_list quiet;
	struct rf_hash_key hash_key;
};

enum { SECOND_US = 1000000 };

int rf_rates_new(size_t cap, const struct rf_hash_key *key, struct rf_rates **ret_r)
{
	struct rf_rates *r = calloc(1, sizeof *r);

	if (!r)
		return -ENOMEM;
	rf_table_init(&r->table, cap ? cap : 1);
	TAILQ_INIT(&r->quiet);
	r->hash_key = *key;
	*ret_r = r;
	return 0;
}

static void forget(struct rf_rates *r, struct rate *x)
{
	rf_table_del(&r->table, &x->node);
	TAILQ_REMOVE(&r->quiet, x, quiet);
	free(x);
}

void rf_rates_free(struct rf_rates *r)
{
	if (!r)
		return;
	while (!TAILQ_EMPTY(&r->quiet))
		forget(r, TAILQ_FIRST(&r->quiet));
	rf_table_fini(&r->table);
	free(r);
}

static struct rate *find(struct rf_rates *r, struct rf_view number, uint64_t hash)
{
	for (struct rf_node *n = rf_table_first(&r->table, hash); n; n = rf_table_next(n)) {
		struct rate *x = rf_container(n, struct rate, node);

		if (rf_view_eq(rf_view_of(x->number, x->number_n), number))
			return x;
	}
	return NULL;
}

static int add(struct rf_rates *r, struct rf_view number, uint64_t hash, struct rf_mono now, struct rate **ret_x)
{
	struct rate *oldest = TAILQ_FIRST(&r->quiet);

	if (r->table.count >= r->table.cap && oldest && oldest->full_at.us <= now.us)
		forget(r, oldest);
	struct rate *x = malloc(sizeof *x + number.n);

	if (!x)
		return -ENOMEM;
	x->full_at = now;
	x->number_n = number.n;
	if (number.n)
		memcpy(x->number, number.p, number.n);
	int rc = rf_table_add(&r->table, &x->node, hash);

	if (rc) {
		free(x);
		return rc;
	}
	TAILQ_INSERT_TAIL(&r->quiet, x, quiet);
	*ret_x = x;
	return 0;
}

int rf_rates_take(struct rf_rates *r, struct rf_view number, uint32_t per_s, struct rf_mono now)
{
	uint64_t hash = rf_hash(&r->hash_key, number), share = SECOND_US / (per_s ? per_s : 1);
	struct rate *x = find(r, number, hash);
	int rc = x ? 0 : add(r, number, hash, now, &x);

	if (rc)
		return rc;
	if (x->full_at.us < now.us)
		x->full_at = now;
	if (x->full_at.us + share > now.us + SECOND_US)
		return RF_E_LIMIT;
	x->full_at.us += share;
	TAILQ_REMOVE(&r->quiet, x, quiet);
	TAILQ_INSERT_TAIL(&r->quiet, x, quiet);
	return 0;
}

size_t rf_rates_count(const struct rf_rates *r)
{
	return r->table.count;
}
