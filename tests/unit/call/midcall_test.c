/* Requests inside a call that the other phone never answers: the one who asked hears of it, and the call ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "kit.h"

#include <string.h>

#include <cmocka.h>

static int setup(void **state)
{
	struct kit *k = kit_new("minimum");

	for (int i = 0; i < 2; i++)
		phone_register(&k->phone[i]);
	*state = k;
	return 0;
}

static int teardown(void **state)
{
	kit_census(*state);
	kit_free(*state);
	return 0;
}

/* 64*T1 and a little; what the silent phone gets meanwhile is thrown away. */
static void wait_in_vain(struct kit *k, struct phone *silent)
{
	for (int i = 0; i < 34; i++) {
		kit_wait(k, 1000);
		phone_forget(silent);
	}
}

static void never_answered(struct kit *k, const char *method, const char *extra, const char *body)
{
	struct phone *a = &k->phone[0], *b = &k->phone[1];

	call_up(a, b, SDP_PLAIN, SDP_PLAIN);
	phone_in_dialog(a, method, extra, body);
	phone_expect(b, method);
	wait_in_vain(k, b);
	/* Too late for a final answer to anything but INVITE (RFC 4320 4.2): its 100 is all there was. */
	phone_expect_status(a, strcmp(method, "INVITE") ? 100 : 481);
	if (!strcmp(method, "INVITE"))
		phone_ack(a, NULL);
	phone_expect(a, "BYE");
	phone_answer(a, 200, NULL, NULL);
	assert_int_equal(rf_call_core_counters(k->core)->peers_dead, 1);
	assert_int_equal(rf_call_core_census(k->core).relays, 0);
}

static void info_never_answered(void **state)
{
	never_answered(*state, "INFO", "Content-Type: application/dtmf-relay\r\n", NULL);
}

static void update_never_answered(void **state)
{
	never_answered(*state, "UPDATE", NULL, SDP_HOLD);
}

static void reinvite_never_answered(void **state)
{
	never_answered(*state, "INVITE", NULL, SDP_HOLD);
}

/* A digit that is refused says nothing about the offer that is under way beside it. */
static void info_refused_beside_an_offer(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];

	call_up(a, b, SDP_PLAIN, SDP_PLAIN);
	phone_in_dialog(a, "INVITE", NULL, SDP_HOLD);
	phone_expect(b, "INVITE");
	struct phone answering = *b; /* what it will answer, when the INFO has come and gone */

	phone_in_dialog(a, "INFO", "Content-Type: application/dtmf-relay\r\n", NULL);
	phone_expect(b, "INFO");
	phone_answer(b, 415, NULL, NULL);
	phone_expect_status(a, 415);
	memcpy(b->bytes, answering.bytes, sizeof b->bytes);
	b->msg = answering.msg;
	phone_answer(b, 200, NULL, SDP_PLAIN);
	phone_expect(b, "ACK");
	phone_expect_status(a, 200);
	phone_ack(a, NULL);
	assert_int_equal(rf_call_core_census(k->core).calls, 1);
	phone_silent(a);
	phone_in_dialog(a, "BYE", NULL, NULL);
	phone_expect_status(a, 200);
	phone_expect(b, "BYE");
	phone_answer(b, 200, NULL, NULL);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(info_never_answered), T(update_never_answered), T(reinvite_never_answered),
		T(info_refused_beside_an_offer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
