/* Which routers a packet from one zone to another passes, and by which of their feet and tunnels: the shortest way
 * through the site's routers. Routers that share gateways (standby_for) lie on the same ways. No way leads through the
 * internet or telephone lines: offices are reached by their tunnels. */
#ifndef RF_POLICY_PATH_H
#define RF_POLICY_PATH_H

#include "base/arena.h"
#include "site/site.h"

/* A way into or out of a router. */
struct rf_hop {
	const struct rf_site_zone *zone;
	bool tunnel;             /* of that zone of a remote office */
};

enum { RF_HOPS_MAX = 8 };        /* of one direction between two zones at one router */

struct rf_hops {
	struct rf_hop v[RF_HOPS_MAX];
	size_t n;
};

struct rf_paths {
	const struct rf_site *site;
	uint16_t *steps;         /* [zone][zones, then routers]; UINT16_MAX: no way */
	size_t nodes;
};

/* -ENOMEM. Lives in the arena. */
int rf_paths_make(const struct rf_site *site, struct rf_arena *arena, struct rf_paths *ret_paths);
/* Does a packet from one zone to the other pass this router? */
bool rf_path_passes(const struct rf_paths *p, const struct rf_site_zone *from, const struct rf_site_zone *to,
		    const struct rf_site_router *router);
/* By which hops packets of `from` come in at a router on the way to `to`; what goes out is the same with the zones
 * exchanged. Also where the way ends at the router itself. */
void rf_path_hops(const struct rf_paths *p, const struct rf_site_zone *from, const struct rf_site_zone *to,
		  const struct rf_site_router *router, struct rf_hops *ret_hops);
bool rf_router_stands_in(const struct rf_site_router *router, const struct rf_site_zone *zone);
/* The router, or one that stands by for it. */
bool rf_router_like(const struct rf_site_router *router, const struct rf_site_router *other);

#endif
