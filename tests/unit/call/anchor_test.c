/* What waits for a relay that does not answer: no description crosses past it, and nothing is kept of what it made nothing of. */
#include "call/anchor.c"
#include "call/anchor_ask.c"

#include "kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <cmocka.h>

enum { NOT_THERE = RF_NG_RELAYS_MAX };

static int setup(void **state)
{
	struct kit *k = kit_new("minimum");
	struct rf_relay_at nobody = { .path = NULL };

	assert_int_equal(rf_addr_parse(RF_V("127.0.0.1"), 9, &nobody.addr), 0);
	assert_int_equal(rf_call_core_set_relays(k->core, &nobody, 1), 0);
	for (int i = 0; i < 2; i++)
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

/* The one call that there is has an anchor from now on. */
static struct rf_anchor *anchored(struct kit *k)
{
	struct rf_call *call = TAILQ_FIRST(&k->core->calls);
	struct rf_in in = { .msg = NULL };

	assert_non_null(call);
	call->anchor = anchor_new(k->core, &in, NULL);
	assert_non_null(call->anchor);
	return call->anchor;
}

/* Its relay was asked and is silent, and as much waits behind that as may. */
static struct rf_anchor *full(struct kit *k, const struct rf_sip_msg *any)
{
	struct rf_anchor *a = anchored(k);

	while (a->held_n < RF_ANCHOR_HELD_MAX) {
		struct rf_held *h = rf_anchor_hold(a, RF_HELD_ACK, any, NULL);

		assert_non_null(h);
	}
	a->asking = true;
	a->refs++;
	return a;
}

/* The relay's time is over; what waited went with its call. */
static void end(struct rf_anchor *a)
{
	answered(a, RF_E_TIMEOUT, 0, NULL);
}

/* All that came to a phone, answered as a phone would: none of it has a description. */
static void hears_no_description(struct phone *p)
{
	kit_run(p->kit);
	for (; p->out < p->in; p->out++) {
		const struct inbox_item *item = &p->inbox[p->out % KIT_INBOX];

		assert_null(memmem(item->bytes, item->n, "m=audio", 7));
	}
}

static void answer_that_cannot_wait(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];

	phone_request(a, "INVITE", b->number, a->number, b->number, NULL, SDP_PLAIN);
	phone_expect(b, "INVITE");
	struct rf_anchor *anchor = full(k, &b->msg);

	phone_answer(b, 200, NULL, SDP_PLAIN);
	phone_expect(b, "ACK");
	phone_expect(b, "BYE");
	phone_answer(b, 200, NULL, NULL);
	hears_no_description(a);
	end(anchor);
}

static void ack_that_cannot_wait(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];

	phone_request(a, "INVITE", b->number, a->number, b->number, NULL, NULL);
	phone_expect(b, "INVITE");
	phone_answer(b, 200, NULL, SDP_PLAIN);
	phone_expect_status(a, 200);
	struct rf_anchor *anchor = full(k, &a->msg);

	phone_ack(a, SDP_PLAIN);
	hears_no_description(b);
	assert_int_equal(anchor->held_n, RF_ANCHOR_HELD_MAX);
	phone_in_dialog(a, "BYE", NULL, NULL);
	hears_no_description(b);
	kit_wait(k, 40000);
	phone_forget(a);
	phone_forget(b);
	end(anchor);
}

/* An answer inside a call, for which the relay cannot be asked: its relay of the call goes as after any answer. */
static void answer_without_a_relay(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];

	call_up(a, b, SDP_PLAIN, SDP_PLAIN);
	phone_in_dialog(a, "UPDATE", NULL, SDP_PLAIN);
	phone_expect(b, "UPDATE");
	anchored(k)->relay = NOT_THERE;
	phone_answer(b, 200, NULL, SDP_PLAIN);
	hears_no_description(a);
	kit_wait(k, 6000);
	assert_int_equal(rf_call_core_census(k->core).relays, 0);
	phone_forget(b);
	phone_in_dialog(a, "BYE", NULL, NULL);
	kit_wait(k, 40000);
	phone_forget(a);
	phone_forget(b);
}

static void answer_inside_that_cannot_wait(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];

	call_up(a, b, SDP_PLAIN, SDP_PLAIN);
	phone_in_dialog(a, "UPDATE", NULL, SDP_PLAIN);
	phone_expect(b, "UPDATE");
	struct rf_anchor *anchor = full(k, &b->msg);

	phone_answer(b, 200, NULL, SDP_PLAIN);
	hears_no_description(a);
	kit_wait(k, 6000);
	assert_int_equal(rf_call_core_census(k->core).relays, 0);
	phone_forget(b);
	phone_in_dialog(a, "BYE", NULL, NULL);
	kit_wait(k, 40000);
	phone_forget(a);
	phone_forget(b);
	end(anchor);
}

/* What a leg may say is its trunk's own, whatever the site lets its phones do. */
static void each_trunk_by_itself(void **state)
{
	static const char yaml[] = /* behind the kit's own deviation: media is optional for the site */
		"  - { mitigation: pub-encrypt-voip, trunks: [b, c, d], reason: test, approved_by: tester, until: 2099-01-01 }\n"
		"trunks:\n"
		"  - { name: a, peer: a.example, ca: c.pem }\n"
		"  - { name: b, peer: b.example, ca: c.pem, encryption: optional }\n"
		"  - { name: c, peer: c.example, ca: c.pem, encryption: none }\n"
		"  - { name: d, peer: 192.0.2.7, transport: udp, addresses: 192.0.2.7 }\n";
	static const struct {
		const char *trunk;
		bool keys, encrypted;
	} rows[] = { { "a", true, true }, { "b", true, false }, { "c", false, false }, { "d", false, false } };
	struct kit *k = kit_new_with("minimum", yaml);

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rf_in in = { .msg = NULL };
		struct rf_anchor *a = anchor_new(k->core, &in, rf_site_trunk(k->site, rf_view_str(rows[i].trunk)));

		assert_non_null(a);
		assert_int_equal(a->side[RF_TOWARDS_TRUNKS].secure, rows[i].keys);
		assert_int_equal(a->side[RF_TOWARDS_TRUNKS].policy.encrypted_required, rows[i].encrypted);
		assert_true(a->side[RF_TOWARDS_SITE].secure && !a->side[RF_TOWARDS_SITE].policy.encrypted_required);
		rf_anchor_put(a);
	}
	kit_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_trunk_by_itself),
		cmocka_unit_test_setup_teardown(answer_that_cannot_wait, setup, teardown),
		cmocka_unit_test_setup_teardown(ack_that_cannot_wait, setup, teardown),
		cmocka_unit_test_setup_teardown(answer_without_a_relay, setup, teardown),
		cmocka_unit_test_setup_teardown(answer_inside_that_cannot_wait, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
