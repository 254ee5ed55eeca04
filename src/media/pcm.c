#include "media/pcm_int.h"
#include "rtp/tone.h"

#include <stdlib.h>

enum {
	SILENCE_PCMU = 0xff, SILENCE_PCMA = 0xd5,
	/* The smallest step in both bands: what is left is 58 dB below full and without a tone, and the decoder's steps
	 * shrink meanwhile, so that the first word afterwards is as loud as it was said. */
	SILENCE_G722 = 0xff,
};

/* ---- G.711 */

/* ITU-T G.711: segment and step back to the middle of the interval. */
static int16_t from_ulaw(uint8_t byte)
{
	unsigned v = (uint8_t)~byte, segment = v >> 4 & 7;
	int x = (int)(((v & 0x0f) << 3) + 0x84) << segment;

	return (int16_t)(v & 0x80 ? 0x84 - x : x - 0x84);
}

static int16_t from_alaw(uint8_t byte)
{
	unsigned v = byte ^ 0x55, segment = v >> 4 & 7;
	int x = (int)((v & 0x0f) << 4) + (segment ? 0x108 : 8);

	x = segment > 1 ? x << (segment - 1) : x;
	return (int16_t)(v & 0x80 ? x : -x);
}

static int take_ulaw(void *state, struct rf_view payload, int16_t *ret)
{
	(void)state;
	for (size_t i = 0; i < payload.n; i++)
		ret[i] = from_ulaw(payload.p[i]);
	return (int)payload.n;
}

static int take_alaw(void *state, struct rf_view payload, int16_t *ret)
{
	(void)state;
	for (size_t i = 0; i < payload.n; i++)
		ret[i] = from_alaw(payload.p[i]);
	return (int)payload.n;
}

static int put_ulaw(void *state, const int16_t *samples, size_t n, uint8_t *dst, size_t cap)
{
	(void)state;
	for (size_t i = 0; i < n && i < cap; i++)
		dst[i] = rf_tone_ulaw(samples[i]);
	return n <= cap ? (int)n : RF_E_SPACE;
}

static int put_alaw(void *state, const int16_t *samples, size_t n, uint8_t *dst, size_t cap)
{
	(void)state;
	for (size_t i = 0; i < n && i < cap; i++)
		dst[i] = rf_tone_alaw(samples[i]);
	return n <= cap ? (int)n : RF_E_SPACE;
}

static const struct rf_pcm_way ulaw = { "PCMU", 8000, RF_PCM_LOW, .in_take = take_ulaw, .out_put = put_ulaw };
static const struct rf_pcm_way alaw = { "PCMA", 8000, RF_PCM_LOW, .in_take = take_alaw, .out_put = put_alaw };

static const struct rf_pcm_way *way_of(enum rf_pcm_codec c)
{
	static const struct rf_pcm_way *const ways[RF_PCM_CODECS] = {
		[RF_PCM_PCMU] = &ulaw, [RF_PCM_PCMA] = &alaw, [RF_PCM_G722] = &rf_pcm_g722,
		[RF_PCM_OPUS] = &rf_pcm_opus,
	};

	return c < RF_PCM_CODECS ? ways[c] : NULL;
}

enum rf_pcm_codec rf_pcm_codec_of(struct rf_view name, uint32_t clock)
{
	for (unsigned c = RF_PCM_NONE + 1; c < RF_PCM_CODECS; c++) {
		const struct rf_pcm_way *w = way_of((enum rf_pcm_codec)c);

		if (w->clock == clock && rf_view_eq_nocase(name, rf_view_str(w->name)))
			return (enum rf_pcm_codec)c;
	}
	return RF_PCM_NONE;
}

const char *rf_pcm_text(enum rf_pcm_codec c)
{
	static const char *const texts[RF_PCM_CODECS] = {
		[RF_PCM_NONE] = "", [RF_PCM_PCMU] = "PCMU/8000", [RF_PCM_PCMA] = "PCMA/8000",
		[RF_PCM_G722] = "G722/8000",
		[RF_PCM_OPUS] = "opus/48000",
	};

	return c < RF_PCM_CODECS ? texts[c] : "";
}

