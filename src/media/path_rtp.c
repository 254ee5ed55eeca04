#include "media/path_int.h"

#include "base/err.h"
#include "media/pcm.h"

#include <stdlib.h>

enum rf_path_drop rf_end_send_rtp(struct rf_path *p, struct rf_end *to, uint8_t *buf, size_t n, size_t cap)
{
	struct rf_end *base = rf_end_base(to);
	const struct rf_peer *at = rf_source_for_media(base, 0);

	if (!at || base->sock[0].fd < 0)
		return RF_DROP_NO_REMOTE;
	if (base->keying != RF_KEYING_PLAIN) {
		struct rf_srtp_out *out = rf_end_crypt_out(base, false);
		int rc = out ? rf_srtp_out_rtp(out, buf, n, cap, &n) : RF_E_NOT_FOUND;

		if (rc)
			return rc == RF_E_NOT_FOUND ? RF_DROP_NO_KEYS : rc == RF_E_STATE ? RF_DROP_SEQUENCE : RF_DROP_SEND;
	}
	if (rf_sock_send(&base->sock[0], buf, n, at)) {
		to->sent++;
		to->sent_bytes += n;
		p->w->totals.sent++;
	}
	return RF_DROPS; /* what the kernel does not take is counted already */
}

/* Was it negotiated? NULL: counted. Under keys the replay window has seen to the order. */
static struct rf_path_ssrc *expected(struct rf_arrival *a, const struct rf_rtp_head *head, uint64_t now_us)
{
	if (a->e->n_ssrcs == RF_PATH_SSRCS_MAX)
		rf_path_fast_leave_idle(a->p, a->e, now_us);
	rf_path_fast_heard(a->p, a->e, head->ssrc);
	struct rf_path_ssrc *s = rf_check_ssrc(a->e, head, now_us);
	enum rf_path_drop why = RF_DROP_SSRC;

	if (s)
		why = a->proven ? RF_DROPS : rf_check_sequence(s, head->seq);
	if (why == RF_DROPS && !rf_check_rate(&a->e->rate, a->n, now_us))
		why = RF_DROP_RATE;
	if (why == RF_DROPS)
		return s;
	rf_arrival_drop(a, why);
	return NULL;
}

static void count(struct rf_arrival *a, struct rf_path_ssrc *s, const struct rf_rtp_head *head)
{
	struct rf_mono now = rf_loop_now(a->p->w->loop);

	s->type = head->type;
	s->packets++;
	s->bytes += a->n;
	s->last_us = now.us;
	rf_quality_packet(&s->quality, head->seq, head->timestamp, now);
	a->e->packets++;
	a->e->bytes += a->n;
	a->e->last_us = now.us;
	a->p->w->totals.packets++;
	a->p->w->totals.bytes += a->n;
}

/* ---- events */

static void tell(struct rf_arrival *a, const struct rf_rtp_head *head, const struct rf_dtmf_news *news)
{
	const struct rf_path_type *t = rf_check_type_of(a->e, head->type);
	uint32_t clock = t && t->clock ? t->clock : 8000;

	if (news->end)
		a->p->ops->dtmf(a->p->arg, a->p, (unsigned)(a->e - a->p->end), news->event,
				(unsigned)((uint64_t)news->duration * 1000 / clock));
}

/* Keys that are pressed. Of an event whose end was lost the next packet of its stream tells. */
static void hear_events(struct rf_arrival *a, struct rf_path_ssrc *s, const struct rf_rtp_head *head, bool event)
{
	struct rf_mono now = rf_loop_now(a->p->w->loop);
	struct rf_dtmf_news news[RF_DTMF_NEWS_MAX];

	if (!a->p->ops->dtmf)
		return;
	if (!event) {
		if (s->dtmf && rf_dtmf_in_quiet(s->dtmf, now, news))
			tell(a, head, news);
		return;
	}
	if (!a->text)
		return; /* keys from end to end */
	if (!s->dtmf)
		s->dtmf = calloc(1, sizeof *s->dtmf);
	if (!s->dtmf)
		return; /* not told; the party hears it all the same */
	int n = rf_dtmf_in_take(s->dtmf, head, rf_view_of(a->text + head->size, a->text_n - head->size), now, news);

	for (int i = 0; i < n; i++)
		tell(a, head, &news[i]);
}

/* ---- what does not go on */

