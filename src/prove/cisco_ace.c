/* One entry of an access list: words to a rule, or two.
 *
 * An entry with ports, ICMP types or flags ("permit tcp any host 10.0.0.1 eq 22") is asked of later fragments,
 * too: they have none of these, so a permit lets them pass by their addresses and protocol alone, and a deny
 * does not meet them. */
#include "prove/cisco_int.h"

#include <netinet/in.h>
#include <stdio.h>

enum { ANY_PROTOCOL = 256 };

struct end {
	struct rf_rs_cell cell;      /* kind ANY: everybody */
	const struct rf_rs_set *group;
	struct rf_rs_set *ports;
	bool not_ports;
};

struct ace {
	bool permit;
	uint32_t protocol;
	const struct rf_cisco_group *services;
	struct end src, dst;
	bool typed, coded, flagged, fragments, marked;
	uint32_t type, code, dscp_lo, dscp_hi;
	struct rf_flag_set flags;
};

/* --- addresses and ports */

int rf_cisco_address(struct rf_cisco *c, uint8_t family, bool mask, struct rf_rs_cell *ret_cell)
{
	struct rf_view word = rf_words_take(&c->w);
	bool host = rf_word_is(word, "host"), length = rf_view_find(word, '/') < word.n;
	struct rf_rs_cell a, m;
	uint8_t bits[16];
	unsigned ones = 0;

	if (rf_word_is(word, "any") || rf_word_is(word, family == 4 ? "any4" : "any6")) {
		*ret_cell = (struct rf_rs_cell){ .kind = RF_RS_ANY };
		return 0;
	}
	if (host)
		word = rf_words_take(&c->w);
	if (rf_view_find(word, '-') < word.n || !rf_rs_address(word, &a) || a.family != family || (host && length))
		return rf_cisco_fail(c, RF_E_MALFORMED, "an address is expected here");
	if (length && family == 4 && !c->dialect->lengths)
		return rf_cisco_fail(c, RF_E_MALFORMED,
				     "this language writes a wildcard behind an address, not a length");
	*ret_cell = a;
	if (host || length)
		return 0;
	if (family == 6)
		return rf_cisco_fail(c, RF_E_MALFORMED,
				     "an address of IPv6 has \"host\" before it or a length behind it");
	word = rf_words_take(&c->w);
	if (!rf_rs_address(word, &m) || m.family != 4 || rf_view_find(word, '/') < word.n ||
	    rf_view_find(word, '-') < word.n)
		return rf_cisco_fail(c, RF_E_MALFORMED, "the wildcard of an address is expected here");
	for (size_t i = 0; i < 4; i++)
		bits[i] = mask ? m.ip.lo[i] : (uint8_t)~m.ip.lo[i];
	while (ones < 32 && bits[ones / 8] >> (7 - ones % 8) & 1)
		ones++;
	*ret_cell = rf_rs_prefix(4, a.ip.lo, ones);
	for (unsigned i = ones; i < 32; i++)
		if (bits[i / 8] >> (7 - i % 8) & 1)
			*ret_cell = rf_rs_masked(4, a.ip.lo, bits);
	return 0;
}

static void end_of(struct rf_cisco *c, uint8_t family, struct end *e)
{
	if (rf_words_skip(&c->w, "object-group")) {
		struct rf_cisco_group *g = rf_cisco_group(c, rf_words_take(&c->w), family);

		e->group = g ? g->addresses : NULL;
		return;
	}
	rf_cisco_address(c, family, false, &e->cell);
}

static bool port(const struct rf_cisco *c, uint32_t protocol, struct rf_view word, uint32_t *ret)
{
	(void)c;
	return rf_word_number(protocol == IPPROTO_UDP ? rf_cisco_udp : rf_cisco_tcp, word, 65535, ret, NULL);
}

static int add_ports(struct rf_cisco *c, struct rf_rs_set *set, uint32_t lo, uint32_t hi)
{
	struct rf_rs_cell cell = rf_rs_num(lo, hi);

	return set ? rf_rs_row(c->rs, set, &cell) : c->rs->err;
}

