/* Every call of this file again and again, with the first, second, n-th allocation failing: nothing crashes, nothing
 * stays behind, the caller hears 500 or 503 or the call goes on, and the next call finds everything in order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "fail_alloc.h"
#include "kit.h"

#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define ABLE "Allow: INVITE, ACK, BYE, UPDATE, PRACK, INFO\r\n"

enum { NOBODY, RINGS, ANSWERS, RELIABLE, BUSY_FIRST };

struct script {
	struct kit *k;
	unsigned how;         /* what a called phone does */
	const char *prack;    /* what the caller's PRACK offers, NULL nothing */
	unsigned code;        /* the last final answer to anything of phone 0 */
	unsigned worst;       /* the highest of them */
	struct rf_sip_msg invite[KIT_PHONES];
	char bytes[KIT_PHONES][KIT_MESSAGE];
	bool invited[KIT_PHONES];
};

static void take(struct phone *p, struct rf_sip_msg *msg, const char *bytes)
{
	memcpy(p->bytes, bytes, sizeof p->bytes);
	p->msg = *msg;
}

static void called(struct script *s, size_t i, struct phone *p)
{
	bool first = !p->msg.to.tag.n;
	const char *sdp = SDP_PLAIN;

	if (first) {
		s->invite[i] = p->msg;
		memcpy(s->bytes[i], p->bytes, sizeof p->bytes);
		s->invited[i] = true;
	}
	if (first && s->how == RELIABLE)
		phone_answer(p, 183, "Require: 100rel\r\nRSeq: 7\r\n" ABLE, sdp);
	else if (first)
		phone_answer(p, 180, NULL, NULL);
	if (first && s->how == BUSY_FIRST && strcmp(p->number, "1003") != 0)
		phone_answer(p, 486, NULL, NULL);
	else if (!first || s->how == ANSWERS || s->how == BUSY_FIRST)
		phone_answer(p, 200, ABLE, sdp);
}

static void take_the_call(struct script *s, size_t i, struct phone *p)
{
	if (!s->invited[i])
		return;
	s->invited[i] = false;
	take(p, &s->invite[i], s->bytes[i]);
	phone_answer(p, 200, ABLE, NULL);
}

static void request(struct script *s, size_t i, struct phone *p)
{
	switch (p->msg.method) {
	case RF_SIP_INVITE:
		called(s, i, p);
		break;
	case RF_SIP_ACK:
		break;
	case RF_SIP_CANCEL:
		phone_answer(p, 200, NULL, NULL);
		if (s->invited[i]) {
			take(p, &s->invite[i], s->bytes[i]);
			phone_answer(p, 487, NULL, NULL);
		}
		break;
	case RF_SIP_PRACK:
		phone_answer(p, 200, NULL, NULL);
		if (!s->prack)
			take_the_call(s, i, p);
		break;
	default:
		phone_answer(p, 200, ABLE, p->msg.body.n ? SDP_PLAIN : NULL);
		if (s->prack)
			take_the_call(s, i, p);
		break;
	}
}

static void response(struct script *s, size_t i, struct phone *p)
{
	struct rf_sip_addr a;
	unsigned code = p->msg.status;
	uint32_t rseq;

	if (p->msg.cseq_method == RF_SIP_INVITE && p->msg.to.tag.n && code < 300) {
		snprintf(p->remote, sizeof p->remote, "%.*s", RF_VFMT(p->msg.to.text));
		if (rf_sip_msg_addr(&p->msg, RF_SIP_H_CONTACT, &a) == 0)
			snprintf(p->target, sizeof p->target, "%.*s", RF_VFMT(a.uri.text));
	}
	if (code < 200 && rf_sip_msg_number(&p->msg, RF_SIP_H_RSEQ, &rseq) == 0) {
		char rack[64];

		snprintf(rack, sizeof rack, "RAck: %u %u INVITE\r\n", rseq, p->msg.cseq);
		phone_in_dialog(p, "PRACK", rack, s->prack);
	}
	if (code < 200)
		return;
	if (i == 0 && p->msg.cseq_method != RF_SIP_PRACK) { /* a PRACK may find its fork gone */
		s->code = code;
		s->worst = code > s->worst ? code : s->worst;
	}
	if (p->msg.cseq_method != RF_SIP_INVITE)
		return;
	unsigned cseq = p->cseq;

	p->cseq = p->msg.cseq;
	if (code >= 300)
		p->branch--;
	phone_ack(p, NULL);
	p->cseq = cseq;
}

static void play(struct script *s)
{
	bool any = true;

	for (int round = 0; any && round < 200; round++) {
		any = false;
		kit_run(s->k);
		for (size_t i = 0; i < KIT_PHONES; i++) {
			struct phone *p = &s->k->phone[i];

			while (p->in != p->out) {
				struct inbox_item *item = &p->inbox[p->out++ % KIT_INBOX];

				any = true;
				memcpy(p->bytes, item->bytes, item->n);
				if (rf_sip_msg_parse(&p->msg, rf_view_of(p->bytes, item->n), RF_SIP_DATAGRAM, NULL))
					fail_msg("%s got\n%.300s", p->name, p->bytes);
				if (p->msg.is_request)
					request(s, i, p);
				else
					response(s, i, p);
			}
		}
	}
}

static void ask(struct script *s, const char *method, const char *extra, const char *body)
{
	if (s->code >= 200 && s->code < 300)
		phone_in_dialog(&s->k->phone[0], method, extra, body);
	play(s);
}

