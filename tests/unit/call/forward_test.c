/* Forwards of every kind, loops, what a forward may not do, do not disturb, call waiting, hidden callers, phones in
 * order, hunt groups: each through a whole core. ann 1001 calls, bob 1002 (and bob-2) is called, cid 1003 gets it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "kit.h"

#include <stdlib.h>

#include <cmocka.h>

#define DOMAIN "@voice.example.org"

static const char site[] =
	"groups:\n"
	"  - { name: all, number: 2000, members: [1002, 1003], strategy: all, ring_seconds: 10, on_no_answer: 1005 }\n"
	"  - { name: order, number: 2001, members: [1002, 1003, 1001], strategy: in_order, ring_seconds: 10 }\n"
	"  - { name: idle, number: 2002, members: [1002, 1003], strategy: longest_idle, ring_seconds: 10 }\n"
	"  - { name: round, number: 2003, members: [1002, 1003], strategy: round_robin, ring_seconds: 10 }\n";
static const char says_busy[] = "do_not_disturb: busy\n";
static const char in_order[] = "numbers:\n  \"1002\": { ring: in_order, ring_seconds: 7 }\n";

static int begin(void **state, const char *more)
{
	struct kit *k = kit_new_with("minimum", more);

	for (size_t i = 0; i < 3; i++)
		phone_register(&k->phone[i]);
	kit_ledger(k);
	*state = k;
	return 0;
}

static int setup(void **state)
{
	return begin(state, site);
}

static int setup_in_order(void **state)
{
	return begin(state, in_order);
}

static int setup_busy(void **state)
{
	return begin(state, says_busy);
}

static int teardown(void **state)
{
	struct kit *k = *state;

	for (size_t i = 0; i < KIT_PHONES; i++)
		phone_forget(&k->phone[i]);
	kit_census(k);
	kit_free(k);
	return 0;
}

static void call(struct phone *a, const char *number)
{
	phone_request(a, "INVITE", number, "1001", number, NULL, SDP_PLAIN);
}

/* p takes the call that it was invited to, and a hangs up. */
static void talk_and_end(struct phone *a, struct phone *p)
{
	phone_answer(p, 200, NULL, SDP_PLAIN);
	phone_expect_status(a, 200);
	phone_ack(a, NULL);
	phone_expect(p, "ACK");
	call_down(a, p);
}

/* p is rung no more. */
static void cancelled(struct phone *p)
{
	struct rf_sip_msg invite = p->msg;
	char bytes[KIT_MESSAGE];

	memcpy(bytes, p->bytes, sizeof bytes);
	phone_expect(p, "CANCEL");
	phone_answer(p, 200, NULL, NULL);
	memcpy(p->bytes, bytes, sizeof bytes);
	p->msg = invite;
	phone_answer(p, 487, NULL, NULL);
	phone_expect(p, "ACK");
}

static void gone_up_to(struct phone *a, unsigned code)
{
	phone_expect_status(a, code);
	a->branch--; /* the ACK of a refusal is part of the INVITE's transaction */
	phone_ack(a, NULL);
}

/* --- forwards */

static void always(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *c = &k->phone[2];

	kit_forward(k, "1002", RF_FORWARD_ALWAYS, "1003");
	call(a, "1002");
	phone_silent(b);
	phone_expect(c, "INVITE");
	assert_true(phone_has(c, "\r\nTo: <sip:1003" DOMAIN ">\r\n"));
	assert_true(phone_has(c, "History-Info: <sip:1002" DOMAIN ">;index=1, "
				 "<sip:1003" DOMAIN ";cause=302>;index=1.1;mp=1\r\n"));
	assert_true(phone_has(c, "Diversion: <sip:1002" DOMAIN ">;reason=unconditional;counter=1;privacy=off\r\n"));
	assert_true(phone_has(c, "Max-Forwards: 68\r\n"));
	phone_expect_status(a, 181);
	phone_answer(c, 180, NULL, NULL);
	phone_expect_status(a, 180);
	assert_true(phone_has(a, "P-Asserted-Identity: <sip:1003" DOMAIN ">"));
	talk_and_end(a, c);
	char *text = kit_record(k);

	assert_int_equal(count_of(text, "\"call.forwarded\""), 1);
	assert_int_equal(count_of(text, "\"chain\":\"1002>1003(302)\""), 1);
	assert_int_equal(count_of(text, "\"forwarded_by\":\"1002\""), 1);
	free(text);
}

