#include "media/ng_client.h"

#include <stdlib.h>
#include <sys/queue.h>

#include "base/secret.h"
#include "base/table.h"

enum { ASKS = 4096, OWED = 4096, PAID_AT_ONCE = 16, OWED_MS = 3600 * 1000, TIMEOUT_MS = 2000, PING_MS = 5000, PINGS_LOST = 2, FIRST_REPEAT_MS = 250, COOKIE_BYTES = 25 };

struct ask {
	struct rf_node node;           /* by its cookie's number */
	TAILQ_ENTRY(ask) link;
	struct rf_timer timer;
	struct rf_ng_client *client;
	rf_ng_client_done *done;       /* NULL: a ping of ours, or nobody waits */
	void *arg;
	struct rf_mono deadline;       /* of this relay */
	uint32_t interval_ms;
	uint32_t tried;                /* bits */
	uint32_t number;
	unsigned relay;
	bool any;
	bool tells;                    /* it must arrive (rf_ng_client_tell()) */
	bool owed;                     /* it waits for its relay: in no table, without a timer, until `deadline` */
	struct rf_mono sent;
	size_t n;
	uint8_t bytes[];
};

struct relay {
	struct rf_timer ping;
	struct rf_ng_client *client;
	bool well;
	uint32_t lost;                 /* in a row */
	struct rf_mono lost_at;        /* the last of them */
	unsigned telling;              /* what it is being told */
	TAILQ_HEAD(, ask) owed;        /* what it is to be told, the oldest first */
};

struct rf_ng_client {
	struct rf_ng_client_conf conf;
	struct relay relays[RF_NG_RELAYS_MAX];
	struct rf_table table;
	TAILQ_HEAD(, ask) asks;
	struct rf_arena arena;
	struct rf_ng_client_stats stats;
	size_t owed;
	uint32_t next_number;
	bool closing;
	uint8_t out[RF_NG_BYTES_MAX];
};

/* ---- asks */

static void put_cookie(struct rf_writer *w, const struct rf_ng_client *c, uint32_t number)
{
	rf_put_hex64(w, c->conf.cookie_key);
	rf_put_byte(w, '_');
	rf_put_u64(w, number);
}

/* The number in one of our cookies. */
static bool number_of(const struct rf_ng_client *c, struct rf_view cookie, uint32_t *ret)
{
	char key[COOKIE_BYTES];
	struct rf_writer w;

	rf_writer_init(&w, key, sizeof key);
	rf_put_hex64(&w, c->conf.cookie_key);
	rf_put_byte(&w, '_');
	return rf_view_starts(cookie, rf_view_of(key, w.n)) && rf_view_u32(rf_view_from(cookie, w.n), ret);
}

static uint64_t hash(const struct rf_ng_client *c, uint32_t number)
{
	return rf_hash(&c->conf.hash_key, rf_view_of(&number, sizeof number));
}

static struct ask *find(const struct rf_ng_client *c, uint32_t number)
{
	for (struct rf_node *n = rf_table_first(&c->table, hash(c, number)); n; n = rf_table_next(n))
		if (rf_container(n, struct ask, node)->number == number)
			return rf_container(n, struct ask, node);
	return NULL;
}

static void forget(struct ask *a)
{
	struct rf_ng_client *c = a->client;

	if (a->owed) {
		TAILQ_REMOVE(&c->relays[a->relay].owed, a, link);
		c->owed--;
	} else {
		rf_timer_stop(c->conf.wheel, &a->timer);
		rf_table_del(&c->table, &a->node);
		TAILQ_REMOVE(&c->asks, a, link);
		c->relays[a->relay].telling -= a->tells;
	}
	rf_secret_wipe(a->bytes, a->n); /* SDES: keys */
	free(a);
}

static void end(struct ask *a, int err, const struct rf_ng_reply *reply)
{
	rf_ng_client_done *done = a->done;
	void *arg = a->arg;
	int relay = (int)a->relay;

	forget(a);
	if (done)
		done(arg, err, relay, reply);
}

static struct rf_mono now_of(const struct rf_ng_client *c)
{
	return c->conf.wheel->now;
}

