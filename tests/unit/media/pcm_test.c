/* Codecs: a tone goes in and the same one comes out, silence is silent, and bytes that are none of
 * theirs harm nothing. */
#include "ear.h"
#include "fail_alloc.h"
#include "media/pcm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { FRAMES = 25 };

static const struct {
	const char *name;
	uint32_t clock;
	enum rf_pcm_codec codec;
	uint32_t rate;
	double hz;
} rows[] = {
	{ "pcmu", 8000, RF_PCM_PCMU, 8000, 1000 }, { "PCMA", 8000, RF_PCM_PCMA, 8000, 1000 },
	{ "G722", 8000, RF_PCM_G722, 8000, 1000 }, { "g722", 8000, RF_PCM_G722, 16000, 5000 },
	{ "opus", 48000, RF_PCM_OPUS, 8000, 1000 }, { "OPUS", 48000, RF_PCM_OPUS, 16000, 5000 },
};
enum { ROWS = sizeof rows / sizeof *rows };

struct both {
	struct rf_pcm_in *in;
	struct rf_pcm_out *out;
	uint8_t payload[RF_PCM_BYTES_MAX];
	size_t n;
	int16_t heard[FRAMES * 320];
	size_t n_heard;
};

static void begin(struct both *b, size_t row)
{
	*b = (struct both){ 0 };
	assert_int_equal(rf_pcm_in_new(rows[row].codec, rows[row].rate, &b->in), 0);
	assert_int_equal(rf_pcm_out_new(rows[row].codec, rows[row].rate, &b->out), 0);
}

static void end(struct both *b)
{
	rf_pcm_in_free(b->in);
	rf_pcm_out_free(b->out);
}

static void encode(struct both *b, size_t row, size_t frame, double peak)
{
	int16_t samples[320];
	size_t n = rows[row].rate / 50;

	ear_sine(samples, n, rows[row].rate, rows[row].hz, peak, frame * n);
	assert_int_equal(rf_pcm_out_put(b->out, samples, n, b->payload, sizeof b->payload, &b->n), 0);
}

static void decode(struct both *b)
{
	int16_t samples[RF_PCM_MOST];
	size_t n;

	assert_int_equal(rf_pcm_in_take(b->in, rf_view_of(b->payload, b->n), samples, &n), 0);
	assert_true(b->n_heard + n <= sizeof b->heard / sizeof b->heard[0]);
	memcpy(b->heard + b->n_heard, samples, n * sizeof *samples);
	b->n_heard += n;
}

static void test_tone(void **state)
{
	(void)state;
	for (size_t row = 0; row < ROWS; row++) {
		struct both b;

		assert_int_equal(rf_pcm_codec_of(rf_view_str(rows[row].name), rows[row].clock), rows[row].codec);
		begin(&b, row);
		for (size_t i = 0; i < FRAMES; i++) {
			encode(&b, row, i, 8000);
			decode(&b);
		}
		size_t n = rows[row].rate / 50;

		assert_int_equal(b.n_heard, FRAMES * n);
		/* The second half: codecs that adapt have done so. */
		const int16_t *late = b.heard + n * (FRAMES / 2);
		double peak = ear_peak(late, n * 12, rows[row].rate, rows[row].hz), loud = ear_loud(late, n * 12);

		if (peak < 5500 || peak > 10500 || loud > peak * 0.75)
			fail_msg("%s: peak %.0f of 8000, loud %.0f", rows[row].name, peak, loud);
		end(&b);
	}
}

static void test_silence(void **state)
{
	(void)state;
	for (size_t row = 0; row < ROWS; row++) {
		struct both b;

		begin(&b, row);
		for (size_t i = 0; i < FRAMES; i++) {
			encode(&b, row, i, 8000);
			size_t n = b.n;

			if (i >= 5 && i < 20) {
				assert_true(rf_pcm_silence(rows[row].codec, b.payload, &b.n));
				assert_true(b.n <= n);
			}
			decode(&b);
		}
		size_t n = rows[row].rate / 50;

		assert_int_equal(b.n_heard, FRAMES * n);
		assert_true(ear_loud(b.heard + 3 * n, 2 * n) > 4000);
		double rest = ear_loud(b.heard + 12 * n, 8 * n), again = ear_loud(b.heard + 22 * n, 3 * n);

		if (rest > 50 || again < 3000 || again > 8000)
			fail_msg("%s: %.0f, %.0f afterwards", rows[row].name, rest, again);
		end(&b);
	}
	uint8_t byte = 0;
	size_t n = 1;
	assert_false(rf_pcm_silence(RF_PCM_NONE, &byte, &n));
	assert_false(rf_pcm_silence(RF_PCM_CODECS, &byte, &n));
	n = 0;
	assert_false(rf_pcm_silence(RF_PCM_OPUS, &byte, &n));
}

