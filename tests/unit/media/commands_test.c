/* What the table of commands says is done the relay does, and nothing else: docs/relay.md is written from the table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "media/ng_words.h"
#include "session_kit.h"

/* Of the process, which has several relays (relay.h). */
static bool is_of_the_process(unsigned c)
{
	return c == RF_NG_LISTING || c == RF_NG_STATISTICS;
}

static void table_and_relay_agree(void **state)
{
	static struct kit k;

	(void)state;
	kit_setup(&k);
	for (unsigned c = 0; c < RF_NG_COMMANDS; c++) {
		struct rf_ng_request q = { .command = (enum rf_ng_command)c, .encoding = RF_NG_JSON,
					   .call_id = RF_V("none"), .from_tag = RF_V("a"), .to_tag = RF_V("b"),
					   .code = { 5, true } };
		static const char not_done[] = "is not done by this relay";
		uint8_t buf[4096];
		struct rf_writer w;

		rf_writer_init(&w, buf, sizeof buf);
		rf_relay_do(k.relay, &q, &w);
		assert_int_equal(w.err, 0);
		bool done = !memmem(buf, w.n, not_done, sizeof not_done - 1);
		bool said = rf_ng_commands[c].fate == RF_NG_DONE && !is_of_the_process(c);
		if (done != said)
			fail_msg("\"%s\": the relay %s, rf_ng_commands (src/media/ng_words.c) says otherwise: change "
				 "its row, then run media_ng_words_test docs/relay.md --write", rf_ng_commands[c].name,
				 done ? "does it" : "does not do it");
	}
	kit_down(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(table_and_relay_agree) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
