/* Calls that take a place in a call: Replaces, pickup. */
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
	struct kit *k = kit_new("minimum");

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

static const char *tag_of(const char *addr)
{
	const char *tag = strstr(addr, ";tag=");

	assert_non_null(tag);
	return tag + 5;
}

/* An INVITE of p that replaces the dialog of `of`, as that phone knows it. */
static void invite_replaces(struct phone *p, const struct phone *of, const char *to, const char *flag, const char *body)
{
	char line[512];

	snprintf(line, sizeof line, "Replaces: %s;to-tag=%s;from-tag=%s%s\r\n", of->call_id, tag_of(of->remote),
		 tag_of(of->local), flag);
	phone_request(p, "INVITE", to, p->number, to, line, body);
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
	for (int i = 0; i < 50 && p->in == p->out; i++)
		kit_wait(p->kit, 20);
}

/* bob rings at two phones; the second one takes the call over from the first. */
static void up(struct phone *a, struct phone *b, struct phone *b2)
{
	phone_request(a, "INVITE", "1002", "1001", "1002", NULL, SDP_PLAIN);
	phone_expect(b2, "INVITE");
	phone_answer(b2, 486, NULL, NULL);
	phone_expect(b2, "ACK");
	phone_expect(b, "INVITE");
	phone_answer(b, 200, NULL, SDP_AT("4100"));
	phone_expect_status(a, 200);
	phone_ack(a, NULL);
	phone_expect(b, "ACK");
}

static void taken_over_by_the_same_number(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *b2 = &k->phone[3];

	for (int late = 0; late < 2; late++) {
		up(a, b, b2);
		invite_replaces(b2, b, "1001", "", late ? NULL : SDP_AT("4300"));
		phone_expect(a, "INVITE");
		assert_true(late ? a->msg.body.n == 0 : phone_has(a, "m=audio 4300"));
		phone_answer(a, 200, NULL, SDP_AT("4002"));
		if (!late)
			phone_expect(a, "ACK");
		phone_expect_status(b2, 200);
		assert_true(phone_has(b2, "m=audio 4002"));
		phone_ack(b2, late ? SDP_AT("4300") : NULL);
		if (late) {
			phone_expect(a, "ACK");
			assert_true(phone_has(a, "m=audio 4300"));
		}
		gets_bye(b);
		assert_int_equal(rf_call_core_census(k->core).calls, 1);
		hang_up(late ? b2 : a, late ? a : b2);
	}
	kit_wait(k, 100);
	char *text = kit_record(k);

	assert_int_equal(count_of(text, "\"outcome\":\"replaced\""), 2);
	assert_int_equal(count_of(text, "\"call.transferred\""), 2);
	free(text);
}

static void not_by_others(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *c = &k->phone[2], *b2 = &k->phone[3];

	up(a, b, b2);
	invite_replaces(c, b, "1001", "", SDP_PLAIN);
	phone_expect_status(c, 403);
	invite_replaces(c, a, "1001", "", SDP_PLAIN);
	phone_expect_status(c, 403);
	assert_int_equal(k->core->counters.hijacks_refused, 2);
	invite_replaces(b2, b, "1001", ";early-only", SDP_PLAIN);
	phone_expect_status(b2, 486);
	phone_request(b2, "INVITE", "1001", "1002", "1001", "Replaces: a;to-tag=b;from-tag=c\r\n", SDP_PLAIN);
	phone_expect_status(b2, 481);
	phone_request(b2, "INVITE", "1001", "1002", "1001", "Replaces: a\r\n", SDP_PLAIN);
	phone_expect_status(b2, 400);
	phone_silent(a);
	phone_silent(b);
	hang_up(a, b);
	phone_forget(c);
	phone_forget(b2);
	kit_wait(k, 40000);
}

static void partner_refuses(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *b2 = &k->phone[3];

	up(a, b, b2);
	invite_replaces(b2, b, "1001", "", SDP_AT("4300"));
	phone_expect(a, "INVITE");
	phone_answer(a, 488, NULL, NULL);
	phone_expect(a, "ACK");
	phone_expect_status(b2, 488);
	phone_forget(b2);
	phone_silent(b);
	hang_up(a, b);
}

static void gives_up_meanwhile(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *b2 = &k->phone[3];

	up(a, b, b2);
	invite_replaces(b2, b, "1001", "", SDP_AT("4300"));
	phone_expect(a, "INVITE");
	phone_cancel(b2);
	phone_expect_status(b2, 200);
	phone_expect_status(b2, 487);
	phone_forget(b2);
	phone_forget(a);
	kit_wait(k, 1000);
	phone_forget(a);
	phone_forget(b2);
	hang_up(b, a);
}

