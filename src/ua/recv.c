/* What comes in: let through or refused, carried to its owner, matched with its transaction, or new. */
#include "ua/ua_int.h"

/* ---- refusing ---- */

/* Who has shown a certificate that we know is dealt with as that peer, never by its address. */
static bool may_be_punished(const struct rf_ua *ua, uint8_t listener, const struct rf_pki_id *id)
{
	return ua->penalties && listener < ua->port_count && ua->ports[listener].outside && !(id && id->present);
}

bool rf_ua_shuts_out(struct rf_ua *ua, uint8_t listener, const struct rf_addr *source, const struct rf_pki_id *id)
{
	if (!may_be_punished(ua, listener, id) || !rf_penalty_blocked(ua->penalties, source, rf_loop_now(ua->loop)))
		return false;
	rf_ua_count(ua, RF_UA_REFUSED_PENALTY);
	return true;
}

bool rf_ua_may_punish(const struct rf_ua *ua, const struct rf_peer *from)
{
	return may_be_punished(ua, from->flow.listener, from->id);
}

void rf_ua_offend(struct rf_ua *ua, const struct rf_peer *from, enum rf_offence offence)
{
	if (rf_ua_may_punish(ua, from))
		rf_penalty_offend(ua->penalties, &from->flow.remote, offence, rf_loop_now(ua->loop));
}

bool rf_ua_may_report(struct rf_ua *ua, uint64_t *ret_more)
{
	struct rf_mono now = rf_loop_now(ua->loop);
	double most = ua->bounds.events_per_s;

	ua->event_tokens += (double)(now.us - ua->event_at.us) * 1e-6 * most;
	ua->event_at = now;
	if (ua->event_tokens > most)
		ua->event_tokens = most;
	if (ua->event_tokens < 1) {
		ua->events_more++;
		rf_ua_count(ua, RF_UA_EVENTS_CUT);
		return false;
	}
	ua->event_tokens -= 1;
	*ret_more = ua->events_more;
	ua->events_more = 0;
	return true;
}

void rf_ua_refused(struct rf_ua *ua, const char *what, const char *text, unsigned code, const struct rf_peer *from)
{
	struct rf_ua_refusal refusal = { .what = what, .text = text, .code = code, .flow = from->flow, .id = from->id };

	if (ua->user->refused && rf_ua_may_report(ua, &refusal.more))
		ua->user->refused(ua->ctx, &refusal);
}

static void send_answer(struct rf_ua *ua, const struct rf_peer *from, struct rf_view bytes)
{
	rf_ua_count(ua, RF_UA_RESPONSES_OUT);
	if (rf_ua_send(ua, &from->flow, bytes, RF_V("")))
		rf_ua_count(ua, RF_UA_SEND_FAILED);
}

static struct rf_sip_source source_of(const struct rf_ua *ua, const struct rf_peer *from,
				      uint8_t buf[static RF_ADDR_TEXT])
{
	struct rf_writer w;

	rf_writer_init(&w, buf, RF_ADDR_TEXT);
	rf_addr_put_host(&w, &from->flow.remote, false);
	return (struct rf_sip_source){ { buf, w.n }, from->flow.remote.port, &ua->oc };
}

/* An answer without state has the same tag each time it is given (RFC 3261 8.2.7). This one is for what is not worth a
 * transaction, malformed messages among them; rf_srv_reply_stateless() has its own. */
static struct rf_view stateless_tag(struct rf_ua *ua, const struct rf_sip_msg *m, uint8_t buf[static 16])
{
	struct rf_view seen = m->has_via ? m->via.text : m->bytes;
	struct rf_writer w;

	rf_writer_init(&w, buf, 16);
	rf_put_hex64(&w, rf_hash(&ua->hash_key, seen) ^ (m->has_call_id ? rf_hash(&ua->hash_key, m->call_id) : 0));
	return rf_view_of(buf, 16);
}

static void answer(struct rf_ua *ua, const struct rf_sip_msg *m, const struct rf_peer *from, unsigned code,
		   struct rf_view tag, struct rf_view headers)
{
	uint8_t ip[RF_ADDR_TEXT], own_tag[16];
	struct rf_sip_source src = source_of(ua, from, ip);
	struct rf_sip_echo echo;
	struct rf_writer w;