static void invite(struct script *s, const char *extra, const char *body)
{
	phone_request(&s->k->phone[0], "INVITE", "1002", "1001", "1002", extra, body);
	play(s);
}

static void answered(struct script *s)
{
	s->how = ANSWERS;
	invite(s, ABLE, SDP_PLAIN);
	ask(s, "INVITE", NULL, SDP_HOLD);
	ask(s, "UPDATE", NULL, SDP_PLAIN);
	ask(s, "INFO", "Content-Type: application/dtmf\r\n", NULL);
	ask(s, "BYE", NULL, NULL);
}

static void without_offer(struct script *s)
{
	s->how = ANSWERS;
	phone_request(&s->k->phone[0], "INVITE", "1002", "1001", "1002", NULL, NULL);
	play(s); /* its ACK brings no answer: the call ends at once */
}

static void given_up(struct script *s)
{
	s->how = RINGS;
	invite(s, ABLE, SDP_PLAIN);
	phone_cancel(&s->k->phone[0]);
	play(s);
}

static void reliable(struct script *s)
{
	s->how = RELIABLE;
	invite(s, "Supported: 100rel\r\n" ABLE, SDP_PLAIN);
	ask(s, "BYE", NULL, NULL);
}

static void offered_again(struct script *s)
{
	s->prack = SDP_HOLD;
	reliable(s);
}

/* The first phone is busy, the other one, of its forward, takes the call. */
static void forwarded(struct script *s)
{
	s->how = BUSY_FIRST;
	invite(s, ABLE, SDP_PLAIN);
	ask(s, "BYE", NULL, NULL);
}

static void registered(struct script *s)
{
	phone_request(&s->k->phone[0], "REGISTER", "sip:voice.example.org", "1001", "1001", "Expires: 300\r\n", NULL);
	play(s);
}

static void shown(struct script *s)
{
	static const enum rf_control_verb verbs[] = {
		RF_CONTROL_CALLS, RF_CONTROL_BINDINGS, RF_CONTROL_COUNTERS, RF_CONTROL_CALL_SHOW,
	};

	s->how = ANSWERS;
	invite(s, ABLE, SDP_PLAIN);
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
		struct rf_control_query q = { .verb = verbs[i] };
		struct rf_call *call = TAILQ_FIRST(&s->k->core->calls);
		char *json;
		size_t n;

		if (call)
			memcpy(q.id, call->id.text, sizeof call->id.text);
		if (rf_control_run(s->k->core, &q, &json, &n) == 0)
			free(json);
	}
	ask(s, "BYE", NULL, NULL);
}

static void hang_up_all(struct script *s)
{
	struct rf_call *call, *next;

	for (call = TAILQ_FIRST(&s->k->core->calls); call; call = next) {
		struct rf_control_query q = { .verb = RF_CONTROL_CALL_HANGUP };
		char *json;
		size_t n;

		next = TAILQ_NEXT(call, list);
		memcpy(q.id, call->id.text, sizeof call->id.text);
		assert_int_equal(rf_control_run(s->k->core, &q, &json, &n), 0);
		free(json);
	}
	play(s);
}

static void nobody_left(struct script *s)
{
	for (int i = 0; i < 80 && (s->k->core->census.calls || s->k->core->census.registrations || i < 1); i++) {
		s->k->now_us += 1000000;
		play(s);
	}
	struct rf_call_census c = rf_call_core_census(s->k->core);

	assert_int_equal(c.calls, 0);
	assert_int_equal(c.pairs, 0);
	assert_int_equal(c.relays, 0);
	assert_int_equal(c.registrations, 0);
	assert_int_equal(s->k->core->legs.count, 0);
	assert_int_equal(s->k->core->by_number.count, 0);
}

static const struct {
	const char *name;
	void (*run)(struct script *s);
	unsigned good, also; /* also: what it may be without memory, beside 500 and 503 */
} scripts[] = {
	{ "answered", answered, 200 }, { "without offer", without_offer, 200 }, { "given up", given_up, 487 },
	{ "reliable", reliable, 200 }, { "offered again", offered_again, 200 },
	{ "forwarded", forwarded, 200, 486 }, /* busy: without memory there is no further step */
	{ "registered", registered, 200 }, { "shown", shown, 200 },
};

static void one_script(struct kit *k, size_t row)
{
	for (unsigned n = 0;; n++) {
		struct script s = { .k = k };

		k->now_us += 2000000;
		if (n)
			fail_alloc_at(n);
		scripts[row].run(&s);
		bool failed = n && fail_alloc_off();

		if (getenv("KIT_CODES"))
			fprintf(stderr, "%s %u: %u\n", scripts[row].name, n, s.worst);
		if (s.worst != 0 && s.worst != scripts[row].good && s.worst != scripts[row].also && s.worst != 200 &&
		    s.worst != 500 && s.worst != 503)
			fail_msg("%s, allocation %u: %u", scripts[row].name, n, s.worst);
		hang_up_all(&s);
		nobody_left(&s);
		if (n && !failed) {
			assert_int_equal(s.worst, scripts[row].good);
			return;
		}
		assert_true(n < 5000);
	}
}

static void every_allocation(void **state)
{
	(void)state;
	for (size_t row = 0; row < sizeof scripts / sizeof *scripts; row++) {
		struct kit *k = kit_new("minimum");

		for (int i = 0; i < 4; i += 1)
			phone_register(&k->phone[i]);
		kit_forward(k, "1002", RF_FORWARD_BUSY, "1003");
		one_script(k, row);
		kit_census(k);
		kit_free(k);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_allocation) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