/* Packets of Opus with several frames last as long as before. */
static void test_opus_frames(void **state)
{
	static const struct {
		uint8_t bytes[8], n, want[2], want_n;
	} packets[] = {
		{ { 0x48, 1, 2, 3 }, 4, { 0x48 }, 1 }, { { 0x49, 1, 2, 3, 4 }, 5, { 0x49 }, 1 },
		{ { 0x4a, 1, 2, 3 }, 4, { 0x49 }, 1 }, { { 0x4b, 0x03, 1, 2, 3 }, 5, { 0x4b, 0x03 }, 2 },
		{ { 0x4b, 0x83, 1, 1, 1, 2, 3 }, 7, { 0x4b, 0x03 }, 2 }, { { 0x4b, 0x00, 1 }, 3, { 0 }, 0 },
		{ { 0x4b, 49, 1 }, 3, { 0 }, 0 }, { { 0x4b }, 1, { 0 }, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof packets / sizeof *packets; i++) {
		uint8_t buf[8];
		size_t n = packets[i].n;

		memcpy(buf, packets[i].bytes, n);
		assert_int_equal(rf_pcm_silence(RF_PCM_OPUS, buf, &n), packets[i].want_n > 0);
		if (packets[i].want_n) {
			struct rf_pcm_in *in;
			int16_t samples[RF_PCM_MOST];
			size_t got;

			assert_int_equal(n, packets[i].want_n);
			assert_memory_equal(buf, packets[i].want, n);
			assert_int_equal(rf_pcm_in_new(RF_PCM_OPUS, 8000, &in), 0);
			assert_int_equal(rf_pcm_in_take(in, rf_view_of(buf, n), samples, &got), 0);
			rf_pcm_in_free(in);
		}
	}
}

static void test_all_of_g711(void **state)
{
	(void)state;
	for (unsigned codec = RF_PCM_PCMU; codec <= RF_PCM_PCMA; codec++) {
		struct rf_pcm_in *in;
		struct rf_pcm_out *out;
		int16_t samples[RF_PCM_MOST];
		uint8_t all[256], back[256];
		size_t n, m = 0;

		assert_int_equal(rf_pcm_in_new(codec, 8000, &in), 0);
		assert_int_equal(rf_pcm_out_new(codec, 8000, &out), 0);
		for (unsigned i = 0; i < 256; i++)
			all[i] = (uint8_t)i;
		assert_int_equal(rf_pcm_in_take(in, rf_view_of(all, 256), samples, &n), 0);
		assert_int_equal(n, 256);
		/* 240 samples are three times 10 ms; the rest follows. */
		assert_int_equal(rf_pcm_out_put(out, samples, 240, back, sizeof back, &m), 0);
		assert_int_equal(rf_pcm_out_put(out, samples + 176, 80, back + 176, 80, &m), 0);
		for (unsigned i = 0; i < 256; i++)
			if (back[i] != i && !(codec == RF_PCM_PCMU && i == 0x7f)) /* two ways to say nothing */
				fail_msg("codec %u: %u comes back as %u", codec, i, back[i]);
		rf_pcm_in_free(in);
		rf_pcm_out_free(out);
	}
}

static void test_bounds(void **state)
{
	static int16_t samples[RF_PCM_MOST];
	uint8_t big[RF_PCM_MOST] = { 0 };
	struct both b;
	size_t n;

	(void)state;
	assert_int_equal(rf_pcm_codec_of(RF_V("opus"), 8000), RF_PCM_NONE);
	assert_int_equal(rf_pcm_codec_of(RF_V("G729"), 8000), RF_PCM_NONE);
	assert_int_equal(rf_pcm_rate(RF_PCM_NONE), 0);
	assert_int_equal(rf_pcm_rate(RF_PCM_OPUS), 16000);
	assert_int_equal(rf_pcm_in_new(RF_PCM_NONE, 8000, &b.in), RF_E_UNSUPPORTED);
	assert_int_equal(rf_pcm_in_new(RF_PCM_PCMU, 16000, &b.in), RF_E_UNSUPPORTED);
	assert_int_equal(rf_pcm_out_new(RF_PCM_PCMA, 16000, &b.out), RF_E_UNSUPPORTED);
	for (size_t row = 0; row < ROWS; row++) {
		begin(&b, row);
		assert_int_equal(rf_pcm_in_take(b.in, (struct rf_view){ 0 }, samples, &n), RF_E_MALFORMED);
		assert_int_equal(rf_pcm_in_take(b.in, rf_view_of(big, RF_PCM_MOST / 2 + 1), samples, &n),
				 RF_E_MALFORMED);
		assert_int_equal(rf_pcm_out_put(b.out, samples, 0, big, sizeof big, &n), RF_E_INVALID);
		assert_int_equal(rf_pcm_out_put(b.out, samples, 81, big, sizeof big, &n), RF_E_INVALID);
		assert_int_equal(rf_pcm_out_put(b.out, samples, RF_PCM_MOST + 160, big, sizeof big, &n), RF_E_INVALID);
		if (rows[row].codec != RF_PCM_OPUS)
			assert_int_equal(rf_pcm_out_put(b.out, samples, 160, big, 79, &n), RF_E_SPACE);
		/* Whatever comes: within the bounds, or malformed. */
		for (unsigned i = 0; i < 2000; i++) {
			size_t len = 1 + (unsigned)rand() % 300;

			for (size_t k = 0; k < len; k++)
				big[k] = (uint8_t)rand();
			if (rf_pcm_in_take(b.in, rf_view_of(big, len), samples, &n) == 0)
				assert_true(n <= RF_PCM_MOST);
			rf_pcm_silence(rows[row].codec, big, &len);
		}
		end(&b);
	}
	rf_pcm_in_free(NULL);
	rf_pcm_out_free(NULL);
}

static void test_memory(void **state)
{
	struct rf_pcm_in *in;
	struct rf_pcm_out *out;

	(void)state;
	fail_alloc_at(1);
	assert_int_equal(rf_pcm_in_new(RF_PCM_OPUS, 8000, &in), -ENOMEM);
	assert_true(fail_alloc_off());
	fail_alloc_at(1);
	assert_int_equal(rf_pcm_out_new(RF_PCM_G722, 8000, &out), -ENOMEM);
	assert_true(fail_alloc_off());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tone), cmocka_unit_test(test_silence), cmocka_unit_test(test_opus_frames),
		cmocka_unit_test(test_all_of_g711), cmocka_unit_test(test_bounds), cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
