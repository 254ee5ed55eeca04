#include "media/dsp_int.h"

enum {
	WAIT_TICKS = 4,              /* a party that speaks does so within 80 ms; else the stream is one of ours */
};

/* As events: with the clock of the sound, where there are several (RFC 4733 2.1). */
const struct rf_dsp_type *rf_dsp_events(const struct rf_dsp *d, uint32_t clock)
{
	const struct rf_dsp_type *first = NULL;

	for (unsigned i = 0; i < d->conf.n; i++) {
		const struct rf_dsp_type *t = &d->conf.types[i];

		if (t->dtmf && t->clock && (!first || (t->clock == clock && first->clock != clock)))
			first = t;
	}
	return first;
}

static const struct rf_dsp_type *events(const struct rf_dsp *d)
{
	const struct rf_dsp_type *speech = rf_dsp_speech(d);

	return rf_dsp_events(d, d->stream.clock ? d->stream.clock : speech ? speech->clock : 8000);
}

int rf_dsp_press(struct rf_dsp *d, const struct rf_dsp_key *key)
{
	if (d->n_keys == RF_DSP_KEYS_MAX)
		return RF_E_LIMIT;
	if (!events(d) && !rf_dsp_speech(d))
		return RF_E_UNSUPPORTED;
	d->keys[d->n_keys++] = *key;
	rf_dsp_wake(d);
	return 0;
}

static bool begin_event(struct rf_dsp *d, const struct rf_dsp_type *t)
{
	const struct rf_dsp_key *k = &d->keys[0];
	uint32_t per_ms = t->clock / 1000;

	d->event_type = t->type;
	d->stats.keys_sent++;
	d->pressing = RF_DSP_EVENT;
	return rf_dtmf_out_begin(&d->event, k->event, k->volume, rf_dsp_now(d, t->clock), k->ms * per_ms,
				 RF_DSP_FRAME_MS * per_ms) == 0;
}

/* In the taker's first codec: it understands all that it named. */
static bool begin_tone(struct rf_dsp *d, const struct rf_dsp_type *t)
{
	rf_pcm_out_free(d->tone);
	d->tone = NULL;
	if (!t || rf_pcm_out_new((enum rf_pcm_codec)t->codec, RF_PCM_LOW, &d->tone) != 0)
		return false;
	d->said_type = t->type;
	d->tone_at = 0;
	d->left_ms = d->keys[0].ms;
	d->event.timestamp = rf_dsp_now(d, t->clock);
	d->pressing = RF_DSP_TONE;
	d->stats.keys_sent++;
	return true;
}

static void pause(struct rf_dsp *d)
{
	d->pressing = RF_DSP_PAUSE;
	d->left_ms = d->keys[0].pause_ms;
}

static void next(struct rf_dsp *d)
{
	memmove(d->keys, d->keys + 1, --d->n_keys * sizeof d->keys[0]);
	d->pressing = RF_DSP_IDLE;
}

static void send_event(struct rf_dsp *d)
{
	struct rf_rtp_head head = { 0 };
	uint8_t payload[RF_DTMF_BYTES];

	if (!rf_dtmf_out_next(&d->event, &head, payload)) {
		pause(d);
		return;
	}
	head.type = d->event_type;
	rf_dsp_insert(d, &head, payload, sizeof payload);
}

static void send_tone(struct rf_dsp *d)
{
	enum { N = RF_PCM_LOW * RF_DSP_FRAME_MS / 1000 };
	const struct rf_dsp_type *t = rf_dsp_type_of(d, d->said_type);
	struct rf_rtp_head head = { .type = d->said_type, .timestamp = d->event.timestamp, .marker = d->tone_at == 0 };
	uint8_t payload[RF_PCM_BYTES_MAX];
	int16_t samples[N] = { 0 };
	size_t n, ms = d->left_ms < RF_DSP_FRAME_MS ? d->left_ms : RF_DSP_FRAME_MS;

	rf_tones_make(d->keys[0].event, d->keys[0].volume, RF_PCM_LOW, d->tone_at, samples, ms * RF_PCM_LOW / 1000);
	if (t && rf_pcm_out_put(d->tone, samples, N, payload, sizeof payload, &n) == 0)
		rf_dsp_insert(d, &head, payload, n);
	d->tone_at += N;
	d->event.timestamp += (t ? t->clock : 8000) / 1000 * RF_DSP_FRAME_MS;
	d->left_ms -= (uint32_t)ms;
	if (d->left_ms == 0)
		pause(d);
}

bool rf_dsp_key_tick(struct rf_dsp *d)
{
	const struct rf_dsp_type *t;

	if (d->pressing == RF_DSP_PAUSE) {
		if (d->left_ms > RF_DSP_FRAME_MS) {
			d->left_ms -= RF_DSP_FRAME_MS;
			return true;
		}
		next(d);
	}
	if (d->n_keys && !d->stream.known && d->waited++ < WAIT_TICKS)
		return true;
	while (d->pressing == RF_DSP_IDLE && d->n_keys) {
		t = events(d);
		if (!(t ? begin_event(d, t) : begin_tone(d, rf_dsp_speech(d))))
			next(d);
	}
	if (d->pressing == RF_DSP_EVENT)
		send_event(d);
	else if (d->pressing == RF_DSP_TONE)
		send_tone(d);
	return d->n_keys > 0;
}
