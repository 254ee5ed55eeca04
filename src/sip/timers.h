/* The times of RFC 3261's machines in one table, and two small helpers for deadlines: "never", and a resend schedule
 * that the transaction user runs itself (2xx to INVITE, reliable provisionals). No clock here: time is passed in. */
#ifndef RF_SIP_TIMERS_H
#define RF_SIP_TIMERS_H

#include "base/clock.h"

#include <stdbool.h>

/* RFC 3261 table 4. All in milliseconds. */
struct rf_sip_timers {
	uint32_t t1_ms;     /* estimate of the round trip: 500 */
	uint32_t t2_ms;     /* the longest retransmit interval: 4000 */
	uint32_t t4_ms;     /* how long a message may stay in the network: 5000 */
	uint32_t d_ms;      /* timer D, how long a client waits for repeated 3xx-6xx to INVITE: 32000 at least */
	uint32_t c_ms;      /* timer C, INVITE without a final answer: over 3 minutes; 0 leaves it off */
	uint32_t trying_ms; /* INVITE server: 100 by itself when the user has not answered by then: 200 */
};

/* The values of the RFC; c_ms is 0: a B2BUA watches its ringing time itself. */
extern const struct rf_sip_timers rf_sip_timers_default;

/* Later than every deadline. */
static inline struct rf_mono rf_mono_never(void)
{
	return (struct rf_mono){ UINT64_MAX };
}

static inline bool rf_mono_due(struct rf_mono deadline, struct rf_mono now)
{
	return deadline.us <= now.us;
}

static inline struct rf_mono rf_mono_first(struct rf_mono a, struct rf_mono b)
{
	return a.us <= b.us ? a : b;
}

/* Send again and again until told to stop: after T1, then each interval doubled (at most max_ms, 0 for no bound),
 * given up 64*T1 after the start. */
struct rf_resend {
	struct rf_mono next_at, give_up_at; /* both never when stopped */
	uint32_t interval_ms, max_ms;
};

enum rf_resend_verdict {
	RF_RESEND_WAIT,    /* nothing due */
	RF_RESEND_NOW,     /* send the same bytes again */
	RF_RESEND_GIVE_UP, /* 64*T1 are over; the schedule has stopped itself */
};

/* 2xx to INVITE until the ACK comes (RFC 3261 13.3.1.4): intervals up to T2, on every transport. Giving up means:
 * BYE. */
void rf_resend_start_2xx(struct rf_resend *r, const struct rf_sip_timers *t, struct rf_mono now);
/* A reliable provisional until its PRACK comes (RFC 3262 3): intervals unbounded. Giving up means: 5xx. */
void rf_resend_start_rel(struct rf_resend *r, const struct rf_sip_timers *t, struct rf_mono now);
/* Idempotent; an all-zero struct must be stopped or started before it is stepped. */
void rf_resend_stop(struct rf_resend *r);
enum rf_resend_verdict rf_resend_step(struct rf_resend *r, struct rf_mono now);

static inline struct rf_mono rf_resend_next(const struct rf_resend *r)
{
	return rf_mono_first(r->next_at, r->give_up_at);
}

#endif
