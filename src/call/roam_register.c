/* A registration on its way through a border. The phone is proven by its certificate; what it asks for is asked of
 * the controllers in the border's name, with the border's own contact for it (roam.h), one controller after the
 * other until one answers. When one has taken it, the border keeps the connection that the phone came by, and the
 * phone gets its 200. One phone has one way: the last connection that it registered on; its others are forgotten. */
#include "call/roam_int.h"

#include "base/clean.h"
#include "call/registration.h"

#include <stdlib.h>

enum { CONTACT_MAX = 400, AGENT_MAX = 64, INSTANCE_MAX = 128 };

struct registration {
	struct rf_roaming ask;
	uint32_t expires_s, cseq;    /* asked for; 0: no more */
	uint16_t q_milli;
	bool outbound;               /* the phone speaks RFC 5626 */
	uint16_t contact_n, instance_n, agent_n;
	uint8_t text[];              /* contact, instance, agent */
};

static const struct registration *of(struct rf_roaming *r)
{
	return rf_container(r, struct registration, ask);
}

static struct rf_view contact_of(const struct registration *r)
{
	return rf_view_of(r->text, r->contact_n);
}

static void ended(struct rf_roaming *r, unsigned code)
{
	if (code >= 300 && code != 401)
		r->core->counters.registrations_refused++;
}

static int put_aor(const struct rf_call_core *core, const struct rf_dir_phone *phone, struct rf_writer *w)
{
	rf_put(w, phone->number);
	rf_put_byte(w, '@');
	rf_put(w, rf_core_site(core)->domain);
	return w->err;
}

/* --- what a controller said */

static struct rf_binding binding_of(const struct registration *r, const struct rf_dir_phone *phone)
{
	struct rf_mono now = rf_core_now(r->ask.core);

	return (struct rf_binding){
		.contact = contact_of(r), .instance = rf_view_of(r->text + r->contact_n, r->instance_n),
		.agent = rf_view_of(r->text + r->contact_n + r->instance_n, r->agent_n), .phone = phone->name,
		.since = now, .refreshed = now, .flow = r->ask.flow, .cseq = r->cseq, .q_milli = r->q_milli,
		.by_flow = true,
	};
}

/* All that this phone has, the one given apart. */
static void forget_others(struct rf_call_core *core, struct rf_view aor, const struct rf_binding *but, bool *ret_known)
{
	struct rf_arena *scratch = &core->scratch;
	struct rf_binding *b;
	size_t n = 0;

	*ret_known = false;
	if (rf_location_get(core->location, aor, rf_core_now(core), scratch, &b, &n))
		n = 0;
	for (size_t i = 0; i < n; i++) {
		if (!rf_view_eq(b[i].phone, but->phone))
			continue;
		*ret_known |= rf_flow_eq(&b[i].flow, &but->flow) && !b[i].waiting;
		if (!rf_binding_same(&b[i], but))
			rf_location_remove(core->location, aor, &b[i]);
	}
	rf_arena_wipe(scratch);
}

/* Others may be known under the number, too, each for a time of its own. */
static uint32_t granted(const struct registration *r, const struct rf_dir_phone *phone, const struct rf_sip_msg *msg)
{
	struct rf_sip_values it = rf_sip_values_of(msg, RF_SIP_H_CONTACT);
	uint32_t least = r->expires_s, s;
	struct rf_sip_addr a;
	struct rf_view v, gr;

	while (rf_sip_values_next(&it, &v) > 0)
		if (rf_sip_contact_parse(v, &a) == 0 && !a.star && rf_sip_uri_param(&a.uri, RF_V("gr"), &gr) &&
		    rf_view_eq_nocase(gr, rf_view_str(phone->urn)) && rf_sip_addr_expires(&a, &s) && s < least)
			least = s;
	return least;
}

