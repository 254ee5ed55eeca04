#include "rtp/announce.h"

#include "guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static const struct rf_announce_order whole = {
	.what = RF_ANNOUNCE_PLAY, .id = 0x01020304, .code = RF_TONE_PCMA, .type = 8, .dscp = 44, .socket = 3,
	.family = 6, .ip = { 0xfe, 0x80, [15] = 1 }, .scope = 7, .port = 40000, .ms = 3000, .seq = 0xfffe,
	.timestamp = 5, .ssrc = 0xdeadbeef, .suite = RF_SRTP_AEAD_AES_256_GCM, .key = { 1, [45] = 9 },
};

static int parse(const uint8_t *bytes, size_t n, struct rf_announce_order *ret_o)
{
	struct rf_view v = guard_copy(rf_view_of(bytes, n));
	int rc = rf_announce_parse_order(v, ret_o);

	guard_free(v);
	return rc;
}

static void test_order(void **state)
{
	uint8_t bytes[RF_ANNOUNCE_ORDER_BYTES + 1] = { 0 }, again[RF_ANNOUNCE_ORDER_BYTES];
	struct rf_announce_order o;

	(void)state;
	rf_announce_put_order(&whole, bytes);
	for (size_t n = 0; n <= sizeof bytes; n++) {
		assert_int_equal(parse(bytes, n, &o), n == RF_ANNOUNCE_ORDER_BYTES ? 0 : RF_E_MALFORMED);
		assert_int_equal(o.id, n >= 5 ? whole.id : o.id);
	}
	assert_int_equal(parse(bytes, RF_ANNOUNCE_ORDER_BYTES, &o), 0);
	rf_announce_put_order(&o, again);
	assert_memory_equal(bytes, again, sizeof again);
	assert_true(o.port == 40000 && o.ms == 3000 && o.ssrc == 0xdeadbeef && o.key[45] == 9 && o.scope == 7);
}

/* Whoever writes is not believed: each field at its bound and past it. */
static void test_bounds(void **state)
{
	static const struct {
		size_t at;
		uint8_t byte;
		int rc;
	} rows[] = {
		{ 0, RF_ANNOUNCE_STOP, 0 }, { 0, 0, RF_E_MALFORMED }, { 0, RF_ANNOUNCE_ENDED, RF_E_MALFORMED },
		{ 5, RF_TONES - 1, 0 }, { 5, RF_TONES, RF_E_MALFORMED }, { 6, RF_TONE_CODES, RF_E_MALFORMED },
		{ 7, 127, 0 }, { 7, 128, RF_E_MALFORMED }, { 8, 63, 0 }, { 8, 64, RF_E_MALFORMED },
		{ 9, RF_ANNOUNCE_SOCKETS - 1, 0 }, { 9, RF_ANNOUNCE_SOCKETS, RF_E_MALFORMED },
		{ 10, 4, 0 }, { 10, 5, RF_E_MALFORMED }, { 10, 0, RF_E_MALFORMED },
		{ 33, 0x27, 0 }, { 33, 0x28, RF_E_MALFORMED } /* 10,168 ms */,
		{ 44, 255, 0 }, { 45, RF_SRTP_SUITES - 1, 0 }, { 45, RF_SRTP_SUITES, RF_E_MALFORMED },
	};
	struct rf_announce_order o;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint8_t bytes[RF_ANNOUNCE_ORDER_BYTES];

		rf_announce_put_order(&whole, bytes);
		bytes[34] = 0;
		bytes[rows[i].at] = rows[i].byte;
		if (parse(bytes, sizeof bytes, &o) != rows[i].rc)
			printf("byte %zu is %u\n", rows[i].at, rows[i].byte);
		assert_int_equal(parse(bytes, sizeof bytes, &o), rows[i].rc);
	}
}

static void test_report(void **state)
{
	struct rf_announce_report in = { .id = 77, .why = RF_ANNOUNCE_FULL, .packets = 150 }, out;
	uint8_t bytes[RF_ANNOUNCE_REPORT_BYTES + 1] = { 0 };

	(void)state;
	rf_announce_put_report(&in, bytes);
	for (size_t n = 0; n <= sizeof bytes; n++)
		assert_int_equal(rf_announce_parse_report(rf_view_of(bytes, n), &out),
				 n == RF_ANNOUNCE_REPORT_BYTES ? 0 : RF_E_MALFORMED);
	assert_int_equal(rf_announce_parse_report(rf_view_of(bytes, RF_ANNOUNCE_REPORT_BYTES), &out), 0);
	assert_true(out.id == 77 && out.why == RF_ANNOUNCE_FULL && out.packets == 150);
	bytes[5] = RF_ANNOUNCE_WHYS;
	assert_int_equal(rf_announce_parse_report(rf_view_of(bytes, RF_ANNOUNCE_REPORT_BYTES), &out), RF_E_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order), cmocka_unit_test(test_bounds), cmocka_unit_test(test_report),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
