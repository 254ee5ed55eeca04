#include "rtp/tone.h"

#include <math.h>

enum { RATE = 8000, PARTS_MAX = 2 };

/* Each at -16 dBm0, where a sine of full scale is about +3 dBm0: clear, and not louder than a voice. */
#define PART_PEAK 3680.0

static const struct {
	unsigned hz[PARTS_MAX]; /* multiples of 20; 0: none */
} tones[RF_TONES] = {
	[RF_TONE_PREEMPTION] = { { 440, 620 } },
};

/* The highest bit that is set among the upper seven of 14 bits: which of eight segments. */
static unsigned segment_of(unsigned magnitude, unsigned lowest)
{
	unsigned s = 0;

	while (s < 7 && magnitude >> (lowest + s))
		s++;
	return s;
}

/* ITU-T G.711 table 2: 14 bits and a bias of 33, all bits inverted. */
uint8_t rf_tone_ulaw(int sample)
{
	enum { BIAS = 33, MOST = 8191 };
	unsigned sign = sample < 0 ? 0x80 : 0, magnitude = (unsigned)(sample < 0 ? -sample + 3 : sample) >> 2;

	magnitude = (magnitude > MOST - BIAS ? MOST - BIAS : magnitude) + BIAS;
	unsigned segment = segment_of(magnitude, 6);

	return (uint8_t)~(sign | segment << 4 | (magnitude >> (segment + 1) & 0x0f));
}

/* ITU-T G.711 table 1: 13 bits with the sign, every other bit inverted. */
uint8_t rf_tone_alaw(int sample)
{
	unsigned sign = sample < 0 ? 0 : 0x80, magnitude = (unsigned)(sample < 0 ? -sample - 1 : sample) >> 3;
	unsigned segment = segment_of(magnitude, 5);

	return (uint8_t)((sign | segment << 4 | (magnitude >> (segment ? segment : 1) & 0x0f)) ^ 0x55);
}

void rf_tone_make(enum rf_tone tone, enum rf_tone_code code, struct rf_tone_wave *ret_wave)
{
	for (unsigned i = 0; i < RF_TONE_PERIOD; i++) {
		double sum = 0;

		for (unsigned k = 0; k < PARTS_MAX; k++)
			sum += PART_PEAK * sin(2 * M_PI * tones[tone].hz[k] * i / RATE);
		int sample = (int)lrint(sum);

		ret_wave->sample[i] = code == RF_TONE_PCMU ? rf_tone_ulaw(sample) : rf_tone_alaw(sample);
	}
}

void rf_tone_frame(const struct rf_tone_wave *wave, uint32_t at, uint8_t dst[static RF_TONE_FRAME])
{
	for (unsigned i = 0; i < RF_TONE_FRAME; i++)
		dst[i] = wave->sample[(at + i) % RF_TONE_PERIOD];
}
