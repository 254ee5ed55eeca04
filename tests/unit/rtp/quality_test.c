#include "rtp/quality.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static const struct rf_quality_codec g711 = { 0, 251 };

static struct rf_mono at_ms(uint64_t ms)
{
	return (struct rf_mono){ (1000 + ms) * 1000 };
}

/* Sequence numbers, one by one: what was expected, came, was lost, late, double. */
static void test_order(void **state)
{
	static const struct {
		const char *what;
		uint16_t seq[12];
		unsigned n;
		uint32_t expected, received, lost, reordered, doubles;
	} rows[] = {
		{ "one", { 7 }, 1, 1, 1, 0, 0, 0 },
		{ "in order", { 1, 2, 3, 4 }, 4, 4, 4, 0, 0, 0 },
		{ "round the corner", { 65534, 65535, 0, 1 }, 4, 4, 4, 0, 0, 0 },
		{ "lost", { 1, 2, 5, 6 }, 4, 6, 4, 2, 0, 0 },
		{ "late", { 1, 3, 2, 4 }, 4, 4, 4, 0, 1, 0 },
		{ "late, round the corner", { 65535, 1, 0, 2 }, 4, 4, 4, 0, 1, 0 },
		{ "before the first", { 5, 4, 6 }, 3, 3, 3, 0, 1, 0 },
		{ "before the first, round the corner", { 0, 65535, 1 }, 3, 3, 3, 0, 1, 0 },
		{ "double", { 1, 2, 2, 1, 3 }, 5, 3, 3, 0, 0, 2 },
		{ "late and double", { 1, 3, 2, 2 }, 4, 3, 3, 0, 1, 1 },
		{ "the edge of what is remembered", { 1, 64, 1, 0 }, 4, 65, 3, 62, 1, 1 },
		{ "a hole as long as allowed", { 1, 3000 }, 2, 3000, 2, 2998, 0, 0 },
		{ "a jump", { 1, 2, 3002, 3003 }, 4, 4, 4, 0, 0, 0 },
		{ "a jump back", { 500, 501, 401, 402 }, 4, 4, 4, 0, 0, 0 },
		{ "as late as allowed", { 500, 501, 402 }, 3, 100, 3, 97, 1, 0 },
		{ "a stray one", { 100, 30000, 101, 102 }, 4, 4, 4, 0, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rf_quality_sum s;
		struct rf_quality q;

		rf_quality_init(&q, 8000);
		for (unsigned k = 0; k < rows[i].n; k++)
			rf_quality_packet(&q, rows[i].seq[k], 0, at_ms(20 * k));
		s = rf_quality_sum(&q, g711);
		if (s.expected != rows[i].expected || s.received != rows[i].received || s.lost != rows[i].lost ||
		    s.reordered != rows[i].reordered || s.doubles != rows[i].doubles)
			fail_msg("%s: %u %u %u %u %u", rows[i].what, s.expected, s.received, s.lost, s.reordered,
				 s.doubles);
	}
}

/* Late by turns: the estimate comes near the difference (RFC 3550 A.8); a sender that pauses or jumps does not
 * count. */
static void test_jitter(void **state)
{
	static const uint32_t clocks[] = { 8000, 48000, 90000 };

	(void)state;
	for (size_t c = 0; c < 3; c++) {
		uint32_t clock = clocks[c], step = clock / 50, at = 0xffffff00;
		struct rf_quality q;

		rf_quality_init(&q, clock);
		for (uint16_t i = 0; i < 200; i++, at += step)
			rf_quality_packet(&q, i, at, at_ms(20u * i));
		assert_int_equal(rf_quality_sum(&q, g711).jitter_us, 0);
		for (uint16_t i = 200; i < 600; i++, at += step)
			rf_quality_packet(&q, i, at, at_ms(20u * i + (i & 1) * 5));
		assert_in_range(rf_quality_sum(&q, g711).jitter_us, 4800, 5100);
		for (uint16_t i = 0; i < 100; i++) /* a key is held: one timestamp */
			rf_quality_packet(&q, (uint16_t)(600 + i), at, at_ms(12000 + 20u * i));
		at += 100 * step;
		for (uint16_t i = 700; i < 702; i++, at += step)
			rf_quality_packet(&q, i, at, at_ms(20u * i));
		assert_in_range(rf_quality_sum(&q, g711).jitter_us, 4000, 5100);
		rf_quality_packet(&q, 702, at + 100 * clock, at_ms(14040));
		assert_in_range(rf_quality_sum(&q, g711).jitter_us, 4000, 5100);
	}
}

static void test_no_clock(void **state)
{
	struct rf_quality q;

	(void)state;
	rf_quality_init(&q, 0);
	assert_int_equal(rf_quality_sum(&q, g711).mos_100, 0);
	for (uint16_t i = 0; i < 100; i++)
		rf_quality_packet(&q, i, i * 77777u, at_ms(i * i));
	assert_int_equal(rf_quality_sum(&q, g711).jitter_us, 0);
	assert_int_equal(rf_quality_sum(&q, g711).mos_100, 440);
}

static void test_round_trip(void **state)
{
	static const struct {
		uint32_t lsr, dlsr;
		uint64_t ms;
		uint32_t rtt_us;
	} rows[] = {
		{ 0x56789abc, 0x10000, 1250, 250000 }, /* held for a second */
		{ 0x56789abc, 0, 80, 80000 },
		{ 0x56789abc, 0x10000, 1000, 1 },      /* at once */
		{ 0x56789abc, 0x10000, 900, 0 },       /* held for longer than it was away */
		{ 0x56789abd, 0x10000, 1250, 0 },      /* about another report */
		{ 0, 0, 1250, 0 },
		{ 0x56789abc, 0, 10001, 0 },
		{ 0x56789abc, 0xffffffff, 1250, 0 },
	};
	struct rf_quality q;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		rf_quality_init(&q, 8000);
		rf_quality_sent_report(&q, 0x123456789abcdef0, at_ms(0));
		rf_quality_heard_report(&q, rows[i].lsr, rows[i].dlsr, at_ms(rows[i].ms));
		assert_int_equal(q.rtt_us, rows[i].rtt_us);
	}
	rf_quality_init(&q, 8000);
	rf_quality_heard_report(&q, 0, 0, at_ms(5)); /* before any */
	assert_int_equal(q.rtt_us, 0);
}

