/* What one phone says anew, the other hears. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "kit.h"

#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define SDP_MOVED "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4998 RTP/AVP 0\r\n"
#define SDP_COUNTED "v=0\r\no=- 1 9 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
#define NO_UPDATE "Allow: INVITE, ACK, BYE\r\n"
#define TIMER "Supported: timer\r\nSession-Expires: 1800;refresher=uas\r\n"

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

/* Neither takes UPDATE: we refresh by re-INVITE, both at once. */
static void up(struct phone *a, struct phone *b)
{
	phone_request(a, "INVITE", "1002", "1001", "1002", NO_UPDATE, SDP_PLAIN);
	phone_expect(b, "INVITE");
	phone_answer(b, 200, NO_UPDATE, SDP_PLAIN);
	phone_expect_status(a, 200);
	phone_ack(a, NULL);
	phone_expect(b, "ACK");
}

/* The moment that something comes, before it is repeated. */
static void await_invite(struct phone *p)
{
	for (int i = 0; i < 100 && p->in == p->out; i++)
		kit_wait(p->kit, 100);
	phone_expect(p, "INVITE");
}

static void refreshed(struct phone *p, const char *answer)
{
	phone_expect(p, "INVITE");
	assert_true(p->msg.body.n > 0);
	phone_answer(p, 200, NULL, answer);
	phone_expect(p, "ACK");
}

static void same_as_before_stays_on_its_leg(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];

	up(a, b);
	kit_wait(k, 900000);
	refreshed(a, SDP_COUNTED); /* another number in o=, nothing else */
	refreshed(b, SDP_PLAIN);
	kit_wait(k, 10000);
	phone_silent(a);
	phone_silent(b);
	call_down(a, b);
}

/* What a phone has refused is not offered to it again by our refresh. */
static void refused_stays_refused(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];

	up(a, b);
	phone_in_dialog(a, "INVITE", NULL, SDP_HOLD);
	phone_expect(b, "INVITE");
	assert_true(phone_has(b, "a=sendonly"));
	phone_answer(b, 488, NULL, NULL);
	phone_expect(b, "ACK");
	phone_expect_status(a, 488);
	phone_ack(a, NULL);
	kit_wait(k, 40000); /* the script's ACK is of a 2xx: the 488 comes again for a while */
	phone_forget(a);
	kit_wait(k, 858000);
	for (struct phone *p = a; p <= b; p++) {
		await_invite(p);
		assert_false(phone_has(p, "a=sendonly"));
		phone_answer(p, 200, NULL, SDP_PLAIN);
		phone_expect(p, "ACK");
	}
	call_down(a, b);
}

static void moved_media_is_told(void **state)
{
	struct kit *k = *state;

	for (int i = 0; i < 2; i++) {
		struct phone *a = &k->phone[i], *b = &k->phone[!i];

		up(&k->phone[0], &k->phone[1]);
		kit_wait(k, 900000);
		if (i == 0) {
			refreshed(a, SDP_MOVED);
			refreshed(b, SDP_PLAIN);
		} else {
			refreshed(b, SDP_PLAIN);
			refreshed(a, SDP_MOVED);
		}
		await_invite(b);
		assert_true(phone_has(b, "m=audio 4998"));
		phone_answer(b, 200, NULL, SDP_PLAIN);
		phone_expect(b, "ACK");
		kit_wait(k, 10000);
		phone_silent(a);
		phone_silent(b);
		call_down(a, b);
		for (int r = 0; r < 3; r++)
			phone_register(&k->phone[r]);
		k->now_us += 50000000;
	}
}

/* Each answers with another port each time: it ends some day. */
static void no_end_of_news(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];
	unsigned port = 5000, told = 0;

	up(a, b);
	kit_wait(k, 900000);
	refreshed(a, SDP_MOVED);
	refreshed(b, SDP_PLAIN);
	for (int i = 0; i < 100; i++) {
		kit_wait(k, 100);
		for (int p = 0; p < 2; p++) {
			struct phone *at = p ? b : a;
			char sdp[256];

			if (at->in == at->out)
				continue;
			phone_expect(at, "INVITE");
			told++;
			snprintf(sdp, sizeof sdp,
				 "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
				 "m=audio %u RTP/AVP 0\r\n",
				 port += 2);
			phone_answer(at, 200, NULL, sdp);
			phone_expect(at, "ACK");
		}
	}
	assert_true(told >= 2 && told <= 6);
	call_down(a, b);
}

static void news_that_are_refused(void **state)
{
	static const unsigned codes[] = { 491, 500, 488 };
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];

	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
		up(a, b);
		kit_wait(k, 900000);
		refreshed(a, SDP_MOVED);
		refreshed(b, SDP_PLAIN);
		await_invite(b);
		phone_answer(b, codes[i], NULL, NULL);
		phone_expect(b, "ACK");
		if (codes[i] == 488) {
			phone_expect(b, "BYE");
			phone_answer(b, 200, NULL, NULL);
			phone_expect(a, "BYE");
			phone_answer(a, 200, NULL, NULL);
			continue;
		}
		await_invite(b);
		assert_true(phone_has(b, "m=audio 4998"));
		phone_answer(b, 200, NULL, SDP_PLAIN);
		phone_expect(b, "ACK");
		call_down(a, b);
		for (int r = 0; r < 3; r++)
			phone_register(&k->phone[r]);
		k->now_us += 50000000;
	}
}

/* One phone behind a proxy rang with an answer that the caller had to acknowledge; another one took the call. */
static void another_phone_takes_it(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];
	struct rf_sip_msg invite;
	char bytes[KIT_MESSAGE], rack[64];
	uint32_t rseq;

	phone_request(a, "INVITE", "1002", "1001", "1002", "Supported: 100rel\r\n" NO_UPDATE, SDP_PLAIN);
	unsigned cseq = a->cseq;

	phone_expect(b, "INVITE");
	invite = b->msg;
	memcpy(bytes, b->bytes, sizeof bytes);
	phone_answer(b, 183, "Require: 100rel\r\nRSeq: 7\r\n", SDP_PLAIN);
	phone_expect(b, "PRACK");
	phone_answer(b, 200, NULL, NULL);
	phone_expect_status(a, 183);
	assert_int_equal(rf_sip_msg_number(&a->msg, RF_SIP_H_RSEQ, &rseq), 0);
	snprintf(rack, sizeof rack, "RAck: %u %u INVITE\r\n", rseq, cseq);
	phone_in_dialog(a, "PRACK", rack, NULL);
	phone_expect_status(a, 200);
	b->msg = invite;
	memcpy(b->bytes, bytes, sizeof bytes);
	b->name = "desk"; /* another tag */
	phone_answer(b, 200, NO_UPDATE, SDP_MOVED);
	b->name = "bob";
	phone_expect(b, "ACK");
	phone_expect_status(a, 200);
	a->cseq = cseq;
	phone_ack(a, NULL);
	a->cseq = cseq + 1;
	await_invite(a);
	assert_true(phone_has(a, "m=audio 4998"));
	phone_answer(a, 200, NULL, SDP_PLAIN);
	phone_expect(a, "ACK");
	call_down(a, b);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(same_as_before_stays_on_its_leg), T(refused_stays_refused), T(moved_media_is_told), T(no_end_of_news),
		T(news_that_are_refused),
		T(another_phone_takes_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
