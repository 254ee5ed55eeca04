/* From one codec to another, over real sockets: the tone that goes in comes out, at its level, in packets with the
 * numbers and times that the taker expects, whatever is lost, late or too much on the way. */
#include "ear.h"
#include "fail_alloc.h"
#include "media/dsp.h"
#include "media/dtmf_audio.h"
#include "path_kit.h"
#include "rtp/dtmf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct { uint8_t type, codec; uint32_t clock, rate; } codecs[] = {
	{ 0, RF_PCM_PCMU, 8000, 8000 }, { 8, RF_PCM_PCMA, 8000, 8000 }, { 9, RF_PCM_G722, 8000, 16000 },
	{ 96, RF_PCM_OPUS, 48000, 16000 },
};
enum { CODECS = sizeof codecs / sizeof *codecs, PCMU = 0, PCMA, G722, OPUS, EVENT_IN = 101, EVENT_OUT = 110, NOISE = 13 };

struct bed {
	struct kit k;
	struct party a, b;
	struct rf_path *p;
	struct rf_dsp *d;
	unsigned from, to;
	uint16_t seq;
	uint32_t ts, at;             /* at: sample of the tone */
	struct rf_pcm_out *voice;
	struct rf_pcm_in *ear;
	/* what b has got */
	unsigned n, events, marks;
	struct rf_rtp_head head;     /* of the last one */
	uint8_t payload[2048];
	size_t payload_n;
	bool gap, unsteady;          /* in numbers; in times */
	uint32_t step;               /* of times, between packets */
	int16_t sound[16000 * 8];
	size_t samples;
};

static void conf(struct bed *x, struct rf_dsp_conf *c)
{
	*c = (struct rf_dsp_conf){ .n = 1, .n_in = 1 };
	c->types[0] = (struct rf_dsp_type){ codecs[x->to].type, codecs[x->to].codec, false, codecs[x->to].clock };
	c->in[0] = (struct rf_dsp_in){ codecs[x->from].type, codecs[x->from].codec, RF_DSP_CODE, false,
				       codecs[x->from].clock };
}

static void begin(struct bed *x, unsigned from, unsigned to)
{
	struct rf_dsp_conf c;

	*x = (struct bed){ .seq = 65530, .ts = UINT32_MAX - 4000, .from = from, .to = to };
	kit_begin(&x->k);
	party_open(&x->a, "127.0.0.1");
	party_open(&x->b, "127.0.0.1");
	x->p = kit_path(&x->k, RF_PATH_RTP, KIT_V4, KIT_V4);
	struct rf_path_end_conf a = kit_conf(&x->a), b = kit_conf(&x->b);
	a.n_types = b.n_types = 0;
	assert_int_equal(rf_path_set(x->p, 0, &a), 0);
	assert_int_equal(rf_path_set(x->p, 1, &b), 0);
	rf_path_open(x->p);
	assert_int_equal(rf_dsp_get(x->p, 0, x->k.loop, &x->k.random, NULL, x, &x->d), 0);
	conf(x, &c);
	assert_int_equal(rf_dsp_set(x->d, &c), 0);
	assert_int_equal(rf_pcm_out_new((enum rf_pcm_codec)codecs[from].codec, codecs[from].rate, &x->voice), 0);
	assert_int_equal(rf_pcm_in_new((enum rf_pcm_codec)codecs[to].codec, codecs[to].rate, &x->ear), 0);
}

static void end(struct bed *x)
{
	rf_path_free(x->p);
	rf_pcm_out_free(x->voice);
	rf_pcm_in_free(x->ear);
	party_close(&x->a);
	party_close(&x->b);
	kit_end(&x->k);
}

static void send_raw(struct bed *x, uint16_t seq, uint32_t ts, uint8_t type, bool marker, const uint8_t *payload,
		     size_t n)
{
	struct rf_rtp_head head = { .ssrc = 7, .seq = seq, .timestamp = ts, .type = type, .marker = marker };
	struct rf_addr to = kit_local(x->p, 0, 0);
	uint8_t packet[2048];

	rf_rtp_head_put(&head, packet);
	memcpy(packet + RF_RTP_HEAD_BYTES, payload, n);
	party_send(&x->k, &x->a, 0, &to, packet, RF_RTP_HEAD_BYTES + n);
}

