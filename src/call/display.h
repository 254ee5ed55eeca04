/* Names that come from outside the site with a call, made fit for a phone's display, or not shown.
 *
 * A phone of ours never names itself: its callers and callees see the directory's name. A name from outside is words of
 * a stranger, also when the number is proven (RFC 8224 signs no names): it is cleaned (base/clean.h), and dropped when
 * it claims to be somebody else: it holds an address, digits that are not of the caller's number, the name of somebody
 * here, or the site's own. */
#ifndef RF_CALL_DISPLAY_H
#define RF_CALL_DISPLAY_H

#include "base/view.h"

struct rf_directory;

enum { RF_DISPLAY_CHARACTERS = 48, RF_DISPLAY_BYTES = 4 * RF_DISPLAY_CHARACTERS };

/* name: plain text, not quoted. number: of the caller as it is shown, "" when it is not known. The name to show, in
 * buf; empty: none. */
struct rf_view rf_display_outside(const struct rf_directory *d, struct rf_view name, struct rf_view number,
				  uint8_t buf[static RF_DISPLAY_BYTES]);

#endif
