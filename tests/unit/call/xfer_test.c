/* Transfer: who talks to whom afterwards, who pays, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "kit.h"

#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define SDP_AT(port) "v=0\r\no=- " port " 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n" \
		     "m=audio " port " RTP/AVP 0\r\n"
#define BOB SDP_AT("4100")
#define CID SDP_AT("4200")

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

/* What a phone knows of one of its dialogs. */
struct side {
	char call_id[128], local[512], remote[512], target[256];
	unsigned cseq;
};

static struct side leave(const struct phone *p)
{
	struct side s = { .cseq = p->cseq };

	memcpy(s.call_id, p->call_id, sizeof s.call_id);
	memcpy(s.local, p->local, sizeof s.local);
	memcpy(s.remote, p->remote, sizeof s.remote);
	memcpy(s.target, p->target, sizeof s.target);
	return s;
}

static void back_to(struct phone *p, const struct side *s)
{
	memcpy(p->call_id, s->call_id, sizeof s->call_id);
	memcpy(p->local, s->local, sizeof s->local);
	memcpy(p->remote, s->remote, sizeof s->remote);
	memcpy(p->target, s->target, sizeof s->target);
	p->cseq += 10;
}

static const char *tag_of(const char *addr)
{
	const char *tag = strstr(addr, ";tag=");

	assert_non_null(tag);
	return tag + 5;
}

static void refer(struct phone *p, const char *to, const char *extra)
{
	char lines[1024];

	snprintf(lines, sizeof lines, "Refer-To: <%s>\r\n%s", to, extra ? extra : "");
	phone_in_dialog(p, "REFER", lines, NULL);
}

static void refer_number(struct phone *p, const char *number)
{
	char to[128];

	snprintf(to, sizeof to, "sip:%s@voice.example.org", number);
	refer(p, to, NULL);
}

/* Refer-To with the dialog of `mine`, as the phone knows it. */
static void refer_dialog(struct phone *p, const char *number, const struct side *mine, const char *flag)
{
	char to[900];

	snprintf(to, sizeof to, "sip:%s@voice.example.org?Replaces=%s%%3Bto-tag%%3D%s%%3Bfrom-tag%%3D%s%s", number,
		 mine->call_id, tag_of(mine->remote), tag_of(mine->local), flag);
	for (char *at = strchr(strchr(to, '?'), '@'); at; at = strchr(at, '@')) {
		memmove(at + 3, at + 1, strlen(at + 1) + 1);
		memcpy(at, "%40", 3);
	}
	refer(p, to, NULL);
}

static void notified(struct phone *p, unsigned code)
{
	char frag[32];

	phone_expect(p, "NOTIFY");
	snprintf(frag, sizeof frag, "SIP/2.0 %u ", code);
	if (!phone_has(p, frag) || phone_has(p, "terminated") != (code >= 200))
		fail_msg("not %u:\n%s", code, p->bytes);
	phone_answer(p, 200, NULL, NULL);
}

static void gets_bye(struct phone *p)
{
	phone_expect(p, "BYE");
	phone_answer(p, 200, NULL, NULL);
}

static void hang_up(struct phone *p, struct phone *other)
{
	phone_in_dialog(p, "BYE", NULL, NULL);
	phone_expect_status(p, 200);
	gets_bye(other);
}

/* The phone in a call is offered this, and takes it. */
static void reinvited(struct phone *p, const char *has, const char *answer)
{
	phone_expect(p, "INVITE");
	assert_true(p->msg.to.tag.n > 0);
	if (!phone_has(p, has))
		fail_msg("%s instead of %s", p->bytes, has);
	phone_answer(p, 200, NULL, answer);
	phone_expect(p, "ACK");
}

static void blind_up_to_ringing(struct phone *a, struct phone *b, struct phone *c)
{
	call_up(a, b, SDP_PLAIN, BOB);
	refer_number(a, c->number);
	phone_expect_status(a, 202);
	notified(a, 100);
	phone_expect(c, "INVITE");
	assert_int_equal(c->msg.body.n, 0);
	assert_true(phone_has(c, "Referred-By: <sip:1001@voice.example.org>"));
	struct rf_sip_msg invite = c->msg;

	assert_true(rf_view_eq(invite.from.uri.user, RF_V("1002")));
	phone_answer(c, 180, NULL, NULL);
	notified(a, 180);
	phone_silent(b);
}

