/* Names: asynchronous DNS on the loop (c-ares), with a cache. Never blocks. Addresses (A and AAAA together), SRV
 * (RFC 2782) and NAPTR (RFC 3403): what RFC 3263 asks for. The choice among the answers is the caller's. */
#ifndef RF_NET_DNS_H
#define RF_NET_DNS_H

#include "net/addr.h"
#include "loop/loop.h"

struct rf_dns;
struct rf_dns_query;

enum rf_dns_type { RF_DNS_ADDR, RF_DNS_SRV, RF_DNS_NAPTR };

enum {
	RF_DNS_NAME_MAX = 255,   /* octets, with a NUL: names are text without the last dot */
	RF_DNS_RECORDS_MAX = 32, /* per answer; more are left away and counted */
};

struct rf_dns_srv {
	uint16_t priority, weight, port;
	char target[RF_DNS_NAME_MAX + 1]; /* "" for "." (the service is not offered) */
};

struct rf_dns_naptr {
	uint16_t order, preference;
	char flags[8], service[32], regexp[64];
	char replacement[RF_DNS_NAME_MAX + 1];
};

struct rf_dns_answer {
	enum rf_dns_type type;
	/* 0 (n > 0); RF_E_NOT_FOUND: no such name or no such record; RF_E_TIMEOUT; RF_E_MALFORMED: a broken answer;
	 * RF_E_CLOSED: no server could be reached or it refused. */
	int status;
	uint32_t ttl_s;  /* smallest of the records', within the bounds of the conf */
	bool cached;
	size_t n;
	union {
		const struct rf_addr *addr;  /* port 0; IPv6 first, then IPv4, each in the server's order */
		const struct rf_dns_srv *srv;
		const struct rf_dns_naptr *naptr;
	};
};

struct rf_dns_conf {
	const char *servers;     /* "192.0.2.53,[2001:db8::53]:5353"; NULL: /etc/resolv.conf */
	uint32_t timeout_ms;     /* of the first try, later ones double; 0: 2000 */
	uint32_t tries;          /* 0: 3 */
	uint32_t ttl_min_s, ttl_max_s; /* bounds on caching; 0: 1 and 3600 */
	uint32_t ttl_negative_s; /* how long "not found" is remembered, 0: 10. Timeouts and errors are not remembered */
	uint32_t cache;          /* answers kept, 0: 1024 */
	uint32_t queries;        /* under way at once, 0: 1024 */
	struct rf_hash_key hash_key; /* random */
};

struct rf_dns_stats {
	uint64_t asked, cache_hits, joined, refused, failed, timeouts, records_cut;
	uint32_t cached, under_way;
};

/* -ENOMEM, RF_E_INVALID (servers), RF_E_UNSUPPORTED (c-ares would not start). */
int rf_dns_new(struct rf_loop *loop, const struct rf_dns_conf *conf, struct rf_dns **ret_dns);
/* Queries under way end without their callback. NULL is fine. */
void rf_dns_free(struct rf_dns *dns);

/* Ask. done comes exactly once, never from inside this call; answer is good for that call. Names that are IP addresses
 * are not asked here. RF_E_LIMIT: too many under way; RF_E_INVALID: not a host name; -ENOMEM. ret_query may be NULL. */
int rf_dns_start(struct rf_dns *dns, enum rf_dns_type type, struct rf_view name,
		 void (*done)(void *arg, const struct rf_dns_answer *answer), void *arg,
		 struct rf_dns_query **ret_query);
/* done does not come. Only before it came. NULL is fine. */
void rf_dns_stop(struct rf_dns_query *query);
void rf_dns_stats(const struct rf_dns *dns, struct rf_dns_stats *ret_stats);

#endif
