#include "call/anchor.h"
#include "call/border.h"
#include "call/call_int.h"
#include "call/roam.h"
#include "call/trunk.h"
#include "call/xfer.h"

#include "base/secret.h"
#include "call/lamps.h"
#include "call/tone.h"

#include <stdlib.h>

static uint64_t tag_hash(struct rf_call_core *core, struct rf_view tag)
{
	return rf_hash(&core->hash_key, tag);
}

/* A closed connection must find its legs; datagrams have none to close. */
static void enter_flow(struct rf_leg *leg)
{
	struct rf_call_core *core = rf_leg_core(leg);

	if (!leg->flow_entered && rf_flow_is_stream(&leg->flow))
		leg->flow_entered =
			rf_table_add(&core->flows, &leg->by_flow, rf_flow_hash(&core->hash_key, &leg->flow)) == 0;
}

static void leave_flow(struct rf_leg *leg)
{
	if (leg->flow_entered)
		rf_table_del(&rf_leg_core(leg)->flows, &leg->by_flow);
	leg->flow_entered = false;
}

int rf_leg_open(struct rf_leg *leg, struct rf_dialog *dlg)
{
	struct rf_call_core *core = rf_leg_core(leg);
	int rc = rf_table_add(&core->legs, &leg->by_tag, tag_hash(core, rf_dialog_local_tag(dlg)));

	if (rc)
		return rc;
	leg->dlg = dlg;
	enter_flow(leg);
	rf_offer_init(&leg->offer);
	rf_stimer_init(&leg->stimer);
	return 0;
}

void rf_sdp_drop(uint8_t **sdp, uint32_t *n)
{
	if (*sdp)
		rf_secret_wipe(*sdp, *n);
	free(*sdp);
	*sdp = NULL;
	*n = 0;
}

struct rf_leg *rf_leg_new(struct rf_pair *pair, struct rf_party *party)
{
	struct rf_leg *leg = calloc(1, sizeof *leg);

	if (!leg)
		return NULL;
	leg->pair = pair;
	leg->party = rf_party_get(party);
	if (party->phone.n || party->user.n)
		leg->line = rf_lines_take(rf_call_shared_lines(rf_leg_core(leg)->shared), party->number);
	return leg;
}

void rf_leg_idle(struct rf_leg *leg)
{
	rf_line_give(leg->line, rf_core_now(rf_leg_core(leg)));
	leg->line = NULL;
}

void rf_leg_give_back(struct rf_leg *leg)
{
	rf_leg_idle(leg);
	rf_admission_give(leg);
}

void rf_leg_free(struct rf_leg *leg)
{
	if (!leg)
		return;
	rf_leg_tone_drop(leg);
	rf_anchor_forget_leg(leg);
	rf_roam_forget(leg);
	if (leg->dlg) {
		rf_lamps_end(leg);
		leave_flow(leg);
		rf_table_del(&rf_leg_core(leg)->legs, &leg->by_tag);
		rf_dialog_free(leg->dlg);
	}
	if (leg->aim && leg->aim->gone)
		leg->aim->gone(leg);
	rf_leg_give_back(leg);
	rf_cli_drop(leg->own);
	rf_cli_drop(leg->prack);
	if (leg->srv)
		rf_srv_watch(leg->srv, NULL, NULL);
	rf_sdp_drop(&leg->sdp, &leg->sdp_n);
	rf_news_drop(leg);
	rf_party_put(leg->party);
	rf_party_put(leg->by);
	free(leg->contact);
	rf_secret_free(leg->login, leg->login_n);
	free(leg);
}

bool rf_leg_secure(const struct rf_leg *leg)
{
	return rf_flow_is_secure(leg->flow.kind) || (leg->flow.kind == RF_FLOW_NONE && leg->secure);
}

bool rf_leg_confirmed(const struct rf_leg *leg)
{
	return leg->dlg && rf_dialog_state(leg->dlg) == RF_DIALOG_CONFIRMED;
}

struct rf_leg *rf_leg_find(struct rf_call_core *core, const struct rf_sip_msg *msg)
{
	struct rf_node *n = rf_table_first(&core->legs, tag_hash(core, msg->to.tag));

