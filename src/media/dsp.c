#include "media/dsp_int.h"

#include "base/table.h"

#include <stdlib.h>

enum {
	LATE_FRAMES = 5,             /* the thread was held up for longer: what was missed is not made up for */
	LATE_PACKETS = 100,          /* a number further back than that is a new beginning, as for the
				      * path (RFC 3550 A.1) */
	RECENT = 0x3000,
};

/* ---- the sender's stream */

static void shift(struct rf_dsp_stream *s, int by)
{
	s->add = (uint16_t)(s->add + by);
	s->changed_at = s->heard;
	s->shifted = true;
}

static void begin(struct rf_dsp_stream *s, const struct rf_rtp_head *head)
{
	*s = (struct rf_dsp_stream){ .known = true, .ssrc = head->ssrc, .seq = (uint16_t)(head->seq - 1),
		.heard = (uint16_t)(head->seq - 1) };
}

bool rf_dsp_number(struct rf_dsp *d, const struct rf_rtp_head *head, uint32_t timestamp, uint32_t clock,
		   uint8_t *packet)
{
	struct rf_dsp_stream *s = &d->stream;
	uint16_t seq = (uint16_t)(head->seq + s->add);

	if (s->shifted && (int16_t)(head->seq - s->changed_at) <= 0) {
		if ((uint16_t)(s->changed_at - head->seq) < LATE_PACKETS)
			return false;
		/* It began anew: here the numbers go on. */
		s->heard = s->changed_at = (uint16_t)(head->seq - 1);
		s->add = (uint16_t)(s->seq + 1 - head->seq);
		seq = (uint16_t)(s->seq + 1);
	}
	if ((int16_t)(head->seq - s->heard) > 0) {
		s->heard = head->seq;
		s->seq = seq;
		if ((uint16_t)(head->seq - s->changed_at) > RECENT + LATE_PACKETS)
			s->changed_at = (uint16_t)(head->seq - RECENT); /* the circle closes: it must not
									 * come in front of us */
		if (clock) {
			s->timestamp = timestamp;
			s->clock = clock;
			s->at = rf_loop_now(d->loop);
		}
	}
	packet[2] = (uint8_t)(seq >> 8);
	packet[3] = (uint8_t)seq;
	return true;
}

void rf_dsp_leave_out(struct rf_dsp *d, const struct rf_rtp_head *head)
{
	struct rf_dsp_stream *s = &d->stream;

	if ((int16_t)(head->seq - s->heard) <= 0)
		return;
	uint16_t by = (uint16_t)(head->seq - s->heard);

	s->heard = head->seq;
	shift(s, -(int)by);
}

uint32_t rf_dsp_now(struct rf_dsp *d, uint32_t clock)
{
	struct rf_dsp_stream *s = &d->stream;

	if (!s->known) { /* the sender has said nothing yet: a stream of ours, until it does */
		struct rf_rtp_head first = { .ssrc = (uint32_t)rf_random_u64(d->random),
			.seq = (uint16_t)rf_random_u64(d->random) };

		begin(s, &first);
		s->timestamp = (uint32_t)rf_random_u64(d->random);
		s->at = rf_loop_now(d->loop);
	}
	uint64_t us = rf_loop_now(d->loop).us - s->at.us;

	return s->timestamp + (uint32_t)(us * (s->clock ? s->clock : clock) / 1000000);
}

void rf_dsp_insert(struct rf_dsp *d, const struct rf_rtp_head *head, const uint8_t *payload, size_t n)
{
	struct rf_dsp_stream *s = &d->stream;
	struct rf_rtp_head h = *head;
	uint8_t packet[RF_DSP_ROOM];

	h.ssrc = s->ssrc;
	h.seq = ++s->seq;
	shift(s, 1);
	rf_rtp_head_put(&h, packet);
	memcpy(packet + RF_RTP_HEAD_BYTES, payload, n);
	if (rf_path_send(d->path, !d->end, packet, RF_RTP_HEAD_BYTES + n, sizeof packet) == 0)
		d->stats.packets++;
}

const struct rf_dsp_type *rf_dsp_type_of(const struct rf_dsp *d, uint8_t type)
{
	for (unsigned i = 0; i < d->conf.n; i++)
		if (d->conf.types[i].type == type)
			return &d->conf.types[i];
	return NULL;
}

const struct rf_dsp_in *rf_dsp_in_of(const struct rf_dsp *d, uint8_t type)
{
	for (unsigned i = 0; i < d->conf.n_in; i++)
		if (d->conf.in[i].type == type)
			return &d->conf.in[i];
	return NULL;
}

const struct rf_dsp_type *rf_dsp_speech(const struct rf_dsp *d)
{
	for (unsigned i = 0; i < d->conf.n; i++)
		if (d->conf.types[i].codec)
			return &d->conf.types[i];
	return NULL;
}

/* ---- packets of the sender */

/* Without padding, so that what stands at its end is sound. False: it is all padding. */
static bool strip(struct rf_rtp_head *head, uint8_t *packet, size_t *n)
{
	uint8_t pad = packet[*n - 1];

	if (!head->padding)
		return *n > head->size;
	if (pad == 0 || pad >= *n - head->size)
		return false;
	*n -= pad;
	packet[0] &= 0xdf;
	head->padding = false;
	return true;
}