static void send_to(struct ask *a, unsigned relay)
{
	struct rf_ng_client *c = a->client;

	a->relay = relay;
	a->sent = now_of(c);
	a->tried |= UINT32_C(1) << relay;
	a->deadline = rf_mono_add_ms(now_of(c), c->conf.timeout_ms);
	a->interval_ms = c->conf.reliable >> relay & 1 ? c->conf.timeout_ms : FIRST_REPEAT_MS;
	rf_timer_start(c->conf.wheel, &a->timer, a->interval_ms);
	c->conf.ops->send(c->conf.arg, relay, rf_view_of(a->bytes, a->n));
}

/* The first relay that is well and was not asked; -1: none. */
static int next_relay(const struct rf_ng_client *c, uint32_t tried)
{
	for (unsigned i = 0; i < c->conf.n_relays; i++)
		if (c->relays[i].well && !(tried >> i & 1))
			return (int)i;
	return -1;
}

static bool fail_over(struct ask *a)
{
	int next = a->any ? next_relay(a->client, a->tried) : -1;

	if (next < 0)
		return false;
	a->client->stats.failed_over++;
	send_to(a, (unsigned)next);
	return true;
}

/* ---- what is owed */

static void add_owed(struct rf_ng_client *c, struct ask *a)
{
	struct relay *r = &c->relays[a->relay];

	a->owed = true;
	a->deadline = rf_mono_add_ms(now_of(c), OWED_MS);
	TAILQ_INSERT_TAIL(&r->owed, a, link);
	if (++c->owed <= c->conf.owed_max)
		return;
	c->stats.forgotten++;
	forget(TAILQ_FIRST(&r->owed));
}

/* It was sent and not answered: later. */
static void owe(struct ask *a)
{
	struct rf_ng_client *c = a->client;

	rf_timer_stop(c->conf.wheel, &a->timer);
	rf_table_del(&c->table, &a->node);
	TAILQ_REMOVE(&c->asks, a, link);
	c->relays[a->relay].telling--;
	add_owed(c, a);
}

/* As much as it may be told at once. */
static void pay(struct rf_ng_client *c, unsigned relay)
{
	struct relay *r = &c->relays[relay];
	struct ask *a;

	while (r->well && !c->closing && r->telling < PAID_AT_ONCE && (a = TAILQ_FIRST(&r->owed))) {
		if (now_of(c).us >= a->deadline.us) {
			c->stats.forgotten++;
			forget(a);
			continue;
		}
		if (rf_table_add(&c->table, &a->node, hash(c, a->number)))
			return; /* with the next answer */
		TAILQ_REMOVE(&r->owed, a, link);
		c->owed--;
		a->owed = false;
		TAILQ_INSERT_TAIL(&c->asks, a, link);
		r->telling++;
		send_to(a, relay);
	}
}

/* ---- health */

/* What this relay was asked, or what of it may go elsewhere, is over: with their timers, not from in here. */
static void hurry(struct rf_ng_client *c, unsigned relay, bool any_only)
{
	struct ask *a;

	TAILQ_FOREACH(a, &c->asks, link)
		if (a->relay == relay && (a->any || !any_only)) {
			a->deadline = now_of(c);
			rf_timer_start(c->conf.wheel, &a->timer, 0);
		}
}

void rf_ng_client_cut(struct rf_ng_client *c, unsigned relay)
{
	if (relay < c->conf.n_relays && !c->closing)
		hurry(c, relay, false);
}

/* True when that is news, which the caller tells (tell()) when it is done with what it holds. */
static bool mark(struct rf_ng_client *c, unsigned relay, bool well)
{
	struct relay *r = &c->relays[relay];
	bool news = r->well != well;

	if (well)
		r->lost = 0;
	r->well = well;
	if (news && !well)
		hurry(c, relay, true);
	return news;
}

static void tell(struct rf_ng_client *c, unsigned relay, bool news)
{
	if (news && c->conf.ops->health)
		c->conf.ops->health(c->conf.arg, relay, c->relays[relay].well);
}

/* One more that it did not answer: is it unwell for that? What was sent before the last such one was
 * counted says nothing new. */
static bool lose(struct rf_ng_client *c, const struct ask *a)
{
	struct relay *r = &c->relays[a->relay];
	bool repeated = !(c->conf.reliable >> a->relay & 1) && (a->done || a->tells);

	if (!r->lost || a->sent.us >= r->lost_at.us) {
		r->lost++;
		r->lost_at = now_of(c);
	}
	return (repeated || r->lost >= c->conf.pings_lost) && mark(c, a->relay, false);
}

