#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "kit.h"

#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Take the next message if it is this status; leave it otherwise. */
static bool next_status_is(struct phone *p, unsigned code)
{
	char want[16];

	kit_run(p->kit);
	snprintf(want, sizeof want, "SIP/2.0 %u", code);
	if (p->in == p->out || memcmp(p->inbox[p->out % KIT_INBOX].bytes, want, strlen(want)) != 0)
		return false;
	phone_expect_status(p, code);
	return true;
}

static int setup(void **state)
{
	struct kit *k = kit_new("minimum");

	for (int i = 0; i < 3; i++)
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

static void answered_and_hung_up_by_caller(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];

	call_up(a, b, SDP_PLAIN, SDP_PLAIN);
	assert_int_equal(rf_call_core_census(k->core).calls, 1);
	assert_int_equal(rf_call_core_counters(k->core)->calls_answered, 1);
	call_down(a, b);
	assert_int_equal(rf_call_core_census(k->core).calls, 0);
}

static void hung_up_by_callee(void **state)
{
	struct kit *k = *state;

	call_up(&k->phone[0], &k->phone[1], SDP_PLAIN, SDP_PLAIN);
	call_down(&k->phone[1], &k->phone[0]);
}


/* --- the caller's INVITE refused */

static void refused_numbers(void **state)
{
	static const struct {
		const char *uri;
		unsigned code;
	} rows[] = {
		{ "1999", 404 },             /* nobody's */
		{ "1005", 480 },             /* a phone that never registered */
		{ "1001", 486 },             /* itself */
		{ "sip:1002@elsewhere.example", 403 },
		{ "sip:voice.example.org", 404 },
		{ "sip:100%32@voice.example.org", 180 }, /* an escaped digit is the digit */
	};
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		phone_request(a, "INVITE", rows[i].uri, "1001", rows[i].uri, NULL, SDP_PLAIN);
		if (rows[i].code == 180) {
			phone_expect(b, "INVITE");
			phone_answer(b, 180, NULL, NULL);
			phone_expect_status(a, 180);
			phone_cancel(a);
			phone_expect_status(a, 200);
			phone_expect_status(a, 487);
			phone_ack(a, NULL);
			phone_expect(b, "CANCEL");
			continue;
		}
		phone_expect_status(a, rows[i].code);
		phone_ack(a, NULL);
	}
}

/* Who answers and does not want to be named is not (RFC 3325 9.3), by what the phone says or by what is set. */
static void callee_is_not_named(void **state)
{
	static const struct {
		const char *says;
		bool set, named;
	} rows[] = {
		{ NULL, false, true }, { "Privacy: id\r\n", false, false },
		{ "Privacy: user;id;critical\r\n", false, false }, { "Privacy: critical; header\r\n", false, false },
		{ "Privacy: session\r\n", false, true }, { "Privacy: none\r\n", false, true }, { NULL, true, false },
		{ "Privacy: none\r\n", true, true }, { "Privacy: critical\r\n", true, false },
		{ "Privacy: none;id\r\n", false, false },
	};
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rf_settings_change set = { .fields = RF_SET_HIDE_NUMBER, .to.hide_number = rows[i].set };

		kit_set(k, "1002", &set);
		phone_request(a, "INVITE", "1002", "1001", "1002", NULL, SDP_PLAIN);
		phone_expect(b, "INVITE");
		phone_answer(b, 180, rows[i].says, NULL);
		phone_expect_status(a, 180);
		assert_int_equal(phone_has(a, "P-Asserted-Identity: <sip:1002@"), rows[i].named);
		phone_answer(b, 200, rows[i].says, SDP_PLAIN);
		phone_expect(b, "ACK");
		phone_expect_status(a, 200);
		if (phone_has(a, "P-Asserted-Identity: <sip:1002@") != rows[i].named)
			fail_msg("row %zu", i);
		phone_ack(a, NULL);
		call_down(a, b);
	}
}

