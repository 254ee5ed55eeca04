/* The end of a process in the middle of things: calls, and a question of an administrator that is on its way. What the
 * loop still holds then must not be of a core that is gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "kit.h"

#include <cmocka.h>

static struct kit *site(void)
{
	struct kit *k = kit_new("minimum");

	for (int i = 0; i < 2; i++)
		phone_register(&k->phone[i]);
	return k;
}

static void ringing(void **state)
{
	struct kit *k = site();

	(void)state;
	phone_request(&k->phone[0], "INVITE", "1002", "1001", "1002", NULL, SDP_PLAIN);
	phone_expect(&k->phone[1], "INVITE");
	kit_free(k);
}

static void talking(void **state)
{
	struct kit *k = site();

	(void)state;
	call_up(&k->phone[0], &k->phone[1], SDP_PLAIN, SDP_PLAIN);
	kit_free(k);
}

static void took(void *ctx, int err, struct rf_view json)
{
	(void)json;
	*(int *)ctx = err;
}

static void asked(void **state)
{
	struct rf_control_query q = { .verb = RF_CONTROL_COUNTERS };
	struct kit *k = site();
	int err = 0;

	(void)state;
	assert_int_equal(rf_control_ask(k->loop, &k->core, 1, &q, took, &err), 0);
	kit_free(k);
	assert_int_equal(err, RF_E_CLOSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(ringing), cmocka_unit_test(talking),
					    cmocka_unit_test(asked) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
