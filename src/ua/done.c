/* Requests (not INVITE) over UDP that were answered and whose user is gone. Their transactions live on for timer J only
 * to absorb repetitions (RFC 3261 17.2.2), and there are many: 32 seconds' worth of all registrations. So what they
 * still need, the keys and the bytes of the answer, moves into one block of memory, and one timer serves all: timer J
 * is the same for each, so the oldest is always the first that is due. */
#include "ua/ua_int.h"
#include "base/secret.h"

#include <stdlib.h>

struct rf_done {
	struct rf_node node;             /* in ua->done */
	struct rf_merged merged;         /* in ua->merged, when merged.key.n */
	TAILQ_ENTRY(rf_done) age;        /* in ua->dones, oldest first */
	struct rf_mono end_at, seen;
	struct rf_flow flow;
	uint32_t key_n, merged_n, answer_n;
	uint8_t data[];                  /* key, merged.key, answer */
};

static size_t size_of(const struct rf_done *d)
{
	return sizeof *d + d->key_n + d->merged_n + d->answer_n;
}

static struct rf_view answer_of(const struct rf_done *d)
{
	return rf_view_of(d->data + d->key_n + d->merged_n, d->answer_n);
}

static void arm(struct rf_ua *ua)
{
	const struct rf_done *oldest = TAILQ_FIRST(&ua->dones);

	if (!oldest)
		rf_timer_stop(ua->wheel, &ua->done_timer);
	else if (!rf_timer_active(&ua->done_timer))
		rf_timer_start_at(ua->wheel, &ua->done_timer, oldest->end_at);
}

static void end(struct rf_ua *ua, struct rf_done *d)
{
	TAILQ_REMOVE(&ua->dones, d, age);
	rf_table_del(&ua->done, &d->node);
	if (d->merged.key.n)
		rf_table_del(&ua->merged, &d->merged.node);
	ua->srv_bytes -= size_of(d);
	rf_secret_free(d, size_of(d));
	rf_ua_bump(&ua->stats.srv_now, -1);
}

static void fire(struct rf_timer *t)
{
	struct rf_ua *ua = rf_container(t, struct rf_ua, done_timer);
	struct rf_mono now = rf_loop_now(ua->loop);

	for (struct rf_done *d; (d = TAILQ_FIRST(&ua->dones)) && rf_mono_due(d->end_at, now);)
		end(ua, d);
	arm(ua);
}

void rf_dones_init(struct rf_ua *ua)
{
	TAILQ_INIT(&ua->dones);
	rf_table_init(&ua->done, rf_tx_most(ua->bounds.server_transactions, true));
	rf_timer_init(&ua->done_timer, fire);
}

void rf_dones_fini(struct rf_ua *ua)
{
	for (struct rf_done *d; (d = TAILQ_FIRST(&ua->dones));)
		end(ua, d);
	rf_timer_stop(ua->wheel, &ua->done_timer);
	rf_table_fini(&ua->done);
}

static void put(uint8_t **at, struct rf_view v)
{
	if (v.n)
		memcpy(*at, v.p, v.n);
	*at += v.n;
}

int rf_done_keep(struct rf_ua *ua, const struct rf_done_conf *conf)
{
	struct rf_done *d = malloc(sizeof *d + conf->key.n + conf->merged.n + conf->answer.n);
	uint8_t *at;

	if (!d)
		return -ENOMEM;
	if (rf_table_add(&ua->done, &d->node, conf->hash)) {
		free(d);
		return RF_E_LIMIT;
	}
	d->key_n = (uint32_t)conf->key.n;
	d->merged_n = (uint32_t)conf->merged.n;
	d->answer_n = (uint32_t)conf->answer.n;
	d->end_at = conf->end_at;
	d->seen = rf_loop_now(ua->loop);
	d->flow = conf->flow;
	at = d->data;
	put(&at, conf->key);
	d->merged.key = rf_view_of(at, conf->merged.n);
	put(&at, conf->merged);
	put(&at, conf->answer);
	if (conf->merged.n && rf_table_add(&ua->merged, &d->merged.node, conf->merged_hash))
		d->merged.key.n = 0;
	TAILQ_INSERT_TAIL(&ua->dones, d, age);
	ua->srv_bytes += size_of(d);
	rf_ua_bump(&ua->stats.srv_now, 1);
	arm(ua);
	return 0;
}

bool rf_done_repeated(struct rf_ua *ua, struct rf_view key, uint64_t hash)
{
	for (struct rf_node *n = rf_table_first(&ua->done, hash); n; n = rf_table_next(n)) {
		struct rf_done *d = rf_container(n, struct rf_done, node);

		if (!rf_view_eq(rf_view_of(d->data, d->key_n), key))
			continue;
		d->seen = rf_loop_now(ua->loop);
		rf_ua_count(ua, RF_UA_REPEATED_IN);
		rf_ua_count(ua, RF_UA_REPEATED_OUT);
		rf_ua_count(ua, RF_UA_RESPONSES_OUT);
		if (rf_ua_send(ua, &d->flow, answer_of(d), RF_V("")))
			rf_ua_count(ua, RF_UA_SEND_FAILED);
		return true;
	}
	return false;
}

bool rf_done_evict(struct rf_ua *ua)
{
	struct rf_done *oldest = TAILQ_FIRST(&ua->dones);

	if (!oldest || !rf_mono_due(rf_mono_add_ms(oldest->seen, RF_UA_QUIET_MS), rf_loop_now(ua->loop)))
		return false;
	end(ua, oldest);
	rf_ua_count(ua, RF_UA_EVICTED);
	return true;
}
