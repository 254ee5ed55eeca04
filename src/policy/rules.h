/* Rules: what one place of enforcement does with packets, in no vendor's language. policy/ makes them from flows;
 * emit/ writes them down for nftables, IOS-XE, EOS and Junos. The prover does not know this header's rules: it reads
 * what was written, and compares with the flows.
 *
 * The first rule that fits decides; what fits none is dropped and counted. */
#ifndef RF_POLICY_RULES_H
#define RF_POLICY_RULES_H

#include "policy/flow.h"

enum rf_point_kind { RF_POINT_ROUTER, RF_POINT_HOST, RF_POINT_SWITCH };
enum rf_chain { RF_CHAIN_FORWARD, RF_CHAIN_INPUT, RF_CHAIN_OUTPUT, RF_CHAINS };
enum rf_action { RF_ACTION_ACCEPT, RF_ACTION_DROP };

/* States of connection tracking, as bits. */
enum { RF_STATE_NEW = 1, RF_STATE_ESTABLISHED = 2, RF_STATE_RELATED = 4, RF_STATE_INVALID = 8, RF_STATE_UNTRACKED = 16 };

/* Which packets a rule is for, by the sets that the wall fills (flow.h). */
enum rf_pinhole {
	RF_PINHOLE_NONE,
	RF_PINHOLE_EXACT,                /* its 5-tuple is in the set */
	RF_PINHOLE_FROM_ANY,             /* an opening: its source is theirs, with any port, its destination ours */
	RF_PINHOLE_TO_ANY,               /* the way back of one */
};

struct rf_rule {
	const char *id;                  /* the flow's id, or the duty's: "source-in-zone-phone" */
	const struct rf_flow *flow;      /* NULL: a duty of the point itself */
	const char *mitigation;
	enum rf_chain chain;
	enum rf_action action;
	uint8_t family;                  /* 4, 6, 0: both */
	bool loopback;                   /* only packets of the device with itself */
	const struct rf_site_zone *in, *out; /* NULL: any; the point's foot in this zone */
	bool in_tunnel, out_tunnel;      /* ...no foot: the tunnel that carries this zone of a remote office */
	const struct rf_site_ip *src, *dst;  /* n 0: any. Of both families; a packet whose family has none in the list
					      * is not in it: the rule does not fit, and with _not it does */
	size_t src_n, dst_n;
	bool src_not, dst_not;           /* none of them */
	int protocol;                    /* 0: any; IPPROTO_ICMP with family 4, IPPROTO_ICMPV6 with family 6 */
	struct rf_site_ports sport, dport; /* of TCP and UDP only */
	const uint8_t *icmp_types;       /* n 0: any */
	size_t icmp_n;
	unsigned states;                 /* bits; 0: any. RF_STATE_UNTRACKED alone: packets with this rule's addresses,
					  * protocol and ports are kept out of connection tracking (before it, and
					  * whether or not a pinhole is there; of TCP only with one, for
					  * connections of other kinds may have such ports), so that a pinhole that
					  * goes ends what runs */
	enum rf_pinhole pinhole;
	uint32_t new_per_second;         /* per source address; past it: drop */
	uint8_t dscp;                    /* marked with it when accepted; 0: left alone */
	uint32_t kbit;                   /* all that this rule accepts together; past it: drop. 0: no bound */
	bool log;                        /* refused packets go to the log group, rate-limited */
};

struct rf_point {
	enum rf_point_kind kind;
	const char *name;                /* of the router or host */
	enum rf_device_kind device;
	const struct rf_site_router *router; /* by kind: the one that is not NULL */
	const struct rf_site_host *host;
	const struct rf_rule *rules;
	size_t rule_count;
};

struct rf_rulebook {
	const struct rf_point *points;   /* routers in the file's order, then hosts */
	size_t n;
	struct rf_arena *arena;          /* owned */
};

/* Flows must outlive the book. -ENOMEM. */
int rf_rules_make(const struct rf_flows *flows, struct rf_rulebook *ret_book);
void rf_rules_fini(struct rf_rulebook *book);

#endif