static void blind_transfer(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *c = &k->phone[2];

	blind_up_to_ringing(a, b, c);
	phone_answer(c, 200, NULL, CID);
	reinvited(b, "m=audio 4200", SDP_AT("4102"));
	phone_expect(c, "ACK");
	assert_true(phone_has(c, "m=audio 4102"));
	notified(a, 200);
	gets_bye(a);
	assert_int_equal(rf_call_core_census(k->core).calls, 1);
	/* they are a pair like any other */
	phone_in_dialog(b, "INVITE", NULL, SDP_HOLD);
	phone_expect(c, "INVITE");
	assert_true(phone_has(c, "a=sendonly"));
	phone_answer(c, 200, NULL, CID);
	phone_expect(c, "ACK");
	phone_expect_status(b, 200);
	phone_ack(b, NULL);
	hang_up(c, b);
	kit_wait(k, 100);
	char *text = kit_record(k);

	assert_int_equal(count_of(text, "\"call.transferred\""), 1);
	assert_int_equal(count_of(text, "\"outcome\":\"transferred\""), 2); /* the legs of a and b in their call */
	assert_int_equal(count_of(text, "\"kind\":\"cdr\""), 4);
	free(text);
}

static void the_called_one_transfers(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *c = &k->phone[2];

	call_up(a, b, SDP_PLAIN, BOB);
	refer_number(b, "1003");
	phone_expect_status(b, 202);
	notified(b, 100);
	phone_expect(c, "INVITE");
	phone_answer(c, 200, NULL, CID);
	reinvited(a, "m=audio 4200", SDP_PLAIN);
	phone_expect(c, "ACK");
	notified(b, 200);
	gets_bye(b);
	hang_up(a, c);
}

/* Whose phone is slow to answer is told all the same, and has its BYE behind that. */
static void told_before_the_bye(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *c = &k->phone[2];

	call_up(a, b, SDP_PLAIN, BOB);
	refer_number(b, "1003");
	phone_expect_status(b, 202);
	phone_expect(b, "NOTIFY");
	assert_true(phone_has(b, "SIP/2.0 100 "));
	phone_expect(c, "INVITE");
	phone_answer(c, 200, NULL, CID);
	reinvited(a, "m=audio 4200", SDP_PLAIN);
	phone_expect(c, "ACK");
	phone_silent(b);
	phone_answer(b, 200, NULL, NULL);
	phone_expect(b, "NOTIFY");
	assert_true(phone_has(b, "SIP/2.0 200 "));
	phone_silent(b);
	phone_answer(b, 200, NULL, NULL);
	phone_expect(b, "BYE");
	assert_true(phone_has(b, "Reason: SIP;cause=200;text=\"Call transferred\""));
	phone_answer(b, 200, NULL, NULL);
	hang_up(a, c);
}

static void target_refuses(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *c = &k->phone[2];

	blind_up_to_ringing(a, b, c);
	phone_answer(c, 486, NULL, NULL);
	phone_expect(c, "ACK");
	notified(a, 486);
	phone_silent(a);
	phone_silent(b);
	phone_in_dialog(b, "INVITE", NULL, SDP_HOLD); /* their call goes on */
	phone_expect(a, "INVITE");
	phone_answer(a, 200, NULL, SDP_PLAIN);
	phone_expect(a, "ACK");
	phone_expect_status(b, 200);
	phone_ack(b, NULL);
	refer_number(a, "1003"); /* and may be transferred again */
	phone_expect_status(a, 202);
	notified(a, 100);
	phone_expect(c, "INVITE");
	phone_answer(c, 603, NULL, NULL);
	phone_expect(c, "ACK");
	notified(a, 603);
	hang_up(a, b);
}

static void who_is_transferred_refuses(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *c = &k->phone[2];

	blind_up_to_ringing(a, b, c);
	phone_answer(c, 200, NULL, CID);
	phone_expect(b, "INVITE");
	phone_answer(b, 488, NULL, NULL);
	phone_expect(b, "ACK");
	phone_expect(c, "ACK");
	gets_bye(c);
	notified(a, 488);
	phone_silent(b);
	hang_up(a, b);
}

