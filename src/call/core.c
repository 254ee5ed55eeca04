/* Requests from the endpoint, sorted. In order: is it a method of ours; is it inside a dialog, then it must be the
 * party of that leg; else who sent it, and are they who they say; then the registrar or a new call. */
#include "call/anchor.h"
#include "call/border.h"
#include "call/roam.h"
#include "call/call_int.h"
#include "call/emergency.h"
#include "call/guest.h"
#include "call/inside.h"
#include "call/message.h"
#include "call/pickup.h"
#include "call/scanner.h"
#include "call/sub.h"
#include "call/trunk.h"
#include "call/xfer.h"

/* --- answers without a call */

void rf_core_reply_headers(struct rf_call_core *core, struct rf_srv *srv, unsigned code, struct rf_view reason,
			   struct rf_view headers)
{
	struct rf_srv_reply reply = { .code = code, .reason = reason, .headers = headers };

	(void)core;
	rf_srv_reply(srv, &reply);
}

void rf_core_reply(struct rf_call_core *core, struct rf_srv *srv, unsigned code, struct rf_view reason)
{
	rf_core_reply_headers(core, srv, code, reason, RF_V(""));
}

void rf_core_put_retry_after(struct rf_writer *w, uint32_t seconds)
{
	rf_sip_put_hdr_u64(w, RF_SIP_H_RETRY_AFTER, seconds);
}

#define ALLOW \
	"Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, PRACK, UPDATE, INFO, REFER, MESSAGE, SUBSCRIBE, PUBLISH\r\n"

void rf_core_put_abilities(const struct rf_call_core *core, const struct rf_site_trunk *trunk, struct rf_writer *w)
{
	if (core->border)
		rf_border_put_allow(trunk, w);
	rf_put(w,
	       core->border ? RF_V("Supported: timer\r\n") : RF_V(ALLOW "Supported: timer, replaces, norefersub\r\n"));
}

void rf_core_put_contact(struct rf_call_core *core, const struct rf_flow *flow, struct rf_writer *w)
{
	rf_put_lit(w, "Contact: <");
	rf_ua_put_contact(core->ua, flow, RF_V(""), w);
	rf_put_lit(w, ">\r\n");
}

void rf_core_refuse(struct rf_call_core *core, struct rf_in *in, const struct rf_verdict *v)
{
	struct rf_view headers = { NULL, 0 };
	struct rf_writer w;

	rf_writer_init(&w, core->head, sizeof core->head);
	if (v->code == 401 || v->code == 407)
		rf_identity_put_challenge(core, &w, in->from, &in->proof, v->code, v->stale);
	if (v->retry_after_s)
		rf_core_put_retry_after(&w, v->retry_after_s);
	if (rf_writer_done(&w, &headers))
		headers = RF_V("");
	rf_identity_report(core, in->msg, in->from, &in->proof, v);
	if (v->rule == RF_ID_PASSWORD)
		rf_ua_offend(core->ua, in->from, RF_OFFENCE_PASSWORD);
	else if (v->rule != RF_ID_CHALLENGE && !in->proof.phone && !in->proof.user && !in->proof.trunk)
		rf_ua_offend(core->ua, in->from, RF_OFFENCE_STRANGER);
	struct rf_srv_reply reply = { .code = v->code, .reason = rf_identity_rule_text(v->rule), .headers = headers };

	/* A challenge may be given again and again; a wrong password must count once however often it is repeated. */
	if (v->rule == RF_ID_CHALLENGE)
		rf_srv_reply_stateless(in->srv, &reply);
	else
		rf_srv_reply(in->srv, &reply);
}

/* The site's bound on what one number may ask for, told apart from the bound of a source in ua: phones of a number may
 * share an address with others or have several. False: refused here. */
bool rf_core_within_rate(struct rf_call_core *core, struct rf_in *in, struct rf_view number)
{
	uint32_t per_s = rf_core_site(core)->limits.requests_per_second;

	if (rf_rates_take(core->rates, number, per_s, rf_core_now(core)) == 0)
		return true;
	core->counters.requests_over_rate++;
	rf_record_limit(core, "requests_per_second", in);
	rf_core_reply_headers(core, in->srv, 503, RF_V(""), RF_V("Retry-After: 1\r\n"));
	return false;
}

/* --- requests inside a dialog */

