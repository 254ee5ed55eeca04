#include "call/trunk.h"

#include "call/border.h"
#include "call/call_int.h"
#include "call/emergency.h"
#include "call/plan_dial.h"
#include "call/route.h"
#include "call/trunk_number.h"

/* --- who is a trunk */

static bool from_address(const struct rf_site_trunk *t, const struct rf_addr *remote)
{
	struct rf_site_ip ip = { .family = remote->family, .prefix = remote->family == 4 ? 32 : 128 };

	memcpy(ip.b, remote->ip, remote->family == 4 ? 4 : 16);
	for (size_t i = 0; i < t->addresses.n; i++)
		if (rf_site_ip_in(&ip, &t->addresses.v[i]))
			return true;
	return false;
}

static const struct rf_trunk_ca *ca_of(const struct rf_call_core *core, const struct rf_site_trunk *t)
{
	for (size_t i = 0; i < core->trunk_ca_n; i++)
		if (rf_view_eq(t->ca, rf_view_str(core->trunk_cas[i].file)))
			return &core->trunk_cas[i];
	return NULL;
}

/* A name from another authority than the trunk's says nothing. */
static bool by_authority(const struct rf_call_core *core, const struct rf_site_trunk *t, const struct rf_pki_id *id)
{
	static const uint8_t site[sizeof id->authority];
	const struct rf_trunk_ca *ca = t->ca.n ? ca_of(core, t) : NULL;

	if (!t->ca.n)
		return memcmp(id->authority, site, sizeof site) == 0 && 
		       !rf_directory_revoked(core->directory, rf_pki_id_serial(id));
	for (size_t i = 0; ca && i < ca->root_n; i++)
		if (memcmp(id->authority, ca->root[i], sizeof id->authority) == 0)
			return true;
	return false;
}

static bool by_certificate(struct rf_call_core *core, const struct rf_site_trunk *t, const struct rf_pki_id *id)
{
	if (!id || !id->present || !id->domains[0] || rf_core_wall(core).us / 1000000 > id->not_after_s ||
	    !by_authority(core, t, id))
		return false;
	for (size_t i = 0; i < t->certificate.n; i++)
		if (rf_pki_id_names(id, t->certificate.v[i]))
			return true;
	return false;
}

static bool is_trunk(struct rf_call_core *core, const struct rf_site_trunk *t, const struct rf_peer *from)
{
	if (t->addresses.n && !from_address(t, &from->flow.remote))
		return false;
	if (from->flow.kind == RF_FLOW_TLS)
		return by_certificate(core, t, from->id);
	return t->transport != RF_TRANSPORT_TLS && t->addresses.n &&
	       (from->flow.kind == RF_FLOW_UDP || from->flow.kind == RF_FLOW_TCP);
}

const struct rf_site_trunk *rf_trunk_of(struct rf_call_core *core, const struct rf_peer *from)
{
	const struct rf_site *site = rf_core_site(core);

	/* where there are borders, trunks speak with them and with nobody else */
	if (core->border ? !rf_border_is_outer(core, &from->flow) : rf_border_between(core))
		return NULL;
	for (size_t i = 0; i < site->trunk_count; i++)
		if (is_trunk(core, &site->trunks[i], from))
			return &site->trunks[i];
	return NULL;
}

struct rf_trunk_peer *rf_trunk_peer(struct rf_call_core *core, const struct rf_site_trunk *trunk)
{
	return rf_trunks_find(core->trunks, trunk->name);
}

size_t rf_trunk_ways(const struct rf_call_core *core, const struct rf_site_host *v[static RF_TRUNK_WAYS_MAX])
{
	_Static_assert((int)RF_TRUNK_WAYS_MAX == (int)RF_BORDER_HOSTS_MAX, "as many ways as borders");
	if (!core->border && rf_border_between(core))
		return rf_border_others(core, v);
	v[0] = NULL;
	return 1;
}

/* --- what it may ask for */