/* bob's phones ring; cid is in the same group. */
static void ring(struct phone *a, struct phone *b, struct phone *b2)
{
	phone_request(a, "INVITE", "1002", "1001", "1002", NULL, SDP_PLAIN);
	phone_expect(b2, "INVITE");
	phone_answer(b2, 486, NULL, NULL);
	phone_expect(b2, "ACK");
	phone_expect(b, "INVITE");
	phone_answer(b, 180, NULL, NULL);
	phone_expect_status(a, 180);
}

static void picked_up(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *c = &k->phone[2], *b2 = &k->phone[3];
	struct rf_sip_msg invite;
	char bytes[KIT_MESSAGE];

	for (int late = 0; late < 2; late++) {
		ring(a, b, b2);
		invite = b->msg;
		memcpy(bytes, b->bytes, sizeof bytes);
		invite_replaces(c, b, "1002", ";early-only", late ? NULL : SDP_AT("4200"));
		phone_expect_status(c, 200);
		if (late) {
			assert_true(phone_has(c, "m=audio 4000"));
			phone_ack(c, SDP_AT("4202"));
		} else {
			assert_true(phone_has(c, "a=inactive"));
			phone_ack(c, NULL);
			await(c);
			phone_expect(c, "INVITE");
			assert_true(phone_has(c, "m=audio 4000"));
			phone_answer(c, 200, NULL, SDP_AT("4202"));
			phone_expect(c, "ACK");
		}
		phone_expect_status(a, 200);
		assert_true(phone_has(a, "m=audio 4202"));
		assert_true(phone_has(a, "P-Asserted-Identity: <sip:1003@"));
		phone_ack(a, NULL);
		phone_expect(b, "CANCEL");
		assert_true(phone_has(b, "SIP;cause=200;text=\"Call completed elsewhere\""));
		phone_answer(b, 200, NULL, NULL);
		b->msg = invite;
		memcpy(b->bytes, bytes, sizeof bytes);
		phone_answer(b, 487, NULL, NULL);
		phone_expect(b, "ACK");
		hang_up(late ? c : a, late ? a : c);
	}
	kit_wait(k, 100);
	char *text = kit_record(k);

	assert_int_equal(count_of(text, "\"call.picked_up\""), 2);
	free(text);
}

static void answered_before_the_pickup(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *c = &k->phone[2], *b2 = &k->phone[3];

	ring(a, b, b2);
	invite_replaces(c, b, "1002", "", SDP_AT("4200"));
	phone_expect_status(c, 200);
	phone_ack(c, NULL);
	await(c);
	phone_expect(c, "INVITE");
	struct rf_sip_msg offer = c->msg;
	char bytes[KIT_MESSAGE];

	memcpy(bytes, c->bytes, sizeof bytes);
	phone_answer(b, 200, NULL, SDP_AT("4100"));
	phone_expect_status(a, 200);
	phone_ack(a, NULL);
	phone_expect(b, "ACK");
	c->msg = offer;
	memcpy(c->bytes, bytes, sizeof bytes);
	phone_answer(c, 200, NULL, SDP_AT("4202"));
	phone_forget(c);
	kit_wait(k, 1000);
	phone_forget(c);
	hang_up(a, b);
}

static void pickup_without_right(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *c = &k->phone[2], *b2 = &k->phone[3];

	phone_request(b, "INVITE", "1001", "1002", "1001", NULL, SDP_PLAIN);
	phone_expect(a, "INVITE");
	phone_answer(a, 180, NULL, NULL);
	phone_expect_status(b, 180);
	invite_replaces(c, a, "1001", "", SDP_PLAIN);
	phone_expect_status(c, 403);
	invite_replaces(c, b, "1001", "", SDP_PLAIN); /* that one calls */
	phone_expect_status(c, 481);
	invite_replaces(b2, b, "1001", "", SDP_PLAIN);
	phone_expect_status(b2, 481); /* RFC 3891 3: it is not ours to replace */
	phone_forget(c);
	phone_forget(b2);
	phone_cancel(b);
	phone_forget(a);
	phone_forget(b);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(taken_over_by_the_same_number), T(not_by_others), T(partner_refuses), T(gives_up_meanwhile),
		T(picked_up), T(answered_before_the_pickup), T(pickup_without_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
