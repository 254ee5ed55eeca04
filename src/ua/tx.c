/* What server and client transactions have in common: a place in a table, one timer, an end that comes after the
 * callbacks of the turn, and a queue of those that are done but for repetitions, from which the oldest leave early
 * when a table is full. */
#include "ua/ua_int.h"

#include <stdlib.h>

enum { EVICT_AT_ONCE = 64, KEPT_SHARE = 16 };

static struct rf_srv *srv_of(struct rf_tx *tx)
{
	return rf_container(tx, struct rf_srv, tx);
}

static struct rf_cli *cli_of(struct rf_tx *tx)
{
	return rf_container(tx, struct rf_cli, tx);
}

static void fire(struct rf_timer *t)
{
	struct rf_tx *tx = rf_container(t, struct rf_tx, timer);

	if (tx->is_cli)
		rf_cli_tick(cli_of(tx));
	else
		rf_srv_tick(srv_of(tx));
}

void rf_tx_init(struct rf_tx *tx, struct rf_ua *ua, bool is_cli)
{
	uint64_t *now = is_cli ? &ua->stats.cli_now : &ua->stats.srv_now;
	uint64_t *most = is_cli ? &ua->stats.cli_most : &ua->stats.srv_most;

	tx->ua = ua;
	tx->is_cli = is_cli;
	rf_timer_init(&tx->timer, fire);
	rf_ua_bump(now, 1);
	if (*now > *most)
		rf_ua_bump(most, 1);
}

void rf_tx_arm(struct rf_tx *tx, struct rf_mono extra)
{
	struct rf_mono at = rf_mono_first(rf_trans_next(&tx->trans), extra);

	if (tx->ended)
		return;
	if (at.us == rf_mono_never().us)
		rf_timer_stop(tx->ua->wheel, &tx->timer);
	else
		rf_timer_start_at(tx->ua->wheel, &tx->timer, at);
}

void rf_tx_defer(struct rf_tx *tx)
{
	struct rf_ua *ua = tx->ua;

	if (tx->is_pending)
		return;
	tx->is_pending = true;
	STAILQ_INSERT_TAIL(&ua->pending, tx, pending);
	if (!ua->freed)
		rf_loop_defer(ua->loop, &ua->defer);
}

static void not_idle(struct rf_tx *tx)
{
	if (!tx->is_idle)
		return;
	tx->is_idle = false;
	if (tx->is_cli)
		TAILQ_REMOVE(&tx->ua->idle_cli, tx, idle);
	else
		TAILQ_REMOVE(&tx->ua->idle_srv, tx, idle);
}

void rf_tx_leave(struct rf_tx *tx)
{
	tx->ended = true;
	if (!tx->is_cli)
		rf_srv_uncount(srv_of(tx));
	not_idle(tx);
	rf_timer_stop(tx->ua->wheel, &tx->timer);
	if (tx->in_table) {
		tx->in_table = false;
		rf_table_del(tx->is_cli ? &tx->ua->cli : &tx->ua->srv, &tx->node);
	}
}

void rf_tx_end(struct rf_tx *tx)
{
	if (tx->ended)
		return;
	rf_tx_leave(tx);
	rf_tx_defer(tx);
}

void rf_tx_quiet(struct rf_tx *tx)
{
	if (tx->ended)
		return;
	not_idle(tx);
	tx->is_idle = true;
	tx->idle_since = rf_loop_now(tx->ua->loop);
	if (tx->is_cli)
		TAILQ_INSERT_TAIL(&tx->ua->idle_cli, tx, idle);
	else
		TAILQ_INSERT_TAIL(&tx->ua->idle_srv, tx, idle);
}

static bool evict_oldest(struct rf_ua *ua, bool is_cli)
{
	struct rf_tx *oldest = TAILQ_FIRST(is_cli ? &ua->idle_cli : &ua->idle_srv);

	if (!oldest || !rf_mono_due(rf_mono_add_ms(oldest->idle_since, RF_UA_QUIET_MS), rf_loop_now(ua->loop)))
		return false;
	rf_ua_count(ua, RF_UA_EVICTED);
	rf_tx_end(oldest);
	return true;
}

size_t rf_tx_most(size_t bound, bool urgent)
{
	return urgent ? bound + (bound + KEPT_SHARE - 1) / KEPT_SHARE : bound;
}

static bool is_full(const struct rf_ua *ua, bool is_cli, bool urgent)
{
	const struct rf_ua_bounds *b = &ua->bounds;

	if (is_cli)
		return ua->cli.count >= rf_tx_most(b->client_transactions, urgent);
	return ua->srv.count + ua->done.count >= rf_tx_most(b->server_transactions, urgent) ||
	       ua->srv_bytes >= rf_tx_most(b->server_bytes, urgent);
}

/* Several may have to go for one: what is small must not make room for ever more of what is large. */
bool rf_tx_room(struct rf_ua *ua, bool is_cli, bool urgent)
{
	struct rf_table *t = is_cli ? &ua->cli : &ua->srv;

	for (int i = 0; is_full(ua, is_cli, urgent); i++)
		if (i == EVICT_AT_ONCE || !((!is_cli && rf_done_evict(ua)) || evict_oldest(ua, is_cli))) {
			t->refused++;
			return false;
		}
	return true;
}

void rf_tx_run_pending(struct rf_ua *ua)
{
	struct rf_tx_pending now = STAILQ_HEAD_INITIALIZER(now);

	STAILQ_CONCAT(&now, &ua->pending); /* what callbacks add waits for the next run, so that none can spin here */
	for (struct rf_tx *tx; (tx = STAILQ_FIRST(&now));) {
		STAILQ_REMOVE_HEAD(&now, pending);
		tx->is_pending = false;
		if (tx->is_cli)
			rf_cli_finish(cli_of(tx));
		else
			rf_srv_finish(srv_of(tx));
	}
}
