/* Keys pressed as two tones in the sound itself (ITU-T Q.23, Q.24): heard by spandsp's receiver, made
 * by two sines. Samples of
 * 16 bits. Threads: any, each object one at a time. */
#ifndef RF_MEDIA_DTMF_AUDIO_H
#define RF_MEDIA_DTMF_AUDIO_H

#include "base/err.h"

#include <stdbool.h>

struct rf_tones;

struct rf_tones_news {
	bool end;                    /* else: begin */
	uint8_t event;               /* 0..15 as in rtp/dtmf.h */
	uint32_t ms;                 /* of an end */
};
enum { RF_TONES_NEWS_MAX = 12 };     /* of 120 ms, looked at in pieces of 12.75 */

int rf_tones_new(struct rf_tones **ret_tones); /* -ENOMEM */
void rf_tones_free(struct rf_tones *t);        /* NULL is fine */
/* Samples at 8000 a second, at most 120 ms of them. Returns how many news, in order. */
int rf_tones_take(struct rf_tones *t, const int16_t *samples, size_t n,
		  struct rf_tones_news ret[static RF_TONES_NEWS_MAX]);
/* Is a key sounding, or may it be that one begins to? */
bool rf_tones_maybe(struct rf_tones *t);

/* Samples [at, at + n) of this key (0..15) so many dB below the loudest (0..63), at this rate. */
void rf_tones_make(unsigned event, unsigned volume, uint32_t rate, uint32_t at, int16_t *dst, size_t n);

#endif
