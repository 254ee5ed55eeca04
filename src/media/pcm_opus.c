/* Around libopus, one channel (a stream of two is mixed by its decoder), at the rate that is wanted: libopus itself
 * goes between that and the 48,000 of its RTP clock (RFC 7587). */
#include "media/pcm_int.h"

#include <opus/opus.h>

enum {
	BITS_S = 32000,  /* speech of 16,000 samples a second needs no more */
	EFFORT = 5,      /* of 10; what a phone's own does */
};

static void *in_new(uint32_t rate)
{
	int err;

	return opus_decoder_create((opus_int32)rate, 1, &err);
}

static void in_free(void *state)
{
	opus_decoder_destroy(state);
}

static int in_take(void *state, struct rf_view payload, int16_t *ret)
{
	return opus_decode(state, payload.p, (opus_int32)payload.n, ret, RF_PCM_MOST, 0);
}

static void *out_new(uint32_t rate)
{
	int err;
	OpusEncoder *e = opus_encoder_create((opus_int32)rate, 1, OPUS_APPLICATION_VOIP, &err);

	if (e) {
		opus_encoder_ctl(e, OPUS_SET_BITRATE(BITS_S));
		opus_encoder_ctl(e, OPUS_SET_COMPLEXITY(EFFORT));
	}
	return e;
}

static void out_free(void *state)
{
	opus_encoder_destroy(state);
}

static int out_put(void *state, const int16_t *samples, size_t n, uint8_t *dst, size_t cap)
{
	opus_int32 got =
		opus_encode(state, samples, (int)n, dst, (opus_int32)(cap < RF_PCM_BYTES_MAX ? cap : RF_PCM_BYTES_MAX));

	return got == OPUS_BUFFER_TOO_SMALL ? RF_E_SPACE : (int)got;
}

static void out_set_bits(void *state, uint32_t bits_s)
{
	opus_encoder_ctl(state, OPUS_SET_BITRATE((opus_int32)bits_s));
}

/* RFC 6716 3.1, 3.2: as many frames of the same length as before, each with no bytes: nothing was sent (2.1.9). */
bool rf_pcm_opus_silence(uint8_t *payload, size_t *n)
{
	unsigned code;

	if (*n == 0)
		return false;
	code = payload[0] & 3;
	if (code == 3 && (*n < 2 || (payload[1] & 0x3f) == 0 || (payload[1] & 0x3f) > 48))
		return false;
	if (code == 3)
		payload[1] &= 0x3f;
	else
		payload[0] = (uint8_t)((payload[0] & ~3u) | (code > 0));
	*n = code == 3 ? 2 : 1;
	return true;
}

const struct rf_pcm_way rf_pcm_opus = { "opus", 48000, RF_PCM_HIGH, in_new, in_free, in_take, out_new, out_free, out_put,
					out_set_bits };
