#include "media/path_int.h"

enum { WINDOW_MS = 10000 };

/* On a leg without keys a packet proves nothing: it must come from the signaled host. */
static bool may_be_first(const struct rf_end *e, const struct rf_peer *from)
{
	return e->any_ip || e->keying == RF_KEYING_SDES || e->keying == RF_KEYING_DTLS ||
	       rf_peer_same_ip(&e->signaled[0], from);
}

enum rf_source_verdict rf_source_judge(const struct rf_path *p, struct rf_end *e, unsigned rtcp,
				       const struct rf_peer *from)
{
	if (e->source[rtcp].n)
		return rf_peer_eq(&e->source[rtcp], from) ? RF_SOURCE_KNOWN : RF_SOURCE_NO;
	if (e->how == RF_SOURCE_ICE)
		return RF_SOURCE_NO;
	if (rf_peer_eq(&e->signaled[rtcp], from))
		return RF_SOURCE_NEW;
	if (e->how != RF_SOURCE_FIRST)
		return RF_SOURCE_NO;
	/* RTCP of a host behind NAT: from where its RTP comes, when that is known. */
	if (rtcp && e->source[0].n)
		return rf_peer_same_ip(&e->source[0], from) ? RF_SOURCE_NEW : RF_SOURCE_NO;
	if (!may_be_first(e, from))
		return RF_SOURCE_NO;
	return rf_loop_now(p->w->loop).us < e->window_us ? RF_SOURCE_NEW : RF_SOURCE_LATE;
}

void rf_source_fix(struct rf_path *p, struct rf_end *e, unsigned rtcp, const struct rf_peer *from)
{
	if (!rtcp) {
		rf_path_fast_leave(p);
		rf_path_xsk_leave(p, e);
	}
	e->source[rtcp] = *from;
	if (p->ops->flows)
		p->ops->flows(p->arg, p);
}

const struct rf_peer *rf_source_to(const struct rf_end *e, unsigned rtcp)
{
	if (e->source[rtcp].n)
		return &e->source[rtcp];
	/* Port 0 is nobody's; the address beside it still counts where NAT is declared. */
	return e->how != RF_SOURCE_ICE && e->signaled[rtcp].n && e->signaled[rtcp].in.sin_port ?
	       &e->signaled[rtcp] : NULL;
}

const struct rf_peer *rf_source_for_media(const struct rf_end *e, unsigned rtcp)
{
	return e->nat_waits && !e->source[0].n && !e->source[1].n ? NULL : rf_source_to(e, rtcp);
}

void rf_source_begin_window(struct rf_path *p, struct rf_end *e)
{
	uint32_t ms = e->window_ms ? e->window_ms : WINDOW_MS;

	e->window_us = rf_mono_add_ms(rf_loop_now(p->w->loop), ms).us;
	rf_path_watch_window(p);
}

void rf_source_reset(struct rf_path *p, struct rf_end *e)
{
	rf_path_fast_leave(p);
	rf_path_xsk_leave(p, e);
	for (unsigned i = 0; i < 2; i++)
		e->source[i].n = 0;
	if (p->open)
		rf_source_begin_window(p, e);
}
