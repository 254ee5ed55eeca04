/* Session timers (RFC 4028): what to ask, what to answer, when to refresh, when to give the session up. One per
 * dialog; a B2BUA runs one on each leg, apart from each other. Intervals are in seconds, as on the wire. */
#ifndef RF_SIP_STIMER_H
#define RF_SIP_STIMER_H

#include "base/writer.h"
#include "sip/msg.h"
#include "sip/timers.h"

enum {
	RF_STIMER_FLOOR_S = 90,       /* the RFC's own least interval */
	RF_STIMER_CEILING_S = 86400,  /* a Min-SE above this is not followed */
};

struct rf_session_expires {
	uint32_t interval_s;
	enum rf_sip_refresher refresher;
};

/* The value of Session-Expires. */
void rf_session_expires_put(struct rf_writer *w, const struct rf_session_expires *se);

struct rf_stimer_policy {
	uint32_t want_s;   /* the interval we like; 0: we never ask for a timer (but answer one) */
	uint32_t min_s;    /* the least we take; under RF_STIMER_FLOOR_S counts as that */
	bool we_refresh;   /* like to be the refresher where that is open */
	bool alone;        /* caller: refresh by ourselves when the peer knows no timers */
};

struct rf_stimer {
	bool active;
	bool we_refresh;
	bool refreshing;          /* a refresh of ours is on its way */
	uint32_t interval_s;
	uint32_t min_s;           /* the highest Min-SE seen in this session, 0 none */
	struct rf_mono refresh_at, expire_at;
};

/* No timer runs. */
void rf_stimer_init(struct rf_stimer *s);

/* --- We send an INVITE or UPDATE (and Supported: timer with it) */

struct rf_stimer_ask {
	bool present;                  /* write Session-Expires */
	struct rf_session_expires se;
	uint32_t min_s;                /* write Min-SE; 0: leave it out */
};

/* For the first INVITE and for every refresh. */
struct rf_stimer_ask rf_stimer_ask(const struct rf_stimer *s, const struct rf_stimer_policy *p);
/* A 2xx came. se NULL: it had no Session-Expires. */
void rf_stimer_asked_2xx(struct rf_stimer *s, const struct rf_stimer_policy *p, const struct rf_session_expires *se,
			 struct rf_mono now);
/* A 422 came with this Min-SE. 0: ask again with rf_stimer_ask(). RF_E_LIMIT: over RF_STIMER_CEILING_S, or no higher
 * than what we asked: give up. */
int rf_stimer_asked_422(struct rf_stimer *s, const struct rf_stimer_policy *p, uint32_t min_s);
/* The refresh got another final answer: the timer runs on, the next try is half of what is left away. 408 and 481
 * end the dialog; that is the caller's. */
void rf_stimer_asked_failed(struct rf_stimer *s, struct rf_mono now);

/* --- We get an INVITE or UPDATE */

struct rf_stimer_request {
	bool supported;           /* Supported (or Require) lists timer */
	bool present;             /* it has Session-Expires */
	struct rf_session_expires se;
	uint32_t min_s;           /* its Min-SE, 0 none */
};

/* What a request says. 0, or RF_E_MALFORMED: answer 400. */
int rf_stimer_request_of(const struct rf_sip_msg *m, struct rf_stimer_request *ret_req);

struct rf_stimer_answer {
	unsigned code;            /* 0: go on; 422: refuse, with Min-SE: min_s */
	uint32_t min_s;
	bool present;             /* write Session-Expires into the 2xx */
	struct rf_session_expires se;
	bool require;             /* and Require: timer, since the caller refreshes */
};

/* Decide on arrival; changes nothing. */
struct rf_stimer_answer rf_stimer_answer(const struct rf_stimer *s, const struct rf_stimer_policy *p,
					 const struct rf_stimer_request *req);
/* The 2xx with this answer has been sent: from now on it holds. */
void rf_stimer_answered(struct rf_stimer *s, const struct rf_stimer_answer *a, struct rf_mono now);

/* --- Time */

enum rf_stimer_verdict {
	RF_STIMER_WAIT,
	RF_STIMER_REFRESH, /* send a re-INVITE or UPDATE now; one at a time */
	RF_STIMER_EXPIRED, /* nobody refreshed: send BYE (RFC 4028 10); the timer has stopped */
};

enum rf_stimer_verdict rf_stimer_step(struct rf_stimer *s, struct rf_mono now);
struct rf_mono rf_stimer_next(const struct rf_stimer *s);

#endif