/* Values worked out from the formulas in the header by another program. */
static void test_opinion(void **state)
{
	static const struct {
		const char *codec;
		unsigned lost, of;
		uint32_t rtt_ms;
		uint16_t r_10, mos_100;
	} rows[] = {
		{ "PCMU", 0, 1000, 0, 927, 440 },
		{ "opus", 0, 1000, 0, 927, 440 },
		{ "PCMA", 10, 1000, 0, 891, 432 },
		{ "PCMA", 50, 1000, 0, 769, 390 },
		{ "PCMA", 200, 1000, 0, 506, 261 },
		{ "PCMA", 0, 1000, 300, 891, 432 },
		{ "PCMA", 0, 1000, 600, 698, 359 },
		{ "g729", 0, 1000, 0, 817, 409 },
		{ "G729", 50, 1000, 0, 642, 332 },
		{ "G723", 0, 1000, 0, 777, 393 },
		{ "AMR", 0, 1000, 0, 877, 428 },
		{ "PCMA", 998, 1000, 9000, 0, 100 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rf_quality q;

		rf_quality_init(&q, 8000);
		for (unsigned k = 0; k < rows[i].of; k++)
			if (k == 0 || k > rows[i].lost)
				rf_quality_packet(&q, (uint16_t)k, 160 * k, at_ms(20 * k));
		q.rtt_us = rows[i].rtt_ms * 1000;
		struct rf_quality_sum s = rf_quality_sum(&q, rf_quality_codec_of(rf_view_str(rows[i].codec)));

		if (s.r_10 != rows[i].r_10 || s.mos_100 != rows[i].mos_100)
			fail_msg("row %zu: R %u, MOS %u, loss %u", i, s.r_10, s.mos_100, s.loss_100);
	}
	assert_true(sizeof(struct rf_quality) <= 64);
}

/* Packets that passed elsewhere: those that are missing among them are lost, the others are not. */
static void test_passed_elsewhere(void **state)
{
	struct rf_quality q;

	(void)state;
	rf_quality_init(&q, 8000);
	rf_quality_packet(&q, 65000, 0, (struct rf_mono){ 1000000 });
	rf_quality_passed(&q, 65000, 0);
	rf_quality_passed(&q, (uint16_t)(65000 + 4000), 3990);
	rf_quality_packet(&q, (uint16_t)(65000 + 4001), 4001 * 160, (struct rf_mono){ 1000000 + 4001 * 20000 });
	struct rf_quality_sum sum = rf_quality_sum(&q, rf_quality_codec_of(rf_view_of(NULL, 0)));

	assert_int_equal(sum.expected, 4002);
	assert_int_equal(sum.received, 3992);
	assert_int_equal(sum.lost, 10);
	assert_int_equal(sum.reordered, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order), cmocka_unit_test(test_jitter), cmocka_unit_test(test_no_clock),
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_opinion),
		cmocka_unit_test(test_passed_elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
