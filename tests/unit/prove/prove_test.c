/* The proof of a small site: correct rules are proven; every mutation of them that changes what happens to any packet
 * is caught, and the counterexample is one. What changes is decided packet by packet, without sets. */
#include "prove/prove_int.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const char site_text[] =
	"site: small\ndomain: voice.example.org\nlevel: medium\n"
	"zones:\n"
	"  server: { vlan: 20, subnet: 10.20.0.0/24, subnet6: 'fd00:20::/64' }\n"
	"  phone:  { vlan: 30, subnet: 10.30.0.0/24, subnet6: 'fd00:30::/64' }\n"
	"  admin:  { vlan: 50, subnet: 10.50.0.0/24 }\n"
	"  internet: {}\n"
	"  border: { vlan: 60, subnet: 10.60.0.0/24, subnet6: 'fd00:60::/64' }\n"
	"hosts:\n"
	"  - { name: ctl, zone: server, address: 10.20.0.11, address6: 'fd00:20::11', roles: [controller] }\n"
	"  - { name: desk, zone: admin, address: 10.50.0.11, services: workstation }\n"
	"routers:\n"
	"  - name: core\n"
	"    interfaces:\n"
	"      - { zone: server, name: if0 }\n"
	"      - { zone: phone, name: if1 }\n"
	"      - { zone: admin, name: if2 }\n"
	"      - { zone: internet, name: if3, address: 192.0.2.2 }\n"
	"      - { zone: border, name: if4 }\n";

enum { SERVER, PHONE, ADMIN, INTERNET, BORDER, ZONES };

static const struct rf_site_ip ctl[] = { { 4, 32, { 10, 20, 0, 11 } }, { 6, 128, { 0xfd, 0, 0, 0x20, [15] = 0x11 } } };
static const struct rf_site_ip relay[] = { { 4, 32, { 10, 60, 0, 12 } },
					   { 6, 128, { 0xfd, 0, 0, 0x60, [15] = 0x12 } } };
static const struct rf_site_ip desk[] = { { 4, 32, { 10, 50, 0, 11 } } };

struct fixture {
	struct rf_site *site;
	struct rf_flow flows[8];
	struct rf_flows all;
};

static struct rf_flow flow(const struct fixture *x, const char *id, int from, int to, int proto, uint16_t first,
			   uint16_t last, enum rf_flow_how how)
{
	struct rf_flow f = { .id = id, .from.zone = &x->site->zones[from], .to.zone = &x->site->zones[to], .protocol = proto,
			     .sport = { 0, 65535 }, .dport = { first, last }, .how = how, .why = "why",
			     .mitigation = "m" };

	if (how == RF_FLOW_STATELESS || how == RF_FLOW_PINHOLE)
		f.sport = f.dport;
	if (proto == 1) {
		f.icmp = RF_ICMP_ECHO;
		f.dport = (struct rf_site_ports){ 0, 65535 };
	}
	if (to == SERVER && proto != 1) {
		f.to.v = ctl;
		f.to.n = 2;
	}
	if (from == BORDER) {
		f.from.v = relay;
		f.from.n = 2;
	}
	if (from == ADMIN) {
		f.from.v = desk;
		f.from.n = 1;
	}
	return f;
}

static void set_up(struct fixture *x)
{
	struct rf_findings findings;

	*x = (struct fixture){ 0 };
	rf_findings_init(&findings);
	if (rf_site_parse(rf_view_str(site_text), (struct rf_view){ 0 }, "site.yaml", (struct rf_wall){ 0 }, &findings,
			  &x->site)) {
		rf_findings_print(&findings, stderr);
		fail();
	}
	rf_findings_fini(&findings);
	size_t n = 0;
	x->flows[n++] = flow(x, "sip", PHONE, SERVER, 6, 5061, 5061, RF_FLOW_STATEFUL);
	x->flows[n++] = flow(x, "ssh", ADMIN, SERVER, 6, 22, 22, RF_FLOW_STATEFUL);
	x->flows[n++] = flow(x, "web", ADMIN, PHONE, 6, 443, 444, RF_FLOW_STATEFUL);
	x->flows[n++] = flow(x, "media", PHONE, SERVER, 17, 16384, 32767, RF_FLOW_STATELESS);
	x->flows[n++] = flow(x, "outside", BORDER, INTERNET, 17, 40000, 40100, RF_FLOW_PINHOLE);
	x->flows[n++] = flow(x, "messages", BORDER, INTERNET, 6, 40000, 40100, RF_FLOW_PINHOLE);
	x->flows[n++] = flow(x, "ping", ADMIN, PHONE, 1, 0, 0, RF_FLOW_STATEFUL);
	x->all = (struct rf_flows){ .v = x->flows, .n = n, .site = x->site };
}