	if (rf_sip_echo_make(m, &src, ua->scratch, sizeof ua->scratch, &echo))
		return;
	rf_writer_init(&w, ua->out, RF_UA_UDP_MAX);
	rf_sip_put_response(&w, &echo, code, RF_V(""), tag.n ? tag : stateless_tag(ua, m, own_tag), false);
	if (ua->product.n)
		rf_sip_put_hdr(&w, RF_SIP_H_SERVER, ua->product);
	rf_put(&w, headers);
	rf_sip_put_end(&w);
	if (!w.err)
		send_answer(ua, from, rf_view_of(w.buf, w.n));
}

static void refuse(struct rf_ua *ua, const struct rf_sip_msg *m, const struct rf_peer *from, enum rf_ua_count why,
		   unsigned code, const char *text, struct rf_view headers)
{
	rf_ua_count(ua, why);
	answer(ua, m, from, code, RF_V(""), headers);
	rf_ua_refused(ua, rf_ua_count_name(why), text, code, from);
}

static void busy(struct rf_ua *ua, const struct rf_sip_msg *m, const struct rf_peer *from, enum rf_ua_count why,
		 const char *text)
{
	uint8_t line[64];
	struct rf_writer w;

	rf_writer_init(&w, line, sizeof line);
	rf_sip_put_hdr_u64(&w, RF_SIP_H_RETRY_AFTER, ua->bounds.retry_after_s);
	refuse(ua, m, from, why, 503, text, rf_view_of(line, w.n));
}

/* The parser said no. */
static void refused_by_rule(struct rf_ua *ua, const struct rf_sip_msg *m, const struct rf_peer *from)
{
	const struct rf_sip_rule_info *rule = rf_sip_rule_info(m->rule);
	uint8_t ip[RF_ADDR_TEXT], tag[16];
	struct rf_sip_source src = source_of(ua, from, ip);
	struct rf_writer w;

	if (m->rule == RF_SIP_RULE_EMPTY) { /* a keep-alive of some kind; over UDP nobody expects an answer */
		rf_ua_count(ua, RF_UA_PINGS_IN);
		return;
	}
	rf_ua_count(ua, RF_UA_REFUSED_PARSE);
	rf_ua_bump(&ua->stats.by_rule[m->rule], 1);
	if (m->answer) {
		rf_writer_init(&w, ua->out, RF_UA_UDP_MAX);
		if (!rf_sip_put_refusal(&w, m, &src, stateless_tag(ua, m, tag), ua->scratch, sizeof ua->scratch))
			send_answer(ua, from, rf_view_of(w.buf, w.n));
	}
	rf_ua_refused(ua, rule->name, rule->text, m->answer, from);
	rf_ua_offend(ua, from, RF_OFFENCE_MALFORMED);
}

/* ---- requests ---- */

static void on_ack(struct rf_ua *ua, const struct rf_sip_msg *m, const struct rf_peer *from)
{
	struct rf_writer w;
	struct rf_srv *srv = NULL;

	rf_writer_init(&w, ua->key, sizeof ua->key);
	if (!rf_trans_key_server(m, &w)) {
		struct rf_view key = { w.buf, w.n };

		srv = rf_srv_find(ua, key, rf_hash(&ua->hash_key, key));
		if (srv && !srv->ack_tag.n) {
			rf_srv_ack(srv); /* to a 300-699: that was all */
			return;
		}
	}
	if (!srv && m->to.tag.n)
		srv = rf_srv_find_2xx(ua, m->to.tag, m->cseq);
	if (!srv) {
		uint8_t tag[RF_SRV_TAG];

		if (rf_view_eq(m->to.tag, rf_srv_stateless_tag(ua, rf_view_of(w.buf, w.err ? 0 : w.n), tag)) ||
		    rf_view_eq(m->to.tag, stateless_tag(ua, m, tag)))
			return; /* to an answer that we gave without state */
		rf_ua_count(ua, RF_UA_STRAY_ACK);
	}
	bool theirs = !ua->user->ack || ua->user->ack(ua->ctx, srv, m, from);

	if (srv && theirs && !srv->tx.ended)
		rf_srv_ack(srv);
}

