/* Resource-Priority: what is asked for, and what of it was granted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/writer.h"
#include "call/precedence.h"

#include <stdio.h>

#include <cmocka.h>

#define ASK "Resource-Priority: "
#define NEED "Require: resource-priority\r\n"

static const struct {
	const char *headers, *phone, *user;
	bool believed;
	unsigned code, rank;
	const char *line; /* what goes on to the next */
} cases[] = {
	{ "", "dsn.flash", "", false, 0, 0, "" },
	{ ASK "dsn.flash\r\n", "dsn.flash", "", false, 0, 3, ASK "dsn.flash\r\n" },
	{ ASK "dsn.flash\r\n", "", "q735.0 dsn.flash-override", false, 0, 3, ASK "dsn.flash\r\n" },
	{ ASK "DSN.Flash-Override\r\n", "dsn.priority", "dsn.flash-override", false, 0, 4,
	  ASK "dsn.flash-override\r\n" },
	{ ASK "dsn.routine\r\n", "", "", false, 0, 0, ASK "dsn.routine\r\n" },
	{ ASK "q735.0\r\n", "q735.0", "", false, 0, 4, ASK "q735.0\r\n" },
	{ ASK "q735.4\r\n", "", "", false, 0, 0, ASK "q735.4\r\n" },
	/* more than was granted, or in another namespace */
	{ ASK "dsn.flash-override\r\n", "dsn.flash", "dsn.flash", false, 403, 0, "" },
	{ ASK "dsn.priority\r\n", "", "", false, 403, 0, "" },
	{ ASK "q735.0\r\n", "dsn.flash-override", "", false, 403, 0, "" },
	/* the first that we know counts; what is not known is no reason (RFC 4412 3.3) */
	{ ASK "foo.bar, dsn.flash, q735.0\r\n", "dsn.flash", "", false, 0, 3, ASK "dsn.flash\r\n" },
	{ ASK "foo.bar\r\n" ASK "ets.0\r\n", "ets.0", "", false, 0, 4, ASK "ets.0\r\n" },
	{ ASK "foo.bar\r\n", "", "", false, 0, 0, "" },
	{ ASK "dsn.nothing\r\n", "", "", false, 0, 0, "" },
	{ ASK "dsn\r\n", "", "", false, 0, 0, "" },
	/* unless it is required */
	{ ASK "foo.bar\r\n" NEED, "", "", false, 417, 0, "" },
	{ NEED, "", "", false, 417, 0, "" },
	{ ASK "dsn.flash\r\n" NEED, "dsn.flash", "", false, 0, 3, ASK "dsn.flash\r\n" },
	{ ASK ",dsn.flash\r\n", "dsn.flash", "", false, 400, 0, "" },
	/* a trunk that is trusted */
	{ ASK "dsn.flash-override\r\n", "", "", true, 0, 4, ASK "dsn.flash-override\r\n" },
};

static void asked_and_granted(void **state)
{
	static struct rf_sip_msg msg;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct rf_grants grants = { rf_view_str(cases[i].phone), rf_view_str(cases[i].user),
					    cases[i].believed };
		struct rf_precedence p;
		const char *rule;
		char text[1024], line[128];
		struct rf_writer w;
		int n = snprintf(text, sizeof text,
				 "INVITE sip:1002@a SIP/2.0\r\nVia: SIP/2.0/UDP b;branch=z9hG4bK1\r\n"
				 "From: <sip:1001@a>;tag=1\r\n"
				 "To: <sip:1002@a>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n"
				 "%sContent-Length: 0\r\n\r\n",
				 cases[i].headers);

		assert_int_equal(rf_sip_msg_parse(&msg, rf_view_of(text, (size_t)n), RF_SIP_DATAGRAM, NULL), 0);
		unsigned code = rf_precedence_of(&msg, &grants, &p, &rule);

		if (code != cases[i].code || p.rank != cases[i].rank || (code != 0) != (rule != NULL))
			fail_msg("case %zu: %u, rank %u", i, code, p.rank);
		rf_writer_init(&w, line, sizeof line);
		rf_precedence_put(&w, &p);
		assert_int_equal(w.err, 0);
		if (!rf_view_eq(rf_view_of(line, w.n), rf_view_str(cases[i].line)))
			fail_msg("case %zu: \"%.*s\"", i, (int)w.n, line);
	}
}

static void who_may_push_out(void **state)
{
	static const char *const values[] = { "dsn.flash", "q735.1", "ets.1", "wps.1" };
	static struct rf_sip_msg msg;

	(void)state;
	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		struct rf_grants grants = { .believed = true };
		struct rf_precedence p;
		const char *rule;
		char text[512];
		int n = snprintf(text, sizeof text,
				 "INVITE sip:1002@a SIP/2.0\r\nVia: SIP/2.0/UDP b;branch=z9hG4bK1\r\nFrom: <sip:1001@a>;tag=1\r\n"
				 "To: <sip:1002@a>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n" ASK "%s\r\n\r\n",
				 values[i]);

		assert_int_equal(rf_sip_msg_parse(&msg, rf_view_of(text, (size_t)n), RF_SIP_DATAGRAM, NULL), 0);
		assert_int_equal(rf_precedence_of(&msg, &grants, &p, &rule), 0);
		assert_int_equal(p.rank, 3);
		assert_int_equal(p.preempts, i < 2);
	}
}

static void all_that_we_accept(void **state)
{
	char text[1024];
	struct rf_writer w;

	(void)state;
	rf_writer_init(&w, text, sizeof text);
	rf_precedence_put_accept(&w);
	assert_int_equal(w.err, 0);
	assert_true(rf_view_starts(rf_view_of(text, w.n), RF_V("Accept-Resource-Priority: dsn.routine, dsn.priority, ")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asked_and_granted), cmocka_unit_test(who_may_push_out),
		cmocka_unit_test(all_that_we_accept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