/* So many ms of a: a tone of 1000 Hz, in one packet; lost: it does not arrive. */
static void speak(struct bed *x, unsigned ms, bool lost)
{
	uint32_t rate = codecs[x->from].rate;
	int16_t samples[RF_PCM_MOST];
	uint8_t payload[2000];
	size_t n = rate * ms / 1000, bytes;

	ear_sine(samples, n, rate, 1000, 8000, x->at);
	x->at += (uint32_t)n;
	assert_int_equal(rf_pcm_out_put(x->voice, samples, n, payload, sizeof payload, &bytes), 0);
	if (!lost)
		send_raw(x, x->seq, x->ts, codecs[x->from].type, false, payload, bytes);
	x->seq++;
	x->ts += codecs[x->from].clock / 1000 * ms;
	x->k.now.us += ms * 1000;
	kit_turn(&x->k);
}

static void hear(struct bed *x)
{
	int16_t samples[RF_PCM_MOST];
	uint8_t packet[2048];
	struct rf_rtp_head head;
	ssize_t n;

	while ((n = party_recv(&x->b, 0, packet, sizeof packet, NULL)) > 0) {
		size_t got;

		assert_int_equal(rf_rtp_head_parse(rf_view_of(packet, (size_t)n), &head), 0);
		if (x->n && head.seq != (uint16_t)(x->head.seq + 1))
			x->gap = true;
		if (x->n > 1 && head.timestamp - x->head.timestamp != x->step)
			x->unsteady = true;
		x->step = head.timestamp - x->head.timestamp;
		x->n++;
		x->marks += head.marker;
		x->head = head;
		x->payload_n = (size_t)n - head.size;
		memcpy(x->payload, packet + head.size, x->payload_n);
		if (head.type != codecs[x->to].type) {
			x->events++;
			continue;
		}
		assert_int_equal(rf_pcm_in_take(x->ear, rf_view_of(x->payload, x->payload_n), samples, &got), 0);
		assert_true(x->samples + got <= sizeof x->sound / 2);
		memcpy(x->sound + x->samples, samples, got * 2);
		x->samples += got;
	}
}

/* Is it the tone of a, loud and clear? */
static void clear(const struct bed *x, const char *what)
{
	uint32_t rate = codecs[x->to].rate, first = rate / 5;

	assert_true(x->samples > 2 * first);
	double tone = ear_peak(x->sound + first, x->samples - first, rate, 1000),
	       all = ear_loud(x->sound + first, x->samples - first);

	if (tone < 6500 || tone > 9500 || all > tone * 0.75)
		fail_msg("%u to %u, %s: the tone %.0f, all %.0f", x->from, x->to, what, tone, all);
}

/* Each codec to each, each way to cut packets. */
static void test_matrix(void **state)
{
	static const struct { unsigned in, wish, out; } sizes[] = {
		{ 20, 0, 20 }, { 10, 0, 10 }, { 40, 0, 40 }, { 60, 0, 60 }, { 20, 60, 60 }, { 60, 20, 20 },
		{ 10, 40, 40 }, { 40, 10, 10 }, { 20, 30, 30 }, { 30, 0, 30 }, { 60, 40, 40 },
	};
	static struct bed x;

	(void)state;
	for (unsigned from = 0; from < CODECS; from++)
		for (unsigned to = 0; to < CODECS; to++)
			for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
				unsigned ms = sizes[s].out == 30 && to == OPUS ? 20 : sizes[s].out;
				struct rf_dsp_conf c;
				char what[32];

				if (from == to || (from == OPUS && sizes[s].in == 30))
					continue;
				snprintf(what, sizeof what, "%u ms to %u", sizes[s].in, ms);
				begin(&x, from, to);
				conf(&x, &c);
				c.ptime = (uint8_t)sizes[s].wish;
				assert_int_equal(rf_dsp_set(x.d, &c), 0);
				for (unsigned t = 0; t < 720; t += sizes[s].in)
					speak(&x, sizes[s].in, false);
				hear(&x);
				if (x.gap || x.unsteady || x.n != 720 / ms || x.step != codecs[to].clock / 1000 * ms)
					fail_msg("%u to %u, %s: %u packets, step %u", from, to, what, x.n, x.step);
				assert_int_equal(x.head.ssrc, 7);
				clear(&x, what);
				struct rf_dsp_stats st = rf_dsp_stats(x.d);
				assert_int_equal(st.coded, 720 / sizes[s].in);
				assert_int_equal(st.uncoded, 0);
				assert_true(st.from == codecs[from].codec && st.to == codecs[to].codec);
				end(&x);
			}
}