	for (; n; n = rf_table_next(n)) {
		struct rf_leg *leg = rf_container(n, struct rf_leg, by_tag);

		if (rf_dialog_matches(leg->dlg, msg))
			return leg;
	}
	return NULL;
}

void rf_leg_learn(struct rf_leg *leg, const struct rf_sip_msg *msg)
{
	if (rf_sip_msg_hdr(msg, RF_SIP_H_ALLOW)) {
		leg->allows_update = rf_sip_msg_allows(msg, RF_SIP_UPDATE);
		leg->allows_info = rf_sip_msg_allows(msg, RF_SIP_INFO);
	}
	if (rf_sip_msg_hdr(msg, RF_SIP_H_SUPPORTED)) {
		leg->wants_rel = rf_sip_msg_has_token(msg, RF_SIP_H_SUPPORTED, RF_V("100rel"));
		leg->wants_timer = rf_sip_msg_has_token(msg, RF_SIP_H_SUPPORTED, RF_V("timer"));
	}
	if (rf_sip_msg_has_token(msg, RF_SIP_H_REQUIRE, RF_V("100rel")))
		leg->wants_rel = true;
	enum rf_privacy privacy = rf_identity_privacy(msg);

	if (privacy > (enum rf_privacy)leg->privacy)
		leg->privacy = (uint8_t)privacy;
}

int rf_leg_keep_sdp(struct rf_leg *leg, struct rf_view sdp)
{
	if (sdp.n == 0 || sdp.p == leg->sdp)
		return 0;
	uint8_t *p = malloc(sdp.n);

	rf_sdp_drop(&leg->sdp, &leg->sdp_n);
	leg->sdp = p;
	leg->sdp_n = p ? (uint32_t)sdp.n : 0;
	if (!p)
		return -ENOMEM;
	memcpy(p, sdp.p, sdp.n);
	return 0;
}

void rf_link_init(struct rf_link *link, const struct rf_peer *from)
{
	*link = (struct rf_link){ .tls = from->tls_version, .cipher = from->tls_cipher };
	if (!from->id || !from->id->present)
		return;
	link->serial_n = from->id->serial_len;
	memcpy(link->serial, from->id->serial, from->id->serial_len);
}

struct rf_view rf_link_serial(const struct rf_link *link, char buf[static 2 * RF_PKI_SERIAL_MAX])
{
	struct rf_writer w;

	rf_writer_init(&w, buf, 2 * RF_PKI_SERIAL_MAX);
	rf_put_hex(&w, link->serial, link->serial_n);
	return rf_view_of(buf, w.n);
}

static void move(struct rf_leg *leg, const struct rf_flow *flow)
{
	leg->gone_at = (struct rf_mono){ 0 };
	if (rf_flow_eq(&leg->flow, flow))
		return;
	leave_flow(leg);
	leg->flow = *flow;
	leg->link = (struct rf_link){ .tls = NULL };
	enter_flow(leg);
}

void rf_leg_seen(struct rf_leg *leg, const struct rf_peer *from)
{
	move(leg, &from->flow);
	if (!leg->link.tls)
		rf_link_init(&leg->link, from);
}

void rf_leg_heard(struct rf_leg *leg, const struct rf_peer *from)
{
	if (leg->flow.kind == RF_FLOW_NONE && rf_party_is_far(leg->party) && from)
		move(leg, &from->flow);
	if (!leg->link.tls && from && rf_flow_eq(&leg->flow, &from->flow))
		rf_link_init(&leg->link, from);
}

/* A trunk, or a host, is found by its name: over a new connection. Whether the call is still known there,
 * a refresh will tell. */
static bool find_trunk_again(struct rf_leg *leg)
{
	static const struct rf_flow none = { .kind = RF_FLOW_NONE };

	const struct rf_site *site = rf_core_site(rf_leg_core(leg));

	if (leg->party->host.n ? !rf_site_host(site, leg->party->host) : !rf_site_trunk(site, leg->party->trunk))
		return false;
	leg->secure = rf_leg_secure(leg);
	move(leg, &none);
	leg->again_at = rf_core_now(rf_leg_core(leg));
	return true;
}

