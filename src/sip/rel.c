#include "sip/rel.h"

void rf_rack_put(struct rf_writer *w, const struct rf_rack *rack)
{
	rf_put_u64(w, rack->rseq);
	rf_put_byte(w, ' ');
	rf_put_u64(w, rack->cseq);
	rf_put_byte(w, ' ');
	rf_put(w, rack->method);
}

void rf_rel_uas_init(struct rf_rel_uas *r, uint32_t invite_cseq)
{
	*r = (struct rf_rel_uas){ .cseq = invite_cseq };
	rf_resend_stop(&r->resend);
}

int rf_rel_uas_send(struct rf_rel_uas *r, bool with_sdp, const struct rf_sip_timers *t, struct rf_random *random,
		    struct rf_mono now, uint32_t *ret_rseq)
{
	if (r->finished)
		return RF_E_STATE;
	if (r->waiting)
		return RF_E_BUSY;
	if (r->rseq == 0) /* RFC 3262 3: uniformly in 1..2^31-1 */
		r->rseq = 1 + (uint32_t)(rf_random_u64(random) % 0x7fffffff);
	else
		r->rseq++; /* cannot wrap: one call would need 2^31 provisionals */
	r->waiting = true;
	r->with_sdp = with_sdp;
	rf_resend_start_rel(&r->resend, t, now);
	*ret_rseq = r->rseq;
	return 0;
}

void rf_rel_uas_unsent(struct rf_rel_uas *r)
{
	r->waiting = false;
	r->rseq--;
	rf_resend_stop(&r->resend);
}

int rf_rel_uas_prack(struct rf_rel_uas *r, const struct rf_rack *rack)
{
	if (!r->waiting || rack->rseq != r->rseq || rack->cseq != r->cseq || !rf_view_eq(rack->method, RF_V("INVITE")))
		return RF_E_NOT_FOUND;
	r->waiting = false;
	rf_resend_stop(&r->resend);
	return 0;
}

bool rf_rel_uas_may_accept(const struct rf_rel_uas *r)
{
	return !r->finished && !(r->waiting && r->with_sdp);
}

void rf_rel_uas_final(struct rf_rel_uas *r)
{
	r->finished = true;
	rf_resend_stop(&r->resend);
}

enum rf_resend_verdict rf_rel_uas_step(struct rf_rel_uas *r, struct rf_mono now)
{
	return rf_resend_step(&r->resend, now);
}

enum rf_rel_verdict rf_rel_uac_receive(struct rf_rel_uac *r, uint32_t rseq)
{
	if (r->rseq == 0 || rseq == r->rseq + 1) { /* the first may have any number */
		r->rseq = rseq;
		return RF_REL_NEW;
	}
	return rseq <= r->rseq ? RF_REL_REPEATED : RF_REL_TOO_EARLY;
}