/* A-law and mu-law are tables: sample for sample what the ITU's say. */
static void test_exact(void **state)
{
	static struct bed x;
	struct rf_pcm_in *in;
	struct rf_pcm_out *out;

	(void)state;
	for (unsigned from = PCMU; from <= PCMA; from++) {
		uint8_t payload[240], expect[240];
		int16_t samples[RF_PCM_MOST];
		size_t n;

		begin(&x, from, !from);
		assert_int_equal(rf_pcm_in_new((enum rf_pcm_codec)codecs[from].codec, 8000, &in), 0);
		assert_int_equal(rf_pcm_out_new((enum rf_pcm_codec)codecs[!from].codec, 8000, &out), 0);
		for (unsigned i = 0; i < 240; i++)
			payload[i] = (uint8_t)i;
		assert_int_equal(rf_pcm_in_take(in, rf_view_of(payload, 240), samples, &n), 0);
		assert_int_equal(rf_pcm_out_put(out, samples, n, expect, sizeof expect, &n), 0);
		send_raw(&x, 5, 1000, codecs[from].type, true, payload, 240);
		hear(&x);
		assert_int_equal(x.n, 1);
		assert_true(x.head.marker && x.head.seq == 5 && x.head.timestamp == 1000);
		assert_int_equal(x.payload_n, 240);
		assert_memory_equal(x.payload, expect, 240);
		rf_pcm_in_free(in);
		rf_pcm_out_free(out);
		end(&x);
	}
}

/* What is lost stays lost, under its number; what comes late takes its own. Cut anew, a gap is silence. */
static void test_loss(void **state)
{
	static struct bed x;

	(void)state;
	for (unsigned wish = 0; wish <= 60; wish += 60) {
		struct rf_dsp_conf c;

		begin(&x, PCMU, G722);
		conf(&x, &c);
		c.ptime = (uint8_t)wish;
		assert_int_equal(rf_dsp_set(x.d, &c), 0);
		for (unsigned i = 0; i < 60; i++)
			speak(&x, 20, i % 10 == 5);
		hear(&x);
		assert_int_equal(x.n, wish ? 20 : 54);
		assert_int_equal(x.gap, !wish);
		assert_int_equal(x.unsteady, !wish);
		assert_int_equal(x.samples, wish ? 16000 * 12 / 10 : 16000 * 108 / 100);
		/* late: within the gap of one for one, nowhere else */
		uint8_t late[160] = { 0 };
		unsigned before = x.n;
		send_raw(&x, (uint16_t)(x.seq - 5), x.ts - 5 * 160, 0, false, late, 160);
		hear(&x);
		assert_int_equal(x.n, wish ? before : before + 1);
		if (!wish)
			assert_int_equal(x.head.seq, (uint16_t)(x.seq - 5));
		end(&x);
	}
}

