/* Call control of one worker: what sits on its ua and answers for every request that is not the ua's own business.
 *
 *	core.c       requests from ua, sorted; in-dialog requests find their leg
 *	identity.c   who proved what, who may be which address of record
 *	registrar.c  REGISTER
 *	route.c      who may call, whom, over which bindings
 *	call.c ...   the call and its machines (docs/decisions/0010-calls.md)
 *	control.c    what an administrator asks and orders (control.h)
 *
 * A role creates one core per worker, gives its rf_call_core_user() table to that worker's ua, and runs the loop. All
 * functions here are for the thread of that worker, unless they say otherwise.
 * RFC 3261, 3262, 3264, 3311, 3325, 3326, 3327, 4028, 5626, 7616. */
#ifndef RF_CALL_CORE_H
#define RF_CALL_CORE_H

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/view.h"
#include "call/trunk_login.h"
#include "net/addr.h"

struct rf_bindings;
struct rf_call_core;
struct rf_directory;
struct rf_ledger;
struct rf_location;
struct rf_load_sample;
struct rf_loop;
struct rf_overload_conf;
struct rf_relay_at;
struct rf_settings_table;
struct rf_tls;
struct rf_trunks;
struct rf_ua;
struct rf_ua_user;

enum { RF_CALL_NONCE_KEY = 32 };

/* Bounds of one core; 0 in a field means the default beside it. */
struct rf_call_limits {
	size_t calls;           /* the site's limits.calls, of all joined cores together */
	size_t emergency_calls; /* the site's limits.emergency_calls: more than those, for emergency calls alone */
	size_t forks_per_call;  /* 8: bindings that ring at once */
	size_t registrations;   /* 4096: REGISTERs that wait for the disk */
	size_t suspects;        /* 4096: users and sources with failed passwords that are remembered */
	size_t subscriptions;   /* the site's limits.subscriptions, of all joined cores together */
	size_t publications;    /* 50000, likewise */
	size_t messages;        /* the site's limits.messages: MESSAGE requests under way */
	uint32_t flow_grace_ms; /* 5000: how long an answered call waits for a phone whose connection closed */
};

/* Authorities that a trunk's certificate comes from (its `ca` in the site file), when it is not the site's own CA. */
enum { RF_TRUNK_ROOTS_MAX = 8 };
struct rf_trunk_ca {
	const char *file;                     /* as in the site file */
	struct rf_tls *client;                /* verifies by these alone, when we dial */
	size_t root_n;
	uint8_t root[RF_TRUNK_ROOTS_MAX][32]; /* SHA-256 of each certificate */
};

/* The two sides of a site's calls: hosts of the site, and trunks (call/border.h). */
enum rf_towards { RF_TOWARDS_SITE, RF_TOWARDS_TRUNKS, RF_TOWARDS };

/* What a core is made of; all of it outlives the core. */
struct rf_call_config {
	unsigned worker;
	struct rf_loop *loop;
	struct rf_ua *ua;
	struct rf_directory *directory;       /* with its site; the core takes a reference */
	struct rf_ledger *ledger;
	struct rf_location *location;
	struct rf_bindings *bindings;
	struct rf_settings_table *settings;   /* NULL: none */
	struct rf_random *random;             /* of this thread */
	const struct rf_log *log;
	uint8_t nonce_key[RF_CALL_NONCE_KEY]; /* random, the same for all workers of a process */
	struct rf_call_limits limits;
	struct rf_trunks *trunks;             /* of the process; a reference is taken. NULL: one of its own (tests) */
	rf_trunk_password_fn *password;       /* answers challenges of trunks; NULL: none is answered */
	void *password_ctx;
	bool border;                          /* the core of a border (call/border.h), else of a controller */
	/* The addresses of ours that connections towards each side come from, one of IPv4 and one of IPv6; family 0:
	 * the kernel's choice. In a border they also tell its inner side from its outer one. */
	struct rf_addr from[RF_TOWARDS][2];
	/* Hand a text to the site's program (JSON, one line); never blocks; not 0: it was not taken.
	 * NULL: there is none. */
	int (*hook)(void *ctx, struct rf_view text);
	void *hook_ctx;
};

/* -ENOMEM, RF_E_CRYPTO. ua may be NULL and set later with rf_call_core_attach() (the ua wants its user first). */
int rf_call_core_new(const struct rf_call_config *config, struct rf_call_core **ret_core);
void rf_call_core_attach(struct rf_call_core *core, struct rf_ua *ua);
/* Before the loops run: all cores of the process, cores[i] for worker i; the array is copied. Not needed with one.
 * A connection that closes on one worker is then known to the calls of the others, and their calls are counted
 * together against the site's bound. -ENOMEM. */
int rf_call_core_join(struct rf_call_core *const *cores, size_t n);
/* Calls still there are dropped without a word to the phones (see rf_call_core_drain()), with their records written. */
void rf_call_core_free(struct rf_call_core *core);

