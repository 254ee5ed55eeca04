/* What a ua counted since it was made. Written by its worker alone; rf_ua_stats() may be called from any thread and
 * gives each number whole, though not all of one moment. Names for people and metrics: rf_ua_count_name(). */
#ifndef RF_UA_STATS_H
#define RF_UA_STATS_H

#include "sip/rule.h"

#include <stdint.h>

enum rf_ua_count {
	RF_UA_REQUESTS_IN,            /* understood, repetitions and ACKs included */
	RF_UA_RESPONSES_IN,
	RF_UA_REQUESTS_OUT,           /* repetitions included */
	RF_UA_RESPONSES_OUT,
	RF_UA_REPEATED_IN,            /* repetitions of requests that a transaction absorbed */
	RF_UA_REPEATED_OUT,           /* by timers A, E, G and the like */
	RF_UA_PINGS_IN,               /* CR LF CR LF, and CR LF datagrams */
	RF_UA_PONGS_IN,
	RF_UA_FLOWS_OPENED,
	RF_UA_FLOWS_CLOSED,
	RF_UA_FLOWS_AGED,             /* ended because they had to prove themselves anew */
	RF_UA_MAIL_IN,                /* messages from another worker */
	RF_UA_MAIL_OUT,
	/* refused from here on */
	RF_UA_REFUSED_PEER,           /* from nobody that the user admits: closed or dropped, unread */
	RF_UA_REFUSED_PARSE,          /* by a rule of sip/rule.h, see by_rule */
	RF_UA_REFUSED_RATE,           /* by the guard; dropped without an answer */
	RF_UA_REFUSED_PENALTY,        /* of a source that has a penalty: dropped, connections
				       * closed, nothing looked at */
	RF_UA_REFUSED_TRANSACTIONS,   /* server transactions at their bound: 503 with Retry-After */
	RF_UA_REFUSED_DRAIN,          /* new request while ending: 503 with Retry-After */
	RF_UA_REFUSED_CLIENTS,        /* client transactions at their bound */
	RF_UA_REFUSED_HOPS,           /* Max-Forwards 0 in a request that would go on to somebody else: 483 */
	RF_UA_REFUSED_MERGED,         /* the same request by two ways: 482 */
	RF_UA_REFUSED_SIPS,           /* a sips Request-URI over something that is not TLS: 403 */
	RF_UA_REFUSED_EXTENSION,      /* Require or Proxy-Require: 420 */
	RF_UA_REFUSED_CANCEL,         /* CANCEL that matches nothing, or from another peer than its INVITE: 481 */
	RF_UA_REFUSED_FRAME,          /* a stream or WebSocket whose framing was lost: closed */
	RF_UA_REFUSED_WEBSOCKET,      /* a handshake of HTTP that may not become a WebSocket: answered and closed */
	RF_UA_REFUSED_MAIL,           /* the other worker's mailbox was full: dropped */
	RF_UA_STRAY_RESPONSE,         /* matches no transaction of ours: dropped */
	RF_UA_STRAY_ACK,              /* matches no transaction and no 2xx of ours: handed to the user all the same */
	RF_UA_FOREIGN_RESPONSE,       /* matches, but came by another transport or TLS connection than the request
	                               * went by: dropped */
	RF_UA_EVICTED,                /* finished transactions that ended early to make room at the bound */
	RF_UA_FORKS_CUT,              /* 2xx of forks past the bound: dropped */
	RF_UA_SEND_FAILED,            /* flow gone or output full */
	RF_UA_NO_MEMORY,
	RF_UA_TLS_REFUSED,            /* handshakes that failed on an accepted connection */
	RF_UA_EVENTS_CUT,             /* refusals that were not reported one by one because of the rate bound */
	RF_UA_COUNTS
};

struct rf_ua_stats {
	uint64_t count[RF_UA_COUNTS];
	uint64_t by_rule[RF_SIP_RULES];
	uint64_t srv_now, cli_now, flows_now, acks_now; /* objects alive */
	uint64_t srv_most, cli_most;                    /* the most there were at once */
};

struct rf_ua;

void rf_ua_stats(const struct rf_ua *ua, struct rf_ua_stats *ret_stats);
/* A stable word: "refused-parse". */
const char *rf_ua_count_name(enum rf_ua_count count);

#endif
