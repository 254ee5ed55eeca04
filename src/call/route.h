/* Where a call goes: from the Request-URI to the bindings that ring. Trunks and emergency numbers will enter here, as
 * other kinds of result. */
#ifndef RF_CALL_ROUTE_H
#define RF_CALL_ROUTE_H

#include "call/core_int.h"

struct rf_route {
	uint8_t dialled[64];        /* the number, escapes undone */
	size_t dialled_n;
	struct rf_binding *to;      /* in the arena given: reachable now, best first */
	size_t n;
	unsigned code;              /* 0: go; else what to answer */
	const char *why;            /* static: for the record */
};

/* The caller is proven. Memory from arena. */
void rf_route_find(struct rf_call_core *core, const struct rf_in *in, struct rf_arena *arena,
		   struct rf_route *ret_route);

#endif
