/* What there is only so much of, and who has it: channels of a trunk, calls and bandwidth of a link. Process-wide, with
 * the precedence of each holder, so that a full resource can say which calls have to give way to a higher one
 * (RFC 4412 4.7.2.1: the lowest, of equals the newest) and emergency calls find what is reserved for them.
 *
 * A call that gives way loses its place at once, here, and its worker is told to end it; the few milliseconds until its
 * media stops are not waited for.
 *
 * Any thread; the lock is held for the few steps of a list. */
#ifndef RF_CALL_RESOURCE_H
#define RF_CALL_RESOURCE_H

#include "base/err.h"
#include "base/view.h"
#include "ua/ids.h"

struct rf_resources;
struct rf_hold;

enum {
	RF_RESOURCE_NAME_MAX = 96,
	RF_RESOURCE_COUNT_MAX = 65536,   /* names at once */
	RF_VICTIMS_MAX = 16,             /* of one claim; one that needs more is refused */
	RF_RANK_ROUTINE = 0,
	RF_RANK_MAX = 15,
	RF_RANK_EMERGENCY = 16,          /* never gives way, not even to another emergency */
	RF_RANKS = 17,
};

/* In whose name. */
struct rf_claim {
	struct rf_id call;      /* its id, by which its worker finds it */
	uint8_t worker;
	uint8_t rank;           /* RF_RANK_ROUTINE ... RF_RANK_EMERGENCY */
	bool preempts;          /* may push out lower ranks; emergency always may */
};

/* A call that gave way. */
struct rf_victim {
	struct rf_id call;
	uint8_t worker, rank;
};

struct rf_resources *rf_resources_new(void);   /* with one reference; NULL: no memory */
struct rf_resources *rf_resources_get(struct rf_resources *r);
void rf_resources_put(struct rf_resources *r); /* NULL is fine */

/* Take units of the resource of this name, of which there are `most` (0: no bound), `reserved` of them for emergency
 * calls alone. 0: *ret_hold is given back once; victims (room for RF_VICTIMS_MAX) gave way, *ret_n of them, and are to
 * be ended by the caller. RF_E_LIMIT: full, and nobody may be pushed out. RF_E_INVALID: name too long; -ENOMEM. */
int rf_resource_take(struct rf_resources *r, struct rf_view name, uint64_t most, uint64_t reserved, uint64_t units,
		     const struct rf_claim *claim, struct rf_hold **ret_hold, struct rf_victim *victims, size_t *ret_n);
/* NULL is fine. */
void rf_resource_give(struct rf_resources *r, struct rf_hold *hold);
/* Units in use, 0 for a name that nobody holds. */
uint64_t rf_resource_used(struct rf_resources *r, struct rf_view name);
/* Names that somebody holds: zero when no call is. */
size_t rf_resource_count(struct rf_resources *r);

#endif