int rf_cisco_ports(struct rf_cisco *c, uint32_t protocol, bool bare, struct rf_rs_set **ret_set, bool *ret_negate)
{
	static const char *const words[] = { "eq", "neq", "lt", "gt", "range" };
	enum { EQ, NEQ, LT, GT, RANGE, NONE } what = EQ;
	uint32_t a, b;

	*ret_set = NULL;
	*ret_negate = false;
	while (what < NONE && !rf_words_skip(&c->w, words[what]))
		what++;
	if (what == NONE && (!bare || !port(c, protocol, rf_words_peek(&c->w), &a)))
		return 0;
	struct rf_rs_set *set = rf_rs_set(c->rs, (struct rf_view){ 0 }, 1);
	if (!port(c, protocol, rf_words_take(&c->w), &a))
		return rf_cisco_fail(c, RF_E_MALFORMED, "a port is expected here");
	if (what == RANGE && (!port(c, protocol, rf_words_take(&c->w), &b) || b < a))
		return rf_cisco_fail(c, RF_E_MALFORMED, "a range of ports has its lower one first");
	if ((what == LT && a == 0) || (what == GT && a == 65535))
		return rf_cisco_fail(c, RF_E_MALFORMED, "there is no such port");
	*ret_set = set;
	*ret_negate = what == NEQ;
	if (what == RANGE || what == LT || what == GT)
		return add_ports(c, set, what == LT ? 0 : what == GT ? a + 1 : a, what == LT ? a - 1 : what == GT ? 65535 : b);
	add_ports(c, set, a, a);
	while (what != NONE && !c->rs->err && port(c, protocol, rf_words_peek(&c->w), &a)) {
		c->w.at++;
		add_ports(c, set, a, a);
	}
	return c->rs->err;
}

static bool has_ports(uint32_t protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP;
}

/* --- what follows the ends */

static int match_list(struct rf_cisco *c, struct ace *a, bool all)
{
	uint8_t mask = 0, value = 0, bit;
	bool some = false;

	while (c->w.at < c->w.n) {
		struct rf_view word = rf_words_peek(&c->w);
		bool set = word.n && word.p[0] == '+';

		if (!set && !(word.n && word.p[0] == '-'))
			break;
		if (!rf_flag_named(rf_view_from(word, 1), &bit) || mask & bit)
			return rf_cisco_fail(c, RF_E_MALFORMED, "a flag of TCP is expected here");
		c->w.at++;
		mask |= bit;
		value |= set ? bit : 0;
		if (!all)
			rf_flags_with(&a->flags, set ? bit : 0, bit);
		some = true;
	}
	if (!some)
		return rf_cisco_fail(c, RF_E_MALFORMED, "flags of TCP are expected here");
	if (all)
		rf_flags_with(&a->flags, value, mask);
	a->flagged = true;
	return 0;
}

static bool tcp_option(struct rf_cisco *c, struct ace *a)
{
	uint8_t bit;

	if (a->protocol != IPPROTO_TCP)
		return false;
	if (rf_words_skip(&c->w, "established")) {
		rf_flags_with(&a->flags, 16, 16);
		rf_flags_with(&a->flags, 4, 4);
	} else if (rf_words_skip(&c->w, "match-all") || rf_words_skip(&c->w, "match-any")) {
		match_list(c, a, rf_word_is(c->w.v[c->w.at - 1], "match-all"));
	} else if (rf_flag_named(rf_words_peek(&c->w), &bit)) {
		c->w.at++;
		rf_flags_with(&a->flags, bit, bit);
	} else {
		return false;
	}
	a->flagged = true;
	return true;
}

static bool icmp_option(struct rf_cisco *c, struct ace *a)
{
	bool six = c->list->family == 6;
	uint32_t code = 0;

	if (a->protocol != (six ? (uint32_t)IPPROTO_ICMPV6 : (uint32_t)IPPROTO_ICMP) || a->typed)
		return false;
	if (!rf_word_number(six ? rf_cisco_icmp6 : rf_cisco_icmp, rf_words_peek(&c->w), 255, &a->type, &code))
		return false;
	c->w.at++;
	a->typed = true;
	a->coded = code || rf_word_number(NULL, rf_words_peek(&c->w), 255, &a->code, NULL);
	if (code)
		a->code = code - 1;
	else if (a->coded)
		c->w.at++;
	return true;
}

