/* One step function per machine; each arm names its rule. Timers are deadlines in the struct: again_at repeats
 * something (A, E, G, or the 100 that is due), end_at ends a state (B, D, F, H, I, J, K, L, M). */
#include "sip/trans.h"

static uint64_t t1_64(const struct rf_trans *t)
{
	return 64 * (uint64_t)t->times->t1_ms;
}

static void again_in(struct rf_trans *t, uint64_t ms, struct rf_mono now)
{
	t->again_at = rf_mono_add_ms(now, ms);
}

static void end_in(struct rf_trans *t, uint64_t ms, struct rf_mono now)
{
	t->end_at = rf_mono_add_ms(now, ms);
}

static unsigned ended(struct rf_trans *t)
{
	t->state = RF_TRANS_ENDED;
	t->again_at = t->end_at = t->c_at = rf_mono_never();
	return RF_TRANS_TERMINATED;
}

/* Enter a state that lasts ms; with 0 it is over at once (timers D, I, J, K on reliable transports). */
static unsigned enter(struct rf_trans *t, enum rf_trans_state state, uint64_t ms, struct rf_mono now)
{
	t->state = (uint8_t)state;
	t->again_at = t->c_at = rf_mono_never();
	if (ms == 0)
		return ended(t);
	end_in(t, ms, now);
	return 0;
}

/* A timer that doubles: set the next interval, at most max_ms when that is not 0. */
static void back_off(struct rf_trans *t, uint32_t max_ms, struct rf_mono now)
{
	t->interval_ms *= 2;
	if (max_ms && t->interval_ms > max_ms)
		t->interval_ms = max_ms;
	again_in(t, t->interval_ms, now);
}

/* When a client's timer E reaches T2: before that a 100 to a non-INVITE only adds traffic (RFC 4320 4.1). */
static uint64_t e_reaches_t2_ms(const struct rf_sip_timers *s)
{
	uint64_t at = 0, interval = s->t1_ms;

	while (interval && interval < s->t2_ms) {
		at += interval;
		interval *= 2;
	}
	return at;
}

unsigned rf_trans_start(struct rf_trans *t, enum rf_trans_kind kind, bool reliable, const struct rf_sip_timers *times,
			struct rf_mono now)
{
	*t = (struct rf_trans){
		.kind = (uint8_t)kind,
		.reliable = reliable,
		.times = times,
		.interval_ms = times->t1_ms,
		.again_at = rf_mono_never(),
		.end_at = rf_mono_never(),
		.c_at = rf_mono_never(),
	};
	switch (kind) {
	case RF_TRANS_ICT: /* 17.1.1.2: timers A (unreliable only) and B */
	case RF_TRANS_NICT: /* 17.1.2.2: timers E (unreliable only) and F */
		t->state = kind == RF_TRANS_ICT ? RF_TRANS_CALLING : RF_TRANS_TRYING;
		if (!reliable)
			again_in(t, times->t1_ms, now);
		end_in(t, t1_64(t), now);
		if (kind == RF_TRANS_ICT && times->c_ms)
			t->c_at = rf_mono_add_ms(now, times->c_ms);
		return RF_TRANS_SEND_REQUEST;
	case RF_TRANS_IST: /* 17.2.1: 100 by ourselves if the user is slow */
		t->state = RF_TRANS_PROCEEDING;
		again_in(t, times->trying_ms, now);
		return 0;
	case RF_TRANS_NIST: /* an answer after the client's timer F helps nobody (RFC 4320 4.2) */
		t->state = RF_TRANS_TRYING;
		again_in(t, e_reaches_t2_ms(times), now);
		end_in(t, t1_64(t), now);
		return 0;
	}
	return 0;
}

/* A client that has given its user no final outcome yet. */
static bool waiting(const struct rf_trans *t)
{
	return t->state == RF_TRANS_CALLING || t->state == RF_TRANS_TRYING || t->state == RF_TRANS_PROCEEDING;
}

/* --- INVITE client, 17.1.1 and RFC 6026 7.2 */

static unsigned ict_response(struct rf_trans *t, unsigned code, struct rf_mono now)
{
	switch (t->state) {
	case RF_TRANS_CALLING:
	case RF_TRANS_PROCEEDING:
		t->code = (uint16_t)code;
		if (code >= 300)
			return RF_TRANS_SEND_ACK | RF_TRANS_TO_USER |
			       enter(t, RF_TRANS_COMPLETED, t->reliable ? 0 : t->times->d_ms, now);
		if (code >= 200)
			return RF_TRANS_TO_USER | enter(t, RF_TRANS_ACCEPTED, t1_64(t), now);
		if (t->state == RF_TRANS_CALLING) {
			t->state = RF_TRANS_PROCEEDING;
			t->again_at = t->end_at = rf_mono_never();
		}
		if (code > 100 && t->times->c_ms) /* 16.7 step 2 */
			t->c_at = rf_mono_add_ms(now, t->times->c_ms);
		return RF_TRANS_TO_USER;
	case RF_TRANS_ACCEPTED: /* repeated and forked 2xx are the user's to ACK */
		return code >= 200 && code < 300 ? RF_TRANS_TO_USER : 0;
	case RF_TRANS_COMPLETED:
		return code >= 300 ? RF_TRANS_SEND_ACK : 0;
	default:
		return 0;
	}
}

