/* "Did you mean": edit distance between short words (private to this room and cmd/). */
#ifndef RF_SITE_NEAR_H
#define RF_SITE_NEAR_H

#include "base/view.h"

enum { RF_NEAR_MAX = 64 }; /* longer words are near to nothing */

/* Insertions, deletions, replacements and swaps of neighbours that turn a into b, without regard to the case of ASCII
 * letters; RF_NEAR_MAX when either word is too long. */
unsigned rf_near_distance(struct rf_view a, struct rf_view b);
/* Is a word at this distance worth suggesting for one of n bytes? */
bool rf_near_enough(unsigned distance, size_t n);

#endif
