/* Names, numbers, addresses, edit distance, levels, device URNs. */
#include "site/near.h"
#include "site/site.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define V(s) rf_view_str(s)

static void names(void **state)
{
	static const char *const good[] = { "a", "lobby-1", "A_b.c", "9", "a.b" };
	static const char *const bad[] = { "", "-a", ".a", "a..b", "a b", "a/b", "a\xc3\xa4", "../a", "_" };
	char longest[65];

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		assert_true(rf_site_name_ok(V(good[i])));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(rf_site_name_ok(V(bad[i])));
	memset(longest, 'a', 64);
	assert_true(rf_site_name_ok(rf_view_of(longest, 63)));
	assert_false(rf_site_name_ok(rf_view_of(longest, 64)));
}

static void numbers(void **state)
{
	(void)state;
	assert_true(rf_site_number_ok(V("0")));
	assert_true(rf_site_number_ok(V("+4930123")));
	assert_true(rf_site_number_ok(V("12345678901234567890123456789012")));
	assert_false(rf_site_number_ok(V("123456789012345678901234567890123")));
	assert_false(rf_site_number_ok(V("")));
	assert_false(rf_site_number_ok(V("+")));
	assert_false(rf_site_number_ok(V("12 34")));
	assert_false(rf_site_number_ok(V("1+2")));
}

static void macs(void **state)
{
	uint8_t mac[6];

	(void)state;
	assert_true(rf_site_mac_parse(V("00:1b:54:Ff:00:01"), mac));
	assert_int_equal(mac[3], 0xff);
	assert_true(rf_site_mac_parse(V("00-1b-54-00-00-01"), mac));
	assert_true(rf_site_mac_parse(V("001b54000001"), mac));
	assert_false(rf_site_mac_parse(V("00:1b-54:00:00:01"), mac));
	assert_false(rf_site_mac_parse(V("00:1b:54:00:00"), mac));
	assert_false(rf_site_mac_parse(V("00:1b:54:00:00:0g"), mac));
	assert_false(rf_site_mac_parse(V(""), mac));
}

static void addresses(void **state)
{
	struct rf_site_ip ip, net;

	(void)state;
	assert_true(rf_site_ip_parse(V("10.30.15.255"), false, &ip));
	assert_true(rf_site_ip_parse(V("10.30.0.0/20"), true, &net));
	assert_true(rf_site_ip_in(&ip, &net));
	assert_true(rf_site_ip_parse(V("10.30.16.0"), false, &ip));
	assert_false(rf_site_ip_in(&ip, &net));
	assert_true(rf_site_ip_parse(V("0.0.0.0/0"), true, &net));
	assert_true(rf_site_ip_in(&ip, &net));
	assert_true(rf_site_ip_parse(V("fd00:20::1"), false, &ip));
	assert_false(rf_site_ip_in(&ip, &net));
	assert_true(rf_site_ip_parse(V("fd00:20::/64"), true, &net));
	assert_true(rf_site_ip_in(&ip, &net));
	assert_true(rf_site_ip_parse(V("::1/128"), true, &net));
	assert_false(rf_site_ip_parse(V("10.0.0.1/24"), true, &net));
	assert_false(rf_site_ip_parse(V("10.0.0.0/33"), true, &net));
	assert_false(rf_site_ip_parse(V("10.0.0.0"), true, &net));
	assert_false(rf_site_ip_parse(V("10.0.0.0/8"), false, &net));
	assert_false(rf_site_ip_parse(V("10.0.0"), false, &net));
	assert_false(rf_site_ip_parse(V(""), false, &net));
}

static void distances(void **state)
{
	static const struct { const char *a, *b; unsigned d; } cases[] = {
		{ "domain", "domain", 0 }, { "domian", "domain", 1 }, { "zonse", "zones", 1 }, { "lvel", "level", 1 },
		{ "", "abc", 3 }, { "kitten", "sitting", 3 }, { "LEVEL", "level", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_int_equal(rf_near_distance(V(cases[i].a), V(cases[i].b)), cases[i].d);
	assert_false(rf_near_enough(2, 2));
	assert_true(rf_near_enough(1, 3));
}

static void catalogue(void **state)
{
	unsigned levels = 0;

	(void)state;
	assert_true(rf_mitigation_known(V(RF_MIT_SIGNALING), &levels));
	assert_int_equal(levels, 6);
	assert_true(rf_mitigation_known(V(RF_MIT_MEDIA), &levels));
	assert_int_equal(levels, 4);
	assert_true(rf_mitigation_known(V(RF_MIT_MUTUAL), NULL));
	assert_true(rf_mitigation_known(V(RF_MIT_PASSWORD), NULL));
	assert_true(rf_mitigation_known(V("pub-encrypt-voip"), NULL));
	assert_false(rf_mitigation_known(V("no-such-thing"), NULL));
	assert_string_equal(rf_mitigation_near(V("ph-soft-nun")), "ph-soft-none");
	assert_null(rf_mitigation_near(V("qqqqqqqq")));
}

static void urns(void **state)
{
	struct rf_site site = { .domain = V("voice.example.org") };
	char a[RF_SITE_URN], b[RF_SITE_URN];

	(void)state;
	rf_site_urn(&site, V("lobby-1"), a);
	rf_site_urn(&site, V("lobby-1"), b);
	assert_string_equal(a, b);
	assert_int_equal(strlen(a), RF_SITE_URN - 1);
	assert_int_equal(a[9 + 14], '8');
	rf_site_urn(&site, V("lobby-2"), b);
	assert_string_not_equal(a, b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names), cmocka_unit_test(numbers), cmocka_unit_test(macs), cmocka_unit_test(addresses),
		cmocka_unit_test(distances), cmocka_unit_test(catalogue), cmocka_unit_test(urns),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
