/* Keys as tones: what we make has the right two frequencies, and what is heard is what was pressed,
 * through every codec. */
#include "ear.h"
#include "fail_alloc.h"
#include "media/dtmf_audio.h"
#include "media/pcm.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void test_made(void **state)
{
	int16_t samples[800];

	(void)state;
	for (unsigned key = 0; key < 16; key++) {
		rf_tones_make(key, 10, 8000, 0, samples, 400);
		rf_tones_make(key, 10, 8000, 400, samples + 400, 400);
		assert_int_equal(ear_key(samples, 800), key);
		/* 10 dB below the loudest sine that there is, plus 3.14 dB, as power. */
		double loud = ear_loud(samples, 800), want = 32767 / sqrt(2) * pow(10, -13.14 / 20);
		assert_true(fabs(loud - want) < want * 0.05);
		rf_tones_make(key, 0, 8000, 0, samples, 800);
		assert_int_equal(ear_key(samples, 800), key);
	}
}

/* All keys, 100 ms each and 100 ms between them, through this codec; returns what was heard. */
static void heard_through(enum rf_pcm_codec codec, const char *name)
{
	struct rf_tones *t;
	struct rf_pcm_out *out = NULL;
	struct rf_pcm_in *in = NULL;
	unsigned begun = 0, ended = 0;

	assert_int_equal(rf_tones_new(&t), 0);
	if (codec) {
		assert_int_equal(rf_pcm_in_new(codec, 8000, &in), 0);
		assert_int_equal(rf_pcm_out_new(codec, 8000, &out), 0);
	}
	for (unsigned frame = 0; frame < 16 * 10; frame++) {
		int16_t samples[RF_PCM_MOST] = { 0 };
		struct rf_tones_news news[RF_TONES_NEWS_MAX];
		size_t got = 160;

		if (frame % 10 < 5)
			rf_tones_make(frame / 10, 8, 8000, frame % 10 * 160, samples, 160);
		if (codec) {
			uint8_t bytes[RF_PCM_BYTES_MAX];
			size_t n;

			assert_int_equal(rf_pcm_out_put(out, samples, 160, bytes, sizeof bytes, &n), 0);
			assert_int_equal(rf_pcm_in_take(in, rf_view_of(bytes, n), samples, &got), 0);
		}
		int n = rf_tones_take(t, samples, got, news);
		for (int i = 0; i < n; i++) {
			unsigned *which = news[i].end ? &ended : &begun;

			if (news[i].event != (*which)++)
				fail_msg("%s: %u is heard as %u", name, *which - 1, news[i].event);
			if (news[i].end)
				assert_in_range(news[i].ms, 60, 140);
		}
		if (frame % 10 == 4)
			assert_true(rf_tones_maybe(t));
		if (frame % 10 == 9)
			assert_false(rf_tones_maybe(t));
	}
	if (begun != 16 || ended != 16)
		fail_msg("%s: %u keys begun, %u ended", name, begun, ended);
	rf_tones_free(t);
	rf_pcm_in_free(in);
	rf_pcm_out_free(out);
}

static void test_heard(void **state)
{
	(void)state;
	heard_through(RF_PCM_NONE, "itself");
	heard_through(RF_PCM_PCMU, "PCMU");
	heard_through(RF_PCM_PCMA, "PCMA");
	heard_through(RF_PCM_G722, "G722");
	heard_through(RF_PCM_OPUS, "opus");
}

/* Single tones and noise are no keys. */
static void test_others(void **state)
{
	struct rf_tones_news news[RF_TONES_NEWS_MAX];
	struct rf_tones *t;
	int16_t samples[160];
	uint32_t x = 1;

	(void)state;
	assert_int_equal(rf_tones_new(&t), 0);
	for (unsigned i = 0; i < 200; i++) {
		ear_sine(samples, 160, 8000, i < 50 ? 697 : i < 100 ? 1336 : 440, 8000, i * 160);
		for (unsigned k = 0; i >= 150 && k < 160; k++) {
			x = x * 1664525 + 1013904223;
			samples[k] = (int16_t)(x >> 17);
		}
		assert_int_equal(rf_tones_take(t, samples, 160, news), 0);
	}
	rf_tones_free(t);
	rf_tones_free(NULL);
	fail_alloc_at(1);
	assert_int_equal(rf_tones_new(&t), -ENOMEM);
	assert_true(fail_alloc_off());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_made), cmocka_unit_test(test_heard), cmocka_unit_test(test_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