bool rf_party_flow(struct rf_call_core *core, const struct rf_party *party, struct rf_flow *ret_flow)
{
	struct rf_view domain = rf_core_site(core)->domain;
	struct rf_binding *b;
	uint8_t aor[320];
	struct rf_writer w;
	size_t n = 0;
	bool found = false;

	rf_writer_init(&w, aor, sizeof aor);
	rf_put(&w, party->number);
	rf_put_byte(&w, '@');
	rf_put(&w, domain);
	if (w.err || rf_location_get(core->location, rf_view_of(aor, w.n), rf_core_now(core), &core->scratch, &b, &n))
		n = 0;
	for (size_t i = 0; i < n && !found; i++)
		if (!b[i].waiting && rf_view_eq(b[i].phone, party->phone) && rf_view_eq(b[i].user, party->user) &&
		    rf_ua_flow_alive(core->ua, &b[i].flow)) {
			*ret_flow = b[i].flow;
			found = true;
		}
	rf_arena_wipe(&core->scratch);
	return found;
}

bool rf_leg_find_again(struct rf_leg *leg)
{
	struct rf_flow flow;

	if (rf_party_is_far(leg->party))
		return find_trunk_again(leg);
	if (!rf_party_flow(rf_leg_core(leg), leg->party, &flow))
		return false;
	move(leg, &flow);
	return true;
}

/* --- requests of ours */

int rf_leg_begin(struct rf_leg *leg, enum rf_sip_method method, struct rf_writer *w)
{
	struct rf_call_core *core = rf_leg_core(leg);
	uint32_t cseq;

	rf_writer_init(w, core->out, sizeof core->out);
	/* The hops that the caller's INVITE has left bound the INVITE that it causes, and nothing later. */
	unsigned hops = rf_leg_confirmed(leg) ? RF_MAX_FORWARDS : leg->pair->call->hops;
	int rc = rf_dialog_put_request(leg->dlg, rf_sip_method_name(method), hops, w, &cseq);

	if (rc)
		return rc;
	if (method == RF_SIP_INVITE)
		leg->invite_cseq = cseq;
	if (method == RF_SIP_INVITE || method == RF_SIP_UPDATE)
		rf_leg_put_self(leg, w);
	return 0;
}

static const struct rf_site_trunk *trunk_of(const struct rf_leg *leg)
{
	return leg->party->trunk.n && !leg->party->host.n ?
		       rf_site_trunk(rf_core_site(rf_leg_core(leg)), leg->party->trunk) :
		       NULL;
}

/* Those of an INVITE are kept: the ACK of its 2xx says them again (RFC 3261 13.2.2.4). */
static void put_login(struct rf_leg *leg, struct rf_writer *w)
{
	const struct rf_site_trunk *t = trunk_of(leg);
	size_t before = w->n;

	if (!t || !t->login.n)
		return;
	rf_trunk_login_put(rf_leg_core(leg), t, w);
	if (!rf_view_starts(rf_view_of(w->buf, w->n), RF_V("INVITE ")))
		return;
	rf_secret_free(leg->login, leg->login_n);
	leg->login_n = (uint32_t)(w->n - before);
	leg->login = leg->login_n ? malloc(leg->login_n) : NULL;
	if (leg->login)
		memcpy(leg->login, w->buf + before, leg->login_n);
	else
		leg->login_n = 0;
}

bool rf_leg_login_asked(struct rf_leg *leg, const struct rf_sip_msg *answer)
{
	return rf_trunk_login_asked(rf_leg_core(leg), trunk_of(leg), answer);
}

/* The way of the leg's flow, or what its next hop resolves to; way is for that. A trunk is always its peer, whatever
 * its Contact names, for that is who must prove itself. */
static struct rf_target target_of(const struct rf_leg *leg, struct rf_trunk_way_to *way)
{
	if (leg->flow.kind != RF_FLOW_NONE)
		return (struct rf_target){ .flow = leg->flow };
	if (rf_trunk_target(leg, way))
		return way->target;
	if (rf_party_is_far(leg->party) || rf_sip_uri_parse(rf_dialog_next_hop(leg->dlg), &way->uri))
		return (struct rf_target){ .flow = leg->flow };
	return (struct rf_target){ .uri = &way->uri, .secure = leg->secure };
}

