/* Transfers, pickup and parking again and again, with the first, second, n-th allocation failing: nothing crashes,
 * nothing stays behind, and the next one finds everything in order. Phones say yes to everything by themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "fail_alloc.h"
#include "kit.h"

#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct side {
	char call_id[128], local[512], remote[512], target[256];
};

struct script {
	struct kit *k;
	bool rings;               /* bob does not answer */
	struct rf_sip_msg invite;
	char bytes[KIT_MESSAGE];
	bool invited;
};

static void request(struct script *s, size_t i, struct phone *p)
{
	if (p->msg.method == RF_SIP_INVITE && s->rings && i == 1 && !p->msg.to.tag.n) {
		s->invite = p->msg;
		memcpy(s->bytes, p->bytes, sizeof s->bytes);
		s->invited = true;
		phone_answer(p, 180, NULL, NULL);
		return;
	}
	if (p->msg.method == RF_SIP_ACK)
		return;
	phone_answer(p, 200, NULL, p->msg.method == RF_SIP_INVITE ? SDP_PLAIN : NULL);
	if (p->msg.method != RF_SIP_CANCEL || !s->invited)
		return;
	s->invited = false;
	p->msg = s->invite;
	memcpy(p->bytes, s->bytes, sizeof s->bytes);
	phone_answer(p, 487, NULL, NULL);
}

static void response(struct phone *p)
{
	struct rf_sip_addr a;
	unsigned cseq = p->cseq;

	if (p->msg.cseq_method != RF_SIP_INVITE || p->msg.status < 200)
		return;
	if (p->msg.status < 300) {
		snprintf(p->remote, sizeof p->remote, "%.*s", RF_VFMT(p->msg.to.text));
		if (rf_sip_msg_addr(&p->msg, RF_SIP_H_CONTACT, &a) == 0)
			snprintf(p->target, sizeof p->target, "%.*s", RF_VFMT(a.uri.text));
	} else {
		p->branch--;
	}
	p->cseq = p->msg.cseq;
	phone_ack(p, NULL);
	p->cseq = cseq;
}

static void play(struct script *s)
{
	bool any = true;

	for (int round = 0; any && round < 300; round++) {
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
					response(p);
			}
		}
	}
}

static void pass(struct script *s, unsigned ms)
{
	for (unsigned at = 0; at < ms; at += 100) {
		s->k->now_us += 100000;
		play(s);
	}
}

static void call(struct script *s, int from, const char *to, const char *extra)
{
	struct phone *p = &s->k->phone[from];

	phone_request(p, "INVITE", to, p->number, to, extra, SDP_PLAIN);
	play(s);
}

static struct side leave(const struct phone *p)
{
	struct side side;

	memcpy(side.call_id, p->call_id, sizeof side.call_id);
	memcpy(side.local, p->local, sizeof side.local);
	memcpy(side.remote, p->remote, sizeof side.remote);
	memcpy(side.target, p->target, sizeof side.target);
	return side;
}

static void back_to(struct phone *p, const struct side *side)
{
	memcpy(p->call_id, side->call_id, sizeof side->call_id);
	memcpy(p->local, side->local, sizeof side->local);
	memcpy(p->remote, side->remote, sizeof side->remote);
	memcpy(p->target, side->target, sizeof side->target);
	p->cseq += 10;
}

static void refer(struct script *s, const char *to)
{
	char line[1024];

	snprintf(line, sizeof line, "Refer-To: <%s>\r\n", to);
	phone_in_dialog(&s->k->phone[0], "REFER", line, NULL);
	play(s);
	pass(s, 500);
}

/* --- what is done before, and then with failing allocations */

static void talk(struct script *s)
{
	call(s, 0, "1002", NULL);
}

static void blind(struct script *s)
{
	refer(s, "sip:1003@voice.example.org");
}

static void park(struct script *s)
{
	refer(s, "sip:701@voice.example.org");
	call(s, 2, "701", NULL);
	pass(s, 500);
}

