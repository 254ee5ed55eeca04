/* A phone, or whoever broke into it, sends nonsense inside its call: it is refused, the call stays, and so does the
 * other phone's peace. */
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
	*state = k;
	return 0;
}

static int teardown(void **state)
{
	kit_census(*state);
	kit_free(*state);
	return 0;
}

enum { HUGE = 6000 };
#define HEAD "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"

/* What is sent inside the call, and what must come back: one of two codes, or nothing at all when 0. */
static const struct {
	const char *what, *method, *extra, *body;
	unsigned code, or;
} rows[] = {
	{ "no SDP at all in it", "INVITE", NULL, "hello", 400, 488 },
	{ "half a line", "INVITE", NULL, "v=0\r\no=- 1", 400, 488 },
	{ "NUL-free noise", "INVITE", NULL, "\x01\x02\xff\xfe\r\n=\r\n", 400, 488 },
	{ "version 7", "INVITE", NULL, "v=7\r\no=- 1 1 IN IP4 1.2.3.4\r\ns=-\r\nt=0 0\r\n", 400, 488 },
	{ "port out of range", "INVITE", NULL, HEAD "m=audio 99999 RTP/AVP 0\r\n", 400, 488 },
	{ "a negative port", "UPDATE", NULL, HEAD "m=audio -1 RTP/AVP 0\r\n", 400, 488 },
	{ "no media line left", "INVITE", NULL, HEAD, 400, 488 },
	{ "address of nobody", "UPDATE", NULL,
	  "v=0\r\no=- 1 1 IN IP4 x\r\ns=-\r\nc=IN IP4 999.1.1.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n", 400, 488 },
	{ "a crypto line that is none", "INVITE", NULL, HEAD "m=audio 4000 RTP/SAVP 0\r\na=crypto:x y z\r\n", 400, 488 },
	{ "another type", "INVITE", "Content-Type: text/html\r\n", NULL, 415, 415 },
	{ "another type in UPDATE", "UPDATE", "Content-Type: application/x-nothing\r\n", NULL, 415, 415 },
	{ "a packed body", "INVITE", "Content-Encoding: gzip\r\n", SDP_PLAIN, 415, 415 },
	{ "multipart without boundary", "INVITE", "Content-Type: multipart/mixed\r\n", NULL, 400, 415 },
	{ "INFO of another type", "INFO", "Content-Type: text/html\r\n", NULL, 415, 415 },
	{ "PRACK for nothing", "PRACK", "RAck: 1 1 INVITE\r\n", NULL, 481, 481 },
	{ "PRACK without RAck", "PRACK", NULL, NULL, 481, 400 },
	{ "RAck that is none", "PRACK", "RAck: x y z\r\n", NULL, 481, 400 },
	{ "an unknown method", "FROBNICATE", NULL, NULL, 405, 501 },
	{ "MESSAGE that says nothing", "MESSAGE", NULL, NULL, 415, 415 },
	{ "REFER to nowhere", "REFER", NULL, NULL, 405, 400 },
	{ "REGISTER in a dialog", "REGISTER", NULL, NULL, 405, 405 },
	{ "an extension nobody has", "INVITE", "Require: levitation\r\n", SDP_PLAIN, 420, 420 },
	{ "a session of a second", "INVITE", "Supported: timer\r\nSession-Expires: 1\r\n", SDP_PLAIN, 422, 422 },
	{ "a session timer that is none", "UPDATE", "Session-Expires: forever\r\n", NULL, 400, 200 },
};

static unsigned next_status(struct phone *p)
{
	kit_run(p->kit);
	while (p->in != p->out) {
		unsigned code = (unsigned)strtoul(p->inbox[p->out++ % KIT_INBOX].bytes + 8, NULL, 10);

		if (code >= 200)
			return code;
	}
	return 0;
}

