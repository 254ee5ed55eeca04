#include "role/wall_int.h"

#include "role/wall_right.h"

#include <netinet/in.h>
#include <stdlib.h>

/* --- the table */

static uint64_t hash_of(const struct rf_front *w, const struct rf_tuple *t)
{
	return rf_hash(&w->hash_key, rf_view_of(t, sizeof *t));
}

static struct rf_wall_pin *find(const struct rf_front *w, const struct rf_tuple *t, uint64_t hash)
{
	for (struct rf_node *n = rf_table_first(&w->pins, hash); n; n = rf_table_next(n)) {
		struct rf_wall_pin *p = rf_container(n, struct rf_wall_pin, node);

		if (memcmp(&p->tuple, t, sizeof *t) == 0)
			return p;
	}
	return NULL;
}

/* By is 1 or -1. */
static void count(struct rf_front *w, const struct rf_wall_pin *p, int by)
{
	size_t opening = rf_tuple_is_opening(&p->tuple) ? (size_t)by : 0;

	p->host->pins += (size_t)by;
	p->host->openings += opening;
	w->openings += opening;
}

static void forget(struct rf_front *w, struct rf_wall_pin *p)
{
	rf_timer_stop(rf_loop_wheel(w->loop), &p->end);
	rf_table_del(&w->pins, &p->node);
	count(w, p, -1);
	free(p);
}

/* --- jobs for the hand */

static size_t room(const struct rf_front *w)
{
	return RF_WALL_JOBS - w->jobs.n;
}

void rf_wall_push(struct rf_front *w, const struct rf_hand_element *e, struct rf_wall_wait *wait, uint32_t index)
{
	w->jobs.v[(w->jobs.first + w->jobs.n++) % RF_WALL_JOBS] = (struct rf_wall_job){ *e, wait, index };
}

static void push(struct rf_front *w, enum rf_hand_op op, uint32_t timeout_ms, const struct rf_tuple *t,
		 struct rf_wall_wait *wait, uint32_t index)
{
	uint16_t set = rf_tuple_is_opening(t) ? RF_HAND_OPENINGS : RF_HAND_PINHOLES;

	rf_wall_push(w, &(struct rf_hand_element){ .op = op, .set = set, .timeout_ms = timeout_ms, .tuple = *t }, wait,
		     index);
}

/* One order is with the hand at a time; what comes in the meantime gathers to the next. */
void rf_wall_pins_flush(struct rf_hook *hook)
{
	struct rf_front *w = rf_container(hook, struct rf_front, flush);
	struct rf_hand_element v[RF_HAND_ELEMENTS_MAX];
	struct rf_wall_jobs *q = &w->jobs;
	size_t n = q->n < RF_HAND_ELEMENTS_MAX ? q->n : RF_HAND_ELEMENTS_MAX;

	if (q->flying || !n || w->hand_died)
		return;
	for (size_t i = 0; i < n; i++)
		v[i] = q->v[(q->first + i) % RF_WALL_JOBS].element;
	if (rf_hand_elements(w->hand, q->id + 1, v, n) == 0) {
		q->id++;
		q->flying = n;
	}
}

/* The kernel has not what we believed it has. */
static void undo(struct rf_front *w, const struct rf_wall_job *j)
{
	w->counts.failed++;
	if (j->element.set == RF_HAND_BLOCKED) {
		rf_wall_block_undo(w, &j->element);
		return;
	}
	struct rf_wall_pin *p = find(w, &j->element.tuple, hash_of(w, &j->element.tuple));

	if (p && j->element.op != RF_HAND_CLOSE)
		forget(w, p);
}

void rf_wall_pins_done(struct rf_front *w, const struct rf_hand_message *m)
{
	struct rf_wall_jobs *q = &w->jobs;

	if (m->head.id != q->id || !q->flying)
		return;
	for (size_t i = 0; i < q->flying; i++) {
		struct rf_wall_job j = q->v[(q->first + i) % RF_WALL_JOBS];
		bool bad = m->head.err || (m->u.failed[i / 8] >> i % 8 & 1);

		if (bad)
			undo(w, &j);
		if (j.wait)
			rf_wall_answer(j.wait, bad ? j.index : UINT32_MAX);
	}
	q->first = (q->first + q->flying) % RF_WALL_JOBS;
	q->n -= q->flying;
	q->flying = 0;
}

/* --- their ends */

static void end_fire(struct rf_timer *t)
{
	struct rf_wall_pin *p = rf_container(t, struct rf_wall_pin, end);
	struct rf_front *w = p->host->wall;

	if (!room(w)) { /* a queue that long: the kernel's own timeout ends it at the latest */
		rf_timer_start(rf_loop_wheel(w->loop), &p->end, 1000);
		return;
	}
	push(w, RF_HAND_CLOSE, 0, &p->tuple, NULL, 0);
	w->counts.expired++;
	forget(w, p);
}

