#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "guard.h"
#include "ua/flow.h"
#include "ua/ids.h"

static void test_made_and_read(void **state)
{
	struct rf_random random;

	(void)state;
	rf_random_system(&random);
	for (unsigned w = 0; w < 256; w++) {
		struct rf_id a, b;
		struct rf_branch branch;

		rf_id_make(&random, (uint8_t)w, &a);
		rf_id_make(&random, (uint8_t)w, &b);
		rf_branch_make(&random, (uint8_t)w, &branch);
		assert_memory_not_equal(a.text, b.text, sizeof a.text);
		assert_int_equal(rf_id_worker(rf_id_view(&a)), w);
		assert_int_equal(rf_branch_worker(rf_branch_view(&branch)), w);
		assert_int_equal(rf_id_worker(rf_branch_view(&branch)), -1);
	}
}

static void test_not_ours(void **state)
{
	static const struct {
		const char *text;
		int worker;
	} cases[] = {
		{ "", -1 },
		{ "rf", -1 },
		{ "rf0a0123456789abcdef0123", 10 },
		{ "rf0a0123456789abcdef0123@host.example", 10 },
		{ "rf0a0123456789abcdef012", -1 },
		{ "rf0a0123456789abcdef01234", -1 },
		{ "rf0A0123456789abcdef0123", -1 },
		{ "rf0g0123456789abcdef0123", -1 },
		{ "rf0a0123456789abcdef012x", -1 },
		{ "xf0a0123456789abcdef0123", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct rf_view v = guard_copy(rf_view_str(cases[i].text));

		assert_int_equal(rf_id_worker(v), cases[i].worker);
		guard_free(v);
	}
	assert_int_equal(rf_branch_worker(RF_V("z9hG4bKrf0a0123456789abcdef0123")), 10);
	assert_int_equal(rf_branch_worker(RF_V("z9hG4bkrf0a0123456789abcdef0123")), -1);
	assert_int_equal(rf_branch_worker(RF_V("z9hG4bK")), -1);
}

static void test_flows(void **state)
{
	struct rf_flow udp = { .kind = RF_FLOW_UDP, .worker = 1 }, tls = { .kind = RF_FLOW_TLS, .stream = 9 };
	struct rf_hash_key key = { 1, 2 };
	char text[RF_FLOW_TEXT];

	(void)state;
	assert_int_equal(rf_addr_parse(RF_V("[2001:db8::7]:5062"), 0, &udp.remote), 0);
	struct rf_flow same = udp, other = udp;
	same.worker = 2; /* every worker has the socket */
	other.remote.port++;
	assert_true(rf_flow_eq(&udp, &same));
	assert_int_equal(rf_flow_hash(&key, &udp), rf_flow_hash(&key, &same));
	assert_false(rf_flow_eq(&udp, &other));
	other = udp;
	other.listener = 1;
	assert_false(rf_flow_eq(&udp, &other));
	assert_string_equal(rf_flow_text(&udp, text), "udp [2001:db8::7]:5062");
	same = tls;
	assert_true(rf_flow_eq(&tls, &same));
	same.worker = 3;
	assert_false(rf_flow_eq(&tls, &same));
	same = tls;
	same.stream = 10;
	assert_false(rf_flow_eq(&tls, &same));
	same.kind = RF_FLOW_TCP;
	assert_false(rf_flow_eq(&tls, &same));
	assert_string_equal(rf_flow_text(&(struct rf_flow){ 0 }, text), "none");
	assert_string_equal(rf_flow_kind_name(200), "none");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_made_and_read),
		cmocka_unit_test(test_not_ours),
		cmocka_unit_test(test_flows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
