/* The sender's sound in another codec, packet by packet as it comes: nothing waits for a packet that may still come,
 * and what is lost on the way in is lost on the way out, under its own number. Where a packet cannot become one packet
 * (another ptime), what comes is cut anew: then numbers go on without a gap, and a short gap is silence. */
#include "media/dsp_int.h"

#include <stdlib.h>

void rf_dsp_coder_begin(struct rf_dsp_coder *c)
{
	rf_pcm_in_free(c->in);
	c->in = NULL;
	c->clock = (struct rf_rtcp_clock){ 0 };
	c->keys = (struct rf_dtmf_in){ 0 };
	c->waits = c->event = false;
	c->n = 0;
	c->cut.unit = NULL;
	c->cut.n = 0;
}

void rf_dsp_coder_free(struct rf_dsp_coder *c)
{
	if (!c)
		return;
	rf_pcm_in_free(c->in);
	rf_pcm_out_free(c->out);
	free(c);
}

/* ---- time */

/* The time of a packet as the taker sees it. The first one keeps its own; where the clock changes,
 * the taker's goes on. */
static uint32_t time_of(struct rf_dsp *d, uint32_t timestamp, uint32_t from_hz, uint32_t to_hz)
{
	struct rf_rtcp_clock *k = &d->coder->clock;

	if (k->from_hz != from_hz || k->to_hz != to_hz)
		*k = (struct rf_rtcp_clock){ .from = timestamp, .to = k->from_hz ? rf_dsp_now(d, to_hz) : timestamp,
			.from_hz = from_hz, .to_hz = to_hz };
	int64_t since = (int32_t)(timestamp - k->from);
	uint32_t to = k->to + (uint32_t)(since * to_hz / from_hz);

	/* The mark moves on with the stream, by whole ticks of both clocks: so it is never half a circle away. */
	if (since >= from_hz) {
		uint32_t seconds = (uint32_t)(since / from_hz);

		k->from += seconds * from_hz;
		k->to += seconds * to_hz;
	}
	return to;
}

/* All packets of an event have the time at which it began. */
static uint32_t event_time(struct rf_dsp *d, const struct rf_dsp_in *in, uint32_t timestamp)
{
	struct rf_dsp_coder *c = d->coder;
	const struct rf_rtcp_clock *k = &c->clock;

	if (c->event && c->event_from == timestamp)
		return c->event_to;
	c->event = true;
	c->event_from = timestamp;
	c->event_to = k->from_hz == 0 ? timestamp : k->from_hz == in->clock ? time_of(d, timestamp, k->from_hz, k->to_hz) :
		      rf_dsp_now(d, k->to_hz);
	return c->event_to;
}

/* No more sound than time goes by, and some ahead: each second of it is worth the same work. */
static bool in_time(struct rf_dsp *d, uint32_t ms)
{
	struct rf_dsp_coder *c = d->coder;
	uint64_t now = rf_loop_now(d->loop).us;

	if (c->ahead_us < now)
		c->ahead_us = now;
	if (c->ahead_us + ms * UINT64_C(1000) > now + RF_DSP_AHEAD_MS * UINT64_C(1000))
		return false;
	c->ahead_us += ms * UINT64_C(1000);
	return true;
}

/* ---- packets */

static void put_head(uint8_t *packet, const struct rf_rtp_head *head, uint8_t type, uint32_t timestamp)
{
	packet[1] = (uint8_t)(head->marker << 7 | type);
	packet[4] = (uint8_t)(timestamp >> 24);
	packet[5] = (uint8_t)(timestamp >> 16);
	packet[6] = (uint8_t)(timestamp >> 8);
	packet[7] = (uint8_t)timestamp;
}

static int hold(struct rf_dsp *d, const struct rf_rtp_head *head)
{
	rf_dsp_leave_out(d, head);
	d->stats.uncoded++;
	return RF_FILTER_HELD;
}

static int pass(struct rf_dsp *d, const struct rf_dsp_in *in, const struct rf_rtp_head *head, uint8_t *packet)
{
	uint32_t at = head->timestamp;

	if (in->dtmf)
		at = event_time(d, in, at);
	else if (in->clock)
		at = time_of(d, at, in->clock, in->clock);
	put_head(packet, head, head->type, at);
	d->coder->waits = false;
	d->coder->n = 0;
	return rf_dsp_number(d, head, at, in->dtmf ? 0 : in->clock, packet) ? RF_FILTER_ON : RF_FILTER_HELD;
}
/* As much sound as time goes by: pieces are more packets than came. */
static int cut(struct rf_dsp *d, const struct rf_dsp_in *in, const struct rf_rtp_head *head, uint8_t *packet, size_t n)
{
	size_t payload = n - head->size;

	if (!in_time(d, (uint32_t)(payload / in->unit->bytes * in->unit->ms)))
		return hold(d, head);
	uint32_t at = time_of(d, head->timestamp, in->clock, in->clock);
	int rc = rf_dsp_cut(d, in, head, at, packet + head->size, payload);

	return rc == RF_FILTER_ON ? pass(d, in, head, packet) : rc;
}

