/* Parking, coming back, and codes that are dialled. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "kit.h"

#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define SDP_AT(port) "v=0\r\no=- " port " 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n" \
		     "m=audio " port " RTP/AVP 0\r\n"

static int setup(void **state)
{
	struct kit *k = kit_new_with("minimum", "parking: { slots: 701-702, return_seconds: 60 }\n");

	for (int i = 0; i < 4; i++)
		phone_register(&k->phone[i]);
	kit_ledger(k);
	*state = k;
	return 0;
}

static int teardown(void **state)
{
	kit_census(*state);
	kit_free(*state);
	return 0;
}

static void gets_bye(struct phone *p)
{
	phone_expect(p, "BYE");
	phone_answer(p, 200, NULL, NULL);
}

static void hang_up(struct phone *p, struct phone *other)
{
	phone_in_dialog(p, "BYE", NULL, NULL);
	phone_expect_status(p, 200);
	gets_bye(other);
}

static void await(struct phone *p)
{
	for (int i = 0; i < 1000 && p->in == p->out; i++)
		kit_wait(p->kit, 100);
}

static void refer(struct phone *p, const char *number)
{
	char line[128];

	snprintf(line, sizeof line, "Refer-To: <sip:%s@voice.example.org>\r\n", number);
	phone_in_dialog(p, "REFER", line, NULL);
}

/* cid calls ann, who parks him. */
static void parked(struct phone *a, struct phone *c, const char *number)
{
	call_up(c, a, SDP_AT("4200"), SDP_PLAIN);
	refer(a, number);
	phone_expect_status(a, 202);
	phone_expect(a, "NOTIFY");
	assert_true(phone_has(a, "SIP/2.0 200 OK") && phone_has(a, "terminated"));
	phone_answer(a, 200, NULL, NULL);
	gets_bye(a);
	phone_expect(c, "INVITE");
	assert_true(phone_has(c, "a=inactive"));
	phone_answer(c, 200, NULL, SDP_AT("4200") "a=inactive\r\n");
	phone_expect(c, "ACK");
	assert_int_equal(rf_call_core_census(a->kit->core).parked, 1);
}

static void retrieve(struct phone *b, struct phone *c, const char *number)
{
	phone_request(b, "INVITE", number, b->number, number, NULL, SDP_AT("4100"));
	phone_expect(c, "INVITE");
	assert_true(phone_has(c, "m=audio 4100"));
	phone_answer(c, 200, NULL, SDP_AT("4202"));
	phone_expect(c, "ACK");
	phone_expect_status(b, 200);
	assert_true(phone_has(b, "m=audio 4202"));
	phone_ack(b, NULL);
	assert_int_equal(rf_call_core_census(b->kit->core).parked, 0);
	assert_int_equal(rf_call_core_census(b->kit->core).calls, 1);
}

static void parked_and_retrieved(void **state)
{
	static const char *const codes[][2] = { { "701", "701" }, { "*68", "*88701" }, { "*68702", "702" } };
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *c = &k->phone[2];

	for (size_t i = 0; i < 3; i++) {
		parked(a, c, codes[i][0]);
		kit_wait(k, 10000);
		retrieve(b, c, codes[i][1]);
		hang_up(i == 1 ? c : b, i == 1 ? b : c);
	}
	kit_wait(k, 100);
	char *text = kit_record(k);

	assert_int_equal(count_of(text, "\"call.parked\""), 3);
	assert_int_equal(count_of(text, "\"call.retrieved\""), 3);
	assert_int_equal(count_of(text, "\"outcome\":\"parked\""), 3);
	assert_int_equal(count_of(text, "\"slot\":\"702\""), 1);
	assert_int_equal(count_of(text, "\"kind\":\"cdr\""), 9);
	free(text);
}

static void slots_are_bounded(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *c = &k->phone[2];

	phone_request(b, "INVITE", "701", "1002", "701", NULL, SDP_PLAIN);
	phone_expect_status(b, 404);
	phone_forget(b);
	parked(a, c, "701");
	call_up(a, b, SDP_PLAIN, SDP_AT("4100"));
	refer(a, "701");
	phone_expect_status(a, 486);
	refer(a, "*68709");
	phone_expect_status(a, 404);
	phone_silent(b);
	hang_up(a, b);
	phone_in_dialog(c, "INVITE", NULL, SDP_HOLD); /* alone, it may not change anything */
	phone_expect_status(c, 480);
	c->branch--;
	phone_ack(c, NULL);
	phone_in_dialog(c, "BYE", NULL, NULL);
	phone_expect_status(c, 200);
	assert_int_equal(rf_call_core_census(k->core).parked, 0);
}

