/* Client transactions. One struct rf_cli is what its user sees; under it one attempt after another goes to the next
 * hops of the target (RFC 3263 4.3), each with its own branch and its own run of the machine (sip/trans.h). */
#include "ua/ua_int.h"
#include "base/secret.h"

#include <stdlib.h>

static struct rf_view branch_of(const struct rf_cli *cli)
{
	return rf_branch_view(&cli->branch);
}

static bool is_invite(const struct rf_cli *cli)
{
	return cli->method == RF_SIP_INVITE;
}

static void arm(struct rf_cli *cli)
{
	rf_tx_arm(&cli->tx, cli->first_at);
}

static void unlink_conn(struct rf_cli *cli)
{
	if (cli->linked)
		LIST_REMOVE(cli, on_conn);
	cli->linked = false;
}

static void tell(struct rf_cli *cli, const struct rf_cli_event *event)
{
	if (cli->fn)
		cli->fn(cli->arg, cli, event);
}

static void end_with(struct rf_cli *cli, enum rf_cli_kind kind, int err)
{
	if (cli->final || cli->tx.ended)
		return;
	cli->final = true;
	unlink_conn(cli);
	rf_tx_end(&cli->tx);
	tell(cli, &(struct rf_cli_event){ .kind = kind, .err = err });
}

/* Failures inside a call of the user's wait for the end of the turn. */
static void break_later(struct rf_cli *cli, int err)
{
	if (!cli->broken)
		cli->broken = err;
	rf_tx_defer(&cli->tx);
}

/* ---- one attempt ---- */

static int add_to_table(struct rf_cli *cli)
{
	struct rf_ua *ua = cli->tx.ua;

	if (cli->tx.in_table)
		rf_table_del(&ua->cli, &cli->tx.node);
	int rc = rf_table_add(&ua->cli, &cli->tx.node, rf_hash(&ua->hash_key, branch_of(cli)));
	cli->tx.in_table = rc == 0;
	return rc;
}

static void link_conn(struct rf_cli *cli)
{
	struct rf_ua *ua = cli->tx.ua;

	unlink_conn(cli);
	if (!rf_flow_is_stream(&cli->flow) || cli->flow.worker != ua->worker)
		return; /* another worker's connection: it tells us by mail when it closes */
	struct rf_conn *c = rf_conn_find(ua, cli->flow.stream);
	if (!c)
		return;
	LIST_INSERT_HEAD(&c->clis, cli, on_conn);
	cli->linked = true;
}

static int transmit(struct rf_cli *cli, struct rf_view bytes)
{
	struct rf_ua *ua = cli->tx.ua;

	rf_ua_count(ua, RF_UA_REQUESTS_OUT);
	int rc = rf_ua_send(ua, &cli->flow, bytes, branch_of(cli));
	if (rc)
		rf_ua_count(ua, RF_UA_SEND_FAILED);
	return rc;
}

/* A new run of the machine over cli->flow. */
static int begin(struct rf_cli *cli)
{
	struct rf_ua *ua = cli->tx.ua;
	struct rf_mono now = rf_loop_now(ua->loop);

	link_conn(cli);
	cli->answered = false;
	rf_trans_start(&cli->tx.trans, is_invite(cli) ? RF_TRANS_ICT : RF_TRANS_NICT, rf_flow_is_stream(&cli->flow),
		       ua->timers, now);
	cli->first_at = cli->timeout_ms ? rf_mono_add_ms(now, cli->timeout_ms) : rf_mono_never();
	arm(cli);
	return transmit(cli, rf_view_of(cli->wire, cli->wire_n));
}

