#include "rtp/dtmf.h"

#include "guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static void test_keys(void **state)
{
	(void)state;
	for (int event = 0; event < RF_DTMF_EVENTS; event++)
		assert_int_equal(rf_dtmf_event_of("0123456789*#ABCD"[event]), event);
	assert_int_equal(rf_dtmf_event_of('#'), 11);
	assert_int_equal(rf_dtmf_event_of('D'), 15);
	assert_int_equal(rf_dtmf_event_of('d'), -1);
	assert_int_equal(rf_dtmf_event_of(0), -1);
}

/* One packet a line: when, sequence number, timestamp, event, end, duration; and what it tells: "b5" begin of 5,
 * "e5:800" its end after 800 units. A line without a sequence number is silence. */
struct line {
	unsigned ms;
	int seq;
	uint32_t timestamp;
	uint8_t event, end;
	uint16_t duration;
	const char *news;
};

static void play(const char *what, const struct line *lines, size_t count)
{
	struct rf_dtmf_in d = { .open = false };

	for (size_t i = 0; i < count; i++) {
		const struct line *l = &lines[i];
		uint8_t payload[4] = { l->event, (uint8_t)(l->end << 7 | 10), (uint8_t)(l->duration >> 8),
				       (uint8_t)l->duration };
		struct rf_rtp_head head = { .seq = (uint16_t)l->seq, .timestamp = l->timestamp };
		struct rf_mono now = { (1000u + l->ms) * UINT64_C(1000) };
		struct rf_dtmf_news news[RF_DTMF_NEWS_MAX];
		char told[64] = "";
		int n = l->seq < 0 ? rf_dtmf_in_quiet(&d, now, news) :
				     rf_dtmf_in_take(&d, &head, rf_view_of(payload, 4), now, news);

		assert_in_range(n, 0, RF_DTMF_NEWS_MAX);
		for (int k = 0; k < n; k++) {
			size_t at = strlen(told);

			assert_int_equal(news[k].volume, 10);
			if (news[k].end)
				snprintf(told + at, sizeof told - at, "%se%u:%u", k ? " " : "", news[k].event,
					 news[k].duration);
			else
				snprintf(told + at, sizeof told - at, "%sb%u", k ? " " : "", news[k].event);
		}
		if (strcmp(told, l->news) != 0)
			fail_msg("%s, line %zu: \"%s\"", what, i, told);
	}
}

#define PLAY(what, ...) \
	do { \
		static const struct line lines[] = { __VA_ARGS__ }; \
		play(what, lines, sizeof lines / sizeof *lines); \
	} while (0)

static void test_events(void **state)
{
	(void)state;
	PLAY("one key",
	     { 0, 1, 100, 5, 0, 160, "b5" }, { 20, 2, 100, 5, 0, 320, "" }, { 40, 3, 100, 5, 0, 480, "" },
	     { 60, 4, 100, 5, 1, 640, "e5:640" }, { 60, 5, 100, 5, 1, 640, "" }, { 60, 6, 100, 5, 1, 640, "" },
	     { 1000, -1, 0, 0, 0, 0, "" });
	PLAY("the same key twice",
	     { 0, 1, 100, 5, 0, 160, "b5" }, { 20, 2, 100, 5, 1, 320, "e5:320" }, { 60, 3, 900, 5, 0, 160, "b5" },
	     { 80, 4, 900, 5, 1, 320, "e5:320" });
	PLAY("doubled and late packets", { 0, 1, 100, 5, 0, 160, "b5" }, { 20, 3, 100, 5, 0, 480, "" },
	     { 20, 2, 100, 5, 0, 320, "" }, { 21, 3, 100, 5, 0, 480, "" }, { 60, 5, 100, 5, 1, 640, "e5:640" },
	     { 61, 4, 100, 5, 0, 560, "" }, { 62, 5, 100, 5, 1, 640, "" });
	PLAY("an end that was lost, then quiet", { 0, 1, 100, 5, 0, 160, "b5" }, { 20, 2, 100, 5, 0, 320, "" },
	     { 219, -1, 0, 0, 0, 0, "" }, { 220, -1, 0, 0, 0, 0, "e5:320" }, { 221, -1, 0, 0, 0, 0, "" },
	     { 222, 3, 100, 5, 1, 480, "" });
	PLAY("an end that was lost, then another key", { 0, 1, 100, 5, 0, 160, "b5" },
	     { 20, 2, 900, 6, 0, 160, "e5:160 b6" }, { 40, 3, 900, 6, 1, 320, "e6:320" });
	PLAY("only the last packet came",
	     { 0, 7, 100, 5, 1, 640, "b5 e5:640" }, { 0, 8, 100, 5, 1, 640, "" });
	PLAY("only the last packets of two came",
	     { 0, 7, 100, 5, 0, 160, "b5" }, { 90, 8, 900, 6, 1, 640, "e5:160 b6 e6:640" });
	PLAY("round the corner", { 0, 65535, 0xffffff00, 5, 0, 160, "b5" }, { 20, 0, 0xffffff00, 5, 0, 320, "" },
	     { 40, 1, 0xffffff00, 5, 1, 480, "e5:480" }, { 60, 2, 0x100, 6, 0, 160, "b6" });
	PLAY("held for long: segments",
	     { 0, 1, 100, 5, 0, 65000, "b5" }, { 20, 2, 100, 5, 0, 65535, "" }, { 40, 3, 65635, 5, 0, 160, "" },
	     { 60, 4, 65635, 5, 0, 65535, "" }, { 80, 5, 131170, 5, 1, 100, "e5:131170" });
	PLAY("the last packet of a segment was lost",
	     { 0, 1, 100, 5, 0, 65000, "b5" }, { 40, 3, 65635, 5, 1, 160, "e5:65695" });
	PLAY("after a long talk, sequence numbers further on than half a round", { 0, 1, 100, 5, 1, 160, "b5 e5:160" },
	     { 700000, 33000, 5600100, 6, 0, 160, "b6" }, { 700020, 33001, 5600100, 6, 1, 320, "e6:320" });
}

