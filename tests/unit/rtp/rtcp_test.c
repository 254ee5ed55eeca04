#include "rtp/rtcp_ask.h"

#include "guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

enum { CAP = 2048 };

/* Packets, as bytes; lengths are whole words. */
#define SR_HEAD "\x80\xc8\x00\x06" "\x00\x00\x00\x01" "\xe1\x23\x45\x67\x89\xab\xcd\xef" "\x00\x00\x10\x00" "\x00\x00\x00\x64" "\x00\x00\x3e\x80"
#define BLOCK "\x00\x00\x00\x02" "\x40\xff\xff\xfe" "\x00\x01\x00\x10" "\x00\x00\x00\x20" "\x45\x67\x89\xab" "\x00\x01\x00\x00"
#define SR1 "\x81\xc8\x00\x0c" "\x00\x00\x00\x01" "\xe1\x23\x45\x67\x89\xab\xcd\xef" "\x00\x00\x10\x00" "\x00\x00\x00\x64" "\x00\x00\x3e\x80" BLOCK
#define RR0 "\x80\xc9\x00\x01" "\x00\x00\x00\x01"
#define RR1 "\x81\xc9\x00\x07" "\x00\x00\x00\x01" BLOCK
#define RR1_PROFILE "\x81\xc9\x00\x09" "\x00\x00\x00\x01" BLOCK "profile!"
#define SDES "\x81\xca\x00\x05" "\x00\x00\x00\x01" "\x01\x07" "a@10.0." "\x02\x02" "me" "\x00\x00\x00"
#define SDES2 "\x82\xca\x00\x05" "\x00\x00\x00\x01" "\x01\x01x" "\x00" "\x00\x00\x00\x02" "\x06\x03tel" "\x00\x00\x00"
#define BYE "\x82\xcb\x00\x02" "\x00\x00\x00\x01" "\x00\x00\x00\x02"
#define BYE_WHY "\x81\xcb\x00\x03" "\x00\x00\x00\x01" "\x05gone!" "\x00\x00"
#define APP "\x85\xcc\x00\x02" "\x00\x00\x00\x01" "name"
#define XR "\x80\xcf\x00\x04" "\x00\x00\x00\x01" "\x04\x00\x00\x02" "12345678"
#define NEW "\x80\xdf\x00\x01" "\x00\x00\x00\x01"
#define PLI "\x81\xce\x00\x02" "\x00\x00\x00\x01" "\x00\x00\x00\x02"
#define FIR "\x84\xce\x00\x04" "\x00\x00\x00\x01" "\x00\x00\x00\x00" "\x00\x00\x00\x02" "\x07\x01\x02\x03"
#define REMB "\x8f\xce\x00\x05" "\x00\x00\x00\x01" "\x00\x00\x00\x00" "REMB" "\x01\x12\x34\x56" "\x00\x00\x00\x02"
#define AFB "\x8f\xce\x00\x04" "\x00\x00\x00\x01" "\x00\x00\x00\x00" "OURS" "1234"
#define SLI "\x82\xce\x00\x03" "\x00\x00\x00\x01" "\x00\x00\x00\x02" "1234"
#define NACK "\x81\xcd\x00\x04" "\x00\x00\x00\x01" "\x00\x00\x00\x02" "\x00\x10\x00\x01" "\x00\x20\x80\x00"
#define TMMBR "\x83\xcd\x00\x04" "\x00\x00\x00\x01" "\x00\x00\x00\x00" "\x00\x00\x00\x02" "\x12\x34\x56\x78"
#define TMMBN "\x84\xcd\x00\x02" "\x00\x00\x00\x01" "\x00\x00\x00\x00"
#define CC "\x8f\xcd\x00\x05" "\x00\x00\x00\x01" "\x00\x00\x00\x02" "\x00\x01\x00\x02\x00\x00\x01\x00" "\x20\x02\x04\x04"

#define ROW(bytes) bytes, sizeof bytes - 1

static int check(struct rf_view bytes, bool reduced)
{
	struct rf_view v = guard_copy(bytes);
	int rc = rf_rtcp_check(v, reduced);

	guard_free(v);
	return rc;
}