static void busy(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *c = &k->phone[2];

	kit_forward(k, "1002", RF_FORWARD_BUSY, "1003");
	call(a, "1002");
	phone_expect(b, "INVITE");
	assert_false(phone_has(b, "History-Info"));
	phone_answer(b, 180, NULL, NULL);
	phone_expect_status(a, 180);
	phone_answer(b, 486, NULL, NULL);
	phone_expect(b, "ACK");
	phone_expect_status(a, 181);
	phone_expect(c, "INVITE");
	assert_true(phone_has(c, "<sip:1002" DOMAIN "?Reason=SIP%3Bcause%3D486>;index=1, "));
	assert_true(phone_has(c, ";reason=user-busy;"));
	talk_and_end(a, c);
}

/* Both are busy: the caller hears that. */
static void busy_twice(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *c = &k->phone[2];

	kit_forward(k, "1002", RF_FORWARD_BUSY, "1003");
	call(a, "1002");
	phone_expect(b, "INVITE");
	phone_answer(b, 486, NULL, NULL);
	phone_expect(b, "ACK");
	phone_expect_status(a, 181);
	phone_expect(c, "INVITE");
	phone_answer(c, 486, NULL, NULL);
	phone_expect(c, "ACK");
	gone_up_to(a, 486);
}

static void no_answer(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *c = &k->phone[2];
	struct rf_settings_change wait = { .fields = RF_SET_NO_ANSWER_S, .to.no_answer_s = 12 };

	kit_forward(k, "1002", RF_FORWARD_NO_ANSWER, "1003");
	kit_set(k, "1002", &wait);
	call(a, "1002");
	phone_expect(b, "INVITE");
	phone_answer(b, 180, NULL, NULL);
	phone_expect_status(a, 180);
	kit_wait(k, 11000);
	phone_silent(c);
	kit_wait(k, 1100);
	phone_expect(c, "INVITE");
	assert_true(phone_has(c, ";reason=no-answer;"));
	phone_expect_status(a, 181);
	cancelled(b);
	talk_and_end(a, c);
}

/* The one that was left answers after all, too late: it is hung up, and the other rings on. */
static void answered_too_late(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *c = &k->phone[2];

	kit_forward(k, "1002", RF_FORWARD_NO_ANSWER, "1003");
	call(a, "1002");
	phone_expect(b, "INVITE");
	phone_answer(b, 180, NULL, NULL);
	phone_expect_status(a, 180);
	struct rf_sip_msg invite = b->msg;
	char bytes[KIT_MESSAGE];

	memcpy(bytes, b->bytes, sizeof bytes);
	kit_wait(k, 20100);
	phone_expect(b, "CANCEL");
	phone_answer(b, 200, NULL, NULL);
	memcpy(b->bytes, bytes, sizeof bytes);
	b->msg = invite;
	phone_answer(b, 200, NULL, SDP_PLAIN);
	phone_expect(b, "ACK");
	phone_expect(b, "BYE");
	phone_answer(b, 200, NULL, NULL);
	phone_expect(c, "INVITE");
	phone_expect_status(a, 181);
	talk_and_end(a, c);
}

static void unreachable(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *c = &k->phone[2];

	kit_forward(k, "1005", RF_FORWARD_UNREACHABLE, "1003");
	call(a, "1005");
	phone_expect(c, "INVITE");
	assert_true(phone_has(c, ";cause=503>;index=1.1"));
	phone_expect_status(a, 181);
	talk_and_end(a, c);
}