static void nonsense_is_refused(void **state)
{
	struct kit *k = *state;

	for (int side = 0; side < 2; side++) {
		struct phone *from = &k->phone[side], *to = &k->phone[!side];

		call_up(&k->phone[0], &k->phone[1], SDP_PLAIN, SDP_PLAIN);
		for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
			char body[8] = "x";
			const char *text = rows[i].body;

			k->now_us += 100000;
			if (!text && rows[i].extra && strstr(rows[i].extra, "Content-Type"))
				text = body;
			if (text == body) { /* the kit adds a type of its own to a body: say ours, and
					     * the length, by hand */
				char raw[2048];
				int n;

				from->cseq++;
				from->branch++;
				n = snprintf(raw, sizeof raw,
					     "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP "
					     "127.0.0.1:%u;rport;branch=z9hG4bK-%s-%u\r\n"
					     "Max-Forwards: 70\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %u %s\r\n"
					     "Contact: <sip:x@127.0.0.1:%u>\r\n%sContent-Length: 1\r\n\r\nx",
					     rows[i].method,
					     from->target, from->port, from->name, from->branch, from->local,
					     from->remote,
					     from->call_id, from->cseq, rows[i].method, from->port, rows[i].extra);
				phone_send(from, raw, (size_t)n);
			} else {
				phone_in_dialog(from, rows[i].method, rows[i].extra, text);
			}
			unsigned code = next_status(from);

			if (code != rows[i].code && code != rows[i].or)
				fail_msg("%s: %u", rows[i].what, code);
			if (strcmp(rows[i].method, "INVITE") == 0) {
				from->branch--; /* of the INVITE itself (RFC 3261 17.1.1.3) */
				phone_ack(from, NULL);
			}
			phone_silent(to);
			assert_int_equal(rf_call_core_census(k->core).calls, 1);
			assert_int_equal(rf_call_core_census(k->core).relays, 0);
		}
		/* and all of it still works */
		phone_in_dialog(from, "INVITE", NULL, SDP_HOLD);
		phone_expect(to, "INVITE");
		phone_answer(to, 200, NULL, SDP_PLAIN);
		phone_expect(to, "ACK");
		phone_expect_status(from, 200);
		phone_ack(from, NULL);
		call_down(to, from);
	}
}

static void the_answer_is_nonsense(void **state)
{
	static const char *const answers[] = { "hello", HEAD, HEAD "m=audio 0 RTP/AVP 0\r\nm=video 1 RTP/AVP 96\r\n" };
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];

	/* a 2xx that agrees to nothing that we can read: the session's state is unknown, both hear the end */
	for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
		k->now_us += 1000000;
		call_up(a, b, SDP_PLAIN, SDP_PLAIN);
		phone_in_dialog(a, "INVITE", NULL, SDP_HOLD);
		phone_expect(b, "INVITE");
		phone_answer(b, 200, NULL, answers[i]);
		phone_expect(b, "ACK");
		phone_expect_status(a, 488);
		a->branch--;
		phone_ack(a, NULL);
		phone_expect(b, "BYE");
		phone_answer(b, 200, NULL, NULL);
		phone_expect(a, "BYE");
		phone_answer(a, 200, NULL, NULL);
		assert_int_equal(rf_call_core_census(k->core).calls, 0);
	}
}

static void numbers_out_of_order(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];

	call_up(a, b, SDP_PLAIN, SDP_PLAIN);
	unsigned right = a->cseq;

	a->cseq = 0; /* becomes 1: old */
	right = right > 1 ? right : 1;
	phone_in_dialog(a, "UPDATE", NULL, NULL);
	unsigned code = next_status(a);

	assert_true(code == 500);
	a->cseq = 4294967294u; /* too large (RFC 3261 8.1.1.5) */
	phone_in_dialog(a, "UPDATE", NULL, NULL);
	code = next_status(a);
	assert_true(code == 400);
	a->cseq = right + 5;
	phone_in_dialog(a, "UPDATE", NULL, NULL);
	phone_expect_status(a, 200);
	phone_silent(b);
	call_down(a, b);
}