int rf_leg_send(struct rf_leg *leg, struct rf_writer *w, struct rf_view type, struct rf_view body, rf_cli_fn *fn,
		void *arg, struct rf_cli **ret_cli)
{
	struct rf_trunk_way_to way;
	struct rf_cli_new conf = {
		.target = target_of(leg, &way), .fn = fn, .arg = arg,
		/* a BYE has ended its dialog by now */
		.urgent = rf_dialog_state(leg->dlg) >= RF_DIALOG_CONFIRMED || leg->pair->call->emergency,
	};

	if (rf_party_is_far(leg->party) && leg->flow.kind == RF_FLOW_NONE)
		conf.timeout_ms = RF_TRUNK_TRY_MS;
	put_login(leg, w);
	rf_sip_put_body(w, type, body);
	int rc = rf_writer_done(w, &conf.request);
	if (!rc)
		rc = rf_cli_new(rf_leg_core(leg)->ua, &conf, ret_cli);
	rf_secret_wipe(w->buf, w->n); /* keys of media, credentials: the buffer is everybody's */
	return rc;
}

void rf_leg_unsent(struct rf_leg *leg, enum rf_sip_method method)
{
	enum rf_offer_msg kind = method == RF_SIP_INVITE ? RF_OFFER_INVITE_FAIL : RF_OFFER_UPDATE_FAIL;
	enum rf_offer_role role;
	unsigned code;

	rf_offer_got(&leg->offer, kind, false, &role, &code);
}

void rf_leg_ack(struct rf_leg *leg, struct rf_cli *cli, struct rf_view sdp)
{
	struct rf_call_core *core = rf_leg_core(leg);
	struct rf_trunk_way_to way;
	struct rf_target target = target_of(leg, &way);
	struct rf_view ack;
	struct rf_writer w;

	leg->ack_owed = false;
	rf_writer_init(&w, core->out, sizeof core->out);
	rf_dialog_put_ack(leg->dlg, leg->invite_cseq, RF_MAX_FORWARDS, &w);
	rf_put(&w, rf_view_of(leg->login, leg->login_n));
	rf_sip_put_body(&w, sdp.n ? RF_V("application/sdp") : RF_V(""), sdp);
	if (rf_writer_done(&w, &ack))
		return;
	rf_offer_sent(&leg->offer, RF_OFFER_ACK, sdp.n > 0);
	rf_leg_keep_sdp(leg, sdp);
	if (!cli || rf_cli_ack(cli, rf_dialog_remote_tag(leg->dlg), &target, ack))
		rf_ua_send_ack(core->ua, &target, ack);
	rf_secret_wipe(core->out, ack.n); /* keys of media, credentials: the buffer is everybody's */
}

static int send_bye_again(struct rf_leg *leg);

static void bye_event(void *arg, struct rf_cli *cli, const struct rf_cli_event *e)
{
	struct rf_leg *leg = arg;
	struct rf_call *call = leg->pair->call;

	if (e->kind == RF_CLI_RESPONSE && e->msg->status < 200)
		return;
	if (e->kind != RF_CLI_GONE)
		rf_cli_drop(cli);
	leg->own = NULL;
	if (e->kind != RF_CLI_RESPONSE || !rf_leg_login_asked(leg, e->msg) || leg->bye_again || send_bye_again(leg))
		leg->bye = RF_BYE_DONE;
	rf_call_settle(call);
}

struct rf_view rf_leg_reason(const struct rf_leg *leg, struct rf_view reason, uint8_t buf[static RF_LEG_REASON])
{
	return rf_leg_core(leg)->border ? rf_border_reason(reason, buf, RF_LEG_REASON) : reason;
}

static int send_bye(struct rf_leg *leg, struct rf_view reason)
{
	uint8_t text[RF_LEG_REASON];
	struct rf_writer w;
	int rc = rf_leg_begin(leg, RF_SIP_BYE, &w);

	if (rc)
		return rc;
	reason = rf_leg_reason(leg, reason, text);
	if (reason.n)
		rf_sip_put_hdr(&w, RF_SIP_H_REASON, reason);
	rf_dialog_end(leg->dlg);
	return rf_leg_send(leg, &w, RF_V(""), RF_V(""), bye_event, leg, &leg->own);
}

/* With the credentials that were asked for. */
static int send_bye_again(struct rf_leg *leg)
{
	leg->bye_again = true;
	return send_bye(leg, RF_V(""));
}