/* The callbacks for ua, whose ctx is the core. Static storage. */
const struct rf_ua_user *rf_call_core_user(void);
/* Option tags that rf_ua_config.supported must name, *ret_n of them. Static storage. */
const struct rf_view *rf_call_core_supported(bool border, size_t *ret_n);

/* From now on new requests see this directory and its site; calls that run keep what they were made with, but those of
 * a phone or user that is locked or gone, or whose certificate is revoked, are ended. */
void rf_call_core_reload(struct rf_call_core *core, struct rf_directory *directory);

/* No new calls and registrations (503 with Retry-After), a BYE to every leg. done comes once when no call is left; it
 * may come within this call. */
void rf_call_core_drain(struct rf_call_core *core, void (*done)(void *ctx), void *ctx);

/* Take out bindings that have expired and record it, and keep those on disk true when the date is set: call it about
 * once a second on one worker of the process only. */
void rf_call_core_expire(struct rf_call_core *core);

/* Before the workers run: fill the location table from the store. Bindings over connections wait for their phones.
 * *ret_n: how many. Any thread inside rf_location_enter(). */
int rf_call_load_bindings(struct rf_location *location, struct rf_bindings *bindings, const struct rf_clock *clock,
			  size_t *ret_n);

/* The announcer's channel of this worker (role/announcer.h), and the addresses that it sends from; fd stays the
 * caller's and outlives the core. Once, before the loop runs; without it nobody hears tones. RF_E_LIMIT, -ENOMEM. */
int rf_call_core_set_announcer(struct rf_call_core *core, int fd, const struct rf_addr *local, size_t n);

/* TLS towards trunks: tls for those without an authority of their own (NULL: the ua's own), cas for the others. Both
 * are good until the next call of this; connections that stand keep what they began with. On the core's thread, or
 * before it runs. */
void rf_call_core_set_trunk_tls(struct rf_call_core *core, struct rf_tls *tls, const struct rf_trunk_ca *cas, size_t n);
/* There are other passwords of trunks: challenges that were answered with those before are forgotten, and what was
 * refused is tried again. */
void rf_call_core_renew_logins(struct rf_call_core *core);
/* And towards relays that are asked by TLS. */
void rf_call_core_set_relay_tls(struct rf_call_core *core, struct rf_tls *tls);
/* The media relays of a border, in order; once, before the loop runs. Without any, a border has no calls. -errno,
 * RF_E_LIMIT, -ENOMEM. */
int rf_call_core_set_relays(struct rf_call_core *core, const struct rf_relay_at *at, size_t n);

/* What this worker's last tenth of a second was like (call/overload.h): new work is admitted by it, and peers that
 * understand are told. Without it nothing is ever refused for load. */
void rf_call_core_load(struct rf_call_core *core, const struct rf_load_sample *sample);
void rf_call_core_set_overload(struct rf_call_core *core, const struct rf_overload_conf *conf);

/* Counters since the start, by what happened. Read by the owner; control.h shows them. */
struct rf_call_counters {
	uint64_t requests;
	uint64_t registrations, registrations_refused, unregistrations;
	uint64_t challenges, passwords_wrong, passwords_delayed;
	uint64_t identity_refused;  /* somebody wanted to be somebody else, or was nobody we know */
	uint64_t hijacks_refused;   /* requests in a dialog from another party than the leg's */
	uint64_t calls, calls_answered, calls_refused, calls_over_cap;
	uint64_t calls_over_use, calls_over_grant; /* refused by what a class may use; ended when a grant fell */
	uint64_t transfers, transfers_refused;
	uint64_t media_refused, glare, flows_lost, peers_dead, acks_missing;
	uint64_t emergency_calls, hooks_failed; /* the site's program could not be told */
	uint64_t calls_preempted, preemptions_failed; /* a call that should have given way could not be told */
	uint64_t requests_over_rate; /* of numbers that sent more than limits.requests_per_second */
	uint64_t events_bounded;     /* not written: too many of their kind at once */
	uint64_t clock_jumps;        /* the date was set: bindings on disk were written anew */
	uint64_t identities_signed, identities_verified, identities_invalid; /* RFC 8224 */
	uint64_t watches, watches_refused; /* subscriptions */
	uint64_t publications, publications_refused;
	uint64_t messages, messages_refused; /* RFC 3428 */
	uint64_t ledger_refused;
};

/* Live objects: all zero when nothing happens. */
struct rf_call_census {
	size_t calls, pairs, relays, registrations, features;
	size_t outside;              /* legs to a trunk */
	size_t tones;                /* legs that hear why their call has ended */
	size_t parked;               /* calls in parking slots */
	size_t joins, transfers;     /* exchanges that bring two phones together, REFERs whose outcome is not known */
	size_t subscriptions, messages;
	size_t publications; /* of the process: the same number in each core */
};

const struct rf_call_counters *rf_call_core_counters(const struct rf_call_core *core);
struct rf_call_census rf_call_core_census(const struct rf_call_core *core);

#endif