static void test_check(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		int rc;
		bool reduced;
	} rows[] = {
		{ ROW(RR0), 0, false },
		{ ROW(SR_HEAD SDES), 0, false },
		{ ROW(SR1 SDES BYE_WHY), 0, false },
		{ ROW(RR1_PROFILE SDES2 BYE APP XR NEW), 0, false },
		{ ROW(RR1 SDES PLI FIR REMB AFB SLI NACK TMMBR TMMBN CC), 0, false },
		{ ROW(PLI), RF_E_DENIED, false },
		{ ROW(PLI), 0, true },
		{ ROW(SDES RR0), RF_E_DENIED, false },
		{ ROW(""), RF_E_MALFORMED, true },
		{ ROW("\x40\xc9\x00\x01" "1234"), RF_E_UNSUPPORTED, false },
		{ ROW(RR0 "\x00\xc9\x00\x01" "1234"), RF_E_UNSUPPORTED, false },
		{ ROW("\x80\xc9\xff\xff" "1234"), RF_E_MALFORMED, false },
		{ ROW("\x80\xc9\x00\x00"), RF_E_MALFORMED, false },
		{ ROW("\x81\xc9\x00\x06" "1234" "123456781234567812345678"), RF_E_MALFORMED, false }, /* block cut off */
		{ ROW("\x81\xc8\x00\x06" "1234" "12345678" "1234" "1234" "1234"), RF_E_MALFORMED, false },
		{ ROW("\x80\xc8\x00\x05" "1234" "12345678" "1234" "1234"), RF_E_MALFORMED, false },
		/* padding: whole words, in the last one only */
		{ ROW(RR0 "\xa0\xc9\x00\x02" "1234" "\0\0\0\x04"), 0, false },
		{ ROW(RR0 "\xa0\xc9\x00\x03" "1234" "\0\0\0\0\0\0\0\x08"), 0, false },
		{ ROW("\xa0\xc9\x00\x02" "1234" "\0\0\0\x04" RR0), RF_E_MALFORMED, false },
		{ ROW("\xa0\xc9\x00\x02" "1234" "\0\0\0\0"), RF_E_MALFORMED, false },
		{ ROW("\xa0\xc9\x00\x02" "1234" "\0\0\0\x03"), RF_E_MALFORMED, false },
		{ ROW("\xa0\xc9\x00\x02" "1234" "\0\0\0\x08"), RF_E_MALFORMED, false }, /* leaves no SSRC */
		{ ROW("\xa0\xc9\x00\x02" "1234" "\0\0\0\x0c"), RF_E_MALFORMED, false },
		{ ROW(RR0 "\xa0\xcb\x00\x00"), RF_E_MALFORMED, false },
		/* SDES */
		{ ROW(RR0 "\x80\xca\x00\x00"), 0, false },
		{ ROW(RR0 "\x81\xca\x00\x01" "1234"), RF_E_MALFORMED, false },
		{ ROW(RR0 "\x81\xca\x00\x02" "1234" "\x01\x03" "ab"), RF_E_MALFORMED, false },
		{ ROW(RR0 "\x81\xca\x00\x02" "1234" "\x01\x02" "ab"), RF_E_MALFORMED, false }, /* no end */
		{ ROW(RR0 "\x81\xca\x00\x02" "1234" "\x01\x00" "\0" "x"), RF_E_MALFORMED, false },
		{ ROW(RR0 "\x81\xca\x00\x03" "1234" "\0\0\0\0" "\0\0\0\0"), RF_E_MALFORMED, false },
		{ ROW(RR0 "\x82\xca\x00\x02" "1234" "\0\0\0\0"), RF_E_MALFORMED, false },
		/* BYE */
		{ ROW(RR0 "\x80\xcb\x00\x00"), 0, false },
		{ ROW(RR0 "\x82\xcb\x00\x01" "1234"), RF_E_MALFORMED, false },
		{ ROW(RR0 "\x81\xcb\x00\x02" "1234" "\x04" "abc"), RF_E_MALFORMED, false },
		/* feedback */
		{ ROW(RR0 "\x81\xce\x00\x03" "1234" "5678" "9012"), RF_E_MALFORMED, false }, /* a PLI says no more */
		{ ROW(RR0 "\x81\xce\x00\x01" "1234"), RF_E_MALFORMED, false },
		{ ROW(RR0 "\x81\xcd\x00\x02" "1234" "5678"), RF_E_MALFORMED, false },       /* a NACK of nothing */
		{ ROW(RR0 "\x84\xce\x00\x03" "1234" "5678" "1234"), RF_E_MALFORMED, false }, /* half a FIR */
		{ ROW(RR0 "\x83\xcd\x00\x02" "1234" "5678"), RF_E_MALFORMED, false },
		{ ROW(RR0 "\x8f\xcd\x00\x03" "1234" "5678" "1234"), RF_E_MALFORMED, false },
		{ ROW(RR0 "\x8f\xce\x00\x04" "1234" "5678" "REMB" "\x01" "abc"), RF_E_MALFORMED, false },
		{ ROW(RR0 "\x8f\xce\x00\x04" "1234" "5678" "REMB" "\x00" "abc"), 0, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rf_view v = rf_view_of(rows[i].bytes, rows[i].n);

		if (check(v, rows[i].reduced) != rows[i].rc)
			fail_msg("row %zu: %d", i, check(v, rows[i].reduced));
	}
}

