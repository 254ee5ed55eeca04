#include "sip/date.h"

#include "guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void test_dates(void **state)
{
	static const struct {
		const char *text;
		int64_t s; /* -1: malformed */
	} rows[] = {
		{ "Sat, 13 Nov 2010 23:29:00 GMT", 1289690940 }, { "Thu, 01 Jan 1970 00:00:00 GMT", 0 },
		{ "Thu, 29 Feb 2024 12:00:01 GMT", 1709208001 }, { "Fri, 31 Dec 9999 23:59:59 GMT", 253402300799 },
		{ "Sat, 13 Nov 2010 23:29:00 UTC", -1 }, { "Sat, 13 Nov 2010 23:29:00 GM", -1 },
		{ "Sat, 13 Nov 2010 23:29:00 GMT ", -1 }, { "Sat, 32 Nov 2010 23:29:00 GMT", -1 },
		{ "Sat, 13 Nix 2010 23:29:00 GMT", -1 }, { "Xxx, 13 Nov 2010 23:29:00 GMT", -1 },
		{ "Sat, 13 Nov 2010 24:29:00 GMT", -1 }, { "Sat, 1 Nov 2010 23:29:00 GMT", -1 },
		{ "Sat, 13 Nov 1969 23:29:00 GMT", -1 }, { "", -1 }, { "Sat, 13 Nov +201 23:29:00 GMT", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rf_view v = guard_copy(rf_view_str(rows[i].text));
		struct rf_writer w;
		char buf[64];
		int64_t s;
		int rc = rf_sip_date_parse(v, &s);

		if (rows[i].s < 0 ? rc != RF_E_MALFORMED : rc || s != rows[i].s)
			fail_msg("\"%s\": %d, %lld", rows[i].text, rc, (long long)s);
		if (rc == 0) {
			rf_writer_init(&w, buf, sizeof buf);
			rf_sip_put_date(&w, s);
			assert_true(rf_view_eq(rf_view_of(buf, w.n), v));
		}
		guard_free(v);
	}
	struct rf_writer w;
	char buf[64];

	rf_writer_init(&w, buf, sizeof buf);
	rf_sip_put_date(&w, -1);
	assert_int_equal(w.err, RF_E_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_dates) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