/* The request over this flow: with a new branch and our Via for that transport. */
static int attempt(struct rf_cli *cli, const struct rf_flow *flow, struct rf_view head, struct rf_view rest)
{
	struct rf_ua *ua = cli->tx.ua;
	struct rf_writer w;

	cli->flow = *flow;
	rf_branch_make(ua->random, ua->worker, &cli->branch);
	rf_writer_init(&w, ua->out, sizeof ua->out);
	rf_put(&w, head);
	rf_ua_put_via(ua, flow, branch_of(cli), &w);
	size_t via_n = w.n - head.n;
	rf_put(&w, rest);
	if (w.err)
		return RF_E_LIMIT;
	uint8_t *wire = malloc(w.n);
	if (!wire)
		return -ENOMEM;
	memcpy(wire, w.buf, w.n);
	rf_secret_wipe(ua->out, w.n); /* keys of media: the buffer is everybody's */
	rf_secret_free(cli->wire, cli->wire_n);
	cli->wire = wire;
	cli->wire_n = w.n;
	cli->line_n = head.n;
	cli->via_n = via_n;
	if (flow->kind == RF_FLOW_UDP && w.n > RF_UA_UDP_MAX)
		return RF_E_LIMIT;
	int rc = add_to_table(cli);
	return rc ? rc : begin(cli);
}

static struct rf_view head_of(const struct rf_cli *cli)
{
	return rf_view_of(cli->wire, cli->line_n);
}

static struct rf_view rest_of(const struct rf_cli *cli)
{
	return rf_view_from(rf_view_of(cli->wire, cli->wire_n), cli->line_n + cli->via_n);
}

/* The next hops in turn, until one can be sent to. *err: why the last one could not, or what there was before. */
static bool next_hop(struct rf_cli *cli, int *err)
{
	struct rf_route *r = cli->route;

	while (r && r->next < r->hops.n) {
		struct rf_tls_who who = { r->hops.tls_name, r->tls, r->from };
		struct rf_flow flow;

		*err = rf_ua_hop_flow(cli->tx.ua, &r->hops.hop[r->next++], &who, &flow);
		if (!*err)
			*err = attempt(cli, &flow, head_of(cli), rest_of(cli));
		if (!*err)
			return true;
	}
	return false;
}

static void on_resolved(void *arg, int status, const struct rf_hops *hops)
{
	struct rf_cli *cli = arg;
	struct rf_route *r = cli->route;

	cli->resolve = NULL;
	if (!status && hops->tls_name.n < sizeof r->name) {
		size_t given_n = r->hops.tls_name.n; /* by the target: it stands in r->name already */

		r->hops = *hops;
		if (!given_n && hops->tls_name.n)
			memcpy(r->name, hops->tls_name.p, hops->tls_name.n);
		r->hops.tls_name = rf_view_of(r->name, given_n ? given_n : hops->tls_name.n);
		if (next_hop(cli, &status))
			return;
	}
	end_with(cli, RF_CLI_FAILED, status ? status : RF_E_LIMIT);
}

/* May another hop be tried? Not when somebody rings already, nor when nobody wants it any more. */
static bool may_go_on(const struct rf_cli *cli)
{
	return cli->route && cli->route->next < cli->route->hops.n && !cli->ringing && !cli->cancel && !cli->final;
}

void rf_cli_broken(struct rf_cli *cli, int err)
{
	unlink_conn(cli);
	if (cli->tx.ended || cli->final)
		return; /* what it still waits for are repetitions */
	if (may_go_on(cli) && next_hop(cli, &err))
		return;
	end_with(cli, RF_CLI_FAILED, err);
}

void rf_cli_bounced(struct rf_ua *ua, struct rf_view branch, int err)
{
	uint64_t hash = rf_hash(&ua->hash_key, branch);

	for (struct rf_node *n = rf_table_first(&ua->cli, hash), *next; n; n = next) {
		struct rf_cli *cli = rf_container(n, struct rf_cli, tx.node);

		next = rf_table_next(n);
		if (rf_view_eq(branch_of(cli), branch))
			break_later(cli, err);
	}
}

/* ---- new ---- */

/* "METHOD uri SIP/2.0 CR LF": the length with the line's end, 0 when it is not that. */
static size_t first_line(struct rf_view request, struct rf_view *ret_method)
{
	size_t n = rf_view_find(request, '\n');
	struct rf_view line = rf_view_sub(request, 0, n < request.n ? n + 1 : 0);

	*ret_method = rf_view_sub(line, 0, rf_view_find(line, ' '));
	return rf_view_ends(line, RF_V(" SIP/2.0\r\n")) && ret_method->n && ret_method->n <= 32 ? line.n : 0;
}