/* A prefix is a compound only where one of its packets ends. */
static void test_prefixes(void **state)
{
	static const char all[] =
		SR1 SDES SDES2 RR1_PROFILE BYE BYE_WHY APP XR NEW PLI FIR REMB AFB SLI NACK TMMBR TMMBN CC;
	unsigned whole = 0;

	(void)state;
	for (size_t n = 0; n < sizeof all; n++)
		whole += check(rf_view_of(all, n), false) == 0;
	assert_int_equal(whole, 18);
}

static void test_many(void **state)
{
	uint8_t bytes[(RF_RTCP_PACKETS_MAX + 1) * 8];

	(void)state;
	for (size_t i = 0; i <= RF_RTCP_PACKETS_MAX; i++)
		memcpy(bytes + 8 * i, RR0, 8);
	assert_int_equal(check(rf_view_of(bytes, 8 * RF_RTCP_PACKETS_MAX), false), 0);
	assert_int_equal(check(rf_view_of(bytes, sizeof bytes), false), RF_E_LIMIT);
}

static void test_report(void **state)
{
	struct rf_reader r = rf_reader_of(RF_V(SR1 RR0));
	struct rf_rtcp_packet packet;
	struct rf_rtcp_report report;
	struct rf_rtcp_block b;

	(void)state;
	assert_int_equal(rf_rtcp_next(&r, &packet), 0);
	assert_int_equal(packet.type, RF_RTCP_SR);
	assert_int_equal(rf_rtcp_report_parse(&packet, &report), 0);
	assert_true(report.sender && report.ssrc == 1 && report.ntp == 0xe123456789abcdef &&
		    report.timestamp == 0x1000 && report.packets == 100 && report.bytes == 16000 && report.count == 1);
	b = rf_rtcp_block_at(&report, 0);
	assert_true(b.ssrc == 2 && b.fraction == 64 && b.lost == -2 && b.highest == 0x10010 && b.jitter == 32 &&
		    b.lsr == 0x456789ab && b.dlsr == 0x10000);
	assert_int_equal(rf_rtcp_next(&r, &packet), 0);
	assert_int_equal(rf_rtcp_report_parse(&packet, &report), 0);
	assert_true(!report.sender && report.count == 0);
	assert_int_equal(rf_rtcp_next(&r, &packet), RF_E_NOT_FOUND);
}