static bool within_rate(struct rf_call_core *core, struct rf_in *in)
{
	const struct rf_site_trunk *t = in->proof.trunk;
	struct rf_trunk_peer *p = rf_trunk_peer(core, t);

	if (p && rf_trunk_rate_take(p, RF_TRUNK_IN, t->calls_per_second_in, rf_core_now(core)) == 0)
		return true;
	core->counters.requests_over_rate++;
	rf_record_limit(core, "calls_per_second_in", in);
	rf_core_reply_headers(core, in->srv, 503, RF_V(""), RF_V("Retry-After: 1\r\n"));
	return false;
}

bool rf_trunk_admits(struct rf_call_core *core, struct rf_in *in)
{
	switch (in->msg->method) {
	case RF_SIP_INVITE:
		return within_rate(core, in);
	case RF_SIP_OPTIONS:
		return true;
	case RF_SIP_REGISTER:
		core->counters.registrations_refused++;
		rf_core_refuse(core, in, &(struct rf_verdict){ .rule = RF_ID_TRUNK_REGISTER, .code = 403 });
		return false;
	default:
		rf_core_refuse_method(core, in);
		return false;
	}
}

bool rf_trunk_calls_back(struct rf_call_core *core, const struct rf_in *in)
{
	uint8_t buf[RF_DIAL_TEXT_MAX];
	struct rf_trunk_forms forms;
	struct rf_view dialled;

	if (rf_dial_text(&in->msg->uri, buf, sizeof buf, &dialled))
		return false;
	rf_trunk_number_forms(rf_core_site(core)->tel.plan, dialled, &forms);
	for (size_t i = 0; i < forms.n; i++)
		if (rf_emergency_called_for(core, forms.v[i]))
			return true;
	return false;
}

/* --- where its calls go */

static void refuse(struct rf_routed *r, unsigned code, const char *why)
{
	r->code = code;
	r->why = why;
}

/* A number of the trunk by any of the ways to write it; what is none of them is decided on as it stands. */
static int dial(struct rf_call_core *core, struct rf_plan *plan, const struct rf_site_trunk *t, struct rf_view dialled)
{
	const struct rf_dial_who who = { .trunk = t };
	struct rf_trunk_forms forms;
	struct rf_view form;

	rf_trunk_number_forms(rf_core_site(core)->tel.plan, dialled, &forms);
	for (size_t i = 0; i < forms.n; i++)
		if (rf_emergency_callback(plan, t, forms.v[i]))
			return 0;
	if (rf_trunk_number_match(t, rf_core_site(core)->tel.plan, dialled, &forms, &form))
		form = dialled;
	return rf_plan_dial(plan, &who, form, 0);
}

int rf_trunk_called(const struct rf_in *in, uint8_t *buf, size_t cap, struct rf_view *ret_dialled)
{
	const struct rf_site_trunk *t = in->proof.trunk;
	int rc = rf_dial_text(&in->msg->uri, buf, cap, ret_dialled);

	return rc == 0 && t->registers && t->login.n && rf_view_eq(*ret_dialled, t->login) ?
		       rf_dial_text(&in->msg->to.uri, buf, cap, ret_dialled) : rc;
}

void rf_trunk_route(struct rf_call_core *core, const struct rf_in *in, struct rf_routed *ret_to)
{
	struct rf_routed *r = ret_to;
	uint8_t buf[RF_DIAL_TEXT_MAX];
	struct rf_view dialled;
	struct rf_plan *plan;

	if (!rf_identity_our_host(core, &in->msg->uri) || rf_trunk_called(in, buf, sizeof buf, &dialled)) {
		refuse(r, 404, "not a number of this site");
		return;
	}
	r->dialled_n = dialled.n < sizeof r->dialled ? dialled.n : sizeof r->dialled;
	memcpy(r->dialled, dialled.p, r->dialled_n);
	struct rf_party *caller = rf_trunk_caller(core, in);

	if (!caller || rf_plan_new(core, caller, &plan)) {
		refuse(r, 503, "memory");
		rf_party_put(caller);
		return;
	}
	int rc = dial(core, plan, in->proof.trunk, dialled);

	rf_party_put(caller);
	if (rc == 0) {
		r->plan = plan;
		return;
	}
	refuse(r, rc == RF_E_DENIED ? core->dial.code : plan->code, rc == RF_E_DENIED ? core->dial.why : plan->why);
	r->rule = rc == RF_E_DENIED ? core->dial.rule : plan->rule;
	rf_plan_free(plan);
}