/* --- rules for it, as a careful person would write them */

static struct rf_rs_rule *rule(struct rf_ruleset *rs, struct rf_rs_chain *c, enum rf_rs_verdict verdict)
{
	char text[32];

	snprintf(text, sizeof text, "rule %zu", rs->rule_count);
	struct rf_rs_rule *r = rf_rs_rule(rs, c, (uint32_t)rs->rule_count + 1, rf_view_str(text));
	r->verdict = (uint8_t)verdict;
	return r;
}

static void interface(struct rf_ruleset *rs, struct rf_rs_rule *r, enum rf_rs_field field, const char *name)
{
	rf_rs_match_cell(rs, r, field, rf_rs_interface(rs, rf_view_str(name)), false);
}

static const char *const ifs[ZONES] = { "if0", "if1", "if2", "if3", "if4" };

static void addresses(struct rf_ruleset *rs, struct rf_rs_rule *r, enum rf_rs_field field, const struct rf_end *e,
		      const struct rf_site *site, uint8_t family)
{
	const struct rf_site_ip zone[2] = { e->zone->subnet, e->zone->subnet6 };
	uint8_t fields[1] = { (uint8_t)field };

	(void)site;
	struct rf_rs_set *set = rf_rs_set(rs, (struct rf_view){ 0 }, 1);
	for (size_t i = 0; i < (e->n ? e->n : 2); i++) {
		const struct rf_site_ip *ip = e->n ? &e->v[i] : &zone[i];
		struct rf_rs_cell c = rf_rs_prefix(ip->family, ip->b, ip->prefix);

		if (ip->family == family)
			rf_rs_row(rs, set, &c);
	}
	if (e->n || !rf_zone_outside(e->zone))
		rf_rs_match_set(rs, r, set, fields, 1, false);
}

static void permit(struct rf_ruleset *rs, struct rf_rs_chain *c, const struct fixture *x, const struct rf_flow *f,
		   bool turned, uint8_t family, bool opening)
{
	const struct rf_end *from = turned ? &f->to : &f->from, *to = turned ? &f->from : &f->to;
	struct rf_rs_rule *r = rule(rs, c, RF_RS_ACCEPT);

	r->family = family;
	interface(rs, r, RF_RS_IN, ifs[from->zone - x->site->zones]);
	interface(rs, r, RF_RS_OUT, ifs[to->zone - x->site->zones]);
	addresses(rs, r, RF_RS_SRC, from, x->site, family);
	addresses(rs, r, RF_RS_DST, to, x->site, family);
	uint32_t proto = f->protocol == 1 && family == 6 ? 58 : (uint32_t)f->protocol;
	rf_rs_match_num(rs, r, RF_RS_PROTO, proto, proto, false);
	if (f->protocol == 1) {
		rf_rs_match_num(rs, r, RF_RS_ICMP_TYPE, family == 4 ? 8 : 128, family == 4 ? 8 : 128, false);
	} else {
		rf_rs_match_num(rs, r, RF_RS_DPORT, turned ? f->sport.first : f->dport.first,
				turned ? f->sport.last : f->dport.last, false);
		if (f->sport.first)
			rf_rs_match_num(rs, r, RF_RS_SPORT, turned ? f->dport.first : f->sport.first,
					turned ? f->dport.last : f->sport.last, false);
	}
	if (opening) { /* ours is where the flow begins */
		static const uint8_t key[2][4] = { { RF_RS_PROTO, RF_RS_DST, RF_RS_SRC, RF_RS_SPORT },
						   { RF_RS_PROTO, RF_RS_SRC, RF_RS_DST, RF_RS_DPORT } };

		rf_rs_match_set(rs, r, rf_rs_set_named(rs, family == 4 ? RF_V("t openings4") : RF_V("t openings6")),
				key[turned], 4, false);
	} else if (f->how == RF_FLOW_PINHOLE) {
		static const uint8_t key[2][5] = { { RF_RS_PROTO, RF_RS_SRC, RF_RS_SPORT, RF_RS_DST, RF_RS_DPORT },
						   { RF_RS_PROTO, RF_RS_DST, RF_RS_DPORT, RF_RS_SRC, RF_RS_SPORT } };

		rf_rs_match_set(rs, r, rf_rs_set_named(rs, family == 4 ? RF_V("t pinholes4") : RF_V("t pinholes6")),
				key[turned], 5, false);
	}
	if (c->name[0] == 'r') {
		rf_rs_effect(rs, r, RF_RS_NOTRACK, 0);
		r->verdict = RF_RS_NEXT;
		r->matches = r->matches->next->next; /* nobody knows yet where it goes; and where it came
						      * from does not matter */
	} else {
		uint32_t state = f->how == RF_FLOW_STATEFUL ? RF_RS_NEW : RF_RS_UNTRACKED;

		rf_rs_match_num(rs, r, RF_RS_STATE, state, state, false);
	}
}

