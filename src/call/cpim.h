/* The sender that a message/cpim body names (RFC 3862): a wrapper may say From as well as the request does, and it is
 * what the reader sees, so it must be no one else either. */
#ifndef RF_CALL_CPIM_H
#define RF_CALL_CPIM_H

#include "base/view.h"

/* Does every From of the message headers name this sender, number@domain or user@domain, by any of the schemes im, sip,
 * sips, pres? True when there is none. False also for headers that cannot be read. */
bool rf_cpim_from_is(struct rf_view body, struct rf_view number, struct rf_view user, struct rf_view domain);

#endif
