/* Which address each phone has: DHCP reserves it, switches bind it to the phone's port and hardware address, host
 * filters may name it. Nobody hands out or looks up anything: the address follows from the site file, and whoever asks
 * gets the same answer.
 *
 * A phone's place in its zone's subnet is a hash of its name, so adding, removing or moving another phone does not
 * move it. Where two names want one place, the one that stands first in the file has it and the other takes its next
 * choice: a phone added at the end (as `ringfort phone add` does) never moves another; one removed moves at most those
 * that had to step aside for it. The first eighth of a subnet, and every address that a router, host or switch of the
 * site has, is never given to a phone; when the rest is full, the first eighth is used, too.
 *
 * The IPv6 address has the same number behind subnet6 that the IPv4 address has behind subnet (without a subnet: a
 * place of its own among the first 65,536). */
#ifndef RF_POLICY_LEASE_H
#define RF_POLICY_LEASE_H

#include "base/arena.h"
#include "site/site.h"

struct rf_lease {
	const struct rf_site_zone *zone;      /* NULL: the site file does not say in which zone it is */
	struct rf_site_ip address, address6;  /* family 0: the zone has no such subnet, or no place is left in it */
};

/* One for each phone, by its index in site->phones; in the arena. -ENOMEM, RF_E_CRYPTO. */
int rf_leases_make(const struct rf_site *site, struct rf_arena *arena, const struct rf_lease **ret_leases);

#endif
