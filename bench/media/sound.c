/* What the relay's sound costs: packets of 20 ms, one core, microseconds each. No network: what the engine does with a packet
 * besides stands in run.py's table.
 *
 *	build/bench/media/sound */
#include "media/dtmf_audio.h"
#include "media/pcm.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { PACKETS = 20000 };

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void must(int rc)
{
	if (rc) {
		fprintf(stderr, "sound: %s\n", rf_err_text(rc));
		exit(3);
	}
}

static void measure(const char *name, enum rf_pcm_codec codec, uint32_t rate)
{
	static int16_t voice[PACKETS / 100][RF_PCM_MOST];
	static uint8_t said[PACKETS / 100][RF_PCM_BYTES_MAX];
	size_t n[PACKETS / 100], samples = rate / 50, got;
	double speak, hear, keys, hush;
	struct rf_tones_news news[RF_TONES_NEWS_MAX];
	struct rf_pcm_out *out;
	struct rf_pcm_in *in;
	struct rf_tones *tones;
	int16_t back[RF_PCM_MOST];

	must(rf_pcm_out_new(codec, rate, &out));
	must(rf_pcm_in_new(codec, rate, &in));
	must(rf_tones_new(&tones));
	for (unsigned i = 0; i < PACKETS / 100; i++)
		rf_tones_make(i % 16, 10, rate, i * (uint32_t)samples, voice[i], samples);
	speak = now_us();
	for (unsigned i = 0; i < PACKETS; i++)
		must(rf_pcm_out_put(out, voice[i % (PACKETS / 100)], samples, said[i % (PACKETS / 100)], RF_PCM_BYTES_MAX,
				    &n[i % (PACKETS / 100)]));
	hear = now_us();
	for (unsigned i = 0; i < PACKETS; i++)
		must(rf_pcm_in_take(in, rf_view_of(said[i % (PACKETS / 100)], n[i % (PACKETS / 100)]), back, &got));
	keys = now_us();
	for (unsigned i = 0; rate == RF_PCM_LOW && i < PACKETS; i++)
		rf_tones_take(tones, voice[i % (PACKETS / 100)], samples, news);
	hush = now_us();
	for (unsigned i = 0; i < PACKETS; i++)
		rf_pcm_silence(codec, said[i % (PACKETS / 100)], &n[i % (PACKETS / 100)]);
	double end = now_us();

	printf("%-6s %6u   speak %7.2f   hear %7.2f   keys %7.2f   silence %7.3f\n", name, rate, (hear - speak) / PACKETS,
	       (keys - hear) / PACKETS, (hush - keys) / PACKETS, (end - hush) / PACKETS);
	rf_tones_free(tones);
	rf_pcm_in_free(in);
	rf_pcm_out_free(out);
}

/* One packet of one codec said in another, and what both coders keep. */
static void measure_pair(enum rf_pcm_codec from, enum rf_pcm_codec to)
{
	static uint8_t said[PACKETS / 100][RF_PCM_BYTES_MAX];
	uint32_t rate = rf_pcm_rate(from) < rf_pcm_rate(to) ? rf_pcm_rate(from) : rf_pcm_rate(to);
	size_t n[PACKETS / 100], samples = rate / 50, got, before = mallinfo2().uordblks;
	uint8_t out_bytes[RF_PCM_BYTES_MAX];
	int16_t pcm[RF_PCM_MOST];
	struct rf_pcm_out *voice, *out;
	struct rf_pcm_in *in;

	must(rf_pcm_in_new(from, rate, &in));
	must(rf_pcm_out_new(to, rate, &out));
	size_t kept = mallinfo2().uordblks - before;

	must(rf_pcm_out_new(from, rate, &voice));
	for (unsigned i = 0; i < PACKETS / 100; i++) {
		rf_tones_make(i % 16, 10, rate, i * (uint32_t)samples, pcm, samples);
		must(rf_pcm_out_put(voice, pcm, samples, said[i], RF_PCM_BYTES_MAX, &n[i]));
	}
	double begun = now_us();

	for (unsigned i = 0; i < PACKETS; i++) {
		must(rf_pcm_in_take(in, rf_view_of(said[i % (PACKETS / 100)], n[i % (PACKETS / 100)]), pcm, &got));
		must(rf_pcm_out_put(out, pcm, got, out_bytes, sizeof out_bytes, &got));
	}
	double us = (now_us() - begun) / PACKETS;

	printf("%-10s to %-10s %6u   %7.2f us   %.3f %% of a core   %zu bytes\n", rf_pcm_text(from), rf_pcm_text(to), rate, us, us / 200,
	       kept);
	rf_pcm_out_free(voice);
	rf_pcm_out_free(out);
	rf_pcm_in_free(in);
}

int main(void)
{
	measure("PCMU", RF_PCM_PCMU, RF_PCM_LOW);
	measure("PCMA", RF_PCM_PCMA, RF_PCM_LOW);
	measure("G722", RF_PCM_G722, RF_PCM_LOW);
	measure("G722", RF_PCM_G722, RF_PCM_HIGH);
	measure("opus", RF_PCM_OPUS, RF_PCM_LOW);
	measure("opus", RF_PCM_OPUS, RF_PCM_HIGH);
	for (unsigned from = RF_PCM_PCMA; from < RF_PCM_CODECS; from++)
		for (unsigned to = RF_PCM_PCMA; to < RF_PCM_CODECS; to++)
			if (from != to)
				measure_pair((enum rf_pcm_codec)from, (enum rf_pcm_codec)to);
	measure_pair(RF_PCM_PCMU, RF_PCM_PCMA);
	return 0;
}
