/* One allocation a set (location_set.h). Ten thousand phones fit in a few megabytes, and freeing a set is one free. */
#include "call/location_set.h"

#include "base/err.h"
#include "base/table.h"
#include "sip/uri.h"

#include <stdlib.h>

enum {
	FEW = 4,
	MAX_PER_AOR = 64, /* above any site's setting: bounds the arrays on the stack here */
	LAST_AOR = 320,   /* the longest AOR: RFC 3696 bounds of local part and host */
	RETIRE_TOGETHER = 256,
};

/* Sets that were replaced, to be freed when nobody reads them any more. */
struct retired {
	struct rcu_head rcu;
	struct rf_location_set *first;
};

struct rf_location {
	struct cds_lfht *ht;
	struct rf_hash_key key;
	struct rf_location_limits limits;
	uint64_t aors, bindings, refused, replaced; /* atomic */
	uint8_t last[LAST_AOR];                     /* rf_location_expire(): where it stopped; its one thread */
	size_t last_n;
	struct rf_location_set *retired;            /* atomic: replaced, and not yet given to be freed */
	size_t retired_n;                           /* atomic, roughly how many those are */
};

static void add_count(uint64_t *c, int64_t d)
{
	__atomic_add_fetch(c, (uint64_t)d, __ATOMIC_RELAXED);
}

static int match(struct cds_lfht_node *node, const void *key)
{
	const struct rf_view *aor = key;

	return rf_view_eq(rf_location_set_aor(rf_container(node, struct rf_location_set, node)), *aor);
}

static void free_sets(struct rcu_head *head)
{
	struct retired *all = rf_container(head, struct retired, rcu);

	for (struct rf_location_set *s = all->first, *next; s; s = next) {
		next = s->retired;
		free(s);
	}
	free(all);
}

/* The list as it is now ends with one wait for all readers. Without memory for that it waits for another time. */
static void free_retired(struct rf_location *l)
{
	struct retired *all = __atomic_load_n(&l->retired, __ATOMIC_RELAXED) ? malloc(sizeof *all) : NULL;

	if (!all)
		return;
	all->first = __atomic_exchange_n(&l->retired, NULL, __ATOMIC_ACQ_REL);
	__atomic_store_n(&l->retired_n, 0, __ATOMIC_RELAXED);
	urcu_memb_call_rcu(&all->rcu, free_sets);
}