static struct rf_cli *make(struct rf_ua *ua, rf_cli_fn *fn, void *arg, struct rf_view method)
{
	struct rf_cli *cli = calloc(1, sizeof *cli);

	if (!cli) {
		rf_ua_count(ua, RF_UA_NO_MEMORY);
		return NULL;
	}
	cli->fn = fn;
	cli->arg = arg;
	cli->method = (uint8_t)rf_sip_method_of(method);
	cli->method_n = method.n;
	memcpy(cli->method_text, method.p, method.n);
	cli->first_at = rf_mono_never();
	rf_tx_init(&cli->tx, ua, true);
	return cli;
}

static void free_route(struct rf_route *r)
{
	if (r)
		rf_tls_put(r->tls);
	free(r);
}

static void release(struct rf_cli *cli)
{
	unlink_conn(cli);
	rf_resolve_stop(cli->resolve);
	rf_forks_free(cli);
	free_route(cli->route);
	rf_secret_free(cli->wire, cli->wire_n);
	free(cli->ack);
	free(cli->cancel_headers);
	rf_ua_bump(&cli->tx.ua->stats.cli_now, -1);
	free(cli);
}

struct rf_resolve_conf rf_ua_resolve_conf(struct rf_ua *ua, bool secure, size_t size)
{
	struct rf_resolve_conf conf = {
		.loop = ua->loop,
		.dns = ua->dns,
		.random = ua->random,
		.kinds = 1u << RF_FLOW_TCP | (ua->tls_client || ua->wire ? 1u << RF_FLOW_TLS : 0),
		.secure = secure,
		.large = size > RF_UA_UDP_LARGE,
		.v4 = !ua->families || (ua->families & 1u << 4),
		.v6 = !ua->families || (ua->families & 1u << 6),
	};

	for (size_t i = 0; i < ua->port_count; i++)
		if (ua->ports[i].kind == RF_FLOW_UDP)
			conf.kinds |= 1u << RF_FLOW_UDP;
	if (ua->wire)
		conf.kinds |= 1u << RF_FLOW_UDP;
	return conf;
}

static int set_hop(struct rf_cli *cli, const struct rf_target *t)
{
	struct rf_route *r = cli->route;

	if (!t->addr.family || t->kind <= RF_FLOW_NONE || t->kind > RF_FLOW_TLS || t->tls_name.n >= sizeof r->name ||
	    (t->secure && t->kind != RF_FLOW_TLS))
		return RF_E_INVALID;
	r->hops.hop[0] = (struct rf_hop){ .addr = t->addr, .kind = t->kind };
	r->hops.n = 1;
	if (t->tls_name.n)
		memcpy(r->name, t->tls_name.p, t->tls_name.n);
	r->hops.tls_name = rf_view_of(r->name, t->tls_name.n);
	return 0;
}

/* The request, kept without Via until the first hop is known. */
static int keep_request(struct rf_cli *cli, struct rf_view request, size_t line_n)
{
	cli->wire = malloc(request.n);
	if (!cli->wire)
		return -ENOMEM;
	memcpy(cli->wire, request.p, request.n);
	cli->wire_n = request.n;
	cli->line_n = line_n;
	return 0;
}

