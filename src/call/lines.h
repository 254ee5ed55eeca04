/* Which numbers are in calls, and since when those that are not have been idle: shared by all cores of a process. It
 * answers "busy?" for call waiting and hunt groups, "who has been idle longest?" for the latter.
 *
 * A number is entered with its first call and stays: their number is that of the site's numbers, and bounded
 * (RF_LINES_MAX; past it a number is never busy, and counted in refused). So look-ups need no lock and no waiting: an
 * entry is put in front of its chain once and only its counts change. Any thread. */
#ifndef RF_CALL_LINES_H
#define RF_CALL_LINES_H

#include "base/clock.h"
#include "base/hash.h"

struct rf_line;
struct rf_lines;

enum { RF_LINES_MAX = 200000 };

struct rf_lines *rf_lines_new(const struct rf_hash_key *key); /* NULL: no memory */
void rf_lines_free(struct rf_lines *l);                      /* NULL is fine */

/* One more leg of this number. NULL: not counted (bound, memory). */
struct rf_line *rf_lines_take(struct rf_lines *l, struct rf_view number);
/* One less; NULL is fine. */
void rf_line_give(struct rf_line *line, struct rf_mono now);

/* Legs that ring, call or talk. */
unsigned rf_lines_busy(const struct rf_lines *l, struct rf_view number);
/* When its last leg ended; 0: it had none yet. */
struct rf_mono rf_lines_idle_since(const struct rf_lines *l, struct rf_view number);
uint64_t rf_lines_refused(const struct rf_lines *l);

#endif
