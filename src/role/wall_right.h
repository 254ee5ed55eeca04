/* May this host open this 5-tuple? By the site's flows alone. */
#ifndef RF_ROLE_WALL_RIGHT_H
#define RF_ROLE_WALL_RIGHT_H

#include "policy/flow.h"
#include "role/hand.h"

/* Some flow with pinholes permits the tuple, from its source to its destination or as an answer; and one of its ends is
 * an address of the host itself, or, when the host is a border, of some relay. Of an opening some flow permits it with
 * some source port, and its destination is that end, in a border zone. Multicast, loopback, link-local and unset
 * addresses never. False: *ret_rule says which of these refused it. */
bool rf_wall_may_open(const struct rf_flows *flows, const struct rf_site_host *host, const struct rf_tuple *tuple,
		      const char **ret_rule);

/* May this host have this address (family, src) blocked: a border, what rf_may_block() says. */
bool rf_wall_may_block(const struct rf_site *site, const struct rf_site_host *host, const struct rf_tuple *address);

#endif