static void close_if_of(struct rf_node *n, void *arg)
{
	struct rf_wall_pin *p = rf_container(n, struct rf_wall_pin, node);
	struct rf_wall_host *host = arg;

	if (p->host != host || !room(host->wall))
		return;
	push(host->wall, RF_HAND_CLOSE, 0, &p->tuple, NULL, 0);
	host->wall->counts.closed++;
	forget(host->wall, p);
}

static void grace_fire(struct rf_timer *t)
{
	struct rf_wall_host *host = rf_container(t, struct rf_wall_host, grace);
	size_t pins = host->pins;

	rf_table_each(&host->wall->pins, close_if_of, host);
	rf_log(host->wall->log, RF_LOG_WARN, "%s has been gone for %d s: its %zu pinholes are closed", host->name,
	       RF_WALL_GRACE_MS / 1000, pins);
	if (!host->pins && !host->streams)
		host->name[0] = '\0';
}

void rf_wall_host_lost(struct rf_wall_host *host)
{
	if (host->pins)
		rf_timer_start(rf_loop_wheel(host->wall->loop), &host->grace, RF_WALL_GRACE_MS);
	else
		host->name[0] = '\0';
}

void rf_wall_host_back(struct rf_wall_host *host)
{
	rf_timer_stop(rf_loop_wheel(host->wall->loop), &host->grace);
}

void rf_wall_host_out(struct rf_wall_host *host)
{
	size_t pins = host->pins;

	rf_table_each(&host->wall->pins, close_if_of, host);
	if (pins)
		rf_log(host->wall->log, RF_LOG_WARN, "%s is not believed any more: its %zu pinholes are closed",
		       host->name, pins);
}

/* --- requests */

/* One that ends by itself: its first packet says which port it is. Of TCP one waits for a connection. */
static bool is_brief(const struct rf_tuple *t)
{
	return rf_tuple_is_opening(t) && t->protocol == IPPROTO_UDP;
}

static bool may_open(const struct rf_front *w, const struct rf_site_host *host, const struct rf_wall_request *r,
		     size_t i, const char **ret_rule)
{
	bool too_long =
		is_brief(&r->tuples[i]) && (r->verb == RF_WALL_REFRESH || r->seconds > RF_WALL_OPENING_SECONDS_MAX);

	*ret_rule = too_long ? "an opening for UDP ends by itself within 60 seconds" :
			       "the host is no border or relay any more";
	return !too_long && host && rf_wall_may_open(&w->flows, host, &r->tuples[i], ret_rule);
}

static int check_open(struct rf_front *w, const struct rf_wall_host *host, const struct rf_wall_request *r,
		      uint32_t *ret_index, const char **ret_rule)
{
	const struct rf_site_host *site_host = rf_wall_host_of(w, rf_view_str(host->name));
	size_t more = 0, openings = 0;

	for (size_t i = 0; i < r->n; i++) {
		*ret_index = (uint32_t)i;
		if (!may_open(w, site_host, r, i, ret_rule))
			return RF_E_DENIED;
		bool is_new = !find(w, &r->tuples[i], hash_of(w, &r->tuples[i]));

		more += is_new;
		openings += is_new && rf_tuple_is_opening(&r->tuples[i]);
	}
	bool full = w->pins.count + more > RF_WALL_TUPLES || host->pins + more > RF_WALL_TUPLES_OF_HOST ||
		    (openings && (w->openings + openings > RF_WALL_OPENINGS ||
				  host->openings + openings > RF_WALL_OPENINGS_OF_HOST));

	return full ? RF_E_LIMIT : 0;
}

static int check_own(struct rf_front *w, const struct rf_wall_host *host, const struct rf_wall_request *r,
		     uint32_t *ret_index)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct rf_wall_pin *p = find(w, &r->tuples[i], hash_of(w, &r->tuples[i]));

		*ret_index = (uint32_t)i;
		if (!p || p->host != host)
			return RF_E_NOT_FOUND;
	}
	return 0;
}

/* The site may have changed since it was opened: who must not open it any more must not keep it either. */
static int check_refresh(struct rf_front *w, const struct rf_wall_host *host, const struct rf_wall_request *r,
			 uint32_t *ret_index, const char **ret_rule)
{
	int rc = check_own(w, host, r, ret_index);

	return rc ? rc : check_open(w, host, r, ret_index, ret_rule);
}

static bool add(struct rf_front *w, struct rf_wall_host *host, const struct rf_tuple *t, uint64_t hash,
		struct rf_wall_pin **ret)
{
	struct rf_wall_pin *p = calloc(1, sizeof *p);