static int aim(struct rf_cli *cli, const struct rf_target *t, struct rf_view request, size_t line_n)
{
	struct rf_ua *ua = cli->tx.ua;
	struct rf_view head = rf_view_sub(request, 0, line_n), rest = rf_view_from(request, line_n);
	int rc;

	if (t->flow.kind != RF_FLOW_NONE) {
		if (t->secure && !rf_flow_is_secure(t->flow.kind))
			return RF_E_INVALID;
		rc = attempt(cli, &t->flow, head, rest);
		if (rc == -ENOMEM || rc == RF_E_LIMIT)
			return rc;
		if (rc)
			break_later(cli, rc);
		return 0;
	}
	cli->route = calloc(1, sizeof *cli->route);
	if (!cli->route || keep_request(cli, request, line_n))
		return -ENOMEM;
	cli->route->tls = t->tls ? rf_tls_get(t->tls) : NULL;
	cli->route->from = t->from;
	rf_branch_make(ua->random, ua->worker, &cli->branch); /* it counts from now on, sent or not */
	rc = add_to_table(cli);
	if (rc)
		return rc;
	if (t->uri) {
		struct rf_resolve_conf conf = rf_ua_resolve_conf(ua, t->secure, request.n + 200);
		struct rf_route *r = cli->route;

		if (t->tls_name.n >= sizeof r->name)
			return RF_E_INVALID;
		if (t->tls_name.n)
			memcpy(r->name, t->tls_name.p, t->tls_name.n);
		r->hops.tls_name = rf_view_of(r->name, t->tls_name.n);

		return rf_resolve_start(&conf, t->uri, on_resolved, cli, &cli->resolve);
	}
	rc = set_hop(cli, t);
	if (!rc && !next_hop(cli, &rc)) {
		break_later(cli, rc);
		rc = 0;
	}
	return rc;
}

int rf_cli_new(struct rf_ua *ua, const struct rf_cli_new *conf, struct rf_cli **ret_cli)
{
	struct rf_view method;
	size_t line_n = first_line(conf->request, &method);

	if (!line_n || rf_view_eq(method, RF_V("ACK")) || rf_view_eq(method, RF_V("CANCEL")))
		return RF_E_MALFORMED;
	if (ua->freed)
		return RF_E_CLOSED;
	if (conf->request.n > 65000 || !rf_tx_room(ua, true, conf->urgent)) {
		rf_ua_count(ua, RF_UA_REFUSED_CLIENTS);
		return RF_E_LIMIT;
	}
	struct rf_cli *cli = make(ua, conf->fn, conf->arg, method);
	if (!cli)
		return -ENOMEM;
	cli->keep_503 = conf->keep_503;
	cli->urgent = conf->urgent;
	cli->timeout_ms = conf->timeout_ms < 64 * ua->timers->t1_ms ? conf->timeout_ms : 0;
	int rc = aim(cli, &conf->target, conf->request, line_n);
	if (rc) {
		cli->fn = NULL; /* the caller learns it from us */
		if (!cli->tx.is_pending && !cli->tx.in_table) {
			release(cli);
			return rc;
		}
		rf_tx_end(&cli->tx);
		return rc;
	}
	*ret_cli = cli;
	return 0;
}

/* ---- responses ---- */

static struct rf_cli *find(struct rf_ua *ua, const struct rf_sip_msg *msg)
{
	uint64_t hash = rf_hash(&ua->hash_key, msg->via.branch);

	for (struct rf_node *n = rf_table_first(&ua->cli, hash); n; n = rf_table_next(n)) {
		struct rf_cli *cli = rf_container(n, struct rf_cli, tx.node);

		if (rf_view_eq(branch_of(cli), msg->via.branch) &&
		    rf_view_eq(rf_view_of(cli->method_text, cli->method_n), msg->cseq_method_name))
			return cli;
	}
	return NULL;
}

/* The branch is a secret between us and the peer, so who knows it may answer; but what went out under TLS, or to a
 * WebSocket, is answered on that connection only (RFC 3261 18.2.2, RFC 7118 5), and no transport answers for another.
 * */
static bool is_foreign(const struct rf_cli *cli, const struct rf_flow *flow)
{
	if (flow->kind != cli->flow.kind)
		return true;
	return (rf_flow_is_secure(flow->kind) || rf_flow_is_ws(flow->kind)) && !rf_flow_eq(flow, &cli->flow);
}

/* The ACK to a 300-699: made once, from the request and the response, then only repeated. */
static void send_ack(struct rf_cli *cli, const struct rf_sip_msg *msg)
{
	if (!cli->ack && cli->wire && rf_cli_build_ack(cli, msg, &cli->ack, &cli->ack_n)) {
		rf_ua_count(cli->tx.ua, RF_UA_NO_MEMORY);
		return;
	}
	if (cli->ack)
		rf_ua_send(cli->tx.ua, &cli->flow, rf_view_of(cli->ack, cli->ack_n), RF_V(""));
}

