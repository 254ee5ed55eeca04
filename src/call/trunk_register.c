/* REGISTER to trunks that want to be told where we are (RFC 3261 10.2): by worker 0, whose connection the trunk's calls
 * then come over. What fails is tried again after a time that doubles. */
#include "call/trunk.h"

#include "base/secret.h"
#include "call/call_int.h"

enum { RETRY_MS = 30000, RETRY_MOST_MS = 1800000, EARLY_S = 60 };

static void later(struct rf_call_core *core, struct rf_trunk_registration *r)
{
	r->wait_ms = r->wait_ms == 0 ? RETRY_MS : r->wait_ms >= RETRY_MOST_MS / 2 ? RETRY_MOST_MS : 2 * r->wait_ms;
	r->next = rf_mono_add_ms(rf_core_now(core), r->wait_ms);
}

static void record(struct rf_call_core *core, const struct rf_trunk_peer *p, uint32_t expires_s)
{
	struct rf_event e;

	if (!rf_record_begin(core, RF_EVENT_TRUNK_REGISTERED, &e))
		return;
	rf_event_cstr(&e, "trunk", p->name);
	rf_event_u64(&e, "expires", expires_s);
	rf_record_post(core, &e);
}

static void failed(struct rf_call_core *core, struct rf_trunk_peer *p, const char *why)
{
	bool knew = atomic_exchange(&p->registered_until_us, 0) != 0;
	struct rf_event e;

	later(core, &p->registration);
	if (!knew && p->registration.wait_ms != RETRY_MS)
		return; /* on record since the first time */
	if (!rf_record_begin(core, RF_EVENT_TRUNK_LOGIN, &e))
		return;
	rf_event_cstr(&e, "trunk", p->name);
	rf_event_cstr(&e, "why", why);
	rf_record_post(core, &e);
}

/* For how long we are known there: the answer lists every contact of the account, ours is the one that we named.
 * Whatever it says, it is the shortest that counts. */
static uint32_t expires_of(const struct rf_sip_msg *msg, uint32_t asked_s)
{
	struct rf_sip_values it = rf_sip_values_of(msg, RF_SIP_H_CONTACT);
	uint32_t least = asked_s, all;
	struct rf_sip_addr a;
	struct rf_view v;

	if (rf_sip_msg_number(msg, RF_SIP_H_EXPIRES, &all) == 0 && all < least)
		least = all;
	while (rf_sip_values_next(&it, &v) > 0) {
		struct rf_sip_param p;
		uint64_t n;

		if (rf_sip_addr_parse(v, &a) == 0 && rf_sip_params_find(a.params, RF_V("expires"), &p) &&
		    rf_view_u64(p.value, least, &n) && n > 0)
			least = (uint32_t)n;
	}
	return least;
}

static uint32_t asked_s(const struct rf_site_trunk *t, const struct rf_trunk_registration *r)
{
	return r->want_s > t->register_s ? r->want_s : t->register_s;
}

/* Known: again when most of the time is over. */
static void taken(struct rf_call_core *core, const struct rf_site_trunk *t, struct rf_trunk_peer *p,
		  const struct rf_sip_msg *msg)
{
	struct rf_trunk_registration *r = &p->registration;
	uint32_t s = expires_of(msg, asked_s(t, r));
	int64_t until = rf_core_wall(core).us + (int64_t)s * 1000000;

	if (s == 0) {
		failed(core, p, "it does not keep our registration");
		return;
	}
	r->wait_ms = 0;
	r->next = rf_mono_add_ms(rf_core_now(core), 1000 * (uint64_t)(s > 2 * EARLY_S ? s - EARLY_S : (s + 1) / 2));
	if (atomic_exchange(&p->registered_until_us, until) == 0)
		record(core, p, s);
}

static int send(struct rf_call_core *core, const struct rf_site_trunk *t, struct rf_trunk_peer *p);

static void answered(struct rf_call_core *core, const struct rf_site_trunk *t, struct rf_trunk_peer *p,
		     const struct rf_sip_msg *msg)
{
	struct rf_trunk_registration *r = &p->registration;
	bool again = rf_trunk_login_asked(core, t, msg) && !r->asked;

	if (again) {
		r->asked = true;
	} else if (msg->status == 423 && rf_sip_msg_number(msg, RF_SIP_H_MIN_EXPIRES, &r->want_s) == 0 &&
		   r->want_s > t->register_s && r->want_s <= 86400 && !r->asked) {
		again = r->asked = true;
	}
	if (again && send(core, t, p) == 0)
		return;
	if (msg->status < 300)
		taken(core, t, p, msg);
	else
		failed(core, p, msg->status == 401 || msg->status == 407 ? "its password is refused" :
			     msg->status == 403 ? "it forbids our registration" : "it refuses our registration");
}