/* The moment that something comes, before it is repeated. */
static void await_invite(struct phone *p)
{
	for (int i = 0; i < 100 && p->in == p->out; i++)
		kit_wait(p->kit, 100);
	phone_expect(p, "INVITE");
}

static void glare_with_who_is_transferred(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *c = &k->phone[2];

	blind_up_to_ringing(a, b, c);
	phone_answer(c, 200, NULL, CID);
	phone_expect(b, "INVITE");
	struct rf_sip_msg ours = b->msg;
	char bytes[KIT_MESSAGE];

	memcpy(bytes, b->bytes, sizeof bytes);
	phone_in_dialog(b, "INVITE", NULL, SDP_HOLD);
	phone_expect_status(b, 491);
	b->branch--;
	phone_ack(b, NULL);
	b->msg = ours;
	memcpy(b->bytes, bytes, sizeof bytes);
	phone_answer(b, 491, NULL, NULL);
	phone_expect(b, "ACK");
	await_invite(b);
	assert_true(phone_has(b, "m=audio 4200"));
	phone_answer(b, 200, NULL, BOB);
	phone_expect(b, "ACK");
	phone_forget(c); /* its 200 was repeated by nobody, our ACK came */
	notified(a, 200);
	gets_bye(a);
	hang_up(b, c);
}

static void glare_without_end(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *c = &k->phone[2];

	blind_up_to_ringing(a, b, c);
	phone_answer(c, 200, NULL, CID);
	for (int i = 0; i < 4; i++) {
		await_invite(b);
		phone_answer(b, 491, NULL, NULL);
		phone_expect(b, "ACK");
	}
	phone_expect(c, "ACK");
	gets_bye(c);
	notified(a, 480);
	hang_up(a, b);
}

static void transferor_hangs_up_at_once(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *c = &k->phone[2];

	for (int fails = 0; fails < 2; fails++) {
		blind_up_to_ringing(a, b, c);
		phone_in_dialog(a, "BYE", NULL, NULL);
		phone_expect_status(a, 200);
		phone_silent(b);
		if (fails) {
			phone_answer(c, 486, NULL, NULL);
			phone_expect(c, "ACK");
			notified(a, 486);
			gets_bye(b);
			continue;
		}
		phone_answer(c, 200, NULL, CID);
		reinvited(b, "m=audio 4200", BOB);
		phone_expect(c, "ACK");
		notified(a, 200);
		phone_silent(a);
		hang_up(b, c);
	}
}

static void transferee_hangs_up(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *c = &k->phone[2];

	blind_up_to_ringing(a, b, c);
	phone_in_dialog(b, "BYE", NULL, NULL);
	phone_expect_status(b, 200);
	phone_expect(a, "BYE");
	phone_answer(a, 200, NULL, NULL);
	notified(a, 487);
	phone_expect(c, "CANCEL");
}

static void without_subscription(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *c = &k->phone[2];

	call_up(a, b, SDP_PLAIN, BOB);
	refer(a, "sip:1003@voice.example.org", "Refer-Sub: false\r\nRequire: norefersub\r\n");
	phone_expect_status(a, 202);
	assert_true(phone_has(a, "Refer-Sub: false"));
	phone_expect(c, "INVITE");
	phone_answer(c, 200, NULL, CID);
	reinvited(b, "m=audio 4200", BOB);
	phone_expect(c, "ACK");
	gets_bye(a);
	hang_up(b, c);
}

static void refused_at_once(void **state)
{
	static const struct {
		const char *to;
		unsigned code;
	} rows[] = {
		{ "sip:1999@voice.example.org", 404 }, { "sip:1003@elsewhere.example", 403 },
		{ "http://voice.example.org", 416 }, { "sip:1003@voice.example.org;method=BYE", 403 },
		{ "sip:1001@voice.example.org", 486 }, { "sip:1002@voice.example.org", 403 },
		{ "sip:1003@voice.example.org?Replaces=x", 400 },
	};
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];

	call_up(a, b, SDP_PLAIN, BOB);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		refer(a, rows[i].to, NULL);
		phone_expect_status(a, rows[i].code);
		phone_silent(a);
		phone_silent(b);
	}
	hang_up(a, b);
	phone_request(a, "REFER", "1002", "1001", "1002", "Refer-To: <sip:1003@voice.example.org>\r\n", NULL);
	phone_expect_status(a, 405);
	assert_int_equal(k->core->counters.transfers_refused, sizeof rows / sizeof rows[0]);
}

