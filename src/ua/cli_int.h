/* Between the files of client transactions: cli.c, clihop.c, clianswer.c. One struct rf_cli (ua_int.h) is what its user
 * sees; under it one attempt after another goes to the next hops of the target. */
#ifndef RF_UA_CLI_INT_H
#define RF_UA_CLI_INT_H

#include "ua/ua_int.h"

static inline struct rf_view rf_cli_branch(const struct rf_cli *cli)
{
	return rf_branch_view(&cli->branch);
}

static inline bool rf_cli_is_invite(const struct rf_cli *cli)
{
	return cli->method == RF_SIP_INVITE;
}

/* ---- cli.c */
/* Without a request yet, in no table. NULL: no memory; counted. */
struct rf_cli *rf_cli_make(struct rf_ua *ua, rf_cli_fn *fn, void *arg, struct rf_view method);
void rf_cli_release(struct rf_cli *cli);
void rf_cli_free_route(struct rf_route *r); /* NULL is fine */
/* The timer, as the machine and cli->first_at have it now. */
void rf_cli_arm(struct rf_cli *cli);
void rf_cli_tell(struct rf_cli *cli, const struct rf_cli_event *event);
/* Over, with this event, unless it is over already. */
void rf_cli_end(struct rf_cli *cli, enum rf_cli_kind kind, int err);
/* As rf_cli_broken(), at the end of the turn: for what fails inside a call of the user's. */
void rf_cli_break_later(struct rf_cli *cli, int err);
/* The CANCEL that was asked for, once. */
void rf_cli_send_cancel(struct rf_cli *cli);

/* ---- clihop.c */
/* Send the request to the target: now, or when its name is resolved. line_n: of the request's first line. As
 * rf_cli_new(); what failed in sending comes at the end of the turn. */
int rf_cli_aim(struct rf_cli *cli, const struct rf_target *t, struct rf_view request, size_t line_n);
/* May another hop be tried? Not when somebody rings already, nor when nobody wants it any more. */
bool rf_cli_may_go_on(const struct rf_cli *cli);
/* The next hops in turn, until one can be sent to. *err: why the last one could not, or what there was before. */
bool rf_cli_next_hop(struct rf_cli *cli, int *err);
/* Into the table by cli->branch. RF_E_LIMIT, -ENOMEM. */
int rf_cli_enter(struct rf_cli *cli);
/* A new run of the machine over cli->flow; sends cli->wire, and answers as rf_ua_send(). */
int rf_cli_begin(struct rf_cli *cli);
int rf_cli_transmit(struct rf_cli *cli, struct rf_view bytes);
/* It need not hear any more when its connection closes. */
void rf_cli_unlink(struct rf_cli *cli);

#endif
