/* When an old list of revoked certificates is told: as its time ends, once a day from then on, and
 * anew with the next one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "role/papers.h"

static void old_lists(void **state)
{
	static const struct {
		int64_t until_s, now_s;
		bool told;
	} rows[] = {
		{ 0, 5000, false }, { 1000, 999, false }, { 1000, 1000, false }, { 1000, 1001, true },
		{ 1000, 1002, false }, { 1000, 1001 + 86399, false }, { 1000, 1001 + 86400, true },
		{ 1000, 1002 + 86400, false },
		{ 1000, 2000, true /* the clock was set back */ }, { 1000, 2001, false },
		{ 9000, 2002, false }, { 9000, 9001, true }, { 0, 9002, false }, { 9000, 9003, true },
	};
	struct rf_papers p = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rf_papers_tell_old(&p, rows[i].until_s, rows[i].now_s) != rows[i].told)
			fail_msg("row %zu", i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(old_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
