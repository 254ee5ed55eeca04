/* The insides of the board, for board*.c. */
#ifndef RF_CALL_BOARD_INT_H
#define RF_CALL_BOARD_INT_H

#include "base/err.h"
#include "base/table.h"
#include "call/board.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

enum {
	RF_BOARD_SHARDS = 64,
	RF_BOARD_MARKS = 4096,         /* counters of watched numbers by hash: what rf_board_watched() looks at */
	RF_BOARD_NUMBER_MAX = 64,
};

TAILQ_HEAD(rf_board_dialogs, rf_board_kept);              /* board_dialogs.c; oldest first */
TAILQ_HEAD(rf_board_publications, rf_board_publication);  /* board_publications.c; newest first */

/* A line. */
struct rf_board_entry {
	struct rf_node node;
	TAILQ_ENTRY(rf_board_entry) published; /* in the shard's list while publications_n */
	rf_workers watching, told;     /* told: those who have not read it since */
	uint32_t version, gone;
	uint8_t dialogs_n, publications_n, number_n;
	struct rf_board_dialogs dialogs;
	struct rf_board_publications publications;
	struct rf_board_mwi mwi;
	uint8_t number[RF_BOARD_NUMBER_MAX];
};
TAILQ_HEAD(rf_board_entries, rf_board_entry);

struct rf_board_shard {
	pthread_mutex_t lock;          /* of all below, and of the lines in it */
	struct rf_table lines;
	struct rf_board_entries published;
};

struct rf_board {
	_Atomic size_t users, watched; /* watched: lines that somebody watches */
	_Atomic uint32_t marks[RF_BOARD_MARKS];
	_Atomic size_t lines, subscriptions, publications;
	_Atomic uint64_t subscriptions_refused, publications_refused, dialogs_refused;
	struct rf_board_limits limits;
	struct rf_hash_key key;
	struct rf_board_shard shard[RF_BOARD_SHARDS];
};

/* ---- board.c */

/* One more of what n counts; false: there are that many already. And one less. */
bool rf_board_take(_Atomic size_t *n, size_t most);
void rf_board_give(_Atomic size_t *n);
void rf_board_refused(_Atomic uint64_t *n);
/* The shard of this number, its lock taken. */
struct rf_board_shard *rf_board_lock(struct rf_board *b, struct rf_view number, uint64_t *ret_hash);

/* Lines, under their shard's lock. */
struct rf_board_entry *rf_board_find(struct rf_board_shard *s, struct rf_view number, uint64_t hash);
int rf_board_add(struct rf_board *b, struct rf_board_shard *s, struct rf_view number, uint64_t hash,
		 struct rf_board_entry **ret_line);
/* A line that says nothing to nobody leaves. */
void rf_board_settle(struct rf_board *b, struct rf_board_shard *s, struct rf_board_entry *line);
/* Whom to tell. */
rf_workers rf_board_changed(struct rf_board_entry *line);

/* ---- board_dialogs.c, under the lock; -ENOMEM */

void rf_board_drop_dialogs(struct rf_board_entry *line);
int rf_board_read_dialogs(const struct rf_board_entry *line, struct rf_arena *arena, struct rf_board_line *ret);

/* ---- board_publications.c, likewise */

/* At the board's end: counts nothing. */
void rf_board_free_publications(struct rf_board_entry *line);
int rf_board_read_publications(const struct rf_board_entry *line, struct rf_arena *arena, struct rf_board_line *ret);

#endif
