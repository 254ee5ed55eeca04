/* Sets against one packet at a time: random small rulesets, all packets of a small world. What passes as a set must be
 * what passes packet by packet, whatever the rules are. RF_PROVE_RULESETS in the environment: how many. */
#include "prove/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { RULESETS = 1500, PACKETS = 48, WORLD = 4096 };

static uint64_t seed;

static unsigned pick(unsigned n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % n;
}

static bool chance(unsigned percent)
{
	return pick(100) < percent;
}

/* --- rules */

static const char *const names[] = { "a", "ab", "b" };

static struct rf_rs_cell any_address(void)
{
	bool v6 = chance(30);
	uint8_t lo[16] = { (uint8_t)(v6 ? 0xfd : 10) }, hi[16] = { (uint8_t)(v6 ? 0xfd : 10) };
	size_t last = v6 ? 15 : 3;

	lo[last] = (uint8_t)pick(4);
	hi[last] = (uint8_t)(lo[last] + pick(4 - lo[last]));
	if (chance(30))
		return rf_rs_prefix(v6 ? 6 : 4, lo, (v6 ? 126 : 30) + pick(3));
	if (chance(15)) {
		uint8_t mask[16] = { 0xff };

		mask[last] = (uint8_t)pick(4);
		return rf_rs_masked(v6 ? 6 : 4, lo, mask);
	}
	return rf_rs_span(v6 ? 6 : 4, lo, hi);
}

static struct rf_rs_cell any_cell(struct rf_ruleset *rs, enum rf_rs_field field)
{
	static const uint8_t most[RF_RS_FIELDS] = {
		[RF_RS_SPORT] = 3, [RF_RS_DPORT] = 3, [RF_RS_ICMP_TYPE] = 3, [RF_RS_ICMP_CODE] = 1,
		[RF_RS_FRAGMENT] = 1, [RF_RS_STATE] = 4, [RF_RS_DIRECTION] = 1, [RF_RS_MARK] = 3, [RF_RS_DSCP] = 1,
		[RF_RS_PKTTYPE] = 1,
	};
	static const uint8_t protos[] = { 1, 6, 17, 58 };
	unsigned lo;

	if (field == RF_RS_SRC || field == RF_RS_DST)
		return any_address();
	if (field == RF_RS_IN || field == RF_RS_OUT)
		return rf_rs_interface(rs, chance(20) ? RF_V("a*") : rf_view_str(names[pick(3)]));
	if (chance(5))
		return (struct rf_rs_cell){ .kind = RF_RS_ANY };
	if (field == RF_RS_FAMILY)
		return rf_rs_num(chance(50) ? 4 : 6, 6);
	if (field == RF_RS_PROTO) {
		lo = protos[pick(4)];
		return rf_rs_num(lo, chance(80) ? lo : 255);
	}
	if (field == RF_RS_TCP_FLAGS)
		return (struct rf_rs_cell){ .kind = RF_RS_MASK, .num = { 2u * pick(2), 2u + 16u * pick(2) } };
	lo = pick(most[field] + 1u);
	return rf_rs_num(lo, lo + pick(most[field] - lo + 1u));
}

static void any_match(struct rf_ruleset *rs, struct rf_rs_rule *r, struct rf_rs_set *const *sets)
{
	static const uint8_t often[] = {
		RF_RS_SRC, RF_RS_DST, RF_RS_DST, RF_RS_SPORT, RF_RS_DPORT, RF_RS_DPORT, RF_RS_PROTO, RF_RS_STATE,
		RF_RS_IN, RF_RS_OUT, RF_RS_IN, RF_RS_OUT, RF_RS_FAMILY, RF_RS_ICMP_TYPE, RF_RS_ICMP_CODE,
		RF_RS_TCP_FLAGS, RF_RS_FRAGMENT, RF_RS_DIRECTION, RF_RS_MARK, RF_RS_DSCP, RF_RS_PKTTYPE,
	};
	unsigned what = pick(100);

	if (what < 6) {
		rf_rs_match_sometimes(rs, r, pick(3), "chance");
	} else if (what < 9) {
		rf_rs_match_kind(rs, r, RF_RS_RPF, chance(50));
	} else if (what < 12) {
		struct rf_rs_match *m = rf_rs_match_kind(rs, r, RF_RS_LOCAL, chance(30));

		m->types = (uint8_t)pick(16);
	} else if (what < 24) {
		const struct rf_rs_set *set = sets[pick(3)];
		uint8_t fields[3] = { RF_RS_SRC, RF_RS_DPORT, RF_RS_IN };

		if (set->changes)
			fields[0] = RF_RS_DST;
		rf_rs_match_set(rs, r, set, fields, set->field_count, chance(20));
	} else {
		enum rf_rs_field field = often[pick(sizeof often)];

		rf_rs_match_cell(rs, r, field, any_cell(rs, field), chance(20));
	}
}

