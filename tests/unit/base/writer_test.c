#include "base/reader.h"
#include "base/writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void test_sticky(void **state)
{
	uint8_t buf[8];
	struct rf_writer w;
	struct rf_view v;

	(void)state;
	rf_writer_init(&w, buf, sizeof buf);
	rf_put_lit(&w, "12345678");
	assert_int_equal(rf_writer_done(&w, &v), 0);
	rf_put_byte(&w, '9');
	assert_int_equal(rf_writer_done(&w, &v), RF_E_SPACE);
	rf_put(&w, RF_V("")); /* the error stays */
	assert_int_equal(rf_writer_done(&w, &v), RF_E_SPACE);
}

static void test_values(void **state)
{
	uint8_t buf[200];
	struct rf_writer w;
	struct rf_view v;

	(void)state;
	rf_writer_init(&w, buf, sizeof buf);
	rf_put_u64(&w, 0);
	rf_put_byte(&w, ' ');
	rf_put_u64(&w, UINT64_MAX);
	rf_put_byte(&w, ' ');
	rf_put_hex(&w, "\x0f\xa0", 2);
	rf_put_byte(&w, ' ');
	rf_put_hex64(&w, 0x12ab);
	rf_put_fmt(&w, " %s", "fmt");
	assert_int_equal(rf_writer_done(&w, &v), 0);
	assert_true(rf_view_eq(v, RF_V("0 18446744073709551615 0fa0 00000000000012ab fmt")));
}

static void test_json(void **state)
{
	static const struct {
		struct rf_view in, want;
	} rows[] = {
		{ RF_V("plain"), RF_V("plain") },
		{ RF_V("a\"b\\c"), RF_V("a\\\"b\\\\c") },
		{ RF_V("\r\n\x7f"), RF_V("\\u000d\\u000a\\u007f") },
		{ RF_V("\xc3\xa9"), RF_V("\xc3\xa9") },
		{ RF_V("\xc0\x80"), RF_V("\xef\xbf\xbd\xef\xbf\xbd") },         /* overlong NUL */
		{ RF_V("\xed\xa0\x80"), RF_V("\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd") }, /* surrogate */
		{ RF_V("\xf0\x9f\x93\x9e"), RF_V("\xf0\x9f\x93\x9e") },
		{ RF_V("\xf0\x9f"), RF_V("\xef\xbf\xbd\xef\xbf\xbd") },         /* cut short */
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint8_t buf[64];
		struct rf_writer w;
		struct rf_view v;

		rf_writer_init(&w, buf, sizeof buf);
		rf_put_json(&w, rows[i].in);
		assert_int_equal(rf_writer_done(&w, &v), 0);
		assert_true(rf_view_eq(v, rows[i].want));
	}
}

static void test_reader(void **state)
{
	struct rf_reader r = rf_reader_of(RF_V("\x01\x02\x03\x04\x05\x06\x07rest:tail"));

	(void)state;
	assert_int_equal(rf_take_u8(&r), 1);
	assert_int_equal(rf_take_be16(&r), 0x0203);
	assert_int_equal(rf_take_be32(&r), 0x04050607);
	assert_true(rf_view_eq(rf_take_until(&r, ':'), RF_V("rest")));
	assert_int_equal(rf_reader_end(&r), RF_E_MALFORMED);
	assert_true(rf_view_eq(rf_take_until(&r, ':'), RF_V("tail")));
	assert_int_equal(rf_reader_end(&r), 0);
	assert_int_equal(rf_peek(&r), -1);
	assert_int_equal(rf_take_be32(&r), 0);
	assert_int_equal(rf_reader_end(&r), RF_E_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sticky),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_reader),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
