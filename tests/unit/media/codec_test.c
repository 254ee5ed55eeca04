/* Codecs of an m-line, and what the lists of a request make of them. */
#include "media/codec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static const char description[] = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
	"m=audio 4000 RTP/AVP 8 0 96 97 98 99 13 101 96\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 stereo=1\r\n"
	"a=rtpmap:97 speex/16000\r\n"
	"a=rtpmap:98 x.y/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n";

enum { MOST = 32 };

static const struct rf_sdp_media *media;

static size_t read_all(struct rf_arena *a, struct rf_codec c[MOST])
{
	struct rf_sdp *sdp;

	rf_arena_init(a, 1 << 20);
	assert_int_equal(rf_sdp_parse(a, rf_view_str(description), NULL, &sdp, NULL), 0);
	media = &sdp->media[0];
	return rf_codec_read(media, c, MOST);
}

static void test_read(void **state)
{
	struct rf_codec c[MOST];
	struct rf_arena a;

	(void)state;
	/* 98 has no usable name, 99 none at all, 96 stands twice */
	assert_int_equal(read_all(&a, c), 6);
	assert_true(rf_view_eq(c[0].name, RF_V("PCMA")) && c[0].clock == 8000 && c[0].type == 8);
	assert_true(rf_view_eq(c[2].name, RF_V("opus")) && c[2].channels == 2 &&
		    rf_view_eq(c[2].fmtp, RF_V("stereo=1")));
	assert_int_equal(c[4].flags, RF_TYPE_COMFORT);
	assert_int_equal(c[5].flags, RF_TYPE_DTMF);
	assert_true(rf_codec_is(&c[2], RF_V("opus")) && rf_codec_is(&c[2], RF_V("OPUS/48000/2")) &&
		    rf_codec_is(&c[2], RF_V("96")));
	assert_false(rf_codec_is(&c[2], RF_V("opus/48000/1")) || rf_codec_is(&c[2], RF_V("opus/8000")) ||
		     rf_codec_is(&c[2], RF_V("97")));
	rf_arena_fini(&a);
}

static void put_types(const struct rf_codec *c, size_t n, char *dst, size_t cap)
{
	dst[0] = 0;
	for (size_t k = 0; k < n; k++)
		if (!c[k].off)
			snprintf(dst + strlen(dst), cap - strlen(dst), "%u ", c[k].type);
}