/* A chain, then somebody who is not there. */
static void chain(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *c = &k->phone[2];

	kit_forward(k, "1002", RF_FORWARD_BUSY, "1003");
	kit_forward(k, "1003", RF_FORWARD_BUSY, "1005");
	call(a, "1002");
	phone_expect(b, "INVITE");
	phone_answer(b, 486, NULL, NULL);
	phone_expect_status(a, 181);
	phone_expect(c, "INVITE");
	phone_answer(c, 486, NULL, NULL);
	gone_up_to(a, 486);
	char *text = kit_record(k);

	assert_int_equal(count_of(text, "\"chain\":\"1002>1003(486)\""), 1);
	assert_int_equal(count_of(text, "(486)>1005"), 0); /* nobody was called there */
	free(text);
}

static void circle(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0];

	kit_forward(k, "1002", RF_FORWARD_ALWAYS, "1003");
	kit_forward(k, "1003", RF_FORWARD_ALWAYS, "1002");
	call(a, "1002");
	gone_up_to(a, 482);
	char *text = kit_record(k);

	assert_int_equal(count_of(text, "forwarded in a circle"), 1);
	free(text);
}

static void to_itself_and_to_the_caller(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0];

	kit_forward(k, "1002", RF_FORWARD_ALWAYS, "1002");
	call(a, "1002");
	gone_up_to(a, 482);
	kit_forward(k, "1002", RF_FORWARD_ALWAYS, "1001");
	call(a, "1002");
	gone_up_to(a, 486);
}

/* To where the forwarder may not call. */
static void forbidden(void **state)
{
	static const char *const never[] = { "112", "911", "000", "*721003", "**1003", "*78" };
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];

	kit_forward(k, "1002", RF_FORWARD_ALWAYS, "+0090012345");
	call(a, "1002");
	gone_up_to(a, 403);
	phone_silent(b);
	for (size_t i = 0; i < sizeof never / sizeof *never; i++) {
		kit_forward(k, "1002", RF_FORWARD_ALWAYS, never[i]);
		call(a, "1002");
		gone_up_to(a, 403);
	}
	kit_forward(k, "1002", RF_FORWARD_ALWAYS, "");
	kit_forward(k, "1002", RF_FORWARD_BUSY, "+0090012345");
	call(a, "1002");
	phone_expect(b, "INVITE");
	phone_answer(b, 486, NULL, NULL);
	gone_up_to(a, 486);
}

/* The call was forwarded by others already. */
static void told_history(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0];

	kit_forward(k, "1002", RF_FORWARD_ALWAYS, "1003");
	phone_request(a, "INVITE", "1002", "1001", "1002", "Diversion: <sip:1@x.example>;counter=9\r\n", SDP_PLAIN);
	gone_up_to(a, 482);
	phone_request(a, "INVITE", "1002", "1001", "1002",
		      "History-Info: <sip:1@x>;index=1, <sip:1@x>;index=1.1, <sip:1@x>;index=1.2, <sip:1@x>;index=1.3,"
		      "<sip:1@x>;index=1.4, <sip:1@x>;index=1.5, <sip:1@x>;index=1.6, <sip:1@x>;index=1.7,"
		      "<sip:1@x>;index=1.8, <sip:1@x>;index=1.9\r\n", SDP_PLAIN);
	gone_up_to(a, 482);
}

static void hidden_forwarder(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *c = &k->phone[2];
	struct rf_settings_change hide = { .fields = RF_SET_HIDE_NUMBER, .to.hide_number = true };

	kit_forward(k, "1002", RF_FORWARD_ALWAYS, "1003");
	kit_set(k, "1002", &hide);
	call(a, "1002");
	phone_expect(c, "INVITE");
	assert_false(phone_names(c, "1002"));
	assert_true(phone_has(c, "privacy=full"));
	phone_expect_status(a, 181);
	talk_and_end(a, c);
}

/* --- 3xx */

