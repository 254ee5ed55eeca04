/* What is left of a call that gave way: two legs, each with a tone before its BYE. The announcer is the other end of a
 * socket pair. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "kit.h"

#include "call/announce.h"
#include "call/tone.h"
#include "fail_alloc.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define SDP_AT(port) "v=0\r\no=- 7 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n" \
		     "m=audio " port " RTP/AVP 0\r\n"
#define ANSWER SDP_AT("4400") "a=recvonly\r\n"

static int ours, theirs;

static int setup(void **state)
{
	struct rf_addr local = { .family = 4, .ip = { 127, 0, 0, 1 }, .port = 5004 };
	struct kit *k = kit_new("minimum");
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
	ours = pair[0];
	theirs = pair[1];
	assert_int_equal(rf_call_core_set_announcer(k->core, ours, &local, 1), 0);
	for (int i = 0; i < 2; i++)
		phone_register(&k->phone[i]);
	kit_ledger(k);
	*state = k;
	return 0;
}

static int teardown(void **state)
{
	kit_census(*state);
	kit_free(*state);
	close(ours);
	if (theirs >= 0)
		close(theirs);
	return 0;
}

static struct rf_announce_order order(void)
{
	struct rf_announce_order o;
	uint8_t bytes[256];
	ssize_t n = recv(theirs, bytes, sizeof bytes, 0);

	assert_int_equal(rf_announce_parse_order(rf_view_of(bytes, n > 0 ? (size_t)n : 0), &o), 0);
	return o;
}

static void no_order(void)
{
	uint8_t bytes[256];

	assert_int_equal(recv(theirs, bytes, sizeof bytes, 0), -1);
}

static void report(struct kit *k, uint32_t id, enum rf_announce_why why)
{
	struct rf_announce_report r = { .id = id, .why = (uint8_t)why, .packets = 150 };
	uint8_t bytes[RF_ANNOUNCE_REPORT_BYTES];

	rf_announce_put_report(&r, bytes);
	assert_int_equal(send(theirs, bytes, sizeof bytes, 0), sizeof bytes);
	kit_run(k);
}

static void preempt(struct kit *k)
{
	struct rf_call *call = TAILQ_FIRST(&k->core->calls);

	rf_end_preempted(call, RF_V("preemption;cause=5"));
	rf_call_settle(call);
	kit_run(k);
}

static void up(struct kit *k)
{
	call_up(&k->phone[0], &k->phone[1], SDP_AT("4200"), SDP_PLAIN);
}

static void takes(struct phone *p)
{
	phone_expect(p, "INVITE");
	assert_true(phone_has(p, "m=audio 5004 RTP/AVP 0 8\r\n") && phone_has(p, "a=sendonly\r\n"));
	assert_true(phone_has(p, "c=IN IP4 127.0.0.1\r\n"));
	phone_answer(p, 200, NULL, ANSWER);
	phone_expect(p, "ACK");
}

static void gets_bye(struct phone *p)
{
	phone_expect(p, "BYE");
	assert_true(phone_has(p, "Reason: preemption;cause=5"));
	phone_answer(p, 200, NULL, NULL);
}

static void says(struct kit *k, const char *what, size_t times)
{
	char *text = kit_record(k);

	if (count_of(text, what) != times)
		print_error("%s\n", text);
	assert_int_equal(count_of(text, what), times);
	free(text);
}

static void both_hear_it(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];

	up(k);
	preempt(k);
	assert_int_equal(rf_call_core_census(k->core).tones, 2);
	takes(a);
	struct rf_announce_order o = order();

	assert_true(o.what == RF_ANNOUNCE_PLAY && o.ms == RF_LEG_TONE_MS && o.port == 4400 && o.family == 4 &&
		    o.suite == 0);
	assert_true(o.dscp == 46 && o.code == RF_TONE_PCMU && o.socket == 0);
	takes(b);
	struct rf_announce_order q = order();

	assert_true(q.id != o.id && q.ssrc != o.ssrc);
	report(k, 12345, RF_ANNOUNCE_DONE); /* of nobody */
	report(k, o.id, RF_ANNOUNCE_DONE);
	gets_bye(a);
	phone_silent(b);
	report(k, q.id, RF_ANNOUNCE_DONE);
	gets_bye(b);
	kit_wait(k, 100);
	assert_int_equal(rf_call_core_census(k->core).calls, 0);
	says(k, "\"outcome\":\"played\"", 2);
}

/* As an old call's description has it: video is off, and the lines stay what they were. */
static void beside_video(void **state)
{
	struct kit *k = *state;

	call_up(&k->phone[0], &k->phone[1], SDP_VIDEO, SDP_VIDEO);
	preempt(k);
	phone_expect(&k->phone[0], "INVITE");
	assert_true(phone_has(&k->phone[0], "m=audio 5004 ") && phone_has(&k->phone[0], "m=video 0 "));
	phone_answer(&k->phone[0], 200, NULL, ANSWER "m=video 0 RTP/AVP 96\r\n");
	phone_expect(&k->phone[0], "ACK");
	assert_int_equal(order().port, 4400);
	phone_expect(&k->phone[1], "INVITE");
	phone_answer(&k->phone[1], 486, NULL, NULL);
	phone_expect(&k->phone[1], "ACK");
	gets_bye(&k->phone[1]);
	kit_wait(k, RF_LEG_TONE_MS + RF_LEG_TONE_GRACE_MS + 100); /* no report */
	gets_bye(&k->phone[0]);
	assert_int_equal(order().what, RF_ANNOUNCE_STOP);
	says(k, "\"outcome\":\"none\"", 2);
}

