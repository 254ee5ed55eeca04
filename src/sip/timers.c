#include "sip/timers.h"

const struct rf_sip_timers rf_sip_timers_default = {
	.t1_ms = 500,
	.t2_ms = 4000,
	.t4_ms = 5000,
	.d_ms = 32000,
	.c_ms = 0,
	.trying_ms = 200,
};

static void start(struct rf_resend *r, const struct rf_sip_timers *t, uint32_t max_ms, struct rf_mono now)
{
	*r = (struct rf_resend){
		.next_at = rf_mono_add_ms(now, t->t1_ms),
		.give_up_at = rf_mono_add_ms(now, 64 * (uint64_t)t->t1_ms),
		.interval_ms = t->t1_ms,
		.max_ms = max_ms,
	};
}

void rf_resend_start_2xx(struct rf_resend *r, const struct rf_sip_timers *t, struct rf_mono now)
{
	start(r, t, t->t2_ms, now);
}

void rf_resend_start_rel(struct rf_resend *r, const struct rf_sip_timers *t, struct rf_mono now)
{
	start(r, t, 0, now);
}

void rf_resend_stop(struct rf_resend *r)
{
	r->next_at = r->give_up_at = rf_mono_never();
}

enum rf_resend_verdict rf_resend_step(struct rf_resend *r, struct rf_mono now)
{
	if (rf_mono_due(r->give_up_at, now)) {
		rf_resend_stop(r);
		return RF_RESEND_GIVE_UP;
	}
	if (!rf_mono_due(r->next_at, now))
		return RF_RESEND_WAIT;
	r->interval_ms *= 2; /* bounded by give_up_at: at most six doublings */
	if (r->max_ms && r->interval_ms > r->max_ms)
		r->interval_ms = r->max_ms;
	r->next_at = rf_mono_add_ms(now, r->interval_ms);
	return RF_RESEND_NOW;
}
