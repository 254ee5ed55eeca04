#include "call/suspects.h"

#include "base/err.h"
#include "base/table.h"

#include <stdlib.h>
#include <sys/queue.h>

const struct rf_suspect_rule rf_suspect_rules[RF_SUSPECT_KINDS] = {
	[RF_SUSPECT_PAIR] = { 5, 1000, 300000, 900000 },
	[RF_SUSPECT_SOURCE] = { 50, 1000, 60000, 300000 },
	[RF_SUSPECT_USER] = { 25, 500, 4000, 300000 },
};

enum { KEY_MAX = 160 }; /* longer names are cut: two that agree so far share their fate */

struct suspect {
	struct rf_node node;
	TAILQ_ENTRY(suspect) quiet; /* longest quiet first */
	struct rf_mono last, until;
	uint32_t fails;
	uint16_t key_n;
	uint8_t key[];
};

TAILQ_HEAD(suspect_list, suspect);

struct rf_suspects {
	struct rf_table table;
	struct suspect_list quiet;
	struct rf_hash_key hash_key;
};

int rf_suspects_new(size_t cap, const struct rf_hash_key *key, struct rf_suspects **ret_s)
{
	struct rf_suspects *s = calloc(1, sizeof *s);

	if (!s)
		return -ENOMEM;
	rf_table_init(&s->table, cap ? cap : 1);
	TAILQ_INIT(&s->quiet);
	s->hash_key = *key;
	*ret_s = s;
	return 0;
}

static void forget(struct rf_suspects *s, struct suspect *x)
{
	rf_table_del(&s->table, &x->node);
	TAILQ_REMOVE(&s->quiet, x, quiet);
	free(x);
}

void rf_suspects_free(struct rf_suspects *s)
{
	if (!s)
		return;
	while (!TAILQ_EMPTY(&s->quiet))
		forget(s, TAILQ_FIRST(&s->quiet));
	rf_table_fini(&s->table);
	free(s);
}

/* kind, then each part behind its length, so that no two pairs make one key. */
static struct rf_view make_key(enum rf_suspect_kind kind, struct rf_view user, struct rf_view source,
			       uint8_t buf[static KEY_MAX])
{
	size_t u = kind == RF_SUSPECT_SOURCE ? 0 : user.n < 100 ? user.n : 100;
	size_t a = kind == RF_SUSPECT_USER ? 0 : source.n < 32 ? source.n : 32;

	buf[0] = (uint8_t)kind;
	buf[1] = (uint8_t)u;
	if (u)
		memcpy(buf + 2, user.p, u);
	if (a)
		memcpy(buf + 2 + u, source.p, a);
	return (struct rf_view){ buf, 2 + u + a };
}

static struct suspect *find(struct rf_suspects *s, struct rf_view key)
{
	struct rf_node *n = rf_table_first(&s->table, rf_hash(&s->hash_key, key));

	for (; n; n = rf_table_next(n)) {
		struct suspect *x = rf_container(n, struct suspect, node);

		if (rf_view_eq((struct rf_view){ x->key, x->key_n }, key))
			return x;
	}
	return NULL;
}

static struct suspect *add(struct rf_suspects *s, struct rf_view key)
{
	if (s->table.count >= s->table.cap)
		forget(s, TAILQ_FIRST(&s->quiet));
	struct suspect *x = calloc(1, sizeof *x + key.n);

	if (!x)
		return NULL;
	x->key_n = (uint16_t)key.n;
	memcpy(x->key, key.p, key.n);
	if (rf_table_add(&s->table, &x->node, rf_hash(&s->hash_key, key))) {
		free(x);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&s->quiet, x, quiet);
	return x;
}

static uint32_t left_ms(const struct suspect *x, struct rf_mono now)
{
	return x && x->until.us > now.us ? (uint32_t)((x->until.us - now.us + 999) / 1000) : 0;
}

uint32_t rf_suspects_wait_ms(struct rf_suspects *s, struct rf_view user, struct rf_view source, struct rf_mono now)
{
	uint8_t buf[KEY_MAX];
	uint32_t wait = 0;

	if (s->table.count == 0)
		return 0;
	for (unsigned k = 0; k < RF_SUSPECT_KINDS; k++) {
		uint32_t ms = left_ms(find(s, make_key(k, user, source, buf)), now);

		wait = ms > wait ? ms : wait;
	}
	return wait;
}

static uint32_t wait_after(const struct rf_suspect_rule *rule, uint32_t fails)
{
	uint64_t ms = rule->first_ms;

	if (fails <= rule->free_tries)
		return 0;
	for (uint32_t i = rule->free_tries + 1; i < fails && ms < rule->longest_ms; i++)
		ms *= 2;
	return ms < rule->longest_ms ? (uint32_t)ms : rule->longest_ms;
}

static uint32_t count_failure(struct rf_suspects *s, enum rf_suspect_kind kind, struct rf_view key,
			      struct rf_mono now)
{
	const struct rf_suspect_rule *rule = &rf_suspect_rules[kind];
	struct suspect *x = find(s, key);

	if (!x && !(x = add(s, key)))
		return rule->first_ms;
	if (x->fails && now.us - x->last.us > (uint64_t)rule->forget_ms * 1000)
		x->fails = 0;
	if (x->fails < UINT32_MAX)
		x->fails++;
	x->last = now;
	x->until = rf_mono_add_ms(now, wait_after(rule, x->fails));
	TAILQ_REMOVE(&s->quiet, x, quiet);
	TAILQ_INSERT_TAIL(&s->quiet, x, quiet);
	return left_ms(x, now);
}

uint32_t rf_suspects_failed(struct rf_suspects *s, struct rf_view user, struct rf_view source, struct rf_mono now)
{
	uint8_t buf[KEY_MAX];
	uint32_t wait = 0;

	for (unsigned k = 0; k < RF_SUSPECT_KINDS; k++) {
		uint32_t ms = count_failure(s, k, make_key(k, user, source, buf), now);

		wait = ms > wait ? ms : wait;
	}
	return wait;
}

void rf_suspects_succeeded(struct rf_suspects *s, struct rf_view user, struct rf_view source)
{
	uint8_t buf[KEY_MAX];

	if (s->table.count == 0)
		return;
	for (unsigned k = 0; k < RF_SUSPECT_KINDS; k++) {
		struct suspect *x = k == RF_SUSPECT_SOURCE ? NULL : find(s, make_key(k, user, source, buf));

		if (x)
			forget(s, x);
	}
}

size_t rf_suspects_count(const struct rf_suspects *s)
{
	return s->table.count;
}
