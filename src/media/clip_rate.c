/* Around speexdsp's resampler. */
#include "media/clip_int.h"

#include <speex/speex_resampler.h>

enum { QUALITY = 7 };

int rf_clip_halve(const int16_t *src, size_t n, int16_t *dst, size_t *ret_n)
{
	spx_uint32_t in = (spx_uint32_t)n, out = (spx_uint32_t)(n + 1) / 2;
	int err;
	SpeexResamplerState *s = speex_resampler_init(1, 16000, 8000, QUALITY, &err);

	if (!s)
		return -ENOMEM;
	speex_resampler_skip_zeros(s);
	speex_resampler_process_int(s, 0, src, &in, dst, &out);
	speex_resampler_destroy(s);
	*ret_n = out;
	return 0;
}
