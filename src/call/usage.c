#include "call/usage.h"

#include "base/err.h"
#include "base/table.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/queue.h>

enum { SLICES = 12, SLICE_US = 300 * 1000000 }; /* an hour in parts of five minutes */

struct entry {
	struct rf_node node;
	TAILQ_ENTRY(entry) quiet;       /* longest untouched first */
	struct rf_usage_key key;
	uint32_t calls;                 /* now */
	uint32_t made[SLICES];          /* by the part of the hour */
	uint64_t slice;                 /* the part that was touched last, counted from the start of the clock */
	int64_t day;                    /* of abroad_s */
	uint32_t abroad_s;
};
TAILQ_HEAD(entry_list, entry);

struct rf_usage {
	pthread_mutex_t lock;           /* of all that follows */
	struct rf_table table;
	struct entry_list quiet;
	struct rf_hash_key hash_key;
	size_t calls;
	uint64_t refused;
};

const char *rf_usage_rule(enum rf_usage_bound bound)
{
	static const char *const names[] = { "", "calls", "calls-per-hour", "abroad-minutes", "usage-table" };

	return names[bound];
}

const char *rf_usage_why(enum rf_usage_bound bound)
{
	static const char *const texts[] = {
		"",
		"as many calls at once as the class of service allows",
		"as many calls in an hour as the class of service allows",
		"the minutes abroad of this day are used up",
		"too many callers with bounds to count them",
	};

	return texts[bound];
}

struct rf_usage_key rf_usage_key(struct rf_view user, struct rf_view number)
{
	struct rf_usage_key k = { .text = { user.n ? 'u' : 'n', ':' }, .n = 2 };
	struct rf_view v = rf_view_sub(user.n ? user : number, 0, sizeof k.text - 2);

	if (v.n)
		memcpy(k.text + 2, v.p, v.n);
	k.n = (uint8_t)(k.n + v.n);
	return k;
}

int rf_usage_new(size_t cap, const struct rf_hash_key *key, struct rf_usage **ret_u)
{
	struct rf_usage *u = calloc(1, sizeof *u);

	if (!u)
		return -ENOMEM;
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	/* Each holds it for a moment: to look again is cheaper than to sleep and be woken. */
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ADAPTIVE_NP);
	int rc = pthread_mutex_init(&u->lock, &attr);

	pthread_mutexattr_destroy(&attr);
	if (rc) {
		free(u);
		return -rc;
	}
	rf_table_init(&u->table, cap ? cap : 1);
	TAILQ_INIT(&u->quiet);
	u->hash_key = *key;
	*ret_u = u;
	return 0;
}

static void forget(struct rf_usage *u, struct entry *e)
{
	rf_table_del(&u->table, &e->node);
	TAILQ_REMOVE(&u->quiet, e, quiet);
	free(e);
}

void rf_usage_free(struct rf_usage *u)
{
	if (!u)
		return;
	while (!TAILQ_EMPTY(&u->quiet))
		forget(u, TAILQ_FIRST(&u->quiet));
	rf_table_fini(&u->table);
	pthread_mutex_destroy(&u->lock);
	free(u);
}

/* Parts of the hour that have gone by since count nothing any more. */
static void turn(struct entry *e, struct rf_mono now)
{
	uint64_t slice = now.us / SLICE_US, passed = slice - e->slice;

	for (uint64_t i = 0; i < passed && i < SLICES; i++)
		e->made[(slice - i) % SLICES] = 0;
	e->slice = slice;
}

static uint32_t made(const struct entry *e)
{
	uint32_t n = 0;

	for (int i = 0; i < SLICES; i++)
		n += e->made[i];
	return n;
}

static struct entry *find(struct rf_usage *u, const struct rf_usage_key *k, uint64_t hash)
{
	for (struct rf_node *n = rf_table_first(&u->table, hash); n; n = rf_table_next(n)) {
		struct entry *e = rf_container(n, struct entry, node);

		if (e->key.n == k->n && memcmp(e->key.text, k->text, k->n) == 0)
			return e;
	}
	return NULL;
}

/* Says nothing that no entry would not say: no call, none in the hour; minutes abroad are those of the day, and a day
 * of nobody's use for an hour counts only when there were any. */
static bool idle(struct entry *e, struct rf_mono now)
{
	turn(e, now);
	return !e->calls && !made(e) && !e->abroad_s;
}

