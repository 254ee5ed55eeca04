/* REGISTER (RFC 3261 10.3, 3327, 5626). A request becomes a list of changes, which goes to the disk whole or not at
 * all; when the store says that it is there, the location table is changed and the phone gets its 200. Until then
 * nothing is visible, and a full disk leaves everybody reachable where they were.
 *
 * The changes are worked out against the table as it was when the request came. Two workers may have changes of one
 * number under way at once: each change stands for itself, and the table applies them in the order of the disk. */
#include "call/lamps.h"
#include "call/registration.h"

#include "base/clean.h"
#include "sip/build.h"

#include <stdlib.h>

enum {
	CONTACTS_MAX = RF_REGISTRATION_CONTACTS,/* in one REGISTER */
	CONTACT_MAX = 400,    /* bytes of a Contact URI: RF_CORE_HEADERS must hold a full list */
	INSTANCE_MAX = 128,
	CALL_ID_MAX = 256,
	AGENT_MAX = 64,
	PATH_BYTES = 1024,
	ARENA_BYTES = 96 * 1024,
	ARENA_STEP = 4096,    /* an ordinary one fits */
	SPARE_MAX = 64,
};

/* A disk that stalls for longer than a transaction lives: nobody waits for the answer any more. */
static void srv_event(void *arg, struct rf_srv *srv, enum rf_srv_event event)
{
	struct rf_registration *r = arg;

	(void)srv;
	if (event == RF_SRV_GONE)
		r->srv = NULL;
}

static void reply(struct rf_registration *r, unsigned code, struct rf_view reason, struct rf_view headers)
{
	if (r->srv)
		rf_core_reply_headers(r->core, r->srv, code, reason, headers);
}

static void release(struct rf_registration *r)
{
	rf_arena_fini(&r->arena);
	free(r);
}

static void finish(struct rf_registration *r)
{
	if (r->srv)
		rf_srv_watch(r->srv, NULL, NULL);
	struct rf_call_core *core = r->core;

	if (core) {
		TAILQ_REMOVE(&core->registrations, r, list);
		core->census.registrations--;
	}
	if (!core || core->spare_n == SPARE_MAX) {
		release(r);
		return;
	}
	rf_arena_reset(&r->arena);
	TAILQ_INSERT_HEAD(&core->spare, r, list);
	core->spare_n++;
}

static struct rf_registration *take_memory(struct rf_call_core *core)
{
	struct rf_registration *r = TAILQ_FIRST(&core->spare);
	struct rf_arena arena;

	if (r) {
		TAILQ_REMOVE(&core->spare, r, list);
		core->spare_n--;
		arena = r->arena;
	} else {
		r = malloc(sizeof *r);
		rf_arena_init(&arena, ARENA_BYTES);
	}
	if (!r)
		return NULL;
	memset(r, 0, offsetof(struct rf_registration, changes));
	r->arena = arena;
	r->arena.step = ARENA_STEP;
	return r;
}

/* "<urn:...>" in quotes -> urn:... */
static struct rf_view instance_of(const struct rf_sip_addr *a)
{
	struct rf_sip_param p;

	if (!rf_sip_addr_param(a, RF_V("+sip.instance"), &p) || p.value.n < 3 || p.value.n > INSTANCE_MAX)
		return (struct rf_view){ NULL, 0 };
	if (p.value.p[0] == '<' && p.value.p[p.value.n - 1] == '>')
		return rf_view_sub(p.value, 1, p.value.n - 2);
	return (struct rf_view){ NULL, 0 };
}

static uint32_t reg_id_of(const struct rf_sip_addr *a)
{
	struct rf_sip_param p;
	uint32_t id;

	return rf_sip_addr_param(a, RF_V("reg-id"), &p) && rf_view_u32(p.value, &id) && id < 1u << 31 ? id : 0;
}

/* The seconds of one contact: 0 removes. RF_E_LIMIT: too brief. */
static int seconds_of(const struct rf_registration *r, const struct rf_sip_msg *req, const struct rf_sip_addr *a,
		      uint32_t *ret_s)
{
	const struct rf_site_sip *sip = &rf_core_site(r->core)->sip;
	uint32_t s = sip->register_default_s;

	if (!rf_sip_addr_expires(a, &s) && req->has_expires)
		s = req->expires_s;
	if (s > 0 && s < sip->register_min_s)
		return RF_E_LIMIT;
	*ret_s = s < sip->register_max_s ? s : sip->register_max_s;
	return 0;
}

