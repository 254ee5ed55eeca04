#include "ear.h"

#include <math.h>

double ear_peak(const int16_t *samples, size_t n, unsigned rate, double hz)
{
	double re = 0, im = 0;

	for (size_t i = 0; i < n; i++) {
		re += samples[i] * cos(2 * M_PI * hz * (double)i / rate);
		im += samples[i] * sin(2 * M_PI * hz * (double)i / rate);
	}
	return 2 * sqrt(re * re + im * im) / (double)n;
}

double ear_loud(const int16_t *samples, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)samples[i] * samples[i];
	return sqrt(sum / (double)n);
}

void ear_sine(int16_t *dst, size_t n, unsigned rate, double hz, double peak, size_t at)
{
	for (size_t i = 0; i < n; i++)
		dst[i] = (int16_t)lrint(peak * sin(2 * M_PI * hz * (double)(at + i) / rate));
}

static int loudest(const int16_t *samples, size_t n, const double hz[4])
{
	double all = ear_loud(samples, n), peak;
	int found = -1;

	for (int i = 0; i < 4; i++) {
		peak = ear_peak(samples, n, 8000, hz[i]);
		if (peak < 100 || peak < all * 0.7)
			continue;
		if (found >= 0)
			return -1;
		found = i;
	}
	return found;
}

int ear_key(const int16_t *samples, size_t n)
{
	static const int8_t keys[4][4] = { { 1, 2, 3, 12 }, { 4, 5, 6, 13 }, { 7, 8, 9, 14 }, { 10, 0, 11, 15 } };
	int low = loudest(samples, n, (const double[]){ 697, 770, 852, 941 });
	int high = loudest(samples, n, (const double[]){ 1209, 1336, 1477, 1633 });

	return low < 0 || high < 0 ? -1 : keys[low][high];
}
