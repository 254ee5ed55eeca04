#include "media/path_int.h"

#include "base/err.h"
#include "rtp/demux.h"

void rf_end_drop(struct rf_path *p, struct rf_end *e, enum rf_path_drop why)
{
	e->drops[why]++;
	p->w->totals.dropped[why]++;
}

/* ---- what goes out to a party */

static bool takes(const struct rf_end *e)
{
	return e->dir & RF_SDP_RECVONLY;
}

int rf_end_send_rtp(struct rf_path *p, struct rf_end *to, uint8_t *buf, size_t n, size_t cap)
{
	(void)cap;
	if (!rf_sock_send(&to->sock[0], buf, n, rf_source_to(to, 0)))
		return RF_E_STATE;
	to->sent++;
	to->sent_bytes += n;
	p->w->totals.sent++;
	return 0;
}

/* ---- what comes in */

/* May it come from there? If so, *ret_new: it is to be fixed once the packet is authentic. */
static bool from_party(struct rf_path *p, struct rf_end *e, unsigned rtcp, const struct rf_peer *from, bool *ret_new)
{
	if (!p->open || !e->set) {
		rf_end_drop(p, e, RF_DROP_UNANSWERED);
		return false;
	}
	enum rf_source_verdict v = rf_source_judge(p, e, rtcp, from);

	if (v == RF_SOURCE_NO || v == RF_SOURCE_LATE) {
		rf_end_drop(p, e, v == RF_SOURCE_NO ? RF_DROP_SOURCE : RF_DROP_WINDOW);
		return false;
	}
	*ret_new = v == RF_SOURCE_NEW;
	return true;
}

/* What was negotiated. NULL: counted. */
static struct rf_path_ssrc *expected(struct rf_path *p, struct rf_end *e, const struct rf_rtp_head *head, size_t n,
				     uint64_t now_us)
{
	struct rf_path_ssrc *s = rf_check_ssrc(e, head, now_us);
	enum rf_path_drop why = RF_DROP_SSRC;

	if (s)
		why = rf_check_sequence(s, head->seq);
	if (why == RF_DROPS && !rf_check_rate(&e->rate, n, now_us))
		why = RF_DROP_RATE;
	if (why == RF_DROPS)
		return s;
	rf_end_drop(p, e, why);
	return NULL;
}

static void count(struct rf_path *p, struct rf_end *e, struct rf_path_ssrc *s, const struct rf_rtp_head *head, size_t n)
{
	struct rf_mono now = rf_loop_now(p->w->loop);

	s->type = head->type;
	s->packets++;
	s->bytes += n;
	s->last_us = now.us;
	e->packets++;
	e->bytes += n;
	e->last_us = now.us;
	p->w->totals.packets++;
	p->w->totals.bytes += n;
}

/* G.711 can say nothing in as many bytes; what else there is does not go on. */
static bool silence(const struct rf_rtp_head *head, uint8_t *buf, size_t n)
{
	if (head->type != RF_RTP_PCMU && head->type != RF_RTP_PCMA)
		return false;
	memset(buf + head->size, head->type == RF_RTP_PCMU ? 0xff : 0xd5, n - head->size);
	return true;
}

static bool held(const struct rf_end *e, const struct rf_rtp_head *head, uint8_t *buf, size_t n)
{
	const struct rf_path_type *t;

	if (!e->holds)
		return false;
	if (e->holds & RF_HOLD_MEDIA)
		return true;
	t = rf_check_type_of(e, head->type);
	if (t && t->flags & RF_TYPE_DTMF)
		return e->holds & RF_HOLD_DTMF;
	if (!(e->holds & RF_HOLD_SILENCE) || (t && t->flags & RF_TYPE_VIDEO))
		return false;
	return !silence(head, buf, n);
}

static void take_rtp(struct rf_path *p, struct rf_end *e, uint8_t *buf, size_t n, const struct rf_peer *from)
{
	struct rf_end *other = rf_end_other(p, e);
	struct rf_rtp_head head;
	bool new;

	if (!from_party(p, e, 0, from, &new))
		return;
	if (rf_rtp_head_parse(rf_view_of(buf, n), &head) != 0) {
		rf_end_drop(p, e, RF_DROP_MALFORMED);
		return;
	}
	if (!rf_check_type(e, head.type)) {
		rf_end_drop(p, e, RF_DROP_TYPE);
		return;
	}
	if (new)
		rf_source_fix(p, e, 0, from);
	struct rf_path_ssrc *s = expected(p, e, &head, n, rf_loop_now(p->w->loop).us);
	if (!s)
		return;
	count(p, e, s, &head, n);
	if (!(e->dir & RF_SDP_SENDONLY) || !takes(other)) {
		rf_end_drop(p, e, RF_DROP_DIRECTION);
		return;
	}
	if (held(e, &head, buf, n)) {
		rf_end_drop(p, e, RF_DROP_HELD);
		return;
	}
	if (e->tap)
		e->tap->heard(e->tap, buf, n);
	if (e->filter && e->filter->take(e->filter, buf, &n, RF_PATH_DATAGRAM_MAX) != 0)
		return;
	if (rf_source_to(other, 0))
		rf_end_send_rtp(p, other, buf, n, RF_PATH_ROOM);
	else
		rf_end_drop(p, e, RF_DROP_NO_REMOTE);
}

static void take_datagram(struct rf_path *p, struct rf_end *e, const uint8_t *buf, size_t n, const struct rf_peer *from)
{
	struct rf_end *other = rf_end_other(p, e);
	const struct rf_peer *to;
	bool new;

	if (!from_party(p, e, 0, from, &new))
		return;
	if (!rf_check_rate(&e->rate, n, rf_loop_now(p->w->loop).us)) {
		rf_end_drop(p, e, RF_DROP_RATE);
		return;
	}
	if (new)
		rf_source_fix(p, e, 0, from);
	e->packets++;
	e->bytes += n;
	e->last_us = rf_loop_now(p->w->loop).us;
	p->w->totals.packets++;
	p->w->totals.bytes += n;
	to = rf_source_to(other, 0);
	if (e->holds & RF_HOLD_MEDIA || !to) {
		rf_end_drop(p, e, to ? RF_DROP_HELD : RF_DROP_NO_REMOTE);
		return;
	}
	if (rf_sock_send(&other->sock[0], buf, n, to)) {
		other->sent++;
		other->sent_bytes += n;
		p->w->totals.sent++;
	}
}

void rf_path_take(struct rf_sock *s, uint8_t *buf, size_t n, const struct rf_peer *from)
{
	struct rf_path *p = s->path;
	struct rf_end *e = &p->end[s->end];

	if (p->kind == RF_PATH_DATAGRAM) {
		take_datagram(p, e, buf, n, from);
		return;
	}
	switch (rf_demux_of(rf_view_of(buf, n))) {
	case RF_DEMUX_RTP:
		if (s->rtcp)
			rf_end_drop(p, e, RF_DROP_MALFORMED);
		else
			take_rtp(p, e, buf, n, from);
		break;
	case RF_DEMUX_RTCP:
		break;
	case RF_DEMUX_STUN:
		rf_end_drop(p, e, RF_DROP_STUN);
		break;
	case RF_DEMUX_DTLS:
		rf_end_drop(p, e, RF_DROP_DTLS);
		break;
	default:
		rf_end_drop(p, e, RF_DROP_MALFORMED);
	}
}