/* ---- events */

static int event(struct rf_dsp *d, const struct rf_dsp_in *in, const struct rf_rtp_head *head, uint8_t *packet,
		 size_t n)
{
	const struct rf_dsp_type *t = rf_dsp_events(d, d->coder->clock.to_hz);
	uint8_t *duration = packet + head->size + 2;

	if (!t || in->clock == 0 || n - head->size != RF_DTMF_BYTES)
		return hold(d, head);
	uint64_t units = (uint64_t)(duration[0] << 8 | duration[1]) * t->clock / in->clock;

	units = units > UINT16_MAX ? UINT16_MAX : units;
	duration[0] = (uint8_t)(units >> 8);
	duration[1] = (uint8_t)units;
	put_head(packet, head, t->type, event_time(d, in, head->timestamp));
	return rf_dsp_number(d, head, 0, 0, packet) ? RF_FILTER_ON : RF_FILTER_HELD;
}

static void press(struct rf_dsp *d, const struct rf_dtmf_news *news, uint32_t clock)
{
	uint64_t ms = clock ? (uint64_t)news->duration * 1000 / clock : 0;
	struct rf_dsp_key key = { .event = news->event, .volume = news->volume, .pause_ms = 40,
		.ms = (uint16_t)(ms < 60 ? 60 : ms > 5000 ? 5000 : ms) };

	if (news->end)
		rf_dsp_press(d, &key); /* one too many is not pressed; that many wait nowhere */
}

/* Pressed when its end is known: how long it is pressed is part of what the taker may ask for. */
static int keys(struct rf_dsp *d, const struct rf_dsp_in *in, const struct rf_rtp_head *head, const uint8_t *packet,
		size_t n)
{
	struct rf_view payload = rf_view_of(packet + head->size, n - head->size);
	struct rf_dtmf_news news[RF_DTMF_NEWS_MAX];
	int got = rf_dtmf_in_take(&d->coder->keys, head, payload, rf_loop_now(d->loop), news);

	rf_dsp_leave_out(d, head);
	d->coder->keys_clock = in->clock;
	for (int i = 0; i < got; i++)
		press(d, &news[i], in->clock);
	return RF_FILTER_TAKEN;
}

/* ---- sound */

static bool decoder(struct rf_dsp_coder *c, uint8_t codec, uint32_t rate)
{
	if (c->in && c->in_codec == codec && c->in_rate == rate)
		return true;
	rf_pcm_in_free(c->in);
	c->in = NULL;
	c->in_codec = codec;
	c->in_rate = rate;
	return rf_pcm_in_new((enum rf_pcm_codec)codec, rate, &c->in) == 0;
}

static bool encoder(struct rf_dsp_coder *c, uint8_t codec, uint32_t rate, uint32_t bits_s)
{
	bool there = c->out && c->out_codec == codec && c->out_rate == rate;

	if (!there) {
		rf_pcm_out_free(c->out);
		c->out = NULL;
		c->out_codec = codec;
		c->out_rate = rate;
		c->waits = false;
		c->n = 0;
		if (rf_pcm_out_new((enum rf_pcm_codec)codec, rate, &c->out) != 0)
			return false;
	}
	if (bits_s && (!there || c->bits_s != bits_s))
		rf_pcm_out_set_bits(c->out, bits_s);
	c->bits_s = bits_s;
	return true;
}

/* What neither has is not made: the slower of the two. */
static uint32_t rate_of(uint8_t from, uint8_t to)
{
	uint32_t a = rf_pcm_rate((enum rf_pcm_codec)from), b = rf_pcm_rate((enum rf_pcm_codec)to);

	return a < b ? a : b;
}

/* Of 30 ms there is no frame of Opus (RFC 6716 2). */
static uint32_t frame_ms(uint8_t codec, uint32_t wish)
{
	return wish == 0 || (codec == RF_PCM_OPUS && wish == 30) ? RF_DSP_FRAME_MS : wish;
}

static bool one_for_one(const struct rf_dsp *d, uint8_t codec, size_t samples)
{
	const struct rf_dsp_coder *c = d->coder;
	uint32_t ten = c->out_rate / 100, ms = (uint32_t)samples / ten * 10;

	if (c->n || samples == 0 || samples % ten)
		return false;
	if (d->conf.ptime)
		return ms == frame_ms(codec, d->conf.ptime);
	return codec != RF_PCM_OPUS || ms == 10 || ms == 20 || ms == 40 || ms == 60;
}

static void say(struct rf_dsp *d, const struct rf_dsp_type *t, size_t samples)
{
	struct rf_dsp_coder *c = d->coder;
	struct rf_rtp_head head = { .type = t->type, .timestamp = c->at, .marker = c->marker };
	uint8_t payload[RF_PCM_BYTES_MAX];
	size_t n;

	if (rf_pcm_out_put(c->out, c->samples, samples, payload, sizeof payload, &n) == 0)
		rf_dsp_insert(d, &head, payload, n);
	c->marker = false;
	c->at += (uint32_t)(samples * t->clock / c->out_rate);
	c->n -= c->n < samples ? c->n : samples;
	memmove(c->samples, c->samples + samples, c->n * sizeof c->samples[0]);
}

