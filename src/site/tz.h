/* The time zone of a site: wall time to the local day and minute, from the rules of the tz database. The rules become
 * part of the snapshot, so nothing is read later and two sites can have two zones. */
#ifndef RF_SITE_TZ_H
#define RF_SITE_TZ_H

#include "base/view.h"

/* Can this be a zone: a name in the tz database ("Europe/Berlin", no "..", no leading "/"), or a rule as POSIX writes
 * it in TZ ("CET-1CEST,M3.5.0,M10.5.0/3")? */
bool rf_tz_name_ok(struct rf_view text);

#endif
