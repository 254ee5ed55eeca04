#include "call/trunk_table.h"

#include "base/err.h"
#include "site/site.h"

#include <pthread.h>
#include <stdlib.h>

enum { ENTRIES_MAX = 9 * RF_SITE_ITEMS_MAX }; /* each trunk alone, and by each of the borders */

struct rf_trunks {
	atomic_size_t users;
	pthread_mutex_t lock;           /* over the list; entries never leave it */
	struct rf_trunk_peer *first;
	size_t n;
};

struct rf_trunks *rf_trunks_new(void)
{
	struct rf_trunks *t = calloc(1, sizeof *t);

	if (!t)
		return NULL;
	atomic_init(&t->users, 1);
	pthread_mutex_init(&t->lock, NULL);
	return t;
}

struct rf_trunks *rf_trunks_get(struct rf_trunks *t)
{
	atomic_fetch_add_explicit(&t->users, 1, memory_order_relaxed);
	return t;
}

void rf_trunks_put(struct rf_trunks *t)
{
	if (!t || atomic_fetch_sub_explicit(&t->users, 1, memory_order_acq_rel) != 1)
		return;
	for (struct rf_trunk_peer *p = t->first, *next; p; p = next) {
		next = p->next;
		pthread_mutex_destroy(&p->oc_lock);
		free(p);
	}
	pthread_mutex_destroy(&t->lock);
	free(t);
}

static struct rf_trunk_peer *add(struct rf_trunks *t, struct rf_view name)
{
	struct rf_trunk_peer *p = t->n < ENTRIES_MAX ? calloc(1, sizeof *p) : NULL;

	if (!p)
		return NULL;
	p->table = t;
	memcpy(p->name, name.p, name.n);
	p->trunk_n = (uint8_t)rf_view_find(name, ' ');
	pthread_mutex_init(&p->oc_lock, NULL);
	p->next = t->first;
	t->first = p;
	t->n++;
	return p;
}

struct rf_trunk_peer *rf_trunks_find(struct rf_trunks *t, struct rf_view name)
{
	struct rf_trunk_peer *p;

	if (name.n == 0 || name.n > RF_TRUNK_NAME_MAX)
		return NULL;
	pthread_mutex_lock(&t->lock);
	for (p = t->first; p; p = p->next)
		if (rf_view_eq(rf_view_str(p->name), name))
			break;
	if (!p)
		p = add(t, name);
	pthread_mutex_unlock(&t->lock);
	return p;
}

struct rf_trunk_peer *rf_trunks_find_by(struct rf_trunks *t, struct rf_view trunk, struct rf_view host)
{
	uint8_t name[RF_TRUNK_NAME_MAX];
	struct rf_writer w;

	if (!host.n)
		return rf_trunks_find(t, trunk);
	rf_writer_init(&w, name, sizeof name);
	rf_put(&w, trunk);
	rf_put_byte(&w, ' ');
	rf_put(&w, host);
	return w.err ? NULL : rf_trunks_find(t, rf_view_of(name, w.n));
}

struct rf_trunk_peer *rf_trunks_next(struct rf_trunks *t, const struct rf_trunk_peer *p)
{
	struct rf_trunk_peer *next = p ? p->next : NULL;

	if (!p) {
		pthread_mutex_lock(&t->lock);
		next = t->first;
		pthread_mutex_unlock(&t->lock);
	}
	return next; /* entries are put in front and never leave */
}

/* The bucket as one time: when it will be full again. A call moves it on by its share of a second, and may as long as
 * it then lies no more than a second ahead. */
int rf_trunk_rate_take(struct rf_trunk_peer *p, enum rf_trunk_way way, uint32_t per_s, struct rf_mono now)
{
	enum { SECOND_US = 1000000 };
	uint64_t share = SECOND_US / (per_s ? per_s : 1);
	uint64_t seen = atomic_load_explicit(&p->full_at_us[way], memory_order_relaxed), full;

	do {
		full = (seen > now.us ? seen : now.us) + share;
		if (full > now.us + SECOND_US) {
			atomic_fetch_add_explicit(&p->over_rate[way], 1, memory_order_relaxed);
			return RF_E_LIMIT;
		}
	} while (!atomic_compare_exchange_weak_explicit(&p->full_at_us[way], &seen, full, memory_order_relaxed,
							memory_order_relaxed));
	return 0;
}

bool rf_trunk_become(struct rf_trunk_peer *p, enum rf_health_state state, struct rf_wall now, const char *why)
{
	if (atomic_exchange_explicit(&p->state, (unsigned)state, memory_order_relaxed) == (unsigned)state)
		return false;
	atomic_store_explicit(&p->since_us, now.us, memory_order_relaxed);
	atomic_store_explicit(&p->why, why, memory_order_relaxed);
	return true;
}

void rf_trunk_oc_heard(struct rf_trunk_peer *p, const struct rf_sip_oc *oc, struct rf_mono now)
{
	pthread_mutex_lock(&p->oc_lock);
	rf_oc_heard(&p->oc, oc, now);
	pthread_mutex_unlock(&p->oc_lock);
}

bool rf_trunk_oc_may_call(struct rf_trunk_peer *p, struct rf_mono now, uint32_t random)
{
	pthread_mutex_lock(&p->oc_lock);
	bool may = rf_oc_may_send(&p->oc, now, random);

	pthread_mutex_unlock(&p->oc_lock);
	if (!may)
		atomic_fetch_add_explicit(&p->spared, 1, memory_order_relaxed);
	return may;
}
