/* What the endpoint tells of connections: one has ended, bytes were no message, a handshake failed. Legs on a
 * connection that ended may be any worker's. */
#include "call/call_int.h"
#include "call/lamps.h"
#include "call/sub.h"
#include "call/tone.h"
#include "loop/mail.h"

#include <stdlib.h>

static void mark_leg(struct rf_leg *leg)
{
	struct rf_call *call = leg->pair->call;

	if (!leg->gone_at.us)
		leg->gone_at = rf_core_now(call->core);
	if (call->state < RF_CALL_ANSWERED && rf_leg_is_a(leg)) {
		call->ended_by = RF_ENDED_CALLER;
		rf_setup_abandon(call, "connection lost", 487, RF_V("SIP;cause=487;text=\"Caller vanished\""));
	} else if (call->state < RF_CALL_ANSWERED && leg->pair->state < RF_PAIR_HELD && leg->pair->invite) {
		rf_cli_drop(leg->pair->invite);
		leg->pair->invite = NULL;
		rf_setup_pair_failed(leg->pair, 408);
	} else if (leg->tone) {
		rf_leg_tone_end(leg);
	} else if (call->state == RF_CALL_ENDING && (leg->bye == RF_BYE_WANTED || leg->bye == RF_BYE_SENT)) {
		rf_cli_drop(leg->own);
		leg->own = NULL;
		leg->bye = RF_BYE_DONE;
	}
}

/* One leg at a time: what happens to a call may free others of its legs. A leg that is marked leaves the table. */
static void lose_flow(struct rf_call_core *core, const struct rf_flow *flow)
{
	uint64_t hash = rf_flow_hash(&core->hash_key, flow);
	struct rf_node *n = rf_table_first(&core->flows, hash);

	while (n) {
		struct rf_leg *leg = rf_container(n, struct rf_leg, by_flow);
		struct rf_call *call = leg->pair->call;

		if (!rf_flow_eq(&leg->flow, flow)) {
			n = rf_table_next(n);
			continue;
		}
		rf_table_del(&core->flows, &leg->by_flow);
		leg->flow_entered = false;
		mark_leg(leg);
		rf_call_settle(call);
		n = rf_table_first(&core->flows, hash);
	}
	rf_subs_flow_lost(core, flow);
}

struct lost_mail {
	struct rf_mail mail;
	struct rf_call_core *core;
	struct rf_flow flow;
};

static void lost_elsewhere(struct rf_mail *mail, int status)
{
	struct lost_mail *m = rf_container(mail, struct lost_mail, mail);

	if (status == 0)
		lose_flow(m->core, &m->flow);
	free(m);
}

/* The connection was this worker's; legs on it may be any worker's. One that is not told finds out when it sends. */
static void tell_peers(struct rf_call_core *core, const struct rf_flow *flow)
{
	for (size_t i = 0; i < core->peer_count; i++) {
		struct rf_call_core *peer = core->peers[i];
		struct lost_mail *m = peer == core ? NULL : malloc(sizeof *m);

		if (!m)
			continue;
		*m = (struct lost_mail){ .mail = { .deliver = lost_elsewhere }, .core = peer, .flow = *flow };
		if (rf_mail_post(peer->loop, &m->mail))
			free(m);
	}
}

static void bindings_wait(struct rf_call_core *core, const struct rf_peer *peer)
{
	const struct rf_dir_phone *phone;
	uint8_t aor[320];
	struct rf_writer w;

	if (peer->label.n)
		rf_location_flow_lost(core->location, peer->label, &peer->flow);
	if (!peer->id || !peer->id->present ||
	    rf_directory_prove(core->directory, peer->id, rf_core_wall(core), &phone, NULL))
		return;
	rf_writer_init(&w, aor, sizeof aor);
	rf_put(&w, phone->number);
	rf_put_byte(&w, '@');
	rf_put(&w, rf_core_site(core)->domain);
	if (w.err)
		return;
	rf_location_flow_lost(core->location, rf_view_of(aor, w.n), &peer->flow);
	rf_lamps_bound(core, rf_view_of(aor, w.n));
}

void rf_core_flow_closed(void *ctx, const struct rf_peer *peer, const struct rf_stream_end *end)
{
	struct rf_call_core *core = ctx;

	(void)end;
	core->counters.flows_lost++;
	bindings_wait(core, peer);
	lose_flow(core, &peer->flow);
	tell_peers(core, &peer->flow);
}

void rf_core_message_refused(void *ctx, const struct rf_ua_refusal *r)
{
	struct rf_call_core *core = ctx;
	char address[RF_ADDR_TEXT];
	struct rf_event e;

	rf_event_init(&e, RF_EVENT_MESSAGE_REFUSED, rf_core_wall(core));
	rf_event_cstr(&e, "rule", r->what);
	rf_event_cstr(&e, "text", r->text);
	rf_event_u64(&e, "code", r->code);
	rf_event_u64(&e, "more", r->more);
	rf_event_cstr(&e, "transport", rf_flow_kind_name(r->flow.kind));
	rf_event_cstr(&e, "address", rf_addr_text(&r->flow.remote, address));
	rf_record_post(core, &e);
}

void rf_core_tls_refused(void *ctx, const struct rf_flow *flow, const struct rf_stream_end *end)
{
	struct rf_call_core *core = ctx;
	char address[RF_ADDR_TEXT];
	struct rf_event e;

	if (!rf_record_begin(core, RF_EVENT_CONNECTION_REFUSED, &e))
		return;
	rf_event_cstr(&e, "rule", "tls");
	rf_event_cstr(&e, "text", end->text);
	rf_event_cstr(&e, "address", rf_addr_text(&flow->remote, address));
	rf_record_post(core, &e);
}
