/* Who called for help a moment ago: the emergency number (ELIN) that the call went out with, and the number of ours
 * that it was. Those who answer emergency calls call that number back when a call breaks off, and must reach the same
 * phone, whatever is set for it. Process-wide; any thread; the lock is held for one look. */
#ifndef RF_CALL_CALLBACKS_H
#define RF_CALL_CALLBACKS_H

#include "base/clock.h"
#include "base/view.h"

struct rf_callbacks;

enum { RF_CALLBACKS_MAX = 1024, RF_CALLBACK_NUMBER_MAX = 40 };

struct rf_callbacks *rf_callbacks_new(void); /* NULL: no memory */
void rf_callbacks_free(struct rf_callbacks *c); /* NULL is fine */

/* Calls to elin reach number until then. The newest of an elin counts; when the table is full the one that ends first
 * leaves. Longer numbers than RF_CALLBACK_NUMBER_MAX are not kept. */
void rf_callbacks_keep(struct rf_callbacks *c, struct rf_view elin, struct rf_view number, struct rf_mono now,
		       struct rf_mono until);
/* The number that elin stands for now: in buf. False: none. */
bool rf_callbacks_find(struct rf_callbacks *c, struct rf_view elin, struct rf_mono now,
		       uint8_t buf[static RF_CALLBACK_NUMBER_MAX], struct rf_view *ret_number);
/* Those that hold now. */
size_t rf_callbacks_count(struct rf_callbacks *c, struct rf_mono now);

#endif
