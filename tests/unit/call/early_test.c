/* Before the answer: several phones with media of their own (RFC 3960), PRACK and UPDATE that offer again (RFC 3262 5,
 * 3311). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "kit.h"

#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define ABLE "Allow: INVITE, ACK, BYE, UPDATE, PRACK\r\n"

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

struct kept {
	struct rf_sip_msg msg;
	char bytes[KIT_MESSAGE];
};

static void keep(const struct phone *p, struct kept *ret_kept)
{
	ret_kept->msg = p->msg;
	memcpy(ret_kept->bytes, p->bytes, sizeof ret_kept->bytes);
}

static void back(struct phone *p, const struct kept *kept)
{
	p->msg = kept->msg;
	memcpy(p->bytes, kept->bytes, sizeof p->bytes);
}

static void tag_of(const struct phone *p, char tag[static 64])
{
	snprintf(tag, 64, "%.*s", RF_VFMT(p->msg.to.tag));
}

/* Each fork is a dialog of its own towards the caller, with its own media; the answer comes in the dialog of the one
 * that answered. */
static void media_of_two_forks(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *b2 = &k->phone[3];
	char tags[3][64];
	struct kept invite, invite2;

	phone_register(b2);
	phone_request(a, "INVITE", "1002", "1001", "1002", NULL, SDP_PLAIN);
	phone_expect(b, "INVITE");
	keep(b, &invite);
	phone_expect(b2, "INVITE");
	keep(b2, &invite2);
	phone_answer(b, 183, NULL, SDP_PLAIN);
	phone_expect_status(a, 183);
	assert_true(phone_has(a, "m=audio 4000"));
	tag_of(a, tags[0]);
	phone_answer(b2, 183, NULL, SDP_HOLD);
	phone_expect_status(a, 183);
	assert_true(phone_has(a, "a=sendonly"));
	tag_of(a, tags[1]);
	assert_string_not_equal(tags[0], tags[1]);
	phone_answer(b, 180, NULL, NULL);
	phone_expect_status(a, 180);
	tag_of(a, tags[2]);
	assert_string_equal(tags[0], tags[2]);
	back(b2, &invite2);
	phone_answer(b2, 200, NULL, SDP_PLAIN);
	phone_expect(b2, "ACK");
	phone_expect_status(a, 200);
	tag_of(a, tags[2]);
	assert_string_equal(tags[1], tags[2]);
	phone_ack(a, NULL);
	phone_expect(b, "CANCEL");
	phone_answer(b, 200, NULL, NULL);
	back(b, &invite);
	phone_answer(b, 487, NULL, NULL);
	phone_expect(b, "ACK");
	call_down(a, b2);
}

#define REL(n) "Require: 100rel\r\nRSeq: " #n "\r\n" ABLE

static void rack_of(const struct phone *p, char header[static 64])
{
	uint32_t rseq = 0;

	assert_int_equal(rf_sip_msg_number(&p->msg, RF_SIP_H_RSEQ, &rseq), 0);
	snprintf(header, 64, "RAck: %u %u INVITE\r\n", rseq, p->msg.cseq);
}

/* Both forks ring reliably: each is repeated until its own PRACK, whatever becomes of the other (RFC 3262 3). */
static void reliable_in_two_forks(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *b2 = &k->phone[3];
	char tags[2][64], again[64], second[512], rack[2][64];
	struct kept invite, invite2;

	phone_register(b2);
	phone_request(a, "INVITE", "1002", "1001", "1002", "Supported: 100rel\r\n" ABLE, SDP_PLAIN);
	phone_expect(b, "INVITE");
	keep(b, &invite);
	phone_expect(b2, "INVITE");
	keep(b2, &invite2);
	phone_answer(b, 183, REL(5), SDP_PLAIN);
	phone_expect(b, "PRACK");
	phone_answer(b, 200, NULL, NULL);
	phone_expect_status(a, 183);
	tag_of(a, tags[0]);
	rack_of(a, rack[0]);
	phone_answer(b2, 183, REL(7), SDP_PLAIN);
	phone_expect(b2, "PRACK");
	phone_answer(b2, 200, NULL, NULL);
	phone_expect_status(a, 183);
	tag_of(a, tags[1]);
	rack_of(a, rack[1]);
	snprintf(second, sizeof second, "%s", a->remote);
	kit_wait(k, 600);
	for (int i = 0; i < 2; i++) {
		phone_expect_status(a, 183);
		tag_of(a, again);
		assert_true(strcmp(again, tags[0]) == 0 || strcmp(again, tags[1]) == 0);
	}
	phone_silent(a);
	snprintf(a->remote, sizeof a->remote, "%s", second);
	phone_in_dialog(a, "PRACK", rack[1], NULL);
	phone_expect_status(a, 200);
	kit_wait(k, 1000);
	phone_expect_status(a, 183); /* the first alone */
	tag_of(a, again);
	assert_string_equal(again, tags[0]);
	/* it refuses: nobody waits for that PRACK any more, and the call goes on with the other */
	back(b, &invite);
	phone_answer(b, 486, NULL, NULL);
	phone_expect(b, "ACK");
	kit_wait(k, 40000);
	phone_silent(a);
	back(b2, &invite2);
	phone_answer(b2, 200, NULL, NULL);
	phone_expect(b2, "ACK");
	phone_expect_status(a, 200);
	tag_of(a, again);
	assert_string_equal(again, tags[1]);
	phone_ack(a, NULL);
	call_down(a, b2);
}