static void moved(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *c = &k->phone[2];

	phone_register(&k->phone[3]);
	call(a, "1002");
	phone_expect(b, "INVITE");
	phone_expect(&k->phone[3], "INVITE");
	phone_answer(b, 302, "Contact: <sip:1005" DOMAIN ">;q=0.2, <sip:1003" DOMAIN ">;q=0.7\r\n", NULL);
	phone_expect(b, "ACK");
	phone_answer(&k->phone[3], 180, NULL, NULL);
	cancelled(&k->phone[3]);
	phone_expect(c, "INVITE");
	assert_true(phone_has(c, ";reason=deflection;"));
	phone_forget(a);
	phone_answer(c, 486, NULL, NULL);
	phone_expect(c, "ACK");
	gone_up_to(a, 486);
}

static void moved_outside(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];

	call(a, "1002");
	phone_expect(b, "INVITE");
	phone_answer(b, 302, "Contact: <sip:x@elsewhere.example>, <sip:0090055" DOMAIN ">, <mailto:a@b>\r\n", NULL);
	phone_expect(b, "ACK");
	gone_up_to(a, 403);
}

/* What nobody could call, or nobody could read. */
static void moved_nowhere(void **state)
{
	static const struct {
		const char *contact;
		unsigned code;
	} rows[] = {
		{ "Contact: *\r\n", 480 }, { "Contact: <sip:\r\n", 480 }, { "Contact: ,,,\r\n", 480 },
		{ "Contact: <sip:%00@voice.example.org>\r\n", 480 },
		{ "Contact: <sip:%zz@voice.example.org>\r\n", 480 },
		{ "Contact: <sip:100" DOMAIN ";q=9, <sip:" DOMAIN ">\r\n", 480 },
		{ "Contact: <sips:1999" DOMAIN ">;q=-1\r\n", 403 }, { "Contact: <tel:+1-900-5>;q=0.0\r\n", 403 },
		{ "Contact: <sip:12345678901234567890123456789012345678901" DOMAIN ">\r\n", 480 },
		{ "Contact: <sip:1003;x=y" DOMAIN ">\r\n", 480 }, { "Contact: <sip:*721003" DOMAIN ">\r\n", 403 },
		{ "Contact: <sip:112" DOMAIN ">\r\n", 403 },
		{ "Contact: <sip:1001" DOMAIN ">\r\n", 486 }, { "Contact: <sip:1002" DOMAIN ">\r\n", 480 },
	};
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		call(a, "1002");
		phone_expect(b, "INVITE");
		phone_answer(b, 302, rows[i].contact, NULL);
		phone_expect(b, "ACK");
		if (getenv("KIT_CODES"))
			fprintf(stderr, "%zu %s", i, rows[i].contact);
		gone_up_to(a, rows[i].code);
	}
}

/* Histories that are none count for what can be read of them, and stop no call. */
static void strange_histories(void **state)
{
	static const char *const rows[] = {
		"History-Info: <sip:\r\n", "History-Info: ,,,,\r\n", "Diversion: \"\r\n",
		"Diversion: <sip:1@x>;counter=x\r\n", "Diversion: <sip:1@x>;counter=0\r\n", "Diversion: *\r\n",
		"History-Info: <tel:1>;index=999.999.999\r\n",
	};
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *c = &k->phone[2];

	kit_forward(k, "1002", RF_FORWARD_ALWAYS, "1003");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		phone_request(a, "INVITE", "1002", "1001", "1002", rows[i], SDP_PLAIN);
		phone_expect(c, "INVITE");
		phone_expect_status(a, 181);
		talk_and_end(a, c);
	}
	phone_request(a, "INVITE", "1002", "1001", "1002", "Diversion: <sip:1@x>;counter=4294967295\r\n", SDP_PLAIN);
	gone_up_to(a, 482);
}

/* --- what else is set */

