/* The parts of the book of pinholes, private to pinbook.c (what is wanted) and pinbook_say.c (what
 * is said to one wall). */
#ifndef RF_ROLE_PINBOOK_INT_H
#define RF_ROLE_PINBOOK_INT_H

#include "base/table.h"
#include "role/pinbook.h"

#include <stdbool.h>

enum pin_state {
	PIN_NONE,                    /* the wall has it not */
	PIN_UNSURE,                  /* it may have it: asked for when the connection went, or in a batch
				      * that failed half way */
	PIN_OPEN,
};

/* Where it waits; in one list at most, in none while a request with it is on its way. */
enum pin_list { LIST_CLOSE, LIST_OPEN, LIST_REFRESH, LIST_SOON, LIST_LATER, LISTS, LIST_NONE = LISTS };

/* One tuple at one wall. */
struct pin_at {
	struct pin_at *next, **link; /* link NULL: in no list */
	uint64_t due_us;             /* of REFRESH, SOON, LATER */
	uint8_t wall, state, list;
	bool flying, alone;          /* alone: its next request has no other tuple in it */
};

struct pin {
	struct rf_node node;
	struct rf_tuple tuple;
	uint32_t wanted;             /* by so many sessions */
	uint64_t wanted_us;          /* since; 0: what it took to open it has been counted */
	struct pin_at at[];          /* one for each wall */
};

struct pin_line { struct pin_at *first, **last; size_t n; };

struct pin_flight {              /* a request without answer */
	bool used;
	uint32_t id;
	enum rf_wall_verb verb;
	size_t n;
	uint64_t sent_us;
	struct pin_at *v[RF_WALL_LINE_TUPLES];
};

struct pin_wall {
	struct pin_line lists[LISTS];
	struct pin_flight flights[RF_PIN_FLYING];
	uint32_t next_id;
	size_t flying;               /* requests */
	uint64_t said_us, down_us;
	bool swept;                  /* away for longer than any lease */
	size_t open, away;           /* pins that are OPEN; that are in flight */
	struct rf_pinbook_wall stats;
};

/* An address that is to be dropped. */
struct pin_block {
	struct rf_tuple address;
	uint64_t until_us;           /* 0: the place is free */
	bool lifted;                 /* the walls that know it are told so, then it is gone */
	uint8_t told;                /* a bit for each wall that knows its last word */
};

struct rf_pinbook {
	struct rf_pinbook_conf conf;
	struct rf_table pins, sessions;
	size_t wanted;
	struct pin_block *blocks;    /* RF_PIN_BLOCKS_MAX, made with the first one */
	size_t blocks_n;             /* places in use are among the first of these */
	uint64_t full, now_us;
	struct pin_wall wall[RF_PIN_WALLS_MAX];
};

static inline struct pin *pin_of(const struct pin_at *a)
{
	return (struct pin *)(void *)((char *)(uintptr_t)(a - a->wall) - offsetof(struct pin, at));
}

/* pinbook.c: nobody wants it and no wall has it: gone. */
void pin_release(struct rf_pinbook *b, struct pin *p);

/* pinbook_block.c: the next line about an address that this wall does not know; 0: there is none. */
size_t pin_block_line(struct rf_pinbook *b, unsigned wall, uint32_t id, enum rf_wall_verb *ret_verb, char *dst,
		      size_t cap);
void pin_block_forget(struct rf_pinbook *b, unsigned wall); /* its connection is gone: it is told again */

/* pinbook_say.c */
void pin_lists_init(struct pin_wall *w);
void pin_unlist(struct rf_pinbook *b, struct pin_at *a);
/* Where it belongs by what is wanted and what the wall has. */
void pin_sort(struct rf_pinbook *b, struct pin_at *a);
void pin_set_state(struct rf_pinbook *b, struct pin_at *a, enum pin_state state);

#endif