/* What the called phone says and what the caller hears. */
static void codes_across(void **state)
{
	static const unsigned rows[][2] = {
		{ 486, 486 }, { 603, 603 }, { 480, 480 }, { 404, 480 }, { 503, 480 }, { 407, 480 }, { 302, 480 },
		{ 488, 488 }, { 606, 488 }, { 600, 600 }, { 500, 480 },
	};
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		phone_request(a, "INVITE", "1002", "1001", "1002", NULL, SDP_PLAIN);
		phone_expect(b, "INVITE");
		phone_answer(b, rows[i][0], NULL, NULL);
		phone_expect(b, "ACK");
		phone_expect_status(a, rows[i][1]);
	}
}

static void messages_are_rebuilt(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];

	phone_request(a, "INVITE", "1002", "1001", "1002", "X-Secret: of mine\r\nSubject: hello\r\n", SDP_PLAIN);
	phone_expect(b, "INVITE");
	assert_false(phone_has(b, "X-Secret"));
	assert_false(phone_has(b, a->call_id));
	assert_false(phone_has(b, "ann-"));
	assert_true(phone_has(b, "From: <sip:1001@voice.example.org>;tag="));
	assert_true(phone_has(b, "P-Asserted-Identity: <sip:1001@voice.example.org>"));
	assert_int_equal(b->msg.max_forwards, 69);
	assert_int_equal(b->msg.via_count, 1);
	phone_answer(b, 486, NULL, NULL);
	phone_expect_status(a, 486);
}

static void anonymous_is_not_named(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];

	phone_request(a, "INVITE", "1002", "sip:anonymous@anonymous.invalid", "1002", NULL, SDP_PLAIN);
	phone_expect(b, "INVITE");
	assert_true(phone_has(b, "<sip:anonymous@anonymous.invalid>"));
	assert_false(phone_has(b, "P-Asserted-Identity"));
	assert_false(phone_names(b, "1001"));
	assert_true(phone_has(b, "Privacy: id"));
	phone_answer(b, 486, NULL, NULL);
	phone_expect_status(a, 486);
}

static void cancelled(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];

	phone_request(a, "INVITE", "1002", "1001", "1002", NULL, SDP_PLAIN);
	phone_expect(b, "INVITE");
	phone_answer(b, 180, NULL, NULL);
	phone_expect_status(a, 180);
	phone_cancel(a);
	phone_expect_status(a, 200);
	phone_expect_status(a, 487);
	phone_expect(b, "CANCEL");
	assert_int_equal(rf_call_core_census(k->core).calls, 1);
}

/* The 200 of the called phone and our CANCEL cross: ACK, then BYE. */
static void cancel_meets_200(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];
	struct rf_sip_msg invite;

	phone_request(a, "INVITE", "1002", "1001", "1002", NULL, SDP_PLAIN);
	phone_expect(b, "INVITE");
	phone_answer(b, 180, NULL, NULL);
	invite = b->msg;
	char bytes[KIT_MESSAGE];

	memcpy(bytes, b->bytes, sizeof bytes);
	phone_expect_status(a, 180);
	phone_cancel(a);
	phone_expect_status(a, 200);
	phone_expect_status(a, 487);
	phone_expect(b, "CANCEL");
	memcpy(b->bytes, bytes, sizeof bytes);
	b->msg = invite;
	phone_answer(b, 200, NULL, SDP_PLAIN);
	phone_expect(b, "ACK");
	phone_expect(b, "BYE");
	phone_answer(b, 200, NULL, NULL);
	phone_silent(a);
	assert_int_equal(rf_call_core_census(k->core).calls, 0);
}

static void nobody_answers(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];

	phone_request(a, "INVITE", "1002", "1001", "1002", NULL, SDP_PLAIN);
	phone_expect(b, "INVITE");
	phone_answer(b, 180, NULL, NULL);
	phone_expect_status(a, 180);
	kit_wait(k, 119000);
	phone_silent(a);
	kit_wait(k, 1500);
	phone_expect_status(a, 480);
	phone_expect(b, "CANCEL");
}