/* A long pause is one: no packets, and the next one has the time at which it was said. */
static void test_pause(void **state)
{
	static struct bed x;

	(void)state;
	for (unsigned wish = 0; wish <= 40; wish += 40) {
		struct rf_dsp_conf c;

		begin(&x, PCMA, OPUS);
		conf(&x, &c);
		c.ptime = (uint8_t)wish;
		assert_int_equal(rf_dsp_set(x.d, &c), 0);
		speak(&x, 20, false);
		hear(&x);
		uint32_t first = x.head.timestamp;
		x.ts += 8000 * 3; /* three seconds */
		x.k.now.us += 3000000;
		speak(&x, 20, false);
		speak(&x, 20, false);
		hear(&x);
		assert_int_equal(x.n, wish ? 2 : 3);
		if (wish)
			assert_int_equal(x.marks, 1);
		else
			assert_int_equal(x.head.timestamp - first, 48000 * 3 + 2 * 960);
		end(&x);
	}
}

/* Events, with another clock and as keys. */
static void test_events(void **state)
{
	static struct bed x;

	(void)state;
	for (unsigned keys = 0; keys < 2; keys++) {
		struct rf_dtmf_out ev;
		struct rf_rtp_head head;
		struct rf_dsp_conf c;
		uint8_t payload[RF_DTMF_BYTES];

		begin(&x, OPUS, PCMU);
		conf(&x, &c);
		if (!keys)
			c.types[c.n++] = (struct rf_dsp_type){ .type = EVENT_OUT, .dtmf = true, .clock = 8000 };
		c.in[c.n_in++] = (struct rf_dsp_in){
			.type = EVENT_IN, .way = keys ? RF_DSP_KEYS : RF_DSP_CLOCK, .dtmf = true, .clock = 48000
		};
		assert_int_equal(rf_dsp_set(x.d, &c), 0);
		for (unsigned i = 0; i < 10; i++)
			speak(&x, 20, false);
		hear(&x);
		uint32_t last = x.head.timestamp;
		unsigned before = x.n;

		assert_int_equal(rf_dtmf_out_begin(&ev, 7, 10, x.ts, 48 * 200, 960), 0);
		while (rf_dtmf_out_next(&ev, &head, payload)) {
			send_raw(&x, x.seq++, head.timestamp, EVENT_IN, head.marker, payload, sizeof payload);
			kit_wait_ms(&x.k, 20);
			x.ts += 960;
		}
		for (unsigned i = 0; i < 15; i++)
			kit_wait_ms(&x.k, 20);
		hear(&x);
		assert_false(x.gap);
		if (keys) {
			assert_int_equal(x.events, 0);
			assert_in_range(x.n - before, 9, 12);
			assert_int_equal(ear_key(x.sound + x.samples - 1400, 1000), 7);
		} else {
			assert_int_equal(x.n - before, 12);
			assert_int_equal(x.events, 12);
			assert_int_equal(x.head.type, EVENT_OUT);
			assert_int_equal(x.head.timestamp, last + 160);
			assert_memory_equal(x.payload, ((uint8_t[]){ 7, 0x80 | 10, 1600 >> 8, 1600 & 255 }), 4);
			send_raw(&x, x.seq++, x.ts, EVENT_IN, true, (uint8_t[]){ 1, 0x80, 0xff, 0xff }, 4);
			hear(&x);
			assert_memory_equal(x.payload, ((uint8_t[]){ 1, 0x80, 65535 / 6 >> 8, 65535 / 6 & 255 }), 4);
			send_raw(&x, x.seq++, x.ts, EVENT_IN, true, (uint8_t[]){ 1, 0x80, 0xff }, 3);
			before = x.n;
			hear(&x);
			assert_int_equal(x.n, before);
		}
		end(&x);
	}
}

/* What the taker understands itself goes through untouched, also in between; noise that it knows in its
 * own way is left out. */
