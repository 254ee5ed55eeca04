/* Server transactions. The machine (sip/trans.h) says what to do; here are the bytes: what is echoed is kept from the
 * request, the last response is kept where it may have to be repeated, and nothing else. The repetition of a 2xx and
 * of a reliable provisional is the transaction user's duty by the RFC; we do it for our user. */
#include "ua/ua_int.h"
#include "base/secret.h"

#include <stdlib.h>

enum { TAG_MAX = 256 };

/* ---- making and finding ---- */

static struct rf_view stash(uint8_t **at, struct rf_view v)
{
	struct rf_view kept = { *at, v.n };

	if (v.n)
		memcpy(*at, v.p, v.n);
	*at += v.n;
	return kept;
}

static int make_echo(struct rf_ua *ua, const struct rf_sip_msg *msg, const struct rf_flow *flow,
		     struct rf_sip_echo *ret_echo)
{
	uint8_t ip[RF_ADDR_TEXT];
	struct rf_writer w;

	rf_writer_init(&w, ip, sizeof ip);
	rf_addr_put_host(&w, &flow->remote, false);
	struct rf_sip_source src = { { ip, w.n }, flow->remote.port, &ua->oc };
	return rf_sip_echo_make(msg, &src, ua->scratch, sizeof ua->scratch, ret_echo);
}

struct rf_srv *rf_srv_make(struct rf_ua *ua, const struct rf_sip_msg *msg, const struct rf_peer *from,
			   struct rf_view key, uint64_t hash, struct rf_view merged, uint64_t merged_hash)
{
	struct rf_sip_echo echo;
	struct rf_view stamp = rf_sip_msg_value(msg, RF_SIP_H_TIMESTAMP);
	bool invite = msg->method == RF_SIP_INVITE;

	if (stamp.n > 64) /* it is a number or two; 100 can do without what is not */
		stamp.n = 0;
	if (make_echo(ua, msg, &from->flow, &echo))
		return NULL;
	size_t tag_n = msg->to.tag.n;
	size_t size = sizeof(struct rf_srv) + key.n + merged.n + tag_n + stamp.n + echo.lines.n;
	struct rf_srv *srv = malloc(size);
	if (!srv) {
		rf_ua_count(ua, RF_UA_NO_MEMORY);
		return NULL;
	}
	*srv = (struct rf_srv){ .flow = from->flow, .echo = echo, .cseq = msg->cseq, .method = (uint8_t)msg->method,
				.size = size };
	uint8_t *at = srv->data;
	srv->key = stash(&at, key);
	srv->merged.key = stash(&at, merged);
	srv->request_tag = stash(&at, msg->to.tag);
	srv->timestamp = stash(&at, stamp);
	srv->echo.lines = stash(&at, echo.lines);
	rf_resend_stop(&srv->resend);
	if (rf_table_add(&ua->srv, &srv->tx.node, hash)) {
		free(srv);
		rf_ua_count(ua, RF_UA_NO_MEMORY);
		return NULL;
	}
	rf_tx_init(&srv->tx, ua, false);
	srv->tx.in_table = true;
	ua->srv_bytes += size;
	if (merged.n && rf_table_add(&ua->merged, &srv->merged.node, merged_hash))
		srv->merged.key.n = 0; /* then its twin goes undetected; RFC 3261 8.2.2.2 is a courtesy */
	rf_trans_start(&srv->tx.trans, invite ? RF_TRANS_IST : RF_TRANS_NIST, rf_flow_is_stream(&from->flow),
		       ua->timers, rf_loop_now(ua->loop));
	rf_tx_arm(&srv->tx, rf_mono_never());
	return srv;
}

struct rf_srv *rf_srv_find(struct rf_ua *ua, struct rf_view key, uint64_t hash)
{
	for (struct rf_node *n = rf_table_first(&ua->srv, hash); n; n = rf_table_next(n)) {
		struct rf_srv *srv = rf_container(n, struct rf_srv, tx.node);

		if (rf_view_eq(srv->key, key))
			return srv;
	}
	return NULL;
}

