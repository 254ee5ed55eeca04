/* Connections: one struct rf_conn for each stream, found by its number (flows) and, when we may send new requests on
 * it, by the address it leads to (RFC 5923). Bytes become messages here. */
#include "ua/ua_int.h"

#include <stdlib.h>

struct rf_conn *rf_conn_find(struct rf_ua *ua, uint64_t stream)
{
	uint64_t hash = rf_hash(&ua->hash_key, rf_view_of(&stream, sizeof stream));

	for (struct rf_node *n = rf_table_first(&ua->conn_ids, hash); n; n = rf_table_next(n)) {
		struct rf_conn *c = rf_container(n, struct rf_conn, by_id);

		if (rf_stream_id(c->stream) == stream)
			return c;
	}
	return NULL;
}

static struct rf_flow flow_of(const struct rf_conn *c)
{
	return (struct rf_flow){
		.remote = *rf_stream_remote(c->stream),
		.local = *rf_stream_local(c->stream),
		.stream = rf_stream_id(c->stream),
		.kind = c->kind,
		.worker = c->ua->worker,
		.listener = c->listener,
	};
}

const struct rf_peer *rf_conn_peer(struct rf_conn *c)
{
	struct rf_ua *ua = c->ua;

	ua->peer = (struct rf_peer){
		.flow = flow_of(c),
		.tls_version = rf_stream_tls_version(c->stream),
		.tls_cipher = rf_stream_tls_cipher(c->stream),
		.label = { c->label, c->label_n },
	};
	if (c->id) {
		memcpy(&ua->peer_id, c->id, c->id_n);
		memset((uint8_t *)&ua->peer_id + c->id_n, 0, sizeof ua->peer_id - c->id_n);
		ua->peer.id = &ua->peer_id;
	}
	return &ua->peer;
}

/* ---- life ---- */

static void free_conn(struct rf_conn *c)
{
	for (struct rf_waiter *w = c->waiters, *next; w; w = next) {
		next = w->next;
		free(w);
	}
	rf_wsconn_free(c);
	free(c->id);
	free(c->tls_name);
	free(c->label);
	free(c);
}

static struct rf_conn *make(struct rf_ua *ua, struct rf_stream *s, uint8_t kind, uint8_t listener)
{
	uint64_t id = rf_stream_id(s);
	struct rf_conn *c = calloc(1, sizeof *c);

	if (!c)
		return NULL;
	*c = (struct rf_conn){ .ua = ua, .stream = s, .kind = kind, .listener = listener };
	LIST_INIT(&c->clis);
	if ((rf_flow_is_ws(kind) && rf_wsconn_make(c)) ||
	    rf_table_add(&ua->conn_ids, &c->by_id, rf_hash(&ua->hash_key, rf_view_of(&id, sizeof id)))) {
		free_conn(c);
		return NULL;
	}
	rf_stream_set_arg(s, c);
	rf_ua_bump(&ua->stats.flows_now, 1);
	return c;
}

static void on_accept(struct rf_stream *s, void *listener_arg)
{
	struct rf_port *p = listener_arg;

	rf_stream_set_arg(s, NULL);
	if (rf_ua_shuts_out(p->ua, p->index, rf_stream_remote(s), NULL)) {
		rf_stream_abort(s);
		return;
	}
	if (p->ua->drain || !make(p->ua, s, p->kind, p->index)) {
		if (!p->ua->drain)
			rf_ua_count(p->ua, RF_UA_NO_MEMORY);
		rf_stream_abort(s);
	}
}

static void keep_id(struct rf_conn *c, const struct rf_pki_id *id)
{
	if (!id || !id->present)
		return;
	/* A small part of the struct is used as a rule: its empty end is not kept. */
	size_t n = rf_pki_id_used(id);
	c->id = malloc(n);
	c->id_n = (uint16_t)n;
	if (c->id)
		memcpy(c->id, id, n);
}

static void on_open(struct rf_stream *s, const struct rf_pki_id *id)
{
	struct rf_conn *c = rf_stream_arg(s);

	if (!c)
		return;
	keep_id(c, id);
	if (id && id->present && !c->id) { /* a peer that proved itself must not go on as one that did not */
		rf_ua_count(c->ua, RF_UA_NO_MEMORY);
		rf_stream_abort(s);
		return;
	}
	if (c->ws)
		rf_wsconn_begin(c);
	else
		rf_conn_opened(c);
}

