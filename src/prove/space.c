#include "prove/space.h"

#include <netinet/in.h>

static const struct rf_space_field fields[RF_SPACE_FIELDS] = {
	[RF_RS_FAMILY] = { 0, 1 },
	[RF_RS_FRAGMENT] = { 1, 1 },
	[RF_SPACE_PINHOLE] = { 2, 1 },
	[RF_SPACE_FROM_ANY] = { 3, 1 },
	[RF_SPACE_TO_ANY] = { 4, 1 },
	[RF_RS_STATE] = { 5, 3 },
	[RF_RS_DIRECTION] = { 8, 1 },
	[RF_RS_PKTTYPE] = { 9, 2 },
	[RF_RS_PROTO] = { 11, 8 },
	[RF_RS_DPORT] = { 19, 16 },
	[RF_RS_DST] = { 35, 128 },
	[RF_RS_SRC] = { 163, 128 },
	[RF_RS_SPORT] = { 291, 16 },
	[RF_RS_ICMP_TYPE] = { 307, 8 },
	[RF_RS_ICMP_CODE] = { 315, 8 },
	[RF_RS_TCP_FLAGS] = { 323, 8 },
	[RF_RS_DSCP] = { 331, 6 },
	[RF_RS_MARK] = { 337, 32 },
};

enum { VARIABLES = 369 };

const struct rf_space_field *rf_space_field(unsigned field)
{
	return &fields[field];
}

unsigned rf_space_variables(void)
{
	return VARIABLES;
}

/* --- sets */

static void big_endian(uint32_t x, unsigned bits, uint8_t *ret_b)
{
	unsigned n = (bits + 7) / 8;

	for (unsigned i = n; i-- > 0; x >>= 8)
		ret_b[i] = (uint8_t)x;
}

int rf_space_family(struct rf_sets *s, uint8_t family)
{
	return rf_sets_var(s, fields[RF_RS_FAMILY].first, family == 6);
}

static int address_cell(struct rf_sets *s, const struct rf_space_field *f, const struct rf_rs_cell *c)
{
	unsigned bits = c->family == 4 ? 32 : 128;
	size_t mark = rf_sets_mark(s);
	int x = c->kind == RF_RS_MASK ? rf_sets_masked(s, f->first, bits, c->ip.lo, c->ip.hi)
				      : rf_sets_between(s, f->first, bits, c->ip.lo, c->ip.hi);

	return rf_sets_release(s, mark, rf_sets_and(s, rf_space_family(s, c->family), x));
}

int rf_space_cell(struct rf_sets *s, unsigned field, const struct rf_rs_cell *c)
{
	const struct rf_space_field *f = &fields[field];
	uint8_t lo[4], hi[4];

	if (c->kind == RF_RS_ANY || !f->bits)
		return rf_sets_all();
	if (field == RF_RS_SRC || field == RF_RS_DST)
		return address_cell(s, f, c);
	if (field == RF_RS_FAMILY) /* 4 is 0, 6 is 1 */
		return c->num.lo <= 4 && c->num.hi >= 6 ? rf_sets_all()
		     : c->num.lo <= 4 && c->num.hi >= 4 ? rf_space_family(s, 4)
		     : c->num.lo <= 6 && c->num.hi >= 6 ? rf_space_family(s, 6) : rf_sets_none();
	big_endian(c->num.lo, f->bits, lo);
	big_endian(c->num.hi, f->bits, hi);
	return c->kind == RF_RS_MASK ? rf_sets_masked(s, f->first, f->bits, lo, hi)
				     : rf_sets_between(s, f->first, f->bits, lo, hi);
}

int rf_space_num(struct rf_sets *s, unsigned field, uint32_t lo, uint32_t hi)
{
	struct rf_rs_cell c = rf_rs_num(lo, hi);

	return rf_space_cell(s, field, &c);
}

int rf_space_forget(struct rf_sets *s, int x, unsigned field)
{
	return rf_sets_forget(s, x, fields[field].first, fields[field].bits);
}

int rf_space_turn(struct rf_sets *s, int x)
{
	const struct rf_sets_swap swaps[] = {
		{ fields[RF_RS_SRC].first, fields[RF_RS_DST].first, 128 },
		{ fields[RF_RS_SPORT].first, fields[RF_RS_DPORT].first, 16 },
		{ fields[RF_SPACE_FROM_ANY].first, fields[RF_SPACE_TO_ANY].first, 1 },
	};

	return rf_sets_exchange(s, x, swaps, sizeof swaps / sizeof *swaps);
}

int rf_space_hole(struct rf_sets *s, unsigned field)
{
	return rf_sets_var(s, fields[field].first, true);
}

int rf_space_hole_only(struct rf_sets *s, unsigned field)
{
	size_t mark = rf_sets_mark(s);
	int x = rf_sets_all();

	for (unsigned f = RF_SPACE_PINHOLE; f <= RF_SPACE_TO_ANY; f++)
		x = rf_sets_and(s, x, rf_sets_var(s, fields[f].first, f == field));
	return rf_sets_release(s, mark, x);
}

/* --- one packet */

