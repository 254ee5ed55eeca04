/* Names from outside: shown, cleaned, or dropped. */
#include "kit.h"

#include "call/display.h"

#include <setjmp.h>
#include <cmocka.h>

static const struct {
	const char *name, *number, *shown;
} rows[] = {
	{ "Acme Sales", "+12155551212", "Acme Sales" },
	{ "<img src=x>", "+12155551212", "\xe2\x80\xb9img src=x\xe2\x80\xba" },
	{ "Sales \xe2\x80\xae" "1001", "+12155551212", "" },    /* a number of ours */
	{ "1001", "+12155551212", "" },
	{ "Ext. 10-01", "+12155551212", "" },
	{ "\xef\xbc\x91\xef\xbc\x90\xef\xbc\x90\xef\xbc\x91", "+12155551212", "" },
	{ "1212", "+12155551212", "" },                         /* the end of its own, but it may be ours as well */
	{ "(215) 555-1212", "+12155551212", "(215) 555-1212" }, /* its own */
	{ "1001 12155551212", "+12155551212", "" },
	{ "Floor 12", "+12155551212", "Floor 12" },
	{ "ann", "+12155551212", "" },                          /* somebody here */
	{ "\xd0\x90nn", "+12155551212", "" },
	{ "A.N.N.", "+12155551212", "" },
	{ "Anna", "+12155551212", "Anna" },
	{ "bob@voice.example.org", "", "" },
	{ "bob\xef\xbc\xa0voice", "", "" },
	{ "sip:bob", "", "" },
	{ "https://evil.example", "", "" },
	{ "voice.example.org", "", "" },
	{ "\x01\xe2\x80\x8b", "", "" },
	{ "", "", "" },
};

static void names(void **state)
{
	struct kit *k = kit_new("minimum");

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint8_t buf[RF_DISPLAY_BYTES];
		struct rf_view v =
			rf_display_outside(k->directory, rf_view_str(rows[i].name), rf_view_str(rows[i].number), buf);

		if (!rf_view_eq(v, rf_view_str(rows[i].shown)))
			fail_msg("\"%s\" is shown as \"%.*s\"", rows[i].name, RF_VFMT(v));
	}
	kit_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(names) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