static void permit_all(struct rf_ruleset *rs, struct rf_rs_chain *c, const struct fixture *x, bool untracked_only)
{
	for (size_t i = 0; i < x->all.n; i++)
		for (uint8_t family = 4; family <= 6; family = (uint8_t)(family + 2)) {
			const struct rf_flow *f = &x->all.v[i];
			bool stateless = f->how != RF_FLOW_STATEFUL;

			if (family == 6 && (f->from.zone == &x->site->zones[ADMIN]))
				continue;
			for (int opening = 0; opening <= (f->how == RF_FLOW_PINHOLE); opening++) {
				if (stateless || !untracked_only)
					permit(rs, c, x, f, false, family, opening);
				if (stateless)
					permit(rs, c, x, f, true, family, opening);
			}
		}
}

static void write_rules(struct rf_ruleset *rs, const struct fixture *x)
{
	rf_ruleset_init(rs, "rules", "nftables");
	rs->tracks = rs->reassembles = true;
	struct rf_rs_chain *raw = rf_rs_chain(rs, RF_V("raw")), *c = rf_rs_chain(rs, RF_V("forward"));
	raw->defined = c->defined = true;
	rf_rs_set(rs, RF_V("t pinholes4"), 5)->changes = true;
	rf_rs_set(rs, RF_V("t pinholes6"), 5)->changes = true;
	rf_rs_set(rs, RF_V("t openings4"), 4)->changes = true;
	rf_rs_set(rs, RF_V("t openings6"), 4)->changes = true;
	for (int i = 0; i < ZONES; i++) {
		struct rf_rs_rule *r = rule(rs, raw, RF_RS_DROP);

		interface(rs, r, RF_RS_IN, ifs[i]);
		rf_rs_match_kind(rs, r, RF_RS_RPF, true);
	}
	permit_all(rs, raw, x, true);
	struct rf_rs_rule *r = rule(rs, c, RF_RS_ACCEPT);
	rf_rs_match_num(rs, r, RF_RS_STATE, RF_RS_ESTABLISHED, RF_RS_RELATED, false);
	r = rule(rs, c, RF_RS_DROP);
	rf_rs_match_num(rs, r, RF_RS_STATE, RF_RS_INVALID, RF_RS_INVALID, false);
	permit_all(rs, c, x, false);
	rf_rs_hook(rs, RF_RS_HOOK_PREROUTING, raw, -300, RF_RS_ACCEPT);
	rf_rs_hook(rs, RF_RS_HOOK_FORWARD, c, 0, RF_RS_DROP);
	struct rf_rs_chain *in = rf_rs_chain(rs, RF_V("input"));
	in->defined = true;
	rf_rs_hook(rs, RF_RS_HOOK_INPUT, in, 0, RF_RS_DROP);
	assert_int_equal(rf_ruleset_check(rs), 0);
}

