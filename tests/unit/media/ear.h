/* Which tones are in samples: a filter for one frequency (Goertzel), so that nothing of what is
 * tested judges itself. */
#ifndef RF_TEST_MEDIA_EAR_H
#define RF_TEST_MEDIA_EAR_H

#include <stddef.h>
#include <stdint.h>

/* The peak of a sine of this frequency in the samples. */
double ear_peak(const int16_t *samples, size_t n, unsigned rate, double hz);
/* The mean of the squares, as a root. */
double ear_loud(const int16_t *samples, size_t n);
void ear_sine(int16_t *dst, size_t n, unsigned rate, double hz, double peak, size_t at);
/* The key of DTMF (0..15) in samples at 8000 a second, -1: none or more than one. */
int ear_key(const int16_t *samples, size_t n);

#endif