static void comes_back(struct script *s)
{
	refer(s, "sip:*68@voice.example.org");
	pass(s, 12000);
}

static void attended(struct script *s)
{
	struct phone *a = &s->k->phone[0];
	struct side first = leave(a);
	char to[1000], id[128];

	call(s, 0, "1003", NULL);
	const char *mine = strstr(a->local, ";tag="), *ours = strstr(a->remote, ";tag=");

	snprintf(id, sizeof id, "%.*s%%40test", (int)strcspn(a->call_id, "@"), a->call_id);
	snprintf(to, sizeof to, "sip:1003@voice.example.org?Replaces=%s%%3Bto-tag%%3D%s%%3Bfrom-tag%%3D%s", id,
		 ours ? ours + 5 : "x", mine ? mine + 5 : "x");
	back_to(a, &first);
	refer(s, to);
}

static void ring(struct script *s)
{
	s->rings = true;
	call(s, 0, "1002", NULL);
}

static void pickup(struct script *s)
{
	call(s, 2, "**1002", NULL);
	pass(s, 500);
}

static const struct {
	const char *name, *event;
	void (*before)(struct script *s), (*run)(struct script *s);
} scripts[] = {
	{ "blind", "transfers", talk, blind }, { "attended", "transfers", talk, attended },
	{ "park", NULL, talk, park }, { "comes back", NULL, talk, comes_back }, { "pickup", NULL, ring, pickup },
};

static void hang_up_all(struct script *s)
{
	struct rf_call *one, *next;

	for (one = TAILQ_FIRST(&s->k->core->calls); one; one = next) {
		struct rf_control_query q = { .verb = RF_CONTROL_CALL_HANGUP };
		char *json;
		size_t n;

		next = TAILQ_NEXT(one, list);
		memcpy(q.id, one->id.text, sizeof one->id.text);
		if (rf_control_run(s->k->core, &q, &json, &n) == 0)
			free(json);
	}
	play(s);
}

static void nobody_left(struct script *s, const char *name, unsigned n)
{
	struct rf_call_census c;

	for (int i = 0; i < 120; i++) {
		c = rf_call_core_census(s->k->core);
		if (!c.calls && i)
			break;
		s->k->now_us += 1000000;
		play(s);
	}
	c = rf_call_core_census(s->k->core);
	if (c.calls || c.pairs || c.relays || c.joins || c.transfers || c.parked || s->k->core->legs.count)
		fail_msg("%s, allocation %u: %zu calls, %zu pairs, %zu relays, %zu joins, %zu "
			 "transfers, %zu parked, %zu legs", name,
			 n, c.calls, c.pairs, c.relays, c.joins, c.transfers, c.parked, s->k->core->legs.count);
}

static void one_script(struct kit *k, size_t row)
{
	for (unsigned n = 0;; n++) {
		struct script s = { .k = k };
		uint64_t done = k->core->counters.transfers;

		k->now_us += 2000000;
		scripts[row].before(&s);
		assert_int_equal(rf_call_core_census(k->core).calls, 1);
		if (n)
			fail_alloc_at(n);
		scripts[row].run(&s);
		bool failed = n && fail_alloc_off();

		if (!failed && scripts[row].event)
			assert_int_equal(k->core->counters.transfers, done + 1);
		if (!failed)
			assert_int_equal(rf_call_core_census(k->core).calls, 1);
		hang_up_all(&s);
		nobody_left(&s, scripts[row].name, n);
		if (getenv("KIT_CODES"))
			fprintf(stderr, "%s %u %d\n", scripts[row].name, n, failed);
		if (n && !failed)
			return;
		assert_true(n < 3000);
	}
}

static void every_allocation(void **state)
{
	(void)state;
	for (size_t row = 0; row < sizeof scripts / sizeof *scripts; row++) {
		struct kit *k = kit_new_with("minimum", "parking: { slots: 701-702, return_seconds: 10 }\n");

		for (int i = 0; i < 3; i++)
			phone_register(&k->phone[i]);
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
