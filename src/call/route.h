/* Where a call goes: from the Request-URI to the plan whose steps are called. */
#ifndef RF_CALL_ROUTE_H
#define RF_CALL_ROUTE_H

#include "call/core_int.h"
#include "call/plan.h"

struct rf_routed {
	uint8_t dialled[64];        /* the number, escapes undone */
	size_t dialled_n;
	struct rf_plan *plan;       /* the caller's of this struct to free, or NULL */
	unsigned code;              /* 0: ask the plan; else what to answer */
	const char *why;            /* static: for the record */
};

/* The caller is proven. */
void rf_route_find(struct rf_call_core *core, const struct rf_in *in, struct rf_routed *ret_to);

#endif