/* From its age on it takes no new request of ours, and ends as soon as nobody waits for anything on it. */
static void on_age(struct rf_timer *t)
{
	struct rf_conn *c = rf_container(t, struct rf_age, timer)->conn;
	const struct rf_ua_user *user = c->ua->user;

	c->aged = true;
	if (LIST_EMPTY(&c->clis) && !c->waiters && (!user->may_end || user->may_end(c->ua->ctx, rf_conn_peer(c)))) {
		rf_ua_count(c->ua, RF_UA_FLOWS_AGED);
		rf_conn_close(c);
	} else {
		rf_timer_start(c->ua->wheel, t, RF_UA_AGE_AGAIN_MS);
	}
}

static void begin_age(struct rf_conn *c)
{
	if (!c->ua->stream_age_ms)
		return;
	c->age = calloc(1, sizeof *c->age);
	if (!c->age) { /* then it may not stay at all */
		rf_ua_count(c->ua, RF_UA_NO_MEMORY);
		rf_conn_abort(c);
		return;
	}
	c->age->conn = c;
	rf_timer_init(&c->age->timer, on_age);
	rf_timer_start(c->ua->wheel, &c->age->timer, c->ua->stream_age_ms);
}

bool rf_ua_admits(struct rf_ua *ua, const struct rf_peer *from)
{
	if (!ua->user->admit || ua->user->admit(ua->ctx, from))
		return true;
	rf_ua_count(ua, RF_UA_REFUSED_PEER);
	rf_ua_refused(ua, rf_ua_count_name(RF_UA_REFUSED_PEER), "a peer that nobody here knows", 0, from);
	rf_ua_offend(ua, from, RF_OFFENCE_STRANGER);
	return false;
}

void rf_conn_opened(struct rf_conn *c)
{
	if (c->listener != RF_FLOW_OUTBOUND && !rf_ua_admits(c->ua, rf_conn_peer(c))) {
		rf_conn_abort(c);
		return;
	}
	begin_age(c);
	c->opened = true;
	rf_ua_count(c->ua, RF_UA_FLOWS_OPENED);
	if (c->ua->user->flow_open)
		c->ua->user->flow_open(c->ua->ctx, rf_conn_peer(c));
}

int rf_conn_send(struct rf_conn *c, struct rf_view bytes)
{
	if (c->doomed)
		return RF_E_CLOSED;
	return c->ws ? rf_wsconn_send(c, bytes) : rf_stream_send(c->stream, bytes);
}

void rf_conn_close(struct rf_conn *c)
{
	c->doomed = true;
	if (c->ws)
		rf_wsconn_close(c);
	rf_stream_close(c->stream);
}

void rf_conn_abort(struct rf_conn *c)
{
	c->doomed = true;
	rf_stream_abort(c->stream);
}

static void forget_addr(struct rf_conn *c)
{
	if (c->in_addr)
		rf_table_del(&c->ua->conn_addrs, &c->by_addr);
	c->in_addr = false;
}

static void forget_keep(struct rf_conn *c)
{
	if (!c->keep)
		return;
	rf_timer_stop(c->ua->wheel, &c->keep->timer);
	free(c->keep);
	c->keep = NULL;
}

static void forget_age(struct rf_conn *c)
{
	if (!c->age)
		return;
	rf_timer_stop(c->ua->wheel, &c->age->timer);
	free(c->age);
	c->age = NULL;
}

static void unlink_conn(struct rf_conn *c)
{
	rf_table_del(&c->ua->conn_ids, &c->by_id);
	forget_addr(c);
	forget_keep(c);
	forget_age(c);
	rf_ua_bump(&c->ua->stats.flows_now, -1);
}

/* Whatever waited for an answer on this connection gets none. */
static void break_waiting(struct rf_conn *c, int err)
{
	for (struct rf_cli *cli; (cli = LIST_FIRST(&c->clis));)
		rf_cli_broken(cli, err);
	for (struct rf_waiter *w = c->waiters; w; w = w->next)
		rf_mail_bounce(c->ua, w->worker, rf_branch_view(&w->branch), err);
}