/* NULL: full, or no memory. */
static struct entry *get(struct rf_usage *u, const struct rf_usage_key *k, struct rf_mono now)
{
	uint64_t hash = rf_hash(&u->hash_key, rf_view_of(k->text, k->n));
	struct entry *e = find(u, k, hash), *oldest = TAILQ_FIRST(&u->quiet);

	if (!e) {
		if (u->table.count >= u->table.cap && oldest && idle(oldest, now))
			forget(u, oldest);
		e = calloc(1, sizeof *e);
		if (!e)
			return NULL;
		e->key = *k;
		e->slice = now.us / SLICE_US;
		if (rf_table_add(&u->table, &e->node, hash)) {
			free(e);
			return NULL;
		}
	} else {
		TAILQ_REMOVE(&u->quiet, e, quiet);
	}
	TAILQ_INSERT_TAIL(&u->quiet, e, quiet);
	turn(e, now);
	return e;
}

static enum rf_usage_bound count(struct rf_usage *u, const struct rf_usage_key *who, const struct rf_site_cos *cos,
				 struct rf_mono now, bool *ret_held)
{
	struct entry *e = get(u, who, now);

	if (!e)
		return cos->calls || cos->calls_per_hour ? RF_USAGE_FULL : RF_USAGE_OK;
	if (cos->calls && e->calls >= cos->calls)
		return RF_USAGE_CALLS;
	if (cos->calls_per_hour && made(e) >= cos->calls_per_hour)
		return RF_USAGE_HOUR;
	e->calls++;
	e->made[e->slice % SLICES]++;
	u->calls++;
	*ret_held = true;
	return RF_USAGE_OK;
}

enum rf_usage_bound rf_usage_begin(struct rf_usage *u, const struct rf_usage_key *who, const struct rf_site_cos *cos,
				   struct rf_mono now, bool *ret_held)
{
	*ret_held = false;
	pthread_mutex_lock(&u->lock);
	enum rf_usage_bound b = count(u, who, cos, now, ret_held);

	u->refused += b != RF_USAGE_OK;
	pthread_mutex_unlock(&u->lock);
	return b;
}

void rf_usage_end(struct rf_usage *u, const struct rf_usage_key *who, struct rf_mono now)
{
	uint64_t hash = rf_hash(&u->hash_key, rf_view_of(who->text, who->n));

	pthread_mutex_lock(&u->lock);
	struct entry *e = find(u, who, hash);

	if (e && e->calls) { /* an entry with a call is never forgotten */
		turn(e, now);
		e->calls--;
		u->calls--;
	}
	pthread_mutex_unlock(&u->lock);
}

enum rf_usage_bound rf_usage_abroad(struct rf_usage *u, const struct rf_usage_key *who, const struct rf_site_cos *cos,
				    int64_t day)
{
	uint64_t hash = rf_hash(&u->hash_key, rf_view_of(who->text, who->n)),
	most = (uint64_t)cos->abroad_minutes_per_day * 60;

	if (!most)
		return RF_USAGE_OK;
	pthread_mutex_lock(&u->lock);
	const struct entry *e = find(u, who, hash);
	enum rf_usage_bound b = e && e->day == day && e->abroad_s >= most ? RF_USAGE_ABROAD : RF_USAGE_OK;

	u->refused += b != RF_USAGE_OK;
	pthread_mutex_unlock(&u->lock);
	return b;
}

void rf_usage_abroad_add(struct rf_usage *u, const struct rf_usage_key *who, uint32_t seconds, int64_t day,
			 struct rf_mono now)
{
	pthread_mutex_lock(&u->lock);
	struct entry *e = get(u, who, now);

	if (e && e->day != day) {
		e->day = day;
		e->abroad_s = 0;
	}
	if (e)
		e->abroad_s = seconds > UINT32_MAX - e->abroad_s ? UINT32_MAX : e->abroad_s + seconds;
	pthread_mutex_unlock(&u->lock);
}

void rf_usage_counts(struct rf_usage *u, struct rf_usage_counts *ret)
{
	pthread_mutex_lock(&u->lock);
	*ret = (struct rf_usage_counts){ .entries = u->table.count, .calls = u->calls, .refused = u->refused };
	pthread_mutex_unlock(&u->lock);
}
