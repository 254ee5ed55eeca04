/* What somebody may do as fast as they can, and what of it is refused, counted and written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "kit.h"

#include "ua/ua_int.h"

#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static int setup(void **state)
{
	struct kit *k =
		kit_new_with("minimum",
			     "parking: { slots: 701-702 }\n"
			     "groups:\n  - { name: sales, number: 1800, strategy: all, members: [1001, 1002] }\n");

	kit_ledger(k);
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

static unsigned next_status(struct phone *p)
{
	kit_run(p->kit);
	assert_true(p->in != p->out);
	return (unsigned)strtoul(p->inbox[p->out++ % KIT_INBOX].bytes + 8, NULL, 10);
}

static void refusals_fill_no_disk(void **state)
{
	struct kit *k = *state;
	struct phone *eve = &k->phone[4];

	for (int i = 0; i < 300; i++) {
		phone_request(eve, "REGISTER", "sip:voice.example.org", "1001", "1001", NULL, NULL);
		phone_expect_status(eve, 403);
	}
	assert_int_equal(rf_call_core_counters(k->core)->events_bounded, 200);
	assert_int_equal(rf_call_core_counters(k->core)->identity_refused, 300);
	k->now_us += 1000000; /* 50 more may be written; the first says how many it stands for */
	for (int i = 0; i < 60; i++) {
		phone_request(eve, "REGISTER", "sip:voice.example.org", "1001", "1001", NULL, NULL);
		phone_expect_status(eve, 403);
	}
	assert_int_equal(rf_call_core_counters(k->core)->events_bounded, 210);
	char *text = kit_record(k);

	assert_int_equal(count_of(text, "\"identity.refused\""), 150);
	assert_int_equal(count_of(text, "\"more\":200"), 1);
	assert_int_equal(count_of(text, "\"more\""), 1);
	free(text);
}

static void requests_of_a_number(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *c = &k->phone[2];
	unsigned most = k->site->limits.requests_per_second, refused = 0;

	k->now_us += 2000000;
	for (unsigned i = 0; i < most; i++) {
		phone_request(a, i & 1 ? "OPTIONS" : "REGISTER", "sip:voice.example.org", "1001", "1001", NULL, NULL);
		phone_expect_status(a, 200);
	}
	static const char *const methods[] = { "REGISTER", "OPTIONS", "INVITE" };

	for (unsigned i = 0; i < 30; i++, refused++) {
		phone_request(a, methods[i % 3], i % 3 == 2 ? "1002" : "sip:voice.example.org", "1001", "1001", NULL,
			      i % 3 == 2 ? SDP_PLAIN : NULL);
		phone_expect_status(a, 503);
		assert_true(phone_has(a, "Retry-After: 1"));
		if (i % 3 == 2)
			phone_ack(a, NULL);
	}
	assert_int_equal(rf_call_core_counters(k->core)->requests_over_rate, refused);
	phone_request(c, "OPTIONS", "sip:voice.example.org", "1003", "1003", NULL, NULL);
	phone_expect_status(c, 200); /* others are not touched */
	k->now_us += 1000000;
	phone_request(a, "OPTIONS", "sip:voice.example.org", "1001", "1001", NULL, NULL);
	phone_expect_status(a, 200);
	char *text = kit_record(k);

	assert_int_equal(count_of(text, "\"limit\""), refused);
	assert_int_equal(count_of(text, "\"bound\":\"requests_per_second\""), refused);
	free(text);
}

/* Over its rate a phone can still hang up, and nothing that is refused changes the call. */
static void inside_a_call(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];

	k->now_us += 2000000;
	call_up(a, b, SDP_PLAIN, SDP_PLAIN);
	for (unsigned i = 0; i < 200; i++) {
		phone_in_dialog(b, "UPDATE", NULL, NULL);
		assert_true(next_status(b) == (i < k->site->limits.requests_per_second ? 200 : 503));
	}
	phone_silent(a);
	phone_in_dialog(a, "INVITE", NULL, SDP_HOLD);
	phone_expect(b, "INVITE");
	phone_answer(b, 200, NULL, SDP_PLAIN);
	phone_expect(b, "ACK");
	phone_expect_status(a, 200);
	phone_ack(a, NULL);
	call_down(b, a);
}

static void calls_of_the_process(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *c = &k->phone[2];

	k->core->limits.calls = 2;
	assert_int_equal(rf_call_shared_take(k->core->shared, 2), 0); /* another worker has one */
	call_up(a, b, SDP_PLAIN, SDP_PLAIN);
	phone_request(c, "INVITE", "1002", "1003", "1002", NULL, SDP_PLAIN);
	phone_expect_status(c, 503);
	assert_true(phone_has(c, "Retry-After"));
	phone_ack(c, NULL);
	assert_int_equal(rf_call_core_counters(k->core)->calls_over_cap, 1);
	rf_call_shared_give(k->core->shared);
	phone_request(c, "INVITE", "1002", "1003", "1002", NULL, SDP_PLAIN);
	phone_expect(b, "INVITE");
	phone_answer(b, 486, NULL, NULL);
	phone_expect(b, "ACK");
	phone_expect_status(c, 486);
	phone_ack(c, NULL);
	call_down(a, b);
}