static void tell_closed(struct rf_conn *c, const struct rf_stream_end *end)
{
	struct rf_ua *ua = c->ua;
	const struct rf_peer *peer = rf_conn_peer(c);

	if (c->opened) {
		rf_ua_count(ua, RF_UA_FLOWS_CLOSED);
		if (ua->user->flow_closed)
			ua->user->flow_closed(ua->ctx, peer, end);
	} else if (end->why == RF_WHY_HANDSHAKE && c->listener != RF_FLOW_OUTBOUND) {
		uint64_t more;

		rf_ua_count(ua, RF_UA_TLS_REFUSED);
		rf_ua_offend(ua, peer, RF_OFFENCE_HANDSHAKE);
		if (ua->user->tls_refused && rf_ua_may_report(ua, &more))
			ua->user->tls_refused(ua->ctx, &peer->flow, end);
	}
}

static void on_closed(struct rf_stream *s, const struct rf_stream_end *end)
{
	struct rf_conn *c = rf_stream_arg(s);

	if (!c)
		return;
	unlink_conn(c);
	break_waiting(c, end->err ? end->err : end->why == RF_WHY_HANDSHAKE ? RF_E_AUTH : RF_E_CLOSED);
	tell_closed(c, end);
	free_conn(c);
}

void rf_conn_drop_all(struct rf_ua *ua)
{
	for (size_t i = 0; ua->conn_ids.slots && i <= ua->conn_ids.mask; i++)
		for (struct rf_node *n; (n = ua->conn_ids.slots[i]);) {
			struct rf_conn *c = rf_container(n, struct rf_conn, by_id);
			struct rf_stream *s = c->stream;

			unlink_conn(c);
			free_conn(c);
			rf_stream_set_arg(s, NULL);
			rf_stream_abort(s);
		}
}

/* ---- bytes ---- */

static void broken_frame(struct rf_conn *c, struct rf_view bytes)
{
	rf_ua_count(c->ua, RF_UA_REFUSED_FRAME);
	rf_ua_receive_broken(c->ua, rf_conn_peer(c), bytes, (enum rf_sip_rule)c->frame.rule);
	rf_conn_close(c);
}

static void on_pong(struct rf_conn *c)
{
	rf_ua_count(c->ua, RF_UA_PONGS_IN);
	if (!c->keep)
		return;
	c->keep->waiting = false;
	rf_timer_start(c->ua->wheel, &c->keep->timer, c->keep->interval_ms);
}

static size_t on_data(struct rf_stream *s, struct rf_view bytes)
{
	struct rf_conn *c = rf_stream_arg(s);
	size_t used = 0, n = 0;

	if (c && c->ws)
		return rf_wsconn_data(c, bytes);
	while (c && !c->doomed && used < bytes.n) {
		struct rf_view rest = rf_view_from(bytes, used);

		switch (rf_sip_frame_next(&c->frame, rest, c->ua->limits, &n)) {
		case RF_SIP_FRAME_MORE:
			return used;
		case RF_SIP_FRAME_PING:
			rf_ua_count(c->ua, RF_UA_PINGS_IN);
			rf_stream_send(s, RF_V("\r\n"));
			break;
		case RF_SIP_FRAME_PONG:
			on_pong(c);
			break;
		case RF_SIP_FRAME_MESSAGE:
			rf_ua_receive(c->ua, rf_conn_peer(c), rf_view_sub(rest, 0, n), RF_SIP_STREAM);
			break;
		case RF_SIP_FRAME_ERROR:
			broken_frame(c, rf_view_sub(rest, 0, n));
			return bytes.n;
		}
		used += n;
	}
	return used > bytes.n || !c || c->doomed ? bytes.n : used;
}

const struct rf_stream_ops rf_conn_ops = {
	.on_accept = on_accept,
	.on_open = on_open,
	.on_data = on_data,
	.on_closed = on_closed,
};

/* ---- to an address ---- */

static uint64_t addr_hash(struct rf_ua *ua, const struct rf_addr *addr, uint8_t kind)
{
	return rf_addr_hash(&ua->hash_key, addr) + kind;
}

/* May a request for who go out on c? One that we dialled under that name with the same authorities; one that the peer
 * dialled if its certificate is that domain's own (RFC 5922 7.2: a sip URI without user part), not merely one from that
 * domain, and from the site's CA. */
