/* Events: what the ledger records. An event is built on the caller's stack as JSON, field by field, and posted; all
 * that is slow (time text, hash, disk) happens on the ledger's thread.
 *
 *	struct rf_event e;
 *	rf_event_init(&e, RF_EVENT_REGISTRATION_REFUSED, now);
 *	rf_event_str(&e, "aor", aor);
 *	rf_event_u64(&e, "code", 403);
 *	rf_ledger_post(ledger, &e);
 *
 * A field name is a string literal of [a-z0-9_], never seq, time, kind, prev or hash. Never put a secret in one.
 * Threads: any, each on its own struct. */
#ifndef RF_LEDGER_EVENT_H
#define RF_LEDGER_EVENT_H

#include "base/clock.h"
#include "base/writer.h"
#include "ledger/limits.h"

/* A new kind is a line here and a row in the table of event.c. Records carry the name, so the order may change. */
enum rf_event_kind {
	RF_EVENT_START, RF_EVENT_STOP, RF_EVENT_INIT,
	RF_EVENT_CONFIG_LOADED, RF_EVENT_CONFIG_REFUSED,
	RF_EVENT_REGISTRATION_ACCEPTED, RF_EVENT_REGISTRATION_REFUSED, RF_EVENT_REGISTRATION_EXPIRED,
	RF_EVENT_REGISTRATION_REMOVED,
	RF_EVENT_CALL_START, RF_EVENT_CALL_RING, RF_EVENT_CALL_ANSWER, RF_EVENT_CALL_HOLD, RF_EVENT_CALL_RESUME,
	RF_EVENT_CALL_FORWARDED, RF_EVENT_CALL_END, RF_EVENT_CALL_MEDIA, RF_EVENT_CALL_REFUSED, RF_EVENT_CALL_PREEMPTED,
	RF_EVENT_CALL_TONE,
	RF_EVENT_EMERGENCY_CALL, RF_EVENT_EMERGENCY_TEST, RF_EVENT_EMERGENCY_CALLBACK, RF_EVENT_EMERGENCY_HOOK,
	RF_EVENT_MEDIA_REFUSED, RF_EVENT_IDENTITY_SIGNED, RF_EVENT_IDENTITY_VERIFIED, RF_EVENT_IDENTITY_INVALID,
	RF_EVENT_CALL_TRANSFERRED, RF_EVENT_CALL_TRANSFER_REFUSED, RF_EVENT_CALL_PICKED_UP, RF_EVENT_CALL_PARKED,
	RF_EVENT_CALL_RETRIEVED,
	RF_EVENT_TRUNK_UP, RF_EVENT_TRUNK_DOWN, RF_EVENT_TRUNK_LOGIN, RF_EVENT_TRUNK_REGISTERED,
	RF_EVENT_IDENTITY_REFUSED, RF_EVENT_AUTH_FAILED, RF_EVENT_MESSAGE_REFUSED, RF_EVENT_CONNECTION_REFUSED,
	RF_EVENT_SOURCE_BLOCKED, RF_EVENT_SOURCE_FORGIVEN,
	RF_EVENT_LIMIT, RF_EVENT_OVERLOAD, RF_EVENT_OVERLOAD_OVER, RF_EVENT_OPERATOR,
	RF_EVENT_WATCH_START, RF_EVENT_WATCH_END, RF_EVENT_WATCH_REFUSED, RF_EVENT_TEXT_DELIVERED,
	RF_EVENT_TEXT_REFUSED,
	RF_EVENT_MAILBOX,
	RF_EVENT_PHONE_ADDED, RF_EVENT_PHONE_REMOVED, RF_EVENT_PHONE_LOCKED, RF_EVENT_PHONE_UNLOCKED,
	RF_EVENT_USER_ADDED,
	RF_EVENT_USER_REMOVED,
	RF_EVENT_USER_CHANGED, RF_EVENT_USER_LOCKED, RF_EVENT_USER_UNLOCKED, RF_EVENT_STIR_ADDED,
	RF_EVENT_STIR_REMOVED, RF_EVENT_NUMBER_CHANGED,
	RF_EVENT_CERTIFICATE_ISSUED,
	RF_EVENT_CERTIFICATE_REVOKED,
	RF_EVENT_WALL_APPLIED, RF_EVENT_WALL_CONFIRMED, RF_EVENT_WALL_REVERTED, RF_EVENT_WALL_REFUSED,
	RF_EVENT_WALL_DROPS,
	RF_EVENT_WALL_PINHOLES,
	RF_EVENT_RELAY_ENDED, RF_EVENT_RELAY_REFUSED, RF_EVENT_RELAY_DROPS, RF_EVENT_RELAY_WALL, RF_EVENT_RELAY_PINHOLE,
	RF_EVENT_RELAY_RECORDING, RF_EVENT_RELAY_NO_RECORDING,
	RF_EVENT_FAULT, /* a part of ringfort itself failed */
	RF_EVENT_CDR,
	RF_EVENT_LEDGER_RECOVERED, RF_EVENT_LEDGER_GAP, RF_EVENT_LEDGER_DAMAGED, RF_EVENT_LEDGER_TRUNCATED,
	RF_EVENT_KIND_COUNT,
};

/* "registration.refused"; a sentence on when it is recorded; is it something an operator should look at. */
const char *rf_event_kind_name(enum rf_event_kind kind);
const char *rf_event_kind_about(enum rf_event_kind kind);
bool rf_event_kind_alert(enum rf_event_kind kind);
/* RF_EVENT_KIND_COUNT when there is no such name. */
enum rf_event_kind rf_event_kind_of(struct rf_view name);

struct rf_event {
	struct rf_writer w;
	struct rf_wall time;
	uint8_t kind;
	bool cut;              /* a string was shortened or a field left out: the line says "cut":true */
	uint8_t bytes[RF_EVENT_BYTES];
};

void rf_event_init(struct rf_event *e, enum rf_event_kind kind, struct rf_wall time);

/* One field each. An empty string is not written; rf_event_str() takes any bytes (what is not UTF-8 becomes U+FFFD). */
#define rf_event_str(e, name, view) rf_event_put_str((e), RF_V(",\"" name "\":"), (view))
#define rf_event_cstr(e, name, s) rf_event_put_str((e), RF_V(",\"" name "\":"), rf_view_str(s))
#define rf_event_u64(e, name, x) rf_event_put_u64((e), RF_V(",\"" name "\":"), (x))
#define rf_event_bool(e, name, x) rf_event_put_bool((e), RF_V(",\"" name "\":"), (x))
/* A time as RFC 3339 text; one of zero is not written. */
#define rf_event_time(e, name, wall) rf_event_put_time((e), RF_V(",\"" name "\":"), (wall))

void rf_event_put_str(struct rf_event *e, struct rf_view name, struct rf_view v);
void rf_event_put_u64(struct rf_event *e, struct rf_view name, uint64_t x);
void rf_event_put_bool(struct rf_event *e, struct rf_view name, bool x);
void rf_event_put_time(struct rf_event *e, struct rf_view name, struct rf_wall t);

#endif