static void one_at_a_time(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *c = &k->phone[2];

	blind_up_to_ringing(a, b, c);
	refer_number(a, "1003");
	phone_expect_status(a, 491);
	refer_number(b, "1003");
	phone_expect_status(b, 491);
	phone_answer(c, 486, NULL, NULL);
	phone_expect(c, "ACK");
	notified(a, 486);
	hang_up(a, b);
}

/* ann talks to bob, holds him, and calls cid. */
static void two_calls(struct phone *a, struct phone *b, struct phone *c, struct side *first, struct side *second)
{
	call_up(a, b, SDP_PLAIN, BOB);
	phone_in_dialog(a, "INVITE", NULL, SDP_HOLD);
	phone_expect(b, "INVITE");
	phone_answer(b, 200, NULL, BOB "a=recvonly\r\n");
	phone_expect(b, "ACK");
	phone_expect_status(a, 200);
	phone_ack(a, NULL);
	*first = leave(a);
	call_up(a, c, SDP_AT("4002"), CID);
	*second = leave(a);
	back_to(a, first);
}

static void attended_transfer(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *c = &k->phone[2];
	struct side first, second;

	two_calls(a, b, c, &first, &second);
	refer_dialog(a, "1003", &second, "");
	phone_expect_status(a, 202);
	notified(a, 100);
	phone_expect(c, "INVITE"); /* what have you to offer? */
	assert_int_equal(c->msg.body.n, 0);
	phone_answer(c, 200, NULL, SDP_AT("4202"));
	reinvited(b, "m=audio 4202", SDP_AT("4102"));
	phone_expect(c, "ACK");
	assert_true(phone_has(c, "m=audio 4102"));
	notified(a, 200);
	gets_bye(a);
	gets_bye(a);
	assert_int_equal(rf_call_core_census(k->core).calls, 1);
	hang_up(b, c);
	kit_wait(k, 100);
	char *text = kit_record(k);

	assert_int_equal(count_of(text, "\"call.transferred\""), 1);
	assert_int_equal(count_of(text, "\"kind\":\"cdr\""), 5);
	free(text);
}

static void attended_refused(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *c = &k->phone[2];
	struct side first, second;

	two_calls(a, b, c, &first, &second);
	refer_dialog(a, "1003", &second, "");
	phone_expect_status(a, 202);
	notified(a, 100);
	phone_expect(c, "INVITE");
	phone_answer(c, 488, NULL, NULL);
	phone_expect(c, "ACK");
	notified(a, 488);
	phone_silent(b);
	assert_int_equal(rf_call_core_census(k->core).calls, 2);
	hang_up(a, b);
	back_to(a, &second);
	hang_up(a, c);
}

static void attended_offer_refused(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *c = &k->phone[2];
	struct side first, second;

	two_calls(a, b, c, &first, &second);
	refer_dialog(a, "1003", &second, "");
	phone_expect_status(a, 202);
	notified(a, 100);
	phone_expect(c, "INVITE");
	phone_answer(c, 200, NULL, CID);
	phone_expect(b, "INVITE");
	phone_answer(b, 488, NULL, NULL);
	phone_expect(b, "ACK");
	notified(a, 488);
	phone_expect(c, "ACK");
	gets_bye(c);
	gets_bye(a);
	phone_silent(b);
	hang_up(a, b);
}

static void somebody_elses_call(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *c = &k->phone[2];

	call_up(a, b, SDP_PLAIN, BOB);
	struct side theirs = leave(a), bobs = leave(b);

	phone_register(c);
	call_up(c, a, CID, SDP_PLAIN);
	refer_dialog(c, "1001", &theirs, "");
	phone_expect_status(c, 403);
	refer_dialog(c, "1001", &bobs, "");
	phone_expect_status(c, 403);
	assert_int_equal(k->core->counters.hijacks_refused, 2);
	phone_silent(b);
	hang_up(c, a);
	back_to(a, &theirs);
	hang_up(a, b);
}

