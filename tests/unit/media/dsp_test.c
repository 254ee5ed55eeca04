/* One direction of a path, over real sockets: keys and sounds of ours reach the taker, numbers never come twice, and
 * nothing is left at the end. */
#include "ear.h"
#include "media/dsp.h"
#include "media/dtmf_audio.h"
#include "path_kit.h"
#include "rtp/dtmf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { PCMU = 0, PCMA = 8, G722 = 9, OPUS = 96, EVENT = 101 };

struct bed {
	struct kit k;
	struct party a, b;
	struct rf_path *p;
	struct rf_dsp *d;
	uint16_t seq;                /* of a, the next */
	uint32_t at;                 /* sample of its tone */
	struct rf_pcm_out *voice;
	unsigned played, heard[32], n_heard;
};

static void on_dtmf(void *arg, struct rf_path *p, unsigned end, unsigned event, unsigned ms)
{
	struct bed *x = arg;

	assert_ptr_equal(p, x->p);
	assert_int_equal(end, 0);
	assert_in_range(ms, 40, 400);
	x->heard[x->n_heard++ % 32] = event;
}

static void on_played(void *arg, struct rf_path *p, unsigned end)
{
	(void)p;
	assert_int_equal(end, 0);
	((struct bed *)arg)->played++;
}

static const struct rf_dsp_ops ops = { on_dtmf, on_played };

/* b takes this codec, and events or not. */
static struct rf_dsp_conf takes(uint8_t type, bool event)
{
	struct rf_dsp_conf c = { 0 };
	uint32_t clock = type == OPUS ? 48000 : 8000;

	c.types[c.n++] = (struct rf_dsp_type){ .type = type, .clock = clock,
		.codec = type == PCMU ? RF_PCM_PCMU : type == PCMA ? RF_PCM_PCMA : type == G722 ? RF_PCM_G722 : RF_PCM_OPUS };
	if (event)
		c.types[c.n++] = (struct rf_dsp_type){ .type = EVENT, .clock = clock, .dtmf = true };
	return c;
}

static void begin(struct bed *x, uint8_t type, bool event)
{
	struct rf_dsp_conf c = takes(type, event);

	*x = (struct bed){ .seq = 65530 };
	kit_begin(&x->k);
	party_open(&x->a, "127.0.0.1");
	party_open(&x->b, "127.0.0.1");
	x->p = kit_path(&x->k, RF_PATH_RTP, KIT_V4, KIT_V4);
	struct rf_path_end_conf a = kit_conf(&x->a), b = kit_conf(&x->b);
	a.n_types = b.n_types = 0;
	assert_int_equal(rf_path_set(x->p, 0, &a), 0);
	assert_int_equal(rf_path_set(x->p, 1, &b), 0);
	rf_path_open(x->p);
	assert_null(rf_dsp_of(x->p, 0));
	assert_int_equal(rf_dsp_get(x->p, 0, x->k.loop, &x->k.random, &ops, x, &x->d), 0);
	assert_ptr_equal(rf_dsp_of(x->p, 0), x->d);
	assert_int_equal(rf_dsp_set(x->d, &c), 0);
	assert_int_equal(rf_pcm_out_new((enum rf_pcm_codec)c.types[0].codec, 8000, &x->voice), 0);
}

static void end(struct bed *x)
{
	rf_path_free(x->p);
	rf_pcm_out_free(x->voice);
	party_close(&x->a);
	party_close(&x->b);
	kit_end(&x->k);
}

static void send_as(struct bed *x, uint16_t seq, uint8_t type, const int16_t *samples)
{
	struct rf_rtp_head head = { .ssrc = 7, .seq = seq, .timestamp = seq * 160u, .type = type };
	struct rf_addr to = kit_local(x->p, 0, 0);
	uint8_t packet[2048];
	size_t n;

	rf_rtp_head_put(&head, packet);
	assert_int_equal(rf_pcm_out_put(x->voice, samples, 160, packet + RF_RTP_HEAD_BYTES, 1500, &n), 0);
	party_send(&x->k, &x->a, 0, &to, packet, RF_RTP_HEAD_BYTES + n);
}

/* 20 ms of a: a tone of 440 Hz. */
static void speak(struct bed *x, uint8_t type)
{
	int16_t samples[160];

	ear_sine(samples, 160, 8000, 440, 8000, x->at);
	x->at += 160;
	send_as(x, x->seq++, type, samples);
}

