#include "sip/stimer.h"

/* Session-Expires of a message: 0, RF_E_NOT_FOUND, RF_E_MALFORMED (a request: 400; a 2xx: as if it had none). */
static int expires_of(const struct rf_sip_msg *m, struct rf_session_expires *ret_se)
{
	struct rf_session_expires se;
	int rc = rf_sip_msg_session_expires(m, &se.interval_s, &se.refresher);

	if (rc == 0)
		*ret_se = se;
	return rc;
}

void rf_session_expires_put(struct rf_writer *w, const struct rf_session_expires *se)
{
	rf_put_u64(w, se->interval_s);
	if (se->refresher == RF_SIP_REFRESHER_UAC)
		rf_put_lit(w, ";refresher=uac");
	else if (se->refresher == RF_SIP_REFRESHER_UAS)
		rf_put_lit(w, ";refresher=uas");
}

static uint32_t larger(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

static uint32_t floor_of(const struct rf_stimer_policy *p)
{
	return larger(p->min_s, RF_STIMER_FLOOR_S);
}

void rf_stimer_init(struct rf_stimer *s)
{
	*s = (struct rf_stimer){ .refresh_at = rf_mono_never(), .expire_at = rf_mono_never() };
}

static void stop(struct rf_stimer *s)
{
	s->active = s->we_refresh = s->refreshing = false;
	s->interval_s = 0;
	s->refresh_at = s->expire_at = rf_mono_never();
}

/* RFC 4028 10: refresh at half; BYE the smaller of 32 s and a third before the end. */
static void start(struct rf_stimer *s, uint32_t interval_s, bool we_refresh, struct rf_mono now)
{
	uint64_t whole_ms = (uint64_t)interval_s * 1000;
	uint64_t early_ms = whole_ms / 3 < 32000 ? whole_ms / 3 : 32000;

	s->active = true;
	s->we_refresh = we_refresh;
	s->refreshing = false;
	s->interval_s = interval_s;
	s->expire_at = rf_mono_add_ms(now, whole_ms - early_ms);
	s->refresh_at = we_refresh ? rf_mono_add_ms(now, whole_ms / 2) : rf_mono_never();
}

struct rf_stimer_ask rf_stimer_ask(const struct rf_stimer *s, const struct rf_stimer_policy *p)
{
	struct rf_stimer_ask a = { .min_s = s->min_s };
	uint32_t least = larger(floor_of(p), s->min_s);

	if (p->min_s > RF_STIMER_FLOOR_S || s->min_s)
		a.min_s = least;
	if (!s->active && p->want_s == 0)
		return a;
	a.present = true;
	a.se.interval_s = larger(s->active ? s->interval_s : p->want_s, least);
	if (s->active) /* 7.4: say who does it now */
		a.se.refresher = s->we_refresh ? RF_SIP_REFRESHER_UAC : RF_SIP_REFRESHER_UAS;
	else if (p->we_refresh)
		a.se.refresher = RF_SIP_REFRESHER_UAC;
	return a;
}

void rf_stimer_asked_2xx(struct rf_stimer *s, const struct rf_stimer_policy *p, const struct rf_session_expires *se,
			 struct rf_mono now)
{
	if (se && se->interval_s) {
		/* A 2xx below the RFC's floor would make us busy at the peer's will. Without a refresher, which the
		 * RFC does not allow, it is us: two refreshers do no harm, none ends the call. */
		start(s, larger(se->interval_s, RF_STIMER_FLOOR_S), se->refresher != RF_SIP_REFRESHER_UAS, now);
	} else if (p->alone && p->want_s) {
		start(s, larger(p->want_s, larger(floor_of(p), s->min_s)), true, now);
	} else {
		stop(s); /* 7.2: no Session-Expires, no expiration */
	}
}

int rf_stimer_asked_422(struct rf_stimer *s, const struct rf_stimer_policy *p, uint32_t min_s)
{
	struct rf_stimer_ask asked = rf_stimer_ask(s, p);

	if (min_s > RF_STIMER_CEILING_S || !asked.present || min_s <= asked.se.interval_s)
		return RF_E_LIMIT;
	s->min_s = min_s;
	return 0;
}

void rf_stimer_asked_failed(struct rf_stimer *s, struct rf_mono now)
{
	if (!s->active || !s->we_refresh)
		return;
	uint64_t left_us = s->expire_at.us > now.us ? s->expire_at.us - now.us : 0;

	s->refreshing = false;
	s->refresh_at = (struct rf_mono){ now.us + left_us / 2 + 1000 };
}

int rf_stimer_request_of(const struct rf_sip_msg *m, struct rf_stimer_request *ret_req)
{
	struct rf_stimer_request req = {
		.supported = rf_sip_msg_has_token(m, RF_SIP_H_SUPPORTED, RF_V("timer")) ||
			     rf_sip_msg_has_token(m, RF_SIP_H_REQUIRE, RF_V("timer")),
	};
	int rc = expires_of(m, &req.se);

	if (rc == RF_E_MALFORMED)
		return rc;
	req.present = rc == 0;
	if (rf_sip_msg_min_se(m, &req.min_s) == RF_E_MALFORMED)
		return RF_E_MALFORMED;
	*ret_req = req;
	return 0;
}

/* RFC 4028 9. */
struct rf_stimer_answer rf_stimer_answer(const struct rf_stimer *s, const struct rf_stimer_policy *p,
					 const struct rf_stimer_request *req)
{
	struct rf_stimer_answer a = { .min_s = floor_of(p) };
	uint32_t least = larger(floor_of(p), larger(req->min_s, s->min_s));

	if (req->present && req->se.interval_s < floor_of(p) && req->supported) {
		a.code = 422;
		return a;
	}
	if (!req->present && p->want_s == 0)
		return a;
	a.present = true;
	if (!req->present)
		a.se.interval_s = larger(p->want_s, least);
	else if (p->want_s && p->want_s < req->se.interval_s) /* may be shortened, not below the least */
		a.se.interval_s = larger(p->want_s, least < req->se.interval_s ? least : req->se.interval_s);
	else
		a.se.interval_s = larger(req->se.interval_s, RF_STIMER_FLOOR_S);
	if (!req->supported) /* table 2: the caller cannot */
		a.se.refresher = RF_SIP_REFRESHER_UAS;
	else if (req->present && req->se.refresher != RF_SIP_REFRESHER_NONE)
		a.se.refresher = req->se.refresher;
	else /* open: as it is, or as we like */
		a.se.refresher =
			(s->active ? s->we_refresh : p->we_refresh) ? RF_SIP_REFRESHER_UAS : RF_SIP_REFRESHER_UAC;
	a.require = a.se.refresher == RF_SIP_REFRESHER_UAC;
	return a;
}

void rf_stimer_answered(struct rf_stimer *s, const struct rf_stimer_answer *a, struct rf_mono now)
{
	if (a->code)
		return;
	if (a->present)
		start(s, a->se.interval_s, a->se.refresher == RF_SIP_REFRESHER_UAS, now);
	else
		stop(s);
}

enum rf_stimer_verdict rf_stimer_step(struct rf_stimer *s, struct rf_mono now)
{
	if (!s->active)
		return RF_STIMER_WAIT;
	if (rf_mono_due(s->expire_at, now)) {
		stop(s);
		return RF_STIMER_EXPIRED;
	}
	if (!rf_mono_due(s->refresh_at, now))
		return RF_STIMER_WAIT;
	s->refresh_at = rf_mono_never();
	s->refreshing = true;
	return RF_STIMER_REFRESH;
}

struct rf_mono rf_stimer_next(const struct rf_stimer *s)
{
	return rf_mono_first(s->refresh_at, s->expire_at);
}