static bool leads_to(const struct rf_conn *c, const struct rf_hop *hop, const struct rf_tls_who *who)
{
	static const uint8_t ours[sizeof c->id->authority];
	struct rf_addr remote = *rf_stream_remote(c->stream);

	if (c->kind != hop->kind || c->doomed || c->aged)
		return false;
	if (c->listener == RF_FLOW_OUTBOUND)
		return rf_addr_eq(&remote, &hop->addr) && c->from == who->from &&
		       (c->kind == RF_FLOW_TCP ||
			(c->tls == who->tls && rf_view_eq_nocase(rf_view_str(c->tls_name), who->name)));
	remote.port = c->alias_port;
	if (!c->id || who->tls || memcmp(c->id->authority, ours, sizeof ours) != 0 || !rf_addr_eq(&remote, &hop->addr))
		return false;
	struct rf_sip_uri uri;
	return !rf_sip_uri_parse(rf_view_str(c->id->uri), &uri) && rf_sip_uri_is_sip(&uri) && !uri.user.n &&
	       rf_view_eq_nocase(uri.host, who->name);
}

static struct rf_conn *find_to(struct rf_ua *ua, const struct rf_hop *hop, const struct rf_tls_who *who)
{
	uint64_t hash = addr_hash(ua, &hop->addr, hop->kind);

	for (struct rf_node *n = rf_table_first(&ua->conn_addrs, hash); n; n = rf_table_next(n)) {
		struct rf_conn *c = rf_container(n, struct rf_conn, by_addr);

		if (leads_to(c, hop, who))
			return c;
	}
	return NULL;
}

static void note_addr(struct rf_conn *c, const struct rf_addr *addr)
{
	c->in_addr = !rf_table_add(&c->ua->conn_addrs, &c->by_addr, addr_hash(c->ua, addr, c->kind));
}

void rf_conn_alias(struct rf_conn *c, const struct rf_sip_via *via)
{
	struct rf_addr addr = *rf_stream_remote(c->stream);

	if (c->in_addr || c->listener == RF_FLOW_OUTBOUND || c->kind != RF_FLOW_TLS || !c->id)
		return;
	c->alias_port = addr.port = via->port ? via->port : 5061;
	note_addr(c, &addr);
}

static int dial(struct rf_ua *ua, const struct rf_hop *hop, const struct rf_tls_who *who, struct rf_conn **ret_c)
{
	struct rf_tls *tls = who->tls ? who->tls : ua->tls_client;
	struct rf_view tls_name = who->name;
	struct rf_stream_conf conf = {
		.remote = hop->addr,
		.tls = hop->kind == RF_FLOW_TLS ? tls : NULL,
		.name = hop->kind == RF_FLOW_TLS ? tls_name : RF_V(""),
		.ops = &rf_conn_ops,
	};
	struct rf_stream *s;
	char *name = NULL;

	if (who->from)
		conf.local = who->from[hop->addr.family == 6];
	if (hop->kind == RF_FLOW_TLS) {
		if (!tls)
			return RF_E_UNSUPPORTED;
		name = malloc(tls_name.n + 1);
		if (!name || !rf_view_cstr(tls_name, name, tls_name.n + 1)) {
			free(name);
			return name ? RF_E_INVALID : -ENOMEM;
		}
	}
	int rc = rf_stream_connect(ua->net, &conf, &s);
	if (rc) {
		free(name);
		return rc;
	}
	struct rf_conn *c = make(ua, s, hop->kind, RF_FLOW_OUTBOUND);
	if (!c) {
		free(name);
		rf_stream_abort(s); /* its arg is NULL, so that its end goes by without us */
		return -ENOMEM;
	}
	c->tls_name = name;
	c->tls = who->tls;
	c->from = who->from;
	note_addr(c, &hop->addr);
	*ret_c = c;
	return 0;
}

int rf_conn_to(struct rf_ua *ua, const struct rf_hop *hop, const struct rf_tls_who *who, struct rf_flow *ret_flow)
{
	struct rf_conn *c = find_to(ua, hop, who);
	int rc = c ? 0 : dial(ua, hop, who, &c);

	if (rc)
		return rc;
	*ret_flow = flow_of(c);
	return 0;
}

/* ---- other workers' requests that wait here ---- */

/* At the bound the one that has waited longest is forgotten: its own timer ends it. */
static void forget_oldest(struct rf_conn *c)
{
	struct rf_waiter **link = &c->waiters;

	while ((*link)->next)
		link = &(*link)->next;
	free(*link);
	*link = NULL;
	c->waiter_n--;
}

