/* An offer in two forms: what was written is read, and nothing else is taken for one. */
#include "call/border.h"

#include "base/writer.h"
#include "sip/mpart.h"
#include "sip/msg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum { BOUND = 4096 };

/* An INVITE with this body. */
static struct rf_view message(char buf[static BOUND], const char *type, struct rf_view body)
{
	int n = snprintf(buf, BOUND, "INVITE sip:1@a SIP/2.0\r\nVia: SIP/2.0/TLS b;branch=z9hG4bK1\r\n"
			 "From: <sip:2@b>;tag=1\r\n"
			 "To: <sip:1@a>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\nContent-Type: %s\r\n"
			 "Content-Length: %zu\r\n\r\n%.*s",
			 type, body.n, RF_VFMT(body));

	assert_true(n > 0 && n < BOUND);
	return rf_view_of(buf, (size_t)n);
}

static bool chosen(const char *type, struct rf_view body, struct rf_view *ret_browser, char buf[static BOUND])
{
	static struct rf_sip_msg msg;

	assert_int_equal(rf_sip_msg_parse(&msg, message(buf, type, body), RF_SIP_DATAGRAM, NULL), 0);
	return rf_border_choice(&msg, ret_browser);
}

static void there_and_back(void **state)
{
	uint8_t body[BOUND];
	char buf[BOUND];
	struct rf_writer w;
	struct rf_view browser;
	struct rf_sip_msg msg;

	(void)state;
	rf_writer_init(&w, body, sizeof body);
	rf_border_put_choice(&w, RF_V("edge"), RF_V("v=0\r\ns=keys\r\n"), RF_V("v=0\r\ns=browser\r\n"));
	assert_int_equal(w.err, 0);
	assert_true(chosen("multipart/alternative;boundary=edge", rf_view_of(body, w.n), &browser, buf));
	assert_true(rf_view_eq(browser, RF_V("v=0\r\ns=browser\r\n")));
	/* whoever knows of no choice reads the first */
	assert_int_equal(rf_sip_msg_parse(&msg, message(buf, "multipart/alternative;boundary=edge", rf_view_of(body, w.n)), RF_SIP_DATAGRAM,
					  NULL), 0);
	assert_int_equal(rf_sip_msg_find_body(&msg, RF_V("application/sdp"), &browser), 0);
	assert_true(rf_view_eq(browser, RF_V("v=0\r\ns=keys\r\n")));
	for (size_t n = 0; n + 12 < w.n; n++) /* cut: never more than was there */
		if (chosen("multipart/alternative;boundary=edge", rf_view_of(body, n), &browser, buf))
			assert_true(browser.n <= strlen("v=0\r\ns=browser\r\n"));
}

static void no_choice(void **state)
{
	static const struct {
		const char *what, *type, *body;
	} rows[] = {
		{ "a description", "application/sdp", "v=0\r\n" },
		{ "mixed", "multipart/mixed;boundary=e", "--e\r\nContent-Type: application/sdp\r\n\r\na\r\n--e\r\nContent-Type: application/sdp\r\n\r\nb\r\n--e--\r\n" },
		{ "one form", "multipart/alternative;boundary=e", "--e\r\nContent-Type: application/sdp\r\n\r\na\r\n--e--\r\n" },
		{ "another type", "multipart/alternative;boundary=e",
		  "--e\r\nContent-Type: application/sdp\r\n\r\na\r\n--e\r\nContent-Type: "
		  "text/plain\r\n\r\nb\r\n--e--\r\n" },
		{ "no boundary", "multipart/alternative", "--e\r\n\r\na\r\n--e--\r\n" },
	};
	struct rf_view browser;
	char buf[BOUND];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (chosen(rows[i].type, rf_view_str(rows[i].body), &browser, buf))
			fail_msg("%s: taken for a choice", rows[i].what);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(no_choice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
