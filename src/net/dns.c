#include "net/dns_int.h"

#include "base/err.h"
#include "base/table.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <stdlib.h>
#include <string.h>

enum {
	TIMEOUT_MS = 2000,
	TRIES = 3,
	TTL_MIN_S = 1,
	TTL_MAX_S = 3600,
	TTL_NEGATIVE_S = 10,
	CACHE = 1024,
	QUERIES = 1024,
	UDP_BYTES = 1232, /* fits the smallest IPv6 packet, so that no answer comes in fragments */
	KEY_MAX = RF_DNS_NAME_MAX + 1, /* a byte for the type, the name in small letters */
};

/* What is asked or was answered: first a question under way, then (answered) an entry of the cache. */
struct item {
	struct rf_node node;
	struct rf_dns *dns;
	struct item *newer, *older;      /* answered ones, by age */
	struct rf_dns_query *waiting;
	struct rf_dns_records *records;
	struct rf_mono until;
	int pending;                     /* replies outstanding; 0: answered */
	int status[2];                   /* of each question */
	uint16_t key_n;
	uint8_t key[KEY_MAX];
};

struct rf_dns_query {
	struct rf_dns_query *next, **link; /* item->waiting, then dns->done */
	struct rf_dns *dns;
	struct rf_dns_records *records;    /* once it is done */
	bool cached;
	void (*done)(void *arg, const struct rf_dns_answer *answer);
	void *arg;
};

struct fd_watch {
	struct fd_watch *next;
	struct rf_dns *dns;
	struct rf_watch *watch;
	ares_socket_t fd;
};

struct rf_dns {
	struct rf_loop *loop;
	struct rf_dns_conf conf;
	struct rf_dns_stats stats;
	ares_channel channel;
	struct rf_table items;
	struct item *newest, *oldest;
	struct fd_watch *fds;
	struct rf_timer timer;
	struct rf_defer deliver;
	struct rf_dns_query *done, **done_end;
	bool closing;
};

/* ---- lists */

static void query_unlink(struct rf_dns_query *q)
{
	if (q->dns->done_end == &q->next)
		q->dns->done_end = q->link;
	*q->link = q->next;
	if (q->next)
		q->next->link = q->link;
}

static void query_wait(struct item *item, struct rf_dns_query *q)
{
	q->next = item->waiting;
	q->link = &item->waiting;
	if (q->next)
		q->next->link = &q->next;
	item->waiting = q;
}

/* The callback comes at the end of the turn. */
static void query_done(struct rf_dns_query *q, struct rf_dns_records *records, bool cached)
{
	struct rf_dns *dns = q->dns;

	records->refs++;
	q->records = records;
	q->cached = cached;
	q->next = NULL;
	q->link = dns->done_end;
	*dns->done_end = q;
	dns->done_end = &q->next;
	rf_loop_defer(dns->loop, &dns->deliver);
}

static void query_free(struct rf_dns_query *q)
{
	rf_dns_records_put(q->records);
	free(q);
}

static void item_free(struct item *item)
{
	rf_dns_records_put(item->records);
	free(item);
}

/* ---- the cache */

static void cache_drop(struct rf_dns *dns, struct item *item)
{
	*(item->newer ? &item->newer->older : &dns->newest) = item->older;
	*(item->older ? &item->older->newer : &dns->oldest) = item->newer;
	rf_table_del(&dns->items, &item->node);
	dns->stats.cached--;
	item_free(item);
}

static void cache_put(struct rf_dns *dns, struct item *item)
{
	while (dns->stats.cached >= dns->conf.cache)
		cache_drop(dns, dns->oldest);
	item->newer = NULL;
	item->older = dns->newest;
	*(dns->newest ? &dns->newest->newer : &dns->oldest) = item;
	dns->newest = item;
	dns->stats.cached++;
}

static struct item *find(struct rf_dns *dns, struct rf_view key, uint64_t hash)
{
	for (struct rf_node *n = rf_table_first(&dns->items, hash); n; n = rf_table_next(n)) {
		struct item *item = rf_container(n, struct item, node);

		if (!rf_view_eq(rf_view_of(item->key, item->key_n), key))
			continue;
		if (item->pending || rf_loop_now(dns->loop).us < item->until.us)
			return item;
		cache_drop(dns, item);
		return NULL;
	}
	return NULL;
}

