/* What people set for their own numbers, on disk: state/settings.db, an SQLite database apart from the directory's,
 * since it changes by what people dial. A number without any setting has no row.
 *
 * Processes: the controller writes; a command writes when no controller runs; both at once is fine (WAL, busy timeout).
 * Threads: one struct rf_settings_db is for one thread at a time. */
#ifndef RF_STORE_SETTINGS_H
#define RF_STORE_SETTINGS_H

#include "base/err.h"
#include "base/view.h"

struct rf_settings_db;

enum {
	RF_SETTINGS_TARGET_MAX = 40,  /* characters of a number that is forwarded to, as it would be dialled */
	RF_SETTINGS_WAIT_MIN_S = 5, RF_SETTINGS_WAIT_MAX_S = 120,
};

enum rf_forward { RF_FORWARD_ALWAYS, RF_FORWARD_BUSY, RF_FORWARD_NO_ANSWER, RF_FORWARD_UNREACHABLE, RF_FORWARDS };

/* Of one number. All zero: nothing is set. */
struct rf_settings {
	char forward[RF_FORWARDS][RF_SETTINGS_TARGET_MAX + 1]; /* "": off */
	uint16_t no_answer_s;      /* after how long forward_no_answer acts; 0: RF_SETTINGS_WAIT_S */
	bool dnd;                  /* do not disturb */
	bool no_call_waiting;      /* in a call: busy */
	bool hide_number;          /* calls are anonymous unless they say otherwise (RFC 3323) */
	bool refuse_anonymous;     /* anonymous calls are refused (RFC 5079) */
};
enum { RF_SETTINGS_WAIT_S = 20 };

/* Digits with a + in front, or * and # too: what can be dialled. */
bool rf_settings_target_ok(struct rf_view target);
bool rf_settings_empty(const struct rf_settings *s);

/* What a change sets, the rest stays: `fields` names the fields of `to` that count. */
enum {
	RF_SET_FORWARD = 1,        /* << enum rf_forward */
	RF_SET_NO_ANSWER_S = 1 << 4, RF_SET_DND = 1 << 5, RF_SET_CALL_WAITING = 1 << 6, RF_SET_HIDE_NUMBER = 1 << 7,
	RF_SET_REFUSE_ANONYMOUS = 1 << 8,
	RF_SET_ALL = (1 << 9) - 1,
};
struct rf_settings_change {
	unsigned fields;
	struct rf_settings to;
};
void rf_settings_apply(struct rf_settings *s, const struct rf_settings_change *change);

/* As people write them. Names: forward_always, forward_busy, forward_no_answer, forward_unreachable (a number as it is
 * dialled, or off), no_answer_seconds, do_not_disturb, call_waiting, hide_number, refuse_anonymous (on or off). */
enum { RF_SETTINGS_TEXTS = 9, RF_SETTINGS_TEXT_MAX = 48, RF_SETTINGS_LINE_MAX = 640 };
/* Add one to a change. RF_E_NOT_FOUND: no such name; RF_E_INVALID: value. diag says what is possible. */
int rf_settings_change_text(struct rf_settings_change *c, struct rf_view name, struct rf_view value,
			    struct rf_diag *diag);
/* The i-th of them: its name, and its value in s (a forward that is off: ""). */
const char *rf_settings_text(const struct rf_settings *s, unsigned i, char value[static RF_SETTINGS_TEXT_MAX]);
/* "forward_busy=1002 call_waiting=off": what a change set, as it is now, for the record. Returns dst. */
const char *rf_settings_change_line(const struct rf_settings_change *c, const struct rf_settings *now,
				    char dst[static RF_SETTINGS_LINE_MAX]);

/* Open, made with mode 0600 when create. As rf_store_open(). */
int rf_settings_db_open(const char *path, bool create, struct rf_settings_db **ret_db, struct rf_diag *diag);
void rf_settings_db_close(struct rf_settings_db *db); /* NULL is fine */
/* What number has; all zero without a row. */
int rf_settings_db_get(struct rf_settings_db *db, struct rf_view number, struct rf_settings *ret_s,
		       struct rf_diag *diag);
/* Durable when it returns 0. */
int rf_settings_db_put(struct rf_settings_db *db, struct rf_view number, const struct rf_settings *s,
		       struct rf_diag *diag);
/* Every number that has any, in order of numbers. Views are borrowed for the visit; not 0 ends the walk. */
int rf_settings_db_walk(struct rf_settings_db *db,
			int (*visit)(void *ctx, struct rf_view number, const struct rf_settings *s), void *ctx,
			struct rf_diag *diag);

#endif