/* Each wait for the readers wakes a thread: many sets share one. The rest goes with rf_location_expire(). */
static void retire(struct rf_location *l, struct rf_location_set *s)
{
	s->retired = __atomic_load_n(&l->retired, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&l->retired, &s->retired, s, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
	if (__atomic_add_fetch(&l->retired_n, 1, __ATOMIC_RELAXED) >= RETIRE_TOGETHER)
		free_retired(l);
}

int rf_location_new(const struct rf_location_limits *limits, const struct rf_hash_key *key,
		    struct rf_location **ret_l)
{
	struct rf_location *l = calloc(1, sizeof *l);

	if (!l)
		return -ENOMEM;
	l->limits = *limits;
	if (l->limits.bindings_per_aor > MAX_PER_AOR)
		l->limits.bindings_per_aor = MAX_PER_AOR;
	if (l->limits.bindings_per_aor == 0)
		l->limits.bindings_per_aor = 1;
	l->key = *key;
	l->ht = cds_lfht_new_flavor(64, 64, 0, CDS_LFHT_AUTO_RESIZE, &urcu_memb_flavor, NULL);
	if (!l->ht || !urcu_memb_get_default_call_rcu_data()) {
		free(l);
		return -ENOMEM;
	}
	*ret_l = l;
	return 0;
}

void rf_location_free(struct rf_location *l)
{
	struct cds_lfht_iter it;
	struct cds_lfht_node *node;

	if (!l)
		return;
	urcu_memb_register_thread();
	urcu_memb_read_lock();
	cds_lfht_for_each(l->ht, &it, node)
		if (cds_lfht_del(l->ht, node) == 0)
			retire(l, rf_container(node, struct rf_location_set, node));
	urcu_memb_read_unlock();
	urcu_memb_unregister_thread();
	urcu_memb_barrier();
	for (struct rf_location_set *s = l->retired, *next; s; s = next) { /* all threads have left */
		next = s->retired;
		free(s);
	}
	cds_lfht_destroy(l->ht, NULL);
	free(l);
}

void rf_location_enter(struct rf_location *l)
{
	(void)l;
	urcu_memb_register_thread();
}

void rf_location_leave(struct rf_location *l)
{
	(void)l;
	urcu_memb_unregister_thread();
}

static bool same_contact(struct rf_view a, struct rf_view b)
{
	struct rf_sip_uri ua, ub;

	if (rf_view_eq(a, b))
		return true;
	return rf_sip_uri_parse(a, &ua) == 0 && rf_sip_uri_parse(b, &ub) == 0 && rf_sip_uri_eq(&ua, &ub);
}

bool rf_binding_same(const struct rf_binding *a, const struct rf_binding *b)
{
	if (a->instance.n && b->instance.n && a->reg_id && b->reg_id)
		return a->reg_id == b->reg_id && rf_view_eq(a->instance, b->instance);
	return same_contact(a->contact, b->contact);
}

/* Under the read lock; *it stays usable for replace and del. */
static struct rf_location_set *find(struct rf_location *l, struct rf_view aor, struct cds_lfht_iter *it)
{
	cds_lfht_lookup(l->ht, rf_hash(&l->key, aor), match, &aor, it);
	struct cds_lfht_node *node = cds_lfht_iter_get_node(it);

	return node ? rf_container(node, struct rf_location_set, node) : NULL;
}

/* A change of one set: works on a copy b[] of *n bindings (room for one more than the cap), says what to do next. */
enum change { CHANGE_NONE, CHANGE_MADE };
typedef enum change change_fn(struct rf_location *l, struct rf_binding *b, size_t *n, void *arg);

/* Swap `old` (NULL: none) for bindings b[n]. 0, -ENOMEM, or RF_E_BUSY when somebody was quicker. */
static int swap(struct rf_location *l, struct rf_view aor, struct cds_lfht_iter *it, struct rf_location_set *old,
		const struct rf_binding *b, size_t n)
{
	if (n == 0) {
		if (cds_lfht_del(l->ht, &old->node))
			return RF_E_BUSY;
		add_count(&l->aors, -1);
		add_count(&l->bindings, -(int64_t)old->n);
		retire(l, old);
		return 0;
	}
	struct rf_location_set *s = rf_location_set_new(aor, b, n);
	struct rf_view own;

	if (!s)
		return -ENOMEM;
	own = rf_location_set_aor(s);
	if (!old) {
		if (cds_lfht_add_unique(l->ht, rf_hash(&l->key, own), match, &own, &s->node) != &s->node) {
			free(s);
			return RF_E_BUSY;
		}
		add_count(&l->aors, 1);
	} else {
		if (cds_lfht_replace(l->ht, it, rf_hash(&l->key, own), match, &own, &s->node)) {
			free(s);
			return RF_E_BUSY;
		}
		retire(l, old);
	}
	add_count(&l->bindings, (int64_t)n - (int64_t)(old ? old->n : 0));
	return 0;
}

/* Read, change, swap; again when another thread was between. Each round somebody has made progress. b has room for
 * `room` bindings and the one that may come: RF_E_SPACE when that is too little. */
static int change_in(struct rf_location *l, struct rf_view aor, change_fn *fn, void *arg, struct rf_binding *b,
		     size_t room)
{
	int rc = RF_E_BUSY;

	while (rc == RF_E_BUSY) {
		struct cds_lfht_iter it;
		size_t n = 0;

		urcu_memb_read_lock();
		struct rf_location_set *old = find(l, aor, &it);

		if (old && old->n > room) {
			urcu_memb_read_unlock();
			return RF_E_SPACE;
		}
		if (old)
			for (struct rf_location_at at = rf_location_set_begin(old); n < old->n;)
				b[n++] = *rf_location_set_next(&at);
		if (fn(l, b, &n, arg) == CHANGE_NONE || (!old && n == 0))
			rc = RF_E_NOT_FOUND;
		else if (!old && __atomic_load_n(&l->aors, __ATOMIC_RELAXED) >= l->limits.aors)
			rc = RF_E_LIMIT;
		else
			rc = swap(l, aor, &it, old, b, n);
		urcu_memb_read_unlock();
	}
	if (rc == RF_E_LIMIT)
		add_count(&l->refused, 1);
	return rc;
}

static __attribute__((noinline)) int change_many(struct rf_location *l, struct rf_view aor, change_fn *fn, void *arg)
{
	struct rf_binding b[MAX_PER_AOR + 1];

	return change_in(l, aor, fn, arg, b, MAX_PER_AOR);
}

/* Most have one or two, for which a large array is not worth its clearing. */
static int change(struct rf_location *l, struct rf_view aor, change_fn *fn, void *arg)
{
	struct rf_binding b[FEW + 1];
	int rc = change_in(l, aor, fn, arg, b, FEW);

	return rc == RF_E_SPACE ? change_many(l, aor, fn, arg) : rc;
}

static void drop(struct rf_binding *b, size_t *n, size_t i)
{
	memmove(&b[i], &b[i + 1], (*n - i - 1) * sizeof *b);
	--*n;
}

static size_t oldest(const struct rf_binding *b, size_t n)
{
	size_t old = 0;

	for (size_t i = 1; i < n; i++)
		if (b[i].refreshed.us < b[old].refreshed.us)
			old = i;
	return old;
}

struct put_arg {
	const struct rf_binding *b;
	struct rf_mono now;
};

static enum change put(struct rf_location *l, struct rf_binding *b, size_t *n, void *arg)
{
	const struct put_arg *p = arg;
	struct rf_mono since = p->b->since;

	for (size_t i = 0; i < *n;) {
		bool same = rf_binding_same(&b[i], p->b);

		if (same)
			since = b[i].since;
		if (same || b[i].expires.us <= p->now.us)
			drop(b, n, i);
		else
			i++;
	}
	while (*n >= l->limits.bindings_per_aor) {
		drop(b, n, oldest(b, *n));
		add_count(&l->replaced, 1);
	}
	b[*n] = *p->b;
	b[*n].since = since;
	++*n;
	return CHANGE_MADE;
}

int rf_location_put(struct rf_location *l, struct rf_view aor, const struct rf_binding *b, struct rf_mono now)
{
	struct put_arg arg = { b, now };

	return aor.n > LAST_AOR ? RF_E_LIMIT : change(l, aor, put, &arg);
}

static enum change take_out(struct rf_location *l, struct rf_binding *b, size_t *n, void *arg)
{
	(void)l;
	for (size_t i = 0; i < *n; i++)
		if (rf_binding_same(&b[i], arg)) {
			drop(b, n, i);
			return CHANGE_MADE;
		}
	return CHANGE_NONE;
}

int rf_location_remove(struct rf_location *l, struct rf_view aor, const struct rf_binding *b)
{
	struct rf_binding which = *b;

	return change(l, aor, take_out, &which);
}

static enum change clear(struct rf_location *l, struct rf_binding *b, size_t *n, void *arg)
{
	(void)l, (void)b, (void)arg;
	if (*n == 0)
		return CHANGE_NONE;
	*n = 0;
	return CHANGE_MADE;
}

int rf_location_clear(struct rf_location *l, struct rf_view aor)
{
	return change(l, aor, clear, NULL);
}

struct lost_arg {
	const struct rf_flow *flow;
	int count;
};

static enum change lose_flow(struct rf_location *l, struct rf_binding *b, size_t *n, void *arg)
{
	struct lost_arg *a = arg;

	(void)l;
	a->count = 0;
	for (size_t i = 0; i < *n; i++)
		if (b[i].by_flow && !b[i].waiting && rf_flow_eq(&b[i].flow, a->flow)) {
			b[i].waiting = true;
			a->count++;
		}
	return a->count ? CHANGE_MADE : CHANGE_NONE;
}

int rf_location_flow_lost(struct rf_location *l, struct rf_view aor, const struct rf_flow *flow)
{
	struct lost_arg arg = { flow, 0 };
	int rc = change(l, aor, lose_flow, &arg);

	return rc == -ENOMEM ? rc : arg.count;
}

static bool better(const struct rf_binding *a, const struct rf_binding *b)
{
	if (a->q_milli != b->q_milli)
		return a->q_milli > b->q_milli;
	return a->refreshed.us > b->refreshed.us;
}

static void sort(struct rf_binding *b, size_t n)
{
	for (size_t i = 1; i < n; i++)
		for (size_t k = i; k > 0 && better(&b[k], &b[k - 1]); k--) {
			struct rf_binding t = b[k];

			b[k] = b[k - 1];
			b[k - 1] = t;
		}
}

/* Strings of b copied to *p. */
static void move_strings(struct rf_binding *b, uint8_t **p)
{
	struct rf_view *v[RF_BINDING_STRINGS];

	rf_binding_strings(b, v);
	for (size_t i = 0; i < RF_BINDING_STRINGS; i++) {
		if (v[i]->n)
			memcpy(*p, v[i]->p, v[i]->n);
		v[i]->p = *p;
		*p += v[i]->n;
	}
}

static size_t string_bytes(const struct rf_binding *b)
{
	return b->contact.n + b->call_id.n + b->instance.n + b->path.n + b->phone.n + b->user.n + b->agent.n;
}

static int copy_live(const struct rf_location_set *s, struct rf_mono now, struct rf_arena *arena,
		     struct rf_binding **ret_b, size_t *ret_n)
{
	struct rf_binding *b = rf_arena_array(arena, s->n, sizeof *b);
	struct rf_location_at at = rf_location_set_begin(s);
	size_t bytes = 1, n = 0;

	if (!b)
		return -ENOMEM;
	for (size_t i = 0; i < s->n; i++) {
		b[n] = *rf_location_set_next(&at);
		if (b[n].expires.us > now.us)
			bytes += string_bytes(&b[n++]);
	}
	uint8_t *p = rf_arena_alloc(arena, bytes);
	if (!p)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		move_strings(&b[i], &p);
	sort(b, n);
	*ret_b = b;
	*ret_n = n;
	return 0;
}

int rf_location_get(struct rf_location *l, struct rf_view aor, struct rf_mono now, struct rf_arena *arena,
		    struct rf_binding **ret_b, size_t *ret_n)
{
	struct cds_lfht_iter it;
	int rc = 0;

	urcu_memb_read_lock();
	const struct rf_location_set *s = find(l, aor, &it);

	if (s) {
		rc = copy_live(s, now, arena, ret_b, ret_n);
	} else {
		*ret_b = NULL;
		*ret_n = 0;
	}
	urcu_memb_read_unlock();
	return rc;
}

void rf_location_walk(struct rf_location *l, rf_location_visit_fn *visit, void *ctx)
{
	struct cds_lfht_iter it;
	struct cds_lfht_node *node;

	urcu_memb_read_lock();
	cds_lfht_for_each(l->ht, &it, node) {
		const struct rf_location_set *s = rf_container(node, struct rf_location_set, node);

		struct rf_location_at at = rf_location_set_begin(s);

		for (size_t i = 0; i < s->n; i++)
			visit(ctx, rf_location_set_aor(s), rf_location_set_next(&at));
	}
	urcu_memb_read_unlock();
}

struct expire_arg {
	struct rf_mono now;
};

static enum change expire(struct rf_location *l, struct rf_binding *b, size_t *n, void *arg)
{
	const struct expire_arg *a = arg;
	size_t before = *n;

	(void)l;
	for (size_t i = 0; i < *n;)
		if (b[i].expires.us <= a->now.us)
			drop(b, n, i);
		else
			i++;
	return *n < before ? CHANGE_MADE : CHANGE_NONE;
}

static bool any_expired(const struct rf_location_set *s, struct rf_mono now)
{
	struct rf_location_at at = rf_location_set_begin(s);

	for (size_t i = 0; i < s->n; i++)
		if (rf_location_set_next(&at)->expires.us <= now.us)
			return true;
	return false;
}

/* Between change() and the reports a phone may have refreshed on another worker: then the binding that expired
 * here was dropped by its put(), and reporting it once more does no harm to it. */
static size_t expire_set(struct rf_location *l, const struct rf_location_set *s, struct rf_mono now,
			 rf_location_visit_fn *gone,
			 void *ctx)
{
	struct expire_arg arg = { now };
	size_t count = 0;

	if (!any_expired(s, now) || change(l, rf_location_set_aor(s), expire, &arg))
		return 0;
	struct rf_location_at at = rf_location_set_begin(s);
	for (size_t i = 0; i < s->n; i++) {
		const struct rf_binding *b = rf_location_set_next(&at);

		if (b->expires.us > now.us)
			continue;
		gone(ctx, rf_location_set_aor(s), b);
		count++;
	}
	return count;
}

size_t rf_location_expire(struct rf_location *l, struct rf_mono now, size_t most, rf_location_visit_fn *gone,
			  void *ctx)
{
	struct rf_view from = { l->last, l->last_n };
	struct cds_lfht_iter it;
	struct rf_location_set *s = NULL;
	size_t count = 0;

	free_retired(l);
	urcu_memb_read_lock();
	if (from.n)
		s = find(l, from, &it);
	if (!s)
		cds_lfht_first(l->ht, &it);
	l->last_n = 0;
	for (struct cds_lfht_node *node; (node = cds_lfht_iter_get_node(&it)); cds_lfht_next(l->ht, &it)) {
		s = rf_container(node, struct rf_location_set, node);
		if (most-- == 0) {
			memcpy(l->last, s->data, s->aor_n);
			l->last_n = s->aor_n;
			break;
		}
		count += expire_set(l, s, now, gone, ctx);
	}
	urcu_memb_read_unlock();
	return count;
}

void rf_location_counts(const struct rf_location *l, struct rf_location_counts *ret_counts)
{
	*ret_counts = (struct rf_location_counts){
		.aors = __atomic_load_n(&l->aors, __ATOMIC_RELAXED),
		.bindings = __atomic_load_n(&l->bindings, __ATOMIC_RELAXED),
		.refused = __atomic_load_n(&l->refused, __ATOMIC_RELAXED),
		.replaced = __atomic_load_n(&l->replaced, __ATOMIC_RELAXED),
	};
}
