/* Who may no longer be in a call is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "kit.h"

#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static int setup(void **state)
{
	struct kit *k = kit_new("minimum");

	for (int i = 0; i < 3; i++)
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

static void lock(struct kit *k, const char *phone, bool revoke)
{
	struct rf_diag d;
	size_t n;

	if (revoke)
		assert_int_equal(rf_store_cert_revoke(k->store, false, rf_view_str(phone), rf_loop_wall(k->loop), &n, &d), 0);
	else
		assert_int_equal(rf_store_phone_lock(k->store, rf_view_str(phone), true, &d), 0);
	kit_reload(k);
	kit_run(k);
}

static void both_hear_the_end(struct phone *a, struct phone *b)
{
	phone_expect(a, "BYE");
	assert_true(phone_has(a, "Phone locked"));
	phone_answer(a, 200, NULL, NULL);
	phone_expect(b, "BYE");
	assert_true(phone_has(b, "Phone locked"));
	phone_answer(b, 200, NULL, NULL);
}

static void locked_while_talking(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];

	phone_in_dialog(a, "OPTIONS", NULL, NULL);
	phone_forget(a);
	call_up(a, b, SDP_PLAIN, SDP_PLAIN);
	lock(k, "cid", false); /* somebody else */
	phone_silent(a);
	phone_silent(b);
	lock(k, "ann", false);
	both_hear_the_end(a, b);
	char *text = kit_record(k);

	assert_int_equal(count_of(text, "\"reason\":\"phone locked\""), 2);
	assert_int_equal(count_of(text, "\"ended_by\":\"system\""), 3);
	free(text);
	phone_request(a, "INVITE", "1002", "1001", "1002", NULL, SDP_PLAIN);
	phone_expect_status(a, 403);
	phone_ack(a, NULL);
}

static void revoked_while_talking(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];

	/* the called phone: what its connection showed was heard with its first request in the call */
	call_up(a, b, SDP_PLAIN, SDP_PLAIN);
	phone_in_dialog(b, "OPTIONS", NULL, NULL);
	phone_expect_status(b, 200);
	lock(k, "bob", true);
	both_hear_the_end(a, b);
}

static void caller_locked_while_it_rings(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];

	phone_request(a, "INVITE", "1002", "1001", "1002", NULL, SDP_PLAIN);
	phone_expect(b, "INVITE");
	phone_answer(b, 180, NULL, NULL);
	phone_expect_status(a, 180);
	lock(k, "ann", false);
	phone_expect_status(a, 403);
	phone_ack(a, NULL);
	phone_expect(b, "CANCEL");
	phone_answer(b, 200, NULL, NULL);
}

static void called_locked_while_it_rings(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];
	struct rf_sip_msg invite;
	char bytes[KIT_MESSAGE];

	phone_request(a, "INVITE", "1002", "1001", "1002", NULL, SDP_PLAIN);
	phone_expect(b, "INVITE");
	phone_answer(b, 180, NULL, NULL);
	invite = b->msg;
	memcpy(bytes, b->bytes, sizeof bytes);
	phone_expect_status(a, 180);
	lock(k, "bob", false);
	phone_expect(b, "CANCEL");
	phone_answer(b, 200, NULL, NULL);
	b->msg = invite;
	memcpy(b->bytes, bytes, sizeof bytes);
	phone_answer(b, 487, NULL, NULL);
	phone_expect(b, "ACK");
	phone_expect_status(a, 480);
	phone_ack(a, NULL);
}

static void connections_in_the_record(void **state)
{
	static const struct rf_pki_id id = { .present = true, .serial_len = 2, .serial = { 0xab, 0x01 } };
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];
	struct rf_control_query q = { .verb = RF_CONTROL_CALL_SHOW };
	char *json;
	size_t n;

	call_up(a, b, SDP_PLAIN, SDP_PLAIN);
	struct rf_call *call = TAILQ_FIRST(&k->core->calls);
	struct rf_peer peer = {
		.flow = call->up->b->flow, .id = &id, .tls_version = "TLSv1.3", .tls_cipher = "TLS_AES_256_GCM_SHA384",
	};

	rf_leg_heard(call->up->b, &peer);
	memcpy(q.id, call->id.text, sizeof call->id.text);
	assert_int_equal(rf_control_run(k->core, &q, &json, &n), 0);
	assert_non_null(memmem(json, n, "\"certificate\":\"0100\"", 20)); /* a's, from its INVITE */
	assert_non_null(memmem(json, n, "\"certificate\":\"ab01\"", 20));
	assert_non_null(memmem(json, n, "\"tls\":\"TLSv1.3\"", 15));
	free(json);
	call_down(a, b);
	char *text = kit_record(k);

	assert_int_equal(count_of(text, "\"certificate\":\"0100\""), 1 + 0);
	assert_int_equal(count_of(text, "\"certificate\":\"ab01\""), 1);
	assert_int_equal(count_of(text, "\"cipher\":\"TLS_AES_256_GCM_SHA384\""), 1);
	free(text);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(locked_while_talking), T(revoked_while_talking), T(caller_locked_while_it_rings),
		T(called_locked_while_it_rings), T(connections_in_the_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