/* ---- c-ares on the loop */

static void rearm(struct rf_dns *dns)
{
	struct timeval tv;

	if (ares_timeout(dns->channel, NULL, &tv))
		rf_timer_start(rf_loop_wheel(dns->loop), &dns->timer,
			       (uint64_t)tv.tv_sec * 1000 + (uint64_t)tv.tv_usec / 1000 + 1);
	else
		rf_timer_stop(rf_loop_wheel(dns->loop), &dns->timer);
}

static void ticked(struct rf_timer *t)
{
	struct rf_dns *dns = rf_container(t, struct rf_dns, timer);

	ares_process_fd(dns->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	rearm(dns);
}

static void fd_ready(void *arg, unsigned events)
{
	struct fd_watch *w = arg;
	struct rf_dns *dns = w->dns;
	ares_socket_t fd = w->fd; /* w may go on the next line */

	ares_process_fd(dns->channel, events & RF_WATCH_READ ? fd : ARES_SOCKET_BAD,
			events & RF_WATCH_WRITE ? fd : ARES_SOCKET_BAD);
	rearm(dns);
}

static void fd_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct rf_dns *dns = arg;
	struct fd_watch **link = &dns->fds, *w;

	while (*link && (*link)->fd != fd)
		link = &(*link)->next;
	w = *link;
	if (!readable && !writable) {
		if (!w)
			return;
		*link = w->next;
		rf_watch_free(w->watch);
		free(w);
		return;
	}
	if (!w) {
		w = calloc(1, sizeof *w);
		/* Without a watch this question runs into its timeout, which c-ares handles. */
		if (!w || rf_watch_new(dns->loop, fd, fd_ready, w, &w->watch) != 0) {
			free(w);
			return;
		}
		w->dns = dns;
		w->fd = fd;
		w->next = dns->fds;
		dns->fds = w;
	}
	rf_watch_set(w->watch, (readable ? RF_WATCH_READ : 0u) | (writable ? RF_WATCH_WRITE : 0u));
}

/* ---- answers */

/* All replies are there: tell who waits, remember. */
static void answered(struct item *item)
{
	struct rf_dns *dns = item->dns;
	struct rf_dns_answer *a = &item->records->answer;
	uint32_t ttl = a->ttl_s;

	dns->stats.under_way--;
	dns->stats.records_cut += item->records->cut;
	if (a->n)
		a->status = 0;
	else if (item->status[0] == RF_E_NOT_FOUND || item->status[0] == 0)
		a->status = item->status[1] ? item->status[1] : RF_E_NOT_FOUND;
	else
		a->status = item->status[0];
	if (a->status) {
		ttl = a->status == RF_E_NOT_FOUND ? dns->conf.ttl_negative_s : 0;
		dns->stats.failed++;
		dns->stats.timeouts += a->status == RF_E_TIMEOUT;
	} else {
		ttl = ttl < dns->conf.ttl_min_s ? dns->conf.ttl_min_s : ttl;
		ttl = ttl > dns->conf.ttl_max_s ? dns->conf.ttl_max_s : ttl;
	}
	a->ttl_s = ttl;
	while (item->waiting) {
		struct rf_dns_query *q = item->waiting;

		query_unlink(q);
		query_done(q, item->records, false);
	}
	if (ttl) {
		item->until = rf_mono_add_ms(rf_loop_now(dns->loop), (uint64_t)ttl * 1000);
		cache_put(dns, item);
	} else {
		rf_table_del(&dns->items, &item->node);
		item_free(item);
	}
}

static void replied(struct item *item, int which, int ns_type, int ares_status, const unsigned char *reply, int n)
{
	item->status[which] = rf_dns_status(ares_status);
	if (!item->status[which] && !item->dns->closing)
		item->status[which] = rf_dns_records_add(item->records, ns_type, reply, n);
	if (--item->pending)
		return;
	if (!item->dns->closing) {
		answered(item);
		return;
	}
	rf_table_del(&item->dns->items, &item->node);
	while (item->waiting) {
		struct rf_dns_query *q = item->waiting;

		query_unlink(q);
		query_free(q);
	}
	item_free(item);
}