static void do_not_disturb(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *c = &k->phone[2];
	struct rf_settings_change dnd = { .fields = RF_SET_DND, .to.dnd = true };

	kit_set(k, "1002", &dnd);
	call(a, "1002");
	gone_up_to(a, 480);
	phone_silent(b);
	kit_forward(k, "1002", RF_FORWARD_BUSY, "1003");
	call(a, "1002");
	phone_expect(c, "INVITE");
	phone_silent(b);
	phone_expect_status(a, 181);
	talk_and_end(a, c);
}

static void do_not_disturb_says_busy(void **state)
{
	struct kit *k = *state;
	struct rf_settings_change dnd = { .fields = RF_SET_DND, .to.dnd = true };

	kit_set(k, "1002", &dnd);
	call(&k->phone[0], "1002");
	gone_up_to(&k->phone[0], 486);
}

static void no_call_waiting(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *c = &k->phone[2];
	struct rf_settings_change off = { .fields = RF_SET_CALL_WAITING, .to.no_call_waiting = true };

	kit_set(k, "1002", &off);
	call_up(c, b, SDP_PLAIN, SDP_PLAIN);
	call(a, "1002");
	gone_up_to(a, 486);
	phone_silent(b);
	off.to.no_call_waiting = false;
	kit_set(k, "1002", &off);
	call(a, "1002");
	phone_expect(b, "INVITE");
	phone_answer(b, 486, NULL, NULL);
	phone_expect(b, "ACK");
	gone_up_to(a, 486);
	call_down(c, b);
}

static void anonymous(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];
	struct rf_settings_change hide = { .fields = RF_SET_HIDE_NUMBER, .to.hide_number = true };
	struct rf_settings_change reject = { .fields = RF_SET_REFUSE_ANONYMOUS, .to.refuse_anonymous = true };

	kit_set(k, "1001", &hide);
	call(a, "1002");
	phone_expect(b, "INVITE");
	assert_false(phone_names(b, "1001"));
	assert_true(phone_has(b, "Privacy: id\r\n"));
	phone_answer(b, 486, NULL, NULL);
	gone_up_to(a, 486);
	kit_set(k, "1002", &reject);
	call(a, "1002");
	gone_up_to(a, 433);
	phone_request(a, "INVITE", "1002", "1001", "1002", "Privacy: none\r\n", SDP_PLAIN);
	phone_forget(b);
	phone_cancel(a);
	phone_expect_status(a, 200);
	gone_up_to(a, 487);
}

/* --- several phones */

static void phones_in_order(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *b2 = &k->phone[3];

	k->now_us += 1000000;
	phone_register(b2);
	call(a, "1002");
	phone_expect(b2, "INVITE");
	phone_answer(b2, 180, NULL, NULL);
	phone_silent(b);
	phone_expect_status(a, 180);
	kit_wait(k, 7100);
	phone_expect(b, "INVITE");
	cancelled(b2);
	phone_answer(b, 180, NULL, NULL);
	phone_expect_status(a, 180);
	kit_wait(k, 7100);
	cancelled(b);
	gone_up_to(a, 480);
}

static void caller_gives_up_in_second_step(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *b2 = &k->phone[3];

	k->now_us += 1000000;
	phone_register(b2);
	call(a, "1002");
	phone_expect(b2, "INVITE");
	phone_answer(b2, 486, NULL, NULL);
	phone_expect(b, "INVITE");
	phone_answer(b, 180, NULL, NULL);
	phone_expect_status(a, 180);
	phone_cancel(a);
	phone_expect_status(a, 200);
	gone_up_to(a, 487);
	cancelled(b);
}

/* --- hunt groups */

static void group_all(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *c = &k->phone[2];

	call(a, "2000");
	phone_expect(b, "INVITE");
	assert_true(phone_has(b, "History-Info: <sip:2000" DOMAIN ">;index=1, <sip:1002" DOMAIN ">;index=1.1;mp=1\r\n"));
	phone_expect(c, "INVITE");
	phone_answer(b, 180, NULL, NULL);
	phone_expect_status(a, 180);
	phone_answer(c, 180, NULL, NULL);
	phone_expect_status(a, 180);
	phone_answer(c, 200, NULL, SDP_PLAIN);
	cancelled(b);
	phone_expect_status(a, 200);
	phone_ack(a, NULL);
	phone_expect(c, "ACK");
	call_down(a, c);
}

