/* Our bindings in the store's form and back. A flow is written field by field; of one that is a connection only the
 * address is of use later, for the record: after a restart its phone must come again. */
#include "call/registration.h"

#include "base/reader.h"

enum { FLOW_BYTES = 42 };

static void put_addr(struct rf_writer *w, const struct rf_addr *a)
{
	rf_put_byte(w, a->family);
	rf_put(w, rf_view_of(a->ip, sizeof a->ip));
	rf_put_byte(w, (uint8_t)(a->port >> 8));
	rf_put_byte(w, (uint8_t)a->port);
}

static void put_flow(struct rf_writer *w, const struct rf_flow *f)
{
	rf_put_byte(w, 1); /* version of this form */
	rf_put_byte(w, f->kind);
	rf_put_byte(w, f->listener);
	rf_put_byte(w, 0);
	put_addr(w, &f->remote);
	put_addr(w, &f->local);
}

static struct rf_addr take_addr(struct rf_reader *r)
{
	struct rf_addr a = { .family = rf_take_u8(r) };
	struct rf_view ip = rf_take(r, sizeof a.ip);

	if (ip.n)
		memcpy(a.ip, ip.p, ip.n);
	a.port = rf_take_be16(r);
	if (a.family != 4 && a.family != 6)
		a = (struct rf_addr){ .family = 0 };
	return a;
}

static struct rf_flow take_flow(struct rf_view v)
{
	struct rf_reader r = rf_reader_of(v);
	struct rf_flow f = { .kind = RF_FLOW_NONE };

	if (rf_take_u8(&r) != 1)
		return f;
	f.kind = rf_take_u8(&r);
	f.listener = rf_take_u8(&r);
	rf_take_u8(&r);
	f.remote = take_addr(&r);
	f.local = take_addr(&r);
	if (rf_reader_end(&r) || f.kind >= RF_FLOW_KINDS || f.listener >= RF_UA_LISTENERS_MAX)
		f = (struct rf_flow){ .kind = RF_FLOW_NONE };
	return f;
}

/* Instance and reg-id name a binding where both are there, else the contact does (RFC 5626 6). */
static int make_key(struct rf_arena *arena, const struct rf_binding *b, struct rf_view *ret_key)
{
	struct rf_writer w;
	size_t cap = b->instance.n + b->contact.n + 24;

	rf_writer_init(&w, rf_arena_alloc(arena, cap), cap);
	if (!w.buf)
		return -ENOMEM;
	if (b->instance.n && b->reg_id) {
		rf_put_lit(&w, "i:");
		rf_put_u64(&w, b->reg_id);
		rf_put_byte(&w, ':');
		rf_put(&w, b->instance);
	} else {
		rf_put_lit(&w, "c:");
		rf_put(&w, b->contact);
	}
	return rf_writer_done(&w, ret_key);
}

static struct rf_wall to_wall(struct rf_mono t, struct rf_mono now, struct rf_wall wall)
{
	return (struct rf_wall){ wall.us + (int64_t)(t.us - now.us) };
}

static struct rf_mono to_mono(struct rf_wall t, struct rf_mono now, struct rf_wall wall)
{
	int64_t d = t.us - wall.us;

	if (d < 0 && (uint64_t)-d >= now.us)
		return (struct rf_mono){ 1 };
	return (struct rf_mono){ now.us + (uint64_t)d };
}

int rf_binding_store(struct rf_arena *arena, const struct rf_binding *b, struct rf_mono now, struct rf_wall wall,
		     struct rf_stored_binding **ret_s)
{
	struct rf_stored_binding *s = rf_arena_zalloc(arena, sizeof *s);
	struct rf_writer w;

	rf_writer_init(&w, rf_arena_alloc(arena, FLOW_BYTES), FLOW_BYTES);
	if (!s || !w.buf || make_key(arena, b, &s->key))
		return -ENOMEM;
	put_flow(&w, &b->flow);
	if (w.err)
		return w.err;
	s->flow = rf_view_of(w.buf, w.n);
	s->contact = b->contact;
	s->call_id = b->call_id;
	s->instance = b->instance;
	s->path = b->path;
	s->phone = b->phone;
	s->user = b->user;
	s->agent = b->agent;
	s->since = to_wall(b->since, now, wall);
	s->refreshed = to_wall(b->refreshed, now, wall);
	s->expires = to_wall(b->expires, now, wall);
	s->cseq = b->cseq;
	s->reg_id = b->reg_id;
	s->q_milli = b->q_milli;
	s->by_flow = b->by_flow;
	*ret_s = s;
	return 0;
}

