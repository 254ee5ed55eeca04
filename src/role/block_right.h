/* Which addresses may be blocked, and what else a wall asks of addresses: by the site alone. */
#ifndef RF_ROLE_BLOCK_RIGHT_H
#define RF_ROLE_BLOCK_RIGHT_H

#include "site/site.h"

/* Outside the site's zones, an ordinary address, no gateway, and no trunk is known by it (its peer or
 * addresses in the file):
 * nobody who forges packets can turn a border against the site or its carriers. */
bool rf_may_block(const struct rf_site *site, const struct rf_site_ip *ip);

/* An address that one machine has, and that a router may send on. */
bool rf_ip_is_ordinary(const struct rf_site_ip *ip);
bool rf_ip_in_zone(const struct rf_site_zone *z, const struct rf_site_ip *ip);
/* The internet is what no zone is. */
bool rf_ip_in_no_zone(const struct rf_site *site, const struct rf_site_ip *ip);
/* The same address, whatever their prefixes. */
bool rf_ip_same(const struct rf_site_ip *own, const struct rf_site_ip *ip);

#endif