/* The dialogs of a fork that lost are nobody's business any more: what happens there does not touch the call. */
static void bye_in_a_fork_that_lost(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *b2 = &k->phone[3];
	struct kept invite2;
	char lost[512];

	phone_register(b2);
	phone_request(a, "INVITE", "1002", "1001", "1002", NULL, SDP_PLAIN);
	phone_expect(b, "INVITE");
	phone_expect(b2, "INVITE");
	keep(b2, &invite2);
	phone_answer(b2, 183, NULL, SDP_PLAIN);
	phone_expect_status(a, 183);
	snprintf(lost, sizeof lost, "%s", a->remote);
	phone_answer(b, 200, NULL, SDP_PLAIN);
	phone_expect(b, "ACK");
	phone_expect_status(a, 200);
	phone_ack(a, NULL);
	phone_expect(b2, "CANCEL");
	back(b2, &invite2);
	phone_answer(b2, 200, NULL, SDP_PLAIN);
	phone_expect(b2, "ACK");
	phone_expect(b2, "BYE");
	phone_in_dialog(b2, "BYE", NULL, NULL);
	phone_expect_status(b2, 481); /* ours was first */
	phone_silent(b);
	phone_silent(a);
	/* and the caller's side of it */
	char right[512];

	snprintf(right, sizeof right, "%s", a->remote);
	snprintf(a->remote, sizeof a->remote, "%s", lost);
	phone_in_dialog(a, "BYE", NULL, NULL);
	kit_run(k);
	phone_forget(a);
	phone_silent(b);
	assert_int_equal(rf_call_core_census(k->core).calls, 1);
	snprintf(a->remote, sizeof a->remote, "%s", right);
	call_down(a, b);
}

/* Two phones behind one proxy are one pair: the media of the first is passed, of the other only that it rings. */
static void media_behind_a_proxy(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];
	struct kept invite;

	phone_request(a, "INVITE", "1002", "1001", "1002", NULL, SDP_PLAIN);
	phone_expect(b, "INVITE");
	keep(b, &invite);
	phone_answer(b, 183, NULL, SDP_PLAIN);
	phone_expect_status(a, 183);
	back(b, &invite);
	b->name = "desk";
	phone_answer(b, 183, NULL, SDP_HOLD);
	phone_silent(a);
	/* and it may take the call: its description is the answer */
	back(b, &invite);
	phone_answer(b, 200, NULL, SDP_HOLD);
	b->name = "bob";
	phone_expect(b, "ACK");
	phone_expect_status(a, 200);
	assert_true(phone_has(a, "a=sendonly"));
	phone_ack(a, NULL);
	call_down(a, b);
}

static void expect_prack(struct phone *b, const char *tag, const char *rack)
{
	phone_expect(b, "PRACK");
	assert_true(rf_view_eq(b->msg.to.tag, rf_view_str(tag)));
	assert_true(phone_has(b, rack));
	phone_answer(b, 200, NULL, NULL);
}

/* Each of two phones behind one proxy is acknowledged in its own dialog and by its own numbers; the second takes the
 * call, with the description that its provisional gave and the number that its dialog has come to. */
