/* Flows: the complete list of who may open what to whom in a site. Made from the matrix, the hosts and the phones;
 * everything that a rule permits comes from a flow, and every flow says why it is there.
 *
 * A flow speaks of whom opens; answers belong to it. Flows are immutable, in one arena, in a fixed order (zones in the
 * order of the file, then category, protocol, ports, ends), so that two runs over one site give the same bytes. */
#ifndef RF_POLICY_FLOW_H
#define RF_POLICY_FLOW_H

#include "policy/matrix.h"

enum rf_flow_how {
	RF_FLOW_STATEFUL,   /* the first packet opens it; answers pass by connection tracking */
	RF_FLOW_STATELESS,  /* both directions by address and port (media between phones: the matrix says stateless) */
	RF_FLOW_PINHOLE,    /* only 5-tuples in the pinhole set, and what is in the set of openings, and
			     * only while it is there */
	RF_FLOW_LOCAL,      /* inside one zone: it passes no router; host filters and switches see it */
};

/* What an ICMP flow carries, in ICMP for IPv4 and in ICMPv6 for IPv6. */
enum rf_icmp { RF_ICMP_NONE, RF_ICMP_ECHO };

/* One side. No addresses: every address of the zone; the zone has no subnet (internet): every address of no zone.
 * Addresses of a zone may be those of a router's foot in it, or a multicast group of the zone (VRRP). */
struct rf_end {
	const struct rf_site_zone *zone;
	const struct rf_site_ip *v;      /* addresses and networks of both families */
	const struct rf_site_host *const *hosts; /* those that have them, for people; may be fewer
						  * than n, may be NULL */
	size_t n, host_count;
};

struct rf_flow {
	const char *id;                  /* "phone-server-signaling-2": unique, stays the same while its reason does */
	struct rf_end from, to;
	enum rf_category category;
	int protocol;                    /* IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP (and its v6 twin),
					  * IPPROTO_ESP, RF_VRRP */
	enum rf_icmp icmp;               /* of IPPROTO_ICMP; its answers are echo replies */
	struct rf_site_ports sport;      /* 0..65535 unless the protocol fixes it (DHCP, media) */
	struct rf_site_ports dport;      /* 0..65535 for protocols without ports */
	enum rf_flow_how how;
	enum rf_inspection inspection;
	uint8_t dscp;                    /* 0..63, RFC 4594 */
	uint32_t new_per_second;         /* from one source address; 0: no bound */
	const char *why;                 /* a sentence for people */
	const char *mitigation;          /* id of the catalogue, never NULL */
	struct rf_site_pos pos;          /* the line that caused it: a host, a trunk, an `allow`; line
					  * 0: the matrix alone */
	bool beside_matrix;              /* no zone traffic: a dedicated channel between servers, a tunnel's
					  * outer packets, routers among themselves. Or a deviation permits
					  * what the cell does not */
};

enum { RF_VRRP = 112 }; /* IP protocol, RFC 9568; netinet/in.h does not name it */
enum { RF_PORT_RELAY = 2223, RF_PORT_WALL = 2224 }; /* TCP: control of relays; pinhole requests to a wall, over TLS */

struct rf_flows {
	const struct rf_flow *v;
	size_t n;
	const struct rf_site *site;      /* borrowed: must live as long */
	struct rf_arena *arena;          /* owned */
};

/* 0, RF_E_INVALID (the site asks for what the matrix forbids: see findings), -ENOMEM. On success
 * rf_flows_fini() later. */
int rf_flows_make(const struct rf_site *site, struct rf_wall now, struct rf_findings *findings,
		  struct rf_flows *ret_flows);
void rf_flows_fini(struct rf_flows *flows);
/* Where the flows from one zone to another begin in v, which has them by zones in the order of the file: those of the
 * pair stand together. n when there are none behind. */
size_t rf_flows_from_to(const struct rf_flow *v, size_t n, const struct rf_site_zone *from,
			const struct rf_site_zone *to);

/* The name of the pinhole set: on every Linux router one set a family, of (protocol, source, sport,
 * destination, dport). */
#define RF_PINHOLE_SET4 "pinholes4"
#define RF_PINHOLE_SET6 "pinholes6"
/* Openings: pinholes for somebody whose port nobody can name yet (a connection that begins, a NAT that changes
 * ports): any port of one address, exactly one address and port of ours. (protocol, their address, our address,
 * our port), both ways. */
#define RF_OPENING_SET4 "openings4"
#define RF_OPENING_SET6 "openings6"
/* May there be openings at this end of the flow: do relays stand there? A port may be chosen by a NAT outside alone. */
bool rf_flow_opens_at(const struct rf_flow *f, const struct rf_end *end);
/* Likewise a set a family of source addresses outside the site that a router drops before it looks at anything else. */
#define RF_BLOCKED_SET4 "blocked4"
#define RF_BLOCKED_SET6 "blocked6"

#endif
