#include "net/guard.h"

#include "base/err.h"
#include "base/table.h"

#include <stdlib.h>
#include <string.h>

enum {
	SOURCES = 16384,
	LOOKS = 4, /* entries looked at for a newcomer's place */
};

/* Tokens are counted in millionths, so that a slow rate loses nothing to rounding between two close takes. */
#define TOKEN UINT64_C(1000000)

struct bucket {
	uint64_t level; /* millionths of a token */
};

struct source {
	struct rf_node node;
	struct source *newer, *older; /* by last take */
	struct rf_mono filled;        /* when the levels below were right */
	struct bucket bucket[RF_GUARD_KINDS];
	uint8_t key[9];               /* family, then four octets (IPv4) or eight (IPv6 /64) */
};

struct rf_guard {
	struct rf_guard_conf conf;
	struct rf_guard_stats stats;
	struct source total, crowd;
	struct source *newest, *oldest;
	struct rf_table table;
};

static uint64_t size_of(const struct rf_guard_rate *rate)
{
	return (rate->burst ? rate->burst : rate->per_s) * TOKEN;
}

/* Bring all buckets to now. True when all are full. */
static bool fill(struct source *s, const struct rf_guard_rate rate[static RF_GUARD_KINDS], struct rf_mono now)
{
	uint64_t us = now.us > s->filled.us ? now.us - s->filled.us : 0;
	bool full = true;

	for (int k = 0; k < RF_GUARD_KINDS; k++) {
		uint64_t size = size_of(&rate[k]), missing = s->bucket[k].level < size ? size - s->bucket[k].level : 0;

		/* Microseconds times tokens a second are millionths of a token. */
		if (rate[k].per_s == 0 || us >= missing / rate[k].per_s + 1 || missing == 0)
			s->bucket[k].level = size;
		else
			s->bucket[k].level += us * rate[k].per_s;
		full = full && s->bucket[k].level >= size;
	}
	if (us)
		s->filled = now;
	return full;
}

static bool holds(const struct source *s, const struct rf_guard_rate *rate, enum rf_guard_kind kind)
{
	return rate[kind].per_s == 0 || s->bucket[kind].level >= TOKEN;
}

static void spend(struct source *s, const struct rf_guard_rate *rate, enum rf_guard_kind kind)
{
	if (rate[kind].per_s)
		s->bucket[kind].level -= TOKEN;
}

static void start_full(struct source *s, const struct rf_guard_rate *rate, struct rf_mono now)
{
	for (int k = 0; k < RF_GUARD_KINDS; k++)
		s->bucket[k].level = size_of(&rate[k]);
	s->filled = now;
}

int rf_guard_new(const struct rf_guard_conf *conf, struct rf_guard **ret_guard)
{
	struct rf_guard *g = calloc(1, sizeof *g);

	if (!g)
		return -ENOMEM;
	g->conf = *conf;
	if (!g->conf.sources)
		g->conf.sources = SOURCES;
	rf_table_init(&g->table, g->conf.sources);
	start_full(&g->total, g->conf.total, (struct rf_mono){ 0 });
	start_full(&g->crowd, g->conf.crowd, (struct rf_mono){ 0 });
	*ret_guard = g;
	return 0;
}

void rf_guard_free(struct rf_guard *g)
{
	if (!g)
		return;
	for (struct source *s = g->newest, *next; s; s = next) {
		next = s->older;
		free(s);
	}
	rf_table_fini(&g->table);
	free(g);
}

static void unlink_source(struct rf_guard *g, struct source *s)
{
	*(s->newer ? &s->newer->older : &g->newest) = s->older;
	*(s->older ? &s->older->newer : &g->oldest) = s->newer;
}

static void link_newest(struct rf_guard *g, struct source *s)
{
	s->newer = NULL;
	s->older = g->newest;
	*(g->newest ? &g->newest->newer : &g->oldest) = s;
	g->newest = s;
}

static void key_of(const struct rf_addr *a, uint8_t key[static 9])
{
	memset(key, 0, 9);
	key[0] = a->family;
	memcpy(key + 1, a->ip, a->family == 4 ? 4 : 8);
}

static struct source *find(struct rf_guard *g, const uint8_t key[static 9], uint64_t hash)
{
	for (struct rf_node *n = rf_table_first(&g->table, hash); n; n = rf_table_next(n)) {
		struct source *s = rf_container(n, struct source, node);

		if (memcmp(s->key, key, sizeof s->key) == 0)
			return s;
	}
	return NULL;
}

/* A place for a newcomer: a fresh one, or that of a source that was quiet for long and owes nothing. One that still
 * owes goes to the front, so that it does not stand in the way of those behind it. */
static struct source *place(struct rf_guard *g, struct rf_mono now)
{
	if (g->table.count < g->conf.sources)
		return calloc(1, sizeof(struct source));
	for (int i = 0; i < LOOKS && g->oldest; i++) {
		struct source *s = g->oldest;
		bool full = fill(s, g->conf.source, now);

		unlink_source(g, s);
		if (full) {
			rf_table_del(&g->table, &s->node);
			g->stats.evicted++;
			return s;
		}
		link_newest(g, s);
	}
	return NULL;
}

/* The source's entry, brought to now; NULL: it belongs to the crowd. */
static struct source *entry(struct rf_guard *g, const struct rf_addr *source, struct rf_mono now)
{
	uint8_t key[9];

	key_of(source, key);
	uint64_t hash = rf_hash(&g->conf.hash_key, rf_view_of(key, sizeof key));
	struct source *s = find(g, key, hash);
	if (s) {
		fill(s, g->conf.source, now);
		unlink_source(g, s);
		link_newest(g, s);
		return s;
	}
	s = place(g, now);
	if (!s)
		return NULL;
	memcpy(s->key, key, sizeof key);
	start_full(s, g->conf.source, now);
	if (rf_table_add(&g->table, &s->node, hash)) {
		free(s);
		return NULL;
	}
	link_newest(g, s);
	return s;
}

int rf_guard_take(struct rf_guard *g, enum rf_guard_kind kind, const struct rf_addr *source, struct rf_mono now)
{
	if (!g)
		return 0;
	struct source *s = entry(g, source, now);
	const struct rf_guard_rate *rate = g->conf.source;
	uint64_t *refused = &g->stats.refused_source[kind];

	if (!s) {
		s = &g->crowd;
		rate = g->conf.crowd;
		refused = &g->stats.refused_crowd[kind];
		g->stats.crowded++;
		fill(s, rate, now);
	}
	if (!holds(s, rate, kind)) {
		++*refused;
		return RF_E_LIMIT;
	}
	fill(&g->total, g->conf.total, now);
	if (!holds(&g->total, g->conf.total, kind)) {
		g->stats.refused_total[kind]++;
		return RF_E_BUSY;
	}
	spend(s, rate, kind);
	spend(&g->total, g->conf.total, kind);
	g->stats.passed[kind]++;
	return 0;
}

void rf_guard_set_rates(struct rf_guard *g, const struct rf_guard_conf *conf)
{
	memcpy(g->conf.source, conf->source, sizeof g->conf.source);
	memcpy(g->conf.total, conf->total, sizeof g->conf.total);
	memcpy(g->conf.crowd, conf->crowd, sizeof g->conf.crowd);
}

void rf_guard_stats(const struct rf_guard *g, struct rf_guard_stats *ret_stats)
{
	*ret_stats = g->stats;
	ret_stats->sources = (uint32_t)g->table.count;
}