static void huge_bodies(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];
	char *body = calloc(1, HUGE + 1);
	size_t n = (size_t)sprintf(body, "%s", SDP_PLAIN);

	while (n + 20 < HUGE)
		n += (size_t)sprintf(body + n, "a=x:%zu\r\n", n);
	call_up(a, b, SDP_PLAIN, SDP_PLAIN);
	phone_in_dialog(a, "INFO", "Content-Type: application/dtmf\r\n", NULL);
	phone_expect(b, "INFO");
	phone_answer(b, 200, NULL, NULL);
	phone_expect_status(a, 200);
	/* many attributes: either taken or refused, whole */
	phone_in_dialog(a, "UPDATE", NULL, body);
	kit_run(k);
	if (b->in != b->out) {
		phone_expect(b, "UPDATE");
		phone_answer(b, 200, NULL, SDP_PLAIN);
		phone_expect_status(a, 200);
	} else {
		unsigned code = next_status(a);

		assert_true(code >= 400 && code < 500);
	}
	call_down(a, b);
	free(body);
}

/* Truncations of a whole re-INVITE, as datagrams that were cut: nothing of it reaches the other phone. */
static void cut_short(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];
	char whole[2048];

	call_up(a, b, SDP_PLAIN, SDP_PLAIN);
	a->cseq++;
	int n = snprintf(whole, sizeof whole,
			 "INVITE %s SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:%u;rport;branch=z9hG4bK-cut\r\n"
			 "Max-Forwards: 70\r\n"
			 "From: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %u INVITE\r\nContact: <sip:x@127.0.0.1:%u>\r\n"
			 "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%s", a->target, a->port, a->local,
			 a->remote, a->call_id, a->cseq, a->port, strlen(SDP_HOLD), SDP_HOLD);
	for (int cut = 0; cut < n; cut += 3) {
		k->now_us += 20000;
		phone_send(a, whole, (size_t)cut);
		kit_run(k);
		phone_forget(a);
		phone_silent(b);
	}
	assert_int_equal(rf_call_core_census(k->core).calls, 1);
	call_down(b, a);
}

/* A Contact that could never be a dialog's target is the caller's mistake (400), not ours (500). */
static void contacts_nobody_can_call(void **state)
{
	static const char *const contacts[] = {
		"<tel:+1>", "<urn:x>", "<mailto:x@y>", "*", "<sip:x@127.0.0.1:9>,",
		"<sip:x@127.0.0.1:9>, <sip:y@127.0.0.1:9>", "<sip:>", "<sip:x@127.0.0.1:9", "",
	};
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];

	for (size_t i = 0; i < sizeof contacts / sizeof *contacts; i++) {
		char raw[2048];
		int n;

		k->now_us += 100000;
		n = snprintf(raw, sizeof raw,
			     "INVITE sip:%s@voice.example.org SIP/2.0\r\n"
			     "Via: SIP/2.0/UDP 127.0.0.1:%u;rport;branch=z9hG4bK-odd-%zu\r\n"
			     "Max-Forwards: 70\r\nFrom: <sip:%s@voice.example.org>;tag=odd-%zu\r\n"
			     "To: <sip:%s@voice.example.org>\r\n"
			     "Call-ID: odd-%zu\r\nCSeq: 1 INVITE\r\nContact: %s\r\nContent-Type: application/sdp\r\n"
			     "Content-Length: %zu\r\n\r\n%s", b->number, a->port, i, a->number, i, b->number, i,
			     contacts[i], strlen(SDP_PLAIN), SDP_PLAIN);
		phone_send(a, raw, (size_t)n);
		unsigned code = next_status(a);

		if (code != 400)
			fail_msg("Contact: %s: %u", contacts[i], code);
		phone_silent(b);
		assert_int_equal(rf_call_core_census(k->core).calls, 0);
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(nonsense_is_refused), T(the_answer_is_nonsense), T(numbers_out_of_order), T(huge_bodies),
		T(cut_short),
		T(contacts_nobody_can_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