/* What has its final response needs its request no more. */
static void settle(struct rf_cli *cli)
{
	cli->final = true;
	cli->first_at = rf_mono_never();
	unlink_conn(cli);
	rf_secret_free(cli->wire, cli->wire_n);
	free_route(cli->route);
	cli->wire = NULL;
	cli->route = NULL;
	rf_tx_quiet(&cli->tx);
}

static void send_cancel(struct rf_cli *cli)
{
	struct rf_ua *ua = cli->tx.ua;
	uint8_t *bytes;
	size_t n;

	cli->cancel_sent = true;
	if (!rf_tx_room(ua, true, cli->urgent))
		return; /* the machine's end after 64*T1 is set all the same */
	struct rf_cli *cancel = make(ua, NULL, NULL, RF_V("CANCEL"));
	if (!cancel)
		return;
	cancel->branch = cli->branch;
	cancel->flow = cli->flow;
	if (rf_cli_build_cancel(cli, rf_view_of(cli->cancel_headers, cli->cancel_n), &bytes, &n)) {
		release(cancel);
		return;
	}
	cancel->wire = bytes;
	cancel->wire_n = n;
	if (add_to_table(cancel)) {
		release(cancel);
		return;
	}
	int rc = begin(cancel);
	if (rc)
		break_later(cancel, rc);
}

static void cancel_now(struct rf_cli *cli)
{
	if (cli->cancel_sent || cli->final)
		return;
	send_cancel(cli);
	rf_trans_step(&cli->tx.trans, RF_TRANS_CANCELLED, 0, rf_loop_now(cli->tx.ua->loop));
	arm(cli);
}

/* The attempt that is given up may still get repetitions of its 503 over UDP: something must ACK them. */
static void leave_ghost(struct rf_cli *cli)
{
	struct rf_ua *ua = cli->tx.ua;

	if (!cli->ack || cli->tx.trans.reliable || !rf_tx_room(ua, true, false))
		return;
	struct rf_cli *ghost = make(ua, NULL, NULL, RF_V("INVITE"));
	if (!ghost)
		return;
	ghost->branch = cli->branch;
	ghost->flow = cli->flow;
	ghost->tx.trans = cli->tx.trans;
	ghost->ack = cli->ack;
	ghost->ack_n = cli->ack_n;
	cli->ack = NULL;
	if (add_to_table(ghost)) {
		release(ghost);
		return;
	}
	ghost->final = true;
	arm(ghost);
	rf_tx_quiet(&ghost->tx);
}

static void try_after_503(struct rf_cli *cli)
{
	int err = RF_E_CLOSED;

	leave_ghost(cli);
	free(cli->ack);
	cli->ack = NULL;
	if (!next_hop(cli, &err))
		end_with(cli, RF_CLI_FAILED, err);
}

static void provisional(struct rf_cli *cli, const struct rf_cli_event *event)
{
	cli->first_at = rf_mono_never();
	cli->answered = true;
	if (event->msg->status > 100)
		cli->ringing = true;
	if (cli->cancel)
		cancel_now(cli);
	arm(cli);
	tell(cli, event);
}

static void final(struct rf_cli *cli, const struct rf_cli_event *event, unsigned todo)
{
	const struct rf_sip_msg *msg = event->msg;
	int seen = 0;

	if (msg->status == 503 && !cli->keep_503 && may_go_on(cli)) {
		try_after_503(cli);
		return;
	}
	if (is_invite(cli) && msg->status < 300) {
		seen = rf_fork_note(cli, msg->to.tag);
		if (seen == RF_E_LIMIT)
			rf_ua_count(cli->tx.ua, RF_UA_FORKS_CUT);
		else if (seen < 0)
			rf_ua_count(cli->tx.ua, RF_UA_NO_MEMORY); /* not noted: its repetition comes as if it were new */
	}
	settle(cli);
	if (todo & RF_TRANS_TERMINATED)
		rf_tx_end(&cli->tx);
	else
		arm(cli);
	if (seen == 0 || seen == -ENOMEM)
		tell(cli, event);
}

