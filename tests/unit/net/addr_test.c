#include "net/addr.h"

#include "base/err.h"
#include "guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <sys/socket.h>

static void parse_and_text(void **state)
{
	static const struct { const char *in, *out; } cases[] = {
		{ "192.0.2.1", "192.0.2.1:5060" },
		{ "192.0.2.1:5061", "192.0.2.1:5061" },
		{ "0.0.0.0:0", "0.0.0.0:0" },
		{ "2001:db8::1", "[2001:db8::1]:5060" },
		{ "[2001:db8::1]", "[2001:db8::1]:5060" },
		{ "[2001:DB8:0:0::1]:65535", "[2001:db8::1]:65535" },
		{ "::", "[::]:5060" },
		{ "[fe80::1%3]:5060", "[fe80::1%3]:5060" },
		{ "fe80::1%4294967295", "[fe80::1%4294967295]:5060" },
		{ "::ffff:192.0.2.1", "192.0.2.1:5060" },
		{ "[::ffff:c000:201]:7", "192.0.2.1:7" },
		{ "", NULL }, { "192.0.2", NULL }, { "192.0.2.256", NULL }, { "192.0.2.1:", NULL },
		{ "192.0.2.1:65536", NULL }, { "192.0.2.1:-1", NULL }, { "192.0.2.1 ", NULL },
		{ "192.0.2.1:5060x", NULL },
		{ "[2001:db8::1", NULL }, { "[2001:db8::1]5060", NULL }, { "[]", NULL }, { "[", NULL }, { "]", NULL },
		{ "2001:db8::1::2", NULL }, { "[192.0.2.1]", NULL }, { "example.org", NULL },
		{ "[fe80::1%eth0]", NULL },
		{ "[fe80::1%]", NULL }, { ":", NULL }, { "::%99999999999", NULL }, { "1.2.3.4:00000005", NULL },
		{ "2001:db8:1111:2222:3333:4444:5555:6666:7777", NULL },
	};
	char text[RF_ADDR_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct rf_view in = guard_copy(rf_view_str(cases[i].in));
		struct rf_addr a;
		int rc = rf_addr_parse(in, 5060, &a);

		guard_free(in);
		if (rc != (cases[i].out ? 0 : RF_E_MALFORMED))
			fail_msg("%s: %d", cases[i].in, rc);
		if (rc)
			continue;
		assert_string_equal(rf_addr_text(&a, text), cases[i].out);
		struct rf_addr again;
		assert_int_equal(rf_addr_parse(rf_view_str(text), 0, &again), 0);
		assert_true(rf_addr_eq(&a, &again));
	}
}

static void sockaddrs(void **state)
{
	static const char *const cases[] = { "192.0.2.1:5060", "[2001:db8::1]:5061", "[fe80::1%7]:1" };
	struct sockaddr_storage sa;
	struct rf_addr a, b;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(rf_addr_parse(rf_view_str(cases[i]), 0, &a), 0);
		size_t n = rf_addr_to_sockaddr(&a, &sa);
		assert_int_equal(rf_addr_from_sockaddr((struct sockaddr *)&sa, n, &b), 0);
		assert_true(rf_addr_eq(&a, &b));
		assert_int_equal(rf_addr_from_sockaddr((struct sockaddr *)&sa, n - 1, &b), RF_E_MALFORMED);
	}
	assert_int_equal(rf_addr_from_sockaddr((struct sockaddr *)&sa, 1, &b), RF_E_MALFORMED);
	sa.ss_family = AF_UNIX;
	assert_int_equal(rf_addr_from_sockaddr((struct sockaddr *)&sa, sizeof sa, &b), RF_E_UNSUPPORTED);
	a = (struct rf_addr){ 0 };
	assert_int_equal(rf_addr_to_sockaddr(&a, &sa), 0);
	char text[RF_ADDR_TEXT];
	assert_string_equal(rf_addr_text(&a, text), "none");
}

static void questions(void **state)
{
	struct rf_addr a, b;
	struct rf_hash_key key = { 1, 2 };
	struct rf_writer w;
	char buf[64];

	(void)state;
	rf_addr_parse(RF_V("192.0.2.1:1"), 0, &a);
	rf_addr_parse(RF_V("192.0.2.1:2"), 0, &b);
	assert_true(rf_addr_same_ip(&a, &b));
	assert_false(rf_addr_eq(&a, &b));
	assert_int_not_equal(rf_addr_hash(&key, &a), rf_addr_hash(&key, &b));
	rf_addr_parse(RF_V("[2001:db8::1]:1"), 0, &b);
	assert_false(rf_addr_same_ip(&a, &b));
	rf_writer_init(&w, buf, sizeof buf);
	rf_addr_put_host(&w, &b, true);
	rf_addr_put_host(&w, &b, false);
	rf_addr_put_host(&w, &a, true);
	assert_int_equal(w.err, 0);
	assert_true(rf_view_eq(rf_view_of(buf, w.n), RF_V("[2001:db8::1]2001:db8::1192.0.2.1")));
	static const struct { const char *text; bool any, loopback, multicast; } cases[] = {
		{ "0.0.0.0", true, false, false }, { "::", true, false, false }, { "127.8.0.1", false, true, false },
		{ "::1", false, true, false }, { "224.0.1.75", false, false, true }, { "ff02::1", false, false, true },
		{ "10.0.0.1", false, false, false },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		rf_addr_parse(rf_view_str(cases[i].text), 0, &a);
		assert_int_equal(rf_addr_is_any(&a), cases[i].any);
		assert_int_equal(rf_addr_is_loopback(&a), cases[i].loopback);
		assert_int_equal(rf_addr_is_multicast(&a), cases[i].multicast);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse_and_text),
		cmocka_unit_test(sockaddrs),
		cmocka_unit_test(questions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
