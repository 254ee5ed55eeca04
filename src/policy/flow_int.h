/* How flows are made (private to this room).
 *
 *	pair.c          two zones -> the categories that may be opened: cell, remote offices, deviations
 *	party.c         who in a zone is meant: all of it, hosts with a role or service, devices
 *	need.c          the table of who needs what of whom, except calls
 *	flow_calls.c    signaling and media: listeners, trunks, pinholes
 *	flow_infra.c    what passes beside the matrix: tunnels, routers among themselves, relays of DHCP, databases
 *	flow_allow.c    what the site opens by itself
 *	flow.c          the order, the ids, the end */
#ifndef RF_POLICY_FLOW_INT_H
#define RF_POLICY_FLOW_INT_H

#include "base/arena.h"
#include "policy/flow.h"
#include "policy/service.h"

struct rf_make {
	const struct rf_site *site;
	struct rf_wall now;
	struct rf_findings *findings;
	struct rf_arena *arena;
	struct rf_flow *v;
	size_t n, room;
	int rc;                        /* sticky: the first error */
};

/* --- pair.c */

/* A zone, or the part of one that takes another kind's cells (gateways on the server VLAN at minimum). */
struct rf_party {
	const struct rf_site_zone *zone;
	enum rf_zone_kind kind;
	bool part;                     /* only its gateways */
};

struct rf_pair {
	struct rf_party from, to;
	unsigned allow, optional;      /* bits 1u << enum rf_category */
	enum rf_inspection inspection;
	const struct rf_cell *cell, *wan; /* wan: the second cell of remote offices, NULL: none */
	bool local;                    /* inside one zone */
};

/* What the matrix says at the site's level. A zone that the level does not have takes, where a deviation keeps it, the
 * cells of the highest level that still knows it. */
void rf_pair_make(const struct rf_make *m, struct rf_party from, struct rf_party to, struct rf_pair *ret_pair);
/* Opens the pair this category by itself, or, with implied, where the site's own words ask for it? */
static inline bool rf_pair_opens(const struct rf_pair *p, enum rf_category c, bool implied)
{
	return (p->allow | (implied ? p->optional : 0)) & 1u << c;
}

/* --- party.c */

/* Who is meant. Bits are alternatives. */
struct rf_who {
	bool all;                      /* the whole zone */
	unsigned roles, services;      /* hosts with one of them */
	bool hosts;                    /* every host with a role or a service */
	bool devices;                  /* switches and routers managed in this zone */
};

/* False: nobody there. Fills *ret_end; -ENOMEM is kept in m. */
bool rf_party_select(struct rf_make *m, struct rf_party party, struct rf_who who, struct rf_end *ret_end);
/* The foot in which a router is managed: in an admin zone, else a server zone, else its first; NULL: it has
 * none with an address. */
const struct rf_site_interface *rf_router_home(const struct rf_site_router *router);
/* The addresses of a router in a zone: its own, else the zone's gateway. Family 0: none. */
struct rf_site_ip rf_foot_ip(const struct rf_site_interface *foot, int family);
/* A host that only ends telephone lines. */
bool rf_host_is_gateway(const struct rf_site_host *host);
/* The zone of an address: a subnet that has it, else a zone of kind internet, else NULL. */
const struct rf_site_zone *rf_zone_of(const struct rf_site *site, const struct rf_site_ip *ip);
/* Has the first all addresses of the second? Of the whole zone only the whole has all. */
bool rf_end_holds(const struct rf_end *big, const struct rf_end *small);
/* An end of these addresses, which are copied. */
bool rf_end_of(struct rf_make *m, const struct rf_site_zone *zone, const struct rf_site_ip *v, size_t n,
	       struct rf_end *ret_end);

/* --- flow.c */

/* A flow with what follows from the pair and the service: category, ports, DSCP, mitigation, id. The caller fills in
 * the rest; NULL without memory. */
struct rf_flow *rf_flow_add(struct rf_make *m, const struct rf_pair *pair, const struct rf_service *service,
			    const struct rf_end *from, const struct rf_end *to, const char *why);
/* A text in the arena; "" without memory. */
const char *rf_make_text(struct rf_make *m, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
struct rf_place rf_make_place(const struct rf_make *m, struct rf_site_pos pos);

/* --- what adds flows */
void rf_needs_of_pair(struct rf_make *m, const struct rf_pair *pair);
void rf_calls_of_pair(struct rf_make *m, const struct rf_pair *pair);
void rf_infra_flows(struct rf_make *m);
void rf_allow_flows(struct rf_make *m);

/* For tests: the services that the table of needs names, one after the other; NULL past the end. */
const char *rf_need_service(size_t i);

#endif
