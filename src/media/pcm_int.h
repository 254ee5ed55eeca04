/* What stands behind pcm.h: one row for each codec. */
#ifndef RF_MEDIA_PCM_INT_H
#define RF_MEDIA_PCM_INT_H

#include "media/pcm.h"

struct rf_pcm_way {
	const char *name;
	uint32_t clock, rate;        /* of RTP; the fastest that is carried */
	/* NULL: out of memory. Without one the codec has no state. */
	void *(*in_new)(uint32_t rate);
	void (*in_free)(void *state);
	/* Samples; negative: malformed. */
	int (*in_take)(void *state, struct rf_view payload, int16_t *ret);
	void *(*out_new)(uint32_t rate);
	void (*out_free)(void *state);
	/* Bytes; negative: an error. n bytes at most for n samples, and RF_PCM_BYTES_MAX. */
	int (*out_put)(void *state, const int16_t *samples, size_t n, uint8_t *dst, size_t cap);
	void (*out_set_bits)(void *state, uint32_t bits_s); /* NULL: it has one rate */
};

extern const struct rf_pcm_way rf_pcm_g722, rf_pcm_opus; /* pcm_g722.c, pcm_opus.c */
bool rf_pcm_opus_silence(uint8_t *payload, size_t *n);

#endif
