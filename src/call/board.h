/* The board: what the numbers that somebody watches are doing, seen from every worker (docs/decisions/0034).
 *
 * A number has a place here, its line, only while somebody watches it, a phone has published its presence, or it has
 * messages waiting. Calls ask rf_board_watched() first, which is one load where nobody watches anything and two where
 * somebody watches other numbers; so a call that nobody watches pays nothing more.
 *
 * Whoever changes a line gets back which workers have subscriptions for it and have not been told yet, and mails them
 * (rf_lamps_tell()). A worker that is told says so (rf_board_heard()), then reads the line when it is about to send:
 * the last state wins, however many there were in between.
 *
 * Times are of the monotonic clock, which the loops of a process share. Threads: any. Lines lie in shards with a mutex
 * each; what is done under it is bounded (the strings of RF_BOARD_DIALOGS dialogs are compared or copied), and calls
 * nothing but the allocator. */
#ifndef RF_CALL_BOARD_H
#define RF_CALL_BOARD_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/hash.h"
#include "ua/ids.h"

enum {
	RF_BOARD_WORKERS = 64,     /* as many as a process may have: bits of a set */
	RF_BOARD_DIALOGS = 16,     /* of one number; further ones are not shown */
	RF_BOARD_PUBLICATIONS = 4, /* of one number: one a phone; the oldest gives way */
	RF_BOARD_NOTE = 128,       /* bytes of a presence note */
};

struct rf_board;

struct rf_board_limits {
	size_t lines;              /* numbers at once */
	size_t subscriptions;      /* counted here because they are the process's, kept by their workers */
	size_t publications;
};

/* A set of workers, bit i for worker i. */
typedef uint64_t rf_workers;

/* -ENOMEM. */
int rf_board_new(const struct rf_board_limits *limits, const struct rf_hash_key *key, struct rf_board **ret_b);
struct rf_board *rf_board_get(struct rf_board *b);
void rf_board_put(struct rf_board *b); /* NULL is fine */

/* ---- who watches */

/* Count one more subscription of the process, and one less. RF_E_LIMIT. */
int rf_board_subscribe(struct rf_board *b);
void rf_board_unsubscribe(struct rf_board *b);

/* This worker has subscriptions for the number from now on. *ret_new: nobody had; what its phones are doing is not
 * known here yet (rf_lamps_survey()). RF_E_LIMIT (lines), -ENOMEM. */
int rf_board_watch(struct rf_board *b, struct rf_view number, unsigned worker, bool *ret_new);
/* It has none any more. */
void rf_board_unwatch(struct rf_board *b, struct rf_view number, unsigned worker);
/* Does anybody watch any number? */
bool rf_board_any(const struct rf_board *b);
/* May somebody watch this one? False is certain. */
bool rf_board_watched(const struct rf_board *b, struct rf_view number);
/* The worker is about to read the line; it will be told of the next change again. */
void rf_board_heard(struct rf_board *b, struct rf_view number, unsigned worker);

/* ---- what a number does. All return whom to tell. */

enum rf_line_state { RF_LINE_NONE, RF_LINE_TRYING, RF_LINE_EARLY, RF_LINE_CONFIRMED, RF_LINE_TERMINATED };

/* A dialog between a phone of the number and us, as that phone has it: local_tag is the phone's, remote_tag ours. */
struct rf_board_dialog {
	struct rf_id id;           /* our tag: it names the dialog for its whole life */
	struct rf_view call_id, local_tag, remote_tag;
	struct rf_view remote_number, remote_display; /* both empty: the other side is not named */
	uint32_t changed;          /* at which version of the line; an output */
	uint8_t state;             /* enum rf_line_state */
	bool initiator;            /* the phone called */
};

/* Its dialog is like this now; one that ended is only said so. Without memory the line is marked instead, and its
 * readers show all again (see gone). */
rf_workers rf_board_dialog(struct rf_board *b, struct rf_view number, const struct rf_board_dialog *d);
/* Something that is read elsewhere has changed (its bindings). */
rf_workers rf_board_touch(struct rf_board *b, struct rf_view number);

/* Messages in the mailbox of the number. RF_E_LIMIT, -ENOMEM. Stays until the process ends. */
struct rf_board_mwi {
	bool known;                /* somebody has said so */
	uint32_t fresh, old;
};
int rf_board_mwi(struct rf_board *b, struct rf_view number, uint32_t fresh, uint32_t old, rf_workers *ret_tell);

/* ---- published presence (RFC 3903) */

enum { RF_ACTIVITY_AWAY = 1, RF_ACTIVITY_BUSY = 2, RF_ACTIVITY_ON_THE_PHONE = 4 }; /* RFC 4480 */

struct rf_presence {
	bool open;
	uint8_t activities;        /* bits */
	uint8_t note_n;
	uint8_t note[RF_BOARD_NOTE];
};

/* etag: of the publication that is refreshed or changed, empty for a first one; next: its name from now on. p NULL: as
 * it is. expires 0: it is taken back. RF_E_NOT_FOUND: no such etag (412); RF_E_LIMIT, -ENOMEM. */
int rf_board_publish(struct rf_board *b, struct rf_view number, struct rf_view etag, const struct rf_id *next,
		     const struct rf_presence *p, struct rf_mono expires, rf_workers *ret_tell);

/* Take out publications that are over; gone is called for each number, outside of any lock. */
typedef void rf_board_gone_fn(void *ctx, struct rf_view number, rf_workers tell);
void rf_board_expire(struct rf_board *b, struct rf_mono now, rf_board_gone_fn *gone, void *ctx);

/* ---- reading */

struct rf_board_line {
	uint32_t version;          /* of the line: grows with every change */
	uint32_t gone;             /* who last read an older version than this has missed something: show all */
	struct rf_board_dialog *dialog; /* in the arena given; the ended ones among them are the latest few */
	size_t dialogs;
	struct rf_board_mwi mwi;
	struct rf_presence *presence; /* newest first */
	size_t presences;
};

/* A copy in arena; all zero when the number has no line. -ENOMEM. */
int rf_board_read(struct rf_board *b, struct rf_view number, struct rf_arena *arena, struct rf_board_line *ret_line);

struct rf_board_counts {
	size_t lines, subscriptions, publications; /* now */
	uint64_t subscriptions_refused, publications_refused, dialogs_refused;
};
void rf_board_counts(const struct rf_board *b, struct rf_board_counts *ret_counts);

#endif