static void comes_back(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *c = &k->phone[2];

	parked(a, c, "701");
	await(a);
	phone_expect(a, "INVITE");
	assert_true(phone_has(a, "From: <sip:1003@") && a->msg.body.n == 0);
	phone_answer(a, 180, NULL, NULL);
	phone_answer(a, 200, NULL, SDP_AT("4002"));
	phone_expect(c, "INVITE");
	assert_true(phone_has(c, "m=audio 4002"));
	phone_answer(c, 200, NULL, SDP_AT("4204"));
	phone_expect(c, "ACK");
	phone_expect(a, "ACK");
	assert_true(phone_has(a, "m=audio 4204"));
	assert_int_equal(rf_call_core_census(k->core).parked, 0);
	hang_up(c, a);
}

static void nobody_wants_it_back(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *c = &k->phone[2];

	parked(a, c, "701");
	for (int i = 0; i < 3; i++) {
		await(a);
		phone_expect(a, "INVITE");
		phone_answer(a, 486, NULL, NULL);
		phone_expect(a, "ACK");
	}
	gets_bye(c);
}

static void retrieved_while_it_comes_back(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *c = &k->phone[2];

	parked(a, c, "701");
	await(a);
	phone_expect(a, "INVITE");
	struct rf_sip_msg invite = a->msg;
	char bytes[KIT_MESSAGE];

	memcpy(bytes, a->bytes, sizeof bytes);
	phone_answer(a, 180, NULL, NULL);
	phone_register(b);
	phone_request(b, "INVITE", "701", "1002", "701", NULL, SDP_AT("4100"));
	phone_expect(c, "INVITE");
	phone_answer(c, 200, NULL, SDP_AT("4202"));
	phone_expect(c, "ACK");
	phone_expect_status(b, 200);
	phone_ack(b, NULL);
	phone_expect(a, "CANCEL");
	phone_answer(a, 200, NULL, NULL);
	a->msg = invite;
	memcpy(a->bytes, bytes, sizeof bytes);
	phone_answer(a, 487, NULL, NULL);
	phone_expect(a, "ACK");
	hang_up(b, c);
}

static void hangs_up_alone(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *c = &k->phone[2];

	parked(a, c, "702");
	phone_in_dialog(c, "BYE", NULL, NULL);
	phone_expect_status(c, 200);
	assert_int_equal(rf_call_core_census(k->core).parked, 0);
	phone_silent(a);
}

static void pickup_by_code(void **state)
{
	static const char *const codes[] = { "**1002", "*8" };
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *c = &k->phone[2], *b2 = &k->phone[3];

	for (size_t i = 0; i < 2; i++) {
		phone_request(a, "INVITE", "1002", "1001", "1002", NULL, SDP_PLAIN);
		phone_expect(b2, "INVITE");
		phone_answer(b2, 486, NULL, NULL);
		phone_expect(b2, "ACK");
		phone_expect(b, "INVITE");
		struct rf_sip_msg invite = b->msg;
		char bytes[KIT_MESSAGE];

		memcpy(bytes, b->bytes, sizeof bytes);
		phone_answer(b, 180, NULL, NULL);
		phone_expect_status(a, 180);
		phone_request(c, "INVITE", codes[i], "1003", codes[i], NULL, SDP_AT("4200"));
		phone_expect_status(c, 200);
		phone_ack(c, NULL);
		await(c);
		phone_expect(c, "INVITE");
		phone_answer(c, 200, NULL, SDP_AT("4202"));
		phone_expect(c, "ACK");
		phone_expect_status(a, 200);
		phone_ack(a, NULL);
		phone_expect(b, "CANCEL");
		phone_answer(b, 200, NULL, NULL);
		b->msg = invite;
		memcpy(b->bytes, bytes, sizeof bytes);
		phone_answer(b, 487, NULL, NULL);
		phone_expect(b, "ACK");
		hang_up(a, c);
	}
	phone_request(c, "INVITE", "*8", "1003", "*8", NULL, SDP_PLAIN);
	phone_expect_status(c, 404);
	phone_forget(c);
	phone_request(b, "INVITE", "1001", "1002", "1001", NULL, SDP_PLAIN);
	phone_expect(a, "INVITE");
	phone_answer(a, 180, NULL, NULL);
	phone_expect_status(b, 180);
	phone_request(c, "INVITE", "**1001", "1003", "**1001", NULL, SDP_PLAIN); /* not of the group */
	phone_expect_status(c, 403);
	phone_forget(c);
	phone_cancel(b);
	phone_forget(b);
	phone_forget(a);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(parked_and_retrieved), T(slots_are_bounded), T(comes_back), T(nobody_wants_it_back),
		T(retrieved_while_it_comes_back), T(hangs_up_alone), T(pickup_by_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
