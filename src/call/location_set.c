#include "call/location_set.h"

#include <stdlib.h>

enum {
	SAME_LOCAL = 1 << RF_BINDING_STRINGS, /* in `same`: the bits below it are the strings */
	BY_FLOW = 1,
	WAITING = 2,
};

/* What has a fixed size; in a set without alignment, so it is copied. */
struct fixed {
	uint64_t since, refreshed, expires, stream;
	uint32_t cseq, reg_id;
	uint16_t q_milli;
	uint8_t flags, same;
	uint8_t kind, worker, listener, zero;
};

void rf_binding_strings(struct rf_binding *b, struct rf_view *ret[static RF_BINDING_STRINGS])
{
	ret[0] = &b->contact;
	ret[1] = &b->call_id;
	ret[2] = &b->instance;
	ret[3] = &b->path;
	ret[4] = &b->phone;
	ret[5] = &b->user;
	ret[6] = &b->agent;
}

/* --- writing: with p NULL only counted */

struct out {
	uint8_t *p;
	size_t n;
};

static void put(struct out *o, const void *from, size_t n)
{
	if (o->p && n)
		memcpy(o->p + o->n, from, n);
	o->n += n;
}

static void put_addr(struct out *o, const struct rf_addr *a)
{
	put(o, &a->family, 1);
	if (a->family == 4) {
		put(o, a->ip, 4);
		put(o, &a->port, sizeof a->port);
	} else if (a->family) {
		put(o, a, sizeof *a);
	}
}

/* before: the one in front of it, NULL for the first. False: too long. */
static bool put_binding(struct out *o, const struct rf_binding *binding, const struct rf_binding *before)
{
	struct rf_binding b = *binding, a = before ? *before : (struct rf_binding){ .q_milli = 0 };
	struct rf_view *now[RF_BINDING_STRINGS], *then[RF_BINDING_STRINGS];
	struct fixed f = {
		.since = b.since.us, .refreshed = b.refreshed.us, .expires = b.expires.us, .stream = b.flow.stream,
		.cseq = b.cseq, .reg_id = b.reg_id, .q_milli = b.q_milli, .kind = b.flow.kind, .worker = b.flow.worker,
		.listener = b.flow.listener, .flags = (uint8_t)((b.by_flow ? BY_FLOW : 0) | (b.waiting ? WAITING : 0)),
	};

	rf_binding_strings(&b, now);
	rf_binding_strings(&a, then);
	for (unsigned i = 0; i < RF_BINDING_STRINGS; i++) {
		if (now[i]->n > UINT16_MAX)
			return false;
		if (rf_view_eq(*now[i], *then[i])) /* before the first all are empty */
			f.same |= (uint8_t)(1u << i);
	}
	if (rf_addr_eq(&b.flow.local, &a.flow.local))
		f.same |= SAME_LOCAL;
	put(o, &f, sizeof f);
	put_addr(o, &b.flow.remote);
	if (!(f.same & SAME_LOCAL))
		put_addr(o, &b.flow.local);
	for (unsigned i = 0; i < RF_BINDING_STRINGS; i++) {
		const uint16_t n = (uint16_t)now[i]->n;

		if (f.same & 1u << i)
			continue;
		put(o, &n, sizeof n);
		put(o, now[i]->p, n);
	}
	return true;
}

static bool put_all(struct out *o, struct rf_view aor, const struct rf_binding *b, size_t n)
{
	bool fits = aor.n <= UINT16_MAX && n <= UINT16_MAX;

	put(o, aor.p, aor.n);
	for (size_t i = 0; fits && i < n; i++)
		fits = put_binding(o, &b[i], i ? &b[i - 1] : NULL);
	return fits;
}

struct rf_location_set *rf_location_set_new(struct rf_view aor, const struct rf_binding *b, size_t n)
{
	struct out o = { NULL, 0 };

	if (!put_all(&o, aor, b, n))
		return NULL;
	struct rf_location_set *s = malloc(sizeof *s + o.n);
	if (!s)
		return NULL;
	cds_lfht_node_init(&s->node);
	s->aor_n = (uint16_t)aor.n;
	s->n = (uint16_t)n;
	o = (struct out){ s->data, 0 };
	put_all(&o, aor, b, n);
	return s;
}

/* --- reading what we wrote */

static void take(const uint8_t **p, void *to, size_t n)
{
	memcpy(to, *p, n);
	*p += n;
}

static void take_addr(const uint8_t **p, struct rf_addr *ret_addr)
{
	struct rf_addr a = { .family = 0 };

	take(p, &a.family, 1);
	if (a.family == 4) {
		take(p, a.ip, 4);
		take(p, &a.port, sizeof a.port);
	} else if (a.family) {
		take(p, &a, sizeof a);
	}
	*ret_addr = a;
}

const struct rf_binding *rf_location_set_next(struct rf_location_at *at)
{
	struct rf_view *v[RF_BINDING_STRINGS];
	struct rf_binding *b = &at->b;
	struct fixed f;

	take(&at->p, &f, sizeof f);
	b->since.us = f.since;
	b->refreshed.us = f.refreshed;
	b->expires.us = f.expires;
	b->cseq = f.cseq;
	b->reg_id = f.reg_id;
	b->q_milli = f.q_milli;
	b->by_flow = f.flags & BY_FLOW;
	b->waiting = f.flags & WAITING;
	b->flow.stream = f.stream;
	b->flow.kind = f.kind;
	b->flow.worker = f.worker;
	b->flow.listener = f.listener;
	take_addr(&at->p, &b->flow.remote);
	if (!(f.same & SAME_LOCAL))
		take_addr(&at->p, &b->flow.local);
	rf_binding_strings(b, v);
	for (unsigned i = 0; i < RF_BINDING_STRINGS; i++) {
		uint16_t n;

		if (f.same & 1u << i)
			continue;
		take(&at->p, &n, sizeof n);
		*v[i] = rf_view_of(at->p, n);
		at->p += n;
	}
	return b;
}