static unsigned ict_timer(struct rf_trans *t, struct rf_mono now)
{
	if (rf_mono_due(t->end_at, now)) /* B, or a CANCEL without effect; D, M end in silence */
		return (waiting(t) ? RF_TRANS_TIMEOUT : 0) | ended(t);
	unsigned todo = 0;
	if (rf_mono_due(t->c_at, now)) {
		t->c_at = rf_mono_never();
		todo |= RF_TRANS_TIMER_C;
	}
	if (rf_mono_due(t->again_at, now)) { /* A: doubles without bound */
		back_off(t, 0, now);
		todo |= RF_TRANS_SEND_REQUEST;
	}
	return todo;
}

static unsigned ict_step(struct rf_trans *t, enum rf_trans_event event, unsigned code, struct rf_mono now)
{
	switch (event) {
	case RF_TRANS_RESPONSE:
		return ict_response(t, code, now);
	case RF_TRANS_TIMER:
		return ict_timer(t, now);
	case RF_TRANS_BROKEN: /* 17.1.4 */
		return waiting(t) ? RF_TRANS_FAILED | ended(t) : 0;
	case RF_TRANS_CANCELLED: /* 9.1: no answer to INVITE for 64*T1 after CANCEL */
		if (t->state == RF_TRANS_PROCEEDING) {
			end_in(t, t1_64(t), now);
			t->c_at = rf_mono_never();
		}
		return 0;
	default:
		return 0;
	}
}

/* --- non-INVITE client, 17.1.2 */

static unsigned nict_step(struct rf_trans *t, enum rf_trans_event event, unsigned code, struct rf_mono now)
{
	switch (event) {
	case RF_TRANS_RESPONSE:
		if (!waiting(t))
			return 0;
		t->code = (uint16_t)code;
		if (code >= 200) /* timer K */
			return RF_TRANS_TO_USER | enter(t, RF_TRANS_COMPLETED, t->reliable ? 0 : t->times->t4_ms, now);
		t->state = RF_TRANS_PROCEEDING;
		return RF_TRANS_TO_USER;
	case RF_TRANS_TIMER:
		if (rf_mono_due(t->end_at, now)) /* F, K */
			return (waiting(t) ? RF_TRANS_TIMEOUT : 0) | ended(t);
		if (!rf_mono_due(t->again_at, now))
			return 0;
		if (t->state == RF_TRANS_PROCEEDING) /* E in Proceeding is T2 at once */
			t->interval_ms = t->times->t2_ms;
		back_off(t, t->times->t2_ms, now);
		return RF_TRANS_SEND_REQUEST;
	case RF_TRANS_BROKEN: /* 17.1.4 */
		return waiting(t) ? RF_TRANS_FAILED | ended(t) : 0;
	default:
		return 0;
	}
}

/* --- INVITE server, 17.2.1 and RFC 6026 7.1 */

static unsigned ist_reply(struct rf_trans *t, unsigned code, struct rf_mono now)
{
	if (t->state == RF_TRANS_ACCEPTED) /* the user repeats its 2xx, or sends another one */
		return code >= 200 && code < 300 ? RF_TRANS_SEND_RESPONSE : RF_TRANS_REFUSED;
	if (t->state != RF_TRANS_PROCEEDING)
		return RF_TRANS_REFUSED;
	t->code = (uint16_t)code;
	t->again_at = rf_mono_never();
	if (code < 200)
		return RF_TRANS_SEND_RESPONSE;
	if (code < 300) /* timer L */
		return RF_TRANS_SEND_RESPONSE | enter(t, RF_TRANS_ACCEPTED, t1_64(t), now);
	unsigned todo = RF_TRANS_SEND_RESPONSE | enter(t, RF_TRANS_COMPLETED, t1_64(t), now); /* timer H */
	if (!t->reliable) { /* timer G */
		t->interval_ms = t->times->t1_ms;
		again_in(t, t->interval_ms, now);
	}
	return todo;
}

static unsigned ist_timer(struct rf_trans *t, struct rf_mono now)
{
	if (rf_mono_due(t->end_at, now)) /* H says that no ACK came; I, L end in silence */
		return (t->state == RF_TRANS_COMPLETED ? RF_TRANS_TIMEOUT : 0) | ended(t);
	if (!rf_mono_due(t->again_at, now))
		return 0;
	if (t->state == RF_TRANS_PROCEEDING) {
		t->code = 100;
		t->again_at = rf_mono_never();
		return RF_TRANS_SEND_100;
	}
	back_off(t, t->times->t2_ms, now); /* G */
	return RF_TRANS_SEND_RESPONSE;
}

