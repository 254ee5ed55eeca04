#include "rtp/rtp.h"

#include "guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define HEAD "\x80\x08\x12\x34\x00\x00\x00\xa0\xde\xad\xbe\xef"

static int parse(const char *bytes, size_t n, struct rf_rtp_head *ret_head)
{
	struct rf_view v = guard_copy(rf_view_of(bytes, n));
	int rc = rf_rtp_head_parse(v, ret_head);

	guard_free(v);
	return rc;
}

static void test_parse(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		int rc;
		unsigned size;
	} rows[] = {
		{ HEAD, 12, 0, 12 },
		{ HEAD "payload", 19, 0, 12 },
		{ "\x81\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01" "src1" "x", 17, 0, 16 },
		{ "\x81\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01" "src", 15, RF_E_MALFORMED, 0 },
		{ "\x90\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01" "\xbe\xde\x00\x01" "1234" "x", 21, 0, 20 },
		{ "\x90\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01" "\xbe\xde\x00\x02" "1234", 20, RF_E_MALFORMED, 0 },
		{ "\x90\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01" "\xbe\xde\x00", 15, RF_E_MALFORMED, 0 },
		{ "\x90\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01" "\xbe\xde\xff\xff", 16, RF_E_MALFORMED, 0 },
		{ "\x40\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01", 12, RF_E_UNSUPPORTED, 0 },
		{ "\xc0\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01", 12, RF_E_UNSUPPORTED, 0 },
		{ "", 0, RF_E_MALFORMED, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rf_rtp_head head = { .size = 0 };

		assert_int_equal(parse(rows[i].bytes, rows[i].n, &head), rows[i].rc);
		assert_int_equal(head.size, rows[i].size);
		for (size_t n = 0; rows[i].rc == 0 && n < rows[i].size; n++)
			assert_int_equal(parse(rows[i].bytes, n, &head), RF_E_MALFORMED);
	}
}

static void test_fields(void **state)
{
	struct rf_rtp_head head;
	uint8_t long_one[RF_RTP_BYTES_MAX + 1] = { 0x80 };

	(void)state;
	assert_int_equal(rf_rtp_head_parse(RF_V("\xb3\x88\x12\x34\x00\x00\x00\xa0\xde\xad\xbe\xef" "aaaabbbbcccc\0\0\0\0"), &head), 0);
	assert_true(head.marker && head.padding && head.extension && head.csrcs == 3 && head.type == 8);
	assert_true(head.seq == 0x1234 && head.timestamp == 160 && head.ssrc == 0xdeadbeef && head.size == 28);
	assert_int_equal(rf_rtp_head_parse(rf_view_of(long_one, sizeof long_one), &head), RF_E_LIMIT);
	assert_int_equal(rf_rtp_head_parse(rf_view_of(long_one, sizeof long_one - 1), &head), 0);
}

#define EXT(words) "\x90\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01" words

static void test_extensions(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		uint8_t id;
		const char *want;
	} rows[] = {
		{ EXT("\xbe\xde\x00\x01" "\x40" "a\x00\x00"), 20, 4, "a" },
		{ EXT("\xbe\xde\x00\x02" "\x00\x11" "xy" "\x42" "abc"), 24, 4, "abc" },
		{ EXT("\xbe\xde\x00\x02" "\x00\x11" "xy" "\x42" "abc"), 24, 1, "xy" },
		{ EXT("\xbe\xde\x00\x02" "\x00\x11" "xy" "\x42" "abc"), 24, 5, "" },
		{ EXT("\xbe\xde\x00\x02" "\xf0" "x" "\x40" "a\0\0\0\0"), 24, 4, "" },  /* 15 ends it */
		{ EXT("\xbe\xde\x00\x01" "\x4f" "abc"), 20, 4, "" },                     /* longer than there is */
		{ EXT("\x10\x00\x00\x02" "\x04\x03" "abc" "\xc8\x01" "z"), 24, 4, "abc" },
		{ EXT("\x10\x05\x00\x02" "\x04\x03" "abc" "\xc8\x01" "z"), 24, 200, "z" },
		{ EXT("\x10\x00\x00\x01" "\x04\x00\x00\x00"), 20, 4, "" },
		{ EXT("\x12\x34\x00\x01" "\x40" "a\x00\x00"), 20, 4, "" },             /* another profile's */
		{ EXT("\xbe\xde\x00\x00"), 16, 4, "" },
		{ HEAD, 12, 4, "" },
		{ EXT("\xbe\xde\x00\x01" "\x40" "a\x00\x00"), 20, 0, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rf_view v = guard_copy(rf_view_of(rows[i].bytes, rows[i].n)), got;
		struct rf_rtp_head head;

		assert_int_equal(rf_rtp_head_parse(v, &head), 0);
		got = rf_rtp_extension(v, &head, rows[i].id);
		assert_true(rf_view_eq(got, rf_view_str(rows[i].want)));
		guard_free(v);
	}
}

static void test_put(void **state)
{
	struct rf_rtp_head in = { .type = 8, .seq = 0x1234, .timestamp = 160, .ssrc = 0xdeadbeef }, out;
	uint8_t bytes[RF_RTP_HEAD_BYTES];

	(void)state;
	rf_rtp_head_put(&in, bytes);
	assert_memory_equal(bytes, HEAD, sizeof bytes);
	in.marker = true;
	rf_rtp_head_put(&in, bytes);
	assert_int_equal(rf_rtp_head_parse(rf_view_of(bytes, sizeof bytes), &out), 0);
	assert_true(out.marker && out.type == 8 && !out.extension && out.size == 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse), cmocka_unit_test(test_fields),
		cmocka_unit_test(test_extensions), cmocka_unit_test(test_put),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
