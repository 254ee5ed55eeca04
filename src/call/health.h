/* Is a peer alive? A machine on values: it is told what happened and when, and says when to ask the peer and when its
 * state has changed. Asking is an OPTIONS request (RFC 3261 11); any answer to it but 408 and 503 says that the peer is
 * there.
 *
 *	unknown --answered--> up --failures in a row, or a call that found nobody--> down --answered--> up
 *
 * Up it is asked every interval, after one that failed again soon; down it is asked after a wait that doubles. Where
 * the interval is 0 nobody asks: a call that found nobody puts the peer down for a while, then it is unknown again. */
#ifndef RF_CALL_HEALTH_H
#define RF_CALL_HEALTH_H

#include "base/clock.h"

#include <stdbool.h>

enum rf_health_state { RF_HEALTH_UNKNOWN, RF_HEALTH_UP, RF_HEALTH_DOWN };
/* "unknown", "up", "down". */
const char *rf_health_name(enum rf_health_state state);

enum {
	RF_HEALTH_FAILURES = 2,     /* in a row until it is down */
	RF_HEALTH_RETRY_MS = 2000,  /* until it is asked again after the first; the first wait when it is down */
	RF_HEALTH_MOST_MS = 60000,  /* the longest wait, when the interval is not longer */
	RF_HEALTH_HOLD_MS = 30000,  /* interval 0: down for so long */
};

struct rf_health {
	uint8_t state;              /* enum rf_health_state */
	uint8_t failed;             /* in a row, at most RF_HEALTH_FAILURES */
	bool asking;                /* an OPTIONS is out */
	uint32_t wait_ms;           /* the last one while down */
	struct rf_mono next;        /* when to do something; never with interval 0 when it is not down */
};

/* Unknown, to be asked at once. */
void rf_health_init(struct rf_health *h, struct rf_mono now);
/* At or after h->next. True: ask now, and tell answered or failed later. The state may have changed (interval 0). */
bool rf_health_due(struct rf_health *h, uint32_t interval_ms, struct rf_mono now);
/* It answered an OPTIONS, or a call. True: the state has changed. */
bool rf_health_answered(struct rf_health *h, uint32_t interval_ms, struct rf_mono now);
/* An OPTIONS came to nothing. True: the state has changed. */
bool rf_health_failed(struct rf_health *h, uint32_t interval_ms, struct rf_mono now);
/* A call found nobody there: no connection, no answer. True: the state has changed. */
bool rf_health_hurt(struct rf_health *h, uint32_t interval_ms, struct rf_mono now);

#endif
