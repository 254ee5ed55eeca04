/* What the workers of a process know together about its trunks: which are up, how many channels of each are in use, how
 * fast calls come and go. One entry for each name that a site file had since the start; an entry is found once and then
 * used as a pointer, good as long as the table. Entries of trunks that left the file stay and count nothing.
 *
 * What bounds channels is resource.h (trunk_channel.c); the count here is for people. All functions may be called on
 * any thread, but what belongs to the health machine is touched by the worker that watches (worker 0) only. */
#ifndef RF_CALL_TRUNK_TABLE_H
#define RF_CALL_TRUNK_TABLE_H

#include "base/view.h"
#include "call/health.h"
#include "sip/oc.h"
#include "ua/ids.h"

#include <pthread.h>
#include <stdatomic.h>

struct rf_call_core;
struct rf_cli;

enum { RF_TRUNK_NAME_MAX = 63 + 1 + 63, RF_TRUNK_RULES_MAX = 16 };

/* Where we are, as the trunk knows it. Of worker 0. */
struct rf_trunk_registration {
	struct rf_cli *cli;                     /* a REGISTER is out, NULL */
	struct rf_id call_id, tag;              /* of all of them (RFC 3261 10.2) */
	uint32_t cseq;
	uint32_t wait_ms;                       /* the last one after a failure */
	uint32_t want_s;                        /* the trunk wants at least so long, 0: nothing said */
	struct rf_mono next;                    /* when to send one; 0: none was ever sent */
	bool asked;                             /* this one was asked for credentials */
};

enum rf_trunk_way { RF_TRUNK_IN, RF_TRUNK_OUT, RF_TRUNK_WAYS };

struct rf_trunk_peer {
	struct rf_trunk_peer *next;
	struct rf_trunks *table;
	char name[RF_TRUNK_NAME_MAX + 1];       /* of the trunk; by way of a host: "TRUNK HOST"; of a
						 * host itself: " HOST" */
	uint8_t trunk_n;                        /* how much of it is the trunk's */
	/* any thread */
	atomic_uint channels;                   /* in use */
	atomic_uint state;                      /* enum rf_health_state, as calls see it */
	_Atomic int64_t since_us;               /* when it became that, by the date; 0: never */
	_Atomic(const char *) why;              /* of the last change; static text */
	atomic_bool hurt;                       /* a call found nobody: for the health machine */
	_Atomic uint64_t full_at_us[RF_TRUNK_WAYS]; /* buckets of the call rates, as the time when they will be full */
	_Atomic uint64_t calls[RF_TRUNK_WAYS], over_rate[RF_TRUNK_WAYS], over_channels, failed;
	pthread_mutex_t oc_lock;                /* over oc: held for a look */
	struct rf_oc_client oc;                 /* what it asked us to spare it (RFC 7339) */
	_Atomic uint64_t dropped[RF_TRUNK_RULES_MAX]; /* parts of its messages, by enum rf_list_rule (border.h) */
	_Atomic uint64_t spared;                /* calls that went another way, or not, for that */
	_Atomic int64_t registered_until_us;    /* by the date; 0: it is not */
	/* worker 0 */
	struct rf_trunk_registration registration;
	struct rf_health health;
	struct rf_cli *asking;                  /* its OPTIONS, NULL */
	struct rf_call_core *asker;             /* whose */
	bool watched;
};

struct rf_trunks;

struct rf_trunks *rf_trunks_new(void);          /* with one reference; NULL: no memory */
struct rf_trunks *rf_trunks_get(struct rf_trunks *t);
void rf_trunks_put(struct rf_trunks *t);        /* NULL is fine */

/* The entry of this name, a new one when there is none. NULL: no memory, too long a name, or more than
 * RF_SITE_ITEMS_MAX names. */
struct rf_trunk_peer *rf_trunks_find(struct rf_trunks *t, struct rf_view name);
/* The entry of a trunk by way of a host of the other half of the site; of that host alone, when trunk is empty; of the
 * trunk alone, when host is. */
struct rf_trunk_peer *rf_trunks_find_by(struct rf_trunks *t, struct rf_view trunk, struct rf_view host);
/* Walk: the entry behind p, the first for NULL; NULL at the end. */
struct rf_trunk_peer *rf_trunks_next(struct rf_trunks *t, const struct rf_trunk_peer *p);
/* One more call this way: at most per_s a second, and as many at once. 0, RF_E_LIMIT. */
int rf_trunk_rate_take(struct rf_trunk_peer *p, enum rf_trunk_way way, uint32_t per_s, struct rf_mono now);

/* What the peer said of its load in an answer; may it have one more call now? random: 32 fresh bits. */
void rf_trunk_oc_heard(struct rf_trunk_peer *p, const struct rf_sip_oc *oc, struct rf_mono now);
bool rf_trunk_oc_may_call(struct rf_trunk_peer *p, struct rf_mono now, uint32_t random);

/* The state as calls see it. True: it is another than before; since and why are set. why: static text. */
bool rf_trunk_become(struct rf_trunk_peer *p, enum rf_health_state state, struct rf_wall now, const char *why);
static inline bool rf_trunk_is_down(const struct rf_trunk_peer *p)
{
	return atomic_load_explicit(&p->state, memory_order_relaxed) == RF_HEALTH_DOWN;
}

#endif
