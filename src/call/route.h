/* Where a call goes: from the Request-URI to the plan whose steps are called. */
#ifndef RF_CALL_ROUTE_H
#define RF_CALL_ROUTE_H

#include "call/core_int.h"
#include "call/plan.h"

struct rf_routed {
	uint8_t dialled[64];        /* the number that was meant; of a refusal: what was dialled, escapes undone */
	size_t dialled_n;
	struct rf_plan *plan;       /* the caller's of this struct to free, or NULL */
	unsigned code;              /* 0: ask the plan; else what to answer */
	const char *why;            /* static: for the record */
	const char *rule;           /* likewise; NULL: none, else what core->dial decided */
	enum rf_feature feature;    /* a code that is no call: run it instead of refusing; RF_FEATURES: none */
	struct rf_view arg;         /* what was dialled behind it, in core->dial */
	int8_t hide;                /* this call: 1 without, -1 with the caller's number; 0: it says nothing */
};

/* The caller is proven. */
void rf_route_find(struct rf_call_core *core, const struct rf_in *in, struct rf_routed *ret_to);

/* A number that this party, proven, asks to be called in its name: the rights are those of a call of its own. */
void rf_route_uri(struct rf_call_core *core, struct rf_party *caller, const struct rf_sip_uri *uri,
		  struct rf_routed *ret_to);
void rf_route_number(struct rf_call_core *core, struct rf_party *caller, struct rf_view number,
		     struct rf_routed *ret_to);

#endif