static void any_rule(struct rf_ruleset *rs, struct rf_rs_chain *const *chains, unsigned at,
		     struct rf_rs_set *const *sets)
{
	static const uint8_t verdicts[] = {
		RF_RS_ACCEPT, RF_RS_ACCEPT, RF_RS_DROP, RF_RS_DROP, RF_RS_RETURN, RF_RS_NEXT
	};
	struct rf_rs_rule *r = rf_rs_rule(rs, chains[at], 1 + pick(100), RF_V("rule"));

	for (unsigned n = pick(4); n > 0; n--)
		any_match(rs, r, sets);
	r->family = (uint8_t)(chance(10) ? 4 : 0);
	r->verdict = verdicts[pick(sizeof verdicts)];
	if (at < 3 && chance(20)) {
		r->verdict = chance(70) ? RF_RS_JUMP : RF_RS_GOTO;
		r->target = chains[at < 2 ? 2 : 3];
	}
	if (chance(8))
		rf_rs_effect(rs, r, RF_RS_SET_MARK, pick(4));
	if (chance(4))
		rf_rs_effect(rs, r, RF_RS_SET_DSCP, pick(2));
	if (chance(6))
		rf_rs_effect(rs, r, RF_RS_NOTRACK, 0);
}

static void any_hook(struct rf_ruleset *rs, struct rf_rs_chain *c, unsigned kind)
{
	static const int16_t priorities[] = { -300, -200, -150, 0, 0 };
	struct rf_rs_hook *h = rf_rs_hook(rs, kind, c, priorities[pick(5)], chance(70) ? RF_RS_DROP : RF_RS_ACCEPT);

	h->family = (uint8_t)(chance(20) ? 4 + 2 * pick(2) : 0);
	h->own = chance(50);
	if (chance(20))
		h->interface = rf_rs_interface(rs, rf_view_str(names[pick(3)])).name;
}

static void any_ruleset(struct rf_ruleset *rs)
{
	struct rf_rs_chain *chains[4];
	struct rf_rs_set *sets[3];

	rf_ruleset_init(rs, "random", "random");
	rs->tracks = chance(80);
	rs->reassembles = chance(50);
	for (unsigned i = 0; i < 4; i++) {
		chains[i] = rf_rs_chain(rs, rf_view_of(&"0123"[i], 1));
		chains[i]->defined = true;
	}
	for (unsigned i = 0; i < 3; i++) {
		static const uint8_t fields[3] = { RF_RS_SRC, RF_RS_DPORT, RF_RS_IN };

		sets[i] = rf_rs_set(rs, rf_view_of(&"xyz"[i], 1), i + 1);
		sets[i]->changes = i == 0;
		for (unsigned n = pick(4); n > 0; n--) {
			struct rf_rs_cell row[3];

			for (unsigned k = 0; k <= i; k++)
				row[k] = any_cell(rs, fields[k]);
			rf_rs_row(rs, sets[i], row);
		}
	}
	for (unsigned i = 0; i < 4; i++)
		for (unsigned n = 1 + pick(5); n > 0; n--)
			any_rule(rs, chains, i, sets);
	for (unsigned n = 1 + pick(4); n > 0; n--)
		any_hook(rs, chains[pick(2)], pick(RF_RS_HOOK_KINDS));
	if (chance(20))
		rf_rs_strict(rs, chance(50) ? RF_V("a") : RF_V(""));
	assert_int_equal(rf_ruleset_check(rs), 0);
}

/* --- packets */

struct world {
	struct rf_sets *s;
	struct rf_packet p[WORLD];
	int x[WORLD];
};

static struct rf_packet any_packet(void)
{
	static const uint8_t protos[] = { 1, 6, 6, 17, 58, 50 };
	struct rf_packet p = { .family = chance(70) ? 4 : 6, .proto = protos[pick(6)] };
	size_t last = p.family == 4 ? 3 : 15;

	p.src[0] = p.dst[0] = p.family == 4 ? 10 : 0xfd;
	p.src[last] = (uint8_t)pick(4);
	p.dst[last] = (uint8_t)pick(4);
	if (chance(5))
		p.dst[0] = p.family == 4 ? 224 : 0xff;
	p.fragment = chance(10);
	if (!p.fragment && (p.proto == 6 || p.proto == 17)) {
		p.sport = (uint16_t)pick(4);
		p.dport = (uint16_t)pick(4);
	}
	if (!p.fragment && (p.proto == 1 || p.proto == 58)) {
		p.icmp_type = (uint8_t)pick(4);
		p.icmp_code = (uint8_t)pick(2);
	}
	if (!p.fragment && p.proto == 6)
		p.tcp_flags = (uint8_t)(pick(2) * 2 + pick(2) * 16);
	p.direction = (uint8_t)pick(2);
	p.dscp = (uint8_t)pick(2);
	p.pkttype = (uint8_t)pick(2);
	return p;
}

/* Without the state, which is said apart; fields that a protocol does not have are 0, not any:
 * nft's `th` could look. */