bool rf_srv_find_merged(struct rf_ua *ua, struct rf_view merged, uint64_t hash)
{
	for (struct rf_node *n = rf_table_first(&ua->merged, hash); n; n = rf_table_next(n))
		if (rf_view_eq(rf_container(n, struct rf_merged, node)->key, merged))
			return true;
	return false;
}

struct rf_srv *rf_srv_find_2xx(struct rf_ua *ua, struct rf_view to_tag, uint32_t cseq)
{
	uint64_t hash = rf_hash(&ua->hash_key, to_tag);

	for (struct rf_node *n = rf_table_first(&ua->acks, hash); n; n = rf_table_next(n)) {
		struct rf_srv *srv = rf_container(n, struct rf_srv, ack_node);

		if (srv->cseq == cseq && rf_view_eq(srv->ack_tag, to_tag))
			return srv;
	}
	return NULL;
}

/* ---- events ---- */

static void tell(struct rf_srv *srv, enum rf_srv_event event)
{
	if (srv->fn)
		srv->fn(srv->arg, srv, event);
}

void rf_srv_watch(struct rf_srv *srv, rf_srv_event_fn *fn, void *arg)
{
	srv->fn = fn;
	srv->arg = arg;
}

static void arm(struct rf_srv *srv)
{
	rf_tx_arm(&srv->tx, rf_mono_first(rf_resend_next(&srv->resend), rf_srv_rel_next(srv)));
}

static void forget_2xx(struct rf_srv *srv)
{
	if (!srv->ack_tag.n)
		return;
	rf_table_del(&srv->tx.ua->acks, &srv->ack_node);
	free((void *)(uintptr_t)srv->ack_tag.p);
	srv->ack_tag.n = 0;
	rf_ua_bump(&srv->tx.ua->stats.acks_now, -1);
}

/* Nobody watches and only repetitions can come: they need less than this. Without memory for that it stays as it is. */
static void shrink(struct rf_srv *srv)
{
	if (srv->tx.ended || srv->fn || !srv->last_n || srv->method == RF_SIP_INVITE ||
	    srv->tx.trans.state != RF_TRANS_COMPLETED)
		return;
	int rc = rf_done_keep(srv->tx.ua, &(struct rf_done_conf){
		.key = srv->key, .hash = srv->tx.node.hash,
		.merged = srv->merged.key, .merged_hash = srv->merged.node.hash,
		.answer = { srv->last, srv->last_n },
		.flow = srv->flow,
		.end_at = srv->tx.trans.end_at,
	});
	if (!rc)
		rf_tx_leave(&srv->tx);
}

void rf_srv_uncount(struct rf_srv *srv)
{
	srv->tx.ua->srv_bytes -= srv->size + srv->last_n + rf_srv_rel_bytes(srv);
}

void rf_srv_finish(struct rf_srv *srv)
{
	struct rf_ua *ua = srv->tx.ua;

	shrink(srv);

	if (srv->failed) {
		srv->failed = false;
		tell(srv, RF_SRV_FAILED);
	}
	if (!srv->tx.ended || srv->tx.is_pending)
		return; /* it goes on, or comes here again at the end */
	tell(srv, RF_SRV_GONE);
	forget_2xx(srv);
	if (srv->merged.key.n)
		rf_table_del(&ua->merged, &srv->merged.node);
	rf_secret_free(srv->last, srv->last_n);
	rf_srv_rel_drop_all(srv);
	free(srv);
	rf_ua_bump(&ua->stats.srv_now, -1);
}

/* ---- sending ---- */

void rf_srv_send(struct rf_srv *srv, struct rf_view bytes, bool again)
{
	struct rf_ua *ua = srv->tx.ua;

	if (!bytes.n)
		return; /* nothing is kept for a stream, on which nothing is repeated */
	if (again)
		rf_ua_count(ua, RF_UA_REPEATED_OUT);
	rf_ua_count(ua, RF_UA_RESPONSES_OUT);
	if (rf_ua_send(ua, &srv->flow, bytes, RF_V(""))) {
		rf_ua_count(ua, RF_UA_SEND_FAILED);
		if (rf_trans_step(&srv->tx.trans, RF_TRANS_BROKEN, 0, rf_loop_now(ua->loop)) & RF_TRANS_FAILED) {
			srv->failed = true;
			rf_tx_defer(&srv->tx);
		}
	}
}

