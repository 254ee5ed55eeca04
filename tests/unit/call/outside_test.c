/* Bounds of a class of service on calls, refusals as they stand in the record, and outside calls that end when the
 * right to them does. The trunk is played by a phone: what is looked at is who may go on talking. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "call/outside.h"
#include "kit.h"

#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const char more[] =
	"dial_plans: { d: { country_code: 49, outside: 0 } }\n"
	"class: limited\n"
	"classes:\n"
	"  limited: { grants: [internal, local], calls: 1, calls_per_hour: 3 }\n"
	"  travel: { grants: [internal, international], abroad_minutes_per_day: 2 }\n"
	"trunks: [ { name: t, peer: t.example } ]\n"
	"emergency: { via: [t] }\n";

static int setup(void **state)
{
	struct kit *k = kit_new_with("minimum", more);

	kit_ledger(k);
	for (int i = 0; i < 3; i++)
		phone_register(&k->phone[i]);
	*state = k;
	return 0;
}

static int teardown(void **state)
{
	struct kit *k = *state;
	struct rf_usage_counts n;

	kit_census(k);
	assert_int_equal(rf_call_core_census(k->core).outside, 0);
	rf_usage_counts(rf_call_shared_usage(k->core->shared), &n);
	assert_int_equal(n.calls, 0);
	kit_free(k);
	return 0;
}

static void invite(struct phone *p, const char *number, unsigned code)
{
	char uri[128];

	snprintf(uri, sizeof uri, "sip:%s@voice.example.org", number);
	phone_request(p, "INVITE", uri, p->number, number, NULL, SDP_PLAIN);
	phone_expect_status(p, code);
}

static void one_call_at_a_time(void **state)
{
	struct kit *k = *state;
	struct phone *a = &k->phone[0], *b = &k->phone[1];

	call_up(a, b, SDP_PLAIN, SDP_PLAIN);
	struct phone kept = *a;

	phone_request(a, "INVITE", "sip:1003@voice.example.org", "1001", "1003", NULL, SDP_PLAIN);
	phone_expect_status(a, 503);
	assert_true(phone_has(a, "Retry-After"));
	memcpy(a->call_id, kept.call_id, sizeof a->call_id);
	memcpy(a->local, kept.local, sizeof a->local);
	memcpy(a->remote, kept.remote, sizeof a->remote);
	memcpy(a->target, kept.target, sizeof a->target);
	call_down(a, b);
	kit_wait(k, 40000);
	phone_forget(a);
	call_up(a, b, SDP_PLAIN, SDP_PLAIN);
	call_down(a, b);
	kit_wait(k, 40000);
	phone_forget(a);
	call_up(a, b, SDP_PLAIN, SDP_PLAIN);
	call_down(a, b);
	invite(a, "1003", 503); /* the fourth of the hour */
	assert_int_equal(rf_call_core_counters(k->core)->calls_over_use, 2);
	char *text = kit_record(k);

	assert_int_equal(count_of(text, "\"rule\":\"calls\""), 1);
	assert_int_equal(count_of(text, "\"rule\":\"calls-per-hour\""), 1);
	free(text);
}

static void refusals_say_why(void **state)
{
	struct kit *k = *state;

	invite(&k->phone[0], "00033140", 403);
	invite(&k->phone[0], "%2b33-140", 403);
	invite(&k->phone[0], "9999", 404);
	char *text = kit_record(k);

	assert_int_equal(count_of(text, "\"rule\":\"class-denied\",\"class\":\"international\",\"file\":\"site.yaml\",\"line\":"), 2);
	assert_int_equal(count_of(text, "in full +33140 (international prefix)"), 1);
	assert_int_equal(count_of(text, "in full +33140 (dialled with +)"), 1);
	assert_int_equal(count_of(text, "refused, 403 class-denied: not granted to the caller's "
					"class of service (site.yaml:"), 2);
	assert_int_equal(count_of(text, "\"rule\":\"no-such-number\""), 1);
	free(text);
}