static bool proves(const struct fixture *x, const struct rf_ruleset *rs, struct rf_proof *ret)
{
	struct rf_prove_rules rules = { "core", rs };
	struct rf_prove_ask ask = { .flows = &x->all, .rules = &rules, .n = 1, .nodes_max = 2000000 };
	struct rf_diag diag = { 0 };

	if (rf_prove(&ask, ret, &diag))
		fail_msg("%s", diag.text);
	return ret->proven;
}

static void print_breaches(const struct rf_proof *p)
{
	char text[300];

	for (size_t i = 0; i < p->breach_count; i++)
		print_message("%s %s: %s by %s\n", rf_breach_name(p->breaches[i].kind), p->breaches[i].device,
			      rf_packet_text(&p->breaches[i].packet, text, sizeof text), p->breaches[i].text);
}

static void correct_rules_are_proven(void **state)
{
	struct fixture x;
	struct rf_ruleset rs;
	struct rf_proof proof;

	(void)state;
	set_up(&x);
	write_rules(&rs, &x);
	if (!proves(&x, &rs, &proof)) {
		print_breaches(&proof);
		fail();
	}
	assert_int_equal(proof.pairs, ZONES * (ZONES - 1));
	assert_int_equal(proof.idle_count, 0);
	rf_proof_fini(&proof);
	rf_ruleset_fini(&rs);
	rf_site_put(x.site);
}

/* --- mutations */

static uint64_t seed = 1;

static unsigned pick(unsigned n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % n;
}

static struct rf_rs_rule *nth(struct rf_ruleset *rs, unsigned n, struct rf_rs_rule ***ret_link)
{
	for (struct rf_rs_chain *c = rs->chains; c; c = c->next)
		for (struct rf_rs_rule **r = &c->rules; *r; r = &(*r)->next)
			if (n-- == 0) {
				*ret_link = r;
				return *r;
			}
	return NULL;
}

static void mutate_cell(struct rf_rs_match *m)
{
	struct rf_rs_cell *c = m->set->n ? &m->set->cells[pick((unsigned)m->set->n)] : NULL;

	if (!c)
		return;
	switch (m->fields[0]) {
	case RF_RS_SRC: case RF_RS_DST: {
		size_t last = c->family == 4 ? 3 : 15;

		if (pick(2))
			*c = rf_rs_prefix(c->family, c->ip.lo, (unsigned)(c->family == 4 ? 31 : 127) - pick(20)); /* widen */
		else
			c->ip.hi[last] = c->ip.lo[last] = (uint8_t)(c->ip.lo[last] + 1 + pick(2)); /* another */
		break;
	}
	case RF_RS_IN: case RF_RS_OUT:
		c->name = ifs[pick(ZONES)];
		break;
	case RF_RS_STATE:
		*c = pick(2) ? rf_rs_num(0, pick(5)) : rf_rs_num(pick(5), 4);
		break;
	default:
		switch (pick(3)) {
		case 0: c->num.hi += c->num.hi < 200 || c->num.hi > 255 ? 1 : 0; break;
		case 1: c->num.lo -= c->num.lo > 0; break;
		default: c->num.lo = c->num.hi = c->num.lo == c->num.hi ? c->num.lo + 1 : c->num.lo; break;
		}
	}
}

static const char *mutate(struct rf_ruleset *rs)
{
	struct rf_rs_rule **link = NULL, *r = nth(rs, pick((unsigned)rs->rule_count), &link);
	unsigned k = 0;

	if (!r)
		return "none";
	struct rf_rs_rule *next = r->next;
	struct rf_rs_match **m = &r->matches;
	switch (pick(8)) {
	case 0:
		*link = r->next;
		return "drop a rule";
	case 1:
		if (!next)
			return "none";
		*link = next;
		r->next = next->next;
		next->next = r;
		return "swap two rules";
	case 2:
		r->verdict = r->verdict == RF_RS_ACCEPT ? RF_RS_DROP : RF_RS_ACCEPT;
		return "change the verdict";
	case 3:
		rs->hooks->next->policy = RF_RS_ACCEPT;
		return "remove the default drop";
	case 4:
		for (; *m && pick(3); k++)
			m = &(*m)->next;
		if (*m)
			*m = (*m)->next;
		return "remove a match";
	case 5:
		for (; *m && (*m)->next && pick(3); k++)
			m = &(*m)->next;
		if (*m)
			(*m)->negate = !(*m)->negate;
		return "turn a match round";
	default:
		for (; *m && (*m)->next && pick(4); k++)
			m = &(*m)->next;
		if (*m && (*m)->kind == RF_RS_IN_SET && (*m)->field_count == 1)
			mutate_cell(*m);
		return "change a value";
	}
}