static void test_mixed(void **state)
{
	static struct bed x;
	struct rf_dsp_conf c;
	uint8_t other[33] = "a frame of a codec nobody knows";

	(void)state;
	begin(&x, PCMU, G722);
	conf(&x, &c);
	c.types[c.n++] = (struct rf_dsp_type){ .type = 18, .clock = 8000 };
	c.in[c.n_in++] = (struct rf_dsp_in){ .type = 18, .way = RF_DSP_PASS, .clock = 8000 };
	c.in[c.n_in++] = (struct rf_dsp_in){ .type = NOISE, .way = RF_DSP_LEAVE, .clock = 8000 };
	assert_int_equal(rf_dsp_set(x.d, &c), 0);
	speak(&x, 20, false);
	send_raw(&x, x.seq++, x.ts, 18, false, other, sizeof other);
	x.ts += 160;
	x.k.now.us += 20000;
	hear(&x);
	assert_int_equal(x.head.type, 18);
	assert_memory_equal(x.payload, other, sizeof other);
	send_raw(&x, x.seq++, x.ts, NOISE, false, other, 1);
	x.ts += 160;
	x.k.now.us += 20000;
	speak(&x, 20, false);
	hear(&x);
	assert_int_equal(x.n, 3);
	assert_false(x.gap);
	/* bytes that are no sound of the codec, and a packet without any */
	send_raw(&x, x.seq++, x.ts, 0, false, other, 0);
	speak(&x, 20, false);
	hear(&x);
	assert_int_equal(x.n, 4);
	assert_false(x.gap);
	end(&x);
	begin(&x, OPUS, PCMU);
	speak(&x, 20, false);
	send_raw(&x, x.seq++, x.ts, 96, false, (const uint8_t *)"\xff\xff\xff", 3);
	speak(&x, 20, false);
	hear(&x);
	assert_int_equal(x.n, 2);
	assert_false(x.gap);
	assert_int_equal(rf_dsp_stats(x.d).uncoded, 1);
	end(&x);
}

/* More sound than time: what is ahead of it by two seconds is held. */
static void test_flood(void **state)
{
	static struct bed x;
	uint8_t payload[480] = { 0 };

	(void)state;
	begin(&x, PCMU, PCMA);
	for (unsigned i = 0; i < 100; i++, x.ts += 480)
		send_raw(&x, x.seq++, x.ts, 0, false, payload, sizeof payload);
	for (unsigned n = 0; n != x.n + 1; n = x.n, hear(&x))
		if (n == x.n)
			break;
	hear(&x);
	assert_int_equal(x.n, RF_DSP_AHEAD_MS / 60);
	end(&x);
}

/* RTCP: the reports of a have the taker's clock, and the blocks of b a's. */
static void test_reports(void **state)
{
	static struct bed x;
	uint8_t buf[512];
	ssize_t n;
	struct rf_rtcp_packet packet;
	struct rf_rtcp_report report;

	(void)state;
	begin(&x, OPUS, PCMU);
	for (unsigned i = 0; i < 10; i++)
		speak(&x, 20, false);
	hear(&x);
	struct rf_addr to = kit_local(x.p, 0, 1);
	size_t sent = kit_rtcp(buf, 7, 9, 1, 0, 0, "a@b");
	buf[16] = (uint8_t)(x.ts >> 24);
	buf[17] = (uint8_t)(x.ts >> 16);
	buf[18] = (uint8_t)(x.ts >> 8);
	buf[19] = (uint8_t)x.ts;
	party_send(&x.k, &x.a, 1, &to, buf, sent);
	n = party_recv(&x.b, 1, buf, sizeof buf, NULL);
	assert_true(n > 0);
	struct rf_reader r = rf_reader_of(rf_view_of(buf, (size_t)n));
	assert_int_equal(rf_rtcp_next(&r, &packet), 0);
	assert_int_equal(rf_rtcp_report_parse(&packet, &report), 0);
	assert_int_equal(report.timestamp, x.head.timestamp + 160);
	/* b tells of the stream of a: its jitter of 80 ticks of PCMU is 480 of a's */
	to = kit_local(x.p, 1, 1);
	sent = kit_rtcp(buf, 9, 7, 1, 0, 0, "b@a");
	memcpy(buf + 28 + 12, (uint8_t[]){ 0, 0, 0, 80 }, 4);
	party_send(&x.k, &x.b, 1, &to, buf, sent);
	n = party_recv(&x.a, 1, buf, sizeof buf, NULL);
	assert_true(n > 0);
	r = rf_reader_of(rf_view_of(buf, (size_t)n));
	assert_int_equal(rf_rtcp_next(&r, &packet), 0);
	assert_int_equal(rf_rtcp_report_parse(&packet, &report), 0);
	assert_int_equal(rf_rtcp_block_at(&report, 0).jitter, 480);
	end(&x);
}

