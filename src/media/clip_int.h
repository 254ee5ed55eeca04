#ifndef RF_MEDIA_CLIP_INT_H
#define RF_MEDIA_CLIP_INT_H

#include "media/clip.h"

/* clip_rate.c: n samples at 16,000 a second become *ret_n (n / 2, rounded up, at most) at 8000. -ENOMEM. */
int rf_clip_halve(const int16_t *src, size_t n, int16_t *dst, size_t *ret_n);

#endif