int rf_conn_wait(struct rf_conn *c, uint8_t worker, struct rf_view branch)
{
	for (struct rf_waiter *w = c->waiters; w; w = w->next)
		if (rf_view_eq(rf_branch_view(&w->branch), branch))
			return 0;
	struct rf_waiter *w = malloc(sizeof *w);
	if (!w)
		return -ENOMEM;
	if (c->waiter_n >= RF_UA_WAITERS_MAX)
		forget_oldest(c);
	*w = (struct rf_waiter){ .next = c->waiters, .worker = worker };
	memcpy(w->branch.text, branch.p, sizeof w->branch.text);
	c->waiters = w;
	c->waiter_n++;
	return 0;
}

void rf_conn_unwait(struct rf_conn *c, struct rf_view branch)
{
	for (struct rf_waiter **link = &c->waiters; *link; link = &(*link)->next) {
		struct rf_waiter *w = *link;

		if (!rf_view_eq(rf_branch_view(&w->branch), branch))
			continue;
		*link = w->next;
		free(w);
		c->waiter_n--;
		return;
	}
}

/* ---- the user's ---- */

bool rf_ua_flow_alive(const struct rf_ua *ua, const struct rf_flow *flow)
{
	if (!rf_flow_is_stream(flow))
		return flow->kind == RF_FLOW_UDP;
	if (flow->worker != ua->worker)
		return flow->worker < ua->workers;
	const struct rf_conn *c = rf_conn_find((struct rf_ua *)(uintptr_t)ua, flow->stream);
	return c && c->opened && !c->doomed && rf_stream_is_open(c->stream);
}

void rf_ua_flow_close(struct rf_ua *ua, const struct rf_flow *flow)
{
	if (!rf_flow_is_stream(flow))
		return;
	if (flow->worker != ua->worker) {
		rf_mail_close(ua, flow);
		return;
	}
	struct rf_conn *c = rf_conn_find(ua, flow->stream);
	if (c)
		rf_conn_close(c);
}

int rf_ua_flow_label(struct rf_ua *ua, const struct rf_flow *flow, struct rf_view label)
{
	if (!rf_flow_is_stream(flow) || flow->worker != ua->worker || !label.n || label.n > UINT16_MAX)
		return RF_E_INVALID;
	struct rf_conn *c = rf_conn_find(ua, flow->stream);
	if (!c || c->doomed)
		return RF_E_CLOSED;
	if (rf_view_eq(rf_view_of(c->label, c->label_n), label))
		return 0;
	uint8_t *p = malloc(label.n);
	if (!p)
		return -ENOMEM;
	memcpy(p, label.p, label.n);
	free(c->label);
	c->label = p;
	c->label_n = (uint16_t)label.n;
	return 0;
}

/* RFC 5626 4.4.1: a ping, then ten seconds for the pong; a flow without one has failed. */
static void on_keep(struct rf_timer *t)
{
	struct rf_keep *k = rf_container(t, struct rf_keep, timer);
	struct rf_conn *c = k->conn;

	if (k->waiting) {
		rf_conn_abort(c);
		return;
	}
	k->waiting = true;
	rf_sip_frame_pinged(&c->frame);
	rf_stream_send(c->stream, RF_V("\r\n\r\n"));
	rf_timer_start(c->ua->wheel, t, RF_UA_PONG_MS);
}

int rf_ua_flow_keep(struct rf_ua *ua, const struct rf_flow *flow, uint32_t interval_ms)
{
	if (!rf_flow_is_stream(flow) || flow->worker != ua->worker)
		return RF_E_INVALID;
	struct rf_conn *c = rf_conn_find(ua, flow->stream);
	if (!c || c->doomed)
		return RF_E_CLOSED;
	if (c->ws) {
		rf_wsconn_keep(c, interval_ms);
		return 0;
	}
	forget_keep(c);
	if (!interval_ms)
		return 0;
	c->keep = calloc(1, sizeof *c->keep);
	if (!c->keep)
		return -ENOMEM;
	c->keep->conn = c;
	c->keep->interval_ms = interval_ms;
	rf_timer_init(&c->keep->timer, on_keep);
	rf_timer_start(ua->wheel, &c->keep->timer, interval_ms);
	return 0;
}
