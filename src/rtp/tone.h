/* Tones that tell people what happened to their call, as G.711 at 8000 samples a second. They are sums of sines whose
 * frequencies are multiples of 20 Hz, so one period of 50 ms, made once, is all there is to them.
 * Wire room: no socket, clock or log. Threads: any. */
#ifndef RF_RTP_TONE_H
#define RF_RTP_TONE_H

#include "base/view.h"

enum rf_tone {
	RF_TONE_PREEMPTION, /* 440 and 620 Hz, steady: somebody of higher precedence has taken the place of this call */
	RF_TONES,
};

enum rf_tone_code { RF_TONE_PCMU, RF_TONE_PCMA, RF_TONE_CODES };

enum {
	RF_TONE_PERIOD = 400,       /* samples in 50 ms */
	RF_TONE_FRAME = 160,        /* samples in the 20 ms of a packet */
};

struct rf_tone_wave {
	uint8_t sample[RF_TONE_PERIOD];
};

void rf_tone_make(enum rf_tone tone, enum rf_tone_code code, struct rf_tone_wave *ret_wave);
/* The frame that begins at this sample of the tone. */
void rf_tone_frame(const struct rf_tone_wave *wave, uint32_t at, uint8_t dst[static RF_TONE_FRAME]);

/* G.711 of a sample of 16 bits. */
uint8_t rf_tone_ulaw(int sample);
uint8_t rf_tone_alaw(int sample);

#endif