static void register_event(void *arg, struct rf_cli *cli, const struct rf_cli_event *e)
{
	struct rf_trunk_peer *p = arg;
	struct rf_call_core *core = p->asker;
	const struct rf_site_trunk *t = rf_site_trunk(rf_core_site(core), rf_view_str(p->name));

	if (e->kind == RF_CLI_RESPONSE && e->msg->status < 200)
		return;
	p->registration.cli = NULL;
	if (e->kind == RF_CLI_GONE)
		return; /* the endpoint ends */
	rf_cli_drop(cli);
	if (!t || !t->registers)
		atomic_store(&p->registered_until_us, 0);
	else if (e->kind == RF_CLI_RESPONSE)
		answered(core, t, p, e->msg);
	else
		failed(core, p, e->kind == RF_CLI_TIMEOUT ? "no answer to REGISTER" : "REGISTER could not be sent");
}

static void put_account(const struct rf_site_trunk *t, struct rf_writer *w)
{
	rf_put_byte(w, '<');
	rf_sip_uri_put_new(w, false, t->login.n ? t->login : t->caller_number, t->peer, 0);
	rf_put_byte(w, '>');
}

/* As rf_core_put_contact(), with the account's name: by it the trunk's calls are told from others. */
static void put_contact(struct rf_call_core *core, const struct rf_site_trunk *t, struct rf_writer *w)
{
	struct rf_flow flow;

	rf_trunk_flow_of(core, t, &flow);
	rf_put_lit(w, "Contact: <");
	rf_ua_put_contact(core->ua, &flow, t->login.n ? t->login : t->caller_number, w);
	rf_put_lit(w, ">\r\n");
}

static void put_request(struct rf_call_core *core, const struct rf_site_trunk *t, struct rf_trunk_registration *r,
			struct rf_view uri, struct rf_writer *w)
{
	rf_sip_put_request(w, RF_V("REGISTER"), uri);
	rf_put_lit(w, "From: ");
	put_account(t, w);
	rf_put_lit(w, ";tag=");
	rf_put(w, rf_id_view(&r->tag));
	rf_put_lit(w, "\r\nTo: ");
	put_account(t, w);
	rf_put_lit(w, "\r\nCall-ID: ");
	rf_put(w, rf_id_view(&r->call_id));
	rf_put_lit(w, "\r\n");
	rf_sip_put_cseq(w, ++r->cseq, RF_V("REGISTER"));
	rf_put_lit(w, "Max-Forwards: 70\r\n");
	put_contact(core, t, w);
	rf_sip_put_hdr_u64(w, RF_SIP_H_EXPIRES, asked_s(t, r));
	rf_put_lit(w, "User-Agent: ringfort\r\n");
	rf_trunk_login_put(core, t, w);
	rf_sip_put_end(w);
}

static int send(struct rf_call_core *core, const struct rf_site_trunk *t, struct rf_trunk_peer *p)
{
	struct rf_trunk_registration *r = &p->registration;
	struct rf_trunk_way_to way;
	struct rf_writer w;
	int rc = rf_trunk_aim(core, t, &way);

	if (rc)
		return rc;
	rf_writer_init(&w, core->out, sizeof core->out);
	put_request(core, t, r, way.uri.text, &w);
	struct rf_cli_new conf = {
		.target = way.target, .timeout_ms = RF_TRUNK_TRY_MS, .fn = register_event, .arg = p,
	};

	rc = rf_writer_done(&w, &conf.request);
	p->asker = core;
	if (!rc)
		rc = rf_cli_new(core->ua, &conf, &r->cli);
	rf_secret_wipe(core->out, w.n); /* credentials: the buffer is everybody's */
	return rc;
}

void rf_trunk_register(struct rf_call_core *core, const struct rf_site_trunk *t, struct rf_trunk_peer *p)
{
	struct rf_trunk_registration *r = &p->registration;

	if (core->logins_new && t->login.n && !atomic_load(&p->registered_until_us)) {
		r->next = (struct rf_mono){ 0 };
		r->wait_ms = 0;
	}
	if (!t->registers || r->cli || (r->next.us && !rf_mono_due(r->next, rf_core_now(core))))
		return;
	if (!r->cseq) {
		rf_ua_make_id(core->ua, &r->call_id);
		rf_ua_make_id(core->ua, &r->tag);
	}
	if (atomic_load(&p->registered_until_us) && rf_core_wall(core).us > atomic_load(&p->registered_until_us))
		atomic_store(&p->registered_until_us, 0);
	r->asked = false;
	if (send(core, t, p))
		failed(core, p, "REGISTER could not be sent");
}

void rf_trunk_register_stop(struct rf_trunk_peer *p)
{
	rf_cli_drop(p->registration.cli);
	p->registration.cli = NULL;
	atomic_store(&p->registered_until_us, 0);
}
