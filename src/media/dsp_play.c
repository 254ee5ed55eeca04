#include "media/dsp_int.h"

int rf_dsp_play(struct rf_dsp *d, struct rf_clip *clip, uint32_t times, uint32_t ms)
{
	const struct rf_dsp_type *t = rf_dsp_speech(d);
	struct rf_pcm_out *out;

	if (!t)
		return RF_E_UNSUPPORTED;
	uint32_t rate = rf_pcm_rate((enum rf_pcm_codec)t->codec);

	rate = rf_clip_rate(clip) < rate ? rf_clip_rate(clip) : rate;
	int rc = rf_pcm_out_new((enum rf_pcm_codec)t->codec, rate, &out);

	if (rc)
		return rc;
	rf_dsp_stop(d);
	d->player = (struct rf_dsp_player){ .clip = rf_clip_hold(clip), .out = out, .type = t->type, .rate = rate,
		.clock = t->clock, .times = times ? times : 1,
		.frames = ms ? (ms + RF_DSP_FRAME_MS - 1) / RF_DSP_FRAME_MS : UINT32_MAX,
		.ssrc = (uint32_t)rf_random_u64(d->random),
		.timestamp = (uint32_t)rf_random_u64(d->random), .seq = (uint16_t)rf_random_u64(d->random) };
	d->stats.clips++;
	rf_dsp_wake(d);
	return 0;
}

bool rf_dsp_stop(struct rf_dsp *d)
{
	struct rf_dsp_player *p = &d->player;

	if (!p->clip)
		return false;
	rf_pcm_out_free(p->out);
	rf_clip_drop(p->clip);
	*p = (struct rf_dsp_player){ 0 };
	if (d->ops && d->ops->played)
		d->ops->played(d->arg, d->path, d->end);
	return true;
}

/* The next 20 ms; past the end of the last time: false. */
static bool fill(struct rf_dsp_player *p, int16_t *dst, size_t n)
{
	size_t all;
	const int16_t *samples = rf_clip_samples(p->clip, p->rate, &all);

	if (p->at >= all && (p->times == 1 || all == 0))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (p->at >= all && p->times > 1) {
			p->times--;
			p->at = 0;
		}
		dst[i] = p->at < all ? samples[p->at] : 0;
		p->at++;
	}
	return true;
}

bool rf_dsp_play_tick(struct rf_dsp *d)
{
	struct rf_dsp_player *p = &d->player;
	struct rf_rtp_head head = { .type = p->type, .ssrc = p->ssrc, .timestamp = p->timestamp, .seq = p->seq,
		.marker = !p->begun };
	int16_t samples[RF_PCM_HIGH * RF_DSP_FRAME_MS / 1000];
	size_t n = p->rate * RF_DSP_FRAME_MS / 1000, got;
	uint8_t packet[RF_DSP_ROOM];

	if (!p->clip)
		return false;
	if (p->frames == 0 || !fill(p, samples, n)) {
		rf_dsp_stop(d);
		return false;
	}
	rf_rtp_head_put(&head, packet);
	if (rf_pcm_out_put(p->out, samples, n, packet + RF_RTP_HEAD_BYTES, RF_PCM_BYTES_MAX, &got) == 0 &&
	    rf_path_send(d->path, !d->end, packet, RF_RTP_HEAD_BYTES + got, sizeof packet) == 0)
		d->stats.packets++;
	p->begun = true;
	p->seq++;
	p->timestamp += p->clock / 1000 * RF_DSP_FRAME_MS;
	p->frames--;
	return true;
}
