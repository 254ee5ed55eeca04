/* Subscriptions, publications and messages again and again, with the first, second, n-th allocation failing: nothing
 * crashes, nothing stays behind, and whoever asks hears 500 or 503, or it goes on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "fail_alloc.h"
#include "kit.h"

#include "call/board.h"
#include "call/sub_int.h"

#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define DOCUMENT "<presence xmlns='urn:ietf:params:xml:ns:pidf'><note>x</note></presence>"

enum { ANN, BOB, CID };

struct script {
	struct kit *k;
	unsigned worst; /* the highest final answer to what was asked */
	unsigned notified;
	bool asking;
};

static void take_dialog(struct phone *p)
{
	struct rf_sip_addr a;

	snprintf(p->remote, sizeof p->remote, "%.*s", RF_VFMT(p->msg.to.text));
	if (rf_sip_msg_addr(&p->msg, RF_SIP_H_CONTACT, &a) == 0)
		snprintf(p->target, sizeof p->target, "%.*s", RF_VFMT(a.uri.text));
}

static void heard(struct script *s, struct phone *p)
{
	if (p->msg.is_request) {
		s->notified += p->msg.method == RF_SIP_NOTIFY;
		if (p->msg.method != RF_SIP_ACK)
			phone_answer(p, 200, NULL, p->msg.method == RF_SIP_INVITE ? SDP_PLAIN : NULL);
		return;
	}
	if (p->msg.status < 200)
		return;
	if (s->asking && p->msg.status > s->worst)
		s->worst = p->msg.status;
	if (p->msg.status < 300 && (p->msg.cseq_method == RF_SIP_SUBSCRIBE || p->msg.cseq_method == RF_SIP_INVITE))
		take_dialog(p);
	if (p->msg.cseq_method == RF_SIP_INVITE) {
		if (p->msg.status >= 300)
			p->branch--;
		phone_ack(p, NULL);
	}
}

static void play(struct script *s)
{
	bool any = true;

	for (int round = 0; any && round < 100; round++) {
		any = false;
		kit_run(s->k);
		for (size_t i = 0; i < 3; i++) {
			struct phone *p = &s->k->phone[i];

			while (p->in != p->out) {
				struct inbox_item *item = &p->inbox[p->out++ % KIT_INBOX];

				any = true;
				memcpy(p->bytes, item->bytes, item->n);
				if (rf_sip_msg_parse(&p->msg, rf_view_of(p->bytes, item->n), RF_SIP_DATAGRAM, NULL) == 0)
					heard(s, p);
			}
		}
	}
}

static void pass(struct script *s, unsigned ms)
{
	for (; ms >= 100; ms -= 100) {
		s->k->now_us += 100000;
		play(s);
	}
}

static void ask(struct script *s, int who, const char *method, const char *to, const char *extra, const char *body)
{
	struct phone *p = &s->k->phone[who];

	s->asking = true;
	phone_request(p, method, to, p->number, to, extra, body);
	play(s);
	s->asking = false;
}

static void dialogs(struct script *s)
{
	ask(s, CID, "SUBSCRIBE", "1002", "Event: dialog\r\nExpires: 60\r\n", NULL);
	pass(s, 200);
	ask(s, ANN, "INVITE", "1002", NULL, SDP_PLAIN);
	pass(s, 300);
	if (s->worst == 200) {
		phone_in_dialog(&s->k->phone[ANN], "BYE", NULL, NULL);
		play(s);
		phone_in_dialog(&s->k->phone[CID], "SUBSCRIBE", "Event: dialog\r\nExpires: 60\r\n", NULL);
		pass(s, 300);
		phone_in_dialog(&s->k->phone[CID], "SUBSCRIBE", "Event: dialog\r\nExpires: 0\r\n", NULL);
		pass(s, 300);
	}
}

static void presence(struct script *s)
{
	ask(s, CID, "SUBSCRIBE", "1002", "Event: presence\r\nExpires: 60\r\n", NULL);
	pass(s, 200);
	ask(s, BOB, "PUBLISH", "1002", "Event: presence\r\nExpires: 60\r\nContent-Type: application/pidf+xml\r\n",
	    DOCUMENT);
	pass(s, 300);
}

static void mailbox(struct script *s)
{
	struct rf_control_query q = { .verb = RF_CONTROL_MAILBOX, .id = "1003 1 1" };
	char *json;
	size_t n;

	ask(s, CID, "SUBSCRIBE", "1003", "Event: message-summary\r\nExpires: 60\r\n", NULL);
	pass(s, 200);
	if (rf_control_run(s->k->core, &q, &json, &n) == 0)
		free(json);
	pass(s, 300);
}

static void text(struct script *s)
{
	ask(s, ANN, "MESSAGE", "1002", "Content-Type: text/plain\r\n", "x");
}

static const struct {
	const char *name;
	void (*run)(struct script *s);
} scripts[] = { { "dialogs", dialogs }, { "presence", presence }, { "mailbox", mailbox }, { "text", text } };

static void nobody_left(struct script *s)
{
	struct kit *k = s->k;
	struct rf_board_counts b;
	struct rf_call *call;

	TAILQ_FOREACH(call, &k->core->calls, list) {
		struct rf_control_query q = { .verb = RF_CONTROL_CALL_HANGUP };
		char *json;
		size_t n;

		memcpy(q.id, call->id.text, sizeof call->id.text);
		if (rf_control_run(k->core, &q, &json, &n) == 0)
			free(json);
		break;
	}
	for (int i = 0; i < 110; i++) {
		k->now_us += 1000000;
		play(s);
	}
	rf_call_core_expire(k->core);
	struct rf_call_census c = rf_call_core_census(k->core);

	assert_int_equal(c.calls, 0);
	assert_int_equal(c.subscriptions, 0);
	assert_int_equal(c.publications, 0);
	assert_int_equal(c.messages, 0);
	assert_int_equal(k->core->subs->by_tag.count, 0);
	assert_int_equal(k->core->subs->by_number.count, 0);
	assert_int_equal(k->core->subs->by_party.count, 0);
	rf_board_counts(k->core->board, &b);
	assert_int_equal(b.subscriptions, 0);
	assert_false(rf_board_any(k->core->board));
	for (size_t i = 0; i < 3; i++) {
		phone_forget(&k->phone[i]);
		phone_request(&k->phone[i], "REGISTER", "sip:voice.example.org", k->phone[i].number, k->phone[i].number,
			      "Expires: 600\r\n", NULL);
		phone_expect_status(&k->phone[i], 200);
	}
}

static void every_allocation(void **state)
{
	(void)state;
	for (size_t row = 0; row < sizeof scripts / sizeof *scripts; row++) {
		struct kit *k = kit_new("minimum");

		for (int i = 0; i < 3; i++)
			phone_register(&k->phone[i]);
		for (unsigned n = 0;; n++) {
			struct script s = { .k = k };

			k->now_us += 2000000;
			if (n)
				fail_alloc_at(n);
			scripts[row].run(&s);
			bool failed = n && fail_alloc_off();

			if (s.worst != 0 && s.worst != 200 && s.worst != 480 && s.worst != 486 && s.worst != 500 &&
			    s.worst != 503)
				fail_msg("%s, allocation %u: %u", scripts[row].name, n, s.worst);
			if (!failed) {
				assert_int_equal(s.worst, 200);
				assert_true(s.notified || scripts[row].run == text);
			}
			nobody_left(&s);
			if (n && !failed)
				break;
			assert_true(n < 3000);
		}
		kit_census(k);
		kit_free(k);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_allocation) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