static int packet_set(struct rf_sets *s, const struct rf_packet *p)
{
	static const uint8_t also[] = { RF_RS_SPORT, RF_RS_DPORT, RF_RS_ICMP_TYPE, RF_RS_ICMP_CODE, RF_RS_TCP_FLAGS };
	int x = rf_space_packet(s, p);

	for (size_t i = 0; i < sizeof also; i++)
		x = rf_sets_and(s, x, rf_space_num(s, also[i], rf_packet_num(p, also[i]), rf_packet_num(p, also[i])));
	return rf_sets_hold(s, rf_space_forget(s, x, RF_RS_STATE));
}

static const struct rf_rs_cell own_cells[] = {
	{ .kind = RF_RS_RANGE, .family = 4, .ip = { { 10, 0, 0, 3 }, { 10, 0, 0, 3 } } },
};
static const struct rf_rs_cell back_cells[] = {
	{ .kind = RF_RS_RANGE, .family = 4, .ip = { { 10, 0, 0, 0 }, { 10, 0, 0, 1 } } },
};
static const struct rf_region own = { own_cells, 1, false }, back = { back_cells, 1, false };

static struct rf_way any_way(void)
{
	static const char *const ifs[] = { "a", "b", "ab", "lo", "" };
	struct rf_way w = {
		.kind = pick(3), .mode = pick(2), .own = chance(50) ? &own : NULL, .back = chance(70) ? &back : NULL
	};

	if (w.kind != RF_WAY_OUTPUT)
		w.in = ifs[pick(5)];
	if (w.kind != RF_WAY_INPUT)
		w.out = ifs[pick(5)];
	rf_hull_whole(&w.src);
	rf_hull_whole(&w.dst);
	return w;
}

static void compare(struct world *w, const struct rf_ruleset *rs, const struct rf_device *d, const struct rf_way *way,
		    int passed, int dropped, uint8_t state, unsigned number)
{
	static const uint8_t changed[] = { RF_RS_STATE, RF_RS_MARK, RF_RS_DSCP };
	for (size_t k = 0; k < sizeof changed; k++) {
		passed = rf_space_forget(w->s, passed, changed[k]);
		dropped = rf_space_forget(w->s, dropped, changed[k]);
	}
	for (unsigned n = 0; n < PACKETS; n++) {
		unsigned at = pick(WORLD);
		struct rf_packet p = w->p[at];
		struct rf_trace t;
		char text[200];

		if (rs->reassembles && p.fragment)
			continue;
		p.state = state;
		if (rf_trace(d, way, &p, &t))
			continue; /* too many chances in one ruleset */
		/* DSCP is forgotten behind the rules, so packets that differ in it alone may stand for each other. */
		int may = rf_sets_and(w->s, w->x[at], passed), not = rf_sets_and(w->s, w->x[at], dropped);
		if ((t.accept.possible && !may) || (t.drop.possible && way->mode == RF_REST && !not))
			fail_msg("ruleset %u: %s: sets say %d %d, alone %d %d", number,
				 rf_packet_text(&p, text, sizeof text), may != 0, not != 0, t.accept.possible,
				 t.drop.possible);
		if (p.dscp == 0 && (may || not)) {
			struct rf_packet q = p;
			struct rf_trace u;

			q.dscp = 1;
			rf_trace(d, way, &q, &u);
			if ((may && !t.accept.possible && !u.accept.possible) ||
			    (not &&!t.drop.possible && !u.drop.possible))
				fail_msg("ruleset %u: %s: sets say %d %d, alone %d %d", number,
					 rf_packet_text(&p, text, sizeof text), may != 0, not != 0, t.accept.possible,
					 t.drop.possible);
		}
	}
}

static void sets_and_packets_agree(void **state)
{
	const char *env = getenv("RF_PROVE_RULESETS");
	unsigned rulesets = env ? (unsigned)atoi(env) : RULESETS;
	struct world *w = calloc(1, sizeof *w);

	(void)state;
	assert_non_null(w);
	assert_int_equal(rf_sets_open(rf_space_variables(), 4000000, &w->s), 0);
	seed = 1;
	for (unsigned i = 0; i < WORLD; i++) {
		w->p[i] = any_packet();
		w->x[i] = packet_set(w->s, &w->p[i]);
	}
	for (unsigned i = 0; i < rulesets; i++) {
		struct rf_ruleset rs;
		struct rf_device *d;
		int dropped = 0;

		seed = i * 7919 + 5;
		any_ruleset(&rs);
		assert_int_equal(rf_device_new(w->s, &rs, &d), 0);
		for (unsigned k = 0; k < 2; k++) {
			size_t mark = rf_sets_mark(w->s);
			struct rf_way way = any_way();
			uint8_t st = (uint8_t)pick(4);
			int states = rf_space_num(w->s, RF_RS_STATE, st, st);
			int passed = rf_device_pass(d, &way, rf_space_num(w->s, RF_RS_DSCP, 0, 1), states, &dropped);

			compare(w, &rs, d, &way, passed, dropped, st, i);
			rf_sets_release(w->s, mark, 0);
		}
		assert_int_equal(rf_sets_err(w->s), 0);
		rf_device_free(d);
		rf_ruleset_fini(&rs);
	}
	rf_sets_close(w->s);
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(sets_and_packets_agree) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