/* --- the end of a right */

static void gone(struct rf_leg *leg)
{
	rf_outside_end(leg->aim_arg);
	free(leg->aim_arg);
}

static const struct rf_aim_ops trunk_ops = { .gone = gone };

/* The answered call of k is one to the outside, by the right of this user. */
static void goes_outside(struct kit *k, const char *user)
{
	struct rf_leg *leg = TAILQ_FIRST(&k->core->calls)->up->b;
	const struct rf_dial_who who = { .number = RF_V("1001"), .user = rf_view_str(user) };
	struct rf_outside *o = malloc(sizeof *o);

	rf_dial(&(struct rf_dial_ask){ k->core->directory, who, RF_V("00033140"), rf_core_wall(k->core), false },
		&k->core->dial);
	assert_int_equal(k->core->dial.kind, RF_DIAL_OUTSIDE);
	assert_int_equal(rf_outside_begin(o, leg, k->core, &who, RF_V("00033140"), &k->core->dial), 0);
	leg->aim = &trunk_ops;
	leg->aim_arg = o;
	rf_outside_answered(o);
	assert_int_equal(rf_call_core_census(k->core).outside, 1);
}

static void set_class(struct kit *k, const char *class, int64_t until_s)
{
	struct rf_store_user u = { .name = RF_V("maria"), .class_name = rf_view_str(class), .class_until_s = until_s };

	assert_int_equal(rf_store_user_class(k->store, &u, NULL), 0);
	kit_reload(k);
}

static void both_hear_bye(struct kit *k)
{
	for (int i = 0; i < 2; i++) {
		phone_expect(&k->phone[i], "BYE");
		assert_true(phone_has(&k->phone[i], "No longer allowed"));
		phone_answer(&k->phone[i], 200, NULL, NULL);
	}
	kit_run(k);
	assert_int_equal(rf_call_core_counters(k->core)->calls_over_grant, 1);
}

static void begin(struct kit *k, int64_t until_s)
{
	kit_user(k, "maria", "1001", "a long password");
	set_class(k, "travel", until_s);
	call_up(&k->phone[0], &k->phone[1], SDP_PLAIN, SDP_PLAIN);
	goes_outside(k, "maria");
}

static void a_grant_falls(void **state)
{
	struct kit *k = *state;

	begin(k, 0);
	set_class(k, "travel", 0); /* a reload that changes nothing */
	phone_silent(&k->phone[0]);
	set_class(k, "", 0);
	both_hear_bye(k);
	char *text = kit_record(k);

	assert_int_equal(count_of(text, "\"why\":\"not granted to the caller's class of service\""), 1);
	free(text);
}

static void a_grant_ends(void **state)
{
	struct kit *k = *state;

	begin(k, rf_core_wall(k->core).us / 1000000 + 90);
	kit_wait(k, 61000);
	phone_silent(&k->phone[0]);
	kit_wait(k, 61000);
	both_hear_bye(k);
}

static void the_minutes_run_out(void **state)
{
	struct kit *k = *state;
	const struct rf_dial_who who = { .number = RF_V("1001"), .user = RF_V("maria") };
	struct rf_outside o;

	begin(k, 0);
	kit_wait(k, 61000);
	phone_silent(&k->phone[0]);
	kit_wait(k, 61000);
	both_hear_bye(k);
	rf_dial(&(struct rf_dial_ask){ k->core->directory, who, RF_V("00033140"), rf_core_wall(k->core), false },
		&k->core->dial);
	assert_int_equal(rf_outside_begin(&o, NULL, k->core, &who, RF_V("00033140"), &k->core->dial), RF_E_DENIED);
	char *text = kit_record(k);

	assert_int_equal(count_of(text, "\"why\":\"the minutes abroad of this day are used up\""), 1);
	free(text);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(one_call_at_a_time), T(refusals_say_why), T(a_grant_falls), T(a_grant_ends), T(the_minutes_run_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