static void unanswered(struct ask *a)
{
	struct rf_ng_client *c = a->client;
	unsigned relay = a->relay;
	bool news = lose(c, a);

	c->stats.timed_out += a->done || a->tells;
	if (a->tells)
		owe(a);
	else if (!fail_over(a))
		end(a, RF_E_TIMEOUT, NULL);
	tell(c, relay, news);
	pay(c, relay);
}

static void fire(struct rf_timer *t)
{
	struct ask *a = rf_container(t, struct ask, timer);
	struct rf_ng_client *c = a->client;

	if (now_of(c).us >= a->deadline.us) {
		unanswered(a);
		return;
	}
	uint64_t left_ms = (a->deadline.us - now_of(c).us + 999) / 1000;
	a->interval_ms *= 2;
	if (!(c->conf.reliable >> a->relay & 1)) {
		c->stats.repeated++;
		c->conf.ops->send(c->conf.arg, a->relay, rf_view_of(a->bytes, a->n));
	}
	rf_timer_start(c->conf.wheel, &a->timer, a->interval_ms < left_ms ? a->interval_ms : left_ms);
}

/* One that is nowhere yet. */
static int new_message(struct rf_ng_client *c, const struct rf_ng_request *req, rf_ng_client_done *done, void *arg,
		       struct ask **ret)
{
	struct rf_ng_request q = *req;
	uint8_t cookie[COOKIE_BYTES + 8];
	struct rf_writer w;
	struct rf_view message;

	do
		c->next_number++;
	while (find(c, c->next_number));
	rf_writer_init(&w, cookie, sizeof cookie);
	put_cookie(&w, c, c->next_number);
	q.cookie = rf_view_of(cookie, w.n);
	q.encoding = RF_NG_BENCODE;
	rf_writer_init(&w, c->out, sizeof c->out);
	rf_ng_request_put(&w, &q);
	if (rf_writer_done(&w, &message) < 0)
		return w.err;
	struct ask *a = malloc(sizeof(*a) + message.n);
	if (!a)
		return -ENOMEM;
	*a = (struct ask){ .client = c, .done = done, .arg = arg, .number = c->next_number, .n = message.n };
	memcpy(a->bytes, message.p, message.n);
	rf_secret_wipe(c->out, w.n);
	rf_timer_init(&a->timer, fire);
	*ret = a;
	return 0;
}

static int new_ask(struct rf_ng_client *c, const struct rf_ng_request *req, rf_ng_client_done *done, void *arg,
		   struct ask **ret)
{
	struct ask *a;
	int err = new_message(c, req, done, arg, &a);

	if (err < 0)
		return err;
	err = rf_table_add(&c->table, &a->node, hash(c, a->number));
	if (err < 0) {
		rf_secret_wipe(a->bytes, a->n);
		free(a);
		return err;
	}
	TAILQ_INSERT_TAIL(&c->asks, a, link);
	*ret = a;
	return 0;
}

static void ping(struct rf_timer *t)
{
	struct relay *r = rf_container(t, struct relay, ping);
	struct rf_ng_client *c = r->client;
	struct ask *a;

	rf_timer_start(c->conf.wheel, t, c->conf.ping_ms);
	if (new_ask(c, &(struct rf_ng_request){ .command = RF_NG_PING }, NULL, NULL, &a) < 0)
		return;
	c->stats.pings++;
	send_to(a, (unsigned)(r - c->relays));
}

/* ---- what the owner calls */

int rf_ng_client_ask(struct rf_ng_client *c, const struct rf_ng_request *req, int relay, rf_ng_client_done *done,
		     void *arg)
{
	int first = relay == RF_NG_ANY ? next_relay(c, 0) : relay;
	struct ask *a;

	if (c->closing)
		return RF_E_CLOSED;
	if (first < 0 || (unsigned)first >= c->conf.n_relays || !c->relays[first].well)
		return RF_E_BUSY;
	int err = new_ask(c, req, done, arg, &a);
	if (err < 0)
		return err;
	c->stats.asked++;
	a->any = relay == RF_NG_ANY;
	send_to(a, (unsigned)first);
	return 0;
}

int rf_ng_client_tell(struct rf_ng_client *c, const struct rf_ng_request *req, int relay)
{
	struct ask *a;

	if (c->closing)
		return RF_E_CLOSED;
	if (relay < 0 || (unsigned)relay >= c->conf.n_relays)
		return RF_E_LIMIT;
	int err = new_message(c, req, NULL, NULL, &a);
	if (err < 0)
		return err;
	c->stats.told++;
	a->tells = true;
	a->relay = (unsigned)relay;
	add_owed(c, a);
	pay(c, (unsigned)relay);
	return 0;
}

