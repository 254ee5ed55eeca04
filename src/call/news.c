/* A description that a phone gave without the other one having asked for it: its answer to a refresh of ours is not
 * what it said before, or another phone behind the same proxy took the call after the first had answered reliably. The
 * other phone then gets it as an offer of ours. What that one answers may be new again, so there is a bound on how
 * often it goes to and fro; phones that have said all answer as before, and it ends. */
#include "call/call_int.h"
#include "base/secret.h"

#include <stdlib.h>

enum { ROUNDS = 3, AGAIN_MS = 500 };

static struct rf_view take_line(struct rf_view *text)
{
	size_t end = rf_view_find(*text, '\n');
	struct rf_view line = rf_view_sub(*text, 0, end);

	*text = rf_view_sub(*text, end < text->n ? end + 1 : text->n, text->n);
	return line;
}

/* The next line that says something about media: the origin has a number that changes by itself. */
static struct rf_view next_line(struct rf_view *text)
{
	struct rf_view line = { NULL, 0 };

	while (text->n) {
		line = take_line(text);
		if (line.n < 2 || line.p[0] != 'o' || line.p[1] != '=')
			return line;
	}
	return (struct rf_view){ NULL, 0 };
}

static bool same(struct rf_view a, struct rf_view b)
{
	while (a.n || b.n)
		if (!rf_view_eq(next_line(&a), next_line(&b)))
			return false;
	return true;
}

void rf_news_keep(struct rf_leg *leg, struct rf_view sdp)
{
	uint8_t *p = sdp.n ? malloc(sdp.n) : NULL;

	if (!p)
		return; /* what the other phone has stays as it is */
	memcpy(p, sdp.p, sdp.n);
	rf_secret_free(leg->news, leg->news_n);
	leg->news = p;
	leg->news_n = (uint32_t)sdp.n;
	leg->news_at = rf_core_now(rf_leg_core(leg));
}

void rf_news_drop(struct rf_leg *leg)
{
	rf_secret_free(leg->news, leg->news_n);
	leg->news = NULL;
	leg->news_at = (struct rf_mono){ 0 };
}

unsigned rf_news_refreshed(struct rf_leg *leg, struct rf_view sdp)
{
	struct rf_leg *other = rf_leg_other(leg);
	struct rf_media *media = &leg->pair->media;
	struct rf_view out;

	if (media->offer)
		return 0; /* an exchange is under way, it settles what they send */
	enum rf_sdp_rule rule = rf_media_offer(rf_leg_core(leg), media, rf_leg_secure(leg), rf_leg_secure(other), sdp,
					       &out);

	if (rule != RF_SDP_RULE_OK) {
		rf_record_media(leg->pair->call, rule, leg);
		return rf_sdp_rule_status(rule);
	}
	rf_media_failed(media);
	if (!same(out, rf_view_of(other->sdp, other->sdp_n))) {
		leg->news_rounds = 0;
		rf_news_keep(leg, sdp);
	}
	return 0;
}

void rf_news_answered(struct rf_leg *leg, struct rf_view sdp, struct rf_view out)
{
	struct rf_leg *other = rf_leg_other(leg);
	uint8_t rounds = (uint8_t)(leg->news_rounds + 1);

	rf_news_drop(leg);
	leg->news_rounds = 0;
	if (rounds < ROUNDS && !same(out, rf_view_of(leg->sdp, leg->sdp_n))) {
		other->news_rounds = rounds;
		rf_news_keep(other, sdp);
	}
}

bool rf_news_refused(struct rf_leg *leg, unsigned code)
{
	if (code != 491 && code < 500)
		return false;
	leg->news_at = rf_mono_add_ms(rf_core_now(rf_leg_core(leg)),
				      rf_offer_glare_ms(rf_dialog_is_caller(leg->dlg), rf_leg_core(leg)->random));
	return ++leg->news_rounds < ROUNDS;
}

void rf_news_step(struct rf_leg *leg, struct rf_mono now)
{
	struct rf_call *call = leg->pair->call;

	if (call->state != RF_CALL_ANSWERED || !leg->news_at.us || !rf_mono_due(leg->news_at, now))
		return;
	int rc = rf_mid_tell(leg, rf_view_of(leg->news, leg->news_n));

	if (rc == 0)
		leg->news_at = (struct rf_mono){ 0 }; /* until it is answered */
	else if (rc == RF_E_BUSY || rc == -ENOMEM)
		leg->news_at = rf_mono_add_ms(now, AGAIN_MS);
	else
		rf_news_drop(leg);
}