static int keep(struct rf_ua *ua, uint8_t **slot, size_t *slot_n, struct rf_view bytes)
{
	uint8_t *p = malloc(bytes.n);

	if (!p)
		return -ENOMEM;
	memcpy(p, bytes.p, bytes.n);
	rf_secret_free(*slot, *slot_n);
	ua->srv_bytes += bytes.n - *slot_n;
	*slot = p;
	*slot_n = bytes.n;
	return 0;
}

static void forget(struct rf_ua *ua, uint8_t **slot, size_t *slot_n)
{
	ua->srv_bytes -= *slot_n;
	rf_secret_free(*slot, *slot_n);
	*slot = NULL;
	*slot_n = 0;
}

static bool forms_dialog(uint8_t method)
{
	return method == RF_SIP_INVITE || method == RF_SIP_SUBSCRIBE || method == RF_SIP_REFER ||
	       method == RF_SIP_NOTIFY;
}

struct rf_view rf_srv_to_tag(struct rf_srv *srv)
{
	if (srv->request_tag.n)
		return srv->request_tag;
	if (!srv->tag_made) {
		rf_ua_make_id(srv->tx.ua, &srv->tag);
		srv->tag_made = true;
	}
	return rf_id_view(&srv->tag);
}

/* A tag of ours that the user gives is the transaction's from then on: the answer to a CANCEL has it too (9.2). */
static struct rf_view tag_for(struct rf_srv *srv, struct rf_view wanted)
{
	if (srv->request_tag.n || !wanted.n)
		return rf_srv_to_tag(srv);
	if (!srv->tag_made && wanted.n == RF_ID_LEN) {
		memcpy(srv->tag.text, wanted.p, RF_ID_LEN);
		srv->tag_made = true;
	}
	return wanted;
}

static int build(struct rf_srv *srv, const struct rf_srv_reply *r, struct rf_view tag, struct rf_view *ret_bytes)
{
	struct rf_ua *ua = srv->tx.ua;
	struct rf_writer w;

	rf_writer_init(&w, ua->out, RF_UA_UDP_MAX);
	rf_sip_put_response(&w, &srv->echo, r->code, r->reason, tag,
			    r->code > 100 && r->code < 300 && forms_dialog(srv->method));
	if (r->code == 100 && srv->timestamp.n) /* RFC 3261 8.2.6.1 */
		rf_sip_put_hdr(&w, RF_SIP_H_TIMESTAMP, srv->timestamp);
	if (ua->product.n)
		rf_sip_put_hdr(&w, RF_SIP_H_SERVER, ua->product);
	rf_put(&w, r->headers);
	rf_sip_put_body(&w, r->content_type, r->body);
	return w.err == RF_E_SPACE ? RF_E_LIMIT : rf_writer_done(&w, ret_bytes);
}

/* ---- answering ---- */

/* A 2xx to INVITE is under way: repeat it until an ACK with this To tag and CSeq comes. */
static int await_ack(struct rf_srv *srv, struct rf_view tag)
{
	struct rf_ua *ua = srv->tx.ua;
	uint8_t *p = tag.n ? malloc(tag.n) : NULL;

	if (!p)
		return -ENOMEM;
	memcpy(p, tag.p, tag.n);
	int rc = rf_table_add(&ua->acks, &srv->ack_node, rf_hash(&ua->hash_key, tag));
	if (rc) {
		free(p);
		return rc;
	}
	srv->ack_tag = rf_view_of(p, tag.n);
	rf_ua_bump(&ua->stats.acks_now, 1);
	return 0;
}

/* What must be there before the machine is asked, so that a failure leaves it as it was. */
static int prepare(struct rf_srv *srv, const struct rf_srv_reply *r, struct rf_view tag, struct rf_view bytes)
{
	bool invite_2xx = srv->method == RF_SIP_INVITE && r->code >= 200 && r->code < 300;

	int rc = r->reliable && r->code > 100 && r->code < 200 ? rf_srv_rel_keep(srv, tag, bytes) : 0;

	if (rc)
		return rc;
	if ((invite_2xx || !srv->tx.trans.reliable) && keep(srv->tx.ua, &srv->last, &srv->last_n, bytes))
		return -ENOMEM;
	return invite_2xx ? await_ack(srv, tag) : 0;
}