static void reliable_behind_a_proxy(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];
	struct kept invite;

	phone_request(a, "INVITE", "1002", "1001", "1002", NULL, SDP_PLAIN);
	phone_expect(b, "INVITE");
	keep(b, &invite);
	phone_answer(b, 180, REL(5), NULL);
	expect_prack(b, "bob", "RAck: 5 1 INVITE");
	phone_expect_status(a, 180);
	b->name = "desk";
	back(b, &invite);
	phone_answer(b, 183, REL(70), SDP_HOLD);
	expect_prack(b, "desk", "RAck: 70 1 INVITE");
	back(b, &invite);
	phone_answer(b, 183, REL(70), SDP_HOLD); /* again */
	back(b, &invite);
	phone_answer(b, 183, REL(72), NULL); /* one is missing before it */
	phone_silent(b);
	back(b, &invite);
	phone_answer(b, 180, REL(71), NULL);
	expect_prack(b, "desk", "RAck: 71 1 INVITE");
	assert_int_equal(b->msg.cseq, 3);
	b->name = "bob";
	back(b, &invite);
	phone_answer(b, 180, REL(6), NULL);
	expect_prack(b, "bob", "RAck: 6 1 INVITE");
	phone_forget(a);
	b->name = "desk";
	back(b, &invite);
	phone_answer(b, 200, ABLE, NULL);
	phone_expect(b, "ACK");
	phone_expect_status(a, 200);
	assert_true(phone_has(a, "a=sendonly"));
	phone_ack(a, NULL);
	phone_in_dialog(a, "INVITE", NULL, SDP_PLAIN);
	phone_expect(b, "INVITE");
	assert_int_equal(b->msg.cseq, 4);
	phone_answer(b, 200, NULL, SDP_PLAIN);
	phone_expect(b, "ACK");
	phone_expect_status(a, 200);
	phone_ack(a, NULL);
	b->name = "bob";
	call_down(a, b);
}

/* As many as there is room for, and no more; the caller gives up. */
static void many_behind_a_proxy(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];
	struct kept invite;
	char tag[8];

	phone_request(a, "INVITE", "1002", "1001", "1002", NULL, SDP_PLAIN);
	phone_expect(b, "INVITE");
	keep(b, &invite);
	phone_answer(b, 180, NULL, NULL);
	for (int i = 0; i <= RF_BEHIND_MAX; i++) {
		snprintf(tag, sizeof tag, "t%d", i);
		b->name = tag;
		back(b, &invite);
		phone_answer(b, 180, REL(9), NULL);
		if (i < RF_BEHIND_MAX)
			expect_prack(b, tag, "RAck: 9 1 INVITE");
		else
			phone_silent(b);
	}
	b->name = "bob";
	phone_forget(a);
	phone_cancel(a);
	phone_expect_status(a, 200);
	phone_expect_status(a, 487);
	phone_expect(b, "CANCEL");
	phone_answer(b, 200, NULL, NULL);
	back(b, &invite);
	phone_answer(b, 487, NULL, NULL);
	phone_expect(b, "ACK");
}

/* Up to the caller's reliable 183 with the answer; *rack is what its PRACK must say. */
static unsigned ring(struct phone *a, struct phone *b, struct kept *ret_invite, const char *allow,
		     char rack[static 64])
{
	uint32_t rseq;
	char extra[256];

	phone_request(a, "INVITE", "1002", "1001", "1002", "Supported: 100rel\r\n" ABLE, SDP_PLAIN);
	unsigned cseq = a->cseq;

	phone_expect(b, "INVITE");
	keep(b, ret_invite);
	snprintf(extra, sizeof extra, "Require: 100rel\r\nRSeq: 7\r\n%s", allow);
	phone_answer(b, 183, extra, SDP_PLAIN);
	phone_expect(b, "PRACK");
	phone_answer(b, 200, NULL, NULL);
	phone_expect_status(a, 183);
	assert_int_equal(rf_sip_msg_number(&a->msg, RF_SIP_H_RSEQ, &rseq), 0);
	snprintf(rack, 64, "RAck: %u %u INVITE\r\n", rseq, cseq);
	return cseq;
}

static void finish(struct phone *a, struct phone *b, const struct kept *invite, unsigned cseq)
{
	unsigned now = a->cseq;

	back(b, invite);
	phone_answer(b, 200, ABLE, NULL);
	phone_expect(b, "ACK");
	phone_expect_status(a, 200);
	a->cseq = cseq;
	phone_ack(a, NULL);
	a->cseq = now;
	call_down(a, b);
}

static void prack_offers_again(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];
	struct kept invite;
	char rack[64];
	unsigned cseq = ring(a, b, &invite, ABLE, rack);

	phone_in_dialog(a, "PRACK", rack, SDP_HOLD);
	phone_expect(b, "UPDATE");
	assert_true(phone_has(b, "a=sendonly"));
	phone_answer(b, 200, NULL, SDP_PLAIN);
	phone_expect_status(a, 200);
	assert_int_equal(a->msg.cseq_method, RF_SIP_PRACK);
	assert_true(phone_has(a, "m=audio 4000"));
	finish(a, b, &invite, cseq);
}

