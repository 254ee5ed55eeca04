/* For the room's own files: answers, which the cache and waiting callers share. */
#ifndef RF_NET_DNS_INT_H
#define RF_NET_DNS_INT_H

#include "net/dns.h"

struct rf_dns_records {
	unsigned refs;
	struct rf_dns_answer answer; /* points to the array below */
	uint64_t cut;                /* records left away */
	union {
		struct rf_addr addr[RF_DNS_RECORDS_MAX];
		struct rf_dns_srv srv[RF_DNS_RECORDS_MAX];
		struct rf_dns_naptr naptr[RF_DNS_RECORDS_MAX];
	};
};

/* Empty, one reference. NULL: no memory. */
struct rf_dns_records *rf_dns_records_new(enum rf_dns_type type);
void rf_dns_records_put(struct rf_dns_records *r);

/* The code for a status of c-ares. */
int rf_dns_status(int ares_status);
/* Add the records of a reply of DNS type ns_type; lowers answer.ttl_s to the smallest in it. 0 or a code as in
 * rf_dns_answer.status. */
int rf_dns_records_add(struct rf_dns_records *r, int ns_type, const unsigned char *reply, int n);

#endif
