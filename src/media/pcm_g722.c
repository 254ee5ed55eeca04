/* Around spandsp's G.722 at 64 kbit/s. The clock of its RTP is 8000 for 16,000 samples a second (RFC 3551 4.5.2). */
#include "media/pcm_int.h"

#include <spandsp/telephony.h>
#include <spandsp/g722.h>

enum { BITS_S = 64000 };

static int options(uint32_t rate)
{
	return rate == RF_PCM_LOW ? G722_SAMPLE_RATE_8000 : 0;
}

static void *in_new(uint32_t rate)
{
	return g722_decode_init(NULL, BITS_S, options(rate));
}

static void in_free(void *state)
{
	g722_decode_free(state);
}

static int in_take(void *state, struct rf_view payload, int16_t *ret)
{
	return g722_decode(state, ret, payload.p, (int)payload.n);
}

static void *out_new(uint32_t rate)
{
	return g722_encode_init(NULL, BITS_S, options(rate));
}

static void out_free(void *state)
{
	g722_encode_free(state);
}

static int out_put(void *state, const int16_t *samples, size_t n, uint8_t *dst, size_t cap)
{
	return n <= cap ? g722_encode(state, dst, samples, (int)n) : RF_E_SPACE;
}

const struct rf_pcm_way rf_pcm_g722 = { "G722", 8000, RF_PCM_HIGH, in_new, in_free, in_take, out_new, out_free, out_put,
					NULL };