static void nobody_answers(void **state)
{
	struct kit *k = *state;

	up(k);
	preempt(k);
	phone_expect(&k->phone[0], "INVITE");
	phone_answer(&k->phone[0], 180, NULL, NULL); /* is no answer */
	phone_expect(&k->phone[1], "INVITE");
	kit_wait(k, RF_LEG_TONE_ASK_MS - 100);
	no_order();
	phone_forget(&k->phone[1]); /* repetitions */
	kit_wait(k, 200);
	phone_expect(&k->phone[0], "CANCEL");
	phone_answer(&k->phone[0], 200, NULL, NULL);
	gets_bye(&k->phone[0]);
	gets_bye(&k->phone[1]);
	kit_wait(k, 100);
	assert_int_equal(rf_call_core_census(k->core).calls, 0);
	says(k, "\"why\":\"no answer\"", 2);
}

/* It would be one offer too many: when that is over soon, the tone waits; else there is none. */
static void while_something_runs(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];

	up(k);
	phone_in_dialog(a, "INVITE", NULL, SDP_HOLD);
	phone_expect(b, "INVITE");
	preempt(k);
	phone_forget(a);
	phone_forget(b);
	kit_wait(k, RF_LEG_TONE_QUIET_MS + 100);
	no_order();
	says(k, "\"why\":\"busy\"", 2);
	phone_forget(a);
	phone_forget(b);
}

static void ends_with_the_process(void **state)
{
	struct kit *k = *state;

	up(k);
	preempt(k);
	takes(&k->phone[0]);
	order();
	phone_expect(&k->phone[1], "INVITE");
	close(theirs);
	theirs = -1;
	kit_run(k);
	gets_bye(&k->phone[0]);
	phone_answer(&k->phone[1], 200, NULL, ANSWER);
	phone_forget(&k->phone[1]);
	kit_wait(k, 100);
	says(k, "\"why\":\"announcer\"", 2);
}

static void drained(void *ctx)
{
	*(bool *)ctx = true;
}

static void not_when_we_stop(void **state)
{
	struct kit *k = *state;
	bool done = false;

	up(k);
	preempt(k);
	takes(&k->phone[0]);
	takes(&k->phone[1]);
	rf_call_core_drain(k->core, drained, &done);
	kit_run(k);
	gets_bye(&k->phone[0]);
	gets_bye(&k->phone[1]);
	kit_run(k);
	assert_true(done);
}

static void hangs_up(void **state)
{
	struct kit *k = *state;

	up(k);
	preempt(k);
	takes(&k->phone[0]);
	struct rf_announce_order o = order();

	phone_in_dialog(&k->phone[0], "BYE", NULL, NULL);
	phone_expect_status(&k->phone[0], 200);
	struct rf_announce_order stop = order();

	assert_true(stop.what == RF_ANNOUNCE_STOP && stop.id == o.id);
	phone_expect(&k->phone[1], "INVITE");
	phone_in_dialog(&k->phone[1], "BYE", NULL, NULL); /* before it has answered */
	phone_forget(&k->phone[1]);
	kit_wait(k, 100);
	assert_int_equal(rf_call_core_census(k->core).tones, 0);
	says(k, "\"why\":\"hung up\"", 2);
}

/* A tone that there is no memory for is none; the call ends all the same. */
static void no_memory(void **state)
{
	struct kit *k = *state;

	for (unsigned n = 1;; n++) {
		for (int i = 0; i < 2; i++) /* a round takes a minute of the phones' time */
			phone_register(&k->phone[i]);
		up(k);
		struct rf_call *call = TAILQ_FIRST(&k->core->calls);

		fail_alloc_at(n);
		rf_end_preempted(call, RF_V("preemption;cause=5"));
		bool failed = fail_alloc_off();

		rf_call_settle(call);
		kit_run(k);
		kit_wait(k, 8000);
		phone_forget(&k->phone[0]);
		phone_forget(&k->phone[1]);
		kit_wait(k, 64000);
		assert_int_equal(rf_call_core_census(k->core).calls, 0);
		assert_int_equal(rf_call_core_census(k->core).tones, 0);
		phone_forget(&k->phone[0]);
		phone_forget(&k->phone[1]);
		if (!failed)
			break;
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(both_hear_it), TEST(beside_video), TEST(nobody_answers), TEST(while_something_runs),
		TEST(ends_with_the_process), TEST(not_when_we_stop), TEST(hangs_up), TEST(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