static const struct rf_binding *existing(const struct rf_registration *r, const struct rf_binding *b)
{
	for (size_t i = 0; i < r->old_n; i++)
		if (rf_binding_same(&r->old[i], b))
			return &r->old[i];
	return NULL;
}

/* RFC 3261 10.3 (7): an older request of the same Call-ID changes nothing. */
static bool out_of_order(const struct rf_binding *old, const struct rf_sip_msg *req)
{
	return old && rf_view_eq(old->call_id, req->call_id) && req->cseq <= old->cseq;
}

static int path_of(struct rf_registration *r, const struct rf_sip_msg *req, struct rf_view *ret_path)
{
	struct rf_sip_values it = rf_sip_values_of(req, RF_SIP_H_PATH);
	struct rf_writer w;
	struct rf_view v;
	int rc;

	rf_writer_init(&w, rf_arena_alloc(&r->arena, PATH_BYTES), PATH_BYTES);
	if (!w.buf)
		return -ENOMEM;
	while ((rc = rf_sip_values_next(&it, &v)) > 0) {
		if (w.n)
			rf_put_lit(&w, ", ");
		rf_sip_put_value(&w, v);
	}
	return rc ? rc : rf_writer_done(&w, ret_path);
}

/* What all bindings of this request have in common. */
static int common(struct rf_registration *r, const struct rf_in *in, struct rf_binding *ret_b)
{
	const struct rf_sip_msg *req = in->msg;
	uint8_t agent[AGENT_MAX];
	int rc = 0;

	*ret_b = (struct rf_binding){
		.since = rf_core_now(r->core), .refreshed = rf_core_now(r->core), .flow = in->from->flow,
		.cseq = req->cseq, .by_flow = rf_flow_is_stream(&in->from->flow) && !in->proof.host, /* a border is found again (roam.h) */
	};
	if (req->call_id.n > CALL_ID_MAX)
		return RF_E_LIMIT;
	rc |= rf_view_dup(&r->arena, req->call_id, &ret_b->call_id);
	rc |= rf_view_dup(&r->arena,
			  rf_clean_name(rf_sip_msg_value(req, RF_SIP_H_USER_AGENT), AGENT_MAX, agent, AGENT_MAX),
			  &ret_b->agent);
	if (in->proof.phone)
		rc |= rf_view_dup(&r->arena, in->proof.phone->name, &ret_b->phone);
	if (in->proof.user)
		rc |= rf_view_dup(&r->arena, in->proof.user->name, &ret_b->user);
	if (rc)
		return -ENOMEM;
	return rf_sip_msg_hdr(req, RF_SIP_H_PATH) ? path_of(r, req, &ret_b->path) : 0;
}

/* One contact onto the list. The code to answer, 0 to go on. */
static unsigned take_contact(struct rf_registration *r, const struct rf_in *in, const struct rf_binding *like,
			     struct rf_view value)
{
	struct rf_registration_change *c = &r->changes[r->n];
	struct rf_sip_addr a;
	uint32_t s;

	if (rf_sip_contact_parse(value, &a) || a.star || !rf_sip_uri_is_sip(&a.uri) || a.uri.text.n > CONTACT_MAX)
		return 400;
	if (r->n == CONTACTS_MAX)
		return 403;
	if (seconds_of(r, in->msg, &a, &s))
		return 423;
	c->b = *like;
	c->remove = s == 0;
	c->b.q_milli = (uint16_t)rf_sip_addr_q(&a);
	c->b.expires = rf_mono_add_ms(like->refreshed, (uint64_t)s * 1000);
	if (rf_view_dup(&r->arena, a.uri.text, &c->b.contact) ||
	    rf_view_dup(&r->arena, instance_of(&a), &c->b.instance))
		return 500;
	c->b.reg_id = c->b.instance.n && r->outbound ? reg_id_of(&a) : 0;
	c->old = existing(r, &c->b);
	if (out_of_order(c->old, in->msg))
		return 500;
	if (c->old)
		c->b.since = c->old->since;
	if (c->b.reg_id)
		r->used_outbound = true;
	r->n++;
	return 0;
}

static unsigned take_star(struct rf_registration *r, const struct rf_in *in)
{
	if (!in->msg->has_expires || in->msg->expires_s != 0)
		return 400;
	for (size_t i = 0; i < r->old_n; i++)
		if (out_of_order(&r->old[i], in->msg))
			return 500;
	r->star = true;
	return 0;
}