static void forks(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *b2 = &k->phone[3];

	phone_register(b2);
	phone_request(a, "INVITE", "1002", "1001", "1002", NULL, SDP_PLAIN);
	phone_expect(b, "INVITE");
	phone_expect(b2, "INVITE");
	phone_answer(b, 180, NULL, NULL);
	phone_expect_status(a, 180);
	phone_answer(b2, 183, NULL, SDP_PLAIN);
	phone_expect_status(a, 183);
	struct rf_sip_msg invite = b->msg;
	char bytes[KIT_MESSAGE];

	memcpy(bytes, b->bytes, sizeof bytes);
	phone_answer(b2, 200, NULL, SDP_PLAIN);
	phone_expect_status(a, 200);
	phone_ack(a, NULL);
	phone_expect(b2, "ACK");
	phone_expect(b, "CANCEL");
	assert_true(phone_has(b, "Call completed elsewhere"));
	/* a late 2xx of the other phone */
	memcpy(b->bytes, bytes, sizeof bytes);
	b->msg = invite;
	phone_answer(b, 200, NULL, SDP_PLAIN);
	phone_expect(b, "ACK");
	phone_expect(b, "BYE");
	phone_answer(b, 200, NULL, NULL);
	assert_int_equal(rf_call_core_census(k->core).pairs, 1);
	call_down(a, b2);
}

/* A contact of a phone that has gone away: its INVITE runs on for half a minute after others took the call. Meanwhile
 * the numbers are free, and the calls that are over count for nobody. */
static void fork_that_says_nothing(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *gone = &k->phone[3];
	const struct rf_lines *lines = rf_call_shared_lines(k->core->shared);
	struct rf_usage_counts n;

	phone_register(gone);
	for (unsigned i = 0; i < rf_core_site(k->core)->limits.calls_per_number + 1; i++) {
		call_up(a, b, SDP_PLAIN, SDP_PLAIN);
		assert_int_equal(rf_lines_busy(lines, RF_V("1001")), 1);
		assert_int_equal(rf_lines_busy(lines, RF_V("1002")), 1);
		assert_int_equal(k->core->by_number.count, 1);
		call_down(a, b);
		kit_run(k);
		assert_int_equal(rf_lines_busy(lines, RF_V("1001")), 0);
		assert_int_equal(rf_lines_busy(lines, RF_V("1002")), 0);
		assert_int_equal(k->core->by_number.count, 0);
		rf_usage_counts(rf_call_shared_usage(k->core->shared), &n);
		assert_int_equal(n.calls, 0);
		assert_int_equal(rf_call_core_census(k->core).calls, i + 1); /* it may still take the call: then it gets
									      * a BYE */
		phone_forget(gone);
	}
	for (int s = 0; s < 33; s++) {
		kit_wait(k, 1000);
		phone_forget(gone);
	}
	assert_int_equal(rf_call_core_census(k->core).calls, 0);
}

static void best_refusal_of_forks(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *b2 = &k->phone[3];

	phone_register(b2);
	phone_request(a, "INVITE", "1002", "1001", "1002", NULL, SDP_PLAIN);
	phone_expect(b, "INVITE");
	phone_expect(b2, "INVITE");
	phone_answer(b, 486, NULL, NULL);
	phone_expect(b, "ACK");
	phone_answer(b2, 404, NULL, NULL);
	phone_expect_status(a, 486);
	phone_expect(b2, "ACK");
	/* a 6xx stops the others */
	phone_request(a, "INVITE", "1002", "1001", "1002", NULL, SDP_PLAIN);
	phone_expect(b, "INVITE");
	phone_expect(b2, "INVITE");
	phone_answer(b2, 180, NULL, NULL);
	phone_expect_status(a, 180);
	phone_answer(b, 603, NULL, NULL);
	phone_expect(b2, "CANCEL");
	phone_answer(b2, 200, NULL, NULL);
}

/* --- inside a call */

static void hold_and_resume_from_both(void **state)
{
	static const char *const offers[] = { SDP_HOLD, SDP_PLAIN, SDP_VIDEO };
	struct kit *k = *state;

	call_up(&k->phone[0], &k->phone[1], SDP_PLAIN, SDP_PLAIN);
	for (int i = 0; i < 6; i++) {
		struct phone *from = &k->phone[i & 1], *to = &k->phone[!(i & 1)];
		const char *offer = offers[i / 2];

		phone_in_dialog(from, "INVITE", NULL, offer);
		phone_expect(to, "INVITE");
		phone_answer(to, 200, NULL, offer == offers[2] ? SDP_VIDEO : SDP_PLAIN);
		phone_expect(to, "ACK");
		phone_expect_status(from, 200);
		phone_ack(from, NULL);
	}
	call_down(&k->phone[0], &k->phone[1]);
}

