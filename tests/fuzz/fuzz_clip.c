/* A sound of any bytes: what is taken has as many samples as it says, at both rates; and payloads of any bytes through each
 * codec stay within their bounds. The first byte says which codec. */
#include "media/clip.h"
#include "media/pcm.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define MUST(cond) \
	do { \
		if (!(cond)) { \
			fprintf(stderr, "line %d: %s\n", __LINE__, #cond); \
			abort(); \
		} \
	} while (0)

static void payload(unsigned codec, struct rf_view v)
{
	int16_t samples[RF_PCM_MOST];
	uint8_t bytes[RF_PCM_MOST];
	struct rf_pcm_in *in;
	size_t n, left = v.n < sizeof bytes ? v.n : sizeof bytes;

	MUST(rf_pcm_in_new((enum rf_pcm_codec)codec, RF_PCM_LOW, &in) == 0);
	if (rf_pcm_in_take(in, v, samples, &n) == 0)
		MUST(n <= RF_PCM_MOST);
	rf_pcm_in_free(in);
	if (!left)
		return;
	memcpy(bytes, v.p, left);
	n = left;
	if (rf_pcm_silence((enum rf_pcm_codec)codec, bytes, &n))
		MUST(n > 0 && n <= left);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rf_clip *c;
	const char *why = NULL;
	size_t low, own;

	if (rf_clip_parse(rf_view_of(data, n), &c, &why) == 0) {
		MUST(rf_clip_samples(c, RF_PCM_LOW, &low) && rf_clip_samples(c, rf_clip_rate(c), &own));
		MUST(own * 2 <= n && low <= own);
		rf_clip_drop(c);
	} else {
		MUST(why);
	}
	if (n)
		payload(1 + data[0] % (RF_PCM_CODECS - 1), rf_view_of(data + 1, n - 1));
	return 0;
}
