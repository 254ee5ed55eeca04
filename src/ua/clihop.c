/* Where the request of a client transaction goes: one attempt after another at the next hops of its target (RFC 3263
 * 4.3), each with its own branch and its own run of the machine (sip/trans.h). */
#include "ua/cli_int.h"

#include "base/secret.h"

#include <stdlib.h>

/* ---- one attempt ---- */

void rf_cli_unlink(struct rf_cli *cli)
{
	if (cli->linked)
		LIST_REMOVE(cli, on_conn);
	cli->linked = false;
}

int rf_cli_enter(struct rf_cli *cli)
{
	struct rf_ua *ua = cli->tx.ua;

	if (cli->tx.in_table)
		rf_table_del(&ua->cli, &cli->tx.node);
	int rc = rf_table_add(&ua->cli, &cli->tx.node, rf_hash(&ua->hash_key, rf_cli_branch(cli)));
	cli->tx.in_table = rc == 0;
	return rc;
}

static void link_conn(struct rf_cli *cli)
{
	struct rf_ua *ua = cli->tx.ua;

	rf_cli_unlink(cli);
	if (!rf_flow_is_stream(&cli->flow) || cli->flow.worker != ua->worker)
		return; /* another worker's connection: it tells us by mail when it closes */
	struct rf_conn *c = rf_conn_find(ua, cli->flow.stream);
	if (!c)
		return;
	LIST_INSERT_HEAD(&c->clis, cli, on_conn);
	cli->linked = true;
}

int rf_cli_transmit(struct rf_cli *cli, struct rf_view bytes)
{
	struct rf_ua *ua = cli->tx.ua;

	rf_ua_count(ua, RF_UA_REQUESTS_OUT);
	int rc = rf_ua_send(ua, &cli->flow, bytes, rf_cli_branch(cli));
	if (rc)
		rf_ua_count(ua, RF_UA_SEND_FAILED);
	return rc;
}

int rf_cli_begin(struct rf_cli *cli)
{
	struct rf_ua *ua = cli->tx.ua;
	struct rf_mono now = rf_loop_now(ua->loop);

	link_conn(cli);
	cli->answered = false;
	rf_trans_start(&cli->tx.trans, rf_cli_is_invite(cli) ? RF_TRANS_ICT : RF_TRANS_NICT,
		       rf_flow_is_stream(&cli->flow), ua->timers, now);
	cli->first_at = cli->timeout_ms ? rf_mono_add_ms(now, cli->timeout_ms) : rf_mono_never();
	rf_cli_arm(cli);
	return rf_cli_transmit(cli, rf_view_of(cli->wire, cli->wire_n));
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
	rf_ua_put_via(ua, flow, rf_cli_branch(cli), &w);
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
	int rc = rf_cli_enter(cli);
	return rc ? rc : rf_cli_begin(cli);
}

static struct rf_view head_of(const struct rf_cli *cli)
{
	return rf_view_of(cli->wire, cli->line_n);
}

static struct rf_view rest_of(const struct rf_cli *cli)
{
	return rf_view_from(rf_view_of(cli->wire, cli->wire_n), cli->line_n + cli->via_n);
}

bool rf_cli_next_hop(struct rf_cli *cli, int *err)
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

bool rf_cli_may_go_on(const struct rf_cli *cli)
{
	return cli->route && cli->route->next < cli->route->hops.n && !cli->ringing && !cli->cancel && !cli->final;
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
		if (rf_cli_next_hop(cli, &status))
			return;
	}
	rf_cli_end(cli, RF_CLI_FAILED, status ? status : RF_E_LIMIT);
}

void rf_cli_broken(struct rf_cli *cli, int err)
{
	rf_cli_unlink(cli);
	if (cli->tx.ended || cli->final)
		return; /* what it still waits for are repetitions */
	if (rf_cli_may_go_on(cli) && rf_cli_next_hop(cli, &err))
		return;
	rf_cli_end(cli, RF_CLI_FAILED, err);
}

void rf_cli_bounced(struct rf_ua *ua, struct rf_view branch, int err)
{
	uint64_t hash = rf_hash(&ua->hash_key, branch);

	for (struct rf_node *n = rf_table_first(&ua->cli, hash), *next; n; n = next) {
		struct rf_cli *cli = rf_container(n, struct rf_cli, tx.node);

		next = rf_table_next(n);
		if (rf_view_eq(rf_cli_branch(cli), branch))
			rf_cli_break_later(cli, err);
	}
}

/* ---- its target ---- */

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

int rf_cli_aim(struct rf_cli *cli, const struct rf_target *t, struct rf_view request, size_t line_n)
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
			rf_cli_break_later(cli, rc);
		return 0;
	}
	cli->route = calloc(1, sizeof *cli->route);
	if (!cli->route || keep_request(cli, request, line_n))
		return -ENOMEM;
	cli->route->tls = t->tls ? rf_tls_get(t->tls) : NULL;
	cli->route->from = t->from;
	rf_branch_make(ua->random, ua->worker, &cli->branch); /* it counts from now on, sent or not */
	rc = rf_cli_enter(cli);
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
	if (!rc && !rf_cli_next_hop(cli, &rc)) {
		rf_cli_break_later(cli, rc);
		rc = 0;
	}
	return rc;
}