static void reinvite_refused_leaves_the_call(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];

	call_up(a, b, SDP_PLAIN, SDP_PLAIN);
	phone_in_dialog(a, "INVITE", NULL, SDP_HOLD);
	phone_expect(b, "INVITE");
	phone_answer(b, 488, NULL, NULL);
	phone_expect(b, "ACK");
	phone_expect_status(a, 488);
	phone_ack(a, NULL);
	call_down(b, a);
}

static void glare(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];

	call_up(a, b, SDP_PLAIN, SDP_PLAIN);
	phone_in_dialog(a, "INVITE", NULL, SDP_HOLD);
	phone_expect(b, "INVITE");
	struct rf_sip_msg invite = b->msg;
	char bytes[KIT_MESSAGE];

	memcpy(bytes, b->bytes, sizeof bytes);
	phone_in_dialog(b, "INVITE", NULL, SDP_HOLD);
	phone_expect_status(b, 491);
	assert_true(phone_has(b, "Retry-After"));
	phone_ack(b, NULL);
	memcpy(b->bytes, bytes, sizeof bytes);
	b->msg = invite;
	phone_answer(b, 491, NULL, NULL);
	phone_expect(b, "ACK");
	phone_expect_status(a, 491);
	phone_ack(a, NULL);
	/* and both go on */
	phone_in_dialog(b, "INVITE", NULL, SDP_HOLD);
	phone_expect(a, "INVITE");
	phone_answer(a, 200, NULL, SDP_PLAIN);
	phone_expect(a, "ACK");
	phone_expect_status(b, 200);
	phone_ack(b, NULL);
	call_down(a, b);
}

static void bye_crosses_reinvite(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];

	call_up(a, b, SDP_PLAIN, SDP_PLAIN);
	phone_in_dialog(a, "INVITE", NULL, SDP_HOLD);
	phone_expect(b, "INVITE");
	phone_in_dialog(b, "BYE", NULL, NULL);
	phone_expect_status(b, 200);
	phone_expect_status(a, 487);
	phone_expect(a, "BYE");
	phone_answer(a, 200, NULL, NULL);
	phone_forget(b);
}

static void both_hang_up(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];

	call_up(a, b, SDP_PLAIN, SDP_PLAIN);
	phone_in_dialog(a, "BYE", NULL, NULL);
	phone_expect_status(a, 200);
	phone_expect(b, "BYE");
	struct rf_sip_msg bye = b->msg;
	char bytes[KIT_MESSAGE];

	memcpy(bytes, b->bytes, sizeof bytes);
	phone_in_dialog(b, "BYE", NULL, NULL);
	assert_true(next_status_is(b, 200) || next_status_is(b, 481));
	memcpy(b->bytes, bytes, sizeof bytes);
	b->msg = bye;
	phone_answer(b, 200, NULL, NULL);
	assert_int_equal(rf_call_core_census(k->core).calls, 0);
}

static void offer_in_the_answer(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];

	phone_request(a, "INVITE", "1002", "1001", "1002", NULL, NULL);
	phone_expect(b, "INVITE");
	assert_int_equal(b->msg.body.n, 0);
	phone_answer(b, 200, NULL, SDP_PLAIN);
	phone_expect_status(a, 200);
	assert_true(a->msg.body.n > 0);
	phone_silent(b);
	phone_ack(a, SDP_PLAIN);
	phone_expect(b, "ACK");
	assert_true(b->msg.body.n > 0);
	/* and the same mid-call, from the other side */
	phone_in_dialog(b, "INVITE", NULL, NULL);
	phone_expect(a, "INVITE");
	phone_answer(a, 200, NULL, SDP_PLAIN);
	phone_expect_status(b, 200);
	phone_ack(b, SDP_PLAIN);
	phone_expect(a, "ACK");
	assert_true(a->msg.body.n > 0);
	call_down(a, b);
}

