/* A client transaction: its life, its time and what its user asks of it. Where its request goes is clihop.c's, what
 * comes back clianswer.c's. */
#include "ua/cli_int.h"

#include "base/secret.h"

#include <stdlib.h>

void rf_cli_arm(struct rf_cli *cli)
{
	rf_tx_arm(&cli->tx, cli->first_at);
}

void rf_cli_tell(struct rf_cli *cli, const struct rf_cli_event *event)
{
	if (cli->fn)
		cli->fn(cli->arg, cli, event);
}

void rf_cli_end(struct rf_cli *cli, enum rf_cli_kind kind, int err)
{
	if (cli->final || cli->tx.ended)
		return;
	cli->final = true;
	rf_cli_unlink(cli);
	rf_tx_end(&cli->tx);
	rf_cli_tell(cli, &(struct rf_cli_event){ .kind = kind, .err = err });
}

void rf_cli_break_later(struct rf_cli *cli, int err)
{
	if (!cli->broken)
		cli->broken = err;
	rf_tx_defer(&cli->tx);
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

struct rf_cli *rf_cli_make(struct rf_ua *ua, rf_cli_fn *fn, void *arg, struct rf_view method)
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

void rf_cli_free_route(struct rf_route *r)
{
	if (r)
		rf_tls_put(r->tls);
	free(r);
}

void rf_cli_release(struct rf_cli *cli)
{
	rf_cli_unlink(cli);
	rf_resolve_stop(cli->resolve);
	rf_forks_free(cli);
	rf_cli_free_route(cli->route);
	rf_secret_free(cli->wire, cli->wire_n);
	free(cli->ack);
	free(cli->cancel_headers);
	rf_ua_bump(&cli->tx.ua->stats.cli_now, -1);
	free(cli);
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
	struct rf_cli *cli = rf_cli_make(ua, conf->fn, conf->arg, method);
	if (!cli)
		return -ENOMEM;
	cli->keep_503 = conf->keep_503;
	cli->urgent = conf->urgent;
	cli->timeout_ms = conf->timeout_ms < 64 * ua->timers->t1_ms ? conf->timeout_ms : 0;
	int rc = rf_cli_aim(cli, &conf->target, conf->request, line_n);
	if (rc) {
		cli->fn = NULL; /* the caller learns it from us */
		if (!cli->tx.is_pending && !cli->tx.in_table) {
			rf_cli_release(cli);
			return rc;
		}
		rf_tx_end(&cli->tx);
		return rc;
	}
	*ret_cli = cli;
	return 0;
}

/* ---- time ---- */

static void timed_out(struct rf_cli *cli)
{
	int err = RF_E_TIMEOUT;

	if (rf_cli_may_go_on(cli) && !cli->answered && rf_cli_next_hop(cli, &err))
		return;
	rf_cli_end(cli, RF_CLI_TIMEOUT, 0);
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
		int rc = rf_cli_transmit(cli, rf_view_of(cli->wire, cli->wire_n));

		if (rc) {
			rf_cli_broken(cli, rc);
			return;
		}
	}
	if (todo & RF_TRANS_TIMEOUT)
		timed_out(cli);
	else if (todo & RF_TRANS_TIMER_C)
		rf_cli_end(cli, RF_CLI_TIMEOUT, 0);
	else if (todo & RF_TRANS_TERMINATED)
		rf_tx_end(&cli->tx);
	else
		rf_cli_arm(cli);
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
	rf_cli_tell(cli, &(struct rf_cli_event){ .kind = RF_CLI_GONE });
	rf_cli_release(cli);
}

/* ---- cancelled ---- */

static void send_cancel(struct rf_cli *cli)
{
	struct rf_ua *ua = cli->tx.ua;
	uint8_t *bytes;
	size_t n;

	cli->cancel_sent = true;
	if (!rf_tx_room(ua, true, cli->urgent))
		return; /* the machine's end after 64*T1 is set all the same */
	struct rf_cli *cancel = rf_cli_make(ua, NULL, NULL, RF_V("CANCEL"));
	if (!cancel)
		return;
	cancel->branch = cli->branch;
	cancel->flow = cli->flow;
	if (rf_cli_build_cancel(cli, rf_view_of(cli->cancel_headers, cli->cancel_n), &bytes, &n)) {
		rf_cli_release(cancel);
		return;
	}
	cancel->wire = bytes;
	cancel->wire_n = n;
	if (rf_cli_enter(cancel)) {
		rf_cli_release(cancel);
		return;
	}
	int rc = rf_cli_begin(cancel);
	if (rc)
		rf_cli_break_later(cancel, rc);
}

void rf_cli_send_cancel(struct rf_cli *cli)
{
	if (cli->cancel_sent || cli->final)
		return;
	send_cancel(cli);
	rf_trans_step(&cli->tx.trans, RF_TRANS_CANCELLED, 0, rf_loop_now(cli->tx.ua->loop));
	rf_cli_arm(cli);
}

int rf_cli_cancel(struct rf_cli *cli, struct rf_view headers)
{
	if (!rf_cli_is_invite(cli) || cli->final || cli->cancel || cli->tx.ended)
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
		rf_cli_break_later(cli, -ECANCELED);
	} else if (cli->answered) {
		rf_cli_send_cancel(cli);
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