static void test_sources(void **state)
{
	struct rf_reader r = rf_reader_of(RF_V(SDES2)), body;
	struct rf_rtcp_packet packet;
	struct rf_rtcp_source s;

	(void)state;
	assert_int_equal(rf_rtcp_next(&r, &packet), 0);
	body = rf_reader_of(packet.body);
	assert_int_equal(rf_rtcp_source_next(&body, &s), 0);
	assert_true(s.ssrc == 1 && rf_view_eq(s.cname, RF_V("x")) && s.others == 0);
	assert_int_equal(rf_rtcp_source_next(&body, &s), 0);
	assert_true(s.ssrc == 2 && s.cname.n == 0 && s.others == 1);
	assert_true(s.mid.n == 0);
	assert_int_equal(rf_rtcp_source_next(&body, &s), RF_E_NOT_FOUND);
	body = rf_reader_of(RF_V("\x00\x00\x00\x03" "\x0f\x02" "v0" "\x0f\x01" "w" "\x00"));
	assert_int_equal(rf_rtcp_source_next(&body, &s), 0);
	assert_true(s.ssrc == 3 && rf_view_eq(s.mid, RF_V("v0")) && s.others == 2);
}

static void test_feedback(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		int rc;
		uint32_t media;
		size_t control;
	} rows[] = {
		{ ROW(PLI), 0, 2, 0 }, { ROW(FIR), 0, 0, 8 }, { ROW(REMB), 0, 0, 12 }, { ROW(NACK), 0, 2, 8 },
		{ ROW(TMMBR), 0, 0, 8 }, { ROW(TMMBN), 0, 0, 0 }, { ROW(CC), 0, 2, 12 },
		{ ROW(AFB), RF_E_UNSUPPORTED, 0, 0 },
		{ ROW(SLI), RF_E_UNSUPPORTED, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rf_reader r = rf_reader_of(rf_view_of(rows[i].bytes, rows[i].n));
		struct rf_rtcp_feedback fb = { .sender = 0 };
		struct rf_rtcp_packet packet;

		assert_int_equal(rf_rtcp_next(&r, &packet), 0);
		assert_int_equal(rf_rtcp_feedback_parse(&packet, &fb), rows[i].rc);
		assert_true(fb.sender == (rows[i].rc == 0) && fb.media == rows[i].media &&
			    fb.control.n == rows[i].control);
	}
}

/* --- writing anew */

#define SR_OUT "\x81\xc8\x00\x0c" "\x00\x00\x00\x11" "\xe1\x23\x45\x67\x89\xab\xcd\xef" "\x00\x00\x10\x00" "\x00\x00\x00\x64" "\x00\x00\x3e\x80" BLOCK_OUT
#define BLOCK_OUT "\x00\x00\x00\x12" "\x40\xff\xff\xfe" "\x00\x01\x00\x10" "\x00\x00\x00\x20" "\x45\x67\x89\xab" "\x00\x01\x00\x00"
#define RR_OUT "\x81\xc9\x00\x07" "\x00\x00\x00\x11" BLOCK_OUT