/* A key of ours in the middle; without memory nothing goes on, and nothing crashes. */
static void cut_to(struct bed *x, unsigned ms, const char *name)
{
	struct rf_dsp_conf c;

	conf(x, &c);
	c.in[0].way = RF_DSP_CUT;
	c.in[0].unit = rf_dsp_unit_of(rf_view_str(name), 8000, 1);
	c.cut_ms = (uint8_t)ms;
	c.in[c.n_in++] = (struct rf_dsp_in){ EVENT_IN, RF_PCM_NONE, RF_DSP_PASS, true, 8000 };
	assert_non_null(c.in[0].unit);
	assert_int_equal(rf_dsp_set(x->d, &c), 0);
}

/* The same codec in packets of another size: the same bytes. */
static void test_cut(void **state)
{
	static const unsigned sizes[][2] = { { 20, 10 }, { 20, 20 }, { 20, 30 }, { 20, 60 }, { 60, 20 },
					     { 60, 40 }, { 10, 60 }, { 30, 20 }, { 120, 10 } };
	static const char *const names[] = { "PCMU", "PCMA", "G722" };
	static struct bed x;

	(void)state;
	for (unsigned codec = PCMU; codec <= G722; codec++)
		for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
			unsigned in = sizes[s][0], out = sizes[s][1];

			begin(&x, codec, codec);
			cut_to(&x, out, names[codec]);
			for (unsigned t = 0; t < 720; t += in)
				speak(&x, in, false);
			hear(&x);
			if (x.gap || x.unsteady || x.n != 720 / out || x.step != 8 * out || x.marks)
				fail_msg("%s %u to %u: %u packets, step %u", names[codec], in, out, x.n, x.step);
			clear(&x, names[codec]);
			assert_int_equal(rf_dsp_stats(x.d).coded, 0);
			end(&x);
		}
}

/* What is lost is silence, or missing; a pause is one; events come between; another number of
 * bytes goes on as it is. */
static void test_cut_gaps(void **state)
{
	static struct bed x;
	uint8_t bytes[400], event[4] = { 5, 0x80, 0, 160 };

	(void)state;
	begin(&x, PCMA, PCMA);
	cut_to(&x, 60, "PCMA");
	for (unsigned i = 0; i < 60; i++)
		speak(&x, 20, i % 10 == 5);
	hear(&x);
	assert_true(x.n == 20 && !x.gap && !x.unsteady && x.samples == 60 * 160);
	assert_int_equal(x.sound[5 * 160 + 40], x.sound[5 * 160 + 80]); /* silence there */
	send_raw(&x, (uint16_t)(x.seq - 5), x.ts - 5 * 160, codecs[PCMA].type, false, bytes, 160); /* late */
	hear(&x);
	assert_int_equal(x.n, 20);
	/* two wait; then an event, behind what waited; then a pause of three seconds */
	speak(&x, 20, false);
	speak(&x, 20, false);
	send_raw(&x, x.seq++, x.ts, EVENT_IN, true, event, sizeof event);
	hear(&x);
	assert_true(x.n == 22 && x.events == 1 && !x.gap);
	speak(&x, 20, false);
	x.ts += 24000;
	x.k.now.us += 3000000;
	uint32_t at = x.ts;
	speak(&x, 20, false);
	speak(&x, 20, false);
	speak(&x, 20, false);
	hear(&x);
	assert_true(x.n == 24 && !x.gap && x.head.timestamp == at && x.payload_n == 480);
	end(&x);

	/* frames without a byte for silence */
	begin(&x, PCMU, PCMU);
	cut_to(&x, 30, "G729");
	x.to = OPUS; /* nothing is decoded */
	for (unsigned i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)i;
	for (unsigned i = 0; i < 3; i++, x.ts += 160)
		send_raw(&x, x.seq++, x.ts, codecs[PCMU].type, i == 0, bytes + 20 * i, 20);
	hear(&x);
	assert_true(x.n == 2 && x.events == 2 && x.payload_n == 30 && x.marks == 1);
	assert_memory_equal(x.payload, bytes + 30, 30);
	send_raw(&x, x.seq++, x.ts, codecs[PCMU].type, false, bytes, 20); /* waits */
	send_raw(&x, x.seq++, x.ts + 480, codecs[PCMU].type, false, bytes, 22); /* two frames and a last one of two
										 * bytes */
	hear(&x);
	assert_true(x.n == 4 && !x.gap && x.payload_n == 22 && x.head.timestamp == x.ts + 480);
	end(&x);

	/* no more than a second's worth a second, however it is cut */
	begin(&x, PCMU, PCMU);
	cut_to(&x, 10, "PCMU");
	for (unsigned i = 0; i < 200; i++, x.ts += 400)
		send_raw(&x, x.seq++, x.ts, codecs[PCMU].type, false, bytes, 400);
	x.samples = 0;
	hear(&x);
	assert_in_range(x.n, 190, 210);
	end(&x);
}