static void test_refused(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		int rc;
	} rows[] = {
		{ "\x05\x0a\x00\xa0", 4, 1 }, { "\x05\x0a\x00", 3, RF_E_MALFORMED },
		{ "\x05\x0a\x00\xa0\x00", 5, RF_E_MALFORMED }, { "", 0, RF_E_MALFORMED },
		{ "\x05\x4a\x00\xa0", 4, RF_E_MALFORMED },
		{ "\x10\x0a\x00\xa0", 4, RF_E_UNSUPPORTED },
		{ "\xff\x0a\x00\xa0", 4, RF_E_UNSUPPORTED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rf_view v = guard_copy(rf_view_of(rows[i].bytes, rows[i].n));
		struct rf_dtmf_in d = { .open = false };
		struct rf_dtmf_news news[RF_DTMF_NEWS_MAX];
		struct rf_rtp_head head = { .seq = 1 };

		assert_int_equal(rf_dtmf_in_take(&d, &head, v, (struct rf_mono){ 1 }, news), rows[i].rc);
		assert_int_equal(d.known, rows[i].rc == 1);
		guard_free(v);
	}
}

/* What we send is what we would hear, however long, and whichever packets are lost but all of the last. */
static void test_send(void **state)
{
	static const struct {
		uint32_t duration, step;
		unsigned packets;
	} rows[] = {
		{ 160, 160, 3 }, { 800, 160, 7 }, { 801, 160, 8 }, { 65535, 160, 412 }, { 65536, 160, 413 },
		{ 200000, 960, 211 }, { RF_DTMF_DURATION_MAX, 960, 3002 }, { RF_DTMF_DURATION_MAX, 8000, 362 },
		{ 1, 1, 3 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (unsigned every = 1; every <= 3; every++) {
			struct rf_dtmf_in in = { .open = false };
			struct rf_dtmf_news news[RF_DTMF_NEWS_MAX], got[2] = { { .event = 99 } };
			struct rf_dtmf_out out;
			struct rf_rtp_head head;
			uint8_t payload[RF_DTMF_BYTES];
			unsigned packets = 0, n_got = 0;

			assert_int_equal(rf_dtmf_out_begin(&out, 11, 10, 0xffff0000, rows[i].duration, rows[i].step), 0);
			while (rf_dtmf_out_next(&out, &head, payload)) {
				assert_int_equal(head.marker, packets == 0);
				head.seq = (uint16_t)(65500 + packets++);
				if (packets % every && rows[i].duration > 65536)
					continue;
				int n = rf_dtmf_in_take(&in, &head, rf_view_of(payload, 4),
							(struct rf_mono){ packets * 20000 }, news);

				for (int k = 0; k < n; k++)
					got[n_got++] = news[k];
				assert_in_range(n_got, 0, 2);
			}
			assert_int_equal(packets, rows[i].packets);
			assert_int_equal(n_got, 2);
			assert_true(!got[0].end && got[1].end && got[1].event == 11 && got[1].volume == 10);
			assert_int_equal(got[1].duration, rows[i].duration);
			assert_false(rf_dtmf_out_next(&out, &head, payload));
		}
}

static void test_send_refused(void **state)
{
	static const struct {
		unsigned event, volume;
		uint32_t duration, step;
		int rc;
	} rows[] = {
		{ 15, 63, 800, 160, 0 }, { 16, 10, 800, 160, RF_E_INVALID }, { 1, 64, 800, 160, RF_E_INVALID },
		{ 1, 10, 0, 160, RF_E_INVALID }, { 1, 10, 159, 160, RF_E_INVALID }, { 1, 10, 800, 0, RF_E_INVALID },
		{ 1, 10, 8001, 8001, RF_E_INVALID }, { 1, 10, RF_DTMF_DURATION_MAX + 1, 160, RF_E_INVALID },
	};
	struct rf_dtmf_out out;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_int_equal(rf_dtmf_out_begin(&out, rows[i].event, rows[i].volume, 0, rows[i].duration,
						   rows[i].step),
				 rows[i].rc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys), cmocka_unit_test(test_events), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_send), cmocka_unit_test(test_send_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
