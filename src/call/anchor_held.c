#include "call/anchor_int.h"

#include "base/secret.h"
#include "call/border.h"

#include <stdlib.h>

bool rf_anchor_has_sdp(const struct rf_sip_msg *msg)
{
	struct rf_view sdp;

	return rf_sdp_of(msg, &sdp) == 0 && sdp.n > 0;
}

void rf_held_free(struct rf_held *h)
{
	TAILQ_REMOVE(&h->anchor->held, h, list);
	h->anchor->held_n--;
	if (h->srv)
		rf_srv_watch(h->srv, NULL, NULL);
	rf_secret_wipe(h->bytes, h->n); /* keys */
	free(h);
}

struct rf_held *rf_anchor_hold(struct rf_anchor *a, enum rf_held_kind kind, const struct rf_sip_msg *msg,
			       const struct rf_peer *from)
{
	struct rf_held *h = a->held_n < RF_ANCHOR_HELD_MAX ? malloc(sizeof *h + msg->bytes.n) : NULL;

	if (!h)
		return NULL;
	memset(h, 0, sizeof *h);
	h->anchor = a;
	h->kind = kind;
	if (from) {
		h->from = *from;
		h->from.label = (struct rf_view){ NULL, 0 };
		if (from->id) {
			h->id = *from->id;
			h->from.id = &h->id;
		}
	}
	h->n = msg->bytes.n;
	memcpy(h->bytes, msg->bytes.p, h->n);
	if (rf_sip_msg_parse(&h->msg, rf_view_of(h->bytes, h->n), RF_SIP_DATAGRAM, &rf_sip_limits_default)) {
		free(h);
		return NULL;
	}
	h->has_sdp = rf_anchor_has_sdp(msg);
	TAILQ_INSERT_TAIL(&a->held, h, list);
	a->held_n++;
	return h;
}

/* --- the message with another description */

void rf_anchor_put_message(struct rf_writer *w, const struct rf_sip_msg *msg, struct rf_view sdp, struct rf_view made)
{
	struct rf_view line = rf_view_sub(msg->bytes, 0, rf_view_find(msg->bytes, '\n') + 1);
	size_t before = (size_t)(sdp.p - msg->body.p);
	struct rf_view tail = rf_view_from(msg->body, before + sdp.n);

	rf_put(w, line);
	for (size_t i = 0; i < msg->hdr_count; i++) {
		const struct rf_sip_hdr *h = &msg->hdr[i];

		if (h->id == RF_SIP_H_CONTENT_LENGTH)
			continue;
		rf_put(w, h->name);
		rf_put_lit(w, ": ");
		rf_put(w, h->value);
		rf_put_lit(w, "\r\n");
	}
	rf_sip_put_hdr_u64(w, RF_SIP_H_CONTENT_LENGTH, before + made.n + tail.n);
	rf_put_lit(w, "\r\n");
	rf_put(w, rf_view_sub(msg->body, 0, before));
	rf_put(w, made);
	rf_put(w, tail);
}

void rf_anchor_put_without(struct rf_writer *w, const struct rf_sip_msg *msg)
{
	rf_put(w, rf_view_sub(msg->bytes, 0, rf_view_find(msg->bytes, '\n') + 1));
	for (size_t i = 0; i < msg->hdr_count; i++) {
		const struct rf_sip_hdr *h = &msg->hdr[i];

		if (h->id == RF_SIP_H_CONTENT_LENGTH || h->id == RF_SIP_H_CONTENT_TYPE)
			continue;
		rf_put(w, h->name);
		rf_put_lit(w, ": ");
		rf_put(w, h->value);
		rf_put_lit(w, "\r\n");
	}
	rf_put_lit(w, "Content-Length: 0\r\n\r\n");
}

/* --- on */

/* What waits as it came in. */
static struct rf_in in_of(const struct rf_held *h, const struct rf_sip_msg *msg)
{
	struct rf_view name = rf_view_str(h->name);
	struct rf_in in = { .msg = msg, .srv = h->srv, .from = &h->from, .identity = h->identity, .unproven = h->unproven,
			    .anchor = h->anchor };

	/* the site may be another by now */
	if (h->trunk)
		in.proof.trunk = rf_site_trunk(rf_core_site(h->anchor->core), name);
	else if (h->phone)
		in.proof.phone = rf_directory_phone(h->anchor->core->directory, name);
	else
		in.proof.host = rf_site_host(rf_core_site(h->anchor->core), name);
	return in;
}