/* --- every kind of packet that could tell two rulesets apart */

struct probe {
	struct rf_packet p;
	uint8_t in, out;
};

static const uint8_t hosts4[][4] = {
	{ 10, 20, 0, 11 }, { 10, 20, 0, 12 }, { 10, 20, 0, 10 }, { 10, 20, 0, 13 }, { 10, 30, 0, 2 }, { 10, 30, 0, 99 },
	{ 10, 50, 0, 11 }, { 10, 50, 0, 12 }, { 10, 50, 0, 10 }, { 10, 50, 0, 13 }, { 8, 8, 8, 8 },
	{ 10, 60, 0, 12 }, { 10, 60, 0, 13 }, { 10, 60, 0, 12 }, { 8, 8, 8, 8 },
};

static struct probe any_probe(void)
{
	static const uint16_t ports[] = { 5060, 5061, 5062, 21, 22, 23, 442, 443, 444, 445, 16383, 16384, 20000, 32767, 32768,
					  39999, 40000, 40050, 40100, 40101 };
	static const uint8_t protos[] = { 6, 17, 1, 58, 5, 7, 16, 18, 2, 0, 57, 59 };
	static const uint8_t states[] = { RF_RS_NEW, RF_RS_NEW, RF_RS_INVALID, RF_RS_ESTABLISHED };
	struct probe x = { .in = (uint8_t)pick(ZONES), .out = (uint8_t)pick(ZONES) };
	struct rf_packet *p = &x.p;

	p->family = pick(3) ? 4 : 6;
	p->proto = protos[pick(pick(4) ? 4 : sizeof protos)];
	p->sport = ports[pick(20)];
	p->dport = ports[pick(20)];
	p->icmp_type = (uint8_t)(p->family == 4 ? 7 + pick(3) : 127 + pick(3));
	p->tcp_flags = 2;
	p->state = states[pick(4)];
	if (p->state == RF_RS_ESTABLISHED)
		p->tcp_flags = 16;
	if (p->family == 4) {
		memcpy(p->src, hosts4[pick(15)], 4);
		memcpy(p->dst, hosts4[pick(15)], 4);
	} else {
		static const uint8_t nets[] = { 0x20, 0x30, 0x31, 0x60, 0x2a }, last[] = { 0x11, 0x12, 0x13, 0x12 };

		p->src[0] = p->dst[0] = 0xfd;
		p->src[3] = nets[pick(5)];
		p->dst[3] = nets[pick(5)];
		p->src[15] = last[pick(4)];
		p->dst[15] = last[pick(4)];
	}
	return x;
}

/* Is it one that the proof is about: comes to where it belongs, and is no answer of nothing? */
static bool routed(const struct fixture *x, const struct probe *b)
{
	const struct rf_site_zone *z = &x->site->zones[b->out];
	struct rf_site_ip ip = { b->p.family, (uint8_t)(b->p.family == 4 ? 32 : 128), { 0 } };
	bool inside = false;

	memcpy(ip.b, b->p.dst, 16);
	for (int i = 0; i < ZONES; i++) {
		const struct rf_site_zone *o = &x->site->zones[i];
		bool here = (o->subnet.family && rf_site_ip_in(&ip, &o->subnet)) ||
			    (o->subnet6.family && rf_site_ip_in(&ip, &o->subnet6));

		inside |= here;
		if (here && o == z)
			return b->in != b->out;
	}
	return !inside && b->out == INTERNET && b->in != b->out;
}

static unsigned outcome(const struct rf_device *d, const struct rf_region *back, const struct probe *b)
{
	struct rf_way way = {
		.kind = RF_WAY_FORWARD, .in = ifs[b->in], .out = ifs[b->out], .back = &back[b->in], .mode = RF_MAY
	};
	struct rf_trace t;

	rf_hull_whole(&way.src);
	rf_hull_whole(&way.dst);
	assert_int_equal(rf_trace(d, &way, &b->p, &t), 0);
	return t.accept.possible + 2u * t.drop.possible;
}