static unsigned take_contacts(struct rf_registration *r, const struct rf_in *in)
{
	struct rf_sip_values it = rf_sip_values_of(in->msg, RF_SIP_H_CONTACT);
	struct rf_binding like;
	struct rf_view v;
	size_t count = 0;
	unsigned code = 0;
	bool star = false;
	int rc = common(r, in, &like);

	if (rc)
		return rc == -ENOMEM ? 500 : 400;
	while (!code && (rc = rf_sip_values_next(&it, &v)) > 0) {
		count++;
		if (rf_view_eq(v, RF_V("*")))
			star = true;
		else
			code = take_contact(r, in, &like, v);
	}
	if (code)
		return code;
	if (rc < 0 || (star && count > 1) || (r->used_outbound && count > 1))
		return 400;
	return star ? take_star(r, in) : 0;
}

/* At the cap the binding refreshed longest ago gives way (docs/decisions/0010-calls.md). */
static void make_room(struct rf_registration *r)
{
	size_t cap = rf_core_site(r->core)->sip.bindings_per_number, left = r->old_n;

	for (size_t i = 0; i < r->n; i++) {
		if (r->changes[i].old)
			left -= r->changes[i].remove;
		else
			left += !r->changes[i].remove;
	}
	while (left > cap && r->evicted_n < r->old_n && r->evicted_n < RF_REGISTRATION_EVICT) {
		const struct rf_binding *oldest = NULL;

		for (size_t i = 0; i < r->old_n; i++) {
			const struct rf_binding *b = &r->old[i];
			bool busy = false;

			for (size_t k = 0; k < r->n; k++)
				busy |= r->changes[k].old == b;
			for (size_t k = 0; k < r->evicted_n; k++)
				busy |= r->evicted[k] == b;
			if (!busy && (!oldest || b->refreshed.us < oldest->refreshed.us))
				oldest = b;
		}
		if (!oldest)
			return;
		r->evicted[r->evicted_n++] = oldest;
		left--;
	}
}

static int read_old(struct rf_registration *r)
{
	return rf_location_get(r->core->location, r->aor, rf_core_now(r->core), &r->arena, &r->old, &r->old_n);
}

static int make_aor(struct rf_registration *r, const struct rf_in *in)
{
	struct rf_view number = rf_proof_number(&in->proof), domain = rf_core_site(r->core)->domain;
	size_t n = number.n + 1 + domain.n;
	uint8_t *p = rf_arena_alloc(&r->arena, n);

	if (!p)
		return -ENOMEM;
	memcpy(p, number.p, number.n);
	p[number.n] = '@';
	memcpy(p + number.n + 1, domain.p, domain.n);
	r->aor = rf_view_of(p, n);
	return 0;
}

static struct rf_registration *begin(struct rf_call_core *core, struct rf_in *in)
{
	struct rf_registration *r = NULL;

	if (core->census.registrations < core->limits.registrations)
		r = take_memory(core);
	if (!r)
		return NULL;
	r->core = core;
	r->srv = in->srv;
	TAILQ_INSERT_TAIL(&core->registrations, r, list);
	core->census.registrations++;
	r->outbound = rf_sip_msg_has_token(in->msg, RF_SIP_H_SUPPORTED, RF_V("outbound")) ||
		      rf_sip_msg_has_token(in->msg, RF_SIP_H_REQUIRE, RF_V("outbound"));
	if (make_aor(r, in) || read_old(r)) {
		r->srv = NULL;
		finish(r);
		return NULL;
	}
	rf_srv_watch(in->srv, srv_event, r);
	return r;
}

/* --- the answer */

static void put_binding(struct rf_writer *w, const struct rf_binding *b, struct rf_mono now)
{
	uint64_t left_s = (b->expires.us - now.us + 999999) / 1000000;

	rf_sip_put_hdr_name(w, RF_SIP_H_CONTACT);
	rf_put_byte(w, '<');
	rf_sip_put_value(w, b->contact);
	rf_put_lit(w, ">;expires=");
	rf_put_u64(w, left_s);
	if (b->q_milli < 1000)
		rf_put_fmt(w, ";q=0.%03u", b->q_milli);
	if (b->instance.n) {
		rf_put_lit(w, ";+sip.instance=\"<");
		rf_sip_put_value(w, b->instance);
		rf_put_lit(w, ">\"");
	}
	if (b->reg_id)
		rf_sip_put_param_u64(w, RF_V("reg-id"), b->reg_id);
	rf_sip_put_crlf(w);
}