/* What b has got since last time. */
struct got {
	unsigned n, n_events, events_end;
	uint8_t event, volume;
	uint16_t duration, first_seq, last_seq;
	uint32_t ssrc, event_ts;
	size_t samples;
	int16_t sound[160 * 200];
	bool gap, twice;
};

static void hear(struct bed *x, uint8_t type, struct got *g)
{
	struct rf_pcm_in *in;
	uint8_t packet[2048];
	ssize_t n;

	*g = (struct got){ 0 };
	assert_int_equal(rf_pcm_in_new((enum rf_pcm_codec)takes(type, false).types[0].codec, 8000, &in), 0);
	while ((n = party_recv(&x->b, 0, packet, sizeof packet, NULL)) > 0) {
		struct rf_rtp_head head;
		int16_t samples[RF_PCM_MOST];
		size_t got = 0;

		assert_int_equal(rf_rtp_head_parse(rf_view_of(packet, (size_t)n), &head), 0);
		if (g->n && head.ssrc == g->ssrc && head.seq != (uint16_t)(g->last_seq + 1))
			*((int16_t)(head.seq - g->last_seq) <= 0 ? &g->twice : &g->gap) = true;
		if (!g->n++)
			g->first_seq = head.seq;
		g->last_seq = head.seq;
		g->ssrc = head.ssrc;
		if (head.type == EVENT) {
			g->n_events++;
			g->event = packet[12];
			g->volume = packet[13] & 0x3f;
			g->events_end += packet[13] >> 7;
			g->duration = (uint16_t)(packet[14] << 8 | packet[15]);
			g->event_ts = head.timestamp;
			continue;
		}
		assert_int_equal(head.type, type);
		assert_int_equal(rf_pcm_in_take(in, rf_view_of(packet + head.size, (size_t)n - head.size), samples, &got), 0);
		assert_true(g->samples + got <= sizeof g->sound / 2);
		memcpy(g->sound + g->samples, samples, got * 2);
		g->samples += got;
	}
	rf_pcm_in_free(in);
}

static const uint8_t types[] = { PCMU, PCMA, G722, OPUS };

/* A key as an event, in the sender's own stream, while it speaks and while it does not. */
static void test_event(void **state)
{
	static struct got g;

	(void)state;
	for (unsigned silent = 0; silent < 2; silent++) {
		struct bed x;
		struct rf_dsp_key key = { .event = 11, .volume = 9, .ms = 200, .pause_ms = 100 };

		begin(&x, PCMU, true);
		for (unsigned i = 0; i < 10; i++, kit_wait_ms(&x.k, 20))
			speak(&x, PCMU);
		hear(&x, PCMU, &g);
		assert_int_equal(g.n, 10);
		uint16_t last = g.last_seq;

		assert_int_equal(rf_dsp_press(x.d, &key), 0);
		for (unsigned i = 0; i < 30; i++, kit_wait_ms(&x.k, 20))
			if (!silent)
				speak(&x, PCMU);
		hear(&x, PCMU, &g);
		assert_int_equal(g.first_seq, (uint16_t)(last + 1));
		assert_false(g.gap || g.twice);
		assert_int_equal(g.event, 11);
		assert_int_equal(g.volume, 9);
		assert_int_equal(g.duration, 1600);
		assert_int_equal(g.events_end, 3);
		assert_int_equal(g.n_events, 12);
		assert_int_equal(g.ssrc, 7);
		if (silent)
			assert_int_equal(g.n, 12);
		else
			assert_in_range(g.n, 28, 31); /* speech made room while the key was pressed */
		assert_int_equal(rf_dsp_stats(x.d).keys_sent, 1);
		/* What comes late now would have a number that is taken. */
		uint16_t late = (uint16_t)(x.seq - (silent ? 1 : 20));
		int16_t nothing[160] = { 0 };

		speak(&x, PCMU);
		send_as(&x, (uint16_t)(late - 1), PCMU, nothing);
		hear(&x, PCMU, &g);
		assert_int_equal(g.n, 1);
		end(&x);
	}
}