static void update_and_info(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];

	call_up(a, b, SDP_PLAIN, SDP_PLAIN);
	phone_in_dialog(a, "UPDATE", NULL, SDP_HOLD);
	phone_expect(b, "UPDATE");
	phone_answer(b, 200, NULL, SDP_PLAIN);
	phone_expect_status(a, 200);
	phone_in_dialog(b, "UPDATE", NULL, NULL); /* nothing offered: does not cross */
	phone_expect_status(b, 200);
	phone_silent(a);
	phone_in_dialog(a, "INFO", "Content-Type: application/dtmf-relay\r\n", NULL);
	phone_expect(b, "INFO");
	phone_answer(b, 200, NULL, NULL);
	phone_expect_status(a, 200);
	phone_in_dialog(a, "INFO", "Content-Type: text/html\r\n", NULL);
	phone_expect_status(a, 415);
	phone_in_dialog(a, "PUBLISH", NULL, NULL);
	phone_expect_status(a, 405);
	assert_true(phone_has(a, "Allow: INVITE"));
	phone_in_dialog(a, "OPTIONS", NULL, NULL);
	phone_expect_status(a, 200);
	call_down(a, b);
}

static void reliable_provisionals(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];
	char rack[64];
	uint32_t rseq;

	phone_request(a, "INVITE", "1002", "1001", "1002", "Supported: 100rel\r\n", SDP_PLAIN);
	unsigned cseq = a->cseq;

	phone_expect(b, "INVITE");
	assert_true(phone_has(b, "100rel"));
	phone_answer(b, 183, "Require: 100rel\r\nRSeq: 7\r\n", SDP_PLAIN);
	struct rf_sip_msg invite = b->msg;
	char bytes[KIT_MESSAGE];

	memcpy(bytes, b->bytes, sizeof bytes);
	phone_expect(b, "PRACK");
	assert_true(phone_has(b, "RAck: 7 1 INVITE"));
	phone_answer(b, 200, NULL, NULL);
	phone_expect_status(a, 183);
	assert_int_equal(rf_sip_msg_number(&a->msg, RF_SIP_H_RSEQ, &rseq), 0);
	/* the 200 waits for the caller's PRACK */
	memcpy(b->bytes, bytes, sizeof bytes);
	b->msg = invite;
	phone_answer(b, 200, NULL, NULL);
	phone_expect(b, "ACK");
	phone_silent(a);
	snprintf(rack, sizeof rack, "RAck: %u %u INVITE\r\n", rseq + 1, cseq);
	phone_in_dialog(a, "PRACK", rack, NULL);
	phone_expect_status(a, 481);
	snprintf(rack, sizeof rack, "RAck: %u %u INVITE\r\n", rseq, cseq);
	phone_in_dialog(a, "PRACK", rack, NULL);
	phone_expect_status(a, 200);
	phone_expect_status(a, 200);
	phone_ack(a, NULL);
	call_down(a, b);
}

static void no_ack_ends_the_call(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];

	phone_request(a, "INVITE", "1002", "1001", "1002", NULL, SDP_PLAIN);
	phone_expect(b, "INVITE");
	phone_answer(b, 200, NULL, SDP_PLAIN);
	phone_expect_status(a, 200);
	phone_expect(b, "ACK");
	for (int i = 0; i < 33; i++) {
		kit_wait(k, 1000);
		while (a->in != a->out && memcmp(a->inbox[a->out % KIT_INBOX].bytes, "SIP/2.0 200", 11) == 0)
			a->out++;
	}
	phone_expect(b, "BYE");
	phone_answer(b, 200, NULL, NULL);
	phone_expect(a, "BYE");
	phone_answer(a, 200, NULL, NULL);
	assert_int_equal(rf_call_core_counters(k->core)->acks_missing, 1);
}

static void vanished_phone_is_noticed(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];

	call_up(a, b, SDP_PLAIN, SDP_PLAIN);
	kit_wait(k, 900000); /* half of 1800 s: our refresh to both; b is silent for ever */
	phone_expect(a, "UPDATE");
	phone_answer(a, 200, "Session-Expires: 1800;refresher=uas\r\n", NULL);
	phone_expect(b, "UPDATE");
	for (int i = 0; i < 40; i++) {
		kit_wait(k, 1000);
		phone_forget(b);
	}
	phone_expect(a, "BYE");
	phone_answer(a, 200, NULL, NULL);
	assert_int_equal(rf_call_core_counters(k->core)->peers_dead, 1);
}