/* --- the way to it */

static int put_peer_uri(const struct rf_site_trunk *t, struct rf_view user, struct rf_writer *w)
{
	rf_sip_uri_put_new(w, false, user, t->peer, (uint16_t)t->port);
	rf_sip_put_param(w, RF_V("transport"), rf_view_str(rf_transport_name(t->transport)));
	return w->err;
}

int rf_trunk_put_uri(const struct rf_site_trunk *t, struct rf_view number, struct rf_writer *w)
{
	int rc = put_peer_uri(t, number, w);

	if (number.n && number.p[0] == '+')
		rf_sip_put_param(w, RF_V("user"), RF_V("phone"));
	return rc ? rc : w->err;
}

int rf_trunk_aim(const struct rf_call_core *core, const struct rf_site_trunk *t, struct rf_trunk_way_to *ret_way)
{
	struct rf_trunk_way_to *way = ret_way;
	const struct rf_trunk_ca *ca = t->ca.n ? ca_of(core, t) : NULL;
	struct rf_view text;
	struct rf_writer w;

	if (t->ca.n && !ca)
		return RF_E_NOT_FOUND;
	rf_writer_init(&w, way->text, sizeof way->text);
	int rc = put_peer_uri(t, RF_V(""), &w);

	if (!rc)
		rc = rf_writer_done(&w, &text);
	if (!rc)
		rc = rf_sip_uri_parse(text, &way->uri);
	rf_writer_init(&w, way->names, sizeof way->names);
	for (size_t i = 0; i < t->certificate.n && !w.err; i++) {
		if (i)
			rf_put_byte(&w, ' ');
		rf_put(&w, t->certificate.v[i]);
	}
	way->target = (struct rf_target){
		.uri = &way->uri, .secure = t->transport == RF_TRANSPORT_TLS, .tls = ca ? ca->client : core->trunk_tls,
		.tls_name = rf_view_of(way->names, w.n), .from = rf_border_from(core, RF_TOWARDS_TRUNKS),
	};
	return rc ? rc : w.err;
}

bool rf_trunk_target(const struct rf_leg *leg, struct rf_trunk_way_to *ret_way)
{
	const struct rf_call_core *core = rf_leg_core(leg);
	const struct rf_party *p = leg->party;
	const struct rf_site_host *h = p->host.n ? rf_site_host(rf_core_site(core), p->host) : NULL;
	const struct rf_site_trunk *t = p->trunk.n && !p->host.n ? rf_site_trunk(rf_core_site(core), p->trunk) : NULL;

	return h ? rf_border_aim(core, h, ret_way) == 0 : t && rf_trunk_aim(core, t, ret_way) == 0;
}

void rf_trunk_flow(const struct rf_leg *leg, struct rf_flow *flow)
{
	const struct rf_call_core *core = rf_leg_core(leg);
	const struct rf_site *site = rf_core_site(core);
	const struct rf_site_host *h = leg->party->host.n ? rf_site_host(site, leg->party->host) : NULL;
	const struct rf_site_trunk *t = leg->party->trunk.n ? rf_site_trunk(site, leg->party->trunk) : NULL;

	if (h)
		rf_border_flow(core, h, flow);
	else if (t)
		rf_trunk_flow_of(core, t, flow);
}

void rf_trunk_flow_of(const struct rf_call_core *core, const struct rf_site_trunk *t, struct rf_flow *flow)
{
	*flow = (struct rf_flow){ .listener = RF_FLOW_OUTBOUND };
	flow->kind = t->transport == RF_TRANSPORT_TLS ? RF_FLOW_TLS :
		     t->transport == RF_TRANSPORT_TCP ? RF_FLOW_TCP : RF_FLOW_UDP;
	rf_addr_parse(t->peer, 5060, &flow->remote);
	rf_border_leave(core, RF_TOWARDS_TRUNKS, flow);
}

bool rf_trunk_encrypts(const struct rf_leg *leg)
{
	const struct rf_site_trunk *t = leg->party->trunk.n && !leg->party->host.n ?
					rf_site_trunk(rf_core_site(rf_leg_core(leg)), leg->party->trunk) : NULL;

	return t && t->encryption == RF_TRUNK_MEDIA_ENCRYPTED;
}