static int take(struct rf_path_filter *f, uint8_t *packet, size_t *n, size_t cap)
{
	struct rf_dsp *d = (struct rf_dsp *)f;
	struct rf_rtp_head head;

	if (rf_rtp_head_parse(rf_view_of(packet, *n), &head) != 0)
		return RF_FILTER_HELD;
	const struct rf_dsp_in *in = rf_dsp_in_of(d, head.type);

	if (!d->stream.known || d->stream.ssrc != head.ssrc) {
		begin(&d->stream, &head);
		if (d->coder)
			rf_dsp_coder_begin(d->coder);
	}
	if (in && in->codec && d->tones && strip(&head, packet, n)) {
		size_t payload = *n - head.size;

		rf_dsp_hear(d, in->codec, packet + head.size, &payload);
		*n = head.size + payload;
	}
	if (rf_dsp_presses(d) || d->player.clip) {
		rf_dsp_leave_out(d, &head);
		if (d->coder)
			d->coder->n = d->coder->cut.n = 0;
		return RF_FILTER_HELD;
	}
	if (d->coder && in && strip(&head, packet, n))
		return rf_dsp_code(d, in, &head, packet, n, cap);
	if (d->coder || (in && in->way != RF_DSP_PASS)) {
		rf_dsp_leave_out(d, &head);
		return RF_FILTER_HELD;
	}
	return rf_dsp_number(d, &head, head.timestamp, in && !in->dtmf ? in->clock : 0, packet) ? RF_FILTER_ON : RF_FILTER_HELD;
}

static bool clock_of(const struct rf_path_filter *f, struct rf_rtcp_clock *ret_clock)
{
	const struct rf_dsp *d = (const struct rf_dsp *)f;

	if (!d->coder || !d->coder->clock.from_hz)
		return false;
	*ret_clock = d->coder->clock;
	ret_clock->ssrc = d->stream.ssrc;
	return true;
}

/* ---- time */

static void tick(struct rf_timer *t)
{
	struct rf_dsp *d = rf_container(t, struct rf_dsp, timer);
	struct rf_mono now = rf_loop_now(d->loop);
	bool more = false;

	for (unsigned i = 0; d->due.us <= now.us && i < LATE_FRAMES; i++) {
		more = rf_dsp_key_tick(d);
		more |= rf_dsp_play_tick(d);
		d->due.us += RF_DSP_FRAME_MS * 1000;
		if (!more)
			return;
	}
	if (d->due.us <= now.us)
		d->due.us = now.us + RF_DSP_FRAME_MS * 1000;
	rf_timer_start_at(rf_loop_wheel(d->loop), t, d->due);
}

void rf_dsp_wake(struct rf_dsp *d)
{
	if (rf_timer_active(&d->timer))
		return;
	d->due = rf_loop_now(d->loop);
	rf_timer_start(rf_loop_wheel(d->loop), &d->timer, 0);
}

/* ---- life */

static void gone(struct rf_path_filter *f)
{
	struct rf_dsp *d = (struct rf_dsp *)f;

	rf_timer_stop(rf_loop_wheel(d->loop), &d->timer);
	d->ops = NULL;
	rf_dsp_stop(d);
	rf_dsp_deaf(d);
	rf_pcm_out_free(d->tone);
	rf_dsp_coder_free(d->coder);
	free(d);
}

struct rf_dsp *rf_dsp_of(const struct rf_path *p, unsigned end)
{
	struct rf_path_filter *f = rf_path_filter_at(p, end);

	return f && f->take == take ? (struct rf_dsp *)f : NULL;
}

int rf_dsp_get(struct rf_path *p, unsigned end, struct rf_loop *loop, struct rf_random *random,
	       const struct rf_dsp_ops *ops, void *arg, struct rf_dsp **ret_dsp)
{
	struct rf_dsp *d = rf_dsp_of(p, end);

	if (!d) {
		d = calloc(1, sizeof *d);
		if (!d)
			return -ENOMEM;
		*d = (struct rf_dsp){ .filter = { take, clock_of, gone }, .path = p, .end = end, .loop = loop, .random = random, .ops = ops,
			.arg = arg };
		rf_timer_init(&d->timer, tick);
		rf_path_set_filter(p, end, &d->filter);
	}
	*ret_dsp = d;
	return 0;
}

/* The sender sends what the taker takes. */
static void pass_all(struct rf_dsp_conf *c)
{
	for (c->n_in = 0; c->n_in < c->n; c->n_in++) {
		const struct rf_dsp_type *t = &c->types[c->n_in];

		c->in[c->n_in] = (struct rf_dsp_in){
			.type = t->type, .codec = t->codec, .way = RF_DSP_PASS, .dtmf = t->dtmf, .clock = t->clock
		};
	}
}

static bool passes_all(const struct rf_dsp_conf *c)
{
	for (unsigned i = 0; i < c->n_in; i++)
		if (c->in[i].way != RF_DSP_PASS)
			return false;
	return true;
}

int rf_dsp_set(struct rf_dsp *d, const struct rf_dsp_conf *conf)
{
	bool listen = conf->listen || conf->block || conf->to_events;
	int rc = 0;

	if (d->coder && conf->cut_ms != d->conf.cut_ms)
		rf_dsp_cut_end(d);
	if (d->coder && conf->ptime != d->conf.ptime) {
		d->coder->waits = false;
		d->coder->n = 0;
	}
	d->conf = *conf;
	if (conf->n_in == 0)
		pass_all(&d->conf);
	if (listen && !d->tones)
		rc = rf_tones_new(&d->tones);
	if (!listen)
		rf_dsp_deaf(d);
	/* Once there, it stays: its clock is the taker's. */
	if (!d->coder && !passes_all(&d->conf) && !(d->coder = calloc(1, sizeof *d->coder)))
		rc = -ENOMEM;
	return rc;
}

struct rf_dsp_stats rf_dsp_stats(const struct rf_dsp *d)
{
	return d->stats;
}
