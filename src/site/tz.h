/* The time zone of a site: wall time to the local day and minute, from the rules of the tz database (TZif, RFC 9636).
 * The rules become part of the snapshot, so nothing is read later, two sites can have two zones, and the question is
 * answered without touching anything that threads share. */
#ifndef RF_SITE_TZ_H
#define RF_SITE_TZ_H

#include "base/arena.h"
#include "site/types.h"

enum { RF_TZ_FILE_MAX = 256 * 1024, RF_TZ_TRANSITIONS_MAX = 4096 };

struct rf_tz;

/* A moment in a zone. */
struct rf_local {
	int64_t day;        /* days since 1970-01-01 */
	uint16_t min;       /* of the day */
	uint8_t weekday;    /* 0: Sunday */
	int32_t offset_s;   /* east of UTC */
};

/* Can this be a zone: a name in the tz database ("Europe/Berlin", no "..", no leading "/"), or a rule as POSIX writes
 * it in TZ ("CET-1CEST,M3.5.0,M10.5.0/3")? */
bool rf_tz_name_ok(struct rf_view text);
/* From a rule. RF_E_MALFORMED, -ENOMEM. */
int rf_tz_of_rule(struct rf_arena *arena, struct rf_view rule, const struct rf_tz **ret_tz);
/* From the bytes of a file of the database. RF_E_MALFORMED (or of version 1), RF_E_LIMIT, -ENOMEM. */
int rf_tz_of_file(struct rf_arena *arena, struct rf_view bytes, const struct rf_tz **ret_tz);
/* tz NULL: UTC. */
struct rf_local rf_tz_local(const struct rf_tz *tz, int64_t seconds);
/* Back: local seconds (day * 86400 + seconds of the day) to seconds since 1970. In the hour that a change of time skips
 * or repeats, one of the two that may be meant. */
int64_t rf_tz_utc(const struct rf_tz *tz, int64_t local_s);

#endif