uint32_t rf_pcm_rate(enum rf_pcm_codec c)
{
	const struct rf_pcm_way *w = way_of(c);

	return w ? w->rate : 0;
}

/* ---- both ways */

struct rf_pcm_in {
	const struct rf_pcm_way *way;
	void *state;
};
struct rf_pcm_out {
	const struct rf_pcm_way *way;
	void *state;
	uint32_t rate;
};

static bool fits(const struct rf_pcm_way *w, uint32_t rate)
{
	return w && (rate == RF_PCM_LOW || rate == w->rate);
}

int rf_pcm_in_new(enum rf_pcm_codec c, uint32_t rate, struct rf_pcm_in **ret_in)
{
	const struct rf_pcm_way *w = way_of(c);

	if (!fits(w, rate))
		return RF_E_UNSUPPORTED;
	struct rf_pcm_in *in = calloc(1, sizeof *in);

	if (!in)
		return -ENOMEM;
	in->way = w;
	if (w->in_new && !(in->state = w->in_new(rate))) {
		free(in);
		return -ENOMEM;
	}
	*ret_in = in;
	return 0;
}

void rf_pcm_in_free(struct rf_pcm_in *in)
{
	if (in && in->state)
		in->way->in_free(in->state);
	free(in);
}

int rf_pcm_in_take(struct rf_pcm_in *in, struct rf_view payload, int16_t ret[static RF_PCM_MOST], size_t *ret_n)
{
	/* A byte is at most two samples (G.722), and Opus keeps its own count. */
	if (payload.n == 0 || payload.n > RF_PCM_MOST / 2)
		return RF_E_MALFORMED;
	int n = in->way->in_take(in->state, payload, ret);

	if (n < 0)
		return RF_E_MALFORMED;
	*ret_n = (size_t)n;
	return 0;
}

int rf_pcm_out_new(enum rf_pcm_codec c, uint32_t rate, struct rf_pcm_out **ret_out)
{
	const struct rf_pcm_way *w = way_of(c);

	if (!fits(w, rate))
		return RF_E_UNSUPPORTED;
	struct rf_pcm_out *out = calloc(1, sizeof *out);

	if (!out)
		return -ENOMEM;
	out->way = w;
	out->rate = rate;
	if (w->out_new && !(out->state = w->out_new(rate))) {
		free(out);
		return -ENOMEM;
	}
	*ret_out = out;
	return 0;
}

void rf_pcm_out_free(struct rf_pcm_out *out)
{
	if (out && out->state)
		out->way->out_free(out->state);
	free(out);
}

void rf_pcm_out_set_bits(struct rf_pcm_out *out, uint32_t bits_s)
{
	if (out->way->out_set_bits && bits_s >= RF_PCM_BITS_MIN && bits_s <= RF_PCM_BITS_MAX)
		out->way->out_set_bits(out->state, bits_s);
}

int rf_pcm_out_put(struct rf_pcm_out *out, const int16_t *samples, size_t n, uint8_t *dst, size_t cap, size_t *ret_n)
{
	if (n == 0 || n > RF_PCM_MOST || n % (out->rate / 100))
		return RF_E_INVALID;
	int got = out->way->out_put(out->state, samples, n, dst, cap);

	if (got < 0)
		return got == RF_E_SPACE ? RF_E_SPACE : RF_E_INVALID;
	*ret_n = (size_t)got;
	return 0;
}

bool rf_pcm_silence(enum rf_pcm_codec c, uint8_t *payload, size_t *n)
{
	static const uint8_t bytes[RF_PCM_CODECS] = {
		[RF_PCM_PCMU] = SILENCE_PCMU, [RF_PCM_PCMA] = SILENCE_PCMA, [RF_PCM_G722] = SILENCE_G722,
	};

	if (c == RF_PCM_OPUS)
		return rf_pcm_opus_silence(payload, n);
	if (c >= RF_PCM_CODECS || !bytes[c])
		return false;
	memset(payload, bytes[c], *n);
	return true;
}
