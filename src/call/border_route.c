/* Calls through a border. From a controller to the trunk that it names: the one step of a plan, with the trunk's own
 * aim (trunk_plan.c). From a trunk to the controllers of the site, in order, the next one when one is not there. */
#include "call/border.h"

#include "base/secret.h"
#include "call/call_int.h"
#include "call/emergency.h"
#include "call/roam_int.h"
#include "call/route.h"
#include "call/trunk.h"
#include "call/trunk_number.h"
#include "sip/tgrp.h"

#include <stdlib.h>

static void refuse(struct rf_routed *r, unsigned code, const char *why, const char *rule)
{
	r->code = code;
	r->why = why;
	r->rule = rule;
}

static void dialled(struct rf_routed *r, struct rf_view text)
{
	r->dialled_n = text.n < sizeof r->dialled ? text.n : sizeof r->dialled;
	memmove(r->dialled, text.p, r->dialled_n);
}

/* Digits as telephones have them, and what networks write before them. */
static bool is_number(struct rf_view v)
{
	for (size_t i = 0; i < v.n; i++)
		if (!((v.p[i] >= '0' && v.p[i] <= '9') || v.p[i] == '*' || v.p[i] == '#' || (v.p[i] == '+' && i == 0)))
			return false;
	return v.n > 0 && v.n < RF_TRUNK_NUMBER_MAX && !rf_view_eq(v, RF_V("+"));
}

/* The number of a URI whose user part may name a trunk. False: it is none. */
static bool number_of(const struct rf_sip_uri *uri, uint8_t buf[static RF_TRUNK_NUMBER_MAX], struct rf_tgrp *ret_group,
		      struct rf_view *ret_number)
{
	return rf_tgrp_parse(uri, ret_group) == 0 &&
	       rf_sip_uri_unescape(ret_group->user, buf, RF_TRUNK_NUMBER_MAX, ret_number) == 0 &&
	       is_number(*ret_number);
}

/* --- from a controller */

static const struct rf_site_trunk *trunk_of(const struct rf_call_core *core, const struct rf_tgrp *group)
{
	const struct rf_site *site = rf_core_site(core);

	return group->name.n && rf_view_eq_nocase(group->context, site->domain) ?
	       rf_site_trunk(site, group->name) : NULL;
}

const struct rf_site_trunk *rf_border_trunk_of(const struct rf_call_core *core, const struct rf_sip_msg *msg)
{
	struct rf_tgrp group;

	return rf_tgrp_parse(&msg->uri, &group) ? NULL : trunk_of(core, &group);
}

bool rf_border_admits(struct rf_call_core *core, struct rf_in *in)
{
	if (in->msg->method == RF_SIP_OPTIONS || (core->border && in->msg->method == RF_SIP_INVITE) ||
	    (in->msg->method == RF_SIP_MESSAGE && rf_roam_called(core, in)))
		return true;
	rf_core_refuse_method(core, in);
	return false;
}

bool rf_border_is_emergency(const struct rf_call_core *core, const struct rf_in *in)
{
	uint8_t buf[RF_TRUNK_NUMBER_MAX];
	struct rf_tgrp group;
	struct rf_view number;

	if (core->border && in->proof.phone)
		return rf_emergency_is(core, in);
	return core->border && in->proof.host && in->msg->method == RF_SIP_INVITE &&
	       number_of(&in->msg->uri, buf, &group, &number) && rf_site_is_emergency(rf_core_site(core), number);
}

unsigned rf_border_health(struct rf_call_core *core, const struct rf_in *in)
{
	const struct rf_site_trunk *t = NULL;
	struct rf_tgrp group;

	if (rf_tgrp_parse(&in->msg->uri, &group))
		return 400;
	if (!group.name.n)
		return 200; /* the border itself */
	t = trunk_of(core, &group);
	struct rf_trunk_peer *p = t ? rf_trunk_peer(core, t) : NULL;

	return !t ? 404 : !p || rf_trunk_is_down(p) ? 503 : 200;
}

/* Who calls, as the controller has decided to show them: P-Asserted-Identity, of which From is a shadow. */
static struct rf_party *caller_of(struct rf_call_core *core, const struct rf_in *in)
{
	struct rf_sip_values it = rf_sip_values_of(in->msg, RF_SIP_H_P_ASSERTED_IDENTITY);
	uint8_t buf[RF_TRUNK_NUMBER_MAX], world[RF_TRUNK_NUMBER_MAX];
	struct rf_far far = { .host = in->proof.host->name };
	struct rf_sip_addr a = in->msg->from;
	struct rf_view v, number;
	struct rf_tgrp group;

