/* What people set for their own numbers, for all workers: a shared table like location.h, filled from the store at the
 * start. Readers never wait. Changes are queued to a thread that commits them to disk one by one (store/settings.h),
 * then swaps them into the table, then says so: who was told that a forward is set finds it set after a crash.
 *
 * Bounded: RF_SETTINGS_NUMBERS numbers with any setting, RF_SETTINGS_QUEUE changes waiting.
 * Threads: rf_settings_get() from any thread inside rf_location_enter(); rf_settings_change() from any. */
#ifndef RF_CALL_SETTINGS_H
#define RF_CALL_SETTINGS_H

#include "base/hash.h"
#include "store/settings.h"

struct rf_settings_table;

enum { RF_SETTINGS_NUMBERS = 200000, RF_SETTINGS_QUEUE = 1024, RF_SETTINGS_NUMBER_MAX = 64 };

/* Open the file at path (making it), read it, start the thread. Errors as rf_settings_db_open(). The calling thread is
 * inside rf_location_enter(). */
int rf_settings_start(const char *path, const struct rf_hash_key *key, struct rf_settings_table **ret_t,
		      struct rf_diag *diag);
/* What is queued is written and its callbacks come; no other thread uses the table any more. NULL is fine. */
void rf_settings_stop(struct rf_settings_table *t);

/* A copy; all zero when nothing is set. t NULL: nothing ever is. */
void rf_settings_get(struct rf_settings_table *t, struct rf_view number, struct rf_settings *ret_s);

/* On the thread of the table: 0, the change is on disk and in the table, and `now` is how it stands; else nothing
 * changed. Must be quick and must not block. */
typedef void rf_settings_done_fn(void *ctx, int rc, const struct rf_settings *now);

/* 0: done will be called, once. RF_E_BUSY: too many wait; RF_E_INVALID: number or a target is none; -ENOMEM. */
int rf_settings_change(struct rf_settings_table *t, struct rf_view number, const struct rf_settings_change *change,
		       rf_settings_done_fn *done, void *ctx);

/* Every number that has any, in no order. Views are borrowed for the visit, which must not call back into the table.
 * Any thread inside rf_location_enter(). */
void rf_settings_walk(struct rf_settings_table *t,
		      void (*visit)(void *ctx, struct rf_view number, const struct rf_settings *s), void *ctx);

struct rf_settings_counts { uint64_t numbers, changed, failed, refused; };
void rf_settings_counts(struct rf_settings_table *t, struct rf_settings_counts *ret_counts);

#endif