static void after_reply(struct rf_srv *srv, const struct rf_srv_reply *r, struct rf_view tag)
{
	struct rf_mono now = rf_loop_now(srv->tx.ua->loop);

	if (r->code >= 200) {
		srv->final = true;
		rf_srv_rel_drop_all(srv);
		if (srv->ack_tag.n)
			rf_resend_start_2xx(&srv->resend, srv->tx.ua->timers, now);
		if (srv->method != RF_SIP_INVITE) {
			rf_tx_quiet(&srv->tx);
			rf_tx_defer(&srv->tx);
		}
	} else if (r->reliable) {
		rf_srv_rel_start(srv, tag);
	}
}

static bool may_reply(const struct rf_srv *srv, const struct rf_srv_reply *r)
{
	return !srv->tx.ended && !srv->final &&
	       (r->code >= 200 || r->code == 100 || srv->method == RF_SIP_INVITE);
}

static int answer(struct rf_srv *srv, const struct rf_srv_reply *reply)
{
	struct rf_view tag = { NULL, 0 }, bytes;

	if (reply->code < 100 || reply->code > 699 || reply->to_tag.n > TAG_MAX)
		return RF_E_MALFORMED;
	if (!may_reply(srv, reply))
		return RF_E_STATE;
	if (reply->code > 100)
		tag = tag_for(srv, reply->to_tag);
	int rc = build(srv, reply, tag, &bytes);
	if (!rc)
		rc = prepare(srv, reply, tag, bytes);
	if (rc) {
		rf_secret_wipe(srv->tx.ua->out, sizeof srv->tx.ua->out);
		return rc;
	}
	unsigned todo = rf_trans_step(&srv->tx.trans, RF_TRANS_REPLY, reply->code, rf_loop_now(srv->tx.ua->loop));
	if (!(todo & RF_TRANS_REFUSED))
		after_reply(srv, reply, tag);
	else if (reply->code >= 200)
		srv->final = true; /* 408: it goes on in silence */
	if (todo & RF_TRANS_SEND_RESPONSE)
		rf_srv_send(srv, bytes, false);
	if (reply->body.n) /* keys of media: the buffer is everybody's */
		rf_secret_wipe(srv->tx.ua->out, bytes.n);
	if (todo & RF_TRANS_TERMINATED)
		rf_tx_end(&srv->tx);
	else
		arm(srv);
	return todo & RF_TRANS_REFUSED ? RF_E_STATE : 0;
}

struct rf_view rf_srv_stateless_tag(const struct rf_ua *ua, struct rf_view key, uint8_t buf[static RF_SRV_TAG])
{
	struct rf_writer w;

	rf_writer_init(&w, buf, RF_SRV_TAG);
	rf_put_hex64(&w, rf_hash(&ua->tag_key, key));
	return rf_view_of(buf, w.n);
}

int rf_srv_reply_stateless(struct rf_srv *srv, const struct rf_srv_reply *reply)
{
	uint8_t tag[RF_SRV_TAG];
	struct rf_view bytes;

	if (reply->code < 300 || srv->tx.trans.code || srv->tag_made || srv->request_tag.n || reply->to_tag.n)
		return answer(srv, reply);
	if (reply->code > 699)
		return RF_E_MALFORMED;
	if (!may_reply(srv, reply))
		return RF_E_STATE;
	int rc = build(srv, reply, rf_srv_stateless_tag(srv->tx.ua, srv->key, tag), &bytes);
	if (rc)
		return rc;
	srv->final = true;
	rf_srv_send(srv, bytes, false);
	rf_tx_end(&srv->tx);
	return 0;
}

/* A place that is kept is for what goes on, not for the memory of a refusal. */
int rf_srv_reply(struct rf_srv *srv, const struct rf_srv_reply *reply)
{
	return srv->kept && reply->code >= 300 ? rf_srv_reply_stateless(srv, reply) : answer(srv, reply);
}

int rf_srv_reply_code(struct rf_srv *srv, unsigned code)
{
	return rf_srv_reply(srv, &(struct rf_srv_reply){ .code = code });
}