static void no_such_dialog(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];

	call_up(a, b, SDP_PLAIN, BOB);
	refer(a, "sip:1003@voice.example.org?Replaces=x%3Bto-tag%3Dy%3Bfrom-tag%3Dz", NULL);
	phone_expect_status(a, 202);
	notified(a, 100);
	notified(a, 481);
	hang_up(a, b);
}

/* ann calls cid while she talks to bob, and connects them before cid has answered. */
static void attended_while_it_rings(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *c = &k->phone[2];

	call_up(a, b, SDP_PLAIN, BOB);
	struct side first = leave(a);

	phone_request(a, "INVITE", "1003", "1001", "1003", NULL, SDP_AT("4002"));
	phone_expect(c, "INVITE");
	struct rf_sip_msg invite = c->msg;
	char bytes[KIT_MESSAGE];

	memcpy(bytes, c->bytes, sizeof bytes);
	phone_answer(c, 180, NULL, NULL);
	phone_expect_status(a, 180);
	struct side second = leave(a);

	back_to(a, &first);
	refer_dialog(a, "1003", &second, "");
	phone_expect_status(a, 202);
	phone_expect(a, "NOTIFY");
	assert_true(phone_has(a, "SIP/2.0 100 "));
	phone_answer(a, 200, NULL, NULL);
	phone_expect_status(a, 487); /* her own call there is over */
	phone_forget(a);
	phone_expect(c, "CANCEL");
	phone_answer(c, 200, NULL, NULL);
	phone_expect(c, "INVITE"); /* anew, for bob */
	assert_true(phone_has(c, "Referred-By: <sip:1001@"));
	struct rf_sip_msg anew = c->msg;
	char anew_bytes[KIT_MESSAGE];

	memcpy(anew_bytes, c->bytes, sizeof anew_bytes);
	c->msg = invite;
	memcpy(c->bytes, bytes, sizeof bytes);
	phone_answer(c, 487, NULL, NULL);
	phone_expect(c, "ACK");
	c->msg = anew;
	memcpy(c->bytes, anew_bytes, sizeof anew_bytes);
	phone_answer(c, 200, NULL, CID);
	reinvited(b, "m=audio 4200", SDP_AT("4102"));
	phone_expect(c, "ACK");
	for (bool bye = false; !bye;) { /* the 487 comes again for a while: the script acknowledged nothing */
		if (a->in == a->out)
			kit_wait(k, 100);
		struct inbox_item *item = &a->inbox[a->out % KIT_INBOX];

		if (a->in != a->out && memcmp(item->bytes, "SIP/2.0", 7) == 0) {
			a->out++;
		} else if (a->in != a->out) {
			bye = memcmp(item->bytes, "BYE", 3) == 0;
			phone_expect(a, bye ? "BYE" : "NOTIFY");
			phone_answer(a, 200, NULL, NULL);
		}
	}
	hang_up(b, c);
	kit_wait(k, 40000);
	phone_forget(a);
}

static void only_while_it_rings(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *c = &k->phone[2];
	struct side first, second;

	two_calls(a, b, c, &first, &second);
	refer_dialog(a, "1003", &second, "%3Bearly-only");
	phone_expect_status(a, 202);
	notified(a, 100);
	notified(a, 486);
	phone_silent(c);
	hang_up(a, b);
	back_to(a, &second);
	hang_up(a, c);
}

/* A call that came by as many transfers as it may stays where it is. */
static void chains_end(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *c = &k->phone[2];

	call_up(a, b, SDP_PLAIN, BOB);
	TAILQ_FIRST(&k->core->calls)->moves = 8;
	refer_number(a, "1003");
	phone_expect_status(a, 403);
	phone_silent(c);
	hang_up(a, b);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(blind_transfer), T(the_called_one_transfers), T(told_before_the_bye), T(target_refuses),
		T(who_is_transferred_refuses), T(glare_with_who_is_transferred), T(glare_without_end),
		T(transferor_hangs_up_at_once), T(transferee_hangs_up), T(without_subscription), T(refused_at_once),
		T(one_at_a_time), T(attended_transfer), T(attended_refused), T(attended_offer_refused),
		T(somebody_elses_call), T(no_such_dialog), T(attended_while_it_rings),
		T(only_while_it_rings),
		T(chains_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