	if (rf_sip_values_next(&it, &v) > 0 && rf_sip_addr_parse(v, &a))
		a = in->msg->from;
	if (number_of(&a.uri, buf, &group, &number) &&
	    rf_trunk_number_world(rf_core_site(core)->tel.plan, number, world, sizeof world, &far.number))
		far.number = (struct rf_view){ NULL, 0 };
	return rf_party_new_far(&far);
}

static void to_trunk(struct rf_call_core *core, const struct rf_in *in, struct rf_routed *r)
{
	uint8_t buf[RF_TRUNK_NUMBER_MAX];
	const struct rf_site_trunk *t;
	struct rf_party *caller;
	struct rf_tgrp group;
	struct rf_view number;

	if (!number_of(&in->msg->uri, buf, &group, &number) || !(t = trunk_of(core, &group))) {
		refuse(r, 404, "no number at a trunk of this site", "trunk-group");
		return;
	}
	dialled(r, number);
	caller = caller_of(core, in);
	if (!caller || rf_plan_new(core, caller, &r->plan)) {
		refuse(r, 503, "memory", NULL);
		rf_party_put(caller);
		return;
	}
	rf_party_put(caller);
	bool emergency = rf_border_is_emergency(core, in);

	r->plan->urgent = r->plan->emergency = emergency;
	if (rf_border_carry(core, in, &r->plan->carried) ||
	    rf_plan_trunks(r->plan, &(struct rf_trunk_order){
					    .trunks = &t, .n = 1, .number = number, .emergency = emergency })) {
		refuse(r, 503, "memory", NULL);
		rf_plan_free(r->plan);
		r->plan = NULL;
	}
}

/* --- to the controllers */

struct site {
	struct rf_source source;
	char host[RF_BORDER_HOSTS_MAX][RF_SITE_NAME_MAX + 1]; /* the site may change while it rings */
	size_t n, at;
	bool last_round, tried;
	struct rf_view user, login;  /* behind the struct; login: lines of credentials of a phone outside */
};

static struct rf_view peer_of(const struct rf_call *call)
{
	const struct rf_site_trunk *t = rf_site_trunk(rf_core_site(call->core), call->caller->trunk);

	return t ? t->peer : call->caller->phone.n ? rf_core_site(call->core)->domain : RF_V("anonymous.invalid");
}

static struct rf_view shown_number(const struct rf_party *p)
{
	return p->number.n ? p->number : p->shown;
}

static int put_from(struct rf_leg *leg, struct rf_writer *w)
{
	const struct rf_call *call = leg->pair->call;
	const struct rf_party *p = call->caller;
	uint8_t buf[512];
	struct rf_writer uri;

	if (!shown_number(p).n) {
		rf_put_lit(w, "\"Anonymous\" <sip:anonymous@anonymous.invalid>");
		return w->err;
	}
	rf_writer_init(&uri, buf, sizeof buf);
	rf_sip_uri_put_new(&uri, false, shown_number(p), peer_of(call), 0);
	if (uri.err)
		return uri.err;
	rf_sip_put_name_addr(w, p->display, rf_view_of(buf, uri.n));
	return w->err;
}

/* The identity that counts, with what was found out about it; the controller trusts us in both. */
static void put_identity(const struct rf_call *call, struct rf_writer *w)
{
	const struct rf_party *p = call->caller;

	if (!p->number.n)
		return;
	rf_sip_put_hdr_name(w, RF_SIP_H_P_ASSERTED_IDENTITY);
	rf_put_lit(w, "<sip:");
	rf_sip_uri_put_user(w, p->number);
	rf_border_put_verstat(w, call->identity);
	rf_put_byte(w, '@');
	rf_sip_put_hostport(w, peer_of(call), 0);
	rf_put_lit(w, ";user=phone>\r\n");
}

static void put_headers(struct rf_leg *leg, struct rf_writer *w)
{
	const struct rf_call *call = leg->pair->call;

	const struct site *self = leg->aim_arg;

	if (call->anonymous)
		rf_put_lit(w, "Privacy: id\r\n");
	put_identity(call, w);
	rf_put(w, self->login);
	if (call->plan && call->plan->hops_before) {
		rf_put_lit(w, "Diversion: <sip:unknown@anonymous.invalid>;reason=unknown;counter=");
		rf_put_u64(w, call->plan->hops_before);
		rf_sip_put_crlf(w);
	}
}

/* What a controller refuses with is meant for the trunk already. */
static struct rf_code code(const struct rf_leg *leg, unsigned status)
{
	if (status < 400)
		return (struct rf_code){ 480, 15 };
	if (status == 407 && leg->pair->call->challenge_n)
		return (struct rf_code){ 407, 90 };
	if (status == 401 || status == 407 || status == 408)
		return (struct rf_code){ 503, 15 };
	return (struct rf_code){ status, status >= 600 ? RF_CODE_STOPS : status >= 500 ? 15 : 40 };
}

