/* Next hops of a sip or sips URI (RFC 3263 4): transport, then port and addresses, by NAPTR, SRV and A/AAAA. Asks
 * net/dns.h and never blocks. What is a number or names a port asks less: an IP address nothing, a name with a port
 * only A/AAAA (4.2).
 *
 * Order: NAPTR by order and preference, SRV by priority and at random by weight (RFC 2782), addresses as the resolver
 * sorted them. SIPS and `secure` leave only TLS. Transports that this ua cannot use are left out. */
#ifndef RF_UA_RESOLVE_H
#define RF_UA_RESOLVE_H

#include "base/random.h"
#include "net/addr.h"
#include "sip/uri.h"
#include "ua/flow.h"

struct rf_dns;
struct rf_loop;
struct rf_resolve;

enum { RF_HOPS_MAX = 8 }; /* next hops of one target; more are left away */

struct rf_hop {
	struct rf_addr addr;
	uint8_t kind;            /* enum rf_flow_kind */
};

struct rf_hops {
	struct rf_hop hop[RF_HOPS_MAX];
	size_t n;
	struct rf_view tls_name; /* what a TLS peer must prove: the name of the URI, not what DNS
				  * made of it (RFC 5922) */
};

struct rf_resolve_conf {
	struct rf_loop *loop;
	struct rf_dns *dns;      /* NULL: addresses only, names are RF_E_NOT_FOUND */
	struct rf_random *random;
	unsigned kinds;          /* bit 1 << RF_FLOW_x: transports that can be used */
	bool secure;             /* TLS only */
	bool large;              /* the request is too large for UDP: TCP where UDP would be chosen
				  * freely (RFC 3261 18.1.1) */
	bool v4, v6;             /* families that can be used */
};

/* Start. done comes exactly once, never from inside this call: status 0 and at least one hop, good for that call; or
 * RF_E_NOT_FOUND, RF_E_TIMEOUT, RF_E_MALFORMED, RF_E_CLOSED as in net/dns.h, RF_E_UNSUPPORTED (the URI wants a
 * transport that cannot be used). uri is borrowed for the call.
 * RF_E_INVALID: not a sip or sips URI; RF_E_LIMIT; -ENOMEM. */
int rf_resolve_start(const struct rf_resolve_conf *conf, const struct rf_sip_uri *uri,
		     void (*done)(void *arg, int status, const struct rf_hops *hops), void *arg,
		     struct rf_resolve **ret_resolve);
/* done does not come. Only before it came. NULL is fine. */
void rf_resolve_stop(struct rf_resolve *r);

#endif