static void test_rewrite(void **state)
{
	static const struct rf_rtcp_pair pairs[] = { { 1, 0x11 }, { 2, 0x12 } };
	static const struct rf_rtcp_rewrite how = { pairs, 2, { (const uint8_t *)"relay", 5 } };
	static const struct {
		const char *in;
		size_t in_n;
		const char *out;
		size_t out_n;
		struct rf_rtcp_left_out left;
		int rc;
	} rows[] = {
		{ ROW(SR1), ROW(SR_OUT), { 0 }, 0 },
		{ ROW(RR1_PROFILE), ROW(RR_OUT), { 0 }, 0 },
		{ ROW(RR1 SDES), ROW(RR_OUT "\x81\xca\x00\x03" "\x00\x00\x00\x11" "\x01\x05" "relay" "\x00"), { .items = 1 }, 0 },
		{ ROW(RR1 SDES2), ROW(RR_OUT "\x82\xca\x00\x06" "\x00\x00\x00\x11" "\x01\x05" "relay" "\x00"
				      "\x00\x00\x00\x12" "\x01\x05" "relay" "\x00"), { .items = 1 }, 0 },
		{ ROW(BYE_WHY), ROW("\x81\xcb\x00\x01" "\x00\x00\x00\x11"), { .reasons = 1 }, 0 },
		{ ROW(BYE), ROW("\x82\xcb\x00\x02" "\x00\x00\x00\x11" "\x00\x00\x00\x12"), { 0 }, 0 },
		{ ROW(RR1 APP XR NEW AFB SLI), ROW(RR_OUT), { .app = 1, .xr = 1, .other = 1, .feedback = 2 }, 0 },
		{ ROW(PLI), ROW("\x81\xce\x00\x02" "\x00\x00\x00\x11" "\x00\x00\x00\x12"), { 0 }, 0 },
		{ ROW(FIR), ROW("\x84\xce\x00\x04" "\x00\x00\x00\x11" "\x00\x00\x00\x00" "\x00\x00\x00\x12" "\x07\x00\x00\x00"), { 0 }, 0 },
		{ ROW(REMB), ROW("\x8f\xce\x00\x05" "\x00\x00\x00\x11" "\x00\x00\x00\x00" "REMB" "\x01\x12\x34\x56"
				 "\x00\x00\x00\x12"), { 0 }, 0 },
		{ ROW(NACK), ROW("\x81\xcd\x00\x04" "\x00\x00\x00\x11" "\x00\x00\x00\x12" "\x00\x10\x00\x01" "\x00\x20\x80\x00"), { 0 }, 0 },
		{ ROW(TMMBR TMMBN), ROW("\x83\xcd\x00\x04" "\x00\x00\x00\x11" "\x00\x00\x00\x00" "\x00\x00\x00\x12" "\x12\x34\x56\x78"
					"\x84\xcd\x00\x02" "\x00\x00\x00\x11" "\x00\x00\x00\x00"), { 0 }, 0 },
		{ ROW(CC), ROW("\x8f\xcd\x00\x05" "\x00\x00\x00\x11" "\x00\x00\x00\x12" "\x00\x01\x00\x02\x00\x00\x01\x00"
			       "\x20\x02\x04\x04"), { 0 }, 0 },
		{ ROW("\xa0\xc9\x00\x02" "\x00\x00\x00\x09" "\x01\x02\x03\x04"), ROW("\x80\xc9\x00\x01" "\x00\x00\x00\x09"), { 0 }, 0 },
		{ ROW(XR), ROW(""), { .xr = 1 }, RF_E_NOT_FOUND },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rf_view in = rf_view_of(rows[i].in, rows[i].in_n);
		struct rf_rtcp_left_out left;
		uint8_t buf[CAP];
		size_t n = 0;

		assert_int_equal(rf_rtcp_rewrite(in, true, &how, buf, CAP, &n, &left), rows[i].rc);
		if (n != rows[i].out_n || memcmp(buf, rows[i].out, n) != 0 ||
		    memcmp(&left, &rows[i].left, sizeof left) != 0)
			fail_msg("row %zu", i);
		if (rows[i].rc == 0)
			assert_int_equal(check(rf_view_of(buf, n), true), 0);
		for (size_t cap = 0; cap < rows[i].out_n; cap++)
			assert_int_equal(rf_rtcp_rewrite(in, true, &how, buf, cap, &n, &left), RF_E_SPACE);
	}
}

/* CNAMEs of every length are followed by one to four null bytes. */
static void test_cname(void **state)
{
	uint8_t name[RF_RTCP_CNAME_MAX + 1], buf[CAP];
	struct rf_rtcp_left_out left;
	size_t out = 0;

	(void)state;
	memset(name, 'x', sizeof name);
	for (size_t n = 0; n <= sizeof name; n++) {
		struct rf_rtcp_rewrite how = { NULL, 0, rf_view_of(name, n) };
		int rc = rf_rtcp_rewrite(RF_V(SR1 SDES2), false, &how, buf, CAP, &out, &left);

		assert_int_equal(rc, n == 0 || n > RF_RTCP_CNAME_MAX ? RF_E_INVALID : 0);
		if (rc)
			continue;
		assert_int_equal(out, 52 + 4 + 2 * (4 + (2 + n) / 4 * 4 + 4));
		assert_int_equal(check(rf_view_of(buf, out), false), 0);
	}
	assert_int_equal(rf_rtcp_rewrite(RF_V(PLI), false, &(struct rf_rtcp_rewrite){ NULL, 0, RF_V("c") }, buf, CAP,
					 &out, &left),
			 RF_E_DENIED);
}

