#include "rtp/tone.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

/* As another implementation has them (Python's audioop, after Sun's g711.c). */
static void test_g711(void **state)
{
	static const struct {
		int sample;
		uint8_t ulaw, alaw;
	} rows[] = {
		{ -32768, 0x00, 0x2a }, { -32767, 0x00, 0x2a }, { -16384, 0x0f, 0x3a }, { -8160, 0x1f, 0x0a },
		{ -1000, 0x4e, 0x7a }, { -256, 0x67, 0x5a }, { -255, 0x67, 0x5a }, { -33, 0x7a, 0x57 },
		{ -32, 0x7b, 0x54 }, { -31, 0x7b, 0x54 }, { -8, 0x7e, 0x55 }, { -4, 0x7e, 0x55 }, { -3, 0x7e, 0x55 },
		{ -1, 0x7e, 0x55 }, { 0, 0xff, 0xd5 }, { 1, 0xff, 0xd5 }, { 3, 0xff, 0xd5 }, { 4, 0xfe, 0xd5 },
		{ 7, 0xfe, 0xd5 }, { 8, 0xfe, 0xd5 }, { 15, 0xfd, 0xd5 }, { 16, 0xfd, 0xd4 }, { 31, 0xfb, 0xd4 },
		{ 32, 0xfb, 0xd7 }, { 33, 0xfb, 0xd7 }, { 255, 0xe7, 0xda }, { 256, 0xe7, 0xc5 }, { 257, 0xe7, 0xc5 },
		{ 1000, 0xce, 0xfa }, { 4095, 0xaf, 0x9a }, { 4096, 0xaf, 0x85 }, { 8159, 0x9f, 0x8a },
		{ 12345, 0x97, 0xbd }, { 16384, 0x8f, 0xa5 }, { 32635, 0x80, 0xaa }, { 32767, 0x80, 0xaa },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (rf_tone_ulaw(rows[i].sample) != rows[i].ulaw || rf_tone_alaw(rows[i].sample) != rows[i].alaw)
			printf("sample %d\n", rows[i].sample);
		assert_int_equal(rf_tone_ulaw(rows[i].sample), rows[i].ulaw);
		assert_int_equal(rf_tone_alaw(rows[i].sample), rows[i].alaw);
	}
}

/* G.711 backwards: mu-law, table 2a. */
static double heard(uint8_t code)
{
	unsigned x = (uint8_t)~code;
	double magnitude = (double)((((x & 0x0f) << 1) + 33) << (x >> 4 & 7)) - 33;

	return x & 0x80 ? -magnitude : magnitude;
}

static double power(const uint8_t *frame, unsigned n, double hz)
{
	double re = 0, im = 0;

	for (unsigned i = 0; i < n; i++) {
		re += heard(frame[i]) * cos(2 * M_PI * hz * i / 8000);
		im += heard(frame[i]) * sin(2 * M_PI * hz * i / 8000);
	}
	return (re * re + im * im) / n / n;
}

/* Two tones, of equal strength, and nothing beside them; without a click where periods and frames meet. */
static void test_preemption(void **state)
{
	struct rf_tone_wave wave;
	uint8_t sound[40 * RF_TONE_FRAME];
	double low, high;

	(void)state;
	rf_tone_make(RF_TONE_PREEMPTION, RF_TONE_PCMU, &wave);
	for (unsigned i = 0; i < 40; i++)
		rf_tone_frame(&wave, i * RF_TONE_FRAME, sound + (size_t)i * RF_TONE_FRAME);
	low = power(sound, sizeof sound, 440);
	high = power(sound, sizeof sound, 620);
	assert_true(low > high * 0.9 && low < high * 1.1);
	for (unsigned hz = 100; hz < 3900; hz += 20)
		if (hz != 440 && hz != 620)
			assert_true(power(sound, sizeof sound, hz) < low / 1000);
	for (unsigned i = 0; i + RF_TONE_PERIOD < sizeof sound; i++)
		assert_int_equal(sound[i], sound[i + RF_TONE_PERIOD]);
}

static void test_both_codes_say_the_same(void **state)
{
	struct rf_tone_wave u, a;

	(void)state;
	rf_tone_make(RF_TONE_PREEMPTION, RF_TONE_PCMU, &u);
	rf_tone_make(RF_TONE_PREEMPTION, RF_TONE_PCMA, &a);
	for (unsigned i = 0; i < RF_TONE_PERIOD; i++)
		if (fabs(heard(u.sample[i])) > 20) /* the sign is the first bit of both */
			assert_int_equal(u.sample[i] & 0x80, a.sample[i] & 0x80);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_g711),
		cmocka_unit_test(test_preemption),
		cmocka_unit_test(test_both_codes_say_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