static bool marked(struct rf_cisco *c, struct ace *a)
{
	static const struct rf_word_number precedences[] = {
		{ "routine", 0, 0 }, { "priority", 1, 0 }, { "immediate", 2, 0 }, { "flash", 3, 0 },
		{ "flash-override", 4, 0 }, { "critical", 5, 0 }, { "internet", 6, 0 }, { "network", 7, 0 },
		{ NULL, 0, 0 },
	};
	bool dscp = rf_words_skip(&c->w, "dscp");
	uint32_t n;

	if (!dscp && !rf_words_skip(&c->w, "precedence"))
		return false;
	if (a->marked ||
	    !rf_word_number(dscp ? rf_words_dscp : precedences, rf_words_take(&c->w), dscp ? 63 : 7, &n, NULL))
		rf_cisco_fail(c, RF_E_MALFORMED, "a value of DSCP or precedence is expected here, once");
	a->marked = true;
	a->dscp_lo = dscp ? n : n * 8;
	a->dscp_hi = dscp ? n : n * 8 + 7;
	return true;
}

static void options(struct rf_cisco *c, struct ace *a)
{
	uint64_t sequence;

	while (c->w.at < c->w.n && !c->rs->err) {
		if (tcp_option(c, a) || icmp_option(c, a) || marked(c, a))
			continue;
		if (rf_words_skip(&c->w, "fragments")) {
			a->fragments = true;
			continue;
		}
		if (rf_words_skip(&c->w, "log") || rf_words_skip(&c->w, "log-input"))
			continue;
		if (c->list->family == 6 && rf_words_skip(&c->w, "sequence")
		    && rf_view_u64(rf_words_peek(&c->w), UINT32_MAX, &sequence))
			rf_cisco_fail(c, RF_E_UNSUPPORTED, "a sequence number is read at the front of an entry");
		rf_cisco_fail(c, RF_E_UNSUPPORTED, "a word of this entry is not understood");
	}
}

/* --- as rules */

static void address_match(struct rf_cisco *c, struct rf_rs_rule *r, enum rf_rs_field field, const struct end *e)
{
	uint8_t f = (uint8_t)field;

	if (e->group)
		rf_rs_match_set(c->rs, r, e->group, &f, 1, false);
	else if (e->cell.kind != RF_RS_ANY)
		rf_rs_match_cell(c->rs, r, field, e->cell, false);
}

static struct rf_rs_rule *plain_rule(struct rf_cisco *c, const struct ace *a, uint64_t sequence)
{
	struct rf_rs_rule *r = rf_rs_rule(c->rs, c->list->chain, c->line, c->text);

	if (!r)
		return NULL;
	r->handle = sequence;
	r->family = c->list->family;
	r->verdict = a->permit ? RF_RS_ACCEPT : RF_RS_DROP;
	if (a->protocol < ANY_PROTOCOL && !a->services)
		rf_rs_match_num(c->rs, r, RF_RS_PROTO, a->protocol, a->protocol, false);
	address_match(c, r, RF_RS_SRC, &a->src);
	address_match(c, r, RF_RS_DST, &a->dst);
	if (a->marked)
		rf_rs_match_num(c->rs, r, RF_RS_DSCP, a->dscp_lo, a->dscp_hi, false);
	return r;
}

static void header_match(struct rf_cisco *c, struct rf_rs_rule *r, const struct ace *a)
{
	static const uint8_t service[] = { RF_RS_PROTO, RF_RS_SPORT, RF_RS_DPORT, RF_RS_ICMP_TYPE };
	uint8_t sport = RF_RS_SPORT, dport = RF_RS_DPORT;

	if (a->services)
		rf_rs_match_set(c->rs, r, a->services->services, service, 4, false);
	if (a->src.ports)
		rf_rs_match_set(c->rs, r, a->src.ports, &sport, 1, a->src.not_ports);
	if (a->dst.ports)
		rf_rs_match_set(c->rs, r, a->dst.ports, &dport, 1, a->dst.not_ports);
	if (a->typed)
		rf_rs_match_num(c->rs, r, RF_RS_ICMP_TYPE, a->type, a->type, false);
	if (a->coded)
		rf_rs_match_num(c->rs, r, RF_RS_ICMP_CODE, a->code, a->code, false);
	if (a->flagged)
		rf_flags_match(c->rs, r, &a->flags);
}