/* The called side may not send BYE before the ACK is in (RFC 3261 15); we are that on leg a. And we ACK a 2xx first. */
void rf_leg_bye(struct rf_leg *leg, struct rf_view reason)
{
	if (!leg->dlg || leg->bye == RF_BYE_SENT || leg->bye == RF_BYE_DONE)
		return;
	if (rf_dialog_state(leg->dlg) != RF_DIALOG_CONFIRMED) {
		leg->bye = RF_BYE_DONE;
		return;
	}
	if (leg->gone_at.us && !rf_leg_find_again(leg)) {
		rf_dialog_end(leg->dlg);
		leg->bye = RF_BYE_DONE;
		return;
	}
	if (leg->ack_due || rf_xfer_tells(leg)) {
		leg->bye = RF_BYE_WANTED;
		return;
	}
	if (leg->ack_owed)
		rf_leg_ack(leg, leg->pair->invite, RF_V(""));
	rf_cli_drop(leg->own);
	leg->own = NULL;
	leg->bye = send_bye(leg, reason) ? RF_BYE_DONE : RF_BYE_SENT;
}

/* --- what goes into messages */

void rf_leg_put_self(struct rf_leg *leg, struct rf_writer *w)
{
	struct rf_call_core *core = rf_leg_core(leg);

	struct rf_flow flow = leg->flow;

	if (flow.kind == RF_FLOW_NONE)
		rf_trunk_flow(leg, &flow);
	rf_put_lit(w, "Contact: <");
	if (!rf_border_put_contact(leg, &flow, w))
		rf_ua_put_contact(core->ua, &flow, RF_V(""), w);
	rf_put_lit(w, ">\r\n");
	if (core->border && leg->party->phone.n)
		rf_roam_put_abilities(w);
	else
		rf_core_put_abilities(core, rf_site_trunk(rf_core_site(core), leg->party->trunk), w);
}

struct rf_stimer_policy rf_leg_timer_policy(const struct rf_leg *leg)
{
	const struct rf_site_sip *sip = &rf_core_site(rf_leg_core(leg))->sip;

	return (struct rf_stimer_policy){
		.want_s = sip->session_timer ? sip->session_expires_s : 0,
		.min_s = sip->session_min_s,
		.we_refresh = true,
		.alone = true,
	};
}

void rf_leg_put_timer(struct rf_leg *leg, struct rf_writer *w)
{
	struct rf_stimer_policy policy = rf_leg_timer_policy(leg);
	struct rf_stimer_ask ask = rf_stimer_ask(&leg->stimer, &policy);

	if (ask.present) {
		rf_sip_put_hdr_name(w, RF_SIP_H_SESSION_EXPIRES);
		rf_session_expires_put(w, &ask.se);
		rf_sip_put_crlf(w);
	}
	if (ask.min_s)
		rf_sip_put_hdr_u64(w, RF_SIP_H_MIN_SE, ask.min_s);
}

void rf_put_timer_answer(struct rf_writer *w, const struct rf_stimer_answer *a)
{
	if (!a->present)
		return;
	if (a->require)
		rf_put_lit(w, "Require: timer\r\n");
	rf_sip_put_hdr_name(w, RF_SIP_H_SESSION_EXPIRES);
	rf_session_expires_put(w, &a->se);
	rf_sip_put_crlf(w);
}

struct rf_stimer_request rf_timer_request(const struct rf_sip_msg *msg)
{
	struct rf_stimer_request r = {
		.supported = rf_sip_msg_has_token(msg, RF_SIP_H_SUPPORTED, RF_V("timer")) ||
			     rf_sip_msg_has_token(msg, RF_SIP_H_REQUIRE, RF_V("timer")),
	};

	r.present = rf_sip_msg_session_expires(msg, &r.se.interval_s, &r.se.refresher) == 0;
	if (rf_sip_msg_min_se(msg, &r.min_s))
		r.min_s = 0;
	return r;
}

void rf_leg_timer_2xx(struct rf_leg *leg, const struct rf_sip_msg *msg)
{
	struct rf_stimer_policy policy = rf_leg_timer_policy(leg);
	struct rf_stimer_request r = rf_timer_request(msg);

	rf_stimer_asked_2xx(&leg->stimer, &policy, r.present ? &r.se : NULL, rf_core_now(rf_leg_core(leg)));
}