/* A picture is asked for in what readers find well formed. */
static void test_pictures(void **state)
{
	static const uint32_t ssrcs[32] = { 2, 3 };
	static const uint8_t pli[] = "\x80\xc9\x00\x01" "\x00\x00\x00\x09" "\x81\xca\x00\x03" "\x00\x00\x00\x09" "\x01\x04" "name" "\x00\x00"
		"\x81\xce\x00\x02" "\x00\x00\x00\x09" "\x00\x00\x00\x02" "\x81\xce\x00\x02" "\x00\x00\x00\x09" "\x00\x00\x00\x03";
	static const uint8_t fir[] = "\x84\xce\x00\x06" "\x00\x00\x00\x09" "\x00\x00\x00\x00" "\x00\x00\x00\x02" "\x05\x00\x00\x00"
		"\x00\x00\x00\x03" "\x05\x00\x00\x00";
	struct rf_rtcp_picture p = { .sender = 9, .cname = RF_V("name"), .ssrcs = ssrcs, .n = 2 };
	uint8_t buf[CAP];
	struct rf_writer w;

	(void)state;
	rf_writer_init(&w, buf, sizeof buf);
	rf_rtcp_put_picture(&w, &p);
	assert_int_equal(w.err, 0);
	assert_int_equal(w.n, sizeof pli - 1);
	assert_memory_equal(buf, pli, w.n);
	assert_int_equal(check(rf_view_of(buf, w.n), false), 0);
	assert_true(rf_rtcp_asks_picture(rf_view_of(buf, w.n)));
	assert_false(rf_rtcp_asks_picture(rf_view_of(buf, 24)));
	for (size_t cap = 0; cap < sizeof pli - 1; cap++) {
		rf_writer_init(&w, buf, cap);
		rf_rtcp_put_picture(&w, &p);
		assert_int_equal(w.err, RF_E_SPACE);
	}
	p.fir = true;
	p.fir_seq = 5;
	rf_writer_init(&w, buf, sizeof buf);
	rf_rtcp_put_picture(&w, &p);
	assert_memory_equal(buf + 24, fir, sizeof fir - 1);
	assert_int_equal(w.n, 24 + sizeof fir - 1);
	assert_true(rf_rtcp_asks_picture(rf_view_of(buf, w.n)));
	assert_false(rf_rtcp_asks_picture(RF_V(SR1 SDES REMB)));
	for (p.n = 0; p.n <= 32; p.n += 32) {
		rf_writer_init(&w, buf, sizeof buf);
		rf_rtcp_put_picture(&w, &p);
		assert_int_equal(w.err, RF_E_INVALID);
	}
}

/* Another clock, of one stream alone. */
static void test_clock(void **state)
{
	struct rf_rtcp_clock k = { .ssrc = 1, .from = 0x0f00, .to = 600, .from_hz = 8000, .to_hz = 48000 };
	uint8_t buf[] = SR_HEAD SDES;

	(void)state;
	rf_rtcp_set_clock(buf, sizeof buf - 1, &k);
	assert_memory_equal(buf + 16, "\0\0\x08\x58", 4); /* 600 + 256 * 6 */
	k.ssrc = 2;
	rf_rtcp_set_clock(buf, sizeof buf - 1, &k);
	assert_memory_equal(buf + 16, "\0\0\x08\x58", 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check), cmocka_unit_test(test_prefixes), cmocka_unit_test(test_many),
		cmocka_unit_test(test_report), cmocka_unit_test(test_sources), cmocka_unit_test(test_feedback),
		cmocka_unit_test(test_rewrite), cmocka_unit_test(test_cname), cmocka_unit_test(test_pictures),
		cmocka_unit_test(test_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
