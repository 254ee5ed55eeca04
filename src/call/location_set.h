/* A set of bindings as the location table keeps it: one allocation, packed, immutable. Private to location.c.
 *
 * Of each binding the numbers stand in fixed places and the texts behind their lengths; what is the same as in the
 * binding before it (the Call-ID, the agent, the address of ours...) is not written again. A phone's one binding takes
 * some 290 bytes, further ones of the same phone little more than their contacts. */
#ifndef RF_CALL_LOCATION_SET_H
#define RF_CALL_LOCATION_SET_H

#include "call/location.h"

#include <urcu/urcu-memb.h>
#include <urcu/rculfhash.h>

struct rf_location_set {
	struct cds_lfht_node node;
	struct rf_location_set *retired; /* the one that was retired before it */
	uint16_t aor_n, n;
	uint8_t data[];                  /* AOR, bindings */
};

/* NULL: no memory, or something is too long to be written (64 KiB a text). The strings of b are copied. */
struct rf_location_set *rf_location_set_new(struct rf_view aor, const struct rf_binding *b, size_t n);

static inline struct rf_view rf_location_set_aor(const struct rf_location_set *s)
{
	return rf_view_of(s->data, s->aor_n);
}

/* One binding after the other, s->n of them; their views lie in the set. */
struct rf_location_at {
	const uint8_t *p;
	struct rf_binding b;
};

static inline struct rf_location_at rf_location_set_begin(const struct rf_location_set *s)
{
	return (struct rf_location_at){ .p = s->data + s->aor_n };
}

const struct rf_binding *rf_location_set_next(struct rf_location_at *at);

/* The views of a binding, so that copying them is a loop. */
enum { RF_BINDING_STRINGS = 7 };
void rf_binding_strings(struct rf_binding *b, struct rf_view *ret[static RF_BINDING_STRINGS]);

#endif