static void replied_a(void *arg, int status, int timeouts, unsigned char *reply, int n)
{
	(void)timeouts;
	replied(arg, 0, ns_t_a, status, reply, n);
}

static void replied_aaaa(void *arg, int status, int timeouts, unsigned char *reply, int n)
{
	(void)timeouts;
	replied(arg, 1, ns_t_aaaa, status, reply, n);
}

static void replied_srv(void *arg, int status, int timeouts, unsigned char *reply, int n)
{
	(void)timeouts;
	replied(arg, 0, ns_t_srv, status, reply, n);
}

static void replied_naptr(void *arg, int status, int timeouts, unsigned char *reply, int n)
{
	(void)timeouts;
	replied(arg, 0, ns_t_naptr, status, reply, n);
}

/* ---- questions */

/* A host name as RFC 1123 2.1 has it, and '_' for services: "type byte, name in small letters". */
static int make_key(enum rf_dns_type type, struct rf_view name, uint8_t key[static KEY_MAX], size_t *ret_n)
{
	size_t label = 0;

	if (name.n && name.p[name.n - 1] == '.')
		name.n--;
	if (!name.n || name.n > 253)
		return RF_E_INVALID;
	key[0] = (uint8_t)('0' + type);
	for (size_t i = 0; i < name.n; i++) {
		uint8_t c = rf_lower(name.p[i]);
		bool ok = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';

		label = c == '.' ? 0 : label + 1;
		if (label > 63 || (!ok && c != '.') || (c == '.' && (i == 0 || name.p[i - 1] == '.')))
			return RF_E_INVALID;
		key[1 + i] = c;
	}
	*ret_n = name.n + 1;
	return 0;
}

static void ask(struct item *item, enum rf_dns_type type)
{
	struct rf_dns *dns = item->dns;
	char name[RF_DNS_NAME_MAX + 1];

	if (!rf_view_cstr(rf_view_of(item->key + 1, item->key_n - 1u), name, sizeof name))
		name[0] = '\0'; /* cannot be: checked by make_key() */
	dns->stats.asked++;
	dns->stats.under_way++;
	/* Each of these may call back at once: the item may be gone after the last one. */
	if (type == RF_DNS_SRV) {
		item->pending = 1;
		ares_query(dns->channel, name, ns_c_in, ns_t_srv, replied_srv, item);
	} else if (type == RF_DNS_NAPTR) {
		item->pending = 1;
		ares_query(dns->channel, name, ns_c_in, ns_t_naptr, replied_naptr, item);
	} else {
		item->pending = 2;
		ares_query(dns->channel, name, ns_c_in, ns_t_a, replied_a, item);
		ares_query(dns->channel, name, ns_c_in, ns_t_aaaa, replied_aaaa, item);
	}
	rearm(dns);
}

static int new_item(struct rf_dns *dns, enum rf_dns_type type, struct rf_view key, uint64_t hash,
		    struct item **ret_item)
{
	if (dns->stats.under_way >= dns->conf.queries)
		return RF_E_LIMIT;
	struct item *item = calloc(1, sizeof *item);
	struct rf_dns_records *records = item ? rf_dns_records_new(type) : NULL;
	if (!records) {
		free(item);
		return -ENOMEM;
	}
	item->dns = dns;
	item->records = records;
	item->key_n = (uint16_t)key.n;
	memcpy(item->key, key.p, key.n);
	int rc = rf_table_add(&dns->items, &item->node, hash);
	if (rc) {
		item_free(item);
		return rc;
	}
	*ret_item = item;
	return 0;
}

int rf_dns_start(struct rf_dns *dns, enum rf_dns_type type, struct rf_view name,
		 void (*done)(void *arg, const struct rf_dns_answer *answer), void *arg,
		 struct rf_dns_query **ret_query)
{
	uint8_t text[KEY_MAX];
	size_t n;
	int rc = make_key(type, name, text, &n);