uint32_t rf_packet_num(const struct rf_packet *p, unsigned field)
{
	switch (field) {
	case RF_RS_FAMILY: return p->family;
	case RF_RS_PROTO: return p->proto;
	case RF_RS_SPORT: return p->sport;
	case RF_RS_DPORT: return p->dport;
	case RF_RS_ICMP_TYPE: return p->icmp_type;
	case RF_RS_ICMP_CODE: return p->icmp_code;
	case RF_RS_TCP_FLAGS: return p->tcp_flags;
	case RF_RS_FRAGMENT: return p->fragment;
	case RF_RS_STATE: return p->state;
	case RF_RS_DIRECTION: return p->direction;
	case RF_RS_MARK: return p->mark;
	case RF_RS_DSCP: return p->dscp;
	case RF_RS_PKTTYPE: return p->pkttype;
	case RF_SPACE_PINHOLE: return p->pinhole;
	case RF_SPACE_FROM_ANY: return p->from_any;
	case RF_SPACE_TO_ANY: return p->to_any;
	}
	return 0;
}

static void set_num(struct rf_packet *p, unsigned field, uint32_t x)
{
	switch (field) {
	case RF_RS_FAMILY: p->family = x ? 6 : 4; break;
	case RF_RS_PROTO: p->proto = (uint8_t)x; break;
	case RF_RS_SPORT: p->sport = (uint16_t)x; break;
	case RF_RS_DPORT: p->dport = (uint16_t)x; break;
	case RF_RS_ICMP_TYPE: p->icmp_type = (uint8_t)x; break;
	case RF_RS_ICMP_CODE: p->icmp_code = (uint8_t)x; break;
	case RF_RS_TCP_FLAGS: p->tcp_flags = (uint8_t)x; break;
	case RF_RS_FRAGMENT: p->fragment = (uint8_t)x; break;
	case RF_RS_STATE: p->state = (uint8_t)x; break;
	case RF_RS_DIRECTION: p->direction = (uint8_t)x; break;
	case RF_RS_MARK: p->mark = x; break;
	case RF_RS_DSCP: p->dscp = (uint8_t)x; break;
	case RF_RS_PKTTYPE: p->pkttype = (uint8_t)x; break;
	case RF_SPACE_PINHOLE: p->pinhole = x; break;
	case RF_SPACE_FROM_ANY: p->from_any = x; break;
	case RF_SPACE_TO_ANY: p->to_any = x; break;
	}
}

bool rf_packet_in_cell(const struct rf_packet *p, unsigned field, const struct rf_rs_cell *c)
{
	uint32_t x = rf_packet_num(p, field);

	if (c->kind == RF_RS_ANY)
		return true;
	if (!fields[field].bits)
		return false;
	if (field != RF_RS_SRC && field != RF_RS_DST)
		return c->kind == RF_RS_MASK ? (x & c->num.hi) == c->num.lo : x >= c->num.lo && x <= c->num.hi;

	const uint8_t *a = field == RF_RS_SRC ? p->src : p->dst;
	size_t n = c->family == 4 ? 4 : 16;
	if (p->family != c->family)
		return false;
	if (c->kind == RF_RS_RANGE)
		return memcmp(a, c->ip.lo, n) >= 0 && memcmp(a, c->ip.hi, n) <= 0;
	for (size_t i = 0; i < n; i++)
		if ((a[i] & c->ip.hi[i]) != c->ip.lo[i])
			return false;
	return true;
}

static void read_bits(const uint8_t *bits, const struct rf_space_field *f, uint8_t *ret_b)
{
	for (unsigned i = 0; i < f->bits; i++)
		ret_b[i / 8] = (uint8_t)(ret_b[i / 8] | bits[f->first + i] << (7 - i % 8));
}

bool rf_space_member(struct rf_sets *s, int x, struct rf_packet *ret_p)
{
	uint8_t bits[VARIABLES];

	if (!rf_sets_member(s, x, bits))
		return false;
	*ret_p = (struct rf_packet){ 0 };
	for (unsigned field = 0; field < RF_SPACE_FIELDS; field++) {
		const struct rf_space_field *f = &fields[field];
		uint32_t v = 0;

		for (unsigned i = 0; i < f->bits && f->bits <= 32; i++)
			v = v << 1 | bits[f->first + i];
		set_num(ret_p, field, v);
	}
	read_bits(bits, &fields[RF_RS_SRC], ret_p->src);
	read_bits(bits, &fields[RF_RS_DST], ret_p->dst);
	if (ret_p->family == 4) {
		memset(ret_p->src + 4, 0, 12);
		memset(ret_p->dst + 4, 0, 12);
	}
	return true;
}

static bool has_ports(uint8_t proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP || proto == IPPROTO_UDPLITE
	       || proto == IPPROTO_DCCP;
}

static bool matters(const struct rf_packet *p, unsigned field)
{
	switch (field) {
	case RF_RS_SPORT: case RF_RS_DPORT:
		return has_ports(p->proto) && !p->fragment;
	case RF_RS_ICMP_TYPE: case RF_RS_ICMP_CODE:
		return (p->proto == IPPROTO_ICMP || p->proto == IPPROTO_ICMPV6) && !p->fragment;
	case RF_RS_TCP_FLAGS:
		return p->proto == IPPROTO_TCP && !p->fragment;
	}
	return fields[field].bits > 0;
}

int rf_space_packet(struct rf_sets *s, const struct rf_packet *p)
{
	size_t mark = rf_sets_mark(s);
	struct rf_rs_cell src = rf_rs_span(p->family, p->src, p->src), dst = rf_rs_span(p->family, p->dst, p->dst);
	int x = rf_sets_and(s, rf_space_cell(s, RF_RS_SRC, &src), rf_space_cell(s, RF_RS_DST, &dst));

	for (unsigned field = 0; field < RF_SPACE_FIELDS; field++)
		if (fields[field].bits <= 32 && matters(p, field)) {
			uint32_t v = rf_packet_num(p, field);

			x = rf_sets_and(s, x, rf_space_num(s, field, v, v));
		}
	return rf_sets_release(s, mark, x);
}