static bool is_own(const struct rf_registration *r, const struct rf_binding *b)
{
	for (size_t i = 0; i < r->n; i++)
		if (rf_binding_same(&r->changes[i].b, b))
			return true;
	return false;
}

static int put_200(struct rf_registration *r, bool all, struct rf_view *ret_headers)
{
	struct rf_call_core *core = r->core;
	struct rf_mono now = rf_core_now(core);
	uint32_t keepalive_s = rf_core_site(core)->sip.keepalive_s;
	struct rf_binding *b;
	struct rf_writer w;
	size_t n;

	rf_writer_init(&w, core->head, sizeof core->head);
	if (rf_location_get(core->location, r->aor, now, &r->arena, &b, &n) == 0)
		for (size_t i = 0; i < n; i++)
			if (all || is_own(r, &b[i]))
				put_binding(&w, &b[i], now);
	rf_put_lit(&w, "Supported: path, outbound\r\n");
	if (r->n && r->changes[0].b.path.n)
		rf_sip_put_hdr(&w, RF_SIP_H_PATH, r->changes[0].b.path);
	if (r->used_outbound) {
		rf_put_lit(&w, "Require: outbound\r\n");
		if (keepalive_s)
			rf_sip_put_hdr_u64(&w, RF_SIP_H_FLOW_TIMER, keepalive_s);
	}
	return rf_writer_done(&w, ret_headers);
}

/* All bindings of the number (RFC 3261 10.3 8); of very many very long ones only those that this request made, since
 * they are on the disk and the phone must hear of it. */
static void answer_200(struct rf_registration *r)
{
	struct rf_view headers;

	if (put_200(r, true, &headers) && put_200(r, false, &headers))
		reply(r, 500, RF_V("Too Many Contacts"), RF_V(""));
	else
		reply(r, 200, RF_V(""), headers);
}

static void refuse(struct rf_registration *r, const struct rf_in *in, unsigned code)
{
	struct rf_call_core *core = r->core;
	struct rf_view headers = { NULL, 0 };
	struct rf_writer w;

	rf_writer_init(&w, core->head, sizeof core->head);
	if (code == 423)
		rf_sip_put_hdr_u64(&w, RF_SIP_H_MIN_EXPIRES, rf_core_site(core)->sip.register_min_s);
	if (code == 500 || code == 503)
		rf_core_put_retry_after(&w, 5);
	rf_writer_done(&w, &headers);
	core->counters.registrations_refused++;
	rf_record_registration_refused(core, in, r->aor, code);
	reply(r, code, RF_V(""), headers);
	finish(r);
}

/* --- what the disk has now, the table gets */

/* The table has no room for what the disk has: the phone will be told no, so the disk must not say yes after a
 * restart. Should this be refused as well, the binding ends with its expiry. */
static void take_back(struct rf_registration *r, const struct rf_binding *b)
{
	struct rf_stored_binding *s;

	if (rf_binding_store(&r->arena, b, rf_core_now(r->core), rf_core_wall(r->core), &s) == 0)
		rf_bindings_remove(r->core->bindings, r->aor, s->key, NULL, NULL);
}

static void apply_change(struct rf_registration *r, const struct rf_registration_change *c)
{
	struct rf_call_core *core = r->core;

	if (c->remove) {
		if (rf_location_remove(core->location, r->aor, &c->b) == 0)
			rf_record_registration(core, RF_EVENT_REGISTRATION_REMOVED, r->aor, c->old ? c->old : &c->b,
					       "unregistered");
		core->counters.unregistrations++;
		return;
	}
	int rc = rf_location_put(core->location, r->aor, &c->b, rf_core_now(core));
	if (rc) {
		r->rc = rc;
		take_back(r, &c->b);
		return;
	}
	core->counters.registrations++;
	/* Without a certificate nothing else says whose bindings wait when the connection ends. Of a connection that
	 * several registered over, the last. */
	if (c->b.by_flow && !c->b.phone.n)
		rf_ua_flow_label(core->ua, &c->b.flow, r->aor);
	if (!c->old || c->old->waiting || !rf_flow_eq(&c->old->flow, &c->b.flow))
		rf_record_registration(core, RF_EVENT_REGISTRATION_ACCEPTED, r->aor, &c->b, c->old ? "moved" : "new");
}

