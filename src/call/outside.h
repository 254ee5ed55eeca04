/* An outside call, for as long as it is one: by whose right it goes, what it uses up, and whether it still may.
 *
 * Whoever sends an INVITE to a trunk holds one of these for that leg. It is looked at again when the site or the users
 * change and once a minute: a grant that fell, a class that ended or minutes that ran out end an answered call, by the
 * same decision (dial.h) that let it begin.
 *
 * Threads: the worker's own. */
#ifndef RF_CALL_OUTSIDE_H
#define RF_CALL_OUTSIDE_H

#include "call/core_int.h"
#include "call/dial.h"
#include "call/usage.h"

struct rf_call;
struct rf_leg;

struct rf_outside {
	TAILQ_ENTRY(rf_outside) list;
	struct rf_call_core *core;
	struct rf_leg *leg;            /* the leg to the trunk: its call ends */
	struct rf_usage_key key;
	struct rf_view number, phone, user; /* in memory: who dials */
	struct rf_view dialled;
	void *memory;
	enum rf_call_class call_class;
	bool answered, todo;
	bool roams;                    /* who dials is a phone outside: by the class for that */
	bool used;                     /* counted as one of their calls, beside the caller's */
	struct rf_mono counted_at;     /* seconds up to here are in the usage */
};

/* May `who` begin this now (d: an RF_DIAL_OUTSIDE decision)? 0: o is in the list, rf_outside_end() follows once;
 * RF_E_DENIED: the minutes abroad are used up; RF_E_LIMIT: as many calls as their class allows; -ENOMEM. */
int rf_outside_begin(struct rf_outside *o, struct rf_leg *leg, struct rf_call_core *core, const struct rf_dial_who *who,
		     struct rf_view dialled, const struct rf_dial *d);
void rf_outside_answered(struct rf_outside *o);
/* Its leg is in another call now: it stays one of theirs, whoever made that one. */
void rf_outside_moved(struct rf_outside *o);
void rf_outside_end(struct rf_outside *o);

/* Look at all of them: after a reload, and once a minute. Ends calls. */
void rf_dial_again(struct rf_call_core *core);

#endif
