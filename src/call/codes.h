/* Status codes as they cross the B2BUA: what a phone's refusal means to the caller, and which of several is told.
 * Data only; the table is in codes.c and in docs/rfc.md. */
#ifndef RF_CALL_CODES_H
#define RF_CALL_CODES_H

#include "base/view.h"

/* What the caller is told when a called phone answers `code` (300-699), and how good a reason it is: of several forks
 * the highest rank wins; a rank of RF_CODE_STOPS ends all other forks at once (RFC 3261 16.7 (5)). */
enum { RF_CODE_STOPS = 100 };

struct rf_code {
	unsigned code;
	unsigned rank;
};
struct rf_code rf_code_of_phone(unsigned code);

/* The cause of Reason: SIP;cause=, and the outcome word of the record ("answered", "busy", ...). Static strings. */
const char *rf_code_outcome(unsigned code);

/* A Reason value that may be passed on (RFC 3326): one value, protocol SIP or Q.850, a numeric cause and at most a
 * quoted text, no control characters, at most 128 bytes. */
bool rf_reason_passes(struct rf_view value);

#endif