/* A stored binding read back; views borrowed from s. */
static void restore(const struct rf_stored_binding *s, struct rf_mono now, struct rf_wall wall,
		    struct rf_binding *ret_b)
{
	*ret_b = (struct rf_binding){
		.contact = s->contact, .call_id = s->call_id, .instance = s->instance, .path = s->path,
		.phone = s->phone, .user = s->user, .agent = s->agent, .since = to_mono(s->since, now, wall),
		.refreshed = to_mono(s->refreshed, now, wall), .expires = to_mono(s->expires, now, wall),
		.cseq = s->cseq, .reg_id = s->reg_id, .q_milli = s->q_milli, .by_flow = s->by_flow,
		.flow = take_flow(s->flow),
	};
	/* the clock was set back while nobody ran: no binding outlives what it was granted */
	if (ret_b->expires.us - now.us > (uint64_t)(s->expires.us - s->refreshed.us) && ret_b->expires.us > now.us)
		ret_b->expires.us =
			now.us + (s->expires.us > s->refreshed.us ? (uint64_t)(s->expires.us - s->refreshed.us) : 0);
	ret_b->waiting = s->by_flow || ret_b->flow.kind == RF_FLOW_NONE;
}

static int add(struct rf_registration *r, struct rf_registration_ops *ops, enum rf_bindings_what what,
	       const struct rf_binding *b)
{
	struct rf_stored_binding *s = NULL;
	struct rf_call_core *core = r->core;
	int rc = b ? rf_binding_store(&r->arena, b, rf_core_now(core), rf_core_wall(core), &s) : 0;

	if (rc)
		return rc;
	ops->op[ops->n++] = (struct rf_bindings_op){ what, s };
	return 0;
}

/* A binding that is replaced may stand under another key: the same contact written differently. */
static int add_change(struct rf_registration *r, struct rf_registration_ops *ops,
		      const struct rf_registration_change *c)
{
	const struct rf_binding *old = c->old;
	bool same_key = old && old->reg_id == c->b.reg_id && rf_view_eq(old->contact, c->b.contact) &&
			rf_view_eq(old->instance, c->b.instance);
	int rc = old && (c->remove || !same_key) ? add(r, ops, RF_BINDINGS_REMOVE, old) : 0;

	if (rc || (c->remove && old))
		return rc;
	return add(r, ops, c->remove ? RF_BINDINGS_REMOVE : RF_BINDINGS_PUT, &c->b);
}

int rf_registration_ops(struct rf_registration *r, struct rf_registration_ops *ret_ops)
{
	int rc = 0;

	ret_ops->op = rf_arena_array(&r->arena, 1 + r->evicted_n + 2 * r->n, sizeof *ret_ops->op);
	ret_ops->n = 0;
	if (!ret_ops->op)
		return -ENOMEM;
	if (r->star)
		rc = add(r, ret_ops, RF_BINDINGS_CLEAR, NULL);
	for (size_t i = 0; !rc && i < r->evicted_n; i++)
		rc = add(r, ret_ops, RF_BINDINGS_REMOVE, r->evicted[i]);
	for (size_t i = 0; !rc && i < r->n; i++)
		rc = add_change(r, ret_ops, &r->changes[i]);
	return rc;
}

struct load {
	struct rf_location *location;
	struct rf_mono now;
	struct rf_wall wall;
	size_t n;
};

static int load_one(void *ctx, struct rf_view aor, const struct rf_stored_binding *s)
{
	struct load *l = ctx;
	struct rf_binding b;

	restore(s, l->now, l->wall, &b);
	int rc = rf_location_put(l->location, aor, &b, l->now);

	l->n += rc == 0;
	return rc == RF_E_LIMIT ? 0 : rc;
}

int rf_call_load_bindings(struct rf_location *location, struct rf_bindings *bindings, const struct rf_clock *clock,
			  size_t *ret_n)
{
	struct load l = { location, clock->mono(clock->ctx), clock->wall(clock->ctx), 0 };
	int rc = rf_bindings_load(bindings, l.wall, load_one, &l, NULL);

	*ret_n = l.n;
	return rc;
}