static enum rf_pcm_codec codec_of(const struct rf_rtp_head *head, const struct rf_path_type *t)
{
	if (t && t->codec)
		return (enum rf_pcm_codec)t->codec;
	return head->type == RF_RTP_PCMU ? RF_PCM_PCMU : head->type == RF_RTP_PCMA ? RF_PCM_PCMA :
	       head->type == RF_RTP_G722 ? RF_PCM_G722 : RF_PCM_NONE;
}

/* Of codecs that cannot say nothing, what they say does not go on. */
static bool silence(struct rf_arrival *a, const struct rf_rtp_head *head, const struct rf_path_type *t)
{
	size_t n = a->n - head->size, pad = head->padding && n ? a->buf[a->n - 1] : 0;

	if (a->text != a->buf || n == 0 || pad >= n)
		return false;
	n -= pad;
	if (!rf_pcm_silence(codec_of(head, t), a->buf + head->size, &n))
		return false;
	a->buf[0] &= 0xdf; /* there is no padding any more */
	a->n = head->size + n;
	return true;
}

static bool held(struct rf_arrival *a, const struct rf_rtp_head *head, const struct rf_path_type *t)
{
	unsigned holds = a->e->holds;

	if (!holds)
		return false;
	if (holds & RF_HOLD_MEDIA)
		return true;
	if (t && t->flags & RF_TYPE_DTMF)
		return holds & RF_HOLD_DTMF;
	return holds & RF_HOLD_SILENCE && !(t && t->flags & RF_TYPE_VIDEO) && !silence(a, head, t);
}

/* False: it did not leave, and is counted. */
static bool go_on(struct rf_arrival *a)
{
	struct rf_end *e = a->e, *other = rf_end_other(a->p, e);

	bool behind = e->holds & RF_HOLD_DTMF;

	if (e->keying == RF_KEYING_PASSED) {
		if (a->text)
			rf_arrival_copy(a, false, a->text, a->text_n);
		if (other->keying == RF_KEYING_PASSED)
			return rf_arrival_pass(a, false);
		rf_arrival_drop(a, RF_DROP_NO_KEYS);
		return false;
	}
	if (!behind)
		rf_arrival_copy(a, false, a->buf, a->n);
	int held = e->filter ? e->filter->take(e->filter, a->buf, &a->n, RF_PATH_DATAGRAM_MAX) : RF_FILTER_ON;

	if (held != RF_FILTER_ON) {
		if (held == RF_FILTER_HELD)
			rf_arrival_drop(a, RF_DROP_HELD);
		return false;
	}
	if (behind)
		rf_arrival_copy(a, false, a->buf, a->n);
	enum rf_path_drop why = rf_end_send_rtp(a->p, other, a->buf, a->n, RF_PATH_ROOM);

	if (why != RF_DROPS)
		rf_arrival_drop(a, why);
	return why == RF_DROPS;
}

void rf_path_take_rtp(struct rf_arrival *a)
{
	struct rf_end *e = a->e;
	struct rf_rtp_head head;

	if (!rf_arrival_from_party(a) || !rf_arrival_open(a, false))
		return;
	if (rf_rtp_head_parse(rf_view_of(a->text ? a->text : a->buf, a->text_n), &head) != 0) {
		rf_arrival_drop(a, RF_DROP_MALFORMED);
		return;
	}
	if (e->riders) {
		if (!rf_bundle_take(a, &head))
			return;
		e = a->e;
	}
	if (!rf_check_type(e, head.type)) {
		rf_arrival_drop(a, RF_DROP_TYPE);
		return;
	}
	rf_arrival_fix(a);
	struct rf_path_ssrc *s = expected(a, &head, rf_loop_now(a->p->w->loop).us);

	if (!s)
		return;
	count(a, s, &head);
	const struct rf_path_type *t = e->holds ? rf_check_type_of(e, head.type) : NULL;

	hear_events(a, s, &head, rf_check_event(e, head.type));
	if (!(e->dir & RF_SDP_SENDONLY) || !(rf_end_other(a->p, e)->dir & RF_SDP_RECVONLY))
		rf_arrival_drop(a, RF_DROP_DIRECTION);
	else if (held(a, &head, t))
		rf_arrival_drop(a, RF_DROP_HELD);
	else if (go_on(a))
		rf_path_fast_passed(a, s, head.seq);
}
