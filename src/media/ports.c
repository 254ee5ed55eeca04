#include "media/ports.h"

#include "base/err.h"

#include <stdlib.h>

struct given {
	uint64_t rested_us;          /* until then it rests */
	struct rf_port_kept kept;
	uint16_t even;
};

/* Those that were given back first come first; count places, as many as there are pairs. */
struct ring {
	struct given *at;
	size_t first, n;
};

struct rf_ports {
	struct rf_random *random;
	size_t count;              /* pairs in all */
	size_t n_free, n_kept;
	uint16_t *free;            /* the first n_free, in no order */
	struct ring rest, ready;   /* ready: they have rested, and something is kept with them */
};

static const struct rf_port_kept nothing = { { -1, -1 }, { 0, 0 } };

int rf_ports_new(uint16_t first, uint16_t last, struct rf_random *random, struct rf_ports **ret_ports)
{
	if (first % 2 || first == 0 || last <= first)
		return RF_E_INVALID;
	size_t count = ((size_t)last - first + 1) / 2;
	struct rf_ports *p = calloc(1, sizeof *p);

	if (!p)
		return -ENOMEM;
	*p = (struct rf_ports){ .random = random, .count = count, .n_free = count };
	p->free = malloc(count * sizeof *p->free);
	p->rest.at = malloc(count * sizeof *p->rest.at);
	p->ready.at = malloc(count * sizeof *p->ready.at);
	if (!p->free || !p->rest.at || !p->ready.at) {
		rf_ports_free(p);
		return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++)
		p->free[i] = (uint16_t)(first + 2 * i);
	*ret_ports = p;
	return 0;
}

void rf_ports_free(struct rf_ports *p)
{
	if (!p)
		return;
	free(p->free);
	free(p->rest.at);
	free(p->ready.at);
	free(p);
}

static struct given *at(const struct rf_ports *p, const struct ring *r, size_t i)
{
	return &r->at[(r->first + i) % p->count];
}

static struct given oldest(const struct rf_ports *p, struct ring *r)
{
	struct given g = *at(p, r, 0);

	r->first = (r->first + 1) % p->count;
	r->n--;
	return g;
}

static void put(const struct rf_ports *p, struct ring *r, const struct given *g)
{
	*at(p, r, r->n++) = *g;
}

static bool keeps(const struct given *g)
{
	return g->kept.fd[0] >= 0 || g->kept.fd[1] >= 0;
}

/* Those whose rest is over are to be had again. */
static void wake(struct rf_ports *p, struct rf_mono now)
{
	while (p->rest.n && at(p, &p->rest, 0)->rested_us <= now.us) {
		struct given g = oldest(p, &p->rest);

		if (keeps(&g))
			put(p, &p->ready, &g);
		else
			p->free[p->n_free++] = g.even;
	}
}

/* 64 bits over at most 32,768 pairs: what the remainder prefers is nothing. */
static size_t draw(struct rf_ports *p, size_t n)
{
	return (size_t)(rf_random_u64(p->random) % n);
}

int rf_ports_take(struct rf_ports *p, struct rf_mono now, uint16_t *ret_even, struct rf_port_kept *ret_kept)
{
	struct given g;

	wake(p, now);
	if (p->ready.n) { /* its place goes to the oldest, so that the order stays nearly one of age */
		struct given *drawn = at(p, &p->ready, draw(p, p->ready.n));

		g = *drawn;
		*drawn = oldest(p, &p->ready);
	} else if (p->n_free) {
		size_t i = draw(p, p->n_free);

		g = (struct given){ .even = p->free[i], .kept = nothing };
		p->free[i] = p->free[--p->n_free];
	} else if (p->rest.n) {
		g = oldest(p, &p->rest);
	} else {
		return RF_E_LIMIT;
	}
	p->n_kept -= keeps(&g);
	*ret_even = g.even;
	*ret_kept = g.kept;
	return 0;
}

int rf_ports_take_bare(struct rf_ports *p, struct rf_mono now, uint16_t *ret_even)
{
	wake(p, now);
	if (!p->n_free)
		return RF_E_LIMIT;
	size_t i = draw(p, p->n_free);

	*ret_even = p->free[i];
	p->free[i] = p->free[--p->n_free];
	return 0;
}

void rf_ports_stock(struct rf_ports *p, struct rf_mono now, uint16_t even, const struct rf_port_kept *kept)
{
	struct given g = { now.us, *kept, even };

	p->n_kept += keeps(&g);
	put(p, &p->ready, &g);
}

void rf_ports_give(struct rf_ports *p, struct rf_mono now, uint16_t even, const struct rf_port_kept *kept)
{
	struct given g = { rf_mono_add_ms(now, RF_PORTS_REST_MS).us, kept ? *kept : nothing, even };

	p->n_kept += keeps(&g);
	put(p, &p->rest, &g);
}

size_t rf_ports_left(const struct rf_ports *p)
{
	return p->n_free + p->rest.n + p->ready.n;
}

size_t rf_ports_count(const struct rf_ports *p)
{
	return p->count;
}

size_t rf_ports_kept(const struct rf_ports *p)
{
	return p->n_kept;
}

bool rf_ports_let_go(struct rf_ports *p, struct rf_mono now, bool all, size_t least, size_t most,
		     void (*close)(void *arg, const struct rf_port_kept *kept), void *arg)
{
	static const uint64_t more_us = (RF_PORTS_KEEP_MS - RF_PORTS_REST_MS) * UINT64_C(1000);

	wake(p, now);
	while (p->ready.n && p->n_kept > least && (all || at(p, &p->ready, 0)->rested_us + more_us <= now.us)) {
		if (!most--)
			return false;
		struct given g = oldest(p, &p->ready);

		close(arg, &g.kept);
		p->free[p->n_free++] = g.even;
		p->n_kept--;
	}
	for (size_t i = 0; all && p->n_kept > least && i < p->rest.n; i++) {
		struct given *g = at(p, &p->rest, i);

		if (!keeps(g))
			continue;
		if (!most--)
			return false;
		close(arg, &g->kept);
		g->kept = nothing;
		p->n_kept--;
	}
	return true;
}