static bool is_hole(const struct rf_packet *p)
{
	return p->pinhole || p->from_any || p->to_any;
}

/* Do the sets that it is in let this flow's packets (or answers) through? Openings are ours at the flow's beginning. */
static bool by_hole(const struct rf_packet *p, bool back)
{
	return p->pinhole || (back ? p->from_any : p->to_any);
}

static bool in_flow(struct rf_prover *p, const struct rf_flow *f, const struct rf_packet *packet, bool back)
{
	return rf_sets_and(p->s, rf_space_packet(p->s, packet),
			   rf_flow_set(p, f, (struct rf_flow_part){ .turned = back }));
}

/* Is there, for each set that it is in, a flow for which somebody may have put it there? Of an
 * opening with some port. */
static bool has_reasons(struct rf_prover *p, const struct fixture *x, const struct probe *b)
{
	const struct rf_site_zone *from = &x->site->zones[b->in], *to = &x->site->zones[b->out];
	struct rf_packet any_from = b->p, any_to = b->p;
	bool exact = !b->p.pinhole, from_any = !b->p.from_any, to_any = !b->p.to_any;

	any_from.sport = any_to.dport = 40050;
	for (size_t i = 0; i < x->all.n; i++) {
		const struct rf_flow *f = &x->all.v[i];
		bool ahead = f->from.zone == from && f->to.zone == to, back = f->from.zone == to && f->to.zone == from;

		if (f->how != RF_FLOW_PINHOLE || (!ahead && !back))
			continue;
		exact |= in_flow(p, f, &b->p, back);
		from_any |= back && in_flow(p, f, &any_from, back);
		to_any |= ahead && in_flow(p, f, &any_to, back);
	}
	return exact && from_any && to_any;
}

/* A packet that makes the mutant wrong by itself: forbidden and accepted, or needed and dropped. Established ones only
 * count when they are answers or continue a flow. */
static bool wrong(struct rf_prover *p, const struct fixture *x, const struct probe *b, unsigned got)
{
	const struct rf_site_zone *from = &x->site->zones[b->in], *to = &x->site->zones[b->out];
	size_t mark = rf_sets_mark(p->s);
	int one = rf_space_packet(p->s, &b->p);
	bool permitted = false, needed = false, established = b->p.state == RF_RS_ESTABLISHED;

	for (size_t i = 0; i < x->all.n; i++) {
		const struct rf_flow *f = &x->all.v[i];
		bool ahead = f->from.zone == from && f->to.zone == to, back = f->from.zone == to && f->to.zone == from;
		bool stateless = f->how == RF_FLOW_STATELESS, hole = f->how == RF_FLOW_PINHOLE;

		if (hole && !by_hole(&b->p, back))
			continue;
		if ((ahead || (back && (stateless || hole)))
		    && rf_sets_and(p->s, one, rf_flow_set(p, f, (struct rf_flow_part){ .turned = back })))
			permitted = true;
		if ((ahead || back) && is_hole(&b->p) == hole && b->p.pinhole + b->p.from_any + b->p.to_any <= 1 &&
		    (ahead ? b->p.state != RF_RS_INVALID : established) &&
		    rf_sets_and(p->s, one, rf_flow_set(p, f, (struct rf_flow_part){ .turned = back, .needed = true })))
			needed = true;
	}
	rf_sets_release(p->s, mark, 0);
	if (!has_reasons(p, x, b))
		return false; /* nobody opens that one */
	return (!permitted && !established && (got & 1)) || (needed && (got & 2));
}

/* Two rulesets side by side, and what is asked of both. */
struct bench {
	struct fixture x;
	struct rf_ruleset right;
	struct rf_proof scratch;
	struct rf_prove_ask ask;
	struct rf_prover p;
	struct rf_region back[ZONES];
	struct rf_device *before, *after;
};