static void test_keys_and_memory(void **state)
{
	struct rf_dsp_key key = { .event = 4, .volume = 8, .ms = 100, .pause_ms = 40 };
	static struct bed x;
	struct rf_dsp_conf c;

	(void)state;
	begin(&x, G722, PCMU);
	speak(&x, 20, false);
	assert_int_equal(rf_dsp_press(x.d, &key), 0);
	for (unsigned i = 0; i < 10; i++)
		speak(&x, 20, false);
	hear(&x);
	assert_false(x.gap);
	assert_in_range(x.n, 11, 13);
	end(&x);
	for (unsigned n = 1; n < 12; n++) {
		begin(&x, OPUS, G722);
		speak(&x, 20, false);
		hear(&x);
		x.from = G722; /* another decoder has to be made */
		x.to = PCMU;
		conf(&x, &c);
		assert_int_equal(rf_dsp_set(x.d, &c), 0);
		uint8_t payload[160] = { 0 };

		fail_alloc_at(n);
		send_raw(&x, x.seq++, x.ts, 9, false, payload, 160);
		bool failed = fail_alloc_off();
		unsigned before = x.n;
		ssize_t got = party_recv(&x.b, 0, x.payload, sizeof x.payload, NULL);

		assert_int_equal(got > 0, !failed);
		x.n = before;
		end(&x);
		if (!failed)
			break;
	}
	/* The first time: no coder, so what would need one is held. */
	begin(&x, PCMU, PCMU);
	conf(&x, &c);
	c.in[0].way = RF_DSP_PASS;
	rf_path_free(x.p);
	x.p = kit_path(&x.k, RF_PATH_RTP, KIT_V4, KIT_V4);
	struct rf_path_end_conf a = kit_conf(&x.a), b = kit_conf(&x.b);
	a.n_types = b.n_types = 0;
	assert_int_equal(rf_path_set(x.p, 0, &a), 0);
	assert_int_equal(rf_path_set(x.p, 1, &b), 0);
	rf_path_open(x.p);
	assert_int_equal(rf_dsp_get(x.p, 0, x.k.loop, &x.k.random, NULL, &x, &x.d), 0);
	c.in[0].way = RF_DSP_CODE;
	fail_alloc_at(1);
	assert_int_equal(rf_dsp_set(x.d, &c), -ENOMEM);
	assert_true(fail_alloc_off());
	speak(&x, 20, false);
	hear(&x);
	assert_int_equal(x.n, 0);
	end(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matrix), cmocka_unit_test(test_exact), cmocka_unit_test(test_loss),
		cmocka_unit_test(test_pause), cmocka_unit_test(test_events), cmocka_unit_test(test_mixed),
		cmocka_unit_test(test_flood), cmocka_unit_test(test_reports), cmocka_unit_test(test_cut),
		cmocka_unit_test(test_cut_gaps),
		cmocka_unit_test(test_keys_and_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