static int put_200(const struct registration *r, uint32_t seconds, struct rf_view *ret_headers)
{
	struct rf_call_core *core = r->ask.core;
	uint32_t keepalive_s = rf_core_site(core)->sip.keepalive_s;
	struct rf_writer w;

	rf_writer_init(&w, core->head, sizeof core->head);
	if (seconds) {
		rf_sip_put_hdr_name(&w, RF_SIP_H_CONTACT);
		rf_put_byte(&w, '<');
		rf_sip_put_value(&w, contact_of(r));
		rf_put_lit(&w, ">;expires=");
		rf_put_u64(&w, seconds);
		if (r->instance_n) {
			rf_put_lit(&w, ";+sip.instance=\"<");
			rf_sip_put_value(&w, rf_view_of(r->text + r->contact_n, r->instance_n));
			rf_put_lit(&w, ">\"");
		}
		rf_sip_put_crlf(&w);
	}
	rf_put_lit(&w, "Supported: path, outbound\r\n");
	if (r->outbound && seconds) {
		rf_put_lit(&w, "Require: outbound\r\n");
		if (keepalive_s)
			rf_sip_put_hdr_u64(&w, RF_SIP_H_FLOW_TIMER, keepalive_s);
	}
	return rf_writer_done(&w, ret_headers);
}

static void taken(struct rf_roaming *ask, const struct rf_dir_phone *phone, const struct rf_sip_msg *msg)
{
	struct rf_call_core *core = ask->core;
	const struct registration *r = of(ask);
	struct rf_binding b = binding_of(r, phone);
	uint32_t seconds = r->expires_s ? granted(r, phone, msg) : 0;
	struct rf_view headers = { NULL, 0 }, aor;
	uint8_t buf[320];
	struct rf_writer w;
	bool known;

	rf_writer_init(&w, buf, sizeof buf);
	if (put_aor(core, phone, &w) || rf_writer_done(&w, &aor)) {
		rf_roaming_reply(ask, 500, RF_V(""));
		return;
	}
	forget_others(core, aor, &b, &known);
	b.expires = rf_mono_add_ms(b.since, (uint64_t)seconds * 1000);
	if (!seconds) {
		rf_location_remove(core->location, aor, &b);
		rf_record_registration(core, RF_EVENT_REGISTRATION_REMOVED, aor, &b, "unregistered");
		core->counters.unregistrations++;
	} else if (rf_location_put(core->location, aor, &b, b.since)) {
		rf_roaming_reply(ask, 503, RF_V(""));
		return;
	} else {
		core->counters.registrations++;
		if (!known)
			rf_record_registration(core, RF_EVENT_REGISTRATION_ACCEPTED, aor, &b, "roaming");
	}
	put_200(r, seconds, &headers);
	rf_roaming_reply(ask, 200, headers);
}

/* Why is the site's matter. */
static unsigned refused(struct rf_roaming *r, const struct rf_sip_msg *msg, struct rf_writer *w)
{
	(void)r;
	(void)w;
	return msg->status == 403 || msg->status == 404 ? 403 : 0;
}

/* --- what a controller is asked */

static void put_contact(const struct registration *r, const struct rf_dir_phone *phone, const struct rf_site_host *host,
			struct rf_writer *w)
{
	rf_put_lit(w, "Contact: <");
	rf_roam_put_self(r->ask.core, phone, host, w);
	rf_put_lit(w, ">;+sip.instance=\"<");
	rf_put(w, rf_view_str(phone->urn));
	rf_put_lit(w, ">\";reg-id=1;expires=");
	rf_put_u64(w, r->expires_s);
	rf_sip_put_crlf(w);
}

static int put(struct rf_roaming *r, const struct rf_dir_phone *phone, const struct rf_site_host *host,
	       struct rf_writer *w)
{
	struct rf_roam_head head = { .method = RF_V("REGISTER"), .to = phone->number };
	uint8_t uri[320];
	struct rf_writer target;

	rf_writer_init(&target, uri, sizeof uri);
	rf_roam_put_number(r->core, RF_V(""), &target);
	head.target = rf_view_of(uri, target.n);
	rf_roam_put_head(r->core, phone, &head, w);
	rf_put_lit(w, "Supported: path, outbound\r\n");
	put_contact(of(r), phone, host, w);
	rf_put(w, rf_view_of(r->login, r->login_n));
	rf_sip_put_end(w);
	return w->err;
}

static const struct rf_roaming_ops ops = { .put = put, .taken = taken, .refused = refused, .ended = ended };

/* --- what the phone asks */

struct asked {
	struct rf_view contact, instance, agent;
	uint32_t expires_s;
	uint16_t q_milli;
	bool reg_id;
};

