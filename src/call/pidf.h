/* What a phone publishes as its presence: PIDF (RFC 3863) with activities of RPID (RFC 4480), read with expat. Only
 * what we tell again is taken out, as values; the document itself is not kept.
 *
 * expat opens nothing and fetches nothing by itself. A document with a DOCTYPE is refused, so there are no entities to
 * grow; size, depth and number of elements are bounded. */
#ifndef RF_CALL_PIDF_H
#define RF_CALL_PIDF_H

#include "call/board.h"

enum { RF_PIDF_MAX = 8192, RF_PIDF_DEPTH = 16, RF_PIDF_ELEMENTS = 256 };

/* salt: random, for expat's hash tables. RF_E_MALFORMED: no well-formed presence document; RF_E_LIMIT; -ENOMEM. */
int rf_pidf_parse(struct rf_view doc, uint64_t salt, struct rf_presence *ret_p);

#endif
