#include "media/dtmf_audio.h"
#include "rtp/dtmf.h"

#include <math.h>
#include <stdlib.h>
#include <threads.h>

#include <spandsp/telephony.h>
#include <spandsp/logging.h>
#include <spandsp/complex.h>
#include <spandsp/tone_detect.h>
#include <spandsp/super_tone_rx.h>
#include <spandsp/dtmf.h>

enum { SAMPLES_MS = 8 };

struct rf_tones {
	dtmf_rx_state_t *rx;
	uint64_t heard;              /* samples */
	uint64_t since;              /* the key that sounds began then */
	int event;                   /* -1: none */
	struct rf_tones_news *news;  /* while rf_tones_take() runs */
	int n;
};

static void tell(struct rf_tones *t, bool end)
{
	struct rf_tones_news x = { .end = end, .event = (uint8_t)t->event };

	if (end)
		x.ms = (uint32_t)((t->heard - t->since) / SAMPLES_MS);
	if (t->n < RF_TONES_NEWS_MAX)
		t->news[t->n++] = x;
}

/* The state of the receiver has changed: a key, or 0. */
static void changed(void *arg, int code, int level, int delay)
{
	struct rf_tones *t = arg;
	int event = rf_dtmf_event_of((char)code);

	(void)level;
	(void)delay;
	if (t->event >= 0)
		tell(t, true);
	t->event = event;
	t->since = t->heard;
	if (event >= 0)
		tell(t, false);
}

/* spandsp makes its tables with the first receiver. */
static void make_tables(void)
{
	dtmf_rx_free(dtmf_rx_init(NULL, NULL, NULL));
}

int rf_tones_new(struct rf_tones **ret_tones)
{
	static once_flag once = ONCE_FLAG_INIT;
	struct rf_tones *t = calloc(1, sizeof *t);

	if (!t)
		return -ENOMEM;
	call_once(&once, make_tables);
	t->event = -1;
	t->rx = dtmf_rx_init(NULL, NULL, NULL);
	if (!t->rx) {
		free(t);
		return -ENOMEM;
	}
	dtmf_rx_set_realtime_callback(t->rx, changed, t);
	*ret_tones = t;
	return 0;
}

void rf_tones_free(struct rf_tones *t)
{
	if (t)
		dtmf_rx_free(t->rx);
	free(t);
}

int rf_tones_take(struct rf_tones *t, const int16_t *samples, size_t n,
		  struct rf_tones_news ret[static RF_TONES_NEWS_MAX])
{
	t->news = ret;
	t->n = 0;
	t->heard += n;
	dtmf_rx(t->rx, samples, (int)n);
	t->news = NULL;
	return t->n;
}

bool rf_tones_maybe(struct rf_tones *t)
{
	return dtmf_rx_status(t->rx) != 0;
}

void rf_tones_make(unsigned event, unsigned volume, uint32_t rate, uint32_t at, int16_t *dst, size_t n)
{
	static const struct { uint16_t low, high; } hz[RF_DTMF_EVENTS] = {
		{ 941, 1336 }, { 697, 1209 }, { 697, 1336 }, { 697, 1477 }, { 770, 1209 }, { 770, 1336 }, { 770, 1477 },
		{ 852, 1209 }, { 852, 1336 }, { 852, 1477 }, { 941, 1209 }, { 941, 1477 }, { 697, 1633 }, { 770, 1633 },
		{ 852, 1633 }, { 941, 1633 },
	};
	/* A sine of full scale is 3.14 dBm0 (ITU-T G.711), and two of them have twice the power of one. */
	double peak = 32767 * pow(10, -(volume + 3.14 + 3.01) / 20), step = 2 * M_PI / rate;

	for (size_t i = 0; i < n; i++)
		dst[i] = (int16_t)lrint(peak * (sin(step * hz[event].low * (double)(at + i)) +
						sin(step * hz[event].high * (double)(at + i))));
}
