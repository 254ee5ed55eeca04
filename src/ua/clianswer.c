/* What comes back for a client transaction: responses, and what they call for. */
#include "ua/cli_int.h"

#include "base/secret.h"

#include <stdlib.h>

static struct rf_cli *find(struct rf_ua *ua, const struct rf_sip_msg *msg)
{
	uint64_t hash = rf_hash(&ua->hash_key, msg->via.branch);

	for (struct rf_node *n = rf_table_first(&ua->cli, hash); n; n = rf_table_next(n)) {
		struct rf_cli *cli = rf_container(n, struct rf_cli, tx.node);

		if (rf_view_eq(rf_cli_branch(cli), msg->via.branch) &&
		    rf_view_eq(rf_view_of(cli->method_text, cli->method_n), msg->cseq_method_name))
			return cli;
	}
	return NULL;
}

/* The branch is a secret between us and the peer, so who knows it may answer; but what went out under TLS, or to a
 * WebSocket, is answered on that connection only (RFC 3261 18.2.2, RFC 7118 5), and no transport
 * answers for another. */
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
	rf_cli_unlink(cli);
	rf_secret_free(cli->wire, cli->wire_n);
	rf_cli_free_route(cli->route);
	cli->wire = NULL;
	cli->route = NULL;
	rf_tx_quiet(&cli->tx);
}

/* The attempt that is given up may still get repetitions of its 503 over UDP: something must ACK them. */
static void leave_ghost(struct rf_cli *cli)
{
	struct rf_ua *ua = cli->tx.ua;

	if (!cli->ack || cli->tx.trans.reliable || !rf_tx_room(ua, true, false))
		return;
	struct rf_cli *ghost = rf_cli_make(ua, NULL, NULL, RF_V("INVITE"));
	if (!ghost)
		return;
	ghost->branch = cli->branch;
	ghost->flow = cli->flow;
	ghost->tx.trans = cli->tx.trans;
	ghost->ack = cli->ack;
	ghost->ack_n = cli->ack_n;
	cli->ack = NULL;
	if (rf_cli_enter(ghost)) {
		rf_cli_release(ghost);
		return;
	}
	ghost->final = true;
	rf_cli_arm(ghost);
	rf_tx_quiet(&ghost->tx);
}

static void try_after_503(struct rf_cli *cli)
{
	int err = RF_E_CLOSED;

	leave_ghost(cli);
	free(cli->ack);
	cli->ack = NULL;
	if (!rf_cli_next_hop(cli, &err))
		rf_cli_end(cli, RF_CLI_FAILED, err);
}

static void provisional(struct rf_cli *cli, const struct rf_cli_event *event)
{
	cli->first_at = rf_mono_never();
	cli->answered = true;
	if (event->msg->status > 100)
		cli->ringing = true;
	if (cli->cancel)
		rf_cli_send_cancel(cli);
	rf_cli_arm(cli);
	rf_cli_tell(cli, event);
}

static void final(struct rf_cli *cli, const struct rf_cli_event *event, unsigned todo)
{
	const struct rf_sip_msg *msg = event->msg;
	int seen = 0;

	if (msg->status == 503 && !cli->keep_503 && rf_cli_may_go_on(cli)) {
		try_after_503(cli);
		return;
	}
	if (rf_cli_is_invite(cli) && msg->status < 300) {
		seen = rf_fork_note(cli, msg->to.tag);
		if (seen == RF_E_LIMIT)
			rf_ua_count(cli->tx.ua, RF_UA_FORKS_CUT);
		else if (seen < 0)
			rf_ua_count(cli->tx.ua, RF_UA_NO_MEMORY); /* not noted: its repetition
								   * comes as if it were new */
	}
	settle(cli);
	if (todo & RF_TRANS_TERMINATED)
		rf_tx_end(&cli->tx);
	else
		rf_cli_arm(cli);
	if (seen == 0 || seen == -ENOMEM)
		rf_cli_tell(cli, event);
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