	if (!p)
		return false;
	p->host = host;
	p->tuple = *t;
	rf_timer_init(&p->end, end_fire);
	if (rf_table_add(&w->pins, &p->node, hash)) {
		free(p);
		return false;
	}
	count(w, p, 1);
	*ret = p;
	return true;
}

/* Open, or refresh. False: no memory. */
static bool keep(struct rf_front *w, struct rf_wall_host *host, const struct rf_wall_request *r, uint32_t i,
		 struct rf_wall_wait *wait)
{
	uint64_t hash = hash_of(w, &r->tuples[i]);
	struct rf_wall_pin *p = find(w, &r->tuples[i], hash);
	bool is_new = !p;

	if (is_new && !add(w, host, &r->tuples[i], hash, &p))
		return false;
	if (p->host != host) {
		count(w, p, -1);
		p->host = host;
		count(w, p, 1);
	}
	if (!is_new && is_brief(&p->tuple)) { /* asked for again it does not stay longer */
		rf_wall_answer(wait, UINT32_MAX);
		return true;
	}
	rf_timer_start(rf_loop_wheel(w->loop), &p->end, (uint64_t)r->seconds * 1000);
	push(w, is_new ? RF_HAND_OPEN : RF_HAND_REFRESH, r->seconds * 1000, &p->tuple, wait, i);
	*(is_new ? &w->counts.opened : &w->counts.refreshed) += 1;
	return true;
}

static void drop(struct rf_front *w, const struct rf_wall_request *r, uint32_t i, struct rf_wall_wait *wait)
{
	struct rf_wall_pin *p = find(w, &r->tuples[i], hash_of(w, &r->tuples[i]));

	push(w, RF_HAND_CLOSE, 0, &r->tuples[i], wait, i);
	if (p) /* the same one may be named twice */
		forget(w, p);
	w->counts.closed += p != NULL;
}

int rf_wall_pin_request(struct rf_front *w, struct rf_wall_host *host, const struct rf_wall_request *r,
			struct rf_wall_wait *wait, uint32_t *ret_index, const char **ret_rule)
{
	*ret_rule = "such an address is not blocked, or not by this host";
	if (room(w) < r->n + RF_WALL_TUPLES) /* room is kept for their ends */
		return RF_E_BUSY;
	if (r->verb == RF_WALL_BLOCK || r->verb == RF_WALL_UNBLOCK)
		return rf_wall_block_request(w, host, r, wait, ret_index);
	int rc = r->verb == RF_WALL_OPEN ? check_open(w, host, r, ret_index, ret_rule) :
		 r->verb == RF_WALL_REFRESH ? check_refresh(w, host, r, ret_index, ret_rule) :
		 check_own(w, host, r, ret_index);

	if (rc)
		return rc;
	for (uint32_t i = 0; i < r->n; i++) {
		if (r->verb == RF_WALL_CLOSE)
			drop(w, r, i, wait);
		else if (!keep(w, host, r, i, wait)) {
			w->counts.failed++;
			rf_wall_answer(wait, i); /* no memory: this one is not open, and that is said */
		}
	}
	return 0;
}

/* --- life */

int rf_wall_pins_init(struct rf_front *w)
{
	rf_table_init(&w->pins, RF_WALL_TUPLES);
	rf_table_init(&w->blocks, RF_WALL_BLOCKS);
	for (size_t i = 0; i < RF_WALL_HOSTS; i++) {
		w->hosts[i].wall = w;
		rf_timer_init(&w->hosts[i].grace, grace_fire);
	}
	w->jobs.v = calloc(RF_WALL_JOBS, sizeof *w->jobs.v);
	return w->jobs.v ? 0 : -ENOMEM;
}

static void free_pin(struct rf_node *n, void *arg)
{
	forget(arg, rf_container(n, struct rf_wall_pin, node));
}

void rf_wall_pins_fini(struct rf_front *w)
{
	if (!w->loop)
		return;
	for (size_t i = 0; i < RF_WALL_HOSTS; i++)
		rf_timer_stop(rf_loop_wheel(w->loop), &w->hosts[i].grace);
	rf_table_each(&w->pins, free_pin, w);
	rf_table_fini(&w->pins);
	rf_wall_blocks_fini(w);
	for (size_t i = 0; w->jobs.v && i < w->jobs.n; i++) {
		struct rf_wall_wait *wait = w->jobs.v[(w->jobs.first + i) % RF_WALL_JOBS].wait;

		if (wait)
			rf_wall_answer(wait, UINT32_MAX); /* its connection has ended: freed */
	}
	free(w->jobs.v);
	w->jobs.v = NULL;
}
