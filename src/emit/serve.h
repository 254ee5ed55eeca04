/* Who serves whom, read off the flows: what a service is configured to answer is exactly what the rules let through.
 * Private to this room. */
#ifndef RF_EMIT_SERVE_H
#define RF_EMIT_SERVE_H

#include "emit/emit.h"

/* Does host stand among the ends, by an address or because its whole zone is meant? */
bool rf_end_has(const struct rf_end *end, const struct rf_site_host *host);
/* A host that ringfort configures: of the telephony side, with this service. Data keeps its own (net-own-services). */
bool rf_serves(const struct rf_site_host *host, unsigned service);
/* The next flow behind *at from zone (NULL: any) to host (NULL: any) and this port; NULL past the
 * last. *at begins with 0. */
const struct rf_flow *rf_serve_flow(const struct rf_emit *e, const struct rf_site_zone *zone,
				    const struct rf_site_host *host, int protocol, uint16_t port, size_t *at);
/* Zones whose hosts ask this host at this port, each once, in the file's order; in the arena. */
bool rf_serve_zones(struct rf_emit *e, const struct rf_site_host *host, int protocol, uint16_t port,
		    const struct rf_site_zone *const **ret_zones, size_t *ret_n);
/* Hosts that zone's hosts may ask at this port, each once, in the file's order; in the arena. */
bool rf_serve_hosts(struct rf_emit *e, const struct rf_site_zone *zone, int protocol, uint16_t port,
		    const struct rf_site_host *const **ret_hosts, size_t *ret_n);

#endif