static void add(struct rf_dsp *d, const struct rf_dsp_type *t, const int16_t *samples, size_t n)
{
	struct rf_dsp_coder *c = d->coder;
	size_t frame = frame_ms((uint8_t)t->codec, d->conf.ptime) * c->out_rate / 1000;

	if (samples)
		memcpy(c->samples + c->n, samples, n * sizeof c->samples[0]);
	else
		memset(c->samples + c->n, 0, n * sizeof c->samples[0]);
	c->n += n;
	while (c->n >= frame)
		say(d, t, frame);
}

/* Where this packet does not follow on what waits: a short gap is filled, else what waits is said
 * and all begins anew. */
static void join(struct rf_dsp *d, const struct rf_dsp_type *t, uint32_t at, bool marker)
{
	struct rf_dsp_coder *c = d->coder;
	uint32_t per_ms = t->clock / 1000;
	int32_t gap = (int32_t)(at - c->at - (uint32_t)(c->n * t->clock / c->out_rate));
	int32_t ms = gap / (int32_t)per_ms;

	if (c->waits && ms > -RF_DSP_FILL_MS && ms < 10)
		return;
	if (c->waits && ms >= 10 && ms <= RF_DSP_FILL_MS) {
		add(d, t, NULL, (size_t)ms * c->out_rate / 1000);
		return;
	}
	size_t frame = frame_ms((uint8_t)t->codec, d->conf.ptime) * c->out_rate / 1000;

	if (c->waits && c->n)
		add(d, t, NULL, frame - c->n);
	c->marker = marker || c->waits;
	c->waits = true;
	c->n = 0;
	c->at = at;
}

static int recut(struct rf_dsp *d, const struct rf_dsp_type *t, const struct rf_rtp_head *head, uint32_t at,
	       const int16_t *samples, size_t n)
{
	struct rf_dsp_stream *s = &d->stream;

	if ((int16_t)(head->seq - s->heard) <= 0) {
		d->stats.uncoded++;
		return RF_FILTER_HELD; /* late: its place has been filled */
	}
	rf_dsp_leave_out(d, head);
	s->timestamp = at;
	s->clock = t->clock;
	s->at = rf_loop_now(d->loop);
	join(d, t, at, head->marker);
	add(d, t, samples, n);
	return RF_FILTER_TAKEN;
}

static int code(struct rf_dsp *d, const struct rf_dsp_in *in, const struct rf_rtp_head *head, uint8_t *packet,
		size_t *n, size_t cap)
{
	const struct rf_dsp_type *t = rf_dsp_speech(d);
	struct rf_dsp_coder *c = d->coder;
	struct rf_dtmf_news news;
	int16_t samples[RF_PCM_MOST];
	size_t got;

	if (rf_dtmf_in_quiet(&c->keys, rf_loop_now(d->loop), &news))
		press(d, &news, c->keys_clock);
	uint32_t rate = t ? rate_of(in->codec, t->codec) : 0;

	if (!t || !decoder(c, in->codec, rate) || !encoder(c, t->codec, rate, d->conf.bits_s) ||
	    rf_pcm_in_take(c->in, rf_view_of(packet + head->size, *n - head->size), samples, &got) != 0 ||
	    !in_time(d, (uint32_t)(got * 1000 / rate)))
		return hold(d, head);
	uint32_t at = time_of(d, head->timestamp, in->clock, t->clock);

	d->stats.from = (enum rf_pcm_codec)in->codec;
	d->stats.to = (enum rf_pcm_codec)t->codec;
	d->stats.coded++;
	if (!one_for_one(d, t->codec, got))
		return recut(d, t, head, at, samples, got);
	c->waits = false;
	if (!rf_dsp_number(d, head, at, t->clock, packet))
		return RF_FILTER_HELD;
	if (rf_pcm_out_put(c->out, samples, got, packet + head->size, cap - head->size, n) != 0)
		return RF_FILTER_HELD;
	*n += head->size;
	put_head(packet, head, t->type, at);
	return RF_FILTER_ON;
}

int rf_dsp_code(struct rf_dsp *d, const struct rf_dsp_in *in, const struct rf_rtp_head *head, uint8_t *packet,
		size_t *n, size_t cap)
{
	if (in->way != RF_DSP_CUT)
		rf_dsp_cut_end(d);
	switch (in->way) {
	case RF_DSP_PASS:
		return pass(d, in, head, packet);
	case RF_DSP_CUT:
		return cut(d, in, head, packet, *n);
	case RF_DSP_CODE:
		return code(d, in, head, packet, n, cap);
	case RF_DSP_CLOCK:
		return event(d, in, head, packet, *n);
	case RF_DSP_KEYS:
		return keys(d, in, head, packet, *n);
	default:
		return hold(d, head);
	}
}