static void open_bench(struct bench *b)
{
	b->scratch = (struct rf_proof){ 0 };
	b->ask = (struct rf_prove_ask){ .flows = &b->x.all };
	b->p = (struct rf_prover){
		.ask = &b->ask, .site = b->x.site, .proof = &b->scratch, .arena = &b->scratch.arena
	};
	rf_arena_init(&b->scratch.arena, 1 << 20);
	assert_int_equal(rf_sets_open(rf_space_variables(), 100000, &b->p.s), 0);
	assert_int_equal(rf_stations_make(&b->p, NULL), 0);
	b->p.public_source = rf_sets_hold(b->p.s, rf_everybody(b->p.s, RF_RS_SRC));
	b->p.public_target = rf_sets_hold(b->p.s, rf_everybody(b->p.s, RF_RS_DST));
	for (int i = 0; i < ZONES; i++)
		b->back[i] = b->p.stations[0].feet[i].back;
	assert_int_equal(rf_device_new(b->p.s, &b->right, &b->before), 0);
}

static void close_bench(struct bench *b)
{
	rf_device_free(b->before);
	rf_stations_fini(&b->p);
	rf_sets_close(b->p.s);
	rf_arena_fini(&b->scratch.arena);
}

/* Thousands of packets by hand: is one of them treated otherwise than the right rules do, and wrongly? */
static bool found_wrong(struct bench *b, const struct rf_ruleset *mutant, char *seen, size_t cap)
{
	bool bad = false;

	open_bench(b);
	assert_int_equal(rf_device_new(b->p.s, mutant, &b->after), 0);
	for (unsigned i = 0; i < 6000 && !bad; i++) {
		struct probe q = any_probe();

		q.p.pinhole = !pick(3);
		q.p.from_any = !pick(3);
		q.p.to_any = !pick(3);
		if (!routed(&b->x, &q))
			continue;
		unsigned got = outcome(b->after, b->back, &q);
		bad = got != outcome(b->before, b->back, &q) && wrong(&b->p, &b->x, &q, got);
		if (bad)
			rf_packet_text(&q.p, seen, cap);
	}
	rf_device_free(b->after);
	close_bench(b);
	return bad;
}

/* A counterexample must be one: the packet alone meets the same fate. */
static void check_breach(struct bench *b, const struct rf_ruleset *mutant, const struct rf_breach *breach)
{
	struct probe q = { .p = breach->packet };

	if (breach->kind == RF_BREACH_TAKEN)
		return;
	open_bench(b);
	assert_int_equal(rf_device_new(b->p.s, mutant, &b->after), 0);
	while (q.in < ZONES && breach->from != &b->x.site->zones[q.in])
		q.in++;
	while (q.out < ZONES && breach->to != &b->x.site->zones[q.out])
		q.out++;
	unsigned got = outcome(b->after, b->back, &q);
	assert_true(got & (breach->kind == RF_BREACH_LEAK ? 1 : 2));
	assert_true(breach->kind == RF_BREACH_LEAK || breach->flow);
	rf_device_free(b->after);
	close_bench(b);
}

/* Each packet is shown once for each rule that decides about it. */
static void check_once(const struct rf_proof *p)
{
	char a[300], b[300];

	for (size_t i = 0; i < p->breach_count; i++)
		for (size_t j = 0; j < i; j++) {
			const struct rf_breach *x = &p->breaches[i], *y = &p->breaches[j];

			if (x->kind == y->kind && x->from == y->from && x->to == y->to && strcmp(x->text, y->text) == 0 &&
			    strcmp(x->place, y->place) == 0 &&
			    strcmp(rf_packet_text(&x->packet, a, sizeof a), rf_packet_text(&y->packet, b, sizeof b)) == 0)
				fail_msg("shown twice: %s by %s", a, x->text);
		}
}

static bool has_num(const struct rf_rs_rule *r, enum rf_rs_field field, uint32_t value)
{
	for (const struct rf_rs_match *m = r->matches; m; m = m->next)
		if (m->field_count == 1 && m->fields[0] == field && m->set->cells[0].num.lo == value)
			return true;
	return false;
}

/* The rule of an opening for packets of this protocol from outside, in the chain whose name begins so. */
static struct rf_rs_rule *opening_rule(struct rf_ruleset *rs, char chain, uint32_t proto)
{
	for (struct rf_rs_chain *c = rs->chains; c; c = c->next)
		for (struct rf_rs_rule *r = c->rules; r; r = r->next)
			for (const struct rf_rs_match *m = r->matches; m && c->name[0] == chain && r->family == 4;
			     m = m->next)
				if (rf_match_hole(m) == RF_SPACE_FROM_ANY && has_num(r, RF_RS_PROTO, proto))
					return r;
	abort();
}

