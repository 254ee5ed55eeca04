/* What the level asks of the site as a whole, beyond what a site file must be to be read at all: who is where, which
 * roles are missing, what is plugged in where, whether the network holds together, what people have attested. For
 * `ringfort check`; loading and running roles do not ask, for a log host that is missing in the file is
 * no reason to let no call through.
 *
 * How grave a finding is depends on what the file describes (docs/decisions/0043):
 * - a site with routers or switches describes its network: what its level asks and is not there is an error;
 * - without them, with two hosts or more, it is a warning, at level minimum a note;
 * - one host alone is a first site or a laboratory: one warning names all that is missing, none at level minimum.
 * What is there and contradicts the level is an error in the first, a warning in the others. A deviation that holds
 * makes a note of either. */
#ifndef RF_SITE_CHECK_H
#define RF_SITE_CHECK_H

#include "site/site.h"

/* Findings are added in no order; sort them. Allocates what it needs and frees it: -ENOMEM, else 0. */
int rf_site_check(const struct rf_site *site, struct rf_wall now, struct rf_findings *findings);

#endif