/* Too much to do: what is new is refused with a time to come again, a call that is up is not touched. */
static void too_much_to_do(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *c = &k->phone[2];
	struct rf_load_sample late = { .passed_us = 100000, .late_us = 5000000 };
	static const char *const methods[] = { "REGISTER", "OPTIONS", "INVITE" };

	k->now_us += 2000000;
	call_up(a, b, SDP_PLAIN, SDP_PLAIN);
	for (int i = 0; i < 10; i++)
		rf_call_core_load(k->core, &late);
	for (unsigned i = 0; i < 9; i++) {
		phone_request(c, methods[i % 3], i % 3 == 2 ? "1002" : "sip:voice.example.org", "1003", "1003", NULL,
			      i % 3 == 2 ? SDP_PLAIN : NULL);
		phone_expect_status(c, 503);
		assert_true(phone_has(c, "Retry-After: "));
		if (i % 3 == 2)
			phone_ack(c, NULL);
	}
	assert_int_equal(k->core->overload.refused[RF_LOAD_INTERNAL], 3);
	assert_int_equal(k->core->overload.refused[RF_LOAD_REGISTER], 3);
	phone_in_dialog(a, "INVITE", NULL, SDP_HOLD);
	phone_expect(b, "INVITE");
	phone_answer(b, 200, NULL, SDP_PLAIN);
	phone_expect(b, "ACK");
	phone_expect_status(a, 200);
	phone_ack(a, NULL);
	for (int i = 0; i < 10; i++)
		rf_call_core_load(k->core, &(struct rf_load_sample){ .passed_us = 100000 });
	phone_request(c, "REGISTER", "sip:voice.example.org", "1003", "1003", NULL, NULL);
	phone_expect_status(c, 200);
	call_down(a, b);
	char *text = kit_record(k);

	assert_int_equal(count_of(text, "\"overload\""), 1);
	assert_int_equal(count_of(text, "\"overload.over\""), 1);
	assert_int_equal(count_of(text, "\"bound\":\"load\""), 9);
	free(text);
}

static void fill(struct kit *k)
{
	k->ua->bounds.server_transactions = (uint32_t)(k->ua->srv.count + k->ua->done.count);
	k->ua->bounds.client_transactions = (uint32_t)k->ua->cli.count;
}

static uint64_t turned_away(struct kit *k)
{
	struct rf_ua_stats stats;

	rf_ua_stats(k->ua, &stats);
	return stats.count[RF_UA_REFUSED_TRANSACTIONS];
}

/* The transactions are at their bound, whatever they are: a call still ends at both of its ends, and a call for help is
 * still heard. */
static void no_transaction_left(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *c = &k->phone[2];

	call_up(a, b, SDP_PLAIN, SDP_PLAIN);
	fill(k);
	phone_request(c, "OPTIONS", "sip:voice.example.org", "1003", "1003", NULL, NULL);
	phone_expect_status(c, 503);
	phone_request(c, "INVITE", "1002", "1003", "1002", NULL, SDP_PLAIN);
	phone_expect_status(c, 503);
	phone_ack(c, NULL);
	assert_int_equal(turned_away(k), 2);
	call_down(a, b);
	fill(k);
	phone_request(c, "INVITE", "112", "1003", "112", NULL, SDP_PLAIN);
	kit_run(k);
	assert_true(c->in != c->out); /* it was heard; this site has no way out */
	phone_forget(c);
	assert_int_equal(turned_away(k), 2);
}

/* What would be refused whoever sent it is refused before anybody asks who that is; what might be more is asked. */
static void load_before_identity(void **state)
{
	static const struct {
		const char *method, *to, *extra;
		unsigned calm, loaded;
	} rows[] = {
		{ "INVITE", "1002", NULL, 403, 503 },
		{ "INVITE", "112", NULL, 403, 403 },
		{ "INVITE", "*67112", NULL, 403, 403 },
		{ "INVITE", "1002", "Resource-Priority: dsn.flash\r\n", 403, 403 },
		{ "REGISTER", "sip:voice.example.org", NULL, 403, 503 },
		{ "OPTIONS", "sip:voice.example.org", NULL, 403, 503 },
	};
	struct rf_load_sample late = { .passed_us = 100000, .late_us = 5000000 };
	struct kit *k = *state;
	struct phone *eve = &k->phone[4];

	for (unsigned loaded = 0; loaded < 2; loaded++) {
		for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
			phone_request(eve, rows[i].method, rows[i].to, "1001", "1002", rows[i].extra,
				      rows[i].method[0] == 'I' ? SDP_PLAIN : NULL);
			phone_expect_status(eve, loaded ? rows[i].loaded : rows[i].calm);
			assert_int_equal(phone_has(eve, "Retry-After: "), loaded && rows[i].loaded == 503);
			if (rows[i].method[0] == 'I')
				phone_ack(eve, NULL);
		}
		for (int i = 0; i < 10; i++)
			rf_call_core_load(k->core, &late);
	}
	assert_int_equal(rf_call_core_counters(k->core)->identity_refused, 9);
}

