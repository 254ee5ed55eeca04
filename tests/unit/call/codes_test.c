#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "call/codes.h"

#include <cmocka.h>

static void every_refusal_has_a_meaning(void **state)
{
	(void)state;
	for (unsigned code = 300; code < 700; code++) {
		struct rf_code c = rf_code_of_phone(code);

		assert_true(c.code >= 400 && c.code < 700);
		assert_true(c.code != 401 && c.code != 407 && c.code != 503);
		assert_true((c.rank == RF_CODE_STOPS) == (code >= 600 && code != 606));
	}
	assert_true(rf_code_of_phone(486).rank > rf_code_of_phone(404).rank);
}

static void reasons(void **state)
{
	static const struct {
		const char *text;
		bool passes;
	} rows[] = {
		{ "SIP;cause=200;text=\"Call completed elsewhere\"", true },
		{ "Q.850 ;cause=16", true },
		{ "sip;cause=486", true },
		{ "SIP", false },
		{ "SIP;cause=x", false },
		{ "SIP;cause=1000", false },
		{ "SIP;cause=1;cause=2", false },
		{ "SIP;cause=200;evil=1", false },
		{ "SIP;cause=200;text=bare", false },
		{ "SIP;cause=200;text=\"a\"b\"", false },
		{ "SIP;cause=200, Q.850;cause=16", false },
		{ "SIP;cause=200\r\nX: y", false },
		{ "preemption;cause=1", false },
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (rf_reason_passes(rf_view_str(rows[i].text)) != rows[i].passes)
			fail_msg("%s", rows[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_refusal_has_a_meaning),
		cmocka_unit_test(reasons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
