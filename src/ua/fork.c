/* ACKs to 2xx: the user writes them, ua sends them, and sends them again whenever the same 2xx comes again. Each To tag
 * of a forked INVITE has its own. */
#include "ua/ua_int.h"
#include "base/secret.h"

#include <stdlib.h>

/* ---- an ACK on its way ---- */

void rf_ack_free(struct rf_ack *ack)
{
	if (!ack)
		return;
	rf_resolve_stop(ack->resolve);
	LIST_REMOVE(ack, all);
	ack->ua->ack_jobs--;
	rf_tls_put(ack->tls);
	rf_secret_free(ack->wire, ack->wire_n);
	free(ack);
}

static int send_again(struct rf_ack *ack)
{
	struct rf_ua *ua = ack->ua;

	rf_ua_count(ua, RF_UA_REQUESTS_OUT);
	int rc = rf_ua_send(ua, &ack->flow, rf_view_of(ack->wire, ack->wire_n), RF_V(""));
	if (rc)
		rf_ua_count(ua, RF_UA_SEND_FAILED);
	return rc;
}

/* The flow is known: our Via goes in, and the ACK out. */
static int send_first(struct rf_ack *ack, const struct rf_flow *flow)
{
	struct rf_ua *ua = ack->ua;
	struct rf_view bytes = { ack->wire, ack->wire_n };
	struct rf_branch branch;
	struct rf_writer w;

	rf_branch_make(ua->random, ua->worker, &branch);
	rf_writer_init(&w, ua->out, RF_UA_UDP_MAX);
	rf_put(&w, rf_view_sub(bytes, 0, ack->line_n));
	rf_ua_put_via(ua, flow, rf_branch_view(&branch), &w);
	rf_put(&w, rf_view_from(bytes, ack->line_n));
	if (w.err)
		return RF_E_LIMIT;
	uint8_t *wire = malloc(w.n);
	if (!wire)
		return -ENOMEM;
	memcpy(wire, w.buf, w.n);
	rf_secret_wipe(ua->out, w.n); /* keys of media: the buffer is everybody's */
	rf_secret_free(ack->wire, ack->wire_n);
	ack->wire = wire;
	ack->wire_n = w.n;
	ack->flow = *flow;
	ack->ready = true;
	return send_again(ack);
}

static void on_resolved(void *arg, int status, const struct rf_hops *hops)
{
	struct rf_ack *ack = arg;
	struct rf_tls_who who = { hops ? hops->tls_name : RF_V(""), ack->tls, ack->from };
	struct rf_flow flow;

	ack->resolve = NULL;
	if (!status && !rf_ua_hop_flow(ack->ua, &hops->hop[0], &who, &flow))
		status = send_first(ack, &flow);
	if (status)
		rf_ua_count(ack->ua, RF_UA_SEND_FAILED);
	if (ack->once)
		rf_ack_free(ack);
}

static int make(struct rf_ua *ua, struct rf_view bytes, struct rf_ack **ret_ack)
{
	size_t n = rf_view_find(bytes, '\n');

	if (!rf_view_starts(bytes, RF_V("ACK ")) || n == bytes.n)
		return RF_E_MALFORMED;
	if (bytes.n > 65000 || ua->ack_jobs >= ua->bounds.client_transactions + RF_UA_ACKS_MAX)
		return RF_E_LIMIT;
	struct rf_ack *ack = calloc(1, sizeof *ack);
	uint8_t *wire = malloc(bytes.n);
	if (!ack || !wire) {
		free(ack);
		free(wire);
		return -ENOMEM;
	}
	memcpy(wire, bytes.p, bytes.n);
	*ack = (struct rf_ack){ .ua = ua, .wire = wire, .wire_n = bytes.n, .line_n = n + 1 };
	LIST_INSERT_HEAD(&ua->ack_list, ack, all);
	ua->ack_jobs++;
	*ret_ack = ack;
	return 0;
}

static int aim(struct rf_ack *ack, const struct rf_target *t)
{
	struct rf_ua *ua = ack->ua;
	struct rf_flow flow = t->flow;

	rf_tls_put(ack->tls);
	ack->tls = t->tls ? rf_tls_get(t->tls) : NULL;
	ack->from = t->from;
	if (t->flow.kind == RF_FLOW_NONE && t->uri) {
		struct rf_resolve_conf conf = rf_ua_resolve_conf(ua, t->secure, ack->wire_n + 200);

		return rf_resolve_start(&conf, t->uri, on_resolved, ack, &ack->resolve);
	}
	if (t->flow.kind == RF_FLOW_NONE) {
		if (!t->addr.family || t->kind <= RF_FLOW_NONE || t->kind > RF_FLOW_TLS)
			return RF_E_INVALID;
		struct rf_hop hop = { .addr = t->addr, .kind = t->kind };
		struct rf_tls_who who = { t->tls_name, t->tls, t->from };
		int rc = rf_ua_hop_flow(ua, &hop, &who, &flow);
		if (rc)
			return rc;
	}
	return t->secure && !rf_flow_is_secure(flow.kind) ? RF_E_INVALID : send_first(ack, &flow);
}

int rf_ua_send_ack(struct rf_ua *ua, const struct rf_target *target, struct rf_view bytes)
{
	struct rf_ack *ack;
	int rc = make(ua, bytes, &ack);

	if (rc)
		return rc;
	ack->once = true;
	rc = aim(ack, target);
	if (rc || !ack->resolve)
		rf_ack_free(ack);
	return rc;
}

/* ---- the forks of an INVITE ---- */

static struct rf_fork *find(struct rf_cli *cli, struct rf_view tag)
{
	struct rf_fork *f = cli->forks;

	while (f && !rf_view_eq(rf_view_of(f->tag, f->tag_n), tag))
		f = f->next;
	return f;
}

int rf_fork_note(struct rf_cli *cli, struct rf_view tag)
{
	struct rf_fork *f = find(cli, tag);

	if (f) {
		if (f->ack && f->ack->ready) {
			rf_ua_count(cli->tx.ua, RF_UA_REPEATED_OUT);
			send_again(f->ack);
		}
		return 1;
	}
	if (cli->fork_n >= cli->tx.ua->bounds.forks)
		return RF_E_LIMIT;
	f = malloc(sizeof *f + tag.n);
	if (!f)
		return -ENOMEM;
	*f = (struct rf_fork){ .next = cli->forks, .tag_n = tag.n };
	memcpy(f->tag, tag.n ? tag.p : (const uint8_t *)"", tag.n);
	cli->forks = f;
	cli->fork_n++;
	return 0;
}

int rf_cli_ack(struct rf_cli *cli, struct rf_view to_tag, const struct rf_target *target, struct rf_view bytes)
{
	struct rf_fork *f = find(cli, to_tag);
	struct rf_ack *ack;

	if (!f)
		return RF_E_STATE;
	int rc = make(cli->tx.ua, bytes, &ack);
	if (rc)
		return rc;
	rf_ack_free(f->ack);
	f->ack = ack;
	return aim(ack, target);
}

void rf_forks_free(struct rf_cli *cli)
{
	for (struct rf_fork *f = cli->forks, *next; f; f = next) {
		next = f->next;
		rf_ack_free(f->ack);
		free(f);
	}
	cli->forks = NULL;
}
