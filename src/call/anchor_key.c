/* Keys that one side presses by INFO and the other takes as events or tones: the relay presses them, in the media of
 * the side that did. And the other way round: the relay hears them, and the border says them by INFO. What is pressed
 * is a secret (PINs are): it is in no log and no record. */
#include "call/anchor_int.h"

#include "base/secret.h"
#include "call/relays.h"
#include "sip/keys.h"

#include <stdlib.h>

enum { KEY_US = 100000, AHEAD_US = 32 * KEY_US /* as many as the relay lets wait */ };

/* An INFO that waits for the relay to have done it. */
struct pressed {
	struct rf_call_core *core;
	struct rf_srv *srv;          /* NULL: nobody waits any more */
};

static void on_srv(void *arg, struct rf_srv *srv, enum rf_srv_event event)
{
	struct pressed *p = arg;

	if (event != RF_SRV_GONE && event != RF_SRV_LATE && event != RF_SRV_FAILED)
		return;
	rf_srv_watch(srv, NULL, NULL);
	p->srv = NULL;
}

static void done(void *arg, int err, int relay, const struct rf_ng_reply *reply)
{
	struct pressed *p = arg;

	(void)relay;
	if (p->srv) {
		rf_srv_watch(p->srv, NULL, NULL);
		rf_core_reply(p->core, p->srv, !err && reply->result == RF_NG_OK ? 200 : 500, RF_V(""));
	}
	free(p);
}

/* No more keys than a hand presses, and some ahead. */
static bool in_time(struct rf_anchor *a)
{
	uint64_t now = rf_core_now(a->core).us;

	if (a->keys_us < now)
		a->keys_us = now;
	if (a->keys_us + KEY_US > now + AHEAD_US)
		return false;
	a->keys_us += KEY_US;
	return true;
}

static int press(struct rf_anchor *a, enum rf_towards from, const struct rf_sip_key *key, struct rf_srv *srv)
{
	struct pressed *p = malloc(sizeof *p);
	struct rf_ng_request req = {
		.command = RF_NG_PLAY_DTMF, .call_id = rf_id_view(&a->id), .from_tag = rf_anchor_tag(a, from),
		.code = { key->event, true }, .duration = { key->ms, true },
	};

	if (!p)
		return -ENOMEM;
	*p = (struct pressed){ a->core, srv };
	int rc = rf_ng_client_ask(rf_relays_client(a->core->relays), &req, a->relay, done, p);

	if (rc) {
		free(p);
		return rc;
	}
	rf_srv_watch(srv, on_srv, p);
	return 0;
}

/* Does the other side take keys by INFO itself? Without the site's word nobody knows: then both speak as they do. */
static bool passes(const struct rf_anchor *a, enum rf_towards from)
{
	int dtmf = rf_anchor_dtmf(a);

	return dtmf == RF_DTMF_AS_SAID || (from == RF_TOWARDS_SITE && dtmf == RF_DTMF_INFO);
}

bool rf_anchor_presses(struct rf_leg *leg, const struct rf_in *in)
{
	struct rf_anchor *a = leg->pair->call->anchor;
	enum rf_towards from = leg->party->host.n ? RF_TOWARDS_SITE : RF_TOWARDS_TRUNKS;
	struct rf_sip_key key;

	if (!a || a->relay == RF_NG_ANY || passes(a, from))
		return false;
	int rc = rf_sip_key_parse(in->msg->content_type, in->msg->body, &key);

	if (rc == RF_E_UNSUPPORTED)
		return false;
	if (rc)
		rf_core_reply(a->core, in->srv, 400, RF_V(""));
	else if (!in_time(a) || press(a, from, &key, in->srv))
		rf_core_reply_headers(a->core, in->srv, 500, RF_V(""), RF_V("Retry-After: 1\r\n"));
	return true;
}

/* ---- by INFO to a trunk */

static struct rf_call *call_of(struct rf_call_core *core, unsigned relay, struct rf_view call_id)
{
	struct rf_node *n = rf_table_first(&core->anchors, rf_hash(&core->hash_key, call_id));

	for (; n; n = rf_table_next(n)) {
		const struct rf_anchor *a = rf_container(n, struct rf_anchor, by_id);

		if (a->relay == (int)relay && rf_view_eq(rf_id_view(&a->id), call_id))
			return a->call;
	}
	return NULL;
}

void rf_anchor_heard(struct rf_call_core *core, unsigned relay, const struct rf_ng_event *e)
{
	struct rf_call *call = call_of(core, relay, e->call_id);
	struct rf_anchor *a = call ? call->anchor : NULL;
	struct rf_sip_key key = { e->code, e->ms < RF_SIP_KEY_MS_MIN ? RF_SIP_KEY_MS_MIN : e->ms > RF_SIP_KEY_MS_MAX ?
				  RF_SIP_KEY_MS_MAX : e->ms };
	uint8_t body[RF_SIP_KEY_BYTES_MAX];
	struct rf_writer w, text;
	struct rf_cli *cli;

	if (!a || rf_anchor_dtmf(a) != RF_DTMF_INFO || !call->up || call->state != RF_CALL_ANSWERED || !in_time(a) ||
	    !rf_view_eq(e->tag, rf_anchor_tag(a, RF_TOWARDS_SITE)))
		return;
	struct rf_leg *leg = call->up->a->party->host.n ? call->up->b : call->up->a;

	rf_writer_init(&text, body, sizeof body);
	rf_sip_key_put(&text, &key);
	if (!text.err && rf_leg_begin(leg, RF_SIP_INFO, &w) == 0)
		rf_leg_send(leg, &w, RF_V("application/dtmf-relay"), rf_view_of(text.buf, text.n), NULL, NULL, &cli);
	rf_secret_wipe(body, sizeof body);
}

/* Told by INFO, the site's keys go no way else; the relay hears them all the same, and tells them on the stream by
 * which this is asked. Nobody waits for the answer. */
void rf_anchor_block_keys(struct rf_anchor *a)
{
	struct rf_ng_request req = { .command = RF_NG_BLOCK_DTMF,
				     .call_id = rf_id_view(&a->id),
				     .from_tag = rf_anchor_tag(a, RF_TOWARDS_SITE),
				     .flags = UINT64_C(1) << RF_NG_DETECT_DTMF };

	if (rf_anchor_dtmf(a) == RF_DTMF_INFO)
		rf_ng_client_tell(rf_relays_client(a->core->relays), &req, a->relay);
}

void rf_anchor_hear_again(struct rf_call_core *core, unsigned relay)
{
	struct rf_call *call;

	TAILQ_FOREACH(call, &core->calls, list)
		if (call->anchor && call->anchor->relay == (int)relay)
			rf_anchor_block_keys(call->anchor);
}
