/* Codecs of an m-line, and what the lists of a request make of them. */
#include "media/codec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static const char description[] = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
	"m=audio 4000 RTP/AVP 8 0 96 97 98 99 13 101 96\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 stereo=1\r\na=rtpmap:97 speex/16000\r\n"
	"a=rtpmap:98 x.y/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n";

enum { MOST = 32 };

static size_t read_all(struct rf_arena *a, struct rf_codec c[MOST])
{
	struct rf_sdp *sdp;

	rf_arena_init(a, 1 << 20);
	assert_int_equal(rf_sdp_parse(a, rf_view_str(description), NULL, &sdp, NULL), 0);
	return rf_codec_read(&sdp->media[0], c, MOST);
}

static void test_read(void **state)
{
	struct rf_codec c[MOST];
	struct rf_arena a;

	(void)state;
	/* 98 has no usable name, 99 none at all, 96 stands twice */
	assert_int_equal(read_all(&a, c), 6);
	assert_true(rf_view_eq(c[0].name, RF_V("PCMA")) && c[0].clock == 8000 && c[0].type == 8);
	assert_true(rf_view_eq(c[2].name, RF_V("opus")) && c[2].channels == 2 && rf_view_eq(c[2].fmtp, RF_V("stereo=1")));
	assert_int_equal(c[4].flags, RF_TYPE_COMFORT);
	assert_int_equal(c[5].flags, RF_TYPE_DTMF);
	assert_true(rf_codec_is(&c[2], RF_V("opus")) && rf_codec_is(&c[2], RF_V("OPUS/48000/2")) && rf_codec_is(&c[2], RF_V("96")));
	assert_false(rf_codec_is(&c[2], RF_V("opus/48000/1")) || rf_codec_is(&c[2], RF_V("opus/8000")) || rf_codec_is(&c[2], RF_V("97")));
	rf_arena_fini(&a);
}

static void test_choose(void **state)
{
	static const struct {
		enum rf_ng_codecs list;
		const char *word;
		enum rf_ng_codecs list2;
		const char *word2, *left;
		bool all_there;
	} rows[] = {
		{ RF_NG_STRIP, "PCMU", RF_NG_STRIP, "nothing", "8 96 97 13 101 ", true },
		{ RF_NG_STRIP, "all", RF_NG_EXCEPT, "speex/16000", "97 ", true },
		{ RF_NG_MASK, "full", RF_NG_CODEC_OFFER, "telephone-event", "101 ", true },
		{ RF_NG_CONSUME, "8", RF_NG_CODEC_OFFER, "opus", "96 0 97 13 101 ", true },
		{ RF_NG_STRIP, "all", RF_NG_EXCEPT, "G729", "8 0 96 97 13 101 ", true },
		{ RF_NG_TRANSCODE, "PCMU", RF_NG_STRIP, "all", "0 ", true },
		{ RF_NG_TRANSCODE, "G729", RF_NG_STRIP, "opus", "8 0 97 13 101 ", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct rf_view w = rf_view_str(rows[i].word), w2 = rf_view_str(rows[i].word2), both[2] = { w, w2 };
		struct rf_ng_request q = { 0 };
		struct rf_codec c[MOST];
		struct rf_arena a;
		char left[64] = "";
		size_t n = read_all(&a, c);

		q.codecs[rows[i].list] = (struct rf_ng_list){ &w, 1 };
		q.codecs[rows[i].list2] = (struct rf_ng_list){ &w2, 1 };
		if (rows[i].list == rows[i].list2)
			q.codecs[rows[i].list] = (struct rf_ng_list){ both, 2 };
		assert_int_equal(rf_codec_choose(c, n, &q), rows[i].all_there);
		for (size_t k = 0; k < n; k++)
			if (!c[k].off)
				snprintf(left + strlen(left), sizeof left - strlen(left), "%u ", c[k].type);
		assert_string_equal(left, rows[i].left);
		rf_arena_fini(&a);
	}
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
		cmocka_unit_test(test_single),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
