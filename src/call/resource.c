#include "call/resource.h"

#include "base/hash.h"
#include "base/table.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/queue.h>

TAILQ_HEAD(hold_list, rf_hold);

/* One name, as long as somebody holds of it. */
struct resource {
	struct rf_node node;
	struct hold_list holds[RF_RANKS]; /* oldest first */
	uint64_t used;
	size_t count;                     /* holds, those that gave way too: they still point here */
	size_t name_n;
	uint8_t name[];
};

struct rf_hold {
	TAILQ_ENTRY(rf_hold) list;
	struct resource *of;
	struct rf_claim claim;
	uint64_t units;
	bool lost;                        /* it gave way: in no list, its units are gone */
};

struct rf_resources {
	pthread_mutex_t lock;
	struct rf_table table;
	size_t refs;
};

/* Names come from the site file: nobody outside chooses them. */
static const struct rf_hash_key hash_key = { 1, 2 };

struct rf_resources *rf_resources_new(void)
{
	struct rf_resources *r = calloc(1, sizeof *r);

	if (!r)
		return NULL;
	pthread_mutex_init(&r->lock, NULL);
	rf_table_init(&r->table, RF_RESOURCE_COUNT_MAX);
	r->refs = 1;
	return r;
}

struct rf_resources *rf_resources_get(struct rf_resources *r)
{
	__atomic_add_fetch(&r->refs, 1, __ATOMIC_RELAXED);
	return r;
}

void rf_resources_put(struct rf_resources *r)
{
	if (!r || __atomic_sub_fetch(&r->refs, 1, __ATOMIC_ACQ_REL))
		return;
	rf_table_fini(&r->table);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

static struct resource *find(struct rf_resources *r, struct rf_view name)
{
	for (struct rf_node *n = rf_table_first(&r->table, rf_hash(&hash_key, name)); n; n = rf_table_next(n)) {
		struct resource *x = rf_container(n, struct resource, node);

		if (rf_view_eq(rf_view_of(x->name, x->name_n), name))
			return x;
	}
	return NULL;
}

static int make(struct rf_resources *r, struct rf_view name, struct resource **ret_x)
{
	struct resource *x = calloc(1, sizeof *x + name.n);

	if (!x)
		return -ENOMEM;
	for (int i = 0; i < RF_RANKS; i++)
		TAILQ_INIT(&x->holds[i]);
	x->name_n = name.n;
	memcpy(x->name, name.p, name.n);
	int rc = rf_table_add(&r->table, &x->node, rf_hash(&hash_key, name));

	if (rc)
		free(x);
	else
		*ret_x = x;
	return rc;
}

static void drop_unused(struct rf_resources *r, struct resource *x)
{
	if (x->count)
		return;
	rf_table_del(&r->table, &x->node);
	free(x);
}

/* The lowest below rank, of equals the newest; skip: how many of them are spoken for already. */
static struct rf_hold *lowest(struct resource *x, unsigned rank, size_t skip)
{
	for (unsigned i = 0; i < rank && i < RF_RANK_EMERGENCY; i++) {
		struct rf_hold *h;

		TAILQ_FOREACH_REVERSE(h, &x->holds[i], hold_list, list)
			if (skip-- == 0)
				return h;
	}
	return NULL;
}

static void push_out(struct rf_hold *h, struct rf_victim *ret_victim)
{
	*ret_victim = (struct rf_victim){ .call = h->claim.call, .worker = h->claim.worker, .rank = h->claim.rank };
	TAILQ_REMOVE(&h->of->holds[h->claim.rank], h, list);
	h->of->used -= h->units;
	h->lost = true;
}

/* All that is needed or nobody. */
static int make_room(struct resource *x, uint64_t room, uint64_t units, const struct rf_claim *claim,
		     struct rf_victim *victims, size_t *ret_n)
{
	bool emergency = claim->rank == RF_RANK_EMERGENCY;
	struct rf_hold *gives[RF_VICTIMS_MAX];
	uint64_t freed = 0;
	size_t n = 0;

	if (units > room || (!claim->preempts && !emergency))
		return RF_E_LIMIT;
	while (x->used - freed + units > room) {
		struct rf_hold *h = n < RF_VICTIMS_MAX ? lowest(x, claim->rank, n) : NULL;

		if (!h)
			return RF_E_LIMIT;
		freed += h->units;
		gives[n++] = h;
	}
	for (size_t i = 0; i < n; i++)
		push_out(gives[i], &victims[i]);
	*ret_n = n;
	return 0;
}

static int take(struct resource *x, uint64_t most, uint64_t reserved, uint64_t units, const struct rf_claim *claim,
		struct rf_hold *h, struct rf_victim *victims, size_t *ret_n)
{
	bool emergency = claim->rank == RF_RANK_EMERGENCY;
	uint64_t room = emergency ? most : most > reserved ? most - reserved : 0;

	if (most && x->used + units > room) {
		int rc = make_room(x, room, units, claim, victims, ret_n);

		if (rc)
			return rc;
	}
	*h = (struct rf_hold){ .of = x, .claim = *claim, .units = units };
	TAILQ_INSERT_TAIL(&x->holds[claim->rank], h, list);
	x->used += units;
	x->count++;
	return 0;
}

int rf_resource_take(struct rf_resources *r, struct rf_view name, uint64_t most, uint64_t reserved, uint64_t units,
		     const struct rf_claim *claim, struct rf_hold **ret_hold, struct rf_victim *victims, size_t *ret_n)
{
	struct rf_hold *h = name.n <= RF_RESOURCE_NAME_MAX ? malloc(sizeof *h) : NULL;
	struct resource *x;

	*ret_n = 0;
	if (!h)
		return name.n > RF_RESOURCE_NAME_MAX ? RF_E_INVALID : -ENOMEM;
	pthread_mutex_lock(&r->lock);
	x = find(r, name);
	int rc = x ? 0 : make(r, name, &x);

	if (rc == 0) {
		rc = take(x, most, reserved, units, claim, h, victims, ret_n);
		drop_unused(r, x);
	}
	pthread_mutex_unlock(&r->lock);
	if (rc)
		free(h);
	else
		*ret_hold = h;
	return rc;
}

void rf_resource_give(struct rf_resources *r, struct rf_hold *hold)
{
	if (!hold)
		return;
	pthread_mutex_lock(&r->lock);
	struct resource *x = hold->of;

	if (!hold->lost) {
		TAILQ_REMOVE(&x->holds[hold->claim.rank], hold, list);
		x->used -= hold->units;
	}
	x->count--;
	drop_unused(r, x);
	pthread_mutex_unlock(&r->lock);
	free(hold);
}

uint64_t rf_resource_used(struct rf_resources *r, struct rf_view name)
{
	pthread_mutex_lock(&r->lock);
	const struct resource *x = find(r, name);
	uint64_t used = x ? x->used : 0;

	pthread_mutex_unlock(&r->lock);
	return used;
}

size_t rf_resource_count(struct rf_resources *r)
{
	pthread_mutex_lock(&r->lock);
	size_t n = r->table.count;

	pthread_mutex_unlock(&r->lock);
	return n;
}