static struct rf_trunk_peer *entry_of(struct rf_call_core *core, struct rf_view host)
{
	return rf_trunks_find_by(core->trunks, RF_V(""), host);
}

static void answered(struct rf_leg *leg, unsigned status)
{
	struct rf_trunk_peer *p = entry_of(rf_leg_core(leg), leg->party->host);

	if (p && status >= 300 && leg->flow.kind == RF_FLOW_NONE && leg->pair->invite && !leg->pair->cancelled)
		rf_trunk_hurt(rf_leg_core(leg), p, status == 408 ? "a call got no answer" : "a call could not be sent");
}

/* A phone outside is asked for its password by the controller, and answers in another call. */
static void heard(struct rf_leg *leg, const struct rf_sip_msg *msg)
{
	struct rf_call *call = leg->pair->call;
	struct rf_writer w;

	if (msg->status != 407 || !call->caller->phone.n || call->challenge_n)
		return;
	rf_writer_init(&w, call->core->head, sizeof call->core->head);
	if (rf_roam_put_challenges(call->core, msg, &w))
		call->challenge = malloc(w.n);
	if (call->challenge) {
		memcpy(call->challenge, w.buf, w.n);
		call->challenge_n = (uint32_t)w.n;
	}
	rf_secret_wipe(w.buf, w.n);
}

static const struct rf_aim_ops aim_ops = {
	.put_from = put_from, .put_headers = put_headers, .code = code, .heard = heard, .answered = answered,
};

static bool fails_over(const struct rf_step_result *last)
{
	return !last->timeout && !last->stops && !last->rang && (last->raw == 408 || last->raw == 503);
}

static const struct rf_site_host *next_host(struct rf_plan *plan, struct site *self)
{
	for (;; self->last_round = true, self->at = 0) {
		while (self->at < self->n) {
			struct rf_view name = rf_view_str(self->host[self->at++]);
			const struct rf_site_host *h = rf_site_host(rf_core_site(plan->core), name);
			struct rf_trunk_peer *p = h ? entry_of(plan->core, name) : NULL;

			if (p && rf_trunk_is_down(p) == self->last_round)
				return h;
		}
		if (self->last_round)
			return NULL;
	}
}

static int make_aim(struct rf_plan *plan, struct site *self, const struct rf_site_host *host, struct rf_aim *aim)
{
	struct rf_far far = { .host = host->name, .number = self->user };
	uint8_t buf[512];
	struct rf_writer w;
	uint16_t port;
	struct rf_view address = rf_border_address(plan->core, host, &port);

	*aim = (struct rf_aim){ .ops = &aim_ops, .arg = self, .secure = true };
	rf_writer_init(&w, buf, sizeof buf);
	rf_sip_uri_put_new(&w, false, self->user, address, port);
	rf_put_lit(&w, ";transport=tls");
	aim->target = rf_plan_keep(plan, &w);
	rf_writer_init(&w, buf, sizeof buf);
	rf_put_byte(&w, '<');
	rf_sip_uri_put_new(&w, false, self->user, rf_core_site(plan->core)->domain, 0);
	rf_put_byte(&w, '>');
	aim->to = rf_plan_keep(plan, &w);
	aim->party = rf_plan_party(plan, rf_party_new_far(&far));
	return !aim->target.n || !aim->to.n || !aim->party ? -ENOMEM : 0;
}

static enum rf_source_does next(struct rf_plan *plan, struct rf_source *s, const struct rf_step_result *last,
				struct rf_step *ret_step)
{
	struct site *self = rf_container(s, struct site, source);

	if (last && !fails_over(last))
		return RF_SOURCE_DONE;
	const struct rf_site_host *host = next_host(plan, self);
	struct rf_aim *aim = host ? rf_arena_array(&plan->arena, 1, sizeof *aim) : NULL;

	if (!host && !self->tried)
		rf_plan_refuse(plan, 503, "no controller", "controllers");
	if (host && (!aim || make_aim(plan, self, host, aim)))
		rf_plan_refuse(plan, 503, "memory", NULL);
	else if (host) {
		self->tried = true;
		*ret_step = (struct rf_step){ .aim = aim, .n = 1 };
		return RF_SOURCE_STEP;
	}
	return RF_SOURCE_DONE;
}

static void source_free(struct rf_source *s)
{
	struct site *self = rf_container(s, struct site, source);

	rf_secret_free(self, sizeof *self + self->user.n + self->login.n);
}

static const struct rf_source_ops source_ops = { next, source_free };