static void record_refusal(const struct rf_held *h, enum rf_sdp_rule rule)
{
	if (h->kind == RF_HELD_INVITE) {
		struct rf_in in = in_of(h, &h->msg);

		h->anchor->core->counters.calls_refused++;
		rf_record_call_refused(h->anchor->core, &in, rf_sdp_rule_status(rule), "media", rf_sdp_rule_name(rule));
	} else if (h->leg) {
		rf_record_media(h->leg->pair->call, rule, h->leg);
	}
}

static void refuse(struct rf_held *h, unsigned code, enum rf_sdp_rule rule)
{
	struct rf_anchor *a = h->anchor;
	struct rf_call_core *core = a->core;
	struct rf_srv *srv = h->srv;
	bool invite = h->kind == RF_HELD_INVITE;

	if (rule != RF_SDP_RULE_OK)
		record_refusal(h, rule);
	rf_held_free(h);
	if (invite)
		rf_anchor_put(a);
	if (srv && rule != RF_SDP_RULE_OK)
		rf_answer_media(core, srv, rule, RF_V(""));
	else if (srv)
		rf_core_reply_headers(core, srv, code, RF_V(""), code >= 500 ? RF_V("Retry-After: 5\r\n") : RF_V(""));
}

static void deliver_invite(struct rf_held *h, const struct rf_sip_msg *msg)
{
	struct rf_call_core *core = h->anchor->core;
	struct rf_in in = in_of(h, msg);

	rf_srv_watch(h->srv, NULL, NULL);
	h->srv = NULL;
	if (!in.proof.trunk && !in.proof.host && !in.proof.phone)
		rf_core_reply(core, in.srv, 403, RF_V(""));
	else
		rf_setup_invite(core, &in);
}

static void deliver(struct rf_held *h, const struct rf_sip_msg *msg)
{
	struct rf_in in = { .msg = msg, .srv = h->srv, .from = &h->from };
	struct rf_cli_event e = { .kind = RF_CLI_RESPONSE, .msg = msg, .from = &h->from };
	struct rf_call *call = h->leg ? h->leg->pair->call : NULL;

	switch (h->kind) {
	case RF_HELD_INVITE:
		deliver_invite(h, msg);
		break;
	case RF_HELD_REQUEST:
		rf_srv_watch(h->srv, NULL, NULL);
		h->srv = NULL;
		rf_core_in_dialog(h->leg, &in);
		break;
	case RF_HELD_ACK:
		rf_mid_ack(h->leg, msg);
		rf_call_settle(call);
		break;
	case RF_HELD_RESPONSE:
		h->fn(h->arg, h->cli, &e);
		break;
	}
}

void rf_held_go_on(struct rf_held *h, const struct rf_writer *w)
{
	struct rf_anchor *a = h->anchor;
	struct rf_sip_msg *again = w ? malloc(sizeof *again) : NULL;
	uint8_t *bytes = w && !w->err ? malloc(w->n) : NULL;
	bool ok = !w;

	if (bytes && again) {
		memcpy(bytes, w->buf, w->n);
		ok = rf_sip_msg_parse(again, rf_view_of(bytes, w->n), RF_SIP_DATAGRAM, &rf_sip_limits_default) == 0;
	}
	if (!ok && h->kind != RF_HELD_RESPONSE && h->kind != RF_HELD_ACK) {
		refuse(h, 500, RF_SDP_RULE_OK);
	} else {
		TAILQ_REMOVE(&a->held, h, list);
		a->held_n--;
		a->delivering = true;
		if (ok)
			deliver(h, w ? again : &h->msg);
		a->delivering = false;
		if (h->srv)
			rf_srv_watch(h->srv, NULL, NULL);
		if (h->kind == RF_HELD_INVITE)
			rf_anchor_put(a);
		rf_secret_wipe(h->bytes, h->n);
		free(h);
	}
	if (bytes)
		rf_secret_wipe(bytes, w->n);
	free(bytes);
	free(again);
}

static void without(struct rf_held *h)
{
	struct rf_call_core *core = h->anchor->core;
	uint8_t *buf = rf_arena_alloc(&core->scratch, h->n + 64);
	struct rf_writer w;

	rf_writer_init(&w, buf, buf ? h->n + 64 : 0);
	rf_anchor_put_without(&w, &h->msg);
	rf_held_go_on(h, &w);
	rf_arena_wipe(&core->scratch);
}

void rf_held_failed(struct rf_held *h, unsigned code, enum rf_sdp_rule rule)
{
	if (h->kind == RF_HELD_INVITE || h->kind == RF_HELD_REQUEST)
		refuse(h, code, rule);
	else
		without(h);
}