static void group_in_order(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *c = &k->phone[2];

	call(a, "2001");
	phone_expect(b, "INVITE");
	phone_answer(b, 180, NULL, NULL);
	phone_expect_status(a, 180);
	phone_silent(c);
	kit_wait(k, 10100);
	phone_expect(c, "INVITE");
	cancelled(b);
	phone_answer(c, 486, NULL, NULL);
	phone_expect(c, "ACK");
	gone_up_to(a, 486); /* the third member is the caller */
}

static void group_skips(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *c = &k->phone[2];
	struct rf_settings_change dnd = { .fields = RF_SET_DND, .to.dnd = true };

	kit_set(k, "1002", &dnd);
	call(a, "2001");
	phone_expect(c, "INVITE");
	phone_answer(c, 486, NULL, NULL);
	gone_up_to(a, 486);
	kit_set(k, "1003", &dnd);
	call(a, "2001");
	gone_up_to(a, 480);
}

static void group_idle(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *c = &k->phone[2];

	for (int i = 0; i < 3; i++) {
		call(a, "2002");
		phone_expect(b, "INVITE");
		talk_and_end(a, b);
		kit_wait(k, 1000);
		call(a, "2002");
		phone_expect(c, "INVITE");
		talk_and_end(a, c);
		kit_wait(k, 1000);
	}
}

static void group_round(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0];

	for (size_t i = 0; i < 4; i++) {
		struct phone *p = &k->phone[1 + i % 2];

		call(a, "2003");
		phone_expect(p, "INVITE");
		talk_and_end(a, p);
	}
}

static void group_goes_on(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *c = &k->phone[2];

	kit_forward(k, "1005", RF_FORWARD_UNREACHABLE, "1003");
	call(a, "2000");
	phone_expect(b, "INVITE");
	phone_expect(c, "INVITE");
	phone_answer(b, 486, NULL, NULL);
	phone_answer(c, 486, NULL, NULL);
	phone_expect(c, "ACK");
	phone_expect_status(a, 181);
	phone_expect(c, "INVITE");
	assert_true(phone_has(c, "<sip:2000" DOMAIN "?Reason=SIP%3Bcause%3D408>;index=1, <sip:1005" DOMAIN
				 ";cause=408?Reason=SIP%3Bcause%3D503>;index=1.1;mp=1, "
				 "<sip:1003" DOMAIN ";cause=503>;index=1.1.1;mp=1.1\r\n"));
	talk_and_end(a, c);
}

/* The caller's phone dies while a forwarded call rings. */
static void caller_vanishes(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *c = &k->phone[2];

	kit_forward(k, "1002", RF_FORWARD_ALWAYS, "1003");
	call(a, "1002");
	phone_expect(c, "INVITE");
	phone_answer(c, 180, NULL, NULL);
	kit_wait(k, 120000);
	phone_expect(c, "CANCEL");
}

/* --- by feature codes */

static void dial_code(struct phone *p, const char *code, unsigned answer, const char *phrase)
{
	char uri[64];

	snprintf(uri, sizeof uri, "sip:%s" DOMAIN, code);
	phone_request(p, "INVITE", uri, p->number, uri, NULL, SDP_PLAIN);
	gone_up_to(p, answer);
	if (!rf_view_eq(p->msg.reason, rf_view_str(phrase)))
		fail_msg("%s: %.*s", code, RF_VFMT(p->msg.reason));
}

