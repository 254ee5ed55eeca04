/* The words of a rule: values, what a packet must have, and what becomes of it. */
#include "prove/iptables_int.h"

#include <ctype.h>

static struct rf_view next(struct rf_iptables *r)
{
	if (r->at < r->n)
		return r->words[r->at++];
	rf_rs_fail(r->rs, RF_E_MALFORMED, r->line, "the rule ends where a value should be");
	return (struct rf_view){ 0 };
}

/* --- values */

static bool number(struct rf_view v, uint32_t most, uint32_t *ret)
{
	uint32_t x = 0;

	if (!rf_view_starts(v, RF_V("0x")))
		return rf_view_u32(v, ret) && *ret <= most;
	for (size_t i = 2; i < v.n; i++) {
		int c = tolower(v.p[i]);

		if (!isxdigit(c) || i > 9)
			return false;
		x = x << 4 | (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	*ret = x;
	return v.n > 2 && x <= most;
}

/* Calls use for each part between commas. */
static void each(struct rf_iptables *r, struct rf_view list, struct rf_rs_set *set,
		 bool (*use)(struct rf_iptables *r, struct rf_view part, struct rf_rs_cell *ret))
{
	while (set && !r->rs->err) {
		size_t comma = rf_view_find(list, ',');
		struct rf_rs_cell cell;

		if (!use(r, rf_view_sub(list, 0, comma), &cell))
			rf_iptables_fail(r, "a value that the prover does not know", list);
		else
			rf_rs_row(r->rs, set, &cell);
		if (comma == list.n)
			break;
		list = rf_view_from(list, comma + 1);
	}
}

static void match_list(struct rf_iptables *r, enum rf_rs_field field, struct rf_view list,
		       bool (*use)(struct rf_iptables *r, struct rf_view part, struct rf_rs_cell *ret))
{
	struct rf_rs_set *set = rf_rs_set(r->rs, (struct rf_view){ 0 }, 1);
	uint8_t fields[1] = { (uint8_t)field };

	each(r, list, set, use);
	if (set && !r->rs->err)
		rf_rs_match_set(r->rs, r->rule, set, fields, 1, r->negate);
}

/* 10.0.0.0/8, 10.0.0.0/255.255.255.0, also masks with holes. */
static bool address(struct rf_iptables *r, struct rf_view v, struct rf_rs_cell *ret)
{
	size_t slash = rf_view_find(v, '/');
	struct rf_rs_cell base, mask;

	if (rf_view_find(rf_view_from(v, slash), r->family == 4 ? '.' : ':') == v.n - slash || slash == v.n)
		return rf_rs_address(v, ret) && ret->family == r->family;
	if (!rf_rs_address(rf_view_sub(v, 0, slash), &base) || !rf_rs_address(rf_view_from(v, slash + 1), &mask)
	    || base.family != r->family || mask.family != r->family)
		return false;
	*ret = rf_rs_masked(r->family, base.ip.lo, mask.ip.lo);
	return true;
}

static bool port(struct rf_iptables *r, struct rf_view v, struct rf_rs_cell *ret)
{
	size_t colon = rf_view_find(v, ':');
	uint32_t lo = 0, hi = 65535;

	(void)r;
	if (colon == v.n) {
		if (!number(v, 65535, &lo))
			return false;
		hi = lo;
	} else if ((colon && !number(rf_view_sub(v, 0, colon), 65535, &lo))
		   || (colon + 1 < v.n && !number(rf_view_from(v, colon + 1), 65535, &hi)))
		return false;
	*ret = rf_rs_num(lo, hi);
	return lo <= hi;
}

struct word {
	const char *name;
	uint32_t value;
};

static bool among(const struct word *w, struct rf_view v, uint32_t *ret)
{
	for (; w->name; w++)
		if (rf_view_eq_nocase(v, rf_view_str(w->name))) {
			*ret = w->value;
			return true;
		}
	return false;
}

static const struct word states[] = {
	{ "NEW", RF_RS_NEW }, { "ESTABLISHED", RF_RS_ESTABLISHED }, { "RELATED", RF_RS_RELATED },
	{ "INVALID", RF_RS_INVALID }, { "UNTRACKED", RF_RS_UNTRACKED }, { 0 },
};
static const struct word flags[] = {
	{ "FIN", 1 }, { "SYN", 2 }, { "RST", 4 }, { "PSH", 8 }, { "ACK", 16 }, { "URG", 32 }, { "ALL", 63 },
	{ "NONE", 0 }, { 0 },
};
static const struct word protocols[] = {
	{ "tcp", 6 }, { "udp", 17 }, { "icmp", 1 }, { "ipv6-icmp", 58 }, { "icmpv6", 58 }, { "esp", 50 }, { "ah", 51 },
	{ "gre", 47 }, { "igmp", 2 }, { "ospf", 89 }, { "sctp", 132 }, { "udplite", 136 }, { "vrrp", 112 },
	{ "dccp", 33 }, { 0 },
};
static const struct word pkttypes[] = { { "unicast", 0 }, { "broadcast", 1 }, { "multicast", 2 }, { 0 } };
static const struct word types[] = {
	{ "LOCAL", RF_RS_TO_SELF }, { "BROADCAST", RF_RS_TO_BROADCAST }, { "MULTICAST", RF_RS_TO_MULTICAST },
	{ "UNICAST", RF_RS_TO_OTHERS }, { 0 },
};

static bool state(struct rf_iptables *r, struct rf_view v, struct rf_rs_cell *ret)
{
	uint32_t x;

	(void)r;
	if (!among(states, v, &x))
		return false;
	*ret = rf_rs_num(x, x);
	return true;
}

static bool bits(struct rf_view list, uint32_t *ret)
{
	*ret = 0;
	for (;;) {
		size_t comma = rf_view_find(list, ',');
		uint32_t x;

		if (!among(flags, rf_view_sub(list, 0, comma), &x))
			return false;
		*ret |= x;
		if (comma == list.n)
			return true;
		list = rf_view_from(list, comma + 1);
	}
}

/* --- options. Each takes its words with next(). */

typedef void option(struct rf_iptables *r, struct rf_view name);

static void o_source(struct rf_iptables *r, struct rf_view name)
{
	match_list(r, name.p[1] == 's' ? RF_RS_SRC : RF_RS_DST, next(r), address);
}

static void o_interface(struct rf_iptables *r, struct rf_view name)
{
	struct rf_view v = next(r);
	bool plus = v.n && v.p[v.n - 1] == '+';
	struct rf_rs_cell c = rf_rs_interface(r->rs, rf_view_sub(v, 0, v.n - plus));

	c.kind = plus ? RF_RS_NAME_STAR : RF_RS_NAME;
	if (!r->rs->err)
		rf_rs_match_cell(r->rs, r->rule, name.p[1] == 'i' ? RF_RS_IN : RF_RS_OUT, c, r->negate);
}

static void o_protocol(struct rf_iptables *r, struct rf_view name)
{
	struct rf_view v = next(r);
	uint32_t x;

	(void)name;
	if (rf_view_eq(v, RF_V("all")) && !r->negate)
		return;
	if (!among(protocols, v, &x) && !number(v, 255, &x))
		rf_iptables_fail(r, "a protocol that the prover does not know", v);
	else
		rf_rs_match_num(r->rs, r->rule, RF_RS_PROTO, x, x, r->negate);
}

static void o_fragment(struct rf_iptables *r, struct rf_view name)
{
	(void)name;
	rf_rs_match_num(r->rs, r->rule, RF_RS_FRAGMENT, 1, 1, r->negate);
}

static void o_port(struct rf_iptables *r, struct rf_view name)
{
	match_list(r, name.p[2] == 's' ? RF_RS_SPORT : RF_RS_DPORT, next(r), port);
}

static void o_range(struct rf_iptables *r, struct rf_view name)
{
	struct rf_view v = next(r);
	struct rf_rs_cell c;

	if (!rf_rs_address(v, &c) || c.family != r->family)
		rf_iptables_fail(r, "a range that is none", v);
	else
		rf_rs_match_cell(r->rs, r->rule, name.p[2] == 's' ? RF_RS_SRC : RF_RS_DST, c, r->negate);
}

static void o_state(struct rf_iptables *r, struct rf_view name)
{
	(void)name;
	match_list(r, RF_RS_STATE, next(r), state);
}

static void o_direction(struct rf_iptables *r, struct rf_view name)
{
	struct rf_view v = next(r);

	(void)name;
	rf_rs_match_num(r->rs, r->rule, RF_RS_DIRECTION, rf_view_eq(v, RF_V("REPLY")), rf_view_eq(v, RF_V("REPLY")),
			r->negate);
}

static void o_flags(struct rf_iptables *r, struct rf_view name)
{
	struct rf_rs_cell c = { .kind = RF_RS_MASK, .num = { 2, 23 } };

	if (rf_view_eq(name, RF_V("--tcp-flags"))) {
		struct rf_view mask = next(r), value = next(r);

		if (!r->rs->err && (!bits(mask, &c.num.hi) || !bits(value, &c.num.lo)))
			rf_iptables_fail(r, "flags that the prover does not know", mask);
	}
	if (!r->rs->err)
		rf_rs_match_cell(r->rs, r->rule, RF_RS_TCP_FLAGS, c, r->negate);
}

static void o_icmp(struct rf_iptables *r, struct rf_view name)
{
	struct rf_view v = next(r);
	size_t slash = rf_view_find(v, '/');
	uint32_t type, code = 0;
	bool any = rf_view_eq(v, RF_V("any")) || rf_view_eq(v, RF_V("255"));

	(void)name;
	if (any)
		return;
	if (!number(rf_view_sub(v, 0, slash), 255, &type) ||
	    (slash < v.n && !number(rf_view_from(v, slash + 1), 255, &code)) || (slash < v.n && r->negate)) {
		rf_iptables_fail(r, "a type of ICMP that the prover does not know", v);
		return;
	}
	rf_rs_match_num(r->rs, r->rule, RF_RS_ICMP_TYPE, type, type, r->negate);
	if (slash < v.n && !r->rs->err)
		rf_rs_match_num(r->rs, r->rule, RF_RS_ICMP_CODE, code, code, false);
}

static bool marked(struct rf_view v, struct rf_rs_cell *ret)
{
	size_t slash = rf_view_find(v, '/');

	*ret = (struct rf_rs_cell){ .kind = RF_RS_MASK, .num = { 0, UINT32_MAX } };
	return number(rf_view_sub(v, 0, slash), UINT32_MAX, &ret->num.lo)
	       && (slash == v.n || number(rf_view_from(v, slash + 1), UINT32_MAX, &ret->num.hi));
}

static void o_mark(struct rf_iptables *r, struct rf_view name)
{
	struct rf_view v = next(r);
	struct rf_rs_cell c;

	(void)name;
	if (!marked(v, &c))
		rf_iptables_fail(r, "a mark that is none", v);
	else
		rf_rs_match_cell(r->rs, r->rule, RF_RS_MARK, c, r->negate);
}

static void o_dscp(struct rf_iptables *r, struct rf_view name)
{
	struct rf_view v = next(r);
	uint32_t x;

	(void)name;
	if (!number(v, 63, &x))
		rf_iptables_fail(r, "a DSCP that is none", v);
	else
		rf_rs_match_num(r->rs, r->rule, RF_RS_DSCP, x, x, r->negate);
}

static void o_pkttype(struct rf_iptables *r, struct rf_view name)
{
	struct rf_view v = next(r);
	uint32_t x;

	(void)name;
	if (!among(pkttypes, v, &x))
		rf_iptables_fail(r, "a packet type that the prover does not know", v);
	else
		rf_rs_match_num(r->rs, r->rule, RF_RS_PKTTYPE, x, x, r->negate);
}

static void o_type(struct rf_iptables *r, struct rf_view name)
{
	struct rf_view v = next(r);
	struct rf_rs_match *m;
	uint32_t x;

	(void)name;
	if (!among(types, v, &x))
		rf_iptables_fail(r, "an address type that the prover does not know", v);
	else if ((m = rf_rs_match_kind(r->rs, r->rule, RF_RS_LOCAL, r->negate)))
		m->types = (uint8_t)x;
}

static void o_comment(struct rf_iptables *r, struct rf_view name)
{
	struct rf_view v = next(r);

	(void)name;
	r->rule->comment = rf_arena_cstr(&r->rs->arena, v);
	if (!r->rule->comment) {
		r->rule->comment = "";
		rf_rs_fail(r->rs, -ENOMEM, r->line, "no memory, or a NUL in a comment");
	}
}

static void chance(struct rf_iptables *r, enum rf_rs_rest rest, struct rf_view name)
{
	char what[64];

	if (r->negate && rest != RF_RS_REST_EITHER)
		rest = rest == RF_RS_REST_YES ? RF_RS_REST_NO : RF_RS_REST_YES;
	if (rf_view_cstr(rf_view_from(name, 2), what, sizeof what))
		rf_rs_match_sometimes(r->rs, r->rule, rest, what);
	next(r);
}

static void o_within(struct rf_iptables *r, struct rf_view name)
{
	chance(r, RF_RS_REST_YES, name);
}

static void o_over(struct rf_iptables *r, struct rf_view name)
{
	chance(r, RF_RS_REST_NO, name);
}

static void o_either(struct rf_iptables *r, struct rf_view name)
{
	chance(r, RF_RS_REST_EITHER, name);
}

static void o_value(struct rf_iptables *r, struct rf_view name) /* one that changes nothing */
{
	(void)name;
	next(r);
}

static void o_flag(struct rf_iptables *r, struct rf_view name)
{
	(void)r;
	(void)name;
}

static void o_rpfilter(struct rf_iptables *r, struct rf_view name)
{
	(void)name;
	rf_rs_match_kind(r->rs, r->rule, RF_RS_RPF, true); /* --invert: what fails the test */
}

static void o_module(struct rf_iptables *r, struct rf_view name)
{
	static const char *const known[] = {
		"tcp", "udp", "icmp", "icmp6", "ipv6icmp", "sctp", "dccp", "udplite", "multiport", "state", "conntrack",
		"mark", "limit", "hashlimit", "connlimit", "comment", "iprange", "dscp", "pkttype", "addrtype",
		"statistic", "time", "rpfilter", "rt", "hl", "ttl",
	};
	struct rf_view v = next(r);

	(void)name;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (rf_view_eq(v, rf_view_str(known[i]))) {
			/* The test itself, without --invert, fits what passes it. */
			if (rf_view_eq(v, RF_V("rpfilter")) &&
			    !(r->at < r->n && rf_view_eq(r->words[r->at], RF_V("--invert"))))
				rf_rs_match_kind(r->rs, r->rule, RF_RS_RPF, false);
			return;
		}
	rf_iptables_fail(r, "a match that the prover does not know", v);
}

/* --- targets */

static void o_goto(struct rf_iptables *r, struct rf_view name)
{
	(void)name;
	r->rule->verdict = RF_RS_GOTO;
	r->rule->target = rf_iptables_chain(r, next(r));
}

static void o_set_mark(struct rf_iptables *r, struct rf_view name)
{
	struct rf_view v = next(r);
	struct rf_rs_cell c;

	(void)name;
	if (!marked(v, &c))
		rf_iptables_fail(r, "a mark that is none", v);
	else if (c.num.hi == UINT32_MAX)
		rf_rs_effect(r->rs, r->rule, RF_RS_SET_MARK, c.num.lo);
	else
		rf_rs_effect(r->rs, r->rule, RF_RS_ANY_MARK, 0);
}

static void o_set_dscp(struct rf_iptables *r, struct rf_view name)
{
	struct rf_view v = next(r);
	uint32_t x;

	(void)name;
	if (number(v, 63, &x))
		rf_rs_effect(r->rs, r->rule, RF_RS_SET_DSCP, x);
	else
		rf_rs_effect(r->rs, r->rule, RF_RS_ANY_DSCP, 0);
}

static void o_notrack(struct rf_iptables *r, struct rf_view name)
{
	(void)name;
	rf_rs_effect(r->rs, r->rule, RF_RS_NOTRACK, 0);
}

static void o_jump(struct rf_iptables *r, struct rf_view name)
{
	static const struct word verdicts[] = {
		{ "ACCEPT", RF_RS_ACCEPT }, { "DROP", RF_RS_DROP }, { "REJECT", RF_RS_DROP },
		{ "RETURN", RF_RS_RETURN }, { "LOG", RF_RS_NEXT }, { "NFLOG", RF_RS_NEXT }, { "MARK", RF_RS_NEXT },
		{ "CONNMARK", RF_RS_NEXT }, { "CT", RF_RS_NEXT }, { "DSCP", RF_RS_NEXT }, { "TCPMSS", RF_RS_NEXT },
		{ "CHECKSUM", RF_RS_NEXT }, { "CLASSIFY", RF_RS_NEXT }, { 0 },
	};
	struct rf_view v = next(r);
	uint32_t x;

	if (rf_view_eq(v, RF_V("NOTRACK"))) {
		o_notrack(r, name);
	} else if (among(verdicts, v, &x)) {
		r->rule->verdict = (uint8_t)x;
	} else if (!r->rs->err) {
		r->rule->verdict = RF_RS_JUMP;
		r->rule->target = rf_iptables_chain(r, v);
		if (r->rule->target && !r->rule->target->defined)
			rf_iptables_fail(r, "a target that is no chain of this table and that the prover does not know", v);
	}
	/* --restore-mark copies what the connection has. */
	if (rf_view_eq(v, RF_V("CONNMARK")) && r->at < r->n && rf_view_eq(r->words[r->at], RF_V("--restore-mark")))
		rf_rs_effect(r->rs, r->rule, RF_RS_ANY_MARK, 0);
}

static const struct {
	const char *name;
	option *read;
} options[] = {
	{ "-s", o_source }, { "-d", o_source }, { "-i", o_interface }, { "-o", o_interface }, { "-p", o_protocol },
	{ "-f", o_fragment }, { "-m", o_module }, { "-j", o_jump }, { "-g", o_goto },
	{ "--sport", o_port }, { "--dport", o_port }, { "--sports", o_port }, { "--dports", o_port },
	{ "--src-range", o_range }, { "--dst-range", o_range }, { "--state", o_state }, { "--ctstate", o_state },
	{ "--ctdir", o_direction }, { "--tcp-flags", o_flags }, { "--syn", o_flags }, { "--icmp-type", o_icmp },
	{ "--icmpv6-type", o_icmp }, { "--mark", o_mark }, { "--dscp", o_dscp }, { "--pkt-type", o_pkttype },
	{ "--dst-type", o_type }, { "--comment", o_comment }, { "--invert", o_rpfilter },
	{ "--limit", o_within }, { "--hashlimit-upto", o_within }, { "--connlimit-upto", o_within },
	{ "--hashlimit-above", o_over }, { "--connlimit-above", o_over },
	{ "--probability", o_either }, { "--every", o_either }, { "--timestart", o_either }, { "--weekdays", o_either },
	{ "--rt-type", o_either }, { "--rt-segsleft", o_either }, { "--hl-eq", o_either }, { "--hl-lt", o_either },
	{ "--hl-gt", o_either }, { "--ttl-eq", o_either }, { "--ttl-lt", o_either }, { "--ttl-gt", o_either },
	{ "--limit-burst", o_value }, { "--hashlimit-burst", o_value }, { "--hashlimit-mode", o_value },
	{ "--hashlimit-name", o_value }, { "--hashlimit-srcmask", o_value }, { "--hashlimit-dstmask", o_value },
	{ "--hashlimit-htable-expire", o_value }, { "--connlimit-mask", o_value }, { "--connlimit-saddr", o_flag },
	{ "--connlimit-daddr", o_flag }, { "--mode", o_value }, { "--packet", o_value }, { "--timestop", o_value },
	{ "--kerneltz", o_flag },
	{ "--reject-with", o_value }, { "--log-prefix", o_value }, { "--log-level", o_value },
	{ "--nflog-group", o_value }, { "--nflog-prefix", o_value }, { "--nflog-size", o_value },
	{ "--nflog-threshold", o_value }, { "--set-xmark", o_set_mark }, { "--set-mark", o_set_mark },
	{ "--set-dscp", o_set_dscp }, { "--notrack", o_notrack }, { "--save-mark", o_flag },
	{ "--restore-mark", o_flag }, { "--nfmask", o_value }, { "--ctmask", o_value },
	{ "--clamp-mss-to-pmtu", o_flag }, { "--set-mss", o_value },
	{ "--checksum-fill", o_flag },
	{ "--set-class", o_value },
};

/* CONNMARK's --set-xmark is the connection's mark, not the packet's. */
static bool marks_connection(const struct rf_iptables *r)
{
	for (size_t i = 0; i + 1 < r->n; i++)
		if (rf_view_eq(r->words[i], RF_V("-j")) && rf_view_eq(r->words[i + 1], RF_V("CONNMARK")))
			return true;
	return false;
}

void rf_iptables_rule(struct rf_iptables *r, struct rf_view line)
{
	struct rf_rs_chain *c = rf_iptables_chain(r, r->words[1]);

	if (c && !c->defined)
		rf_rs_fail(r->rs, RF_E_MALFORMED, r->line, "a rule of a chain that is not there: %s", c->name);
	if (strcmp(r->table, "nat") == 0)
		rf_iptables_fail(r, "address translation is not understood", line);
	r->rule = c ? rf_rs_rule(r->rs, c, r->line, line) : NULL;
	if (!r->rule)
		return;
	r->rule->family = r->family;
	for (r->at = 2; r->at < r->n && !r->rs->err; ) {
		size_t k = 0;

		r->negate = rf_view_eq(r->words[r->at], RF_V("!"));
		r->at += r->negate;
		struct rf_view name = next(r);
		while (k < sizeof options / sizeof *options && !rf_view_eq(name, rf_view_str(options[k].name)))
			k++;
		if (k == sizeof options / sizeof *options)
			rf_iptables_fail(r, "an option that the prover does not know", name);
		else if (options[k].read == o_set_mark && marks_connection(r))
			o_value(r, name);
		else
			options[k].read(r, name);
	}
}
