#include "media/dsp_int.h"

static bool decoder(struct rf_dsp *d, uint8_t codec)
{
	if (d->in && d->in_codec == codec)
		return true;
	rf_pcm_in_free(d->in);
	d->in = NULL;
	d->in_codec = codec;
	return rf_pcm_in_new((enum rf_pcm_codec)codec, RF_PCM_LOW, &d->in) == 0;
}

static void heard(struct rf_dsp *d, const struct rf_tones_news *news)
{
	if (!news->end)
		return;
	d->stats.keys_heard++;
	if (d->conf.to_events && !d->conf.block && rf_dsp_events(d, 0)) {
		uint32_t ms = news->ms < 40 ? 40 : news->ms > 5000 ? 5000 : news->ms;
		struct rf_dsp_key key = {
			.event = news->event, .volume = RF_DSP_VOLUME, .ms = (uint16_t)ms, .pause_ms = 40
		};

		rf_dsp_press(d, &key); /* one too many is not pressed; that many wait nowhere */
	}
	if (d->ops && d->ops->dtmf)
		d->ops->dtmf(d->arg, d->path, d->end, news->event, news->ms);
}

void rf_dsp_hear(struct rf_dsp *d, uint8_t codec, uint8_t *payload, size_t *n)
{
	struct rf_tones_news news[RF_TONES_NEWS_MAX];
	int16_t samples[RF_PCM_MOST];
	size_t got;

	if (!decoder(d, codec) || rf_pcm_in_take(d->in, rf_view_of(payload, *n), samples, &got) != 0)
		return;
	int k = rf_tones_take(d->tones, samples, got, news);

	for (int i = 0; i < k; i++)
		heard(d, &news[i]);
	if ((d->conf.block || (d->conf.to_events && rf_dsp_events(d, 0))) && (k > 0 || rf_tones_maybe(d->tones)))
		rf_pcm_silence((enum rf_pcm_codec)codec, payload, n);
}

void rf_dsp_deaf(struct rf_dsp *d)
{
	rf_tones_free(d->tones);
	rf_pcm_in_free(d->in);
	d->tones = NULL;
	d->in = NULL;
}