int rf_srv_reply_with(struct rf_srv *srv, unsigned code, struct rf_view headers)
{
	return rf_srv_reply(srv, &(struct rf_srv_reply){ .code = code, .headers = headers });
}

void rf_srv_pracked(struct rf_srv *srv, struct rf_view to_tag)
{
	if (srv->final || srv->tx.ended)
		return;
	rf_srv_rel_drop(srv, to_tag);
	arm(srv);
}

/* The 100 of the machine, when the user is slow. It is repeated when the request is, so it is kept. */
static void send_100(struct rf_srv *srv)
{
	struct rf_view bytes;

	if (build(srv, &(struct rf_srv_reply){ .code = 100 }, RF_V(""), &bytes))
		return;
	if (!srv->tx.trans.reliable && keep(srv->tx.ua, &srv->last, &srv->last_n, bytes))
		rf_ua_count(srv->tx.ua, RF_UA_NO_MEMORY); /* then a repetition goes unanswered
							   * until the next response */
	rf_srv_send(srv, bytes, false);
}

/* ---- what comes in ---- */

void rf_srv_repeated(struct rf_srv *srv)
{
	rf_ua_count(srv->tx.ua, RF_UA_REPEATED_IN);
	if (rf_trans_step(&srv->tx.trans, RF_TRANS_REQUEST, 0, rf_loop_now(srv->tx.ua->loop)) & RF_TRANS_SEND_RESPONSE)
		rf_srv_send(srv, rf_view_of(srv->last, srv->last_n), true);
	if (srv->tx.is_idle)
		rf_tx_quiet(&srv->tx);
}

bool rf_srv_ack(struct rf_srv *srv)
{
	unsigned todo = rf_trans_step(&srv->tx.trans, RF_TRANS_ACK, 0, rf_loop_now(srv->tx.ua->loop));

	if (todo & RF_TRANS_TERMINATED) {
		rf_tx_end(&srv->tx);
		return false;
	}
	if (srv->tx.trans.state == RF_TRANS_CONFIRMED || (todo & RF_TRANS_TO_USER)) {
		srv->acked = true;
		rf_resend_stop(&srv->resend);
		forget(srv->tx.ua, &srv->last, &srv->last_n); /* Accepted and Confirmed repeat nothing */
		rf_tx_quiet(&srv->tx);
	}
	arm(srv);
	return (todo & RF_TRANS_TO_USER) != 0;
}

void rf_srv_cancel(struct rf_srv *srv)
{
	if (srv->final || srv->cancelled || srv->tx.ended)
		return;
	srv->cancelled = true;
	tell(srv, RF_SRV_CANCELLED);
}

void rf_srv_tick(struct rf_srv *srv)
{
	struct rf_ua *ua = srv->tx.ua;
	struct rf_mono now = rf_loop_now(ua->loop);

	switch (rf_resend_step(&srv->resend, now)) {
	case RF_RESEND_NOW:
		rf_srv_send(srv, rf_view_of(srv->last, srv->last_n), true);
		break;
	case RF_RESEND_GIVE_UP:
		tell(srv, RF_SRV_NO_ACK);
		break;
	default:
		break;
	}
	if (rf_srv_rel_step(srv, now))
		tell(srv, RF_SRV_NO_PRACK);
	unsigned todo = rf_trans_step(&srv->tx.trans, RF_TRANS_TIMER, 0, now);
	if (todo & RF_TRANS_SEND_100)
		send_100(srv);
	if (todo & RF_TRANS_SEND_RESPONSE)
		rf_srv_send(srv, rf_view_of(srv->last, srv->last_n), true);
	if (todo & RF_TRANS_TIMEOUT) {
		srv->final = true;
		tell(srv, srv->method == RF_SIP_INVITE ? RF_SRV_NO_ACK : RF_SRV_LATE);
	}
	if (todo & RF_TRANS_TERMINATED)
		rf_tx_end(&srv->tx);
	else
		arm(srv);
}

/* ---- questions ---- */

bool rf_srv_answered(const struct rf_srv *srv)
{
	return srv->final || srv->tx.ended;
}

const struct rf_flow *rf_srv_flow(const struct rf_srv *srv)
{
	return &srv->flow;
}