static void session_too_brief(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0];

	phone_request(a, "INVITE", "1002", "1001", "1002", "Supported: timer\r\nSession-Expires: 30\r\n", SDP_PLAIN);
	phone_expect_status(a, 422);
	assert_true(phone_has(a, "Min-SE: 90"));
}

/* --- somebody else in the dialog */

static void hijack_is_refused(void **state)
{
	static const char *const methods[] = { "BYE", "INVITE", "UPDATE", "INFO", "REFER", "PRACK" };
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *c = &k->phone[2];

	call_up(a, b, SDP_PLAIN, SDP_PLAIN);
	for (int mode = 0; mode < 3; mode++) {
		for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
			memcpy(c->call_id, a->call_id, sizeof c->call_id);
			memcpy(c->local, a->local, sizeof c->local);
			memcpy(c->remote, a->remote, sizeof c->remote);
			memcpy(c->target, a->target, sizeof c->target);
			c->cseq = a->cseq + 100;
			c->certificate = mode != 1;         /* another's, none, revoked below */
			phone_in_dialog(c, methods[i], NULL, NULL);
			phone_expect_status(c, mode == 1 ? 403 : 403);
			if (i == 1)
				phone_ack(c, NULL);
		}
		if (mode == 1)
			c->certificate = true;
	}
	phone_silent(a);
	phone_silent(b);
	assert_true(rf_call_core_counters(k->core)->hijacks_refused >= 12);
	assert_int_equal(rf_call_core_census(k->core).calls, 1);
	call_down(a, b);
}

/* --- connections that close */

static void flow_loss(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];

	/* the caller's while it rings */
	phone_request(a, "INVITE", "1002", "1001", "1002", NULL, SDP_PLAIN);
	phone_expect(b, "INVITE");
	phone_answer(b, 180, NULL, NULL);
	kit_lose(a);
	phone_expect(b, "CANCEL");
	phone_answer(b, 200, NULL, NULL);
	phone_forget(a);
	kit_wait(k, 41000);
	phone_forget(a);
	phone_forget(b);
	assert_int_equal(rf_call_core_census(k->core).calls, 0);
	/* the called phone's while it rings */
	phone_request(a, "INVITE", "1002", "1001", "1002", NULL, SDP_PLAIN);
	phone_expect(b, "INVITE");
	phone_answer(b, 180, NULL, NULL);
	phone_expect_status(a, 180);
	kit_lose(b);
	phone_expect_status(a, 480);
	phone_ack(a, NULL);
	phone_forget(b);
	assert_int_equal(rf_call_core_census(k->core).calls, 0);
}

/* In an answered call a phone has a few seconds to come back. */
static void flow_loss_while_talking(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];

	for (int i = 0; i < 2; i++) {
		struct phone *lost = i ? a : b, *other = i ? b : a;

		call_up(a, b, SDP_PLAIN, SDP_PLAIN);
		kit_lose(lost);
		kit_wait(k, 4000);
		phone_silent(other);
		/* its next request comes by another way, and is taken: it is the same phone */
		phone_in_dialog(lost, "INFO", "Content-Type: application/dtmf-relay\r\n", NULL);
		phone_expect(other, "INFO");
		phone_answer(other, 200, NULL, NULL);
		phone_expect_status(lost, 200);
		kit_wait(k, 6000);
		phone_silent(other);
		call_down(a, b);
	}
}

struct asked {
	int err;
	char json[4096];
	int times;
};

static void took(void *ctx, int err, struct rf_view json)
{
	struct asked *a = ctx;

	a->err = err;
	a->times++;
	snprintf(a->json, sizeof a->json, "%.*s", RF_VFMT(json));
}