void rf_ng_client_forget(struct rf_ng_client *c, const void *arg)
{
	struct ask *a, *next;

	for (a = TAILQ_FIRST(&c->asks); a; a = next) {
		next = TAILQ_NEXT(a, link);
		if (a->done && a->arg == arg)
			forget(a);
	}
}

static void answered(struct rf_ng_client *c, struct ask *a, int err, const struct rf_ng_reply *reply)
{
	unsigned relay = a->relay;
	bool news = err == 0 && mark(c, relay, true);

	if (err < 0) {
		c->stats.malformed++;
		end(a, RF_E_MALFORMED, NULL);
	} else if (reply->result != RF_NG_LOAD_LIMIT || !fail_over(a)) {
		c->stats.answered += a->done != NULL;
		end(a, 0, reply);
	}
	tell(c, relay, news);
	pay(c, relay);
}

void rf_ng_client_datagram(struct rf_ng_client *c, unsigned relay, struct rf_view bytes)
{
	struct rf_ng_reply reply;
	struct rf_ng_event event;
	uint32_t number;
	int told = rf_ng_event_parse(bytes, &c->arena, &event);

	if (told != RF_E_NOT_FOUND) {
		if (told == 0 && c->conf.ops->event && relay < c->conf.n_relays && c->conf.reliable >> relay & 1)
			c->conf.ops->event(c->conf.arg, relay, &event);
		else
			c->stats.stray++;
		rf_arena_reset(&c->arena);
		return;
	}
	int err = rf_ng_reply_parse(bytes, &c->arena, &reply, NULL);
	struct ask *a = number_of(c, reply.cookie, &number) ? find(c, number) : NULL;

	if (!a || a->relay != relay)
		c->stats.stray++;
	else if (err != -ENOMEM) /* then it is as if it had been lost */
		answered(c, a, err, &reply);
	rf_arena_wipe(&c->arena);
}

bool rf_ng_client_well(const struct rf_ng_client *c, unsigned relay)
{
	return relay < c->conf.n_relays && c->relays[relay].well;
}

void rf_ng_client_stats(const struct rf_ng_client *c, struct rf_ng_client_stats *ret_stats)
{
	*ret_stats = c->stats;
	ret_stats->outstanding = c->table.count;
	ret_stats->owed = c->owed;
}

/* ---- life */

int rf_ng_client_new(const struct rf_ng_client_conf *conf, struct rf_ng_client **ret_client)
{
	if (!conf->n_relays || conf->n_relays > RF_NG_RELAYS_MAX)
		return RF_E_INVALID;
	struct rf_ng_client *c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->conf = *conf;
	c->conf.asks_max = conf->asks_max ? conf->asks_max : ASKS;
	c->conf.owed_max = conf->owed_max ? conf->owed_max : OWED;
	c->conf.timeout_ms = conf->timeout_ms ? conf->timeout_ms : TIMEOUT_MS;
	c->conf.ping_ms = conf->ping_ms ? conf->ping_ms : PING_MS;
	c->conf.pings_lost = conf->pings_lost ? conf->pings_lost : PINGS_LOST;
	rf_table_init(&c->table, c->conf.asks_max);
	TAILQ_INIT(&c->asks);
	rf_arena_init(&c->arena, RF_NG_ARENA_BYTES);
	for (unsigned i = 0; i < conf->n_relays; i++) {
		c->relays[i] = (struct relay){ .client = c, .well = true };
		TAILQ_INIT(&c->relays[i].owed);
		rf_timer_init(&c->relays[i].ping, ping);
		rf_timer_start(conf->wheel, &c->relays[i].ping, 0);
	}
	*ret_client = c;
	return 0;
}

void rf_ng_client_free(struct rf_ng_client *c)
{
	struct ask *a;

	if (!c)
		return;
	c->closing = true;
	for (unsigned i = 0; i < c->conf.n_relays; i++)
		rf_timer_stop(c->conf.wheel, &c->relays[i].ping);
	while ((a = TAILQ_FIRST(&c->asks)))
		end(a, RF_E_CLOSED, NULL);
	for (unsigned i = 0; i < c->conf.n_relays; i++)
		while ((a = TAILQ_FIRST(&c->relays[i].owed)))
			forget(a);
	rf_table_fini(&c->table);
	rf_arena_fini(&c->arena);
	free(c);
}