void rf_cli_response(struct rf_ua *ua, const struct rf_sip_msg *msg, const struct rf_peer *from)
{
	struct rf_cli *cli = find(ua, msg);

	if (!cli) {
		rf_ua_count(ua, RF_UA_STRAY_RESPONSE);
		return;
	}
	if (is_foreign(cli, &from->flow)) {
		rf_ua_count(ua, RF_UA_FOREIGN_RESPONSE);
		return;
	}
	unsigned todo = rf_trans_step(&cli->tx.trans, RF_TRANS_RESPONSE, msg->status, rf_loop_now(ua->loop));
	if (todo & RF_TRANS_SEND_ACK)
		send_ack(cli, msg);
	if (!(todo & RF_TRANS_TO_USER))
		return;
	struct rf_cli_event event = { .kind = RF_CLI_RESPONSE, .msg = msg, .from = from };
	if (msg->status < 200)
		provisional(cli, &event);
	else
		final(cli, &event, todo);
}

/* ---- time ---- */

static void timed_out(struct rf_cli *cli)
{
	int err = RF_E_TIMEOUT;

	if (may_go_on(cli) && !cli->answered && next_hop(cli, &err))
		return;
	end_with(cli, RF_CLI_TIMEOUT, 0);
}

void rf_cli_tick(struct rf_cli *cli)
{
	struct rf_ua *ua = cli->tx.ua;
	struct rf_mono now = rf_loop_now(ua->loop);

	if (rf_mono_due(cli->first_at, now)) {
		cli->first_at = rf_mono_never();
		timed_out(cli);
		return;
	}
	unsigned todo = rf_trans_step(&cli->tx.trans, RF_TRANS_TIMER, 0, now);
	if (todo & RF_TRANS_SEND_REQUEST) {
		rf_ua_count(ua, RF_UA_REPEATED_OUT);
		int rc = transmit(cli, rf_view_of(cli->wire, cli->wire_n));

		if (rc) {
			rf_cli_broken(cli, rc);
			return;
		}
	}
	if (todo & RF_TRANS_TIMEOUT)
		timed_out(cli);
	else if (todo & RF_TRANS_TIMER_C)
		end_with(cli, RF_CLI_TIMEOUT, 0);
	else if (todo & RF_TRANS_TERMINATED)
		rf_tx_end(&cli->tx);
	else
		arm(cli);
}

void rf_cli_finish(struct rf_cli *cli)
{
	if (cli->broken && !cli->tx.ended) {
		int err = cli->broken;

		cli->broken = 0;
		rf_cli_broken(cli, err);
		if (!cli->tx.ended || cli->tx.is_pending)
			return; /* it goes on, or comes here again at the end */
	}
	if (!cli->tx.ended)
		return;
	tell(cli, &(struct rf_cli_event){ .kind = RF_CLI_GONE });
	release(cli);
}

/* ---- the user's ---- */

int rf_cli_cancel(struct rf_cli *cli, struct rf_view headers)
{
	if (!is_invite(cli) || cli->final || cli->cancel || cli->tx.ended)
		return 0;
	if (headers.n) {
		cli->cancel_headers = malloc(headers.n);
		if (!cli->cancel_headers)
			return -ENOMEM;
		memcpy(cli->cancel_headers, headers.p, headers.n);
		cli->cancel_n = headers.n;
	}
	cli->cancel = true;
	if (cli->resolve) {
		rf_resolve_stop(cli->resolve);
		cli->resolve = NULL;
		break_later(cli, -ECANCELED);
	} else if (cli->answered) {
		cancel_now(cli);
	}
	return 0;
}

void rf_cli_drop(struct rf_cli *cli)
{
	if (!cli)
		return;
	cli->fn = NULL;
	rf_cli_cancel(cli, RF_V(""));
}

const struct rf_flow *rf_cli_flow(const struct rf_cli *cli)
{
	return &cli->flow;
}

struct rf_ua *rf_cli_ua(const struct rf_cli *cli)
{
	return cli->tx.ua;
}
