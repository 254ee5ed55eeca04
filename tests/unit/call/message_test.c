/* MESSAGE: whose phones get it, from whom it is, what it may be, what comes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "kit.h"

#include "call/message.h"

#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define TEXT "Content-Type: text/plain\r\n"

enum { ANN, BOB, CID, BOB2 };

static int setup(void **state)
{
	struct kit *k = kit_new("minimum");

	kit_ledger(k);
	for (int i = 0; i < 4; i++)
		phone_register(&k->phone[i]);
	*state = k;
	return 0;
}

static int teardown(void **state)
{
	struct kit *k = *state;

	kit_wait(k, 20000);
	assert_int_equal(rf_call_core_census(k->core).messages, 0);
	kit_census(k);
	kit_free(k);
	return 0;
}

static void say(struct phone *p, const char *to, const char *extra, const char *body)
{
	phone_request(p, "MESSAGE", to, p->number, to, extra, body);
}

static void first_phone_wins(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[ANN], *b = &k->phone[BOB], *b2 = &k->phone[BOB2];

	say(a, "1002", TEXT, "hello <bob>");
	phone_expect(b, "MESSAGE");
	assert_true(phone_has(b, "From: <sip:1001@voice.example.org>;tag=rf"));
	assert_true(phone_has(b, "To: <sip:1002@voice.example.org>\r\n"));
	assert_true(phone_has(b, "P-Asserted-Identity: <sip:1001@voice.example.org>\r\n"));
	assert_true(phone_has(b, "Content-Type: text/plain\r\n"));
	assert_true(phone_has(b, "\r\n\r\nhello <bob>"));
	assert_false(phone_has(b, "Contact:"));
	phone_expect(b2, "MESSAGE");
	phone_answer(b2, 486, NULL, NULL);
	assert_int_equal(rf_call_core_census(k->core).messages, 1);
	phone_answer(b, 200, NULL, NULL);
	phone_expect_status(a, 200);
	assert_int_equal(rf_call_core_census(k->core).messages, 0);
	phone_silent(a);
	char *text = kit_record(k);

	assert_int_equal(count_of(text, "\"text.delivered\""), 1);
	assert_int_equal(count_of(text, "\"from\":\"1001\",\"to\":\"1002\",\"phone\":\"bob\",\"type\":\"text/plain\","
				       "\"bytes\":11"), 1);
	assert_int_equal(count_of(text, "hello"), 0);
	free(text);
}

static void nobody_takes_it(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[ANN], *b = &k->phone[BOB], *b2 = &k->phone[BOB2], *c = &k->phone[CID];

	say(a, "1002", TEXT, "x");
	phone_expect(b, "MESSAGE");
	phone_answer(b, 480, NULL, NULL);
	phone_expect(b2, "MESSAGE");
	phone_answer(b2, 486, NULL, NULL);
	phone_expect_status(a, 486); /* the better reason */
	say(a, "1002", TEXT, "x");
	phone_expect(b, "MESSAGE");
	phone_answer(b, 603, NULL, NULL); /* ends it for the other too */
	phone_expect_status(a, 603);
	phone_forget(b2);
	say(a, "1003", TEXT, "x");
	kit_wait(k, 16000); /* no answer */
	phone_forget(c);
	phone_expect_status(a, 480);
	char *text = kit_record(k);

	assert_int_equal(count_of(text, "\"text.refused\""), 3);
	free(text);
}