static void codes(void **state)
{
	static const struct {
		const char *code;
		unsigned answer;
		const char *phrase;
	} rows[] = {
		{ "*721003", 480, "All calls go to 1003" }, { "*72", 484, "Dial the Code and the Number" },
		{ "*721002", 403, "Calls May Not Be Forwarded There" },
		{ "*7200900123", 403, "Calls May Not Be Forwarded There" },
		{ "*721999", 403, "Calls May Not Be Forwarded There" },
		{ "*72112", 403, "Calls May Not Be Forwarded There" },
		{ "*72*78", 403, "Calls May Not Be Forwarded There" },
		{ "*73", 480, "Calls are not forwarded" },
		{ "*901003", 480, "When busy, calls go to 1003" }, { "*91", 480, "When busy, calls are not forwarded" },
		{ "*921003", 480, "Without answer, calls go to 1003" },
		{ "*941003", 480, "While unreachable, calls go to 1003" },
		{ "*78", 480, "Do not disturb is on" }, { "*79", 480, "Do not disturb is off" },
		{ "*71", 480, "Call waiting is off" }, { "*70", 480, "Call waiting is on" },
		{ "*67", 480, "Your number is hidden" },
	};
	struct kit *k = *state;
	struct rf_settings set;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		dial_code(&k->phone[1], rows[i].code, rows[i].answer, rows[i].phrase);
	rf_settings_get(k->settings, RF_V("1002"), &set);
	assert_string_equal(set.forward[RF_FORWARD_ALWAYS], "");
	assert_string_equal(set.forward[RF_FORWARD_NO_ANSWER], "1003");
	assert_string_equal(set.forward[RF_FORWARD_UNREACHABLE], "1003");
	assert_true(set.hide_number && !set.dnd && !set.no_call_waiting);
	char *text = kit_record(k);

	assert_int_equal(count_of(text, "\"number.changed\""), 11);
	assert_int_equal(count_of(text, "\"set\":\"forward_always=1003\""), 1);
	assert_int_equal(count_of(text, "\"phone\":\"bob\""), 11);
	free(text);
}

/* *67 and *82 before a number: for this call. */
static void shown_per_call(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];

	call(a, "*671002");
	phone_expect(b, "INVITE");
	assert_false(phone_names(b, "1001"));
	phone_answer(b, 486, NULL, NULL);
	phone_expect(b, "ACK");
	gone_up_to(a, 486);
	dial_code(a, "*67", 480, "Your number is hidden");
	call(a, "1002");
	phone_expect(b, "INVITE");
	assert_false(phone_names(b, "1001"));
	phone_answer(b, 486, NULL, NULL);
	phone_expect(b, "ACK");
	gone_up_to(a, 486);
	call(a, "*821002");
	phone_expect(b, "INVITE");
	assert_true(phone_has(b, "1001"));
	phone_answer(b, 486, NULL, NULL);
	phone_expect(b, "ACK");
	gone_up_to(a, 486);
}

/* What was set is there after a restart. */
static void survives(void **state)
{
	struct kit *k = *state;
	struct rf_settings set;

	kit_forward(k, "1002", RF_FORWARD_ALWAYS, "1003");
	call(&k->phone[0], "1999");
	gone_up_to(&k->phone[0], 404);
	free(kit_record(k));
	kit_restart(k);
	rf_settings_get(k->settings, RF_V("1002"), &set);
	assert_string_equal(set.forward[RF_FORWARD_ALWAYS], "1003");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define O(name) cmocka_unit_test_setup_teardown(name, setup_in_order, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(always), T(busy), T(busy_twice), T(no_answer), T(answered_too_late), T(unreachable), T(chain),
		T(circle), T(to_itself_and_to_the_caller), T(forbidden), T(told_history), T(hidden_forwarder), T(moved),
		T(moved_outside), T(moved_nowhere), T(strange_histories), T(do_not_disturb),
		cmocka_unit_test_setup_teardown(do_not_disturb_says_busy, setup_busy, teardown), T(no_call_waiting),
		T(anonymous), O(phones_in_order), O(caller_gives_up_in_second_step), T(group_all), T(group_in_order),
		T(group_skips), T(group_idle), T(group_round), T(group_goes_on), T(caller_vanishes), T(codes),
		T(shown_per_call), T(survives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