static void on_cancel(struct rf_ua *ua, const struct rf_sip_msg *m, const struct rf_peer *from)
{
	struct rf_srv *srv = NULL;
	struct rf_writer w;

	rf_writer_init(&w, ua->key, sizeof ua->key);
	if (!rf_trans_key_cancelled(m, &w)) {
		struct rf_view key = { w.buf, w.n };

		srv = rf_srv_find(ua, key, rf_hash(&ua->hash_key, key));
	}
	/* Who may cancel: who sent the INVITE, on the same way. A branch that somebody overheard is not enough. */
	if (!srv || !rf_flow_eq(&srv->flow, &from->flow)) {
		refuse(ua, m, from, RF_UA_REFUSED_CANCEL, 481,
		       srv ? "CANCEL from another peer than the INVITE's" : "CANCEL for no known INVITE", RF_V(""));
		return;
	}
	answer(ua, m, from, 200, rf_srv_to_tag(srv), RF_V(""));
	rf_srv_cancel(srv);
}

/* Requests that end here whatever happens, so that they cannot go round in circles. */
static bool ends_here(const struct rf_sip_msg *m)
{
	return m->to.tag.n || m->method == RF_SIP_REGISTER || m->method == RF_SIP_OPTIONS;
}

static bool extensions_ok(struct rf_ua *ua, const struct rf_sip_msg *m, const struct rf_peer *from)
{
	static const enum rf_sip_hid lists[] = { RF_SIP_H_REQUIRE, RF_SIP_H_PROXY_REQUIRE };
	uint8_t tags[1024], text[1100];
	struct rf_writer w, line;

	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
		if (!rf_sip_msg_hdr(m, lists[i]))
			continue;
		rf_writer_init(&w, tags, sizeof tags);
		int n = rf_sip_msg_unsupported(m, lists[i], ua->supported, ua->supported_count, &w);
		if (n == 0)
			continue;
		rf_writer_init(&line, text, sizeof text);
		if (n > 0 && !w.err)
			rf_sip_put_hdr(&line, RF_SIP_H_UNSUPPORTED, rf_view_of(tags, w.n));
		refuse(ua, m, from, RF_UA_REFUSED_EXTENSION, n > 0 ? 420 : 400,
		       n > 0 ? "an extension is required that is not supported here"
			     : "the list of required extensions is malformed",
		       line.err ? RF_V("") : rf_view_of(line.buf, line.n));
		return false;
	}
	return true;
}

/* Is there a reason not to take this new request? Then it was answered. */
static bool turned_away(struct rf_ua *ua, const struct rf_sip_msg *m, const struct rf_peer *from)
{
	if (m->max_forwards == 0 && !ends_here(m)) {
		refuse(ua, m, from, RF_UA_REFUSED_HOPS, 483, "Max-Forwards is used up", RF_V(""));
		return true;
	}
	if (m->uri.scheme == RF_SIP_SCHEME_SIPS && !rf_flow_is_secure(from->flow.kind)) {
		refuse(ua, m, from, RF_UA_REFUSED_SIPS, 403, "a sips URI was asked for without TLS", RF_V(""));
		return true;
	}
	if (!extensions_ok(ua, m, from))
		return true;
	if (ua->drain && !m->to.tag.n) {
		busy(ua, m, from, RF_UA_REFUSED_DRAIN, "the server is ending");
		return true;
	}
	return false;
}

/* A table that is full for others still has places for calls that go on and for calls for help. */
static bool room(struct rf_ua *ua, const struct rf_sip_msg *m, const struct rf_peer *from, bool *ret_kept)
{
	*ret_kept = !rf_tx_room(ua, false, false);
	return !*ret_kept || (ua->user->urgent && ua->user->urgent(ua->ctx, m, from) && rf_tx_room(ua, false, true));
}

static void on_request(struct rf_ua *ua, const struct rf_sip_msg *m, const struct rf_peer *from)
{
	struct rf_writer w;
	struct rf_view merged = { NULL, 0 };
	uint64_t merged_hash = 0;
	bool kept;

	rf_writer_init(&w, ua->key, sizeof ua->key);
	if (rf_trans_key_server(m, &w))
		return; /* the parser asked for all that a key is made of */
	struct rf_view key = { w.buf, w.n };
	uint64_t hash = rf_hash(&ua->hash_key, key);
	struct rf_srv *srv = rf_srv_find(ua, key, hash);
	if (srv) {
		rf_srv_repeated(srv);
		return;
	}
	if (ua->done.count && rf_done_repeated(ua, key, hash))
		return;
	if (turned_away(ua, m, from))
		return;
	if (!m->to.tag.n) {
		rf_writer_init(&w, ua->merged_key, sizeof ua->merged_key);
		if (!rf_trans_key_merged(m, &w))
			merged = rf_view_of(w.buf, w.n);
		merged_hash = rf_hash(&ua->hash_key, merged);
		if (merged.n && rf_srv_find_merged(ua, merged, merged_hash)) {
			refuse(ua, m, from, RF_UA_REFUSED_MERGED, 482, "the same request came by another way",
			       RF_V(""));
			return;
		}
	}
	srv = room(ua, m, from, &kept) ? rf_srv_make(ua, m, from, key, hash, merged, merged_hash) : NULL;
	if (!srv) {
		busy(ua, m, from, RF_UA_REFUSED_TRANSACTIONS, "too many transactions at once");
		return;
	}
	srv->kept = kept;
	ua->user->request(ua->ctx, srv, m, from);
}