/* As tones, where the taker knows no events; and the sender has never said a word. */
static void test_tone(void **state)
{
	static struct got g;

	(void)state;
	for (size_t t = 0; t < sizeof types; t++) {
		struct bed x;

		begin(&x, types[t], false);
		for (unsigned key = 0; key < 16; key++) {
			struct rf_dsp_key k = { .event = (uint8_t)key, .volume = 8, .ms = 200, .pause_ms = 100 };

			assert_int_equal(rf_dsp_press(x.d, &k), 0);
			for (unsigned i = 0; i < 20; i++)
				kit_wait_ms(&x.k, 20);
			hear(&x, types[t], &g);
			assert_int_equal(g.n, 10);
			assert_false(g.gap || g.twice);
			if (ear_key(g.sound + 400, 1000) != (int)key)
				fail_msg("type %u: key %u is heard as %d", types[t], key, ear_key(g.sound + 400, 1000));
		}
		end(&x);
	}
}

/* Bounds, and a taker to whom nothing can be said. */
static void test_bounds(void **state)
{
	struct rf_dsp_key key = { .event = 1, .volume = 8, .ms = 100, .pause_ms = 100 };
	struct rf_dsp_conf none = { 0 };
	struct bed x;

	(void)state;
	begin(&x, PCMU, true);
	for (unsigned i = 0; i < RF_DSP_KEYS_MAX; i++)
		assert_int_equal(rf_dsp_press(x.d, &key), 0);
	assert_int_equal(rf_dsp_press(x.d, &key), RF_E_LIMIT);
	end(&x); /* with keys under way */
	begin(&x, PCMU, true);
	assert_int_equal(rf_dsp_set(x.d, &none), 0);
	assert_int_equal(rf_dsp_press(x.d, &key), RF_E_UNSUPPORTED);
	end(&x);
}

static void press_in_sound(struct bed *x, uint8_t type, unsigned key, unsigned frames)
{
	int16_t samples[160];

	for (unsigned i = 0; i < frames; i++, kit_wait_ms(&x->k, 20)) {
		rf_tones_make(key, 8, 8000, 160 * i, samples, 160);
		send_as(x, x->seq++, type, samples);
	}
}

/* Keys in the sound are heard; blocked, the taker hears next to nothing of them; turned into events, it gets those. */
static void test_heard(void **state)
{
	static struct got g;

	(void)state;
	for (size_t t = 0; t < sizeof types; t++)
		for (unsigned how = 0; how < 3; how++) {
			struct rf_dsp_conf c = takes(types[t], how == 2);
			struct bed x;

			begin(&x, types[t], how == 2);
			c.listen = how == 0;
			c.block = how == 1;
			c.to_events = how == 2;
			assert_int_equal(rf_dsp_set(x.d, &c), 0);
			for (unsigned i = 0; i < 5; i++, kit_wait_ms(&x.k, 20))
				speak(&x, types[t]);
			press_in_sound(&x, types[t], 5, 10);
			for (unsigned i = 0; i < 20; i++, kit_wait_ms(&x.k, 20))
				speak(&x, types[t]);
			assert_int_equal(x.n_heard, 1);
			assert_int_equal(x.heard[0], 5);
			hear(&x, types[t], &g);
			assert_false(g.twice || g.gap);
			double row = ear_peak(g.sound + 160 * 7, 1000, 8000, 770),
			       own = ear_peak(g.sound, 800, 8000, 440);

			assert_true(own > 5000);
			if (how == 0 ? row < 2000 : row > 400)
				fail_msg("type %u, how %u: 770 Hz %.0f", types[t], how, row);
			assert_int_equal(g.n_events > 0, how == 2);
			if (how == 2)
				assert_int_equal(g.event, 5);
			end(&x);
		}
}

static struct rf_clip *clip_of(uint32_t rate, size_t n)
{
	uint32_t bytes = (uint32_t)n * 2, all = bytes + 36;
	uint8_t *wav = calloc(1, 44 + bytes);
	struct rf_clip *c;
	const char *why;

	memcpy(wav, "RIFF....WAVEfmt \x10\0\0\0\1\0\1\0", 24);
	memcpy(wav + 4, &all, 4);
	memcpy(wav + 24, (uint32_t[]){ rate, rate * 2 }, 8);
	memcpy(wav + 32, (uint16_t[]){ 2, 16 }, 4);
	memcpy(wav + 36, "data", 4);
	memcpy(wav + 40, &bytes, 4);
	ear_sine((int16_t *)(void *)(wav + 44), n, rate, 1000, 8000, 0);
	assert_int_equal(rf_clip_parse(rf_view_of(wav, 44 + bytes), &c, &why), 0);
	free(wav);
	return c;
}

