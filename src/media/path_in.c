#include "media/path_int.h"

#include "base/err.h"
#include "rtp/demux.h"

void rf_end_drop(struct rf_path *p, struct rf_end *e, enum rf_path_drop why)
{
	e->drops[why]++;
	p->w->totals.dropped[why]++;
}

void rf_arrival_drop(struct rf_arrival *a, enum rf_path_drop why)
{
	rf_end_drop(a->p, a->e, why);
}

bool rf_arrival_from_party(struct rf_arrival *a)
{
	if (!a->p->open || !a->e->set) {
		rf_arrival_drop(a, RF_DROP_UNANSWERED);
		return false;
	}
	enum rf_source_verdict v = rf_source_judge(a->p, a->e, a->rtcp, a->from);

	if (v == RF_SOURCE_NO || v == RF_SOURCE_LATE) {
		rf_arrival_drop(a, v == RF_SOURCE_NO ? RF_DROP_SOURCE : RF_DROP_WINDOW);
		return false;
	}
	a->new = v == RF_SOURCE_NEW;
	return true;
}

/* Somebody is to have what is in the packet, not only to know that it is authentic. */
static bool is_to_be_read(const struct rf_arrival *a, bool rtcp)
{
	bool event = a->p->ops->dtmf && a->n >= RF_RTP_HEAD_BYTES && rf_check_event(a->e, a->buf[1] & 0x7f);

	return rtcp || event || a->e->taps || a->e->riders;
}

/* Packets that are passed on as they came are looked at beside it, where we can, to see whether they are authentic. */
static int open_it(struct rf_arrival *a, struct rf_crypt *c, bool rtcp, bool passed)
{
	struct rf_media_worker *w = a->p->w;
	uint64_t now_us = rf_loop_now(w->loop).us;

	if (passed && !is_to_be_read(a, rtcp)) {
		a->text = NULL;
		return rf_crypt_check(c, a->buf, a->n, w->scratch, &a->text_n, now_us);
	}
	if (passed)
		memcpy(a->text, a->buf, a->n);
	return rf_crypt_open(c, rtcp, a->text, &a->text_n, now_us);
}

bool rf_arrival_open(struct rf_arrival *a, bool rtcp)
{
	struct rf_crypt *c = rf_end_crypt_in(a->e, rtcp);
	bool passed = a->e->keying == RF_KEYING_PASSED;

	a->text = passed ? a->p->w->scratch : a->buf;
	a->text_n = a->n;
	if (a->e->keying == RF_KEYING_PLAIN)
		return true;
	if (!c) {
		a->text = NULL;
		if (!passed)
			rf_arrival_drop(a, RF_DROP_NO_KEYS);
		return passed;
	}
	int rc = open_it(a, c, rtcp, passed);

	if (rc) {
		if (passed && !rtcp && rf_crypt_why(rc) == RF_DROP_AUTH)
			rf_path_fast_doubt(a);
		rf_arrival_drop(a, rf_crypt_why(rc));
		return false;
	}
	if (!passed)
		a->n = a->text_n;
	a->proven = true;
	return true;
}

void rf_arrival_fix(struct rf_arrival *a)
{
	if (a->new)
		rf_source_fix(a->p, a->e, a->rtcp, a->from);
	a->new = false;
}

enum rf_path_drop rf_end_pass(struct rf_path *p, struct rf_end *to, bool rtcp, const uint8_t *buf, size_t n)
{
	struct rf_end *base = rf_end_base(to);
	unsigned odd = rtcp && !base->mux;
	const struct rf_peer *at = rf_source_for_media(base, odd);

	if (!at || base->sock[odd].fd < 0)
		return RF_DROP_NO_REMOTE;
	if (!rf_sock_send(&base->sock[odd], buf, n, at))
		return RF_DROP_SEND;
	*(rtcp ? &to->rtcp_sent : &to->sent) += 1;
	*(rtcp ? &to->rtcp_sent_bytes : &to->sent_bytes) += n;
	p->w->totals.sent++;
	return RF_DROPS;
}

bool rf_arrival_pass(struct rf_arrival *a, bool rtcp)
{
	enum rf_path_drop why = rf_end_pass(a->p, rf_end_other(a->p, a->e), rtcp, a->buf, a->n);

	if (why == RF_DROP_NO_REMOTE) /* what the kernel does not take is counted already */
		rf_arrival_drop(a, why);
	return why == RF_DROPS;
}

void rf_arrival_copy(struct rf_arrival *a, bool rtcp, const uint8_t *packet, size_t n)
{
	for (struct rf_path_tap *t = a->e->taps, *next; t; t = next) {
		next = t->next;
		t->heard(t, rtcp, packet, n);
	}
}

static void count(struct rf_arrival *a)
{
	a->e->packets++;
	a->e->bytes += a->n;
	a->e->last_us = rf_loop_now(a->p->w->loop).us;
	a->p->w->totals.packets++;
	a->p->w->totals.bytes += a->n;
}

/* What is not ours to understand: UDPTL, BFCP, DTLS from end to end. */
static void take_opaque(struct rf_arrival *a)
{
	if (!rf_arrival_from_party(a))
		return;
	if (!rf_check_rate(&a->e->rate, a->n, rf_loop_now(a->p->w->loop).us)) {
		rf_arrival_drop(a, RF_DROP_RATE);
		return;
	}
	if (a->e->near && rf_near_came_round(a->p, a->e->near, false, a->buf, a->n)) {
		rf_arrival_drop(a, RF_DROP_REPLAY);
		return;
	}
	rf_arrival_fix(a);
	count(a);
	if (a->e->holds & RF_HOLD_MEDIA)
		rf_arrival_drop(a, RF_DROP_HELD);
	else
		rf_arrival_pass(a, a->rtcp);
}

static bool passes_dtls(const struct rf_path *p)
{
	return p->end[0].keying == RF_KEYING_PASSED && p->end[1].keying == RF_KEYING_PASSED &&
	       !p->end[0].keys_in && !p->end[1].keys_in;
}

static void take_of_kind(struct rf_arrival *a, enum rf_demux kind)
{
	switch (kind) {
	case RF_DEMUX_RTP:
		if (a->rtcp)
			rf_arrival_drop(a, RF_DROP_TYPE);
		else
			rf_path_take_rtp(a);
		break;
	case RF_DEMUX_RTCP:
		if (a->rtcp || a->e->mux || !a->e->set)
			rf_path_take_rtcp(a);
		else
			rf_arrival_drop(a, RF_DROP_TYPE);
		break;
	case RF_DEMUX_STUN:
		rf_end_take_stun(a->p, a->e, a->rtcp, a->buf, a->n, a->from);
		break;
	case RF_DEMUX_DTLS:
		if (passes_dtls(a->p))
			take_opaque(a);
		else
			rf_end_take_dtls(a);
		break;
	default:
		rf_arrival_drop(a, RF_DROP_MALFORMED);
	}
}

void rf_path_take(struct rf_sock *s, uint8_t *buf, size_t n, const struct rf_peer *from)
{
	struct rf_arrival a = {
		.p = s->path, .e = &s->path->end[s->end], .from = from, .rtcp = s->rtcp, .buf = buf, .n = n
	};
	enum rf_demux kind = rf_demux_of(rf_view_of(buf, n));

	if (a.p->kind == RF_PATH_RTP)
		take_of_kind(&a, kind);
	else if (kind == RF_DEMUX_STUN && a.e->ice[0])
		rf_end_take_stun(a.p, a.e, 0, buf, n, from);
	else
		take_opaque(&a);
}