static void what_is_refused(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[ANN], *c = &k->phone[CID];
	static char longest[RF_MESSAGE_MAX + 2];
	static const struct {
		const char *to, *extra, *body;
		unsigned code;
		const char *says;
	} rows[] = {
		{ "1003", "Content-Type: text/html\r\n", "<b>", 415, "Accept: text/plain, message/cpim" },
		{ "1003", "Content-Type: text/plain\r\nContent-Encoding: gzip\r\n", "x", 415, NULL },
		{ "1003", "", NULL, 415, NULL },
		{ "1003", "Content-Type: application/sdp\r\n", SDP_PLAIN, 415, NULL },
		{ "1003", TEXT, longest, 413, NULL },
		{ "1003", "Content-Type: message/cpim\r\n", "From: <im:1002@voice.example.org>\r\n\r\n\r\nx", 403, NULL },
		{ "1999", TEXT, "x", 404, NULL },
		{ "1005", TEXT, "x", 480, NULL },
		{ "1001", TEXT, "to myself", 480, NULL },
		{ "sip:1003@elsewhere.example.com", TEXT, "x", 403, NULL },
	};

	memset(longest, 'x', RF_MESSAGE_MAX + 1);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		k->now_us += 1000000;
		say(a, rows[i].to, rows[i].extra, rows[i].body);
		phone_expect_status(a, rows[i].code);
		assert_true(!rows[i].says || phone_has(a, rows[i].says));
	}
	phone_request(a, "MESSAGE", "1003", "1002", "1003", TEXT, "I am bob");
	phone_expect_status(a, 403);
	phone_silent(c);
	longest[RF_MESSAGE_MAX] = 0;
	k->now_us += 1000000;
	say(a, "1003", "Content-Type: text/plain;charset=UTF-8;x=y\r\n", longest);
	phone_expect(c, "MESSAGE");
	assert_true(phone_has(c, "Content-Type: text/plain;charset=UTF-8\r\n"));
	phone_answer(c, 202, NULL, NULL);
	phone_expect_status(a, 202);
	say(a, "1003", "Content-Type: message/cpim\r\n", "From: <im:1001@voice.example.org>\r\n\r\n\r\nx");
	phone_expect(c, "MESSAGE");
	phone_answer(c, 200, NULL, NULL);
	phone_expect_status(a, 200);
	phone_request(a, "MESSAGE", "1003", "sip:anonymous@anonymous.invalid", "1003", TEXT, "who am I");
	phone_expect(c, "MESSAGE");
	assert_false(phone_names(c, "1001"));
	assert_true(phone_has(c, "Privacy: id\r\n"));
	phone_answer(c, 200, NULL, NULL);
	phone_expect_status(a, 200);
}

static void how_often(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[ANN], *c = &k->phone[CID];

	for (int i = 0; i <= RF_MESSAGES_PER_SECOND; i++) {
		say(a, "1003", TEXT, "x");
		if (i == RF_MESSAGES_PER_SECOND)
			break;
		phone_expect(c, "MESSAGE");
		phone_answer(c, 200, NULL, NULL);
		phone_expect_status(a, 200);
	}
	phone_expect_status(a, 503);
	assert_true(phone_has(a, "Retry-After: 1"));
	phone_silent(c);
	char *text = kit_record(k);

	assert_int_equal(count_of(text, "\"bound\":\"messages_per_second\""), 1);
	free(text);
}

static void in_a_call(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[ANN], *c = &k->phone[CID], *b = &k->phone[BOB];

	call_up(a, c, SDP_PLAIN, SDP_PLAIN);
	phone_in_dialog(a, "MESSAGE", TEXT, "in the call");
	phone_expect(c, "MESSAGE");
	assert_true(c->msg.to.tag.n > 0);
	assert_true(phone_has(c, "\r\n\r\nin the call"));
	phone_answer(c, 200, NULL, NULL);
	phone_expect_status(a, 200);
	phone_in_dialog(c, "MESSAGE", TEXT, "and back");
	phone_expect(a, "MESSAGE");
	phone_answer(a, 415, NULL, NULL);
	phone_expect_status(c, 415);
	phone_in_dialog(c, "MESSAGE", "Content-Type: text/html\r\n", "no");
	phone_expect_status(c, 415);
	phone_silent(a);
	/* the call ends while one is under way */
	phone_in_dialog(a, "MESSAGE", TEXT, "late");
	phone_expect(c, "MESSAGE");
	phone_answer(c, 481, NULL, NULL);
	phone_expect_status(a, 480);
	phone_in_dialog(a, "MESSAGE", TEXT, "never answered");
	phone_expect(c, "MESSAGE");
	call_down(a, c);
	kit_wait(k, 33000); /* too late for an answer then (RFC 4320) */
	phone_forget(c);
	phone_forget(a);
	phone_silent(b);
}

static void told(void *ctx, unsigned code)
{
	*(unsigned *)ctx = code;
}

static void our_own(void **state)
{
	struct kit *k = *state;
	struct phone *c = &k->phone[CID];
	unsigned code = 0;

	assert_int_equal(rf_message_tell(k->core, RF_V("1005"), RF_V("x"), told, &code), RF_E_NOT_FOUND);
	assert_int_equal(rf_message_tell(k->core, RF_V("1003"), RF_V("emergency call of 1001, room 7"), told, &code), 0);
	kit_run(k);
	phone_expect(c, "MESSAGE");
	assert_true(phone_has(c, "From: <sip:voice.example.org>;tag="));
	assert_true(phone_has(c, "emergency call of 1001, room 7"));
	phone_answer(c, 200, NULL, NULL);
	kit_run(k);
	assert_int_equal(code, 200);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(first_phone_wins), T(nobody_takes_it), T(what_is_refused), T(how_often), T(in_a_call), T(our_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
