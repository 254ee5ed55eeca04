/* Identifiers that we make: Via branches, From and To tags, Call-IDs. Each carries the number of the worker that made
 * it in a fixed place, so that a message that comes in elsewhere finds its owner, and 80 random bits, so that nobody
 * guesses one (RFC 3261 19.3 asks for 32). Who copies our form gets his message carried to another worker, where it
 * matches nothing: no harm. */
#ifndef RF_UA_IDS_H
#define RF_UA_IDS_H

#include "base/random.h"
#include "base/view.h"

enum {
	RF_ID_LEN = 24,                      /* "rf", two hex digits of the worker, 20 random ones */
	RF_BRANCH_LEN = 7 + RF_ID_LEN,       /* behind "z9hG4bK" */
};

struct rf_id {
	uint8_t text[RF_ID_LEN];
};

struct rf_branch {
	uint8_t text[RF_BRANCH_LEN];
};

/* A tag, or the left part of a Call-ID. */
void rf_id_make(struct rf_random *r, uint8_t worker, struct rf_id *ret_id);
void rf_branch_make(struct rf_random *r, uint8_t worker, struct rf_branch *ret_branch);

static inline struct rf_view rf_id_view(const struct rf_id *id)
{
	return rf_view_of(id->text, sizeof id->text);
}

static inline struct rf_view rf_branch_view(const struct rf_branch *b)
{
	return rf_view_of(b->text, sizeof b->text);
}

/* The worker whose number a tag, Call-ID (what stands before an "@") or branch carries; -1 when it has not our form. */
int rf_id_worker(struct rf_view id);
int rf_branch_worker(struct rf_view branch);

#endif