struct rf_verdict rf_core_prove_party(struct rf_call_core *core, const struct rf_party *party,
				      const struct rf_flow *flow, struct rf_in *in)
{
	bool same_flow = rf_flow_eq(flow, &in->from->flow);

	if (rf_flow_is_inside(&in->from->flow))
		return (struct rf_verdict){ .rule = same_flow ? RF_ID_OK : RF_ID_DIALOG_OTHER,
					    .code = same_flow ? 0 : 403 };
	struct rf_verdict v = rf_identity_prove_phone(core, in->from, &in->proof);

	if (v.code)
		return v;
	if (rf_party_is_far(party) || in->proof.trunk || in->proof.host)
		return rf_party_is(party, &in->proof) ?
			       v : (struct rf_verdict){ .rule = RF_ID_DIALOG_OTHER, .code = 403 };
	if (party->phone.n || in->proof.phone) {
		struct rf_view phone = in->proof.phone ? in->proof.phone->name : RF_V("");

		if (!rf_view_eq(party->phone, phone))
			return (struct rf_verdict){ .rule = RF_ID_DIALOG_OTHER, .code = 403 };
		if (same_flow || party->user.n == 0)
			return v;
	}
	if (same_flow)
		return v;
	v = rf_identity_prove(core, in->msg, in->from, &in->proof);
	if (!v.code && !rf_party_is(party, &in->proof))
		return (struct rf_verdict){ .rule = RF_ID_DIALOG_OTHER, .code = 403 };
	return v;
}

static void in_dialog_options(struct rf_leg *leg, struct rf_in *in)
{
	struct rf_call_core *core = rf_leg_core(leg);
	struct rf_view headers = { NULL, 0 };
	struct rf_writer w;

	rf_writer_init(&w, core->head, sizeof core->head);
	if (core->border && leg->party->phone.n)
		rf_roam_put_abilities(&w);
	else
		rf_core_put_abilities(core, in->proof.trunk, &w);
	rf_put_lit(&w, "Accept: application/sdp\r\n");
	rf_writer_done(&w, &headers);
	rf_core_reply_headers(core, in->srv, 200, RF_V(""), headers);
}

void rf_core_refuse_method(struct rf_call_core *core, struct rf_in *in)
{
	struct rf_view headers = RF_V(ALLOW);
	struct rf_writer w;

	rf_writer_init(&w, core->head, sizeof core->head);
	if (core->border) {
		if (in->proof.phone && !in->proof.host)
			rf_roam_put_abilities(&w);
		else
			rf_border_put_allow(in->proof.trunk, &w);
		rf_writer_done(&w, &headers);
	}
	rf_core_reply_headers(core, in->srv, 405, RF_V(""), headers);
}

/* In a border: is it on the list of what crosses? False: it was refused. */
static bool crosses(struct rf_call_core *core, struct rf_in *in)
{
	unsigned code = 0;

	if (core->border && in->proof.trunk)
		code = rf_border_look(core, in->proof.trunk, &in->msg);
	else if (core->border && in->proof.phone && !in->proof.host)
		code = in->msg->method == RF_SIP_REGISTER ? 0 : rf_border_look_phone(core, in->msg);
	else if (core->border && !rf_list_method(in->msg->method) && !rf_roam_method(core, in->msg->method))
		code = 405;
	if (code == 405)
		rf_core_refuse_method(core, in);
	else if (code)
		rf_core_reply(core, in->srv, code, RF_V(""));
	return code == 0;
}

static void in_dialog(struct rf_call_core *core, struct rf_in *in)
{
	struct rf_leg *leg = rf_leg_find(core, in->msg);

	if (!leg) {
		if (!rf_sub_in_dialog(core, in) && !rf_roam_watch_in_dialog(core, in))
			rf_core_reply(core, in->srv, 481, RF_V(""));
		return;
	}
	struct rf_verdict v = rf_core_prove_party(core, leg->party, &leg->flow, in);

	/* a phone that was locked while it calls for help goes on with that call (rf_end_fallen()) */
	if (v.rule == RF_ID_PHONE_LOCKED && leg->pair->call->emergency && rf_flow_eq(&leg->flow, &in->from->flow))
		v.code = 0;
	if (v.code) {
		rf_core_refuse(core, in, &v);
		return;
	}
	/* a BYE is never turned away: the other phone would hear nothing more and stay in the call */
	if (in->msg->method != RF_SIP_BYE && !rf_party_is_far(leg->party) && !rf_flow_is_inside(&in->from->flow) &&
	    !rf_core_within_rate(core, in, leg->party->number))
		return;
	if (!crosses(core, in))
		return;
	if (!rf_anchor_holds_request(leg, in))
		rf_core_in_dialog(leg, in);
}

