/* Which pinholes are wanted, which of them each wall has, and what is to be said to it next: the other side of the
 * protocol in wall_line.h. A machine: it owns no socket and reads no clock.
 *
 *	rf_pinbook_want()  a session's whole set of 5-tuples -> what is new is opened, what is gone is closed
 *	rf_pinbook_line()  -> the next request to a wall: up to 64 tuples, closing before opening before refreshing
 *	rf_pinbook_answer()  <- what it said
 *
 * Every wall gets every tuple: whoever lies between opens, and to the others it means nothing. A wall that was away is
 * told all anew; what was closed in the meantime is closed there, too, because it may have kept it. A tuple that a wall
 * refuses is asked for again after a while, alone, so that it takes no other with it. */
#ifndef RF_ROLE_PINBOOK_H
#define RF_ROLE_PINBOOK_H

#include "base/clock.h"
#include "base/hash.h"
#include "role/wall_line.h"

/* Bounds, also in docs/security.md. */
enum {
	RF_PIN_WALLS_MAX = 8,
	RF_PIN_TUPLES_MAX = 30000,   /* as many as a wall lets one host have */
	RF_PIN_OF_SESSION_MAX = 512,
	RF_PIN_BLOCKS_MAX = 1024,    /* addresses that walls are told to drop; more are dropped here alone */
	RF_PIN_FLYING = 32,          /* requests to one wall without answer */
	RF_PIN_LEASE_S = 120,        /* how long a wall keeps one unasked; refreshed at half of it */
	RF_PIN_OPENING_S = 30,       /* of an opening for UDP; never refreshed: the wall ends it */
	RF_PIN_SOON_MS = 200,        /* "busy": asked again after this */
	RF_PIN_LATER_MS = 30000,     /* refused: asked again after this */
	RF_PIN_PING_MS = 30000,      /* a wall that was told nothing for so long is asked whether it is there */
	RF_PIN_ANSWER_MS = 10000,    /* a wall that does not answer for so long is gone */
};

struct rf_pinbook;

struct rf_pinbook_conf {
	unsigned walls;              /* 1..RF_PIN_WALLS_MAX */
	struct rf_hash_key hash_key; /* random */
	uint32_t lease_s;            /* 0: RF_PIN_LEASE_S */
	size_t tuples_max;           /* 0: RF_PIN_TUPLES_MAX */
	/* A wall refused a tuple: "denied", "limit", "kernel". May be NULL. */
	void (*refused)(void *arg, unsigned wall, const char *why, const struct rf_tuple *tuple);
	void *arg;
};

int rf_pinbook_new(const struct rf_pinbook_conf *conf, struct rf_pinbook **ret_book);
void rf_pinbook_free(struct rf_pinbook *b);

/* What this session needs from now on; n 0: nothing more. RF_E_LIMIT, -ENOMEM: what did not fit is not opened (and what
 * is gone is closed all the same). */
void rf_pinbook_now(struct rf_pinbook *b, struct rf_mono now); /* wants count from here */
int rf_pinbook_want(struct rf_pinbook *b, uint64_t session, const struct rf_tuple *tuples, size_t n);
/* Every wall is to drop what comes from this address (family, src) for so long; one that comes back later is told what
 * is left of it. RF_E_LIMIT. seconds 0: no longer. */
int rf_pinbook_block(struct rf_pinbook *b, const struct rf_tuple *address, uint32_t seconds, struct rf_mono now);
/* Nobody wants anything any more. */
void rf_pinbook_drop_all(struct rf_pinbook *b);

/* The wall has said hello; its connection is gone. */
void rf_pinbook_up(struct rf_pinbook *b, unsigned wall, struct rf_mono now);
void rf_pinbook_down(struct rf_pinbook *b, unsigned wall, struct rf_mono now);
/* The next line for it, with its end; 0: nothing now. Call until then. */
size_t rf_pinbook_line(struct rf_pinbook *b, unsigned wall, struct rf_mono now, char dst[static RF_WALL_LINE_MAX]);
/* A line of it, without its end. RF_E_MALFORMED: none that it may say: the connection is to end. */
int rf_pinbook_answer(struct rf_pinbook *b, unsigned wall, struct rf_view line, struct rf_mono now);
/* Has it left us without answer for too long? Also forgets what a wall that stays away cannot have any more. */
bool rf_pinbook_lost(struct rf_pinbook *b, unsigned wall, struct rf_mono now);

struct rf_pinbook_wall {
	bool up;
	size_t open, waiting;        /* now: at the wall; on their way there or to be asked for again */
	uint64_t opened, refreshed, closed;
	uint64_t denied, limit, busy, kernel, unknown;
	uint64_t blocked, block_refused; /* requests for addresses that it took, or not */
	uint64_t open_us, open_us_max; /* from want to ok: the sum over `opened`, and the longest */
};
struct rf_pinbook_stats {
	size_t tuples, sessions;     /* wanted now */
	size_t held;                 /* memory of tuples, those that are being closed too */
	uint64_t full;               /* tuples that found no room here */
};
void rf_pinbook_stats(const struct rf_pinbook *b, struct rf_pinbook_stats *ret_stats);
void rf_pinbook_wall_stats(const struct rf_pinbook *b, unsigned wall, struct rf_pinbook_wall *ret_stats);

#endif