static struct rf_rs_match **match_of(struct rf_rs_rule *r, enum rf_rs_field field)
{
	struct rf_rs_match **m = &r->matches;

	while (*m && ((*m)->field_count != 1 || (*m)->fields[0] != field))
		m = &(*m)->next;
	if (!*m)
		abort();
	return m;
}

enum mistake { ANY_PORT, LOW_PORT, ANY_OF_OURS, MISTAKES };

static void make_mistake(struct rf_rs_rule *r, enum mistake mistake)
{
	static const uint8_t twice[4] = { RF_RS_PROTO, RF_RS_SRC, RF_RS_SRC, RF_RS_DPORT };
	struct rf_rs_match **sport = match_of(r, RF_RS_SPORT), **dst = match_of(r, RF_RS_DST);

	switch (mistake) {
	case ANY_PORT:
		*sport = (*sport)->next;
		break;
	case LOW_PORT:
		(*sport)->set->cells[0].num.lo--;
		break;
	default: /* the set is asked, but not for the address of ours */
		*dst = (*dst)->next;
		for (struct rf_rs_match *m = r->matches; m; m = m->next)
			if (rf_match_hole(m))
				memcpy(m->fields, twice, sizeof twice);
	}
}

/* A rule of an opening that is wider than its flow: a packet is shown. */
static void openings_are_no_wider(void **state)
{
	static const char *const what[MISTAKES] = { "any source port", "one port more", "any address of ours" };

	(void)state;
	for (unsigned i = 0; i < 2 * MISTAKES; i++) {
		struct fixture x;
		struct rf_ruleset rs;
		struct rf_proof proof;
		char text[300];

		set_up(&x);
		write_rules(&rs, &x);
		struct rf_rs_rule *r = opening_rule(&rs, 'f', i % 2 ? 6 : 17);
		make_mistake(r, i / 2);
		make_mistake(opening_rule(&rs, 'r', i % 2 ? 6 : 17), i / 2); /* and is not tracked by the same
									      * mistake */
		if (proves(&x, &rs, &proof))
			fail_msg("%s", what[i / 2]);
		const struct rf_breach *b = &proof.breaches[0];
		assert_int_equal(b->kind, RF_BREACH_LEAK);
		assert_true(b->from == &x.site->zones[INTERNET] && b->to == &x.site->zones[BORDER]);
		assert_string_equal(b->text, r->text);
		if (i / 2 != ANY_OF_OURS)
			assert_non_null(strstr(rf_packet_text(&b->packet, text, sizeof text), "in the set of openings"));
		rf_proof_fini(&proof);
		rf_ruleset_fini(&rs);
		rf_site_put(x.site);
	}
}

static void mutants_are_caught(void **state)
{
	const char *env = getenv("RF_PROVE_MUTANTS");
	unsigned mutants = env ? (unsigned)atoi(env) : 60, caught = 0, harmless = 0;
	struct bench b = { 0 };

	(void)state;
	set_up(&b.x);
	write_rules(&b.right, &b.x);
	for (unsigned n = 0; n < mutants; n++) {
		struct rf_ruleset rs;
		struct rf_proof proof;
		char seen[300] = "";

		seed = n * 104729 + 17;
		write_rules(&rs, &b.x);
		const char *what = mutate(&rs);
		bool proven = proves(&b.x, &rs, &proof);
		check_once(&proof);
		if (!proven)
			check_breach(&b, &rs, &proof.breaches[0]);
		else if (found_wrong(&b, &rs, seen, sizeof seen))
			fail_msg("mutant %u (%s) is proven, but: %s", n, what, seen);
		caught += !proven;
		harmless += proven;
		rf_proof_fini(&proof);
		rf_ruleset_fini(&rs);
	}
	print_message("%u mutants: %u caught, %u change nothing that a flow or the matrix asks\n", mutants, caught,
		      harmless);
	assert_true(caught * 3 > mutants);
	rf_ruleset_fini(&b.right);
	rf_site_put(b.x.site);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(correct_rules_are_proven),
		cmocka_unit_test(openings_are_no_wider),
		cmocka_unit_test(mutants_are_caught),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