/* What a call is worth: precedence that was granted is worth more, precedence that is only claimed is not. */
static void precedence_under_load(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1], *c = &k->phone[2];
	struct rf_load_sample late = { .passed_us = 100000, .late_us = 5000000 };
	uint64_t *refused = k->core->overload.refused;

	for (int i = 0; i < 10; i++)
		rf_call_core_load(k->core, &late);
	phone_request(a, "INVITE", "1002", "1001", "1002", "Resource-Priority: dsn.flash\r\n", SDP_PLAIN);
	phone_expect_status(a, 503);
	phone_ack(a, NULL);
	assert_int_equal(refused[RF_LOAD_PRECEDENCE], 1);
	phone_request(a, "INVITE", "1002", "1001", "1002", NULL, SDP_PLAIN);
	phone_expect_status(a, 503);
	phone_ack(a, NULL);
	phone_request(c, "INVITE", "1002", "1003", "1002", "Resource-Priority: dsn.flash\r\n", SDP_PLAIN);
	phone_expect_status(c, 503);
	phone_ack(c, NULL);
	assert_int_equal(refused[RF_LOAD_PRECEDENCE], 1);
	assert_int_equal(refused[RF_LOAD_INTERNAL], 2);
	/* Where calls of the site still wait, this one goes through. */
	late.late_us = 700000;
	for (int i = 0; i < 20; i++)
		rf_call_core_load(k->core, &late);
	assert_true(rf_overload_loss(&k->core->overload, RF_LOAD_INTERNAL, false) > 30);
	phone_request(a, "INVITE", "1002", "1001", "1002", "Resource-Priority: dsn.flash\r\n", SDP_PLAIN);
	phone_expect(b, "INVITE");
	phone_answer(b, 486, NULL, NULL);
	phone_expect(b, "ACK");
	phone_expect_status(a, 486);
	phone_ack(a, NULL);
}

static const struct {
	const char *dialled;
	enum rf_load_class worth;
} worths[] = {
	{ "1002", RF_LOAD_INTERNAL },
	{ "1800", RF_LOAD_INTERNAL },    /* a group */
	{ "*8", RF_LOAD_INTERNAL },      /* codes */
	{ "*721003", RF_LOAD_INTERNAL },
	{ "701", RF_LOAD_INTERNAL },     /* a parking slot */
	{ "+4930123456", RF_LOAD_EXTERNAL },
	{ "1999", RF_LOAD_EXTERNAL },    /* nobody's */
};

/* What belongs to the house is worth as much as its numbers; what leaves it is put off first. Not for those who came
 * another way than the datagrams that wait. */
static void what_a_call_is_worth(void **state)
{
	struct kit *k = *state;
	struct phone *c = &k->phone[2];
	uint64_t *refused = k->core->overload.refused;
	struct rf_load_sample full = { .passed_us = 100000, .udp_room = 1000, .udp_bytes = 900 };
	struct rf_load_sample busy = { .passed_us = 100000, .cpu_us = 100000 };

	for (int i = 0; i < 30; i++)
		rf_call_core_load(k->core, &full);
	assert_int_equal(rf_overload_loss(&k->core->overload, RF_LOAD_INTERNAL, true), 100);
	assert_int_equal(rf_overload_loss(&k->core->overload, RF_LOAD_EXTERNAL, false), 0);
	for (int i = 0; i < 300; i++)
		rf_call_core_load(k->core, &busy);
	assert_int_equal(rf_overload_loss(&k->core->overload, RF_LOAD_INTERNAL, true), 0);
	assert_int_equal(rf_overload_loss(&k->core->overload, RF_LOAD_EXTERNAL, true), 100);
	for (size_t i = 0; i < sizeof worths / sizeof *worths; i++) {
		uint64_t before = refused[RF_LOAD_EXTERNAL];

		k->now_us += 1000000;
		phone_request(c, "INVITE", worths[i].dialled, "1003", worths[i].dialled, NULL, SDP_PLAIN);
		if (worths[i].worth == RF_LOAD_EXTERNAL) {
			phone_expect_status(c, 503);
			phone_ack(c, NULL);
		} else {
			kit_wait(k, 100);
			phone_cancel(c);
			kit_wait(k, 100);
		}
		if (refused[RF_LOAD_EXTERNAL] != before + (worths[i].worth == RF_LOAD_EXTERNAL))
			fail_msg("%s is not %s", worths[i].dialled, rf_load_class_name(worths[i].worth));
		for (int p = 0; p < KIT_PHONES; p++)
			phone_forget(&k->phone[p]);
	}
	assert_int_equal(refused[RF_LOAD_INTERNAL], 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(refusals_fill_no_disk), T(requests_of_a_number), T(inside_a_call), T(calls_of_the_process),
		T(no_transaction_left),
		T(too_much_to_do), T(load_before_identity), T(precedence_under_load), T(what_a_call_is_worth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