static uint32_t seconds_of(const struct rf_site_sip *sip, const struct rf_sip_msg *req, const struct rf_sip_addr *a)
{
	uint32_t s = sip->register_default_s;

	if (!rf_sip_addr_expires(a, &s) && req->has_expires)
		s = req->expires_s;
	return s < RF_ROAM_EXPIRES_S ? s : RF_ROAM_EXPIRES_S;
}

/* 0, or the code to answer. A phone outside has one contact. */
static unsigned read_contact(const struct rf_call_core *core, const struct rf_sip_msg *req, struct asked *ret)
{
	struct rf_sip_values it = rf_sip_values_of(req, RF_SIP_H_CONTACT);
	struct rf_sip_param p;
	struct rf_sip_addr a;
	struct rf_view v, more;

	if (rf_sip_values_next(&it, &v) <= 0 || rf_sip_values_next(&it, &more) != 0)
		return 400;
	if (rf_view_eq(v, RF_V("*"))) {
		*ret = (struct asked){ .expires_s = 0 };
		return req->has_expires && req->expires_s == 0 ? 0 : 400;
	}
	if (rf_sip_contact_parse(v, &a) || a.star || !rf_sip_uri_is_sip(&a.uri) || a.uri.text.n > CONTACT_MAX)
		return 400;
	*ret = (struct asked){ .contact = a.uri.text, .q_milli = (uint16_t)rf_sip_addr_q(&a),
			       .expires_s = seconds_of(&rf_core_site(core)->sip, req, &a) };
	if (rf_sip_addr_param(&a, RF_V("+sip.instance"), &p) && p.value.n > 2 && p.value.n <= INSTANCE_MAX &&
	    p.value.p[0] == '<' && p.value.p[p.value.n - 1] == '>')
		ret->instance = rf_view_sub(p.value, 1, p.value.n - 2);
	ret->reg_id = rf_sip_addr_param(&a, RF_V("reg-id"), &p);
	return ret->expires_s && ret->expires_s < rf_core_site(core)->sip.register_min_s ? 423 : 0;
}

static struct rf_roaming *begin(struct rf_call_core *core, struct rf_in *in, const struct asked *asked)
{
	size_t n = asked->contact.n + asked->instance.n + asked->agent.n;
	struct registration *r = calloc(1, sizeof *r + n);
	struct rf_writer w;

	if (!r || rf_roaming_begin(&r->ask, &ops, core, in))
		return NULL;
	r->expires_s = asked->expires_s;
	r->q_milli = asked->q_milli;
	r->cseq = in->msg->cseq;
	r->outbound = asked->reg_id && asked->instance.n &&
		      (rf_sip_msg_has_token(in->msg, RF_SIP_H_SUPPORTED, RF_V("outbound")) ||
		       rf_sip_msg_has_token(in->msg, RF_SIP_H_REQUIRE, RF_V("outbound")));
	rf_writer_init(&w, r->text, n);
	rf_put(&w, asked->contact);
	rf_put(&w, asked->instance);
	rf_put(&w, asked->agent);
	r->contact_n = (uint16_t)asked->contact.n;
	r->instance_n = (uint16_t)asked->instance.n;
	r->agent_n = (uint16_t)asked->agent.n;
	return &r->ask;
}

void rf_roam_register(struct rf_call_core *core, struct rf_in *in)
{
	uint8_t agent[AGENT_MAX];
	struct asked asked;
	unsigned code = read_contact(core, in->msg, &asked);
	struct rf_view headers = { NULL, 0 };
	struct rf_writer w;

	if (code) {
		core->counters.registrations_refused++;
		rf_writer_init(&w, core->head, sizeof core->head);
		if (code == 423)
			rf_sip_put_hdr_u64(&w, RF_SIP_H_MIN_EXPIRES, rf_core_site(core)->sip.register_min_s);
		rf_writer_done(&w, &headers);
		rf_core_reply_headers(core, in->srv, code, RF_V(""), headers);
		return;
	}
	asked.agent = rf_clean_name(rf_sip_msg_value(in->msg, RF_SIP_H_USER_AGENT), AGENT_MAX, agent, sizeof agent);
	struct rf_roaming *r = begin(core, in, &asked);

	if (r)
		rf_roaming_go(r);
	else
		rf_core_reply_headers(core, in->srv, 503, RF_V(""), RF_V("Retry-After: 30\r\n"));
}