static void apply(struct rf_registration *r)
{
	struct rf_call_core *core = r->core;

	if (r->star) {
		rf_location_clear(core->location, r->aor);
		core->counters.unregistrations++;
		for (size_t i = 0; i < r->old_n; i++)
			rf_record_registration(core, RF_EVENT_REGISTRATION_REMOVED, r->aor, &r->old[i],
					       "unregistered");
	}
	for (size_t i = 0; i < r->evicted_n; i++)
		if (rf_location_remove(core->location, r->aor, r->evicted[i]) == 0)
			rf_record_registration(core, RF_EVENT_REGISTRATION_REMOVED, r->aor, r->evicted[i], "replaced");
	for (size_t i = 0; i < r->n; i++)
		apply_change(r, &r->changes[i]);
	rf_lamps_bound(core, r->aor);
}

static void committed(struct rf_registration *r)
{
	struct rf_call_core *core = r->core;

	if (!core) {
		finish(r);
		return;
	}
	if (r->rc == 0)
		apply(r);
	if (r->rc == 0) {
		answer_200(r);
	} else {
		struct rf_writer w;
		struct rf_view headers = { NULL, 0 };

		rf_writer_init(&w, core->head, sizeof core->head);
		rf_core_put_retry_after(&w, 30);
		rf_writer_done(&w, &headers);
		core->counters.registrations_refused++;
		reply(r, 503, RF_V("Cannot Store The Registration"), headers);
	}
	finish(r);
}

static void deliver(struct rf_mail *mail, int status)
{
	(void)status; /* a loop that ends has dropped its core first */
	committed(rf_container(mail, struct rf_registration, mail));
}

/* On the store's thread. A full mailbox leaves the mark, and the next REGISTER looks for marks. */
static void on_disk(void *ctx, int rc)
{
	struct rf_registration *r = ctx;

	r->rc = rc;
	if (rf_mail_post(r->loop, &r->mail))
		__atomic_store_n(&r->stranded, true, __ATOMIC_RELEASE);
}

static void pick_up_stranded(struct rf_call_core *core)
{
	for (struct rf_registration *r = TAILQ_FIRST(&core->registrations), *next; r; r = next) {
		next = TAILQ_NEXT(r, list);
		if (__atomic_load_n(&r->stranded, __ATOMIC_ACQUIRE))
			committed(r);
	}
}

static int store(struct rf_registration *r)
{
	struct rf_registration_ops ops;

	r->mail.deliver = deliver;
	r->loop = r->core->loop;
	int rc = rf_registration_ops(r, &ops);

	return rc ? rc : rf_bindings_change(r->core->bindings, r->aor, ops.op, ops.n, on_disk, r);
}

/* Asked before the disk is; rf_location_put() has the last word. */
static bool table_full(const struct rf_call_core *core)
{
	struct rf_location_counts counts;

	rf_location_counts(core->location, &counts);
	return counts.aors >= rf_core_site(core)->limits.registrations;
}

void rf_registrar_request(struct rf_call_core *core, struct rf_in *in)
{
	pick_up_stranded(core);
	struct rf_registration *r = begin(core, in);

	if (!r) {
		rf_core_reply(core, in->srv, 503, RF_V(""));
		return;
	}
	unsigned code = rf_sip_msg_hdr(in->msg, RF_SIP_H_CONTACT) ? take_contacts(r, in) : 0;

	if (code) {
		refuse(r, in, code);
		return;
	}
	if (r->n && !r->old_n && table_full(core)) {
		refuse(r, in, 503);
		return;
	}
	make_room(r);
	if (r->n == 0 && !r->star) {
		answer_200(r);
		finish(r);
		return;
	}
	if (store(r))
		refuse(r, in, 503);
}

void rf_registrar_drop(struct rf_call_core *core)
{
	struct rf_registration *r;

	while ((r = TAILQ_FIRST(&core->registrations))) {
		TAILQ_REMOVE(&core->registrations, r, list);
		core->census.registrations--;
		r->core = NULL;
		if (r->srv)
			rf_srv_watch(r->srv, NULL, NULL);
		r->srv = NULL;
		if (__atomic_load_n(&r->stranded, __ATOMIC_ACQUIRE))
			finish(r);
	}
	while ((r = TAILQ_FIRST(&core->spare))) {
		TAILQ_REMOVE(&core->spare, r, list);
		release(r);
	}
	core->spare_n = 0;
}
