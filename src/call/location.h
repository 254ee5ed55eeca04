/* Where each address of record can be reached: AOR -> a set of bindings, shared by all workers.
 *
 * The table is the one structure that workers share. Readers never wait: they look up under userspace-rcu and copy
 * out what they need. A set is immutable; a writer builds the next one and swaps it in, and when another worker was
 * quicker it starts over from what that worker left. Old sets are freed after a grace period by a helper thread
 * that rf_location_new() starts (so it exists before the process is sandboxed).
 *
 * The table holds what the store has committed: a registrar writes here only after store/bindings.h said "durable".
 * Times are of the monotonic clock, so that a jump of the date ends no registration.
 *
 * Threads: all functions but new/free from any thread between rf_location_enter() and rf_location_leave(). */
#ifndef RF_CALL_LOCATION_H
#define RF_CALL_LOCATION_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/hash.h"
#include "ua/flow.h"

struct rf_location;

/* One binding. As an argument its views are borrowed for the call; as a result they lie in the caller's arena. */
struct rf_binding {
	struct rf_view contact;    /* the Contact URI as the phone wrote it, without brackets */
	struct rf_view call_id;    /* of the REGISTER that made it (RFC 3261 10.3) */
	struct rf_view instance;   /* +sip.instance without quotes and brackets, "" when there is none (RFC 5626) */
	struct rf_view path;       /* Path values joined by commas, "" (RFC 3327) */
	struct rf_view phone;      /* name of the phone that its certificate proved, "" when digest alone proved it */
	struct rf_view user;       /* the user that digest proved, "" */
	struct rf_view agent;      /* User-Agent, cut to a bound */
	struct rf_mono since;      /* first registered (or loaded) */
	struct rf_mono refreshed;
	struct rf_mono expires;
	struct rf_flow flow;       /* the connection or address that it registered on; meaningless while waiting */
	uint32_t cseq;
	uint32_t reg_id;           /* 0: not given */
	uint16_t q_milli;          /* 0..1000 */
	bool by_flow;              /* only that connection reaches it (TLS, TCP, outbound): requests
				    * go there or nowhere */
	bool waiting;              /* by_flow, and the connection is gone: until the phone connects
				    * and registers again */
};

struct rf_location_limits {
	size_t aors;             /* addresses of record with a binding */
	size_t bindings_per_aor; /* the oldest gives way */
};

struct rf_location_counts {
	uint64_t aors, bindings; /* now */
	uint64_t refused;        /* puts refused at the cap of AORs */
	uint64_t replaced;       /* bindings that gave way to a newer one at the cap per AOR */
};

/* 0, -ENOMEM. key: for the hash. */
int rf_location_new(const struct rf_location_limits *limits, const struct rf_hash_key *key,
		    struct rf_location **ret_l);
/* All threads have left. */
void rf_location_free(struct rf_location *l);

/* Make the calling thread one that may use the table; each thread once. Nothing else is asked of it between look-ups
 * (userspace-rcu's memb flavour). */
void rf_location_enter(struct rf_location *l);
void rf_location_leave(struct rf_location *l);

/* The same binding (RFC 3261 10.3, RFC 5626 6): same instance and reg-id where both have them, else same Contact by
 * the rules of RFC 3261 19.1.4. */
bool rf_binding_same(const struct rf_binding *a, const struct rf_binding *b);

/* All bindings of aor that have not expired at now, best q first, newest first among equals; copied into arena.
 * 0 with *ret_n = 0 when there are none; -ENOMEM when the arena is full. */
int rf_location_get(struct rf_location *l, struct rf_view aor, struct rf_mono now, struct rf_arena *arena,
		    struct rf_binding **ret_b, size_t *ret_n);

/* Add b or replace the same one. 0, RF_E_LIMIT (cap of AORs), -ENOMEM. */
int rf_location_put(struct rf_location *l, struct rf_view aor, const struct rf_binding *b, struct rf_mono now);
/* Remove the binding that is the same as b; RF_E_NOT_FOUND when there is none, -ENOMEM (then it is still there). */
int rf_location_remove(struct rf_location *l, struct rf_view aor, const struct rf_binding *b);
/* Remove all bindings of aor. RF_E_NOT_FOUND when there are none. */
int rf_location_clear(struct rf_location *l, struct rf_view aor);
/* The flow is gone: bindings of aor that need it wait from now on. Returns how many, or -ENOMEM. */
int rf_location_flow_lost(struct rf_location *l, struct rf_view aor, const struct rf_flow *flow);

/* What rf_location_walk() shows: views and bindings are borrowed for the call. */
typedef void rf_location_visit_fn(void *ctx, struct rf_view aor, const struct rf_binding *b);

/* Every binding, expired ones included; visit must not call back into the table. */
void rf_location_walk(struct rf_location *l, rf_location_visit_fn *visit, void *ctx);

/* Take out what has expired at now, looking at no more than `most` AORs and going on next time where it stopped.
 * gone is called for each binding taken out, after it is out. One thread only. Returns how many. */
size_t rf_location_expire(struct rf_location *l, struct rf_mono now, size_t most, rf_location_visit_fn *gone,
			  void *ctx);

void rf_location_counts(const struct rf_location *l, struct rf_location_counts *ret_counts);

#endif
