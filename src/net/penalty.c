#include "net/penalty.h"

#include "base/err.h"
#include "base/table.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

static const struct {
	const char *name;
	uint8_t points;
} offences[RF_OFFENCES] = {
	[RF_OFFENCE_MALFORMED] = { "malformed", 5 },
	[RF_OFFENCE_RATE] = { "rate", 1 },
	[RF_OFFENCE_HANDSHAKE] = { "handshake", 5 },
	[RF_OFFENCE_STRANGER] = { "stranger", 10 },
	[RF_OFFENCE_PASSWORD] = { "password", 10 },
	[RF_OFFENCE_SCANNER] = { "scanner", RF_PENALTY_POINTS },
};

const char *rf_offence_name(enum rf_offence o)
{
	return offences[o].name;
}

struct source {
	struct rf_node node;
	TAILQ_ENTRY(source) list;    /* of sources or punished, the oldest first */
	struct rf_addr addr;
	uint8_t key[9];
	uint8_t last;                /* enum rf_offence */
	uint8_t level;               /* the next penalty is FIRST << level */
	uint32_t count;
	uint32_t points;             /* as of at */
	struct rf_mono at, until;
};
TAILQ_HEAD(sources, source);

/* What rf_penalty_blocked() reads: the keyed hash of a source and the end of its penalty. Written under the lock. */
struct slot {
	_Atomic uint64_t hash, until_us;
};
enum { SLOTS = 4 * RF_PENALTY_BLOCKED, PROBES = 16, LOOKS = 64 /* for a place of one whose time is over */ };

struct rf_penalties {
	struct rf_penalties_conf conf;
	pthread_mutex_t lock;        /* covers everything but slots and refused */
	struct rf_table table;
	struct sources sources;      /* without a penalty so far, by last offence */
	struct sources punished;     /* with one, now or before, by its beginning */
	size_t punished_n;
	struct rf_penalties_stats stats;
	_Atomic uint64_t refused;
	struct slot slots[SLOTS];
};

/* As the guard has it: who has one address of an IPv6 network has all of them. */
static void key_of(const struct rf_addr *a, uint8_t key[static 9])
{
	memset(key, 0, 9);
	key[0] = a->family;
	memcpy(key + 1, a->ip, a->family == 4 ? 4 : 8);
}

static uint64_t hash_of(const struct rf_penalties *p, const uint8_t key[static 9])
{
	uint64_t h = rf_hash(&p->conf.hash_key, rf_view_of(key, 9));

	return h ? h : 1; /* 0: an empty slot */
}

int rf_penalties_new(const struct rf_penalties_conf *conf, struct rf_penalties **ret_p)
{
	struct rf_penalties *p = calloc(1, sizeof *p);

	if (!p)
		return -ENOMEM;
	p->conf = *conf;
	pthread_mutex_init(&p->lock, NULL);
	rf_table_init(&p->table, RF_PENALTY_SOURCES);
	TAILQ_INIT(&p->sources);
	TAILQ_INIT(&p->punished);
	*ret_p = p;
	return 0;
}

static void drop(struct rf_penalties *p, struct source *s)
{
	TAILQ_REMOVE(s->count ? &p->punished : &p->sources, s, list);
	p->punished_n -= s->count != 0;
	rf_table_del(&p->table, &s->node);
	free(s);
}