void rf_core_in_dialog(struct rf_leg *leg, struct rf_in *in)
{
	struct rf_call_core *core = rf_leg_core(leg);
	struct rf_call *call = leg->pair->call;
	unsigned code = 0;

	rf_leg_seen(leg, in->from);
	if (rf_dialog_request(leg->dlg, in->msg, &code)) {
		rf_core_reply(core, in->srv, code, RF_V(""));
		return;
	}

	switch (in->msg->method) {
	case RF_SIP_BYE:
		rf_end_bye(leg, in);
		return;
	case RF_SIP_PRACK:
		rf_early_prack(leg, in);
		break;
	case RF_SIP_INVITE:
	case RF_SIP_UPDATE:
	case RF_SIP_INFO:
		if (call->state >= RF_CALL_ENDING)
			rf_core_reply(core, in->srv, 481, RF_V(""));
		else
			rf_mid_request(leg, in);
		break;
	case RF_SIP_REFER:
		if (core->border)
			rf_roam_refer(leg, in);
		else
			rf_xfer_refer(leg, in);
		break;
	case RF_SIP_NOTIFY:
		if (rf_roam_crosses(leg))
			rf_roam_refer_told(leg, in);
		else
			rf_core_refuse_method(core, in);
		break;
	case RF_SIP_OPTIONS:
		in_dialog_options(leg, in);
		break;
	case RF_SIP_MESSAGE:
		if (core->border && !rf_roam_crosses(leg))
			rf_core_refuse_method(core, in);
		else
			rf_message_in_dialog(leg, in);
		break;
	default:
		rf_core_refuse_method(core, in);
		break;
	}
	rf_call_settle(call);
}

/* --- requests outside */

static void options(struct rf_call_core *core, struct rf_in *in)
{
	struct rf_view headers = { NULL, 0 };
	struct rf_writer w;

	rf_writer_init(&w, core->head, sizeof core->head);
	if (core->border) {
		if (in->proof.phone && !in->proof.host)
			rf_roam_put_abilities(&w);
		else
			rf_border_put_allow(in->proof.trunk, &w);
		rf_put_lit(&w, "Supported: timer, 100rel\r\nAccept: application/sdp\r\n");
		rf_writer_done(&w, &headers);
		rf_core_reply_headers(core, in->srv,
				      in->proof.host && !in->proof.phone ? rf_border_health(core, in) : 200, RF_V(""),
				      headers);
		return;
	}
	rf_put(&w, rf_sub_allow_events);
	rf_put_lit(&w, ALLOW "Supported: timer, 100rel, path, outbound, resource-priority, replaces, norefersub\r\n"
			     "Accept: application/sdp\r\nAccept-Encoding: identity\r\nAccept-Language: en\r\n");
	rf_precedence_put_accept(&w);
	rf_writer_done(&w, &headers);
	rf_core_reply_headers(core, in->srv, 200, RF_V(""), headers);
}

void rf_core_invite(struct rf_call_core *core, struct rf_in *in)
{
	if (core->border)
		rf_anchor_invite(core, in);
	else if (!rf_guest_replaces(core, in) && !rf_pickup_dialled(core, in))
		rf_setup_invite(core, in);
}

/* PUBLISH and MESSAGE: a controller's are for itself; a border carries those of phones outside and to them. */
static void written(struct rf_call_core *core, struct rf_in *in)
{
	const struct rf_dir_phone *phone = rf_roam_called(core, in);

	if (phone)
		rf_message_to_phone(core, in, phone);
	else if (core->border)
		rf_roam_text(core, in);
	else if (in->msg->method == RF_SIP_PUBLISH)
		rf_publish_request(core, in);
	else
		rf_message_request(core, in);
}

static void served(struct rf_call_core *core, struct rf_in *in)
{
	switch (in->msg->method) {
	case RF_SIP_INVITE:
		if (!rf_trunk_proves(core, in))
			rf_core_invite(core, in);
		break;
	case RF_SIP_SUBSCRIBE:
		if (core->border)
			rf_roam_watch(core, in);
		else
			rf_sub_request(core, in);
		break;
	case RF_SIP_PUBLISH:
	case RF_SIP_MESSAGE:
		written(core, in);
		break;
	default:
		options(core, in);
		break;
	}
}

