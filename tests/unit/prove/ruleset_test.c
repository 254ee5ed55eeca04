/* A ruleset as readers build it: values, bounds, what the check of the whole refuses. */
#include "fail_alloc.h"
#include "prove/ruleset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static struct rf_rs_chain *chain(struct rf_ruleset *rs, const char *name)
{
	struct rf_rs_chain *c = rf_rs_chain(rs, rf_view_str(name));

	if (c)
		c->defined = true;
	return c;
}

static struct rf_rs_rule *jump(struct rf_ruleset *rs, struct rf_rs_chain *from, struct rf_rs_chain *to)
{
	struct rf_rs_rule *r = rf_rs_rule(rs, from, 7, RF_V("jump"));

	if (r) {
		r->verdict = RF_RS_JUMP;
		r->target = to;
	}
	return r;
}

static void addresses(void **state)
{
	static const struct { const char *text; bool ok; uint8_t family; const char *lo, *hi; } cases[] = {
		{ "10.1.2.3", true, 4, "\x0a\x01\x02\x03", "\x0a\x01\x02\x03" },
		{ "10.1.2.3/8", true, 4, "\x0a\0\0\0", "\x0a\xff\xff\xff" },
		{ "10.1.2.3/0", true, 4, "\0\0\0\0", "\xff\xff\xff\xff" },
		{ "10.1.2.0/23", true, 4, "\x0a\x01\x02\0", "\x0a\x01\x03\xff" },
		{ "10.0.0.1-10.0.0.9", true, 4, "\x0a\0\0\x01", "\x0a\0\0\x09" },
		{ "fd00::1/8", true, 6, "\xfd\0\0\0", "\xfd\xff\xff\xff" },
		{ "10.0.0.9-10.0.0.1", false }, { "10.0.0.1-fd00::1", false }, { "10.0.0.0/33", false },
		{ "10.0.0/24", false }, { "", false }, { "/8", false }, { "10.0.0.1/", false }, { "10.0.0.1-", false },
		{ "fd00::/129", false }, { "10.0.0.1/+8", false }, { " 10.0.0.1", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct rf_rs_cell c;

		if (rf_rs_address(rf_view_str(cases[i].text), &c) != cases[i].ok)
			fail_msg("%s", cases[i].text);
		if (!cases[i].ok)
			continue;
		assert_int_equal(c.family, cases[i].family);
		assert_memory_equal(c.ip.lo, cases[i].lo, 4);
		assert_memory_equal(c.ip.hi, cases[i].hi, 4);
	}
}

static int build(struct rf_ruleset *rs)
{
	static const uint8_t fields[] = { RF_RS_SRC, RF_RS_DPORT };

	rf_ruleset_init(rs, "file.nft", "nftables");
	struct rf_rs_chain *a = chain(rs, "a"), *b = chain(rs, "b");
	struct rf_rs_set *set = rf_rs_set(rs, RF_V("peers"), 2);
	struct rf_rs_cell row[2] = { rf_rs_num(0, 0), rf_rs_num(5060, 5061) };

	rf_rs_address(RF_V("10.0.0.0/8"), &row[0]);
	for (int i = 0; i < 5 && set; i++)
		rf_rs_row(rs, set, row);
	struct rf_rs_rule *r = a ? rf_rs_rule(rs, a, 3, RF_V(" tcp dport 5061\taccept")) : NULL;
	if (r && set) {
		rf_rs_match_set(rs, r, set, fields, 2, true);
		rf_rs_match_num(rs, r, RF_RS_PROTO, 6, 6, false);
		rf_rs_match_cell(rs, r, RF_RS_IN, rf_rs_interface(rs, RF_V("vlan*")), false);
		rf_rs_match_sometimes(rs, r, RF_RS_REST_YES, "limit rate 5/second");
		rf_rs_match_kind(rs, r, RF_RS_RPF, true);
		rf_rs_effect(rs, r, RF_RS_SET_MARK, 5);
		rf_rs_strict(rs, RF_V(""));
		if (b)
			jump(rs, a, b);
		rf_rs_hook(rs, RF_RS_HOOK_FORWARD, a, 0, RF_RS_DROP);
	}
	return rf_ruleset_check(rs);
}

static void a_ruleset(void **state)
{
	struct rf_ruleset rs;

	(void)state;
	assert_int_equal(build(&rs), 0);
	assert_int_equal(rs.rule_count, 2);
	assert_string_equal(rs.chains->rules->text, "tcp dport 5061 accept");
	assert_ptr_equal(rf_rs_set_named(&rs, RF_V("peers")), rs.chains->rules->matches->set);
	assert_null(rf_rs_set_named(&rs, RF_V("peer")));
	assert_int_equal(rs.chains->rules->match_count, 5);
	assert_string_equal(rs.strict->name, "*");
	rf_ruleset_fini(&rs);
}

static void without_memory(void **state)
{
	(void)state;
	for (unsigned n = 1;; n++) {
		struct rf_ruleset rs;

		fail_alloc_at(n);
		int rc = build(&rs);
		bool failed = fail_alloc_off();
		rf_ruleset_fini(&rs);
		if (!failed)
			break;
		assert_int_equal(rc, -ENOMEM);
	}
}

static void refused(void **state)
{
	struct rf_ruleset rs;

	(void)state;
	/* A chain that is not there. */
	rf_ruleset_init(&rs, "f", "t");
	jump(&rs, chain(&rs, "a"), rf_rs_chain(&rs, RF_V("nowhere")));
	assert_int_equal(rf_ruleset_check(&rs), RF_E_MALFORMED);
	assert_int_equal(rs.diag.line, 7);
	assert_non_null(strstr(rs.diag.text, "nowhere"));
	rf_ruleset_fini(&rs);
	/* In a circle. */
	rf_ruleset_init(&rs, "f", "t");
	jump(&rs, chain(&rs, "a"), chain(&rs, "b"));
	jump(&rs, chain(&rs, "b"), chain(&rs, "a"));
	rf_rs_hook(&rs, RF_RS_HOOK_INPUT, chain(&rs, "a"), 0, RF_RS_DROP);
	assert_int_equal(rf_ruleset_check(&rs), RF_E_LIMIT);
	rf_ruleset_fini(&rs);
	/* Values that cannot be. */
	static const struct { enum rf_rs_field field; uint32_t lo, hi; } values[] = {
		{ RF_RS_DPORT, 5, 4 }, { RF_RS_DPORT, 0, 65536 }, { RF_RS_PROTO, 256, 256 }, { RF_RS_STATE, 5, 5 },
		{ RF_RS_IN, 1, 1 }, { RF_RS_SRC, 1, 1 },
	};
	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		rf_ruleset_init(&rs, "f", "t");
		rf_rs_match_num(&rs, rf_rs_rule(&rs, chain(&rs, "a"), 1, RF_V("x")), values[i].field, values[i].lo,
				values[i].hi, false);
		assert_int_equal(rf_ruleset_check(&rs), RF_E_MALFORMED);
		rf_ruleset_fini(&rs);
	}
	/* One match too many, and the error stays the first. */
	rf_ruleset_init(&rs, "f", "t");
	struct rf_rs_rule *r = rf_rs_rule(&rs, chain(&rs, "a"), 1, RF_V("x"));
	for (int i = 0; i < RF_RS_MATCHES_MAX; i++)
		assert_non_null(rf_rs_match_kind(&rs, r, RF_RS_LOCAL, false));
	assert_null(rf_rs_match_kind(&rs, r, RF_RS_LOCAL, false));
	assert_int_equal(rf_rs_fail(&rs, RF_E_MALFORMED, 1, "later"), RF_E_LIMIT);
	assert_null(rf_rs_chain(&rs, RF_V("b")));
	rf_ruleset_fini(&rs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses), cmocka_unit_test(a_ruleset), cmocka_unit_test(without_memory),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