void rf_penalties_free(struct rf_penalties *p)
{
	struct source *s;

	if (!p)
		return;
	while ((s = TAILQ_FIRST(&p->sources)) || (s = TAILQ_FIRST(&p->punished)))
		drop(p, s);
	rf_table_fini(&p->table);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

/* --- the slots */

bool rf_penalty_blocked(struct rf_penalties *p, const struct rf_addr *source, struct rf_mono now)
{
	uint8_t key[9];

	if (!p)
		return false;
	key_of(source, key);
	uint64_t hash = hash_of(p, key);

	for (size_t i = 0; i < PROBES; i++) {
		const struct slot *s = &p->slots[(hash + i) % SLOTS];

		if (atomic_load_explicit(&s->hash, memory_order_acquire) != hash)
			continue;
		if (atomic_load_explicit(&s->until_us, memory_order_relaxed) <= now.us)
			return false;
		atomic_fetch_add_explicit(&p->refused, 1, memory_order_relaxed);
		return true;
	}
	return false;
}

/* The slot of this hash, else one that is free. NULL: its neighbourhood is full. */
static struct slot *slot_for(struct rf_penalties *p, uint64_t hash, struct rf_mono now)
{
	struct slot *free_one = NULL;

	for (size_t i = 0; i < PROBES; i++) {
		struct slot *s = &p->slots[(hash + i) % SLOTS];

		if (s->hash == hash)
			return s;
		if (!free_one && s->until_us <= now.us)
			free_one = s;
	}
	return free_one;
}

static bool set_slot(struct rf_penalties *p, uint64_t hash, struct rf_mono until, struct rf_mono now)
{
	struct slot *s = slot_for(p, hash, now);

	if (!s)
		return false;
	atomic_store_explicit(&s->until_us, until.us, memory_order_relaxed);
	atomic_store_explicit(&s->hash, hash, memory_order_release);
	return true;
}

/* --- sources, under the lock */

static struct source *find(const struct rf_penalties *p, const uint8_t key[static 9], uint64_t hash)
{
	for (struct rf_node *n = rf_table_first(&p->table, hash); n; n = rf_table_next(n)) {
		struct source *s = rf_container(n, struct source, node);

		if (memcmp(s->key, key, sizeof s->key) == 0)
			return s;
	}
	return NULL;
}

/* The one that has been quiet longest goes for it. There is one: less than all may be punished. */
static struct source *add(struct rf_penalties *p, const uint8_t key[static 9], uint64_t hash, struct rf_mono now)
{
	if (p->table.count >= RF_PENALTY_SOURCES)
		drop(p, TAILQ_FIRST(&p->sources));
	struct source *s = calloc(1, sizeof *s);

	if (s && rf_table_add(&p->table, &s->node, hash)) {
		free(s);
		s = NULL;
	}
	if (!s) {
		p->stats.unknown++;
		return NULL;
	}
	memcpy(s->key, key, sizeof s->key);
	s->at = now;
	TAILQ_INSERT_TAIL(&p->sources, s, list);
	return s;
}

/* What time has forgiven. */
static void forget(struct source *s, struct rf_mono now)
{
	uint64_t ms = now.us > s->at.us ? (now.us - s->at.us) / 1000 : 0;
	uint64_t points = ms / RF_PENALTY_DECAY_MS, levels = ms / 1000 / RF_PENALTY_FORGET_S;

	s->points -= points < s->points ? (uint32_t)points : s->points;
	s->level -= levels < s->level ? (uint8_t)levels : s->level;
	if (points)
		s->at = now;
}

static uint32_t seconds_of(uint8_t level)
{
	uint32_t s = level < 16 ? (uint32_t)RF_PENALTY_FIRST_S << level : RF_PENALTY_MOST_S;

	return s < RF_PENALTY_MOST_S ? s : RF_PENALTY_MOST_S;
}

/* Among the punished, of whom there are only so many: for one more, one goes whose time is over. */
static bool take_place(struct rf_penalties *p, struct source *s, struct rf_mono now)
{
	struct source *old, *next;
	unsigned looks = LOOKS;

	if (s->count)
		return true;
	for (old = TAILQ_FIRST(&p->punished); old && p->punished_n >= RF_PENALTY_BLOCKED && looks--; old = next) {
		next = TAILQ_NEXT(old, list);
		if (old->until.us <= now.us)
			drop(p, old);
	}
	if (p->punished_n >= RF_PENALTY_BLOCKED)
		return false;
	TAILQ_REMOVE(&p->sources, s, list);
	TAILQ_INSERT_TAIL(&p->punished, s, list);
	p->punished_n++;
	return true;
}

/* True: it begins now. */
static bool punish(struct rf_penalties *p, struct source *s, uint64_t hash, struct rf_mono now, struct rf_penalty *ret)
{
	uint32_t seconds = seconds_of(s->level);
	struct rf_mono until = { now.us + (uint64_t)seconds * 1000000 };

	s->points = 0;
	if (!take_place(p, s, now)) {
		p->stats.unknown++;
		return false;
	}
	s->count++; /* it is among the punished from here on */
	if (!set_slot(p, hash, until, now)) {
		p->stats.unknown++;
		return false;
	}
	s->until = until;
	s->level += s->level < 16;
	p->stats.penalties++;
	*ret = (struct rf_penalty){
		.source = s->addr, .offence = (enum rf_offence)s->last, .seconds = seconds, .count = s->count
	};
	return true;
}

static bool offend(struct rf_penalties *p, const struct rf_addr *source, enum rf_offence o, struct rf_mono now,
		   struct rf_penalty *ret)
{
	uint8_t key[9];

	key_of(source, key);
	uint64_t hash = hash_of(p, key);
	struct source *s = find(p, key, hash);

	p->stats.offences[o]++;
	if (!s)
		s = add(p, key, hash, now);
	if (!s || s->until.us > now.us) /* what was on its way when the penalty began */
		return false;
	forget(s, now);
	struct sources *list = s->count ? &p->punished : &p->sources;

	TAILQ_REMOVE(list, s, list);
	TAILQ_INSERT_TAIL(list, s, list);
	s->addr = *source;
	s->addr.port = 0;
	s->last = (uint8_t)o;
	s->points += offences[o].points;
	return s->points >= RF_PENALTY_POINTS && punish(p, s, hash, now, ret);
}

void rf_penalty_offend(struct rf_penalties *p, const struct rf_addr *source, enum rf_offence o, struct rf_mono now)
{
	struct rf_penalty began;

	if (!p || (p->conf.spared && p->conf.spared(p->conf.ctx, source)))
		return;
	pthread_mutex_lock(&p->lock);
	bool yes = offend(p, source, o, now, &began);
	pthread_mutex_unlock(&p->lock);
	if (yes && p->conf.began)
		p->conf.began(p->conf.ctx, &began);
}

int rf_penalty_lift(struct rf_penalties *p, const struct rf_addr *source)
{
	uint8_t key[9];

	key_of(source, key);
	uint64_t hash = hash_of(p, key);

	pthread_mutex_lock(&p->lock);
	struct source *s = find(p, key, hash);
	int rc = s && s->until.us ? 0 : RF_E_NOT_FOUND;

	if (!rc) {
		set_slot(p, hash, (struct rf_mono){ 0 }, s->until);
		drop(p, s);
	}
	pthread_mutex_unlock(&p->lock);
	return rc;
}

size_t rf_penalties_list(struct rf_penalties *p, struct rf_mono now, struct rf_penalty *ret, size_t n)
{
	const struct source *s;
	size_t found = 0;

	pthread_mutex_lock(&p->lock);
	TAILQ_FOREACH(s, &p->punished, list) {
		if (s->until.us <= now.us)
			continue;
		if (found < n)
			ret[found] =
				(struct rf_penalty){ .source = s->addr,
						     .offence = (enum rf_offence)s->last,
						     .count = s->count,
						     .seconds = (uint32_t)((s->until.us - now.us + 999999) / 1000000) };
		found++;
	}
	pthread_mutex_unlock(&p->lock);
	return found;
}

void rf_penalties_stats(struct rf_penalties *p, struct rf_mono now, struct rf_penalties_stats *ret)
{
	const struct source *s;

	pthread_mutex_lock(&p->lock);
	*ret = p->stats;
	ret->sources = (uint32_t)p->table.count;
	TAILQ_FOREACH(s, &p->punished, list)
		ret->blocked += s->until.us > now.us;
	pthread_mutex_unlock(&p->lock);
	ret->refused = atomic_load(&p->refused);
}