static void outside(struct rf_call_core *core, struct rf_in *in)
{
	bool registers = in->msg->method == RF_SIP_REGISTER;

	if (!rf_load_may_admit(core, in))
		return;
	struct rf_verdict v = rf_identity_prove(core, in->msg, in->from, &in->proof);

	if (!v.code && rf_proof_is_ours(&in->proof))
		v = registers ? rf_identity_may_register(core, &in->proof, in->msg) :
				rf_identity_may_send(core, &in->proof, in->msg);
	/* A phone that calls for help is not asked who stands at it, nor does it matter what it calls itself. */
	bool named = v.rule == RF_ID_FROM_OTHER;
	bool emergency = (!v.code || named || in->proof.phone) && rf_emergency_is(core, in);

	if (emergency && v.code) {
		if (!named)
			in->proof.user = NULL;
		v = (struct rf_verdict){ .rule = RF_ID_OK };
	}
	if (v.code) {
		if (registers && v.code == 403)
			core->counters.registrations_refused++;
		rf_core_refuse(core, in, &v);
		return;
	}
	if (!crosses(core, in))
		return;
	if (in->proof.trunk ? !rf_trunk_admits(core, in) : !rf_proof_is_ours(&in->proof) ? !rf_border_admits(core, in) :
			      !emergency && !rf_core_within_rate(core, in, rf_proof_number(&in->proof)))
		return;
	if (!emergency && !rf_load_admits(core, in))
		return;
	if (registers && core->draining)
		rf_core_reply_headers(core, in->srv, 503, RF_V(""), RF_V("Retry-After: 5\r\n"));
	else if (registers && core->border && in->proof.phone)
		rf_roam_register(core, in);
	else if (registers)
		rf_registrar_request(core, in);
	else
		served(core, in);
}

static void on_request(void *ctx, struct rf_srv *srv, const struct rf_sip_msg *msg, const struct rf_peer *from)
{
	struct rf_call_core *core = ctx;
	struct rf_in in = { .msg = msg, .srv = srv, .from = from };

	core->counters.requests++;
	if (rf_ua_may_punish(core->ua, from) && rf_scanner_named(msg))
		rf_ua_offend(core->ua, from, RF_OFFENCE_SCANNER);
	if (msg->to.tag.n) {
		in_dialog(core, &in);
		return;
	}
	if (rf_flow_is_inside(&from->flow)) {
		rf_inside_request(core, &in);
		return;
	}
	switch (msg->method) {
	case RF_SIP_REGISTER:
	case RF_SIP_INVITE:
	case RF_SIP_OPTIONS:
	case RF_SIP_SUBSCRIBE:
	case RF_SIP_PUBLISH:
	case RF_SIP_MESSAGE:
		outside(core, &in);
		break;
	case RF_SIP_NOTIFY:
	case RF_SIP_BYE:
	case RF_SIP_PRACK:
	case RF_SIP_UPDATE:
	case RF_SIP_INFO:
		rf_core_reply(core, srv, 481, RF_V("")); /* these have no life outside a dialog */
		break;
	default:
		rf_core_refuse_method(core, &in);
		break;
	}
}

/* Never challenged: it must come from the leg's phone, or by the leg's own way; others are as if lost. One for a call
 * that is over ends the repetition of its 2xx, by the way of the INVITE. */
static bool on_ack(void *ctx, struct rf_srv *srv, const struct rf_sip_msg *msg, const struct rf_peer *from)
{
	struct rf_call_core *core = ctx;
	struct rf_leg *leg = rf_leg_find(core, msg);
	struct rf_proof proof;

	if (!leg)
		return srv && rf_flow_eq(rf_srv_flow(srv), &from->flow);
	if (!rf_flow_eq(&leg->flow, &from->flow)) {
		if (rf_identity_prove_phone(core, from, &proof).code || !rf_party_is(leg->party, &proof)) {
			core->counters.hijacks_refused++;
			return false;
		}
	}
	struct rf_call *call = leg->pair->call;

	if (rf_anchor_holds_ack(leg, msg))
		return true;
	rf_mid_ack(leg, msg);
	rf_call_settle(call);
	return true;
}

/* Who it is from is not asked yet: what on_request() refuses gives the place back at once. */
static bool is_urgent(void *ctx, const struct rf_sip_msg *msg, const struct rf_peer *from)
{
	struct rf_call_core *core = ctx;

	(void)from;
	return msg->to.tag.n ? rf_leg_find(core, msg) != NULL : rf_emergency_may_be(core, msg);
}

static const struct rf_ua_user user = {
	.request = on_request,
	.urgent = is_urgent,
	.ack = on_ack,
	.flow_closed = rf_core_flow_closed,
	.refused = rf_core_message_refused,
	.tls_refused = rf_core_tls_refused,
	.admit = rf_border_admit,
	.may_end = rf_border_may_end,
};

const struct rf_ua_user *rf_call_core_user(void)
{
	return &user;
}

/* What a border understands stands first. */
const struct rf_view *rf_call_core_supported(bool border, size_t *ret_n)
{
	static const struct rf_view tags[] = {
		{ (const uint8_t *)"timer", 5 }, { (const uint8_t *)"100rel", 6 },
		{ (const uint8_t *)"resource-priority", 17 },
		{ (const uint8_t *)"path", 4 }, { (const uint8_t *)"outbound", 8 },
		{ (const uint8_t *)"norefersub", 10 }, { (const uint8_t *)"replaces", 8 },
	};

	*ret_n = border ? 6 : sizeof tags / sizeof *tags;
	return tags;
}