static int push_site(struct rf_plan *plan, struct rf_view user, struct rf_view login)
{
	const struct rf_site_host *hosts[RF_BORDER_HOSTS_MAX];
	struct site *self = calloc(1, sizeof *self + user.n + login.n);

	if (!self)
		return -ENOMEM;
	self->source.ops = &source_ops;
	self->n = rf_border_others(plan->core, hosts);
	for (size_t i = 0; i < self->n; i++)
		rf_view_cstr(hosts[i]->name, self->host[i], sizeof self->host[i]);
	memcpy(self + 1, user.p, user.n);
	self->user = rf_view_of((const uint8_t *)(self + 1), user.n);
	self->login = rf_view_of(self->user.p + user.n, login.n);
	if (login.n)
		memcpy((uint8_t *)(self + 1) + user.n, login.p, login.n);
	return rf_plan_push(plan, &self->source, false);
}

static void to_site(struct rf_call_core *core, const struct rf_in *in, struct rf_routed *r)
{
	uint8_t buf[RF_DIAL_TEXT_MAX];
	struct rf_party *caller;
	struct rf_view number;
	struct rf_trunk_forms forms;

	if (!rf_identity_our_host(core, &in->msg->uri) || rf_trunk_called(in, buf, sizeof buf, &number)) {
		refuse(r, 404, "not a number of this site", NULL);
		return;
	}
	/* Separators are passed over; a trunk group in what a trunk asks for means nothing. */
	number = rf_view_sub(number, 0, rf_view_find(number, ';'));
	rf_trunk_number_forms(rf_core_site(core)->tel.plan, number, &forms);
	if (forms.n)
		number = forms.v[0];
	dialled(r, number);
	if (!is_number(number)) {
		refuse(r, 404, "not a number", NULL);
		return;
	}
	caller = rf_trunk_caller(core, in);
	if (!caller || rf_plan_new(core, caller, &r->plan) || push_site(r->plan, number, RF_V(""))) {
		refuse(r, 503, "memory", NULL);
		rf_plan_free(r->plan);
		r->plan = NULL;
	}
	rf_party_put(caller);
}

/* A phone outside dials as it does inside; what it may is the controller's to say. */
static void from_phone(struct rf_call_core *core, const struct rf_in *in, struct rf_routed *r)
{
	const struct rf_dir_phone *phone = in->proof.phone;
	uint8_t buf[RF_DIAL_TEXT_MAX];
	struct rf_party *caller;
	struct rf_writer login;
	struct rf_view number;

	if (!rf_identity_number_of(core, &in->msg->uri, buf, sizeof buf, &number) || !is_number(number)) {
		refuse(r, 404, "not a number", NULL);
		return;
	}
	dialled(r, number);
	rf_writer_init(&login, core->head, sizeof core->head);
	rf_roam_put_credentials(core, in->msg, &login);
	caller = rf_party_new(core->directory, phone->number, phone->name, RF_V(""));
	if (!caller || rf_plan_new(core, caller, &r->plan) ||
	    push_site(r->plan, number, rf_view_of(login.buf, login.n))) {
		refuse(r, 503, "memory", NULL);
		rf_plan_free(r->plan);
		r->plan = NULL;
	} else {
		r->plan->urgent = r->plan->emergency = rf_emergency_is(core, in);
	}
	rf_secret_wipe(login.buf, login.n);
	rf_party_put(caller);
}

void rf_border_route(struct rf_call_core *core, const struct rf_in *in, struct rf_routed *ret_to)
{
	const struct rf_dir_phone *phone = rf_roam_called(core, in);

	if (phone)
		rf_roam_to_phone(core, in, phone, ret_to);
	else if (in->proof.phone)
		from_phone(core, in, ret_to);
	else if (in->proof.host)
		to_trunk(core, in, ret_to);
	else
		to_site(core, in, ret_to);
}

/* --- our Contact */

bool rf_border_put_contact(const struct rf_leg *leg, const struct rf_flow *flow, struct rf_writer *w)
{
	struct rf_call_core *core = rf_leg_core(leg);
	const struct rf_party *other = rf_leg_is_a(leg) ? leg->pair->b->party : leg->pair->a->party;
	char buf[256];
	uint16_t port;

	const struct rf_dir_phone *phone = other->phone.n ? rf_directory_phone(core->directory, other->phone) : NULL;

	if (!core->border || !leg->party->host.n || (!other->trunk.n && !phone))
		return false;
	struct rf_view host = rf_ua_sent_by(core->ua, flow, buf, &port);

	if (phone) {
		rf_roam_put_uri(w, phone, host, port);
		return true;
	}

	rf_tgrp_put_uri(w, shown_number(other).n ? shown_number(other) : RF_V("anonymous"), other->trunk,
			rf_core_site(core)->domain, host, port);
	return true;
}