/* A sound in place of what the sender says; afterwards the sender is heard again, without a gap. */
static void test_clip(void **state)
{
	static struct got g;

	(void)state;
	for (size_t t = 0; t < sizeof types; t++)
		for (uint32_t rate = 8000; rate <= 16000; rate += 8000) {
			struct rf_clip *c = clip_of(rate, rate / 2);
			struct bed x;

			begin(&x, types[t], true);
			speak(&x, types[t]);
			hear(&x, types[t], &g);
			uint16_t before = g.last_seq;

			assert_int_equal(rf_dsp_play(x.d, c, 2, 0), 0);
			rf_clip_drop(c);
			for (unsigned i = 0; i < 49; i++) {
				kit_wait_ms(&x.k, 20);
				speak(&x, types[t]);
			}
			assert_int_equal(x.played, 0);
			hear(&x, types[t], &g);
			assert_int_equal(g.n, 50);
			assert_false(g.twice || g.gap);
			assert_true(g.ssrc != 7);
			double own = ear_peak(g.sound + 1600, 4000, 8000, 1000),
			       other = ear_peak(g.sound + 1600, 4000, 8000, 440);

			if (own < 6500 || own > 9500 || other > 300)
				fail_msg("type %u, rate %u: 1000 Hz %.0f, 440 Hz %.0f", types[t], rate, own, other);
			kit_wait_ms(&x.k, 20);
			assert_int_equal(x.played, 1);
			speak(&x, types[t]);
			hear(&x, types[t], &g);
			assert_int_equal(g.n, 1);
			assert_int_equal(g.ssrc, 7);
			assert_int_equal(g.last_seq, (uint16_t)(before + 1));
			end(&x);
		}
}

static void test_clip_ends(void **state)
{
	struct rf_clip *c = clip_of(8000, 8000);
	static struct got g;
	struct bed x;

	(void)state;
	begin(&x, PCMA, false);
	assert_false(rf_dsp_stop(x.d));
	assert_int_equal(rf_dsp_play(x.d, c, 100, 90), 0); /* at most 90 ms: five packets */
	for (unsigned i = 0; i < 20; i++)
		kit_wait_ms(&x.k, 20);
	hear(&x, PCMA, &g);
	assert_int_equal(g.n, 5);
	assert_int_equal(x.played, 1);
	assert_int_equal(rf_dsp_play(x.d, c, 0, 0), 0);
	kit_wait_ms(&x.k, 20);
	assert_int_equal(rf_dsp_play(x.d, c, 0, 0), 0); /* in its place */
	assert_int_equal(x.played, 2);
	assert_true(rf_dsp_stop(x.d));
	assert_int_equal(x.played, 3);
	assert_int_equal(rf_dsp_play(x.d, c, 0, 0), 0);
	rf_clip_drop(c);
	end(&x); /* while it plays */
}

/* A party that begins anew is heard, and its numbers go on. */
static void test_anew(void **state)
{
	struct rf_dsp_key key = { .event = 3, .volume = 8, .ms = 100, .pause_ms = 100 };
	static struct got g;
	struct bed x;

	(void)state;
	begin(&x, PCMU, true);
	speak(&x, PCMU);
	assert_int_equal(rf_dsp_press(x.d, &key), 0);
	for (unsigned i = 0; i < 20; i++)
		kit_wait_ms(&x.k, 20);
	speak(&x, PCMU);
	x.seq = 20000;
	for (unsigned i = 0; i < 5; i++, kit_wait_ms(&x.k, 20))
		speak(&x, PCMU);
	hear(&x, PCMU, &g);
	assert_false(g.twice);
	/* A long call: what is far behind never comes in front. */
	for (unsigned i = 0; i < 70000; i++) {
		speak(&x, PCMU);
		if (i % 100 == 0) {
			hear(&x, PCMU, &g);
			assert_false(g.gap || g.twice);
		}
		x.k.now.us += 20000;
	}
	end(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_event), cmocka_unit_test(test_tone), cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_heard), cmocka_unit_test(test_clip), cmocka_unit_test(test_clip_ends),
		cmocka_unit_test(test_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
