/* Number patterns and what they rewrite to; precedence values. */
#include "base/err.h"
#include "guard.h"
#include "site/pattern.h"
#include "site/precedence.h"

#include "site/site.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define V(s) rf_view_str(s)

static void patterns(void **state)
{
	static const char *const good[] = {
		"0", "1xxx", "+49900*", "0[1-9]*", "*72", "*8*", "[135]x", "#21", "+x*", "[0-35-9]", "1X",
	};
	static const char *const bad[] = { "", "*", "1*2", "1+", "++1", "[", "[]", "[9-1]", "[a]", "[1", "1 2", "a", "]", "1**" };
	char longest[66];

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		assert_true(rf_pattern_ok(V(good[i])));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (rf_pattern_ok(V(bad[i])))
			fail_msg("%s is a pattern", bad[i]);
	memset(longest, '1', sizeof longest);
	assert_true(rf_pattern_ok(rf_view_of(longest, 64)));
	assert_false(rf_pattern_ok(rf_view_of(longest, 65)));
}

static void matches(void **state)
{
	static const struct {
		const char *pattern, *number;
		bool yes;
	} rows[] = {
		{ "1xxx", "1234", true }, { "1xxx", "123", false }, { "1xxx", "12345", false },
		{ "1xxx", "2234", false }, { "1xxx", "12a4", false }, { "+49900*", "+49900", true },
		{ "+49900*", "+4990012", true }, { "+49900*", "4990012", false }, { "+49900*", "+4990", false },
		{ "+49900*", "+49900a", false }, { "0[1-9]*", "01", true }, { "0[1-9]*", "00", false },
		{ "0[1-9]*", "0", false }, { "[135]x", "39", true }, { "[135]x", "29", false }, { "*72", "*72", true },
		{ "*72", "172", false }, { "*7*", "*7123", true }, { "1", "", false }, { "x*", "", false },
		{ "x*", "1*", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rf_view pattern = guard_copy(V(rows[i].pattern)), number = guard_copy(V(rows[i].number));

		if (rf_pattern_match(pattern, number) != rows[i].yes)
			fail_msg("%s and %s", rows[i].pattern, rows[i].number);
		guard_free(pattern);
		guard_free(number);
	}
}

static void rewrites(void **state)
{
	static const struct {
		const char *pattern, *to, *number, *want;
	} rows[] = {
		{ "+4930123410xx", "10xx", "+493012341042", "1042" },
		{ "+4930123410xx", "1x", "+493012341042", "12" },
		{ "0[1-9]*", "+49x*", "030123", "+4930123" },
		{ "0*", "+49*", "0", "+49" },
		{ "7xxx", "+33140007xxx", "7123", "+33140007123" },
		{ "110", "112", "110", "112" },
		{ "7xxx", "1", "8123", NULL },
	};
	uint8_t buf[32];
	struct rf_view out;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_true(rf_pattern_to_ok(V(rows[i].pattern), V(rows[i].to)));
		int rc = rf_pattern_apply(V(rows[i].pattern), V(rows[i].to), V(rows[i].number), buf, sizeof buf, &out);

		assert_int_equal(rc, rows[i].want ? 0 : RF_E_NOT_FOUND);
		if (rows[i].want && !rf_view_eq(out, V(rows[i].want)))
			fail_msg("%s: %.*s", rows[i].number, RF_VFMT(out));
	}
	assert_false(rf_pattern_to_ok(V("1x"), V("xx")));
	assert_false(rf_pattern_to_ok(V("1x"), V("x*")));
	assert_false(rf_pattern_to_ok(V("1x"), V("+")));
	assert_false(rf_pattern_to_ok(V("1x"), V("")));
	assert_false(rf_pattern_to_ok(V("1x"), V("1-x")));
	assert_int_equal(rf_pattern_apply(V("1*"), V("*"), V("1123456"), buf, 5, &out), RF_E_LIMIT);
}

static void precedence(void **state)
{
	unsigned n, level;

	(void)state;
	assert_true(rf_precedence_find(V("DSN.Flash-Override"), &n, &level));
	assert_string_equal(rf_namespaces[n].name, "dsn");
	assert_int_equal(level, 4);
	assert_true(rf_precedence_find(V("q735.0"), &n, &level));
	assert_int_equal(level, 4);
	assert_false(rf_precedence_find(V("dsn.flash-override-override"), &n, &level));
	assert_true(rf_precedence_find(V("drsn.flash-override-override"), &n, &level));
	assert_false(rf_precedence_find(V("dsn"), &n, &level));
	assert_false(rf_precedence_find(V("dsn."), &n, &level));
	assert_false(rf_precedence_find(V(""), &n, &level));
	assert_true(rf_precedence_ok(V("dsn.flash wps.1")));
	assert_false(rf_precedence_ok(V("")));
	assert_false(rf_precedence_ok(V(" ")));
	assert_false(rf_precedence_ok(V("dsn.flash dsn.routine")));
	assert_true(rf_precedence_granted(V("dsn.flash wps.1"), 4, &level));
	assert_int_equal(level, 3);
	assert_false(rf_precedence_granted(V("dsn.flash"), 2, &level));
}

/* A site that marks its own way, and one that says nothing (RFC 4594, RFC 5865). */
static void marks(void **state)
{
	static const struct {
		const char *yaml;
		unsigned signalling, level[RF_PRECEDENCE_LEVELS_MAX + 1], emergency;
	} rows[] = {
		{ "", 40, { 46, 44, 44, 44, 44, 44, 44 }, 44 },
		{ "sip: { dscp: 24 }\nprecedence:\n  dscp: { routine: 49, priority: 47, immediate: 45, flash: 43,\n"
		  "          flash-override: 41, flash-override-override: 39, emergency: 0 }\n",
		  24, { 49, 47, 45, 43, 41, 39, 39 }, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char yaml[512];
		struct rf_site *site;

		snprintf(yaml, sizeof yaml, "site: a\ndomain: a.example\nlevel: medium\n%s", rows[i].yaml);
		assert_int_equal(rf_site_parse(rf_view_str(yaml), V(""), "site.yaml", (struct rf_wall){ 0 }, NULL, &site), 0);
		assert_int_equal(site->sip.dscp, rows[i].signalling);
		for (unsigned k = 0; k <= RF_PRECEDENCE_LEVELS_MAX; k++)
			assert_int_equal(rf_precedence_dscp(&site->tel.dscp, k, false), rows[i].level[k]);
		assert_int_equal(rf_precedence_dscp(&site->tel.dscp, 0, true), rows[i].emergency);
		rf_site_put(site);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns), cmocka_unit_test(matches), cmocka_unit_test(rewrites),
		cmocka_unit_test(precedence), cmocka_unit_test(marks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