static void prack_offers_what_cannot_cross(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];
	struct kept invite;
	char rack[64];
	unsigned cseq = ring(a, b, &invite, "Allow: INVITE, ACK, BYE\r\n", rack);

	phone_in_dialog(a, "PRACK", rack, SDP_HOLD);
	phone_expect_status(a, 488);
	phone_silent(b);
	finish(a, b, &invite, cseq);
}

static void prack_offer_is_refused_there(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];
	struct kept invite;
	char rack[64];
	unsigned cseq = ring(a, b, &invite, ABLE, rack);

	phone_in_dialog(a, "PRACK", rack, SDP_HOLD);
	phone_expect(b, "UPDATE");
	phone_answer(b, 488, NULL, NULL);
	phone_expect_status(a, 488);
	finish(a, b, &invite, cseq);
}

/* The called phone has our PRACK and has not answered it, the caller's is done: its UPDATE waits for nothing. */
static void update_behind_a_prack(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];
	struct kept invite, prack;
	char rack[64];

	phone_request(a, "INVITE", "1002", "1001", "1002", "Supported: 100rel\r\n" ABLE, SDP_PLAIN);
	unsigned cseq = a->cseq;

	phone_expect(b, "INVITE");
	keep(b, &invite);
	phone_answer(b, 183, REL(7), SDP_PLAIN);
	phone_expect(b, "PRACK");
	keep(b, &prack);
	phone_expect_status(a, 183);
	rack_of(a, rack);
	phone_in_dialog(a, "PRACK", rack, NULL);
	phone_expect_status(a, 200);
	phone_in_dialog(a, "UPDATE", NULL, SDP_HOLD);
	phone_expect(b, "UPDATE");
	phone_answer(b, 200, NULL, SDP_PLAIN);
	phone_expect_status(a, 200);
	back(b, &prack);
	phone_answer(b, 200, NULL, NULL);
	finish(a, b, &invite, cseq);
}

/* The answer overtakes the one to UPDATE: the caller's 2xx waits until the exchange is over. */
static void answered_in_the_middle_of_it(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];
	struct kept invite, update;
	char rack[64];

	for (int prack = 0; prack < 2; prack++) {
		unsigned cseq = ring(a, b, &invite, ABLE, rack), now;

		phone_in_dialog(a, "PRACK", rack, prack ? SDP_HOLD : NULL);
		if (!prack) {
			phone_expect_status(a, 200);
			phone_in_dialog(a, "UPDATE", NULL, SDP_HOLD);
		}
		phone_expect(b, "UPDATE");
		keep(b, &update);
		back(b, &invite);
		phone_answer(b, 200, ABLE, NULL);
		phone_expect(b, "ACK");
		phone_silent(a);
		back(b, &update);
		phone_answer(b, 200, NULL, SDP_PLAIN);
		phone_expect_status(a, 200);
		assert_int_equal(a->msg.cseq_method, prack ? RF_SIP_PRACK : RF_SIP_UPDATE);
		phone_expect_status(a, 200);
		assert_int_equal(a->msg.cseq_method, RF_SIP_INVITE);
		now = a->cseq;
		a->cseq = cseq;
		phone_ack(a, NULL);
		a->cseq = now;
		/* nothing is left open: both can offer */
		phone_in_dialog(a, "UPDATE", NULL, SDP_PLAIN);
		phone_expect(b, "UPDATE");
		phone_answer(b, 200, NULL, SDP_PLAIN);
		phone_expect_status(a, 200);
		phone_in_dialog(b, "UPDATE", NULL, SDP_PLAIN);
		phone_expect(a, "UPDATE");
		phone_answer(a, 200, NULL, SDP_PLAIN);
		phone_expect_status(b, 200);
		call_down(a, b);
	}
}

/* A phone that does not answer a request in the middle of a call. */
static void silence_in_the_middle(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];

	call_up(a, b, SDP_PLAIN, SDP_PLAIN);
	phone_in_dialog(a, "INVITE", NULL, SDP_HOLD);
	for (int i = 0; i < 40; i++) {
		kit_wait(k, 1000);
		phone_forget(b);
	}
	phone_expect_status(a, 481);
	phone_expect(a, "BYE");
	phone_answer(a, 200, NULL, NULL);
	assert_int_equal(rf_call_core_counters(k->core)->peers_dead, 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(media_of_two_forks), T(reliable_in_two_forks), T(bye_in_a_fork_that_lost), T(media_behind_a_proxy),
		T(reliable_behind_a_proxy), T(many_behind_a_proxy), T(prack_offers_again), T(update_behind_a_prack),
		T(prack_offers_what_cannot_cross), T(prack_offer_is_refused_there), T(answered_in_the_middle_of_it),
		T(silence_in_the_middle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
