/* Sounds: files that are played, files that are not, and the folder. */
#include "ear.h"
#include "fail_alloc.h"
#include "media/clip.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static size_t wav(uint8_t *dst, uint32_t rate, unsigned channels, unsigned bits, unsigned format,
		  const int16_t *samples, size_t n)
{
	uint32_t bytes = (uint32_t)n * 2, all = bytes + 36 + 10;
	uint8_t head[54] = "RIFF....WAVELIST\x01\0\0\0x\0fmt \x10\0\0\0";

	memcpy(head + 4, &all, 4);
	memcpy(head + 30, (uint16_t[]){ (uint16_t)format, (uint16_t)channels }, 4);
	memcpy(head + 34, (uint32_t[]){ rate, rate * 2 }, 8);
	memcpy(head + 42, (uint16_t[]){ 2, (uint16_t)bits }, 4);
	memcpy(head + 46, "data", 4);
	memcpy(head + 50, &bytes, 4);
	memcpy(dst, head, sizeof head);
	memcpy(dst + sizeof head, samples, bytes);
	return sizeof head + bytes;
}

static void test_good(void **state)
{
	int16_t samples[8000];
	uint8_t bytes[20000];

	(void)state;
	for (uint32_t rate = 8000; rate <= 16000; rate += 8000) {
		struct rf_clip *c;
		const char *why;
		size_t n;

		ear_sine(samples, 8000, rate, 1000, 8000, 0);
		assert_int_equal(rf_clip_parse(rf_view_of(bytes, wav(bytes, rate, 1, 16, 1, samples, 8000)), &c, &why), 0);
		assert_int_equal(rf_clip_rate(c), rate);
		assert_int_equal(rf_clip_ms(c), 8000000 / rate);
		const int16_t *own = rf_clip_samples(c, rate, &n);
		assert_int_equal(n, 8000);
		assert_memory_equal(own, samples, sizeof samples);
		const int16_t *low = rf_clip_samples(c, 8000, &n);
		assert_in_range(n, rate == 8000 ? 8000 : 3900, rate == 8000 ? 8000 : 4000);
		assert_true(ear_peak(low + 800, 1600, 8000, 1000) > 7500);
		assert_ptr_equal(rf_clip_hold(c), c);
		rf_clip_drop(c);
		rf_clip_drop(c);
	}
	rf_clip_drop(NULL);
}

static void test_bad(void **state)
{
	static const struct { uint32_t rate; unsigned channels, bits, format; } kinds[] = {
		{ 44100, 1, 16, 1 }, { 8000, 2, 16, 1 }, { 8000, 1, 8, 1 }, { 8000, 1, 16, 7 }, { 0, 1, 16, 1 },
	};
	int16_t samples[100] = { 0 };
	uint8_t bytes[400];
	struct rf_clip *c;
	const char *why;

	(void)state;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		size_t n = wav(bytes, kinds[i].rate, kinds[i].channels, kinds[i].bits, kinds[i].format, samples, 100);

		assert_int_equal(rf_clip_parse(rf_view_of(bytes, n), &c, &why), RF_E_UNSUPPORTED);
		assert_non_null(strstr(why, "one channel"));
	}
	size_t n = wav(bytes, 8000, 1, 16, 1, samples, 100);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(rf_clip_parse(rf_view_of(bytes, i), &c, &why), RF_E_MALFORMED);
	n = wav(bytes, 8000, 1, 16, 1, samples, 0);
	assert_int_equal(rf_clip_parse(rf_view_of(bytes, n), &c, &why), RF_E_MALFORMED);
	uint8_t *big = calloc(1, RF_CLIP_BYTES_MAX + 1);
	assert_int_equal(rf_clip_parse(rf_view_of(big, RF_CLIP_BYTES_MAX + 1), &c, &why), RF_E_LIMIT);
	free(big);
	n = wav(bytes, 16000, 1, 16, 1, samples, 100);
	for (unsigned k = 1;; k++) {
		fail_alloc_at(k);
		int rc = rf_clip_parse(rf_view_of(bytes, n), &c, &why);
		if (!fail_alloc_off())
			break;
		assert_int_equal(rc, -ENOMEM);
	}
	rf_clip_drop(c);
}

static void put_file(const char *folder, const char *name, const void *bytes, size_t n)
{
	char path[256];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	fclose(f);
}

static void gone_file(const char *folder, const char *name)
{
	char path[256];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	assert_int_equal(unlink(path), 0);
}

static void test_folder(void **state)
{
	char folder[] = "/tmp/rf-clips-XXXXXX", link[64];
	int16_t samples[100] = { 1, 2, 3 };
	uint8_t bytes[400];
	size_t n = wav(bytes, 8000, 1, 16, 1, samples, 100);
	struct rf_clips *c = NULL;
	struct rf_diag d;

	(void)state;
	assert_non_null(mkdtemp(folder));
	put_file(folder, "welcome.wav", bytes, n);
	put_file(folder, "wait.wav", bytes, n);
	put_file(folder, "notes.txt", "x", 1);
	assert_int_equal(rf_clips_read(folder, &c, &d), 0);
	assert_int_equal(rf_clips_count(c), 2);
	assert_non_null(rf_clips_find(c, RF_V("welcome")));
	assert_ptr_equal(rf_clips_find(c, RF_V("welcome.wav")), rf_clips_find(c, RF_V("welcome")));
	assert_null(rf_clips_find(c, RF_V("notes")));
	assert_null(rf_clips_find(c, RF_V("../welcome")));
	assert_null(rf_clips_find(c, RF_V("")));
	assert_null(rf_clips_find(NULL, RF_V("welcome")));
	rf_clips_free(c);
	/* One that is no sound: nothing is read, and it says which. */
	put_file(folder, "broken.wav", bytes, 20);
	assert_int_equal(rf_clips_read(folder, &c, &d), RF_E_MALFORMED);
	assert_non_null(strstr(d.text, "broken.wav"));
	gone_file(folder, "broken.wav");
	/* Nor does a link lead out of the folder. */
	snprintf(link, sizeof link, "%s/out.wav", folder);
	assert_int_equal(symlink("welcome.wav", link), 0);
	assert_int_equal(rf_clips_read(folder, &c, &d), -ELOOP);
	gone_file(folder, "out.wav");
	gone_file(folder, "welcome.wav");
	gone_file(folder, "wait.wav");
	gone_file(folder, "notes.txt");
	assert_int_equal(rmdir(folder), 0);
	assert_int_equal(rf_clips_read(folder, &c, &d), -ENOENT);
	rf_clips_free(NULL);
	assert_int_equal(rf_clips_count(NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good), cmocka_unit_test(test_bad), cmocka_unit_test(test_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
