/* Counterexamples: a packet that people can read, and the rule that decided about it. */
#include "prove/prove_int.h"

#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>

const char *rf_prover_text(struct rf_prover *p, const char *fmt, ...)
{
	char text[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	const char *kept = rf_arena_cstr(p->arena, rf_view_str(text));
	if (!kept)
		p->err = -ENOMEM;
	return kept;
}

const char *rf_rule_place(struct rf_prover *p, const struct rf_ruleset *rs, const struct rf_rs_rule *r)
{
	if (r->line)
		return rf_prover_text(p, "%s:%u", rs->file, r->line);
	return rf_prover_text(p, "%s: chain %s, handle %llu", rs->file, r->chain->name, (unsigned long long)r->handle);
}

/* --- the friendliest packet */

static bool prefer(struct rf_sets *s, int *x, int better)
{
	int y = rf_sets_and(s, *x, better);

	if (!y)
		return false;
	*x = y;
	return true;
}

static bool prefer_address(struct rf_sets *s, int *x, enum rf_rs_field field, const char *text)
{
	struct rf_rs_cell c;

	return rf_rs_address(rf_view_str(text), &c) && prefer(s, x, rf_space_cell(s, field, &c));
}

static bool prefer_ip(struct rf_sets *s, int *x, enum rf_rs_field field, const struct rf_site_ip *ip)
{
	struct rf_rs_cell c;

	if (!ip->family)
		return false;
	c = rf_rs_prefix(ip->family, ip->b, ip->prefix);
	return prefer(s, x, rf_space_cell(s, field, &c));
}

/* A host of the zone, else somebody in its subnet, not its first ten addresses. */
static void prefer_zone(struct rf_prover *p, int *x, enum rf_rs_field field, const struct rf_site_zone *z)
{
	const struct rf_site *site = p->site;
	uint8_t lo[16], hi[16];

	for (size_t i = 0; z && i < site->host_count; i++)
		if (site->hosts[i].zone == z && (prefer_ip(p->s, x, field, &site->hosts[i].address)
						 || prefer_ip(p->s, x, field, &site->hosts[i].address6)))
			return;
	if (!z || rf_zone_outside(z)) {
		if (!prefer_address(p->s, x, field, "198.51.100.7") && !prefer_address(p->s, x, field, "2001:db8::7"))
			prefer_address(p->s, x, field, "8.0.0.0/7");
		return;
	}
	if (!prefer_ip(p->s, x, field, &z->subnet) && prefer_ip(p->s, x, field, &z->subnet6)) {
		memcpy(lo, z->subnet6.b, 16);
		memcpy(hi, z->subnet6.b, 16);
		lo[15] = (uint8_t)(lo[15] | 0x10);
		hi[15] = (uint8_t)(hi[15] | 0x70);
		struct rf_rs_cell some = rf_rs_span(6, lo, hi);
		prefer(p->s, x, rf_space_cell(p->s, field, &some));
		return;
	}
	memcpy(lo, z->subnet.b, 16);
	memcpy(hi, z->subnet.b, 16);
	lo[3] = (uint8_t)(lo[3] | 10);
	hi[3] = (uint8_t)(hi[3] | 100);
	struct rf_rs_cell c = rf_rs_span(4, lo, hi);
	if (z->subnet.family == 4)
		prefer(p->s, x, rf_space_cell(p->s, field, &c));
}

bool rf_nice_member(struct rf_prover *p, const struct rf_site_zone *from, const struct rf_site_zone *to, int x,
		    struct rf_packet *ret_packet)
{
	static const uint16_t known[] = { 5061, 5060, 22, 443, 53, 80, 123, 67 };
	static const uint8_t protos[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_ICMPV6 };
	struct rf_sets *s = p->s;
	size_t mark = rf_sets_mark(s);

	prefer(s, &x, rf_space_num(s, RF_RS_FRAGMENT, 0, 0));
	if (!prefer(s, &x, rf_space_hole_only(s, RF_SPACE_NO_HOLE))) /* else in one of the sets alone */
		for (unsigned f = RF_SPACE_PINHOLE; f <= RF_SPACE_TO_ANY; f++)
			prefer(s, &x, rf_sets_var(s, rf_space_field(f)->first, false));
	prefer(s, &x, rf_space_num(s, RF_RS_STATE, RF_RS_NEW, RF_RS_NEW));
	prefer(s, &x, rf_space_family(s, 4));
	for (size_t i = 0; i < sizeof protos && !prefer(s, &x, rf_space_num(s, RF_RS_PROTO, protos[i], protos[i])); i++)
		;
	prefer_zone(p, &x, RF_RS_SRC, from);
	prefer_zone(p, &x, RF_RS_DST, to);
	for (size_t i = 0; i < 8 && !prefer(s, &x, rf_space_num(s, RF_RS_DPORT, known[i], known[i])); i++)
		;
	prefer(s, &x, rf_space_num(s, RF_RS_SPORT, 40000, 40000));
	prefer(s, &x, rf_space_num(s, RF_RS_TCP_FLAGS, 2, 2));
	prefer(s, &x, rf_space_num(s, RF_RS_ICMP_TYPE, 8, 8));
	bool some = rf_space_member(s, x, ret_packet);
	rf_sets_release(s, mark, rf_sets_none());
	return some;
}

/* --- who decided */

struct finding {
	const struct rf_station *station;
	struct rf_way way;
	struct rf_decision decision;
};

/* A leak has passed every router; the one whose own rule let it through is named before one whose policy did. */
static void who_let_pass(struct rf_prover *p, const struct rf_breach_at *at, const struct rf_packet *packet,
			 struct finding *ret)
{
	for (size_t i = 0; i < p->station_count; i++) {
		const struct rf_station *st = &p->stations[i];
		struct rf_hops in, out;

		if (!st->router || !st->device || !rf_path_passes(&p->paths, at->from, at->to, st->router))
			continue;
		rf_path_hops(&p->paths, at->from, at->to, st->router, &in);
		rf_path_hops(&p->paths, at->to, at->from, st->router, &out);
		for (size_t a = 0; a < st->foot_count * st->foot_count; a++) {
			const struct rf_foot *f = &st->feet[a / st->foot_count], *g = &st->feet[a % st->foot_count];
			struct rf_way w = { .kind = RF_WAY_FORWARD, .in = f->name, .out = g->name, .own = &st->own, .back = &f->back,
					    .mode = RF_MAY };
			struct rf_trace t;
			bool comes = false, goes = false;

			for (size_t k = 0; k < in.n; k++)
				comes |= in.v[k].zone == f->hop.zone && in.v[k].tunnel == f->hop.tunnel;
			for (size_t k = 0; k < out.n; k++)
				goes |= out.v[k].zone == g->hop.zone && out.v[k].tunnel == g->hop.tunnel;
			if (!comes || !goes)
				continue;
			rf_hull_whole(&w.src);
			rf_hull_whole(&w.dst);
			if (rf_trace(st->device, &w, packet, &t) || !t.accept.possible)
				continue;
			if (!ret->station || (t.accept.rule && !ret->decision.rule))
				*ret = (struct finding){ st, w, t.accept };
		}
	}
}

static void who_stopped(const struct rf_breach_at *at, const struct rf_packet *packet, struct finding *ret)
{
	struct rf_trace t;

	*ret = (struct finding){ .station = at->station, .way = *at->way };
	if (rf_trace(at->station->device, at->way, packet, &t) == 0)
		ret->decision = at->kind == RF_BREACH_TAKEN ? t.accept : t.drop;
}

static void describe(struct rf_prover *p, const struct finding *f, struct rf_breach *b)
{
	const struct rf_decision *d = &f->decision;

	b->device = f->station ? f->station->name : "";
	b->in = f->way.in;
	b->out = f->way.out;
	b->place = b->comment = "";
	b->text = "no rule is asked";
	if (d->strict) {
		b->text = "the way back to this source leads elsewhere";
	} else if (d->rule) {
		b->place = rf_rule_place(p, f->station->rules, d->rule);
		b->text = d->rule->text;
		b->comment = d->rule->comment;
	} else if (d->hook) {
		b->place = d->hook->line ? rf_prover_text(p, "%s:%u", f->station->rules->file, d->hook->line) :
					   f->station->rules->file;
		b->text = rf_prover_text(p, "%s of chain %s", d->hook->text, d->hook->chain->name);
	}
}

static struct rf_breach *new_breach(struct rf_prover *p)
{
	struct rf_proof *proof = p->proof;

	if (proof->breach_count == RF_BREACHES_MAX)
		return NULL;
	if (proof->breach_count == p->breach_room) {
		size_t room = p->breach_room ? p->breach_room * 2 : 16;
		struct rf_breach *more = rf_arena_array(p->arena, room, sizeof *more);

		if (!more) {
			p->err = -ENOMEM;
			return NULL;
		}
		if (proof->breach_count)
			memcpy(more, proof->breaches, proof->breach_count * sizeof *more);
		proof->breaches = more;
		p->breach_room = room;
	}
	return &proof->breaches[proof->breach_count++];
}

/* What the rule that decided is about. Of a leak whatever its state: that was forgotten behind the rules. */
static int fitting(struct rf_sets *s, const struct finding *f, bool leak)
{
	bool maybe;
	int x = rf_device_fits(f->station->device, &f->way, f->decision.rule, &maybe);

	return leak ? rf_space_forget(s, x, RF_RS_STATE) : x;
}

/* Is this rule named among those since `first`? Where it leaves something to chance, a part of what fits it stays. */
static bool said(struct rf_prover *p, size_t first, const struct rf_breach_at *at, const struct finding *f)
{
	const struct rf_proof *proof = p->proof;

	for (size_t i = first; f->decision.rule && i < proof->breach_count; i++)
		if (proof->breaches[i].kind == at->kind && proof->breaches[i].text == f->decision.rule->text)
			return true;
	return false;
}

void rf_breaches(struct rf_prover *p, const struct rf_breach_at *at, int x)
{
	struct rf_sets *s = p->s;
	size_t mark = rf_sets_mark(s);
	bool leak = at->kind == RF_BREACH_LEAK;
	size_t first = p->proof->breach_count;

	p->proof->proven = false;
	for (unsigned n = 0; n < RF_BREACHES_OF_PAIR && x && !rf_sets_err(s) && !p->err; n++) {
		struct finding f = { 0 };
		struct rf_packet packet;

		if (!rf_nice_member(p, at->from, at->to, x, &packet))
			break;
		if (!leak)
			who_stopped(at, &packet, &f);
		for (unsigned i = 0; leak && i < 2 && !f.station; i++) { /* behind the rules its state was forgotten */
			packet.state = i ? RF_RS_INVALID : RF_RS_NEW;
			who_let_pass(p, at, &packet, &f);
		}
		if (said(p, first, at, &f)) {
			x = rf_sets_minus(s, x, fitting(s, &f, leak));
			continue;
		}
		struct rf_breach *b = new_breach(p);
		if (!b)
			break;
		*b = (struct rf_breach){ .kind = at->kind, .from = at->from, .to = at->to, .packet = packet };
		describe(p, &f, b);
		if (at->kind == RF_BREACH_STOPPED || at->kind == RF_BREACH_ANSWER)
			b->flow = rf_flow_of(p, at->from, at->to, &packet, at->kind == RF_BREACH_ANSWER);
		if (b->flow && !f.decision.rule) /* a policy stops every flow that no rule knows: each is said once */
			x = rf_sets_minus(s, x,
					  rf_flow_set(p, b->flow,
						      (struct rf_flow_part){ .turned = at->kind == RF_BREACH_ANSWER }));
		else if (!f.decision.rule)
			break;
		else
			x = rf_sets_minus(s, x, fitting(s, &f, leak));
	}
	rf_sets_release(s, mark, rf_sets_none());
}