/* ---- sorting ---- */

static void sort(struct rf_ua *ua, const struct rf_sip_msg *m, const struct rf_peer *from)
{
	if (!m->is_request) {
		rf_ua_count(ua, RF_UA_RESPONSES_IN);
		if (m->via_count != 1) /* RFC 3261 8.1.3.3 */
			rf_ua_count(ua, RF_UA_STRAY_RESPONSE);
		else
			rf_cli_response(ua, m, from);
		return;
	}
	rf_ua_count(ua, RF_UA_REQUESTS_IN);
	if (m->method == RF_SIP_ACK)
		on_ack(ua, m, from);
	else if (m->method == RF_SIP_CANCEL)
		on_cancel(ua, m, from);
	else
		on_request(ua, m, from);
}

/* The worker that this message is for: -1 when it is for us. */
static int owner(const struct rf_ua *ua, const struct rf_sip_msg *m)
{
	int w = m->is_request ? rf_id_worker(m->to.tag) : rf_branch_worker(m->via.branch);

	return w >= 0 && w != ua->worker && (unsigned)w < ua->workers && ua->peers[w] ? w : -1;
}

/* A final response on its way to another worker: the request does not wait on this connection any more. CANCEL shares
 * the branch of its INVITE, whose end it is not. */
static void note_passing(struct rf_ua *ua, const struct rf_sip_msg *m, const struct rf_peer *from)
{
	if (m->is_request || m->status < 200 || m->cseq_method == RF_SIP_CANCEL || !rf_flow_is_stream(&from->flow) ||
	    ua->wire)
		return;
	struct rf_conn *c = rf_conn_find(ua, from->flow.stream);
	if (c)
		rf_conn_unwait(c, m->via.branch);
}

void rf_ua_receive(struct rf_ua *ua, const struct rf_peer *from, struct rf_view bytes, enum rf_sip_carrier carrier)
{
	struct rf_sip_msg *m = &ua->msg;

	if (rf_ua_shuts_out(ua, from->flow.listener, &from->flow.remote, from->id))
		return;
	if (rf_guard_take(ua->guard, RF_GUARD_MESSAGE, &from->flow.remote, rf_loop_now(ua->loop))) {
		rf_ua_count(ua, RF_UA_REFUSED_RATE);
		rf_ua_refused(ua, rf_ua_count_name(RF_UA_REFUSED_RATE), "more messages per second than the bound", 0,
			      from);
		rf_ua_offend(ua, from, RF_OFFENCE_RATE);
		return;
	}
	if (!rf_flow_is_stream(&from->flow) && !rf_ua_admits(ua, from))
		return;
	if (rf_sip_msg_parse(m, bytes, carrier, ua->limits)) {
		refused_by_rule(ua, m, from);
		return;
	}
	int w = ua->workers > 1 ? owner(ua, m) : -1;
	if (w >= 0) {
		note_passing(ua, m, from);
		rf_mail_message(ua, (unsigned)w, from, bytes, carrier);
		return;
	}
	if (m->is_request && m->via.has_alias && rf_flow_is_stream(&from->flow) && !ua->wire) {
		struct rf_conn *c = rf_conn_find(ua, from->flow.stream);

		if (c)
			rf_conn_alias(c, &m->via);
	}
	sort(ua, m, from);
}

void rf_ua_receive_mail(struct rf_ua *ua, const struct rf_peer *from, struct rf_view bytes, enum rf_sip_carrier carrier)
{
	if (!rf_sip_msg_parse(&ua->msg, bytes, carrier, ua->limits))
		sort(ua, &ua->msg, from);
}

void rf_ua_receive_broken(struct rf_ua *ua, const struct rf_peer *from, struct rf_view bytes, enum rf_sip_rule rule)
{
	rf_sip_msg_parse_refused(&ua->msg, bytes, rule, ua->limits);
	refused_by_rule(ua, &ua->msg, from);
}
