/* Who a message/cpim body says it is from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "call/cpim.h"

#include <cmocka.h>

#define REST "To: <im:1002@voice.example.org>\r\n\r\nContent-Type: text/plain\r\n\r\nFrom: <im:anybody@x>\r\nhello"

static void senders(void **state)
{
	static const struct {
		const char *body;
		bool is;
	} rows[] = {
		{ "From: <im:1001@voice.example.org>\r\n" REST, true },
		{ "From: <sip:1001@voice.example.org>\r\n" REST, true },
		{ "From: <SIPS:ann@VOICE.example.org>\r\n" REST, true },
		{ "From: Ann <im:ann@voice.example.org>\r\n" REST, true },
		{ "from:<im:1001@voice.example.org>\r\n" REST, true },
		{ "From: <im:1001@voice.example.org>\n\nx", true },
		{ REST, true },
		{ "\r\nhello", true },
		{ "From: <im:1002@voice.example.org>\r\n" REST, false },
		{ "From: <im:1001@elsewhere.example.org>\r\n" REST, false },
		{ "From: <im:1001@voice.example.org>\r\nFrom: <im:1002@voice.example.org>\r\n" REST, false },
		{ "FROM: <im:1002@voice.example.org>\r\n" REST, false },
		{ "From : <im:1002@voice.example.org>\r\n" REST, false },
		{ "From: <im:1001@voice.example.org> <im:1002@voice.example.org>\r\n" REST, false },
		{ "From: im:1001@voice.example.org\r\n" REST, false },
		{ "From: <tel:1001>\r\n" REST, false },
		{ "From: <im:@voice.example.org>\r\n" REST, false },
		{ "From: <im:1001@voice.example.org\r\n" REST, false },
		{ " From: <im:1002@voice.example.org>\r\n" REST, false },
		{ "DateTime: x\r\n From: <im:1001@voice.example.org>\r\n" REST, false },
		{ "no colon\r\n" REST, false },
		{ "From: <im:1001@voice.example.org>\r\n", false },
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rf_cpim_from_is(rf_view_str(rows[i].body), RF_V("1001"), RF_V("ann"), RF_V("voice.example.org")) !=
		    rows[i].is)
			fail_msg("%s", rows[i].body);
	/* nobody without a user name */
	assert_false(rf_cpim_from_is(RF_V("From: <im:@voice.example.org>\r\n\r\nx"), RF_V("1001"), RF_V(""),
				     RF_V("voice.example.org")));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(senders) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