static void test_choose(void **state)
{
	static const struct {
		enum rf_ng_codecs list;
		const char *word;
		enum rf_ng_codecs list2;
		const char *word2, *left;
		bool coded, warns;
	} rows[] = {
		{ RF_NG_STRIP, "PCMU", RF_NG_STRIP, "nothing", "8 96 97 13 101 ", false, false },
		{ RF_NG_STRIP, "all", RF_NG_EXCEPT, "speex/16000", "97 ", false, false },
		{ RF_NG_MASK, "full", RF_NG_CODEC_OFFER, "telephone-event", "101 ", false, false },
		{ RF_NG_CONSUME, "8", RF_NG_CODEC_OFFER, "opus", "96 0 97 13 101 ", true, false },
		{ RF_NG_STRIP, "all", RF_NG_EXCEPT, "G729", "8 0 96 97 13 101 ", false, false },
		{ RF_NG_TRANSCODE, "PCMU", RF_NG_STRIP, "all", "0 ", false, false },
		{ RF_NG_TRANSCODE, "G729", RF_NG_STRIP, "opus", "8 0 97 13 101 ", false, true },
		/* made: numbers that the description does not name, events with the clock of the sound */
		{ RF_NG_TRANSCODE, "G722", RF_NG_STRIP, "nothing", "8 0 96 97 13 101 9 100 ", true, false },
		{ RF_NG_TRANSCODE, "g722/8000/1", RF_NG_MASK, "all", "9 ", true, false },
		{ RF_NG_TRANSCODE, "G722", RF_NG_MASK, "full", "9 ", true, false },
		{ RF_NG_TRANSCODE, "G722", RF_NG_STRIP, "full", "8 0 96 97 13 101 ", false, true },
		{ RF_NG_TRANSCODE, "opus", RF_NG_STRIP, "opus", "8 0 97 13 101 100 102 ", true, false },
		{ RF_NG_TRANSCODE, "opus", RF_NG_MASK, "all", "96 ", false, false },
		{ RF_NG_TRANSCODE, "opus", RF_NG_MASK, "full", "100 ", true, false },
		{ RF_NG_TRANSCODE, "telephone-event", RF_NG_STRIP, "nothing", "101 8 0 96 97 13 100 ", true, false },
		{ RF_NG_TRANSCODE, "G722/16000", RF_NG_STRIP, "PCMU", "8 96 97 13 101 ", false, true },
		{ RF_NG_TRANSCODE, "G722/8000/1/64000", RF_NG_STRIP, "PCMU", "8 96 97 13 101 9 100 ", true, true },
		{ RF_NG_ACCEPT, "PCMA", RF_NG_STRIP, "PCMU", "8 96 97 13 101 ", true, false },
		{ RF_NG_ACCEPT, "all", RF_NG_STRIP, "nothing", "8 0 96 97 13 101 ", true, false },
		{ RF_NG_ACCEPT, "speex", RF_NG_STRIP, "nothing", "8 0 96 97 13 101 ", false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct rf_view w = rf_view_str(rows[i].word), w2 = rf_view_str(rows[i].word2), both[2] = { w, w2 };
		struct rf_ng_notes notes = { 0 };
		struct rf_ng_request q = { .notes = &notes };
		struct rf_codec c[MOST];
		struct rf_arena a;
		char left[64];
		struct rf_codec_list list = { .c = c, .n = read_all(&a, c), .most = MOST };

		list.m = media;
		q.codecs[rows[i].list] = (struct rf_ng_list){ &w, 1 };
		q.codecs[rows[i].list2] = (struct rf_ng_list){ &w2, 1 };
		if (rows[i].list == rows[i].list2)
			q.codecs[rows[i].list] = (struct rf_ng_list){ both, 2 };
		rf_codec_choose(list.c, list.n, &q);
		bool coded = rf_codec_offer(&list, &q, true);

		put_types(c, list.n, left, sizeof left);
		if (coded != rows[i].coded || strcmp(left, rows[i].left) || (notes.n > 0) != rows[i].warns)
			fail_msg("row %zu: %s, %d, %.*s", i, left, coded, (int)notes.n, notes.text);
		rf_arena_fini(&a);
	}
}

/* An m-line of these formats. */
static size_t read_line(struct rf_arena *a, const char *formats, struct rf_codec c[MOST])
{
	enum { ROOM = 512 };
	char *text = rf_arena_alloc(a, ROOM);
	struct rf_sdp *sdp;

	snprintf(text, ROOM, "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
		 "m=audio 4000 RTP/AVP %s\r\na=rtpmap:96 opus/48000/2\r\na=rtpmap:97 opus/48000/2\r\n"
		 "a=rtpmap:101 telephone-event/8000\r\na=rtpmap:102 telephone-event/48000\r\n"
		 "a=rtpmap:110 telephone-event/8000\r\n",
		 formats);
	assert_int_equal(rf_sdp_parse(a, rf_view_str(text), NULL, &sdp, NULL), 0);
	return rf_codec_read(&sdp->media[0], c, MOST);
}

/* What is said to the answerer, what it answers, and what the offerer is told of that. */
static void test_answer(void **state)
{
	static const struct {
		const char *offer;
		enum rf_ng_codecs list;
		const char *words[3], *shown, *answer, *told;
		bool coded;
	} rows[] = {
		/* nothing in common: all that can be transcoded */
		{ "8 0", RF_NG_TRANSCODE, { "G722" }, "8 0 9 ", "9", "8 0 ", true },
		{ "8 18", RF_NG_TRANSCODE, { "opus" }, "8 18 96 ", "96", "8 ", true },
		{ "18 8", RF_NG_TRANSCODE, { "opus" }, "18 8 96 ", "18", "18 ", false },
		/* common: as without, and still the answerer may say what the offerer does not know */
		{ "8 0", RF_NG_TRANSCODE, { "G722" }, "8 0 9 ", "0", "0 ", false },
		{ "8 0", RF_NG_TRANSCODE, { "G722" }, "8 0 9 ", "9 0", "0 ", true },
		/* another number for the same codec */
		{ "96", RF_NG_TRANSCODE, { "PCMU" }, "96 0 ", "97", "97 ", false },
		{ "96", RF_NG_TRANSCODE, { "PCMU" }, "96 0 ", "0", "96 ", true },
		/* events: kept, with another clock, made */
		{ "8 101", RF_NG_TRANSCODE, { "PCMU" }, "8 101 0 ", "0 101", "101 8 ", true },
		{ "8 101", RF_NG_TRANSCODE, { "PCMU" }, "8 101 0 ", "0 110", "110 8 ", true },
		{ "8 101", RF_NG_TRANSCODE, { "PCMU" }, "8 101 0 ", "0", "8 101 ", true },
		{ "96 102", RF_NG_TRANSCODE, { "PCMU" }, "96 102 0 97 ", "0", "96 102 ", true },
		{ "8", RF_NG_TRANSCODE, { "telephone-event" }, "8 96 ", "8 96", "8 ", true },
		{ "8 101", RF_NG_ACCEPT, { "telephone-event" }, "8 101 ", "8", "8 101 ", true },
		/* what the offerer may use all the same */
		{ "8 0", RF_NG_ACCEPT, { "all" }, "8 0 ", "0", "0 8 ", true },
		{ "96 0", RF_NG_CONSUME, { "opus" }, "0 ", "0", "96 0 ", true },
		{ "8 0", RF_NG_ACCEPT, { "PCMU" }, "8 0 ", "0", "0 ", false },
		/* answered although it was not offered */
		{ "8 101", RF_NG_CONSUME, { "telephone-event" }, "8 ", "8 101", "8 101 ", true },
		/* not asked */
		{ "8 0", RF_NG_STRIP, { "PCMA" }, "0 ", "0", "0 ", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct rf_view words[3];
		struct rf_ng_request q = { 0 };
		struct rf_codec c[MOST], x[MOST];
		struct rf_arena a;
		char shown[64], told[64];

		rf_arena_init(&a, 1 << 20);
		for (unsigned k = 0; k < 3 && rows[i].words[k]; k++)
			words[q.codecs[rows[i].list].n++] = rf_view_str(rows[i].words[k]);
		q.codecs[rows[i].list].v = words;
		struct rf_codec_list offer = { c, read_line(&a, rows[i].offer, c), MOST, NULL, NULL, 0 };

		rf_codec_choose(c, offer.n, &q);
		bool may = rf_codec_offer(&offer, &q, true);

		put_types(c, offer.n, shown, sizeof shown);
		struct rf_codec_list answer = { x, read_line(&a, rows[i].answer, x), MOST, NULL, NULL, 0 };

		/* its own 96 is what was made as 96 */
		for (size_t k = 0; k < answer.n; k++)
			for (size_t o = 0; o < offer.n; o++)
				if (c[o].made && c[o].type == x[k].type)
					x[k] = (struct rf_codec){ .type = c[o].type,
								  .flags = c[o].flags,
								  .channels = c[o].channels,
								  .clock = c[o].clock,
								  .name = c[o].name };
		bool coded = may && rf_codec_answer(c, offer.n, &answer);

		put_types(x, answer.n, told, sizeof told);
		if (strcmp(shown, rows[i].shown) || strcmp(told, rows[i].told) || coded != rows[i].coded)
			fail_msg("row %zu: shown %s, told %s, %d", i, shown, told, coded);
		rf_arena_fini(&a);
	}
}

/* What was made keeps its number, and there is no more room than there is. */
static void test_numbers(void **state)
{
	struct rf_view word = RF_V("opus");
	struct rf_ng_request q = { .codecs = { [RF_NG_TRANSCODE] = { &word, 1 } } };
	struct rf_codec c[MOST] = { { .type = 8, .channels = 1, .clock = 8000, .name = RF_V("PCMA") } };
	struct rf_codec before = { .type = 117, .made = true, .clock = 48000, .channels = 2, .name = RF_V("opus") };
	struct rf_codec_list list = { c, 1, MOST, NULL, &before, 1 };

	(void)state;
	assert_true(rf_codec_offer(&list, &q, true));
	assert_int_equal(list.n, 2);
	assert_int_equal(c[1].type, 117);
	list = (struct rf_codec_list){ c, 1, 1, NULL, NULL, 0 };
	assert_false(rf_codec_offer(&list, &q, true));
	assert_int_equal(list.n, 1);
	assert_false(rf_codec_offer(&(struct rf_codec_list){ c, 1, MOST, NULL, NULL, 0 }, &q, false)); /* no sound */
	struct rf_codec bits = { .fmtp = RF_V("stereo=1; maxaveragebitrate=20000;x=y") };

	assert_int_equal(rf_codec_bits_most(&bits), 20000);
	bits.fmtp = RF_V("maxaveragebitrate=x");
	assert_int_equal(rf_codec_bits_most(&bits), 0);
}

static void test_single(void **state)
{
	struct rf_codec c[MOST];
	struct rf_arena a;
	size_t n = read_all(&a, c);

	(void)state;
	rf_codec_single(c, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(c[i].off, i != 0 && !(c[i].flags & RF_TYPE_DTMF));
	rf_arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_choose),
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_single),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