	if (rc)
		return rc;
	struct rf_view key = rf_view_of(text, n);
	uint64_t hash = rf_hash(&dns->conf.hash_key, key);
	struct rf_dns_query *q = calloc(1, sizeof *q);
	struct item *item = find(dns, key, hash);
	if (!q)
		return -ENOMEM;
	*q = (struct rf_dns_query){ .dns = dns, .done = done, .arg = arg };
	if (item && !item->pending) {
		dns->stats.cache_hits++;
		query_done(q, item->records, true);
	} else if (item) {
		dns->stats.joined++;
		query_wait(item, q);
	} else {
		rc = new_item(dns, type, key, hash, &item);
		if (rc) {
			dns->stats.refused += rc == RF_E_LIMIT;
			free(q);
			return rc;
		}
		query_wait(item, q);
		ask(item, type); /* may answer at once; q is delivered at the end of the turn */
	}
	if (ret_query)
		*ret_query = q;
	return 0;
}

void rf_dns_stop(struct rf_dns_query *query)
{
	if (!query)
		return;
	query_unlink(query);
	query_free(query);
}

static void deliver(struct rf_defer *d)
{
	struct rf_dns *dns = rf_container(d, struct rf_dns, deliver);

	if (dns->closing) {
		free(dns);
		return;
	}
	while (!dns->closing && dns->done) {
		struct rf_dns_query *q = dns->done;
		struct rf_dns_answer answer = q->records->answer;

		query_unlink(q);
		answer.cached = q->cached;
		q->done(q->arg, &answer);
		query_free(q);
	}
}

/* ---- the whole */

static void with_defaults(struct rf_dns_conf *c)
{
	c->timeout_ms = c->timeout_ms ? c->timeout_ms : TIMEOUT_MS;
	c->tries = c->tries ? c->tries : TRIES;
	c->ttl_min_s = c->ttl_min_s ? c->ttl_min_s : TTL_MIN_S;
	c->ttl_max_s = c->ttl_max_s ? c->ttl_max_s : TTL_MAX_S;
	c->ttl_negative_s = c->ttl_negative_s ? c->ttl_negative_s : TTL_NEGATIVE_S;
	c->cache = c->cache ? c->cache : CACHE;
	c->queries = c->queries ? c->queries : QUERIES;
}

int rf_dns_new(struct rf_loop *loop, const struct rf_dns_conf *conf, struct rf_dns **ret_dns)
{
	struct rf_dns *dns = calloc(1, sizeof *dns);

	if (!dns)
		return -ENOMEM;
	dns->loop = loop;
	if (conf)
		dns->conf = *conf;
	with_defaults(&dns->conf);
	rf_table_init(&dns->items, (size_t)dns->conf.cache + dns->conf.queries);
	rf_timer_init(&dns->timer, ticked);
	rf_defer_init(&dns->deliver, deliver);
	dns->done_end = &dns->done;
	struct ares_options o = { .flags = ARES_FLAG_EDNS, .ednspsz = UDP_BYTES,
				  .timeout = (int)dns->conf.timeout_ms, .tries = (int)dns->conf.tries,
				  .sock_state_cb = fd_state, .sock_state_cb_data = dns };
	int rc = ares_library_init(ARES_LIB_INIT_ALL);
	if (!rc)
		rc = ares_init_options(&dns->channel, &o, ARES_OPT_FLAGS | ARES_OPT_EDNSPSZ | ARES_OPT_TIMEOUTMS |
				       ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
	if (rc) {
		free(dns);
		return rc == ARES_ENOMEM ? -ENOMEM : RF_E_UNSUPPORTED;
	}
	if (dns->conf.servers && ares_set_servers_ports_csv(dns->channel, dns->conf.servers) != ARES_SUCCESS) {
		rf_dns_free(dns);
		return RF_E_INVALID;
	}
	dns->conf.servers = NULL; /* the caller's, not kept */
	*ret_dns = dns;
	return 0;
}

void rf_dns_free(struct rf_dns *dns)
{
	if (!dns)
		return;
	dns->closing = true;
	ares_destroy(dns->channel); /* calls back for every question under way */
	rf_timer_stop(rf_loop_wheel(dns->loop), &dns->timer);
	while (dns->oldest)
		cache_drop(dns, dns->oldest);
	while (dns->done) {
		struct rf_dns_query *q = dns->done;

		query_unlink(q);
		query_free(q);
	}
	rf_table_fini(&dns->items);
	rf_loop_defer(dns->loop, &dns->deliver); /* frees it: a callback of ours may be on the stack */
}

void rf_dns_stats(const struct rf_dns *dns, struct rf_dns_stats *ret_stats)
{
	*ret_stats = dns->stats;
}
