/* Messages in a stream: each is found however the bytes come, and what can be none is told early. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

#include "guard.h"
#include "media/limits.h"
#include "media/ng_frame.h"
#include "base/err.h"

static const struct {
	const char *name, *bytes;
	size_t n; /* of the first message; 0: err */
	int err;
} table[] = {
	{ "bencode", "5_1 d7:command4:pinge", 21, 0 },
	{ "another behind it", "5_1 d7:command4:pinge5_2 d", 21, 0 },
	{ "line ends before it", "\r\n\n 5_1 de", 10, 0 },
	{ "all types", "1 d1:ali-5ei0eli1eee1:bdee tail", 26, 0 },
	{ "a string with brackets", "1 d1:a3:eeee", 12, 0 },
	{ "JSON", "1 {\"a\":[{}],\"b\":\"}\\\"]\"} x", 23, 0 },
	{ "an escaped backslash", "1 {\"a\":\"\\\\\"}{", 12, 0 },
	{ "half", "1 d7:command4:pin", 0, RF_E_MORE },
	{ "half JSON", "1 {\"a\":\"}", 0, RF_E_MORE },
	{ "nothing", "", 0, RF_E_MORE },
	{ "a list", "1 le", 0, RF_E_MALFORMED },
	{ "text", "GET / HTTP/1.1\r\n", 0, RF_E_MALFORMED },
	{ "a letter in a dictionary", "1 dxe", 0, RF_E_MALFORMED },
	{ "a letter in an integer", "1 d1:aixe", 0, RF_E_MALFORMED },
	{ "a length without a colon", "1 d1xe", 0, RF_E_MALFORMED },
	{ "a length past everything", "1 d99999:", 0, RF_E_MALFORMED },
	{ "too deep", "1 dllllllllllll", 0, RF_E_MALFORMED },
	{ "too deep in JSON", "1 {\"a\":[[[[[[[[[[[[", 0, RF_E_MALFORMED },
};

static void finds(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct rf_view all = rf_view_str(table[i].bytes);

		/* In one piece, then byte by byte. */
		for (int piece = 0; piece < 2; piece++) {
			struct rf_ng_frame f = { 0 };
			size_t n = 0;
			int err = RF_E_MORE;

			for (size_t have = piece ? 0 : all.n; err == RF_E_MORE && have <= all.n; have++) {
				struct rf_view part = guard_copy(rf_view_sub(all, 0, have));

				err = rf_ng_frame_next(&f, part, &n);
				guard_free(part);
			}
			if (err != table[i].err || n != table[i].n)
				fail_msg("%s: %d, %zu", table[i].name, err, n);
			if (err == 0)
				assert_true(f.at == 0 && f.depth == 0 && f.state == 0);
		}
	}
	assert_true(rf_view_eq(rf_ng_frame_trim(RF_V(" \r\n\t1 de ")), RF_V("1 de ")));
}

static void bounds(void **state)
{
	static uint8_t bytes[RF_NG_BYTES_MAX + 2];
	struct rf_ng_frame f = { 0 };
	size_t n = 0;

	(void)state;
	/* A message that does not end within the bound. */
	memset(bytes, '{', sizeof bytes);
	memcpy(bytes, "1 {\"", 4);
	memset(bytes + 4, 'x', sizeof bytes - 4);
	assert_int_equal(rf_ng_frame_next(&f, rf_view_of(bytes, RF_NG_BYTES_MAX), &n), RF_E_MORE);
	assert_int_equal(rf_ng_frame_next(&f, rf_view_of(bytes, RF_NG_BYTES_MAX + 1), &n), RF_E_LIMIT);
	/* A cookie that does not end. */
	f = (struct rf_ng_frame){ 0 };
	memset(bytes, 'x', sizeof bytes);
	assert_int_equal(rf_ng_frame_next(&f, rf_view_of(bytes, RF_NG_COOKIE_MAX + 64), &n), RF_E_MORE);
	assert_int_equal(rf_ng_frame_next(&f, rf_view_of(bytes, RF_NG_COOKIE_MAX + 65), &n), RF_E_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(finds), cmocka_unit_test(bounds) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
