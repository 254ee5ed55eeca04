/* Which of the site's hosts is this machine, and where does it listen. */
#ifndef RF_ROLE_HOST_H
#define RF_ROLE_HOST_H

#include "site/site.h"

/* name: what the user said, NULL: nothing. Then the host that bears this machine's name, else one whose address is on
 * an interface here, else the only one with the role. *ret_host is NULL when the site file names no hosts at all.
 * role: bits, of which it must have
 * one. RF_E_NOT_FOUND with what to do. */
int rf_role_host(const struct rf_site *site, const char *name, unsigned role, const struct rf_site_host **ret_host,
		 struct rf_diag *diag);

/* "controller" and so on for one RF_ROLE_* bit, NULL for none. */
const char *rf_role_name(unsigned bit);

#endif