static unsigned ist_step(struct rf_trans *t, enum rf_trans_event event, unsigned code, struct rf_mono now)
{
	switch (event) {
	case RF_TRANS_REQUEST: /* in Accepted and Confirmed absorbed */
		if (t->state == RF_TRANS_COMPLETED || (t->state == RF_TRANS_PROCEEDING && t->code))
			return RF_TRANS_SEND_RESPONSE;
		return 0;
	case RF_TRANS_ACK:
		if (t->state == RF_TRANS_ACCEPTED)
			return RF_TRANS_TO_USER;
		if (t->state == RF_TRANS_COMPLETED) /* timer I */
			return enter(t, RF_TRANS_CONFIRMED, t->reliable ? 0 : t->times->t4_ms, now);
		return 0;
	case RF_TRANS_REPLY:
		return ist_reply(t, code, now);
	case RF_TRANS_TIMER:
		return ist_timer(t, now);
	case RF_TRANS_BROKEN: /* RFC 6026 8.10: stay, so that a repeated INVITE is not taken for a new one */
		return RF_TRANS_FAILED;
	default:
		return 0;
	}
}

/* --- non-INVITE server, 17.2.2 and RFC 4320 */

static unsigned nist_reply(struct rf_trans *t, unsigned code, struct rf_mono now)
{
	if (t->state != RF_TRANS_TRYING && t->state != RF_TRANS_PROCEEDING)
		return RF_TRANS_REFUSED;
	if (code < 200) {
		/* RFC 4320 4.1: only 100, and over datagrams not before timer E has slowed down */
		if (code != 100 || (!t->reliable && !rf_mono_due(t->again_at, now)))
			return RF_TRANS_REFUSED;
		t->state = RF_TRANS_PROCEEDING;
		t->code = 100;
		t->again_at = rf_mono_never();
		return RF_TRANS_SEND_RESPONSE;
	}
	uint64_t j_ms = t->reliable ? 0 : t1_64(t);
	if (code == 408) { /* RFC 4320 4.2: it could only come too late */
		t->silent = true;
		return RF_TRANS_REFUSED | enter(t, RF_TRANS_COMPLETED, j_ms, now);
	}
	t->code = (uint16_t)code;
	return RF_TRANS_SEND_RESPONSE | enter(t, RF_TRANS_COMPLETED, j_ms, now);
}

static unsigned nist_step(struct rf_trans *t, enum rf_trans_event event, unsigned code, struct rf_mono now)
{
	switch (event) {
	case RF_TRANS_REQUEST:
		return t->state == RF_TRANS_TRYING || t->silent ? 0 : RF_TRANS_SEND_RESPONSE;
	case RF_TRANS_REPLY:
		return nist_reply(t, code, now);
	case RF_TRANS_TIMER:
		if (rf_mono_due(t->end_at, now)) /* J ends in silence */
			return (t->state == RF_TRANS_COMPLETED ? 0 : RF_TRANS_TIMEOUT) | ended(t);
		if (!rf_mono_due(t->again_at, now))
			return 0;
		t->state = RF_TRANS_PROCEEDING; /* RFC 4320 4.1: the 100 that must be sent now */
		t->code = 100;
		t->again_at = rf_mono_never();
		return RF_TRANS_SEND_100;
	case RF_TRANS_BROKEN: /* 17.2.4 as RFC 6026 8.10 has it */
		return RF_TRANS_FAILED;
	default:
		return 0;
	}
}

unsigned rf_trans_step(struct rf_trans *t, enum rf_trans_event event, unsigned code, struct rf_mono now)
{
	if (t->state == RF_TRANS_ENDED)
		return event == RF_TRANS_REPLY ? RF_TRANS_REFUSED : 0;
	if ((event == RF_TRANS_RESPONSE || event == RF_TRANS_REPLY) && (code < 100 || code > 699))
		return event == RF_TRANS_REPLY ? RF_TRANS_REFUSED : 0;
	switch (t->kind) {
	case RF_TRANS_ICT:
		return ict_step(t, event, code, now);
	case RF_TRANS_NICT:
		return nict_step(t, event, code, now);
	case RF_TRANS_IST:
		return ist_step(t, event, code, now);
	default:
		return nist_step(t, event, code, now);
	}
}

struct rf_mono rf_trans_next(const struct rf_trans *t)
{
	return rf_mono_first(t->again_at, rf_mono_first(t->end_at, t->c_at));
}

const char *rf_trans_state_name(unsigned state)
{
	static const char *const names[] = {
		[RF_TRANS_CALLING] = "calling",     [RF_TRANS_TRYING] = "trying",
		[RF_TRANS_PROCEEDING] = "proceeding", [RF_TRANS_ACCEPTED] = "accepted",
		[RF_TRANS_COMPLETED] = "completed", [RF_TRANS_CONFIRMED] = "confirmed",
		[RF_TRANS_ENDED] = "ended",
	};

	return state < sizeof names / sizeof names[0] ? names[state] : "?";
}