/* Later fragments, by addresses and protocol. */
static void later_rule(struct rf_cisco *c, const struct ace *a, uint64_t sequence)
{
	bool maybe = c->dialect->later_maybe;
	const struct rf_rs_set *protocols = !a->services ? NULL :
					    a->permit || maybe ? a->services->protocols :
					    a->services->plain;
	struct rf_rs_rule *r;
	uint8_t proto = RF_RS_PROTO;

	if (!a->permit && !a->services && !maybe)
		return;
	r = plain_rule(c, a, sequence);
	if (r && protocols)
		rf_rs_match_set(c->rs, r, protocols, &proto, 1, false);
	if (r)
		rf_rs_match_num(c->rs, r, RF_RS_FRAGMENT, 1, 1, false);
	if (r && maybe)
		rf_rs_match_sometimes(c->rs, r, RF_RS_REST_EITHER,
				      "later fragments of an entry with ports, by platform");
}

static void put(struct rf_cisco *c, const struct ace *a, uint64_t sequence)
{
	bool header = a->services || a->src.ports || a->dst.ports || a->typed || a->flagged;

	if (a->fragments && header) {
		rf_cisco_fail(c, RF_E_MALFORMED, "a later fragment has no ports, types or flags");
		return;
	}
	struct rf_rs_rule *r = plain_rule(c, a, sequence);
	if (!r)
		return;
	header_match(c, r, a);
	if (a->fragments)
		rf_rs_match_num(c->rs, r, RF_RS_FRAGMENT, 1, 1, false);
	c->list->whole |= !r->matches;
	if (header)
		later_rule(c, a, sequence);
}

static void protocol(struct rf_cisco *c, struct ace *a)
{
	if (rf_words_skip(&c->w, "object-group")) {
		a->services = rf_cisco_group(c, rf_words_take(&c->w), 0);
		return;
	}
	if (!rf_word_number(rf_cisco_protocols, rf_words_take(&c->w), 255, &a->protocol, NULL))
		rf_cisco_fail(c, RF_E_UNSUPPORTED, "its protocol is not understood");
	if (c->list->family == 6 && a->protocol == IPPROTO_ICMP)
		a->protocol = IPPROTO_ICMPV6;
}

/* "10.0.0.1", "10.0.0.0 0.0.0.255", "host 10.0.0.1", "any", "10.0.0.0/8": who it is from. */
static void standard(struct rf_cisco *c, struct ace *a)
{
	struct rf_view next = c->w.at + 1 < c->w.n ? c->w.v[c->w.at + 1] : (struct rf_view){ 0 };
	struct rf_view word = rf_words_peek(&c->w);
	struct rf_rs_cell cell;

	if (c->list->family == 4 && (!next.n || rf_word_is(next, "log")) && rf_view_find(word, '/') == word.n
	    && rf_rs_address(word, &cell) && cell.family == 4) {
		a->src.cell = cell;
		c->w.at++;
		return;
	}
	end_of(c, c->list->family, &a->src);
}

void rf_cisco_ace(struct rf_cisco *c, uint64_t sequence)
{
	struct ace a = { .protocol = ANY_PROTOCOL };

	if (c->w.more) {
		rf_cisco_fail(c, RF_E_LIMIT, "it has too many words");
		return;
	}
	a.permit = rf_words_skip(&c->w, "permit");
	if (!a.permit && !rf_words_skip(&c->w, "deny")) {
		rf_cisco_fail(c, RF_E_UNSUPPORTED, "it is neither a permit nor a deny");
		return;
	}
	if (c->list->standard) {
		standard(c, &a);
	} else {
		protocol(c, &a);
		end_of(c, c->list->family, &a.src);
		if (has_ports(a.protocol))
			rf_cisco_ports(c, a.protocol, false, &a.src.ports, &a.src.not_ports);
		end_of(c, c->list->family, &a.dst);
		if (has_ports(a.protocol))
			rf_cisco_ports(c, a.protocol, false, &a.dst.ports, &a.dst.not_ports);
	}
	options(c, &a);
	if (!c->rs->err)
		put(c, &a, sequence);
}