static void questions_by_mail(void **state)
{
	static const struct {
		enum rf_control_verb verb;
		const char *starts;
	} rows[] = {
		{ RF_CONTROL_BINDINGS, "{\"bindings\":[{\"aor\":" },
		{ RF_CONTROL_CALLS, "{\"calls\":[],\"truncated\":false}" },
		{ RF_CONTROL_CALL_SHOW, "{\"call\":null}" },
		{ RF_CONTROL_CALL_HANGUP, "{\"hangup\":false}" },
		{ RF_CONTROL_COUNTERS, "{\"workers\":[{\"worker\":0," },
	};
	struct kit *k = *state;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rf_control_query q = { .verb = rows[i].verb };
		struct asked a = { .times = 0 };

		assert_int_equal(rf_control_ask(k->loop, &k->core, 1, &q, took, &a), 0);
		for (int turn = 0; turn < 10; turn++)
			rf_loop_turn(k->loop, 1);
		assert_int_equal(a.times, 1);
		assert_int_equal(a.err, 0);
		assert_memory_equal(a.json, rows[i].starts, strlen(rows[i].starts));
	}
}

static void operator_hangs_up(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];
	struct rf_control_query q = { .verb = RF_CONTROL_CALLS };
	char *json;
	size_t n;

	call_up(a, b, SDP_PLAIN, SDP_PLAIN);
	assert_int_equal(rf_control_run(k->core, &q, &json, &n), 0);
	assert_non_null(memmem(json, n, "\"state\":\"answered\"", 18));
	free(json);
	const struct rf_call *call = TAILQ_FIRST(&k->core->calls);

	memcpy(q.id, call->id.text, sizeof call->id.text);
	q.verb = RF_CONTROL_CALL_SHOW;
	assert_int_equal(rf_control_run(k->core, &q, &json, &n), 0);
	assert_non_null(memmem(json, n, "\"leg\":\"b\"", 9));
	free(json);
	q.verb = RF_CONTROL_BINDINGS;
	q.id[0] = 0;
	assert_int_equal(rf_control_run(k->core, &q, &json, &n), 0);
	assert_non_null(memmem(json, n, "1003@voice.example.org", 22));
	free(json);
	q.verb = RF_CONTROL_CALL_HANGUP;
	memcpy(q.id, call->id.text, sizeof call->id.text);
	assert_int_equal(rf_control_run(k->core, &q, &json, &n), 0);
	free(json);
	kit_run(k);
	phone_expect(a, "BYE");
	phone_answer(a, 200, NULL, NULL);
	phone_expect(b, "BYE");
	phone_answer(b, 200, NULL, NULL);
}

static void drained(void *ctx)
{
	*(bool *)ctx = true;
}

static void shutting_down(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];
	bool done = false;

	call_up(a, b, SDP_PLAIN, SDP_PLAIN);
	rf_call_core_drain(k->core, drained, &done);
	kit_run(k);
	assert_false(done);
	phone_expect(a, "BYE");
	phone_answer(a, 200, NULL, NULL);
	phone_expect(b, "BYE");
	phone_answer(b, 200, NULL, NULL);
	assert_true(done);
	phone_request(a, "INVITE", "1002", "1001", "1002", NULL, SDP_PLAIN);
	phone_expect_status(a, 503);
}

static void media_policy(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0];

	/* keys never travel in the clear */
	phone_request(a, "INVITE", "1002", "1001", "1002", NULL,
		      "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
		      "m=audio 4000 RTP/SAVP 0\r\n"
		      "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVoxMjM0\r\n");
	phone_expect_status(a, 488);
	assert_true(phone_has(a, "Warning: 3"));
	phone_ack(a, NULL);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(answered_and_hung_up_by_caller), T(hung_up_by_callee), T(refused_numbers), T(codes_across),
		T(messages_are_rebuilt), T(anonymous_is_not_named), T(callee_is_not_named), T(cancelled),
		T(cancel_meets_200), T(nobody_answers), T(forks), T(fork_that_says_nothing), T(best_refusal_of_forks),
		T(hold_and_resume_from_both), T(reinvite_refused_leaves_the_call), T(glare), T(bye_crosses_reinvite),
		T(both_hang_up), T(offer_in_the_answer), T(update_and_info), T(reliable_provisionals),
		T(no_ack_ends_the_call), T(vanished_phone_is_noticed), T(session_too_brief), T(hijack_is_refused),
		T(flow_loss), T(flow_loss_while_talking), T(questions_by_mail), T(operator_hangs_up), T(shutting_down),
		T(media_policy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
